//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bittensor-go/bt/internal/nodetest"
)

// bt returns the path of the binary that "make e2e" builds.
func bt(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "bin", "bt"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("run make build first: %v", err)
	}
	return path
}

// runDevnet starts "bt devnet" and returns its URL.
func runDevnet(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bt(t), append([]string{"devnet", "--port", "0", "--json"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context has ended by now
	var started struct{ Endpoint string }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&started); err != nil || started.Endpoint == "" {
		t.Fatalf("bt devnet said no endpoint: %v", err)
	}
	return started.Endpoint
}

// TestBtcli lets the official client, as PyPI has it, make a wallet without
// funds and register its hotkey by proof of work on "bt devnet". bt finds the
// neuron, and no request of the client was answered by an error.
func TestBtcli(t *testing.T) {
	btcli := filepath.Join(python(t, "btcli"), "btcli")
	url := runDevnet(t, "--block-time", "1s", "--difficulty", "20000")
	home, wallets := t.TempDir(), t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		args = append(args, "--wallet", "e2e", "--wallet-hotkey", "miner", "--wallet-path", wallets, "--json")
		cmd := exec.CommandContext(ctx, btcli, args...)
		cmd.Env = append(os.Environ(), "HOME="+home)
		return output(t, cmd)
	}
	run("wallet", "create", "--no-password")

	transcript := filepath.Join(t.TempDir(), "transcript")
	var done struct {
		Success bool
		Message string
		Block   string   `json:"block_hash"`
		Fee     *float64 `json:"fee_tao"`
	}
	t.Run("register", func(t *testing.T) {
		proxy := nodetest.Record(t, url, transcript).URL()
		printed := run("subnets", "register", "--netuid", "1", "--pow", "--pow-backend", "cpu", "--network", proxy, "--yes")
		if err := json.Unmarshal(printed, &done); err != nil {
			t.Fatalf("%v in %s", err, printed)
		}
	})
	if !done.Success || done.Fee == nil || *done.Fee != 0 || done.Block == "" {
		t.Errorf("btcli says %+v", done)
	}
	checkAnswers(t, transcript)

	hotkey, coldkey := address(t, wallets, "e2e", "hotkeys", "minerpub.txt"), address(t, wallets, "e2e", "coldkeypub.txt")
	var graph struct {
		Neurons []struct {
			UID             int
			Hotkey, Coldkey string
		}
	}
	printed := command(t, bt(t), "metagraph", "1", "--network", url, "--json")
	if err := json.Unmarshal(printed, &graph); err != nil {
		t.Fatalf("%v in %s", err, printed)
	}
	if n := len(graph.Neurons); n != 17 {
		t.Fatalf("bt reads %d neurons", n)
	}
	if n := graph.Neurons[16]; n.UID != 16 || n.Hotkey != hotkey || n.Coldkey != coldkey {
		t.Errorf("bt reads the new neuron as %+v, want hotkey %s and coldkey %s", n, hotkey, coldkey)
	}
}

// address reads the address out of a public key file.
func address(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	var key struct{ SS58Address string }
	if err := json.Unmarshal(data, &key); err != nil || key.SS58Address == "" {
		t.Fatalf("%s: %v", data, err)
	}
	return key.SS58Address
}

// checkAnswers reads what a client and the node said: every request has an
// answer, none of them is an error, and the client asked what btcli asks.
func checkAnswers(t *testing.T, transcript string) {
	t.Helper()
	data, err := os.ReadFile(transcript)
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]string{} // requests by id that have no answer yet
	asked := map[string]int{}
	for line := range strings.Lines(string(data)) {
		arrow, text, _ := strings.Cut(line, " ")
		var m struct {
			ID     json.RawMessage
			Method string
			Error  json.RawMessage
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		switch {
		case arrow == "-->":
			open[string(m.ID)] = text
			asked[m.Method]++
		case m.Error != nil:
			t.Errorf("%s was answered by %s", strings.TrimSpace(open[string(m.ID)]), m.Error)
			fallthrough
		case m.Method == "":
			delete(open, string(m.ID))
		}
	}
	for _, text := range open {
		t.Errorf("no answer to %s", text)
	}
	for _, method := range []string{
		"state_call", "state_getKeysPaged", "state_getStorageAt", "state_queryStorageAt", "chain_getHead", "chain_getFinalizedHead",
		"account_nextIndex", "author_submitAndWatchExtrinsic", "author_unwatchExtrinsic", "chain_getBlock",
	} {
		if asked[method] == 0 {
			t.Errorf("the client never asked %s", method)
		}
	}
	t.Logf("asked %v", asked)
}
