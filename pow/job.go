package pow

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// ErrRange is returned by an [Engine] that is asked for indexes its job does not
// have, or is given no room for a hit.
var ErrRange = errors.New("pow: search outside the job")

// Job is a Challenge compiled for search: a run of nonces whose messages differ
// only in the first word of one SHA-256 block, the last one.
//
// A job's candidates are numbered by an index from 0 to Count()-1. The seal of
// index i is
//
//	sum  = compress(State, W) with W = Words, but W[0] = Words[0] | bswap32(i)
//	seal = keccak256(sum as 32 bytes, each word big-endian)
//
// so that the low byte of i is the first byte of the block. It hits where the
// seal, read in Reading order, is at most Target. Which nonce an index stands
// for depends on the puzzle, and [Job.Nonce] says it:
//
//   - nonce first, little-endian (classic): 2^32 indexes, i is the low half of the nonce;
//   - nonce first, big-endian (specs 149 and 150): 2^32 indexes, bswap32(i) is the high half;
//   - nonce last (today's): 2^24 indexes, i is bytes 5, 6 and 7 of the nonce, i.e. nonce>>40.
//
// The other bits of the nonce are fixed for the job. Two jobs of one challenge
// have all nonces in common or none.
type Job struct {
	State   [8]uint32  // SHA-256 state before the varying block
	Words   [16]uint32 // the varying block, padded; Words[0] holds what does not vary of word 0
	Bits    uint8      // indexes have this many bits: 32 or 24
	Target  Target
	Reading Order

	challenge Challenge
	base      uint64 // the nonce of index 0
}

// iv is the state that SHA-256 begins with (FIPS 180-4, 5.3.3).
var iv = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// Job returns the job that has the given nonce among its own. The bits of the
// nonce that vary within a job do not matter.
func (c Challenge) Job(nonce uint64, target Target) Job {
	j := Job{State: iv, Bits: 32, Target: target, Reading: c.reading, challenge: c}
	switch c.layout {
	case layoutHeadLE:
		j.base = nonce &^ 0xffffffff
	case layoutHeadBE:
		j.base = nonce & 0xffffffff
	case layoutPublicEnd:
		j.base, j.Bits = nonce&publicMask, 24
	}
	var buf [publicSize]byte
	message := c.AppendPreimage(buf[:0], j.base)
	if c.layout == layoutPublicEnd {
		j.State = midstate(message[:publicMid])
	}
	var block [sha256.BlockSize]byte
	n := copy(block[:], message[len(message)/sha256.BlockSize*sha256.BlockSize:])
	block[n] = 0x80
	binary.BigEndian.PutUint64(block[sha256.BlockSize-8:], 8*uint64(len(message)))
	for i := range j.Words {
		j.Words[i] = binary.BigEndian.Uint32(block[4*i:])
	}
	return j
}

// span returns a nonce of the k-th job of the challenge. Jobs are numbered modulo
// their count: 2^32 or, for today's puzzle, 2^40.
func (c Challenge) span(k uint64) uint64 {
	if c.layout == layoutHeadLE {
		return k << 32
	}
	return k // Job drops the bits that vary
}

// Count returns the number of indexes.
func (j *Job) Count() uint64 { return 1 << j.Bits }

// Nonce returns the nonce that an index stands for. Bits of i beyond the job's
// count are ignored.
func (j *Job) Nonce(i uint32) uint64 {
	switch j.challenge.layout {
	case layoutHeadBE:
		return j.base | uint64(bits.ReverseBytes32(i))<<32
	case layoutPublicEnd:
		return j.base | uint64(i)<<(8*publicLow)
	}
	return j.base | uint64(i)
}

// Seal returns the seal of an index by the reference, [Challenge.Seal].
func (j *Job) Seal(i uint32) Seal { return j.challenge.Seal(j.Nonce(i)) }

// Met reports by the reference whether an index is a hit. Engines compare 64
// bits in their loops and ask Met for what passes.
func (j *Job) Met(i uint32) bool { return j.Target.Met(j.Seal(i), j.Reading) }

// Check returns ErrRange unless an engine can search count indexes from first
// and report into hits.
func (j *Job) Check(first, count uint64, hits []uint32) error {
	if first > j.Count() || count > j.Count()-first {
		return fmt.Errorf("%w: %d indexes from %d, it has %d", ErrRange, count, first, j.Count())
	}
	if len(hits) == 0 {
		return fmt.Errorf("%w: no room for a hit", ErrRange)
	}
	return nil
}

// The form in which crypto/sha256 marshals a hash: a tag, the state, the bytes
// of a block begun and the length hashed so far.
const (
	marshalTag  = "sha\x03"
	marshalSize = len(marshalTag) + sha256.Size + sha256.BlockSize + 8
)

// midstate returns the SHA-256 state after whole blocks.
func midstate(blocks []byte) (state [8]uint32) {
	h := sha256.New()
	h.Write(blocks)
	b, err := h.(encoding.BinaryAppender).AppendBinary(make([]byte, 0, marshalSize))
	if err != nil || len(b) != marshalSize {
		// The form is fixed: Go's own tests unmarshal hashes of older releases.
		panic("pow: crypto/sha256 does not give its state")
	}
	for i := range state {
		state[i] = binary.BigEndian.Uint32(b[len(marshalTag)+4*i:])
	}
	return state
}
