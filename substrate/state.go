package substrate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/bittensor-go/bt/substrate/rpc"
)

// State is the chain's state after a block. It is safe for concurrent use.
type State struct {
	Header
	Runtime *Runtime

	c *Client

	mu    sync.Mutex
	ahead map[Question]answered
}

// Question is one that can be put ahead of a State, see Client.At. Equal questions
// are one.
type Question struct {
	method string // of a runtime API; empty for keys
	arg    string // encoded arguments, or the prefix of the keys
	after  string // the key that the keys come after; empty for the first ones
}

// AskCall is the question of State.Call.
func AskCall(method string, args []byte) Question { return Question{method: method, arg: string(args)} }

// AskKeys is the question of State.Keys for the first 1000 keys, or more, below a
// prefix.
func AskKeys(prefix []byte) Question { return Question{arg: string(prefix)} }

// AskKeysAfter is the question of State.Keys for 1000 keys below a prefix that come
// after a place among them, whether there is a key or not. Where State.Keys has come
// beyond that place, it goes on with them.
func AskKeysAfter(prefix, place []byte) Question {
	return Question{arg: string(prefix), after: string(place)}
}

// answered is how a question was answered: with the bytes of a call, or a page of
// keys as JSON.
type answered struct {
	data []byte
	err  error
}

const getKeys = "state_getKeysPaged"

// ask asks a question at a block and does not wait.
func (c *Client) ask(ctx context.Context, block Hash, q Question) *rpc.Pending {
	if q.method == "" {
		return c.conn.Send(ctx, false, getKeys, tohex([]byte(q.arg)), keysPerPage, q.start(), block.String())
	}
	return c.conn.Send(ctx, true, "state_call", q.method, tohex([]byte(q.arg)), block.String())
}

// start is the question's place as nodes take it.
func (q Question) start() any {
	if q.after == "" {
		return nil
	}
	return tohex([]byte(q.after))
}

// Asked reports whether a question was put ahead and its answer still waits.
func (s *State) Asked(q Question) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.ahead[q]
	return ok
}

// answer asks a question unless its answer waits. What waits is handed out once,
// so that it is not held as long as the State.
func (s *State) answer(ctx context.Context, q Question) ([]byte, error) {
	s.mu.Lock()
	a, ok := s.ahead[q]
	delete(s.ahead, q)
	s.mu.Unlock()
	if ok {
		return a.data, a.err
	}
	return s.c.ask(ctx, s.Hash, q).Wait(ctx)
}

// Call calls a function of a runtime API, such as Core_version, with encoded
// arguments and returns its encoded answer.
func (s *State) Call(ctx context.Context, method string, args []byte) ([]byte, error) {
	answer, err := s.answer(ctx, AskCall(method, args))
	if err != nil {
		return nil, s.c.blockError(s.Number, method, err)
	}
	if answer == nil {
		return nil, fmt.Errorf("block %d: %s: the node gave no answer", s.Number, method)
	}
	return answer, nil
}

// Query is Call for an answer that is looked at and not kept: the bytes are only
// valid until read returns, whose error is Query's.
func (s *State) Query(ctx context.Context, method string, args []byte, read func(answer []byte) error) error {
	answer, err := s.Call(ctx, method, args)
	if err != nil {
		return err
	}
	defer s.c.conn.Recycle(answer)
	return read(answer)
}

// Endpoint returns the URL of the node that the state is read from.
func (s *State) Endpoint() string { return s.c.Endpoint() }

// Get decodes the value of a storage item into out and reports whether it is
// stored. Where it is not, out gets the item's default; an item without one
// leaves out as it is.
func (s *State) Get(ctx context.Context, out any, pallet, item string, keys ...any) (found bool, err error) {
	_, entry, err := s.Runtime.entry(pallet, item)
	if err != nil {
		return false, err
	}
	if len(keys) != len(entry.Hashers) {
		return false, fmt.Errorf("storage %s.%s has %d keys, not %d", pallet, item, len(entry.Hashers), len(keys))
	}
	key, err := s.Runtime.StorageKey(pallet, item, keys...)
	if err != nil {
		return false, err
	}
	values, err := s.Raw(ctx, key)
	if err != nil {
		return false, fmt.Errorf("storage %s.%s: %w", pallet, item, err)
	}
	raw := values[0]
	found = raw != nil
	if !found {
		if entry.Optional {
			return false, nil
		}
		raw = entry.Default
	}
	if err := s.Runtime.Codec.Decode(entry.Value, raw, out); err != nil {
		return false, fmt.Errorf("block %d: storage %s.%s: %w", s.Number, pallet, item, err)
	}
	return found, nil
}

// rawPerRequest bounds how many keys one request names: nodes limit its size.
const rawPerRequest = 16384

// Raw returns the encoded values at keys, nil for each that is not stored. Up to
// 16384 keys take one request.
func (s *State) Raw(ctx context.Context, keys ...[]byte) ([][]byte, error) {
	values := make([][]byte, 0, len(keys))
	for len(keys) > 0 {
		n := min(len(keys), rawPerRequest)
		raw, err := s.c.conn.Call(ctx, "state_queryStorageAt", hexKeys(keys[:n]), s.Hash)
		if err != nil {
			return nil, s.c.blockError(s.Number, "storage", err)
		}
		part, err := parseStorage(raw, s.Hash, keys[:n])
		if err != nil {
			return nil, fmt.Errorf("block %d: storage: %w", s.Number, err)
		}
		values, keys = append(values, part...), keys[n:]
	}
	return values, nil
}

func hexKeys(keys [][]byte) []string {
	text := make([]string, len(keys))
	for i, k := range keys {
		text[i] = tohex(k)
	}
	return text
}

// parseStorage reads the answer of state_queryStorageAt. Every key must be
// answered, none other, and for the block that was asked for.
func parseStorage(raw json.RawMessage, block Hash, keys [][]byte) ([][]byte, error) {
	var sets []struct {
		Block   Hash         `json:"block"`
		Changes [][2]*string `json:"changes"`
	}
	if err := json.Unmarshal(raw, &sets); err != nil {
		return nil, fmt.Errorf("the node's answer cannot be read: %w", err)
	}
	// Nodes leave a key out that was named before.
	answered := make(map[string][]byte, len(keys))
	for _, set := range sets {
		if set.Block != block {
			return nil, fmt.Errorf("the node answered for block %s instead of %s", set.Block, block)
		}
		for _, change := range set.Changes {
			if change[0] == nil {
				return nil, fmt.Errorf("the node answered for no key")
			}
			key, err := unhex(*change[0])
			if err != nil {
				return nil, err
			}
			var value []byte
			if change[1] != nil {
				if value, err = unhex(*change[1]); err != nil {
					return nil, err
				}
			}
			answered[string(key)] = value
		}
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		value, ok := answered[string(key)]
		if !ok {
			return nil, fmt.Errorf("the node left out key %x: it answered %d of %d", key, len(answered), len(keys))
		}
		values[i] = value
	}
	return values, nil
}

// keysPerPage is how many keys a node gives at once.
const keysPerPage = 1000

// Keys returns the keys that are stored below a prefix, ascending, at most limit.
func (s *State) Keys(ctx context.Context, prefix []byte, limit int) ([][]byte, error) {
	var (
		keys [][]byte
		last []byte
		more = true
	)
	for more && len(keys) < limit {
		var (
			page [][]byte
			err  error
		)
		if page, more, err = s.page(ctx, prefix, last, min(limit-len(keys), keysPerPage)); err != nil {
			return nil, err
		}
		if keys = append(keys, page...); len(page) > 0 {
			last = page[len(page)-1]
		}
	}
	return keys, nil
}

// KeysBelow is Keys for many prefixes, in the order of these. The first thousand
// keys below each are asked for in one message. The limit, of 1000 or more, is that
// of each.
func (s *State) KeysBelow(ctx context.Context, prefixes [][]byte, limit int) ([][][]byte, error) {
	calls := make([]rpc.Request, len(prefixes))
	for i, p := range prefixes {
		calls[i] = request(getKeys, tohex(p), keysPerPage, nil, s.Hash)
	}
	answers, err := s.c.batch(ctx, calls...)
	if err != nil {
		return nil, s.c.blockError(s.Number, "storage keys", err)
	}
	s.mu.Lock()
	for i, a := range answers {
		s.ahead[AskKeys(prefixes[i])] = answered{a.result, a.err}
	}
	s.mu.Unlock()
	all := make([][][]byte, len(prefixes))
	for i, p := range prefixes {
		if all[i], err = s.Keys(ctx, p, limit); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// page returns n keys that come after the last one, nil for the first ones, and
// whether there may be more.
func (s *State) page(ctx context.Context, prefix, last []byte, n int) (keys [][]byte, more bool, err error) {
	q := s.nearest(AskKeysAfter(prefix, last), n)
	var raw json.RawMessage
	if n == keysPerPage {
		raw, err = s.answer(ctx, q)
	} else {
		raw, err = s.c.conn.Call(ctx, getKeys, tohex(prefix), n, q.start(), s.Hash)
	}
	if err != nil {
		return nil, false, s.c.blockError(s.Number, "storage keys", err)
	}
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil {
		return nil, false, fmt.Errorf("block %d: storage keys: the node's answer cannot be read: %w", s.Number, err)
	}
	if len(texts) > n {
		return nil, false, fmt.Errorf("block %d: storage keys: the node gave %d where %d were asked for", s.Number, len(texts), n)
	}
	before := []byte(q.after)
	for _, text := range texts {
		key, err := unhex(text)
		if err != nil {
			return nil, false, fmt.Errorf("block %d: storage keys: %w", s.Number, err)
		}
		// Order is what makes the paging end.
		if !bytes.HasPrefix(key, prefix) || before != nil && bytes.Compare(key, before) <= 0 {
			return nil, false, fmt.Errorf("block %d: storage keys: the node gave %s, which is out of order or not below %x", s.Number, clip(text), prefix)
		}
		if before = key; last == nil || bytes.Compare(key, last) > 0 {
			keys = append(keys, key)
		}
	}
	return keys, len(texts) == n, nil
}

// nearest returns the question for keys whose answer waits and that begins nearest
// before where a question for n keys does, else that question.
func (s *State) nearest(q Question, n int) Question {
	if n != keysPerPage || q.after == "" {
		return q
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	best := Question{arg: q.arg}
	for waits := range s.ahead {
		if waits.method == "" && waits.arg == q.arg && waits.after <= q.after && waits.after > best.after {
			best = waits
		}
	}
	if best.after == "" {
		return q
	}
	return best
}
