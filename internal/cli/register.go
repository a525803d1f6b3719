package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/subtensor"
	"github.com/bittensor-go/bt/wallet"
)

const registerLong = `Register a hotkey on a subnet by proof of work: solve the chain's puzzle for the
newest block, again and again as blocks come, and hand the proof in.

A proof is only handed in where the runtime is known to take it for what it is:
today by pow_register, which is free, on older chains by register, whose signer
pays the fee. On runtimes whose register burns TAO nothing is sent (exit code 6).

Where the hotkey is registered already there is nothing to do (exit code 0).`

// registerResult is the document of bt register --json.
type registerResult struct {
	Network           string `json:"network"`
	Endpoint          string `json:"endpoint"`
	Netuid            uint16 `json:"netuid"`
	UID               uint16 `json:"uid"`
	Hotkey            string `json:"hotkey"`
	Coldkey           string `json:"coldkey"`
	AlreadyRegistered bool   `json:"already_registered"`

	// What follows is absent where the hotkey was registered already.
	Block      uint64          `json:"block,omitempty"`
	BlockHash  *substrate.Hash `json:"block_hash,omitempty"`
	WorkBlock  uint64          `json:"work_block,omitempty"` // that the proof was made for
	WorkHash   *substrate.Hash `json:"work_block_hash,omitempty"`
	Difficulty uint64          `json:"difficulty,omitempty"`
	Nonce      uint64          `json:"nonce,omitempty"`
	Seal       string          `json:"seal,omitempty"`
	Reading    string          `json:"seal_reading,omitempty"` // the byte order in which the chain reads it
	Call       string          `json:"call,omitempty"`
	Attempts   int             `json:"attempts,omitempty"`
	Hashes     uint64          `json:"hashes,omitempty"`
	Seconds    float64         `json:"seconds,omitempty"` // of the search
}

func (a *app) register() *cobra.Command {
	var (
		netuid   netuidValue
		names    walletFlags
		attempts int
	)
	cmd := &cobra.Command{
		Use:   "register [netuid]",
		Short: "Register a neuron by proof of work",
		Long:  registerLong,
		Example: `  bt register --netuid 1 --wallet-name alice --wallet-hotkey default
  bt register --netuid 1 --network local`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if attempts < 1 {
				return usage(cmd.CommandPath()+" --help", "--attempts %d: one is the least", attempts)
			}
			return a.runRegister(cmd.Context(), netuid.n, names, attempts)
		},
	}
	netuidFlag(cmd, &netuid)
	a.walletFlags(cmd, &names)
	a.networkFlag(cmd)
	a.homeFlag(cmd)
	cmd.Flags().IntVar(&attempts, "attempts", 3, "proofs to hand in before giving up where the chain took another one first")
	return cmd
}

func (a *app) runRegister(ctx context.Context, netuid uint16, names walletFlags, attempts int) (err error) {
	s, err := a.store()
	if err != nil {
		return err
	}
	keys, wipe, err := a.openKeys(ctx, s, names)
	if err != nil {
		return walletError(err)
	}
	defer wipe()
	c, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, c)
	result, err := a.solveAndRegister(ctx, c, netuid, keys, attempts)
	var already *subtensor.AlreadyRegisteredError
	if errors.As(err, &already) {
		if a.json {
			return a.printJSON(registerResult{
				Network: c.Network.Name, Endpoint: c.Network.Public(), Netuid: netuid, UID: already.UID,
				Hotkey: keys.Hotkey.String(), Coldkey: keys.Coldkey.String(), AlreadyRegistered: true,
			})
		}
		return a.print("%v: nothing to do\n", already)
	}
	if err != nil {
		return err
	}
	r := newRegisterResult(c, netuid, keys, result)
	if a.json {
		return a.printJSON(r)
	}
	if err := a.print("registered  uid %d on netuid %d in block %d\nhotkey      %s\ncoldkey     %s\n", r.UID, r.Netuid, r.Block, r.Hotkey, r.Coldkey); err != nil {
		return err
	}
	a.message("%s; see it with: %s metagraph %d --network %s", effort(result), a.program, netuid, c.Network.Public())
	return nil
}

// openKeys returns the keys of a wallet. The signing key is unlocked when the
// rule has named it; wipe overwrites it.
func (a *app) openKeys(ctx context.Context, s wallet.Store, names walletFlags) (keys registration.Keys, wipe func(), err error) {
	w, err := s.Open(names.name, names.hotkey)
	if err != nil {
		return keys, nil, err
	}
	if keys.Hotkey, err = w.Hotkey(); err != nil {
		return keys, nil, err
	}
	if keys.Coldkey, err = w.Coldkey(); err != nil {
		return keys, nil, err
	}
	for _, line := range w.Warnings() {
		a.message("warning: %s", clean(line))
	}
	var pair *keypair.Pair
	keys.Signer = func(which subtensor.Signer) (substrate.Signer, error) {
		var err error
		pair, err = a.unlock(ctx, w, which)
		return pair, walletError(err)
	}
	return keys, func() {
		if pair != nil {
			pair.Wipe()
		}
	}, nil
}

// unlock opens a key; a mistyped password can be typed again, twice.
func (a *app) unlock(ctx context.Context, w *wallet.Wallet, which subtensor.Signer) (*keypair.Pair, error) {
	open := w.UnlockColdkey
	if which == subtensor.HotkeySigns {
		open = w.UnlockHotkey
	}
	for try := 1; ; try++ {
		asked, stop := false, func() {}
		pair, err := abandon(ctx, func() (*keypair.Pair, error) {
			return open(func() (string, error) {
				password, typed, err := a.password(ctx, fmt.Sprintf("password of the %s of wallet %q", which, w.Name))
				asked = typed
				if err == nil {
					stop = a.watch(fmt.Sprintf("opening the %s", which)) // it takes seconds
				}
				return password, err
			})
		})
		if ctx.Err() != nil {
			return nil, ctx.Err() // what is left behind may still use asked and stop
		}
		stop()
		if !asked || try == 3 || !errors.Is(err, wallet.ErrWrongPassword) {
			return pair, err
		}
		a.message("wrong password, try again")
	}
}

// solveAndRegister registers and shows the progress.
func (a *app) solveAndRegister(ctx context.Context, c *subtensor.Client, netuid uint16, keys registration.Keys, attempts int) (registration.Result, error) {
	view := a.view()
	defer view.Clear()
	refused, submitted, fee := 0, 0, false // what was told
	return registration.Register(ctx, c, netuid, keys, registration.Options{
		MaxAttempts: attempts,
		Progress: func(p registration.Progress) {
			if p.Terms.Rule.PaysFee && !fee {
				fee = true
				view.Print(fmt.Sprintf("the %s pays a transaction fee for each attempt, also for one that fails", p.Terms.Rule.Signer))
			}
			if p.Err != nil && p.Phase < registration.Submitting && p.Attempts > refused {
				refused = p.Attempts
				view.Print(clean(fmt.Sprintf("attempt %d failed: %v", p.Attempts, p.Err)))
			}
			switch p.Phase {
			case registration.Waiting:
				view.Status(waitingLine(p))
			case registration.Solving:
				if p.Stats.Works > 0 {
					view.Status(searchLines(netuid, p.Attempts+1, p.Stats)...)
				}
			case registration.Submitting, registration.Submitted:
				if p.Attempts > submitted {
					submitted = p.Attempts
					view.Print(fmt.Sprintf("proof found at block %d, handing it in", p.Head.Number))
				}
				view.Status(fmt.Sprintf("waiting for a block to take it, %d is the newest", p.Head.Number))
			}
		},
	})
}

func waitingLine(p registration.Progress) string {
	if p.Err == nil {
		return fmt.Sprintf("waiting for the next block after %d", p.Head.Number)
	}
	return fmt.Sprintf("waiting for the next block after %d: %s", p.Head.Number, clean(p.Err.Error()))
}

func newRegisterResult(c *subtensor.Client, netuid uint16, keys registration.Keys, r registration.Result) registerResult {
	return registerResult{
		Network: c.Network.Name, Endpoint: c.Network.Public(), Netuid: netuid, UID: r.UID,
		Hotkey: keys.Hotkey.String(), Coldkey: keys.Coldkey.String(),
		Block: r.Block.Number, BlockHash: &r.Block.Hash, WorkBlock: r.Solution.Block,
		WorkHash: (*substrate.Hash)(&r.Solution.BlockHash), Difficulty: r.Solution.Difficulty, Nonce: r.Solution.Nonce,
		Seal: r.Solution.Seal.String(), Reading: r.Rule.Reading().String(), Call: r.Rule.Call, Attempts: r.Attempts, Hashes: r.Stats.Hashes, Seconds: r.Stats.Elapsed.Seconds(),
	}
}

// effort says what a registration took.
func effort(r registration.Result) string {
	s := fmt.Sprintf("%s seals in %s, %s", thousands(r.Stats.Hashes), span(r.Stats.Elapsed), rate(r.Stats.MeanRate))
	if r.Attempts > 1 {
		s += fmt.Sprintf(", %d attempts", r.Attempts)
	}
	return s
}
