package main

import (
	"cmp"
	"fmt"
	"slices"
)

// Machine is a model of a core, as far as the order of operations matters to it.
type Machine struct {
	Slots     int // vector operations a cycle
	Rotates   int // of them rotates and shifts
	Ternaries int // of them ternaries
	Rounds    int // of them rounds of the SHA extensions

	Latency       int // cycles from an operation to one that reads it
	RotateLatency int
	RoundsLatency int
	Memory        int // cycles from a store to an operation that reads it

	StoreTernaries int // ternaries that a store takes the place of
	Window         int // operations, in the order given, among which the next is looked for
	Live           int // values that may be in registers
}

var (
	// intel is a core with two ports for vectors of 64 bytes, one of which rotates
	// (seal-kernel notes: measured 2.00 and 1.00 operations a cycle). It is given
	// operations in an order of ours.
	intel = Machine{
		Slots: 2, Rotates: 1, Ternaries: 2, Rounds: 1,
		Latency: 1, RotateLatency: 1, RoundsLatency: 4, Memory: 5, Window: 60, Live: 32,
	}
	// zen4 is AMD's of that family, where a ternary with three operands issues once a
	// cycle and a store of 64 bytes takes two of its turns (measured there).
	zen4 = Machine{
		Slots: 2, Rotates: 1, Ternaries: 1, Rounds: 1,
		Latency: 1, RotateLatency: 2, RoundsLatency: 4, Memory: 7, StoreTernaries: 2, Window: 64, Live: 32,
	}
	// With vectors of 32 bytes both have more ports, two of which rotate.
	intelNarrow = Machine{
		Slots: 3, Rotates: 2, Rounds: 1,
		Latency: 1, RotateLatency: 1, RoundsLatency: 4, Memory: 5, Window: 97,
	}
	zen4Narrow = Machine{
		Slots: 4, Rotates: 2, Rounds: 1,
		Latency: 1, RotateLatency: 1, RoundsLatency: 4, Memory: 7, Window: 64,
	}
)

// latency is after how many cycles what an operation makes can be read.
func (m Machine) latency(o *Op) int {
	switch {
	case o.Code == Store:
		return m.Memory
	case o.free():
		return 0
	case o.rotates() || o.Code == Shuffle:
		return m.RotateLatency
	case o.Code == Rounds2 || o.Code == Schedule1 || o.Code == Schedule2:
		return m.RoundsLatency
	}
	return m.Latency
}

func (o *Op) rotates() bool {
	return o.Code == RotateLeft || o.Code == ShiftLeft || o.Code == ShiftRight
}

// free reports whether an operation takes no slot for vector arithmetic.
func (o *Op) free() bool { return o.Code == Load || o.Code == Broadcast || o.Code == Store }

// node is an operation that is to be scheduled.
type node struct {
	op       *Op
	index    int // in program order
	before   []edge
	users    []*node
	distance int // cycles from here to the end of the longest chain
	issued   bool
	cycle    int
}

type edge struct {
	from *node
	wait int
}

// fromMemory is about how many cycles before its use a load should be.
const fromMemory = 7

// needs returns what must be there before the argument is read, nil for nothing.
func (a Arg) needs() *Op {
	if a.Value != nil {
		return a.Value
	}
	return a.after
}

// schedule returns the operations of a program in the order in which the machine
// is given them: cycle by cycle what is ready, longest chain first, as long as the
// values alive fit the registers.
func schedule(p *Program, m Machine) ([]*Op, error) {
	nodes, of := make([]*node, len(p.Ops)), make(map[*Op]*node)
	for i, o := range p.Ops {
		n := &node{op: o, index: i}
		nodes[i], of[o] = n, n
		depend := func(on *Op, wait int) {
			from := of[on]
			n.before = append(n.before, edge{from, wait})
			from.users = append(from.users, n)
		}
		for _, a := range o.Args {
			if on := a.needs(); on != nil {
				depend(on, m.latency(on))
			}
		}
		for _, on := range o.after {
			depend(on, 0)
		}
	}
	for _, n := range slices.Backward(nodes) {
		wait := m.latency(n.op)
		if n.op.free() && n.op.Code != Store {
			wait = fromMemory
		}
		for _, u := range n.users {
			n.distance = max(n.distance, u.distance+wait)
		}
	}
	s := scheduler{m: m, left: useCounts(p), live: make(map[*Op]bool)}
	todo := nodes
	for len(todo) > 0 {
		if s.cycle > 1<<17 {
			return nil, fmt.Errorf("no order found: %d of %d operations are left, %d values alive", len(todo), len(nodes), len(s.live))
		}
		s.step(todo[:min(len(todo), m.Window)])
		todo = slices.DeleteFunc(todo, func(n *node) bool { return n.issued })
		s.cycle++
	}
	return s.order, nil
}

// useCounts returns how often each value is an argument.
func useCounts(p *Program) map[*Op]int {
	uses := make(map[*Op]int)
	for _, o := range p.Ops {
		for _, a := range o.Args {
			if a.Value != nil {
				uses[a.Value]++
			}
		}
	}
	for _, o := range p.Keep {
		uses[o]++
	}
	return uses
}

type scheduler struct {
	m     Machine
	cycle int
	order []*Op
	left  map[*Op]int // uses of a value that are to come
	live  map[*Op]bool
}

// step issues what one cycle takes.
func (s *scheduler) step(window []*node) {
	var ready []*node
	for _, n := range window {
		ok := true
		for _, e := range n.before {
			ok = ok && e.from.issued && e.from.cycle+e.wait <= s.cycle
		}
		if ok {
			ready = append(ready, n)
		}
	}
	slices.SortStableFunc(ready, func(a, b *node) int {
		return cmp.Or(cmp.Compare(b.distance, a.distance), cmp.Compare(a.index, b.index))
	})
	for _, n := range ready {
		if n.op.free() && (n.op.Code == Store || len(s.live)+s.growth(n.op) <= s.m.Live-2) {
			s.issue(n)
		}
	}
	// The port that rotates is given a rotate first.
	slots, rotates := s.m.Slots, s.m.Rotates
	for _, wanted := range []bool{true, false} {
		for _, n := range ready {
			if n.issued || n.op.free() || n.op.rotates() != wanted || slots == 0 || wanted && rotates == 0 {
				continue
			}
			if len(s.live)+max(s.growth(n.op), 0) <= s.m.Live {
				s.issue(n)
				slots--
				if wanted {
					rotates--
				}
			}
		}
	}
}

// growth is by how much an operation changes the number of live values.
func (s *scheduler) growth(o *Op) int {
	n := 0
	if o.makes() {
		n++
	}
	for v, k := range argCounts(o) {
		if s.left[v] == k {
			n--
		}
	}
	return n
}

func (s *scheduler) issue(n *node) {
	n.issued, n.cycle = true, s.cycle
	s.order = append(s.order, n.op)
	for v, k := range argCounts(n.op) {
		if s.left[v] -= k; s.left[v] == 0 {
			delete(s.live, v)
		}
	}
	if n.op.makes() {
		s.live[n.op] = true
	}
}

func argCounts(o *Op) map[*Op]int {
	counts := make(map[*Op]int, 3)
	for _, a := range o.Args {
		if a.Value != nil {
			counts[a.Value]++
		}
	}
	return counts
}

// makes reports whether an operation makes a value that takes a register.
func (o *Op) makes() bool {
	switch o.Code {
	case Store, StoreLow, StoreHigh, AtMost:
		return false
	}
	return true
}
