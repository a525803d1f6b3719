package metagraph_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/bittensor-go/bt/subtensor"
)

// take ranges over a sequence and returns what came, by place: nil where a subnet
// could not be read, and the errors of those; and the error that ended it.
func take(t *testing.T, all iter.Seq2[*metagraph.Metagraph, error]) (graphs []*metagraph.Metagraph, failed []*metagraph.SubnetError, last error) {
	t.Helper()
	for m, err := range all {
		if last != nil {
			t.Error("something follows the last error")
		}
		if (m == nil) != (err != nil) {
			t.Errorf("%v and %v", m, err)
		}
		var subnet *metagraph.SubnetError
		switch {
		case errors.As(err, &subnet):
			failed = append(failed, subnet)
		case err != nil:
			last = err
			continue
		}
		graphs = append(graphs, m)
	}
	return graphs, failed, last
}

// All subnets are what each is alone, of one block.
func TestSyncAll(t *testing.T) {
	for _, dir := range []string{"119-mock", "293-aura"} {
		b := answers(t, dir)
		node := serve(t, b)
		client := dial(t, node.URL(), "")
		for _, opts := range []metagraph.Options{{}, {Full: true, Block: &b.Block}} {
			for _, c := range []struct{ netuids, want []uint16 }{
				{nil, []uint16{0, 1, 12}},
				{[]uint16{12, 1}, []uint16{12, 1}},
			} {
				got, failed, err := take(t, metagraph.SyncAll(t.Context(), client, opts, c.netuids...))
				if err != nil || failed != nil {
					t.Fatal(failed, err)
				}
				var want []*metagraph.Metagraph
				for _, netuid := range c.want {
					m, err := metagraph.Sync(t.Context(), client, netuid, opts)
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, m)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s", dir, diff)
				}
			}
		}
		var future uint64 = 9_000_000
		if got, failed, err := take(t, metagraph.SyncAll(t.Context(), client, metagraph.Options{Block: &future})); len(got) != 0 || failed != nil || err == nil {
			t.Errorf("%v, %v, %v", got, failed, err)
		}
	}
}

// Four subnets are read at a time, and no more before they are taken.
func TestSyncAllWindow(t *testing.T) {
	const window = 4
	b := answers(t, "119-mock")
	node := serve(t, b)
	client := dial(t, node.URL(), "")
	var asked atomic.Int32
	var four sync.WaitGroup
	four.Add(window)
	node.override = func(r request) (any, *fault) {
		if r.word(0) == getNeuronsLite {
			if asked.Add(1) <= window {
				four.Done()
				four.Wait() // reading one after the other would never get any further
			}
		}
		return nil, nil
	}
	list := slices.Repeat([]uint16{1}, 30)
	taken := int32(0)
	for _, err := range metagraph.SyncAll(t.Context(), client, metagraph.Options{}, list...) {
		if err != nil {
			t.Fatal(err)
		}
		if n := asked.Load(); n > taken+window {
			t.Errorf("%d subnets were asked for when %d were taken", n, taken)
		}
		taken++
	}
	if taken != 30 || asked.Load() != 30 {
		t.Errorf("%d taken, %d asked for", taken, asked.Load())
	}
}

// However the loop ends, what is under way is given up.
func TestSyncAllEnds(t *testing.T) {
	b := answers(t, "293-aura")
	node := serve(t, b)
	client := dial(t, node.URL(), "")
	silent := make(chan struct{})
	t.Cleanup(func() { close(silent) }) // before the node's own
	waiting := make(chan struct{}, 100)
	node.override = func(r request) (any, *fault) {
		if r.word(0) == getNeuronsLite && r.word(1) == "0x0c00" {
			waiting <- struct{}{}
			<-silent
		}
		return nil, nil
	}
	opts := metagraph.Options{}

	for m, err := range metagraph.SyncAll(t.Context(), client, opts, 1, 12, 12) {
		if err != nil || m.Netuid != 1 {
			t.Errorf("%v, %v", m, err)
		}
		break
	}

	for len(waiting) > 0 {
		<-waiting
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-waiting
		cancel()
	}()
	got, failed, err := take(t, metagraph.SyncAll(ctx, client, opts, 1, 12, 12))
	if len(got) > 1 || failed != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v, %v", got, failed, err)
	}

	// The connection is as good as before.
	if _, err := metagraph.Sync(t.Context(), client, 1, opts); err != nil {
		t.Error(err)
	}
}

// What is wrong with one subnet is told in its place, and the others are read.
func TestSyncAllGoesOn(t *testing.T) {
	node := serve(t, answers(t, "293-aura"))
	client := dial(t, node.URL(), "")
	node.override = func(r request) (any, *fault) {
		if r.word(0) == getNeuronsLite && r.word(1) == "0x0c00" {
			return nil, &fault{-32603, "trap"}
		}
		return nil, nil
	}
	got, failed, err := take(t, metagraph.SyncAll(t.Context(), client, metagraph.Options{}, 12, 1, 77, 1, 12))
	if err != nil || len(got) != 5 || len(failed) != 3 {
		t.Fatalf("%v, %v, %v", got, failed, err)
	}
	for i, n := range []int{0, 64, 0, 64, 0} {
		if (got[i] == nil) != (n == 0) || n > 0 && got[i].N() != n {
			t.Errorf("place %d: %v", i, got[i])
		}
	}
	for i, netuid := range []uint16{12, 77, 12} {
		if failed[i].Netuid != netuid || errors.Is(failed[i], subtensor.ErrSubnetNotFound) != (netuid == 77) {
			t.Errorf("%v", failed[i])
		}
	}
	if text := failed[0].Error(); !strings.Contains(text, "metagraph of netuid 12: ") || !strings.Contains(text, "trap") {
		t.Error(text)
	}
}

// What is wrong with the block or the connection is told once.
func TestSyncAllStops(t *testing.T) {
	node := serve(t, answers(t, "293-aura"))
	gate := nodetest.NewGate(t, node.URL())
	for name, c := range map[string]struct {
		fail func() *fault
		is   error
	}{
		"state discarded": {func() *fault { return &fault{4003, "State already discarded"} }, substrate.ErrStateDiscarded},
		"connection lost": {func() *fault { gate.Drop(); return nil }, rpc.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, gate.URL(), "") // the other case may have cut the one before
			asked := atomic.Int32{}
			node.override = func(r request) (any, *fault) {
				if r.word(0) == getNeuronsLite && asked.Add(1) == 6 {
					return nil, c.fail()
				}
				return nil, nil
			}
			got, failed, err := take(t, metagraph.SyncAll(t.Context(), client, metagraph.Options{}, slices.Repeat([]uint16{1}, 20)...))
			if len(got) < 2 || len(got) > 8 || failed != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), "metagraph of netuid 1: ") {
				t.Errorf("%d, %v, %v", len(got), failed, err)
			}
		})
	}
}

// The block is fixed once: neither a newer one nor another of its number is read
// meanwhile. It is known, and how many subnets there are, before they are read.
func TestSyncAllAt(t *testing.T) {
	b := answers(t, "293-aura")
	node := serve(t, b)
	gate := nodetest.NewGate(t, node.URL())
	client := dial(t, gate.URL(), "")
	var got []*metagraph.Metagraph
	gate.Trips(func() {
		s, err := client.AtHead(t.Context(), subtensor.AskNetuids())
		if err != nil {
			t.Error(err)
			return
		}
		node.override = func(r request) (any, *fault) {
			if r.Method != "state_call" && r.Method != "state_queryStorageAt" || r.word(len(r.Params)-1) != b.hash {
				t.Errorf("%s is asked", r.Method)
			}
			return nil, nil
		}
		netuids, err := s.Netuids(t.Context())
		if err != nil || s.Number != b.Block || len(netuids) != 3 {
			t.Errorf("block %d, subnets %v, %v", s.Number, netuids, err)
		}
		other := uint64(5) // is not looked at
		var failed []*metagraph.SubnetError
		got, failed, err = take(t, metagraph.SyncAllAt(t.Context(), s, metagraph.Options{Block: &other}, netuids...))
		if err != nil || failed != nil {
			t.Error(failed, err)
		}
	}, 1, 2+1, 1, 3*2)
	node.override = nil
	want, failed, err := take(t, metagraph.SyncAll(t.Context(), client, metagraph.Options{}))
	if err != nil || failed != nil || len(got) != 3 || got[0].Network != "parity" || got[0].Block != b.Block {
		t.Fatal(got, failed, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// SyncAll takes no more trips.
	gate.Trips(func() {
		if _, _, err := take(t, metagraph.SyncAll(t.Context(), client, metagraph.Options{Full: true})); err != nil {
			t.Error(err)
		}
	}, 1, 2+1, 1, 3*2+1)
}
