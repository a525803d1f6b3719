package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/pow"
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

--burn --limit TAO is another act: the coldkey pays the price of a registration,
which is shown, with what of it is burned and what is locked, and has to be
confirmed. Above the limit nothing is sent (exit code 6).

On a terminal the search is shown in one block; --no-output-in-place, and whatever
is no terminal, gets lines one after the other, and --json lines of JSON on stderr.

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
	*burnResult
}

func (a *app) register() *cobra.Command {
	var (
		netuid netuidValue
		names  walletFlags
		search searchFlags
		burn   burnFlags
	)
	cmd := &cobra.Command{
		Use:     "register [netuid]",
		Aliases: []string{"pow_register", "pow-register"}, // btcli's
		Short:   "Register a neuron by proof of work",

		Annotations: map[string]string{linesOfJSON: "stderr"},
		Long:        registerLong,
		Example: `  bt register --netuid 1 --wallet-name alice --wallet-hotkey default
  bt register --netuid 1 --network local --num-processes 4 --pow-timeout 10m
  bt register --netuid 1 --burn --limit 0.5`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := search.check(cmd, a.origins); err != nil {
				return err
			}
			if err := burn.check(cmd); err != nil {
				return err
			}
			solver, err := a.solver(cmd, search)
			if err != nil {
				return err
			}
			a.jsonLines, a.plain = a.json, search.plain
			return a.runRegister(cmd.Context(), netuid.n, names, solver, search, burn)
		},
	}
	netuidFlag(cmd, &netuid)
	one := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		// btcli's --pow-device takes several, of which all but the first look like arguments.
		if err := gpuFlags(cmd, nil); err != nil {
			return err
		}
		return one(cmd, args)
	}
	a.walletFlags(cmd, &names)
	a.networkFlag(cmd)
	a.homeFlag(cmd)
	search.add(cmd)
	burn.add(cmd)
	cmd.Flags().Bool("pow", true, "register by proof of work, which bt does anyway")
	cmd.Flags().Bool("no-pow", false, "")
	for _, name := range []string{"pow", "no-pow"} {
		_ = cmd.Flags().MarkHidden(name) // it fails where there is no such flag
	}
	return cmd
}

func (a *app) runRegister(ctx context.Context, netuid uint16, names walletFlags, solver *pow.Solver, search searchFlags, burn burnFlags) (err error) {
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
	if burn.burn {
		return a.burn(ctx, c, netuid, keys, burn)
	}
	result, err := a.solveAndRegister(ctx, c, netuid, keys, solver, search)
	if already, err := a.alreadyRegistered(c, netuid, keys, err); already {
		return err
	}
	if err != nil {
		return err
	}
	r := newRegisterResult(c, netuid, keys, result)
	if a.json {
		return a.printJSON(r)
	}
	if err := a.printRegistered(r); err != nil {
		return err
	}
	a.message("%s; see it with: %s metagraph %d --network %s", effort(result), a.program, netuid, c.Network.Public())
	return nil
}

func (a *app) printRegistered(r registerResult) error {
	return a.print("registered  uid %d on netuid %d in block %d\nhotkey      %s\ncoldkey     %s\n", r.UID, r.Netuid, r.Block, r.Hotkey, r.Coldkey)
}

// alreadyRegistered says so where that is what an error means, which is no failure.
func (a *app) alreadyRegistered(c *subtensor.Client, netuid uint16, keys registration.Keys, err error) (bool, error) {
	var already *subtensor.AlreadyRegisteredError
	if !errors.As(err, &already) {
		return false, err
	}
	if already.Owner != nil && *already.Owner != keys.Coldkey {
		owned := &subtensor.HotkeyOwnedError{Hotkey: keys.Hotkey, Owner: *already.Owner}
		return true, fmt.Errorf("uid %d on netuid %d: %w", already.UID, netuid, owned)
	}
	if a.json {
		return true, a.printJSON(registerResult{
			Network: c.Network.Name, Endpoint: c.Network.Public(), Netuid: netuid, UID: already.UID,
			Hotkey: keys.Hotkey.String(), Coldkey: keys.Coldkey.String(), AlreadyRegistered: true,
		})
	}
	return true, a.print("%v: nothing to do\n", already)
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
	keys.Signer, wipe = a.signer(ctx, w)
	return keys, wipe, nil
}

// openColdkey is openKeys for what has no use for a hotkey.
func (a *app) openColdkey(ctx context.Context, s wallet.Store, names walletFlags) (keys registration.Keys, wipe func(), err error) {
	w, err := s.Wallet(names.name, names.hotkey)
	if err != nil {
		return keys, nil, err
	}
	if keys.Coldkey, err = w.Coldkey(); err != nil {
		return keys, nil, err
	}
	keys.Signer, wipe = a.signer(ctx, w)
	return keys, wipe, nil
}

// signer returns a function that unlocks a key of a wallet, and one that overwrites
// what was unlocked.
func (a *app) signer(ctx context.Context, w *wallet.Wallet) (unlock func(subtensor.Signer) (substrate.Signer, error), wipe func()) {
	a.warn(w)
	var pairs []*keypair.Pair
	unlock = func(which subtensor.Signer) (substrate.Signer, error) {
		pair, err := a.unlock(ctx, w, which)
		if err != nil {
			return nil, walletError(err)
		}
		pairs = append(pairs, pair)
		return pair, nil
	}
	return unlock, func() {
		for _, p := range pairs {
			p.Wipe()
		}
	}
}

// solveAndRegister registers and shows the progress.
func (a *app) solveAndRegister(ctx context.Context, c *subtensor.Client, netuid uint16, keys registration.Keys, solver *pow.Solver, search searchFlags) (registration.Result, error) {
	r := a.reporter(fmt.Sprintf("netuid %d", netuid), &netuid, search.verbose)
	defer r.view.Clear()
	ctx, limit := search.limit(ctx)
	defer limit.close()
	result, err := registration.Register(ctx, c, netuid, keys, search.options(solver, r, limit))
	return result, limit.late(err)
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
