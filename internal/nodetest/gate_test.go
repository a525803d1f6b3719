package nodetest_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate/rpc"
)

// A client that asks side by side gets through, one that asks in turn waits for
// what is held back until it gives up.
func TestGate(t *testing.T) {
	node := nodetest.NewServer(t, func(c *nodetest.Conn) {
		c.Drain(func(text []byte) {
			id := text[len(`{"jsonrpc":"2.0","id":`)]
			if text[0] == '[' {
				id = text[len(`[{"jsonrpc":"2.0","id":`)]
			}
			answer := `{"jsonrpc":"2.0","id":` + string(id) + `,"result":1}`
			if text[0] == '[' {
				answer = "[" + answer + "]"
			}
			if err := c.Send(answer); err != nil {
				t.Log(err)
			}
		})
	})
	g := nodetest.NewGate(t, node.URL())
	c := dial(t, g.URL())
	call := func() {
		if _, err := c.Call(soon(t), "m"); err != nil {
			t.Error(err)
		}
	}
	g.Trips(func() {
		call()
		var all sync.WaitGroup
		for range 2 {
			all.Go(call)
		}
		all.Go(func() {
			if _, err := c.Batch(soon(t), []rpc.Request{{Method: "m"}}); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
	}, 1, 3)
	call() // the gate is open again

	failed := &patient{TB: t}
	held := nodetest.NewGate(failed, node.URL())
	quick, err := rpc.Dial(soon(t), held.URL(), rpc.Options{CallTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer quick.Close()
	held.Trips(func() {
		if _, err := quick.Call(soon(t), "m"); !errors.Is(err, rpc.ErrTimeout) {
			t.Errorf("an answer got through before the trip was complete: %v", err)
		}
	}, 2)
	if !failed.failed {
		t.Error("a request that is missing goes unnoticed")
	}
}

// patient notes a failure instead of failing.
type patient struct {
	testing.TB
	failed bool
}

func (p *patient) Errorf(string, ...any) { p.failed = true }
func (p *patient) Helper()               {}
