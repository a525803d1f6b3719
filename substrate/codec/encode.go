package codec

import (
	"fmt"
	"math/big"
	"reflect"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// encoding is a compiled pair. Where types contain themselves append is set later
// than the pair is used.
type encoding struct {
	append func(e *encoder, v reflect.Value) error
}

// reflect encodes a Go value by a compiled encoder.
func (e *encoder) reflect(n *node, v reflect.Value) error {
	enc, err := e.c.encoder(n, v.Type())
	if err != nil {
		return err
	}
	return enc.append(e, v)
}

// encoder returns the compiled pair.
func (c *Codec) encoder(n *node, t reflect.Type) (*encoding, error) {
	key := pair{n.id, t}
	if enc, ok := c.encoders.Load(key); ok {
		return enc.(*encoding), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := writer{c: c}
	enc, err := w.encoding(n, t)
	if err != nil {
		for _, key := range w.made {
			delete(c.encoding, key)
		}
		return nil, err
	}
	c.encoders.Store(key, enc)
	return enc, nil
}

// writer compiles encodings, with the codec's lock held.
type writer struct {
	c     *Codec
	depth int
	made  []pair
}

func (w *writer) encoding(n *node, t reflect.Type) (*encoding, error) {
	key := pair{n.id, t}
	if enc, ok := w.c.encoding[key]; ok && n.id != metadata.NoType {
		return enc, nil
	}
	if w.depth++; w.depth > maxDepth {
		return nil, errDepth
	}
	defer func() { w.depth-- }()
	enc := new(encoding)
	if n.id != metadata.NoType { // that is the fields of an alternative
		w.c.encoding[key] = enc
		w.made = append(w.made, key)
	}
	inner, goType, via, err := unwrap(n, t)
	if err != nil {
		return nil, err
	}
	f, err := w.compile(inner, goType)
	if err != nil {
		return nil, err
	}
	enc.append = f
	if len(via) > 0 {
		var index []int
		for _, f := range via {
			index = append(index, f.Index...)
		}
		enc.append = func(e *encoder, v reflect.Value) error { return f(e, v.FieldByIndex(index)) }
	}
	return enc, nil
}

type appender = func(e *encoder, v reflect.Value) error

func (w *writer) compile(n *node, t reflect.Type) (appender, error) {
	mismatch := func() (appender, error) { return nil, w.c.mismatch(n, t) }
	switch {
	case t.Kind() == reflect.Interface, isDynamic(t):
		return func(e *encoder, v reflect.Value) error {
			if v.Kind() == reflect.Interface && v.IsNil() {
				return e.any(n, nil)
			}
			return e.any(n, v.Interface())
		}, nil
	case t == typeBig:
		return mismatch()
	case t.Kind() == reflect.Pointer:
		return w.pointer(n, t)
	case t == typeU128:
		if n.kind == kInt && n.width == 16 {
			return func(e *encoder, v reflect.Value) error {
				e.little(u128Of(v), 16)
				return nil
			}, nil
		}
		return func(e *encoder, v reflect.Value) error { return e.unsigned(n, u128Of(v)) }, nil
	}
	switch n.kind {
	case kBool:
		if t.Kind() == reflect.Bool {
			return func(e *encoder, v reflect.Value) error {
				e.buf = scale.AppendBool(e.buf, v.Bool())
				return nil
			}, nil
		}
	case kUint, kInt, kCompact, kBig, kChar:
		if _, _, signed, ok := goInt(t); ok {
			return func(e *encoder, v reflect.Value) error {
				if signed {
					if v.Int() < 0 || n.kind == kInt {
						return e.big(n, big.NewInt(v.Int()))
					}
					return e.unsigned(n, scale.U128{Lo: uint64(v.Int())})
				}
				return e.unsigned(n, scale.U128{Lo: v.Uint()})
			}, nil
		}
		if n.kind == kChar && t.Kind() == reflect.String {
			return func(e *encoder, v reflect.Value) error { return e.named(n, v.String()) }, nil
		}
		if n.kind == kBig && t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8 && t.Len() == 32 {
			return appendArray, nil
		}
	case kStr, kBytes, kFixed, kSeq, kArray:
		return w.list(n, t)
	case kTuple:
		return w.tuple(n, t)
	case kStruct:
		if plain(t) {
			return w.structure(n, t)
		}
	case kEnum:
		return w.enum(n, t)
	case kBits:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Bool {
			return func(e *encoder, v reflect.Value) error {
				bits := make([]bool, v.Len())
				for i := range bits {
					bits[i] = v.Index(i).Bool()
				}
				e.bits(n, bits)
				return nil
			}, nil
		}
	}
	return mismatch()
}

// u128Of returns a scale.U128 without taking memory for it.
func u128Of(v reflect.Value) scale.U128 {
	const lo, hi = 0, 1 // the order of its fields
	return scale.U128{Lo: v.Field(lo).Uint(), Hi: v.Field(hi).Uint()}
}

// isDynamic reports whether values of a Go type are encoded by any.
func isDynamic(t reflect.Type) bool {
	if t == typeRecord || t == typeVariant || t == reflect.TypeFor[[]any]() || t == reflect.TypeFor[map[string]any]() {
		return true
	}
	return t.Kind() == reflect.Pointer && (t.Elem() == typeRecord || t.Elem() == typeVariant || t.Elem() == typeBig)
}

func (w *writer) pointer(n *node, t reflect.Type) (appender, error) {
	inner := n
	if n.kind == kOption {
		inner = n.elem
	}
	elem, err := w.encoding(inner, t.Elem())
	if err != nil {
		return nil, err
	}
	return func(e *encoder, v reflect.Value) error {
		if err := e.enter(); err != nil {
			return err
		}
		defer e.leave()
		switch {
		case n.kind != kOption && v.IsNil():
			return fmt.Errorf("nil %s for the chain's %s", t, e.c.describe(n))
		case v.IsNil():
			e.buf = append(e.buf, 0)
			return nil
		case n.kind == kOption:
			e.buf = append(e.buf, 1)
		}
		return elem.append(e, v.Elem())
	}, nil
}

// appendArray encodes a Go array of bytes.
func appendArray(e *encoder, v reflect.Value) error {
	if v.CanAddr() {
		e.buf = append(e.buf, v.Bytes()...)
		return nil
	}
	for i := range v.Len() {
		e.buf = append(e.buf, uint8(v.Index(i).Uint()))
	}
	return nil
}

// list encodes slices, arrays and strings.
func (w *writer) list(n *node, t reflect.Type) (appender, error) {
	length := n.length
	fixed := n.kind == kFixed || n.kind == kArray
	array := t.Kind() == reflect.Array
	switch {
	case array && (!fixed || t.Len() != length), !array && t.Kind() != reflect.Slice && t.Kind() != reflect.String:
		return nil, w.c.mismatch(n, t)
	case array && n.kind == kFixed && t.Elem().Kind() == reflect.Uint8:
		return appendArray, nil
	case isText(t) && (n.kind != kSeq && n.kind != kArray || n.kind == kSeq && n.elem.kind == kCompact && n.elem.width == 1):
		return func(e *encoder, v reflect.Value) error {
			if v.Kind() == reflect.String {
				return e.text(n, []byte(v.String()))
			}
			return e.text(n, v.Bytes())
		}, nil
	case n.kind != kSeq && n.kind != kArray || t.Kind() == reflect.String:
		return nil, w.c.mismatch(n, t)
	}
	elem, err := w.encoding(n.elem, t.Elem())
	if err != nil {
		return nil, within("[]", err)
	}
	return func(e *encoder, v reflect.Value) error {
		if err := e.enter(); err != nil {
			return err
		}
		defer e.leave()
		if !fixed {
			e.buf = scale.AppendCompact(e.buf, uint64(v.Len()))
		} else if v.Len() != length {
			return fmt.Errorf("%d items for the chain's %d", v.Len(), length)
		}
		for i := range v.Len() {
			if err := elem.append(e, v.Index(i)); err != nil {
				return within(fmt.Sprintf("[%d]", i), err)
			}
		}
		return nil
	}, nil
}

// fieldAppender encodes one field of a Go struct, or one item of a Go array.
type fieldAppender struct {
	name  string
	index int
	enc   *encoding
}

func appendFields(fields []fieldAppender, item func(v reflect.Value, i int) reflect.Value) appender {
	return func(e *encoder, v reflect.Value) error {
		for _, f := range fields {
			if err := f.enc.append(e, item(v, f.index)); err != nil {
				return within("."+f.name, err)
			}
		}
		return nil
	}
}

func (w *writer) tuple(n *node, t reflect.Type) (appender, error) {
	array := t.Kind() == reflect.Array && t.Len() == len(n.fields)
	if !array && !plain(t) {
		return nil, w.c.mismatch(n, t)
	}
	var from []goField
	if !array {
		from = goFields(t)
		if err := samePositions(n, t, from); err != nil {
			return nil, err
		}
	}
	fields := make([]fieldAppender, len(n.fields))
	for i, f := range n.fields {
		index := i
		var elem reflect.Type
		if array {
			elem = t.Elem()
		} else {
			index, elem = from[i].Index[0], from[i].Type
		}
		enc, err := w.encoding(f.node, elem)
		if err != nil {
			return nil, within("."+f.name, err)
		}
		fields[i] = fieldAppender{f.name, index, enc}
	}
	if array {
		return appendFields(fields, reflect.Value.Index), nil
	}
	return appendFields(fields, reflect.Value.Field), nil
}

func (w *writer) structure(n *node, t reflect.Type) (appender, error) {
	from := goFields(t)
	byName := make(map[string]goField, len(from))
	for _, f := range from {
		byName[f.name] = f
	}
	fields := make([]fieldAppender, len(n.fields))
	for i, f := range n.fields {
		g, ok := byName[f.name]
		if !ok {
			return nil, fmt.Errorf("the Go type %s has no field for %q of the chain's %s", t, f.name, w.c.describeLocked(n.id))
		}
		delete(byName, f.name)
		enc, err := w.encoding(f.node, g.Type)
		if err != nil {
			return nil, within("."+f.name, err)
		}
		fields[i] = fieldAppender{f.name, g.Index[0], enc}
	}
	if err := w.c.absent(n, t, from, byName); err != nil {
		return nil, err
	}
	return appendFields(fields, reflect.Value.Field), nil
}

func (w *writer) enum(n *node, t reflect.Type) (appender, error) {
	if t.Kind() == reflect.String {
		return func(e *encoder, v reflect.Value) error { return e.named(n, v.String()) }, nil
	}
	if !plain(t) {
		return nil, w.c.mismatch(n, t)
	}
	byName, err := w.c.alternatives(n, t)
	if err != nil {
		return nil, err
	}
	type choice struct {
		fieldAppender
		tag uint8
	}
	var choices []choice
	for _, a := range n.alts {
		g, ok := byName[a.name]
		if !ok {
			continue
		}
		c := choice{fieldAppender{name: a.name, index: g.Index[0]}, a.index}
		if len(a.fields) > 0 {
			elem, err := a.payload(g.Type.Elem())
			if err == nil {
				c.enc, err = w.encoding(elem, g.Type.Elem())
			}
			if err != nil {
				return nil, within("."+a.name, err)
			}
		}
		choices = append(choices, c)
	}
	return func(e *encoder, v reflect.Value) error {
		if err := e.enter(); err != nil {
			return err
		}
		defer e.leave()
		var chosen *choice
		for i := range choices {
			if v.Field(choices[i].index).IsZero() {
				continue
			}
			if chosen != nil {
				return fmt.Errorf("%s has two alternatives set: %s and %s", t, chosen.name, choices[i].name)
			}
			chosen = &choices[i]
		}
		if chosen == nil {
			return fmt.Errorf("%s has no alternative set", t)
		}
		e.buf = append(e.buf, chosen.tag)
		if chosen.enc == nil {
			return nil
		}
		if err := chosen.enc.append(e, v.Field(chosen.index).Elem()); err != nil {
			return within("."+chosen.name, err)
		}
		return nil
	}, nil
}
