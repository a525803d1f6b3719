package main

// What SHA-256 makes of a job before it searches, by index of words: all that does
// not depend on word 0 of the block, which alone varies.
const (
	roundAt    = 0           // 64: constant of the round, with what else is constant there
	scheduleAt = 64          // 64: the constant part of a word of the message schedule
	firstAt    = 128         // 2: the new a and e of round 0, without word 0
	finalAt    = firstAt + 2 // 8: what is added at the end
	stateAt    = finalAt + 8 // 8: the state before the block
	foldedEnd  = stateAt + 8 // 146
	wordAt     = 0           // after them, in vectors: word 0 of the next nonces
	stepAt     = 1           // what is added to it
	swapAt     = 2           // how Shuffle reverses the bytes of words
	vectorsEnd = 3
)

// word returns a folded word in every element.
func (p *Program) word(i int) Arg {
	if p.Set.Three {
		return each(folded, 4*i, 4)
	}
	return at(folded, p.Set.Width*i)
}

// vector returns one of the vectors behind the folded words.
func (p *Program) vector(i int) Arg {
	size := p.Set.Width
	if p.Set.Three {
		size = 4
	}
	begin := (size*foldedEnd + 63) &^ 63
	return at(folded, begin+p.Set.Width*i)
}

// scheduleForm tells of each word of the message schedule whether it varies with
// word 0 of the block, and whether a constant is part of it.
func scheduleForm() (varies, constant [64]bool) {
	varies[0] = true
	for n := 16; n < 64; n++ {
		for _, k := range []int{2, 7, 15, 16} {
			if varies[n-k] {
				varies[n] = true
			} else {
				constant[n] = true
			}
		}
	}
	return varies, constant
}

// sha256 returns the program that computes as many digests as fit, and writes them
// as the lanes that Keccak reads. Word 0 of the next nonces stands in memory and is
// stepped there. Of two vectors of lanes the first has the nonces whose words are
// the first two of each 16 bytes.
func sha256(set Set) *Program {
	p := &Program{Set: set}
	varies, constant := scheduleForm()
	rotr := func(n int, x Arg) Arg { return p.rotate(4, -n, x) }
	sum := func(x Arg, r, s, u int) Arg { return p.xor3(4, rotr(r, x), rotr(s, x), rotr(u, x)) }
	sigma := func(x Arg, r, s, shift int) Arg {
		return p.xor3(4, rotr(r, x), rotr(s, x), p.one(ShiftRight, 4, shift, x))
	}

	w := [64]Arg{0: p.load(p.vector(wordAt))}
	p.store(p.add4(w[0], p.vector(stepAt)), folded, p.vector(wordAt).Mem.Offset)
	schedule := func(n int) {
		var terms []Arg
		for _, k := range []int{2, 7, 15, 16} {
			switch {
			case !varies[n-k]:
			case k == 2:
				terms = append(terms, sigma(w[n-2], 17, 19, 10))
			case k == 15:
				terms = append(terms, sigma(w[n-15], 7, 18, 3))
			default:
				terms = append(terms, w[n-k])
			}
		}
		if constant[n] {
			terms = append(terms, p.word(scheduleAt+n))
		}
		w[n] = terms[0]
		for _, t := range terms[1:] {
			w[n] = p.add4(w[n], t)
		}
	}

	state := func(i int) Arg { return p.word(stateAt + i) }
	a, e := p.add4(w[0], p.word(firstAt)), p.add4(w[0], p.word(firstAt+1))
	b, c, f, g := p.load(state(0)), p.load(state(1)), p.load(state(4)), p.load(state(5))
	// The word d of a round is the a of four rounds before. It waits in memory.
	d := [68]Arg{1: state(2), 2: state(1), 3: state(0)}
	wait := func(t int, v Arg) {
		if t < 64 {
			d[t] = p.store(v, scratch, p.Set.Width*(t%8))
		}
	}
	wait(4, a)
	var (
		h   Arg // with the round's constant and word; constant in the first rounds, and part of the constant
		ab  Arg // b ^ c of the round, where majority wants it
		d63 Arg
		g63 Arg
	)
	if !set.Three {
		ab = p.xor(b, c)
	}
	for t := 1; t < 64; t++ {
		s1 := sum(e, 6, 11, 25)
		if n := t + 1; n >= 16 && n < 64 && varies[n] {
			schedule(n)
		}
		t1 := p.choose(e, f, g)
		if t < 4 {
			t1 = p.add4(t1, p.word(roundAt+t))
		} else {
			t1 = p.add4(t1, h)
		}
		t1 = p.add4(t1, s1)
		e2 := p.add4(t1, d[t])
		s0 := sum(a, 2, 13, 22)
		var m Arg
		m, ab = p.most(a, b, c, ab)
		a2 := p.add4(t1, p.add4(s0, m))
		if n := t + 1; n >= 4 && n < 64 {
			h = p.word(roundAt + n)
			if varies[n] {
				h = p.add4(w[n], h)
			}
			h = p.add4(g, h)
		}
		d63, g63 = c, g
		a, b, c, e, f, g = a2, a, b, e2, e, f
		wait(t+4, a2)
	}
	// The constant of round 63 has word 0 of the state in it: a is done.
	out := [8]Arg{a, b, c, d63, e, f, g, g63}
	swap := p.load(p.vector(swapAt))
	for i := range out {
		if i > 0 {
			out[i] = p.add4(out[i], p.word(finalAt+i))
		}
		out[i] = p.shuffle(out[i], swap)
	}
	for i := range 4 {
		low := p.two(UnpackLow, 4, out[2*i], out[2*i+1])
		high := p.two(UnpackHigh, 4, out[2*i], out[2*i+1])
		p.store(low, sums, p.Set.Width*i)
		p.store(high, sums, p.Set.Width*(4+i))
	}
	return p
}

// choose is e ? f : g.
func (p *Program) choose(e, f, g Arg) Arg {
	if p.Set.Three {
		return p.ternary(chooses, 4, e, f, g)
	}
	return p.xor(p.two(And, 8, p.xor(f, g), e), g)
}

// most is the majority of a, b and c. It takes b ^ c and returns a ^ b, which is
// that of the next round.
func (p *Program) most(a, b, c, bc Arg) (m, ab Arg) {
	if p.Set.Three {
		return p.ternary(majority, 4, a, b, c), Arg{}
	}
	ab = p.xor(a, b)
	return p.xor(p.two(And, 8, ab, bc), b), ab
}
