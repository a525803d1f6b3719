package rpc_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate/rpc"
)

const ask = `--> {"jsonrpc":"2.0","id":1,"method":"state_call","params":[]}`

// TestHostile asks one thing of nodes that do not behave. Either the answer comes
// through, or the call ends with an error that says what happened.
func TestHostile(t *testing.T) {
	good := `<-- {"jsonrpc":"2.0","id":1,"result":"0xabcd"}`
	for name, tt := range map[string]struct {
		lines []string
		err   error  // wrapped by the call's error; nil: the answer comes
		text  string // part of the error
		alive bool   // the connection outlives it
	}{
		"wrong ids": {
			lines: []string{
				`<-- {"jsonrpc":"2.0","id":2,"result":"0x01"}`, `<-- {"id":"1","result":"0x01"}`, `<-- {"id":-1,"result":"0x01"}`,
				`<-- {"id":1.0,"result":"0x01"}`, `<-- {"id":18446744073709551617,"result":"0x01"}`, `<-- {"id":{},"result":"0x01"}`, good,
			}, alive: true,
		},
		"null id with a result": {lines: []string{`<-- {"id":null,"result":"0x01"}`, good}, alive: true},
		"answered twice":        {lines: []string{good, `<-- {"jsonrpc":"2.0","id":1,"result":"0x01"}`, good}, alive: true},
		"a request of its own":  {lines: []string{`<-- {"id":1,"method":"eth_call","params":[]}`, good}, alive: true},
		"other notifications": {lines: []string{
			`<-- {"method":"log","params":["x"]}`, `<-- {"method":"log","params":{"a":1}}`, `<-- {"method":"log"}`,
			`<-- {"method":"log","params":{"subscription":"` + strings.Repeat("x", 1<<16) + `","result":1}}`, good,
		}, alive: true},
		"binary":     {lines: []string{`!binary ` + good[4:]}, alive: true},
		"fragmented": {lines: []string{`!split ` + good[4:]}, alive: true},
		// An unfragmented ping between, opcode 9 with no payload.
		"fragments with a ping between": {lines: []string{`!frame 01087b226964223a312c 8900 800b22726573756c74223a307d`}, err: rpc.ErrMalformed, alive: true},
		"answer in a batch":             {lines: []string{`<-- [` + good[4:] + `]`}, alive: true},

		"nothing at all":    {lines: []string{`<-- {}`}, err: rpc.ErrClosed, text: "neither an answer"},
		"no result":         {lines: []string{`<-- {"id":1}`}, err: rpc.ErrMalformed, text: "neither a result", alive: true},
		"id alone":          {lines: []string{`<-- {"id":1,"error":null}`}, err: rpc.ErrMalformed, text: "neither a result", alive: true},
		"not hexadecimal":   {lines: []string{`<-- {"id":1,"result":"0xabcg"}`}, err: rpc.ErrMalformed, text: `digit 3 of 4 is 'g'`, alive: true},
		"odd digits":        {lines: []string{`<-- {"id":1,"result":"0xabc"}`}, err: rpc.ErrMalformed, text: "3 hexadecimal digits", alive: true},
		"no 0x":             {lines: []string{`<-- {"id":1,"result":"abcd"}`}, err: rpc.ErrMalformed, text: "0x", alive: true},
		"a number":          {lines: []string{`<-- {"id":1,"result":17}`}, err: rpc.ErrMalformed, text: "17", alive: true},
		"an error of words": {lines: []string{`<-- {"id":1,"error":"busy"}`}, text: "busy", alive: true},

		"garbage":           {lines: []string{`<-- hello`}, err: rpc.ErrClosed, text: "not JSON-RPC: hello where an object"},
		"half a message":    {lines: []string{`<-- {"id":1,"result":"0xab`}, err: rpc.ErrClosed, text: "ends where the end of a string"},
		"two messages":      {lines: []string{`<-- {"id":7}{"id":1}`}, err: rpc.ErrClosed, text: "follows"},
		"an empty message":  {lines: []string{`<-- `}, err: rpc.ErrClosed, text: "the message ends where an object"},
		"deep nesting":      {lines: []string{`<-- {"id":1,"result":` + strings.Repeat("[", 1<<20)}, err: rpc.ErrClosed},
		"an open batch":     {lines: []string{`<-- [{"id":9,"result":1}`}, err: rpc.ErrClosed},
		"controls":          {lines: []string{"<-- \x1b[2J\x07"}, err: rpc.ErrClosed, text: "not JSON-RPC"},
		"says goodbye":      {lines: []string{`!close 1013 too many users`}, err: rpc.ErrClosed, text: "too many users"},
		"cuts":              {lines: []string{`!drop`}, err: rpc.ErrClosed, text: "lost"},
		"cuts in a message": {lines: []string{`!frame 817e0fff7b226964`, `!drop`}, err: rpc.ErrClosed, text: "lost"},
		// The header promises 2^62 bytes; memory follows what arrives.
		"huge frame":         {lines: []string{`!frame 817f4000000000000000 7b226964`, `!drop`}, err: rpc.ErrClosed, text: "lost"},
		"negative frame":     {lines: []string{`!frame 817fffffffffffffffff`}, err: rpc.ErrClosed},
		"reserved bits":      {lines: []string{`!frame f1027b7d`}, err: rpc.ErrClosed, text: "rsv"},
		"unknown frame":      {lines: []string{`!frame 83027b7d`}, err: rpc.ErrClosed, text: "opcode"},
		"a masked answer":    {lines: []string{`!frame 818200000000 7b7d`}, err: rpc.ErrClosed},
		"continues nothing":  {lines: []string{`!frame 80027b7d`}, err: rpc.ErrClosed, text: "continuation"},
		"a bad notification": {lines: []string{`<-- {"method":"x","params":{"subscription":"a" 1}}`}, err: rpc.ErrClosed, text: "params of a notification"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := append([]string{ask}, tt.lines...)
			if tt.alive {
				lines = append(lines, `--> {"jsonrpc":"2.0","id":2,"method":"again","params":[]}`, `<-- {"id":2,"result":"0x02"}`)
			}
			c := dial(t, nodetest.ScriptLines(t, lines...), rpc.Options{CallTimeout: 10 * time.Second})
			got, err := c.CallHex(t.Context(), "state_call")
			switch {
			case tt.err == nil && tt.text == "":
				if err != nil || string(got) != "\xab\xcd" {
					t.Errorf("%x, %v", got, err)
				}
			case err == nil || tt.err != nil && !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.text):
				t.Errorf("%x, %v", got, err)
			case strings.ContainsAny(err.Error(), "\x1b\x07"):
				t.Errorf("control characters of the node come through: %q", err)
			}
			got, err = c.CallHex(t.Context(), "again")
			if tt.alive && (err != nil || string(got) != "\x02") {
				t.Errorf("the connection should live: %x, %v", got, err)
			}
			if !tt.alive && (!errors.Is(err, rpc.ErrClosed) || c.Err() == nil) {
				t.Errorf("the connection should be over: %v", err)
			}
		})
	}
}

type request struct {
	ID     uint64
	Method string
	Params json.RawMessage
}

func readRequest(t *testing.T, c *nodetest.Conn) (r request) {
	text, err := c.Read()
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Error(err)
	}
	return r
}

// TestNotificationStorm checks that notifications that nobody takes, of known and
// of unknown subscriptions, end one subscription and keep nobody else waiting.
func TestNotificationStorm(t *testing.T) {
	const queue = 8
	s := nodetest.NewServer(t, func(c *nodetest.Conn) {
		c.Read()
		c.Send(`{"id":1,"result":"s"}`)
		for i := range 10 * queue {
			c.Send(fmt.Sprintf(`{"method":"n","params":{"subscription":"s","result":%d}}`, i))
			c.Send(fmt.Sprintf(`{"method":"n","params":{"subscription":"other%d","result":%d}}`, i, i))
		}
		// The client gives the subscription up by itself, before or after it asks x.
		first, second := readRequest(t, c), readRequest(t, c)
		if first.Method == "x" {
			first, second = second, first
		}
		if first.Method != "unsub" || string(first.Params) != `["s"]` {
			t.Errorf("the node was told %+v", first)
		}
		c.Send(fmt.Sprintf(`{"id":%d,"result":"ok"}`, second.ID))
		// This one is drowned before its id is known.
		late := readRequest(t, c)
		for i := range 3000 {
			c.Send(fmt.Sprintf(`{"method":"n","params":{"subscription":"other","result":%d}}`, i))
		}
		c.Send(fmt.Sprintf(`{"id":%d,"result":"late"}`, late.ID))
		c.Drain(nil)
	})
	c := dial(t, s, rpc.Options{Queue: queue})
	sub, err := c.Subscribe(t.Context(), "sub", "unsub")
	if err != nil {
		t.Fatal(err)
	}
	// When this is answered, the storm is over.
	if got, err := c.Call(t.Context(), "x"); err != nil || string(got) != `"ok"` {
		t.Fatalf("%s, %v", got, err)
	}
	for i := range queue {
		if got, err := sub.Next(soon(t)); err != nil || string(got) != fmt.Sprint(i) {
			t.Errorf("notification %d: %s, %v", i, got, err)
		}
	}
	if got, err := sub.Next(soon(t)); !errors.Is(err, rpc.ErrSlow) {
		t.Errorf("after the queue: %s, %v", got, err)
	}
	late, err := c.Subscribe(t.Context(), "sub", "unsub")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := late.Next(soon(t)); !errors.Is(err, rpc.ErrSlow) {
		t.Errorf("the drowned one: %s, %v", got, err)
	}
}

// TestTooLarge checks the limit at its edge.
func TestTooLarge(t *testing.T) {
	head := `{"id":1,"result":"0x`
	const limit = 1 << 20
	for _, over := range []int{0, 1, limit} {
		t.Run(fmt.Sprint(over), func(t *testing.T) {
			s := nodetest.NewServer(t, func(c *nodetest.Conn) {
				c.Read()
				c.Send(head + strings.Repeat("0", limit-len(head)-2+over) + `"}`)
				c.Drain(nil)
			})
			c := dial(t, s, rpc.Options{MaxResponse: limit})
			got, err := c.CallHex(t.Context(), "x")
			if over == 0 {
				if err != nil || len(got) != (limit-len(head)-2)/2 {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				return
			}
			if !errors.Is(err, rpc.ErrTooLarge) || !errors.Is(err, rpc.ErrClosed) || !strings.Contains(err.Error(), "1048576 bytes") {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

// TestLargeAnswers checks that results stay as they are while the connection
// reads on into its buffer.
func TestLargeAnswers(t *testing.T) {
	const n = 20
	value := func(i int) string { return strings.Repeat(fmt.Sprintf("%02x", i), 50_000*(i%3+1)) }
	s := nodetest.NewServer(t, func(c *nodetest.Conn) {
		i := 0
		c.Drain(func([]byte) {
			i++
			c.SendSplit(fmt.Sprintf(`{"id":%d,"result":"0x%s"}`, i, value(i)), 70_001)
		})
	})
	c := dial(t, s, rpc.Options{})
	var raws [][]byte
	for i := 1; i <= n; i++ {
		raw, err := c.Call(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, raw)
	}
	for i, raw := range raws {
		if want := `"0x` + value(i+1) + `"`; string(raw) != want {
			t.Fatalf("result %d changed", i+1)
		}
		if b, err := rpc.DecodeHex(raw); err != nil || !bytes.Equal(b, bytes.Repeat([]byte{byte(i + 1)}, len(value(i+1))/2)) {
			t.Fatalf("result %d decoded: %v", i+1, err)
		}
	}
}

// TestMessageSizes reads messages that fit what the one before took, that do not
// by a byte, and that are much larger, on one connection.
func TestMessageSizes(t *testing.T) {
	random := make([]byte, 5<<20)
	rand.NewChaCha8([32]byte{}).Read(random) // no piece is like another
	digits := hex.EncodeToString(random)
	answer := func(id, size int) (head, body, tail string) {
		head, tail = fmt.Sprintf(`{"id":%d,"result":"0x`, id), `"}`
		head = strings.Repeat(" ", (size-len(head)-len(tail))%2) + head // whole bytes
		return head, digits[:size-len(head)-len(tail)], tail
	}
	sizes := []int{100, 64 << 10, 64<<10 + 1, 64<<10 - 1, 128 << 10, 200_000, 190_000, 3 << 20, 3<<20 + 7, 70_000, 10 << 20, 4 << 20, 1000}
	id := 0
	s := nodetest.NewServer(t, func(c *nodetest.Conn) {
		i := 0
		c.Drain(func([]byte) {
			i++
			head, body, tail := answer(i, sizes[(i-1)%len(sizes)])
			c.Send(head + body + tail)
		})
	})
	c := dial(t, s, rpc.Options{})
	for _, size := range sizes {
		id++
		_, body, _ := answer(id, size)
		got, err := c.CallHex(t.Context(), "x")
		if err != nil || !bytes.Equal(got, random[:len(body)/2]) {
			t.Fatalf("a message of %d bytes: %d bytes came, %v", size, len(got), err)
		}
	}
	for _, size := range sizes {
		id++
		_, body, _ := answer(id, size)
		if got, err := c.Call(t.Context(), "x"); err != nil || string(got) != `"0x`+body+`"` {
			t.Fatalf("a message of %d bytes: %d bytes of JSON, %v", size, len(got), err)
		}
	}
}

// TestParams holds what a node is told to what encoding/json writes.
func TestParams(t *testing.T) {
	s := nodetest.NewServer(t, func(c *nodetest.Conn) {
		c.Drain(func(text []byte) {
			var r request
			if err := json.Unmarshal(text, &r); err != nil {
				t.Errorf("%s: %v", text, err)
			}
			c.Send(fmt.Sprintf(`{"id":%d,"result":[%q,%s]}`, r.ID, r.Method, r.Params))
		})
	})
	c := dial(t, s, rpc.Options{})
	for _, params := range [][]any{
		{},
		{"0x00aF_z", "", "a\"b", `a\b`, "\n\x00\x7f", "é\u2028", "<&>", "\xff", " "},
		{nil, true, 7, uint64(1 << 63), []string{"0xab", "\""}, map[string]any{"a": 1}, json.RawMessage(`{"b":[]}`)},
	} {
		want, err := json.Marshal(params)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Call(t.Context(), "a_method", params...)
		if err != nil || string(got) != `["a_method",`+string(want)+`]` {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	if _, err := c.Call(t.Context(), "x", "a", make(chan int), "b"); err == nil || !strings.Contains(err.Error(), "chan int") {
		t.Error(err)
	}
}

// TestPending asks for several things before it waits.
func TestPending(t *testing.T) {
	release := make(chan chan struct{}, 1)
	bubble(t, rpc.Options{CallTimeout: 30 * time.Second}, func(t *testing.T, c *nodetest.Conn) {
		read := make(chan struct{}) // a channel of the bubble
		release <- read
		<-read // until then, not even the first request can be written
		for _, want := range []string{"one", "two", "dropped", "silent"} {
			if r := readRequest(t, c); r.Method != want {
				t.Errorf("the node was asked for %s, want %s", r.Method, want)
			}
		}
		c.Send(`{"id":4,"result":4}`)
		c.Send(`{"id":3,"result":"0x02"}`)
		c.Send(`{"id":1,"result":"0x01"}`)
		c.Drain(nil)
	}, func(t *testing.T, c *rpc.Conn) {
		one := c.Send(t.Context(), false, "one")
		synctest.Wait()
		c.Send(t.Context(), false, "dropped before it was sent").Drop()
		two := c.Send(t.Context(), true, "two")
		dropped := c.Send(t.Context(), true, "dropped")
		silent := c.Send(t.Context(), true, "silent")
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Send(ended, true, "never").Wait(t.Context()); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "never") {
			t.Error(err)
		}
		start := time.Now()
		close(<-release)
		synctest.Wait()
		dropped.Drop()
		if got, err := one.Wait(ended); err != nil || string(got) != `"0x01"` {
			t.Errorf("%s, %v", got, err)
		}
		if got, err := two.Wait(t.Context()); err != nil || string(got) != "\x02" {
			t.Errorf("%x, %v", got, err)
		}
		two.Drop() // no harm
		// The time runs from when it was sent.
		time.Sleep(20 * time.Second) //nolint:forbidigo // the bubble's time
		if _, err := silent.Wait(t.Context()); !errors.Is(err, rpc.ErrTimeout) || time.Since(start) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// bubble runs a test against a node in the same synctest bubble, where time is
// fake and a goroutine that is left behind fails the test.
func bubble(t *testing.T, opts rpc.Options, node func(t *testing.T, c *nodetest.Conn), client func(t *testing.T, c *rpc.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := nodetest.NewPipe(t, func(c *nodetest.Conn) { node(t, c) })
		opts.DialContext = s.DialContext
		client(t, dial(t, s, opts))
	})
}

func TestSilentNode(t *testing.T) {
	opts := rpc.Options{PingInterval: 3 * time.Second, CallTimeout: time.Hour}
	for name, node := range map[string]func(*testing.T, *nodetest.Conn){
		"from the start":   func(_ *testing.T, c *nodetest.Conn) { c.Silence() },
		"after a request":  func(_ *testing.T, c *nodetest.Conn) { c.Read(); c.Silence() },
		"within an answer": func(_ *testing.T, c *nodetest.Conn) { c.Read(); c.SendRaw([]byte("\x81\x10{")); c.Silence() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, opts, node, func(t *testing.T, c *rpc.Conn) {
				start := time.Now()
				_, err := c.Call(t.Context(), "state_call")
				if !errors.Is(err, rpc.ErrClosed) || !strings.Contains(err.Error(), "lost") {
					t.Errorf("the call ends with %v", err)
				}
				if took := time.Since(start); took > 3*opts.PingInterval {
					t.Errorf("noticed only after %v", took)
				}
				<-c.Done()
			})
		})
	}
}

// TestPings checks that a node that answers pings keeps its connection however
// long nothing else is said, and that one whose answer arrives slowly keeps it
// without answering pings at all.
func TestPings(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		bubble(t, rpc.Options{}, func(_ *testing.T, c *nodetest.Conn) {
			c.Drain(func([]byte) { c.Send(`{"id":1,"result":1}`) })
		}, func(t *testing.T, c *rpc.Conn) {
			select {
			case <-c.Done():
				t.Error(c.Err())
			case <-time.After(24 * time.Hour):
			}
			if got, err := c.Call(t.Context(), "x"); err != nil || string(got) != "1" {
				t.Errorf("%s, %v", got, err)
			}
		})
	})
	t.Run("slow answer", func(t *testing.T) {
		answer := `{"id":1,"result":"0x0102030405060708090a0b0c"}`
		opts := rpc.Options{PingInterval: 2 * time.Second, CallTimeout: time.Hour}
		bubble(t, opts, func(t *testing.T, c *nodetest.Conn) {
			c.Read()
			// From here on the node does not read, as one that is busy sending. Pings
			// go into the pipe's other end, which has to be emptied for them.
			go io.Copy(io.Discard, rawReader{c})
			c.SendRaw([]byte{0x81, byte(len(answer))})
			for i := range len(answer) {
				<-time.After(time.Second)
				if err := c.SendRaw([]byte(answer[i : i+1])); err != nil {
					t.Error(err)
					return
				}
			}
			c.Silence()
		}, func(t *testing.T, c *rpc.Conn) {
			got, err := c.CallHex(t.Context(), "x")
			if err != nil || len(got) != 12 {
				t.Errorf("%x, %v", got, err)
			}
		})
	})
}

// rawReader reads the socket past the WebSocket protocol.
type rawReader struct{ c *nodetest.Conn }

func (r rawReader) Read(p []byte) (int, error) { return r.c.ReadRaw(p) }

func TestCallTimeout(t *testing.T) {
	opts := rpc.Options{CallTimeout: 30 * time.Second}
	bubble(t, opts, func(_ *testing.T, c *nodetest.Conn) {
		c.Read()
		c.Read()
		c.Send(`{"id":null,"error":{"code":-32700,"message":"Parse error"}}`)
		c.Read()
		c.Send(`{"id":1,"result":"late"}`)
		c.Send(`{"id":3,"result":"in time"}`)
		c.Drain(nil)
	}, func(t *testing.T, c *rpc.Conn) {
		done := make(chan error)
		for range 2 {
			go func() {
				_, err := c.Call(t.Context(), "x")
				done <- err
			}()
		}
		start := time.Now()
		for range 2 {
			err := <-done
			var node *rpc.Error
			if !errors.Is(err, rpc.ErrTimeout) || !errors.As(err, &node) || time.Since(start) != opts.CallTimeout {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		}
		if got, err := c.Call(t.Context(), "x"); err != nil || string(got) != `"in time"` {
			t.Errorf("the next call: %s, %v", got, err)
		}
	})
}

// TestCancelledCall checks that the late answer to a call that was given up
// reaches nobody, and that one that was given up before it was sent never is.
func TestCancelledCall(t *testing.T) {
	release := make(chan chan struct{}, 1)
	bubble(t, rpc.Options{}, func(t *testing.T, c *nodetest.Conn) {
		read := make(chan struct{}) // a channel of the bubble
		release <- read
		<-read // until then, not even the first request can be written
		for _, want := range []string{"first", "third"} {
			if r := readRequest(t, c); r.Method != want {
				t.Errorf("the node was asked for %s, want %s", r.Method, want)
			}
		}
		c.Send(`[{"id":1,"result":1},{"id":2,"result":2}]`)
		c.Send(`{"id":3,"result":"third"}`)
		c.Drain(nil)
	}, func(t *testing.T, c *rpc.Conn) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done := make(chan error)
		for _, method := range []string{"first", "second"} {
			go func() {
				_, err := c.Call(ctx, method)
				done <- err
			}()
			synctest.Wait()
		}
		for range 2 {
			if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("given up: %v", err)
			}
		}
		if _, err := c.Call(ctx, "never"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("given up before: %v", err)
		}
		close(<-release)
		if got, err := c.Call(t.Context(), "third"); err != nil || string(got) != `"third"` {
			t.Errorf("%s, %v", got, err)
		}
	})
}

func TestCancelledSubscribe(t *testing.T) {
	ended := make(chan string, 1)
	bubble(t, rpc.Options{}, func(_ *testing.T, c *nodetest.Conn) {
		c.Read()
		c.Read() // the ordinary call: the subscription has been given up
		c.Send(`{"method":"n","params":{"subscription":"s","result":1}}`)
		c.Send(`{"id":1,"result":"s"}`)
		c.Send(`{"method":"n","params":{"subscription":"s","result":2}}`)
		text, _ := c.Read()
		ended <- string(text)
		c.Send(`{"id":2,"result":"ok"}`)
		c.Drain(nil)
	}, func(t *testing.T, c *rpc.Conn) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Subscribe(ctx, "sub", "unsub"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("given up: %v", err)
		}
		if got, err := c.Call(t.Context(), "x"); err != nil || string(got) != `"ok"` {
			t.Errorf("%s, %v", got, err)
		}
	})
	if got, want := <-ended, `{"jsonrpc":"2.0","id":3,"method":"unsub","params":["s"]}`; got != want {
		t.Errorf("the node was told %s, want %s", got, want)
	}
}

func TestClose(t *testing.T) {
	for name, node := range map[string]func(*testing.T, *nodetest.Conn){
		"polite node": func(_ *testing.T, c *nodetest.Conn) { c.Drain(func([]byte) { c.Send(`{"id":1,"result":"s"}`) }) },
		"silent node": func(_ *testing.T, c *nodetest.Conn) {
			c.Read()
			c.Send(`{"id":1,"result":"s"}`)
			c.Read()
			c.Silence()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, rpc.Options{}, node, func(t *testing.T, c *rpc.Conn) {
				sub, err := c.Subscribe(t.Context(), "sub", "unsub")
				if err != nil {
					t.Fatal(err)
				}
				waiting := make(chan error)
				go func() {
					_, err := sub.Next(soon(t))
					waiting <- err
				}()
				calling := make(chan error)
				go func() {
					_, err := c.CallHex(t.Context(), "x")
					calling <- err
				}()
				synctest.Wait()
				start := time.Now()
				closed := make(chan error)
				for range 2 {
					go func() { closed <- c.Close() }()
				}
				for _, ch := range []chan error{waiting, calling} {
					if err := <-ch; !errors.Is(err, rpc.ErrClosed) {
						t.Errorf("what waited ends with %v", err)
					}
				}
				for range 2 {
					if err := <-closed; err != nil {
						t.Error(err)
					}
				}
				if took := time.Since(start); took > rpc.CloseTimeout {
					t.Errorf("Close took %v", took)
				}
				if _, err := c.Call(t.Context(), "x"); !errors.Is(err, rpc.ErrClosed) {
					t.Errorf("a call afterwards: %v", err)
				}
				if _, err := c.Subscribe(t.Context(), "x", "y"); !errors.Is(err, rpc.ErrClosed) {
					t.Errorf("a subscription afterwards: %v", err)
				}
				if err := sub.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestConcurrent mixes everything on one connection; the race detector looks on.
func TestConcurrent(t *testing.T) {
	s := nodetest.NewServer(t, echo)
	c := dial(t, s, rpc.Options{})
	done := make(chan error)
	const workers, rounds = 8, 50
	for w := range workers {
		go func() {
			done <- func() error {
				for i := range rounds {
					want := fmt.Sprintf("%04x", w*rounds+i)
					got, err := c.CallHex(t.Context(), "echo", "0x"+want)
					if err != nil || fmt.Sprintf("%x", got) != want {
						return fmt.Errorf("%x, %w, want %s", got, err, want)
					}
					ctx, cancel := context.WithCancel(t.Context())
					if i%2 == 0 {
						cancel()
					}
					sub, err := c.Subscribe(ctx, "sub", "unsub")
					if err == nil {
						_, err = sub.Next(soon(t))
						sub.Close()
					}
					cancel()
					if err != nil && !errors.Is(err, context.Canceled) {
						return err
					}
				}
				return nil
			}()
		}()
	}
	for range workers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
