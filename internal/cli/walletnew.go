package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/wallet"
)

const walletNewLong = `Make a wallet: a coldkey that owns and a hotkey that works, in the layout of the
Python SDK. Nothing is ever overwritten.

The coldkey is encrypted with a password, which the environment holds (see
bt wallet --help) or which is asked for at the terminal; --no-password leaves it
plain. The hotkey is plain, unless it is made alone (--only-hotkey) and with
--use-password.

Each key can be made again from its mnemonic. The mnemonics are shown once, at a
terminal only: nothing lands in a log or a pipe by accident. --show-mnemonic
writes them anyway. The document of --json never holds them.

--uri makes the keys of a development chain, such as Alice's. Everybody has those.`

type newWalletOptions struct {
	walletFlags
	passwordFlags
	words                                int
	cryptoType, hotkeyCryptoType         cryptoTypeValue
	onlyColdkey, onlyHotkey, showPhrases bool
	uri                                  string
}

func (a *app) walletNew() *cobra.Command {
	var o newWalletOptions
	cmd := &cobra.Command{
		Use:     "new",
		Aliases: []string{"create"},
		Short:   "Make a wallet",
		Long:    walletNewLong,
		Example: `  bt wallet new --wallet-name alice
  bt wallet new --wallet-name alice --wallet-hotkey second --only-hotkey`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.words%3 != 0 || o.words < 12 || o.words > 24:
				return usage(cmd.CommandPath()+" --words 12", "--words %d: mnemonics have 12, 15, 18, 21 or 24", o.words)
			case o.showPhrases && a.json:
				return usage("leave --json out to see the mnemonics", "--show-mnemonic: the document of --json never holds a secret")
			case o.onlyColdkey && o.onlyHotkey:
				return usage(cmd.CommandPath()+" makes both", "--only-coldkey and --only-hotkey: which of the two?")
			}
			if o.uri != "" {
				var ok bool
				if o.uri, ok = developmentURI(o.uri); !ok {
					return usage("bt wallet import --help", "--uri: only the name of a development key, such as Alice")
				}
			}
			return walletError(a.runWalletNew(cmd.Context(), o))
		},
	}
	a.walletFlags(cmd, &o.walletFlags)
	a.homeFlag(cmd)
	flags := cmd.Flags()
	flags.IntVar(&o.words, "words", 12, "words of a mnemonic: 12, 15, 18, 21 or 24")
	cryptoTypeFlag(cmd, &o.cryptoType, "crypto-type", "kind of the coldkey, or of the hotkey with --only-hotkey: sr25519 or ed25519 (default sr25519)")
	cryptoTypeFlag(cmd, &o.hotkeyCryptoType, "hotkey-crypto-type", "kind of the hotkey (default sr25519)")
	o.addPasswordFlags(cmd)
	overwriteFlag(cmd)
	flags.BoolVar(&o.onlyColdkey, "only-coldkey", false, "make the coldkey alone")
	flags.BoolVar(&o.onlyHotkey, "only-hotkey", false, "make the hotkey alone: another one of a wallet")
	flags.BoolVar(&o.showPhrases, "show-mnemonic", false, "write the mnemonics to stdout even where it is no terminal")
	flags.StringVar(&o.uri, "uri", "", "`NAME` of the development key to make both of, without a password")
	ignored(cmd)
	return cmd
}

// developmentURI returns the secret URI of a development key, whose name btcli takes
// with or without slashes and in any case.
func developmentURI(name string) (uri string, ok bool) {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "/"), "/")
	// Anything longer, or with a digit, may be a secret in the wrong place.
	if len(name) == 0 || len(name) > 16 || strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) {
		return "", false
	}
	return "//" + strings.ToUpper(name[:1]) + strings.ToLower(name[1:]), true
}

// passwordFlags say whether a key is encrypted.
type passwordFlags struct {
	plain  bool // leave a coldkey plain
	wanted bool // encrypt a hotkey
}

// addPasswordFlags adds --no-password and btcli's --use-password, which holds for
// coldkeys anyway.
func (f *passwordFlags) addPasswordFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.plain, "no-password", false, "leave the coldkey plain: who can read the file owns what it owns")
	cmd.Flags().BoolVar(&f.wanted, "use-password", false, "encrypt a hotkey as well, if it alone is made")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if f.wanted && f.plain {
			return usage(cmd.CommandPath()+" --help", "--use-password or --no-password: which of the two?")
		}
		f.plain = f.plain || cmd.Flags().Changed("use-password") && !f.wanted
		return nil
	}
}

// encrypts reports whether a key that is made alone is encrypted.
func (f passwordFlags) encrypts(hotkey bool) bool {
	return f.wanted || !hotkey && !f.plain
}

// overwriteFlag takes btcli's --overwrite only to refuse it.
func overwriteFlag(cmd *cobra.Command) {
	cmd.Flags().BoolFunc("overwrite", "", func(s string) error {
		if s == "false" {
			return nil
		}
		return errors.New("keyfiles are never overwritten: move them away first")
	})
	_ = cmd.Flags().MarkHidden("overwrite") // it fails where there is no such flag
	also(cmd, "overwrite", "overwrite_coldkey", "overwrite_hotkey", "overwrite_coldkeypub")
	cmd.Flags().Bool("no-overwrite", true, "")
	_ = cmd.Flags().MarkHidden("no-overwrite")
}

// newWalletResult is the document of bt wallet new --json.
type newWalletResult struct {
	Name    string        `json:"name"`
	Coldkey *newKeyResult `json:"coldkey,omitempty"`
	Hotkey  *newKeyResult `json:"hotkey,omitempty"`
}

type newKeyResult struct {
	Name       string `json:"name"`
	Address    string `json:"address"`
	CryptoType string `json:"crypto_type"`
	Path       string `json:"path"`

	mnemonic string // never in the document
}

func (a *app) runWalletNew(ctx context.Context, o newWalletOptions) error {
	s, err := a.store()
	if err != nil {
		return err
	}
	made, err := a.createWallet(ctx, s, o)
	// What was made is told also where the rest failed: its mnemonic may be the only
	// way to it.
	r := newWalletResult{Name: o.name, Coldkey: newKey("coldkey", made.cold, o.coldkeyScheme()), Hotkey: newKey(o.hotkey, made.hot, o.hotkeyScheme())}
	var keys []*newKeyResult
	for _, k := range []*newKeyResult{r.Coldkey, r.Hotkey} {
		if k != nil {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return err
	}
	show := !a.json && (o.showPhrases || a.out.is)
	for _, k := range keys {
		switch {
		case !a.json:
			kind := "hotkey"
			if k == r.Coldkey {
				kind = "coldkey"
			}
			err = errors.Join(err, a.printNewKey(kind, k, show))
		case err != nil: // whose document the rest is not part of
			a.message("made %s before it failed", clean(k.Path))
		}
	}
	if a.json && err == nil {
		err = a.printJSON(r)
	}
	switch {
	case o.uri != "":
		a.message("These are keys of a development chain, which everybody has: never send them anything of value.")
	case show:
		a.message("Write the mnemonics down and keep them off this machine: they are the keys, and are not shown again.")
	case a.json:
		a.message("The document does not hold the mnemonics, which are not shown again: the keyfiles do.")
	default:
		a.message("The mnemonics are not shown, for stdout is no terminal: --show-mnemonic writes them anyway. The keyfiles hold them.")
	}
	return err
}

func (o *newWalletOptions) coldkeyScheme() keypair.Scheme { return o.cryptoType.scheme }

func (o *newWalletOptions) hotkeyScheme() keypair.Scheme {
	if o.onlyHotkey && !o.hotkeyCryptoType.set {
		return o.cryptoType.scheme
	}
	return o.hotkeyCryptoType.scheme
}

// newKeys are the keys that were made.
type newKeys struct{ cold, hot *wallet.NewKey }

// createWallet makes the keys. Whether they can be made at all is known before
// anyone is asked for a password, and the password before the seconds that
// encrypting takes.
func (a *app) createWallet(ctx context.Context, s wallet.Store, o newWalletOptions) (newKeys, error) {
	w, err := s.Wallet(o.name, o.hotkey)
	if err == nil && !o.onlyHotkey {
		err = vacant(w, false)
	}
	if err == nil && !o.onlyColdkey {
		err = vacant(w, true)
	}
	if err != nil {
		return newKeys{}, err
	}
	var password wallet.Password
	if o.uri == "" && o.encrypts(o.onlyHotkey) {
		if password, err = a.askNewPassword(ctx, w, o.onlyHotkey); err != nil {
			return newKeys{}, err
		}
	}
	return a.making(ctx, password, func() (made newKeys, err error) {
		if !o.onlyHotkey {
			opts := wallet.CreateOptions{Words: o.words, Scheme: o.coldkeyScheme(), Password: password, NoPassword: password == nil}
			made.cold, err = create(o.uri, opts, func(opts wallet.CreateOptions) (*wallet.NewKey, error) { return s.CreateColdkey(o.name, opts) })
		}
		if err == nil && !o.onlyColdkey {
			opts := wallet.CreateOptions{Words: o.words, Scheme: o.hotkeyScheme()}
			if o.onlyHotkey {
				opts.Password = password
			}
			made.hot, err = create(o.uri, opts, func(opts wallet.CreateOptions) (*wallet.NewKey, error) { return s.CreateHotkey(o.name, o.hotkey, opts) })
		}
		return made, err
	})
}

// making makes keys. With a password that takes seconds, in which it can be
// interrupted.
func (a *app) making(ctx context.Context, password wallet.Password, do func() (newKeys, error)) (newKeys, error) {
	if password == nil {
		return do()
	}
	defer a.watch("encrypting the key")()
	return abandon(ctx, do)
}

// create makes a new key, or that of a secret URI.
func create(uri string, opts wallet.CreateOptions, create func(wallet.CreateOptions) (*wallet.NewKey, error)) (*wallet.NewKey, error) {
	if uri == "" {
		return create(opts)
	}
	var err error
	if opts.Key, err = keypair.FromURI(opts.Scheme, uri); err != nil {
		return nil, err
	}
	defer opts.Key.Wipe()
	return create(opts)
}

// askNewPassword returns the password for a key that is to be made, of the
// environment or as typed.
func (a *app) askNewPassword(ctx context.Context, w *wallet.Wallet, hotkey bool) (wallet.Password, error) {
	what, from := "the coldkey", w.ColdkeyPassword
	if hotkey {
		what, from = fmt.Sprintf("hotkey %q", w.HotkeyName), w.HotkeyPassword
	}
	password, err := a.newPassword(ctx, what, from)
	return func() (string, error) { return password, nil }, err
}

func newKey(name string, k *wallet.NewKey, scheme keypair.Scheme) *newKeyResult {
	if k == nil {
		return nil
	}
	return &newKeyResult{Name: name, Address: k.Account.String(), CryptoType: scheme.String(), Path: k.Path, mnemonic: k.Mnemonic()}
}

// printNewKey writes a key that was made.
func (a *app) printNewKey(kind string, k *newKeyResult, show bool) error {
	err := a.print("%-9s %s\n          %s\n", kind, k.Address, clean(k.Path))
	if show && k.mnemonic != "" {
		err = errors.Join(err, a.print("mnemonic  %s\n", k.mnemonic))
	}
	return err
}
