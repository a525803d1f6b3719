//go:build !purego

package rpc

import "golang.org/x/sys/cpu"

// decodeBlocks decodes as many whole blocks of 64 digits as there are. It returns how
// many bytes those are, and false where not all are digits.
func decodeBlocks(dst, src []byte) (n int, ok bool) {
	blocks := len(src) / 64
	if blocks == 0 || !cpu.X86.HasAVX2 {
		return 0, true
	}
	n = 32 * blocks
	return n, decodeAVX2(&dst[:n][0], &src[0], blocks)
}

// decodeAVX2 decodes blocks of 64 digits, one or more, and reports whether all are.
//
//go:noescape
func decodeAVX2(dst, src *byte, blocks int) bool
