package devnet_test

import (
	"math"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// recordedBurn is a registration at a price that a real runtime answered.
type recordedBurn struct {
	Case, Call, CallName, Signer, Validity, Result, Fee string
	Netuid                                              uint16
	SignerNonce                                         [2]int
	Phrases                                             struct{ Hotkey, Coldkey, SignedBy string }
	Before, AfterState                                  struct{ ColdkeyFree, HotkeyFree, Burn, Rao, RegsThisBlock string }
	Delta                                               struct{ Signer string }
}

// hotkeyOf is the hotkey of a call: its place depends on the call.
func hotkeyOf(call []byte) ss58.AccountID {
	at := 4
	if call[1] == 6 { // netuid, block, nonce, length and work
		at = 21 + int(call[20]>>2)
	}
	return ss58.AccountID(call[at : at+32])
}

// burnPlays is what the state has to be before a case, by a part of its name. What
// has no effect on these registrations is tried all the same.
var burnPlays = map[string]func(e *env){
	"owned by other coldkey":                     func(e *env) { e.write(entry("Owner", make([]byte, 32), e.hot())) },
	"registered hotkey again":                    func(e *env) { e.write(entry("Uids", le16(3), le16(1), e.hot())) },
	"netuid 12":                                  func(*env) {},
	"NetworkRegistrationAllowed false":           func(e *env) { e.write(e.set("NetworkRegistrationAllowed", []byte{0})) },
	"NetworkPowRegistrationAllowed false":        func(e *env) { e.write(e.set("NetworkPowRegistrationAllowed", []byte{0})) },
	"MaxRegistrationsPerBlock 0":                 func(e *env) { e.write(e.set("MaxRegistrationsPerBlock", le16(0))) },
	"RegistrationsThisInterval = 3 x target":     func(e *env) { e.write(e.set("RegistrationsThisInterval", le16(6))) },
	"difficulty u64::MAX":                        func(e *env) { e.write(e.set("Difficulty", le64(math.MaxUint64))) },
	"subnet full":                                func(e *env) { e.write(e.set("MaxAllowedUids", le16(16)), e.set("ImmunityPeriod", le16(0))) },
	"has 1_000_000 rao":                          nil, // about the size of a fee, which is another here
	"two in the same block":                      nil, // TestTwoBurns
	"stale":                                      nil, // of the signature: TestRecordedCases
	"CheckMetadataHash":                          nil,
	"register, hotkey signs, hotkey unfunded":    func(*env) {},
	"register, coldkey signs, coldkey unfunded":  func(*env) {},
	"register_limit, limit = price, coldkey":     func(*env) {},
	"register_limit, limit = price - 10 %":       func(*env) {},
	"coldkey has exactly the old price, not the": func(*env) {},
}

// TestRecordedBurns replays registrations at a price, by all three calls, that a
// real runtime answered, and wants the same answers and the same prices.
func TestRecordedBurns(t *testing.T) {
	played := map[string]bool{}
	cases := 0
	for runtime, results := range recordedBurns(t) {
		for _, r := range results {
			cases++
			state := func(*env) {}
			for part, f := range burnPlays {
				if strings.Contains(r.Case, part) {
					played[part], state = true, f
				}
			}
			if state != nil {
				t.Run(runtime+"/"+r.Case, func(t *testing.T) { t.Parallel(); replayBurn(t, r, state) })
			}
		}
	}
	for part := range burnPlays {
		if !played[part] {
			t.Errorf("no recorded case %q", part)
		}
	}
	if cases < 40 {
		t.Errorf("%d cases", cases)
	}
}

// recordedBurns are the cases of all runtimes whose registrations have a price
// that decays, by runtime.
func recordedBurns(t *testing.T) map[string][]recordedBurn {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), "*", "pow", "register_cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]recordedBurn{}
	for _, path := range files {
		var about struct{ BurnHalfLife string }
		if vectors.JSON(t, path, &about); about.BurnHalfLife != "" {
			var file struct{ Results []recordedBurn }
			vectors.JSON(t, path, &file)
			out[filepath.Base(filepath.Dir(filepath.Dir(path)))] = file.Results
		}
	}
	return out
}

// account is System.Account of an account with free funds.
func account(id ss58.AccountID, free uint64) devnet.Entry {
	e := devnet.Entry{Pallet: "System", Item: "Account", Keys: [][]byte{id[:]}}
	if free > 0 {
		e.Value = slices.Concat(le32(0), le32(0), le32(1), le32(0), le64(free), make([]byte, 48))
	}
	return e
}

func (c *chain) free(id ss58.AccountID) uint64 {
	c.t.Helper()
	var s *string
	if c.call(&s, "state_getStorage", hexOf(c.key("System", "Account", id[:]))); s == nil {
		return 0
	}
	return scale.NewReader(unhex(c.t, *s)[16:]).U64()
}

// burnGenesis has the price rules of the recorded runtime on netuid 0, 1 and 12.
func burnGenesis() devnet.Options {
	opts := registrable()
	opts.Storage = append(opts.Storage, entry("NetworkPowRegistrationAllowed", []byte{1}, le16(0)),
		entry("SubnetTAO", le64(1e12), le16(12)), entry("SubnetAlphaIn", le64(1e12), le16(12)))
	return opts
}

func replayBurn(t *testing.T, r recordedBurn, state func(*env)) {
	c := start(t, burnGenesis())
	scheme := keypair.Sr25519
	if strings.Contains(r.Case, "ed25519") {
		scheme = keypair.Ed25519
	}
	call := unhex(t, r.Call)
	hotkey := phrase(t, keypair.Sr25519, r.Phrases.Hotkey)
	if hotkey.Account() != hotkeyOf(call) {
		t.Fatalf("hotkey %s is not the call's", hotkey.Account())
	}
	e := &env{chain: c, hotkey: hotkey, coldkey: phrase(t, scheme, r.Phrases.Coldkey), netuid: r.Netuid}
	signer, free := e.coldkey, num(t, r.Before.ColdkeyFree)
	switch r.Phrases.SignedBy {
	case "hotkey":
		signer, free = e.hotkey, num(t, r.Before.HotkeyFree)
	case "other":
		signer, free = phrase(t, scheme, "another"), 1e15
	}
	if r.Phrases.SignedBy != "other" && signer.Account().String() != r.Signer {
		t.Fatalf("signer %s, recorded %s", signer.Account(), r.Signer)
	}
	c.Step()
	state(e)
	c.write(account(e.hotkey.Account(), num(t, r.Before.HotkeyFree)), account(signer.Account(), free),
		e.set("Burn", le64(num(t, r.Before.Burn))), e.set("RAORecycledForRegistration", le64(num(t, r.Before.Rao))))

	xt := c.sign(signer, call, signing{})
	_, refused := c.try("author_submitExtrinsic", hexOf(xt))
	if strings.HasPrefix(r.Validity, "Err") {
		if refused == nil || !strings.Contains(r.Validity, "payment") || refused.Data != "Inability to pay some fees (e.g. account balance too low)" {
			t.Errorf("submitted: %v, want %s", refused, r.Validity)
		}
		return
	}
	if refused != nil {
		t.Fatalf("submitted: %v", refused)
	}
	c.Step()
	want := []string{"System.ExtrinsicSuccess", "Balances.Withdraw"}
	if r.Result == "Success" {
		id := subnetAccount(r.Netuid)
		if c.free(id) == 0 {
			t.Error("the subnet's account has nothing")
		}
		want = append(want, "System.NewAccount", "Balances.Endowed", "Balances.Transfer", "SubtensorModule.RAORecycledForRegistrationSet", "SubtensorModule.NeuronRegistered",
			"TransactionPayment.TransactionFeePaid", "System.ExtrinsicSuccess")
		if got := c.stored("Owner", e.hot()); string(got) != string(accountBytes(signer)) {
			t.Errorf("the hotkey's owner is %x, want the signer", got)
		}
	} else {
		want = append(want, "TransactionPayment.TransactionFeePaid", strings.TrimPrefix(r.Result, "subtensorModule."))
	}
	if got := c.events(); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	price := num(t, strings.TrimPrefix(r.Delta.Signer, "-")) - num(t, r.Fee)
	paid := free - c.free(signer.Account()) - (100_000 + 100*uint64(len(xt)))
	if paid != price {
		t.Errorf("paid %d beside the fee, want %d", paid, price)
	}
	for item, recorded := range map[string]string{"Burn": r.AfterState.Burn, "RAORecycledForRegistration": r.AfterState.Rao, "RegistrationsThisBlock": r.AfterState.RegsThisBlock} {
		if got := c.u64(item, r.Netuid); got != num(t, recorded) {
			t.Errorf("%s %d, want %s", item, got, recorded)
		}
	}
}

// plain is an integer of SubtensorModule that has no keys.
func (c *chain) plain(item string) uint64 {
	c.t.Helper()
	return scale.NewReader(append(c.stored(item), make([]byte, 8)...)).U64()
}

func accountBytes(k *keypair.Pair) []byte {
	id := k.Account()
	return id[:]
}

func subnetAccount(netuid uint16) (id ss58.AccountID) {
	copy(id[:], append([]byte("modlsubtensr"), le16(netuid)...))
	return id
}

func registerLimit(netuid uint16, hotkey ss58.AccountID, limit uint64) []byte {
	return slices.Concat([]byte{7, 134}, le16(netuid), hotkey[:], le64(limit))
}

// Two registrations in one block: the second pays what the first one made of the
// price, as recorded.
func TestTwoBurns(t *testing.T) {
	for runtime, results := range recordedBurns(t) {
		i := slices.IndexFunc(results, func(r recordedBurn) bool { return strings.Contains(r.Case, "two in the same block") })
		if i < 0 {
			t.Fatalf("%s: no such case", runtime)
		}
		t.Run(runtime, func(t *testing.T) { twoBurns(t, results[i]) })
	}
}

func twoBurns(t *testing.T, r recordedBurn) {
	c := start(t, burnGenesis())
	c.Step()
	c.write(entry("Burn", le64(num(t, r.Before.Burn)), le16(1)))
	var second ss58.AccountID
	var before, fee uint64
	for _, name := range []string{"//Alice", "//Bob"} {
		key, err := keypair.FromURI(keypair.Sr25519, name)
		if err != nil {
			t.Fatal(err)
		}
		xt := c.sign(key, registerLimit(1, phrase(t, keypair.Sr25519, name).Account(), math.MaxUint64), signing{})
		var hash string
		c.call(&hash, "author_submitExtrinsic", hexOf(xt))
		second, before, fee = key.Account(), c.free(key.Account()), 100_000+100*uint64(len(xt))
	}
	c.Step()
	if got, want := before-c.free(second)-fee, num(t, strings.TrimPrefix(r.Delta.Signer, "-"))-num(t, r.Fee); got != want {
		t.Errorf("the second paid %d, want %d", got, want)
	}
	if got := c.u64("Burn", 1); got != num(t, r.AfterState.Burn) {
		t.Errorf("price %d, want %s", got, r.AfterState.Burn)
	}
	if got := c.u64("RegistrationsThisBlock", 1); got != 2 {
		t.Errorf("%d registrations in the block", got)
	}
}

// The price falls as recorded, and stops at its bounds.
func TestPriceDecay(t *testing.T) {
	c := start(t, burnGenesis())
	c.Step()
	c.write(entry("Burn", le64(2_506_113_750), le16(1)), entry("Burn", le64(300_000_000_000), le16(2)), entry("Burn", le64(500_100), le16(12)))
	for _, want := range []uint64{2_501_293_098, 2_496_481_719, 2_491_679_595} {
		c.Step()
		if got := c.u64("Burn", 1); got != want {
			t.Errorf("price %d, want %d", got, want)
		}
	}
	if got := c.u64("Burn", 12); got != 500_000 {
		t.Errorf("price %d, want MinBurn", got)
	}
	if got := c.u64("Burn", 2); got > 100_000_000_000 || got < 99_000_000_000 {
		t.Errorf("price %d, want no more than MaxBurn", got)
	}
}

// A part of the price is locked: the alpha that it buys is the hotkey's stake, in
// the columns of the metagraph too; what is recycled is the rest.
func TestCollateral(t *testing.T) {
	opts := burnGenesis()
	const share, price = 40_000, 5_000_000_007
	opts.Storage = append(opts.Storage, entry("CollateralLockShare", le16(share), le16(1)), entry("BurnHalfLife", le16(0), le16(1)))
	c := start(t, opts)
	coldkey, hotkey := phrase(t, keypair.Sr25519, "coldkey"), phrase(t, keypair.Sr25519, "hotkey")
	hot, cold := accountBytes(hotkey), accountBytes(coldkey)
	id := le16(1)
	c.write(account(coldkey.Account(), 1e12), entry("Burn", le64(price), id))
	tao, in, out, stake := c.u64("SubnetTAO", 1), c.u64("SubnetAlphaIn", 1), c.u64("SubnetAlphaOut", 1), c.plain("TotalStake")
	xt := c.sign(coldkey, registerLimit(1, hotkey.Account(), price), signing{})
	var hash string
	c.call(&hash, "author_submitExtrinsic", hexOf(xt))
	c.Step()

	want := []string{
		"System.ExtrinsicSuccess", "Balances.Withdraw", "System.NewAccount", "Balances.Endowed", "Balances.Transfer", "SubtensorModule.RAORecycledForRegistrationSet",
		"SubtensorModule.CollateralLocked", "SubtensorModule.NeuronRegistered", "TransactionPayment.TransactionFeePaid", "System.ExtrinsicSuccess",
	}
	if got := c.events(); !slices.Equal(got, want) {
		t.Fatalf("events %v, want %v", got, want)
	}
	// As the official client splits it: price * share / 65535, rounded down.
	const locked, burned = price * share / 65535, price - price*share/65535
	buy := func(rao uint64) uint64 { // x * y stays the same
		x, y, d := new(big.Int).SetUint64(tao), new(big.Int).SetUint64(in), new(big.Int).SetUint64(rao)
		alpha := new(big.Int).Mul(y, d)
		alpha.Div(alpha, x.Add(x, d))
		tao, in = tao+rao, in-alpha.Uint64()
		return alpha.Uint64()
	}
	buy(burned)
	alpha := buy(locked)
	for item, want := range map[string]uint64{"SubnetTAO": tao, "SubnetAlphaIn": in, "SubnetAlphaOut": out + alpha, "RAORecycledForRegistration": burned, "Burn": 6_300_000_008} {
		if got := c.u64(item, 1); got != want {
			t.Errorf("%s %d, want %d", item, got, want)
		}
	}
	if got := c.plain("TotalStake") - stake; got != price {
		t.Errorf("stake grew by %d", got)
	}
	if got := c.free(subnetAccount(1)); got != price {
		t.Errorf("the subnet's account has %d", got)
	}
	if got, want := c.stored("MinerCollateral", id, hot, cold), slices.Concat(le64(alpha), le64(0), le64(1), le64(0), le64(0)); !slices.Equal(got, want) {
		t.Errorf("collateral %x, want %x", got, want)
	}
	if got := c.stored("ColdkeyMinerCollateral", id, cold); !slices.Equal(got, le64(alpha)) {
		t.Errorf("collateral of the coldkey %x", got)
	}
	if got := c.stored("TotalHotkeyAlpha", hot, id); !slices.Equal(got, le64(alpha)) {
		t.Errorf("stake %x, want %x", got, le64(alpha))
	}
	var graph *metagraph
	c.api(&graph, "SubnetInfoRuntimeApi", "get_metagraph", id)
	if len(graph.CollateralLocked) != 17 || graph.CollateralLocked[16] != alpha || graph.CollateralLocked[15] != 0 {
		t.Errorf("collateral in the metagraph: %v", graph.CollateralLocked)
	}
}

// Whoever has just the price keeps the existential deposit, as the runtime's
// transfer to a subnet preserves the account.
func TestBurnKeepsTheDeposit(t *testing.T) {
	opts := burnGenesis()
	opts.Storage = append(opts.Storage, entry("BurnHalfLife", le16(0), le16(1)))
	c := start(t, opts)
	key := phrase(t, keypair.Sr25519, "coldkey")
	xt := c.sign(key, registerLimit(1, phrase(t, keypair.Sr25519, "hotkey").Account(), 1_000_000), signing{})
	c.write(account(key.Account(), 1_000_000+100_000+100*uint64(len(xt))), entry("Burn", le64(1_000_000), le16(1)))
	var hash string
	c.call(&hash, "author_submitExtrinsic", hexOf(xt))
	c.Step()
	if got := c.events(); got[len(got)-1] != "System.ExtrinsicSuccess" || !slices.Contains(got, "SubtensorModule.NeuronRegistered") {
		t.Errorf("events %v", got)
	}
	if got, gone := c.free(key.Account()), c.free(subnetAccount(1)); got != 500 || gone != 999_500 {
		t.Errorf("the coldkey keeps %d and %d went to the subnet", got, gone)
	}
	if got := c.u64("RAORecycledForRegistration", 1); got != 1_000_000 {
		t.Errorf("%d recycled", got)
	}
}
