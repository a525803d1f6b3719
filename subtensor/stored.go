package subtensor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// neuronAPI is the runtime API that lists neurons. The runtime by which nodes of
// the main network replay blocks from 2585476 on, as long as 143 was in force, was
// built without it.
const neuronAPI = "NeuronInfoRuntimeApi"

// StoredNeurons returns what Neurons does, read from storage rather than asked of
// the runtime: for runtimes and nodes that do not answer. Neurons itself comes
// here where the runtime lacks the API.
//
// It takes two round trips: the columns and the hotkeys, then what is kept for each
// neuron; a third where a stake hangs on other accounts, as up to spec 219; one
// less where AskUids was put ahead (Client.AskNeurons). As nodes list 1000 keys at
// once, it takes more on a subnet of more than 1000 neurons, or of more than about
// 1900 with AskUids, and one more for each thousand nominators of one hotkey.
func (s *State) StoredNeurons(ctx context.Context, netuid uint16) ([]NeuronInfo, error) {
	return s.storedNeurons(ctx, netuid, true)
}

// StoredNeuronsLite returns what NeuronsLite does, read from storage.
func (s *State) StoredNeuronsLite(ctx context.Context, netuid uint16) ([]NeuronInfoLite, error) {
	full, err := s.storedNeurons(ctx, netuid, false)
	if err != nil {
		return nil, err
	}
	lite := make([]NeuronInfoLite, len(full))
	for i := range full {
		lite[i] = full[i].Lite()
	}
	return lite, nil
}

// orStored asks the runtime about neurons, and reads storage where it cannot
// answer.
func orStored[T any](s *State, method string, ask, stored func() (T, error)) (T, error) {
	if s.neuronsStored(method) {
		return stored()
	}
	if s.schema.Has(method) {
		v, err := ask()
		if !lacksMethod(err) {
			return v, err
		}
	}
	s.lacksNeurons(method)
	return stored()
}

// lacksMethod reports whether a node refused a call because its runtime has no
// such function. Nodes have no code of their own for it: the text is that of the
// executor, which changed over time.
func lacksMethod(err error) bool {
	var node *rpc.Error
	if !errors.As(err, &node) {
		return false
	}
	text := strings.ToLower(node.Message + " " + string(node.Data))
	return strings.Contains(text, "exported method") && strings.Contains(text, "not found") || // sc-executor up to 2024
		strings.Contains(text, "method not found: '") || // sc-executor since
		strings.Contains(text, "function to start was not found") // smoldot, which Chopsticks runs
}

// neuronColumns are the vectors that have an entry for each neuron of a subnet.
// They may be shorter than the subnet, and some are absent from newer runtimes:
// cellAt then gives what the runtime's API does.
type neuronColumns struct {
	active, permit                     []bool
	rank, trust, consensus, incentive  []uint16
	dividends, validatorTrust, pruning []uint16
	stakeWeight                        []uint16
	emission, lastUpdate               []uint64
	maxStake                           uint64 // of a hotkey on the subnet
}

func cellAt[T any](column []T, uid int, otherwise T) T {
	if uid < len(column) {
		return column[uid]
	}
	return otherwise
}

func (c *neuronColumns) ask(t *trip, rule stakeRule, netuid uint16) {
	t.value(&c.active, "Active", netuid)
	t.value(&c.permit, "ValidatorPermit", netuid)
	t.value(&c.consensus, "Consensus", netuid)
	t.value(&c.incentive, "Incentive", netuid)
	t.value(&c.dividends, "Dividends", netuid)
	t.value(&c.validatorTrust, "ValidatorTrust", netuid)
	t.value(&c.emission, "Emission", netuid)
	t.value(&c.lastUpdate, "LastUpdate", netuid)
	t.maybe(&c.rank, "Rank", netuid) // these three are gone from spec 397 on
	t.maybe(&c.trust, "Trust", netuid)
	t.maybe(&c.pruning, "PruningScores", netuid)
	c.maxStake = ^uint64(0)
	switch rule {
	case stakeOfWeight:
		t.value(&c.stakeWeight, "StakeWeight", netuid)
	case stakeOfFamily:
		t.maybe(&c.maxStake, "NetworkMaxStake", netuid)
	}
}

// hotkeyCells is what is kept for a hotkey.
type hotkeyCells struct {
	coldkey    ss58.AccountID
	axon       AxonInfo
	prometheus PrometheusInfo
	stake      stakeCells
}

func (c *hotkeyCells) ask(t *trip, rule stakeRule, netuid uint16, hotkey ss58.AccountID) {
	t.value(&c.coldkey, "Owner", hotkey)
	t.value(&c.axon, "Axons", netuid, hotkey)
	t.value(&c.prometheus, "Prometheus", netuid, hotkey)
	c.stake.ask(t, rule, netuid, hotkey)
}

// uidCells is what is kept for a uid.
type uidCells struct {
	hotkey         ss58.AccountID
	registered     bool
	weights, bonds []WeightEntry
}

func (c *uidCells) ask(t *trip, full bool, n int, netuid, uid uint16) {
	t.put(wantedValue{into: &c.hotkey, found: &c.registered, size: plainSize}, "Keys", netuid, uid)
	if full {
		size := 4 * (n + 1) // of a row with an entry for each neuron
		t.put(wantedValue{into: &c.weights, size: size}, "Weights", netuid, uid)
		t.put(wantedValue{into: &c.bonds, size: size}, "Bonds", netuid, uid)
	}
}

// storedNeurons reads neurons as rpc_info/neuron_info.rs does: uids up to the
// first that has no hotkey, zero weights and bonds left out.
func (s *State) storedNeurons(ctx context.Context, netuid uint16, full bool) ([]NeuronInfo, error) {
	pallet, ok := s.Runtime.Metadata.Pallet(palletName)
	if !ok {
		return nil, ErrNotSubtensor
	}
	rule, err := stakeRuleOf(pallet, s.Runtime.SpecVersion, full)
	if err != nil {
		return nil, err
	}
	var (
		exists  bool
		n       uint16
		columns neuronColumns
		keys    [][]byte // of Uids, which end in the hotkeys
		hotkeys = make(map[ss58.AccountID]*hotkeyCells)
		uids    []*uidCells
	)
	// Which hotkey has which uid is not known at first, but what belongs to a hotkey
	// can be asked for all the same. The list may be of more hotkeys than the subnet
	// has uids for, and lack some.
	askNeurons := func(t *trip, count int) error {
		for _, key := range keys {
			hotkey, err := accountIn(key)
			if err != nil {
				return fmt.Errorf("block %d: storage %s.Uids: %w", s.Number, palletName, err)
			}
			if hotkeys[hotkey] == nil {
				hotkeys[hotkey] = new(hotkeyCells)
				hotkeys[hotkey].ask(t, rule, netuid, hotkey)
			}
		}
		for len(uids) < count {
			uid := len(uids)
			uids = append(uids, new(uidCells))
			uids[uid].ask(t, full, count, netuid, uint16(uid))
		}
		return nil
	}

	t := &trip{s: s, pallet: pallet}
	t.value(&exists, "NetworksAdded", netuid)
	t.value(&n, "SubnetworkN", netuid)
	columns.ask(t, rule, netuid)
	asked := s.Asked(AskUids(netuid)[0])
	if t.list(&keys, keysPerList, "Uids", netuid); asked {
		t.lists[0].limit = 2 * keysPerList
		if err := t.runLists(ctx); err != nil { // their answer is there
			return nil, err
		}
		if err := askNeurons(t, len(keys)); err != nil {
			return nil, err
		}
	}
	if err := t.run(ctx); err != nil {
		return nil, err
	}
	if !exists {
		return nil, s.notFound(ctx, netuid)
	}

	t = &trip{s: s, pallet: pallet}
	if err := askNeurons(t, int(n)); err != nil {
		return nil, err
	}
	if err := t.run(ctx); err != nil {
		return nil, err
	}
	uids = uids[:n]
	for i, u := range uids {
		if !u.registered {
			uids = uids[:i]
			break
		}
	}

	// Stakes may lead on. Those of hotkeys that the list lacked are a trip behind.
	behind := make(map[ss58.AccountID]*hotkeyCells)
	t = &trip{s: s, pallet: pallet}
	for _, u := range uids {
		known, ok := hotkeys[u.hotkey]
		if !ok {
			known = new(hotkeyCells)
			known.ask(t, rule, netuid, u.hotkey)
			hotkeys[u.hotkey], behind[u.hotkey] = known, known
		} else if behind[u.hotkey] == nil {
			if err := known.stake.askFurther(t, rule); err != nil {
				return nil, fmt.Errorf("block %d: %w", s.Number, err)
			}
		}
	}
	if err := t.run(ctx); err != nil {
		return nil, err
	}
	t = &trip{s: s, pallet: pallet}
	for _, known := range behind {
		if err := known.stake.askFurther(t, rule); err != nil {
			return nil, fmt.Errorf("block %d: %w", s.Number, err)
		}
	}
	if err := t.run(ctx); err != nil {
		return nil, err
	}

	neurons := make([]NeuronInfo, len(uids))
	for uid, u := range uids {
		neurons[uid] = columns.neuron(rule, netuid, uid, u, hotkeys[u.hotkey])
	}
	return neurons, nil
}

// storedNeuron reads one neuron as storedNeurons reads all.
func (s *State) storedNeuron(ctx context.Context, netuid, uid uint16, full bool) (NeuronInfo, error) {
	pallet, ok := s.Runtime.Metadata.Pallet(palletName)
	if !ok {
		return NeuronInfo{}, ErrNotSubtensor
	}
	rule, err := stakeRuleOf(pallet, s.Runtime.SpecVersion, full)
	if err != nil {
		return NeuronInfo{}, err
	}
	var (
		exists  bool
		columns neuronColumns
		u       uidCells
		h       hotkeyCells
	)
	t := &trip{s: s, pallet: pallet}
	t.value(&exists, "NetworksAdded", netuid)
	columns.ask(t, rule, netuid)
	u.ask(t, full, 0, netuid, uid) // two rows need no bound
	if err := t.run(ctx); err != nil {
		return NeuronInfo{}, err
	}
	if !exists {
		return NeuronInfo{}, s.notFound(ctx, netuid)
	}
	if !u.registered {
		return NeuronInfo{}, s.noNeuron(netuid, uid)
	}
	t = &trip{s: s, pallet: pallet}
	h.ask(t, rule, netuid, u.hotkey)
	if err := t.run(ctx); err != nil {
		return NeuronInfo{}, err
	}
	t = &trip{s: s, pallet: pallet}
	if err := h.stake.askFurther(t, rule); err != nil {
		return NeuronInfo{}, fmt.Errorf("block %d: %w", s.Number, err)
	}
	if err := t.run(ctx); err != nil {
		return NeuronInfo{}, err
	}
	return columns.neuron(rule, netuid, int(uid), &u, &h), nil
}

// neuron puts together what was read of a neuron.
func (c *neuronColumns) neuron(rule stakeRule, netuid uint16, uid int, u *uidCells, h *hotkeyCells) NeuronInfo {
	return NeuronInfo{
		Hotkey: u.hotkey, Coldkey: h.coldkey, UID: uint16(uid), Netuid: netuid,
		Active:          cellAt(c.active, uid, false),
		AxonInfo:        h.axon,
		PrometheusInfo:  h.prometheus,
		Stake:           h.stake.entries(rule, h.coldkey, cellAt(c.stakeWeight, uid, 0), c.maxStake),
		Rank:            cellAt(c.rank, uid, 0),
		Emission:        cellAt(c.emission, uid, 0),
		Incentive:       cellAt(c.incentive, uid, 0),
		Consensus:       cellAt(c.consensus, uid, 0),
		Trust:           cellAt(c.trust, uid, 0),
		ValidatorTrust:  cellAt(c.validatorTrust, uid, 0),
		Dividends:       cellAt(c.dividends, uid, 0),
		LastUpdate:      cellAt(c.lastUpdate, uid, 0),
		ValidatorPermit: cellAt(c.permit, uid, false),
		Weights:         withoutZeros(u.weights),
		Bonds:           withoutZeros(u.bonds),
		PruningScore:    cellAt(c.pruning, uid, ^uint16(0)),
	}
}

func withoutZeros(row []WeightEntry) []WeightEntry {
	kept := row[:0]
	for _, w := range row {
		if w.Value > 0 {
			kept = append(kept, w)
		}
	}
	return kept
}

// accountIn returns the account that a storage key ends in: the last hasher of the
// key's map keeps it whole.
func accountIn(key []byte) (ss58.AccountID, error) {
	const size = len(ss58.AccountID{})
	if len(key) < size {
		return ss58.AccountID{}, fmt.Errorf("key %x holds no account", key)
	}
	return ss58.AccountID(key[len(key)-size:]), nil
}

// hasEntries reports whether a pallet keeps all of some items.
func hasEntries(p *metadata.Pallet, items ...string) bool {
	for _, item := range items {
		if _, ok := p.Entry(item); !ok {
			return false
		}
	}
	return true
}
