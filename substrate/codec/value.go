package codec

import (
	"errors"
	"math/big"
	"slices"
	"unicode/utf8"
)

// value decodes a value into its dynamic form.
func (d *decoder) value(n *node) (any, bool) {
	if n.min == 0 && !d.spend(1) || !d.enter() {
		return nil, false
	}
	defer d.leave()
	switch n.kind {
	case kBool:
		v := d.r.Bool()
		return v, d.r.Err() == nil
	case kUint, kInt, kBig:
		return d.integer(n)
	case kCompact:
		v, ok := d.compact128(n)
		if n.width == 16 {
			return v, ok
		}
		return v.Lo, ok
	case kChar:
		v := d.r.U32()
		if d.r.Err() == nil && (v > utf8.MaxRune || !utf8.ValidRune(rune(v))) {
			return nil, d.fail(errors.New("no Unicode character"))
		}
		return string(rune(v)), d.r.Err() == nil
	case kStr:
		b := d.r.ByteString()
		return d.text(b), d.r.Err() == nil
	case kBytes:
		b := d.r.ByteString()
		return d.present(b), d.r.Err() == nil
	case kFixed:
		b := d.r.Bytes(n.length)
		return d.present(b), d.r.Err() == nil
	case kSeq:
		count, ok := d.count(n.elem)
		if !ok {
			return nil, false
		}
		return d.values(n.elem, count)
	case kArray:
		if !d.enough(n.elem, n.length) {
			return nil, false
		}
		return d.values(n.elem, n.length)
	case kTuple:
		list := make([]any, len(n.fields))
		for i, f := range n.fields {
			var ok bool
			if list[i], ok = d.value(f.node); !ok {
				return nil, d.at(f.name)
			}
		}
		return list, true
	case kStruct:
		fields, ok := d.record(n.fields, false)
		return &Record{Fields: fields}, ok
	case kEnum:
		i, ok := d.alternative(n)
		if !ok {
			return nil, false
		}
		a := &n.alts[i]
		fields, ok := d.record(a.fields, a.positional)
		if !ok {
			return nil, d.at(a.name)
		}
		return &Variant{Name: a.name, Index: a.index, Record: Record{Fields: fields}}, true
	case kOption:
		return d.option(n)
	case kBits:
		return d.bits(n)
	}
	return nil, d.fail(errors.New("unknown kind of type"))
}

// present is copyBytes, but not nil.
func (d *decoder) present(b []byte) []byte {
	if len(b) == 0 {
		return []byte{}
	}
	return d.copyBytes(b)
}

// integer reads an integer of fixed width.
func (d *decoder) integer(n *node) (any, bool) {
	if n.kind == kBig {
		b := slices.Clone(d.r.Bytes(32))
		if d.r.Err() != nil {
			return nil, false
		}
		slices.Reverse(b)
		v := new(big.Int).SetBytes(b)
		if n.signed && b[0]&0x80 != 0 {
			v.Sub(v, new(big.Int).Lsh(big.NewInt(1), 256))
		}
		return v, true
	}
	b := d.r.Bytes(int(n.width))
	if d.r.Err() != nil {
		return nil, false
	}
	v, negative := integer(b, n.kind == kInt)
	switch {
	case n.kind == kUint && n.width < 16:
		return v.Lo, true
	case n.kind == kUint:
		return v, true
	case n.width < 16:
		return int64(v.Lo), true
	}
	wide := fromU128(v)
	if negative {
		wide.Sub(wide, new(big.Int).Lsh(big.NewInt(1), 128))
	}
	return wide, true
}

// values reads n items. There are no more of them than bytes left or idle values
// allowed.
func (d *decoder) values(elem *node, n int) ([]any, bool) {
	list := make([]any, n)
	outer := d.around
	d.around = n
	for i := range list {
		var ok bool
		if list[i], ok = d.value(elem); !ok {
			return nil, d.index(i)
		}
	}
	d.around = outer
	return list, true
}

// record reads fields. Positional ones get no names.
func (d *decoder) record(fields []field, positional bool) ([]NamedValue, bool) {
	if len(fields) == 0 {
		return nil, true
	}
	out := d.carve(len(fields))
	for i, f := range fields {
		v, ok := d.value(f.node)
		if !ok {
			return nil, d.at(f.name)
		}
		out[i].Value = v
		if !positional {
			out[i].Name = f.name
		}
	}
	return out, true
}

// carve returns room for n fields, from a chunk within lists.
func (d *decoder) carve(n int) []NamedValue {
	if d.around == 0 || n > 64 {
		return make([]NamedValue, n)
	}
	if n > len(d.fields) {
		d.fields = make([]NamedValue, n*min(d.around, 64))
	}
	out := d.fields[:n:n]
	d.fields = d.fields[n:]
	return out
}

// option reads an Option. What could be mistaken for None is kept in a Variant.
func (d *decoder) option(n *node) (any, bool) {
	present, ok := d.some()
	switch nested := n.elem.kind == kOption; {
	case !ok:
		return nil, false
	case nested && !present:
		return &Variant{Name: "None"}, true
	case !present:
		return nil, true
	case nested:
		v, ok := d.value(n.elem)
		return &Variant{Name: "Some", Index: 1, Record: Record{Fields: []NamedValue{{Value: v}}}}, ok
	}
	return d.value(n.elem)
}
