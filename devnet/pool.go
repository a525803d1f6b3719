package devnet

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// maxPool is how many transactions wait at most.
const maxPool = 1024

// pool holds the transactions that wait for a block.
type pool struct {
	byHash map[hash]*pooled
	byTag  map[string]*pooled // by what they provide
	order  uint64
}

// pooled is one transaction in the pool.
type pooled struct {
	xt       *extrinsic
	valid    validity
	order    uint64
	ready    bool
	expires  uint64          // the block that cannot hold it any more
	watchers []*subscription // of its fate
}

func newPool() *pool { return &pool{byHash: map[hash]*pooled{}, byTag: map[string]*pooled{}} }

// all returns what waits in order of arrival.
func (p *pool) all() []*pooled {
	return slices.SortedFunc(maps.Values(p.byHash), func(a, b *pooled) int { return cmp.Compare(a.order, b.order) })
}

func (p *pool) add(x *pooled) {
	p.order++
	x.order = p.order
	p.byHash[x.xt.hash] = x
	for _, t := range x.valid.provides {
		p.byTag[string(t)] = x
	}
}

func (p *pool) remove(x *pooled) {
	delete(p.byHash, x.xt.hash)
	for _, t := range x.valid.provides {
		if p.byTag[string(t)] == x {
			delete(p.byTag, string(t))
		}
	}
}

// ready reports whether all that a transaction requires is provided by ready
// ones.
func (p *pool) ready(x *pooled) bool {
	for _, t := range x.valid.requires {
		if by := p.byTag[string(t)]; by == nil || !by.ready {
			return false
		}
	}
	return true
}

// promote marks what has become ready and tells those who watch.
func (p *pool) promote(tell func(*pooled, any)) {
	for again := true; again; {
		again = false
		for _, x := range p.all() {
			if !x.ready && p.ready(x) {
				x.ready, again = true, true
				tell(x, "ready")
			}
		}
	}
}

// candidate is the state in which the pool tests transactions: that of the head,
// seen from the block after it. What a block begins with has not been done.
func (n *Node) candidate() ledger {
	head := n.head()
	l := n.rt.write(newOverlay(snapshot{n.state, head.number}))
	l.enter(head.number+1, head.hash)
	return l
}

// tell sends a transaction's status to those who watch it. It never blocks.
func (n *Node) tell(x *pooled, status any) {
	for _, s := range x.watchers {
		s.notify(status)
	}
}

// end sends the last status and ends the subscriptions.
func (n *Node) end(x *pooled, status any) {
	n.tell(x, status)
	for _, s := range x.watchers {
		delete(n.subs, s)
	}
	x.watchers = nil
}

// admit takes a transaction into the pool, watched by s unless it is nil. The
// caller holds mu.
func (n *Node) admit(raw []byte, s *subscription) (hash, *rpcError) {
	xt, err := parseExtrinsic(raw)
	switch {
	case errors.Is(err, errFormat):
		return hash{}, &rpcError{Code: 1001, Message: "Extrinsic has invalid format: " + err.Error()}
	case err != nil:
		return hash{}, &rpcError{Code: 1002, Message: "Verification Error: Runtime error: Execution failed: the extrinsic cannot be decoded: " + err.Error(), Data: "RuntimeApi(\"validate_transaction\")"}
	}
	if _, known := n.pool.byHash[xt.hash]; known {
		return hash{}, &rpcError{Code: 1013, Message: "Transaction Already Imported", Data: hexOf(xt.hash[:])}
	}
	l := n.candidate()
	v, refused := l.validate(n.blocks[0].hash, xt)
	if refused != nil {
		e := &rpcError{Code: 1010, Message: "Invalid Transaction", Data: refused.text()}
		if refused.unknown {
			e.Code, e.Message = 1011, "Unknown Transaction Validity"
		}
		return hash{}, e
	}
	x := &pooled{xt: xt, valid: v, expires: uint64(l.number()) + min(v.longevity, 1<<32)}
	if e := n.room(x); e != nil {
		return hash{}, e
	}
	n.pool.add(x)
	if s != nil {
		n.watch(x, s)
	}
	if x.ready = n.pool.ready(x); x.ready {
		n.tell(x, "ready")
	} else {
		n.tell(x, "future")
	}
	n.pool.promote(n.tell)
	return xt.hash, nil
}

// watch registers who follows a transaction.
func (n *Node) watch(x *pooled, s *subscription) {
	x.watchers = append(x.watchers, s)
	n.subs[s] = struct{}{}
	s.watched = x
}

// room refuses a transaction that provides what one in the pool provides, as all
// have the same priority, and any while the pool is full.
func (n *Node) room(x *pooled) *rpcError {
	for _, t := range x.valid.provides {
		if n.pool.byTag[string(t)] != nil {
			return &rpcError{
				Code: 1014, Message: fmt.Sprintf("Priority is too low: (%d vs %d)", priority, priority),
				Data: "The transaction has too low priority to replace another transaction already in the pool.",
			}
		}
	}
	if len(n.pool.byHash) >= maxPool {
		return &rpcError{Code: 1016, Message: "Immediately Dropped", Data: "The transaction couldn't enter the pool because of the limit"}
	}
	return nil
}

// settle tells the fate of transactions after a block and tests again what still
// waits.
func (n *Node) settle(b *block, included, dropped []*pooled) {
	at := hexOf(b.hash[:])
	for _, x := range included {
		n.pool.remove(x)
		n.tell(x, map[string]string{"inBlock": at})
	}
	for _, x := range n.included {
		n.end(x, map[string]string{"finalized": hexOf(b.parent[:])})
	}
	n.included = included
	for _, x := range dropped {
		n.pool.remove(x)
		n.end(x, "invalid")
	}
	l := n.candidate()
	for _, x := range n.pool.all() {
		v, refused := l.validate(n.blocks[0].hash, x.xt)
		if refused != nil || uint64(l.number()) >= x.expires {
			n.pool.remove(x)
			n.end(x, "invalid")
			continue
		}
		x.valid.requires, x.valid.future = v.requires, v.future
	}
	n.pool.promote(n.tell)
}

func hexOf(b []byte) string { return "0x" + hex.EncodeToString(b) }
