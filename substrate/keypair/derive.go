package keypair

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
	"github.com/oasisprotocol/curve25519-voi/primitives/merlin"
	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/substrate/scale"
)

// junction is one derivation of a path.
type junction struct {
	code [32]byte // the chain code
	hard bool
}

// parsePath reads derivations such as "//hard/soft".
func parsePath(path string) ([]junction, error) {
	var js []junction
	for path != "" {
		rest, ok := strings.CutPrefix(path, "/")
		if !ok {
			return nil, fmt.Errorf("%w: derivations begin with / or //", ErrURI)
		}
		var j junction
		rest, j.hard = strings.CutPrefix(rest, "/")
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return nil, fmt.Errorf("%w: derivation %d has no name", ErrURI, len(js)+1)
		}
		j.code, path = chainCode(rest[:end]), rest[end:]
		js = append(js, j)
	}
	return js, nil
}

// chainCode returns what a name stands for: the SCALE encoding of a number (as
// Rust parses a u64: a sign + may come first) or of the text, with zeros up to 32
// bytes; hashed where it is longer (sp-core, DeriveJunction).
func chainCode(name string) (code [32]byte) {
	var b []byte
	if n, err := strconv.ParseUint(strings.TrimPrefix(name, "+"), 10, 64); err == nil {
		b = binary.LittleEndian.AppendUint64(nil, n)
	} else {
		b = scale.AppendByteString(nil, name)
	}
	if len(b) > len(code) {
		return blake2b.Sum256(b)
	}
	copy(code[:], b)
	return code
}

// derive returns the pair that a path leads to, p itself for none.
func (p *Pair) derive(path []junction) (*Pair, error) {
	for i, j := range path {
		next, err := p.step(j)
		if i > 0 {
			p.Wipe()
		}
		if err != nil {
			return nil, err
		}
		p = next
	}
	return p, nil
}

func (p *Pair) step(j junction) (*Pair, error) {
	switch {
	case p.scheme == Ed25519 && !j.hard:
		return nil, ErrSoft
	case p.scheme == Ed25519:
		// sp-core's ed25519: the hash of ("Ed25519HDKD", seed, chain code) in SCALE.
		b := scale.AppendByteString(nil, "Ed25519HDKD")
		b = append(append(b, p.hidden().seed[:]...), j.code[:]...)
		seed := blake2b.Sum256(b)
		clear(b)
		defer clear(seed[:])
		return FromSeed(Ed25519, seed[:])
	case j.hard:
		return p.hard(j.code)
	}
	return p.soft(j.code)
}

// hdkd is the transcript that schnorrkel's derivations begin with, for an empty
// message.
func hdkd() *merlin.Transcript {
	t := merlin.NewTranscript("SchnorrRistrettoHDKD")
	t.AppendMessage("sign-bytes", nil)
	return t
}

// hard is schnorrkel's hard_derive_mini_secret_key.
func (p *Pair) hard(code [32]byte) (*Pair, error) {
	t := hdkd()
	t.AppendMessage("chain-code", code[:])
	t.AppendMessage("secret-key", p.hidden().private[:32])
	var mini [32]byte
	t.ExtractBytes(mini[:], "HDKD-hard")
	defer clear(mini[:])
	return FromSeed(Sr25519, mini[:])
}

// soft is schnorrkel's derived_key_simple, but for the nonce, which schnorrkel
// draws at random: here it follows from the parent's secret, so that one path
// always gives one private key. It only has to be secret; the public key does not
// depend on it.
func (p *Pair) soft(code [32]byte) (*Pair, error) {
	t := hdkd()
	t.AppendMessage("chain-code", code[:])
	t.AppendMessage("public-key", p.account[:])
	var wide [64]byte
	t.ExtractBytes(wide[:], "HDKD-scalar")
	tweak, err := scalar.NewFromBytesModOrderWide(wide[:])
	if err != nil {
		return nil, fmt.Errorf("keypair: %w", err)
	}
	key, err := scalar.NewFromCanonicalBytes(p.hidden().private[:32])
	if err != nil {
		return nil, fmt.Errorf("%w: its scalar is not canonical", ErrKey)
	}
	key.Add(key, tweak)
	private := make([]byte, PrivateSize)
	defer clear(private)
	if err := key.ToBytes(private[:32]); err != nil {
		return nil, fmt.Errorf("keypair: %w", err)
	}
	key.Zero()
	t.AppendMessage("secret-key", p.hidden().private[:])
	t.ExtractBytes(private[32:], "HDKD-nonce")
	return FromPrivateKey(Sr25519, private)
}
