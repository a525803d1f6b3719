package subtensor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/bittensor-go/bt/substrate/scale"
)

// Explanation says more about an error than its text.
type Explanation struct {
	// Name is what the chain calls it, "" where the chain has no name for it. Errors
	// that are found out before anything is sent have the name with which the runtime
	// would have refused.
	Name string
	// Meaning is what the name means here, "" where the error says it all.
	Meaning string
	// Remedy is what to do about it, "" where there is nothing to say.
	Remedy string
}

// Describe explains an error of the chain, of its pool or of this package. The zero
// Explanation is for errors that are not known here.
func Describe(err error) Explanation {
	var own *namedError
	for _, s := range sentinels {
		if !errors.Is(err, s.err) {
			continue
		}
		e := Explanation{Remedy: s.remedy}
		if errors.As(err, &own) {
			e.Name, e.Meaning = own.name, meaningOf(own.name)
		}
		return e
	}
	var dispatch *substrate.DispatchError
	if errors.As(err, &dispatch) {
		known := dispatchErrors[dispatch.Name]
		return Explanation{Name: dispatch.Name, Meaning: known.means, Remedy: known.remedy}
	}
	var pool *substrate.PoolError
	if errors.As(err, &pool) {
		spec := uint32(newestSpec)
		var at *refusedError
		if errors.As(err, &at) {
			spec = at.spec
		}
		return describePool(pool, spec)
	}
	var method *MethodError
	if errors.As(err, &method) {
		return Explanation{Remedy: "ask for a block of a runtime that has it, or use a newer bt"}
	}
	var future *substrate.BlockNotFoundError
	if errors.As(err, &future) {
		return Explanation{Remedy: "choose a block that exists: the newest is the default"}
	}
	var extension *substrate.UnknownExtensionError
	if errors.As(err, &extension) {
		return Explanation{Remedy: "the chain asks for something in transactions that this bt does not know: use a newer one"}
	}
	if errors.Is(err, scale.ErrUnexpectedEnd) || errors.Is(err, scale.ErrTrailing) || errors.Is(err, rpc.ErrMalformed) {
		return Explanation{Remedy: "the node's answer is damaged or not what its runtime describes: try again, or ask another node"}
	}
	var node *rpc.Error
	if errors.As(err, &node) {
		if text := strings.ToLower(node.Message + " " + string(node.Data)); strings.Contains(text, "discarded") || strings.Contains(text, "unknownblock") || strings.Contains(text, "unknown block") {
			return Explanation{Remedy: "the node has not kept the state of that block: ask an archive node, --network archive"}
		}
	}
	return Explanation{}
}

// Explain returns what to do about an error of the chain, of its pool or of this
// package, "" where there is nothing to say beyond the error itself. A name that
// the error's own text lacks comes before it.
func Explain(err error) string {
	e := Describe(err)
	if e.Remedy == "" || e.Name == "" || strings.Contains(err.Error(), e.Name) {
		return e.Remedy
	}
	return e.Name + ": " + e.Remedy
}

// sentinels are the errors of this package: the names that the chain has for them,
// of which a runtime's metadata lists one, the newest first; and what to do.
var sentinels = []struct {
	err    error
	names  []string
	remedy string
}{
	{ErrNotSubtensor, nil, "connect to a Subtensor node: --network finney, test, archive, local, or the ws:// or wss:// URL of one"},
	{ErrUnsafe, nil, "use a network that takes proofs of work (mainnet does since spec 475); where the runtime is newer than this bt, a newer bt may know it"},
	{ErrSubnetNotFound, []string{"SubNetworkDoesNotExist", "SubnetNotExists", "NetworkDoesNotExist"}, absent},
	{ErrMechanismNotFound, []string{"MechanismDoesNotExist"}, "ask for one that the subnet has; every subnet has mechanism 0"},
	{ErrRootSubnet, []string{"RegistrationNotPermittedOnRootSubnet", "OperationNotPermittedOnRootSubnet", "OperationNotPermittedonRootSubnet"}, "choose another netuid: bt subnets"},
	{ErrAlreadyRegistered, []string{"HotKeyAlreadyRegisteredInSubNet", "AlreadyRegistered"}, "nothing to do: the hotkey has its uid"},
	{ErrPowDisabled, []string{"SubNetRegistrationDisabled", "RegistrationDisabled"}, "ask the subnet's owner to enable it, choose another subnet, or register by burning TAO"},
	{ErrBurnDisabled, []string{"SubNetRegistrationDisabled", "RegistrationDisabled"}, "ask the subnet's owner to enable it, choose another subnet, or register by proof of work where that is enabled"},
	{ErrHotkeyOwnedByAnother, []string{"NonAssociatedColdKey"}, "use the coldkey that owns the hotkey, or a new hotkey"},
	{ErrNoRoom, []string{"NoNeuronIdAvailable", "NetworkDoesNotExist"}, "choose another subnet"},
	{ErrSystemAccount, []string{"CannotUseSystemAccount"}, "use a hotkey of your own"},
	{ErrColdkeySwap, []string{"ColdkeySwapAnnounced", "ColdkeyInSwapSchedule"}, "wait until the swap is done and use its successor, or cancel it; or use another coldkey"},
	{ErrTooManyHotkeys, []string{"TooManyStakingHotkeys"}, "use another coldkey, or a hotkey that this one owns already"},
	{ErrFunds, []string{"NotEnoughBalanceToStake"}, "send TAO to that account"},
	{ErrPriceLimit, []string{"RegistrationPriceLimitExceeded"}, "raise the limit, or wait: the price falls with every block without a registration"},
	{ErrNoBurn, nil, "use a network that takes such registrations; where the runtime is newer than this bt, a newer bt may know it"},
	{ErrNoFaucet, nil, "use a development chain with a faucet (bt devnet has one), or have TAO sent to the coldkey"},
	{ErrTooManyThisBlock, []string{"TooManyRegistrationsThisBlock"}, "try again with the next block"},
	{ErrTooManyThisInterval, []string{"TooManyRegistrationsThisInterval"}, "try again in the next adjustment interval of the subnet"},
	{ErrReplay, []string{"InvalidWorkBlock"}, "solve for a newer block"},
	{ErrStaleProof, []string{"InvalidWorkBlock"}, stale},
	{ErrWeakProof, []string{"InvalidDifficulty"}, weak},
	{ErrWrongSeal, []string{"InvalidSeal"}, seal},
	{ErrWrongSigner, []string{"TransactorAccountShouldBeHotKey", "HotkeyOriginMismatch"}, "sign with the key that the rule names: the hotkey for classic registrations, the coldkey for today's"},
	{substrate.ErrStateDiscarded, nil, "ask an archive node: --network archive, or the ws:// or wss:// URL of one"},
	{substrate.ErrOtherChain, nil, "check the endpoint; where a development chain was started anew there, begin again"},
}

// namedError is an error with the name that the chain has for it.
type namedError struct {
	error
	name string
}

// Error ends with the name.
func (e *namedError) Error() string { return e.error.Error() + " (" + e.name + ")" }

// Unwrap returns the error without the name.
func (e *namedError) Unwrap() error { return e.error }

// named gives an error of this package the name that the runtime has for it.
func (s *Schema) named(err error) error {
	if already := (*namedError)(nil); err == nil || errors.As(err, &already) {
		return err
	}
	if funds := (*FundsError)(nil); errors.As(err, &funds) && funds.Balance < funds.Fee {
		return &namedError{err, "Payment"} // the pool's word
	}
	for _, known := range sentinels {
		if !errors.Is(err, known.err) {
			continue
		}
		for _, name := range known.names {
			if s.hasError(name) {
				return &namedError{err, name}
			}
		}
	}
	return err
}

// hasError reports whether SubtensorModule has an error of a name.
func (s *Schema) hasError(name string) bool {
	pallet, ok := s.md.Pallet(palletName)
	if !ok {
		return false
	}
	t := s.md.Types.Type(pallet.Errors)
	return t != nil && slices.ContainsFunc(t.Variants, func(v metadata.VariantDef) bool { return v.Name == name })
}

// refusedError is a refusal by a pool whose runtime is known.
type refusedError struct {
	err  error
	spec uint32
}

// Error names what the code stands for.
func (e *refusedError) Error() string {
	var pool *substrate.PoolError
	if errors.As(e.err, &pool) && pool.Custom != nil {
		if name := CustomName(e.spec, *pool.Custom); name != "" {
			return fmt.Sprintf("%v: %s", e.err, name)
		}
	}
	return e.err.Error()
}

// Unwrap returns the refusal.
func (e *refusedError) Unwrap() error { return e.err }
