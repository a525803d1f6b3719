package subtensor_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// The field lists of the chain's source in the order in which it has them, at the
// commits that TestRowsWithoutRecordings names. C16 stands for Compact<u16> and so
// on, A for an account.
const (
	subnetHeadList = "netuid C16, rho C16, kappa C16, difficulty C64, immunity_period C16, "
	subnetBodyList = "max_allowed_validators C16, min_allowed_weights C16, max_weights_limit C16, scaling_law_power C16, " +
		"subnetwork_n C16, max_allowed_uids C16, blocks_since_last_step C64, tempo C16, network_modality C16, network_connect Vec<[u16;2]>, "
	hyperHeadList = "rho C16, kappa C16, immunity_period C16, min_allowed_weights C16, max_weights_limit C16, tempo C16, " +
		"min_difficulty C64, max_difficulty C64, weights_version C64, weights_rate_limit C64, adjustment_interval C16, "
	hyperBodyList = "activity_cutoff C16, registration_allowed bool, target_regs_per_interval C16, min_burn C64, max_burn C64, " +
		"bonds_moving_avg C64, max_regs_per_block C16"
	identityV2List = "subnet_name str, github_repo str, subnet_contact str, subnet_url str, discord str, description str, additional str"
	identityV3List = "subnet_name str, github_repo str, subnet_contact str, subnet_url str, discord str, description str, logo_url str, additional str"
	axonList       = "block u64, version u32, ip u128, port u16, ip_type u8, protocol u8, placeholder1 u8, placeholder2 u8"
	metagraphList  = "network_registered_at C64, owner_hotkey A, owner_coldkey A, block C64, tempo C16, last_step C64, blocks_since_last_step C64, " +
		"subnet_emission C64, alpha_in C64, alpha_out C64, tao_in C64, alpha_out_emission C64, alpha_in_emission C64, tao_in_emission C64, " +
		"pending_alpha_emission C64, pending_root_emission C64, subnet_volume C128, moving_price I96F32, rho C16, kappa C16, " +
		"min_allowed_weights C16, max_weights_limit C16, weights_version C64, weights_rate_limit C64, activity_cutoff C16, max_validators C16, " +
		"num_uids C16, max_uids C16, burn C64, difficulty C64, registration_allowed bool, pow_registration_allowed bool, immunity_period C16, " +
		"min_difficulty C64, max_difficulty C64, min_burn C64, max_burn C64, adjustment_alpha C64, adjustment_interval C16, " +
		"target_regs_per_interval C16, max_regs_per_block C16, serving_rate_limit C64, commit_reveal_weights_enabled bool, " +
		"commit_reveal_period C64, liquid_alpha_enabled bool, alpha_high C16, alpha_low C16, bonds_moving_avg C64, " +
		"hotkeys Vec<A>, coldkeys Vec<A>, identities Vec<Option<{name str, url str, github_repo str, image str, discord str, description str, additional str}>>, " +
		"axons Vec<{" + axonList + "}>, active Vec<bool>, validator_permit Vec<bool>, pruning_score Vec<C16>, last_update Vec<C64>, " +
		"emission Vec<C64>, dividends Vec<C16>, incentives Vec<C16>, consensus Vec<C16>, trust Vec<C16>, rank Vec<C16>, " +
		"block_at_registration Vec<C64>, alpha_stake Vec<C64>, tao_stake Vec<C64>, total_stake Vec<C64>, " +
		"tao_dividends_per_hotkey Vec<(A, C64)>, alpha_dividends_per_hotkey Vec<(A, C64)>"
	collateralList = ", collateral_locked Vec<C64>, collateral_min Vec<C64>, collateral_earned Vec<C64>"
)

func metagraphOf(identity string) string {
	return "netuid C16, name Vec<C8>, symbol Vec<C8>, identity Option<{" + identity + "}>, " + metagraphList
}

// selectiveOf is what became of a Metagraph's list: all but the netuid in Options.
func selectiveOf(list string) string {
	parts := splitList(list)
	for i, f := range parts[1:] {
		name, kind, _ := strings.Cut(f, " ")
		parts[i+1] = name + " Option<" + kind + ">"
	}
	return strings.Join(parts, ", ")
}

// splitList splits at the commas that stand in no brackets.
func splitList(list string) []string {
	var parts []string
	depth := 0
	part := ""
	for _, c := range list {
		depth += strings.Count("<({[", string(c)) - strings.Count(">)}]", string(c))
		if c == ',' && depth == 0 {
			parts, part = append(parts, strings.TrimSpace(part)), ""
			continue
		}
		part += string(c)
	}
	return append(parts, strings.TrimSpace(part))
}

// writer encodes values as the chain's codec does (SCALE: docs.polkadot.com), and
// says in JSON what it wrote. Every number is another one.
type writer struct {
	data []byte
	n    uint64
}

func (w *writer) next() uint64 { w.n += 3; return w.n }

func (w *writer) compact(n uint64) {
	switch {
	case n < 1<<6:
		w.data = append(w.data, byte(n<<2))
	case n < 1<<14:
		w.data = binary.LittleEndian.AppendUint16(w.data, uint16(n<<2|1))
	case n < 1<<30:
		w.data = binary.LittleEndian.AppendUint32(w.data, uint32(n<<2|2))
	default:
		w.data = binary.LittleEndian.AppendUint64(append(w.data, (8-4)<<2|3), n) // n of 2^56 or more
	}
}

func (w *writer) number(n uint64) json.Number { return json.Number(fmt.Sprint(n)) }

// structure writes fields one after the other.
func (w *writer) structure(list string) any {
	object := make(map[string]any)
	for _, f := range splitList(list) {
		name, kind, _ := strings.Cut(f, " ")
		object[name] = w.value(kind)
	}
	return object
}

func (w *writer) value(kind string) any {
	inner, ok := strings.CutSuffix(kind, ">")
	if elem, isList := strings.CutPrefix(inner, "Vec<"); ok && isList {
		w.compact(2)
		return []any{w.value(elem), w.value(elem)}
	}
	if some, isOption := strings.CutPrefix(inner, "Option<"); ok && isOption {
		w.data = append(w.data, 1)
		return w.value(some)
	}
	switch kind {
	case "bool":
		n := w.next() & 1
		w.data = append(w.data, byte(n))
		return n == 1
	case "A":
		var account ss58.AccountID
		binary.LittleEndian.PutUint64(account[:], w.next())
		w.data = append(w.data, account[:]...)
		return account.String()
	case "str":
		text := fmt.Sprint("α", w.next())
		w.compact(uint64(len(text)))
		w.data = append(w.data, text...)
		return fmt.Sprintf("0x%x", text)
	case "u8", "C8":
		n := 0x40 | w.next()&0x3f // two bytes where it is compact
		if kind == "C8" {
			w.compact(n)
		} else {
			w.data = append(w.data, byte(n))
		}
		return w.number(n)
	case "u16":
		n := 1000 + w.next()
		w.data = binary.LittleEndian.AppendUint16(w.data, uint16(n))
		return w.number(n)
	case "C16":
		n := math.MaxUint16 - w.next()
		w.compact(n)
		return w.number(n)
	case "u32":
		n := 1e6 + w.next()
		w.data = binary.LittleEndian.AppendUint32(w.data, uint32(n))
		return w.number(n)
	case "C64", "C128":
		n := math.MaxUint64 - w.next()
		w.compact(n)
		return w.number(n)
	case "u64", "u128":
		n := 1e12 + w.next()
		w.data = binary.LittleEndian.AppendUint64(w.data, n)
		if kind == "u128" {
			w.data = binary.LittleEndian.AppendUint64(w.data, 0)
		}
		return w.number(n)
	case "I96F32":
		n := 1e12 + w.next()
		w.data = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(w.data, n), 0)
		return map[string]any{"bits": w.number(n)}
	case "[u16;2]":
		return []any{w.value("u16"), w.value("u16")}
	}
	if strings.HasPrefix(kind, "{") {
		return w.structure(kind[1 : len(kind)-1])
	}
	if strings.HasPrefix(kind, "(") {
		var list []any
		for _, item := range splitList(kind[1 : len(kind)-1]) {
			list = append(list, w.value(item))
		}
		return list
	}
	panic("no type " + kind)
}

// Rows of the tables of which no runtime's answer was recorded: bytes written by
// the source's own field list are read as what was written, at both ends of the
// row, and by that row.
func TestRowsWithoutRecordings(t *testing.T) {
	t.Parallel()
	const (
		getSubnetV2  = "SubnetInfoRuntimeApi_get_subnet_info_v2"
		getDynamic   = "SubnetInfoRuntimeApi_get_dynamic_info"
		getSelective = "SubnetInfoRuntimeApi_get_selective_metagraph"

		alpha   = ", adjustment_alpha C64, difficulty C64"
		at139   = ", serving_rate_limit C64, max_validators C16"
		liquid  = ", alpha_high C16, alpha_low C16, liquid_alpha_enabled bool"
		dynamic = "netuid C16, owner_hotkey A, owner_coldkey A, subnet_name Vec<C8>, token_symbol Vec<C8>, tempo C16, last_step C64, " +
			"blocks_since_last_step C64, emission C64, alpha_in C64, alpha_out C64, tao_in C64, alpha_out_emission C64, alpha_in_emission C64, " +
			"tao_in_emission C64, pending_alpha_emission C64, pending_root_emission C64, subnet_volume C128, network_registered_at C64, "
		validators  = ", validators Vec<C16>"
		commitments = ", commitments Vec<(A, Vec<C8>)>"
	)
	schemas := make(map[uint32]*subtensor.Schema)
	called := func(spec uint32) *subtensor.Schema {
		if schemas[spec] == nil {
			schemas[spec] = undescribed(t, "293-aura", spec)
		}
		return schemas[spec]
	}
	for _, c := range []struct {
		source string
		method string
		list   string
		row    uint32   // the first spec of the row
		specs  []uint32 // at which it is read so
	}{
		{"3e04df556", getSubnet, subnetHeadList + subnetBodyList + "emission_values C64, burn C64", 127, []uint32{127, 132}},
		{"d8cff5a65", getSubnet, subnetHeadList + subnetBodyList + "emission_values C64, burn C64, owner A", 128, []uint32{128, 133, 219, 233, 475}},
		{"e2b8367b8", getSubnetV2, subnetHeadList + subnetBodyList + "emission_value C64, burn C64, owner A, identity Option<{" + identityV2List + "}>", 220, []uint32{220, 233, 277, 282}},
		{"e9bbb6134", getSubnetV2, subnetHeadList + subnetBodyList + "emission_value C64, burn C64, owner A, identity Option<{" + identityV3List + "}>", 278, []uint32{278, 283, 475}},
		{"d8cff5a65", getHyperparams, hyperHeadList + hyperBodyList, 133, []uint32{133, 138}},
		{"d34a39147", getHyperparams, hyperHeadList + hyperBodyList + at139, 136, []uint32{136, 139, 142}},
		{"7f03be393", getHyperparams, hyperHeadList + "adjustment_alpha C64, " + hyperBodyList + at139, 142, []uint32{142}},
		{"deaa72d16", getHyperparams, hyperHeadList + hyperBodyList + at139 + alpha, 142, []uint32{142, 143, 150}},
		{"703bdbd17", getHyperparams, hyperHeadList + hyperBodyList + at139 + alpha + ", commit_reveal_weights_interval C64, commit_reveal_weights_enabled bool", 151, []uint32{151, 153}},
		{"8cb6cb1c6", getHyperparams, hyperHeadList + hyperBodyList + at139 + alpha + ", commit_reveal_weights_interval C64, commit_reveal_weights_enabled bool" + liquid, 154, []uint32{154, 195, 219}},
		{"e2b8367b8", getHyperparams, hyperHeadList + hyperBodyList + at139 + alpha + ", commit_reveal_period C64, commit_reveal_weights_enabled bool" + liquid, 220, []uint32{233, 422}},
		{"06032d518", getHyperparams, hyperHeadList + strings.Replace(hyperBodyList, "activity_cutoff C16", "activity_cutoff C64", 1) + at139 + alpha + ", commit_reveal_period C64, commit_reveal_weights_enabled bool" + liquid, 220, []uint32{423, 475}},
		{"e2b8367b8", getDynamic, dynamic + "subnet_identity Option<{" + identityV2List + "}>, moving_price I96F32", 220, []uint32{220, 233, 282}},
		{"e9bbb6134", getDynamic, dynamic + "subnet_identity Option<{" + identityV3List + "}>, moving_price I96F32", 278, []uint32{278, 283, 475}},
		{"e2b8367b8", getMetagraph, metagraphOf(identityV2List), 220, []uint32{220, 233, 282}},
		{"e9bbb6134", getMetagraph, metagraphOf(identityV3List), 278, []uint32{278, 283, 425, 475}},
		{"RaoFoundation 4640fbd03", getMetagraph, metagraphOf(identityV3List) + collateralList, 426, []uint32{426, 435, 475}},
		{"6b86ebf30", getSelective, selectiveOf(metagraphOf(identityV2List)), 261, []uint32{261, 282}},
		{"e9bbb6134", getSelective, selectiveOf(metagraphOf(identityV3List) + validators), 278, []uint32{278, 283, 306, 314}},
		{"81ee047fd", getSelective, selectiveOf(metagraphOf(identityV3List) + validators + commitments), 303, []uint32{303, 315, 425, 475}},
		{"RaoFoundation 4640fbd03", getSelective, selectiveOf(metagraphOf(identityV3List) + validators + commitments + collateralList), 426, []uint32{426, 435, 475}},
	} {
		for _, spec := range c.specs {
			var w writer
			want := w.structure(c.list)
			data := w.data
			if spec < 220 {
				var outer writer
				outer.compact(uint64(len(data)))
				data = slices.Concat(outer.data, data)
			} else {
				data = slices.Concat([]byte{1}, data)
			}
			schema := called(spec)
			name := fmt.Sprintf("%s at spec %d (%s)", c.method, spec, c.source)
			l, err := schema.Choose(c.method, data)
			if err != nil || l.From != c.row || l.Wrapped != (spec < 220) || !slices.Contains(schema.Layouts(c.method), l) {
				t.Errorf("%s: %v, %v", name, l, err)
				continue
			}
			checkAnswer(t, schema, c.method, name, data, want, false)
			// Whatever the number, the bytes say what they are, where they are asked for.
			for _, other := range []uint32{0, 101, 150, 210, 240, 300, 475, 9999} {
				if s := called(other); s.Has(c.method) {
					checkAnswer(t, s, c.method, fmt.Sprintf("%s, called %d", name, other), data, want, false)
				}
			}
			if _, err := schema.Value(c.method, data[:len(data)-1]); err == nil {
				t.Errorf("%s: a shorter answer was read", name)
			}
		}
	}
}
