package substrate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
)

// Ask calls a JSON-RPC method of the node and returns its answer as it is. It is
// for what the node says of itself (system_name and the like); what the chain
// says is decoded by [State]. Methods that hand in transactions are refused: that is
// for [Client.Submit], which the guard sees.
func (c *Client) Ask(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	for _, prefix := range []string{"author_submit", "transaction_", "transactionWatch_"} {
		if strings.HasPrefix(method, prefix) {
			return nil, fmt.Errorf("%s hands in transactions: use Submit", method)
		}
	}
	return c.conn.Call(ctx, method, params...)
}

// Record writes what is asked and answered from now on to w, until the returned
// function is called, which reports the first error of w. A question that was
// written before is left out with its answer: what is written is the node at one
// moment, also where its head moves on. Notifications are left out too.
//
// What is written is a transcript, a line for each message: "--> " and a request,
// "<-- " and an answer, both JSON-RPC. Nothing of the endpoint is in it. Each line
// is one Write. Only one recording at a time is possible.
func (c *Client) Record(w io.Writer) (stop func() error) {
	r := recording{w: w, asked: make(map[string]bool), ids: make(map[string]int)}
	c.conn.Tap(r.message)
	return func() error {
		c.conn.Tap(nil)
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.err
	}
}

// recording is the writing of a transcript.
type recording struct {
	mu    sync.Mutex
	w     io.Writer
	err   error
	last  int
	asked map[string]bool // by method and params
	ids   map[string]int  // of requests that are not answered yet, to those of the transcript
}

// recorded is a request or an answer; absent members are left out.
type recorded struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// message takes a message, or a batch of them, down.
func (r *recording) message(sent bool, text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []recorded
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] != '[' {
		list = make([]recorded, 1)
		if json.Unmarshal(text, &list[0]) != nil {
			return // the connection ends by it
		}
	} else if json.Unmarshal(text, &list) != nil {
		return
	}
	for _, m := range list {
		m.Version = "2.0"
		if sent {
			r.request(m)
		} else {
			r.answer(m)
		}
	}
}

func (r *recording) request(m recorded) {
	question := m.Method + " " + string(m.Params)
	if r.asked[question] {
		return
	}
	r.asked[question] = true
	r.last++
	r.ids[string(m.ID)] = r.last
	m.ID = fmt.Append(nil, r.last)
	r.line("-->", m)
}

func (r *recording) answer(m recorded) {
	id, ok := r.ids[string(m.ID)]
	if !ok {
		return
	}
	delete(r.ids, string(m.ID))
	if m.ID = fmt.Append(nil, id); m.Result == nil && m.Error == nil {
		m.Result = json.RawMessage("null") // as JSON-RPC 1.0 writes both
	}
	r.line("<--", m)
}

func (r *recording) line(arrow string, m recorded) {
	if r.err != nil {
		return
	}
	text, err := json.Marshal(m) // on one line, whatever the node wrote
	if err == nil {
		_, err = fmt.Fprintf(r.w, "%s %s\n", arrow, text)
	}
	r.err = err
}
