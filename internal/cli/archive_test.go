package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/subtensor"
)

// The user is told, once, that another node than the one named is read.
func TestArchiveIsTold(t *testing.T) {
	start := func() *devnet.Node {
		node, err := devnet.Start(devnet.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { node.Close() })
		return node
	}
	light, archive := start(), start()
	for range 301 {
		light.Step()
	}
	for _, quiet := range []bool{false, true} {
		var out, said bytes.Buffer
		a := newApp(Env{Getenv: func(string) string { return "" }, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &said})
		a.quiet = quiet
		network := subtensor.Network{Name: "finney", Endpoint: light.URL(), Archive: archive.URL()}
		c, err := a.dialNetwork(t.Context(), network, t.TempDir(), subtensor.Dial)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		block := uint64(0)
		for range 2 {
			if m, err := a.sync(t.Context(), c, 1, metagraph.Options{Block: &block}); err != nil || m.Network != "finney" || m.N() != 16 {
				t.Fatalf("%v, %v", m, err)
			}
		}
		want := "block 0 is too old for " + light.URL() + ": asking the archive node " + archive.URL() + "\n"
		if quiet {
			want = ""
		}
		if said.String() != want {
			t.Errorf("said %q, want %q", said.String(), want)
		}
	}
}
