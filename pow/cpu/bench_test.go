package cpu_test

import (
	"testing"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/cpu"
)

// BenchmarkSearch searches for what is not to be found. seals/s is one core's.
func BenchmarkSearch(b *testing.B) {
	block, hotkey, coldkey := [32]byte{1}, [32]byte{2}, [32]byte{3}
	for _, puzzle := range []struct {
		name string
		pow.Challenge
	}{
		{"classic", pow.Classic(block, hotkey, pow.LittleEndian, pow.LittleEndian)},
		{"classic-be", pow.Classic(block, hotkey, pow.BigEndian, pow.BigEndian)},
		{"public", pow.Public(1, block, hotkey, coldkey)},
	} {
		for _, name := range cpu.Names() {
			b.Run(puzzle.name+"/"+name, func(b *testing.B) {
				e, err := cpu.New(name)
				if err != nil {
					b.Fatal(err)
				}
				const count = 1 << 14
				job := puzzle.Job(7, pow.Target{})
				hits := make([]uint32, 1)
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := e.Search(&job, 0, count, hits); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(count)*float64(b.N)/b.Elapsed().Seconds(), "seals/s")
			})
		}
	}
}
