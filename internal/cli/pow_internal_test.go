package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/powtest"
	"github.com/bittensor-go/bt/pow"
)

// The reference of bt pow bench is an engine like all others.
func TestReferenceEngine(t *testing.T) {
	powtest.Run(t, func() pow.Engine { return referenceEngine{} })
}

func TestBenchResult(t *testing.T) {
	e := make([]pow.Engine, 2)
	got := newBenchResult(powRules[0], []*racer{
		{name: "fast", engines: e, rates: [][]float64{{40, 10, 30}, {60, 50, 20}}, cycles: []float64{3, 1, 2}},
		{name: reference, engines: e, rates: [][]float64{{5, 7, 7}, {9, 8, 4}}},
	}, 3*time.Second)
	got.Platform = ""
	want := benchResult{
		Rule: "public", Processes: 2, Seconds: 3, Reference: "go",
		Engines: []benchEngine{
			{
				Name: "fast", Samples: 3, Core: spread{10, 35, 60}, Cores: []spread{{10, 30, 40}, {20, 50, 60}},
				Together: 60, Cycles: 2, Ratio: 5, // sums 100, 60, 50
			},
			{Name: "go", Samples: 3, Core: spread{4, 7, 9}, Cores: []spread{{5, 7, 7}, {4, 8, 9}}, Together: 14, Ratio: 1},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEngineError(t *testing.T) {
	if err := engineError(nil); err != nil {
		t.Error(err)
	}
	err := engineError(fmt.Errorf("engine x: %w", pow.ErrFaulty))
	if exitCode(err) != exitError || !strings.Contains(remedy(err), "--engine") {
		t.Errorf("%v: exit code %d, remedy %q", err, exitCode(err), remedy(err))
	}
}

func TestStatsLines(t *testing.T) {
	early := pow.Stats{Difficulty: 5000, Block: 7, Elapsed: time.Millisecond, Rate: 1, Chance: -1}
	s := pow.Stats{
		Difficulty: 12_000_000, Block: 7, Elapsed: 1500 * time.Millisecond, Hashes: 3_000_000, Rate: 2e6,
		Expected: 6 * time.Second, Chance: -1,
	}
	hopeful := s
	hopeful.Chance, hopeful.Best = 0.345, 987_654
	numberless := s
	numberless.Block = 0
	for _, c := range []struct {
		got  []string
		want string
	}{
		{searchLines("netuid 1", 2, early), "solving for netuid 1\nblock 7, difficulty 5,000, attempt 2"},
		{searchLines("netuid 1", 2, s), "solving for netuid 1: 2.00 MH/s, expected in about 6.0s\nblock 7, difficulty 12,000,000, attempt 2\n3,000,000 seals in 1.5s"},
		{searchLines("netuid 1", 2, hopeful), "solving for netuid 1: 2.00 MH/s, expected in about 6.0s\nblock 7, difficulty 12,000,000, attempt 2, 34% likely before it expires\n3,000,000 seals in 1.5s, best share 987,654"},
		{solveLines("classic", early), ""},
		{solveLines("classic", s), "solving the puzzle classic: 2.00 MH/s, expected in about 6.0s\nblock 7, difficulty 12,000,000\n3,000,000 seals in 1.5s"},
		{solveLines("classic", numberless), "solving the puzzle classic: 2.00 MH/s, expected in about 6.0s\ndifficulty 12,000,000\n3,000,000 seals in 1.5s"},
	} {
		if diff := cmp.Diff(c.want, strings.Join(c.got, "\n")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for p, want := range map[float64]string{0: "0%", 0.009: "<1%", 0.01: "1%", 0.5: "50%", 0.99: "99%", 0.991: ">99%", 1: "100%"} {
		if got := percent(p); got != want {
			t.Errorf("%v is %s, not %s", p, got, want)
		}
	}
}
