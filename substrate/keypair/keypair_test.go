package keypair_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2b"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// Every kind of signer that a transaction takes is a fmt.Formatter without a
// secret.
var _ fmt.Formatter = &keypair.Pair{}

type address struct{ Public, SS58, Seed string }

// parity is wallets/keys.json.gz: made by bittensor 6.9.4 and substrate-interface,
// checked with @polkadot/keyring.
type parity struct {
	Mnemonic, Public, Private, Seed, SS58 string
	Derivations                           map[string]address
	Mnemonics                             map[string]address
	Seed11                                struct {
		Sr25519        string
		Sr25519Private string `json:"sr25519_private"`
		Ed25519        string
	} `json:"seed_11"`
	Ed25519 map[string]address
	Dev     map[string]string
	Hotkey  struct{ Mnemonic string } `json:"hotkey_default"`
}

func readParity(t *testing.T) parity {
	t.Helper()
	var p parity
	vectors.JSON(t, filepath.Join(vectors.Parity(t), "wallets", "keys.json.gz"), &p)
	if len(p.Derivations) == 0 || len(p.Mnemonics) != 5 || len(p.Ed25519) == 0 || len(p.Dev) == 0 {
		t.Fatal("the file lacks a part")
	}
	return p
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func check(t *testing.T, p *keypair.Pair, err error, want address) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return
	}
	public := p.Account()
	if want.Public != "" && hex.EncodeToString(public[:]) != want.Public {
		t.Errorf("public key %s, want %s", hex.EncodeToString(public[:]), want.Public)
	}
	if p.Account().String() != want.SS58 {
		t.Errorf("address %s, want %s", p.Account(), want.SS58)
	}
	if want.Seed != "" {
		if seed, ok := p.Seed(); !ok || hex.EncodeToString(seed) != want.Seed {
			t.Errorf("seed %x, want %s", seed, want.Seed)
		}
	}
	// A pair signs for the account that it says.
	message := []byte("bt")
	signature, err := p.Sign(message)
	if err != nil || !keypair.Verify(p.Scheme(), p.Account(), message, signature) {
		t.Errorf("%s: its signature does not hold (%v)", p.Account(), err)
	}
}

func TestParity(t *testing.T) {
	want := readParity(t)
	whole := address{want.Public, want.SS58, want.Seed}

	p, err := keypair.FromMnemonic(keypair.Sr25519, want.Mnemonic)
	check(t, p, err, whole)
	if private, err := p.PrivateKey(); err != nil || hex.EncodeToString(private) != want.Private {
		t.Errorf("private key differs from the SDK's (%v)", err)
	}
	p, err = keypair.FromSeed(keypair.Sr25519, unhex(t, want.Seed))
	check(t, p, err, whole)
	p, err = keypair.FromPrivateKey(keypair.Sr25519, unhex(t, want.Private))
	check(t, p, err, address{Public: want.Public, SS58: want.SS58})
	if _, ok := p.Seed(); ok {
		t.Error("a pair made from a private key has a seed")
	}
	for _, uri := range []string{"0x" + want.Seed, "0x" + want.Private, want.Mnemonic, "  " + strings.ReplaceAll(want.Mnemonic, " ", "  ") + " "} {
		p, err = keypair.FromURI(keypair.Sr25519, uri)
		check(t, p, err, address{Public: want.Public, SS58: want.SS58})
	}
	for path, w := range want.Derivations {
		t.Run("sr25519"+path, func(t *testing.T) {
			p, err := keypair.FromURI(keypair.Sr25519, want.Mnemonic+path)
			check(t, p, err, w)
		})
	}
	for path, w := range want.Ed25519 {
		t.Run("ed25519"+path, func(t *testing.T) {
			p, err := keypair.FromURI(keypair.Ed25519, want.Mnemonic+path)
			check(t, p, err, w)
		})
	}
	lengths := make(map[int]bool)
	for phrase, w := range want.Mnemonics {
		p, err := keypair.FromMnemonic(keypair.Sr25519, phrase)
		check(t, p, err, w)
		lengths[len(strings.Fields(phrase))] = true
	}
	for _, n := range []int{12, 15, 18, 21, 24} {
		if !lengths[n] {
			t.Errorf("no mnemonic of %d words was checked", n)
		}
	}
	for path, w := range want.Dev {
		p, err := keypair.FromURI(keypair.Sr25519, path)
		check(t, p, err, address{SS58: w})
	}

	seed := bytes.Repeat([]byte{0x11}, keypair.SeedSize)
	p, err = keypair.FromSeed(keypair.Sr25519, seed)
	check(t, p, err, address{SS58: want.Seed11.Sr25519})
	if private, err := p.PrivateKey(); err != nil || hex.EncodeToString(private) != want.Seed11.Sr25519Private {
		t.Errorf("private key of seed 11.. differs from the SDK's (%v)", err)
	}
	p, err = keypair.FromSeed(keypair.Ed25519, seed)
	check(t, p, err, address{SS58: want.Seed11.Ed25519})
}

// Signed extrinsics that a real runtime accepted: the signatures are polkadot.js's
// own, of keys whose seed is the hash of a phrase.
func TestChainSignatures(t *testing.T) {
	var cases struct {
		Results []struct {
			Case    string
			Result  string
			Phrases struct{ Coldkey, Hotkey, SignedBy string }
			Payload string `json:"signingPayload"`
			Xt      string `json:"extrinsic"`
			Signer  string
		}
	}
	vectors.JSON(t, "475-backport/pow/register_cases.json", &cases)
	checked := make(map[keypair.Scheme]int)
	for _, c := range cases.Results {
		const sudo = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY" // signs some cases in the coldkey's place
		if c.Result != "Success" || c.Phrases.SignedBy != "coldkey" || c.Signer == sudo {
			continue
		}
		seed := blake2b.Sum256([]byte(c.Phrases.Coldkey))
		xt := unhex(t, c.Xt)
		// Compact length (2 bytes), version, MultiAddress::Id, account, kind of
		// signature, signature.
		if len(xt) < 101 || xt[0]&3 != 1 || xt[2] != 0x84 || xt[3] != 0 {
			continue
		}
		scheme := keypair.Sr25519
		if xt[36] == 0 {
			scheme = keypair.Ed25519
		} else if xt[36] != 1 {
			continue
		}
		p, err := keypair.FromSeed(scheme, seed[:])
		if err != nil {
			t.Fatal(err)
		}
		if p.Account().String() != c.Signer || ss58.AccountID(xt[4:36]) != p.Account() {
			t.Errorf("%s: account %s, want %s", c.Case, p.Account(), c.Signer)
			continue
		}
		payload, signature := unhex(t, c.Payload), [64]byte(xt[37:101])
		if !keypair.Verify(scheme, p.Account(), payload, signature) {
			t.Errorf("%s: the %v signature that the chain accepted does not hold", c.Case, scheme)
		}
		signature[40] ^= 1
		if keypair.Verify(scheme, p.Account(), payload, signature) {
			t.Errorf("%s: a changed signature holds", c.Case)
		}
		signature[40] ^= 1
		if scheme == keypair.Ed25519 { // deterministic: it must be the very one
			if own, err := p.Sign(payload); err != nil || own != signature {
				t.Errorf("%s: own signature %x (%v), want %x", c.Case, own, err, signature)
			}
		}
		checked[scheme]++
	}
	if checked[keypair.Sr25519] < 20 || checked[keypair.Ed25519] == 0 {
		t.Errorf("checked only %v", checked)
	}
}

// The scalar of polkadot.js's exports is eight times schnorrkel's: the key that
// is read from it is the same.
func TestEd25519FormOfPrivateKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		p, err := keypair.FromSeed(keypair.Sr25519, seed)
		if err != nil {
			t.Fatal(err)
		}
		private, err := p.PrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		expanded, carry := bytes.Clone(private), byte(0)
		for i := range 32 {
			expanded[i], carry = private[i]<<3|carry, private[i]>>5
		}
		q, err := keypair.FromPrivateKey(keypair.Sr25519, expanded)
		if err != nil {
			t.Fatal(err)
		}
		again, err := q.PrivateKey()
		if err != nil || q.Account() != p.Account() || !bytes.Equal(again, private) {
			t.Fatalf("the expanded form gives another key (%v)", err)
		}
	})
}

// One path gives one private key, also where schnorrkel draws the nonce at random.
func TestDerivationIsDeterministic(t *testing.T) {
	private := func() string {
		p, err := keypair.FromURI(keypair.Sr25519, "//a/b//c/d")
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.PrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if first, second := private(), private(); first != second {
		t.Error("two derivations give two private keys")
	}
}

func TestNewMnemonic(t *testing.T) {
	seen := make(map[string]bool)
	for _, n := range []int{12, 15, 18, 21, 24} {
		phrase, err := keypair.NewMnemonic(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(strings.Fields(phrase)) != n || seen[phrase] {
			t.Errorf("%d words: got %d", n, len(strings.Fields(phrase)))
		}
		seen[phrase] = true
		if _, err := keypair.FromMnemonic(keypair.Sr25519, phrase); err != nil {
			t.Error(err)
		}
	}
	for _, n := range []int{-12, 0, 11, 13, 27} {
		if _, err := keypair.NewMnemonic(n); !errors.Is(err, keypair.ErrMnemonic) {
			t.Errorf("%d words: error %v", n, err)
		}
	}
}

// What is refused, and that no error repeats the secret it is about.
func TestRefused(t *testing.T) {
	const phrase = "fitness tongue shell wave sample dolphin limb tomato purpose absorb fancy volume"
	tests := []struct {
		scheme keypair.Scheme
		uri    string
		want   error
	}{
		{keypair.Sr25519, "fitness tongue shell", keypair.ErrMnemonic},
		{keypair.Sr25519, strings.Replace(phrase, "wave", "wavelet", 1), keypair.ErrMnemonic},
		{keypair.Sr25519, strings.Replace(phrase, "wave", "WAVE", 1), keypair.ErrMnemonic},
		{keypair.Sr25519, strings.Replace(phrase, "wave", "volume", 1), keypair.ErrMnemonic},
		{keypair.Sr25519, "0x1234", keypair.ErrKey},
		{keypair.Sr25519, "0x" + strings.Repeat("zz", 32), keypair.ErrURI},
		{keypair.Sr25519, "0x" + strings.Repeat("ff", 64), keypair.ErrKey},
		{keypair.Sr25519, "0x" + strings.Repeat("00", 64), keypair.ErrKey},
		{keypair.Sr25519, "0x" + strings.Repeat("11", 32) + "///hunter2", keypair.ErrURI},
		{keypair.Sr25519, phrase + "/", keypair.ErrURI},
		{keypair.Sr25519, phrase + "//", keypair.ErrURI},
		{keypair.Sr25519, phrase + "//hard//", keypair.ErrURI},
		{keypair.Ed25519, phrase + "/soft", keypair.ErrSoft},
		{keypair.Ed25519, phrase + "//hard/soft", keypair.ErrSoft},
		{keypair.Ed25519, "0x" + strings.Repeat("11", 64), keypair.ErrKey},
		{keypair.Scheme(7), phrase, keypair.ErrKey},
	}
	for _, test := range tests {
		p, err := keypair.FromURI(test.scheme, test.uri)
		if p != nil || !errors.Is(err, test.want) {
			t.Errorf("%q: pair %v, error %v; want %v", test.uri, p, err, test.want)
			continue
		}
		for _, secret := range []string{"wave", "WAVE", "dolphin", "zz", "ffff", "1111", "hunter2"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error repeats a secret: %v", err)
			}
		}
	}
	for _, n := range []int{0, 31, 33, 64} {
		if _, err := keypair.FromSeed(keypair.Sr25519, make([]byte, n)); !errors.Is(err, keypair.ErrKey) {
			t.Errorf("seed of %d bytes: error %v", n, err)
		}
	}
	for _, n := range []int{0, 32, 63, 65} {
		if _, err := keypair.FromPrivateKey(keypair.Sr25519, make([]byte, n)); !errors.Is(err, keypair.ErrKey) {
			t.Errorf("private key of %d bytes: error %v", n, err)
		}
	}
}

func TestVerifyHostile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		account := ss58.AccountID(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "account"))
		signature := [64]byte(rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "signature"))
		scheme := keypair.Scheme(rapid.IntRange(0, 3).Draw(t, "scheme"))
		if keypair.Verify(scheme, account, []byte("message"), signature) {
			t.Fatal("a random signature holds")
		}
	})
}

// Nothing that prints shows the secret, also where a pair lies in a private field.
func TestSecretsStaySecret(t *testing.T) {
	for _, scheme := range []keypair.Scheme{keypair.Sr25519, keypair.Ed25519} {
		p, err := keypair.FromSeed(scheme, bytes.Repeat([]byte{0x5a}, 32))
		if err != nil {
			t.Fatal(err)
		}
		private, err := p.PrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		type holder struct {
			pair  keypair.Pair
			other *keypair.Pair
		}
		var out bytes.Buffer
		for _, v := range []any{p, *p, holder{*p, p}, &holder{*p, p}, []*keypair.Pair{p}, map[string]keypair.Pair{"a": *p}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			j, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(j)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("pair", "value", v)
			slog.New(slog.NewTextHandler(&out, nil)).Info("pair", "value", v)
		}
		text := strings.ToLower(out.String())
		for _, secret := range []string{"5a5a5a", "90 90 90", "90, 90", "zzzz", hex.EncodeToString(private[:4]), hex.EncodeToString(private[32:36]), strings.Join(strings.Fields(fmt.Sprintf("%d", private[1:5])), " ")} {
			if scheme == keypair.Ed25519 && secret == hex.EncodeToString(private[32:36]) {
				continue // the public key
			}
			if strings.Contains(text, strings.Trim(secret, "[]")) {
				t.Errorf("%v: %q shows in what is printed", scheme, secret)
			}
		}
		if !strings.Contains(out.String(), p.Account().String()) {
			t.Error("the address does not show")
		}
	}
}

func TestWipe(t *testing.T) {
	p, err := keypair.FromURI(keypair.Sr25519, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	copied, account := *p, p.Account()
	p.Wipe()
	p.Wipe()
	for _, q := range []*keypair.Pair{p, &copied, {}} {
		if _, err := q.Sign([]byte("x")); !errors.Is(err, keypair.ErrWiped) {
			t.Errorf("Sign after Wipe: %v", err)
		}
		if _, err := q.PrivateKey(); !errors.Is(err, keypair.ErrWiped) {
			t.Errorf("PrivateKey after Wipe: %v", err)
		}
		if _, ok := q.Seed(); ok {
			t.Error("Seed after Wipe")
		}
	}
	if p.Account() != account {
		t.Error("Wipe changed the account")
	}
}

func FuzzFromURI(f *testing.F) {
	for _, s := range []string{"//Alice", "/soft", "", "///", "////", "0x", "0x" + strings.Repeat("11", 32) + "//x", "//1//18446744073709551616/+7", keypair.DevPhrase + "///pw"} {
		f.Add(s, byte(0))
		f.Add(s, byte(1))
	}
	f.Fuzz(func(t *testing.T, uri string, scheme byte) {
		p, err := keypair.FromURI(keypair.Scheme(scheme), uri)
		if (p == nil) == (err == nil) {
			t.Fatalf("pair %v, error %v", p, err)
		}
		if err == nil && p.Scheme() != keypair.Scheme(scheme) {
			t.Fatal("another scheme")
		}
	})
}
