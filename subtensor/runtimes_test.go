package subtensor_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/metadata"
)

// runtime is a folder of the vectors: what a real runtime answered.
type runtime struct {
	dir  string
	spec uint32
	meta runtimeMeta
}

type runtimeMeta struct {
	ID   string      `json:"id"`
	Spec json.Number `json:"-"`
	Raw  struct {
		SpecVersion uint32 `json:"specVersion"`
		SpecName    string `json:"specName"`
	} `json:"spec"`
	Head struct {
		Number uint64 `json:"number"`
		Hash   string `json:"hash"`
	} `json:"head"`
	Calls []struct {
		Method   string `json:"method"`
		Args     string `json:"args"`
		File     string `json:"file"`
		Expected string `json:"expected"`
		Wrapped  bool   `json:"vecU8Wrapped"`
		// Roundtrip says that the independent implementation, too, encodes what it
		// decoded to the same bytes.
		Roundtrip bool `json:"roundtrip"`
	} `json:"calls"`
}

// runtimes returns every runtime of the vectors.
func runtimes(t testing.TB) []runtime {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(vectors.Dir(t), "*", "meta.json"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no runtimes in %s: %v", vectors.Dir(t), err)
	}
	sort.Strings(dirs)
	var all []runtime
	for _, path := range dirs {
		r := runtime{dir: filepath.Base(filepath.Dir(path))}
		vectors.JSON(t, path, &r.meta)
		r.spec = r.meta.Raw.SpecVersion
		if r.spec == 0 {
			t.Fatalf("%s: no spec version", path)
		}
		all = append(all, r)
	}
	return all
}

// find returns one runtime by its folder.
func find(t testing.TB, dir string) runtime {
	t.Helper()
	for _, r := range runtimes(t) {
		if r.dir == dir {
			return r
		}
	}
	t.Fatalf("no runtime %s", dir)
	return runtime{}
}

func (r runtime) v14(t testing.TB) *metadata.Metadata {
	t.Helper()
	md, err := metadata.Parse(vectors.Read(t, r.dir+"/metadata_v14.scale.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return md
}

// newest returns the metadata that a client would use: version 15 where the
// runtime has it.
func (r runtime) newest(t testing.TB) *metadata.Metadata {
	t.Helper()
	all := r.versions(t)
	return all[min(1, len(all)-1)]
}

// versions returns the runtime's metadata in all versions that were recorded, 14
// first.
func (r runtime) versions(t testing.TB) []*metadata.Metadata {
	t.Helper()
	all := []*metadata.Metadata{r.v14(t)}
	for _, version := range []string{"15", "16"} {
		name := r.dir + "/metadata_at_version_" + version + ".state_call.scale.gz"
		if _, err := os.Stat(filepath.Join(vectors.Dir(t), name)); err != nil {
			continue
		}
		md, err := metadata.ParseAnswer(vectors.Read(t, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, md)
	}
	return all
}

// answer returns a recorded answer and what it means.
func (r runtime) answer(t testing.TB, file, expected string) ([]byte, any) {
	t.Helper()
	var want any
	vectors.JSON(t, r.dir+"/"+expected, &want)
	return vectors.Hex(t, r.dir+"/"+file), want
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
