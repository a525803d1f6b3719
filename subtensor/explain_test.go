package subtensor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// complete reports whether an explanation says all that it should.
func complete(e subtensor.Explanation, name string) bool {
	return e.Name == name && e.Meaning != "" && e.Remedy != ""
}

// The errors of the calls that register, of all eras (chain-facts 1.3 to 1.6).
func TestDescribeDispatch(t *testing.T) {
	names := strings.Fields(`
		HotkeyOriginMismatch TransactorAccountShouldBeHotKey
		OperationNotPermittedonRootSubnet OperationNotPermittedOnRootSubnet RegistrationNotPermittedOnRootSubnet
		NetworkDoesNotExist SubNetworkDoesNotExist SubnetNotExists RegistrationDisabled SubNetRegistrationDisabled
		TooManyRegistrationsThisBlock TooManyRegistrationsThisInterval AlreadyRegistered HotKeyAlreadyRegisteredInSubNet
		InvalidWorkBlock WorkRepeated InvalidDifficulty InvalidSeal NonAssociatedColdKey NoNeuronIdAvailable
		NotEnoughBalanceToStake RegistrationPriceLimitExceeded FaucetDisabled POWRegistrationDisabled
		CannotUseSystemAccount TooManyStakingHotkeys BalanceWithdrawalError ZeroBalanceAfterWithdrawn
		ColdkeyInSwapSchedule ColdkeySwapAnnounced ColdkeySwapDisputed ColdkeyCollateralPositionsFull`)
	known := make(map[string]bool)
	documented := regexp.MustCompile(`\* ['\x60](\w+)['\x60]`)
	tried := regexp.MustCompile(`subtensorModule\.(\w+)`)
	for _, r := range runtimes(t) {
		md := r.newest(t)
		// What runtimes say of the calls themselves, and what came of those that were
		// tried.
		texts := ""
		for _, name := range []string{"register", "pow_register", "burned_register", "register_limit", "faucet"} {
			if _, call, ok := md.Call("SubtensorModule", name); ok {
				_, raised, _ := strings.Cut(strings.Join(call.Docs.Lines(), "\n"), "Raises")
				texts += raised
			}
		}
		found := documented.FindAllStringSubmatch(texts, -1)
		if r.spec > 143 && len(found) == 0 {
			t.Errorf("%s: its documentation names no error", r.dir)
		}
		for _, f := range trials(t, r) {
			for i := range f.Results {
				if c := &f.Results[i]; c.Args.Nonce != "" {
					found = append(found, tried.FindAllStringSubmatch(string(c.RawResult)+" "+c.Dispatch.Result, -1)...)
				}
			}
		}
		for _, m := range found {
			names = append(names, m[1])
		}
		for _, pallet := range md.Pallets {
			if errs := md.Types.Type(pallet.Errors); errs != nil {
				for _, v := range errs.Variants {
					known[v.Name] = true
				}
			}
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		e := subtensor.Describe(fmt.Errorf("register: %w", &substrate.DispatchError{Kind: "Module", Pallet: "SubtensorModule", Name: name}))
		if !complete(e, name) {
			t.Errorf("%+v", e)
		}
		switch name {
		case "OperationNotPermittedOnRootSubnet", "WorkRepeated", "TooManyStakingHotkeys", "ColdkeyCollateralPositionsFull", "ColdkeyInSwapSchedule":
			// of runtimes that the vectors lack
		default:
			if !known[name] {
				t.Errorf("no runtime has an error %s", name)
			}
		}
	}
	for _, name := range []string{"BadOrigin", "CallFiltered", "FundsUnavailable", "NotExpendable", "Frozen", "Exhausted"} {
		if e := subtensor.Describe(&substrate.DispatchError{Kind: "Token", Name: name}); !complete(e, name) {
			t.Errorf("%+v", e)
		}
	}
	if e := subtensor.Describe(&substrate.DispatchError{Name: "Unheard"}); e != (subtensor.Explanation{Name: "Unheard"}) {
		t.Errorf("%+v", e)
	}
	if e := subtensor.Describe(errors.New("anything")); e != (subtensor.Explanation{}) {
		t.Errorf("%+v", e)
	}
}

// The custom codes of 1.6, and what older runtimes mean by them (1.3).
func TestDescribeCustom(t *testing.T) {
	names := strings.Fields(`ColdkeySwapAnnounced StakeAmountTooLow BalanceTooLow SubnetNotExists HotKeyAccountNotExists NotEnoughStakeToWithdraw
		RateLimitExceeded InsufficientLiquidity SlippageTooHigh TransferDisallowed HotKeyNotRegisteredInNetwork InvalidIpAddress
		ServingRateLimitExceeded InvalidPort ZeroMaxAmount InvalidRevealRound CommitNotFound CommitBlockNotInRevealRange InputLengthsUnequal
		UidNotFound EvmKeyAssociateRateLimitExceeded ColdkeySwapDisputed InvalidRealAccount FailedShieldedTxParsing InvalidShieldedTxPubKeyHash
		NonAssociatedColdKey DelegateTakeTooLow DelegateTakeTooHigh`)
	for code := range 256 {
		want := ""
		if code < len(names) {
			want = names[code]
		} else if code == 255 {
			want = "BadRequest"
		}
		c := uint8(code)
		e := subtensor.Describe(&substrate.PoolError{Code: 1010, Custom: &c})
		if subtensor.CustomName(475, c) != want || want != "" && !complete(e, want) || want == "" && (e.Name != "" || !strings.Contains(e.Remedy, "newer")) {
			t.Errorf("%d: %+v, want %s", code, e, want)
		}
	}
	for _, c := range []struct {
		spec uint32
		code uint8
		want string
	}{
		{194, 5, ""},
		{195, 5, "RateLimitExceeded"},
		{205, 5, "RateLimitExceeded"},
		{219, 5, "RateLimitExceeded"},
		{219, 6, ""},
		{232, 5, "RateLimitExceeded"},
		{233, 5, "NotEnoughStakeToWithdraw"},
		{233, 6, "RateLimitExceeded"},
		{394, 6, "RateLimitExceeded"},
		{238, 0, "ColdkeyInSwapSchedule"},
		{306, 0, "ColdkeyInSwapSchedule"},
		{394, 0, "ColdkeySwapAnnounced"},
		{475, 0, "ColdkeySwapAnnounced"},
	} {
		if got := subtensor.CustomName(c.spec, c.code); got != c.want {
			t.Errorf("%d at spec %d: %q, want %q", c.code, c.spec, got, c.want)
		}
	}
}

// The reasons why a transaction is invalid, in the words of sp_runtime that nodes
// send, and as JSON; and the refusals of the pool by number.
func TestDescribeValidity(t *testing.T) {
	for name, words := range map[string]string{
		"Call":                  "Transaction call is not expected",
		"Payment":               "Inability to pay some fees (e.g. account balance too low)",
		"Future":                "Transaction will be valid in the future",
		"Stale":                 "Transaction is outdated",
		"BadProof":              "Transaction has a bad signature",
		"AncientBirthBlock":     "Transaction has an ancient birth block",
		"ExhaustsResources":     "Transaction would exhaust the block limits",
		"BadMandatory":          "A call was labelled as mandatory, but resulted in an Error.",
		"MandatoryValidation":   "Transaction dispatch is mandatory; transactions must not be validated.",
		"BadSigner":             "Invalid signing address",
		"IndeterminateImplicit": "The implicit data was unable to be calculated",
		"UnknownOrigin":         "The transaction extension did not authorize any origin",
		"CannotLookup":          "Could not lookup information required to validate the transaction",
		"NoUnsignedValidator":   "Could not find an unsigned validator for the unsigned transaction",
	} {
		camel := strings.ToLower(name[:1]) + name[1:]
		quoted, err := json.Marshal(words)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []*substrate.PoolError{
			{Code: 1010, Message: "Invalid Transaction", Data: quoted},
			{Code: 1010, Message: fmt.Sprintf(`1010: {"invalid":{"%s":null}}`, camel)},
			{Code: 1010, Message: "invalid transaction", Data: json.RawMessage(fmt.Sprintf(`{"invalid":{"%s":null}}`, camel))},
			{Code: 1010, Message: "invalid transaction", Data: json.RawMessage(fmt.Sprintf(`"{\"invalid\":{\"%s\":null}}"`, camel))},
		} {
			if got := subtensor.Describe(e); !complete(got, name) {
				t.Errorf("%v: %+v, want %s", e, got, name)
			}
			if !strings.HasPrefix(subtensor.Explain(e), name+": ") {
				t.Errorf("%v: %q", e, subtensor.Explain(e))
			}
		}
	}
	for code, c := range map[int]struct{ message, name string }{
		1001: {"Extrinsic has invalid format", "BadFormat"},
		1002: {"Verification Error", "Verification"},
		1012: {"Transaction is temporarily banned", "TemporarilyBanned"},
		1013: {"Transaction Already Imported", "AlreadyImported"},
		1014: {"Priority is too low", "TooLowPriority"},
		1015: {"Cycle Detected", "CycleDetected"},
		1016: {"Immediately Dropped", "ImmediatelyDropped"},
		1018: {"Unactionable", "Unactionable"},
		1019: {"No tags provided", "NoTagsProvided"},
	} {
		if got := subtensor.Describe(&substrate.PoolError{Code: code, Message: c.message}); !complete(got, c.name) {
			t.Errorf("%d: %+v, want %s", code, got, c.name)
		}
	}
	if got := subtensor.Describe(&substrate.PoolError{Code: 1010, Message: "Invalid Transaction"}); got != (subtensor.Explanation{}) {
		t.Errorf("%+v", got)
	}
}

// Every error of this package that stands for a refusal of the chain says what to
// do, and its amounts are in TAO.
func TestDescribeOwn(t *testing.T) {
	for _, err := range []error{
		subtensor.ErrNotSubtensor, subtensor.ErrUnsafe, subtensor.ErrSubnetNotFound, subtensor.ErrMechanismNotFound, subtensor.ErrRootSubnet,
		subtensor.ErrAlreadyRegistered, subtensor.ErrPowDisabled, subtensor.ErrBurnDisabled, subtensor.ErrHotkeyOwnedByAnother, subtensor.ErrNoRoom,
		subtensor.ErrSystemAccount, subtensor.ErrColdkeySwap, subtensor.ErrTooManyHotkeys, subtensor.ErrFunds, subtensor.ErrPriceLimit, subtensor.ErrNoBurn,
		subtensor.ErrNoFaucet, subtensor.ErrTooManyThisBlock, subtensor.ErrTooManyThisInterval, subtensor.ErrReplay, subtensor.ErrStaleProof,
		subtensor.ErrWeakProof, subtensor.ErrWrongSeal, subtensor.ErrWrongSigner,
	} {
		if e := subtensor.Describe(fmt.Errorf("register: %w", err)); e.Remedy == "" || e.Name != "" || subtensor.Explain(err) != e.Remedy {
			t.Errorf("%v: %+v", err, e)
		}
	}
	for want, err := range map[string]error{
		"can spend 0.000145525 TAO of the 0.00145325 TAO": &subtensor.FundsError{Balance: 145_525, Fee: 1_453_250, Deposit: 500},
		"the price of 12.5 TAO and the fee of 0 TAO":      &subtensor.FundsError{Price: 12_500_000_000},
		"of the 18446744073.709551615 TAO that":           &subtensor.FundsError{Price: ^uint64(0), Fee: 1},
		"2 TAO, the limit is 1.000000001 TAO":             &subtensor.PriceLimitError{Price: 2_000_000_000, Limit: 1_000_000_001},
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
}
