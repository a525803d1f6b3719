package registration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/engines"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// flow is one registration. Its fields belong to the goroutine that runs it.
type flow struct {
	c               *subtensor.Client
	netuid          uint16
	hotkey, coldkey ss58.AccountID
	opts            Options
	solver          *pow.Solver

	views    <-chan view // of new heads
	newest   view
	rule     subtensor.Rule // of the running search, and of what it finds
	search   *search        // nil for none
	attempts int
	queued   int    // how often a proof had to stand back behind another transaction
	known    uint64 // the newest block when all began, whose age is not known
	first    uint64 // the first block that came after it, and when
	firstAt  time.Time
	pending  bool   // a proof was handed to the node, which may put it into a block
	after    uint64 // works must be of later blocks than this
	refused  error  // why the last proof was
}

// maxQueued is how often a proof may be refused without being judged before that
// counts as an attempt: once a block, for some minutes of today's blocks.
const maxQueued = 32

// view is the chain at a head, as far as the registration is concerned.
type view struct {
	state *subtensor.State
	terms subtensor.Terms
	wait  error // why no registration is possible now, if that passes by itself
	err   error // what ends the flow
}

func newFlow(c *subtensor.Client, netuid uint16, hotkey, coldkey ss58.AccountID, opts Options) *flow {
	if opts.MaxAttempts <= 0 {
		opts.MaxAttempts = DefaultAttempts
	}
	if opts.Progress == nil {
		opts.Progress = func(Progress) {}
	}
	return &flow{c: c, netuid: netuid, hotkey: hotkey, coldkey: coldkey, opts: opts, solver: opts.Solver}
}

// context says what an error is about. An end of ctx is not dressed up as a
// failure of whatever it interrupted.
func (f *flow) context(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil && !f.pending {
		return cause
	}
	return fmt.Errorf("register %s: %w", f.hotkey, err)
}

// register is the whole flow.
func (f *flow) register(ctx context.Context, keys Keys) (Result, error) {
	if err := f.begin(ctx); err != nil {
		return Result{}, err
	}
	signer, err := keys.signer(f.rule.Signer)
	if err != nil {
		return Result{}, err
	}
	stop, err := f.watch(ctx)
	if err != nil {
		return Result{}, err
	}
	defer stop()
	for {
		solution, at, err := f.find(ctx, true)
		if err != nil {
			return Result{}, err
		}
		in, err := f.submit(ctx, solution, at, signer)
		if err == nil {
			return f.finish(ctx, solution, at, in)
		}
		if f.pending && ctx.Err() != nil {
			return Result{}, fmt.Errorf("interrupted after a proof was submitted, which may still get into a block: %w", ctx.Err())
		}
		again := retryable(err)
		if queued(err) && f.queued < maxQueued {
			f.queued++
			f.attempts-- // what was not judged was no attempt
		}
		if f.attempts >= f.opts.MaxAttempts && again {
			again, err = false, fmt.Errorf("%w in %d attempts: %w", ErrAttempts, f.attempts, err)
		}
		// Whatever the refusal was called: when the hotkey has become registered,
		// that is what there is to say.
		v := f.look(ctx, nil)
		switch {
		case errors.Is(v.err, subtensor.ErrAlreadyRegistered):
			return Result{}, v.err
		case !again:
			return Result{}, err
		case v.err != nil:
			return Result{}, errors.Join(err, v.err)
		}
		f.newest = v
		f.refused, f.after, f.pending = err, at.state.Number, false
	}
}

// signer asks for the key that signs and makes sure that it is the one.
func (k Keys) signer(which subtensor.Signer) (substrate.Signer, error) {
	if k.Signer == nil {
		return nil, fmt.Errorf("the %v has to sign, but Keys has no Signer", which)
	}
	s, err := k.Signer(which)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", which, err)
	}
	want := k.Hotkey
	if which == subtensor.ColdkeySigns {
		want = k.Coldkey
	}
	if s == nil || s.Account() != want {
		return nil, fmt.Errorf("the key that was given to sign is not the %v %s", which, want)
	}
	return s, nil
}

// begin reads the terms at the head. Its error is why there is nothing to do.
func (f *flow) begin(ctx context.Context) error {
	if f.solver == nil {
		all, err := engines.New(engines.Options{})
		if err != nil {
			return err
		}
		f.solver = pow.NewSolver(pow.Options{Engines: all})
	}
	f.newest = f.look(ctx, nil)
	f.rule, f.known = f.newest.terms.Rule, f.newest.terms.Block
	return f.newest.err
}

// look reads the terms at a block, at the newest for nil.
func (f *flow) look(ctx context.Context, h *substrate.Header) view {
	var v view
	if h == nil {
		v.state, v.err = f.c.AtHead(ctx)
	} else {
		v.state, v.err = f.c.At(ctx, *h)
	}
	if v.err != nil {
		return v
	}
	var err error
	v.terms, err = v.state.RegistrationTerms(ctx, f.netuid, f.hotkey, f.coldkey)
	switch {
	case errors.Is(err, subtensor.ErrTooManyThisBlock) && v.terms.PerBlock > 0,
		errors.Is(err, subtensor.ErrTooManyThisInterval),
		errors.Is(err, subtensor.ErrReplay):
		v.wait = err
	default:
		v.err = err
	}
	return v
}

// head is a block, or why there are no more.
type head struct {
	substrate.Header
	err error
}

// watch makes f.views follow the chain. Two goroutines see to it, so that a node
// that is slow to tell the terms makes blocks be skipped and not pile up. Stop
// ends them and waits for them.
func (f *flow) watch(ctx context.Context) (stop func(), err error) {
	heads, err := f.c.Heads(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	newest, views := make(chan head, 1), make(chan view, 1)
	f.views = views
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			h, err := heads.Next(ctx)
			put(newest, head{h, err})
			if err != nil {
				return
			}
		}
	})
	wg.Go(func() {
		for {
			var v view
			select {
			case <-ctx.Done():
				return
			case h := <-newest:
				if v.err = h.err; v.err == nil {
					v = f.look(ctx, &h.Header)
				}
			}
			put(views, v)
			if v.err != nil {
				return
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
		heads.Close() //nolint:errcheck // it is over; a connection that broke has been reported
	}, nil
}

// put makes v the content of a channel with room for one, of which the caller is
// the only sender.
func put[T any](ch chan T, v T) {
	select {
	case <-ch:
	default:
	}
	ch <- v
}

// search is a running Solve.
type search struct {
	work   chan pow.Work
	done   chan found
	cancel context.CancelFunc
	fed    pow.Work
}

type found struct {
	solution pow.Solution
	err      error
}

// start begins a search, which waits for its first work.
func (f *flow) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	s := &search{work: make(chan pow.Work, 1), done: make(chan found, 1), cancel: cancel}
	go func() {
		solution, err := f.solver.Solve(ctx, s.work)
		s.done <- found{solution, err}
	}()
	f.search = s
}

// stop ends the search and waits for its goroutines.
func (f *flow) stop() {
	if f.search != nil {
		f.search.cancel()
		<-f.search.done
		f.search = nil
	}
}

// find searches until a solution is verified and fresh at the newest head, and
// returns it with that head. With submit it is also one at which the chain admits
// a registration: a solution that comes in a block that has had its registrations
// is kept until the next, if it keeps.
func (f *flow) find(ctx context.Context, submit bool) (pow.Solution, view, error) {
	fail := func(err error) (pow.Solution, view, error) { return pow.Solution{}, view{}, err }
	defer f.stop()
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	var (
		kept *pow.Solution
		err  error
	)
	if err := f.feed(ctx, false); err != nil {
		return fail(err)
	}
	for {
		f.report(f.phase(), f.newest.state.Header)
		var done <-chan found
		if f.search != nil {
			done = f.search.done
		}
		select {
		case <-ctx.Done():
			return fail(ctx.Err())
		case <-ticker.C:
			continue
		case v := <-f.views:
			if v.err == nil && v.state.Number < f.newest.state.Number {
				continue // read before the newest, and late
			}
			f.newest = v
		case r := <-done:
			f.search.cancel()
			f.search = nil
			if r.err != nil {
				return fail(r.err)
			}
			kept = &r.solution
			f.newest = f.look(ctx, nil) // a head may be on its way
		}
		if f.newest.err != nil {
			return fail(f.newest.err)
		}
		if kept != nil {
			var good bool
			if good, err = f.good(ctx, kept, f.newest); err != nil {
				return fail(err)
			}
			switch {
			case !good:
				kept = nil
			case !submit || f.newest.wait == nil:
				return *kept, f.newest, nil
			}
		}
		if err := f.feed(ctx, kept != nil); err != nil {
			return fail(err)
		}
	}
}

// good reports whether a solution would be accepted at a head, going by the
// seal: it is of the head's rule, not expired, not outgrown by the difficulty, and
// its block is still part of the chain.
func (f *flow) good(ctx context.Context, s *pow.Solution, v view) (bool, error) {
	rule := v.terms.Rule
	if !same(rule, f.rule) || !rule.Fresh(s.Block, v.state.Number) || s.Block <= v.terms.LastWorkBlock && v.terms.LastWorkBlock > 0 {
		return false, nil
	}
	// The puzzle is put together anew, so that nothing of the search is trusted.
	challenge := rule.Challenge(f.netuid, s.BlockHash, f.hotkey, f.coldkey)
	if challenge.Seal(s.Nonce) != s.Seal || !challenge.Verify(s.Nonce, v.terms.Difficulty) {
		return false, nil
	}
	if s.BlockHash == v.state.Hash {
		return true, nil
	}
	h, err := f.c.HeaderAt(ctx, s.Block)
	if err != nil {
		return false, err
	}
	return h.Hash == s.BlockHash, nil
}

// same reports whether two rules are one but for the runtime's number.
func same(a, b subtensor.Rule) bool {
	a.Spec = b.Spec
	return a == b
}

// feed gives the search the newest block to work on, or ends it where there is
// nothing to search for, because a solution is kept or no new one would do.
func (f *flow) feed(ctx context.Context, kept bool) error {
	v := f.newest
	if rule := v.terms.Rule; !same(rule, f.rule) {
		if rule.Signer != f.rule.Signer {
			return fmt.Errorf("the runtime was upgraded to spec %d, where the %v signs registrations: begin again", rule.Spec, rule.Signer)
		}
		f.stop() // what it finds would be of the old rule
		f.rule = rule
	}
	if kept || f.idle() {
		f.stop()
		return nil
	}
	if f.search == nil {
		f.start(ctx)
	}
	if work := v.state.Work(v.terms); work != f.search.fed {
		f.search.fed = work
		if pace := f.pace(v.state); pace > 0 {
			work.Expires = time.Now().Add(time.Duration(min(work.Window, 1<<16)) * pace)
		}
		put(f.search.work, work)
	}
	return nil
}

// pace is how long a block takes: as seen so far, else as the runtime says; 0 where
// neither is known.
func (f *flow) pace(s *subtensor.State) time.Duration {
	now := time.Now()
	switch {
	case f.firstAt.IsZero() && s.Number > f.known:
		f.first, f.firstAt = s.Number, now
	case !f.firstAt.IsZero() && s.Number > f.first:
		return now.Sub(f.firstAt) / time.Duration(s.Number-f.first)
	}
	return s.Schema().BlockTime()
}

// idle reports whether a proof for the newest block would be of no use. That the
// block has had its registrations does not matter: by the time a proof is found
// there is another block.
func (f *flow) idle() bool {
	if f.refused != nil && f.newest.state.Number <= f.after {
		return true
	}
	return f.newest.wait != nil && !errors.Is(f.newest.wait, subtensor.ErrTooManyThisBlock)
}

func (f *flow) phase() Phase {
	if f.search != nil {
		return Solving
	}
	return Waiting
}

func (f *flow) report(phase Phase, head substrate.Header) {
	p := Progress{Phase: phase, Head: head, Terms: f.newest.terms, Attempts: f.attempts, Err: f.refused}
	if phase == Waiting && f.newest.wait != nil {
		p.Err = f.newest.wait
	}
	p.Stats = f.solver.Stats()
	f.opts.Progress(p)
}
