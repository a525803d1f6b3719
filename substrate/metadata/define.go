package metadata

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Define adds structs and enums, written much as in Rust:
//
//	struct sp_core::crypto::AccountId32([u8; 32])
//	struct Point { x: u32, y: Option<Compact<u64>> }
//	struct Nothing;
//	enum Shape { Empty, Circle(Point, u32) = 7, Line { from: Point, to: Point } }
//
// A name may have a path before it. Definitions may refer to each other in any
// order, to types that the registry already holds (by the last segments of their
// path, and by their parameters where those tell them apart), and to what Resolve
// knows by itself. A variant without a number takes its position, as the chain's
// own encoder does. Lines of `///` before a definition, a field or a variant
// become its Docs; other comments begin with `//`.
//
// The error names the line and the column; the registry is then as it was.
func (r *Registry) Define(src string) error {
	old := len(r.Types)
	if err := r.define(src); err != nil {
		r.Types = r.Types[:old]
		return err
	}
	return nil
}

// Resolve returns the type of an expression, adding types that the registry
// lacks. It knows the primitives from bool to i256, char, str and String,
// Vec<T>, Option<T>, Result<T, E>, Compact<T>, Box<T>, BTreeMap<K, V>,
// BTreeSet<T>, tuples, arrays such as [u8; 32], AccountId
// (sp_core::crypto::AccountId32), and all names that the registry holds.
//
// The error names the place in the expression; the registry is then as it was.
func (r *Registry) Resolve(expr string) (TypeID, error) {
	old := len(r.Types)
	s := &scanner{src: expr}
	e := s.expr(0)
	if s.skip(); s.err == nil && s.pos < len(s.src) {
		s.failAt(s.pos, "%s after the end of the type", s.next())
	}
	if s.err != nil {
		return NoType, s.err
	}
	id, err := r.resolve(s, e)
	if err != nil {
		r.Types = r.Types[:old]
		return NoType, err
	}
	return id, nil
}

// definition is one struct or enum as written.
type definition struct {
	pos      int
	path     []string
	docs     []string
	isEnum   bool
	fields   []member
	variants []alternative
}

// member is a field. Positional ones have no name.
type member struct {
	name string
	docs []string
	expr expr
}

type alternative struct {
	pos    int
	name   string
	docs   []string
	index  uint8
	fields []member
}

// expr is a type as written.
type expr struct {
	pos, end int
	path     []string // a name
	args     []expr   // its parameters, or the items of a tuple or an array
	length   uint32   // of an array
	form     byte     // 'n' name, '(' tuple, '[' array
}

func (r *Registry) define(src string) error {
	if !utf8.ValidString(src) {
		return errors.New("type definition: the source is no UTF-8")
	}
	s := &scanner{src: src}
	var defs []definition
	for s.skip(); s.err == nil && s.pos < len(s.src); s.skip() {
		defs = append(defs, s.definition())
	}
	if s.err != nil {
		return s.err
	}
	// All names exist before the first is looked up.
	first := TypeID(len(r.Types))
	for _, d := range defs {
		if len(d.path) == 1 && (arity(d.path[0]) >= 0 || d.path[0] == "AccountId") {
			return s.errAt(d.pos, "%s is built in", d.path[0])
		}
		for i := range r.Types {
			if slices.Equal(r.Types[i].Path, d.path) {
				return s.errAt(d.pos, "%s is defined already", strings.Join(d.path, "::"))
			}
		}
		r.Types = append(r.Types, Type{Path: d.path, Elem: NoType, Order: NoType, Docs: NewDocs(d.docs...)})
	}
	for i, d := range defs {
		fields, err := r.members(s, d.fields)
		if err != nil {
			return err
		}
		var variants []VariantDef
		for _, a := range d.variants {
			fields, err := r.members(s, a.fields)
			if err != nil {
				return err
			}
			variants = append(variants, VariantDef{Name: a.name, Index: a.index, Fields: fields, Docs: NewDocs(a.docs...)})
		}
		t := &r.Types[first+TypeID(i)]
		t.Fields, t.Variants = fields, variants
		if d.isEnum {
			t.Kind = Variant
		}
	}
	return nil
}

func (r *Registry) members(s *scanner, members []member) ([]Field, error) {
	var fields []Field
	for _, m := range members {
		id, err := r.resolve(s, m.expr)
		if err != nil {
			return nil, err
		}
		written := strings.Join(strings.Fields(s.src[m.expr.pos:m.expr.end]), " ")
		fields = append(fields, Field{Name: m.name, Type: id, TypeName: written, Docs: NewDocs(m.docs...)})
	}
	return fields, nil
}

// primitiveNames are the primitives by PrimitiveKind.
var primitiveNames = [...]string{
	"bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i16", "i32", "i64", "i128", "i256",
}

// arity returns how many parameters a built-in name takes, -1 where the name is
// not built in.
func arity(name string) int {
	switch name {
	case "Vec", "Option", "Compact", "Box", "BTreeSet":
		return 1
	case "Result", "BTreeMap":
		return 2
	case "String":
		return 0
	}
	if slices.Contains(primitiveNames[:], name) {
		return 0
	}
	return -1
}

func (r *Registry) resolve(s *scanner, e expr) (TypeID, error) {
	var args []TypeID
	for _, a := range e.args {
		id, err := r.resolve(s, a)
		if err != nil {
			return NoType, err
		}
		args = append(args, id)
	}
	switch e.form {
	case '(':
		return r.anonymous(Type{Kind: Tuple, Items: args}), nil
	case '[':
		return r.anonymous(Type{Kind: Array, Elem: args[0], Len: e.length}), nil
	}
	if len(e.path) == 1 {
		name := e.path[0]
		if n := arity(name); n >= 0 {
			if len(args) != n {
				return NoType, s.errAt(e.pos, "%s takes %d type parameters, not %d", name, n, len(args))
			}
			return r.builtin(name, args), nil
		}
		if name == "AccountId" && len(args) == 0 {
			return r.account(), nil
		}
	}
	return r.named(s, e, args)
}

// builtin returns a type that Resolve knows by itself.
func (r *Registry) builtin(name string, args []TypeID) TypeID {
	switch name {
	case "Box":
		return args[0]
	case "Vec":
		return r.anonymous(Type{Kind: Sequence, Elem: args[0]})
	case "Compact":
		return r.anonymous(Type{Kind: Compact, Elem: args[0]})
	case "Option":
		return r.generic(name, []string{"T"}, args, func(t *Type) {
			t.Kind = Variant
			t.Variants = []VariantDef{{Name: "None"}, {Name: "Some", Index: 1, Fields: []Field{{Type: args[0]}}}}
		})
	case "Result":
		return r.generic(name, []string{"T", "E"}, args, func(t *Type) {
			t.Kind = Variant
			t.Variants = []VariantDef{
				{Name: "Ok", Fields: []Field{{Type: args[0]}}},
				{Name: "Err", Index: 1, Fields: []Field{{Type: args[1]}}},
			}
		})
	case "BTreeMap":
		pair := r.anonymous(Type{Kind: Tuple, Items: args})
		list := r.anonymous(Type{Kind: Sequence, Elem: pair})
		return r.generic(name, []string{"K", "V"}, args, func(t *Type) { t.Fields = []Field{{Type: list}} })
	case "BTreeSet":
		list := r.anonymous(Type{Kind: Sequence, Elem: args[0]})
		return r.generic(name, []string{"T"}, args, func(t *Type) { t.Fields = []Field{{Type: list}} })
	case "String":
		name = "str"
	}
	return r.anonymous(Type{Kind: Primitive, Primitive: PrimitiveKind(slices.Index(primitiveNames[:], name))})
}

// anonymous returns the type without a name that has this form, adding it where
// it is missing.
func (r *Registry) anonymous(t Type) TypeID {
	for i := range r.Types {
		have := &r.Types[i]
		if have.Kind != t.Kind || len(have.Path) > 0 {
			continue
		}
		switch t.Kind {
		case Primitive:
			if have.Primitive == t.Primitive {
				return TypeID(i)
			}
		case Tuple:
			if slices.Equal(have.Items, t.Items) {
				return TypeID(i)
			}
		default:
			if have.Elem == t.Elem && have.Len == t.Len {
				return TypeID(i)
			}
		}
	}
	if t.Kind == Primitive || t.Kind == Tuple {
		t.Elem = NoType
	}
	t.Order = NoType
	return r.add(t)
}

// generic returns the type of this name and these parameters, adding it where it
// is missing.
func (r *Registry) generic(name string, params []string, args []TypeID, build func(*Type)) TypeID {
	path := []string{name}
	for i := range r.Types {
		if t := &r.Types[i]; slices.Equal(t.Path, path) && hasArgs(t, args) {
			return TypeID(i)
		}
	}
	t := Type{Path: path, Elem: NoType, Order: NoType}
	for i, p := range params {
		t.Params = append(t.Params, TypeParam{Name: p, Type: args[i]})
	}
	build(&t)
	return r.add(t)
}

// account returns the type of account ids, which runtimes name by a path of its
// own.
func (r *Registry) account() TypeID {
	path := []string{"sp_core", "crypto", "AccountId32"}
	for i := range r.Types {
		if slices.Equal(r.Types[i].Path, path) {
			return TypeID(i)
		}
	}
	u8 := r.anonymous(Type{Kind: Primitive, Primitive: U8})
	id := r.anonymous(Type{Kind: Array, Elem: u8, Len: 32})
	return r.add(Type{Path: path, Elem: NoType, Order: NoType, Fields: []Field{{Type: id, TypeName: "[u8; 32]"}}})
}

func (r *Registry) add(t Type) TypeID {
	r.Types = append(r.Types, t)
	return TypeID(len(r.Types) - 1)
}

// named finds a type by its whole path or, failing that, by the end of it.
func (r *Registry) named(s *scanner, e expr, args []TypeID) (TypeID, error) {
	name := strings.Join(e.path, "::")
	var whole, end []TypeID
	known := false
	for i := range r.Types {
		t := &r.Types[i]
		if len(t.Path) < len(e.path) || !slices.Equal(t.Path[len(t.Path)-len(e.path):], e.path) {
			continue
		}
		known = true
		if len(args) > 0 && !hasArgs(t, args) {
			continue
		}
		end = append(end, TypeID(i))
		if len(t.Path) == len(e.path) {
			whole = append(whole, TypeID(i))
		}
	}
	found := whole
	if len(found) == 0 {
		found = end
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return NoType, s.errAt(e.pos, "%s can be any of %d types, such as %s and %s: write more of the path, or the type parameters",
			name, len(found), r.describe(found[0]), r.describe(found[1]))
	case known:
		return NoType, s.errAt(e.pos, "%s is known, but not with these type parameters", name)
	}
	return NoType, s.errAt(e.pos, "%s is not known: it is neither built in nor defined", name)
}

// hasArgs reports whether a type has these parameters, phantom ones aside.
func hasArgs(t *Type, args []TypeID) bool {
	i := 0
	for _, p := range t.Params {
		if p.Type == NoType {
			continue
		}
		if i == len(args) || args[i] != p.Type {
			return false
		}
		i++
	}
	return i == len(args)
}

// describe names a type for an error.
func (r *Registry) describe(id TypeID) string {
	return fmt.Sprintf("%s (type %d)", r.Types[id].label(), id)
}

// scanner reads the notation of Define. The first error sticks.
type scanner struct {
	src  string
	pos  int
	end  int      // of what was read last, before space and comments
	docs []string // the doc lines since then
	err  error
}

// errAt is an error with a place.
func (s *scanner) errAt(pos int, format string, args ...any) error {
	before := s.src[:pos]
	line := strings.Count(before, "\n") + 1
	column := pos - strings.LastIndexByte(before, '\n')
	return fmt.Errorf("type definition, line %d column %d: %s", line, column, fmt.Sprintf(format, args...))
}

func (s *scanner) failAt(pos int, format string, args ...any) {
	if s.err == nil {
		s.err = s.errAt(pos, format, args...)
	}
}

// skip moves over space and comments and keeps the lines of documentation.
func (s *scanner) skip() {
	for s.pos < len(s.src) {
		rest := s.src[s.pos:]
		switch {
		case strings.HasPrefix(rest, "//"):
			line, _, _ := strings.Cut(rest, "\n")
			if doc, ok := strings.CutPrefix(line, "///"); ok {
				s.docs = append(s.docs, strings.TrimSpace(doc))
			}
			s.pos += len(line)
		case strings.ContainsRune(" \t\r\n", rune(rest[0])):
			s.pos++
		default:
			return
		}
	}
}

// next describes what comes next for an error.
func (s *scanner) next() string {
	if s.pos >= len(s.src) {
		return "the end"
	}
	if w := s.peekWord(); w != "" {
		return strconv.Quote(w)
	}
	r := []rune(s.src[s.pos:min(len(s.src), s.pos+4)])[0]
	return strconv.Quote(string(r))
}

func (s *scanner) advance(n int) {
	s.pos += n
	s.end = s.pos
	s.docs = nil
}

// accept moves over a symbol if it comes next.
func (s *scanner) accept(symbol string) bool {
	s.skip()
	if s.err != nil || !strings.HasPrefix(s.src[s.pos:], symbol) {
		return false
	}
	s.advance(len(symbol))
	return true
}

func (s *scanner) expect(symbol, why string) {
	if !s.accept(symbol) {
		s.failAt(s.pos, "%s where %q was expected %s", s.next(), symbol, why)
	}
}

func (s *scanner) peekWord() string {
	end := s.pos
	for end < len(s.src) {
		c := s.src[end]
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			break
		}
		end++
	}
	return s.src[s.pos:end]
}

// word reads a name.
func (s *scanner) word(what string) string {
	s.skip()
	w := s.peekWord()
	if w == "" || w[0] >= '0' && w[0] <= '9' {
		s.failAt(s.pos, "%s where %s was expected", s.next(), what)
		return ""
	}
	if s.err == nil {
		s.advance(len(w))
	}
	return w
}

// number reads a decimal number of so many bits.
func (s *scanner) number(what string, bits int) uint64 {
	s.skip()
	w := s.peekWord()
	n, err := strconv.ParseUint(w, 10, bits)
	if err != nil {
		s.failAt(s.pos, "%s where %s was expected, a number of %d bits", s.next(), what, bits)
		return 0
	}
	s.advance(len(w))
	return n
}

func (s *scanner) path(what string) []string {
	path := []string{s.word(what)}
	for s.err == nil && s.accept("::") {
		path = append(path, s.word("the rest of a path"))
	}
	return path
}

func (s *scanner) definition() definition {
	d := definition{docs: s.docs}
	at := s.pos
	switch w := s.word("struct or enum"); w {
	case "struct":
	case "enum":
		d.isEnum = true
	default:
		s.failAt(at, "%q where struct or enum was expected", w)
	}
	s.skip()
	d.pos = s.pos
	d.path = s.path("a name")
	switch {
	case d.isEnum:
		s.expect("{", "after the name of an enum")
		d.variants = s.alternatives()
	case s.accept("{"):
		d.fields = s.named()
	case s.accept("("):
		d.fields = s.positional()
	}
	s.accept(";")
	return d
}

// named reads fields with names, up to the brace.
func (s *scanner) named() []member {
	var fields []member
	for s.err == nil && !s.accept("}") {
		docs, at := s.docs, s.pos
		m := member{name: s.word("the name of a field"), docs: docs}
		if slices.ContainsFunc(fields, func(o member) bool { return o.name == m.name }) {
			s.failAt(at, "there is a field %s already", m.name)
		}
		s.expect(":", "after the name of a field")
		m.expr = s.expr(0)
		fields = append(fields, m)
		s.separate("}", "after a field")
	}
	return fields
}

// positional reads fields without names, up to the parenthesis.
func (s *scanner) positional() []member {
	var fields []member
	for s.err == nil && !s.accept(")") {
		docs := s.docs
		fields = append(fields, member{docs: docs, expr: s.expr(0)})
		s.separate(")", "after a field")
	}
	return fields
}

// separate moves over a comma, which may be missing before the closing symbol.
func (s *scanner) separate(closing, why string) {
	if s.accept(",") {
		return
	}
	if !strings.HasPrefix(s.src[s.pos:], closing) {
		s.failAt(s.pos, "%s where \",\" or %q was expected %s", s.next(), closing, why)
	}
}

func (s *scanner) alternatives() []alternative {
	var all []alternative
	var taken [maxNumbered]string
	for s.err == nil && !s.accept("}") {
		a := alternative{docs: s.docs, pos: s.pos}
		a.name = s.word("the name of a variant")
		switch {
		case s.accept("{"):
			a.fields = s.named()
		case s.accept("("):
			a.fields = s.positional()
		}
		switch {
		case s.accept("="):
			a.index = uint8(s.number("the number of a variant", 8))
		case len(all) >= maxNumbered:
			s.failAt(a.pos, "an enum has at most %d variants", maxNumbered)
		default:
			a.index = uint8(len(all))
		}
		if slices.ContainsFunc(all, func(o alternative) bool { return o.name == a.name }) {
			s.failAt(a.pos, "there is a variant %s already", a.name)
		}
		if other := taken[a.index]; other != "" {
			s.failAt(a.pos, "variant %s has the number %d, which %s has", a.name, a.index, other)
		}
		taken[a.index] = a.name
		all = append(all, a)
		s.separate("}", "after a variant")
	}
	return all
}

// maxDepth limits how deep types may be nested in an expression.
const maxDepth = 64

func (s *scanner) expr(depth int) expr {
	s.skip()
	start := s.pos
	e := expr{form: 'n'}
	switch {
	case depth > maxDepth:
		s.failAt(s.pos, "types are nested more than %d deep", maxDepth)
	case s.accept("("):
		e.form = '('
		comma := true
		for s.err == nil && !s.accept(")") {
			e.args = append(e.args, s.expr(depth+1))
			comma = s.accept(",")
			if !comma && !strings.HasPrefix(s.src[s.pos:], ")") {
				s.failAt(s.pos, "%s where \",\" or \")\" was expected in a tuple", s.next())
			}
		}
		if len(e.args) == 1 && !comma {
			e = e.args[0]
		}
	case s.accept("["):
		e.form = '['
		e.args = []expr{s.expr(depth + 1)}
		s.expect(";", "before the length of an array")
		e.length = uint32(s.number("the length of an array", 32))
		s.expect("]", "after the length of an array")
	default:
		e.path = s.path("a type")
		if s.accept("<") {
			for s.err == nil && !s.accept(">") {
				e.args = append(e.args, s.expr(depth+1))
				s.separate(">", "after a type parameter")
			}
		}
	}
	e.pos, e.end = start, s.end
	return e
}
