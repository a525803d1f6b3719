package subtensor

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
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
	period := s.constant("Timestamp", "MinimumPeriod")
	if period > uint64(time.Hour/time.Millisecond) {
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
	// IntervalEnds is the block in which the next interval begins, 0 where that is
	// not known.
	IntervalEnds uint64
	// MaxUIDs is how many neurons the subnet admits; a full one replaces one.
	MaxUIDs uint64
	// Owner is the coldkey that owns the hotkey, nil for none.
	Owner *ss58.AccountID
	// UID is the hotkey's uid on the subnet, nil for none.
	UID *uint16
	// PowAllowed says that the subnet admits registrations by proof of work.
	PowAllowed bool
	// Fee is what the signer pays, in rao, for a registration that fails too. Beside
	// it Deposit must stay, of which Balance, what the signer can spend, is free. All
	// three are 0 where registrations are free.
	Fee, Deposit, Balance uint64

	obstacle error // one that stands in the way of any proof

	byInterval bool // PerInterval is a limit, also where it is 0
}

// EffectiveDifficulty returns the difficulty that pow_register tests: the stored
// one, at least minimum (and 1), at most maximum. The floor wins where the two
// contradict each other.
func EffectiveDifficulty(stored, minimum, maximum uint64) uint64 {
	floor := max(1, minimum)
	return max(floor, min(stored, max(floor, maximum)))
}

// RegistrationTerms reads on what terms a hotkey can register on a subnet with
// proof of work: in one request, and another for the fee where there is one. The
// terms are filled as far as they are known even where an error says why it is not
// possible: ErrUnsafe, ErrSubnetNotFound, ErrRootSubnet, ErrAlreadyRegistered,
// ErrPowDisabled, ErrHotkeyOwnedByAnother, ErrNoRoom, ErrSystemAccount,
// ErrColdkeySwap, ErrTooManyHotkeys, ErrFunds, and those that pass by themselves:
// ErrTooManyThisBlock, ErrTooManyThisInterval, ErrReplay.
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
		return t, s.schema.named(s.notFound(ctx, netuid))
	}
	if err := t.check(); err != nil {
		return t, s.schema.named(err)
	}
	return t, nil
}

// check returns why the terms do not admit a registration, if so. What does not
// pass by itself comes first.
func (t *Terms) check() error {
	switch {
	case t.Netuid == 0 && t.Rule.Spec >= firstRoot:
		return ErrRootSubnet
	case t.UID != nil:
		return &AlreadyRegisteredError{Netuid: t.Netuid, UID: *t.UID, Hotkey: t.Hotkey, Owner: t.Owner}
	case !t.PowAllowed:
		return fmt.Errorf("netuid %d: %w", t.Netuid, ErrPowDisabled)
	case t.Owner != nil && *t.Owner != t.Coldkey:
		return &HotkeyOwnedError{Hotkey: t.Hotkey, Owner: *t.Owner}
	case t.MaxUIDs == 0:
		return fmt.Errorf("netuid %d: %w", t.Netuid, ErrNoRoom)
	case t.obstacle != nil:
		return t.obstacle
	case t.Balance < t.Fee:
		return &FundsError{Account: t.Hotkey, Role: t.Rule.Signer, Balance: t.Balance, Fee: t.Fee, Deposit: t.Deposit}
	case t.blockFull():
		return fmt.Errorf("netuid %d: %w: %d of %d in block %d", t.Netuid, ErrTooManyThisBlock, t.ThisBlock, t.PerBlock, t.Block)
	case t.byInterval && t.ThisInterval >= t.PerInterval:
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
		uid            uint16
		owner          ss58.AccountID
		interval, last uint64
		payer          accountInfo
		who            hindrances
		b              = batch{s: s}
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
		who.need(&b, t.Netuid, t.Hotkey, t.Coldkey)
	} else if b.has("RegistrationsThisInterval") && b.has("TargetRegistrationsPerInterval") { // from 111 on (d76cc1a62)
		t.byInterval = true
		b.need(&t.ThisInterval, "RegistrationsThisInterval", t.Netuid)
		b.need(&t.PerInterval, "TargetRegistrationsPerInterval", t.Netuid)
		if b.has("AdjustmentInterval") && b.has("LastAdjustmentBlock") {
			b.need(&interval, "AdjustmentInterval", t.Netuid)
			b.need(&last, "LastAdjustmentBlock", t.Netuid)
		}
	}
	if t.Rule.PaysFee {
		b.needOf("System", &payer, "Account", t.Hotkey)
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
	if interval > 0 {
		t.IntervalEnds = max(last+interval, t.Block+1)
	}
	t.obstacle = who.obstacle(t.Owner, t.MaxUIDs)
	if t.Rule.PaysFee && exists {
		call, err := s.RegisterCall(t.Rule, t.Netuid, t.Hotkey, t.Coldkey, pow.Solution{Work: pow.Work{Block: s.Number}})
		if err != nil {
			return false, err
		}
		account := payer.account()
		if t.Fee, err = s.callFee(ctx, t.Hotkey, account.Nonce, call); err != nil {
			return false, fmt.Errorf("fee of a registration: %w", err)
		}
		t.Deposit = s.schema.Deposit()
		t.Balance = account.Spendable(t.Deposit)
	}
	t.Difficulty = t.Stored
	if public {
		t.Difficulty = EffectiveDifficulty(t.Stored, t.MinDifficulty, t.MaxDifficulty)
	} else {
		t.MaxDifficulty = math.MaxUint64
	}
	return exists, nil
}

// maxHotkeys is how many hotkeys a coldkey may own or stake through and still get
// another one by a registration without a fee (MAX_STAKING_HOTKEYS).
const maxHotkeys = 256

// hindrances are what keeps a coldkey from registering a hotkey with today's calls
// beside the subnet's own terms.
type hindrances struct {
	netuid                             uint16
	hotkey, coldkey                    ss58.AccountID
	subnetAccount, announced, disputed *bool
	owned, staking                     []ss58.AccountID
	counted                            bool // the two lists were read
	neurons                            uint64
	first, ownHotkey                   ss58.AccountID // the hotkey of uid 0, and that of the subnet's owner
}

// need adds what has to be read. What a runtime does not have does not hinder.
func (h *hindrances) need(b *batch, netuid uint16, hotkey, coldkey ss58.AccountID) {
	h.netuid, h.hotkey, h.coldkey = netuid, hotkey, coldkey
	never := new(bool)
	h.subnetAccount, h.announced, h.disputed = never, never, never
	if netuid, ok := subnetOf(hotkey); ok && b.s.schema.hasError("CannotUseSystemAccount") {
		h.subnetAccount = new(bool)
		b.need(h.subnetAccount, "NetworksAdded", netuid)
	}
	if b.has("ColdkeySwapAnnouncements") {
		h.announced = b.need(new(any), "ColdkeySwapAnnouncements", coldkey)
	}
	if b.has("ColdkeySwapDisputes") {
		h.disputed = b.need(new(any), "ColdkeySwapDisputes", coldkey)
	}
	if b.s.schema.hasError("TooManyStakingHotkeys") && b.has("OwnedHotkeys") && b.has("StakingHotkeys") {
		h.counted = true
		b.need(&h.owned, "OwnedHotkeys", coldkey)
		b.need(&h.staking, "StakingHotkeys", coldkey)
	}
	if b.has("SubnetOwnerHotkey") {
		b.need(&h.neurons, "SubnetworkN", netuid)
		b.need(&h.first, "Keys", netuid, uint16(0))
		b.need(&h.ownHotkey, "SubnetOwnerHotkey", netuid)
	}
}

// obstacle returns what stands in the way. Only a hotkey that nobody owns makes a
// coldkey's lists longer.
func (h *hindrances) obstacle(owner *ss58.AccountID, maxUIDs uint64) error {
	switch {
	case h.subnetAccount == nil: // nothing was read
	case *h.disputed:
		return &namedError{fmt.Errorf("coldkey %s: %w: the swap is disputed", h.coldkey, ErrColdkeySwap), "ColdkeySwapDisputed"}
	case *h.announced:
		return fmt.Errorf("coldkey %s: %w", h.coldkey, ErrColdkeySwap)
	case *h.subnetAccount:
		return fmt.Errorf("hotkey %s: %w", h.hotkey, ErrSystemAccount)
	case h.counted && owner == nil && max(len(h.owned), len(h.staking)) >= maxHotkeys:
		return fmt.Errorf("coldkey %s: %w: %d", h.coldkey, ErrTooManyHotkeys, max(len(h.owned), len(h.staking)))
	case maxUIDs == 1 && h.neurons == 1 && h.first == h.ownHotkey && h.first != ss58.AccountID{}:
		return fmt.Errorf("netuid %d: %w: its only uid is its owner's", h.netuid, ErrNoRoom)
	}
	return nil
}

// subnetOf returns the netuid of an account that is made like those which hold
// the funds of subnets: the pallet's id, the netuid, zeros.
func subnetOf(account ss58.AccountID) (uint16, bool) {
	const id = "modlsubtensr"
	rest := account[len(id)+2:]
	return binary.LittleEndian.Uint16(account[len(id):]), string(account[:len(id)]) == id && [18]byte(rest) == [18]byte{}
}

// CheckProof returns how the chain would refuse a proof that is handed in on top
// of the terms' block: ErrWrongSigner, ErrStaleProof, ErrReplay, ErrWeakProof,
// ErrWrongSeal, nil for none of them. Work is the hash that the solution's block has
// on the chain, zeros for one that is yet to come. The seal is computed anew, in
// plain Go; nothing that the search says of itself counts.
func (s *Schema) CheckProof(t Terms, signer ss58.AccountID, work substrate.Hash, solution pow.Solution) error {
	return s.named(t.checkProof(signer, work, solution))
}

func (t *Terms) checkProof(signer ss58.AccountID, work substrate.Hash, solution pow.Solution) error {
	coldkey := t.Coldkey
	switch {
	case t.Rule.Signer == ColdkeySigns:
		coldkey = signer // the proof binds whoever signs
	case signer != t.Hotkey && !t.Rule.anySigner:
		return fmt.Errorf("%w: %s is not the hotkey %s", ErrWrongSigner, signer, t.Hotkey)
	}
	next := t.Block + 1 // the block that would execute the call
	switch public := t.Rule.puzzle == puzzlePublic; {
	case solution.Block > next, next-solution.Block > t.Rule.Window, public && (solution.Block == next || work == substrate.Hash{}):
		return fmt.Errorf("%w: of block %d, for block %d", ErrStaleProof, solution.Block, next)
	case t.LastWorkBlock > 0 && solution.Block <= t.LastWorkBlock:
		return fmt.Errorf("%w: %d, now at %d", ErrReplay, t.LastWorkBlock, solution.Block)
	case public && !t.sealed(work, coldkey, solution):
		return ErrWrongSeal
	case !pow.TargetFor(t.Difficulty).Met(solution.Seal, t.Rule.reading):
		return fmt.Errorf("%w: %d", ErrWeakProof, t.Difficulty)
	case !t.sealed(work, coldkey, solution):
		return ErrWrongSeal
	}
	return nil
}

// sealed reports whether a solution's seal is that of its nonce.
func (t *Terms) sealed(work substrate.Hash, coldkey ss58.AccountID, solution pow.Solution) bool {
	return t.Rule.Challenge(t.Netuid, work, t.Hotkey, coldkey).Seal(solution.Nonce) == solution.Seal
}

// batch reads several storage values in one request, of SubtensorModule where no
// other pallet is named.
type batch struct {
	s     *State
	keys  [][]byte
	items []batchItem
	err   error
}

type batchItem struct {
	entry   *metadata.StorageEntry
	name    string // with its pallet
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
	return b.needOf(palletName, out, item, keys...)
}

func (b *batch) needOf(palletName string, out any, item string, keys ...any) *bool {
	present := new(bool)
	if b.err != nil {
		return present
	}
	name := palletName + "." + item
	key, err := b.s.Runtime.StorageKey(palletName, item, keys...)
	if err != nil {
		b.err = fmt.Errorf("storage %s: %w", name, err)
		return present
	}
	pallet, ok := b.s.Runtime.Metadata.Pallet(palletName)
	var entry *metadata.StorageEntry
	if ok {
		entry, ok = pallet.Entry(item)
	}
	if !ok {
		b.err = fmt.Errorf("metadata has no storage %s", name)
		return present
	}
	b.keys = append(b.keys, key)
	b.items = append(b.items, batchItem{entry, name, out, present})
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
	for i, item := range b.items {
		raw := values[i]
		*item.present = raw != nil
		if raw == nil {
			if item.entry.Optional {
				continue
			}
			raw = item.entry.Default
		}
		if err := b.s.Runtime.Codec.Decode(item.entry.Value, raw, item.out); err != nil {
			return fmt.Errorf("storage %s at block %d: %w", item.name, b.s.Number, err)
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
	args := map[string]any{"netuid": netuid, "nonce": solution.Nonce, "hotkey": hotkey}
	if rule.puzzle == puzzlePublic {
		args["work_block"] = solution.Block
		args["work"] = [32]byte(solution.Seal)
	} else {
		args["block_number"] = solution.Block
		args["work"] = solution.Seal[:]
		args["coldkey"] = coldkey
	}
	return s.appendCall(rule.Call, args)
}
