package devnet

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"golang.org/x/crypto/sha3"

	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

const (
	sealDomain       = "subtensor-pow-register-v1"
	workWindow       = 5   // blocks for which work stays good
	maxStakingKeys   = 256 // hotkeys that a coldkey may have
	subnetAccountTag = "modlsubtensr"
)

// powCall is the call pow_register.
type powCall struct {
	netuid uint16
	block  uint64
	nonce  uint64
	work   [32]byte
	hotkey ss58.AccountID
}

// sealOf is the seal that a proof of work has to hand in.
func sealOf(netuid uint16, workHash hash, hotkey, coldkey ss58.AccountID, nonce uint64) (seal [32]byte) {
	p := append([]byte(sealDomain), le16(netuid)...)
	p = append(p, workHash[:]...)
	p = append(p, hotkey[:]...)
	p = append(p, coldkey[:]...)
	first := sha256.Sum256(append(p, le64(nonce)...))
	h := sha3.NewLegacyKeccak256()
	_, _ = h.Write(first[:])
	return [32]byte(h.Sum(nil))
}

// meets reports whether a seal, read as a little-endian number, times difficulty
// stays below 2^256.
func meets(seal [32]byte, difficulty uint64) bool {
	var carry uint64
	for i := 0; i < 32; i += 8 {
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(seal[i:]), difficulty)
		_, c := bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	return carry == 0
}

// difficulty returns the difficulty that a subnet asks for now.
func (l ledger) difficulty(netuid uint16) uint64 {
	id := le16(netuid)
	low, high := l.uint("MinDifficulty", id), l.uint("MaxDifficulty", id)
	return max(1, low, min(l.uint("Difficulty", id), max(low, high)))
}

// checkPow makes the checks of pow_register in their order and returns the name
// of the error, empty where the proof is good. now is the block that executes
// it. The pool and the dispatch both ask this.
func (l ledger) checkPow(now uint32, coldkey ss58.AccountID, c powCall) string {
	id := le16(c.netuid)
	age := uint64(now) - c.block
	switch {
	case c.netuid == 0:
		return "RegistrationNotPermittedOnRootSubnet"
	case !l.bool("NetworksAdded", id):
		return "SubnetNotExists"
	case !l.bool("NetworkPowRegistrationAllowed", id):
		return "SubNetRegistrationDisabled"
	case l.has("Uids", id, c.hotkey[:]):
		return "HotKeyAlreadyRegisteredInSubNet"
	case l.u16("MaxAllowedUids", id) == 0:
		return "NoNeuronIdAvailable"
	case l.u16("RegistrationsThisBlock", id) >= l.u16("MaxRegistrationsPerBlock", id):
		return "TooManyRegistrationsThisBlock"
	case c.block >= uint64(now) || age > workWindow:
		return "InvalidWorkBlock"
	case l.has("LastPowRegistrationBlock", c.hotkey[:]) && c.block <= l.uint("LastPowRegistrationBlock", c.hotkey[:]):
		return "InvalidWorkBlock"
	}
	workHash := l.blockHash(uint32(c.block))
	switch {
	case workHash == hash{}:
		return "InvalidWorkBlock"
	case c.work != sealOf(c.netuid, workHash, c.hotkey, coldkey, c.nonce):
		return "InvalidSeal"
	case !meets(c.work, l.difficulty(c.netuid)):
		return "InvalidDifficulty"
	}
	return l.checkOwner(coldkey, c.hotkey)
}

// checkOwner returns the error, if any, that keeps a coldkey from owning a
// hotkey.
func (l ledger) checkOwner(coldkey, hotkey ss58.AccountID) string {
	owner, owned := l.account("Owner", hotkey[:]), l.has("Owner", hotkey[:])
	switch {
	case l.isSubnetAccount(hotkey):
		return "CannotUseSystemAccount"
	case owned && owner != coldkey:
		return "NonAssociatedColdKey"
	case !owned && (len(l.accounts("OwnedHotkeys", coldkey[:])) >= maxStakingKeys || len(l.accounts("StakingHotkeys", coldkey[:])) >= maxStakingKeys):
		return "TooManyStakingHotkeys"
	}
	return ""
}

// subnetAccount is the account that holds a subnet's funds: the pallet's id and
// the netuid, filled up with zeros.
func subnetAccount(netuid uint16) (id ss58.AccountID) {
	copy(id[:], append([]byte(subnetAccountTag), le16(netuid)...))
	return id
}

func (l ledger) isSubnetAccount(id ss58.AccountID) bool {
	netuid := binary.LittleEndian.Uint16(id[len(subnetAccountTag):])
	return id == subnetAccount(netuid) && l.bool("NetworksAdded", le16(netuid))
}

// register makes the changes of a good proof of work and returns the uid, or the
// name of the error.
func (l ledger) register(coldkey ss58.AccountID, c powCall) (uid uint16, refused string) {
	if uid, refused = l.seat(coldkey, c.hotkey, c.netuid); refused != "" {
		return 0, refused
	}
	l.set(le64(c.block), "LastPowRegistrationBlock", c.hotkey[:])
	l.raiseDifficulty(c.netuid)
	return uid, ""
}

// seat gives a hotkey to its coldkey and a uid, or returns the name of the error.
func (l ledger) seat(coldkey, hotkey ss58.AccountID, netuid uint16) (uid uint16, refused string) {
	id := le16(netuid)
	now := uint64(l.number())
	if !l.has("Owner", hotkey[:]) {
		l.set(coldkey[:], "Owner", hotkey[:])
		for _, item := range []string{"OwnedHotkeys", "StakingHotkeys"} {
			l.addAccount(hotkey, item, coldkey[:])
		}
	}
	if n := l.u16("SubnetworkN", id); n < l.u16("MaxAllowedUids", id) {
		uid = n
		l.appendNeuron(netuid, uid, now)
	} else {
		var ok bool
		if uid, ok = l.toPrune(netuid, now); !ok {
			return 0, "NoNeuronIdAvailable"
		}
		l.clearNeuron(netuid, uid, now)
	}
	l.set(hotkey[:], "Keys", id, le16(uid))
	l.set(le16(uid), "Uids", id, hotkey[:])
	l.set([]byte{1}, "IsNetworkMember", hotkey[:], id)
	l.set(le64(now), "BlockAtRegistration", id, le16(uid))
	l.set(le16(l.u16("RegistrationsThisBlock", id)+1), "RegistrationsThisBlock", id)
	return uid, ""
}

// columns are the per-neuron vectors, with the width of their values and what a
// new neuron begins with; LastUpdate begins with the block.
var columns = []struct {
	item  string
	width int
	first uint64
}{
	{"Active", 1, 1},
	{"ValidatorPermit", 1, 0},
	{"Consensus", 2, 0},
	{"Incentive", 2, 0},
	{"Dividends", 2, 0},
	{"ValidatorTrust", 2, 0},
	{"Emission", 8, 0},
	{"LastUpdate", 8, 0},
}

// appendNeuron adds a uid at the end.
func (l ledger) appendNeuron(netuid, uid uint16, now uint64) {
	id := le16(netuid)
	l.set(le16(uid+1), "SubnetworkN", id)
	for _, c := range columns {
		l.setColumn(netuid, uid, c.item, c.width, first(c.item, c.first, now))
	}
}

func first(item string, value, now uint64) uint64 {
	if item == "LastUpdate" {
		return now
	}
	return value
}

// setColumn writes a neuron's value into a vector, which may be too short.
func (l ledger) setColumn(netuid, uid uint16, item string, width int, value uint64) {
	v := l.list(width, item, le16(netuid))
	for len(v) <= int(uid) {
		v = append(v, 0)
	}
	v[uid] = value
	l.setList(v, width, item, le16(netuid))
}

// clearNeuron makes room for another hotkey under a uid: all that the old one
// had there goes, and what others weigh it with becomes zero.
func (l ledger) clearNeuron(netuid, uid uint16, now uint64) {
	id := le16(netuid)
	old := l.account("Keys", id, le16(uid))
	l.remove("Uids", id, old[:])
	l.remove("IsNetworkMember", old[:], id)
	l.remove("Axons", id, old[:])
	l.remove("Prometheus", id, old[:])
	l.remove("Weights", id, le16(uid))
	l.remove("Bonds", id, le16(uid))
	for _, c := range columns {
		l.setColumn(netuid, uid, c.item, c.width, first(c.item, c.first, now))
	}
	for other := range l.u16("SubnetworkN", id) {
		row := l.row("Weights", id, le16(other))
		changed := false
		for i := range row {
			if row[i][0] == uid && row[i][1] != 0 {
				row[i][1], changed = 0, true
			}
		}
		if changed {
			l.setRow(row, "Weights", id, le16(other))
		}
	}
}

// toPrune returns the uid that has to go from a full subnet: of those whose
// immunity is over the one with the least emission, then the oldest, then the
// lowest uid. Where no more than MinNonImmuneUids are without immunity, one of
// the immune goes by the same rule. The subnet owner's hotkeys stay, as many as
// ImmuneOwnerUidsLimit.
func (l ledger) toPrune(netuid uint16, now uint64) (uid uint16, ok bool) {
	id := le16(netuid)
	emission := l.list(8, "Emission", id)
	immunity := l.uint("ImmunityPeriod", id)
	immortal := l.immortal(netuid)
	type candidate struct {
		emission, since uint64
		uid             uint16
		ok              bool
	}
	var free, immune candidate
	frees := 0
	for u := range l.u16("SubnetworkN", id) {
		if immortal[u] {
			continue
		}
		c := candidate{since: l.uint("BlockAtRegistration", id, le16(u)), uid: u, ok: true}
		if int(u) < len(emission) {
			c.emission = emission[u]
		}
		best := &free
		if now-min(now, c.since) < immunity {
			best = &immune
		} else {
			frees++
		}
		if !best.ok || c.emission < best.emission || c.emission == best.emission && c.since < best.since {
			*best = c
		}
	}
	if free.ok && frees > int(l.u16("MinNonImmuneUids", id)) {
		return free.uid, true
	}
	return immune.uid, immune.ok
}

// immortal returns the uids of the subnet owner that are never replaced: that of
// the owner's main hotkey first, then by age.
func (l ledger) immortal(netuid uint16) map[uint16]bool {
	id := le16(netuid)
	out := map[uint16]bool{}
	limit := int(l.u16("ImmuneOwnerUidsLimit", id))
	add := func(hotkey ss58.AccountID) {
		if len(out) < limit && l.has("Uids", id, hotkey[:]) {
			out[l.u16("Uids", id, hotkey[:])] = true
		}
	}
	if l.has("SubnetOwnerHotkey", id) {
		add(l.account("SubnetOwnerHotkey", id))
	}
	owner := l.account("SubnetOwner", id)
	owned := l.accounts("OwnedHotkeys", owner[:])
	for len(out) < limit && len(owned) > 0 {
		oldest := 0
		for i, h := range owned {
			if l.age(netuid, h) > l.age(netuid, owned[oldest]) {
				oldest = i
			}
		}
		add(owned[oldest])
		owned = append(owned[:oldest], owned[oldest+1:]...)
	}
	return out
}

// age returns since how many blocks a hotkey has its uid.
func (l ledger) age(netuid uint16, hotkey ss58.AccountID) uint64 {
	id := le16(netuid)
	if !l.has("Uids", id, hotkey[:]) {
		return 0
	}
	return uint64(l.number()) - l.uint("BlockAtRegistration", id, le16(l.u16("Uids", id, hotkey[:])))
}

// decayDifficulty lets the difficulty of a subnet fall toward its minimum, as
// every block begins with.
func (l ledger) decayDifficulty(netuid uint16) {
	id := le16(netuid)
	halfLife := l.u16("BurnHalfLife", id)
	if netuid == 0 || halfLife == 0 || l.number() <= 1 {
		return
	}
	was := l.uint("Difficulty", id)
	now := max(mulQ32(was, decayFactor(halfLife)), 1, l.uint("MinDifficulty", id))
	if now != was {
		l.set(le64(now), "Difficulty", id)
	}
}

// raiseDifficulty multiplies the difficulty after a registration and keeps it
// between the bounds; the lower one wins.
func (l ledger) raiseDifficulty(netuid uint16) {
	id := le16(netuid)
	low, high := l.uint("MinDifficulty", id), l.uint("MaxDifficulty", id)
	raised := mulFixed(l.difficulty(netuid), l.increase(netuid))
	l.set(le64(max(1, low, min(raised, max(low, high)))), "Difficulty", id)
}

// increase is by what a registration multiplies the price, or the difficulty: one
// at least, with 64 fractional bits.
func (l ledger) increase(netuid uint16) scale.U128 {
	mult := scale.NewReader(l.sub("BurnIncreaseMult", le16(netuid))).U128()
	if mult.Hi == 0 {
		return scale.U128{Hi: 1}
	}
	return mult
}

// decayFactor returns the factor that halves a value in so many blocks, with 32
// fractional bits: the largest whose power by the runtime's own rounded
// multiplication does not exceed one half.
func decayFactor(halfLife uint16) uint64 {
	lo, hi := uint64(0), uint64(1)<<32
	for lo+1 < hi {
		mid := lo + (hi-lo)/2
		power, factor := uint64(1)<<32, mid
		for e := halfLife; e > 0; e >>= 1 {
			if e&1 == 1 {
				power = mulQ32(power, factor)
			}
			factor = mulQ32(factor, factor)
		}
		if power > 1<<31 {
			hi = mid
		} else {
			lo = mid
		}
	}
	return lo
}

func mulQ32(v, q32 uint64) uint64 {
	hi, lo := bits.Mul64(v, q32)
	if hi>>32 != 0 {
		return 1<<64 - 1
	}
	return hi<<32 | lo>>32
}
