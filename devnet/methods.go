package devnet

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/substrate/ss58"
)

// maxPage is how many keys state_getKeysPaged gives at most.
const maxPage = 1000

// rpcMethod answers one method. It takes mu itself.
type rpcMethod func(n *Node, c *conn, p *params) (any, *rpcError)

// methods are all that the node answers. rpc_methods lists them.
var methods map[string]rpcMethod = methodTable()

func methodTable() map[string]rpcMethod {
	constant := func(v any) rpcMethod {
		return func(*Node, *conn, *params) (any, *rpcError) { return v, nil }
	}
	m := map[string]rpcMethod{
		"system_chain":      constant("Bittensor"),
		"system_name":       constant("bt devnet"),
		"system_version":    constant("475"),
		"system_chainType":  constant("Development"),
		"system_nodeRoles":  constant([]string{"Authority"}),
		"system_peers":      constant([]string{}),
		"system_health":     constant(map[string]any{"peers": 0, "isSyncing": false, "shouldHavePeers": false}),
		"system_properties": constant(map[string]any{"ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO"}),

		"system_accountNextIndex": (*Node).accountNextIndex,
		"system_syncState":        (*Node).syncState,

		"chain_getBlock":         (*Node).getBlock,
		"chain_getBlockHash":     (*Node).getBlockHash,
		"chain_getHeader":        (*Node).getHeader,
		"chain_getFinalizedHead": (*Node).getFinalizedHead,

		"state_call":              (*Node).stateCall,
		"state_getMetadata":       (*Node).getMetadata,
		"state_getRuntimeVersion": (*Node).getRuntimeVersion,
		"state_getStorage":        (*Node).getStorage,
		"state_getStorageHash":    (*Node).getStorageHash,
		"state_getStorageSize":    (*Node).getStorageSize,
		"state_queryStorageAt":    (*Node).queryStorageAt,
		"state_getKeysPaged":      (*Node).getKeysPaged,
		"payment_queryInfo":       (*Node).queryInfo,

		"author_submitExtrinsic":         (*Node).submit,
		"author_submitAndWatchExtrinsic": (*Node).submitAndWatch,
		"author_pendingExtrinsics":       (*Node).pendingExtrinsics,

		"chain_subscribeNewHeads":       heads("chain_newHead"),
		"chain_subscribeFinalizedHeads": heads("chain_finalizedHead"),
		"chain_subscribeAllHeads":       heads("chain_allHead"),
		"state_subscribeRuntimeVersion": (*Node).subscribeRuntimeVersion,
		"state_subscribeStorage":        (*Node).subscribeStorage,
		"author_unwatchExtrinsic":       unsubscribe("author_extrinsicUpdate"),
	}
	for alias, of := range map[string]string{
		"account_nextIndex": "system_accountNextIndex", "chain_getHead": "chain_getBlockHash",
		"chain_getFinalisedHead": "chain_getFinalizedHead", "chain_getRuntimeVersion": "state_getRuntimeVersion",
		"chain_subscribeNewHead": "chain_subscribeNewHeads", "state_getStorageAt": "state_getStorage",
		"state_callAt": "state_call", "state_getStorageHashAt": "state_getStorageHash",
		"state_getStorageSizeAt": "state_getStorageSize", "state_getKeysPagedAt": "state_getKeysPaged",
		"chain_subscribeRuntimeVersion": "state_subscribeRuntimeVersion",
	} {
		m[alias] = m[of]
	}
	for name, kind := range map[string]string{
		"chain_unsubscribeNewHeads": "chain_newHead", "chain_unsubscribeNewHead": "chain_newHead",
		"chain_unsubscribeFinalizedHeads": "chain_finalizedHead", "chain_unsubscribeAllHeads": "chain_allHead",
		"state_unsubscribeRuntimeVersion": "state_runtimeVersion", "chain_unsubscribeRuntimeVersion": "state_runtimeVersion",
		"state_unsubscribeStorage": "state_storage",
	} {
		m[name] = unsubscribe(kind)
	}
	names := append(slices.Collect(maps.Keys(m)), "rpc_methods")
	slices.Sort(names)
	m["rpc_methods"] = constant(map[string]any{"methods": names})
	return m
}

// params reads a call's parameters in order. The first error sticks.
type params struct {
	list []json.RawMessage
	next int
	err  *rpcError
}

// take decodes the next parameter and reports whether there is one.
func (p *params) take(v any) bool {
	i := p.next
	p.next++
	if i >= len(p.list) || string(p.list[i]) == "null" {
		return false
	}
	if err := json.Unmarshal(p.list[i], v); err != nil {
		p.fail(err.Error())
		return false
	}
	return true
}

func (p *params) fail(why string) {
	if p.err == nil {
		p.err = invalidParams(fmt.Sprintf("parameter %d: %s", p.next, why))
	}
}

func (p *params) text() string {
	var s string
	if !p.take(&s) {
		p.fail("a string is missing")
	}
	return s
}

// decode reads hexadecimal digits. Like a node it takes them without 0x too, as
// the official client sends the arguments of state_call.
func (p *params) decode(s string) []byte {
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		p.fail("pairs of hexadecimal digits are expected")
		return nil
	}
	return b
}

func (p *params) bytes() []byte { return p.decode(p.text()) }

// keys reads a list of storage keys.
func (p *params) keys() []string {
	var list []string
	if !p.take(&list) {
		p.fail("a list of keys is missing")
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(p.decode(s))
	}
	return out
}

// hash reads a block hash that may be left out.
func (p *params) hash() (h hash, given bool) {
	var s string
	if !p.take(&s) {
		return h, false
	}
	b := p.decode(s)
	if len(b) != len(h) {
		p.fail("a block hash has 32 bytes")
		return h, false
	}
	return hash(b), true
}

// block returns the block that the next parameter names, else the head; nil
// where there is none of this hash. The caller holds mu.
func (n *Node) block(p *params) *block {
	h, given := p.hash()
	if !given {
		return n.head()
	}
	number, known := n.numbers[h]
	if !known {
		return nil
	}
	return n.blocks[number]
}

// at returns the state that the next parameter names. The caller holds mu.
func (n *Node) at(p *params, calling bool) (snapshot, *block, *rpcError) {
	start := p.next
	b := n.block(p)
	if p.err != nil {
		return snapshot{}, nil, p.err
	}
	prefix := "UnknownBlock: "
	if calling {
		prefix = "Api called for an unknown Block: "
	}
	switch {
	case b == nil:
		p.next = start
		h, _ := p.hash()
		return snapshot{}, nil, &rpcError{Code: 4003, Message: "Client error: " + prefix + "Header was not found in the database: " + hexOf(h[:])}
	case b.number < n.state.oldest():
		return snapshot{}, nil, &rpcError{Code: 4003, Message: "Client error: " + prefix + "State already discarded for " + hexOf(b.hash[:])}
	}
	return snapshot{n.state, b.number}, b, nil
}

func (n *Node) accountNextIndex(_ *conn, p *params) (any, *rpcError) {
	id, err := ss58.Parse(p.text())
	if err != nil {
		p.fail(err.Error())
		return nil, p.err
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	next := n.rt.read(snapshot{n.state, n.head().number}).info(id).nonce
	for n.pool.byTag[string(nonceTag(id, next))] != nil {
		next++
	}
	return next, nil
}

func (n *Node) syncState(*conn, *params) (any, *rpcError) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	head := n.head().number
	return map[string]any{"startingBlock": 0, "currentBlock": head, "highestBlock": head}, nil
}

func (n *Node) getBlock(_ *conn, p *params) (any, *rpcError) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	b := n.block(p)
	if b == nil || p.err != nil {
		return nil, p.err
	}
	list := make([]string, len(b.extrinsics))
	for i, x := range b.extrinsics {
		list[i] = hexOf(x)
	}
	return map[string]any{
		"block":          map[string]any{"header": n.header(b), "extrinsics": list},
		"justifications": nil,
	}, nil
}

func (n *Node) getHeader(_ *conn, p *params) (any, *rpcError) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	b := n.block(p)
	if b == nil || p.err != nil {
		return nil, p.err
	}
	return n.header(b), nil
}

// getBlockHash answers the head's hash, that of a number, or those of a list.
func (n *Node) getBlockHash(_ *conn, p *params) (any, *rpcError) {
	var which any
	p.take(&which)
	n.mu.RLock()
	defer n.mu.RUnlock()
	list, many := which.([]any)
	if !many {
		return n.hashOf(which, p)
	}
	out := make([]any, len(list))
	for i, v := range list {
		var e *rpcError
		if out[i], e = n.hashOf(v, p); e != nil {
			return nil, e
		}
	}
	return out, nil
}

func (n *Node) hashOf(which any, p *params) (any, *rpcError) {
	var number uint64
	switch v := which.(type) {
	case nil:
		h := n.head().hash
		return hexOf(h[:]), nil
	case float64:
		if v < 0 || v != math.Trunc(v) || v > math.MaxUint32 {
			p.fail("a block number is expected")
			return nil, p.err
		}
		number = uint64(v)
	case string:
		var err error
		if number, err = strconv.ParseUint(v, 0, 32); err != nil {
			p.fail("a block number is expected: " + err.Error())
			return nil, p.err
		}
	default:
		p.fail("a block number is expected")
		return nil, p.err
	}
	if number >= uint64(len(n.blocks)) {
		return nil, nil
	}
	h := n.blocks[number].hash
	return hexOf(h[:]), nil
}

// finalized returns the last block that is final: the head's parent.
func (n *Node) finalized() *block { return n.blocks[max(0, len(n.blocks)-2)] }

func (n *Node) getFinalizedHead(*conn, *params) (any, *rpcError) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	h := n.finalized().hash
	return hexOf(h[:]), nil
}

func (n *Node) stateCall(_ *conn, p *params) (any, *rpcError) {
	name, args := p.text(), p.bytes()
	n.mu.RLock()
	defer n.mu.RUnlock()
	s, _, e := n.at(p, true)
	if e != nil {
		return nil, e
	}
	out, err := n.call(n.rt.read(s), name, args)
	switch {
	case errors.Is(err, errNoMethod):
		return nil, &rpcError{Code: 4003, Message: "Client error: Execution failed: Other: Exported method " + name + " is not found"}
	case err != nil:
		return nil, &rpcError{Code: 4003, Message: "Client error: Execution failed: " + err.Error()}
	}
	return hexOf(out), nil
}

func (n *Node) getMetadata(_ *conn, p *params) (any, *rpcError) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if _, _, e := n.at(p, true); e != nil {
		return nil, e
	}
	return hexOf(n.rt.v14), nil
}

func (n *Node) getRuntimeVersion(_ *conn, p *params) (any, *rpcError) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if _, _, e := n.at(p, true); e != nil {
		return nil, e
	}
	return n.rt.runtimeVersion(), nil
}

// stored reads a key and its value at a block.
func (n *Node) stored(p *params) ([]byte, *rpcError) {
	key := p.bytes()
	n.mu.RLock()
	defer n.mu.RUnlock()
	s, _, e := n.at(p, false)
	if e != nil {
		return nil, e
	}
	return s.get(string(key)), nil
}

func (n *Node) getStorage(_ *conn, p *params) (any, *rpcError) {
	v, e := n.stored(p)
	if e != nil || v == nil {
		return nil, e
	}
	return hexOf(v), nil
}

func (n *Node) getStorageHash(_ *conn, p *params) (any, *rpcError) {
	v, e := n.stored(p)
	if e != nil || v == nil {
		return nil, e
	}
	h := blake2b.Sum256(v)
	return hexOf(h[:]), nil
}

func (n *Node) getStorageSize(_ *conn, p *params) (any, *rpcError) {
	v, e := n.stored(p)
	if e != nil || v == nil {
		return nil, e
	}
	return len(v), nil
}

func (n *Node) queryStorageAt(_ *conn, p *params) (any, *rpcError) {
	keys := p.keys()
	n.mu.RLock()
	defer n.mu.RUnlock()
	s, b, e := n.at(p, false)
	if e != nil {
		return nil, e
	}
	return []storageChanges{values(s, b, keys)}, nil
}

// values are the values of keys at a block.
func values(s snapshot, b *block, keys []string) storageChanges {
	out := storageChanges{Block: hexOf(b.hash[:]), Changes: [][2]*string{}}
	for _, k := range keys {
		out.Changes = append(out.Changes, pair(k, s.get(k)))
	}
	return out
}

func (n *Node) getKeysPaged(_ *conn, p *params) (any, *rpcError) {
	var prefix, after string
	if p.take(&prefix) {
		prefix = string(p.decode(prefix))
	}
	var count uint32
	if !p.take(&count) {
		p.fail("a count is missing")
	}
	if p.take(&after) {
		after = string(p.decode(after))
	}
	if count > maxPage {
		return nil, &rpcError{Code: 4002, Message: fmt.Sprintf("count exceeds maximum value. value: %d, max: %d", count, maxPage)}
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	s, b, e := n.at(p, false)
	if e != nil {
		return nil, e
	}
	out := []string{}
	for _, k := range s.s.keysAt(prefix, after, b.number, int(count)) {
		out = append(out, hexOf([]byte(k)))
	}
	return out, nil
}

func (n *Node) queryInfo(_ *conn, p *params) (any, *rpcError) {
	raw := p.bytes()
	if p.err != nil {
		return nil, p.err
	}
	xt, err := parseExtrinsic(raw)
	if err != nil {
		return nil, &rpcError{Code: 8000, Message: "Unable to query dispatch info.", Data: err.Error()}
	}
	w := weightOf(xt)
	return map[string]any{
		"weight": map[string]any{"ref_time": w.refTime, "proof_size": w.proofSize}, "class": "normal",
		"partialFee": strconv.FormatUint(feeOf(xt), 10),
	}, nil
}

func (n *Node) submit(_ *conn, p *params) (any, *rpcError) {
	raw := p.bytes()
	if p.err != nil {
		return nil, p.err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	h, e := n.admit(raw, nil)
	if e != nil {
		return nil, e
	}
	return hexOf(h[:]), nil
}

func (n *Node) submitAndWatch(c *conn, p *params) (any, *rpcError) {
	raw := p.bytes()
	if p.err != nil {
		return nil, p.err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s, e := n.subscribe(c, "author_extrinsicUpdate")
	if e != nil {
		return nil, e
	}
	if _, e := n.admit(raw, s); e != nil {
		return nil, e
	}
	return s.id, nil
}

func (n *Node) pendingExtrinsics(*conn, *params) (any, *rpcError) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	out := []string{}
	for _, x := range n.pool.all() {
		out = append(out, hexOf(x.xt.raw))
	}
	return out, nil
}

// heads subscribes to headers. The head comes first.
func heads(kind string) rpcMethod {
	return func(n *Node, c *conn, _ *params) (any, *rpcError) {
		n.mu.Lock()
		defer n.mu.Unlock()
		s, e := n.subscribe(c, kind)
		if e != nil {
			return nil, e
		}
		n.subs[s] = struct{}{}
		if kind == "chain_finalizedHead" {
			s.notify(n.header(n.finalized()))
		} else {
			s.notify(n.header(n.head()))
		}
		return s.id, nil
	}
}

func (n *Node) subscribeRuntimeVersion(c *conn, _ *params) (any, *rpcError) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, e := n.subscribe(c, "state_runtimeVersion")
	if e != nil {
		return nil, e
	}
	n.subs[s] = struct{}{}
	s.notify(n.rt.runtimeVersion())
	return s.id, nil
}

func (n *Node) subscribeStorage(c *conn, p *params) (any, *rpcError) {
	keys := p.keys()
	if p.err != nil {
		return nil, p.err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s, e := n.subscribe(c, "state_storage")
	if e != nil {
		return nil, e
	}
	s.keys = keys
	n.subs[s] = struct{}{}
	s.notify(values(snapshot{n.state, n.head().number}, n.head(), keys))
	return s.id, nil
}

func unsubscribe(kind string) rpcMethod {
	return func(n *Node, c *conn, p *params) (any, *rpcError) {
		id := p.text()
		n.mu.Lock()
		defer n.mu.Unlock()
		for s := range n.subs {
			if s.c == c && s.id == id && s.kind == kind {
				delete(n.subs, s)
				if s.watched != nil {
					s.watched.watchers = slices.DeleteFunc(s.watched.watchers, func(w *subscription) bool { return w == s })
				}
				return true, nil
			}
		}
		return false, nil
	}
}
