package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/subtensor"
)

const (
	runtime  = "293-aura"
	spec     = 293
	netuid   = 12
	manyUIDs = 2500
)

// sizes are the numbers of neurons that all decoders are measured with.
var sizes = []int{64, 256, manyUIDs}

// questions are what is asked of a subnet.
var questions = []struct{ name, api, method string }{
	{"neurons", "NeuronInfoRuntimeApi", "get_neurons"},
	{"lite", "NeuronInfoRuntimeApi", "get_neurons_lite"},
	{"metagraph", "SubnetInfoRuntimeApi", "get_metagraph"},
}

// metadataAnswer is the recorded answer of Metadata_metadata_at_version.
func metadataAnswer(t testing.TB) []byte {
	return vectors.Read(t, runtime+"/metadata_at_version_15.state_call.scale.gz")
}

// runtimeMetadata returns the metadata under which all answers were given.
func runtimeMetadata(t testing.TB) *metadata.Metadata {
	t.Helper()
	md, err := metadata.ParseAnswer(metadataAnswer(t))
	if err != nil {
		t.Fatal(err)
	}
	return md
}

// answer returns the answer of a method for a subnet of n neurons: 64 and 256 as
// a real runtime gave them, 2,500 made of those 256.
func answer(t testing.TB, md *metadata.Metadata, api, method string, n int) []byte {
	t.Helper()
	netuids := map[int]int{64: 1, 256: netuid, manyUIDs: netuid}
	data := vectors.Hex(t, fmt.Sprintf("%s/state_call/%s.netuid%d.hex.gz", runtime, method, netuids[n]))
	if n != manyUIDs {
		return data
	}
	return enlarged(t, md, api, method, data, 0)
}

// enlarged makes the answer about a subnet one about 2,500 neurons. Where row is
// not 0, each neuron has so many weights and bonds, which are as long as numbers
// get.
func enlarged(t testing.TB, md *metadata.Metadata, api, method string, data []byte, row int) []byte {
	t.Helper()
	m, ok := md.Method(api, method)
	if !ok {
		t.Fatalf("no %s_%s", api, method)
	}
	c := codec.New(md.Types)
	v, err := c.Value(m.Output, scale.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	switch v := v.(type) {
	case []any:
		data, err = c.Append(nil, m.Output, repeatNeurons(v, row))
	case *codec.Record:
		data, err = c.Append(nil, m.Output, repeatColumns(v))
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// repeatNeurons lists the neurons again and again, each under a uid of its own.
func repeatNeurons(neurons []any, row int) []any {
	entries := make([]any, row)
	for i := range entries {
		entries[i] = []any{uint64(i * (manyUIDs / row)), uint64(65535 - i)}
	}
	out := make([]any, manyUIDs)
	for i := range out {
		fields := slices.Clone(neurons[i%len(neurons)].(*codec.Record).Fields)
		for k := range fields {
			switch name := fields[k].Name; {
			case name == "uid":
				fields[k].Value = uint64(i)
			case row > 0 && (name == "weights" || name == "bonds"):
				fields[k].Value = entries
			}
		}
		out[i] = &codec.Record{Fields: fields}
	}
	return out
}

// repeatColumns does the same with the columns of a metagraph.
func repeatColumns(r *codec.Record) *codec.Record {
	n := 0
	if hotkeys, ok := r.Get("hotkeys"); ok {
		n = len(hotkeys.([]any))
	}
	fields := slices.Clone(r.Fields)
	for k, f := range fields {
		if column, ok := f.Value.([]any); ok && len(column) == n {
			long := make([]any, manyUIDs)
			for i := range long {
				long[i] = column[i%n]
			}
			fields[k].Value = long
		}
	}
	return &codec.Record{Fields: fields}
}

// TestInputs checks that the answers hold as many neurons as they should. With
// BENCH_INPUTS it writes them to that folder, for the decoders that are not in
// Go.
func TestInputs(t *testing.T) {
	md := runtimeMetadata(t)
	s, err := subtensor.NewSchema(md, spec)
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("BENCH_INPUTS")
	write := func(name string, data []byte) {
		if dir == "" {
			return
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("metadata", metadataAnswer(t))
	for _, q := range questions {
		for _, n := range sizes {
			data := answer(t, md, q.api, q.method, n)
			if got, err := decode(s, q.name, data); err != nil || got != n {
				t.Errorf("%s of %d: %d neurons, %v", q.name, n, got, err)
			}
			write(fmt.Sprintf("%s.%d", q.name, n), data)
		}
	}
}

// decode decodes an answer and returns how many neurons it holds.
func decode(s *subtensor.Schema, question string, data []byte) (int, error) {
	switch question {
	case "neurons":
		var v []subtensor.NeuronInfo
		err := s.Decode("NeuronInfoRuntimeApi_get_neurons", data, &v)
		return len(v), err
	case "lite":
		var v []subtensor.NeuronInfoLite
		err := s.Decode("NeuronInfoRuntimeApi_get_neurons_lite", data, &v)
		return len(v), err
	default:
		var v *subtensor.MetagraphInfo
		if err := s.Decode("SubnetInfoRuntimeApi_get_metagraph", data, &v); err != nil || v == nil {
			return 0, err
		}
		return len(v.Hotkeys), nil
	}
}
