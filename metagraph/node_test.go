package metagraph_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/subtensor"
)

const networksAdded = "0x658faa385070e074c85bf6b568cf05550e30450fc4d507a846032a7fa65d9a43"

// node is a node of a chain that has some blocks, each of which it answers about
// as a real node did.
type node struct {
	*nodetest.Server
	t      testing.TB
	blocks []*block // the last is the newest
	// override answers a request in the node's place where it gives a result or an
	// error.
	override func(r request) (any, *fault)
	open     atomic.Int32 // connections
}

// block is a block with the runtime and the answers of a folder of the vectors.
type block struct {
	inputs
	t        testing.TB
	version  json.RawMessage
	metadata string // answer of Metadata_metadata_at_version, none for old runtimes
	v14      string
	hash     string
	code     string            // hash of the runtime's code
	methods  map[string]bool   // of runtime APIs
	more     map[string]string // answers beyond inputs, by method and arguments
	stored   map[string]string // storage beyond inputs
}

type request struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

// word returns a param that is a string.
func (r request) word(i int) (s string) {
	if i < len(r.Params) && r.Params[i][0] == '"' {
		_ = json.Unmarshal(r.Params[i], &s)
	}
	return s
}

type fault struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func text(b []byte) string { return "0x" + hex.EncodeToString(b) }

// answers reads the runtime and the answers of a folder.
func answers(t testing.TB, dir string) *block {
	t.Helper()
	n := &block{t: t, methods: make(map[string]bool), more: make(map[string]string), stored: make(map[string]string)}
	vectors.JSON(t, filepath.Join(vectors.Parity(t), dir, "inputs.json.gz"), &n.inputs)
	var meta struct {
		Spec json.RawMessage `json:"spec"`
	}
	vectors.JSON(t, dir+"/meta.json", &meta)
	n.version = meta.Spec
	n.v14 = text(vectors.Read(t, dir+"/metadata_v14.scale.gz"))
	newest := dir + "/metadata_at_version_15.state_call.scale.gz"
	if _, err := os.Stat(filepath.Join(vectors.Dir(t), newest)); err == nil {
		n.metadata = text(vectors.Read(t, newest))
	}
	for _, c := range n.Calls {
		n.methods[c.Method] = true
	}
	const subnets, mechagraph = "SubnetInfoRuntimeApi_get_subnets_info", "SubnetInfoRuntimeApi_get_mechagraph"
	n.methods[subnets], n.more[subnets+"0x"] = true, text(vectors.Hex(t, dir+"/state_call/get_subnets_info.all.hex"))
	for mechanism := range 3 {
		name := fmt.Sprintf("%s/state_call/get_mechagraph.netuid12_mech%d.hex", dir, mechanism)
		for _, name := range []string{name, name + ".gz"} {
			if _, err := os.Stat(filepath.Join(vectors.Dir(t), name)); err == nil {
				n.methods[mechagraph], n.more[fmt.Sprintf("%s0x0c00%02x", mechagraph, mechanism)] = true, text(vectors.Hex(t, name))
			}
		}
	}
	for _, item := range []string{"Weights.netuid12_mech1", "Bonds.netuid12_mech1", "MechanismCountCurrent.all"} {
		name := fmt.Sprintf("%s/storage/%s.json.gz", dir, item)
		if _, err := os.Stat(filepath.Join(vectors.Dir(t), name)); err != nil {
			continue
		}
		var file struct {
			Rows []stored
		}
		vectors.JSON(t, name, &file)
		for _, row := range file.Rows {
			n.stored[row.Key] = row.Value
		}
	}
	sum := blake2b.Sum256([]byte(dir))
	n.code = text(sum[:])
	n.number(n.Block)
	return n
}

// text is the block's number as JSON has it.
func (n *block) text() string { return strconv.FormatUint(n.Block, 10) }

// number gives the block a number.
func (n *block) number(number uint64) {
	n.Block = number
	zero := make([]byte, 32)
	enc := append(scale.AppendCompact(slices.Clone(zero), number), slices.Concat(zero, zero, []byte{0})...)
	sum := blake2b.Sum256(enc)
	n.hash = text(sum[:])
}

// serve starts a node.
func serve(t testing.TB, blocks ...*block) *node {
	t.Helper()
	n := &node{t: t, blocks: blocks}
	n.Server = nodetest.NewServer(t, n.serve)
	return n
}

// dial connects to a node.
func dial(t testing.TB, url, archive string) *subtensor.Client {
	t.Helper()
	network := subtensor.Network{Name: "parity", Endpoint: url, Archive: archive}
	c, err := subtensor.Dial(t.Context(), network, subtensor.Options{Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// newNode starts a node with one block and connects to it.
func newNode(t testing.TB, dir string) (*block, *subtensor.Client) {
	t.Helper()
	b := answers(t, dir)
	return b, dial(t, serve(t, b).URL(), "")
}

func (n *node) serve(c *nodetest.Conn) {
	n.open.Add(1)
	defer n.open.Add(-1)
	var sending sync.Mutex
	var all sync.WaitGroup
	defer all.Wait()
	c.Drain(func(msg []byte) {
		all.Go(func() {
			reply := n.reply(msg)
			sending.Lock()
			defer sending.Unlock()
			if err := c.Send(reply); err != nil {
				n.t.Log(err)
			}
		})
	})
}

func (n *node) reply(msg []byte) string {
	batch := make([]request, 1)
	if msg[0] != '[' {
		if err := json.Unmarshal(msg, &batch[0]); err != nil {
			n.t.Error(err)
		}
	} else if err := json.Unmarshal(msg, &batch); err != nil {
		n.t.Error(err)
	}
	replies := make([]string, len(batch))
	for i, r := range batch {
		result, fault := n.answerTo(r)
		what := result
		member := "result"
		if fault != nil {
			what, member = fault, "error"
		}
		said, err := json.Marshal(what)
		if err != nil {
			n.t.Error(err)
		}
		replies[i] = fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%q:%s}`, r.ID, member, said)
	}
	if msg[0] != '[' {
		return replies[0]
	}
	return "[" + strings.Join(replies, ",") + "]"
}

func (n *node) answerTo(r request) (any, *fault) {
	if n.override != nil {
		if result, fault := n.override(r); result != nil || fault != nil {
			return result, fault
		}
	}
	if r.Method == "chain_getBlockHash" {
		if r.word(0) == "" && string(r.Params[0]) == "0" {
			return text(make([]byte, 32)), nil
		}
		for _, b := range n.blocks {
			if string(r.Params[0]) == fmt.Sprint(b.Block) {
				return b.hash, nil
			}
		}
		return nil, nil
	}
	if r.Method == "chain_getHeader" && len(r.Params) == 0 {
		return n.blocks[len(n.blocks)-1].answerTo(r)
	}
	for _, b := range n.blocks {
		for i := range r.Params {
			if r.word(i) == b.hash {
				return b.answerTo(r)
			}
		}
	}
	return nil, &fault{4003, "Client error: UnknownBlock: State already discarded"}
}

func (n *block) answerTo(r request) (any, *fault) {
	zero := text(make([]byte, 32))
	switch r.Method {
	case "chain_getHeader":
		return map[string]any{
			"number": fmt.Sprintf("0x%x", n.Block), "parentHash": zero, "stateRoot": zero, "extrinsicsRoot": zero,
			"digest": map[string]any{"logs": []string{}},
		}, nil
	case "state_getRuntimeVersion":
		return n.version, nil
	case "state_getStorageHash":
		return n.code, nil
	case "state_getMetadata":
		return n.v14, nil
	case "state_getKeysPaged":
		keys := []string{}
		prefix, after := r.word(0), r.word(2)
		for name := range n.Storage {
			if strings.HasPrefix(name, "networksAdded(") && prefix == networksAdded {
				keys = append(keys, n.value(name).Key)
			}
		}
		for k := range n.stored {
			if strings.HasPrefix(k, prefix) && k > after {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		var size int
		if err := json.Unmarshal(r.Params[1], &size); err != nil {
			n.t.Error(err)
		}
		return keys[:min(size, len(keys))], nil
	case "state_queryStorageAt":
		var keys []string
		if err := json.Unmarshal(r.Params[0], &keys); err != nil {
			n.t.Error(err)
		}
		changes := make([][2]any, len(keys))
		for i, k := range keys {
			changes[i][0] = k
			if v, ok := n.stored[k]; ok {
				changes[i][1] = v
			}
			for name := range n.Storage {
				if v := n.value(name); v.Key == k {
					changes[i][1] = v.Value
				}
			}
		}
		return []any{map[string]any{"block": n.hash, "changes": changes}}, nil
	case "state_call":
		return n.call(r.word(0), r.word(1))
	}
	n.t.Errorf("%s was not expected", r.Method)
	return nil, nil
}

func (n *block) call(method, args string) (any, *fault) {
	if strings.HasPrefix(method, "Metadata_") {
		return n.metadata, nil
	}
	for _, c := range n.Calls {
		if c.Method == method && fmt.Sprintf("0x%02x%02x", c.Netuid&255, c.Netuid>>8) == args {
			return c.Result, nil
		}
	}
	if answer, ok := n.more[method+args]; ok {
		return answer, nil
	}
	if n.methods[method] {
		return "0x00", nil // none, and an empty list
	}
	return nil, &fault{4003, "Client error: Execution failed: Exported method " + method + " is not found"}
}

type stored struct{ Key, Value string }

func (n *block) value(name string) (v stored) {
	if strings.Contains(name, "*") {
		return stored{} // many values
	}
	if err := json.Unmarshal(n.Storage[name], &v); err != nil {
		n.t.Errorf("%s: %v", name, err)
	}
	return v
}
