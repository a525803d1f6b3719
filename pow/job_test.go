package pow_test

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/pow"
)

// What a job's documentation promises of its nonces, in numbers.
func TestJobNonces(t *testing.T) {
	b := fill(7)
	le := pow.Classic(b, b, pow.LittleEndian, pow.LittleEndian)
	be := pow.Classic(b, b, pow.BigEndian, pow.BigEndian)
	public := pow.Public(1, b, b, b)
	for _, c := range []struct {
		name      string
		challenge pow.Challenge
		nonce     uint64 // asked for
		index     uint32
		want      uint64
	}{
		{"low half varies", le, 0xaabbccdd_11223344, 0, 0xaabbccdd_00000000},
		{"low half varies", le, 0xaabbccdd_11223344, 0x00000001, 0xaabbccdd_00000001},
		{"low half varies", le, 0xaabbccdd_11223344, 0x11223344, 0xaabbccdd_11223344},
		{"last of all", le, 1<<64 - 1, 1<<32 - 1, 1<<64 - 1},
		{"high half varies", be, 0xaabbccdd_11223344, 0, 0x00000000_11223344},
		{"high half varies", be, 0xaabbccdd_11223344, 0x00000001, 0x01000000_11223344},
		{"high half varies", be, 0xaabbccdd_11223344, 0xddccbbaa, 0xaabbccdd_11223344},
		{"last of all", be, 1<<64 - 1, 1<<32 - 1, 1<<64 - 1},
		{"last three bytes vary", public, 0xaabbccdd_11223344, 0, 0x000000dd_11223344},
		{"last three bytes vary", public, 0xaabbccdd_11223344, 1, 0x000001dd_11223344},
		{"last three bytes vary", public, 0xaabbccdd_11223344, 0xaabbcc, 0xaabbccdd_11223344},
		{"last of all", public, 1<<64 - 1, 1<<24 - 1, 1<<64 - 1},
	} {
		job := c.challenge.Job(c.nonce, pow.TargetFor(1))
		if got := job.Nonce(c.index); got != c.want {
			t.Errorf("%s: index %#x of the job of %#x is nonce %#x, want %#x", c.name, c.index, c.nonce, got, c.want)
		}
	}
	for _, c := range []struct {
		challenge pow.Challenge
		want      uint64
	}{{le, 1 << 32}, {be, 1 << 32}, {public, 1 << 24}, {pow.Genesis(b), 1 << 32}} {
		job := c.challenge.Job(0, pow.Target{})
		if job.Count() != c.want {
			t.Errorf("a job has %d indexes, want %d", job.Count(), c.want)
		}
	}
}

// State and Words alone give the seal that the reference gives: finish the hash
// as the documentation of Job says.
func TestJobCompiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := func(name string) [32]byte { return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name)) }
		order := rapid.SampledFrom([]pow.Order{pow.LittleEndian, pow.BigEndian})
		c := rapid.SampledFrom([]pow.Challenge{
			pow.Genesis(b("block")),
			pow.Classic(b("block"), b("account"), order.Draw(t, "nonce order"), order.Draw(t, "reading")),
			pow.Public(rapid.Uint16().Draw(t, "netuid"), b("block"), b("hotkey"), b("coldkey")),
		}).Draw(t, "challenge")
		nonce := rapid.Uint64().Draw(t, "nonce")
		job := c.Job(nonce, pow.TargetFor(rapid.Uint64().Draw(t, "difficulty")))
		i := uint32(rapid.Uint64Range(0, job.Count()-1).Draw(t, "index"))

		// The standard hash, set to State with nothing begun, fed the block.
		state := append(make([]byte, 0, 108), "sha\x03"...)
		for _, w := range job.State {
			state = binary.BigEndian.AppendUint32(state, w)
		}
		state = append(state, make([]byte, 64+8)...)
		h := sha256.New()
		if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		var block []byte
		for k, w := range job.Words {
			if k == 0 {
				var le [4]byte
				binary.LittleEndian.PutUint32(le[:], i)
				w |= binary.BigEndian.Uint32(le[:])
			}
			block = binary.BigEndian.AppendUint32(block, w)
		}
		h.Write(block)
		state, _ = h.(encoding.BinaryAppender).AppendBinary(nil)
		got := state[4:36]

		want := sha256.Sum256(c.AppendPreimage(nil, job.Nonce(i)))
		if diff := cmp.Diff(want[:], got); diff != "" {
			t.Fatalf("SHA-256 of index %d (-message +job):\n%s", i, diff)
		}
		if job.Seal(i) != c.Seal(job.Nonce(i)) {
			t.Fatalf("the seal of index %d is not that of its nonce", i)
		}
		if again := c.Job(job.Nonce(i), job.Target); again != job {
			t.Fatalf("the job of one of its own nonces is another")
		}
	})
}
