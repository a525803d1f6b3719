package pow

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"math/bits"
	"sync"
	"time"
)

//go:generate go run keccak_gen.go

// goEngine is the portable engine. Its SHA-256 is whichever of two is the faster
// here, its Keccak is keccakEnds.
type goEngine struct{ blockSum }

// blockSum is a SHA-256 of a job's blocks.
type blockSum interface {
	set(job *Job)
	lanes(word uint32) [4]uint64 // the digest for a first word, as little-endian numbers
}

// NewGoEngine returns an engine in plain Go, which runs everywhere.
func NewGoEngine() Engine {
	if foldedIsFaster() {
		return &goEngine{new(foldedSum)}
	}
	return &goEngine{newStandardSum()}
}

// foldedIsFaster times both sums, once a process: the standard library's is in
// assembly where the platform and the build have it, and then cannot be beaten in Go.
var foldedIsFaster = sync.OnceValue(func() bool {
	job := Genesis([32]byte{}).Job(0, Target{})
	shortest := func(s blockSum) time.Duration {
		s.set(&job)
		best := time.Duration(1 << 62)
		for range 16 {
			began := time.Now()
			for i := range uint32(16) {
				s.lanes(i)
			}
			best = min(best, time.Since(began))
		}
		return best
	}
	return shortest(new(foldedSum)) < shortest(newStandardSum())
})

func (e *goEngine) Name() string { return "generic" }

func (e *goEngine) Search(job *Job, first, count uint64, hits []uint32) (tried uint64, found int, err error) {
	if err := job.Check(first, count, hits); err != nil {
		return 0, 0, err
	}
	e.set(job)
	top := job.Target[3]
	for i := first; i < first+count; i++ {
		sum := e.lanes(job.Words[0] | bits.ReverseBytes32(uint32(i)))
		lane0, lane3 := keccakEnds(sum[0], sum[1], sum[2], sum[3])
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

// standardSum is the standard library's SHA-256: a hash is set to the job's state,
// given one whole padded block, and its state is read back. That takes less time
// than Sum256 of a one-block message (70 ns against 97 on a Xeon with SHA
// extensions) and works from any midstate.
type standardSum struct {
	hash interface {
		hash.Hash
		encoding.BinaryAppender
		encoding.BinaryUnmarshaler
	}
	state [marshalSize]byte
	block [sha256.BlockSize]byte
	out   []byte
}

func newStandardSum() *standardSum {
	s := &standardSum{out: make([]byte, 0, marshalSize)}
	copy(s.state[:], marshalTag)
	// sha256.New documents both interfaces.
	s.hash = sha256.New().(interface {
		hash.Hash
		encoding.BinaryAppender
		encoding.BinaryUnmarshaler
	})
	return s
}

func (s *standardSum) set(job *Job) {
	for i, w := range job.State {
		binary.BigEndian.PutUint32(s.state[len(marshalTag)+4*i:], w)
	}
	for i, w := range job.Words {
		binary.BigEndian.PutUint32(s.block[4*i:], w)
	}
}

func (s *standardSum) lanes(word uint32) (l [4]uint64) {
	binary.BigEndian.PutUint32(s.block[:4], word)
	// A state in the right form is taken, and appending one does not fail.
	err := s.hash.UnmarshalBinary(s.state[:])
	s.hash.Write(s.block[:])
	if s.out, _ = s.hash.AppendBinary(s.out[:0]); err != nil || len(s.out) != marshalSize {
		panic("pow: crypto/sha256 does not take or give its state")
	}
	sum := s.out[len(marshalTag):][:sha256.Size]
	for i := range l {
		l[i] = binary.LittleEndian.Uint64(sum[8*i:])
	}
	return l
}
