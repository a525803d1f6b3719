package wallet

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// ColdkeyPassword returns the coldkey's password as the environment has it, and the
// variable that it is from, "" for none. The first of these counts that is not
// empty:
//
//   - BT_PW_<PATH>, btwallet's: the path of the keyfile in capitals, with _ for /
//     and for the dot. It holds the base64 of the password, which the bytes of the
//     variable's name are XORed with: no protection, but no plain text either.
//   - BT_COLD_PW_<NAME>, of the SDK 6 and 7: the wallet's name in capitals, with _
//     for -, whole or, as the SDK has it, without what follows its last dot. It holds
//     the password itself.
//   - BT_WALLET_PASSWORD, of the SDK 11, for all wallets: the password itself.
//
// The error names a variable that does not hold what it should.
func (w *Wallet) ColdkeyPassword(getenv func(string) string) (password, variable string, err error) {
	name := "BT_COLD_PW_" + strings.ToUpper(strings.ReplaceAll(w.Name, "-", "_"))
	return passwordOf(getenv, w.coldkey(), name, strings.TrimSuffix(name, filepath.Ext(name)))
}

// HotkeyPassword is ColdkeyPassword for the hotkey, which no BT_COLD_PW_ is of.
func (w *Wallet) HotkeyPassword(getenv func(string) string) (password, variable string, err error) {
	return passwordOf(getenv, w.hotkey())
}

func passwordOf(getenv func(string) string, path string, plain ...string) (password, variable string, err error) {
	saved := []string{path}
	if abs, err := filepath.Abs(path); err == nil && abs != path {
		saved = append(saved, abs)
	}
	names := strings.NewReplacer(string(filepath.Separator), "_", ".", "_")
	upper := cases.Upper(language.Und) // Rust's: also of letters that grow, such as ß
	for _, path := range saved {
		name := "BT_PW_" + upper.String(names.Replace(path))
		if value := getenv(name); value != "" {
			password, err := unmask(name, value)
			return password, name, err
		}
	}
	for _, name := range append(plain, "BT_WALLET_PASSWORD") {
		if value := getenv(name); value != "" {
			return value, name, nil
		}
	}
	return "", "", nil
}

// unmask reads what btwallet put into a variable.
func unmask(name, value string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
	defer clear(b)
	for i := range b {
		b[i] ^= name[i%len(name)]
	}
	if err != nil || !utf8.Valid(b) { // base64's own error holds a piece of the value
		return "", fmt.Errorf("%s does not hold a password as btwallet saves it (save_password_to_env): set it by that, or put the password itself into BT_WALLET_PASSWORD", name)
	}
	return string(b), nil
}
