package metadata

import (
	"fmt"
	"strings"

	"github.com/bittensor-go/bt/substrate/scale"
)

// Append encodes the model as version 14, 15 or 16, whichever it was read from.
// What Parse read and nobody changed becomes the same bytes again.
//
// What a version cannot say is left out. What it needs must be there: one of
// Extrinsic.Versions (14 and 15 say only the first); for 14 RuntimeType and
// Extrinsic.Type; for 15 RuntimeType and the Address, Call, Signature and Extra
// of the Extrinsic; for 16 the same without Extra; for both the CallType,
// EventType and ErrorType. Version 16 lists all Extensions under transaction
// extension version 0 where ByVersion is empty. The error names what is missing,
// and any type that is not in the registry.
func (m *Metadata) Append(dst []byte, version uint8) ([]byte, error) {
	if version < 14 || version > 16 {
		return nil, fmt.Errorf("metadata cannot be written in version %d, only in 14, 15 and 16", version)
	}
	e := &encoder{dst: append(append(dst, magic...), version), version: version, types: m.Types}
	e.metadata(m)
	if e.err != nil {
		return nil, fmt.Errorf("metadata version %d: %w", version, e.err)
	}
	return e.dst, nil
}

// encoder writes one metadata. The first error sticks.
type encoder struct {
	dst     []byte
	version uint8
	types   *Registry
	err     error
}

func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

func (e *encoder) u8(v uint8)      { e.dst = append(e.dst, v) }
func (e *encoder) length(n int)    { e.dst = scale.AppendCompact(e.dst, uint64(n)) }
func (e *encoder) str(s string)    { e.dst = scale.AppendByteString(e.dst, s) }
func (e *encoder) raw(b []byte)    { e.dst = scale.AppendByteString(e.dst, b) }
func (e *encoder) option(has bool) { e.dst = scale.AppendBool(e.dst, has) }

func (e *encoder) maybeStr(s string) {
	if e.option(s != ""); s != "" {
		e.str(s)
	}
}

func (e *encoder) texts(lines []string) {
	e.length(len(lines))
	for _, s := range lines {
		e.str(s)
	}
}

func (e *encoder) docs(d Docs) { e.texts(d.Lines()) }

// id writes a type. The owner's name is put together only for an error.
func (e *encoder) id(id TypeID, owner ...string) {
	if e.types.Type(id) == nil {
		what := strings.Join(owner, ".")
		if id == NoType {
			e.fail("%s is not set", what)
		} else {
			e.fail("%s is type %d, the registry has only %d types", what, id, len(e.types.Types))
		}
	}
	e.dst = scale.AppendCompact(e.dst, uint64(id))
}

func (e *encoder) metadata(m *Metadata) {
	if m.Types == nil {
		e.types = new(Registry)
	}
	e.length(len(e.types.Types))
	for i := range e.types.Types {
		e.dst = scale.AppendCompact(e.dst, uint64(i))
		e.typ(&e.types.Types[i], i)
	}
	e.length(len(m.Pallets))
	for i := range m.Pallets {
		e.pallet(&m.Pallets[i])
	}
	e.extrinsic(&m.Extrinsic)
	if e.version <= 15 {
		e.id(m.RuntimeType, "RuntimeType")
	}
	if e.version == 14 {
		return
	}
	e.length(len(m.APIs))
	for i := range m.APIs {
		e.api(&m.APIs[i])
	}
	e.id(m.CallType, "CallType")
	e.id(m.EventType, "EventType")
	e.id(m.ErrorType, "ErrorType")
	e.length(len(m.Custom))
	for _, c := range m.Custom {
		e.str(c.Name)
		e.id(c.Type, "custom value", c.Name)
		e.raw(c.Value)
	}
}

func (e *encoder) typ(t *Type, number int) {
	if e.err != nil {
		return
	}
	e.texts(t.Path)
	e.length(len(t.Params))
	for _, p := range t.Params {
		e.str(p.Name)
		if e.option(p.Type != NoType); p.Type != NoType {
			e.id(p.Type, "parameter", p.Name)
		}
	}
	e.u8(uint8(t.Kind))
	switch t.Kind {
	case Composite:
		e.fields(t.Fields, "field")
	case Variant:
		e.length(len(t.Variants))
		for _, v := range t.Variants {
			e.str(v.Name)
			e.fields(v.Fields, v.Name)
			e.u8(v.Index)
			e.docs(v.Docs)
		}
	case Sequence, Compact:
		e.id(t.Elem, "Elem")
	case Array:
		e.dst = scale.AppendU32(e.dst, t.Len)
		e.id(t.Elem, "Elem")
	case Tuple:
		e.length(len(t.Items))
		for _, id := range t.Items {
			e.id(id, "Items")
		}
	case Primitive:
		if t.Primitive > I256 {
			e.fail("primitive %d is not known", t.Primitive)
		}
		e.u8(uint8(t.Primitive))
	case BitSequence:
		e.id(t.Elem, "Elem")
		e.id(t.Order, "Order")
	default:
		e.fail("kind %d is not known", t.Kind)
	}
	e.docs(t.Docs)
	if e.err != nil {
		e.err = fmt.Errorf("type %d %s: %w", number, t.label(), e.err)
	}
}

func (e *encoder) fields(fields []Field, owner string) {
	e.length(len(fields))
	for _, f := range fields {
		e.maybeStr(f.Name)
		e.id(f.Type, owner, f.Name)
		e.maybeStr(f.TypeName)
		e.docs(f.Docs)
	}
}

func (e *encoder) pallet(p *Pallet) {
	e.str(p.Name)
	has := p.HasStorage || len(p.Storage) > 0
	if e.option(has); has {
		e.str(p.Prefix)
		e.length(len(p.Storage))
		for i := range p.Storage {
			e.entry(p, &p.Storage[i])
		}
	}
	e.enum(p.Calls, p.DeprecatedCalls, p.Name, "Calls")
	e.enum(p.Events, p.DeprecatedEvents, p.Name, "Events")
	e.length(len(p.Constants))
	for i := range p.Constants {
		c := &p.Constants[i]
		e.str(c.Name)
		e.id(c.Type, p.Name, c.Name)
		e.raw(c.Value)
		e.docs(c.Docs)
		e.deprecation(c.Deprecation)
	}
	e.enum(p.Errors, p.DeprecatedErrors, p.Name, "Errors")
	if e.version >= 16 {
		e.length(len(p.Associated))
		for _, a := range p.Associated {
			e.str(a.Name)
			e.id(a.Type, p.Name, a.Name)
			e.docs(a.Docs)
		}
		e.length(len(p.ViewFunctions))
		for i := range p.ViewFunctions {
			e.dst = append(e.dst, p.ViewFunctions[i].ID[:]...)
			e.method(&p.ViewFunctions[i].Method, p.Name)
		}
	}
	e.u8(p.Index)
	if e.version >= 15 {
		e.docs(p.Docs)
	}
	e.deprecation(p.Deprecation)
}

func (e *encoder) enum(id TypeID, variants []DeprecatedVariant, owner ...string) {
	e.option(id != NoType)
	if id == NoType {
		return
	}
	e.id(id, owner...)
	if t := e.types.Type(id); t != nil && t.Kind != Variant {
		e.fail("%s: type %d is no enum", strings.Join(owner, "."), id)
	}
	if e.version < 16 {
		return
	}
	e.length(len(variants))
	for _, d := range variants {
		e.u8(d.Index)
		e.deprecation(Deprecation{Deprecated: true, Note: d.Note})
	}
}

func (e *encoder) deprecation(d Deprecation) {
	switch {
	case e.version < 16:
	case !d.Deprecated:
		e.u8(0)
	case d.Note == nil:
		e.u8(1)
	default:
		e.u8(2)
		e.str(d.Note.Note)
		e.maybeStr(d.Note.Since)
	}
}

func (e *encoder) entry(p *Pallet, s *StorageEntry) {
	e.str(s.Name)
	e.option(!s.Optional) // the modifiers are 0 Optional and 1 Default
	if e.option(len(s.Hashers) > 0); len(s.Hashers) > 0 {
		e.length(len(s.Hashers))
		for _, h := range s.Hashers {
			if h > Identity {
				e.fail("%s.%s: hasher %d is not known", p.Name, s.Name, h)
			}
			e.u8(uint8(h))
		}
		e.id(s.Key, p.Name, s.Name, "Key")
	}
	e.id(s.Value, p.Name, s.Name, "Value")
	e.raw(s.Default)
	e.docs(s.Docs)
	e.deprecation(s.Deprecation)
}

func (e *encoder) extrinsic(x *Extrinsic) {
	if len(x.Versions) == 0 {
		e.fail("Extrinsic.Versions is empty")
		return
	}
	switch e.version {
	case 14:
		e.id(x.Type, "Extrinsic", "Type")
		e.u8(x.Versions[0])
	case 15:
		e.u8(x.Versions[0])
		e.id(x.Address, "Extrinsic", "Address")
		e.id(x.Call, "Extrinsic", "Call")
		e.id(x.Signature, "Extrinsic", "Signature")
		e.id(x.Extra, "Extrinsic", "Extra")
	default:
		e.raw(x.Versions)
		e.id(x.Address, "Extrinsic", "Address")
		e.id(x.Call, "Extrinsic", "Call")
		e.id(x.Signature, "Extrinsic", "Signature")
		e.sets(x)
	}
	e.length(len(x.Extensions))
	for _, ext := range x.Extensions {
		e.str(ext.Identifier)
		e.id(ext.Extra, "extension", ext.Identifier, "Extra")
		e.id(ext.Additional, "extension", ext.Identifier, "Additional")
	}
}

func (e *encoder) sets(x *Extrinsic) {
	sets := x.ByVersion
	if len(sets) == 0 {
		all := ExtensionSet{Indexes: make([]uint32, len(x.Extensions))}
		for i := range all.Indexes {
			all.Indexes[i] = uint32(i)
		}
		sets = []ExtensionSet{all}
	}
	e.length(len(sets))
	for _, s := range sets {
		e.u8(s.Version)
		e.length(len(s.Indexes))
		for _, i := range s.Indexes {
			e.dst = scale.AppendCompact(e.dst, uint64(i))
		}
	}
}

func (e *encoder) api(a *API) {
	e.str(a.Name)
	e.length(len(a.Methods))
	for i := range a.Methods {
		e.method(&a.Methods[i], a.Name)
	}
	e.docs(a.Docs)
	if e.version >= 16 {
		e.dst = scale.AppendCompact(e.dst, uint64(a.Version))
	}
	e.deprecation(a.Deprecation)
}

func (e *encoder) method(m *Method, owner string) {
	e.str(m.Name)
	e.length(len(m.Inputs))
	for _, i := range m.Inputs {
		e.str(i.Name)
		e.id(i.Type, owner, m.Name, i.Name)
	}
	e.id(m.Output, owner, m.Name, "Output")
	e.docs(m.Docs)
	e.deprecation(m.Deprecation)
}
