package metagraph_test

import (
	"runtime"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/subtensor"
)

// encoded are a node's answers about a subnet.
type encoded struct{ neurons, state []byte }

// bigAnswers makes answers about n neurons of those that were recorded, each with
// weights and bonds to a tenth of the others.
func bigAnswers(t testing.TB, n int) encoded {
	t.Helper()
	const dir = "293-aura"
	md, err := metadata.ParseAnswer(vectors.Read(t, dir+"/metadata_at_version_15.state_call.scale.gz"))
	if err != nil {
		t.Fatal(err)
	}
	c := codec.New(md.Types)
	output := func(api, method string) metadata.TypeID {
		m, ok := md.Method(api, method)
		if !ok {
			t.Fatalf("no %s", method)
		}
		return m.Output
	}
	schema, _ := schemaOf(t, dir)
	var some []subtensor.NeuronInfo
	if err := schema.Decode(getNeurons, vectors.Hex(t, dir+"/state_call/get_neurons.netuid12.hex.gz"), &some); err != nil {
		t.Fatal(err)
	}
	var state *subtensor.SubnetState
	if err := schema.Decode(getSubnetState, vectors.Hex(t, dir+"/state_call/get_subnet_state.netuid12.hex.gz"), &state); err != nil {
		t.Fatal(err)
	}

	all := make([]subtensor.NeuronInfo, n)
	for i := range all {
		all[i] = some[i%len(some)]
		all[i].UID = uint16(i)
		row := make([]subtensor.WeightEntry, n/10)
		for j := range row {
			row[j] = subtensor.WeightEntry{UID: uint16(j*10 + i%10), Value: uint16(257 * (i + j + 1))}
		}
		all[i].Weights, all[i].Bonds = row, row
	}
	big := *state
	grow(&big.Hotkeys, n)
	grow(&big.Coldkeys, n)
	grow(&big.Active, n)
	grow(&big.ValidatorPermit, n)
	for _, column := range []*[]uint16{&big.PruningScore, &big.Dividends, &big.Incentives, &big.Consensus, &big.Trust, &big.Rank} {
		grow(column, n)
	}
	for _, column := range []*[]uint64{&big.LastUpdate, &big.Emission, &big.BlockAtRegistration, &big.AlphaStake, &big.TaoStake, &big.TotalStake} {
		grow(column, n)
	}
	for i := range big.EmissionHistory {
		grow(&big.EmissionHistory[i], n)
	}

	var e encoded
	if e.neurons, err = c.Append(nil, output("NeuronInfoRuntimeApi", "get_neurons"), all); err != nil {
		t.Fatal(err)
	}
	if e.state, err = c.Append(nil, output("SubnetInfoRuntimeApi", "get_subnet_state"), &big); err != nil {
		t.Fatal(err)
	}
	return e
}

// grow repeats a column until it has n entries.
func grow[T any](column *[]T, n int) {
	old := *column
	out := make([]T, n)
	for i := range out {
		out[i] = old[i%len(old)]
	}
	*column = out
}

// build decodes the answers and makes the metagraph of them.
func build(t testing.TB, schema *subtensor.Schema, e encoded) *metagraph.Metagraph {
	t.Helper()
	a := metagraph.Answers{Netuid: 12, Block: 1}
	if err := schema.Decode(getNeurons, e.neurons, &a.Neurons); err != nil {
		t.Fatal(err)
	}
	if err := schema.Decode(getSubnetState, e.state, &a.State); err != nil {
		t.Fatal(err)
	}
	m, err := metagraph.FromAnswers(a)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What a full metagraph takes from the answers on: bytes by its size, and a number
// of allocations that its size does not change.
func TestMemory(t *testing.T) {
	schema, _ := schemaOf(t, "293-aura")
	var fewest float64
	for _, c := range []struct {
		n     int
		limit uint64 // bytes
	}{{64, 4 << 20}, {256, 4 << 20}, {2500, 64 << 20}} {
		e := bigAnswers(t, c.n)
		m := build(t, schema, e) // the decoder is compiled at first use
		if m.N() != c.n || len(m.Weights.Entries) != c.n*(c.n/10) {
			t.Fatalf("%d neurons, %d weights", m.N(), len(m.Weights.Entries))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		build(t, schema, e)
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		allocations := testing.AllocsPerRun(3, func() { build(t, schema, e) })
		t.Logf("%d neurons: answers of %d bytes, %d bytes allocated in %v pieces", c.n, len(e.neurons)+len(e.state), used, allocations)
		if used > c.limit {
			t.Errorf("%d neurons: %d bytes allocated, the limit is %d", c.n, used, c.limit)
		}
		if fewest == 0 {
			fewest = allocations
		}
		// Arenas may grow by a few pieces on the way.
		if allocations > 1.25*fewest {
			t.Errorf("%d neurons: %v allocations, 64 take %v", c.n, allocations, fewest)
		}
	}
}
