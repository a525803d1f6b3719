package registration

import (
	"context"
	"errors"
	"fmt"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// pallet is the one whose storage and events are read here.
const pallet = "SubtensorModule"

// neuron is the task of registering a hotkey by proof of work.
type neuron struct {
	netuid          uint16
	hotkey, coldkey ss58.AccountID
}

func (n *neuron) String() string { return "register " + n.hotkey.String() }

func (n *neuron) read(ctx context.Context, v *view) {
	v.terms, v.err = v.state.RegistrationTerms(ctx, n.netuid, n.hotkey, n.coldkey)
	switch err := v.err; {
	case errors.Is(err, subtensor.ErrTooManyThisBlock) && v.terms.PerBlock > 0:
		v.wait, v.err, v.until = err, nil, v.state.Number+1
	case errors.Is(err, subtensor.ErrTooManyThisInterval) && v.terms.PerInterval > 0:
		v.wait, v.err, v.until = err, nil, v.terms.IntervalEnds
	case errors.Is(err, subtensor.ErrReplay):
		v.wait, v.err, v.until = err, nil, v.terms.LastWorkBlock+1
	}
}

func (n *neuron) call(s *subtensor.State, rule subtensor.Rule, proof pow.Solution) ([]byte, error) {
	return s.RegisterCall(rule, n.netuid, n.hotkey, n.coldkey, proof)
}

func (n *neuron) made(ctx context.Context, c *subtensor.Client, v view, proofs []pow.Solution) (*made, error) {
	if v.terms.UID == nil || v.terms.Owner == nil || *v.terms.Owner != n.coldkey {
		return nil, nil
	}
	for _, p := range proofs {
		mine := p.Block == v.terms.LastWorkBlock
		if v.terms.Rule.Signer == subtensor.HotkeySigns { // the classic call notes proofs and not their blocks
			var err error
			if _, mine, err = usedWork(ctx, v.state, p); err != nil {
				return nil, err
			}
		}
		if mine {
			h, err := registeredAt(ctx, c, v.state, n.netuid, *v.terms.UID)
			return &made{h, p}, err
		}
	}
	return nil, nil
}

// registeredAt returns the block in which a uid was taken.
func registeredAt(ctx context.Context, c *subtensor.Client, s *subtensor.State, netuid, uid uint16) (substrate.Header, error) {
	var block uint64
	if _, err := s.Get(ctx, &block, pallet, "BlockAtRegistration", netuid, uid); err != nil {
		return substrate.Header{}, err
	}
	return c.HeaderAt(ctx, block)
}

// accountAt returns an account after a block.
func accountAt(ctx context.Context, c *subtensor.Client, h substrate.Header, id ss58.AccountID) (subtensor.Account, error) {
	s, err := c.At(ctx, h)
	if err != nil {
		return subtensor.Account{}, err
	}
	return s.Account(ctx, id)
}

// uid finds the uid that a registration in a block gave.
func (f *flow) uid(ctx context.Context, netuid uint16, hotkey ss58.AccountID, in substrate.Inclusion) (uint16, error) {
	if uid, ok := registered(in.Events, netuid, hotkey); ok {
		return uid, nil
	}
	// The terms at that block tell it as well.
	v := f.look(ctx, &in.Header)
	for substrate.Unreachable(v.err) {
		if v = f.reconnect(ctx, v.err); v.err == nil || v.state != nil {
			v = f.look(ctx, &in.Header)
		}
	}
	var already *subtensor.AlreadyRegisteredError
	if !errors.As(v.err, &already) {
		return 0, fmt.Errorf("the registration is in block %d, but which uid it got cannot be read: %w", in.Header.Number, errors.Join(v.err, v.wait))
	}
	return already.UID, nil
}

// registered returns the uid that SubtensorModule.NeuronRegistered (netuid, uid,
// hotkey) gives.
func registered(events []substrate.Event, netuid uint16, hotkey ss58.AccountID) (uint16, bool) {
	for _, e := range events {
		if e.Pallet != pallet || e.Name != "NeuronRegistered" || e.Fields == nil || len(e.Fields.Fields) != 3 {
			continue
		}
		id, ok0 := e.Fields.Fields[0].Value.(uint64)
		uid, ok1 := e.Fields.Fields[1].Value.(uint64)
		key, ok2 := e.Fields.Fields[2].Value.([]byte)
		if ok0 && ok1 && ok2 && id == uint64(netuid) && string(key) == string(hotkey[:]) && uid <= 0xffff {
			return uint16(uid), true
		}
	}
	return 0, false
}
