package nodetest

import (
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// Gate is a proxy that tells how often a client waits for a node before it asks
// on.
type Gate struct {
	*Server
	t        testing.TB
	upstream string

	mu    sync.Mutex
	trips []*trip // none: everything passes
	asked int     // requests that came since Trips was called
	conns map[*Conn]struct{}
}

// trip is what a client can ask before it needs an answer.
type trip struct {
	last int           // counted from the first request of the first trip
	open chan struct{} // closed when all its requests have come
}

// NewGate starts a server that passes everything on to the node at upstream and
// back.
func NewGate(t testing.TB, upstream string) *Gate {
	t.Helper()
	g := &Gate{t: t, upstream: upstream, conns: make(map[*Conn]struct{})}
	g.Server = NewServer(t, g.pass)
	return g
}

// Trips runs do, in which a client has to ask so many requests in its first trip
// to the node, so many in the second, and so on. Requests of a batch count one by
// one. No answer of a trip is let through before all its requests have come: a
// client that waits for one of them first waits until it gives up. The test fails
// where other numbers of requests are asked.
func (g *Gate) Trips(do func(), requests ...int) {
	g.t.Helper()
	g.mu.Lock()
	g.asked, g.trips = 0, nil
	total := 0
	for _, n := range requests {
		total += n
		g.trips = append(g.trips, &trip{total, make(chan struct{})})
	}
	g.mu.Unlock()
	do()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked != total {
		g.t.Errorf("%d requests were asked, want trips of %v", g.asked, requests)
	}
	for _, tr := range g.trips {
		if tr.last > g.asked {
			close(tr.open) // what was held back goes to who gave up
		}
	}
	g.trips = nil
}

// Drop cuts the connections that there are. New ones pass.
func (g *Gate) Drop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.Drop()
	}
}

// pass is one connection.
func (g *Gate) pass(c *Conn) {
	g.mu.Lock()
	g.conns[c] = struct{}{}
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.conns, c)
	}()
	ws, _, err := websocket.Dial(c.ctx, g.upstream, &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled}) //nolint:bodyclose // the library closes it, or it is the connection
	if err != nil {
		g.t.Errorf("the node behind the gate: %v", err)
		return
	}
	defer ws.CloseNow() //nolint:errcheck // the node may go first
	ws.SetReadLimit(maxAnswer)
	var (
		mu  sync.Mutex
		ids = make(map[string]*trip) // by the id of a request
	)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer c.Drop()
		for {
			_, text, err := ws.Read(c.ctx)
			if err != nil {
				return
			}
			list, _, err := split(text)
			if err != nil {
				g.t.Errorf("the node behind the gate said what is not JSON-RPC: %v", err)
				return
			}
			for _, m := range list {
				mu.Lock()
				tr := ids[string(m.ID)]
				mu.Unlock()
				if tr == nil {
					continue
				}
				select {
				case <-tr.open:
				case <-c.ctx.Done():
					return
				}
			}
			if c.SendBytes(text) != nil {
				return
			}
		}
	}()
	c.Drain(func(text []byte) {
		list, _, err := split(text)
		if err != nil {
			g.t.Errorf("the client said what is not JSON-RPC: %v", err)
		}
		for _, m := range list {
			tr := g.count()
			mu.Lock()
			ids[string(m.ID)] = tr
			mu.Unlock()
		}
		if ws.Write(c.ctx, websocket.MessageText, text) != nil {
			c.Drop()
		}
	})
	ws.CloseNow() //nolint:errcheck // ends the other goroutine
	<-done
}

// count counts a request and returns its trip, nil where nothing is held back.
func (g *Gate) count() *trip {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	for _, tr := range g.trips {
		if g.asked == tr.last {
			close(tr.open)
		}
		if g.asked <= tr.last {
			return tr
		}
	}
	return nil
}
