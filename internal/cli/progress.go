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
	if a.quiet {
		return func() {}
	}
	var (
		view    = a.view()
		began   = time.Now()
		done    = make(chan struct{})
		watcher sync.WaitGroup
	)
	watcher.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				view.Clear()
				return
			case <-ticker.C:
				view.Status(fmt.Sprintf("%s, %s", what(), time.Since(began).Round(time.Second)))
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

// searchLines describes a search for a seal.
func searchLines(netuid uint16, attempt int, s pow.Stats) []string {
	what := fmt.Sprintf("solving for netuid %d", netuid)
	work := fmt.Sprintf("block %d, difficulty %s, attempt %d", s.Block, thousands(s.Difficulty), attempt)
	if s.Elapsed < settled || s.Rate == 0 {
		return []string{what, work}
	}
	return []string{
		fmt.Sprintf("%s: %s, expected in %s", what, rate(s.Rate), expected(s.Expected)),
		fmt.Sprintf("%s, %s seals in %s", work, thousands(s.Hashes), span(s.Elapsed)),
	}
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
