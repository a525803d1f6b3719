package metagraph_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/subtensor"
)

// The development chain's first subnet: four validators that weigh twelve miners.
func TestDevnet(t *testing.T) {
	node, err := devnet.Start(devnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	c, err := subtensor.Dial(t.Context(), subtensor.Network{Name: "local", Endpoint: node.URL()}, subtensor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })

	m, err := metagraph.Sync(t.Context(), c, 1, metagraph.Options{Full: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.String(), "metagraph(netuid:1, n:16, block:0, network:local)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if diff := cmp.Diff([]uint16{0, 1, 2, 3}, m.Validators()); diff != "" {
		t.Error(diff)
	}
	var incentive float64
	for uid := range m.N() {
		incentive += float64(m.I()[uid])
		row, sum := m.W()[uid], 0.0
		for to, w := range row {
			sum += float64(w)
			weighs := uid < 4 && to >= 4 && (to+uid)%5 != 0
			if weighs != (w > 0) {
				t.Errorf("uid %d weighs uid %d with %v", uid, to, w)
			}
		}
		if want := map[bool]float64{true: 1}[uid < 4]; math.Abs(sum-want) > 1e-6 {
			t.Errorf("the weights of uid %d sum to %v", uid, sum)
		}
		if m.Active[uid] != (uid != 15) {
			t.Errorf("uid %d: active %v", uid, m.Active[uid])
		}
	}
	if math.Abs(incentive-1) > 1e-4 {
		t.Errorf("the incentives sum to %v", incentive)
	}

	node.Step()
	genesis := uint64(0)
	for _, block := range []*uint64{nil, &genesis} {
		lite, err := metagraph.Sync(t.Context(), c, 1, metagraph.Options{Block: block})
		if err != nil {
			t.Fatal(err)
		}
		want := *m
		want.Weights, want.Bonds, want.MatrixBlock = metagraph.Matrix{}, metagraph.Matrix{}, 0
		if block == nil {
			want.Block = 1
		}
		if diff := cmp.Diff(&want, lite); diff != "" {
			t.Error(diff)
		}
	}

	// A subnet without neurons is none that does not exist.
	for _, full := range []bool{false, true} {
		empty, err := metagraph.Sync(t.Context(), c, 2, metagraph.Options{Full: full})
		if err != nil || empty.N() != 0 || empty.Block != 1 {
			t.Errorf("netuid 2: %v, %v", empty, err)
		}
		if _, err := metagraph.Sync(t.Context(), c, 9, metagraph.Options{Full: full}); !errors.Is(err, subtensor.ErrSubnetNotFound) {
			t.Errorf("netuid 9: %v", err)
		}
	}
	root, err := metagraph.Sync(t.Context(), c, 0, metagraph.Options{Full: true})
	if err != nil {
		t.Fatal(err)
	}
	if root.N() != 0 || root.W() != nil {
		t.Errorf("netuid 0: %v", root)
	}
}
