package codec

import (
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// encoder is the state of one call.
type encoder struct {
	c     *Codec
	buf   []byte
	depth int
}

func (e *encoder) enter() error {
	if e.depth++; e.depth > maxDepth {
		return errDepth
	}
	return nil
}

func (e *encoder) leave() { e.depth-- }

// any encodes a dynamic value, or a Go value of any type.
func (e *encoder) any(n *node, v any) error {
	if err := e.enter(); err != nil {
		return err
	}
	defer e.leave()
	if r, ok := v.(Record); ok {
		v = &r
	}
	if r, ok := v.(Variant); ok {
		v = &r
	}
	if n.kind == kOption {
		return e.option(n, v)
	}
	if n.kind == kStruct && len(n.fields) == 1 && !isRecordOf(v, n.fields[0].name) {
		// The value of a struct of one field stands for the struct, unless it is
		// a Go struct: the names decide about those.
		if t := reflect.TypeOf(v); t == nil || !plainBelow(t) {
			return e.any(n.fields[0].node, v)
		}
	}
	switch v := v.(type) {
	case nil:
		if n.kind == kTuple && len(n.fields) == 0 {
			return nil
		}
		return fmt.Errorf("a value is missing for the chain's %s", e.c.describe(n))
	case *Record:
		if v == nil {
			return fmt.Errorf("a value is missing for the chain's %s", e.c.describe(n))
		}
		if n.kind == kStruct || n.kind == kTuple {
			return e.record(n.fields, n.kind == kTuple, v.Fields)
		}
	case map[string]any:
		if n.kind == kStruct {
			return e.fieldMap(n.fields, v)
		}
	case *Variant:
		if v != nil && n.kind == kEnum {
			return e.variant(n, v)
		}
	case []any:
		return e.list(n, v)
	case bool:
		if n.kind == kBool {
			e.buf = scale.AppendBool(e.buf, v)
			return nil
		}
	case uint64:
		return e.unsigned(n, scale.U128{Lo: v})
	case scale.U128:
		return e.unsigned(n, v)
	case *big.Int:
		if v != nil {
			return e.big(n, v)
		}
	default:
		return e.reflect(n, reflect.ValueOf(v))
	}
	return e.wrong(n, v)
}

// plainBelow reports whether a type is a struct without a meaning of its own, or
// pointers to one.
func plainBelow(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return plain(t)
}

// isRecordOf reports whether v is a record of just that field.
func isRecordOf(v any, name string) bool {
	switch v := v.(type) {
	case *Record:
		return v != nil && len(v.Fields) == 1 && v.Fields[0].Name == name
	case map[string]any:
		_, ok := v[name]
		return ok && len(v) == 1
	}
	return false
}

func (e *encoder) wrong(n *node, v any) error {
	return fmt.Errorf("%T does not correspond to the chain's %s", v, e.c.describe(n))
}

// describe writes a type of the chain as Rust would.
func (c *Codec) describe(n *node) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.describeLocked(n.id)
}

func (e *encoder) option(n *node, v any) error {
	if v == nil {
		e.buf = append(e.buf, 0)
		return nil
	}
	if x, ok := v.(*Variant); ok && n.elem.kind != kEnum {
		switch {
		case x == nil || x.Name == "None" && len(x.Fields) == 0:
			e.buf = append(e.buf, 0)
			return nil
		case x.Name == "Some" && len(x.Fields) == 1:
			e.buf = append(e.buf, 1)
			return e.any(n.elem, x.Fields[0].Value)
		}
		return e.wrong(n, v)
	}
	switch v.(type) {
	case *Record, *Variant, *big.Int:
	default:
		if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer {
			if p.IsNil() {
				e.buf = append(e.buf, 0)
				return nil
			}
			v = p.Elem().Interface()
		}
	}
	e.buf = append(e.buf, 1)
	return e.any(n.elem, v)
}

// record encodes fields by name, or by position where neither side has names.
func (e *encoder) record(fields []field, positional bool, values []NamedValue) error {
	if len(fields) != len(values) {
		return fmt.Errorf("%d fields for the chain's %d (%s)", len(values), len(fields), nodeNames(fields))
	}
	positional = positional || !slices.ContainsFunc(values, func(v NamedValue) bool { return v.Name != "" })
	for i, f := range fields {
		at := i
		if !positional && values[i].Name != f.name {
			at = slices.IndexFunc(values, func(v NamedValue) bool { return v.Name == f.name })
			if at < 0 {
				return fmt.Errorf("field %q is missing", f.name)
			}
		}
		if err := e.any(f.node, values[at].Value); err != nil {
			return within("."+f.name, err)
		}
	}
	return nil
}

func (e *encoder) fieldMap(fields []field, values map[string]any) error {
	for _, f := range fields {
		v, ok := values[f.name]
		if !ok {
			return fmt.Errorf("field %q is missing", f.name)
		}
		if err := e.any(f.node, v); err != nil {
			return within("."+f.name, err)
		}
	}
	if len(values) > len(fields) {
		return fmt.Errorf("%d fields for the chain's %d (%s)", len(values), len(fields), nodeNames(fields))
	}
	return nil
}

func (e *encoder) variant(n *node, v *Variant) error {
	a := n.named(v.Name)
	if i := n.find(v.Index); i >= 0 && (v.Name == "" || v.Name == n.alts[i].name) {
		a = &n.alts[i]
	}
	if a == nil {
		return fmt.Errorf("the chain's %s has no alternative %q (%d)", e.c.describe(n), v.Name, v.Index)
	}
	e.buf = append(e.buf, a.index)
	if err := e.record(a.fields, a.positional, v.Fields); err != nil {
		return within("."+a.name, err)
	}
	return nil
}

func (e *encoder) list(n *node, list []any) error {
	switch n.kind {
	case kSeq:
		e.buf = scale.AppendCompact(e.buf, uint64(len(list)))
	case kArray:
		if len(list) != n.length {
			return fmt.Errorf("%d items for the chain's %d", len(list), n.length)
		}
	case kTuple:
		if len(list) != len(n.fields) {
			return fmt.Errorf("%d items for the chain's %d", len(list), len(n.fields))
		}
		for i, f := range n.fields {
			if err := e.any(f.node, list[i]); err != nil {
				return within("."+f.name, err)
			}
		}
		return nil
	default:
		return e.wrong(n, list)
	}
	for i, v := range list {
		if err := e.any(n.elem, v); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
	}
	return nil
}

// unsigned encodes an integer that is not negative.
func (e *encoder) unsigned(n *node, v scale.U128) error {
	switch n.kind {
	case kCompact, kUint:
		if n.width < 16 && (v.Hi != 0 || v.Lo > maxOf(n.width)) {
			return fmt.Errorf("%v exceeds u%d", fromU128(v), 8*int(n.width))
		}
		if n.kind == kCompact {
			e.buf = scale.AppendCompact128(e.buf, v)
		} else {
			e.little(v, int(n.width))
		}
		return nil
	case kInt, kBig:
		return e.big(n, fromU128(v))
	case kChar:
		if v.Hi == 0 && v.Lo <= utf8.MaxRune && utf8.ValidRune(rune(v.Lo)) {
			e.little(v, 4)
			return nil
		}
	}
	return e.wrong(n, v)
}

// little appends the low bytes of v, the lowest first.
func (e *encoder) little(v scale.U128, width int) {
	e.buf = scale.AppendU128(e.buf, v)
	e.buf = e.buf[:len(e.buf)-16+width]
}

// big encodes an integer of any size.
func (e *encoder) big(n *node, v *big.Int) error {
	width, signed := int(n.width), n.kind == kInt
	switch n.kind {
	case kBig:
		width, signed = 32, n.signed
	case kUint, kCompact:
		if v.Sign() >= 0 && v.BitLen() <= 128 {
			return e.unsigned(n, toU128(v))
		}
		return fmt.Errorf("%v is no u%d", v, 8*width)
	case kInt:
	default:
		return e.wrong(n, v)
	}
	bits, letter := 8*width, "u"
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(bits))
	if signed {
		letter = "i"
		high.Rsh(high, 1)
		low.Neg(high)
	}
	if v.Cmp(low) < 0 || v.Cmp(high) >= 0 {
		return fmt.Errorf("%v is no %s%d", v, letter, bits)
	}
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
	}
	b := v.FillBytes(make([]byte, width))
	slices.Reverse(b)
	e.buf = append(e.buf, b...)
	return nil
}

func fromU128(v scale.U128) *big.Int {
	wide := new(big.Int).SetUint64(v.Hi)
	return wide.Lsh(wide, 64).Or(wide, new(big.Int).SetUint64(v.Lo))
}

// toU128 converts an integer of up to 128 bits.
func toU128(v *big.Int) scale.U128 {
	return scale.U128{Lo: new(big.Int).And(v, new(big.Int).SetUint64(^uint64(0))).Uint64(), Hi: new(big.Int).Rsh(v, 64).Uint64()}
}

// text encodes a string or bytes.
func (e *encoder) text(n *node, b []byte) error {
	switch n.kind {
	case kStr, kBytes:
		e.buf = scale.AppendByteString(e.buf, b)
		return nil
	case kFixed:
		if len(b) != n.length {
			return fmt.Errorf("%d bytes for the chain's %d", len(b), n.length)
		}
		e.buf = append(e.buf, b...)
		return nil
	case kSeq:
		if n.elem.kind == kCompact {
			e.buf = scale.AppendCompact(e.buf, uint64(len(b)))
			for _, c := range b {
				e.buf = scale.AppendCompact(e.buf, uint64(c))
			}
			return nil
		}
	}
	return e.wrong(n, b)
}

// named encodes an alternative without fields, or a character.
func (e *encoder) named(n *node, s string) error {
	if n.kind == kChar {
		if r, size := utf8.DecodeRuneInString(s); size == len(s) && size > 0 && (r != utf8.RuneError || size > 1) {
			return e.unsigned(n, scale.U128{Lo: uint64(r)})
		}
		return fmt.Errorf("%q is not one character", s)
	}
	a := n.named(s)
	if a == nil || len(a.fields) > 0 {
		return fmt.Errorf("the chain's %s has no alternative %q without fields", e.c.describe(n), s)
	}
	e.buf = append(e.buf, a.index)
	return nil
}

func (e *encoder) bits(n *node, bits []bool) {
	e.buf = scale.AppendCompact(e.buf, uint64(len(bits)))
	word := 8 * int(n.width)
	start := len(e.buf)
	e.buf = append(e.buf, make([]byte, (len(bits)+word-1)/word*int(n.width))...)
	for i, v := range bits {
		if v {
			at, bit := n.bit(i)
			e.buf[start+at] |= 1 << bit
		}
	}
}

// nodeNames lists fields for messages.
func nodeNames(fields []field) string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.name
	}
	return strings.Join(list, ", ")
}

// names lists fields for messages.
func names(fields []metadata.Field) string {
	if len(fields) == 0 {
		return "none"
	}
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = fieldName(f.Name, i)
	}
	return strings.Join(list, ", ")
}

// unknown returns the first name that no field has.
func unknown(fields []metadata.Field, args map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(args)) {
		known := false
		for i, f := range fields {
			known = known || fieldName(f.Name, i) == name
		}
		if !known {
			return fmt.Sprintf("%q", name)
		}
	}
	return "twice"
}
