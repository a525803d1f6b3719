package registration_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// stepOnceHandedInAgain builds no blocks while a transaction waits that the node was given
// once.
func (r *recorder) stepOnceHandedInAgain(c *chain) {
	step := r.at[registration.Submitted]
	r.at[registration.Submitted] = func(p registration.Progress) {
		if c.submitted() > 1 {
			step(p)
		}
	}
}

// lost checks that Progress was told of a lost connection and of what came after.
func (r *recorder) lost(t *testing.T, then registration.Phase) {
	t.Helper()
	i := slices.Index(r.phases, registration.Reconnecting)
	if i < 0 {
		t.Fatalf("no connection was lost: phases %v", r.phases)
	}
	if !slices.Contains(r.phases[i:], then) {
		t.Errorf("phases %v, no %v after the connection was lost", r.phases, then)
	}
	for _, p := range r.seen {
		if p.Phase == registration.Reconnecting && !substrate.Unreachable(p.Err) {
			t.Errorf("reconnecting because of %v", p.Err)
		}
	}
}

// once returns a function that does something the first time.
func once(do func()) func() {
	done := false
	return func() {
		if !done {
			done = true
			do()
		}
	}
}

// A search goes on over a connection that is made anew, and hears of the blocks
// there.
func TestConnectionLostWhileSolving(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: hopeless})
	rec := stepping(t, c)
	drop := once(c.drop)
	ease := once(func() {
		c.set(t, "MinDifficulty", u64(difficulty), u16(netuid))
		c.set(t, "Difficulty", u64(difficulty), u16(netuid))
		c.node.Step()
	})
	rec.at[registration.Solving] = func(p registration.Progress) {
		if slices.Contains(rec.phases, registration.Reconnecting) {
			ease()
		} else if p.Stats.Hashes > 0 {
			drop()
		}
	}
	result, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	rec.lost(t, registration.Solving)
	if result.UID != 16 || result.Attempts != 1 || result.Solution.Block != 3 {
		t.Errorf("result %+v", result)
	}
	noGoroutines(t)
}

// A proof that was found is handed in over the new connection, without a search of
// its own.
func TestConnectionLostBeforeSubmission(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	c.cut("system_accountNextIndex", 1, false, c.build(0))
	rec := stepping(t, c)
	result, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	rec.lost(t, registration.Submitted)
	if result.Attempts != 1 || c.submitted() != 1 || result.Solution.Block != 2 || result.Stats.Works != 1 {
		t.Errorf("result %+v, %d submissions", result, c.submitted())
	}
}

// A proof that was handed in is one attempt and one registration, whatever became
// of it while there was no connection.
func TestConnectionLostAfterSubmission(t *testing.T) {
	for _, test := range []struct {
		name    string
		reached bool // the node has it
		built   int  // blocks while there was no connection
	}{
		{"the node never got it", false, 0},
		{"in the pool", true, 0},
		{"in a block", true, 1},
		{"in a block long ago", true, 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, devnet.Options{Difficulty: difficulty})
			c.cut("author_submitAndWatchExtrinsic", 1, test.reached, c.build(test.built))
			rec := stepping(t, c)
			rec.stepOnceHandedInAgain(c)
			who, client := newRegistrant(t), c.dial(t)
			result, err := registration.Register(soon(t), client, netuid, who.keys(), registration.Options{Progress: rec.progress, MaxAttempts: 1})
			if err != nil {
				t.Fatal(err)
			}
			rec.lost(t, registration.InBlock)
			if result.UID != 16 || result.Attempts != 1 || result.Block.Number != 3 || result.Solution.Block != 2 {
				t.Errorf("result %+v", result)
			}
			if again := c.dial(t); neuronOf(t, again, 16) != who.hot.Account() {
				t.Error("uid 16 is another hotkey's")
			}
			noGoroutines(t)
		})
	}
}

// A node that is there no more, though nothing closed the connection, is noticed by
// its silence, whatever the flow is at.
func TestHalfOpenConnection(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for _, test := range []struct {
		name     string
		at       registration.Phase
		attempts int // that were submitted then
		hard     bool
	}{
		{"while it searches", registration.Solving, 0, true},
		{"while it signs", registration.Submitting, 0, false},
		{"while it waits for a block", registration.Submitted, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := devnet.Options{Difficulty: difficulty}
			if test.hard {
				opts.Difficulty = hopeless
			}
			c := start(t, opts)
			socket := c.relay(t)
			client := dialWith(t, socket.url, subtensor.Options{Timeout: timeout})
			rec := stepping(t, c)
			step := rec.at[registration.Submitted]
			rec.at[registration.Submitted] = func(p registration.Progress) {
				if slices.Contains(rec.phases, registration.Reconnecting) {
					step(p)
				}
			}
			silence := once(socket.silence)
			ease := once(func() {
				c.set(t, "MinDifficulty", u64(difficulty), u16(netuid))
				c.set(t, "Difficulty", u64(difficulty), u16(netuid))
				c.node.Step()
			})
			then := rec.at[test.at]
			rec.at[test.at] = func(p registration.Progress) {
				if p.Attempts != test.attempts {
					t.Errorf("%d attempts at %v", p.Attempts, p.Phase)
				}
				if test.at != registration.Solving || p.Stats.Hashes > 0 {
					silence()
				}
				if test.hard && slices.Contains(rec.phases, registration.Reconnecting) {
					ease()
				}
				if then != nil {
					then(p)
				}
			}
			who := newRegistrant(t)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // less than a client without a Timeout takes
			defer cancel()
			result, err := registration.Register(ctx, client, netuid, who.keys(), registration.Options{Progress: rec.progress, MaxAttempts: 1})
			if err != nil {
				t.Fatal(err)
			}
			rec.lost(t, registration.InBlock)
			if result.UID != 16 || result.Attempts != 1 || neuronOf(t, c.dial(t), 16) != who.hot.Account() {
				t.Errorf("result %+v", result)
			}
			noGoroutines(t)
		})
	}
}

// A node that answers and has ceased to tell of heads is asked for them.
func TestHeadsStayAway(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: hopeless})
	rec := stepping(t, c)
	built := uint64(2)
	rec.at[registration.Solving] = func(p registration.Progress) {
		switch {
		case p.Head.Number < built:
		case built < 5: // so that the pace of blocks is known
			built = c.node.Step()
		case built == 5:
			c.hush()
			c.set(t, "MinDifficulty", u64(difficulty), u16(netuid))
			c.set(t, "Difficulty", u64(difficulty), u16(netuid))
			built = c.node.Step()
		}
	}
	result, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	if result.Solution.Block != 6 || slices.Contains(rec.phases, registration.Reconnecting) {
		t.Errorf("proof of block %d, phases %v", result.Solution.Block, rec.phases)
	}
	noGoroutines(t)
}

// A connection that is lost while a password is typed is made anew.
func TestConnectionLostWhileAPasswordIsTyped(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	rec, keys, client := stepping(t, c), newRegistrant(t).keys(), c.dial(t)
	unlock := keys.Signer
	keys.Signer = func(s subtensor.Signer) (substrate.Signer, error) {
		c.drop()
		// It is known to be lost once a call says so.
		for ctx := soon(t); ; {
			if _, err := client.Head(ctx); err != nil {
				return unlock(s)
			}
		}
	}
	result, err := registration.Register(soon(t), client, netuid, keys, registration.Options{Progress: rec.progress, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	rec.lost(t, registration.InBlock)
	if result.UID != 16 {
		t.Errorf("result %+v", result)
	}
	noGoroutines(t)
}

// Where no node comes back, it is waited for until ctx ends.
func TestNodeStaysAway(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: hopeless})
	ctx, cancel := context.WithCancel(soon(t))
	tries := 0
	var before string
	rec := &recorder{t: t, at: map[registration.Phase]func(registration.Progress){
		registration.Solving: func(p registration.Progress) {
			if p.Stats.Hashes > 0 {
				c.tear()
				c.drop()
			}
		},
		registration.Reconnecting: func(p registration.Progress) {
			if why := p.Err.Error(); why != before {
				before = why
				tries++
			}
			if tries == 2 { // the cause, and that of an attempt to connect
				cancel()
			}
		},
	}}
	_, err := registration.Register(ctx, c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress})
	if !errors.Is(err, context.Canceled) || tries != 2 {
		t.Errorf("%v, %d causes", err, tries)
	}
	noGoroutines(t)
}

// fork has the proxy speak for another chain that began with the same block.
func (c *chain) fork(t *testing.T, opts devnet.Options) {
	t.Helper()
	opts.Clock = func() time.Time { return time.Now().Add(time.Hour) }
	other, err := devnet.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
	for range 3 {
		other.Step()
	}
	c.mu.Lock()
	c.node = other
	c.mu.Unlock()
	c.drop()
}

// A proof for a block that was reorganised away is not handed in: the search goes
// on with the chain that there is.
func TestReorganisedBeforeSubmission(t *testing.T) {
	opts := devnet.Options{Difficulty: difficulty}
	c := start(t, opts)
	rec := stepping(t, c)
	solver := hooked(1, func() { c.fork(t, opts) })
	result, err := registration.Register(soon(t), c.dial(t), netuid, newRegistrant(t).keys(), registration.Options{Solver: solver, Progress: rec.progress, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	rec.lost(t, registration.InBlock)
	if c.submitted() != 1 || result.Solution.Block != 3 || result.Block.Number != 4 {
		t.Errorf("%d submissions, result %+v", c.submitted(), result)
	}
}

// A registration in a block that was reorganised away is made again, where the
// block was to be final.
func TestReorganisedAfterInclusion(t *testing.T) {
	opts := devnet.Options{Difficulty: difficulty}
	c := start(t, opts)
	rec := stepping(t, c)
	who, client := newRegistrant(t), c.dial(t)
	fork := once(func() { c.fork(t, opts) })
	rec.at[registration.InBlock] = func(p registration.Progress) {
		if p.Attempts == 1 {
			fork()
		} else {
			c.current().Step() // the next block makes it final
		}
	}
	result, err := registration.Register(soon(t), client, netuid, who.keys(), registration.Options{Progress: rec.progress, Finalized: true})
	if err != nil {
		t.Fatal(err)
	}
	if result.Attempts != 2 || result.Solution.Block != 3 || result.Block.Number != 4 {
		t.Errorf("result %+v", result)
	}
	if again := c.dial(t); neuronOf(t, again, result.UID) != who.hot.Account() {
		t.Error("the chain that remained does not have the neuron")
	}
	noGoroutines(t)
}

// Two proofs for one place in a block: one of them has to be made again.
func TestLostRace(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	names := [2]string{"first", "second"}
	var (
		submitted [2]chan struct{}
		results   [2]registration.Result
		errs      [2]error
		ends      = make(chan int, 2)
	)
	for i := range submitted {
		submitted[i] = make(chan struct{})
	}
	for i, name := range names {
		client := c.dial(t)
		who := &registrant{hot: pair(t, name+" hotkey"), cold: pair(t, name+" coldkey")}
		rec := &recorder{t: t, at: make(map[registration.Phase]func(registration.Progress))}
		tell := once(func() { close(submitted[i]) })
		at := -1
		rec.at[registration.Submitted] = func(p registration.Progress) {
			switch {
			case p.Attempts == 1:
				tell()
			case p.Attempts != at:
				at = p.Attempts
				c.node.Step()
			}
		}
		var stepped uint64
		rec.at[registration.Waiting] = func(p registration.Progress) {
			if p.Attempts > 0 && p.Head.Number > stepped {
				stepped = p.Head.Number
				c.node.Step()
			}
		}
		go func() {
			results[i], errs[i] = registration.Register(soon(t), client, netuid, who.keys(), registration.Options{Progress: rec.progress})
			tell() // where it failed early
			ends <- i
		}()
	}
	<-submitted[0]
	<-submitted[1]
	c.node.Step()
	<-ends
	<-ends
	if errs[0] != nil || errs[1] != nil {
		t.Fatal(errs)
	}
	attempts := []int{results[0].Attempts, results[1].Attempts}
	slices.Sort(attempts)
	if !slices.Equal(attempts, []int{1, 2}) || results[0].UID+results[1].UID != 16+17 || results[0].Block.Number == results[1].Block.Number {
		t.Errorf("attempts %v, uids %d and %d, blocks %d and %d", attempts, results[0].UID, results[1].UID, results[0].Block.Number, results[1].Block.Number)
	}
}

// An interval that has had its registrations is waited for with a countdown. The
// classic rule alone has them.
func TestCountsDownToTheNextInterval(t *testing.T) {
	node := newFrozen(t, 218, vectors.Read(t, "218-raonet/metadata_v14.scale.gz"))
	client := dial(t, node.url)
	state, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const last, interval, head = 90, 14, 100
	node.set(t, state.Runtime, []byte{1}, "NetworksAdded", uint16(netuid))
	node.set(t, state.Runtime, []byte{1}, "NetworkPowRegistrationAllowed", uint16(netuid))
	node.set(t, state.Runtime, u64(difficulty), "Difficulty", uint16(netuid))
	node.set(t, state.Runtime, u64(last), "LastAdjustmentBlock", uint16(netuid))
	node.set(t, state.Runtime, u16(interval), "AdjustmentInterval", uint16(netuid))
	node.set(t, state.Runtime, u16(2), "TargetRegistrationsPerInterval", uint16(netuid))
	node.set(t, state.Runtime, u16(6), "RegistrationsThisInterval", uint16(netuid))
	var counted []uint64
	rec := &recorder{t: t}
	rec.at = map[registration.Phase]func(registration.Progress){registration.Waiting: func(p registration.Progress) {
		if n := len(counted); !errors.Is(p.Err, subtensor.ErrTooManyThisInterval) || n > 0 && counted[n-1] == p.WaitBlocks {
			return
		}
		counted = append(counted, p.WaitBlocks)
		if p.Stats.Works != 0 || len(node.submitted()) != 0 {
			t.Errorf("%d works while it waits", p.Stats.Works)
		}
		// The runtime makes blocks of a time that its constants tell.
		if most := time.Duration(p.WaitBlocks) * state.Schema().BlockTime(); most == 0 || p.WaitTime > most {
			t.Errorf("%d blocks in %v, more than %v", p.WaitBlocks, p.WaitTime, most)
		}
		if p.Head.Number+1 == last+interval {
			node.set(t, state.Runtime, u16(0), "RegistrationsThisInterval", uint16(netuid))
		}
		node.advance(t)
	}}
	_, err = registration.Register(soon(t), client, netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress})
	var pool *substrate.PoolError
	if !errors.As(err, &pool) { // it takes no registrations, but it was asked to
		t.Fatalf("error %v", err)
	}
	if want := []uint64{4, 3, 2, 1}; last+interval-head != 4 || !slices.Equal(counted, want) {
		t.Errorf("counted %v, want %v", counted, want)
	}
	text := node.submitted()
	if len(text) == 0 {
		t.Fatal("nothing was submitted when the interval was over")
	}
	if p := rec.seen[len(rec.seen)-1]; p.Head.Number != last+interval || p.WaitBlocks != 0 {
		t.Errorf("submitted at %+v", p)
	}
}

// neuronOf returns the hotkey of a uid.
func neuronOf(t *testing.T, client *subtensor.Client, uid uint16) [32]byte {
	t.Helper()
	state, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	neuron, err := state.NeuronLite(t.Context(), netuid, uid)
	if err != nil {
		t.Fatal(err)
	}
	return neuron.Hotkey
}

// The pool of a real node refuses bytes that were in a block as banned (1012): that is
// no judgement of the draw, which is found in the chain.
func TestFaucetHandedInAgainIsBanned(t *testing.T) {
	c := start(t, devnet.Options{})
	c.cut("author_submitAndWatchExtrinsic", 1, true, c.build(1))
	c.mu.Lock()
	c.intercept = func(method string, nth int) string {
		if method == "author_submitAndWatchExtrinsic" && nth == 2 {
			return `"error":{"code":1012,"message":"Transaction is temporarily banned"}`
		}
		return ""
	}
	c.mu.Unlock()
	rec, who := stepping(t, c), newRegistrant(t)
	r, err := registration.Faucet(soon(t), c.dial(t), who.keys(), registration.FaucetOptions{Options: registration.Options{Progress: rec.progress}, MaxSuccesses: 1})
	if err != nil || len(r.Draws) != 1 || free(t, c.dial(t), who.cold.Account()) != 1000_000_000_000 {
		t.Errorf("%d draws, %v", len(r.Draws), err)
	}
	noGoroutines(t)
}

// A node takes back heads that it has announced: what it says when it is asked counts.
func TestHeadsGoBackward(t *testing.T) {
	node := newFrozen(t, 218, vectors.Read(t, "218-raonet/metadata_v14.scale.gz"))
	client := dial(t, node.url)
	state, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for item, v := range map[string][]byte{
		"NetworksAdded": {1}, "NetworkPowRegistrationAllowed": {1}, "Difficulty": u64(1 << 60), "MaxRegistrationsPerBlock": u16(1),
		"TargetRegistrationsPerInterval": u16(2), "AdjustmentInterval": u16(100), "MaxAllowedUids": u16(64),
	} {
		node.set(t, state.Runtime, v, item, uint16(netuid))
	}
	to := func(n uint64) {
		node.mu.Lock()
		node.number = n - 1
		node.mu.Unlock()
		node.advance(t)
	}
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	heads := []uint64{state.Number, state.Number + 1, state.Number + 2, 5000, state.Number + 3}
	rec := &recorder{t: t, at: map[registration.Phase]func(registration.Progress){registration.Solving: func(p registration.Progress) {
		switch {
		case p.Head.Number != heads[0]:
		case len(heads) == 1:
			cancel() // it works on the lower head
		default:
			heads = heads[1:]
			to(heads[0])
		}
	}}}
	_, err = registration.Register(ctx, client, netuid, newRegistrant(t).keys(), registration.Options{Progress: rec.progress})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	noGoroutines(t)
}
