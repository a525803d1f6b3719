package metagraph_test

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

func TestNew(t *testing.T) {
	m := metagraph.New(12, "test")
	if got, want := m.String(), "metagraph(netuid:12, n:0, block:0, network:test)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got := m.Metadata()
	if got.Version == "" {
		t.Error("no version")
	}
	got.Version = ""
	if diff := cmp.Diff(metagraph.Metadata{Netuid: 12, Network: "test"}, got); diff != "" {
		t.Error(diff)
	}
	if m.S() != nil || m.W() != nil || m.B() != nil || len(m.Addresses()) != 0 {
		t.Error("something is there before the first sync")
	}
	if _, err := m.Neuron(0); !errors.Is(err, subtensor.ErrNeuronNotFound) {
		t.Errorf("uid 0: %v", err)
	}
}

// The neurons of every runtime come out as they went in, and the values that the
// runtimes were given are in their columns.
func TestNeurons(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"101-finney", "119-mock", "185-local", "202-dao", "218-raonet", "293-aura", "326-main", "425-main", "475-backport"} {
		t.Run(dir, func(t *testing.T) {
			schema, spec := schemaOf(t, dir)
			var want []subtensor.NeuronInfo
			if err := schema.Decode(getNeurons, vectors.Hex(t, dir+"/state_call/get_neurons.netuid1.hex.gz"), &want); err != nil {
				t.Fatal(err)
			}
			m, err := metagraph.FromAnswers(metagraph.Answers{Netuid: 1, Neurons: want})
			if err != nil {
				t.Fatal(err)
			}
			if m.N() != 64 || len(want) != 64 {
				t.Fatalf("%d neurons of %d", m.N(), len(want))
			}
			for i := range want {
				got, err := m.Neuron(uint16(i))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want[i], got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("uid %d: %s", i, diff)
				}
			}
			if _, err := m.Neuron(64); !errors.Is(err, subtensor.ErrNeuronNotFound) {
				t.Errorf("uid 64: %v", err)
			}

			var expected []map[string]any
			vectors.JSON(t, filepath.Join(vectors.Dir(t), dir, "state_call/get_neurons.netuid1.expected.json.gz"), &expected)
			for i, n := range expected {
				if n["hotkey"] != m.Hotkeys[i].String() || n["active"] != m.Active[i] || len(n["weights"].([]any)) != len(m.Weights.Row(i)) {
					t.Errorf("uid %d: want %v, got %v %v %v", i, n, m.Hotkeys[i], m.Active[i], m.Weights.Row(i))
				}
			}
			if spec < 233 && m.TS() != nil {
				t.Error("TAO stake without a subnet state")
			}
		})
	}
}

// two are the neurons of a small subnet.
func two() []subtensor.NeuronInfo {
	return []subtensor.NeuronInfo{
		{
			UID: 0, Netuid: 7, Active: true, Rank: 65535, Emission: 1e9, Incentive: 1, LastUpdate: 9,
			Stake:   []subtensor.StakeEntry{{Amount: 1_500_000_000}, {Account: ss58.AccountID{1}, Amount: 500_000_000}},
			Weights: []subtensor.WeightEntry{{UID: 0, Value: 1}, {UID: 1, Value: 3}},
		},
		{UID: 1, Netuid: 7, Hotkey: ss58.AccountID{2}, ValidatorPermit: true, Bonds: []subtensor.WeightEntry{{UID: 0, Value: 65535}}},
	}
}

func TestFromAnswers(t *testing.T) {
	answers := metagraph.Answers{Netuid: 7, Network: "local", Block: 10, Neurons: two()}
	m, err := metagraph.FromAnswers(answers)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		want, got any
	}{
		{"String", "metagraph(netuid:7, n:2, block:10, network:local)", m.String()},
		{"S", []float32{2, 0}, m.S()},
		{"R", []float32{1, 0}, m.R()},
		{"I", []float32{1.0 / 65535, 0}, m.I()},
		{"E", []float32{1, 0}, m.E()},
		{"W", [][]float32{{0.25, 0.75}, {0, 0}}, m.W()},
		{"B", [][]float32{{0, 0}, {65535, 0}}, m.B()},
		{"TS", []float32(nil), m.TS()},
		{"MatrixBlock", uint64(10), m.MatrixBlock},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}

	answers.Neurons[0].Stake[0].Amount = 1
	answers.Neurons[0].Weights[0].Value = 9
	if m.Stakes[0][0].Amount != 1_500_000_000 || m.Weights.Row(0)[0].Value != 1 {
		t.Error("the metagraph changes with the answers")
	}

	lite, err := metagraph.FromAnswers(metagraph.Answers{Netuid: 7, Block: 11, Lite: []subtensor.NeuronInfoLite{answers.Neurons[0].Lite()}})
	if err != nil {
		t.Fatal(err)
	}
	if lite.N() != 1 || lite.W() != nil || lite.B() != nil || lite.MatrixBlock != 0 {
		t.Errorf("lite: %+v", lite)
	}

	state := &subtensor.SubnetState{
		TotalStake: []uint64{3e9, 0}, AlphaStake: []uint64{1e9, 0}, TaoStake: []uint64{100e9, 0},
	}
	for netuid, want := range map[uint16][3]float32{7: {3, 1, 18}, 0: {100, 100, 100}} {
		neurons := two()
		for i := range neurons {
			neurons[i].Netuid = netuid
		}
		m, err := metagraph.FromAnswers(metagraph.Answers{Netuid: netuid, Neurons: neurons, State: state, Subnets: []uint16{1, 3}})
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]float32{m.S()[0], m.AS()[0], m.TS()[0]}; got != want {
			t.Errorf("netuid %d: stake, alpha and TAO are %v, want %v", netuid, got, want)
		}
		if netuid == 0 {
			// Netuid 0 is no column; 1 is the first of two.
			if diff := cmp.Diff([][]float32{{1, 0}, {0, 0}}, m.W()); diff != "" {
				t.Error(diff)
			}
			if m.B() != nil {
				t.Error("bonds on the root subnet")
			}
		}
	}
}

func TestValidators(t *testing.T) {
	m := metagraph.Metagraph{Netuid: 1, ValidatorPermit: []bool{true, false, true, true}, TotalStake: []uint64{1, 9, 2, 1}, TaoStake: []uint64{5, 0, 0, 0}}
	if diff := cmp.Diff([]uint16{2, 0, 3}, m.Validators()); diff != "" {
		t.Error(diff)
	}
	m.Netuid = 0 // where TAO is what counts
	if diff := cmp.Diff([]uint16{0, 2, 3}, m.Validators()); diff != "" {
		t.Error(diff)
	}
}

func TestFromAnswersRefuses(t *testing.T) {
	for name, change := range map[string]func(a *metagraph.Answers){
		"uid 2 of netuid 7":   func(a *metagraph.Answers) { a.Neurons[1].UID = 2 },
		"uid 0 of netuid 8":   func(a *metagraph.Answers) { a.Neurons[0].Netuid = 8 },
		"exceeds 64 bits":     func(a *metagraph.Answers) { a.Neurons[0].Stake[0].Amount = math.MaxUint64 },
		"0 entries in alpha":  func(a *metagraph.Answers) { a.State = &subtensor.SubnetState{TotalStake: []uint64{1, 2}} },
		"1 entries in total_": func(a *metagraph.Answers) { a.State = &subtensor.SubnetState{TotalStake: []uint64{1}} },
	} {
		a := metagraph.Answers{Netuid: 7, Block: 10, Neurons: two()}
		change(&a)
		m, err := metagraph.FromAnswers(a)
		if err == nil || m != nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "netuid 7 at block 10") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What Python's netaddr 1.3 makes of these numbers.
func TestAddressOf(t *testing.T) {
	for _, c := range []struct {
		ip   scale.U128
		kind uint8
		want string
	}{
		{scale.U128{}, 0, "/ipv0/0.0.0.0:0"},
		{scale.U128{Lo: 0x01020304}, 4, "/ipv4/1.2.3.4:0"},
		{scale.U128{Lo: 1}, 6, "/ipv6/0.0.0.1:0"},
		{scale.U128{Lo: 1<<32 - 1}, 4, "/ipv4/255.255.255.255:0"},
		{scale.U128{Lo: 1 << 32}, 4, "/ipv4/::1:0:0:0"},
		{scale.U128{Lo: 0xffff01020304}, 6, "/ipv6/::ffff:1.2.3.4:0"},
		{scale.U128{Lo: 0xfffe01020304}, 6, "/ipv6/::fffe:102:304:0"},
		{scale.U128{Hi: 0x20010db800000000, Lo: 1}, 6, "/ipv6/2001:db8::1:0"},
		{scale.U128{Hi: 0x20010db800000001, Lo: 1}, 6, "/ipv6/2001:db8:0:1::1:0"},
		{scale.U128{Hi: 0x20010db800010000, Lo: 0x0000000100010001}, 6, "/ipv6/2001:db8:1::1:1:1:0"},
		{scale.U128{Hi: 1}, 6, "/ipv6/0:0:0:1:::0"},
		{scale.U128{Hi: 1, Lo: 0x0002000300040005}, 6, "/ipv6/::1:2:3:4:5:0"},
		{scale.U128{Hi: 0x0001000000000000}, 6, "/ipv6/1:::0"},
	} {
		if got := metagraph.AddressOf(subtensor.AxonInfo{IP: c.ip, IPType: c.kind}); got != c.want {
			t.Errorf("%x: %s, want %s", c.ip, got, c.want)
		}
	}
	if got := metagraph.AddressOf(subtensor.AxonInfo{IPType: 255, Port: 65535}); got != "/ipv255/0.0.0.0:65535" {
		t.Error(got)
	}
}

// numpy.float32(rao / 10**9) of Python 3; the last two are beyond the integers
// that a float64 holds.
func TestAmounts(t *testing.T) {
	for rao, want := range map[uint64]float32{
		0:                0,
		1:                1e-9,
		999_999_999:      1,
		1_000_000_001:    1,
		9007200500000001: 9007201,
		math.MaxUint64:   18446743552,
	} {
		m := metagraph.Metagraph{Emission: []uint64{rao}}
		if got := m.E()[0]; got != want {
			t.Errorf("%d rao: %v TAO, want %v", rao, got, want)
		}
	}
}

func TestMatrix(t *testing.T) {
	rows := [][]subtensor.WeightEntry{
		{{UID: 0, Value: 1}, {UID: 2, Value: 3}},
		nil,
		{{UID: 1, Value: 0}, {UID: 9, Value: 7}},
	}
	for _, c := range []struct {
		name              string
		columns           []uint16
		dense, normalized [][]float32
	}{
		{"square", nil, [][]float32{{1, 0, 3}, {0, 0, 0}, {0, 0, 0}}, [][]float32{{0.25, 0, 0.75}, {0, 0, 0}, {0, 0, 0}}},
		{"columns", []uint16{2, 9}, [][]float32{{3, 0}, {0, 0}, {0, 7}}, [][]float32{{1, 0}, {0, 0}, {0, 1}}},
		{"no columns", []uint16{}, [][]float32{{}, {}, {}}, [][]float32{{}, {}, {}}},
	} {
		x := metagraph.NewMatrix(rows, c.columns)
		if diff := cmp.Diff(c.dense, x.Dense()); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if diff := cmp.Diff(c.normalized, x.Normalized()); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		for i := -1; i < 4; i++ {
			var want []subtensor.WeightEntry
			if i >= 0 && i < 3 {
				want = rows[i]
			}
			if diff := cmp.Diff(want, x.Row(i)); diff != "" {
				t.Errorf("row %d: %s", i, diff)
			}
		}
	}
	twice := metagraph.NewMatrix([][]subtensor.WeightEntry{{{UID: 0, Value: 65535}, {UID: 0, Value: 2}}}, nil)
	if diff := cmp.Diff([][]float32{{1}}, twice.Normalized()); diff != "" {
		t.Error(diff)
	}
	var none metagraph.Matrix
	if none.Rows() != 0 || none.Cols() != 0 || none.Dense() != nil || none.Row(0) != nil {
		t.Error("the zero matrix is not empty")
	}
	// A row of the largest weights: its sum is 65535 * 256, each share 1/256.
	long := make([]subtensor.WeightEntry, 256)
	for i := range long {
		long[i] = subtensor.WeightEntry{UID: uint16(i), Value: 65535}
	}
	many := metagraph.NewMatrix(append(make([][]subtensor.WeightEntry, 255), long), nil)
	for _, v := range many.Normalized()[255] {
		if v != 1.0/256 {
			t.Fatalf("a weight of %v, want %v", v, 1.0/256)
		}
	}
}

// Dense and sparse forms say the same, and rows sum to one or to zero.
func TestMatrixProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		rows := make([][]subtensor.WeightEntry, n)
		for i := range rows {
			for _, uid := range rapid.SliceOfDistinct(rapid.Uint16Range(0, uint16(n-1)), rapid.ID[uint16]).Draw(t, "uids") {
				rows[i] = append(rows[i], subtensor.WeightEntry{UID: uid, Value: rapid.Uint16().Draw(t, "value")})
			}
		}
		x := metagraph.NewMatrix(rows, nil)
		dense, normalized := x.Dense(), x.Normalized()
		for i, row := range rows {
			want := make([]float32, n)
			var sum float64
			for _, e := range row {
				want[e.UID] = float32(e.Value)
			}
			if diff := cmp.Diff(want, dense[i]); diff != "" {
				t.Fatal(diff)
			}
			for _, v := range normalized[i] {
				sum += float64(v)
			}
			if math.Abs(sum-1) > 1e-6 && sum != 0 {
				t.Fatalf("row %d sums to %v", i, sum)
			}
		}
	})
}

func BenchmarkFromAnswers(b *testing.B) {
	schema, _ := schemaOf(b, "293-aura")
	a := metagraph.Answers{Netuid: 12}
	if err := schema.Decode(getNeurons, vectors.Hex(b, "293-aura/state_call/get_neurons.netuid12.hex.gz"), &a.Neurons); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if m, err := metagraph.FromAnswers(a); err != nil || m.N() != 256 {
			b.Fatal(err)
		}
	}
}

func BenchmarkWeights(b *testing.B) {
	m := fromVectors(b, "293-aura", 12)
	b.ReportAllocs()
	for b.Loop() {
		if len(m.W()) != 256 {
			b.Fatal("no weights")
		}
	}
}
