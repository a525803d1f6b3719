package main

// Code is what an operation does, element by element unless it says otherwise.
type Code uint8

const (
	Load      Code = iota // a vector from memory
	Broadcast             // one element of memory in every place
	Store                 // a vector to memory
	Xor
	And
	AndNot // not a, and b
	Or
	Add
	Ternary // any function of three bits: Imm has its result for 4a+2b+c
	RotateLeft
	ShiftLeft
	ShiftRight
	Shuffle    // bytes of a by the places in b, each 16 bytes for themselves
	UnpackLow  // the first two elements of each 16 bytes of a and b, in turns
	UnpackHigh // the last two
	AtMost     // the mask of elements of a that are not above those of b, unsigned
	Above      // a mask for each element of a that is above that of b, signed

	// SHA extensions, on vectors of four words.
	Rounds2   // two rounds: a is CDGH, b ABEF, c two words that were added to their constants
	Schedule1 // first half of the message schedule
	Schedule2 // second half
	Align4    // the vector that begins 4 bytes into b, a behind it
	SwapHalves
	LoadLow   // eight bytes, zeros behind them
	StoreLow  // the first eight bytes
	StoreHigh // the last eight
)

// Op is one operation, and the value that it makes: every value is made once.
type Op struct {
	Code Code
	Args []Arg
	Elem int // bytes of an element: 4 or 8
	Imm  int // count of a shift, table of a Ternary
	To   Mem // where a Store goes

	after []*Op // what must be issued before, beside the arguments
}

// Mem is a place in memory. Elem is 0 for a vector and the size of an element that
// is to stand in every place of one.
type Mem struct {
	Base   string // the register that points there; empty for none
	Offset int
	Elem   int
}

// Arg is an argument: a value, or memory where the operation can take it.
type Arg struct {
	Value *Op
	Mem   Mem
	after *Op // the Store that memory waits for
}

func at(base string, offset int) Arg { return Arg{Mem: Mem{Base: base, Offset: offset}} }
func each(base string, offset, elem int) Arg {
	return Arg{Mem: Mem{Base: base, Offset: offset, Elem: elem}}
}

// Program is straight-line code on vectors, in the order in which it was written.
// Which operations it is written in depends on the machine's instructions.
type Program struct {
	Set  Set
	Ops  []*Op
	Keep []*Op // values that are wanted at the end
}

// Set is a set of vector instructions.
type Set struct {
	Name      string
	Width     int  // bytes of a vector
	Registers int  // vector registers
	Three     bool // has Ternary, RotateLeft, and elements of memory as arguments
}

var (
	avx512 = Set{"avx512", 64, 32, true}
	avx2   = Set{"avx2", 32, 16, false}
	shani  = Set{"shani", 16, 16, false}
)

func (p *Program) add(o Op) Arg {
	p.Ops = append(p.Ops, &o)
	return Arg{Value: &o}
}

func (p *Program) two(code Code, elem int, a, b Arg) Arg {
	return p.add(Op{Code: code, Elem: elem, Args: []Arg{a, b}})
}

func (p *Program) one(code Code, elem, imm int, a Arg) Arg {
	return p.add(Op{Code: code, Elem: elem, Imm: imm, Args: []Arg{a}})
}

func (p *Program) load(m Arg) Arg {
	if m.Mem.Elem != 0 {
		return p.add(Op{Code: Broadcast, Elem: m.Mem.Elem, Args: []Arg{m}})
	}
	return p.add(Op{Code: Load, Args: []Arg{m}})
}

// store writes a vector and returns it as memory.
func (p *Program) store(a Arg, base string, offset int) Arg {
	o := p.add(Op{Code: Store, Args: []Arg{a}, To: Mem{Base: base, Offset: offset}})
	m := at(base, offset)
	m.after = o.Value
	return m
}

func (p *Program) xor(a, b Arg) Arg          { return p.two(Xor, 8, a, b) }
func (p *Program) andNot(a, b Arg) Arg       { return p.two(AndNot, 8, a, b) }
func (p *Program) add4(a, b Arg) Arg         { return p.two(Add, 4, a, b) }
func (p *Program) shuffle(a, places Arg) Arg { return p.two(Shuffle, 1, a, places) }
func (p *Program) ternary(f int, elem int, a, b, c Arg) Arg {
	return p.add(Op{Code: Ternary, Elem: elem, Imm: f, Args: []Arg{a, b, c}})
}

// Tables of Ternary: bit 4a+2b+c is the result.
const (
	parity3  = 0x96 // a ^ b ^ c
	chooses  = 0xca // a ? b : c
	majority = 0xe8
	chi3     = 0xd2 // a ^ (^b & c)
)

func (p *Program) xor3(elem int, a, b, c Arg) Arg {
	if p.Set.Three {
		return p.ternary(parity3, elem, a, b, c)
	}
	return p.xor(p.xor(a, b), c)
}

// rotate is to the left.
func (p *Program) rotate(elem, n int, a Arg) Arg {
	bits := 8 * elem
	n = (n%bits + bits) % bits
	switch {
	case n == 0:
		return a
	case p.Set.Three:
		return p.one(RotateLeft, elem, n, a)
	}
	l, r := p.rotateHalves(elem, n, a)
	return p.two(Or, 8, l, r)
}

// rotateHalves returns what is to be joined for a rotated value.
func (p *Program) rotateHalves(elem, n int, a Arg) (left, right Arg) {
	if n == 1 {
		left = p.two(Add, elem, a, a)
	} else {
		left = p.one(ShiftLeft, elem, n, a)
	}
	return left, p.one(ShiftRight, elem, 8*elem-n, a)
}
