package tensorfile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/internal/tensorfile"
)

// specimen is written by hand from the format's description: the header's length
// in eight bytes, the header, the data.
const specimen = "\x04\x01\x00\x00\x00\x00\x00\x00" +
	`{"__metadata__":{"format":"np"},` +
	`"grid":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},` +
	`"stake":{"dtype":"U64","shape":[1],"data_offsets":[0,8]},` +
	`"on":{"dtype":"BOOL","shape":[2],"data_offsets":[32,34]},` +
	`"one":{"dtype":"U8","shape":[],"data_offsets":[34,35]}}` +
	"\xff\xff\xff\xff\xff\xff\xff\xff" + // 2^64-1
	"\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40" + // 1, 2, 3
	"\x00\x00\x80\xbf\x00\x00\x00\x3f\x00\x00\x80\x7f" + // -1, 0.5, +Inf
	"\x01\x00" +
	"\x2a"

func TestSpecimen(t *testing.T) {
	f, err := tensorfile.Decode([]byte(specimen))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"format": "np"}, f.Metadata); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, x := range f.Tensors {
		names = append(names, fmt.Sprint(x.Name, x.DType, x.Shape))
	}
	if diff := cmp.Diff([]string{"stakeU64[1]", "gridF32[2 3]", "onBOOL[2]", "oneU8[]"}, names); diff != "" {
		t.Error(diff)
	}
	same(t, f, "stake", []uint64{math.MaxUint64})
	same(t, f, "grid", []float32{1, 2, 3, -1, 0.5, float32(math.Inf(1))})
	same(t, f, "on", []bool{true, false})
	same(t, f, "one", []uint8{42})
	if f.Tensor("none") != nil {
		t.Error("a tensor that is not there was found")
	}
	if _, err := tensorfile.Values[int64](f.Tensor("stake")); !errors.Is(err, tensorfile.ErrFormat) {
		t.Errorf("U64 read as I64: %v", err)
	}
}

func same[T tensorfile.Element](t *testing.T, f *tensorfile.File, name string, want []T) {
	t.Helper()
	x := f.Tensor(name)
	if x == nil {
		t.Fatalf("no tensor %s", name)
	}
	got, err := tensorfile.Values[T](x)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// What the writer makes of known values, byte for byte.
func TestEncode(t *testing.T) {
	f := &tensorfile.File{
		Metadata: map[string]string{"b": "2", "a": "1"},
		Tensors: []tensorfile.Tensor{
			tensorfile.Of("permit", []bool{true, false, true}),
			tensorfile.Of("rank", []uint16{1, 0x0203}),
			tensorfile.Of("block", []int64{-2}, []int{}...),
			tensorfile.Of("keys", []uint8{7, 8}, 1, 2),
		},
	}
	header := `{"__metadata__":{"a":"1","b":"2"},` +
		`"block":{"dtype":"I64","shape":[],"data_offsets":[0,8]},` +
		`"rank":{"dtype":"U16","shape":[2],"data_offsets":[8,12]},` +
		`"keys":{"dtype":"U8","shape":[1,2],"data_offsets":[12,14]},` +
		`"permit":{"dtype":"BOOL","shape":[3],"data_offsets":[14,17]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	want := pack(header, "\xfe\xff\xff\xff\xff\xff\xff\xff\x01\x00\x03\x02\x07\x08\x01\x00\x01")
	for range 3 {
		got, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Fatal(diff)
		}
		slices.Reverse(f.Tensors)
	}
}

func pack(header, data string) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

func TestDecodeRefuses(t *testing.T) {
	long := make([]byte, 8, 24)
	binary.LittleEndian.PutUint64(long, 16<<20+1)
	long = append(long, make([]byte, 16<<20+1)...)
	tensor := func(dtype, shape, offsets, data string) []byte {
		return pack(fmt.Sprintf(`{"x":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets), data)
	}
	for _, c := range []struct {
		name string
		data []byte
		says string
	}{
		{"nothing", nil, "too few"},
		{"seven bytes", make([]byte, 7), "too few"},
		{"a pickle", []byte("\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}"), "cut off"},
		{"header of all memory", []byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), "cut off"},
		{"long header", long, "limit"},
		{"no header", make([]byte, 8), "begin with {"},
		{"no object", pack("[]", ""), "begin with {"},
		{"half an object", pack(`{"x":`, ""), "EOF"},
		{"two objects", pack(`{}{}`, ""), "follows"},
		{"twice", pack(`{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""), "twice"},
		{"metadata of numbers", pack(`{"__metadata__":{"a":1}}`, ""), "wrong type"},
		{"null", pack(`{"__metadata__":null}`, ""), "should be"},
		{"no shape", pack(`{"x":{"dtype":"U8","data_offsets":[0,0]}}`, ""), "missing"},
		{"strange property", pack(`{"x":{"dtype":"U8","Shape":[0],"data_offsets":[0,0]}}`, ""), "no such property"},
		{"unknown type", tensor("U7", "[1]", "[0,1]", "x"), "unknown"},
		{"fraction", tensor("U8", "[1.5]", "[0,1]", "x"), "no count"},
		{"exponent", tensor("U8", "[1e0]", "[0,1]", "x"), "no count"},
		{"negative", tensor("U8", "[-1]", "[0,1]", "x"), "no count"},
		{"text for a number", tensor("U8", `["1"]`, "[0,1]", "x"), "wrong type"},
		{"product of 2^64", tensor("U64", "[4294967296,536870912]", "[0,0]", ""), "too large"},
		{"product wraps to one", tensor("U8", "[18446744073709551615,18446744073709551615]", "[0,1]", "x"), "too large"},
		{"many dimensions", tensor("U8", "["+strings.Repeat("1,", 16)+"1]", "[0,1]", "x"), "more than"},
		{"three offsets", tensor("U8", "[1]", "[0,1,2]", "x"), "more than"},
		{"one offset", tensor("U8", "[1]", "[0]", "x"), "not 2"},
		{"backwards", tensor("U8", "[1]", "[0,-1]", "x"), "no count"},
		{"end before begin", pack(`{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"x":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}}`, "xx"), "lies from"},
		{"shape and offsets differ", tensor("U16", "[1]", "[0,1]", "x"), "lies from"},
		{"ends behind the file", tensor("U8", "[9]", "[0,9]", "x"), "cut off"},
		{"hole at the start", tensor("U8", "[1]", "[1,2]", "xx"), "begins at"},
		{"overlap", pack(`{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"x":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "xxx"), "begins at"},
		{"data that belongs to none", tensor("U8", "[1]", "[0,1]", "xy"), "behind the last"},
	} {
		f, err := tensorfile.Decode(c.data)
		if !errors.Is(err, tensorfile.ErrFormat) || f != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error that says %q", c.name, err, c.says)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	one := tensorfile.Of("x", []uint8{1})
	for name, f := range map[string]tensorfile.File{
		"name twice":         {Tensors: []tensorfile.Tensor{one, one}},
		"name of metadata":   {Tensors: []tensorfile.Tensor{tensorfile.Of("__metadata__", []uint8{1})}},
		"name no UTF-8":      {Tensors: []tensorfile.Tensor{tensorfile.Of("\xff", []uint8{1})}},
		"metadata no UTF-8":  {Metadata: map[string]string{"a": "\xff"}},
		"shape of others":    {Tensors: []tensorfile.Tensor{tensorfile.Of("x", []uint8{1}, 2)}},
		"negative dimension": {Tensors: []tensorfile.Tensor{tensorfile.Of("x", []uint8{1}, -1, -1)}},
		"unknown type":       {Tensors: []tensorfile.Tensor{{Name: "x", DType: "U7", Shape: []int{0}}}},
		"many dimensions":    {Tensors: []tensorfile.Tensor{tensorfile.Of("x", []uint8{1}, slices.Repeat([]int{1}, 17)...)}},
	} {
		if data, err := f.Encode(); err == nil {
			t.Errorf("%s: written as %q", name, data)
		}
	}
}

func TestValuesRefuses(t *testing.T) {
	for _, x := range []tensorfile.Tensor{
		{Name: "x", DType: tensorfile.Bool, Shape: []int{1}, Data: []byte{2}},
		{Name: "x", DType: tensorfile.U16, Shape: []int{1}, Data: []byte{2}},
	} {
		_, asBool := tensorfile.Values[bool](&x)
		_, asU16 := tensorfile.Values[uint16](&x)
		if !errors.Is(asBool, tensorfile.ErrFormat) || !errors.Is(asU16, tensorfile.ErrFormat) {
			t.Errorf("%+v: %v, %v", x, asBool, asU16)
		}
	}
}

// Whatever is written is read back, aligned, and written the same again.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &tensorfile.File{Metadata: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "metadata")}
		names := rapid.SliceOfNDistinct(rapid.StringN(0, 8, -1), 0, 6, rapid.ID[string]).Draw(t, "names")
		for _, name := range names {
			n := rapid.IntRange(0, 9).Draw(t, "n")
			switch rapid.IntRange(0, 4).Draw(t, "type") {
			case 0:
				f.Tensors = append(f.Tensors, tensorfile.Of(name, rapid.SliceOfN(rapid.Uint64(), n, n).Draw(t, "v")))
			case 1:
				f.Tensors = append(f.Tensors, tensorfile.Of(name, rapid.SliceOfN(rapid.Uint16(), 2*n, 2*n).Draw(t, "v"), 2, n))
			case 2:
				f.Tensors = append(f.Tensors, tensorfile.Of(name, rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "v")))
			case 3:
				f.Tensors = append(f.Tensors, tensorfile.Of(name, rapid.SliceOfN(rapid.Float32(), n, n).Draw(t, "v"), n, 1))
			case 4:
				f.Tensors = append(f.Tensors, tensorfile.Of(name, []uint32{rapid.Uint32().Draw(t, "v")}))
			}
		}
		data, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := tensorfile.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		byName := cmpopts.SortSlices(func(a, b tensorfile.Tensor) bool { return a.Name < b.Name })
		if diff := cmp.Diff(f, got, byName, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		at := 8 + int(binary.LittleEndian.Uint64(data))
		for _, x := range got.Tensors {
			if size := map[tensorfile.DType]int{"BOOL": 1, "U16": 2, "U32": 4, "F32": 4, "U64": 8}[x.DType]; at%size != 0 {
				t.Errorf("%s of type %s lies at byte %d", x.Name, x.DType, at)
			}
			at += len(x.Data)
		}
		again, err := got.Encode()
		if err != nil || !bytes.Equal(data, again) {
			t.Errorf("written again it differs: %v", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(specimen))
	f.Add([]byte{})
	f.Add(pack(`{}`, ""))
	f.Add(pack(`{"x":{"dtype":"U64","shape":[4294967296,536870912],"data_offsets":[0,0]}}   `, ""))
	f.Add(pack(`{"x":{"dtype":"F32","shape":[0,2],"data_offsets":[0,0]},"y":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`, "\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := tensorfile.Decode(data)
		if err != nil {
			if !errors.Is(err, tensorfile.ErrFormat) {
				t.Errorf("the error does not say that the file is bad: %v", err)
			}
			return
		}
		n := 0
		for i := range file.Tensors {
			n += len(file.Tensors[i].Data)
		}
		if n > len(data) {
			t.Errorf("%d bytes of tensors in %d bytes", n, len(data))
		}
		again, err := file.Encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := tensorfile.Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		byName := cmpopts.SortSlices(func(a, b tensorfile.Tensor) bool { return a.Name < b.Name })
		if diff := cmp.Diff(file, back, byName, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	f := &tensorfile.File{Tensors: []tensorfile.Tensor{tensorfile.Of("weights", make([]float32, 256*256), 256, 256)}}
	for i := range 30 {
		f.Tensors = append(f.Tensors, tensorfile.Of(fmt.Sprint("column", i), make([]uint64, 256)))
	}
	data, err := f.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tensorfile.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
