package substrate_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate"
	"github.com/coder/websocket"
	"golang.org/x/crypto/blake2b"
)

// node is a node in this process: a chain of blocks that a test makes up, with
// the runtimes of the vectors, behind a WebSocket.
type node struct {
	t   testing.TB
	url string

	mu        sync.Mutex
	blocks    []*block
	overrides map[string]handler
	calls     map[string]int // by method
	messages  int            // trips
	conns     []*websocket.Conn
	noBatches bool
	batches   int
}

// handler answers a request. An error of type *refusal goes to the client as it
// is.
type handler func(params []json.RawMessage) (any, error)

type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func (r *refusal) Error() string { return r.Message }

type block struct {
	header     map[string]any
	hash       string
	rt         *fakeRuntime
	storage    map[string]string // hexadecimal
	extrinsics []string
}

// fakeRuntime is a runtime as the node sees it.
type fakeRuntime struct {
	code     string // hexadecimal
	spec     uint32
	v14      []byte
	versions map[uint32][]byte // answers of Metadata_metadata_at_version
	api      int               // of Metadata
}

// newNode starts a node with a genesis block.
func newNode(t testing.TB, rt *fakeRuntime) *node {
	t.Helper()
	n := &node{t: t, overrides: make(map[string]handler), calls: make(map[string]int)}
	n.add(rt)
	var wg sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		c.SetReadLimit(64 << 20)
		n.mu.Lock()
		n.conns = append(n.conns, c)
		n.mu.Unlock()
		wg.Add(1)
		defer wg.Done()
		n.serve(c)
	}))
	n.url = "ws" + strings.TrimPrefix(server.URL, "http")
	t.Cleanup(func() {
		n.mu.Lock()
		for _, c := range n.conns {
			c.CloseNow()
		}
		n.mu.Unlock()
		wg.Wait()
		server.Close()
	})
	return n
}

// dial connects a client to the node.
func (n *node) dial(opts substrate.Options) *substrate.Client {
	n.t.Helper()
	c, err := substrate.Dial(n.t.Context(), n.url, opts)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	return c
}

// add builds a block whose state has a runtime.
func (n *node) add(rt *fakeRuntime) *block {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.build(rt, len(n.blocks), "0x08")
}

// build makes a block of a number. The log tells blocks of one number apart.
func (n *node) build(rt *fakeRuntime, number int, log string) *block {
	parent := "0x" + strings.Repeat("00", 32)
	if number > 0 {
		parent = n.blocks[number-1].hash
	}
	root := "0x" + strings.Repeat("22", 32)
	b := &block{rt: rt, storage: make(map[string]string), header: map[string]any{
		"parentHash": parent, "number": fmt.Sprintf("0x%x", number),
		"stateRoot": root, "extrinsicsRoot": root, "digest": map[string]any{"logs": []string{log}},
	}}
	enc := unhex(n.t, parent)
	switch {
	case number < 64:
		enc = append(enc, byte(number<<2))
	default:
		enc = append(enc, byte(number<<2)|1, byte(number>>6))
	}
	enc = append(enc, unhex(n.t, root)...)
	enc = append(enc, unhex(n.t, root)...)
	enc = append(append(enc, 4), unhex(n.t, log)...)
	sum := blake2b.Sum256(enc)
	b.hash = "0x" + hex.EncodeToString(sum[:])
	if number == len(n.blocks) {
		n.blocks = append(n.blocks, b)
	} else {
		n.blocks[number] = b
	}
	return b
}

// on overrides a method.
func (n *node) on(method string, h handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.overrides[method] = h
}

// count returns how often a method was called, and trips how many messages came.
func (n *node) count(method string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls[method]
}

func (n *node) trips() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.messages
}

// notify sends a notification of a subscription.
func (n *node) notify(method, id string, result any) {
	n.t.Helper()
	n.mu.Lock()
	c := n.conns[len(n.conns)-1]
	n.mu.Unlock()
	n.send(c, map[string]any{"jsonrpc": "2.0", "method": method, "params": map[string]any{"subscription": id, "result": result}})
}

func (n *node) send(c *websocket.Conn, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		n.t.Error(err)
		return
	}
	c.Write(context.Background(), websocket.MessageText, text)
}

func (n *node) serve(c *websocket.Conn) {
	for {
		_, text, err := c.Read(context.Background())
		if err != nil {
			return
		}
		n.mu.Lock()
		n.messages++
		n.mu.Unlock()
		if text[0] != '[' {
			n.send(c, n.answer(text))
			continue
		}
		n.mu.Lock()
		n.batches++
		refuse := n.noBatches
		n.mu.Unlock()
		if refuse {
			n.send(c, map[string]any{"jsonrpc": "2.0", "id": nil, "error": refusal{Code: -32005, Message: "Batched requests are not supported by this server"}})
			continue
		}
		var batch []json.RawMessage
		if json.Unmarshal(text, &batch) != nil {
			n.t.Errorf("bad batch: %s", text)
		}
		var answers []any
		for _, r := range batch {
			answers = append(answers, n.answer(r))
		}
		n.send(c, answers)
	}
}

func (n *node) answer(text []byte) any {
	var r struct {
		ID     json.RawMessage
		Method string
		Params []json.RawMessage
	}
	if json.Unmarshal(text, &r) != nil {
		n.t.Errorf("bad request: %s", text)
	}
	n.mu.Lock()
	n.calls[r.Method]++
	h := n.overrides[r.Method]
	n.mu.Unlock()
	if h == nil {
		h = func(params []json.RawMessage) (any, error) { return n.standard(r.Method, params) }
	}
	result, err := h(r.Params)
	if err != nil {
		if !errors.As(err, new(*refusal)) {
			n.t.Errorf("%s: %v", r.Method, err)
			err = &refusal{Code: -32000, Message: err.Error()}
		}
		return map[string]any{"jsonrpc": "2.0", "id": r.ID, "error": err}
	}
	return map[string]any{"jsonrpc": "2.0", "id": r.ID, "result": result}
}

// at returns the block whose hash is a parameter, the newest without one, nil
// where there is none.
func (n *node) at(params []json.RawMessage, i int) *block {
	if i >= len(params) {
		return n.blocks[len(n.blocks)-1]
	}
	hash := word(params[i])
	for _, b := range n.blocks {
		if b.hash == hash {
			return b
		}
	}
	return nil
}

func word(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

var errPruned = &refusal{Code: 4003, Message: "Client error: UnknownBlock: State already discarded for 0x1234"}

// standard is how a node answers.
func (n *node) standard(method string, params []json.RawMessage) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	position := map[string]int{"chain_getHeader": 0, "chain_getBlock": 0, "state_getRuntimeVersion": 0, "state_getMetadata": 0, "state_getStorageHash": 1, "state_getStorage": 1, "state_queryStorageAt": 1, "state_call": 2, "state_getKeysPaged": 3}
	var b *block
	if i, ok := position[method]; ok {
		if b = n.at(params, i); b == nil {
			if method == "chain_getHeader" || method == "chain_getBlock" {
				return nil, nil
			}
			return nil, errPruned
		}
	}
	switch method {
	case "chain_getBlockHash":
		var number int
		if err := json.Unmarshal(params[0], &number); err != nil {
			return nil, err
		}
		if number >= len(n.blocks) {
			return nil, nil
		}
		return n.blocks[number].hash, nil
	case "chain_getHeader":
		return b.header, nil
	case "chain_getBlock":
		return map[string]any{"block": map[string]any{"header": b.header, "extrinsics": b.extrinsics}}, nil
	case "state_getRuntimeVersion":
		return map[string]any{"specName": "node-subtensor", "specVersion": b.rt.spec, "transactionVersion": 1, "apis": []any{
			[]any{"0xdf6acb689907609b", 4}, []any{"0x37e397fc7c91f5e4", b.rt.api},
		}}, nil
	case "state_getStorageHash":
		sum := blake2b.Sum256(unhex(n.t, b.rt.code))
		return "0x" + hex.EncodeToString(sum[:]), nil
	case "state_getStorage":
		if word(params[0]) == "0x3a636f6465" {
			return b.rt.code, nil
		}
		return nil, fmt.Errorf("getStorage of %s", params[0])
	case "state_getMetadata":
		return "0x" + hex.EncodeToString(b.rt.v14), nil
	case "state_call":
		if word(params[0]) == "Metadata_metadata_at_version" {
			version := unhex(n.t, word(params[1]))[0]
			if answer, ok := b.rt.versions[uint32(version)]; ok {
				return "0x" + hex.EncodeToString(answer), nil
			}
			return "0x00", nil
		}
		return nil, &refusal{Code: 4003, Message: "Client error: Execution failed: Exported method " + word(params[0]) + " is not found"}
	case "state_queryStorageAt":
		var keys []string
		if err := json.Unmarshal(params[0], &keys); err != nil {
			return nil, err
		}
		changes := [][2]any{}
		seen := make(map[string]bool)
		for _, k := range keys {
			if seen[k] {
				continue // as sc_rpc's does
			}
			seen[k] = true
			if v, ok := b.storage[k]; ok {
				changes = append(changes, [2]any{k, v})
			} else {
				changes = append(changes, [2]any{k, nil})
			}
		}
		return []any{map[string]any{"block": b.hash, "changes": changes}}, nil
	case "state_getKeysPaged":
		var size int
		if err := json.Unmarshal(params[1], &size); err != nil {
			return nil, err
		}
		keys := []string{}
		for _, k := range sorted(b.storage) {
			if strings.HasPrefix(k, word(params[0])) && k > word(params[2]) && len(keys) < size {
				keys = append(keys, k)
			}
		}
		return keys, nil
	case "author_unwatchExtrinsic", "chain_unsubscribeNewHeads":
		return true, nil
	}
	return nil, &refusal{Code: -32601, Message: "Method not found"}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		t.Error(err)
	}
	return b
}

// fake returns a runtime of the vectors as the node sees it. The code is made up.
func fake(t testing.TB, dir string) *fakeRuntime {
	t.Helper()
	var meta struct {
		Spec struct {
			SpecVersion uint32 `json:"specVersion"`
		} `json:"spec"`
	}
	vectors.JSON(t, dir+"/meta.json", &meta)
	rt := &fakeRuntime{
		code: "0x" + hex.EncodeToString([]byte("code of "+dir)), spec: meta.Spec.SpecVersion, api: 1,
		v14: vectors.Read(t, dir+"/metadata_v14.scale.gz"), versions: make(map[uint32][]byte),
	}
	for _, version := range []uint32{15, 16} {
		name := fmt.Sprintf("%s/metadata_at_version_%d.state_call.scale.gz", dir, version)
		if _, err := os.Stat(filepath.Join(vectors.Dir(t), name)); err == nil {
			rt.versions[version], rt.api = vectors.Read(t, name), 2
		}
	}
	return rt
}
