package substrate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bittensor-go/bt/substrate/rpc"
	"golang.org/x/crypto/blake2b"
)

// codeKey is where the runtime's code lies in storage: ":code".
const codeKey = "0x3a636f6465"

const (
	codeNotFound = -32601 // JSON-RPC's code for an unknown method
	codeNoBatch  = -32005 // jsonrpsee's where a node is set to take no batches
)

// Options configure a connection. The zero value is good.
type Options struct {
	// CacheDir is a folder in which metadata is kept, a folder for each endpoint and
	// a file for each runtime: what one node says is not believed of another. Empty
	// keeps it in memory alone. A file that is damaged is fetched again, and a folder
	// that cannot be written is as none.
	CacheDir string
	// MaxResponse is the largest answer taken from the node, in bytes; 0 means 256
	// MiB.
	MaxResponse int64
	// Timeout is how long a request may take; 0 means a minute. A node that is
	// silent for 40 s while nothing is asked of it, or for twice Timeout where that is
	// less, is lost: errors wrap rpc.ErrClosed.
	Timeout time.Duration
}

// pingInterval is rpc's own.
const pingInterval = 20 * time.Second

// Client is a connection to a node. It is safe for concurrent use.
type Client struct {
	conn     *rpc.Conn
	opts     Options
	genesis  Hash
	first    Header // the newest block when the connection was made
	firstErr error
	runtimes *runtimeCache

	// readCode is set where the node has no state_getStorageHash: then the code
	// itself is read and hashed, once for each block.
	readCode atomic.Bool
	// noBatch is set where the node takes requests one by one only.
	noBatch atomic.Bool

	mu    sync.Mutex
	codes map[Hash]Hash // code hash by block, where readCode is set

	lastVersion     *runtimeVersion // not to be changed
	lastVersionText json.RawMessage

	guard     func(ctx context.Context, xt []byte) error // nil for none
	inherited bool                                       // guard is that of the client whose sibling this is
}

// Dial connects to a node at a ws:// or wss:// URL and reads the hash of its
// genesis block, and its newest block.
func Dial(ctx context.Context, endpoint string, opts Options) (*Client, error) {
	return dial(ctx, endpoint, opts, &runtimeCache{dir: cacheFolder(opts.CacheDir, endpoint), entries: make(map[Hash]*runtimeEntry)})
}

func dial(ctx context.Context, endpoint string, opts Options, runtimes *runtimeCache) (*Client, error) {
	conn, err := rpc.Dial(ctx, endpoint, rpc.Options{MaxResponse: opts.MaxResponse, CallTimeout: opts.Timeout, PingInterval: min(opts.Timeout, pingInterval)})
	if err != nil {
		return nil, err
	}
	c := &Client{conn: conn, opts: opts, runtimes: runtimes, codes: make(map[Hash]Hash)}
	if err := c.readEnds(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: genesis block: %w", conn.Endpoint(), err), conn.Close())
	}
	return c, nil
}

// readEnds reads the hash of the genesis block, and the newest block for AtDial.
// It is one batch, while nothing else is under way: the refusal of a batch names
// no request.
func (c *Client) readEnds(ctx context.Context) error {
	answers, err := c.batch(ctx, request("chain_getBlockHash", 0), request("chain_getHeader"))
	if err != nil {
		return err
	}
	c.first, c.firstErr = answers[1].head()
	var genesis *Hash
	if err := answers[0].decode(&genesis); err != nil {
		return err
	}
	if genesis == nil {
		return errors.New("the node has no genesis block")
	}
	c.genesis = *genesis
	return nil
}

// ErrOtherChain reports a node whose genesis block is another one.
var ErrOtherChain = errors.New("another chain")

// DialSibling connects to another node of the same chain. It has the options of
// c, its guard, and shares the runtimes that c knows. A node of another chain is refused with
// ErrOtherChain.
func (c *Client) DialSibling(ctx context.Context, endpoint string) (*Client, error) {
	s, err := dial(ctx, endpoint, c.opts, c.runtimes)
	if err != nil {
		return nil, err
	}
	if s.genesis != c.genesis {
		return nil, errors.Join(fmt.Errorf("%s is of %w: its genesis block is %s and not %s", s.Endpoint(), ErrOtherChain, s.genesis, c.genesis), s.Close())
	}
	s.guard, s.inherited = c.guard, c.guard != nil
	return s, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Endpoint returns the URL that was dialled, without a password.
func (c *Client) Endpoint() string { return c.conn.Endpoint() }

// Genesis returns the hash of the chain's first block, which identifies the
// chain.
func (c *Client) Genesis() Hash { return c.genesis }

// Head returns the newest block.
func (c *Client) Head(ctx context.Context) (Header, error) {
	raw, err := c.conn.Call(ctx, "chain_getHeader")
	return answer{raw, err}.head()
}

// HeaderAt returns the block of a number. The error is a *BlockNotFoundError
// where the chain has not come that far.
func (c *Client) HeaderAt(ctx context.Context, n uint64) (Header, error) {
	hash, err := c.find(ctx, n)
	if err != nil {
		return Header{}, err
	}
	raw, err := c.conn.Call(ctx, "chain_getHeader", hash)
	if err != nil {
		return Header{}, c.blockError(n, "header", err)
	}
	return c.checkHeader(raw, n, hash)
}

// find returns the hash of the block of a number.
func (c *Client) find(ctx context.Context, n uint64) (Hash, error) {
	answers, err := c.batch(ctx, request("chain_getBlockHash", n), request("chain_getHeader"))
	if err != nil {
		return Hash{}, fmt.Errorf("block %d: %w", n, err)
	}
	var hash *Hash
	if err := answers[0].decode(&hash); err != nil {
		return Hash{}, c.blockError(n, "hash", err)
	}
	if hash != nil {
		return *hash, nil
	}
	head, err := answers[1].head()
	if err != nil {
		return Hash{}, err
	}
	if n <= head.Number {
		return Hash{}, fmt.Errorf("block %d: the node, which is at block %d, does not have it: ask another node: %w", n, head.Number, ErrStateDiscarded)
	}
	return Hash{}, &BlockNotFoundError{Number: n, Head: head.Number}
}

// checkHeader holds a header to the number and hash that it was asked for by. The
// genesis block's hash is taken on trust: development nodes make one up.
func (c *Client) checkHeader(raw json.RawMessage, n uint64, hash Hash) (Header, error) {
	h, err := parseHeader(raw)
	if err != nil {
		return Header{}, fmt.Errorf("block %d: %w", n, err)
	}
	if n == 0 && h.Number == 0 && hash == c.genesis {
		h.Hash = hash
	}
	if h.Number != n || h.Hash != hash {
		return Header{}, fmt.Errorf("block %d: the node gave hash %s and a header with number %d and hash %s, which do not fit: ask another node", n, hash, h.Number, h.Hash)
	}
	return h, nil
}

// blockHash returns the hash of the block of a number, nil where there is none.
func (c *Client) blockHash(ctx context.Context, n uint64) (*Hash, error) {
	raw, err := c.conn.Call(ctx, "chain_getBlockHash", n)
	if err != nil {
		return nil, err
	}
	var hash *Hash
	if err := json.Unmarshal(raw, &hash); err != nil {
		return nil, fmt.Errorf("hash of block %d: %w", n, err)
	}
	return hash, nil
}

// At returns the state after the block of a header.
//
// Questions that will be asked anyway can be put ahead. They travel together with
// those about the runtime, so that they cost no trip of their own, and wait in the
// State for who asks them. One that the runtime cannot answer does no harm.
func (c *Client) At(ctx context.Context, h Header, ahead ...Question) (*State, error) {
	s, _, err := c.at(ctx, h.Number, h.Hash, ahead)
	if err != nil {
		return nil, err
	}
	s.Header = h
	return s, nil
}

// AtHead returns the state after the newest block. Questions ahead are as for At.
func (c *Client) AtHead(ctx context.Context, ahead ...Question) (*State, error) {
	h, err := c.Head(ctx)
	if err != nil {
		return nil, err
	}
	return c.At(ctx, h, ahead...)
}

// AtDial is AtHead for the block that was the newest one when Dial connected. It
// is known already, which spares a trip to the node.
func (c *Client) AtDial(ctx context.Context, ahead ...Question) (*State, error) {
	if c.firstErr != nil {
		return nil, c.firstErr
	}
	return c.At(ctx, c.first, ahead...)
}

// AtNumber returns the state after the block of a number. Calls ahead are as for
// At. The error is a *BlockNotFoundError where the chain has not come that far,
// and wraps ErrStateDiscarded where the node has not kept the state.
func (c *Client) AtNumber(ctx context.Context, n uint64, ahead ...Question) (*State, error) {
	hash, err := c.find(ctx, n)
	if err != nil {
		return nil, err
	}
	s, header, err := c.at(ctx, n, hash, ahead, request("chain_getHeader", hash))
	if err != nil {
		return nil, err
	}
	if header[0].err != nil {
		return nil, c.blockError(n, "header", header[0].err)
	}
	if s.Header, err = c.checkHeader(header[0].result, n, hash); err != nil {
		return nil, err
	}
	return s, nil
}

// at returns the state of a block without its header. More requests travel in
// the same message; their answers are not looked at.
func (c *Client) at(ctx context.Context, n uint64, block Hash, ahead []Question, more ...rpc.Request) (*State, []answer, error) {
	// Each is a message of its own: nodes work on messages side by side, and on the
	// requests of a batch one after the other.
	asked := make([]*rpc.Pending, len(ahead))
	for i, q := range ahead {
		asked[i] = c.ask(ctx, block, q)
		defer asked[i].Drop()
	}
	rt, answers, err := c.runtimeAt(ctx, n, block, more...)
	if err != nil {
		return nil, nil, err
	}
	s := &State{Runtime: rt, c: c, ahead: make(map[Question]answered, len(ahead))}
	for i, q := range ahead {
		data, err := asked[i].Wait(ctx)
		s.ahead[q] = answered{data, err}
	}
	return s, answers, nil
}

// runtimeAt returns the runtime in the state of a block. More requests travel in
// the same message; their answers are not looked at.
func (c *Client) runtimeAt(ctx context.Context, n uint64, block Hash, more ...rpc.Request) (*Runtime, []answer, error) {
	calls := append([]rpc.Request{request("state_getRuntimeVersion", block)}, more...)
	c.mu.Lock()
	code, known := c.codes[block]
	c.mu.Unlock()
	read := c.readCode.Load()
	switch {
	case known:
	case read:
		calls = append(calls, request("state_getStorage", codeKey, block))
	default:
		calls = append(calls, request("state_getStorageHash", codeKey, block))
	}
	answers, err := c.batch(ctx, calls...)
	if err != nil {
		return nil, nil, c.blockError(n, "runtime", err)
	}
	v, err := c.version(answers[0])
	if err != nil {
		return nil, nil, c.blockError(n, "runtime version", err)
	}
	if v == nil {
		return nil, nil, fmt.Errorf("block %d: the node gave no runtime version", n)
	}
	if !known {
		last := answers[len(answers)-1]
		if read {
			code, err = c.hashCode(n, block, last)
		} else {
			code, err = c.codeHash(ctx, n, block, last)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	rt, err := c.runtimes.get(ctx, code, func(ctx context.Context) (*Runtime, error) {
		return c.loadRuntime(ctx, n, block, code, v)
	})
	return rt, answers[1 : 1+len(more)], err
}

// version reads the answer of state_getRuntimeVersion, nil for null. It is the
// same text for as long as the runtime is.
func (c *Client) version(a answer) (*runtimeVersion, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.err == nil && c.lastVersion != nil && bytes.Equal(a.result, c.lastVersionText) {
		return c.lastVersion, nil
	}
	var v *runtimeVersion
	if err := a.decode(&v); err != nil {
		return nil, err
	}
	if len(a.result) <= maxVersionText {
		c.lastVersion, c.lastVersionText = v, a.result
	}
	return v, nil
}

// maxVersionText is more than any runtime says of its version, and little to keep.
const maxVersionText = 16 << 10

// codeHash takes the hash of the runtime's code from the answer of
// state_getStorageHash. A node that does not know that method is asked for the
// code, now and in all messages to come.
func (c *Client) codeHash(ctx context.Context, n uint64, block Hash, a answer) (Hash, error) {
	var (
		hash    *Hash
		unknown *rpc.Error
	)
	switch err := a.decode(&hash); {
	case errors.As(err, &unknown) && unknown.Code == codeNotFound:
		c.readCode.Store(true)
		raw, err := c.conn.Call(ctx, "state_getStorage", codeKey, block)
		return c.hashCode(n, block, answer{raw, err})
	case err != nil:
		return Hash{}, c.blockError(n, "hash of the runtime's code", err)
	case hash == nil:
		return Hash{}, fmt.Errorf("block %d: the node has no runtime code there", n)
	}
	return *hash, nil
}

// hashCode takes the runtime's code in the state of a block from the answer of
// state_getStorage and hashes it.
func (c *Client) hashCode(n uint64, block Hash, a answer) (Hash, error) {
	code, err := rpc.Response{Result: a.result, Err: a.err}.Hex()
	if err != nil {
		return Hash{}, c.blockError(n, "runtime code", err)
	}
	if len(code) == 0 {
		return Hash{}, fmt.Errorf("block %d: the node has no runtime code there", n)
	}
	hash := Hash(blake2b.Sum256(code))
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.codes) >= maxCodes {
		clear(c.codes)
	}
	c.codes[block] = hash
	return hash, nil
}

// maxCodes bounds how many blocks' code hashes are remembered.
const maxCodes = 1024

// blockError says of which block something could not be had. Where the node has
// not kept the block's state it says so.
func (c *Client) blockError(n uint64, what string, err error) error {
	var node *rpc.Error
	if errors.As(err, &node) {
		text := strings.ToLower(node.Message + " " + string(node.Data))
		if strings.Contains(text, "discarded") || strings.Contains(text, "unknownblock") || strings.Contains(text, "unknown block") {
			return fmt.Errorf("block %d: %w: %s: %w", n, ErrStateDiscarded, what, err)
		}
	}
	return fmt.Errorf("block %d: %s: %w", n, what, err)
}

// batch sends requests in one message, or side by side where the node takes no
// batches, and returns their answers in order.
func (c *Client) batch(ctx context.Context, calls ...rpc.Request) ([]answer, error) {
	answers := make([]answer, len(calls))
	if !c.noBatch.Load() {
		responses, err := c.conn.Batch(ctx, calls)
		var node *rpc.Error
		switch {
		case err == nil && len(responses) == len(calls):
			for i, r := range responses {
				answers[i] = answer{r.Result, r.Err}
			}
			return answers, nil
		case err == nil:
			return nil, fmt.Errorf("%d answers to %d requests", len(responses), len(calls))
		case !errors.As(err, &node) || node.Code != codeNoBatch:
			return nil, err
		}
		c.noBatch.Store(true)
	}
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() { answers[i].result, answers[i].err = c.conn.Call(ctx, call.Method, call.Params...) })
	}
	all.Wait()
	return answers, nil
}

// answer is one answer of a batch.
type answer struct {
	result json.RawMessage
	err    error
}

func (a answer) decode(v any) error {
	if a.err != nil {
		return a.err
	}
	return json.Unmarshal(a.result, v)
}

// head reads the answer of chain_getHeader for the newest block.
func (a answer) head() (Header, error) {
	h, err := Header{}, a.err
	if err == nil {
		h, err = parseHeader(a.result)
	}
	if err != nil {
		return Header{}, fmt.Errorf("newest block: %w", err)
	}
	return h, nil
}

func request(method string, params ...any) rpc.Request {
	for i, p := range params {
		if hash, ok := p.(Hash); ok {
			params[i] = hash.String() // strings are written faster than what marshals itself
		}
	}
	return rpc.Request{Method: method, Params: params}
}
