package codec_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// Lists of small compact integers are read two at a time. What is read, and what
// is refused, is what scale reads and refuses one by one: values that are too
// large, encodings that are longer than they need to be, input that ends.
func TestCompactLists(t *testing.T) {
	types := new(metadata.Registry)
	id := func(expr string) metadata.TypeID {
		id, err := types.Resolve(expr)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	singles, pairs := id("Vec<Compact<u16>>"), id("Vec<(Compact<u16>, Compact<u16>)>")
	c := codec.New(types)
	type pair struct{ A, B uint16 }

	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Uint64Range(0, 63), rapid.Uint64Range(64, 1<<14-1), rapid.Uint64Range(1<<14, 1<<17), rapid.Uint64()), 0, 12).Draw(t, "values")
		sound := rapid.Bool().Draw(t, "sound")
		var data []byte
		for i, v := range values {
			if sound {
				v &= 0xffff
				values[i] = v
			}
			data = scale.AppendCompact(data, v)
		}
		if !sound && len(data) > 0 {
			data = data[:rapid.IntRange(0, len(data)).Draw(t, "length")]
			if len(data) > 0 {
				data[rapid.IntRange(0, len(data)-1).Draw(t, "place")] = rapid.Byte().Draw(t, "byte")
			}
		}
		// The reference.
		var want []uint16
		r := scale.NewReader(data)
		valid := true
		for range values {
			v := r.Compact128()
			if r.Err() != nil || v.Hi != 0 || v.Lo > 0xffff {
				valid = false
				break
			}
			want = append(want, uint16(v.Lo))
		}
		valid = valid && r.Finish() == nil

		var got []uint16
		err := c.Decode(singles, append(scale.AppendCompact(nil, uint64(len(values))), data...), &got)
		if (err == nil) != valid {
			t.Fatalf("%x: valid %v, error %v", data, valid, err)
		}
		if diff := cmp.Diff(want, got); valid && diff != "" {
			t.Fatalf("%x: %s", data, diff)
		}
		if len(values)%2 != 0 {
			return
		}
		var two []pair
		err = c.Decode(pairs, append(scale.AppendCompact(nil, uint64(len(values)/2)), data...), &two)
		if (err == nil) != valid {
			t.Fatalf("%x in pairs: valid %v, error %v", data, valid, err)
		}
		got = nil
		for _, p := range two {
			got = append(got, p.A, p.B)
		}
		if diff := cmp.Diff(want, got); valid && diff != "" {
			t.Fatalf("%x in pairs: %s", data, diff)
		}
	})

	// All beginnings of two values, so that each way of being wrong is met in the
	// first, and with these ends in the second.
	for _, tail := range [][]byte{{0x2d, 1, 0, 0, 4}, {1, 0, 0, 0, 4}, {2, 1, 0, 0, 4}, {2, 0, 2, 0, 4}, {3, 0, 0, 0, 0x40}} {
		for first := range 1 << 16 {
			data := append([]byte{2 << 2, byte(first), byte(first >> 8)}, tail...)
			r := scale.NewReader(data[1:])
			a, b := r.Compact128(), r.Compact128()
			valid := r.Err() == nil && a.Hi == 0 && a.Lo <= 0xffff && b.Hi == 0 && b.Lo <= 0xffff
			data = append(data, make([]byte, 8)...) // what follows must not matter
			var got []uint16
			err := c.DecodeFrom(singles, scale.NewReader(data), &got)
			if (err == nil) != valid {
				t.Fatalf("%x: valid %v, error %v", data, valid, err)
			}
			if valid && (uint64(got[0]) != a.Lo || uint64(got[1]) != b.Lo) {
				t.Fatalf("%x: %v, want %d and %d", data, got, a.Lo, b.Lo)
			}
		}
	}
}
