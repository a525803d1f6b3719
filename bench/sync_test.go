package bench

import (
	"os"
	goruntime "runtime"
	"testing"

	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/subtensor"
)

// BenchmarkSync syncs a subnet of 256 neurons whose runtime is known already. Of
// the node, which is another process, only the wait is in the figures; cpu-ns/op
// is what the client takes itself.
func BenchmarkSync(b *testing.B) {
	url, node := os.Getenv("BENCH_NODE"), "real"
	if url == "" {
		url, node = startNode(b, 256), "recorded"
	}
	c := dial(b, url)
	for name, full := range map[string]bool{"lite": false, "full": true} {
		sync := func() error {
			m, err := metagraph.Sync(b.Context(), c, netuid, metagraph.Options{Full: full})
			if err == nil && m.N() != 256 {
				b.Errorf("%d neurons", m.N())
			}
			return err
		}
		if err := sync(); err != nil {
			b.Fatal(err)
		}
		run(b, name+"/"+node+"/bt", 0, sync)
	}
}

func dial(t testing.TB, url string) *subtensor.Client {
	return dialWith(t, url, subtensor.Options{})
}

func dialWith(t testing.TB, url string, opts subtensor.Options) *subtensor.Client {
	t.Helper()
	c, err := subtensor.Dial(t.Context(), subtensor.Network{Name: "bench", Endpoint: url}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestSyncMemory holds what a whole sync allocates, from the socket to the
// columns, to a limit: the first one of a process, which connects and has metadata
// to fetch, the first one of a process that has it in its folder, and any other.
func TestSyncMemory(t *testing.T) {
	for _, tt := range []struct {
		neurons, entries int
		limit            uint64
	}{
		{256, 1730, 4 << 20},
		{manyUIDs, manyUIDs * manyUIDs / 10, 64 << 20},
	} {
		url := startNode(t, tt.neurons)
		opts := subtensor.Options{CacheDir: t.TempDir()}
		var c *subtensor.Client
		for _, name := range []string{"metadata to fetch", "metadata in the folder", "warm", "warm", "warm"} {
			allocated := allocates(func() {
				if name != "warm" {
					c = dialWith(t, url, opts)
				}
				m, err := metagraph.Sync(t.Context(), c, netuid, metagraph.Options{Full: true})
				if err != nil {
					t.Fatal(err)
				}
				if m.N() != tt.neurons || len(m.Weights.Entries) != tt.entries {
					t.Fatalf("%d neurons with %d weights", m.N(), len(m.Weights.Entries))
				}
			})
			t.Logf("a full sync of %d neurons with %d weights, %s, allocates %.1f MiB", tt.neurons, tt.entries, name, float64(allocated)/(1<<20))
			if allocated > tt.limit {
				t.Errorf("a full sync of %d neurons, %s, allocates %d bytes, want at most %d", tt.neurons, name, allocated, tt.limit)
			}
		}
	}
}

// allocates returns how many bytes f takes from the heap, freed ones included.
func allocates(f func()) uint64 {
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	f()
	goruntime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
