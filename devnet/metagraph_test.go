package devnet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

type axon struct {
	Block        uint64
	Version      uint32
	IP           scale.U128 `scale:"ip"`
	Port         uint16
	IPType       uint8 `scale:"ip_type"`
	Protocol     uint8
	Placeholder1 uint8 `scale:"placeholder1"`
	Placeholder2 uint8 `scale:"placeholder2"`
}

type pair struct{ UID, Value uint16 }

type stake struct {
	Account ss58.AccountID
	Amount  uint64
}

type neuron struct {
	Hotkey, Coldkey                                 ss58.AccountID
	UID                                             uint16 `scale:"uid"`
	Netuid                                          uint16
	Active                                          bool
	AxonInfo                                        axon
	Stake                                           []stake
	Emission                                        uint64
	Incentive, Consensus, ValidatorTrust, Dividends uint16
	LastUpdate                                      uint64
	ValidatorPermit                                 bool
	Weights                                         []pair `scale:"weights,optional"`
	Bonds                                           []pair `scale:"bonds,optional"`
	PruningScore                                    uint16
}

type metagraph struct {
	Netuid                           uint16
	Name                             string
	Block                            uint64
	NumUIDs                          uint16 `scale:"num_uids"`
	Hotkeys, Coldkeys                []ss58.AccountID
	Axons                            []axon
	Active, ValidatorPermit          []bool
	LastUpdate, Emission             []uint64
	Dividends, Incentives, Consensus []uint16
	BlockAtRegistration              []uint64
	AlphaStake, TaoStake, TotalStake []uint64
	Rank, Trust, PruningScore        []uint16
	CollateralLocked                 []uint64
}

type subnetState struct {
	Hotkeys                          []ss58.AccountID
	AlphaStake, TaoStake, TotalStake []uint64
	EmissionHistory                  [][]uint64
}

// Every way to read the subnet shows the same neurons, at the genesis and after a
// registration.
func TestMetagraph(t *testing.T) {
	c := start(t, registrable())
	check := func(n int) []neuron {
		t.Helper()
		var full, lite []neuron
		c.api(&full, "NeuronInfoRuntimeApi", "get_neurons", le16(1))
		c.api(&lite, "NeuronInfoRuntimeApi", "get_neurons_lite", le16(1))
		var m *metagraph
		c.api(&m, "SubnetInfoRuntimeApi", "get_metagraph", le16(1))
		var s *subnetState
		c.api(&s, "SubnetInfoRuntimeApi", "get_subnet_state", le16(1))
		if len(full) != n || len(lite) != n || m == nil || int(m.NumUIDs) != n || len(m.Hotkeys) != n || len(m.CollateralLocked) != n || s == nil {
			t.Fatalf("%d neurons, %d lite, metagraph %+v", len(full), len(lite), m)
		}
		incentive := 0
		for uid, x := range full {
			l := x
			l.Weights, l.Bonds = nil, nil
			if d := cmp.Diff(l, lite[uid]); d != "" {
				t.Errorf("uid %d, full and lite: %s", uid, d)
			}
			var one *neuron
			if c.api(&one, "NeuronInfoRuntimeApi", "get_neuron", append(le16(1), le16(uint16(uid))...)); !cmp.Equal(*one, x) {
				t.Errorf("uid %d alone: %s", uid, cmp.Diff(x, *one))
			}
			fromColumns := neuron{
				Hotkey: m.Hotkeys[uid], Coldkey: m.Coldkeys[uid], UID: uint16(uid), Netuid: 1, Active: m.Active[uid], AxonInfo: m.Axons[uid],
				Stake:    []stake{{m.Coldkeys[uid], m.AlphaStake[uid]}},
				Emission: m.Emission[uid], Incentive: m.Incentives[uid], Consensus: m.Consensus[uid], ValidatorTrust: x.ValidatorTrust,
				Dividends: m.Dividends[uid], LastUpdate: m.LastUpdate[uid], ValidatorPermit: m.ValidatorPermit[uid], PruningScore: 65535,
			}
			if d := cmp.Diff(l, fromColumns); d != "" {
				t.Errorf("uid %d, neuron and metagraph: %s", uid, d)
			}
			// And storage, read by keys.
			hotkey := c.stored("Keys", le16(1), le16(uint16(uid)))
			if !slices.Equal(hotkey, x.Hotkey[:]) || !slices.Equal(c.stored("Uids", le16(1), hotkey), le16(uint16(uid))) || !slices.Equal(c.stored("Owner", hotkey), x.Coldkey[:]) {
				t.Errorf("uid %d: storage has hotkey %x", uid, hotkey)
			}
			for item, row := range map[string][]pair{"Weights": x.Weights, "Bonds": x.Bonds} {
				want := scale.AppendCompact(nil, uint64(len(row)))
				for _, e := range row {
					want = append(append(want, le16(e.UID)...), le16(e.Value)...)
				}
				if got := c.stored(item, le16(1), le16(uint16(uid))); (got != nil || len(row) > 0) && !slices.Equal(got, want) {
					t.Errorf("uid %d: storage has %s %x, want %x", uid, item, got, want)
				}
			}
			served := c.stored("Axons", le16(1), hotkey)
			if (served != nil) != (x.AxonInfo != axon{}) {
				t.Errorf("uid %d: axon %x", uid, served)
			}
			if root := m.TaoStake[uid]; m.TotalStake[uid] != m.AlphaStake[uid]+root*18/100 && m.TotalStake[uid]+1 != m.AlphaStake[uid]+root*18/100 {
				t.Errorf("uid %d: stake %d of %d and %d", uid, m.TotalStake[uid], m.AlphaStake[uid], root)
			}
			incentive += int(x.Incentive)
		}
		if !cmp.Equal(s.Hotkeys, m.Hotkeys) || !cmp.Equal(s.TotalStake, m.TotalStake) || len(s.EmissionHistory) != 4 || len(m.Rank)+len(m.Trust)+len(m.PruningScore) != 0 {
			t.Error("subnet state and metagraph differ")
		}
		if incentive != 65535 {
			t.Errorf("incentives sum up to %d", incentive)
		}
		return full
	}
	old := check(16)
	if !old[0].ValidatorPermit || len(old[0].Weights) == 0 || len(old[0].Bonds) == 0 || old[4].Incentive == 0 || old[0].Dividends == 0 {
		t.Errorf("a genesis with nothing to show: %+v", old[0])
	}
	a := c.registrant("a")
	id := a.submit(a.proof(meeting(20_000)))
	c.Step()
	if got := c.fate(id); got != "inBlock" {
		t.Fatal(got)
	}
	now := check(17)
	if d := cmp.Diff(old, now[:16]); d != "" {
		t.Errorf("the others changed: %s", d)
	}
	want := neuron{
		Hotkey: a.hotkey.Account(), Coldkey: a.coldkey.Account(), UID: 16, Netuid: 1, Active: true,
		Stake: []stake{{Account: a.coldkey.Account()}}, LastUpdate: 1, PruningScore: 65535,
	}
	if d := cmp.Diff(want, now[16]); d != "" {
		t.Errorf("the new neuron: %s", d)
	}
	if got := c.stored("LastPowRegistrationBlock", key(a.hotkey)); !slices.Equal(got, le64(0)) {
		t.Errorf("last work block %x", got)
	}
}

// All answers decode by the chain's own types, about subnets that exist and one
// that does not.
func TestAnswersDecode(t *testing.T) {
	c := start(t, devnet.Options{})
	c.Step()
	args := map[string][]byte{"netuid": le16(1), "uid": le16(3), "account": make([]byte, 32), "version": le32(15)}
	for _, api := range c.md.APIs {
		for _, m := range api.Methods {
			var in []byte
			known := true
			for _, p := range m.Inputs {
				v, ok := args[p.Name]
				in, known = append(in, v...), known && ok
			}
			if !known {
				continue
			}
			answer := c.stateCall(api.Name+"_"+m.Name, in)
			r := scale.NewReader(answer)
			if v, err := c.types.Value(m.Output, r); err != nil || r.Remaining() > 0 || v == nil {
				t.Errorf("%s_%s: %v, %d bytes left", api.Name, m.Name, err, r.Remaining())
			}
			if len(m.Inputs) > 0 && m.Inputs[0].Name == "netuid" {
				in[0], in[1] = 0xe7, 3 // 999
				if got := c.stateCall(api.Name+"_"+m.Name, in); len(got) != 1 || got[0] != 0 {
					t.Errorf("%s_%s of netuid 999: %x", api.Name, m.Name, got)
				}
				in[0], in[1] = 0, 0
				if _, err := c.types.Value(m.Output, scale.NewReader(c.stateCall(api.Name+"_"+m.Name, in))); err != nil {
					t.Errorf("%s_%s of the root: %v", api.Name, m.Name, err)
				}
			}
		}
	}
	if _, e := c.try("state_call", "NeuronInfoRuntimeApi_get_neurons", "0x01"); e == nil || e.Code != 4003 {
		t.Errorf("half a netuid: %v", e)
	}
}

// Every field about the subnet shows the storage value that it is named after:
// each gets a value of its own and is found in all answers that have it.
func TestSubnetFields(t *testing.T) {
	fields := []struct {
		item  string
		width int
		names string
	}{
		{"Rho", 2, "rho"},
		{"Kappa", 2, "kappa"},
		{"ImmunityPeriod", 2, "immunity_period"},
		{"MaxAllowedValidators", 2, "max_allowed_validators max_validators"},
		{"MinAllowedWeights", 2, "min_allowed_weights"},
		{"MaxWeightsLimit", 2, "max_weights_limit"},
		{"ScalingLawPower", 2, "scaling_law_power"},
		{"MaxAllowedUids", 2, "max_allowed_uids max_uids"},
		{"Tempo", 2, "tempo"},
		{"Burn", 8, "burn"},
		{"MinBurn", 8, "min_burn"},
		{"MaxBurn", 8, "max_burn"},
		{"MinDifficulty", 8, "min_difficulty"},
		{"MaxDifficulty", 8, "max_difficulty"},
		{"Difficulty", 8, "difficulty"},
		{"WeightsVersionKey", 8, "weights_version"},
		{"WeightsSetRateLimit", 8, "weights_rate_limit"},
		{"AdjustmentInterval", 2, "adjustment_interval"},
		{"AdjustmentAlpha", 8, "adjustment_alpha"},
		{"TargetRegistrationsPerInterval", 2, "target_regs_per_interval"},
		{"BondsMovingAverage", 8, "bonds_moving_avg"},
		{"MaxRegistrationsPerBlock", 2, "max_regs_per_block"},
		{"ServingRateLimit", 8, "serving_rate_limit"},
		{"RevealPeriodEpochs", 8, "commit_reveal_period"},
		{"SubnetAlphaIn", 8, "alpha_in"},
		{"SubnetAlphaOut", 8, "alpha_out"},
		{"SubnetTAO", 8, "tao_in"},
		{"SubnetAlphaOutEmission", 8, "alpha_out_emission"},
		{"SubnetAlphaInEmission", 8, "alpha_in_emission"},
		{"SubnetTaoInEmission", 8, "tao_in_emission"},
		{"PendingServerEmission", 8, "pending_alpha_emission"},
		{"NetworkRegisteredAt", 8, "network_registered_at"},
		{"LastMechansimStepBlock", 8, "last_step"},
	}
	flags := map[string]string{
		"NetworkRegistrationAllowed": "registration_allowed", "NetworkPowRegistrationAllowed": "pow_registration_allowed",
		"CommitRevealWeightsEnabled": "commit_reveal_weights_enabled", "LiquidAlphaOn": "liquid_alpha_enabled",
		"SubtokenEnabled": "subnet_is_active", "TransferToggle": "transfers_enabled", "BondsResetOn": "bonds_reset_enabled",
	}
	c := start(t, devnet.Options{})
	want := map[string]any{}
	var entries []devnet.Entry
	for i, f := range fields {
		v := uint64(100 + i)
		if f.item == "LastMechansimStepBlock" {
			v = 1
		}
		entries = append(entries, entry(f.item, le64(v)[:f.width], le16(1)))
		for _, name := range strings.Fields(f.names) {
			want[name] = v
		}
	}
	owner, ownerHotkey := [32]byte{1}, [32]byte{2}
	entries = append(entries, entry("SubnetOwner", owner[:], le16(1)), entry("SubnetOwnerHotkey", ownerHotkey[:], le16(1)),
		entry("AlphaValues", append(le16(61), le16(62)...), le16(1)), entry("SubnetVolume", append(le64(0), le64(9)...), le16(1)))
	want["alpha_low"], want["alpha_high"] = uint64(61), uint64(62)
	want["owner"], want["owner_coldkey"], want["owner_hotkey"] = owner[:], owner[:], ownerHotkey[:]
	want["subnet_volume"] = scale.U128{Hi: 9}
	for item := range flags {
		entries = append(entries, entry(item, []byte{0}, le16(1)))
	}
	c.write(entries...)
	seen := map[string]bool{}
	answers := []string{"get_subnet_info", "get_subnet_hyperparams", "get_subnet_hyperparams_v2", "get_dynamic_info", "get_metagraph"}
	read := func(method string) *codec.Record {
		t.Helper()
		m, _ := c.md.Method("SubnetInfoRuntimeApi", method)
		v, err := c.types.Value(m.Output, scale.NewReader(c.stateCall("SubnetInfoRuntimeApi_"+method, le16(1))))
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		if some, ok := v.(*codec.Variant); ok {
			v = some.Record.Fields[0].Value
		}
		return v.(*codec.Record)
	}
	for _, method := range answers {
		record := read(method)
		for name, v := range want {
			got, ok := record.Get(name)
			if !ok {
				continue
			}
			seen[name] = true
			if fmt.Sprint(got) != fmt.Sprint(v) {
				t.Errorf("%s: %s is %v, want %v", method, name, got, v)
			}
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("no answer has a field %s", name)
		}
	}
	// One flag at a time, so that no two can be taken for each other.
	for item, name := range flags {
		c.write(entry(item, []byte{1}, le16(1)))
		for _, method := range answers {
			record := read(method)
			for _, other := range flags {
				if got, ok := record.Get(other); ok && got != (other == name) {
					t.Errorf("%s with %s set: %s is %v", method, item, other, got)
				}
			}
		}
		c.write(entry(item, []byte{0}, le16(1)))
	}
}
