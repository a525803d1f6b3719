package metagraph

import (
	"context"
	"sync"

	"github.com/bittensor-go/bt/subtensor"
)

// firstDynamic is the first spec whose subnets have alpha of their own
// (subtensor v2.0.0): from there on the stake lists of neurons are in alpha and
// the stake that counts is in the subnet's state.
const firstDynamic = 233

const subnetState = "SubnetInfoRuntimeApi_get_subnet_state"

// Options say what Sync reads. The zero value is the Python SDK's default: the
// newest block, without weights and bonds.
type Options struct {
	Block *uint64 // nil for the newest
	Full  bool    // with weights and bonds
}

// Sync reads the metagraph of a subnet. Its Network is the client's network by
// name. The error wraps subtensor.ErrSubnetNotFound where there is no such
// subnet.
func Sync(ctx context.Context, c *subtensor.Client, netuid uint16, opts Options) (*Metagraph, error) {
	m := New(netuid, c.Network.Name)
	if err := m.Sync(ctx, c, opts); err != nil {
		return nil, err
	}
	return m, nil
}

// Sync reads the columns anew, all of one block. Without Options.Full, Weights
// and Bonds stay as they are. Network stays as it is too. Nothing changes where
// it fails.
func (m *Metagraph) Sync(ctx context.Context, c *subtensor.Client, opts Options) error {
	s, err := c.AtBlock(ctx, opts.Block)
	if err != nil {
		return err
	}
	a, err := ask(ctx, s, m.Netuid, opts.Full)
	if err != nil {
		return err
	}
	return m.set(a)
}

// ask puts all questions at once, so that they take the time of the slowest.
func ask(ctx context.Context, s *subtensor.State, netuid uint16, full bool) (Answers, error) {
	a := Answers{Netuid: netuid, Block: s.Number}
	questions := []func() error{func() (err error) {
		if full {
			a.Neurons, err = s.Neurons(ctx, netuid)
			if a.Neurons == nil {
				a.Neurons = []subtensor.NeuronInfo{}
			}
			return err
		}
		a.Lite, err = s.NeuronsLite(ctx, netuid)
		return err
	}}
	if s.Runtime.SpecVersion >= firstDynamic && s.Schema().Has(subnetState) {
		questions = append(questions, func() error {
			state, err := s.SubnetState(ctx, netuid)
			a.State = &state
			return err
		})
	}
	if full && netuid == 0 {
		questions = append(questions, func() (err error) {
			a.Subnets, err = s.Netuids(ctx)
			return err
		})
	}
	errs := make([]error, len(questions))
	var wg sync.WaitGroup
	for i, q := range questions {
		wg.Go(func() { errs[i] = q() })
	}
	wg.Wait()
	// The neurons' error is the one to report where several fail, so that a missing
	// subnet is named the same way in every era.
	for _, err := range errs {
		if err != nil {
			return Answers{}, err
		}
	}
	return a, nil
}
