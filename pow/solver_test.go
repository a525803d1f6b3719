package pow_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/pow"
)

// hopeless is a difficulty whose searches simulated engines only pretend.
const hopeless = math.MaxUint64

// simulated is an engine that takes time by the clock of the test's bubble. It
// searches in earnest what can be solved and pretends the rest.
type simulated struct {
	pow.Engine
	inside atomic.Int32

	mu               sync.Mutex
	perCall, perSeal time.Duration
	calls            []call // but for the self-test's
}

type call struct {
	job          pow.Job
	first, count uint64
	began        time.Time
	took         time.Duration
}

func simulate(perCall, perSeal time.Duration) *simulated {
	return &simulated{Engine: pow.NewGoEngine(), perCall: perCall, perSeal: perSeal}
}

func (e *simulated) Name() string { return "simulated" }

func (e *simulated) Search(job *pow.Job, first, count uint64, hits []uint32) (tried uint64, found int, err error) {
	if len(hits) > 200 { // the self-test's
		return e.Engine.Search(job, first, count, hits)
	}
	e.inside.Add(1)
	defer e.inside.Add(-1)
	began := time.Now()
	e.mu.Lock()
	length := e.perCall + time.Duration(count)*e.perSeal
	e.mu.Unlock()
	<-time.After(length)
	e.mu.Lock()
	e.calls = append(e.calls, call{*job, first, count, began, time.Since(began)})
	e.mu.Unlock()
	if job.Target[3] < 1000 {
		return count, 0, nil
	}
	return e.Engine.Search(job, first, count, hits)
}

func work(block uint64, difficulty uint64) pow.Work {
	hash := [32]byte{byte(block), 0xb1}
	return pow.Work{
		Challenge:  pow.Public(1, hash, fill(2), fill(3)),
		Difficulty: difficulty, Block: block, BlockHash: hash, Window: 5,
	}
}

// sending returns a channel with the works in it.
func sending(works ...pow.Work) chan pow.Work {
	ch := make(chan pow.Work, len(works)+1)
	for _, w := range works {
		ch <- w
	}
	return ch
}

func check(t *testing.T, s pow.Solution, err error, want pow.Work) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if s.Work != want {
		t.Errorf("solution of block %d, want block %d", s.Block, want.Block)
	}
	if !want.Challenge.Verify(s.Nonce, want.Difficulty) || s.Seal != want.Challenge.Seal(s.Nonce) {
		t.Errorf("nonce %d with seal %s does not solve difficulty %d", s.Nonce, s.Seal, want.Difficulty)
	}
}

func TestSolve(t *testing.T) {
	solver := pow.NewSolver(pow.Options{})
	for _, c := range []pow.Challenge{
		pow.Genesis(fill(1)),
		pow.Classic(fill(1), fill(2), pow.LittleEndian, pow.LittleEndian),
		pow.Classic(fill(1), fill(2), pow.BigEndian, pow.BigEndian),
		pow.Public(12, fill(1), fill(2), fill(3)),
	} {
		w := pow.Work{Challenge: c, Difficulty: 20_000, Block: 9}
		s, err := solver.Solve(t.Context(), sending(w))
		check(t, s, err, w)
		if st := solver.Stats(); st.Hashes == 0 || st.Elapsed <= 0 || st.Works != 1 || st.Rate <= 0 {
			t.Errorf("figures of a finished search: %+v", st)
		}
	}
}

func TestSolveSwitches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const length = 900 * time.Microsecond
		engines := []*simulated{simulate(length, 0), simulate(length, 0)}
		solver := pow.NewSolver(pow.Options{Engines: []pow.Engine{engines[0], engines[1]}, UpdateInterval: 50})
		works := make(chan pow.Work)
		go func() {
			works <- work(1, hopeless)
			<-time.After(time.Second)
			works <- work(2, hopeless)
			<-time.After(time.Second + time.Millisecond)
			works <- work(3, 2)
		}()
		began := time.Now()
		s, err := solver.Solve(t.Context(), works)
		check(t, s, err, work(3, 2))
		// Difficulty 2, 50 seals a call: the first call is a solution. Before it
		// ends the call that was under way, if any.
		if took := time.Since(began) - 2001*time.Millisecond; took > 2*length {
			t.Errorf("the engines took %v to switch and solve, calls take %v", took, length)
		}
		for _, e := range engines {
			if e.inside.Load() != 0 {
				t.Error("an engine still works after Solve has returned")
			}
			for _, c := range e.calls {
				want := work(1, hopeless)
				switch at := c.began.Sub(began); {
				case at > 2001*time.Millisecond:
					want = work(3, 2)
				case at > time.Second && at < 2001*time.Millisecond:
					want = work(2, hopeless)
				case at == time.Second || at == 2001*time.Millisecond:
					continue // either
				}
				if c.job != want.Challenge.Job(c.job.Nonce(0), c.job.Target) {
					t.Errorf("a call at %v is not for block %d", c.began.Sub(began), want.Block)
				}
			}
		}
		if st := solver.Stats(); st.Works != 3 || st.Block != 3 || st.BlockHash != work(3, 2).BlockHash {
			t.Errorf("figures name %d works and block %d", st.Works, st.Block)
		}
	})
}

// A solution that was under way when new work came is handed out with the work
// that it solves.
func TestSolveOlderWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		solver := pow.NewSolver(pow.Options{Engines: []pow.Engine{simulate(10*time.Millisecond, 0)}, UpdateInterval: 100})
		works := sending(work(1, 2))
		go func() {
			<-time.After(5 * time.Millisecond)
			works <- work(6, hopeless)
		}()
		s, err := solver.Solve(t.Context(), works)
		check(t, s, err, work(1, 2))
		if st := solver.Stats(); st.Block != 6 {
			t.Errorf("the newest work is that of block %d, want 6", st.Block)
		}
		if !s.Expired(6) || s.Expired(5) {
			t.Error("the solution should expire at head 6, not before")
		}
	})
}

func TestSolveEnds(t *testing.T) {
	gone := errors.New("device lost")
	unsolved, solvable := work(1, hopeless), work(1, 1e18)
	for _, c := range []struct {
		name   string
		works  []pow.Work
		closed bool
		engine pow.Engine
		want   error
		after  time.Duration
	}{
		{"before any work", nil, false, simulate(time.Millisecond, 0), context.DeadlineExceeded, time.Minute},
		{"while solving", []pow.Work{unsolved}, false, simulate(time.Millisecond, 0), context.DeadlineExceeded, time.Minute},
		{"no work comes", nil, true, simulate(time.Millisecond, 0), pow.ErrNoWork, 0},
		{"no more work comes", []pow.Work{unsolved}, true, simulate(time.Millisecond, 0), context.DeadlineExceeded, time.Minute},
		{"no challenge", []pow.Work{{Difficulty: 1}}, false, simulate(time.Millisecond, 0), pow.ErrNoChallenge, 0},
		{"no challenge later", []pow.Work{unsolved, {}}, false, simulate(time.Millisecond, 0), pow.ErrNoChallenge, 0},
		{"engine fails its test", []pow.Work{unsolved}, false, liar{pow.NewGoEngine()}, pow.ErrFaulty, 0},
		{"engine reports what is no solution", []pow.Work{solvable}, false, &failing{found: 1}, pow.ErrFaulty, 0},
		{"engine reports more than fits", []pow.Work{solvable}, false, &failing{found: 1000}, pow.ErrFaulty, 0},
		{"engine stops without a hit", []pow.Work{solvable}, false, &failing{short: 1}, pow.ErrFaulty, 0},
		{"engine breaks down", []pow.Work{solvable}, false, &failing{err: gone}, gone, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				works := sending(c.works...)
				if c.closed {
					close(works)
				}
				began := time.Now()
				solver := pow.NewSolver(pow.Options{Engines: []pow.Engine{c.engine}, UpdateInterval: 1000})
				s, err := solver.Solve(ctx, works)
				if !errors.Is(err, c.want) {
					t.Errorf("error %v, want %v", err, c.want)
				}
				if s != (pow.Solution{}) {
					t.Errorf("a solution %+v beside an error", s)
				}
				if took := time.Since(began); took < c.after || took > c.after+2*time.Millisecond {
					t.Errorf("returned after %v, want %v", took, c.after)
				}
			})
		})
	}
}

// failing passes its self-test and fails at work, in one of the ways there are.
type failing struct {
	found int
	short uint64
	err   error
}

func (e *failing) Name() string { return "failing" }

func (e *failing) Search(job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
	if len(hits) > 200 {
		return pow.NewGoEngine().Search(job, first, count, hits)
	}
	return count - e.short, e.found, e.err
}

// What other engines do is not lost on the error of one: they are waited for.
func TestSolveWaitsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := simulate(time.Hour, 0)
		solver := pow.NewSolver(pow.Options{Engines: []pow.Engine{slow, &failing{err: errors.New("device lost")}}})
		if _, err := solver.Solve(t.Context(), sending(work(1, hopeless))); err == nil {
			t.Error("no error")
		}
		if slow.inside.Load() != 0 || len(slow.calls) > 1 {
			t.Errorf("after Solve, %d engines work; the slow one made %d calls", slow.inside.Load(), len(slow.calls))
		}
	})
}

func TestSolveTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		solver := pow.NewSolver(pow.Options{Engines: []pow.Engine{simulate(time.Millisecond, 0)}, UpdateInterval: 64})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := solver.Solve(ctx, sending(work(1, hopeless)))
			ended <- err
		}()
		<-time.After(time.Second)
		if _, err := solver.Solve(t.Context(), sending(work(1, 1))); !errors.Is(err, pow.ErrBusy) {
			t.Errorf("second Solve: %v, want ErrBusy", err)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("first Solve: %v, want context.Canceled", err)
		}
		s, err := solver.Solve(t.Context(), sending(work(2, 2)))
		check(t, s, err, work(2, 2))
	})
}

// No nonce is tried twice, none within a job is left out, and searches of the
// same work start elsewhere.
func TestSolveShares(t *testing.T) {
	starts := make(map[uint64]bool)
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			const interval = 1<<22 + 12345 // so that jobs end amid an interval
			var engines []pow.Engine
			for i := range 3 {
				engines = append(engines, simulate(time.Duration(i+1)*time.Millisecond, 0))
			}
			solver := pow.NewSolver(pow.Options{Engines: engines, UpdateInterval: interval})
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if _, err := solver.Solve(ctx, sending(work(1, hopeless))); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			jobs := make(map[uint64]bool) // by first nonce
			for _, e := range engines {
				calls := e.(*simulated).calls
				if len(calls) < 60 {
					t.Fatalf("%d calls in 200 ms", len(calls))
				}
				var base, next uint64
				for i, c := range calls {
					if c.first == 0 {
						if i > 0 && next != c.job.Count() {
							t.Fatalf("a job was left at index %d", next)
						}
						if base = c.job.Nonce(0); jobs[base] {
							t.Fatalf("the job of nonce %#x was searched twice", base)
						}
						jobs[base] = true
					} else if c.first != next || c.job.Nonce(0) != base {
						t.Fatalf("a call begins at %d, the one before ended at %d", c.first, next)
					}
					next = c.first + c.count
				}
			}
			// Jobs are numbered from a random start: the least nonce tells it.
			var bases []uint64
			for b := range jobs {
				bases = append(bases, b)
			}
			starts[slices.Min(bases)] = true
		})
	}
	if len(starts) != 2 {
		t.Error("two searches start at the same nonce")
	}
}

// Calls grow or shrink to about half a millisecond, whatever an engine's speed.
func TestSolveAdapts(t *testing.T) {
	for _, perSeal := range []time.Duration{100 * time.Microsecond, 500 * time.Nanosecond, 10 * time.Nanosecond} {
		synctest.Test(t, func(t *testing.T) {
			e := simulate(20*time.Microsecond, perSeal)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err := pow.NewSolver(pow.Options{Engines: []pow.Engine{e}}).Solve(ctx, sending(work(1, hopeless)))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			settled := e.calls[len(e.calls)/2:]
			for _, c := range settled {
				ends := c.first+c.count == c.job.Count()
				if c.took > time.Millisecond || c.took < time.Millisecond/4 && !ends {
					t.Errorf("at %v a seal, a call of %d takes %v", perSeal, c.count, c.took)
				}
			}
		})
	}
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Two engines at a million seals a second.
		engines := []pow.Engine{simulate(0, time.Microsecond), simulate(0, time.Microsecond)}
		solver := pow.NewSolver(pow.Options{Engines: engines, UpdateInterval: 1024})
		none := pow.Stats{Chance: -1, Engines: []pow.EngineStats{{Name: "simulated"}, {Name: "simulated"}}}
		if d := cmp.Diff(none, solver.Stats()); d != "" {
			t.Errorf("figures before any search: %s", d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		works := make(chan pow.Work)
		go func() {
			defer close(ended)
			_, _ = solver.Solve(ctx, works)
		}()
		near := func(got, want float64) bool { return math.Abs(got-want) < 0.02*want }

		<-time.After(time.Second) // no work yet
		if st := solver.Stats(); st.Hashes != 0 || st.Expected != 0 || st.Works != 0 || st.Elapsed != time.Second {
			t.Errorf("figures before the first work: %+v", st)
		}
		works <- work(40, hopeless)
		<-time.After(20*time.Second + time.Microsecond)
		st := solver.Stats()
		if !near(float64(st.Hashes), 40e6) || !near(st.Rate, 2e6) || !near(st.MeanRate, 40e6/21) {
			t.Errorf("%d seals at %.0f (mean %.0f) a second; want 40 million at 2 million (1.9)", st.Hashes, st.Rate, st.MeanRate)
		}
		if st.Block != 40 || st.Difficulty != hopeless || st.BlockHash != work(40, 1).BlockHash || st.Works != 1 {
			t.Errorf("figures do not name the work: %+v", st)
		}
		if st.Expected != math.MaxInt64 { // 292,000 years
			t.Errorf("expected %v, want the longest duration", st.Expected)
		}

		if st.Rounds != st.Hashes/1024 || st.RoundTime != 250*time.Millisecond || !near(st.RoundMean.Seconds(), 21.0/40e6*1024) {
			t.Errorf("%d rounds, %v in the mean, the newest figures took %v", st.Rounds, st.RoundMean, st.RoundTime)
		}
		for _, e := range st.Engines {
			if e.Name != "simulated" || !near(float64(e.Hashes), 20e6) || !near(e.Rate, 1e6) || !near(e.MeanRate, 20e6/21) {
				t.Errorf("an engine's figures are %+v", e)
			}
		}

		// One engine slows down to a third: two thirds of the rate are left.
		slower := engines[1].(*simulated)
		slower.mu.Lock()
		slower.perSeal = 3 * time.Microsecond
		slower.mu.Unlock()
		<-time.After(30 * time.Second)
		if st := solver.Stats(); !near(st.Rate, 4e6/3) {
			t.Errorf("after 30 s at 1.33 million seals a second the rate is %.0f", st.Rate)
		}
		cancel()
		<-ended
		st = solver.Stats()
		<-time.After(time.Hour)
		if d := cmp.Diff(st, solver.Stats()); d != "" || !near(st.Elapsed.Seconds(), 51) {
			t.Errorf("figures change after the search: %s", d)
		}
	})
}

func TestExpectedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := simulate(time.Millisecond, 0)
		solver := pow.NewSolver(pow.Options{Engines: []pow.Engine{e}, UpdateInterval: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		w := work(1, 1_000_000_000_000)
		if _, err := solver.Solve(ctx, sending(w)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		// A thousand seals a second: 10^9 seconds.
		if got := solver.Stats().Expected.Seconds(); math.Abs(got-1e9) > 2e7 {
			t.Errorf("expected %.0f seconds, want 10^9", got)
		}
	})
}

func TestExpired(t *testing.T) {
	for _, c := range []struct {
		block, window, head uint64
		want                bool
	}{
		// Today's: included at head+1, at most 5 blocks past the work block.
		{100, 5, 100, false},
		{100, 5, 104, false},
		{100, 5, 105, true},
		{100, 5, 5000, true},
		// Classic: head and head-1 survive.
		{100, 2, 100, false},
		{100, 2, 101, false},
		{100, 2, 102, true},
		// A head that lags, and the ends of the range.
		{100, 5, 99, false},
		{100, 5, 0, false},
		{math.MaxUint64, 5, math.MaxUint64, false},
		{0, 5, math.MaxUint64, true},
		{0, math.MaxUint64, math.MaxUint64 - 1, false},
		// No window: never good.
		{100, 0, 100, true},
	} {
		w := pow.Work{Block: c.block, Window: c.window}
		if got := w.Expired(c.head); got != c.want {
			t.Errorf("work of block %d with window %d at head %d: expired %v, want %v", c.block, c.window, c.head, got, c.want)
		}
	}
}

// The rate is the mean of the last samples, each of which weighs alpha times as much
// as the next newer one.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := simulate(0, time.Microsecond)
		solver := pow.NewSolver(pow.Options{Engines: []pow.Engine{e}, UpdateInterval: 256, Samples: 3, Alpha: 0.5})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ended := make(chan struct{})
		works := make(chan pow.Work)
		go func() {
			defer close(ended)
			_, _ = solver.Solve(ctx, works)
		}()
		<-time.After(10 * time.Second) // time without work is no part of it
		works <- work(1, hopeless)
		// Samples of a quarter of a second: at one million a second, then at a half, and
		// at a quarter.
		var got []float64
		for _, perSeal := range []time.Duration{2 * time.Microsecond, 4 * time.Microsecond, time.Microsecond, time.Microsecond, time.Microsecond} {
			<-time.After(250*time.Millisecond + time.Microsecond)
			got = append(got, solver.Stats().Rate)
			e.mu.Lock()
			e.perSeal = perSeal
			e.mu.Unlock()
		}
		want := []float64{1e6, (0.5 + 0.5*1) / 1.5 * 1e6, (0.25 + 0.5*0.5 + 0.25*1) / 1.75 * 1e6, (1 + 0.5*0.25 + 0.25*0.5) / 1.75 * 1e6, (1 + 0.5*1 + 0.25*0.25) / 1.75 * 1e6}
		for i := range want {
			if math.Abs(got[i]-want[i]) > 0.02*want[i] {
				t.Errorf("after %d samples the rate is %.0f, want %.0f", i+1, got[i], want[i])
			}
		}
		cancel()
		<-ended
	})
}

func TestChance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := simulate(0, time.Microsecond)
		solver := pow.NewSolver(pow.Options{Engines: []pow.Engine{e}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		works := make(chan pow.Work)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = solver.Solve(ctx, works)
		}()
		w := work(1, hopeless)
		works <- w
		<-time.After(10 * time.Second)
		if st := solver.Stats(); st.Chance != -1 {
			t.Errorf("a chance of %v, and nobody knows when the work expires", st.Chance)
		}
		// At a million seals a second 2^64 take 584,942 years.
		years := math.Exp2(64) / 1e6 / (365 * 24 * 3600)
		w.Expires = time.Now().Add(200 * 365 * 24 * time.Hour)
		works <- w
		<-time.After(time.Second)
		if st, want := solver.Stats(), 200/years; math.Abs(st.Chance-want) > 0.02*want {
			t.Errorf("a chance of %v, want %v", st.Chance, want)
		}
		w.Expires = time.Now().Add(-time.Second)
		works <- w
		<-time.After(time.Millisecond)
		if st := solver.Stats(); st.Chance != 0 {
			t.Errorf("a chance of %v for work that has expired", st.Chance)
		}
		cancel()
		<-ended
	})
}

// How near the search has come is that of the best seal, and belongs to the newest
// work.
func TestBest(t *testing.T) {
	e := &watcher{t: t, Engine: pow.NewGoEngine()}
	e.solver = pow.NewSolver(pow.Options{Engines: []pow.Engine{e}, UpdateInterval: 64})
	for block := range uint64(4) {
		e.best = 0
		w := work(block, 20_000)
		s, err := e.solver.Solve(t.Context(), sending(w))
		check(t, s, err, w)
		met := s.Seal.Difficulty(pow.LittleEndian)
		if got := e.solver.Stats().Best; got != met && got != met-1 {
			t.Errorf("the best seal met %d, want %d", got, met)
		}
	}
	if e.compared == 0 {
		t.Error("no search took two calls")
	}
}

// watcher looks at all seals that it is asked to try.
type watcher struct {
	pow.Engine
	t        *testing.T
	solver   *pow.Solver
	best     uint64 // of the calls so far
	compared int
}

func (e *watcher) Search(job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
	if len(hits) > 200 {
		return e.Engine.Search(job, first, count, hits)
	}
	// What is not within a sixty-fourth of the difficulty is not worth mentioning.
	if got := e.solver.Stats().Best; e.best >= 20_000/64 && got != e.best && got != e.best-1 || e.best < 20_000/64 && got != 0 {
		e.t.Errorf("the best seal met %d, want %d", got, e.best)
	}
	e.compared++
	for i := first; i < first+count; i++ {
		e.best = max(e.best, job.Seal(uint32(i)).Difficulty(job.Reading))
	}
	return e.Engine.Search(job, first, count, hits)
}

// However many seals an engine may try in a call, new work is begun within
// milliseconds; and no call is of more than UpdateInterval.
func TestUpdateInterval(t *testing.T) {
	for _, interval := range []uint64{100, 1000, 50_000, 1 << 40} {
		synctest.Test(t, func(t *testing.T) {
			e := simulate(0, time.Microsecond)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := pow.NewSolver(pow.Options{Engines: []pow.Engine{e}, UpdateInterval: interval}).Solve(ctx, sending(work(1, hopeless)))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			for _, c := range e.calls {
				if c.count > interval || c.took > 3*time.Millisecond {
					t.Fatalf("interval %d: a call of %d takes %v", interval, c.count, c.took)
				}
				// Engines work on 256 indexes at a time.
				if interval >= 256 && (c.first%256 != 0 || c.count%256 != 0) {
					t.Fatalf("interval %d: a call of %d from %d", interval, c.count, c.first)
				}
			}
		})
	}
}

func TestCPUs(t *testing.T) {
	n := pow.CPUs()
	if n < 1 || n > runtime.NumCPU() {
		t.Errorf("%d processors of %d", n, runtime.NumCPU())
	}
	// A search raises GOMAXPROCS, but not the number of processors.
	if _, err := pow.NewSolver(pow.Options{}).Solve(t.Context(), sending(work(1, 2))); err != nil {
		t.Fatal(err)
	}
	if got := pow.CPUs(); got != n {
		t.Errorf("%d processors after a search, %d before", got, n)
	}
	if runtime.GOMAXPROCS(0) <= n {
		t.Error("no thread is left to look at the network")
	}
}

// Whatever number of engines searches in the process, a thread is left over.
func TestSolveSpares(t *testing.T) {
	cpus := pow.CPUs()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		engines := make([]pow.Engine, cpus)
		var searches sync.WaitGroup
		for range 3 {
			for i := range engines {
				engines[i] = simulate(time.Millisecond, 0)
			}
			solver := pow.NewSolver(pow.Options{Engines: engines})
			searches.Go(func() { _, _ = solver.Solve(ctx, sending(work(1, hopeless))) })
		}
		synctest.Wait()
		if got := runtime.GOMAXPROCS(0); got < 3*cpus+1 {
			t.Errorf("%d engines search, GOMAXPROCS is %d", 3*cpus, got)
		}
		cancel()
		searches.Wait()
	})
	if got := pow.CPUs(); got != cpus {
		t.Errorf("%d processors, before it were %d", got, cpus)
	}
}

// A search allocates when it begins and not call by call.
func TestSolveAllocates(t *testing.T) {
	e := &counting{Engine: pow.NewGoEngine()}
	// Classic, so that one job lasts.
	w := pow.Work{Challenge: pow.Classic(fill(1), fill(2), pow.LittleEndian, pow.LittleEndian), Difficulty: 1}
	solver := pow.NewSolver(pow.Options{Engines: []pow.Engine{e}, UpdateInterval: 256})
	allocations := func(calls int) float64 {
		return testing.AllocsPerRun(5, func() {
			e.left = calls
			if _, err := solver.Solve(t.Context(), sending(w)); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, many := allocations(100), allocations(20_100)
	if many-few > 200 {
		t.Errorf("%.0f allocations for 100 calls, %.0f for 20,100", few, many)
	}
}

// counting is an engine that finds nothing for so many calls.
type counting struct {
	pow.Engine
	left int
}

func (e *counting) Search(job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
	if e.left--; e.left > 0 && len(hits) <= 200 {
		return count, 0, nil
	}
	return e.Engine.Search(job, first, count, hits)
}
