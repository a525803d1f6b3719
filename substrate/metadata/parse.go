package metadata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/bittensor-go/bt/substrate/scale"
)

// Limits of what Parse accepts. The newest runtimes need half a megabyte and a
// thousand types. Pallets and variants are numbered by one byte.
const (
	maxSize     = 64 << 20
	maxTypes    = 1 << 20
	maxNumbered = 256
)

// magic opens encoded metadata.
const magic = "meta"

// ErrNoVersion reports an answer without metadata: the runtime does not speak
// the version that was asked for.
var ErrNoVersion = errors.New("the runtime has no metadata of the version asked for")

// Parse reads encoded metadata of version 14, 15 or 16 to its last byte. The
// model does not alias data.
//
// Every type that is named exists in the registry afterwards, calls, events and
// errors of pallets are enums, and a storage map with several hashers has a tuple
// of as many keys. Types may contain themselves. The error says what was being
// read, and where.
func Parse(data []byte) (*Metadata, error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("metadata of %d bytes is larger than the %d MiB that are allowed", len(data), maxSize>>20)
	}
	if len(data) < len(magic)+1 || string(data[:len(magic)]) != magic {
		return nil, errors.New("this is no metadata: it does not begin with \"meta\" and a version")
	}
	version := data[len(magic)]
	if version < 14 || version > 16 {
		return nil, fmt.Errorf("metadata has version %d, only 14, 15 and 16 can be read", version)
	}
	p := &parser{
		r: *scale.NewReader(data), data: data, text: string(data), version: version,
	}
	p.r.Skip(len(magic) + 1)
	m := &Metadata{
		Version: version, Types: new(Registry),
		RuntimeType: NoType, CallType: NoType, EventType: NoType, ErrorType: NoType,
	}
	p.metadata(m)
	if p.failed() {
		slices.Reverse(p.where)
		return nil, fmt.Errorf("metadata version %d: %s: %w", version, strings.Join(p.where, ": "), p.r.Err())
	}
	if err := p.r.Finish(); err != nil {
		return nil, fmt.Errorf("metadata version %d: after its end: %w", version, err)
	}
	return m, nil
}

// ParseAnswer reads what the runtime answers to Metadata_metadata_at_version, an
// Option<Vec<u8>>, or to Metadata_metadata, a Vec<u8>. The error is ErrNoVersion
// where the answer is None.
func ParseAnswer(data []byte) (*Metadata, error) {
	if len(data) == 1 && data[0] == 0 {
		return nil, ErrNoVersion
	}
	inner, err := unwrap(data)
	// The length of a Vec<u8> may begin with the byte that means Some.
	if len(data) > 0 && data[0] == 1 {
		some, someErr := unwrap(data[1:])
		if someErr == nil || err != nil {
			inner, err = some, someErr
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the bytes around the metadata: %w", err)
	}
	return Parse(inner)
}

func unwrap(data []byte) ([]byte, error) {
	r := scale.NewReader(data)
	inner := r.ByteString()
	return inner, r.Finish()
}

// arena hands out slices cut from larger ones, each twice the one before.
type arena[T any] struct {
	free []T
	last int // items of the newest chunk
}

// Sizes of chunks. A chunk of pointers has a word of the allocator's before it.
const (
	leastChunk = 1<<11 - 8
	mostChunk  = 1<<15 - 8
)

// take returns an empty slice with room for n.
func (a *arena[T]) take(n int) []T {
	if n > len(a.free) {
		var item T
		size := int(unsafe.Sizeof(item))
		next := min(max(2*a.last, leastChunk/size), mostChunk/size)
		if n > next/8 {
			return make([]T, 0, n) // what is left of the chunk is for smaller ones
		}
		a.free, a.last = make([]T, next), next
	}
	s := a.free[:0:n]
	a.free = a.free[n:]
	return s
}

// parser reads one metadata. The first error stops it.
type parser struct {
	r       scale.Reader
	data    []byte
	text    string // a copy of the input, which the model's strings share
	version uint8
	reg     *Registry
	types   int      // size of the registry being read
	where   []string // what was being read when the error came, innermost first

	strings   arena[string]
	fields    arena[Field]
	variants  arena[VariantDef]
	params    arena[TypeParam]
	ids       arena[TypeID]
	entries   arena[StorageEntry]
	hashers   arena[Hasher]
	constants arena[Constant]
	methods   arena[Method]
	inputs    arena[Param]
	bytes     arena[byte]
}

func (p *parser) failed() bool { return p.r.Err() != nil }

func (p *parser) note(what string) { p.where = append(p.where, what) }

// fail stops the parser for a reason of its own.
func (p *parser) fail(what, format string, args ...any) {
	if !p.failed() {
		p.r.Fail(fmt.Errorf(format, args...))
		p.note(what)
	}
}

// within reads a part of the metadata that has a name of its own.
func (p *parser) within(what string, read func()) {
	if p.failed() {
		return
	}
	if read(); p.failed() {
		p.note(what)
	}
}

// labelled is what can tell its name for errors.
type labelled interface{ label() string }

func (t *Type) label() string         { return strings.Join(t.Path, "::") }
func (v *VariantDef) label() string   { return v.Name }
func (f *Field) label() string        { return f.Name }
func (p *Pallet) label() string       { return p.Name }
func (e *StorageEntry) label() string { return e.Name }
func (c *Constant) label() string     { return c.Name }
func (a *API) label() string          { return a.Name }
func (m *Method) label() string       { return m.Name }

// list reads a length and so many items. An item takes at least size bytes, and
// there may be at most limit.
func list[T any](p *parser, a *arena[T], size, limit int, what string, read func(*parser, *T)) []T {
	if p.failed() {
		return nil
	}
	n := p.r.Len(size)
	if p.failed() {
		p.note(what + " count")
		return nil
	}
	if n == 0 {
		return nil
	}
	if n > limit {
		p.fail(what+" count", "%d exceed the %d that can be", n, limit)
		return nil
	}
	var items []T
	if a != nil {
		items = a.take(min(n, reserve))
	} else {
		items = make([]T, 0, min(n, reserve))
	}
	for i := range n {
		if i < cap(items) {
			items = items[:i+1] // zero still
		} else {
			var zero T
			items = append(items, zero)
		}
		item := &items[i]
		if read(p, item); p.failed() {
			where := what + " " + strconv.Itoa(i)
			if l, ok := any(item).(labelled); ok && l.label() != "" {
				where += " (" + l.label() + ")"
			}
			p.note(where)
			return nil
		}
	}
	return items
}

const unlimited = int(^uint(0) >> 1)

// reserve is for how many items memory is taken at once: a length that the rest
// of the input could just hold costs memory only as the items are read.
const reserve = 1 << 12

// blame notes what was being read when the first error came.
func (p *parser) blame(what string) {
	if len(p.where) == 0 {
		p.note(what)
	}
}

func (p *parser) u8(what string) uint8 {
	v := p.r.U8()
	if p.failed() {
		p.blame(what)
	}
	return v
}

// option reads the byte before an optional value.
func (p *parser) option(what string) bool {
	v := p.r.Bool()
	if p.failed() {
		p.blame(what)
	}
	return v
}

// compact reads a compact integer of 32 bits.
func (p *parser) compact(what string) uint32 {
	v := p.r.Compact()
	if v > 1<<32-1 {
		p.r.Fail(fmt.Errorf("%d exceeds 32 bits", v))
	}
	if p.failed() {
		p.blame(what)
		return 0
	}
	return uint32(v)
}

func (p *parser) str(what string) string {
	b := p.r.ByteString()
	if p.failed() {
		p.blame(what)
		return ""
	}
	if len(b) == 0 {
		return "" // and no pointer for the collector to follow
	}
	end := p.r.Offset()
	start := end - len(b)
	s := p.text[start:end]
	if !ascii(p.data, start, end) && !utf8.ValidString(s) {
		p.fail(what, "text that is no UTF-8 ends here: %.40q", s)
		return ""
	}
	return s
}

// ascii reports whether b is ASCII from start to end, which is not the same place.
// It reads eight bytes at a time: those of a short text with what follows it.
func ascii(b []byte, start, end int) bool {
	const high = 0x8080808080808080
	var all uint64
	for ; start+8 <= end; start += 8 {
		all |= binary.LittleEndian.Uint64(b[start:])
	}
	if start+8 <= len(b) {
		// The shift leaves what belongs to the text; all of it goes for none.
		all |= binary.LittleEndian.Uint64(b[start:]) << (64 - 8*(end-start))
	} else {
		for ; start < end; start++ {
			all |= uint64(b[start])
		}
	}
	return all&high == 0
}

// maybeStr reads an optional string, "" for none.
func (p *parser) maybeStr(what string) string {
	if p.option(what) {
		return p.str(what)
	}
	return ""
}

// raw reads a byte string and copies it.
func (p *parser) raw(what string) []byte {
	if p.failed() {
		return nil
	}
	b := p.r.ByteString()
	if p.failed() {
		p.note(what)
		return nil
	}
	if len(b) == 0 {
		return nil
	}
	return append(p.bytes.take(len(b)), b...)
}

// texts is list for strings: most of the metadata is lines of documentation.
func (p *parser) texts(what string) []string {
	if p.failed() {
		return nil
	}
	n := p.r.Len(1)
	if p.failed() {
		p.note(what + " count")
		return nil
	}
	if n == 0 {
		return nil
	}
	texts := p.strings.take(min(n, reserve))
	for i := range n {
		texts = append(texts, p.str("text"))
		if p.failed() {
			p.note(what + " " + strconv.Itoa(i))
			return nil
		}
	}
	return texts
}

// docs reads lines and keeps them together.
func (p *parser) docs() Docs {
	start := p.r.Offset()
	if p.failed() {
		return ""
	}
	n := p.r.Len(1)
	if p.failed() {
		p.note("docs line count")
		return ""
	}
	if n == 0 {
		return ""
	}
	for i := range n {
		p.str("text")
		if p.failed() {
			p.note("docs line " + strconv.Itoa(i))
			return ""
		}
	}
	return Docs(p.text[start:p.r.Offset()])
}

// id reads a type that must be in the registry.
func (p *parser) id(what string) TypeID {
	v := p.compact(what)
	if !p.failed() && int64(v) >= int64(p.types) {
		p.fail(what, "type %d is named, the registry has only %d types", v, p.types)
	}
	return TypeID(v)
}

// maybeID reads an optional type.
func (p *parser) maybeID(what string) TypeID {
	if p.option(what) {
		return p.id(what)
	}
	return NoType
}

func (p *parser) metadata(m *Metadata) {
	p.reg = m.Types
	p.registry(m.Types)
	m.Pallets = list(p, nil, 7, maxNumbered, "pallet", (*parser).pallet)
	p.within("extrinsic", func() { p.extrinsic(&m.Extrinsic) })
	if p.version <= 15 {
		m.RuntimeType = p.id("type of the runtime")
	}
	if p.version == 14 {
		return
	}
	m.APIs = list(p, nil, 3, unlimited, "runtime API", (*parser).api)
	m.CallType = p.id("type of all calls")
	m.EventType = p.id("type of all events")
	m.ErrorType = p.id("type of all errors")
	m.Custom = list(p, nil, 3, unlimited, "custom value", func(p *parser, c *CustomValue) {
		c.Name = p.str("name")
		c.Type = p.id("type")
		c.Value = p.raw("value")
	})
}

// registry reads the types. Their own numbers are their positions.
func (p *parser) registry(r *Registry) {
	ahead := p.r // the size is needed before the first type
	p.types = int(min(ahead.Compact(), maxTypes))
	next := TypeID(0)
	r.Types = list(p, nil, 6, maxTypes, "type", func(p *parser, t *Type) {
		if id := TypeID(p.compact("number")); id != next {
			p.fail("number", "type %d stands where type %d belongs", id, next)
		}
		next++
		p.typ(t)
	})
}

func (p *parser) typ(t *Type) {
	t.Elem, t.Order = NoType, NoType
	t.Path = p.texts("path segment")
	t.Params = list(p, &p.params, 2, unlimited, "parameter", func(p *parser, t *TypeParam) {
		t.Name = p.str("name")
		t.Type = p.maybeID("type")
	})
	t.Kind = Kind(p.u8("kind"))
	switch t.Kind {
	case Composite:
		t.Fields = p.fieldList()
	case Variant:
		t.Variants = list(p, &p.variants, 4, maxNumbered, "variant", func(p *parser, v *VariantDef) {
			v.Name = p.str("name")
			v.Fields = p.fieldList()
			v.Index = p.u8("index")
			v.Docs = p.docs()
		})
	case Sequence, Compact:
		t.Elem = p.id("element type")
	case Array:
		if !p.failed() {
			if t.Len = p.r.U32(); p.failed() {
				p.note("length")
			}
		}
		t.Elem = p.id("element type")
	case Tuple:
		t.Items = list(p, &p.ids, 1, unlimited, "item", func(p *parser, id *TypeID) { *id = p.id("type") })
	case Primitive:
		if t.Primitive = PrimitiveKind(p.u8("primitive")); t.Primitive > I256 {
			p.fail("primitive", "primitive %d is not known", t.Primitive)
		}
	case BitSequence:
		t.Elem = p.id("type of the store")
		t.Order = p.id("type of the order")
	default:
		p.fail("kind", "kind %d is not known", t.Kind)
	}
	t.Docs = p.docs()
}

func (p *parser) fieldList() []Field {
	return list(p, &p.fields, 4, unlimited, "field", func(p *parser, f *Field) {
		f.Name = p.maybeStr("name")
		f.Type = p.id("type")
		f.TypeName = p.maybeStr("type name")
		f.Docs = p.docs()
	})
}

func (p *parser) pallet(l *Pallet) {
	l.Name = p.str("name")
	if l.HasStorage = p.option("storage"); l.HasStorage {
		l.Prefix = p.str("storage prefix")
		l.Storage = list(p, &p.entries, 6, unlimited, "storage entry", (*parser).entry)
	}
	l.Calls, l.DeprecatedCalls = p.enum("calls")
	l.Events, l.DeprecatedEvents = p.enum("events")
	l.Constants = list(p, &p.constants, 4, unlimited, "constant", func(p *parser, c *Constant) {
		c.Name = p.str("name")
		c.Type = p.id("type")
		c.Value = p.raw("value")
		c.Docs = p.docs()
		c.Deprecation = p.deprecation()
	})
	l.Errors, l.DeprecatedErrors = p.enum("errors")
	if p.version >= 16 {
		l.Associated = list(p, nil, 3, unlimited, "associated type", func(p *parser, a *AssociatedType) {
			a.Name = p.str("name")
			a.Type = p.id("type")
			a.Docs = p.docs()
		})
		l.ViewFunctions = list(p, nil, 36, unlimited, "view function", func(p *parser, v *ViewFunction) {
			copy(v.ID[:], p.r.Bytes(len(v.ID)))
			if p.failed() {
				p.note("id")
			}
			p.method(&v.Method)
		})
	}
	l.Index = p.u8("index")
	if p.version >= 15 {
		l.Docs = p.docs()
	}
	l.Deprecation = p.deprecation()
}

// enum reads an optional enum of a pallet.
func (p *parser) enum(what string) (TypeID, []DeprecatedVariant) {
	id := p.maybeID(what)
	if id == NoType || p.failed() {
		return id, nil
	}
	if p.reg.Types[id].Kind != Variant {
		p.fail(what, "type %d is no enum", id)
		return id, nil
	}
	if p.version < 16 {
		return id, nil
	}
	return id, list(p, nil, 2, maxNumbered, "deprecation of "+what, func(p *parser, d *DeprecatedVariant) {
		d.Index = p.u8("index")
		switch kind := p.u8("kind"); {
		case kind == 2:
			d.Note = p.deprecationNote()
		case kind != 1:
			p.fail("kind", "kind %d is not known", kind)
		}
	})
}

// deprecation reads what version 16 says of an item, nothing before.
func (p *parser) deprecation() Deprecation {
	if p.version < 16 {
		return Deprecation{}
	}
	switch kind := p.u8("deprecation"); kind {
	case 0:
	case 1:
		return Deprecation{Deprecated: true}
	case 2:
		return Deprecation{Deprecated: true, Note: p.deprecationNote()}
	default:
		p.fail("deprecation", "kind %d is not known", kind)
	}
	return Deprecation{}
}

func (p *parser) deprecationNote() *DeprecationNote {
	return &DeprecationNote{Note: p.str("deprecation note"), Since: p.maybeStr("deprecation since")}
}

func (p *parser) entry(e *StorageEntry) {
	e.Name = p.str("name")
	modifier := p.u8("modifier")
	if modifier > 1 {
		p.fail("modifier", "modifier %d is not known", modifier)
	}
	e.Optional = modifier == 0
	e.Key = NoType
	if isMap := p.option("form"); isMap {
		e.Hashers = list(p, &p.hashers, 1, unlimited, "hasher", func(p *parser, h *Hasher) {
			if *h = Hasher(p.u8("kind")); *h > Identity {
				p.fail("kind", "hasher %d is not known", *h)
			}
		})
		e.Key = p.id("key type")
		if !p.failed() {
			p.keys(e)
		}
	}
	e.Value = p.id("value type")
	e.Default = p.raw("default")
	e.Docs = p.docs()
	e.Deprecation = p.deprecation()
}

// keys checks that each hasher has its key.
func (p *parser) keys(e *StorageEntry) {
	switch n := len(e.Hashers); {
	case n == 0:
		p.fail("hashers", "a map without any")
	case n > 1:
		if t := &p.reg.Types[e.Key]; t.Kind != Tuple || len(t.Items) != n {
			p.fail("key type", "type %d is no tuple of %d keys, one for each hasher", e.Key, n)
		}
	}
}

func (p *parser) extrinsic(x *Extrinsic) {
	x.Type, x.Address, x.Call, x.Signature, x.Extra = NoType, NoType, NoType, NoType, NoType
	switch p.version {
	case 14:
		x.Type = p.id("type")
		x.Versions = []uint8{p.u8("version")}
		if !p.failed() {
			p.extrinsicParams(x)
		}
	case 15:
		x.Versions = []uint8{p.u8("version")}
		x.Address = p.id("address type")
		x.Call = p.id("call type")
		x.Signature = p.id("signature type")
		x.Extra = p.id("extra type")
	default:
		if x.Versions = p.raw("versions"); len(x.Versions) == 0 {
			p.fail("versions", "there are none")
		}
		x.Address = p.id("address type")
		x.Call = p.id("call type")
		x.Signature = p.id("signature type")
		x.ByVersion = list(p, nil, 2, maxNumbered, "extension version", func(p *parser, s *ExtensionSet) {
			s.Version = p.u8("version")
			s.Indexes = list(p, nil, 1, unlimited, "extension", func(p *parser, i *uint32) { *i = p.compact("index") })
		})
	}
	x.Extensions = list(p, nil, 3, unlimited, "extension", func(p *parser, e *Extension) {
		e.Identifier = p.str("identifier")
		e.Extra = p.id("type")
		e.Additional = p.id("additional type")
	})
	for _, s := range x.ByVersion {
		for _, i := range s.Indexes {
			if uint64(i) >= uint64(len(x.Extensions)) {
				p.fail("extension version "+strconv.Itoa(int(s.Version)), "extension %d is named, there are only %d", i, len(x.Extensions))
			}
		}
	}
}

// extrinsicParams takes from an extrinsic's type what later versions say
// themselves. A wrapper around the generic extrinsic has the same parameters.
func (p *parser) extrinsicParams(x *Extrinsic) {
	for _, t := range p.reg.Types[x.Type].Params {
		switch t.Name {
		case "Address":
			x.Address = t.Type
		case "Call":
			x.Call = t.Type
		case "Signature":
			x.Signature = t.Type
		case "Extra", "Extension":
			x.Extra = t.Type
		}
	}
}

func (p *parser) api(a *API) {
	a.Name = p.str("name")
	a.Methods = list(p, &p.methods, 4, unlimited, "method", (*parser).method)
	a.Docs = p.docs()
	if p.version >= 16 {
		a.Version = p.compact("version")
	}
	a.Deprecation = p.deprecation()
}

func (p *parser) method(m *Method) {
	m.Name = p.str("name")
	m.Inputs = list(p, &p.inputs, 2, unlimited, "input", func(p *parser, i *Param) {
		i.Name = p.str("name")
		i.Type = p.id("type")
	})
	m.Output = p.id("output type")
	m.Docs = p.docs()
	m.Deprecation = p.deprecation()
}
