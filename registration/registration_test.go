package registration_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/sha3"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/cpu"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/subtensor"
)

const (
	netuid     = 1
	difficulty = 2000
	hopeless   = math.MaxUint64 / 4 // a difficulty that is not met by chance
)

// registrant is a pair of keys and what was asked of them.
type registrant struct {
	hot, cold *keypair.Pair
	asked     []subtensor.Signer
}

func newRegistrant(t *testing.T) *registrant {
	t.Helper()
	return &registrant{hot: pair(t, t.Name()+" hotkey"), cold: pair(t, t.Name()+" coldkey")}
}

func (r *registrant) keys() registration.Keys {
	return registration.Keys{Hotkey: r.hot.Account(), Coldkey: r.cold.Account(), Signer: func(s subtensor.Signer) (substrate.Signer, error) {
		r.asked = append(r.asked, s)
		if s == subtensor.ColdkeySigns {
			return r.cold, nil
		}
		return r.hot, nil
	}}
}

// soon is a context for what must not take long.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// noGoroutines fails where the package, or a solver, left one behind.
func noGoroutines(t *testing.T) {
	t.Helper()
	buf := make([]byte, 1<<20)
	stacks := string(buf[:runtime.Stack(buf, true)])
	for _, name := range []string{"bt/registration.(*flow)", "bt/pow.(*Solver)"} {
		if strings.Contains(stacks, name) {
			t.Errorf("a goroutine of %s is left:\n%s", name, stacks)
		}
	}
}

// recorder keeps what Progress was told and does something at each phase.
type recorder struct {
	t       *testing.T
	phases  []registration.Phase // without repetitions
	seen    []registration.Progress
	running atomic.Bool
	at      map[registration.Phase]func(registration.Progress)
}

func (r *recorder) progress(p registration.Progress) {
	if !r.running.CompareAndSwap(false, true) {
		r.t.Error("Progress is called while it is called")
	}
	defer r.running.Store(false)
	if len(r.phases) == 0 || r.phases[len(r.phases)-1] != p.Phase {
		r.phases = append(r.phases, p.Phase)
	}
	r.seen = append(r.seen, p)
	if f := r.at[p.Phase]; f != nil {
		f(p)
	}
}

// stepping builds a block once a transaction is in the pool.
func stepping(t *testing.T, c *chain) *recorder {
	r := &recorder{t: t, at: make(map[registration.Phase]func(registration.Progress))}
	last := -1
	r.at[registration.Submitted] = func(p registration.Progress) {
		if p.Attempts != last {
			last = p.Attempts
			c.node.Step()
		}
	}
	return r
}

func TestRegister(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	client := c.dial(t)
	who, rec := newRegistrant(t), stepping(t, c)
	result, err := registration.Register(soon(t), client, netuid, who.keys(), registration.Options{Progress: rec.progress})
	if err != nil {
		t.Fatal(err)
	}
	noGoroutines(t)
	// The chain has sixteen neurons at its beginning.
	if result.UID != 16 || result.Attempts != 1 || result.Block.Number != 3 || result.Solution.Block != 2 || result.Rule.Call != "pow_register" {
		t.Errorf("result %+v", result)
	}
	if result.Stats.Hashes == 0 || result.Solution.Difficulty != difficulty {
		t.Errorf("stats %+v, difficulty %d", result.Stats, result.Solution.Difficulty)
	}
	if !slices.Equal(who.asked, []subtensor.Signer{subtensor.ColdkeySigns}) {
		t.Errorf("asked for %v", who.asked)
	}
	want := []registration.Phase{registration.Solving, registration.Submitting, registration.Submitted, registration.InBlock}
	if got := slices.DeleteFunc(slices.Clone(rec.phases), func(p registration.Phase) bool { return p == registration.Waiting }); !slices.Equal(got, want) {
		t.Errorf("phases %v, want %v", rec.phases, want)
	}
	if end := rec.seen[len(rec.seen)-1]; end.Head != result.Block || end.Attempts != 1 || end.Err != nil {
		t.Errorf("the end was told as %+v", end)
	}
	if c.submitted() != 1 {
		t.Errorf("%d submissions", c.submitted())
	}
	// The chain itself says who the uid is.
	state, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	neuron, err := state.NeuronLite(t.Context(), netuid, result.UID)
	if err != nil || neuron.Hotkey != who.hot.Account() || neuron.Coldkey != who.cold.Account() {
		t.Errorf("neuron %v %v, %v", neuron.Hotkey, neuron.Coldkey, err)
	}

	// Once more: nothing is done, nobody is asked.
	_, err = registration.Register(soon(t), client, netuid, who.keys(), registration.Options{})
	var already *subtensor.AlreadyRegisteredError
	if !errors.Is(err, subtensor.ErrAlreadyRegistered) || !errors.As(err, &already) || already.UID != 16 {
		t.Errorf("again: %v", err)
	}
	if len(who.asked) != 1 || c.submitted() != 1 {
		t.Errorf("again: asked %v, %d submissions", who.asked, c.submitted())
	}
}

// What does not pass by itself is refused before any work and before a key is
// asked for.
func TestRefusedBeforeAnyWork(t *testing.T) {
	owned, other := pair(t, "owned"), pair(t, "other owner")
	hot, cold := owned.Account(), other.Account()
	c := start(t, devnet.Options{Difficulty: difficulty, Storage: []devnet.Entry{
		{Pallet: "SubtensorModule", Item: "Owner", Keys: [][]byte{hot[:]}, Value: cold[:]},
	}})
	client := c.dial(t)
	tests := []struct {
		name   string
		netuid uint16
		hotkey *keypair.Pair
		want   error
	}{
		{"PoW disabled", 2, nil, subtensor.ErrPowDisabled},
		{"netuid absent", 999, nil, subtensor.ErrSubnetNotFound},
		{"root", 0, nil, subtensor.ErrRootSubnet},
		{"hotkey of another", netuid, owned, subtensor.ErrHotkeyOwnedByAnother},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			who := newRegistrant(t)
			if test.hotkey != nil {
				who.hot = test.hotkey
			}
			solver := pow.NewSolver(pow.Options{})
			result, err := registration.Register(soon(t), client, test.netuid, who.keys(), registration.Options{Solver: solver})
			if !errors.Is(err, test.want) || !reflect.DeepEqual(result, registration.Result{}) {
				t.Errorf("%+v, %v", result, err)
			}
			if _, err := registration.CreatePOW(soon(t), client, test.netuid, who.hot.Account(), who.cold.Account(), registration.Options{Solver: solver}); !errors.Is(err, test.want) {
				t.Errorf("CreatePOW: %v", err)
			}
			if len(who.asked) != 0 || c.submitted() != 0 || solver.Stats().Works != 0 {
				t.Errorf("asked %v, %d submissions, %d works", who.asked, c.submitted(), solver.Stats().Works)
			}
		})
	}
}

// On a runtime whose register burns TAO nothing is searched and nothing is sent.
func TestUnsafeRuntime(t *testing.T) {
	for _, r := range []struct {
		dir  string
		spec int
	}{{"425-main", 425}, {"101-finney", 101}} {
		t.Run(r.dir, func(t *testing.T) {
			node := newFrozen(t, r.spec, vectors.Read(t, r.dir+"/metadata_v14.scale.gz"))
			who := newRegistrant(t)
			_, err := registration.Register(soon(t), dial(t, node.url), netuid, who.keys(), registration.Options{})
			var unsafe *subtensor.UnsafeError
			if !errors.Is(err, subtensor.ErrUnsafe) || !errors.As(err, &unsafe) || unsafe.Spec != uint32(r.spec) {
				t.Errorf("error %v", err)
			}
			for _, method := range []string{"author_submitAndWatchExtrinsic", "author_submitExtrinsic", "chain_subscribeNewHeads", "system_accountNextIndex"} {
				if node.calls(method) != 0 {
					t.Errorf("%s was called", method)
				}
			}
			if len(who.asked) != 0 {
				t.Errorf("asked for %v", who.asked)
			}
		})
	}
}

// The classic rule: the hotkey signs, and the seal is read as the runtime reads
// it. The seal is computed here once more, after the pallet's registration.rs.
func TestClassicRule(t *testing.T) {
	for _, r := range []struct {
		dir  string
		spec int
		big  bool // the seal is read big-endian
	}{{"218-raonet", 218, true}, {"293-aura", 293, false}} {
		t.Run(r.dir, func(t *testing.T) {
			node := newFrozen(t, r.spec, vectors.Read(t, r.dir+"/metadata_v14.scale.gz"))
			client := dial(t, node.url)
			state, err := client.AtHead(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			node.set(t, state.Runtime, []byte{1}, "NetworksAdded", uint16(netuid))
			node.set(t, state.Runtime, []byte{1}, "NetworkPowRegistrationAllowed", uint16(netuid))
			node.set(t, state.Runtime, u64(difficulty), "Difficulty", uint16(netuid))
			who := newRegistrant(t)
			_, err = registration.Register(soon(t), client, netuid, who.keys(), registration.Options{})
			var pool *substrate.PoolError
			if !errors.As(err, &pool) || errors.Is(err, registration.ErrAttempts) {
				t.Fatalf("error %v", err)
			}
			if !slices.Equal(who.asked, []subtensor.Signer{subtensor.HotkeySigns}) {
				t.Errorf("asked for %v", who.asked)
			}
			text := node.submitted()
			xt, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
			const callSize = 2 + 2 + 8 + 8 + 1 + 32 + 32 + 32
			if err != nil || len(xt) < 4+32+callSize {
				t.Fatalf("submitted %q", text)
			}
			hot, cold := who.hot.Account(), who.cold.Account()
			if xt[2] != 0x84 || xt[3] != 0 || [32]byte(xt[4:36]) != hot {
				t.Errorf("not signed by the hotkey: %x", xt[:36])
			}
			call := xt[len(xt)-callSize:]
			nonce, work := call[12:20], [32]byte(call[21:53])
			want := slices.Concat([]byte{7, 6}, u16(netuid), u64(100), nonce, []byte{32 << 2}, work[:], hot[:], cold[:])
			if !bytes.Equal(call, want) {
				t.Errorf("call %x, want %x", call, want)
			}
			keccak := func(b []byte) []byte {
				h := sha3.NewLegacyKeccak256()
				h.Write(b)
				return h.Sum(nil)
			}
			bound := keccak(append(bytes.Clone(state.Hash[:]), hot[:]...))
			sum := sha256.Sum256(append(bytes.Clone(nonce), bound...))
			seal := keccak(sum[:])
			if !bytes.Equal(seal, work[:]) {
				t.Errorf("seal %x, want %x", work, seal)
			}
			if !r.big {
				slices.Reverse(seal)
			}
			if product := new(big.Int).Mul(new(big.Int).SetBytes(seal), big.NewInt(difficulty)); product.BitLen() > 256 {
				t.Errorf("the seal does not meet the difficulty: %x", work)
			}
		})
	}
}

func TestCancelWhileSolving(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: hopeless})
	client := c.dial(t)
	who := newRegistrant(t)
	ctx, cancel := context.WithCancel(soon(t))
	rec := &recorder{t: t, at: map[registration.Phase]func(registration.Progress){
		registration.Solving: func(p registration.Progress) {
			if p.Stats.Hashes > 0 {
				cancel()
			}
		},
	}}
	_, err := registration.Register(ctx, client, netuid, who.keys(), registration.Options{Progress: rec.progress})
	if !errors.Is(err, context.Canceled) || c.submitted() != 0 {
		t.Errorf("error %v, %d submissions", err, c.submitted())
	}
	noGoroutines(t)
}

// What is waited for is waited for no longer than ctx lasts.
func TestCancelWhileWaiting(t *testing.T) {
	who := newRegistrant(t)
	hot := who.hot.Account()
	c := start(t, devnet.Options{Difficulty: difficulty, Storage: []devnet.Entry{
		{Pallet: "SubtensorModule", Item: "LastPowRegistrationBlock", Keys: [][]byte{hot[:]}, Value: u64(1000)},
	}})
	ctx, cancel := context.WithCancel(soon(t))
	rec := &recorder{t: t, at: map[registration.Phase]func(registration.Progress){registration.Waiting: func(registration.Progress) { cancel() }}}
	_, err := registration.Register(ctx, c.dial(t), netuid, who.keys(), registration.Options{Progress: rec.progress})
	if !errors.Is(err, context.Canceled) || c.submitted() != 0 {
		t.Errorf("error %v, %d submissions", err, c.submitted())
	}
	noGoroutines(t)
}

// Interrupted after the submission, the user hears that it may still happen.
func TestCancelAfterSubmission(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	client := c.dial(t)
	ctx, cancel := context.WithCancel(soon(t))
	rec := &recorder{t: t, at: map[registration.Phase]func(registration.Progress){registration.Submitted: func(registration.Progress) { cancel() }}}
	_, err := registration.Register(ctx, client, netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may still") {
		t.Errorf("error %v", err)
	}
	noGoroutines(t)
}

// hook is an engine that does something the first times that it finds a proof of
// a difficulty, before it tells.
type hook struct {
	pow.Engine
	target pow.Target
	share  pow.Target // that a solver searches for
	times  atomic.Int32
	do     func()
}

func (h *hook) Search(job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
	tried, found, err := h.Engine.Search(job, first, count, hits)
	if job.Target == h.share {
		proof := slices.ContainsFunc(hits[:found], func(i uint32) bool { return h.target.Met(job.Seal(i), job.Reading) })
		if proof && h.times.Add(-1) >= 0 {
			h.do()
		}
	}
	return tried, found, err
}

func hooked(times int32, do func()) *pow.Solver {
	h := &hook{Engine: pow.NewGoEngine(), target: pow.TargetFor(difficulty), share: pow.TargetFor(difficulty / 64), do: do}
	h.times.Store(times)
	return pow.NewSolver(pow.Options{Engines: []pow.Engine{h}})
}

// A proof that expired before it could be submitted is dropped, is no attempt,
// and the search goes on.
func TestStaleSolutionIsNotSubmitted(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	client := c.dial(t)
	const times = 4 // more than there are attempts
	solver := hooked(times, func() {
		for range 5 { // the window
			c.node.Step()
		}
	})
	rec := stepping(t, c)
	result, err := registration.Register(soon(t), client, netuid, newRegistrant(t).keys(), registration.Options{Solver: solver, Progress: rec.progress, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	if c.submitted() != 1 || result.Attempts != 1 {
		t.Errorf("%d submissions, %d attempts", c.submitted(), result.Attempts)
	}
	if result.Solution.Block != 2+5*times {
		t.Errorf("the proof is of block %d", result.Solution.Block)
	}
}

// A node takes its time to tell the account's nonce. What is signed by then for a
// block that has become too old is not submitted, and the search goes on.
func TestLateSignatureIsNotSubmitted(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	c.mu.Lock()
	c.intercept = func(method string, nth int) string {
		if method == "system_accountNextIndex" && nth == 1 {
			for range 5 { // the window
				c.node.Step()
			}
		}
		return ""
	}
	c.mu.Unlock()
	rec := stepping(t, c)
	stepWhenWaiting(c, rec)
	result, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	if c.submitted() != 1 || result.Attempts != 1 || result.Solution.Block < 2+5 {
		t.Errorf("%d submissions, %d attempts, proof of block %d", c.submitted(), result.Attempts, result.Solution.Block)
	}
}

// A block that fills up meanwhile is waited out with the proof that there is.
func TestBlockIsFullWhenSigned(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	full := uint64(0)
	c.mu.Lock()
	c.intercept = func(method string, nth int) string {
		if method == "system_accountNextIndex" && nth == 1 {
			if err := c.node.Set(devnet.Entry{Pallet: "SubtensorModule", Item: "RegistrationsThisBlock", Keys: [][]byte{u16(netuid)}, Value: u16(1)}); err != nil {
				t.Error(err)
			}
			full = c.node.Step()
		}
		return ""
	}
	c.mu.Unlock()
	rec := stepping(t, c)
	stepWhenWaiting(c, rec)
	result, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	if full != 3 || c.submitted() != 1 || result.Attempts != 1 || result.Solution.Block != 2 || result.Block.Number != full+2 {
		t.Errorf("%d submissions, result %+v", c.submitted(), result)
	}
}

// One block short of that it is submitted.
func TestLastFreshSolutionIsSubmitted(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	client := c.dial(t)
	solver := hooked(1, func() {
		for range 4 {
			c.node.Step()
		}
	})
	result, err := registration.Register(soon(t), client, netuid, newRegistrant(t).keys(), registration.Options{Solver: solver, Progress: stepping(t, c).progress, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	if result.Solution.Block != 2 || result.Block.Number != 7 {
		t.Errorf("block %d, in %d", result.Solution.Block, result.Block.Number)
	}
}

// A proof that the difficulty has outgrown is dropped.
func TestWeakSolutionIsNotSubmitted(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	client := c.dial(t)
	raise := func(d uint64) {
		c.set(t, "MinDifficulty", u64(d), u16(netuid))
		c.node.Step()
	}
	solver := hooked(1, func() { raise(hopeless) })
	rec := stepping(t, c)
	lowered := false
	rec.at[registration.Solving] = func(p registration.Progress) {
		// The first work of a search of its own: the weak proof was dropped before.
		if p.Stats.Difficulty == hopeless && p.Stats.Works == 1 && !lowered {
			lowered = true
			c.set(t, "Difficulty", u64(difficulty), u16(netuid))
			raise(difficulty)
		}
	}
	result, err := registration.Register(soon(t), client, netuid, newRegistrant(t).keys(), registration.Options{Solver: solver, Progress: rec.progress})
	if err != nil {
		t.Fatal(err)
	}
	if !lowered || c.submitted() != 1 || result.Solution.Block != 4 {
		t.Errorf("lowered %v, %d submissions, proof of block %d", lowered, c.submitted(), result.Solution.Block)
	}
}

// After a block that has had its registration a proof waits for the next one.
func TestWaitsWhileTheBlockIsFull(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	client := c.dial(t)
	c.set(t, "RegistrationsThisBlock", u16(1), u16(netuid))
	full := c.node.Step() // its own counter says 1 once it is done
	rec := stepping(t, c)
	waited := false
	rec.at[registration.Waiting] = func(p registration.Progress) {
		if errors.Is(p.Err, subtensor.ErrTooManyThisBlock) && p.Head.Number == full && !waited {
			waited = true
			if c.submitted() != 0 {
				t.Error("submitted into a full block")
			}
			c.node.Step()
		}
	}
	result, err := registration.Register(soon(t), client, netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	if !waited || result.Solution.Block != full || result.Block.Number != full+2 {
		t.Errorf("waited %v, proof of %d in %d", waited, result.Solution.Block, result.Block.Number)
	}
}

// Work blocks that the chain would take for a replay are waited out without a
// search.
func TestWaitsForANewerWorkBlock(t *testing.T) {
	who := newRegistrant(t)
	hot := who.hot.Account()
	const last = 5
	c := start(t, devnet.Options{Difficulty: difficulty, Storage: []devnet.Entry{
		{Pallet: "SubtensorModule", Item: "LastPowRegistrationBlock", Keys: [][]byte{hot[:]}, Value: u64(last)},
	}})
	rec := stepping(t, c)
	stepped := uint64(0)
	rec.at[registration.Waiting] = func(p registration.Progress) {
		if !errors.Is(p.Err, subtensor.ErrReplay) || p.Stats.Works != 0 {
			t.Errorf("waits with %v, %d works", p.Err, p.Stats.Works)
		}
		if p.Head.Number >= stepped {
			stepped = c.node.Step()
		}
	}
	result, err := registration.Register(soon(t), c.dial(t), netuid, who.keys(), registration.Options{Progress: rec.progress})
	if err != nil {
		t.Fatal(err)
	}
	if result.Solution.Block != last+1 {
		t.Errorf("proof of block %d", result.Solution.Block)
	}
}

const badRequest = `"error":{"code":1010,"message":"Invalid Transaction","data":"Custom error: 255"}`

// refusing has the proxy refuse the first submissions.
func refusing(c *chain, times int, answer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.intercept = func(method string, nth int) string {
		if method == "author_submitAndWatchExtrinsic" && nth <= times {
			return answer
		}
		return ""
	}
}

// stepWhenRefused builds a block when the flow waits after a refusal.
func stepWhenRefused(c *chain, rec *recorder) {
	done := -1
	rec.at[registration.Waiting] = func(p registration.Progress) {
		if p.Err != nil && p.Attempts > 0 && p.Attempts != done {
			done = p.Attempts
			c.node.Step()
		}
	}
}

func TestTriesAgainOnTheNextBlock(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	refusing(c, 2, badRequest)
	rec := stepping(t, c)
	stepWhenRefused(c, rec)
	result, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress})
	if err != nil {
		t.Fatal(err)
	}
	if result.Attempts != 3 || c.submitted() != 3 || result.Solution.Block != 4 {
		t.Errorf("%d attempts, %d submissions, proof of block %d", result.Attempts, c.submitted(), result.Solution.Block)
	}
	if !slices.ContainsFunc(rec.seen, func(p registration.Progress) bool {
		var pool *substrate.PoolError
		return p.Phase == registration.Waiting && errors.As(p.Err, &pool)
	}) {
		t.Error("the refusal was not told")
	}
}

// stepWhenWaiting builds a block when the flow waits at a head for another one.
func stepWhenWaiting(c *chain, rec *recorder) {
	var at uint64
	rec.at[registration.Waiting] = func(p registration.Progress) {
		if p.Err != nil && p.Head.Number > at {
			at = p.Head.Number
			c.node.Step()
		}
	}
}

// A proof that another transaction of the account stands in the way of was not
// judged: it is no attempt.
func TestStandsBackBehindAnotherTransaction(t *testing.T) {
	for name, refusal := range map[string]string{
		"in the pool":  `"error":{"code":1014,"message":"Priority is too low: (1 vs 1)","data":"The transaction has too low priority to replace another transaction already in the pool."}`,
		"in the block": `"error":{"code":1010,"message":"Invalid Transaction","data":"Transaction is outdated"}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, devnet.Options{Difficulty: difficulty})
			refusing(c, 5, refusal)
			rec := stepping(t, c)
			stepWhenWaiting(c, rec)
			result, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress, MaxAttempts: 1})
			if err != nil {
				t.Fatal(err)
			}
			if result.Attempts != 1 || c.submitted() != 6 {
				t.Errorf("%d attempts, %d submissions", result.Attempts, c.submitted())
			}
		})
	}
}

// A proof that fails in its block, because it came too late, the subnet became harder
// or others took the last place, is made again in the next block or interval. Other
// failures are the last word.
func TestFailsInItsBlock(t *testing.T) {
	const last, interval = 90, 14 // the next one begins in 104
	for _, test := range []struct {
		failure string
		again   bool
		at      uint64 // the head of the second submission
	}{
		{"InvalidWorkBlock", true, 101},
		{"InvalidDifficulty", true, 101},
		{"TooManyRegistrationsThisBlock", true, 101},
		{"TooManyRegistrationsThisInterval", true, last + interval},
		{"InvalidSeal", false, 0},
		{"HotKeyAlreadyRegisteredInSubNet", false, 0},
	} {
		t.Run(test.failure, func(t *testing.T) {
			node := newFrozen(t, 293, vectors.Read(t, "293-aura/metadata_v14.scale.gz"))
			client := dial(t, node.url)
			state, err := client.AtHead(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			for item, value := range map[string][]byte{
				"NetworksAdded": {1}, "NetworkPowRegistrationAllowed": {1}, "Difficulty": u64(difficulty),
				"LastAdjustmentBlock": u64(last), "AdjustmentInterval": u16(interval), "TargetRegistrationsPerInterval": u16(2),
			} {
				node.set(t, state.Runtime, value, item, uint16(netuid))
			}
			pallet, _ := state.Runtime.Metadata.Pallet("SubtensorModule")
			for _, e := range state.Runtime.Metadata.Types.Type(pallet.Errors).Variants {
				if e.Name == test.failure {
					node.fail = []uint8{e.Index}
				}
			}
			if node.fail == nil {
				t.Fatal("the runtime has no such error")
			}
			rec := &recorder{t: t}
			rec.at = map[registration.Phase]func(registration.Progress){
				registration.Submitted: func(registration.Progress) {
					if test.failure == "TooManyRegistrationsThisInterval" {
						node.set(t, state.Runtime, u16(6), "RegistrationsThisInterval", uint16(netuid))
					}
				},
				registration.Waiting: func(p registration.Progress) {
					if !errors.Is(p.Err, subtensor.ErrTooManyThisInterval) {
						return
					}
					if p.Head.Number+1 == last+interval {
						node.set(t, state.Runtime, u16(0), "RegistrationsThisInterval", uint16(netuid))
					}
					node.advance(t)
				},
			}
			_, err = registration.Register(soon(t), client, netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress})
			submissions := node.calls("author_submitAndWatchExtrinsic")
			var dispatch *substrate.DispatchError
			if !test.again {
				if !errors.As(err, &dispatch) || dispatch.Name != test.failure || submissions != 1 {
					t.Errorf("%d submissions: %v", submissions, err)
				}
				return
			}
			var pool *substrate.PoolError // of the second one
			if !errors.As(err, &pool) || submissions != 2 {
				t.Fatalf("%d submissions: %v", submissions, err)
			}
			if p := rec.seen[len(rec.seen)-1]; p.Head.Number != test.at || !errors.As(p.Err, &dispatch) || dispatch.Name != test.failure {
				t.Errorf("the end was told as %+v", p)
			}
			noGoroutines(t)
		})
	}
}

func TestGivesUp(t *testing.T) {
	for most, want := range map[int]int{0: 3, 2: 2} {
		c := start(t, devnet.Options{Difficulty: difficulty})
		refusing(c, 100, badRequest)
		rec := stepping(t, c)
		stepWhenRefused(c, rec)
		_, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress, MaxAttempts: most})
		var pool *substrate.PoolError
		if !errors.Is(err, registration.ErrAttempts) || !errors.As(err, &pool) || pool.Custom == nil || *pool.Custom != 255 {
			t.Errorf("error %v", err)
		}
		if c.submitted() != want {
			t.Errorf("%d submissions, want %d", c.submitted(), want)
		}
		noGoroutines(t)
	}
}

func TestOtherRefusalsAreFinal(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	refusing(c, 100, `"error":{"code":1010,"message":"Invalid Transaction","data":"Inability to pay some fees (e.g. account balance too low)"}`)
	_, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{})
	var pool *substrate.PoolError
	if errors.Is(err, registration.ErrAttempts) || !errors.As(err, &pool) || c.submitted() != 1 {
		t.Errorf("error %v, %d submissions", err, c.submitted())
	}
}

// A submission that no block takes is given up when its time is over.
func TestLostSubmission(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	refusing(c, 1, `"result":"never heard of again"`)
	rec := stepping(t, c)
	before := rec.at[registration.Submitted]
	rec.at[registration.Submitted] = func(p registration.Progress) {
		if p.Attempts > 1 {
			before(p)
			return
		}
		c.node.Step()
	}
	result, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress})
	if err != nil {
		t.Fatal(err)
	}
	if result.Attempts != 2 || result.Solution.Block <= 2+8 {
		t.Errorf("%d attempts, proof of block %d", result.Attempts, result.Solution.Block)
	}
}

// A hotkey that another machine registers ends the search.
func TestRegisteredMeanwhile(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: hopeless})
	who := newRegistrant(t)
	hot := who.hot.Account()
	done := false
	rec := &recorder{t: t, at: map[registration.Phase]func(registration.Progress){
		registration.Solving: func(p registration.Progress) {
			if p.Stats.Hashes > 0 && !done {
				done = true
				c.set(t, "Uids", u16(5), u16(netuid), hot[:])
				c.node.Step()
			}
		},
	}}
	_, err := registration.Register(soon(t), c.dial(t), netuid, who.keys(), registration.Options{Progress: rec.progress})
	var already *subtensor.AlreadyRegisteredError
	if !errors.As(err, &already) || already.UID != 5 || c.submitted() != 0 {
		t.Errorf("error %v, %d submissions", err, c.submitted())
	}
	noGoroutines(t)
}

// New blocks reach the search, and Progress is told while nothing else happens.
func TestSearchFollowsTheHead(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: hopeless})
	ctx, cancel := context.WithCancel(soon(t))
	var stepped uint64
	var quiet int
	rec := &recorder{t: t, at: map[registration.Phase]func(registration.Progress){
		registration.Solving: func(p registration.Progress) {
			switch {
			case p.Stats.Block < stepped || p.Stats.Works == 0: // not yet
			case stepped < 5:
				stepped = c.node.Step()
			case p.Stats.Works < 4:
				t.Errorf("%d works at block %d", p.Stats.Works, p.Stats.Block)
				cancel()
			default:
				if quiet++; quiet == 3 {
					cancel()
				}
			}
		},
	}}
	_, err := registration.Register(ctx, c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress})
	if !errors.Is(err, context.Canceled) || quiet != 3 {
		t.Errorf("error %v", err)
	}
}

func TestSigner(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	client := c.dial(t)
	who := newRegistrant(t)
	locked := errors.New("locked")
	for name, signer := range map[string]func(subtensor.Signer) (substrate.Signer, error){
		"none":        nil,
		"refuses":     func(subtensor.Signer) (substrate.Signer, error) { return nil, locked },
		"nothing":     func(subtensor.Signer) (substrate.Signer, error) { return nil, nil },
		"another key": func(subtensor.Signer) (substrate.Signer, error) { return who.hot, nil },
	} {
		keys := who.keys()
		keys.Signer = signer
		solver := pow.NewSolver(pow.Options{})
		_, err := registration.Register(soon(t), client, netuid, keys, registration.Options{Solver: solver})
		if err == nil || name == "refuses" && !errors.Is(err, locked) || name == "another key" && !errors.Is(err, subtensor.ErrWrongSigner) || solver.Stats().Works != 0 {
			t.Errorf("%s: %v, %d works", name, err, solver.Stats().Works)
		}
	}
	if c.submitted() != 0 {
		t.Errorf("%d submissions", c.submitted())
	}
}

func TestCreatePOW(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	who := newRegistrant(t)
	solver := hooked(1, func() {
		for range 5 {
			c.node.Step()
		}
	})
	s, err := registration.CreatePOW(soon(t), c.dial(t), netuid, who.hot.Account(), who.cold.Account(), registration.Options{Solver: solver})
	if err != nil {
		t.Fatal(err)
	}
	// The puzzle by hand: it is the one of pow, held by the vectors.
	challenge := pow.Public(netuid, s.BlockHash, who.hot.Account(), who.cold.Account())
	if s.Block != 7 || s.Difficulty != difficulty || !challenge.Verify(s.Nonce, difficulty) || challenge.Seal(s.Nonce) != s.Seal {
		t.Errorf("solution %+v", s)
	}
	if c.submitted() != 0 {
		t.Errorf("%d submissions", c.submitted())
	}
	noGoroutines(t)
}

// Where no solver is given, the best engines search, one for each processor.
func TestEngines(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	client, who := c.dial(t), newRegistrant(t)
	t.Setenv(cpu.Variable, "abacus")
	if _, err := registration.Register(soon(t), client, netuid, who.keys(), registration.Options{}); err == nil || !strings.Contains(err.Error(), "abacus") {
		t.Errorf("with engines that are not there: %v", err)
	}
	t.Setenv(cpu.Variable, "")
	result, err := registration.Register(soon(t), client, netuid, who.keys(), registration.Options{Progress: stepping(t, c).progress})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Stats.Engines) != pow.CPUs() {
		t.Errorf("%d engines for %d processors", len(result.Stats.Engines), pow.CPUs())
	}
	for _, e := range result.Stats.Engines {
		if e.Name != cpu.Names()[0] {
			t.Errorf("engine %s, want %s", e.Name, cpu.Names()[0])
		}
	}
}

// A proof is good for five blocks: of 12 seconds, as the runtime has it, until two
// blocks were seen to come sooner. How old the first one was nobody knows.
func TestWorkExpires(t *testing.T) {
	for _, steps := range []int{0, 1, 5} {
		c := start(t, devnet.Options{Difficulty: difficulty})
		if steps > 0 {
			c.set(t, "MinDifficulty", u64(hopeless), u16(netuid))
			c.node.Step()
		}
		e := &perJob{Engine: pow.NewGoEngine(), target: pow.TargetFor(hopeless / 64), do: func(n int) {
			if n == steps {
				c.set(t, "Difficulty", u64(difficulty), u16(netuid))
				c.set(t, "MinDifficulty", u64(difficulty), u16(netuid))
			}
			c.node.Step()
		}}
		who := newRegistrant(t)
		client := c.dial(t)
		began := time.Now()
		s, err := registration.CreatePOW(soon(t), client, netuid, who.hot.Account(), who.cold.Account(), registration.Options{
			Solver: pow.NewSolver(pow.Options{Engines: []pow.Engine{e}}),
		})
		if err != nil {
			t.Fatal(err)
		}
		ended := time.Now()
		switch in := s.Expires.Sub(began); {
		case steps < 2 && (in < time.Minute || s.Expires.After(ended.Add(time.Minute))):
			t.Errorf("after %d blocks the work expires in %v, want a minute", steps, in)
		case steps >= 2 && in > 30*time.Second:
			t.Errorf("%d blocks came at once, and the work expires in %v", steps, in)
		}
	}
}

// perJob is an engine that does something for each new job with a target.
type perJob struct {
	pow.Engine
	target pow.Target
	jobs   int
	last   pow.Job
	do     func(n int)
}

func (e *perJob) Search(job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
	if *job != e.last && job.Target == e.target {
		e.last = *job
		e.jobs++
		e.do(e.jobs)
	}
	return e.Engine.Search(job, first, count, hits)
}

// Several register at once on a chain that takes one a block: all get there, with
// uids of their own.
func TestSeveralAtOnce(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("one coldkey=%v", shared), func(t *testing.T) { severalAtOnce(t, shared) })
	}
}

// severalAtOnce registers three hotkeys, of a coldkey each or all of one.
func severalAtOnce(t *testing.T, shared bool) {
	c := start(t, devnet.Options{Difficulty: difficulty, BlockTime: 200 * time.Millisecond})
	const n = 3
	var (
		wg      sync.WaitGroup
		results [n]registration.Result
		errs    [n]error
	)
	for i := range n {
		owner := i
		if shared {
			owner = 0
		}
		who := &registrant{hot: pair(t, fmt.Sprint("hotkey", i)), cold: pair(t, fmt.Sprint("coldkey", owner))}
		client := c.dial(t)
		wg.Go(func() {
			results[i], errs[i] = registration.Register(soon(t), client, netuid, who.keys(), registration.Options{MaxAttempts: 20})
		})
	}
	wg.Wait()
	uids := make(map[uint16]bool)
	blocks := make(map[uint64]bool)
	for i, err := range errs {
		if err != nil {
			t.Error(err)
			continue
		}
		uids[results[i].UID], blocks[results[i].Block.Number] = true, true
	}
	if len(uids) != n || len(blocks) != n {
		t.Errorf("uids %v, blocks %v", uids, blocks)
	}
}
