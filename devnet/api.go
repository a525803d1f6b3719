package devnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// errNoMethod says that the runtime does not have a function.
var errNoMethod = errors.New("the runtime does not export it")

// call answers a function of the runtime APIs in the state of a block.
func (n *Node) call(l ledger, name string, args []byte) ([]byte, error) {
	a := answers{l: l, genesis: n.blocks[0].hash, args: scale.NewReader(args)}
	answer, ok := runtimeAPI[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, errNoMethod)
	}
	out := answer(&a, nil)
	if err := a.args.Finish(); err != nil {
		return nil, fmt.Errorf("arguments of %s: %w", name, err)
	}
	return out, nil
}

// answers encodes answers of the runtime APIs. What it returns counts only where
// the arguments were read to their end.
type answers struct {
	l       ledger
	genesis hash
	args    *scale.Reader
}

var runtimeAPI = map[string]func(a *answers, dst []byte) []byte{
	"Core_version": func(a *answers, dst []byte) []byte { return append(dst, a.l.rt.version...) },
	"Metadata_metadata": func(a *answers, dst []byte) []byte {
		return scale.AppendByteString(dst, a.l.rt.v14)
	},
	"Metadata_metadata_at_version": func(a *answers, dst []byte) []byte {
		switch a.args.U32() {
		case 14:
			return scale.AppendByteString(append(dst, 1), a.l.rt.v14)
		case 15:
			return scale.AppendByteString(append(dst, 1), a.l.rt.v15)
		}
		return append(dst, 0)
	},
	"Metadata_metadata_versions": func(_ *answers, dst []byte) []byte {
		return scale.AppendU32(scale.AppendU32(scale.AppendCompact(dst, 2), 14), 15)
	},
	"AccountNonceApi_account_nonce": func(a *answers, dst []byte) []byte {
		return scale.AppendU32(dst, a.l.info(a.account()).nonce)
	},
	"TaggedTransactionQueue_validate_transaction": (*answers).validateTransaction,
	"TransactionPaymentApi_query_info":            (*answers).queryInfo,

	"NeuronInfoRuntimeApi_get_neurons": func(a *answers, dst []byte) []byte {
		return a.neurons(dst, true)
	},
	"NeuronInfoRuntimeApi_get_neurons_lite": func(a *answers, dst []byte) []byte {
		return a.neurons(dst, false)
	},
	"NeuronInfoRuntimeApi_get_neuron": func(a *answers, dst []byte) []byte {
		return a.oneNeuron(dst, true)
	},
	"NeuronInfoRuntimeApi_get_neuron_lite": func(a *answers, dst []byte) []byte {
		return a.oneNeuron(dst, false)
	},
	"SubnetInfoRuntimeApi_get_subnet_info": func(a *answers, dst []byte) []byte {
		return a.oneSubnet(dst, a.subnetInfo)
	},
	"SubnetInfoRuntimeApi_get_subnets_info": func(a *answers, dst []byte) []byte {
		return a.allSubnets(dst, a.subnetInfo)
	},
	"SubnetInfoRuntimeApi_get_subnet_hyperparams": func(a *answers, dst []byte) []byte {
		return a.oneSubnet(dst, a.hyperparams)
	},
	"SubnetInfoRuntimeApi_get_subnet_hyperparams_v2": func(a *answers, dst []byte) []byte {
		return a.oneSubnet(dst, a.hyperparamsV2)
	},
	"SubnetInfoRuntimeApi_get_dynamic_info": func(a *answers, dst []byte) []byte {
		return a.oneSubnet(dst, a.dynamicInfo)
	},
	"SubnetInfoRuntimeApi_get_all_dynamic_info": func(a *answers, dst []byte) []byte {
		return a.allSubnets(dst, a.dynamicInfo)
	},
	"SubnetInfoRuntimeApi_get_metagraph": func(a *answers, dst []byte) []byte {
		return a.oneSubnet(dst, a.metagraph)
	},
	"SubnetInfoRuntimeApi_get_all_metagraphs": func(a *answers, dst []byte) []byte {
		return a.allSubnets(dst, a.metagraph)
	},
	"SubnetInfoRuntimeApi_get_subnet_state": func(a *answers, dst []byte) []byte {
		return a.oneSubnet(dst, a.subnetState)
	},
	"SubnetInfoRuntimeApi_get_subnet_account_id": func(a *answers, dst []byte) []byte {
		return a.oneSubnet(dst, func(dst []byte, netuid uint16) []byte {
			id := subnetAccount(netuid)
			return append(dst, id[:]...)
		})
	},
}

func (a *answers) account() (id ss58.AccountID) {
	copy(id[:], a.args.Bytes(32))
	return id
}

// extrinsicArg reads an extrinsic with its length.
func (a *answers) extrinsicArg() *extrinsic {
	body := a.args.ByteString()
	if a.args.Err() != nil {
		return nil
	}
	xt, err := parseExtrinsic(scale.AppendByteString(nil, body))
	if err != nil {
		a.args.Fail(err)
		return nil
	}
	return xt
}

func (a *answers) validateTransaction(dst []byte) []byte {
	if source := a.args.U8(); source > 2 {
		a.args.Fail(fmt.Errorf("transaction source %d", source))
	}
	xt := a.extrinsicArg()
	at := a.args.Bytes(32)
	if a.args.Err() != nil {
		return nil
	}
	l, _ := a.l.over()
	l.enter(a.l.number()+1, hash(at))
	v, refused := l.validate(a.genesis, xt)
	if refused != nil {
		return refused.encode(append(dst, 1))
	}
	return v.encode(append(dst, 0))
}

func (a *answers) queryInfo(dst []byte) []byte {
	xt := a.extrinsicArg()
	a.args.U32() // the length
	if xt == nil {
		return nil
	}
	w := weightOf(xt)
	dst = scale.AppendCompact(scale.AppendCompact(dst, w.refTime), w.proofSize)
	return scale.AppendU64(append(dst, w.class), feeOf(xt))
}

// oneSubnet encodes an Option about the subnet that the argument names.
func (a *answers) oneSubnet(dst []byte, encode func(dst []byte, netuid uint16) []byte) []byte {
	netuid := a.args.U16()
	if !a.l.bool("NetworksAdded", le16(netuid)) {
		return append(dst, 0)
	}
	return encode(append(dst, 1), netuid)
}

// allSubnets encodes a Vec<Option<T>> of all subnets.
func (a *answers) allSubnets(dst []byte, encode func(dst []byte, netuid uint16) []byte) []byte {
	all := a.l.subnets()
	dst = scale.AppendCompact(dst, uint64(len(all)))
	for _, netuid := range all {
		dst = encode(append(dst, 1), netuid)
	}
	return dst
}

// neuronColumns are the per-neuron vectors of one subnet. They may be shorter
// than the subnet; what is missing is zero.
type neuronColumns struct {
	n                                                                      uint16
	active, permit, consensus, incentive, dividends, trust, emission, last []uint64
	hotkeys, coldkeys                                                      []ss58.AccountID
}

func (l ledger) columns(netuid uint16) *neuronColumns {
	id := le16(netuid)
	c := &neuronColumns{
		n:         l.u16("SubnetworkN", id),
		active:    l.list(1, "Active", id),
		permit:    l.list(1, "ValidatorPermit", id),
		consensus: l.list(2, "Consensus", id),
		incentive: l.list(2, "Incentive", id),
		dividends: l.list(2, "Dividends", id),
		trust:     l.list(2, "ValidatorTrust", id),
		emission:  l.list(8, "Emission", id),
		last:      l.list(8, "LastUpdate", id),
	}
	for _, col := range []*[]uint64{&c.active, &c.permit, &c.consensus, &c.incentive, &c.dividends, &c.trust, &c.emission, &c.last} {
		for len(*col) < int(c.n) {
			*col = append(*col, 0)
		}
		*col = (*col)[:c.n]
	}
	for uid := range c.n {
		hotkey := l.account("Keys", id, le16(uid))
		c.hotkeys = append(c.hotkeys, hotkey)
		c.coldkeys = append(c.coldkeys, l.account("Owner", hotkey[:]))
	}
	return c
}

func (a *answers) neurons(dst []byte, full bool) []byte {
	netuid := a.args.U16()
	if !a.l.bool("NetworksAdded", le16(netuid)) {
		return scale.AppendCompact(dst, 0)
	}
	c := a.l.columns(netuid)
	dst = scale.AppendCompact(dst, uint64(c.n))
	for uid := range c.n {
		dst = a.neuron(dst, netuid, uid, c, full)
	}
	return dst
}

func (a *answers) oneNeuron(dst []byte, full bool) []byte {
	netuid, uid := a.args.U16(), a.args.U16()
	if !a.l.bool("NetworksAdded", le16(netuid)) || uid >= a.l.u16("SubnetworkN", le16(netuid)) {
		return append(dst, 0)
	}
	return a.neuron(append(dst, 1), netuid, uid, a.l.columns(netuid), full)
}

// neuron encodes a NeuronInfo, or a NeuronInfoLite. Rank and trust are 0 and the
// pruning score is the largest since spec 397.
func (a *answers) neuron(dst []byte, netuid, uid uint16, c *neuronColumns, full bool) []byte {
	id := le16(netuid)
	hotkey, coldkey := c.hotkeys[uid], c.coldkeys[uid]
	dst = append(append(dst, hotkey[:]...), coldkey[:]...)
	dst = compacts(dst, uint64(uid), uint64(netuid))
	dst = append(dst, byte(c.active[uid]))
	dst = a.axon(dst, netuid, hotkey)
	if p := a.l.sub("Prometheus", id, hotkey[:]); p != nil {
		dst = append(dst, p...)
	} else {
		dst = append(dst, make([]byte, 31)...)
	}
	dst = append(scale.AppendCompact(dst, 1), coldkey[:]...)
	dst = scale.AppendCompact(dst, a.l.uint("TotalHotkeyAlpha", hotkey[:], id))
	dst = compacts(dst, 0, c.emission[uid], c.incentive[uid], c.consensus[uid], 0, c.trust[uid], c.dividends[uid], c.last[uid])
	dst = append(dst, byte(c.permit[uid]))
	if full {
		for _, item := range []string{"Weights", "Bonds"} {
			dst = sparse(dst, a.l.row(item, id, le16(uid)))
		}
	}
	return scale.AppendCompact(dst, 0xffff)
}

func (a *answers) axon(dst []byte, netuid uint16, hotkey ss58.AccountID) []byte {
	if v := a.l.sub("Axons", le16(netuid), hotkey[:]); v != nil {
		return append(dst, v...)
	}
	return append(dst, make([]byte, 34)...)
}

// sparse encodes a row without its zeros.
func sparse(dst []byte, row [][2]uint16) []byte {
	var kept [][2]uint16
	for _, e := range row {
		if e[1] != 0 {
			kept = append(kept, e)
		}
	}
	dst = scale.AppendCompact(dst, uint64(len(kept)))
	for _, e := range kept {
		dst = compacts(dst, uint64(e[0]), uint64(e[1]))
	}
	return dst
}

func compacts(dst []byte, values ...uint64) []byte {
	for _, v := range values {
		dst = scale.AppendCompact(dst, v)
	}
	return dst
}

func compactList(dst []byte, values []uint64) []byte {
	return compacts(scale.AppendCompact(dst, uint64(len(values))), values...)
}

func boolList(dst []byte, values []uint64) []byte {
	dst = scale.AppendCompact(dst, uint64(len(values)))
	for _, v := range values {
		dst = append(dst, byte(v))
	}
	return dst
}

func accountList(dst []byte, ids []ss58.AccountID) []byte {
	dst = scale.AppendCompact(dst, uint64(len(ids)))
	for _, id := range ids {
		dst = append(dst, id[:]...)
	}
	return dst
}

// text encodes a Vec<Compact<u8>>.
func text(dst []byte, s []byte) []byte {
	dst = scale.AppendCompact(dst, uint64(len(s)))
	for _, c := range s {
		dst = scale.AppendCompact(dst, uint64(c))
	}
	return dst
}

// values encodes integers of the subnet as compact ones.
func (a *answers) values(dst []byte, netuid uint16, items ...string) []byte {
	for _, item := range items {
		dst = scale.AppendCompact(dst, a.l.uint(item, le16(netuid)))
	}
	return dst
}

// flags encodes booleans of the subnet.
func (a *answers) flags(dst []byte, netuid uint16, items ...string) []byte {
	for _, item := range items {
		dst = scale.AppendBool(dst, a.l.bool(item, le16(netuid)))
	}
	return dst
}

func (a *answers) subnetInfo(dst []byte, netuid uint16) []byte {
	dst = scale.AppendCompact(dst, uint64(netuid))
	dst = a.values(dst, netuid, "Rho", "Kappa", "Difficulty", "ImmunityPeriod", "MaxAllowedValidators",
		"MinAllowedWeights", "MaxWeightsLimit", "ScalingLawPower", "SubnetworkN", "MaxAllowedUids",
		"BlocksSinceLastStep", "Tempo")
	dst = compacts(dst, 0, 0, 0) // modality, no connections, emission
	dst = a.values(dst, netuid, "Burn")
	return append(dst, a.l.sub("SubnetOwner", le16(netuid))...)
}

// cutoff is the activity cutoff in blocks: a factor of the tempo.
func (a *answers) cutoff(netuid uint16) uint64 {
	id := le16(netuid)
	return a.l.uint("ActivityCutoffFactorMilli", id) * a.l.uint("Tempo", id) / 1000
}

// alphas returns the bounds of liquid alpha: the lower, then the higher.
func (a *answers) alphas(netuid uint16) (low, high uint64) {
	v := a.l.uint("AlphaValues", le16(netuid))
	return v & 0xffff, v >> 16 & 0xffff
}

func (a *answers) hyperparams(dst []byte, netuid uint16) []byte {
	dst = a.values(dst, netuid, "Rho", "Kappa", "ImmunityPeriod", "MinAllowedWeights", "MaxWeightsLimit", "Tempo",
		"MinDifficulty", "MaxDifficulty", "WeightsVersionKey", "WeightsSetRateLimit", "AdjustmentInterval")
	dst = scale.AppendCompact(dst, a.cutoff(netuid))
	dst = a.flags(dst, netuid, "NetworkRegistrationAllowed")
	dst = a.values(dst, netuid, "TargetRegistrationsPerInterval", "MinBurn", "MaxBurn", "BondsMovingAverage",
		"MaxRegistrationsPerBlock", "ServingRateLimit", "MaxAllowedValidators", "AdjustmentAlpha", "Difficulty",
		"RevealPeriodEpochs")
	dst = a.flags(dst, netuid, "CommitRevealWeightsEnabled")
	low, high := a.alphas(netuid)
	return a.flags(compacts(dst, high, low), netuid, "LiquidAlphaOn")
}

func (a *answers) hyperparamsV2(dst []byte, netuid uint16) []byte {
	dst = a.hyperparams(dst, netuid)
	steepness := int64(int16(a.l.u16("AlphaSigmoidSteepness", le16(netuid))))
	dst = scale.AppendU64(dst, uint64(steepness<<32))
	yuma := uint64(2)
	if a.l.bool("Yuma3On", le16(netuid)) {
		yuma = 3
	}
	dst = a.flags(scale.AppendCompact(dst, yuma), netuid, "SubtokenEnabled", "TransferToggle", "BondsResetOn")
	return append(dst, 0) // user liquidity
}

// name is what a subnet calls itself.
func (a *answers) name(netuid uint16) []byte {
	if netuid == 0 {
		return []byte("root")
	}
	return scale.NewReader(a.l.sub("SubnetIdentitiesV3", le16(netuid))).ByteString()
}

func (a *answers) symbol(netuid uint16) []byte {
	return scale.NewReader(a.l.sub("TokenSymbol", le16(netuid))).ByteString()
}

func (a *answers) identity(dst []byte, netuid uint16) []byte {
	v := a.l.sub("SubnetIdentitiesV3", le16(netuid))
	if v == nil {
		return append(dst, 0)
	}
	return append(append(dst, 1), v...)
}

// steps encodes tempo, last step and blocks since it.
func (a *answers) steps(dst []byte, netuid uint16) []byte {
	last := a.l.uint("LastMechansimStepBlock", le16(netuid))
	dst = a.values(dst, netuid, "Tempo")
	return compacts(dst, last, uint64(a.l.number())-last)
}

// market encodes the subnet's emission and its pool of alpha and TAO.
func (a *answers) market(dst []byte, netuid uint16) []byte {
	id := le16(netuid)
	dst = scale.AppendCompact(dst, 0)
	dst = a.values(dst, netuid, "SubnetAlphaIn", "SubnetAlphaOut", "SubnetTAO", "SubnetAlphaOutEmission",
		"SubnetAlphaInEmission", "SubnetTaoInEmission")
	dst = compacts(dst, a.l.uint("PendingServerEmission", id)+a.l.uint("PendingValidatorEmission", id), 0)
	return scale.AppendCompact128(dst, scale.NewReader(a.l.sub("SubnetVolume", id)).U128())
}

func (a *answers) owners(dst []byte, netuid uint16) []byte {
	id := le16(netuid)
	return append(append(dst, a.l.sub("SubnetOwnerHotkey", id)...), a.l.sub("SubnetOwner", id)...)
}

func (a *answers) dynamicInfo(dst []byte, netuid uint16) []byte {
	dst = a.owners(scale.AppendCompact(dst, uint64(netuid)), netuid)
	dst = text(text(dst, a.name(netuid)), a.symbol(netuid))
	dst = a.market(a.steps(dst, netuid), netuid)
	dst = a.identity(a.values(dst, netuid, "NetworkRegisteredAt"), netuid)
	return append(dst, a.l.sub("SubnetMovingPrice", le16(netuid))...)
}

// stakes returns the neurons' stakes: alpha on the subnet, TAO on the root, and
// alpha and the weighed TAO together.
func (a *answers) stakes(netuid uint16, c *neuronColumns) (alpha, root, total []uint64) {
	weight := a.l.uint("TaoWeight")
	for _, h := range c.hotkeys {
		r := a.l.uint("TotalHotkeyAlpha", h[:], le16(0))
		v := a.l.uint("TotalHotkeyAlpha", h[:], le16(netuid))
		if netuid == 0 {
			v = r
		}
		weighed, _ := bits.Mul64(r, weight)
		if netuid == 0 {
			weighed = 0
		}
		alpha, root, total = append(alpha, v), append(root, r), append(total, v+weighed)
	}
	return alpha, root, total
}

// registered returns the blocks at which the neurons got their uids.
func (a *answers) registered(netuid uint16, c *neuronColumns) []uint64 {
	var out []uint64
	for uid := range c.n {
		out = append(out, a.l.uint("BlockAtRegistration", le16(netuid), le16(uid)))
	}
	return out
}

func (a *answers) metagraph(dst []byte, netuid uint16) []byte {
	id := le16(netuid)
	dst = scale.AppendCompact(dst, uint64(netuid))
	dst = text(text(dst, a.name(netuid)), a.symbol(netuid))
	dst = a.values(a.identity(dst, netuid), netuid, "NetworkRegisteredAt")
	dst = scale.AppendCompact(a.owners(dst, netuid), uint64(a.l.number()))
	dst = a.market(a.steps(dst, netuid), netuid)
	dst = append(dst, a.l.sub("SubnetMovingPrice", id)...)
	dst = a.values(dst, netuid, "Rho", "Kappa", "MinAllowedWeights", "MaxWeightsLimit", "WeightsVersionKey", "WeightsSetRateLimit")
	dst = scale.AppendCompact(dst, a.cutoff(netuid))
	dst = a.values(dst, netuid, "MaxAllowedValidators", "SubnetworkN", "MaxAllowedUids", "Burn", "Difficulty")
	dst = a.flags(dst, netuid, "NetworkRegistrationAllowed", "NetworkPowRegistrationAllowed")
	dst = a.values(dst, netuid, "ImmunityPeriod", "MinDifficulty", "MaxDifficulty", "MinBurn", "MaxBurn", "AdjustmentAlpha",
		"AdjustmentInterval", "TargetRegistrationsPerInterval", "MaxRegistrationsPerBlock", "ServingRateLimit")
	dst = a.values(a.flags(dst, netuid, "CommitRevealWeightsEnabled"), netuid, "RevealPeriodEpochs")
	low, high := a.alphas(netuid)
	dst = compacts(a.flags(dst, netuid, "LiquidAlphaOn"), high, low)
	dst = a.values(dst, netuid, "BondsMovingAverage")

	c := a.l.columns(netuid)
	dst = accountList(accountList(dst, c.hotkeys), c.coldkeys)
	dst = scale.AppendCompact(dst, uint64(c.n))
	for _, coldkey := range c.coldkeys {
		if v := a.l.sub("IdentitiesV2", coldkey[:]); v != nil {
			dst = append(append(dst, 1), v...)
		} else {
			dst = append(dst, 0)
		}
	}
	dst = scale.AppendCompact(dst, uint64(c.n))
	for _, hotkey := range c.hotkeys {
		dst = a.axon(dst, netuid, hotkey)
	}
	dst = a.scores(dst, netuid, c)
	dst = scale.AppendCompact(dst, uint64(c.n)) // TAO dividends are no more since spec 334
	for _, hotkey := range c.hotkeys {
		dst = scale.AppendCompact(append(dst, hotkey[:]...), 0)
	}
	dst = scale.AppendCompact(dst, uint64(c.n))
	for _, hotkey := range c.hotkeys {
		dst = scale.AppendCompact(append(dst, hotkey[:]...), a.l.uint("AlphaDividendsPerSubnet", id, hotkey[:]))
	}
	var locked, least, earned []uint64
	for uid, hotkey := range c.hotkeys {
		v := make([]byte, 40)
		copy(v, a.l.sub("MinerCollateral", id, hotkey[:], c.coldkeys[uid][:]))
		locked = append(locked, binary.LittleEndian.Uint64(v))
		least = append(least, binary.LittleEndian.Uint64(v[24:]))
		earned = append(earned, binary.LittleEndian.Uint64(v[32:]))
	}
	return compactList(compactList(compactList(dst, locked), least), earned)
}

// scores encodes the columns that Metagraph and SubnetState share. Pruning
// score, trust and rank are empty since spec 397.
func (a *answers) scores(dst []byte, netuid uint16, c *neuronColumns) []byte {
	dst = boolList(boolList(dst, c.active), c.permit)
	for _, col := range [][]uint64{nil, c.last, c.emission, c.dividends, c.incentive, c.consensus, nil, nil, a.registered(netuid, c)} {
		dst = compactList(dst, col)
	}
	alpha, root, total := a.stakes(netuid, c)
	return compactList(compactList(compactList(dst, alpha), root), total)
}

func (a *answers) subnetState(dst []byte, netuid uint16) []byte {
	c := a.l.columns(netuid)
	dst = accountList(accountList(scale.AppendCompact(dst, uint64(netuid)), c.hotkeys), c.coldkeys)
	dst = a.scores(dst, netuid, c)
	all := a.l.subnets()
	dst = scale.AppendCompact(dst, uint64(len(all)))
	for range all { // no epochs run, so no hotkey has an emission to show
		dst = compactList(dst, make([]uint64, c.n))
	}
	return dst
}
