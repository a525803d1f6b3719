package cli_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/cli"
)

// screen is a terminal: what bytes written to it would leave to be seen.
type screen struct {
	mu       sync.Mutex
	rows     [][]rune
	row, col int
	raw      strings.Builder
	seen     func(text string) // called with each new content, may be nil
}

// openTerminal returns a terminal of so many columns, the file that a program writes
// to, and a function that closes the file and waits for the last byte.
func openTerminal(t *testing.T, columns uint16, seen func(string)) (*screen, *os.File, func()) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there is no terminal to have: %v", err)
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{seen: seen}
	var reader sync.WaitGroup
	reader.Go(func() { s.read(master) })
	return s, slave, func() {
		slave.Close()
		reader.Wait()
		master.Close()
	}
}

// read shows what comes until the other side is closed.
func (s *screen) read(r io.Reader) {
	in := bufio.NewReader(r)
	for {
		c, _, err := in.ReadRune()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.raw.WriteRune(c)
		if c == '\x1b' {
			s.escape(in)
		} else {
			s.put(c)
		}
		s.mu.Unlock()
		if s.seen != nil && c == '\n' {
			s.seen(s.text())
		}
	}
}

// escape obeys the control sequences "cursor up", "erase below" and "select graphic
// rendition".
func (s *screen) escape(in *bufio.Reader) {
	var n int
	var last rune
	if _, err := fmt.Fscanf(in, "[%d%c", &n, &last); err != nil && last == 0 {
		last, _, _ = in.ReadRune()
	}
	fmt.Fprintf(&s.raw, "[%d%c", n, last)
	switch last {
	case 'A':
		s.row -= n
	case 'J':
		if s.row < len(s.rows) {
			s.rows[s.row] = s.rows[s.row][:min(s.col, len(s.rows[s.row]))]
			s.rows = s.rows[:s.row+1]
		}
	case 'm':
	default:
		s.put('?')
	}
}

func (s *screen) put(c rune) {
	switch c {
	case '\r':
		s.col = 0
	case '\n':
		s.row++
	default:
		for len(s.rows) <= s.row {
			s.rows = append(s.rows, nil)
		}
		for len(s.rows[s.row]) <= s.col {
			s.rows[s.row] = append(s.rows[s.row], ' ')
		}
		s.rows[s.row][s.col] = c
		s.col++
	}
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, row := range s.rows {
		b.WriteString(string(row) + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (s *screen) bytes() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

// A search without hope that a person watches at a terminal and interrupts.
func TestInterruptedAtTerminal(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags []string
		shown []string // at once, and each on one line
		left  []string // when it is over
		plain bool     // no control sequence
	}{
		{
			name:  "in place",
			shown: []string{"solving for netuid 1: ", "difficulty 2,305,843,009,213,693,952, attempt 1", " seals in "},
			left:  []string{"interrupted"},
		},
		{
			name: "verbose", flags: []string{"-v"},
			shown: []string{"solving for netuid 1: ", " seals in ", "block hash 0x", " rounds of ", "generic "},
			left:  []string{"interrupted"},
		},
		{
			name: "line by line", flags: []string{"--no_output_in_place"}, plain: true,
			shown: []string{"solving for netuid 1"},
			left:  []string{"solving for netuid 1", "interrupted"},
		},
		{
			name: "JSON lines", flags: []string{"--json"}, plain: true,
			shown: []string{`{"event":"solving","netuid":1,"head_block":`},
			left:  []string{`{"event":"solving","netuid":1,"head_block":`, `{"event":"error","error":"interrupted","exit_code":130}`},
		},
		{name: "quiet", flags: []string{"--quiet", "--pow-timeout", "0.3"}, left: []string{"error: no proof within 300ms", "try: a longer --pow-timeout"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := devnet.Start(devnet.Options{Difficulty: 1 << 61})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			// What is never shown ends the test, too.
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			ctx, interrupt := context.WithCancel(ctx)
			defer interrupt()
			const columns = 70
			s, stderr, done := openTerminal(t, columns, func(text string) {
				for _, want := range c.shown {
					if !c.plain && strings.Count(text, want) != 1 || !strings.Contains(text, want) {
						return
					}
				}
				if len(c.shown) > 0 {
					interrupt()
				}
			})
			var out strings.Builder
			env := environment(t, &out, stderr)
			if code := cli.Main(t.Context(), []string{"wallet", "new", "--no-password", "--quiet"}, env); code != 0 {
				t.Fatalf("exit code %d: %s", code, s.text())
			}
			out.Reset()
			code := cli.Main(ctx, append([]string{"register", "1", "--network", n.URL(), "--num-processes", "1", "--pow-backend", "generic"}, c.flags...), env)
			done()
			want := 130
			if c.shown == nil {
				want = 1
			}
			if code != want {
				t.Errorf("exit code %d, not %d", code, want)
			}
			lines := strings.Split(strings.TrimSpace(s.text()), "\n")
			for len(lines) > len(c.left) && strings.HasPrefix(lines[1], c.left[0]) {
				lines = lines[1:] // more of the same
			}
			if len(lines) != len(c.left) {
				t.Fatalf("left on the terminal:\n%s", s.text())
			}
			for i, l := range lines {
				if !strings.HasPrefix(l, c.left[i]) || !c.plain && len([]rune(l)) >= columns {
					t.Errorf("line %d is %q, not %q", i, l, c.left[i])
				}
			}
			if escapes := strings.Contains(strings.ReplaceAll(s.bytes(), "\x1b[0m", ""), "A\r\x1b["); escapes == (c.plain || c.shown == nil) {
				t.Errorf("drawn in place %t: %q", escapes, s.bytes())
			}
		})
	}
}

// Colours are for terminals, and not for those who do not want them.
func TestNoColor(t *testing.T) {
	for _, c := range []struct {
		noColor string
		want    bool
	}{{"", true}, {"1", false}} {
		s, stderr, done := openTerminal(t, 80, nil)
		env := environment(t, io.Discard, stderr)
		getenv := env.Getenv
		env.Getenv = func(name string) string {
			if name == "NO_COLOR" {
				return c.noColor
			}
			return getenv(name)
		}
		code := cli.Main(t.Context(), []string{"subnets", "--network", "nowhere"}, env)
		done()
		if colour := strings.Contains(s.bytes(), "\x1b"); code != 2 || colour != c.want || !strings.HasPrefix(s.text(), "error: --network: ") {
			t.Errorf("NO_COLOR=%q: exit code %d, %q", c.noColor, code, s.bytes())
		}
	}
}
