package subtensor_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// mainnet is a chain of today's main network, which has collateral.
func mainnet(t *testing.T) *ground {
	t.Helper()
	n, _ := bareNode(t, "475-backport")
	g := &ground{oldNode: n}
	g.v14 = hexFile(t, "metadata-only/475-finney.metadata_v14.scale.gz")
	g.onlyV14()
	g.meet(t)
	if _, ok := palletOf(t, g.md).Entry("CollateralLockShare"); !ok {
		t.Fatal("no collateral")
	}
	return g
}

// onlyV14 takes the newer versions of the metadata away.
func (n *oldNode) onlyV14() {
	for name := range n.answers {
		if strings.HasPrefix(name, "Metadata_metadata_at_version ") {
			n.answers[name] = "0x00"
		}
	}
	n.answers["Metadata_metadata_versions 0x"] = "0x040e000000"
}

func palletOf(t *testing.T, md *metadata.Metadata) *metadata.Pallet {
	t.Helper()
	p, ok := md.Pallet("SubtensorModule")
	if !ok {
		t.Fatal("no SubtensorModule")
	}
	return p
}

var (
	someHotkey  = ss58.AccountID{0xaa, 1}
	someColdkey = ss58.AccountID{0xbb, 2}
)

// open gives a chain a subnet that takes registrations, and the coldkey TAO.
func (g *ground) open(t *testing.T) *subtensor.State {
	t.Helper()
	g.at(4_200_007)
	g.set(t, "NetworksAdded", true, uint16(3))
	g.set(t, "MaxAllowedUids", 64, uint16(3))
	g.set(t, "NetworkRegistrationAllowed", true, uint16(3))
	g.set(t, "NetworkPowRegistrationAllowed", true, uint16(3))
	g.set(t, "BurnHalfLife", 0, uint16(3))
	g.set(t, "Burn", 1_000_000_000, uint16(3))
	g.fund(t, someColdkey, 10_000_000_000, 0)
	g.fund(t, someHotkey, 10_000_000_000, 0)
	s, err := g.client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What a registration for TAO takes where a share of the price is collateral: a
// fraction of 65535 parts.
func TestBurnTermsCollateral(t *testing.T) {
	t.Parallel()
	g := mainnet(t)
	g.fee = 2_000_000
	for share, locked := range map[uint16]uint64{0: 0, 1: 15_259, 32_768: 500_007_629, 62_258: 949_996_185, 65_535: 1_000_000_000} {
		s := g.open(t)
		g.set(t, "CollateralLockShare", share, uint16(3))
		terms, err := s.BurnTerms(t.Context(), 3, someHotkey, someColdkey)
		if err != nil || terms.Price != 1_000_000_000 || terms.Locked != locked || terms.Burned != 1_000_000_000-locked {
			t.Errorf("%d: %+v, %v", share, terms, err)
		}
		if terms.Fee != 2_000_000 || terms.Cost() != 1_002_000_000 || terms.Deposit != 500 || terms.Balance != 10_000_000_000-500 || !terms.Limited {
			t.Errorf("%+v", terms)
		}
	}
}

// What keeps a coldkey from registering, each by an error of its own with the
// chain's name: by proof of work and for TAO.
func TestHindrances(t *testing.T) {
	t.Parallel()
	g := mainnet(t)
	g.fee = 2_000_000
	list := func(n int) []ss58.AccountID {
		keys := make([]ss58.AccountID, n)
		for i := range keys {
			keys[i] = ss58.AccountID{7, byte(i), byte(i >> 8)}
		}
		return keys
	}
	subnet := ss58.AccountID{'m', 'o', 'd', 'l', 's', 'u', 'b', 't', 'e', 'n', 's', 'r', 3}
	stored := func(item string) string {
		key, err := g.rt.StorageKey("SubtensorModule", item, someColdkey)
		if err != nil {
			t.Fatal(err)
		}
		return "0x" + hex.EncodeToString(key)
	}
	for _, c := range []struct {
		name   string
		hotkey ss58.AccountID
		set    func()
		err    error
		chain  string
		bits   int // 1: only the proof is refused; 2: only the burn
	}{
		{"nothing", someHotkey, func() {}, nil, "Success", 0},
		{"announced swap", someHotkey, func() { g.announce(t, someColdkey) }, subtensor.ErrColdkeySwap, "ColdkeySwapAnnounced", 0},
		{"disputed swap", someHotkey, func() {
			g.announce(t, someColdkey)
			g.storage[stored("ColdkeySwapDisputes")] = "0x01000000"
		}, subtensor.ErrColdkeySwap, "ColdkeySwapDisputed", 0},
		{"a subnet's account", subnet, func() {}, subtensor.ErrSystemAccount, "CannotUseSystemAccount", 0},
		{"the account of a subnet that there is not", ss58.AccountID{'m', 'o', 'd', 'l', 's', 'u', 'b', 't', 'e', 'n', 's', 'r', 4}, func() {}, nil, "Success", 0},
		{"255 hotkeys", someHotkey, func() { g.set(t, "OwnedHotkeys", list(255), someColdkey) }, nil, "Success", 0},
		{"256 hotkeys", someHotkey, func() { g.set(t, "OwnedHotkeys", list(256), someColdkey) }, subtensor.ErrTooManyHotkeys, "TooManyStakingHotkeys", 0},
		{"256 staked through", someHotkey, func() { g.set(t, "StakingHotkeys", list(256), someColdkey) }, subtensor.ErrTooManyHotkeys, "TooManyStakingHotkeys", 0},
		{"256 hotkeys and this is one", someHotkey, func() {
			g.set(t, "OwnedHotkeys", list(256), someColdkey)
			g.set(t, "Owner", someColdkey, someHotkey)
		}, nil, "Success", 0},
		{"another's hotkey", someHotkey, func() { g.set(t, "Owner", ss58.AccountID{1}, someHotkey) }, subtensor.ErrHotkeyOwnedByAnother, "NonAssociatedColdKey", 0},
		{"no uids", someHotkey, func() { g.set(t, "MaxAllowedUids", 0, uint16(3)) }, subtensor.ErrNoRoom, "NoNeuronIdAvailable", 0},
		{"proofs off", someHotkey, func() { g.set(t, "NetworkPowRegistrationAllowed", false, uint16(3)) }, subtensor.ErrPowDisabled, "SubNetRegistrationDisabled", 1},
		{"burns off", someHotkey, func() { g.set(t, "NetworkRegistrationAllowed", false, uint16(3)) }, subtensor.ErrBurnDisabled, "SubNetRegistrationDisabled", 2},
		{"no TAO", someHotkey, func() { g.fund(t, someColdkey, 0, 0) }, subtensor.ErrFunds, "Payment", 2},
		{"TAO for the fee", someHotkey, func() { g.fund(t, someColdkey, 2_000_500, 0) }, subtensor.ErrFunds, "NotEnoughBalanceToStake", 2},
		{"a rao too little", someHotkey, func() { g.fund(t, someColdkey, 1_002_000_499, 0) }, subtensor.ErrFunds, "NotEnoughBalanceToStake", 2},
		{"just enough", someHotkey, func() { g.fund(t, someColdkey, 1_002_000_500, 0) }, nil, "Success", 0},
		{"the block had its registrations", someHotkey, func() { g.set(t, "RegistrationsThisBlock", 1, uint16(3)) }, subtensor.ErrTooManyThisBlock, "TooManyRegistrationsThisBlock", 1},
	} {
		s := g.open(t)
		c.set()
		_, proof := s.RegistrationTerms(t.Context(), 3, c.hotkey, someColdkey)
		_, burn := s.BurnTerms(t.Context(), 3, c.hotkey, someColdkey)
		for i, err := range []error{proof, burn} {
			want, chain := c.err, c.chain
			if c.bits != 0 && c.bits != i+1 {
				want, chain = nil, "Success"
			}
			if !errors.Is(err, want) || nameOf(t, err) != chain {
				t.Errorf("%s, %d: %v, want %v (%s)", c.name, i, err, want, chain)
			}
		}
	}
}

// Before register_limit there is burned_register: the same bytes ever since, and the
// limit is only as good as the block that it was held against.
func TestBurnedRegister(t *testing.T) {
	t.Parallel()
	for _, r := range runtimes(t) {
		if r.spec < 111 || r.spec >= 395 {
			continue
		}
		g := newGround(t, r)
		g.fee = 1000
		s := g.open(t)
		for item, value := range map[string]any{"MaxRegistrationsPerBlock": 1, "TargetRegistrationsPerInterval": 2, "AdjustmentInterval": 100, "LastAdjustmentBlock": 4_200_000} {
			g.set(t, item, value, uint16(3))
		}
		terms, err := s.BurnTerms(t.Context(), 3, someHotkey, someColdkey)
		if err != nil || terms.Call != "burned_register" || terms.Limited || terms.Price != 1_000_000_000 || terms.PerInterval != 6 || terms.IntervalEnds != 4_200_100 || terms.Locked != 0 {
			t.Errorf("%s: %+v, %v", r.dir, terms, err)
			continue
		}
		want := append([]byte{palletOf(t, g.md).Index, 7, 3, 0}, someHotkey[:]...)
		if r.spec <= 121 {
			want[0] = 8 // chain-facts 1.3
		}
		if call, err := s.BurnCall(terms, 1_000_000_000); err != nil || string(call) != string(want) {
			t.Errorf("%s: %x, %v", r.dir, call, err)
		}
		var limit *subtensor.PriceLimitError
		if call, err := s.BurnCall(terms, 999_999_999); call != nil || !errors.As(err, &limit) || limit.Price != 1_000_000_000 || limit.Limit != 999_999_999 {
			t.Errorf("%s: %x, %v", r.dir, call, err)
		}
		old := terms
		old.Block--
		if call, err := s.BurnCall(old, 1_000_000_000); call != nil || err == nil || !strings.Contains(err.Error(), "4200006") {
			t.Errorf("%s: terms of another block: %x, %v", r.dir, call, err)
		}
		g.set(t, "RegistrationsThisInterval", 6, uint16(3))
		if _, err := s.BurnTerms(t.Context(), 3, someHotkey, someColdkey); !errors.Is(err, subtensor.ErrTooManyThisInterval) {
			t.Errorf("%s: %v", r.dir, err)
		}
		if r.spec < 133 {
			continue
		}
		g.set(t, "NetworksAdded", true, uint16(0))
		if _, err := s.BurnTerms(t.Context(), 0, someHotkey, someColdkey); !errors.Is(err, subtensor.ErrRootSubnet) {
			t.Errorf("%s: root: %v", r.dir, err)
		}
	}
}

// A limit holds before anything is signed, and terms hold for their runtime only.
func TestRegisterLimit(t *testing.T) {
	t.Parallel()
	g := mainnet(t)
	s := g.open(t)
	terms, err := s.BurnTerms(t.Context(), 3, someHotkey, someColdkey)
	if err != nil {
		t.Fatal(err)
	}
	want := binary.LittleEndian.AppendUint64(append([]byte{7, 134, 3, 0}, someHotkey[:]...), 1_500_000_000)
	if call, err := s.BurnCall(terms, 1_500_000_000); err != nil || string(call) != string(want) {
		t.Errorf("%x, %v, want %x", call, err, want)
	}
	_, err = s.BurnCall(terms, 0)
	if !errors.Is(err, subtensor.ErrPriceLimit) || nameOf(t, err) != "RegistrationPriceLimitExceeded" || !strings.Contains(err.Error(), "1 TAO, the limit is 0 TAO") {
		t.Error(err)
	}
	for _, change := range []func(*subtensor.BurnTerms){
		func(t *subtensor.BurnTerms) { t.Spec = 425 },
		func(t *subtensor.BurnTerms) { t.Call = "burned_register" },
		func(t *subtensor.BurnTerms) { t.Call = "register" },
	} {
		other := terms
		change(&other)
		if call, err := s.BurnCall(other, ^uint64(0)); call != nil || err == nil {
			t.Errorf("%+v: %x", other, call)
		}
	}
	if _, err := s.BurnTerms(t.Context(), 999, someHotkey, someColdkey); !errors.Is(err, subtensor.ErrSubnetNotFound) {
		t.Error(err)
	}
}

// Runtimes on which nothing is burned, and calls that are not what they were.
func TestNoBurn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		base   string
		change func(*metadata.Metadata)
		want   string
	}{
		{"103-testfinney", func(*metadata.Metadata) {}, "refuse every registration"},
		{"394-main", call("burned_register", func(v *metadata.VariantDef) { v.Name = "burn" }), "neither"},
		{"394-main", rename("burned_register", "hotkey", "key"), `"key"`},
		{"425-main", rename("register_limit", "limit_price", "price"), `"price"`},
		{"425-main", retype("register_limit", "limit_price", "u128"), `"limit_price"`},
		{"425-main", drop("register_limit"), "2 arguments"},
		// a node that hides the call whose limit the chain holds to
		{"425-main", call("register_limit", func(v *metadata.VariantDef) { v.Name = "other" }), "which its metadata lacks"},
	} {
		g := newGround(t, find(t, c.base))
		md := find(t, c.base).v14(t)
		c.change(md)
		g.serve(t, md)
		s := g.open(t)
		if _, err := s.BurnTerms(t.Context(), 3, someHotkey, someColdkey); !errors.Is(err, subtensor.ErrNoBurn) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v", c.base, c.want, err)
		}
		if call, err := s.BurnCall(subtensor.BurnTerms{Call: "register_limit", Spec: s.Runtime.SpecVersion}, ^uint64(0)); call != nil || !errors.Is(err, subtensor.ErrNoBurn) {
			t.Errorf("%s, %s: %x, %v", c.base, c.want, call, err)
		}
	}
}

// serve gives a chain other metadata, in version 14 alone.
func (g *ground) serve(t *testing.T, md *metadata.Metadata) {
	t.Helper()
	raw, err := md.Append(nil, 14)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.v14, g.code = "0x"+hex.EncodeToString(raw), "0x"+strings.Repeat("77", 32)
	g.onlyV14()
	g.mu.Unlock()
	g.meet(t)
}

// The call register is not signed where it burns, however deep it lies in others;
// where it takes a proof it is.
func TestGuard(t *testing.T) {
	t.Parallel()
	pair, err := keypair.FromURI(keypair.Ed25519, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runtimes(t) {
		if r.spec < 302 { // older ones have other pallets around it
			continue
		}
		g := newGround(t, r)
		s := g.open(t)
		var register []byte
		for _, f := range trials(t, r) {
			for i := range f.Results {
				if c := &f.Results[i]; strings.HasPrefix(c.Call, "0x0706") && register == nil {
					register = unhex(t, c.Call)
				}
			}
		}
		if register == nil {
			t.Errorf("%s: no call", r.dir)
			continue
		}
		index := func(pallet, name string) []byte {
			p, def, ok := g.md.Call(pallet, name)
			if !ok {
				t.Fatalf("%s: no %s.%s", r.dir, pallet, name)
			}
			return []byte{p.Index, def.Index}
		}
		batch := slices.Concat(index("Utility", "batch"), []byte{1 << 2}, register)
		other := append(index("System", "remark"), 4, 9)
		all := map[string][]byte{
			"itself":         register,
			"batch":          batch,
			"batch_all":      slices.Concat(index("Utility", "batch_all"), []byte{2 << 2}, other, register),
			"sudo":           append(index("Sudo", "sudo"), register...),
			"proxy":          slices.Concat(index("Proxy", "proxy"), make([]byte, 1+32+1), register),
			"batch of sudo":  slices.Concat(index("Utility", "force_batch"), []byte{1 << 2}, index("Sudo", "sudo"), batch),
			"as_derivative":  slices.Concat(index("Utility", "as_derivative"), []byte{1, 0}, register),
			"something else": other,
		}
		nonce := uint64(1)
		for name, call := range all {
			xt, err := s.Sign(t.Context(), pair, call, substrate.SignOptions{Nonce: &nonce})
			refused := r.spec > 394 && name != "something else"
			if refused != errors.Is(err, subtensor.ErrUnsafe) || refused != (xt == nil) || !refused && err != nil {
				t.Errorf("%s: %s: %x, %v", r.dir, name, xt, err)
			}
		}
		// Signed elsewhere, they are not handed in either.
		g.refuse["author_submitAndWatchExtrinsic"] = "handed in"
		for name, call := range all {
			xt, err := s.Runtime.SignCall(pair, call, substrate.TxParams{})
			if err != nil {
				t.Fatal(err)
			}
			refused := r.spec > 394 && name != "something else"
			// Also by the connection that the client was made of.
			for _, submit := range []func(context.Context, []byte) (*substrate.Submission, error){g.client.Submit, g.client.Client.Submit} {
				if _, err := submit(t.Context(), xt); refused != errors.Is(err, subtensor.ErrUnsafe) || !refused && !strings.Contains(fmt.Sprint(err), "handed in") {
					t.Errorf("%s: %s is submitted: %v", r.dir, name, err)
				}
			}
			if general := slices.Concat([]byte{0x45, 0, 0, 1 << 2, 0, 0}, call); refused {
				if _, err := g.client.Submit(t.Context(), append(scale.AppendCompact(nil, uint64(len(general))), general...)); !errors.Is(err, subtensor.ErrUnsafe) {
					t.Errorf("%s: %s is submitted as a general transaction: %v", r.dir, name, err)
				}
			}
		}
		if _, err := g.client.Submit(t.Context(), []byte{1, 2, 3}); err == nil || strings.Contains(err.Error(), "handed in") || !strings.Contains(err.Error(), "nothing was submitted") {
			t.Errorf("%s: %v", r.dir, err)
		}
		for name, call := range map[string][]byte{"nothing": nil, "no pallet": {255, 0}, "cut": register[:20], "more": append(slices.Clone(other), 1)} {
			if xt, err := s.Sign(t.Context(), nobodySigns{t}, call, substrate.SignOptions{Nonce: &nonce}); err == nil || xt != nil {
				t.Errorf("%s: %s is signed: %x", r.dir, name, xt)
			}
		}
	}
}

// A client that was made of a connection guards that before it has read anything.
func TestGuardOfConnection(t *testing.T) {
	t.Parallel()
	g := newGround(t, find(t, "425-main"))
	g.refuse["author_submitAndWatchExtrinsic"] = "handed in"
	conn, err := substrate.Dial(t.Context(), g.URL(), substrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	subtensor.New(conn, subtensor.Network{Name: "local", Endpoint: g.URL()})
	t.Cleanup(func() { conn.Close() })
	xt := unhex(t, trials(t, find(t, "425-main"))[0].Results[0].Extrinsic) // a registration with a proof
	if _, err := conn.Submit(t.Context(), xt); !errors.Is(err, subtensor.ErrUnsafe) {
		t.Error(err)
	}
}

// What an account can spend: all but the deposit and what is frozen, of which
// reserved TAO is a part. Frozen is two numbers in old runtimes and one in newer.
func TestAccount(t *testing.T) {
	t.Parallel()
	for dir, fields := range map[string]string{
		"119-mock": "free reserved misc_frozen fee_frozen",
		"394-main": "free reserved frozen flags",
	} {
		g := newGround(t, find(t, dir))
		s := g.open(t)
		if got, err := s.Account(t.Context(), ss58.AccountID{99}); err != nil || got != (subtensor.Account{}) || got.Spendable(500) != 0 {
			t.Errorf("%s: %+v, %v", dir, got, err)
		}
		for _, c := range []struct {
			free, reserved, frozen, spendable uint64
		}{
			{1000, 0, 0, 500},
			{400, 0, 0, 0},
			{10_000, 0, 7_000, 3_000},
			{10_000, 2_000, 7_000, 5_000},
			{10_000, 9_000, 7_000, 9_500},
			{10_000, 0, 20_000, 0},
		} {
			g.fund(t, someHotkey, c.free, 3)
			key, err := g.rt.StorageKey("System", "Account", someHotkey)
			if err != nil {
				t.Fatal(err)
			}
			name := "0x" + hex.EncodeToString(key)
			raw := unhex(t, g.storage[name])
			binary.LittleEndian.PutUint64(raw[24:], c.reserved)
			at := 32 // the first, or the only one
			if strings.Contains(fields, "fee_frozen") {
				at = 40
			}
			binary.LittleEndian.PutUint64(raw[at:], c.frozen)
			g.mu.Lock()
			g.storage[name] = "0x" + hex.EncodeToString(raw)
			g.mu.Unlock()
			got, err := s.Account(t.Context(), someHotkey)
			if err != nil || got.Nonce != 3 || got.Spendable(500) != c.spendable {
				t.Errorf("%s: %+v: %+v can spend %d, %v", dir, c, got, got.Spendable(500), err)
			}
		}
	}
}

// An answer that is no fee, and none at all.
func TestFeeFails(t *testing.T) {
	t.Parallel()
	g := newGround(t, find(t, "394-main"))
	s := g.open(t)
	g.fund(t, someHotkey, 1, 0)
	g.refuse["TransactionPaymentApi_query_info"] = "no fees today"
	if _, err := s.RegistrationTerms(t.Context(), 3, someHotkey, someColdkey); err == nil || !strings.Contains(err.Error(), "no fees today") || errors.Is(err, subtensor.ErrFunds) {
		t.Error(err)
	}
	if _, err := s.BurnTerms(t.Context(), 3, someHotkey, someColdkey); err == nil || !strings.Contains(err.Error(), "fee of a registration") {
		t.Error(err)
	}
}
