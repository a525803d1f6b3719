package metagraph_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/subtensor"
)

// storedRows reads rows that an independent implementation decoded, without zeros.
func storedRows(t *testing.T, name string, n int) metagraph.Matrix {
	t.Helper()
	var file struct {
		Rows []struct {
			Args    [2]int
			Decoded [][2]uint16
		}
	}
	vectors.JSON(t, name, &file)
	rows := make([][]subtensor.WeightEntry, n)
	for _, r := range file.Rows {
		for _, e := range r.Decoded {
			if e[1] != 0 {
				rows[r.Args[1]] = append(rows[r.Args[1]], subtensor.WeightEntry{UID: e[0], Value: e[1]})
			}
		}
	}
	return metagraph.NewMatrix(rows, nil)
}

// A mechanism has incentive, last updates, weights and bonds of its own; all else
// is the subnet's.
func TestMechanism(t *testing.T) {
	const dir = "475-backport"
	var mechagraph struct {
		Incentives []uint16      `json:"incentives"`
		LastUpdate []json.Number `json:"last_update"`
	}
	vectors.JSON(t, dir+"/state_call/get_mechagraph.netuid12_mech1.expected.json.gz", &mechagraph)
	b := answers(t, dir)
	gate := nodetest.NewGate(t, serve(t, b).URL())
	client := dial(t, gate.URL(), "")
	sync := func(opts metagraph.Options, trips ...int) *metagraph.Metagraph {
		t.Helper()
		var m *metagraph.Metagraph
		var err error
		gate.Trips(func() { m, err = metagraph.Sync(t.Context(), client, 12, opts) }, trips...)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	want := sync(metagraph.Options{}, 1, 4)
	want.Mechanism = 1
	copy(want.Incentive, mechagraph.Incentives)
	for i, n := range mechagraph.LastUpdate {
		v, err := strconv.ParseUint(n.String(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		want.LastUpdate[i] = v
	}
	lite := sync(metagraph.Options{Mechanism: 1}, 1, 5)
	if diff := cmp.Diff(want, lite); diff != "" {
		t.Error(diff)
	}
	full := sync(metagraph.Options{Mechanism: 1, Full: true}, 1, 5, 1)
	want.Weights = storedRows(t, dir+"/storage/Weights.netuid12_mech1.json.gz", 256)
	want.Bonds = storedRows(t, dir+"/storage/Bonds.netuid12_mech1.json.gz", 256)
	want.MatrixBlock = b.Block
	if diff := cmp.Diff(want, full); diff != "" {
		t.Error(diff)
	}
	if want.Weights.Rows() == 0 || cmp.Equal(full.Weights, sync(metagraph.Options{Full: true}, 1, 4).Weights) {
		t.Error("the weights are those of mechanism 0")
	}

	// What was read of one mechanism is not shown as another's.
	if err := full.Sync(t.Context(), client, metagraph.Options{}); err != nil || full.Mechanism != 0 || full.MatrixBlock != 0 || full.Weights.Rows() != 0 {
		t.Errorf("mechanism %d, weights of block %d, %v", full.Mechanism, full.MatrixBlock, err)
	}
}

func TestMechanismAbsent(t *testing.T) {
	for _, c := range []struct {
		dir           string
		netuid        uint16
		mechanism     uint8
		count         uint8
		says          string
		subnetMissing bool
	}{
		{"475-backport", 12, 2, 2, "mechanisms 0 to 1", false},
		{"475-backport", 1, 1, 1, "only mechanism 0", false},
		{"293-aura", 12, 1, 1, "only mechanism 0", false}, // before there were any
		{"119-mock", 12, 1, 1, "only mechanism 0", false},
		{"475-backport", 77, 1, 0, "netuid 77", true},
	} {
		_, client := newNode(t, c.dir)
		m, err := metagraph.Sync(t.Context(), client, c.netuid, metagraph.Options{Mechanism: c.mechanism})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Fatalf("%s: %v, %v", c.dir, m, err)
		}
		if c.subnetMissing {
			if !errors.Is(err, subtensor.ErrSubnetNotFound) {
				t.Error(err)
			}
			continue
		}
		var absent *subtensor.MechanismNotFoundError
		if !errors.As(err, &absent) || absent.Count != c.count || absent.Mechanism != c.mechanism || !errors.Is(err, subtensor.ErrMechanismNotFound) {
			t.Errorf("%s: %v", c.dir, err)
		}
	}
}

// A mechanism that had no epoch yet has short columns; one with more entries than
// neurons is a lie.
func TestMechanismLength(t *testing.T) {
	const dir, method = "475-backport", "SubnetInfoRuntimeApi_get_mechagraph"
	schema, _ := schemaOf(t, dir)
	answer := func(n int) string {
		var info *subtensor.MetagraphInfo
		if err := schema.Decode(method, vectors.Hex(t, dir+"/state_call/get_mechagraph.netuid12_mech1.hex.gz"), &info); err != nil {
			t.Fatal(err)
		}
		info.Incentives, info.LastUpdate = make([]uint16, n), make([]uint64, n)
		for i := range n {
			info.Incentives[i], info.LastUpdate[i] = 7, 8
		}
		enc, err := schema.Append(nil, method, info)
		if err != nil {
			t.Fatal(err)
		}
		return text(enc)
	}
	for _, n := range []int{0, 3, 256, 257} {
		b, client := newNode(t, dir)
		b.more[method+"0x0c0001"] = answer(n)
		m, err := metagraph.Sync(t.Context(), client, 12, metagraph.Options{Mechanism: 1})
		if n == 257 {
			if err == nil || !strings.Contains(err.Error(), "do not fit together") {
				t.Errorf("%v, %v", m, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.N() {
			if set := i < n; len(m.Incentive) != 256 || m.Incentive[i] != map[bool]uint16{true: 7}[set] || m.LastUpdate[i] != map[bool]uint64{true: 8}[set] {
				t.Fatalf("%d entries: uid %d has incentive %d, last update %d", n, i, m.Incentive[i], m.LastUpdate[i])
			}
		}
	}
}
