package pow_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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
	if len(hits) > 1 { // the self-test's
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
	if job.Target == pow.TargetFor(hopeless) {
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
		if st := solver.Stats(); st.Hashes == 0 || st.Elapsed <= 0 || st.Rounds != 1 || st.Rate <= 0 {
			t.Errorf("figures of a finished search: %+v", st)
		}
	}
}

func TestSolveSwitches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const length = 3 * time.Millisecond
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
				if c.job != want.Challenge.Job(c.job.Nonce(0), pow.TargetFor(want.Difficulty)) {
					t.Errorf("a call at %v is not for block %d", c.began.Sub(began), want.Block)
				}
			}
		}
		if st := solver.Stats(); st.Rounds != 3 || st.Block != 3 || st.BlockHash != work(3, 2).BlockHash {
			t.Errorf("figures name %d rounds and block %d", st.Rounds, st.Block)
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
		{"engine reports more than fits", []pow.Work{solvable}, false, &failing{found: 2}, pow.ErrFaulty, 0},
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
	if len(hits) > 1 {
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

// Calls grow or shrink to a few milliseconds, whatever an engine's speed.
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
				if c.took > 8*time.Millisecond || c.took < time.Millisecond && !ends {
					t.Errorf("at %v a seal, a call of %d takes %v", perSeal, c.count, c.took)
				}
			}
		})
	}
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Two engines, a thousand seals each millisecond: two million a second.
		engines := []pow.Engine{simulate(time.Millisecond, 0), simulate(time.Millisecond, 0)}
		solver := pow.NewSolver(pow.Options{Engines: engines, UpdateInterval: 1000})
		if st := solver.Stats(); st != (pow.Stats{}) {
			t.Errorf("figures before any search: %+v", st)
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
		if st := solver.Stats(); st.Hashes != 0 || st.Expected != 0 || st.Rounds != 0 || st.Elapsed != time.Second {
			t.Errorf("figures before the first work: %+v", st)
		}
		works <- work(40, hopeless)
		<-time.After(20*time.Second + time.Microsecond)
		st := solver.Stats()
		if !near(float64(st.Hashes), 40e6) || !near(st.Rate, 2e6) || !near(st.MeanRate, 40e6/21) {
			t.Errorf("%d seals at %.0f (mean %.0f) a second; want 40 million at 2 million (1.9)", st.Hashes, st.Rate, st.MeanRate)
		}
		if st.Block != 40 || st.Difficulty != hopeless || st.BlockHash != work(40, 1).BlockHash || st.Rounds != 1 {
			t.Errorf("figures do not name the work: %+v", st)
		}
		if st.Expected != math.MaxInt64 { // 292,000 years
			t.Errorf("expected %v, want the longest duration", st.Expected)
		}

		// One engine slows down to a third: two thirds of the rate are left.
		slower := engines[1].(*simulated)
		slower.mu.Lock()
		slower.perCall = 3 * time.Millisecond
		slower.mu.Unlock()
		<-time.After(30 * time.Second)
		if st := solver.Stats(); !near(st.Rate, 4e6/3) {
			t.Errorf("after 30 s at 1.33 million seals a second the rate is %.0f", st.Rate)
		}
		cancel()
		<-ended
		st = solver.Stats()
		<-time.After(time.Hour)
		if again := solver.Stats(); again != st || !near(st.Elapsed.Seconds(), 51) {
			t.Errorf("figures change after the search: %+v, then %+v", st, again)
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
