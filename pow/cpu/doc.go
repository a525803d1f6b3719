// Package cpu searches with what the processor has: vectors of 64 bytes ("avx512"),
// of 32 ("avx2"), or plain Go ("generic"), which runs everywhere and is all there is
// with the build tag purego.
//
// A vector engine searches 256 indexes at a time: one kernel makes their SHA-256
// digests, another one the parts of their Keccak that tell which may hit. Of the
// kernels for one size of vectors some are good on Intel's processors and others on
// AMD's; the first engine of a process tests and times them, which takes about a
// millisecond. The kernels are written by the program in _asm (make generate).
package cpu

//go:generate go run -C _asm . ..
