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
	row   bool // nothing but runs and compact integers
}

// step is one instruction. Neighbours of one kind are merged when the program is
// compiled: what has a fixed size is checked against the input at once.
type step struct {
	op     op
	size   int    // opRun: bytes taken
	moves  []move // opRun
	fields []compactField
	texts  []textField
	skip   *node // opSkip
	call   func(d *decoder, p place) bool
	offset uintptr // opCall
	name   string  // opCall, opSkip: the field, dotted where structs lie in structs
}

type op uint8

const (
	opRun     op = iota // values of fixed size
	opCompact           // compact integers
	opText              // byte strings
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
		case opText:
			if !d.texts(s.texts, base) {
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
	done := 0
	if p.row {
		done = p.rows(d, base, size, n)
	}
	for i := done; i < n; i++ {
		if !p.decode(d, base.at(uintptr(i)*size)) {
			return d.index(i)
		}
	}
	return true
}

// rows decodes items of a row program as long as they are valid and the input's
// end is not near, and returns how many it did. The reader moves but once.
func (p *program) rows(d *decoder, base place, size uintptr, n int) int {
	b, off := d.r.Rest(), 0
	for i := range n {
		used := p.decodeRow(b[off:], base.at(uintptr(i)*size))
		if used == 0 {
			n = i
			break
		}
		off += used
	}
	d.r.Skip(off)
	return n
}

// decodeRow decodes the item that b begins with and says how many bytes it takes:
// 0 where another way has to find out what it is.
func (p *program) decodeRow(b []byte, at place) int {
	off := 0
	for k := range p.steps {
		s := &p.steps[k]
		if s.op == opRun {
			if len(b)-off < s.size {
				return 0
			}
			if m := &s.moves[0]; len(s.moves) == 1 && m.kind == move32Bytes {
				at.at(m.to).put32Bytes(b[off : off+32]) // an account
			} else if !s.store(b[off:off+s.size], at) {
				return 0
			}
			off += s.size
			continue
		}
		for k := range s.fields {
			f := &s.fields[k]
			v, used := quickCompact(b[off:])
			if used == 0 || v > f.max {
				return 0
			}
			at.at(f.to).putInt(f.width, v)
			off += used
		}
	}
	return off
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
		if m.kind == moveInt && !m.convert(b, base.at(m.to)) {
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
	if b != nil && s.same(size) {
		base.putArray(b) // the items lie in Go as they do here
		return true
	}
	// A few at a time stay near while one field after the other is moved.
	const few = 64
	for i := 0; i < n; i += few {
		k := min(n-i, few)
		if len(b) < k*s.size || !s.columns(b[:k*s.size], base.at(uintptr(i)*size), size, k) {
			*d.r = start
			return false
		}
		b = b[k*s.size:]
	}
	return true
}

// columns is store for n runs.
func (s *step) columns(b []byte, base place, size uintptr, n int) bool {
	for i := range s.moves {
		m := &s.moves[i]
		if !m.column(b[m.from:], s.size, base.at(m.to), size, n) {
			return false
		}
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
			if !m.convert(from, to) {
				return false
			}
		case moveNothing:
		}
	}
	return true
}

// column moves n values that begin gap bytes apart in b to Go values that lie size
// bytes apart: what store does in many runs, with one look at the kind of value.
func (m *move) column(b []byte, gap int, to place, size uintptr, n int) bool {
	switch m.kind {
	case moveBool:
		if gap == 1 && size == 1 {
			return copyBools(integers[uint8](to, n), b)
		}
		for i := range n {
			v := b[i*gap]
			if v > 1 {
				return false
			}
			to.at(uintptr(i) * size).putBool(v == 1)
		}
	case move8:
		for i := range n {
			to.at(uintptr(i) * size).put8(b[i*gap])
		}
	case move16:
		for i := range n {
			to.at(uintptr(i) * size).put16(binary.LittleEndian.Uint16(b[i*gap:]))
		}
	case move32:
		for i := range n {
			to.at(uintptr(i) * size).put32(binary.LittleEndian.Uint32(b[i*gap:]))
		}
	case move64:
		for i := range n {
			to.at(uintptr(i) * size).put64(binary.LittleEndian.Uint64(b[i*gap:]))
		}
	case move128:
		for i := range n {
			from := b[i*gap:]
			to.at(uintptr(i) * size).put128(scale.U128{Lo: binary.LittleEndian.Uint64(from), Hi: binary.LittleEndian.Uint64(from[8:])})
		}
	case move32Bytes:
		for i := range n {
			to.at(uintptr(i) * size).put32Bytes(b[i*gap:][:32])
		}
	case moveBytes:
		for i := range n {
			to.at(uintptr(i) * size).putArray(b[i*gap:][:m.size])
		}
	case moveInt:
		for i := range n {
			if !m.convert(b[i*gap:], to.at(uintptr(i)*size)) {
				return false
			}
		}
	case moveNothing:
	}
	return true
}

// copyBools copies bytes that must be 0 or 1. It returns false where one is not.
func copyBools(to, from []byte) bool {
	var all uint64 // whatever bit is set anywhere
	i := 0
	for ; len(to)-i >= 8; i += 8 {
		w := binary.LittleEndian.Uint64(from[i:])
		all |= w
		binary.LittleEndian.PutUint64(to[i:], w)
	}
	for ; i < len(to); i++ {
		all |= uint64(from[i])
		to[i] = from[i]
	}
	return all&^0x0101010101010101 == 0
}

// convert stores an integer of another width or sign than the wire's, where it
// fits.
func (m *move) convert(b []byte, to place) bool {
	v, negative := integer(b[:m.wire], m.signed)
	if !negative {
		if v.Hi != 0 || v.Lo > m.max {
			return false
		}
	} else if v.Hi != math.MaxUint64 || ^v.Lo > m.max {
		return false // ^v is -v-1; max is that of the signed Go type
	}
	to.putInt(m.width, v.Lo)
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
	slice  reflect.Type
	size   uintptr
	flat   bool // the items are of some size and hold no pointers
	single bool // one item, that a pointer points to, or none
	limit  int  // of items, by the memory they take
	slot   int
	elem   *node
	items  *program
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
