package subtensor_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/subtensor"
)

// What two real runtimes answered about 64 neurons, and what @polkadot/api made of
// it: these files lie in the repository, so that whoever has nothing else tests
// real answers all the same. One is wrapped in bytes and read by the tables, the
// other is described by its metadata.
func TestSmallVectors(t *testing.T) {
	const method = "NeuronInfoRuntimeApi_get_neurons_lite"
	file := func(name string) string {
		path, err := filepath.Abs("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	var small struct {
		Answers map[string]string
		Neurons []map[string]any
	}
	vectors.JSON(t, file("neurons_lite.json.gz"), &small)
	for _, c := range []struct {
		dir, metadata string
		spec          uint32
		described     bool
	}{
		{"218-raonet", "metadata_v14.scale.gz", 218, false},
		{"293-aura", "metadata_at_version_15.state_call.scale.gz", 293, true},
	} {
		t.Run(c.dir, func(t *testing.T) {
			raw := vectors.Read(t, file(c.dir+"."+c.metadata))
			read := metadata.Parse
			if c.described {
				read = metadata.ParseAnswer
			}
			md, err := read(raw)
			if err != nil {
				t.Fatal(err)
			}
			schema, err := subtensor.NewSchema(md, c.spec)
			if err != nil {
				t.Fatal(err)
			}
			data := unhex(t, small.Answers[c.dir])
			var want []any
			for _, n := range small.Neurons {
				want = append(want, n[c.dir])
			}
			if l, err := schema.Choose(method, data); err != nil || l.Described != c.described || l.Wrapped == c.described {
				t.Errorf("%v, %v", l, err)
			}
			checkAnswer(t, schema, method, "neurons", data, want, true)

			t.Run("as in the vectors", func(t *testing.T) {
				if _, err := os.Stat(filepath.Join(vectors.Dir(t), c.dir)); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(raw, vectors.Read(t, c.dir+"/"+c.metadata)) {
					t.Error("other metadata")
				}
				if !bytes.Equal(data, vectors.Hex(t, c.dir+"/state_call/get_neurons_lite.netuid1.hex.gz")) {
					t.Error("another answer")
				}
				var all []any
				vectors.JSON(t, fmt.Sprintf("%s/state_call/get_neurons_lite.netuid1.expected.json.gz", c.dir), &all)
				if !reflect.DeepEqual(want, all) {
					t.Error("other neurons")
				}
			})
		})
	}
}
