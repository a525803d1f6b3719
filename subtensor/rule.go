package subtensor

import (
	"fmt"
	"slices"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// Signer says which key signs a registration.
type Signer uint8

// The keys that sign.
const (
	HotkeySigns  Signer = iota // the classic call: the hotkey, which pays the fee where there is one
	ColdkeySigns               // pow_register: the coldkey, which the proof binds
)

// String returns "hotkey" or "coldkey".
func (s Signer) String() string {
	if s == ColdkeySigns {
		return "coldkey"
	}
	return "hotkey"
}

// puzzle is what is hashed to a seal.
type puzzle uint8

const (
	puzzleGenesis puzzle = iota // nonce, block
	puzzleClassic               // nonce, hash of block and hotkey
	puzzleFaucet                // nonce, hash of block and coldkey
	puzzlePublic                // domain, netuid, block, hotkey, coldkey, nonce
)

// Rule says how a neuron is registered with proof of work on one runtime, or how
// its faucet is drawn from: which puzzle, which call, who signs. Only [NewRule] and
// [NewFaucetRule] make one, and only where the rule is known.
type Rule struct {
	// Call is the call of SubtensorModule that takes the proof: "register",
	// "pow_register" or "faucet".
	Call string
	// Signer is the key that must sign it.
	Signer Signer
	// Window is how many blocks after the work block the proof is accepted in:
	// 2 for the classic puzzle and the faucet, 5 for today's.
	Window uint64
	// PaysFee says that the signer pays a transaction fee even where the
	// registration fails. From spec 302 to 394 it must also keep the existential
	// deposit of 500 rao; pow_register is free.
	PaysFee bool
	// Spec is the runtime that the rule is for.
	Spec uint32

	puzzle    puzzle
	nonce     pow.Order
	reading   pow.Order
	anySigner bool // the call does not look at who signs it
}

// Reading returns the byte order in which the runtime reads seals.
func (r Rule) Reading() pow.Order { return r.reading }

// Challenge returns the puzzle for a work block. The classic puzzle binds the
// block and (from spec 118 on) the hotkey, today's also the subnet and the
// coldkey, the faucet's the coldkey in place of the hotkey.
func (r Rule) Challenge(netuid uint16, block substrate.Hash, hotkey, coldkey ss58.AccountID) pow.Challenge {
	switch r.puzzle {
	case puzzlePublic:
		return pow.Public(netuid, block, hotkey, coldkey)
	case puzzleGenesis:
		return pow.Genesis(block)
	case puzzleFaucet:
		return pow.Classic(block, coldkey, r.nonce, r.reading)
	}
	return pow.Classic(block, hotkey, r.nonce, r.reading)
}

// Fresh reports whether a proof for a work block can still be accepted in the
// block after head.
func (r Rule) Fresh(work, head uint64) bool { return work <= head && head-work < r.Window }

// The windows of the puzzles.
const (
	classicWindow = 2 // current - block < 3, and age 0 cannot be met
	publicWindow  = 5
)

// The specs that bound what the table of eras does not say.
const (
	firstOpen = 111 // before, every registration is refused
	firstRoot = 133 // subnets v2: netuid 0 is the root
)

// classicEra is what holds for the classic puzzle in a range of specs.
type classicEra struct {
	first     uint32 // up to the next row's
	refused   string // why no proof is made for register, "" where it is
	name      string // with which the runtime refuses it, "" for none
	puzzle    puzzle
	nonce     pow.Order
	reading   pow.Order
	anySigner bool
	paysFee   bool
	unread    bool // which way seals are read is not known: no faucet either
}

// The table of eras, by subtensor's history of pallets/subtensor/src/registration.rs
// along main (chain-facts 1.1 to 1.4). Today's puzzle is not in it: a call of its
// own shows it, whatever the number.
var classicEras = []classicEra{
	{first: 0, refused: "it is older than any runtime of the public chain: which puzzle it sets is not known", unread: true},
	// 45fce5484
	{first: 101, refused: "specs 101 to 110 refuse every registration", name: "RegistrationDisabled", unread: true},
	// 3acf660ae
	{first: 111, puzzle: puzzleGenesis, reading: pow.BigEndian, anySigner: true},
	// e62c18551: the hotkey is hashed
	{first: 118, puzzle: puzzleClassic, reading: pow.BigEndian, anySigner: true},
	// 5ed0d505c: the hotkey must sign; builds of 120 without it take it as well
	{first: 120, puzzle: puzzleClassic, reading: pow.BigEndian},
	// 65d8367a6: v1.0.0 and v1.0.1
	{first: 149, puzzle: puzzleClassic, nonce: pow.BigEndian, reading: pow.BigEndian},
	// 703bdbd17: v1.1.1
	{first: 151, puzzle: puzzleClassic, reading: pow.BigEndian},
	// aedad2e8e was merged somewhere in between, and nothing in the metadata shows it
	{first: 278, refused: "development builds numbered 278 to 282 read seals in either byte order", unread: true},
	// v3.1.6
	{first: 283, puzzle: puzzleClassic, reading: pow.LittleEndian},
	// 67c7ac692
	{first: 302, puzzle: puzzleClassic, reading: pow.LittleEndian, paysFee: true},
	// 394 is f65a8a3b0; then came 0fadfcb69. The faucet goes on.
	{first: 395, refused: "after spec 394 the call register ignores the proof and burns TAO", puzzle: puzzleClassic, reading: pow.LittleEndian},
}

// classicEraOf returns the row of a spec.
func classicEraOf(spec uint32) classicEra {
	row := classicEras[0]
	for _, r := range classicEras {
		if r.first <= spec {
			row = r
		}
	}
	return row
}

// NewRule returns the rule of a runtime. It denies by default: anything but a
// known rule is an error that wraps ErrUnsafe and says why, except metadata of
// another chain (ErrNotSubtensor).
//
// Today's rule is known by the call pow_register, its arguments' names and types,
// and the storage LastPowRegistrationBlock. The classic rule holds for specs 111
// to 394 whose metadata shows no sign of the later burn (the call register_limit,
// the storage BurnHalfLife).
func NewRule(md *metadata.Metadata, spec uint32) (Rule, error) {
	pallet, ok := md.Pallet(palletName)
	if !ok {
		return Rule{}, ErrNotSubtensor
	}
	if _, call, ok := md.Call(palletName, "pow_register"); ok {
		return publicRule(md, pallet, call, spec)
	}
	return classicRule(md, pallet, spec)
}

func publicRule(md *metadata.Metadata, pallet *metadata.Pallet, call *metadata.VariantDef, spec uint32) (Rule, error) {
	if diff := mismatch(md.Types, call.Fields, []argument{
		{"netuid", isUint(metadata.U16)},
		{"work_block", isUint(metadata.U64)},
		{"nonce", isUint(metadata.U64)},
		{"work", isHash},
		{"hotkey", isAccount},
	}); diff != "" {
		return Rule{}, &UnsafeError{Spec: spec, Reason: "its call pow_register is not the one that is known: " + diff}
	}
	if _, ok := pallet.Entry("LastPowRegistrationBlock"); !ok {
		return Rule{}, &UnsafeError{Spec: spec, Reason: "it has the call pow_register without the storage LastPowRegistrationBlock"}
	}
	return Rule{
		Call: "pow_register", Signer: ColdkeySigns, Window: publicWindow, Spec: spec,
		puzzle: puzzlePublic, nonce: pow.LittleEndian, reading: pow.LittleEndian,
	}, nil
}

func classicRule(md *metadata.Metadata, pallet *metadata.Pallet, spec uint32) (Rule, error) {
	refuse := func(format string, args ...any) (Rule, error) {
		return Rule{}, &UnsafeError{Spec: spec, Reason: fmt.Sprintf(format, args...)}
	}
	_, call, ok := md.Call(palletName, "register")
	if !ok {
		return refuse("it has neither the call pow_register nor the call register")
	}
	_, _, limit := md.Call(palletName, "register_limit")
	_, halfLife := pallet.Entry("BurnHalfLife")
	row := classicEraOf(spec)
	switch {
	case limit || halfLife:
		return refuse("its call register ignores the proof and burns TAO")
	case row.name != "":
		return Rule{}, &namedError{&UnsafeError{Spec: spec, Reason: row.refused}, row.name}
	case row.refused != "":
		return refuse("%s", row.refused)
	}
	if diff := mismatch(md.Types, call.Fields, []argument{
		{"netuid", isUint(metadata.U16)},
		{"block_number", isUint(metadata.U64)},
		{"nonce", isUint(metadata.U64)},
		{"work", isBytes},
		{"hotkey", isAccount},
		{"coldkey", isAccount},
	}); diff != "" {
		return refuse("its call register is not the one that is known: %s", diff)
	}
	return Rule{
		Call: "register", Signer: HotkeySigns, Window: classicWindow, PaysFee: row.paysFee, Spec: spec,
		puzzle: row.puzzle, nonce: row.nonce, reading: row.reading, anySigner: row.anySigner,
	}, nil
}

// argument is what a call's argument must look like.
type argument struct {
	name string
	is   func(*metadata.Registry, metadata.TypeID) bool
}

// mismatch says in what a call's arguments differ from those wanted, "" for
// nothing.
func mismatch(types *metadata.Registry, fields []metadata.Field, want []argument) string {
	if len(fields) != len(want) {
		return fmt.Sprintf("it takes %d arguments, not %d", len(fields), len(want))
	}
	for i, w := range want {
		if fields[i].Name != w.name {
			return fmt.Sprintf("its argument %d is %q, not %q", i, fields[i].Name, w.name)
		}
		if !w.is(types, fields[i].Type) {
			return fmt.Sprintf("its argument %q has another type", w.name)
		}
	}
	return ""
}

// isUint accepts an integer of a width, also inside newtypes such as NetUid.
func isUint(kind metadata.PrimitiveKind) func(*metadata.Registry, metadata.TypeID) bool {
	return func(types *metadata.Registry, id metadata.TypeID) bool {
		t := types.Type(types.Unwrap(id))
		return t != nil && t.Kind == metadata.Primitive && t.Primitive == kind
	}
}

// isHash accepts 32 bytes that are no account.
func isHash(types *metadata.Registry, id metadata.TypeID) bool {
	return is32Bytes(types, id) && !namesAccount(types, id)
}

// isAccount accepts an AccountId32.
func isAccount(types *metadata.Registry, id metadata.TypeID) bool {
	return is32Bytes(types, id) && namesAccount(types, id)
}

func namesAccount(types *metadata.Registry, id metadata.TypeID) bool {
	t := types.Type(id)
	return t != nil && slices.Contains([]string{"AccountId32", "AccountId"}, last(t.Path))
}

func last(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return path[len(path)-1]
}

func is32Bytes(types *metadata.Registry, id metadata.TypeID) bool {
	t := types.Type(types.Unwrap(id))
	if t == nil || t.Kind != metadata.Array || t.Len != 32 {
		return false
	}
	e := types.Type(t.Elem)
	return e != nil && e.Kind == metadata.Primitive && e.Primitive == metadata.U8
}
