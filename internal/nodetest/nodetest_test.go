package nodetest_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate/rpc"
)

// soon is a context that ends before the test's patience does.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func dial(t testing.TB, endpoint string) *rpc.Conn {
	t.Helper()
	c, err := rpc.Dial(context.Background(), endpoint, rpc.Options{Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func hashOf(xt string) string {
	b, err := hex.DecodeString(xt[2:])
	if err != nil {
		panic(err)
	}
	sum := blake2b.Sum256(b)
	return "0x" + hex.EncodeToString(sum[:])
}

// chain is a node that builds a block for each extrinsic. It sends the first
// head twice over, and the new head between the two statuses.
func chain(t testing.TB) *nodetest.Server {
	return nodetest.NewServer(t, func(c *nodetest.Conn) {
		nonce, block := 0, ""
		reply := func(text []byte) string {
			var m struct {
				ID     json.RawMessage
				Method string
				Params []any
			}
			if err := json.Unmarshal(text, &m); err != nil {
				t.Error(err)
			}
			answer := func(result any) string {
				b, _ := json.Marshal(result)
				return fmt.Sprintf(`{"jsonrpc":"2.0","result":%s,"id":%s}`, b, m.ID)
			}
			head := func(n int) string {
				return fmt.Sprintf(`{"jsonrpc":"2.0","method":"chain_newHead","params":{"subscription":"H","result":{"number":%d}}}`, n)
			}
			status := func(s string) string {
				return fmt.Sprintf(`{"jsonrpc":"2.0","method":"author_extrinsicUpdate","params":{"subscription":9,"result":%q}}`, s)
			}
			switch m.Method {
			case "chain_subscribeNewHeads":
				// The first head is there before the answer.
				c.Send(head(1))
				return answer("H") + "\n" + head(2)
			case "author_submitAndWatchExtrinsic":
				block = m.Params[0].(string)
				nonce++
				return answer(9) + "\n" + status("ready") + "\n" + head(3) + "\n" + status("inBlock")
			case "chain_getBlock":
				return answer(map[string]any{"at": m.Params[0], "extrinsics": []string{"0x00", block}})
			case "chain_hashes":
				return answer([]string{hashOf(block)})
			case "system_accountNextIndex":
				return answer(nonce)
			case "no_such":
				return fmt.Sprintf(`{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":%s}`, m.ID)
			}
			return answer(m.Params)
		}
		c.Drain(func(text []byte) {
			if text[0] == '[' {
				var list []json.RawMessage
				json.Unmarshal(text, &list)
				out := make([]string, len(list))
				for i := range list {
					out[i] = reply(list[i])
				}
				c.Send("[" + strings.Join(out, ",\n") + "]")
				return
			}
			for m := range strings.SplitSeq(reply(text), "\n") {
				c.Send(m)
			}
		})
	})
}

// walk is what a client that registers does; it returns all that it was told.
func walk(t *testing.T, c *rpc.Conn, xt string) (told []string) {
	t.Helper()
	tell := func(raw json.RawMessage, err error) {
		if err != nil {
			told = append(told, err.Error())
			return
		}
		told = append(told, string(raw))
	}
	ctx := soon(t)
	subscribe := func(method, end string, params ...any) *rpc.Subscription {
		s, err := c.Subscribe(ctx, method, end, params...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	tell(c.Call(ctx, "system_accountNextIndex", "5F"))
	heads := subscribe("chain_subscribeNewHeads", "chain_unsubscribeNewHeads")
	tell(heads.Next(ctx))
	tell(heads.Next(ctx))
	tell(c.Call(ctx, "state_call", "X", "0x01", map[string]int{"b": 1}))
	tell(c.Call(ctx, "no_such"))
	batch, err := c.Batch(ctx, []rpc.Request{{Method: "a", Params: []any{1}}, {Method: "b"}, {Method: "no_such"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range batch {
		tell(r.Result, r.Err)
	}
	watch := subscribe("author_submitAndWatchExtrinsic", "author_unwatchExtrinsic", xt)
	tell(watch.Next(ctx))
	tell(watch.Next(ctx))
	tell(heads.Next(ctx))
	tell(c.Call(ctx, "chain_getBlock", "0x03"))
	tell(c.Call(ctx, "chain_hashes"))
	tell(c.Call(ctx, "payment_queryInfo", xt))
	tell(c.Call(ctx, "system_accountNextIndex", "5F"))
	watch.Close()
	heads.Close()
	tell(c.Call(ctx, "last"))
	return told
}

// TestRecordAndReplay records a walk and replays it with another extrinsic,
// twice in one session: what the client is told is what the node would have said.
func TestRecordAndReplay(t *testing.T) {
	for _, name := range []string{"walk.txt", "walk.txt.gz"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			var direct, recorded []string
			t.Run("record", func(t *testing.T) {
				node := chain(t)
				direct = walk(t, dial(t, node.URL()), "0x99aa")
				r := nodetest.Record(t, node.URL(), path)
				recorded = walk(t, dial(t, r.URL()), "0x1234")
			})
			if len(direct) != 16 {
				t.Fatalf("the walk was told %d things: %q", len(direct), direct)
			}
			swap := strings.NewReplacer("0x1234", "0x99aa", hashOf("0x1234"), hashOf("0x99aa"))
			for i := range recorded {
				recorded[i] = swap.Replace(recorded[i])
			}
			if diff := cmp.Diff(direct, recorded); diff != "" {
				t.Errorf("the recorder changes what is said: -without +with:\n%s", diff)
			}
			replay := nodetest.Replay(t, path)
			if diff := cmp.Diff(direct, walk(t, dial(t, replay.URL()), "0x99aa")); diff != "" {
				t.Errorf("-node +replay:\n%s", diff)
			}
			if diff := cmp.Diff([]string{"0x99aa"}, replay.Submitted()); diff != "" {
				t.Errorf("Submitted: -want +got:\n%s", diff)
			}
			if n := replay.Asked("system_accountNextIndex"); n != 2 {
				t.Errorf("system_accountNextIndex was asked %d times", n)
			}
			// Everything can be asked again; the extrinsic is the newest one.
			c := dial(t, replay.URL())
			for range 2 {
				if got, err := c.Call(t.Context(), "system_accountNextIndex", "5F"); err != nil || string(got) != "1" {
					t.Errorf("the last recorded answer: %s, %v", got, err)
				}
			}
			s, err := c.Subscribe(t.Context(), "author_submitAndWatchExtrinsic", "author_unwatchExtrinsic", "0x77")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{`"ready"`, `"inBlock"`} {
				if got, err := s.Next(soon(t)); err != nil || string(got) != want {
					t.Errorf("%s, %v, want %s", got, err, want)
				}
			}
			if got, err := c.Call(t.Context(), "chain_hashes"); err != nil || string(got) != `["`+hashOf("0x77")+`"]` {
				t.Errorf("hash of the second extrinsic: %s, %v", got, err)
			}
		})
	}
}

// TestReplayWaitsForSubmission checks that what came after the submission waits
// for it, in every subscription.
func TestReplayWaitsForSubmission(t *testing.T) {
	r := nodetest.Replay(t, filepath.Join("testdata", "submission.txt"))
	c := dial(t, r.URL())
	next := func(s *rpc.Subscription, want string) {
		t.Helper()
		if got, err := s.Next(soon(t)); err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	var heads []*rpc.Subscription
	for range 2 {
		s, err := c.Subscribe(t.Context(), "chain_subscribeNewHeads", "chain_unsubscribeNewHeads")
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, s)
		next(s, "1")
		next(s, "2")
	}
	// Messages keep their order: with the answer, all that was sent before is here.
	if _, err := c.Call(t.Context(), "system_chain"); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range heads {
		if got, err := s.Next(gone); err == nil {
			t.Errorf("%s came before the submission", got)
		}
	}
	hash, err := c.Call(t.Context(), "author_submitExtrinsic", "0xff")
	if err != nil || string(hash) != `"`+hashOf("0xff")+`"` {
		t.Errorf("%s, %v", hash, err)
	}
	for _, s := range heads {
		next(s, `"0xff in 3"`)
		next(s, "4")
	}
}

// failures is a test that is allowed to fail.
type failures struct {
	testing.TB
	said chan string
}

func (f failures) Errorf(format string, args ...any) { f.said <- fmt.Sprintf(format, args...) }

func TestReplayUnknown(t *testing.T) {
	f := failures{t, make(chan string, 10)}
	r := nodetest.Replay(f, filepath.Join("testdata", "small.txt"))
	c := dial(t, r.URL())
	if got, err := c.Call(t.Context(), "known", "a", map[string]any{"b": 1}); err != nil || string(got) != "7" {
		t.Errorf("%s, %v", got, err)
	}
	for method, params := range map[string][]any{"known": {"other"}, "unknown": nil, "author_submitExtrinsic": {"0x00"}} {
		_, err := c.Call(t.Context(), method, params...)
		var node *rpc.Error
		if !errors.As(err, &node) || !strings.Contains(node.Message, method) {
			t.Errorf("%s: %v", method, err)
		}
		want := "small.txt has no call " + method
		if said := <-f.said; !strings.Contains(said, want) || len(params) > 0 && !strings.Contains(said, params[0].(string)) {
			t.Errorf("the test failed with %q, want %q", said, want)
		}
	}
}

func TestScriptInsists(t *testing.T) {
	f := failures{t, make(chan string, 10)}
	s := nodetest.ScriptLines(f, `--> {"jsonrpc":"2.0","id":1,"method":"a","params":[]}`, `<-- {"id":1,"result":1}`)
	if got, err := dial(t, s.URL()).Call(t.Context(), "a"); err != nil || string(got) != "1" {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := dial(t, s.URL()).Call(t.Context(), "b"); !errors.Is(err, rpc.ErrClosed) {
		t.Errorf("another call: %v", err)
	}
	if said := <-f.said; !strings.Contains(said, `"method":"b"`) {
		t.Errorf("the test failed with %q", said)
	}
}
