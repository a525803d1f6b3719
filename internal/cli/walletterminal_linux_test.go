package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/cli"
)

// atTerminal runs bt with a terminal for stdout, and returns what is left on it.
func atTerminal(t *testing.T, home string, env map[string]string, args ...string) *screen {
	t.Helper()
	s, stdout, done := openTerminal(t, 200, nil)
	var out, errOut bytes.Buffer
	e := walletEnv(home, env, "", &out, &errOut)
	e.Stdout = stdout
	code := cli.Main(t.Context(), args, e)
	done()
	if code != 0 {
		t.Fatalf("%v: exit code %d: %s%s", args, code, s.text(), &errOut)
	}
	return s
}

// Mnemonics are shown at a terminal, are those of the keys beside them, and are not
// part of the document even there.
func TestMnemonicsAtTerminal(t *testing.T) {
	home := t.TempDir()
	lines := strings.Split(atTerminal(t, home, nil, "wallet", "new", "--no-password").text(), "\n")
	made := map[string]string{} // mnemonics by address
	var address string
	for _, line := range lines {
		switch f := strings.Fields(line); {
		case len(f) == 2 && (f[0] == "coldkey" || f[0] == "hotkey"):
			address = f[1]
		case len(f) == 13 && f[0] == "mnemonic":
			made[address] = strings.Join(f[1:], " ")
		}
	}
	if len(made) != 2 {
		t.Fatalf("not two mnemonics:\n%s", strings.Join(lines, "\n"))
	}
	for address, words := range made {
		var out, errOut bytes.Buffer
		code := cli.Main(t.Context(), []string{"wallet", "import", "--wallet-name", address, "--no-password", "--json"}, walletEnv(home, nil, words, &out, &errOut))
		var r struct{ Address string }
		if err := json.Unmarshal(out.Bytes(), &r); err != nil || code != 0 || r.Address != address {
			t.Errorf("the mnemonic beside %s is of %q: exit code %d, %s", address, r.Address, code, &errOut)
		}
	}

	document := atTerminal(t, home, nil, "wallet", "new", "--no-password", "--wallet-name", "json", "--json").bytes()
	for _, path := range []string{"coldkey", "hotkeys/default"} {
		data, err := os.ReadFile(filepath.Join(home, "wallets", "json", path))
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ SecretPhrase, SecretSeed, PrivateKey string }
		if err := json.Unmarshal(data, &file); err != nil || file.SecretPhrase == "" || file.PrivateKey == "" {
			t.Fatalf("%s is not what this test takes it for: %v", path, err)
		}
		for _, secret := range []string{file.SecretPhrase, file.SecretSeed, file.PrivateKey} {
			if secret != "" && strings.Contains(document, strings.TrimPrefix(secret, "0x")) {
				t.Errorf("a secret of %s is in the document", path)
			}
		}
	}
}

// Tables are coloured at a terminal, unless somebody does not want that, and stay
// aligned.
func TestWalletTableAtTerminal(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"a", "a-longer-name"} {
		atTerminal(t, home, nil, "wallet", "new", "--uri", "Alice", "--wallet-name", name)
	}
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{{nil, true}, {map[string]string{"NO_COLOR": "1"}, false}} {
		s := atTerminal(t, home, c.env, "wallet", "list")
		if strings.Contains(s.bytes(), "\x1b[") != c.want {
			t.Errorf("%v: colours: %q", c.env, s.bytes())
		}
		var columns []int
		for line := range strings.Lines(s.text()) {
			for _, word := range []string{"address", "5Grw"} {
				if i := strings.Index(line, "  "+word); i >= 0 {
					columns = append(columns, i)
				}
			}
		}
		if len(columns) != 5 || slices.Min(columns) != slices.Max(columns) {
			t.Errorf("%v: addresses in columns %v:\n%s", c.env, columns, s.text())
		}
	}
}
