package subtensor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bittensor-go/bt/substrate/metadata"
)

// query is a function of a runtime API and what it answers where the runtime
// does not say so itself.
type query struct {
	method   string
	from, to uint32
	item     string // the struct of the answer, as layouts names it; "" for none
	answer   string // the answer's type, %s standing for item
	wrapping wrapping
}

// wrapping says how a query is answered by runtimes that wrap answers in bytes.
type wrapping uint8

const (
	bareInside   wrapping = iota // a value without its Option, nothing for none; lists are lists
	optionInside                 // single answers keep their Option
	neverWrapped                 // the value itself, in every era
)

// Queries that have Go types.
const (
	getNeurons             = "NeuronInfoRuntimeApi_get_neurons"
	getNeuronsLite         = "NeuronInfoRuntimeApi_get_neurons_lite"
	getNeuron              = "NeuronInfoRuntimeApi_get_neuron"
	getNeuronLite          = "NeuronInfoRuntimeApi_get_neuron_lite"
	getSubnet              = "SubnetInfoRuntimeApi_get_subnet_info"
	getSubnets             = "SubnetInfoRuntimeApi_get_subnets_info"
	getSubnetV2            = "SubnetInfoRuntimeApi_get_subnet_info_v2"
	getSubnetsV2           = "SubnetInfoRuntimeApi_get_subnets_info_v2"
	getHyperparams         = "SubnetInfoRuntimeApi_get_subnet_hyperparams"
	getHyperparamsV2       = "SubnetInfoRuntimeApi_get_subnet_hyperparams_v2"
	getHyperparamsV3       = "SubnetInfoRuntimeApi_get_subnet_hyperparams_v3"
	getDynamic             = "SubnetInfoRuntimeApi_get_dynamic_info"
	getAllDynamic          = "SubnetInfoRuntimeApi_get_all_dynamic_info"
	getMetagraph           = "SubnetInfoRuntimeApi_get_metagraph"
	getAllMetagraphs       = "SubnetInfoRuntimeApi_get_all_metagraphs"
	getSelectiveMetagraph  = "SubnetInfoRuntimeApi_get_selective_metagraph"
	getMechagraph          = "SubnetInfoRuntimeApi_get_mechagraph"
	getAllMechagraphs      = "SubnetInfoRuntimeApi_get_all_mechagraphs"
	getSelectiveMechagraph = "SubnetInfoRuntimeApi_get_selective_mechagraph"
	getSubnetState         = "SubnetInfoRuntimeApi_get_subnet_state"
)

// queries are the functions of pallets/subtensor/runtime-api/src/lib.rs and of
// pallets/swap/runtime-api, with the specs that have them. Specs of queries that
// have an item are those of the item's layouts too.
var queries = [...]query{
	{getNeurons, 0, open, "NeuronInfo", "Vec<%s>", bareInside},
	{getNeuronsLite, 0, open, "NeuronInfoLite", "Vec<%s>", bareInside},
	{getNeuron, 0, open, "NeuronInfo", "Option<%s>", bareInside},
	{getNeuronLite, 0, open, "NeuronInfoLite", "Option<%s>", bareInside},

	{getSubnet, 0, open, "SubnetInfo", "Option<%s>", bareInside},
	{getSubnets, 0, open, "SubnetInfo", "Vec<Option<%s>>", bareInside},
	{getSubnetV2, 195, open, "SubnetInfov2", "Option<%s>", bareInside},
	{getSubnetsV2, maybeTyped, open, "SubnetInfov2", "Vec<Option<%s>>", bareInside},
	{getSubnetsV2, 195, maybeWrapped, "SubnetInfo", "Vec<Option<%s>>", bareInside}, // v1.1.4 to v1.2.5
	{getHyperparams, 133, open, "SubnetHyperparams", "Option<%s>", bareInside},
	{getHyperparamsV2, 283, open, "SubnetHyperparamsV2", "Option<%s>", bareInside},
	{getHyperparamsV3, 413, open, "HyperparamEntry", "Option<Vec<%s>>", bareInside},
	{getDynamic, 204, open, "DynamicInfo", "Option<%s>", optionInside},
	{getAllDynamic, 204, open, "DynamicInfo", "Vec<Option<%s>>", optionInside},
	{getSubnetState, 204, open, "SubnetState", "Option<%s>", optionInside},
	{getMetagraph, maybeTyped, open, "Metagraph", "Option<%s>", bareInside},
	{getAllMetagraphs, maybeTyped, open, "Metagraph", "Vec<Option<%s>>", bareInside},
	{getSelectiveMetagraph, 261, open, "SelectiveMetagraph", "Option<%s>", bareInside},
	{getMechagraph, 320, open, "Metagraph", "Option<%s>", bareInside},
	{getAllMechagraphs, 320, open, "Metagraph", "Vec<Option<%s>>", bareInside},
	{getSelectiveMechagraph, 320, open, "SelectiveMetagraph", "Option<%s>", bareInside},
	{"SubnetInfoRuntimeApi_get_subnet_to_prune", 320, open, "", "Option<u16>", bareInside},
	{"SubnetInfoRuntimeApi_get_coldkey_auto_stake_hotkey", 326, open, "", "Option<AccountId>", bareInside},
	{"SubnetInfoRuntimeApi_get_subnet_account_id", 411, open, "", "Option<AccountId>", bareInside},
	{"SubnetInfoRuntimeApi_get_next_epoch_start_block", 423, open, "", "Option<u64>", bareInside},
	{"DynamicPoolInfoRuntimeApi_get_dynamic_pool_info", 181, 203, "DynamicPoolInfo", "Option<%s>", optionInside},

	{"DelegateInfoRuntimeApi_get_delegates", 0, open, "DelegateInfo", "Vec<%s>", bareInside},
	{"DelegateInfoRuntimeApi_get_delegate", 0, open, "DelegateInfo", "Option<%s>", bareInside},
	{"DelegateInfoRuntimeApi_get_delegated", 244, open, "DelegateInfo", "Vec<(%s, (Compact<u16>, Compact<u64>))>", bareInside},
	{"DelegateInfoRuntimeApi_get_delegated", 0, 243, "DelegateInfo", "Vec<(%s, Compact<u64>)>", bareInside},

	{"StakeInfoRuntimeApi_get_stake_info_for_coldkey", 127, open, "StakeInfo", "Vec<%s>", bareInside},
	{"StakeInfoRuntimeApi_get_stake_info_for_coldkeys", 127, open, "StakeInfo", "Vec<(AccountId, Vec<%s>)>", bareInside},
	{"StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid", maybeTyped, open, "StakeInfo", "Option<%s>", bareInside},
	{"StakeInfoRuntimeApi_get_stake_fee", 252, open, "", "u64", bareInside},
	{"StakeInfoRuntimeApi_get_coldkey_lock", 411, open, "LockState", "Option<%s>", bareInside},
	{"StakeInfoRuntimeApi_get_hotkey_conviction", 411, open, "", "U64F64", bareInside},
	{"StakeInfoRuntimeApi_get_most_convicted_hotkey_on_subnet", 411, open, "", "Option<AccountId>", bareInside},
	{
		"StakeInfoRuntimeApi_get_stake_availability_for_coldkeys", 423, open, "StakeAvailability",
		"BTreeMap<AccountId, BTreeMap<u16, %s>>", bareInside,
	},

	{"SubnetRegistrationRuntimeApi_get_network_registration_cost", 133, open, "", "u64", neverWrapped},
	{"SwapRuntimeApi_current_alpha_price", 283, open, "", "u64", bareInside},
	{"SwapRuntimeApi_current_alpha_price_all", 380, open, "SubnetPrice", "Vec<%s>", bareInside},
	{"SwapRuntimeApi_sim_swap_tao_for_alpha", 302, open, "SimSwapResult", "%s", bareInside},
	{"SwapRuntimeApi_sim_swap_alpha_for_tao", 302, open, "SimSwapResult", "%s", bareInside},

	{"ProxyFilterRuntimeApi_get_proxy_types", 415, open, "ProxyTypeInfo", "Vec<%s>", bareInside},
	{"ProxyFilterRuntimeApi_get_proxy_filter", 415, open, "ProxyFilterInfo", "Vec<%s>", bareInside},
	{"ShieldApi_is_shielded_using_current_key", 391, open, "", "bool", neverWrapped},
	{"AccountNonceApi_account_nonce", 0, open, "", "u32", neverWrapped},
}

// queriesOf returns what is known of a method at any spec.
func queriesOf(method string) []query {
	var rows []query
	for _, q := range queries {
		if q.method == method {
			rows = append(rows, q)
		}
	}
	return rows
}

// queriesAt returns what is known of a method at a spec.
func queriesAt(method string, spec uint32) []query {
	return slices.DeleteFunc(queriesOf(method), func(q query) bool { return spec < q.from || q.to < spec })
}

// signs are items of the pallet's storage that tell when a runtime was built,
// whatever number it gives itself. From is the first spec that may have the item:
// the one after the last of the main branch without it. To is the last that may
// have it: before the first of the main branch without it.
var signs = [...]struct {
	item     string
	from, to uint32
}{
	{"ValidatorBatchSize", 0, 127},          // until 3e04df556
	{"SubnetOwner", 128, open},              // d8cff5a65 (133)
	{"TxDelegateTakeRateLimit", 149, open},  // 65d8367a6
	{"TotalHotkeyStake", 0, 232},            // until e2b8367b8 (233)
	{"IdentitiesV2", maybeTyped, open},      // e2b8367b8 (233)
	{"Stake", 0, 243},                       // until 5073ade60 (244)
	{"SubnetIdentitiesV3", 278, open},       // e9bbb6134 (283)
	{"MechanismCountCurrent", 316, open},    // 835a2c902 (320)
	{"SubnetIdentitiesV2", 0, 360},          // until 52378dc3e (361)
	{"Rank", 0, 396},                        // until e7f05a051 (397)
	{"BurnHalfLife", 395, open},             // e7f05a051 (397)
	{"LastPowRegistrationBlock", 426, open}, // 475, as it runs on finney
}

// era returns the spec nearest to a runtime's number that its storage allows.
// Where signs contradict each other, the later ones count.
func era(md *metadata.Metadata, spec uint32) uint32 {
	pallet, _ := md.Pallet(palletName)
	least, most := uint32(firstKnown), open
	for _, s := range signs {
		if _, ok := pallet.Entry(s.item); ok {
			least, most = max(least, s.from), min(most, s.to)
		}
	}
	return max(least, min(spec, most))
}

// single reports whether a query is about one thing, which may not exist.
func (q query) single() bool { return strings.HasPrefix(q.answer, "Option<") }

// expr returns the answer's type, its struct filled in.
func (q query) expr() string {
	if q.item == "" {
		return q.answer
	}
	return fmt.Sprintf(q.answer, q.item)
}

// Where the runtime does not describe an answer itself, its layout is a row of
// the table below.
const (
	// Answers are Vec<u8> around the value up to 219, and the value itself from
	// 233 on (subtensor v2.0.0). Builds numbered between never ran on a public
	// chain; both ways are tried there.
	lastWrapped  = 219
	maybeTyped   = lastWrapped + 1
	firstTyped   = 233
	maybeWrapped = firstTyped - 1

	firstKnown  = 101        // of finney
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
	source   string // where the row is known from
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
	subnetV2    = subnetHead + subnetMiddle + subnetTail + subnetOwner + `, identity: Option<SubnetIdentity>`

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

	hyperparamValue = `enum HyperparamValue { Bool(bool), U16(Compact<u16>), U32(Compact<u32>), U64(Compact<u64>),
		U128(Compact<u128>), TaoBalance(Compact<u64>), I32F32(I32F32), U64F64(U64F64) }`
)

// Identities: lib.rs, SubnetIdentity, SubnetIdentityV2 and V3.
const (
	identityV1 = `struct SubnetIdentity { subnet_name: Vec<u8>, github_repo: Vec<u8>, subnet_contact: Vec<u8> }`
	identityV2 = `struct SubnetIdentity { subnet_name: Vec<u8>, github_repo: Vec<u8>, subnet_contact: Vec<u8>,
		subnet_url: Vec<u8>, discord: Vec<u8>, description: Vec<u8>, additional: Vec<u8> }
		`
	identityV3 = `struct SubnetIdentity { subnet_name: Vec<u8>, github_repo: Vec<u8>, subnet_contact: Vec<u8>,
		subnet_url: Vec<u8>, discord: Vec<u8>, description: Vec<u8>, logo_url: Vec<u8>, additional: Vec<u8> }
		`
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
		stateColumns + stateStakes + `
		tao_dividends_per_hotkey: Vec<(AccountId, Compact<u64>)>, alpha_dividends_per_hotkey: Vec<(AccountId, Compact<u64>)>`
	metagraphCollateral = `, collateral_locked: Vec<Compact<u64>>, collateral_min: Vec<Compact<u64>>, collateral_earned: Vec<Compact<u64>>`
	chainIdentity       = `struct ChainIdentity { name: Vec<u8>, url: Vec<u8>, github_repo: Vec<u8>, image: Vec<u8>,
		discord: Vec<u8>, description: Vec<u8>, additional: Vec<u8> }
		`

	stateColumns = `active: Vec<bool>, validator_permit: Vec<bool>, pruning_score: Vec<Compact<u16>>,
		last_update: Vec<Compact<u64>>, emission: Vec<Compact<u64>>, dividends: Vec<Compact<u16>>,
		incentives: Vec<Compact<u16>>, consensus: Vec<Compact<u16>>, trust: Vec<Compact<u16>>, rank: Vec<Compact<u16>>,
		block_at_registration: Vec<Compact<u64>>,`
	stateStakes  = `alpha_stake: Vec<Compact<u64>>, tao_stake: Vec<Compact<u64>>, total_stake: Vec<Compact<u64>>,`
	stateEarly   = `local_stake: Vec<Compact<u64>>, global_stake: Vec<Compact<u64>>, stake_weight: Vec<Compact<u16>>,`
	stateHead    = `netuid: Compact<u16>, hotkeys: Vec<AccountId>, coldkeys: Vec<AccountId>,` + stateColumns
	stateHistory = `emission_history: Vec<Vec<Compact<u64>>>`

	selectiveValidators  = `, validators: Vec<Compact<u16>>`
	selectiveCommitments = `, commitments: Vec<(AccountId, Vec<Compact<u8>>)>`
)

// Fields of rpc_info/delegate_info.rs and stake_info.rs, of the swap's answers,
// and of the pools of test builds.
const (
	delegateTail = `owner_ss58: AccountId, registrations: Vec<Compact<u16>>, validator_permits: Vec<Compact<u16>>,
		return_per_1000: Compact<u64>, total_daily_return: Compact<u64>`

	stakeHead = `hotkey: AccountId, coldkey: AccountId, netuid: Compact<u16>, stake: Compact<u64>, locked: Compact<u64>, emission: Compact<u64>,`
	stakeTail = `drain: Compact<u64>, is_registered: bool`

	simSwap = `tao_amount: u64, alpha_amount: u64, tao_fee: u64, alpha_fee: u64`

	poolFields = `alpha_issuance: Compact<u64>, alpha_outstanding: Compact<u64>, alpha_reserve: Compact<u64>, tao_reserve: Compact<u64>,
		k: Compact<u128>, price: Compact<u128>, netuid: Compact<u16>`

	proxyFilter = `enum FilterMode { AllowAll, DenyAll, Allow, Deny }
		enum CallCondition { ParamLessThan { param_name: Vec<u8>, limit: u128 }, NestedCallMustBe { pallet_name: Vec<u8>, call_name: Vec<u8> } }
		struct CallInfo { pallet_name: Vec<u8>, pallet_index: u8, call_name: Option<Vec<u8>>, call_index: Option<u8>, condition: Option<CallCondition> }`
)

// layouts lists later rows first, and before others the row whose integers are
// narrower where a number was used for both.
var layouts = [...]layout{
	{"NeuronInfo", 0, open, "rpc_info/neuron_info.rs: one order since c60b69b46, before the genesis of finney", "", neuronHead + neuronRows + neuronTail},
	{"NeuronInfoLite", 0, open, "rpc_info/neuron_info.rs: one order since 1d8c8e1e7, before the genesis of finney", "", neuronHead + neuronTail},

	{"SubnetInfo", 128, open, "rpc_info/subnet_info.rs: the owner came with d8cff5a65 (133; the main branch had 127 before)", "", subnetHead + subnetMiddle + subnetTail + subnetOwner},
	{"SubnetInfo", 127, 132, "subnet_info.rs since 3e04df556, merged while the number was 127", "", subnetHead + subnetMiddle + subnetTail},
	{"SubnetInfo", 101, 127, "subnet_info.rs since 6fc71ad0d, before the genesis of finney", "", subnetHead + subnetValidators + subnetMiddle + subnetSynergy + subnetTail},

	{"SubnetInfov2", 278, open, "subnet_info.rs with SubnetIdentityV3: e9bbb6134 (283; development builds from 278 on)", identityV3, renamed(subnetV2)},
	{"SubnetInfov2", maybeTyped, 282, "subnet_info.rs with SubnetIdentityV2: e2b8367b8 (233)", identityV2, renamed(subnetV2)},
	{"SubnetInfov2", 195, maybeWrapped, "rpc_info/subnet_info.rs with SubnetIdentity: e79b0999d (195, v1.1.4)", identityV1, renamed(subnetV2)},

	{"SubnetHyperparams", maybeTyped, open, "subnet_info.rs: e2b8367b8 (233) renamed commit_reveal_weights_interval, 06032d518 (423) widened activity_cutoff", "", hyperHead + hyperMiddle + hyper139 + hyper143 + hyper233 + hyper154},
	// Test builds numbered up to 202 lack liquid alpha, 200 lacks commit-reveal
	// too.
	{"SubnetHyperparams", 154, maybeWrapped, "subnet_info.rs with liquid alpha: 8cb6cb1c6 (154)", "", hyperHead + hyperMiddle + hyper139 + hyper143 + hyper151 + hyper154},
	{"SubnetHyperparams", 151, 203, "subnet_info.rs with commit-reveal: 703bdbd17 (151, v1.1.1); recorded on 185 and 202", "", hyperHead + hyperMiddle + hyper139 + hyper143 + hyper151},
	{"SubnetHyperparams", 142, 203, "deaa72d16 moved adjustment_alpha to the end (143); recorded on 200", "", hyperHead + hyperMiddle + hyper139 + hyper143},
	{"SubnetHyperparams", 142, 142, "7f03be393, merged while the number was 142", "", hyperHead + "adjustment_alpha: Compact<u64>," + hyperMiddle + hyper139},
	{"SubnetHyperparams", 136, 142, "d34a39147, merged while the number was 136; sure from 139 (2765fa98b)", "", hyperHead + hyperMiddle + hyper139},
	{"SubnetHyperparams", 133, 138, "subnet_info.rs at subnets v2: d8cff5a65 (133)", "", hyperHead + hyperMiddle},

	{"SubnetHyperparamsV2", 283, open, "subnet_info.rs: e9bbb6134 (283, v3.1.6)", "", hyperHead + hyperMiddle + hyper139 + hyper143 + hyper233 + hyper154 + hyperV2},
	{"HyperparamEntry", 413, open, "subnet_info.rs, runtime API version 2: ec2212c53 (413)", hyperparamValue, "name: Vec<u8>, value: HyperparamValue"},

	{"DynamicInfo", 278, open, "rpc_info/dynamic_info.rs with SubnetIdentityV3: e9bbb6134 (283; development builds from 278 on)", identityV3, dynamicFields},
	{"DynamicInfo", maybeTyped, 282, "rpc_info/dynamic_info.rs with SubnetIdentityV2: e2b8367b8 (233)", identityV2, dynamicFields},
	{"DynamicInfo", 204, maybeWrapped, "recorded on raonet 204 and 218", "", dynamicEarly},
	{"DynamicPoolInfo", 181, 203, "recorded on a test build numbered 202", "", "subnet_stake: Compact<u64>," + poolFields},
	{"DynamicPoolInfo", 181, 203, "recorded on a test build numbered 200", "", poolFields},

	{"Metagraph", 426, open, "rpc_info/metagraph.rs of RaoFoundation/subtensor at 4640fbd03, which appended collateral (435; the public history ends at 425)", identityV3 + chainIdentity, metagraphFields + metagraphCollateral},
	{"Metagraph", 278, open, "rpc_info/metagraph.rs with SubnetIdentityV3: e9bbb6134 (283; development builds from 278 on)", identityV3 + chainIdentity, metagraphFields},
	{"Metagraph", maybeTyped, 282, "rpc_info/metagraph.rs with SubnetIdentityV2: e2b8367b8 (233)", identityV2 + chainIdentity, metagraphFields},

	{"SelectiveMetagraph", 426, open, "rpc_info/metagraph.rs of RaoFoundation/subtensor at 4640fbd03, with collateral, as Metagraph", identityV3 + chainIdentity, selective(metagraphFields + selectiveValidators + selectiveCommitments + metagraphCollateral)},
	{"SelectiveMetagraph", 303, open, "rpc_info/metagraph.rs with commitments: 81ee047fd (315; development builds before)", identityV3 + chainIdentity, selective(metagraphFields + selectiveValidators + selectiveCommitments)},
	{"SelectiveMetagraph", 278, 314, "rpc_info/metagraph.rs with validators: e9bbb6134 (283; development builds from 278 on)", identityV3 + chainIdentity, selective(metagraphFields + selectiveValidators)},
	{"SelectiveMetagraph", 261, 282, "rpc_info/metagraph.rs: 6b86ebf30 (261)", identityV2 + chainIdentity, selective(metagraphFields)},

	{"SubnetState", 218, open, "rpc_info/show_subnet.rs: e2b8367b8 (233); recorded on raonet 218", "", stateHead + stateStakes + stateHistory},
	// Which of the builds numbered between has which of the two is not known; the
	// narrower stake_weight tells them apart.
	{"SubnetState", 204, 217, "recorded on raonet 204", "", stateHead + stateEarly + stateHistory},
	{"SubnetState", 205, 217, "rpc_info/show_subnet.rs as recorded on raonet 218", "", stateHead + stateStakes + stateHistory},

	{"DelegateInfo", 244, open, "rpc_info/delegate_info.rs: nominators by subnet, 5073ade60 (244)", "", "delegate_ss58: AccountId, take: Compact<u16>, nominators: Vec<(AccountId, Vec<(Compact<u16>, Compact<u64>)>)>," + delegateTail},
	{"DelegateInfo", 0, 243, "delegate_info.rs since 3b26966ad, before the genesis of finney", "", "delegate_ss58: AccountId, take: Compact<u16>, nominators: Vec<(AccountId, Compact<u64>)>," + delegateTail},

	{"StakeInfo", 238, open, "rpc_info/stake_info.rs with tao_emission: f9254ea63 (238)", "", stakeHead + "tao_emission: Compact<u64>," + stakeTail},
	{"StakeInfo", 204, 237, "rpc_info/stake_info.rs by subnet: e2b8367b8 (233); recorded on raonet", "", stakeHead + stakeTail},
	{"StakeInfo", 127, maybeWrapped, "stake_info.rs since f04811356, merged while the number was 127; recorded on 185", "", "hotkey: AccountId, coldkey: AccountId, stake: Compact<u64>"},
	{"LockState", 411, open, "staking/lock.rs: 486037ba4 (411); recorded on 425", "", "locked_mass: u64, conviction: U64F64, last_update: u64"},
	{"StakeAvailability", 423, open, "rpc_info/stake_info.rs: 06032d518 (423); recorded on 425", "", "total: Compact<u64>, locked: Compact<u64>, available: Compact<u64>"},

	{"SubnetPrice", 380, open, "pallets/swap/runtime-api: 0c6868f75 (380, taken back at 385), 7a727dd4d (391); recorded on 394", "", "netuid: u16, price: u64"},
	{"SimSwapResult", 366, open, "pallets/swap/runtime-api with slippage: a67c9e7e1, 0c6868f75 (380, taken back at 385), 7a727dd4d (391); recorded on 394", "", simSwap + ", tao_slippage: u64, alpha_slippage: u64"},
	{"SimSwapResult", 302, 393, "pallets/swap/runtime-api: 67c7ac692 (302); recorded on 302 and 326", "", simSwap},
	{"ProxyTypeInfo", 415, open, "1104f2aab (415); recorded on 425", "", "name: Vec<u8>, index: u8, deprecated: bool"},
	{"ProxyFilterInfo", 415, open, "1104f2aab (415); recorded on 425", proxyFilter, `proxy_type: u8, name: Vec<u8>, deprecated: bool,
		filter_mode: FilterMode, calls: Vec<CallInfo>, exceptions: Vec<CallInfo>`},
}

// renamed gives the fields of a SubnetInfov2 the names of v2.0.0 on: up to v1.2.5
// emission_value was emission_values, as in SubnetInfo.
func renamed(fields string) string {
	return strings.Replace(fields, "emission_values", "emission_value", 1)
}

// selective makes the fields of a Metagraph those of a SelectiveMetagraph: all
// but the netuid are Options.
func selective(fields string) string {
	list := splitFields(fields)
	for i, f := range list[1:] {
		name, typ, _ := strings.Cut(f, ":")
		list[i+1] = name + ": Option<" + typ + ">"
	}
	return strings.Join(list, ", ")
}

// splitFields returns the fields of a struct one by one.
func splitFields(fields string) []string {
	var list []string
	depth, begin := 0, 0
	for i, c := range fields {
		switch c {
		case '<', '(', '[':
			depth++
		case '>', ')', ']':
			depth--
		case ',':
			if depth == 0 {
				list = append(list, strings.TrimSpace(fields[begin:i]))
				begin = i + 1
			}
		}
	}
	return append(list, strings.TrimSpace(fields[begin:]))
}

// layouts returns the layouts that the answer of a query may have.
func (q query) layouts() []layout {
	if q.item == "" {
		return []layout{{from: q.from, to: q.to}}
	}
	var rows []layout
	for _, l := range layouts {
		if l.name == q.item {
			rows = append(rows, l)
		}
	}
	return rows
}

// layoutsAt returns those that it may have at a spec. A query that is not known
// of that spec may have any.
func (q query) layoutsAt(spec uint32) []layout {
	if spec < q.from || q.to < spec {
		return q.layouts()
	}
	return slices.DeleteFunc(q.layouts(), func(l layout) bool { return spec < l.from || l.to < spec })
}

// define returns a registry that holds the row's struct, and the type of an
// answer. AxonInfo and PrometheusInfo are as the runtime's storage has them.
func (l layout) define(prelude, expr string) (*metadata.Registry, metadata.TypeID, error) {
	reg := new(metadata.Registry)
	src := prelude + l.uses
	if l.name != "" {
		src += "\nstruct " + l.name + " { " + l.fields + " }"
	}
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
	return axon + prometheus + "struct I32F32 { bits: i64 }\nstruct I96F32 { bits: i128 }\nstruct U64F64 { bits: u128 }\n", nil
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
