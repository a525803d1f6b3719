package metagraph_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"net/netip"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// recording is what one release of the SDK made of a subnet.
type recording struct {
	folder, base string
	sdk          metagraph.SDK
	netuid       uint16
	full         bool
}

var recordingName = regexp.MustCompile(`^sdk([0-9.]+?)(-torch|-numpy)?\.netuid(\d+)\.(lite|full)\.npz$`)

// recordings returns all of them.
func recordings(t testing.TB) []recording {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(vectors.Parity(t), "*", "*.npz"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	var all []recording
	for _, path := range paths {
		name := recordingName.FindStringSubmatch(filepath.Base(path))
		if name == nil {
			t.Fatalf("%s: what is this?", path)
		}
		sdk, err := metagraph.ParseSDK(name[1])
		if err != nil {
			t.Fatal(err)
		}
		sdk.Torch = name[2] == "-torch"
		netuid, err := strconv.ParseUint(name[3], 10, 16)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, recording{filepath.Dir(path), strings.TrimSuffix(filepath.Base(path), ".npz"), sdk, uint16(netuid), name[4] == "full"})
	}
	return all
}

// answers returns what the chain answered when the recording was made.
func (r *recording) answers(t testing.TB, network string) metagraph.Answers {
	t.Helper()
	var in inputs
	vectors.JSON(t, filepath.Join(r.folder, "inputs.json.gz"), &in)
	schema, spec := schemaOf(t, filepath.Base(r.folder))
	a := metagraph.Answers{Netuid: r.netuid, Network: network, Block: in.Block}
	decode := func(method string, v any) {
		t.Helper()
		if err := schema.Decode(method, in.answer(t, method, r.netuid), v); err != nil {
			t.Fatal(err)
		}
	}
	if r.full {
		decode(getNeurons, &a.Neurons)
	} else {
		decode(getNeuronsLite, &a.Lite)
	}
	if spec >= 233 {
		decode(getSubnetState, &a.State)
	}
	if r.netuid == 0 {
		a.Subnets = in.subnets(t, filepath.Base(r.folder))
	}
	return a
}

// subnets returns the subnets that existed: those of the recorded storage, and
// what else the chain's own count says that there is.
func (in *inputs) subnets(t testing.TB, folder string) []uint16 {
	t.Helper()
	all := []uint16{}
	for name := range in.Storage {
		if digits, ok := strings.CutPrefix(name, "networksAdded("); ok {
			n, err := strconv.ParseUint(strings.TrimSuffix(digits, ")"), 10, 16)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, uint16(n))
		}
	}
	slices.Sort(all)
	var total struct{ Value string }
	if err := json.Unmarshal(in.Storage["totalNetworks"], &total); err != nil {
		t.Fatal(err)
	}
	switch total.Value {
	case fmt.Sprintf("0x%02x00", len(all)):
	case fmt.Sprintf("0x%02x00", len(all)+1):
		all = slices.Insert(all, 2, 3) // a subnet without neurons, of which nothing was recorded
	default:
		t.Fatalf("%s: %s networks, and %v were recorded", folder, total.Value, all)
	}
	return all
}

// words are the texts of a recording.
type words struct {
	Hotkeys   []string `json:"hotkeys"`
	Coldkeys  []string `json:"coldkeys"`
	Addresses []string `json:"addresses"`
	Axons     []string `json:"axons"`
	Fields    []struct {
		Version      uint32 `json:"version"`
		IP           string `json:"ip"`
		Port         uint16 `json:"port"`
		IPType       uint8  `json:"ip_type"`
		Hotkey       string `json:"hotkey"`
		Coldkey      string `json:"coldkey"`
		Protocol     uint8  `json:"protocol"`
		Placeholder1 uint8  `json:"placeholder1"`
		Placeholder2 uint8  `json:"placeholder2"`
	} `json:"axon_fields"`
	Str      string             `json:"str"`
	Repr     string             `json:"repr"`
	Metadata metagraph.Metadata `json:"metadata"`
	DTypes   map[string]string  `json:"dtypes"`
	Shapes   map[string][]int   `json:"shapes"`
	Missing  map[string]string  `json:"missing"`
	Neuron5  map[string]any     `json:"neuron5"`
	SavePath string             `json:"save_path"`
}

// Every array and every text that the Python SDK made of the recorded answers is
// what bt makes of them, in every release that was recorded: bit for bit, with
// the same types and shapes.
func TestParity(t *testing.T) {
	t.Parallel()
	seen := make(map[string]int)
	for _, r := range recordings(t) {
		seen[r.sdk.String()]++
		t.Run(filepath.Base(r.folder)+"/"+r.base, func(t *testing.T) {
			t.Parallel()
			var want words
			vectors.JSON(t, filepath.Join(r.folder, r.base+".json.gz"), &want)
			m, err := metagraph.FromAnswers(r.answers(t, want.Metadata.Network))
			if err != nil {
				t.Fatal(err)
			}
			sameArrays(t, npz(t, filepath.Join(r.folder, r.base+".npz")), m.As(r.sdk), &want)
			sameViews(t, &r, m)
			// On 202 the SDK reads ip and port the wrong way round.
			sameWords(t, &r, m, &want, filepath.Base(r.folder) != "202-dao")
		})
	}
	for _, sdk := range []string{"6.9.4", "7.4.0", "9.8.3", "10.5.0"} {
		if seen[sdk] == 0 {
			t.Errorf("nothing was recorded with %s", sdk)
		}
	}
}

// sameArrays compares what a release held with what As says that it holds.
func sameArrays(t *testing.T, want map[string]array, got []metagraph.Array, w *words) {
	t.Helper()
	found := make(map[string]metagraph.Array)
	for _, a := range got {
		found[a.Name] = a
		if _, ok := want[a.Name]; !ok {
			t.Errorf("%s: this version has none", a.Name)
		}
		if _, missing := w.Missing[a.Name]; missing {
			t.Errorf("%s: this version raises an error", a.Name)
		}
	}
	if s, ok := found["stake"]; ok {
		s.Name = "S" // a property of that value: total_stake up to version 8, then stake
		found["S"] = s
	}
	for name, x := range want {
		a, ok := found[name]
		if !ok {
			t.Errorf("%s is missing", name)
			continue
		}
		if !slices.Equal(x.shape, a.Shape) || !slices.Equal(w.Shapes[name], a.Shape) {
			t.Errorf("%s: shape %v, want %v", name, a.Shape, x.shape)
		}
		var values any = x.f32
		dtype := "float32"
		if x.i64 != nil {
			values, dtype = x.i64, "int64"
		} else if x.bools != nil {
			values, dtype = x.bools, "bool"
		}
		if w.DTypes[name] != dtype {
			t.Errorf("%s: the recording says both %s and %s", name, dtype, w.DTypes[name])
		}
		if !bytes.Equal(bits(t, values), bits(t, a.Data)) {
			t.Errorf("%s is %T: %s", name, a.Data, cmp.Diff(values, a.Data))
		}
	}
}

// bits returns numbers as they lie in memory, so that the sign of a zero counts.
func bits(t testing.TB, v any) []byte {
	t.Helper()
	b, err := binary.Append(fmt.Appendf(nil, "%T", v), binary.LittleEndian, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sameViews holds the short views to the arrays of the release that the era was
// made for.
func sameViews(t *testing.T, r *recording, m *metagraph.Metagraph) {
	t.Helper()
	want := make(map[string]any)
	for _, a := range m.As(r.sdk) {
		want[a.Name] = a.Data
	}
	for name, got := range map[string][]float32{
		"stake": m.S(), "total_stake": m.S(), "alpha_stake": m.AS(), "tao_stake": m.TS(),
		"ranks": m.R(), "trust": m.T(), "consensus": m.C(), "validator_trust": m.Tv(),
		"incentive": m.I(), "emission": m.E(), "dividends": m.D(),
	} {
		w, ok := want[name]
		if !ok {
			continue
		}
		if diff := cmp.Diff(w, any(got)); diff != "" {
			t.Errorf("view of %s: %s", name, diff)
		}
	}
	for name, got := range map[string][][]float32{"weights": m.W(), "bonds": m.B()} {
		if (got != nil) != (r.full && (r.netuid != 0 || name == "weights")) {
			t.Errorf("view of %s: %d rows", name, len(got))
		}
		if got == nil {
			continue
		}
		if all := slices.Concat(got...); !slices.Equal(want[name].([]float32), all) {
			t.Errorf("view of %s: %s", name, cmp.Diff(want[name], any(all)))
		}
	}
}

func sameWords(t *testing.T, r *recording, m *metagraph.Metagraph, want *words, axons bool) {
	t.Helper()
	metadata := m.Metadata()
	metadata.Version = r.sdk.String()
	for _, diff := range []string{
		cmp.Diff(want.Hotkeys, texts(m.Hotkeys)),
		cmp.Diff(want.Coldkeys, texts(m.Coldkeys)),
		cmp.Diff(want.Str, m.String()),
		cmp.Diff(want.Repr, m.String()),
		cmp.Diff(want.Metadata, metadata),
	} {
		if diff != "" {
			t.Error(diff)
		}
	}
	if axons {
		if diff := cmp.Diff(want.Addresses, m.Addresses()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want.Axons, m.AxonTexts()); diff != "" {
			t.Error(diff)
		}
	}
	for i, f := range want.Fields {
		a := &m.Axons[i]
		// Releases before 9 make nothing of the last three.
		rest := r.sdk.Major < 9 || a.Protocol == f.Protocol && a.Placeholder1 == f.Placeholder1 && a.Placeholder2 == f.Placeholder2
		if a.Version != f.Version || a.IPType != f.IPType || !rest ||
			m.Hotkeys[i].String() != f.Hotkey || m.Coldkeys[i].String() != f.Coldkey {
			t.Errorf("axon %d: %+v, want %+v", i, a, f)
		}
		if address := fmt.Sprintf("/ipv%d/%s:%d", f.IPType, f.IP, f.Port); axons && metagraph.AddressOf(*a) != address {
			t.Errorf("axon %d: %s, want %s", i, metagraph.AddressOf(*a), address)
		}
	}
	if m.N() > 5 {
		sameNeuron(t, m, want.Neuron5, axons)
	}
	if want.SavePath != "" {
		dir := filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(want.SavePath))))
		if got := metagraph.SaveDir(dir, m.Network, m.Netuid); got != filepath.Dir(want.SavePath) {
			t.Errorf("saved in %s, want %s", got, filepath.Dir(want.SavePath))
		}
	}
}

// sameNeuron compares the neuron with uid 5, whose numbers are Python's floats.
func sameNeuron(t *testing.T, m *metagraph.Metagraph, want map[string]any, axons bool) {
	t.Helper()
	n, err := m.Neuron(5)
	if err != nil {
		t.Fatal(err)
	}
	var stake uint64
	for _, s := range n.Stake {
		stake += s.Amount
	}
	got := map[string]any{
		"hotkey": n.Hotkey.String(), "coldkey": n.Coldkey.String(), "uid": n.UID, "netuid": n.Netuid, "active": n.Active,
		"stake": tau(stake), "total_stake": tau(stake), "last_update": n.LastUpdate, "validator_permit": n.ValidatorPermit,
		"rank": share(n.Rank), "incentive": share(n.Incentive), "consensus": share(n.Consensus), "trust": share(n.Trust),
		"validator_trust": share(n.ValidatorTrust), "dividends": share(n.Dividends), "emission": float64(n.Emission) / 1e9,
		"pruning_score": n.PruningScore, "stake_dict": stakeDict(n.Stake), "prometheus_info": prometheusText(n.PrometheusInfo),
		"is_null": false,
	}
	if axons {
		got["axon_info"] = strings.ReplaceAll(m.AxonTexts()[5], ",", "")
	}
	compared := 0
	for name, v := range got {
		w, ok := want[name]
		if !ok {
			continue
		}
		compared++
		// Some releases put commas into amounts.
		if f, ok := v.(float64); ok {
			if x, err := w.(json.Number).Float64(); err != nil || x != f {
				t.Errorf("neuron 5: %s is %v, want %v", name, f, w)
			}
		} else if fmt.Sprint(v) != strings.ReplaceAll(fmt.Sprint(w), ",", "") {
			t.Errorf("neuron 5: %s is %v, want %v", name, v, w)
		}
	}
	if compared < 13 {
		t.Errorf("neuron 5: only %d fields were recorded", compared)
	}
	for name := range want {
		if _, ok := got[name]; !ok && !slices.Contains([]string{"axon_info", "weights", "bonds"}, name) {
			t.Errorf("neuron 5: %s was recorded and not compared", name)
		}
	}
	for name, row := range map[string][]subtensor.WeightEntry{"weights": n.Weights, "bonds": n.Bonds} {
		w, ok := want[name].([]any)
		if ok && (name == "weights" || m.Netuid != 0) { // the root subnet's bonds are not read
			pairs := []any{}
			for _, e := range row {
				pairs = append(pairs, []any{json.Number(fmt.Sprint(e.UID)), json.Number(fmt.Sprint(e.Value))})
			}
			if diff := cmp.Diff(w, pairs); diff != "" {
				t.Errorf("neuron 5: %s: %s", name, diff)
			}
		}
	}
}

// stakeDict writes a stake list as Python does a dict of Balances, whose amounts
// have no commas.
func stakeDict(list []subtensor.StakeEntry) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, fmt.Sprintf("'%v': %s", s.Account, tau(s.Amount)))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

// prometheusText is the representation of the SDK's dataclass, without commas.
func prometheusText(p subtensor.PrometheusInfo) string {
	address := metagraph.AddressOf(subtensor.AxonInfo{IP: p.IP, Port: p.Port})
	ip := strings.TrimSuffix(strings.TrimPrefix(address, "/ipv0/"), fmt.Sprintf(":%d", p.Port))
	return fmt.Sprintf("PrometheusInfo(block=%d version=%d ip='%s' port=%d ip_type=%d)", p.Block, p.Version, ip, p.Port, p.IPType)
}

func share(v uint16) float64 { return float64(v) / 65535 }

// tau writes an amount as the SDK's Balance does.
func tau(rao uint64) string {
	return "τ" + new(big.Rat).SetFrac(new(big.Int).SetUint64(rao), big.NewInt(1e9)).FloatString(9)
}

func texts[T fmt.Stringer](list []T) []string {
	var s []string
	for _, x := range list {
		s = append(s, x.String())
	}
	return s
}

// The files that the SDK's save wrote hold the arrays of As in its order, bit for
// bit: pickles of NumPy have the bytes of an array behind its name, torch numbers
// them. And nothing lies in the folder that no test reads.
func TestParityFiles(t *testing.T) {
	t.Parallel()
	byPath := make(map[string]recording)
	for _, r := range recordings(t) {
		byPath[filepath.Join(r.folder, r.base)] = r
	}
	saved := make(map[string]bool)
	err := filepath.WalkDir(vectors.Parity(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := filepath.Base(path)
		base, isState := strings.CutSuffix(path, ".state.pt")
		if !isState {
			base = strings.TrimSuffix(strings.TrimSuffix(path, ".json.gz"), ".npz")
		}
		r, isRecording := byPath[base]
		switch {
		case isRecording && isState:
			saved[r.sdk.String()] = true
			t.Run(filepath.Base(r.folder)+"/"+name, func(t *testing.T) { sameState(t, &r, path) })
		case isRecording: // TestParity
		case strings.HasPrefix(name, "sdk11."): // TestParityToday
		case name == "inputs.json.gz": // both
		case name == "README.md":
		case strings.Contains(path, "/wallets/"): // wallet and substrate/keypair
		default:
			t.Errorf("%s: no test reads it", path)
		}
		return nil
	})
	if err != nil || len(saved) < 3 {
		t.Errorf("%v, files of %v", err, saved)
	}
}

func sameState(t *testing.T, r *recording, path string) {
	t.Helper()
	var want words
	vectors.JSON(t, filepath.Join(r.folder, r.base+".json.gz"), &want)
	m, err := metagraph.FromAnswers(r.answers(t, want.Metadata.Network))
	if err != nil {
		t.Fatal(err)
	}
	file := vectors.Read(t, path)
	var torch *zip.Reader
	if r.sdk.Torch {
		if torch, err = zip.NewReader(bytes.NewReader(file), int64(len(file))); err != nil {
			t.Fatal(err)
		}
	}
	uids := false
	for i, a := range m.As(r.sdk) {
		if a.Name == "total_stake" && r.sdk.Major >= 9 {
			continue // the same object as stake, which is there once
		}
		data, err := binary.Append(nil, binary.LittleEndian, a.Data)
		if err != nil {
			t.Fatal(err)
		}
		if torch != nil {
			names, err := fs.Glob(torch, fmt.Sprintf("*/data/%d", i))
			if err != nil || len(names) != 1 {
				t.Fatalf("%s: %v, %v", a.Name, names, err)
			}
			if got, err := fs.ReadFile(torch, names[0]); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s differs: %v", a.Name, err)
			}
			continue
		}
		if !uids { // behind them come axons and neurons, with the same names in them
			at := bytes.Index(file, append([]byte{0x8c, byte(len(a.Name))}, a.Name...)) // SHORT_BINUNICODE
			if at < 0 {
				t.Fatalf("%s is not in the file, or not in this order", a.Name)
			}
			file = file[at:]
		}
		uids = uids || a.Name == "uids"
		at := bytes.Index(file, data)
		if at < 0 || len(data) > 0 && !uids && at > 200 {
			t.Fatalf("%s: its bytes do not follow", a.Name)
		}
		file = file[at+len(data):]
	}
}

// today is what SDK 11.3.0 shows of a subnet and of its neurons.
type today struct {
	Metagraph struct {
		Mechid       int                        `json:"mechid"`
		Commitments  map[string]todayCommitment `json:"commitments"`
		Price        float64                    `json:"price"`
		MovingPrice  float64                    `json:"moving_price"`
		Raw          map[string]any             `json:"raw"`
		Neurons      []todayNeuron              `json:"neurons"`
		Unregistered map[string]any             `json:"unregistered_commitments"`
	} `json:"metagraph"`
	Neurons []struct {
		Raw             map[string]any `json:"raw"`
		UID             uint16         `json:"uid"`
		Hotkey          string         `json:"hotkey"`
		Coldkey         string         `json:"coldkey"`
		Active          bool           `json:"active"`
		ValidatorPermit bool           `json:"validator_permit"`
		LastUpdate      uint64         `json:"last_update"`
		TotalStake      todayAmount    `json:"total_stake"`
	} `json:"neurons"`
	Repr string `json:"repr"`
}

type todayAmount struct {
	Rao json.Number `json:"rao"`
}

type todayNeuron struct {
	UID                 uint16           `json:"uid"`
	Hotkey              string           `json:"hotkey"`
	Coldkey             string           `json:"coldkey"`
	Active              bool             `json:"active"`
	ValidatorPermit     bool             `json:"validator_permit"`
	LastUpdate          uint64           `json:"last_update"`
	BlockAtRegistration uint64           `json:"block_at_registration"`
	Rank                float64          `json:"rank"`
	Trust               float64          `json:"trust"`
	Consensus           float64          `json:"consensus"`
	Incentive           float64          `json:"incentive"`
	Dividends           float64          `json:"dividends"`
	Emission            todayAmount      `json:"emission"`
	AlphaStake          todayAmount      `json:"alpha_stake"`
	TaoStake            todayAmount      `json:"tao_stake"`
	TotalStake          todayAmount      `json:"total_stake"`
	Axon                *string          `json:"axon"`
	Identity            map[string]any   `json:"identity"`
	Commitment          *todayCommitment `json:"commitment"`
}

type todayCommitment struct {
	Hotkey      string              `json:"hotkey"`
	Block       uint64              `json:"block"`
	Deposit     todayAmount         `json:"deposit"`
	Data        string              `json:"data"`
	Encrypted   bool                `json:"encrypted"`
	RevealRound *uint64             `json:"reveal_round"`
	Revealed    []any               `json:"revealed"`
	Fields      []map[string]string `json:"fields"`
}

// What today's SDK shows of a subnet, field by field: the answer of get_metagraph,
// the full neurons, the identity and the commitment beside each neuron.
func TestParityToday(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(vectors.Parity(t), "*", "sdk11.*.json.gz"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, path := range paths {
		dir := filepath.Base(filepath.Dir(path))
		t.Run(dir+"/"+filepath.Base(path), func(t *testing.T) {
			var want today
			vectors.JSON(t, path, &want)
			raw := want.Metagraph.Raw
			netuid, err := raw["netuid"].(json.Number).Int64()
			if err != nil {
				t.Fatal(err)
			}

			// The answers as they were recorded.
			r := recording{folder: filepath.Dir(path), netuid: uint16(netuid), full: true}
			answers := r.answers(t, "parity")
			for i := range want.Neurons {
				w, n := &want.Neurons[i], &answers.Neurons[i]
				same(t, fmt.Sprintf("neuron %d", i), w.Raw, plain(reflect.ValueOf(*n)))
				var stake uint64
				for _, s := range n.Stake {
					stake += s.Amount
				}
				if w.UID != n.UID || w.Hotkey != n.Hotkey.String() || w.Coldkey != n.Coldkey.String() || w.Active != n.Active ||
					w.ValidatorPermit != n.ValidatorPermit || w.LastUpdate != n.LastUpdate || w.TotalStake != amountOf(stake) {
					t.Errorf("neuron %d: %+v, want %+v", i, n, w)
				}
			}
			var in inputs
			vectors.JSON(t, filepath.Join(r.folder, "inputs.json.gz"), &in)
			schema, _ := schemaOf(t, dir)
			const getMetagraph = "SubnetInfoRuntimeApi_get_metagraph"
			var info *subtensor.MetagraphInfo
			if err := schema.Decode(getMetagraph, in.answer(t, getMetagraph, r.netuid), &info); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"name", "symbol"} {
				raw[name] = fromBytes(t, raw[name])
			}
			same(t, "metagraph", raw, plain(reflect.ValueOf(*info)))
			if got := float64(info.TaoIn) / float64(info.AlphaIn); got != want.Metagraph.Price {
				t.Errorf("price %v, want %v", got, want.Metagraph.Price)
			}
			if got := info.MovingPrice.Float64(); got != want.Metagraph.MovingPrice {
				t.Errorf("moving price %v, want %v", got, want.Metagraph.MovingPrice)
			}

			// The same over the wire, with what is in the storage.
			n, client := newNode(t, dir)
			n.attach(t, dir, r.netuid, want.Metagraph.Neurons[0].LastUpdate)
			m, err := metagraph.Sync(t.Context(), client, r.netuid, metagraph.Options{Full: true, Commitments: true})
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Identities) != m.N() || len(m.Commitments) != m.N() || len(want.Metagraph.Neurons) != m.N() {
				t.Fatalf("%d neurons, %d identities, %d commitments", m.N(), len(m.Identities), len(m.Commitments))
			}
			for i, w := range want.Metagraph.Neurons {
				todayNeuronIs(t, m, info, i, &w)
			}
			if len(want.Metagraph.Unregistered) != 0 {
				t.Error("there are commitments of others, which this test does not know")
			}
			committed := make(map[string]todayCommitment)
			for i, c := range m.Commitments {
				if c != nil {
					committed[strconv.Itoa(i)] = todayCommitmentOf(m, i)
				}
			}
			if diff := cmp.Diff(want.Metagraph.Commitments, committed); diff != "" {
				t.Error(diff)
			}
			repr := fmt.Sprintf("Metagraph(netuid=%d, name='%s', block=%d, neurons=%d, commitments=%d+0 unregistered)", m.Netuid, info.Name, m.Block, m.N(), len(committed))
			if repr != want.Repr {
				t.Errorf("%s, want %s", repr, want.Repr)
			}
			// What it shows of the subnet besides is what it got, some of it scaled.
			var all struct{ Metagraph map[string]any }
			vectors.JSON(t, path, &all)
			for name, v := range all.Metagraph {
				if r, ok := raw[name]; ok && name != "moving_price" {
					if diff := cmp.Diff(numbers(v), numbers(r)); diff != "" && name != "identity" {
						t.Errorf("%s: %s", name, diff)
					}
				}
			}
		})
	}
}

func todayNeuronIs(t *testing.T, m *metagraph.Metagraph, info *subtensor.MetagraphInfo, i int, w *todayNeuron) {
	t.Helper()
	got := todayNeuron{
		UID: uint16(i), Hotkey: m.Hotkeys[i].String(), Coldkey: m.Coldkeys[i].String(),
		Active: m.Active[i], ValidatorPermit: m.ValidatorPermit[i], LastUpdate: m.LastUpdate[i],
		BlockAtRegistration: info.BlockAtRegistration[i],
		Rank:                share(m.Ranks[i]), Trust: share(m.Trust[i]), Consensus: share(m.Consensus[i]),
		Incentive: share(m.Incentive[i]), Dividends: share(m.Dividends[i]),
		Emission: amountOf(m.Emission[i]), AlphaStake: amountOf(m.AlphaStake[i]),
		TaoStake: amountOf(m.TaoStake[i]), TotalStake: amountOf(m.TotalStake[i]),
	}
	if m.Axons[i].Port != 0 {
		address := metagraph.AddressOf(m.Axons[i])
		at := address[strings.Index(address[1:], "/")+2:]
		colon := strings.LastIndex(at, ":")
		ip, err := netip.ParseAddr(at[:colon])
		if err != nil {
			t.Fatal(err)
		}
		endpoint := netip.AddrPortFrom(ip, m.Axons[i].Port).String()
		got.Axon = &endpoint
	}
	if id := m.Identities[i]; id != nil {
		got.Identity = map[string]any{
			"name": id.Name, "url": id.URL, "github_repo": id.GithubRepo, "image": id.Image,
			"discord": id.Discord, "description": id.Description, "additional": id.Additional,
		}
	}
	if m.Commitments[i] != nil {
		g := todayCommitmentOf(m, i)
		got.Commitment = &g
	}
	if diff := cmp.Diff(*w, got); diff != "" {
		t.Errorf("neuron %d: %s", i, diff)
	}
}

func todayCommitmentOf(m *metagraph.Metagraph, i int) todayCommitment {
	c := m.Commitments[i]
	g := todayCommitment{Hotkey: m.Hotkeys[i].String(), Block: c.Block, Deposit: amountOf(c.Deposit), Data: c.Text(), Revealed: []any{}}
	if round := c.RevealRound(); round != 0 {
		g.Encrypted, g.RevealRound = true, &round
	}
	for _, f := range c.Fields {
		g.Fields = append(g.Fields, map[string]string{f.Kind: fmt.Sprintf("0x%x", f.Data)})
	}
	return g
}

func amountOf(rao uint64) todayAmount { return todayAmount{json.Number(strconv.FormatUint(rao, 10))} }

// same compares a struct of the chain as JSON has it. Integers beyond what
// floats hold are texts there.
func same(t *testing.T, what string, want map[string]any, all any) {
	t.Helper()
	got := all.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		g, ok := got[name]
		if !ok {
			t.Errorf("%s: there is no %s", what, name)
			continue
		}
		if diff := cmp.Diff(numbers(want[name]), numbers(g)); diff != "" {
			t.Errorf("%s: %s: %s", what, name, diff)
		}
	}
}

// fromBytes makes a text of a list of bytes.
func fromBytes(t testing.TB, list any) string {
	t.Helper()
	var b []byte
	for _, x := range list.([]any) {
		v, err := x.(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, byte(v))
	}
	return string(b)
}

// numbers turns numbers into texts.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = numbers(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = numbers(v[k])
		}
		return out
	}
	return v
}

// attach gives the node the identities and the commitments of a subnet: the
// former lie in the vectors' storage, the latter in an answer that lists them.
// lastUpdate is that of the first neuron.
func (n *block) attach(t testing.TB, dir string, netuid uint16, lastUpdate uint64) {
	t.Helper()
	var stored struct {
		Rows []stored `json:"rows"`
	}
	vectors.JSON(t, dir+"/storage/IdentitiesV2.all.json.gz", &stored)
	for _, s := range stored.Rows {
		n.stored[s.Key] = s.Value
	}
	var listed struct {
		Commitments [][2]any `json:"commitments"`
	}
	vectors.JSON(t, fmt.Sprintf("%s/state_call/get_selective_metagraph.netuid%d_idx0to73.expected.json.gz", dir, netuid), &listed)
	var neurons []struct {
		LastUpdate uint64 `json:"last_update,string"`
	}
	vectors.JSON(t, fmt.Sprintf("%s/state_call/get_neurons_lite.netuid%d.expected.json.gz", dir, netuid), &neurons)
	prefix := mapPrefix("Commitments", "CommitmentOf", netuid)
	for _, c := range listed.Commitments {
		account, err := ss58.Parse(c[0].(string))
		if err != nil {
			t.Fatal(err)
		}
		// The block of a commitment (bytes 8 to 11) counts from where the subnets were
		// made, as the last updates do: not the same block in both recordings.
		value := []byte(fromBytes(t, c[1]))
		block := binary.LittleEndian.Uint32(value[8:]) + uint32(lastUpdate) - uint32(neurons[0].LastUpdate)
		binary.LittleEndian.PutUint32(value[8:], block)
		n.stored[text(twox64(prefix, account[:]))] = text(value)
	}
	if len(stored.Rows) == 0 || len(listed.Commitments) == 0 {
		t.Fatal("there are no identities or no commitments")
	}
}

// mapPrefix is where a map whose first key is a netuid, unhashed, begins.
func mapPrefix(pallet, item string, netuid uint16) []byte {
	key := append(twox128(pallet), twox128(item)...)
	return binary.LittleEndian.AppendUint16(key, netuid)
}

func twox128(s string) []byte {
	var sum []byte
	for seed := range uint64(2) {
		h := xxhash.NewWithSeed(seed)
		h.WriteString(s)
		sum = binary.LittleEndian.AppendUint64(sum, h.Sum64())
	}
	return sum
}

// twox64 appends a key and its hash before it.
func twox64(prefix, key []byte) []byte {
	out := binary.LittleEndian.AppendUint64(slices.Clone(prefix), xxhash.Sum64(key))
	return append(out, key...)
}

// plain turns a struct of the chain into what JSON has of it.
func plain(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case ss58.AccountID:
		return x.String()
	case scale.U128:
		hi := new(big.Int).Lsh(new(big.Int).SetUint64(x.Hi), 64)
		return hi.Add(hi, new(big.Int).SetUint64(x.Lo)).String()
	case subtensor.StakeEntry, subtensor.WeightEntry, subtensor.AccountAmount:
		return []any{plain(v.Field(0)), plain(v.Field(1))}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.Struct:
		fields := make(map[string]any)
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("scale"), ",")
			if name == "" {
				name = strings.ToLower(upper.ReplaceAllString(f.Name, "${1}_$2"))
			}
			fields[name] = plain(v.Field(i))
		}
		return fields
	case reflect.String, reflect.Bool:
		return v.Interface()
	default:
		return fmt.Sprint(v.Interface())
	}
}

var upper = regexp.MustCompile(`([a-z0-9])([A-Z])`)
