package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/term"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/subtensor"
	"github.com/bittensor-go/bt/wallet"
)

const (
	passwordVariable     = "BT_WALLET_PASSWORD"
	passwordFileVariable = "BT_WALLET_PASSWORD_FILE"
)

// passwordSource finds the password of a key in the environment; variable says
// where, "" for nowhere.
type passwordSource func(getenv func(string) string) (password, variable string, err error)

// anyKey is the source for a file that is of no wallet.
func anyKey(getenv func(string) string) (password, variable string, err error) {
	if p := getenv(passwordVariable); p != "" {
		return p, passwordVariable, nil
	}
	return "", "", nil
}

// savedPassword returns the password that a flag or the environment leads to, and
// which of them it was, "" for none.
func (a *app) savedPassword(ctx context.Context, from passwordSource) (password, variable string, err error) {
	if a.secretFile != "" {
		return readPassword(ctx, "--wallet-password-file", a.secretFile)
	}
	if password, variable, err = from(a.env.Getenv); err != nil || variable != "" {
		return password, variable, err
	}
	if path := a.env.Getenv(passwordFileVariable); path != "" {
		return readPassword(ctx, passwordFileVariable, path)
	}
	return "", "", nil
}

// readPassword reads a password that somebody saved in a file. White space around it
// is no part of it, as with btcli.
func readPassword(ctx context.Context, variable, path string) (password, from string, err error) {
	text, err := readSmall(ctx, path)
	defer clear(text)
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		err = fmt.Errorf("%s is empty", path)
	}
	if err != nil {
		return "", variable, &codedError{err: fmt.Errorf("the password of %s: %w", variable, err), code: exitWallet, try: "check the file that " + variable + " names"}
	}
	return string(bytes.TrimSpace(text)), variable, nil
}

// password returns what is saved, or what the user types at a terminal, which does
// not show it. variable says where it was found, and is "" where it was typed: who
// mistypes can be asked again.
func (a *app) password(ctx context.Context, from passwordSource, prompt string) (password, variable string, err error) {
	if password, variable, err = a.savedPassword(ctx, from); err != nil || variable != "" {
		return password, variable, err
	}
	fd, ok := a.typist()
	if !ok {
		return "", "", &codedError{
			err: errors.New("a password is needed, and there is no terminal to ask at"), code: exitWallet,
			try: "set " + passwordVariable,
		}
	}
	p, err := a.askPassword(ctx, fd, prompt)
	return p, "", err
}

// typist returns the terminal that stdin is, if it is one.
func (a *app) typist() (fd int, ok bool) {
	in, ok := a.env.Stdin.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return 0, false
	}
	return int(in.Fd()), true
}

// unlock opens a key of a wallet; a mistyped password can be typed again, twice.
func (a *app) unlock(ctx context.Context, w *wallet.Wallet, which subtensor.Signer) (*keypair.Pair, error) {
	what := fmt.Sprintf("the %s of wallet %q", which, w.Name)
	if which == subtensor.HotkeySigns {
		return a.open(ctx, what, w.UnlockHotkey, w.HotkeyPassword)
	}
	return a.open(ctx, what, w.UnlockColdkey, w.ColdkeyPassword)
}

// open is unlock for any key.
func (a *app) open(ctx context.Context, what string, open func(wallet.Password) (*keypair.Pair, error), from passwordSource) (*keypair.Pair, error) {
	for try := 1; ; try++ {
		variable, asked, stop := "", false, func() {}
		pair, err := abandon(ctx, func() (*keypair.Pair, error) {
			return open(func() (password string, err error) {
				password, variable, err = a.password(ctx, from, "password of "+what)
				if err == nil {
					asked = variable == ""
					stop = a.watch("opening " + what) // it takes seconds
				}
				return password, err
			})
		})
		if ctx.Err() != nil {
			return nil, ctx.Err() // what is left behind may still use what is shared with it
		}
		stop()
		switch {
		case !errors.Is(err, wallet.ErrWrongPassword):
			return pair, err
		case !asked:
			return nil, &codedError{err: fmt.Errorf("%w: it came from %s", err, variable), code: exitWallet, try: "check " + variable}
		case try == 3:
			return nil, err
		}
		a.message("wrong password, try again")
	}
}

// askPassword reads a line without echo. The read cannot be interrupted: when ctx
// ends, the terminal is put back as it was and the reader is left behind, for the
// program is about to end.
func (a *app) askPassword(ctx context.Context, fd int, prompt string) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("the terminal: %w", err)
	}
	a.err.printf("%s: ", prompt)
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		a.err.printf("\n")
		if l.err != nil {
			return "", &codedError{err: fmt.Errorf("reading the password: %w", l.err), code: exitWallet}
		}
		defer clear(l.text)
		return strings.TrimSpace(string(l.text)), nil // as btcli does
	case <-ctx.Done():
		a.err.printf("\n")
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

// newPassword returns a password for a new key; a typed one is asked for twice.
func (a *app) newPassword(ctx context.Context, what string, from passwordSource) (string, error) {
	first, variable, err := a.password(ctx, from, "new password for "+what)
	if err == nil && variable != "" && strings.TrimSpace(first) != first {
		err = &codedError{err: fmt.Errorf("the password of %s begins or ends with white space, which cannot be typed at a prompt", variable), code: exitWallet, try: "take the white space out of " + variable}
	}
	if err != nil || variable != "" {
		return first, err
	}
	if first == "" {
		return "", &codedError{err: errors.New("the password is empty"), code: exitWallet, try: "--no-password leaves the coldkey plain"}
	}
	again, _, err := a.password(ctx, from, "the same again")
	if err == nil && again != first {
		return "", &codedError{err: errors.New("the two passwords differ"), code: exitWallet, try: "type the same one twice"}
	}
	return first, err
}
