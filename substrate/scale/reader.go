// Package scale reads and writes the primitives of the SCALE encoding: fixed
// width little-endian integers, compact integers, lengths and byte strings.
//
// It knows no types beyond these. What a value of a chain's type looks like is
// the business of the metadata and codec packages.
package scale

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrUnexpectedEnd reports that the input ended inside a value.
var ErrUnexpectedEnd = errors.New("unexpected end of input")

// ErrTrailing reports bytes left over after the last value.
var ErrTrailing = errors.New("trailing bytes")

// U128 is an unsigned 128-bit integer as two 64-bit halves.
type U128 struct{ Lo, Hi uint64 }

// Reader is a cursor over encoded bytes. The first error sticks: every read
// after it returns a zero value, so a sequence of reads needs one check of Err.
//
// A Reader borrows its input: byte slices that it returns alias it. The zero
// Reader reads from empty input.
type Reader struct {
	buf []byte // ends at off once there is an error, so that all reads find its end
	off int
	err error
}

// NewReader returns a cursor at the start of data.
func NewReader(data []byte) *Reader { return &Reader{buf: data} }

// Err returns the first error met, nil while there is none.
func (r *Reader) Err() error { return r.err }

// Offset returns how many bytes have been read.
func (r *Reader) Offset() int { return r.off }

// Remaining returns how many bytes are left to read; 0 after an error.
func (r *Reader) Remaining() int { return len(r.buf) - r.off }

// Fail stops the reader with err unless an earlier error already did. The
// position is added to the message.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: %w", r.off, err)
		r.buf = r.buf[:r.off]
	}
}

// Finish returns the first error met, or ErrTrailing where input is left over.
func (r *Reader) Finish() error {
	if r.err != nil {
		return r.err
	}
	if n := len(r.buf) - r.off; n > 0 {
		return fmt.Errorf("at byte %d: %d %w", r.off, n, ErrTrailing)
	}
	return nil
}

// take returns the next n bytes, or nil after an error.
func (r *Reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.buf)-r.off {
		r.Fail(fmt.Errorf("%w: %d bytes wanted, %d left", ErrUnexpectedEnd, n, len(r.buf)-r.off))
		return nil
	}
	b := r.buf[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

// Bytes returns the next n bytes. They alias the input.
func (r *Reader) Bytes(n int) []byte { return r.take(n) }

// Skip moves over the next n bytes.
func (r *Reader) Skip(n int) { r.take(n) }

// Rest returns what is left to read without reading it; nothing after an error.
// It aliases the input.
func (r *Reader) Rest() []byte { return r.buf[r.off:len(r.buf):len(r.buf)] }

// U8 reads one byte.
func (r *Reader) U8() uint8 {
	if off := r.off; off < len(r.buf) {
		r.off = off + 1
		return r.buf[off]
	}
	r.take(1)
	return 0
}

// U16 reads a little-endian 16-bit integer.
func (r *Reader) U16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// U32 reads a little-endian 32-bit integer.
func (r *Reader) U32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// U64 reads a little-endian 64-bit integer.
func (r *Reader) U64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// U128 reads a little-endian 128-bit integer.
func (r *Reader) U128() U128 {
	if b := r.take(16); b != nil {
		return U128{Lo: binary.LittleEndian.Uint64(b), Hi: binary.LittleEndian.Uint64(b[8:])}
	}
	return U128{}
}

// Bool reads one byte that must be 0 or 1.
func (r *Reader) Bool() bool {
	v := r.U8()
	if v > 1 {
		r.off--
		r.Fail(fmt.Errorf("%d is no boolean", v))
		return false
	}
	return v == 1
}

// Compact reads a compact integer of at most 64 bits.
func (r *Reader) Compact() uint64 {
	if v, used := r.short(); used > 0 {
		r.off += used
		return v
	}
	v := r.Compact128()
	if v.Hi != 0 {
		r.Fail(errors.New("compact integer exceeds 64 bits"))
		return 0
	}
	return v.Lo
}

// short looks at a compact integer of one byte or two, as most are, and says how
// many it takes: 0 for any other, and for what must not be read so. Which of the
// two comes is hard to predict, so it does not branch on it.
func (r *Reader) short() (v uint64, used int) {
	if len(r.buf)-r.off < 2 {
		return 0, 0
	}
	first, second := uint64(r.buf[r.off]), uint64(r.buf[r.off+1])
	mode := first & 3
	v = first>>2 | second<<6*mode
	if mode > 1 || v < mode<<6 {
		return 0, 0
	}
	return v, int(mode) + 1
}

// Compact128 reads a compact integer of at most 128 bits. An encoding longer
// than the value needs is refused, as the chain's own decoder does.
func (r *Reader) Compact128() U128 {
	first := r.U8()
	if r.err != nil {
		return U128{}
	}
	switch first & 3 {
	case 0:
		return U128{Lo: uint64(first >> 2)}
	case 1:
		v := uint64(first)>>2 | uint64(r.U8())<<6
		return r.minimal(U128{Lo: v}, v >= 1<<6)
	case 2:
		b := r.take(3)
		if b == nil {
			return U128{}
		}
		v := uint64(first)>>2 | uint64(b[0])<<6 | uint64(b[1])<<14 | uint64(b[2])<<22
		return r.minimal(U128{Lo: v}, v >= 1<<14)
	}
	n := int(first>>2) + 4
	if n > 16 {
		r.Fail(fmt.Errorf("compact integer of %d bytes exceeds 128 bits", n))
		return U128{}
	}
	var wide [16]byte
	b := r.take(n)
	if b == nil {
		return U128{}
	}
	copy(wide[:], b)
	v := U128{Lo: binary.LittleEndian.Uint64(wide[:]), Hi: binary.LittleEndian.Uint64(wide[8:])}
	return r.minimal(v, b[n-1] != 0 && (n > 4 || v.Lo >= 1<<30))
}

func (r *Reader) minimal(v U128, ok bool) U128 {
	if !ok {
		r.Fail(errors.New("compact integer is encoded longer than it needs to be"))
		return U128{}
	}
	return v
}

// Len reads the compact length of a sequence whose items take at least minItem
// bytes each and checks it against what is left, so that a lying length cannot
// make the caller reserve memory. Items of no bytes (minItem 0) are limited to
// the number of bytes left as well.
func (r *Reader) Len(minItem int) int {
	if n, used := r.short(); used > 0 && minItem <= math.MaxInt32 && n*uint64(max(minItem, 1)) <= uint64(len(r.buf)-r.off-used) {
		r.off += used
		return int(n)
	}
	n := r.Compact()
	if r.err != nil {
		return 0
	}
	left := uint64(len(r.buf) - r.off)
	if n > left || minItem > 1 && n > left/uint64(minItem) {
		r.Fail(fmt.Errorf("%w: length %d, %d bytes left", ErrUnexpectedEnd, n, left))
		return 0
	}
	return int(n)
}

// ByteString reads a compact length and that many bytes. They alias the input.
func (r *Reader) ByteString() []byte {
	n, used := r.short()
	if start := r.off + used; used > 0 && int(n) <= len(r.buf)-start {
		r.off = start + int(n)
		return r.buf[start:r.off:r.off]
	}
	return r.take(r.Len(1))
}
