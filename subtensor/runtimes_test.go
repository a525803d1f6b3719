package subtensor_test

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/metadata"
)

// Each case of a property takes a whole runtime here, which is worth fewer of them
// than rapid's hundred; -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	m.Run()
}

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

// listed are the runtimes of the vectors, once they were read.
var listed atomic.Pointer[[]runtime]

// runtimes returns every runtime of the vectors.
func runtimes(t testing.TB) []runtime {
	t.Helper()
	if all := listed.Load(); all != nil {
		return *all
	}
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
	listed.Store(&all)
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

// v14 returns the runtime's metadata of version 14, which the test may change.
func (r runtime) v14(t testing.TB) *metadata.Metadata {
	t.Helper()
	return parse(t, r.dir+"/metadata_v14.scale.gz")
}

// bare is v14 with no more storage than tells how an axon lies: nothing says when
// the runtime was built.
func (r runtime) bare(t testing.TB) *metadata.Metadata {
	t.Helper()
	md := *r.versions(t)[0]
	md.Pallets = slices.Clone(md.Pallets)
	p, ok := md.Pallet("SubtensorModule")
	if !ok {
		t.Fatal("no SubtensorModule")
	}
	p.Storage = slices.DeleteFunc(slices.Clone(p.Storage), func(e metadata.StorageEntry) bool { return e.Name != "Axons" && e.Name != "Prometheus" })
	return &md
}

// newest returns the metadata that a client would use: version 15 where the
// runtime has it. Tests share it.
func (r runtime) newest(t testing.TB) *metadata.Metadata {
	t.Helper()
	all := r.versions(t)
	return all[min(1, len(all)-1)]
}

// parsed are the metadata files that tests share, by name.
var parsed sync.Map

// versions returns the runtime's metadata in all versions that were recorded, 14
// first. Tests share it.
func (r runtime) versions(t testing.TB) []*metadata.Metadata {
	t.Helper()
	var all []*metadata.Metadata
	for _, name := range []string{"v14.scale.gz", "at_version_15.state_call.scale.gz", "at_version_16.state_call.scale.gz"} {
		name = r.dir + "/metadata_" + name
		if _, err := os.Stat(filepath.Join(vectors.Dir(t), name)); err != nil {
			continue
		}
		md, ok := parsed.Load(name)
		if !ok {
			md, _ = parsed.LoadOrStore(name, parse(t, name))
		}
		all = append(all, md.(*metadata.Metadata))
	}
	return all
}

// parse reads a file of metadata.
func parse(t testing.TB, name string) *metadata.Metadata {
	t.Helper()
	read := metadata.Parse
	if strings.Contains(name, "state_call") {
		read = metadata.ParseAnswer
	}
	md, err := read(vectors.Read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return md
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
