package subtensor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/bittensor-go/bt/substrate/scale"
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
	// ErrNoRoom reports a subnet that admits no neurons.
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
)

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

// sentinelRemedies are for the errors of this package.
var sentinelRemedies = []struct {
	err    error
	remedy string
}{
	{ErrNotSubtensor, "connect to a Subtensor node: --network finney, test, archive, local, or the ws:// or wss:// URL of one"},
	{ErrUnsafe, "use a network that takes proofs of work (mainnet does since spec 475); where the runtime is newer than this bt, a newer bt may know it"},
	{ErrSubnetNotFound, "list the subnets with: bt subnets"},
	{ErrMechanismNotFound, "ask for one that the subnet has; every subnet has mechanism 0"},
	{ErrRootSubnet, "choose another netuid: bt subnets"},
	{ErrAlreadyRegistered, "nothing to do: the hotkey has its uid"},
	{ErrPowDisabled, "ask the subnet's owner to enable it, choose another subnet, or register by burning TAO"},
	{ErrHotkeyOwnedByAnother, "use the coldkey that owns the hotkey, or a new hotkey"},
	{ErrNoRoom, "choose another subnet"},
	{ErrTooManyThisBlock, "try again with the next block"},
	{ErrTooManyThisInterval, "try again in the next adjustment interval of the subnet"},
	{ErrReplay, "solve for a newer block"},
	{substrate.ErrStateDiscarded, "ask an archive node: --network archive, or the ws:// or wss:// URL of one"},
}

const (
	stale  = "the proof reached the chain too late, or for a block of a fork: solve again for the newest block; a node nearby or more hashing power helps"
	weak   = "the difficulty rose while the proof was made (each registration raises it): solve again with the difficulty of the newest block"
	seal   = "the seal was made for other data than the call names: check that hotkey, coldkey, netuid and network are those the proof was made for"
	funds  = "the signing key has not enough TAO for the fee (and, for classic registrations, the existential deposit of 500 rao): fund it"
	closed = "the subnet's owner has not enabled this kind of registration: choose another subnet"
	absent = "list the subnets with: bt subnets"
)

// moduleRemedies are for errors of SubtensorModule by name, old names included.
var moduleRemedies = map[string]string{
	"InvalidWorkBlock":                     stale,
	"InvalidDifficulty":                    weak,
	"InvalidSeal":                          seal,
	"WorkRepeated":                         "this proof was used before: solve again",
	"NetworkDoesNotExist":                  absent,
	"SubNetworkDoesNotExist":               absent,
	"SubnetNotExists":                      absent,
	"MechanismDoesNotExist":                absent,
	"RegistrationDisabled":                 closed,
	"SubNetRegistrationDisabled":           closed,
	"AlreadyRegistered":                    "nothing to do: the hotkey has its uid",
	"HotKeyAlreadyRegisteredInSubNet":      "nothing to do: the hotkey has its uid",
	"TooManyRegistrationsThisBlock":        "another registration was first in this block: try again",
	"TooManyRegistrationsThisInterval":     "try again in the next adjustment interval of the subnet",
	"HotkeyOriginMismatch":                 "this call must be signed by the hotkey",
	"TransactorAccountShouldBeHotKey":      "this call must be signed by the hotkey",
	"NonAssociatedColdKey":                 "the hotkey belongs to another coldkey: use that coldkey, or a new hotkey",
	"NoNeuronIdAvailable":                  "the subnet is full and no neuron can be replaced now (they are immune, or it admits none): try later",
	"OperationNotPermittedonRootSubnet":    "choose another netuid than 0",
	"OperationNotPermittedOnRootSubnet":    "choose another netuid than 0",
	"RegistrationNotPermittedOnRootSubnet": "choose another netuid than 0",
	"CannotUseSystemAccount":               "the hotkey is an account of the chain itself: use one of yours",
	"TooManyStakingHotkeys":                "the coldkey has the most hotkeys that it may have: use another coldkey",
	"NotEnoughBalanceToStake":              "the signing key has not enough TAO for the price",
	"RegistrationPriceLimitExceeded":       "the price is above the limit that was set",
	"FaucetDisabled":                       "only development chains built with the faucet have one",
	"ColdkeyInSwapSchedule":                "the coldkey is being swapped: use its successor once that is done",
}

// customRemedies are for the refusals of Subtensor's transaction extension, by
// code (CustomTransactionError, spec 475).
var customRemedies = map[uint8]struct{ name, remedy string }{
	0:   {"ColdkeySwapAnnounced", "the coldkey is being swapped: it can do nothing else until that is done or cancelled"},
	1:   {"StakeAmountTooLow", "raise the amount"},
	2:   {"BalanceTooLow", funds},
	3:   {"SubnetNotExists", absent},
	4:   {"HotKeyAccountNotExists", "the hotkey is not known to the chain: register it first"},
	5:   {"NotEnoughStakeToWithdraw", "lower the amount"},
	6:   {"RateLimitExceeded", "too many registrations in this interval, or too many requests: try again later"},
	7:   {"InsufficientLiquidity", "lower the amount"},
	8:   {"SlippageTooHigh", "lower the amount or allow more slippage"},
	9:   {"TransferDisallowed", "the subnet allows no transfers"},
	10:  {"HotKeyNotRegisteredInNetwork", "register the hotkey on the subnet first"},
	11:  {"InvalidIpAddress", "give a public IP address"},
	12:  {"ServingRateLimitExceeded", "wait before serving again"},
	13:  {"InvalidPort", "give another port"},
	14:  {"ZeroMaxAmount", "raise the amount or relax the limit"},
	15:  {"InvalidRevealRound", "commit again"},
	16:  {"CommitNotFound", "commit before revealing"},
	17:  {"CommitBlockNotInRevealRange", "reveal in the right epoch"},
	18:  {"InputLengthsUnequal", "give lists of the same length"},
	19:  {"UidNotFound", "that uid does not exist on the subnet"},
	20:  {"EvmKeyAssociateRateLimitExceeded", "wait before associating again"},
	21:  {"ColdkeySwapDisputed", "the coldkey's swap is disputed: it can do nothing until that is settled"},
	22:  {"InvalidRealAccount", "check the proxied account"},
	23:  {"FailedShieldedTxParsing", "build the shielded transaction again"},
	24:  {"InvalidShieldedTxPubKeyHash", "encrypt for the chain's current key"},
	25:  {"NonAssociatedColdKey", "the hotkey belongs to another coldkey: use that coldkey, or a new hotkey"},
	26:  {"DelegateTakeTooLow", "raise the take"},
	27:  {"DelegateTakeTooHigh", "lower the take"},
	255: {"BadRequest", "the proof is stale, too weak or for other data, the subnet takes no proofs of work, or the last block held a registration (then one block later is early enough): solve again for the newest block"},
}

// CustomName returns the name of a custom code with which the pool refuses a
// transaction, "" for an unknown one. Specs before 475 number some differently.
func CustomName(code uint8) string { return customRemedies[code].name }

// Explain returns what to do about an error of the chain, of its pool or of this
// package, "" where there is nothing to say beyond the error itself.
func Explain(err error) string {
	for _, s := range sentinelRemedies {
		if errors.Is(err, s.err) {
			return s.remedy
		}
	}
	var dispatch *substrate.DispatchError
	if errors.As(err, &dispatch) {
		return moduleRemedies[dispatch.Name]
	}
	var pool *substrate.PoolError
	if errors.As(err, &pool) {
		return explainPool(pool)
	}
	var method *MethodError
	if errors.As(err, &method) {
		return "ask for a block of a runtime that has it, or use a newer bt"
	}
	var future *substrate.BlockNotFoundError
	if errors.As(err, &future) {
		return "choose a block that exists: the newest is the default"
	}
	var extension *substrate.UnknownExtensionError
	if errors.As(err, &extension) {
		return "the chain asks for something in transactions that this bt does not know: use a newer one"
	}
	if errors.Is(err, scale.ErrUnexpectedEnd) || errors.Is(err, scale.ErrTrailing) || errors.Is(err, rpc.ErrMalformed) {
		return "the node's answer is damaged or not what its runtime describes: try again, or ask another node"
	}
	var node *rpc.Error
	if errors.As(err, &node) {
		if text := strings.ToLower(node.Message + " " + string(node.Data)); strings.Contains(text, "discarded") || strings.Contains(text, "unknownblock") || strings.Contains(text, "unknown block") {
			return "the node has not kept the state of that block: ask an archive node, --network archive"
		}
	}
	return ""
}

// explainPool explains a refusal at submission; the codes of the node's
// author_submitExtrinsic are sc_rpc_api's.
func explainPool(e *substrate.PoolError) string {
	if e.Custom != nil {
		c := customRemedies[*e.Custom]
		if c.name == "" {
			return "the chain's own check refused the transaction with a code that this bt does not know: use a newer one"
		}
		return c.name + ": " + c.remedy
	}
	text := strings.ToLower(e.Message + " " + string(e.Data))
	for _, known := range []struct{ word, remedy string }{
		{"payment", funds},
		{"fees", funds},
		{"stale", "a transaction with this account's nonce is in a block already: try again"},
		{"outdated", "a transaction with this account's nonce is in a block already: try again"},
		{"exhaustsresources", "too many registrations in this interval of the subnet: try again later"},
		{"exhausts", "too many registrations in this interval of the subnet: try again later"},
		{"badproof", "the signature does not fit this chain: check network and key"},
		{"bad signature", "the signature does not fit this chain: check network and key"},
		{"banned", "the node refused this very transaction a short while ago: solve again for a newer block"},
		{"already imported", "the transaction is in the node's pool already: wait for it"},
		{"priority is too low", "another transaction with this account's nonce is waiting in the pool: wait for it"},
		{"immediately dropped", "the node's pool is full: try again later, or another node"},
	} {
		if strings.Contains(text, known.word) {
			return known.remedy
		}
	}
	return ""
}
