//go:build !purego

package cpu

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/bittensor-go/bt/pow"
)

// summer is a kernel that makes 256 digests.
type summer struct {
	name  string
	sum   func(m *byte)
	block interface {
		prepare(m memory, job *pow.Job)
		setWord(m memory, word uint32)
	}
}

// marker is a pair of kernels, by reading, that set a bit for each of 256 seals
// whose highest 64 bits are not above the target's. A byte of their masks has as
// many bits as a vector has lanes.
type marker struct {
	name  string
	lanes int
	mark  [2]func(m *byte)
	seal  sealer
}

// vectorsOf are the lanes of the implementations that this machine runs, by name.
func vectorsOf() map[string]int {
	x := &cpu.X86
	lanes := make(map[string]int)
	if x.HasAVX2 {
		lanes["avx2"] = 4
	}
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX2 {
		lanes["avx512"] = 8
	}
	return lanes
}

func simdNames() (names []string) {
	for _, name := range []string{"avx512", "avx2"} {
		if vectorsOf()[name] > 0 {
			names = append(names, name)
		}
	}
	return names
}

// summers returns the kernels that this machine runs.
func summers(lanes int) []summer {
	if lanes == 8 {
		return withExtensions(summer{"vectors", sumWide, wide}, summer{"extensions", sumExtensions8, extensions{}})
	}
	return withExtensions(summer{"vectors", sumNarrow, narrow}, summer{"extensions", sumExtensions4, extensions{}})
}

func withExtensions(plain, extended summer) []summer {
	if hasSHA() {
		return []summer{plain, extended}
	}
	return []summer{plain}
}

func markers(lanes int) []marker {
	if lanes == 8 {
		return []marker{
			{"merged", 8, [2]func(m *byte){sealMergedLE, sealMergedBE}, wideSeal},
			{"fused", 8, [2]func(m *byte){sealFusedLE, sealFusedBE}, wideSeal},
		}
	}
	return []marker{{"narrow", 4, [2]func(m *byte){sealNarrowLE, sealNarrowBE}, narrowSeal}}
}

// engine searches 256 indexes at a time.
type engine struct {
	implementation string
	summer
	marker
	m        memory
	job      pow.Job // that m is prepared for
	prepared bool
}

func newEngine(name string, s summer, k marker) *engine {
	return &engine{implementation: name, summer: s, marker: k, m: newMemory()}
}

// newSIMD returns an engine of the kernels that are the fastest here.
func newSIMD(name string) (pow.Engine, error) {
	c, err := chosen[name]()
	if err != nil {
		return nil, err
	}
	return newEngine(name, c.summer, c.marker), nil
}

type choice struct {
	summer
	marker
}

// chosen are the choices of this process, which are made once.
var chosen = map[string]func() (choice, error){
	"avx512": sync.OnceValues(func() (choice, error) { return choose("avx512", 8) }),
	"avx2":   sync.OnceValues(func() (choice, error) { return choose("avx2", 4) }),
}

// choose tests and times the kernels for vectors of so many lanes. Which of them are
// fast depends on how a processor gives operations to its ports, and no feature
// tells: Intel's and AMD's differ both ways (docs/benchmarks.md).
func choose(name string, lanes int) (best choice, err error) {
	fastest := [2]time.Duration{1 << 62, 1 << 62}
	for _, s := range summers(lanes) {
		for _, k := range markers(lanes) {
			e := newEngine(name, s, k)
			if failed := pow.SelfTest(e); failed != nil {
				err = failed
				continue
			}
			// The parts are timed by themselves: they take turns of microseconds.
			if took := timed(s.sum, e.m); took < fastest[0] {
				best.summer, fastest[0] = s, took
			}
			if took := timed(k.mark[pow.LittleEndian], e.m); took < fastest[1] {
				best.marker, fastest[1] = k, took
			}
		}
	}
	if best.sum == nil {
		return best, fmt.Errorf("no kernel of %s works on this machine: %w", name, err)
	}
	return best, nil
}

// timed returns the shortest of some times, as what else the machine does only
// makes them longer.
func timed(kernel func(m *byte), m memory) time.Duration {
	shortest := time.Duration(1 << 62)
	for range 24 {
		began := time.Now()
		kernel(&m[0])
		shortest = min(shortest, time.Since(began))
	}
	return shortest
}

func (e *engine) Name() string { return e.implementation }

func (e *engine) Search(job *pow.Job, first, count uint64, hits []uint32) (tried uint64, found int, err error) {
	if err := job.Check(first, count, hits); err != nil {
		return 0, 0, err
	}
	if !e.prepared || e.job != *job {
		e.job, e.prepared = *job, true
		e.block.prepare(e.m, job)
		e.seal.prepare(e.m, job)
	}
	end := first + count
	m := &e.m[0]
	lanes := uint64(e.lanes)
	for base := first &^ (batch - 1); base < end; base += batch {
		e.block.setWord(e.m, job.Words[0]|bits.ReverseBytes32(uint32(base)))
		e.sum(m)
		e.mark[job.Reading](m)
		for at := uint64(0); at < batch/lanes; at += 8 {
			for mask := binary.LittleEndian.Uint64(e.m[masksAt+at:]); mask != 0; mask &= mask - 1 {
				bit := uint64(bits.TrailingZeros64(mask))
				i := base + lanes*(at+bit/8) + bit%8
				if i < first || i >= end || !job.Met(uint32(i)) {
					continue
				}
				hits[found] = uint32(i)
				if found++; found == len(hits) {
					return i - first + 1, found, nil
				}
			}
		}
	}
	return count, found, nil
}
