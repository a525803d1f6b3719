package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/subtensor"
)

const faucetLong = `Draw TAO from the faucet of a development chain, by proof of work of difficulty
1,000,000. The coldkey signs and gets the TAO; there is no fee.

Chains that people use have no faucet: where the call is absent, that is said (exit
code 4). --max-successes draws are made, one after the other.`

// faucetResult is the document of bt faucet, in rao. One that fails after some draws
// ends with the error.
type faucetResult struct {
	Network  string       `json:"network"`
	Endpoint string       `json:"endpoint"`
	Coldkey  string       `json:"coldkey"`
	Before   uint64       `json:"before_rao"`
	After    uint64       `json:"after_rao"`
	Attempts int          `json:"attempts"`
	Draws    []drawResult `json:"draws"`
	*errorResult
}

type drawResult struct {
	Block   uint64  `json:"block"`
	Balance uint64  `json:"balance_rao"` // after it
	Nonce   uint64  `json:"nonce"`
	Seal    string  `json:"seal"`
	Hashes  uint64  `json:"hashes"`
	Seconds float64 `json:"seconds"` // of the search
}

func (a *app) faucet() *cobra.Command {
	var (
		names  walletFlags
		search searchFlags
		most   int
	)
	cmd := &cobra.Command{
		Use:   "faucet",
		Short: "Draw TAO from a development chain by proof of work",

		Annotations: map[string]string{linesOfJSON: "stderr"},
		Long:        faucetLong,
		Example:     "  bt faucet --network local --wallet-name alice --max-successes 1",
		Args:        noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := search.check(cmd, a.origins); err != nil {
				return err
			}
			if most < 1 {
				return usage(cmd.CommandPath()+" --max-successes 1", "--max-successes %d: one is the least", most)
			}
			solver, err := a.solver(cmd, search)
			if err != nil {
				return err
			}
			a.jsonLines, a.plain = a.json, search.plain
			return a.runFaucet(cmd.Context(), names, solver, search, most)
		},
	}
	a.walletFlags(cmd, &names)
	a.networkFlag(cmd)
	a.homeFlag(cmd)
	search.add(cmd)
	cmd.Flags().IntVar(&most, "max-successes", registration.DefaultSuccesses, "draws to make")
	cmd.Flags().BoolP("yes", "y", false, "do not ask, which bt faucet never does")
	_ = cmd.Flags().MarkHidden("yes") // it fails where there is no such flag
	return cmd
}

func (a *app) runFaucet(ctx context.Context, names walletFlags, solver *pow.Solver, search searchFlags, most int) (err error) {
	s, err := a.store()
	if err != nil {
		return err
	}
	keys, wipe, err := a.openColdkey(ctx, s, names)
	if err != nil {
		return walletError(err)
	}
	defer wipe()
	c, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, c)
	result, err := a.solveAndDraw(ctx, c, keys, solver, search, most)
	return a.printDraws(c, keys, result, err)
}

// solveAndDraw draws and shows the progress.
func (a *app) solveAndDraw(ctx context.Context, c *subtensor.Client, keys registration.Keys, solver *pow.Solver, search searchFlags, most int) (registration.FaucetResult, error) {
	r := a.reporter("the faucet", nil, search.verbose)
	defer r.view.Clear()
	ctx, limit := search.limit(ctx)
	defer limit.close()
	draws := 0
	result, err := registration.Faucet(ctx, c, keys, registration.FaucetOptions{
		Options:      search.options(solver, r, limit),
		MaxSuccesses: most,
		Drawn: func(d registration.Draw) {
			draws++
			r.view.Print(fmt.Sprintf("draw %d of %d in block %d: the coldkey has %s TAO", draws, most, d.Block.Number, tao(d.Balance, 9)))
			r.refused, r.submitted = 0, 0
		},
	})
	return result, limit.late(err)
}

// printDraws writes what was drawn, also where an error came after it.
func (a *app) printDraws(c *subtensor.Client, keys registration.Keys, result registration.FaucetResult, err error) error {
	if err != nil && len(result.Draws) == 0 {
		return err
	}
	r := faucetResult{
		Network: c.Network.Name, Endpoint: c.Network.Public(), Coldkey: keys.Coldkey.String(),
		Before: result.Before, After: result.Before, Attempts: result.Attempts, Draws: []drawResult{},
	}
	for _, d := range result.Draws {
		r.After = d.Balance
		r.Draws = append(r.Draws, drawResult{d.Block.Number, d.Balance, d.Solution.Nonce, d.Solution.Seal.String(), d.Stats.Hashes, d.Stats.Elapsed.Seconds()})
	}
	if err != nil {
		e := newErrorResult(err)
		r.errorResult = &e
	}
	if a.json {
		return errors.Join(a.printJSON(r), err)
	}
	return errors.Join(a.print("drawn       %s\nbalance     %s TAO, before %s\ncoldkey     %s\n",
		plural(len(r.Draws), "time"), tao(r.After, 9), tao(r.Before, 9), r.Coldkey), err)
}
