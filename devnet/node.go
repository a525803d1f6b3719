package devnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// DefaultDifficulty is the difficulty of netuid 1 where Options does not say: a
// core finds a seal in milliseconds.
const DefaultDifficulty = 10_000

// Options configure a development chain. The zero value is a chain on a free
// loopback port that builds a block at each Step.
type Options struct {
	// Addr is the TCP address to listen on; empty means "127.0.0.1:0", a free port
	// of the loopback interface.
	Addr string
	// BlockTime is the time between blocks. At 0 blocks are built by Step alone.
	BlockTime time.Duration
	// Difficulty is the difficulty and the minimum difficulty of registering on
	// netuid 1 by proof of work; 0 means DefaultDifficulty.
	Difficulty uint64
	// Clock gives the time that blocks are stamped with; nil means time.Now.
	// Stamps always increase by a millisecond at least.
	Clock func() time.Time
	// Storage holds values that the genesis has beside, or instead of, its own.
	Storage []Entry
}

// Entry is one storage value of the chain.
type Entry struct {
	Pallet, Item string   // such as "SubtensorModule", "Difficulty"
	Keys         [][]byte // the encoded keys of a map, in order
	Value        []byte   // the encoded value; nil removes it
}

// Node is a running development chain. Its methods are safe for concurrent use.
type Node struct {
	clock  func() time.Time
	rt     *runtime
	url    string
	server *http.Server
	stop   context.CancelFunc
	wg     sync.WaitGroup // the accept loop, the block loop, connections and their writers
	close  sync.Once
	err    error // of closing

	mu       sync.RWMutex
	state    *store
	blocks   []*block // by number
	numbers  map[hash]uint32
	pool     *pool
	included []*pooled // in the head, which is not final yet
	pending  []Entry
	subs     map[*subscription]struct{}
	nextSub  uint64
	conns    map[*conn]struct{}
	closing  bool
}

// Start builds the genesis and starts to serve. The chain runs until Close.
func Start(opts Options) (*Node, error) {
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:0"
	}
	if opts.BlockTime < 0 {
		return nil, fmt.Errorf("block time %v is negative: give 0 for blocks on demand", opts.BlockTime)
	}
	if opts.Difficulty == 0 {
		opts.Difficulty = DefaultDifficulty
	}
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	rt, err := newRuntime(opts.BlockTime)
	if err != nil {
		return nil, fmt.Errorf("cannot build the chain's metadata: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := &Node{
		clock: opts.Clock, rt: rt, stop: cancel,
		state: newStore(), numbers: map[hash]uint32{}, pool: newPool(),
		subs: map[*subscription]struct{}{}, conns: map[*conn]struct{}{},
	}
	if err := n.genesis(opts); err != nil {
		cancel()
		return nil, err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", opts.Addr)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("cannot listen on %s: %w", opts.Addr, err)
	}
	n.url = "ws://" + listener.Addr().String()
	n.server = &http.Server{
		Handler:           http.HandlerFunc(n.accept),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	n.wg.Go(func() { _ = n.server.Serve(listener) })
	if opts.BlockTime > 0 {
		n.wg.Go(func() { n.produce(ctx, opts.BlockTime) })
	}
	return n, nil
}

// produce builds blocks until ctx ends.
func (n *Node) produce(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			n.Step()
		}
	}
}

// URL returns the endpoint, such as "ws://127.0.0.1:9944".
func (n *Node) URL() string { return n.url }

// Step builds a block at once and returns its number. It works beside a
// BlockTime too.
func (n *Node) Step() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return uint64(n.build())
}

// Set writes storage values, as a sudo call would: they appear at the end of the
// next block, after its transactions. The error names a value that the chain's
// metadata does not have.
func (n *Node) Set(entries ...Entry) error {
	for _, e := range entries {
		if _, err := n.rt.key(e.Pallet, e.Item, e.Keys...); err != nil {
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pending = append(n.pending, entries...)
	return nil
}

// Close ends all connections, stops building blocks and waits until every
// goroutine of the chain has returned.
func (n *Node) Close() error {
	n.close.Do(func() {
		n.mu.Lock()
		n.closing = true
		for c := range n.conns {
			c.cancel()
		}
		n.mu.Unlock()
		n.stop()
		if err := n.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			n.err = err
		}
		n.wg.Wait()
	})
	return n.err
}
