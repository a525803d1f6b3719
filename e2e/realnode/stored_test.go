//go:build realnode

package realnode

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bittensor-go/bt/subtensor"
)

// TestStored reads all subnets of real runtimes both ways, by the runtime's API
// and by storage, and finds the same neurons: stakes of nominators (119, and the
// lite answer of 218), stake as a weight (218), and alpha (293) among it.
func TestStored(t *testing.T) {
	for _, name := range []string{"119-mock", "218-raonet", "293-aura"} {
		t.Run(name, func(t *testing.T) {
			n := serve(t, name, 0)
			c, err := subtensor.Dial(t.Context(), subtensor.Network{Name: name, Endpoint: n.URL}, subtensor.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			s, err := c.AtHead(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			netuids, err := s.Netuids(t.Context())
			if err != nil || len(netuids) < 2 {
				t.Fatalf("subnets %v, %v", netuids, err)
			}
			for _, netuid := range netuids {
				full, err := s.Neurons(t.Context(), netuid)
				if err != nil {
					t.Fatal(err)
				}
				stored, err := s.StoredNeurons(t.Context(), netuid)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(full, stored, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("netuid %d (-answered +stored):\n%s", netuid, d)
				}
				lite, err := s.NeuronsLite(t.Context(), netuid)
				if err != nil {
					t.Fatal(err)
				}
				storedLite, err := s.StoredNeuronsLite(t.Context(), netuid)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(lite, storedLite, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("netuid %d lite (-answered +stored):\n%s", netuid, d)
				}
				entries, stake := 0, uint64(0)
				for _, neuron := range storedLite {
					for _, e := range neuron.Stake {
						entries++
						stake += e.Amount
					}
				}
				t.Logf("netuid %d: %d neurons both ways; %d stakes of %d rao in the lite list", netuid, len(stored), entries, stake)
			}
		})
	}
}

// TestMetagraphWithoutAPI reads the subnet of 64 neurons off runtime 143, which
// has no runtime API to ask. It was given what 119 was given.
func TestMetagraphWithoutAPI(t *testing.T) {
	n := serve(t, "143-finney", 0)
	restore(t, n)
	checkMetagraph(t, installed, "119-mock", n.URL, n.Head, t.TempDir())
}
