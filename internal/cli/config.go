package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bittensor-go/bt/subtensor"
)

// setting is a flag that the environment and bt.yml can set as well.
type setting struct {
	flag   string // also its key in bt.yml
	other  string // another flag for the same, or for the opposite
	env    []string
	noFile bool // bt.yml cannot set it

	opposite string // a flag that is true where this one is false
}

// settings are all of them. The variables are those of the Python SDK, whose
// names differ between its generations; the first one that is set counts.
var settings = []setting{
	{flag: "home", env: []string{"BT_HOME"}, noFile: true}, // where bt.yml lies
	// SDK 3 to 5 took the endpoint from BT_SUBTENSOR_CHAIN_ENDPOINT, later ones that
	// of the local network alone: it comes last, for who names a network means it.
	{flag: "network", env: []string{"BT_CHAIN_ENDPOINT", "BT_SUBTENSOR_NETWORK", "BT_NETWORK", localVariable}},
	{flag: "wallet-name", env: []string{"BT_WALLET_NAME", "BT_WALLET"}},
	{flag: "wallet-hotkey", other: "hotkey", env: []string{"BT_WALLET_HOTKEY"}},
	{flag: "wallet-path", env: []string{"BT_WALLET_PATH"}},
	{flag: "num-processes", env: []string{"BT_SUBTENSOR_REGISTER_NUM_PROCESSES"}},
	{flag: "update-interval", env: []string{"BT_SUBTENSOR_REGISTER_UPDATE_INTERVAL"}},
	{flag: "pow-backend", env: []string{"BT_CPU"}},
	{flag: "cuda", opposite: "no-cuda"},
	{flag: "pow-timeout"},
	{flag: "max-attempts"},
	{flag: "no-output-in-place", opposite: "output-in-place"},
	{flag: "log-verbose"},
	{flag: "json"},
	{flag: "quiet"},
}

// localVariable is the endpoint of the network local.
const localVariable = "BT_SUBTENSOR_CHAIN_ENDPOINT"

// origin says where the value of a setting comes from.
type origin struct {
	kind string // flag, environment, file or default
	name string // the flag, the variable, or the file with its line
}

func (o origin) String() string {
	if o.name == "" {
		return o.kind
	}
	return o.name
}

// settle gives the flags of a command that the command line leaves out what the
// environment or bt.yml says, in this order, and remembers where it came from.
func (a *app) settle(cmd *cobra.Command) error {
	file, err := a.readConfig()
	if err != nil {
		return err
	}
	a.origins = map[string]origin{}
	for _, s := range settings {
		f := cmd.Flags().Lookup(s.flag)
		if f == nil {
			continue
		}
		value, from := a.given(cmd, s, file)
		a.origins[s.flag] = from
		if from.kind == "flag" && from.name == "--"+s.opposite {
			value = strconv.FormatBool(cmd.Flags().Lookup(s.opposite).Value.String() != "true")
		} else if from.kind == "flag" || from.kind == "default" {
			continue
		}
		if err := setFlag(f, value); err != nil {
			return usage(a.program+" help environment", "%s: %s: %w", from, s.flag, err)
		}
	}
	if local := a.env.Getenv(localVariable); a.network == "local" && local != "" && local != "local" {
		a.network, a.origins["network"] = local, origin{"environment", localVariable}
	}
	return nil
}

// given returns the value of a setting, unless it is that of the flag, and where
// it comes from.
func (a *app) given(cmd *cobra.Command, s setting, file map[string]fileValue) (string, origin) {
	for _, name := range []string{s.flag, s.other, s.opposite} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			return "", origin{"flag", "--" + name}
		}
	}
	for _, name := range s.env {
		if value := a.env.Getenv(name); value != "" {
			return value, origin{"environment", name}
		}
	}
	if v, ok := file[s.flag]; ok {
		return v.text, origin{"file", fmt.Sprintf("%s, line %d", v.path, v.line)}
	}
	return "", origin{kind: "default"}
}

// setFlag sets a flag without claiming that the command line did. The error says
// what is wanted and not what was there: it may be a secret in the wrong place.
func setFlag(f *pflag.Flag, value string) error {
	if f.Value.Set(value) == nil {
		return nil
	}
	switch f.Value.Type() {
	case "bool":
		return errors.New("true or false is wanted")
	case "int", "uint64":
		return errors.New("a whole number is wanted")
	case "SECONDS":
		return errors.New("a time is wanted, such as 300 (seconds), 90s or 10m")
	}
	return errors.New("that is no value for it")
}

// wantsSettings reports whether a command works with settings at all. What only tells
// about the program works whatever bt.yml says.
func (a *app) wantsSettings(cmd *cobra.Command) bool {
	for c := cmd; c != nil; c = c.Parent() {
		switch c.Name() {
		case "help", "version", "completion", "demo", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
			return false
		}
	}
	return cmd.HasParent()
}

const configLong = `Show what bt works with: the value of every setting. A flag comes before the
environment, that before the file bt.yml in the home folder, that before the
default; --origin says which of them it was.

Give the flags of another command, and it shows what that command would work with.`

// configResult is the document of bt config show.
type configResult struct {
	File     string          `json:"file"` // "" where no home folder is known
	Exists   bool            `json:"file_exists"`
	Settings []settingResult `json:"settings"`
}

type settingResult struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"`           // flag, environment, file or default
	Source string `json:"source,omitempty"` // its name
}

func (a *app) config() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config [command]",
		Short: "Show the settings and where they come from",
		Args:  cobra.ArbitraryArgs,
		RunE:  group,
	}
	cmd.AddCommand(a.configShow())
	return cmd
}

func (a *app) configShow() *cobra.Command {
	var (
		names   walletFlags
		search  searchFlags
		origins bool
	)
	cmd := &cobra.Command{
		Use:     "show",
		Short:   "Show the settings",
		Long:    configLong,
		Example: "  bt config show --origin\n  bt config show --network test --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.configResult(cmd)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(r)
			}
			return a.printConfig(r, origins)
		},
	}
	a.networkFlag(cmd)
	a.homeFlag(cmd)
	a.walletFlags(cmd, &names)
	search.add(cmd)
	cmd.Flags().BoolVar(&origins, "origin", false, "say where each value comes from")
	return cmd
}

func (a *app) configResult(cmd *cobra.Command) (configResult, error) {
	var r configResult
	switch home, err := a.homeDir(); {
	case err == nil:
		r.File = configFile(home)
		_, err := os.Stat(r.File)
		r.Exists = err == nil
	case !errors.Is(err, errNoHome):
		return r, err
	}
	for _, s := range settings {
		from, value := a.origins[s.flag], cmd.Flags().Lookup(s.flag).Value.String()
		switch s.flag {
		case "home":
			value = filepath.Dir(r.File)
			if r.File == "" {
				value = ""
			}
		case "network":
			n, err := a.resolveNetwork()
			if err != nil {
				return r, err
			}
			if value = a.network; value == "" {
				value = defaultNetwork
			}
			if !slices.Contains(subtensor.NetworkNames(), value) {
				value = n.Public() // the rest of a URL may be secret
			}
		case "wallet-path":
			switch store, err := a.store(); {
			case err == nil:
				value = store.Dir
			case !errors.Is(err, errNoHome):
				return r, err
			}
		}
		r.Settings = append(r.Settings, settingResult{s.flag, value, from.kind, from.name})
	}
	return r, nil
}

func (a *app) printConfig(r configResult, origins bool) error {
	columns := []string{"<setting", "<value"}
	if origins {
		columns = append(columns, "<from")
	}
	t := a.newTable(columns...)
	for _, s := range r.Settings {
		row := []any{s.Name, clean(s.Value)}
		if origins {
			row = append(row, clean(origin{s.Origin, s.Source}.String()))
		}
		t.AppendRow(row)
	}
	if err := a.printTable(t); err != nil {
		return err
	}
	switch {
	case r.File == "":
		a.message("no home folder is known, so there is no bt.yml")
	case !r.Exists:
		a.message("there is no %s", clean(r.File))
	}
	return nil
}
