package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/bittensor-go/bt/internal/cli/live"
)

// terminal is a stream and what can be shown on it.
type terminal struct {
	w     io.Writer
	is    bool // a terminal that can move its cursor
	color bool
	width func() int // columns, 0 where they are not known
}

func newTerminal(w io.Writer, getenv func(string) string) terminal {
	t := terminal{w: w, width: func() int { return 0 }}
	f, ok := w.(interface{ Fd() uintptr })
	if !ok {
		return t
	}
	fd := int(f.Fd())
	t.is = term.IsTerminal(fd) && getenv("TERM") != "dumb"
	t.color = t.is && getenv("NO_COLOR") == ""
	t.width = func() int {
		w, _, err := term.GetSize(fd)
		if err != nil {
			return 0
		}
		return w
	}
	return t
}

// printf writes to the stream. An error of stdout is found by results; messages
// have nobody to tell.
func (t terminal) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.w, format, args...) }

// The colours in use, as parameters of the escape sequence "select graphic
// rendition".
const (
	bold  = "1"
	faint = "2"
	red   = "31"
	green = "32"
)

// style colours a text where the stream shows colours.
func (t terminal) style(code, s string) string {
	if !t.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// view returns a view of progress on stderr.
func (a *app) view() *live.View {
	switch {
	case a.quiet:
		return live.New(io.Discard, live.Options{})
	case a.jsonLines:
		return live.New(a.err.w, live.Options{Format: func(text string) string { return a.line(progressResult{Event: "message", Message: text}) }})
	case a.err.is && !a.plain:
		return live.New(a.err.w, live.Options{Width: a.err.width})
	}
	return live.New(a.err.w, live.Options{})
}

// errReaderGone is the error of writing to a stdout that nobody reads any more.
var errReaderGone = errors.New("stdout is closed")

// write writes to stdout.
func (a *app) write(b []byte) error {
	_, err := a.out.w.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return fmt.Errorf("%w: %w", errReaderGone, err)
	}
	return err
}

// print writes a part of the result.
func (a *app) print(format string, args ...any) error {
	return a.write(fmt.Appendf(nil, format, args...))
}

// printJSON writes the result: one document on one line, or indented for a
// person at a terminal.
func (a *app) printJSON(v any) error {
	a.documented = true
	b, err := a.encode(v, "")
	if err != nil {
		return err
	}
	return a.write(append(b, '\n'))
}

// line returns a value as JSON on one line, without an end.
func (a *app) line(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return `{"event":"message","message":"a message cannot be written as JSON"}`
	}
	return string(escapeHidden(bytes.TrimSuffix(b.Bytes(), []byte("\n"))))
}

// encode returns a value as JSON; the lines after the first begin with a prefix
// where there are any. Characters that could change what a terminal shows are
// escaped; the values stay what they are.
func (a *app) encode(v any, prefix string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if a.out.is {
		enc.SetIndent(prefix, "  ")
	}
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return escapeHidden(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// jsonStream writes one JSON document whose long list comes bit by bit: the same
// bytes as printJSON of the whole.
type jsonStream struct {
	a        *app
	elements int
	err      error // of the first write that failed: no other follows
}

// openJSON begins a document with the fields of head, a struct, and the list.
func (a *app) openJSON(head any, list string) (*jsonStream, error) {
	a.documented = true
	b, err := a.encode(head, "")
	if err != nil {
		return nil, err
	}
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("}")), []byte("\n"))
	s := &jsonStream{a: a}
	return s, s.write(string(b), ",", s.line("  "), `"`+list+`":`, s.space(), "[")
}

// add writes an element of the list.
func (s *jsonStream) add(v any) error {
	b, err := s.a.encode(v, "    ")
	if err != nil {
		return err
	}
	comma := ","
	if s.elements == 0 {
		comma = ""
	}
	s.elements++
	return s.write(comma, s.line("    "), string(b))
}

// end ends the list and the document, with the fields of tail, a struct.
func (s *jsonStream) end(tail any) error {
	b, err := s.a.encode(tail, "")
	if err != nil {
		return err
	}
	list := "]"
	if s.elements > 0 {
		list = s.line("  ") + "]"
	}
	if string(b) == "{}" {
		return s.write(list, s.line(""), "}\n")
	}
	return s.write(list, ",", string(b[1:]), "\n")
}

func (s *jsonStream) write(parts ...string) error {
	if s.err == nil {
		s.err = s.a.write([]byte(strings.Join(parts, "")))
	}
	return s.err
}

// line begins a line where the document has some.
func (s *jsonStream) line(indent string) string {
	if s.a.out.is {
		return "\n" + indent
	}
	return ""
}

func (s *jsonStream) space() string {
	if s.a.out.is {
		return " "
	}
	return ""
}

// escapeHidden writes the characters of a JSON document that are not printed as
// \u escapes. Such characters stand only within its strings, but for line feeds.
func escapeHidden(doc []byte) []byte {
	if bytes.IndexFunc(doc, hidden) < 0 {
		return doc
	}
	var b bytes.Buffer
	for _, r := range string(doc) {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// hidden reports characters that a terminal obeys instead of showing: controls
// but the line feed, and formats, among which are those that reverse the
// direction of text.
func hidden(r rune) bool {
	return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// clean makes a text of unknown origin harmless on a terminal: hidden characters
// and what is no UTF-8 become the replacement character, white space of every
// kind one space.
func clean(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\ufffd")), " ")
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// short is clean and cut to a number of characters.
func short(s string, n int) string {
	if r := []rune(clean(s)); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return clean(s)
}

// newTable returns a table without lines, numbers to the right. Names of columns
// that begin with "<" stand to the left.
func (a *app) newTable(columns ...string) table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	header := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, c := range columns {
		name, left := strings.CutPrefix(c, "<")
		header[i] = a.out.style(bold, name)
		configs[i] = table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight}
		if left {
			configs[i].Align, configs[i].AlignHeader = text.AlignLeft, text.AlignLeft
		}
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	return t
}

// printTable writes a table.
func (a *app) printTable(t table.Writer) error { return a.printLines(t.Render()) }

// printLines writes lines without the blanks at their ends.
func (a *app) printLines(s string) error {
	for line := range strings.Lines(s) {
		if err := a.print("%s\n", strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// tao writes an amount of rao in TAO (or alpha) with so many decimals, rounded
// down.
func tao(rao uint64, decimals int) string {
	s := fmt.Sprintf("%d.%09d", rao/1e9, rao%1e9)
	return s[:len(s)-9+decimals]
}

// thousands writes a number with commas.
func thousands(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
