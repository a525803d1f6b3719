package pow

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrNoWork is returned by Solve when its channel is closed before any work
	// came.
	ErrNoWork = errors.New("pow: the work channel was closed before any work came")
	// ErrBusy is returned by Solve while another Solve of the same Solver runs:
	// one search owns the engines. Make a second Solver to search twice.
	ErrBusy = errors.New("pow: this solver is already solving")
	// ErrNoChallenge is returned for work whose Challenge is the zero value.
	ErrNoChallenge = errors.New("pow: work has no challenge")
)

// Work is what to solve: a puzzle, how hard it is, and for how long a solution
// is good.
type Work struct {
	Challenge  Challenge
	Difficulty uint64   // a seal times this must not overflow 256 bits; 0 counts as 1
	Block      uint64   // number of the work block, whose hash the puzzle binds
	BlockHash  [32]byte // for display; the search uses the Challenge's own copy
	Window     uint64   // the chain accepts the proof in blocks Block+1 to Block+Window
}

// Expired reports whether a proof can no longer be included: the block after
// head would be more than Window blocks past the work block. A head below the
// work block (a node that lags, a reorganisation) does not expire it. Work whose
// Window is zero is never acceptable and expires at its own block.
//
// The window is 5 for today's puzzle, and 2 for the classic ones, where the
// chain's test is current - block < 3 (but the block's own hash is not known
// before it is done, so age 0 is of no use).
func (w Work) Expired(head uint64) bool {
	return head >= w.Block && head-w.Block >= w.Window
}

// Solution is a nonce that solves its Work, and the seal to show for it.
type Solution struct {
	Work
	Nonce uint64
	Seal  Seal
}

// Options configure a Solver. The zero value is ready to use.
type Options struct {
	// Engines search in parallel, one goroutine each. None: plain Go engines, as
	// many as runtime.GOMAXPROCS(0), which respects CPU affinity and cgroups.
	Engines []Engine
	// UpdateInterval is how many seals an engine tries between two looks at the
	// work. 0: as many as take it about four milliseconds, found by measurement.
	UpdateInterval uint64
}

// Solver solves puzzles with its engines. Its methods may be called from several
// goroutines; one Solve runs at a time.
type Solver struct {
	engines  []Engine
	interval uint64
	tested   []bool // by engine; written by its worker only

	busy   atomic.Bool
	round  atomic.Pointer[round] // the newest work
	hashes atomic.Uint64         // seals tried in this Solve
	meter  meter
}

// round is one Work and the jobs handed out for it.
type round struct {
	work   Work
	target Target
	start  uint64        // number of the first job, random
	jobs   atomic.Uint64 // jobs handed out
}

// next returns a job that no other worker has in this round.
func (r *round) next() Job {
	c := r.work.Challenge
	return c.Job(c.span(r.start+r.jobs.Add(1)-1), r.target)
}

// NewSolver returns a Solver. It starts nothing.
func NewSolver(opts Options) *Solver {
	s := &Solver{engines: slices.Clone(opts.Engines), interval: opts.UpdateInterval}
	if len(s.engines) == 0 {
		for range runtime.GOMAXPROCS(0) {
			s.engines = append(s.engines, NewGoEngine())
		}
	}
	s.tested = make([]bool, len(s.engines))
	return s
}

// Solve searches until a solution is found, ctx ends (it returns ctx.Err()) or
// an engine fails. It waits for the first Work; each further one replaces the
// one before, and every engine switches to it within one call, a few
// milliseconds. When the work channel is closed the search for the newest work
// goes on; closed before any work came, Solve returns [ErrNoWork]. The caller
// owns the channel and may stop sending at any time, but a send can block once
// Solve has returned.
//
// Each engine searches nonces of its own, from a start that is chosen at random
// for each Work, so that machines that share a key rarely repeat each other.
//
// The solution was checked by [Challenge.Verify]. It carries the Work it solves,
// which may be older than the newest one sent: whether it is still good, ask
// [Work.Expired]. All goroutines have ended when Solve returns. The error of an
// engine that reports a wrong solution or fails its [SelfTest] wraps [ErrFaulty].
func (s *Solver) Solve(ctx context.Context, work <-chan Work) (Solution, error) {
	if !s.busy.CompareAndSwap(false, true) {
		return Solution{}, ErrBusy
	}
	defer s.busy.Store(false)
	s.round.Store(nil)
	s.hashes.Store(0)
	s.meter.begin()
	defer func() { s.meter.end(s.hashes.Load()) }()

	select {
	case <-ctx.Done():
		return Solution{}, ctx.Err()
	case w, open := <-work:
		if !open {
			return Solution{}, ErrNoWork
		}
		if err := s.take(w); err != nil {
			return Solution{}, err
		}
	}

	results := make(chan result, len(s.engines)) // room for all: no worker blocks
	var workers sync.WaitGroup
	searching, stop := context.WithCancel(ctx)
	defer workers.Wait()
	defer stop()
	for i := range s.engines {
		workers.Go(func() { results <- s.search(searching, i) })
	}
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return Solution{}, ctx.Err()
		case w, open := <-work:
			if !open {
				work = nil
			} else if err := s.take(w); err != nil {
				return Solution{}, err
			}
		case r := <-results:
			return r.solution, r.err
		case <-ticker.C:
			s.meter.sample(s.hashes.Load())
		}
	}
}

// take makes w the newest work.
func (s *Solver) take(w Work) error {
	if w.Challenge.layout == layoutNone {
		return fmt.Errorf("%w (block %d)", ErrNoChallenge, w.Block)
	}
	var start [8]byte
	rand.Read(start[:]) // never fails
	s.round.Store(&round{
		work:   w,
		target: TargetFor(w.Difficulty),
		start:  binary.LittleEndian.Uint64(start[:]),
	})
	s.meter.round()
	return nil
}

type result struct {
	solution Solution
	err      error
}

// How long an engine's call should take, and how many seals the first one tries.
const (
	callTime  = 4 * time.Millisecond
	callFirst = 1 << 10
)

// search is the goroutine of engine i. It returns when ctx ends.
func (s *Solver) search(ctx context.Context, i int) result {
	e := s.engines[i]
	if !s.tested[i] {
		if err := SelfTest(e); err != nil {
			return result{err: err}
		}
		s.tested[i] = true
	}
	var (
		current *round
		job     Job
		first   uint64
		hits    [1]uint32
		size    = max(s.interval, 1)
	)
	if s.interval == 0 {
		size = callFirst
	}
	for ctx.Err() == nil {
		if r := s.round.Load(); r != current || first == job.Count() {
			current, job, first = r, r.next(), 0
		}
		count := min(size, job.Count()-first)
		began := time.Now()
		tried, found, err := e.Search(&job, first, count, hits[:])
		s.hashes.Add(tried)
		switch {
		case err != nil:
			return result{err: fmt.Errorf("pow: engine %s: %w", e.Name(), err)}
		case found > len(hits) || tried > count || tried < count && found == 0:
			return result{err: fmt.Errorf("%w: %s tried %d of %d indexes and reports %d hits in room for %d",
				ErrFaulty, e.Name(), tried, count, found, len(hits))}
		case found > 0:
			return current.solve(e, job.Nonce(hits[0]))
		}
		first += count
		if s.interval == 0 && count == size {
			took := time.Since(began)
			if took < callTime/2 {
				size = min(2*size, 1<<32)
			} else if took > 2*callTime {
				size = max(size/2, 1)
			}
		}
	}
	return result{err: ctx.Err()}
}

// solve checks what an engine found before anyone is told.
func (r *round) solve(e Engine, nonce uint64) result {
	w := r.work
	if !w.Challenge.Verify(nonce, w.Difficulty) {
		return result{err: fmt.Errorf("%w: %s found nonce %d for block %d, whose seal does not meet difficulty %d",
			ErrFaulty, e.Name(), nonce, w.Block, w.Difficulty)}
	}
	return result{solution: Solution{Work: w, Nonce: nonce, Seal: w.Challenge.Seal(nonce)}}
}
