package codec

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/bittensor-go/bt/substrate/metadata"
)

// kind is how a type lies on the wire, newtypes taken off.
type kind uint8

const (
	kBool    kind = iota
	kUint         // width bytes, up to 16
	kInt          // width bytes, up to 16
	kBig          // 32 bytes, signed or not
	kCompact      // an unsigned integer of up to width bytes
	kChar
	kStr
	kBytes  // Vec<u8>
	kFixed  // [u8; length]
	kSeq    // Vec of elem
	kArray  // length times elem
	kTuple  // fields by position; none for ()
	kStruct // fields by name
	kEnum
	kOption // of elem
	kBits
)

// node is a type of the chain with everything looked up. Once its codec has
// published it, it does not change.
type node struct {
	id     metadata.TypeID
	kind   kind
	signed bool  // kBig
	width  uint8 // kUint, kInt, kCompact; the store of kBits
	msb    bool  // kBits: the first bit is the highest of its word
	length int   // kFixed, kArray
	elem   *node
	fields []field
	alts   []alternative

	min   int // a lower bound of the encoded size
	fixed int // the encoded size, -1 where it varies or is not known
	sized bool
}

type field struct {
	name string // "0" and so on where the metadata has none
	*node
}

// alternative is one of an enum's. Positional says that its fields have no names.
type alternative struct {
	name       string
	index      uint8
	positional bool
	fields     []field
}

// maxSize is where sizes saturate: no input is that long.
const maxSize = math.MaxInt32

// maxNewtypes limits how many newtypes lie around a type, and how many Go types
// are taken off on the other side.
const maxNewtypes = 64

// fieldName is the name by which a field is known.
func fieldName(name string, i int) string {
	if name == "" {
		return fmt.Sprint(i)
	}
	return name
}

// node returns a type with all that it refers to.
func (c *Codec) node(id metadata.TypeID) (*node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lookup(id)
}

// lookup is node with the lock held.
func (c *Codec) lookup(id metadata.TypeID) (*node, error) {
	if n, ok := c.nodes[id]; ok {
		return n, nil
	}
	g := graph{types: c.types, known: c.nodes, fresh: make(map[metadata.TypeID]*node)}
	root, err := g.get(id)
	// The list grows while it is walked: no recursion, however deep types nest.
	for i := 0; err == nil && i < len(g.open); i++ {
		err = g.fill(g.open[i])
	}
	if err != nil {
		return nil, fmt.Errorf("type %d: %w", id, err)
	}
	for _, n := range g.open {
		n.size(0)
	}
	for id, n := range g.fresh {
		c.nodes[id] = n
	}
	return root, nil
}

// graph builds nodes.
type graph struct {
	types *metadata.Registry
	known map[metadata.TypeID]*node // complete
	fresh map[metadata.TypeID]*node // of this run; newtypes share the node of what they hold
	open  []*node
}

// get returns the node of a type, to be filled later where it is new.
func (g *graph) get(id metadata.TypeID) (*node, error) {
	inner := id
	for hops := 0; ; hops++ {
		t := g.types.Type(inner)
		switch {
		case t == nil:
			return nil, fmt.Errorf("the metadata has no type %d", inner)
		case hops > maxNewtypes:
			return nil, fmt.Errorf("%s: %w", typeName(t), errDepth)
		case t.Kind == metadata.Composite && len(t.Fields) == 1 && t.Fields[0].Name == "":
			inner = t.Fields[0].Type
			continue
		case t.Kind == metadata.Tuple && len(t.Items) == 1:
			inner = t.Items[0]
			continue
		}
		break
	}
	n := g.known[inner]
	if n == nil {
		n = g.fresh[inner]
	}
	if n == nil {
		n = &node{id: inner}
		g.open = append(g.open, n)
		g.fresh[inner] = n
	}
	g.fresh[id] = n
	return n, nil
}

// fill looks up what a type is made of.
func (g *graph) fill(n *node) error {
	t := g.types.Type(n.id)
	var err error
	switch t.Kind {
	case metadata.Composite:
		n.kind = kStruct
		if len(t.Fields) == 0 || t.Fields[0].Name == "" {
			n.kind = kTuple
		}
		n.fields, err = g.fields(t.Fields)
	case metadata.Tuple:
		n.kind = kTuple
		n.fields = make([]field, len(t.Items))
		for i, id := range t.Items {
			n.fields[i].name = fieldName("", i)
			if n.fields[i].node, err = g.get(id); err != nil {
				return err
			}
		}
	case metadata.Variant:
		err = g.enum(n, t)
	case metadata.Sequence:
		n.kind = kSeq
		if g.isByte(t.Elem) {
			n.kind = kBytes
			return nil
		}
		n.elem, err = g.get(t.Elem)
	case metadata.Array:
		n.kind, n.length = kArray, int(min(t.Len, maxSize))
		if g.isByte(t.Elem) {
			n.kind = kFixed
			return nil
		}
		n.elem, err = g.get(t.Elem)
	case metadata.Primitive:
		return n.primitive(t.Primitive)
	case metadata.Compact:
		return g.compact(n, t)
	case metadata.BitSequence:
		return g.bits(n, t)
	default:
		return fmt.Errorf("%s: unknown kind of type %d", typeName(t), t.Kind)
	}
	return err
}

func (g *graph) fields(fields []metadata.Field) ([]field, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	out := make([]field, len(fields))
	for i, f := range fields {
		n, err := g.get(f.Type)
		if err != nil {
			return nil, err
		}
		out[i] = field{name: fieldName(f.Name, i), node: n}
	}
	return out, nil
}

func (g *graph) enum(n *node, t *metadata.Type) error {
	if len(t.Path) > 0 && t.Path[len(t.Path)-1] == "Option" && len(t.Variants) == 2 {
		none, some := t.Variants[0], t.Variants[1]
		if none.Name == "None" && none.Index == 0 && len(none.Fields) == 0 &&
			some.Name == "Some" && some.Index == 1 && len(some.Fields) == 1 {
			var err error
			n.kind = kOption
			n.elem, err = g.get(some.Fields[0].Type)
			return err
		}
	}
	n.kind = kEnum
	n.alts = make([]alternative, len(t.Variants))
	for i, v := range t.Variants {
		fields, err := g.fields(v.Fields)
		if err != nil {
			return err
		}
		n.alts[i] = alternative{
			name: v.Name, index: v.Index, fields: fields,
			positional: len(v.Fields) > 0 && v.Fields[0].Name == "",
		}
	}
	return nil
}

// find returns the position of the alternative that an index stands for, -1 for
// none.
func (n *node) find(index uint8) int {
	if int(index) < len(n.alts) && n.alts[index].index == index {
		return int(index)
	}
	return slices.IndexFunc(n.alts, func(a alternative) bool { return a.index == index })
}

// named returns the alternative of a name, nil for none.
func (n *node) named(name string) *alternative {
	for i := range n.alts {
		if n.alts[i].name == name {
			return &n.alts[i]
		}
	}
	return nil
}

func (n *node) primitive(p metadata.PrimitiveKind) error {
	switch p {
	case metadata.Bool:
		n.kind = kBool
	case metadata.Char:
		n.kind = kChar
	case metadata.Str:
		n.kind = kStr
	case metadata.U8, metadata.U16, metadata.U32, metadata.U64, metadata.U128:
		n.kind, n.width = kUint, 1<<(p-metadata.U8)
	case metadata.I8, metadata.I16, metadata.I32, metadata.I64, metadata.I128:
		n.kind, n.width = kInt, 1<<(p-metadata.I8)
	case metadata.U256, metadata.I256:
		n.kind, n.signed = kBig, p == metadata.I256
	default:
		return fmt.Errorf("unknown primitive type %d", p)
	}
	return nil
}

// bare returns a type below its newtypes, named fields or not; nil where there is
// none.
func (g *graph) bare(id metadata.TypeID) *metadata.Type {
	for range maxNewtypes {
		t := g.types.Type(id)
		switch {
		case t == nil:
			return nil
		case t.Kind == metadata.Composite && len(t.Fields) == 1:
			id = t.Fields[0].Type
		case t.Kind == metadata.Tuple && len(t.Items) == 1:
			id = t.Items[0]
		default:
			return t
		}
	}
	return nil
}

// isByte reports whether a type is u8 itself. Newtypes of u8 are encoded alike
// and count too.
func (g *graph) isByte(id metadata.TypeID) bool {
	t := g.bare(id)
	return t != nil && t.Kind == metadata.Primitive && t.Primitive == metadata.U8
}

func (g *graph) compact(n *node, t *metadata.Type) error {
	elem := g.bare(t.Elem)
	switch {
	case elem == nil:
	case elem.Kind == metadata.Primitive && elem.Primitive >= metadata.U8 && elem.Primitive <= metadata.U128:
		n.kind, n.width = kCompact, 1<<(elem.Primitive-metadata.U8)
		return nil
	case elem.Kind == metadata.Tuple && len(elem.Items) == 0, elem.Kind == metadata.Composite && len(elem.Fields) == 0:
		n.kind = kTuple // nothing, in compact form too
		return nil
	}
	return fmt.Errorf("type %d has no compact form", t.Elem)
}

func (g *graph) bits(n *node, t *metadata.Type) error {
	store, order := g.bare(t.Elem), g.types.Type(t.Order)
	if store == nil || store.Kind != metadata.Primitive || store.Primitive < metadata.U8 || store.Primitive > metadata.U64 {
		return fmt.Errorf("type %d cannot hold a sequence of bits", t.Elem)
	}
	n.kind, n.width = kBits, 1<<(store.Primitive-metadata.U8)
	if order == nil || len(order.Path) == 0 {
		return fmt.Errorf("type %d is no order of bits", t.Order)
	}
	switch name := order.Path[len(order.Path)-1]; name {
	case "Lsb0":
	case "Msb0":
		n.msb = true
	default:
		return fmt.Errorf("%q is no order of bits", name)
	}
	return nil
}

// size fills in min and fixed. Types that contain themselves, and what lies very
// deep, count as nothing of unknown size, which is always a lower bound.
func (n *node) size(depth int) (least, exact int) {
	if n.sized {
		return n.min, n.fixed
	}
	if depth > maxNewtypes {
		return 0, -1
	}
	n.sized, n.fixed = true, -1 // what is met again on the way down
	switch n.kind {
	case kBool:
		n.min, n.fixed = 1, 1
	case kUint, kInt:
		n.min, n.fixed = int(n.width), int(n.width)
	case kBig:
		n.min, n.fixed = 32, 32
	case kChar:
		n.min, n.fixed = 4, 4
	case kCompact, kStr, kBytes, kSeq, kBits:
		n.min = 1
		if n.elem != nil {
			n.elem.size(depth + 1)
		}
	case kFixed:
		n.min, n.fixed = n.length, n.length
	case kArray:
		n.min, n.fixed = n.elem.size(depth + 1)
		n.min = times(n.min, n.length)
		if n.fixed >= 0 {
			n.fixed = times(n.fixed, n.length)
		}
	case kTuple, kStruct:
		n.min, n.fixed = sizes(n.fields, depth)
	case kOption:
		n.elem.size(depth + 1)
		n.min = 1
	case kEnum:
		n.min, n.fixed = n.enumSize(depth)
	}
	return n.min, n.fixed
}

func sizes(fields []field, depth int) (least, exact int) {
	for _, f := range fields {
		m, x := f.size(depth + 1)
		least = min(least+m, maxSize)
		if x < 0 || exact < 0 {
			exact = -1
		} else {
			exact = min(exact+x, maxSize)
		}
	}
	return least, exact
}

func (n *node) enumSize(depth int) (least, exact int) {
	for i, a := range n.alts {
		m, x := sizes(a.fields, depth)
		if i == 0 {
			least, exact = m, x
			continue
		}
		least = min(least, m)
		if x != exact {
			exact = -1
		}
	}
	if len(n.alts) != 256 {
		exact = -1 // the index is worth a look
	}
	if exact >= 0 {
		exact = min(exact+1, maxSize)
	}
	return min(least+1, maxSize), exact
}

func times(a, b int) int {
	if a != 0 && b > maxSize/a {
		return maxSize
	}
	return a * b
}

// typeName returns the path of a type, what it is where it has none.
func typeName(t *metadata.Type) string {
	if len(t.Path) > 0 {
		return strings.Join(t.Path, "::")
	}
	return "a type without a name"
}

// describeLocked writes a type of the chain as Rust would, with the lock held.
func (c *Codec) describeLocked(id metadata.TypeID) string { return c.describeTo(id, 0) }

func (c *Codec) describeTo(id metadata.TypeID, depth int) string {
	t := c.types.Type(id)
	if t == nil || depth > 3 {
		return "…"
	}
	if len(t.Path) > 0 {
		name := typeName(t)
		if t.Kind == metadata.Variant && len(t.Variants) == 2 && len(t.Variants[1].Fields) == 1 && name == "Option" {
			return "Option<" + c.describeTo(t.Variants[1].Fields[0].Type, depth+1) + ">"
		}
		return name
	}
	switch t.Kind {
	case metadata.Primitive:
		if names := "bool char str u8 u16 u32 u64 u128 u256 i8 i16 i32 i64 i128 i256"; int(t.Primitive) < 15 {
			return strings.Fields(names)[t.Primitive]
		}
	case metadata.Sequence:
		return "Vec<" + c.describeTo(t.Elem, depth+1) + ">"
	case metadata.Compact:
		return "Compact<" + c.describeTo(t.Elem, depth+1) + ">"
	case metadata.Array:
		return fmt.Sprintf("[%s; %d]", c.describeTo(t.Elem, depth+1), t.Len)
	case metadata.BitSequence:
		return "BitVec"
	case metadata.Tuple:
		var items []string
		for i, id := range t.Items {
			if i == 8 {
				items = append(items, "…")
				break
			}
			items = append(items, c.describeTo(id, depth+1))
		}
		return "(" + strings.Join(items, ", ") + ")"
	}
	return typeName(t)
}
