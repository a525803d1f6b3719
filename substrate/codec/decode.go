package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/bittensor-go/bt/substrate/scale"
)

// program decodes one chain type into one Go type. Structs within structs are
// part of the same program; what repeats or may be absent has its own.
type program struct {
	steps []step
}

// step is one instruction. Neighbours of one kind are merged when the program is
// compiled: what has a fixed size is checked against the input at once.
type step struct {
	op     op
	size   int    // opRun: bytes taken
	moves  []move // opRun
	fields []compactField
	skip   *node // opSkip
	call   func(d *decoder, p place) bool
	offset uintptr // opCall
	name   string  // opCall, opSkip: the field, dotted where structs lie in structs
}

type op uint8

const (
	opRun     op = iota // values of fixed size
	opCompact           // compact integers
	opSkip              // a value that Go does not want
	opCall              // anything else
)

// move takes a value of fixed size from its place in a run to its place in Go.
type move struct {
	kind   moveKind
	wire   uint8 // moveInt: bytes on the wire
	width  uint8 // moveInt: bytes in Go
	signed bool  // moveInt
	max    uint64
	from   int
	size   int
	to     uintptr
	name   string
}

type moveKind uint8

const (
	moveNothing moveKind = iota // skipped
	moveBool
	move8
	move16
	move32
	move64
	move128
	move32Bytes
	moveBytes
	moveInt // to another width, checked
)

// compactField is a compact integer and where it goes: nowhere for width 0.
type compactField struct {
	width uint8
	max   uint64 // what both the chain's type and Go's can hold
	to    uintptr
	name  string
}

// decoder is the state of one call.
type decoder struct {
	r      *scale.Reader
	around int // items of the list around; 0 outside of lists
	depth  int
	idle   int // values that take no input and are still allowed
	arenas []arena
	spare  []byte // to carve copies from
	chunk  int
	fields []NamedValue // to carve records from
	path   []string     // where it failed, innermost first
}

// Values that take no bytes, such as those of (), are not limited by the input.
// Each call may make as many as these constants say.
const (
	idleValues  = 1 << 16
	idlePerByte = 4
)

func newDecoder(r *scale.Reader) *decoder {
	return &decoder{r: r, idle: idleValues + idlePerByte*min(r.Remaining(), maxSize/idlePerByte/2)}
}

// fail stops decoding here. It returns false.
func (d *decoder) fail(err error) bool {
	d.r.Fail(err)
	return false
}

// at adds to the path of a failure on the way out. It returns false.
func (d *decoder) at(name string) bool {
	if name != "" {
		d.path = append(d.path, "."+name)
	}
	return false
}

func (d *decoder) index(i int) bool {
	d.path = append(d.path, "["+strconv.Itoa(i)+"]")
	return false
}

// err returns the failure with its path.
func (d *decoder) err() error {
	err := d.r.Err()
	if len(d.path) == 0 {
		return err
	}
	slices.Reverse(d.path)
	return fmt.Errorf("%s: %w", shorten(strings.TrimPrefix(strings.Join(d.path, ""), ".")), err)
}

func (d *decoder) enter() bool {
	d.depth++
	return d.depth <= maxDepth || d.fail(errDepth)
}

func (d *decoder) leave() { d.depth-- }

// spend accounts for n values that may take no input.
func (d *decoder) spend(n int) bool {
	if n > d.idle {
		return d.fail(errors.New("too many values that take no bytes"))
	}
	d.idle -= n
	return true
}

// decode runs the program on zeroed memory.
func (p *program) decode(d *decoder, base place) bool {
	for i := range p.steps {
		s := &p.steps[i]
		switch s.op {
		case opRun:
			if !s.run(d, base) {
				return false
			}
		case opCompact:
			if _, ok := d.compacts(s.fields, base, 0, 1); !ok {
				return false
			}
		case opSkip:
			if !d.skip(s.skip) {
				return d.at(s.name)
			}
		case opCall:
			if !s.call(d, base.at(s.offset)) {
				return d.at(s.name)
			}
		}
	}
	return true
}

// items decodes n values that lie size bytes apart.
func (p *program) items(d *decoder, base place, size uintptr, n int) bool {
	if len(p.steps) == 1 {
		switch s := &p.steps[0]; s.op {
		case opRun:
			if s.runs(d, base, size, n) {
				return true
			}
			// Something is wrong: find out what, below.
		case opCompact:
			i, ok := d.compacts(s.fields, base, size, n)
			return ok || d.index(i)
		}
	}
	for i := range n {
		if !p.decode(d, base.at(uintptr(i)*size)) {
			return d.index(i)
		}
	}
	return true
}

// run decodes the values of a run.
func (s *step) run(d *decoder, base place) bool {
	start := *d.r
	if b := d.r.Bytes(s.size); b != nil || s.size == 0 {
		if s.store(b, base) {
			return true
		}
	}
	// Too short or not valid: go again by single values for the place.
	*d.r = start
	for i := range s.moves {
		m := &s.moves[i]
		if m.kind == moveBool {
			if d.r.Bool(); d.r.Err() != nil {
				return d.at(m.name)
			}
			continue
		}
		b := d.r.Bytes(m.size)
		if d.r.Err() != nil {
			return d.at(m.name)
		}
		if m.kind == moveInt && !m.convert(b, base) {
			d.fail(errors.New("the integer does not fit the Go field"))
			return d.at(m.name)
		}
	}
	return d.fail(scale.ErrUnexpectedEnd)
}

// runs decodes n runs, and nothing at all where it returns false.
func (s *step) runs(d *decoder, base place, size uintptr, n int) bool {
	start := *d.r
	b := d.r.Bytes(times(s.size, n))
	if s.same(size) && b != nil {
		base.putArray(b) // the items lie in Go as they do here
		return true
	}
	for i := range n {
		if len(b) < s.size || !s.store(b[:s.size], base.at(uintptr(i)*size)) {
			*d.r = start
			return false
		}
		b = b[s.size:]
	}
	return true
}

// same reports whether a run is but bytes that take all of the Go value.
func (s *step) same(size uintptr) bool {
	m := &s.moves[0]
	return len(s.moves) == 1 && uintptr(m.size) == size && (m.kind == move32Bytes || m.kind == moveBytes || m.kind == move8)
}

// store moves all values of a run. It returns false for one that is not valid.
func (s *step) store(b []byte, base place) bool {
	for i := range s.moves {
		m := &s.moves[i]
		from, to := b[m.from:], base.at(m.to)
		switch m.kind {
		case moveBool:
			if from[0] > 1 {
				return false
			}
			to.putBool(from[0] == 1)
		case move8:
			to.put8(from[0])
		case move16:
			to.put16(binary.LittleEndian.Uint16(from))
		case move32:
			to.put32(binary.LittleEndian.Uint32(from))
		case move64:
			to.put64(binary.LittleEndian.Uint64(from))
		case move128:
			to.put128(scale.U128{Lo: binary.LittleEndian.Uint64(from), Hi: binary.LittleEndian.Uint64(from[8:])})
		case move32Bytes:
			to.put32Bytes(from[:32])
		case moveBytes:
			to.putArray(from[:m.size])
		case moveInt:
			if !m.convert(from, base) {
				return false
			}
		case moveNothing:
		}
	}
	return true
}

// convert stores an integer of another width or sign than the wire's, where it
// fits.
func (m *move) convert(b []byte, base place) bool {
	v, negative := integer(b[:m.wire], m.signed)
	if !negative {
		if v.Hi != 0 || v.Lo > m.max {
			return false
		}
	} else if v.Hi != math.MaxUint64 || ^v.Lo > m.max {
		return false // ^v is -v-1; max is that of the signed Go type
	}
	base.at(m.to).putInt(m.width, v.Lo)
	return true
}

// integer reads a little-endian integer of up to 16 bytes as two's complement.
func integer(b []byte, signed bool) (v scale.U128, negative bool) {
	var wide [16]byte
	copy(wide[:], b)
	if signed && b[len(b)-1]&0x80 != 0 {
		negative = true
		for i := len(b); i < len(wide); i++ {
			wide[i] = 0xff
		}
	}
	return scale.U128{Lo: binary.LittleEndian.Uint64(wide[:]), Hi: binary.LittleEndian.Uint64(wide[8:])}, negative
}

// compacts decodes the fields of n structs of compact integers that lie size
// bytes apart. Of a failure it returns the struct's number.
func (d *decoder) compacts(fields []compactField, base place, size uintptr, n int) (int, bool) {
	b, off := d.r.Rest(), 0
	// Two of 16 bits are taken at once: those of a struct, or a struct of one and
	// the next.
	ends := len(fields) - 1
	pairs := ends <= 1 && fields[0].width == 2 && fields[ends].width == 2
	structs := 2 - ends
	for i := 0; i < n; i++ {
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
			if off+4 <= len(b) {
				w := binary.LittleEndian.Uint32(b[off:])
				mode := w & 3
				v, used = uint64(w)&compactMask[mode]>>2, 1<<mode
				if v < compactLeast[mode] {
					v, used = longCompact(b[off:])
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

// longCompact reads a compact integer of mode 3 that takes 5 to 9 bytes. All
// others take 0 bytes: longer ones, those at the end of the input, and those that
// are encoded longer than they need to be.
func longCompact(b []byte) (v uint64, used int) {
	n := int(b[0]>>2) + 4
	if b[0]&3 != 3 || n > 8 || len(b) < 9 {
		return 0, 0
	}
	v = binary.LittleEndian.Uint64(b[1:]) << (64 - 8*n) >> (64 - 8*n)
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

// count reads the length of a list of n's items and accounts for it.
func (d *decoder) count(elem *node) (int, bool) {
	n := d.r.Len(elem.min)
	if d.r.Err() != nil {
		return 0, false
	}
	return n, elem.min > 0 || d.spend(n)
}

// enough checks that n items may follow, for lists whose length is part of the
// type.
func (d *decoder) enough(elem *node, n int) bool {
	if elem.min == 0 {
		return d.spend(n)
	}
	if n > d.r.Remaining()/elem.min {
		return d.fail(fmt.Errorf("%w: %d items, %d bytes left", scale.ErrUnexpectedEnd, n, d.r.Remaining()))
	}
	return true
}

// list is a slice type and what its items are made of.
type list struct {
	slice reflect.Type
	size  uintptr
	limit int // of items, by the memory they take
	slot  int
	elem  *node
	items *program
}

// decode decodes n items and stores the slice, nil where there are none.
func (l *list) decode(d *decoder, p place, n int) bool {
	if n == 0 {
		return true
	}
	if n > l.limit {
		return d.fail(fmt.Errorf("%d items take too much memory", n))
	}
	if !d.enter() {
		return false
	}
	items := d.take(l, n)
	outer := d.around
	d.around = n
	ok := l.items.items(d, items, l.size, n)
	d.around = outer
	d.leave()
	if ok {
		p.putSlice(items, n)
	}
	return ok
}

// one decodes what a pointer points to.
func (l *list) one(d *decoder, p place) bool {
	if !d.enter() {
		return false
	}
	defer d.leave()
	to := d.take(l, 1)
	if !l.items.decode(d, to) {
		return false
	}
	p.putPointer(to)
	return true
}

// some reads the byte before an Option's value.
func (d *decoder) some() (present, ok bool) {
	switch tag := d.r.U8(); {
	case d.r.Err() != nil:
		return false, false
	case tag > 1:
		return false, d.fail(fmt.Errorf("%d stands for neither None nor Some", tag))
	default:
		return tag == 1, true
	}
}

// alternative reads which alternative of an enum follows: its position.
func (d *decoder) alternative(n *node) (int, bool) {
	index := d.r.U8()
	if d.r.Err() != nil {
		return 0, false
	}
	i := n.find(index)
	if i < 0 {
		return 0, d.fail(fmt.Errorf("the enum has no alternative %d", index))
	}
	return i, true
}

// bits reads a bit sequence.
func (d *decoder) bits(n *node) ([]bool, bool) {
	count := d.r.Compact()
	word := 8 * uint64(n.width)
	if d.r.Err() != nil {
		return nil, false
	}
	if count > 8*uint64(d.r.Remaining()) {
		return nil, d.fail(fmt.Errorf("%w: %d bits, %d bytes left", scale.ErrUnexpectedEnd, count, d.r.Remaining()))
	}
	b := d.r.Bytes(int((count + word - 1) / word * word / 8))
	if d.r.Err() != nil {
		return nil, false
	}
	out := make([]bool, count)
	for i := range out {
		at, bit := n.bit(i)
		out[i] = b[at]>>bit&1 == 1
	}
	return out, true
}

// bit returns the byte and the bit in it that hold item i of a bit sequence.
func (n *node) bit(i int) (at, bit int) {
	word := 8 * int(n.width)
	within := i % word
	if n.msb {
		within = word - 1 - within
	}
	return i/word*int(n.width) + within/8, within % 8
}

// skip passes over a value.
func (d *decoder) skip(n *node) bool {
	if n.fixed >= 0 {
		d.r.Skip(n.fixed)
		return d.r.Err() == nil
	}
	if n.min == 0 && !d.spend(1) || !d.enter() {
		return false
	}
	defer d.leave()
	switch n.kind {
	case kCompact:
		d.r.Compact128()
	case kStr, kBytes:
		d.r.ByteString()
	case kSeq:
		count, ok := d.count(n.elem)
		return ok && d.skipItems(n.elem, count)
	case kArray:
		return d.enough(n.elem, n.length) && d.skipItems(n.elem, n.length)
	case kTuple, kStruct:
		return d.skipFields(n.fields)
	case kEnum:
		i, ok := d.alternative(n)
		return ok && (d.skipFields(n.alts[i].fields) || d.at(n.alts[i].name))
	case kOption:
		present, ok := d.some()
		return ok && (!present || d.skip(n.elem))
	case kBits:
		_, ok := d.bits(n)
		return ok
	}
	return d.r.Err() == nil
}

func (d *decoder) skipItems(elem *node, n int) bool {
	if elem.fixed >= 0 {
		d.r.Skip(times(elem.fixed, n))
		return d.r.Err() == nil
	}
	for i := range n {
		if !d.skip(elem) {
			return d.index(i)
		}
	}
	return true
}

func (d *decoder) skipFields(fields []field) bool {
	for _, f := range fields {
		if !d.skip(f.node) {
			return d.at(f.name)
		}
	}
	return true
}
