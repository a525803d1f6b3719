package registration_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/big"
	"slices"
	"testing"

	"golang.org/x/crypto/sha3"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/subtensor"
)

const drawn = 1000 * 1_000_000_000 // rao that a draw gives from spec 154 on

// drawing builds a block for each draw.
func drawing(t *testing.T, c *chain) *recorder {
	rec := stepping(t, c)
	rec.at[registration.InBlock] = func(registration.Progress) {
		rec.at[registration.Submitted] = stepping(t, c).at[registration.Submitted]
	}
	return rec
}

func TestFaucet(t *testing.T) {
	c := start(t, devnet.Options{})
	client, who, rec := c.dial(t), newRegistrant(t), drawing(t, c)
	var told []registration.Draw
	result, err := registration.Faucet(soon(t), client, who.keys(), registration.FaucetOptions{
		Options: registration.Options{Progress: rec.progress},
		Drawn:   func(d registration.Draw) { told = append(told, d) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Draws) != 3 || result.Attempts != 3 || result.Before != 0 || len(told) != 3 {
		t.Fatalf("result %+v, told %d", result, len(told))
	}
	if !slices.Equal(who.asked, []subtensor.Signer{subtensor.ColdkeySigns}) {
		t.Errorf("asked for %v", who.asked)
	}
	for i, d := range result.Draws {
		if d.Balance != uint64(i+1)*drawn || told[i].Block != d.Block {
			t.Errorf("draw %d: balance %d in %d", i, d.Balance, d.Block.Number)
		}
		drawsFor(t, d.Solution, who.cold.Account())
	}
	noGoroutines(t)

	// The proof alone.
	s, err := registration.CreateFaucetPOW(soon(t), client, who.cold.Account(), registration.Options{})
	if err != nil {
		t.Fatal(err)
	}
	drawsFor(t, s, who.cold.Account())
	if c.submitted() != 3 {
		t.Errorf("%d submissions", c.submitted())
	}
}

// drawsFor computes a seal once more, after the pallet's registration.rs: it binds the
// coldkey, and is read little-endian today.
func drawsFor(t *testing.T, s pow.Solution, coldkey [32]byte) {
	t.Helper()
	keccak := func(b []byte) []byte {
		h := sha3.NewLegacyKeccak256()
		h.Write(b)
		return h.Sum(nil)
	}
	bound := keccak(append(slices.Clone(s.BlockHash[:]), coldkey[:]...))
	sum := sha256.Sum256(append(u64(s.Nonce), bound...))
	seal := keccak(sum[:])
	if string(seal) != string(s.Seal[:]) {
		t.Errorf("seal %v, want %x", s.Seal, seal)
	}
	slices.Reverse(seal)
	if new(big.Int).Mul(new(big.Int).SetBytes(seal), big.NewInt(1_000_000)).BitLen() > 256 {
		t.Errorf("the seal %v does not meet a difficulty of 1,000,000", s.Seal)
	}
}

// A draw that is refused for good ends it, and what was drawn before is told.
func TestFaucetEnds(t *testing.T) {
	c := start(t, devnet.Options{})
	client, who := c.dial(t), newRegistrant(t)
	c.mu.Lock()
	c.intercept = func(method string, nth int) string {
		if method == "author_submitAndWatchExtrinsic" && nth == 2 {
			return `"error":{"code":1010,"message":"Invalid Transaction","data":"Custom error: 0"}`
		}
		return ""
	}
	c.mu.Unlock()
	result, err := registration.Faucet(soon(t), client, who.keys(), registration.FaucetOptions{
		Options: registration.Options{Progress: drawing(t, c).progress}, MaxSuccesses: 5,
	})
	if err == nil || len(result.Draws) != 1 || result.Attempts != 2 || free(t, client, who.cold.Account()) != drawn {
		t.Errorf("%v, result %+v", err, result)
	}
	noGoroutines(t)
}

// A draw whose connection is lost is one draw, not two and not none.
func TestFaucetConnectionLost(t *testing.T) {
	for name, reached := range map[string]bool{"the node never got it": false, "the node has it": true} {
		t.Run(name, func(t *testing.T) {
			c := start(t, devnet.Options{})
			c.cut("author_submitAndWatchExtrinsic", 1, reached, c.build(0))
			rec := drawing(t, c)
			rec.stepOnceHandedInAgain(c)
			client, who := c.dial(t), newRegistrant(t)
			result, err := registration.Faucet(soon(t), client, who.keys(), registration.FaucetOptions{
				Options: registration.Options{Progress: rec.progress, MaxAttempts: 1}, MaxSuccesses: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
			rec.lost(t, registration.InBlock)
			if len(result.Draws) != 1 || result.Draws[0].Balance != drawn || result.Draws[0].Block.Number != 3 {
				t.Errorf("result %+v", result)
			}
			noGoroutines(t)
		})
	}
}

func TestFaucetCancelled(t *testing.T) {
	c := start(t, devnet.Options{})
	client, who := c.dial(t), newRegistrant(t)
	ctx, cancel := context.WithCancel(soon(t))
	result, err := registration.Faucet(ctx, client, who.keys(), registration.FaucetOptions{
		Options: registration.Options{Progress: drawing(t, c).progress},
		Drawn:   func(registration.Draw) { cancel() },
	})
	if !errors.Is(err, context.Canceled) || len(result.Draws) != 1 {
		t.Errorf("%v, result %+v", err, result)
	}
	noGoroutines(t)
}

// Where metadata has no faucet nothing is searched.
func TestNoFaucet(t *testing.T) {
	node := newFrozen(t, 425, vectors.Read(t, "425-main/metadata_v14.scale.gz"))
	who := newRegistrant(t)
	_, err := registration.Faucet(soon(t), dial(t, node.url), who.keys(), registration.FaucetOptions{})
	if !errors.Is(err, subtensor.ErrNoFaucet) || len(who.asked) != 0 || node.calls("chain_subscribeNewHeads") != 0 {
		t.Errorf("%v, keys %v", err, who.asked)
	}
}
