package devnet

import (
	"slices"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// maxBlock is how many transactions a block takes.
const maxBlock = 512

// block is a block as it was built.
type block struct {
	number                    uint32
	hash, parent              hash
	stateRoot, extrinsicsRoot hash
	extrinsics                [][]byte // each with its length
}

// headerHash is the hash of the encoded header: BLAKE2b-256 as of every
// Substrate chain. The digest is empty.
func (b *block) headerHash() hash {
	h := append([]byte(nil), b.parent[:]...)
	h = scale.AppendCompact(h, uint64(b.number))
	h = append(append(h, b.stateRoot[:]...), b.extrinsicsRoot[:]...)
	return blake2b.Sum256(scale.AppendCompact(h, 0))
}

// extrinsicsRoot is the hash over the list of extrinsics.
func extrinsicsRoot(extrinsics [][]byte) hash {
	b := scale.AppendCompact(nil, uint64(len(extrinsics)))
	for _, x := range extrinsics {
		b = append(b, x...)
	}
	return blake2b.Sum256(b)
}

func (n *Node) head() *block { return n.blocks[len(n.blocks)-1] }

// enter makes the state that of a block about to be executed: its number and the
// hash of its parent are known. This much the pool sees too.
func (l ledger) enter(number uint32, parent hash) {
	l.put(l.at("System", "Number"), le32(number))
	l.put(l.at("System", "ParentHash"), parent[:])
	l.put(l.at("System", "BlockHash", le32(number-1)), parent[:])
	if number > blockHashCount {
		l.put(l.at("System", "BlockHash", le32(number-1-blockHashCount)), nil)
	}
	l.put(l.at("System", "Digest"), []byte{0})
}

// begin does what every block begins with, before its transactions.
func (l ledger) begin() {
	for _, netuid := range l.subnets() {
		id := le16(netuid)
		if l.has("RegistrationsThisBlock", id) {
			l.set(le16(0), "RegistrationsThisBlock", id)
		}
		l.decayPrice(netuid)
		if netuid == 0 {
			continue
		}
		l.decayDifficulty(netuid)
		l.set(le64(l.uint("BlocksSinceLastStep", id)+1), "BlocksSinceLastStep", id)
	}
}

// build makes the next block: the timestamp, what the pool has that is good in
// it, and what Set wrote. It returns the number. The caller holds mu.
func (n *Node) build() uint32 {
	parent := n.head()
	l := n.rt.write(newOverlay(snapshot{n.state, parent.number}))
	l.enter(parent.number+1, parent.hash)
	l.begin()

	var events eventLog
	now := max(uint64(n.clock().UnixMilli()), l.plain("Timestamp", "Now")+1)
	stamp := scale.AppendCompact([]byte{5, 2, 0}, now) // a bare extrinsic
	extrinsics := [][]byte{scale.AppendByteString(nil, stamp)}
	l.put(l.at("Timestamp", "Now"), le64(now))
	events.success(0, dispatchInfo{class: mandatory})

	included, dropped := n.fill(l, &events, &extrinsics)
	for _, e := range n.pending {
		if key, err := n.rt.key(e.Pallet, e.Item, e.Keys...); err == nil { // Set has checked it
			l.put(key, slices.Clone(e.Value))
		}
	}
	n.pending = nil
	l.put(l.at("System", "Events"), events.encode())
	l.put(l.at("System", "EventCount"), le32(events.count))

	b := n.seal(parent.number+1, parent.hash, l.w.writes, extrinsics)
	n.announce(b)
	n.settle(b, included, dropped)
	return b.number
}

// seal hashes a block and makes its state the newest.
func (n *Node) seal(number uint32, parent hash, writes map[string][]byte, extrinsics [][]byte) *block {
	b := &block{number: number, parent: parent, extrinsics: extrinsics, extrinsicsRoot: extrinsicsRoot(extrinsics)}
	b.stateRoot = n.state.root(writes)
	b.hash = b.headerHash()
	n.state.commit(number, writes)
	n.blocks = append(n.blocks, b)
	n.numbers[b.hash] = number
	return b
}

// fill applies what the pool holds in order of arrival, as long as something
// fits. What the block's own state refuses leaves the pool.
func (n *Node) fill(l ledger, events *eventLog, extrinsics *[][]byte) (included, dropped []*pooled) {
	waiting := n.pool.all()
	for progress := true; progress; {
		progress = false
		var later []*pooled
		for _, p := range waiting {
			if len(included) == maxBlock {
				break
			}
			v, refused := l.validate(n.blocks[0].hash, p.xt)
			switch {
			case refused != nil || p.xt.call.traps():
				dropped = append(dropped, p)
				continue
			case v.future:
				later = append(later, p)
				continue
			}
			progress = true
			index := uint32(len(*extrinsics))
			l.apply(p.xt, index, events)
			*extrinsics = append(*extrinsics, p.xt.raw)
			included = append(included, p)
		}
		waiting = later
	}
	return included, dropped
}

// apply executes a transaction that is valid: nonce and fee count whatever
// becomes of the call, whose changes count only where it succeeds.
func (l ledger) apply(xt *extrinsic, index uint32, events *eventLog) {
	account := l.info(xt.signer)
	account.nonce++
	fee := feeOf(xt) + xt.tip
	account.free -= fee
	l.setInfo(xt.signer, account)
	if fee > 0 {
		events.add(index, append(xt.signer[:], le64(fee)...), 5, 8) // Balances.Withdraw
	}
	inner, changes := l.over()
	var own eventLog
	info := weightOf(xt)
	failed := inner.dispatch(xt, index, &own)
	if failed == nil {
		l.w.merge(changes)
		events.join(&own)
	}
	paid := append(xt.signer[:], le64(fee)...)
	events.add(index, append(paid, le64(xt.tip)...), 6, 0) // TransactionPayment.TransactionFeePaid
	if failed == nil {
		events.success(index, info)
	} else {
		events.failure(index, failed, info)
	}
}

// dispatch executes the call and returns the encoded DispatchError where it
// fails.
func (l ledger) dispatch(xt *extrinsic, index uint32, events *eventLog) (failed []byte) {
	c := &xt.call
	switch {
	case c.pallet == 5:
		return l.transfer(xt.signer, c, index, events)
	case c.isPow():
		return l.powRegister(xt.signer, c.pow, index, events)
	case c.isFaucet():
		return l.drawFaucet(xt.signer, c.faucet, index, events)
	case c.pallet == palletSubtensor:
		return l.burnRegister(xt.signer, c.burn, index, events)
	}
	return nil // a remark
}

// powRegister is the call pow_register.
func (l ledger) powRegister(coldkey ss58.AccountID, c powCall, index uint32, events *eventLog) (failed []byte) {
	var uid uint16
	refused := l.checkPow(l.number(), coldkey, c)
	if refused == "" {
		uid, refused = l.register(coldkey, c)
	}
	if refused != "" {
		return l.moduleError(refused)
	}
	events.registered(index, c.netuid, uid, c.hotkey)
	return nil
}

// moduleError is an error of SubtensorModule as DispatchError.
func (l ledger) moduleError(name string) []byte {
	return []byte{3, palletSubtensor, l.rt.errors[name], 0, 0, 0}
}

// Token errors as DispatchError.
var (
	errFundsUnavailable = []byte{7, 0}
	errBelowMinimum     = []byte{7, 2}
	errNotExpendable    = []byte{7, 8}
	errCannotLookup     = []byte{1}
	errOverflow         = []byte{8, 1}
)

// transfer is the call Balances.transfer_keep_alive.
func (l ledger) transfer(from ss58.AccountID, c *call, index uint32, events *eventLog) (failed []byte) {
	if c.toKind != 0 {
		return errCannotLookup
	}
	a := l.info(from)
	switch {
	case c.amount > a.free:
		return errFundsUnavailable
	case a.free-c.amount < existentialDeposit:
		return errNotExpendable
	}
	return l.move(from, c.to, c.amount, index, events)
}

// move takes an amount, which is there, from one account to another.
func (l ledger) move(from, to ss58.AccountID, amount uint64, index uint32, events *eventLog) (failed []byte) {
	a := l.info(from)
	a.free -= amount
	l.setInfo(from, a)
	if failed := l.credit(to, amount, index, events); failed != nil {
		return failed
	}
	body := append(from[:], to[:]...)
	events.add(index, append(body, le64(amount)...), 5, 2) // Balances.Transfer
	return nil
}

// credit adds an amount to an account, which may begin by it.
func (l ledger) credit(to ss58.AccountID, amount uint64, index uint32, events *eventLog) (failed []byte) {
	a := l.info(to)
	isNew := a.providers == 0
	switch {
	case a.free+amount < a.free:
		return errOverflow
	case a.free+amount < existentialDeposit:
		return errBelowMinimum
	}
	a.free += amount
	a.providers = 1
	l.setInfo(to, a)
	if isNew {
		events.add(index, to[:], 0, 3)                          // System.NewAccount
		events.add(index, append(to[:], le64(a.free)...), 5, 0) // Balances.Endowed
	}
	return nil
}

// eventLog collects the events of a block.
type eventLog struct {
	count   uint32
	records []byte
}

// add appends an event of an extrinsic: the fields after the pallet and the index.
func (e *eventLog) add(extrinsic uint32, fields []byte, pallet, index uint8) {
	e.count++
	e.records = append(scale.AppendU32(append(e.records, 0), extrinsic), pallet, index)
	e.records = append(append(e.records, fields...), 0) // no topics
}

// registered appends SubtensorModule.NeuronRegistered.
func (e *eventLog) registered(extrinsic uint32, netuid, uid uint16, hotkey ss58.AccountID) {
	e.add(extrinsic, append(append(le16(netuid), le16(uid)...), hotkey[:]...), palletSubtensor, 7)
}

func (e *eventLog) join(other *eventLog) {
	e.count += other.count
	e.records = append(e.records, other.records...)
}

func (e *eventLog) encode() []byte {
	return append(scale.AppendCompact(nil, uint64(e.count)), e.records...)
}

// mandatory is the class of inherents.
const mandatory = 2

// dispatchInfo is what an extrinsic weighed.
type dispatchInfo struct {
	refTime, proofSize uint64
	class              uint8
	free               bool
}

func (d dispatchInfo) encode(dst []byte) []byte {
	dst = scale.AppendCompact(scale.AppendCompact(dst, d.refTime), d.proofSize)
	return scale.AppendBool(append(dst, d.class), d.free)
}

func (e *eventLog) success(extrinsic uint32, info dispatchInfo) {
	e.add(extrinsic, info.encode(nil), 0, 0)
}

func (e *eventLog) failure(extrinsic uint32, failed []byte, info dispatchInfo) {
	e.add(extrinsic, info.encode(slices.Clone(failed)), 0, 1)
}
