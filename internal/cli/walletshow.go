package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/internal/atomicfile"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
	"github.com/bittensor-go/bt/wallet"
)

const walletShowLong = `Show a wallet's coldkey and one of its hotkeys: address, public key, kind of key,
how the keyfile keeps the secret, and where it lies. No password is needed, and no
secret is shown.`

func (a *app) walletShow() *cobra.Command {
	var names walletFlags
	cmd := &cobra.Command{
		Use:     "show",
		Short:   "Show a wallet's keys, but for the secrets",
		Long:    walletShowLong,
		Example: "  bt wallet show --wallet-name alice --wallet-hotkey default",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return walletError(a.runWalletShow(names)) },
	}
	a.walletFlags(cmd, &names)
	a.homeFlag(cmd)
	ignored(cmd)
	return cmd
}

// walletShowResult is the document of bt wallet show --json.
type walletShowResult struct {
	Name    string     `json:"name"`
	Coldkey keyDetails `json:"coldkey"`
	Hotkey  keyDetails `json:"hotkey"`
}

type keyDetails struct {
	Name       string `json:"name"`
	Address    string `json:"address,omitempty"`     // absent where it cannot be known without a password
	PublicKey  string `json:"public_key,omitempty"`  // the same
	CryptoType string `json:"crypto_type,omitempty"` // the same
	Format     string `json:"format"`
	Encrypted  bool   `json:"encrypted"`
	Path       string `json:"path"`
	Warning    string `json:"warning,omitempty"`
	Error      string `json:"error,omitempty"`
}

func (a *app) runWalletShow(names walletFlags) error {
	s, err := a.store()
	if err != nil {
		return err
	}
	cold, hot, err := findKeys(s, names)
	if err != nil {
		return err
	}
	r := walletShowResult{Name: names.name, Coldkey: newKeyDetails(cold), Hotkey: newKeyDetails(hot)}
	if a.json {
		return a.printJSON(r)
	}
	if err := a.print("%s", lines("wallet", r.Name)); err != nil {
		return err
	}
	for _, k := range []struct {
		title string
		keyDetails
	}{{"coldkey", r.Coldkey}, {"hotkey " + r.Hotkey.Name, r.Hotkey}} {
		if err := a.print("\n%s\n%s", clean(k.title), k.text()); err != nil {
			return err
		}
	}
	return nil
}

// findKeys returns a wallet's coldkey and hotkey as a list of wallets has them.
func findKeys(s wallet.Store, names walletFlags) (cold, hot wallet.Key, err error) {
	w, err := s.Open(names.name, names.hotkey)
	if err != nil {
		return cold, hot, err
	}
	entries, err := s.List()
	if err != nil {
		return cold, hot, err
	}
	i := slices.IndexFunc(entries, func(e wallet.Entry) bool { return e.Name == w.Name })
	if i < 0 {
		return cold, hot, fmt.Errorf("wallet %q in %s: %w", w.Name, s.Dir, wallet.ErrNotFound)
	}
	hot = wallet.Key{Name: w.HotkeyName, Err: fmt.Errorf("hotkey %q: %w", w.HotkeyName, wallet.ErrNotFound)}
	for _, k := range entries[i].Hotkeys {
		if k.Name == w.HotkeyName {
			hot = k
		}
	}
	return entries[i].Coldkey, hot, nil
}

func newKeyDetails(k wallet.Key) keyDetails {
	d := keyDetails{
		Name: k.Name, Address: address(k.Account), Format: k.Format.String(), Path: k.Path, Warning: k.Warning, Error: errorText(k.Err),
		Encrypted: slices.Contains([]wallet.Format{wallet.NaCl, wallet.AnsibleVault, wallet.Fernet}, k.Format),
	}
	if k.Account != nil {
		d.PublicKey, d.CryptoType = publicKey(*k.Account), k.Scheme.String()
	}
	return d
}

func publicKey(id ss58.AccountID) string { return fmt.Sprintf("0x%x", id[:]) }

// text is what people see of a key.
func (d keyDetails) text() string {
	var pairs []string
	for _, p := range [][2]string{
		{"address", d.Address},
		{"public key", d.PublicKey},
		{"kind", d.CryptoType},
		{"secret", d.Format},
		{"file", d.Path},
		{"warning", d.Warning},
		{"problem", d.Error},
	} {
		if p[1] != "" {
			pairs = append(pairs, p[:]...)
		}
	}
	return lines(pairs...)
}

const walletExportLong = `Write what a machine without the secret needs to know of a key: its account, as the
SDK keeps it in coldkeypub.txt and in the pub.txt of a hotkey. The file goes to
stdout, or to a new file with --output.

Where the wallet has an encrypted keyfile alone, the password is asked for; then
--output can also write the wallet's own file that is missing:

  bt wallet export-pub --wallet-name alice --output ~/.bittensor/wallets/alice/coldkeypub.txt

bt wallet import --ss58 makes a wallet of an account on the other machine.`

func (a *app) walletExportPub() *cobra.Command {
	var (
		names  walletFlags
		hotkey bool
		output string
	)
	cmd := &cobra.Command{
		Use:     "export-pub",
		Short:   "Write a key's account without its secret",
		Long:    walletExportLong,
		Example: "  bt wallet export-pub --wallet-name alice --output coldkeypub.txt",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return walletError(a.runWalletExportPub(cmd.Context(), names, hotkey, output))
		},
	}
	a.walletFlags(cmd, &names)
	a.homeFlag(cmd)
	useHotkeyFlag(cmd, &hotkey, "export")
	cmd.Flags().StringVarP(&output, "output", "o", "", "new `file` to write, instead of stdout")
	ignored(cmd)
	return cmd
}

// exportResult is the document of bt wallet export-pub --json.
type exportResult struct {
	Wallet     string `json:"wallet"`
	Key        string `json:"key"` // "coldkey", or "hotkey" and its name
	Address    string `json:"address"`
	PublicKey  string `json:"public_key"`
	CryptoType string `json:"crypto_type"`
	Path       string `json:"path,omitempty"` // that was written
}

func (a *app) runWalletExportPub(ctx context.Context, names walletFlags, hotkey bool, output string) error {
	w, err := a.openWallet(names)
	if err != nil {
		return err
	}
	id, scheme, err := a.publicPart(ctx, w, hotkey)
	if err != nil {
		return err
	}
	file := wallet.PublicFile(id, scheme)
	r := exportResult{Wallet: w.Name, Key: keyName(w, hotkey), Address: id.String(), PublicKey: publicKey(id), CryptoType: scheme.String(), Path: output}
	if output != "" {
		switch err := atomicfile.Create(output, file, 0o644); {
		case errors.Is(err, fs.ErrExist):
			return &codedError{err: fmt.Errorf("%s %w", output, wallet.ErrExists), code: exitWallet, try: "another file with --output"}
		case err != nil:
			return err
		}
	}
	switch {
	case a.json:
		return a.printJSON(r)
	case output != "":
		return a.print("%s", lines(r.Key, r.Address, "file", output))
	}
	return a.print("%s\n", file)
}

// publicPart returns the account of a key and its kind. The key is unlocked where
// only an encrypted keyfile knows them.
func (a *app) publicPart(ctx context.Context, w *wallet.Wallet, hotkey bool) (ss58.AccountID, keypair.Scheme, error) {
	s, err := a.store()
	if err != nil {
		return ss58.AccountID{}, 0, err
	}
	k, hot, err := findKeys(s, walletFlags{name: w.Name, hotkey: w.HotkeyName})
	which := subtensor.ColdkeySigns
	if hotkey {
		k, which = hot, subtensor.HotkeySigns
	}
	switch {
	case err != nil:
		return ss58.AccountID{}, 0, err
	case k.Account != nil:
		return *k.Account, k.Scheme, nil
	case k.Err != nil:
		return ss58.AccountID{}, 0, k.Err
	}
	p, err := a.unlock(ctx, w, which)
	if err != nil {
		return ss58.AccountID{}, 0, err
	}
	defer p.Wipe()
	return p.Account(), p.Scheme(), nil
}
