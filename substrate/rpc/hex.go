package rpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
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

// decodeDigits writes len(src)/2 bytes to dst and returns -1, or the index of
// the first character that is no digit.
func decodeDigits(dst, src []byte) int {
	if _, err := hex.Decode(dst, src); err == nil {
		return -1
	}
	return bytes.IndexFunc(src, func(c rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", c) })
}
