package metagraph

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/bittensor-go/bt/internal/tensorfile"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// askIdentities asks what the neurons' coldkeys say about themselves.
func (r *reading) askIdentities(ctx context.Context) (err error) {
	coldkeys := make([]ss58.AccountID, 0, len(r.a.Neurons)+len(r.a.Lite))
	for i := range r.a.Neurons {
		coldkeys = append(coldkeys, r.a.Neurons[i].Coldkey)
	}
	for i := range r.a.Lite {
		coldkeys = append(coldkeys, r.a.Lite[i].Coldkey)
	}
	r.a.Identities, err = r.s.Identities(ctx, coldkeys)
	return err
}

// setAttached lays what accounts say beside their neurons, where the answers have
// it.
func (m *Metagraph) setAttached(a Answers) {
	m.Commitments = beside(a.Commitments, m.Hotkeys)
	m.Identities = beside(a.Identities, m.Coldkeys)
}

// beside returns what each account has, nil for those that have nothing. The
// result is nil for nil.
func beside[T any](all map[ss58.AccountID]T, accounts []ss58.AccountID) []*T {
	if all == nil || len(accounts) == 0 {
		return nil
	}
	found := make([]*T, len(accounts))
	for i, k := range accounts {
		if v, ok := all[k]; ok {
			found[i] = &v
		}
	}
	return found
}

// In the file a column of structs is two tensors: where each entry's bytes start,
// and the bytes, of SCALE. An entry without bytes is nil.

func appendIdentity(dst []byte, id *subtensor.ChainIdentity) []byte {
	for _, s := range identityTexts(id) {
		dst = scale.AppendByteString(dst, *s)
	}
	return dst
}

func readIdentity(r *scale.Reader, id *subtensor.ChainIdentity) {
	for _, s := range identityTexts(id) {
		*s = string(r.ByteString())
	}
}

func identityTexts(id *subtensor.ChainIdentity) [7]*string {
	return [7]*string{&id.Name, &id.URL, &id.GithubRepo, &id.Image, &id.Discord, &id.Description, &id.Additional}
}

func appendCommitment(dst []byte, c *subtensor.Commitment) []byte {
	dst = scale.AppendU64(scale.AppendU64(dst, c.Block), c.Deposit)
	dst = scale.AppendCompact(dst, uint64(len(c.Fields)))
	for _, f := range c.Fields {
		dst = scale.AppendByteString(scale.AppendByteString(dst, f.Kind), f.Data)
		dst = scale.AppendU64(dst, f.RevealRound)
	}
	dst = scale.AppendCompact(dst, uint64(len(c.Revealed)))
	for _, r := range c.Revealed {
		dst = scale.AppendByteString(scale.AppendU64(dst, r.Block), r.Data)
	}
	return dst
}

func readCommitment(r *scale.Reader, c *subtensor.Commitment) {
	c.Block, c.Deposit = r.U64(), r.U64()
	const field, opened = 1 + 1 + 8, 8 + 1 // the least bytes that one takes
	if n := r.Len(field); n > 0 {
		c.Fields = make([]subtensor.CommitmentField, n)
	}
	for i := range c.Fields {
		c.Fields[i] = subtensor.CommitmentField{Kind: string(r.ByteString()), Data: bytesOf(r), RevealRound: r.U64()}
	}
	if n := r.Len(opened); n > 0 {
		c.Revealed = make([]subtensor.RevealedCommitment, n)
	}
	for i := range c.Revealed {
		c.Revealed[i] = subtensor.RevealedCommitment{Block: r.U64(), Data: bytesOf(r)}
	}
}

// bytesOf reads bytes, nil for none.
func bytesOf(r *scale.Reader) []byte { return append([]byte(nil), r.ByteString()...) }

// attach returns the tensors of a column, none for a nil one.
func attach[T any](name string, n int, column []*T, put func([]byte, *T) []byte) ([]tensorfile.Tensor, error) {
	if column == nil {
		return nil, nil
	}
	if len(column) != n {
		return nil, fmt.Errorf("%d neurons, and %d %s", n, len(column), name)
	}
	starts, data := make([]uint32, 1, n+1), []byte{}
	for _, v := range column {
		if v != nil {
			data = put(data, v)
		}
		if len(data) > math.MaxUint32 {
			return nil, fmt.Errorf("more than 4 GiB of %s", name)
		}
		starts = append(starts, uint32(len(data)))
	}
	return []tensorfile.Tensor{tensorfile.Of(name+"_starts", starts), tensorfile.Of(name+"_data", data)}, nil
}

// attached reads a column, nil where the file has none.
func attached[T any](f *tensorfile.File, name string, n int, get func(*scale.Reader, *T)) ([]*T, error) {
	if f.Tensor(name+"_starts") == nil {
		return nil, nil
	}
	starts, err1 := vector[uint32](f, name+"_starts")
	data, err2 := vector[uint8](f, name+"_data")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if err := checkStarts(starts, len(data)); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(starts) != n+1 || n == 0 {
		return nil, fmt.Errorf("%d %s for %d neurons", len(starts)-1, name, n)
	}
	column := make([]*T, n)
	for i := range column {
		part := data[starts[i]:starts[i+1]]
		if len(part) == 0 {
			continue
		}
		r := scale.NewReader(part)
		column[i] = new(T)
		get(r, column[i])
		if err := r.Finish(); err != nil {
			return nil, fmt.Errorf("%s of uid %d: %w", name, i, err)
		}
	}
	return column, nil
}
