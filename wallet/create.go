package wallet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
	// Scheme is the kind of key that is made of the mnemonic. The SDK before
	// btwallet 4.1 takes all keys for sr25519 ones.
	Scheme keypair.Scheme
	// Key is a key that exists, in place of one of a mnemonic. It stays the caller's
	// to wipe. Mnemonic is then kept in the file, and must be the key's own if it is
	// not "".
	Key *keypair.Pair
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

// Mnemonic returns the words that the key can be made from again, "" where it was
// made of a Key without. They are to be shown once, to be written down.
func (k *NewKey) Mnemonic() string { return k.hidden() }

// ErrPassword reports a coldkey that would be left without a password by
// accident.
var ErrPassword = errors.New("a coldkey is encrypted with a password unless NoPassword is set")

// Create makes a wallet with a new coldkey and a new hotkey, "" for the default
// names. The options are the coldkey's, but for Words; the hotkey is plain and of
// sr25519, as the SDK makes it, and has a mnemonic of its own. The error wraps
// ErrExists where there are files of either key: then nothing is made. What was
// made is returned also where err is not nil: its mnemonic may be the only way to
// it.
func (s Store) Create(name, hotkey string, opts CreateOptions) (cold, hot *NewKey, err error) {
	w, err := s.Wallet(name, hotkey)
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
	w, err := s.Wallet(name, "")
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
	w, err := s.Wallet(name, hotkey)
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
	p, mnemonic, err := opts.pair()
	if err != nil {
		return nil, err
	}
	if p != opts.Key {
		defer p.Wipe()
	}
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
	return made, write(pub(path), PublicFile(p.Account(), p.Scheme()))
}

// pair returns the pair to write and its mnemonic.
func (o CreateOptions) pair() (*keypair.Pair, string, error) {
	mnemonic := strings.Join(strings.Fields(o.Mnemonic), " ")
	if o.Key != nil && mnemonic == "" {
		return o.Key, "", nil
	}
	if o.Key != nil {
		p, err := keypair.FromMnemonic(o.Key.Scheme(), mnemonic)
		if err != nil {
			return nil, "", err
		}
		p.Wipe()
		if p.Account() != o.Key.Account() {
			return nil, "", fmt.Errorf("%w of this key: it is of %s", keypair.ErrMnemonic, p.Account())
		}
		return o.Key, mnemonic, nil
	}
	if mnemonic == "" {
		words := o.Words
		if words == 0 {
			words = 12
		}
		var err error
		if mnemonic, err = keypair.NewMnemonic(words); err != nil {
			return nil, "", err
		}
	}
	p, err := keypair.FromMnemonic(o.Scheme, mnemonic)
	return p, mnemonic, err
}

// CreateColdkeyPub makes a wallet of an account alone: what it has can be seen and
// received, not spent. It also makes the file anew that is missing beside a secret.
// The errors wrap ErrName, ErrExists or, where a plain secret is of another account,
// ErrMismatch.
func (s Store) CreateColdkeyPub(name string, account ss58.AccountID, scheme keypair.Scheme) (path string, err error) {
	w, err := s.Wallet(name, "")
	if err != nil {
		return "", err
	}
	return createPub(w.coldkey(), account, scheme)
}

// CreateHotkeyPub is CreateColdkeyPub for a hotkey.
func (s Store) CreateHotkeyPub(name, hotkey string, account ss58.AccountID, scheme keypair.Scheme) (path string, err error) {
	w, err := s.Wallet(name, hotkey)
	if err != nil {
		return "", err
	}
	return createPub(w.hotkey(), account, scheme)
}

func createPub(secret string, id ss58.AccountID, scheme keypair.Scheme) (string, error) {
	path := pub(secret)
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("%s %w", path, ErrExists)
	}
	if own, _, err := account(secret); err == nil && own != id {
		return "", fmt.Errorf("%w: %s is of %s", ErrMismatch, secret, own)
	}
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return "", err
	}
	return path, write(path, PublicFile(id, scheme))
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
