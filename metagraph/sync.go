package metagraph

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// subnetState is what tells the stake that counts, since subnets have alpha of
// their own and the stake lists of neurons are in alpha (subtensor v2.0.0, and
// test builds before it).
const subnetState = "SubnetInfoRuntimeApi_get_subnet_state"

// Options say what Sync reads. The zero value is the Python SDK's default: the
// newest block, without weights and bonds.
type Options struct {
	Block *uint64 // nil for the newest
	Full  bool    // with weights and bonds
	// Commitments reads what hotkeys have committed and coldkeys say about
	// themselves too.
	Commitments bool
	// Mechanism is the mechanism whose incentive, last updates, weights and bonds are
	// read; all else is of the subnet as a whole. Subnets have mechanism 0, and from
	// spec 320 on they may have more.
	Mechanism uint8
}

// Sync reads the metagraph of a subnet. Its Network is the client's network by
// name. The error wraps subtensor.ErrSubnetNotFound where there is no such
// subnet, and subtensor.ErrMechanismNotFound where it has no such mechanism.
//
// Once the runtime of the block is known it takes two trips to the node: the
// block, then everything about it. The rows of a mechanism other than 0 take a
// third, Options.Commitments two more and another for each thousand entries.
// Runtimes without the API that lists neurons take four or five in all.
func Sync(ctx context.Context, c *subtensor.Client, netuid uint16, opts Options) (*Metagraph, error) {
	m := New(netuid, c.Network.Name)
	if err := m.Sync(ctx, c, opts); err != nil {
		return nil, err
	}
	return m, nil
}

// Sync reads the columns anew, all of one block. Without Options.Full, Weights
// and Bonds stay as they are, unless they are of another mechanism. Network stays
// as it is too. Nothing changes where it fails.
//
// Without a client (nil) it makes one for Network, which must be a name that
// subtensor.ResolveNetwork knows or a URL, and closes it. That reads the
// runtime's metadata each time: keep a client to sync often.
func (m *Metagraph) Sync(ctx context.Context, c *subtensor.Client, opts Options) (err error) {
	if c == nil {
		if c, err = dial(ctx, m.Network); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	s, err := c.AtBlock(ctx, opts.Block, ahead(m.Netuid, opts)...)
	if err != nil {
		return err
	}
	return m.read(ctx, s, opts)
}

func dial(ctx context.Context, network string) (*subtensor.Client, error) {
	n, err := subtensor.ResolveNetwork(network)
	if err != nil {
		return nil, fmt.Errorf("sync without a client: %w", err)
	}
	return subtensor.Dial(ctx, n, subtensor.Options{})
}

// mayLackAPI is the first block of the main network from which on runtimes
// certainly have the API that lists neurons. Runtime 143 was without it.
const mayLackAPI = 3_000_000

// ahead returns what read is going to ask first. It is put to the block before its
// runtime is known, so that some of it may turn out not to be asked.
func ahead(netuid uint16, opts Options) []substrate.Question {
	neurons := subtensor.AskNeuronsLite
	if opts.wholeNeurons() {
		neurons = subtensor.AskNeurons
	}
	questions := []substrate.Question{neurons(netuid), subtensor.AskSubnetState(netuid)}
	if opts.Mechanism != 0 {
		questions = append(questions, subtensor.AskMechagraph(netuid, opts.Mechanism))
	}
	if opts.Full && netuid == 0 {
		questions = append(questions, subtensor.AskSubnetInfos())
	}
	if opts.Block != nil && *opts.Block < mayLackAPI {
		questions = append(questions, subtensor.AskUids(netuid))
	}
	return questions
}

// wholeNeurons reports whether neurons are asked for with their rows, which are
// those of mechanism 0.
func (o *Options) wholeNeurons() bool { return o.Full && o.Mechanism == 0 }

// read replaces the columns by those of a block.
func (m *Metagraph) read(ctx context.Context, s *subtensor.State, opts Options) error {
	a, info, err := ask(ctx, s, m.Netuid, opts)
	if err != nil {
		return err
	}
	if opts.Commitments {
		if err := a.askAttached(ctx, s); err != nil {
			return err
		}
	}
	next := *m
	if err := next.set(a); err != nil {
		return err
	}
	next.setMechanism(opts)
	if info != nil {
		if err := next.setMechagraph(a, info); err != nil {
			return err
		}
		if opts.Full {
			weights, bonds, err := s.MechanismRows(ctx, m.Netuid, opts.Mechanism, next.N())
			if err != nil {
				return err
			}
			next.Weights, next.Bonds, next.MatrixBlock = NewMatrix(weights, nil), NewMatrix(bonds, nil), s.Number
		}
	}
	*m = next
	return nil
}

// setMechanism forgets the rows of another mechanism than the one that is read.
func (m *Metagraph) setMechanism(opts Options) {
	if m.Mechanism != opts.Mechanism && !opts.wholeNeurons() {
		m.Weights, m.Bonds, m.MatrixBlock = Matrix{}, Matrix{}, 0
	}
	m.Mechanism = opts.Mechanism
}

// setMechagraph takes the columns of a mechanism. They are short where it has had
// no epoch yet.
func (m *Metagraph) setMechagraph(a Answers, info *subtensor.MetagraphInfo) error {
	if len(info.Incentives) > m.N() || len(info.LastUpdate) > m.N() {
		return a.lie("%d neurons, and %d incentives and %d last updates of mechanism %d", m.N(), len(info.Incentives), len(info.LastUpdate), m.Mechanism)
	}
	m.Incentive, m.LastUpdate = column[uint16](m.N()), column[uint64](m.N())
	copy(m.Incentive, info.Incentives)
	copy(m.LastUpdate, info.LastUpdate)
	return nil
}

// ask puts all questions at once, so that they take the time of the slowest. The
// second answer is that about a mechanism, nil for mechanism 0.
func ask(ctx context.Context, s *subtensor.State, netuid uint16, opts Options) (Answers, *subtensor.MetagraphInfo, error) {
	a := Answers{Netuid: netuid, Block: s.Number}
	var mechanism *subtensor.MetagraphInfo
	questions := []func() error{func() (err error) {
		if opts.wholeNeurons() {
			a.Neurons, err = s.Neurons(ctx, netuid)
			if a.Neurons == nil {
				a.Neurons = []subtensor.NeuronInfo{}
			}
			return err
		}
		a.Lite, err = s.NeuronsLite(ctx, netuid)
		return err
	}}
	switch {
	case s.Schema().Has(subnetState):
		questions = append(questions, func() error {
			state, err := s.SubnetState(ctx, netuid)
			a.State = &state
			return err
		})
	case dynamic(s):
		// The same columns stand in a longer answer. Without either, the stake that
		// counts cannot be told, and that is an error.
		questions = append(questions, func() error {
			info, err := s.MetagraphInfo(ctx, netuid)
			a.State = &subtensor.SubnetState{TotalStake: info.TotalStake, AlphaStake: info.AlphaStake, TaoStake: info.TaoStake}
			return err
		})
	}
	if opts.Mechanism != 0 {
		questions = append(questions, func() error {
			info, err := s.Mechagraph(ctx, netuid, opts.Mechanism)
			mechanism = &info
			return err
		})
	}
	if opts.Full && netuid == 0 {
		questions = append(questions, func() (err error) {
			a.Subnets, err = netuids(ctx, s)
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
			return Answers{}, nil, err
		}
	}
	return a, mechanism, nil
}

// dynamic reports whether subnets have alpha of their own, so that a neuron's
// stake list is not the stake that counts.
func dynamic(s *subtensor.State) bool {
	pallet, ok := s.Runtime.Metadata.Pallet("SubtensorModule")
	if !ok {
		return false
	}
	_, ok = pallet.Entry("TotalHotkeyAlpha")
	return ok
}

// netuids returns the subnets that exist. Their summaries take one trip, storage
// takes two but is there whatever is wrong with the summaries.
func netuids(ctx context.Context, s *subtensor.State) ([]uint16, error) {
	infos, err := s.SubnetInfos(ctx)
	if err != nil {
		return s.Netuids(ctx)
	}
	all := make([]uint16, len(infos))
	for i := range infos {
		all[i] = infos[i].Netuid
	}
	return all, nil
}
