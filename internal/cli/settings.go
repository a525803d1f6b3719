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

const environment = `bt takes a setting from the flag, else from the environment, else from the file
bt.yml in the home folder, else there is a default. "bt config show --origin" says
which it was. The variables are those of both generations of the Python SDK:

  BT_CHAIN_ENDPOINT     --network: the node's ws:// or wss:// URL
  BT_SUBTENSOR_NETWORK  --network: a network's name or URL
  BT_NETWORK            --network
  BT_SUBTENSOR_CHAIN_ENDPOINT
                        the node of the network local, and --network where none of
                        the above is set
  BT_WALLET_NAME, BT_WALLET
                        --wallet-name
  BT_WALLET_HOTKEY      --wallet-hotkey
  BT_WALLET_PATH        --wallet-path: the folder of the wallets
  BT_SUBTENSOR_REGISTER_NUM_PROCESSES
                        --num-processes
  BT_SUBTENSOR_REGISTER_UPDATE_INTERVAL
                        --update-interval
  BT_CPU                --pow-backend: one of the engines that bt pow bench lists
  BT_HOME               --home: the folder for wallets, metagraphs, cache and
                        bt.yml, ~/.bittensor where it is not set; where there is no
                        home folder either, nothing is cached
  BT_PW_<PATH>, BT_COLD_PW_<NAME>, BT_WALLET_PASSWORD, BT_WALLET_PASSWORD_FILE
                        the passwords of keyfiles, in this order; see bt wallet
                        --help
  NO_COLOR              set to anything: no colours

Of several variables for one setting the upper one counts. Empty variables count as
not set. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured where a node is connected
to.

bt.yml is YAML and holds settings by the names of their flags:

  network: test
  wallet-name: alice
  num-processes: 4

The settings are network, wallet-name, wallet-hotkey, wallet-path, num-processes,
update-interval, pow-backend, pow-timeout, max-attempts, no-output-in-place,
log-verbose, json, quiet and cuda. Older spellings of flags do as well, also nested
as in the files of older SDKs (wallet: {name: alice}). Passwords do not belong there.
bt demo, bt version and bt completion do not read it.`

func environmentTopic() *cobra.Command {
	return &cobra.Command{Use: "environment", Short: "The environment variables that bt looks at", Long: environment}
}

// aliases are other spellings of flags, in btcli and in older SDKs.
var aliases = map[string]string{
	"mech-id":                  "mechid",
	"mechanism-id":             "mechid",
	"subtensor.network":        "network",
	"subtensor.chain-endpoint": "network",
	"chain-endpoint":           "network",
	"chain":                    "network",
	"wallet":                   "wallet-name",
	"wallet.name":              "wallet-name",
	"name":                     "wallet-name",
	"wallet.hotkey":            "wallet-hotkey",
	"wallet.path":              "wallet-path",
	"no-use-password":          "no-password",
	"n-words":                  "words",
	"json-output":              "json",
	"json-out":                 "json",
	"pow-workers":              "num-processes",
	"processors":               "num-processes",
	"use-cuda":                 "cuda",
	"no-use-cuda":              "no-cuda",
	"threads-per-block":        "tpb",
	"pow-device":               "dev-id",
	"attempts":                 "max-attempts",
	"verbose":                  "log-verbose",
	"no-prompt":                "yes",
}

// prefixes are what older SDKs put before the flags of a search.
var prefixes = []string{"subtensor.register.", "pow-register.", "faucet.", "cuda."}

// btcliNames lets flags be spelled as btcli and older SDKs have them.
func btcliNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	name = strings.ReplaceAll(name, "_", "-")
	for _, p := range prefixes {
		name = strings.TrimPrefix(name, p)
	}
	if name == "TPB" { // SDK 3
		name = "tpb"
	}
	if to, ok := aliases[name]; ok {
		name = to
	}
	return pflag.NormalizedName(name)
}

// homeFlag adds --home.
func (a *app) homeFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.home, "home", "", "`folder` for wallets, metagraphs and cache (default $BT_HOME, else ~/.bittensor)")
}

// networkFlag adds --network.
func (a *app) networkFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.network, "network", "n", "", "`name` of a network: "+strings.Join(subtensor.NetworkNames(), ", ")+"; or the ws:// or wss:// URL of a node (default finney; see bt help environment)")
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
			return expand(dir)
		}
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", &codedError{err: fmt.Errorf("%w: neither --home nor BT_HOME is given, and %w", errNoHome, err), code: exitError, try: "name a folder with --home, or set BT_HOME"}
	}
	return filepath.Join(user, ".bittensor"), nil
}

// expand puts the user's folder in the place of a leading ~, which no shell has
// done for what the environment or a file says.
func expand(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return filepath.Abs(path)
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", &codedError{err: fmt.Errorf("%w: %q cannot be found: %w", errNoHome, path, err), code: exitError, try: "name the folder in full"}
	}
	return filepath.Join(user, rest), nil
}

// The folders below the home folder. Those of wallets and metagraphs are the
// SDK's.
func walletsDir(home string) string    { return filepath.Join(home, "wallets") }
func metagraphsDir(home string) string { return filepath.Join(home, "metagraphs") }
func cacheDir(home string) string      { return filepath.Join(home, "cache") }

const defaultNetwork = "finney"

// resolveNetwork returns the network that the settings name.
func (a *app) resolveNetwork() (subtensor.Network, error) {
	value, from := a.network, a.origins["network"]
	if value == "" {
		value = defaultNetwork
	}
	n, err := subtensor.ResolveNetwork(value)
	if err != nil {
		if from.kind == "file" { // whose values are not quoted
			err = fmt.Errorf("network: one of %s is wanted, or a ws:// or wss:// URL", strings.Join(subtensor.NetworkNames(), ", "))
		}
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
