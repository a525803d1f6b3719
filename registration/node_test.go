package registration_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/subtensor"
)

// call is a request of JSON-RPC.
type call struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

// chain is a development chain behind a proxy that counts what is asked.
type chain struct {
	node *devnet.Node
	url  string

	mu    sync.Mutex
	asked map[string]int
	// intercept answers a call in the node's place: a whole answer without its id,
	// "" to let the node answer.
	intercept func(method string, nth int) string
}

// start starts a chain whose head is block 2.
func start(t *testing.T, opts devnet.Options) *chain {
	t.Helper()
	node, err := devnet.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	node.Step()
	node.Step()
	c := &chain{node: node, asked: make(map[string]int), intercept: func(string, int) string { return "" }}
	c.url = nodetest.NewServer(t, func(conn *nodetest.Conn) { c.pass(t, conn) }).URL()
	return c
}

// pass is one connection through the proxy.
func (c *chain) pass(t *testing.T, conn *nodetest.Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	up, _, err := websocket.Dial(ctx, c.node.URL(), &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		t.Error(err)
		return
	}
	up.SetReadLimit(-1)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer conn.Drop()
		for {
			_, text, err := up.Read(ctx)
			if err != nil || conn.Send(string(text)) != nil {
				return
			}
		}
	})
	conn.Drain(func(text []byte) {
		if answer := c.look(text); answer != "" {
			conn.Send(answer)
			return
		}
		if up.Write(ctx, websocket.MessageText, text) != nil {
			conn.Drop()
		}
	})
	up.CloseNow()
	wg.Wait()
}

// look counts the calls of a message and returns the answer to one that is
// intercepted.
func (c *chain) look(text []byte) string {
	var one call
	var batch []call
	if json.Unmarshal(text, &batch) != nil {
		if json.Unmarshal(text, &one) != nil {
			return ""
		}
		batch = []call{one}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range batch {
		c.asked[q.Method]++
		if answer := c.intercept(q.Method, c.asked[q.Method]); answer != "" {
			return `{"jsonrpc":"2.0","id":` + string(q.ID) + `,` + answer + `}`
		}
	}
	return ""
}

// submitted returns how many transactions the client handed in.
func (c *chain) submitted() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked["author_submitAndWatchExtrinsic"] + c.asked["author_submitExtrinsic"]
}

// dial connects to the chain through the proxy.
func (c *chain) dial(t *testing.T) *subtensor.Client { return dial(t, c.url) }

func dial(t *testing.T, url string) *subtensor.Client {
	t.Helper()
	client, err := subtensor.Dial(t.Context(), subtensor.Network{Name: "local", Endpoint: url}, subtensor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// set writes storage, which the next block shows.
func (c *chain) set(t *testing.T, item string, value []byte, keys ...[]byte) {
	t.Helper()
	if err := c.node.Set(devnet.Entry{Pallet: "SubtensorModule", Item: item, Keys: keys, Value: value}); err != nil {
		t.Error(err)
	}
}

func u16(n uint16) []byte { return binary.LittleEndian.AppendUint16(nil, n) }
func u64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// pair returns a key that nobody has heard of.
func pair(t *testing.T, name string) *keypair.Pair {
	t.Helper()
	seed := blake2b.Sum256([]byte("registration test " + name))
	p, err := keypair.FromSeed(keypair.Sr25519, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// frozen is a node with one head and one runtime, for eras that the development
// chain does not have. It refuses what is submitted to it.
type frozen struct {
	url string

	mu      sync.Mutex
	asked   map[string]int
	storage map[string]string // by key, both in hexadecimal
	xt      string            // what was submitted last
}

func newFrozen(t *testing.T, spec int, metadata []byte) *frozen {
	t.Helper()
	f := &frozen{asked: make(map[string]int), storage: make(map[string]string)}
	zero := "0x" + strings.Repeat("00", 32)
	header := map[string]any{
		"parentHash": zero, "number": "0x64", "stateRoot": zero, "extrinsicsRoot": zero,
		"digest": map[string]any{"logs": []string{}},
	}
	version := map[string]any{
		"specName": "node-subtensor", "implName": "node-subtensor", "specVersion": spec, "implVersion": 1,
		"authoringVersion": 1, "transactionVersion": 1, "stateVersion": 1, "apis": []any{},
	}
	answers := map[string]any{
		"chain_getBlockHash": zero, "chain_getHeader": header, "state_getRuntimeVersion": version,
		"state_getStorageHash": zero, "state_getMetadata": "0x" + hex.EncodeToString(metadata),
		"chain_subscribeNewHeads": "heads", "system_accountNextIndex": 7,
	}
	answer := func(q call) map[string]any {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked[q.Method]++
		reply := map[string]any{"jsonrpc": "2.0", "id": q.ID}
		result, ok := answers[q.Method]
		switch {
		case ok:
			reply["result"] = result
		case q.Method == "state_queryStorageAt":
			reply["result"] = f.query(t, q.Params)
		case q.Method == "author_submitAndWatchExtrinsic":
			f.xt = strings.Trim(string(q.Params[0]), `"`)
			reply["error"] = map[string]any{"code": 1010, "message": "Invalid Transaction", "data": "no block will ever be built"}
		default:
			reply["error"] = map[string]any{"code": -32601, "message": "Method not found"}
		}
		return reply
	}
	f.url = nodetest.NewServer(t, func(conn *nodetest.Conn) {
		say := func(v any) {
			b, err := json.Marshal(v)
			if err != nil {
				t.Error(err)
			}
			conn.Send(string(b))
		}
		conn.Drain(func(text []byte) {
			var one call
			var batch []call
			if json.Unmarshal(text, &batch) == nil {
				list := make([]any, len(batch))
				for i, q := range batch {
					list[i] = answer(q)
				}
				say(list)
			} else if json.Unmarshal(text, &one) == nil {
				say(answer(one))
				if one.Method == "chain_subscribeNewHeads" {
					say(map[string]any{"jsonrpc": "2.0", "method": "chain_newHead", "params": map[string]any{"subscription": "heads", "result": header}})
				}
			}
		})
	}).URL()
	return f
}

// query answers state_queryStorageAt.
func (f *frozen) query(t *testing.T, params []json.RawMessage) any {
	var keys []string
	if err := json.Unmarshal(params[0], &keys); err != nil {
		t.Error(err)
	}
	changes := make([][2]any, len(keys))
	for i, k := range keys {
		changes[i][0] = k
		if v, ok := f.storage[k]; ok {
			changes[i][1] = v
		}
	}
	return []any{map[string]any{"block": params[1], "changes": changes}}
}

// calls returns how often a method was called.
func (f *frozen) calls(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[method]
}

// submitted returns the last transaction that was handed in.
func (f *frozen) submitted() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.xt
}

// set stores a value of SubtensorModule.
func (f *frozen) set(t *testing.T, rt *substrate.Runtime, value []byte, item string, keys ...any) {
	t.Helper()
	key, err := rt.StorageKey("SubtensorModule", item, keys...)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.storage["0x"+hex.EncodeToString(key)] = "0x" + hex.EncodeToString(value)
}
