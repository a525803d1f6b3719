package metagraph

import (
	"fmt"

	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// Answers are what a node says about one subnet at one block.
type Answers struct {
	Netuid  uint16
	Network string // a label
	Block   uint64

	// Neurons is the answer of get_neurons. Where it is nil, Lite counts.
	Neurons []subtensor.NeuronInfo
	// Lite is the answer of get_neurons_lite.
	Lite []subtensor.NeuronInfoLite
	// State is the answer of get_subnet_state, for the stake that counts from spec
	// 233 on; nil before.
	State *subtensor.SubnetState
	// Commitments are what accounts have committed on the subnet, neurons or not, and
	// Identities what coldkeys say about themselves; nil where nobody asked.
	Commitments map[ss58.AccountID]subtensor.Commitment
	Identities  map[ss58.AccountID]subtensor.ChainIdentity
	// Subnets are the netuids that exist, ascending: the columns of the root
	// subnet's weights. Other subnets need none.
	Subnets []uint16
}

// FromAnswers makes a metagraph of answers. It keeps no reference to them. The
// error says where they contradict each other.
func FromAnswers(a Answers) (*Metagraph, error) {
	m := New(a.Netuid, a.Network)
	if err := m.set(a); err != nil {
		return nil, err
	}
	return m, nil
}

// set replaces the columns by those of the answers, and the matrices where the
// answers have them. Nothing changes where it fails.
func (m *Metagraph) set(a Answers) error {
	full := a.Neurons != nil
	n := len(a.Lite)
	if full {
		n = len(a.Neurons)
	}
	next := *m
	next.Block = a.Block
	next.resize(n)
	var (
		entries int
		lite    subtensor.NeuronInfoLite
	)
	for i := range n {
		neuron := &lite
		if full {
			lite = a.Neurons[i].Lite()
		} else {
			neuron = &a.Lite[i]
		}
		if int(neuron.UID) != i || neuron.Netuid != a.Netuid {
			return a.lie("neuron %d is uid %d of netuid %d", i, neuron.UID, neuron.Netuid)
		}
		if err := next.put(i, neuron); err != nil {
			return a.lie("%w", err)
		}
		entries += len(neuron.Stake)
	}
	next.packStakes(entries)
	if err := next.setStake(a); err != nil {
		return err
	}
	next.setAttached(a)
	if full {
		next.setMatrices(a)
	}
	*m = next
	return nil
}

// lie reports answers that contradict each other.
func (a *Answers) lie(format string, args ...any) error {
	return fmt.Errorf("the node's answers about netuid %d at block %d do not fit together: %w", a.Netuid, a.Block, fmt.Errorf(format, args...))
}

// resize gives every column of neurons a new array of n entries.
func (m *Metagraph) resize(n int) {
	m.Hotkeys = column[ss58.AccountID](n)
	m.Coldkeys = column[ss58.AccountID](n)
	m.Axons = column[subtensor.AxonInfo](n)
	m.Prometheus = column[subtensor.PrometheusInfo](n)
	m.Active = column[bool](n)
	m.ValidatorPermit = column[bool](n)
	for _, c := range m.scores() {
		*c = column[uint16](n)
	}
	m.Emission = column[uint64](n)
	m.LastUpdate = column[uint64](n)
	m.Stakes = column[[]subtensor.StakeEntry](n)
	m.TotalStake = column[uint64](n)
	m.AlphaStake, m.TaoStake = nil, nil
}

// scores are the columns of 16-bit numbers.
func (m *Metagraph) scores() [7]*[]uint16 {
	return [7]*[]uint16{&m.Ranks, &m.Trust, &m.Consensus, &m.ValidatorTrust, &m.Incentive, &m.Dividends, &m.PruningScore}
}

// column returns n zeros, nil for none.
func column[T any](n int) []T {
	if n == 0 {
		return nil
	}
	return make([]T, n)
}

// put writes a neuron into row i.
func (m *Metagraph) put(i int, n *subtensor.NeuronInfoLite) error {
	m.Hotkeys[i] = n.Hotkey
	m.Coldkeys[i] = n.Coldkey
	m.Axons[i] = n.AxonInfo
	m.Prometheus[i] = n.PrometheusInfo
	m.Active[i] = n.Active
	m.ValidatorPermit[i] = n.ValidatorPermit
	m.Ranks[i] = n.Rank
	m.Trust[i] = n.Trust
	m.Consensus[i] = n.Consensus
	m.ValidatorTrust[i] = n.ValidatorTrust
	m.Incentive[i] = n.Incentive
	m.Dividends[i] = n.Dividends
	m.PruningScore[i] = n.PruningScore
	m.Emission[i] = n.Emission
	m.LastUpdate[i] = n.LastUpdate
	m.Stakes[i] = n.Stake
	var sum uint64
	for _, s := range n.Stake {
		if sum+s.Amount < sum {
			return fmt.Errorf("the stake of uid %d exceeds 64 bits", i)
		}
		sum += s.Amount
	}
	m.TotalStake[i] = sum
	return nil
}

// packStakes copies the stake lists, n entries in all, into one array.
func (m *Metagraph) packStakes(n int) {
	all := make([]subtensor.StakeEntry, 0, n)
	for i, s := range m.Stakes {
		m.Stakes[i] = nil
		if len(s) > 0 {
			from := len(all)
			all = append(all, s...)
			m.Stakes[i] = all[from:len(all):len(all)]
		}
	}
}

// setStake takes the stake columns of the subnet's state, where there is one.
func (m *Metagraph) setStake(a Answers) error {
	if a.State == nil || m.N() == 0 || a.State.TotalStake == nil && a.State.AlphaStake == nil {
		return nil // the first builds to have the answer gave other columns (204)
	}
	for _, c := range []struct {
		name string
		from []uint64
		to   *[]uint64
	}{
		{"total_stake", a.State.TotalStake, &m.TotalStake},
		{"alpha_stake", a.State.AlphaStake, &m.AlphaStake},
		{"tao_stake", a.State.TaoStake, &m.TaoStake},
	} {
		if len(c.from) != m.N() {
			return a.lie("%d neurons, and %d entries in %s", m.N(), len(c.from), c.name)
		}
		*c.to = append([]uint64(nil), c.from...)
	}
	return nil
}

// setMatrices takes the rows of the neurons.
func (m *Metagraph) setMatrices(a Answers) {
	rows := make([][]subtensor.WeightEntry, len(a.Neurons))
	for i := range rows {
		rows[i] = a.Neurons[i].Weights
	}
	m.MatrixBlock = a.Block
	if a.Netuid == 0 {
		m.Weights = NewMatrix(rows, append([]uint16{}, a.Subnets...))
		return
	}
	m.Weights = NewMatrix(rows, nil)
	for i := range rows {
		rows[i] = a.Neurons[i].Bonds
	}
	m.Bonds = NewMatrix(rows, nil)
}
