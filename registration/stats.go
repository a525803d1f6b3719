package registration

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
)

// StatsLogger writes how a search goes as the Python SDK's
// RegistrationStatisticsLogger does, line by line the same text. Its fields are set
// before it is used. It is for one goroutine at a time, such as that which calls
// Options.Progress.
type StatsLogger struct {
	W io.Writer
	// InPlace rewrites the lines where they stand (output_in_place). W is a terminal
	// then, one that knows the control sequences of ECMA-48; lines that are too long
	// for it are cut.
	InPlace bool
	// Verbose adds how long rounds take (log_verbose).
	Verbose bool

	drawn int // lines on the terminal, the cursor below them
}

// StatusMessage returns the lines of the SDK's get_status_message, each with its
// end. The colours that the SDK puts into them for the package rich are left out,
// the words and figures are those of versions 7.4.0 to 9.8.3.
func (l *StatsLogger) StatusMessage(s pow.Stats) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Solving\nTime Spent (total): %s\n", timedelta(s.Elapsed))
	if l.Verbose {
		fmt.Fprintf(&b, "Time Spent This Round: %s\nTime Spent Average: %s\n", timedelta(s.RoundTime), timedelta(s.RoundMean))
	}
	fmt.Fprintf(&b, "Registration Difficulty: %s\n", millify(s.Difficulty))
	fmt.Fprintf(&b, "Iters (Inst/Perp): %s/s / %s/s\n", humanReadable(s.Rate), humanReadable(s.MeanRate))
	fmt.Fprintf(&b, "Block Number: %d\n", s.Block)
	fmt.Fprintf(&b, "Block Hash: b'%s'\n", substrate.Hash(s.BlockHash))
	return b.String()
}

// Update writes the figures (update): over the lines that stand there where
// InPlace, else below them, with an empty line in between. The error is W's.
func (l *StatsLogger) Update(s pow.Stats) error {
	text := l.StatusMessage(s)
	if !l.InPlace {
		_, err := io.WriteString(l.W, text+"\n")
		return err
	}
	// A line that wraps would take two, and the next Update would not find the first.
	const wrapOff, wrapOn = "\x1b[?7l", "\x1b[?7h"
	out := l.erase() + wrapOff + text + wrapOn
	l.drawn = strings.Count(text, "\n")
	_, err := io.WriteString(l.W, out)
	return err
}

// Close takes the lines away where InPlace, so that the terminal is as before
// (stop). What was written otherwise stays. The error is W's.
func (l *StatsLogger) Close() error {
	if l.drawn == 0 {
		return nil
	}
	_, err := io.WriteString(l.W, l.erase())
	return err
}

// erase goes up over what was drawn and clears to the end of the screen.
func (l *StatsLogger) erase() string {
	if l.drawn == 0 {
		return ""
	}
	n := l.drawn
	l.drawn = 0
	return "\x1b[" + strconv.Itoa(n) + "A\r\x1b[J"
}

// timedelta writes a duration as Python's datetime.timedelta does: to the
// nearest microsecond, the even one of two.
func timedelta(d time.Duration) string {
	us := int64(d / time.Microsecond)
	if rest := d % time.Microsecond; rest > 500 || rest == 500 && us%2 == 1 {
		us++
	}
	const day = 24 * 60 * 60 * 1_000_000
	var b strings.Builder
	switch days := us / day; days {
	case 0:
	case 1:
		b.WriteString("1 day, ")
	default:
		fmt.Fprintf(&b, "%d days, ", days)
	}
	us %= day
	seconds := us / 1_000_000
	fmt.Fprintf(&b, "%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	if us %= 1_000_000; us > 0 {
		fmt.Fprintf(&b, ".%06d", us)
	}
	return b.String()
}

// millify is the SDK's: at most four steps of a thousand.
func millify(n uint64) string {
	x, unit := float64(n), ""
	for _, u := range [...]struct {
		from float64
		name string
	}{{1e12, " T"}, {1e9, " B"}, {1e6, " M"}, {1e3, " K"}} {
		if x >= u.from {
			x, unit = x/u.from, u.name
			break
		}
	}
	return strconv.FormatFloat(x, 'f', 2, 64) + unit
}

// humanReadable is the SDK's get_human_readable for the suffix "H".
func humanReadable(x float64) string {
	for _, unit := range [...]string{"", "K", "M", "G", "T", "P", "E", "Z"} {
		if x < 1000 {
			return strconv.FormatFloat(x, 'f', 1, 64) + unit + "H"
		}
		x /= 1000
	}
	return strconv.FormatFloat(x, 'f', 1, 64) + "YH"
}
