package metagraph_test

import (
	"errors"
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

// What stacking rows gives: torch.stack of the types that the releases put into the
// list, as its own documentation has the promotion; with NumPy every wheel from
// 7.0.0 on converts the rows before (astype(np.float32) in metagraph.py).
func TestAsBonds(t *testing.T) {
	full := metagraph.NewMatrix([][]subtensor.WeightEntry{{{UID: 0, Value: 1}}, {{UID: 1, Value: 65535}}}, nil)
	gap := metagraph.NewMatrix([][]subtensor.WeightEntry{{{UID: 0, Value: 1}}, nil}, nil)
	for _, c := range []struct {
		version   string
		torch     bool
		full, gap any
	}{
		{"6.9.4", true, []int64{1, 0, 0, 65535}, []float32{1, 0, 0, 0}},
		{"7.0.0", false, []float32{1, 0, 0, 65535}, []float32{1, 0, 0, 0}},
		{"7.1.2", false, []float32{1, 0, 0, 65535}, []float32{1, 0, 0, 0}},
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

// A subnet without neurons: the SDK stacks no rows and takes an empty float32 array
// for both matrices (metagraph.py, _process_weights_or_bonds), but makes the
// other columns of their own types. The root subnet's bonds stay as they were made.
func TestAsWithoutNeurons(t *testing.T) {
	for netuid, bonds := range map[uint16]any{7: []float32{}, 0: []int64{}} {
		m, err := metagraph.FromAnswers(metagraph.Answers{Netuid: netuid, Block: 9, Neurons: []subtensor.NeuronInfo{}, Subnets: []uint16{}})
		if err != nil {
			t.Fatal(err)
		}
		for _, version := range []string{"6.9.4", "7.4.0", "9.8.3", "10.5.0"} {
			got := arrays(m, sdk(t, version))
			for name, want := range map[string]metagraph.Array{
				"n":      {Shape: []int{}, Data: []int64{0}},
				"block":  {Shape: []int{}, Data: []int64{9}},
				"bonds":  {Shape: []int{0}, Data: bonds},
				"active": {Shape: []int{0}, Data: []int64{}},
			} {
				want.Name = name
				if diff := cmp.Diff(want, got[name]); diff != "" {
					t.Errorf("netuid %d, %s: %s", netuid, version, diff)
				}
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
	t.Parallel()
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

// The SDK sets weights and bonds only where a sync is not lite (metagraph.py,
// sync), so that after a lite one they may be of another number of neurons: they
// keep their old shape, and the rest has the new one.
func TestAsAfterLiteOfAnotherSize(t *testing.T) {
	t.Parallel()
	first := answers(t, "119-mock")
	second := *first
	second.number(first.Block + 1)
	schema, _ := schemaOf(t, "119-mock")
	var lite []subtensor.NeuronInfoLite
	if err := schema.Decode(getNeuronsLite, first.answer(t, getNeuronsLite, 1), &lite); err != nil {
		t.Fatal(err)
	}
	fewer, err := schema.Append(nil, getNeuronsLite, lite[:60])
	if err != nil {
		t.Fatal(err)
	}
	second.put(getNeuronsLite, 1, fewer)
	client := dial(t, serve(t, first, &second).URL(), "")
	m := metagraph.New(1, "parity")
	if err := m.Sync(t.Context(), client, metagraph.Options{Full: true, Block: &first.Block}); err != nil {
		t.Fatal(err)
	}
	full := arrays(m, sdk(t, "7.4.0"))
	if err := m.Sync(t.Context(), client, metagraph.Options{}); err != nil {
		t.Fatal(err)
	}
	got := arrays(m, sdk(t, "7.4.0"))
	for _, name := range []string{"weights", "bonds"} {
		if diff := cmp.Diff(full[name], got[name]); diff != "" || got[name].Shape[0] != 64 {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if n := got["n"].Data.([]int64); n[0] != 60 || got["stake"].Shape[0] != 60 || m.Block != second.Block || m.MatrixBlock != first.Block {
		t.Errorf("%v with rows of block %d, %v neurons", m, m.MatrixBlock, n)
	}
	// Its neurons are those of the last sync, with the rows of the older one.
	if _, err := m.Neuron(60); !errors.Is(err, subtensor.ErrNeuronNotFound) {
		t.Error(err)
	}
	neuron, err := m.Neuron(59)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lite[59], neuron.Lite()); diff != "" {
		t.Error(diff)
	}
}

// What is saved brings the neurons back, every one of them, after a full and after
// a lite sync; the SDK has them in its files from version 8 on.
func TestNeuronsKept(t *testing.T) {
	t.Parallel()
	_, client := newNode(t, "475-backport")
	for _, full := range []bool{true, false} {
		m, err := metagraph.Sync(t.Context(), client, 1, metagraph.Options{Full: full})
		if err != nil {
			t.Fatal(err)
		}
		path, err := m.Save(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		saved, err := metagraph.LoadFrom(path)
		if err != nil {
			t.Fatal(err)
		}
		for uid := range uint16(64) {
			want, err := m.Neuron(uid)
			if err != nil {
				t.Fatal(err)
			}
			got, err := saved.Neuron(uid)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("full %v, uid %d: %s", full, uid, diff)
			}
		}
		if diff := cmp.Diff(m.As(sdk(t, "10.5.0")), saved.As(sdk(t, "10.5.0"))); diff != "" {
			t.Error(diff)
		}
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
