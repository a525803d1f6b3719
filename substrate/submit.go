package substrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bittensor-go/bt/substrate/rpc"
)

// Submission is a transaction that the node's pool took. InBlock is for one
// goroutine at a time; Close may come from any.
type Submission struct {
	c   *Client
	sub *rpc.Subscription
	xt  string // as nodes write it
}

// Inclusion is where a transaction got to.
type Inclusion struct {
	Header Header
	Index  int     // of the transaction in the block
	Events []Event // those that it reported
	Final  bool    // the block cannot be reorganised away any more
}

// Guard adds what every transaction has to pass before it is handed to the node. No
// guard can be taken away; that which a sibling was given by DialSibling is replaced
// by its own first one. It is called before the client is used.
func (c *Client) Guard(check func(ctx context.Context, xt []byte) error) {
	if check == nil {
		return
	}
	before := c.guard
	if before == nil || c.inherited {
		c.guard, c.inherited = check, false
		return
	}
	c.guard = func(ctx context.Context, xt []byte) error {
		if err := before(ctx, xt); err != nil {
			return err
		}
		return check(ctx, xt)
	}
}

// Submit hands a transaction to the node. The error is a *PoolError where the
// node's pool refuses it, and the guard's own where that does.
func (c *Client) Submit(ctx context.Context, xt []byte) (*Submission, error) {
	if c.guard != nil {
		if err := c.guard(ctx, xt); err != nil {
			return nil, err
		}
	}
	text := tohex(xt)
	sub, err := c.conn.Subscribe(ctx, "author_submitAndWatchExtrinsic", "author_unwatchExtrinsic", text)
	if err != nil {
		var node *rpc.Error
		if errors.As(err, &node) && node.Code >= 1000 && node.Code < 2000 { // sc_rpc_api's codes of author_*
			return nil, newPoolError(node.Code, node.Message, node.Data)
		}
		return nil, fmt.Errorf("submit the transaction: %w", err)
	}
	return &Submission{c: c, sub: sub, xt: text}, nil
}

// Close stops watching. The transaction stays where it is.
func (s *Submission) Close() error { return s.sub.Close() }

// InBlock waits until the transaction is in a block and returns where, with what
// it reported. A transaction whose call failed is in a block all the same: then
// the error is a *DispatchError beside the Inclusion. The error is a *StatusError
// where the pool gave the transaction up, a *PoolError where it found it invalid
// after all.
//
// Called again it waits for the next block: another one after a reorganisation,
// or the same once it is final.
func (s *Submission) InBlock(ctx context.Context) (Inclusion, error) {
	for {
		raw, err := s.sub.Next(ctx)
		if err != nil {
			return Inclusion{}, fmt.Errorf("wait for the transaction, which may still get into a block: %w", err)
		}
		st, err := parseStatus(raw)
		if err != nil {
			return Inclusion{}, err
		}
		switch st.name {
		case "inBlock", "finalized":
			in, err := s.inclusion(ctx, st)
			if errors.Is(err, errNoBlock) && st.name == "inBlock" {
				continue // reorganised away before it could be read
			}
			return in, err
		case "usurped", "dropped", "invalid", "finalityTimeout":
			return Inclusion{}, st.err
		}
	}
}

// errNoBlock reports a block that the node does not have (any more).
var errNoBlock = errors.New("the node does not have the block")

// inclusion reads the block that holds the transaction.
func (s *Submission) inclusion(ctx context.Context, st status) (Inclusion, error) {
	in, rt, err := s.locate(ctx, st.block)
	if err != nil {
		return Inclusion{}, fmt.Errorf("the transaction is in block %s, but what became of it cannot be read: %w", st.block, err)
	}
	in.Final = st.name == "finalized"
	err = rt.outcome(in.Events, in.Index)
	var dispatch *DispatchError
	if err != nil && !errors.As(err, &dispatch) {
		err = fmt.Errorf("transaction %d of block %d: %w", in.Index, in.Header.Number, err)
	}
	return in, err
}

func (s *Submission) locate(ctx context.Context, hash Hash) (Inclusion, *Runtime, error) {
	raw, err := s.c.conn.Call(ctx, "chain_getBlock", hash)
	if err != nil {
		return Inclusion{}, nil, err
	}
	var block *struct {
		Block struct {
			Header     json.RawMessage `json:"header"`
			Extrinsics []string        `json:"extrinsics"`
		} `json:"block"`
	}
	if err := json.Unmarshal(raw, &block); err != nil {
		return Inclusion{}, nil, fmt.Errorf("the node's block cannot be read: %w", err)
	}
	if block == nil {
		return Inclusion{}, nil, errNoBlock
	}
	h, err := parseHeader(block.Block.Header)
	if err != nil {
		return Inclusion{}, nil, err
	}
	if h.Hash != hash {
		return Inclusion{}, nil, fmt.Errorf("the node gave block %s instead", h.Hash)
	}
	in := Inclusion{Header: h, Index: -1}
	for i, text := range block.Block.Extrinsics {
		if strings.EqualFold(text, s.xt) {
			in.Index = i
			break
		}
	}
	if in.Index < 0 {
		return Inclusion{}, nil, fmt.Errorf("block %d does not hold it", h.Number)
	}
	events, rt, err := s.c.events(ctx, h)
	if err != nil {
		return Inclusion{}, nil, err
	}
	for _, e := range events {
		if e.Extrinsic == in.Index {
			in.Events = append(in.Events, e)
		}
	}
	return in, rt, nil
}

// status is one report of the pool.
type status struct {
	name  string
	block Hash  // of inBlock and finalized
	err   error // of those that end the wait
}

// parseStatus reads sc_transaction_pool's TransactionStatus: a word, or an object
// with one member.
func parseStatus(raw json.RawMessage) (status, error) {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		return newStatus(word, nil)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil || len(object) != 1 {
		return status{}, fmt.Errorf("the node's report on the transaction cannot be read: %s", clip(string(raw)))
	}
	for name, detail := range object {
		return newStatus(name, detail)
	}
	return status{}, nil
}

func newStatus(name string, detail json.RawMessage) (status, error) {
	st := status{name: name}
	switch name {
	case "inBlock", "finalized":
		if err := json.Unmarshal(detail, &st.block); err != nil || st.block == (Hash{}) {
			return st, fmt.Errorf("the node's report names no block: %s %s", name, clip(string(detail)))
		}
	case "usurped", "dropped", "finalityTimeout":
		st.err = &StatusError{Status: name}
	case "invalid", "unknown":
		st.name = "invalid"
		st.err = &StatusError{Status: name}
		if len(detail) > 0 && string(detail) != "null" {
			// Chopsticks finds out when it builds the block, and says why.
			st.err = newPoolError(1010, "invalid transaction", detail)
		}
	case "future", "ready", "broadcast", "retracted":
	default:
		// A status of a later node: what matters comes in those that are known.
	}
	return st, nil
}

// newPoolError makes a refusal of what the node said.
func newPoolError(code int, message string, data json.RawMessage) *PoolError {
	return &PoolError{Code: code, Message: message, Data: data, Custom: customCode(string(data) + " " + message)}
}

// customCode finds the code of a chain's own check: "Custom error: 255" as nodes
// write it, or {"custom":255}.
func customCode(text string) *uint8 {
	text = strings.ToLower(text)
	for _, mark := range []string{"custom error:", `custom":`, "custom("} {
		_, after, ok := strings.Cut(text, mark)
		if !ok {
			continue
		}
		after = strings.TrimLeft(after, " ")
		end := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
		if end >= 0 {
			after = after[:end]
		}
		if n, err := strconv.ParseUint(after, 10, 8); err == nil {
			code := uint8(n)
			return &code
		}
	}
	return nil
}
