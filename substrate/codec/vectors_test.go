package codec_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
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
	for _, d := range compare(nil, "", want, got) {
		t.Errorf("%s: %s", name, d)
	}
	again, err := c.Append([]byte("head"), id, got)
	if err != nil || !bytes.Equal(again, append([]byte("head"), data...)) {
		t.Errorf("%s: encoded again it differs: %v", name, err)
	}
}

// compare returns where a dynamic value differs from the JSON of @polkadot/api.
func compare(diffs []string, path string, want, got any) []string {
	if len(diffs) > 3 {
		return diffs
	}
	fine := false
	switch got := got.(type) {
	case nil:
		fine = want == nil
	case bool:
		fine = want == got
	case uint64, int64, *big.Int:
		fine = isNumber(want) && fmt.Sprint(want) == fmt.Sprint(got)
	case scale.U128:
		n := new(big.Int).Lsh(new(big.Int).SetUint64(got.Hi), 64)
		fine = isNumber(want) && fmt.Sprint(want) == n.Or(n, new(big.Int).SetUint64(got.Lo)).String()
	case string:
		fine = want == got
	case []byte:
		fine = want == "0x"+hex.EncodeToString(got) || len(got) == 32 && want == ss58.AccountID(got).String()
	case []any:
		list, ok := want.([]any)
		if object, isMap := want.(map[string]any); isMap && len(object) == len(got) {
			for _, pair := range got {
				pair := pair.([]any)
				diffs = compare(diffs, path+"{}", object[key(pair[0])], pair[1])
			}
			return diffs
		}
		if fine = ok && len(list) == len(got); fine {
			for i := range list {
				diffs = compare(diffs, fmt.Sprintf("%s[%d]", path, i), list[i], got[i])
			}
		}
	case *codec.Record:
		object, ok := want.(map[string]any)
		if fine = ok && len(object) == len(got.Fields); fine {
			// That implementation loses the "_" before digits.
			bare := make(map[string]any)
			for name, w := range object {
				bare[strings.ReplaceAll(name, "_", "")] = w
			}
			for _, f := range got.Fields {
				w, ok := bare[strings.ReplaceAll(f.Name, "_", "")]
				if !ok {
					diffs = append(diffs, fmt.Sprintf("%s: unexpected field %s", path, f.Name))
				}
				diffs = compare(diffs, path+"."+f.Name, w, f.Value)
			}
		}
	case *codec.Variant:
		switch {
		case got.Name == "Some": // an Option of an Option: JSON knows one null
			return compare(diffs, path, want, got.Fields[0].Value)
		case got.Name == "None":
			fine = want == nil
		case len(got.Fields) == 0 && want == got.Name:
			fine = true
		default: // {"Name": fields}
			object, ok := want.(map[string]any)
			if w, has := object[got.Name]; ok && has && len(object) == 1 {
				return compare(diffs, path+"."+got.Name, w, payload(got))
			}
		}
	}
	if !fine {
		diffs = append(diffs, fmt.Sprintf("%s: want %v, got %T %v", path, want, got, got))
	}
	return diffs
}

// payload returns what an enum's alternative holds in the form of other values.
func payload(v *codec.Variant) any {
	switch {
	case len(v.Fields) == 0:
		return nil
	case len(v.Fields) == 1 && v.Fields[0].Name == "":
		return v.Fields[0].Value
	case v.Fields[0].Name != "":
		return &v.Record
	}
	var list []any
	for _, f := range v.Fields {
		list = append(list, f.Value)
	}
	return list
}

// key writes the key of a map as JSON does.
func key(v any) string {
	if b, ok := v.([]byte); ok && len(b) == 32 {
		return ss58.AccountID(b).String()
	}
	return fmt.Sprint(v)
}

func isNumber(v any) bool {
	switch v.(type) {
	case json.Number, string:
		return true
	}
	return false
}
