package wallet_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/nacl/secretbox"

	"github.com/bittensor-go/bt/wallet"
)

// The password of the parity files and its keys: argon2i by PyNaCl 1.6.2, the
// others by hashlib.pbkdf2_hmac of Python. The vault's salt is 32 fives.
const (
	sealPassword = "Tr0ub4dor&3-bt"
	boxKey       = "9f8cec80b7744ea4a6d13ff081e0b923ce2550d017dea602495b3d5fc878790c"
	vaultKey     = "177ca64d63e73b70b3955eb3588c88961e1067cebeffc0f34d30e7365c60ba3b78ec04e06e8b7a43efb96ea5a95d58241daccf44dacf6cd1cab04c496f4daceb8844c68c498b797e8da728737b4a6c91"
	tokenKey     = "e0f3081b0e57f549f929cac0758d173de7b07597b13c1023bd450b107213406f"
)

// form is one of the encrypted forms, written without the code under test.
type form struct {
	seal func(plain []byte) [][]byte // the parts of the file, all of which are authenticated
	file func(parts ...[]byte) []byte
}

func (f form) of(plain string) []byte { return f.file(f.seal([]byte(plain))...) }

var forms = map[wallet.Format]form{
	wallet.NaCl: {
		func(plain []byte) [][]byte {
			nonce := [24]byte{1, 2, 3}
			return [][]byte{nonce[:], secretbox.Seal(nil, plain, &nonce, (*[32]byte)(unhex(boxKey)))}
		},
		func(parts ...[]byte) []byte { return slices.Concat([]byte("$NACL"), parts[0], parts[1]) },
	},
	wallet.AnsibleVault: {sealVault, vaultFile},
	wallet.Fernet:       {sealToken, tokenFile},
}

func TestMain(m *testing.M) {
	wallet.KeepKeys()
	m.Run()
}

// slow tells of which formats the key takes too long: two seconds for Fernet's ten
// million rounds, but 20 with the race detector. So make test runs what is of Fernet
// once more without it.
func slow(f wallet.Format) bool {
	info, ok := debug.ReadBuildInfo()
	race := ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
	return f == wallet.NaCl && testing.Short() || f == wallet.Fernet && (race || testing.Short())
}

func unhex(digits string) []byte {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return b
}

func pad(plain []byte) []byte {
	n := aes.BlockSize - len(plain)%aes.BlockSize
	return slices.Concat(plain, bytes.Repeat([]byte{byte(n)}, n))
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func block(key []byte) cipher.Block {
	b, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return b
}

func sealVault(plain []byte) [][]byte { return sealPadded(pad(plain)) }

func sealPadded(padded []byte) [][]byte {
	key := unhex(vaultKey)
	text := make([]byte, len(padded))
	cipher.NewCTR(block(key[:32]), key[64:]).XORKeyStream(text, padded)
	return [][]byte{bytes.Repeat([]byte{5}, 32), mac(key[32:64], text), text}
}

func vaultFile(parts ...[]byte) []byte {
	var inner [][]byte
	for _, p := range parts {
		inner = append(inner, hex.AppendEncode(nil, p))
	}
	file := []byte("$ANSIBLE_VAULT;1.1;AES256\n")
	for line := range slices.Chunk(hex.AppendEncode(nil, bytes.Join(inner, []byte("\n"))), 80) {
		file = append(append(file, line...), '\n')
	}
	return file
}

// tokenHead is the version and the first half of the time, by which tokens are known.
var tokenHead = []byte{0x80, 0, 0, 0, 0}

func sealToken(plain []byte) [][]byte {
	key, padded := unhex(tokenKey), pad(plain)
	time, iv, text := []byte{0x64, 1, 2, 3}, bytes.Repeat([]byte{7}, aes.BlockSize), make([]byte, len(padded))
	cipher.NewCBCEncrypter(block(key[16:]), iv).CryptBlocks(text, padded)
	return [][]byte{time, iv, text, mac(key[:16], tokenHead, time, iv, text)}
}

func tokenFile(parts ...[]byte) []byte {
	return base64.URLEncoding.AppendEncode(nil, append(bytes.Clone(tokenHead), bytes.Join(parts, nil)...))
}

// What is in an encrypted file is read as what is in a plain one, and no part of the
// file can be changed.
func TestSealed(t *testing.T) {
	for format, form := range forms {
		t.Run(format.String(), func(t *testing.T) {
			if slow(format) {
				t.Skip("its key takes seconds")
			}
			for name, test := range map[string]struct {
				plain, want string
				err         error
			}{
				"JSON":                 {`{"secretPhrase": "` + phrase + `", "secretSeed": null}`, phraseKey, nil},
				"JSON after a blank":   {"\n " + `{"secretSeed": "0x` + strings.Repeat("11", 32) + `"}`, seed11Key, nil},
				"mnemonic":             {phrase, phraseKey, nil},
				"seed":                 {strings.Repeat("02", 32), seed02Key, nil}, // alone it may be a public key
				"account alone":        {`{"ss58Address": "` + aliceKey + `"}`, "", wallet.ErrNoSecret},
				"JSON that ends early": {`{"secretPhrase": "` + phrase, "", wallet.ErrFormat},
				"no key":               {"hunter2", "", wallet.ErrFormat},
				"nothing":              {"", "", wallet.ErrFormat},
				"a vault":              {string(vaultFile(sealVault([]byte(phrase))...)), "", wallet.ErrFormat},
			} {
				p, err := wallet.ParseKey(form.of(test.plain), constant(sealPassword))
				if !errors.Is(err, test.err) || (p == nil) != (test.want == "") || p != nil && p.Account().String() != test.want {
					t.Errorf("%s: %v, %v; want %s, %v", name, p, err, test.want, test.err)
				}
				if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "winner")) {
					t.Errorf("%s: the error holds what was encrypted: %v", name, err)
				}
			}
			parts := form.seal([]byte(phrase))
			for i, p := range parts {
				for _, at := range []int{0, len(p) - 1} {
					p[at] ^= 0x10
					if p, err := wallet.ParseKey(form.file(parts...), constant(sealPassword)); !errors.Is(err, wallet.ErrWrongPassword) {
						t.Errorf("byte %d of part %d changed: %v, %v", at, i, p, err)
					}
					p[at] ^= 0x10
				}
			}
		})
	}
}

// Paddings that PKCS #7 does not know.
func TestSealedPadding(t *testing.T) {
	const json = `{"secretPhrase": "` + phrase + `"}`
	for name, padded := range map[string]string{
		"none":           strings.Repeat("x", 16),
		"0":              strings.Repeat("x", 15) + "\x00",
		"more than 16":   strings.Repeat("\x11", 32),
		"not all of it":  json + strings.Repeat(" ", (29-len(json)%16)%16) + "\x02\x03\x03",
		"more than text": strings.Repeat("\x10", 15) + "\x11",
	} {
		data := vaultFile(sealPadded([]byte(padded))...)
		if _, err := wallet.ParseKey(data, constant(sealPassword)); !errors.Is(err, wallet.ErrFormat) {
			t.Errorf("padding %s: %v", name, err)
		}
	}
}

// Whatever was encrypted, it is read as the same key that it is unencrypted, or gives
// an error without a piece of it.
func FuzzSealed(f *testing.F) {
	for _, s := range []string{
		"", "{}", phrase, "hunter2", strings.Repeat("11", 32), "0x" + strings.Repeat("f1", 32),
		`{"secretPhrase": "` + phrase + `", "ss58Address": "` + phraseKey + `"}`,
		`{"privateKey":"0x` + strings.Repeat("11", 32) + `","cryptoType":0}`,
	} {
		f.Add([]byte(s))
	}
	// The keys are derived here: an input may take ten seconds.
	for format, form := range forms {
		if slow(format) {
			continue
		}
		if _, err := wallet.ParseKey(form.of(phrase), constant(sealPassword)); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		want, wantErr := wallet.ParseKey(plain, nil)
		for format, form := range forms {
			if slow(format) {
				continue
			}
			p, err := wallet.ParseKey(form.of(string(plain)), constant(sealPassword))
			switch {
			case (p == nil) == (err == nil):
				t.Fatalf("%v: pair %v, error %v", format, p, err)
			// Digits that may be a public key are a seed where they are encrypted.
			case wallet.FormatOf(plain) != wallet.Raw && (err == nil) != (wantErr == nil),
				want != nil && p == nil, want != nil && p.Account() != want.Account():
				t.Fatalf("%v: %v, %v; plain it is %v, %v", format, p, err, want, wantErr)
			}
		}
	})
}
