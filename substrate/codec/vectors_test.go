package codec_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// answer is a recorded answer of a runtime.
type answer struct {
	Method   string `json:"method"`
	File     string `json:"file"`
	Expected string `json:"expected"`
	Wrapped  bool   `json:"vecU8Wrapped"`
}

// folder is a runtime of the vectors whose metadata describes its answers.
type folder struct {
	dir     string
	md      *metadata.Metadata
	answers []answer
}

// folders returns the runtimes with metadata of version 15.
func folders(t testing.TB) []folder {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(vectors.Dir(t), "*", "metadata_at_version_15.state_call.scale.gz"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no metadata of version 15: %v", err)
	}
	var all []folder
	for _, path := range paths {
		dir := filepath.Dir(path)
		if _, err := os.Stat(filepath.Join(dir, "meta.json")); err == nil {
			all = append(all, load(t, filepath.Base(dir)))
		}
	}
	return all
}

func load(t testing.TB, dir string) folder {
	t.Helper()
	f := folder{dir: dir}
	var meta struct {
		Calls []answer `json:"calls"`
	}
	vectors.JSON(t, dir+"/meta.json", &meta)
	f.answers = meta.Calls
	var err error
	if f.md, err = metadata.ParseAnswer(vectors.Read(t, dir+"/metadata_at_version_15.state_call.scale.gz")); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	return f
}

// output returns the type of a method's answer.
func (f folder) output(t testing.TB, method string) metadata.TypeID {
	t.Helper()
	api, name, _ := strings.Cut(method, "_")
	m, ok := f.md.Method(api, name)
	if !ok {
		t.Fatalf("%s: no method %s", f.dir, method)
	}
	return m.Output
}

// Every typed answer of every runtime equals what @polkadot/api made of it, and
// is encoded to the same bytes again.
func TestAnswers(t *testing.T) {
	total := 0
	for _, f := range folders(t) {
		t.Run(f.dir, func(t *testing.T) {
			c := codec.New(f.md.Types)
			for _, a := range f.answers {
				if a.Wrapped {
					continue
				}
				var want any
				vectors.JSON(t, f.dir+"/"+a.Expected, &want)
				check(t, a.File, c, f.output(t, a.Method), vectors.Hex(t, f.dir+"/"+a.File), want)
				total++
			}
		})
	}
	if total < 100 {
		t.Errorf("only %d answers were compared", total)
	}
}

// Every recorded row of storage does too.
func TestStorage(t *testing.T) {
	type row struct {
		Item, Key, Value string
		Decoded          any
	}
	total := 0
	for _, f := range folders(t) {
		t.Run(f.dir, func(t *testing.T) {
			c := codec.New(f.md.Types)
			files, err := filepath.Glob(filepath.Join(vectors.Dir(t), f.dir, "storage", "*"))
			if err != nil || len(files) == 0 {
				t.Fatal("no storage:", err)
			}
			for _, file := range files {
				item, _, _ := strings.Cut(filepath.Base(file), ".")
				var rows []row
				if item == "vectors" {
					vectors.JSON(t, file, &rows)
				} else {
					var table struct{ Rows []row }
					vectors.JSON(t, file, &table)
					rows = table.Rows
				}
				for _, r := range rows {
					if r.Item == "" {
						r.Item = item
					}
					entry := f.entry(r.Item)
					if entry == nil {
						t.Errorf("no storage entry %s", r.Item)
						break
					}
					if r.Value == "" {
						continue // absent
					}
					data, err := hex.DecodeString(strings.TrimPrefix(r.Value, "0x"))
					if err != nil {
						t.Fatal(err)
					}
					check(t, filepath.Base(file)+" "+r.Key, c, entry.Value, data, r.Decoded)
					total++
				}
			}
		})
	}
	if total < 10000 {
		t.Errorf("only %d rows were compared", total)
	}
}

func (f folder) entry(item string) *metadata.StorageEntry {
	for i := range f.md.Pallets {
		if e, ok := f.md.Pallets[i].Entry(item); ok && strings.HasPrefix(f.md.Pallets[i].Name, "Subtensor") {
			return e
		}
	}
	return nil
}

func check(t *testing.T, name string, c *codec.Codec, id metadata.TypeID, data []byte, want any) {
	t.Helper()
	r := scale.NewReader(data)
	got, err := c.Value(id, r)
	if err == nil {
		err = r.Finish()
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, d := range vectors.Diff(want, got) {
		t.Errorf("%s: %s", name, d)
	}
	again, err := c.Append([]byte("head"), id, got)
	if err != nil || !bytes.Equal(again, append([]byte("head"), data...)) {
		t.Errorf("%s: encoded again it differs: %v", name, err)
	}
}
