package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/wallet"
)

const walletLong = `Make, list and use wallets: a coldkey that owns and hotkeys that work, in the
folder and the formats of the Python SDK.

The password of an encrypted key is taken from the first of these that is set:

  BT_PW_<PATH>        btwallet's: the keyfile's path in upper case, "/" and "." as
                      "_"; the value as btwallet encodes it
  BT_COLD_PW_<NAME>   of the coldkey of wallet <NAME>, in upper case, "-" as "_"
  BT_WALLET_PASSWORD  of any key
  BT_WALLET_PASSWORD_FILE
                      of any key: a file that holds it

and asked for at the terminal where none is; --wallet-password-file comes before all
of them. Secrets are shown by wallet new alone, once, and are never part of an error
or of what --json writes.

Keyfiles are made for their owner alone (mode 0600), and those that others can use
are warned of. On Windows modes say nothing: there the folder's rights count.

btcli's commands new-coldkey, new-hotkey, regen-coldkey, regen-hotkey,
regen-coldkeypub and regen-hotkeypub are taken too, as new and import.`

func (a *app) wallet() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "wallet",
		Aliases: []string{"w", "wallets"}, // btcli's
		Short:   "Make, list and use wallets",
		Long:    walletLong,
		Args:    cobra.ArbitraryArgs,
		RunE:    group,
	}
	cmd.AddCommand(a.walletNew(), a.walletList(), a.walletShow(), a.walletImport(), a.walletExportPub(), a.walletSign(), a.walletVerify(), a.walletBalance())
	cmd.AddCommand(inPlaceOf("faucet", []string{"faucet"}))
	for name, args := range btcliWallet {
		cmd.AddCommand(inPlaceOf(name, append([]string{"wallet"}, args...)))
	}
	return cmd
}

// btcliWallet are commands of btcli that are bt's with a flag.
var btcliWallet = map[string][]string{
	"new-coldkey":      {"new", "--only-coldkey"},
	"new-hotkey":       {"new", "--only-hotkey"},
	"regen-coldkey":    {"import"},
	"regen-coldkeypub": {"import"},
	"regen-hotkey":     {"import", "--use-hotkey"},
	"regen-hotkeypub":  {"import", "--use-hotkey"},
}

// inPlaceOf returns a hidden command that runs another one.
func inPlaceOf(name string, args []string) *cobra.Command {
	return &cobra.Command{
		Use: name, Aliases: []string{strings.ReplaceAll(name, "-", "_")}, Hidden: true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, rest []string) error {
			root := cmd.Root()
			root.SetArgs(append(slices.Clone(args), rest...))
			ran, err := root.ExecuteContextC(cmd.Context())
			cmd.Annotations = ran.Annotations
			return err
		},
	}
}

// walletFlags name a wallet.
type walletFlags struct{ name, hotkey string }

func (a *app) walletFlags(cmd *cobra.Command, f *walletFlags) {
	cmd.Flags().StringVarP(&f.name, "wallet-name", "w", wallet.DefaultName, "the wallet's name")
	cmd.Flags().StringVarP(&f.hotkey, "wallet-hotkey", "H", wallet.DefaultName, "the hotkey's name")
	// btcli's name of it. It is no alias for all commands: elsewhere --hotkey is an
	// address.
	also(cmd, "wallet-hotkey", "hotkey")
	a.walletPathFlag(cmd)
	cmd.Flags().StringVar(&a.secretFile, "wallet-password-file", "", "`file` that holds the password of the key (see bt wallet --help)")
	complete(cmd, "wallet-name", func() []string {
		names, _ := a.walletNames() // no completion where there is no list
		return names
	})
}

// walletPathFlag adds --wallet-path.
func (a *app) walletPathFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.walletPath, "wallet-path", "p", "", "`folder` that holds the wallets (default wallets in the folder of --home)")
}

// also lets a flag of one command be called as btcli calls it.
func also(cmd *cobra.Command, flag string, names ...string) {
	f := cmd.Flags().Lookup(flag)
	for _, name := range names {
		cmd.Flags().AddFlag(&pflag.Flag{Name: name, Usage: f.Usage, Value: f.Value, DefValue: f.DefValue, NoOptDefVal: f.NoOptDefVal, Hidden: true})
	}
}

// useHotkeyFlag adds --use-hotkey, for commands that use one key of a wallet.
func useHotkeyFlag(cmd *cobra.Command, use *bool, what string) {
	cmd.Flags().BoolVar(use, "use-hotkey", false, what+" the hotkey instead of the coldkey")
}

func (a *app) walletNames() ([]string, error) {
	s, err := a.store()
	if err != nil {
		return nil, err
	}
	entries, err := s.List()
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	return names, err
}

// store returns the folder of wallets.
func (a *app) store() (wallet.Store, error) {
	if a.walletPath != "" {
		dir, err := expand(a.walletPath)
		return wallet.Store{Dir: dir}, err
	}
	home, err := a.homeDir()
	return wallet.Store{Dir: walletsDir(home)}, err
}

// ignored takes flags that btcli has for every command, and that change nothing
// here: these commands ask for nothing but secrets, and have no more to say.
func ignored(cmd *cobra.Command) {
	cmd.Flags().BoolP("yes", "y", false, "")
	cmd.Flags().BoolP("log-verbose", "v", false, "")
	for _, name := range []string{"yes", "log-verbose"} {
		_ = cmd.Flags().MarkHidden(name) // it fails where there is no such flag
	}
}

// cryptoTypeFlag adds --crypto-type, or another flag for a kind of key.
func cryptoTypeFlag(cmd *cobra.Command, v *cryptoTypeValue, name, usage string) {
	cmd.Flags().Var(v, name, usage)
	complete(cmd, name, func() []string { return []string{"sr25519", "ed25519"} })
}

// cryptoTypeValue is a kind of key, as btcli names or numbers it.
type cryptoTypeValue struct {
	scheme keypair.Scheme
	set    bool
}

func (v *cryptoTypeValue) Type() string { return "TYPE" }

func (v *cryptoTypeValue) String() string {
	if !v.set {
		return ""
	}
	return v.scheme.String()
}

func (v *cryptoTypeValue) Set(s string) error {
	switch s {
	case "sr25519", "1":
		v.scheme = keypair.Sr25519
	case "ed25519", "0":
		v.scheme = keypair.Ed25519
	default:
		return errors.New("keys are of sr25519 (1) or ed25519 (0)")
	}
	v.set = true
	return nil
}

// parseAccount reads an address or a public key, whose 0x may be missing.
func parseAccount(s string) (ss58.AccountID, error) {
	if _, err := hex.DecodeString(s); err == nil && len(s) == 2*len(ss58.AccountID{}) {
		s = "0x" + s
	}
	return ss58.Parse(s)
}

// walletErrors are what the wallets' errors exit with 5 for, and what to do.
var walletErrors = []struct {
	err error
	try string
}{
	{wallet.ErrExists, "another name with --wallet-name or --wallet-hotkey; bt wallet new --only-hotkey adds a hotkey to a wallet"},
	{wallet.ErrNotFound, "list the wallets with: bt wallet list"},
	{wallet.ErrName, "a plain name without slashes"},
	{wallet.ErrWrongPassword, "type it again, or check " + passwordVariable},
	{wallet.ErrLocked, "write the missing file <keyfile>pub.txt: bt wallet export-pub --wallet-name <name> --output <file>, for a hotkey with --wallet-hotkey <name> --use-hotkey"},
	{wallet.ErrNoSecret, "put the keyfile with the secret in its place"},
	{wallet.ErrMismatch, "keep the file that belongs to this wallet and move the other away"},
	{wallet.ErrUnsupported, "bt wallet import, which asks for the key's mnemonic"},
	{wallet.ErrFormat, "restore the keyfile from a copy, or make the key again from its mnemonic"},
	{wallet.ErrPassword, "give a password, or leave the coldkey plain with --no-password"},
	{errNoSecret, "another file: this is none of those with secrets"},
	{keypair.ErrMnemonic, "check the words and their order"},
	{keypair.ErrURI, "a mnemonic, or 0x and a seed, then //hard, /soft and ///password"},
	{keypair.ErrSoft, "//name in the place of /name, or sr25519: leave --crypto-type out"},
	{keypair.ErrKey, "privateKey of a keyfile with --private-key, its secretSeed with --seed; --crypto-type ed25519 for keys of that kind"},
}

// walletError makes an error of the wallets exit with 5.
func walletError(err error) error {
	var (
		coded *codedError
		use   *usageError
	)
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, errReaderGone), errors.As(err, &coded), errors.As(err, &use):
		return err
	}
	for _, known := range walletErrors {
		if errors.Is(err, known.err) {
			return &codedError{err: err, code: exitWallet, try: known.try}
		}
	}
	var try string
	switch {
	case errors.Is(err, fs.ErrPermission):
		try = "check who may use it, or choose another folder with --wallet-path"
	case errors.Is(err, fs.ErrNotExist):
		try = "check the path: such a file or folder must be there"
	}
	return &codedError{err: err, code: exitWallet, try: try}
}

// warn says which files with secrets of a wallet others may use.
func (a *app) warn(w *wallet.Wallet) {
	for _, line := range w.Warnings() {
		a.message("warning: %s", clean(line))
	}
}

// openWallet opens a wallet, and warns of files that others may use.
func (a *app) openWallet(names walletFlags) (*wallet.Wallet, error) {
	s, err := a.store()
	if err != nil {
		return nil, err
	}
	w, err := s.Open(names.name, names.hotkey)
	if err == nil {
		a.warn(w)
	}
	return w, err
}

// keyName is what a key of a wallet is called in results.
func keyName(w *wallet.Wallet, hotkey bool) string {
	if hotkey {
		return "hotkey " + w.HotkeyName
	}
	return "coldkey"
}

// lines writes names and values, one pair a line.
func lines(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%-11s %s\n", pairs[i], clean(pairs[i+1]))
	}
	return b.String()
}
