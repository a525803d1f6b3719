//go:build realnode

package realnode

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate/rpc"
)

// node is a real runtime that is being served.
type node struct {
	URL         string `json:"url"`
	Spec        uint32 `json:"specVersion"`
	Head        uint64 `json:"head"`
	Difficulty  string `json:"difficulty"`
	GenesisHash string `json:"genesisHash"`
}

// from returns the value of an environment variable, or a folder beside the
// repository, and fails where there is neither.
func from(t *testing.T, variable, beside string) string {
	t.Helper()
	if v := os.Getenv(variable); v != "" {
		return v
	}
	if beside != "" {
		path, err := filepath.Abs(filepath.Join("..", "..", "..", beside))
		if err == nil {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	t.Fatalf("set %s (see CONTRIBUTING.md, Real runtimes)", variable)
	return ""
}

// serve starts a real runtime with netuid 1 of 64 neurons and netuid 12 of 256.
// A block time of 0 builds no blocks.
func serve(t *testing.T, runtime string, blockTime time.Duration) node {
	t.Helper()
	folder := from(t, "REALNODE", "shared/realnode")
	from(t, "CHOPSTICKS_DIR", "")
	from(t, "SUBTENSOR_GIT", "")
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(folder, "serve.mjs"),
		"--runtime", runtime, "--port", strconv.Itoa(freePort(t)),
		"--height", "4200002", "--block-time", strconv.FormatInt(blockTime.Milliseconds(), 10))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var n struct {
			Ready bool `json:"ready"`
			node
		}
		if json.Unmarshal(lines.Bytes(), &n) == nil && n.Ready {
			go func() { // the pipe is drained until the node ends
				for lines.Scan() {
				}
			}()
			t.Logf("%s: spec %d at %s, head %d", runtime, n.Spec, n.URL, n.Head)
			return n.node
		}
	}
	t.Fatalf("%s ended before it was ready: %v", runtime, lines.Err())
	return node{}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// restore writes the pallet's storage at the head back to what it was before the
// first block. The runtime of 218 runs an epoch in every block, so that the blocks
// built while the node starts leave other scores than the vectors have.
func restore(t *testing.T, n node) {
	t.Helper()
	ctx := t.Context()
	c, err := rpc.Dial(ctx, n.URL, rpc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	call := func(v any, method string, params ...any) {
		t.Helper()
		raw, err := c.Call(ctx, method, params...)
		if err != nil {
			t.Fatal(err)
		}
		unmarshal(t, raw, v)
	}
	var populated, head string
	call(&populated, "chain_getBlockHash", 0)
	call(&head, "chain_getBlockHash", n.Head)
	changes := make([][2]*string, 0) // key and value, nil for none
	values := storage(call, populated)
	for key, now := range storage(call, head) {
		if was, ok := values[key]; !ok {
			changes = append(changes, [2]*string{&key, nil})
		} else if was != now {
			changes = append(changes, [2]*string{&key, &was})
		}
		delete(values, key)
	}
	for key, was := range values {
		changes = append(changes, [2]*string{&key, &was})
	}
	var at string
	call(&at, "dev_setStorage", changes)
	if at != head {
		t.Fatalf("the storage of %s was written, not that of the head %s", at, head)
	}
	t.Logf("%d values of SubtensorModule written back to what they were before the first block", len(changes))
}

// storage reads SubtensorModule's storage at a block.
func storage(call func(v any, method string, params ...any), block string) map[string]string {
	const prefix, page = "0x658faa385070e074c85bf6b568cf0555", 1000 // twox128("SubtensorModule")
	values := make(map[string]string)
	for start := prefix; ; {
		var keys []string
		call(&keys, "state_getKeysPaged", prefix, page, start, block)
		if len(keys) == 0 {
			return values
		}
		var sets []struct {
			Changes [][2]*string `json:"changes"`
		}
		call(&sets, "state_queryStorageAt", keys, block)
		for _, set := range sets {
			for _, c := range set.Changes {
				if c[1] != nil {
					values[*c[0]] = *c[1]
				}
			}
		}
		start = keys[len(keys)-1]
	}
}

// installed runs bin/bt with a home of its own and returns what it printed.
func installed(t *testing.T, home string, args ...string) []byte {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "bin", "bt"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "BT_HOME="+home, "NO_COLOR=1")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bt %v: %v\n%s%s", args, err, out, &said)
	}
	return out
}

// TestMetagraph reads the subnet of 64 neurons off a real runtime, at its head
// and lite and full.
func TestMetagraph(t *testing.T) {
	for _, r := range runtimes {
		t.Run(r.name, func(t *testing.T) {
			n := serve(t, r.name, 0)
			restore(t, n)
			through(t, n.URL, r.name+".metagraph", func(t *testing.T, url string) {
				checkMetagraph(t, installed, r.name, url, n.Head, t.TempDir())
			})
		})
	}
}

// TestRegister registers a hotkey by real work on a chain with a block each three
// seconds, and finds it in the metagraph.
func TestRegister(t *testing.T) {
	for _, r := range registrable {
		t.Run(r.name, func(t *testing.T) {
			n := serve(t, r.name, 3*time.Second)
			home := wallets(t)
			var uid uint16
			through(t, n.URL, r.name+".register", func(t *testing.T, url string) {
				uid = checkRegister(t, installed, r.name, r.little, url, home)
			})
			var after printed
			unmarshal(t, installed(t, home, "metagraph", "1", "--network", n.URL, "--json"), &after)
			if int(uid) >= len(after.Neurons) || after.Neurons[uid].Hotkey != hotkey {
				t.Errorf("uid %d of %d is not %s", uid, after.N, hotkey)
			}
			again := installed(t, home, "register", "--netuid", "1", "--wallet-name", "e2e", "--wallet-hotkey", "miner", "--network", n.URL)
			if !bytes.Contains(again, []byte("nothing to do")) {
				t.Errorf("registered a second time: %s", again)
			}
		})
	}
}

// through runs a walk against a node and, where BT_RECORD is set, writes down
// what is said as testdata/<name>.jsonrpc.gz.
func through(t *testing.T, node, name string, walk func(t *testing.T, url string)) {
	t.Helper()
	if os.Getenv("BT_RECORD") == "" {
		walk(t, node)
		return
	}
	raw := filepath.Join(t.TempDir(), name)
	if !t.Run("record", func(t *testing.T) { walk(t, nodetest.Record(t, node, raw).URL()) }) {
		return
	}
	data, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(hashCode(t, data))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata", name+".jsonrpc.gz"), packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// hashCode makes a transcript smaller: a node without state_getStorageHash is
// asked for the runtime's whole code instead. In the transcript it has the
// method, and the code is not asked for.
func hashCode(t *testing.T, transcript []byte) []byte {
	t.Helper()
	type message struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Result json.RawMessage `json:"result"`
		Params []string        `json:"params"`
	}
	const missing, code = "state_getStorageHash", "0x3a636f6465"
	drop, whole := make(map[string]bool), make(map[string]bool) // requests by id
	var out []string
	for _, line := range strings.Split(string(transcript), "\n") {
		arrow, text, _ := strings.Cut(line, " ")
		var m message
		_ = json.Unmarshal([]byte(text), &m) // params of other shapes do not matter here
		switch id := string(m.ID); {
		case arrow == "-->" && m.Method == missing:
			drop[id] = true
		case arrow == "-->" && m.Method == "state_getStorage" && len(m.Params) > 0 && m.Params[0] == code:
			whole[id] = true
			out = append(out, strings.Replace(line, m.Method, missing, 1))
		case arrow == "<--" && id != "" && drop[id]:
		case arrow == "<--" && id != "" && whole[id]:
			b, err := hex.DecodeString(strings.Trim(string(m.Result), `"`)[2:])
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf(`<-- {"jsonrpc":"2.0","id":%s,"result":"0x%x"}`, id, blake2b.Sum256(b)))
		default:
			out = append(out, line)
		}
	}
	return []byte(strings.Join(out, "\n"))
}
