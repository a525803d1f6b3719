// Package registration registers neurons by proof of work: it reads the terms,
// searches while blocks come and go, hands a proof in while it is fresh, and
// finds out which uid the neuron got. With the same search it draws from the faucet
// of development chains. Connections that are lost meanwhile it makes anew.
//
// It denies by default, as package subtensor does: where no rule is known to cost
// what the user is told, nothing is searched and nothing is sent. TAO is burned by
// Burn alone, up to a limit and when the price has been confirmed.
package registration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/engines"
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
	// Solver searches; nil means one that the next three fields describe. It is used
	// by one registration at a time.
	Solver *pow.Solver
	// NumProcesses is how many engines search, one a processor; 0 means all
	// processors that the process may use (num_processes: create_pow is documented
	// so, though the SDK up to 9.8.3 starts one process then).
	NumProcesses int
	// UpdateInterval is pow.Options.UpdateInterval: the most seals of one engine call,
	// and a round of the statistics, 0 for 50,000 (update_interval). New blocks
	// reach the engines sooner whatever it is.
	UpdateInterval uint64
	// Backend names what searches: "cpu", or one of cpu.Names(); "" and "auto" are
	// the best that there is, or the implementation that BT_CPU names. Names of GPU
	// backends (cuda=True is "cuda") are refused with ErrBackend.
	Backend string
	// MaxAttempts is how many proofs are submitted at most; 0 means
	// DefaultAttempts. Proofs that expire before they are submitted do not count.
	MaxAttempts int
	// Finalized waits until the block of the registration is final and cannot be
	// reorganised away any more (wait_for_finalization).
	Finalized bool
	// Progress is told how it goes, at least each second while the search runs. It
	// is called from one goroutine, that of Register or CreatePOW, and holds it up
	// until it returns.
	Progress func(Progress)
}

// ErrBackend reports a backend that searches nothing here.
var ErrBackend = errors.New("there is no such backend")

// solver returns the solver that the options ask for.
func (o Options) solver() (*pow.Solver, error) {
	if o.Solver != nil {
		return o.Solver, nil
	}
	name := o.Backend
	switch strings.ToLower(name) {
	case "auto", "cpu":
		name = ""
	case "gpu", "cuda", "opencl":
		return nil, fmt.Errorf("%w: %q: this build has no engine for GPUs; use \"cpu\", which takes all processors", ErrBackend, o.Backend)
	}
	all, err := engines.New(engines.Options{NumProcesses: o.NumProcesses, CPU: name})
	if err != nil {
		return nil, err
	}
	return pow.NewSolver(pow.Options{Engines: all, UpdateInterval: o.UpdateInterval}), nil
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
	// Reconnecting: the connection to the node was lost and is made anew;
	// Progress.Err says why. The phase before it follows.
	Reconnecting
)

// String returns the phase in words.
func (p Phase) String() string {
	words := [...]string{"waiting", "solving", "submitting", "submitted", "in block", "reconnecting"}
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
	// WaitBlocks is, while it is Waiting, how many blocks it takes until what Err
	// names is over, and WaitTime about how long, by the time that blocks take. They
	// count down; 0 where that is not known.
	WaitBlocks uint64
	WaitTime   time.Duration
	// Err is why it waits, or how the last proof was refused, or why there is no
	// connection; nil for none.
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

var (
	// ErrAttempts reports that as many proofs were refused as may be submitted. It
	// wraps the last refusal.
	ErrAttempts = errors.New("no proof was accepted")
	// ErrSubnetNotExist is subtensor's error for a netuid that does not exist; see
	// subtensor.SubnetNotFoundError.
	ErrSubnetNotExist = subtensor.ErrSubnetNotFound
	// ErrAlreadyRegistered is subtensor's error for a hotkey that has a uid on the
	// subnet; see subtensor.AlreadyRegisteredError, which has the uid.
	ErrAlreadyRegistered = subtensor.ErrAlreadyRegistered
)

// CreatePOW searches for a proof for registering a hotkey on a subnet and returns
// the first one that is still fresh when it is found: it was verified in plain Go
// against the terms of the newest block then. It signs and sends nothing. Its
// errors are those of Register that come before a submission.
func CreatePOW(ctx context.Context, c *subtensor.Client, netuid uint16, hotkey, coldkey ss58.AccountID, opts Options) (pow.Solution, error) {
	return newFlow(c, &neuron{netuid, hotkey, coldkey}, opts).create(ctx)
}

// CreateFaucetPOW is CreatePOW for a draw from the faucet of a development chain
// (create_pow for netuid -1), with the errors of Faucet.
func CreateFaucetPOW(ctx context.Context, c *subtensor.Client, coldkey ss58.AccountID, opts Options) (pow.Solution, error) {
	return newFlow(c, faucet(coldkey), opts).create(ctx)
}

func (f *flow) create(ctx context.Context) (pow.Solution, error) {
	fail := func(err error) (pow.Solution, error) { return pow.Solution{}, f.context(ctx, err) }
	if err := f.beginSearch(ctx); err != nil {
		return fail(err)
	}
	defer f.close()
	if err := f.follow(ctx); err != nil {
		return fail(err)
	}
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
// ErrHotkeyOwnedByAnother, ErrNoRoom, ErrFunds (where the rule has a fee) and the
// others that are named there. The terms are read again with each block,
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
// A connection that is lost, or a node that does not answer in time, is dialled
// again, as long as ctx lasts, and the registration goes on: a proof that is still
// fresh is handed in, and what was handed in before is looked for in the chain, so
// that it is neither paid nor counted twice. Heads that are overdue are asked for.
// The client c stays as it is.
//
// All goroutines have ended when Register returns.
func Register(ctx context.Context, c *subtensor.Client, netuid uint16, keys Keys, opts Options) (Result, error) {
	f := newFlow(c, &neuron{netuid, keys.Hotkey, keys.Coldkey}, opts)
	result, err := f.register(ctx, netuid, keys)
	if err != nil {
		return Result{}, f.context(ctx, err)
	}
	return result, nil
}

func (f *flow) register(ctx context.Context, netuid uint16, keys Keys) (Result, error) {
	if err := f.beginSearch(ctx); err != nil {
		return Result{}, err
	}
	signer, err := keys.signer(f.rule.Signer)
	if err != nil {
		return Result{}, err
	}
	defer f.close()
	if err := f.follow(ctx); err != nil {
		return Result{}, err
	}
	m, in, err := f.prove(ctx, signer)
	if err != nil {
		return Result{}, err
	}
	uid, err := f.uid(ctx, netuid, keys.Hotkey, in)
	if err != nil {
		return Result{}, err
	}
	f.refused = nil
	f.report(InBlock, m.block)
	return Result{UID: uid, Block: m.block, Attempts: f.attempts, Solution: m.proof, Stats: f.solver.Stats(), Rule: f.rule}, nil
}

// reportEvery is how often Progress is told that nothing else has changed.
const reportEvery = 500 * time.Millisecond
