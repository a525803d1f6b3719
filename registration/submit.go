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
	// errLost reports a proof that no block took while it was good.
	errLost = errors.New("no block took the proof before it expired")
	// errLate reports a proof that was good no longer when it was signed. It was
	// not handed in.
	errLate = errors.New("the chain moved on while the proof was being signed")
)

// submit hands a proof in on top of a head and waits until it is in a block. What
// is signed is held against the newest head once more: a node can take its time
// to tell the account's nonce.
func (f *flow) submit(ctx context.Context, s pow.Solution, at view, signer substrate.Signer) (substrate.Inclusion, error) {
	none := substrate.Inclusion{}
	call, err := at.state.RegisterCall(f.rule, f.netuid, f.hotkey, f.coldkey, s)
	if err != nil {
		return none, err
	}
	f.report(Submitting, at.state.Header)
	// The transaction dies with the proof: where failures cost a fee, one that is
	// too late costs nothing.
	era := at.terms.Rule.Window + 1
	xt, err := at.state.Sign(ctx, signer, call, substrate.SignOptions{Era: era})
	if err != nil {
		return none, err
	}
	now := f.look(ctx, nil)
	if now.err != nil {
		return none, now.err
	}
	if good, err := f.good(ctx, &s, now); err != nil {
		return none, err
	} else if !good || now.wait != nil {
		return none, errLate
	}
	f.newest = now
	f.attempts++
	f.pending = true
	sub, err := f.c.Submit(ctx, xt)
	if err != nil {
		return none, err
	}
	defer sub.Close() //nolint:errcheck // what there was to watch has been seen
	f.report(Submitted, at.state.Header)
	return f.await(ctx, sub, at.state.Number+substrate.NewEra(era, at.state.Number).Period)
}

// patience is how long after the hotkey turned out to be registered a submission
// is waited for that may have done it.
const patience = 30 * time.Second

// await waits until a submission is in a block, but not beyond the head last.
func (f *flow) await(ctx context.Context, sub *substrate.Submission, last uint64) (substrate.Inclusion, error) {
	ctx, cancel := context.WithCancel(ctx)
	var (
		wg   sync.WaitGroup
		in   substrate.Inclusion
		err  error
		done = make(chan struct{})
	)
	wg.Go(func() {
		defer close(done)
		in, err = sub.InBlock(ctx)
	})
	defer wg.Wait()
	defer cancel()
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	var already error
	var enough <-chan time.Time
	for {
		select {
		case <-done:
			return in, err
		case <-enough:
			return substrate.Inclusion{}, already
		case <-ticker.C:
			f.report(Submitted, f.newest.state.Header)
		case v := <-f.views:
			switch {
			case errors.Is(v.err, subtensor.ErrAlreadyRegistered):
				// By this submission, as a rule, which will be heard of in a moment. It
				// was the last view.
				already = v.err
				timer := time.NewTimer(patience)
				defer timer.Stop()
				enough = timer.C
			case v.err != nil:
				return substrate.Inclusion{}, fmt.Errorf("a proof was submitted, which may still get into a block: %w", v.err)
			case v.state.Number > last:
				return substrate.Inclusion{}, errLost
			default:
				f.newest = v
				f.report(Submitted, v.state.Header)
			}
		}
	}
}

// queued reports whether a proof was refused for another transaction of the same
// account, which waits in the pool or went into a block meanwhile: then it was
// not judged at all.
func queued(err error) bool {
	var pool *substrate.PoolError
	if !errors.As(err, &pool) {
		return false
	}
	const priorityTooLow, alreadyImported = 1014, 1013 // sc_rpc_api's author errors
	text := strings.ToLower(pool.Message + " " + string(pool.Data))
	return pool.Code == priorityTooLow || pool.Code == alreadyImported || strings.Contains(text, "outdated") || strings.Contains(text, "stale")
}

// retryable reports whether another proof may be accepted where one was not.
func retryable(err error) bool {
	var (
		pool     *substrate.PoolError
		status   *substrate.StatusError
		dispatch *substrate.DispatchError
	)
	switch {
	case queued(err):
		return true
	case errors.As(err, &dispatch):
		switch dispatch.Name {
		case "InvalidWorkBlock", "InvalidDifficulty", "TooManyRegistrationsThisBlock":
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

// finish finds the uid.
func (f *flow) finish(ctx context.Context, s pow.Solution, at view, in substrate.Inclusion) (Result, error) {
	r := Result{Block: in.Header, Attempts: f.attempts, Solution: s, Stats: f.solver.Stats(), Rule: at.terms.Rule}
	uid, ok := f.event(in.Events)
	if !ok {
		// The terms at that block tell it as well.
		v := f.look(ctx, &in.Header)
		var already *subtensor.AlreadyRegisteredError
		if !errors.As(v.err, &already) {
			return Result{}, fmt.Errorf("the registration is in block %d, but which uid it got cannot be read: %w", in.Header.Number, errors.Join(v.err, v.wait))
		}
		uid = already.UID
	}
	r.UID, f.refused = uid, nil
	f.report(InBlock, in.Header)
	return r, nil
}

// event returns the uid that SubtensorModule.NeuronRegistered (netuid, uid,
// hotkey) gives.
func (f *flow) event(events []substrate.Event) (uint16, bool) {
	for _, e := range events {
		if e.Pallet != "SubtensorModule" || e.Name != "NeuronRegistered" || e.Fields == nil || len(e.Fields.Fields) != 3 {
			continue
		}
		netuid, ok0 := e.Fields.Fields[0].Value.(uint64)
		uid, ok1 := e.Fields.Fields[1].Value.(uint64)
		hotkey, ok2 := e.Fields.Fields[2].Value.([]byte)
		if ok0 && ok1 && ok2 && netuid == uint64(f.netuid) && string(hotkey) == string(f.hotkey[:]) && uid <= 0xffff {
			return uint16(uid), true
		}
	}
	return 0, false
}
