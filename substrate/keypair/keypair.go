// Package keypair makes, derives and uses the keys that sign for accounts:
// sr25519 (schnorrkel) and ed25519 as Substrate chains have them.
//
// A key comes from a BIP39 mnemonic by Substrate's own rule (the seed is drawn
// from the mnemonic's entropy, not from its text), from a 32-byte seed, from a
// private key, or from a secret URI: any of these followed by derivations,
// //hard and /soft, and a ///password.
//
// Secrets are never part of an error or of what fmt or encoding/json print.
// [Pair.Wipe] overwrites a pair's secret; copies that the garbage collector or
// the libraries below make cannot be reached.
package keypair

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"

	"github.com/bittensor-go/bt/substrate/ss58"
)

// Scheme is a kind of signature.
type Scheme uint8

// The schemes. Sr25519 is what Bittensor's wallets hold.
const (
	Sr25519 Scheme = iota
	Ed25519
)

// String returns "sr25519" or "ed25519".
func (s Scheme) String() string {
	switch s {
	case Sr25519:
		return "sr25519"
	case Ed25519:
		return "ed25519"
	}
	return fmt.Sprintf("scheme %d", uint8(s))
}

var (
	// ErrWiped is returned by a pair whose secret was wiped.
	ErrWiped = errors.New("keypair: the secret was wiped")
	// ErrSoft is returned for a soft derivation of an ed25519 key: there is none.
	ErrSoft = errors.New("keypair: ed25519 keys have no soft derivation: write //name instead of /name")
	// ErrMnemonic is returned for words that are no mnemonic.
	ErrMnemonic = errors.New("keypair: this is no mnemonic")
	// ErrKey is returned for bytes that are no seed or no private key.
	ErrKey = errors.New("keypair: this is no key")
	// ErrURI is returned for text that is no secret URI.
	ErrURI = errors.New("keypair: this is no secret URI")
)

// SeedSize and PrivateSize are the lengths of a seed and of a private key in
// bytes.
const (
	SeedSize    = 32
	PrivateSize = 64
)

// Pair is a private key and the account it signs for. Copies share the secret
// and are wiped together. Its methods may be called from several goroutines, but
// Wipe must be the last of them.
type Pair struct {
	scheme  Scheme
	account ss58.AccountID
	// hidden returns the secret. fmt prints functions as addresses; a pointer it
	// follows where the verb does not fit.
	hidden func() *secret
}

type secret struct {
	// private is scalar and nonce (schnorrkel's canonical form) for sr25519, seed
	// and public key for ed25519.
	private [PrivateSize]byte
	seed    [SeedSize]byte
	seeded  bool // seed is what private was made of
	wiped   bool
}

// FromSeed makes the pair of a 32-byte seed, which sp-core calls mini-secret for
// sr25519 and expands the ed25519 way. The error wraps ErrKey.
func FromSeed(scheme Scheme, seed []byte) (*Pair, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("%w: a seed has %d bytes, not %d", ErrKey, SeedSize, len(seed))
	}
	s := &secret{seeded: true}
	copy(s.seed[:], seed)
	switch scheme {
	case Sr25519:
		mini, err := sr25519.NewMiniSecretKeyFromBytes(seed)
		if err != nil {
			return nil, fmt.Errorf("%w: a seed that the library refuses", ErrKey)
		}
		private, err := mini.ExpandEd25519().MarshalBinary()
		clear(mini[:])
		if err != nil {
			return nil, fmt.Errorf("%w: a seed that does not expand", ErrKey)
		}
		copy(s.private[:], private)
		clear(private)
	case Ed25519:
		private := ed25519.NewKeyFromSeed(seed)
		copy(s.private[:], private)
		clear(private)
	default:
		return nil, fmt.Errorf("%w: %v is not known", ErrKey, scheme)
	}
	return newPair(scheme, s)
}

// FromPrivateKey makes the pair of a 64-byte private key. For sr25519 that is
// scalar and nonce as schnorrkel writes them and keyfiles hold them; the form
// with an ed25519 scalar (that of polkadot.js's exports) is told apart from it
// and taken too. For ed25519 it is seed and public key. The error wraps ErrKey.
func FromPrivateKey(scheme Scheme, private []byte) (*Pair, error) {
	if len(private) != PrivateSize {
		return nil, fmt.Errorf("%w: a private key has %d bytes, not %d", ErrKey, PrivateSize, len(private))
	}
	s := new(secret)
	switch scheme {
	case Sr25519:
		// A canonical scalar is below 2^253, an ed25519 one at least 2^254: no key
		// can be read both ways.
		key, err := sr25519.NewSecretKeyFromBytes(private)
		if err != nil {
			if key, err = sr25519.NewSecretKeyFromEd25519Bytes(private); err != nil {
				return nil, fmt.Errorf("%w: its first half is no sr25519 scalar", ErrKey)
			}
		}
		canonical, err := key.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("%w: its first half is no sr25519 scalar", ErrKey)
		}
		copy(s.private[:], canonical)
		clear(canonical)
	case Ed25519:
		p, err := FromSeed(scheme, private[:SeedSize])
		if err != nil {
			return nil, err
		}
		if string(p.account[:]) != string(private[SeedSize:]) {
			p.Wipe()
			return nil, fmt.Errorf("%w: its second half is not the ed25519 public key of the first", ErrKey)
		}
		return p, nil
	default:
		return nil, fmt.Errorf("%w: %v is not known", ErrKey, scheme)
	}
	return newPair(scheme, s)
}

// newPair finds the account of a secret.
func newPair(scheme Scheme, s *secret) (*Pair, error) {
	p := &Pair{scheme: scheme, hidden: func() *secret { return s }}
	if scheme == Ed25519 {
		copy(p.account[:], s.private[SeedSize:])
		return p, nil
	}
	key, err := sr25519.NewSecretKeyFromBytes(s.private[:])
	if err != nil {
		return nil, fmt.Errorf("%w: its scalar is not canonical", ErrKey)
	}
	public, err := key.PublicKey().MarshalBinary()
	if err != nil || len(public) != len(p.account) {
		return nil, fmt.Errorf("%w: it has no public key", ErrKey)
	}
	copy(p.account[:], public)
	if p.account == (ss58.AccountID{}) { // the identity: anyone can sign for it
		return nil, fmt.Errorf("%w: its scalar is zero", ErrKey)
	}
	return p, nil
}

// Account returns the public key.
func (p *Pair) Account() ss58.AccountID { return p.account }

// Scheme returns the kind of signature that the pair makes.
func (p *Pair) Scheme() Scheme { return p.scheme }

// context is the signing context of all Substrate chains.
const context = "substrate"

// Sign signs a message: for sr25519 in the context "substrate", with randomness
// (two signatures of one message differ); for ed25519 as RFC 8032 has it. The
// error wraps ErrWiped after Wipe.
func (p *Pair) Sign(message []byte) (signature [64]byte, err error) {
	private, err := p.private()
	if err != nil {
		return signature, err
	}
	if p.scheme == Ed25519 {
		copy(signature[:], ed25519.Sign(private, message))
		return signature, nil
	}
	key, err := sr25519.NewSecretKeyFromBytes(private)
	if err != nil {
		return signature, fmt.Errorf("%w: its scalar is not canonical", ErrKey)
	}
	transcript := sr25519.NewSigningContext([]byte(context)).NewTranscriptBytes(message)
	s, err := key.KeyPair().Sign(nil, transcript)
	if err != nil {
		return signature, fmt.Errorf("sr25519: %w", err)
	}
	b, err := s.MarshalBinary()
	if err != nil {
		return signature, fmt.Errorf("sr25519: %w", err)
	}
	copy(signature[:], b)
	return signature, nil
}

// Verify reports whether an account signed a message.
func Verify(scheme Scheme, account ss58.AccountID, message []byte, signature [64]byte) bool {
	switch scheme {
	case Sr25519:
		public, err := sr25519.NewPublicKeyFromBytes(account[:])
		if err != nil {
			return false
		}
		s, err := sr25519.NewSignatureFromBytes(signature[:])
		if err != nil {
			return false
		}
		return public.Verify(sr25519.NewSigningContext([]byte(context)).NewTranscriptBytes(message), s)
	case Ed25519:
		return ed25519.Verify(account[:], message, signature[:])
	}
	return false
}

// Seed returns a copy of the seed, to be wiped by the caller, and whether the
// pair has one: pairs made from private keys and by soft derivation have none.
func (p *Pair) Seed() (seed []byte, ok bool) {
	if _, err := p.private(); err != nil || !p.hidden().seeded {
		return nil, false
	}
	return bytes.Clone(p.hidden().seed[:]), true
}

// PrivateKey returns a copy of the 64 bytes that FromPrivateKey takes, to be
// wiped by the caller. The error is ErrWiped after Wipe.
func (p *Pair) PrivateKey() ([]byte, error) {
	private, err := p.private()
	return bytes.Clone(private), err
}

// private returns the 64 bytes themselves.
func (p *Pair) private() ([]byte, error) {
	if p.hidden == nil || p.hidden().wiped {
		return nil, ErrWiped
	}
	return p.hidden().private[:], nil
}

// Wipe overwrites the secret. The account stays known; Sign returns ErrWiped.
func (p *Pair) Wipe() {
	if p.hidden != nil {
		*p.hidden() = secret{wiped: true}
	}
}

// String returns the address.
func (p Pair) String() string { return p.account.String() }

// Format writes the address whatever the verb, never the secret.
func (p Pair) Format(f fmt.State, _ rune) {
	io.WriteString(f, p.account.String()) //nolint:errcheck // fmt has nowhere to report it
}

// MarshalText returns the address, so that JSON holds it and nothing else.
func (p Pair) MarshalText() ([]byte, error) { return p.account.MarshalText() }

// LogValue returns the address.
func (p Pair) LogValue() slog.Value { return slog.StringValue(p.account.String()) }
