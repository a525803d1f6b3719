package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
	"github.com/bittensor-go/bt/wallet"
)

const demoLong = `Register a neuron by real work on a development chain and read it back.

The chain runs in this process on a free loopback port, with a block a second and
a difficulty of 1,000,000. Wallet, metagraph and cache go to a temporary folder
that is kept and named at the end; nothing of yours is touched. It takes some
seconds.`

// The demo's chain. A demo that takes longer than demoLimit is stuck.
const (
	demoBlockTime = time.Second
	demoNetuid    = 1
	demoWallet    = "demo"
	demoLimit     = 2 * time.Minute
)

// demoResult is the document of bt demo --json.
type demoResult struct {
	Home      string          `json:"home"`
	Endpoint  string          `json:"endpoint"` // of the chain that ended with the demo
	Register  registerResult  `json:"registration"`
	Saved     string          `json:"saved"`
	Verified  bool            `json:"verified"` // the saved file holds the same
	Seconds   float64         `json:"seconds"`
	Metagraph metagraphResult `json:"metagraph"`
}

func (a *app) demo() *cobra.Command {
	return &cobra.Command{
		Use:     "demo",
		Short:   "Register a neuron on a development chain and show it",
		Long:    demoLong,
		Example: "  bt demo",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runDemo(cmd.Context()) },
	}
}

// runDemo runs the demo within demoLimit.
func (a *app) runDemo(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	err := a.walk(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return &codedError{
			err: fmt.Errorf("the demo did not end in %s: %w", demoLimit, err), code: exitError,
			try: "free some processor time and run it again",
		}
	}
	return err
}

// walk is the demo: chain, wallet, registration, metagraph.
func (a *app) walk(ctx context.Context) (err error) {
	began := time.Now()
	home, err := os.MkdirTemp("", "bt-demo-")
	if err != nil {
		return fmt.Errorf("temporary folder: %w", err)
	}
	defer func() {
		if err != nil {
			a.message("what the demo had made is in %s", home)
		}
	}()
	node, err := devnet.Start(devnet.Options{BlockTime: demoBlockTime, Difficulty: defaultDifficulty}) //nolint:contextcheck // it runs until Close
	if err != nil {
		return fmt.Errorf("starting the chain: %w", err)
	}
	defer closing(&err, node)
	a.message("chain       %s, a block every second, difficulty %s", node.URL(), thousands(defaultDifficulty))

	store := wallet.Store{Dir: walletsDir(home)}
	if _, _, err := store.Create(demoWallet, "", wallet.CreateOptions{NoPassword: true}); err != nil {
		return walletError(err)
	}
	keys, wipe, err := a.openKeys(ctx, store, walletFlags{name: demoWallet})
	if err != nil {
		return walletError(err)
	}
	defer wipe()
	a.message("wallet      %s: coldkey %s, hotkey %s", demoWallet, abbreviate(keys.Coldkey.String()), abbreviate(keys.Hotkey.String()))
	network, err := subtensor.ResolveNetwork(node.URL())
	if err != nil {
		return err
	}
	c, err := a.dialNetwork(ctx, network, cacheDir(home), subtensor.Dial)
	if err != nil {
		return err
	}
	defer closing(&err, c)
	result, err := a.solveAndRegister(ctx, c, demoNetuid, keys, nil, searchFlags{attempts: 3})
	if err != nil {
		return err
	}
	registered := newRegisterResult(c, demoNetuid, keys, result)
	a.message("registered  uid %d on netuid %d in block %d: %s", result.UID, demoNetuid, result.Block.Number, effort(result))

	m, path, err := a.syncSaveLoad(ctx, c, home, keys.Hotkey, result)
	if err != nil {
		return err
	}
	if a.json {
		r := demoResult{
			Home: home, Endpoint: node.URL(), Register: registered, Saved: path, Verified: true,
			Seconds: time.Since(began).Seconds(), Metagraph: newMetagraphResult(m, true),
		}
		r.Metagraph.Endpoint, r.Metagraph.Saved = node.URL(), path
		return a.printJSON(r)
	}
	a.message("")
	if err := a.printMetagraph(m, node.URL(), false, []int{int(result.UID)}); err != nil {
		return err
	}
	return a.print(demoEnd, span(time.Since(began)), home, filepath.Join(walletsDir(home), demoWallet), path, a.program, home, demoWallet)
}

// demoEnd says where everything is and what to type next.
const demoEnd = `
Done in %[1]s. Everything is in %[2]s (delete it when you like):
  wallet     %[3]s
  metagraph  %[4]s
             saved, loaded back and compared: the same

The chain ended with the demo. To keep one running and do it yourself:
  %[5]s devnet --block-time 1s
and in another terminal:
  %[5]s register --netuid 1 --network local --home %[6]s --wallet-name %[7]s
  %[5]s metagraph 1 --network local
With the real network:
  %[5]s metagraph 1
`

// syncSaveLoad reads the metagraph of the registration's block, finds the neuron
// in it, saves it and holds what is loaded back against it.
func (a *app) syncSaveLoad(ctx context.Context, c *subtensor.Client, home string, hotkey ss58.AccountID, r registration.Result) (*metagraph.Metagraph, string, error) {
	m, err := a.sync(ctx, c, demoNetuid, metagraph.Options{Block: &r.Block.Number, Full: true})
	if err != nil {
		return nil, "", err
	}
	if int(r.UID) >= m.N() || m.Hotkeys[r.UID] != hotkey {
		return nil, "", fmt.Errorf("the metagraph of block %d does not hold the new neuron as uid %d", m.Block, r.UID)
	}
	path, err := m.Save(metagraphsDir(home))
	if err != nil {
		return nil, "", err
	}
	back, err := metagraph.LoadFrom(path)
	if err != nil {
		return nil, "", err
	}
	if !reflect.DeepEqual(m, back) {
		return nil, "", fmt.Errorf("%s holds something else than was saved", path)
	}
	return m, path, nil
}
