package registration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// task is what a flow wants of the chain.
type task interface {
	// read fills in the terms at v.state, and why there is nothing to be had: v.wait
	// where that passes by itself, else v.err.
	read(ctx context.Context, v *view)
	// call is the call that hands a proof in.
	call(s *subtensor.State, rule subtensor.Rule, proof pow.Solution) ([]byte, error)
	// made returns the block in which one of the proofs did its work, by what the
	// chain keeps of it at v; nil for none.
	made(ctx context.Context, c *subtensor.Client, v view, proofs []pow.Solution) (*made, error)
	// String says what an error is about.
	String() string
}

// made is where a proof got to.
type made struct {
	block substrate.Header
	proof pow.Solution
}

// inclusion is where it got to, without the events; nothing for nil.
func (m *made) inclusion() substrate.Inclusion {
	if m == nil {
		return substrate.Inclusion{}
	}
	return substrate.Inclusion{Header: m.block}
}

// flow is one run of a task. Its fields belong to the goroutine that runs it.
type flow struct {
	c       *subtensor.Client
	own     bool // c was made by the flow, which closes it
	task    task
	opts    Options
	solver  *pow.Solver // nil where nothing is searched
	unwatch func()      // nil where heads are not followed

	views    <-chan view    // of new heads
	ask      chan struct{}  // that of the newest block is wanted, head or no head
	newest   view           // never one with an error
	seen     time.Time      // when that came
	rule     subtensor.Rule // of the running search, and of what it finds
	search   *search        // nil for none
	kept     *pow.Solution  // found and not yet handed in
	handed   []pow.Solution // handed in, with an end that is not known
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

// view is the chain at a head, as far as the task is concerned.
type view struct {
	state *subtensor.State
	terms subtensor.Terms
	burn  subtensor.BurnTerms // of Burn
	until uint64              // the block at which the reason to wait is over, 0 where that is not known
	wait  error               // why nothing is possible now, if that passes by itself
	err   error               // what ends the flow
	asked bool                // no new head has come for long: what the node says now counts, also where it is lower
}

func newFlow(c *subtensor.Client, t task, opts Options) *flow {
	if opts.MaxAttempts <= 0 {
		opts.MaxAttempts = DefaultAttempts
	}
	if opts.Progress == nil {
		opts.Progress = func(Progress) {}
	}
	return &flow{c: c, task: t, opts: opts}
}

// context says what an error is about. An end of ctx is not dressed up as a
// failure of whatever it interrupted.
func (f *flow) context(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil && !f.pending {
		return cause
	}
	return fmt.Errorf("%v: %w", f.task, err)
}

// prove has a proof accepted: it searches and submits until one is in a block.
func (f *flow) prove(ctx context.Context, signer substrate.Signer) (made, substrate.Inclusion, error) {
	fail := func(err error) (made, substrate.Inclusion, error) {
		if f.pending && ctx.Err() != nil {
			err = interrupted(ctx)
		}
		return made{}, substrate.Inclusion{}, err
	}
	for {
		proof, at, err := f.find(ctx, true)
		if errors.Is(err, subtensor.ErrAlreadyRegistered) {
			if m, _ := f.claim(ctx, f.look(ctx, nil)); m != nil {
				return *m, m.inclusion(), nil
			}
		}
		if err != nil {
			return fail(err)
		}
		in, err := f.submit(ctx, proof, at, signer)
		if err == nil {
			return made{in.Header, proof}, in, nil
		}
		if judged(err) {
			f.pending = false
			f.handed = slices.DeleteFunc(f.handed, func(p pow.Solution) bool { return p.Seal == proof.Seal })
		}
		lost := substrate.Unreachable(err)
		v := f.look(ctx, nil)
		if substrate.Unreachable(v.err) {
			v = f.reconnect(ctx, v.err)
		}
		// Whatever the refusal was called: what the chain says of the proofs counts.
		if m, err := f.claim(ctx, v); err != nil {
			return fail(err)
		} else if m != nil {
			return *m, m.inclusion(), nil
		}
		again := retryable(err) || lost
		if queued(err) && f.queued < maxQueued {
			f.queued++
			f.attempts-- // what was not judged was no attempt
		}
		if f.attempts >= f.opts.MaxAttempts && again {
			again, err = false, fmt.Errorf("%w in %d attempts: %w", ErrAttempts, f.attempts, err)
		}
		switch {
		case errors.Is(v.err, subtensor.ErrAlreadyRegistered):
			return fail(v.err)
		case !again:
			return fail(err)
		case v.err != nil:
			return fail(errors.Join(err, v.err))
		}
		f.now(v)
		f.refused, f.pending = err, false
		if lost || errors.Is(err, errLate) {
			f.kept, f.refused = &proof, nil // it was not judged; find looks at it again
		} else {
			f.after = at.state.Number
		}
	}
}

// claim looks whether a proof that was handed in and lost sight of did its work.
func (f *flow) claim(ctx context.Context, v view) (*made, error) {
	if len(f.handed) == 0 {
		return nil, nil
	}
	for v.state != nil {
		m, err := f.task.made(ctx, f.c, v, f.handed)
		if !substrate.Unreachable(err) {
			return m, err
		}
		v = f.reconnect(ctx, err)
	}
	return nil, v.err
}

// interrupted is the error of a flow that ended with a transaction under way.
func interrupted(ctx context.Context) error {
	return fmt.Errorf("interrupted after it was submitted, which may still get into a block: %w", ctx.Err())
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
		return nil, fmt.Errorf("the key that was given to sign is not the %v %s: %w", which, want, subtensor.ErrWrongSigner)
	}
	return s, nil
}

// begin reads the terms at the head. Its error is why there is nothing to do.
func (f *flow) begin(ctx context.Context) error {
	v := f.look(ctx, nil)
	if v.err != nil {
		return v.err
	}
	f.rule, f.known = v.terms.Rule, v.state.Number
	f.now(v)
	return nil
}

// beginSearch is begin with a solver.
func (f *flow) beginSearch(ctx context.Context) (err error) {
	if f.solver, err = f.opts.solver(); err != nil {
		return err
	}
	return f.begin(ctx)
}

// now makes a view the newest.
func (f *flow) now(v view) {
	f.newest, f.seen = v, time.Now()
	if f.firstAt.IsZero() && v.state.Number > f.known {
		f.first, f.firstAt = v.state.Number, f.seen
	}
}

// look reads the terms at a block, at the newest for nil.
func (f *flow) look(ctx context.Context, h *substrate.Header) view {
	var v view
	if h == nil {
		v.state, v.err = f.c.AtHead(ctx)
	} else {
		v.state, v.err = f.c.At(ctx, *h)
	}
	if v.err == nil {
		f.task.read(ctx, &v)
	}
	return v
}

// search is a running Solve.
type search struct {
	work   chan pow.Work
	done   chan found
	cancel context.CancelFunc
	ends   sync.WaitGroup
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
	s.ends.Go(func() {
		solution, err := f.solver.Solve(ctx, s.work)
		s.done <- found{solution, err}
	})
	f.search = s
}

// stop ends the search and waits for its goroutines.
func (f *flow) stop() {
	if f.search != nil {
		f.search.cancel()
		f.search.ends.Wait()
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
	v := f.newest // what is kept from before is looked at first
	for {
		var refusal error
		for {
			if v.err == nil && f.kept != nil {
				refusal, v.err = f.check(ctx, f.kept, v)
			}
			if !substrate.Unreachable(v.err) {
				break
			}
			v = f.reconnect(ctx, v.err)
		}
		if v.err != nil {
			return fail(v.err)
		}
		f.now(v)
		if f.kept != nil {
			switch {
			case refusal != nil:
				f.kept = nil
			case !submit || v.wait == nil:
				proof := *f.kept
				f.kept = nil
				return proof, v, nil
			}
		}
		if err := f.feed(ctx); err != nil {
			return fail(err)
		}
		var err error
		if v, err = f.next(ctx, ticker.C); err != nil {
			return fail(err)
		}
	}
}

// next waits for something new: a head, or a solution, which is then kept. It
// returns the newest view.
func (f *flow) next(ctx context.Context, tick <-chan time.Time) (view, error) {
	for {
		f.report(f.phase(), f.newest.state.Header)
		var done <-chan found
		if f.search != nil {
			done = f.search.done
		}
		select {
		case <-ctx.Done():
			return view{}, ctx.Err()
		case <-tick:
			f.wonder()
		case v := <-f.views:
			if v.err == nil && v.state.Number < f.newest.state.Number && !v.asked {
				continue // read before the newest, and late
			}
			return v, nil
		case r := <-done:
			f.stop()
			if r.err != nil {
				return view{}, r.err
			}
			f.kept = &r.solution
			return f.look(ctx, nil), nil // a head may be on its way
		}
	}
}

// errOldRule reports a proof of a rule that a runtime upgrade has replaced.
var errOldRule = errors.New("the proof is of another rule than that of the runtime now")

// check returns how the chain would refuse a proof on top of a head, nil for not at
// all. The puzzle is put together anew, of the hash that the chain holds in the place
// of the proof's block: nothing of the search is trusted.
func (f *flow) check(ctx context.Context, s *pow.Solution, v view) (refusal, err error) {
	rule, work := v.terms.Rule, v.state.Hash
	if !same(rule, f.rule) {
		return errOldRule, nil
	}
	if s.Block != v.state.Number {
		h, err := f.c.HeaderAt(ctx, s.Block)
		var beyond *substrate.BlockNotFoundError
		if errors.As(err, &beyond) || errors.Is(err, substrate.ErrStateDiscarded) {
			return err, nil // a reorganisation made the chain shorter
		}
		if err != nil {
			return nil, err
		}
		work = h.Hash
	}
	signer := v.terms.Hotkey
	if rule.Signer == subtensor.ColdkeySigns {
		signer = v.terms.Coldkey
	}
	return v.state.Schema().CheckProof(v.terms, signer, work, *s), nil
}

// same reports whether two rules are one but for the runtime's number.
func same(a, b subtensor.Rule) bool {
	a.Spec = b.Spec
	return a == b
}

// feed gives the search the newest block to work on, or ends it where there is
// nothing to search for, because a solution is kept or no new one would do.
func (f *flow) feed(ctx context.Context) error {
	v := f.newest
	if rule := v.terms.Rule; !same(rule, f.rule) {
		if rule.Signer != f.rule.Signer {
			return fmt.Errorf("the runtime was upgraded to spec %d, where the %v signs registrations: begin again", rule.Spec, rule.Signer)
		}
		f.stop() // what it finds would be of the old rule
		f.rule = rule
	}
	if f.kept != nil || f.idle() {
		f.stop()
		return nil
	}
	if f.search == nil {
		f.start(ctx)
	}
	if work := v.state.Work(v.terms); work != f.search.fed {
		f.search.fed = work
		if pace := f.pace(); pace > 0 {
			work.Expires = time.Now().Add(time.Duration(min(work.Window, 1<<16)) * pace)
		}
		put(f.search.work, work)
	}
	return nil
}

// pace is how long a block takes: as seen so far, else as the runtime says; 0 where
// neither is known.
func (f *flow) pace() time.Duration {
	s := f.newest.state
	if !f.firstAt.IsZero() && s.Number > f.first {
		return f.seen.Sub(f.firstAt) / time.Duration(s.Number-f.first)
	}
	return s.Schema().BlockTime()
}

// Heads that do not come for so many blocks, and at least so long, are asked for.
const (
	quietBlocks = 5
	quietTime   = time.Second
)

// wonder has the newest block asked for where heads are overdue: the node may have
// ceased to send them, or to be there at all, though the connection seems to stand.
func (f *flow) wonder() {
	if quiet := time.Since(f.seen); quiet > quietTime && quiet > quietBlocks*f.pace() {
		put(f.ask, struct{}{})
	}
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
	if phase == Waiting {
		f.countdown(&p)
	}
	if f.solver != nil {
		p.Stats = f.solver.Stats()
	}
	f.opts.Progress(p)
}

// countdown says what is waited for and how long that takes.
func (f *flow) countdown(p *Progress) {
	v := f.newest
	until := v.until
	switch {
	case v.wait != nil:
		p.Err = v.wait
	case f.refused != nil || f.kept != nil:
		until = v.state.Number + 1
	}
	if until <= v.state.Number {
		return
	}
	p.WaitBlocks = until - v.state.Number
	most := min(p.WaitBlocks, 1<<16) // so that no block time makes it overflow
	p.WaitTime = max(0, time.Duration(most)*f.pace()-time.Since(f.seen))
}
