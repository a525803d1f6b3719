package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
)

// Subscription is a stream of notifications. It ends by Close, with its
// connection, when notifications are not taken fast enough, or when the node
// says so.
type Subscription struct {
	c                   *Conn
	method, unsubscribe string
	id                  string // as the node wrote it: a JSON string or number
	queue               chan json.RawMessage
	queued              atomic.Int64 // bytes
	over                sync.Once
	done                chan struct{} // closed with err set
	err                 error
}

// Subscribe makes a subscription: subscribe is the method that begins it,
// unsubscribe the one that ends it. Errors are those of Call. Where ctx ends
// before the node has answered, the subscription is ended when it does.
func (c *Conn) Subscribe(ctx context.Context, subscribe, unsubscribe string, params ...any) (*Subscription, error) {
	k := newCall(1)
	k.sub = &Subscription{
		c: c, method: subscribe, unsubscribe: unsubscribe,
		queue: make(chan json.RawMessage, c.opts.Queue),
		done:  make(chan struct{}),
	}
	err := c.do(ctx, k, []Request{{subscribe, params}}, false)
	if err == nil {
		err = k.answers[0].err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", subscribe, err)
	}
	return k.sub, nil
}

// Next returns the next notification, and waits for it. What came before the
// subscription ended is returned before the error that says why: it wraps
// ErrClosed, ErrSlow or ErrUnsubscribed, or is the node's *Error. When ctx ends,
// its error is returned and the subscription goes on.
func (s *Subscription) Next(ctx context.Context) (json.RawMessage, error) {
	select {
	case n := <-s.queue:
		return s.take(n), nil
	default:
	}
	select {
	case n := <-s.queue:
		return s.take(n), nil
	case <-s.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", s.method, context.Cause(ctx))
	}
	select {
	case n := <-s.queue: // it came right before the end
		return s.take(n), nil
	default:
		return nil, fmt.Errorf("%s: %w", s.method, s.err)
	}
}

func (s *Subscription) take(n json.RawMessage) json.RawMessage {
	s.queued.Add(-int64(len(n)))
	return n
}

// Close ends the subscription and tells the node, without waiting for what it
// says to that. It returns nil, also where the subscription has ended already.
func (s *Subscription) Close() error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.drop(s, ErrUnsubscribed)
	return nil
}

// end ends the subscription on this side.
func (s *Subscription) end(err error) {
	s.over.Do(func() {
		s.err = err
		close(s.done)
	})
}

// drop ends a subscription on both sides. c.mu is held.
func (c *Conn) drop(s *Subscription, err error) {
	if c.subs[s.id] == s {
		delete(c.subs, s.id)
		c.unsubscribe(s)
	}
	s.end(err)
}

// unsubscribe tells the node that a subscription is over. The answer is dropped.
// c.mu is held.
func (c *Conn) unsubscribe(s *Subscription) {
	text, err := appendRequest(nil, c.lastID.Add(1), s.unsubscribe, []any{json.RawMessage(s.id)})
	if err == nil {
		c.post(&outgoing{text: text})
	}
}

// begin makes a subscription of the answer to a call that subscribes. It runs in
// the read loop, so that no notification can come between. c.mu is held.
func (c *Conn) begin(k *call, m *message) {
	s := k.sub
	id, err := m.raw()
	if err == nil && (len(id) > maxSubscriptionID || id[0] != '"' && (id[0] < '0' || id[0] > '9')) {
		err = fmt.Errorf("%w: %s is not the id of a subscription", ErrMalformed, excerpt(id))
	}
	if err == nil && c.subs[string(id)] != nil {
		err = fmt.Errorf("%w: the subscription %s exists already", ErrMalformed, id)
	}
	if err == nil {
		s.id = string(id)
	}
	if k.dropped {
		if err == nil {
			c.unsubscribe(s)
		}
		return
	}
	if k.answers[0].err = err; err == nil {
		c.subs[s.id] = s
		for _, n := range c.early {
			if n.id == s.id {
				c.push(s, n.result, n.fault)
			}
		}
		if c.earlyLost {
			c.drop(s, fmt.Errorf("%w (before its id was known)", ErrSlow))
		}
	}
	c.subscribed()
	close(k.done)
}

// notify gives a notification to its subscription. An error ends the connection.
func (c *Conn) notify(m *message) error {
	if m.params[0] != '{' {
		return nil // a notification of another kind
	}
	n, err := m.notification()
	if err != nil {
		return fmt.Errorf("params of a notification: %w", err)
	}
	value := n.result
	if value == nil {
		value = n.fault
	}
	if n.subscription == "" || len(n.subscription) > maxSubscriptionID || value == nil {
		return nil // a notification of another kind
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.subs[n.subscription]
	if s == nil && c.subscribing == 0 {
		return nil // one that was ended
	}
	if !json.Valid(value) {
		return fmt.Errorf("a notification is not JSON: %s", excerpt(value))
	}
	if s != nil {
		c.push(s, bytes.Clone(n.result), bytes.Clone(n.fault))
		return nil
	}
	if len(c.early) == maxEarly || c.earlyBytes+len(value) > maxQueueBytes && c.earlyBytes > 0 {
		c.earlyLost = true
		return nil
	}
	c.earlyBytes += len(value)
	c.early = append(c.early, earlyNotification{n.subscription, bytes.Clone(n.result), bytes.Clone(n.fault)})
	return nil
}

// push queues a notification and never blocks. c.mu is held.
func (c *Conn) push(s *Subscription, result, fault []byte) {
	if c.subs[s.id] != s {
		return // the one before did not fit: no gaps
	}
	if result == nil {
		c.drop(s, newError(fault))
		return
	}
	waiting := s.queued.Add(int64(len(result)))
	if waiting <= maxQueueBytes || waiting == int64(len(result)) {
		select {
		case s.queue <- result:
			return
		default:
		}
	}
	c.drop(s, fmt.Errorf("%w (%d were waiting)", ErrSlow, len(s.queue)))
}
