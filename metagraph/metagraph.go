package metagraph

import (
	"fmt"
	"runtime/debug"

	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// Metagraph is a subnet at one block. It is plain data: two of them are equal
// where all fields are. Empty columns are nil. It is not safe for use while Sync
// or Load runs on it.
type Metagraph struct {
	Netuid uint16
	// Mechanism is the mechanism whose Incentive, LastUpdate, Weights and Bonds these
	// are; 0 where the subnet has only one.
	Mechanism uint8
	// Network is a label, such as "finney". It is part of the path of saved files.
	Network string
	Block   uint64 // that the columns are of; 0 before the first sync

	Hotkeys         []ss58.AccountID
	Coldkeys        []ss58.AccountID
	Axons           []subtensor.AxonInfo
	Prometheus      []subtensor.PrometheusInfo
	Active          []bool
	ValidatorPermit []bool
	Ranks           []uint16 // shares of 65535; 0 from spec 397 on
	Trust           []uint16 // shares of 65535; 0 from spec 397 on
	Consensus       []uint16 // shares of 65535
	ValidatorTrust  []uint16 // shares of 65535
	Incentive       []uint16 // shares of 65535
	Dividends       []uint16 // shares of 65535
	PruningScore    []uint16 // 65535 from spec 397 on
	Emission        []uint64 // of the last epoch, rao; alpha from spec 233 on
	LastUpdate      []uint64 // blocks at which weights were set last
	// Stakes are the entries of each neuron's own stake list: every nominator up
	// to spec 194, later one entry with the owner.
	Stakes [][]subtensor.StakeEntry
	// TotalStake is the stake that counts for consensus, in rao: the sum of the
	// neuron's stake list up to spec 217, and what the runtime gives as
	// total_stake, alpha and weighted TAO together, from then on.
	TotalStake []uint64
	AlphaStake []uint64 // alpha rao; nil up to spec 217
	TaoStake   []uint64 // rao on the root subnet; nil up to spec 217

	// Commitments are what each hotkey has committed on the subnet, and Identities
	// what each coldkey says about itself: nil for a neuron without, and nil as a
	// whole where Options.Commitments was not set.
	Commitments []*subtensor.Commitment
	Identities  []*subtensor.ChainIdentity

	// Weights and Bonds are of block MatrixBlock: the last that was read in full.
	// Before that they are empty and MatrixBlock is 0. Bonds of the root subnet are
	// never read.
	Weights     Matrix
	Bonds       Matrix
	MatrixBlock uint64
}

// New returns the metagraph of a subnet before its first sync: no neurons, block
// 0. The network is a label.
func New(netuid uint16, network string) *Metagraph {
	return &Metagraph{Netuid: netuid, Network: network}
}

// N returns the number of neurons.
func (m *Metagraph) N() int { return len(m.Hotkeys) }

// String describes the metagraph as the Python SDK does since its version 6:
// metagraph(netuid:1, n:64, block:4200002, network:finney).
func (m *Metagraph) String() string {
	return fmt.Sprintf("metagraph(netuid:%d, n:%d, block:%d, network:%s)", m.Netuid, m.N(), m.Block, m.Network)
}

// Metadata is what Metagraph.Metadata returns.
type Metadata struct {
	Netuid  uint16 `json:"netuid"`
	N       int    `json:"n"`
	Block   uint64 `json:"block"`
	Network string `json:"network"`
	Version string `json:"version"` // of bt, "(devel)" where the build does not know it
}

// Metadata returns the summary that the Python SDK gives as metadata(), with
// bt's version in the place of the SDK's.
func (m *Metagraph) Metadata() Metadata {
	return Metadata{m.Netuid, m.N(), m.Block, m.Network, version()}
}

// version returns the version of this module in the running binary.
func version() string {
	const module = "github.com/bittensor-go/bt"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == module && m.Version != "" {
				return m.Version
			}
		}
	}
	return "(devel)"
}

// Neuron returns the neuron with a uid, with its rows of weights and bonds where
// they are there. The error wraps subtensor.ErrNeuronNotFound.
func (m *Metagraph) Neuron(uid uint16) (subtensor.NeuronInfo, error) {
	i := int(uid)
	if i >= m.N() {
		return subtensor.NeuronInfo{}, fmt.Errorf("uid %d of %v: %w", uid, m, subtensor.ErrNeuronNotFound)
	}
	return subtensor.NeuronInfo{
		Hotkey: m.Hotkeys[i], Coldkey: m.Coldkeys[i], UID: uid, Netuid: m.Netuid, Active: m.Active[i],
		AxonInfo: m.Axons[i], PrometheusInfo: m.Prometheus[i], Stake: m.Stakes[i], Rank: m.Ranks[i],
		Emission: m.Emission[i], Incentive: m.Incentive[i], Consensus: m.Consensus[i], Trust: m.Trust[i],
		ValidatorTrust: m.ValidatorTrust[i], Dividends: m.Dividends[i], LastUpdate: m.LastUpdate[i],
		ValidatorPermit: m.ValidatorPermit[i], PruningScore: m.PruningScore[i],
		Weights: m.Weights.Row(i), Bonds: m.Bonds.Row(i),
	}, nil
}
