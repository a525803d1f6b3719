package main

import (
	"fmt"
	"slices"
)

// assigner turns operations into instructions. Values that find no register go to
// memory: those whose next use is the farthest (Belady's rule), and they are read
// from there as arguments where the instruction can.
type assigner struct {
	set   Set
	spill string // base register of the memory for values without a register
	out   []string

	ops  []*Op
	now  int
	uses map[*Op][]int // positions of what reads a value, ascending
	reg  map[*Op]int
	slot map[*Op]int
	free []int // registers
	room []int // slots that may be used again

	slots, copies, stores, loads int
}

// never is the position of a use that does not come.
const never = 1 << 30

// loadWithin is how soon a value in memory must be read again to be worth a
// register.
const loadWithin = 6

// assign writes the operations in the order given. It returns the instructions
// and the registers of the values that the program keeps.
func assign(p *Program, order []*Op, spill string) (*assigner, error) {
	a := &assigner{
		set: p.Set, spill: spill, ops: order,
		uses: make(map[*Op][]int), reg: make(map[*Op]int), slot: make(map[*Op]int),
	}
	for r := range p.Set.Registers {
		a.free = append(a.free, p.Set.Registers-1-r)
	}
	fixed := make(map[*Op]bool) // in register 0: what Rounds2 takes from there
	for i, o := range order {
		for _, arg := range o.Args {
			if arg.Value != nil {
				a.uses[arg.Value] = append(a.uses[arg.Value], i)
			}
		}
		if o.Code == Rounds2 {
			fixed[o.Args[2].Value] = true
		}
	}
	for _, o := range p.Keep {
		a.uses[o] = append(a.uses[o], len(order))
	}
	if len(fixed) > 0 {
		a.free = slices.DeleteFunc(a.free, func(r int) bool { return r == 0 })
	}
	for i, o := range order {
		a.now = i
		if err := a.op(o, fixed[o]); err != nil {
			return nil, fmt.Errorf("operation %d, %s: %w", i, names[o.Code], err)
		}
	}
	return a, nil
}

// next returns where a value is read the next time after the present operation.
func (a *assigner) next(v *Op) int {
	for _, i := range a.uses[v] {
		if i > a.now {
			return i
		}
	}
	return never
}

// take returns a free register and makes one where there is none, without
// touching the values in keep.
func (a *assigner) take(keep []Arg) (int, error) {
	if n := len(a.free); n > 0 {
		r := a.free[n-1]
		a.free = a.free[:n-1]
		return r, nil
	}
	var victim *Op
	far := -1
	for v := range a.reg {
		if slices.ContainsFunc(keep, func(k Arg) bool { return k.Value == v }) {
			continue
		}
		at := a.next(v)
		if _, ok := a.slot[v]; ok {
			at += 4 // it need not be written
		}
		// The register decides where all else is equal, so that each run of the
		// generator writes the same.
		if at > far || at == far && a.reg[v] < a.reg[victim] {
			victim, far = v, at
		}
	}
	if victim == nil {
		return 0, fmt.Errorf("%d registers do not hold its arguments", a.set.Registers)
	}
	r := a.reg[victim]
	delete(a.reg, victim)
	if _, ok := a.slot[victim]; !ok {
		s := a.slots
		if n := len(a.room); n > 0 {
			s = a.room[n-1]
			a.room = a.room[:n-1]
		} else {
			a.slots++
		}
		a.slot[victim] = s
		a.stores++
		a.move(a.name(r), a.spilled(victim))
	}
	return r, nil
}

// release gives back what values hold that nobody reads any more.
func (a *assigner) release(args []Arg) {
	for _, arg := range args {
		v := arg.Value
		if v == nil || a.next(v) != never {
			continue
		}
		if r, ok := a.reg[v]; ok {
			delete(a.reg, v)
			if r != 0 || !a.fixedZero() {
				a.free = append(a.free, r)
			}
		}
		if s, ok := a.slot[v]; ok {
			delete(a.slot, v)
			a.room = append(a.room, s)
		}
	}
}

// fixedZero reports whether register 0 is not for everybody.
func (a *assigner) fixedZero() bool { return a.set.Width == 16 }

func (a *assigner) spilled(v *Op) string {
	return fmt.Sprintf("%d(%s)", a.slot[v]*a.set.Width, a.spill)
}

// ready brings an argument into a register.
func (a *assigner) ready(arg Arg, keep []Arg) (string, error) {
	if arg.Value == nil {
		return "", fmt.Errorf("it cannot take this argument from memory")
	}
	r, ok := a.reg[arg.Value]
	if !ok {
		var err error
		if r, err = a.take(keep); err != nil {
			return "", err
		}
		a.loads++
		a.move(a.spilled(arg.Value), a.name(r))
		a.reg[arg.Value] = r
	}
	return a.name(r), nil
}

// either returns an argument where the instruction takes registers and memory.
func (a *assigner) either(arg Arg, keep []Arg) (text string, broadcast bool, err error) {
	if arg.Value == nil {
		return fmt.Sprintf("%d(%s)", arg.Mem.Offset, arg.Mem.Base), arg.Mem.Elem != 0, nil
	}
	if _, ok := a.reg[arg.Value]; !ok && a.next(arg.Value)-a.now > loadWithin {
		return a.spilled(arg.Value), false, nil
	}
	text, err = a.ready(arg, keep)
	return text, false, err
}

func (a *assigner) inRegister(arg Arg) bool {
	_, ok := a.reg[arg.Value]
	return arg.Value != nil && ok
}

// op writes one operation.
func (a *assigner) op(o *Op, zero bool) error {
	args := slices.Clone(o.Args)
	switch o.Code {
	case Ternary:
		return a.ternary(o)
	case Rounds2, Schedule1, Schedule2:
		return a.inPlace(o)
	case Xor, And, Or, Add:
		// The second may be in memory, and they are the same either way.
		if !a.inRegister(args[0]) && (a.inRegister(args[1]) || args[0].Value == nil) {
			args[0], args[1] = args[1], args[0]
		}
	}
	var (
		text      []string
		broadcast bool
	)
	for i, arg := range args {
		var (
			t   string
			b   bool
			err error
		)
		if i == 0 && o.Code != Load && o.Code != Broadcast && o.Code != LoadLow {
			t, err = a.ready(arg, args)
		} else {
			t, b, err = a.either(arg, args)
		}
		if err != nil {
			return err
		}
		text, broadcast = append(text, t), broadcast || b
	}
	a.release(args)
	switch o.Code {
	case Store, StoreLow, StoreHigh:
		a.emit(a.mnemonic(o), text[0], fmt.Sprintf("%d(%s)", o.To.Offset, o.To.Base))
		return nil
	case AtMost:
		a.emit(a.mnemonic(o)+".BCST", "$2", text[1], text[0], "K1")
		return nil
	}
	to, err := a.result(o, zero)
	if err != nil {
		return err
	}
	slices.Reverse(text) // Go's assembler has the last argument first
	if imm, ok := o.immediate(); ok {
		text = append([]string{fmt.Sprintf("$%d", imm)}, text...)
	}
	name := a.mnemonic(o)
	if broadcast && o.Code != Broadcast {
		name += ".BCST"
	}
	a.emit(name, append(text, to)...)
	return nil
}

// result takes a register for what an operation makes.
func (a *assigner) result(o *Op, zero bool) (string, error) {
	r := 0
	if !zero {
		var err error
		if r, err = a.take(nil); err != nil {
			return "", err
		}
	}
	a.reg[o] = r
	return a.name(r), nil
}

// immediate returns the number that is part of an instruction.
func (o *Op) immediate() (int, bool) {
	switch o.Code {
	case RotateLeft, ShiftLeft, ShiftRight:
		return o.Imm, true
	case Align4:
		return 4, true
	case SwapHalves:
		return 0x0e, true
	}
	return 0, false
}

// ternary writes an operation whose result replaces one of its arguments: one that
// nobody reads any more where there is such, else a copy.
func (a *assigner) ternary(o *Op) error {
	tied := -1
	for i, arg := range o.Args {
		if a.inRegister(arg) && a.next(arg.Value) == never {
			tied = i
			break
		}
	}
	args := o.Args
	copied := tied < 0
	if copied {
		tied = slices.IndexFunc(args, func(arg Arg) bool { return arg.Value != nil })
	}
	first, err := a.ready(args[tied], args)
	if err != nil {
		return err
	}
	others := []int{(tied + 1) % 3, (tied + 2) % 3}
	slices.Sort(others)
	if args[others[0]].Value == nil { // memory comes last
		slices.Reverse(others)
	}
	second, err := a.ready(args[others[0]], args)
	if err != nil {
		return err
	}
	third, broadcast, err := a.either(args[others[1]], args)
	if err != nil {
		return err
	}
	table := permute(o.Imm, [3]int{tied, others[0], others[1]})
	if copied {
		a.release(args)
		r, err := a.take(args)
		if err != nil {
			return err
		}
		a.copies++
		a.move(first, a.name(r))
		first = a.name(r)
		a.reg[o] = r
	} else {
		r := a.reg[args[tied].Value]
		delete(a.reg, args[tied].Value)
		a.release(args)
		a.reg[o] = r
	}
	name := a.mnemonic(o)
	if broadcast {
		name += ".BCST"
	}
	a.emit(name, fmt.Sprintf("$0x%02x", table), third, second, first)
	return nil
}

// permute returns the table of a Ternary whose arguments come in another order.
func permute(table int, order [3]int) int {
	out := 0
	for at := range 8 {
		var bit [3]int
		for k, arg := range order {
			bit[arg] = at >> (2 - k) & 1
		}
		out |= table >> (4*bit[0] + 2*bit[1] + bit[2]) & 1 << at
	}
	return out
}

// inPlace writes an instruction of the SHA extensions, which replace their first
// argument.
func (a *assigner) inPlace(o *Op) error {
	args := o.Args
	var to string
	r := -1
	if v := args[0].Value; v != nil && a.inRegister(args[0]) && a.next(v) == never {
		r = a.reg[v]
		to = a.name(r)
	} else {
		from, _, err := a.either(args[0], args)
		if err != nil {
			return err
		}
		if r, err = a.take(args); err != nil {
			return err
		}
		to = a.name(r)
		a.copies++
		a.move(from, to)
	}
	second, _, err := a.either(args[1], args)
	if err != nil {
		return err
	}
	if v := args[0].Value; v != nil && a.reg[v] == r && a.inRegister(args[0]) {
		delete(a.reg, v)
	}
	a.release(args)
	a.reg[o] = r
	if o.Code == Rounds2 {
		a.emit(a.mnemonic(o), "X0", second, to)
	} else {
		a.emit(a.mnemonic(o), second, to)
	}
	return nil
}
