//go:build e2e

package e2e

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/engines"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/subtensor"
)

// newSolver returns a solver with the engines that bt register has.
func newSolver(t testing.TB) *pow.Solver {
	t.Helper()
	list, err := engines.New(engines.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return pow.NewSolver(pow.Options{Engines: list})
}

// measured returns how many seals a second this machine tries.
func measured(t *testing.T, s *pow.Solver) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	work := make(chan pow.Work, 1)
	work <- pow.Work{Challenge: pow.Public(1, [32]byte{1}, [32]byte{2}, [32]byte{3}), Difficulty: math.MaxUint64}
	if _, err := s.Solve(ctx, work); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return s.Stats().MeanRate
}

func testKey(t testing.TB, name string) *keypair.Pair {
	t.Helper()
	seed := blake2b.Sum256([]byte(name))
	pair, err := keypair.FromSeed(keypair.Sr25519, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// registrar registers hotkeys one after the other on netuid 1 of a development chain.
type registrar struct {
	client  *subtensor.Client
	coldkey *keypair.Pair
	solver  *pow.Solver
	begun   int // registrations
}

// newRegistrar starts a chain. The subnet's own limit keeps registrations from making
// the next one harder.
func newRegistrar(t testing.TB, blockTime time.Duration, difficulty uint64, solver *pow.Solver) *registrar {
	t.Helper()
	chain, err := devnet.Start(devnet.Options{
		BlockTime: blockTime, Difficulty: difficulty,
		Storage: []devnet.Entry{{
			Pallet: "SubtensorModule", Item: "MaxDifficulty", Keys: [][]byte{{1, 0}},
			Value: binary.LittleEndian.AppendUint64(nil, difficulty),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { chain.Close() })
	c, err := subtensor.Dial(t.Context(), subtensor.Network{Name: "devnet", Endpoint: chain.URL()}, subtensor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &registrar{c, testKey(t, "coldkey"), solver, 0}
}

// register registers the next hotkey.
func (r *registrar) register(t testing.TB, attempts int) registration.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	r.begun++
	result, err := registration.Register(ctx, r.client, 1, registration.Keys{
		Hotkey: testKey(t, fmt.Sprintf("hotkey %d", r.begun)).Account(), Coldkey: r.coldkey.Account(),
		Signer: func(subtensor.Signer) (substrate.Signer, error) { return r.coldkey, nil },
	}, registration.Options{Solver: r.solver, MaxAttempts: attempts})
	if err != nil {
		t.Fatalf("registration %d: %v", r.begun, err)
	}
	return result
}

// TestFastBlocks registers 40 hotkeys one after the other on a chain with four
// blocks a second, where a proof takes a tenth of a second: none needs more than
// two attempts. Most need one, as a client sees beforehand what a block would refuse.
func TestFastBlocks(t *testing.T) {
	const count, most = 40, 2
	solver := newSolver(t)
	rate := measured(t, solver)
	difficulty := uint64(rate / 10)
	r := newRegistrar(t, 250*time.Millisecond, difficulty, solver)
	begun := time.Now()
	var attempts [most + 1]int
	var last uint64
	for i := range count {
		result := r.register(t, most)
		if result.UID != uint16(16+i) || result.Solution.Difficulty != difficulty || result.Block.Number <= last {
			t.Errorf("registration %d: uid %d in block %d, difficulty %d", i, result.UID, result.Block.Number, result.Solution.Difficulty)
		}
		attempts[result.Attempts]++
		last = result.Block.Number
	}
	if attempts[1] <= count/2 {
		t.Errorf("only %d took one attempt", attempts[1])
	}
	t.Logf("%.0f seals a second, difficulty %d: %d registrations in %v, %d blocks; %d took one attempt, %d two",
		rate, difficulty, count, time.Since(begun).Round(time.Millisecond), last, attempts[1], attempts[2])
}

// BenchmarkRegister registers hotkeys at difficulty 1,000,000 at the paces of
// mainnet, of test chains and of a chain in a hurry. Each begins when the one
// before it is in a block, and as the subnet takes one a block, no sooner than with
// the next one can it be handed in. "search-s" is what of its time was a search.
func BenchmarkRegister(b *testing.B) {
	const difficulty, attempts = 1_000_000, 10
	for _, pace := range []time.Duration{12 * time.Second, time.Second, 250 * time.Millisecond} {
		b.Run(pace.String(), func(b *testing.B) {
			r := newRegistrar(b, pace, difficulty, newSolver(b))
			var all []float64 // seconds
			var tries, most int
			var seals uint64
			var search time.Duration
			for b.Loop() {
				begun := time.Now()
				result := r.register(b, attempts)
				all = append(all, time.Since(begun).Seconds())
				tries, most = tries+result.Attempts, max(most, result.Attempts)
				seals, search = seals+result.Stats.Hashes, search+result.Stats.Elapsed
			}
			slices.Sort(all)
			n := float64(len(all))
			b.ReportMetric(0, "ns/op") // told in seconds
			b.ReportMetric(all[len(all)/2], "median-s")
			b.ReportMetric(all[0], "least-s")
			b.ReportMetric(all[len(all)-1], "most-s")
			b.ReportMetric(float64(tries)/n, "attempts/op")
			b.ReportMetric(float64(most), "most-attempts")
			b.ReportMetric(float64(seals)/n, "seals/op")
			b.ReportMetric(search.Seconds()/n, "search-s/op")
		})
	}
}
