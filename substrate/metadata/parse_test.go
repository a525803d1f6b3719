package metadata_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// small builds a model that uses every form that metadata can take.
func small(t testing.TB) *metadata.Metadata {
	t.Helper()
	types := new(metadata.Registry)
	err := types.Define(`
		/// An account.
		struct sp_core::crypto::AccountId32([u8; 32])
		struct Point { x: u32, /// Upwards.
			y: Option<Compact<u64>> }
		enum toy::pallet::Call { /// Moves.
			go { to: Point, far: bool } = 6, stop = 7 }
		enum toy::pallet::Event { Gone(AccountId, BTreeMap<u16, String>) }
		enum toy::pallet::Error { Lost, Stuck = 5 }
		enum RuntimeCall { Toy(toy::pallet::Call) = 3 }
		enum RuntimeEvent { Toy(toy::pallet::Event) = 3 }
		enum RuntimeError { Toy(toy::pallet::Error) = 3 }
		enum MultiSignature { Ed([u8; 64]), Sr([u8; 64]) }
		enum MultiAddress { Id(AccountId), Index(()) }
		struct Lsb0;
		struct Runtime;
		struct Extrinsic(Vec<u8>);
	`)
	if err != nil {
		t.Fatal(err)
	}
	id := func(expr string) metadata.TypeID {
		id, err := types.Resolve(expr)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	bits := metadata.TypeID(len(types.Types))
	types.Types = append(types.Types, metadata.Type{Kind: metadata.BitSequence, Elem: id("u8"), Order: id("Lsb0")})
	params := []metadata.TypeParam{
		{"Address", id("MultiAddress")},
		{"Call", id("RuntimeCall")},
		{"Signature", id("MultiSignature")},
		{"Extra", id("()")},
		{"Phantom", metadata.NoType},
	}
	types.Type(id("Extrinsic")).Params = params
	old := metadata.Deprecation{Deprecated: true}
	why := &metadata.DeprecationNote{Note: "slow", Since: "1.2"}
	return &metadata.Metadata{
		Types: types,
		Pallets: []metadata.Pallet{
			{
				Name: "Toy", Index: 3, Prefix: "Toys", HasStorage: true,
				Calls: id("toy::pallet::Call"), Events: id("toy::pallet::Event"), Errors: id("toy::pallet::Error"),
				DeprecatedCalls:  []metadata.DeprecatedVariant{{Index: 6}, {Index: 7, Note: why}},
				DeprecatedErrors: []metadata.DeprecatedVariant{{Index: 5, Note: &metadata.DeprecationNote{Note: "gone"}}},
				Storage: []metadata.StorageEntry{
					{Name: "Count", Key: metadata.NoType, Value: id("u64"), Default: []byte{1, 0, 0, 0, 0, 0, 0, 0}, Docs: metadata.NewDocs("How many.", "")},
					{
						Name: "Spots", Optional: true, Hashers: []metadata.Hasher{metadata.Identity, metadata.Blake2_128Concat},
						Key: id("(u16, AccountId)"), Value: id("Point"), Default: []byte{0}, Deprecation: metadata.Deprecation{Deprecated: true, Note: why},
					},
					{Name: "Mask", Hashers: []metadata.Hasher{metadata.Twox64Concat}, Key: id("(u8, u8)"), Value: bits, Default: []byte{0}, Deprecation: old},
				},
				Constants:     []metadata.Constant{{Name: "Most", Type: id("u16"), Value: []byte{7, 0}, Docs: metadata.NewDocs("The most.")}},
				Associated:    []metadata.AssociatedType{{Name: "Spot", Type: id("Point"), Docs: metadata.NewDocs("Where.")}},
				ViewFunctions: []metadata.ViewFunction{{ID: [32]byte{1, 31: 9}, Method: metadata.Method{Name: "see", Inputs: []metadata.Param{{"x", id("u32")}}, Output: id("bool")}}},
				Docs:          metadata.NewDocs("A toy."),
				Deprecation:   old,
			},
			{Name: "Empty", Index: 4, Prefix: "Empty", HasStorage: true, Calls: metadata.NoType, Events: metadata.NoType, Errors: metadata.NoType},
			{Name: "None", Index: 5, Calls: metadata.NoType, Events: metadata.NoType, Errors: metadata.NoType},
		},
		APIs: []metadata.API{{
			Name: "ToyApi", Version: 2, Docs: metadata.NewDocs("Asks."), Deprecation: old,
			Methods: []metadata.Method{{Name: "spots", Inputs: []metadata.Param{{"netuid", id("u16")}}, Output: id("Vec<Point>"), Docs: metadata.NewDocs("All spots.")}},
		}},
		Extrinsic: metadata.Extrinsic{
			Versions: []uint8{4}, Type: id("Extrinsic"), Address: id("MultiAddress"), Call: id("RuntimeCall"),
			Signature: id("MultiSignature"), Extra: id("()"),
			Extensions: []metadata.Extension{{"CheckNonce", id("Compact<u32>"), id("()")}, {"CheckGenesis", id("()"), id("[u8; 32]")}},
			ByVersion:  []metadata.ExtensionSet{{Version: 0, Indexes: []uint32{1, 0}}},
		},
		RuntimeType: id("Runtime"), CallType: id("RuntimeCall"), EventType: id("RuntimeEvent"), ErrorType: id("RuntimeError"),
		Custom: []metadata.CustomValue{{"answer", id("u8"), []byte{42}}},
	}
}

func encode(t testing.TB, m *metadata.Metadata, version uint8) []byte {
	t.Helper()
	data, err := m.Append(nil, version)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// in reduces a model to what a version can say.
func in(m metadata.Metadata, version uint8) *metadata.Metadata {
	m.Version = version
	m.Pallets = append([]metadata.Pallet(nil), m.Pallets...)
	x := &m.Extrinsic
	switch version {
	case 14:
		m.APIs, m.Custom = nil, nil
		m.CallType, m.EventType, m.ErrorType = metadata.NoType, metadata.NoType, metadata.NoType
	case 15:
		x.Type = metadata.NoType
	case 16:
		x.Type, x.Extra, m.RuntimeType = metadata.NoType, metadata.NoType, metadata.NoType
		return &m
	}
	x.ByVersion = nil
	for i := range m.Pallets {
		p := &m.Pallets[i]
		if version == 14 {
			p.Docs = ""
		}
		p.Associated, p.ViewFunctions, p.Deprecation = nil, nil, metadata.Deprecation{}
		p.DeprecatedCalls, p.DeprecatedEvents, p.DeprecatedErrors = nil, nil, nil
		p.Storage = append([]metadata.StorageEntry(nil), p.Storage...)
		for j := range p.Storage {
			p.Storage[j].Deprecation = metadata.Deprecation{}
		}
	}
	m.APIs = append([]metadata.API(nil), m.APIs...)
	for i := range m.APIs {
		m.APIs[i].Version, m.APIs[i].Deprecation = 0, metadata.Deprecation{}
	}
	return &m
}

// TestSmall writes a model in every version and reads the whole of it back.
func TestSmall(t *testing.T) {
	for v := uint8(14); v <= 16; v++ {
		m := small(t)
		got, err := metadata.Parse(encode(t, m, v))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in(*m, v), got, cmp.Transformer("bytes", func(b []byte) string { return string(b) })); diff != "" {
			t.Errorf("version %d (-want +got):\n%s", v, diff)
		}
	}
}

// TestUTF8 puts bytes that are not ASCII everywhere: what is read has no text that
// is no UTF-8.
func TestUTF8(t *testing.T) {
	for v := uint8(14); v <= 16; v++ {
		data := encode(t, small(t), v)
		for i := range data {
			for _, b := range []byte{0x80, 0xfe} {
				changed := bytes.Clone(data)
				changed[i] = b
				m, err := metadata.Parse(changed)
				if err == nil && !utf8.ValidString(fmt.Sprintf("%v %v", *m, *m.Types)) {
					t.Fatalf("version %d: %#x at %d, after %q, is in a text", v, b, i, data[max(i-20, 0):i])
				}
			}
		}
	}
}

// TestTruncated cuts a metadata at every byte: each error says what was being
// read.
func TestTruncated(t *testing.T) {
	for v := uint8(14); v <= 16; v++ {
		data := encode(t, small(t), v)
		for n := range data {
			_, err := metadata.Parse(data[:n])
			if err == nil {
				t.Fatalf("version %d: %d of %d bytes were read without an error", v, n, len(data))
			}
			if n <= 4 {
				continue
			}
			if !errors.Is(err, scale.ErrUnexpectedEnd) {
				t.Errorf("version %d cut at %d: %v", v, n, err)
			}
			// metadata version 14: type 3: field 1: name: at byte 71: ...
			parts := strings.Split(err.Error(), ": ")
			if len(parts) < 4 || parts[0] != fmt.Sprintf("metadata version %d", v) || strings.HasPrefix(parts[1], "at byte") {
				t.Errorf("version %d cut at %d says too little: %v", v, n, err)
			}
		}
		if _, err := metadata.Parse(append(data, 0)); !errors.Is(err, scale.ErrTrailing) {
			t.Errorf("version %d with a byte too many: %v", v, err)
		}
	}
}

// TestRefused changes one thing each and wants to be told which.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		version uint8
		change  func(data []byte) []byte
		want    string
	}{
		{"nothing", 14, func([]byte) []byte { return nil }, `does not begin with "meta"`},
		{"another magic", 14, func(b []byte) []byte { b[0] = 'b'; return b }, `does not begin with "meta"`},
		{"version 13", 14, func(b []byte) []byte { b[4] = 13; return b }, "version 13, only 14, 15 and 16"},
		{"version 17", 14, func(b []byte) []byte { b[4] = 17; return b }, "version 17, only 14, 15 and 16"},
		{"65 MiB", 14, func([]byte) []byte { return make([]byte, 64<<20+1) }, "64 MiB"},
		{"more types than bytes", 14, func(b []byte) []byte { return append(b[:5], 0xfe, 0xff, 0xff, 0xff) }, "type count"},
		{"types out of order", 14, replace("\x00\x0c\x1csp_core", "\x04\x0c\x1csp_core"), "type 1 stands where type 0 belongs"},
		{"a type that is not there", 14, func(b []byte) []byte { b[bytes.Index(b, []byte("\x01\x04x"))+3] = 63 << 2; return b }, "type 1 (Point): field 0 (x): type: at byte"},
		{"text that is no UTF-8", 14, replace("Upwards", "\xff\xffwards"), "UTF-8"},
		{"an unknown kind of type", 14, replace("crypto\x2cAccountId32\x00\x00", "crypto\x2cAccountId32\x00\x08"), "type 0 (sp_core::crypto::AccountId32): kind: at byte"},
		{"a boolean of 2", 14, replace("crypto\x2cAccountId32\x00\x00\x04\x00", "crypto\x2cAccountId32\x00\x00\x04\x02"), "field 0: name"},
		{"a modifier of 2", 14, replace("\x14Count\x01", "\x14Count\x02"), "pallet 0 (Toy): storage entry 0 (Count): modifier"},
		{"an unknown form of storage", 14, replace("\x14Count\x01\x00", "\x14Count\x01\x02"), "storage entry 0 (Count): form"},
		{"an unknown hasher", 14, replace("\x14Spots\x00\x01\x08\x06\x02", "\x14Spots\x00\x01\x08\x06\x07"), "hasher 1: kind"},
		{"a key too few", 14, replace("\x14Spots\x00\x01\x08\x06\x02", "\x14Spots\x00\x01\x0c\x06\x02\x02"), "3 keys, one for each hasher"},
		{"no hasher", 14, replace("\x14Spots\x00\x01\x08\x06\x02", "\x14Spots\x00\x01\x00"), "a map without any"},
		{"an extension too many", 16, replace("\x04\x00\x08\x04\x00\x08", "\x04\x00\x08\x08\x00\x08"), "extension 2 is named, there are only 2"},
		{"no extrinsic version", 16, replace("\x00\x00\x04\x04", "\x00\x00\x00\x04"), "extrinsic: versions"},
		{"an unknown deprecation", 16, replace("\x02\x10slow\x01\x0c1.2", "\x03\x10slow\x01\x0c1.2"), "kind 3 is not known"},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := encode(t, small(t), test.version)
			_, err := metadata.Parse(test.change(data))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, %q expected", err, test.want)
			}
		})
	}
}

// replace changes the first of some bytes, which must be there.
func replace(old, changed string) func([]byte) []byte {
	return func(data []byte) []byte {
		if !bytes.Contains(data, []byte(old)) {
			panic(fmt.Sprintf("%q is not there", old))
		}
		return bytes.Replace(data, []byte(old), []byte(changed), 1)
	}
}

func TestNoEnum(t *testing.T) {
	m := small(t)
	m.Pallets[0].Calls, _ = m.Types.Resolve("u8")
	if _, err := m.Append(nil, 14); err == nil || !strings.Contains(err.Error(), "Toy.Calls: type") {
		t.Errorf("writing calls that are no enum: %v", err)
	}
	// Written as an enum without variants, read as a tuple without items.
	m = small(t)
	*m.Types.Type(m.Pallets[0].Calls) = metadata.Type{Path: []string{"Nobody"}, Kind: metadata.Variant}
	data := replace("\x18Nobody\x00\x01", "\x18Nobody\x00\x04")(encode(t, m, 14))
	if _, err := metadata.Parse(data); err == nil || !strings.Contains(err.Error(), "pallet 0 (Toy): calls: at byte") || !strings.Contains(err.Error(), "is no enum") {
		t.Errorf("reading calls that are no enum: %v", err)
	}
}

func TestParseAnswer(t *testing.T) {
	plain := encode(t, small(t), 15)
	vec := scale.AppendByteString(nil, plain)
	for name, data := range map[string][]byte{"Option<Vec<u8>>": append([]byte{1}, vec...), "Vec<u8>": vec} {
		m, err := metadata.ParseAnswer(data)
		if err != nil || m.Version != 15 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A Vec<u8> whose length begins with the byte 1: 64 * n bytes.
	padded := append(bytes.Clone(plain), make([]byte, 64-len(plain)%64)...)
	if _, err := metadata.ParseAnswer(scale.AppendByteString(nil, padded)); !errors.Is(err, scale.ErrTrailing) || !strings.Contains(err.Error(), "metadata version 15") {
		t.Errorf("a Vec<u8> that begins like an Option: %v", err)
	}
	if _, err := metadata.ParseAnswer([]byte{0}); !errors.Is(err, metadata.ErrNoVersion) {
		t.Errorf("None: %v", err)
	}
	for _, data := range [][]byte{nil, {1}, {0, 0}, {1, 0}, {4}, {2}, append([]byte{1}, vec[:len(vec)-1]...), append(vec, 0)} {
		if _, err := metadata.ParseAnswer(data); err == nil || errors.Is(err, metadata.ErrNoVersion) {
			t.Errorf("%.8x: error %v", data, err)
		}
	}
}

// TestNoAlias changes the input after it was read.
func TestNoAlias(t *testing.T) {
	data := encode(t, small(t), 16)
	m, err := metadata.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Clone(data)
	clear(data)
	if !bytes.Equal(encode(t, m, 16), want) {
		t.Error("the model changed with the bytes that it was read from")
	}
}

func TestAppendRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		version uint8
		change  func(*metadata.Metadata)
		want    string
	}{
		{"another version", 13, func(*metadata.Metadata) {}, "version 13, only in 14, 15 and 16"},
		{"nothing at all", 14, func(m *metadata.Metadata) { *m = metadata.Metadata{} }, "Extrinsic.Versions is empty"},
		{"no runtime", 14, func(m *metadata.Metadata) { m.RuntimeType = metadata.NoType }, "RuntimeType is not set"},
		{"no extrinsic", 14, func(m *metadata.Metadata) { m.Extrinsic.Type = metadata.NoType }, "Extrinsic.Type is not set"},
		{"no address", 15, func(m *metadata.Metadata) { m.Extrinsic.Address = metadata.NoType }, "Extrinsic.Address is not set"},
		{"no events", 16, func(m *metadata.Metadata) { m.EventType = metadata.NoType }, "EventType is not set"},
		{"a lost type", 16, func(m *metadata.Metadata) { m.Pallets[0].Storage[0].Value = 999 }, "Toy.Count.Value is type 999, the registry has only"},
		{"a lost field", 16, func(m *metadata.Metadata) { m.Types.Types[1].Fields[0].Type = 999 }, "type 1 Point: field.x is type 999"},
		{"an unknown hasher", 16, func(m *metadata.Metadata) { m.Pallets[0].Storage[1].Hashers[0] = 9 }, "hasher 9"},
		{"an unknown kind", 16, func(m *metadata.Metadata) { m.Types.Types[1].Kind = 9 }, "kind 9"},
	} {
		m := small(t)
		test.change(m)
		if _, err := m.Append(nil, test.version); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, %q expected", test.name, err, test.want)
		}
	}
}

func TestLookups(t *testing.T) {
	m := small(t)
	if p, v, ok := m.Call("Toy", "stop"); !ok || p.Name != "Toy" || v.Index != 7 {
		t.Errorf("Toy.stop: %v %v %v", p, v, ok)
	}
	if f, ok := m.Method("ToyApi", "spots"); !ok || len(f.Inputs) != 1 {
		t.Errorf("ToyApi_spots: %v", f)
	}
	p, ok := m.PalletByIndex(3)
	if !ok {
		t.Fatal("no pallet 3")
	}
	if e, ok := p.Entry("Mask"); !ok || e != &p.Storage[2] {
		t.Errorf("Mask: %v", e)
	}
	if c, ok := p.Constant("Most"); !ok || c.Value[0] != 7 {
		t.Errorf("Most: %v", c)
	}
	absent := map[string]bool{}
	_, absent["pallet"] = m.Pallet("Nil")
	_, absent["index"] = m.PalletByIndex(77)
	_, _, absent["call of no pallet"] = m.Call("Nil", "go")
	_, _, absent["call of a pallet without calls"] = m.Call("None", "go")
	_, _, absent["call"] = m.Call("Toy", "fly")
	_, absent["api"] = m.Method("Nil", "spots")
	_, absent["method"] = m.Method("ToyApi", "nil")
	_, absent["entry"] = p.Entry("Nil")
	_, absent["constant"] = p.Constant("Nil")
	for what, found := range absent {
		if found {
			t.Errorf("found a %s that is not there", what)
		}
	}
	if m.Types.Type(metadata.NoType) != nil || m.Types.Type(metadata.TypeID(len(m.Types.Types))) != nil {
		t.Error("there is a type beyond the registry")
	}
}
