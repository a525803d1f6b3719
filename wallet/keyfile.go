package wallet

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"

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
	Raw                        // a bare mnemonic, seed or private key (before there was JSON)
	Unknown
)

var formats = [...]string{"none", "plain", "nacl", "ansible-vault", "fernet", "raw", "unknown"}

// String returns "none", "plain", "nacl", "ansible-vault", "fernet", "raw" or
// "unknown".
func (f Format) String() string {
	if int(f) < len(formats) {
		return formats[f]
	}
	return fmt.Sprintf("format %d", uint8(f))
}

// FormatOf tells the format of a keyfile's content by its first bytes, Raw by all
// of them. None is not among what it returns.
func FormatOf(data []byte) Format {
	switch text := bytes.TrimSpace(data); {
	case bytes.HasPrefix(data, []byte(naclTag)):
		return NaCl
	case bytes.HasPrefix(text, []byte(ansibleTag)):
		return AnsibleVault
	case bytes.HasPrefix(text, []byte(fernetTag)):
		return Fernet
	case bytes.HasPrefix(text, []byte("{")):
		return Plain
	case isDigits(text), isPhrase(text):
		return Raw
	}
	return Unknown
}

func errUnknown(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return fmt.Errorf("%w: it is empty", ErrFormat)
	}
	return fmt.Errorf("%w: it begins like none of the known formats", ErrFormat)
}

// ParseKey reads the content of a keyfile in any format that there is. The secret
// is the first of secretPhrase, secretSeed and privateKey whose account is the one
// that the file names, or the first of all where it names none. Password may be
// nil for files that are not encrypted.
//
// Opening a NaCl file takes 512 MiB of memory and some seconds, a Fernet one some
// seconds: so the formats have it.
//
// A bare 0x and 64 digits may be a seed or, in very old files, a public key. They
// are taken for a seed only where they cannot be a public key: else the error
// wraps ErrFormat.
func ParseKey(data []byte, password Password) (*keypair.Pair, error) {
	return parseKey(data, password, nil)
}

// parseKey is ParseKey for a file beside which another says whose it is.
func parseKey(data []byte, password Password, beside *ss58.AccountID) (*keypair.Pair, error) {
	switch f := FormatOf(data); f {
	case Plain:
		return parseSecret(data)
	case Raw:
		return parseRaw(data, beside, false)
	case NaCl, AnsibleVault, Fernet:
		plain, err := decrypt(f, data, password)
		if err != nil {
			return nil, err
		}
		defer clear(plain)
		switch FormatOf(plain) {
		case Plain:
			return parseSecret(plain)
		case Raw:
			return parseRaw(plain, beside, true)
		}
		return nil, fmt.Errorf("%w: the password opens it, but what it holds is no key", ErrFormat)
	default:
		return nil, errUnknown(data)
	}
}

// isDigits tells a bare seed, private key or public key. It decodes nothing: that
// would leave a secret behind.
func isDigits(text []byte) bool {
	digits := bytes.TrimPrefix(text, []byte("0x"))
	if n := len(digits); n != 2*keypair.SeedSize && n != 2*keypair.PrivateSize {
		return false
	}
	for _, c := range digits {
		if strings.IndexByte("0123456789abcdefABCDEF", c) < 0 {
			return false
		}
	}
	return true
}

// isPhrase tells a bare mnemonic. Whether its words are words, who reads it says.
func isPhrase(text []byte) bool {
	words := bytes.Fields(text)
	if n := len(words); n < 12 || n > 24 || n%3 != 0 {
		return false
	}
	for _, w := range words {
		for _, c := range w {
			if c < 'a' || c > 'z' {
				return false
			}
		}
	}
	return true
}

// parseRaw reads a file in the format Raw, all of which are of sr25519. Public keys
// were never encrypted.
func parseRaw(data []byte, beside *ss58.AccountID, encrypted bool) (*keypair.Pair, error) {
	text := bytes.TrimSpace(data)
	if !isDigits(text) {
		return keypair.FromMnemonic(keypair.Sr25519, string(text))
	}
	digits := bytes.TrimPrefix(text, []byte("0x"))
	b := make([]byte, hex.DecodedLen(len(digits)))
	defer clear(b)
	if _, err := hex.Decode(b, digits); err != nil { // its text holds a digit
		return nil, fmt.Errorf("%w: digits that are not hexadecimal", ErrFormat)
	}
	if len(b) == keypair.PrivateSize {
		return keypair.FromPrivateKey(keypair.Sr25519, b)
	}
	if beside != nil && *beside == ss58.AccountID(b) {
		return nil, fmt.Errorf("%w: it is the public key that the file beside it names", ErrNoSecret)
	}
	// The bytes of which an account can be made are one in 16. The error does not say
	// which account: they may be a seed.
	if beside == nil && !encrypted {
		if _, err := sr25519.NewPublicKeyFromBytes(b); err == nil {
			return nil, fmt.Errorf("%w: its 32 bytes can be a seed or a public key: write the account's address into the file of the same name that ends in %s", ErrFormat, pubSuffix)
		}
	}
	return keypair.FromSeed(keypair.Sr25519, b)
}

// ParsePublic reads which account a file is of: the content of a pub.txt file, or
// of a plain keyfile. Very old pub.txt files hold nothing but a public key in
// hexadecimal: so bare digits are one here.
func ParsePublic(data []byte) (ss58.AccountID, error) {
	id, _, err := parsePublic(data)
	return id, err
}

// parsePublic is ParsePublic with the kind of key, sr25519 where it is not said.
func parsePublic(data []byte) (ss58.AccountID, keypair.Scheme, error) {
	of := func(p *keypair.Pair, err error) (ss58.AccountID, keypair.Scheme, error) {
		if err != nil {
			return ss58.AccountID{}, 0, err
		}
		p.Wipe()
		return p.Account(), p.Scheme(), nil
	}
	if text := bytes.TrimSpace(data); isPhrase(text) || len(text) >= 2*keypair.PrivateSize && isDigits(text) {
		return of(parseRaw(data, nil, false))
	}
	if FormatOf(data) != Plain {
		id, err := ss58.Parse(string(bytes.TrimSpace(data[:min(len(data), 100)])))
		if err != nil { // its text holds the data, which may be anything
			return id, 0, errUnknown(data)
		}
		return id, keypair.Sr25519, nil
	}
	d, err := parseDocument(data)
	if err != nil {
		return ss58.AccountID{}, 0, err
	}
	defer d.wipe()
	id, err := d.account()
	if err != nil {
		return ss58.AccountID{}, 0, err
	}
	if id == nil {
		return of(d.secret(nil))
	}
	scheme, err := d.scheme()
	if err != nil { // whose it is can be told all the same
		scheme = keypair.Sr25519
	}
	return *id, scheme, nil
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
	return d.secret(named)
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
	if d["encoded"] != nil && d["encoding"] != nil {
		return nil, fmt.Errorf("%w: it is an export of polkadot.js or a mobile app: make the key of its mnemonic, or let btcli wallet regen-coldkey --json read it", ErrUnsupported)
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

// bytes returns bytes that are written in hexadecimal, as many as one of the sizes
// says, nil where they are missing.
func (d document) bytes(name string, sizes ...int) ([]byte, error) {
	text, err := d.text(name)
	if text == nil || err != nil {
		return nil, err
	}
	digits := bytes.TrimPrefix(text, []byte("0x"))
	b := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(b, digits); err != nil || !slices.Contains(sizes, len(b)) {
		clear(b)
		return nil, fmt.Errorf("%w: %s is not %d bytes in hexadecimal", ErrFormat, name, sizes[0])
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
	switch v := strings.TrimSpace(strings.Trim(string(d["cryptoType"]), `"`)); v {
	case "", "null", "1":
		return keypair.Sr25519, nil
	case "0":
		return keypair.Ed25519, nil
	}
	return 0, fmt.Errorf("%w: its cryptoType is neither sr25519 (1) nor ed25519 (0), the kinds that bt signs with", ErrUnsupported)
}

// secret returns the pair of the account that the document names, or of its first
// secret where it names none. Which one that is changed with the SDK: 6 and 7 read
// the seed first, all others the phrase; some files lack cryptoType or have the
// wrong one. The account that is named settles it.
func (d document) secret(named *ss58.AccountID) (*keypair.Pair, error) {
	scheme, err := d.scheme()
	if err != nil {
		return nil, err
	}
	schemes := []keypair.Scheme{scheme, keypair.Sr25519 + keypair.Ed25519 - scheme}
	var first error
	for _, scheme := range schemes {
		for _, read := range []func(keypair.Scheme) (*keypair.Pair, error){d.phrase, d.seed, d.private} {
			p, err := read(scheme)
			switch {
			case err == nil && p == nil:
				continue
			case named == nil:
				return p, err
			case err == nil && p.Account() == *named:
				return p, nil
			case err == nil:
				err = fmt.Errorf("%w: its secret is of %s, but it names %s", ErrMismatch, p.Account(), named)
				p.Wipe()
			}
			if first == nil {
				first = err
			}
		}
	}
	if first == nil {
		first = ErrNoSecret
	}
	return nil, first
}

// phrase returns the pair of secretPhrase, nil where there is none.
func (d document) phrase(scheme keypair.Scheme) (*keypair.Pair, error) {
	phrase, err := d.text("secretPhrase")
	if phrase == nil || err != nil {
		return nil, err
	}
	p, err := keypair.FromMnemonic(scheme, string(phrase))
	if err != nil {
		return nil, fmt.Errorf("secretPhrase: %w", err)
	}
	return p, nil
}

// seed returns the pair of secretSeed, nil where there is none. btwallet writes a
// seed that happens to be UTF-8 as text instead of hexadecimal: those files are
// opened by their privateKey.
func (d document) seed(scheme keypair.Scheme) (*keypair.Pair, error) {
	b, err := d.bytes("secretSeed", keypair.SeedSize)
	if b == nil || err != nil {
		return nil, err
	}
	defer clear(b)
	p, err := keypair.FromSeed(scheme, b)
	if err != nil {
		return nil, fmt.Errorf("secretSeed: %w", err)
	}
	return p, nil
}

// private returns the pair of privateKey, nil where there is none. btwallet's
// private key of ed25519 is the seed alone.
func (d document) private(scheme keypair.Scheme) (*keypair.Pair, error) {
	sizes := []int{keypair.PrivateSize}
	if scheme == keypair.Ed25519 {
		sizes = append(sizes, keypair.SeedSize)
	}
	b, err := d.bytes("privateKey", sizes...)
	if b == nil || err != nil {
		return nil, err
	}
	defer clear(b)
	read := keypair.FromPrivateKey
	if len(b) == keypair.SeedSize {
		read = keypair.FromSeed
	}
	p, err := read(scheme, b)
	if err != nil {
		return nil, fmt.Errorf("privateKey: %w", err)
	}
	return p, nil
}

// PublicFile returns what a pub.txt file of an account holds, field by field as
// btwallet 4 writes it.
func PublicFile(account ss58.AccountID, scheme keypair.Scheme) []byte {
	return append(appendPublic(nil, account, scheme), '}')
}

func appendPublic(b []byte, id ss58.AccountID, scheme keypair.Scheme) []byte {
	b = appendHex(append(b, `{"accountId":`...), id[:])
	b = appendHex(append(b, `,"publicKey":`...), id[:])
	b = fmt.Appendf(b, `,"ss58Address":"%s","cryptoType":`, id)
	if scheme == keypair.Ed25519 {
		return append(b, '0')
	}
	return append(b, '1')
}

func appendHex(b, bytes []byte) []byte {
	return append(hex.AppendEncode(append(b, `"0x`...), bytes), '"')
}

// maxSecret is more than secretFile writes: 24 words of at most 8 letters, and the
// digits of five values.
const maxSecret = 1 << 10

// secretFile encodes a pair, with its mnemonic if it has one. It is put together
// here in one buffer, which the caller can wipe: encoding/json keeps copies.
func secretFile(p *keypair.Pair, mnemonic string) ([]byte, error) {
	private, err := p.PrivateKey()
	if err != nil {
		return nil, err
	}
	defer clear(private)
	b := appendPublic(make([]byte, 0, maxSecret), p.Account(), p.Scheme())
	size := keypair.PrivateSize
	if p.Scheme() == keypair.Ed25519 { // btwallet's is the seed alone
		size = keypair.SeedSize
	}
	b = appendHex(append(b, `,"privateKey":`...), private[:size])
	if mnemonic != "" { // letters and blanks
		b = append(append(append(b, `,"secretPhrase":"`...), mnemonic...), '"')
	}
	if seed, ok := p.Seed(); ok {
		b = appendHex(append(b, `,"secretSeed":`...), seed)
		clear(seed)
	}
	return append(b, '}'), nil
}
