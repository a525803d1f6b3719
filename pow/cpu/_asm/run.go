package main

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// memory is what programs read and write, by base register.
type memory map[string][]byte

// run executes operations in the order given and returns what each made. It is
// what the generated code is to do, one element after the other: the tests hold a
// program to the hash functions with it, in any order and after any rewriting.
func run(set Set, ops []*Op, mem memory) map[*Op][]byte {
	values := make(map[*Op][]byte)
	for _, o := range ops {
		args := make([][]byte, len(o.Args))
		for i, a := range o.Args {
			if a.Value != nil {
				v, ok := values[a.Value]
				if !ok {
					panic(fmt.Sprintf("%s reads a value that is not there yet", names[o.Code]))
				}
				args[i] = v
				continue
			}
			args[i] = read(set, mem, a.Mem)
		}
		switch o.Code {
		case Store:
			copy(mem[o.To.Base][o.To.Offset:], args[0])
			continue
		case StoreLow:
			copy(mem[o.To.Base][o.To.Offset:], args[0][:8])
			continue
		case StoreHigh:
			copy(mem[o.To.Base][o.To.Offset:], args[0][8:16])
			continue
		}
		values[o] = o.apply(set, args)
	}
	return values
}

func read(set Set, mem memory, m Mem) []byte {
	from := mem[m.Base][m.Offset:]
	out := make([]byte, set.Width)
	if m.Elem == 0 {
		copy(out, from[:set.Width])
		return out
	}
	for i := 0; i < set.Width; i += m.Elem {
		copy(out[i:], from[:m.Elem])
	}
	return out
}

func (o *Op) apply(set Set, args [][]byte) []byte {
	out := make([]byte, set.Width)
	a := args[0]
	var b, c []byte
	if len(args) > 1 {
		b = args[1]
	}
	if len(args) > 2 {
		c = args[2]
	}
	switch o.Code {
	case Load, Broadcast:
		copy(out, a)
	case LoadLow:
		copy(out, a[:8])
	case Ternary:
		for i := range out {
			for bit := range 8 {
				at := a[i]>>bit&1<<2 | b[i]>>bit&1<<1 | c[i]>>bit&1
				out[i] |= byte(o.Imm>>at&1) << bit
			}
		}
	case Shuffle:
		for i := range out {
			if b[i]&0x80 == 0 {
				out[i] = a[i&^15+int(b[i]&15)]
			}
		}
	case UnpackLow, UnpackHigh:
		from := 0
		if o.Code == UnpackHigh {
			from = 8
		}
		for q := 0; q < set.Width; q += 16 {
			for k := range 2 {
				copy(out[q+8*k:], a[q+from+4*k:][:4])
				copy(out[q+8*k+4:], b[q+from+4*k:][:4])
			}
		}
	case AtMost:
		for i := range set.Width / 8 {
			if binary.LittleEndian.Uint64(a[8*i:]) <= binary.LittleEndian.Uint64(b[8*i:]) {
				out[0] |= 1 << i
			}
		}
	case Rounds2, Schedule1, Schedule2:
		o.extension(out, a, b, c)
	case Align4:
		copy(out, append(append([]byte(nil), b[4:16]...), a[:4]...))
	case SwapHalves:
		copy(out, append(append([]byte(nil), a[8:16]...), a[:8]...))
	default:
		for i := 0; i < set.Width; i += o.Elem {
			o.element(out[i:i+o.Elem], a[i:], b, i)
		}
	}
	return out
}

// element applies an operation to one element.
func (o *Op) element(out, a, b []byte, i int) {
	x, y := word(a, o.Elem), uint64(0)
	if b != nil {
		y = word(b[i:], o.Elem)
	}
	var v uint64
	switch o.Code {
	case Xor:
		v = x ^ y
	case And:
		v = x & y
	case AndNot:
		v = ^x & y
	case Or:
		v = x | y
	case Add:
		v = x + y
	case ShiftLeft:
		v = x << o.Imm
	case ShiftRight:
		v = x >> o.Imm
	case RotateLeft:
		v = x<<o.Imm | x>>(8*o.Elem-o.Imm)
	case Above:
		if int64(x) > int64(y) {
			v = 1<<64 - 1
		}
	default:
		panic("no such operation: " + names[o.Code])
	}
	if o.Elem == 4 {
		binary.LittleEndian.PutUint32(out, uint32(v))
	} else {
		binary.LittleEndian.PutUint64(out, v)
	}
}

func word(b []byte, size int) uint64 {
	if size == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// extension applies one of the SHA extensions (Intel's manual, volume 2).
func (o *Op) extension(out, a, b, c []byte) {
	x, y := words(a), words(b)
	var v [4]uint32
	switch o.Code {
	case Schedule1:
		next := [5]uint32{x[0], x[1], x[2], x[3], y[0]}
		for i := range v {
			w := next[i+1]
			v[i] = x[i] + (bits.RotateLeft32(w, -7) ^ bits.RotateLeft32(w, -18) ^ w>>3)
		}
	case Schedule2:
		s := func(w uint32) uint32 { return bits.RotateLeft32(w, -17) ^ bits.RotateLeft32(w, -19) ^ w>>10 }
		v[0], v[1] = x[0]+s(y[2]), x[1]+s(y[3])
		v[2], v[3] = x[2]+s(v[0]), x[3]+s(v[1])
	case Rounds2:
		k := words(c)
		A, B, C, D := y[3], y[2], x[3], x[2]
		E, F, G, H := y[1], y[0], x[1], x[0]
		for i := range 2 {
			t := H + (bits.RotateLeft32(E, -6) ^ bits.RotateLeft32(E, -11) ^ bits.RotateLeft32(E, -25)) + (E&F ^ ^E&G) + k[i]
			u := (bits.RotateLeft32(A, -2) ^ bits.RotateLeft32(A, -13) ^ bits.RotateLeft32(A, -22)) + (A&B ^ A&C ^ B&C)
			A, B, C, D, E, F, G, H = t+u, A, B, C, D+t, E, F, G
		}
		v = [4]uint32{F, E, B, A}
	}
	for i, w := range v {
		binary.LittleEndian.PutUint32(out[4*i:], w)
	}
}

func words(b []byte) (w [4]uint32) {
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return w
}
