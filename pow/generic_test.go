package pow_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/crypto/sha3"

	"github.com/bittensor-go/bt/internal/powtest"
	"github.com/bittensor-go/bt/pow"
)

func TestGoEngine(t *testing.T) {
	for name, engine := range pow.GoEngines {
		t.Run(name, func(t *testing.T) { powtest.Run(t, engine) })
	}
}

// liar reports one index more than the engine it wraps found.
type liar struct{ pow.Engine }

func (l liar) Search(job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
	tried, found, err := l.Engine.Search(job, first, count, hits)
	if err == nil && found < len(hits) {
		hits[found] = uint32(first)
		found++
	}
	return tried, found, err
}

func TestSelfTest(t *testing.T) {
	if err := pow.SelfTest(pow.NewGoEngine()); err != nil {
		t.Error(err)
	}
	if err := pow.SelfTest(liar{pow.NewGoEngine()}); !errors.Is(err, pow.ErrFaulty) {
		t.Errorf("an engine that reports what is no hit: %v, want ErrFaulty", err)
	}
}

// The rows of this benchmark are read against each other: the engine, and the
// same search written with the two hash packages.
func BenchmarkSearch(b *testing.B) {
	block, hot, cold := [32]byte{1}, [32]byte{2}, [32]byte{3}
	const count = 4096
	perSecond := func(b *testing.B) {
		b.ReportMetric(float64(b.N)*count/b.Elapsed().Seconds(), "seals/s")
	}
	for _, p := range []struct {
		name      string
		challenge pow.Challenge
	}{
		{"classic", pow.Classic(block, hot, pow.LittleEndian, pow.BigEndian)},
		{"public", pow.Public(1, block, hot, cold)},
	} {
		for name, engine := range pow.GoEngines {
			b.Run("engine="+name+"/puzzle="+p.name, func(b *testing.B) {
				e := engine()
				job := p.challenge.Job(0, pow.TargetFor(1<<62))
				hits := make([]uint32, 1)
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := e.Search(&job, 0, count, hits); err != nil {
						b.Fatal(err)
					}
				}
				perSecond(b)
			})
		}
		b.Run("engine=packages/puzzle="+p.name, func(b *testing.B) {
			message := p.challenge.AppendPreimage(nil, 0)
			nonce := message[:8]
			if len(message) > 64 {
				nonce = message[len(message)-8:]
			}
			keccak := sha3.NewLegacyKeccak256()
			seal := make([]byte, 0, 32)
			target := pow.TargetFor(1 << 62)
			b.ReportAllocs()
			for b.Loop() {
				for i := range uint64(count) {
					binary.LittleEndian.PutUint64(nonce, i)
					sum := sha256.Sum256(message)
					keccak.Reset()
					keccak.Write(sum[:])
					seal = keccak.Sum(seal[:0])
					if target.Met(pow.Seal(seal), p.challenge.Reading()) {
						b.Fatal("a seal of difficulty 2^62 by chance: make the target harder")
					}
				}
			}
			perSecond(b)
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	c := pow.Public(1, [32]byte{1}, [32]byte{2}, [32]byte{3})
	for b.Loop() {
		c.Verify(7, 1<<62)
	}
}
