package metagraph_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/subtensor"
)

func sdk(t testing.TB, version string) metagraph.SDK {
	t.Helper()
	s, err := metagraph.ParseSDK(version)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseSDK(t *testing.T) {
	for version, want := range map[string]metagraph.SDK{
		"6.9.4":  {Major: 6, Minor: 9, Patch: 4, Torch: true},
		"7.4.0":  {Major: 7, Minor: 4},
		"10.0.1": {Major: 10, Patch: 1},
	} {
		if got := sdk(t, version); got != want || got.String() != version {
			t.Errorf("%s: %+v, %v", version, got, got)
		}
	}
	for _, version := range []string{"", "7", "7.4", "7.4.0.1", "v7.4.0", "7.-1.0", "5.3.4", "11.3.0", "9.999.0"} {
		if s, err := metagraph.ParseSDK(version); err == nil || !strings.Contains(err.Error(), "6.0.0 to 10") {
			t.Errorf("%q: %v, %v", version, s, err)
		}
	}
}

// arrays returns what a release holds, by name.
func arrays(m *metagraph.Metagraph, s metagraph.SDK) map[string]metagraph.Array {
	all := make(map[string]metagraph.Array)
	for _, a := range m.As(s) {
		all[a.Name] = a
	}
	return all
}

// What the constructors of the SDK make, read from their source: nothing is there
// yet, and it has a type.
func TestAsBeforeSync(t *testing.T) {
	m := metagraph.New(7, "finney")
	for _, version := range []string{"6.9.4", "7.0.0", "8.5.2", "9.8.3", "10.5.0"} {
		for _, torch := range []bool{false, true} {
			s := sdk(t, version)
			s.Torch = s.Torch || torch
			number := map[string]int64{"6.9.4": 694, "7.0.0": 700, "8.5.2": 8_005_002, "9.8.3": 9_008_003, "10.5.0": 10_005_000}[version]
			want := map[string]metagraph.Array{
				"version": {Shape: []int{1}, Data: []int64{number}},
				"n":       {Shape: []int{1}, Data: []int64{0}},
				"block":   {Shape: []int{1}, Data: []int64{0}},
			}
			add := func(data any, names ...string) {
				for _, n := range names {
					want[n] = metagraph.Array{Shape: []int{0}, Data: data}
				}
			}
			add([]float32{}, "consensus", "validator_trust", "incentive", "emission", "dividends", "weights")
			add([]int64{}, "active", "last_update", "uids", "bonds")
			add([]bool{}, "validator_permit")
			if s.Major < 10 {
				add([]float32{}, "ranks", "trust")
			}
			switch {
			case s.Major < 9:
				add([]float32{}, "stake", "total_stake")
			case s.Torch:
				add([]float32{}, "stake", "total_stake", "alpha_stake", "tao_stake")
			default:
				add([]int64{}, "stake", "total_stake", "alpha_stake", "tao_stake")
			}
			for name, a := range want {
				a.Name = name
				want[name] = a
			}
			if diff := cmp.Diff(want, arrays(m, s)); diff != "" {
				t.Errorf("%v, torch %v: %s", s, s.Torch, diff)
			}
		}
	}
}

// What stacking rows gives: numpy.stack and torch.stack of the types that the
// releases put into the list, as their own documentation has the promotion.
func TestAsBonds(t *testing.T) {
	full := metagraph.NewMatrix([][]subtensor.WeightEntry{{{UID: 0, Value: 1}}, {{UID: 1, Value: 65535}}}, nil)
	gap := metagraph.NewMatrix([][]subtensor.WeightEntry{{{UID: 0, Value: 1}}, nil}, nil)
	for _, c := range []struct {
		version   string
		torch     bool
		full, gap any
	}{
		{"6.9.4", true, []int64{1, 0, 0, 65535}, []float32{1, 0, 0, 0}},
		{"7.1.2", false, []int64{1, 0, 0, 65535}, []float64{1, 0, 0, 0}},
		{"7.1.2", true, []int64{1, 0, 0, 65535}, []float32{1, 0, 0, 0}},
		{"7.2.0", false, []float32{1, 0, 0, 65535}, []float32{1, 0, 0, 0}},
		{"7.4.0", true, []int64{1, 0, 0, 65535}, []float32{1, 0, 0, 0}},
		{"10.5.0", false, []float32{1, 0, 0, 65535}, []float32{1, 0, 0, 0}},
	} {
		s := sdk(t, c.version)
		s.Torch = c.torch
		for _, x := range []struct {
			name  string
			bonds metagraph.Matrix
			want  any
		}{{"full", full, c.full}, {"a neuron without", gap, c.gap}} {
			m := small()
			m.Bonds = x.bonds
			want := metagraph.Array{Name: "bonds", Shape: []int{2, 2}, Data: x.want}
			if diff := cmp.Diff(want, arrays(m, s)["bonds"]); diff != "" {
				t.Errorf("%v, torch %v, %s: %s", s, c.torch, x.name, diff)
			}
		}
	}
}

// Stake by release: the list's sum, or what the runtime says.
func TestAsStake(t *testing.T) {
	m := small() // lists that sum to 30 and 0, alpha 1 and 2, TAO 3 and 4
	m.TotalStake = []uint64{5e9, 6e9}
	old, now := arrays(m, sdk(t, "8.5.2")), arrays(m, sdk(t, "9.8.3"))
	for _, c := range []struct {
		name      string
		want, got any
	}{
		{"stake of 8", []float32{30e-9, 0}, old["stake"].Data},
		{"total_stake of 8", []float32{30e-9, 0}, old["total_stake"].Data},
		{"alpha_stake of 8", nil, old["alpha_stake"].Data},
		{"stake of 9", []float32{5, 6}, now["stake"].Data},
		{"total_stake of 9", []float32{5, 6}, now["total_stake"].Data},
		{"alpha_stake of 9", []float32{1e-9, 2e-9}, now["alpha_stake"].Data},
		{"tao_stake of 9", []float32{3e-9 * 0.18, 4e-9 * 0.18}, now["tao_stake"].Data},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if m.AlphaStake, m.TaoStake = nil, nil; arrays(m, sdk(t, "9.8.3"))["stake"].Shape[0] != 0 {
		t.Error("version 9 has a stake of a block before spec 233")
	}
	for version, has := range map[string]bool{"10.0.0": true, "10.0.1": false} {
		if _, ok := arrays(m, sdk(t, version))["ranks"]; ok != has {
			t.Errorf("ranks in %s: %v", version, ok)
		}
	}
}

// Sums of numpy.float32 arrays, by NumPy 1.26.4 and 2.4.6: weights from a
// generator, row[i] = (x >> 48) | 0x8000 where (x >> 32) % 100 is below a density.
func TestNormalizedRounding(t *testing.T) {
	for _, c := range []struct {
		n       int
		seed    uint64
		density uint64
		sum     float32
	}{
		{256, 1, 100, 12496162},
		{257, 2, 100, 12670399},
		{300, 3, 100, 14889617},
		{511, 4, 100, 25043548},
		{777, 14, 100, 38072412},
		{1000, 5, 100, 49227176},
		{1001, 6, 100, 49410128},
		{1100, 11, 100, 53617316},
		{2500, 7, 100, 122920784}, // the exact sum rounds to 122920792
		{2500, 8, 90, 109121536},
		{4096, 9, 100, 201128880},
	} {
		x := c.seed
		row := []subtensor.WeightEntry{}
		for i := range c.n {
			x = x*6364136223846793005 + 1442695040888963407
			if (x>>32)%100 < c.density {
				row = append(row, subtensor.WeightEntry{UID: uint16(i), Value: uint16(x>>48) | 0x8000})
			}
		}
		m := metagraph.NewMatrix(append(make([][]subtensor.WeightEntry, c.n-1), row), nil)
		got := m.Normalized()[c.n-1]
		for _, e := range row {
			if want := float32(e.Value) / c.sum; got[e.UID] != want {
				t.Fatalf("%d neurons: weight %d is %x, want %x", c.n, e.UID, got[e.UID], want)
			}
		}
	}
}

// After a lite sync the weights and bonds are the older ones, in the arrays and in
// the neurons; the rest is new.
func TestAsAfterLite(t *testing.T) {
	n, client := newNode(t, "293-aura")
	m := metagraph.New(1, "parity")
	if err := m.Sync(t.Context(), client, metagraph.Options{Full: true}); err != nil {
		t.Fatal(err)
	}
	full := arrays(m, sdk(t, "9.8.3"))
	neuron, err := m.Neuron(0)
	if err != nil {
		t.Fatal(err)
	}
	m.Block, m.MatrixBlock, m.Incentive = 5, 5, nil
	if err := m.Sync(t.Context(), client, metagraph.Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full, arrays(m, sdk(t, "9.8.3"))); diff != "" {
		t.Error(diff)
	}
	kept, err := m.Neuron(0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(neuron, kept); diff != "" || len(kept.Weights) == 0 || m.MatrixBlock != 5 || m.Block != n.Block {
		t.Errorf("%v with rows of block %d: %s", m, m.MatrixBlock, diff)
	}
}

// A neuron whose stake list is empty stops versions 6 and 7 of the SDK. Here it
// has no stake.
func TestAsWithoutStake(t *testing.T) {
	m, err := metagraph.FromAnswers(metagraph.Answers{Netuid: 7, Block: 10, Neurons: two()})
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"6.9.4", "7.4.0", "8.5.2"} {
		got := arrays(m, sdk(t, version))
		for _, name := range []string{"stake", "total_stake"} {
			if diff := cmp.Diff(any([]float32{2, 0}), got[name].Data); diff != "" {
				t.Errorf("%s: %s", version, diff)
			}
		}
		if diff := cmp.Diff([]int{}, got["n"].Shape); diff != "" {
			t.Errorf("%s: %s", version, diff)
		}
	}
}
