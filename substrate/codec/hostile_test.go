package codec_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

func composite(ids ...metadata.TypeID) metadata.Type {
	t := metadata.Type{Path: []string{"Hostile"}, Kind: metadata.Composite}
	for i, id := range ids {
		t.Fields = append(t.Fields, metadata.Field{Name: fmt.Sprintf("f%d", i), Type: id})
	}
	return t
}

// Metadata that no honest chain has: types that contain themselves, that do not
// exist, that take no bytes but stand for billions of values.
func TestHostileTypes(t *testing.T) {
	newtype := func(id metadata.TypeID) metadata.Type {
		return metadata.Type{Kind: metadata.Composite, Fields: []metadata.Field{{Type: id}}}
	}
	array := func(id metadata.TypeID, n uint32) metadata.Type {
		return metadata.Type{Kind: metadata.Array, Elem: id, Len: n}
	}
	list := func(id metadata.TypeID) metadata.Type { return metadata.Type{Kind: metadata.Sequence, Elem: id} }
	option := func(id metadata.TypeID) metadata.Type {
		return metadata.Type{Path: []string{"Option"}, Kind: metadata.Variant, Variants: []metadata.VariantDef{
			{Name: "None"}, {Name: "Some", Index: 1, Fields: []metadata.Field{{Type: id}}},
		}}
	}
	unit := metadata.Type{Kind: metadata.Tuple}
	byte8 := metadata.Type{Kind: metadata.Primitive, Primitive: metadata.U8}
	doubling := []metadata.Type{unit}
	for i := range 200 {
		doubling = append(doubling, composite(metadata.TypeID(i), metadata.TypeID(i)))
	}
	nested := make([]metadata.Type, 0, 100_001)
	for i := range 100_000 {
		nested = append(nested, composite(metadata.TypeID(i+1), 100_000))
	}
	nested = append(nested, byte8)
	reversed := func(types []metadata.Type) []metadata.Type { // type 0 becomes the outermost
		out := make([]metadata.Type, len(types))
		last := metadata.TypeID(len(types) - 1)
		for i, t := range types {
			for k := range t.Fields {
				t.Fields[k].Type = last - t.Fields[k].Type
			}
			out[int(last)-i] = t
		}
		return out
	}
	for name, types := range map[string][]metadata.Type{
		"no types":            {},
		"missing":             {list(7)},
		"none":                {composite(metadata.NoType)},
		"newtype of itself":   {newtype(0)},
		"newtypes in a ring":  {newtype(1), newtype(2), newtype(0)},
		"tuple of itself":     {{Kind: metadata.Tuple, Items: []metadata.TypeID{0}}},
		"struct of itself":    {composite(0)},
		"struct of twice":     {composite(0, 0)},
		"struct and list":     {composite(0, 1), list(0)},
		"list of itself":      {list(0)},
		"Option of itself":    {option(0)},
		"array of itself":     {array(0, 1<<32-1)},
		"empty array of self": {array(0, 0)},
		"compact of itself":   {{Kind: metadata.Compact}},
		"compact list":        {{Kind: metadata.Compact, Elem: 1}, list(0)},
		"bits of itself":      {{Kind: metadata.BitSequence}},
		"unknown kind":        {{Kind: 99}},
		"unknown primitive":   {{Kind: metadata.Primitive, Primitive: 99}},
		"no alternatives":     {{Kind: metadata.Variant}},
		"units":               {array(1, 1<<32-1), unit},
		"units of units":      {array(1, 1<<16), array(2, 1<<16), array(3, 1<<16), unit},
		"list of units":       {list(1), array(2, 1<<20), unit},
		"huge bytes":          {array(1, 1<<32-1), byte8},
		"huge arrays":         {array(1, 1<<32-1), array(2, 1<<32-1), array(3, 1<<32-1), byte8},
		"doubling":            reversed(doubling),
		"list of doubling":    append([]metadata.Type{list(1)}, shift(reversed(doubling))...),
		"deep":                nested,
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			c := codec.New(&metadata.Registry{Types: types})
			for _, data := range [][]byte{nil, {0}, {1, 1, 1}, bytes.Repeat([]byte{1}, 5000), bytes.Repeat([]byte{0xfc}, 64), bytes.Repeat([]byte{4}, 5000)} {
				if v, err := c.Value(0, scale.NewReader(data)); err == nil {
					if _, err := c.Append(nil, 0, v); err != nil {
						t.Errorf("%.20x: cannot be encoded again: %v", data, err)
					}
				}
				for _, into := range []any{new(any), new(uint64), new(*uint8), new([]any), new([][]struct{}), new(chain), new(tree), new(struct {
					A *chain `scale:"f1,optional"`
					B any    `scale:"f0,optional"`
				}), new(struct {
					A uint8 `scale:"other,optional"`
					B uint8 `scale:"else,optional"`
				}), new([]struct{ X, Y []struct{} })} {
					_ = c.Decode(0, data, into)
				}
			}
			for _, v := range []any{nil, 1, "", []any{}, []any{nil}, &codec.Record{}, map[string]any{}, &codec.Variant{}, chain{}, &tree{}} {
				_, _ = c.Append(nil, 0, v)
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// shift makes room for one type before others.
func shift(types []metadata.Type) []metadata.Type {
	for i := range types {
		for k := range types[i].Fields {
			types[i].Fields[k].Type++
		}
	}
	return types
}

// Nesting in the data ends somewhere too.
func TestHostileDepth(t *testing.T) {
	types := registry(t)
	c := codec.New(types)
	id := resolve(t, types, "Chain")
	deep := append(bytes.Repeat([]byte{1}, 1<<20), 0)
	var v chain
	if err := c.Decode(id, deep, &v); err == nil || !strings.Contains(err.Error(), "nested too deeply") || len(err.Error()) > 500 {
		t.Errorf("decoded a million links: %v", err)
	}
	if _, err := c.Value(id, scale.NewReader(deep)); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
		t.Errorf("a million links have a value: %v", err)
	}
	outer := resolve(t, types, "(u8, Chain)")
	if err := c.Decode(outer, append([]byte{1}, deep...), &struct {
		A uint8
		B any
	}{}); err == nil {
		t.Error("decoded a million links")
	}
	if err := types.Define("struct Outer { chain: Chain, b: u8 }"); err != nil {
		t.Fatal(err)
	}
	if err := c.Decode(resolve(t, types, "Outer"), append(deep, 1), &struct{ B uint8 }{}); err == nil {
		t.Error("skipped a million links")
	}
}

func FuzzDecode(f *testing.F) {
	runtime := load(f, "293-aura")
	c := codec.New(runtime.md.Types)
	neurons := runtime.output(f, getNeurons)
	ids := []metadata.TypeID{
		neurons, runtime.md.CallType, runtime.md.EventType, runtime.md.ErrorType,
		runtime.output(f, "SubnetInfoRuntimeApi_get_metagraph"), runtime.output(f, "SubnetInfoRuntimeApi_get_all_dynamic_info"),
	}
	one := vectors.Hex(f, "293-aura/state_call/get_neuron.netuid12_uid3.hex")
	one[0] = 4 // an Option of a neuron as a list of one
	f.Add(uint8(0), one)
	f.Add(uint8(0), one[:len(one)-1])
	f.Add(uint8(1), unhex(f, "0000041234"))       // System.remark
	f.Add(uint8(1), unhex(f, "0b00040b00040000")) // calls in a call
	f.Add(uint8(2), unhex(f, "00000000000000000000"))
	f.Add(uint8(3), unhex(f, "000700"))
	f.Add(uint8(5), vectors.Hex(f, "293-aura/state_call/get_all_dynamic_info.all.hex"))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		id := ids[int(which)%len(ids)]
		var v []neuron
		bound := error(nil)
		if id == neurons {
			if bound = c.Decode(id, data, &v); bound == nil {
				if again, err := c.Append(nil, id, v); err != nil || !bytes.Equal(again, data) {
					t.Errorf("%x becomes %x, %v", data, again, err)
				}
			} else if v != nil {
				t.Error("an error left neurons behind")
			}
		}
		if ok := roundTrip(t, c, id, data); id == neurons && ok != (bound == nil) {
			t.Errorf("bound: %v, dynamic: %v", bound, ok)
		}
	})
}

// roundTrip reports whether data is a value of a type, and checks that the value
// is encoded to the same bytes.
func roundTrip(t *testing.T, c *codec.Codec, id metadata.TypeID, data []byte) bool {
	r := scale.NewReader(data)
	v, err := c.Value(id, r)
	if err != nil || r.Finish() != nil {
		return false
	}
	again, err := c.Append(nil, id, v)
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("%x becomes %x, %v: %#v", data, again, err, v)
	}
	return true
}

func FuzzValue(f *testing.F) {
	for _, s := range [][2]string{
		{definitions, "(Wide, Shape, Tree, Option<Option<Chain>>)"},
		{"struct A { a: A }", "A"},
		{"struct A(A)", "[A; 3]"},
		{"struct A { a: B, b: B } struct B { a: C, b: C } struct C { a: D, b: D } struct D {}", "[A; 70000]"},
		{"enum E { X(E), Y([E; 4]), Z }", "Vec<E>"},
		{"struct A { a: Vec<A>, b: Option<A>, c: Compact<N> } struct N(u64)", "A"},
		{"enum Option { Some(u8), None } enum E { A = 1, A(u8) = 2 }", "(Option, E, char, u256, i256)"},
		{"struct P { x: (), y: [(); 4000000000] }", "Vec<P>"},
	} {
		f.Add(s[0], s[1], bytes.Repeat([]byte{0}, 40))
		f.Add(s[0], s[1], bytes.Repeat([]byte{4, 1, 0}, 20))
	}
	type target struct {
		A []any   `scale:"a,optional"`
		B *target `scale:"b,optional"`
		C uint16  `scale:"c,optional"`
	}
	f.Fuzz(func(t *testing.T, src, expr string, data []byte) {
		types := new(metadata.Registry)
		if types.Define(src) != nil {
			return
		}
		id, err := types.Resolve(expr)
		if err != nil {
			return
		}
		c := codec.New(types)
		roundTrip(t, c, id, data)
		for _, into := range []any{new(any), new(target), new(uint32), new(string), new([]target), new(codec.Variant)} {
			if err := c.Decode(id, data, into); err != nil && !reflect.ValueOf(into).Elem().IsZero() {
				t.Errorf("an error left %v behind", into)
			}
		}
	})
}
