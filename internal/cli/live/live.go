// Package live shows the progress of something that takes a while: a few lines
// that are rewritten in place on a terminal, and now and then a plain line
// anywhere else. It knows nothing of what it shows.
package live

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Every is how often a view that is no terminal repeats its status.
const Every = 5 * time.Second

// Options say where a view is shown.
type Options struct {
	// Width returns the columns of the terminal; nil where there is none. A width
	// below one counts as 80.
	Width func() int
	// Now is the clock, time.Now where nil.
	Now func() time.Time
	// Format makes a line of what is written where there is no terminal; nil leaves
	// it as it is.
	Format func(string) string
}

// View is a block of status lines below the lines that stay. It is safe for
// concurrent use.
type View struct {
	w    io.Writer
	opts Options

	mu    sync.Mutex
	drawn int       // lines of status on the terminal, the cursor below them
	last  time.Time // when a plain status was written
	text  string    // and what it said
}

// New returns a view that writes to w.
func New(w io.Writer, opts Options) *View {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &View{w: w, opts: opts}
}

// Status replaces the status. On a terminal the lines are cut to its width. Where
// there is none they are written as one line, joined by commas, and not more
// often than Every.
func (v *View) Status(lines ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.opts.Width == nil {
		text := strings.Join(lines, ", ")
		now := v.opts.Now()
		if text == v.text || !v.last.IsZero() && now.Sub(v.last) < Every {
			return
		}
		v.last, v.text = now, text
		v.write(v.format(text) + "\n")
		return
	}
	width := v.opts.Width()
	if width < 1 {
		width = 80
	}
	var b strings.Builder
	v.erase(&b)
	for _, l := range lines {
		b.WriteString(cut(l, max(1, width-1))) // a full line would wrap on some terminals
		b.WriteByte('\n')
	}
	v.drawn = len(lines)
	v.write(b.String())
}

// Print writes a line that stays, above the status.
func (v *View) Print(line string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	v.erase(&b)
	b.WriteString(v.format(line))
	b.WriteByte('\n')
	v.write(b.String())
}

func (v *View) format(line string) string {
	if v.opts.Width != nil || v.opts.Format == nil {
		return line
	}
	return v.opts.Format(line)
}

// Clear takes the status away.
func (v *View) Clear() {
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	v.erase(&b)
	v.write(b.String())
	v.last, v.text = time.Time{}, ""
}

// write ignores errors: nobody needs what is shown here.
func (v *View) write(s string) { _, _ = io.WriteString(v.w, s) }

// erase goes up over the status and clears to the end of the screen.
func (v *View) erase(b *strings.Builder) {
	if v.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r\x1b[J", v.drawn)
		v.drawn = 0
	}
}

// cut shortens a line to a number of columns, one a rune.
func cut(s string, width int) string {
	if width < 1 || utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}
