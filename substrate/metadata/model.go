// Package metadata reads a Substrate runtime's description of itself. Versions
// 14, 15 and 16 become one model: a registry of types, the pallets with their
// storage, calls, events, errors and constants, the runtime APIs and the
// transaction extensions.
package metadata

import (
	"fmt"

	"github.com/bittensor-go/bt/substrate/scale"
)

// TypeID is a type's position in its Registry.
type TypeID uint32

// NoType stands where a type is absent, such as the calls of a pallet that has
// none.
const NoType = ^TypeID(0)

// Kind says which of the forms of SCALE a type takes.
type Kind uint8

// The forms of a type.
const (
	Composite   Kind = iota // named or positional Fields
	Variant                 // one of Variants
	Sequence                // compact length, then Elem values
	Array                   // Len values of Elem
	Tuple                   // Items in order
	Primitive               // Primitive says which
	Compact                 // the compact form of Elem
	BitSequence             // bits stored in Elem, ordered by Order
)

// PrimitiveKind is a primitive type, numbered as in the encoded metadata.
type PrimitiveKind uint8

// The primitive types.
const (
	Bool PrimitiveKind = iota
	Char
	Str
	U8
	U16
	U32
	U64
	U128
	U256
	I8
	I16
	I32
	I64
	I128
	I256
)

// Registry holds the types of one runtime. TypeIDs index Types.
type Registry struct {
	Types []Type
}

// Type is one type. Which members are set depends on Kind.
type Type struct {
	Path      []string // module path and name; empty for anonymous types
	Params    []TypeParam
	Kind      Kind
	Primitive PrimitiveKind // Primitive
	Elem      TypeID        // Sequence, Array, Compact, BitSequence (the store)
	Order     TypeID        // BitSequence
	Len       uint32        // Array
	Fields    []Field       // Composite
	Items     []TypeID      // Tuple
	Variants  []VariantDef  // Variant
	Docs      Docs
}

// Docs are lines of documentation, in the form in which metadata has them: most of
// it is documentation, and most of that is never looked at. The zero value has no
// lines.
type Docs string

// NewDocs returns lines as Docs.
func NewDocs(lines ...string) Docs {
	if len(lines) == 0 {
		return ""
	}
	list := scale.AppendCompact(nil, uint64(len(lines)))
	for _, l := range lines {
		list = append(scale.AppendCompact(list, uint64(len(l))), l...)
	}
	return Docs(list)
}

// Lines returns the lines, nil for none.
func (d Docs) Lines() []string {
	r := scale.NewReader([]byte(d))
	if d == "" {
		return nil
	}
	lines := make([]string, 0, r.Len(1))
	for range cap(lines) {
		lines = append(lines, string(r.ByteString()))
	}
	return lines
}

// String returns the lines as fmt prints a list.
func (d Docs) String() string { return fmt.Sprint(d.Lines()) }

// TypeParam is a generic parameter. Type is NoType for a phantom one.
type TypeParam struct {
	Name string
	Type TypeID
}

// Field is a member of a composite or of a variant. Name is empty where the
// fields are positional.
type Field struct {
	Name     string
	Type     TypeID
	TypeName string // as written in the runtime's source; may be empty
	Docs     Docs
}

// VariantDef is one alternative of an enum.
type VariantDef struct {
	Name   string
	Index  uint8
	Fields []Field
	Docs   Docs
}

// Metadata is one runtime's description of itself.
type Metadata struct {
	Version   uint8 // 14, 15 or 16: the version of the bytes it was read from
	Types     *Registry
	Pallets   []Pallet
	APIs      []API // empty for version 14
	Extrinsic Extrinsic

	RuntimeType TypeID // version 14 and 15: the runtime; else NoType
	CallType    TypeID // version 15 on: the outer enums; else NoType
	EventType   TypeID
	ErrorType   TypeID
	Custom      []CustomValue // version 15 on
}

// Pallet is one pallet. Calls, Events and Errors are enums, or NoType.
type Pallet struct {
	Name          string
	Index         uint8
	Prefix        string // of its storage
	Storage       []StorageEntry
	Calls         TypeID
	Events        TypeID
	Errors        TypeID
	Constants     []Constant
	Associated    []AssociatedType // version 16
	ViewFunctions []ViewFunction   // version 16
	Docs          Docs             // version 15 on
	HasStorage    bool             // a storage section is present, maybe empty

	Deprecation      Deprecation         // version 16, as are the three below
	DeprecatedCalls  []DeprecatedVariant // by ascending index
	DeprecatedEvents []DeprecatedVariant
	DeprecatedErrors []DeprecatedVariant
}

// Deprecation says whether a thing is deprecated; the zero value says no.
type Deprecation struct {
	Deprecated bool
	Note       *DeprecationNote // nil where none is given
}

// DeprecationNote is what a deprecation says. Since is empty where it does not
// say since when.
type DeprecationNote struct {
	Note, Since string
}

// DeprecatedVariant is a deprecated alternative of an enum. Note is nil where
// none is given.
type DeprecatedVariant struct {
	Index uint8
	Note  *DeprecationNote
}

// AssociatedType is a type that a pallet's configuration names.
type AssociatedType struct {
	Name string
	Type TypeID
	Docs Docs
}

// ViewFunction is a read-only function of a pallet.
type ViewFunction struct {
	ID [32]byte // what the runtime is asked with
	Method
}

// CustomValue is an entry of the runtime's own making.
type CustomValue struct {
	Name  string
	Type  TypeID
	Value []byte
}

// Hasher says how one key of a storage map is hashed, numbered as in the
// encoded metadata.
type Hasher uint8

// The storage hashers.
const (
	Blake2_128 Hasher = iota
	Blake2_256
	Blake2_128Concat
	Twox128
	Twox256
	Twox64Concat
	Identity
)

// StorageEntry is a value or a map in a pallet's storage.
type StorageEntry struct {
	Name     string
	Optional bool     // absent means none; otherwise absent means Default
	Hashers  []Hasher // one per key; empty for a plain value
	Key      TypeID   // a tuple where there are several hashers; NoType for a plain value
	Value    TypeID
	Default  []byte // the encoded default
	Docs     Docs

	Deprecation Deprecation // version 16
}

// Constant is a value fixed in the runtime.
type Constant struct {
	Name  string
	Type  TypeID
	Value []byte
	Docs  Docs

	Deprecation Deprecation // version 16
}

// API is a runtime API.
type API struct {
	Name        string
	Methods     []Method
	Version     uint32 // version 16
	Docs        Docs
	Deprecation Deprecation // version 16
}

// Method is a function of a runtime API.
type Method struct {
	Name        string
	Inputs      []Param
	Output      TypeID
	Docs        Docs
	Deprecation Deprecation // version 16
}

// Param is an argument of a runtime function.
type Param struct {
	Name string
	Type TypeID
}

// Extrinsic describes transactions. The address, call and signature types of
// version 14 are taken from the parameters of the extrinsic's type.
type Extrinsic struct {
	Versions   []uint8
	Type       TypeID // version 14; else NoType
	Address    TypeID
	Call       TypeID
	Signature  TypeID
	Extra      TypeID // NoType in version 16
	Extensions []Extension
	// ByVersion lists, for each transaction extension version, the indexes of
	// its Extensions; version 16 only.
	ByVersion []ExtensionSet
}

// ExtensionSet is the list of extensions of one transaction extension version.
type ExtensionSet struct {
	Version uint8
	Indexes []uint32
}

// Extension is a transaction extension: Extra lies in the extrinsic, Additional
// only under the signature.
type Extension struct {
	Identifier string
	Extra      TypeID
	Additional TypeID
}
