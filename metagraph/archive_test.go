package metagraph_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	for name, c := range map[string]struct {
		archive   string
		discarded bool
		says      string
	}{
		"none is known":    {"", true, "no archive node of network parity is known"},
		"it is one itself": {light.URL(), true, "block 4200000: the node has not kept the state of that block"},
		"unreachable":      {closed.URL(), false, "block 4200000, from the archive node of network parity: "},
		"of another chain": {foreign.URL(), false, "is of another chain"},
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, light.URL(), c.archive)
			block := old
			_, err := metagraph.Sync(t.Context(), client, 1, metagraph.Options{Block: &block})
			if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, substrate.ErrStateDiscarded) != c.discarded {
				t.Fatal(err)
			}
			if c.discarded && !strings.Contains(subtensor.Explain(err), "archive") {
				t.Errorf("remedy %q", subtensor.Explain(err))
			}
		})
	}
}
