package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/subtensor"
)

// burnFlags are the flags of the one act that burns TAO.
type burnFlags struct {
	burn, yes bool
	limit     taoValue
}

func (f *burnFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.burn, "burn", false, "pay TAO instead of a proof of work; needs --limit")
	cmd.Flags().Var(&f.limit, "limit", "with --burn, the most that the price may be, in TAO; the fee comes on top")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "with --burn, do not ask")
}

func (f *burnFlags) check(cmd *cobra.Command) error {
	try := cmd.CommandPath() + " --burn --limit 0.5"
	flag := func(name string) bool { return cmd.Flags().Lookup(name).Value.String() == "true" }
	without := !flag("pow") || flag("no-pow")
	switch {
	case without && !f.burn:
		return usage(try, "without a proof of work a registration costs TAO: --burn and --limit say so")
	case f.burn && !without && cmd.Flags().Changed("pow"):
		return usage(try, "--burn pays for what --pow works for: give one of them")
	case f.burn && !f.limit.set:
		return usage(try, "--burn pays TAO: --limit says how much at most")
	case f.burn && f.limit.rao == 0:
		return usage(try, "--limit 0: that buys nothing")
	case !f.burn && f.limit.set:
		return usage(try, "--limit is for --burn; a proof of work costs no TAO but, on older chains, a fee")
	}
	return nil
}

// taoValue is a flag that holds an amount of TAO.
type taoValue struct {
	rao uint64
	set bool
}

func (v *taoValue) Type() string { return "TAO" }

func (v *taoValue) String() string {
	if !v.set {
		return "" // no default
	}
	return tao(v.rao, 9)
}

func (v *taoValue) Set(s string) error {
	rao, err := parseTAO(s)
	if err != nil {
		return err
	}
	v.rao, v.set = rao, true
	return nil
}

// parseTAO reads an amount of TAO to the rao: nothing is rounded.
func parseTAO(s string) (uint64, error) {
	bad := fmt.Errorf("%q is no amount of TAO: 2 and 0.000000001 are", s)
	whole, part, point := strings.Cut(s, ".")
	if strings.Trim(whole+part, "0123456789") != "" || whole == "" || point && part == "" {
		return 0, bad
	}
	if len(part) > 9 {
		return 0, fmt.Errorf("%q has more than nine decimals: 1 rao is 0.000000001 TAO", s)
	}
	n, err := strconv.ParseUint(whole+part+strings.Repeat("0", 9-len(part)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is more TAO than there can be: the most is %s", s, tao(math.MaxUint64, 9))
	}
	return n, nil
}

// burnResult is what the document of bt register --burn --json has besides, in rao.
type burnResult struct {
	Limit  uint64 `json:"limit_rao"`
	Price  uint64 `json:"price_rao"` // at the block that it was signed for
	Burned uint64 `json:"burned_rao"`
	Locked uint64 `json:"locked_rao"`
	Fee    uint64 `json:"fee_rao"`
	Paid   uint64 `json:"paid_rao,omitempty"` // what left the free balance, absent where the node did not tell
}

// burn registers for TAO.
func (a *app) burn(ctx context.Context, c *subtensor.Client, netuid uint16, keys registration.Keys, flags burnFlags) error {
	view := a.reporter("", &netuid, false)
	defer view.view.Clear()
	result, err := registration.Burn(ctx, c, netuid, keys, registration.BurnOptions{
		Limit:    flags.limit.rao,
		Confirm:  func(t subtensor.BurnTerms) error { return a.confirmBurn(ctx, t, flags) },
		Progress: view.progress,
	})
	view.view.Clear()
	if already, err := a.alreadyRegistered(c, netuid, keys, err); already {
		return err
	}
	if err != nil {
		return burnError(err)
	}
	t := result.Terms
	r := registerResult{
		Network: c.Network.Name, Endpoint: c.Network.Public(), Netuid: netuid, UID: result.UID, Hotkey: keys.Hotkey.String(), Coldkey: keys.Coldkey.String(),
		Block: result.Block.Number, BlockHash: &result.Block.Hash, Call: t.Call,
		burnResult: &burnResult{flags.limit.rao, t.Price, t.Burned, t.Locked, t.Fee, result.Paid},
	}
	if a.json {
		return a.printJSON(r)
	}
	if err := a.printRegistered(r); err != nil {
		return err
	}
	if result.Paid > 0 {
		if err := a.print("paid        %s TAO\n", tao(result.Paid, 9)); err != nil {
			return err
		}
	}
	a.message("see it with: %s metagraph %d --network %s", a.program, netuid, c.Network.Public())
	return nil
}

// burnError makes a price that the user did not agree to exit with 6.
func burnError(err error) error {
	if errors.Is(err, subtensor.ErrPriceLimit) {
		return &codedError{err: err, code: exitUnsafe, try: remedy(err)}
	}
	return err
}

// burnLines say what a registration costs.
func burnLines(t subtensor.BurnTerms, limit uint64) []string {
	lines := []string{
		fmt.Sprintf("a registration on netuid %d costs %s TAO at block %d: %s are burned", t.Netuid, tao(t.Price, 9), t.Block, tao(t.Burned, 9)),
		fmt.Sprintf("the fee is %s TAO, also where it fails; coldkey %s can spend %s", tao(t.Fee, 9), t.Coldkey, tao(t.Balance, 9)),
		fmt.Sprintf("the price may be at most %s TAO, and the fee comes on top; hotkey %s", tao(limit, 9), t.Hotkey),
	}
	if t.Locked > 0 {
		lines[0] += fmt.Sprintf(", %s are locked as the hotkey's collateral", tao(t.Locked, 9))
	}
	if !t.Limited {
		lines = append(lines, fmt.Sprintf("this chain's %s knows no limit: a registration that comes before this one raises what is paid", t.Call))
	}
	return lines
}

// confirmBurn shows the terms and returns nil where the user agrees to them.
func (a *app) confirmBurn(ctx context.Context, t subtensor.BurnTerms, flags burnFlags) error {
	if flags.yes {
		for _, l := range burnLines(t, flags.limit.rao) {
			a.message("%s", l)
		}
		return nil
	}
	if _, ok := a.typist(); !ok {
		return &codedError{err: errors.New("the price has to be confirmed, and there is no terminal to ask at"), code: exitUsage, try: "--yes agrees to any price up to --limit"}
	}
	// Whoever has to answer has to see what, also with --quiet.
	for _, l := range burnLines(t, flags.limit.rao) {
		a.err.printf("%s\n", l)
	}
	yes, err := a.agree(ctx, "register for TAO?")
	if err == nil && !yes {
		err = &codedError{err: errors.New("not confirmed: nothing was sent"), code: exitError}
	}
	return err
}

// agree asks a question at the terminal. Only y and yes agree. The read cannot be
// interrupted: when ctx ends it is left behind, for the program is about to end.
func (a *app) agree(ctx context.Context, question string) (bool, error) {
	a.err.printf("%s [y/N] ", question)
	answer, err := abandon(ctx, func() (string, error) {
		// At the end of the input there is no answer, which is a no.
		text, _ := bufio.NewReader(a.env.Stdin).ReadString('\n')
		return text, nil
	})
	if !strings.HasSuffix(answer, "\n") { // nobody has ended the line
		a.err.printf("\n")
	}
	if err != nil {
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
