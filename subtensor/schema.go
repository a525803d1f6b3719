package subtensor

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// palletName is the pallet that makes a chain a Subtensor.
const palletName = "SubtensorModule"

// Schema knows how one runtime encodes the answers of its runtime APIs. It needs
// no node, never changes and is safe for concurrent use.
type Schema struct {
	spec    uint32
	md      *metadata.Metadata
	types   *codec.Codec
	answers map[string]answer
}

// answer is how the answer of one method may be encoded.
type answer struct {
	single  bool // about one thing: an Option
	table   bool // forms are from the layout tables
	wrapped bool // in a Vec<u8>
	bare    bool // wrapped, without an Option: nothing at all stands for none
	forms   []form
}

// form is one possible encoding of an answer.
type form struct {
	types *codec.Codec
	id    metadata.TypeID
}

// NewSchema compiles the answers of a runtime from its metadata and its spec
// version. The error wraps ErrNotSubtensor where the metadata is that of another
// chain.
func NewSchema(md *metadata.Metadata, spec uint32) (*Schema, error) {
	return newSchema(md, spec, codec.New(md.Types))
}

func newSchema(md *metadata.Metadata, spec uint32, types *codec.Codec) (*Schema, error) {
	if _, ok := md.Pallet(palletName); !ok {
		return nil, ErrNotSubtensor
	}
	shared, err := prelude(md)
	if err != nil {
		return nil, err
	}
	s := &Schema{spec: spec, md: md, types: types, answers: make(map[string]answer, len(queries))}
	for _, q := range queries {
		a := answer{single: q.list == ""}
		m, described := md.Method(q.api, q.name)
		if !described && len(md.APIs) > 0 {
			continue // the runtime lists its methods, and this is none of them
		}
		if described && !isBytes(md.Types, m.Output) {
			a.forms = []form{{types, m.Output}}
		} else if err := a.fromTable(q, spec, described, shared); err != nil {
			return nil, err
		}
		if len(a.forms) > 0 {
			s.answers[q.method()] = a
		}
	}
	return s, nil
}

// fromTable fills an answer from the layout tables. Metadata that describes the
// method says that the answer is wrapped; else the spec decides.
func (a *answer) fromTable(q query, spec uint32, described bool, shared string) error {
	a.table = true
	a.wrapped = described || spec <= lastWrapped
	a.bare = a.wrapped && a.single && !optionInside(q.item)
	expr := "Option<" + q.item + ">"
	if !a.single {
		expr = fmt.Sprintf(q.list, q.item)
	}
	for _, row := range layoutsAt(q.item, spec) {
		reg, id, err := row.define(shared, expr)
		if err != nil {
			return err
		}
		a.forms = append(a.forms, form{codec.New(reg), id})
	}
	return nil
}

// isBytes reports whether a type is Vec<u8>.
func isBytes(types *metadata.Registry, id metadata.TypeID) bool {
	t := types.Type(id)
	if t == nil || t.Kind != metadata.Sequence {
		return false
	}
	e := types.Type(t.Elem)
	return e != nil && e.Kind == metadata.Primitive && e.Primitive == metadata.U8
}

// Has reports whether the runtime has a method whose answers the schema decodes,
// such as "NeuronInfoRuntimeApi_get_neurons".
func (s *Schema) Has(method string) bool {
	_, ok := s.answers[method]
	return ok
}

// Decode decodes an answer of state_call into v: a pointer to a slice for
// methods that list, a pointer to a pointer (which becomes nil for none) for
// methods that answer about one thing. The list of subnets holds an Option each.
//
// The error names the method, the spec and the place.
func (s *Schema) Decode(method string, data []byte, v any) error {
	a, ok := s.answers[method]
	if !ok {
		return s.missing(method)
	}
	if err := a.decode(s.spec, data, v); err != nil {
		return fmt.Errorf("answer of %s at spec %d: %w", method, s.spec, err)
	}
	return nil
}

// MethodError reports a question that a runtime cannot answer.
type MethodError struct {
	Method string
	Spec   uint32
}

// Error says which runtime lacks which method.
func (e *MethodError) Error() string {
	return fmt.Sprintf("the runtime (spec %d) has no %s, or encodes its answer in a way that is not known", e.Spec, e.Method)
}

func (s *Schema) missing(method string) error { return &MethodError{Method: method, Spec: s.spec} }

func (a answer) decode(spec uint32, data []byte, v any) error {
	out := reflect.ValueOf(v)
	if out.Kind() != reflect.Pointer || out.IsNil() {
		return fmt.Errorf("cannot decode into %T: a pointer is needed", v)
	}
	data, err := a.unwrap(data)
	if err != nil {
		return err
	}
	var first error
	for _, f := range a.forms {
		got := reflect.New(out.Type().Elem())
		err := f.types.Decode(f.id, data, got.Interface())
		// A runtime newer than the tables may have appended fields to its
		// structs. Its own metadata would say so; without that, what stands at
		// the end of the whole answer can be passed over.
		if errors.Is(err, scale.ErrTrailing) && a.single && a.table && spec > newestKnown {
			err = f.types.DecodeFrom(f.id, scale.NewReader(data), got.Interface())
		}
		if err == nil {
			out.Elem().Set(got.Elem())
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// unwrap takes the outer bytes off and gives bare values the Option that they
// lack, so that all single answers decode alike.
func (a answer) unwrap(data []byte) ([]byte, error) {
	if !a.wrapped {
		return data, nil
	}
	r := scale.NewReader(data)
	inner := r.ByteString()
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("the bytes around the value: %w", err)
	}
	switch {
	case !a.bare:
		return inner, nil
	case len(inner) == 0:
		return []byte{0}, nil
	}
	return slices.Concat([]byte{1}, bytes.Clone(inner)), nil
}
