package registration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
)

// message is a case of testdata/status_messages.json: figures, and what the SDK
// made of them.
type message struct {
	Name       string
	Elapsed    time.Duration `json:"elapsed_ns"`
	Rounds     uint64
	RoundMean  time.Duration `json:"round_mean_ns"`
	Round      time.Duration `json:"round_ns"`
	MeanRate   float64       `json:"mean_rate"`
	Rate       float64
	Difficulty uint64
	Block      uint64
	BlockHash  substrate.Hash `json:"block_hash"`
	Plain      string
	Verbose    string
}

func (m message) stats() pow.Stats {
	return pow.Stats{
		Elapsed: m.Elapsed, Rounds: m.Rounds, RoundMean: m.RoundMean, RoundTime: m.Round, MeanRate: m.MeanRate, Rate: m.Rate,
		Difficulty: m.Difficulty, Block: m.Block, BlockHash: m.BlockHash,
	}
}

// messages reads what bittensor 9.8.3 said (status_messages.py wrote it down;
// 7.4.0 says the same), without the marks of colours.
func messages(t *testing.T) []message {
	t.Helper()
	data, err := os.ReadFile("testdata/status_messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []message
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	colours := strings.NewReplacer("[bold white]", "", "[/bold white]", "")
	for i := range all {
		all[i].Plain, all[i].Verbose = colours.Replace(all[i].Plain), colours.Replace(all[i].Verbose)
	}
	return all
}

func TestStatusMessage(t *testing.T) {
	plain, verbose := registration.StatsLogger{}, registration.StatsLogger{Verbose: true}
	for _, m := range messages(t) {
		if got := plain.StatusMessage(m.stats()); got != m.Plain {
			t.Errorf("%s:\n%swant\n%s", m.Name, got, m.Plain)
		}
		if got := verbose.StatusMessage(m.stats()); got != m.Verbose {
			t.Errorf("%s, verbose:\n%swant\n%s", m.Name, got, m.Verbose)
		}
	}
}

// screen is what a terminal of 80 columns shows of what StatsLogger writes to it.
// It knows the control sequences that are used and fails at any other.
type screen struct {
	t     *testing.T
	lines []string // the last one holds the cursor, at its end
	wrap  bool
}

func (s *screen) Write(p []byte) (int, error) {
	text := string(p)
	for text != "" {
		last := len(s.lines) - 1
		switch {
		case strings.HasPrefix(text, "\x1b[?7l"):
			s.wrap, text = false, text[5:]
		case strings.HasPrefix(text, "\x1b[?7h"):
			s.wrap, text = true, text[5:]
		case strings.HasPrefix(text, "\x1b["):
			up, rest, ok := strings.Cut(text[2:], "A\r\x1b[J")
			if !ok || len(up) != 1 || int(up[0]-'0') > last {
				s.t.Fatalf("the terminal was told %q with %d lines above", text, last)
			}
			s.lines = append(s.lines[:last-int(up[0]-'0')], "")
			text = rest
		case text[0] == '\n':
			s.lines, text = append(s.lines, ""), text[1:]
		default:
			if len(s.lines[last]) == 80 {
				if !s.wrap {
					s.lines[last] = s.lines[last][:79] + text[:1]
					text = text[1:]
					continue
				}
				s.lines = append(s.lines, "")
				last++
			}
			s.lines[last] += text[:1]
			text = text[1:]
		}
	}
	return len(p), nil
}

func TestStatsLoggerInPlace(t *testing.T) {
	all := messages(t)
	s := &screen{t: t, lines: []string{"$ bt register", ""}, wrap: true}
	l := registration.StatsLogger{W: s, InPlace: true}
	for round := range 2 {
		for i, m := range all {
			l.Verbose = i%2 == 1 // fewer and more lines
			want := m.Plain
			if l.Verbose {
				want = m.Verbose
			}
			if err := l.Update(m.stats()); err != nil {
				t.Fatal(err)
			}
			shown := strings.Join(s.lines[1:], "\n")
			// All but the block's hash fits, and the cursor is below.
			head, _, _ := strings.Cut(want, "Block Hash")
			if s.lines[0] != "$ bt register" || !strings.HasPrefix(shown, head+"Block Hash") || strings.Count(shown, "\n") != strings.Count(want, "\n") {
				t.Fatalf("round %d, %s: the terminal shows\n%s", round, m.Name, shown)
			}
		}
		// The next round begins anew.
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if len(s.lines) != 2 || s.lines[1] != "" || !s.wrap {
			t.Fatalf("the terminal is left as %q, wrapping %v", s.lines, s.wrap)
		}
	}
	if err := l.Close(); err != nil || len(s.lines) != 2 {
		t.Errorf("closed twice: %v, %q", err, s.lines)
	}
}

func TestStatsLoggerLines(t *testing.T) {
	all := messages(t)[:2]
	var out bytes.Buffer
	l := registration.StatsLogger{W: &out}
	for _, m := range all {
		if err := l.Update(m.stats()); err != nil {
			t.Fatal(err)
		}
	}
	// print() in the SDK ends its text once more.
	if want := all[0].Plain + "\n" + all[1].Plain + "\n"; out.String() != want || l.Close() != nil || out.String() != want {
		t.Errorf("wrote\n%swant\n%s", &out, want)
	}
	broken := errors.New("no more paper")
	for _, inPlace := range []bool{false, true} {
		l := registration.StatsLogger{W: failing{broken}, InPlace: inPlace}
		if err := l.Update(all[0].stats()); !errors.Is(err, broken) {
			t.Errorf("in place %v: %v", inPlace, err)
		}
	}
}

// failing is a writer that cannot.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
