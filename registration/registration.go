// Package registration registers neurons by proof of work: it reads the terms,
// searches while blocks come and go, hands a proof in while it is fresh, and
// finds out which uid the neuron got.
//
// It denies by default, as package subtensor does: where no rule is known to cost
// what the user is told, nothing is searched and nothing is sent. It never burns
// TAO.
package registration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// DefaultAttempts is how many proofs are submitted where Options does not say.
const DefaultAttempts = 3

// Keys are the keys of a registration.
type Keys struct {
	Hotkey, Coldkey ss58.AccountID
	// Signer returns the key that the chain's rule names: the coldkey for today's
	// registrations, the hotkey for classic ones. It is asked once, when it is
	// known that there is something to do and before the search, so that who has to
	// type a password does it at once.
	Signer func(subtensor.Signer) (substrate.Signer, error)
}

// Options configure a search. The zero value is good.
type Options struct {
	// Solver searches; nil means one with the best engines on all cores. It is used by
	// one registration at a time.
	Solver *pow.Solver
	// MaxAttempts is how many proofs are submitted at most; 0 means
	// DefaultAttempts. Proofs that expire before they are submitted do not count.
	MaxAttempts int
	// Progress is told how it goes, at least each second while the search runs. It
	// is called from one goroutine, that of Register or CreatePOW, and holds it up
	// until it returns.
	Progress func(Progress)
}

// Phase is what a registration is doing.
type Phase uint8

// The phases, in order. A proof that is refused and worth another try leads back
// to Waiting or Solving.
const (
	// Waiting: for a block in which a registration is possible; Progress.Err says
	// why it is not now.
	Waiting Phase = iota
	// Solving: the search runs.
	Solving
	// Submitting: a proof is signed and handed to the node.
	Submitting
	// Submitted: the node's pool has it; the next block should.
	Submitted
	// InBlock: the neuron is registered.
	InBlock
)

// String returns the phase in words.
func (p Phase) String() string {
	words := [...]string{"waiting", "solving", "submitting", "submitted", "in block"}
	if int(p) < len(words) {
		return words[p]
	}
	return fmt.Sprintf("phase %d", uint8(p))
}

// Progress is how far a registration is.
type Progress struct {
	Phase Phase
	// Head is the newest block that is known; from InBlock on the block that holds
	// the registration.
	Head substrate.Header
	// Terms are those at the newest block.
	Terms subtensor.Terms
	// Stats are the figures of the search.
	Stats pow.Stats
	// Attempts is how many proofs were submitted so far.
	Attempts int
	// Err is why it waits, or how the last proof was refused; nil for neither.
	Err error
}

// Result is a registration that was made.
type Result struct {
	UID      uint16
	Block    substrate.Header // that holds it
	Attempts int              // proofs that were submitted
	Solution pow.Solution
	Stats    pow.Stats
	Rule     subtensor.Rule
}

// ErrAttempts reports that as many proofs were refused as may be submitted. It
// wraps the last refusal.
var ErrAttempts = errors.New("no proof was accepted")

// CreatePOW searches for a proof for registering a hotkey on a subnet and returns
// the first one that is still fresh when it is found: it was verified in plain Go
// against the terms of the newest block then. It signs and sends nothing. Its
// errors are those of Register that come before a submission.
func CreatePOW(ctx context.Context, c *subtensor.Client, netuid uint16, hotkey, coldkey ss58.AccountID, opts Options) (pow.Solution, error) {
	f := newFlow(c, netuid, hotkey, coldkey, opts)
	fail := func(err error) (pow.Solution, error) { return pow.Solution{}, f.context(ctx, err) }
	if err := f.begin(ctx); err != nil {
		return fail(err)
	}
	stop, err := f.watch(ctx)
	if err != nil {
		return fail(err)
	}
	defer stop()
	solution, _, err := f.find(ctx, false)
	if err != nil {
		return fail(err)
	}
	return solution, nil
}

// Register registers a hotkey on a subnet by proof of work and returns where.
//
// Everything that does not pass by itself is refused before any work, with the
// errors of subtensor.State.RegistrationTerms: subtensor.ErrUnsafe,
// ErrSubnetNotFound, ErrRootSubnet, ErrAlreadyRegistered (a
// *subtensor.AlreadyRegisteredError, which has the uid), ErrPowDisabled,
// ErrHotkeyOwnedByAnother, ErrNoRoom. The terms are read again with each block,
// so these errors may also end a search. What passes (a block or an interval that
// has had its registrations) is waited for, as long as ctx lasts.
//
// A proof is submitted only while it is fresh: one that expired, or that the
// subnet's difficulty has outgrown, is dropped and the search goes on. Refusals
// that another proof can overcome lead to another attempt, up to
// Options.MaxAttempts, then the error wraps ErrAttempts; all others are returned.
// Where ctx ends after a submission the error says so, because the registration
// may still happen.
//
// All goroutines have ended when Register returns.
func Register(ctx context.Context, c *subtensor.Client, netuid uint16, keys Keys, opts Options) (Result, error) {
	f := newFlow(c, netuid, keys.Hotkey, keys.Coldkey, opts)
	result, err := f.register(ctx, keys)
	if err != nil {
		return Result{}, f.context(ctx, err)
	}
	return result, nil
}

// reportEvery is how often Progress is told that nothing else has changed.
const reportEvery = 500 * time.Millisecond
