// Package cli is the program bt: its commands, what they print and the codes
// they exit with. It turns flags and environment into calls of the packages
// below and their results into tables, JSON and advice. It knows no SCALE and no
// socket.
//
// Results go to stdout, progress and messages to stderr. With --json a command
// writes one JSON document to stdout, also where it fails.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// System returns the environment of this process.
func System() Env {
	return Env{Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
}

// Env is what the program sees of the world besides its arguments.
type Env struct {
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Main runs bt with the arguments that follow its name and returns the exit code
// (see "bt help exit-codes"). When ctx ends it stops what it is doing and
// returns 130.
func Main(ctx context.Context, args []string, env Env) int {
	a := newApp(env)
	root := a.root()                          //nolint:contextcheck // commands get theirs from cobra
	root.SetArgs(append([]string{}, args...)) // never nil: cobra would take os.Args
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && !errors.Is(err, context.Canceled) {
		err = ctx.Err() // whatever it broke
	}
	a.jsonLines = a.jsonLines || a.json && cmd.Annotations[linesOfJSON] != "" // also where it did not begin
	return a.fail(err)
}

// linesOfJSON annotates commands whose progress and errors on stderr are lines of
// JSON where --json is given.
const linesOfJSON = "lines of JSON"

// app is one run of the program.
type app struct {
	env      Env
	out, err terminal
	program  string // how the user calls it

	json, quiet bool
	jsonLines   bool   // progress and messages are JSON as well
	plain       bool   // progress is not drawn in place
	documented  bool   // the one JSON document is written
	home        string // as given by flag
	network     string // as settled, "" for the default
	walletPath  string // as settled, "" for the folder below home
	secretFile  string // that holds a password, as given by flag
	origins     map[string]origin
}

func newApp(env Env) *app {
	a := &app{env: env, program: "bt"}
	a.out = newTerminal(env.Stdout, env.Getenv)
	a.err = newTerminal(env.Stderr, env.Getenv)
	// What "go run" runs lies in a temporary folder or in the build cache.
	if path := filepath.ToSlash(os.Args[0]); strings.Contains(path, "/go-build") && strings.TrimSuffix(filepath.Base(path), ".exe") == "bt" {
		a.program = "go run ./cmd/bt"
	}
	return a
}

const rootLong = `bt is Bittensor for Go: it reads metagraphs, registers neurons by proof of work
and runs a development chain, without Python and without a node of your own.

Start with "bt demo": it needs no network and touches nothing of yours.

Flags may be spelled as btcli has them: --subtensor.network, --wallet.name,
--json-output and others.`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "bt",
		Short:         "Bittensor: metagraphs, registration by proof of work, a development chain",
		Long:          rootLong,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          group,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetGlobalNormalizationFunc(btcliNames)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var bad *pflag.InvalidValueError
		invalid := errors.As(err, &bad)
		var number *strconv.NumError // whose text names a function of Go
		if errors.As(err, &number) {
			err = errors.New(strings.Replace(err.Error(), number.Error(), number.Err.Error(), 1))
		}
		if invalid && quotable(bad.GetValue()) != bad.GetValue() {
			err = errors.New(strings.ReplaceAll(err.Error(), bad.GetValue(), "…"))
		}
		return &usageError{err: err, try: cmd.CommandPath() + " --help"}
	})
	root.SetIn(a.env.Stdin)
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	root.PersistentFlags().BoolVar(&a.json, "json", false, "write one JSON document to stdout")
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no messages, only results and errors")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if !a.wantsSettings(cmd) {
			return nil
		}
		return a.settle(cmd)
	}
	root.AddCommand(
		a.demo(), a.devnet(), a.metagraph(), a.subnets(), a.register(), a.faucet(), a.pow(), a.wallet(), a.doctor(), a.debug(), a.config(), a.version(), a.completion(),
		exitCodesTopic(), environmentTopic(),
	)
	root.SetHelpCommand(a.help())
	return root
}

// group is the action of a command that only holds others.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	e := &usageError{err: fmt.Errorf("unknown command %q", cmd.CommandPath()+" "+quotable(args[0])), try: cmd.CommandPath() + " --help"}
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
		e.try = cmd.CommandPath() + " " + s[0]
	}
	return e
}

// help replaces cobra's own help command, which takes unknown topics for
// success.
func (a *app) help() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command or topic]",
		Short: "Help about a command or a topic",
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			topic, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return &usageError{err: fmt.Errorf("no help on %q", strings.Join(args, " ")), try: root.CommandPath() + " help"}
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
	}
}

// noArgs refuses positional arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{err: fmt.Errorf("%s takes no argument %q", cmd.CommandPath(), quotable(args[0])), try: cmd.CommandPath() + " --help"}
}

// quotable returns what an error may repeat of what was typed: not what may be a
// secret in the wrong place.
func quotable(s string) string {
	if len(s) > 32 || len(strings.Fields(s)) > 2 {
		return "…"
	}
	return s
}

// message tells the user something that is no result.
func (a *app) message(format string, args ...any) {
	if !a.quiet {
		a.view().Print(fmt.Sprintf(format, args...))
	}
}
