package bench

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/sha3"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/cpu"
	"github.com/bittensor-go/bt/pow/engines"
)

// puzzles are the one that most runtimes set and the one of today.
var puzzles = []struct {
	name    string
	nonceAt int // offset of the nonce in what is hashed
	pow.Challenge
}{
	{"classic", 0, pow.Classic([32]byte{1}, [32]byte{2}, pow.LittleEndian, pow.LittleEndian)},
	{"today", 123, pow.Public(1, [32]byte{1}, [32]byte{2}, [32]byte{3})},
}

// unfindable is a difficulty at which no search of a benchmark ends.
const unfindable = math.MaxUint64

// libraries searches with crypto/sha256 and x/crypto/sha3 as anyone would who
// reads the manuals: one buffer, one hasher, the nonce put in place. The seal is
// compared by its highest eight bytes, read little-endian.
type libraries struct {
	message []byte
	nonceAt int
	keccak  hash.Hash
	sum     [32]byte
	seal    []byte
}

func newLibraries(c pow.Challenge, nonceAt int) *libraries {
	return &libraries{
		message: c.AppendPreimage(nil, 0), nonceAt: nonceAt,
		keccak: sha3.NewLegacyKeccak256(), seal: make([]byte, 0, 32),
	}
}

// search returns how many of count nonces have a seal whose top is at most that.
func (l *libraries) search(first, count, top uint64) (hits int) {
	for nonce := first; nonce < first+count; nonce++ {
		binary.LittleEndian.PutUint64(l.message[l.nonceAt:], nonce)
		l.sum = sha256.Sum256(l.message)
		l.keccak.Reset()
		l.keccak.Write(l.sum[:])
		l.seal = l.keccak.Sum(l.seal[:0])
		if binary.LittleEndian.Uint64(l.seal[24:]) <= top {
			hits++
		}
	}
	return hits
}

// TestPoWLibraries holds the loop that bt is compared with to the seals of the
// puzzles: a loop that hashes something else would be no peer.
func TestPoWLibraries(t *testing.T) {
	for _, p := range puzzles {
		const first, count, top = 1<<40 - 100, 200, math.MaxUint64 / 8
		target, want := pow.Target{3: top, 2: math.MaxUint64, 1: math.MaxUint64, 0: math.MaxUint64}, 0
		for nonce := uint64(first); nonce < first+count; nonce++ {
			if target.Met(p.Seal(nonce), p.Reading()) {
				want++
			}
		}
		if got := newLibraries(p.Challenge, p.nonceAt).search(first, count, top); got != want {
			t.Errorf("%s: %d hits, want %d", p.name, got, want)
		}
	}
}

// searcher tries so many seals, others than before, on one core.
type searcher struct {
	name   string
	search func(count uint64) error
}

// searchers are bt's engines and what they are compared with.
func searchers(t testing.TB, c pow.Challenge, nonceAt int) (all []searcher) {
	t.Helper()
	for _, name := range cpu.Names() {
		e, err := cpu.New(name)
		if err != nil {
			t.Fatal(err)
		}
		job, hits, first := c.Job(7, pow.TargetFor(unfindable)), make([]uint32, 1), uint64(0)
		all = append(all, searcher{name, func(count uint64) error {
			if first += count; first+count > job.Count() {
				first = 0
			}
			_, _, err := e.Search(&job, first, count, hits)
			return err
		}})
	}
	if nonceAt == 0 {
		all = append(all, prototypes()...)
	}
	l, first := newLibraries(c, nonceAt), uint64(0)
	return append(all, searcher{"libraries", func(count uint64) error {
		l.search(first, count, 0)
		first += count
		return nil
	}})
}

// BenchmarkPoW searches on one core. An operation is a sample of each of the
// searchers, so that they take turns of a fraction of a millisecond: processors
// change their clock from one moment to the next. Of the samples of each a tenth
// were shorter than what is told: what else the machine does makes samples longer,
// and moments of a higher clock, which not all of them have, make them shorter.
// Cycles go by the clock that additions have between the samples, which need not be
// that of vectors.
func BenchmarkPoW(b *testing.B) {
	for _, p := range puzzles {
		b.Run(p.name, func(b *testing.B) {
			all := searchers(b, p.Challenge, p.nonceAt)
			samples := make([]samples, len(all))
			for i := range all {
				samples[i].begin(b, all[i])
			}
			clocks := make([]float64, 0, 1<<12)
			b.ReportAllocs()
			for b.Loop() {
				clock := cpu.Clock()
				clocks = append(clocks, clock)
				for i := range all {
					samples[i].add(b, all[i], clock)
				}
			}
			for i, s := range all {
				samples[i].report(b, s.name)
			}
			slices.Sort(clocks)
			if clock := clocks[len(clocks)/2]; clock > 0 {
				b.ReportMetric(clock/1e9, "GHz")
			}
		})
	}
}

// samples are those of one searcher.
type samples struct {
	count   uint64    // seals of a sample
	seconds []float64 // that a seal took
	cycles  []float64 // 0 where nothing tells
}

// begin finds how many seals take about as long as they do with 4096 of the fastest.
func (s *samples) begin(b *testing.B, what searcher) {
	s.count, s.seconds, s.cycles = 256, make([]float64, 0, 1<<12), make([]float64, 0, 1<<12)
	for s.time(b, what) < 200*time.Microsecond && s.count < 4096 {
		s.count *= 2
	}
}

// time takes a sample. Before it some seals are tried that do not count: a core that
// has had no vectors for a while is slow with them for some microseconds.
func (s *samples) time(b *testing.B, what searcher) time.Duration {
	if err := what.search(max(s.count/4, 256)); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := what.search(s.count); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

func (s *samples) add(b *testing.B, what searcher, clock float64) {
	seconds := s.time(b, what).Seconds() / float64(s.count)
	s.seconds, s.cycles = append(s.seconds, seconds), append(s.cycles, clock*seconds)
}

func (s *samples) report(b *testing.B, name string) {
	slices.Sort(s.seconds)
	slices.Sort(s.cycles)
	tenth := len(s.seconds) / 10
	b.ReportMetric(1/s.seconds[tenth], name+"-seals/s")
	if s.cycles[tenth] > 0 {
		b.ReportMetric(s.cycles[tenth], name+"-cycles/seal")
	}
}

// BenchmarkPoWCores searches with a whole Solver: with one engine and with as many
// as there are cores, in turns. "times" is the median of the ratios of turns that
// followed each other, the rates are the best.
func BenchmarkPoWCores(b *testing.B) {
	const length = 200 * time.Millisecond
	all := allEngines(b)
	if len(all) == 1 {
		b.Skip("one core")
	}
	b.Run(fmt.Sprintf("%s/%d", all[0].Name(), len(all)), func(b *testing.B) {
		one := pow.NewSolver(pow.Options{Engines: all[:1]})
		every := pow.NewSolver(pow.Options{Engines: all})
		var times, ones, everies []float64
		for b.Loop() {
			ones = append(ones, rate(b, one, length))
			everies = append(everies, rate(b, every, length))
			times = append(times, everies[len(everies)-1]/ones[len(ones)-1])
		}
		slices.Sort(times)
		b.ReportMetric(slices.Max(ones), "one-seals/s")
		b.ReportMetric(slices.Max(everies), "all-seals/s")
		b.ReportMetric(times[len(times)/2], "times")
	})
}

// rate returns the seals a second of a search.
func rate(b *testing.B, s *pow.Solver, length time.Duration) float64 {
	ctx, cancel := context.WithTimeout(b.Context(), length)
	defer cancel()
	work := make(chan pow.Work, 1)
	work <- pow.Work{Challenge: puzzles[1].Challenge, Difficulty: unfindable}
	if _, err := s.Solve(ctx, work); !errors.Is(err, context.DeadlineExceeded) {
		b.Fatalf("the search ended: %v", err)
	}
	st := s.Stats()
	return float64(st.Hashes) / st.Elapsed.Seconds()
}

// allEngines are as many of the best engines as there are cores.
func allEngines(t testing.TB) []pow.Engine {
	t.Helper()
	all, err := engines.New(engines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
