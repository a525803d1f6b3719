package metagraph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/bittensor-go/bt/internal/tensorfile"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// The file says that it holds a metagraph, and in which layout. A change that
// older readers would misread or lose gets another number: 2 added mechanisms,
// commitments and identities.
const (
	stateFormat = "bt.metagraph"
	stateLayout = "2"
	firstLayout = "1"
)

// maxNeurons is what a uid can count.
const maxNeurons = 1 << 16

// field is a column in the file.
type field struct {
	name     string
	width    int  // numbers a neuron
	optional bool // not in the file where the column is nil
	get      func(m *Metagraph) tensorfile.Tensor
	set      func(m *Metagraph, t *tensorfile.Tensor) error
}

// fields returns the columns that have one entry a neuron. Setting them needs
// columns of the right length.
func fields() []field {
	return []field{
		part("hotkeys", 32, hotkeys, appendAccount, setAccount),
		part("coldkeys", 32, coldkeys, appendAccount, setAccount),
		column1("active", func(m *Metagraph) *[]bool { return &m.Active }),
		column1("validator_permit", func(m *Metagraph) *[]bool { return &m.ValidatorPermit }),
		column1("ranks", func(m *Metagraph) *[]uint16 { return &m.Ranks }),
		column1("trust", func(m *Metagraph) *[]uint16 { return &m.Trust }),
		column1("consensus", func(m *Metagraph) *[]uint16 { return &m.Consensus }),
		column1("validator_trust", func(m *Metagraph) *[]uint16 { return &m.ValidatorTrust }),
		column1("incentive", func(m *Metagraph) *[]uint16 { return &m.Incentive }),
		column1("dividends", func(m *Metagraph) *[]uint16 { return &m.Dividends }),
		column1("pruning_score", func(m *Metagraph) *[]uint16 { return &m.PruningScore }),
		column1("emission", func(m *Metagraph) *[]uint64 { return &m.Emission }),
		column1("last_update", func(m *Metagraph) *[]uint64 { return &m.LastUpdate }),
		column1("total_stake", func(m *Metagraph) *[]uint64 { return &m.TotalStake }),
		optional(column1("alpha_stake", func(m *Metagraph) *[]uint64 { return &m.AlphaStake })),
		optional(column1("tao_stake", func(m *Metagraph) *[]uint64 { return &m.TaoStake })),

		number("axon_block", axons, func(a *subtensor.AxonInfo) *uint64 { return &a.Block }),
		number("axon_version", axons, func(a *subtensor.AxonInfo) *uint32 { return &a.Version }),
		address("axon_ip", axons, func(a *subtensor.AxonInfo) *scale.U128 { return &a.IP }),
		number("axon_port", axons, func(a *subtensor.AxonInfo) *uint16 { return &a.Port }),
		number("axon_ip_type", axons, func(a *subtensor.AxonInfo) *uint8 { return &a.IPType }),
		number("axon_protocol", axons, func(a *subtensor.AxonInfo) *uint8 { return &a.Protocol }),
		number("axon_placeholder1", axons, func(a *subtensor.AxonInfo) *uint8 { return &a.Placeholder1 }),
		number("axon_placeholder2", axons, func(a *subtensor.AxonInfo) *uint8 { return &a.Placeholder2 }),
		number("prometheus_block", prometheus, func(p *subtensor.PrometheusInfo) *uint64 { return &p.Block }),
		number("prometheus_version", prometheus, func(p *subtensor.PrometheusInfo) *uint32 { return &p.Version }),
		address("prometheus_ip", prometheus, func(p *subtensor.PrometheusInfo) *scale.U128 { return &p.IP }),
		number("prometheus_port", prometheus, func(p *subtensor.PrometheusInfo) *uint16 { return &p.Port }),
		number("prometheus_ip_type", prometheus, func(p *subtensor.PrometheusInfo) *uint8 { return &p.IPType }),
	}
}

func hotkeys(m *Metagraph) []ss58.AccountID              { return m.Hotkeys }
func coldkeys(m *Metagraph) []ss58.AccountID             { return m.Coldkeys }
func axons(m *Metagraph) []subtensor.AxonInfo            { return m.Axons }
func prometheus(m *Metagraph) []subtensor.PrometheusInfo { return m.Prometheus }

func appendAccount(dst []uint8, a *ss58.AccountID) []uint8 { return append(dst, a[:]...) }
func setAccount(a *ss58.AccountID, b []uint8)              { copy(a[:], b) }

// column1 is a column that lies in the file as it lies in memory.
func column1[T tensorfile.Element](name string, at func(m *Metagraph) *[]T) field {
	return field{
		name: name, width: 1,
		get: func(m *Metagraph) tensorfile.Tensor { return tensorfile.Of(name, *at(m)) },
		set: func(m *Metagraph, t *tensorfile.Tensor) (err error) {
			*at(m), err = tensorfile.Values[T](t)
			return err
		},
	}
}

func optional(f field) field {
	get := f.get
	f.optional = true
	f.get = func(m *Metagraph) tensorfile.Tensor {
		t := get(m)
		if len(t.Data) == 0 {
			return tensorfile.Tensor{}
		}
		return t
	}
	return f
}

// part is a part, width numbers long, of each entry of a column: get appends it,
// set takes it.
func part[S any, T tensorfile.Element](name string, width int, column func(*Metagraph) []S, get func([]T, *S) []T, set func(*S, []T)) field {
	return field{
		name: name, width: width,
		get: func(m *Metagraph) tensorfile.Tensor {
			entries := column(m)
			all := make([]T, 0, len(entries)*width)
			for i := range entries {
				all = get(all, &entries[i])
			}
			if width == 1 {
				return tensorfile.Of(name, all)
			}
			return tensorfile.Of(name, all, len(entries), width)
		},
		set: func(m *Metagraph, t *tensorfile.Tensor) error {
			all, err := tensorfile.Values[T](t)
			if err != nil {
				return err
			}
			entries := column(m)
			for i := range entries {
				set(&entries[i], all[i*width:(i+1)*width])
			}
			return nil
		},
	}
}

func number[S any, T tensorfile.Element](name string, column func(*Metagraph) []S, at func(*S) *T) field {
	return part(name, 1, column,
		func(dst []T, s *S) []T { return append(dst, *at(s)) },
		func(s *S, v []T) { *at(s) = v[0] })
}

func address[S any](name string, column func(*Metagraph) []S, at func(*S) *scale.U128) field {
	return part(name, 16, column,
		func(dst []uint8, s *S) []uint8 { b := ipBytes(*at(s)); return append(dst, b[:]...) },
		func(s *S, b []uint8) {
			*at(s) = scale.U128{Hi: binary.BigEndian.Uint64(b), Lo: binary.BigEndian.Uint64(b[8:])}
		})
}

// ipBytes returns an address in the order of the network.
func ipBytes(ip scale.U128) (b [16]byte) {
	binary.BigEndian.PutUint64(b[:], ip.Hi)
	binary.BigEndian.PutUint64(b[8:], ip.Lo)
	return b
}

// encode returns the content of the file.
func (m *Metagraph) encode() ([]byte, error) {
	f := &tensorfile.File{Metadata: map[string]string{
		"format":       stateFormat,
		"layout":       stateLayout,
		"netuid":       strconv.Itoa(int(m.Netuid)),
		"network":      m.Network,
		"block":        strconv.FormatUint(m.Block, 10),
		"matrix_block": strconv.FormatUint(m.MatrixBlock, 10),
		"mechanism":    strconv.Itoa(int(m.Mechanism)),
	}}
	for _, c := range fields() {
		t := c.get(m)
		if t.Name == "" {
			continue
		}
		if got := elements(&t); got != m.N()*c.width {
			return nil, fmt.Errorf("%d neurons, and %d numbers in column %s", m.N(), got, c.name)
		}
		f.Tensors = append(f.Tensors, t)
	}
	if len(m.Stakes) != m.N() {
		return nil, fmt.Errorf("%d neurons, and %d stake lists", m.N(), len(m.Stakes))
	}
	starts, accounts, amounts := []uint32{0}, []uint8{}, []uint64{}
	for _, list := range m.Stakes {
		for _, s := range list {
			accounts = append(accounts, s.Account[:]...)
			amounts = append(amounts, s.Amount)
		}
		starts = append(starts, uint32(len(amounts)))
	}
	f.Tensors = append(f.Tensors,
		tensorfile.Of("stake_starts", starts),
		tensorfile.Of("stake_accounts", accounts, len(amounts), 32),
		tensorfile.Of("stake_amounts", amounts))
	for _, x := range []struct {
		name string
		m    *Matrix
	}{{"weights", &m.Weights}, {"bonds", &m.Bonds}} {
		if x.m.Rows() == 0 {
			continue
		}
		if err := checkStarts(x.m.Starts, len(x.m.Entries)); err != nil {
			return nil, fmt.Errorf("%s: %w", x.name, err)
		}
		ids, values := make([]uint16, len(x.m.Entries)), make([]uint16, len(x.m.Entries))
		for i, e := range x.m.Entries {
			ids[i], values[i] = e.UID, e.Value
		}
		f.Tensors = append(f.Tensors,
			tensorfile.Of(x.name+"_starts", x.m.Starts),
			tensorfile.Of(x.name+"_ids", ids),
			tensorfile.Of(x.name+"_values", values))
		if x.m.Columns != nil {
			f.Tensors = append(f.Tensors, tensorfile.Of(x.name+"_columns", x.m.Columns))
		}
	}
	identities, err1 := attach("identities", m.N(), m.Identities, appendIdentity)
	commitments, err2 := attach("commitments", m.N(), m.Commitments, appendCommitment)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	f.Tensors = slices.Concat(f.Tensors, identities, commitments)
	return f.Encode()
}

// elements returns how many numbers a tensor has.
func elements(t *tensorfile.Tensor) int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// checkStarts holds the starts of compressed rows to the number of entries.
func checkStarts(starts []uint32, entries int) error {
	switch {
	case len(starts) == 0 || starts[0] != 0:
		return errors.New("the first row does not begin at 0")
	case uint64(starts[len(starts)-1]) != uint64(entries):
		return fmt.Errorf("%d entries, and rows that end at %d", entries, starts[len(starts)-1])
	case !slices.IsSorted(starts):
		return errors.New("a row ends before it begins")
	}
	return nil
}

// decodeState reads the content of a file.
func decodeState(data []byte) (*Metagraph, error) {
	f, err := tensorfile.Decode(data)
	if err != nil {
		return nil, err
	}
	if got := f.Metadata["format"]; got != stateFormat {
		return nil, fmt.Errorf("the metadata names the format %q, not %q", got, stateFormat)
	}
	if got := f.Metadata["layout"]; got != stateLayout && got != firstLayout {
		return nil, fmt.Errorf("its layout is %q, this bt reads up to %q: use a newer one", got, stateLayout)
	}
	netuid, err1 := strconv.ParseUint(f.Metadata["netuid"], 10, 16)
	block, err2 := strconv.ParseUint(f.Metadata["block"], 10, 64)
	matrixBlock, err3 := strconv.ParseUint(f.Metadata["matrix_block"], 10, 64)
	var mechanism uint64
	var err4 error
	if f.Metadata["layout"] != firstLayout {
		mechanism, err4 = strconv.ParseUint(f.Metadata["mechanism"], 10, 8)
	}
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	m := New(uint16(netuid), f.Metadata["network"])
	m.Block, m.MatrixBlock, m.Mechanism = block, matrixBlock, uint8(mechanism)

	hotkeys := f.Tensor("hotkeys")
	if hotkeys == nil || len(hotkeys.Shape) != 2 || hotkeys.Shape[0] > maxNeurons {
		return nil, errors.New("there are no hotkeys, or too many")
	}
	m.resize(hotkeys.Shape[0])
	if err := m.decodeColumns(f); err != nil {
		return nil, err
	}
	if err := m.decodeStakes(f); err != nil {
		return nil, err
	}
	if m.Weights, err = decodeMatrix(f, "weights"); err != nil {
		return nil, err
	}
	if m.Bonds, err = decodeMatrix(f, "bonds"); err != nil {
		return nil, err
	}
	if m.Identities, err = attached(f, "identities", m.N(), readIdentity); err != nil {
		return nil, err
	}
	if m.Commitments, err = attached(f, "commitments", m.N(), readCommitment); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Metagraph) decodeColumns(f *tensorfile.File) error {
	n := m.N()
	for _, c := range fields() {
		t := f.Tensor(c.name)
		if t == nil && c.optional {
			continue
		}
		if t == nil {
			return fmt.Errorf("column %s is missing", c.name)
		}
		want := []int{n}
		if c.width > 1 {
			want = []int{n, c.width}
		}
		if !slices.Equal(t.Shape, want) {
			return fmt.Errorf("column %s has shape %v, not %v", c.name, t.Shape, want)
		}
		if n == 0 {
			continue // columns of no neurons are nil
		}
		if err := c.set(m, t); err != nil {
			return err
		}
	}
	return nil
}

func (m *Metagraph) decodeStakes(f *tensorfile.File) error {
	starts, err1 := vector[uint32](f, "stake_starts")
	amounts, err2 := vector[uint64](f, "stake_amounts")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if err := checkStarts(starts, len(amounts)); err != nil {
		return fmt.Errorf("stake lists: %w", err)
	}
	if len(starts) != m.N()+1 {
		return fmt.Errorf("%d stake lists for %d neurons", len(starts)-1, m.N())
	}
	accounts := f.Tensor("stake_accounts")
	if accounts == nil || !slices.Equal(accounts.Shape, []int{len(amounts), 32}) || accounts.DType != tensorfile.U8 {
		return errors.New("stake_accounts does not fit stake_amounts")
	}
	all := make([]subtensor.StakeEntry, len(amounts))
	for i := range all {
		all[i] = subtensor.StakeEntry{Account: ss58.AccountID(accounts.Data[32*i:]), Amount: amounts[i]}
	}
	for i := range m.Stakes {
		if from, to := starts[i], starts[i+1]; from < to {
			m.Stakes[i] = all[from:to:to]
		}
	}
	return nil
}

// decodeMatrix reads a matrix, an empty one where the file has none.
func decodeMatrix(f *tensorfile.File, name string) (Matrix, error) {
	if f.Tensor(name+"_starts") == nil {
		return Matrix{}, nil
	}
	starts, err1 := vector[uint32](f, name+"_starts")
	ids, err2 := vector[uint16](f, name+"_ids")
	values, err3 := vector[uint16](f, name+"_values")
	if err := errors.Join(err1, err2, err3); err != nil {
		return Matrix{}, err
	}
	if err := checkStarts(starts, len(ids)); err != nil {
		return Matrix{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(starts) < 2 || len(starts) > maxNeurons+1 || len(values) != len(ids) {
		return Matrix{}, fmt.Errorf("%s: %d rows, %d ids, %d values", name, len(starts)-1, len(ids), len(values))
	}
	x := Matrix{Starts: starts}
	if len(ids) > 0 {
		x.Entries = make([]subtensor.WeightEntry, len(ids))
	}
	for i := range x.Entries {
		x.Entries[i] = subtensor.WeightEntry{UID: ids[i], Value: values[i]}
	}
	if f.Tensor(name+"_columns") != nil {
		var err error
		if x.Columns, err = vector[uint16](f, name+"_columns"); err != nil {
			return Matrix{}, err
		}
	}
	return x, nil
}

// vector reads a tensor of one dimension.
func vector[T tensorfile.Element](f *tensorfile.File, name string) ([]T, error) {
	t := f.Tensor(name)
	if t == nil || len(t.Shape) != 1 {
		return nil, fmt.Errorf("%s is missing or has the wrong shape", name)
	}
	return tensorfile.Values[T](t)
}
