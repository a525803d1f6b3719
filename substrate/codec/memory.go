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

func (p place) putString(s string)    { *(*string)(p.p) = s }
func (p place) putBytes(b []byte)     { *(*[]byte)(p.p) = b }
func (p place) putBools(b []bool)     { *(*[]bool)(p.p) = b }
func (p place) putAny(v any)          { *(*any)(p.p) = v }
func (p place) putRecord(r *Record)   { *(**Record)(p.p) = r }
func (p place) putPointer(to place)   { *(*unsafe.Pointer)(p.p) = to.p }
func (p place) putVariant(v *Variant) { *(**Variant)(p.p) = v }

func (p place) putRecordValue(r Record)   { *(*Record)(p.p) = r }
func (p place) putVariantValue(v Variant) { *(*Variant)(p.p) = v }

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

// take returns room for n zero items of a list.
func (d *decoder) take(l *list, n int) place {
	if d.around == 0 || l.size == 0 {
		return place{reflect.MakeSlice(l.slice, n, n).UnsafePointer()}
	}
	for len(d.arenas) <= l.slot {
		d.arenas = append(d.arenas, arena{})
	}
	a := &d.arenas[l.slot]
	if n > a.left {
		more := d.r.Remaining() / max(l.elem.min, 1) // items, at most
		a.last = min(max(2*a.last, d.around), chunkBytes/int(l.size))
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

// copyBytes returns a copy of b, carved from a chunk within lists.
func (d *decoder) copyBytes(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if len(b) > len(d.spare) {
		if d.around == 0 {
			return append([]byte(nil), b...)
		}
		d.chunk = min(max(2*d.chunk, d.around), chunkBytes)
		d.spare = make([]byte, max(len(b), min(d.chunk, len(b)+d.r.Remaining())))
	}
	n := copy(d.spare, b)
	out := d.spare[:n:n]
	d.spare = d.spare[n:]
	return out
}

// text returns b as a string. Nobody else ever holds the copy.
func (d *decoder) text(b []byte) string {
	if d.around == 0 || len(b) == 0 {
		return string(b)
	}
	c := d.copyBytes(b)
	return unsafe.String(unsafe.SliceData(c), len(c))
}
