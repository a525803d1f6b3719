package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/cpu"
	"github.com/bittensor-go/bt/pow/engines"
)

const solveLong = `Search a nonce that solves a puzzle, without a node. How far it is goes to stderr,
the solution to stdout as one JSON document; check it with bt pow verify. The best
share is the largest difficulty that a seal has met so far.

The search begins at a nonce chosen at random: who searches twice finds another
solution. It ends with exit code 1 when --timeout is over, and with 130 when it is
interrupted.

` + rulesText

// solveResult is the document of bt pow solve.
type solveResult struct {
	puzzleResult
	Block   *uint64        `json:"block,omitempty"`
	Nonce   uint64         `json:"nonce"`
	Seal    string         `json:"seal"`
	Reading string         `json:"seal_reading"`   // the byte order in which the chain reads it
	Met     uint64         `json:"difficulty_met"` // the largest that the seal meets, at most 2^64-1
	Hashes  uint64         `json:"hashes"`         // seals tried
	Seconds float64        `json:"seconds"`        // of the search
	Rate    float64        `json:"rate"`           // seals a second
	Engines []engineResult `json:"engines"`
}

// engineResult is what one engine, so one processor, did.
type engineResult struct {
	Name   string  `json:"name"`
	Hashes uint64  `json:"hashes"`
	Rate   float64 `json:"rate"`
}

// solverFlags are the flags that say how to search.
type solverFlags struct {
	processes int
	interval  uint64
	engine    string
	timeout   time.Duration
}

func (f *solverFlags) add(cmd *cobra.Command) {
	processesFlag(cmd, &f.processes)
	cmd.Flags().Uint64Var(&f.interval, "update-interval", 0, "the most seals that an engine tries in one call, and a round of the statistics (default: what time allows)")
	cmd.Flags().StringVar(&f.engine, "engine", "", "`NAME` of the engine: one that bt pow bench lists (default $BT_CPU, else the best)")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 0, "give up after so long, such as 90s or 10m (default never)")
	complete(cmd, "engine", cpu.Names)
}

func processesFlag(cmd *cobra.Command, n *int) {
	cmd.Flags().IntVar(n, "num-processes", 0, "engines that search at once, one a processor (default: as many as this process may use)")
}

// mostProcesses is more than machines have.
const mostProcesses = 4096

func checkProcesses(cmd *cobra.Command, n int) error {
	if n < 0 || n > mostProcesses {
		return usage(cmd.CommandPath()+" --help", "--num-processes %d: 1 to %d are possible, 0 takes all processors", n, mostProcesses)
	}
	return nil
}

// newEngines returns engines. What is wrong is on the command line, or in BT_CPU.
func newEngines(cmd *cobra.Command, name string, n int) ([]pow.Engine, error) {
	if err := checkProcesses(cmd, n); err != nil {
		return nil, err
	}
	all, err := engines.New(engines.Options{NumProcesses: n, CPU: name})
	if err != nil && !errors.Is(err, pow.ErrFaulty) {
		return nil, usage(cmd.CommandPath()+" --engine "+cpu.Names()[0], "%w", err)
	}
	return all, engineError(err)
}

// engineError adds to the error of a faulty engine what to do about it.
func engineError(err error) error {
	if errors.Is(err, pow.ErrFaulty) {
		return &codedError{err: err, code: exitError, try: "another engine with --engine, such as generic"}
	}
	return err
}

func (a *app) powSolve() *cobra.Command {
	var (
		puzzle puzzleFlags
		search solverFlags
		block  blockValue
	)
	cmd := &cobra.Command{
		Use:   "solve",
		Short: "Search a nonce that solves a puzzle",
		Long:  solveLong,
		Example: `  bt pow solve --netuid 1 --block-hash 0x… --hotkey 5… --coldkey 5… --difficulty 10000000
  bt pow solve --rule classic --block-hash 0x… --hotkey 5… --difficulty 10000000 --timeout 1m`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := puzzle.needDifficulty(cmd); err != nil {
				return err
			}
			c, err := puzzle.challenge(cmd)
			if err != nil {
				return err
			}
			if search.timeout < 0 {
				return usage(cmd.CommandPath()+" --timeout 1m", "--timeout %s: a search takes time", search.timeout)
			}
			all, err := newEngines(cmd, search.engine, search.processes)
			if err != nil {
				return err
			}
			work := pow.Work{Challenge: c, Difficulty: puzzle.difficulty.n, BlockHash: puzzle.block.Hash}
			if block.n != nil {
				work.Block = *block.n
			}
			s := pow.NewSolver(pow.Options{Engines: all, UpdateInterval: search.interval})
			solution, err := a.solve(cmd.Context(), s, work, puzzle.rule.name, search.timeout)
			if err != nil {
				return err
			}
			return a.printJSON(newSolveResult(puzzle.result(), block.n, solution, s.Stats()))
		},
	}
	puzzle.add(cmd)
	search.add(cmd)
	cmd.Flags().Var(&block, "block", "the work block's number, for the view and the result alone")
	return cmd
}

// errTimeout ends a search whose time is over.
var errTimeout = errors.New("timeout")

// solve searches for a solution of one work and shows the progress.
func (a *app) solve(ctx context.Context, s *pow.Solver, work pow.Work, rule string, timeout time.Duration) (pow.Solution, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, errTimeout)
		defer cancel()
	}
	works := make(chan pow.Work, 1)
	works <- work
	close(works)
	stop := a.show(viewInterval, func() []string { return solveLines(rule, s.Stats()) })
	solution, err := s.Solve(ctx, works)
	stop()
	stats := s.Stats()
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		late := &codedError{err: fmt.Errorf("no solution within %s, %s seals tried", timeout, thousands(stats.Hashes)), code: exitError, try: "a longer --timeout"}
		if stats.Rate > 0 {
			late.try += fmt.Sprintf(": at %s it takes %s in the mean", rate(stats.Rate), expected(stats.Expected))
		}
		return solution, late
	}
	return solution, engineError(err)
}

func newSolveResult(puzzle puzzleResult, block *uint64, s pow.Solution, stats pow.Stats) solveResult {
	r := solveResult{
		puzzleResult: puzzle, Block: block, Nonce: s.Nonce, Seal: s.Seal.String(), Reading: s.Challenge.Reading().String(),
		Met: s.Seal.Difficulty(s.Challenge.Reading()), Hashes: stats.Hashes, Seconds: stats.Elapsed.Seconds(), Rate: stats.MeanRate,
	}
	for _, e := range stats.Engines {
		r.Engines = append(r.Engines, engineResult{e.Name, e.Hashes, e.MeanRate})
	}
	return r
}

// viewInterval is how often the view of a search is drawn.
const viewInterval = 250 * time.Millisecond

// solveLines describes a search without a chain, once there is something to say.
func solveLines(rule string, s pow.Stats) []string {
	if s.Elapsed < settled || s.Rate == 0 {
		return nil
	}
	work := "difficulty " + thousands(s.Difficulty)
	if s.Block > 0 {
		work = fmt.Sprintf("block %d, %s", s.Block, work)
	}
	return statsLines("solving the puzzle "+rule, work, s)
}
