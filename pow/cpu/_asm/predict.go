package main

// predict returns how many cycles a machine takes for a turn among many: cycle by
// cycle it starts the oldest operations that are ready, among as many as it looks
// ahead. Turns need nothing of each other.
func predict(bodies []body, m Machine) float64 {
	const few, many = 2, 6
	return float64(m.run(bodies, many)-m.run(bodies, few)) / (many - few)
}

// run returns after how many cycles all operations of some turns have started.
func (m Machine) run(bodies []body, turns int) (cycles int) {
	type step struct {
		op    *Op
		needs []int
	}
	var steps []step
	for range turns {
		for _, b := range bodies {
			at := make(map[*Op]int)
			for _, o := range b.ops() {
				s := step{op: o}
				for _, a := range o.Args {
					if on := a.needs(); on != nil {
						s.needs = append(s.needs, at[on])
					}
				}
				at[o] = len(steps)
				steps = append(steps, s)
			}
		}
	}
	there := make([]int, len(steps)) // the cycle from which on a result is there
	for i := range there {
		there[i] = never
	}
	owed := 0 // ternaries that a store took of this cycle
	for first := 0; first < len(steps); cycles++ {
		left := m
		left.Ternaries -= owed
		for i, seen := first, 0; i < len(steps) && seen < m.Window; i++ {
			if there[i] != never {
				continue
			}
			seen++
			ready := true
			for _, on := range steps[i].needs {
				ready = ready && there[on] <= cycles
			}
			if o := steps[i].op; ready && left.start(o) {
				there[i] = cycles + m.latency(o)
			}
		}
		owed = max(-left.Ternaries, 0)
		for first < len(steps) && there[first] != never {
			first++
		}
	}
	return cycles
}

// ops returns the operations in the order in which they are written.
func (b body) ops() []*Op {
	if b.order != nil {
		return b.order
	}
	return b.program.Ops
}

// start takes what an operation needs of a cycle, and reports whether it was left.
// A place that a store takes beyond the cycle's own is that of the next one.
func (m *Machine) start(o *Op) bool {
	kind := &m.Slots
	switch {
	case o.Code == Store:
		if m.StoreTernaries == 0 {
			return true
		}
		if m.Ternaries < 1 {
			return false
		}
		m.Ternaries -= m.StoreTernaries
		return true
	case o.free() || o.Code == StoreLow || o.Code == StoreHigh:
		return true
	case o.rotates():
		kind = &m.Rotates
	case o.Code == Ternary:
		kind = &m.Ternaries
	case o.Code == Rounds2:
		kind = &m.Rounds
	}
	if m.Slots < 1 || *kind < 1 {
		return false
	}
	if m.Slots--; kind != &m.Slots {
		*kind--
	}
	return true
}
