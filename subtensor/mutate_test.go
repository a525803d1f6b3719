package subtensor_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/internal/mutate"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/subtensor"
)

// structs are the Go types of the chain's structs.
var structs = map[string]reflect.Type{
	"NeuronInfo":          reflect.TypeFor[subtensor.NeuronInfo](),
	"NeuronInfoLite":      reflect.TypeFor[subtensor.NeuronInfoLite](),
	"SubnetInfo":          reflect.TypeFor[subtensor.SubnetInfo](),
	"SubnetInfov2":        reflect.TypeFor[subtensor.SubnetInfoV2](),
	"SubnetHyperparams":   reflect.TypeFor[subtensor.SubnetHyperparams](),
	"SubnetHyperparamsV2": reflect.TypeFor[subtensor.SubnetHyperparams](),
	"DynamicInfo":         reflect.TypeFor[subtensor.DynamicInfo](),
	"Metagraph":           reflect.TypeFor[subtensor.MetagraphInfo](),
	"SelectiveMetagraph":  reflect.TypeFor[subtensor.SelectiveMetagraph](),
	"SubnetState":         reflect.TypeFor[subtensor.SubnetState](),
	"SubnetIdentityV3":    reflect.TypeFor[subtensor.SubnetIdentity](),
}

// optional reports whether a Go type of this package can do without a field.
func optional(structure, field string) bool {
	t, ok := structs[structure]
	if !ok {
		return false
	}
	for i := range t.NumField() {
		if f := t.Field(i); wireName(f) == field {
			return strings.HasSuffix(f.Tag.Get("scale"), ",optional")
		}
	}
	return false
}

// A runtime that nobody has seen, whose structs have gained, lost, reordered,
// wrapped and widened fields, is read as the one that it was made of: every
// method that has a Go type, through the metadata as such a node would send it.
func TestUnseenRuntimes(t *testing.T) {
	t.Parallel()
	tried := make(map[string]bool)
	for _, r := range runtimes(t) {
		md := r.newest(t)
		old, err := subtensor.NewSchema(md, r.spec)
		if err != nil {
			t.Fatal(err)
		}
		var calls []recorded
		for _, c := range r.meta.Calls {
			layouts := old.Layouts(c.Method)
			if target(old, c.Method) == nil || !layouts[0].Described || strings.Contains(c.File, "netuid12") {
				continue
			}
			api, name, _ := strings.Cut(c.Method, "_")
			m, ok := md.Method(api, name)
			if !ok {
				t.Fatalf("%s: no %s", r.dir, c.Method)
			}
			calls = append(calls, recorded{c.Method, c.File, mutate.Value{Type: m.Output, Data: vectors.Hex(t, r.dir+"/"+c.File)}})
			tried[c.Method] = true
		}
		if len(calls) == 0 {
			continue // answers in bytes: no metadata describes them
		}
		t.Run(r.dir, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				c := rapid.SampledFrom(calls).Draw(t, "call")
				later := mutate.New(t, md, []mutate.Value{c.value}, mutate.Options{MayDrop: optional})
				want, got := target(old, c.method), target(old, c.method)
				if err := old.Decode(c.method, c.value.Data, want); err != nil {
					t.Fatal(err)
				}
				later.Forget(c.value.Type, want)
				schema, err := subtensor.NewSchema(wire(t, later.Metadata), 9999)
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Decode(c.method, later.Values[0].Data, got); err != nil {
					t.Fatalf("%s (gone: %v): %v", c.file, later.Dropped(), err)
				}
				if !reflect.DeepEqual(want, got) {
					t.Fatalf("%s (gone: %v) (-want +got):\n%s", c.file, later.Dropped(), cmp.Diff(want, got))
				}
			})
		})
	}
	for method := range targets {
		if !tried[method] {
			t.Errorf("no answer of %s was tried", method)
		}
	}
}

// recorded is an answer that a runtime gave.
type recorded struct {
	method, file string
	value        mutate.Value
}

// wire sends metadata through its encoding.
func wire(t *rapid.T, md *metadata.Metadata) *metadata.Metadata {
	t.Helper()
	data, err := md.Append(nil, md.Version)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := metadata.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// The generator does what it says: over a number of draws everything that may
// change has changed, and what it was given has not.
func TestMutations(t *testing.T) {
	t.Parallel()
	r := find(t, "425-main")
	md := r.newest(t)
	before, err := md.Append(nil, md.Version)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := md.Method("SubnetInfoRuntimeApi", "get_metagraph")
	if !ok {
		t.Fatal("no get_metagraph")
	}
	value := mutate.Value{Type: m.Output, Data: vectors.Hex(t, r.dir+"/state_call/get_metagraph.netuid1.hex.gz")}
	seen := make(map[string]bool)
	rapid.Check(t, func(t *rapid.T) {
		later := mutate.New(t, md, []mutate.Value{value}, mutate.Options{MayDrop: optional})
		for id := range md.Types.Types {
			old, now := &md.Types.Types[id], &later.Metadata.Types.Types[id]
			if old.Kind != metadata.Composite || len(old.Fields) < 2 || old.Fields[0].Name == "" {
				continue
			}
			at := -1
			for _, f := range now.Fields {
				i := slices.IndexFunc(old.Fields, func(o metadata.Field) bool { return o.Name == f.Name })
				switch {
				case i < 0:
					seen["inserted"] = true
				case i < at:
					seen["reordered"] = true
				case later.Metadata.Types.Type(f.Type).Kind == metadata.Composite && md.Types.Type(old.Fields[i].Type).Kind != metadata.Composite:
					seen["wrapped"] = true
				case f.Type != old.Fields[i].Type:
					seen["widened"] = true
				}
				at = max(at, i)
			}
		}
		seen["dropped"] = seen["dropped"] || slices.Contains(later.Dropped(), "Metagraph.rank")
		p, ok := later.Metadata.Pallet("SubtensorModule")
		if !ok {
			t.Fatal("no pallet")
		}
		seen["pallets renumbered"] = seen["pallets renumbered"] || p.Index != 7
		after, err := md.Append(nil, md.Version)
		if err != nil || string(after) != string(before) {
			t.Fatal("the metadata that was given has changed")
		}
	})
	for _, what := range []string{"inserted", "reordered", "wrapped", "widened", "dropped", "pallets renumbered"} {
		if !seen[what] {
			t.Errorf("nothing was %s", what)
		}
	}
}
