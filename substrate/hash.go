package substrate

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
)

// Hash is a 32-byte hash, such as that of a block.
type Hash [32]byte

// String returns the hash in hexadecimal with 0x before it.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// MarshalText returns what String does.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads a hash as ParseHash does.
func (h *Hash) UnmarshalText(text []byte) error {
	v, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = v
	return nil
}

// ParseHash reads 0x and 64 hexadecimal digits.
func ParseHash(s string) (Hash, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) != 2*len(Hash{}) {
		return Hash{}, fmt.Errorf("%q is no hash: 0x and 64 hexadecimal digits are", clip(s))
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return Hash{}, fmt.Errorf("%q is no hash: %w", clip(s), err)
	}
	return Hash(b), nil
}

// clip makes text from a node fit for a message: short, and printable.
func clip(s string) string {
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "..."
	}
	return printable(s)
}

// printable keeps text from a node from taking over a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}
