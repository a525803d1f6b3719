package pow

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"math/bits"
)

//go:generate go run keccak_gen.go

// goEngine is the portable engine. Its SHA-256 is the standard library's, for
// that has assembly on most platforms: a hash is set to the job's state, given
// one whole padded block, and its state is read back. That takes less time
// than Sum256 of a one-block message (70 ns against 97 on a Xeon with SHA
// extensions) and works from any midstate. Its Keccak is keccakEnds.
type goEngine struct {
	hash interface {
		hash.Hash
		encoding.BinaryAppender
		encoding.BinaryUnmarshaler
	}
	state [marshalSize]byte
	block [sha256.BlockSize]byte
	out   []byte
}

// NewGoEngine returns an engine in plain Go, which runs everywhere.
func NewGoEngine() Engine {
	e := &goEngine{out: make([]byte, 0, marshalSize)}
	copy(e.state[:], marshalTag)
	// sha256.New documents both interfaces.
	e.hash = sha256.New().(interface {
		hash.Hash
		encoding.BinaryAppender
		encoding.BinaryUnmarshaler
	})
	return e
}

func (e *goEngine) Name() string { return "go" }

func (e *goEngine) Search(job *Job, first, count uint64, hits []uint32) (tried uint64, found int, err error) {
	if err := job.Check(first, count, hits); err != nil {
		return 0, 0, err
	}
	for i, w := range job.State {
		binary.BigEndian.PutUint32(e.state[len(marshalTag)+4*i:], w)
	}
	for i, w := range job.Words {
		binary.BigEndian.PutUint32(e.block[4*i:], w)
	}
	top := job.Target[3]
	for i := first; i < first+count; i++ {
		binary.BigEndian.PutUint32(e.block[:4], job.Words[0]|bits.ReverseBytes32(uint32(i)))
		if err := e.hash.UnmarshalBinary(e.state[:]); err != nil {
			return i - first, found, err
		}
		e.hash.Write(e.block[:])
		if e.out, err = e.hash.AppendBinary(e.out[:0]); err != nil {
			return i - first, found, err
		}
		sum := e.out[len(marshalTag):][:sha256.Size]
		lane0, lane3 := keccakEnds(
			binary.LittleEndian.Uint64(sum[0:]), binary.LittleEndian.Uint64(sum[8:]),
			binary.LittleEndian.Uint64(sum[16:]), binary.LittleEndian.Uint64(sum[24:]))
		if job.Reading == BigEndian {
			lane3 = bits.ReverseBytes64(lane0)
		}
		if lane3 <= top && job.Met(uint32(i)) {
			hits[found] = uint32(i)
			if found++; found == len(hits) {
				return i - first + 1, found, nil
			}
		}
	}
	return count, found, nil
}
