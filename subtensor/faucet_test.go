package subtensor_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// The faucet follows the eras of the classic puzzle (chain-facts 1.1, 1.2 and 1.5),
// with the coldkey in the hotkey's place; today it goes on as it was.
func TestFaucetRule(t *testing.T) {
	t.Parallel()
	var bh, ck [32]byte
	for i := range 32 {
		bh[i], ck[i] = 0x11, 0x22
	}
	const (
		little = "0x26fca48850780c94aec515f84dbbf97efafc989ad057f5007e389129b622b147"
		big    = "0xa25202e708da67a43db8c944a10dba93972f58b3628333b9cb6452ef8ad585eb"
	)
	md := find(t, "326-main").v14(t)
	for _, c := range []struct {
		spec    uint32
		seal    string // "" for a refusal
		reading pow.Order
	}{
		{100, "", 0},
		{110, "", 0},
		{117, "", 0},
		{135, little, pow.BigEndian},
		{148, little, pow.BigEndian},
		{149, big, pow.BigEndian},
		{150, big, pow.BigEndian},
		{151, little, pow.BigEndian},
		{277, little, pow.BigEndian},
		{278, "", 0},
		{282, "", 0},
		{283, little, pow.LittleEndian},
		{364, little, pow.LittleEndian},
		{394, little, pow.LittleEndian},
		{425, little, pow.LittleEndian},
		{475, little, pow.LittleEndian},
	} {
		rule, err := subtensor.NewFaucetRule(md, c.spec)
		if (err == nil) != (c.seal != "") || err != nil && !errors.Is(err, subtensor.ErrNoFaucet) {
			t.Errorf("%d: %+v, %v", c.spec, rule, err)
		}
		if err != nil {
			continue
		}
		ch := rule.Challenge(9, substrate.Hash(bh), ss58.AccountID{3}, ss58.AccountID(ck))
		if got := ch.Seal(0x0102030405060708).String(); got != c.seal || ch.Reading() != c.reading {
			t.Errorf("%d: seal %s read %v, want %s", c.spec, got, ch.Reading(), c.seal)
		}
		if rule.Call != "faucet" || rule.Signer != subtensor.ColdkeySigns || rule.Window != 2 || rule.PaysFee || rule.Spec != c.spec {
			t.Errorf("%d: %+v", c.spec, rule)
		}
	}
	for _, c := range []struct {
		base   string
		change func(*metadata.Metadata)
		want   string
	}{
		{"326-main", rename("faucet", "work", "seal"), `"seal"`},
		{"326-main", retype("faucet", "work", "[u8; 32]"), `"work"`},
		{"326-main", drop("faucet"), "2 arguments"},
	} {
		md := find(t, c.base).v14(t)
		c.change(md)
		if _, err := subtensor.NewFaucetRule(md, 326); !errors.Is(err, subtensor.ErrNoFaucet) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.want, err)
		}
	}
}

// Which runtimes of the vectors have a faucet: chain-facts 1.5.
func TestFaucetOfEveryRuntime(t *testing.T) {
	t.Parallel()
	for _, r := range runtimes(t) {
		for _, md := range r.versions(t) {
			schema, err := subtensor.NewSchema(md, r.spec)
			if err != nil {
				t.Fatal(err)
			}
			rule, err := schema.FaucetRule()
			if has := r.spec >= 135 && r.spec < 365; has != (err == nil) || !has && (!errors.Is(err, subtensor.ErrNoFaucet) || !strings.Contains(subtensor.Explain(err), "bt devnet")) {
				t.Errorf("%s: %+v, %v", r.dir, rule, err)
			}
			// A proof for one call is not handed to the other.
			if call, err := schema.RegisterCall(rule, 1, ss58.AccountID{}, ss58.AccountID{}, pow.Solution{}); err == nil {
				t.Errorf("%s: %x", r.dir, call)
			}
			if other, err := schema.PowRule(); err == nil {
				if call, err := schema.FaucetCall(other, pow.Solution{}); err == nil {
					t.Errorf("%s: %x", r.dir, call)
				}
			}
		}
	}
}
