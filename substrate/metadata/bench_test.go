package metadata_test

import (
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/metadata"
)

func BenchmarkParse(b *testing.B) {
	data := vectors.Read(b, "425-main/metadata_v14.scale.gz")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := metadata.Parse(data); err != nil {
			b.Fatal(err)
		}
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
