package tensorfile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Encode writes the file. The same content gives the same bytes, whatever the
// order of the tensors: those of larger elements come first, then names decide,
// so that every tensor begins at a multiple of the size of its elements and the
// data at a multiple of 8. Tensors whose data does not fit type and shape, and
// names that come twice, are errors.
func (f *File) Encode() ([]byte, error) {
	tensors := make([]*Tensor, len(f.Tensors))
	total := 0
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if err := t.check(); err != nil {
			return nil, err
		}
		tensors[i] = t
		total += len(t.Data)
	}
	slices.SortStableFunc(tensors, func(a, b *Tensor) int {
		if d := sizes[b.DType] - sizes[a.DType]; d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	header, err := f.header(tensors)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, 8+len(header)+total)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(header)))
	out = append(out, header...)
	for _, t := range tensors {
		out = append(out, t.Data...)
	}
	return out, nil
}

// check holds a tensor to its type and shape.
func (t *Tensor) check() error {
	shape := make([]uint64, len(t.Shape))
	for i, d := range t.Shape {
		if d < 0 {
			return fmt.Errorf("tensor %q: negative dimension in shape %v", t.Name, t.Shape)
		}
		shape[i] = uint64(d)
	}
	n, ok := byteLen(t.DType, shape)
	switch {
	case !ok:
		return fmt.Errorf("tensor %q: type %q with shape %v is unknown or too large", t.Name, t.DType, t.Shape)
	case n != uint64(len(t.Data)):
		return fmt.Errorf("tensor %q: %s%v takes %d bytes, its data has %d", t.Name, t.DType, t.Shape, n, len(t.Data))
	case t.Name == metadataKey:
		return fmt.Errorf("no tensor can have the name %s", metadataKey)
	case len(t.Shape) > maxRank:
		return fmt.Errorf("tensor %q has %d dimensions, the limit is %d", t.Name, len(t.Shape), maxRank)
	}
	return nil
}

// header writes the JSON, with spaces behind it up to a multiple of 8.
func (f *File) header(tensors []*Tensor) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	member := func(name string, v any) error {
		if !utf8.ValidString(name) {
			return fmt.Errorf("name %q is no UTF-8", name)
		}
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		val, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(val)
		return nil
	}
	if f.Metadata != nil {
		for k, v := range f.Metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, fmt.Errorf("metadata %q: %q is no UTF-8", k, v)
			}
		}
		if err := member(metadataKey, f.Metadata); err != nil {
			return nil, err
		}
	}
	names := make(map[string]bool, len(tensors))
	at := 0
	for _, t := range tensors {
		if names[t.Name] {
			return nil, fmt.Errorf("two tensors have the name %q", t.Name)
		}
		names[t.Name] = true
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		if err := member(t.Name, struct {
			DType   DType  `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{t.DType, shape, [2]int{at, at + len(t.Data)}}); err != nil {
			return nil, err
		}
		at += len(t.Data)
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len() > maxHeader {
		return nil, fmt.Errorf("the header has %d bytes, the limit is %d", b.Len(), maxHeader)
	}
	return b.Bytes(), nil
}
