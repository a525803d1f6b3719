package metagraph_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/blake2b"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/internal/mutate"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// A chain is upgraded again and again to runtimes that nobody has seen: a sync of
// each block gives what the runtime that they were made of gives, without the
// fields that are gone.
func TestSyncUnseenRuntimes(t *testing.T) {
	const dir, netuid = "475-backport", 1
	first := answers(t, dir)
	md, err := metadata.ParseAnswer(vectors.Read(t, dir+"/metadata_at_version_15.state_call.scale.gz"))
	if err != nil {
		t.Fatal(err)
	}
	old, spec := schemaOf(t, dir)
	methods := []string{getNeurons, getNeuronsLite, getSubnetState}
	var values []mutate.Value
	for _, method := range methods {
		api, name, _ := strings.Cut(method, "_")
		m, ok := md.Method(api, name)
		if !ok {
			t.Fatalf("no %s", method)
		}
		values = append(values, mutate.Value{Type: m.Output, Data: first.answer(t, method, netuid)})
	}
	var version map[string]any
	if err := json.Unmarshal(first.version, &version); err != nil {
		t.Fatal(err)
	}
	node := serve(t, first)
	client := dial(t, node.URL(), "")
	rapid.Check(t, func(t *rapid.T) {
		later := mutate.New(t, md, values, mutate.Options{MayDrop: func(_, field string) bool {
			return slices.Contains([]string{"rank", "trust", "pruning_score"}, field)
		}})
		b := *node.blocks[len(node.blocks)-1]
		b.number(b.Block + 1)
		b.Calls = slices.Clone(b.Calls)
		for i := range b.Calls {
			if at := slices.Index(methods, b.Calls[i].Method); at >= 0 && b.Calls[i].Netuid == netuid {
				b.Calls[i].Result = text(later.Values[at].Data)
			}
		}
		enc, err := later.Metadata.Append(nil, 15)
		if err != nil {
			t.Fatal(err)
		}
		b.metadata = text(scale.AppendByteString([]byte{1}, enc))
		code := blake2b.Sum256(enc)
		b.code = text(code[:])
		version["specVersion"] = spec + uint32(len(node.blocks))
		if b.version, err = json.Marshal(version); err != nil {
			t.Fatal(err)
		}
		node.blocks = append(node.blocks, &b) // nothing is under way

		want := metagraph.Answers{Netuid: netuid, Network: "parity", Block: b.Block}
		for i, v := range []any{&want.Neurons, &want.Lite, &want.State} {
			if err := old.Decode(methods[i], values[i].Data, v); err != nil {
				t.Fatal(err)
			}
			later.Forget(values[i].Type, v)
		}
		for _, full := range []bool{true, false} {
			if !full {
				want.Neurons = nil
			}
			expected, err := metagraph.FromAnswers(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := metagraph.Sync(t.Context(), client, netuid, metagraph.Options{Full: full})
			if err != nil {
				t.Fatalf("gone are %v: %v", later.Dropped(), err)
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Fatalf("gone are %v: %s", later.Dropped(), diff)
			}
		}
		// The block before has its own runtime still.
		before := node.blocks[len(node.blocks)-2].Block
		if m, err := metagraph.Sync(t.Context(), client, netuid, metagraph.Options{Block: &before}); err != nil || m.Block != before || m.N() != 64 {
			t.Fatal(m, err)
		}
	})
	if len(node.blocks) < 20 {
		t.Errorf("%d runtimes were tried", len(node.blocks))
	}
}
