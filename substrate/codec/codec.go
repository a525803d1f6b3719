// Package codec turns encoded values of a chain's types into Go values and back.
//
// A chain's metadata says how its types lie on the wire, Go types say what the
// caller wants of them. A [Codec] compiles each pair of the two once, into a
// short list of steps bound by field name; decoding then runs the list.
//
// How types correspond:
//
//   - A struct binds to a Go struct by name: the snake_case of the Go name, with
//     "_" before every upper-case letter but the first, or what the tag says:
//     `scale:"name"`, `scale:"name,optional"`, `scale:"-"`. Fields of the chain
//     that Go does not have are skipped. Go fields that the chain does not have
//     are an error, unless optional: then they become zero.
//   - A tuple, or a struct without field names, binds to a Go struct by position,
//     or to a Go array.
//   - A struct of one field counts as that field, on both sides, where the names
//     do not say otherwise.
//   - Option binds to a pointer, nil for none. A pointer holds a value that is no
//     Option too.
//   - Integers, plain and compact, bind to Go integers. A value that a narrower Go
//     integer cannot hold is an error. u128 binds to scale.U128, i128 to the same
//     as two's complement.
//   - Vec binds to slices, arrays to Go arrays of the same length and to slices.
//     Vec<u8>, Vec<Compact<u8>> and str bind to strings and to []byte; [u8; N] to
//     any Go array of N bytes. No UTF-8 is demanded. Empty ones become nil.
//   - An enum binds to a Go struct with a field for each alternative, named as the
//     chain names it or as its tag says: a bool where the alternative has no
//     fields, else a pointer. Only the field of the alternative is set. An enum
//     also binds to a string, the name, for alternatives without fields.
//   - u256 and i256 bind to 32 bytes, the lowest first; bit sequences to []bool.
//   - any, [Record] and [Variant] take the dynamic form that [Codec.Value] gives.
package codec

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// Codec encodes and decodes values of the types of one registry. It is safe for
// concurrent use. The registry may grow but its types must not change once the
// codec has seen them.
type Codec struct {
	types *metadata.Registry

	decoders sync.Map // pair -> *program
	encoders sync.Map // pair -> *encoding

	mu       sync.Mutex // held while compiling; guards what follows
	nodes    map[metadata.TypeID]*node
	programs map[pair]*program
	encoding map[pair]*encoding
	slots    map[reflect.Type]int // arenas, by item
}

// pair is a chain type and the Go type that it is bound to.
type pair struct {
	id metadata.TypeID
	t  reflect.Type
}

// New returns a codec for the types of a registry.
func New(types *metadata.Registry) *Codec {
	return &Codec{
		types:    types,
		nodes:    make(map[metadata.TypeID]*node),
		programs: make(map[pair]*program),
		encoding: make(map[pair]*encoding),
		slots:    make(map[reflect.Type]int),
	}
}

// Record is the dynamic form of a struct with named fields, and of the fields of
// an enum's alternative.
type Record struct {
	Fields []NamedValue
}

// NamedValue is a field. Name is empty where fields are positional.
type NamedValue struct {
	Name  string
	Value any
}

// Get returns the value of a named field.
func (r *Record) Get(name string) (any, bool) {
	for i := range r.Fields {
		if r.Fields[i].Name == name {
			return r.Fields[i].Value, true
		}
	}
	return nil, false
}

// Variant is the dynamic form of an enum: the alternative and its fields. Append
// goes by Name, and by Index where Name is empty.
type Variant struct {
	Name  string
	Index uint8
	Record
}

// Decode decodes data, all of it, into v, a pointer. Whatever v pointed to is
// overwritten: what the chain's type does not have becomes zero, and after an
// error everything is. The result shares no memory with data.
//
// The error names the place in the value and the byte. It wraps scale.ErrTrailing
// where bytes are left over.
func (c *Codec) Decode(id metadata.TypeID, data []byte, v any) error {
	r := scale.NewReader(data)
	if err := c.DecodeFrom(id, r, v); err != nil {
		return err
	}
	if err := r.Finish(); err != nil {
		reflect.ValueOf(v).Elem().SetZero()
		return err
	}
	return nil
}

// DecodeFrom is Decode for a value that other things may follow.
func (c *Codec) DecodeFrom(id metadata.TypeID, r *scale.Reader, v any) error {
	out := reflect.ValueOf(v)
	if out.Kind() != reflect.Pointer || out.IsNil() {
		return fmt.Errorf("cannot decode into %T: a pointer is needed", v)
	}
	out.Elem().SetZero()
	p, err := c.program(id, out.Type().Elem())
	if err != nil {
		return err
	}
	d := newDecoder(r)
	if !p.decode(d, placeOf(out)) {
		out.Elem().SetZero()
		return d.err()
	}
	return nil
}

// Value decodes the next value into its dynamic form:
//
//	bool                                 bool
//	u8 to u64, compact too               uint64
//	i8 to i64                            int64
//	u128, Compact<u128>                  scale.U128
//	i128, u256, i256                     *big.Int
//	str, char                            string
//	Vec<u8>, [u8; N]                     []byte
//	Vec, array, tuple, unnamed fields    []any
//	struct with named fields             *Record
//	enum                                 *Variant
//	Option                               nil or the value; *Variant for an Option of an Option
//	bit sequence                         []bool
//
// Tuples and unnamed fields that are alone count as what they hold. The result
// shares no memory with the input.
func (c *Codec) Value(id metadata.TypeID, r *scale.Reader) (any, error) {
	n, err := c.node(id)
	if err != nil {
		return nil, err
	}
	d := newDecoder(r)
	v, ok := d.value(n)
	if !ok {
		return nil, d.err()
	}
	return v, nil
}

// Append appends the encoding of v: Go values as Decode makes them, dynamic
// values as Value makes them, and mixtures of both. In dynamic values any Go
// integer will do, a map[string]any stands for a Record, and what is not nil for
// a present Option. On an error dst is returned as it was.
func (c *Codec) Append(dst []byte, id metadata.TypeID, v any) ([]byte, error) {
	n, err := c.node(id)
	if err != nil {
		return dst, err
	}
	e := encoder{c: c, buf: dst}
	if err := e.any(n, v); err != nil {
		return dst, err
	}
	return e.buf, nil
}

// AppendFields appends the encodings of fields in order, such as the arguments
// of a call. Args are by name; fields without a name go by their position, "0"
// first. A missing argument is an error, and so is one that no field takes.
func (c *Codec) AppendFields(dst []byte, fields []metadata.Field, args map[string]any) ([]byte, error) {
	e := encoder{c: c, buf: dst}
	taken := 0
	for i, f := range fields {
		name := fieldName(f.Name, i)
		v, ok := args[name]
		if !ok {
			return dst, fmt.Errorf("argument %q is missing", name)
		}
		taken++
		n, err := c.node(f.Type)
		if err == nil {
			err = e.any(n, v)
		}
		if err != nil {
			return dst, within("."+name, err)
		}
	}
	if taken < len(args) {
		return dst, fmt.Errorf("no argument %s: the names are %s", unknown(fields, args), names(fields))
	}
	return e.buf, nil
}

// errDepth reports values or types nested without end.
var errDepth = errors.New("nested too deeply")

// maxDepth limits nesting. The chain's own limit for calls within calls is 256,
// and each call is an enum within an enum within a list.
const maxDepth = 1024
