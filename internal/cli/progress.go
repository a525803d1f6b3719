package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/bittensor-go/bt/internal/cli/live"
	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
)

// slow does something that may take a while. After a second it says what.
func (a *app) slow(what string, do func() error) error {
	defer a.watch(what)()
	return do()
}

// abandon does something that takes seconds and cannot be interrupted. When ctx
// ends it is left behind, for the program is about to end.
func abandon[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return *new(T), ctx.Err()
	}
}

// watch says after a second what is going on, until the returned function is
// called.
func (a *app) watch(what string) (stop func()) {
	return a.follow(func() string { return what })
}

// follow is watch for something that goes on.
func (a *app) follow(what func() string) (stop func()) {
	began := time.Now()
	return a.show(time.Second, func() []string {
		return []string{fmt.Sprintf("%s, %s", what(), time.Since(began).Round(time.Second))}
	})
}

// show shows what the lines are at every interval, until the returned function is
// called.
func (a *app) show(interval time.Duration, lines func() []string) (stop func()) {
	if a.quiet {
		return func() {}
	}
	var (
		view    = a.view()
		done    = make(chan struct{})
		watcher sync.WaitGroup
	)
	watcher.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				view.Clear()
				return
			case <-ticker.C:
				view.Status(lines()...)
			}
		}
	})
	return func() {
		close(done)
		watcher.Wait()
	}
}

// progressResult is a line of stderr with --json.
type progressResult struct {
	Event   string `json:"event"` // message, or what is being done
	Message string `json:"message,omitempty"`

	Netuid *uint16 `json:"netuid,omitempty"`
	Head   *uint64 `json:"head_block,omitempty"` // the newest; absent of a message
	*searchResult

	// What it waits for, and the most that it takes.
	WaitBlocks  uint64  `json:"wait_blocks,omitempty"`
	WaitSeconds float64 `json:"wait_seconds,omitempty"`
	Error       string  `json:"error,omitempty"`
}

// searchResult is how a search goes.
type searchResult struct {
	Block      uint64   `json:"work_block"`
	Difficulty uint64   `json:"difficulty"`
	Attempt    int      `json:"attempt"` // from 1
	Hashes     uint64   `json:"hashes"`
	Seconds    float64  `json:"seconds"`
	Rate       float64  `json:"rate"`
	Expected   *float64 `json:"expected_seconds,omitempty"`
	Chance     *float64 `json:"chance,omitempty"` // of a solution before the work expires
	Best       uint64   `json:"best_share,omitempty"`

	// With --log-verbose.
	BlockHash *substrate.Hash `json:"work_block_hash,omitempty"`
	MeanRate  float64         `json:"mean_rate,omitempty"`
	Rounds    uint64          `json:"rounds,omitempty"`
	RoundMean float64         `json:"round_seconds,omitempty"`
	Engines   []engineResult  `json:"engines,omitempty"`
}

func newSearchResult(attempt int, s pow.Stats, verbose bool) *searchResult {
	r := &searchResult{Block: s.Block, Difficulty: s.Difficulty, Attempt: attempt, Hashes: s.Hashes, Seconds: s.Elapsed.Seconds(), Rate: s.Rate, Best: s.Best}
	if s.Expected > 0 {
		seconds := s.Expected.Seconds()
		r.Expected = &seconds
	}
	if s.Chance >= 0 {
		r.Chance = &s.Chance
	}
	if verbose {
		r.BlockHash, r.MeanRate, r.Rounds, r.RoundMean = (*substrate.Hash)(&s.BlockHash), s.MeanRate, s.Rounds, s.RoundMean.Seconds()
		for _, e := range s.Engines {
			r.Engines = append(r.Engines, engineResult{e.Name, e.Hashes, e.MeanRate})
		}
	}
	return r
}

// reporter shows how a registration or a draw at the faucet goes: in the live view,
// or with --json as a line each second and whenever something happens.
type reporter struct {
	a       *app
	view    *live.View
	what    string  // it is for
	netuid  *uint16 // nil at the faucet
	verbose bool

	// What was told.
	refused, submitted int
	fee                bool
	told               struct {
		phase registration.Phase
		block uint64
		at    time.Time
	}
}

func (a *app) reporter(what string, netuid *uint16, verbose bool) *reporter {
	return &reporter{a: a, view: a.view(), what: what, netuid: netuid, verbose: verbose}
}

func (r *reporter) progress(p registration.Progress) {
	if p.Terms.Rule.PaysFee && !r.fee {
		r.fee = true
		r.view.Print(fmt.Sprintf("the %s pays a fee of %s TAO for each attempt, also for one that fails", p.Terms.Rule.Signer, tao(p.Terms.Fee, 9)))
	}
	searching := p.Phase == registration.Waiting || p.Phase == registration.Solving
	if p.Err != nil && searching && p.Attempts > r.refused {
		r.refused = p.Attempts
		r.view.Print(clean(fmt.Sprintf("attempt %d failed: %v", p.Attempts, p.Err)))
	}
	submitting := p.Phase == registration.Submitting || p.Phase == registration.Submitted
	if submitting && p.Attempts > r.submitted {
		r.submitted = p.Attempts
		r.view.Print(fmt.Sprintf("proof found at block %d, handing it in", p.Head.Number))
	}
	if r.a.jsonLines {
		r.line(p)
		return
	}
	switch {
	case p.Phase == registration.Waiting:
		r.view.Status(waitingLine(p))
	case p.Phase == registration.Solving && p.Stats.Works > 0:
		lines := searchLines(r.what, p.Attempts+1, p.Stats)
		if r.verbose {
			lines = append(lines, verboseLines(p.Stats)...)
		}
		r.view.Status(lines...)
	case submitting:
		r.view.Status(fmt.Sprintf("waiting for a block to take it, %d is the newest", p.Head.Number))
	case p.Phase == registration.Reconnecting:
		r.view.Status(clean(fmt.Sprintf("connecting again: %v", p.Err)))
	}
}

// line writes progress as JSON, where there is something to say.
func (r *reporter) line(p registration.Progress) {
	now := time.Now()
	if r.a.quiet || p.Phase == registration.Solving && p.Stats.Works == 0 ||
		r.told.phase == p.Phase && r.told.block == p.Stats.Block && !r.told.at.IsZero() && now.Sub(r.told.at) < time.Second {
		return
	}
	r.told.phase, r.told.block, r.told.at = p.Phase, p.Stats.Block, now
	l := progressResult{Event: p.Phase.String(), Netuid: r.netuid, Head: &p.Head.Number, WaitBlocks: p.WaitBlocks, WaitSeconds: p.WaitTime.Seconds()}
	if p.Phase == registration.Solving {
		l.searchResult = newSearchResult(p.Attempts+1, p.Stats, r.verbose)
	}
	if p.Err != nil {
		l.Error = clean(p.Err.Error())
	}
	r.a.err.printf("%s\n", r.a.line(l))
}

// waitingLine says what for and how long at most.
func waitingLine(p registration.Progress) string {
	line := fmt.Sprintf("waiting for the next block after %d", p.Head.Number)
	if p.WaitBlocks > 1 {
		line = fmt.Sprintf("waiting for %d blocks after %d", p.WaitBlocks, p.Head.Number)
	}
	if p.WaitTime >= time.Second {
		line += ", about " + span(p.WaitTime)
	}
	if p.Err != nil {
		line += ": " + clean(p.Err.Error())
	}
	return line
}

// settled is how long a search runs before its rate says something.
const settled = 250 * time.Millisecond

// searchLines describes the search for a seal that a chain is to take.
func searchLines(what string, attempt int, s pow.Stats) []string {
	return statsLines(
		"solving for "+what,
		fmt.Sprintf("block %d, difficulty %s, attempt %d", s.Block, thousands(s.Difficulty), attempt), s,
	)
}

// statsLines adds to two lines, what is done and what for, how it goes.
func statsLines(what, work string, s pow.Stats) []string {
	if s.Elapsed < settled || s.Rate == 0 {
		return []string{what, work}
	}
	what += fmt.Sprintf(": %s, expected in %s", rate(s.Rate), expected(s.Expected))
	if s.Chance >= 0 {
		work += fmt.Sprintf(", %s likely before it expires", percent(s.Chance))
	}
	done := fmt.Sprintf("%s seals in %s", thousands(s.Hashes), span(s.Elapsed))
	if s.Best > 0 {
		done += ", best share " + thousands(s.Best)
	}
	return []string{what, work, done}
}

// verboseLines says more of a search, once there is something to say.
func verboseLines(s pow.Stats) []string {
	lines := []string{fmt.Sprintf("block hash %s", substrate.Hash(s.BlockHash))}
	if s.Elapsed < settled || s.Rate == 0 {
		return lines
	}
	lines = append(lines, fmt.Sprintf("%s rounds of %s in the mean, %s in the mean", thousands(s.Rounds), s.RoundMean.Round(time.Microsecond), rate(s.MeanRate)))
	each := make([]string, len(s.Engines))
	for i, e := range s.Engines {
		each[i] = e.Name + " " + rate(e.Rate)
	}
	return append(lines, strings.Join(each, ", "))
}

// percent writes a probability. What is not certain is not shown as if it were.
func percent(p float64) string {
	switch {
	case p > 0 && p < 0.01:
		return "<1%"
	case p > 0.99 && p < 1:
		return ">99%"
	}
	return fmt.Sprintf("%.0f%%", 100*p)
}

// rate writes seals a second.
func rate(r float64) string {
	for _, u := range []struct {
		from float64
		name string
	}{{1e9, "GH/s"}, {1e6, "MH/s"}, {1e3, "kH/s"}} {
		if r >= u.from {
			return fmt.Sprintf("%.2f %s", r/u.from, u.name)
		}
	}
	return fmt.Sprintf("%.0f H/s", r)
}

// expected writes the mean time to a solution.
func expected(d time.Duration) string {
	const century = 100 * 365 * 24 * time.Hour
	if d > century {
		return "centuries"
	}
	return "about " + span(d)
}

// span writes a duration in the units that matter.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < 48*time.Hour:
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}
