package wallet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// Entry is a wallet of a list.
type Entry struct {
	Name    string
	Coldkey Key
	Hotkeys []Key // by name
	// Err is what is wrong with the wallet as a whole: it has no keys, or its
	// folder cannot be read.
	Err error
}

// Key is a key of a list.
type Key struct {
	Name    string          // "coldkey", or the hotkey's name
	Path    string          // of the secret
	Account *ss58.AccountID // nil where it cannot be known without a password
	Scheme  keypair.Scheme  // sr25519 where no file says
	Format  Format          // of the secret; None where there is only an account
	Warning string          // "" or that others can read the secret
	Err     error           // what is wrong with the files
}

// List returns the wallets by name. One that is broken does not hide the others:
// its Err, or that of a key, says what is wrong. A folder that does not exist has
// no wallets.
func (s Store) List() ([]Entry, error) {
	dirs, err := os.ReadDir(s.Dir) // by name
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the wallets: %w", err)
	}
	var entries []Entry
	for _, d := range dirs {
		path := filepath.Join(s.Dir, d.Name())
		// Stat, for links to folders.
		if info, err := os.Stat(path); err == nil && info.IsDir() && checkName(d.Name()) == nil {
			entries = append(entries, list(d.Name(), path))
		}
	}
	return entries, nil
}

func list(name, dir string) Entry {
	e := Entry{Name: name, Coldkey: key("coldkey", filepath.Join(dir, "coldkey"))}
	hotkeys := filepath.Join(dir, "hotkeys")
	files, err := os.ReadDir(hotkeys)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.Err = err
	}
	seen := make(map[string]bool)
	for _, f := range files {
		// A hotkey of which there is only the account is one too.
		hotkey := strings.TrimSuffix(f.Name(), pubSuffix)
		if !seen[hotkey] && checkName(hotkey) == nil && hotkey != "" {
			seen[hotkey] = true
			e.Hotkeys = append(e.Hotkeys, key(hotkey, filepath.Join(hotkeys, hotkey)))
		}
	}
	if e.Err == nil && len(e.Hotkeys) == 0 && errors.Is(e.Coldkey.Err, ErrNotFound) {
		e.Err = fmt.Errorf("%s: no keys: %w", dir, ErrNotFound)
	}
	return e
}

func key(name, path string) Key {
	k := Key{Name: name, Path: path, Warning: warning(path)}
	format, err := formatOf(path)
	k.Format = format
	id, scheme, accountErr := account(path)
	switch {
	case accountErr == nil:
		k.Account, k.Scheme = &id, scheme
	case !errors.Is(accountErr, ErrLocked) && err == nil:
		err = accountErr
	}
	k.Err = err
	return k
}
