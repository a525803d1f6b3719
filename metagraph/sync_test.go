package metagraph_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/subtensor"
)

// node answers about one block as a real node did.
type node struct {
	inputs
	t        testing.TB
	version  json.RawMessage
	metadata string // answer of Metadata_metadata_at_version, none for old runtimes
	v14      string
	hash     string

	messages atomic.Int64 // that came; a batch is one
}

const networksAdded = "0x658faa385070e074c85bf6b568cf05550e30450fc4d507a846032a7fa65d9a43"

// newNode starts a node with the runtime and the answers of a folder, and
// connects to it.
func newNode(t testing.TB, dir string) (*node, *subtensor.Client) {
	t.Helper()
	n := &node{t: t}
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
	zero := make([]byte, 32)
	enc := append(scale.AppendCompact(slices.Clone(zero), n.Block), slices.Concat(zero, zero, []byte{0})...)
	sum := blake2b.Sum256(enc)
	n.hash = text(sum[:])

	server := nodetest.NewServer(t, n.serve)
	network := subtensor.Network{Name: "parity", Endpoint: server.URL()}
	c, err := subtensor.Dial(t.Context(), network, subtensor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return n, c
}

func text(b []byte) string { return "0x" + hex.EncodeToString(b) }

type request struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

func (n *node) serve(c *nodetest.Conn) {
	c.Drain(func(msg []byte) {
		n.messages.Add(1)
		var batch []request
		if msg[0] != '[' {
			batch = make([]request, 1)
			if err := json.Unmarshal(msg, &batch[0]); err != nil {
				n.t.Error(err)
			}
		} else if err := json.Unmarshal(msg, &batch); err != nil {
			n.t.Error(err)
		}
		answers := make([]string, len(batch))
		for i, r := range batch {
			result, err := json.Marshal(n.answerTo(r))
			if err != nil {
				n.t.Error(err)
			}
			answers[i] = fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, r.ID, result)
		}
		reply := answers[0]
		if msg[0] == '[' {
			reply = "[" + strings.Join(answers, ",") + "]"
		}
		if err := c.Send(reply); err != nil {
			n.t.Log(err)
		}
	})
}

func (n *node) answerTo(r request) any {
	param := make([]string, len(r.Params))
	for i, p := range r.Params {
		_ = json.Unmarshal(p, &param[i])
	}
	zero := text(make([]byte, 32))
	switch r.Method {
	case "chain_getBlockHash":
		switch string(r.Params[0]) {
		case "0":
			return zero
		case fmt.Sprint(n.Block):
			return n.hash
		}
		return nil
	case "chain_getHeader":
		return map[string]any{
			"number": fmt.Sprintf("0x%x", n.Block), "parentHash": zero, "stateRoot": zero, "extrinsicsRoot": zero,
			"digest": map[string]any{"logs": []string{}},
		}
	case "state_getRuntimeVersion":
		return n.version
	case "state_getStorageHash":
		return zero
	case "state_getMetadata":
		return n.v14
	case "state_getKeysPaged":
		if param[0] != networksAdded {
			n.t.Errorf("keys below %s", param[0])
		}
		keys := []string{}
		for name := range n.Storage {
			if strings.HasPrefix(name, "networksAdded(") {
				keys = append(keys, n.value(name).Key)
			}
		}
		slices.Sort(keys)
		return keys
	case "state_queryStorageAt":
		var keys []string
		if err := json.Unmarshal(r.Params[0], &keys); err != nil {
			n.t.Error(err)
		}
		changes := make([][2]any, len(keys))
		for i, k := range keys {
			changes[i][0] = k
			for name := range n.Storage {
				if v := n.value(name); v.Key == k {
					changes[i][1] = v.Value
				}
			}
		}
		return []any{map[string]any{"block": n.hash, "changes": changes}}
	case "state_call":
		name := param[0]
		if strings.HasPrefix(name, "Metadata_") {
			return n.metadata
		}
		for _, c := range n.Calls {
			if c.Method == name && fmt.Sprintf("0x%02x%02x", c.Netuid&255, c.Netuid>>8) == param[1] {
				return c.Result
			}
		}
		if strings.HasSuffix(name, "subnet_state") {
			return "0x00" // none
		}
		return "0x00" // an empty list
	}
	n.t.Errorf("%s was not expected", r.Method)
	return nil
}

type stored struct{ Key, Value string }

func (n *node) value(name string) (v stored) {
	if strings.Contains(name, "*") {
		return stored{} // many values
	}
	if err := json.Unmarshal(n.Storage[name], &v); err != nil {
		n.t.Errorf("%s: %v", name, err)
	}
	return v
}

// Over the wire a metagraph is what FromAnswers makes of the same answers, in
// every era, and takes as few questions as there can be.
func TestSync(t *testing.T) {
	for _, c := range []struct {
		dir   string
		state bool // the subnet's state is asked for
	}{{"119-mock", false}, {"202-dao", false}, {"293-aura", true}, {"475-backport", true}} {
		t.Run(c.dir, func(t *testing.T) {
			n, client := newNode(t, c.dir)
			schema, _ := schemaOf(t, c.dir)
			for _, netuid := range []uint16{1, 12} {
				a := metagraph.Answers{Netuid: netuid, Network: "parity", Block: n.Block}
				if err := schema.Decode(getNeurons, n.answer(t, getNeurons, netuid), &a.Neurons); err != nil {
					t.Fatal(err)
				}
				if c.state {
					if err := schema.Decode(getSubnetState, n.answer(t, getSubnetState, netuid), &a.State); err != nil {
						t.Fatal(err)
					}
				}
				want, err := metagraph.FromAnswers(a)
				if err != nil {
					t.Fatal(err)
				}
				n.messages.Store(0)
				got, err := metagraph.Sync(t.Context(), client, netuid, metagraph.Options{Full: true})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				// The head, its runtime, and then all questions at once.
				messages := int64(3)
				if c.state {
					messages++
				}
				if asked := n.messages.Load(); asked != messages {
					t.Errorf("%d messages, want %d", asked, messages)
				}

				// The lite form lacks the matrices and nothing else.
				lite, err := metagraph.Sync(t.Context(), client, netuid, metagraph.Options{Block: &n.Block})
				if err != nil {
					t.Fatal(err)
				}
				want.Weights, want.Bonds, want.MatrixBlock = metagraph.Matrix{}, metagraph.Matrix{}, 0
				if diff := cmp.Diff(want, lite); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestSyncRoot(t *testing.T) {
	_, client := newNode(t, "293-aura")
	m, err := metagraph.Sync(t.Context(), client, 0, metagraph.Options{Full: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint16{0, 1, 12}, m.Weights.Columns); diff != "" {
		t.Error(diff)
	}
	want := npz(t, filepath.Join(vectors.Parity(t), "293-aura", "sdk9.8.3.netuid0.full.npz"))
	if shape, all := flat(m.W()); !slices.Equal(shape, want["weights"].shape) || !slices.Equal(all, want["weights"].f32) {
		t.Errorf("weights %v %v", shape, all)
	}
	if m.B() != nil {
		t.Error("bonds on the root subnet")
	}
}

// A sync that is lite leaves the matrices, one that fails leaves everything.
func TestSyncAgain(t *testing.T) {
	n, client := newNode(t, "293-aura")
	m := metagraph.New(1, "mine")
	if err := m.Sync(t.Context(), client, metagraph.Options{Full: true}); err != nil {
		t.Fatal(err)
	}
	if m.Network != "mine" || m.MatrixBlock != n.Block {
		t.Errorf("%v with matrices of block %d", m, m.MatrixBlock)
	}
	m.MatrixBlock = 5
	before := *m
	m.Ranks, m.Block = nil, 0
	if err := m.Sync(t.Context(), client, metagraph.Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, *m); diff != "" {
		t.Error(diff)
	}

	future := n.Block + 1
	var missing *substrate.BlockNotFoundError
	if err := m.Sync(t.Context(), client, metagraph.Options{Block: &future}); !errors.As(err, &missing) || missing.Head != n.Block {
		t.Errorf("block in the future: %v", err)
	}
	m.Netuid, before.Netuid = 77, 77
	err := m.Sync(t.Context(), client, metagraph.Options{Full: true})
	var absent *subtensor.SubnetNotFoundError
	if !errors.As(err, &absent) || !slices.Equal(absent.Existing, []uint16{0, 1, 12}) {
		t.Errorf("netuid 77: %v", err)
	}
	if diff := cmp.Diff(before, *m); diff != "" {
		t.Error(diff)
	}
	if _, err := metagraph.Sync(t.Context(), client, 77, metagraph.Options{}); !errors.Is(err, subtensor.ErrSubnetNotFound) {
		t.Errorf("netuid 77: %v", err)
	}
}

// A node that gives the neurons of another subnet is caught.
func TestSyncLies(t *testing.T) {
	n, client := newNode(t, "293-aura")
	for i := range n.Calls {
		if c := &n.Calls[i]; c.Netuid == 12 {
			c.Netuid = 1
		} else if c.Netuid == 1 {
			c.Netuid = 12
		}
	}
	m, err := metagraph.Sync(t.Context(), client, 1, metagraph.Options{})
	if err == nil || m != nil || !strings.Contains(err.Error(), "do not fit together") {
		t.Errorf("%v, %v", m, err)
	}
}

func BenchmarkSync(b *testing.B) {
	_, client := newNode(b, "293-aura")
	for netuid, size := range map[uint16]int{1: 64, 12: 256} {
		for _, full := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/full=%v", size, full), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					m, err := metagraph.Sync(b.Context(), client, netuid, metagraph.Options{Full: full})
					if err != nil || m.N() != size {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// A whole sync against the development chain in this process, sixteen neurons:
// what the chain does for it is in the figure too.
func BenchmarkSyncDevnet(b *testing.B) {
	node, err := devnet.Start(devnet.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { node.Close() })
	c, err := subtensor.Dial(b.Context(), subtensor.Network{Endpoint: node.URL()}, subtensor.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	for _, full := range []bool{false, true} {
		b.Run(fmt.Sprintf("16/full=%v", full), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if m, err := metagraph.Sync(b.Context(), c, 1, metagraph.Options{Full: full}); err != nil || m.N() != 16 {
					b.Fatal(err)
				}
			}
		})
	}
}
