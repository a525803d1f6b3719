package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bittensor-go/bt/subtensor"
)

const environment = `bt looks at

  BT_CHAIN_ENDPOINT     the node's ws:// or wss:// URL
  BT_SUBTENSOR_NETWORK  a network's name or URL
  BT_NETWORK            the same, an older name of it
  BT_HOME               the folder for wallets, metagraphs and cache, ~/.bittensor
                        where it is not set; where there is no home folder
                        either, nothing is cached
  BT_WALLET_PASSWORD    the password of coldkeys, for scripts
  BT_CPU                the engine that searches for seals: one that bt pow bench
                        lists
  NO_COLOR              set to anything: no colours

The flag --network comes before BT_CHAIN_ENDPOINT, that before
BT_SUBTENSOR_NETWORK, that before BT_NETWORK, and finney is what is left.
The flag --home comes before BT_HOME. Empty variables count as not set.
HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured where a node is connected to.`

func environmentTopic() *cobra.Command {
	return &cobra.Command{Use: "environment", Short: "The environment variables that bt looks at", Long: environment}
}

// aliases are btcli's other spellings of flags.
var aliases = map[string]string{
	"mech-id":                  "mechid",
	"mech_id":                  "mechid",
	"mechanism-id":             "mechid",
	"mechanism_id":             "mechid",
	"subtensor.network":        "network",
	"subtensor.chain_endpoint": "network",
	"chain":                    "network",
	"wallet.name":              "wallet-name",
	"wallet_name":              "wallet-name",
	"name":                     "wallet-name",
	"wallet.hotkey":            "wallet-hotkey",
	"wallet_hotkey":            "wallet-hotkey",
	"no-use-password":          "no-password",
	"n-words":                  "words",
	"n_words":                  "words",
	"json-output":              "json",
	"json-out":                 "json",
}

// btcliNames lets flags be spelled as btcli and older SDKs have them.
func btcliNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if to, ok := aliases[name]; ok {
		return pflag.NormalizedName(to)
	}
	return pflag.NormalizedName(name)
}

// homeFlag adds --home.
func (a *app) homeFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.home, "home", "", "`folder` for wallets, metagraphs and cache (default $BT_HOME, else ~/.bittensor)")
}

// networkFlag adds --network.
func (a *app) networkFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.network, "network", "", "`name` of a network: "+strings.Join(subtensor.NetworkNames(), ", ")+"; or the ws:// or wss:// URL of a node (default finney; see bt help environment)")
	complete(cmd, "network", func() []string { return subtensor.NetworkNames() })
}

// complete completes a flag from a list.
func complete(cmd *cobra.Command, flag string, list func() []string) {
	// The only error is that the flag does not exist or has a completion already.
	_ = cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return list(), cobra.ShellCompDirectiveNoFileComp
	})
}

// errNoHome says that no home folder is known.
var errNoHome = errors.New("no home folder is known")

// homeDir returns the folder of everything that bt keeps. The error wraps
// errNoHome where none is known.
func (a *app) homeDir() (string, error) {
	for _, dir := range []string{a.home, a.env.Getenv("BT_HOME")} {
		if dir != "" {
			return filepath.Abs(dir)
		}
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", &codedError{err: fmt.Errorf("%w: neither --home nor BT_HOME is given, and %w", errNoHome, err), code: exitError, try: "name a folder with --home, or set BT_HOME"}
	}
	return filepath.Join(user, ".bittensor"), nil
}

// The folders below the home folder. Those of wallets and metagraphs are the
// SDK's.
func walletsDir(home string) string    { return filepath.Join(home, "wallets") }
func metagraphsDir(home string) string { return filepath.Join(home, "metagraphs") }
func cacheDir(home string) string      { return filepath.Join(home, "cache") }

// resolveNetwork returns the network that flag or environment name, in the order
// of the SDK: an explicit network, an endpoint that is set, a network that is
// set, the default.
func (a *app) resolveNetwork() (subtensor.Network, error) {
	value, from := a.network, "--network"
	for _, name := range []string{"BT_CHAIN_ENDPOINT", "BT_SUBTENSOR_NETWORK", "BT_NETWORK"} {
		if value != "" {
			break
		}
		value, from = a.env.Getenv(name), name
	}
	if value == "" {
		value, from = "finney", "default"
	}
	n, err := subtensor.ResolveNetwork(value)
	if err != nil {
		return n, usage(a.program+" help environment", "%s: %w", from, err)
	}
	return n, nil
}

// dialer connects to the node of a network.
type dialer func(context.Context, subtensor.Network, subtensor.Options) (*subtensor.Client, error)

// dial connects to the network that flag or environment name.
func (a *app) dial(ctx context.Context) (*subtensor.Client, error) {
	return a.connect(ctx, subtensor.Dial)
}

// connect connects to the network that flag or environment name. Metadata is
// kept in the home folder; without one it is read anew each time.
func (a *app) connect(ctx context.Context, dial dialer) (*subtensor.Client, error) {
	n, err := a.resolveNetwork()
	if err != nil {
		return nil, err
	}
	cache := ""
	switch home, err := a.homeDir(); {
	case err == nil:
		cache = cacheDir(home)
	case errors.Is(err, errNoHome):
		a.message("without a cache: %v", err)
	default:
		return nil, err
	}
	return a.dialNetwork(ctx, n, cache, dial)
}

// dialNetwork connects to a network, with a folder for metadata or "".
func (a *app) dialNetwork(ctx context.Context, n subtensor.Network, cache string, dial dialer) (*subtensor.Client, error) {
	defer a.watch("connecting to " + n.Public())()
	c, err := dial(ctx, n, subtensor.Options{CacheDir: cache})
	if err != nil {
		return nil, err
	}
	c.OnArchive = func(block uint64) {
		archive := subtensor.Network{Endpoint: c.Network.Archive}
		a.message("block %d is too old for %s: asking the archive node %s", block, n.Public(), archive.Public())
	}
	return c, nil
}

// closing closes something and keeps the first error.
func closing(err *error, c interface{ Close() error }) {
	if e := c.Close(); *err == nil && e != nil {
		*err = fmt.Errorf("closing: %w", e)
	}
}

// netuidValue is a flag that must be given.
type netuidValue struct {
	n   uint16
	set bool
}

func (v *netuidValue) Type() string { return "N" }

func (v *netuidValue) String() string {
	if !v.set {
		return ""
	}
	return strconv.Itoa(int(v.n))
}

func (v *netuidValue) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return errors.New("a netuid is a number from 0 to 65535")
	}
	v.n, v.set = uint16(n), true
	return nil
}

// netuidFlag adds --netuid and the same as a positional argument.
func netuidFlag(cmd *cobra.Command, v *netuidValue) {
	cmd.Flags().Var(v, "netuid", "the subnet's number")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		try := cmd.CommandPath() + " --netuid 1"
		switch {
		case len(args) > 1:
			return usage(try, "one netuid, not %d arguments", len(args))
		case len(args) == 1 && v.set:
			return usage(try, "the netuid is given twice: %d and %q", v.n, args[0])
		case len(args) == 1:
			if err := v.Set(args[0]); err != nil {
				return usage(try, "%q: %w", args[0], err)
			}
		case !v.set:
			return usage(try, "which subnet? A netuid is needed")
		}
		return nil
	}
}

// blockValue is a flag that may be left out.
type blockValue struct{ n *uint64 }

func (v *blockValue) Type() string { return "N" }

func (v *blockValue) String() string {
	if v.n == nil {
		return ""
	}
	return strconv.FormatUint(*v.n, 10)
}

func (v *blockValue) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 32) // as wide as the chain's own
	if err != nil {
		return errors.New("a block is a number from 0 to 4294967295")
	}
	v.n = &n
	return nil
}
