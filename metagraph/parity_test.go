package metagraph_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
)

// Every number that the Python SDK shows for a subnet is the one that bt shows,
// bit for bit.
func TestParity(t *testing.T) {
	for _, c := range []struct {
		dir     string
		sdk     string
		netuid  uint16
		full    bool
		subnets []uint16 // the columns of the SDK's root weights
	}{
		{dir: "119-mock", sdk: "sdk6.9.4-torch", netuid: 0},
		{dir: "119-mock", sdk: "sdk6.9.4-torch", netuid: 1},
		{dir: "119-mock", sdk: "sdk6.9.4-torch", netuid: 1, full: true},
		{dir: "119-mock", sdk: "sdk6.9.4-torch", netuid: 12},
		{dir: "119-mock", sdk: "sdk6.9.4-torch", netuid: 12, full: true},
		{dir: "119-mock", sdk: "sdk7.4.0-numpy", netuid: 0, full: true, subnets: []uint16{0, 1, 3, 12}},
		{dir: "119-mock", sdk: "sdk7.4.0-numpy", netuid: 12, full: true},
		{dir: "202-dao", sdk: "sdk7.4.0-numpy", netuid: 0, full: true, subnets: []uint16{0, 1, 3, 12}},
		{dir: "202-dao", sdk: "sdk7.4.0-numpy", netuid: 1, full: true},
		{dir: "202-dao", sdk: "sdk7.4.0-numpy", netuid: 12, full: true},
		{dir: "202-dao", sdk: "sdk7.4.0-torch", netuid: 0, full: true, subnets: []uint16{0, 1, 3, 12}},
		{dir: "202-dao", sdk: "sdk7.4.0-torch", netuid: 12, full: true},
		{dir: "293-aura", sdk: "sdk9.8.3", netuid: 0},
		{dir: "293-aura", sdk: "sdk9.8.3", netuid: 0, full: true, subnets: []uint16{0, 1, 12}},
		{dir: "293-aura", sdk: "sdk9.8.3", netuid: 1},
		{dir: "293-aura", sdk: "sdk9.8.3", netuid: 1, full: true},
		{dir: "293-aura", sdk: "sdk9.8.3", netuid: 12},
		{dir: "293-aura", sdk: "sdk9.8.3", netuid: 12, full: true},
		{dir: "475-backport", sdk: "sdk10.5.0", netuid: 1},
		{dir: "475-backport", sdk: "sdk10.5.0", netuid: 1, full: true},
		{dir: "475-backport", sdk: "sdk10.5.0", netuid: 12, full: true},
	} {
		mode := "lite"
		if c.full {
			mode = "full"
		}
		base := fmt.Sprintf("%s.netuid%d.%s", c.sdk, c.netuid, mode)
		t.Run(c.dir+"/"+base, func(t *testing.T) {
			folder := filepath.Join(vectors.Parity(t), c.dir)
			want := npz(t, filepath.Join(folder, base+".npz"))
			var words struct {
				Hotkeys   []string `json:"hotkeys"`
				Coldkeys  []string `json:"coldkeys"`
				Addresses []string `json:"addresses"`
				Str       string   `json:"str"`
				Metadata  struct {
					metagraph.Metadata
					Version string `json:"version"` // the SDK's own
				} `json:"metadata"`
			}
			vectors.JSON(t, filepath.Join(folder, base+".json.gz"), &words)

			var in inputs
			vectors.JSON(t, filepath.Join(folder, "inputs.json.gz"), &in)
			schema, spec := schemaOf(t, c.dir)
			a := metagraph.Answers{Netuid: c.netuid, Network: words.Metadata.Network, Block: in.Block, Subnets: c.subnets}
			decode := func(method string, v any) {
				if err := schema.Decode(method, in.answer(t, method, c.netuid), v); err != nil {
					t.Fatal(err)
				}
			}
			if c.full {
				decode(getNeurons, &a.Neurons)
			} else {
				decode(getNeuronsLite, &a.Lite)
			}
			if spec >= 233 {
				decode(getSubnetState, &a.State)
			}
			m, err := metagraph.FromAnswers(a)
			if err != nil {
				t.Fatal(err)
			}

			for name, got := range map[string][]float32{
				"S": m.S(), "total_stake": m.S(), "alpha_stake": m.AS(), "tao_stake": m.TS(),
				"ranks": m.R(), "trust": m.T(), "consensus": m.C(), "validator_trust": m.Tv(),
				"incentive": m.I(), "emission": m.E(), "dividends": m.D(),
			} {
				w, ok := want[name]
				if !ok { // stake of its own kind up to version 8, ranks and trust from version 10.0.1 on
					if name == "alpha_stake" && got != nil && spec < 233 {
						t.Error("alpha stake where there is no alpha")
					}
					continue
				}
				if diff := cmp.Diff(w.f32, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
			for name, got := range map[string][][]float32{"weights": m.W(), "bonds": m.B()} {
				w := want[name]
				values := w.f32
				for _, v := range w.i64 { // bonds are integers in some versions
					values = append(values, float32(v))
				}
				shape, all := flat(got)
				if !slices.Equal(shape, w.shape) {
					t.Errorf("%s: shape %v, want %v", name, shape, w.shape)
				} else if !slices.Equal(values, all) {
					t.Errorf("%s: %s", name, cmp.Diff(values, all))
				}
			}
			var active, lastUpdate []int64
			for i := range m.N() {
				lastUpdate = append(lastUpdate, int64(m.LastUpdate[i]))
				active = append(active, 0)
				if m.Active[i] {
					active[i] = 1
				}
			}
			for _, diff := range []string{
				cmp.Diff(want["active"].i64, active),
				cmp.Diff(want["last_update"].i64, lastUpdate),
				cmp.Diff(want["validator_permit"].bools, m.ValidatorPermit),
				cmp.Diff(want["n"].i64, []int64{int64(m.N())}),
				cmp.Diff(want["block"].i64, []int64{int64(m.Block)}),
				cmp.Diff(words.Hotkeys, texts(m.Hotkeys)),
				cmp.Diff(words.Coldkeys, texts(m.Coldkeys)),
				cmp.Diff(words.Str, m.String()),
			} {
				if diff != "" {
					t.Error(diff)
				}
			}
			// On 202 the SDK reads ip and port the wrong way round.
			if c.dir != "202-dao" {
				if diff := cmp.Diff(words.Addresses, m.Addresses()); diff != "" {
					t.Error(diff)
				}
			}
			wanted, got := words.Metadata.Metadata, m.Metadata()
			wanted.Version = got.Version
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func texts[T fmt.Stringer](list []T) []string {
	var s []string
	for _, x := range list {
		s = append(s, x.String())
	}
	return s
}
