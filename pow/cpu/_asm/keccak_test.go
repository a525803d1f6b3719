package main

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"
)

var roundConstants = [24]uint64{
	0x1, 0x8082, 0x800000000000808a, 0x8000000080008000, 0x808b, 0x80000001, 0x8000000080008081, 0x8000000000008009,
	0x8a, 0x88, 0x80008009, 0x8000000a, 0x8000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
	0x8000000000008002, 0x8000000000000080, 0x800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x80000001, 0x8000000080008008,
}

// permutation is Keccak-f[1600] as FIPS 202 has it.
func permutation(a *[25]uint64) {
	for _, rc := range roundConstants {
		var c, d [5]uint64
		for x := range 5 {
			c[x] = a[x] ^ a[x+5] ^ a[x+10] ^ a[x+15] ^ a[x+20]
		}
		for x := range 5 {
			d[x] = c[(x+4)%5] ^ bits.RotateLeft64(c[(x+1)%5], 1)
		}
		var b [25]uint64
		for x := range 5 {
			for y := range 5 {
				b[y+5*((2*x+3*y)%5)] = bits.RotateLeft64(a[x+5*y]^d[x], rho[x][y])
			}
		}
		for x := range 5 {
			for y := range 5 {
				a[x+5*y] = b[x+5*y] ^ (^b[(x+1)%5+5*y] & b[(x+2)%5+5*y])
			}
		}
		a[0] ^= rc
	}
}

func keccakMemory(set Set, digests [][4]uint64, limit uint64) memory {
	m := memory{constants: make([]byte, 4096), sums: make([]byte, 4*set.Width), scratch: make([]byte, 8192)}
	all := append(append([]uint64(nil), roundConstants[:]...), limit, 1, 2, 1<<63)
	if !set.Three {
		all[target] ^= 1 << 63
	}
	put := func(at int, places func(i int) int) {
		for i := range set.Width {
			m[constants][at+i] = byte(places(i))
		}
	}
	for i, v := range all {
		if set.Three {
			binary.LittleEndian.PutUint64(m[constants][8*i:], v)
			continue
		}
		for k := range set.Width / 8 {
			binary.LittleEndian.PutUint64(m[constants][set.Width*i+8*k:], v)
		}
	}
	reverse := func(i int) int { return i&8 | 7 - i&7 }
	if set.Three {
		put(256, reverse)
	} else {
		put(set.Width*keccakConstants, reverse)
		put(set.Width*(keccakConstants+1), func(i int) int { return i&8 | (i+7)&7 })
		put(set.Width*(keccakConstants+2), func(i int) int { return i&8 | (i+1)&7 })
	}
	for k, d := range digests {
		for i, v := range d {
			binary.LittleEndian.PutUint64(m[sums][set.Width*i+8*k:], v)
		}
	}
	return m
}

func TestKeccak(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		set  Set
		s    style
	}{{"merged", avx512, merged}, {"fused", avx512, fused}, {"narrow", avx2, narrow}} {
		for _, bigEndian := range []bool{false, true} {
			p := keccak(c.set, c.s, bigEndian)
			order := p.Ops
			if c.name == "merged" {
				var err error
				if order, err = schedule(p, intel); err != nil {
					t.Fatal(err)
				}
				if len(order) != len(p.Ops) {
					t.Fatalf("%d of %d operations were scheduled", len(order), len(p.Ops))
				}
			}
			for range 20 {
				n := c.set.Width / 8
				digests := make([][4]uint64, n)
				limit := rng.Uint64() | 1<<62
				var want byte
				for k := range digests {
					var a [25]uint64
					for i := range 4 {
						digests[k][i] = rng.Uint64()
						a[i] = digests[k][i]
					}
					a[4], a[16] = 1, 1<<63
					permutation(&a)
					v := a[3]
					if bigEndian {
						v = bits.ReverseBytes64(a[0])
					}
					if v <= limit {
						want |= 1 << k
					}
				}
				values := run(c.set, order, keccakMemory(c.set, digests, limit))
				var got byte
				if c.set.Three {
					got = values[order[len(order)-1]][0]
				} else {
					over := values[p.Keep[0]]
					for k := range n {
						if over[8*k] == 0 {
							got |= 1 << k
						}
					}
				}
				if got != want {
					t.Fatalf("%s, big-endian %v: mask %08b, want %08b", c.name, bigEndian, got, want)
				}
			}
			a, err := assign(p, order, spills)
			if err != nil {
				t.Fatal(c.name, err)
			}
			t.Logf("%s be=%v: %d ops, %d instr, copies %d stores %d loads %d slots %d", c.name, bigEndian, len(p.Ops), len(a.out), a.copies, a.stores, a.loads, a.slots)
		}
	}
}
