package codec

import (
	"reflect"
	"unsafe"

	"github.com/bittensor-go/bt/substrate/scale"
)

// This file is the only one that works on memory by address.
//
// Decoding stores into fields of Go values by offset, as reflect would but
// without its checks at every step. What makes that right:
//
//   - offsets and types come from reflect when a program is compiled, and every
//     store has the width of the field it was compiled for;
//   - memory is taken by reflect with the field's own type, so the collector
//     knows it; slices, strings, pointers and interfaces are stored as such, so
//     that the collector sees the stores;
//   - a place is only used within the value that it was made from.

// place is where a value of a known type lies.
type place struct{ p unsafe.Pointer }

// placeOf returns what a pointer points to.
func placeOf(pointer reflect.Value) place { return place{pointer.UnsafePointer()} }

func (p place) at(offset uintptr) place { return place{unsafe.Add(p.p, offset)} }

func (p place) putBool(v bool)      { *(*bool)(p.p) = v }
func (p place) put8(v uint8)        { *(*uint8)(p.p) = v }
func (p place) put16(v uint16)      { *(*uint16)(p.p) = v }
func (p place) put32(v uint32)      { *(*uint32)(p.p) = v }
func (p place) put64(v uint64)      { *(*uint64)(p.p) = v }
func (p place) put32Bytes(b []byte) { *(*[32]byte)(p.p) = [32]byte(b) }

func (p place) put128(v scale.U128) { *(*scale.U128)(p.p) = v }

// putInt stores an integer of width bytes; none for width 0.
func (p place) putInt(width uint8, v uint64) {
	switch width {
	case 1:
		p.put8(uint8(v))
	case 2:
		p.put16(uint16(v))
	case 4:
		p.put32(uint32(v))
	case 8:
		p.put64(v)
	}
}

// putArray stores into a Go array of len(b) bytes.
func (p place) putArray(b []byte) { copy(unsafe.Slice((*byte)(p.p), len(b)), b) }

// putText stores bytes that are not empty, as a string or as a []byte. Nobody else
// may hold them.
func (p place) putText(text bool, b []byte) {
	if text {
		p.putString(unsafe.String(unsafe.SliceData(b), len(b)))
	} else {
		p.putBytes(b)
	}
}

func (p place) putString(s string)    { *(*string)(p.p) = s }
func (p place) putBytes(b []byte)     { *(*[]byte)(p.p) = b }
func (p place) putBools(b []bool)     { *(*[]bool)(p.p) = b }
func (p place) putAny(v any)          { *(*any)(p.p) = v }
func (p place) putRecord(r *Record)   { *(**Record)(p.p) = r }
func (p place) putPointer(to place)   { *(*unsafe.Pointer)(p.p) = to.p }
func (p place) putVariant(v *Variant) { *(**Variant)(p.p) = v }

func (p place) putRecordValue(r Record)   { *(*Record)(p.p) = r }
func (p place) putVariantValue(v Variant) { *(*Variant)(p.p) = v }

// integers is a list of n integers that lie side by side.
func integers[T uint8 | uint16 | uint32 | uint64](p place, n int) []T {
	return unsafe.Slice((*T)(p.p), n)
}

// bytesPlace is where the bytes of b lie; b is not empty.
func bytesPlace(b []byte) place { return place{unsafe.Pointer(unsafe.SliceData(b))} }

// putSlice stores a slice of n items that lie at items.
func (p place) putSlice(items place, n int) {
	*(*struct {
		items    unsafe.Pointer
		len, cap int
	})(p.p) = struct {
		items    unsafe.Pointer
		len, cap int
	}{items.p, n, n}
}

// arena hands out memory for the many small slices of a long list, so that a
// list of n takes far fewer than n allocations. What it hands out keeps the chunk
// it came from alive.
type arena struct {
	free place
	left int // items
	last int // items of the newest chunk
}

// chunkBytes is what a chunk is not made larger than for items to come.
const chunkBytes = 1 << 20

// Lists outside of lists, such as columns, share chunks where they hold no
// pointers: one list of more than ownBytes does not, and a chunk is for what the
// rest of the input may become but not for more than sharedBytes.
const (
	ownBytes    = 32 << 10
	sharedBytes = 256 << 10
)

// take returns room for n zero items of a list.
func (d *decoder) take(l *list, n int) place {
	if d.around == 0 || l.size == 0 {
		if bytes := n * int(l.size); l.flat && bytes <= ownBytes {
			d.spare = d.spare[len(d.spare)%8:] // chunks end at a multiple of 8
			return bytesPlace(d.cut(bytes))
		}
		return place{reflect.MakeSlice(l.slice, n, n).UnsafePointer()}
	}
	if n := l.slot + 1 - len(d.arenas); n > 0 {
		d.arenas = append(d.arenas, make([]arena, n)...)
	}
	a := &d.arenas[l.slot]
	if n > a.left {
		more := d.r.Remaining() / max(l.elem.min, 1) // items, at most
		// A share of them, so that a longer list takes no more chunks.
		share := max(d.around, more/16)
		if l.single {
			share = (d.around + 3) / 4 // hardly more than one an item, and often none
		}
		a.last = min(max(2*a.last, share), chunkBytes/int(l.size))
		a.last = max(n, min(a.last, n+more))
		a.left = a.last
		a.free = place{reflect.MakeSlice(l.slice, a.last, a.last).UnsafePointer()}
	}
	p := a.free
	a.left -= n
	if a.left > 0 { // else the address would lie behind the chunk
		a.free = p.at(uintptr(n) * l.size)
	}
	return p
}

// cut returns n zero bytes, n > 0, from a chunk that holds no pointers.
func (d *decoder) cut(n int) []byte {
	if n > len(d.spare) {
		more := min(d.r.Remaining(), sharedBytes)
		if d.around > 0 {
			d.chunk = min(max(2*d.chunk, d.around), chunkBytes)
			more = min(d.chunk, n+d.r.Remaining())
		}
		d.spare = make([]byte, (max(n, more)+7)&^7)
	}
	out := d.spare[:n:n]
	d.spare = d.spare[n:]
	return out
}

// copyBytes returns a copy of b, nil where it is empty.
func (d *decoder) copyBytes(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if d.around == 0 && len(b) > len(d.spare) {
		return append([]byte(nil), b...)
	}
	out := d.cut(len(b))
	copy(out, b)
	return out
}

// text returns b as a string.
func (d *decoder) text(b []byte) string {
	if d.around == 0 || len(b) == 0 {
		return string(b)
	}
	c := d.copyBytes(b)
	return unsafe.String(unsafe.SliceData(c), len(c))
}
