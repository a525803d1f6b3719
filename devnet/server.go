package devnet

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	maxMessage   = 15 << 20 // of a client, as a node limits it
	maxBatch     = 1000     // calls in one message
	maxQueue     = 4096     // messages that wait for a client to read them,
	maxQueued    = 16 << 20 // and their bytes
	maxAnswer    = 64 << 20 // of a batch
	maxSubs      = 1024     // subscriptions of a client
	writeTimeout = 10 * time.Second
)

// conn is one client. Its reader answers requests one after another; its writer
// sends what queues up. Whoever does not read in time is cut off, so that nobody
// holds a block up.
type conn struct {
	n      *Node
	ws     *websocket.Conn
	cancel context.CancelFunc
	wake   chan struct{} // something is queued; of capacity 1
	room   chan struct{} // something was sent; of capacity 1

	mu    sync.Mutex
	queue [][]byte
	size  int // of queue in bytes
	dead  bool

	fresh []*subscription // whose ids the client is about to get; the reader's
}

// accept serves one WebSocket.
func (n *Node) accept(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // web pages may talk to a development chain
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return // it has been answered
	}
	ctx, cancel := context.WithCancel(r.Context())
	c := &conn{n: n, ws: ws, cancel: cancel, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	n.mu.Lock()
	if n.closing {
		n.mu.Unlock()
		cancel()
		_ = ws.CloseNow()
		return
	}
	n.conns[c] = struct{}{}
	n.wg.Add(1)
	n.mu.Unlock()
	defer n.wg.Done()
	var writer sync.WaitGroup
	writer.Go(func() { c.write(ctx) })
	c.read(ctx)
	cancel()
	n.forget(c)
	_ = ws.CloseNow()
	writer.Wait()
}

// forget drops a client and its subscriptions.
func (n *Node) forget(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
	c.kill()
	for s := range n.subs {
		if s.c == c {
			delete(n.subs, s)
		}
	}
}

// kill drops what waits for the client and whatever comes later.
func (c *conn) kill() {
	c.mu.Lock()
	c.dead, c.queue, c.size = true, nil, 0
	c.mu.Unlock()
}

// read answers requests until the client goes.
func (c *conn) read(ctx context.Context) {
	c.ws.SetReadLimit(maxMessage)
	for {
		_, msg, err := c.ws.Read(ctx)
		if err != nil {
			return
		}
		if answer := c.n.handle(c, msg); answer != nil && !c.push(ctx, answer) {
			return
		}
		c.n.open(c)
	}
}

// full reports whether the client is too far behind; the caller holds mu.
func (c *conn) full() bool { return len(c.queue) >= maxQueue || c.size >= maxQueued }

// push queues an answer and waits for room while the client reads slowly.
func (c *conn) push(ctx context.Context, msg []byte) bool {
	for {
		c.mu.Lock()
		if c.dead {
			c.mu.Unlock()
			return false
		}
		if !c.full() {
			c.queue, c.size = append(c.queue, msg), c.size+len(msg)
			c.mu.Unlock()
			signal(c.wake)
			return true
		}
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return false
		case <-c.room:
		}
	}
}

// offer queues a notification without waiting. A client that is too far behind
// is cut off.
func (c *conn) offer(msg []byte) {
	c.mu.Lock()
	full := c.full()
	if full {
		c.dead = true
	}
	if !c.dead {
		c.queue, c.size = append(c.queue, msg), c.size+len(msg)
	}
	c.mu.Unlock()
	if full {
		c.cancel()
		return
	}
	signal(c.wake)
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// write sends what queues up.
func (c *conn) write(ctx context.Context) {
	defer c.cancel()
	for {
		c.mu.Lock()
		var msg []byte
		if len(c.queue) > 0 {
			msg, c.queue = c.queue[0], c.queue[1:]
			c.size -= len(msg)
		}
		c.mu.Unlock()
		if msg == nil {
			select {
			case <-ctx.Done():
				return
			case <-c.wake:
			}
			continue
		}
		signal(c.room)
		timed, cancel := context.WithTimeout(ctx, writeTimeout)
		err := c.ws.Write(timed, websocket.MessageText, msg)
		cancel()
		if err != nil {
			return
		}
	}
}

// rpcError is an error as JSON-RPC sends it.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func invalidParams(why string) *rpcError {
	return &rpcError{Code: -32602, Message: "Invalid params", Data: why}
}

// request is one call.
type request struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

// handle answers one message: a call, or a batch of them. There is no answer to
// calls without an id.
func (n *Node) handle(c *conn, msg []byte) []byte {
	msg = bytes.TrimLeft(msg, " \t\r\n")
	if len(msg) == 0 || msg[0] != '[' {
		if r := n.answer(c, msg); r != nil {
			return encode(r)
		}
		return nil
	}
	var calls []json.RawMessage
	if err := json.Unmarshal(msg, &calls); err != nil {
		return encode(failed(nil, -32700, "Parse error"))
	}
	switch {
	case len(calls) == 0:
		return encode(failed(nil, -32600, "Invalid request"))
	case len(calls) > maxBatch:
		return encode(failed(nil, -32010, "The batch request was too large"))
	}
	var out []byte
	for _, call := range calls {
		if r := n.answer(c, call); r != nil {
			out = append(append(out, ','), encode(r)...)
		}
		if len(out) > maxAnswer {
			return encode(failed(nil, -32011, "The batch response was too large"))
		}
	}
	if len(out) == 0 {
		return nil
	}
	out[0] = '['
	return append(out, ']')
}

func failed(id json.RawMessage, code int, message string) *response {
	if id == nil {
		id = json.RawMessage("null")
	}
	return &response{Version: "2.0", ID: id, Error: &rpcError{Code: code, Message: message}}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // an id of the client's that is no JSON cannot come this far
		return encode(failed(nil, -32603, "Internal error"))
	}
	return b
}

// answer answers one call, nil where it has no id.
func (n *Node) answer(c *conn, msg []byte) *response {
	var q request
	if err := json.Unmarshal(msg, &q); err != nil {
		if !json.Valid(msg) {
			return failed(nil, -32700, "Parse error")
		}
		return failed(nil, -32600, "Invalid request")
	}
	id := bytes.TrimSpace(q.ID)
	switch {
	case q.Version != "2.0" || q.Method == "" || len(id) > 0 && (id[0] == '{' || id[0] == '[' || id[0] == 't' || id[0] == 'f'):
		return failed(nil, -32600, "Invalid request")
	case len(id) == 0:
		return nil
	}
	m, ok := methods[q.Method]
	if !ok {
		return failed(q.ID, -32601, "Method not found")
	}
	p := params{}
	if raw := bytes.TrimSpace(q.Params); len(raw) > 0 && !bytes.Equal(raw, []byte("null")) {
		if err := json.Unmarshal(raw, &p.list); err != nil {
			return &response{Version: "2.0", ID: q.ID, Error: invalidParams("parameters are a list")}
		}
	}
	result, e := m(n, c, &p)
	switch {
	case p.err != nil:
		e = p.err
	case e == nil && result == nil:
		result = json.RawMessage("null")
	}
	if e != nil {
		return &response{Version: "2.0", ID: q.ID, Error: e}
	}
	return &response{Version: "2.0", ID: q.ID, Result: result}
}
