package main

// Bases of the memory that kernels use.
const (
	constants = "R8"  // of Keccak
	folded    = "DI"  // what SHA-256 makes of the job
	sums      = "SI"  // the digests, in the layout of Keccak's lanes
	scratch   = "CX"  // values that a program keeps there
	spills    = "R10" // values that find no register (must not overlap scratch)
)

// Indexes of Keccak's constants after the 24 of the rounds.
const (
	target = 24 + iota // what the seal must not exceed, its highest 64 bits
	one
	two
	top // 1<<63
	keccakConstants
)

// constant returns one of Keccak's constants in every element.
func (p *Program) constant(i int) Arg {
	if p.Set.Three {
		return each(constants, 8*i, 8)
	}
	return at(constants, p.Set.Width*i)
}

// reverse is where the places stand that Shuffle needs to reverse the bytes of
// 64-bit elements.
func (p *Program) reverse() Arg {
	if p.Set.Three {
		return at(constants, 256)
	}
	return at(constants, p.Set.Width*keccakConstants)
}

// lanes is the state of Keccak-f[1600], by x and y.
type lanes [5][5]Arg

// rho is by how much each lane is rotated (FIPS 202, 3.2.2).
var rho = func() (r [5][5]int) {
	x, y := 1, 0
	for t := range 24 {
		r[x][y] = (t + 1) * (t + 2) / 2 % 64
		x, y = y, (2*x+3*y)%5
	}
	return r
}()

// from returns the lane that comes to x, y (FIPS 202, 3.2.3).
func from(x, y int) (int, int) { return (x + 3*y) % 5, x }

// chi is a ^ (^b & c).
func (p *Program) chi(a, b, c Arg) Arg {
	if p.Set.Three {
		return p.ternary(chi3, 8, a, b, c)
	}
	return p.xor(p.andNot(b, c), a)
}

// A style is an order and form in which the rounds of Keccak are written.
type style func(p *Program, a lanes, round int) lanes

// keccak returns the program that reads SHA-256 digests as four lanes, computes of
// Keccak-256 the 64 bits of a seal that are the highest of its number, and compares
// them with the target. A seal read big-endian has them in lane 0, bytes reversed,
// one read little-endian in lane 3.
func keccak(set Set, round style, bigEndian bool) *Program {
	p := &Program{Set: set}
	a := p.firstRound()
	for r := 1; r < 23; r++ {
		a = round(p, a, r)
	}
	v := p.lastRound(a, bigEndian)
	if set.Three {
		p.two(AtMost, 8, v, p.constant(target))
		return p
	}
	// Signed comparison is all there is; the target comes with its sign turned.
	over := p.two(Above, 8, p.xor(v, p.constant(top)), p.constant(target))
	p.Keep = []*Op{over.Value}
	return p
}

// firstRound begins with four lanes of digest, the padding's 1 in lane 4, its last
// bit in lane 16, and zeros.
func (p *Program) firstRound() lanes {
	var in [4]Arg
	for i := range in {
		in[i] = p.load(at(sums, p.Set.Width*i))
	}
	pad, last := p.constant(one), p.constant(top)
	// The two bits of padding cancel out in d[0].
	d := [5]Arg{
		p.rotate(8, 1, in[1]),
		p.xor(p.rotate(8, 1, in[2]), in[0]),
		p.xor3(8, p.rotate(8, 1, in[3]), in[1], last),
		p.xor(in[2], p.constant(two)),
		p.xor(p.rotate(8, 1, in[0]), in[3]),
	}
	var t lanes
	for x := range 5 {
		for y := range 5 {
			t[x][y] = d[x]
		}
	}
	for x := range in {
		t[x][0] = p.xor(in[x], d[x])
	}
	t[4][0] = p.xor(d[4], pad)
	t[1][3] = p.xor(d[1], last)
	var out lanes
	for y := range 5 {
		var b [5]Arg
		for x := range 5 {
			fx, fy := from(x, y)
			b[x] = p.rotate(8, rho[fx][fy], t[fx][fy])
		}
		for x := range 5 {
			out[x][y] = p.chi(b[x], b[(x+1)%5], b[(x+2)%5])
		}
		if y == 0 {
			out[0][0] = p.xor(out[0][0], p.constant(0))
		}
	}
	return out
}

// lastRound computes the one lane that is looked at.
func (p *Program) lastRound(a lanes, bigEndian bool) Arg {
	c := p.parities(a, [5]int{1, 4, 2, 0, 3}, [5]int{0, 1, 2, 3, 4})
	b := func(x int) Arg { // of row 0
		t := p.xor3(8, a[x][x], c[(x+4)%5], p.rotate(8, 1, c[(x+1)%5]))
		return p.rotate(8, rho[x][x], t)
	}
	if bigEndian {
		v := p.xor(p.chi(b(0), b(1), b(2)), p.constant(23))
		return p.shuffle(v, p.reverse())
	}
	return p.chi(b(3), b(4), b(0))
}

// parities returns the parity of each column, summed up by rows in the order given.
func (p *Program) parities(a lanes, columns, rows [5]int) (c [5]Arg) {
	if p.Set.Three {
		for _, x := range columns {
			c[x] = p.xor3(8, a[x][rows[0]], a[x][rows[1]], a[x][rows[2]])
			c[x] = p.xor3(8, c[x], a[x][rows[3]], a[x][rows[4]])
		}
		return c
	}
	for _, x := range columns {
		c[x] = p.xor(a[x][rows[0]], a[x][rows[1]])
	}
	for _, y := range rows[2:] {
		for _, x := range columns {
			c[x] = p.xor(c[x], a[x][y])
		}
	}
	return c
}

// merged puts all of theta into one Ternary a lane: the fewest operations. It is
// for machines that take two of them a cycle, and is written to be scheduled.
func merged(p *Program, a lanes, round int) lanes {
	rows := [5]int{0, 2, 4, 1, 3}
	sum := rows
	if round == 1 {
		sum = [5]int{0, 1, 2, 3, 4}
	}
	// One lane of each column waits in memory, so that a ternary can replace one of
	// the two column sums instead: a copy less.
	var waiting [5]Arg
	for x := range 5 {
		waiting[x] = p.store(a[x][2], scratch, p.Set.Width*(5*(round%4)+x))
	}
	c := p.parities(a, [5]int{1, 4, 2, 0, 3}, sum)
	var t lanes
	for _, x := range []int{0, 3, 1, 4, 2} {
		r := p.rotate(8, 1, c[(x+1)%5])
		for y := range 5 {
			if y != 2 {
				t[x][y] = p.ternary(parity3, 8, a[x][y], c[(x+4)%5], r)
			}
		}
		t[x][2] = p.ternary(parity3, 8, r, c[(x+4)%5], waiting[x])
		for y := range 5 {
			if y != 2 {
				t[x][2].Value.after = append(t[x][2].Value.after, t[x][y].Value)
			}
		}
	}
	var out lanes
	for _, y := range rows {
		var b [5]Arg
		for x := range 5 {
			fx, fy := from(x, y)
			b[x] = p.rotate(8, rho[fx][fy], t[fx][fy])
		}
		var last *Op
		for x := range 5 {
			out[x][y] = p.chi(b[x], b[(x+1)%5], b[(x+2)%5])
			// In this order a row needs two register copies.
			if last != nil {
				out[x][y].Value.after = append(out[x][y].Value.after, last)
			}
			last = out[x][y].Value
			if x == 0 && y == 0 {
				out[x][y] = p.xor(out[x][y], p.constant(round))
			}
		}
	}
	return out
}

// fused has theta's column sums as values of their own, and the chi of a row
// between the rotations of the next. It is written in the order in which it runs
// best where operations are given to their ports when they are decoded (Zen 4:
// rotates must alternate with others, and ternaries with all else).
func fused(p *Program, a lanes, round int) lanes {
	var (
		rows    = [5]int{3, 2, 0, 1, 4}
		columns = [5]int{3, 2, 1, 0, 4}
		places  = [5]int{1, 0, 4, 3, 2}
		sums    = [5]int{0, 2, 3, 1, 4}
		c, r, d [5]Arg
		b, out  lanes
	)
	// Half of the sums stand before the last row of the round before, see below.
	for _, x := range sums {
		c[x] = p.xor3(8, a[x][rows[0]], a[x][rows[1]], a[x][rows[2]])
	}
	have := [5]bool{}
	done := [5]bool{}
	for _, x := range sums {
		c[x] = p.xor3(8, c[x], a[x][rows[3]], a[x][rows[4]])
		r[x] = p.rotate(8, 1, c[x])
		have[x] = true
		for _, k := range []int{1, 4, 2, 0, 3} {
			if !done[k] && have[(k+4)%5] && have[(k+1)%5] {
				d[k], done[k] = p.xor(c[(k+4)%5], r[(k+1)%5]), true
			}
		}
	}
	theta := func(y int) []func() {
		var steps []func()
		var t [5]Arg
		rotate := func(x int) {
			fx, fy := from(x, y)
			b[x][y] = p.rotate(8, rho[fx][fy], t[x])
		}
		for i, x := range places {
			steps = append(steps, func() {
				fx, fy := from(x, y)
				t[x] = p.xor(a[fx][fy], d[fx])
			})
			if i > 0 {
				steps = append(steps, func() { rotate(places[i-1]) })
			}
		}
		return append(steps, func() { rotate(places[4]) })
	}
	chi := func(y int) []func() {
		var steps []func()
		for _, x := range columns {
			steps = append(steps, func() { out[x][y] = p.chi(b[x][y], b[(x+1)%5][y], b[(x+2)%5][y]) })
		}
		if y == 0 {
			steps = append(steps, func() { out[0][0] = p.xor(out[0][0], p.constant(round)) })
		}
		return steps
	}
	steps := theta(rows[0])
	for i := 1; i < 5; i++ {
		steps = append(steps, interleave(theta(rows[i]), 4, chi(rows[i-1]), 2)...)
	}
	for _, step := range append(steps, chi(rows[4])...) {
		step()
	}
	return out
}

// interleave merges two lists evenly, in pieces of m and n.
func interleave[T any](a []T, m int, b []T, n int) []T {
	pieces := func(s []T, k int) (out [][]T) {
		for len(s) > 0 {
			k = min(k, len(s))
			out = append(out, s[:k])
			s = s[k:]
		}
		return out
	}
	x, y := pieces(a, m), pieces(b, n)
	var out []T
	for i, j := 0, 0; i < len(x) || j < len(y); {
		if j == len(y) || i < len(x) && (i+1)*len(y) <= (j+1)*len(x) {
			out = append(out, x[i]...)
			i++
		} else {
			out = append(out, y[j]...)
			j++
		}
	}
	return out
}

// narrow is for sets without Ternary and with few registers: a row at a time, what
// is rotated by halves.
func narrow(p *Program, a lanes, round int) lanes {
	var (
		rows = [5]int{0, 2, 3, 1, 4}
		d    [5]Arg
		out  lanes
	)
	c := p.parities(a, [5]int{3, 0, 1, 4, 2}, [5]int{2, 0, 1, 3, 4})
	for _, x := range []int{4, 2, 0, 3, 1} {
		d[x] = p.xor(p.rotate(8, 1, c[(x+1)%5]), c[(x+4)%5])
	}
	for _, y := range rows {
		var b, left, right [5]Arg
		var t [5]Arg
		for x := range 5 {
			fx, fy := from(x, y)
			t[x] = p.xor(a[fx][fy], d[fx])
		}
		for x := range 5 {
			fx, fy := from(x, y)
			switch n := rho[fx][fy]; n {
			case 0:
				b[x] = t[x]
			case 8, 56:
				b[x] = p.shuffle(t[x], p.byteRotation(n))
			default:
				left[x], right[x] = p.rotateHalves(8, n, t[x])
			}
		}
		for x := range 5 {
			if left[x].Value != nil {
				b[x] = p.two(Or, 8, left[x], right[x])
			}
		}
		var n [5]Arg
		for x := range 5 {
			n[x] = p.andNot(b[(x+1)%5], b[(x+2)%5])
		}
		for x := range 5 {
			out[x][y] = p.xor(n[x], b[x])
		}
		if y == 0 {
			out[0][0] = p.xor(out[0][0], p.constant(round))
		}
	}
	return out
}

// byteRotation is where the places stand for a rotation by 8 or 56 bits.
func (p *Program) byteRotation(n int) Arg {
	i := keccakConstants + 1
	if n == 56 {
		i++
	}
	return at(constants, p.Set.Width*i)
}
