package codec

import (
	"encoding/binary"
	"fmt"

	"github.com/bittensor-go/bt/substrate/scale"
)

// compactField is a compact integer and where it goes: nowhere for width 0.
type compactField struct {
	width uint8
	max   uint64 // what both the chain's type and Go's can hold
	to    uintptr
	name  string
}

// compacts decodes the fields of n structs of compact integers that lie size
// bytes apart. Of a failure it returns the struct's number.
func (d *decoder) compacts(fields []compactField, base place, size uintptr, n int) (int, bool) {
	done := 0
	if len(fields) == 1 && size > 0 && uintptr(fields[0].width) == size {
		done = d.column(fields[0], base, n)
	}
	b, off := d.r.Rest(), 0
	b = b[:len(b):len(b)]
	// Two of 16 bits are taken at once: those of a struct, or a struct of one and
	// the next.
	ends := len(fields) - 1
	pairs := ends <= 1 && fields[0].width == 2 && fields[ends].width == 2
	structs := 2 - ends
	for i := done; i < n; i++ {
		at := base.at(uintptr(i) * size)
		if pairs && i+structs <= n && off+8 <= len(b) {
			first, second, used := compactPair(binary.LittleEndian.Uint64(b[off:]))
			if used > 0 && first <= fields[0].max && second <= fields[ends].max {
				at.at(fields[0].to).put16(uint16(first))
				i += structs - 1
				base.at(uintptr(i)*size + fields[ends].to).put16(uint16(second))
				off += used
				continue
			}
		}
		for k := range fields {
			f := &fields[k]
			var v uint64
			var used int // 0: not in the usual form, see below
			if len(b)-off >= 9 {
				w := binary.LittleEndian.Uint64(b[off:])
				if v, used = shortCompact(w); used == 0 {
					v, used = longCompact(w, b[off+8])
				}
			}
			if used == 0 || v > f.max {
				d.r.Skip(off)
				var ok bool
				if v, ok = d.compact(f.max); !ok {
					d.at(f.name)
					return i, false
				}
				b, off, used = d.r.Rest(), 0, 0
			}
			off += used
			at.at(f.to).putInt(f.width, v)
		}
	}
	d.r.Skip(off)
	return n, true
}

// column decodes integers that lie side by side in Go and returns how many it
// did. What it does not do, the last few and what is not valid, remains for others
// to read one by one.
func (d *decoder) column(f compactField, base place, n int) int {
	b := d.r.Rest()
	var done, used int
	switch f.width {
	case 1:
		done, used = column(b, integers[uint8](base, n), f.max)
	case 2:
		done, used = column(b, integers[uint16](base, n), f.max)
	case 4:
		done, used = column(b, integers[uint32](base, n), f.max)
	case 8:
		done, used = column(b, integers[uint64](base, n), f.max)
	}
	d.r.Skip(used)
	return done
}

// column fills out from b until an integer exceeds limit, is encoded longer than
// it needs to be, or comes within the last bytes of b. It says how many integers
// it read and how many bytes they took.
func column[T uint8 | uint16 | uint32 | uint64](b []byte, out []T, limit uint64) (done, used int) {
	i, off := 0, 0
	b = b[:len(b):len(b)]
	for i < len(out) && len(b)-off >= 9 {
		w := binary.LittleEndian.Uint64(b[off:])
		v, n := shortCompact(w)
		if n == 0 {
			if v, n = longCompact(w, b[off+8]); n == 0 || v > limit {
				break
			}
			out[i] = T(v)
			i, off = i+1, off+n
			continue
		}
		if v > limit {
			break
		}
		out[i] = T(v)
		i, off = i+1, off+n
		// The next one is in w too, unless it is long.
		if v, n = shortCompact(w >> (8 * n)); n > 0 && v <= limit && i < len(out) {
			out[i] = T(v)
			i, off = i+1, off+n
		}
	}
	return i, off
}

// quickCompact reads the compact integer of up to 64 bits that b begins with. It
// takes 0 bytes where b ends soon and where it is not valid.
func quickCompact(b []byte) (v uint64, used int) {
	if len(b) < 9 {
		return 0, 0
	}
	w := binary.LittleEndian.Uint64(b)
	if v, used = shortCompact(w); used > 0 {
		return v, used
	}
	return longCompact(w, b[8])
}

// shortCompact splits the compact integer of 1, 2 or 4 bytes off that w begins
// with. All others take 0 bytes.
func shortCompact(w uint64) (v uint64, used int) {
	mode := w & 3
	if v = w & compactMask[mode] >> 2; v < compactLeast[mode] {
		return 0, 0
	}
	return v, 1 << mode
}

// compactPair splits eight bytes that begin with two compact integers of up to 4
// bytes each and says how many they take; 0 bytes where they are not both of that
// form.
func compactPair(w uint64) (first, second uint64, used int) {
	mode := w & 3
	first, used = w&compactMask[mode]>>2, 1<<mode
	short := first < compactLeast[mode]
	w >>= 8 << mode
	mode = w & 3
	second, used = w&compactMask[mode]>>2, used+1<<mode
	if short || second < compactLeast[mode] {
		return 0, 0, 0
	}
	return first, second, used
}

// The modes of a compact integer: the low two bits say whether it takes 1, 2 or 4
// bytes or, mode 3, more. Which one comes next is hard to predict, so the bits and
// the least value are looked up instead of asked for. Mode 3 never has its least
// value here.
var (
	compactMask  = [4]uint64{0xff, 0xffff, 0xffffffff, 0}
	compactLeast = [4]uint64{0, 1 << 6, 1 << 14, 1}
)

// longCompact splits the compact integer of mode 3 off that the eight bytes of w,
// and the one after them, begin with. Those of more than 64 bits, those that are
// encoded longer than they need to be and those of other modes take 0 bytes.
//
// The bytes come as a word because the compiler makes one load of eight bytes only
// where none of them is loaded once more.
func longCompact(w uint64, ninth byte) (v uint64, used int) {
	n := int(w>>2&0x3f) + 4
	if w&3 != 3 || n > 8 {
		return 0, 0
	}
	v = (w>>8 | uint64(ninth)<<56) << (64 - 8*n) >> (64 - 8*n)
	if v < 1<<30 || v>>(8*(n-1)) == 0 {
		return 0, 0
	}
	return v, n + 1
}

// compact reads a compact integer of at most limit.
func (d *decoder) compact(limit uint64) (uint64, bool) {
	v := d.r.Compact128()
	if d.r.Err() == nil && (v.Hi != 0 || v.Lo > limit) {
		return 0, d.fail(fmt.Errorf("compact integer exceeds %d", limit))
	}
	return v.Lo, d.r.Err() == nil
}

// compact128 reads a compact integer of a type that may be wider than 64 bits.
func (d *decoder) compact128(n *node) (scale.U128, bool) {
	if n.width < 16 {
		v, ok := d.compact(maxOf(n.width))
		return scale.U128{Lo: v}, ok
	}
	v := d.r.Compact128()
	return v, d.r.Err() == nil
}
