package metagraph_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/subtensor"
)

const (
	getNeurons     = "NeuronInfoRuntimeApi_get_neurons"
	getNeuronsLite = "NeuronInfoRuntimeApi_get_neurons_lite"
	getSubnetState = "SubnetInfoRuntimeApi_get_subnet_state"
)

// schemaOf returns how the runtime of a folder of the vectors encodes its answers,
// and its spec.
func schemaOf(t testing.TB, dir string) (*subtensor.Schema, uint32) {
	t.Helper()
	var meta struct {
		Spec struct {
			Version uint32 `json:"specVersion"`
		} `json:"spec"`
	}
	vectors.JSON(t, dir+"/meta.json", &meta)
	var md *metadata.Metadata
	var err error
	name := dir + "/metadata_at_version_15.state_call.scale.gz"
	if _, missing := os.Stat(filepath.Join(vectors.Dir(t), name)); missing == nil {
		md, err = metadata.ParseAnswer(vectors.Read(t, name))
	} else {
		md, err = metadata.Parse(vectors.Read(t, dir+"/metadata_v14.scale.gz"))
	}
	if err != nil {
		t.Fatal(err)
	}
	schema, err := subtensor.NewSchema(md, meta.Spec.Version)
	if err != nil {
		t.Fatal(err)
	}
	return schema, meta.Spec.Version
}

// inputs are the answers from which the SDK made its metagraphs.
type inputs struct {
	Block uint64 `json:"block"`
	Calls []struct {
		Method string `json:"method"`
		Netuid uint16 `json:"netuid"`
		Result string `json:"result"`
		Error  any    `json:"error"`
	} `json:"state_call"`
	Storage map[string]json.RawMessage `json:"storage"`
}

func (in *inputs) answer(t testing.TB, method string, netuid uint16) []byte {
	t.Helper()
	for _, c := range in.Calls {
		if c.Method == method && c.Netuid == netuid {
			b, err := hex.DecodeString(strings.TrimPrefix(c.Result, "0x"))
			if err != nil || len(b) == 0 {
				t.Fatalf("%s of netuid %d: %v, %v", method, netuid, err, c.Error)
			}
			return b
		}
	}
	t.Fatalf("no answer of %s for netuid %d", method, netuid)
	return nil
}

// fromVectors makes the metagraph of a subnet from a folder of the vectors.
func fromVectors(t testing.TB, dir string, netuid uint16) *metagraph.Metagraph {
	t.Helper()
	schema, spec := schemaOf(t, dir)
	a := metagraph.Answers{Netuid: netuid, Network: "finney", Block: 4200002}
	decode := func(method string, v any) {
		t.Helper()
		_, name, _ := strings.Cut(method, "_")
		file := fmt.Sprintf("%s/state_call/%s.netuid%d.hex.gz", dir, name, netuid)
		if err := schema.Decode(method, vectors.Hex(t, file), v); err != nil {
			t.Fatal(err)
		}
	}
	decode(getNeurons, &a.Neurons)
	if spec >= 233 {
		decode(getSubnetState, &a.State)
	}
	m, err := metagraph.FromAnswers(a)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// array is an array that NumPy wrote.
type array struct {
	shape []int
	f32   []float32
	i64   []int64
	bools []bool
}

var npyHeader = regexp.MustCompile(`'descr': '([^']+)', 'fortran_order': False, 'shape': \(([^)]*)\)`)

// npz reads the arrays of a file of NumPy (numpy.lib.format, version 1.0).
func npz(t testing.TB, path string) map[string]array {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	arrays := make(map[string]array)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		body, found := bytes.CutPrefix(data, []byte("\x93NUMPY\x01\x00"))
		if !found {
			t.Fatalf("%s: %s is no array", path, f.Name)
		}
		size := 2 + int(binary.LittleEndian.Uint16(body))
		header := npyHeader.FindSubmatch(body[2:size])
		if header == nil {
			t.Fatalf("%s: %s: header %q", path, f.Name, body[2:size])
		}
		a := array{shape: []int{}}
		n := 1
		for d := range strings.SplitSeq(string(header[2]), ",") {
			if d = strings.TrimSpace(d); d == "" {
				continue
			}
			v, err := strconv.Atoi(d)
			if err != nil {
				t.Fatal(err)
			}
			a.shape = append(a.shape, v)
			n *= v
		}
		var to any
		switch string(header[1]) {
		case "<f4":
			a.f32 = make([]float32, n)
			to = a.f32
		case "<i8":
			a.i64 = make([]int64, n)
			to = a.i64
		case "|b1":
			a.bools = make([]bool, n)
			to = a.bools
		default:
			t.Fatalf("%s: %s has type %s", path, f.Name, header[1])
		}
		if got, err := binary.Decode(body[size:], binary.LittleEndian, to); err != nil || got != len(body)-size {
			t.Fatalf("%s: %s: %d of %d bytes read, %v", path, f.Name, got, len(body)-size, err)
		}
		arrays[strings.TrimSuffix(f.Name, ".npy")] = a
	}
	return arrays
}

// flat returns a matrix as NumPy has it: its shape, and all rows one after the
// other.
func flat(rows [][]float32) ([]int, []float32) {
	if rows == nil {
		return []int{0}, []float32{}
	}
	return []int{len(rows), len(rows[0])}, slices.Concat(rows...)
}
