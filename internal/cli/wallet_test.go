package cli_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/cli"
	"github.com/bittensor-go/bt/internal/vectors"
)

// parityKey is what the SDK says of the key in the parity files.
type parityKey struct {
	Mnemonic, Password, Private, Seed, SS58 string
}

// secrets are what must not show.
func (k parityKey) secrets() []string {
	return append(strings.Fields(k.Mnemonic), k.Password, k.Private, k.Seed)
}

// parityWallet puts a keyfile of the SDK that opens in no time into the folder of
// wallets, as the coldkey of the wallet my-wallet and as its hotkey miner.
func parityWallet(t *testing.T) (home string, key parityKey) {
	dir := filepath.Join(vectors.Parity(t), "wallets")
	vectors.JSON(t, filepath.Join(dir, "keys.json.gz"), &key)
	file := vectors.Read(t, filepath.Join(dir, "ansible.sdk6"))
	home = t.TempDir()
	hotkeys := filepath.Join(home, "wallets", "my-wallet", "hotkeys")
	if err := os.MkdirAll(hotkeys, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(hotkeys, "..", "coldkey"), filepath.Join(hotkeys, "miner")} {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return home, key
}

// saved is a password as btwallet saves it in the environment.
func saved(variable, password string) string {
	b := []byte(password)
	for i := range b {
		b[i] ^= variable[i%len(variable)]
	}
	return base64.StdEncoding.EncodeToString(b)
}

// Where the password of a key comes from, which place comes first, and that no
// secret shows.
func TestPasswordSources(t *testing.T) {
	home, key := parityWallet(t)
	underscores := strings.NewReplacer("/", "_", `\`, "_", ".", "_")
	variable := func(path ...string) string {
		return "BT_PW_" + strings.ToUpper(underscores.Replace(filepath.Join(append([]string{home, "wallets", "my-wallet"}, path...)...)))
	}
	cold, hot := variable("coldkey"), variable("hotkeys", "miner")
	right := key.Password
	file := filepath.Join(home, "password file")
	wrongFile := filepath.Join(home, "wrong")
	for path, text := range map[string]string{file: right + "\n", wrongFile: "Tr0ub4dor", filepath.Join(home, "empty"): " \n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		env    map[string]string
		hotkey bool
		code   int
		said   string // of stderr
	}{
		{"btwallet's", map[string]string{cold: saved(cold, right)}, false, 0, ""},
		{"btwallet's of the hotkey", map[string]string{hot: saved(hot, right)}, true, 0, ""},
		{"of the coldkey by name", map[string]string{"BT_COLD_PW_MY_WALLET": right}, false, 0, ""},
		{"of any key", map[string]string{"BT_WALLET_PASSWORD": right}, true, 0, ""},
		{"btwallet's first", map[string]string{cold: saved(cold, right), "BT_COLD_PW_MY_WALLET": "x", "BT_WALLET_PASSWORD": "y"}, false, 0, ""},
		{"by name before any", map[string]string{"BT_COLD_PW_MY_WALLET": right, "BT_WALLET_PASSWORD": "y"}, false, 0, ""},
		{"by name is the coldkey's", map[string]string{"BT_COLD_PW_MY_WALLET": right}, true, 5, "try: set BT_WALLET_PASSWORD"},
		{"wrong", map[string]string{"BT_COLD_PW_MY_WALLET": "Tr0ub4dor", "BT_WALLET_PASSWORD": right}, false, 5, "try: check BT_COLD_PW_MY_WALLET\n"},
		{"wrong and btwallet's", map[string]string{cold: saved(cold, "Tr0ub4dor")}, false, 5, "try: check " + cold + "\n"},
		{"not as btwallet saves it", map[string]string{cold: right}, false, 5, cold + " does not hold"},
		{"of another wallet", map[string]string{"BT_COLD_PW_MY-WALLET": right, cold + "2": saved(cold, right)}, false, 5, "there is no terminal to ask at"},
		{"none", nil, false, 5, "a password is needed"},
		{"in a file", map[string]string{"BT_WALLET_PASSWORD_FILE": file}, false, 0, ""},
		{"in a file, of the hotkey", map[string]string{"BT_WALLET_PASSWORD_FILE": file}, true, 0, ""},
		{"before a file", map[string]string{"BT_WALLET_PASSWORD": right, "BT_WALLET_PASSWORD_FILE": wrongFile}, false, 0, ""},
		{"a file that is not there", map[string]string{"BT_WALLET_PASSWORD_FILE": file + "2"}, false, 5, "try: check the file that BT_WALLET_PASSWORD_FILE names\n"},
		{"an empty file", map[string]string{"BT_WALLET_PASSWORD_FILE": filepath.Join(home, "empty")}, false, 5, "is empty"},
		{"a file by flag", map[string]string{"--wallet-password-file": file, cold: saved(cold, "Tr0ub4dor"), "BT_WALLET_PASSWORD": "y"}, false, 0, ""},
		{"a wrong file by flag", map[string]string{"--wallet-password-file": wrongFile, "BT_WALLET_PASSWORD": right}, false, 5, "try: check --wallet-password-file\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			args := []string{"wallet", "sign", "--wallet-name", "my-wallet", "--wallet-hotkey", "miner", "--message", "hello", "--json"}
			if c.hotkey {
				args = append(args, "--use-hotkey")
			}
			if path := c.env["--wallet-password-file"]; path != "" {
				args = append(args, "--wallet-password-file", path)
			}
			code := cli.Main(t.Context(), args, walletEnv(home, c.env, "", &out, &errOut))
			if code != c.code || !strings.Contains(errOut.String(), c.said) {
				t.Fatalf("exit code %d, not %d, or not %q:\n%s%s", code, c.code, c.said, &out, &errOut)
			}
			var r struct {
				Address  string `json:"address"`
				ExitCode int    `json:"exit_code"`
			}
			if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.ExitCode != c.code {
				t.Errorf("%v: %s", err, &out)
			}
			if c.code == 0 && r.Address != key.SS58 {
				t.Errorf("signed by %s, not %s", r.Address, key.SS58)
			}
			for _, secret := range append(key.secrets(), "Tr0ub4dor") {
				if strings.Contains(out.String()+errOut.String(), secret) {
					t.Errorf("a secret shows: %s%s", &out, &errOut)
				}
			}
		})
	}
}

func walletEnv(home string, env map[string]string, stdin string, out, errOut *bytes.Buffer) cli.Env {
	return cli.Env{
		Getenv: func(name string) string {
			if name == "BT_HOME" {
				return home
			}
			return env[name]
		},
		Stdin: strings.NewReader(stdin), Stdout: out, Stderr: errOut,
	}
}

// An old keyfile is used as it is, gives its account away to others, and becomes a
// new one.
func TestOldKeyfile(t *testing.T) {
	home, key := parityWallet(t)
	env := map[string]string{"BT_WALLET_PASSWORD": key.Password}
	pub := filepath.Join(home, "wallets", "my-wallet", "coldkeypub.txt")
	var said bytes.Buffer
	for _, c := range []struct {
		args string
		env  map[string]string
		code int
		want string // of stdout
	}{
		{"show --wallet-name my-wallet --json", nil, 0, `"format":"ansible-vault","encrypted":true`},
		{"balance my-wallet", nil, 5, ""}, // whose it is, nobody knows without a password
		{"export-pub --wallet-name my-wallet", nil, 5, ""},
		{"export-pub --wallet-name my-wallet --output " + pub, env, 0, key.SS58},
		{"show --wallet-name my-wallet --json", nil, 0, `"address":"` + key.SS58 + `"`},
		{"export-pub --wallet-name my-wallet", nil, 0, `"ss58Address":"` + key.SS58 + `"`},
		{"import --wallet-name new --no-password --json --keyfile " + filepath.Join(home, "wallets", "my-wallet", "coldkey"), env, 0, `"address":"` + key.SS58 + `"`},
		{"show --wallet-name new --json", nil, 0, `"format":"plain","encrypted":false`},
	} {
		var out, errOut bytes.Buffer
		code := cli.Main(t.Context(), append([]string{"wallet"}, strings.Fields(c.args)...), walletEnv(home, c.env, "", &out, &errOut))
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Fatalf("%s: exit code %d, not %d, or not %q:\n%s%s", c.args, code, c.code, c.want, &out, &errOut)
		}
		said.Write(out.Bytes())
		said.Write(errOut.Bytes())
	}
	for _, secret := range key.secrets() {
		if strings.Contains(said.String(), secret) {
			t.Errorf("a secret shows:\n%s", &said)
		}
	}
}

// A hotkey is encrypted where that is asked for, or not made. The passwords here are
// empty, which is found out before the seconds that encrypting takes.
func TestEncryptedHotkey(t *testing.T) {
	home, _ := parityWallet(t)
	path := filepath.Join(home, "wallets", "my-wallet", "hotkeys", "new")
	variable := "BT_PW_" + strings.ToUpper(strings.NewReplacer("/", "_", `\`, "_", ".", "_").Replace(path))
	for _, args := range []string{"new --only-hotkey --use-password", "import --use-hotkey --use-password --uri //Alice"} {
		var out, errOut bytes.Buffer
		args := append([]string{"wallet"}, strings.Fields(args+" --wallet-name my-wallet --wallet-hotkey new")...)
		code := cli.Main(t.Context(), args, walletEnv(home, map[string]string{variable: " "}, "", &out, &errOut))
		if code != 5 || !strings.Contains(errOut.String(), "the password is empty") {
			t.Errorf("%v: exit code %d: %s%s", args, code, &out, &errOut)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%v: a file was made: %v", args, err)
		}
	}
}
