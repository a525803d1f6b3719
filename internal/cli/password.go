package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/term"
)

const passwordVariable = "BT_WALLET_PASSWORD"

// password returns BT_WALLET_PASSWORD, or what the user types at a terminal,
// which does not show it. asked says that it was typed: who mistypes can be asked
// again.
func (a *app) password(ctx context.Context, prompt string) (password string, asked bool, err error) {
	if p := a.env.Getenv(passwordVariable); p != "" {
		return p, false, nil
	}
	in, ok := a.env.Stdin.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", false, &codedError{
			err: errors.New("a password is needed, and there is no terminal to ask at"), code: exitWallet,
			try: "set " + passwordVariable,
		}
	}
	p, err := a.askPassword(ctx, int(in.Fd()), prompt)
	return p, true, err
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
		return strings.TrimSpace(string(l.text)), nil // as btcli does
	case <-ctx.Done():
		a.err.printf("\n")
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

// newPassword returns a password for a new key; a typed one is asked for twice.
func (a *app) newPassword(ctx context.Context, what string) (string, error) {
	first, asked, err := a.password(ctx, "new password for "+what)
	if err != nil || !asked {
		return first, err
	}
	if first == "" {
		return "", &codedError{err: errors.New("the password is empty"), code: exitWallet, try: "--no-password leaves the coldkey plain"}
	}
	again, _, err := a.password(ctx, "the same again")
	if err == nil && again != first {
		return "", &codedError{err: errors.New("the two passwords differ"), code: exitWallet, try: "type the same one twice"}
	}
	return first, err
}
