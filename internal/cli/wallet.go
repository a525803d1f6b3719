package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/wallet"
)

const walletNewLong = `Make a wallet: a coldkey that owns and a hotkey that works, in the layout of the
Python SDK. Nothing is ever overwritten.

The coldkey is encrypted with a password, which is asked for at the terminal or
taken from BT_WALLET_PASSWORD; --no-password leaves it plain. The hotkey is plain.

Each key can be made again from its mnemonic. The mnemonics are shown once, at a
terminal only: nothing lands in a log or a pipe by accident. --show-mnemonic
writes them anyway, and is what puts them into the document of --json.`

func (a *app) wallet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "wallet",
		Short: "Make and list wallets",
		Args:  cobra.ArbitraryArgs,
		RunE:  group,
	}
	cmd.AddCommand(a.walletNew(), a.walletList())
	return cmd
}

// walletFlags name a wallet.
type walletFlags struct{ name, hotkey string }

func (a *app) walletFlags(cmd *cobra.Command, f *walletFlags) {
	cmd.Flags().StringVar(&f.name, "wallet-name", wallet.DefaultName, "the wallet's name")
	cmd.Flags().StringVar(&f.hotkey, "wallet-hotkey", wallet.DefaultName, "the hotkey's name")
	// btcli's name of it. It is no alias for all commands: elsewhere --hotkey is an
	// address.
	cmd.Flags().StringVar(&f.hotkey, "hotkey", wallet.DefaultName, "")
	_ = cmd.Flags().MarkHidden("hotkey") // it fails where there is no such flag
	complete(cmd, "wallet-name", func() []string {
		names, _ := a.walletNames() // no completion where there is no list
		return names
	})
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

func (a *app) store() (wallet.Store, error) {
	home, err := a.homeDir()
	return wallet.Store{Dir: walletsDir(home)}, err
}

// walletErrors are what the wallets' errors exit with 5 for, and what to do.
var walletErrors = []struct {
	err error
	try string
}{
	{wallet.ErrExists, "another name with --wallet-name or --wallet-hotkey; --only-hotkey adds a hotkey to a wallet"},
	{wallet.ErrNotFound, "list the wallets with: bt wallet list"},
	{wallet.ErrName, "a plain name without slashes"},
	{wallet.ErrWrongPassword, "type it again, or check " + passwordVariable},
	{wallet.ErrLocked, "set " + passwordVariable},
	{wallet.ErrNoSecret, "put the keyfile with the secret in its place"},
	{wallet.ErrMismatch, "keep the file that belongs to this wallet and move the other away"},
	{wallet.ErrUnsupported, ""},
	{wallet.ErrFormat, "restore the keyfile from a copy, or make the key again from its mnemonic"},
	{wallet.ErrPassword, "give a password, or leave the coldkey plain with --no-password"},
}

// walletError makes an error of the wallets exit with 5.
func walletError(err error) error {
	var coded *codedError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.As(err, &coded):
		return err
	}
	for _, known := range walletErrors {
		if errors.Is(err, known.err) {
			return &codedError{err: err, code: exitWallet, try: known.try}
		}
	}
	var try string
	if errors.Is(err, fs.ErrPermission) {
		try = "check who may use the folder, or choose another with --home"
	}
	return &codedError{err: err, code: exitWallet, try: try}
}

type newWalletOptions struct {
	walletFlags
	words                               int
	noPassword, onlyHotkey, showPhrases bool
}

func (a *app) walletNew() *cobra.Command {
	var o newWalletOptions
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make a wallet",
		Long:  walletNewLong,
		Example: `  bt wallet new --wallet-name alice
  bt wallet new --wallet-name alice --wallet-hotkey second --only-hotkey`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.words%3 != 0 || o.words < 12 || o.words > 24 {
				return usage(cmd.CommandPath()+" --words 12", "--words %d: mnemonics have 12, 15, 18, 21 or 24", o.words)
			}
			return walletError(a.runWalletNew(cmd.Context(), o))
		},
	}
	a.walletFlags(cmd, &o.walletFlags)
	a.homeFlag(cmd)
	cmd.Flags().IntVar(&o.words, "words", 12, "words of a mnemonic: 12, 15, 18, 21 or 24")
	cmd.Flags().BoolVar(&o.noPassword, "no-password", false, "leave the coldkey plain: who can read the file owns what it owns")
	cmd.Flags().BoolVar(&o.onlyHotkey, "only-hotkey", false, "add a hotkey to a wallet")
	cmd.Flags().BoolVar(&o.showPhrases, "show-mnemonic", false, "write the mnemonics to stdout even where it is no terminal, or with --json")
	return cmd
}

// newWalletResult is the document of bt wallet new --json.
type newWalletResult struct {
	Name    string        `json:"name"`
	Coldkey *newKeyResult `json:"coldkey,omitempty"`
	Hotkey  *newKeyResult `json:"hotkey,omitempty"`
}

type newKeyResult struct {
	Name     string `json:"name"`
	Address  string `json:"address"`
	Path     string `json:"path"`
	Mnemonic string `json:"mnemonic,omitempty"`
}

func (a *app) runWalletNew(ctx context.Context, o newWalletOptions) error {
	s, err := a.store()
	if err != nil {
		return err
	}
	opts := wallet.CreateOptions{Words: o.words, NoPassword: o.noPassword || o.onlyHotkey}
	var cold, hot *wallet.NewKey
	if o.onlyHotkey {
		hot, err = s.CreateHotkey(o.name, o.hotkey, opts)
	} else {
		cold, hot, err = a.createWallet(ctx, s, o, opts)
	}
	// What was made is told also where the rest failed: its mnemonic may be the only
	// way to it.
	show := o.showPhrases || a.out.is && !a.json
	r := newWalletResult{Name: o.name, Coldkey: newKey("coldkey", cold, show), Hotkey: newKey(o.hotkey, hot, show)}
	if r.Coldkey == nil && r.Hotkey == nil {
		return err
	}
	if a.json {
		if err != nil {
			a.message("made %s before it failed", r.Coldkey.Path)
			return err
		}
		return a.printJSON(r)
	}
	return errors.Join(err, a.printNewWallet(r, show))
}

func (a *app) createWallet(ctx context.Context, s wallet.Store, o newWalletOptions, opts wallet.CreateOptions) (cold, hot *wallet.NewKey, err error) {
	if o.noPassword {
		return s.Create(o.name, o.hotkey, opts)
	}
	// Whether it can be made at all is known before anyone is asked for a password,
	// and the password before the seconds that encrypting takes.
	if w, err := s.Open(o.name, o.hotkey); err == nil {
		if _, err := w.Coldkey(); !errors.Is(err, wallet.ErrNotFound) {
			return nil, nil, fmt.Errorf("the coldkey of wallet %q %w", o.name, wallet.ErrExists)
		}
	} else if !errors.Is(err, wallet.ErrNotFound) {
		return nil, nil, err
	}
	password, err := a.newPassword(ctx, "the coldkey")
	if err != nil {
		return nil, nil, err
	}
	opts.Password = func() (string, error) { return password, nil }
	type keys struct{ cold, hot *wallet.NewKey }
	defer a.watch("encrypting the coldkey")()
	made, err := abandon(ctx, func() (k keys, err error) {
		k.cold, k.hot, err = s.Create(o.name, o.hotkey, opts)
		return k, err
	})
	return made.cold, made.hot, err
}

func newKey(name string, k *wallet.NewKey, show bool) *newKeyResult {
	if k == nil {
		return nil
	}
	r := &newKeyResult{Name: name, Address: k.Account.String(), Path: k.Path}
	if show {
		r.Mnemonic = k.Mnemonic()
	}
	return r
}

func (a *app) printNewWallet(r newWalletResult, show bool) error {
	var err error
	for _, k := range []struct {
		kind string
		key  *newKeyResult
	}{{"coldkey", r.Coldkey}, {"hotkey", r.Hotkey}} {
		if k.key == nil {
			continue
		}
		err = errors.Join(err, a.print("%-9s %s\n          %s\n", k.kind, k.key.Address, k.key.Path))
		if show {
			err = errors.Join(err, a.print("mnemonic  %s\n", k.key.Mnemonic))
		}
	}
	switch {
	case show:
		a.message("Write the mnemonics down and keep them off this machine: they are the keys, and are not shown again.")
	default:
		a.message("The mnemonics are not shown, for stdout is no terminal: --show-mnemonic writes them anyway. The keyfiles hold them.")
	}
	return err
}

func (a *app) walletList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the wallets",
		Args:  noArgs,
		RunE:  func(*cobra.Command, []string) error { return walletError(a.runWalletList()) },
	}
	a.homeFlag(cmd)
	return cmd
}

// walletsResult is the document of bt wallet list --json.
type walletsResult struct {
	Folder  string         `json:"folder"`
	Wallets []walletResult `json:"wallets"`
}

type walletResult struct {
	Name    string      `json:"name"`
	Coldkey keyResult   `json:"coldkey"`
	Hotkeys []keyResult `json:"hotkeys"`
	Error   string      `json:"error,omitempty"`
}

type keyResult struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"` // absent where it cannot be known without a password
	Format  string `json:"format"`
	Path    string `json:"path"`
	Warning string `json:"warning,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (a *app) runWalletList() error {
	s, err := a.store()
	if err != nil {
		return err
	}
	entries, err := s.List()
	if err != nil {
		return err
	}
	r := walletsResult{Folder: s.Dir, Wallets: make([]walletResult, len(entries))}
	for i, e := range entries {
		w := walletResult{Name: e.Name, Coldkey: newKeyEntry(e.Coldkey), Hotkeys: []keyResult{}, Error: errorText(e.Err)}
		for _, k := range e.Hotkeys {
			w.Hotkeys = append(w.Hotkeys, newKeyEntry(k))
		}
		r.Wallets[i] = w
	}
	if a.json {
		return a.printJSON(r)
	}
	if len(r.Wallets) == 0 {
		a.message("no wallets in %s: make one with %s wallet new", clean(s.Dir), a.program)
		return nil
	}
	return a.printWallets(r)
}

func newKeyEntry(k wallet.Key) keyResult {
	return keyResult{
		Name: k.Name, Address: address(k.Account), Format: k.Format.String(), Path: k.Path,
		Warning: k.Warning, Error: errorText(k.Err),
	}
}

func address(id *ss58.AccountID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (a *app) printWallets(r walletsResult) error {
	if err := a.print("wallets in %s\n\n", clean(r.Folder)); err != nil {
		return err
	}
	t := a.newTable("<wallet", "<key", "<address", "<secret", "<note")
	for _, w := range r.Wallets {
		name := clean(w.Name)
		for i, k := range append([]keyResult{w.Coldkey}, w.Hotkeys...) {
			key := "coldkey"
			if i > 0 {
				key = "hotkey " + clean(k.Name)
			}
			address := k.Address
			if address == "" {
				address = "-"
			}
			t.AppendRow([]any{name, key, address, k.Format, clean(strings.TrimSpace(k.Error + " " + k.Warning))})
			name = ""
		}
		if w.Error != "" {
			t.AppendRow([]any{name, "", "", "", clean(w.Error)})
		}
	}
	return a.printTable(t)
}
