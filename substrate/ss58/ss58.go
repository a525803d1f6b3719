// Package ss58 turns account ids into the text that people handle and back.
//
// The format is SS58 as the Substrate registry describes it: a network prefix,
// the 32 bytes of the account, two bytes of a BLAKE2b-512 checksum over
// "SS58PRE" and both, in base 58.
package ss58

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/blake2b"
)

// Prefix is the address prefix of Bittensor, and of Substrate chains in general.
const Prefix = 42

// ErrAddress reports text that is no address.
var ErrAddress = errors.New("no SS58 address")

// AccountID is the public key of an account, or whatever else a chain identifies
// an account by.
type AccountID [32]byte

// String returns the address with Bittensor's prefix: 48 characters that begin
// with 5.
func (a AccountID) String() string { return Encode(a, Prefix) }

// MarshalText returns the address.
func (a AccountID) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an address as Parse does.
func (a *AccountID) UnmarshalText(text []byte) error {
	id, err := Parse(string(text))
	if err != nil {
		return err
	}
	*a = id
	return nil
}

// Parse reads an address with Bittensor's prefix, or a public key in hexadecimal
// with 0x before it. An address of another network is refused: who pastes one
// has probably taken the wrong line.
func Parse(s string) (AccountID, error) {
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		b, err := hex.DecodeString(digits)
		if err != nil || len(b) != len(AccountID{}) {
			return AccountID{}, fmt.Errorf("%w: %q is no public key: 0x and 64 hexadecimal digits are", ErrAddress, s)
		}
		return AccountID(b), nil
	}
	id, prefix, err := Decode(s)
	if err == nil && prefix != Prefix {
		err = fmt.Errorf("%w of Bittensor: %q has prefix %d, not %d", ErrAddress, s, prefix, Prefix)
	}
	if err != nil {
		return AccountID{}, err
	}
	return id, nil
}

// Encode returns the address of an account under a network prefix, 0 to 16383.
// Higher bits of the prefix are dropped.
func Encode(id AccountID, prefix uint16) string {
	prefix &= 1<<14 - 1
	var buf []byte
	if prefix < 64 {
		buf = append(buf, byte(prefix))
	} else {
		// 14 bits in the order of the registry's text: 01 with bits 2 to 7, then
		// bits 0 and 1 above bits 8 to 13.
		buf = append(buf, 0x40|byte(prefix&0xfc)>>2, byte(prefix>>8)|byte(prefix&3)<<6)
	}
	buf = append(buf, id[:]...)
	sum := checksum(buf)
	return encode58(append(buf, sum[:2]...))
}

// Decode reads an address of any network and returns its prefix beside the
// account.
func Decode(s string) (id AccountID, prefix uint16, err error) {
	// 36 bytes take at most 50 digits; longer text need not be multiplied out.
	raw, ok := []byte(nil), len(s) <= 50
	if ok {
		raw, ok = decode58(s)
	}
	if !ok {
		return id, 0, fmt.Errorf("%w: %q is not in base 58", ErrAddress, clip(s))
	}
	head := 1
	switch {
	case len(raw) == 35 && raw[0] < 64:
		prefix = uint16(raw[0])
	case len(raw) == 36 && raw[0] >= 64 && raw[0] < 128:
		head = 2
		prefix = uint16(raw[0]&0x3f)<<2 | uint16(raw[1])>>6 | uint16(raw[1]&0x3f)<<8
	default:
		return id, 0, fmt.Errorf("%w: %q has %d bytes: is it complete?", ErrAddress, s, len(raw))
	}
	body := raw[:head+len(id)]
	if sum := checksum(body); !bytes.Equal(sum[:2], raw[len(body):]) {
		return id, 0, fmt.Errorf("%w: the checksum of %q is wrong: it holds a typing error", ErrAddress, s)
	}
	copy(id[:], body[head:])
	return id, prefix, nil
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}

func checksum(data []byte) [blake2b.Size]byte {
	return blake2b.Sum512(append([]byte("SS58PRE"), data...))
}

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

var (
	radix     = big.NewInt(58)
	tenDigits = big.NewInt(430_804_206_899_405_824) // 58 to the tenth: the most that a machine word divides by
)

func encode58(data []byte) string {
	n, low := new(big.Int).SetBytes(data), new(big.Int)
	var out []byte
	for n.Sign() > 0 {
		n.QuoRem(n, tenDigits, low)
		// All ten, but no zeros in front of the number.
		for i, v := 0, low.Uint64(); i < 10 && (v > 0 || n.Sign() > 0); i, v = i+1, v/58 {
			out = append(out, alphabet[v%58])
		}
	}
	for _, b := range data {
		if b != 0 {
			break
		}
		out = append(out, alphabet[0])
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}

func decode58(s string) ([]byte, bool) {
	n := new(big.Int)
	for i := range len(s) {
		d := strings.IndexByte(alphabet, s[i])
		if d < 0 {
			return nil, false
		}
		n.Mul(n, radix).Add(n, big.NewInt(int64(d)))
	}
	zeros := len(s) - len(strings.TrimLeft(s, alphabet[:1]))
	return append(make([]byte, zeros), n.Bytes()...), len(s) > 0
}
