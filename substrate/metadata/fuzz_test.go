package metadata_test

import (
	"bytes"
	"testing"

	"github.com/bittensor-go/bt/substrate/metadata"
)

// FuzzParse reads anything without a panic, and writes what it could read such
// that it stays the same.
func FuzzParse(f *testing.F) {
	for v := uint8(14); v <= 16; v++ {
		data := encode(f, small(f), v)
		f.Add(data)
		for _, cut := range []int{4, 5, 6, 40, len(data) / 2, len(data) - 1} {
			f.Add(data[:cut])
		}
		for i := 5; i < len(data); i += 97 {
			changed := bytes.Clone(data)
			changed[i] ^= 0xff
			f.Add(changed)
		}
	}
	f.Add([]byte("meta\x0e\xfe\xff\xff\xff"))
	f.Add([]byte("meta\x0f\x03\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := metadata.Parse(data)
		if _, answerErr := metadata.ParseAnswer(data); err == nil && answerErr == nil {
			t.Error("metadata and an answer at once")
		}
		if err != nil {
			return
		}
		once, err := m.Append(nil, m.Version)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := metadata.Parse(once)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		twice, err := again.Append(nil, again.Version)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%d bytes, then %d bytes, error %v", len(once), len(twice), err)
		}
		for i := range m.Types.Types {
			m.Types.Unwrap(metadata.TypeID(i))
		}
	})
}

// FuzzDefine reads anything without a panic. A refusal leaves the registry as it
// was; what was accepted can be written as metadata and read.
func FuzzDefine(f *testing.F) {
	for _, src := range []string{
		"", "struct A;", "struct a::B { x: u8, y: Vec<(u8, [u16; 4])> }", "/// Doc\nenum E { A, B(E) = 7, C { x: BTreeMap<u16, String> } }",
		"struct A { a: u8", "enum E { A = 999 }", "struct A(((((", "struct A(Option<Result<AccountId, Box<A>>>) // end", "struct \xff",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		m := &metadata.Metadata{Types: new(metadata.Registry), Extrinsic: metadata.Extrinsic{Versions: []uint8{4}}}
		types := m.Types
		if id, err := types.Resolve(src); err != nil && len(types.Types) > 0 || err == nil && types.Type(id) == nil {
			t.Fatalf("type %d of %d, error %v", id, len(types.Types), err)
		}
		n := len(types.Types)
		if err := types.Define(src); err != nil && len(types.Types) != n {
			t.Fatalf("%d types became %d, error %v", n, len(types.Types), err)
		}
		data, err := m.Append(nil, 14)
		if len(types.Types) == 0 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := metadata.Parse(data); err != nil {
			t.Fatal(err)
		}
	})
}
