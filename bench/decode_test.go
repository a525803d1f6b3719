package bench

import (
	"encoding/hex"
	"fmt"
	"testing"

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

// BenchmarkMetadata parses metadata of version 15.
func BenchmarkMetadata(b *testing.B) {
	data := metadataAnswer(b)
	run(b, "bt", len(data), func() error {
		_, err := metadata.ParseAnswer(data)
		return err
	})
}

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
