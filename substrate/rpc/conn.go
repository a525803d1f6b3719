package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Options configure a connection. The zero value is ready to use.
type Options struct {
	// MaxResponse is the most bytes of one message from the node, 0 for 256 MiB.
	// A node that sends more loses the connection: ErrTooLarge.
	MaxResponse int64
	// HandshakeTimeout bounds Dial, 0 for 15 s.
	HandshakeTimeout time.Duration
	// CallTimeout is how long a call waits for its whole answer, 0 for 60 s.
	CallTimeout time.Duration
	// PingInterval is how often a silent node is asked whether it is still there,
	// 0 for 20 s. Where nothing arrives within a further interval, or a request
	// cannot be sent for one, the connection is lost. While an answer is arriving,
	// however slowly, the node counts as there.
	PingInterval time.Duration
	// Queue is how many notifications of a subscription may wait to be taken, 0
	// for 1024. One more ends the subscription: ErrSlow.
	Queue int
	// Proxy names the proxy for a request, nil for none. The request's URL has
	// the scheme https for wss and http for ws. A nil Proxy is
	// http.ProxyFromEnvironment, which reads the environment once a process.
	Proxy func(*http.Request) (*url.URL, error)
	// TLS is for wss, nil for the machine's own trust.
	TLS *tls.Config
	// DialContext opens a socket, nil for a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
}

const (
	defaultMaxResponse      = 256 << 20
	defaultHandshakeTimeout = 15 * time.Second
	defaultCallTimeout      = 60 * time.Second
	defaultPingInterval     = 20 * time.Second
	defaultQueue            = 1024

	// closeTimeout is how long Close waits for the node to say goodbye.
	closeTimeout = time.Second
	// maxQueueBytes bounds the notifications that wait in one subscription, and
	// those that wait for their subscription to become known.
	maxQueueBytes     = 64 << 20
	maxEarly          = 1024
	maxSubscriptionID = 256
)

func (o Options) withDefaults() Options {
	if o.MaxResponse <= 0 {
		o.MaxResponse = defaultMaxResponse
	}
	if o.HandshakeTimeout <= 0 {
		o.HandshakeTimeout = defaultHandshakeTimeout
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = defaultCallTimeout
	}
	if o.PingInterval <= 0 {
		o.PingInterval = defaultPingInterval
	}
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	if o.DialContext == nil {
		o.DialContext = new(net.Dialer).DialContext
	}
	return o
}

// Conn is a connection to a node. It is safe for concurrent use. Three
// goroutines belong to it, which read, write and ping; Close waits for them.
type Conn struct {
	ws       *websocket.Conn
	dialer   *dialer
	endpoint string
	opts     Options
	lastID   atomic.Uint64
	writes   atomic.Uint64 // begun and ended: odd while one is under way
	tap      atomic.Pointer[func(sent bool, message []byte)]

	spare spare // for the bytes of answers

	loops sync.WaitGroup
	wake  chan struct{} // there is something in outbox
	done  chan struct{} // closed with err set

	mu      sync.Mutex
	err     error // wraps ErrClosed; set once, by the read loop
	cause   error // why this side ends the connection, nil where the node does
	pending map[uint64]*call
	subs    map[string]*Subscription
	outbox  []*outgoing
	stray   *Error // the newest error that names no call

	// Notifications can be sent before the answer that says whose they are. They
	// are kept while such an answer is awaited.
	subscribing int
	early       []earlyNotification
	earlyBytes  int
	earlyLost   bool // there was no room for one
}

// outgoing is a message to be sent. It is dropped where its call was given up
// before.
type outgoing struct {
	text []byte
	call *call // nil for messages that await nothing
}

// earlyNotification is one of a subscription that is not known yet.
type earlyNotification struct {
	id            string
	result, fault []byte
}

// call is one message that awaits its answers: one, or those of a batch.
type call struct {
	first    uint64 // ids are consecutive
	hex      bool
	sub      *Subscription // for calls that subscribe
	deadline time.Time     // by Options.CallTimeout
	answers  []answer
	left     int           // answers missing; the read loop's alone
	err      error         // of the whole call; read after done
	done     chan struct{} // closed when all is there

	// Under Conn.mu:
	sent    bool
	dropped bool // nobody waits any more
}

type answer struct {
	data []byte // JSON, or the bytes of a hex call
	err  error
	have bool
}

func newCall(n int) *call {
	return &call{answers: make([]answer, n), left: n, done: make(chan struct{})}
}

func newConn(ws *websocket.Conn, d *dialer, endpoint string, opts Options) *Conn {
	c := &Conn{
		ws: ws, dialer: d, endpoint: endpoint, opts: opts,
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		pending: make(map[uint64]*call),
		subs:    make(map[string]*Subscription),
	}
	c.loops.Go(c.read)
	c.loops.Go(c.write)
	c.loops.Go(c.ping)
	return c
}

// Endpoint returns the URL of the node, without a password.
func (c *Conn) Endpoint() string { return c.endpoint }

// Done returns a channel that is closed when the connection is.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns nil while the connection lives, then an error that wraps ErrClosed
// and says why it ended.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection, all calls and all subscriptions, and waits until
// nothing of it runs any more: a second at most where the node does not answer.
// It may be called more than once and returns nil.
func (c *Conn) Close() error {
	c.mu.Lock()
	first := c.cause == nil && c.err == nil
	if first {
		c.cause = errors.New("by this side")
	}
	c.mu.Unlock()
	if first {
		goodbye := time.AfterFunc(closeTimeout, c.dialer.close)
		// How the goodbye went is of no interest: the connection is over.
		c.ws.Close(websocket.StatusNormalClosure, "") //nolint:errcheck // see above
		goodbye.Stop()
		c.dialer.close()
	}
	c.loops.Wait()
	return nil
}

// abort ends the connection for a reason. The read loop notices.
func (c *Conn) abort(cause error) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = cause
	}
	c.mu.Unlock()
	c.dialer.close()
}

// Tap has f called with every message that is sent or received from now on, until
// the next Tap; nil ends it. Messages may be batches. f is called by two
// goroutines, one for either direction, which wait for it; it must not keep or
// change the message.
func (c *Conn) Tap(f func(sent bool, message []byte)) {
	if f == nil {
		c.tap.Store(nil)
		return
	}
	c.tap.Store(&f)
}

func (c *Conn) tapped(sent bool, message []byte) {
	if f := c.tap.Load(); f != nil {
		(*f)(sent, message)
	}
}

// Call asks for one thing and returns the result as JSON. The error is an *Error
// where the node refused, ctx's own where ctx ended, and wraps ErrTimeout,
// ErrClosed or ErrMalformed else. Nothing of a call that was given up stays
// behind; one that was not sent yet never is. Params are written by
// encoding/json: give bytes as EncodeHex writes them.
func (c *Conn) Call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	return c.Send(ctx, false, method, params...).Wait(ctx)
}

// CallHex is Call for a result of the form "0x…". It returns the bytes, and nil
// for the result null.
func (c *Conn) CallHex(ctx context.Context, method string, params ...any) ([]byte, error) {
	return c.Send(ctx, true, method, params...).Wait(ctx)
}

// Pending is a call that was sent and whose answer has not been waited for.
type Pending struct {
	c      *Conn
	k      *call
	method string
	err    error // it could not be sent
}

// Send asks for one thing and does not wait: Pending.Wait is then the rest of
// CallHex where hex is set, else that of Call. Nothing is sent where ctx has
// ended. A Pending that is not waited for must be dropped.
func (c *Conn) Send(ctx context.Context, hex bool, method string, params ...any) *Pending {
	k := newCall(1)
	k.hex = hex
	return &Pending{c, k, method, c.send(ctx, k, []Request{{method, params}}, false)}
}

// Wait waits for the answer. It is called once.
func (p *Pending) Wait(ctx context.Context) ([]byte, error) {
	err := p.err
	if err == nil {
		err = p.c.wait(ctx, p.k)
	}
	if err == nil {
		err = p.k.answers[0].err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.method, err)
	}
	return p.k.answers[0].data, nil
}

// Recycle takes the bytes of an answer back, which are then those of a later one:
// nobody may hold them any more. It is for large answers that come often.
func (c *Conn) Recycle(answer []byte) { c.spare.put(answer) }

// Drop gives the call up. It does nothing where the answer has come.
func (p *Pending) Drop() {
	if p.err == nil {
		p.c.giveUp(p.k)
	}
}

// Request is one call of a batch.
type Request struct {
	Method string
	Params []any
}

// Response is the answer to one call of a batch: a result, or an error that is
// an *Error, or wraps ErrUnanswered or ErrMalformed.
type Response struct {
	Result json.RawMessage
	Err    error
}

// Hex returns the bytes of a result "0x…", nil for null, or the response's
// error.
func (r Response) Hex() ([]byte, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	return DecodeHex(r.Result)
}

// Batch asks for several things in one message and returns the responses in the
// order of the calls. The error is for the batch as a whole, as Call's; that of
// one call is in its Response. No calls are no message.
func (c *Conn) Batch(ctx context.Context, calls []Request) ([]Response, error) {
	if len(calls) == 0 {
		return nil, nil
	}
	k := newCall(len(calls))
	if err := c.do(ctx, k, calls, true); err != nil {
		return nil, fmt.Errorf("batch of %d calls, %s first: %w", len(calls), calls[0].Method, err)
	}
	out := make([]Response, len(calls))
	for i, a := range k.answers {
		out[i] = Response{Result: a.data}
		if a.err != nil {
			out[i].Err = fmt.Errorf("%s: %w", calls[i].Method, a.err)
		}
	}
	return out, nil
}

// do sends a call and waits for its answers.
func (c *Conn) do(ctx context.Context, k *call, requests []Request, batch bool) error {
	if err := c.send(ctx, k, requests, batch); err != nil {
		return err
	}
	return c.wait(ctx, k)
}

func (c *Conn) send(ctx context.Context, k *call, requests []Request, batch bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	n := uint64(len(requests))
	k.first = c.lastID.Add(n) - n + 1
	k.deadline = time.Now().Add(c.opts.CallTimeout)
	var (
		text = make([]byte, 0, requestSize*len(requests))
		err  error
	)
	for i, r := range requests {
		if batch {
			text = append(text, "[,"[min(i, 1)])
		}
		if text, err = appendRequest(text, k.first+uint64(i), r.Method, r.Params); err != nil {
			return err
		}
	}
	if batch {
		text = append(text, ']')
	}
	return c.start(k, text)
}

func (c *Conn) wait(ctx context.Context, k *call) error {
	select {
	case <-k.done:
		return k.err
	default:
	}
	timeout := time.NewTimer(time.Until(k.deadline))
	defer timeout.Stop()
	select {
	case <-k.done:
		return k.err
	case <-ctx.Done():
		if c.giveUp(k) {
			return k.err // the answer came after all
		}
		return context.Cause(ctx)
	case <-timeout.C:
	}
	if c.giveUp(k) {
		return k.err
	}
	c.mu.Lock()
	stray := c.stray
	c.mu.Unlock()
	if stray != nil {
		return fmt.Errorf("%w: waited %v (without saying to what, %w)", ErrTimeout, c.opts.CallTimeout, stray)
	}
	return fmt.Errorf("%w: waited %v", ErrTimeout, c.opts.CallTimeout)
}

// start makes a call pending and hands its message to the writer.
func (c *Conn) start(k *call, text []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	if c.cause != nil {
		return c.closedBy(c.cause)
	}
	for i := range k.answers {
		c.pending[k.first+uint64(i)] = k
	}
	if k.sub != nil {
		c.subscribing++
	}
	c.post(&outgoing{text: text, call: k})
	return nil
}

// post hands a message to the writer. It never blocks; c.mu is held.
func (c *Conn) post(m *outgoing) {
	c.outbox = append(c.outbox, m)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// giveUp forgets a call. It reports true where the answer has come. A call that
// subscribes stays pending once it was sent: when it is answered, the node is
// asked to end the subscription that nobody wants.
func (c *Conn) giveUp(k *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-k.done:
		return true
	default:
	}
	k.dropped = true
	if k.sub != nil {
		c.subscribed()
		if k.sent {
			return false
		}
	}
	c.forget(k)
	return false
}

func (c *Conn) forget(k *call) {
	for i := range k.answers {
		delete(c.pending, k.first+uint64(i))
	}
}

// subscribed counts a call that subscribes as done. With the last one go the
// notifications that belong to none. c.mu is held.
func (c *Conn) subscribed() {
	if c.subscribing--; c.subscribing == 0 {
		c.early, c.earlyBytes, c.earlyLost = nil, 0, false
	}
}

// write is the goroutine that sends. Calls do not write themselves, because a
// WebSocket does not survive a write that is given up half-way.
func (c *Conn) write() {
	for {
		select {
		case <-c.done:
			return
		case <-c.wake:
		}
		c.mu.Lock()
		out := c.outbox
		c.outbox = nil
		c.mu.Unlock()
		for _, m := range out {
			if !c.claim(m) {
				continue
			}
			c.tapped(true, m.text)
			c.writes.Add(1)
			// The ping loop ends the connection where this gets stuck.
			err := c.ws.Write(context.Background(), websocket.MessageText, m.text)
			c.writes.Add(1)
			if err != nil {
				c.abort(fmt.Errorf("lost while a request was sent: %w", plain(err)))
				return
			}
		}
	}
}

// claim reports whether a message is still to be sent.
func (c *Conn) claim(m *outgoing) bool {
	if m.call == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m.call.sent = !m.call.dropped
	return m.call.sent
}

// ping is the goroutine that notices a node which has gone without a word.
func (c *Conn) ping() {
	t := time.NewTicker(c.opts.PingInterval)
	defer t.Stop()
	seen, taken, write := c.dialer.received.Load(), c.dialer.sent.Load(), c.writes.Load()
	for {
		select {
		case <-c.done:
			return
		case <-t.C:
		}
		was, had, same := seen, taken, write
		seen, taken, write = c.dialer.received.Load(), c.dialer.sent.Load(), c.writes.Load()
		if seen != was {
			continue
		}
		if write%2 == 1 { // a ping would have to wait behind the write
			if taken == had && write == same {
				c.abort(fmt.Errorf("lost: the node took nothing of a request for %v", c.opts.PingInterval))
			}
			continue
		}
		asked := seen
		silent := time.AfterFunc(c.opts.PingInterval, func() {
			// An answer may be arriving, and the pong behind it.
			if c.dialer.received.Load() == asked {
				c.abort(fmt.Errorf("lost: nothing came from the node for %v, not even the answer to a ping", 2*c.opts.PingInterval))
			}
		})
		ctx, cancel := context.WithTimeout(context.Background(), 2*c.opts.PingInterval)
		err := c.ws.Ping(ctx)
		cancel()
		silent.Stop()
		if err != nil && c.dialer.received.Load() == asked {
			c.abort(fmt.Errorf("lost: a ping failed: %w", plain(err)))
		}
		seen, taken, write = c.dialer.received.Load(), c.dialer.sent.Load(), c.writes.Load()
	}
}

// read is the goroutine that receives, the only one that ends calls and
// subscriptions when the connection does.
func (c *Conn) read() {
	var in inbox
	for {
		_, r, err := c.ws.Reader(context.Background())
		var text []byte
		if err == nil {
			text, err = in.message(r)
		}
		if err != nil {
			c.end(c.reason(err))
			return
		}
		c.tapped(false, text)
		kept, err := c.receive(text)
		if err != nil {
			c.end(fmt.Errorf("the node sent what is not JSON-RPC: %w", err))
			return
		}
		if kept {
			in.whole = nil
		}
	}
}

// plain takes off the words that the WebSocket library puts around an error.
func plain(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// reason says why the connection ended, from the error of the read.
func (c *Conn) reason(err error) error {
	c.mu.Lock()
	cause := c.cause
	c.mu.Unlock()
	var goodbye websocket.CloseError
	switch {
	case cause != nil:
		return cause
	case errors.Is(err, websocket.ErrMessageTooBig):
		return fmt.Errorf("%w of %d bytes: raise Options.MaxResponse or ask for less", ErrTooLarge, c.opts.MaxResponse)
	case errors.As(err, &goodbye):
		if goodbye.Reason != "" {
			return fmt.Errorf("the node closed it: %v: %s", goodbye.Code, printable(goodbye.Reason))
		}
		return fmt.Errorf("the node closed it: %v", goodbye.Code)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("lost: the node cut it")
	case errors.Is(err, net.ErrClosed):
		return errors.New("lost: the node takes no data")
	default:
		return fmt.Errorf("lost: %w", plain(err))
	}
}

func (c *Conn) closedBy(cause error) error {
	return fmt.Errorf("%s: %w: %w", c.endpoint, ErrClosed, cause)
}

// end is the end of the read loop, and of everything.
func (c *Conn) end(cause error) {
	c.dialer.close()
	c.ws.CloseNow() //nolint:errcheck // the socket is closed; this frees what is around it
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = c.closedBy(cause)
	for _, k := range c.pending {
		select {
		case <-k.done: // a batch is there once for every call
		default:
			k.err = c.err
			close(k.done)
		}
	}
	for _, s := range c.subs {
		s.end(c.err)
	}
	c.pending, c.subs, c.outbox = nil, nil, nil
	c.early = nil
	close(c.done)
}

// receive hands a message to whom it concerns. It reports whether the message's
// memory was given away. An error ends the connection.
func (c *Conn) receive(text []byte) (kept bool, err error) {
	var answered *call
	batch, err := scan(text, func(m *message) error {
		switch {
		case m.method != nil:
			if m.id == nil && m.params != nil {
				return c.notify(m)
			}
			return nil // a request of the node's: there are none that we know
		case m.id == nil && m.result == nil && m.fault == nil:
			return fmt.Errorf("neither an answer nor a notification: %s", excerpt(text))
		case m.id == nil || string(m.id) == "null":
			c.unassigned(m)
			return nil
		}
		id, ok := m.number()
		if !ok {
			return nil // not ours: our ids are numbers
		}
		k, gave := c.answer(id, m, text)
		kept = kept || gave
		if k != nil && len(k.answers) > 1 {
			answered = k
		}
		return nil
	})
	if err == nil && batch && answered != nil {
		c.unanswered(answered)
	}
	return kept, err
}

// answer gives an answer to its call, if there is one that still waits.
func (c *Conn) answer(id uint64, m *message, text []byte) (_ *call, kept bool) {
	c.mu.Lock()
	k := c.pending[id]
	delete(c.pending, id)
	if k != nil && k.sub != nil {
		c.begin(k, m)
		k = nil
	}
	c.mu.Unlock()
	if k == nil {
		return nil, false // a late answer to a call that was given up, or a second one
	}
	// Only the read loop touches answers now, so that megabytes are decoded
	// without anyone being kept waiting.
	a := &k.answers[id-k.first]
	if k.hex {
		a.data, a.err = m.hex(c.spare.room)
	} else if a.data, a.err = m.raw(); a.err == nil {
		if kept = len(a.data) > wholeStart && len(a.data) > cap(text)/2; !kept {
			a.data = bytes.Clone(a.data)
		}
	}
	a.have = true
	if k.left--; k.left == 0 {
		close(k.done)
	}
	return k, kept
}

// unanswered ends the calls of a batch that its answer left out.
func (c *Conn) unanswered(k *call) {
	if k.left == 0 {
		return
	}
	c.mu.Lock()
	c.forget(k)
	c.mu.Unlock()
	for i := range k.answers {
		if a := &k.answers[i]; !a.have {
			a.err = ErrUnanswered
		}
	}
	k.left = 0
	close(k.done)
}

// unassigned takes an error without an id, which a node sends about a message
// that it could not read or did not want. Where one call waits, it is meant.
func (c *Conn) unassigned(m *message) {
	if m.fault == nil {
		return
	}
	e := newError(m.fault)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stray = e
	var only *call
	for _, k := range c.pending {
		if only != nil && only != k {
			return
		}
		only = k
	}
	if only == nil {
		return
	}
	c.forget(only)
	if only.dropped {
		return
	}
	if only.sub != nil {
		c.subscribed()
	}
	only.err = e
	close(only.done)
}
