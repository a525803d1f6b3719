package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/wallet"
)

func (a *app) walletList() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the wallets",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("wallet-name") {
				name = "" // what the environment says is for commands that work with one
			}
			return walletError(a.runWalletList(name))
		},
	}
	a.homeFlag(cmd)
	a.walletPathFlag(cmd)
	cmd.Flags().StringVarP(&name, "wallet-name", "w", "", "list this `wallet` alone")
	ignored(cmd)
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

	CryptoType string `json:"crypto_type,omitempty"` // absent as the address is
}

func (a *app) runWalletList(name string) error {
	s, err := a.store()
	if err != nil {
		return err
	}
	entries, err := s.List()
	if err != nil {
		return err
	}
	if name != "" {
		if entries = slices.DeleteFunc(entries, func(e wallet.Entry) bool { return e.Name != name }); len(entries) == 0 {
			return fmt.Errorf("wallet %q in %s: %w", name, s.Dir, wallet.ErrNotFound)
		}
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
	r := keyResult{
		Name: k.Name, Address: address(k.Account), Format: k.Format.String(), Path: k.Path,
		Warning: k.Warning, Error: errorText(k.Err),
	}
	if k.Account != nil {
		r.CryptoType = k.Scheme.String()
	}
	return r
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
