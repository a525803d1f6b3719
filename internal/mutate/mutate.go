// Package mutate makes the runtimes of tomorrow: it changes the types of a
// runtime's metadata at random, and the answers that the runtime gave with them.
// Whoever binds to the chain's types by name reads the changed answers as it read
// the old ones.
//
// What changes: structs get new fields, lose those that may go, and have their
// fields reordered, wrapped in newtypes and their integers made wider, compact or
// plain; enums are renumbered and get alternatives; pallets are renumbered;
// pallets, storage entries, runtime APIs and their methods change their order, and
// those that may go do.
package mutate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// Value is an encoded value and its type: an answer of a runtime API, or a value
// of storage.
type Value struct {
	Type metadata.TypeID
	Data []byte
}

// Options say how far the changes may go.
type Options struct {
	// MayDrop says which fields readers can do without, by the last part of the
	// struct's path and the field's name; nil for none.
	MayDrop func(structure, field string) bool
	// MayLose says which methods of runtime APIs readers can do without, and
	// MayForget which items of storage; nil for none. An API that has lost all its
	// methods is gone too.
	MayLose   func(api, method string) bool
	MayForget func(pallet, item string) bool
}

// Runtime is a changed runtime.
type Runtime struct {
	Metadata *metadata.Metadata
	// Values are those that were given, in their order, as the changed runtime
	// encodes them. Their types have the numbers that they had.
	Values []Value

	// Lost are the methods that are gone, as "Api_method", and Forgotten the items of
	// storage, as "Pallet.Item".
	Lost, Forgotten []string

	before  *metadata.Registry
	changes map[metadata.TypeID]*change
}

// change is what happened to a struct.
type change struct {
	inserted []codec.NamedValue
	dropped  []string
}

// New draws a changed runtime. Md and values stay as they are.
func New(t *rapid.T, md *metadata.Metadata, values []Value, opts Options) *Runtime {
	t.Helper()
	later := *md
	later.Types = &metadata.Registry{Types: slices.Clone(md.Types.Types)}
	r := &Runtime{Metadata: &later, before: md.Types, changes: make(map[metadata.TypeID]*change)}
	for _, id := range r.reachable(values) {
		switch ty := md.Types.Type(id); {
		case ty.Kind == metadata.Composite && len(ty.Fields) > 1 && ty.Fields[0].Name != "":
			r.evolve(t, id, opts)
		case ty.Kind == metadata.Variant && !isOption(ty):
			r.renumber(t, id)
		}
	}
	r.arrange(t, opts)
	old, types := codec.New(md.Types), codec.New(later.Types)
	again := func(id metadata.TypeID, data []byte) []byte {
		v, err := old.Value(id, scale.NewReader(data))
		if err != nil {
			t.Fatalf("the value given for type %d: %v", id, err)
		}
		if data, err = types.Append(nil, id, r.rewrite(id, v)); err != nil {
			t.Fatalf("type %d: %v", id, err)
		}
		return data
	}
	for _, v := range values {
		r.Values = append(r.Values, Value{v.Type, again(v.Type, v.Data)})
	}
	// What the metadata itself holds of the changed types.
	touched := r.touched()
	for i := range later.Pallets {
		p := &later.Pallets[i]
		for j := range p.Storage {
			if e := &p.Storage[j]; touched[e.Value] && !e.Optional {
				e.Default = again(e.Value, e.Default)
			}
		}
		p.Constants = slices.Clone(p.Constants)
		for j := range p.Constants {
			if c := &p.Constants[j]; touched[c.Type] {
				c.Value = again(c.Type, c.Value)
			}
		}
	}
	return r
}

// Dropped returns the fields that are gone as "Struct.field", sorted.
func (r *Runtime) Dropped() []string {
	var all []string
	for id, c := range r.changes {
		for _, f := range c.dropped {
			all = append(all, name(r.before.Type(id))+"."+f)
		}
	}
	slices.Sort(all)
	return all
}

// Forget makes a Go value that the old runtime's answer decoded into what the
// changed runtime's answer decodes into: fields that are gone become zero. V is a
// pointer, id the answer's type. Go fields are found by codec's rules.
func (r *Runtime) Forget(id metadata.TypeID, v any) { r.forget(id, reflect.ValueOf(v).Elem()) }

func (r *Runtime) forget(id metadata.TypeID, v reflect.Value) {
	ty := r.before.Type(id)
	switch {
	case isOption(ty) && v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			r.forget(ty.Variants[1].Fields[0].Type, v.Elem())
		}
	case ty.Kind == metadata.Sequence && v.Kind() == reflect.Slice:
		for i := range v.Len() {
			r.forget(ty.Elem, v.Index(i))
		}
	case ty.Kind == metadata.Composite && v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("scale"), ",")
			if tag == "" {
				tag = snake(v.Type().Field(i).Name)
			}
			if c := r.changes[id]; c != nil && slices.Contains(c.dropped, tag) {
				v.Field(i).SetZero()
				continue
			}
			for _, f := range ty.Fields {
				if f.Name == tag {
					r.forget(f.Type, v.Field(i))
				}
			}
		}
	}
}

// reachable returns the types that values consist of, in ascending order.
func (r *Runtime) reachable(values []Value) []metadata.TypeID {
	seen := make(map[metadata.TypeID]bool)
	var visit func(id metadata.TypeID)
	visit = func(id metadata.TypeID) {
		if ty := r.before.Type(id); ty != nil && !seen[id] {
			seen[id] = true
			parts(ty, visit)
		}
	}
	for _, v := range values {
		visit(v.Type)
	}
	var all []metadata.TypeID
	for id := range seen {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// touched returns the types that changed and those that hold them.
func (r *Runtime) touched() map[metadata.TypeID]bool {
	all := make(map[metadata.TypeID]bool)
	for id := range r.changes {
		all[id] = true
	}
	for more := len(all) > 0; more; {
		more = false
		for i := range r.before.Types {
			if id := metadata.TypeID(i); !all[id] {
				parts(&r.before.Types[i], func(part metadata.TypeID) { all[id] = all[id] || all[part] })
				more = more || all[id]
			}
		}
	}
	return all
}

// parts visits the types that a type is made of.
func parts(ty *metadata.Type, visit func(metadata.TypeID)) {
	switch ty.Kind {
	case metadata.Sequence, metadata.Array:
		visit(ty.Elem)
	case metadata.Tuple:
		for _, item := range ty.Items {
			visit(item)
		}
	case metadata.Composite:
		for _, f := range ty.Fields {
			visit(f.Type)
		}
	case metadata.Variant:
		for _, v := range ty.Variants {
			for _, f := range v.Fields {
				visit(f.Type)
			}
		}
	}
}

// newFields are types that a struct may gain, with a value each.
var newFields = []struct {
	expr  string
	value any
}{
	{"u32", 7},
	{"Vec<u8>", "text"},
	{"Option<u64>", nil},
	{"Option<u64>", 5},
	{"Compact<u128>", uint64(1 << 40)},
	{"(u8, bool)", []any{1, true}},
	{"str", "α"},
	{"[u8; 5]", []byte("12345")},
	{"()", nil},
	{"bool", true},
	{"Vec<(u16, Vec<u8>)>", []any{[]any{1, "a"}, []any{2, ""}}},
	{"Option<Option<bool>>", nil},
	{"i128", -5},
}

// evolve changes the fields of a struct.
func (r *Runtime) evolve(t *rapid.T, id metadata.TypeID, opts Options) {
	ty := &r.Metadata.Types.Types[id]
	label := name(ty)
	c := new(change)
	fields := slices.Clone(ty.Fields)
	may := slices.DeleteFunc(slices.Clone(fields), func(f metadata.Field) bool { return opts.MayDrop == nil || !opts.MayDrop(label, f.Name) })
	for range rapid.IntRange(0, min(3, len(may), len(fields)-2)).Draw(t, label+" drops") {
		i := rapid.IntRange(0, len(may)-1).Draw(t, "drop")
		gone := may[i].Name
		c.dropped = append(c.dropped, gone)
		may = slices.Delete(may, i, i+1)
		fields = slices.DeleteFunc(fields, func(f metadata.Field) bool { return f.Name == gone })
	}
	for i := range fields {
		switch how := rapid.IntRange(0, 9).Draw(t, "how"); {
		case how < 2:
			fields[i].Type = r.wrap(t, fields[i])
		case how < 3:
			fields[i].Type = r.wrap(t, fields[i])
			fields[i].Type = r.wrap(t, fields[i])
		case how < 5:
			fields[i].Type = r.widen(t, fields[i].Type)
		}
	}
	for k := range rapid.IntRange(0, 3).Draw(t, label+" inserts") {
		f := rapid.SampledFrom(newFields).Draw(t, "insert")
		field := metadata.Field{Name: fmt.Sprintf("later_%d", k), Type: r.resolve(t, f.expr)}
		c.inserted = append(c.inserted, codec.NamedValue{Name: field.Name, Value: f.value})
		fields = append(fields, field)
	}
	fields = rapid.Permutation(fields).Draw(t, label+" order")
	r.Metadata.Types.Types[id].Fields = fields
	r.changes[id] = c
}

func (r *Runtime) resolve(t *rapid.T, expr string) metadata.TypeID {
	id, err := r.Metadata.Types.Resolve(expr)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// wrap returns a newtype around the type of a field.
func (r *Runtime) wrap(t *rapid.T, f metadata.Field) metadata.TypeID {
	// The inner name may be one that the outer struct has too.
	inner := rapid.SampledFrom([]string{"", "inner", "block", "ip", f.Name}).Draw(t, "wrapper")
	return r.add(metadata.Type{
		Path: []string{"later", "Wrapper"}, Kind: metadata.Composite,
		Fields: []metadata.Field{{Name: inner, Type: f.Type}},
	})
}

func (r *Runtime) add(ty metadata.Type) metadata.TypeID {
	r.Metadata.Types.Types = append(r.Metadata.Types.Types, ty)
	return metadata.TypeID(len(r.Metadata.Types.Types) - 1)
}

// wider are the unsigned integers, each but the first wider than the one before.
var wider = []metadata.PrimitiveKind{metadata.U8, metadata.U16, metadata.U32, metadata.U64, metadata.U128}

// widen returns an integer, or a list of them, that is wider or encoded in the
// other way; other types as they are. Lists of u8 are texts, which stay.
func (r *Runtime) widen(t *rapid.T, id metadata.TypeID) metadata.TypeID {
	ty := r.Metadata.Types.Type(id)
	if ty.Kind == metadata.Sequence {
		if _, u8 := r.integer(ty.Elem); u8 == 0 {
			return id
		}
		if elem := r.widen(t, ty.Elem); elem != ty.Elem {
			return r.add(metadata.Type{Kind: metadata.Sequence, Elem: elem})
		}
		return id
	}
	prim, at := r.integer(id)
	if at < 0 {
		return id
	}
	to := rapid.IntRange(at, len(wider)-1).Draw(t, "wider")
	if to != at {
		prim = r.add(metadata.Type{Kind: metadata.Primitive, Primitive: wider[to]})
	}
	if rapid.Bool().Draw(t, "compact") {
		return r.add(metadata.Type{Kind: metadata.Compact, Elem: prim})
	}
	return prim
}

// integer returns the primitive of an unsigned integer, plain or compact, and
// which of wider it is; -1 for other types.
func (r *Runtime) integer(id metadata.TypeID) (metadata.TypeID, int) {
	ty := r.Metadata.Types.Type(id)
	if ty.Kind == metadata.Compact {
		id = r.Metadata.Types.Unwrap(ty.Elem)
		ty = r.Metadata.Types.Type(id)
	}
	if ty.Kind != metadata.Primitive {
		return id, -1
	}
	return id, slices.Index(wider, ty.Primitive)
}

// renumber gives the alternatives of an enum other numbers, and it more of them.
func (r *Runtime) renumber(t *rapid.T, id metadata.TypeID) {
	ty := &r.Metadata.Types.Types[id]
	if len(ty.Variants) > 40 {
		return
	}
	alternatives := slices.Clone(ty.Variants)
	for k := range rapid.IntRange(0, 2).Draw(t, name(ty)+" alternatives") {
		alternatives = append(alternatives, metadata.VariantDef{Name: fmt.Sprintf("Later%d", k)})
	}
	numbers := make([]uint8, 256)
	for i := range numbers {
		numbers[i] = uint8(i)
	}
	numbers = rapid.Permutation(numbers[:len(alternatives)+9]).Draw(t, "numbers")
	for i := range alternatives {
		alternatives[i].Index = numbers[i]
	}
	ty.Variants = alternatives
	r.changes[id] = new(change)
}

// arrange renumbers the pallets and puts everything that has names in another
// order.
func (r *Runtime) arrange(t *rapid.T, opts Options) {
	md := r.Metadata
	if len(md.Pallets) > 0 {
		md.Pallets = rapid.Permutation(md.Pallets).Draw(t, "pallets")
	}
	shift := rapid.Uint8().Draw(t, "pallet numbers")
	numbers := make(map[string]uint8)
	for i := range md.Pallets {
		p := &md.Pallets[i]
		p.Index ^= shift // one to one
		numbers[p.Name] = p.Index
		if len(p.Storage) > 0 {
			p.Storage = rapid.Permutation(p.Storage).Draw(t, "entries")
		}
		p.Storage = slices.DeleteFunc(p.Storage, func(e metadata.StorageEntry) bool {
			gone := opts.MayForget != nil && opts.MayForget(p.Name, e.Name) && rapid.Bool().Draw(t, "forget "+e.Name)
			if gone {
				r.Forgotten = append(r.Forgotten, p.Name+"."+e.Name)
			}
			return gone
		})
	}
	// The outer enums go by the pallets' numbers.
	for id := range md.Types.Types {
		ty := &md.Types.Types[id]
		if outer := name(ty); outer != "RuntimeCall" && outer != "RuntimeEvent" && outer != "RuntimeError" || ty.Kind != metadata.Variant {
			continue
		}
		ty.Variants = slices.Clone(ty.Variants)
		for i := range ty.Variants {
			if n, ok := numbers[ty.Variants[i].Name]; ok {
				ty.Variants[i].Index = n
			}
		}
	}
	if len(md.APIs) > 0 {
		md.APIs = rapid.Permutation(md.APIs).Draw(t, "APIs")
	}
	for i := range md.APIs {
		a := &md.APIs[i]
		if len(a.Methods) > 0 {
			a.Methods = rapid.Permutation(a.Methods).Draw(t, "methods")
		}
		a.Methods = slices.DeleteFunc(a.Methods, func(m metadata.Method) bool {
			gone := opts.MayLose != nil && opts.MayLose(a.Name, m.Name) && rapid.Bool().Draw(t, "lose "+m.Name)
			if gone {
				r.Lost = append(r.Lost, a.Name+"_"+m.Name)
			}
			return gone
		})
	}
	md.APIs = slices.DeleteFunc(md.APIs, func(a metadata.API) bool { return len(a.Methods) == 0 })
}

// rewrite makes a dynamic value of the old types one of the changed types.
// Newtypes and integers need nothing: codec takes what they hold.
func (r *Runtime) rewrite(id metadata.TypeID, v any) any {
	ty := r.before.Type(id)
	switch {
	case v == nil:
		return nil
	case isOption(ty):
		inner := ty.Variants[1].Fields[0].Type
		if nested, ok := v.(*codec.Variant); ok && isOption(r.before.Type(r.before.Unwrap(inner))) {
			if nested.Name == "Some" {
				nested.Fields[0].Value = r.rewrite(inner, nested.Fields[0].Value)
			}
			return nested
		}
		return r.rewrite(inner, v)
	case ty.Kind == metadata.Composite && len(ty.Fields) == 1 && ty.Fields[0].Name == "":
		return r.rewrite(ty.Fields[0].Type, v)
	}
	switch v := v.(type) {
	case []any:
		for i := range v {
			switch ty.Kind {
			case metadata.Sequence, metadata.Array:
				v[i] = r.rewrite(ty.Elem, v[i])
			case metadata.Tuple:
				v[i] = r.rewrite(ty.Items[i], v[i])
			case metadata.Composite:
				v[i] = r.rewrite(ty.Fields[i].Type, v[i])
			}
		}
	case *codec.Variant:
		for _, alternative := range ty.Variants {
			if alternative.Name == v.Name {
				for i := range v.Fields {
					v.Fields[i].Value = r.rewrite(alternative.Fields[i].Type, v.Fields[i].Value)
				}
			}
		}
	case *codec.Record:
		for i := range v.Fields {
			v.Fields[i].Value = r.rewrite(ty.Fields[i].Type, v.Fields[i].Value)
		}
		if c := r.changes[id]; c != nil {
			v.Fields = slices.DeleteFunc(v.Fields, func(f codec.NamedValue) bool { return slices.Contains(c.dropped, f.Name) })
			v.Fields = append(v.Fields, c.inserted...)
		}
	}
	return v
}

// isOption reports whether a type is an Option.
func isOption(ty *metadata.Type) bool {
	return ty.Kind == metadata.Variant && name(ty) == "Option" && len(ty.Variants) == 2
}

// name is the last part of a type's path.
func name(ty *metadata.Type) string {
	if len(ty.Path) == 0 {
		return ""
	}
	return ty.Path[len(ty.Path)-1]
}

// snake is codec's rule for the names of Go fields.
func snake(s string) string {
	var b strings.Builder
	for i, c := range s {
		if unicode.IsUpper(c) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
