package metadata_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/substrate/metadata"
)

const none = metadata.NoType

func TestDefine(t *testing.T) {
	r := new(metadata.Registry)
	err := r.Define(`
		// A comment, and no documentation.
		struct Tree { left: Box<Tree>, leaf: Leaf, } // refers to a later one
		/// A leaf.
		/// Green.
		struct plants::Leaf(u8, /* no such comment */
	`)
	if err == nil || len(r.Types) != 0 {
		t.Fatalf("error %v, %d types", err, len(r.Types))
	}
	err = r.Define(`
		struct Tree { left: Option<Box<Tree>>, leaf: Leaf, } // refers to a later one
		/// A leaf.
		///   Green.
		struct plants::Leaf(u8, ( u16 , Compact<u32>))
		struct Nothing; struct Empty {}
		enum Shape { Dot, /// Round.
			Circle(Leaf) = 9, Line { /// Its start.
				from: [ u8;4 ] }, }
	`)
	if err != nil {
		t.Fatal(err)
	}
	want := []metadata.Type{
		0: {Path: []string{"Tree"}, Fields: []metadata.Field{{Name: "left", Type: 5, TypeName: "Option<Box<Tree>>"}, {Name: "leaf", Type: 1, TypeName: "Leaf"}}},
		1: {
			Path: []string{"plants", "Leaf"}, Docs: metadata.NewDocs("A leaf.", "Green."),
			Fields: []metadata.Field{{Type: 6, TypeName: "u8"}, {Type: 10, TypeName: "( u16 , Compact<u32>)"}},
		},
		2: {Path: []string{"Nothing"}},
		3: {Path: []string{"Empty"}},
		4: {Path: []string{"Shape"}, Kind: metadata.Variant, Variants: []metadata.VariantDef{
			{Name: "Dot"},
			{Name: "Circle", Index: 9, Docs: metadata.NewDocs("Round."), Fields: []metadata.Field{{Type: 1, TypeName: "Leaf"}}},
			{Name: "Line", Index: 2, Fields: []metadata.Field{{Name: "from", Type: 11, TypeName: "[ u8;4 ]", Docs: metadata.NewDocs("Its start.")}}},
		}},
		5: {
			Path: []string{"Option"}, Params: []metadata.TypeParam{{"T", 0}}, Kind: metadata.Variant,
			Variants: []metadata.VariantDef{{Name: "None"}, {Name: "Some", Index: 1, Fields: []metadata.Field{{Type: 0}}}},
		},
		6:  {Kind: metadata.Primitive, Primitive: metadata.U8},
		7:  {Kind: metadata.Primitive, Primitive: metadata.U16},
		8:  {Kind: metadata.Primitive, Primitive: metadata.U32},
		9:  {Kind: metadata.Compact, Elem: 8},
		10: {Kind: metadata.Tuple, Items: []metadata.TypeID{7, 9}},
		11: {Kind: metadata.Array, Elem: 6, Len: 4},
	}
	for i := range want {
		want[i].Order = none
		if k := want[i].Kind; k != metadata.Compact && k != metadata.Array {
			want[i].Elem = none
		}
	}
	if diff := cmp.Diff(want, r.Types); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestResolve(t *testing.T) {
	r := new(metadata.Registry)
	if err := r.Define("struct a::Name(u8) struct b::Name(u8) struct Name2 { n: a::Name }"); err != nil {
		t.Fatal(err)
	}
	for _, expr := range []string{
		"bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i16", "i32", "i64", "i128", "i256",
		"Vec<u8>", "Option<Vec<Option<bool>>>", "Compact<u64>", "Result<(), str>", "BTreeMap<u16, AccountId>", "BTreeSet<u16>",
		"()", "(u8,)", "(u8, u16)", "[u8; 32]", "[[u8; 2]; 0]", "AccountId", "sp_core::crypto::AccountId32", "a::Name", "Name2",
	} {
		id, err := r.Resolve(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if len(r.Types) <= int(id) {
			t.Errorf("%s: type %d of %d", expr, id, len(r.Types))
		}
		// The same again, however it is written, adds nothing.
		n := len(r.Types)
		if again, err := r.Resolve("  " + strings.ReplaceAll(expr, ",", " , ") + " // end"); err != nil || again != id || len(r.Types) != n {
			t.Errorf("%s: type %d first, then %d, %v; %d types, then %d", expr, id, again, err, n, len(r.Types))
		}
	}
	same := func(a, b string) {
		t.Helper()
		x, errX := r.Resolve(a)
		y, errY := r.Resolve(b)
		if errX != nil || errY != nil || x != y {
			t.Errorf("%s is type %d (%v), %s is type %d (%v)", a, x, errX, b, y, errY)
		}
	}
	same("String", "str")
	same("(u8)", "u8")
	same("Box<u64>", "u64")
	same("AccountId", "crypto::AccountId32")
	same("AccountId", "AccountId32")
	if id, _ := r.Resolve("(u8,)"); len(r.Type(id).Items) != 1 {
		t.Error("(u8,) is no tuple")
	}
	if id, _ := r.Resolve("AccountId"); r.Type(r.Unwrap(id)).Len != 32 {
		t.Error("AccountId is not 32 bytes")
	}
}

// TestResolveParsed finds types of a real runtime by name.
func TestResolveParsed(t *testing.T) {
	m := read(t, "394-main/metadata_at_version_15.state_call.scale.gz")
	before := len(m.Types.Types)
	method, ok := m.Method("NeuronInfoRuntimeApi", "get_neurons_lite")
	if !ok {
		t.Fatal("no get_neurons_lite")
	}
	for expr, want := range map[string]metadata.TypeID{
		"Vec<NeuronInfoLite>": method.Output,
		"Vec<pallet_subtensor::rpc_info::neuron_info::NeuronInfoLite>": method.Output,
		"MultiAddress<AccountId, ()>":                                  m.Extrinsic.Address,
		"RuntimeCall":                                                  m.CallType,
		"node_subtensor_runtime::RuntimeEvent":                         m.EventType,
	} {
		if got, err := m.Types.Resolve(expr); err != nil || got != want {
			t.Errorf("%s is type %d (%v), %d expected", expr, got, err, want)
		}
	}
	if len(m.Types.Types) != before {
		t.Errorf("%d types were added", len(m.Types.Types)-before)
	}
	if _, err := m.Types.Resolve("Event"); err == nil || !strings.Contains(err.Error(), "write more of the path") {
		t.Errorf("Event of some pallet: %v", err)
	}
	if err := m.Types.Define("struct Mine { info: Option<NeuronInfoLite> }"); err != nil {
		t.Error(err)
	}
}

func TestDefineRefuses(t *testing.T) {
	deep := strings.Repeat("Vec<", 100) + "u8" + strings.Repeat(">", 100)
	many := "enum Many { "
	for i := range 257 {
		many += fmt.Sprintf("V%d, ", i)
	}
	for src, want := range map[string]string{
		"struct A { a: u8, b: Nope }":                     "line 1 column 22: Nope is not known",
		"struct A {\n\ta: u8,\n\tb: Vec<Nope>,\n}":        "line 3 column 9: Nope is not known",
		"struct A { a u8 }":                               `line 1 column 14: "u8" where ":" was expected after the name of a field`,
		"struct A { a: u8 b: u8 }":                        `line 1 column 18: "b" where "," or "}" was expected`,
		"struct A { a: u8":                                `the end where "," or "}" was expected`,
		"struct A { a: u8, a: u16 }":                      "line 1 column 19: there is a field a already",
		"struct A(u8":                                     `the end where "," or ")"`,
		"struct A(u8) struct A(u16)":                      "line 1 column 21: A is defined already",
		"struct A([u8; x])":                               `"x" where the length of an array was expected`,
		"struct A([u8; 4294967296])":                      "a number of 32 bits",
		"struct A([u8 32])":                               `"32" where ";" was expected before the length`,
		"struct A(Vec<u8, u8>)":                           "Vec takes 1 type parameters, not 2",
		"struct A(Vec)":                                   "Vec takes 1 type parameters, not 0",
		"struct A(u8<u8>)":                                "u8 takes 0 type parameters, not 1",
		"struct A(A<u8>)":                                 "A is known, but not with these type parameters",
		"struct Vec(u8)":                                  "line 1 column 8: Vec is built in",
		"struct AccountId(u8)":                            "AccountId is built in",
		"struct a::X(u8) struct b::X(u8) struct Y(X)":     "X can be any of 2 types, such as a::X (type 0) and b::X (type 1)",
		"enum E { A, A }":                                 "line 1 column 13: there is a variant A already",
		"enum E { A, B = 0 }":                             "line 1 column 13: variant B has the number 0, which A has",
		"enum E { A = 256 }":                              `"256" where the number of a variant was expected, a number of 8 bits`,
		"enum E { A = -1 }":                               `"-" where the number of a variant was expected`,
		"enum E;":                                         `";" where "{" was expected after the name of an enum`,
		"union E { A }":                                   `line 1 column 1: "union" where struct or enum was expected`,
		"struct 9A(u8)":                                   `"9A" where a name was expected`,
		"struct é(u8)":                                    `"é" where a name was expected`,
		"struct A(u8,,)":                                  `"," where a type was expected`,
		"struct A(a::)":                                   `")" where the rest of a path was expected`,
		"struct A((u8 u8))":                               `"u8" where "," or ")" was expected in a tuple`,
		"struct \xff":                                     "no UTF-8",
		"struct A(" + deep + ")":                          "nested more than 64 deep",
		"struct A(" + strings.Repeat("(", 1<<16) + "u8))": "nested more than 64 deep",
		many + "}":                                        "at most 256 variants",
	} {
		r := new(metadata.Registry)
		if _, err := r.Resolve("u8"); err != nil {
			t.Fatal(err)
		}
		err := r.Define(src)
		if want = strings.ReplaceAll(want, "(type 0)", "(type 1)"); strings.Contains(want, "b::X") {
			want = strings.Replace(want, "b::X (type 1)", "b::X (type 2)", 1)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s\nerror %v\n%q expected", src, err, want)
		}
		if len(r.Types) != 1 {
			t.Errorf("%.60s: the registry was left with %d types", src, len(r.Types))
		}
	}
	r := new(metadata.Registry)
	for expr, want := range map[string]string{
		"":          "line 1 column 1: the end where a type was expected",
		"u8 u8":     `line 1 column 4: "u8" after the end of the type`,
		"Vec<u8":    `the end where "," or ">" was expected`,
		"[u8; 32":   `the end where "]" was expected`,
		"Vec<Nope>": "column 5: Nope is not known",
	} {
		if id, err := r.Resolve(expr); err == nil || id != none || !strings.Contains(err.Error(), want) || len(r.Types) != 0 {
			t.Errorf("%q: type %d, error %v, %q expected", expr, id, err, want)
		}
	}
}

func TestUnwrap(t *testing.T) {
	r := new(metadata.Registry)
	err := r.Define("struct A(B) struct B { c: C } struct C(u16) struct Two(u8, u8) struct Loop(Pool) struct Pool(Loop) enum E { V(A) }")
	if err != nil {
		t.Fatal(err)
	}
	id := func(expr string) metadata.TypeID {
		id, err := r.Resolve(expr)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for expr, want := range map[string]string{"A": "u16", "C": "u16", "Two": "Two", "u16": "u16", "E": "E", "Loop": "Loop", "Pool": "Pool", "Vec<A>": "Vec<A>"} {
		if got := r.Unwrap(id(expr)); got != id(want) {
			t.Errorf("%s unwraps to type %d, %s is %d", expr, got, want, id(want))
		}
	}
	if r.Unwrap(none) != none {
		t.Error("no type unwraps to a type")
	}
}

// TestDefineRoundTrip defines types by chance, writes them as metadata and reads
// them back.
func TestDefineRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "definitions")
		typ := types(n)
		var src strings.Builder
		for i := range n {
			fields := rapid.SliceOfN(typ, 0, 5).Draw(t, "fields")
			named := make([]string, len(fields))
			for j, f := range fields {
				named[j] = fmt.Sprintf("/// Field %d.\nf%d: %s", j, j, f)
			}
			switch rapid.IntRange(0, 2).Draw(t, "form") {
			case 0:
				fmt.Fprintf(&src, "struct p::T%d { %s }\n", i, strings.Join(named, ", "))
			case 1:
				fmt.Fprintf(&src, "struct T%d(%s);\n", i, strings.Join(fields, ","))
			case 2:
				fmt.Fprintf(&src, "enum T%d { A, B(%s), C { %s } = %d }\n", i, strings.Join(fields, ","), strings.Join(named, ","), rapid.IntRange(2, 255).Draw(t, "index"))
			}
		}
		m := &metadata.Metadata{Types: new(metadata.Registry), Extrinsic: metadata.Extrinsic{Versions: []uint8{4}}}
		if err := m.Types.Define(src.String()); err != nil {
			t.Fatalf("%v\n%s", err, src.String())
		}
		version := rapid.Uint8Range(14, 16).Draw(t, "version")
		data, err := m.Append(nil, version)
		if err != nil {
			t.Fatal(err)
		}
		got, err := metadata.Parse(data)
		if err != nil {
			t.Fatalf("%v\n%s", err, src.String())
		}
		if diff := cmp.Diff(m.Types, got.Types); diff != "" {
			t.Fatalf("-want +got:\n%s\n%s", diff, src.String())
		}
		if err := got.Types.Define(src.String()); err == nil {
			t.Fatal("the same names were defined again")
		}
	})
}

// types draws type expressions over the definitions T0 to T(n-1).
func types(n int) *rapid.Generator[string] {
	leaf := rapid.Custom(func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "defined") {
			return fmt.Sprintf("T%d", rapid.IntRange(0, n-1).Draw(t, "which"))
		}
		return rapid.SampledFrom([]string{"bool", "str", "u8", "u128", "i256", "()", "AccountId", "Compact<u16>"}).Draw(t, "leaf")
	})
	return rapid.Custom(func(t *rapid.T) string {
		e := leaf.Draw(t, "type")
		for range rapid.IntRange(0, 3).Draw(t, "depth") {
			e = fmt.Sprintf(rapid.SampledFrom([]string{
				"Vec<%s>", "Option<%s>", "[%s; 3]", "(%s, u8)", "(%s,)", "Box<%s>", "BTreeMap<u16, %s>", "BTreeSet<%s>", "Result<%s, ()>",
			}).Draw(t, "around"), e)
		}
		return e
	})
}
