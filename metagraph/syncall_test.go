package metagraph_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/subtensor"
)

// take ranges over a sequence and returns what came before the error.
func take(t *testing.T, all func(func(*metagraph.Metagraph, error) bool)) (graphs []*metagraph.Metagraph, err error) {
	t.Helper()
	for m, e := range all {
		if err != nil {
			t.Error("something follows an error")
		}
		if (m == nil) != (e != nil) {
			t.Errorf("%v and %v", m, e)
		}
		if err = e; e == nil {
			graphs = append(graphs, m)
		}
	}
	return graphs, err
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
				got, err := take(t, metagraph.SyncAll(t.Context(), client, opts, c.netuids...))
				if err != nil {
					t.Fatal(err)
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
		if got, err := take(t, metagraph.SyncAll(t.Context(), client, metagraph.Options{Block: &future})); len(got) != 0 || err == nil {
			t.Errorf("%v, %v", got, err)
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

	got, err := take(t, metagraph.SyncAll(t.Context(), client, opts, 1, 77, 12, 12, 12))
	if len(got) != 1 || !errors.Is(err, subtensor.ErrSubnetNotFound) || !strings.Contains(err.Error(), "metagraph of netuid 77") {
		t.Errorf("%v, %v", got, err)
	}

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
	got, err = take(t, metagraph.SyncAll(ctx, client, opts, 1, 12, 12))
	if len(got) > 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", got, err)
	}

	// The connection is as good as before.
	if _, err := metagraph.Sync(t.Context(), client, 1, opts); err != nil {
		t.Error(err)
	}
}
