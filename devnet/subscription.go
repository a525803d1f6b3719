package devnet

import (
	"bytes"
	"fmt"
	"strconv"
)

// subscription is what a client follows. Node.mu guards it.
type subscription struct {
	c       *conn
	id      string
	kind    string // the method of its notifications
	keys    []string
	watched *pooled
	early   [][]byte // what was sent before the client has the id
	open    bool     // the client has it
}

// subscribe makes a subscription that is not registered yet. The caller holds mu.
func (n *Node) subscribe(c *conn, kind string) (*subscription, *rpcError) {
	count := 0
	for s := range n.subs {
		if s.c == c {
			count++
		}
	}
	if count >= maxSubs {
		return nil, &rpcError{Code: -32006, Message: "Too many subscriptions on the connection", Data: fmt.Sprintf("Exceeded max limit of %d", maxSubs)}
	}
	n.nextSub++
	s := &subscription{c: c, kind: kind, id: "bt" + strconv.FormatUint(n.nextSub, 36)}
	c.fresh = append(c.fresh, s)
	return s, nil
}

// open lets the notifications of new subscriptions go out, once their ids are on
// the way to the client.
func (n *Node) open(c *conn) {
	if len(c.fresh) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range c.fresh {
		for _, msg := range s.early {
			c.offer(msg)
		}
		s.early, s.open = nil, true
	}
	c.fresh = nil
}

// notify sends a notification. It never blocks.
func (s *subscription) notify(result any) {
	type body struct {
		Subscription string `json:"subscription"`
		Result       any    `json:"result"`
	}
	msg := encode(struct {
		Version string `json:"jsonrpc"`
		Method  string `json:"method"`
		Params  body   `json:"params"`
	}{"2.0", s.kind, body{s.id, result}})
	if !s.open {
		s.early = append(s.early, msg)
		return
	}
	s.c.offer(msg)
}

// announce tells a new block to all who follow heads or storage. The caller holds
// mu.
func (n *Node) announce(b *block) {
	for s := range n.subs {
		switch s.kind {
		case "chain_newHead", "chain_allHead":
			s.notify(n.header(b))
		case "chain_finalizedHead":
			s.notify(n.header(n.finalized()))
		case "state_storage":
			if changes := n.changes(s.keys, b.number); len(changes) > 0 {
				s.notify(storageChanges{hexOf(b.hash[:]), changes})
			}
		}
	}
}

// storageChanges is what changed, or is, at a block: pairs of key and value.
type storageChanges struct {
	Block   string       `json:"block"`
	Changes [][2]*string `json:"changes"`
}

// changes lists those of the keys that a block changed.
func (n *Node) changes(keys []string, number uint32) [][2]*string {
	var out [][2]*string
	for _, k := range keys {
		was, is := n.state.get(k, number-1), n.state.get(k, number)
		if (was == nil) != (is == nil) || !bytes.Equal(was, is) {
			out = append(out, pair(k, is))
		}
	}
	return out
}

func pair(key string, value []byte) [2]*string {
	k := hexOf([]byte(key))
	return [2]*string{&k, hexOrNil(value)}
}

func hexOrNil(b []byte) *string {
	if b == nil {
		return nil
	}
	s := hexOf(b)
	return &s
}

// header is a header as JSON-RPC shows it.
type header struct {
	ParentHash     string `json:"parentHash"`
	Number         string `json:"number"`
	StateRoot      string `json:"stateRoot"`
	ExtrinsicsRoot string `json:"extrinsicsRoot"`
	Digest         digest `json:"digest"`
}

type digest struct {
	Logs []string `json:"logs"`
}

func (n *Node) header(b *block) header {
	return header{
		ParentHash: hexOf(b.parent[:]), Number: "0x" + strconv.FormatUint(uint64(b.number), 16),
		StateRoot: hexOf(b.stateRoot[:]), ExtrinsicsRoot: hexOf(b.extrinsicsRoot[:]), Digest: digest{Logs: []string{}},
	}
}

// runtimeVersion is the version as JSON-RPC shows it.
func (rt *runtime) runtimeVersion() map[string]any {
	list := make([][2]any, 0, len(apis))
	for _, a := range apis {
		id := apiID(a.name)
		list = append(list, [2]any{hexOf(id[:]), a.version})
	}
	return map[string]any{
		"specName": specName, "implName": specName, "authoringVersion": 1, "specVersion": specVersion,
		"implVersion": 1, "apis": list, "transactionVersion": transactionVersion, "systemVersion": 1, "stateVersion": 1,
	}
}

// weightOf is what an extrinsic is taken to weigh.
func weightOf(xt *extrinsic) dispatchInfo {
	switch {
	case xt.call.isFaucet():
		return dispatchInfo{refTime: 2_966_000_000, free: true}
	case xt.call.pallet == palletSubtensor:
		return dispatchInfo{refTime: 5_704_940_000, proofSize: 4198, free: xt.call.isPow()}
	}
	return dispatchInfo{refTime: 200_000_000 + 10_000*uint64(len(xt.raw)), proofSize: 3593}
}
