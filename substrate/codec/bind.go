package codec

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// Go types with a meaning of their own.
var (
	typeAny     = reflect.TypeFor[any]()
	typeU128    = reflect.TypeFor[scale.U128]()
	typeRecord  = reflect.TypeFor[Record]()
	typeVariant = reflect.TypeFor[Variant]()
	typeBig     = reflect.TypeFor[big.Int]()
)

// pathError is an error at a place in a value or a type.
type pathError struct {
	path string
	err  error
}

// Error begins with the path.
func (e *pathError) Error() string {
	return shorten(strings.TrimPrefix(e.path, ".")) + ": " + e.err.Error()
}

// shorten leaves the middle of a very long path out.
func shorten(path string) string {
	if len(path) <= 240 {
		return path
	}
	return path[:160] + "…" + path[len(path)-60:]
}

// Unwrap returns what is wrong there.
func (e *pathError) Unwrap() error { return e.err }

// within puts a step before the path of an error: ".field" or "[3]".
func within(step string, err error) error {
	if step == "" || step == "." {
		return err
	}
	if p, ok := err.(*pathError); ok { //nolint:errorlint // only an outermost path is extended
		return &pathError{step + p.path, p.err}
	}
	return &pathError{step, err}
}

// goField is a field of a Go struct that takes part.
type goField struct {
	reflect.StructField
	name     string
	optional bool
}

// goFields returns the fields of a Go struct that take part.
func goFields(t reflect.Type) []goField {
	var out []goField
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("scale"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = snakeCase(f.Name)
		}
		out = append(out, goField{f, name, options == "optional"})
	}
	return out
}

func snakeCase(name string) string {
	var b strings.Builder
	for i, c := range name {
		if unicode.IsUpper(c) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// plain reports whether a Go type is a struct without a meaning of its own.
func plain(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != typeU128 && t != typeRecord && t != typeVariant && t != typeBig
}

// binds reports whether a Go struct is meant for a struct of one field, and not
// for what the field holds.
func binds(t reflect.Type, n *node) bool {
	fields := goFields(t)
	for _, f := range fields {
		if f.name != n.fields[0].name && !f.optional {
			return false
		}
	}
	inner := n.fields[0].node
	for hops := 0; inner.kind == kStruct && len(inner.fields) == 1 && hops < maxNewtypes; hops++ {
		inner = inner.fields[0].node
	}
	return common(fields, n) == 1 && (inner.kind != kStruct || common(fields, inner) < 2)
}

// common counts the fields that a Go struct and a struct of the chain both have.
func common(fields []goField, n *node) int {
	count := 0
	for _, f := range fields {
		if slices.ContainsFunc(n.fields, func(c field) bool { return c.name == f.name }) {
			count++
		}
	}
	return count
}

// unwrap takes newtypes off on both sides until what is left differs in kind or
// agrees in names. It returns the Go fields that lead to the inner type.
func unwrap(n *node, t reflect.Type) (*node, reflect.Type, []reflect.StructField, error) {
	var via []reflect.StructField
	for range maxNewtypes {
		if t == typeAny || t == typeRecord || t.Kind() == reflect.Pointer && t.Elem() == typeRecord {
			return n, t, via, nil
		}
		if n.kind == kStruct && len(n.fields) == 1 {
			below := t
			for below.Kind() == reflect.Pointer {
				below = below.Elem()
			}
			if !plain(below) || !binds(below, n) {
				n = n.fields[0].node
				continue
			}
		}
		if !plain(t) {
			return n, t, via, nil
		}
		fields := goFields(t)
		if len(fields) != 1 || takes(n, fields[0].name) {
			return n, t, via, nil
		}
		via = append(via, fields[0].StructField)
		t = fields[0].Type
	}
	return nil, nil, nil, errDepth
}

// takes reports whether a type of the chain has a field or alternative for the
// only field of a Go struct.
func takes(n *node, name string) bool {
	switch n.kind {
	case kStruct:
		for _, f := range n.fields {
			if f.name == name {
				return true
			}
		}
	case kEnum:
		for _, a := range n.alts {
			if a.name == name || snakeCase(a.name) == name {
				return true
			}
		}
	}
	return false
}

// program returns the compiled pair.
func (c *Codec) program(id metadata.TypeID, t reflect.Type) (*program, error) {
	key := pair{id, t}
	if p, ok := c.decoders.Load(key); ok {
		return p.(*program), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.lookup(id)
	if err != nil {
		return nil, err
	}
	b := binder{c: c}
	p, err := b.program(n, t)
	if err != nil {
		for _, key := range b.made {
			delete(c.programs, key)
		}
		return nil, err
	}
	c.decoders.Store(key, p)
	return p, nil
}

// binder compiles programs, with the codec's lock held.
type binder struct {
	c       *Codec
	depth   int
	emitted int
	made    []pair
}

// maxEmitted limits how many values the programs of one compilation name, each
// item of a Go array being one.
const maxEmitted = 1 << 16

// program returns the program of a pair. Where types contain themselves it is
// still being compiled.
func (b *binder) program(n *node, t reflect.Type) (*program, error) {
	key := pair{n.id, t}
	if p, ok := b.c.programs[key]; ok {
		return p, nil
	}
	p := new(program)
	b.c.programs[key] = p
	b.made = append(b.made, key)
	if err := b.emit(p, n, t, 0, ""); err != nil {
		return nil, err
	}
	p.row = len(p.steps) > 1 && !slices.ContainsFunc(p.steps, func(s step) bool { return s.op > opCompact })
	return p, nil
}

// mismatch says that two types do not go together.
func (c *Codec) mismatch(n *node, t reflect.Type) error {
	return fmt.Errorf("the Go type %s does not correspond to the chain's %s", t, c.describeLocked(n.id))
}

// emit appends the steps that decode n into a t at offset. Name is the path to it
// within the program.
func (b *binder) emit(p *program, n *node, t reflect.Type, offset uintptr, name string) error {
	if b.depth++; b.depth > maxDepth {
		return errDepth
	}
	if b.emitted++; b.emitted > maxEmitted {
		return fmt.Errorf("the Go type %s has too many fields", t)
	}
	defer func() { b.depth-- }()
	n, t, via, err := unwrap(n, t)
	if err != nil {
		return err
	}
	for _, f := range via {
		offset += f.Offset
	}
	call := func(f func(d *decoder, p place) bool) error {
		p.steps = append(p.steps, step{op: opCall, call: f, offset: offset, name: name})
		return nil
	}
	if f, ok := dynamic(n, t); ok {
		return call(f)
	}
	if t.Kind() == reflect.Pointer {
		return b.pointer(n, t, call)
	}
	switch n.kind {
	case kBool:
		if t.Kind() == reflect.Bool {
			p.move(move{kind: moveBool, size: 1, to: offset, name: name})
			return nil
		}
	case kUint, kInt:
		if m, ok := intMove(n, t); ok {
			m.to, m.name = offset, name
			p.move(m)
			return nil
		}
	case kCompact:
		if t == typeU128 {
			return call(func(d *decoder, p place) bool {
				v, ok := d.compact128(n)
				p.put128(v)
				return ok
			})
		}
		if limit, width, _, ok := goInt(t); ok {
			p.compact(compactField{width: width, max: min(limit, maxOf(n.width)), to: offset, name: name})
			return nil
		}
	case kStr, kBytes:
		if isText(t) {
			p.text(textField{text: t.Kind() == reflect.String, to: offset, name: name})
			return nil
		}
	case kFixed:
		switch {
		case t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8 && t.Len() == n.length:
			kind := moveBytes
			if n.length == 32 {
				kind = move32Bytes
			}
			p.move(move{kind: kind, size: n.length, to: offset, name: name})
			return nil
		case isText(t):
			text, length := t.Kind() == reflect.String, n.length
			return call(func(d *decoder, p place) bool { return d.bytes(p, text, d.r.Bytes(length)) })
		}
	case kSeq, kArray:
		return b.list(p, n, t, offset, name, call)
	case kTuple:
		return b.tuple(p, n, t, offset, name)
	case kStruct:
		if plain(t) {
			return b.structure(p, n, t, offset, name)
		}
	case kEnum:
		return b.enum(n, t, call)
	case kBig:
		if t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8 && t.Len() == 32 {
			p.move(move{kind: move32Bytes, size: 32, to: offset, name: name})
			return nil
		}
	case kBits:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Bool {
			return call(func(d *decoder, p place) bool {
				v, ok := d.bits(n)
				p.putBools(v)
				return ok
			})
		}
	}
	return b.c.mismatch(n, t)
}

type caller func(func(d *decoder, p place) bool) error

// dynamic returns how to decode into Go types that hold the dynamic form.
func dynamic(n *node, t reflect.Type) (func(d *decoder, p place) bool, bool) {
	value := func(d *decoder) any {
		v, _ := d.value(n)
		return v
	}
	switch {
	case t == typeAny:
		return func(d *decoder, p place) bool {
			v, ok := d.value(n)
			p.putAny(v)
			return ok
		}, true
	case n.kind == kStruct && t == reflect.PointerTo(typeRecord):
		return func(d *decoder, p place) bool {
			v, ok := value(d).(*Record)
			p.putRecord(v)
			return ok
		}, true
	case n.kind == kEnum && t == reflect.PointerTo(typeVariant):
		return func(d *decoder, p place) bool {
			v, ok := value(d).(*Variant)
			p.putVariant(v)
			return ok
		}, true
	case n.kind == kStruct && t == typeRecord:
		return func(d *decoder, p place) bool {
			v, ok := value(d).(*Record)
			if ok {
				p.putRecordValue(*v)
			}
			return ok
		}, true
	case n.kind == kEnum && t == typeVariant:
		return func(d *decoder, p place) bool {
			v, ok := value(d).(*Variant)
			if ok {
				p.putVariantValue(*v)
			}
			return ok
		}, true
	}
	return nil, false
}

func isText(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// pointer binds an Option, or a value that is always there, to a pointer.
func (b *binder) pointer(n *node, t reflect.Type, call caller) error {
	elem := n
	if n.kind == kOption {
		elem = n.elem
	}
	items, err := b.program(elem, t.Elem())
	if err != nil {
		return err
	}
	l := b.newList(reflect.SliceOf(t.Elem()), elem, items)
	l.single = true
	if n.kind != kOption {
		return call(l.one)
	}
	return call(func(d *decoder, p place) bool {
		present, ok := d.some()
		return ok && (!present || l.one(d, p))
	})
}

func (b *binder) newList(slice reflect.Type, elem *node, items *program) *list {
	slot, ok := b.c.slots[slice.Elem()]
	if !ok {
		slot = len(b.c.slots)
		b.c.slots[slice.Elem()] = slot
	}
	size := slice.Elem().Size()
	flat := size > 0 && !pointers(slice.Elem())
	limit := maxSize
	if size > 0 {
		limit /= int(size)
	}
	return &list{slice: slice, size: size, flat: flat, limit: limit, slot: slot, elem: elem, items: items}
}

// pointers reports whether values of a type hold any.
func pointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return pointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if pointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	}
	return t.Kind() > reflect.Complex128
}

// list binds Vec and arrays.
func (b *binder) list(p *program, n *node, t reflect.Type, offset uintptr, name string, call caller) error {
	if n.kind == kSeq && isText(t) && n.elem.kind == kCompact && n.elem.width == 1 {
		text := t.Kind() == reflect.String
		return call(func(d *decoder, p place) bool { return d.compactText(p, text) })
	}
	if n.kind == kArray && t.Kind() == reflect.Array && t.Len() == n.length {
		for i := range n.length {
			if err := b.emit(p, n.elem, t.Elem(), offset+uintptr(i)*t.Elem().Size(), fmt.Sprintf("%s[%d]", name, i)); err != nil {
				return within(fmt.Sprintf("[%d]", i), err)
			}
		}
		return nil
	}
	if t.Kind() != reflect.Slice {
		return b.c.mismatch(n, t)
	}
	items, err := b.program(n.elem, t.Elem())
	if err != nil {
		return within("[]", err)
	}
	l := b.newList(t, n.elem, items)
	if length := n.length; n.kind == kArray {
		return call(func(d *decoder, p place) bool { return d.enough(l.elem, length) && l.decode(d, p, length) })
	}
	return call(func(d *decoder, p place) bool {
		count, ok := d.count(l.elem)
		return ok && l.decode(d, p, count)
	})
}

// tuple binds by position.
func (b *binder) tuple(p *program, n *node, t reflect.Type, offset uintptr, name string) error {
	if t.Kind() == reflect.Array && t.Len() == len(n.fields) {
		for i, f := range n.fields {
			if err := b.emit(p, f.node, t.Elem(), offset+uintptr(i)*t.Elem().Size(), join(name, f.name)); err != nil {
				return within("."+f.name, err)
			}
		}
		return nil
	}
	if !plain(t) {
		return b.c.mismatch(n, t)
	}
	fields := goFields(t)
	if err := samePositions(n, t, fields); err != nil {
		return err
	}
	for i, f := range n.fields {
		if err := b.emit(p, f.node, fields[i].Type, offset+fields[i].Offset, join(name, f.name)); err != nil {
			return within("."+f.name, err)
		}
	}
	return nil
}

// samePositions checks that a Go struct has a field for each position, and else
// optional ones only.
func samePositions(n *node, t reflect.Type, fields []goField) error {
	if len(fields) < len(n.fields) {
		return fmt.Errorf("the Go type %s has %d fields for the chain's %d", t, len(fields), len(n.fields))
	}
	for _, f := range fields[len(n.fields):] {
		if !f.optional {
			return fmt.Errorf("the Go type %s has %d fields for the chain's %d", t, len(fields), len(n.fields))
		}
	}
	return nil
}

// structure binds by name.
func (b *binder) structure(p *program, n *node, t reflect.Type, offset uintptr, name string) error {
	fields := goFields(t)
	byName := make(map[string]goField, len(fields))
	for _, f := range fields {
		if _, twice := byName[f.name]; twice {
			return fmt.Errorf("the Go type %s has two fields for %q", t, f.name)
		}
		byName[f.name] = f
	}
	for _, f := range n.fields {
		at := join(name, f.name)
		g, ok := byName[f.name]
		if !ok {
			p.skip(f.node, at)
			continue
		}
		delete(byName, f.name)
		if err := b.emit(p, f.node, g.Type, offset+g.Offset, at); err != nil {
			return within("."+f.name, err)
		}
	}
	return b.c.absent(n, t, fields, byName)
}

// absent reports the first required Go field that the chain does not have.
func (c *Codec) absent(n *node, t reflect.Type, fields []goField, left map[string]goField) error {
	for _, f := range fields {
		if _, ok := left[f.name]; ok && !f.optional {
			return fmt.Errorf("the chain's %s has no field %q for %s.%s", c.describeLocked(n.id), f.name, t, f.Name)
		}
	}
	return nil
}

// enum binds alternatives to the fields of a Go struct, or names to a string.
func (b *binder) enum(n *node, t reflect.Type, call caller) error {
	if t.Kind() == reflect.String {
		return call(func(d *decoder, p place) bool {
			i, ok := d.alternative(n)
			if ok && len(n.alts[i].fields) > 0 {
				return d.fail(fmt.Errorf("a string cannot hold the fields of %s", n.alts[i].name))
			}
			if ok {
				p.putString(n.alts[i].name)
			}
			return ok
		})
	}
	if !plain(t) {
		return b.c.mismatch(n, t)
	}
	byName, err := b.c.alternatives(n, t)
	if err != nil {
		return err
	}
	// By position in n.alts; nil where Go has no field.
	programs := make([]*program, len(n.alts))
	for i, a := range n.alts {
		g, ok := byName[a.name]
		if !ok {
			continue
		}
		p := new(program)
		if g.Type.Kind() == reflect.Bool {
			p.steps = append(p.steps, step{op: opCall, offset: g.Offset, call: func(_ *decoder, p place) bool {
				p.putBool(true)
				return true
			}})
		} else if err := b.payload(p, a, g); err != nil {
			return within("."+a.name, err)
		}
		programs[i] = p
	}
	return call(func(d *decoder, p place) bool {
		i, ok := d.alternative(n)
		switch {
		case !ok || !d.enter():
			return false
		case programs[i] == nil:
			return d.fail(fmt.Errorf("%s has no field for the alternative %s", t, n.alts[i].name))
		case !programs[i].decode(d, p):
			return d.at(n.alts[i].name)
		}
		d.leave()
		return true
	})
}

// alternatives returns the fields of a Go struct by the alternative they are for.
func (c *Codec) alternatives(n *node, t reflect.Type) (map[string]goField, error) {
	out := make(map[string]goField)
	for _, f := range goFields(t) {
		a := n.named(f.name)
		if a == nil {
			a = n.named(f.Name)
		}
		switch {
		case a == nil && f.optional:
			continue
		case a == nil:
			return nil, fmt.Errorf("the chain's %s has no alternative %q for %s.%s", c.describeLocked(n.id), f.name, t, f.Name)
		case len(a.fields) == 0 && f.Type.Kind() != reflect.Bool:
			return nil, fmt.Errorf("%s.%s: the alternative has no fields, its Go field must be a bool", t, f.Name)
		case len(a.fields) > 0 && f.Type.Kind() != reflect.Pointer:
			return nil, fmt.Errorf("%s.%s: the alternative has fields, its Go field must be a pointer", t, f.Name)
		}
		out[a.name] = f
	}
	return out, nil
}

// payload binds the fields of an alternative to what a Go pointer points to.
func (b *binder) payload(p *program, a alternative, g goField) error {
	if g.Type.Elem().Kind() == reflect.Pointer {
		return fmt.Errorf("%s is a pointer to a pointer", g.Type)
	}
	t := g.Type.Elem()
	elem, err := a.payload(t)
	if err != nil {
		return err
	}
	items := new(program)
	if elem.id == metadata.NoType {
		err = b.emit(items, elem, t, 0, "")
	} else { // it may be the enum itself
		items, err = b.program(elem, t)
	}
	if err != nil {
		return err
	}
	l := b.newList(reflect.SliceOf(g.Type.Elem()), elem, items)
	p.steps = append(p.steps, step{op: opCall, offset: g.Offset, call: l.one})
	return nil
}

// payload returns the fields of an alternative as a type that t is bound to: one
// without an id, unless there is but one field and t is for what it holds.
func (a alternative) payload(t reflect.Type) (*node, error) {
	n := &node{id: metadata.NoType, kind: kStruct, fields: a.fields, fixed: -1}
	if a.positional {
		n.kind = kTuple
		if len(a.fields) == 1 {
			n = a.fields[0].node
		}
	}
	inner, _, via, err := unwrap(n, t)
	if err != nil || len(via) > 0 {
		return n, err
	}
	return inner, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// maxRun limits the size of a run that is extended.
const maxRun = 1 << 16

// move appends a value of fixed size.
func (p *program) move(m move) {
	var s *step
	if k := len(p.steps); k > 0 {
		s = &p.steps[k-1]
	}
	if s == nil || s.op != opRun || s.size+m.size > maxRun {
		p.steps = append(p.steps, step{op: opRun})
		s = &p.steps[len(p.steps)-1]
	}
	m.from = s.size
	s.size += m.size
	s.moves = append(s.moves, m)
}

// compact appends a compact integer of at most 64 bits.
func (p *program) compact(f compactField) {
	if k := len(p.steps); k > 0 && p.steps[k-1].op == opCompact {
		p.steps[k-1].fields = append(p.steps[k-1].fields, f)
		return
	}
	p.steps = append(p.steps, step{op: opCompact, fields: []compactField{f}})
}

// text appends a byte string.
func (p *program) text(f textField) {
	if k := len(p.steps); k > 0 && p.steps[k-1].op == opText {
		p.steps[k-1].texts = append(p.steps[k-1].texts, f)
		return
	}
	p.steps = append(p.steps, step{op: opText, texts: []textField{f}})
}

// skip appends a value that Go does not want.
func (p *program) skip(n *node, name string) {
	switch {
	case n.fixed >= 0 && n.fixed < maxRun:
		p.move(move{kind: moveNothing, size: n.fixed, name: name})
	case n.kind == kCompact && n.width <= 8:
		p.compact(compactField{max: maxOf(n.width), name: name})
	default:
		p.steps = append(p.steps, step{op: opSkip, skip: n, name: name})
	}
}

// maxOf is the largest unsigned integer of width bytes, at most 8.
func maxOf(width uint8) uint64 { return math.MaxUint64 >> (64 - 8*min(width, 8)) }

// goInt returns the largest value of a Go integer type and its width in bytes.
func goInt(t reflect.Type) (limit uint64, width uint8, signed, ok bool) {
	switch t.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		width = uint8(t.Size())
		return maxOf(width), width, false, true
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		width = uint8(t.Size())
		return maxOf(width) >> 1, width, true, true
	}
	return 0, 0, false, false
}

// intMove binds an integer of fixed width.
func intMove(n *node, t reflect.Type) (move, bool) {
	m := move{size: int(n.width), wire: n.width, signed: n.kind == kInt}
	if t == typeU128 {
		m.kind = move128
		return m, n.width == 16
	}
	limit, width, signed, ok := goInt(t)
	if !ok || m.signed && !signed {
		return m, false
	}
	m.kind, m.width, m.max = moveInt, width, limit
	if width == n.width && signed == m.signed {
		m.kind = map[uint8]moveKind{1: move8, 2: move16, 4: move32, 8: move64}[width]
	}
	return m, true
}
