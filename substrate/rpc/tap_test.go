package rpc_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate/rpc"
)

func TestTap(t *testing.T) {
	s := nodetest.ScriptLines(t,
		`--> {"jsonrpc":"2.0","id":1,"method":"before","params":[]}`, `<-- {"id":1,"result":1}`,
		`--> {"jsonrpc":"2.0","id":2,"method":"tapped","params":[]}`, `<-- {"id":2,"result":2}`,
		`--> [{"jsonrpc":"2.0","id":3,"method":"batch","params":[7]}]`, `<-- [{"id":3,"result":"0x03"}]`,
		`--> {"jsonrpc":"2.0","id":4,"method":"after","params":[]}`, `<-- {"id":4,"result":4}`,
	)
	c := dial(t, s, rpc.Options{})
	call := func(method string) {
		t.Helper()
		if _, err := c.Call(soon(t), method); err != nil {
			t.Error(err)
		}
	}
	var (
		mu  sync.Mutex
		got []string
	)
	call("before")
	c.Tap(func(sent bool, message []byte) {
		mu.Lock()
		defer mu.Unlock()
		arrow := "<-- "
		if sent {
			arrow = "--> "
		}
		got = append(got, arrow+string(message))
	})
	call("tapped")
	if _, err := c.Batch(soon(t), []rpc.Request{{Method: "batch", Params: []any{7}}}); err != nil {
		t.Error(err)
	}
	c.Tap(nil)
	call("after")
	mu.Lock()
	defer mu.Unlock()
	if d := cmp.Diff([]string{
		`--> {"jsonrpc":"2.0","id":2,"method":"tapped","params":[]}`, `<-- {"id":2,"result":2}`,
		`--> [{"jsonrpc":"2.0","id":3,"method":"batch","params":[7]}]`, `<-- [{"id":3,"result":"0x03"}]`,
	}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
