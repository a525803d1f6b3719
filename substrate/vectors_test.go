package substrate_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"golang.org/x/crypto/blake2b"
)

// runtimes returns the folders of the vectors that hold a runtime.
func runtimes(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(vectors.Dir(t), "*", "meta.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no runtimes: %v", err)
	}
	for i, p := range paths {
		paths[i] = filepath.Base(filepath.Dir(p))
	}
	return paths
}

// described returns a runtime of the vectors with each metadata version that it
// has.
func described(t testing.TB, dir string) []*substrate.Runtime {
	t.Helper()
	fake := fake(t, dir)
	md, err := metadata.Parse(fake.v14)
	if err != nil {
		t.Fatal(err)
	}
	all := []*metadata.Metadata{md}
	for _, answer := range fake.versions {
		if md, err = metadata.ParseAnswer(answer); err != nil {
			t.Fatal(err)
		}
		all = append(all, md)
	}
	rts := make([]*substrate.Runtime, len(all))
	for i, md := range all {
		rts[i] = newRuntime(md, fake.spec)
	}
	return rts
}

func newRuntime(md *metadata.Metadata, spec uint32) *substrate.Runtime {
	return &substrate.Runtime{SpecName: "node-subtensor", SpecVersion: spec, TransactionVersion: 1, Metadata: md, Codec: codec.New(md.Types)}
}

// Every storage key in the vectors, as Chopsticks and polkadot.js made it.
func TestStorageKeys(t *testing.T) {
	hashers := make(map[metadata.Hasher]int)
	for _, dir := range runtimes(t) {
		t.Run(dir, func(t *testing.T) {
			total := 0
			// The versions of a runtime's metadata say the same: a sample will do.
			for i, rt := range described(t, dir) {
				total += checkKeys(t, rt, dir, []int{1, 25}[min(i, 1)], hashers)
			}
			if total < 900 {
				t.Errorf("only %d keys", total)
			}
		})
	}
	t.Logf("keys by hasher: %v", hashers)
}

func checkKeys(t *testing.T, rt *substrate.Runtime, dir string, every int, hashers map[metadata.Hasher]int) (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), dir, "storage", "*.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	pallet, ok := rt.Metadata.Pallet("SubtensorModule")
	if !ok {
		t.Fatal("no SubtensorModule")
	}
	for _, path := range files {
		var file struct {
			Item, Prefix string
			Netuid       json.Number
			Rows         []struct {
				Key  string
				Args []any
			}
		}
		vectors.JSON(t, path, &file)
		entry, ok := pallet.Entry(file.Item)
		if !ok {
			t.Errorf("no item %s", file.Item)
			continue
		}
		var first []any
		if file.Netuid != "" {
			first = []any{argument(t, file.Netuid)}
		}
		if !strings.Contains(path, "mech1") {
			checkKey(t, rt, file.Item, first, file.Prefix)
		}
		for i, row := range file.Rows {
			if i%every != 0 {
				continue
			}
			args := make([]any, len(row.Args))
			for i, a := range row.Args {
				args[i] = argument(t, a)
				hashers[entry.Hashers[i]]++
			}
			checkKey(t, rt, file.Item, args, row.Key)
			n++
		}
	}
	return n
}

func checkKey(t *testing.T, rt *substrate.Runtime, item string, args []any, want string) {
	t.Helper()
	if got, err := rt.StorageKey("SubtensorModule", item, args...); err != nil || string(got) != string(unhex(t, want)) {
		t.Errorf("%s%v: %x, %v, want %s", item, args, got, err, want)
	}
}

func argument(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return uint64(n)
	case string:
		if a, err := ss58.Parse(v); err == nil {
			return a
		}
	}
	t.Fatalf("argument %v", v)
	return nil
}

// The values of polkadot.js (util-crypto's blake2AsU8a and xxhashAsU8a) for the
// bytes 1 to 5.
func TestHashers(t *testing.T) {
	for h, want := range map[metadata.Hasher]string{
		metadata.Blake2_128:       "2a6ad53c3c6986406e1d6c7cfd06b69a",
		metadata.Blake2_256:       "02b8394a0209cdd8d24de63a2d8b501e5c8d8933e6bc12c76ebfc2ca982079ca",
		metadata.Blake2_128Concat: "2a6ad53c3c6986406e1d6c7cfd06b69a0102030405",
		metadata.Twox128:          "2fd6c08448ab858d76eb69d060d64c20",
		metadata.Twox256:          "2fd6c08448ab858d76eb69d060d64c20f3549d73574c8924f726185355f806d7",
		metadata.Twox64Concat:     "2fd6c08448ab858d0102030405",
		metadata.Identity:         "0102030405",
	} {
		types := new(metadata.Registry)
		key, err := types.Resolve("[u8; 5]")
		if err != nil {
			t.Fatal(err)
		}
		md := &metadata.Metadata{Types: types, Pallets: []metadata.Pallet{{Name: "Sys", Prefix: "System", Storage: []metadata.StorageEntry{
			{Name: "Account", Hashers: []metadata.Hasher{h}, Key: key, Value: key},
		}}}}
		// System.Account, as it is in every wallet's keys.
		want = "26aa394eea5630e07c48ae0c9558cef7" + "b99d880ec681799c0cf30e8886371da9" + want
		got, err := newRuntime(md, 1).StorageKey("Sys", "Account", [5]byte{1, 2, 3, 4, 5})
		if err != nil || string(got) != string(unhex(t, want)) {
			t.Errorf("hasher %d: %x, %v, want %s", h, got, err, want)
		}
	}
}

// txCase is a transaction that was signed by polkadot.js.
type txCase struct {
	Case         string
	Nonce        *uint64
	Tip          uint64
	Era          string
	EraBlockHash string `json:"eraBlockHash"`
	Call         string
	Payload      string `json:"signingPayload"`
	Extrinsic    string
	Signer       string
	Phrases      map[string]string
}

func txCases(t testing.TB, dir string) (genesis substrate.Hash, cases []txCase) {
	t.Helper()
	for _, name := range []string{"register_cases.json", "fee_cases.json"} {
		path := filepath.Join(vectors.Dir(t), dir, "pow", name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		var file struct {
			GenesisHash substrate.Hash `json:"genesisHash"`
			Results     []json.RawMessage
		}
		vectors.JSON(t, path, &file)
		genesis = file.GenesisHash
		for _, raw := range file.Results {
			var c txCase
			if err := json.Unmarshal(raw, &c); err != nil {
				t.Fatal(err)
			}
			if c.Payload != "" {
				cases = append(cases, c)
			}
		}
	}
	return genesis, cases
}

// params returns what a case's extensions hold. The era is decoded as
// generic::Era's documentation describes it.
func (c *txCase) params(t testing.TB, genesis substrate.Hash) substrate.TxParams {
	t.Helper()
	p := substrate.TxParams{Genesis: genesis, Nonce: *c.Nonce, Tip: c.Tip}
	if raw := unhex(t, c.Era); len(raw) == 2 {
		word := uint64(raw[0]) | uint64(raw[1])<<8
		p.Era.Period = 2 << (word & 15)
		p.Era.Phase = word >> 4 * max(p.Era.Period>>12, 1)
		hash, err := substrate.ParseHash(c.EraBlockHash)
		if err != nil {
			t.Fatal(err)
		}
		p.EraBlock = hash
	}
	if strings.Contains(c.Case, "CheckMetadataHash mode 1") { // with which hash, only the payload's end says
		payload := unhex(t, c.Payload)
		p.MetadataHash = (*substrate.Hash)(payload[len(payload)-32:])
	}
	return p
}

// recorded signs as the case was signed.
type recorded struct {
	account ss58.AccountID
	scheme  keypair.Scheme
	sig     [64]byte
	payload []byte // what was given to sign
}

func (r *recorded) Account() ss58.AccountID { return r.account }
func (r *recorded) Scheme() keypair.Scheme  { return r.scheme }
func (r *recorded) Sign(msg []byte) ([64]byte, error) {
	r.payload = msg
	return r.sig, nil
}

// Every transaction of the vectors comes out byte by byte with the signature that
// it was recorded with; the signatures verify; ed25519 keys make the same again.
func TestTransactions(t *testing.T) {
	schemes := make(map[string]int)
	for _, dir := range runtimes(t) {
		genesis, cases := txCases(t, dir)
		if len(cases) == 0 {
			continue
		}
		t.Run(dir, func(t *testing.T) {
			for _, rt := range described(t, dir) {
				for _, c := range cases {
					checkTransaction(t, rt, genesis, &c, schemes)
				}
			}
		})
	}
	if schemes["sr25519"] < 500 || schemes["ed25519"] < 10 || schemes["ecdsa"] < 10 {
		t.Errorf("transactions by scheme: %v", schemes)
	}
	t.Logf("transactions by scheme: %v", schemes)
}

func checkTransaction(t *testing.T, rt *substrate.Runtime, genesis substrate.Hash, c *txCase, schemes map[string]int) {
	t.Helper()
	call, p := unhex(t, c.Call), c.params(t, genesis)
	payload, err := rt.SigningPayload(call, p)
	if err != nil || string(payload) != string(unhex(t, c.Payload)) {
		t.Errorf("%s: payload %x, %v, want %s", c.Case, payload, err, c.Payload)
		return
	}
	// length, 0x84, 0x00, account, tag, signature
	xt := unhex(t, c.Extrinsic)
	tag := xt[2+1+1+32]
	if tag == 2 {
		schemes["ecdsa"]++
		return
	}
	scheme := []keypair.Scheme{keypair.Ed25519, keypair.Sr25519}[tag]
	account, err := ss58.Parse(c.Signer)
	if err != nil {
		t.Fatal(err)
	}
	signer := &recorded{account: account, scheme: scheme, sig: [64]byte(xt[37:])}
	got, err := rt.SignCall(signer, call, p)
	if err != nil || string(got) != string(xt) {
		t.Errorf("%s:\n got %x\nwant %x (%v)", c.Case, got, xt, err)
		return
	}
	if !keypair.Verify(scheme, account, signer.payload, signer.sig) {
		t.Errorf("%s: the recorded signature does not fit the payload", c.Case)
	}
	schemes[scheme.String()]++
	phrase := c.Phrases[c.Phrases["signedBy"]]
	if scheme != keypair.Ed25519 || phrase == "" {
		return
	}
	seed := blake2b.Sum256([]byte(phrase))
	pair, err := keypair.FromSeed(scheme, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rt.SignCall(pair, call, p); err != nil || string(got) != string(xt) {
		t.Errorf("%s: signed again:\n got %x\nwant %x (%v)", c.Case, got, xt, err)
	}
}

// Today's mainnet orders its extensions differently from the runtime that the
// cases were made on, to the same bytes; version 16 lists extensions by version.
func TestMainnetExtensions(t *testing.T) {
	read := func(name string) *metadata.Metadata {
		md, err := metadata.Parse(vectors.Read(t, "metadata-only/"+name))
		if err != nil {
			t.Fatal(err)
		}
		return md
	}
	genesis, cases := txCases(t, "475-backport")
	rt := newRuntime(read("475-finney.metadata_v14.scale.gz"), 475)
	for _, c := range cases {
		checkTransaction(t, rt, genesis, &c, make(map[string]int))
	}
	if len(cases) < 90 {
		t.Errorf("%d cases", len(cases))
	}
	genesis, cases = txCases(t, "394-main")
	rt = newRuntime(read("393-finney.metadata_v16.scale.gz"), 394)
	for _, c := range cases {
		checkTransaction(t, rt, genesis, &c, make(map[string]int))
	}
}

// The encodings of polkadot.js (ExtrinsicEra); births by sp_runtime's own formula.
func TestEra(t *testing.T) {
	rt := described(t, "119-mock")[0]
	for _, tt := range []struct {
		period, block, rounded, birth uint64
		want                          string
	}{
		{4, 4200002, 4, 4200002, "2100"},
		{1, 5, 4, 5, "1100"},
		{8, 4200002, 8, 4200002, "2200"},
		{64, 4200002, 64, 4200002, "2500"},
		{60, 100, 64, 100, "4502"},
		{4096, 4200002, 4096, 4200002, "2b64"},
		{5000, 4200002, 8192, 4200002, "1cb2"},
		{65536, 4200002, 65536, 4200000, "4f16"},
		{1 << 40, 70000, 65536, 70000, "7f11"},
	} {
		era := substrate.NewEra(tt.period, tt.block)
		if era.Period != tt.rounded || era.Birth(tt.block) != tt.birth {
			t.Errorf("%+v: %+v, born %d", tt, era, era.Birth(tt.block))
		}
		call := []byte{1, 2}
		payload, err := rt.SigningPayload(call, substrate.TxParams{Era: era})
		if err != nil || string(payload[2:4]) != string(unhex(t, tt.want)) {
			t.Errorf("%+v: %x, %v", tt, payload, err)
		}
	}
}

func TestLongPayload(t *testing.T) {
	rt := described(t, "293-aura")[0]
	var p substrate.TxParams
	// 4 bytes inside (era, nonce, tip, mode) and 73 signed come after the call.
	for length, want := range map[int]int{256 - 77: 256, 257 - 77: 32, 5000: 32} {
		payload, err := rt.SigningPayload(make([]byte, length), p)
		if err != nil || len(payload) != want {
			t.Errorf("call of %d bytes: %d, %v", length, len(payload), err)
		}
	}
	short, err := rt.SigningPayload(nil, p)
	if err != nil {
		t.Fatal(err)
	}
	call := make([]byte, 300)
	want := blake2b.Sum256(slices.Concat(call, short))
	if got, err := rt.SigningPayload(call, p); err != nil || string(got) != string(want[:]) {
		t.Errorf("%x, %v, want %x", got, err, want)
	}
}

// An extension that says something unknown stops the transaction; one that says
// nothing does not, however its nothing is written.
func TestExtensions(t *testing.T) {
	call := []byte{0, 0}
	signer := &recorded{}
	for _, tt := range []struct {
		name, identifier, extra, additional string
		ok                                  bool
	}{
		{"empty", "Nothing", "()", "()", true},
		{"nested empty", "Nested", "((), ((), Hollow), [u8; 0])", "Hollow", true},
		{"one byte inside", "Loud", "u8", "()", false},
		{"one byte signed", "Sealed", "()", "bool", false},
		{"an empty enum's tag", "Choosy", "Choice", "()", false},
		{"array of empties", "Many", "[(); 7]", "()", true},
		{"a known one twice", "CheckNonce", "Compact<u32>", "()", true},
		{"a known one that says more", "CheckNonce", "(Compact<u32>, u8)", "()", false},
		{"a known one that says nothing any more", "CheckSpecVersion", "()", "()", true},
		{"a known one that signs more", "CheckGenesis", "()", "([u8; 32], u8)", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rt := described(t, "293-aura")[0]
			if err := rt.Metadata.Types.Define("struct Hollow { a: (), b: ((),) } enum Choice { Only }"); err != nil {
				t.Fatal(err)
			}
			ext := metadata.Extension{Identifier: tt.identifier, Extra: resolve(t, rt, tt.extra), Additional: resolve(t, rt, tt.additional)}
			rt.Metadata.Extrinsic.Extensions = append(rt.Metadata.Extrinsic.Extensions, ext)
			_, err := rt.SignCall(signer, call, substrate.TxParams{})
			var unknown *substrate.UnknownExtensionError
			if tt.ok != (err == nil) || err != nil && (!errors.As(err, &unknown) || unknown.Identifier != tt.identifier) {
				t.Error(err)
			}
		})
	}
	t.Run("by version", func(t *testing.T) {
		rt := described(t, "293-aura")[0]
		want, err := rt.SigningPayload(call, substrate.TxParams{Nonce: 5})
		if err != nil {
			t.Fatal(err)
		}
		// An extension of a later version first; format 4 carries those of version 0.
		x := &rt.Metadata.Extrinsic
		later := metadata.Extension{Identifier: "Later", Extra: resolve(t, rt, "u8"), Additional: resolve(t, rt, "()")}
		x.Extensions = append([]metadata.Extension{later}, x.Extensions...)
		first := metadata.ExtensionSet{Version: 0}
		for i := range x.Extensions[1:] {
			first.Indexes = append(first.Indexes, uint32(i+1))
		}
		x.ByVersion = []metadata.ExtensionSet{{Version: 1, Indexes: []uint32{0}}, first}
		if got, err := rt.SigningPayload(call, substrate.TxParams{Nonce: 5}); err != nil || string(got) != string(want) {
			t.Errorf("%x, %v, want %x", got, err, want)
		}
		x.ByVersion[1].Indexes[0] = 99
		if _, err := rt.SigningPayload(call, substrate.TxParams{}); err == nil {
			t.Error("an extension that is not in the list is left out silently")
		}
	})
}

func resolve(t *testing.T, rt *substrate.Runtime, expr string) metadata.TypeID {
	t.Helper()
	id, err := rt.Metadata.Types.Resolve(expr)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// An old runtime takes accounts as they are, and not every scheme.
func TestAddressAndSignature(t *testing.T) {
	call := []byte{7}
	rt := described(t, "293-aura")[0]
	signer := &recorded{account: ss58.AccountID{9}, sig: [64]byte{8}}
	multi, err := rt.SignCall(signer, call, substrate.TxParams{})
	if err != nil {
		t.Fatal(err)
	}
	rt.Metadata.Extrinsic.Address = resolve(t, rt, "AccountId")
	plain, err := rt.SignCall(signer, call, substrate.TxParams{})
	if err != nil {
		t.Fatal(err)
	}
	body := scale.NewReader(multi).ByteString()
	want := append([]byte{body[0]}, body[2:]...)
	if got := scale.NewReader(plain).ByteString(); string(got) != string(want) {
		t.Errorf("plain account:\n got %x\nwant %x", got, want)
	}
	for name, change := range map[string]func(x *metadata.Extrinsic){
		"addresses":        func(x *metadata.Extrinsic) { x.Address = resolve(t, rt, "u64") },
		"no signatures":    func(x *metadata.Extrinsic) { x.Signature = resolve(t, rt, "[u8; 64]") },
		"transactions of ": func(x *metadata.Extrinsic) { x.Versions = []uint8{5} },
	} {
		rt := described(t, "293-aura")[0]
		change(&rt.Metadata.Extrinsic)
		if _, err := rt.SignCall(signer, call, substrate.TxParams{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want something about %q", err, name)
		}
	}
}

func TestEncodeCall(t *testing.T) {
	for _, dir := range runtimes(t) {
		for _, rt := range described(t, dir) {
			p, call, ok := rt.Metadata.Call("System", "remark")
			if !ok {
				t.Fatalf("%s: no remark", dir)
			}
			got, err := rt.EncodeCall("System", "remark", map[string]any{call.Fields[0].Name: []byte("hi")})
			if want := []byte{p.Index, call.Index, 8, 'h', 'i'}; err != nil || string(got) != string(want) {
				t.Errorf("%s: %x, %v, want %x", dir, got, err, want)
			}
			for want, args := range map[string]map[string]any{
				"System.nothing": nil,
				"System.remark":  {"noise": 1},
			} {
				if _, err := rt.EncodeCall("System", strings.TrimPrefix(want, "System."), args); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v", dir, err)
				}
			}
		}
	}
}

// What is signed must be good for one chain and one runtime only, whatever a node
// says of the extensions.
func TestSignsOnlyWhatIsBound(t *testing.T) {
	signer, err := keypair.FromURI(keypair.Sr25519, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"CheckGenesis", "CheckSpecVersion"} {
		rt := described(t, "293-aura")[0]
		if _, err := rt.SignCall(signer, []byte{0, 0, 0}, substrate.TxParams{}); err != nil {
			t.Fatal(err)
		}
		x := &rt.Metadata.Extrinsic
		x.Extensions = slices.DeleteFunc(slices.Clone(x.Extensions), func(e metadata.Extension) bool { return e.Identifier == name })
		if xt, err := rt.SignCall(signer, []byte{0, 0, 0}, substrate.TxParams{}); err == nil || !strings.Contains(err.Error(), name) || xt != nil {
			t.Errorf("without %s: %x, %v", name, xt, err)
		}
	}
}
