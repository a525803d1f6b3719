package substrate_test

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
)

// extensionLists are the lists of chain-facts 4, one row each: what is added to, or
// put into, the row before.
var extensionLists = []string{
	"CheckNonZeroSender CheckSpecVersion CheckTxVersion CheckGenesis CheckMortality CheckNonce CheckWeight ChargeTransactionPayment",
	"CheckNonZeroSender CheckSpecVersion CheckTxVersion CheckGenesis CheckMortality CheckNonce CheckWeight ChargeTransactionPayment SubtensorSignedExtension",
	"CheckNonZeroSender CheckSpecVersion CheckTxVersion CheckGenesis CheckMortality CheckNonce CheckWeight ChargeTransactionPayment SubtensorSignedExtension CommitmentsSignedExtension",
	"CheckNonZeroSender CheckSpecVersion CheckTxVersion CheckGenesis CheckMortality CheckNonce CheckWeight ChargeTransactionPayment SubtensorSignedExtension CommitmentsSignedExtension CheckMetadataHash",
	"CheckNonZeroSender CheckSpecVersion CheckTxVersion CheckGenesis CheckMortality CheckNonce CheckWeight ChargeTransactionPayment SubtensorTransactionExtension CheckMetadataHash",
	"CheckNonZeroSender CheckSpecVersion CheckTxVersion CheckGenesis CheckMortality CheckNonce CheckWeight ChargeTransactionPayment SubtensorTransactionExtension DrandPriority CheckMetadataHash",
	"CheckNonZeroSender CheckSpecVersion CheckTxVersion CheckGenesis CheckMortality CheckNonce CheckWeight ChargeTransactionPayment SudoTransactionExtension SubtensorTransactionExtension DrandPriority CheckMetadataHash",
	"CheckNonZeroSender CheckSpecVersion CheckTxVersion CheckGenesis CheckMortality CheckNonce CheckWeight ChargeTransactionPayment SudoTransactionExtension CheckShieldedTxValidity SubtensorTransactionExtension DrandPriority CheckMetadataHash",
}

// signedBytes is what is signed around a call, put together as chain-facts 4 says.
func signedBytes(call []byte, spec uint32, era string, nonce, tip byte, genesis, block substrate.Hash, hashed bool) []byte {
	mode := ""
	if hashed {
		mode = "\x00"
	}
	b := slices.Concat(call, []byte(era), []byte{nonce << 2, tip << 2}, []byte(mode))
	b = binary.LittleEndian.AppendUint32(b, spec)
	b = binary.LittleEndian.AppendUint32(b, 1)
	return slices.Concat(b, genesis[:], block[:], []byte(mode))
}

// Every list of extensions that a runtime has had, from all metadata there is:
// transactions that live forever and such as do not.
func TestEveryExtensionList(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), "*", "*.scale.gz"))
	if err != nil {
		t.Fatal(err)
	}
	var (
		call           = []byte{7, 6, 5}
		genesis, block = substrate.Hash{1, 2}, substrate.Hash{3, 4}
		seen           = make(map[string]int)
	)
	for _, path := range files {
		name := filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))
		read := metadata.Parse
		if strings.Contains(name, "state_call") {
			read = metadata.ParseAnswer
		}
		md, err := read(vectors.Read(t, path))
		if err != nil {
			t.Fatal(err)
		}
		spec, err := strconv.Atoi(regexp.MustCompile(`^(metadata-only/)?(\d+)`).FindStringSubmatch(filepath.ToSlash(name))[2])
		if err != nil {
			t.Fatal(err)
		}
		rt := newRuntime(md, uint32(spec))
		list, err := rt.Extensions()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, x := range list {
			names = append(names, x.Identifier)
		}
		key := strings.Join(names, " ")
		if !slices.Contains(extensionLists, key) {
			t.Errorf("%s: a list that is not known: %s", name, key)
		}
		seen[key]++
		hashed := slices.Contains(names, "CheckMetadataHash")
		for _, c := range []struct {
			era  substrate.Era
			raw  string
			hash substrate.Hash
		}{
			{substrate.Era{}, "\x00", genesis},
			{substrate.NewEra(8, 4_200_002), "\x22\x00", block}, // polkadot.js: ExtrinsicEra
			{substrate.NewEra(64, 100), "\x45\x02", block},
		} {
			got, err := rt.SigningPayload(call, substrate.TxParams{Genesis: genesis, Nonce: 5, Tip: 2, Era: c.era, EraBlock: block})
			if want := signedBytes(call, uint32(spec), c.raw, 5, 2, genesis, c.hash, hashed); err != nil || string(got) != string(want) {
				t.Errorf("%s, era %+v: %x\nwant %x, %v", name, c.era, got, want, err)
			}
		}
	}
	for i, list := range extensionLists {
		if seen[list] == 0 {
			t.Errorf("no metadata has list %d: %s", i, list)
		}
	}
}

// What a later runtime may do to the list: another order, and an extension that
// nobody knows but that says nothing. Each part goes where its extension stands.
func TestReorderedExtensions(t *testing.T) {
	rt := described(t, "475-backport")[0]
	x := &rt.Metadata.Extrinsic
	take := func(name string) metadata.Extension {
		i := slices.IndexFunc(x.Extensions, func(e metadata.Extension) bool { return e.Identifier == name })
		e := x.Extensions[i]
		x.Extensions = slices.Delete(slices.Clone(x.Extensions), i, i+1)
		return e
	}
	if err := rt.Metadata.Types.Define("struct Nested { a: ((), ((),)), b: [(); 3] }"); err != nil {
		t.Fatal(err)
	}
	tip, spec := take("ChargeTransactionPayment"), take("CheckSpecVersion")
	x.Extensions = append(x.Extensions, tip, spec, metadata.Extension{Identifier: "WeightReclaim", Extra: resolve(t, rt, "Nested"), Additional: resolve(t, rt, "()")})
	genesis := substrate.Hash{1}
	got, err := rt.SigningPayload([]byte{9}, substrate.TxParams{Genesis: genesis, Nonce: 5, Tip: 2})
	// call, era, nonce, mode, tip; version of transactions, two hashes, no metadata hash, spec
	want := slices.Concat([]byte{9, 0, 5 << 2, 0, 2 << 2}, []byte{1, 0, 0, 0}, genesis[:], genesis[:], []byte{0}, binary.LittleEndian.AppendUint32(nil, 475))
	if err != nil || string(got) != string(want) {
		t.Errorf("%x\nwant %x, %v", got, want, err)
	}
	list, err := rt.Extensions()
	if last := list[len(list)-1]; err != nil || fmt.Sprint(last) != "{WeightReclaim true true}" {
		t.Errorf("%+v, %v", list, err)
	}
}

// The calls of all transactions of the vectors are found in them.
func TestCallOf(t *testing.T) {
	for _, dir := range runtimes(t) {
		_, cases := txCases(t, dir)
		if len(cases) == 0 {
			continue
		}
		rt := described(t, dir)[0]
		for _, c := range cases {
			xt := unhex(t, c.Extrinsic)
			got, err := rt.CallOf(xt)
			if err != nil || string(got) != string(unhex(t, c.Call)) {
				t.Errorf("%s: %s: %x, %v", dir, c.Case, got, err)
			}
			for _, n := range []int{0, 1, 3, 40, 101, len(xt) - 1} {
				if got, err := rt.CallOf(xt[:n]); err == nil {
					t.Errorf("%s: %s: %d bytes of it: %x", dir, c.Case, n, got)
				}
			}
		}
	}
	rt := described(t, "293-aura")[0]
	for name, xt := range map[string][]byte{
		"bare, 4":                           {4 << 2, 4, 3, 2, 1},
		"bare, 5":                           {4 << 2, 5, 3, 2, 1},
		"general: era, nonce, tip and mode": {9 << 2, 0x45, 0, 0, 1 << 2, 0, 0, 3, 2, 1},
	} {
		if got, err := rt.CallOf(xt); err != nil || string(got) != "\x03\x02\x01" {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	for want, xt := range map[string][]byte{
		"version 1":     {2 << 2, 0x45, 1},
		"0x44":          {2 << 2, 0x44, 0},
		"0x85":          {2 << 2, 0x85, 0},
		"0x6":           {2 << 2, 6, 0},
		"signer":        {2 << 2, 0x84, 9},
		"CheckMortalit": {3 << 2, 0x45, 0, 1},
		"format":        {0},
	} {
		if got, err := rt.CallOf(xt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %x, %v", want, got, err)
		}
	}
}

func FuzzCallOf(f *testing.F) {
	rt := described(f, "293-aura")[0]
	_, cases := txCases(f, "293-aura")
	f.Add(unhex(f, cases[0].Extrinsic))
	f.Add([]byte{4 << 2, 4, 3, 2, 1})
	f.Add([]byte{0xfe, 0xff, 0xff, 0xff, 0x84})
	f.Fuzz(func(t *testing.T, xt []byte) {
		if call, err := rt.CallOf(xt); err == nil && len(call) >= len(xt) {
			t.Errorf("a call of %d bytes in %d", len(call), len(xt))
		}
	})
}
