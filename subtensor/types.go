package subtensor

import (
	"math"

	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// AxonInfo says where a neuron serves. A neuron that never served has zeros.
type AxonInfo struct {
	Block        uint64     // of the last announcement
	Version      uint32     // of the neuron's software: major*10^6 + minor*10^3 + patch
	IP           scale.U128 `scale:"ip"` // IPv4 in the low 32 bits, or IPv6
	Port         uint16
	IPType       uint8 `scale:"ip_type"` // 4 or 6
	Protocol     uint8
	Placeholder1 uint8 `scale:"placeholder1"`
	Placeholder2 uint8 `scale:"placeholder2"`
}

// PrometheusInfo says where a neuron serves its Prometheus metrics.
type PrometheusInfo struct {
	Block   uint64
	Version uint32
	IP      scale.U128 `scale:"ip"`
	Port    uint16
	IPType  uint8 `scale:"ip_type"`
}

// StakeEntry is what one coldkey has staked to a hotkey. Every nominator is
// listed up to spec 194; later runtimes give one entry with the owner and the
// hotkey's whole stake on the subnet.
type StakeEntry struct {
	Account ss58.AccountID
	Amount  uint64 // rao; the subnet's alpha from spec 233 on
}

// WeightEntry is one entry of a sparse row of weights or bonds.
type WeightEntry struct {
	UID   uint16
	Value uint16
}

// NeuronInfoLite is a neuron without its weights and bonds.
type NeuronInfoLite struct {
	Hotkey         ss58.AccountID
	Coldkey        ss58.AccountID
	UID            uint16 `scale:"uid"`
	Netuid         uint16
	Active         bool
	AxonInfo       AxonInfo
	PrometheusInfo PrometheusInfo
	Stake          []StakeEntry
	Rank           uint16 `scale:"rank,optional"` // share of 65535; 0 from spec 397 on
	Emission       uint64 // of the last epoch, rao; alpha from spec 233 on
	Incentive      uint16 // share of 65535
	Consensus      uint16 // share of 65535
	Trust          uint16 `scale:"trust,optional"` // share of 65535; 0 from spec 397 on
	ValidatorTrust uint16 // share of 65535
	Dividends      uint16 // share of 65535
	LastUpdate     uint64 // block at which weights were set last
	// ValidatorPermit says whether the neuron may set weights that count.
	ValidatorPermit bool
	PruningScore    uint16 `scale:"pruning_score,optional"` // 65535 from spec 397 on
}

// NeuronInfo is a neuron with its row of weights and of bonds. Zero entries are
// left out by the chain. From spec 320 on the rows are those of mechanism 0.
type NeuronInfo struct {
	Hotkey         ss58.AccountID
	Coldkey        ss58.AccountID
	UID            uint16 `scale:"uid"`
	Netuid         uint16
	Active         bool
	AxonInfo       AxonInfo
	PrometheusInfo PrometheusInfo
	Stake          []StakeEntry
	Rank           uint16 `scale:"rank,optional"` // share of 65535; 0 from spec 397 on
	Emission       uint64 // of the last epoch, rao; alpha from spec 233 on
	Incentive      uint16 // share of 65535
	Consensus      uint16 // share of 65535
	Trust          uint16 `scale:"trust,optional"` // share of 65535; 0 from spec 397 on
	ValidatorTrust uint16 // share of 65535
	Dividends      uint16 // share of 65535
	LastUpdate     uint64 // block at which weights were set last
	// ValidatorPermit says whether the neuron may set weights that count.
	ValidatorPermit bool
	Weights         []WeightEntry // values as they were set, at most 65535
	Bonds           []WeightEntry
	PruningScore    uint16 `scale:"pruning_score,optional"` // 65535 from spec 397 on
}

// Lite returns the neuron without its rows.
func (n *NeuronInfo) Lite() NeuronInfoLite {
	return NeuronInfoLite{
		Hotkey: n.Hotkey, Coldkey: n.Coldkey, UID: n.UID, Netuid: n.Netuid, Active: n.Active,
		AxonInfo: n.AxonInfo, PrometheusInfo: n.PrometheusInfo, Stake: n.Stake, Rank: n.Rank,
		Emission: n.Emission, Incentive: n.Incentive, Consensus: n.Consensus, Trust: n.Trust,
		ValidatorTrust: n.ValidatorTrust, Dividends: n.Dividends, LastUpdate: n.LastUpdate,
		ValidatorPermit: n.ValidatorPermit, PruningScore: n.PruningScore,
	}
}

// SubnetInfo is the summary of a subnet that runtimes have given since the
// chain's start.
type SubnetInfo struct {
	Netuid                 uint16
	Rho                    uint16
	Kappa                  uint16 // share of 65535
	Difficulty             uint64 // of registration by proof of work, as stored
	ImmunityPeriod         uint16 // blocks
	ValidatorBatchSize     uint16 `scale:"validator_batch_size,optional"`       // up to spec 126
	ValidatorSequenceLen   uint16 `scale:"validator_sequence_length,optional"`  // up to spec 126
	ValidatorEpochsReset   uint16 `scale:"validator_epochs_per_reset,optional"` // up to spec 126
	ValidatorEpochLen      uint16 `scale:"validator_epoch_length,optional"`     // up to spec 126
	MaxAllowedValidators   uint16
	MinAllowedWeights      uint16
	MaxWeightsLimit        uint16 // share of 65535
	ScalingLawPower        uint16
	SynergyScalingLawPower uint16 `scale:"synergy_scaling_law_power,optional"` // up to spec 126
	SubnetworkN            uint16 `scale:"subnetwork_n"`                       // neurons
	MaxAllowedUIDs         uint16 `scale:"max_allowed_uids"`
	BlocksSinceLastStep    uint64
	Tempo                  uint16 // blocks between epochs
	NetworkModality        uint16
	NetworkConnect         [][2]uint16    // netuid, connection requirement
	EmissionValues         uint64         // rao a block; 0 from spec 233 on
	Burn                   uint64         // rao: the price of a burned registration
	Owner                  ss58.AccountID `scale:"owner,optional"` // coldkey; from spec 133 on
}

// SubnetInfoV2 is SubnetInfo with what the subnet's owner says about it, from
// spec 195 on.
type SubnetInfoV2 struct {
	Netuid               uint16
	Rho                  uint16
	Kappa                uint16 // share of 65535
	Difficulty           uint64 // of registration by proof of work, as stored
	ImmunityPeriod       uint16 // blocks
	MaxAllowedValidators uint16
	MinAllowedWeights    uint16
	MaxWeightsLimit      uint16 // share of 65535
	ScalingLawPower      uint16
	SubnetworkN          uint16 `scale:"subnetwork_n"` // neurons
	MaxAllowedUIDs       uint16 `scale:"max_allowed_uids"`
	BlocksSinceLastStep  uint64
	Tempo                uint16 // blocks between epochs
	NetworkModality      uint16
	NetworkConnect       [][2]uint16    // netuid, connection requirement
	EmissionValue        uint64         // rao a block; 0 from spec 233 on
	Burn                 uint64         // rao: the price of a burned registration
	Owner                ss58.AccountID // coldkey
	Identity             *SubnetIdentity
}

// SubnetHyperparams are the parameters that a subnet's owner and root can set.
// Fields that a runtime does not have yet are zero.
type SubnetHyperparams struct {
	Rho                   uint16
	Kappa                 uint16 // share of 65535
	ImmunityPeriod        uint16 // blocks
	MinAllowedWeights     uint16
	MaxWeightsLimit       uint16 // share of 65535
	Tempo                 uint16 // blocks
	MinDifficulty         uint64
	MaxDifficulty         uint64
	WeightsVersion        uint64
	WeightsRateLimit      uint64 // blocks
	AdjustmentInterval    uint16 // blocks
	ActivityCutoff        uint64 // blocks
	RegistrationAllowed   bool
	TargetRegsPerInterval uint16
	MinBurn               uint64 // rao
	MaxBurn               uint64 // rao
	BondsMovingAvg        uint64
	MaxRegsPerBlock       uint16
	ServingRateLimit      uint64 `scale:"serving_rate_limit,optional"` // blocks; from spec 139 on
	MaxValidators         uint16 `scale:"max_validators,optional"`     // from spec 139 on
	AdjustmentAlpha       uint64 `scale:"adjustment_alpha,optional"`   // share of 2^64-1; from spec 142 on
	Difficulty            uint64 `scale:"difficulty,optional"`         // as stored; from spec 142 on
	// CommitRevealInterval is in blocks, up to spec 219; CommitRevealPeriod, in
	// epochs, took its place.
	CommitRevealInterval uint64 `scale:"commit_reveal_weights_interval,optional"`
	CommitRevealPeriod   uint64 `scale:"commit_reveal_period,optional"`
	CommitRevealEnabled  bool   `scale:"commit_reveal_weights_enabled,optional"`
	AlphaHigh            uint16 `scale:"alpha_high,optional"` // share of 65535; from spec 154 on
	AlphaLow             uint16 `scale:"alpha_low,optional"`  // share of 65535; from spec 154 on
	LiquidAlphaEnabled   bool   `scale:"liquid_alpha_enabled,optional"`

	// The second version of the answer adds these, from spec 283 on.
	AlphaSigmoidSteepness I32F32 `scale:"alpha_sigmoid_steepness,optional"`
	YumaVersion           uint16 `scale:"yuma_version,optional"`
	SubnetIsActive        bool   `scale:"subnet_is_active,optional"`
	TransfersEnabled      bool   `scale:"transfers_enabled,optional"`
	BondsResetEnabled     bool   `scale:"bonds_reset_enabled,optional"`
	UserLiquidityEnabled  bool   `scale:"user_liquidity_enabled,optional"`
}

// Hyperparam is one parameter of a subnet by its name, as the third version of
// the answer lists them from spec 413 on.
type Hyperparam struct {
	Name  string
	Value HyperparamValue
}

// HyperparamValue holds the value in the field of its type; the others are nil.
// A type that is not among them is an error: [Schema.Value] decodes it too.
type HyperparamValue struct {
	Bool       *bool       `scale:"Bool"`
	U16        *uint16     `scale:"U16"`
	U32        *uint32     `scale:"U32"`
	U64        *uint64     `scale:"U64"`
	U128       *scale.U128 `scale:"U128"`
	TaoBalance *uint64     `scale:"TaoBalance"` // rao
	I32F32     *I32F32     `scale:"I32F32"`
	U64F64     *U64F64     `scale:"U64F64"`
}

// SubnetIdentity is what a subnet's owner says about it. Texts are as stored:
// nobody checked that they are UTF-8 or harmless on a terminal.
type SubnetIdentity struct {
	SubnetName    string
	GithubRepo    string
	SubnetContact string
	SubnetURL     string `scale:"subnet_url,optional"`
	Discord       string `scale:"discord,optional"`
	Description   string `scale:"description,optional"`
	LogoURL       string `scale:"logo_url,optional"` // from spec 283 on
	Additional    string `scale:"additional,optional"`
}

// ChainIdentity is what a coldkey says about itself, as stored.
type ChainIdentity struct {
	Name        string
	URL         string `scale:"url"`
	GithubRepo  string
	Image       string
	Discord     string
	Description string
	Additional  string
}

// I32F32 is a fixed-point number: Bits / 2^32.
type I32F32 struct{ Bits int64 }

// Float64 returns the number, rounded.
func (f I32F32) Float64() float64 { return math.Ldexp(float64(f.Bits), -32) }

// U64F64 is a fixed-point number: Bits / 2^64.
type U64F64 struct{ Bits scale.U128 }

// Float64 returns the number, rounded.
func (f U64F64) Float64() float64 {
	return float64(f.Bits.Hi) + math.Ldexp(float64(f.Bits.Lo), -64)
}

// I96F32 is a fixed-point number: a 128-bit two's complement integer / 2^32.
type I96F32 struct{ Bits scale.U128 }

// Float64 returns the number, rounded.
func (f I96F32) Float64() float64 {
	return math.Ldexp(float64(int64(f.Bits.Hi)), 32) + math.Ldexp(float64(f.Bits.Lo), -32)
}

// DynamicInfo is the state of a subnet's market of TAO and alpha, from spec 233
// on. Test chains numbered 204 to 219 gave an early form of it, with Owner,
// TotalLocked and OwnerLocked instead of what later runtimes give.
type DynamicInfo struct {
	Netuid               uint16
	OwnerHotkey          ss58.AccountID `scale:"owner_hotkey,optional"`
	OwnerColdkey         ss58.AccountID `scale:"owner_coldkey,optional"`
	SubnetName           string         `scale:"subnet_name,optional"`
	TokenSymbol          string         `scale:"token_symbol,optional"`
	Tempo                uint16         // blocks
	LastStep             uint64         // block
	BlocksSinceLastStep  uint64
	Emission             uint64          // rao
	AlphaIn              uint64          // alpha rao in the pool
	AlphaOut             uint64          // alpha rao outside of it
	TaoIn                uint64          // rao in the pool
	AlphaOutEmission     uint64          `scale:"alpha_out_emission,optional"` // rao a block
	AlphaInEmission      uint64          `scale:"alpha_in_emission,optional"`  // rao a block
	TaoInEmission        uint64          `scale:"tao_in_emission,optional"`    // rao a block
	PendingAlphaEmission uint64          `scale:"pending_alpha_emission,optional"`
	PendingRootEmission  uint64          `scale:"pending_root_emission,optional"`
	SubnetVolume         scale.U128      `scale:"subnet_volume,optional"`         // rao
	NetworkRegisteredAt  uint64          `scale:"network_registered_at,optional"` // block
	SubnetIdentity       *SubnetIdentity `scale:"subnet_identity,optional"`
	MovingPrice          I96F32          `scale:"moving_price,optional"` // TAO for one alpha

	Owner       ss58.AccountID `scale:"owner,optional"`        // specs 204 to 219
	TotalLocked uint64         `scale:"total_locked,optional"` // specs 204 to 219, rao
	OwnerLocked uint64         `scale:"owner_locked,optional"` // specs 204 to 219, rao
}

// AccountAmount is an amount that belongs to an account.
type AccountAmount struct {
	Account ss58.AccountID
	Amount  uint64 // rao
}

// MetagraphInfo is a subnet in columns, as get_metagraph answers from spec 233
// on: its parameters, its market and one entry a neuron in each column. From
// spec 397 on the columns PruningScore, Trust and Rank are empty.
type MetagraphInfo struct {
	Netuid               uint16
	Name                 string
	Symbol               string
	Identity             *SubnetIdentity
	NetworkRegisteredAt  uint64 // block
	OwnerHotkey          ss58.AccountID
	OwnerColdkey         ss58.AccountID
	Block                uint64 // that the answer is about
	Tempo                uint16 // blocks
	LastStep             uint64 // block
	BlocksSinceLastStep  uint64
	SubnetEmission       uint64 // rao
	AlphaIn              uint64 // rao, like the following
	AlphaOut             uint64
	TaoIn                uint64
	AlphaOutEmission     uint64
	AlphaInEmission      uint64
	TaoInEmission        uint64
	PendingAlphaEmission uint64
	PendingRootEmission  uint64
	SubnetVolume         scale.U128 // rao
	MovingPrice          I96F32     // TAO for one alpha

	Rho                 uint16
	Kappa               uint16 // share of 65535
	MinAllowedWeights   uint16
	MaxWeightsLimit     uint16 // share of 65535
	WeightsVersion      uint64
	WeightsRateLimit    uint64 // blocks
	ActivityCutoff      uint64 // blocks
	MaxValidators       uint16
	NumUIDs             uint16 `scale:"num_uids"`
	MaxUIDs             uint16 `scale:"max_uids"`
	Burn                uint64 // rao
	Difficulty          uint64
	RegistrationAllowed bool
	// PowRegistrationAllowed reads true on chains that have no proof of work at
	// all: it is no sign that registration by proof of work is possible.
	PowRegistrationAllowed bool
	ImmunityPeriod         uint16 // blocks
	MinDifficulty          uint64
	MaxDifficulty          uint64
	MinBurn                uint64 // rao
	MaxBurn                uint64 // rao
	AdjustmentAlpha        uint64 // share of 2^64-1
	AdjustmentInterval     uint16 // blocks
	TargetRegsPerInterval  uint16
	MaxRegsPerBlock        uint16
	ServingRateLimit       uint64 // blocks
	CommitRevealEnabled    bool   `scale:"commit_reveal_weights_enabled"`
	CommitRevealPeriod     uint64 // epochs
	LiquidAlphaEnabled     bool
	AlphaHigh              uint16 // share of 65535
	AlphaLow               uint16 // share of 65535
	BondsMovingAvg         uint64

	// Columns: one entry a neuron, by uid.
	Hotkeys             []ss58.AccountID
	Coldkeys            []ss58.AccountID
	Identities          []*ChainIdentity // of the coldkeys; nil for none
	Axons               []AxonInfo
	Active              []bool
	ValidatorPermit     []bool
	PruningScore        []uint16 `scale:"pruning_score,optional"`
	LastUpdate          []uint64 // blocks
	Emission            []uint64 // alpha rao of the last epoch
	Dividends           []uint16 // shares of 65535, like the following
	Incentives          []uint16
	Consensus           []uint16
	Trust               []uint16 `scale:"trust,optional"`
	Rank                []uint16 `scale:"rank,optional"`
	BlockAtRegistration []uint64
	AlphaStake          []uint64        // alpha rao
	TaoStake            []uint64        // rao
	TotalStake          []uint64        // rao
	TaoDividends        []AccountAmount `scale:"tao_dividends_per_hotkey,optional"` // zeros from spec 334 on
	AlphaDividends      []AccountAmount `scale:"alpha_dividends_per_hotkey,optional"`

	// Collateral that newer runtimes (about spec 435 on) lock at registration, rao.
	CollateralLocked []uint64 `scale:"collateral_locked,optional"`
	CollateralMin    []uint64 `scale:"collateral_min,optional"`
	CollateralEarned []uint64 `scale:"collateral_earned,optional"`
}

// SubnetState holds the columns of a subnet's neurons with their stake and
// emission history, from spec 218 on. From spec 397 on the columns PruningScore,
// Trust and Rank are empty. Test chains numbered 204 and little more gave
// LocalStake, GlobalStake and StakeWeight instead of the three stakes.
type SubnetState struct {
	Netuid              uint16
	Hotkeys             []ss58.AccountID
	Coldkeys            []ss58.AccountID
	Active              []bool
	ValidatorPermit     []bool
	PruningScore        []uint16 `scale:"pruning_score,optional"`
	LastUpdate          []uint64 // blocks
	Emission            []uint64 // alpha rao of the last epoch
	Dividends           []uint16 // shares of 65535, like the following
	Incentives          []uint16
	Consensus           []uint16
	Trust               []uint16 `scale:"trust,optional"`
	Rank                []uint16 `scale:"rank,optional"`
	BlockAtRegistration []uint64
	AlphaStake          []uint64   `scale:"alpha_stake,optional"` // alpha rao
	TaoStake            []uint64   `scale:"tao_stake,optional"`   // rao
	TotalStake          []uint64   `scale:"total_stake,optional"` // rao
	EmissionHistory     [][]uint64 // a row a subnet, an entry a neuron: rao

	LocalStake  []uint64 `scale:"local_stake,optional"`  // rao, on the subnet
	GlobalStake []uint64 `scale:"global_stake,optional"` // rao, on all subnets
	StakeWeight []uint16 `scale:"stake_weight,optional"` // shares of 65535
}

// Subnet is a subnet as it is listed. Dynamic is nil where the runtime has no
// dynamic TAO (before spec 233).
type Subnet struct {
	SubnetInfo
	Dynamic *DynamicInfo
}
