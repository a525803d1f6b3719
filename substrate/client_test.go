package substrate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/google/go-cmp/cmp"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// The hash of a header is what @polkadot/types makes of it, and for Polkadot's
// genesis block what everyone knows.
func TestHeaderHash(t *testing.T) {
	fill := func(digits string) string { return "0x" + strings.Repeat(digits, 32) }
	genesis := map[string]any{
		"parentHash": fill("00"), "number": "0x0", "digest": map[string]any{"logs": []string{}},
		"stateRoot":      "0x29d0d972cd27cbc511e9589fcb7a4506d5eb6a9e8df205f00472e5ab354a4e17",
		"extrinsicsRoot": "0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314",
	}
	other := func(number string) map[string]any {
		return map[string]any{
			"parentHash": fill("11"), "number": number, "stateRoot": fill("22"), "extrinsicsRoot": fill("33"),
			"digest": map[string]any{"logs": []string{"0x0661757261200123456789abcdef", "0x08", "0x05617572610c010203"}},
		}
	}
	n := newNode(t, &fakeRuntime{})
	c := n.dial(substrate.Options{})
	for _, tt := range []struct {
		header map[string]any
		number uint64
		hash   string
	}{
		{genesis, 0, "0x91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3"},
		{other("0x1"), 1, "0x9a3761c680be9bfc8a0727692d256d11d32d476f6cdc1557ddc25d6ed5ee0da5"},
		{other("0x3f"), 63, "0x0e60349d548da928e8284e14470175c1fddf053bc34d636a8847e6e17c0f1528"},
		{other("0x40"), 64, "0xde20b50fc7674a7086d0b89c0fcf27fb8689d2ba93b92dbda4d7986759169104"},
		{other("0x3fff"), 16383, "0xc97483d0f960048edb4ef26b072b8cbcfefc7b7bb6fe73f534fff195191575cc"},
		{other("0x4000"), 16384, "0x7aa462b1903611920e3c079b23591ac1c9724c4435d688d5e98b1d32cbe66550"},
		{other("0x401642"), 4200002, "0x1a7422e267d6fe51a90bea158e62c2074ccdb78f2e78b8ce182835b250a6f438"},
		{other("0x40000000"), 1 << 30, "0x3377cde466e36b492627cfe073718171fa4eaf4fc33a5265c6d30b1048d60308"},
	} {
		n.on("chain_getHeader", func([]json.RawMessage) (any, error) { return tt.header, nil })
		h, err := c.Head(t.Context())
		if err != nil || h.Number != tt.number || h.Hash.String() != tt.hash || h.Parent.String() != tt.header["parentHash"] {
			t.Errorf("%d: %+v, %v, want hash %s", tt.number, h, err, tt.hash)
		}
	}
}

func TestBlocks(t *testing.T) {
	rt := fake(t, "119-mock")
	n := newNode(t, rt)
	for range 70 {
		n.add(rt)
	}
	c := n.dial(substrate.Options{})
	if c.Genesis().String() != n.blocks[0].hash || c.Endpoint() != n.url {
		t.Errorf("%s at %s", c.Genesis(), c.Endpoint())
	}
	for _, number := range []uint64{0, 1, 69, 70} {
		h, err := c.HeaderAt(t.Context(), number)
		if err != nil || h.Number != number || h.Hash.String() != n.blocks[number].hash {
			t.Errorf("%d: %+v, %v", number, h, err)
		}
		s, err := c.AtNumber(t.Context(), number)
		if err != nil || s.Header != h || s.Runtime.SpecVersion != 119 {
			t.Errorf("%d: %v", number, err)
		}
	}
	s, err := c.AtHead(t.Context())
	if err != nil || s.Number != 70 {
		t.Fatal(err)
	}
	for _, err := range []error{
		func() error { _, err := c.HeaderAt(t.Context(), 71); return err }(),
		func() error { _, err := c.AtNumber(t.Context(), 71); return err }(),
	} {
		var future *substrate.BlockNotFoundError
		if !errors.As(err, &future) || *future != (substrate.BlockNotFoundError{Number: 71, Head: 70}) {
			t.Error(err)
		}
	}
	t.Run("pruned", func(t *testing.T) {
		n.on("state_getStorageHash", func([]json.RawMessage) (any, error) { return nil, errPruned })
		n.on("state_getRuntimeVersion", func([]json.RawMessage) (any, error) { return nil, errPruned })
		_, err := c.AtNumber(t.Context(), 3)
		var node *rpc.Error
		if !errors.Is(err, substrate.ErrStateDiscarded) || !errors.As(err, &node) || node.Code != 4003 || !strings.Contains(err.Error(), "block 3:") || !strings.Contains(err.Error(), "archive") {
			t.Error(err)
		}
	})
}

// Trips are what a node far away costs: the block, then everything about it, the
// calls that were named ahead included.
func TestTrips(t *testing.T) {
	rt := fake(t, "293-aura")
	n := newNode(t, rt)
	n.add(rt)
	n.on("state_call", func(params []json.RawMessage) (any, error) {
		switch word(params[0]) {
		case "Metadata_metadata_at_version":
			return n.standard("state_call", params)
		case "Api_one":
			return "0x01", nil
		case "Api_two":
			return word(params[1]), nil
		}
		return nil, &refusal{Code: 4003, Message: "Exported method is not found"}
	})
	gate := nodetest.NewGate(t, n.url)
	dir := t.TempDir()
	dial := func() *substrate.Client {
		t.Helper()
		c, err := substrate.Dial(t.Context(), gate.URL(), substrate.Options{CacheDir: dir, Timeout: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	warm := dial()
	if _, err := warm.AtHead(t.Context()); err != nil {
		t.Fatal(err)
	}
	prefix := []byte{0xab}
	for i := range 1001 { // one more than a page
		n.blocks[1].storage[fmt.Sprintf("0xab%04x", i)] = "0x"
	}
	one, two, three := substrate.AskCall("Api_one", nil), substrate.AskCall("Api_two", []byte{2, 2}), substrate.AskCall("Api_three", nil)
	for _, c := range []*substrate.Client{warm, dial()} { // in memory, in the folder
		for _, hashless := range []bool{false, true} {
			if hashless {
				n.on("state_getStorageHash", func([]json.RawMessage) (any, error) {
					return nil, &refusal{Code: -32601, Message: "Method not found: state_getStorageHash"}
				})
				if _, err := c.AtNumber(t.Context(), 0); err != nil { // learns it
					t.Fatal(err)
				}
			}
			var s *substrate.State
			var err error
			gate.Trips(func() { s, err = c.AtNumber(t.Context(), 1, one, two, three, substrate.AskKeys(prefix)) }, 2, 7)
			if err != nil {
				t.Fatal(err)
			}
			gate.Trips(func() {
				if got, err := s.Call(t.Context(), "Api_one", nil); err != nil || !bytes.Equal(got, []byte{1}) {
					t.Errorf("%x, %v", got, err)
				}
				if got, err := s.Call(t.Context(), "Api_two", []byte{2, 2}); err != nil || !bytes.Equal(got, []byte{2, 2}) {
					t.Errorf("%x, %v", got, err)
				}
				if _, err := s.Call(t.Context(), "Api_three", nil); err == nil || !strings.Contains(err.Error(), "block 1: Api_three") {
					t.Error(err)
				}
			})
			gate.Trips(func() {
				if !s.Asked(substrate.AskKeys(prefix)) || s.Asked(one) {
					t.Error("it is not known what waits")
				}
				if keys, err := s.Keys(t.Context(), prefix, 5000); err != nil || len(keys) != 1001 {
					t.Errorf("%d keys, %v", len(keys), err)
				}
			}, 1) // the second page
			// Answers are handed out once.
			gate.Trips(func() {
				if _, err := s.Call(t.Context(), "Api_one", nil); err != nil {
					t.Error(err)
				}
			}, 1)
			gate.Trips(func() { _, err = c.AtHead(t.Context(), one) }, 1, map[bool]int{false: 3, true: 2}[hashless]) // the code is known by then
			if err != nil {
				t.Fatal(err)
			}
		}
		n.on("state_getStorageHash", nil)
	}
	if got := n.count("state_getMetadata"); got != 0 {
		t.Errorf("metadata was asked for %d times more", got)
	}
}

// Where a block cannot be had, what was asked ahead does not stay behind.
func TestAheadFails(t *testing.T) {
	n := newNode(t, fake(t, "119-mock"))
	n.on("state_call", func([]json.RawMessage) (any, error) { return "0x01", nil })
	n.on("state_getRuntimeVersion", func([]json.RawMessage) (any, error) { return nil, errPruned })
	c := n.dial(substrate.Options{})
	ahead := substrate.AskCall("Api_one", nil)
	if _, err := c.AtHead(t.Context(), ahead); !errors.Is(err, substrate.ErrStateDiscarded) {
		t.Error(err)
	}
	n.on("state_getRuntimeVersion", nil)
	ctx, cancel := context.WithCancel(t.Context())
	n.on("state_call", func([]json.RawMessage) (any, error) { cancel(); return "0x01", nil })
	if s, err := c.AtHead(ctx, ahead); err == nil {
		if _, err := s.Call(ctx, "Api_one", nil); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	} else if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Another node of the chain shares the runtimes; one of another chain is refused.
func TestSibling(t *testing.T) {
	rt := fake(t, "293-aura")
	n := newNode(t, rt)
	n.add(rt)
	c := n.dial(substrate.Options{})
	first, err := c.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fetched := n.count("state_call")
	sibling, err := c.DialSibling(t.Context(), n.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sibling.Close() })
	s, err := sibling.AtNumber(t.Context(), 1)
	if err != nil || s.Runtime != first.Runtime || n.count("state_call") != fetched || s.Endpoint() != n.url {
		t.Errorf("%v, %v, metadata fetched %d times", s, err, n.count("state_call"))
	}
	other := newNode(t, rt)
	other.blocks[0].hash = "0x" + strings.Repeat("77", 32)
	if _, err := c.DialSibling(t.Context(), other.url); !errors.Is(err, substrate.ErrOtherChain) {
		t.Error(err)
	}
}

func TestRuntimeCache(t *testing.T) {
	rt := fake(t, "302-main")
	n := newNode(t, rt)
	dir := filepath.Join(t.TempDir(), "not", "yet")
	state := func(t *testing.T, opts substrate.Options) *substrate.State {
		t.Helper()
		s, err := n.dial(opts).AtHead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	fetched := func(do func()) int {
		before := n.count("state_call")
		do()
		return n.count("state_call") - before
	}
	first := state(t, substrate.Options{CacheDir: dir})
	if first.Runtime.Metadata.Version != 15 || first.Runtime.SpecVersion != 302 || first.Runtime.SpecName != "node-subtensor" || first.Runtime.TransactionVersion != 1 {
		t.Errorf("%+v", first.Runtime)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) != 1 || !strings.HasPrefix(filepath.Base(files[0]), first.Runtime.CodeHash.String()[2:]) {
		t.Fatalf("%v, %v", files, err)
	}
	path := files[0]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("hit", func(t *testing.T) {
		if got := fetched(func() {
			s := state(t, substrate.Options{CacheDir: dir})
			if d := cmp.Diff(first.Runtime.Metadata, s.Runtime.Metadata); d != "" {
				t.Error(d)
			}
		}); got != 0 {
			t.Errorf("metadata was fetched %d times", got)
		}
	})
	t.Run("not of another node", func(t *testing.T) {
		other := newNode(t, rt)
		if _, err := other.dial(substrate.Options{CacheDir: dir}).AtHead(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := other.count("state_call"); got != 1 {
			t.Errorf("metadata was fetched %d times from the other node", got)
		}
	})
	for name, damage := range map[string]func() []byte{
		"a bit":     func() []byte { b := bytes.Clone(good); b[len(b)/2] ^= 1; return b },
		"checksum":  func() []byte { b := bytes.Clone(good); b[0] ^= 1; return b },
		"truncated": func() []byte { return good[:len(good)/2] },
		"longer":    func() []byte { return append(bytes.Clone(good), 0) },
		"tiny":      func() []byte { return good[:7] },
		"empty":     func() []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, damage(), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := fetched(func() { state(t, substrate.Options{CacheDir: dir}) }); got != 1 {
				t.Errorf("metadata was fetched %d times, want 1", got)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, good) {
				t.Errorf("the file was not written again: %v", err)
			}
		})
	}
	t.Run("a folder in the file's place", func(t *testing.T) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		state(t, substrate.Options{CacheDir: dir})
	})
	t.Run("memory only", func(t *testing.T) {
		c := n.dial(substrate.Options{})
		if got := fetched(func() {
			var all sync.WaitGroup
			states := make([]*substrate.State, 8)
			for i := range states {
				all.Go(func() {
					s, err := c.AtHead(t.Context())
					if err != nil {
						t.Error(err)
					}
					states[i] = s
				})
			}
			all.Wait()
			for _, s := range states {
				if s == nil || s.Runtime != states[0].Runtime {
					t.Error("the runtime was not shared")
				}
			}
		}); got != 1 {
			t.Errorf("metadata was fetched %d times, want 1", got)
		}
	})
}

// Where the caller that loads gives up, another that waits loads instead. Any
// other failure is everyone's.
func TestLoaders(t *testing.T) {
	errEnough, errBroken := errors.New("enough"), errors.New("broken")
	wait := func(ctx context.Context) (*substrate.Runtime, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	synctest.Test(t, func(t *testing.T) {
		cache, want := substrate.NewRuntimeCache(), new(substrate.Runtime)
		ctx, cancel := context.WithCancelCause(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := cache.Get(ctx, substrate.Hash{}, wait); !errors.Is(err, errEnough) {
				t.Error(err)
			}
		})
		synctest.Wait()
		loads := 0
		for range 5 {
			all.Go(func() {
				got, err := cache.Get(t.Context(), substrate.Hash{}, func(context.Context) (*substrate.Runtime, error) {
					loads++
					return want, nil
				})
				if got != want || err != nil {
					t.Error(got, err)
				}
			})
		}
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := cache.Get(short, substrate.Hash{}, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		synctest.Wait()
		cancel(errEnough)
		all.Wait()
		if loads != 1 {
			t.Errorf("loaded %d times", loads)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		cache, release := substrate.NewRuntimeCache(), make(chan struct{})
		load := func(context.Context) (*substrate.Runtime, error) {
			<-release
			return nil, errBroken
		}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := cache.Get(t.Context(), substrate.Hash{}, load); !errors.Is(err, errBroken) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(release)
		all.Wait()
		want := new(substrate.Runtime)
		if got, err := cache.Get(t.Context(), substrate.Hash{}, func(context.Context) (*substrate.Runtime, error) { return want, nil }); got != want || err != nil {
			t.Error("a failure is remembered")
		}
	})
}

// After an upgrade each block gets the runtime of its own state, whatever the
// spec numbers say, and metadata in the best version that the runtime has.
func TestRuntimeUpgrade(t *testing.T) {
	first, second, third := fake(t, "119-mock"), fake(t, "293-aura"), fake(t, "326-main")
	second.spec = first.spec // three runtimes called themselves 185
	delete(third.versions, 15)
	n := newNode(t, first)
	for _, rt := range []*fakeRuntime{first, second, second, third} {
		n.add(rt)
	}
	for _, hashless := range []bool{false, true} {
		t.Run(fmt.Sprintf("no state_getStorageHash %v", hashless), func(t *testing.T) {
			if hashless {
				n.on("state_getStorageHash", func([]json.RawMessage) (any, error) {
					return nil, &refusal{Code: -32601, Message: "Method not found: state_getStorageHash"}
				})
			}
			c := n.dial(substrate.Options{})
			seen := make(map[substrate.Hash]bool)
			for number, want := range []uint8{14, 14, 15, 15, 16} {
				s, err := c.AtNumber(t.Context(), uint64(number))
				if err != nil {
					t.Fatal(err)
				}
				if got := s.Runtime.Metadata.Version; got != want {
					t.Errorf("block %d: metadata version %d, want %d", number, got, want)
				}
				_, pays := s.Runtime.Metadata.Method("SubnetInfoRuntimeApi", "get_dynamic_info")
				if pays != (number >= 2) {
					t.Errorf("block %d has the wrong runtime", number)
				}
				seen[s.Runtime.CodeHash] = true
			}
			if len(seen) != 3 {
				t.Errorf("%d runtimes, want 3", len(seen))
			}
			if hashless {
				before := n.count("state_getStorage")
				if _, err := c.AtNumber(t.Context(), 2); err != nil || n.count("state_getStorage") != before {
					t.Errorf("the code was read again: %v", err)
				}
				if n.count("state_getStorageHash") > 6 {
					t.Error("the missing method was asked for again")
				}
			}
		})
	}
}

// A walk through history does not hold every runtime that it meets.
func TestManyRuntimes(t *testing.T) {
	rt := fake(t, "119-mock")
	n := newNode(t, rt)
	const total = 20
	for i := range total {
		other := *rt
		other.code = fmt.Sprintf("0x%04x", i)
		n.add(&other)
	}
	c := n.dial(substrate.Options{})
	for number := range uint64(total + 1) {
		if _, err := c.AtNumber(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
	for number, want := range map[uint64]int{total: 0, total - 5: 0, 2: 1} {
		before := n.count("state_getMetadata")
		if _, err := c.AtNumber(t.Context(), number); err != nil {
			t.Fatal(err)
		}
		if got := n.count("state_getMetadata") - before; got != want {
			t.Errorf("block %d: metadata was fetched %d times, want %d", number, got, want)
		}
	}
}

// A node may be set to take no batches.
func TestNoBatches(t *testing.T) {
	rt := fake(t, "119-mock")
	n := newNode(t, rt)
	n.noBatches = true
	c := n.dial(substrate.Options{})
	for range 2 {
		if s, err := c.AtNumber(t.Context(), 0, substrate.AskCall("Api_one", nil)); err != nil || s.Number != 0 {
			t.Fatal(err)
		}
	}
	if n.batches != 1 {
		t.Errorf("%d batches were sent", n.batches)
	}
}

// Connecting takes two trips: what the chain is, and the runtime of its newest
// block.
func TestDialTrips(t *testing.T) {
	n := newNode(t, fake(t, "119-mock"))
	newest := n.add(fake(t, "119-mock"))
	gate := nodetest.NewGate(t, n.url)
	dir := t.TempDir()
	var s *substrate.State
	connect := func() *substrate.Client {
		c, err := substrate.Dial(t.Context(), gate.URL(), substrate.Options{CacheDir: dir, Timeout: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if s, err = c.AtDial(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c
	}
	gate.Trips(func() { connect() }, 2, 2, 1) // with the metadata
	var c *substrate.Client
	gate.Trips(func() { c = connect() }, 2, 2)
	if s.Hash.String() != newest.hash || s.Runtime.SpecVersion != 119 {
		t.Errorf("block %s with %s, want %s", s.Hash, s.Runtime, newest.hash)
	}
	// The head of later is asked for.
	newer := n.add(fake(t, "143-finney"))
	s, err := c.AtHead(t.Context())
	if err != nil || s.Hash.String() != newer.hash {
		t.Fatalf("%v, %v", s, err)
	}
	if s, err = c.AtDial(t.Context()); err != nil || s.Hash.String() != newest.hash || s.Runtime.SpecVersion != 119 {
		t.Errorf("%v, %v", s, err)
	}
}

// A node that knows no newest block can be dialled: what is asked of it may need
// none.
func TestDialWithoutHead(t *testing.T) {
	n := newNode(t, fake(t, "119-mock"))
	n.on("chain_getHeader", func([]json.RawMessage) (any, error) { return nil, &refusal{Code: 1, Message: "not yet"} })
	c := n.dial(substrate.Options{})
	var node *rpc.Error
	if _, err := c.AtDial(t.Context()); !errors.As(err, &node) || !strings.Contains(err.Error(), "newest block") {
		t.Error(err)
	}
}

func TestHeads(t *testing.T) {
	rt := fake(t, "119-mock")
	n := newNode(t, rt)
	for range 3 {
		n.add(rt)
	}
	n.on("chain_subscribeNewHeads", func([]json.RawMessage) (any, error) { return "heads", nil })
	c := n.dial(substrate.Options{})
	heads, err := c.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range n.blocks {
		n.notify("chain_newHead", "heads", b.header)
		h, err := heads.Next(t.Context())
		if err != nil || h.Hash.String() != b.hash {
			t.Fatalf("%+v, %v, want %s", h, err, b.hash)
		}
		if s, err := c.At(t.Context(), h); err != nil || s.Header != h {
			t.Error(err)
		}
	}
	n.notify("chain_newHead", "heads", nil)
	if _, err := heads.Next(t.Context()); err == nil {
		t.Error("a null header is accepted")
	}
	if err := heads.Close(); err != nil {
		t.Error(err)
	}
	if _, err := heads.Next(t.Context()); !errors.Is(err, rpc.ErrUnsubscribed) {
		t.Error(err)
	}
}

// What a broken or lying node answers gives an error that says what is wrong.
func TestBadAnswers(t *testing.T) {
	rt := fake(t, "119-mock")
	header := func(change func(map[string]any)) handler {
		n := newNode(t, rt)
		h := maps.Clone(n.blocks[0].header)
		change(h)
		return func([]json.RawMessage) (any, error) { return h, nil }
	}
	constant := func(v any) handler { return func([]json.RawMessage) (any, error) { return v, nil } }
	head := func(c *substrate.Client) error { _, err := c.Head(t.Context()); return err }
	at := func(c *substrate.Client) error { _, err := c.AtNumber(t.Context(), 1); return err }
	raw := func(c *substrate.Client) error {
		s, err := c.AtHead(t.Context())
		if err != nil {
			return err
		}
		_, err = s.Raw(t.Context(), []byte{1, 2}, []byte{3})
		return err
	}
	keys := func(c *substrate.Client) error {
		s, err := c.AtHead(t.Context())
		if err != nil {
			return err
		}
		_, err = s.Keys(t.Context(), []byte{1}, 5000)
		return err
	}
	var hash string // of block 1
	changes := func(c ...any) handler {
		return func([]json.RawMessage) (any, error) {
			return []any{map[string]any{"block": hash, "changes": c}}, nil
		}
	}
	for _, tt := range []struct {
		name, method string
		answer       handler
		do           func(*substrate.Client) error
		want         string
	}{
		{"null header", "chain_getHeader", constant(nil), head, "no header"},
		{"header without root", "chain_getHeader", header(func(h map[string]any) { delete(h, "stateRoot") }), head, "incomplete"},
		{"short parent", "chain_getHeader", header(func(h map[string]any) { h["parentHash"] = "0x1234" }), head, "64 hexadecimal"},
		{"number in words", "chain_getHeader", header(func(h map[string]any) { h["number"] = "one" }), head, "block number"},
		{"wide number", "chain_getHeader", header(func(h map[string]any) { h["number"] = "0x10000000000000000" }), head, "block number"},
		{"odd digest", "chain_getHeader", header(func(h map[string]any) { h["digest"] = map[string]any{"logs": []string{"0x0"}} }), head, "digest"},
		{"header of another block", "chain_getHeader", header(func(map[string]any) {}), at, "do not fit"},
		{"header that was changed", "chain_getHeader", header(func(h map[string]any) { h["number"], h["stateRoot"] = "0x1", h["extrinsicsRoot"] }), at, "do not fit"},
		{"short block hash", "chain_getBlockHash", constant("0x1234"), at, "64 hexadecimal"},
		{"hash of another block", "chain_getBlockHash", constant("0x" + strings.Repeat("77", 32)), at, "block 1"},
		{"block left out", "chain_getBlockHash", constant(nil), at, "does not have it"},
		{"no version", "state_getRuntimeVersion", constant(nil), at, "no runtime version"},
		{"odd version", "state_getRuntimeVersion", constant([]int{1}), at, "block 1: runtime version"},
		{"no code", "state_getStorageHash", constant(nil), at, "no runtime code"},
		{"short code hash", "state_getStorageHash", constant("0x12"), at, "64 hexadecimal"},
		{"no metadata", "state_getMetadata", constant(nil), at, "block 1: metadata"},
		{"truncated metadata", "state_getMetadata", constant("0x6d6574610e04"), at, "metadata"},
		{"no storage answer", "state_queryStorageAt", constant([]any{}), raw, "0 of 2"},
		{"short storage answer", "state_queryStorageAt", changes([]any{"0x0102", "0x"}), raw, "left out key 03"},
		{"storage of another block", "state_queryStorageAt", constant([]any{map[string]any{"block": "0x" + strings.Repeat("00", 32), "changes": []any{}}}), raw, "instead of"},
		{"storage that is no list", "state_queryStorageAt", constant("0x"), raw, "cannot be read"},
		{"storage value not hexadecimal", "state_queryStorageAt", changes([]any{"0x0102", "12"}, []any{"0x03", nil}), raw, "0x is missing"},
		{"storage without key", "state_queryStorageAt", changes([]any{nil, "0x12"}), raw, "no key"},
		{"keys of another prefix", "state_getKeysPaged", constant([]string{"0x02"}), keys, "not below 01"},
		{"keys over and over", "state_getKeysPaged", constant([]string{"0x0101", "0x0101"}), keys, "out of order"},
		{"more keys than asked for", "state_getKeysPaged", constant(slices.Repeat([]string{"0x01"}, 1001)), keys, "1001"},
		{"no keys", "state_getKeysPaged", constant(map[string]int{}), keys, "cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNode(t, rt)
			hash = n.add(rt).hash
			c := n.dial(substrate.Options{})
			n.on(tt.method, tt.answer)
			if err := tt.do(c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want something about %q", err, tt.want)
			} else {
				t.Log(err)
			}
		})
	}
	t.Run("no genesis", func(t *testing.T) {
		n := newNode(t, rt)
		n.on("chain_getBlockHash", constant(nil))
		if _, err := substrate.Dial(t.Context(), n.url, substrate.Options{}); err == nil || !strings.Contains(err.Error(), "genesis") {
			t.Error(err)
		}
	})
}

func TestState(t *testing.T) {
	rt := fake(t, "293-aura")
	n := newNode(t, rt)
	b := n.add(rt)
	var file struct {
		Prefix string
		Rows   []struct {
			Key, Value string
			Args       []json.RawMessage
			Decoded    json.RawMessage
		}
	}
	vectors.JSON(t, "293-aura/storage/Weights.netuid12.json.gz", &file)
	for _, row := range file.Rows {
		b.storage[row.Key] = row.Value
	}
	for i := range 2500 { // three pages
		b.storage[fmt.Sprintf("0xabcd%04x", i)] = "0x"
	}
	c := n.dial(substrate.Options{})
	s, err := c.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("Keys", func(t *testing.T) {
		for limit, want := range map[int]int{5000: 2500, 2500: 2500, 1000: 1000, 1001: 1001, 0: 0, -1: 0} {
			keys, err := s.Keys(t.Context(), []byte{0xab, 0xcd}, limit)
			if err != nil || len(keys) != want {
				t.Errorf("limit %d: %d keys, %v", limit, len(keys), err)
			}
			if len(keys) > 0 && !bytes.Equal(keys[len(keys)-1], []byte{0xab, 0xcd, byte((want - 1) >> 8), byte(want - 1)}) {
				t.Errorf("limit %d: last key %x", limit, keys[len(keys)-1])
			}
		}
		keys, err := s.Keys(t.Context(), unhex(t, file.Prefix), 5000)
		if err != nil || len(keys) != len(file.Rows) {
			t.Errorf("%d of %d keys, %v", len(keys), len(file.Rows), err)
		}
	})
	t.Run("Keys ahead", func(t *testing.T) {
		// A page from a place before which the first one ends, one from a place in
		// it, and one that is of no use: what waits saves a trip where it goes on.
		prefix := []byte{0xab, 0xcd}
		place := func(b ...byte) substrate.Question {
			return substrate.AskKeysAfter(prefix, append(slices.Clone(prefix), b...))
		}
		for _, tt := range []struct {
			name  string
			ahead []substrate.Question
			trips int // beyond those of the state
		}{
			{"two pages", []substrate.Question{substrate.AskKeys(prefix), place(2)}, 1},
			{"three pages", []substrate.Question{place(6, 0xe0), substrate.AskKeys(prefix), place(3, 1)}, 0},
			{"a gap", []substrate.Question{substrate.AskKeys(prefix), place(7)}, 1},
			{"no first page", []substrate.Question{place(3)}, 2},
		} {
			s, err := c.AtHead(t.Context(), tt.ahead...)
			if err != nil {
				t.Fatal(err)
			}
			before := n.trips()
			keys, err := s.Keys(t.Context(), prefix, 5000)
			if err != nil || len(keys) != 2500 || !slices.IsSortedFunc(keys, bytes.Compare) {
				t.Errorf("%s: %d keys, %v", tt.name, len(keys), err)
			}
			if got := n.trips() - before; got != tt.trips {
				t.Errorf("%s: %d trips, want %d", tt.name, got, tt.trips)
			}
		}
	})
	t.Run("KeysBelow", func(t *testing.T) {
		prefixes := [][]byte{{0xab, 0xcd, 9}, {0xab, 0xcd}, {0x77}, {0xab, 0xcd, 1}}
		before := n.trips()
		all, err := s.KeysBelow(t.Context(), prefixes, 5000)
		if err != nil || len(all) != 4 {
			t.Fatal(all, err)
		}
		for i, want := range []int{2500 - 9*256, 2500, 0, 256} {
			alone, err := s.Keys(t.Context(), prefixes[i], 5000)
			if err != nil || len(all[i]) != want || !cmp.Equal(alone, all[i]) {
				t.Errorf("%x: %d keys, want %d, %v", prefixes[i], len(all[i]), want, err)
			}
		}
		if got := n.trips() - before; got != 1+2+1+3+1+1 {
			t.Errorf("%d trips", got)
		}
		if all, err := s.KeysBelow(t.Context(), prefixes, 1500); err != nil || len(all[1]) != 1500 {
			t.Errorf("%d, %v", len(all[1]), err)
		}
	})
	t.Run("Raw", func(t *testing.T) {
		before := n.trips()
		stored := unhex(t, file.Rows[0].Key)
		values, err := s.Raw(t.Context(), []byte{9}, stored, []byte{0xab, 0xcd, 0, 0}, stored)
		if err != nil {
			t.Fatal(err)
		}
		want := [][]byte{nil, unhex(t, file.Rows[0].Value), {}, unhex(t, file.Rows[0].Value)}
		if d := cmp.Diff(want, values); d != "" {
			t.Error(d)
		}
		if n.trips() != before+1 {
			t.Errorf("%d trips", n.trips()-before)
		}
		if values, err := s.Raw(t.Context()); err != nil || len(values) != 0 || n.trips() != before+1 {
			t.Errorf("%v, %v", values, err)
		}
	})
	t.Run("Get", func(t *testing.T) {
		var uidRow uint16
		if err := json.Unmarshal(file.Rows[0].Args[1], &uidRow); err != nil {
			t.Fatal(err)
		}
		var weights [][2]uint16
		found, err := s.Get(t.Context(), &weights, "SubtensorModule", "Weights", uint16(12), uidRow)
		var want [][2]uint16
		if jerr := json.Unmarshal(file.Rows[0].Decoded, &want); jerr != nil || err != nil || !found || !cmp.Equal(weights, want) {
			t.Errorf("%v, %v, %v, want %v", weights, found, err, want)
		}
		var tempo uint16
		if found, err := s.Get(t.Context(), &tempo, "SubtensorModule", "Tempo", uint16(7)); err != nil || found || tempo == 0 {
			t.Errorf("%d, %v, %v: want the default", tempo, found, err)
		}
		uid := uint16(77)
		if found, err := s.Get(t.Context(), &uid, "SubtensorModule", "Uids", uint16(7), [32]byte{}); err != nil || found || uid != 77 {
			t.Errorf("%d, %v, %v: want it as it was", uid, found, err)
		}
		for name, get := range map[string]func() (bool, error){
			"no pallet Sub":                func() (bool, error) { return s.Get(t.Context(), &uid, "Sub", "Uids") },
			"no storage SubtensorModule.U": func() (bool, error) { return s.Get(t.Context(), &uid, "SubtensorModule", "U") },
			"has 2 keys, not 1":            func() (bool, error) { return s.Get(t.Context(), &uid, "SubtensorModule", "Uids", uint16(7)) },
			"key 0":                        func() (bool, error) { return s.Get(t.Context(), &uid, "SubtensorModule", "Tempo", "seven") },
		} {
			if _, err := get(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v, want something about %q", err, name)
			}
		}
	})
	t.Run("Call", func(t *testing.T) {
		n.on("state_call", func(params []json.RawMessage) (any, error) {
			if word(params[0]) != "Api_method" || word(params[1]) != "0x0102" || word(params[2]) != b.hash {
				return nil, &refusal{Code: 1, Message: "wrong parameters"}
			}
			return "0xcafe", nil
		})
		answer, err := s.Call(t.Context(), "Api_method", []byte{1, 2})
		if err != nil || !bytes.Equal(answer, []byte{0xca, 0xfe}) {
			t.Errorf("%x, %v", answer, err)
		}
		if _, err := s.Call(t.Context(), "Api_method", nil); err == nil || !strings.Contains(err.Error(), "block 1: Api_method") {
			t.Error(err)
		}
	})
	t.Run("Query", func(t *testing.T) {
		n.on("state_call", func(params []json.RawMessage) (any, error) {
			if word(params[0]) == "Api_none" {
				return nil, &refusal{Code: 1, Message: "none"}
			}
			return params[1], nil
		})
		var last []byte
		for i, n := range []int{100, 99, 98, 101, 100} {
			want := bytes.Repeat([]byte{byte(i)}, n)
			err := s.Query(t.Context(), "Api_echo", want, func(answer []byte) error {
				if !bytes.Equal(answer, want) {
					t.Errorf("%x, want %x", answer, want)
				}
				last = answer
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		kept, err := s.Call(t.Context(), "Api_echo", bytes.Repeat([]byte{9}, 90))
		if err != nil || &kept[0] != &last[0] {
			t.Errorf("the memory of an answer is not used again: %v", err)
		}
		if _, err := s.Call(t.Context(), "Api_echo", []byte("another")); err != nil || !bytes.Equal(kept, bytes.Repeat([]byte{9}, 90)) {
			t.Errorf("an answer that belongs to the caller has become %x, %v", kept, err)
		}
		wrong := errors.New("not readable")
		if err := s.Query(t.Context(), "Api_echo", []byte{1}, func([]byte) error { return wrong }); !errors.Is(err, wrong) {
			t.Error(err)
		}
		if err := s.Query(t.Context(), "Api_none", nil, func([]byte) error { t.Error("there was no answer"); return nil }); err == nil {
			t.Error("no error")
		}
	})
}
