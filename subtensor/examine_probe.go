package subtensor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// subnet chooses the subnet that is probed.
func (e *examiner) subnet(ctx context.Context, opts ExamineOptions) error {
	netuids, err := e.s.Netuids(ctx)
	switch {
	case ends(ctx, err):
		return err
	case err != nil:
		e.problem("list of subnets", err)
		netuids = []uint16{1} // there is one on every network
	case opts.Netuid != nil && !slices.Contains(netuids, *opts.Netuid):
		return &SubnetNotFoundError{Netuid: *opts.Netuid, Block: e.s.Number, Existing: netuids}
	}
	if opts.Netuid != nil {
		e.r.Netuid = opts.Netuid
		return nil
	}
	return e.populated(ctx, netuids)
}

// populated takes the first subnet that is not root and has neurons; where none of
// the first few has, the last of them.
func (e *examiner) populated(ctx context.Context, netuids []uint16) error {
	const few = 16
	if len(netuids) > 1 && netuids[0] == 0 {
		netuids = netuids[1:]
	}
	for _, n := range netuids[:min(len(netuids), few)] {
		e.r.Netuid = &n
		var size uint64
		if _, err := e.s.Get(ctx, &size, palletName, "SubnetworkN", n); ends(ctx, err) {
			return err
		}
		if size > 0 {
			break
		}
	}
	return nil
}

// asked are the runtime APIs that this package asks, with what follows the netuid
// among their arguments and what their answers are decoded into.
var asked = [...]askedAPI{
	{getNeuronsLite, false, nil, func() any { return new([]NeuronInfoLite) }},
	{getNeurons, false, nil, func() any { return new([]NeuronInfo) }},
	{getNeuronLite, false, []byte{0, 0}, func() any { return new(*NeuronInfoLite) }}, // uid 0
	{getNeuron, false, []byte{0, 0}, func() any { return new(*NeuronInfo) }},
	{getSubnet, false, nil, func() any { return new(*SubnetInfo) }},
	{getSubnets, true, nil, func() any { return new([]*SubnetInfo) }},
	{getHyperparams, false, nil, func() any { return new(*SubnetHyperparams) }},
	{getHyperparamsV2, false, nil, func() any { return new(*SubnetHyperparams) }},
	{getDynamic, false, nil, func() any { return new(*DynamicInfo) }},
	{getAllDynamic, true, nil, func() any { return new([]*DynamicInfo) }},
	{getMetagraph, false, nil, func() any { return new(*MetagraphInfo) }},
	{getMechagraph, false, []byte{0}, func() any { return new(*MetagraphInfo) }},                    // mechanism 0
	{getSelectiveMetagraph, false, []byte{4, 0, 0}, func() any { return new(*SelectiveMetagraph) }}, // index 0
	{getSubnetState, false, nil, func() any { return new(*SubnetState) }},
}

type askedAPI struct {
	method string
	alone  bool   // no netuid
	more   []byte // arguments after the netuid
	answer func() any
}

// args returns the encoded arguments.
func (q *askedAPI) args(netuid uint16) []byte {
	if q.alone {
		return nil
	}
	return append(binary.LittleEndian.AppendUint16(nil, netuid), q.more...)
}

// apis asks the runtime APIs and decodes what they answer.
func (e *examiner) apis(ctx context.Context, _ ExamineOptions) error {
	if e.r.Netuid == nil {
		return nil
	}
	neurons := false
	for _, q := range asked {
		p := Probe{Name: q.method, Status: ProbeAbsent}
		if e.s.schema.Has(q.method) {
			var err error
			if p, err = e.api(ctx, q.method, q.args(*e.r.Netuid), q.answer()); err != nil {
				return err
			}
		}
		neurons = neurons || q.method == getNeuronsLite && p.Status != ProbeAbsent
		e.r.APIs = append(e.r.APIs, p)
	}
	if neurons {
		return nil
	}
	// What is read in the place of the runtime API.
	list, err := e.s.NeuronsLite(ctx, *e.r.Netuid)
	if ends(ctx, err) {
		return err
	}
	e.r.APIs = append(e.r.APIs, e.probed(Probe{Name: "neurons", Count: ptr(len(list)), Layout: "storage"}, err))
	return nil
}

// api asks one runtime API. The error ends the examination.
func (e *examiner) api(ctx context.Context, method string, args []byte, answer any) (Probe, error) {
	p := Probe{Name: method}
	raw, err := e.s.Call(ctx, method, args)
	switch {
	case ends(ctx, err):
		return p, err
	case lacksMethod(err):
		p.Status = ProbeAbsent
		return p, nil
	case err != nil:
		return e.probed(p, err), nil
	}
	p.Bytes = len(raw)
	if l, err := e.s.schema.Choose(method, raw); err == nil {
		p.Layout = l.String()
	} else { // of what is tried, the first gives the error
		for _, l := range e.s.schema.Layouts(method)[:1] {
			p.Layout = l.String()
		}
	}
	if err := e.s.schema.Decode(method, raw, answer); err != nil {
		return e.probed(p, err), nil
	}
	switch v := reflect.ValueOf(answer).Elem(); v.Kind() {
	case reflect.Slice:
		p.Count = ptr(v.Len())
	case reflect.Pointer:
		if v.IsNil() {
			p.Count = ptr(0)
		}
	}
	return e.probed(p, nil), nil
}

// probed completes a probe.
func (e *examiner) probed(p Probe, err error) Probe {
	p.Status = ProbeOK
	switch {
	case err != nil:
		p.Status, p.Error, p.Remedy, p.Count = ProbeError, err.Error(), Explain(err), nil
		e.problem(p.Name, err)
	case p.Count != nil && *p.Count == 0:
		p.Status = ProbeNone
	}
	return p
}

func ptr[T any](v T) *T { return &v }

// stored are the items of storage that this package and its users read: the
// registration's, those that subnets are listed with, the neurons'.
var stored = []string{
	"NetworksAdded", "SubnetworkN", "MaxAllowedUids", "Tempo", "Burn", "Difficulty", "MinDifficulty", "MaxDifficulty",
	"NetworkPowRegistrationAllowed", "NetworkRegistrationAllowed", "MaxRegistrationsPerBlock", "RegistrationsThisBlock",
	"RegistrationsThisInterval", "TargetRegistrationsPerInterval", "LastPowRegistrationBlock", "Uids", "Owner",
	"Keys", "Axons", "Prometheus", "Active", "ValidatorPermit", "Rank", "Trust", "Consensus", "Incentive", "Dividends",
	"Emission", "ValidatorTrust", "LastUpdate", "PruningScores", "BlockAtRegistration", "Weights", "Bonds",
}

// storage reads one value of each item, of the probed subnet where the item's
// first key is a netuid, and decodes it as the metadata says.
func (e *examiner) storage(ctx context.Context, _ ExamineOptions) error {
	pallet, ok := e.s.Runtime.Metadata.Pallet(palletName)
	if e.r.Netuid == nil || !ok {
		return nil
	}
	var (
		keys    [][]byte
		entries []*metadata.StorageEntry // by key
	)
	for _, item := range stored {
		p := Probe{Name: palletName + "." + item, Status: ProbeAbsent}
		if entry, ok := pallet.Entry(item); ok {
			key, err := e.someKey(ctx, entry)
			if ends(ctx, err) {
				return err
			}
			if key != nil {
				keys, entries = append(keys, key), append(entries, entry)
				continue
			}
			p = e.probed(Probe{Name: p.Name, Count: ptr(0)}, err)
		}
		e.r.Storage = append(e.r.Storage, p)
	}
	values, err := e.s.Raw(ctx, keys...)
	if ends(ctx, err) {
		return err
	}
	for i, entry := range entries {
		p := Probe{Name: palletName + "." + entry.Name}
		fault, raw := err, entry.Default
		if fault == nil && values[i] != nil {
			raw = values[i]
			p.Bytes = len(raw)
		}
		switch {
		case fault != nil:
		case values[i] == nil && entry.Optional:
			p.Count = ptr(0)
		default:
			in := scale.NewReader(raw)
			if _, fault = e.s.Runtime.Codec.Value(entry.Value, in); fault == nil {
				fault = in.Finish()
			}
		}
		if p = e.probed(p, fault); p.Status == ProbeOK && values[i] == nil {
			p.Status = ProbeDefault
		}
		e.r.Storage = append(e.r.Storage, p)
	}
	// A registration is told by its event.
	events, err := e.s.Events(ctx)
	if ends(ctx, err) {
		return err
	}
	e.r.Storage = append(e.r.Storage, e.probed(Probe{Name: systemEvents, Count: ptr(len(events))}, err))
	slices.SortFunc(e.r.Storage, func(a, b Probe) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

const systemEvents = "System.Events"

// someKey returns a key of an item: that of the probed subnet, or the first one
// that is stored; nil for none.
func (e *examiner) someKey(ctx context.Context, entry *metadata.StorageEntry) ([]byte, error) {
	var keys []any
	if kinds := e.s.keyKinds(entry); len(kinds) > 0 && kinds[0] == keyNetuid {
		keys = append(keys, *e.r.Netuid)
	}
	key, err := e.s.Runtime.StorageKey(palletName, entry.Name, keys...)
	if err != nil || len(keys) == len(entry.Hashers) {
		return key, err
	}
	first, err := e.s.Keys(ctx, key, 1)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	return first[0], nil
}

// extensions lists the runtime's transaction extensions.
func (e *examiner) extensions(context.Context, ExamineOptions) error {
	list, err := e.s.Runtime.Extensions()
	if err != nil {
		e.problem("transaction extensions", err)
		return nil
	}
	for _, x := range list {
		e.r.Extensions = append(e.r.Extensions, ExtensionReport(x))
		if !x.Fillable {
			e.problem("transactions", &substrate.UnknownExtensionError{Identifier: x.Identifier})
		}
	}
	return nil
}

// nobody is an account that belongs to no one and that nobody has a key of.
var nobody = ss58.AccountID{'b', 't', ' ', 'd', 'o', 'c', 't', 'o', 'r'}

// pow says by which rule neurons are registered, and what that costs.
func (e *examiner) pow(ctx context.Context, _ ExamineOptions) error {
	p := &e.r.Pow
	rule, err := e.s.PowRule()
	if err != nil {
		p.Refusal, p.Remedy = err.Error(), Explain(err)
		if _, _, ok := e.s.Runtime.Metadata.Call(palletName, "pow_register"); ok {
			e.problem("registration by proof of work", err) // there is one, and it is not known here
		}
		return nil
	}
	p.Possible, p.Call, p.Preimage, p.Reading = true, rule.Call, rule.preimage(), rule.Reading().String()
	p.Window, p.Signer, p.PaysFee = rule.Window, rule.Signer.String(), rule.PaysFee
	if e.r.Netuid == nil {
		return nil
	}
	fee, err := e.s.registrationFee(ctx, rule, *e.r.Netuid)
	switch {
	case ends(ctx, err):
		return err
	case err != nil:
		p.FeeError = err.Error()
	default:
		p.FeeRao = &fee
		if fee > 0 && !rule.PaysFee {
			e.problem("fee of a registration", fmt.Errorf("the runtime asks %d rao where the rule of spec %d has none", fee, rule.Spec))
		}
	}
	_, err = e.s.RegistrationTerms(ctx, *e.r.Netuid, nobody, nobody)
	switch {
	case ends(ctx, err):
		return err
	case err == nil, errors.Is(err, ErrFunds): // nobody has nothing
		p.Terms = "ok"
	default:
		if p.Terms = err.Error(); !slices.ContainsFunc(refusals, func(r error) bool { return errors.Is(err, r) }) {
			e.problem("terms of a registration", err)
		}
	}
	return nil
}

// refusals are the terms that do not admit a registration: answers, no failures.
var refusals = []error{ErrRootSubnet, ErrPowDisabled, ErrNoRoom, ErrTooManyThisBlock, ErrTooManyThisInterval, ErrHotkeyOwnedByAnother, ErrAlreadyRegistered, ErrReplay}

// preimage says what is hashed to a seal.
func (r Rule) preimage() string {
	switch r.puzzle {
	case puzzlePublic:
		return fmt.Sprintf("domain, netuid, block hash, hotkey, coldkey, nonce (%s)", r.nonce)
	case puzzleGenesis:
		return fmt.Sprintf("nonce (%s), block hash", r.nonce)
	}
	return fmt.Sprintf("nonce (%s), keccak256(block hash, hotkey)", r.nonce)
}

// registrationFee asks the runtime what a registration costs in rao, by a
// transaction that nobody could send: its account has no key and its signature is
// zeros.
func (s *State) registrationFee(ctx context.Context, rule Rule, netuid uint16) (uint64, error) {
	call, err := s.RegisterCall(rule, netuid, nobody, nobody, pow.Solution{Work: pow.Work{Block: s.Number}})
	if err != nil {
		return 0, err
	}
	return s.callFee(ctx, nobody, 0, call)
}

// maxExamined bounds how many subnets are listed.
const maxExamined = 4096

// subnets says what a registration takes on every subnet.
func (e *examiner) subnets(ctx context.Context, _ ExamineOptions) error {
	netuids, err := e.s.Netuids(ctx)
	if err != nil {
		if ends(ctx, err) {
			return err
		}
		return nil // told by the step that chose the subnet
	}
	netuids = netuids[:min(len(netuids), maxExamined)]
	var (
		rows    = make([]SubnetReport, len(netuids))
		limits  = make([]struct{ min, max uint64 }, len(netuids))
		b       = batch{s: e.s}
		rule, _ = e.s.PowRule() // refused: told by the step before
	)
	// What a runtime does not have stays zero.
	want := func(out any, item string, netuid uint16) {
		if b.has(item) {
			b.need(out, item, netuid)
		}
	}
	for i, n := range netuids {
		row := &rows[i]
		row.Netuid = n
		want(&row.Neurons, "SubnetworkN", n)
		want(&row.MaxNeurons, "MaxAllowedUids", n)
		want(&row.Difficulty, "Difficulty", n)
		if b.has("Burn") {
			row.BurnRao = new(uint64)
			b.need(row.BurnRao, "Burn", n)
		}
		if !e.r.Pow.Possible {
			continue
		}
		switch {
		case b.has("NetworkPowRegistrationAllowed"):
			want(&row.PowEnabled, "NetworkPowRegistrationAllowed", n)
		case b.has("NetworkRegistrationAllowed"):
			want(&row.PowEnabled, "NetworkRegistrationAllowed", n)
		default:
			row.PowEnabled = true
		}
		if rule.puzzle == puzzlePublic {
			want(&limits[i].min, "MinDifficulty", n)
			want(&limits[i].max, "MaxDifficulty", n)
		}
	}
	if err := b.read(ctx); err != nil {
		if ends(ctx, err) {
			return err
		}
		e.problem("subnets", err)
		return nil
	}
	for i := range rows {
		if rule.puzzle == puzzlePublic && e.r.Pow.Possible {
			rows[i].Difficulty = EffectiveDifficulty(rows[i].Difficulty, limits[i].min, limits[i].max)
		}
		if rows[i].Netuid == 0 && rule.Spec >= 133 { // subnets v2
			rows[i].PowEnabled = false
		}
	}
	e.r.Subnets = rows
	return nil
}
