package scale_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/substrate/scale"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// compacts are from the tables of the SCALE specification and the tests of
// parity-scale-codec, with the borders of each form.
var compacts = []struct {
	value uint64
	hex   string
}{
	{0, "00"},
	{1, "04"},
	{42, "a8"},
	{63, "fc"},
	{64, "01 01"},
	{69, "15 01"},
	{100, "91 01"},
	{16383, "fd ff"},
	{16384, "02 00 01 00"},
	{65535, "fe ff 03 00"},
	{1<<30 - 1, "fe ff ff ff"},
	{1 << 30, "03 00 00 00 40"},
	{1<<32 - 1, "03 ff ff ff ff"},
	{1 << 32, "07 00 00 00 00 01"},
	{1 << 40, "0b 00 00 00 00 00 01"},
	{1 << 48, "0f 00 00 00 00 00 00 01"},
	{100000000000000, "0b 00 40 7a 10 f3 5a"},
	{1<<56 - 1, "0f ff ff ff ff ff ff ff"},
	{1 << 56, "13 00 00 00 00 00 00 00 01"},
	{math.MaxUint64, "13 ff ff ff ff ff ff ff ff"},
}

func TestCompact(t *testing.T) {
	for _, c := range compacts {
		want := unhex(t, c.hex)
		if got := scale.AppendCompact(nil, c.value); !bytes.Equal(got, want) {
			t.Errorf("%d is %x, %x expected", c.value, got, want)
		}
		r := scale.NewReader(want)
		if got := r.Compact(); got != c.value || r.Finish() != nil {
			t.Errorf("%s is %d, %v; %d expected", c.hex, got, r.Finish(), c.value)
		}
		for n := range want {
			r := scale.NewReader(want[:n])
			if got := r.Compact(); got != 0 || !errors.Is(r.Err(), scale.ErrUnexpectedEnd) {
				t.Errorf("%d bytes of %s are %d, %v", n, c.hex, got, r.Err())
			}
		}
	}
}

func TestCompact128(t *testing.T) {
	for _, c := range []struct {
		value scale.U128
		hex   string
	}{
		{scale.U128{Hi: 1}, "17 00 00 00 00 00 00 00 00 01"},
		{scale.U128{Lo: math.MaxUint64, Hi: 0xff}, "17 ff ff ff ff ff ff ff ff ff"},
		{scale.U128{Hi: 1 << 56}, "33 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01"},
		{scale.U128{Lo: math.MaxUint64, Hi: math.MaxUint64}, "33 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff"},
	} {
		want := unhex(t, c.hex)
		if got := scale.AppendCompact128(nil, c.value); !bytes.Equal(got, want) {
			t.Errorf("%v is %x, %x expected", c.value, got, want)
		}
		r := scale.NewReader(want)
		if got := r.Compact128(); got != c.value || r.Finish() != nil {
			t.Errorf("%s is %v, %v; %v expected", c.hex, got, r.Finish(), c.value)
		}
		narrow := scale.NewReader(want)
		if got := narrow.Compact(); got != 0 || narrow.Err() == nil || !strings.Contains(narrow.Err().Error(), "exceeds 64 bits") {
			t.Errorf("%s in 64 bits is %v, %v", c.hex, got, narrow.Err())
		}
	}
}

// TestCompactRefused holds compact integers that parity-scale-codec refuses
// ("out of range") too.
func TestCompactRefused(t *testing.T) {
	for _, c := range []struct{ hex, want string }{
		{"01 00", "longer than it needs"},                         // 0 in two bytes
		{"fd 00", "longer than it needs"},                         // 63 in two bytes
		{"02 00 00 00", "longer than it needs"},                   // 0 in four bytes
		{"fe ff 00 00", "longer than it needs"},                   // 16383 in four bytes
		{"03 00 00 00 00", "longer than it needs"},                // 0 after a length
		{"03 ff ff ff 3f", "longer than it needs"},                // 2^30-1 after a length
		{"07 ff ff ff ff 00", "longer than it needs"},             // 2^32-1 in five bytes
		{"13 ff ff ff ff ff ff ff 00", "longer than it needs"},    // 2^56-1 in eight bytes
		{"17 ff ff ff ff ff ff ff ff 00", "longer than it needs"}, // 2^64-1 in nine bytes
		{"37" + strings.Repeat("01", 17), "17 bytes exceeds 128"}, // 2^128 and more
		{"ff" + strings.Repeat("ff", 67), "67 bytes exceeds 128"}, // the longest there is
	} {
		r := scale.NewReader(unhex(t, c.hex))
		got := r.Compact128()
		if got != (scale.U128{}) || r.Err() == nil || !strings.Contains(r.Err().Error(), c.want) {
			t.Errorf("%s is %v, error %v", c.hex, got, r.Err())
		}
		if r.Remaining() != 0 {
			t.Errorf("%s: %d bytes remain after the error", c.hex, r.Remaining())
		}
		// Lengths and short integers are read another way; what follows must not
		// matter.
		for name, read := range map[string]func(r *scale.Reader){
			"Compact":    func(r *scale.Reader) { r.Compact() },
			"Len":        func(r *scale.Reader) { r.Len(0) },
			"ByteString": func(r *scale.Reader) { r.ByteString() },
		} {
			r := scale.NewReader(append(unhex(t, c.hex), make([]byte, 100)...))
			if read(r); r.Err() == nil || !strings.Contains(r.Err().Error(), c.want) {
				t.Errorf("%s of %s: error %v", name, c.hex, r.Err())
			}
			if r.Remaining() != 0 || len(r.Rest()) != 0 {
				t.Errorf("%s of %s: %d bytes remain after the error", name, c.hex, r.Remaining())
			}
		}
	}
}

// TestFixed reads and writes integers from the SCALE specification.
func TestFixed(t *testing.T) {
	var b []byte
	b = scale.AppendBool(b, true)
	b = scale.AppendBool(b, false)
	b = scale.AppendU16(b, 42)
	b = scale.AppendU32(b, 16777215)
	b = scale.AppendU64(b, 0x0123456789abcdef)
	b = scale.AppendU128(b, scale.U128{Lo: 1, Hi: 2})
	b = scale.AppendByteString(b, "Hamlet")
	b = scale.AppendByteString(b, []byte(nil))
	want := unhex(t, "01 00 2a00 ffffff00 efcdab8967452301 0100000000000000 0200000000000000 18 48616d6c6574 00")
	if !bytes.Equal(b, want) {
		t.Fatalf("%x\n%x expected", b, want)
	}
	r := scale.NewReader(want)
	if x := r.Bool(); !x {
		t.Error("not true")
	}
	if x := r.U8(); x != 0 {
		t.Errorf("u8 %d", x)
	}
	if x := r.U16(); x != 42 {
		t.Errorf("u16 %d", x)
	}
	if x := r.U32(); x != 16777215 {
		t.Errorf("u32 %d", x)
	}
	if x := r.U64(); x != 0x0123456789abcdef {
		t.Errorf("u64 %x", x)
	}
	if x := r.U128(); x != (scale.U128{Lo: 1, Hi: 2}) {
		t.Errorf("u128 %v", x)
	}
	if x := r.ByteString(); string(x) != "Hamlet" || cap(x) != len(x) {
		t.Errorf("bytes %q with room for %d", x, cap(x))
	}
	if r.Offset() != len(want)-1 || r.Remaining() != 1 || !errors.Is(r.Finish(), scale.ErrTrailing) {
		t.Errorf("at %d, %d remain, %v", r.Offset(), r.Remaining(), r.Finish())
	}
	if x := r.ByteString(); len(x) != 0 || r.Finish() != nil {
		t.Errorf("bytes %q, %v", x, r.Finish())
	}
}

// TestShort gives every read less than it needs.
func TestShort(t *testing.T) {
	for _, c := range []struct {
		name string
		need int
		read func(*scale.Reader) any
	}{
		{"Bool", 1, func(r *scale.Reader) any { return r.Bool() }},
		{"U8", 1, func(r *scale.Reader) any { return r.U8() }},
		{"U16", 2, func(r *scale.Reader) any { return r.U16() }},
		{"U32", 4, func(r *scale.Reader) any { return r.U32() }},
		{"U64", 8, func(r *scale.Reader) any { return r.U64() }},
		{"U128", 16, func(r *scale.Reader) any { return r.U128() }},
		{"Bytes", 5, func(r *scale.Reader) any { return len(r.Bytes(5)) }},
		{"Skip", 5, func(r *scale.Reader) any { r.Skip(5); return 0 }},
	} {
		full := slices.Repeat([]byte{1}, c.need)
		r := scale.NewReader(full)
		if c.read(r); r.Finish() != nil {
			t.Errorf("%s: %v", c.name, r.Finish())
		}
		for n := range c.need {
			r := scale.NewReader(full[:n])
			got := c.read(r)
			if !errors.Is(r.Err(), scale.ErrUnexpectedEnd) || r.Offset() != 0 {
				t.Errorf("%s of %d bytes: %v, at %d, %v", c.name, n, got, r.Offset(), r.Err())
			}
			if got != 0 && got != false && got != uint8(0) && got != uint16(0) && got != uint32(0) && got != uint64(0) && got != (scale.U128{}) {
				t.Errorf("%s of %d bytes is %v", c.name, n, got)
			}
		}
	}
	if r := scale.NewReader(make([]byte, 9)); r.Bytes(-1) != nil || r.Err() == nil {
		t.Errorf("a negative number of bytes: %v", r.Err())
	}
	var zero scale.Reader
	if zero.Finish() != nil || zero.Remaining() != 0 {
		t.Error("the zero reader is not at an end")
	}
}

// TestSticky wants the first error to stay and later reads to be nothing.
func TestSticky(t *testing.T) {
	r := scale.NewReader([]byte{2, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	if r.Bool() || r.Err() == nil || !strings.Contains(r.Err().Error(), "at byte 0: 2 is no boolean") {
		t.Fatalf("a boolean of 2: %v", r.Err())
	}
	first := r.Err()
	r.Fail(errors.New("another"))
	if r.U8() != 0 || r.U16() != 0 || r.U32() != 0 || r.U64() != 0 || r.Compact() != 0 || r.Len(1) != 0 || r.Bool() ||
		r.Bytes(1) != nil || r.ByteString() != nil || r.Remaining() != 0 || !errors.Is(r.Err(), first) || !errors.Is(r.Finish(), first) {
		t.Errorf("reads go on after the error %v, now %v", first, r.Err())
	}
	wrapped := errors.New("mine")
	r = scale.NewReader(make([]byte, 3))
	r.Skip(2)
	r.Fail(wrapped)
	if !errors.Is(r.Err(), wrapped) || r.Err().Error() != "at byte 2: mine" {
		t.Errorf("error %v", r.Err())
	}
}

// TestLen gives lengths that lie.
func TestLen(t *testing.T) {
	for _, c := range []struct {
		hex     string
		minItem int
		want    int
		ok      bool
	}{
		{"00", 1, 0, true},
		{"0c 000000", 1, 3, true},
		{"0c 0000", 1, 0, false},
		{"08 00000000", 2, 2, true},
		{"0c 0000000000", 2, 0, false},
		{"08 0000", 0, 2, true},
		{"10 000000", math.MaxInt>>1 + 1, 0, false}, // four of them overflow 64 bits
		{"0180 0000", math.MaxInt>>12 + 1, 0, false},
		{"0c 0000", 0, 0, false},
		{"04", math.MaxInt, 0, false},
		{"13 ff ff ff ff ff ff ff ff 00", 1, 0, false},
		{"13 ff ff ff ff ff ff ff 7f 00", 8, 0, false},
		{"17 00 00 00 00 00 00 00 00 01", 1, 0, false},
	} {
		r := scale.NewReader(unhex(t, c.hex))
		if got := r.Len(c.minItem); got != c.want || (r.Err() == nil) != c.ok {
			t.Errorf("%s of at least %d bytes each: %d, %v", c.hex, c.minItem, got, r.Err())
		}
	}
}

// TestRoundTrip compares compact integers with arithmetic on big integers.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := scale.U128{Lo: rapid.Uint64().Draw(t, "lo"), Hi: rapid.SampledFrom([]uint64{0, 0, 0, 1, 1 << 40, math.MaxUint64}).Draw(t, "hi")}
		v.Lo >>= rapid.IntRange(0, 63).Draw(t, "shift")
		got := scale.AppendCompact128([]byte{7}, v)[1:]

		n := new(big.Int).SetUint64(v.Hi)
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(v.Lo))
		var want []byte
		switch bits := n.BitLen(); {
		case bits <= 6:
			want = little(n.Lsh(n, 2), 1)
		case bits <= 14:
			want = little(n.Lsh(n, 2).Or(n, big.NewInt(1)), 2)
		case bits <= 30:
			want = little(n.Lsh(n, 2).Or(n, big.NewInt(2)), 4)
		default:
			size := (bits + 7) / 8
			want = append([]byte{byte((size-4)<<2 | 3)}, little(n, size)...)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%v is %x, %x expected", v, got, want)
		}
		r := scale.NewReader(got)
		if back := r.Compact128(); back != v || r.Finish() != nil {
			t.Fatalf("%x is %v, %v", got, back, r.Finish())
		}

		text := rapid.String().Draw(t, "text")
		r = scale.NewReader(scale.AppendU128(scale.AppendByteString(nil, text), v))
		if string(r.ByteString()) != text || r.U128() != v || r.Finish() != nil {
			t.Fatalf("%q and %v do not come back: %v", text, v, r.Finish())
		}
	})
}

// little writes n in so many bytes, the least first.
func little(n *big.Int, size int) []byte {
	b := n.FillBytes(make([]byte, size))
	slices.Reverse(b)
	return b
}

// FuzzReader drives a reader by a program of reads. Whatever was read as a
// compact integer is written the same way.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, bytes.Repeat([]byte{1}, 64))
	f.Add([]byte{7, 7, 7}, []byte{0xfc, 0x01, 0x01, 0xfe, 0xff, 0xff, 0xff})
	f.Add([]byte{7}, []byte{0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{8, 9}, []byte{0x18, 'H', 'a', 'm', 'l', 'e', 't', 0xff})
	f.Add([]byte{9}, []byte{0x33, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, program, data []byte) {
		r := scale.NewReader(data)
		for _, op := range program {
			at, failed := r.Offset(), r.Err()
			switch op % 10 {
			case 0:
				r.Bool()
			case 1:
				r.U8()
			case 2:
				r.U16()
			case 3:
				r.U32()
			case 4:
				r.U64()
			case 5:
				r.U128()
			case 6:
				r.Bytes(int(op) - 100)
			case 7:
				if v := r.Compact128(); r.Err() == nil && !bytes.Equal(scale.AppendCompact128(nil, v), data[at:r.Offset()]) {
					t.Fatalf("%x was read as %v", data[at:r.Offset()], v)
				}
			case 8:
				if b := r.ByteString(); r.Err() == nil && !bytes.Equal(scale.AppendByteString(nil, b), data[at:r.Offset()]) {
					t.Fatalf("%x was read as %x", data[at:r.Offset()], b)
				}
			case 9:
				if n := r.Len(int(op)); n*int(op) > r.Remaining() {
					t.Fatalf("length %d of %d bytes each, %d remain", n, op, r.Remaining())
				}
			}
			if failed != nil && !errors.Is(r.Err(), failed) {
				t.Fatalf("error %v became %v", failed, r.Err())
			}
			if r.Offset() < at || r.Offset() > len(data) {
				t.Fatalf("from %d to %d of %d", at, r.Offset(), len(data))
			}
		}
	})
}

func BenchmarkCompact(b *testing.B) {
	var data []byte
	for i := range uint64(1000) {
		data = scale.AppendCompact(data, i*i*i)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		r := scale.NewReader(data)
		for r.Remaining() > 0 {
			r.Compact()
		}
		if r.Err() != nil {
			b.Fatal(r.Err())
		}
	}
}
