package subtensor

import (
	"context"
	"errors"
	"fmt"
)

// mechanismStride is how far apart the storage indexes of a subnet's mechanisms
// are (subtensor: GLOBAL_MAX_SUBNET_COUNT).
const mechanismStride = 4096

// MechanismIndex returns the index under which storage keeps what a subnet has
// once for each mechanism: Weights, Bonds, Incentive and LastUpdate. Mechanism 0
// has the netuid itself.
func MechanismIndex(netuid uint16, mechanism uint8) uint16 {
	return netuid + uint16(mechanism)*mechanismStride
}

// ErrMechanismNotFound reports a mechanism that a subnet does not have; see
// MechanismNotFoundError.
var ErrMechanismNotFound = errors.New("mechanism does not exist")

// MechanismNotFoundError names a mechanism that a subnet does not have and says
// how many it has.
type MechanismNotFoundError struct {
	Netuid    uint16
	Mechanism uint8
	Count     uint8 // mechanisms are numbered from 0 on
	Block     uint64
}

// Error says which mechanisms there are.
func (e *MechanismNotFoundError) Error() string {
	has := "only mechanism 0"
	if e.Count > 1 {
		has = fmt.Sprintf("mechanisms 0 to %d", e.Count-1)
	}
	return fmt.Sprintf("mechanism %d of netuid %d: %v at block %d, where the subnet has %s", e.Mechanism, e.Netuid, ErrMechanismNotFound, e.Block, has)
}

// Unwrap returns ErrMechanismNotFound.
func (e *MechanismNotFoundError) Unwrap() error { return ErrMechanismNotFound }

// MechanismRows returns the rows of weights and of bonds that the first n neurons
// have under a mechanism, as storage holds them but without zeros, which
// NeuronInfo leaves out too.
func (s *State) MechanismRows(ctx context.Context, netuid uint16, mechanism uint8, n int) (weights, bonds [][]WeightEntry, err error) {
	pallet, ok := s.Runtime.Metadata.Pallet(palletName)
	if !ok {
		return nil, nil, ErrNotSubtensor
	}
	index, rowSize := MechanismIndex(netuid, mechanism), 4*(n+1)
	weights, bonds = make([][]WeightEntry, n), make([][]WeightEntry, n)
	t := &trip{s: s, pallet: pallet}
	for uid := range n {
		t.put(wantedValue{into: &weights[uid], size: rowSize}, "Weights", index, uint16(uid))
		t.put(wantedValue{into: &bonds[uid], size: rowSize}, "Bonds", index, uint16(uid))
	}
	if err := t.run(ctx); err != nil {
		return nil, nil, err
	}
	for uid := range n {
		weights[uid], bonds[uid] = withoutZeros(weights[uid]), withoutZeros(bonds[uid])
	}
	return weights, bonds, nil
}

// MechanismCount returns how many mechanisms a subnet has: 1 on runtimes that
// know none (up to spec 302), and for a subnet that does not exist.
func (s *State) MechanismCount(ctx context.Context, netuid uint16) (uint8, error) {
	const item = "MechanismCountCurrent"
	count := uint8(1)
	if p, ok := s.Runtime.Metadata.Pallet(palletName); !ok || !hasEntries(p, item) {
		return count, nil
	}
	_, err := s.Get(ctx, &count, palletName, item, netuid)
	return count, err
}

// Mechagraph returns one mechanism of a subnet in columns (spec 320 on): the
// subnet's MetagraphInfo with Incentives and LastUpdate of the mechanism. Its
// Netuid is the mechanism's index in storage. The error wraps
// ErrMechanismNotFound or ErrSubnetNotFound.
func (s *State) Mechagraph(ctx context.Context, netuid uint16, mechanism uint8) (MetagraphInfo, error) {
	var v *MetagraphInfo
	if s.schema.Has(getMechagraph) {
		if err := s.ask(ctx, getMechagraph, &v, append(encodeArgs(netuid), mechanism)); err != nil {
			return MetagraphInfo{}, err
		}
	}
	if v == nil {
		return MetagraphInfo{}, s.noMechanism(ctx, netuid, mechanism)
	}
	return *v, nil
}

// noMechanism returns the error for a mechanism that is not there, or whose
// subnet is not.
func (s *State) noMechanism(ctx context.Context, netuid uint16, mechanism uint8) error {
	if ok, err := s.SubnetExists(ctx, netuid); err != nil {
		return err
	} else if !ok {
		return s.notFound(ctx, netuid)
	}
	count, err := s.MechanismCount(ctx, netuid)
	if err != nil {
		return err
	}
	return &MechanismNotFoundError{Netuid: netuid, Mechanism: mechanism, Count: count, Block: s.Number}
}
