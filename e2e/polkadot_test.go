//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittensor-go/bt/devnet"
)

// node runs a program of the folder polkadot and returns what it printed. The
// test fails with what it said where it fails.
func node(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "polkadot"
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, said.Bytes(), out.Bytes())
	}
	return out.Bytes()
}

// TestPolkadotJS lets @polkadot/api, an implementation of its own, connect to the
// development chain, decode its metadata, move funds, register a neuron by proof
// of work and read it back.
func TestPolkadotJS(t *testing.T) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is needed: %v", program, err)
		}
	}
	if _, err := os.Stat("polkadot/node_modules/@polkadot/api"); errors.Is(err, fs.ErrNotExist) {
		node(t, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	}
	chain, err := devnet.Start(devnet.Options{BlockTime: time.Second, Difficulty: 2000})
	if err != nil {
		t.Fatal(err)
	}
	defer chain.Close()

	printed := bytes.TrimSpace(node(t, "node", "walk.mjs", chain.URL()))
	printed = printed[bytes.LastIndexByte(printed, '\n')+1:]
	t.Logf("%s", printed)
	type block struct {
		Block  string
		Events []string
	}
	var saw struct {
		Metadata, V14      int
		Spec, Chain, Token string
		Errors             map[string]int
		Alice, Stranger    string
		Fee                string
		Transfer, Register block
		Neuron             struct {
			UID, Before, After, Entries          int
			Mine, Alone, Graph, Storage, Weights bool
		}
		Again string
	}
	if err := json.Unmarshal(printed, &saw); err != nil {
		t.Fatalf("%s: %v", printed, err)
	}
	if saw.Metadata != 15 || saw.V14 != 14 {
		t.Errorf("metadata versions %d and %d", saw.Metadata, saw.V14)
	}
	if saw.Spec != "node-subtensor/475/1" || saw.Chain != "Bittensor" || saw.Token != "TAO/9/42" {
		t.Errorf("%s on %s, token %s", saw.Spec, saw.Chain, saw.Token)
	}
	if e := saw.Errors; e["InvalidSeal"] != 26 || e["InvalidDifficulty"] != 25 || e["InvalidWorkBlock"] != 24 {
		t.Errorf("errors %v", e)
	}
	if saw.Alice != "1000000000000000" || saw.Stranger != "5000000000" || len(saw.Fee) != 6 {
		t.Errorf("Alice has %s, the stranger %s; the fee is %s", saw.Alice, saw.Stranger, saw.Fee)
	}
	want := []string{"balances.Withdraw", "system.NewAccount", "balances.Endowed", "balances.Transfer", "transactionPayment.TransactionFeePaid", "system.ExtrinsicSuccess"}
	if !slices.Equal(saw.Transfer.Events, want) {
		t.Errorf("events of the transfer: %v, want %v", saw.Transfer.Events, want)
	}
	want = []string{"subtensorModule.NeuronRegistered", "transactionPayment.TransactionFeePaid", "system.ExtrinsicSuccess"}
	if !slices.Equal(saw.Register.Events, want) {
		t.Errorf("events of the registration: %v, want %v", saw.Register.Events, want)
	}
	if n := saw.Neuron; n.UID != 16 || n.Before != 16 || n.After != 17 || n.Entries != 17 || !n.Mine || !n.Alone || !n.Graph || !n.Storage || !n.Weights {
		t.Errorf("the new neuron: %+v", n)
	}
	if !strings.Contains(saw.Again, "1010") || !strings.Contains(saw.Again, "Custom error: 255") {
		t.Errorf("the same proof again: %s", saw.Again)
	}
}
