package subtensor_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

const (
	pallet     = "SubtensorModule"
	getNeurons = "NeuronInfoRuntimeApi_get_neurons"
)

// storedNode is a node that knows storage, and of runtime APIs metadata alone.
type storedNode struct {
	t       testing.TB
	version map[string]any
	v14     []byte
	v15     []byte // answer of Metadata_metadata_at_version, nil where there is none
	refusal string // what it says to other calls; empty: they are not expected

	url string

	mu     sync.Mutex
	values map[string]string // hexadecimal, by key
	sorted []string          // keys of values, as many as there were
	calls  int               // that were refused
}

// newStoredNode starts a node with the storage files of a runtime, and what they
// lack from the population that was written into it.
func newStoredNode(t testing.TB, r runtime) (*storedNode, *subtensor.Client) {
	t.Helper()
	n := &storedNode{t: t, values: make(map[string]string), v14: vectors.Read(t, r.dir+"/metadata_v14.scale.gz")}
	var meta struct {
		Spec map[string]any `json:"spec"`
	}
	vectors.JSON(t, r.dir+"/meta.json", &meta)
	n.version = meta.Spec
	if files, err := filepath.Glob(filepath.Join(vectors.Dir(t), r.dir, "metadata_at_version_15.*")); err != nil || len(files) > 0 {
		n.v15 = vectors.Read(t, files[0])
	}
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), r.dir, "storage", "*.json*"))
	if err != nil || len(files) < 12 {
		t.Fatalf("%d storage files of %s: %v", len(files), r.dir, err)
	}
	for _, file := range files {
		type row struct{ Key, Value string }
		var table struct{ Rows []row }
		if strings.HasPrefix(filepath.Base(file), "vectors.") {
			vectors.JSON(t, file, &table.Rows)
		} else {
			vectors.JSON(t, file, &table)
		}
		for _, row := range table.Rows {
			n.values[row.Key] = row.Value
		}
	}
	c := n.start()
	s, err := c.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, netuid := range []uint16{1, 12} {
		n.populate(s.Runtime, netuid)
	}
	return n, c
}

// start serves the node and connects to it.
func (n *storedNode) start() *subtensor.Client {
	n.t.Helper()
	n.url = nodetest.NewServer(n.t, n.serve).URL()
	return n.dial(n.url)
}

func (n *storedNode) dial(url string) *subtensor.Client {
	n.t.Helper()
	c, err := subtensor.Dial(n.t.Context(), subtensor.Network{Name: "stored", Endpoint: url}, subtensor.Options{})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	return c
}

// set stores a value where the runtime keeps the item, over no other.
func (n *storedNode) set(rt *substrate.Runtime, value []byte, item string, keys ...any) {
	n.t.Helper()
	p, ok := rt.Metadata.Pallet(pallet)
	if !ok {
		n.t.Fatal("no pallet")
	}
	if _, ok := p.Entry(item); !ok {
		return
	}
	key, err := rt.StorageKey(pallet, item, keys...)
	if err != nil {
		n.t.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.values[text(key)]; !ok {
		n.values[text(key)] = text(value)
	}
}

// populate adds to the storage files what they lack: owners, stakes and
// Prometheus endpoints, of the population that the runtime was given.
func (n *storedNode) populate(rt *substrate.Runtime, netuid uint16) {
	n.t.Helper()
	type key struct{ PublicKey string }
	var population struct {
		Neurons []struct {
			Hot, Cold key
			Stake     json.Number
			Noms      []struct {
				Cold  key
				Stake json.Number
			}
			Prom *struct {
				Block   uint64
				Version uint32
				IP      json.Number
				Port    uint16
				IPType  uint8
			}
		}
	}
	size := map[uint16]int{1: 64, 12: 256}[netuid]
	vectors.JSON(n.t, fmt.Sprintf("common/population.netuid%d.n%d.json.gz", netuid, size), &population)
	account := func(k key) ss58.AccountID { return ss58.AccountID(unhex(n.t, k.PublicKey)) }
	for _, p := range population.Neurons {
		hot, cold := account(p.Hot), account(p.Cold)
		n.set(rt, cold[:], "Owner", hot)
		if p.Prom != nil {
			b := binary.LittleEndian.AppendUint64(nil, p.Prom.Block)
			b = binary.LittleEndian.AppendUint32(b, p.Prom.Version)
			b = binary.LittleEndian.AppendUint64(b, amount(n.t, p.Prom.IP))
			b = binary.LittleEndian.AppendUint64(b, 0)
			b = binary.LittleEndian.AppendUint16(b, p.Prom.Port)
			n.set(rt, append(b, p.Prom.IPType), "Prometheus", netuid, hot)
		}
		total := uint64(0)
		stake := func(cold ss58.AccountID, amount uint64) {
			if total += amount; amount > 0 {
				n.set(rt, binary.LittleEndian.AppendUint64(nil, amount), "Stake", hot, cold)
			}
		}
		stake(cold, amount(n.t, p.Stake))
		for _, nom := range p.Noms {
			stake(account(nom.Cold), amount(n.t, nom.Stake))
		}
		if total > 0 {
			n.set(rt, binary.LittleEndian.AppendUint64(nil, total), "TotalHotkeyAlpha", hot, netuid)
			n.set(rt, binary.LittleEndian.AppendUint64(nil, total), "TotalHotkeyStake", hot)
		}
	}
}

func amount(t testing.TB, n json.Number) uint64 {
	t.Helper()
	v, ok := new(big.Int).SetString(n.String(), 10)
	if !ok || !v.IsUint64() {
		t.Fatalf("%q is no 64-bit number", n)
	}
	return v.Uint64()
}

func text(b []byte) string { return fmt.Sprintf("0x%x", b) }

func (n *storedNode) serve(c *nodetest.Conn) {
	c.Drain(func(msg []byte) {
		type question struct {
			ID     json.RawMessage   `json:"id"`
			Method string            `json:"method"`
			Params []json.RawMessage `json:"params"`
		}
		var list []question
		batch := msg[0] == '['
		if !batch {
			msg = slices.Concat([]byte("["), msg, []byte("]"))
		}
		if err := json.Unmarshal(msg, &list); err != nil {
			n.t.Error(err)
			return
		}
		answers := make([]map[string]any, len(list))
		for i, q := range list {
			answers[i] = map[string]any{"jsonrpc": "2.0", "id": q.ID}
			if result, refused := n.answer(q.Method, q.Params); refused != "" {
				answers[i]["error"] = map[string]any{"code": -32603, "message": refused}
			} else {
				answers[i]["result"] = result
			}
		}
		var reply any = answers
		if !batch {
			reply = answers[0]
		}
		out, err := json.Marshal(reply)
		if err != nil {
			n.t.Error(err)
		}
		if err := c.Send(string(out)); err != nil {
			n.t.Log(err)
		}
	})
}

const storedBlock = 4_200_002

func storedHash() string {
	zero := make([]byte, 32)
	enc := append(scale.AppendCompact(slices.Clone(zero), storedBlock), slices.Concat(zero, zero, []byte{0})...)
	sum := blake2b.Sum256(enc)
	return text(sum[:])
}

func (n *storedNode) answer(method string, params []json.RawMessage) (result any, refusal string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	zero := text(make([]byte, 32))
	param := func(i int, v any) {
		if err := json.Unmarshal(params[i], v); err != nil {
			n.t.Error(err)
		}
	}
	switch method {
	case "chain_getBlockHash":
		if string(params[0]) == "0" {
			return zero, ""
		}
		return storedHash(), ""
	case "chain_getHeader":
		return map[string]any{
			"number": fmt.Sprintf("0x%x", storedBlock), "parentHash": zero, "stateRoot": zero, "extrinsicsRoot": zero,
			"digest": map[string]any{"logs": []string{}},
		}, ""
	case "state_getRuntimeVersion":
		return n.version, ""
	case "state_getStorageHash":
		return zero, ""
	case "state_getMetadata":
		return text(n.v14), ""
	case "state_getKeysPaged":
		var prefix, after string
		var limit int
		param(0, &prefix)
		param(1, &limit)
		param(2, &after)
		if limit > 1000 {
			n.t.Errorf("%d keys asked for at once", limit)
		}
		keys := []string{}
		if len(n.sorted) != len(n.values) {
			n.sorted = slices.Sorted(maps.Keys(n.values))
		}
		from, _ := slices.BinarySearch(n.sorted, max(prefix, after+"!")) // the least that sorts after it
		for _, k := range n.sorted[from:] {
			if !strings.HasPrefix(k, prefix) || len(keys) == limit {
				break
			}
			keys = append(keys, k)
		}
		return keys, ""
	case "state_queryStorageAt":
		var keys []string
		param(0, &keys)
		if len(keys) > 1000 {
			n.t.Errorf("%d values asked for at once", len(keys))
		}
		changes := make([][2]any, len(keys))
		for i, k := range keys {
			changes[i][0] = k
			if v, ok := n.values[k]; ok {
				changes[i][1] = v
			}
		}
		return []any{map[string]any{"block": storedHash(), "changes": changes}}, ""
	case "state_call":
		var name string
		if param(0, &name); name == "Metadata_metadata_at_version" && n.v15 != nil {
			return text(n.v15), ""
		}
		if n.calls++; n.refusal == "" {
			n.t.Errorf("%s was called", name)
			return nil, "unexpected"
		}
		return nil, n.refusal
	}
	n.t.Errorf("%s was not expected", method)
	return nil, "unexpected"
}

// answered returns what a runtime itself answered.
func answered[T any](t testing.TB, r runtime, method string, netuid uint16) []T {
	t.Helper()
	schema, err := subtensor.NewSchema(r.newest(t), r.spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.meta.Calls {
		if c.Method == method && strings.HasSuffix(strings.TrimSuffix(c.File, ".gz"), fmt.Sprintf(".netuid%d.hex", netuid)) {
			var v []T
			if err := schema.Decode(method, vectors.Hex(t, r.dir+"/"+c.File), &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("%s has no %s of netuid %d", r.dir, method, netuid)
	return nil
}

// Storage tells what the runtime answers: every field of every neuron, in every
// era. Runtime 143 does not answer; it holds what 119 held.
func TestStoredNeurons(t *testing.T) {
	t.Parallel()
	for _, r := range runtimes(t) {
		t.Run(r.dir, func(t *testing.T) {
			t.Parallel()
			_, c := newStoredNode(t, r)
			s, err := c.AtHead(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			peer := r
			if r.dir == "143-finney" {
				peer = find(t, "119-mock")
			}
			for netuid, size := range map[uint16]int{1: 64, 12: 256} {
				got, err := s.StoredNeurons(t.Context(), netuid)
				if err != nil {
					t.Fatal(err)
				}
				want := answered[subtensor.NeuronInfo](t, peer, getNeurons, netuid)
				if d := diff(want, got); d != "" || len(got) != size {
					t.Errorf("netuid %d: %d neurons (-answered +stored):\n%s", netuid, len(got), d)
				}
				lite, err := s.StoredNeuronsLite(t.Context(), netuid)
				if err != nil {
					t.Fatal(err)
				}
				wantLite := answered[subtensor.NeuronInfoLite](t, peer, getNeurons+"_lite", netuid)
				if d := diff(wantLite, lite); d != "" {
					t.Errorf("netuid %d lite (-answered +stored):\n%s", netuid, d)
				}
			}
			var absent *subtensor.SubnetNotFoundError
			if _, err := s.StoredNeurons(t.Context(), 999); !errors.As(err, &absent) || !slices.Contains(absent.Existing, 12) {
				t.Errorf("netuid 999: %v", err)
			}
		})
	}
}

// diff compares as cmp.Diff does, but takes its time only where there is a
// difference.
func diff(want, got any) string {
	settle(reflect.ValueOf(want))
	settle(reflect.ValueOf(got))
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// settle makes empty lists nil in a slice of structs.
func settle(list reflect.Value) {
	for i := range list.Len() {
		for j := range list.Index(i).NumField() {
			if f := list.Index(i).Field(j); f.Kind() == reflect.Slice && f.Len() == 0 {
				f.SetZero()
			}
		}
	}
}

// Where the runtime lacks the API, neurons come from storage: at once where the
// node lists the runtime's APIs, else when it refuses the call.
func TestNeuronsWithoutAPI(t *testing.T) {
	want := answered[subtensor.NeuronInfo](t, find(t, "119-mock"), getNeurons, 1)
	for _, c := range []struct {
		name, dir, refusal string
		unlisted           bool // the node lists no APIs
		stored             bool
	}{
		{"listed", "143-finney", "", false, true},
		{"unlisted", "143-finney", "Internal Error: Function to start was not found.", true, true},
		{"not exported", "119-mock", "Client error: Execution failed: Other: Exported method NeuronInfoRuntimeApi_get_neurons is not found", false, true},
		{"not found", "119-mock", "Client error: Execution failed: Method not found: 'NeuronInfoRuntimeApi_get_neurons'", false, true},
		{"trap", "119-mock", "Client error: Execution failed: Execution aborted due to trap: wasm trap: wasm `unreachable` instruction executed", false, false},
		{"state", "119-mock", "Client error: UnknownBlock: State already discarded for 0x00", false, false},
		{"node", "119-mock", "Method not found", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, client := newStoredNode(t, find(t, c.dir))
			if c.unlisted {
				n.version["apis"] = []any{}
				client = n.dial(n.url)
			}
			n.refusal = c.refusal
			s, err := client.AtHead(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Neurons(t.Context(), 1)
			lite, errLite := s.NeuronsLite(t.Context(), 1)
			if !c.stored {
				if err == nil || !strings.Contains(err.Error(), c.refusal) || errLite == nil {
					t.Errorf("%v, %v", err, errLite)
				}
				return
			}
			if err != nil || errLite != nil {
				t.Fatal(err, errLite)
			}
			if d := diff(want, got); d != "" {
				t.Error(d)
			}
			for i := range lite {
				if d := cmp.Diff(want[i].Lite(), lite[i], cmpopts.EquateEmpty()); d != "" {
					t.Error(d)
				}
			}
			if len(lite) != len(want) || n.calls > 0 != (c.refusal != "") {
				t.Errorf("%d neurons, %d calls", len(lite), n.calls)
			}
		})
	}
}

// A single neuron comes from storage too, as the runtime lists it. What storage
// does not tell in one piece is a MethodError.
func TestNeuronWithoutAPI(t *testing.T) {
	t.Parallel()
	n, client := newStoredNode(t, find(t, "143-finney"))
	gate := nodetest.NewGate(t, n.url)
	s, err := n.dial(gate.URL()).AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := answered[subtensor.NeuronInfo](t, find(t, "119-mock"), getNeurons, 12)
	for _, uid := range []uint16{0, 7, 255} {
		var full subtensor.NeuronInfo
		var lite subtensor.NeuronInfoLite
		// The columns; what is kept for the hotkey, and its nominators; their stakes.
		trips := []int{1, 1 + 1}
		if len(want[uid].Stake) > 0 {
			trips = append(trips, 1)
		}
		gate.Trips(func() { full, err = s.Neuron(t.Context(), 12, uid) }, trips...)
		if err != nil {
			t.Fatal(err)
		}
		gate.Trips(func() { lite, err = s.NeuronLite(t.Context(), 12, uid) }, trips...)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want[uid], full, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("uid %d (-answered +stored):\n%s", uid, d)
		}
		if d := cmp.Diff(want[uid].Lite(), lite, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("uid %d lite (-answered +stored):\n%s", uid, d)
		}
	}
	if _, err := s.Neuron(t.Context(), 12, 256); !errors.Is(err, subtensor.ErrNeuronNotFound) {
		t.Errorf("uid 256: %v", err)
	}
	if _, err := s.NeuronLite(t.Context(), 999, 0); !errors.Is(err, subtensor.ErrSubnetNotFound) {
		t.Errorf("netuid 999: %v", err)
	}
	n.refusal = "Client error: Execution failed: Other: Exported method is not found"
	if s, err = client.AtHead(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func() error{
		"Subnet":      func() error { _, err := s.Subnet(t.Context(), 12); return err },
		"SubnetInfos": func() error { _, err := s.SubnetInfos(t.Context()); return err },
		"Hyperparams": func() error { _, err := s.Hyperparams(t.Context(), 12); return err },
	} {
		var missing *subtensor.MethodError
		if err := ask(); !errors.As(err, &missing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Columns that are too short, and what is not there at all, read as the runtime
// reads them.
func TestStoredGaps(t *testing.T) {
	n, c := newStoredNode(t, find(t, "119-mock"))
	s, err := c.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := answered[subtensor.NeuronInfo](t, find(t, "119-mock"), getNeurons, 1)
	key := func(item string, keys ...any) string {
		k, err := s.Runtime.StorageKey(pallet, item, keys...)
		if err != nil {
			t.Fatal(err)
		}
		return text(k)
	}
	n.mu.Lock()
	for _, item := range []string{"Rank", "PruningScores", "Active", "LastUpdate", "Emission"} {
		n.values[key(item, uint16(1))] = "0x00"
	}
	n.values[key("Consensus", uint16(1))] = "0x04" + fmt.Sprintf("%02x%02x", want[0].Consensus&255, want[0].Consensus>>8)
	delete(n.values, key("ValidatorPermit", uint16(1)))
	delete(n.values, key("Owner", want[2].Hotkey))
	delete(n.values, key("Uids", uint16(1), want[4].Hotkey))
	delete(n.values, key("Keys", uint16(1), uint16(60)))
	n.mu.Unlock()
	want = want[:60] // up to the first without a hotkey
	for i := range want {
		w := &want[i]
		w.Rank, w.PruningScore, w.Active, w.LastUpdate, w.Emission, w.ValidatorPermit = 0, 65535, false, 0, 0, false
		if i > 0 {
			w.Consensus = 0
		}
	}
	want[2].Coldkey = ss58.AccountID{}
	got, err := s.StoredNeurons(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(want, got); d != "" {
		t.Error(d)
	}
}

// From spec 195 to 219 a hotkey's stake is its own without what it gives to
// children and with what it has of parents, and no more than the subnet allows. No
// runtime of the vectors is of that time: this is 185 with the storage of 195.
func TestStoredFamily(t *testing.T) {
	r := find(t, "185-local")
	md := r.v14(t)
	p, _ := md.Pallet(pallet)
	add := func(name, like, key, value string, empty []byte) {
		e, ok := p.Entry(like)
		if !ok {
			t.Fatalf("no storage %s", like)
		}
		added := *e
		added.Name, added.Default = name, empty
		var err error
		if added.Key, err = md.Types.Resolve(key); err == nil {
			added.Value, err = md.Types.Resolve(value)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.Storage = append(p.Storage, added)
	}
	add("ParentKeys", "Stake", "(AccountId, u16)", "Vec<(u64, AccountId)>", []byte{0})
	add("ChildKeys", "Stake", "(AccountId, u16)", "Vec<(u64, AccountId)>", []byte{0})
	add("NetworkMaxStake", "Tempo", "u16", "u64", slices.Repeat([]byte{255}, 8))
	v14, err := md.Append(nil, 14)
	if err != nil {
		t.Fatal(err)
	}

	const whole = ^uint64(0)
	type share struct {
		part uint64
		of   byte
	}
	account := func(i byte) ss58.AccountID { return ss58.AccountID{i, 1} }
	family := func(list []share) []byte {
		b := scale.AppendCompact(nil, uint64(len(list)))
		for _, s := range list {
			a := account(s.of)
			b = append(binary.LittleEndian.AppendUint64(b, s.part), a[:]...)
		}
		return b
	}
	u64 := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
	u16 := func(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
	elders := map[byte]uint64{100: 7_000_000_001, 101: 9_000_000_000, 102: whole, 103: whole}
	// A part is floor(part * 2^32 / (2^64-1)) / 2^32 of an amount, rounded down.
	for _, c := range []struct {
		name              string
		total             uint64
		parents, children []share
		most              uint64 // 0: not stored
		want              uint64
	}{
		{"alone", 1000, nil, nil, 0, 1000},
		{"children", 1_000_000_000_000, nil, []share{{whole / 2, 9}, {whole / 4, 8}}, 0, 1_000_000_000_000 - 499_999_999_767 - 249_999_999_767},
		{"parents", 3, []share{{whole, 100}, {whole / 3, 101}}, nil, 0, 3 + 7_000_000_001 + 2_999_999_999},
		{"capped", 5, []share{{whole, 102}}, nil, 5_000_000, 5_000_000},
		{"gives all", 5, nil, []share{{whole, 1}, {whole, 2}}, 0, 0},
		{"saturates", whole, []share{{whole, 102}, {whole, 103}}, nil, 0, whole},
	} {
		for _, spec := range []uint32{195, 205, 210} {
			t.Run(fmt.Sprintf("%s/%d", c.name, spec), func(t *testing.T) {
				n := &storedNode{t: t, v14: v14, values: make(map[string]string), version: map[string]any{
					"specName": "node-subtensor", "specVersion": spec, "transactionVersion": 1, "apis": []any{},
				}}
				client := n.start()
				s, err := client.AtHead(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				hotkey, coldkey, nominator := account(1), account(77), account(78)
				netuid := uint16(3)
				n.set(s.Runtime, []byte{1}, "NetworksAdded", netuid)
				n.set(s.Runtime, u16(1), "SubnetworkN", netuid)
				n.set(s.Runtime, hotkey[:], "Keys", netuid, uint16(0))
				n.set(s.Runtime, u16(0), "Uids", netuid, hotkey)
				n.set(s.Runtime, coldkey[:], "Owner", hotkey)
				n.set(s.Runtime, u64(c.total), "TotalHotkeyStake", hotkey)
				n.set(s.Runtime, u64(6), "Stake", hotkey, nominator)
				n.set(s.Runtime, family(c.parents), "ParentKeys", hotkey, netuid)
				n.set(s.Runtime, family(c.children), "ChildKeys", hotkey, netuid)
				if c.most > 0 {
					n.set(s.Runtime, u64(c.most), "NetworkMaxStake", netuid)
				}
				for elder, total := range elders {
					n.set(s.Runtime, u64(total), "TotalHotkeyStake", account(elder))
				}
				full, err := s.StoredNeurons(t.Context(), netuid)
				lite, errLite := s.StoredNeuronsLite(t.Context(), netuid)
				if err != nil || errLite != nil || len(full) != 1 || len(lite) != 1 {
					t.Fatal(full, err, lite, errLite)
				}
				one := []subtensor.StakeEntry{{Account: coldkey, Amount: c.want}}
				if !slices.Equal(full[0].Stake, one) {
					t.Errorf("%v, want %v", full[0].Stake, one)
				}
				if spec == 205 { // whose lite list is of nominators
					one = []subtensor.StakeEntry{{Account: nominator, Amount: 6}}
				}
				if !slices.Equal(lite[0].Stake, one) {
					t.Errorf("lite: %v, want %v", lite[0].Stake, one)
				}
			})
		}
	}
}

// A subnet of more neurons than a node lists at once is read whole, the requests
// bounded, and takes no more trips where the hotkeys were asked for ahead.
func TestStoredMany(t *testing.T) {
	n, direct := newStoredNode(t, find(t, "119-mock"))
	s, err := direct.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const size, netuid = 1100, uint16(40)
	n.set(s.Runtime, []byte{1}, "NetworksAdded", netuid)
	n.set(s.Runtime, binary.LittleEndian.AppendUint16(nil, size), "SubnetworkN", netuid)
	var want []subtensor.NeuronInfoLite
	for uid := range uint16(size) {
		hotkey, coldkey := ss58.AccountID{byte(uid), byte(uid >> 8), 1}, ss58.AccountID{byte(uid), byte(uid >> 8), 2}
		amount := uint64(uid) + 5
		n.set(s.Runtime, hotkey[:], "Keys", netuid, uid)
		n.set(s.Runtime, binary.LittleEndian.AppendUint16(nil, uid), "Uids", netuid, hotkey)
		n.set(s.Runtime, coldkey[:], "Owner", hotkey)
		n.set(s.Runtime, binary.LittleEndian.AppendUint64(nil, amount), "Stake", hotkey, coldkey)
		want = append(want, subtensor.NeuronInfoLite{
			Hotkey: hotkey, Coldkey: coldkey, UID: uid, Netuid: netuid, PruningScore: 65535,
			Stake: []subtensor.StakeEntry{{Account: coldkey, Amount: amount}},
		})
	}
	got, err := s.StoredNeuronsLite(t.Context(), netuid)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	gate := nodetest.NewGate(t, n.url)
	c := n.dial(gate.URL())
	gate.Trips(func() {
		s, err := c.AtHead(t.Context(), subtensor.AskUids(netuid)...)
		if err == nil {
			got, err = s.StoredNeuronsLite(t.Context(), netuid)
		}
		if err != nil || !cmp.Equal(want, got) {
			t.Errorf("%d neurons, %v", len(got), err)
		}
	}, 1, 2+2, 5+size, 2) // 13 columns and 4 values of each neuron; lists for all hotkeys; their stakes
}

// With its runtime's metadata at hand, a client waits four times for a node that
// has to be read by storage: for the block, for its runtime, and twice for storage;
// where nominators are listed the hotkeys have to be asked for ahead for that.
func TestStoredTrips(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dir   string
		ahead []substrate.Question
		trips []int // requests
	}{
		// The header; version and hash of the code; 13 columns, the list of hotkeys;
		// 1280 values of 256 neurons.
		{"293-aura", nil, []int{1, 2, 1 + 1, 2}},
		{"293-aura", subtensor.AskUids(12), []int{1, 2 + 2, 2}},
		// The lists of 256 hotkeys' nominators, then their stakes.
		{"143-finney", nil, []int{1, 2, 1 + 1, 2 + 256, 1}},
		{"143-finney", subtensor.AskUids(12), []int{1, 2 + 2, 2 + 256, 1}},
	} {
		t.Run(fmt.Sprintf("%s/%d", c.dir, len(c.trips)), func(t *testing.T) {
			t.Parallel()
			n, direct := newStoredNode(t, find(t, c.dir))
			gate := nodetest.NewGate(t, n.url)
			client := n.dial(gate.URL())
			s, err := direct.AtHead(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want, err := s.StoredNeuronsLite(t.Context(), 12)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			gate.Trips(func() {
				s, err := client.AtHead(ctx, c.ahead...)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := s.StoredNeuronsLite(ctx, 12)
				if err != nil || len(got) != 256 || !cmp.Equal(want, got) {
					t.Errorf("%d neurons, %v", len(got), err)
				}
			}, c.trips...)
		})
	}
}

// What a node answers wrongly is an error that names the item.
func TestStoredLies(t *testing.T) {
	for _, c := range []struct {
		name, item, value string
	}{
		{"short hotkey", "Keys", "0x1234"},
		{"column of rubbish", "Emission", "0xff"},
		{"more neurons than there are", "SubnetworkN", "0x01"},
		{"short axon", "Axons", "0x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, client := newStoredNode(t, find(t, "143-finney"))
			s, err := client.AtHead(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			prefix, err := s.Runtime.StorageKey(pallet, c.item, uint16(1))
			if err != nil {
				t.Fatal(err)
			}
			n.mu.Lock()
			spoilt := 0
			for k := range n.values {
				if strings.HasPrefix(k, text(prefix)) {
					n.values[k] = c.value
					spoilt++
				}
			}
			n.mu.Unlock()
			if _, err := s.StoredNeurons(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "SubtensorModule."+c.item) || spoilt == 0 {
				t.Errorf("%d spoilt: %v", spoilt, err)
			}
		})
	}
}
