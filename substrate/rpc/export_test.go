package rpc

import (
	"encoding/json"
	"time"
)

// Receiver takes messages without a connection: for the fuzz target. Its calls
// wait for answers: id 1 for JSON, 2 for hexadecimal digits, 3 and 4 as a batch,
// 5 for a subscription.
type Receiver struct {
	c                     *Conn
	raw, hex, batch, subs *call
}

// NewReceiver returns a Receiver.
func NewReceiver() *Receiver {
	r := &Receiver{
		c: &Conn{
			opts:    Options{Queue: 4}.withDefaults(),
			wake:    make(chan struct{}, 1),
			pending: make(map[uint64]*call), subs: make(map[string]*Subscription),
			subscribing: 1,
		},
		raw: newCall(1), hex: newCall(1), batch: newCall(2), subs: newCall(1),
	}
	r.raw.first, r.hex.first, r.batch.first, r.subs.first = 1, 2, 3, 5
	r.hex.hex = true
	r.subs.sub = &Subscription{c: r.c, queue: make(chan json.RawMessage, 4), done: make(chan struct{})}
	for _, k := range []*call{r.raw, r.hex, r.batch, r.subs} {
		for i := range k.answers {
			r.c.pending[k.first+uint64(i)] = k
		}
	}
	return r
}

// Receive takes a message.
func (r *Receiver) Receive(text []byte) error {
	_, err := r.c.receive(text)
	return err
}

// Raw returns the answer to call 1, and whether it came.
func (r *Receiver) Raw() ([]byte, error, bool) {
	a := r.raw.answers[0]
	return a.data, a.err, a.have
}

// CloseTimeout is how long Close waits for a node that says nothing.
const CloseTimeout time.Duration = closeTimeout
