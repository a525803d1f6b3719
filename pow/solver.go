package pow

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
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
	// Expires is when, about, the chain ceases to accept a proof, for Stats.Chance;
	// zero where nobody knows. The search goes on beyond it.
	Expires time.Time
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

// Options configure a Solver. The zero value is ready to use, though not fast.
// The names in brackets are those of the Python SDK's options.
type Options struct {
	// Engines search in parallel, one goroutine each. None: plain Go engines, CPUs()
	// of them (num_processes). Package pow/engines makes faster ones.
	Engines []Engine
	// UpdateInterval is the most seals of one engine call, and a round of the
	// statistics (update_interval). 0 is 50,000 for the statistics, and for calls
	// what time allows: however large it is, a call takes about half a millisecond, so that
	// it never delays the switch to a new work.
	UpdateInterval uint64
	// Samples is how many samples, of a quarter of a second, Stats.Rate is the mean
	// of (n_samples), 0 for 10, and Alpha how much of its weight a sample loses with
	// each newer one (alpha_), 0 for 0.8.
	Samples int
	Alpha   float64
}

const (
	defaultInterval = 50_000
	defaultSamples  = 10
	defaultAlpha    = 0.8
)

// Solver solves puzzles with its engines. Its methods may be called from several
// goroutines; one Solve runs at a time.
type Solver struct {
	engines  []Engine
	most     uint64 // seals of one call, 0 for any number
	interval uint64 // of the statistics
	tested   []bool // by engine; written by its worker only

	busy     atomic.Bool
	round    atomic.Pointer[round] // the newest work
	counters []counter             // by engine
	meter    meter
}

// counter counts what an engine tried in this Solve. Each has cache lines of its own.
type counter struct {
	tried atomic.Uint64
	_     [120]byte
}

// round is one Work and the jobs handed out for it.
type round struct {
	work   Work
	target Target
	share  Target        // that engines search for: easier, to see how near they come
	start  uint64        // number of the first job, random
	jobs   atomic.Uint64 // jobs handed out
	least  atomic.Uint64 // highest 64 bits of the best seal
}

// shares is how many seals are looked at for each that is a solution, in the mean.
const shares = 64

// next returns a job that no other worker has in this round.
func (r *round) next() Job {
	c := r.work.Challenge
	return c.Job(c.span(r.start+r.jobs.Add(1)-1), r.share)
}

// NewSolver returns a Solver. It starts nothing.
func NewSolver(opts Options) *Solver {
	s := &Solver{engines: slices.Clone(opts.Engines), most: opts.UpdateInterval, interval: opts.UpdateInterval}
	if len(s.engines) == 0 {
		for range CPUs() {
			s.engines = append(s.engines, NewGoEngine())
		}
	}
	if s.interval == 0 {
		s.interval = defaultInterval
	}
	s.tested = make([]bool, len(s.engines))
	s.counters = make([]counter, len(s.engines))
	s.meter.samples, s.meter.alpha, s.meter.each = opts.Samples, opts.Alpha, make([]series, len(s.engines))
	if s.meter.samples <= 0 {
		s.meter.samples = defaultSamples
	}
	if s.meter.alpha <= 0 {
		s.meter.alpha = defaultAlpha
	}
	return s
}

// Solve searches until a solution is found, ctx ends (it returns ctx.Err()) or
// an engine fails. It waits for the first Work; each further one replaces the
// one before, and every engine switches to it within one call, half
// a millisecond. When the work channel is closed the search for the newest work
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
//
// Where the engines that search in the process take all of GOMAXPROCS, Solve raises it
// to one more than they are and leaves it so: with no thread to spare Go looks at its
// sockets every ten milliseconds only, and a new work would wait for that.
func (s *Solver) Solve(ctx context.Context, work <-chan Work) (Solution, error) {
	if !s.busy.CompareAndSwap(false, true) {
		return Solution{}, ErrBusy
	}
	defer s.busy.Store(false)
	s.round.Store(nil)
	for i := range s.counters {
		s.counters[i].tried.Store(0)
	}
	s.meter.begin()
	defer func() { s.meter.end(s.counters) }()

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

	defer spare(len(s.engines))()
	results := make(chan result, len(s.engines)) // room for all: no worker blocks
	var workers sync.WaitGroup
	during, stop := context.WithCancel(ctx)
	defer workers.Wait()
	defer stop()
	for i := range s.engines {
		workers.Go(func() { results <- s.search(during, i) })
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
			s.meter.sample(s.counters)
		}
	}
}

// searching is how many engines search in this process: GOMAXPROCS is the process's
// too.
var searching struct {
	sync.Mutex
	engines int
}

// spare sees to it that all engines can search and a thread is left to wait for the
// network, until the returned function is called.
func spare(engines int) (done func()) {
	CPUs() // before it is raised
	searching.Lock()
	defer searching.Unlock()
	searching.engines += engines
	if n := searching.engines + 1; runtime.GOMAXPROCS(0) < n {
		runtime.GOMAXPROCS(n)
	}
	return func() {
		searching.Lock()
		defer searching.Unlock()
		searching.engines -= engines
	}
}

// take makes w the newest work.
func (s *Solver) take(w Work) error {
	if w.Challenge.layout == layoutNone {
		return fmt.Errorf("%w (block %d)", ErrNoChallenge, w.Block)
	}
	var start [8]byte
	rand.Read(start[:]) // never fails
	r := &round{
		work:   w,
		target: TargetFor(w.Difficulty),
		share:  TargetFor(w.Difficulty / shares),
		start:  binary.LittleEndian.Uint64(start[:]),
	}
	r.least.Store(math.MaxUint64)
	s.round.Store(r)
	s.meter.work()
	return nil
}

type result struct {
	solution Solution
	err      error
}

// How long an engine's call should take, how many seals the first one tries, and of
// what a call should be a multiple: engines work on so many indexes at a time.
const (
	callTime  = 500 * time.Microsecond
	callFirst = 1 << 10
	callUnit  = 1 << 8
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
		hits    [2 * shares]uint32
		size    = uint64(callFirst)
		most    = uint64(1) << 32
	)
	if s.most > 0 {
		most = s.most
	}
	for ctx.Err() == nil {
		if r := s.round.Load(); r != current || first == job.Count() {
			current, job, first = r, r.next(), 0
		}
		count := min(size, most)
		if count > callUnit {
			count -= (first + count) % callUnit
		}
		count = min(count, job.Count()-first)
		yield()
		began := time.Now()
		tried, found, err := e.Search(&job, first, count, hits[:])
		took := time.Since(began)
		s.counters[i].tried.Add(tried)
		switch {
		case err != nil:
			return result{err: fmt.Errorf("pow: engine %s: %w", e.Name(), err)}
		case found > len(hits) || tried > count || tried < count && found < len(hits):
			return result{err: fmt.Errorf("%w: %s tried %d of %d indexes and reports %d hits in room for %d",
				ErrFaulty, e.Name(), tried, count, found, len(hits))}
		}
		for _, hit := range hits[:found] {
			seal := job.Seal(hit)
			if !current.share.Met(seal, job.Reading) {
				return result{err: fmt.Errorf("%w: %s reports nonce %d for block %d, whose seal does not meet difficulty %d",
					ErrFaulty, e.Name(), job.Nonce(hit), current.work.Block, current.work.Difficulty/shares)}
			}
			current.note(seal.limbs(job.Reading)[3])
			if current.target.Met(seal, job.Reading) {
				return current.solve(e, job.Nonce(hit))
			}
		}
		first += tried
		switch {
		case took > 2*callTime:
			size = max(size/2, 1)
		case took < callTime/2 && tried == size:
			size = min(2*size, 1<<32)
		}
	}
	return result{err: ctx.Err()}
}

// note keeps the highest 64 bits of a seal if they are the least so far.
func (r *round) note(top uint64) {
	for {
		least := r.least.Load()
		if top >= least || r.least.CompareAndSwap(least, top) {
			return
		}
	}
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
