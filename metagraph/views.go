package metagraph

import (
	"cmp"
	"fmt"
	"math/big"
	"net/netip"
	"slices"

	"github.com/bittensor-go/bt/subtensor"
)

// rootWeight is the share of TAO on the root subnet that the Python SDK counts
// in its tao_stake, whatever the chain's own TaoWeight is (settings.py,
// ROOT_TAO_STAKE_WEIGHT).
const rootWeight = 0.18

// S returns the stake of each neuron in TAO (in alpha and weighted TAO from spec
// 233 on).
//
// For runtimes without get_subnet_state (up to spec 217) it is the sum of the
// neuron's stake list, as total_stake in SDK versions 3 to 8. For later ones it is
// what the runtime calls total_stake, as in SDK 9 and later; on the root subnet it is the TAO
// staked there. Each era gets the reading of the SDKs that were made for it: the
// list holds no TAO any more from 233 on, and there is no total_stake before. As
// gives what another version shows.
func (m *Metagraph) S() []float32 { return amounts(m.staked(m.TotalStake), 1) }

// TS returns the TAO that each neuron has on the root subnet, times 0.18, as
// tao_stake in SDK 9 and later; unscaled for the root subnet itself. It is nil
// for runtimes without get_subnet_state (up to spec 217).
func (m *Metagraph) TS() []float32 {
	if m.Netuid == 0 {
		return amounts(m.TaoStake, 1)
	}
	return amounts(m.TaoStake, rootWeight)
}

// AS returns the alpha that each neuron has, as alpha_stake in SDK 9 and later;
// for the root subnet the TAO. It is nil for runtimes without get_subnet_state
// (up to spec 217).
func (m *Metagraph) AS() []float32 { return amounts(m.staked(m.AlphaStake), 1) }

// staked returns a column of stake, or the one of TAO for the root subnet of
// chains that tell them apart: there all three are the same to the SDK.
func (m *Metagraph) staked(column []uint64) []uint64 {
	if m.Netuid == 0 && m.TaoStake != nil {
		return m.TaoStake
	}
	return column
}

// R returns the ranks, 0 to 1, as SDK 3 to 10.0.0. From spec 397 on the chain has
// no ranks and they are zeros; SDK 10.0.1 and later have none for any block. They
// are here for older blocks, of which they are true.
func (m *Metagraph) R() []float32 { return shares(m.Ranks) }

// I returns the incentives, 0 to 1.
func (m *Metagraph) I() []float32 { return shares(m.Incentive) }

// E returns the emission of the last epoch in TAO, in alpha from spec 233 on.
func (m *Metagraph) E() []float32 { return amounts(m.Emission, 1) }

// C returns the consensus, 0 to 1.
func (m *Metagraph) C() []float32 { return shares(m.Consensus) }

// T returns the trust, 0 to 1, as SDK 3 to 10.0.0. As with R it is zeros from spec
// 397 on, and SDK 10.0.1 and later have none.
func (m *Metagraph) T() []float32 { return shares(m.Trust) }

// Tv returns the validator trust, 0 to 1. All versions of the SDK agree on it, as
// on I, E, C and D.
func (m *Metagraph) Tv() []float32 { return shares(m.ValidatorTrust) }

// D returns the dividends, 0 to 1.
func (m *Metagraph) D() []float32 { return shares(m.Dividends) }

// W returns the weights as n rows of n, each divided by its sum; n rows with a
// column for each of Weights.Columns on the root subnet. It is nil before a full
// sync. All versions of the SDK agree on it; Matrix.Normalized says how it rounds.
func (m *Metagraph) W() [][]float32 { return m.Weights.Normalized() }

// B returns the bonds as n rows of n, 0 to 65535. It is nil before a full sync.
// They are float32, as in every release of the SDK with NumPy (7.0.0 on), and not
// int64 as with torch (all of version 6): As gives those.
func (m *Metagraph) B() [][]float32 { return m.Bonds.Dense() }

// Validators returns the uids of the neurons with a validator permit, those with
// the most stake first.
func (m *Metagraph) Validators() []uint16 {
	var uids []uint16
	for i, permit := range m.ValidatorPermit {
		if permit {
			uids = append(uids, uint16(i))
		}
	}
	stake := m.staked(m.TotalStake)
	slices.SortStableFunc(uids, func(a, b uint16) int { return cmp.Compare(stake[b], stake[a]) })
	return uids
}

// Addresses returns where each neuron serves, as AddressOf writes it.
func (m *Metagraph) Addresses() []string {
	all := make([]string, len(m.Axons))
	for i, a := range m.Axons {
		all[i] = AddressOf(a)
	}
	return all
}

// AxonTexts describes the axon of each neuron as the Python SDK's AxonInfo does:
// "AxonInfo( /ipv4/1.2.3.4:8091, <hotkey>, <coldkey>, 720 )", the last being the
// version.
func (m *Metagraph) AxonTexts() []string {
	all := make([]string, len(m.Axons))
	for i, a := range m.Axons {
		all[i] = fmt.Sprintf("AxonInfo( %s, %v, %v, %d )", AddressOf(a), m.Hotkeys[i], m.Coldkeys[i], a.Version)
	}
	return all
}

// AddressOf writes where an axon serves as the Python SDK does:
// "/ipv4/1.2.3.4:8091", "/ipv6/2001:db8::1:8091" without brackets, and
// "/ipv0/0.0.0.0:0" for one that never served. What stands after ipv is the type
// that the chain holds, whether or not the number fits it: numbers below 2^32 are
// written as IPv4, all others as IPv6.
func AddressOf(a subtensor.AxonInfo) string {
	var ip netip.Addr
	if a.IP.Hi == 0 && a.IP.Lo < 1<<32 {
		v := uint32(a.IP.Lo)
		ip = netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
	} else {
		ip = netip.AddrFrom16(ipBytes(a.IP))
	}
	return fmt.Sprintf("/ipv%d/%s:%d", a.IPType, ip, a.Port)
}

// shares turns shares of 65535 into numbers from 0 to 1: divided in float64 and
// rounded to float32, as the Python SDK does.
func shares(column []uint16) []float32 {
	if column == nil {
		return nil
	}
	out := make([]float32, len(column))
	for i, v := range column {
		out[i] = float32(float64(v) / 65535)
	}
	return out
}

// amounts turns rao into TAO, times a factor.
func amounts(column []uint64, factor float64) []float32 {
	if column == nil {
		return nil
	}
	out := make([]float32, len(column))
	for i, v := range column {
		out[i] = float32(tao(v) * factor)
	}
	return out
}

// tao returns the float64 nearest to rao / 10^9, as Python divides integers.
func tao(rao uint64) float64 {
	const exact = 1 << 53 // float64 holds every integer up to here
	if rao <= exact {
		return float64(rao) / 1e9
	}
	f, _ := new(big.Rat).SetFrac(new(big.Int).SetUint64(rao), big.NewInt(1e9)).Float64()
	return f
}
