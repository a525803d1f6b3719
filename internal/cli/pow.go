package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/ss58"
)

const powLong = `Measure engines, solve a puzzle and check a proof, all without a node and without
a wallet.

A seal is keccak256(sha256(message)). The message holds the nonce, and what else
the rule names. A seal meets a difficulty where the seal, read as a number of 256
bits, times the difficulty does not overflow.

` + rulesText

const rulesText = `The rules, with the runtimes that set them (spec_version) and the flags they need
besides --difficulty:

  public               475 on, today's: domain, netuid, block, hotkey, coldkey,
                       nonce; --block-hash --hotkey --coldkey --netuid
  classic              283 to 394: nonce, keccak256(block, hotkey); --block-hash
                       --hotkey (the faucet binds the coldkey: name it there)
  classic-big-reading  118 to 277: the same, the seal is read big-endian
  classic-big-nonce    149 and 150: the nonce is big-endian too
  genesis              111 to 117: nonce, block, the seal is read big-endian;
                       --block-hash

Integers and seals are little-endian where nothing else is said. Flags that a rule
does not need may be given and change nothing.`

// powRule is a puzzle by its name.
type powRule struct {
	name  string
	binds []string // flags besides --block-hash that are part of the message
	make  func(*puzzleFlags) pow.Challenge
}

// powRules are the puzzles, today's first.
var powRules = []powRule{
	{"public", []string{"hotkey", "coldkey", "netuid"}, func(f *puzzleFlags) pow.Challenge {
		return pow.Public(f.netuid.n, f.block.Hash, f.hotkey.AccountID, f.coldkey.AccountID)
	}},
	classicRule("classic", pow.LittleEndian, pow.LittleEndian),
	classicRule("classic-big-reading", pow.LittleEndian, pow.BigEndian),
	classicRule("classic-big-nonce", pow.BigEndian, pow.BigEndian),
	{"genesis", nil, func(f *puzzleFlags) pow.Challenge { return pow.Genesis(f.block.Hash) }},
}

func classicRule(name string, nonce, reading pow.Order) powRule {
	return powRule{name, []string{"hotkey"}, func(f *puzzleFlags) pow.Challenge {
		return pow.Classic(f.block.Hash, f.hotkey.AccountID, nonce, reading)
	}}
}

func powRuleNames() []string {
	names := make([]string, len(powRules))
	for i, r := range powRules {
		names[i] = r.name
	}
	return names
}

func (a *app) pow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pow [command]",
		Short: "Measure, solve and check proofs of work without a node",
		Long:  powLong,
		RunE:  group,
		Args:  cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.powBench(), a.powSolve(), a.powVerify())
	return cmd
}

// puzzleFlags are the flags that name a puzzle.
type puzzleFlags struct {
	rule            ruleValue
	block           hashValue
	hotkey, coldkey accountValue
	netuid          netuidValue
	difficulty      uintValue
}

func ruleFlag(cmd *cobra.Command, v *ruleValue) {
	v.powRule = powRules[0]
	cmd.Flags().Var(v, "rule", "the puzzle: "+strings.Join(powRuleNames(), ", "))
	complete(cmd, "rule", powRuleNames)
}

func (f *puzzleFlags) add(cmd *cobra.Command) {
	ruleFlag(cmd, &f.rule)
	cmd.Flags().Var(&f.block, "block-hash", "hash of the work block, 0x and 64 digits")
	cmd.Flags().Var(&f.hotkey, "hotkey", "the hotkey's address, or its public key with 0x")
	cmd.Flags().Var(&f.coldkey, "coldkey", "the coldkey's address, or its public key with 0x")
	cmd.Flags().Var(&f.netuid, "netuid", "the subnet's number")
	cmd.Flags().Var(&f.difficulty, "difficulty", "what the seal must meet")
}

// challenge returns the puzzle that the flags name. The error says which flag is
// missing.
func (f *puzzleFlags) challenge(cmd *cobra.Command) (pow.Challenge, error) {
	for _, flag := range append([]string{"block-hash"}, f.rule.binds...) {
		if !cmd.Flags().Changed(flag) {
			return pow.Challenge{}, usage(cmd.CommandPath()+" --help", "the puzzle %s binds what --%s says, which is not given", f.rule.name, flag)
		}
	}
	return f.rule.make(f), nil
}

// needDifficulty returns an error where no difficulty is given.
func (f *puzzleFlags) needDifficulty(cmd *cobra.Command) error {
	if !f.difficulty.set {
		return usage(cmd.CommandPath()+" --help", "how hard? --difficulty says what the seal must meet")
	}
	return nil
}

// puzzleResult is the part of documents that says what was to be solved. What the
// puzzle does not bind is absent.
type puzzleResult struct {
	Rule      string          `json:"rule"`
	BlockHash *substrate.Hash `json:"block_hash,omitempty"`
	Hotkey    *ss58.AccountID `json:"hotkey,omitempty"`
	Coldkey   *ss58.AccountID `json:"coldkey,omitempty"`
	Netuid    *uint16         `json:"netuid,omitempty"`

	Difficulty uint64 `json:"difficulty"`
}

func (f *puzzleFlags) result() puzzleResult {
	r := puzzleResult{Rule: f.rule.name, Difficulty: f.difficulty.n, BlockHash: &f.block.Hash}
	if slices.Contains(f.rule.binds, "hotkey") {
		r.Hotkey = &f.hotkey.AccountID
	}
	if slices.Contains(f.rule.binds, "coldkey") {
		r.Coldkey = &f.coldkey.AccountID
	}
	if slices.Contains(f.rule.binds, "netuid") {
		r.Netuid = &f.netuid.n
	}
	return r
}

// ruleValue is a flag that names a puzzle.
type ruleValue struct{ powRule }

func (v *ruleValue) Type() string   { return "NAME" }
func (v *ruleValue) String() string { return v.name }

func (v *ruleValue) Set(s string) error {
	for _, r := range powRules {
		if r.name == s {
			v.powRule = r
			return nil
		}
	}
	return errors.New("the rules are " + strings.Join(powRuleNames(), ", "))
}

// hashValue is a flag that holds a hash.
type hashValue struct{ substrate.Hash }

func (v *hashValue) Type() string { return "HASH" }

func (v *hashValue) String() string {
	if v.Hash == (substrate.Hash{}) {
		return "" // no default
	}
	return v.Hash.String()
}

func (v *hashValue) Set(s string) error { return v.UnmarshalText([]byte(s)) }

// accountValue is a flag that holds an address.
type accountValue struct{ ss58.AccountID }

func (v *accountValue) Type() string { return "ADDRESS" }

func (v *accountValue) String() string {
	if v.AccountID == (ss58.AccountID{}) {
		return "" // no default
	}
	return v.AccountID.String()
}

func (v *accountValue) Set(s string) error { return v.UnmarshalText([]byte(s)) }

// uintValue is a flag without a default.
type uintValue struct {
	n   uint64
	set bool
}

func (v *uintValue) Type() string { return "N" }

func (v *uintValue) String() string {
	if !v.set {
		return ""
	}
	return strconv.FormatUint(v.n, 10)
}

func (v *uintValue) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return fmt.Errorf("a number from 0 to %d is wanted", uint64(1<<64-1))
	}
	v.n, v.set = n, true
	return nil
}
