package nodetest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// Script starts a server that plays a transcript to each connection: it waits
// where a line is the client's, fails the test where the client says something
// else, and goes on to read and say nothing after the last line. Messages are
// compared as JSON, ids included.
func Script(t testing.TB, path string) *Server {
	t.Helper()
	lines := readTranscript(t, path)
	return NewServer(t, func(c *Conn) { play(t, c, path, lines) })
}

// ScriptLines is Script for lines that the test has at hand.
func ScriptLines(t testing.TB, lines ...string) *Server {
	t.Helper()
	return NewServer(t, func(c *Conn) { play(t, c, t.Name(), lines) })
}

func play(t testing.TB, c *Conn, name string, lines []string) {
	for _, line := range lines {
		word, text, _ := strings.Cut(line, " ")
		var err error
		switch word {
		case "-->":
			got, rerr := c.Read()
			if rerr != nil {
				if c.ctx.Err() == nil {
					t.Errorf("%s: the client went where it should say %s: %v", name, text, rerr)
				}
				return
			}
			if !sameJSON(got, []byte(text)) {
				t.Errorf("%s: the client said\n%s\nnot\n%s", name, got, text)
				return
			}
		case "<--":
			err = c.Send(text)
		case "!binary":
			err = c.SendBinary(text)
		case "!split":
			err = c.SendSplit(text, 1)
		case "!frame":
			var b []byte
			if b, err = hex.DecodeString(strings.ReplaceAll(text, " ", "")); err == nil {
				err = c.SendRaw(b)
			}
		case "!close":
			code, why, _ := strings.Cut(text, " ")
			var n int
			if n, err = strconv.Atoi(code); err == nil {
				c.Goodbye(n, why) //nolint:errcheck // the client may go first
				return
			}
		case "!drop":
			c.Drop()
			return
		case "!silence":
			c.Silence()
			return
		default:
			err = fmt.Errorf("a transcript has no lines that begin with %q", word)
		}
		if err != nil {
			if c.ctx.Err() == nil {
				t.Errorf("%s: %s: %v", name, line[:min(len(line), 200)], err)
			}
			return
		}
	}
	c.Drain(nil)
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return decode(a, &x) == nil && decode(b, &y) == nil && reflect.DeepEqual(x, y)
}

// decode keeps numbers as they are written.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}
