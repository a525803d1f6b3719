package subtensor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// BurnTerms are the terms of registering a hotkey on a subnet for TAO, as of a
// block. Amounts are in rao. The coldkey signs and pays.
type BurnTerms struct {
	// Call is "register_limit", or "burned_register" where the runtime has no
	// register_limit.
	Call string
	// Limited says that the chain itself refuses a price above the limit. Without it
	// the price that is paid may be higher than Price: it is what the subnet asks
	// when the block is made.
	Limited         bool
	Spec            uint32
	Netuid          uint16
	Hotkey, Coldkey ss58.AccountID
	Block           uint64 // that the terms are of
	// Price is what a registration costs in the block after this one, if it is the
	// first there: each one raises the price.
	Price uint64
	// Burned and Locked are its parts: what is gone, and what is locked as the
	// hotkey's collateral, at most: collateral that stands from an earlier
	// registration counts.
	Burned, Locked uint64
	// Fee is for the transaction, whatever becomes of the registration.
	Fee uint64
	// Deposit has to stay with the coldkey, beside what it can spend: Balance.
	Deposit, Balance uint64
	// ThisBlock of PerBlock and ThisInterval of PerInterval registrations are done,
	// as for Terms. Both limits are 0 where there are none: since the price falls
	// with each block (spec 397).
	ThisBlock, PerBlock, ThisInterval, PerInterval uint64
	IntervalEnds                                   uint64
	MaxUIDs                                        uint64
	// Allowed says that the subnet takes such registrations.
	Allowed bool
	Owner   *ss58.AccountID // the coldkey that owns the hotkey, nil for none
	UID     *uint16         // the hotkey's on the subnet, nil for none
}

// Cost returns what leaves the coldkey's balance at most: price and fee.
func (t BurnTerms) Cost() uint64 {
	sum, carry := bits.Add64(t.Price, t.Fee, 0)
	return sum | -carry
}

// BurnTerms reads on what terms a hotkey can register on a subnet for TAO: in one
// request, and another for the fee. The terms are filled as far as they are known
// even where an error says why it is not possible: ErrNoBurn, ErrSubnetNotFound,
// ErrRootSubnet, ErrAlreadyRegistered, ErrBurnDisabled, ErrHotkeyOwnedByAnother,
// ErrNoRoom, ErrSystemAccount, ErrColdkeySwap, ErrTooManyHotkeys, ErrFunds, and those
// that pass by themselves: ErrTooManyThisBlock, ErrTooManyThisInterval.
func (s *State) BurnTerms(ctx context.Context, netuid uint16, hotkey, coldkey ss58.AccountID) (BurnTerms, error) {
	t := BurnTerms{Netuid: netuid, Hotkey: hotkey, Coldkey: coldkey, Block: s.Number, Spec: s.schema.spec}
	var err error
	if t.Call, err = s.schema.burnCall(); err != nil {
		return t, err
	}
	t.Limited = t.Call == registerLimit
	exists, obstacle, err := s.readBurnTerms(ctx, &t)
	if err != nil {
		return t, err
	}
	if !exists {
		return t, s.schema.named(s.notFound(ctx, netuid))
	}
	if err := t.check(obstacle); err != nil {
		return t, s.schema.named(err)
	}
	return t, nil
}

// lastUnlimited is the last spec without register_limit (chain-facts 1.4). That
// metadata lacks the call proves nothing where a node can lie: signatures are bound to
// the spec and not to the metadata.
const lastUnlimited = 394

const (
	registerLimit  = "register_limit"
	burnedRegister = "burned_register"
)

// burnCall returns the name of the call that burns.
func (s *Schema) burnCall() (string, error) {
	refuse := func(format string, args ...any) (string, error) {
		return "", fmt.Errorf("spec %d: %w: %s", s.spec, ErrNoBurn, fmt.Sprintf(format, args...))
	}
	want := []argument{{"netuid", isUint(metadata.U16)}, {"hotkey", isAccount}}
	name := burnedRegister
	if _, _, ok := s.md.Call(palletName, registerLimit); ok {
		name = registerLimit
		want = append(want, argument{"limit_price", isUint(metadata.U64)})
	}
	_, call, ok := s.md.Call(palletName, name)
	switch {
	case !ok:
		return refuse("it has neither %s nor %s", registerLimit, burnedRegister)
	case name == burnedRegister && s.spec > lastUnlimited:
		return refuse("runtimes after spec %d have %s, which its metadata lacks: nothing would hold the price to a limit", lastUnlimited, registerLimit)
	case s.spec < firstOpen:
		return refuse("specs 101 to 110 refuse every registration (RegistrationDisabled)")
	}
	if diff := mismatch(s.md.Types, call.Fields, want); diff != "" {
		return refuse("its call %s is not the one that is known: %s", name, diff)
	}
	return name, nil
}

// check returns why the terms do not admit a registration, if so. What does not
// pass by itself comes first.
func (t *BurnTerms) check(obstacle error) error {
	switch {
	case t.Netuid == 0 && t.Spec >= firstRoot:
		return ErrRootSubnet
	case t.UID != nil:
		return &AlreadyRegisteredError{Netuid: t.Netuid, UID: *t.UID, Hotkey: t.Hotkey, Owner: t.Owner}
	case !t.Allowed:
		return fmt.Errorf("netuid %d: %w", t.Netuid, ErrBurnDisabled)
	case t.Owner != nil && *t.Owner != t.Coldkey:
		return &HotkeyOwnedError{Hotkey: t.Hotkey, Owner: *t.Owner}
	case t.MaxUIDs == 0:
		return fmt.Errorf("netuid %d: %w", t.Netuid, ErrNoRoom)
	case obstacle != nil:
		return obstacle
	case t.Balance < t.Cost():
		return &FundsError{Account: t.Coldkey, Role: ColdkeySigns, Balance: t.Balance, Price: t.Price, Fee: t.Fee, Deposit: t.Deposit}
	case !t.Limited && t.PerBlock == 0:
		return fmt.Errorf("netuid %d: %w: it admits none", t.Netuid, ErrTooManyThisBlock)
	case !t.Limited && t.ThisInterval >= t.PerInterval:
		return fmt.Errorf("netuid %d: %w: %d of %d at block %d", t.Netuid, ErrTooManyThisInterval, t.ThisInterval, t.PerInterval, t.Block)
	}
	return nil
}

// readBurnTerms fills the terms from storage. It reports whether the subnet exists
// and what else stands in the way.
func (s *State) readBurnTerms(ctx context.Context, t *BurnTerms) (exists bool, obstacle, err error) {
	var (
		uid            uint16
		owner          ss58.AccountID
		share          uint16
		halfLife       uint16
		low, high      uint64
		interval, last uint64
		payer          accountInfo
		who            hindrances
		b              = batch{s: s}
	)
	b.need(&exists, "NetworksAdded", t.Netuid)
	hasUID := b.need(&uid, "Uids", t.Netuid, t.Hotkey)
	b.need(&t.Price, "Burn", t.Netuid)
	b.need(&t.MaxUIDs, "MaxAllowedUids", t.Netuid)
	hasOwner := b.need(&owner, "Owner", t.Hotkey)
	b.needOf("System", &payer, "Account", t.Coldkey)
	who.need(&b, t.Netuid, t.Hotkey, t.Coldkey)
	t.Allowed = true
	if b.has("NetworkRegistrationAllowed") { // from 121 or 122 on
		b.need(&t.Allowed, "NetworkRegistrationAllowed", t.Netuid)
	}
	if b.has("CollateralLockShare") { // from 435 on
		b.need(&share, "CollateralLockShare", t.Netuid)
	}
	if b.has("BurnHalfLife") {
		b.need(&halfLife, "BurnHalfLife", t.Netuid)
		b.need(&low, "MinBurn", t.Netuid)
		b.need(&high, "MaxBurn", t.Netuid)
	}
	if !t.Limited {
		b.need(&t.PerBlock, "MaxRegistrationsPerBlock", t.Netuid)
		b.need(&t.ThisBlock, "RegistrationsThisBlock", t.Netuid)
		b.need(&t.ThisInterval, "RegistrationsThisInterval", t.Netuid)
		b.need(&t.PerInterval, "TargetRegistrationsPerInterval", t.Netuid)
		b.need(&interval, "AdjustmentInterval", t.Netuid)
		b.need(&last, "LastAdjustmentBlock", t.Netuid)
	}
	if err := b.read(ctx); err != nil {
		return false, nil, err
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
	if halfLife > 0 {
		t.Price = decayed(t.Price, halfLife)
	}
	if high > 0 {
		t.Price = min(max(t.Price, low), high)
	}
	hi, lo := bits.Mul64(t.Price, uint64(share))
	t.Locked, _ = bits.Div64(hi, lo, math.MaxUint16)
	t.Burned = t.Price - t.Locked
	t.Deposit = s.schema.Deposit()
	account := payer.account()
	t.Balance = account.Spendable(t.Deposit)
	if exists {
		call, err := s.schema.appendBurnCall(*t, math.MaxUint64)
		if err != nil {
			return false, nil, err
		}
		if t.Fee, err = s.callFee(ctx, t.Coldkey, account.Nonce, call); err != nil {
			return false, nil, fmt.Errorf("fee of a registration: %w", err)
		}
	}
	return exists, who.obstacle(t.Owner, t.MaxUIDs), nil
}

// decayed returns the price a block later: it halves in as many blocks. The chain
// multiplies it with a fraction of 32 bits, the greatest whose power is not above a
// half, and rounds each product down (measured on 397 and 425).
func decayed(price uint64, halfLife uint16) uint64 {
	const one = uint64(1) << 32
	times := func(a, b uint64) uint64 {
		hi, lo := bits.Mul64(a, b)
		return hi<<32 | lo>>32
	}
	power := func(f uint64) uint64 {
		p := one
		for n := halfLife; n > 0; n >>= 1 {
			if n&1 == 1 {
				p = times(p, f)
			}
			f = times(f, f)
		}
		return p
	}
	low, high := uint64(0), one // the fraction is at least low and below high
	for low+1 < high {
		if mid := (low + high) / 2; power(mid) > one/2 {
			high = mid
		} else {
			low = mid
		}
	}
	return times(price, low)
}

// BurnCall returns the encoded call that registers for TAO, to be signed by the
// coldkey. Limit is the most that the price may be, in rao: above it the error is a
// *PriceLimitError. register_limit carries it to the chain; burned_register cannot,
// so there the terms must be those of this very block, and another registration
// that comes first still makes it dearer.
func (s *State) BurnCall(terms BurnTerms, limit uint64) ([]byte, error) {
	call, err := s.schema.burnCall()
	switch {
	case err != nil:
		return nil, err
	case call != terms.Call || s.schema.spec != terms.Spec:
		return nil, fmt.Errorf("the terms are of spec %d, the block is of spec %d: read them again", terms.Spec, s.schema.spec)
	case call != registerLimit && terms.Block != s.Number:
		return nil, fmt.Errorf("the price is that of block %d, now it is block %d: read it again", terms.Block, s.Number)
	case terms.Price > limit:
		return nil, s.schema.named(&PriceLimitError{Netuid: terms.Netuid, Price: terms.Price, Limit: limit})
	}
	return s.schema.appendBurnCall(terms, limit)
}

func (s *Schema) appendBurnCall(terms BurnTerms, limit uint64) ([]byte, error) {
	args := map[string]any{"netuid": terms.Netuid, "hotkey": terms.Hotkey}
	if terms.Call == registerLimit {
		args["limit_price"] = limit
	}
	return s.appendCall(terms.Call, args)
}

// appendCall encodes a call of SubtensorModule.
func (s *Schema) appendCall(name string, args map[string]any) ([]byte, error) {
	pallet, call, ok := s.md.Call(palletName, name)
	if !ok {
		return nil, fmt.Errorf("metadata has no call %s.%s", palletName, name)
	}
	return s.types.AppendFields([]byte{pallet.Index, call.Index}, call.Fields, args)
}

// Sign builds a transaction for a call and signs it, as substrate.State.Sign does.
// It refuses (ErrUnsafe) the call register, also within other calls, where the
// runtime does not take it for a proof of work: there it burns TAO, or what it does
// is not known. Who wants to burn calls for it by its name: see State.BurnCall.
func (s *State) Sign(ctx context.Context, signer substrate.Signer, call []byte, opts substrate.SignOptions) ([]byte, error) {
	if err := s.schema.guard(call); err != nil {
		if !errors.Is(err, ErrUnsafe) {
			err = fmt.Errorf("nothing is signed: %w", err)
		}
		return nil, err
	}
	return s.State.Sign(ctx, signer, call, opts)
}

// Submit hands a transaction to the node, as substrate.Client.Submit does, once it
// has passed what State.Sign asks of calls: by the runtime of the newest block that
// the client has seen. What cannot be read is not handed in. That runtime also tells
// Describe what the code of a *substrate.PoolError stands for.
func (c *Client) Submit(ctx context.Context, xt []byte) (*substrate.Submission, error) {
	sub, err := c.Client.Submit(ctx, xt) // which asks checkTransaction
	var pool *substrate.PoolError
	if errors.As(err, &pool) {
		if head, unread := c.newestSeen(ctx); unread == nil {
			err = &refusedError{err, head.schema.spec}
		}
	}
	return sub, err
}

// checkTransaction is the guard of what is submitted by the connection, whichever
// way that is reached.
func (c *Client) checkTransaction(ctx context.Context, xt []byte) error {
	head, err := c.newestSeen(ctx)
	if err != nil {
		return fmt.Errorf("nothing was submitted: %w", err)
	}
	call, err := head.Runtime.CallOf(xt)
	if err == nil {
		err = head.schema.guard(call)
	}
	if err != nil && !errors.Is(err, ErrUnsafe) {
		return fmt.Errorf("nothing was submitted: %w", err)
	}
	return err
}

// newestSeen returns the newest state that the client has made, or the head's
// where it has made none.
func (c *Client) newestSeen(ctx context.Context) (*State, error) {
	c.mu.Lock()
	head := c.head
	c.mu.Unlock()
	if head == nil {
		return c.AtHead(ctx)
	}
	return head, nil
}

// guard returns why a call must be neither signed nor submitted.
func (s *Schema) guard(call []byte) error {
	in := scale.NewReader(call)
	v, err := s.types.Value(s.md.Extrinsic.Call, in)
	if err == nil {
		err = in.Finish()
	}
	if err != nil {
		return fmt.Errorf("the call is none of the runtime's: %w", err)
	}
	if !calls(v, "register") {
		return nil
	}
	rule, err := s.PowRule()
	if err == nil && rule.Call != "register" {
		err = &UnsafeError{Spec: s.spec, Reason: "its call register ignores the proof and burns TAO; proofs go to " + rule.Call}
	}
	return err
}

// calls reports whether a value of the chain is or holds a call of SubtensorModule.
func calls(v any, name string) bool {
	switch v := v.(type) {
	case *codec.Variant:
		if len(v.Fields) == 1 && v.Name == palletName {
			if inner, ok := v.Fields[0].Value.(*codec.Variant); ok && inner.Name == name {
				return true
			}
		}
		return calls(&v.Record, name)
	case *codec.Record:
		for _, f := range v.Fields {
			if calls(f.Value, name) {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if calls(item, name) {
				return true
			}
		}
	}
	return false
}
