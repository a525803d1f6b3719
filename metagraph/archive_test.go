package metagraph_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// lightAndArchive starts a node that keeps the state of the newest of some blocks
// and knows the hash of the last but one, and a node that keeps all.
func lightAndArchive(t *testing.T, numbers ...uint64) (light, archive *node, askedOfOld *atomic.Int32) {
	t.Helper()
	var blocks []*block
	for _, n := range numbers {
		b := answers(t, "293-aura")
		b.number(n)
		blocks = append(blocks, b)
	}
	archive = serve(t, blocks...)
	newest, before := blocks[len(blocks)-1], blocks[len(blocks)-2]
	light = serve(t, newest)
	askedOfOld = new(atomic.Int32)
	light.override = func(r request) (any, *fault) {
		if r.Method != "chain_getBlockHash" {
			return nil, nil // by hash: the state is discarded, by the node's own answer
		}
		n := string(r.Params[0])
		if n == "0" || n == newest.text() {
			return nil, nil
		}
		askedOfOld.Add(1)
		if n == before.text() {
			return before.hash, nil
		}
		return nil, nil
	}
	return light, archive, askedOfOld
}

func TestArchive(t *testing.T) {
	const head = 4_200_500
	for _, c := range []struct {
		name  string
		block uint64
		asked int32 // whether the light node was asked first
	}{
		{"older than 300 blocks", head - 301, 0},
		{"state discarded", head - 300, 1},
		{"unknown block", head - 299, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			numbers := []uint64{head - 299, c.block, head}
			if c.name == "unknown block" {
				numbers = []uint64{c.block, head - 1, head}
			}
			light, archive, asked := lightAndArchive(t, numbers...)
			client := dial(t, light.URL(), archive.URL())
			var told []uint64
			client.OnArchive = func(block uint64) { told = append(told, block) }
			for range 2 {
				m, err := metagraph.Sync(t.Context(), client, 1, metagraph.Options{Block: &c.block, Full: true})
				if err != nil || m.Block != c.block || m.N() != 64 || m.Network != "parity" {
					t.Fatalf("%v, %v", m, err)
				}
			}
			if diff := cmp.Diff([]uint64{c.block}, told); diff != "" {
				t.Errorf("told of the archive (-want +got):\n%s", diff)
			}
			if got := asked.Load(); got != 2*c.asked {
				t.Errorf("the light node was asked %d times", got)
			}
			if m, err := metagraph.Sync(t.Context(), client, 1, metagraph.Options{}); err != nil || m.Block != head {
				t.Errorf("%v, %v", m, err)
			}
			if open := archive.open.Load(); open != 1 {
				t.Errorf("%d connections to the archive node", open)
			}
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNoArchive(t *testing.T) {
	const head, old = 4_200_500, uint64(4_200_000)
	light, archive, _ := lightAndArchive(t, old, head)
	closed := serve(t)
	closed.Close()
	foreign := serve(t, archive.blocks...)
	foreign.override = func(r request) (any, *fault) {
		if r.Method == "chain_getBlockHash" {
			return "0x" + strings.Repeat("77", 32), nil
		}
		return nil, nil
	}
	forgetful, _, _ := lightAndArchive(t, old, head)
	const discarded = "block 4200000: the node has not kept the state of that block"
	for name, c := range map[string]struct {
		archive string
		says    []string
	}{
		"none is known":    {"", []string{discarded, "no archive node of network parity is known"}},
		"it is one itself": {light.URL(), []string{discarded}},
		"unreachable":      {closed.URL(), []string{discarded, "; from the archive node: cannot connect to " + closed.URL()}},
		"of another chain": {foreign.URL(), []string{discarded, "; from the archive node: " + foreign.URL() + " is of another chain"}},
		"discarded there":  {forgetful.URL(), []string{discarded, "; from the archive node " + forgetful.URL() + ": " + discarded}},
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, light.URL(), c.archive)
			block := old
			_, err := metagraph.Sync(t.Context(), client, 1, metagraph.Options{Block: &block})
			if !errors.Is(err, substrate.ErrStateDiscarded) || substrate.Unreachable(err) != (name == "unreachable") {
				t.Fatal(err)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v: no mention of %q", err, part)
				}
			}
			if !strings.Contains(subtensor.Explain(err), "archive") {
				t.Errorf("remedy %q", subtensor.Explain(err))
			}
		})
	}
}

// Where the archive node cannot be reached, the node itself may be one. Then it is
// asked first from there on.
func TestArchiveOutOfReach(t *testing.T) {
	old, head := numbered(t, "293-aura", 4_200_000), numbered(t, "293-aura", 4_200_500)
	closed := serve(t)
	closed.Close()
	client := dial(t, serve(t, old, head).URL(), closed.URL())
	tried := 0
	client.OnArchive = func(uint64) { tried++ }
	for range 3 {
		m, err := metagraph.Sync(t.Context(), client, 1, metagraph.Options{Block: &old.Block})
		if err != nil || m.Block != old.Block {
			t.Fatalf("%v, %v", m, err)
		}
	}
	if tried != 1 {
		t.Errorf("the archive node was tried %d times", tried)
	}
}

// A connection to the archive node that was lost is made anew.
func TestArchiveLost(t *testing.T) {
	const head, old = 4_200_500, uint64(4_200_000)
	light, archive, _ := lightAndArchive(t, old, head)
	gate := nodetest.NewGate(t, archive.URL())
	client := dial(t, light.URL(), gate.URL())
	var told []uint64
	client.OnArchive = func(block uint64) { told = append(told, block) }
	sync := func() error {
		block := old
		_, err := metagraph.Sync(t.Context(), client, 1, metagraph.Options{Block: &block})
		return err
	}
	if err := sync(); err != nil {
		t.Fatal(err)
	}
	gate.Drop()
	// The first that asks is the one to notice, if it was not noticed before.
	if err := sync(); err != nil && !substrate.Unreachable(err) {
		t.Fatal(err)
	}
	if err := sync(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{old, old}, told); diff != "" {
		t.Errorf("told of the archive (-want +got):\n%s", diff)
	}
}

// The node of a URL may be an archive or not. By its genesis block its chain is
// known, and with it the archive node for what it has not kept.
func TestArchiveOfChain(t *testing.T) {
	const head, old = 4_200_500, uint64(4_200_000)
	light, _, asked := lightAndArchive(t, old, head)
	lightly := light.override
	light.override = func(r request) (any, *fault) {
		if r.Method == "chain_getBlockHash" && string(r.Params[0]) == "0" {
			return finneyGenesis, nil
		}
		return lightly(r)
	}
	blocks := []*block{numbered(t, "293-aura", old), numbered(t, "293-aura", head)}
	archive := chain(t, finneyGenesis, blocks...)

	client := dial(t, light.URL(), "")
	if got, want := client.Network.Archive, "wss://archive.chain.opentensor.ai:443"; got != want {
		t.Errorf("archive node %q, want %q", got, want)
	}
	client.Network.Archive = archive.URL()
	var told []uint64
	client.OnArchive = func(block uint64) { told = append(told, block) }
	for range 2 {
		block := old
		m, err := metagraph.Sync(t.Context(), client, 1, metagraph.Options{Block: &block})
		if err != nil || m.Block != old || m.Network != "parity" {
			t.Fatalf("%v, %v", m, err)
		}
	}
	if diff := cmp.Diff([]uint64{old}, told); diff != "" || asked.Load() != 2 {
		t.Errorf("the node was asked %d times, told of the archive (-want +got):\n%s", asked.Load(), diff)
	}

	// One that keeps all is all that is asked; one of another chain has no archive.
	whole := dial(t, archive.URL(), "")
	whole.OnArchive = func(uint64) { t.Error("an archive node is asked") }
	block := old
	if m, err := metagraph.Sync(t.Context(), whole, 1, metagraph.Options{Block: &block}); err != nil || m.Block != old {
		t.Errorf("%v, %v", m, err)
	}
	if other := dial(t, serve(t, blocks...).URL(), ""); other.Network.Archive != "" {
		t.Errorf("archive node %q", other.Network.Archive)
	}
}
