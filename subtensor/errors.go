package subtensor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bittensor-go/bt/substrate/ss58"
)

// Errors to compare with errors.Is. Some are wrapped in the typed errors below,
// which say more.
var (
	// ErrNotSubtensor reports a node of another chain.
	ErrNotSubtensor = errors.New("this is no Bittensor chain: its metadata has no pallet " + palletName)
	// ErrUnsafe reports a runtime on which a proof of work must not be submitted;
	// see UnsafeError.
	ErrUnsafe = errors.New("registration by proof of work is refused here")
	// ErrSubnetNotFound reports a netuid that does not exist; see
	// SubnetNotFoundError.
	ErrSubnetNotFound = errors.New("subnet does not exist")
	// ErrNeuronNotFound reports a uid that a subnet does not have.
	ErrNeuronNotFound = errors.New("neuron does not exist")
	// ErrRootSubnet reports a registration on netuid 0.
	ErrRootSubnet = errors.New("the root subnet takes no registrations by proof of work")
	// ErrAlreadyRegistered reports that the hotkey has a uid already; see
	// AlreadyRegisteredError.
	ErrAlreadyRegistered = errors.New("hotkey is already registered")
	// ErrPowDisabled reports that the subnet's owner has not enabled it.
	ErrPowDisabled = errors.New("registration by proof of work is not enabled on the subnet")
	// ErrHotkeyOwnedByAnother reports a hotkey of another coldkey; see
	// HotkeyOwnedError.
	ErrHotkeyOwnedByAnother = errors.New("hotkey belongs to another coldkey")
	// ErrNoRoom reports a subnet that admits no neurons, or none any more.
	ErrNoRoom = errors.New("the subnet admits no neurons")
	// ErrTooManyThisBlock reports that the block at hand has had its
	// registrations. It passes with the next block, unless the subnet admits none.
	ErrTooManyThisBlock = errors.New("too many registrations in this block")
	// ErrTooManyThisInterval reports that the adjustment interval at hand has had
	// its registrations. It passes with the interval.
	ErrTooManyThisInterval = errors.New("too many registrations in this interval")
	// ErrReplay reports a work block that is not newer than that of the hotkey's
	// last registration. It passes with the next blocks.
	ErrReplay = errors.New("the work block is not newer than that of the hotkey's last registration")
	// ErrFunds reports a signer that cannot pay; see FundsError.
	ErrFunds = errors.New("not enough TAO")
	// ErrSystemAccount reports a hotkey that is the account of a subnet.
	ErrSystemAccount = errors.New("the hotkey is an account of the chain itself")
	// ErrColdkeySwap reports a coldkey that is about to be swapped.
	ErrColdkeySwap = errors.New("the coldkey is being swapped for another one")
	// ErrTooManyHotkeys reports a coldkey that has as many hotkeys as it may.
	ErrTooManyHotkeys = errors.New("the coldkey has too many hotkeys")
	// ErrBurnDisabled reports a subnet that takes no registrations for TAO.
	ErrBurnDisabled = errors.New("registration by burning TAO is not enabled on the subnet")
	// ErrNoBurn reports a runtime on which no neuron is registered by burning TAO, or
	// not by a call that is known.
	ErrNoBurn = errors.New("the runtime has no known call that registers by burning TAO")
	// ErrPriceLimit reports a price above the limit; see PriceLimitError.
	ErrPriceLimit = errors.New("the price of a registration is above the limit")
	// ErrNoFaucet reports a runtime without a faucet.
	ErrNoFaucet = errors.New("the chain has no faucet")
	// ErrWrongSigner, ErrStaleProof, ErrWeakProof and ErrWrongSeal are how the chain
	// refuses proofs; see Schema.CheckProof.
	ErrWrongSigner = errors.New("the wrong key signs")
	ErrStaleProof  = errors.New("the proof's block is too old, or not yet part of the chain")
	ErrWeakProof   = errors.New("the seal does not meet the difficulty")
	ErrWrongSeal   = errors.New("the seal is not that of the nonce")
)

// FundsError says what an account lacks to pay, in rao.
type FundsError struct {
	Account ss58.AccountID
	Role    Signer
	Balance uint64 // that it can spend
	Price   uint64 // of the registration, 0 where there is none
	Fee     uint64 // of the transaction
	Deposit uint64 // that has to stay beside
}

// Error names the account and the amounts.
func (e *FundsError) Error() string {
	price := ""
	if e.Price > 0 {
		price = fmt.Sprintf("the price of %s TAO and ", tao(e.Price))
	}
	return fmt.Sprintf("%v: %s %s can spend %s TAO of the %s TAO that it needs: %sthe fee of %s TAO (and the existential deposit of %d rao has to stay)",
		ErrFunds, e.Role, e.Account, tao(e.Balance), tao(BurnTerms{Price: e.Price, Fee: e.Fee}.Cost()), price, tao(e.Fee), e.Deposit)
}

// Unwrap returns ErrFunds.
func (e *FundsError) Unwrap() error { return ErrFunds }

// PriceLimitError says by how much the price of a registration is too high, in rao.
type PriceLimitError struct {
	Netuid       uint16
	Price, Limit uint64
}

// Error names price and limit.
func (e *PriceLimitError) Error() string {
	return fmt.Sprintf("netuid %d: %v: %s TAO, the limit is %s TAO", e.Netuid, ErrPriceLimit, tao(e.Price), tao(e.Limit))
}

// Unwrap returns ErrPriceLimit.
func (e *PriceLimitError) Unwrap() error { return ErrPriceLimit }

// tao writes an amount of rao in TAO, exactly.
func tao(rao uint64) string {
	const unit = 1_000_000_000
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%09d", rao/unit, rao%unit), "0"), ".")
}

// UnsafeError says why no proof of work is submitted to a runtime.
type UnsafeError struct {
	Spec   uint32
	Reason string
}

// Error gives the reason.
func (e *UnsafeError) Error() string {
	return fmt.Sprintf("%v (spec %d): %s. Nothing was sent and nothing was paid", ErrUnsafe, e.Spec, e.Reason)
}

// Unwrap returns ErrUnsafe.
func (e *UnsafeError) Unwrap() error { return ErrUnsafe }

// SubnetNotFoundError names a netuid that does not exist and those that do.
type SubnetNotFoundError struct {
	Netuid   uint16
	Block    uint64
	Existing []uint16 // ascending; nil where they are not known
}

// Error lists the existing netuids.
func (e *SubnetNotFoundError) Error() string {
	msg := fmt.Sprintf("netuid %d: %v at block %d", e.Netuid, ErrSubnetNotFound, e.Block)
	if len(e.Existing) == 0 {
		return msg
	}
	return msg + "; these do: " + ranges(e.Existing)
}

// Unwrap returns ErrSubnetNotFound.
func (e *SubnetNotFoundError) Unwrap() error { return ErrSubnetNotFound }

// ranges writes ascending numbers as "0-3, 7".
func ranges(n []uint16) string {
	var parts []string
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] == n[j]+1 {
			j++
		}
		s := strconv.Itoa(int(n[i]))
		if j > i {
			s += "-" + strconv.Itoa(int(n[j]))
		}
		parts = append(parts, s)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// AlreadyRegisteredError says which uid the hotkey has.
type AlreadyRegisteredError struct {
	Netuid uint16
	UID    uint16
	Hotkey ss58.AccountID
	Owner  *ss58.AccountID // the hotkey's coldkey, nil where the chain names none
}

// Error names hotkey, uid and netuid.
func (e *AlreadyRegisteredError) Error() string {
	return fmt.Sprintf("hotkey %s is already registered: uid %d on netuid %d", e.Hotkey, e.UID, e.Netuid)
}

// Unwrap returns ErrAlreadyRegistered.
func (e *AlreadyRegisteredError) Unwrap() error { return ErrAlreadyRegistered }

// HotkeyOwnedError says which coldkey owns the hotkey.
type HotkeyOwnedError struct {
	Hotkey, Owner ss58.AccountID
}

// Error names hotkey and owner.
func (e *HotkeyOwnedError) Error() string {
	return fmt.Sprintf("hotkey %s belongs to another coldkey, %s", e.Hotkey, e.Owner)
}

// Unwrap returns ErrHotkeyOwnedByAnother.
func (e *HotkeyOwnedError) Unwrap() error { return ErrHotkeyOwnedByAnother }
