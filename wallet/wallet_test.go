package wallet_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/nacl/secretbox"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/wallet"
)

// The parity files hold one coldkey in every format (bittensor 6.9.4), and a
// wallet of bittensor-wallet 4.1.1 with a hotkey of a known mnemonic.
type parity struct {
	Mnemonic, Password, Private, Seed, SS58 string
	Hotkey                                  struct{ Mnemonic string } `json:"hotkey_default"`
}

func readParity(t *testing.T) (dir string, p parity) {
	t.Helper()
	dir = filepath.Join(vectors.Parity(t), "wallets")
	vectors.JSON(t, filepath.Join(dir, "keys.json.gz"), &p)
	return dir, p
}

// never is a password callback that must not be called.
func never(t *testing.T) wallet.Password {
	return func() (string, error) {
		t.Error("asked for a password")
		return "", errors.New("not to be asked")
	}
}

func constant(s string) wallet.Password { return func() (string, error) { return s, nil } }

func mustParse(t *testing.T, address string) ss58.AccountID {
	t.Helper()
	id, err := ss58.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// copyTree copies a folder of parity files, which are read-only.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestParityPlain(t *testing.T) {
	dir, want := readParity(t)
	data := vectors.Read(t, filepath.Join(dir, "plain.sdk6"))
	p, err := wallet.ParseKey(data, never(t))
	if err != nil {
		t.Fatal(err)
	}
	if p.Account() != mustParse(t, want.SS58) {
		t.Errorf("account %s, want %s", p.Account(), want.SS58)
	}
	if private, err := p.PrivateKey(); err != nil || hex.EncodeToString(private) != want.Private {
		t.Errorf("another private key (%v)", err)
	}
	if id, err := wallet.ParsePublic(data); err != nil || id != p.Account() {
		t.Errorf("ParsePublic: %s, %v", id, err)
	}
}

// Each of the parity files holds the coldkey, in a format of its own.
func TestParity(t *testing.T) {
	dir, want := readParity(t)
	formats := map[wallet.Format]bool{}
	for path, data := range tree(t, dir) {
		if filepath.Ext(path) == ".gz" {
			continue
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		account := mustParse(t, want.SS58)
		if strings.Contains(name, "hotkeys") {
			p, err := keypair.FromMnemonic(keypair.Sr25519, want.Hotkey.Mnemonic)
			if err != nil {
				t.Fatal(err)
			}
			account = p.Account()
		}
		format := wallet.FormatOf([]byte(data))
		if !strings.HasSuffix(name, "pub.txt") {
			formats[format] = true
		}
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			if strings.HasSuffix(name, "pub.txt") {
				if id, err := wallet.ParsePublic([]byte(data)); err != nil || id != account {
					t.Errorf("account %s, %v; want %s", id, err, account)
				}
				if _, err := wallet.ParseKey([]byte(data), never(t)); !errors.Is(err, wallet.ErrNoSecret) {
					t.Errorf("a key of an account: %v", err)
				}
				return
			}
			password := constant(want.Password)
			switch format {
			case wallet.Plain:
				password = never(t)
			case wallet.NaCl, wallet.Fernet:
				if slow(format) {
					t.Skip("its key takes seconds")
				}
			}
			p, err := wallet.ParseKey([]byte(data), password)
			if err != nil {
				t.Fatal(err)
			}
			if p.Account() != account {
				t.Errorf("account %s, want %s", p.Account(), account)
			}
		})
	}
	for _, format := range []wallet.Format{wallet.Plain, wallet.NaCl, wallet.AnsibleVault, wallet.Fernet} {
		if !formats[format] {
			t.Errorf("no file is of the format %v", format)
		}
	}
}

func TestRoundTripEncrypted(t *testing.T) {
	if testing.Short() {
		t.Skip("encrypting takes some seconds")
	}
	s := wallet.Store{Dir: filepath.Join(t.TempDir(), "wallets")}
	made, err := s.CreateColdkey("c", wallet.CreateOptions{Words: 24, Password: constant(sealPassword)})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(made.Path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(data, []byte("$NACL")) || bytes.Contains(data, []byte("secret")) {
		t.Errorf("the file begins with %q", data[:5])
	}
	w, err := s.Open("c", "")
	if err != nil {
		t.Fatal(err)
	}
	if id, err := w.Coldkey(); err != nil || id != made.Account {
		t.Errorf("account without password: %s, %v; want %s", id, err, made.Account)
	}
	if _, err := w.UnlockColdkey(nil); !errors.Is(err, wallet.ErrLocked) {
		t.Errorf("without a password: %v", err)
	}
	refused := errors.New("no terminal")
	if _, err := w.UnlockColdkey(func() (string, error) { return "", refused }); !errors.Is(err, refused) {
		t.Errorf("callback's error: %v", err)
	}
	p, err := w.UnlockColdkey(constant(sealPassword))
	if err != nil || p.Account() != made.Account {
		t.Fatalf("unlock: %v, %v", p, err)
	}
	plain, ok := secretbox.Open(nil, data[29:], (*[24]byte)(data[5:]), (*[32]byte)(unhex(boxKey)))
	if !ok || !bytes.Contains(plain, []byte(`"secretPhrase":"`+made.Mnemonic()+`"`)) {
		t.Errorf("the key that PyNaCl makes of the password does not open it (%v)", ok)
	}
	again, err := s.CreateHotkey("c", "", wallet.CreateOptions{Mnemonic: made.Mnemonic(), Password: constant(sealPassword)})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := w.UnlockHotkey(constant(sealPassword)); err != nil || p.Account() != made.Account {
		t.Errorf("encrypted hotkey: %v, %v", p, err)
	}
	if other, err := os.ReadFile(again.Path); err != nil || bytes.Equal(other[:29], data[:29]) {
		t.Errorf("one nonce for two files (%v)", err)
	}
	// The file cut short, and without the file of the account.
	if err := os.WriteFile(made.Path, data[:40], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UnlockColdkey(never(t)); !errors.Is(err, wallet.ErrFormat) {
		t.Errorf("truncated: %v", err)
	}
	if err := os.Remove(made.Path + "pub.txt"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Coldkey(); !errors.Is(err, wallet.ErrLocked) {
		t.Errorf("account of an encrypted file alone: %v", err)
	}
}

// A key of a mnemonic is written as bittensor-wallet 4.1.1 writes it.
func TestWritesTheSDKsFields(t *testing.T) {
	dir, want := readParity(t)
	s := wallet.Store{Dir: t.TempDir()}
	made, err := s.CreateHotkey("parity", "default", wallet.CreateOptions{Mnemonic: want.Hotkey.Mnemonic})
	if err != nil {
		t.Fatal(err)
	}
	if made.Mnemonic() != want.Hotkey.Mnemonic {
		t.Error("another mnemonic")
	}
	for _, name := range []string{"default", "defaultpub.txt"} {
		sdk := vectors.Read(t, filepath.Join(dir, "btwallet4", "parity", "hotkeys", name))
		own, err := os.ReadFile(filepath.Join(s.Dir, "parity", "hotkeys", name))
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := errors.Join(json.Unmarshal(sdk, &a), json.Unmarshal(own, &b)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s (-SDK +bt):\n%s", name, diff)
		}
	}
}

// A folder of the SDK's is listed and opened.
func TestSDKFolder(t *testing.T) {
	dir, want := readParity(t)
	s := wallet.Store{Dir: filepath.Join(t.TempDir(), "wallets")}
	copyTree(t, filepath.Join(dir, "btwallet4"), s.Dir)
	entries, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	hotkey, coldkey := mustParse(t, "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe"), mustParse(t, want.SS58)
	if diff := cmp.Diff([]wallet.Entry{{
		Name:    "parity",
		Coldkey: wallet.Key{Name: "coldkey", Path: filepath.Join(s.Dir, "parity", "coldkey"), Account: &coldkey, Format: wallet.NaCl},
		Hotkeys: []wallet.Key{{Name: "default", Path: filepath.Join(s.Dir, "parity", "hotkeys", "default"), Account: &hotkey, Format: wallet.Plain}},
	}}, entries); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	w, err := s.Open("parity", "")
	if err != nil {
		t.Fatal(err)
	}
	if id, err := w.Hotkey(); err != nil || id != hotkey {
		t.Errorf("hotkey %s, %v", id, err)
	}
	p, err := w.UnlockHotkey(never(t))
	if err != nil || p.Account() != hotkey {
		t.Errorf("unlocked %v, %v", p, err)
	}
}

func TestCreate(t *testing.T) {
	s := wallet.Store{Dir: filepath.Join(t.TempDir(), "home", "wallets")}
	if entries, err := s.List(); err != nil || len(entries) != 0 {
		t.Errorf("a folder that does not exist: %v, %v", entries, err)
	}
	if _, err := s.Open("alice", ""); !errors.Is(err, wallet.ErrNotFound) {
		t.Errorf("open nothing: %v", err)
	}
	if _, _, err := s.Create("alice", "", wallet.CreateOptions{}); !errors.Is(err, wallet.ErrPassword) {
		t.Errorf("a coldkey without a password by accident: %v", err)
	}
	if _, _, err := s.Create("alice", "", wallet.CreateOptions{Password: constant("")}); !errors.Is(err, wallet.ErrPassword) {
		t.Errorf("an empty password: %v", err)
	}
	cold, hot, err := s.Create("alice", "", wallet.CreateOptions{NoPassword: true, Password: never(t)})
	if err != nil {
		t.Fatal(err)
	}
	if cold.Account == hot.Account || cold.Mnemonic() == hot.Mnemonic() {
		t.Error("one key for both")
	}
	if n := len(strings.Fields(cold.Mnemonic())); n != 12 {
		t.Errorf("%d words", n)
	}
	again, err := keypair.FromMnemonic(keypair.Sr25519, cold.Mnemonic())
	if err != nil || again.Account() != cold.Account {
		t.Errorf("the mnemonic gives %v, %v", again, err)
	}
	if text := fmt.Sprintf("%v %+v %#v", cold, *cold, *cold); strings.Contains(text, strings.Fields(cold.Mnemonic())[0]) {
		t.Error("the mnemonic shows where the struct is printed")
	}

	modes := map[string]fs.FileMode{}
	err = filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		rel, _ := filepath.Rel(s.Dir, path)
		modes[filepath.ToSlash(rel)] = info.Mode().Perm()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		if diff := cmp.Diff(map[string]fs.FileMode{
			".": 0o700, "alice": 0o700, "alice/hotkeys": 0o700,
			"alice/coldkey": 0o600, "alice/coldkeypub.txt": 0o600,
			"alice/hotkeys/default": 0o600, "alice/hotkeys/defaultpub.txt": 0o600,
		}, modes); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	}

	w, err := s.Open("alice", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		account func() (ss58.AccountID, error)
		unlock  func(wallet.Password) (*keypair.Pair, error)
		want    ss58.AccountID
	}{{w.Coldkey, w.UnlockColdkey, cold.Account}, {w.Hotkey, w.UnlockHotkey, hot.Account}} {
		if id, err := k.account(); err != nil || id != k.want {
			t.Errorf("account %s, %v; want %s", id, err, k.want)
		}
		if p, err := k.unlock(never(t)); err != nil || p.Account() != k.want {
			t.Errorf("unlocked %v, %v; want %s", p, err, k.want)
		}
	}
	if lines := w.Warnings(); len(lines) != 0 {
		t.Errorf("warnings %q", lines)
	}

	// Nothing is overwritten, and nothing is made beside what is there.
	before := tree(t, s.Dir)
	for name, create := range map[string]func() error{
		"both":    func() error { _, _, err := s.Create("alice", "", wallet.CreateOptions{NoPassword: true}); return err },
		"coldkey": func() error { _, err := s.CreateColdkey("alice", wallet.CreateOptions{NoPassword: true}); return err },
		"hotkey":  func() error { _, err := s.CreateHotkey("alice", "", wallet.CreateOptions{}); return err },
		"other hotkey": func() error {
			_, _, err := s.Create("alice", "other", wallet.CreateOptions{NoPassword: true})
			return err
		},
	} {
		if err := create(); !errors.Is(err, wallet.ErrExists) {
			t.Errorf("%s again: %v", name, err)
		}
	}
	if diff := cmp.Diff(before, tree(t, s.Dir)); diff != "" {
		t.Errorf("files changed:\n%s", diff)
	}
	// The account alone, of a key that lies elsewhere, is not covered up either.
	if err := os.Remove(cold.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateColdkey("alice", wallet.CreateOptions{NoPassword: true}); !errors.Is(err, wallet.ErrExists) {
		t.Errorf("beside coldkeypub.txt: %v", err)
	}
	if id, err := w.Coldkey(); err != nil || id != cold.Account {
		t.Errorf("account without the secret: %s, %v", id, err)
	}
	if _, err := w.UnlockColdkey(never(t)); !errors.Is(err, wallet.ErrNotFound) {
		t.Errorf("unlock without the secret: %v", err)
	}
	if _, err := s.CreateHotkey("alice", "second", wallet.CreateOptions{Words: 15}); err != nil {
		t.Errorf("a second hotkey: %v", err)
	}
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestNames(t *testing.T) {
	s := wallet.Store{Dir: t.TempDir()}
	for _, name := range []string{"..", ".", "../x", "a/b", `a\b`, "/etc", "a\x00b", "a\nb", "\x7f", "a\xffb", ".hidden", "xpub.txt", strings.Repeat("a", 300)} {
		if _, err := s.Open(name, "ok"); !errors.Is(err, wallet.ErrName) {
			t.Errorf("open wallet %q: %v", name, err)
		}
		if _, err := s.Open("ok", name); !errors.Is(err, wallet.ErrName) {
			t.Errorf("open hotkey %q: %v", name, err)
		}
		if _, err := s.CreateHotkey("ok", name, wallet.CreateOptions{}); !errors.Is(err, wallet.ErrName) {
			t.Errorf("create hotkey %q: %v", name, err)
		}
		if _, err := s.CreateColdkey(name, wallet.CreateOptions{NoPassword: true}); !errors.Is(err, wallet.ErrName) {
			t.Errorf("create wallet %q: %v", name, err)
		}
	}
	if files := tree(t, s.Dir); len(files) != 0 {
		t.Errorf("files were made: %v", files)
	}
	for _, name := range []string{"a b", "ключ", "-x", "a.b", "x'y"} {
		if _, err := s.CreateHotkey(name, name, wallet.CreateOptions{}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A broken wallet shows in the list with what is wrong, beside those that are not.
func TestListTolerates(t *testing.T) {
	s := wallet.Store{Dir: t.TempDir()}
	good, _, err := s.Create("good", "", wallet.CreateOptions{NoPassword: true})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		"empty/nothing":         "",
		"broken/coldkey":        "garbage",
		"broken/coldkeypub.txt": "{",
		"broken/hotkeys/bad":    `{"publicKey": 7}`,
		"broken/hotkeys/empty":  "",
		"watch/coldkeypub.txt":  `{"ss58Address": "` + good.Account.String() + `"}`,
		"old/coldkey":           "$ANSIBLE_VAULT;1.1;AES256\n00",
		"old/coldkeypub.txt":    "0x" + hex.EncodeToString(good.Account[:]) + "\n",
		"old/hotkeys/h/x":       "",
		"file":                  "not a folder",
		".hidden/coldkey":       "{}",
	} {
		path = filepath.Join(s.Dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]wallet.Entry{}
	for _, e := range entries {
		byName[e.Name] = e
	}
	if len(byName) != 5 || !slices.IsSortedFunc(entries, func(a, b wallet.Entry) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("entries %v", entries)
	}
	if e := byName["good"]; e.Err != nil || e.Coldkey.Err != nil || *e.Coldkey.Account != good.Account || len(e.Hotkeys) != 1 || e.Hotkeys[0].Err != nil {
		t.Errorf("good: %+v", e)
	}
	if e := byName["empty"]; !errors.Is(e.Err, wallet.ErrNotFound) {
		t.Errorf("empty: %+v", e)
	}
	if e := byName["broken"]; !errors.Is(e.Coldkey.Err, wallet.ErrFormat) || len(e.Hotkeys) != 2 || !errors.Is(e.Hotkeys[0].Err, wallet.ErrFormat) || !errors.Is(e.Hotkeys[1].Err, wallet.ErrFormat) {
		t.Errorf("broken: %+v", e)
	}
	if e := byName["watch"]; e.Err != nil || e.Coldkey.Err != nil || e.Coldkey.Format != wallet.None || *e.Coldkey.Account != good.Account {
		t.Errorf("watch: %+v", e)
	}
	if e := byName["old"]; e.Coldkey.Err != nil || e.Coldkey.Format != wallet.AnsibleVault || *e.Coldkey.Account != good.Account || len(e.Hotkeys) != 1 || !errors.Is(e.Hotkeys[0].Err, wallet.ErrFormat) {
		t.Errorf("old: %+v", e)
	}
}

func TestWarnings(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing there")
	}
	s := wallet.Store{Dir: t.TempDir()}
	cold, _, err := s.Create("w", "", wallet.CreateOptions{NoPassword: true})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Open("w", "")
	if err != nil {
		t.Fatal(err)
	}
	for mode, text := range map[fs.FileMode]string{0o644: "0644", 0o640: "0640", 0o602: "0602", 0o610: "0610"} {
		if err := os.Chmod(cold.Path, mode); err != nil {
			t.Fatal(err)
		}
		lines := w.Warnings()
		if len(lines) != 1 || !strings.Contains(lines[0], cold.Path) || !strings.Contains(lines[0], text) || !strings.Contains(lines[0], "chmod 600") {
			t.Errorf("mode %v: warnings %q", mode, lines)
			continue
		}
		entries, err := s.List()
		if err != nil || entries[0].Coldkey.Warning != lines[0] || entries[0].Hotkeys[0].Warning != "" {
			t.Errorf("mode %v: list: %+v, %v", mode, entries, err)
		}
	}
	if _, err := w.UnlockColdkey(never(t)); err != nil {
		t.Errorf("it opens all the same: %v", err)
	}
}

// Which secret counts, and what is refused. All values are of development keys.
func TestParseKey(t *testing.T) {
	alice, err := keypair.FromURI(keypair.Sr25519, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	seed, _ := alice.Seed()
	private, err := alice.PrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	root, err := keypair.FromMnemonic(keypair.Sr25519, keypair.DevPhrase)
	if err != nil {
		t.Fatal(err)
	}
	edAlice, err := keypair.FromSeed(keypair.Ed25519, seed)
	if err != nil {
		t.Fatal(err)
	}
	const aliceAddress = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY" // subkey inspect //Alice
	S, P := "0x"+hex.EncodeToString(seed), "0x"+hex.EncodeToString(private)
	type fields map[string]any
	tests := []struct {
		name   string
		fields fields
		want   *keypair.Pair
		err    error
	}{
		{"phrase first", fields{"secretPhrase": keypair.DevPhrase, "secretSeed": S, "privateKey": P}, root, nil},
		{"then seed", fields{"secretPhrase": nil, "secretSeed": S, "privateKey": "0x" + strings.Repeat("11", 64)}, alice, nil},
		{"then private key", fields{"secretPhrase": nil, "secretSeed": "", "privateKey": P}, alice, nil},
		{"without 0x", fields{"secretSeed": S[2:]}, alice, nil},
		{"with address", fields{"secretSeed": S, "ss58Address": aliceAddress}, alice, nil},
		{"with a space in the name", fields{"secretSeed": S, " ss58Address": aliceAddress}, alice, nil},
		{"more fields", fields{"secretSeed": S, "cryptoType": 1, "accountType": "coldkey", "signingScheme": nil, "hashedDescriptor": []int{1}}, alice, nil},
		{"crypto type as text", fields{"secretSeed": S, "cryptoType": "1"}, alice, nil},
		{"ed25519", fields{"secretSeed": S, "cryptoType": 0}, edAlice, nil},
		{"ecdsa", fields{"secretSeed": S, "cryptoType": 2}, nil, wallet.ErrUnsupported},
		{"address alone", fields{"ss58Address": aliceAddress}, nil, wallet.ErrNoSecret},
		{"nothing", fields{}, nil, wallet.ErrNoSecret},
		{"of another account", fields{"secretPhrase": keypair.DevPhrase, "ss58Address": aliceAddress}, nil, wallet.ErrMismatch},
		{"of another account, with a space in the name", fields{"secretPhrase": keypair.DevPhrase, " ss58Address": aliceAddress}, nil, wallet.ErrMismatch},
		{"of two accounts", fields{"secretSeed": S, "accountId": "0x" + strings.Repeat("22", 32), "ss58Address": aliceAddress}, nil, wallet.ErrMismatch},
		{"bad phrase", fields{"secretPhrase": "abandon abandon", "secretSeed": S}, nil, keypair.ErrMnemonic},
		{"short seed", fields{"secretSeed": S[:20]}, nil, wallet.ErrFormat},
		{"odd seed", fields{"secretSeed": S + "0"}, nil, wallet.ErrFormat},
		{"seed is a number", fields{"secretSeed": 17}, nil, wallet.ErrFormat},
		{"phrase is a list", fields{"secretPhrase": []string{"bottom"}}, nil, wallet.ErrFormat},
		{"bad address", fields{"secretSeed": S, "ss58Address": "5Grw"}, nil, wallet.ErrFormat},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data, err := json.Marshal(test.fields)
			if err != nil {
				t.Fatal(err)
			}
			p, err := wallet.ParseKey(data, never(t))
			if !errors.Is(err, test.err) || (p == nil) != (test.want == nil) {
				t.Fatalf("pair %v, error %v; want %v, %v", p, err, test.want, test.err)
			}
			if err != nil {
				for _, secret := range []string{S[2:], S[4:20], P[4:20], "bottom", "abandon"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("the error holds a secret: %v", err)
					}
				}
				return
			}
			if p.Account() != test.want.Account() || p.Scheme() != test.want.Scheme() {
				t.Errorf("%v key %v, want %v", p.Scheme(), p, test.want)
			}
		})
	}
	for _, data := range []string{"", " ", "{", `{"secretSeed": "` + S, `[]`, `"x"`, "{}{}", "gibberish", S[:60]} {
		p, err := wallet.ParseKey([]byte(data), never(t))
		if p != nil || !errors.Is(err, wallet.ErrFormat) && !errors.Is(err, wallet.ErrNoSecret) {
			t.Errorf("%q: %v, %v", data, p, err)
		}
		if err != nil && strings.Contains(err.Error(), S[4:20]) {
			t.Errorf("the error holds a secret: %v", err)
		}
	}
}

// The pub file and the secret must be of one account: else what is shown and what
// signs would differ.
func TestPubFileOfAnother(t *testing.T) {
	s := wallet.Store{Dir: t.TempDir()}
	cold, hot, err := s.Create("w", "", wallet.CreateOptions{NoPassword: true})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(hot.Path + "pub.txt")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cold.Path+"pub.txt", data, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := s.Open("w", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.UnlockColdkey(never(t)); !errors.Is(err, wallet.ErrMismatch) {
		t.Errorf("error %v", err)
	}
}

// Files that are no files, and files that are too large.
func TestHostileFiles(t *testing.T) {
	s := wallet.Store{Dir: t.TempDir()}
	cold := filepath.Join(s.Dir, "w", "coldkey")
	if err := os.MkdirAll(cold, 0o700); err != nil {
		t.Fatal(err)
	}
	w, err := s.Open("w", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.UnlockColdkey(never(t)); !errors.Is(err, wallet.ErrFormat) {
		t.Errorf("a folder: %v", err)
	}
	if err := os.Remove(cold); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cold, bytes.Repeat([]byte("$NACL"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UnlockColdkey(never(t)); !errors.Is(err, wallet.ErrFormat) {
		t.Errorf("a file of 5 MiB: %v", err)
	}
}

// Mnemonics of every length come back as the same key.
func TestRoundTripPlain(t *testing.T) {
	s := wallet.Store{Dir: t.TempDir()}
	for n := range 4 {
		for _, words := range []int{12, 15, 18, 21, 24} {
			name := fmt.Sprintf("%d-%d", n, words)
			made, err := s.CreateColdkey(name, wallet.CreateOptions{Words: words, NoPassword: true})
			if err != nil {
				t.Fatal(err)
			}
			w, err := s.Open(name, "")
			if err != nil {
				t.Fatal(err)
			}
			p, err := w.UnlockColdkey(nil)
			if err != nil || p.Account() != made.Account || len(strings.Fields(made.Mnemonic())) != words {
				t.Fatalf("%d words: %v, %v", words, p, err)
			}
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{
		"", "{}", "$NACL", "$NACL" + strings.Repeat("x", 60), "$ANSIBLE_VAULT;1.1;AES256\n", "gAAAAABk",
		`{"secretPhrase": "` + keypair.DevPhrase + `", "ss58Address": null, "cryptoType": "1"}`,
		`{"secretSeed": "0x` + strings.Repeat("11", 32) + `", "accountId": "0x00"}`,
		`{"privateKey": "0x` + strings.Repeat("0a", 64) + `", "cryptoType": 0}`,
		`{"secretSeed": "\u0030x11"}`, `{"secretSeed": "\`, "0x" + strings.Repeat("ab", 32),
	} {
		f.Add([]byte(s))
	}
	for _, s := range vaults {
		f.Add([]byte(s))
	}
	for _, form := range forms {
		f.Add(form.of(phrase))
	}
	stop := errors.New("no password")
	f.Fuzz(func(t *testing.T, data []byte) {
		format := wallet.FormatOf(data)
		p, err := wallet.ParseKey(data, func() (string, error) {
			if format != wallet.NaCl && format != wallet.AnsibleVault && format != wallet.Fernet {
				t.Error("asked for the password of a file that is not encrypted")
			}
			return "", stop
		})
		if (p == nil) == (err == nil) {
			t.Fatalf("pair %v, error %v", p, err)
		}
		id, err := wallet.ParsePublic(data)
		// Bare digits are a seed in one kind of file and an account in the other.
		if p != nil && format != wallet.Raw && (err != nil || id != p.Account()) {
			t.Fatalf("the key is %v, but the account %v, %v", p, id, err)
		}
	})
}
