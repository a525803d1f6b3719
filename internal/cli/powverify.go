package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
)

const verifyLong = `Say whether a nonce solves a puzzle, and why: its seal, the number that the seal is
read as, the largest number that would do (the target), and the largest difficulty
that the seal meets.

With --seal as well, the seal must be the nonce's, as the chain wants it. With
--seal alone only its difficulty is checked: the flags of the puzzle but --rule and
--difficulty are not needed, and whether any nonce has this seal is not known.

The exit code is 0 for yes, 1 for no and 2 where a flag is missing or wrong.

` + rulesText

// verifyResult is the document of bt pow verify --json.
type verifyResult struct {
	Valid  bool   `json:"valid"`
	Reason string `json:"reason"`
	puzzleResult
	Nonce   *uint64 `json:"nonce,omitempty"`
	Seal    string  `json:"seal"`
	Given   string  `json:"seal_given,omitempty"` // where it is another one
	Reading string  `json:"seal_reading"`         // the byte order in which the chain reads it
	Number  string  `json:"seal_number"`          // what it is read as
	Target  string  `json:"target"`               // the largest number that does
	Met     uint64  `json:"difficulty_met"`       // the largest that the seal meets, at most 2^64-1
}

func (a *app) powVerify() *cobra.Command {
	var (
		puzzle puzzleFlags
		nonce  uintValue
		seal   hashValue
	)
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Say whether a nonce solves a puzzle, and why",
		Long:  verifyLong,
		Example: `  bt pow verify --netuid 1 --block-hash 0x… --hotkey 5… --coldkey 5… --difficulty 10000000 --nonce 12345
  bt pow verify --rule classic --difficulty 10000000 --seal 0x…`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := puzzle.needDifficulty(cmd); err != nil {
				return err
			}
			withSeal := cmd.Flags().Changed("seal")
			switch {
			case nonce.set:
				c, err := puzzle.challenge(cmd)
				if err != nil {
					return err
				}
				r := newVerifyResult(puzzle.result(), c.Seal(nonce.n), c.Reading())
				r.Nonce = &nonce.n
				if given := pow.Seal(seal.Hash); withSeal && given.String() != r.Seal {
					r.Valid, r.Given = false, given.String()
					r.Reason = "the seal given is not that of the nonce"
				}
				return a.printVerified(r)
			case withSeal:
				what := puzzleResult{Rule: puzzle.rule.name, Difficulty: puzzle.difficulty.n}
				return a.printVerified(newVerifyResult(what, pow.Seal(seal.Hash), puzzle.rule.make(&puzzle).Reading()))
			}
			return usage(cmd.CommandPath()+" --help", "what is to be checked? --nonce or --seal names it")
		},
	}
	puzzle.add(cmd)
	cmd.Flags().Var(&nonce, "nonce", "the nonce to check")
	cmd.Flags().Var(&seal, "seal", "the seal to check")
	return cmd
}

func newVerifyResult(puzzle puzzleResult, seal pow.Seal, reading pow.Order) verifyResult {
	target := pow.TargetFor(puzzle.Difficulty)
	r := verifyResult{
		puzzleResult: puzzle, Valid: target.Met(seal, reading), Seal: seal.String(), Reading: reading.String(),
		Number: sealNumber(seal, reading), Target: target.String(), Met: seal.Difficulty(reading),
	}
	relation := "is not above"
	if !r.Valid {
		relation = "is above"
	}
	r.Reason = fmt.Sprintf("the seal's number %s the target of difficulty %s", relation, thousands(puzzle.Difficulty))
	return r
}

// sealNumber writes what a seal is read as.
func sealNumber(seal pow.Seal, reading pow.Order) string {
	if reading == pow.LittleEndian {
		for i, j := 0, len(seal)-1; i < j; i, j = i+1, j-1 {
			seal[i], seal[j] = seal[j], seal[i]
		}
	}
	return substrate.Hash(seal).String()
}

func (a *app) printVerified(r verifyResult) error {
	var err error
	if a.json {
		err = a.printJSON(r)
	} else {
		err = a.print("%s", r.text())
	}
	if err != nil || r.Valid {
		return err
	}
	no := errors.New("not a proof: " + r.Reason)
	if r.Given == "" {
		return &codedError{err: no, code: exitError, try: fmt.Sprintf("--difficulty %d is the most that this seal meets", r.Met)}
	}
	return &codedError{err: no, code: exitError, try: "check --rule, --block-hash and the keys: the nonce's seal depends on each"}
}

// text is the result for people.
func (r verifyResult) text() string {
	answer := "yes"
	if !r.Valid {
		answer = "no"
	}
	met := thousands(r.Met)
	if r.Met == 1<<64-1 {
		met += " or more"
	}
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s"+format+"\n", append([]any{name}, args...)...)
	}
	line(answer, "%s", r.Reason)
	if r.Nonce != nil {
		line("nonce", "%d", *r.Nonce)
	}
	line("seal", "%s", r.Seal)
	if r.Given != "" {
		line("given", "%s", r.Given)
	}
	line("number", "%s (the seal, read %s)", r.Number, r.Reading)
	line("target", "%s (the most at difficulty %s)", r.Target, thousands(r.Difficulty))
	line("meets", "difficulty %s", met)
	return b.String()
}
