package registration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

var (
	// ErrNoLimit reports a Burn without a limit: nobody pays a price that nobody
	// has named.
	ErrNoLimit = errors.New("a limit is needed: the most that the registration may cost, in rao")
	// ErrNotConfirmed reports a Burn that nobody was asked about.
	ErrNotConfirmed = errors.New("the price has to be confirmed, and nobody is there to do it")
)

// BurnOptions say how much a registration may cost, and who agrees.
type BurnOptions struct {
	// Limit is the most that the price may be, in rao; the fee of the transaction
	// comes on top.
	Limit uint64
	// Confirm is shown the terms and returns nil where they are agreed to. It is
	// asked once, before a key is asked for and anything is signed.
	Confirm func(subtensor.BurnTerms) error
	// Finalized and Progress are those of Options. There is no search: the phases are
	// Waiting, Submitting, Submitted, InBlock and Reconnecting, and Terms are empty.
	Finalized bool
	Progress  func(Progress)
}

// BurnResult is a registration that was paid for.
type BurnResult struct {
	UID   uint16
	Block substrate.Header    // that holds it
	Terms subtensor.BurnTerms // at which it was signed
	// Paid is what left the coldkey's free balance in that block, in rao: price and
	// fee, also where a part of the price is locked and not gone. 0 where the node
	// did not tell.
	Paid uint64
}

// Burn registers a hotkey on a subnet for TAO, which the coldkey pays: by
// register_limit, or by burned_register where the runtime has no register_limit.
// It is the only function of this package that spends more than a transaction
// fee.
//
// Errors come before anything is signed: ErrNoLimit, ErrNotConfirmed, that of
// Confirm, those of subtensor.State.BurnTerms, and a *subtensor.PriceLimitError
// where the price is above the limit, which is looked at again at the block that is
// signed for. On runtimes with register_limit the chain holds to the limit too. It
// submits once, for the next 16 blocks (4 without register_limit): where no block takes
// it nothing is paid, and the error says so where that is known. A dispatch that fails
// costs the fee.
//
// A connection that is lost is dialled again, as by Register.
func Burn(ctx context.Context, c *subtensor.Client, netuid uint16, keys Keys, opts BurnOptions) (BurnResult, error) {
	b := &burn{netuid: netuid, hotkey: keys.Hotkey, coldkey: keys.Coldkey}
	f := newFlow(c, b, Options{Finalized: opts.Finalized, Progress: opts.Progress})
	r, err := b.run(ctx, f, keys, opts)
	if err != nil {
		return BurnResult{}, f.context(ctx, err)
	}
	return r, nil
}

// burn is the task of registering a hotkey for TAO.
type burn struct {
	netuid          uint16
	hotkey, coldkey ss58.AccountID
}

func (b *burn) String() string { return "register " + b.hotkey.String() }

func (b *burn) read(ctx context.Context, v *view) {
	v.burn, v.err = v.state.BurnTerms(ctx, b.netuid, b.hotkey, b.coldkey)
	switch err := v.err; {
	case errors.Is(err, subtensor.ErrTooManyThisBlock) && v.burn.PerBlock > 0:
		v.wait, v.err, v.until = err, nil, v.state.Number+1
	case errors.Is(err, subtensor.ErrTooManyThisInterval) && v.burn.PerInterval > 0:
		v.wait, v.err, v.until = err, nil, v.burn.IntervalEnds
	}
}

func (b *burn) call(*subtensor.State, subtensor.Rule, pow.Solution) ([]byte, error) {
	return nil, errors.New("no proof of work is handed in where TAO is burned")
}

func (b *burn) made(context.Context, *subtensor.Client, view, []pow.Solution) (*made, error) {
	return nil, nil
}

// How long a transaction is good for, in blocks.
const (
	limitedEra   = 16
	unlimitedEra = 4 // the price may rise meanwhile, and nothing else would hold it
)

func (b *burn) run(ctx context.Context, f *flow, keys Keys, opts BurnOptions) (BurnResult, error) {
	none := BurnResult{}
	if opts.Limit == 0 {
		return none, ErrNoLimit
	}
	if err := f.begin(ctx); err != nil {
		return none, err
	}
	terms := f.newest.burn
	if _, err := f.newest.state.BurnCall(terms, opts.Limit); err != nil {
		return none, err
	}
	if opts.Confirm == nil {
		return none, ErrNotConfirmed
	}
	if err := opts.Confirm(terms); err != nil {
		return none, err
	}
	signer, err := keys.signer(subtensor.ColdkeySigns)
	if err != nil {
		return none, err
	}
	defer f.close()
	if err := f.follow(ctx); err != nil {
		return none, err
	}
	at, in, err := b.submit(ctx, f, signer, opts.Limit)
	if err != nil {
		return none, err
	}
	r := BurnResult{Block: in.Header, Terms: at.burn}
	if r.UID, err = f.uid(ctx, b.netuid, b.hotkey, in); err != nil {
		return none, err
	}
	r.Paid, _ = b.paid(ctx, f.c, in.Header) // what matters is done
	f.report(InBlock, in.Header)
	return r, nil
}

// submit hands the registration in once a block can take it and returns the view that
// it was signed at.
func (b *burn) submit(ctx context.Context, f *flow, signer substrate.Signer, limit uint64) (view, substrate.Inclusion, error) {
	fail := func(err error) (view, substrate.Inclusion, error) { return view{}, substrate.Inclusion{}, err }
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	v := f.look(ctx, nil) // somebody took his time to agree
	for {
		var xt []byte
		era := uint64(limitedEra)
		if v.err == nil && v.wait == nil {
			f.now(v)
			call, err := v.state.BurnCall(v.burn, limit)
			if err != nil {
				return fail(err)
			}
			if !v.burn.Limited {
				era = unlimitedEra
			}
			f.report(Submitting, v.state.Header)
			xt, v.err = v.state.Sign(ctx, signer, call, substrate.SignOptions{Era: era})
		}
		switch {
		case substrate.Unreachable(v.err):
			v = f.reconnect(ctx, v.err)
			continue
		case v.err != nil:
			return fail(v.err)
		case xt != nil:
			in, err := f.hand(ctx, xt, v.state.Header, era)
			if err != nil {
				in, err = b.afterAll(ctx, f, v, err)
			}
			return v, in, err
		}
		f.now(v)
		var err error
		if v, err = f.next(ctx, ticker.C); err != nil {
			return fail(err)
		}
	}
}

// afterAll looks whether a registration that was lost sight of was made and paid
// since at.
func (b *burn) afterAll(ctx context.Context, f *flow, at view, cause error) (substrate.Inclusion, error) {
	none := substrate.Inclusion{}
	v := f.look(ctx, nil)
	if substrate.Unreachable(v.err) {
		v = f.reconnect(ctx, v.err)
	}
	if ctx.Err() != nil {
		return none, interrupted(ctx)
	}
	if v.burn.UID != nil && v.burn.Owner != nil && *v.burn.Owner == b.coldkey {
		h, err := registeredAt(ctx, f.c, v.state, b.netuid, *v.burn.UID)
		if err == nil && h.Number > at.state.Number {
			if paid, err := b.paid(ctx, f.c, h); err == nil && paid > 0 {
				return substrate.Inclusion{Header: h}, nil
			}
		}
	}
	if errors.Is(cause, errLost) || errors.Is(cause, errOrphaned) {
		if b.unused(ctx, f.c, at, v) {
			return none, fmt.Errorf("%w: nothing was paid", cause)
		}
		return none, fmt.Errorf("%w, or it failed in one that was not seen: no price was paid for it, but the fee may have been", cause)
	}
	return none, cause
}

// unused reports whether the coldkey is known to have signed nothing that got into a
// block between two views.
func (b *burn) unused(ctx context.Context, c *subtensor.Client, at, now view) bool {
	if now.state == nil {
		return false
	}
	before, err := accountAt(ctx, c, at.state.Header, b.coldkey)
	if err != nil {
		return false
	}
	after, err := now.state.Account(ctx, b.coldkey)
	return err == nil && after.Nonce == before.Nonce
}

// paid returns what left the coldkey's free balance in a block.
func (b *burn) paid(ctx context.Context, c *subtensor.Client, h substrate.Header) (uint64, error) {
	parent, err := c.AtNumber(ctx, h.Number-1)
	if err != nil {
		return 0, err
	}
	before, err := parent.Account(ctx, b.coldkey)
	if err != nil {
		return 0, err
	}
	after, err := accountAt(ctx, c, h, b.coldkey)
	if err != nil {
		return 0, err
	}
	return before.Free - min(before.Free, after.Free), nil
}
