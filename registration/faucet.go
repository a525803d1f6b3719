package registration

import (
	"context"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// DefaultSuccesses is how many times Faucet draws where FaucetOptions does not
// say (btcli: --max-successes).
const DefaultSuccesses = 3

// FaucetOptions configure Faucet. The zero value is good.
type FaucetOptions struct {
	// Options are those of a registration. MaxAttempts counts the proofs for one draw.
	Options
	// MaxSuccesses is how many draws are made, 0 for DefaultSuccesses.
	MaxSuccesses int
	// Drawn, where it is not nil, is told of each draw, from the goroutine of Faucet.
	Drawn func(Draw)
}

// Draw is one that was made.
type Draw struct {
	Block    substrate.Header // that holds it
	Balance  uint64           // the coldkey's free balance after that block, in rao
	Solution pow.Solution
	Stats    pow.Stats // of its search
}

// FaucetResult is what was drawn.
type FaucetResult struct {
	Before   uint64 // the coldkey's free balance before the first draw, in rao
	Draws    []Draw
	Attempts int // proofs that were submitted in all
}

// Faucet draws TAO for a coldkey, again and again, by proof of work: the search of
// create_pow for netuid -1 and what the SDK's faucet extrinsic does with its
// proofs. The coldkey is bound by the proof and signs; Keys.Hotkey is not used.
//
// The error wraps subtensor.ErrNoFaucet where the chain's metadata has no faucet:
// development chains do. Others are those of Register where they apply. Where it
// comes after some draws the result holds those that were made.
func Faucet(ctx context.Context, c *subtensor.Client, keys Keys, opts FaucetOptions) (FaucetResult, error) {
	f := newFlow(c, faucet(keys.Coldkey), opts.Options)
	var r FaucetResult
	if err := f.draw(ctx, keys, opts, &r); err != nil {
		return r, f.context(ctx, err)
	}
	return r, nil
}

func (f *flow) draw(ctx context.Context, keys Keys, opts FaucetOptions, r *FaucetResult) error {
	if err := f.beginSearch(ctx); err != nil {
		return err
	}
	account, err := f.newest.state.Account(ctx, keys.Coldkey)
	if err != nil {
		return err
	}
	r.Before = account.Free
	signer, err := keys.signer(f.rule.Signer)
	if err != nil {
		return err
	}
	defer f.close()
	if err := f.follow(ctx); err != nil {
		return err
	}
	most := opts.MaxSuccesses
	if most <= 0 {
		most = DefaultSuccesses
	}
	for len(r.Draws) < most {
		f.attempts, f.queued, f.handed, f.refused, f.pending = 0, 0, nil, nil, false
		m, _, err := f.prove(ctx, signer)
		r.Attempts += f.attempts
		if err != nil {
			return err
		}
		d := Draw{Block: m.block, Solution: m.proof, Stats: f.solver.Stats()}
		if d.Balance, err = f.balance(ctx, keys.Coldkey, m.block); err != nil {
			return err
		}
		r.Draws = append(r.Draws, d)
		f.refused = nil
		f.report(InBlock, m.block)
		if opts.Drawn != nil {
			opts.Drawn(d)
		}
	}
	return nil
}

// balance returns what an account has after a block.
func (f *flow) balance(ctx context.Context, id ss58.AccountID, h substrate.Header) (uint64, error) {
	for {
		account, err := accountAt(ctx, f.c, h, id)
		if !substrate.Unreachable(err) {
			return account.Free, err
		}
		if v := f.reconnect(ctx, err); v.err != nil {
			return 0, v.err
		}
	}
}

// faucet is the task of drawing TAO for a coldkey.
type faucet ss58.AccountID

func (a faucet) String() string { return "faucet for " + ss58.AccountID(a).String() }

func (a faucet) read(ctx context.Context, v *view) {
	v.terms, v.err = v.state.FaucetTerms(ctx, ss58.AccountID(a))
}

func (a faucet) call(s *subtensor.State, rule subtensor.Rule, proof pow.Solution) ([]byte, error) {
	return s.FaucetCall(rule, proof)
}

func (a faucet) made(ctx context.Context, c *subtensor.Client, v view, proofs []pow.Solution) (*made, error) {
	for _, p := range proofs {
		block, ok, err := usedWork(ctx, v.state, p)
		if err != nil {
			return nil, err
		}
		if ok {
			h, err := c.HeaderAt(ctx, block)
			return &made{h, p}, err
		}
	}
	return nil, nil
}

// usedWork returns the block in which a proof of the classic kind was accepted.
// Where the runtime does not note that, none was.
func usedWork(ctx context.Context, s *subtensor.State, p pow.Solution) (block uint64, ok bool, err error) {
	ok, err = s.Get(ctx, &block, pallet, "UsedWork", p.Seal[:])
	if err != nil && !substrate.Unreachable(err) {
		return 0, false, nil
	}
	return block, ok, err
}
