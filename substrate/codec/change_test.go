package codec_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

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

// change is what a later runtime did to a struct.
type change struct {
	inserted []codec.NamedValue
	dropped  []string
}

// newFields are types that a struct may gain, with a value each.
var newFields = []struct {
	expr  string
	value any
}{
	{"u32", 7},
	{"Vec<u8>", "text"},
	{"Option<u64>", nil},
	{"Option<u64>", 5},
	{"Compact<u128>", uint64(1 << 40)},
	{"(u8, bool)", []any{1, true}},
	{"str", "α"},
	{"[u8; 5]", []byte("12345")},
	{"()", nil},
	{"bool", true},
	{"Vec<(u16, Vec<u8>)>", []any{[]any{1, "a"}, []any{2, ""}}},
	{"Option<Option<bool>>", nil},
	{"i128", -5},
}

// evolve changes the fields of a struct: it drops, inserts, wraps and reorders.
func evolve(t *rapid.T, types *metadata.Registry, id metadata.TypeID) change {
	var c change
	label := types.Types[id].Path[len(types.Types[id].Path)-1]
	fields := slices.Clone(types.Types[id].Fields)
	for range rapid.IntRange(0, min(3, len(fields)-2)).Draw(t, label+" drops") {
		i := rapid.IntRange(0, len(fields)-1).Draw(t, "drop")
		c.dropped = append(c.dropped, fields[i].Name)
		fields = slices.Delete(fields, i, i+1)
	}
	for i := range fields {
		for range rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(t, "wraps") {
			// The inner name may be one that the outer struct has too.
			name := rapid.SampledFrom([]string{"", "inner", "block", "ip", fields[i].Name}).Draw(t, "wrapper")
			fields[i].Type = add(types, metadata.Type{
				Path: []string{"later", "Wrapper"}, Kind: metadata.Composite,
				Fields: []metadata.Field{{Name: name, Type: fields[i].Type}},
			})
		}
	}
	for k := range rapid.IntRange(0, 3).Draw(t, label+" inserts") {
		f := rapid.SampledFrom(newFields).Draw(t, "insert")
		ft, err := types.Resolve(f.expr)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("later_%d", k)
		c.inserted = append(c.inserted, codec.NamedValue{Name: name, Value: f.value})
		fields = append(fields, metadata.Field{Name: name, Type: ft})
	}
	types.Types[id].Fields = rapid.Permutation(fields).Draw(t, label+" order")
	return c
}

func add(types *metadata.Registry, t metadata.Type) metadata.TypeID {
	types.Types = append(types.Types, t)
	return metadata.TypeID(len(types.Types) - 1)
}

// rewrite makes a value of the old types one of the changed types. Wrappers need
// nothing: the value of a struct of one field stands for the struct.
func rewrite(types *metadata.Registry, id metadata.TypeID, v any, changes map[metadata.TypeID]change) any {
	ty := types.Type(id)
	switch {
	case v == nil:
		return nil
	case ty.Kind == metadata.Variant: // Option
		return rewrite(types, ty.Variants[1].Fields[0].Type, v, changes)
	case ty.Kind == metadata.Composite && ty.Fields[0].Name == "":
		return rewrite(types, ty.Fields[0].Type, v, changes)
	}
	switch v := v.(type) {
	case []any:
		for i := range v {
			switch ty.Kind {
			case metadata.Sequence:
				v[i] = rewrite(types, ty.Elem, v[i], changes)
			case metadata.Tuple:
				v[i] = rewrite(types, ty.Items[i], v[i], changes)
			}
		}
	case *codec.Record:
		for i := range v.Fields {
			v.Fields[i].Value = rewrite(types, ty.Fields[i].Type, v.Fields[i].Value, changes)
		}
		c := changes[id]
		v.Fields = slices.DeleteFunc(v.Fields, func(f codec.NamedValue) bool { return slices.Contains(c.dropped, f.Name) })
		v.Fields = append(v.Fields, c.inserted...)
	}
	return v
}

// forget zeroes the Go fields of dropped ones, in all values of a struct.
func forget(v reflect.Value, path []string, dropped []string) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			forget(v.Index(i), path, dropped)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			forget(v.Elem(), path, dropped)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("scale"), ",")
			switch {
			case len(path) > 0 && path[0] == name:
				forget(v.Field(i), path[1:], dropped)
			case len(path) == 0 && slices.Contains(dropped, name):
				v.Field(i).SetZero()
			}
		}
	}
}

// A runtime that inserts, reorders, wraps and drops fields is read by the same Go
// types, which need no change but to say what may be absent.
func TestChangedRuntime(t *testing.T) {
	f := load(t, "293-aura")
	for _, c := range []struct {
		method, file string
		into         any
		structs      [][]string // paths to the structs that change
	}{
		{getNeurons, "get_neurons.netuid1.hex.gz", []neuron{}, [][]string{{}, {"axon_info"}, {"prometheus_info"}}},
		{"NeuronInfoRuntimeApi_get_neurons_lite", "get_neurons_lite.netuid1.hex.gz", []neuron{}, [][]string{{}, {"axon_info"}, {"prometheus_info"}}},
		{"SubnetInfoRuntimeApi_get_metagraph", "get_metagraph.netuid1.hex.gz", (*metagraph)(nil), [][]string{{}, {"axons"}, {"identity"}}},
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
				value, err := old.Value(id, scale.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				changed := &metadata.Registry{Types: slices.Clone(f.md.Types.Types)}
				changes := make(map[metadata.TypeID]change)
				for _, path := range c.structs {
					at := structAt(f.md.Types, id, path)
					changes[at] = evolve(t, changed, at)
					forget(want.Elem(), path, changes[at].dropped)
				}
				value = rewrite(f.md.Types, id, value, changes)
				codec := codec.New(changed)
				later, err := codec.Append(nil, id, value)
				if err != nil {
					t.Fatal(err)
				}
				got := reflect.New(target)
				if err := codec.Decode(id, later, got.Interface()); err != nil {
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
