package main

import (
	stdsha "crypto/sha256"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// K are the round constants (FIPS 180-4, 4.2.2).
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

var initial = [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

func rotr(x uint32, n int) uint32 { return bits.RotateLeft32(x, -n) }

func sig0(x uint32) uint32 { return rotr(x, 7) ^ rotr(x, 18) ^ x>>3 }
func sig1(x uint32) uint32 { return rotr(x, 17) ^ rotr(x, 19) ^ x>>10 }

// fold computes what stands before the vectors: the rounds and the schedule with 0
// for word 0.
func fold(state [8]uint32, block [16]uint32) (f [foldedEnd]uint32) {
	varies, constant := scheduleForm()
	var w [64]uint32
	copy(w[1:], block[1:])
	for n := 16; n < 64; n++ {
		if !constant[n] {
			continue
		}
		s := func(k int, f func(uint32) uint32) uint32 {
			if varies[n-k] {
				return 0
			}
			return f(w[n-k])
		}
		same := func(x uint32) uint32 { return x }
		w[n] = s(2, sig1) + s(7, same) + s(15, sig0) + s(16, same)
		f[scheduleAt+n] = w[n]
	}
	for t := range roundK {
		f[roundAt+t] = roundK[t]
		if !varies[t] {
			f[roundAt+t] += w[t]
		}
	}
	a, b, c, d, e, ff, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
	t1 := h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (e&ff ^ ^e&g) + roundK[0]
	t2 := (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + (a&b ^ a&c ^ b&c)
	f[firstAt], f[firstAt+1] = t1+t2, d+t1
	// The word h of rounds 1 to 3.
	f[roundAt+1] += g
	f[roundAt+2] += ff
	f[roundAt+3] += e
	f[roundAt+63] += state[0]
	copy(f[finalAt:], state[:])
	f[finalAt] = 0
	f[finalAt+4] -= state[0]
	copy(f[stateAt:], state[:])
	return f
}

// randomBlock returns a message that fills a block, and the block's words.
func randomBlock(rng *rand.Rand) (message [55]byte, words [16]uint32) {
	for i := range message {
		message[i] = byte(rng.Uint32())
	}
	var padded [64]byte
	copy(padded[:], message[:])
	padded[55] = 0x80
	binary.BigEndian.PutUint64(padded[56:], 55*8)
	for i := range words {
		words[i] = binary.BigEndian.Uint32(padded[4*i:])
	}
	return message, words
}

func TestSHA256(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, set := range []Set{avx512, avx2} {
		p := sha256(set)
		order := p.Ops
		if set.Three {
			var err error
			if order, err = schedule(p, intel); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			message, block := randomBlock(rng)
			f := fold(initial, block)
			m := memory{folded: make([]byte, 8192), sums: make([]byte, 8*set.Width), scratch: make([]byte, 8*set.Width)}
			put := func(at int, v uint32) { binary.LittleEndian.PutUint32(m[folded][at:], v) }
			for i, v := range f {
				at := p.word(i).Mem
				n := set.Width / 4
				if at.Elem != 0 {
					n = 1
				}
				for k := range n {
					put(at.Offset+4*k, v)
				}
			}
			n := set.Width / 4
			for k := range n {
				put(p.vector(wordAt).Mem.Offset+4*k, block[0]+uint32(k))
				put(p.vector(stepAt).Mem.Offset+4*k, uint32(n))
			}
			for i := range set.Width {
				m[folded][p.vector(swapAt).Mem.Offset+i] = byte(i&12 | 3 - i&3)
			}
			run(set, order, m)
			for k := range n {
				binary.BigEndian.PutUint32(message[:], block[0]+uint32(k))
				want := stdsha.Sum256(message[:])
				group, place := 0, 2*(k/4)+k%4
				if k%4 >= 2 {
					group, place = 1, 2*(k/4)+k%4-2
				}
				for lane := range 4 {
					got := m[sums][group*4*set.Width+lane*set.Width+8*place:][:8]
					if string(got) != string(want[8*lane:][:8]) {
						t.Fatalf("%s: nonce %d, lane %d: %x, want %x", set.Name, k, lane, got, want[8*lane:][:8])
					}
				}
				if at := p.vector(wordAt).Mem.Offset; binary.LittleEndian.Uint32(m[folded][at+4*k:]) != block[0]+uint32(k+n) {
					t.Fatal("word 0 was not stepped")
				}
			}
		}
		a, err := assign(p, order, "R10")
		if err != nil {
			t.Fatal(set.Name, err)
		}
		t.Logf("%s: %d ops, %d instr, copies %d stores %d loads %d slots %d", set.Name, len(p.Ops), len(a.out), a.copies, a.stores, a.loads, a.slots)
	}
}

func TestExtensions(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := extensions(8, 0)
	for range 20 {
		message, w := randomBlock(rng)
		first := w[0]
		w[0] = 0
		m := memory{folded: make([]byte, 4096), sums: make([]byte, 256), "R9": make([]byte, 64), scratch: make([]byte, 1024)}
		put := func(i int, v ...uint32) {
			for k, x := range v {
				binary.LittleEndian.PutUint32(m[folded][16*i+4*k:], x)
			}
		}
		for j := range 16 {
			for k := range 4 {
				v := roundK[4*j+k]
				if j < 4 {
					v += w[4*j+k]
				}
				binary.LittleEndian.PutUint32(m[folded][16*(niRounds+j)+4*k:], v)
			}
		}
		for k := range 4 {
			at := func(j int, v uint32) { binary.LittleEndian.PutUint32(m[folded][16*(niSchedule+j)+4*k:], v) }
			at(0, w[k]+sig0(w[k+1])+w[9+k])
			at(1, w[4+k]+sig0(w[5+k]))
			at(2, w[8+k]+sig0(w[9+k]))
		}
		s := initial
		put(niABEF, s[5], s[4], s[1], s[0])
		put(niCDGH, s[7], s[6], s[3], s[2])
		for i := range 16 {
			m[folded][16*niSwap+i] = byte(15 - i)
		}
		put(niLast, w[12:]...)
		for i := range 4 {
			binary.LittleEndian.PutUint32(m["R9"][16*i:], first+uint32(i))
		}
		run(shani, p.Ops, m)
		for i := range 4 {
			binary.BigEndian.PutUint32(message[:], first+uint32(i))
			want := stdsha.Sum256(message[:])
			for lane := range 4 {
				got := m[sums][64*lane+8*i:][:8]
				if string(got) != string(want[8*lane:][:8]) {
					t.Fatalf("nonce %d, lane %d: %x, want %x", i, lane, got, want[8*lane:][:8])
				}
			}
		}
	}
	a, err := assign(p, p.Ops, scratch)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d ops, %d instr, copies %d stores %d loads %d slots %d", len(p.Ops), len(a.out), a.copies, a.stores, a.loads, a.slots)
}
