package subtensor

import (
	"context"
	"fmt"
	"math"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// faucetCall is the faucet's call.
const faucetCall = "faucet"

// faucetDifficulty is what the faucet asks for. Fast builds of 210 to 219 ask for
// less, which this meets too.
const faucetDifficulty = 1_000_000

// NewFaucetRule returns the rule of a runtime's faucet, which gives a coldkey TAO
// for a proof of work. The error wraps ErrNoFaucet where the runtime has none, or
// none whose puzzle is known.
//
// The call is in metadata from spec 135 to 364, where most builds answer
// FaucetDisabled, and from 365 on only in builds that have the faucet. A refused
// draw costs nothing.
func NewFaucetRule(md *metadata.Metadata, spec uint32) (Rule, error) {
	refuse := func(why string) (Rule, error) {
		return Rule{}, fmt.Errorf("spec %d: %w: %s", spec, ErrNoFaucet, why)
	}
	if _, ok := md.Pallet(palletName); !ok {
		return Rule{}, ErrNotSubtensor
	}
	_, call, ok := md.Call(palletName, faucetCall)
	if !ok {
		return refuse("its metadata has no call faucet")
	}
	row := classicEraOf(spec)
	switch {
	case row.unread:
		return refuse(row.refused)
	case row.puzzle != puzzleClassic:
		return refuse("the puzzle of so old a faucet is not known")
	}
	if diff := mismatch(md.Types, call.Fields, []argument{
		{"block_number", isUint(metadata.U64)},
		{"nonce", isUint(metadata.U64)},
		{"work", isBytes},
	}); diff != "" {
		return refuse("its call faucet is not the one that is known: " + diff)
	}
	return Rule{
		Call: faucetCall, Signer: ColdkeySigns, Window: classicWindow, Spec: spec,
		puzzle: puzzleFaucet, nonce: row.nonce, reading: row.reading,
	}, nil
}

// FaucetRule returns the rule of the runtime's faucet; see NewFaucetRule.
func (s *Schema) FaucetRule() (Rule, error) { return NewFaucetRule(s.md, s.spec) }

// FaucetRule returns the rule of the faucet of the block's runtime; see
// NewFaucetRule.
func (s *State) FaucetRule() (Rule, error) { return s.schema.FaucetRule() }

// FaucetTerms returns on what terms a coldkey can draw from the faucet, in the
// form of those of a registration, of which Rule, Coldkey, Block, Difficulty and
// Balance count. Balance is what the coldkey can spend now.
func (s *State) FaucetTerms(ctx context.Context, coldkey ss58.AccountID) (Terms, error) {
	t := Terms{
		Hotkey: coldkey, Coldkey: coldkey, Block: s.Number,
		Difficulty: faucetDifficulty, Stored: faucetDifficulty, MaxDifficulty: math.MaxUint64, PowAllowed: true,
	}
	var err error
	if t.Rule, err = s.FaucetRule(); err != nil {
		return t, err
	}
	account, err := s.Account(ctx, coldkey)
	if err != nil {
		return t, err
	}
	t.Balance = account.Spendable(0)
	return t, nil
}

// FaucetCall returns the encoded call that hands a proof to the faucet, to be signed
// by the coldkey. It refuses a rule that is not this runtime's.
func (s *State) FaucetCall(rule Rule, solution pow.Solution) ([]byte, error) {
	return s.schema.FaucetCall(rule, solution)
}

// FaucetCall returns the encoded call that hands a proof to the faucet.
func (s *Schema) FaucetCall(rule Rule, solution pow.Solution) ([]byte, error) {
	own, err := s.FaucetRule()
	if err != nil {
		return nil, err
	}
	if own.Spec = rule.Spec; own != rule {
		return nil, fmt.Errorf("the proof was made by the rule of the call %s of spec %d, not by that of this runtime's faucet, spec %d", rule.Call, rule.Spec, s.spec)
	}
	return s.appendCall(faucetCall, map[string]any{"block_number": solution.Block, "nonce": solution.Nonce, "work": solution.Seal[:]})
}
