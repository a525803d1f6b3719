package bench

import (
	"encoding/hex"
	"fmt"
	goruntime "runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/subtensor"
)

// BenchmarkDecode decodes answers into Go values. What "hex+copy" does with the
// same bytes is the least that a client can do: text to bytes, and one copy of
// them.
func BenchmarkDecode(b *testing.B) {
	md := runtimeMetadata(b)
	s, err := subtensor.NewSchema(md, spec)
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range questions {
		for _, n := range sizes {
			data := answer(b, md, q.api, q.method, n)
			run(b, fmt.Sprintf("%s/%d/bt", q.name, n), len(data), func() error {
				got, err := decode(s, q.name, data)
				if err == nil && got != n {
					err = fmt.Errorf("%d neurons", got)
				}
				return err
			})
			text := []byte(hex.EncodeToString(data))
			run(b, fmt.Sprintf("%s/%d/hex+copy", q.name, n), len(data), func() error {
				raw := make([]byte, len(text)/2)
				if _, err := hex.Decode(raw, text); err != nil {
					return err
				}
				kept = append([]byte(nil), raw...)
				return nil
			})
		}
	}
}

// kept keeps the compiler from leaving a copy out.
var kept []byte

// BenchmarkMetadata parses metadata of version 15. In a loop the collector comes
// by every few times, as the heap is hardly larger than what one model takes; a
// client parses once, so there is a figure without it too.
func BenchmarkMetadata(b *testing.B) {
	data := metadataAnswer(b)
	parse := func() (err error) {
		model, err = metadata.ParseAnswer(data)
		return err
	}
	run(b, "bt", len(data), parse)
	b.Run("bt-uncollected", func(b *testing.B) {
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
		b.ReportAllocs()
		var took time.Duration
		for i := 0; b.Loop(); i++ {
			if i%8 == 0 {
				b.StopTimer()
				goruntime.GC()
				b.StartTimer()
			}
			before := cpuTime(b)
			if err := parse(); err != nil {
				b.Fatal(err)
			}
			took += cpuTime(b) - before
		}
		b.ReportMetric(float64(took)/float64(b.N), "cpu-ns/op")
	})
}

// model is kept, as a client does.
var model *metadata.Metadata

// run measures f in the time that passes and in processor time, of all threads:
// the collector's too.
func run(b *testing.B, name string, size int, f func() error) {
	b.Run(name, func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		before := cpuTime(b)
		for b.Loop() {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
	})
}
