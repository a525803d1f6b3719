package metagraph_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/internal/tensorfile"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// small is a metagraph with something in every field.
func small() *metagraph.Metagraph {
	ramp := ss58.AccountID{}
	for i := range ramp {
		ramp[i] = byte(i)
	}
	return &metagraph.Metagraph{
		Netuid: 7, Network: "finney", Block: 12, MatrixBlock: 11,
		Hotkeys:  []ss58.AccountID{filled(1), ramp},
		Coldkeys: []ss58.AccountID{filled(3), filled(4)},
		Axons: []subtensor.AxonInfo{
			{Block: 5, Version: 720, IP: scale.U128{Hi: 0x20010db800000000, Lo: 1}, Port: 8091, IPType: 6, Protocol: 4, Placeholder1: 1, Placeholder2: 2},
			{},
		},
		Prometheus: []subtensor.PrometheusInfo{
			{},
			{Block: 9, Version: 7, IP: scale.U128{Lo: 0x01020304}, Port: 7091, IPType: 4},
		},
		Active: []bool{true, false}, ValidatorPermit: []bool{false, true},
		Ranks: []uint16{0, 65535}, Trust: []uint16{1, 2}, Consensus: []uint16{3, 4}, ValidatorTrust: []uint16{5, 6},
		Incentive: []uint16{7, 8}, Dividends: []uint16{9, 10}, PruningScore: []uint16{11, 12},
		Emission: []uint64{1e9, math.MaxUint64}, LastUpdate: []uint64{6, 5},
		Stakes:     [][]subtensor.StakeEntry{{{Account: filled(5), Amount: 10}, {Account: filled(6), Amount: 20}}, nil},
		TotalStake: []uint64{30, 0}, AlphaStake: []uint64{1, 2}, TaoStake: []uint64{3, 4},
		Weights: metagraph.NewMatrix([][]subtensor.WeightEntry{{{UID: 0, Value: 1}, {UID: 1, Value: 3}}, nil}, nil),
		Bonds:   metagraph.NewMatrix([][]subtensor.WeightEntry{nil, {{UID: 0, Value: 65535}}}, nil),
	}
}

// large is small with what files of layout 1 do not have.
func large() *metagraph.Metagraph {
	m := small()
	m.Identities = []*subtensor.ChainIdentity{
		nil,
		{Name: "ω", URL: "u", GithubRepo: "g", Image: "\xff", Discord: "", Description: "d\x00", Additional: "a"},
	}
	m.Commitments = []*subtensor.Commitment{
		{
			Block: 3, Deposit: math.MaxUint64,
			Fields:   []subtensor.CommitmentField{{Kind: "Raw2", Data: []byte{1, 2}}, {Kind: "TimelockEncrypted", Data: []byte{3}, RevealRound: 9}, {Kind: "ResetBondsFlag"}},
			Revealed: []subtensor.RevealedCommitment{{Block: 1, Data: []byte("x")}, {Block: 2}},
		},
		{},
	}
	return m
}

func filled(b byte) (a ss58.AccountID) {
	for i := range a {
		a[i] = b
	}
	return a
}

// The file was made by Python's safetensors 0.7 from arrays of NumPy.
func TestLoadPython(t *testing.T) {
	m, err := metagraph.LoadFrom("testdata/python.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(small(), m); diff != "" {
		t.Error(diff)
	}
}

func TestSaveLoad(t *testing.T) {
	root := filepath.Join(t.TempDir(), "metagraphs")
	m := large()
	for _, block := range []uint64{9, 100, 20} {
		m.Block = block
		path, err := m.Save(root)
		if err != nil {
			t.Fatal(err)
		}
		name := map[uint64]string{9: "block9", 100: "block100", 20: "block20"}[block]
		if want := filepath.Join(root, "network-finney", "netuid-7", name+".safetensors"); path != want {
			t.Errorf("saved as %s, want %s", path, want)
		}
	}
	dir := metagraph.SaveDir(root, "finney", 7)
	for _, name := range []string{"block-999.pt", "block0999.safetensors", "block999.safetensors.tmp", "block+999.safetensors", "block99999999999999999999.safetensors", "Block999.safetensors", "block.safetensors"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "block1000.safetensors"), 0o700); err != nil {
		t.Fatal(err)
	}
	got := metagraph.New(7, "finney")
	if err := got.Load(root); err != nil {
		t.Fatal(err)
	}
	m.Block = 100
	if diff := cmp.Diff(m, got); diff != "" {
		t.Error(diff)
	}

	// Saved again the file is the same to the byte.
	path := filepath.Join(dir, "block100.safetensors")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := got.Save(root); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
		t.Errorf("saved again the file differs: %v", err)
	}
}

// The bytes of what accounts say are part of the format: texts in the order of the
// chain's struct, each after its length; for a commitment its block, deposit,
// fields (kind, data, round) and what was opened (block, data).
func TestSaveBytes(t *testing.T) {
	data, err := metagraph.Encode(large())
	if err != nil {
		t.Fatal(err)
	}
	f, err := tensorfile.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	const zeros = "\x00\x00\x00\x00\x00\x00\x00"
	for name, want := range map[string]string{
		"identities_data": "\x08ω" + "\x04u" + "\x04g" + "\x04\xff" + "\x00" + "\x08d\x00" + "\x04a",
		"commitments_data": "\x03" + zeros + "\xff\xff\xff\xff\xff\xff\xff\xff" +
			"\x0c" + "\x10Raw2\x08\x01\x02\x00" + zeros + "\x44TimelockEncrypted\x04\x03\x09" + zeros + "\x38ResetBondsFlag\x00\x00" + zeros +
			"\x08" + "\x01" + zeros + "\x04x" + "\x02" + zeros + "\x00" +
			"\x00" + zeros + "\x00" + zeros + "\x00\x00",
	} {
		if got := string(f.Tensor(name).Data); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Mechanisms of a subnet do not overwrite each other.
func TestSaveLoadMechanism(t *testing.T) {
	root := t.TempDir()
	for _, k := range []uint8{0, 1, 255} {
		m := large()
		m.Mechanism = k
		m.Incentive = []uint16{uint16(k), 1}
		if _, err := m.Save(root); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range []uint8{0, 1, 255} {
		m := metagraph.New(7, "finney")
		m.Mechanism = k
		if err := m.Load(root); err != nil {
			t.Fatal(err)
		}
		if m.Mechanism != k || m.Incentive[0] != uint16(k) {
			t.Errorf("mechanism %d: loaded %d with incentives %v", k, m.Mechanism, m.Incentive)
		}
	}
	m := metagraph.New(7, "finney")
	m.Mechanism = 2
	if err := m.Load(root); !errors.Is(err, metagraph.ErrNoState) {
		t.Errorf("mechanism 2: %v", err)
	}
	dir := metagraph.SaveDir(root, "finney", 7)
	if err := os.Rename(filepath.Join(dir, "mechanism1"), filepath.Join(dir, "mechanism2")); err != nil {
		t.Fatal(err)
	}
	if err := m.Load(root); !errors.Is(err, metagraph.ErrBadState) || !strings.Contains(err.Error(), "moved") {
		t.Errorf("a folder that was renamed: %v", err)
	}
}

func TestSaveLoadReal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dir    string
		netuid uint16
	}{{"119-mock", 1}, {"218-raonet", 12}, {"293-aura", 1}, {"293-aura", 12}, {"475-backport", 12}} {
		m := fromVectors(t, c.dir, c.netuid)
		path, err := m.Save(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		got, err := metagraph.LoadFrom(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("%s, netuid %d: %s", c.dir, c.netuid, diff)
		}
	}
}

// What does not come from a chain can be saved too: nothing, rows of another
// number than neurons, root weights.
func TestSaveLoadProperty(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		m := metagraph.New(rapid.Uint16().Draw(t, "netuid"), rapid.String().Draw(t, "network"))
		if n := rapid.IntRange(0, 3).Draw(t, "n"); n > 0 {
			a := metagraph.Answers{Netuid: m.Netuid, Network: m.Network, Block: rapid.Uint64().Draw(t, "block")}
			a.Neurons = make([]subtensor.NeuronInfo, n)
			for i := range a.Neurons {
				a.Neurons[i] = subtensor.NeuronInfo{
					UID: uint16(i), Netuid: m.Netuid, Active: rapid.Bool().Draw(t, "active"), Dividends: rapid.Uint16().Draw(t, "dividends"),
					Weights: make([]subtensor.WeightEntry, rapid.IntRange(0, 3).Draw(t, "weights")),
				}
			}
			if rapid.Bool().Draw(t, "subnets") {
				a.Subnets = []uint16{0, 5}
			}
			var err error
			if m, err = metagraph.FromAnswers(a); err != nil {
				t.Fatal(err)
			}
			m.Bonds = metagraph.NewMatrix(make([][]subtensor.WeightEntry, rapid.IntRange(0, 3).Draw(t, "bonds")), nil)
		}
		if _, err := m.Save(root); err != nil {
			t.Fatal(err)
		}
		path := metagraph.SaveDir(root, m.Network, m.Netuid)
		latest, err := metagraph.LatestBlockPath(path)
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(path)
		got, err := metagraph.LoadFrom(latest)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestSaveDir(t *testing.T) {
	long := strings.Repeat("a", 500)
	for network, want := range map[string]string{
		"finney":                  "network-finney",
		"ws://127.0.0.1:9944/a?b": "network-ws%3a%2f%2f127.0.0.1%3a9944%2fa%3fb",
		"..":                      "network-.%2e",
		"Finney":                  "network-%46inney",
		`a\b`:                     "network-a%5cb",
		"":                        "network-",
		"\x00%":                   "network-%00%25",
		long:                      "network-" + long[:86] + "~", // and a hash
	} {
		dir := metagraph.SaveDir("root", network, 3)
		if got := filepath.Base(filepath.Dir(dir)); !strings.HasPrefix(got, want) || len(got) > 128 || len(got) != len(want) && network != long {
			t.Errorf("%q: %s, want %s", network, got, want)
		}
		if filepath.Base(dir) != "netuid-3" || filepath.Dir(filepath.Dir(dir)) != "root" {
			t.Errorf("%q: %s leaves the folder", network, dir)
		}
	}
	if metagraph.SaveDir("", long+"b", 1) == metagraph.SaveDir("", long+"c", 1) {
		t.Error("two long names share a folder")
	}
}

func TestLoadRefuses(t *testing.T) {
	root := t.TempDir()
	m := metagraph.New(7, "finney")
	if err := m.Load(root); !errors.Is(err, metagraph.ErrNoState) || !strings.Contains(err.Error(), "netuid-7") {
		t.Errorf("nothing saved: %v", err)
	}
	if _, err := metagraph.LoadFrom(filepath.Join(root, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := metagraph.LoadFrom(root); !errors.Is(err, metagraph.ErrBadState) {
		t.Errorf("a folder: %v", err)
	}
	other := small()
	other.Netuid = 8
	path, err := other.Save(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := metagraph.SaveDir(root, "finney", 7)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, filepath.Join(dir, "block12.safetensors")); err != nil {
		t.Fatal(err)
	}
	before := *m
	if err := m.Load(root); !errors.Is(err, metagraph.ErrBadState) || !strings.Contains(err.Error(), "moved") {
		t.Errorf("a file of another subnet: %v", err)
	}
	if diff := cmp.Diff(before, *m); diff != "" {
		t.Error(diff)
	}

	good, err := metagraph.Encode(large())
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"empty":  {},
		"cut":    good[:len(good)-1],
		"longer": append(slices.Clone(good), 0),
		"pickle": []byte("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x94."),
	} {
		refuse(t, name, data, "safetensors")
	}

	for _, c := range []struct {
		says   string
		change func(f *tensorfile.File)
	}{
		{"names the format", func(f *tensorfile.File) { f.Metadata = nil }},
		{"newer one", func(f *tensorfile.File) { f.Metadata["layout"] = "3" }},
		{"metadata", func(f *tensorfile.File) { f.Metadata["netuid"] = "65536" }},
		{"metadata", func(f *tensorfile.File) { f.Metadata["block"] = "-1" }},
		{"metadata", func(f *tensorfile.File) { delete(f.Metadata, "mechanism") }},
		{"metadata", func(f *tensorfile.File) { f.Metadata["mechanism"] = "256" }},
		{"no hotkeys", func(f *tensorfile.File) { drop(f, "hotkeys") }},
		{"no hotkeys, or too many", func(f *tensorfile.File) {
			replace(f, tensorfile.Of("hotkeys", make([]uint8, 65537*32), 65537, 32))
		}},
		{"shape [2 31]", func(f *tensorfile.File) { replace(f, tensorfile.Of("hotkeys", make([]uint8, 62), 2, 31)) }},
		{"trust is missing", func(f *tensorfile.File) { drop(f, "trust") }},
		{"shape [3]", func(f *tensorfile.File) { replace(f, tensorfile.Of("trust", []uint16{1, 2, 3})) }},
		{"holds U8", func(f *tensorfile.File) { replace(f, tensorfile.Of("trust", []uint8{1, 2})) }},
		{"shape [1]", func(f *tensorfile.File) { replace(f, tensorfile.Of("tao_stake", []uint64{1})) }},
		{"3 stake lists", func(f *tensorfile.File) { replace(f, tensorfile.Of("stake_starts", []uint32{0, 1, 1, 2})) }},
		{"before it begins", func(f *tensorfile.File) { replace(f, tensorfile.Of("stake_starts", []uint32{0, 3, 2})) }},
		{"begin at 0", func(f *tensorfile.File) { replace(f, tensorfile.Of("weights_starts", []uint32{1, 2, 2})) }},
		{"begin at 0", func(f *tensorfile.File) { replace(f, tensorfile.Of("weights_starts", []uint32{})) }},
		{"end at 9", func(f *tensorfile.File) { replace(f, tensorfile.Of("bonds_starts", []uint32{0, 0, 9})) }},
		{"before it begins", func(f *tensorfile.File) { replace(f, tensorfile.Of("weights_starts", []uint32{0, 4_000_000_000, 2})) }},
		{"1 values", func(f *tensorfile.File) { replace(f, tensorfile.Of("weights_values", []uint16{1})) }},
		{"does not fit", func(f *tensorfile.File) { replace(f, tensorfile.Of("stake_accounts", make([]uint8, 32), 1, 32)) }},
		{"stake_amounts is missing", func(f *tensorfile.File) { drop(f, "stake_amounts") }},
		{"3 identities for 2", func(f *tensorfile.File) { replace(f, tensorfile.Of("identities_starts", []uint32{0, 0, 0, 15})) }},
		{"rows that end at 1", func(f *tensorfile.File) { replace(f, tensorfile.Of("identities_starts", []uint32{0, 0, 1})) }},
		{"identities of uid 0", func(f *tensorfile.File) { replace(f, tensorfile.Of("identities_starts", []uint32{0, 1, 15})) }},
		{"commitments_data is missing", func(f *tensorfile.File) { drop(f, "commitments_data") }},
		{"commitments of uid 1", func(f *tensorfile.File) {
			// A count of a million fields.
			data := append(make([]byte, 16), 0x02, 0x09, 0x3d, 0x00)
			replace(f, tensorfile.Of("commitments_starts", []uint32{0, 0, uint32(len(data))}))
			replace(f, tensorfile.Of("commitments_data", data))
		}},
		{"weights_ids is missing", func(f *tensorfile.File) { drop(f, "weights_ids") }},
	} {
		f, err := tensorfile.Decode(good)
		if err != nil {
			t.Fatal(err)
		}
		c.change(f)
		data, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, c.says, data, c.says)
	}
}

func drop(f *tensorfile.File, name string) {
	f.Tensors = slices.DeleteFunc(f.Tensors, func(t tensorfile.Tensor) bool { return t.Name == name })
}

func replace(f *tensorfile.File, t tensorfile.Tensor) {
	drop(f, t.Name)
	f.Tensors = append(f.Tensors, t)
}

func refuse(t *testing.T, name string, data []byte, says string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "block1.safetensors")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := metagraph.LoadFrom(path)
	if !errors.Is(err, metagraph.ErrBadState) || m != nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
		t.Errorf("%s: %v, want an error that says %q", name, err, says)
	}
}

// A metagraph that was put together wrongly is not saved.
func TestSaveRefuses(t *testing.T) {
	for name, change := range map[string]func(m *metagraph.Metagraph){
		"ranks":       func(m *metagraph.Metagraph) { m.Ranks = nil },
		"tao_stake":   func(m *metagraph.Metagraph) { m.TaoStake = m.TaoStake[:1] },
		"axon_block":  func(m *metagraph.Metagraph) { m.Axons = m.Axons[:1] },
		"identities":  func(m *metagraph.Metagraph) { m.Identities = m.Identities[:1] },
		"commitments": func(m *metagraph.Metagraph) { m.Commitments = append(m.Commitments, nil) },
		"stake lists": func(m *metagraph.Metagraph) { m.Stakes = nil },
		"weights":     func(m *metagraph.Metagraph) { m.Weights.Starts = []uint32{0, 1} },
		"UTF-8":       func(m *metagraph.Metagraph) { m.Network = "\xff" },
	} {
		m := large()
		change(m)
		root := t.TempDir()
		_, err := m.Save(root)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
			t.Errorf("%s: %v was left behind, %v", name, left, err)
		}
	}
}

// The content of a file, without the file: the disk is slower than the decoder.
func FuzzLoadFrom(f *testing.F) {
	good, err := os.ReadFile("testdata/python.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	newest, err := metagraph.Encode(large())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(newest)
	f.Add([]byte{})
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	dir := f.TempDir()
	empty, err := metagraph.New(1, "local").Save(dir)
	if err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(empty)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := metagraph.Decode(data)
		if err != nil {
			if m != nil {
				t.Errorf("%v came with %v", err, m)
			}
			return
		}
		// All views stand on what was read.
		m.S()
		m.Addresses()
		if m.Weights.Rows() < 100 && m.Weights.Cols() < 100 {
			m.W()
		}
		for i := range m.N() {
			if _, err := m.Neuron(uint16(i)); err != nil {
				t.Error(err)
			}
		}
		again, err := metagraph.Encode(m)
		if err != nil {
			t.Fatalf("what was read cannot be saved: %v", err)
		}
		back, err := metagraph.Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, back); diff != "" {
			t.Error(diff)
		}
	})
}

func BenchmarkSaveLoad(b *testing.B) {
	m := fromVectors(b, "293-aura", 12)
	root := b.TempDir()
	path, err := m.Save(root)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("save", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Save(root); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := metagraph.LoadFrom(path); err != nil {
				b.Fatal(err)
			}
		}
	})
}
