package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/cpu"
	"github.com/bittensor-go/bt/pow/engines"
	"github.com/bittensor-go/bt/registration"
)

// searchFlags are the flags of what searches against a chain: those of btcli's
// register --pow and of the SDK's pow_register and faucet before it.
type searchFlags struct {
	processes, attempts int
	interval            uint64
	backend             string
	timeout             timeoutValue
	plain, verbose      bool
}

func (f *searchFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	processesFlag(cmd, &f.processes)
	flags.Uint64VarP(&f.interval, "update-interval", "u", 0, "the most seals that an engine tries in one call, and a round of the statistics (default: what time allows)")
	flags.StringVar(&f.backend, "pow-backend", cpu.Auto, "`NAME` of what searches: auto, cpu, or an engine that bt pow bench lists")
	flags.Var(&f.timeout, "pow-timeout", "give up after so many seconds of search; 90s or 10m do as well (default never)")
	flags.IntVar(&f.attempts, "max-attempts", registration.DefaultAttempts, "proofs to hand in before giving up where the chain took another one first")
	flags.BoolVar(&f.plain, "no-output-in-place", false, "lines one after the other instead of a block that is drawn anew")
	flags.BoolVarP(&f.verbose, "log-verbose", "v", false, "say more of the search: rounds, means, the work block's hash, each engine")
	complete(cmd, "pow-backend", func() []string { return append([]string{"auto", "cpu"}, cpu.Names()...) })

	// What btcli and older SDKs have besides. The flags for GPUs are answered, and
	// the others are what bt does anyway.
	flags.Bool("cuda", false, "search with CUDA")
	flags.StringSliceP("dev-id", "d", nil, "the CUDA devices")
	flags.Int("tpb", 256, "threads per block")
	flags.Bool("no-cuda", false, "search without CUDA")
	flags.Bool("output-in-place", true, "draw the block anew")
	flags.Bool("prompt", true, "ask where something has to be confirmed")
	for _, name := range []string{"cuda", "dev-id", "tpb", "no-cuda", "output-in-place", "prompt"} {
		_ = flags.MarkHidden(name) // it fails where there is no such flag
	}
}

// check returns what is wrong with the flags.
func (f *searchFlags) check(cmd *cobra.Command, origins map[string]origin) error {
	if err := gpuFlags(cmd, origins); err != nil {
		return err
	}
	if f.attempts < 1 {
		return usage(cmd.CommandPath()+" --help", "--max-attempts %d: one is the least", f.attempts)
	}
	return checkProcesses(cmd, f.processes)
}

// gpuFlags answers the flags for GPUs.
func gpuFlags(cmd *cobra.Command, origins map[string]origin) error {
	flags := cmd.Flags()
	if flags.Lookup("cuda").Value.String() == "true" {
		name := "--cuda"
		if from, ok := origins["cuda"]; ok {
			name = from.String()
		}
		return noGPU(cmd, name)
	}
	for _, f := range []struct{ name, shown string }{{"dev-id", "--dev-id (--pow-device)"}, {"tpb", "--tpb"}} {
		if flags.Changed(f.name) {
			return noGPU(cmd, f.shown)
		}
	}
	if backend := flags.Lookup("pow-backend").Value.String(); slices.Contains([]string{"gpu", "cuda", "opencl"}, backend) {
		name := "--pow-backend"
		if from, ok := origins["pow-backend"]; ok {
			name = from.String()
		}
		return noGPU(cmd, name+" "+backend)
	}
	return nil
}

func noGPU(cmd *cobra.Command, flag string) error {
	return usage(cmd.CommandPath()+" --pow-backend cpu", "%s: this build has no engine for GPUs", flag)
}

// solver returns what searches.
func (a *app) solver(cmd *cobra.Command, f searchFlags) (*pow.Solver, error) {
	name := f.backend
	if name == "cpu" {
		name = cpu.Auto
	}
	all, err := engines.New(engines.Options{NumProcesses: f.processes, CPU: name})
	switch {
	case errors.Is(err, pow.ErrFaulty):
		return nil, &codedError{err: err, code: exitError, try: "another engine with --pow-backend, such as generic"}
	case err != nil:
		from := a.origins["pow-backend"]
		if from.kind == "file" { // whose values are not quoted
			err = fmt.Errorf("pow-backend: auto, cpu or one of these is wanted: %s", strings.Join(cpu.Names(), ", "))
		}
		return nil, usage(cmd.CommandPath()+" --pow-backend auto", "%s: %w", from, err)
	}
	return pow.NewSolver(pow.Options{Engines: all, UpdateInterval: f.interval}), nil
}

// timeoutValue is a flag that holds seconds, as btcli has it, or a duration with its
// unit. 0 is never.
type timeoutValue struct{ time.Duration }

func (v *timeoutValue) Type() string { return "SECONDS" }

func (v *timeoutValue) String() string {
	if v.Duration == 0 {
		return "" // no default
	}
	return v.Duration.String()
}

func (v *timeoutValue) Set(s string) error {
	d, err := time.ParseDuration(s)
	if seconds, e := strconv.ParseFloat(s, 64); e == nil {
		d, err = -1, nil
		if seconds >= 0 && seconds < math.MaxInt64/1e9 {
			d = time.Duration(seconds * float64(time.Second))
		}
	}
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no time: 300 seconds, 90s and 10m are", s)
	}
	v.Duration = d
	return nil
}

// options are those of a search by a solver, which is shown and limited.
func (f *searchFlags) options(solver *pow.Solver, r *reporter, limit *searchLimit) registration.Options {
	return registration.Options{
		Solver: solver, MaxAttempts: f.attempts,
		Progress: func(p registration.Progress) {
			limit.progress(p)
			r.progress(p)
		},
	}
}

// searchLimit ends a search that has taken too long. What is not search does not
// count, so that a proof that was handed in is not abandoned. It is for one
// goroutine.
type searchLimit struct {
	ctx      context.Context // of the search
	cancel   context.CancelCauseFunc
	timeout  time.Duration // 0 for none
	left     time.Duration
	timer    *time.Timer // nil while it stands
	began    time.Time
	handedIn bool
	stats    pow.Stats // the newest
	lost     error     // why there is no connection
}

// limit returns a limit, which has to be closed, and the context to search with.
func (f *searchFlags) limit(ctx context.Context) (context.Context, *searchLimit) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &searchLimit{ctx: ctx, cancel: cancel, timeout: f.timeout.Duration, left: f.timeout.Duration}
}

func (l *searchLimit) progress(p registration.Progress) {
	l.stats, l.lost = p.Stats, nil
	switch p.Phase {
	case registration.Submitting, registration.Submitted:
		l.handedIn = true
	case registration.Waiting, registration.Solving:
		l.handedIn = false
	case registration.Reconnecting:
		l.lost = p.Err
	}
	switch {
	case l.timeout == 0:
	case p.Phase != registration.Solving && p.Phase != registration.Reconnecting: // the search goes on without a node
		l.stop()
	case l.timer == nil:
		l.began, l.timer = time.Now(), time.AfterFunc(l.left, func() { l.cancel(errTimeout) })
	}
}

func (l *searchLimit) stop() {
	if l.timer != nil {
		l.timer.Stop()
		l.left -= time.Since(l.began)
		l.timer = nil
	}
}

func (l *searchLimit) close() {
	l.stop()
	l.cancel(nil)
}

// late returns the error of a search that has taken too long, where it is that.
func (l *searchLimit) late(err error) error {
	if err == nil || l.handedIn || !errors.Is(context.Cause(l.ctx), errTimeout) {
		return err
	}
	if l.lost != nil {
		return fmt.Errorf("no proof within %s, and no connection: %w", l.timeout, l.lost)
	}
	s := l.stats
	late := &codedError{err: fmt.Errorf("no proof within %s, %s seals tried", l.timeout, thousands(s.Hashes)), code: exitError, try: "a longer --pow-timeout"}
	if s.Rate > 0 {
		late.try += fmt.Sprintf(": at %s it takes %s in the mean", rate(s.Rate), expected(s.Expected))
	}
	return late
}
