package codec_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

const definitions = `
	struct Point { x: u8, y: u16 }
	struct Wide { skipped: Vec<u8>, x: u8, gone: Compact<u32>, hole: Option<Point>, y: u16, rest: (u8, Shape) }
	struct Only { x: u8 }
	struct Wrapped { inner: Point }
	struct Twice { outer: Wrapped }
	struct Pair(u8, u16)
	struct Bits { bits: i128 }
	struct Nothing {}
	enum Shape { Empty, Circle(u16) = 7, Line { from: Point, to: Point }, Mix(u8, bool) = 200 }
	enum Side { Left, Right = 9 }
	struct Tree { value: u8, children: Vec<Tree> }
	enum Maze { Exit, Door { to: Maze }, Fork { left: Maze, right: Maze } }
	enum Chain { End, Link(Chain) }
	struct Lsb0 {}
`

func registry(t testing.TB) *metadata.Registry {
	t.Helper()
	types := new(metadata.Registry)
	if err := types.Define(definitions); err != nil {
		t.Fatal(err)
	}
	return types
}

func resolve(t testing.TB, types *metadata.Registry, expr string) metadata.TypeID {
	t.Helper()
	id, err := types.Resolve(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return id
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type (
	point  struct{ X, Y uint16 }
	little struct {
		X uint8
		Y uint16
		Z uint32 `scale:"z,optional"`
		W string `scale:"-"`
		v int    //nolint:unused // not exported: takes no part
	}
	bits128 struct{ Bits scale.U128 }
	shape   struct {
		Empty  bool
		Circle *uint16
		Line   *struct{ From, To point }
		Mix    *struct {
			A uint8
			B bool
		}
	}
	tree struct {
		Value    uint8
		Children []tree
	}
	chain struct {
		End  bool
		Link *chain
	}
	maze struct {
		Exit bool
		Door *maze
		Fork *struct{ Left, Right maze2 }
	}
	maze2 struct {
		Exit bool
		Door *maze
	}
	text  string
	octet uint8
)

func ptr[T any](v T) *T { return &v }

// Values by hand: the bytes as the SCALE specification has them.
func TestBind(t *testing.T) {
	for _, c := range []struct {
		chain, hex string
		want       any  // decoded from hex
		oneWay     bool // Go lacks what encoding needs
	}{
		{chain: "bool", hex: "01", want: true},
		{chain: "u8", hex: "2a", want: octet(42)},
		{chain: "u32", hex: "01020304", want: uint64(0x04030201)},
		{chain: "u64", hex: "0700000000000000", want: uint16(7)},
		{chain: "u64", hex: "0700000000000000", want: int32(7)},
		{chain: "i16", hex: "feff", want: int16(-2)},
		{chain: "i16", hex: "feff", want: int64(-2)},
		{chain: "i64", hex: "80ffffffffffffff", want: int8(-128)},
		{chain: "u128", hex: "01000000000000000200000000000000", want: scale.U128{Lo: 1, Hi: 2}},
		{chain: "u128", hex: "01000000000000000000000000000000", want: uint64(1)},
		{chain: "i128", hex: "feffffffffffffffffffffffffffffff", want: int64(-2)},
		{chain: "Bits", hex: "feffffffffffffffffffffffffffffff", want: bits128{scale.U128{Lo: ^uint64(1), Hi: ^uint64(0)}}},
		{chain: "i128", hex: "01000000000000000000000000000000", want: bits128{scale.U128{Lo: 1}}},
		{chain: "Compact<u8>", hex: "a8", want: uint8(42)},
		{chain: "Compact<u64>", hex: "13ffffffffffffffff", want: ^uint64(0)},
		{chain: "Compact<u32>", hex: "02093d00", want: int32(1000000)},
		{chain: "Compact<u128>", hex: "33ffffffffffffffffffffffffffffffff", want: scale.U128{Lo: ^uint64(0), Hi: ^uint64(0)}},
		{chain: "Compact<u64>", hex: "04", want: scale.U128{Lo: 1}},
		{chain: "str", hex: "0c616263", want: text("abc")},
		{chain: "Vec<u8>", hex: "08ff00", want: []byte{255, 0}},
		{chain: "Vec<u8>", hex: "00", want: []byte(nil)},
		{chain: "Vec<Compact<u8>>", hex: "08 04 fd03", want: "\x01\xff"},
		{chain: "Vec<Compact<u8>>", hex: "08 04 fd03", want: []byte{1, 255}},
		{chain: "[u8; 3]", hex: "010203", want: [3]octet{1, 2, 3}},
		{chain: "[u8; 3]", hex: "010203", want: []byte{1, 2, 3}},
		{chain: "[u16; 2]", hex: "01000200", want: [2]uint32{1, 2}},
		{chain: "[u16; 2]", hex: "01000200", want: []uint16{1, 2}},
		{chain: "(u8, u16)", hex: "010200", want: [2]uint16{1, 2}},
		{chain: "(u8, u16)", hex: "010200", want: point{1, 2}},
		{chain: "Pair", hex: "010200", want: point{1, 2}},
		{chain: "Point", hex: "010200", want: point{1, 2}},
		{chain: "Point", hex: "010200", want: little{X: 1, Y: 2}},
		{chain: "Wide", hex: "0c010203 01 04 01 050400 0200 09 02 010200 010200", want: little{X: 1, Y: 2}, oneWay: true},
		{chain: "Only", hex: "05", want: uint8(5)},
		{chain: "Only", hex: "05", want: struct{ X uint8 }{5}},
		{chain: "u8", hex: "05", want: struct{ X uint8 }{5}},
		{chain: "Only", hex: "05", want: struct{ Other uint16 }{5}},
		{chain: "Twice", hex: "010200", want: point{1, 2}},
		{chain: "Twice", hex: "010200", want: struct{ Outer point }{point{1, 2}}},
		{chain: "Twice", hex: "010200", want: struct{ Outer struct{ Inner *point } }{struct{ Inner *point }{&point{1, 2}}}},
		{chain: "Point", hex: "010200", want: struct{ In struct{ Side point } }{struct{ Side point }{point{1, 2}}}},
		{chain: "Option<u16>", hex: "00", want: (*uint16)(nil)},
		{chain: "Option<u16>", hex: "010300", want: ptr(uint16(3))},
		{chain: "Option<Point>", hex: "01010200", want: &point{1, 2}},
		{chain: "Option<Option<u8>>", hex: "0100", want: ptr((*uint8)(nil))},
		{chain: "u16", hex: "0300", want: ptr(uint16(3))},
		{chain: "Vec<Option<Point>>", hex: "0c 00 01010200 00", want: []*point{nil, {1, 2}, nil}},
		{chain: "Vec<Vec<Compact<u16>>>", hex: "0c 04 04 00 08 0101 feff0300", want: [][]uint32{{1}, nil, {64, 65535}}},
		{chain: "Vec<bool>", hex: "08 00 01", want: []bool{false, true}},
		{chain: "Vec<(u8, Vec<u8>)>", hex: "08 01 0461 02 00", want: []struct {
			N uint8
			S string
		}{{1, "a"}, {2, ""}}},
		{chain: "BTreeMap<u8, u16>", hex: "04 01 0200", want: []point{{1, 2}}},
		{chain: "AccountId", hex: strings.Repeat("07", 32), want: ss58.AccountID(bytes.Repeat([]byte{7}, 32))},
		{chain: "Shape", hex: "00", want: shape{Empty: true}},
		{chain: "Shape", hex: "07 0300", want: shape{Circle: ptr(uint16(3))}},
		{chain: "Shape", hex: "02 010200 030400", want: shape{Line: &struct{ From, To point }{point{1, 2}, point{3, 4}}}},
		{chain: "Vec<Side>", hex: "0c 00 09 00", want: []text{"Left", "Right", "Left"}},
		{chain: "Nothing", hex: "", want: struct{}{}},
		{chain: "(u8, (), Nothing)", hex: "01", want: struct {
			A    uint8
			B, C struct{}
		}{A: 1}},
		{chain: "Vec<()>", hex: "00", want: []struct{}(nil)},
		{chain: "Tree", hex: "01 08 02 00 03 04 04 00", want: tree{1, []tree{{2, nil}, {3, []tree{{4, nil}}}}}},
		{chain: "Chain", hex: "010100", want: chain{Link: &chain{Link: &chain{End: true}}}},
		{chain: "Maze", hex: "0102 00 0100", want: maze{Door: &maze{Fork: &struct{ Left, Right maze2 }{maze2{Exit: true}, maze2{Door: &maze{Exit: true}}}}}},
		{chain: "u256", hex: "02" + strings.Repeat("00", 31), want: [32]byte{2}},
		{chain: "Vec<Point>", hex: "04010200", want: []any{&codec.Record{Fields: []codec.NamedValue{{Name: "x", Value: uint64(1)}, {Name: "y", Value: uint64(2)}}}}},
		{chain: "Vec<Point>", hex: "04010200", want: []*codec.Record{{Fields: []codec.NamedValue{{Name: "x", Value: uint64(1)}, {Name: "y", Value: uint64(2)}}}}},
		{chain: "Point", hex: "010200", want: codec.Record{Fields: []codec.NamedValue{{Name: "x", Value: uint64(1)}, {Name: "y", Value: uint64(2)}}}},
		{chain: "Shape", hex: "070300", want: &codec.Variant{Name: "Circle", Index: 7, Record: codec.Record{Fields: []codec.NamedValue{{Value: uint64(3)}}}}},
		{chain: "Shape", hex: "00", want: codec.Variant{Name: "Empty"}},
		{chain: "(u8, Side)", hex: "0109", want: struct {
			A uint8
			S any
		}{1, &codec.Variant{Name: "Right", Index: 9}}},
	} {
		types := registry(t)
		id := resolve(t, types, c.chain)
		cc := codec.New(types)
		data := unhex(t, c.hex)
		got := reflect.New(reflect.TypeOf(c.want))
		if err := cc.Decode(id, data, got.Interface()); err != nil {
			t.Errorf("%s into %T: %v", c.chain, c.want, err)
			continue
		}
		if diff := cmp.Diff(c.want, got.Elem().Interface(), cmp.AllowUnexported(little{})); diff != "" {
			t.Errorf("%s into %T (-want +got):\n%s", c.chain, c.want, diff)
		}
		if c.oneWay {
			continue
		}
		if again, err := cc.Append([]byte{9}, id, c.want); err != nil || !bytes.Equal(again[1:], data) {
			t.Errorf("%s from %T %+v: %x, %v", c.chain, c.want, c.want, again, err)
		}
	}
}

// What does not go together is an error of the first use that names both sides.
func TestMismatch(t *testing.T) {
	for _, c := range []struct {
		chain string
		into  any
		want  string
	}{
		{"u8", "", "string does not correspond to the chain's u8"},
		{"str", uint8(0), "uint8 does not correspond to the chain's str"},
		{"i8", uint64(0), "uint64 does not correspond to the chain's i8"},
		{"[u8; 3]", [4]byte{}, "[4]uint8 does not correspond to the chain's [u8; 3]"},
		{"Vec<u16>", "", "string does not correspond to the chain's Vec<u16>"},
		{"Option<u8>", uint8(0), "uint8 does not correspond to the chain's Option<u8>"},
		{"Vec<Point>", []struct{ X, Z uint8 }{}, `[]: the chain's Point has no field "z" for struct { X uint8; Z uint8 }.Z`},
		{"Wide", struct{ Rest [2]uint8 }{}, "rest.1: the Go type uint8 does not correspond to the chain's Shape"},
		{"(u8, u8)", struct{ A, B, C uint8 }{}, "3 fields for the chain's 2"},
		{"(u8, u8)", [3]uint8{}, "does not correspond to the chain's (u8, u8)"},
		{"Shape", struct{ Oval *uint8 }{}, "does not correspond"},
		{"Shape", struct{ Oval, Empty bool }{}, `the chain's Shape has no alternative "oval"`},
		{"Shape", struct{ Empty *bool }{}, "must be a bool"},
		{"Shape", struct{ Circle bool }{}, "must be a pointer"},
		{"Point", struct {
			X uint8
			Y uint8 `scale:"x"`
		}{}, `two fields for "x"`},
		{"Point", make(chan int), "chan int"},
		{"Nothing", struct{ X, Y uint8 }{}, "2 fields for the chain's 0"},
	} {
		types := registry(t)
		cc := codec.New(types)
		id := resolve(t, types, c.chain)
		v := reflect.New(reflect.TypeOf(c.into)).Interface()
		for range 2 { // the error stays the same
			if err := cc.Decode(id, make([]byte, 64), v); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s into %T: got %v, want %s", c.chain, c.into, err, c.want)
			}
		}
	}
}

// Errors name the place and the byte, and leave zeros behind.
func TestBadInput(t *testing.T) {
	type target struct {
		A    uint8
		List []little
		S    *shape
	}
	types := registry(t)
	if err := types.Define("struct Target { a: Compact<u16>, list: Vec<Wide>, s: Option<Shape> }"); err != nil {
		t.Fatal(err)
	}
	cc := codec.New(types)
	id := resolve(t, types, "Target")
	const wide = "00 01 04 01 010200 0200 09 00"
	for _, c := range []struct{ hex, want string }{
		{"", "a: at byte 0: unexpected end"},
		{"0104", "a: at byte 2: compact integer exceeds 255"},
		{"0101 08" + wide + "00 01 04 00 02", "list[1].y: at byte 18: unexpected end"},
		{"0101 08" + wide + "00 01 04 02 00", "list[1].hole: at byte 18: 2 stands for neither"},
		{"0101 08" + wide + "00 01 04 00 0200 09 03", "list[1].rest.1: at byte 22: the enum has no alternative 3"},
		{"0101 08" + wide + "00 01 04 00 0200 09 02 01", "list[1].rest.1.Line.from: at byte 22: unexpected end"},
		{"0101 fc" + wide, "list: at byte 3: unexpected end of input: length 63"},
		{"0101 04 fc", "list: at byte 3: unexpected end of input: length 1"},
		{"0101 00 01 c8 01 00 00", "at byte 7: 1 trailing bytes"},
		{"0101 00 01 c8 01 07", "s.Mix.1: at byte 6: 7 is no boolean"},
		{"0101 00 03", "s: at byte 4: 3 stands for neither"},
	} {
		v := target{A: 1, S: new(shape)}
		err := cc.Decode(id, unhex(t, c.hex), &v)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.hex, err, c.want)
		}
		if diff := cmp.Diff(target{}, v, cmp.AllowUnexported(little{})); diff != "" {
			t.Errorf("%s: left behind: %s", c.hex, diff)
		}
		// The dynamic form fails too, a few bytes later where Go is stricter.
		r := scale.NewReader(unhex(t, c.hex))
		if _, err := cc.Value(id, r); err == nil && r.Finish() == nil && !strings.Contains(c.want, "exceeds 255") {
			t.Errorf("%s: Value takes it", c.hex)
		}
	}
	var v target
	if err := cc.Decode(id, unhex(t, "0101 00 00 00"), &v); !errors.Is(err, scale.ErrTrailing) {
		t.Errorf("trailing bytes: %v", err)
	}
	if err := cc.Decode(id, nil, &v); !errors.Is(err, scale.ErrUnexpectedEnd) {
		t.Errorf("no bytes: %v", err)
	}
	for _, bad := range []any{nil, v, (*target)(nil)} {
		if err := cc.Decode(id, nil, bad); err == nil || !strings.Contains(err.Error(), "a pointer is needed") {
			t.Errorf("into %T: %v", bad, err)
		}
	}
	if err := cc.Decode(1<<20, nil, &v); err == nil {
		t.Error("a type that does not exist was decoded")
	}

	narrow := []struct {
		chain, hex string
		into       any
	}{
		{"u64", "0001000000000000", uint8(0)},
		{"u64", "0000000000000080", int64(0)},
		{"i64", "7fffffffffffffff", int8(0)},
		{"u128", "00000000000000000100000000000000", uint64(0)},
		{"i128", "0000000000000080ffffffffffffffff", int32(0)},
		{"Compact<u32>", "02000400", uint8(0)},
		{"Compact<u8>", "0104", uint16(0)},
		{"Compact<u8>", "0104", scale.U128{}},
		{"Side", "02", text("")},
		{"Shape", "070000", text("")},
		{"Shape", "070000", struct{ Empty bool }{}},
	}
	for _, c := range narrow {
		v := reflect.New(reflect.TypeOf(c.into))
		if err := cc.Decode(resolve(t, types, c.chain), unhex(t, c.hex), v.Interface()); err == nil {
			t.Errorf("%s %s into %T: %v", c.chain, c.hex, c.into, v.Elem())
		}
	}
}

// Lists read within lists are carved from shared memory, but appending to one
// must not reach into the next, and old values must not shine through.
func TestShared(t *testing.T) {
	types := registry(t)
	cc := codec.New(types)
	id := resolve(t, types, "Vec<(Vec<u16>, Vec<u8>, Option<u8>)>")
	type row struct {
		N []uint16
		S []byte
		O *uint8
	}
	data := unhex(t, "0c 0401000461 0102 0402000462 00 0403000463 0103")
	var v []row
	if err := cc.Decode(id, data, &v); err != nil {
		t.Fatal(err)
	}
	clear(data)
	v[0].N = append(v[0].N, 9)
	v[0].S = append(v[0].S, 'x')
	want := []row{{[]uint16{1, 9}, []byte("ax"), ptr(uint8(2))}, {[]uint16{2}, []byte("b"), nil}, {[]uint16{3}, []byte("c"), ptr(uint8(3))}}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Error(diff)
	}
	again := v[2]
	rows := resolve(t, types, "(Vec<u16>, Vec<u8>, Option<u8>)")
	if err := cc.Decode(rows, unhex(t, "000000"), &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(row{}, again); diff != "" {
		t.Error(diff)
	}
}

// Decoding four times the neurons takes hardly more allocations.
func TestAllocations(t *testing.T) {
	f := load(t, "293-aura")
	c := codec.New(f.md.Types)
	id := f.output(t, getNeurons)
	allocs := func(netuid string) float64 {
		data := vectors.Hex(t, "293-aura/state_call/get_neurons.netuid"+netuid+".hex.gz")
		return testing.AllocsPerRun(10, func() {
			var v []neuron
			if err := c.Decode(id, data, &v); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := allocs("1"), allocs("12"); many > few+8 || many > 40 {
		t.Errorf("%v allocations for 64 neurons, %v for 256", few, many)
	}
}

func TestValue(t *testing.T) {
	two128 := new(big.Int).Lsh(big.NewInt(1), 128)
	named := func(name string, v any) codec.NamedValue { return codec.NamedValue{Name: name, Value: v} }
	for _, c := range []struct {
		chain, hex string
		want       any
		same       []any // encoded alike
	}{
		{"u16", "0102", uint64(0x201), []any{0x201, uint16(0x201), int64(0x201), big.NewInt(0x201), scale.U128{Lo: 0x201}}},
		{"i16", "ffff", int64(-1), []any{-1, int8(-1), big.NewInt(-1)}},
		{"u128", "00000000000000000100000000000000", scale.U128{Hi: 1}, []any{new(big.Int).Lsh(big.NewInt(1), 64)}},
		{"i128", "feffffffffffffffffffffffffffffff", big.NewInt(-2), []any{-2, scale.U128{Lo: ^uint64(1), Hi: ^uint64(0)}}[:1]},
		{"u256", strings.Repeat("00", 16) + "01" + strings.Repeat("00", 15), two128, nil},
		{"i256", strings.Repeat("ff", 32), big.NewInt(-1), []any{-1}},
		{"Compact<u32>", "04", uint64(1), []any{1}},
		{"Compact<u128>", "04", scale.U128{Lo: 1}, []any{1, uint8(1)}},
		{"char", "b1030000", "α", []any{'α'}},
		{"str", "08ceb1", "α", []any{[]byte("α"), text("α")}},
		{"Vec<u8>", "0461", []byte("a"), []any{"a"}},
		{"Vec<u8>", "00", []byte{}, []any{""}},
		{"[u8; 2]", "0102", []byte{1, 2}, []any{[2]byte{1, 2}, "\x01\x02"}},
		{"()", "", []any{}, []any{nil, struct{}{}}},
		{"Nothing", "", []any{}, nil},
		{"(u8,)", "05", uint64(5), nil},
		{"Option<u8>", "00", nil, []any{(*uint8)(nil), &codec.Variant{Name: "None"}}},
		{"Option<u8>", "0107", uint64(7), []any{ptr(uint8(7)), uint8(7), &codec.Variant{Name: "Some", Record: codec.Record{Fields: []codec.NamedValue{named("", 7)}}}}},
		{"Option<Option<u8>>", "0100", &codec.Variant{Name: "Some", Index: 1, Record: codec.Record{Fields: []codec.NamedValue{{}}}}, []any{ptr((*uint8)(nil))}},
		{"Option<Option<u8>>", "00", &codec.Variant{Name: "None"}, []any{nil}},
		{"Option<Side>", "0109", &codec.Variant{Name: "Right", Index: 9}, []any{"Right", ptr("Right"), codec.Variant{Name: "Right"}}},
		{"Side", "09", &codec.Variant{Name: "Right", Index: 9}, []any{&codec.Variant{Index: 9}, "Right"}},
		{"Only", "05", &codec.Record{Fields: []codec.NamedValue{named("x", uint64(5))}}, []any{uint8(5), map[string]any{"x": 5}}},
		{
			"Twice", "010200", &codec.Record{Fields: []codec.NamedValue{named("outer", &codec.Record{Fields: []codec.NamedValue{named("inner", &codec.Record{Fields: []codec.NamedValue{named("x", uint64(1)), named("y", uint64(2))}})}})}},
			[]any{map[string]any{"y": 2, "x": 1}, point{1, 2}, &point{1, 2}, &codec.Record{Fields: []codec.NamedValue{named("y", 2), named("x", 1)}}},
		},
		{"Shape", "c80101", &codec.Variant{Name: "Mix", Index: 200, Record: codec.Record{Fields: []codec.NamedValue{named("", uint64(1)), named("", true)}}}, nil},
		{"Shape", "02 010200 030400", &codec.Variant{Name: "Line", Index: 2, Record: codec.Record{Fields: []codec.NamedValue{
			named("from", &codec.Record{Fields: []codec.NamedValue{named("x", uint64(1)), named("y", uint64(2))}}),
			named("to", &codec.Record{Fields: []codec.NamedValue{named("x", uint64(3)), named("y", uint64(4))}}),
		}}}, []any{&codec.Variant{Name: "Line", Record: codec.Record{Fields: []codec.NamedValue{named("to", point{3, 4}), named("from", map[string]any{"x": 1, "y": 2})}}}}},
		{"[Side; 2]", "0900", []any{&codec.Variant{Name: "Right", Index: 9}, &codec.Variant{Name: "Left"}}, []any{[]string{"Right", "Left"}, [2]text{"Right", "Left"}, []any{"Right", "Left"}}},
	} {
		types := registry(t)
		cc := codec.New(types)
		id := resolve(t, types, c.chain)
		data := unhex(t, c.hex)
		r := scale.NewReader(data)
		got, err := cc.Value(id, r)
		if err != nil || r.Finish() != nil {
			t.Errorf("%s: %v, %v", c.chain, err, r.Finish())
			continue
		}
		if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.chain, diff)
		}
		for _, v := range append([]any{got}, c.same...) {
			if b, err := cc.Append(nil, id, v); err != nil || !bytes.Equal(b, data) {
				t.Errorf("%s from %T %v: %x, %v", c.chain, v, v, b, err)
			}
		}
	}
}

// What cannot be encoded is an error that names the place, and dst stays as it
// was.
func TestAppendErrors(t *testing.T) {
	type loop struct {
		Value    uint8
		Children []any
	}
	cyclic := &loop{Children: make([]any, 1)}
	cyclic.Children[0] = cyclic
	record := func(fields ...codec.NamedValue) *codec.Record { return &codec.Record{Fields: fields} }
	for _, c := range []struct {
		chain string
		v     any
		want  string
	}{
		{"u8", 256, "256 exceeds u8"},
		{"u8", -1, "-1 is no u8"},
		{"i8", 128, "128 is no i8"},
		{"i8", -129, "-129 is no i8"},
		{"Compact<u16>", 70000, "70000 exceeds u16"},
		{"u256", -1, "-1 is no u256"},
		{"u128", new(big.Int).Lsh(big.NewInt(1), 128), "is no u128"},
		{"u8", nil, "a value is missing for the chain's u8"},
		{"u8", "five", "string does not correspond"},
		{"u8", []any{1}, "does not correspond"},
		{"bool", 1, "does not correspond"},
		{"[u8; 2]", []byte{1}, "1 bytes for the chain's 2"},
		{"[u16; 2]", []uint16{1}, "1 items for the chain's 2"},
		{"[u16; 2]", []any{1}, "1 items for the chain's 2"},
		{"(u8, u16)", []any{1}, "1 items for the chain's 2"},
		{"char", "ab", "is not one character"},
		{"Vec<Point>", []any{point{1, 2}, point{256, 2}}, "[1].x: 256 exceeds u8"},
		{"Vec<Point>", []point{{1, 2}, {256, 2}}, "[1].x: 256 exceeds u8"},
		{"Point", record(codec.NamedValue{Name: "x", Value: 1}), "1 fields for the chain's 2 (x, y)"},
		{"Point", record(codec.NamedValue{Name: "x", Value: 1}, codec.NamedValue{Name: "z", Value: 1}), `field "y" is missing`},
		{"Point", map[string]any{"x": 1}, `field "y" is missing`},
		{"Point", map[string]any{"x": 1, "y": 1, "z": 1}, "3 fields"},
		{"Point", struct{ X uint8 }{1}, `no field for "y"`},
		{"Point", (*point)(nil), "nil *codec_test.point"},
		{"Point", (*codec.Record)(nil), "a value is missing"},
		{"Shape", &codec.Variant{Name: "Oval"}, `no alternative "Oval"`},
		{"Shape", &codec.Variant{Index: 3}, `no alternative "" (3)`},
		{"Shape", &codec.Variant{Name: "Circle"}, "Circle: 0 fields for the chain's 1"},
		{"Shape", "Circle", "without fields"},
		{"Shape", shape{}, "no alternative set"},
		{"Shape", shape{Empty: true, Circle: new(uint16)}, "two alternatives set"},
		{"Shape", shape{Mix: nil, Line: &struct{ From, To point }{point{256, 0}, point{}}}, "Line.from.x: 256 exceeds u8"},
		{"Tree", cyclic, "nested too deeply"},
	} {
		types := registry(t)
		cc := codec.New(types)
		id := resolve(t, types, c.chain)
		dst := []byte{1, 2}
		got, err := cc.Append(dst, id, c.v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s from %T: got %x, %v, want %s", c.chain, c.v, got, err, c.want)
		}
		if !bytes.Equal(got, []byte{1, 2}) {
			t.Errorf("%s from %T: dst became %x", c.chain, c.v, got)
		}
	}
}

func TestGet(t *testing.T) {
	v := codec.Variant{Name: "Transfer", Record: codec.Record{Fields: []codec.NamedValue{{Name: "to", Value: 1}, {Name: "amount", Value: 2}}}}
	if got, ok := v.Get("amount"); got != 2 || !ok {
		t.Errorf("got %v, %v", got, ok)
	}
	if got, ok := v.Get("from"); got != nil || ok {
		t.Errorf("got %v, %v", got, ok)
	}
}

func TestAppendFields(t *testing.T) {
	types := registry(t)
	cc := codec.New(types)
	fields := []metadata.Field{
		{Name: "dest", Type: resolve(t, types, "Shape")},
		{Name: "value", Type: resolve(t, types, "Compact<u64>")},
		{Type: resolve(t, types, "bool")},
	}
	got, err := cc.AppendFields([]byte{5}, fields, map[string]any{"value": 1, "dest": &codec.Variant{Name: "Empty"}, "2": true})
	if want := []byte{5, 0, 4, 1}; err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
	for want, args := range map[string]map[string]any{
		`argument "2" is missing`:                                                   {"dest": "Empty", "value": 1},
		`no argument "tip": the names are dest, value, 2`:                           {"dest": "Empty", "value": 1, "2": true, "tip": 0},
		`value: the Go type string does not correspond to the chain's Compact<u64>`: {"dest": "Empty", "value": "1", "2": true},
	} {
		got, err := cc.AppendFields([]byte{5}, fields, args)
		if err == nil || !strings.Contains(err.Error(), want) || !bytes.Equal(got, []byte{5}) {
			t.Errorf("got %x, %v, want %s", got, err, want)
		}
	}
}

// One codec serves many goroutines, its first uses included.
func TestConcurrent(t *testing.T) {
	f := load(t, "293-aura")
	id := f.output(t, getNeurons)
	data := vectors.Hex(t, "293-aura/state_call/get_neurons.netuid1.hex.gz")
	c := codec.New(f.md.Types)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var v []neuron
			if err := c.Decode(id, data, &v); err != nil {
				t.Error(err)
				return
			}
			dynamic, err := c.Value(id, scale.NewReader(data))
			if err != nil {
				t.Error(err)
				return
			}
			for _, v := range []any{v, dynamic} {
				if again, err := c.Append(nil, id, v); err != nil || !bytes.Equal(again, data) {
					t.Errorf("from %T: %v", v, err)
				}
			}
		})
	}
	wg.Wait()
}

// Bit sequences by hand, from bitvec's documentation of its orders.
func TestBits(t *testing.T) {
	bits := []bool{true, false, true, false, false, false, false, false, true}
	for _, c := range []struct {
		store metadata.PrimitiveKind
		order string
		hex   string
	}{
		{metadata.U8, "Lsb0", "24 05 01"},
		{metadata.U8, "Msb0", "24 a0 80"},
		{metadata.U16, "Lsb0", "24 0501"},
		{metadata.U16, "Msb0", "24 80a0"},
		{metadata.U32, "Lsb0", "24 05010000"},
		{metadata.U32, "Msb0", "24 000080a0"},
	} {
		cc := codec.New(&metadata.Registry{Types: []metadata.Type{
			{Kind: metadata.BitSequence, Elem: 1, Order: 2},
			{Kind: metadata.Primitive, Primitive: c.store},
			{Path: []string{"bitvec", "order", c.order}, Kind: metadata.Composite},
		}})
		data := unhex(t, c.hex)
		var got []bool
		if err := cc.Decode(0, data, &got); err != nil || !cmp.Equal(got, bits) {
			t.Errorf("%v %s: %v, %v", c.store, c.order, got, err)
		}
		value, err := cc.Value(0, scale.NewReader(data))
		if err != nil || !cmp.Equal(value, any(bits)) {
			t.Errorf("%v %s: %v, %v", c.store, c.order, value, err)
		}
		if again, err := cc.Append(nil, 0, value); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%v %s: %x, %v", c.store, c.order, again, err)
		}
		for n := range data {
			if err := cc.Decode(0, data[:n], &got); err == nil {
				t.Errorf("%v %s: decoded %x", c.store, c.order, data[:n])
			}
		}
	}
}
