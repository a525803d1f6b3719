package pow

import "math/bits"

// foldedSum is a SHA-256 of blocks that differ in their first word: what does not
// depend on it is computed once. It is for where the standard library's has no
// assembly.
type foldedSum struct {
	state [8]uint32
	words [16]uint32 // with the constants of the rounds from 1 on
	block [16]uint32
	a, e  uint32 // after round 0, without word 0
}

func (f *foldedSum) set(job *Job) {
	f.state, f.block, f.words = job.State, job.Words, job.Words
	for t := range f.words {
		f.words[t] += roundK[t]
	}
	a, b, c, d, e, g, h, i := f.unpack()
	t1 := i + bigSigma1(e) + (e&g ^ ^e&h) + roundK[0]
	f.a, f.e = t1+bigSigma0(a)+(a&b^a&c^b&c), d+t1
}

func (f *foldedSum) unpack() (a, b, c, d, e, g, h, i uint32) {
	s := &f.state
	return s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
}

// lanes returns the digest for a first word, as four little-endian numbers.
func (f *foldedSum) lanes(word uint32) (l [4]uint64) {
	w := f.block
	w[0] = word
	s := &f.state
	a, b, c, d := f.a+word, s[0], s[1], s[2]
	e, g, h, i := f.e+word, s[4], s[5], s[6]
	for t := 1; t < 16; t++ {
		t1 := i + bigSigma1(e) + (e&g ^ ^e&h) + f.words[t]
		t2 := bigSigma0(a) + (a&b ^ a&c ^ b&c)
		i, h, g, e, d, c, b, a = h, g, e, d+t1, c, b, a, t1+t2
	}
	for t := 16; t < 64; t++ {
		x, y := w[(t-2)&15], w[(t-15)&15]
		v := w[t&15] + w[(t-7)&15] +
			(bits.RotateLeft32(x, -17) ^ bits.RotateLeft32(x, -19) ^ x>>10) +
			(bits.RotateLeft32(y, -7) ^ bits.RotateLeft32(y, -18) ^ y>>3)
		w[t&15] = v
		t1 := i + bigSigma1(e) + (e&g ^ ^e&h) + roundK[t] + v
		t2 := bigSigma0(a) + (a&b ^ a&c ^ b&c)
		i, h, g, e, d, c, b, a = h, g, e, d+t1, c, b, a, t1+t2
	}
	pair := func(x, y uint32) uint64 {
		return uint64(bits.ReverseBytes32(x)) | uint64(bits.ReverseBytes32(y))<<32
	}
	return [4]uint64{pair(a+s[0], b+s[1]), pair(c+s[2], d+s[3]), pair(e+s[4], g+s[5]), pair(h+s[6], i+s[7])}
}

func bigSigma0(x uint32) uint32 {
	return bits.RotateLeft32(x, -2) ^ bits.RotateLeft32(x, -13) ^ bits.RotateLeft32(x, -22)
}

func bigSigma1(x uint32) uint32 {
	return bits.RotateLeft32(x, -6) ^ bits.RotateLeft32(x, -11) ^ bits.RotateLeft32(x, -25)
}

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
