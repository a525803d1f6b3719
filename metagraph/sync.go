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
// block, then everything about it. What hangs on the neurons takes a third:
// identities and commitments, and the rows of a mechanism other than 0. Above a
// thousand commitments there is one more for each thousand.
//
// A runtime without the API that lists neurons is read by storage. That takes four
// trips where the client has read a block of it before, else five, and with
// identities one more; subtensor.State.StoredNeurons says which subnets take longer.
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
	s, err := c.AtBlock(ctx, opts.Block, ahead(c, m.Netuid, opts)...)
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

// ahead returns what read is going to ask first. It is put to the block before its
// runtime is known, so that some of it may turn out not to be asked.
func ahead(c *subtensor.Client, netuid uint16, opts Options) []substrate.Question {
	questions := append(c.AskNeurons(opts.Block, netuid, opts.wholeNeurons()), subtensor.AskSubnetState(netuid))
	if opts.Mechanism != 0 {
		questions = append(questions, subtensor.AskMechagraph(netuid, opts.Mechanism))
	}
	if opts.Full && netuid == 0 {
		questions = append(questions, subtensor.AskSubnetInfos())
	}
	if opts.Commitments {
		questions = append(questions, subtensor.AskCommitments(netuid)...)
	}
	return questions
}

// wholeNeurons reports whether neurons are asked for with their rows, which are
// those of mechanism 0.
func (o *Options) wholeNeurons() bool { return o.Full && o.Mechanism == 0 }

// read replaces the columns by those of a block.
func (m *Metagraph) read(ctx context.Context, s *subtensor.State, opts Options) error {
	r := reading{a: Answers{Netuid: m.Netuid, Block: s.Number}, s: s, opts: opts}
	if err := r.ask(ctx); err != nil {
		return err
	}
	next := *m
	if err := next.set(r.a); err != nil {
		return err
	}
	next.setMechanism(opts)
	if r.mechanism != nil {
		if err := next.setMechagraph(r.a, r.mechanism); err != nil {
			return err
		}
		if opts.Full {
			next.Weights, next.Bonds, next.MatrixBlock = NewMatrix(r.weights, nil), NewMatrix(r.bonds, nil), s.Number
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

// reading is what read asks, and the answers.
type reading struct {
	s    *subtensor.State
	opts Options

	a              Answers
	mechanism      *subtensor.MetagraphInfo  // nil for mechanism 0
	weights, bonds [][]subtensor.WeightEntry // of a mechanism other than 0
}

// ask puts all questions at once, so that they take the time of the slowest, and
// what hangs on the neurons as soon as these are known.
func (r *reading) ask(ctx context.Context) error {
	questions := []func(context.Context) error{r.askNeurons}
	switch {
	case r.s.Schema().Has(subnetState):
		questions = append(questions, func(ctx context.Context) error {
			state, err := r.s.SubnetState(ctx, r.a.Netuid)
			r.a.State = &state
			return err
		})
	case dynamic(r.s):
		// The same columns stand in a longer answer. Without either, the stake that
		// counts cannot be told, and that is an error.
		questions = append(questions, func(ctx context.Context) error {
			info, err := r.s.MetagraphInfo(ctx, r.a.Netuid)
			r.a.State = &subtensor.SubnetState{TotalStake: info.TotalStake, AlphaStake: info.AlphaStake, TaoStake: info.TaoStake}
			return err
		})
	}
	if r.opts.Mechanism != 0 {
		questions = append(questions, func(ctx context.Context) error {
			info, err := r.s.Mechagraph(ctx, r.a.Netuid, r.opts.Mechanism)
			r.mechanism = &info
			return err
		})
	}
	if r.opts.Full && r.a.Netuid == 0 {
		questions = append(questions, func(ctx context.Context) (err error) {
			r.a.Subnets, err = netuids(ctx, r.s)
			return err
		})
	}
	if r.opts.Commitments {
		questions = append(questions, func(ctx context.Context) (err error) {
			r.a.Commitments, err = r.s.Commitments(ctx, r.a.Netuid)
			return err
		})
	}
	return sideBySide(ctx, questions...)
}

// askNeurons asks for the neurons, and then for what their number and coldkeys
// lead to.
func (r *reading) askNeurons(ctx context.Context) (err error) {
	var n int
	if r.opts.wholeNeurons() {
		r.a.Neurons, err = r.s.Neurons(ctx, r.a.Netuid)
		if n = len(r.a.Neurons); r.a.Neurons == nil {
			r.a.Neurons = []subtensor.NeuronInfo{}
		}
	} else {
		r.a.Lite, err = r.s.NeuronsLite(ctx, r.a.Netuid)
		n = len(r.a.Lite)
	}
	if err != nil {
		return err
	}
	var questions []func(context.Context) error
	if r.opts.Commitments {
		questions = append(questions, r.askIdentities)
	}
	if r.opts.Full && r.opts.Mechanism != 0 {
		questions = append(questions, func(ctx context.Context) (err error) {
			r.weights, r.bonds, err = r.s.MechanismRows(ctx, r.a.Netuid, r.opts.Mechanism, n)
			return err
		})
	}
	return sideBySide(ctx, questions...)
}

// sideBySide puts questions at once and waits for all. Where several fail the
// first of them is the one to report, whichever failed first, so that a missing
// subnet is named the same way in every era.
func sideBySide(ctx context.Context, questions ...func(context.Context) error) error {
	errs := make([]error, len(questions))
	var wg sync.WaitGroup
	for i, q := range questions {
		if i > 0 {
			wg.Go(func() { errs[i] = q(ctx) })
		}
	}
	if len(questions) > 0 {
		errs[0] = questions[0](ctx)
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
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
