package subtensor

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// palletName is the pallet that makes a chain a Subtensor.
const palletName = "SubtensorModule"

// Schema knows how one runtime encodes the answers of its runtime APIs. It needs
// no node and is safe for concurrent use.
//
// Where the runtime's metadata gives the type of an answer, that is the layout.
// For the rest, which is answers wrapped in bytes (specs up to 219) and metadata
// of version 14, the package has tables. They go by the spec number, within the
// limits that the items of the runtime's storage set it. There one number may
// stand for several layouts, because builds that differed have used it: then the
// layout that consumes an answer to its last byte is taken, the newest first.
// [Schema.Layouts] says what comes into question and [Schema.Choose] which one it
// was. Where none of them consumes it, the number says nothing of this runtime,
// and the layouts of all other specs are tried.
type Schema struct {
	spec  uint32
	era   uint32 // the spec that the tables go by
	md    *metadata.Metadata
	types *codec.Codec

	mu      sync.Mutex
	answers map[string]*answer // by method, as they are asked for
	others  map[string]*answer // by method: the forms of other specs, where they were needed
}

// answer is how the answer of one method may be encoded. A method that the
// runtime lacks has no forms.
type answer struct {
	forms []form
	err   error
}

// form is one possible encoding of an answer.
type form struct {
	Layout
	reg   *metadata.Registry
	types *codec.Codec
	id    metadata.TypeID
	bare  bool // wrapped, without an Option: nothing at all stands for none
	ahead bool // the runtime may have appended fields that the tables do not know
}

// Layout is a way in which a runtime may encode the answers of a method.
type Layout struct {
	Described bool   // by the runtime's own metadata; the rest is the table's
	Struct    string // whose layout it is; empty for integers and the like
	From, To  uint32 // the specs that the layout is known of; To is the largest uint32 where it is still in use
	Source    string // where it is known from: a file of the runtime's source, a commit, a recording
	Wrapped   bool   // the value lies in a Vec<u8>
}

// String describes the layout in one line, such as
// "SubnetHyperparams of specs 151 to 203 (...), in a Vec<u8>".
func (l Layout) String() string {
	var b strings.Builder
	switch {
	case l.Described:
		b.WriteString("as the metadata says")
	case l.Struct == "":
		fmt.Fprintf(&b, "since spec %d", l.From)
	case l.To == open:
		fmt.Fprintf(&b, "%s since spec %d (%s)", l.Struct, l.From, l.Source)
	default:
		fmt.Fprintf(&b, "%s of specs %d to %d (%s)", l.Struct, l.From, l.To, l.Source)
	}
	if l.Wrapped {
		b.WriteString(", in a Vec<u8>")
	}
	return b.String()
}

// NewSchema returns the schema of a runtime by its metadata and spec version. The
// error is ErrNotSubtensor where the metadata is that of another chain.
func NewSchema(md *metadata.Metadata, spec uint32) (*Schema, error) {
	return newSchema(md, spec, codec.New(md.Types))
}

func newSchema(md *metadata.Metadata, spec uint32, types *codec.Codec) (*Schema, error) {
	if _, ok := md.Pallet(palletName); !ok {
		return nil, ErrNotSubtensor
	}
	return &Schema{
		spec: spec, era: era(md, spec), md: md, types: types,
		answers: make(map[string]*answer), others: make(map[string]*answer),
	}, nil
}

// answer returns how a method's answers may be encoded.
func (s *Schema) answer(method string) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.answers[method]
	if !ok {
		a = new(answer)
		if a.forms, a.err = s.forms(method); a.err != nil || len(a.forms) > 0 {
			s.answers[method] = a // names that no runtime has are not kept
		}
	}
	return a
}

func (s *Schema) forms(method string) ([]form, error) {
	m, described := s.md.Method(splitMethod(method))
	if !described && len(s.md.APIs) > 0 {
		return nil, nil // the runtime lists its methods, and this is none of them
	}
	rows := queriesAt(method, s.era)
	if described && !isBytes(s.md.Types, m.Output) {
		rows = nil
	} else if described && len(rows) == 0 {
		rows = queriesOf(method)
	}
	if described && len(rows) == 0 {
		return []form{{Layout: Layout{Described: true, From: s.spec, To: s.spec, Source: "metadata"}, reg: s.md.Types, types: s.types, id: m.Output}}, nil
	}
	// Metadata that describes the method says that the answer is wrapped; else the
	// era decides.
	typed, wrapped := !described && s.era >= maybeTyped, described || s.era <= maybeWrapped
	return s.table(rows, typed, wrapped, query.layoutsAt)
}

// table returns the forms that rows of the tables give, those that are values
// themselves, those that are wrapped or both.
func (s *Schema) table(rows []query, typed, wrapped bool, layouts func(q query, spec uint32) []layout) ([]form, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	shared, err := prelude(s.md)
	if err != nil {
		return nil, err
	}
	var forms []form
	for _, q := range rows {
		for _, row := range layouts(q, s.era) {
			reg, id, err := row.define(shared, q.expr())
			if err != nil {
				return nil, err
			}
			f := form{
				Layout: Layout{Struct: q.item, From: row.from, To: row.to, Source: row.source},
				reg:    reg, types: codec.New(reg), id: id,
				ahead: s.era > newestKnown && q.single(),
			}
			if typed || q.wrapping == neverWrapped {
				forms = append(forms, f)
			}
			if wrapped && q.wrapping != neverWrapped {
				f.Wrapped = true
				f.bare = q.single() && q.wrapping == bareInside
				forms = append(forms, f)
			}
		}
	}
	return forms, nil
}

// elsewhere returns the forms that answers of a method have at other specs than
// this one; none where the metadata says what they are.
func (s *Schema) elsewhere(method string) []form {
	near := s.answer(method)
	if near.err != nil || len(near.forms) == 0 || near.forms[0].Described {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	far, ok := s.others[method]
	if !ok {
		_, described := s.md.Method(splitMethod(method))
		far = new(answer)
		far.forms, far.err = s.table(queriesOf(method), !described, true, func(q query, _ uint32) []layout { return q.layouts() })
		far.forms = slices.DeleteFunc(far.forms, func(f form) bool {
			never := f.Wrapped && f.From > lastWrapped || !f.Wrapped && f.To < maybeTyped
			return never || slices.ContainsFunc(near.forms, func(n form) bool { return n.Layout == f.Layout })
		})
		if s.era < maybeTyped {
			slices.SortStableFunc(far.forms, func(a, b form) int {
				switch {
				case a.Wrapped == b.Wrapped:
					return 0
				case a.Wrapped:
					return -1
				}
				return 1
			})
		}
		s.others[method] = far
	}
	return far.forms
}

func splitMethod(method string) (api, name string) {
	api, name, _ = strings.Cut(method, "_")
	return api, name
}

// isBytes reports whether a type is Vec<u8>.
func isBytes(types *metadata.Registry, id metadata.TypeID) bool {
	t := types.Type(types.Unwrap(id))
	if t == nil || t.Kind != metadata.Sequence {
		return false
	}
	e := types.Type(types.Unwrap(t.Elem))
	return e != nil && e.Kind == metadata.Primitive && e.Primitive == metadata.U8
}

// Has reports whether the runtime has a method, such as
// "NeuronInfoRuntimeApi_get_neurons", whose answers the schema decodes. Metadata
// of version 14 does not list methods: there Has goes by the tables, and a runtime
// built without the API still refuses the call.
func (s *Schema) Has(method string) bool {
	a := s.answer(method)
	return a.err != nil || len(a.forms) > 0
}

// Methods returns the methods whose answers the schema decodes, sorted. As with
// Has, metadata of version 14 cannot say that the runtime has them.
func (s *Schema) Methods() []string {
	var methods []string
	for _, q := range queries {
		methods = append(methods, q.method)
	}
	for i := range s.md.APIs {
		api := &s.md.APIs[i]
		for j := range api.Methods {
			methods = append(methods, api.Name+"_"+api.Methods[j].Name)
		}
	}
	slices.Sort(methods)
	return slices.DeleteFunc(slices.Compact(methods), func(m string) bool { return !s.Has(m) })
}

// Layouts returns how answers of a method may be encoded, in the order in which
// that is tried; none where the runtime lacks the method. There is more than one
// where builds that differed have used the spec number. What is tried after them
// is not listed.
func (s *Schema) Layouts(method string) []Layout {
	a := s.answer(method)
	var all []Layout
	for i := range a.forms {
		all = append(all, a.forms[i].Layout)
	}
	return all
}

// Choose returns the layout by which Decode and Value read an answer.
func (s *Schema) Choose(method string, data []byte) (Layout, error) {
	var l Layout
	err := s.read(method, data, func(f *form, r *scale.Reader) error {
		l = f.Layout
		_, err := f.types.Value(f.id, r)
		return err
	})
	if err != nil {
		return Layout{}, err
	}
	return l, nil
}

// Decode decodes an answer of state_call into v: a pointer to a slice for
// methods that list, a pointer to a pointer (which becomes nil for none) for
// methods that answer about one thing. The list of subnets holds an Option each.
//
// The error names the method, the spec and the place; v is then as it was.
func (s *Schema) Decode(method string, data []byte, v any) error {
	out := reflect.ValueOf(v)
	if out.Kind() != reflect.Pointer || out.IsNil() {
		return fmt.Errorf("cannot decode an answer of %s into %T: a pointer is needed", method, v)
	}
	got := reflect.New(out.Type().Elem())
	if err := s.read(method, data, func(f *form, r *scale.Reader) error {
		return f.types.DecodeFrom(f.id, r, got.Interface())
	}); err != nil {
		return err
	}
	out.Elem().Set(got.Elem())
	return nil
}

// Value decodes an answer of any method into the form of [codec.Codec.Value],
// without the bytes that older runtimes wrap answers in: structs are
// *codec.Record, lists []any, and nil stands for none.
func (s *Schema) Value(method string, data []byte) (any, error) {
	var v any
	err := s.read(method, data, func(f *form, r *scale.Reader) (err error) {
		v, err = f.types.Value(f.id, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Append appends the answer of a method that Value decodes to v, wrapped as the
// runtime wraps it; what Decode gives is taken too. Where several layouts take v
// it is the first of Layouts.
func (s *Schema) Append(dst []byte, method string, v any) ([]byte, error) {
	a := s.answer(method)
	if a.err != nil || len(a.forms) == 0 {
		return dst, s.unreadable(method, a)
	}
	var first error
	for _, f := range slices.Concat(a.forms, s.elsewhere(method)) {
		inner, err := f.types.Append(nil, f.id, v)
		if err == nil {
			return f.wrap(dst, inner), nil
		}
		if first == nil {
			first = err
		}
	}
	return dst, fmt.Errorf("answer of %s at spec %d: %w", method, s.spec, first)
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

// unreadable is the error for an answer without forms.
func (s *Schema) unreadable(method string, a *answer) error {
	if a.err != nil {
		return fmt.Errorf("answers of %s at spec %d: %w", method, s.spec, a.err)
	}
	return s.missing(method)
}

// read reads an answer by the first form that consumes all of it.
func (s *Schema) read(method string, data []byte, read func(f *form, r *scale.Reader) error) error {
	a := s.answer(method)
	if a.err != nil || len(a.forms) == 0 {
		return s.unreadable(method, a)
	}
	var first error
	try := func(f *form, whole bool) bool {
		inner, err := f.unwrap(data)
		if err == nil {
			r := scale.NewReader(inner)
			if err = read(f, r); err == nil && whole {
				err = r.Finish()
			}
		}
		if first == nil {
			first = err
		}
		return err == nil
	}
	for i := range a.forms {
		if try(&a.forms[i], true) {
			return nil
		}
	}
	// A runtime newer than the tables may have appended fields to its structs. Its
	// own metadata would say so; without that, what stands at the end of the whole
	// answer can be passed over.
	for i := range a.forms {
		if a.forms[i].ahead && try(&a.forms[i], false) {
			return nil
		}
	}
	far := s.elsewhere(method)
	for i := range far {
		if try(&far[i], true) {
			return nil
		}
	}
	return fmt.Errorf("answer of %s at spec %d: %w", method, s.spec, first)
}

// unwrap takes the outer bytes off and gives bare values the Option that they
// lack, so that all single answers decode alike.
func (f *form) unwrap(data []byte) ([]byte, error) {
	if !f.Wrapped {
		return data, nil
	}
	r := scale.NewReader(data)
	inner := r.ByteString()
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("the bytes around the value: %w", err)
	}
	switch {
	case !f.bare:
		return inner, nil
	case len(inner) == 0:
		return []byte{0}, nil
	}
	return slices.Concat([]byte{1}, inner), nil
}

// wrap is the inverse of unwrap.
func (f *form) wrap(dst, inner []byte) []byte {
	if !f.Wrapped {
		return append(dst, inner...)
	}
	if f.bare {
		inner = inner[1:]
	}
	return scale.AppendByteString(dst, inner)
}
