package cli_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/cli"
	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
)

// bt runs bt in this process and returns its exit code and what it wrote.
func bt(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = cli.Main(t.Context(), args, environment(t, &out, &errOut))
	return code, out.String(), errOut.String()
}

// The real metadata of a runtime whose register burns TAO: why proofs of work are
// refused is said, though the node answers nothing else.
func TestDoctorOfBurningRuntime(t *testing.T) {
	n := node{spec: 425, metadata: vectors.Read(t, "425-main/metadata_v14.scale.gz")}
	endpoint, stop := n.start()
	defer stop()
	code, out, _ := bt(t, "doctor", "--network", endpoint)
	if code != 1 || !strings.Contains(out, "proof of work registration by proof of work is refused here (spec 425): its call register ignores the proof and burns TAO") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if !strings.Contains(out, "13 extensions, all can be filled") {
		t.Errorf("%s", out)
	}
}

// A captured file tells doctor and metagraph what the node told them.
func TestCaptureReplays(t *testing.T) {
	n, err := devnet.Start(devnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n.Step()
	path := filepath.Join(t.TempDir(), "node.jsonrpc.gz")
	if code, _, said := bt(t, "debug", "capture", "--network", n.URL(), "-o", path); code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	commands := [][]string{
		{"doctor", "--json"},
		{"metagraph", "1", "--json"},
		{"metagraph", "1", "--lite=false", "--block", "1", "--json"},
	}
	read := func(endpoint string) (docs []map[string]any) {
		for _, args := range commands {
			code, out, said := bt(t, append(args, "--network", endpoint)...)
			var doc map[string]any
			if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 {
				t.Fatalf("bt %v: exit code %d: %v %s", args, code, err, said)
			}
			delete(doc, "endpoint")
			docs = append(docs, doc)
		}
		return docs
	}
	want := read(n.URL())
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, read(nodetest.NewSnapshot(t, path).URL())); d != "" {
		t.Errorf("-node +file:\n%s", d)
	}
}
