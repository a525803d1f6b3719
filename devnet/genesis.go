package devnet

import (
	"fmt"
	"math"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// tao is one TAO, or one alpha, in rao.
const tao = 1_000_000_000

// neurons is how many neurons netuid 1 begins with, and validators how many of
// them set weights.
const (
	neurons    = 16
	validators = 4
)

// devAccounts have a million TAO each: the keys //Alice, //Bob, //Charlie,
// //Dave, //Eve and //Ferdie of every Substrate development chain.
var devAccounts = []string{
	"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
	"5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
	"5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
	"5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy",
	"5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw",
	"5CiPPseXPECbkjWCa6MnjNokrgYjMqmKndv2rSnekmSK2DjL",
}

// neuronKey is the key of a genesis neuron. Its seed is the hash of a text, so
// that anyone can sign for it.
func neuronKey(kind string, uid int) (ss58.AccountID, error) {
	seed := blake2b.Sum256(fmt.Appendf(nil, "bt devnet %s %d", kind, uid))
	pair, err := keypair.FromSeed(keypair.Sr25519, seed[:])
	if err != nil {
		return ss58.AccountID{}, fmt.Errorf("cannot make the %s of uid %d: %w", kind, uid, err)
	}
	return pair.Account(), nil
}

// genesis writes block 0.
func (n *Node) genesis(opts Options) error {
	l := n.rt.write(newOverlay(snapshot{n.state, 0}))
	l.put(codeKey, n.rt.code)
	l.put(l.at("System", "Number"), le32(0))
	l.put(l.at("System", "LastRuntimeUpgrade"), scale.AppendByteString(scale.AppendCompact(nil, specVersion), specName))
	var issued uint64
	for _, address := range devAccounts {
		id, err := ss58.Parse(address)
		if err != nil {
			return err
		}
		l.setInfo(id, accountInfo{providers: 1, free: 1_000_000 * tao})
		issued += 1_000_000 * tao
	}
	l.put(l.at("Balances", "TotalIssuance"), le64(issued))
	l.set(le64(issued), "TotalIssuance")
	l.set(le64(3_320_413_933_267_719_290), "TaoWeight") // 0.18, as on mainnet
	l.set(le16(3), "TotalNetworks")
	l.root()
	if err := l.firstSubnet(opts.Difficulty); err != nil {
		return err
	}
	l.secondSubnet()
	for _, e := range opts.Storage {
		key, err := n.rt.key(e.Pallet, e.Item, e.Keys...)
		if err != nil {
			return err
		}
		l.put(key, e.Value)
	}
	n.seal(0, hash{}, l.w.writes, nil)
	return nil
}

// root writes netuid 0, which has no neurons here.
func (l ledger) root() {
	id := le16(0)
	l.set([]byte{1}, "NetworksAdded", id)
	l.set(le16(64), "MaxAllowedUids", id)
	l.set(le16(100), "Tempo", id)
	l.set(scale.AppendByteString(nil, "Τ"), "TokenSymbol", id)
}

// firstSubnet writes netuid 1: four validators that weigh twelve miners, all
// values fixed, and registration by proof of work open.
func (l ledger) firstSubnet(difficulty uint64) error {
	const netuid = 1
	id := le16(netuid)
	l.openSubnet(netuid, "α", "devnet", difficulty)
	l.set([]byte{1}, "NetworkPowRegistrationAllowed", id)
	l.set(le16(neurons), "SubnetworkN", id)

	var permit, active, consensus, incentive, dividends, trust, emission, updated []uint64
	var total uint64
	weights := genesisWeights()
	for uid := range neurons {
		hotkey, err := neuronKey("hotkey", uid)
		if err != nil {
			return err
		}
		coldkey, err := neuronKey("coldkey", uid)
		if err != nil {
			return err
		}
		if uid == 0 {
			l.set(coldkey[:], "SubnetOwner", id)
			l.set(hotkey[:], "SubnetOwnerHotkey", id)
		}
		u := le16(uint16(uid))
		l.set(hotkey[:], "Keys", id, u)
		l.set(u, "Uids", id, hotkey[:])
		l.set([]byte{1}, "IsNetworkMember", hotkey[:], id)
		l.set(le64(0), "BlockAtRegistration", id, u)
		l.set(coldkey[:], "Owner", hotkey[:])
		one := append(scale.AppendCompact(nil, 1), hotkey[:]...)
		l.set(one, "OwnedHotkeys", coldkey[:])
		l.set(one, "StakingHotkeys", coldkey[:])

		alpha, root := stakeOf(uid)
		total += root
		l.stake(hotkey, coldkey, netuid, alpha)
		l.stake(hotkey, coldkey, 0, root)
		if a := axonOf(uid); a != nil {
			l.set(a, "Axons", id, hotkey[:])
		}
		isValidator := uid < validators
		score := incentiveOf(uid)
		permit = append(permit, boolean(isValidator))
		active = append(active, boolean(uid != neurons-1))
		incentive = append(incentive, score)
		consensus = append(consensus, score*4/5)
		dividend := uint64(0)
		if isValidator {
			dividend = uint64([validators]int{26214, 19661, 13107, 6553}[uid])
			l.setRow(weights[uid], "Weights", id, u)
			l.setRow(bondsOf(uid, weights[uid]), "Bonds", id, u)
			l.set(le64(dividend*1000), "AlphaDividendsPerSubnet", id, hotkey[:])
		}
		dividends = append(dividends, dividend)
		trust = append(trust, dividend*2)
		emission = append(emission, (score+dividend)*2_250_000)
		updated = append(updated, 0)
	}
	l.set(le64(total), "TotalStake")
	for _, c := range []struct {
		item   string
		width  int
		values []uint64
	}{
		{"ValidatorPermit", 1, permit},
		{"Active", 1, active},
		{"Consensus", 2, consensus},
		{"Incentive", 2, incentive},
		{"Dividends", 2, dividends},
		{"ValidatorTrust", 2, trust},
		{"Emission", 8, emission},
		{"LastUpdate", 8, updated},
	} {
		l.setList(c.values, c.width, c.item, id)
	}
	return nil
}

// secondSubnet writes netuid 2: no neurons yet, and no registration by proof of
// work.
func (l ledger) secondSubnet() {
	l.openSubnet(2, "β", "closed", DefaultDifficulty)
	owner, err := ss58.Parse(devAccounts[1])
	if err != nil {
		panic(err) // a constant
	}
	l.set(owner[:], "SubnetOwner", le16(2))
	l.set(owner[:], "SubnetOwnerHotkey", le16(2))
}

// openSubnet writes what both subnets have.
func (l ledger) openSubnet(netuid uint16, symbol, name string, difficulty uint64) {
	id := le16(netuid)
	l.set([]byte{1}, "NetworksAdded", id)
	l.set([]byte{1}, "SubtokenEnabled", id)
	l.set(le16(1), "SubnetMechanism", id)
	l.set(le64(1), "FirstEmissionBlockNumber", id)
	l.set(scale.AppendByteString(nil, symbol), "TokenSymbol", id)
	identity := scale.AppendByteString(nil, name)
	for range 4 { // repository, contact, URL, Discord
		identity = scale.AppendByteString(identity, "")
	}
	identity = scale.AppendByteString(identity, "A subnet of the development chain")
	l.set(append(identity, 0, 0), "SubnetIdentitiesV3", id) // logo, additional
	l.set(le64(20_000*tao), "SubnetTAO", id)
	l.set(le64(80_000*tao), "SubnetAlphaIn", id)
	l.set(le64(120_000*tao), "SubnetAlphaOut", id)
	l.set(le64(tao/2), "SubnetTaoInEmission", id)
	l.set(le64(tao), "SubnetAlphaInEmission", id)
	l.set(le64(tao), "SubnetAlphaOutEmission", id)
	l.set(scale.AppendU128(nil, scale.U128{Lo: 5_000 * tao}), "SubnetVolume", id)
	l.set(scale.AppendU128(nil, scale.U128{Lo: 1 << 30}), "SubnetMovingPrice", id) // 0.25
	l.set(le16(1), "MinAllowedWeights", id)
	l.set(le64(difficulty), "Difficulty", id)
	l.set(le64(difficulty), "MinDifficulty", id)
}

// stake writes the alpha that a coldkey has on a hotkey, its only one.
func (l ledger) stake(hotkey, coldkey ss58.AccountID, netuid uint16, alpha uint64) {
	if alpha == 0 {
		return
	}
	id := le16(netuid)
	share := scale.AppendU64(scale.AppendU128(nil, scale.U128{Lo: alpha}), 0) // mantissa, exponent
	l.set(le64(alpha), "TotalHotkeyAlpha", hotkey[:], id)
	l.set(share, "TotalHotkeySharesV2", hotkey[:], id)
	l.set(share, "AlphaV2", hotkey[:], coldkey[:], id)
}

// stakeOf is a genesis neuron's alpha on netuid 1 and its stake on the root, in
// rao.
func stakeOf(uid int) (alpha, root uint64) {
	if uid < validators {
		return uint64(40_000-uid*9_000)*tao + 123_456_789, uint64(validators-uid) * 1_000 * tao
	}
	return uint64(uid) * 10 * tao, 0
}

// incentiveOf is a genesis neuron's incentive: the miners' fall in steps and sum
// up to the whole.
func incentiveOf(uid int) uint64 {
	if uid < validators {
		return 0
	}
	steps := uint64(neurons - uid) // 12 down to 1, 78 in all
	share := steps * math.MaxUint16 / 78
	if uid == validators {
		share += 6 // what rounding left
	}
	return share
}

// genesisWeights are the rows that the validators have set: the largest weight
// is the largest value, as the chain stores them.
func genesisWeights() [][][2]uint16 {
	rows := make([][][2]uint16, validators)
	for v := range rows {
		for uid := validators; uid < neurons; uid++ {
			if (uid+v)%5 == 0 {
				continue // this validator does not weigh this one
			}
			rows[v] = append(rows[v], [2]uint16{uint16(uid), uint16(math.MaxUint16 / (1 + (uid+v)%4))})
		}
	}
	return rows
}

// bondsOf is a validator's row of bonds.
func bondsOf(uid int, weights [][2]uint16) [][2]uint16 {
	row := make([][2]uint16, len(weights))
	for i, w := range weights {
		row[i] = [2]uint16{w[0], w[1] / uint16(uid+2)}
	}
	return row
}

// axonOf is where a genesis neuron serves, nil where it never did: IPv4 for
// most, IPv6 for one.
func axonOf(uid int) []byte {
	if uid%5 == 3 {
		return nil
	}
	ip, kind := scale.U128{Lo: 203<<24 | 113<<8 | uint64(uid)}, byte(4) // 203.0.113.uid
	if uid == 7 {
		ip, kind = scale.U128{Lo: uint64(uid), Hi: 0x2001_0db8 << 32}, 6 // 2001:db8::7
	}
	b := scale.AppendU32(le64(0), 10_002_000) // block, version
	b = scale.AppendU16(scale.AppendU128(b, ip), uint16(8091+uid))
	return append(b, kind, 4, 0, 0) // protocol, placeholders
}

func boolean(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
