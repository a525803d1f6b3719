package subtensor_test

import (
	"bytes"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/subtensor"
)

const (
	getSubnet      = "SubnetInfoRuntimeApi_get_subnet_info"
	getHyperparams = "SubnetInfoRuntimeApi_get_subnet_hyperparams"
	getSubnetState = "SubnetInfoRuntimeApi_get_subnet_state"
	getMetagraph   = "SubnetInfoRuntimeApi_get_metagraph"
	getDelegates   = "DelegateInfoRuntimeApi_get_delegates"
)

// undescribed returns the schema of a runtime whose metadata describes no answers,
// as if it were of a spec.
func undescribed(t testing.TB, dir string, spec uint32) *subtensor.Schema {
	t.Helper()
	schema, err := subtensor.NewSchema(find(t, dir).bare(t), spec)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Every row of the tables can be compiled, holds its spec and says where it comes
// from; and in every era neurons and subnets have one.
func TestLayoutTable(t *testing.T) {
	t.Parallel()
	early, late := find(t, "101-finney").bare(t), find(t, "475-backport").bare(t)
	sources := make(map[string]bool)
	for spec := uint32(101); spec < 480; spec++ {
		md := early
		if spec >= 149 {
			md = late
		}
		schema, err := subtensor.NewSchema(md, spec)
		if err != nil {
			t.Fatal(err)
		}
		methods := schema.Methods()
		for _, want := range []string{"NeuronInfoRuntimeApi_get_neurons", "NeuronInfoRuntimeApi_get_neurons_lite", getSubnet, getDelegates} {
			if !slices.Contains(methods, want) {
				t.Errorf("spec %d: no %s", spec, want)
			}
		}
		for _, method := range methods {
			layouts := schema.Layouts(method)
			if len(layouts) == 0 {
				t.Errorf("spec %d: %s is listed but has no layout", spec, method)
				_, err := schema.Value(method, nil)
				t.Log(err)
			}
			for _, l := range layouts {
				if l.From > spec || l.To < spec || l.Described || l.Struct != "" && l.Source == "" {
					t.Errorf("spec %d: %s: %+v", spec, method, l)
				}
				sources[l.Source] = true
			}
		}
	}
	if len(sources) < 30 {
		t.Errorf("only %d rows were seen", len(sources))
	}
}

// hyperparams returns parameters as their layout of a spec has them.
func hyperparams(names ...string) *codec.Record {
	r := new(codec.Record)
	for i, name := range names {
		v := any(uint64(i + 1))
		if strings.HasSuffix(name, "allowed") {
			v = true
		}
		r.Fields = append(r.Fields, codec.NamedValue{Name: name, Value: v})
	}
	return r
}

// Where builds of one number differed, the layout that consumes an answer exactly
// is chosen, and said. The answers are made by the rows of unambiguous neighbours.
func TestAmbiguousNumbers(t *testing.T) {
	t.Parallel()
	early := func(spec uint32) *subtensor.Schema { return undescribed(t, "143-finney", spec) }
	answer := func(spec uint32, method string, v any) []byte {
		t.Helper()
		data, err := early(spec).Append(nil, method, v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	head := []string{
		"rho", "kappa", "immunity_period", "min_allowed_weights", "max_weights_limit", "tempo", "min_difficulty",
		"max_difficulty", "weights_version", "weights_rate_limit", "adjustment_interval",
	}
	rest := []string{
		"activity_cutoff", "registration_allowed", "target_regs_per_interval", "min_burn", "max_burn", "bonds_moving_avg",
		"max_regs_per_block", "serving_rate_limit", "max_validators",
	}
	at133 := hyperparams(slices.Concat(head, rest[:7])...)
	at139 := hyperparams(slices.Concat(head, rest)...)
	between := hyperparams(slices.Concat(head, []string{"adjustment_alpha"}, rest)...)
	at143 := hyperparams(slices.Concat(head, rest, []string{"adjustment_alpha", "difficulty"})...)

	subnet, err := early(101).Value(getSubnet, vectors.Hex(t, "101-finney/state_call/get_subnet_info.netuid1.hex"))
	if err != nil {
		t.Fatal(err)
	}
	shorter := &codec.Record{Fields: slices.DeleteFunc(slices.Clone(subnet.(*codec.Record).Fields), func(f codec.NamedValue) bool {
		return strings.HasPrefix(f.Name, "validator_") || f.Name == "synergy_scaling_law_power"
	})}

	state204 := vectors.Hex(t, "204-raonet/state_call/get_subnet_state.netuid1.hex.gz")
	state218 := vectors.Hex(t, "218-raonet/state_call/get_subnet_state.netuid1.hex.gz")
	typed, err := undescribed(t, "293-aura", 240).Append(nil, getDelegates, []any{})
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		spec    uint32
		method  string
		data    []byte
		from    uint32 // of the layout that is right
		wrapped bool
	}{
		{126, getSubnet, answer(126, getSubnet, subnet), 101, true},
		{127, getSubnet, answer(126, getSubnet, subnet), 101, true},
		{127, getSubnet, answer(128, getSubnet, shorter), 127, true},
		{136, getHyperparams, answer(133, getHyperparams, at133), 133, true},
		{136, getHyperparams, answer(141, getHyperparams, at139), 136, true},
		{138, getHyperparams, answer(141, getHyperparams, at139), 136, true},
		{141, getHyperparams, answer(141, getHyperparams, at139), 136, true},
		{142, getHyperparams, answer(141, getHyperparams, at139), 136, true},
		{142, getHyperparams, answer(142, getHyperparams, between), 142, true},
		{142, getHyperparams, answer(143, getHyperparams, at143), 142, true},
		{143, getHyperparams, answer(143, getHyperparams, at143), 142, true},
		{204, getSubnetState, state204, 204, true},
		{210, getSubnetState, state204, 204, true},
		{210, getSubnetState, state218, 205, true},
		{218, getSubnetState, state218, 218, true},
		{225, getSubnetState, state218, 218, true},
		{225, getDelegates, typed, 0, false},
		{219, getDelegates, []byte{4, 0}, 0, true},
		{225, getDelegates, []byte{4, 0}, 0, true},
	} {
		name := fmt.Sprintf("spec %d, %s", c.spec, c.method)
		schema := early(c.spec)
		l, err := schema.Choose(c.method, c.data)
		if err != nil || l.From != c.from || l.Wrapped != c.wrapped {
			t.Errorf("%s: %v, %v; want the row from %d, wrapped %v", name, l, err, c.from, c.wrapped)
			continue
		}
		if !slices.Contains(schema.Layouts(c.method), l) {
			t.Errorf("%s: %v is not among %v", name, l, schema.Layouts(c.method))
		}
		v, err := schema.Value(c.method, c.data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := schema.Append(nil, c.method, v); err != nil || !bytes.Equal(again, c.data) && c.spec != 225 {
			t.Errorf("%s: encoded again it differs: %v", name, err)
		}
	}
	var h *subtensor.SubnetHyperparams
	if err := early(142).Decode(getHyperparams, answer(142, getHyperparams, between), &h); err != nil || h.AdjustmentAlpha != 12 || h.MaxValidators != 21 || h.Difficulty != 0 {
		t.Errorf("%+v, %v", h, err)
	}
	if l := early(142).Layouts(getHyperparams); len(l) != 3 || !strings.Contains(l[1].String(), "7f03be393") || !strings.Contains(l[1].String(), "142 to 142") {
		t.Errorf("%v", l)
	}
	if _, err := early(142).Choose(getHyperparams, []byte{12, 1, 2, 3}); err == nil {
		t.Error("an answer that no layout consumes was read")
	}
}

// extend adds fields to the struct of an answer.
func extend(t *testing.T, from *subtensor.Schema, method string, data []byte, fields ...codec.NamedValue) any {
	t.Helper()
	v, err := from.Value(method, data)
	if err != nil {
		t.Fatal(err)
	}
	r := v.(*codec.Record)
	r.Fields = append(r.Fields, fields...)
	return r
}

// The columns of collateral are read where there is no description of them, and a
// runtime that appends more is read without what it appends.
func TestCollateral(t *testing.T) {
	t.Parallel()
	now := undescribed(t, "475-backport", 475)
	data := vectors.Hex(t, "475-backport/state_call/get_metagraph.netuid1.hex.gz")
	var plain, locked, later *subtensor.MetagraphInfo
	if err := now.Decode(getMetagraph, data, &plain); err != nil {
		t.Fatal(err)
	}
	column := func(name string, first uint64) codec.NamedValue {
		var values []any
		for i := range plain.Hotkeys {
			values = append(values, first+uint64(i))
		}
		return codec.NamedValue{Name: name, Value: values}
	}
	v := extend(t, now, getMetagraph, data, column("collateral_locked", 1000), column("collateral_min", 0), column("collateral_earned", 1<<40))
	longer, err := now.Append(nil, getMetagraph, v)
	if err != nil {
		t.Fatal(err)
	}
	if err := now.Decode(getMetagraph, longer, &locked); err != nil {
		t.Fatal(err)
	}
	if len(locked.CollateralLocked) != 64 || locked.CollateralLocked[63] != 1063 || locked.CollateralMin[1] != 1 || locked.CollateralEarned[2] != 1<<40+2 {
		t.Errorf("%v %v %v", locked.CollateralLocked, locked.CollateralMin, locked.CollateralEarned)
	}
	if l, err := now.Choose(getMetagraph, longer); err != nil || l.From != 426 {
		t.Errorf("%v, %v", l, err)
	}
	if l, err := now.Choose(getMetagraph, data); err != nil || l.From != 278 {
		t.Errorf("%v, %v", l, err)
	}
	future := undescribed(t, "475-backport", 600)
	for _, c := range []struct {
		data []byte
		want *subtensor.MetagraphInfo
	}{{data, plain}, {longer, locked}, {append(bytes.Clone(longer), 4, 1, 2, 3), locked}} {
		if err := future.Decode(getMetagraph, c.data, &later); err != nil || !reflect.DeepEqual(later, c.want) {
			t.Errorf("%d bytes at spec 600: %v", len(c.data), err)
		}
	}
	if err := now.Decode(getMetagraph, append(bytes.Clone(longer), 4, 1, 2, 3), &later); err == nil {
		t.Error("bytes that the newest known runtime does not have were passed over")
	}
}

// From 397 on runtimes leave columns empty that they have no values for.
func TestEmptyColumns(t *testing.T) {
	for dir, has := range map[string]bool{"394-main": true, "425-main": false} {
		for _, method := range []string{getMetagraph, getSubnetState} {
			schema, data := load(t, dir, strings.TrimPrefix(method, "SubnetInfoRuntimeApi_")+".netuid1.hex.gz")
			v := reflect.ValueOf(target(schema, method))
			if err := schema.Decode(method, data, v.Interface()); err != nil {
				t.Fatal(err)
			}
			for _, column := range []string{"PruningScore", "Trust", "Rank"} {
				if n := v.Elem().Elem().FieldByName(column).Len(); n != 64 && has || n != 0 && !has {
					t.Errorf("%s, %s: %d entries of %s", dir, method, n, column)
				}
			}
		}
	}
}

// Test chains numbered 204 had other columns of stake than any later runtime.
func TestEarlyColumns(t *testing.T) {
	schema, data := load(t, "204-raonet", "get_subnet_state.netuid1.hex.gz")
	var s *subtensor.SubnetState
	if err := schema.Decode(getSubnetState, data, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.LocalStake) != 64 || len(s.GlobalStake) != 64 || len(s.StakeWeight) != 64 || s.AlphaStake != nil || s.TaoStake != nil || s.TotalStake != nil {
		t.Errorf("%+v", s)
	}
	if s.LocalStake[0] != 260249202682215 || s.StakeWeight[0] != 1523 { // in the recorded answer's JSON
		t.Errorf("stake %d, weight %d", s.LocalStake[0], s.StakeWeight[0])
	}
}

// What any method answers can be had without a Go type for it.
func TestValue(t *testing.T) {
	for _, dir := range []string{"185-local", "425-main"} {
		schema, data := load(t, dir, "get_network_registration_cost.all.hex")
		v, err := schema.Value("SubnetRegistrationRuntimeApi_get_network_registration_cost", data)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		if n, ok := v.(uint64); !ok || n == 0 {
			t.Errorf("%s: %T %v", dir, v, v)
		}
	}
	schema, _ := load(t, "425-main", "get_network_registration_cost.all.hex")
	if _, err := schema.Value("SubnetInfoRuntimeApi_get_dreams", nil); err == nil {
		t.Error("a method that does not exist was answered")
	}
	if _, err := schema.Append(nil, "SubnetInfoRuntimeApi_get_dreams", nil); err == nil {
		t.Error("an answer of a method that does not exist was encoded")
	}
	if out, err := schema.Append([]byte("kept"), getMetagraph, "text"); err == nil || string(out) != "kept" {
		t.Errorf("%q, %v", out, err)
	}
	// The metadata describes methods of other pallets too.
	if !schema.Has("Core_version") || !slices.Contains(schema.Methods(), "TransactionPaymentApi_query_info") {
		t.Error("methods of other pallets are missing")
	}
	if l := schema.Layouts(getMetagraph); len(l) != 1 || !l[0].Described || l[0].String() != "as the metadata says" {
		t.Errorf("%v", l)
	}
}

// Whatever bytes come, they are refused or make a value that is encoded and read
// again as the same value.
func FuzzAnswers(f *testing.F) {
	type source struct {
		schema  *subtensor.Schema
		methods []string
	}
	var sources []source
	seeds := make(map[string]bool) // one for each way to read a method
	for i, r := range runtimes(f) {
		for k, schema := range []*subtensor.Schema{undescribed(f, r.dir, r.spec), described(f, r)} {
			s := source{schema, schema.Methods()}
			for _, c := range r.meta.Calls {
				m, ok := slices.BinarySearch(s.methods, c.Method)
				data := vectors.Hex(f, r.dir+"/"+c.File)
				if how := fmt.Sprint(c.Method, k, schema.Layouts(c.Method)); ok && !seeds[how] && 2 < len(data) && len(data) < 2000 {
					seeds[how] = true
					f.Add(uint8(2*i+k), uint8(m), data)
				}
			}
			sources = append(sources, s)
		}
	}
	f.Fuzz(func(t *testing.T, which, method uint8, data []byte) {
		s := sources[int(which)%len(sources)]
		if len(s.methods) == 0 {
			return
		}
		name := s.methods[int(method)%len(s.methods)]
		v, err := s.schema.Value(name, data)
		if err != nil {
			return
		}
		if _, err := s.schema.Choose(name, data); err != nil {
			t.Fatalf("%s was read by no layout: %v", name, err)
		}
		again, err := s.schema.Append(nil, name, v)
		if err != nil {
			t.Fatalf("%s: %v cannot be encoded: %v", name, v, err)
		}
		same, err := s.schema.Value(name, again)
		if err != nil || !reflect.DeepEqual(same, v) && !hasBig(v) {
			t.Fatalf("%s: %v became %v, %v", name, v, same, err)
		}
		if g := target(s.schema, name); g != nil {
			_ = s.schema.Decode(name, data, g) // must not panic
		}
	})
}

// hasBig reports whether a value holds a big.Int, whose inner form may differ for
// equal numbers.
func hasBig(v any) bool {
	switch v := v.(type) {
	case *big.Int:
		return true
	case []any:
		return slices.ContainsFunc(v, hasBig)
	case *codec.Record:
		return slices.ContainsFunc(v.Fields, func(f codec.NamedValue) bool { return hasBig(f.Value) })
	case *codec.Variant:
		return hasBig(&v.Record)
	}
	return false
}

// described returns the schema of a runtime with its newest metadata.
func described(t testing.TB, r runtime) *subtensor.Schema {
	t.Helper()
	schema, err := subtensor.NewSchema(r.newest(t), r.spec)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
