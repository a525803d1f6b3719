package realnode

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/cli"
	"github.com/bittensor-go/bt/internal/nodetest"
)

// hotkey is the hotkey of the wallet in testdata, whose keys are worth nothing.
const hotkey = "5CkagnWE3eMg6nSKuCHgBEwQf2BM4TbNBfoTyCJrUq9joK3A"

// wallets returns a home that holds the wallet "e2e".
func wallets(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	if err := os.CopyFS(filepath.Join(home, "wallets"), os.DirFS(filepath.Join("testdata", "wallets"))); err != nil {
		t.Fatal(err)
	}
	// A checkout gives files that others can read.
	if err := os.Chmod(filepath.Join(home, "wallets", "e2e", "hotkeys", "miner"), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

// inProcess runs bt in this process.
func inProcess(t *testing.T, home string, args ...string) []byte {
	t.Helper()
	var out, said bytes.Buffer
	env := map[string]string{"BT_HOME": home, "NO_COLOR": "1"}
	code := cli.Main(t.Context(), args, cli.Env{
		Getenv: func(name string) string { return env[name] },
		Stdin:  strings.NewReader(""), Stdout: &out, Stderr: &said,
	})
	if code != 0 {
		t.Fatalf("bt %v: exit code %d\n%s%s", args, code, &out, &said)
	}
	return out.Bytes()
}

// TestReplay makes the walks of "make realnode" against what the real runtimes
// answered when the transcripts were recorded.
func TestReplay(t *testing.T) {
	for _, r := range runtimes {
		t.Run(r.name, func(t *testing.T) {
			node := nodetest.Replay(t, filepath.Join("testdata", r.name+".metagraph.jsonrpc.gz"))
			checkMetagraph(t, inProcess, r.name, node.URL(), r.head, wallets(t))
		})
	}
	for _, r := range registrable {
		t.Run(r.name+" register", func(t *testing.T) {
			node := nodetest.Replay(t, filepath.Join("testdata", r.name+".register.jsonrpc.gz"))
			checkRegister(t, inProcess, r.name, r.little, node.URL(), wallets(t))
			if n := len(node.Submitted()); n != 1 {
				t.Errorf("%d extrinsics were submitted", n)
			}
		})
	}
}
