package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// The exit codes.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitNetwork     = 3
	exitChain       = 4
	exitWallet      = 5
	exitUnsafe      = 6
	exitInterrupted = 130
	exitReaderGone  = 141 // as of a program that the signal SIGPIPE ends
)

const exitCodes = `bt exits with

    0  ok; also where the hotkey to register is registered already
    1  any other error; of bt doctor: something that bt needs does not work;
       of bt pow verify and bt wallet verify: no; of a search: nothing found in
       time; a price was not confirmed
    2  wrong usage: unknown command, flag or network name, missing value
    3  network: the node cannot be reached, went away, or is of another chain
    4  refused by the chain: no such subnet or block, registration not possible
       there, transaction refused or failed
    5  wallet: not found, exists already, wrong password, unreadable keyfile
    6  refused for safety: on this runtime the call would burn TAO, or what it
       would do is not known, or the price is above --limit; nothing was sent
  130  interrupted
  141  whoever reads stdout has gone, such as head: nothing is said

An error is written to stderr as "error: ...", then "means: ..." where the chain has
a name for it, and "try: ..." where something can be done.
With --json stdout gets {"error": ..., "chain_error": the chain's name for it,
"meaning": ..., "try": ..., "exit_code": ...}, of which the three in the middle may be
absent; a document that had begun before ends with these.`

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodes}
}

// usageError is a mistake on the command line.
type usageError struct {
	err error
	try string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usage returns a usageError.
func usage(try, format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...), try: try}
}

// codedError is an error whose exit code the place knows where it happened, and
// perhaps what to do about it.
type codedError struct {
	err  error
	code int
	try  string
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// chainErrors are refusals by the chain, told from its state before anything was
// sent.
var chainErrors = []error{
	subtensor.ErrSubnetNotFound, subtensor.ErrMechanismNotFound, subtensor.ErrNeuronNotFound, subtensor.ErrRootSubnet, subtensor.ErrPowDisabled,
	subtensor.ErrHotkeyOwnedByAnother, subtensor.ErrNoRoom, subtensor.ErrTooManyThisBlock,
	subtensor.ErrTooManyThisInterval, subtensor.ErrReplay, subtensor.ErrFunds, subtensor.ErrSystemAccount, subtensor.ErrColdkeySwap,
	subtensor.ErrTooManyHotkeys, subtensor.ErrBurnDisabled, subtensor.ErrNoBurn, subtensor.ErrNoFaucet,
	subtensor.ErrWrongSigner, subtensor.ErrStaleProof, subtensor.ErrWeakProof, subtensor.ErrWrongSeal,
}

// exitCode maps every error to its exit code.
func exitCode(err error) int {
	var (
		use      *usageError
		coded    *codedError
		dispatch *substrate.DispatchError
		pool     *substrate.PoolError
		status   *substrate.StatusError
		block    *substrate.BlockNotFoundError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReaderGone):
		return exitReaderGone
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &use):
		return exitUsage
	case errors.Is(err, subtensor.ErrUnsafe):
		return exitUnsafe
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &dispatch), errors.As(err, &pool), errors.As(err, &status), errors.As(err, &block), errors.Is(err, registration.ErrAttempts):
		return exitChain
	case substrate.Unreachable(err), errors.Is(err, subtensor.ErrNotSubtensor), errors.Is(err, substrate.ErrOtherChain), errors.Is(err, context.DeadlineExceeded):
		return exitNetwork
	}
	for _, e := range chainErrors {
		if errors.Is(err, e) {
			return exitChain
		}
	}
	return exitError
}

// remedy returns what to do about an error, "" where that is not known.
func remedy(err error) string {
	var (
		use   *usageError
		coded *codedError
	)
	switch {
	case errors.As(err, &use):
		return use.try
	case errors.As(err, &coded) && coded.try != "":
		return coded.try
	}
	if errors.Is(err, substrate.ErrStateDiscarded) && substrate.Unreachable(err) {
		return "another archive node, by its ws:// or wss:// URL with --network"
	}
	if s := subtensor.Describe(err).Remedy; s != "" {
		return s
	}
	switch {
	case exitCode(err) == exitNetwork:
		return "another node with --network, or one of your own: bt devnet"
	case errors.Is(err, fs.ErrPermission):
		return "check who may write there, or choose another folder with --home"
	}
	return ""
}

// errorResult is the document of a command that fails, and the end of one that
// had begun.
type errorResult struct {
	Error    string `json:"error"`
	Chain    string `json:"chain_error,omitempty"` // the chain's name for it
	Meaning  string `json:"meaning,omitempty"`     // of that name
	Try      string `json:"try,omitempty"`
	ExitCode int    `json:"exit_code"`
}

// errorLine is the last line of stderr with --json where progress is JSON as well.
type errorLine struct {
	Event string `json:"event"`
	errorResult
}

func newErrorResult(err error) errorResult {
	known := subtensor.Describe(err)
	r := errorResult{clean(err.Error()), known.Name, known.Meaning, clean(remedy(err)), exitCode(err)}
	if r.ExitCode == exitInterrupted {
		// What was under way may have more to say than that.
		r = errorResult{Error: strings.TrimSuffix(r.Error, ": "+context.Canceled.Error()), ExitCode: r.ExitCode}
		if !strings.Contains(r.Error, "interrupted") {
			r.Error = "interrupted"
		}
	}
	return r
}

// means says what the chain's name for an error is about; the name only where the
// error leaves it out.
func (r errorResult) means() string {
	switch {
	case r.Chain == "" || strings.Contains(r.Error, r.Chain):
		return r.Meaning
	case r.Meaning == "":
		return r.Chain
	}
	return r.Chain + ": " + r.Meaning
}

// fail reports an error and returns its exit code.
func (a *app) fail(err error) int {
	r := newErrorResult(err)
	if r.ExitCode == exitReaderGone {
		return r.ExitCode
	}
	if a.json && !a.documented {
		if a.printJSON(r) != nil {
			return r.ExitCode
		}
	}
	switch {
	case a.jsonLines:
		a.err.printf("%s\n", a.line(errorLine{"error", r}))
		return r.ExitCode
	case r.ExitCode == exitInterrupted:
		a.err.printf("%s\n", r.Error)
		return r.ExitCode
	}
	a.complain(r.Error)
	if means := r.means(); means != "" {
		a.err.printf("%s %s\n", a.err.style(bold, "means:"), means)
	}
	if r.Try != "" {
		a.err.printf("%s %s\n", a.err.style(bold, "try:"), r.Try)
	}
	return r.ExitCode
}

// complain writes an error.
func (a *app) complain(text string) {
	a.err.printf("%s %s\n", a.err.style(red, "error:"), clean(text))
}
