package codec_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// Long lists are read in ways of their own. Each list here is read once more, value
// by value, by a scale.Reader: both must accept the same bytes and read the same.

// declare defines types and returns a codec for them and the one that an expression
// names.
func declare(t testing.TB, definitions, expr string) (*codec.Codec, metadata.TypeID) {
	t.Helper()
	types := new(metadata.Registry)
	if err := types.Define(definitions); err != nil {
		t.Fatal(err)
	}
	id, err := types.Resolve(expr)
	if err != nil {
		t.Fatal(err)
	}
	return codec.New(types), id
}

// items draws a list's encoding, sound or damaged, and says how many items it
// claims to have.
func items(t *rapid.T, item func(dst []byte) []byte) (data []byte, n int) {
	n = rapid.IntRange(0, 80).Draw(t, "n")
	data = scale.AppendCompact(nil, uint64(n))
	for range n {
		data = item(data)
	}
	if rapid.Bool().Draw(t, "damaged") && n > 0 {
		data = data[:rapid.IntRange(2, len(data)).Draw(t, "length")]
		data[rapid.IntRange(2, max(len(data)-1, 2)).Draw(t, "place")%len(data)] = rapid.Byte().Draw(t, "byte")
	}
	return data, n
}

// uints draws integers of all lengths that do not exceed limit.
func uints(limit uint64) *rapid.Generator[uint64] {
	below := func(n uint64) *rapid.Generator[uint64] { return rapid.Uint64Range(0, min(n, limit)) }
	return rapid.OneOf(below(63), below(1<<14-1), below(1<<30-1), below(1<<40), below(limit))
}

// column checks lists of one width of compact integer.
func column[T uint8 | uint16 | uint32 | uint64](t *testing.T, expr string) {
	c, id := declare(t, "", expr)
	t.Run(expr, rapid.MakeCheck(func(t *rapid.T) {
		values := uints(uint64(^T(0)))
		data, n := items(t, func(dst []byte) []byte { return scale.AppendCompact(dst, values.Draw(t, "value")) })
		r := scale.NewReader(data)
		want := make([]T, r.Len(1))
		sound := r.Err() == nil
		for i := range want {
			v := r.Compact128()
			want[i] = T(v.Lo)
			sound = sound && r.Err() == nil && v.Hi == 0 && v.Lo <= uint64(^T(0))
		}
		sound = sound && r.Finish() == nil
		var got []T
		if err := c.Decode(id, data, &got); (err == nil) != sound {
			t.Fatalf("%d items %x: sound %v, error %v", n, data, sound, err)
		}
		if sound && len(want) > 0 && !cmp.Equal(want, got) {
			t.Fatalf("%x: %v, want %v", data, got, want)
		}
	}))
}

func TestCompactColumns(t *testing.T) {
	column[uint16](t, "Vec<Compact<u16>>")
	column[uint32](t, "Vec<Compact<u32>>")
	column[uint64](t, "Vec<Compact<u64>>")
	column[uint8](t, "Vec<Compact<u16>>") // narrower in Go, and a list of bytes there
}

// Rows are items of values of fixed size and compact integers.
func TestRows(t *testing.T) {
	type row struct {
		Account [32]byte
		Amount  uint64
		On      bool
		Share   uint16
	}
	c, id := declare(t, "struct Row { account: [u8; 32], amount: Compact<u64>, on: bool, skipped: Compact<u32>, share: Compact<u16> }", "Vec<Row>")
	rapid.Check(t, func(t *rapid.T) {
		amounts, skipped, shares := uints(1<<64-1), uints(1<<32-1), uints(1<<16-1)
		data, n := items(t, func(dst []byte) []byte {
			dst = append(dst, bytes.Repeat([]byte{rapid.Byte().Draw(t, "account")}, 32)...)
			dst = scale.AppendCompact(dst, amounts.Draw(t, "amount"))
			dst = append(dst, rapid.ByteRange(0, 1).Draw(t, "on"))
			dst = scale.AppendCompact(dst, skipped.Draw(t, "skipped"))
			return scale.AppendCompact(dst, shares.Draw(t, "share"))
		})
		r := scale.NewReader(data)
		want := make([]row, r.Len(36))
		sound := r.Err() == nil
		for i := range want {
			copy(want[i].Account[:], r.Bytes(32))
			amount := r.Compact128()
			on := r.Bool()
			skipped, share := r.Compact128(), r.Compact128()
			want[i].Amount, want[i].On, want[i].Share = amount.Lo, on, uint16(share.Lo)
			sound = sound && amount.Hi|skipped.Hi|share.Hi == 0 && skipped.Lo < 1<<32 && share.Lo < 1<<16
		}
		sound = sound && r.Finish() == nil
		var got []row
		if err := c.Decode(id, data, &got); (err == nil) != sound {
			t.Fatalf("%d rows %x: sound %v, error %v", n, data, sound, err)
		}
		if diff := cmp.Diff(want, got); sound && len(want) > 0 && diff != "" {
			t.Fatalf("%x: %s", data, diff)
		}
	})
}

// Byte strings that follow each other are copied together.
func TestTexts(t *testing.T) {
	type texts struct {
		A, B string
		C    []byte
		D, E string
		F    []byte
		G    []byte
		H, I string
		J    string
	}
	c, id := declare(t, "struct Texts { a: str, b: str, c: Vec<u8>, d: str, e: str, f: Vec<u8>, g: Vec<u8>, h: str, i: str, j: str }", "Vec<Option<Texts>>")
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 70), rapid.Just(1<<14))
		data, n := items(t, func(dst []byte) []byte {
			if !rapid.Bool().Draw(t, "some") {
				return append(dst, 0)
			}
			dst = append(dst, 1)
			for range 10 {
				dst = scale.AppendByteString(dst, bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, lengths.Draw(t, "length")))
			}
			return dst
		})
		r := scale.NewReader(data)
		want := make([]*texts, r.Len(1))
		for i := range want {
			if !r.Bool() {
				continue
			}
			text, data := func() string { return string(r.ByteString()) }, func() []byte { return append([]byte(nil), r.ByteString()...) }
			want[i] = &texts{A: text(), B: text(), C: data(), D: text(), E: text(), F: data(), G: data(), H: text(), I: text(), J: text()}
		}
		sound := r.Finish() == nil
		var got []*texts
		if err := c.Decode(id, data, &got); (err == nil) != sound {
			t.Fatalf("%d items: sound %v, error %v", n, sound, err)
		}
		if !sound {
			return
		}
		for i := range data {
			data[i] ^= 0xff // what was decoded shares nothing with the input
		}
		for _, v := range got {
			if v != nil { // and what is appended to one does not reach the next
				_ = append(v.C, "xxxx"...)
				_ = append(v.F, "xxxx"...)
			}
		}
		if len(want) > 0 && !reflect.DeepEqual(want, got) { // cmp takes seconds over long texts
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}

// Whatever is cut off the end of byte strings is missed.
func TestTextsCut(t *testing.T) {
	type texts struct {
		A, B string
		C    []byte
	}
	c, id := declare(t, "struct Texts { a: str, b: str, c: Vec<u8> }", "Texts")
	data := scale.AppendByteString(scale.AppendByteString(scale.AppendByteString(nil, strings.Repeat("a", 70)), "b"), strings.Repeat("c", 80))
	for n := range data {
		var got texts
		if err := c.Decode(id, data[:n], &got); !errors.Is(err, scale.ErrUnexpectedEnd) {
			t.Fatalf("%d of %d bytes: %+v, %v", n, len(data), got, err)
		}
	}
}

// What is longer than it needs to be, and what exceeds its type, is refused in
// columns and in rows, however much input follows.
func TestCompactRefused(t *testing.T) {
	column, columnID := declare(t, "", "Vec<Compact<u64>>")
	rows, rowsID := declare(t, "struct Row { a: [u8; 32], v: Compact<u64> }", "Vec<Row>")
	narrow, narrowID := declare(t, "struct Row { a: [u8; 32], v: Compact<u32> }", "Vec<Row>")
	type row struct {
		A [32]byte
		V uint64
	}
	account := bytes.Repeat([]byte{9}, 32)
	follows := bytes.Repeat([]byte{0}, 40)
	for _, test := range []struct {
		hex         string
		sound, fits bool // as u64, as u32
		of          string
	}{
		{"fc", true, true, "63"},
		{"0100", false, false, "0 in two bytes"},
		{"fd00", false, false, "63 in two bytes"},
		{"0101", true, true, "64"},
		{"feff0000", false, false, "2^14-1 in four"},
		{"02000100", true, true, "2^14"},
		{"03ffffff3f", false, false, "2^30-1 in five"},
		{"0300000040", true, true, "2^30"},
		{"03ffffffff", true, true, "2^32-1"},
		{"07ffffffff00", false, false, "2^32-1 in six"},
		{"070000000001", true, false, "2^32"},
		{"0bffffffffff00", false, false, "2^40-1 in seven"},
		{"13ffffffffffffff00", false, false, "2^56-1 in nine"},
		{"13ffffffffffffffff", true, false, "2^64-1"},
		{"17000000000000000001", false, false, "2^64"},
	} {
		value := unhex(t, test.hex)
		var column64 []uint64
		var got []row
		one := append([]byte{4}, value...)
		if err := column.DecodeFrom(columnID, scale.NewReader(append(one, follows...)), &column64); (err == nil) != test.sound {
			t.Errorf("%s in a column: %v", test.of, err)
		}
		one = append(append([]byte{4}, account...), value...)
		if err := rows.DecodeFrom(rowsID, scale.NewReader(append(one, follows...)), &got); (err == nil) != test.sound {
			t.Errorf("%s in a row: %v", test.of, err)
		}
		if err := narrow.DecodeFrom(narrowID, scale.NewReader(append(one, follows...)), &got); (err == nil) != test.fits {
			t.Errorf("%s in a row of u32: %v", test.of, err)
		}
	}
}

// A byte that is no boolean is refused wherever it stands, and named.
func TestBooleans(t *testing.T) {
	list, id := declare(t, "", "Vec<bool>")
	run, runID := declare(t, "struct S { a: u16, on: bool }", "Vec<S>")
	type s struct {
		A  uint16
		On bool
	}
	for n := range 200 {
		data, rows := scale.AppendCompact(nil, uint64(n)), scale.AppendCompact(nil, uint64(n))
		head := len(data)
		for i := range n {
			data = append(data, byte(i/3%2))
			rows = append(rows, byte(i), 7, byte(i/3%2))
		}
		var got []bool
		var gotRows []s
		if err := list.Decode(id, data, &got); err != nil || len(got) != n {
			t.Fatal(n, err)
		}
		if err := run.Decode(runID, rows, &gotRows); err != nil || len(gotRows) != n {
			t.Fatal(n, err)
		}
		for i := range n {
			if on := i/3%2 == 1; got[i] != on || gotRows[i] != (s{uint16(i) | 7<<8, on}) {
				t.Fatalf("item %d of %d: %v, %v", i, n, got[i], gotRows[i])
			}
		}
		if n == 0 {
			continue
		}
		bad := n * 7 / 11
		data[head+bad], rows[head+3*bad+2] = 2, 0x80
		if err := list.Decode(id, data, &got); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("[%d]", bad)) {
			t.Fatalf("2 as item %d of %d: %v", bad, n, err)
		}
		if err := run.Decode(runID, rows, &gotRows); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("[%d].on", bad)) {
			t.Fatalf("0x80 in row %d of %d: %v", bad, n, err)
		}
	}
}

// Columns of all widths lie in one piece of memory, after a text of any length.
func TestColumnsAfterText(t *testing.T) {
	type columns struct {
		Name  string
		A     []uint64
		B     []uint8
		C     []uint32
		D     []bool
		E     []struct{ X scale.U128 }
		F     []uint16
		Label []byte
	}
	c, id := declare(t, "struct Columns { name: Vec<Compact<u8>>, a: Vec<Compact<u64>>, b: Vec<u8>, c: Vec<u32>, d: Vec<bool>, e: Vec<u128>, f: Vec<Compact<u16>>, label: str }", "Columns")
	for n := 1; n < 40; n++ {
		want := columns{Name: strings.Repeat("n", n), Label: bytes.Repeat([]byte("l"), n+1)}
		for i := range n {
			want.A = append(want.A, uint64(i)<<(i%58))
			want.B = append(want.B, byte(i+1))
			want.C = append(want.C, uint32(i)*0x01010101)
			want.D = append(want.D, i%3 == 0)
			want.E = append(want.E, struct{ X scale.U128 }{scale.U128{Lo: uint64(i), Hi: uint64(i) << 60}})
			want.F = append(want.F, uint16(i*1111))
		}
		data := scale.AppendCompact(nil, uint64(n))
		for range n {
			data = scale.AppendCompact(data, 'n')
		}
		data = scale.AppendCompact(data, uint64(n))
		for _, v := range want.A {
			data = scale.AppendCompact(data, v)
		}
		data = scale.AppendByteString(data, want.B)
		data = scale.AppendCompact(data, uint64(n))
		for _, v := range want.C {
			data = scale.AppendU32(data, v)
		}
		data = scale.AppendCompact(data, uint64(n))
		for _, v := range want.D {
			data = scale.AppendBool(data, v)
		}
		data = scale.AppendCompact(data, uint64(n))
		for _, v := range want.E {
			data = scale.AppendU128(data, v.X)
		}
		data = scale.AppendCompact(data, uint64(n))
		for _, v := range want.F {
			data = scale.AppendCompact(data, uint64(v))
		}
		data = scale.AppendByteString(data, want.Label)
		var got columns
		if err := c.Decode(id, data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%d items: %s", n, diff)
		}
		for _, column := range []any{got.A, got.E} {
			if at := reflect.ValueOf(column).Pointer(); at%8 != 0 {
				t.Fatalf("%T lies at %#x", column, at)
			}
		}
	}
}
