package cli

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/cpu"
)

const benchLong = `Measure how many seals a second each engine tries on this machine.

The engines take turns in samples of about 25 milliseconds, with as many searching
at once as --num-processes says, so that all of them meet the same clock, heat and
neighbours. Of each sample the rate of each processor counts: the table shows the
least, the median and the largest of them, and the median of what all processors
do together.

The reference, named go, is what a Go program does without an engine: for each
nonce the message is written anew and hashed by crypto/sha256 and
golang.org/x/crypto/sha3 (pow.Challenge.Seal, by which all engines are checked).
It is always measured; the ratio is of the medians of one processor.

Cycles a seal are the clock, measured on the processor after each sample, divided
by the rate, where the clock can be measured.

Search without hope of a hit is measured: the rate of solving.

The rules are those of bt pow solve; only the time that they take differs.`

// reference is the name of what engines are compared with.
const reference = "go"

// How long a sample of bt pow bench takes, and for how long an engine is called
// before one, unmeasured, so that the processor is at its clock.
const (
	benchSample = 25 * time.Millisecond
	benchWarm   = 3 * time.Millisecond
)

// benchResult is the document of bt pow bench --json.
type benchResult struct {
	Rule      string        `json:"rule"`
	Processes int           `json:"num_processes"`
	Seconds   float64       `json:"seconds"`
	Platform  string        `json:"platform"`
	Reference string        `json:"reference"`
	Engines   []benchEngine `json:"engines"` // in the order in which they took turns
}

// benchEngine is what was measured of one engine. Rates are seals a second.
type benchEngine struct {
	Name     string   `json:"name"`
	Samples  int      `json:"samples"`                   // of each processor
	Core     spread   `json:"per_core"`                  // of all processors and samples
	Cores    []spread `json:"cores"`                     // one each
	Together float64  `json:"all_cores"`                 // median of their sum
	Cycles   float64  `json:"cycles_per_seal,omitempty"` // median; absent where the clock is not known
	Ratio    float64  `json:"ratio_to_reference"`        // of the medians of one processor
}

// spread describes samples.
type spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

func newSpread(samples []float64) spread {
	return spread{slices.Min(samples), median(samples), slices.Max(samples)}
}

// median returns the middle of samples, the mean of two where there are two.
func median(samples []float64) float64 {
	s := slices.Sorted(slices.Values(samples))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

func (a *app) powBench() *cobra.Command {
	var (
		names     []string
		processes int
		length    time.Duration
		rule      ruleValue
	)
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine searches",
		Long:  benchLong,
		Example: `  bt pow bench
  bt pow bench --num-processes 1 --time 10s --engine avx2 --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if length <= 0 {
				return usage(cmd.CommandPath()+" --time 3s", "--time %s: measuring takes time", length)
			}
			racers, err := newRacers(cmd, names, processes)
			if err != nil {
				return err
			}
			return a.runBench(cmd.Context(), rule.powRule, racers, length)
		},
	}
	cmd.Flags().StringArrayVar(&names, "engine", nil, "`NAME` of an engine to measure, may be repeated (default all that this machine runs)")
	processesFlag(cmd, &processes)
	cmd.Flags().DurationVar(&length, "time", 3*time.Second, "how long to measure, all engines together")
	ruleFlag(cmd, &rule)
	complete(cmd, "engine", cpu.Names)
	return cmd
}

// racer is an engine that is measured, on several processors at once.
type racer struct {
	name    string
	engines []pow.Engine // one for each processor
	rates   [][]float64  // by processor, by sample
	cycles  []float64    // a seal, of all samples whose clock is known
}

// newRacers returns the engines of some names, and the reference.
func newRacers(cmd *cobra.Command, names []string, processes int) ([]*racer, error) {
	if len(names) == 0 {
		names = cpu.Names()
	}
	if err := checkProcesses(cmd, processes); err != nil {
		return nil, err
	}
	if processes == 0 {
		processes = pow.CPUs()
	}
	var racers []*racer
	for _, name := range append(slices.Clone(names), reference) {
		if slices.ContainsFunc(racers, func(r *racer) bool { return r.name == name }) {
			continue
		}
		r := &racer{name: name, rates: make([][]float64, processes)}
		if name == reference {
			r.engines = slices.Repeat([]pow.Engine{referenceEngine{}}, processes)
		} else if err := r.make(cmd); err != nil {
			return nil, err
		}
		racers = append(racers, r)
	}
	return racers, nil
}

func (r *racer) make(cmd *cobra.Command) (err error) {
	if r.engines, err = newEngines(cmd, r.name, len(r.rates)); err != nil {
		return err
	}
	return engineError(pow.SelfTest(r.engines[0]))
}

// referenceEngine is the plain loop. It has no state.
type referenceEngine struct{}

func (referenceEngine) Name() string { return reference }

func (referenceEngine) Search(job *pow.Job, first, count uint64, hits []uint32) (tried uint64, found int, err error) {
	if err := job.Check(first, count, hits); err != nil {
		return 0, 0, err
	}
	for i := first; i < first+count; i++ {
		if job.Met(uint32(i)) {
			hits[found] = uint32(i)
			if found++; found == len(hits) {
				return i - first + 1, found, nil
			}
		}
	}
	return count, found, nil
}

func (a *app) runBench(ctx context.Context, rule powRule, racers []*racer, length time.Duration) error {
	rounds := 0
	stop := a.watch(fmt.Sprintf("measuring %s and the reference", plural(len(racers)-1, "engine")))
	began := time.Now()
	for ; rounds == 0 || time.Since(began) < length; rounds++ {
		for _, r := range racers {
			err := ctx.Err()
			if err == nil {
				err = engineError(r.sample(rule.make(new(puzzleFlags))))
			}
			if err != nil {
				stop()
				return err
			}
		}
	}
	took := time.Since(began)
	stop()
	result := newBenchResult(rule, racers, took)
	if a.json {
		return a.printJSON(result)
	}
	return a.printBench(result)
}

// sample measures all processors at once, once.
func (r *racer) sample(c pow.Challenge) error {
	var (
		all    sync.WaitGroup
		start  = make(chan struct{})
		rates  = make([]float64, len(r.engines))
		clocks = make([]float64, len(r.engines))
		errs   = make([]error, len(r.engines))
	)
	for i, e := range r.engines {
		all.Go(func() {
			<-start
			rates[i], errs[i] = measure(e, c.Job(uint64(i)<<32|uint64(i), pow.Target{}))
			clocks[i] = cpu.Clock()
		})
	}
	close(start)
	all.Wait()
	for i := range r.engines {
		if errs[i] != nil {
			return fmt.Errorf("engine %s: %w", r.name, errs[i])
		}
		r.rates[i] = append(r.rates[i], rates[i])
		if clocks[i] > 0 {
			r.cycles = append(r.cycles, clocks[i]/rates[i])
		}
	}
	return nil
}

// measure returns how many seals a second an engine tries. Its calls are
// lengthened until one takes as long as those of a search.
func measure(e pow.Engine, job pow.Job) (rate float64, err error) {
	const long = time.Millisecond
	hits := make([]uint32, 1)
	var first, tried uint64
	size, warm := uint64(256), false
	began := time.Now()
	for {
		if job.Count()-first < size {
			first = 0
		}
		called := time.Now()
		n, _, err := e.Search(&job, first, size, hits)
		if err != nil {
			return 0, err
		}
		now := time.Now()
		first, tried = first+size, tried+n
		switch {
		case !warm && now.Sub(called) < long && 2*size <= job.Count():
			size *= 2
		case !warm && now.Sub(began) >= benchWarm:
			warm, began, tried = true, now, 0
		case warm && now.Sub(began) >= benchSample:
			return float64(tried) / now.Sub(began).Seconds(), nil
		}
	}
}

func newBenchResult(rule powRule, racers []*racer, took time.Duration) benchResult {
	result := benchResult{
		Rule: rule.name, Processes: len(racers[0].engines), Seconds: took.Seconds(),
		Platform: buildVersion().Platform, Reference: reference,
	}
	base := 0.0
	for _, r := range racers {
		e := benchEngine{Name: r.name, Samples: len(r.rates[0]), Core: newSpread(slices.Concat(r.rates...))}
		sums := make([]float64, e.Samples)
		for _, core := range r.rates {
			e.Cores = append(e.Cores, newSpread(core))
			for i, rate := range core {
				sums[i] += rate
			}
		}
		e.Together = median(sums)
		if len(r.cycles) > 0 {
			e.Cycles = median(r.cycles)
		}
		if r.name == reference {
			base = e.Core.Median
		}
		result.Engines = append(result.Engines, e)
	}
	for i := range result.Engines {
		result.Engines[i].Ratio = result.Engines[i].Core.Median / base
	}
	return result
}

// printBench writes the result for people: what each processor does where there
// are several, then what engines do.
func (a *app) printBench(r benchResult) error {
	if err := a.print("rule %s, %s, %s of each engine\n\n", r.Rule, plural(r.Processes, "processor"), plural(r.Engines[0].Samples, "sample")); err != nil {
		return err
	}
	columns := []string{"<engine", "min", "median", "max", "cycles/seal", "to " + reference}
	if r.Processes > 1 {
		names := []string{"processor"}
		for _, e := range r.Engines {
			names = append(names, e.Name)
		}
		t := a.newTable(names...)
		for i := range r.Processes {
			row := []any{i + 1}
			for _, e := range r.Engines {
				row = append(row, rate(e.Cores[i].Median))
			}
			t.AppendRow(row)
		}
		if err := a.printTable(t); err != nil {
			return err
		}
		if err := a.print("\n"); err != nil {
			return err
		}
		columns = append(columns, "together")
	}
	t := a.newTable(columns...)
	for _, e := range r.Engines {
		cycles := "-"
		if e.Cycles > 0 {
			cycles = fmt.Sprintf("%.0f", e.Cycles)
		}
		row := []any{e.Name, rate(e.Core.Min), rate(e.Core.Median), rate(e.Core.Max), cycles, fmt.Sprintf("%.2f", e.Ratio)}
		if r.Processes > 1 {
			row = append(row, rate(e.Together))
		}
		t.AppendRow(row)
	}
	return a.printTable(t)
}
