package pow_test

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/pow"
)

func hash(t *testing.T, s string) (h [32]byte) {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil || len(b) != len(h) {
		t.Fatalf("%q is no hash: %v", s, err)
	}
	return [32]byte(b)
}

func natural(t *testing.T, n json.Number) uint64 {
	t.Helper()
	v, err := strconv.ParseUint(n.String(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// seek returns the first of count nonces from start on that ok takes.
func seek(start, count uint64, ok func(nonce uint64) bool) (uint64, bool) {
	for nonce := start; nonce-start < count; nonce++ {
		if ok(nonce) {
			return nonce, true
		}
	}
	return 0, false
}

// Classic seals that were made apart from this project. Most are the first in
// their range that is valid in one reading and not in the other.
func TestClassicVectors(t *testing.T) {
	var cases []struct {
		BlockHash, Hotkey, Seal       string
		Difficulty, StartNonce, Nonce json.Number
		Big                           bool `json:"validBigEndian"`
		Little                        bool `json:"validLittleEndian"`
	}
	vectors.JSON(t, "common/pow_seals.json", &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for i, v := range cases {
		nonce, difficulty := natural(t, v.Nonce), natural(t, v.Difficulty)
		big := pow.Classic(hash(t, v.BlockHash), hash(t, v.Hotkey), pow.LittleEndian, pow.BigEndian)
		little := pow.Classic(hash(t, v.BlockHash), hash(t, v.Hotkey), pow.LittleEndian, pow.LittleEndian)
		if got := big.Seal(nonce).String(); got != v.Seal {
			t.Errorf("case %d: seal %s, want %s", i, got, v.Seal)
		}
		if b, l := big.Verify(nonce, difficulty), little.Verify(nonce, difficulty); b != v.Big || l != v.Little {
			t.Errorf("case %d: valid %v big-endian and %v little-endian, want %v and %v", i, b, l, v.Big, v.Little)
		}
		start := natural(t, v.StartNonce)
		first, ok := seek(start, nonce-start+1, func(n uint64) bool {
			return big.Verify(n, difficulty) == v.Big && little.Verify(n, difficulty) == v.Little
		})
		if !ok || first != nonce {
			t.Errorf("case %d: the first such nonce from %d on is %d, want %d", i, start, first, nonce)
		}
	}
}

// Today's seals and searches, made by the SDK.
func TestPublicVectors(t *testing.T) {
	var file struct {
		Seals []struct {
			Netuid          uint16
			BlockHash       string `json:"block_hash"`
			Hotkey, Coldkey string
			Nonce           json.Number
			Prefix          string
			Seal            string
		}
		Mined []struct {
			Case              int
			Difficulty, Start json.Number
			First             json.Number `json:"first_nonce"`
			Seal              string
		}
	}
	vectors.JSON(t, "common/pow_public_seals.json", &file)
	if len(file.Seals) == 0 || len(file.Mined) == 0 {
		t.Fatal("no cases")
	}
	var challenges []pow.Challenge
	for i, v := range file.Seals {
		c := pow.Public(v.Netuid, hash(t, v.BlockHash), hash(t, v.Hotkey), hash(t, v.Coldkey))
		challenges = append(challenges, c)
		nonce := natural(t, v.Nonce)
		if got := c.Seal(nonce).String(); got != "0x"+v.Seal {
			t.Errorf("case %d: seal %s, want 0x%s", i, got, v.Seal)
		}
		if got := hex.EncodeToString(c.AppendPreimage(nil, nonce)); !strings.HasPrefix(got, v.Prefix) || len(got) != len(v.Prefix)+16 {
			t.Errorf("case %d: preimage %s, want %s and the nonce", i, got, v.Prefix)
		}
	}
	for i, v := range file.Mined {
		c, start, first := challenges[v.Case], natural(t, v.Start), natural(t, v.First)
		if got := c.Seal(first).String(); got != "0x"+v.Seal {
			t.Errorf("search %d: seal %s, want 0x%s", i, got, v.Seal)
		}
		difficulty := natural(t, v.Difficulty)
		if got, ok := seek(start, first-start+1, func(n uint64) bool { return c.Verify(n, difficulty) }); !ok || got != first {
			t.Errorf("search %d: the first nonce from %d on is %d, %v; want %d", i, start, got, ok, first)
		}
	}
}
