//go:build !purego

package cpu

import "time"

// hasSHA reports whether the processor has the SHA extensions (leaf 7, EBX bit 29).
// The kernels for them need SSSE3 and AVX besides, which come with AVX2.
func hasSHA() bool {
	if top, _ := cpuid(0, 0); top < 7 {
		return false
	}
	_, b := cpuid(7, 0)
	return b>>29&1 != 0
}

// cpuid returns two of the registers of the instruction.
func cpuid(leaf, sub uint32) (eax, ebx uint32)

// additions makes so many additions, each of which waits for the one before: one a
// cycle on every processor since 2000.
func additions(n uint64)

// Clock returns how many cycles a second the calling core makes now, 0 where that
// cannot be measured.
func Clock() float64 {
	const n = 1 << 16
	shortest := time.Duration(1 << 62)
	for range 50 {
		began := time.Now()
		additions(n)
		shortest = min(shortest, time.Since(began))
	}
	return n / shortest.Seconds()
}
