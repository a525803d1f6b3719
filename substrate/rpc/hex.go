package rpc

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
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
	return decodeHex(result, func(n int) []byte { return make([]byte, n) })
}

// decodeHex is DecodeHex into memory that room gives.
func decodeHex(result json.RawMessage, room func(n int) []byte) ([]byte, error) {
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
	out := room(len(digits) / 2)
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

// noDigit lies beside the eight bits of a digit's value.
const noDigit = 1 << 8

// highDigit and lowDigit are what a character stands for as the first and as the
// second digit of a byte.
var highDigit, lowDigit = digitTables()

func digitTables() (high, low [256]uint16) {
	for c := range high {
		high[c], low[c] = noDigit, noDigit
	}
	for value, c := range []byte("0123456789abcdef") {
		high[c], low[c] = uint16(value)<<4, uint16(value)
	}
	for value, c := range []byte("ABCDEF") {
		high[c], low[c] = high['a'+value], low['a'+value]
	}
	return high, low
}

// decodeDigits writes len(src)/2 bytes to dst and returns -1, or the index of
// the first character that is no digit. Digits are most of what a node sends: many
// go at once, and whether all were digits is looked at in the end.
func decodeDigits(dst, src []byte) int {
	seen := uint16(0)
	i, ok := decodeBlocks(dst, src)
	if !ok {
		seen = noDigit
	}
	for ; 2*i+8 <= len(src); i += 4 {
		s, d := src[2*i:2*i+8:2*i+8], dst[i:i+4:i+4]
		b0 := highDigit[s[0]] | lowDigit[s[1]]
		b1 := highDigit[s[2]] | lowDigit[s[3]]
		b2 := highDigit[s[4]] | lowDigit[s[5]]
		b3 := highDigit[s[6]] | lowDigit[s[7]]
		seen |= b0 | b1 | b2 | b3
		d[0], d[1], d[2], d[3] = byte(b0), byte(b1), byte(b2), byte(b3)
	}
	for ; 2*i+2 <= len(src); i++ {
		b := highDigit[src[2*i]] | lowDigit[src[2*i+1]]
		seen |= b
		dst[i] = byte(b)
	}
	if seen&noDigit == 0 {
		return -1
	}
	return slices.IndexFunc(src, func(c byte) bool { return lowDigit[c] == noDigit })
}
