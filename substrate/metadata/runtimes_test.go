package metadata_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/metadata"
)

// file is the metadata that a real runtime gave.
type file struct {
	name   string // below the folder of vectors
	answer bool   // wrapped as state_call answers it
	data   []byte
}

func (f file) parse(t testing.TB) *metadata.Metadata {
	t.Helper()
	parse := metadata.Parse
	if f.answer {
		parse = metadata.ParseAnswer
	}
	m, err := parse(f.data)
	if err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	return m
}

var metadataFile = regexp.MustCompile(`metadata_(v1[456]|at_version_1[56]\.state_call)\.scale\.gz$`)

// files walks the folders of vectors, so that new ones are tested as they come.
func files(t testing.TB) []file {
	t.Helper()
	dir := vectors.Dir(t)
	var all []file
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !metadataFile.MatchString(path) {
			return err
		}
		name, err := filepath.Rel(dir, path)
		all = append(all, file{name, strings.Contains(path, "state_call"), vectors.Read(t, path)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Fatalf("only %d files of metadata", len(all))
	}
	return all
}

// TestRoundTrip reads every metadata to its last byte and writes it again.
func TestRoundTrip(t *testing.T) {
	seen := map[uint8]int{}
	for _, f := range files(t) {
		t.Run(f.name, func(t *testing.T) {
			m := f.parse(t)
			seen[m.Version]++
			got, err := m.Append([]byte("before"), m.Version)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := bytes.CutPrefix(got, []byte("before"))
			if !ok {
				t.Error("Append wrote over what was there before")
			}
			want := f.data
			if f.answer { // Some, and a length that takes four bytes
				want = f.data[5:]
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes written, %d read; they differ", len(got), len(want))
			}
		})
	}
	for v := uint8(14); v <= 16; v++ {
		if seen[v] == 0 {
			t.Errorf("no metadata of version %d", v)
		}
	}
}

// TestAgainstRecords compares with what polkadot.js made of the same runtimes.
func TestAgainstRecords(t *testing.T) {
	for _, f := range files(t) {
		if strings.HasPrefix(f.name, "metadata-only") {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			var meta struct {
				SignedExtensions []string
				Metadata         map[string]any
				RuntimeApis      map[string][]string
				APIVersions      [][]any
			}
			vectors.JSON(t, filepath.Dir(f.name)+"/meta.json", &meta)
			m := f.parse(t)
			if want := fmt.Sprint(meta.Metadata[fmt.Sprintf("v%d", m.Version)]); want != fmt.Sprint(len(f.data)) && want != fmt.Sprint(len(f.data)-5) {
				t.Errorf("%d bytes, %s expected", len(f.data), want)
			}
			var got []string
			for _, e := range m.Extrinsic.Extensions {
				got = append(got, e.Identifier)
			}
			if diff := cmp.Diff(meta.SignedExtensions, got); diff != "" {
				t.Errorf("extensions (-want +got):\n%s", diff)
			}
			versions := []uint8{4}
			if m.Version == 16 {
				versions = []uint8{4, 5}
			}
			if diff := cmp.Diff(versions, m.Extrinsic.Versions); diff != "" {
				t.Errorf("extrinsic versions (-want +got):\n%s", diff)
			}
			if m.Version == 14 || meta.RuntimeApis == nil {
				return
			}
			apis := map[string][]string{}
			for _, a := range m.APIs {
				for _, method := range a.Methods {
					apis[a.Name] = append(apis[a.Name], method.Name)
					// As written there: name(argument: type, argument: type) -> type.
					i := slices.IndexFunc(meta.RuntimeApis[a.Name], func(s string) bool { return strings.HasPrefix(s, method.Name+"(") })
					rest := ""
					if i >= 0 {
						rest = meta.RuntimeApis[a.Name][i]
					}
					for _, in := range method.Inputs {
						var ok bool
						if _, rest, ok = strings.Cut(rest, in.Name+": "); !ok {
							t.Errorf("%s_%s: argument %s is out of place", a.Name, method.Name, in.Name)
						}
					}
				}
			}
			for name, signatures := range meta.RuntimeApis {
				var methods []string
				for _, s := range signatures {
					method, _, _ := strings.Cut(s, "(")
					methods = append(methods, method)
				}
				if diff := cmp.Diff(methods, apis[name]); diff != "" {
					t.Errorf("methods of %s (-want +got):\n%s", name, diff)
				}
			}
			if len(apis) != len(meta.RuntimeApis) {
				t.Errorf("%d runtime APIs, %d expected", len(apis), len(meta.RuntimeApis))
			}
		})
	}
}

// TestOfOneRuntime holds the versions of one runtime against each other: they
// describe the same pallets.
func TestOfOneRuntime(t *testing.T) {
	byRuntime := map[string][]*metadata.Metadata{}
	for _, f := range files(t) {
		dir := filepath.Dir(f.name)
		byRuntime[dir] = append(byRuntime[dir], f.parse(t))
	}
	delete(byRuntime, "metadata-only")
	for dir, ms := range byRuntime {
		want := outline(ms[0])
		for _, m := range ms[1:] {
			if diff := cmp.Diff(want, outline(m)); diff != "" {
				t.Errorf("%s: versions %d and %d differ (-want +got):\n%s", dir, ms[0].Version, m.Version, diff)
			}
		}
	}
}

// outline lists what every version says of a runtime.
func outline(m *metadata.Metadata) []string {
	var lines []string
	for _, p := range m.Pallets {
		lines = append(lines, fmt.Sprintf("pallet %s %d %s", p.Name, p.Index, p.Prefix))
		for _, e := range p.Storage {
			lines = append(lines, fmt.Sprintf("  storage %s %v %v %x %d", e.Name, e.Optional, e.Hashers, e.Default, len(e.Docs)))
		}
		for what, id := range map[string]metadata.TypeID{"calls": p.Calls, "errors": p.Errors} {
			if t := m.Types.Type(id); t != nil {
				for _, v := range t.Variants {
					line := fmt.Sprintf("  %s %s %d", what, v.Name, v.Index)
					for _, f := range v.Fields {
						line += " " + f.Name
					}
					lines = append(lines, line)
				}
			}
		}
		for _, c := range p.Constants {
			lines = append(lines, fmt.Sprintf("  constant %s %x", c.Name, c.Value))
		}
	}
	for name, id := range map[string]metadata.TypeID{"address": m.Extrinsic.Address, "call": m.Extrinsic.Call, "signature": m.Extrinsic.Signature} {
		lines = append(lines, fmt.Sprint(name, m.Types.Type(id).Path))
	}
	slices.Sort(lines)
	return lines
}

// TestCalls checks the calls that a registration needs, from the notes on each
// era: register is 6, faucet 60 in the builds that have one; the pallet moved from 8 to 7.
func TestCalls(t *testing.T) {
	for _, f := range files(t) {
		m := f.parse(t)
		index := uint8(7)
		if slices.Contains([]string{"101-finney", "103-testfinney", "119-mock"}, filepath.Dir(f.name)) {
			index = 8
		}
		p, v, ok := m.Call("SubtensorModule", "register")
		if !ok || p.Index != index || v.Index != 6 {
			t.Errorf("%s: register is %v, %v", f.name, p, v)
			continue
		}
		if got, ok := m.PalletByIndex(index); !ok || got != p {
			t.Errorf("%s: pallet %d is another", f.name, index)
		}
		if _, v, ok := m.Call("SubtensorModule", "faucet"); ok && v.Index != 60 {
			t.Errorf("%s: faucet is %v", f.name, v)
		}
	}
}

// read parses one metadata by its file.
func read(t testing.TB, name string) *metadata.Metadata {
	t.Helper()
	return file{name, strings.Contains(name, "state_call"), vectors.Read(t, name)}.parse(t)
}

// TestMainnet checks the metadata of mainnet at spec 475 against what is known of
// that release.
func TestMainnet(t *testing.T) {
	m := read(t, "metadata-only/475-finney.metadata_v14.scale.gz")
	p, call, ok := m.Call("SubtensorModule", "pow_register")
	if !ok || p.Index != 7 || call.Index != 152 {
		t.Fatalf("pow_register is %+v", call)
	}
	var args []string
	for _, f := range call.Fields {
		args = append(args, f.Name+" "+wire(m.Types, f.Type))
	}
	want := []string{"netuid u16", "work_block u64", "nonce u64", "work [u8; 32]", "hotkey [u8; 32]"}
	if diff := cmp.Diff(want, args); diff != "" {
		t.Errorf("arguments of pow_register (-want +got):\n%s", diff)
	}
	errs := map[string]uint8{"InvalidWorkBlock": 24, "InvalidDifficulty": 25, "InvalidSeal": 26}
	for _, v := range m.Types.Type(p.Errors).Variants {
		if index, ok := errs[v.Name]; ok && index == v.Index && len(v.Docs) > 0 {
			delete(errs, v.Name)
		}
	}
	if len(errs) > 0 {
		t.Errorf("errors that are missing or have another number: %v", errs)
	}
	for name, want := range map[string]uint64{
		"Difficulty": 10_000_000, "MinDifficulty": 10_000_000, "MaxDifficulty": 1<<62 - 1, "MaxRegistrationsPerBlock": 1, "BurnHalfLife": 360,
	} {
		e, ok := p.Entry(name)
		if !ok {
			t.Errorf("no storage %s", name)
			continue
		}
		var wide [8]byte
		copy(wide[:], e.Default)
		if got := binary.LittleEndian.Uint64(wide[:]); got != want || e.Optional {
			t.Errorf("%s is %d by default, %d expected", name, got, want)
		}
	}
	if _, ok := p.Entry("LastPowRegistrationBlock"); !ok {
		t.Error("no storage LastPowRegistrationBlock")
	}
}

// wire writes a type as it lies on the wire.
func wire(r *metadata.Registry, id metadata.TypeID) string {
	switch t := r.Type(r.Unwrap(id)); t.Kind {
	case metadata.Primitive:
		return [...]string{"bool", "char", "str", "u8", "u16", "u32", "u64", "u128"}[t.Primitive]
	case metadata.Array:
		return fmt.Sprintf("[%s; %d]", wire(r, t.Elem), t.Len)
	case metadata.Sequence:
		return fmt.Sprintf("Vec<%s>", wire(r, t.Elem))
	default:
		return strings.Join(t.Path, "::")
	}
}

// TestHashers checks the keys of storage that never changed.
func TestHashers(t *testing.T) {
	identity, concat := metadata.Identity, metadata.Blake2_128Concat
	want := map[string][]metadata.Hasher{
		"Keys":             {identity, identity},
		"Uids":             {identity, concat},
		"Axons":            {identity, concat},
		"ValidatorPermit":  {identity},
		"Weights":          {identity, identity},
		"Difficulty":       {identity},
		"Owner":            {concat},
		"TotalIssuance":    nil,
		"SubnetworkN":      {identity},
		"UsedWork":         {identity},
		"TotalHotkeyStake": {identity},
	}
	for _, f := range files(t) {
		p, ok := f.parse(t).Pallet("SubtensorModule")
		if !ok || p.Prefix != "SubtensorModule" {
			t.Fatalf("%s: pallet %v", f.name, p)
		}
		for name, hashers := range want {
			e, ok := p.Entry(name)
			if !ok {
				if name != "TotalHotkeyStake" { // removed at 233
					t.Errorf("%s: no storage %s", f.name, name)
				}
				continue
			}
			if diff := cmp.Diff(hashers, e.Hashers); diff != "" {
				t.Errorf("%s: hashers of %s (-want +got):\n%s", f.name, name, diff)
			}
			if (e.Key == metadata.NoType) != (hashers == nil) {
				t.Errorf("%s: the key of %s is type %d", f.name, name, e.Key)
			}
			if optional := name == "Uids"; e.Optional != optional && name != "Axons" {
				t.Errorf("%s: %s is optional: %v", f.name, name, e.Optional)
			}
		}
	}
}

// TestDeprecations reads what only version 16 says.
func TestDeprecations(t *testing.T) {
	m := read(t, "425-main/metadata_at_version_16.state_call.scale.gz")
	var notes int
	for _, p := range m.Pallets {
		for _, d := range slices.Concat(p.DeprecatedCalls, p.DeprecatedEvents, p.DeprecatedErrors) {
			if d.Note != nil {
				notes++
			}
		}
	}
	if notes == 0 {
		t.Error("no deprecated variant says why")
	}
	for _, a := range m.APIs {
		if a.Name == "Core" && a.Version != 5 { // 0xdf6acb689907609b in the runtime's version
			t.Errorf("Core has version %d", a.Version)
		}
	}
	all := m.Extrinsic.ByVersion
	if len(all) != 1 || all[0].Version != 0 || len(all[0].Indexes) != len(m.Extrinsic.Extensions) {
		t.Errorf("extensions by version: %v", all)
	}
}

// TestOtherVersion writes one model in another version.
func TestOtherVersion(t *testing.T) {
	m := read(t, "425-main/metadata_at_version_15.state_call.scale.gz")
	if _, err := m.Append(nil, 14); err == nil || !strings.Contains(err.Error(), "Extrinsic.Type is not set") {
		t.Errorf("version 14 without the type of the extrinsic: %v", err)
	}
	id, err := m.Types.Resolve("fp_self_contained::unchecked_extrinsic::UncheckedExtrinsic")
	if err != nil {
		t.Fatal(err)
	}
	m.Extrinsic.Type = id
	for v := uint8(14); v <= 16; v++ {
		data, err := m.Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := metadata.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(outline(m), outline(got)); diff != "" || got.Version != v {
			t.Errorf("version %d, written as %d (-want +got):\n%s", got.Version, v, diff)
		}
	}
}
