package devnet_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/scale"
)

// registrant makes proofs on netuid 1 for one pair of keys.
type registrant struct {
	c               *chain
	hotkey, coldkey *keypair.Pair
}

func (c *chain) registrant(name string) registrant {
	return registrant{c, phrase(c.t, keypair.Sr25519, name+"/hotkey"), phrase(c.t, keypair.Sr25519, name+"/coldkey")}
}

// proof solves at the head.
func (r registrant) proof(wanted func([32]byte) bool) *proof {
	p := &proof{netuid: 1, hotkey: r.hotkey.Account(), coldkey: r.coldkey.Account()}
	p.block, p.blockHash = r.c.head()
	p.solve(wanted)
	return p
}

func (r registrant) signed(p *proof) string {
	return hexOf(r.c.sign(r.coldkey, p.call(), signing{}))
}

// submit hands a proof in and returns the subscription to its fate.
func (r registrant) submit(p *proof) string {
	r.c.t.Helper()
	var id string
	r.c.call(&id, "author_submitAndWatchExtrinsic", r.signed(p))
	return id
}

// fate reads statuses until one that is not "ready".
func (c *chain) fate(id string) string {
	c.t.Helper()
	for {
		n := c.note(id)
		var word string
		if json.Unmarshal(n, &word) != nil {
			var kinds map[string]any
			if err := json.Unmarshal(n, &kinds); err != nil || len(kinds) != 1 {
				c.t.Fatalf("status %s", n)
			}
			for k := range kinds {
				word = k
			}
		}
		if word != "ready" {
			return word
		}
	}
}

func (c *chain) refusedAs(data string, xt string) {
	c.t.Helper()
	if _, e := c.try("author_submitExtrinsic", xt); e == nil || e.Data != data {
		c.t.Errorf("submitted: %v, want %s", e, data)
	}
}

// The recorded cases that take more than one transaction.
func TestSeveralRegistrations(t *testing.T) {
	const bad = "Custom error: 255"
	t.Run("D5 D6 replay", func(t *testing.T) {
		c := start(t, registrable())
		a := c.registrant("a")
		c.Step()
		p := a.proof(meeting(20_000))
		xt := a.signed(p)
		id := a.submit(p)
		if _, e := c.try("author_submitExtrinsic", xt); e == nil || e.Code != 1014 {
			t.Errorf("the same proof under another signature: %v", e)
		}
		c.Step()
		if got := c.fate(id); got != "inBlock" {
			t.Errorf("fate %s", got)
		}
		c.Step()
		if got := c.fate(id); got != "finalized" {
			t.Errorf("fate %s", got)
		}
		c.refusedAs("Transaction is outdated", xt)
		hotkey := p.hotkey
		c.write(entry("Uids", nil, le16(1), hotkey[:]))
		c.refusedAs(bad, hexOf(c.sign(a.coldkey, p.call(), signing{nonce: 1})))
		// Another work block is good again, at the difficulty that has risen.
		c.call(new(string), "author_submitExtrinsic", hexOf(c.sign(a.coldkey, a.proof(meeting(60_000)).call(), signing{nonce: 1})))
	})
	t.Run("E1 E2 E4 one a block", func(t *testing.T) {
		opts := registrable()
		opts.Storage = append(opts.Storage, entry("MaxRegistrationsPerBlock", nil, le16(1))) // the default is 1
		c := start(t, opts)
		a, b := c.registrant("a"), c.registrant("b")
		first, second := a.submit(a.proof(meeting(20_000))), b.submit(b.proof(meeting(60_000)))
		c.Step()
		if got, want := []string{c.fate(first), c.fate(second)}, []string{"inBlock", "invalid"}; !slices.Equal(got, want) {
			t.Errorf("fates %v, want %v", got, want)
		}
		c.refusedAs(bad, b.signed(b.proof(meeting(60_000)))) // the head's own counter is full
		c.Step()
		id := b.submit(b.proof(meeting(60_000)))
		c.Step()
		if got := c.fate(id); got != "inBlock" {
			t.Errorf("one empty block later: %s", got)
		}
	})
	for _, tc := range []struct {
		name   string
		second uint64
		wanted func([32]byte) bool
		fate   string
		after  uint64
	}{
		{"D7 G17 two in a block", 40_000, meeting(40_000), "inBlock", 31_688},
		{"G18 the second too weak", 20_000, func(s [32]byte) bool { return below(little256(s), 20_000) && !below(little256(s), 25_000) }, "invalid", 25_150},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := start(t, registrable())
			c.Step()
			c.write(entry("Difficulty", le64(20_000), le16(1)))
			a, b := c.registrant("a"), c.registrant("b")
			first, second := a.submit(a.proof(meeting(20_000))), b.submit(b.proof(tc.wanted))
			c.Step()
			if got, want := []string{c.fate(first), c.fate(second)}, []string{"inBlock", tc.fate}; !slices.Equal(got, want) {
				t.Errorf("fates %v, want %v", got, want)
			}
			if got := c.u64("Difficulty", 1); got != tc.after {
				t.Errorf("difficulty %d, want %d", got, tc.after)
			}
		})
	}
	t.Run("C valid at age 5, a block too late", func(t *testing.T) {
		c := start(t, registrable())
		a := c.registrant("a")
		p := a.proof(meeting(20_000))
		for range 4 {
			c.Step()
		}
		// The account's turn has not come: the transaction is good but waits.
		var id string
		c.call(&id, "author_submitAndWatchExtrinsic", hexOf(c.sign(a.coldkey, p.call(), signing{nonce: 1})))
		c.Step()
		if got := []string{c.fate(id), c.fate(id)}; !slices.Equal(got, []string{"future", "invalid"}) {
			t.Errorf("fates %v", got)
		}
	})
	t.Run("G3 the pool does not decay", func(t *testing.T) {
		c := start(t, registrable())
		c.Step()
		a := c.registrant("a")
		p := a.proof(meeting(4000))
		most := largest(p.work)
		c.write(entry("Difficulty", le64(most+1), le16(1)))
		c.refusedAs(bad, a.signed(p))
		if i := c.DispatchPow(p.coldkey, 1, p.block, p.nonce, p.work, p.hotkey); i != -1 {
			t.Errorf("dispatch: %s", c.errorName(i))
		}
	})
	t.Run("G1 G2 the seal's own limit", func(t *testing.T) {
		c := start(t, registrable())
		c.Step()
		a := c.registrant("a")
		p := a.proof(meeting(4000))
		most := largest(p.work)
		c.write(entry("Difficulty", le64(most+1), le16(1)), entry("BurnHalfLife", le16(0), le16(1)))
		c.refusedAs(bad, a.signed(p))
		if i := c.DispatchPow(p.coldkey, 1, p.block, p.nonce, p.work, p.hotkey); c.errorName(i) != "InvalidDifficulty" {
			t.Errorf("dispatch: %s", c.errorName(i))
		}
		c.write(entry("Difficulty", le64(most), le16(1)))
		c.call(new(string), "author_submitExtrinsic", a.signed(p))
	})
}

// The series of difficulties that the runtime went through, block by block.
func TestDecay(t *testing.T) {
	for _, tc := range []struct {
		name         string
		start, least uint64
		halfLife     uint16
		netuid       uint16
		want         []uint64
	}{
		{"G12", 25150, 1, 360, 1, []uint64{25101, 25052, 25003, 24954, 24905, 24857, 24809, 24761, 24713, 24665, 24617, 24569, 24521, 24473, 24425, 24378, 24331, 24284, 24237, 24190}},
		{"G13", 1005, 1000, 360, 1, []uint64{1003, 1001, 1000, 1000, 1000, 1000, 1000, 1000}},
		{"G14", 20000, 1, 0, 1, []uint64{20000, 20000, 20000}},
		{"G15", 12345678, 1, 360, 0, []uint64{12345678, 12345678, 12345678}},
		{"G16", math.MaxUint64, 1, 360, 1, []uint64{18411260720357310463, 18375845621237907855, 18340498645060474685}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := start(t, devnet.Options{})
			id := le16(tc.netuid)
			c.write(entry("Difficulty", le64(tc.start), id), entry("MinDifficulty", le64(tc.least), id), entry("BurnHalfLife", le16(tc.halfLife), id))
			var got []uint64
			for range tc.want {
				c.Step()
				got = append(got, c.u64("Difficulty", tc.netuid))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("difficulties %v, want %v", got, tc.want)
			}
		})
	}
}

// A coldkey has 256 hotkeys at most.
func TestTooManyHotkeys(t *testing.T) {
	c := start(t, registrable())
	a := c.registrant("a")
	cold := a.coldkey.Account()
	c.write(entry("StakingHotkeys", append(scale.AppendCompact(nil, 256), make([]byte, 256*32)...), cold[:]))
	p := a.proof(meeting(20_000))
	if i := c.DispatchPow(p.coldkey, 1, p.block, p.nonce, p.work, p.hotkey); c.errorName(i) != "TooManyStakingHotkeys" {
		t.Errorf("dispatch: %d", i)
	}
	c.refusedAs("Custom error: 255", a.signed(p))
	c.write(entry("ColdkeySwapDisputes", le32(1), cold[:]))
	c.refusedAs("Custom error: 21", a.signed(p))
}

// On a full subnet the neuron with the least emission goes, the oldest of those,
// but never the owner's; immune ones only where nothing else is left.
func TestPruning(t *testing.T) {
	vector := func(values ...uint64) []byte {
		b := scale.AppendCompact(nil, 16)
		for uid := range uint64(16) {
			v := 1000 + uid
			if int(uid) < len(values) {
				v = values[uid]
			}
			b = append(b, le64(v)...)
		}
		return b
	}
	for _, tc := range []struct {
		name  string
		state []devnet.Entry
		want  uint16
	}{
		{"least emission", []devnet.Entry{entry("Emission", vector(1, 50, 40, 40), le16(1))}, 2},
		{"oldest", []devnet.Entry{entry("Emission", vector(1, 50, 40, 40), le16(1)), entry("BlockAtRegistration", le64(1), le16(1), le16(2))}, 3},
		{"none without immunity", []devnet.Entry{entry("ImmunityPeriod", le16(1000), le16(1)), entry("Emission", vector(1, 50, 40, 30), le16(1))}, 3},
		{"too few without immunity", []devnet.Entry{entry("MinNonImmuneUids", le16(15), le16(1)), entry("ImmunityPeriod", le16(4), le16(1)), entry("BlockAtRegistration", le64(5), le16(1), le16(9))}, 9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := start(t, registrable())
			for range 4 {
				c.Step()
			}
			c.write(append([]devnet.Entry{entry("MaxAllowedUids", le16(16), le16(1)), entry("ImmunityPeriod", le16(0), le16(1))}, tc.state...)...)
			gone := c.stored("Keys", le16(1), le16(tc.want))
			a := c.registrant("a")
			id := a.submit(a.proof(meeting(20_000)))
			c.Step()
			if got := c.fate(id); got != "inBlock" {
				t.Fatal(got)
			}
			hot := a.hotkey.Account()
			if got := c.stored("Uids", le16(1), hot[:]); !slices.Equal(got, le16(tc.want)) {
				t.Errorf("uid %x, want %d", got, tc.want)
			}
			if c.stored("Uids", le16(1), gone) != nil || c.stored("Axons", le16(1), gone) != nil {
				t.Error("the old neuron is still known")
			}
			if row := c.stored("Weights", le16(1), le16(tc.want)); row != nil {
				t.Errorf("the old neuron's weights stayed: %x", row)
			}
		})
	}
}
