package devnet

import (
	"math"
	"math/bits"

	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// burnCall is one of the calls that register at a price: register, which ignores
// the proof that it carries, burned_register and register_limit.
type burnCall struct {
	netuid  uint16
	hotkey  ss58.AccountID
	limit   uint64 // rao
	limited bool
}

// price is what a registration costs now, in rao.
func (l ledger) price(netuid uint16) uint64 { return l.uint("Burn", le16(netuid)) }

// setPrice keeps a price between its bounds; the upper one wins.
func (l ledger) setPrice(netuid uint16, price uint64) {
	id := le16(netuid)
	price = min(max(price, l.uint("MinBurn", id)), l.uint("MaxBurn", id))
	if price != l.price(netuid) {
		l.set(le64(price), "Burn", id)
	}
}

// decayPrice lets the price of a subnet fall, as every block begins with.
func (l ledger) decayPrice(netuid uint16) {
	price := l.price(netuid)
	if halfLife := l.u16("BurnHalfLife", le16(netuid)); halfLife > 0 && l.number() > 1 {
		price = mulQ32(price, decayFactor(halfLife))
	}
	l.setPrice(netuid, price)
}

// checkBurn makes the checks of a registration at a price in their order and
// returns the name of the error, empty where there is none.
func (l ledger) checkBurn(coldkey ss58.AccountID, c burnCall) string {
	id := le16(c.netuid)
	switch {
	case c.netuid == 0:
		return "RegistrationNotPermittedOnRootSubnet"
	case !l.bool("NetworksAdded", id):
		return "SubnetNotExists"
	case c.limited && l.price(c.netuid) > c.limit:
		return "RegistrationPriceLimitExceeded"
	case !l.bool("NetworkRegistrationAllowed", id):
		return "SubNetRegistrationDisabled"
	case l.has("Uids", id, c.hotkey[:]):
		return "HotKeyAlreadyRegisteredInSubNet"
	case l.price(c.netuid) > l.info(coldkey).free:
		return "NotEnoughBalanceToStake"
	}
	if refused := l.checkOwner(coldkey, c.hotkey); refused != "" {
		return refused
	}
	if l.u16("MaxAllowedUids", id) == 0 {
		return "NoNeuronIdAvailable"
	}
	return ""
}

// burnRegister registers a hotkey for the price of the moment, which the signer
// pays to the subnet's pool. What the pool gives for it is gone but for
// CollateralLockShare, which is locked as the hotkey's stake.
func (l ledger) burnRegister(coldkey ss58.AccountID, c burnCall, index uint32, events *eventLog) (failed []byte) {
	if refused := l.checkBurn(coldkey, c); refused != "" {
		return l.moduleError(refused)
	}
	id := le16(c.netuid)
	price := l.price(c.netuid)
	locked := lockedShare(price, l.u16("CollateralLockShare", id))
	// The account stays alive: what it must keep is not taken.
	free := l.info(coldkey).free
	pays := min(price, free-min(free, existentialDeposit))
	switch {
	case pays == 0 && price > 0:
		return l.moduleError("NotEnoughBalanceToStake")
	case pays > 0:
		if failed := l.move(coldkey, subnetAccount(c.netuid), pays, index, events); failed != nil {
			return failed
		}
	}
	uid, refused := l.seat(coldkey, c.hotkey, c.netuid)
	if refused != "" {
		return l.moduleError(refused)
	}
	l.buy(c.netuid, pays-min(locked, pays)) // nobody gets it
	recycled := l.uint("RAORecycledForRegistration", id) + price - locked
	l.set(le64(recycled), "RAORecycledForRegistration", id)
	events.add(index, append(le16(c.netuid), le64(recycled)...), palletSubtensor, 54)
	if alpha := l.buy(c.netuid, min(locked, pays)); alpha > 0 {
		l.lock(c.netuid, coldkey, c.hotkey, alpha, index, events)
	}
	l.setPrice(c.netuid, mulFixed(price, l.increase(c.netuid)))
	events.registered(index, c.netuid, uid, c.hotkey)
	return nil
}

// lockedShare is the part of a price that is locked: a share of 65,535 is all.
func lockedShare(price uint64, share uint16) uint64 {
	hi, lo := bits.Mul64(price, uint64(share))
	part, _ := bits.Div64(hi, lo, math.MaxUint16)
	return part
}

// buy puts rao into a subnet's pool and returns the alpha that leaves it, by the
// rule of the constant product.
func (l ledger) buy(netuid uint16, rao uint64) (alpha uint64) {
	if rao == 0 {
		return 0
	}
	id := le16(netuid)
	tao, in := l.uint("SubnetTAO", id)+rao, l.uint("SubnetAlphaIn", id)
	if tao < rao {
		return 0 // no pool holds so much
	}
	hi, lo := bits.Mul64(in, rao)
	alpha, _ = bits.Div64(hi, lo, tao) // rao is part of tao: the quotient is at most in
	l.set(le64(tao), "SubnetTAO", id)
	l.set(le64(in-alpha), "SubnetAlphaIn", id)
	l.put(l.at("SubtensorModule", "TotalStake"), le64(l.plain("SubtensorModule", "TotalStake")+rao))
	return alpha
}

// lock stakes alpha to a hotkey as its collateral.
func (l ledger) lock(netuid uint16, coldkey, hotkey ss58.AccountID, alpha uint64, index uint32, events *eventLog) {
	id := le16(netuid)
	l.set(le64(l.uint("SubnetAlphaOut", id)+alpha), "SubnetAlphaOut", id)
	l.set(le64(l.uint("TotalHotkeyAlpha", hotkey[:], id)+alpha), "TotalHotkeyAlpha", hotkey[:], id)
	l.addShare(alpha, "TotalHotkeySharesV2", hotkey[:], id)
	l.addShare(alpha, "AlphaV2", hotkey[:], coldkey[:], id)

	r := scale.NewReader(l.sub("MinerCollateral", id, hotkey[:], coldkey[:]))
	total := r.U64() + alpha
	r.Skip(16) // the drain ratio, which is taken anew
	least, earned := r.U64(), r.U64()
	if !l.has("MinerCollateral", id, hotkey[:], coldkey[:]) {
		least, earned = 0, 0
		total = alpha
		l.addAccount(hotkey, "ColdkeyCollateralHotkeys", id, coldkey[:])
	}
	state := append(le64(total), l.sub("CollateralDrainRatio", id)...)
	l.set(append(append(state, le64(least)...), le64(earned)...), "MinerCollateral", id, hotkey[:], coldkey[:])
	l.set(le64(l.uint("ColdkeyMinerCollateral", id, coldkey[:])+alpha), "ColdkeyMinerCollateral", id, coldkey[:])
	body := append(append(le16(netuid), hotkey[:]...), le64(alpha)...)
	events.add(index, append(body, le64(total)...), palletSubtensor, 144)
}

// addShare adds to a share of a pool whose shares are worth one each.
func (l ledger) addShare(alpha uint64, item string, keys ...[]byte) {
	r := scale.NewReader(l.sub(item, keys...))
	mantissa := r.U128()
	mantissa.Lo += alpha
	l.set(scale.AppendU64(scale.AppendU128(nil, mantissa), 0), item, keys...)
}
