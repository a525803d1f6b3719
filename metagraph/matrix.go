package metagraph

import "github.com/bittensor-go/bt/subtensor"

// Matrix is a sparse matrix in compressed rows, one a neuron, as the chain gives
// them. The zero Matrix is empty: it has no rows.
type Matrix struct {
	// Starts has one number more than there are rows: row i is the entries
	// Starts[i] to Starts[i+1]. It is nil for an empty matrix.
	Starts []uint32
	// Entries name a column by the uid it stands for: the netuid in weights of the
	// root subnet.
	Entries []subtensor.WeightEntry
	// Columns are the ids that columns of dense matrices stand for, ascending: the
	// subnets that exist, in weights of the root subnet. Where it is nil there is a
	// column for each row, and its index is the id.
	Columns []uint16
}

// NewMatrix compresses rows. The entries are copied. Columns may be nil; see
// Matrix.
func NewMatrix(rows [][]subtensor.WeightEntry, columns []uint16) Matrix {
	if len(rows) == 0 {
		return Matrix{}
	}
	n := 0
	for _, r := range rows {
		n += len(r)
	}
	x := Matrix{Starts: make([]uint32, 1, len(rows)+1), Columns: columns}
	if n > 0 {
		x.Entries = make([]subtensor.WeightEntry, 0, n)
	}
	for _, r := range rows {
		x.Entries = append(x.Entries, r...)
		x.Starts = append(x.Starts, uint32(len(x.Entries)))
	}
	return x
}

// Rows returns the number of rows, 0 for an empty matrix.
func (x *Matrix) Rows() int { return max(0, len(x.Starts)-1) }

// Cols returns the number of columns of the dense matrix.
func (x *Matrix) Cols() int {
	if x.Columns != nil {
		return len(x.Columns)
	}
	return x.Rows()
}

// Row returns the entries of a row, nil for a row that the matrix does not have.
// The result aliases the matrix.
func (x *Matrix) Row(i int) []subtensor.WeightEntry {
	if i < 0 || i >= x.Rows() {
		return nil
	}
	from, to := x.Starts[i], x.Starts[i+1]
	if from == to {
		return nil
	}
	return x.Entries[from:to:to]
}

// Dense returns the values as they are, as a matrix of Rows x Cols whose rows lie
// one after the other in memory. Entries for which there is no column are passed
// over; of two entries for one column the last counts.
func (x *Matrix) Dense() [][]float32 { return x.dense(false) }

// Normalized returns the matrix that Dense returns with each row divided by its
// sum. Rows that sum to zero stay zero.
//
// Sums are what the Python SDK gets from NumPy for rows of up to 8192 columns, to
// the bit: exact up to 256 weights, and beyond that rounded to float32 in NumPy's
// order. (The SDK can use torch instead, whose order depends on the processor.)
func (x *Matrix) Normalized() [][]float32 { return x.dense(true) }

func (x *Matrix) dense(normalize bool) [][]float32 {
	n, width := x.Rows(), x.Cols()
	if n == 0 {
		return nil
	}
	rows := make([][]float32, n)
	all := x.fill(normalize)
	for i := range rows {
		rows[i] = all[i*width : (i+1)*width : (i+1)*width]
	}
	return rows
}

// fill returns the rows of the dense matrix one after the other.
func (x *Matrix) fill(normalize bool) []float32 {
	n, width := x.Rows(), x.Cols()
	var index map[uint16]int
	if x.Columns != nil {
		index = make(map[uint16]int, width)
		for i, id := range x.Columns {
			index[id] = i
		}
	}
	all := make([]float32, n*width)
	for i := range n {
		row := all[i*width : (i+1)*width : (i+1)*width]
		var sum uint64
		for _, e := range x.Row(i) {
			at := int(e.UID)
			if index != nil {
				var ok bool
				if at, ok = index[e.UID]; !ok {
					continue
				}
			} else if at >= width {
				continue
			}
			sum += uint64(e.Value) - uint64(row[at]) // what was there before no longer counts
			row[at] = float32(e.Value)
		}
		if !normalize || sum == 0 {
			continue
		}
		by := float32(sum)
		if sum > exactFloat32 {
			by = pairwise(row)
		}
		for j, v := range row {
			if v != 0 {
				row[j] = v / by
			}
		}
	}
	return all
}

// exactFloat32 is up to where float32 holds every integer: up to there the order
// of a sum does not matter.
const exactFloat32 = 1 << 24

// pairwise sums numbers in NumPy's order (pairwise_sum in numpy/_core/src/umath/
// loops_utils.h.src): halves until there are 128 or fewer,
// which go by turns to eight sums.
func pairwise(v []float32) float32 {
	const block, lanes = 128, 8
	n := len(v)
	if n > block {
		half := n / 2
		half -= half % lanes
		return pairwise(v[:half]) + pairwise(v[half:])
	}
	var sum [lanes]float32
	whole := n - n%lanes
	for i := 0; i < whole; i += lanes {
		for k := range sum {
			sum[k] += v[i+k]
		}
	}
	total := ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]))
	for _, x := range v[whole:] {
		total += x
	}
	return total
}
