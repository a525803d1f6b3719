package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bittensor-go/bt/pow"
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

// settled is how long a search runs before its rate says something.
const settled = 250 * time.Millisecond

// searchLines describes the search for a seal of a registration.
func searchLines(netuid uint16, attempt int, s pow.Stats) []string {
	return statsLines(
		fmt.Sprintf("solving for netuid %d", netuid),
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
