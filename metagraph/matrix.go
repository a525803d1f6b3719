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
// The sum is exact before it is rounded to float32, which is what the Python SDK
// computes too for rows of up to 256 weights; beyond that its sums may be off by
// a rounding.
func (x *Matrix) Normalized() [][]float32 { return x.dense(true) }

func (x *Matrix) dense(normalize bool) [][]float32 {
	n, width := x.Rows(), x.Cols()
	if n == 0 {
		return nil
	}
	var index map[uint16]int
	if x.Columns != nil {
		index = make(map[uint16]int, width)
		for i, id := range x.Columns {
			index[id] = i
		}
	}
	rows := make([][]float32, n)
	all := make([]float32, n*width)
	for i := range rows {
		row := all[i*width : (i+1)*width : (i+1)*width]
		rows[i] = row
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
		if normalize && sum > 0 {
			by := float32(sum)
			for j, v := range row {
				if v != 0 {
					row[j] = v / by
				}
			}
		}
	}
	return rows
}
