package metadata_test

import (
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/metadata"
)

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{
		"293-aura/metadata_at_version_15.state_call.scale.gz",
		"425-main/metadata_v14.scale.gz",
		"425-main/metadata_at_version_16.state_call.scale.gz",
	} {
		data, parse := vectors.Read(b, name), metadata.Parse
		if strings.Contains(name, "state_call") {
			parse = metadata.ParseAnswer
		}
		b.Run(strings.TrimSuffix(name, ".scale.gz"), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	data := vectors.Read(b, "425-main/metadata_v14.scale.gz")
	m, err := metadata.Parse(data)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, len(data))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = m.Append(buf[:0], 14); err != nil {
			b.Fatal(err)
		}
	}
}
