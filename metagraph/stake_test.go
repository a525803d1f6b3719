package metagraph_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// What stake counts is told by what the runtime answers, whatever it calls itself,
// and where it has lost the short answer by the long one.
func TestStakeThatCounts(t *testing.T) {
	t.Parallel()
	const dir = "475-backport"
	sync := func(t *testing.T, b *block) *metagraph.Metagraph {
		t.Helper()
		m, err := metagraph.Sync(t.Context(), dial(t, serve(t, b).URL(), ""), 12, metagraph.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	want := sync(t, answers(t, dir))
	if cmp.Equal(want.TotalStake, want.AlphaStake) || want.TaoStake == nil {
		t.Fatal("the stakes of the vectors tell nothing apart")
	}
	same := func(t *testing.T, got *metagraph.Metagraph) {
		t.Helper()
		for _, c := range [][2][]float32{{want.S(), got.S()}, {want.AS(), got.AS()}, {want.TS(), got.TS()}} {
			if d := cmp.Diff(c[0], c[1]); d != "" {
				t.Error(d)
			}
		}
	}
	t.Run("another number", func(t *testing.T) {
		b := answers(t, dir)
		var version map[string]any
		if err := json.Unmarshal(b.version, &version); err != nil {
			t.Fatal(err)
		}
		version["specVersion"] = 200
		var err error
		if b.version, err = json.Marshal(version); err != nil {
			t.Fatal(err)
		}
		same(t, sync(t, b))
	})
	t.Run("without get_subnet_state", func(t *testing.T) {
		b := answers(t, dir)
		md, err := metadata.ParseAnswer(vectors.Read(t, dir+"/metadata_at_version_15.state_call.scale.gz"))
		if err != nil {
			t.Fatal(err)
		}
		m, ok := md.Method("SubnetInfoRuntimeApi", "get_subnet_state")
		if !ok {
			t.Fatal("no get_subnet_state")
		}
		m.Name = "get_subnet_condition"
		raw, err := md.Append(nil, 15)
		if err != nil {
			t.Fatal(err)
		}
		b.metadata = text(scale.AppendByteString([]byte{1}, raw))
		same(t, sync(t, b))
	})
}
