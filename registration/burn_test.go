package registration_test

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// rich returns a registrant whose coldkey has a million TAO.
func rich(t *testing.T) *registrant {
	t.Helper()
	alice, err := keypair.FromURI(keypair.Sr25519, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	return &registrant{hot: pair(t, t.Name()+" hotkey"), cold: alice}
}

const (
	price = 50_000_000 // rao, that the tests' subnets ask
	plus  = 2 * price  // a limit that is kept
)

// priced starts a chain on which a registration costs something.
func priced(t *testing.T) *chain {
	t.Helper()
	c := start(t, devnet.Options{Difficulty: difficulty, Storage: []devnet.Entry{
		{Pallet: "SubtensorModule", Item: "Burn", Keys: [][]byte{u16(netuid)}, Value: u64(price)},
		{Pallet: "SubtensorModule", Item: "MinBurn", Keys: [][]byte{u16(netuid)}, Value: u64(price)},
		{Pallet: "SubtensorModule", Item: "NetworkRegistrationAllowed", Keys: [][]byte{u16(netuid)}, Value: []byte{1}},
	}})
	return c
}

// free reads an account's balance.
func free(t *testing.T, client *subtensor.Client, id ss58.AccountID) uint64 {
	t.Helper()
	state, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account, err := state.Account(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return account.Free
}

func agree(subtensor.BurnTerms) error { return nil }

func TestBurn(t *testing.T) {
	c := priced(t)
	client, who, rec := c.dial(t), rich(t), stepping(t, c)
	before := free(t, client, who.cold.Account())
	var shown []subtensor.BurnTerms
	result, err := registration.Burn(soon(t), client, netuid, who.keys(), registration.BurnOptions{
		Limit: price,
		Confirm: func(terms subtensor.BurnTerms) error {
			if len(who.asked) != 0 || c.submitted() != 0 {
				t.Error("a key was asked for before anybody agreed")
			}
			shown = append(shown, terms)
			return nil
		},
		Progress: rec.progress,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(shown) != 1 || shown[0].Price != price || shown[0].Call != "register_limit" || shown[0].Burned+shown[0].Locked != price {
		t.Errorf("shown %+v", shown)
	}
	if !slices.Equal(who.asked, []subtensor.Signer{subtensor.ColdkeySigns}) || c.submitted() != 1 {
		t.Errorf("asked for %v, %d submissions", who.asked, c.submitted())
	}
	if result.UID != 16 || result.Block.Number != 3 || neuronOf(t, client, 16) != who.hot.Account() {
		t.Errorf("result %+v", result)
	}
	if paid := before - free(t, client, who.cold.Account()); result.Paid != paid || paid != price+result.Terms.Fee {
		t.Errorf("paid %d, the account lost %d, price and fee are %d", result.Paid, paid, price+result.Terms.Fee)
	}
	want := []registration.Phase{registration.Submitting, registration.Submitted, registration.InBlock}
	if !slices.Equal(rec.phases, want) {
		t.Errorf("phases %v, want %v", rec.phases, want)
	}
	noGoroutines(t)
}

// Nothing is signed, and nobody is asked for a key, where the price is not agreed to.
func TestBurnIsRefused(t *testing.T) {
	c := priced(t)
	client := c.dial(t)
	no := errors.New("too dear")
	asked := 0
	for _, test := range []struct {
		name   string
		netuid uint16
		opts   registration.BurnOptions
		want   error
		asked  int
	}{
		{"no limit", netuid, registration.BurnOptions{Confirm: agree}, registration.ErrNoLimit, 0},
		{"nobody to agree", netuid, registration.BurnOptions{Limit: price}, registration.ErrNotConfirmed, 0},
		{"above the limit", netuid, registration.BurnOptions{Limit: price - 1, Confirm: agree}, subtensor.ErrPriceLimit, 0},
		{"not agreed", netuid, registration.BurnOptions{Limit: price, Confirm: func(subtensor.BurnTerms) error { return no }}, no, 1},
		{"no such subnet", 999, registration.BurnOptions{Limit: price, Confirm: agree}, registration.ErrSubnetNotExist, 0},
		{"root", 0, registration.BurnOptions{Limit: price, Confirm: agree}, subtensor.ErrRootSubnet, 0},
	} {
		who := rich(t)
		asked = 0
		if agreed := test.opts.Confirm; agreed != nil {
			test.opts.Confirm = func(terms subtensor.BurnTerms) error {
				asked++
				return agreed(terms)
			}
		}
		result, err := registration.Burn(soon(t), client, test.netuid, who.keys(), test.opts)
		if !errors.Is(err, test.want) || result != (registration.BurnResult{}) {
			t.Errorf("%s: %+v, %v", test.name, result, err)
		}
		if asked != test.asked || len(who.asked) != 0 || c.submitted() != 0 {
			t.Errorf("%s: Confirm called %d times, keys %v, %d submissions", test.name, asked, who.asked, c.submitted())
		}
	}
	// Who cannot pay is told so.
	poor := newRegistrant(t)
	if _, err := registration.Burn(soon(t), client, netuid, poor.keys(), registration.BurnOptions{Limit: price, Confirm: agree}); !errors.Is(err, subtensor.ErrFunds) || len(poor.asked) != 0 {
		t.Errorf("without funds: %v, keys %v", err, poor.asked)
	}
}

// The price that counts is that of the block that is signed for.
func TestBurnPriceRisesMeanwhile(t *testing.T) {
	c := priced(t)
	who := rich(t)
	_, err := registration.Burn(soon(t), c.dial(t), netuid, who.keys(), registration.BurnOptions{
		Limit: price,
		Confirm: func(subtensor.BurnTerms) error {
			c.set(t, "MinBurn", u64(plus), u16(netuid))
			c.set(t, "Burn", u64(plus), u16(netuid))
			c.node.Step()
			return nil
		},
	})
	if !errors.Is(err, subtensor.ErrPriceLimit) || c.submitted() != 0 {
		t.Errorf("error %v, %d submissions", err, c.submitted())
	}
}

// A connection that is lost costs nothing twice, whatever the node got.
func TestBurnConnectionLost(t *testing.T) {
	for _, test := range []struct {
		name    string
		reached bool
		built   int
	}{
		{"the node never got it", false, 0},
		{"in the pool", true, 0},
		{"in a block", true, 1},
		{"in a block long ago", true, 40},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := priced(t)
			c.cut("author_submitAndWatchExtrinsic", 1, test.reached, c.build(test.built))
			rec := stepping(t, c)
			rec.stepOnceHandedInAgain(c)
			who, client := rich(t), c.dial(t)
			before := free(t, client, who.cold.Account())
			result, err := registration.Burn(soon(t), client, netuid, who.keys(), registration.BurnOptions{Limit: plus, Confirm: agree, Progress: rec.progress})
			if err != nil {
				t.Fatal(err)
			}
			rec.lost(t, registration.InBlock)
			again := c.dial(t)
			if paid := before - free(t, again, who.cold.Account()); result.UID != 16 || result.Block.Number != 3 || result.Paid != paid || paid >= plus {
				t.Errorf("result %+v, paid %d", result, paid)
			}
			noGoroutines(t)
		})
	}
}

// A registration that no block takes is not tried again, and not paid.
func TestBurnLost(t *testing.T) {
	c := priced(t)
	refusing(c, 1, `"result":"never heard of again"`)
	client, who := c.dial(t), rich(t)
	before := free(t, client, who.cold.Account())
	rec := &recorder{t: t, at: map[registration.Phase]func(registration.Progress){registration.Submitted: func(registration.Progress) { c.node.Step() }}}
	_, err := registration.Burn(soon(t), client, netuid, who.keys(), registration.BurnOptions{Limit: price, Confirm: agree, Progress: rec.progress})
	if err == nil || !strings.Contains(err.Error(), "nothing was paid") || c.submitted() != 1 || free(t, client, who.cold.Account()) != before {
		t.Errorf("error %v, %d submissions", err, c.submitted())
	}
	noGoroutines(t)
}

// Interrupted after the submission, the user hears that it may still happen.
func TestBurnCancelled(t *testing.T) {
	c := priced(t)
	ctx, cancel := context.WithCancel(soon(t))
	rec := &recorder{t: t, at: map[registration.Phase]func(registration.Progress){registration.Submitted: func(registration.Progress) { cancel() }}}
	_, err := registration.Burn(ctx, c.dial(t), netuid, rich(t).keys(), registration.BurnOptions{Limit: price, Confirm: agree, Progress: rec.progress})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may still") {
		t.Errorf("error %v", err)
	}
	noGoroutines(t)
}

// No proof of work and no other path ends in a call that burns: the calls that are
// submitted on a chain with all of them are pow_register's.
func TestOnlyBurnBurns(t *testing.T) {
	c := priced(t)
	client, who := c.dial(t), rich(t)
	before := free(t, client, who.cold.Account())
	if _, err := registration.Register(soon(t), client, netuid, who.keys(), registration.Options{Progress: stepping(t, c).progress}); err != nil {
		t.Fatal(err)
	}
	if after := free(t, client, who.cold.Account()); after != before {
		t.Errorf("a proof of work cost %d rao", before-after)
	}
}

// Where there is no register_limit, burned_register is signed, with a short life.
func TestBurnedRegister(t *testing.T) {
	node := newFrozen(t, 218, vectors.Read(t, "218-raonet/metadata_v14.scale.gz"))
	client := dial(t, node.url)
	state, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	who := newRegistrant(t)
	for item, value := range map[string][]byte{
		"NetworksAdded": {1}, "NetworkRegistrationAllowed": {1}, "Burn": u64(price),
		"MaxRegistrationsPerBlock": u16(1), "TargetRegistrationsPerInterval": u16(2), "AdjustmentInterval": u16(100), "MaxAllowedUids": u16(64),
	} {
		node.set(t, state.Runtime, value, item, uint16(netuid))
	}
	node.fund(t, state.Runtime, who.cold.Account(), plus)
	_, err = registration.Burn(soon(t), client, netuid, who.keys(), registration.BurnOptions{Limit: plus, Confirm: func(terms subtensor.BurnTerms) error {
		if terms.Call != "burned_register" || terms.Limited || terms.Price != price {
			t.Errorf("terms %+v", terms)
		}
		return nil
	}})
	var pool *substrate.PoolError
	if !errors.As(err, &pool) { // it takes nothing, but it was asked to
		t.Fatalf("error %v", err)
	}
	xt, err := hex.DecodeString(strings.TrimPrefix(node.submitted(), "0x"))
	if err != nil {
		t.Fatal(err)
	}
	hot := who.hot.Account()
	// Pallet 7, call 7, netuid, hotkey (chain-facts 1.4).
	if want := slices.Concat([]byte{7, 7}, u16(netuid), hot[:]); !strings.HasSuffix(string(xt), string(want)) {
		t.Errorf("submitted %x, want it to end in %x", xt, want)
	}
	// Era after length, version, account and signature: period 4 at phase 100 mod 4.
	if era := xt[2+1+33+1+64:][:2]; era[0] != 1 || era[1] != 0 {
		t.Errorf("era %x", era)
	}
}

// A subnet whose target of registrations an interval is 0 takes none: nothing is
// searched, signed or waited for.
func TestIntervalAdmitsNone(t *testing.T) {
	node := newFrozen(t, 218, vectors.Read(t, "218-raonet/metadata_v14.scale.gz"))
	client := dial(t, node.url)
	state, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for item, v := range map[string][]byte{
		"NetworksAdded": {1}, "NetworkPowRegistrationAllowed": {1}, "NetworkRegistrationAllowed": {1}, "Burn": u64(price), "Difficulty": u64(difficulty), "MaxRegistrationsPerBlock": u16(1),
		"TargetRegistrationsPerInterval": u16(0), "AdjustmentInterval": u16(100), "MaxAllowedUids": u16(64),
	} {
		node.set(t, state.Runtime, v, item, uint16(netuid))
	}
	who := newRegistrant(t)
	node.fund(t, state.Runtime, who.cold.Account(), plus)
	if _, err := registration.Register(soon(t), client, netuid, who.keys(), registration.Options{}); !errors.Is(err, subtensor.ErrTooManyThisInterval) {
		t.Error(err)
	}
	if _, err := registration.Burn(soon(t), client, netuid, who.keys(), registration.BurnOptions{Limit: plus, Confirm: agree}); !errors.Is(err, subtensor.ErrTooManyThisInterval) {
		t.Error(err)
	}
	if xt := node.submitted(); xt != "" {
		t.Errorf("submitted %s", xt)
	}
}
