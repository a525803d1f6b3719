package registration_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
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
	conns map[*nodetest.Conn]bool
	torn  bool // new connections are cut
	quiet bool // the client hears of no head
	cuts  map[cut]*scissors
	// intercept answers a call in the node's place: a whole answer without its id,
	// "" to let the node answer.
	intercept func(method string, nth int) string
}

// cut is the nth call of a method.
type cut struct {
	method string
	nth    int
}

// scissors end a connection.
type scissors struct {
	reached bool // the call that ends it has reached the node
	then    func()
}

// cut has a call end the connection, after it has reached the node or before, and
// something happen before the client hears of it.
func (c *chain) cut(method string, nth int, reached bool, then func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cuts[cut{method, nth}] = &scissors{reached, then}
}

// drop cuts the connections that there are.
func (c *chain) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		conn.Drop()
	}
}

// current returns the node that the proxy speaks for.
func (c *chain) current() *devnet.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.node
}

// tear has new connections cut.
func (c *chain) tear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.torn = true
}

// build returns a function that builds blocks.
func (c *chain) build(n int) func() {
	return func() {
		for range n {
			c.node.Step()
		}
	}
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
	c := &chain{node: node, asked: make(map[string]int), conns: make(map[*nodetest.Conn]bool), cuts: make(map[cut]*scissors), intercept: func(string, int) string { return "" }}
	c.url = nodetest.NewServer(t, func(conn *nodetest.Conn) { c.pass(t, conn) }).URL()
	return c
}

// pass is one connection through the proxy.
func (c *chain) pass(t *testing.T, conn *nodetest.Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.mu.Lock()
	torn, url := c.torn, c.node.URL()
	c.conns[conn] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.conns, conn)
	}()
	if torn {
		conn.Drop()
		return
	}
	up, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
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
			if err == nil && c.holds(text) {
				continue
			}
			if err != nil || conn.Send(string(text)) != nil {
				return
			}
		}
	})
	conn.Drain(func(text []byte) {
		answer, end := c.look(text)
		if answer != "" {
			conn.Send(answer)
			return
		}
		if end != nil {
			if end.reached {
				c.reach(ctx, t, text)
			}
			end.then()
			conn.Drop()
			return
		}
		if up.Write(ctx, websocket.MessageText, text) != nil {
			conn.Drop()
		}
	})
	up.CloseNow()
	wg.Wait()
}

// hush keeps heads from the client from now on. What it asks is answered.
func (c *chain) hush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = true
}

// holds reports whether the client is not to hear a message.
func (c *chain) holds(text []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quiet && bytes.Contains(text, []byte(`"chain_newHead"`))
}

// look counts the calls of a message and returns the answer to one that is
// intercepted, and whether the connection ends with it.
func (c *chain) look(text []byte) (answer string, end *scissors) {
	var one call
	var batch []call
	if json.Unmarshal(text, &batch) != nil {
		if json.Unmarshal(text, &one) != nil {
			return "", nil
		}
		batch = []call{one}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range batch {
		c.asked[q.Method]++
		if answer := c.intercept(q.Method, c.asked[q.Method]); answer != "" {
			return `{"jsonrpc":"2.0","id":` + string(q.ID) + `,` + answer + `}`, nil
		}
		if end := c.cuts[cut{q.Method, c.asked[q.Method]}]; end != nil {
			return "", end
		}
	}
	return "", nil
}

// reach has the node do what a message asks for, whose answer nobody hears.
func (c *chain) reach(ctx context.Context, t *testing.T, text []byte) {
	up, _, err := websocket.Dial(ctx, c.current().URL(), nil)
	if err == nil {
		defer up.CloseNow()
		err = up.Write(ctx, websocket.MessageText, text)
	}
	if err == nil {
		_, _, err = up.Read(ctx)
	}
	if err != nil {
		t.Error(err)
	}
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
	return dialWith(t, url, subtensor.Options{})
}

func dialWith(t *testing.T, url string, opts subtensor.Options) *subtensor.Client {
	t.Helper()
	client, err := subtensor.Dial(soon(t), subtensor.Network{Name: "local", Endpoint: url}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// socket is a relay between sockets, which can keep them open and say nothing.
type socket struct {
	url string

	mu    sync.Mutex
	ended bool
	conns map[net.Conn]*atomic.Bool // and whether they are silent
}

// relay has the chain reached through a relay.
func (c *chain) relay(t *testing.T) *socket {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{url: "ws://" + listener.Addr().String(), conns: make(map[net.Conn]*atomic.Bool)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(c.url, "ws://"))
			if err != nil {
				t.Error(err)
				near.Close()
				return
			}
			silent := s.add(near, far)
			wg.Go(func() { pipe(near, far, silent) })
			wg.Go(func() { pipe(far, near, silent) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		s.end()
		wg.Wait()
	})
	return s
}

// add notes a pair of sockets.
func (s *socket) add(near, far net.Conn) *atomic.Bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	silent := new(atomic.Bool)
	s.conns[near], s.conns[far] = silent, silent
	if s.ended {
		near.Close()
		far.Close()
	}
	return silent
}

func (s *socket) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for conn := range s.conns {
		conn.Close()
	}
}

// silence has nothing come through the sockets that there are. They stay open, and
// take what is sent.
func (s *socket) silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, silent := range s.conns {
		silent.Store(true)
	}
}

// pipe passes bytes on while the sockets are not silent.
func pipe(to, from net.Conn, silent *atomic.Bool) {
	defer to.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if silent.Load() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
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
// chain does not have. It refuses what is submitted to it, in its pool or in a block.
type frozen struct {
	url string

	mu      sync.Mutex
	asked   map[string]int
	storage map[string]string // by key, both in hexadecimal
	xt      string            // what was submitted last
	fail    []uint8           // errors of the pallet, for the first submissions
	number  uint64            // of the head
	heads   []*nodetest.Conn  // that follow it
}

// fee is what it asks for any transaction, in rao.
const fee = 1234

func newFrozen(t *testing.T, spec int, metadata []byte) *frozen {
	t.Helper()
	f := &frozen{asked: make(map[string]int), storage: make(map[string]string), number: 100}
	zero := "0x" + strings.Repeat("00", 32)
	version := map[string]any{
		"specName": "node-subtensor", "implName": "node-subtensor", "specVersion": spec, "implVersion": 1,
		"authoringVersion": 1, "transactionVersion": 1, "stateVersion": 1, "apis": []any{},
	}
	answers := map[string]any{
		"chain_getBlockHash": zero, "state_getRuntimeVersion": version,
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
		case q.Method == "chain_getHeader":
			reply["result"] = f.header()
		case q.Method == "state_call" && strings.Contains(string(q.Params[0]), "query_info"):
			reply["result"] = "0x000000" + hex.EncodeToString(u64(fee)) // weight, class, fee
		case q.Method == "state_queryStorageAt":
			reply["result"] = f.query(t, q.Params)
		case q.Method == "chain_getBlock":
			reply["result"] = map[string]any{"block": map[string]any{"header": f.header(), "extrinsics": []string{f.xt}}}
		case q.Method == "author_unwatchExtrinsic":
			reply["result"] = true
		case q.Method == "author_submitAndWatchExtrinsic":
			f.xt = strings.Trim(string(q.Params[0]), `"`)
			if len(f.fail) > 0 {
				reply["result"] = "watch"
				break
			}
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
				switch one.Method {
				case "chain_subscribeNewHeads":
					f.mu.Lock()
					f.heads = append(f.heads, conn)
					say(f.newHead())
					f.mu.Unlock()
				case "author_submitAndWatchExtrinsic":
					if hash, ok := f.include(); ok {
						say(map[string]any{"jsonrpc": "2.0", "method": "author_extrinsicUpdate", "params": map[string]any{
							"subscription": "watch", "result": map[string]any{"inBlock": hash},
						}})
					}
				}
			}
		})
	}).URL()
	return f
}

// header is the head.
func (f *frozen) header() map[string]any {
	zero := "0x" + strings.Repeat("00", 32)
	return map[string]any{
		"parentHash": zero, "number": fmt.Sprintf("%#x", f.number), "stateRoot": zero, "extrinsicsRoot": zero,
		"digest": map[string]any{"logs": []string{}},
	}
}

func (f *frozen) newHead() map[string]any {
	return map[string]any{"jsonrpc": "2.0", "method": "chain_newHead", "params": map[string]any{"subscription": "heads", "result": f.header()}}
}

// include has what was submitted fail in the next block, if it is to, and returns that
// block's hash.
func (f *frozen) include() (hash string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.fail) == 0 {
		return "", false
	}
	f.number++
	// One event of the transaction: System.ExtrinsicFailed of Module error of pallet
	// 7, with weight, class and PaysFee of zeros.
	event := []byte{1 << 2, 0, 0, 0, 0, 0, 0, 1, 3, 7, f.fail[0], 0, 0, 0, 0, 0, 0, 0, 0}
	f.fail = f.fail[1:]
	const events = "26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7" // System.Events
	f.storage["0x"+events] = "0x" + hex.EncodeToString(event)
	// The header as sp_runtime encodes it, with a compact number of two bytes.
	header := slices.Concat(make([]byte, 32), u16(uint16(f.number)<<2|1), make([]byte, 64), []byte{0})
	sum := blake2b.Sum256(header)
	return "0x" + hex.EncodeToString(sum[:]), true
}

// advance makes the head one block higher and tells who follows it.
func (f *frozen) advance(t *testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.number++
	b, err := json.Marshal(f.newHead())
	if err != nil {
		t.Error(err)
	}
	for _, conn := range f.heads {
		conn.Send(string(b))
	}
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

// fund gives an account a balance.
func (f *frozen) fund(t *testing.T, rt *substrate.Runtime, id ss58.AccountID, rao uint64) {
	t.Helper()
	key, err := rt.StorageKey("System", "Account", id)
	if err != nil {
		t.Fatal(err)
	}
	// Nonce, consumers, providers and sufficients; then free and what is all zero.
	value := slices.Concat([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, u64(rao), make([]byte, 4*8))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.storage["0x"+hex.EncodeToString(key)] = "0x" + hex.EncodeToString(value)
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
