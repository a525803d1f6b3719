package metagraph

import (
	"fmt"
	"strconv"
	"strings"
)

// SDK is a release of the Python SDK, whose metagraph Metagraph.As reproduces.
type SDK struct {
	Major, Minor, Patch int
	// Torch says that its arrays are torch's (USE_TORCH=1) and not NumPy's. Version
	// 6 knows only torch.
	Torch bool
}

// ParseSDK reads a version such as "9.8.3". Versions 6 to 10 have metagraphs made
// of arrays; the error names them for any other.
func ParseSDK(version string) (SDK, error) {
	var n [3]int
	parts := strings.Split(version, ".")
	ok := len(parts) == len(n)
	for i := 0; ok && i < len(n); i++ {
		v, err := strconv.ParseUint(parts[i], 10, 9)
		n[i], ok = int(v), err == nil
	}
	if !ok || n[0] < 6 || n[0] > 10 {
		return SDK{}, fmt.Errorf("%q is no version of the Python SDK with arrays: write one from 6.0.0 to 10.5.0", version)
	}
	return SDK{Major: n[0], Minor: n[1], Patch: n[2], Torch: n[0] == 6}, nil
}

// String returns the version, as the SDK's metadata() gives it.
func (s SDK) String() string { return fmt.Sprintf("%d.%d.%d", s.Major, s.Minor, s.Patch) }

// from reports whether the release is a version or a later one.
func (s SDK) from(major, minor, patch int) bool {
	for _, d := range [...]int{s.Major - major, s.Minor - minor, s.Patch - patch} {
		if d != 0 {
			return d > 0
		}
	}
	return true
}

// number returns the version as the SDK counts it in the array version.
func (s SDK) number() int64 {
	base := int64(1000)
	if !s.from(7, 2, 0) {
		base = 10
	}
	return (int64(s.Major)*base+int64(s.Minor))*base + int64(s.Patch)
}

// Array is an array as NumPy or torch holds it.
type Array struct {
	Name  string
	Shape []int // empty for a single number
	// Data is a []float32, []int64 or []bool, row by row.
	Data any
}

// As returns the arrays of the metagraph as a release of the Python SDK holds
// them: its attributes, in the order of its state_dict, with its types, shapes
// and values. Numbers and flags that bt holds as integers or bools are int64
// where they are in the SDK.
//
// The short views (S, W, B and so on) follow the newest release whose answers
// are those of the block's era, which differ in these respects from others:
//
//   - stake and total_stake are the sum of the neuron's stake list up to version
//     8, and get_subnet_state's total_stake from 9 on, as views have it from spec
//     233 on. Version 9 and later have no stake for older blocks.
//   - bonds are float32 in every release with NumPy, as views are: the wheels
//     convert each row, 7.0.0 to 7.1.2 in bittensor/metagraph.py:669, 7.2.0 to
//     7.3.1 in line 673, 7.4.0 in 678, 8.0.0 in bittensor/core/metagraph.py:726,
//     9.8.3 in 715 and 10.5.0 in 684. With torch they are int64, float32 where some
//     neuron has none. (Those lines fail with torch in all releases from 7.0.0 on
//     but 7.4.0, which asks first; the arrays are what 6 and 7.4.0 have.) They are
//     int64, and empty, before a full sync and on the root subnet, and float32
//     after a full sync of a subnet without neurons.
//   - ranks and trust are gone from 10.0.1 on: they are zeros from spec 397 on.
//   - weights are divided by NumPy's sum. torch sums long rows in an order that
//     depends on the processor: above 256 weights it may differ in the last bit.
//
// Before the first sync n and block have the shape [1], the other columns none.
func (m *Metagraph) As(s SDK) []Array {
	n := m.N()
	scalar := []int{}
	if n == 0 && m.Block == 0 {
		scalar = []int{1}
	}
	floats := func(name string, v []float32) Array { return Array{name, []int{len(v)}, list(v)} }
	ints := func(name string, at func(i int) int64) Array {
		v := make([]int64, n)
		for i := range v {
			v[i] = at(i)
		}
		return Array{name, []int{n}, v}
	}
	all := []Array{
		{"version", []int{1}, []int64{s.number()}},
		{"n", scalar, []int64{int64(n)}},
		{"block", scalar, []int64{int64(m.Block)}},
	}
	if !s.from(9, 0, 0) {
		sum := amounts(m.listed(), 1)
		all = append(all, floats("stake", sum), floats("total_stake", sum))
	}
	if !s.from(10, 0, 1) {
		all = append(all, floats("ranks", m.R()), floats("trust", m.T()))
	}
	all = append(
		all,
		floats("consensus", m.C()), floats("validator_trust", m.Tv()), floats("incentive", m.I()),
		floats("emission", m.E()), floats("dividends", m.D()),
		ints("active", func(i int) int64 {
			if m.Active[i] {
				return 1
			}
			return 0
		}),
		ints("last_update", func(i int) int64 { return int64(m.LastUpdate[i]) }),
		Array{"validator_permit", []int{n}, list(m.ValidatorPermit)},
		matrix("weights", &m.Weights, true),
		m.bonds(s),
		ints("uids", func(i int) int64 { return int64(i) }),
	)
	if s.from(9, 0, 0) {
		for _, c := range []struct {
			name string
			v    []float32
		}{{"alpha_stake", m.AS()}, {"tao_stake", m.TS()}, {"stake", m.S()}, {"total_stake", m.S()}} {
			switch {
			case m.TaoStake != nil:
				all = append(all, floats(c.name, c.v))
			case s.Torch:
				all = append(all, floats(c.name, nil))
			default:
				all = append(all, Array{c.name, []int{0}, []int64{}})
			}
		}
	}
	return all
}

// listed returns the sums of the stake lists.
func (m *Metagraph) listed() []uint64 {
	sums := make([]uint64, len(m.Stakes))
	for i, l := range m.Stakes {
		for _, e := range l {
			sums[i] += e.Amount
		}
	}
	return sums
}

// bonds returns the bonds with the type that stacking the rows gave: rows without
// entries are float32, others too with NumPy and int64 with torch.
func (m *Metagraph) bonds(s SDK) Array {
	x := &m.Bonds
	if x.Rows() == 0 && (m.MatrixBlock == 0 || m.Netuid == 0) {
		return Array{"bonds", []int{0}, []int64{}}
	}
	a := matrix("bonds", x, false)
	if values := a.Data.([]float32); s.Torch && x.Rows() > 0 && !x.gap() {
		ints := make([]int64, len(values))
		for i, v := range values {
			ints[i] = int64(v)
		}
		a.Data = ints
	}
	return a
}

// gap reports whether some row has no entries.
func (x *Matrix) gap() bool {
	for i := range x.Rows() {
		if x.Starts[i] == x.Starts[i+1] {
			return true
		}
	}
	return false
}

// matrix returns a dense matrix, or an empty vector for an empty one.
func matrix(name string, x *Matrix, normalize bool) Array {
	if x.Rows() == 0 {
		return Array{name, []int{0}, []float32{}}
	}
	return Array{name, []int{x.Rows(), x.Cols()}, x.fill(normalize)}
}

func list[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}
