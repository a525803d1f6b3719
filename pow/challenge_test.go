package pow_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/big"
	"testing"

	"golang.org/x/crypto/sha3"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/pow"
)

func fill(b byte) [32]byte { return [32]byte(bytes.Repeat([]byte{b}, 32)) }

// The seals that were computed apart from this project for block hash 11...11,
// account 22...22 and nonce 0x0102030405060708.
func TestClassicSeals(t *testing.T) {
	const nonce = 0x0102030405060708
	bh, hk := fill(0x11), fill(0x22)
	for _, c := range []struct {
		name      string
		challenge pow.Challenge
		want      string
	}{
		{"no account", pow.Genesis(bh), "cf3af22f33ff80430302f73632732867a0baf30e9e0f513cd0ee69b9e0f04a92"},
		{"little-endian nonce", pow.Classic(bh, hk, pow.LittleEndian, pow.BigEndian), "26fca48850780c94aec515f84dbbf97efafc989ad057f5007e389129b622b147"},
		{"big-endian nonce", pow.Classic(bh, hk, pow.BigEndian, pow.BigEndian), "a25202e708da67a43db8c944a10dba93972f58b3628333b9cb6452ef8ad585eb"},
	} {
		if got := c.challenge.Seal(nonce).String(); got != "0x"+c.want {
			t.Errorf("%s: seal %s, want 0x%s", c.name, got, c.want)
		}
	}

	seal := pow.Classic(bh, hk, pow.LittleEndian, pow.LittleEndian).Seal(nonce)
	if be, le := seal.Difficulty(pow.BigEndian), seal.Difficulty(pow.LittleEndian); be != 6 || le != 3 {
		t.Errorf("difficulty met: %d big-endian and %d little-endian, want 6 and 3", be, le)
	}
	for difficulty, want := range map[uint64][2]bool{ // read big-endian, little-endian
		0: {true, true}, 1: {true, true}, 3: {true, true}, 4: {true, false}, 6: {true, false}, 7: {false, false},
	} {
		be := pow.Classic(bh, hk, pow.LittleEndian, pow.BigEndian).Verify(nonce, difficulty)
		le := pow.Classic(bh, hk, pow.LittleEndian, pow.LittleEndian).Verify(nonce, difficulty)
		if be != want[0] || le != want[1] {
			t.Errorf("difficulty %d: verified %v big-endian, %v little-endian, want %v", difficulty, be, le, want)
		}
	}
}

// The message of today's puzzle, written out by hand.
func TestPublicPreimage(t *testing.T) {
	c := pow.Public(0x0201, fill(0x33), fill(0x44), fill(0x55))
	want := hex.EncodeToString([]byte("subtensor-pow-register-v1")) + "0102"
	for _, b := range []byte{0x33, 0x44, 0x55} {
		want += hex.EncodeToString(bytes.Repeat([]byte{b}, 32))
	}
	want += "0807060504030201"
	got := c.AppendPreimage([]byte{0xff}, 0x0102030405060708)
	if got := hex.EncodeToString(got); got != "ff"+want {
		t.Errorf("message\n%s, want\nff%s", got, want)
	}
	sum := sha256.Sum256(got[1:])
	h := sha3.NewLegacyKeccak256()
	h.Write(sum[:])
	if seal := c.Seal(0x0102030405060708); !bytes.Equal(seal[:], h.Sum(nil)) {
		t.Errorf("seal %s, want %x", seal, h.Sum(nil))
	}
	if c.Reading() != pow.LittleEndian || pow.Genesis(fill(1)).Reading() != pow.BigEndian {
		t.Error("the puzzle of 101 is read big-endian, today's little-endian")
	}
}

func TestZeroChallenge(t *testing.T) {
	var c pow.Challenge
	if c.Verify(0, 1) || len(c.AppendPreimage(nil, 1)) != 0 {
		t.Error("the zero challenge has a solution")
	}
	c.Seal(1)
	job := c.Job(1, pow.TargetFor(1))
	job.Nonce(5)
}

var two256 = new(big.Int).Lsh(big.NewInt(1), 256)

// number reads a seal with math/big.
func number(s pow.Seal, order pow.Order) *big.Int {
	b := bytes.Clone(s[:])
	if order == pow.LittleEndian {
		for i := range 16 {
			b[i], b[31-i] = b[31-i], b[i]
		}
	}
	return new(big.Int).SetBytes(b)
}

// The chain's test, in big integers: the product does not overflow 256 bits.
func TestTargetIsTheOverflowTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seal := pow.Seal(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seal"))
		order := rapid.SampledFrom([]pow.Order{pow.LittleEndian, pow.BigEndian}).Draw(t, "reading")
		// Few leading digits, so that large difficulties have a chance.
		for i := range rapid.IntRange(0, 10).Draw(t, "zeros") {
			if order == pow.BigEndian {
				seal[i] = 0
			} else {
				seal[31-i] = 0
			}
		}
		n := number(seal, order)
		met := func(d uint64) bool {
			return new(big.Int).Mul(n, new(big.Int).SetUint64(d)).Cmp(two256) < 0
		}
		best := seal.Difficulty(order)
		for _, d := range []uint64{rapid.Uint64().Draw(t, "difficulty"), 0, 1, best - 1, best, best + 1, math.MaxUint64} {
			if got := pow.TargetFor(d).Met(seal, order); got != met(d) {
				t.Fatalf("difficulty %d: met %v, want %v", d, got, met(d))
			}
		}
		if !met(best) || best != math.MaxUint64 && met(best+1) {
			t.Fatalf("largest difficulty met is not %d", best)
		}
	})
}

func TestTargetFor(t *testing.T) {
	for difficulty, want := range map[uint64]string{
		0: "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		1: "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		2: "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		3: "0x5555555555555555555555555555555555555555555555555555555555555555",
		// (2^256-1) / (2^64-1) = 2^192 + 2^128 + 2^64 + 1
		math.MaxUint64: "0x0000000000000001000000000000000100000000000000010000000000000001",
	} {
		if got := pow.TargetFor(difficulty).String(); got != want {
			t.Errorf("target of %d is %s, want %s", difficulty, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.Uint64Min(1).Draw(t, "difficulty")
		want := new(big.Int).Sub(two256, big.NewInt(1))
		want.Quo(want, new(big.Int).SetUint64(d))
		if got := pow.TargetFor(d).String(); got != "0x"+hex.EncodeToString(want.FillBytes(make([]byte, 32))) {
			t.Fatalf("target of %d is %s, want %x", d, got, want)
		}
	})
	if got := (pow.Seal{}).Difficulty(pow.BigEndian); got != math.MaxUint64 {
		t.Errorf("a seal of zeros meets %d", got)
	}
}
