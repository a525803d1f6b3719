//go:build !purego

package cpu

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/bittensor-go/bt/pow"
)

// batch is how many indexes a call of the kernels searches.
const batch = 256

// memory is what kernels read and write. Nothing in it outlives a call but what
// prepare and setIndex put there.
type memory []byte

// newMemory returns memory that begins where a vector may.
func newMemory() memory {
	m := make([]byte, memorySize+63)
	return m[-uintptr(unsafe.Pointer(unsafe.SliceData(m)))&63:][:memorySize]
}

func (m memory) word(at int, v uint32) { binary.LittleEndian.PutUint32(m[at:], v) }
func (m memory) quad(at int, v uint64) { binary.LittleEndian.PutUint64(m[at:], v) }

// each puts a word into n places side by side.
func (m memory) each(at, n int, v uint32) {
	for k := range n {
		m.word(at+4*k, v)
	}
}

// folding is what SHA-256 makes of a job before it searches: rounds and message
// schedule with 0 for what varies.
type folding [foldedEnd]uint32

// roundK are the constants of the rounds (FIPS 180-4, 4.2.2).
var roundK = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

func rotr(x uint32, n int) uint32 { return bits.RotateLeft32(x, -n) }

func sigma0(x uint32) uint32 { return rotr(x, 7) ^ rotr(x, 18) ^ x>>3 }
func sigma1(x uint32) uint32 { return rotr(x, 17) ^ rotr(x, 19) ^ x>>10 }

func varies(n int) bool { return scheduleVaries>>n&1 != 0 }

// fold folds a job. Word 0 of its block stands for 0.
func fold(job *pow.Job) (f folding) {
	var w [64]uint32
	copy(w[1:16], job.Words[1:])
	for n := 16; n < 64; n++ {
		if scheduleConstant>>n&1 == 0 {
			continue
		}
		if !varies(n - 2) {
			w[n] += sigma1(w[n-2])
		}
		if !varies(n - 7) {
			w[n] += w[n-7]
		}
		if !varies(n - 15) {
			w[n] += sigma0(w[n-15])
		}
		if !varies(n - 16) {
			w[n] += w[n-16]
		}
		f[scheduleAt+n] = w[n]
	}
	for t := range roundK {
		f[roundAt+t] = roundK[t]
		if !varies(t) {
			f[roundAt+t] += w[t]
		}
	}
	s := &job.State
	a, b, c, d, e, g, h, i := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	t1 := i + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (e&g ^ ^e&h) + roundK[0]
	t2 := (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + (a&b ^ a&c ^ b&c)
	f[firstAt], f[firstAt+1] = t1+t2, d+t1
	// What is the last word of the state in rounds 1 to 3.
	f[roundAt+1] += h
	f[roundAt+2] += g
	f[roundAt+3] += e
	// The last round adds the state's word 0, so that the end has no need to, and
	// the new word 4 has it once too much.
	f[roundAt+63] += a
	copy(f[finalAt:], s[:])
	f[finalAt] = 0
	f[finalAt+4] -= a
	copy(f[stateAt:], s[:])
	return f
}

// vectors is how a SHA-256 by vectors has its memory: words of so many bytes, of
// which the first lies at words, and behind them the vectors.
type vectors struct {
	width              int // bytes
	element            int // bytes that a folded word takes
	words, steps, swap int
}

var (
	wide   = vectors{64, 4, wideWords, wideStep, wideSwap}
	narrow = vectors{32, 32, narrowWords, narrowStep, narrowSwap}
)

func (v vectors) prepare(m memory, job *pow.Job) {
	for i, w := range fold(job) {
		m.each(v.element*i, v.element/4, w)
	}
	lanes := v.width / 4
	m.each(v.steps, lanes, uint32(lanes)<<24)
	for i := range v.width {
		m[v.swap+i] = byte(i&12 | 3 - i&3)
	}
}

// setWord puts word 0 of the first indexes into their lanes.
func (v vectors) setWord(m memory, word uint32) {
	both := uint64(word)<<32 | uint64(word)
	for at := 0; at < v.width; at += 8 {
		m.quad(v.words+at, both|laneIndex[v.width/64][at/8])
	}
}

// laneIndex has for every two lanes of a vector what their indexes put into word 0:
// for narrow vectors, then for wide ones.
var laneIndex = [2][8]uint64{indexes(8), indexes(16)}

// The lane of an index is the one from which it comes to its place among Keccak's:
// two of each four go to the first half of them.
func indexes(lanes int) (pairs [8]uint64) {
	for k := range lanes {
		index := k/4*2 + k%2
		if k%4 >= 2 {
			index += lanes / 2
		}
		pairs[k/2] |= uint64(index) << 24 << (32 * (k % 2))
	}
	return pairs
}

// extensions is how a SHA-256 by the extensions has its memory.
type extensions struct{}

func (extensions) prepare(m memory, job *pow.Job) {
	w := job.Words
	w[0] = 0
	put := func(i int, words ...uint32) {
		for k, v := range words {
			m.word(16*i+4*k, v)
		}
	}
	for t, k := range roundK {
		if t < 16 {
			k += w[t]
		}
		m.word(16*niRounds+4*t, k)
	}
	for j := range 3 {
		for k := range 4 {
			v := w[4*j+k] + sigma0(w[4*j+k+1])
			if j == 0 {
				v += w[9+k]
			}
			m.word(16*(niSchedule+j)+4*k, v)
		}
	}
	s := &job.State
	put(niABEF, s[5], s[4], s[1], s[0])
	put(niCDGH, s[7], s[6], s[3], s[2])
	for i := range 16 {
		m[16*niSwap+i] = byte(15 - i)
	}
	put(niLast, w[12:]...)
	for i := range batch {
		put(niWords+i, uint32(i)<<24, 0, 0, 0)
	}
}

// setWord adds word 0 to the two constants that have its place.
func (extensions) setWord(m memory, word uint32) {
	m.word(16*niRounds, roundK[0]+word)
	var w [2]uint32 // words 1 and 9, as prepare left them
	w[0] = binary.LittleEndian.Uint32(m[16*niRounds+4:]) - roundK[1]
	w[1] = binary.LittleEndian.Uint32(m[16*(niRounds+2)+4:]) - roundK[9]
	m.word(16*niSchedule, word+sigma0(w[0])+w[1])
}

// keccakK are the constants of the rounds (FIPS 202, 3.2.5).
var keccakK = [24]uint64{
	0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
	0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
	0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
	0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
}

// A sealer is how a Keccak has its memory.
type sealer struct {
	width  int // bytes of a vector
	copies int // of a constant
}

var (
	wideSeal   = sealer{64, 1}
	narrowSeal = sealer{32, 4}
)

func (s sealer) prepare(m memory, job *pow.Job) {
	put := func(i int, v uint64) {
		for k := range s.copies {
			m.quad(constantsAt+8*(s.copies*i+k), v)
		}
	}
	for i, v := range keccakK {
		put(i, v)
	}
	put(targetAt, job.Target[3])
	put(oneAt, 1)
	put(twoAt, 2)
	put(topAt, 1<<63)
	// How to shuffle bytes of elements: in reverse, and rotated.
	shuffle := func(at int, from func(i int) int) {
		for i := range s.width {
			m[constantsAt+at+i] = byte(i&8 | from(i)&7)
		}
	}
	reverse := func(i int) int { return 7 - i }
	if s == wideSeal {
		shuffle(wideReverse, reverse)
		return
	}
	put(targetAt, job.Target[3]^1<<63) // compared with signs
	shuffle(s.width*keccakConstants, reverse)
	shuffle(s.width*(keccakConstants+1), func(i int) int { return i + 7 })
	shuffle(s.width*(keccakConstants+2), func(i int) int { return i + 1 })
}
