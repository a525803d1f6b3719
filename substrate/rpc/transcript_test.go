package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate/rpc"
)

// noProxy keeps the environment out.
func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// soon is a context that ends before the test's patience does.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func dial(t testing.TB, s *nodetest.Server, opts rpc.Options) *rpc.Conn {
	t.Helper()
	if opts.Proxy == nil {
		opts.Proxy = noProxy
	}
	c, err := rpc.Dial(t.Context(), s.URL(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func script(t *testing.T, name string) *rpc.Conn {
	t.Helper()
	return dial(t, nodetest.Script(t, filepath.Join("testdata", name)), rpc.Options{})
}

func TestCalls(t *testing.T) {
	c := script(t, "call.txt")
	call := func(want, method string, params ...any) {
		t.Helper()
		got, err := c.Call(t.Context(), method, params...)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", method, got, err, want)
		}
	}
	callHex := func(want []byte, method string, params ...any) {
		t.Helper()
		got, err := c.CallHex(t.Context(), method, params...)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, -want +got:\n%s", method, err, diff)
		}
	}
	call(`"Bittensor"`, "system_chain")
	callHex([]byte{0, 0xff, 0xab, 0x10}, "state_call", "Core_version", "0x")
	callHex(nil, "state_getStorage", "0x26aa")
	call(`{ "number":"0x10", "digest":{"logs":["\\"]} }`, "chain_getHeader", "0x01", map[string]any{"a": []any{nil, true}})
	callHex([]byte{}, "state_call", "Empty")
}

func TestErrors(t *testing.T) {
	c := script(t, "error.txt")
	for _, tt := range []struct {
		method string
		params []any
		want   *rpc.Error
		text   string
	}{
		{
			"author_submitExtrinsic",
			[]any{"0x00"},
			&rpc.Error{Code: 1010, Message: "Invalid Transaction", Data: json.RawMessage(`"Custom error: 3"`)},
			"author_submitExtrinsic: the node answered: Invalid Transaction (code 1010): Custom error: 3",
		},
		{
			"no_such", nil,
			&rpc.Error{Code: -32601, Message: "Method\x1b[2Jnot found"},
			"no_such: the node answered: Method [2Jnot found (code -32601)",
		},
		{
			"state_call", nil,
			&rpc.Error{Code: -32007, Message: "Request is too big"},
			"state_call: the node answered: Request is too big (code -32007)",
		},
	} {
		_, err := c.Call(t.Context(), tt.method, tt.params...)
		var got *rpc.Error
		if !errors.As(err, &got) {
			t.Fatalf("%s: %v", tt.method, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.method, diff)
		}
		if err.Error() != tt.text {
			t.Errorf("the error reads\n%s\nnot\n%s", err, tt.text)
		}
	}
	if got, err := c.CallHex(t.Context(), "state_call"); err != nil || len(got) != 1 {
		t.Errorf("after the errors: %x, %v", got, err)
	}
}

func TestBatch(t *testing.T) {
	c := script(t, "batch.txt")
	if got, err := c.Batch(t.Context(), nil); got != nil || err != nil {
		t.Errorf("an empty batch: %v, %v", got, err)
	}
	got, err := c.Batch(t.Context(), []rpc.Request{{Method: "a"}, {Method: "b", Params: []any{"x"}}, {Method: "c"}, {Method: "d"}})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := got[0].Hex(); err != nil || string(b) != "\x01\x02" {
		t.Errorf("a: %x, %v", b, err)
	}
	if b, err := got[1].Hex(); err != nil || b != nil {
		t.Errorf("b: %x, %v", b, err)
	}
	var node *rpc.Error
	if _, err := got[2].Hex(); !errors.As(err, &node) || node.Code != -32601 || !strings.HasPrefix(err.Error(), "c: ") {
		t.Errorf("c: %v", err)
	}
	if !errors.Is(got[3].Err, rpc.ErrUnanswered) {
		t.Errorf("d: %v", got[3].Err)
	}

	two := []rpc.Request{{Method: "a"}, {Method: "b"}}
	if _, err := c.Batch(t.Context(), two); !errors.As(err, &node) || node.Code != -32005 {
		t.Errorf("a node without batches: %v", err)
	}
	got, err = c.Batch(t.Context(), two)
	if err != nil || string(got[0].Result) != "7" || string(got[1].Result) != "8" {
		t.Errorf("single answers: %v, %v", got, err)
	}
}

func TestSubscription(t *testing.T) {
	c := script(t, "subscription.txt")
	next := func(s *rpc.Subscription, want string) {
		t.Helper()
		if got, err := s.Next(soon(t)); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	heads, err := c.Subscribe(t.Context(), "chain_subscribeNewHeads", "chain_unsubscribeNewHeads")
	if err != nil {
		t.Fatal(err)
	}
	next(heads, `{"number":"0x1"}`)
	next(heads, `{"number":"0x2"}`)
	next(heads, `{"number":"0x3"}`)
	watch, err := c.Subscribe(t.Context(), "author_submitAndWatchExtrinsic", "author_unwatchExtrinsic", "0x00")
	if err != nil {
		t.Fatal(err)
	}
	next(watch, `"ready"`)
	var node *rpc.Error
	if _, err := watch.Next(soon(t)); !errors.As(err, &node) || node.Message != "gone" {
		t.Errorf("the node ended it: %v", err)
	}
	if _, err := watch.Next(soon(t)); !errors.As(err, &node) {
		t.Errorf("and it stays ended: %v", err)
	}
	next(heads, `{"number":"0x4"}`)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := heads.Next(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("nothing there and nobody who waits: %v", err)
	}
	for range 2 {
		if err := heads.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := heads.Next(soon(t)); !errors.Is(err, rpc.ErrUnsubscribed) {
		t.Errorf("after Close: %v", err)
	}
	if got, err := c.Call(t.Context(), "system_health"); err != nil || string(got) != `{"peers":3}` {
		t.Errorf("a call afterwards: %s, %v", got, err)
	}
}
