// Package wallet keeps keys in files, in the layout and the formats of the Python
// SDK, so that both use one folder:
//
//	<dir>/<name>/coldkey              the secret, encrypted as a rule
//	<dir>/<name>/coldkeypub.txt       the account, for all who need no secret
//	<dir>/<name>/hotkeys/<hotkey>     the secret, plain as a rule
//	<dir>/<name>/hotkeys/<hotkey>pub.txt
//
// Every format that the SDK has written is read; plain and $NACL files are written,
// with the fields of btwallet 4.
//
// Files are made with mode 0600 and folders with 0700; files of others' making that
// other users can use are warned of. On Windows modes say nothing: files there have
// the rights of the folder that they are made in, and nothing is warned of. Nothing
// is ever overwritten. Secrets are not part of errors, and the package's own buffers
// that held them are overwritten after use; passwords and mnemonics, which are
// strings, cannot be.
package wallet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// DefaultName is the name that the SDK gives wallets and hotkeys by default.
const DefaultName = "default"

// Errors to compare with errors.Is.
var (
	// ErrNotFound reports a wallet, or a key of one, that has no file.
	ErrNotFound = errors.New("not found")
	// ErrExists reports a key that is there already: nothing is overwritten.
	ErrExists = errors.New("exists already and is not overwritten")
	// ErrName reports a name that cannot be one of a file.
	ErrName = errors.New("not a name for a wallet or a hotkey")
	// ErrWrongPassword reports a password that does not open the file, or a file
	// that was damaged: the two cannot be told apart.
	ErrWrongPassword = errors.New("wrong password (or a damaged file)")
	// ErrLocked reports that a key is encrypted and no password was given.
	ErrLocked = errors.New("the key is encrypted and needs its password")
	// ErrNoSecret reports a file that only says which account it is of.
	ErrNoSecret = errors.New("the file holds no secret, only an account")
	// ErrMismatch reports a file whose parts are of different accounts.
	ErrMismatch = errors.New("the file's parts are of different accounts")
	// ErrUnsupported reports a key in a format, or of a kind, that this package does
	// not open.
	ErrUnsupported = errors.New("keyfiles of this kind are not opened by bt")
	// ErrFormat reports data that is no keyfile.
	ErrFormat = errors.New("not a keyfile")
)

// Store is the folder that holds wallets, ~/.bittensor/wallets by the SDK's
// custom. It need not exist.
type Store struct {
	Dir string
}

// Wallet is a coldkey and one of its hotkeys. Either may be missing.
type Wallet struct {
	Name, HotkeyName string
	store            Store
}

// Password asks for the password of a file. It is called once, and only where the
// file is encrypted. btcli cuts white space off both ends of what is typed; who
// prompts should do so too.
type Password = func() (string, error)

// Open returns a wallet by its name and that of its hotkey, "" for the default.
// The error wraps ErrNotFound where neither key has a file, ErrName for names
// that are none.
func (s Store) Open(name, hotkey string) (*Wallet, error) {
	w, err := s.Wallet(name, hotkey)
	if err != nil {
		return nil, err
	}
	for _, path := range []string{w.coldkey(), pub(w.coldkey()), w.hotkey(), pub(w.hotkey())} {
		if _, err := os.Stat(path); err == nil {
			return w, nil
		}
	}
	if _, err := os.Stat(filepath.Join(s.Dir, w.Name)); err == nil {
		return nil, fmt.Errorf("wallet %q in %s has neither a coldkey nor a hotkey %q: %w", w.Name, s.Dir, w.HotkeyName, ErrNotFound)
	}
	return nil, fmt.Errorf("wallet %q in %s: %w: make it with bt wallet new", w.Name, s.Dir, ErrNotFound)
}

// Wallet is Open for a wallet that need not exist. The error wraps ErrName.
func (s Store) Wallet(name, hotkey string) (*Wallet, error) {
	w := &Wallet{Name: name, HotkeyName: hotkey, store: s}
	for _, n := range []*string{&w.Name, &w.HotkeyName} {
		if *n == "" {
			*n = DefaultName
		}
		if err := checkName(*n); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// pubSuffix ends the names of files that hold accounts.
const pubSuffix = "pub.txt"

func pub(path string) string { return path + pubSuffix }

// checkName refuses names that would lead out of their folder, or hide, or be
// taken for something else.
func checkName(name string) error {
	bad := func(why string) error { return fmt.Errorf("%q is %w: %s", name, ErrName, why) }
	switch {
	case strings.ContainsAny(name, `/\`):
		return bad("it has a path separator")
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }):
		return bad("it has characters that do not print")
	case strings.HasPrefix(name, "."):
		return bad("it begins with a dot")
	case strings.HasSuffix(name, pubSuffix):
		return bad("files that end in " + pubSuffix + " hold accounts")
	case len(name) > 200:
		return bad("it is too long")
	case !filepath.IsLocal(name): // what else the system reserves: NUL, COM1
		return bad("this system reserves it")
	}
	return nil
}

func (w *Wallet) dir() string     { return filepath.Join(w.store.Dir, w.Name) }
func (w *Wallet) coldkey() string { return filepath.Join(w.dir(), "coldkey") }
func (w *Wallet) hotkey() string  { return filepath.Join(w.dir(), "hotkeys", w.HotkeyName) }

// Coldkey returns the coldkey's account without its password. The error wraps
// ErrNotFound where there is no file, ErrLocked where there is only an encrypted
// one.
func (w *Wallet) Coldkey() (ss58.AccountID, error) {
	id, _, err := account(w.coldkey())
	return id, err
}

// Hotkey returns the hotkey's account without its password, with the errors of
// Coldkey.
func (w *Wallet) Hotkey() (ss58.AccountID, error) {
	id, _, err := account(w.hotkey())
	return id, err
}

// UnlockColdkey returns the coldkey's pair, to be wiped by the caller. The errors
// wrap ErrNotFound, ErrWrongPassword, ErrLocked (password is nil), ErrNoSecret,
// ErrMismatch, ErrUnsupported, ErrFormat, or what password returned.
func (w *Wallet) UnlockColdkey(password Password) (*keypair.Pair, error) {
	return unlock(w.coldkey(), password)
}

// UnlockHotkey returns the hotkey's pair, with the errors of UnlockColdkey.
func (w *Wallet) UnlockHotkey(password Password) (*keypair.Pair, error) {
	return unlock(w.hotkey(), password)
}

// Warnings says, a line each, which files with secrets other users may read, and
// what to do about it.
func (w *Wallet) Warnings() []string {
	var lines []string
	for _, path := range []string{w.coldkey(), w.hotkey()} {
		if line := warning(path); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// warning is "" for files that only their owner can use, and on Windows, whose
// modes say nothing.
func warning(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 || runtime.GOOS == "windows" {
		return ""
	}
	return fmt.Sprintf("%s holds a secret and has mode %04o: others can use it; run chmod 600 %[1]s", path, info.Mode().Perm())
}

// maxFile is far more than any keyfile has.
const maxFile = 1 << 16

// readFile reads a file that may be anything.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	data, err := readRegular(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: %w: it has more than %d bytes", path, ErrFormat, maxFile)
	}
	return data, nil
}

// readRegular reads a file, up to one byte more than maxFile.
func readRegular(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is no regular file", ErrFormat)
	}
	// One buffer, so that the caller can overwrite all that was read.
	buf := make([]byte, maxFile+1)
	n, err := io.ReadFull(f, buf)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return buf[:n], nil
}

// account returns the account of a key, and its kind, without its password: from
// the file for that, or from a plain secret.
func account(path string) (ss58.AccountID, keypair.Scheme, error) {
	fail := func(path string, err error) (ss58.AccountID, keypair.Scheme, error) {
		return ss58.AccountID{}, 0, fmt.Errorf("%s: %w", path, err)
	}
	data, err := readFile(pub(path))
	if err == nil {
		id, scheme, err := parsePublic(data)
		if err != nil {
			return fail(pub(path), err)
		}
		if own, ok := plainAccount(path); ok && own != id {
			return fail(pub(path), fmt.Errorf("%w: it names %s, and the secret beside it is of %s", ErrMismatch, id, own))
		}
		return id, scheme, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return ss58.AccountID{}, 0, err
	}
	if data, err = readFile(path); err != nil {
		return ss58.AccountID{}, 0, err
	}
	defer clear(data)
	switch f := FormatOf(data); f {
	case Plain:
		id, scheme, err := parsePublic(data)
		if err != nil {
			return fail(path, err)
		}
		return id, scheme, nil
	case Raw: // not parsePublic: a seed must not be shown as an account
		p, err := parseRaw(data, nil, false)
		if err != nil {
			return fail(path, err)
		}
		p.Wipe()
		return p.Account(), p.Scheme(), nil
	case Unknown:
		return fail(path, errUnknown(data))
	default:
		return fail(path, fmt.Errorf("%w: %s, which tells its account, is missing", ErrLocked, filepath.Base(pub(path))))
	}
}

// plainAccount returns the account of a secret that is not encrypted, where it can be
// told: SDKs that overwrite a hotkey leave its old pub.txt beside it.
func plainAccount(path string) (ss58.AccountID, bool) {
	data, err := readFile(path)
	if err != nil || FormatOf(data) != Plain {
		return ss58.AccountID{}, false
	}
	defer clear(data)
	id, _, err := parsePublic(data)
	return id, err == nil
}

// unlock returns the pair of a file.
func unlock(path string, password Password) (*keypair.Pair, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	// The file beside it is what everything that needs no secret believes.
	var beside *ss58.AccountID
	if data, err := readFile(pub(path)); err == nil {
		if id, err := ParsePublic(data); err == nil {
			beside = &id
		}
	}
	p, err := parseKey(data, password, beside)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if own := p.Account(); beside != nil && own != *beside {
		p.Wipe()
		return nil, fmt.Errorf("%w: %s is of %s, but %s says %s", ErrMismatch, path, own, filepath.Base(pub(path)), beside)
	}
	return p, nil
}

// formatOf returns the format of the file of a secret; None where there is none.
func formatOf(path string) (Format, error) {
	data, err := readFile(path)
	if errors.Is(err, ErrNotFound) {
		return None, nil
	}
	if err != nil {
		return Unknown, err
	}
	defer clear(data)
	f := FormatOf(data)
	if f == Unknown {
		return f, fmt.Errorf("%s: %w", path, errUnknown(data))
	}
	return f, nil
}
