package wallet

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/nacl/secretbox"
)

const (
	naclTag    = "$NACL"
	ansibleTag = "$ANSIBLE_VAULT"
	fernetTag  = "gAAAAA"
)

// The parameters of $NACL: libsodium's argon2i (version 1.3) with opslimit and
// memlimit SENSITIVE, one lane, and a salt that the SDK fixed for all files.
const (
	naclPasses = 8
	naclKiB    = 512 << 10
	naclLanes  = 1
	naclNonce  = 24
)

var naclSalt = [16]byte{0x13, 0x71, 0x83, 0xdf, 0xf1, 0x5a, 0x09, 0xbc, 0x9c, 0x90, 0xb5, 0x51, 0x87, 0x39, 0xe9, 0xb1}

// Ansible's and the oldest files' key is PBKDF2 with HMAC-SHA256; the salt of the
// latter is one for all.
const (
	ansibleRounds = 10_000
	fernetRounds  = 10_000_000
	fernetSalt    = "Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins"
)

var errShort = fmt.Errorf("%w: it ends early", ErrFormat)

// sealed is an encrypted keyfile that was taken apart.
type sealed interface {
	// open returns what the password opens, or ErrWrongPassword.
	open(password string) ([]byte, error)
}

// decrypt opens an encrypted keyfile. The password is asked for only where the
// file is whole.
func decrypt(f Format, data []byte, password Password) ([]byte, error) {
	parse := map[Format]func([]byte) (sealed, error){NaCl: parseBox, AnsibleVault: parseVault, Fernet: parseToken}[f]
	s, err := parse(data)
	if err != nil {
		return nil, err
	}
	if password == nil {
		return nil, ErrLocked
	}
	text, err := password()
	if err != nil {
		return nil, err
	}
	return s.open(text)
}

// box is a $NACL file: a nonce and a secretbox.
type box struct {
	nonce [naclNonce]byte
	text  []byte
}

func parseBox(data []byte) (sealed, error) {
	data = data[len(naclTag):]
	if len(data) < naclNonce+secretbox.Overhead {
		return nil, errShort
	}
	return box{nonce: [naclNonce]byte(data), text: data[naclNonce:]}, nil
}

func (b box) open(password string) ([]byte, error) {
	key, err := boxKey(password)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	plain, ok := secretbox.Open(nil, b.text, &b.nonce, (*[32]byte)(key))
	if !ok {
		return nil, ErrWrongPassword
	}
	return plain, nil
}

// The keys of passwords whose files have one salt for all, 32 bytes each. They are
// variables for the tests, which derive the key of a password once.
var (
	boxKey = func(password string) ([]byte, error) {
		secret := []byte(password)
		defer clear(secret)
		return argon2.Key(secret, naclSalt[:], naclPasses, naclKiB, naclLanes, 32), nil
	}
	tokenKey = func(password string) ([]byte, error) {
		return pbkdf2.Key(sha256.New, password, []byte(fernetSalt), fernetRounds, 32)
	}
)

func encrypt(plain []byte, password Password) ([]byte, error) {
	text, err := password()
	if err != nil {
		return nil, err
	}
	key, err := boxKey(text)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	var nonce [naclNonce]byte
	rand.Read(nonce[:]) // never fails
	return secretbox.Seal(append([]byte(naclTag), nonce[:]...), plain, &nonce, (*[32]byte)(key)), nil
}

// vault is an Ansible vault of version 1.1, or 1.2, which has a label more: a
// header, and under it, twice in hexadecimal, salt, HMAC and the text in AES-256
// counter mode.
type vault struct{ salt, mac, text []byte }

func parseVault(data []byte) (sealed, error) {
	header, rest, _ := bytes.Cut(bytes.TrimSpace(data), []byte("\n"))
	fields := bytes.Split(bytes.TrimSpace(header), []byte(";"))
	if len(fields) < 3 || string(fields[1]) != "1.1" && string(fields[1]) != "1.2" || string(fields[2]) != "AES256" {
		return nil, fmt.Errorf("%w: an Ansible vault that is not of version 1.1 or 1.2 with AES256: let ansible-vault rekey it", ErrUnsupported)
	}
	damaged := fmt.Errorf("%w: a damaged Ansible vault: is it complete?", ErrFormat)
	outer, err := hex.AppendDecode(nil, bytes.Join(bytes.Fields(rest), nil))
	if err != nil {
		return nil, damaged
	}
	parts := bytes.Split(outer, []byte("\n"))
	if len(parts) != 3 {
		return nil, damaged
	}
	for i, p := range parts {
		if parts[i], err = hex.AppendDecode(nil, p); err != nil {
			return nil, damaged
		}
	}
	v := vault{salt: parts[0], mac: parts[1], text: parts[2]}
	if len(v.salt) == 0 || len(v.mac) != sha256.Size || len(v.text) == 0 || len(v.text)%aes.BlockSize != 0 {
		return nil, damaged
	}
	return v, nil
}

func (v vault) open(password string) ([]byte, error) {
	key, err := pbkdf2.Key(sha256.New, password, v.salt, ansibleRounds, 80)
	if err != nil {
		return nil, fmt.Errorf("wallet: %w", err)
	}
	defer clear(key)
	if !authentic(key[32:64], v.mac, v.text) {
		return nil, ErrWrongPassword
	}
	block, err := aes.NewCipher(key[:32])
	if err != nil {
		return nil, fmt.Errorf("wallet: %w", err)
	}
	plain := make([]byte, len(v.text))
	cipher.NewCTR(block, key[64:]).XORKeyStream(plain, v.text)
	return unpad(plain)
}

// token is a Fernet token: version, time, initial vector and text in AES-128 CBC,
// all of which the HMAC covers.
type token struct{ signed, iv, text, mac []byte }

func parseToken(data []byte) (sealed, error) {
	raw, err := base64.URLEncoding.AppendDecode(nil, bytes.TrimSpace(data))
	if err != nil {
		return nil, fmt.Errorf("%w: a damaged Fernet token: is it complete?", ErrFormat)
	}
	const head = 1 + 8 + aes.BlockSize // version, time, initial vector
	if n := len(raw) - head - sha256.Size; n <= 0 || n%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: a damaged Fernet token: is it complete?", ErrFormat)
	}
	signed := raw[:len(raw)-sha256.Size]
	return token{signed: signed, iv: signed[9:head], text: signed[head:], mac: raw[len(signed):]}, nil
}

func (t token) open(password string) ([]byte, error) {
	key, err := tokenKey(password)
	if err != nil {
		return nil, fmt.Errorf("wallet: %w", err)
	}
	defer clear(key)
	if !authentic(key[:16], t.mac, t.signed) {
		return nil, ErrWrongPassword
	}
	block, err := aes.NewCipher(key[16:])
	if err != nil {
		return nil, fmt.Errorf("wallet: %w", err)
	}
	plain := make([]byte, len(t.text))
	cipher.NewCBCDecrypter(block, t.iv).CryptBlocks(plain, t.text)
	return unpad(plain)
}

// authentic compares an HMAC-SHA256 in constant time.
func authentic(key, mac, text []byte) bool {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return hmac.Equal(h.Sum(nil), mac)
}

// unpad takes off PKCS #7 padding. The text was authenticated before: what does not
// fit was written so.
func unpad(plain []byte) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize || !slices.Equal(plain[len(plain)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
		clear(plain)
		return nil, fmt.Errorf("%w: its padding is wrong", ErrFormat)
	}
	return plain[:len(plain)-n], nil
}
