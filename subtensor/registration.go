package subtensor

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// PowRule returns the rule by which the block's runtime registers neurons with
// proof of work. The error wraps ErrUnsafe everywhere but where a rule is known.
func (s *State) PowRule() (Rule, error) { return s.schema.PowRule() }

// PowRule returns the rule of the runtime; see NewRule.
func (s *Schema) PowRule() (Rule, error) { return NewRule(s.md, s.spec) }

// BlockTime returns how long a block takes by the runtime's constants, twice
// Timestamp.MinimumPeriod: 12 seconds on the main network, from 250 milliseconds up
// on others. It is 0 where the metadata does not say.
func (s *Schema) BlockTime() time.Duration {
	pallet, ok := s.md.Pallet("Timestamp")
	if !ok {
		return 0
	}
	c, ok := pallet.Constant("MinimumPeriod")
	var period uint64
	if !ok || s.types.Decode(c.Type, c.Value, &period) != nil || period > uint64(time.Hour/time.Millisecond) {
		return 0
	}
	return 2 * time.Duration(period) * time.Millisecond
}

// Challenge returns the puzzle whose work block is the state's block.
func (s *State) Challenge(rule Rule, netuid uint16, hotkey, coldkey ss58.AccountID) pow.Challenge {
	return rule.Challenge(netuid, s.Hash, hotkey, coldkey)
}

// Work returns the state's block as work for a solver.
func (s *State) Work(terms Terms) pow.Work {
	return pow.Work{
		Challenge:  s.Challenge(terms.Rule, terms.Netuid, terms.Hotkey, terms.Coldkey),
		Difficulty: terms.Difficulty,
		Block:      s.Number,
		BlockHash:  s.Hash,
		Window:     terms.Rule.Window,
	}
}

// Terms are the terms of registering a hotkey on a subnet, as of a block.
type Terms struct {
	Rule            Rule
	Netuid          uint16
	Hotkey, Coldkey ss58.AccountID
	Block           uint64 // that the terms are of
	// Difficulty is what a seal has to meet: as the runtime would test it in the
	// state of this block.
	Difficulty uint64
	// Stored, MinDifficulty and MaxDifficulty are what Difficulty was made of.
	Stored, MinDifficulty, MaxDifficulty uint64
	// LastWorkBlock is the work block of the hotkey's last registration on any
	// subnet by pow_register, 0 for none. Work blocks must be newer.
	LastWorkBlock uint64
	// ThisBlock of at most PerBlock registrations are done.
	ThisBlock, PerBlock uint64
	// ThisInterval of at most PerInterval registrations are done in the adjustment
	// interval. The classic rule alone limits this; else PerInterval is 0.
	ThisInterval, PerInterval uint64
	// MaxUIDs is how many neurons the subnet admits; a full one replaces one.
	MaxUIDs uint64
	// Owner is the coldkey that owns the hotkey, nil for none.
	Owner *ss58.AccountID
	// UID is the hotkey's uid on the subnet, nil for none.
	UID *uint16
	// PowAllowed says that the subnet admits registrations by proof of work.
	PowAllowed bool
}

// EffectiveDifficulty returns the difficulty that pow_register tests: the stored
// one, at least minimum (and 1), at most maximum. The floor wins where the two
// contradict each other.
func EffectiveDifficulty(stored, minimum, maximum uint64) uint64 {
	floor := max(1, minimum)
	return max(floor, min(stored, max(floor, maximum)))
}

// RegistrationTerms reads, in one request, on what terms a hotkey can register
// on a subnet with proof of work. The terms are filled as far as they are known
// even where an error says why it is not possible: ErrUnsafe, ErrSubnetNotFound,
// ErrRootSubnet, ErrAlreadyRegistered, ErrPowDisabled, ErrHotkeyOwnedByAnother,
// ErrNoRoom, and those that pass by themselves: ErrTooManyThisBlock,
// ErrTooManyThisInterval, ErrReplay.
func (s *State) RegistrationTerms(ctx context.Context, netuid uint16, hotkey, coldkey ss58.AccountID) (Terms, error) {
	t := Terms{Netuid: netuid, Hotkey: hotkey, Coldkey: coldkey, Block: s.Number}
	var err error
	if t.Rule, err = s.PowRule(); err != nil {
		return t, err
	}
	exists, err := s.readTerms(ctx, &t)
	if err != nil {
		return t, err
	}
	if !exists {
		return t, s.notFound(ctx, netuid)
	}
	return t, t.check()
}

// check returns why the terms do not admit a registration, if so. What does not
// pass by itself comes first.
func (t *Terms) check() error {
	switch {
	case t.Netuid == 0 && t.Rule.Spec >= 133: // subnets v2
		return ErrRootSubnet
	case t.UID != nil:
		return &AlreadyRegisteredError{Netuid: t.Netuid, UID: *t.UID, Hotkey: t.Hotkey}
	case !t.PowAllowed:
		return fmt.Errorf("netuid %d: %w", t.Netuid, ErrPowDisabled)
	case t.Owner != nil && *t.Owner != t.Coldkey:
		return &HotkeyOwnedError{Hotkey: t.Hotkey, Owner: *t.Owner}
	case t.MaxUIDs == 0:
		return fmt.Errorf("netuid %d: %w", t.Netuid, ErrNoRoom)
	case t.blockFull():
		return fmt.Errorf("netuid %d: %w: %d of %d in block %d", t.Netuid, ErrTooManyThisBlock, t.ThisBlock, t.PerBlock, t.Block)
	case t.PerInterval > 0 && t.ThisInterval >= t.PerInterval:
		return fmt.Errorf("netuid %d: %w: %d of %d at block %d", t.Netuid, ErrTooManyThisInterval, t.ThisInterval, t.PerInterval, t.Block)
	case t.LastWorkBlock > 0 && t.LastWorkBlock >= t.Block:
		return fmt.Errorf("%w: %d, now at %d", ErrReplay, t.LastWorkBlock, t.Block)
	}
	return nil
}

// blockFull reports whether the limit of registrations a block stands in the
// way. The counter is reset when a block begins, so for the classic call the head
// block's own counter says nothing. For pow_register it does: the pool tests
// proofs against the head's state as it is.
func (t *Terms) blockFull() bool {
	return t.PerBlock == 0 || t.Rule.puzzle == puzzlePublic && t.ThisBlock >= t.PerBlock
}

// readTerms fills the terms from storage and reports whether the subnet exists.
func (s *State) readTerms(ctx context.Context, t *Terms) (exists bool, err error) {
	public := t.Rule.puzzle == puzzlePublic
	var (
		uid   uint16
		owner ss58.AccountID
		b     = batch{s: s}
	)
	b.need(&exists, "NetworksAdded", t.Netuid)
	hasUID := b.need(&uid, "Uids", t.Netuid, t.Hotkey)
	b.need(&t.Stored, "Difficulty", t.Netuid)
	b.need(&t.MaxUIDs, "MaxAllowedUids", t.Netuid)
	hasOwner := b.need(&owner, "Owner", t.Hotkey)
	b.need(&t.PerBlock, "MaxRegistrationsPerBlock", t.Netuid)
	b.need(&t.ThisBlock, "RegistrationsThisBlock", t.Netuid)
	switch {
	case b.has("NetworkPowRegistrationAllowed"): // from 136 to 139 on (6d64fd155)
		b.need(&t.PowAllowed, "NetworkPowRegistrationAllowed", t.Netuid)
	case b.has("NetworkRegistrationAllowed"): // from 121 or 122 on
		b.need(&t.PowAllowed, "NetworkRegistrationAllowed", t.Netuid)
	default:
		t.PowAllowed = true
	}
	if public {
		b.need(&t.MinDifficulty, "MinDifficulty", t.Netuid)
		b.need(&t.MaxDifficulty, "MaxDifficulty", t.Netuid)
		b.need(&t.LastWorkBlock, "LastPowRegistrationBlock", t.Hotkey)
	} else if b.has("RegistrationsThisInterval") && b.has("TargetRegistrationsPerInterval") { // from 111 on (d76cc1a62)
		b.need(&t.ThisInterval, "RegistrationsThisInterval", t.Netuid)
		b.need(&t.PerInterval, "TargetRegistrationsPerInterval", t.Netuid)
	}
	if err := b.read(ctx); err != nil {
		return false, err
	}
	if *hasUID {
		t.UID = &uid
	}
	if *hasOwner {
		t.Owner = &owner
	}
	t.PerInterval *= 3
	t.Difficulty = t.Stored
	if public {
		t.Difficulty = EffectiveDifficulty(t.Stored, t.MinDifficulty, t.MaxDifficulty)
	} else {
		t.MaxDifficulty = math.MaxUint64
	}
	return exists, nil
}

// batch reads several storage values of SubtensorModule in one request.
type batch struct {
	s     *State
	keys  [][]byte
	items []batchItem
	err   error
}

type batchItem struct {
	name    string
	out     any
	present *bool
}

func (b *batch) has(item string) bool {
	p, ok := b.s.Runtime.Metadata.Pallet(palletName)
	if !ok {
		return false
	}
	_, ok = p.Entry(item)
	return ok
}

// need adds a value. After read, out holds it (or its default) and the returned
// flag says whether it is stored.
func (b *batch) need(out any, item string, keys ...any) *bool {
	present := new(bool)
	if b.err != nil {
		return present
	}
	key, err := b.s.Runtime.StorageKey(palletName, item, keys...)
	if err != nil {
		b.err = fmt.Errorf("storage %s.%s: %w", palletName, item, err)
		return present
	}
	b.keys = append(b.keys, key)
	b.items = append(b.items, batchItem{item, out, present})
	return present
}

func (b *batch) read(ctx context.Context) error {
	if b.err != nil {
		return b.err
	}
	values, err := b.s.Raw(ctx, b.keys...)
	if err != nil {
		return err
	}
	if len(values) != len(b.items) {
		return fmt.Errorf("the node answered %d of %d storage keys", len(values), len(b.items))
	}
	pallet, ok := b.s.Runtime.Metadata.Pallet(palletName)
	if !ok {
		return ErrNotSubtensor
	}
	for i, item := range b.items {
		entry, ok := pallet.Entry(item.name)
		if !ok {
			return fmt.Errorf("metadata has no storage %s.%s", palletName, item.name)
		}
		raw := values[i]
		*item.present = raw != nil
		if raw == nil {
			if entry.Optional {
				continue
			}
			raw = entry.Default
		}
		if err := b.s.Runtime.Codec.Decode(entry.Value, raw, item.out); err != nil {
			return fmt.Errorf("storage %s.%s at block %d: %w", palletName, item.name, b.s.Number, err)
		}
	}
	return nil
}

// RegisterCall returns the encoded call that hands a proof in, to be signed by
// the key that rule.Signer names.
func (s *State) RegisterCall(rule Rule, netuid uint16, hotkey, coldkey ss58.AccountID, solution pow.Solution) ([]byte, error) {
	return s.schema.RegisterCall(rule, netuid, hotkey, coldkey, solution)
}

// RegisterCall returns the encoded call that hands a proof in. It refuses a rule
// that is not this runtime's: after an upgrade the call may mean something else.
func (s *Schema) RegisterCall(rule Rule, netuid uint16, hotkey, coldkey ss58.AccountID, solution pow.Solution) ([]byte, error) {
	own, err := s.PowRule()
	if err != nil {
		return nil, err
	}
	if own.Spec = rule.Spec; own != rule {
		return nil, &UnsafeError{Spec: s.spec, Reason: fmt.Sprintf("the proof was made by the rule of spec %d", rule.Spec)}
	}
	pallet, call, ok := s.md.Call(palletName, rule.Call)
	if !ok {
		return nil, fmt.Errorf("metadata has no call %s.%s", palletName, rule.Call)
	}
	args := map[string]any{"netuid": netuid, "nonce": solution.Nonce, "hotkey": hotkey}
	if rule.puzzle == puzzlePublic {
		args["work_block"] = solution.Block
		args["work"] = [32]byte(solution.Seal)
	} else {
		args["block_number"] = solution.Block
		args["work"] = solution.Seal[:]
		args["coldkey"] = coldkey
	}
	return s.types.AppendFields([]byte{pallet.Index, call.Index}, call.Fields, args)
}
