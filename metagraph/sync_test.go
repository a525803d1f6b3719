package metagraph_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// Over the wire a metagraph is what FromAnswers makes of the same answers, in
// every era, and takes two trips.
func TestSync(t *testing.T) {
	for _, c := range []struct {
		dir   string
		state bool // the subnet's state is asked for
	}{{"119-mock", false}, {"202-dao", false}, {"293-aura", true}, {"475-backport", true}} {
		t.Run(c.dir, func(t *testing.T) {
			n := answers(t, c.dir)
			gate := nodetest.NewGate(t, serve(t, n).URL())
			client := dial(t, gate.URL(), "")
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
				// The head; then version and code, neurons and state.
				var got *metagraph.Metagraph
				gate.Trips(func() {
					got, err = metagraph.Sync(t.Context(), client, netuid, metagraph.Options{Full: true})
				}, 1, 4)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}

				// The lite form lacks the matrices and nothing else. A block by number takes
				// its hash and the head first, and its header with the rest.
				var lite *metagraph.Metagraph
				gate.Trips(func() {
					lite, err = metagraph.Sync(t.Context(), client, netuid, metagraph.Options{Block: &n.Block})
				}, 2, 5)
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
	n := answers(t, "293-aura")
	node := serve(t, n)
	gate := nodetest.NewGate(t, node.URL())
	client := dial(t, gate.URL(), "")
	var m *metagraph.Metagraph
	var err error
	gate.Trips(func() {
		m, err = metagraph.Sync(t.Context(), client, 0, metagraph.Options{Full: true})
	}, 1, 5)
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

	// Where the runtime's list of subnets is of no use, storage is read.
	clear(n.more)
	again, err := metagraph.Sync(t.Context(), client, 0, metagraph.Options{Full: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again); diff == "" {
		t.Error("an empty list of subnets is not believed")
	}
	delete(n.methods, "SubnetInfoRuntimeApi_get_subnets_info")
	if again, err = metagraph.Sync(t.Context(), client, 0, metagraph.Options{Full: true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again); diff != "" {
		t.Error(diff)
	}
}

// Every block is read with its own runtime, wherever the client comes from.
func TestSyncAcrossUpgrades(t *testing.T) {
	var blocks []*block
	for i, dir := range []string{"119-mock", "202-dao", "293-aura", "475-backport"} {
		b := answers(t, dir)
		b.number(4_200_000 + uint64(i))
		blocks = append(blocks, b)
	}
	gate := nodetest.NewGate(t, serve(t, blocks...).URL())
	client := dial(t, gate.URL(), "")
	read := func(b *block) *metagraph.Metagraph {
		t.Helper()
		m, err := metagraph.Sync(t.Context(), client, 1, metagraph.Options{Full: true, Block: &b.Block})
		if err != nil {
			t.Fatalf("block %d: %v", b.Block, err)
		}
		return m
	}
	var first []*metagraph.Metagraph
	for _, b := range blocks {
		_, alone := newNode(t, map[uint64]string{4_200_000: "119-mock", 4_200_001: "202-dao", 4_200_002: "293-aura", 4_200_003: "475-backport"}[b.Block])
		want, err := metagraph.Sync(t.Context(), alone, 1, metagraph.Options{Full: true})
		if err != nil {
			t.Fatal(err)
		}
		want.Block, want.MatrixBlock = b.Block, b.Block
		got := read(b) // with metadata, which is not known yet
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("block %d: %s", b.Block, diff)
		}
		first = append(first, got)
	}
	// Back and forth: whatever was read last, two trips.
	for _, i := range []int{3, 0, 2, 1, 3, 2, 0} {
		gate.Trips(func() {
			if diff := cmp.Diff(first[i], read(blocks[i])); diff != "" {
				t.Errorf("block %d: %s", blocks[i].Block, diff)
			}
		}, 2, 5)
	}
}

// Without a client one is made for the graph's network, and closed.
func TestSyncWithoutClient(t *testing.T) {
	b := answers(t, "293-aura")
	node := serve(t, b)
	m := metagraph.New(1, node.URL())
	for range 2 {
		if err := m.Sync(t.Context(), nil, metagraph.Options{}); err != nil || m.N() != 64 || m.Network != node.URL() {
			t.Errorf("%v, %v", m, err)
		}
	}
	if left := node.open.Load(); left > 1 { // the last goodbye may be under way
		t.Errorf("%d connections are open", left)
	}
	if err := metagraph.New(1, "parity").Sync(t.Context(), nil, metagraph.Options{}); err == nil || !strings.Contains(err.Error(), "without a client") {
		t.Error(err)
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

// Connecting takes two trips: the ends of the chain, then the newest block's
// runtime, whose metadata is known.
func TestDialTrips(t *testing.T) {
	gate := nodetest.NewGate(t, serve(t, answers(t, "293-aura")).URL())
	opts := subtensor.Options{CacheDir: t.TempDir()}
	connect := func() {
		c, err := subtensor.Dial(t.Context(), subtensor.Network{Endpoint: gate.URL()}, opts)
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { c.Close() })
	}
	connect()
	gate.Trips(connect, 2, 2)
}
