package subtensor

import (
	"fmt"
	"strings"

	"github.com/bittensor-go/bt/substrate/metadata"
)

// query is a function of a runtime API that this package asks. Answers are an
// Option of item where single, else as list says.
type query struct {
	api, name string
	item      string // the struct of the answer, as layouts names it
	list      string // the answer's type, %s standing for item; empty for single answers
}

// Queries whose answers Schema decodes.
const (
	getNeurons       = "NeuronInfoRuntimeApi_get_neurons"
	getNeuronsLite   = "NeuronInfoRuntimeApi_get_neurons_lite"
	getNeuron        = "NeuronInfoRuntimeApi_get_neuron"
	getNeuronLite    = "NeuronInfoRuntimeApi_get_neuron_lite"
	getSubnet        = "SubnetInfoRuntimeApi_get_subnet_info"
	getSubnets       = "SubnetInfoRuntimeApi_get_subnets_info"
	getHyperparams   = "SubnetInfoRuntimeApi_get_subnet_hyperparams"
	getHyperparamsV2 = "SubnetInfoRuntimeApi_get_subnet_hyperparams_v2"
	getDynamic       = "SubnetInfoRuntimeApi_get_dynamic_info"
	getAllDynamic    = "SubnetInfoRuntimeApi_get_all_dynamic_info"
	getMetagraph     = "SubnetInfoRuntimeApi_get_metagraph"
	getAllMetagraphs = "SubnetInfoRuntimeApi_get_all_metagraphs"
	getSubnetState   = "SubnetInfoRuntimeApi_get_subnet_state"
)

var queries = [...]query{
	{"NeuronInfoRuntimeApi", "get_neurons", "NeuronInfo", "Vec<%s>"},
	{"NeuronInfoRuntimeApi", "get_neurons_lite", "NeuronInfoLite", "Vec<%s>"},
	{"NeuronInfoRuntimeApi", "get_neuron", "NeuronInfo", ""},
	{"NeuronInfoRuntimeApi", "get_neuron_lite", "NeuronInfoLite", ""},
	{"SubnetInfoRuntimeApi", "get_subnet_info", "SubnetInfo", ""},
	{"SubnetInfoRuntimeApi", "get_subnets_info", "SubnetInfo", "Vec<Option<%s>>"},
	{"SubnetInfoRuntimeApi", "get_subnet_hyperparams", "SubnetHyperparams", ""},
	{"SubnetInfoRuntimeApi", "get_subnet_hyperparams_v2", "SubnetHyperparamsV2", ""},
	{"SubnetInfoRuntimeApi", "get_dynamic_info", "DynamicInfo", ""},
	{"SubnetInfoRuntimeApi", "get_all_dynamic_info", "DynamicInfo", "Vec<Option<%s>>"},
	{"SubnetInfoRuntimeApi", "get_metagraph", "Metagraph", ""},
	{"SubnetInfoRuntimeApi", "get_all_metagraphs", "Metagraph", "Vec<Option<%s>>"},
	{"SubnetInfoRuntimeApi", "get_subnet_state", "SubnetState", ""},
}

func (q query) method() string { return q.api + "_" + q.name }

// Where the runtime does not describe an answer itself, its layout is a row of
// the table below.
const (
	lastWrapped = 219        // answers are Vec<u8> around the value up to here,
	firstTyped  = 233        // and the value itself from here on (subtensor v2.0.0)
	newestKnown = 475        // later runtimes may have appended fields
	open        = ^uint32(0) // a row's end: still valid
)

// layout is how one struct lay on the wire from one spec to another, in the
// notation of metadata.Registry.Define. Where rows overlap the spec numbers were
// used by differing builds; the row that consumes an answer to its last byte is
// the right one.
type layout struct {
	name     string
	from, to uint32
	uses     string // definitions that fields refers to
	fields   string
}

// Fields in the order of rpc_info/neuron_info.rs; one order for all history.
const (
	neuronHead = `hotkey: AccountId, coldkey: AccountId, uid: Compact<u16>, netuid: Compact<u16>, active: bool,
		axon_info: AxonInfo, prometheus_info: PrometheusInfo, stake: Vec<(AccountId, Compact<u64>)>,
		rank: Compact<u16>, emission: Compact<u64>, incentive: Compact<u16>, consensus: Compact<u16>,
		trust: Compact<u16>, validator_trust: Compact<u16>, dividends: Compact<u16>,
		last_update: Compact<u64>, validator_permit: bool,`
	neuronRows = `weights: Vec<(Compact<u16>, Compact<u16>)>, bonds: Vec<(Compact<u16>, Compact<u16>)>,`
	neuronTail = `pruning_score: Compact<u16>`
)

// Fields of rpc_info/subnet_info.rs.
const (
	subnetHead = `netuid: Compact<u16>, rho: Compact<u16>, kappa: Compact<u16>, difficulty: Compact<u64>,
		immunity_period: Compact<u16>,`
	subnetValidators = `validator_batch_size: Compact<u16>, validator_sequence_length: Compact<u16>,
		validator_epochs_per_reset: Compact<u16>, validator_epoch_length: Compact<u16>,`
	subnetMiddle = `max_allowed_validators: Compact<u16>, min_allowed_weights: Compact<u16>,
		max_weights_limit: Compact<u16>, scaling_law_power: Compact<u16>,`
	subnetSynergy = `synergy_scaling_law_power: Compact<u16>,`
	subnetTail    = `subnetwork_n: Compact<u16>, max_allowed_uids: Compact<u16>, blocks_since_last_step: Compact<u64>,
		tempo: Compact<u16>, network_modality: Compact<u16>, network_connect: Vec<[u16; 2]>,
		emission_values: Compact<u64>, burn: Compact<u64>,`
	subnetOwner = `owner: AccountId`

	hyperHead = `rho: Compact<u16>, kappa: Compact<u16>, immunity_period: Compact<u16>,
		min_allowed_weights: Compact<u16>, max_weights_limit: Compact<u16>, tempo: Compact<u16>,
		min_difficulty: Compact<u64>, max_difficulty: Compact<u64>, weights_version: Compact<u64>,
		weights_rate_limit: Compact<u64>, adjustment_interval: Compact<u16>,`
	// activity_cutoff became a Compact<u64> at 423, which reads the older
	// Compact<u16> as well.
	hyperMiddle = `activity_cutoff: Compact<u64>, registration_allowed: bool, target_regs_per_interval: Compact<u16>,
		min_burn: Compact<u64>, max_burn: Compact<u64>, bonds_moving_avg: Compact<u64>, max_regs_per_block: Compact<u16>,`
	hyper139 = `serving_rate_limit: Compact<u64>, max_validators: Compact<u16>,`
	hyper143 = `adjustment_alpha: Compact<u64>, difficulty: Compact<u64>,`
	hyper151 = `commit_reveal_weights_interval: Compact<u64>, commit_reveal_weights_enabled: bool,`
	hyper233 = `commit_reveal_period: Compact<u64>, commit_reveal_weights_enabled: bool,`
	hyper154 = `alpha_high: Compact<u16>, alpha_low: Compact<u16>, liquid_alpha_enabled: bool,`
	hyperV2  = `alpha_sigmoid_steepness: I32F32, yuma_version: Compact<u16>, subnet_is_active: bool,
		transfers_enabled: bool, bonds_reset_enabled: bool, user_liquidity_enabled: bool`
)

// Identities: lib.rs, SubnetIdentityV2 and V3.
const (
	identityV2 = `struct SubnetIdentity { subnet_name: Vec<u8>, github_repo: Vec<u8>, subnet_contact: Vec<u8>,
		subnet_url: Vec<u8>, discord: Vec<u8>, description: Vec<u8>, additional: Vec<u8> }`
	identityV3 = `struct SubnetIdentity { subnet_name: Vec<u8>, github_repo: Vec<u8>, subnet_contact: Vec<u8>,
		subnet_url: Vec<u8>, discord: Vec<u8>, description: Vec<u8>, logo_url: Vec<u8>, additional: Vec<u8> }`
)

// Fields of rpc_info/dynamic_info.rs, metagraph.rs and show_subnet.rs.
const (
	dynamicEarly = `owner: AccountId, netuid: Compact<u16>, tempo: Compact<u16>, last_step: Compact<u64>,
		blocks_since_last_step: Compact<u64>, emission: Compact<u64>, alpha_in: Compact<u64>, alpha_out: Compact<u64>,
		tao_in: Compact<u64>, total_locked: Compact<u64>, owner_locked: Compact<u64>`
	dynamicFields = `netuid: Compact<u16>, owner_hotkey: AccountId, owner_coldkey: AccountId,
		subnet_name: Vec<Compact<u8>>, token_symbol: Vec<Compact<u8>>, tempo: Compact<u16>,
		last_step: Compact<u64>, blocks_since_last_step: Compact<u64>, emission: Compact<u64>,
		alpha_in: Compact<u64>, alpha_out: Compact<u64>, tao_in: Compact<u64>,
		alpha_out_emission: Compact<u64>, alpha_in_emission: Compact<u64>, tao_in_emission: Compact<u64>,
		pending_alpha_emission: Compact<u64>, pending_root_emission: Compact<u64>,
		subnet_volume: Compact<u128>, network_registered_at: Compact<u64>,
		subnet_identity: Option<SubnetIdentity>, moving_price: I96F32`

	metagraphFields = `netuid: Compact<u16>, name: Vec<Compact<u8>>, symbol: Vec<Compact<u8>>,
		identity: Option<SubnetIdentity>, network_registered_at: Compact<u64>,
		owner_hotkey: AccountId, owner_coldkey: AccountId,
		block: Compact<u64>, tempo: Compact<u16>, last_step: Compact<u64>, blocks_since_last_step: Compact<u64>,
		subnet_emission: Compact<u64>, alpha_in: Compact<u64>, alpha_out: Compact<u64>, tao_in: Compact<u64>,
		alpha_out_emission: Compact<u64>, alpha_in_emission: Compact<u64>, tao_in_emission: Compact<u64>,
		pending_alpha_emission: Compact<u64>, pending_root_emission: Compact<u64>,
		subnet_volume: Compact<u128>, moving_price: I96F32,
		rho: Compact<u16>, kappa: Compact<u16>, min_allowed_weights: Compact<u16>, max_weights_limit: Compact<u16>,
		weights_version: Compact<u64>, weights_rate_limit: Compact<u64>, activity_cutoff: Compact<u64>,
		max_validators: Compact<u16>, num_uids: Compact<u16>, max_uids: Compact<u16>,
		burn: Compact<u64>, difficulty: Compact<u64>, registration_allowed: bool, pow_registration_allowed: bool,
		immunity_period: Compact<u16>, min_difficulty: Compact<u64>, max_difficulty: Compact<u64>,
		min_burn: Compact<u64>, max_burn: Compact<u64>, adjustment_alpha: Compact<u64>,
		adjustment_interval: Compact<u16>, target_regs_per_interval: Compact<u16>, max_regs_per_block: Compact<u16>,
		serving_rate_limit: Compact<u64>, commit_reveal_weights_enabled: bool, commit_reveal_period: Compact<u64>,
		liquid_alpha_enabled: bool, alpha_high: Compact<u16>, alpha_low: Compact<u16>, bonds_moving_avg: Compact<u64>,
		hotkeys: Vec<AccountId>, coldkeys: Vec<AccountId>, identities: Vec<Option<ChainIdentity>>, axons: Vec<AxonInfo>,` +
		stateColumns + `,
		tao_dividends_per_hotkey: Vec<(AccountId, Compact<u64>)>, alpha_dividends_per_hotkey: Vec<(AccountId, Compact<u64>)>`
	metagraphCollateral = `, collateral_locked: Vec<Compact<u64>>, collateral_min: Vec<Compact<u64>>, collateral_earned: Vec<Compact<u64>>`
	chainIdentity       = `struct ChainIdentity { name: Vec<u8>, url: Vec<u8>, github_repo: Vec<u8>, image: Vec<u8>,
		discord: Vec<u8>, description: Vec<u8>, additional: Vec<u8> }
		`

	stateColumns = `active: Vec<bool>, validator_permit: Vec<bool>, pruning_score: Vec<Compact<u16>>,
		last_update: Vec<Compact<u64>>, emission: Vec<Compact<u64>>, dividends: Vec<Compact<u16>>,
		incentives: Vec<Compact<u16>>, consensus: Vec<Compact<u16>>, trust: Vec<Compact<u16>>, rank: Vec<Compact<u16>>,
		block_at_registration: Vec<Compact<u64>>, alpha_stake: Vec<Compact<u64>>, tao_stake: Vec<Compact<u64>>,
		total_stake: Vec<Compact<u64>>`
	stateFields = `netuid: Compact<u16>, hotkeys: Vec<AccountId>, coldkeys: Vec<AccountId>,` + stateColumns +
		`, emission_history: Vec<Vec<Compact<u64>>>`
)

// layouts lists later rows first.
var layouts = [...]layout{
	// rpc_info/neuron_info.rs since the genesis of finney.
	{"NeuronInfo", 0, open, "", neuronHead + neuronRows + neuronTail},
	{"NeuronInfoLite", 0, open, "", neuronHead + neuronTail},

	// The owner came with subnets v2 (133); the validator_* fields went with
	// 3e04df556, merged while the number was 126 or 127.
	{"SubnetInfo", 133, open, "", subnetHead + subnetMiddle + subnetTail + subnetOwner},
	{"SubnetInfo", 127, 132, "", subnetHead + subnetMiddle + subnetTail},
	{"SubnetInfo", 101, 127, "", subnetHead + subnetValidators + subnetMiddle + subnetSynergy + subnetTail},

	// Typed answers renamed commit_reveal_weights_interval.
	{"SubnetHyperparams", firstTyped, open, "", hyperHead + hyperMiddle + hyper139 + hyper143 + hyper233 + hyper154},
	// Liquid alpha (154); test builds numbered up to 202 lack it, 200 lacks
	// commit-reveal (151) too.
	{"SubnetHyperparams", 154, lastWrapped, "", hyperHead + hyperMiddle + hyper139 + hyper143 + hyper151 + hyper154},
	{"SubnetHyperparams", 151, 203, "", hyperHead + hyperMiddle + hyper139 + hyper143 + hyper151},
	// deaa72d16 moved adjustment_alpha to the end (143).
	{"SubnetHyperparams", 142, 203, "", hyperHead + hyperMiddle + hyper139 + hyper143},
	// 7f03be393, merged while the number was 142.
	{"SubnetHyperparams", 142, 142, "", hyperHead + "adjustment_alpha: Compact<u64>," + hyperMiddle + hyper139},
	// d34a39147.
	{"SubnetHyperparams", 139, 142, "", hyperHead + hyperMiddle + hyper139},
	{"SubnetHyperparams", 133, 138, "", hyperHead + hyperMiddle},

	{"SubnetHyperparamsV2", 283, open, "", hyperHead + hyperMiddle + hyper139 + hyper143 + hyper233 + hyper154 + hyperV2},

	// SubnetIdentityV3 (283); development builds from 278 on may have it.
	{"DynamicInfo", 278, open, identityV3, dynamicFields},
	{"DynamicInfo", firstTyped, 282, identityV2, dynamicFields},
	// raonet builds; the answer is an Option inside the wrapping.
	{"DynamicInfo", 204, lastWrapped, "", dynamicEarly},

	// Collateral was appended after 425, at about 435.
	{"Metagraph", 426, open, chainIdentity + identityV3, metagraphFields + metagraphCollateral},
	{"Metagraph", 278, open, chainIdentity + identityV3, metagraphFields},
	{"Metagraph", firstTyped, 282, chainIdentity + identityV2, metagraphFields},

	{"SubnetState", firstTyped, open, "", stateFields},
	// raonet 218; earlier builds name other columns.
	{"SubnetState", 218, lastWrapped, "", stateFields},
}

// optionInside says which wrapped single answers hold an Option rather than
// the bare value.
func optionInside(item string) bool { return item == "DynamicInfo" || item == "SubnetState" }

// at returns the layouts that item may have at a spec.
func layoutsAt(item string, spec uint32) []layout {
	var rows []layout
	for _, l := range layouts {
		if l.name == item && l.from <= spec && spec <= l.to {
			rows = append(rows, l)
		}
	}
	return rows
}

// define returns a registry that holds the row's struct, and the type of an
// answer. AxonInfo and PrometheusInfo are as the runtime's storage has them.
func (l layout) define(prelude, expr string) (*metadata.Registry, metadata.TypeID, error) {
	reg := new(metadata.Registry)
	src := prelude + l.uses + "\nstruct " + l.name + " { " + l.fields + " }"
	if err := reg.Define(src); err != nil {
		return nil, 0, fmt.Errorf("layout of %s from spec %d: %w", l.name, l.from, err)
	}
	id, err := reg.Resolve(expr)
	return reg, id, err
}

// prelude defines the structs that layouts share. Some builds numbered 185 to
// 202 have the port before the address: the order of AxonInfo is taken from the
// runtime's own storage, as only it can know.
func prelude(md *metadata.Metadata) (string, error) {
	axon, err := storedStruct(md, "Axons", "AxonInfo",
		"block: u64, version: u32, ip: u128, port: u16, ip_type: u8, protocol: u8, placeholder1: u8, placeholder2: u8")
	if err != nil {
		return "", err
	}
	prometheus, err := storedStruct(md, "Prometheus", "PrometheusInfo", "block: u64, version: u32, ip: u128, port: u16, ip_type: u8")
	if err != nil {
		return "", err
	}
	return axon + prometheus + "struct I32F32 { bits: i64 }\nstruct I96F32 { bits: i128 }\n", nil
}

// primitives are the integers that stored structs are made of.
var primitives = map[metadata.PrimitiveKind]string{
	metadata.U8: "u8", metadata.U16: "u16", metadata.U32: "u32", metadata.U64: "u64", metadata.U128: "u128",
}

// storedStruct writes the value of a storage entry as a struct, fallback where
// the pallet has no such entry.
func storedStruct(md *metadata.Metadata, entry, name, fallback string) (string, error) {
	pallet, ok := md.Pallet(palletName)
	if !ok {
		return "", ErrNotSubtensor
	}
	e, ok := pallet.Entry(entry)
	if !ok {
		return fmt.Sprintf("struct %s { %s }\n", name, fallback), nil
	}
	t := md.Types.Type(e.Value)
	if t == nil || t.Kind != metadata.Composite {
		return "", fmt.Errorf("storage %s.%s holds no struct", palletName, entry)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "struct %s { ", name)
	for i, f := range t.Fields {
		ft := md.Types.Type(md.Types.Unwrap(f.Type))
		if ft == nil || ft.Kind != metadata.Primitive || primitives[ft.Primitive] == "" || f.Name == "" {
			return "", fmt.Errorf("storage %s.%s: field %q is no unsigned integer", palletName, entry, f.Name)
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s: %s", f.Name, primitives[ft.Primitive])
	}
	b.WriteString(" }\n")
	return b.String(), nil
}
