package subtensor

import (
	"strings"

	"github.com/bittensor-go/bt/substrate"
)

// What several errors have in common.
const (
	stale  = "solve again for the newest block; a node nearby or more hashing power helps"
	weak   = "solve again with the difficulty of the newest block"
	seal   = "check that hotkey, coldkey, netuid and network are those the proof was made for"
	funds  = "fund the signing key: with the fee and, beside it, the existential deposit of 500 rao"
	closed = "choose another subnet, or ask its owner to enable it"
	absent = "list the subnets with: bt subnets"
	noRoot = "choose another netuid than 0"
	hasUID = "nothing to do: the hotkey has its uid"
	byHot  = "sign with the hotkey"
	again  = "try again later"

	isAbsent   = "there is no subnet of that netuid"
	isClosed   = "the subnet's owner has not enabled this kind of registration"
	isRoot     = "the root subnet (netuid 0) takes no such registrations"
	isThere    = "the hotkey has a uid on the subnet already"
	isNotOwner = "the hotkey belongs to another coldkey than the one that registers it"
	isFull     = "the subnet is full and no neuron can be replaced now, or it admits none"
	isSwapped  = "the coldkey is about to be swapped for another one and can do nothing else until then"
	isNonce    = "a transaction with this number of the account is in a block already"
	isBusy     = "registrations or requests of this kind have reached the limit of the subnet's interval, or the block has no room left"
)

// meaning is a row of the tables.
type meaning struct{ means, remedy string }

// dispatchErrors are the errors of SubtensorModule that register, pow_register,
// burned_register, register_limit and faucet know, old names included (chain-facts
// 1.3 to 1.6), and those that any call may end with.
var dispatchErrors = map[string]meaning{
	"InvalidWorkBlock":                       {"the proof's block is too old, of a fork, or not newer than that of the hotkey's last registration", stale},
	"InvalidDifficulty":                      {"the seal does not meet the subnet's difficulty, which each registration raises", weak},
	"InvalidSeal":                            {"the seal was made for other data than the call names", seal},
	"WorkRepeated":                           {"this proof was used before", "solve again"},
	"NetworkDoesNotExist":                    {isAbsent + "; or it admits no neurons", absent},
	"SubNetworkDoesNotExist":                 {isAbsent, absent},
	"SubnetNotExists":                        {isAbsent, absent},
	"MechanismDoesNotExist":                  {"the subnet has no such mechanism", "ask for one that it has; every subnet has mechanism 0"},
	"RegistrationDisabled":                   {isClosed + "; specs 101 to 110 take none at all", closed},
	"SubNetRegistrationDisabled":             {isClosed, closed},
	"POWRegistrationDisabled":                {"the runtime takes no proofs of work any more, so nobody can enable them", "use a network that does (mainnet since spec 475)"},
	"AlreadyRegistered":                      {isThere, hasUID},
	"HotKeyAlreadyRegisteredInSubNet":        {isThere, hasUID},
	"TooManyRegistrationsThisBlock":          {"the block has had its registrations on the subnet", "try again with the next block"},
	"TooManyRegistrationsThisInterval":       {"the adjustment interval has had its registrations on the subnet", "try again in the next interval"},
	"HotkeyOriginMismatch":                   {"this call must be signed by the hotkey", byHot},
	"TransactorAccountShouldBeHotKey":        {"this call must be signed by the hotkey", byHot},
	"NonAssociatedColdKey":                   {isNotOwner, "use the coldkey that owns the hotkey, or a new hotkey"},
	"HotKeyNotDelegateAndSignerNotOwnHotKey": {isNotOwner, "use the coldkey that owns the hotkey, or a new hotkey"},
	"NoNeuronIdAvailable":                    {isFull, "try again when neurons have lost their immunity, or choose another subnet"},
	"OperationNotPermittedonRootSubnet":      {isRoot, noRoot},
	"OperationNotPermittedOnRootSubnet":      {isRoot, noRoot},
	"RegistrationNotPermittedOnRootSubnet":   {isRoot, noRoot},
	"CannotUseSystemAccount":                 {"the hotkey is the account of a subnet", "use a hotkey of your own"},
	"TooManyStakingHotkeys":                  {"the coldkey has as many hotkeys as it may", "use another coldkey, or a hotkey that this one owns already"},
	"ColdkeyCollateralPositionsFull":         {"the coldkey has collateral with as many hotkeys of the subnet as it may", "use another coldkey"},
	"NotEnoughBalanceToStake":                {"the signing key can pay the fee but not the price", "fund it with the price, the fee and the existential deposit"},
	"BalanceWithdrawalError":                 {"the price could not be taken from the signing key's balance", "fund it; what is locked or staked does not count"},
	"ZeroBalanceAfterWithdrawn":              {"the signing key would be left without the existential deposit", "leave 500 rao beside price and fee"},
	"InsufficientTaoBalance":                 {"the signing key has not enough TAO", "fund it"},
	"InsufficientLiquidity":                  {"the subnet's pool is too small for the collateral", "try again later, or choose another subnet"},
	"SubtokenDisabled":                       {"the subnet has not been started", "try again when its owner has started it, or choose another subnet"},
	"RegistrationPriceLimitExceeded":         {"the price was above the limit that was set, and was not paid", "raise the limit, or wait: the price falls with every block without a registration"},
	"FaucetDisabled":                         {"the runtime was built without its faucet", "use a development chain with a faucet (bt devnet has one)"},
	"ColdkeyInSwapSchedule":                  {isSwapped, "use its successor once that is done"},
	"ColdkeySwapAnnounced":                   {isSwapped, "wait until that is done and use its successor, or cancel it"},
	"ColdkeySwapDisputed":                    {"the coldkey's swap is disputed: it can do nothing until that is settled", "use another coldkey"},
	"WaitingForDissolvedSubnetCleanup":       {"a subnet of that netuid was dissolved and is being cleared away", again},

	"BadOrigin":             {"this kind of key may not make the call", "sign with the key that the call asks for"},
	"CallFiltered":          {"the runtime, or the proxy's type, does not let this call through", "make the call without a proxy; where it is the chain's safe mode, try again later"},
	"Exhausted":             {"the block had no room left for what the call does", "try again with the next block"},
	"Unavailable":           {"something that the call needs is not there now", again},
	"CannotLookup":          {"an account that the call names by index is not known", "name it by its address"},
	"FundsUnavailable":      {"the account has not enough TAO that can be moved", "fund it"},
	"NotExpendable":         {"the account would be left without the existential deposit", "leave 500 rao in it"},
	"BelowMinimum":          {"an account would hold less than the existential deposit", "leave 500 rao in it"},
	"CannotCreate":          {"an account that does not exist yet would get less than the existential deposit", "send it 500 rao at least"},
	"Frozen":                {"the account's TAO is frozen", "wait until it is released, or use another account"},
	"InsufficientBalance":   {"the account has not enough TAO", "fund it"},
	"LiquidityRestrictions": {"the account's TAO is locked", "wait until it is released, or use another account"},
}

// customs are the refusals of Subtensor's transaction extension by code
// (CustomTransactionError, spec 475).
var customs = map[uint8]struct {
	name string
	meaning
}{
	0:   {"ColdkeySwapAnnounced", dispatchErrors["ColdkeySwapAnnounced"]},
	1:   {"StakeAmountTooLow", meaning{"the amount is below what can be staked", "raise the amount"}},
	2:   {"BalanceTooLow", meaning{"the signing key has not enough TAO", "fund it"}},
	3:   {"SubnetNotExists", dispatchErrors["SubnetNotExists"]},
	4:   {"HotKeyAccountNotExists", meaning{"the hotkey is not known to the chain", "register it first"}},
	5:   {"NotEnoughStakeToWithdraw", meaning{"less is staked than would be taken", "lower the amount"}},
	6:   {"RateLimitExceeded", meaning{isBusy, again}},
	7:   {"InsufficientLiquidity", meaning{"the subnet's pool is too small for the amount", "lower the amount"}},
	8:   {"SlippageTooHigh", meaning{"the price would move more than the limit allows", "lower the amount or allow more slippage"}},
	9:   {"TransferDisallowed", meaning{"the subnet allows no transfers", "leave the stake where it is"}},
	10:  {"HotKeyNotRegisteredInNetwork", meaning{"the hotkey has no uid on the subnet", "register the hotkey on the subnet first"}},
	11:  {"InvalidIpAddress", meaning{"the IP address is not a public one", "give a public IP address"}},
	12:  {"ServingRateLimitExceeded", meaning{"the endpoint was served a short while ago", "wait before serving again"}},
	13:  {"InvalidPort", meaning{"the port cannot be served", "give another port"}},
	14:  {"ZeroMaxAmount", meaning{"nothing can be staked or taken within the limit", "raise the amount or relax the limit"}},
	15:  {"InvalidRevealRound", meaning{"the commitment names a round that is over", "commit again"}},
	16:  {"CommitNotFound", meaning{"there is no commitment for this reveal", "commit before revealing"}},
	17:  {"CommitBlockNotInRevealRange", meaning{"the reveal is too early or too late", "reveal in the right epoch"}},
	18:  {"InputLengthsUnequal", meaning{"lists that belong together differ in length", "give lists of the same length"}},
	19:  {"UidNotFound", meaning{"that uid does not exist on the subnet", "name one that does"}},
	20:  {"EvmKeyAssociateRateLimitExceeded", meaning{"a key was associated a short while ago", "wait before associating again"}},
	21:  {"ColdkeySwapDisputed", dispatchErrors["ColdkeySwapDisputed"]},
	22:  {"InvalidRealAccount", meaning{"the account that the proxy acts for is not what it should be", "check the proxied account"}},
	23:  {"FailedShieldedTxParsing", meaning{"the shielded transaction cannot be read", "build the shielded transaction again"}},
	24:  {"InvalidShieldedTxPubKeyHash", meaning{"it was encrypted for another key than the chain's", "encrypt for the chain's current key"}},
	25:  {"NonAssociatedColdKey", dispatchErrors["NonAssociatedColdKey"]},
	26:  {"DelegateTakeTooLow", meaning{"the take is below the least", "raise the take"}},
	27:  {"DelegateTakeTooHigh", meaning{"the take is above the most", "lower the take"}},
	255: {"BadRequest", meaning{"the proof is stale, too weak or for other data, the subnet takes no proofs of work, or the last block held a registration (then one block later is early enough)", "solve again for the newest block"}},
}

// The specs that bound what the codes mean.
const (
	newestSpec     = 475
	firstCustom    = 195 // until then the interval's limit was ExhaustsResources
	firstEnum      = 233 // CustomTransactionError; before, each call had its own numbers
	firstAnnounced = 365 // before, swaps of coldkeys were scheduled
)

// custom returns what a code means at a spec.
func custom(spec uint32, code uint8) (name string, m meaning) {
	switch {
	case spec < firstEnum && code == 5 && spec >= firstCustom:
		return "RateLimitExceeded", meaning{isBusy, again}
	case spec < firstEnum:
		return "", meaning{}
	case spec < firstAnnounced && code == 0:
		return "ColdkeyInSwapSchedule", dispatchErrors["ColdkeyInSwapSchedule"]
	}
	c := customs[code]
	return c.name, c.meaning
}

// CustomName returns the name of a custom code with which the pool of a runtime
// refuses a transaction, "" for an unknown one.
func CustomName(spec uint32, code uint8) string {
	name, _ := custom(spec, code)
	return name
}

// validity are the reasons for which transactions are refused before they get into
// a block, sp_runtime's InvalidTransaction and UnknownTransaction: as nodes say
// them in words, and as names in JSON.
var validity = []struct {
	name, words string
	meaning
}{
	{"Call", "transaction call is not expected", meaning{"the chain does not take this call", "use a newer bt"}},
	{"Payment", "inability to pay some fees", meaning{"the signing key cannot pay the fee, or would be left without the existential deposit", funds}},
	{"Future", "will be valid in the future", meaning{"earlier transactions of the account are missing", "wait for them, or sign with the account's next number"}},
	{"Stale", "is outdated", meaning{isNonce, "try again"}},
	{"BadProof", "bad signature", meaning{"the signature does not fit: key, chain, runtime or era are others than those that were signed for", "check network and key"}},
	{"AncientBirthBlock", "ancient birth block", meaning{"the transaction's time is over, or its block is not part of the chain", "sign it again on the newest block"}},
	{"ExhaustsResources", "exhaust the block limits", meaning{isBusy, again}},
	{"BadMandatory", "labelled as mandatory", meaning{"a call of the chain itself failed", "report it to the chain's developers"}},
	{"MandatoryValidation", "must not be validated", meaning{"only block authors may make the call", "do not make it"}},
	{"BadSigner", "invalid signing address", meaning{"the chain does not take transactions of this address", "sign with another key"}},
	{"IndeterminateImplicit", "implicit data was unable to be calculated", meaning{"the node cannot tell what was signed", "ask another node"}},
	{"UnknownOrigin", "did not authorize any origin", meaning{"nothing in the transaction says who makes the call", "sign it"}},
	{"CannotLookup", "could not lookup information", meaning{"the node lacks what it needs to judge the transaction, or the metadata hash in it is wrong", "use a newer bt, or ask another node"}},
	{"NoUnsignedValidator", "could not find an unsigned validator", meaning{"the chain takes this call only signed", "sign it"}},
}

// poolCodes are refusals of the node's pool itself, by the codes of JSON-RPC
// (sc_rpc_api, author).
var poolCodes = map[int]struct {
	name string
	meaning
}{
	1001: {"BadFormat", meaning{"the node cannot read the transaction", "ask another node, or use a newer bt"}},
	1002: {"Verification", meaning{"the node's runtime failed at judging the transaction", "ask another node"}},
	1012: {"TemporarilyBanned", meaning{"the node refused this very transaction a short while ago", "solve again for a newer block"}},
	1013: {"AlreadyImported", meaning{"the transaction is in the node's pool already", "wait for it"}},
	1014: {"TooLowPriority", meaning{"another transaction with this number of the account is waiting in the pool", "wait for it"}},
	1015: {"CycleDetected", meaning{"transactions in the pool wait for each other", again}},
	1016: {"ImmediatelyDropped", meaning{"the node's pool is full", "try again later, or ask another node"}},
	1018: {"Unactionable", meaning{"the node does not pass transactions on", "ask another node"}},
	1019: {"NoTagsProvided", meaning{"the transaction marks nothing that tells it from others", "use a newer bt"}},
}

// meaningOf returns what a name means that is the chain's for an error of this
// package.
func meaningOf(name string) string {
	if m, ok := dispatchErrors[name]; ok {
		return m.means
	}
	for _, v := range validity {
		if v.name == name {
			return v.means
		}
	}
	return ""
}

// describePool explains a refusal at submission.
func describePool(e *substrate.PoolError, spec uint32) Explanation {
	if e.Custom != nil {
		name, m := custom(spec, *e.Custom)
		if name == "" {
			return Explanation{Remedy: "the chain's own check refused the transaction with a code that this bt does not know: use a newer one"}
		}
		return Explanation{name, m.means, m.remedy}
	}
	text := strings.ToLower(strings.ReplaceAll(e.Message+" "+string(e.Data), `\`, ""))
	for _, v := range validity {
		if strings.Contains(text, v.words) || strings.Contains(text, `"`+strings.ToLower(v.name)+`"`) {
			return Explanation{v.name, v.means, v.remedy}
		}
	}
	c := poolCodes[e.Code]
	return Explanation{c.name, c.means, c.remedy}
}
