package subtensor

import (
	"fmt"
	"math/bits"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// stakeRule says what the stake list of a neuron is made of.
type stakeRule uint8

const (
	// stakeOfNominators: what each coldkey has staked to the hotkey, from Stake.
	stakeOfNominators stakeRule = iota
	// stakeOfFamily: one entry, TotalHotkeyStake without what is given to children
	// and with what parents give.
	stakeOfFamily
	// stakeOfWeight: one entry, the neuron's share of the subnet's stake as a
	// 16-bit number.
	stakeOfWeight
	// stakeOfAlpha: one entry, TotalHotkeyAlpha on the subnet.
	stakeOfAlpha
)

// stakeRuleOf finds the rule by what the runtime keeps, as spec numbers up to 219
// were used by differing builds. The full list and the lite one differ on some.
// Sources: rpc_info/neuron_info.rs at the commits named, and the answers of the
// runtimes in the vectors.
func stakeRuleOf(p *metadata.Pallet, spec uint32, full bool) (stakeRule, error) {
	switch {
	case hasEntries(p, "TotalHotkeyStake", "ParentKeys", "ChildKeys"):
		// e79b0999d (195). The lite list kept nominators until 58c1f51cc, which is
		// 195 as it was deployed, and again from e6683abcd (205) to 4e2c494cd (210).
		if !full && spec >= 205 && spec < 210 {
			return stakeOfNominators, nil
		}
		return stakeOfFamily, nil
	case hasEntries(p, "Stake", "TotalHotkeyStake"):
		return stakeOfNominators, nil
	case hasEntries(p, "GlobalStake", "StakeWeight"): // raonet, 204 to 218: c39109d32
		if !full {
			return stakeOfNominators, nil
		}
		return stakeOfWeight, nil
	case hasEntries(p, "TotalHotkeySubStake", "StakeWeight"): // 571b33438
		return stakeOfWeight, nil
	case hasEntries(p, "TotalHotkeyAlpha"): // e2b8367b8 (233)
		return stakeOfAlpha, nil
	}
	return 0, fmt.Errorf("the runtime (spec %d) keeps stake in a way that is not known: %s has none of Stake, TotalHotkeyStake and TotalHotkeyAlpha", spec, palletName)
}

// stakeCells is what is kept of one hotkey's stake.
type stakeCells struct {
	total             uint64 // TotalHotkeyStake or TotalHotkeyAlpha
	parents, children []shareOfKey
	parentTotals      []uint64
	nominators        [][]byte // keys of Stake
	list              []StakeEntry
}

// shareOfKey is a part of a hotkey's stake that it gives or gets.
type shareOfKey struct {
	Proportion uint64 // of 2^64-1
	Key        ss58.AccountID
}

// ask puts on a trip what is known to be needed from the start.
func (c *stakeCells) ask(t *trip, rule stakeRule, netuid uint16, hotkey ss58.AccountID) {
	switch rule {
	case stakeOfNominators:
		t.list(&c.nominators, maxNominators, "Stake", hotkey)
	case stakeOfFamily:
		t.value(&c.total, "TotalHotkeyStake", hotkey)
		t.value(&c.parents, "ParentKeys", hotkey, netuid)
		t.value(&c.children, "ChildKeys", hotkey, netuid)
	case stakeOfAlpha:
		t.value(&c.total, "TotalHotkeyAlpha", hotkey, netuid)
	}
}

// askFurther puts on a later trip what the answers to ask lead to.
func (c *stakeCells) askFurther(t *trip, rule stakeRule) error {
	switch rule {
	case stakeOfNominators:
		c.list = make([]StakeEntry, len(c.nominators))
		for i, key := range c.nominators {
			account, err := accountIn(key)
			if err != nil {
				return fmt.Errorf("storage %s.Stake: %w", palletName, err)
			}
			c.list[i].Account = account
			t.put(wantedValue{key: key, into: &c.list[i].Amount, size: plainSize}, "Stake")
		}
	case stakeOfFamily:
		c.parentTotals = make([]uint64, len(c.parents))
		for i, p := range c.parents {
			t.value(&c.parentTotals[i], "TotalHotkeyStake", p.Key)
		}
	}
	return nil
}

// entries returns the neuron's stake list.
func (c *stakeCells) entries(rule stakeRule, coldkey ss58.AccountID, weight uint16, most uint64) []StakeEntry {
	switch rule {
	case stakeOfNominators:
		return c.list
	case stakeOfWeight:
		return []StakeEntry{{coldkey, uint64(weight)}}
	case stakeOfFamily:
		return []StakeEntry{{coldkey, c.ofFamily(most)}}
	}
	return []StakeEntry{{coldkey, c.total}}
}

// ofFamily is get_stake_for_hotkey_on_subnet of epoch/run_epoch.rs (195 to 232).
func (c *stakeCells) ofFamily(most uint64) uint64 {
	var given, gotten uint64
	for _, child := range c.children {
		given = addSaturated(given, partOf(c.total, child.Proportion))
	}
	for i, parent := range c.parents {
		gotten = addSaturated(gotten, partOf(c.parentTotals[i], parent.Proportion))
	}
	return min(addSaturated(c.total-min(given, c.total), gotten), most)
}

// partOf returns a proportion of an amount, in steps of 2^-32 and rounded down:
// the runtime computes with I96F32.
func partOf(amount, proportion uint64) uint64 {
	// (proportion << 32) / (2^64 - 1), at most 2^32.
	share, _ := bits.Div64(proportion>>32, proportion<<32, ^uint64(0))
	hi, lo := bits.Mul64(amount, share)
	return hi<<32 | lo>>32
}

func addSaturated(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return ^uint64(0)
	}
	return sum
}
