package devnet

import (
	"fmt"
	"strings"
)

// The types of today's mainnet (spec 475) as far as this chain has them, under
// their own paths.
const types = `
struct sp_core::crypto::AccountId32([u8; 32])
struct primitive_types::H256([u8; 32])
struct sp_core::OpaqueMetadata(Vec<u8>)
struct sp_weights::weight_v2::Weight { ref_time: Compact<u64>, proof_size: Compact<u64> }
struct sp_weights::RuntimeDbWeight { read: u64, write: u64 }
struct sp_version::RuntimeVersion { spec_name: str, impl_name: str, authoring_version: u32, spec_version: u32,
	impl_version: u32, apis: Vec<([u8; 8], u32)>, transaction_version: u32, system_version: u8 }
struct node_subtensor_runtime::Runtime

struct subtensor_runtime_common::NetUid(u16)
struct subtensor_runtime_common::NetUidStorageIndex(u16)
struct subtensor_runtime_common::MechId(u8)
struct subtensor_runtime_common::currency::TaoBalance(u64)
struct subtensor_runtime_common::currency::AlphaBalance(u64)
struct sp_arithmetic::per_things::PerU16(u16)
struct sp_arithmetic::fixed_point::FixedU128(u128)
struct substrate_fixed::FixedU128 { bits: u128 }
struct substrate_fixed::FixedI128 { bits: i128 }
struct substrate_fixed::FixedI64 { bits: i64 }
struct bounded_collections::bounded_vec::BoundedVec(Vec<AccountId>)
struct share_pool::SafeFloat { mantissa: u128, exponent: i64 }

struct pallet_balances::types::ExtraFlags(u128)
struct pallet_balances::types::AccountData { free: TaoBalance, reserved: TaoBalance, frozen: TaoBalance, flags: ExtraFlags }
struct frame_system::AccountInfo { nonce: u32, consumers: u32, providers: u32, sufficients: u32, data: AccountData }
struct frame_system::LastRuntimeUpgradeInfo { spec_version: Compact<u32>, spec_name: str }
enum frame_system::Phase { ApplyExtrinsic(u32), Finalization, Initialization }
struct frame_system::EventRecord { phase: Phase, event: RuntimeEvent, topics: Vec<H256> }
struct sp_runtime::generic::digest::Digest { logs: Vec<DigestItem> }
enum sp_runtime::generic::digest::DigestItem { PreRuntime([u8; 4], Vec<u8>) = 6, Consensus([u8; 4], Vec<u8>) = 4,
	Seal([u8; 4], Vec<u8>) = 5, Other(Vec<u8>) = 0, RuntimeEnvironmentUpdated = 8 }

enum frame_support::dispatch::DispatchClass { Normal, Operational, Mandatory }
enum frame_support::dispatch::Pays { Yes, No }
struct frame_system::DispatchEventInfo { weight: Weight, class: DispatchClass, pays_fee: Pays }
struct sp_runtime::ModuleError { index: u8, error: [u8; 4] }
enum sp_runtime::TokenError { FundsUnavailable, OnlyProvider, BelowMinimum, CannotCreate, UnknownAsset, Frozen,
	Unsupported, CannotCreateHold, NotExpendable, Blocked }
enum sp_arithmetic::ArithmeticError { Underflow, Overflow, DivisionByZero }
enum sp_runtime::TransactionalError { LimitReached, NoLayer }
enum sp_runtime::proving_trie::TrieError { InvalidStateRoot, IncompleteDatabase, ValueAtIncompleteKey, DecoderError,
	InvalidHash, DuplicateKey, ExtraneousNode, ExtraneousValue, ExtraneousHashReference, InvalidChildReference,
	ValueMismatch, IncompleteProof, RootMismatch, DecodeError }
enum sp_runtime::DispatchError { Other, CannotLookup, BadOrigin, Module(ModuleError), ConsumerRemaining, NoProviders,
	TooManyConsumers, Token(TokenError), Arithmetic(ArithmeticError), Transactional(TransactionalError), Exhausted,
	Corruption, Unavailable, RootNotAllowed, Trie(TrieError) }

enum frame_system::pallet::Event {
	/// An extrinsic completed successfully.
	ExtrinsicSuccess { dispatch_info: DispatchEventInfo } = 0,
	/// An extrinsic failed.
	ExtrinsicFailed { dispatch_error: DispatchError, dispatch_info: DispatchEventInfo } = 1,
	/// A new account was created.
	NewAccount { account: AccountId } = 3,
}
enum pallet_balances::pallet::Event {
	/// An account was created with some free balance.
	Endowed { account: AccountId, free_balance: TaoBalance } = 0,
	/// Transfer succeeded.
	Transfer { from: AccountId, to: AccountId, amount: TaoBalance } = 2,
	/// Some amount was deposited (e.g. for transaction fees).
	Deposit { who: AccountId, amount: TaoBalance } = 7,
	/// Some amount was withdrawn from the account (e.g. for transaction fees).
	Withdraw { who: AccountId, amount: TaoBalance } = 8,
}
enum pallet_transaction_payment::pallet::Event {
	/// A transaction fee has been paid by who. Of it, tip was added to the minimum inclusion fee.
	TransactionFeePaid { who: AccountId, actual_fee: TaoBalance, tip: TaoBalance } = 0,
}
enum pallet_subtensor::pallet::Event {
	/// a new neuron account has been registered to the chain.
	NeuronRegistered(NetUid, u16, AccountId) = 7,
	/// setting the RAO recycled for registration.
	RAORecycledForRegistrationSet(NetUid, TaoBalance) = 54,
	/// the faucet it called on the test net.
	Faucet(AccountId, u64) = 57,
	/// Miner collateral was staked and locked.
	CollateralLocked { netuid: NetUid, hotkey: AccountId, locked: AlphaBalance, total_locked: AlphaBalance } = 144,
}
enum node_subtensor_runtime::RuntimeEvent {
	System(frame_system::pallet::Event) = 0,
	Balances(pallet_balances::pallet::Event) = 5,
	TransactionPayment(pallet_transaction_payment::pallet::Event) = 6,
	SubtensorModule(pallet_subtensor::pallet::Event) = 7,
}

enum frame_system::pallet::Call {
	/// Make some on-chain remark.
	remark { remark: Vec<u8> } = 0,
}
enum pallet_timestamp::pallet::Call {
	/// Set the current time.
	set { now: Compact<u64> } = 0,
}
enum pallet_balances::pallet::Call {
	/// Transfer some liquid free balance to another account, keeping the sender alive.
	transfer_keep_alive { dest: MultiAddress, value: Compact<TaoBalance> } = 3,
}
enum pallet_subtensor::pallet::Call {
	/// The old call for a proof of work. It ignores the proof and the coldkey: the signer pays the registration price and owns the hotkey.
	register { netuid: NetUid, block_number: u64, nonce: u64, work: Vec<u8>, hotkey: AccountId, coldkey: AccountId } = 6,
	/// Registers a hotkey on a subnet at the price of the moment.
	burned_register { netuid: NetUid, hotkey: AccountId } = 7,
	/// Mints for the signer, by proof of work. Only test chains have it.
	faucet { block_number: u64, nonce: u64, work: Vec<u8> } = 60,
	/// Registers a hotkey on a subnet where the price of the moment is at most limit_price.
	register_limit { netuid: NetUid, hotkey: AccountId, limit_price: u64 } = 134,
	/// Registers a hotkey on a subnet by proof of work, free of charge.
	pow_register { netuid: NetUid, work_block: u64, nonce: u64, work: [u8; 32], hotkey: AccountId } = 152,
}
enum node_subtensor_runtime::RuntimeCall {
	System(frame_system::pallet::Call) = 0,
	Timestamp(pallet_timestamp::pallet::Call) = 2,
	Balances(pallet_balances::pallet::Call) = 5,
	SubtensorModule(pallet_subtensor::pallet::Call) = 7,
}

enum pallet_subtensor::pallet::Error {
	/// Request to stake, unstake or subscribe is made by a coldkey that is not associated with the hotkey account.
	NonAssociatedColdKey = 7,
	/// The caller is requesting adding more stake than there exists in the coldkey account.
	NotEnoughBalanceToStake = 12,
	/// Number of registrations in this block exceeds the allowed number (i.e., exceeds the subnet hyperparameter "max_regs_per_block").
	TooManyRegistrationsThisBlock = 20,
	/// The hotkey is already registered on the subnet.
	HotKeyAlreadyRegisteredInSubNet = 21,
	/// The supplied PoW hash block is in the future or negative, or too old.
	InvalidWorkBlock = 24,
	/// The supplied PoW hash block does not meet the network difficulty.
	InvalidDifficulty = 25,
	/// The supplied PoW hash seal does not match the supplied work.
	InvalidSeal = 26,
	/// Registration is disabled for the subnet.
	SubNetRegistrationDisabled = 37,
	/// Registration is not permitted on the root subnet.
	RegistrationNotPermittedOnRootSubnet = 42,
	/// No neuron ID is available.
	NoNeuronIdAvailable = 48,
	/// The subnet does not exist.
	SubnetNotExists = 76,
	/// Registration Price Limit Exceeded
	RegistrationPriceLimitExceeded = 136,
	/// The account is a system account and cannot be used as a hotkey.
	CannotUseSystemAccount = 141,
	/// The coldkey already has as many hotkeys as it may stake to.
	TooManyStakingHotkeys = 163,
}
enum node_subtensor_runtime::RuntimeError {
	SubtensorModule(pallet_subtensor::pallet::Error) = 7,
}

enum sp_runtime::multiaddress::MultiAddress { Id(AccountId), Index(Compact<()>), Raw(Vec<u8>), Address32([u8; 32]), Address20([u8; 20]) }
enum sp_runtime::MultiSignature { Ed25519([u8; 64]), Sr25519([u8; 64]), Ecdsa([u8; 65]) }
struct sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic(Vec<u8>)
struct node_subtensor_runtime::check_nonzero_sender::CheckNonZeroSender
struct frame_system::extensions::check_spec_version::CheckSpecVersion
struct frame_system::extensions::check_tx_version::CheckTxVersion
struct frame_system::extensions::check_genesis::CheckGenesis
struct node_subtensor_runtime::check_mortality::CheckMortality(Era)
struct node_subtensor_runtime::check_nonce::CheckNonce(Compact<u32>)
struct frame_system::extensions::check_weight::CheckWeight
struct pallet_transaction_payment::ChargeTransactionPayment(Compact<TaoBalance>)
struct node_subtensor_runtime::sudo_wrapper::SudoTransactionExtension
struct pallet_shield::extension::CheckShieldedTxValidity
struct pallet_subtensor::extensions::subtensor::SubtensorTransactionExtension
struct pallet_drand::drand_priority::DrandPriority
struct frame_metadata_hash_extension::CheckMetadataHash { mode: Mode }
enum frame_metadata_hash_extension::Mode { Disabled, Enabled }

enum sp_runtime::transaction_validity::InvalidTransaction { Call, Payment, Future, Stale, BadProof, AncientBirthBlock,
	ExhaustsResources, Custom(u8), BadMandatory, MandatoryValidation, BadSigner, IndeterminateImplicit, UnknownOrigin }
enum sp_runtime::transaction_validity::UnknownTransaction { CannotLookup, NoUnsignedValidator, Custom(u8) }
enum sp_runtime::transaction_validity::TransactionValidityError { Invalid(InvalidTransaction), Unknown(UnknownTransaction) }
enum sp_runtime::transaction_validity::TransactionSource { InBlock, Local, External }
struct sp_runtime::transaction_validity::ValidTransaction { priority: u64, requires: Vec<Vec<u8>>, provides: Vec<Vec<u8>>,
	longevity: u64, propagate: bool }
struct pallet_transaction_payment::types::RuntimeDispatchInfo { weight: Weight, class: DispatchClass, partial_fee: u64 }

struct pallet_subtensor::pallet::AxonInfo { block: u64, version: u32, ip: u128, port: u16, ip_type: u8, protocol: u8,
	placeholder1: u8, placeholder2: u8 }
struct pallet_subtensor::pallet::PrometheusInfo { block: u64, version: u32, ip: u128, port: u16, ip_type: u8 }
struct pallet_subtensor::pallet::ChainIdentityV2 { name: Vec<u8>, url: Vec<u8>, github_repo: Vec<u8>, image: Vec<u8>,
	discord: Vec<u8>, description: Vec<u8>, additional: Vec<u8> }
struct pallet_subtensor::pallet::SubnetIdentityV3 { subnet_name: Vec<u8>, github_repo: Vec<u8>, subnet_contact: Vec<u8>,
	subnet_url: Vec<u8>, discord: Vec<u8>, description: Vec<u8>, logo_url: Vec<u8>, additional: Vec<u8> }
struct pallet_subtensor::pallet::MinerCollateralState { locked: AlphaBalance, drain_ratio: substrate_fixed::FixedU128,
	min_locked: AlphaBalance, earned: AlphaBalance }

struct pallet_subtensor::rpc_info::neuron_info::NeuronInfo { hotkey: AccountId, coldkey: AccountId, uid: Compact<u16>,
	netuid: Compact<NetUid>, active: bool, axon_info: AxonInfo, prometheus_info: PrometheusInfo,
	stake: Vec<(AccountId, Compact<AlphaBalance>)>, rank: Compact<u16>, emission: Compact<AlphaBalance>,
	incentive: Compact<PerU16>, consensus: Compact<PerU16>, trust: Compact<u16>, validator_trust: Compact<PerU16>,
	dividends: Compact<PerU16>, last_update: Compact<u64>, validator_permit: bool,
	weights: Vec<(Compact<u16>, Compact<u16>)>, bonds: Vec<(Compact<u16>, Compact<u16>)>, pruning_score: Compact<u16> }
struct pallet_subtensor::rpc_info::neuron_info::NeuronInfoLite { hotkey: AccountId, coldkey: AccountId, uid: Compact<u16>,
	netuid: Compact<NetUid>, active: bool, axon_info: AxonInfo, prometheus_info: PrometheusInfo,
	stake: Vec<(AccountId, Compact<AlphaBalance>)>, rank: Compact<u16>, emission: Compact<AlphaBalance>,
	incentive: Compact<PerU16>, consensus: Compact<PerU16>, trust: Compact<u16>, validator_trust: Compact<PerU16>,
	dividends: Compact<PerU16>, last_update: Compact<u64>, validator_permit: bool, pruning_score: Compact<u16> }
struct pallet_subtensor::rpc_info::subnet_info::SubnetInfo { netuid: Compact<NetUid>, rho: Compact<u16>, kappa: Compact<u16>,
	difficulty: Compact<u64>, immunity_period: Compact<u16>, max_allowed_validators: Compact<u16>,
	min_allowed_weights: Compact<u16>, max_weights_limit: Compact<u16>, scaling_law_power: Compact<u16>,
	subnetwork_n: Compact<u16>, max_allowed_uids: Compact<u16>, blocks_since_last_step: Compact<u64>, tempo: Compact<u16>,
	network_modality: Compact<u16>, network_connect: Vec<[u16; 2]>, emission_values: Compact<u64>,
	burn: Compact<TaoBalance>, owner: AccountId }
struct pallet_subtensor::rpc_info::subnet_info::SubnetHyperparams { rho: Compact<u16>, kappa: Compact<u16>,
	immunity_period: Compact<u16>, min_allowed_weights: Compact<u16>, max_weights_limit: Compact<u16>, tempo: Compact<u16>,
	min_difficulty: Compact<u64>, max_difficulty: Compact<u64>, weights_version: Compact<u64>,
	weights_rate_limit: Compact<u64>, adjustment_interval: Compact<u16>, activity_cutoff: Compact<u64>,
	registration_allowed: bool, target_regs_per_interval: Compact<u16>, min_burn: Compact<TaoBalance>,
	max_burn: Compact<TaoBalance>, bonds_moving_avg: Compact<u64>, max_regs_per_block: Compact<u16>,
	serving_rate_limit: Compact<u64>, max_validators: Compact<u16>, adjustment_alpha: Compact<u64>,
	difficulty: Compact<u64>, commit_reveal_period: Compact<u64>, commit_reveal_weights_enabled: bool,
	alpha_high: Compact<u16>, alpha_low: Compact<u16>, liquid_alpha_enabled: bool }
struct pallet_subtensor::rpc_info::subnet_info::SubnetHyperparamsV2 { rho: Compact<u16>, kappa: Compact<u16>,
	immunity_period: Compact<u16>, min_allowed_weights: Compact<u16>, max_weights_limit: Compact<u16>, tempo: Compact<u16>,
	min_difficulty: Compact<u64>, max_difficulty: Compact<u64>, weights_version: Compact<u64>,
	weights_rate_limit: Compact<u64>, adjustment_interval: Compact<u16>, activity_cutoff: Compact<u64>,
	registration_allowed: bool, target_regs_per_interval: Compact<u16>, min_burn: Compact<TaoBalance>,
	max_burn: Compact<TaoBalance>, bonds_moving_avg: Compact<u64>, max_regs_per_block: Compact<u16>,
	serving_rate_limit: Compact<u64>, max_validators: Compact<u16>, adjustment_alpha: Compact<u64>,
	difficulty: Compact<u64>, commit_reveal_period: Compact<u64>, commit_reveal_weights_enabled: bool,
	alpha_high: Compact<u16>, alpha_low: Compact<u16>, liquid_alpha_enabled: bool,
	alpha_sigmoid_steepness: substrate_fixed::FixedI64, yuma_version: Compact<u16>, subnet_is_active: bool,
	transfers_enabled: bool, bonds_reset_enabled: bool, user_liquidity_enabled: bool }
struct pallet_subtensor::rpc_info::dynamic_info::DynamicInfo { netuid: Compact<NetUid>, owner_hotkey: AccountId,
	owner_coldkey: AccountId, subnet_name: Vec<Compact<u8>>, token_symbol: Vec<Compact<u8>>, tempo: Compact<u16>,
	last_step: Compact<u64>, blocks_since_last_step: Compact<u64>, emission: Compact<u64>,
	alpha_in: Compact<AlphaBalance>, alpha_out: Compact<AlphaBalance>, tao_in: Compact<TaoBalance>,
	alpha_out_emission: Compact<AlphaBalance>, alpha_in_emission: Compact<AlphaBalance>,
	tao_in_emission: Compact<TaoBalance>, pending_alpha_emission: Compact<AlphaBalance>,
	pending_root_emission: Compact<TaoBalance>, subnet_volume: Compact<u128>, network_registered_at: Compact<u64>,
	subnet_identity: Option<SubnetIdentityV3>, moving_price: substrate_fixed::FixedI128 }
struct pallet_subtensor::rpc_info::metagraph::Metagraph { netuid: Compact<NetUid>, name: Vec<Compact<u8>>,
	symbol: Vec<Compact<u8>>, identity: Option<SubnetIdentityV3>, network_registered_at: Compact<u64>,
	owner_hotkey: AccountId, owner_coldkey: AccountId, block: Compact<u64>, tempo: Compact<u16>, last_step: Compact<u64>,
	blocks_since_last_step: Compact<u64>, subnet_emission: Compact<u64>, alpha_in: Compact<AlphaBalance>,
	alpha_out: Compact<AlphaBalance>, tao_in: Compact<TaoBalance>, alpha_out_emission: Compact<AlphaBalance>,
	alpha_in_emission: Compact<AlphaBalance>, tao_in_emission: Compact<TaoBalance>,
	pending_alpha_emission: Compact<AlphaBalance>, pending_root_emission: Compact<TaoBalance>,
	subnet_volume: Compact<u128>, moving_price: substrate_fixed::FixedI128, rho: Compact<u16>, kappa: Compact<u16>,
	min_allowed_weights: Compact<u16>, max_weights_limit: Compact<u16>, weights_version: Compact<u64>,
	weights_rate_limit: Compact<u64>, activity_cutoff: Compact<u64>, max_validators: Compact<u16>,
	num_uids: Compact<u16>, max_uids: Compact<u16>, burn: Compact<TaoBalance>, difficulty: Compact<u64>,
	registration_allowed: bool, pow_registration_allowed: bool, immunity_period: Compact<u16>,
	min_difficulty: Compact<u64>, max_difficulty: Compact<u64>, min_burn: Compact<TaoBalance>,
	max_burn: Compact<TaoBalance>, adjustment_alpha: Compact<u64>, adjustment_interval: Compact<u16>,
	target_regs_per_interval: Compact<u16>, max_regs_per_block: Compact<u16>, serving_rate_limit: Compact<u64>,
	commit_reveal_weights_enabled: bool, commit_reveal_period: Compact<u64>, liquid_alpha_enabled: bool,
	alpha_high: Compact<u16>, alpha_low: Compact<u16>, bonds_moving_avg: Compact<u64>, hotkeys: Vec<AccountId>,
	coldkeys: Vec<AccountId>, identities: Vec<Option<ChainIdentityV2>>, axons: Vec<AxonInfo>, active: Vec<bool>,
	validator_permit: Vec<bool>, pruning_score: Vec<Compact<u16>>, last_update: Vec<Compact<u64>>,
	emission: Vec<Compact<AlphaBalance>>, dividends: Vec<Compact<PerU16>>, incentives: Vec<Compact<PerU16>>,
	consensus: Vec<Compact<PerU16>>, trust: Vec<Compact<u16>>, rank: Vec<Compact<u16>>,
	block_at_registration: Vec<Compact<u64>>, alpha_stake: Vec<Compact<AlphaBalance>>,
	tao_stake: Vec<Compact<TaoBalance>>, total_stake: Vec<Compact<TaoBalance>>,
	tao_dividends_per_hotkey: Vec<(AccountId, Compact<TaoBalance>)>,
	alpha_dividends_per_hotkey: Vec<(AccountId, Compact<AlphaBalance>)>,
	collateral_locked: Vec<Compact<AlphaBalance>>, collateral_min: Vec<Compact<AlphaBalance>>,
	collateral_earned: Vec<Compact<AlphaBalance>> }
struct pallet_subtensor::rpc_info::show_subnet::SubnetState { netuid: Compact<NetUid>, hotkeys: Vec<AccountId>,
	coldkeys: Vec<AccountId>, active: Vec<bool>, validator_permit: Vec<bool>, pruning_score: Vec<Compact<u16>>,
	last_update: Vec<Compact<u64>>, emission: Vec<Compact<AlphaBalance>>, dividends: Vec<Compact<PerU16>>,
	incentives: Vec<Compact<PerU16>>, consensus: Vec<Compact<PerU16>>, trust: Vec<Compact<u16>>, rank: Vec<Compact<u16>>,
	block_at_registration: Vec<Compact<u64>>, alpha_stake: Vec<Compact<AlphaBalance>>,
	tao_stake: Vec<Compact<TaoBalance>>, total_stake: Vec<Compact<TaoBalance>>,
	emission_history: Vec<Vec<Compact<AlphaBalance>>> }
`

// eraType is the enum of mortality, which numbers every first byte.
func eraType() string {
	var b strings.Builder
	b.WriteString("enum sp_runtime::generic::era::Era { Immortal = 0")
	for i := 1; i < 256; i++ {
		fmt.Fprintf(&b, ", Mortal%d(u8) = %d", i, i)
	}
	b.WriteString(" }")
	return b.String()
}

// item is one storage value. keys lists the hasher and the type of each key;
// value is its type. def is the default in hexadecimal, or "?" for an optional
// value.
type item struct{ name, keys, value, def string }

// storage is what each pallet keeps, with mainnet's hashers, types and defaults
// at spec 475.
var storage = map[string][]item{
	"System": {
		{"Account", "blake AccountId", "AccountInfo", zeros(55) + "80"},
		{"BlockHash", "twox u32", "H256", zeros(32)},
		{"Number", "", "u32", zeros(4)},
		{"ParentHash", "", "H256", zeros(32)},
		{"Digest", "", "Digest", "00"},
		{"Events", "", "Vec<EventRecord>", "00"},
		{"EventCount", "", "u32", zeros(4)},
		{"LastRuntimeUpgrade", "", "LastRuntimeUpgradeInfo", "?"},
	},
	"Timestamp": {
		{"Now", "", "u64", zeros(8)},
	},
	"Balances": {
		{"TotalIssuance", "", "TaoBalance", zeros(8)},
	},
	"TransactionPayment": {
		{"NextFeeMultiplier", "", "sp_arithmetic::fixed_point::FixedU128", "000064a7b3b6e00d0000000000000000"},
	},
	"SubtensorModule": {
		// Accounts.
		{"Owner", "blake AccountId", "AccountId", zeros(32)},
		{"OwnedHotkeys", "blake AccountId", "Vec<AccountId>", "00"},
		{"StakingHotkeys", "blake AccountId", "Vec<AccountId>", "00"},
		{"ColdkeySwapAnnouncements", "twox AccountId", "(u32, H256)", "?"},
		{"ColdkeySwapDisputes", "twox AccountId", "u32", "?"},
		{"IdentitiesV2", "blake AccountId", "ChainIdentityV2", "?"},
		// Stake.
		{"TaoWeight", "", "u64", "fc62e03efa3c7c0d"},
		{"TotalIssuance", "", "TaoBalance", zeros(8)},
		{"TotalStake", "", "TaoBalance", zeros(8)},
		{"TotalHotkeyAlpha", "blake AccountId, id NetUid", "AlphaBalance", zeros(8)},
		{"TotalHotkeySharesV2", "blake AccountId, id NetUid", "SafeFloat", zeros(24)},
		{"AlphaV2", "blake AccountId, blake AccountId, id NetUid", "SafeFloat", zeros(24)},
		{"AlphaDividendsPerSubnet", "id NetUid, blake AccountId", "AlphaBalance", zeros(8)},
		{"MinerCollateral", "id NetUid, blake AccountId, blake AccountId", "MinerCollateralState", "?"},
		{"ColdkeyMinerCollateral", "id NetUid, blake AccountId", "AlphaBalance", zeros(8)},
		{"ColdkeyCollateralHotkeys", "id NetUid, blake AccountId", "BoundedVec", "00"},
		// Subnets.
		{"TotalNetworks", "", "u16", zeros(2)},
		{"NetworksAdded", "id NetUid", "bool", "00"},
		{"SubnetworkN", "id NetUid", "u16", zeros(2)},
		{"MaxAllowedUids", "id NetUid", "u16", "0001"},
		{"MinNonImmuneUids", "id NetUid", "u16", "0a00"},
		{"ImmuneOwnerUidsLimit", "id NetUid", "u16", "0100"},
		{"SubnetOwner", "id NetUid", "AccountId", zeros(32)},
		{"SubnetOwnerHotkey", "id NetUid", "AccountId", zeros(32)},
		{"SubnetIdentitiesV3", "blake NetUid", "SubnetIdentityV3", "?"},
		{"TokenSymbol", "id NetUid", "Vec<u8>", "10f09d9c8f"},
		{"NetworkRegisteredAt", "id NetUid", "u64", zeros(8)},
		{"FirstEmissionBlockNumber", "id NetUid", "u64", "?"},
		{"SubtokenEnabled", "id NetUid", "bool", "00"},
		{"TransferToggle", "id NetUid", "bool", "01"},
		{"SubnetMechanism", "id NetUid", "u16", zeros(2)},
		{"MechanismCountCurrent", "twox NetUid", "MechId", "01"},
		{"Tempo", "id NetUid", "u16", "6801"},
		{"BlocksSinceLastStep", "id NetUid", "u64", zeros(8)},
		{"LastMechansimStepBlock", "id NetUid", "u64", zeros(8)},
		{"SubnetTAO", "id NetUid", "TaoBalance", zeros(8)},
		{"SubnetAlphaIn", "id NetUid", "AlphaBalance", zeros(8)},
		{"SubnetAlphaOut", "id NetUid", "AlphaBalance", zeros(8)},
		{"SubnetAlphaInEmission", "id NetUid", "AlphaBalance", zeros(8)},
		{"SubnetAlphaOutEmission", "id NetUid", "AlphaBalance", zeros(8)},
		{"SubnetTaoInEmission", "id NetUid", "TaoBalance", zeros(8)},
		{"PendingServerEmission", "id NetUid", "AlphaBalance", zeros(8)},
		{"PendingValidatorEmission", "id NetUid", "AlphaBalance", zeros(8)},
		{"SubnetVolume", "id NetUid", "u128", zeros(16)},
		{"SubnetMovingPrice", "id NetUid", "substrate_fixed::FixedI128", zeros(16)},
		// Hyperparameters.
		{"Rho", "id NetUid", "u16", "0a00"},
		{"Kappa", "id NetUid", "u16", "ff7f"},
		{"ImmunityPeriod", "id NetUid", "u16", "0010"},
		{"ActivityCutoff", "id NetUid", "u16", "8813"},
		{"ActivityCutoffFactorMilli", "id NetUid", "u32", "41360000"},
		{"MaxWeightsLimit", "id NetUid", "u16", "ffff"},
		{"MinAllowedWeights", "id NetUid", "u16", "0004"},
		{"MaxAllowedValidators", "id NetUid", "u16", "8000"},
		{"WeightsVersionKey", "id NetUid", "u64", zeros(8)},
		{"WeightsSetRateLimit", "id NetUid", "u64", "6400000000000000"},
		{"AdjustmentInterval", "id NetUid", "u16", "6400"},
		{"AdjustmentAlpha", "id NetUid", "u64", zeros(8)},
		{"TargetRegistrationsPerInterval", "id NetUid", "u16", "0200"},
		{"BondsMovingAverage", "id NetUid", "u64", "a0bb0d0000000000"},
		{"BondsResetOn", "id NetUid", "bool", "00"},
		{"ServingRateLimit", "id NetUid", "u64", "3200000000000000"},
		{"ScalingLawPower", "id NetUid", "u16", "3200"},
		{"CommitRevealWeightsEnabled", "id NetUid", "bool", "01"},
		{"RevealPeriodEpochs", "twox NetUid", "u64", "0100000000000000"},
		{"LiquidAlphaOn", "blake NetUid", "bool", "00"},
		{"Yuma3On", "blake NetUid", "bool", "00"},
		{"AlphaValues", "id NetUid", "(u16, u16)", "33b366e6"},
		{"AlphaSigmoidSteepness", "id NetUid", "i16", "e803"},
		// Registration.
		{"NetworkRegistrationAllowed", "id NetUid", "bool", "01"},
		{"NetworkPowRegistrationAllowed", "id NetUid", "bool", "00"},
		{"LastPowRegistrationBlock", "blake AccountId", "u64", "?"},
		{"UsedWork", "id Vec<u8>", "u64", zeros(8)},
		{"MaxRegistrationsPerBlock", "id NetUid", "u16", "0100"},
		{"RegistrationsThisBlock", "id NetUid", "u16", zeros(2)},
		{"RegistrationsThisInterval", "id NetUid", "u16", zeros(2)},
		{"Burn", "id NetUid", "TaoBalance", "00e1f50500000000"},
		{"MinBurn", "id NetUid", "TaoBalance", "20a1070000000000"},
		{"MaxBurn", "id NetUid", "TaoBalance", "00e8764817000000"},
		{"BurnHalfLife", "id NetUid", "u16", "6801"},
		{"BurnIncreaseMult", "id NetUid", "substrate_fixed::FixedU128", "0090c2f5285c8f420100000000000000"},
		{"RAORecycledForRegistration", "id NetUid", "TaoBalance", zeros(8)},
		{"CollateralLockShare", "id NetUid", "u16", zeros(2)},
		{"CollateralDrainRatio", "id NetUid", "substrate_fixed::FixedU128", zeros(8) + "01" + zeros(7)},
		{"Difficulty", "id NetUid", "u64", "8096980000000000"},
		{"MinDifficulty", "id NetUid", "u64", "8096980000000000"},
		{"MaxDifficulty", "id NetUid", "u64", "ffffffffffffff3f"},
		// Neurons.
		{"Uids", "id NetUid, blake AccountId", "u16", "?"},
		{"Keys", "id NetUid, id u16", "AccountId", zeros(32)},
		{"IsNetworkMember", "blake AccountId, id NetUid", "bool", "00"},
		{"BlockAtRegistration", "id NetUid, id u16", "u64", zeros(8)},
		{"Axons", "id NetUid, blake AccountId", "AxonInfo", "?"},
		{"Prometheus", "id NetUid, blake AccountId", "PrometheusInfo", "?"},
		{"Active", "id NetUid", "Vec<bool>", "00"},
		{"ValidatorPermit", "id NetUid", "Vec<bool>", "00"},
		{"Consensus", "id NetUid", "Vec<PerU16>", "00"},
		{"Incentive", "id NetUidStorageIndex", "Vec<PerU16>", "00"},
		{"Dividends", "id NetUid", "Vec<PerU16>", "00"},
		{"ValidatorTrust", "id NetUid", "Vec<PerU16>", "00"},
		{"Emission", "id NetUid", "Vec<AlphaBalance>", "00"},
		{"LastUpdate", "id NetUidStorageIndex", "Vec<u64>", "00"},
		{"Weights", "id NetUidStorageIndex, id u16", "Vec<(u16, u16)>", "00"},
		{"Bonds", "id NetUidStorageIndex, id u16", "Vec<(u16, u16)>", "00"},
	},
}

func zeros(n int) string { return strings.Repeat("00", n) }

// constant is one constant: its type and its value in hexadecimal.
type constant struct{ name, typ, value string }

var constants = map[string][]constant{
	"System": {
		{"BlockHashCount", "u32", "60090000"},
		{"SS58Prefix", "u16", "2a00"},
	},
	"Balances": {{"ExistentialDeposit", "TaoBalance", "f401000000000000"}},
}

// extensions are the transaction extensions in mainnet's order: what lies in the
// extrinsic, and what is signed beside it.
var extensions = []struct{ name, extra, additional string }{
	{"CheckNonZeroSender", "CheckNonZeroSender", "()"},
	{"CheckSpecVersion", "CheckSpecVersion", "u32"},
	{"CheckTxVersion", "CheckTxVersion", "u32"},
	{"CheckGenesis", "CheckGenesis", "H256"},
	{"CheckMortality", "CheckMortality", "H256"},
	{"CheckNonce", "CheckNonce", "()"},
	{"CheckWeight", "CheckWeight", "()"},
	{"ChargeTransactionPayment", "ChargeTransactionPayment", "()"},
	{"SudoTransactionExtension", "SudoTransactionExtension", "()"},
	{"CheckShieldedTxValidity", "CheckShieldedTxValidity", "()"},
	{"SubtensorTransactionExtension", "SubtensorTransactionExtension", "()"},
	{"DrandPriority", "DrandPriority", "()"},
	{"CheckMetadataHash", "CheckMetadataHash", "Option<[u8; 32]>"},
}

// api is one runtime API with the version that the runtime lists.
type api struct {
	name    string
	version uint32
	methods []method
}

// method is a function of a runtime API: "name: Type" arguments and the answer.
type method struct{ name, args, answer string }

var apis = []api{
	{"Core", 5, []method{{"version", "", "RuntimeVersion"}}},
	{"Metadata", 2, []method{
		{"metadata", "", "OpaqueMetadata"},
		{"metadata_at_version", "version: u32", "Option<OpaqueMetadata>"},
		{"metadata_versions", "", "Vec<u32>"},
	}},
	{"TaggedTransactionQueue", 3, []method{
		{"validate_transaction", "source: TransactionSource, tx: UncheckedExtrinsic, block_hash: H256", "Result<ValidTransaction, TransactionValidityError>"},
	}},
	{"AccountNonceApi", 1, []method{{"account_nonce", "account: AccountId", "u32"}}},
	{"TransactionPaymentApi", 4, []method{{"query_info", "uxt: UncheckedExtrinsic, len: u32", "RuntimeDispatchInfo"}}},
	{"NeuronInfoRuntimeApi", 1, []method{
		{"get_neurons", "netuid: NetUid", "Vec<NeuronInfo>"},
		{"get_neuron", "netuid: NetUid, uid: u16", "Option<NeuronInfo>"},
		{"get_neurons_lite", "netuid: NetUid", "Vec<NeuronInfoLite>"},
		{"get_neuron_lite", "netuid: NetUid, uid: u16", "Option<NeuronInfoLite>"},
	}},
	{"SubnetInfoRuntimeApi", 1, []method{
		{"get_subnet_info", "netuid: NetUid", "Option<SubnetInfo>"},
		{"get_subnets_info", "", "Vec<Option<SubnetInfo>>"},
		{"get_subnet_hyperparams", "netuid: NetUid", "Option<SubnetHyperparams>"},
		{"get_subnet_hyperparams_v2", "netuid: NetUid", "Option<SubnetHyperparamsV2>"},
		{"get_all_dynamic_info", "", "Vec<Option<DynamicInfo>>"},
		{"get_dynamic_info", "netuid: NetUid", "Option<DynamicInfo>"},
		{"get_all_metagraphs", "", "Vec<Option<Metagraph>>"},
		{"get_metagraph", "netuid: NetUid", "Option<Metagraph>"},
		{"get_subnet_state", "netuid: NetUid", "Option<SubnetState>"},
		{"get_subnet_account_id", "netuid: NetUid", "Option<AccountId>"},
	}},
}
