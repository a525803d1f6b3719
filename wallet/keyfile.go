package wallet

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/nacl/secretbox"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// Format is how a file keeps its secret.
type Format uint8

// The formats that there are.
const (
	None         Format = iota // there is no file
	Plain                      // JSON
	NaCl                       // "$NACL": argon2i and XSalsa20-Poly1305 (SDK 6 on)
	AnsibleVault               // "$ANSIBLE_VAULT" (SDK 2 to 5)
	Fernet                     // "gAAAAA" (older)
	Unknown
)

var formats = [...]string{"none", "plain", "nacl", "ansible-vault", "fernet", "unknown"}

// String returns "none", "plain", "nacl", "ansible-vault", "fernet" or "unknown".
func (f Format) String() string {
	if int(f) < len(formats) {
		return formats[f]
	}
	return fmt.Sprintf("format %d", uint8(f))
}

const (
	naclTag    = "$NACL"
	ansibleTag = "$ANSIBLE_VAULT"
	fernetTag  = "gAAAAA"
)

// FormatOf tells the format of a keyfile's content by its first bytes. None is
// not among what it returns.
func FormatOf(data []byte) Format {
	switch text := bytes.TrimLeft(data, " \t\r\n"); {
	case bytes.HasPrefix(data, []byte(naclTag)):
		return NaCl
	case bytes.HasPrefix(text, []byte(ansibleTag)):
		return AnsibleVault
	case bytes.HasPrefix(text, []byte(fernetTag)):
		return Fernet
	case bytes.HasPrefix(text, []byte("{")):
		return Plain
	}
	return Unknown
}

func errUnknown(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return fmt.Errorf("%w: it is empty", ErrFormat)
	}
	return fmt.Errorf("%w: it begins like none of the known formats", ErrFormat)
}

// ParseKey reads the content of a keyfile: plain, or encrypted as $NACL. The
// secret is taken from the first of secretPhrase, secretSeed and privateKey that
// is there, and must be that of the account which the file names, if it names
// one. Password may be nil for plain files.
//
// Opening an encrypted file takes 512 MiB of memory and some seconds: so the
// format has it.
func ParseKey(data []byte, password Password) (*keypair.Pair, error) {
	switch f := FormatOf(data); f {
	case Plain:
		return parseSecret(data)
	case NaCl:
		plain, err := decrypt(data, password)
		if err != nil {
			return nil, err
		}
		defer clear(plain)
		return parseSecret(plain)
	case AnsibleVault, Fernet:
		return nil, fmt.Errorf("%w (%s): let btcli wallet update of bittensor 6 or 7 re-encrypt it, or make the key anew from its mnemonic", ErrUnsupported, f)
	default:
		return nil, errUnknown(data)
	}
}

// ParsePublic reads which account a file is of: the content of a pub.txt file, or
// of a plain keyfile. Very old files hold nothing but a public key in hexadecimal.
func ParsePublic(data []byte) (ss58.AccountID, error) {
	if FormatOf(data) != Plain {
		id, err := ss58.Parse(string(bytes.TrimSpace(data[:min(len(data), 100)])))
		if err != nil { // its text holds the data, which may be anything
			return id, errUnknown(data)
		}
		return id, nil
	}
	d, err := parseDocument(data)
	if err != nil {
		return ss58.AccountID{}, err
	}
	defer d.wipe()
	id, err := d.account()
	if err != nil {
		return ss58.AccountID{}, err
	}
	if id != nil {
		return *id, nil
	}
	p, err := d.secret()
	if err != nil {
		return ss58.AccountID{}, err
	}
	p.Wipe()
	return p.Account(), nil
}

func parseSecret(data []byte) (*keypair.Pair, error) {
	d, err := parseDocument(data)
	if err != nil {
		return nil, err
	}
	defer d.wipe()
	named, err := d.account()
	if err != nil {
		return nil, err
	}
	p, err := d.secret()
	if err != nil {
		return nil, err
	}
	if own := p.Account(); named != nil && own != *named {
		p.Wipe()
		return nil, fmt.Errorf("%w: its secret is of %s, but it names %s", ErrMismatch, own, named)
	}
	return p, nil
}

// document is the JSON of a keyfile. All values but cryptoType are strings or
// null; the SDK writes the keys in any order.
type document map[string]json.RawMessage

func parseDocument(data []byte) (document, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		d.wipe()
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) { // only the place: its text repeats the file's
			return nil, fmt.Errorf("%w: no JSON from byte %d on: is it complete?", ErrFormat, syntax.Offset)
		}
		return nil, fmt.Errorf("%w: not a JSON object", ErrFormat)
	}
	return d, nil
}

func (d document) wipe() {
	for _, v := range d {
		clear(v)
	}
}

// text returns a string of the document, nil where it is missing, null or empty.
// It shares memory with the document where it has no escapes.
func (d document) text(name string) ([]byte, error) {
	v, ok := d[name]
	if !ok || string(v) == "null" || string(v) == `""` {
		return nil, nil
	}
	if len(v) < 2 || v[0] != '"' {
		return nil, fmt.Errorf("%w: %s is no string", ErrFormat, name)
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1], nil
	}
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return nil, fmt.Errorf("%w: %s is no string", ErrFormat, name)
	}
	return []byte(s), nil
}

// bytes returns n bytes that are written in hexadecimal, nil where they are
// missing.
func (d document) bytes(name string, n int) ([]byte, error) {
	text, err := d.text(name)
	if text == nil || err != nil {
		return nil, err
	}
	digits := bytes.TrimPrefix(text, []byte("0x"))
	b := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(b, digits); err != nil || len(b) != n {
		clear(b)
		return nil, fmt.Errorf("%w: %s is not %d bytes in hexadecimal", ErrFormat, name, n)
	}
	return b, nil
}

// account returns the account that the document names, nil for none.
func (d document) account() (*ss58.AccountID, error) {
	var named *ss58.AccountID
	agree := func(id ss58.AccountID) error {
		if named != nil && *named != id {
			return fmt.Errorf("%w: it names %s and %s", ErrMismatch, named, id)
		}
		named = &id
		return nil
	}
	for _, name := range []string{"accountId", "publicKey"} {
		b, err := d.bytes(name, len(ss58.AccountID{}))
		if err != nil {
			return nil, err
		}
		if b != nil {
			if err := agree(ss58.AccountID(b)); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range []string{"ss58Address", " ss58Address"} { // some files have the space
		text, err := d.text(name)
		if err != nil {
			return nil, err
		}
		if text == nil {
			continue
		}
		id, _, err := ss58.Decode(string(text))
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrFormat, strings.TrimSpace(name), err)
		}
		if err := agree(id); err != nil {
			return nil, err
		}
	}
	return named, nil
}

// scheme reads cryptoType, a number or the text of one: substrate-interface's
// KeypairType. Files without it are of sr25519.
func (d document) scheme() (keypair.Scheme, error) {
	switch v := strings.Trim(string(d["cryptoType"]), `"`); v {
	case "", "null", "1":
		return keypair.Sr25519, nil
	case "0":
		return keypair.Ed25519, nil
	}
	return 0, fmt.Errorf("%w: its cryptoType is neither sr25519 (1) nor ed25519 (0)", ErrFormat)
}

// secret returns the pair of the first secret that the document has.
func (d document) secret() (*keypair.Pair, error) {
	scheme, err := d.scheme()
	if err != nil {
		return nil, err
	}
	phrase, err := d.text("secretPhrase")
	if err != nil {
		return nil, err
	}
	if phrase != nil {
		p, err := keypair.FromMnemonic(scheme, string(phrase))
		if err != nil {
			return nil, fmt.Errorf("secretPhrase: %w", err)
		}
		return p, nil
	}
	for _, form := range []struct {
		name string
		size int
		make func(keypair.Scheme, []byte) (*keypair.Pair, error)
	}{
		{"secretSeed", keypair.SeedSize, keypair.FromSeed},
		{"privateKey", keypair.PrivateSize, keypair.FromPrivateKey},
	} {
		b, err := d.bytes(form.name, form.size)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		p, err := form.make(scheme, b)
		clear(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", form.name, err)
		}
		return p, nil
	}
	return nil, ErrNoSecret
}

// keyfile is what a file of this package holds, field by field as btwallet 4
// writes it.
type keyfile struct {
	AccountID    string `json:"accountId"`
	PublicKey    string `json:"publicKey"`
	PrivateKey   string `json:"privateKey,omitempty"`
	SecretPhrase string `json:"secretPhrase,omitempty"`
	SecretSeed   string `json:"secretSeed,omitempty"`
	SS58Address  string `json:"ss58Address"`
	CryptoType   int    `json:"cryptoType"`
}

func publicFile(id ss58.AccountID) keyfile {
	public := "0x" + hex.EncodeToString(id[:])
	return keyfile{AccountID: public, PublicKey: public, SS58Address: id.String(), CryptoType: 1}
}

// secretFile encodes an sr25519 pair with its mnemonic.
func secretFile(p *keypair.Pair, mnemonic string) ([]byte, error) {
	k := publicFile(p.Account())
	private, err := p.PrivateKey()
	if err != nil {
		return nil, err
	}
	defer clear(private)
	k.PrivateKey = "0x" + hex.EncodeToString(private)
	if seed, ok := p.Seed(); ok {
		k.SecretSeed = "0x" + hex.EncodeToString(seed)
		clear(seed)
	}
	k.SecretPhrase = mnemonic
	return json.Marshal(k)
}

// The parameters of $NACL: libsodium's argon2i (version 1.3) with opslimit and
// memlimit SENSITIVE, one lane, and a salt that the SDK fixed for all files.
const (
	naclPasses = 8
	naclKiB    = 512 << 10
	naclLanes  = 1
	naclNonce  = 24
)

var naclSalt = [16]byte{0x13, 0x71, 0x83, 0xdf, 0xf1, 0x5a, 0x09, 0xbc, 0x9c, 0x90, 0xb5, 0x51, 0x87, 0x39, 0xe9, 0xb1}

// boxKey asks for the password and stretches it.
func boxKey(password Password) (*[32]byte, error) {
	if password == nil {
		return nil, ErrLocked
	}
	text, err := password()
	if err != nil {
		return nil, err
	}
	secret := []byte(text)
	defer clear(secret)
	return (*[32]byte)(argon2.Key(secret, naclSalt[:], naclPasses, naclKiB, naclLanes, 32)), nil
}

// decrypt opens the content of a $NACL file: the tag, a nonce and a secretbox.
func decrypt(data []byte, password Password) ([]byte, error) {
	box := data[len(naclTag):]
	if len(box) < naclNonce+secretbox.Overhead {
		return nil, fmt.Errorf("%w: it ends early", ErrFormat)
	}
	key, err := boxKey(password)
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	plain, ok := secretbox.Open(nil, box[naclNonce:], (*[naclNonce]byte)(box), key)
	if !ok {
		return nil, ErrWrongPassword
	}
	return plain, nil
}

func encrypt(plain []byte, password Password) ([]byte, error) {
	key, err := boxKey(password)
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	var nonce [naclNonce]byte
	rand.Read(nonce[:]) // never fails
	return secretbox.Seal(append([]byte(naclTag), nonce[:]...), plain, &nonce, key), nil
}
