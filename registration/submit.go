package registration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

var (
	// errLost reports a transaction that no block took while it was good.
	errLost = errors.New("no block took the transaction before it expired")
	// errOrphaned reports a transaction for a block that the chain has left.
	errOrphaned = errors.New("the chain was reorganised: the block that the transaction was made for is no part of it any more")
	// errLate reports a proof that was good no longer when it was signed. It was
	// not handed in.
	errLate = errors.New("the chain moved on while the proof was being signed")
)

// submit hands a proof in on top of a head and waits until it is in a block. What
// is signed is held against the newest head once more: a node can take its time
// to tell the account's nonce.
func (f *flow) submit(ctx context.Context, s pow.Solution, at view, signer substrate.Signer) (substrate.Inclusion, error) {
	none := substrate.Inclusion{}
	call, err := f.task.call(at.state, f.rule, s)
	if err != nil {
		return none, err
	}
	f.report(Submitting, at.state.Header)
	// The transaction dies soon after the proof: where failures cost a fee, one that is
	// much too late costs nothing. Eras are powers of two, so that a classic one outlives
	// its proof by a block or two.
	era := at.terms.Rule.Window + 1
	xt, err := at.state.Sign(ctx, signer, call, substrate.SignOptions{Era: era})
	if err != nil {
		return none, err
	}
	now := f.look(ctx, nil)
	if now.err != nil {
		return none, now.err
	}
	refusal, err := f.check(ctx, &s, now)
	switch {
	case err != nil:
		return none, err
	case refusal != nil:
		return none, fmt.Errorf("%w: %w", errLate, refusal)
	case now.wait != nil:
		return none, fmt.Errorf("%w: %w", errLate, now.wait)
	}
	f.now(now)
	f.attempts++
	f.handed = append(f.handed, s)
	return f.hand(ctx, xt, at.state.Header, era)
}

// hand gives a transaction to the node, signed at a head for an era that begins
// there, and waits until it is in a block. Where the connection is lost meanwhile the
// same bytes are handed in again: they cannot be executed twice, and the node may
// have lost them.
func (f *flow) hand(ctx context.Context, xt []byte, at substrate.Header, era uint64) (substrate.Inclusion, error) {
	none := substrate.Inclusion{}
	last := at.Number + substrate.NewEra(era, at.Number).Period
	f.pending = true
	for again := false; ; again = true {
		in, err := f.handOnce(ctx, xt, last, again)
		var pool *substrate.PoolError
		switch {
		case ctx.Err() != nil:
			return in, err
		case errors.As(err, &pool) && f.orphaned(ctx, at):
			// Nothing that binds the block is good on this chain, its signature included.
			return none, fmt.Errorf("%w: %w", errOrphaned, err)
		case !substrate.Unreachable(err):
			return in, err
		}
		v := f.reconnect(ctx, err)
		switch {
		case v.err != nil:
			return none, v.err
		case f.orphaned(ctx, at):
			return none, errOrphaned
		case v.state.Number > last:
			return none, errLost
		}
		f.now(v)
	}
}

// orphaned reports whether the chain is known to hold another block in a block's
// place.
func (f *flow) orphaned(ctx context.Context, at substrate.Header) bool {
	h, err := f.c.HeaderAt(ctx, at.Number)
	return err == nil && h.Hash != at.Hash
}

func (f *flow) handOnce(ctx context.Context, xt []byte, last uint64, again bool) (substrate.Inclusion, error) {
	sub, err := f.c.Submit(ctx, xt)
	if err != nil {
		if again && imported(err) {
			return f.await(ctx, nil, last) // the pool has it, and tells nobody of it any more
		}
		return substrate.Inclusion{}, err
	}
	defer sub.Close() //nolint:errcheck // what there was to watch has been seen
	return f.await(ctx, sub, last)
}

// patience is how long after the hotkey turned out to be registered a submission
// is waited for that may have done it.
const patience = 30 * time.Second

// await waits until a submission is in a block, which is final where that is
// wanted, but for one that is in no block not beyond the head last. Sub is nil for
// one that cannot be watched: then it waits until there is something to look at.
func (f *flow) await(ctx context.Context, sub *substrate.Submission, last uint64) (substrate.Inclusion, error) {
	ctx, cancel := context.WithCancel(ctx)
	var (
		wg       sync.WaitGroup
		in       substrate.Inclusion
		err      error
		done     = make(chan struct{})
		included = make(chan substrate.Header, 1)
	)
	if sub != nil {
		wg.Go(func() {
			defer close(done)
			in, err = sub.InBlock(ctx)
			for f.opts.Finalized && err == nil && !in.Final {
				put(included, in.Header)
				in, err = sub.InBlock(ctx)
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	f.report(Submitted, f.newest.state.Header)
	var (
		already error
		enough  <-chan time.Time
		block   *substrate.Header // that holds it, and is not final yet
	)
	report := func() {
		if block != nil {
			f.report(InBlock, *block)
		} else {
			f.report(Submitted, f.newest.state.Header)
		}
	}
	for {
		select {
		case <-done:
			return in, err
		case h := <-included:
			block, enough = &h, nil
			report()
		case <-enough:
			return substrate.Inclusion{}, already
		case <-ticker.C:
			f.wonder()
			report()
		case v := <-f.views:
			switch {
			case errors.Is(v.err, subtensor.ErrAlreadyRegistered):
				// By this submission, as a rule, which will be heard of in a moment.
				if sub == nil {
					return substrate.Inclusion{}, v.err
				}
				if already = v.err; enough == nil && block == nil {
					enough = time.After(patience)
				}
			case v.err != nil:
				return substrate.Inclusion{}, fmt.Errorf("a transaction was submitted, which may still get into a block: %w", v.err)
			case v.state.Number > last && block == nil:
				return substrate.Inclusion{}, errLost
			default:
				already, enough = nil, nil
				f.now(v)
				report()
				if sub != nil {
					continue
				}
				if m, err := f.claim(ctx, v); m != nil || err != nil {
					return m.inclusion(), err
				}
			}
		}
	}
}

// imported reports whether the pool has a transaction already.
func imported(err error) bool {
	var pool *substrate.PoolError
	return errors.As(err, &pool) && (pool.Code == alreadyImported || pool.Code == banned)
}

// judged reports whether a refusal was the last word on a proof: it does nothing
// on the chain any more.
func judged(err error) bool {
	var (
		pool     *substrate.PoolError
		dispatch *substrate.DispatchError
	)
	return errors.As(err, &dispatch) || errors.As(err, &pool) && !queued(err)
}

// Codes of the node's pool (sc_rpc_api's author errors).
const (
	banned          = 1012 // the same bytes were in a block, or refused, a while ago
	alreadyImported = 1013
	priorityTooLow  = 1014
)

// queued reports whether a proof was refused for another transaction of the same
// account, which waits in the pool or went into a block meanwhile: then it was
// not judged at all.
func queued(err error) bool {
	var pool *substrate.PoolError
	if !errors.As(err, &pool) {
		return false
	}
	text := strings.ToLower(pool.Message + " " + string(pool.Data))
	return pool.Code == priorityTooLow || pool.Code == alreadyImported || pool.Code == banned || strings.Contains(text, "outdated") || strings.Contains(text, "stale")
}

// retryable reports whether another proof may be accepted where one was not.
func retryable(err error) bool {
	var (
		pool     *substrate.PoolError
		status   *substrate.StatusError
		dispatch *substrate.DispatchError
	)
	switch {
	case queued(err), errors.Is(err, errOrphaned):
		return true
	case errors.As(err, &dispatch):
		switch dispatch.Name {
		case "InvalidWorkBlock", "InvalidDifficulty", "TooManyRegistrationsThisBlock", "TooManyRegistrationsThisInterval":
			return true
		}
	case errors.As(err, &pool):
		// 255 (BadRequest) stands for stale work, a weak or a wrong seal, and for
		// limits that the next block lifts (spec 475).
		return pool.Custom != nil && *pool.Custom == 255
	case errors.As(err, &status):
		return status.Status == "invalid" // it was valid when the pool took it: its time is over
	}
	return errors.Is(err, errLost) || errors.Is(err, errLate)
}
