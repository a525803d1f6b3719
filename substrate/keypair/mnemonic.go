package keypair

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/tyler-smith/go-bip39"
)

// DevPhrase is the mnemonic of development keys: //Alice is derived from it. The
// whole world knows it.
const DevPhrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"

// NewMnemonic returns a random English mnemonic of 12, 15, 18, 21 or 24 words.
func NewMnemonic(words int) (string, error) {
	if words < 12 || words > 24 || words%3 != 0 {
		return "", fmt.Errorf("%w: %d words; there are mnemonics of 12, 15, 18, 21 and 24", ErrMnemonic, words)
	}
	entropy, err := bip39.NewEntropy(words / 3 * 32)
	if err != nil {
		return "", fmt.Errorf("keypair: %w", err)
	}
	defer clear(entropy)
	phrase, err := bip39.NewMnemonic(entropy)
	if err != nil {
		return "", fmt.Errorf("keypair: %w", err)
	}
	return phrase, nil
}

// FromMnemonic makes the pair of an English BIP39 mnemonic without a password.
// The error wraps ErrMnemonic; it names the place of a wrong word, not the word.
func FromMnemonic(scheme Scheme, phrase string) (*Pair, error) {
	return fromMnemonic(scheme, phrase, "")
}

func fromMnemonic(scheme Scheme, phrase, password string) (*Pair, error) {
	entropy, err := entropyOf(phrase)
	if err != nil {
		return nil, err
	}
	defer clear(entropy)
	// substrate-bip39: the key stretching of BIP39, but over the entropy.
	stretched, err := pbkdf2.Key(sha512.New, string(entropy), []byte("mnemonic"+password), 2048, sha512.Size)
	if err != nil {
		return nil, fmt.Errorf("keypair: %w", err)
	}
	defer clear(stretched)
	return FromSeed(scheme, stretched[:SeedSize])
}

// entropyOf reads a mnemonic. What go-bip39 says of a bad one is not passed on:
// it repeats words.
func entropyOf(phrase string) ([]byte, error) {
	words := strings.Fields(phrase)
	if n := len(words); n < 12 || n > 24 || n%3 != 0 {
		return nil, fmt.Errorf("%w: it has %d words; there are mnemonics of 12, 15, 18, 21 and 24", ErrMnemonic, n)
	}
	for i, w := range words {
		if _, ok := bip39.GetWordIndex(w); !ok {
			return nil, fmt.Errorf("%w: word %d is not in the English list of BIP39 (all lower case)", ErrMnemonic, i+1)
		}
	}
	entropy, err := bip39.EntropyFromMnemonic(strings.Join(words, " "))
	if err != nil {
		return nil, fmt.Errorf("%w: its checksum is wrong, a word or their order is not right", ErrMnemonic)
	}
	return entropy, nil
}

// FromURI makes the pair of a secret URI:
//
//	[mnemonic or 0xseed][//hard or /soft ...][///password]
//
// Without a mnemonic or seed the derivations start from [DevPhrase]: "//Alice".
// A seed is 64 hexadecimal digits; 128 are a private key. The errors wrap ErrURI,
// ErrMnemonic, ErrKey or ErrSoft and repeat nothing of the text.
func FromURI(scheme Scheme, uri string) (*Pair, error) {
	uri, password, hasPassword := strings.Cut(uri, "///")
	base, path := uri, ""
	if i := strings.IndexByte(uri, '/'); i >= 0 {
		base, path = uri[:i], uri[i:]
	}
	junctions, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	var root *Pair
	digits, isHex := strings.CutPrefix(base, "0x")
	switch {
	case isHex && hasPassword:
		return nil, fmt.Errorf("%w: a password has no effect on a seed: leave it out", ErrURI)
	case isHex:
		root, err = fromHex(scheme, digits)
	case base == "":
		root, err = fromMnemonic(scheme, DevPhrase, password)
	default:
		root, err = fromMnemonic(scheme, base, password)
	}
	if err != nil {
		return nil, err
	}
	p, err := root.derive(junctions)
	if p != root {
		root.Wipe()
	}
	return p, err
}

func fromHex(scheme Scheme, digits string) (*Pair, error) {
	b, err := hex.DecodeString(digits)
	if err != nil { // its text holds a digit
		return nil, fmt.Errorf("%w: what follows 0x is not all hexadecimal digits", ErrURI)
	}
	defer clear(b)
	if len(b) == PrivateSize {
		return FromPrivateKey(scheme, b)
	}
	return FromSeed(scheme, b)
}
