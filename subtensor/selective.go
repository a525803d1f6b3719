package subtensor

import (
	"context"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// SelectiveMetagraph is what was asked for of a MetagraphInfo, which says what
// the fields mean. Fields that were not asked for, and those that the runtime
// does not have, are nil; Identity points to nil where the subnet has none.
type SelectiveMetagraph struct {
	Netuid                 uint16
	Name                   *string           `scale:"name,optional"`
	Symbol                 *string           `scale:"symbol,optional"`
	Identity               **SubnetIdentity  `scale:"identity,optional"`
	NetworkRegisteredAt    *uint64           `scale:"network_registered_at,optional"`
	OwnerHotkey            *ss58.AccountID   `scale:"owner_hotkey,optional"`
	OwnerColdkey           *ss58.AccountID   `scale:"owner_coldkey,optional"`
	Block                  *uint64           `scale:"block,optional"`
	Tempo                  *uint16           `scale:"tempo,optional"`
	LastStep               *uint64           `scale:"last_step,optional"`
	BlocksSinceLastStep    *uint64           `scale:"blocks_since_last_step,optional"`
	SubnetEmission         *uint64           `scale:"subnet_emission,optional"`
	AlphaIn                *uint64           `scale:"alpha_in,optional"`
	AlphaOut               *uint64           `scale:"alpha_out,optional"`
	TaoIn                  *uint64           `scale:"tao_in,optional"`
	AlphaOutEmission       *uint64           `scale:"alpha_out_emission,optional"`
	AlphaInEmission        *uint64           `scale:"alpha_in_emission,optional"`
	TaoInEmission          *uint64           `scale:"tao_in_emission,optional"`
	PendingAlphaEmission   *uint64           `scale:"pending_alpha_emission,optional"`
	PendingRootEmission    *uint64           `scale:"pending_root_emission,optional"`
	SubnetVolume           *scale.U128       `scale:"subnet_volume,optional"`
	MovingPrice            *I96F32           `scale:"moving_price,optional"`
	Rho                    *uint16           `scale:"rho,optional"`
	Kappa                  *uint16           `scale:"kappa,optional"`
	MinAllowedWeights      *uint16           `scale:"min_allowed_weights,optional"`
	MaxWeightsLimit        *uint16           `scale:"max_weights_limit,optional"`
	WeightsVersion         *uint64           `scale:"weights_version,optional"`
	WeightsRateLimit       *uint64           `scale:"weights_rate_limit,optional"`
	ActivityCutoff         *uint64           `scale:"activity_cutoff,optional"`
	MaxValidators          *uint16           `scale:"max_validators,optional"`
	NumUIDs                *uint16           `scale:"num_uids,optional"`
	MaxUIDs                *uint16           `scale:"max_uids,optional"`
	Burn                   *uint64           `scale:"burn,optional"`
	Difficulty             *uint64           `scale:"difficulty,optional"`
	RegistrationAllowed    *bool             `scale:"registration_allowed,optional"`
	PowRegistrationAllowed *bool             `scale:"pow_registration_allowed,optional"`
	ImmunityPeriod         *uint16           `scale:"immunity_period,optional"`
	MinDifficulty          *uint64           `scale:"min_difficulty,optional"`
	MaxDifficulty          *uint64           `scale:"max_difficulty,optional"`
	MinBurn                *uint64           `scale:"min_burn,optional"`
	MaxBurn                *uint64           `scale:"max_burn,optional"`
	AdjustmentAlpha        *uint64           `scale:"adjustment_alpha,optional"`
	AdjustmentInterval     *uint16           `scale:"adjustment_interval,optional"`
	TargetRegsPerInterval  *uint16           `scale:"target_regs_per_interval,optional"`
	MaxRegsPerBlock        *uint16           `scale:"max_regs_per_block,optional"`
	ServingRateLimit       *uint64           `scale:"serving_rate_limit,optional"`
	CommitRevealEnabled    *bool             `scale:"commit_reveal_weights_enabled,optional"`
	CommitRevealPeriod     *uint64           `scale:"commit_reveal_period,optional"`
	LiquidAlphaEnabled     *bool             `scale:"liquid_alpha_enabled,optional"`
	AlphaHigh              *uint16           `scale:"alpha_high,optional"`
	AlphaLow               *uint16           `scale:"alpha_low,optional"`
	BondsMovingAvg         *uint64           `scale:"bonds_moving_avg,optional"`
	Hotkeys                *[]ss58.AccountID `scale:"hotkeys,optional"`
	Coldkeys               *[]ss58.AccountID `scale:"coldkeys,optional"`
	Identities             *[]*ChainIdentity `scale:"identities,optional"`
	Axons                  *[]AxonInfo       `scale:"axons,optional"`
	Active                 *[]bool           `scale:"active,optional"`
	ValidatorPermit        *[]bool           `scale:"validator_permit,optional"`
	PruningScore           *[]uint16         `scale:"pruning_score,optional"`
	LastUpdate             *[]uint64         `scale:"last_update,optional"`
	Emission               *[]uint64         `scale:"emission,optional"`
	Dividends              *[]uint16         `scale:"dividends,optional"`
	Incentives             *[]uint16         `scale:"incentives,optional"`
	Consensus              *[]uint16         `scale:"consensus,optional"`
	Trust                  *[]uint16         `scale:"trust,optional"`
	Rank                   *[]uint16         `scale:"rank,optional"`
	BlockAtRegistration    *[]uint64         `scale:"block_at_registration,optional"`
	AlphaStake             *[]uint64         `scale:"alpha_stake,optional"`
	TaoStake               *[]uint64         `scale:"tao_stake,optional"`
	TotalStake             *[]uint64         `scale:"total_stake,optional"`
	TaoDividends           *[]AccountAmount  `scale:"tao_dividends_per_hotkey,optional"`
	AlphaDividends         *[]AccountAmount  `scale:"alpha_dividends_per_hotkey,optional"`

	Validators *[]uint16 `scale:"validators,optional"` // uids; from spec 283 on
	// Commitments are what neurons published, from spec 315 on.
	Commitments *[]HotkeyCommitment `scale:"commitments,optional"`

	CollateralLocked *[]uint64 `scale:"collateral_locked,optional"`
	CollateralMin    *[]uint64 `scale:"collateral_min,optional"`
	CollateralEarned *[]uint64 `scale:"collateral_earned,optional"`
}

// HotkeyCommitment is what a neuron published: the whole SCALE-encoded entry of
// the commitments pallet, with deposit and block. [State.Commitments] decodes it.
type HotkeyCommitment struct {
	Hotkey ss58.AccountID
	Data   []byte
}

// Info returns what was given as a MetagraphInfo; the rest of it is zero.
func (m *SelectiveMetagraph) Info() MetagraphInfo {
	var info MetagraphInfo
	from, to := reflect.ValueOf(m).Elem(), reflect.ValueOf(&info).Elem()
	for i := range to.NumField() {
		f := from.FieldByName(to.Type().Field(i).Name)
		switch {
		case f.Kind() != reflect.Pointer:
			to.Field(i).Set(f)
		case !f.IsNil():
			to.Field(i).Set(f.Elem())
		}
	}
	return info
}

// selectiveNames are the fields of a SelectiveMetagraph by the index that asks for
// them: enum SelectiveMetagraphIndex of rpc_info/metagraph.rs, whose numbers are
// not part of any metadata. Validators (72) came with e9bbb6134 (283), commitments
// (73) with 81ee047fd (315). The three of collateral, 74 to 76, are those of the
// same file in RaoFoundation/subtensor at 4640fbd03, where spec 435 added them.
var selectiveNames = fieldNames(metagraphFields + selectiveValidators + selectiveCommitments + metagraphCollateral)

// selectiveShift is the spec at which Netuid became index 0, and every other
// index one more (1b0c63a71; the main branch had 265 before).
const selectiveShift = 273

// fieldNames returns the names of a struct's fields.
func fieldNames(fields string) []string {
	var names []string
	for _, f := range splitFields(fields) {
		name, _, _ := strings.Cut(f, ":")
		names = append(names, name)
	}
	return names
}

// SelectiveFields returns what State.SelectiveMetagraph can be asked for, by the
// chain's names; none where the runtime has no such query.
func (s *Schema) SelectiveFields() []string {
	a := s.answer(getSelectiveMetagraph)
	if len(a.forms) == 0 {
		return nil
	}
	var names []string
	for i, name := range selectiveNames {
		if (i > 0 || s.era >= selectiveShift) && a.forms[0].holds(name) {
			names = append(names, name)
		}
	}
	return names
}

// holds reports whether the struct that is answered has a field.
func (f *form) holds(name string) bool {
	t := f.reg.Type(f.id)
	for t != nil && t.Kind == metadata.Variant && len(t.Variants) == 2 && len(t.Variants[1].Fields) == 1 { // Option
		t = f.reg.Type(f.reg.Unwrap(t.Variants[1].Fields[0].Type))
	}
	return t != nil && slices.ContainsFunc(t.Fields, func(f metadata.Field) bool { return f.Name == name })
}

// selectiveArgs encodes the indexes of fields, all that there are for none.
func (s *Schema) selectiveArgs(fields []string) ([]byte, error) {
	known := s.SelectiveFields()
	if len(fields) == 0 {
		fields = known
	}
	args := scale.AppendCompact(nil, uint64(len(fields)))
	for _, name := range fields {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("a metagraph at spec %d cannot be asked for %q, only for %s", s.spec, name, strings.Join(known, ", "))
		}
		index := slices.Index(selectiveNames, name)
		if s.era < selectiveShift {
			index--
		}
		args = binary.LittleEndian.AppendUint16(args, uint16(index))
	}
	return args, nil
}

// SelectiveMetagraph returns the named fields of a subnet's MetagraphInfo, by the
// chain's names such as "hotkeys" or "alpha_stake"; all that
// Schema.SelectiveFields lists where none are named (spec 261 on; a MethodError
// before). Netuid is always set.
func (s *State) SelectiveMetagraph(ctx context.Context, netuid uint16, fields ...string) (SelectiveMetagraph, error) {
	return s.selective(ctx, getSelectiveMetagraph, netuid, binary.LittleEndian.AppendUint16(nil, netuid), fields)
}

// SelectiveMechagraph is SelectiveMetagraph for one mechanism of a subnet: its
// incentives and last updates take the place of the subnet's (spec 320 on). The
// error wraps ErrMechanismNotFound where the subnet has no such mechanism: the
// runtime itself answers as if it had.
func (s *State) SelectiveMechagraph(ctx context.Context, netuid uint16, mechanism uint8, fields ...string) (SelectiveMetagraph, error) {
	if mechanism > 0 && s.schema.Has(getSelectiveMechagraph) {
		n, err := s.MechanismCount(ctx, netuid)
		if err != nil {
			return SelectiveMetagraph{}, err
		}
		if mechanism >= n {
			return SelectiveMetagraph{}, &MechanismNotFoundError{Netuid: netuid, Mechanism: mechanism, Count: n, Block: s.Number}
		}
	}
	args := append(binary.LittleEndian.AppendUint16(nil, netuid), mechanism)
	return s.selective(ctx, getSelectiveMechagraph, netuid, args, fields)
}

func (s *State) selective(ctx context.Context, method string, netuid uint16, args []byte, fields []string) (SelectiveMetagraph, error) {
	indexes, err := s.schema.selectiveArgs(fields)
	if err != nil {
		return SelectiveMetagraph{}, err
	}
	var v *SelectiveMetagraph
	if err := s.ask(ctx, method, &v, append(args, indexes...)); err != nil {
		return SelectiveMetagraph{}, err
	}
	if v == nil {
		return SelectiveMetagraph{}, s.notFound(ctx, netuid)
	}
	v.Netuid = netuid // the runtime leaves it zero unless it was asked for
	if err := v.lacks(fields); err != nil {
		return SelectiveMetagraph{}, fmt.Errorf("block %d: %s: %w", s.Number, s.Runtime, err)
	}
	return *v, nil
}

// lacks returns an error where not those fields that were asked for, by name, are
// there: then the runtime counts them in another way.
func (m *SelectiveMetagraph) lacks(fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		name, _, optional := strings.Cut(v.Type().Field(i).Tag.Get("scale"), ",")
		if !optional || v.Field(i).IsNil() != slices.Contains(fields, name) {
			continue
		}
		if v.Field(i).IsNil() {
			return fmt.Errorf("it was asked for %q of a metagraph and did not answer it: its numbers of fields are not known", name)
		}
		return fmt.Errorf("it was not asked for %q of a metagraph and answered it: its numbers of fields are not known", name)
	}
	return nil
}

// SubnetV2 returns the summary of a subnet with its identity (spec 195 on; a
// MethodError before).
func (s *State) SubnetV2(ctx context.Context, netuid uint16) (SubnetInfoV2, error) {
	return one[SubnetInfoV2](ctx, s, getSubnetV2, netuid)
}

// HyperparamsV3 returns the parameters of a subnet by name (spec 413 on; a
// MethodError before).
func (s *State) HyperparamsV3(ctx context.Context, netuid uint16) ([]Hyperparam, error) {
	return one[[]Hyperparam](ctx, s, getHyperparamsV3, netuid)
}
