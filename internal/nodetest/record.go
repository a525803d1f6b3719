package nodetest

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// maxAnswer is the largest message of a recorded node.
const maxAnswer = 512 << 20

// Recorder is a proxy that writes a transcript.
type Recorder struct {
	*Server
	t        testing.TB
	upstream string

	mu     sync.Mutex
	out    io.Writer
	lastID int
	err    error
}

// Record starts a server that passes everything on to the node at upstream and
// back, and writes what is said to a transcript at path, gzipped where the name
// ends in .gz. The file is complete when the test has ended.
func Record(t testing.TB, upstream, path string) *Recorder {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	r := &Recorder{t: t, upstream: upstream, out: f}
	var z *gzip.Writer
	if strings.HasSuffix(path, ".gz") {
		z = gzip.NewWriter(f)
		r.out = z
	}
	t.Cleanup(func() { // runs after the server's own
		r.mu.Lock()
		defer r.mu.Unlock()
		if z != nil {
			r.err = errors.Join(r.err, z.Close())
		}
		if err := errors.Join(r.err, f.Close()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	})
	r.Server = NewServer(t, r.pass)
	return r
}

func (r *Recorder) line(arrow, text string) {
	if _, err := fmt.Fprintf(r.out, "%s %s\n", arrow, text); err != nil && r.err == nil {
		r.err = err
	}
}

// pass is one connection.
func (r *Recorder) pass(c *Conn) {
	ws, _, err := websocket.Dial(c.ctx, r.upstream, &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled}) //nolint:bodyclose // the library closes it, or it is the connection
	if err != nil {
		r.t.Errorf("the node to record: %v", err)
		return
	}
	defer ws.CloseNow() //nolint:errcheck // the node may go first
	ws.SetReadLimit(maxAnswer)
	ids := make(map[string]int) // of this connection to those of the file

	done := make(chan struct{})
	go func() {
		defer close(done)
		defer c.Drop()
		for {
			_, text, err := ws.Read(c.ctx)
			if err != nil {
				return
			}
			r.said(text, ids)
			if c.Send(string(text)) != nil {
				return
			}
		}
	}()
	c.Drain(func(text []byte) {
		r.asked(text, ids)
		if ws.Write(c.ctx, websocket.MessageText, text) != nil {
			c.Drop()
		}
	})
	ws.CloseNow() //nolint:errcheck // ends the other goroutine
	<-done
}

func (r *Recorder) asked(text []byte, ids map[string]int) {
	list, _, err := split(text)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.err = errors.Join(r.err, fmt.Errorf("the client said what is not JSON-RPC: %w", err))
		return
	}
	for _, m := range list {
		r.lastID++
		ids[string(m.ID)] = r.lastID
		r.line("-->", request(r.lastID, m.Method, m.Params))
	}
}

func (r *Recorder) said(text []byte, ids map[string]int) {
	list, _, err := split(text)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.err = errors.Join(r.err, fmt.Errorf("the node said what is not JSON-RPC: %w", err))
		return
	}
	for _, m := range list {
		switch id, ok := ids[string(m.ID)]; {
		case m.Method != "":
			r.line("<--", fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"params":%s}`, m.Method, compact(m.Params)))
		case ok:
			m.Result = oneLine(m.Result)
			m.Error = oneLine(m.Error)
			r.line("<--", answer(fmt.Sprint(id), m))
		default:
			r.err = errors.Join(r.err, fmt.Errorf("the node answered what nobody asked: %.200s", text))
		}
	}
}

// oneLine returns JSON that has no line breaks.
func oneLine(raw []byte) []byte {
	if raw == nil {
		return nil
	}
	return []byte(compact(raw))
}
