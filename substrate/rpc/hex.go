package rpc

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// EncodeHex writes bytes as nodes take them: "0x" and lower-case digits.
func EncodeHex(b []byte) string {
	out := make([]byte, 2+2*len(b))
	copy(out, "0x")
	hex.Encode(out[2:], b)
	return string(out)
}

// DecodeHex returns the bytes that a result "0x…" stands for, and nil for null.
// Other results are errors that wrap ErrMalformed. The bytes are a copy.
func DecodeHex(result json.RawMessage) ([]byte, error) {
	if string(result) == "null" {
		return nil, nil
	}
	if len(result) < 2 || result[0] != '"' || result[len(result)-1] != '"' {
		return nil, fmt.Errorf("%w: %s is not a string of hexadecimal digits", ErrMalformed, excerpt(result))
	}
	digits := result[1 : len(result)-1]
	if len(digits) < 2 || digits[0] != '0' || digits[1] != 'x' {
		return nil, fmt.Errorf("%w: %s does not begin with 0x", ErrMalformed, excerpt(result))
	}
	digits = digits[2:]
	if len(digits)%2 != 0 {
		return nil, fmt.Errorf("%w: %d hexadecimal digits are not whole bytes", ErrMalformed, len(digits))
	}
	out := make([]byte, len(digits)/2)
	if bad := decodeDigits(out, digits); bad >= 0 {
		return nil, fmt.Errorf("%w: digit %d of %d is %q, not hexadecimal", ErrMalformed, bad, len(digits), digits[bad])
	}
	return out, nil
}

// excerpt quotes the beginning of what a node sent.
func excerpt(b []byte) string {
	const most = 60
	if len(b) > most {
		return printable(string(b[:most])) + "…"
	}
	return printable(string(b))
}

// notHex marks what is no digit; its high bits set are how that is noticed.
const notHex = 0xff

// nibbles maps a digit to its value.
var nibbles = func() (t [256]byte) {
	for i := range t {
		t[i] = notHex
	}
	for i, c := range "0123456789abcdef" {
		t[c] = byte(i)
	}
	for i, c := range "ABCDEF" {
		t[c] = byte(10 + i)
	}
	return t
}()

// decodeDigits writes len(src)/2 bytes to dst and returns -1, or the index of
// the first character that is no digit. It does eight bytes between two looks at
// whether all were digits.
func decodeDigits(dst, src []byte) int {
	i := 0
	for ; i+16 <= len(src); i += 16 {
		s := (*[16]byte)(src[i:])
		d := (*[8]byte)(dst[i/2:])
		var all byte
		for j := range d {
			hi, lo := nibbles[s[2*j]], nibbles[s[2*j+1]]
			d[j] = hi<<4 | lo
			all |= hi | lo
		}
		if all > 0x0f {
			break
		}
	}
	for ; i+2 <= len(src); i += 2 {
		hi, lo := nibbles[src[i]], nibbles[src[i+1]]
		if hi == notHex {
			return i
		}
		if lo == notHex {
			return i + 1
		}
		dst[i/2] = hi<<4 | lo
	}
	return -1
}
