package devnet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// shape writes a type as it lies on the wire, names of fields and variants
// included.
func shape(r *metadata.Registry, id metadata.TypeID, depth int) string {
	t := r.Type(id)
	if t == nil || depth == 0 {
		return "?"
	}
	fields := func(list []metadata.Field) string {
		var out []string
		for _, f := range list {
			out = append(out, f.Name+":"+shape(r, f.Type, depth-1))
		}
		return strings.Join(out, ",")
	}
	switch t.Kind {
	case metadata.Composite:
		return strings.Join(t.Path, "::") + "{" + fields(t.Fields) + "}"
	case metadata.Variant:
		var out []string
		for _, v := range t.Variants {
			out = append(out, fmt.Sprintf("%d %s(%s)", v.Index, v.Name, fields(v.Fields)))
		}
		slices.Sort(out)
		return strings.Join(t.Path, "::") + "<" + strings.Join(out, "|") + ">"
	case metadata.Sequence:
		return "Vec " + shape(r, t.Elem, depth-1)
	case metadata.Array:
		return fmt.Sprintf("[%s %d]", shape(r, t.Elem, depth-1), t.Len)
	case metadata.Tuple:
		var out []string
		for _, i := range t.Items {
			out = append(out, shape(r, i, depth-1))
		}
		return "(" + strings.Join(out, ",") + ")"
	case metadata.Compact:
		return "Compact " + shape(r, t.Elem, depth-1)
	}
	return fmt.Sprintf("primitive %d", t.Primitive)
}

// A client that has seen no blocks yet learns from the metadata how long they take.
func TestBlockTimeInMetadata(t *testing.T) {
	for blockTime, want := range map[time.Duration]uint64{0: 6000, 12 * time.Second: 6000, time.Second: 500, 250 * time.Millisecond: 125} {
		c := start(t, devnet.Options{BlockTime: blockTime})
		var text string
		c.call(&text, "state_getMetadata")
		md, err := metadata.Parse(unhex(t, text))
		if err != nil {
			t.Fatal(err)
		}
		pallet, _ := md.Pallet("Timestamp")
		if period, ok := pallet.Constant("MinimumPeriod"); !ok || binary.LittleEndian.Uint64(period.Value) != want {
			t.Errorf("block time %v: period %x, want %d ms", blockTime, period.Value, want)
		}
	}
}

// All that the chain has lies as it does in mainnet's own metadata.
func TestMetadataIsMainnets(t *testing.T) {
	real, err := metadata.Parse(vectors.Read(t, "metadata-only/475-finney.metadata_v14.scale.gz"))
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, devnet.Options{})
	var s string
	c.call(&s, "state_getMetadata")
	ours, err := metadata.Parse(unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ours.Append(nil, 14); err != nil || !bytes.Equal(again, unhex(t, s)) {
		t.Errorf("version 14 encodes otherwise: %v", err)
	}
	// These hold what differs on purpose: enums of all pallets, the text of a
	// version (str or Cow, the same bytes), and the Digest's order of variants.
	skip := map[string]bool{"System.Events": true, "System.LastRuntimeUpgrade": true}
	items, variants := 0, 0
	for _, p := range ours.Pallets {
		rp, ok := real.Pallet(p.Name)
		if !ok || rp.Index != p.Index || rp.Prefix != p.Prefix {
			t.Errorf("pallet %s is not mainnet's", p.Name)
			continue
		}
		for _, e := range p.Storage {
			re, ok := rp.Entry(e.Name)
			if !ok {
				t.Errorf("mainnet has no %s.%s", p.Name, e.Name)
				continue
			}
			items++
			if e.Optional != re.Optional || !slices.Equal(e.Hashers, re.Hashers) {
				t.Errorf("%s.%s: optional %v, hashers %v; mainnet %v, %v", p.Name, e.Name, e.Optional, e.Hashers, re.Optional, re.Hashers)
			}
			name := p.Name + "." + e.Name
			if !bytes.Equal(e.Default, re.Default) {
				t.Errorf("%s: default %x, mainnet %x", name, e.Default, re.Default)
			}
			if skip[name] {
				continue
			}
			if d := cmp.Diff(shape(real.Types, re.Value, 9), shape(ours.Types, e.Value, 9)); d != "" {
				t.Errorf("%s: value, mainnet and ours: %s", name, d)
			}
			if len(e.Hashers) > 0 {
				if d := cmp.Diff(shape(real.Types, re.Key, 9), shape(ours.Types, e.Key, 9)); d != "" {
					t.Errorf("%s: keys, mainnet and ours: %s", name, d)
				}
			}
		}
		for kind, pair := range map[string][2]metadata.TypeID{"call": {p.Calls, rp.Calls}, "event": {p.Events, rp.Events}, "error": {p.Errors, rp.Errors}} {
			if pair[0] == metadata.NoType {
				continue
			}
			for _, v := range ours.Types.Type(pair[0]).Variants {
				if v.Name == "faucet" {
					continue // mainnet is built without it: see TestFaucetCall
				}
				variants++
				found := false
				for _, w := range real.Types.Type(pair[1]).Variants {
					if w.Name == v.Name && w.Index == v.Index && len(w.Fields) == len(v.Fields) {
						found = true
						for i := range v.Fields {
							if d := cmp.Diff(shape(real.Types, w.Fields[i].Type, 9), shape(ours.Types, v.Fields[i].Type, 9)); d != "" || v.Fields[i].Name != w.Fields[i].Name {
								t.Errorf("%s %s.%s, field %d: %s", kind, p.Name, v.Name, i, d)
							}
						}
					}
				}
				if !found {
					t.Errorf("mainnet has no %s %s.%s of index %d and these fields", kind, p.Name, v.Name, v.Index)
				}
			}
		}
		for _, k := range p.Constants {
			if rk, ok := rp.Constant(k.Name); k.Name != "Version" && (!ok || !bytes.Equal(rk.Value, k.Value)) {
				t.Errorf("constant %s.%s is not mainnet's", p.Name, k.Name)
			}
		}
	}
	if items < 90 || variants < 20 {
		t.Errorf("%d storage items, %d variants compared", items, variants)
	}
	if len(ours.Extrinsic.Extensions) != len(real.Extrinsic.Extensions) {
		t.Fatalf("%d extensions", len(ours.Extrinsic.Extensions))
	}
	for i, x := range ours.Extrinsic.Extensions {
		rx := real.Extrinsic.Extensions[i]
		if x.Identifier != rx.Identifier || shape(ours.Types, x.Additional, 9) != shape(real.Types, rx.Additional, 9) || width(ours.Types, x.Extra) != width(real.Types, rx.Extra) {
			t.Errorf("extension %d: %s, mainnet %s", i, x.Identifier, rx.Identifier)
		}
	}
}

// width tells empty extensions from those that take bytes.
func width(r *metadata.Registry, id metadata.TypeID) bool {
	t := r.Type(r.Unwrap(id))
	return t.Kind != metadata.Composite && t.Kind != metadata.Tuple || len(t.Fields)+len(t.Items) > 0
}

// The answers of the runtime APIs have the layouts that a real 475 gives to be
// compared with, collateral at the end of the metagraph aside.
func TestAPILayouts(t *testing.T) {
	real, err := metadata.ParseAnswer(vectors.Read(t, "475-backport/metadata_at_version_15.state_call.scale.gz"))
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, devnet.Options{})
	if c.md.Version != 15 {
		t.Errorf("version %d", c.md.Version)
	}
	for _, api := range c.md.APIs {
		if !strings.HasPrefix(api.Name, "NeuronInfo") && !strings.HasPrefix(api.Name, "SubnetInfo") {
			continue
		}
		for _, m := range api.Methods {
			rm, ok := real.Method(api.Name, m.Name)
			if !ok {
				t.Errorf("no %s_%s in the real metadata", api.Name, m.Name)
				continue
			}
			got, want := wire(c.md.Types, m.Output), wire(real.Types, rm.Output)
			got = strings.Replace(got, ",collateral_locked:Vec Compact 6,collateral_min:Vec Compact 6,collateral_earned:Vec Compact 6", "", 1)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s_%s, real and ours: %s", api.Name, m.Name, d)
			}
		}
	}
}

// wire is a type with newtypes taken off and no paths.
func wire(r *metadata.Registry, id metadata.TypeID) string {
	t := r.Type(r.Unwrap(id))
	var out []string
	switch t.Kind {
	case metadata.Composite:
		for _, f := range t.Fields {
			out = append(out, f.Name+":"+wire(r, f.Type))
		}
	case metadata.Variant:
		for _, v := range t.Variants {
			s := v.Name
			for _, f := range v.Fields {
				s += " " + wire(r, f.Type)
			}
			out = append(out, s)
		}
	case metadata.Sequence:
		return "Vec " + wire(r, t.Elem)
	case metadata.Array:
		return fmt.Sprintf("[%s %d]", wire(r, t.Elem), t.Len)
	case metadata.Tuple:
		for _, i := range t.Items {
			out = append(out, wire(r, i))
		}
	case metadata.Compact:
		return "Compact " + wire(r, t.Elem)
	default:
		return fmt.Sprint(t.Primitive)
	}
	return "{" + strings.Join(out, ",") + "}"
}

// Known keys of Substrate chains, written down by others.
func TestStorageKeys(t *testing.T) {
	c := start(t, devnet.Options{})
	c.Step()
	for want, got := range map[string][]byte{
		"0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d": c.key("System", "Account", unhex(t, "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")),
		"0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7":                                                                                                 c.key("System", "Events"),
	} {
		if hexOf(got) != want {
			t.Errorf("key %x, want %s", got, want)
		}
		var value *string
		if c.call(&value, "state_getStorage", want); value == nil {
			t.Errorf("nothing is stored under %s", want)
		}
	}
	var account string
	c.call(&account, "state_call", "SubnetInfoRuntimeApi_get_subnet_account_id", "0x0100")
	if id, err := ss58.Parse("5EYCAe5jLQhn6ofDSvqWqk5fA9XiqK3ahtx5kBNmAqF78mqL"); err != nil || account != "0x01"+hexOf(id[:])[2:] {
		t.Errorf("account of netuid 1: %s, %v", account, err)
	}
}
