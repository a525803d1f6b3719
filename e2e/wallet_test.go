//go:build e2e

package e2e

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/wallet"
)

const (
	walletPassword = "pässword 1"
	walletMessage  = "bt and the SDK"
)

// sdkWallet is what e2e/wallet/walk.py says of a wallet.
type sdkWallet struct {
	Name, HotkeyName            string
	Coldkey, Coldkeypub, Hotkey string // addresses
	Encrypted, Verified         bool
	Format                      string
	Ed25519                     bool
	Signature                   string // of the coldkey
	ColdSignature, HotSignature string
	Variable, Value             string // where btwallet saves the password
}

// TestWallets lets bittensor-wallet 4.1.1 and bittensor 7.4.0, as they come from
// PyPI, open wallets that bt wrote, and opens those that they write.
func TestWallets(t *testing.T) {
	for _, sdk := range []string{"btwallet", "bittensor7"} {
		t.Run(sdk, func(t *testing.T) {
			program := filepath.Join(python(t, filepath.Join("wallet", sdk)), "python")
			walk := func(t *testing.T, task, dir string) []sdkWallet {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), program, "wallet/walk.py", task, dir, walletPassword)
				home := t.TempDir() // where the SDK makes folders when it is imported
				cmd.Env = append(os.Environ(), "HOME="+home, "USERPROFILE="+home)
				printed := bytes.TrimSpace(output(t, cmd))
				printed = printed[bytes.LastIndexByte(printed, '\n')+1:]
				var wallets []sdkWallet
				if err := json.Unmarshal(printed, &wallets); err != nil {
					t.Fatal(err)
				}
				return wallets
			}
			t.Run("opens", func(t *testing.T) {
				s := wallet.Store{Dir: t.TempDir()}
				made := makeWallets(t, s, sdk == "btwallet")
				opened := walk(t, "read", s.Dir)
				if len(opened) != len(made) {
					t.Errorf("it opened %d wallets of %d", len(opened), len(made))
				}
				for _, got := range opened {
					checkOpened(t, got, made[got.Name+"/"+got.HotkeyName])
				}
			})
			t.Run("is opened", func(t *testing.T) {
				s := wallet.Store{Dir: t.TempDir()}
				written := walk(t, "write", s.Dir)
				if len(written) < 10 {
					t.Errorf("it wrote %d wallets", len(written))
				}
				for _, want := range written {
					checkWritten(t, s, want)
				}
			})
		})
	}
}

// madeWallet is a wallet of bt's, no coldkey where cold is nil.
type madeWallet struct {
	cold, hot *wallet.NewKey
	scheme    keypair.Scheme // of both
	encrypted bool
}

func makeWallets(t *testing.T, s wallet.Store, ed25519 bool) map[string]madeWallet {
	t.Helper()
	made := make(map[string]madeWallet)
	add := func(name string, m madeWallet, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		made[name+"/default"] = m
		w, err := s.Open(name, "")
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.UnlockHotkey(nil)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := p.Sign([]byte(walletMessage))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(s.Dir, name, "hotkeys", "default.signature")
		if err := os.WriteFile(path, []byte(hex.EncodeToString(signature[:])), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	password := func() (string, error) { return walletPassword, nil }
	cold, hot, err := s.Create("my-encrypted", "", wallet.CreateOptions{Password: password, Words: 24})
	add("my-encrypted", madeWallet{cold: cold, hot: hot, encrypted: true}, err)
	cold, hot, err = s.Create("plain", "", wallet.CreateOptions{NoPassword: true})
	add("plain", madeWallet{cold: cold, hot: hot}, err)
	for name, uri := range map[string]string{
		"seed":    "0x1111111111111111111111111111111111111111111111111111111111111111",
		"private": "0x704b72419b89bab3a4632685428901bf5715b44e40ec0df50f01fdc1553bf60b092539815e61663c7f9c4c9c377346f5d2936875bd760f0ac5c5f4f6e78a6d76",
		"path":    "//Alice//hard/soft///password",
	} {
		key, err := keypair.FromURI(keypair.Sr25519, uri)
		if err != nil {
			t.Fatal(err)
		}
		cold, err := s.CreateColdkey(name, wallet.CreateOptions{Key: key, NoPassword: true})
		if err != nil {
			t.Fatal(err)
		}
		hot, err := s.CreateHotkey(name, "", wallet.CreateOptions{Key: key})
		add(name, madeWallet{cold: cold, hot: hot}, err)
	}
	if ed25519 {
		opts := wallet.CreateOptions{Scheme: keypair.Ed25519, NoPassword: true}
		cold, err := s.CreateColdkey("ed", opts)
		if err != nil {
			t.Fatal(err)
		}
		hot, err := s.CreateHotkey("ed", "", opts)
		add("ed", madeWallet{cold: cold, hot: hot, scheme: keypair.Ed25519}, err)
	}
	return made
}

// checkOpened compares what the SDK found in a wallet with what bt put into it.
func checkOpened(t *testing.T, got sdkWallet, want madeWallet) {
	t.Helper()
	if want.cold == nil {
		t.Errorf("%s/%s: not a wallet of ours", got.Name, got.HotkeyName)
		return
	}
	cold, hot := want.cold.Account, want.hot.Account
	if got.Coldkey != cold.String() || got.Coldkeypub != cold.String() || got.Hotkey != hot.String() {
		t.Errorf("%s: coldkey %s, its account %s, hotkey %s; want %s, %s", got.Name, got.Coldkey, got.Coldkeypub, got.Hotkey, cold, hot)
	}
	if got.Encrypted != want.encrypted {
		t.Errorf("%s: encrypted %v", got.Name, got.Encrypted)
	}
	if !got.Verified {
		t.Errorf("%s: the SDK does not accept bt's signature", got.Name)
	}
	checkSignature(t, got.Name, want.scheme, cold, got.ColdSignature)
	checkSignature(t, got.Name, want.scheme, hot, got.HotSignature)
}

func checkSignature(t *testing.T, name string, scheme keypair.Scheme, account ss58.AccountID, signature string) {
	t.Helper()
	b, err := hex.DecodeString(signature)
	if err != nil || len(b) != 64 || !keypair.Verify(scheme, account, []byte(walletMessage), [64]byte(b)) {
		t.Errorf("%s: the SDK's signature of %s does not hold (%v)", name, account, err)
	}
}

// checkWritten opens a wallet of the SDK's.
func checkWritten(t *testing.T, s wallet.Store, want sdkWallet) {
	t.Helper()
	w, err := s.Open(want.Name, "")
	if err != nil {
		t.Error(err)
		return
	}
	password := func() (string, error) { return walletPassword, nil }
	if want.Variable != "" {
		password = func() (string, error) {
			password, variable, err := w.ColdkeyPassword(func(name string) string {
				if name == want.Variable {
					return want.Value
				}
				return ""
			})
			if variable != want.Variable {
				t.Errorf("%s: the password is from %q, want %q", want.Name, variable, want.Variable)
			}
			return password, err
		}
	}
	for _, key := range []struct {
		account func() (ss58.AccountID, error)
		unlock  func(wallet.Password) (*keypair.Pair, error)
		want    string
	}{{w.Coldkey, w.UnlockColdkey, want.Coldkey}, {w.Hotkey, w.UnlockHotkey, want.Hotkey}} {
		if id, err := key.account(); err != nil || id.String() != key.want {
			t.Errorf("%s: account %s, %v; want %s", want.Name, id, err, key.want)
		}
		p, err := key.unlock(password)
		if err != nil || p.Account().String() != key.want {
			t.Errorf("%s: %v, %v; want %s", want.Name, p, err, key.want)
			continue
		}
		signature, err := p.Sign([]byte(walletMessage))
		if err != nil || !keypair.Verify(p.Scheme(), p.Account(), []byte(walletMessage), signature) {
			t.Errorf("%s: a signature of its key does not hold (%v)", want.Name, err)
		}
	}
	scheme := keypair.Sr25519
	if want.Ed25519 {
		scheme = keypair.Ed25519
	}
	if id, err := w.Coldkey(); err == nil {
		checkSignature(t, want.Name, scheme, id, want.Signature)
	}
	data, err := os.ReadFile(filepath.Join(s.Dir, want.Name, "coldkey"))
	if err != nil {
		t.Error(err)
		return
	}
	if format := wallet.FormatOf(data).String(); format != want.Format {
		t.Errorf("%s: format %s, want %s", want.Name, format, want.Format)
	}
}
