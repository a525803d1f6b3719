package codec_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/internal/mutate"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// metagraph is some of what get_metagraph answers.
type metagraph struct {
	Netuid      uint16
	Name        string
	Identity    *struct{ SubnetName, Description, Discord string }
	OwnerHotkey ss58.AccountID
	Block       uint64
	MovingPrice struct{ Bits scale.U128 }
	MaxBurn     uint64
	Hotkeys     []ss58.AccountID
	Identities  []*struct{ Name string }
	Axons       []axon
	Active      []bool
	LastUpdate  []uint64
	Incentives  []uint16
	Dividends   []stake `scale:"alpha_dividends_per_hotkey"`
}

// optional returns a Go type like t in which every field is optional, structs in
// it included.
func optional(t reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Pointer:
		return reflect.PointerTo(optional(t.Elem()))
	case reflect.Slice:
		return reflect.SliceOf(optional(t.Elem()))
	case reflect.Struct:
		if t.NumField() <= 2 { // U128, tuples, newtypes
			return t
		}
		var fields []reflect.StructField
		for i := range t.NumField() {
			f := t.Field(i)
			f.Type = optional(f.Type)
			name, _, _ := strings.Cut(f.Tag.Get("scale"), ",")
			if name == "" {
				name = snake(f.Name)
			}
			f.Tag = reflect.StructTag(`scale:"` + name + `,optional"`)
			fields = append(fields, f)
		}
		return reflect.StructOf(fields)
	}
	return t
}

// snake is the rule for names, for names without abbreviations.
func snake(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// A runtime that inserts, reorders, wraps, widens and drops fields is read by the
// same Go types, which need no change but to say what may be absent.
func TestChangedRuntime(t *testing.T) {
	f := load(t, "293-aura")
	for _, c := range []struct {
		method, file string
		into         any
	}{
		{getNeurons, "get_neurons.netuid1.hex.gz", []neuron{}},
		{"NeuronInfoRuntimeApi_get_neurons_lite", "get_neurons_lite.netuid1.hex.gz", []neuron{}},
		{"SubnetInfoRuntimeApi_get_metagraph", "get_metagraph.netuid1.hex.gz", (*metagraph)(nil)},
	} {
		t.Run(c.method, func(t *testing.T) {
			data := vectors.Hex(t, "293-aura/state_call/"+c.file)
			id := f.output(t, c.method)
			old := codec.New(f.md.Types)
			target := optional(reflect.TypeOf(c.into))
			rapid.Check(t, func(t *rapid.T) {
				want := reflect.New(target)
				if err := old.Decode(id, data, want.Interface()); err != nil {
					t.Fatal(err)
				}
				later := mutate.New(t, f.md, []mutate.Value{{Type: id, Data: data}}, mutate.Options{
					MayDrop: func(structure, _ string) bool { return structure != "ChainIdentityV2" },
				})
				later.Forget(id, want.Interface())
				got := reflect.New(target)
				if err := codec.New(later.Metadata.Types).Decode(id, later.Values[0].Data, got.Interface()); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want.Interface(), got.Interface()); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// structAt returns the struct at a path of field names, through lists and Options.
func structAt(types *metadata.Registry, id metadata.TypeID, path []string) metadata.TypeID {
	ty := types.Type(id)
	switch ty.Kind {
	case metadata.Sequence:
		return structAt(types, ty.Elem, path)
	case metadata.Variant:
		return structAt(types, ty.Variants[1].Fields[0].Type, path)
	}
	for _, f := range ty.Fields {
		if len(path) > 0 && f.Name == path[0] {
			return structAt(types, f.Type, path[1:])
		}
	}
	return id
}

// A field that the runtime dropped must be optional, or the error says so.
func TestDroppedField(t *testing.T) {
	f := load(t, "293-aura")
	id := f.output(t, getNeurons)
	at := structAt(f.md.Types, id, []string{"axon_info"})
	axonInfo := &f.md.Types.Types[at]
	axonInfo.Fields = slices.DeleteFunc(slices.Clone(axonInfo.Fields), func(f metadata.Field) bool { return f.Name == "port" })
	var v []neuron
	err := codec.New(f.md.Types).Decode(id, nil, &v)
	if want := `[].axon_info: the chain's pallet_subtensor::pallet::AxonInfo has no field "port" for codec_test.axon.Port`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
