package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/cli"
)

// broken is an answer that says that the runtime failed.
const broken = `"error":{"code":4003,"message":"Client error: Execution failed: wasm trap: unreachable"}`

// startChain starts a development chain with the subnets 0, 1 and 2, of which 1
// has neurons.
func startChain(t *testing.T) *devnet.Node {
	t.Helper()
	n, err := devnet.Start(devnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// allResult is the document of bt metagraph --all --json.
type allResult struct {
	Network  string
	Endpoint string
	Block    uint64
	Lite     bool
	Subnets  []struct {
		Netuid  uint16
		N       int
		Neurons []struct{ Hotkey string }
		Saved   string
	}
	Errors []struct {
		Netuid uint16
		Error  string
	}
	Error    string
	Try      string
	ExitCode int `json:"exit_code"`
}

// only decodes the one document of stdout.
func only(t *testing.T, stdout string) (r allResult) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(stdout))
	if err := d.Decode(&r); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("more than one document: %v", err)
	}
	return r
}

func (r allResult) netuids() (list []uint16) {
	for _, s := range r.Subnets {
		list = append(list, s.Netuid)
	}
	return list
}

// One subnet that cannot be read is named, and the others are shown, printed and
// saved.
func TestAllButOne(t *testing.T) {
	endpoint := between(t, startChain(t).URL(), func(c call) string {
		if c.neuronsOf(1) {
			return broken
		}
		return ""
	})
	home := t.TempDir()
	code, out, said := bt(t, "metagraph", "--all", "--network", endpoint, "--save", "--home", home)
	if code != 1 || !strings.HasPrefix(out, "2 of 3 subnets, 0 neurons, block 0, ") ||
		!strings.Contains(out, "\n     0        0 ") || !strings.Contains(out, "\n     2        0 ") || strings.Contains(out, "\n     1 ") {
		t.Errorf("exit code %d: %s", code, out)
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "saved: 2 metagraphs below ") ||
		!strings.HasPrefix(lines[1], "error: netuid 1: ") || !strings.Contains(lines[1], "wasm trap: unreachable") ||
		lines[2] != "error: 1 of 3 subnets could not be read" {
		t.Errorf("stderr: %s", said)
	}
	files, err := filepath.Glob(filepath.Join(home, "metagraphs", "*", "*", "block0.safetensors"))
	if err != nil || len(files) != 2 {
		t.Errorf("files %v, %v", files, err)
	}

	code, out, said = bt(t, "metagraph", "--all", "--network", endpoint, "--json", "--quiet")
	r := only(t, out)
	if code != 1 || r.ExitCode != 1 || r.Error != "1 of 3 subnets could not be read" ||
		cmp.Diff([]uint16{0, 2}, r.netuids()) != "" || len(r.Errors) != 1 || r.Errors[0].Netuid != 1 ||
		!strings.Contains(r.Errors[0].Error, "wasm trap: unreachable") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if !strings.HasPrefix(said, "error: netuid 1: ") {
		t.Errorf("stderr: %s", said)
	}
}

// A subnet's document is there before the next subnet is, and whoever waits is
// told on stderr how far it is. The output is one document also where the command
// is interrupted half way, or the node goes, and then it says so.
func TestAllStreams(t *testing.T) {
	for _, c := range []struct {
		name    string
		half    func(chain *devnet.Node, interrupt func()) // what happens half way
		code    int
		netuids []uint16
		says    string
	}{
		{"answered", func(*devnet.Node, func()) {}, 0, []uint16{0, 1, 2}, ""},
		{"interrupted", func(_ *devnet.Node, interrupt func()) { interrupt() }, 130, []uint16{0, 1}, "interrupted"},
		{"node gone", func(chain *devnet.Node, _ func()) { chain.Close() }, 3, []uint16{0, 1}, "closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			chain := startChain(t)
			held := make(chan struct{})
			release := sync.OnceFunc(func() { close(held) })
			defer release()
			endpoint := between(t, chain.URL(), func(q call) string {
				if q.neuronsOf(2) {
					<-held
				}
				return ""
			})
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			out, said := &waiter{}, &waiter{}
			var ended sync.WaitGroup
			code := -1
			ended.Go(func() {
				code = cli.Main(ctx, []string{"metagraph", "--all", "--json", "--network", endpoint}, environment(t, out, said))
			})
			out.wait(t, `"netuid":1,`)
			out.wait(t, `]}`)
			said.wait(t, "reading 2 of 3 subnets [####################----------], 1s\n")
			if text := out.String(); strings.Contains(text, `"netuid":2`) || json.Valid([]byte(text)) {
				t.Errorf("half way: %s", text)
			}
			c.half(chain, interrupt)
			if c.code == 0 {
				release()
			}
			ended.Wait()
			r := only(t, out.String())
			if code != c.code || r.ExitCode != c.code || !strings.Contains(r.Error, c.says) || cmp.Diff(c.netuids, r.netuids()) != "" || len(r.Errors) != 0 {
				t.Errorf("exit code %d: %.300q ... %.300q", code, out.String(), out.String()[max(0, len(out.String())-300):])
			}
			if len(r.Subnets[1].Neurons) != 16 || r.Network != "local" || r.Endpoint != endpoint || !r.Lite {
				t.Errorf("%+v", r)
			}
		})
	}
}

// waiter is written to by a command and waited for by a test.
type waiter struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (w *waiter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
	return w.text.Write(p)
}

func (w *waiter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// wait waits until a text was written.
func (w *waiter) wait(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		w.mu.Lock()
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		changed, found := w.changed, strings.Contains(w.text.String(), text)
		w.mu.Unlock()
		if found {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%q was not written", text)
		}
	}
}

// The document's keys keep their order, which those of people and of scripts that
// compare texts rely on.
func TestKeyOrder(t *testing.T) {
	chain := startChain(t)
	var orders []string
	for _, args := range [][]string{{"1"}, {"1", "--lite=false"}, {"--all"}} {
		_, out, said := bt(t, append([]string{"metagraph", "--json", "--network", chain.URL()}, args...)...)
		keys, err := order(json.NewDecoder(strings.NewReader(out)))
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		orders = append(orders, strings.Join(keys, " "))
	}
	want := []string{
		"network endpoint netuid mechid n block lite totals neurons",
		"network endpoint netuid mechid n block lite totals neurons weights bonds",
		"network endpoint block lite subnets",
	}
	if d := cmp.Diff(want, orders); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// order returns the keys of an object as they come.
func order(d *json.Decoder) (keys []string, err error) {
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		keys = append(keys, fmt.Sprint(k))
		if err := d.Decode(new(json.RawMessage)); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// Nothing is said where whoever reads stdout has gone.
func TestReaderGone(t *testing.T) {
	chain := startChain(t)
	for _, args := range [][]string{{"--all"}, {"--all", "--json"}, {"1"}, {"1", "--json"}} {
		r, w := io.Pipe()
		r.Close()
		var said bytes.Buffer
		code := cli.Main(t.Context(), append([]string{"metagraph", "--network", chain.URL()}, args...), environment(t, w, &said))
		if code != 141 || said.Len() > 0 {
			t.Errorf("%v: exit code %d: %s", args, code, &said)
		}
	}
	// The same from the system.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	var said bytes.Buffer
	if code := cli.Main(t.Context(), []string{"metagraph", "--all", "--json", "--network", chain.URL()}, environment(t, w, &said)); code != 141 || said.Len() > 0 {
		t.Errorf("exit code %d: %s", code, &said)
	}
}

// A disk that is full is no reader that went: it is an error, and --all ends.
func TestAllWriteFails(t *testing.T) {
	var said bytes.Buffer
	code := cli.Main(t.Context(), []string{"metagraph", "--all", "--json", "--network", startChain(t).URL()}, environment(t, full{}, &said))
	if code != 1 || said.String() != "error: no room\n" {
		t.Errorf("exit code %d: %s", code, &said)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no room") }
