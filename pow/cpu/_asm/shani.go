package main

// Vectors of four words that SHA-256 makes of a job, for the SHA extensions.
const (
	niRounds   = 0  // 16: constants of four rounds, with the words of the block that are constant
	niSchedule = 16 // 4: the constant part of words 16 to 31, before Schedule2
	niABEF     = 20 // the state before the block
	niCDGH     = 21
	niSwap     = 22 // how Shuffle reverses the order of all bytes
	niLast     = 23 // words 12 to 15 of the block
	niEnd      = 24
)

// streams is how many digests are computed side by side, so that one's rounds run
// while another's wait.
const streams = 4

// words of the nonces of one call lie behind the constants: word 0 and three zeros
// each.
const niWords = 16 * niEnd

// extensions returns the program that computes four digests by the SHA extensions
// and writes them as lanes: of the four digests each lane side by side.
func extensions(lanes, first int) *Program {
	p := &Program{Set: shani}
	vector := func(i int) Arg { return at(folded, 16*i) }
	type stream struct {
		abef, cdgh Arg
		m          [16]Arg // four words of the schedule each
	}
	var s [streams]stream
	rounds := func(s *stream, k Arg) { // four of them, with their words and constants
		s.cdgh = p.add(Op{Code: Rounds2, Args: []Arg{s.cdgh, s.abef, k}})
		if k.Value.Code == Load { // constant: load what it needs
			m := k.Value.Args[0]
			m.Mem.Offset += 8
			k = p.add(Op{Code: LoadLow, Args: []Arg{m}})
		} else {
			k = p.add(Op{Code: SwapHalves, Args: []Arg{k}})
		}
		s.abef = p.add(Op{Code: Rounds2, Args: []Arg{s.abef, s.cdgh, k}})
	}
	schedule := func(s *stream, j int) {
		last := s.m[j-1]
		var v Arg
		switch j {
		case 4: // the first sum of it varies with word 0
			v = p.add4(s.m[0], vector(niSchedule))
			last = vector(niLast)
		case 5, 6:
			before := vector(niLast)
			if j == 6 {
				before = s.m[4]
			}
			v = p.add4(p.add(Op{Code: Align4, Args: []Arg{last, before}}), vector(niSchedule+j-4))
		default:
			first := s.m[j-4]
			if j == 7 {
				first = vector(niLast)
			}
			v = p.add(Op{Code: Schedule1, Args: []Arg{first, s.m[j-3]}})
			v = p.add4(v, p.add(Op{Code: Align4, Args: []Arg{last, s.m[j-2]}}))
		}
		s.m[j] = p.add(Op{Code: Schedule2, Args: []Arg{v, last}})
	}
	for j := range 16 {
		for i := range s {
			switch {
			case j == 0:
				s[i].m[0] = p.load(at("R9", 16*(first+i)))
				k := p.add4(s[i].m[0], vector(niRounds))
				s[i].abef, s[i].cdgh = p.load(vector(niABEF)), p.load(vector(niCDGH))
				rounds(&s[i], k)
			case j < 4:
				rounds(&s[i], p.load(vector(niRounds+j)))
			default:
				rounds(&s[i], p.add4(s[i].m[j], vector(niRounds+j)))
			}
		}
		if j >= 3 && j < 15 {
			for i := range s {
				schedule(&s[i], j+1)
			}
		}
	}
	for i := range s {
		abef := p.shuffle(p.add4(s[i].abef, vector(niABEF)), vector(niSwap))
		cdgh := p.shuffle(p.add4(s[i].cdgh, vector(niCDGH)), vector(niSwap))
		to := func(code Code, v Arg, lane int) {
			p.add(Op{Code: code, Args: []Arg{v}, To: Mem{Base: sums, Offset: 8*(first+i) + 8*lanes*lane}})
		}
		to(StoreLow, abef, 0)
		to(StoreHigh, abef, 2)
		to(StoreLow, cdgh, 1)
		to(StoreHigh, cdgh, 3)
	}
	return p
}
