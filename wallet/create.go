package wallet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bittensor-go/bt/internal/atomicfile"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
)

const (
	fileMode   fs.FileMode = 0o600
	folderMode fs.FileMode = 0o700
)

// CreateOptions say how keys are made.
type CreateOptions struct {
	// Words is the length of a new mnemonic: 12 (also for 0), 15, 18, 21 or 24.
	Words int
	// Mnemonic is an existing one to make the key of, "" for a new one.
	Mnemonic string
	// Password is asked for the password that encrypts the key. nil leaves a
	// hotkey plain; for a coldkey NoPassword has to say so too.
	Password Password
	// NoPassword leaves a coldkey plain. Password is not asked then.
	NoPassword bool
}

// NewKey is a key that was made.
type NewKey struct {
	Account ss58.AccountID
	Path    string // of the secret
	// hidden keeps the mnemonic from whoever prints the struct.
	hidden func() string
}

// Mnemonic returns the words that the key can be made from again. They are to be
// shown once, to be written down.
func (k *NewKey) Mnemonic() string { return k.hidden() }

// ErrPassword reports a coldkey that would be left without a password by
// accident.
var ErrPassword = errors.New("a coldkey is encrypted with a password unless NoPassword is set")

// Create makes a wallet with a new coldkey and a new hotkey, "" for the default
// names. Password and Mnemonic of the options are the coldkey's; the hotkey is
// plain, as the SDK makes it, and has a mnemonic of its own. The error wraps
// ErrExists where there are files of either key: then nothing is made. What was
// made is returned also where err is not nil: its mnemonic may be the only way to
// it.
func (s Store) Create(name, hotkey string, opts CreateOptions) (cold, hot *NewKey, err error) {
	w, err := s.wallet(name, hotkey)
	if err != nil {
		return nil, nil, err
	}
	if err := free(w.hotkey()); err != nil {
		return nil, nil, err
	}
	if cold, err = s.CreateColdkey(name, opts); err != nil {
		return cold, nil, err
	}
	hot, err = s.CreateHotkey(name, hotkey, CreateOptions{Words: opts.Words})
	return cold, hot, err
}

// CreateColdkey makes the coldkey of a wallet. The errors wrap ErrName,
// ErrExists, ErrPassword or keypair.ErrMnemonic. The key is returned also where
// the file of its account could not be written.
func (s Store) CreateColdkey(name string, opts CreateOptions) (*NewKey, error) {
	w, err := s.wallet(name, "")
	if err != nil {
		return nil, err
	}
	if opts.NoPassword {
		opts.Password = nil
	} else if opts.Password == nil {
		return nil, ErrPassword
	}
	return create(w.coldkey(), opts)
}

// CreateHotkey makes a hotkey of a wallet, whose coldkey need not exist. It is
// encrypted where the options have a Password. Errors are those of CreateColdkey.
func (s Store) CreateHotkey(name, hotkey string, opts CreateOptions) (*NewKey, error) {
	w, err := s.wallet(name, hotkey)
	if err != nil {
		return nil, err
	}
	if opts.NoPassword {
		opts.Password = nil
	}
	return create(w.hotkey(), opts)
}

// free returns an error where a key has a file.
func free(path string) error {
	for _, p := range []string{path, pub(path)} {
		if _, err := os.Lstat(p); err == nil {
			return fmt.Errorf("%s %w", p, ErrExists)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func create(path string, opts CreateOptions) (*NewKey, error) {
	if err := free(path); err != nil {
		return nil, err
	}
	mnemonic := opts.Mnemonic
	if mnemonic == "" {
		words := opts.Words
		if words == 0 {
			words = 12
		}
		var err error
		if mnemonic, err = keypair.NewMnemonic(words); err != nil {
			return nil, err
		}
	}
	p, err := keypair.FromMnemonic(keypair.Sr25519, mnemonic)
	if err != nil {
		return nil, err
	}
	defer p.Wipe()
	data, err := secretFile(p, mnemonic)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	content := data
	if opts.Password != nil {
		if content, err = encrypt(data, notEmpty(opts.Password)); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return nil, err
	}
	if err := write(path, content); err != nil {
		return nil, err
	}
	made := &NewKey{Account: p.Account(), Path: path, hidden: func() string { return mnemonic }}
	public, err := json.Marshal(publicFile(p.Account()))
	if err != nil {
		return made, err
	}
	return made, write(pub(path), public)
}

// notEmpty refuses a password that protects nothing.
func notEmpty(password Password) Password {
	return func() (string, error) {
		text, err := password()
		if err == nil && text == "" {
			err = fmt.Errorf("the password is empty: %w", ErrPassword)
		}
		return text, err
	}
}

// write creates a file; one that came into being meanwhile stays.
func write(path string, data []byte) error {
	err := atomicfile.Create(path, data, fileMode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s %w", path, ErrExists)
	}
	return err
}
