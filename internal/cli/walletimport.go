package cli

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/wallet"
)

const walletImportLong = `Put an existing key into a wallet: as its coldkey, or with --use-hotkey as a hotkey.
Nothing is ever overwritten. The coldkey is encrypted as bt wallet new does it, a
hotkey with --use-password.

Without a flag that says what the key is made from, its secret is asked for at the
terminal, which does not show it, or read from stdin: a mnemonic of 12 to 24 words,
a seed or a private key in hexadecimal, or a secret URI such as
"words... //hard/soft///password". What stands on a command line can be read by
others while it runs, and is kept in the shell's history: the flags --mnemonic,
--seed, --private-key and --uri are for scripts.

--keyfile reads a keyfile of any format of the SDK and writes it as today's; where
it holds a mnemonic the new file holds its seed, so keep the words. --ss58 needs no
secret: such a wallet can be looked at, and cannot sign.`

// importOptions say what is imported. At most one of the sources is given.
type importOptions struct {
	walletFlags
	passwordFlags
	useHotkey                                bool
	cryptoType                               cryptoTypeValue
	mnemonic, seed, private, uri, file, ss58 string
	public                                   string // beside ss58, or instead of it
	filePassword                             string // of file
	words                                    []string
}

func (a *app) walletImport() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Put an existing key into a wallet",
		Long:  walletImportLong,
		Example: `  bt wallet import --wallet-name alice
  bt wallet import --wallet-name alice --use-hotkey --wallet-hotkey miner < mnemonic.txt
  bt wallet import --wallet-name watched --ss58 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY`,
		Args: cobra.ArbitraryArgs, // what they are may be a secret, which no error repeats
		RunE: func(cmd *cobra.Command, args []string) error {
			o.words = args
			if err := o.check(cmd.CommandPath()); err != nil {
				return err
			}
			return walletError(a.runWalletImport(cmd.Context(), o))
		},
	}
	a.walletFlags(cmd, &o.walletFlags)
	a.homeFlag(cmd)
	useHotkeyFlag(cmd, &o.useHotkey, "import")
	flags := cmd.Flags()
	flags.StringVar(&o.mnemonic, "mnemonic", "", "the key's `words`")
	flags.StringVar(&o.seed, "seed", "", "the key's seed: 32 bytes in `hexadecimal`")
	flags.StringVar(&o.private, "private-key", "", "the private key: 64 bytes in `hexadecimal`, as keyfiles have it")
	flags.StringVar(&o.uri, "uri", "", "the key's secret `URI`, such as //Alice")
	flags.StringVarP(&o.file, "keyfile", "j", "", "a keyfile: `path`")
	flags.StringVar(&o.filePassword, "json-password", "", "")
	_ = flags.MarkHidden("json-password") // it fails where there is no such flag
	flags.StringVar(&o.ss58, "ss58", "", "the `address` alone, without a secret")
	flags.StringVar(&o.public, "public-key", "", "the public key alone, in `hexadecimal`")
	also(cmd, "keyfile", "json-path")
	also(cmd, "ss58", "ss58-address", "addr")
	also(cmd, "public-key", "public-key-hex", "pubkey")
	cryptoTypeFlag(cmd, &o.cryptoType, "crypto-type", "kind of key: sr25519 or ed25519 (default sr25519)")
	o.addPasswordFlags(cmd)
	overwriteFlag(cmd)
	ignored(cmd)
	return cmd
}

// check refuses more than one source. Its errors repeat none.
func (o *importOptions) check(command string) error {
	var given []string
	for _, s := range []struct{ flag, value string }{
		{"--mnemonic", o.mnemonic}, {"--seed", o.seed}, {"--private-key", o.private}, {"--uri", o.uri}, {"--keyfile", o.file}, {"--ss58", o.ss58 + o.public},
	} {
		if s.value != "" {
			given = append(given, s.flag)
		}
	}
	switch {
	case len(given) > 1:
		return usage(command+" --help", "one key at a time: %s are given", strings.Join(given, " and "))
	case len(o.words) > 0 && o.mnemonic == "": // bittensor 7's words needed no quotes
		return usage(command+" --help", "%s takes no arguments; words stand after --mnemonic", command)
	}
	o.mnemonic = strings.Join(strings.Fields(o.mnemonic+" "+strings.Join(o.words, " ")), " ")
	return nil
}

// importResult is the document of bt wallet import --json.
type importResult = exportResult

func (a *app) runWalletImport(ctx context.Context, o importOptions) error {
	s, err := a.store()
	if err != nil {
		return err
	}
	w, err := s.Wallet(o.name, o.hotkey)
	if err != nil {
		return err
	}
	r := importResult{Wallet: w.Name, Key: keyName(w, o.useHotkey)}
	if o.ss58+o.public != "" {
		id, err := o.account()
		if err != nil {
			return err
		}
		if r.Path, err = o.createPub(s, id); err != nil {
			return err
		}
		return a.printImported(r, id, o.cryptoType.scheme)
	}
	if err := vacant(w, o.useHotkey); err != nil {
		return err
	}
	if o.mnemonic+o.seed+o.private+o.filePassword != "" {
		a.message("warning: others may have read the secret on the command line, and the shell's history keeps it: leave the flag out to be asked for it")
	}
	opts, err := a.secret(ctx, o)
	if err != nil {
		return err
	}
	scheme := opts.Key.Scheme()
	if o.encrypts(o.useHotkey) {
		if opts.Password, err = a.askNewPassword(ctx, w, o.useHotkey); err != nil {
			opts.Key.Wipe()
			return err
		}
	}
	made, err := a.making(ctx, opts.Password, func() (newKeys, error) { return o.create(s, opts) })
	key := cmp.Or(made.cold, made.hot)
	if key == nil {
		return err
	}
	r.Path = key.Path
	return errors.Join(err, a.printImported(r, key.Account, scheme))
}

// vacant returns an error where a wallet has a key already: nobody is asked for a
// secret in vain.
func vacant(w *wallet.Wallet, hotkey bool) error {
	account, what := w.Coldkey, "coldkey"
	if hotkey {
		account, what = w.Hotkey, fmt.Sprintf("hotkey %q", w.HotkeyName)
	}
	if _, err := account(); !errors.Is(err, wallet.ErrNotFound) {
		return fmt.Errorf("the %s of wallet %q %w", what, w.Name, wallet.ErrExists)
	}
	return nil
}

// create writes the key, and wipes the pair.
func (o *importOptions) create(s wallet.Store, opts wallet.CreateOptions) (made newKeys, err error) {
	defer opts.Key.Wipe()
	if o.useHotkey {
		made.hot, err = s.CreateHotkey(o.name, o.hotkey, opts)
		return made, err
	}
	opts.NoPassword = opts.Password == nil
	made.cold, err = s.CreateColdkey(o.name, opts)
	return made, err
}

// account returns the account that --ss58 and --public-key name.
func (o *importOptions) account() (ss58.AccountID, error) {
	const try = "an address that begins with 5, or 0x and the 64 digits of a public key"
	var named *ss58.AccountID
	for _, text := range []string{o.ss58, o.public} {
		if text == "" {
			continue
		}
		id, err := parseAccount(text)
		switch {
		case err != nil:
			return id, usage(try, "--ss58: this is no address and no public key") // and may be a secret
		case named != nil && *named != id:
			return id, usage(try, "--ss58 and --public-key are of different accounts: %s and %s", named, id)
		}
		named = &id
	}
	return *named, nil
}

func (o *importOptions) createPub(s wallet.Store, id ss58.AccountID) (string, error) {
	if o.useHotkey {
		return s.CreateHotkeyPub(o.name, o.hotkey, id, o.cryptoType.scheme)
	}
	return s.CreateColdkeyPub(o.name, id, o.cryptoType.scheme)
}

// secret returns the key to import, with its mnemonic where that is all of it.
func (a *app) secret(ctx context.Context, o importOptions) (wallet.CreateOptions, error) {
	scheme := o.cryptoType.scheme
	var (
		p   *keypair.Pair
		err error
	)
	switch {
	case o.file != "":
		p, err = a.openFile(ctx, o.file, o.filePassword)
	case o.mnemonic != "":
		p, err = keypair.FromMnemonic(scheme, o.mnemonic)
		return wallet.CreateOptions{Key: p, Mnemonic: o.mnemonic}, err
	case o.seed != "":
		p, err = fromHex("--seed", o.seed, keypair.SeedSize, scheme, keypair.FromSeed)
	case o.private != "":
		p, err = fromHex("--private-key", o.private, keypair.PrivateSize, scheme, keypair.FromPrivateKey)
	case o.uri != "":
		if uri, ok := developmentURI(o.uri); ok && !strings.Contains(o.uri, "/") {
			o.uri = uri
		}
		p, err = keypair.FromURI(scheme, o.uri)
	default:
		text, err := a.readSecret(ctx)
		if err != nil {
			return wallet.CreateOptions{}, err
		}
		if !strings.ContainsAny(text, "/0123456789") {
			p, err := keypair.FromMnemonic(scheme, text)
			return wallet.CreateOptions{Key: p, Mnemonic: text}, err
		}
		if b, err := hex.DecodeString(text); err == nil { // 0x may be missing
			clear(b)
			text = "0x" + text
		}
		p, err := keypair.FromURI(scheme, text)
		return wallet.CreateOptions{Key: p}, err
	}
	return wallet.CreateOptions{Key: p}, err
}

// fromHex makes a key of a flag's digits, which no error repeats.
func fromHex(flag, digits string, size int, scheme keypair.Scheme, from func(keypair.Scheme, []byte) (*keypair.Pair, error)) (*keypair.Pair, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(digits, "0x"))
	defer clear(b)
	if err != nil || len(b) != size {
		return nil, usage(fmt.Sprintf("0x and %d digits", 2*size), "%s is not %d bytes in hexadecimal", flag, size)
	}
	return from(scheme, b)
}

// maxSecret is far more than a keyfile or a secret URI has.
const maxSecret = 1 << 16

var errNoSecret = fmt.Errorf("this holds no secret: it has more than %d bytes", maxSecret)

// readSmall reads a file with a secret, which may be a pipe that says nothing yet.
func readSmall(ctx context.Context, path string) ([]byte, error) {
	path, err := expand(path)
	if err != nil {
		return nil, err
	}
	return abandon(ctx, func() ([]byte, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		data, err := readSecretOf(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return data, nil
	})
}

// readSecretOf reads all of it into one buffer, so that the caller can overwrite all
// that was read.
func readSecretOf(r io.Reader) ([]byte, error) {
	buf := make([]byte, maxSecret+1)
	n, err := io.ReadFull(r, buf)
	switch {
	case err == nil:
		clear(buf)
		return nil, errNoSecret
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return buf[:n], nil
	}
	clear(buf)
	return nil, err
}

// openFile opens a keyfile that is of no wallet.
func (a *app) openFile(ctx context.Context, path, password string) (*keypair.Pair, error) {
	from := passwordSource(anyKey)
	if password != "" {
		from = func(func(string) string) (string, string, error) { return password, "--json-password", nil }
	}
	data, err := readSmall(ctx, path)
	if err != nil {
		return nil, err
	}
	p, err := a.open(ctx, path, func(password wallet.Password) (*keypair.Pair, error) {
		return wallet.ParseKey(data, password)
	}, from)
	if ctx.Err() == nil { // else what is left behind may still read it
		clear(data)
	}
	var coded *codedError
	if err != nil && !errors.As(err, &coded) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return p, err
}

// readSecret asks for a secret at the terminal, or reads it from what stdin is
// otherwise.
func (a *app) readSecret(ctx context.Context) (string, error) {
	const prompt = "mnemonic, seed or secret URI"
	if fd, ok := a.typist(); ok {
		text, err := a.askPassword(ctx, fd, prompt)
		return secretText(text), err
	}
	text, err := abandon(ctx, func() ([]byte, error) { return readSecretOf(a.env.Stdin) })
	defer clear(text)
	if err != nil {
		return "", fmt.Errorf("reading stdin: %w", err)
	}
	secret := secretText(string(text))
	if secret == "" {
		return "", usage("bt wallet import --help", "a %s is needed: type it at a terminal, or pass it to stdin", prompt)
	}
	return secret, nil
}

// secretText puts one blank between the words of a mnemonic. What follows them in a
// secret URI, its password among it, stays as it is but for the end of the line.
func secretText(s string) string {
	words, path, found := strings.Cut(s, "/")
	words = strings.Join(strings.Fields(words), " ")
	if !found {
		return words
	}
	return words + "/" + strings.TrimRight(path, "\r\n")
}

func (a *app) printImported(r importResult, id ss58.AccountID, scheme keypair.Scheme) error {
	r.Address, r.PublicKey, r.CryptoType = id.String(), publicKey(id), scheme.String()
	if a.json {
		return a.printJSON(r)
	}
	return a.print("%s", lines("imported", r.Key+" of wallet "+r.Wallet, "address", r.Address, "kind", r.CryptoType, "file", r.Path))
}
