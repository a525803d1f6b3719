package pow

import (
	"errors"
	"fmt"
	"slices"
)

// Engine searches jobs. A [Solver] calls an engine from one goroutine at a time,
// so an engine may keep scratch memory; two cores need two engines. Whether an
// engine keeps to this contract, [SelfTest] checks in a millisecond and the
// conformance suite in internal/powtest at length.
type Engine interface {
	// Name says which implementation this is and, where there are several, on
	// which device: "avx512", "cuda:0".
	Name() string

	// Search tries the indexes first, first+1 and so on, count of them, and
	// writes those that hit into hits, in ascending order and exactly: all bits
	// of the target decide. It returns how many indexes it tried and how many
	// hits it wrote. Every hit among the tried indexes is reported. Tried is
	// count, unless hits became full: then the search may end early, but not
	// before the last hit.
	//
	// Search returns an error that wraps ErrRange, and tries nothing, where
	// [Job.Check] does. Any other error means that the engine cannot go on: its
	// device is gone. Search neither changes nor keeps job and hits, and does
	// not allocate memory call by call. It does not return early for another
	// reason; who wants to switch jobs soon asks for few indexes.
	Search(job *Job, first, count uint64, hits []uint32) (tried uint64, found int, err error)
}

// ErrFaulty is returned for an engine that reports something else than the
// reference computes. The remedy is to run without that engine.
var ErrFaulty = errors.New("pow: engine computes wrong seals")

// SelfTest searches small jobs of every kind of puzzle and compares with
// [Challenge.Seal]. It returns an error that wraps [ErrFaulty] if anything
// differs. A Solver tests every engine so before its first job.
func SelfTest(e Engine) error {
	const count, difficulty = 320, 24
	block, hot, cold := [32]byte{0: 1, 31: 2}, [32]byte{0: 3, 31: 4}, [32]byte{0: 5, 31: 6}
	challenges := []Challenge{
		Genesis(block),
		Classic(block, hot, LittleEndian, LittleEndian),
		Classic(block, hot, BigEndian, BigEndian),
		Public(7, block, hot, cold),
	}
	var hits [count]uint32
	for k, c := range challenges {
		job := c.Job(0x0123456789abcdef*uint64(k+1), TargetFor(difficulty))
		first := job.Count()/3 - count/2
		var want []uint32
		for i := first; i < first+count; i++ {
			if job.Met(uint32(i)) {
				want = append(want, uint32(i))
			}
		}
		tried, found, err := e.Search(&job, first, count, hits[:])
		if err != nil {
			return fmt.Errorf("self-test of engine %s: %w", e.Name(), err)
		}
		if tried != count || found > count || !slices.Equal(hits[:found], want) {
			return fmt.Errorf("%w: %s tried %d of %d indexes and found %d hits where the reference has %d",
				ErrFaulty, e.Name(), tried, count, found, len(want))
		}
	}
	return nil
}
