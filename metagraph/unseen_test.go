package metagraph_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/blake2b"
	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/internal/mutate"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/subtensor"
)

const (
	module       = "SubtensorModule"
	getMetagraph = "SubnetInfoRuntimeApi_get_metagraph"
)

// metadata15 reads the runtime's metadata of version 15, which the test may
// change, without its documentation.
func metadata15(t testing.TB, dir string) *metadata.Metadata {
	t.Helper()
	md, err := metadata.ParseAnswer(vectors.Read(t, dir+"/metadata_at_version_15.state_call.scale.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range md.Types.Types {
		ty := &md.Types.Types[i]
		ty.Docs = ""
		for j := range ty.Variants {
			ty.Variants[j].Docs = ""
		}
	}
	for i := range md.Pallets {
		for j := range md.Pallets[i].Storage {
			md.Pallets[i].Storage[j].Docs = ""
		}
	}
	return md
}

// runs gives the block's runtime other metadata, of version 14 only where v14 is
// set, and another number. Methods that it does not list are refused, those that
// nothing lists are there.
func (n *block) runs(t fataler, md *metadata.Metadata, spec uint32, v14 bool) {
	version := uint8(15)
	if v14 {
		version = 14
		md.Extrinsic.Type = md.Extrinsic.Call // which is not read
	}
	enc, err := md.Append(nil, version)
	if err != nil {
		t.Fatal(err)
	}
	n.metadata, n.v14 = text(scale.AppendByteString([]byte{1}, enc)), text(enc)
	if v14 {
		n.metadata = "0x00" // none of version 15
	}
	code := blake2b.Sum256(fmt.Appendf(enc, "%d", spec))
	n.code = text(code[:])
	var fields map[string]any
	if err := json.Unmarshal(n.version, &fields); err != nil {
		t.Fatal(err)
	}
	fields["specVersion"] = spec
	if n.version, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	if len(md.APIs) == 0 {
		return
	}
	lacks := func(method string) bool {
		api, name, _ := strings.Cut(method, "_")
		_, ok := md.Method(api, name)
		return !ok
	}
	n.Calls = slices.Clone(n.Calls)
	for i := range n.Calls {
		if c := &n.Calls[i]; lacks(c.Method) {
			c.Method = "gone"
		}
	}
	methods := make(map[string]bool)
	for m := range n.methods {
		methods[m] = !lacks(m)
	}
	n.methods = methods
}

type fataler interface{ Fatal(args ...any) }

// put puts an answer in the place of the recorded one.
func (n *block) put(method string, netuid uint16, data []byte) {
	n.Calls = slices.Clone(n.Calls)
	for i := range n.Calls {
		if c := &n.Calls[i]; c.Method == method && c.Netuid == netuid {
			c.Result = text(data)
		}
	}
}

// kept is a value of storage.
type kept struct {
	key string
	mutate.Value
}

// keep gives the block storage, and none of what was recorded but the list of
// subnets.
func (n *block) keep(values []kept) {
	n.stored = make(map[string]string)
	for _, v := range values {
		n.stored[v.key] = text(v.Data)
	}
	for name := range n.Storage {
		if strings.HasPrefix(name, "networksAdded(") {
			v := n.value(name)
			n.stored[v.Key] = v.Value
		}
	}
	n.Storage = nil
}

// storageOf returns neurons, whose stake lists have one entry, as a runtime keeps
// them.
func storageOf(t fataler, md *metadata.Metadata, netuid uint16, neurons []subtensor.NeuronInfo) []kept {
	var all []kept
	rt := &substrate.Runtime{Metadata: md, Codec: codec.New(md.Types)}
	pallet, ok := md.Pallet(module)
	if !ok {
		t.Fatal("no pallet")
	}
	set := func(value any, item string, keys ...any) {
		entry, ok := pallet.Entry(item)
		if !ok {
			return
		}
		key, err := rt.StorageKey(module, item, keys...)
		if err != nil {
			t.Fatal(err)
		}
		data, err := rt.Codec.Append(nil, entry.Value, value)
		if err != nil {
			t.Fatal(item, err)
		}
		all = append(all, kept{text(key), mutate.Value{Type: entry.Value, Data: data}})
	}
	set(uint16(len(neurons)), "SubnetworkN", netuid)
	columns := make(map[string][]any)
	for uid, x := range neurons {
		uid := uint16(uid)
		set(x.Hotkey, "Keys", netuid, uid)
		set(uid, "Uids", netuid, x.Hotkey)
		set(x.Coldkey, "Owner", x.Hotkey)
		set(x.AxonInfo, "Axons", netuid, x.Hotkey)
		set(x.PrometheusInfo, "Prometheus", netuid, x.Hotkey)
		set(x.Stake[0].Amount, "TotalHotkeyAlpha", x.Hotkey, netuid)
		set(x.Weights, "Weights", netuid, uid)
		set(x.Bonds, "Bonds", netuid, uid)
		for item, v := range map[string]any{
			"Active": x.Active, "ValidatorPermit": x.ValidatorPermit, "Consensus": x.Consensus, "Incentive": x.Incentive,
			"Dividends": x.Dividends, "ValidatorTrust": x.ValidatorTrust, "Emission": x.Emission, "LastUpdate": x.LastUpdate,
			"Rank": x.Rank, "Trust": x.Trust, "PruningScores": x.PruningScore,
		} {
			columns[item] = append(columns[item], v)
		}
	}
	for item, column := range columns {
		set(column, item, netuid)
	}
	return all
}

// A chain is upgraded again and again to runtimes that nobody has seen, some of
// which have lost functions and call themselves anything: a sync of each block
// gives what the runtime that they were made of gives, without the fields that
// are gone.
func TestSyncUnseenRuntimes(t *testing.T) {
	t.Parallel()
	const dir, netuid = "475-backport", 1
	first := answers(t, dir)
	md := metadata15(t, dir)
	old, _ := schemaOf(t, dir)
	methods := []string{getNeurons, getNeuronsLite, getSubnetState, getMetagraph}
	var values []mutate.Value
	for _, method := range methods {
		api, name, _ := strings.Cut(method, "_")
		m, ok := md.Method(api, name)
		if !ok {
			t.Fatalf("no %s", method)
		}
		values = append(values, mutate.Value{Type: m.Output, Data: first.answer(t, method, netuid)})
	}
	var whole []subtensor.NeuronInfo
	if err := old.Decode(getNeurons, values[0].Data, &whole); err != nil {
		t.Fatal(err)
	}
	storage := storageOf(t, md, netuid, whole)
	var axons []int // in storage: what the answers hold too, and changes with them
	for i, v := range storage {
		if md.Types.Type(v.Type).Kind == metadata.Composite {
			axons = append(axons, i)
			values = append(values, v.Value)
		}
	}
	node := serve(t, first)
	client := dial(t, node.URL(), "")
	lost, forgotten := make(map[string]bool), 0
	rapid.Check(t, func(t *rapid.T) {
		later := mutate.New(t, md, values, mutate.Options{
			MayDrop: func(_, field string) bool { return slices.Contains([]string{"rank", "trust", "pruning_score"}, field) },
			MayLose: func(api, method string) bool {
				return method != "get_metagraph" && slices.Contains(methods, api+"_"+method)
			},
			MayForget: func(pallet, item string) bool {
				return pallet == module && strings.HasPrefix(item, "Sub") && item != "SubnetworkN"
			},
		})
		b := *node.blocks[0]
		b.number(node.blocks[len(node.blocks)-1].Block + 1)
		for i, method := range methods {
			b.put(method, netuid, later.Values[i].Data)
		}
		b.runs(t, later.Metadata, rapid.Uint32Range(1, 2000).Draw(t, "spec"), false)
		now := slices.Clone(storage)
		for k, i := range axons {
			now[i].Value = later.Values[len(methods)+k]
		}
		b.keep(now)
		node.blocks = append(node.blocks, &b) // nothing is under way
		for _, method := range later.Lost {
			lost[method] = true
		}
		forgotten += len(later.Forgotten)

		want := metagraph.Answers{Netuid: netuid, Network: "parity", Block: b.Block}
		for i, v := range []any{&want.Neurons, &want.Lite, &want.State} {
			if err := old.Decode(methods[i], values[i].Data, v); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(later.Lost, methods[i]) { // what is read elsewhere has those fields still
				later.Forget(values[i].Type, v)
			}
		}
		for _, full := range []bool{true, false} {
			if !full {
				want.Neurons = nil
			}
			expected, err := metagraph.FromAnswers(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := metagraph.Sync(t.Context(), client, netuid, metagraph.Options{Full: full})
			if err != nil {
				t.Fatalf("gone are %v and %v: %v", later.Dropped(), later.Lost, err)
			}
			if !reflect.DeepEqual(expected, got) {
				t.Fatalf("gone are %v and %v: %s", later.Dropped(), later.Lost, cmp.Diff(expected, got))
			}
		}
		// The block before has its own runtime still.
		before := node.blocks[len(node.blocks)-2].Block
		if m, err := metagraph.Sync(t.Context(), client, netuid, metagraph.Options{Block: &before}); err != nil || m.Block != before || m.N() != 64 {
			t.Fatal(m, err)
		}
	})
	if len(node.blocks) < 20 || len(lost) < 3 || forgotten == 0 {
		t.Errorf("%d runtimes were tried, of which some lost %v and %d items of storage", len(node.blocks), lost, forgotten)
	}
}

// upgrade is what became of a runtime: its metadata, its number and its answers.
type upgrade struct {
	t    *testing.T
	md   *metadata.Metadata
	spec uint32
	v14  bool // there is no metadata but that of version 14
	*block
}

// pallet returns the pallet of the subnets.
func (u *upgrade) pallet() *metadata.Pallet {
	p, ok := u.md.Pallet(module)
	if !ok {
		u.t.Fatal("no pallet")
	}
	return p
}

// structure returns a struct by the last part of its path.
func (u *upgrade) structure(name string) *metadata.Type {
	for i := range u.md.Types.Types {
		if ty := &u.md.Types.Types[i]; len(ty.Path) > 0 && ty.Path[len(ty.Path)-1] == name {
			return ty
		}
	}
	u.t.Fatalf("no type %s", name)
	return nil
}

func (u *upgrade) resolve(expr string) metadata.TypeID {
	id, err := u.md.Types.Resolve(expr)
	if err != nil {
		u.t.Fatal(err)
	}
	return id
}

// field gives a field of a struct another type.
func (u *upgrade) field(structure, field, expr string) {
	id, ty := u.resolve(expr), u.structure(structure)
	i := slices.IndexFunc(ty.Fields, func(f metadata.Field) bool { return f.Name == field })
	if i < 0 {
		u.t.Fatalf("no %s.%s", structure, field)
	}
	ty.Fields[i].Type = id
}

// lose takes methods away, and APIs that are named without one.
func (u *upgrade) lose(methods ...string) {
	for i := range u.md.APIs {
		a := &u.md.APIs[i]
		a.Methods = slices.DeleteFunc(a.Methods, func(m metadata.Method) bool { return slices.Contains(methods, a.Name+"_"+m.Name) })
	}
	u.md.APIs = slices.DeleteFunc(u.md.APIs, func(a metadata.API) bool { return slices.Contains(methods, a.Name) })
}

// rename renames items of storage, or takes them away where the new name is "".
func (u *upgrade) rename(to string, items ...string) {
	p := u.pallet()
	for i := range p.Storage {
		if e := &p.Storage[i]; slices.Contains(items, e.Name) {
			e.Name = to
		}
	}
	p.Storage = slices.DeleteFunc(p.Storage, func(e metadata.StorageEntry) bool { return e.Name == "" })
}

// again encodes the recorded answer of a method by the metadata as it is now,
// changed.
func (u *upgrade) again(method string, change func(v any)) {
	u.t.Helper()
	before := metadata15(u.t, "475-backport")
	api, name, _ := strings.Cut(method, "_")
	m, ok := before.Method(api, name)
	if !ok {
		u.t.Fatalf("no %s", method)
	}
	v, err := codec.New(before.Types).Value(m.Output, scale.NewReader(u.answer(u.t, method, 1)))
	if err != nil {
		u.t.Fatal(err)
	}
	change(v)
	data, err := codec.New(u.md.Types).Append(nil, m.Output, v)
	if err != nil {
		u.t.Fatal(err)
	}
	u.put(method, 1, data)
}

// column cuts a column of an answer that is one struct.
func column(name string, size int) func(v any) {
	return func(v any) {
		for i, f := range v.(*codec.Record).Fields {
			if f.Name == name {
				v.(*codec.Record).Fields[i].Value = f.Value.([]any)[:size]
			}
		}
	}
}

// Each of these changes leaves the metagraph as it is, or is an error that names
// what is wrong; it never gives other values.
func TestSyncUnseenChanges(t *testing.T) {
	t.Parallel()
	const dir, netuid = "475-backport", 1
	base := answers(t, dir)
	old, _ := schemaOf(t, dir)
	answered := metagraph.Answers{Netuid: netuid, Network: "parity", Block: base.Block}
	for method, v := range map[string]any{getNeurons: &answered.Neurons, getSubnetState: &answered.State} {
		if err := old.Decode(method, base.answer(t, method, netuid), v); err != nil {
			t.Fatal(err)
		}
	}
	for i := range answered.Neurons {
		answered.Lite = append(answered.Lite, answered.Neurons[i].Lite())
	}
	tail := func(u *upgrade, method string) {
		u.put(method, netuid, append(u.answer(u.t, method, netuid), 4, 1, 2, 3))
	}
	type change struct {
		name    string
		do      func(u *upgrade)
		problem string // what the error names; "" where the metagraph is the same
	}
	changes := []change{
		{"no runtime API of neurons", func(u *upgrade) { u.lose("NeuronInfoRuntimeApi") }, ""},
		{"no get_neurons and get_neurons_lite", func(u *upgrade) { u.lose(getNeurons, getNeuronsLite) }, ""},
		{"no get_subnet_state", func(u *upgrade) { u.lose(getSubnetState) }, ""},
		{"no get_subnet_state and no neurons", func(u *upgrade) { u.lose(getSubnetState, "NeuronInfoRuntimeApi") }, ""},
		{"no runtime API of subnets", func(u *upgrade) { u.lose("SubnetInfoRuntimeApi") }, "get_metagraph"},
		{"no get_subnet_state and get_metagraph", func(u *upgrade) { u.lose(getSubnetState, getMetagraph) }, "get_metagraph"},

		{"no neurons, Keys renamed", func(u *upgrade) { u.lose("NeuronInfoRuntimeApi"); u.rename("Names", "Keys") }, "SubtensorModule.Keys"},
		{"no neurons, Owner renamed", func(u *upgrade) { u.lose("NeuronInfoRuntimeApi"); u.rename("Holder", "Owner") }, "SubtensorModule.Owner"},
		{"no neurons, Uids gone", func(u *upgrade) { u.lose("NeuronInfoRuntimeApi"); u.rename("", "Uids") }, "Uids"},
		{"no neurons, SubnetworkN gone", func(u *upgrade) { u.lose("NeuronInfoRuntimeApi"); u.rename("", "SubnetworkN") }, "SubtensorModule.SubnetworkN"},
		{"no neurons, Incentive renamed", func(u *upgrade) { u.lose("NeuronInfoRuntimeApi"); u.rename("Reward", "Incentive") }, "SubtensorModule.Incentive"},
		{"no neurons, Axons gone", func(u *upgrade) { u.lose("NeuronInfoRuntimeApi"); u.rename("", "Axons") }, "SubtensorModule.Axons"},
		{"no neurons, the stake renamed", func(u *upgrade) { u.lose("NeuronInfoRuntimeApi"); u.rename("TotalStakeOfHotkey", "TotalHotkeyAlpha") }, "TotalHotkeyAlpha"},
		{"no neurons, consensus of another kind", func(u *upgrade) {
			u.lose("NeuronInfoRuntimeApi")
			e, ok := u.pallet().Entry("Consensus")
			if !ok {
				u.t.Fatal("no Consensus")
			}
			e.Value = u.resolve("Vec<(u16, u16)>")
		}, "SubtensorModule.Consensus"},

		{"the stake that counts is empty", func(u *upgrade) { u.again(getSubnetState, column("total_stake", 0)) }, "total_stake"},
		{"the stake that counts is short", func(u *upgrade) { u.again(getSubnetState, column("alpha_stake", 63)) }, "alpha_stake"},
		{"other columns are short", func(u *upgrade) { u.again(getSubnetState, column("dividends", 3)) }, ""},
		{"a neuron is missing", func(u *upgrade) {
			for method, short := range map[string]any{getNeurons: answered.Neurons[:63], getNeuronsLite: answered.Lite[:63]} {
				data, err := old.Append(nil, method, short)
				if err != nil {
					u.t.Fatal(err)
				}
				u.put(method, netuid, data)
			}
		}, "63 neurons"},

		{"bytes after the neurons", func(u *upgrade) { tail(u, getNeurons); tail(u, getNeuronsLite) }, getNeurons},
		{"bytes after the state", func(u *upgrade) { tail(u, getSubnetState) }, getSubnetState},
		{"bytes after the state, which nothing describes", func(u *upgrade) { u.v14, u.spec = true, 9999; tail(u, getSubnetState) }, ""},
		{"bytes after the neurons, which nothing describes", func(u *upgrade) {
			u.v14, u.spec = true, 9999
			tail(u, getNeurons)
			tail(u, getNeuronsLite)
		}, getNeurons},
		{"empty answers", func(u *upgrade) { u.put(getNeurons, netuid, nil); u.put(getNeuronsLite, netuid, nil) }, getNeurons},
		{"an answer that ends early", func(u *upgrade) {
			for _, method := range []string{getNeurons, getNeuronsLite} {
				data := u.answer(u.t, method, netuid)
				u.put(method, netuid, data[:len(data)-1])
			}
		}, getNeurons},

		{"an axon is an enum", func(u *upgrade) {
			ty := u.structure("AxonInfo")
			*ty = metadata.Type{Path: ty.Path, Kind: metadata.Variant, Variants: []metadata.VariantDef{{Name: "Served", Fields: ty.Fields}, {Name: "Unserved", Index: 1}}}
		}, "axon_info"},
		{"a neuron is an enum", func(u *upgrade) {
			for _, name := range []string{"NeuronInfo", "NeuronInfoLite"} {
				ty := u.structure(name)
				*ty = metadata.Type{Path: ty.Path, Kind: metadata.Variant, Variants: []metadata.VariantDef{{Name: "V1", Fields: ty.Fields}}}
			}
		}, "NeuronInfo"},
		{"a flag is an enum", func(u *upgrade) {
			if err := u.md.Types.Define("enum Activity { Asleep, Awake }"); err != nil {
				u.t.Fatal(err)
			}
			u.field("NeuronInfo", "active", "Activity")
			u.field("NeuronInfoLite", "active", "Activity")
		}, "active"},
		{"emission became a fraction", func(u *upgrade) {
			if err := u.md.Types.Define("struct Ratio { over: u64, under: u64 }"); err != nil {
				u.t.Fatal(err)
			}
			u.field("NeuronInfo", "emission", "Ratio")
			u.field("NeuronInfoLite", "emission", "Ratio")
		}, "emission"},
		{"hotkeys of 20 bytes", func(u *upgrade) {
			u.field("NeuronInfo", "hotkey", "[u8; 20]")
			u.field("NeuronInfoLite", "hotkey", "[u8; 20]")
		}, "hotkey"},
		{"a signed last update", func(u *upgrade) {
			u.field("NeuronInfo", "last_update", "i64")
			u.field("NeuronInfoLite", "last_update", "i64")
		}, "last_update"},
		{"the hotkey renamed", func(u *upgrade) {
			for _, name := range []string{"NeuronInfo", "NeuronInfoLite"} {
				u.structure(name).Fields[0].Name = "account"
			}
		}, "hotkey"},
		{"the pallet renamed", func(u *upgrade) { u.pallet().Name = "Subnets" }, "no pallet SubtensorModule"},
	}
	for _, spec := range []uint32{1, 143, 218, 225, 300, 396, 9999} {
		changes = append(changes,
			change{fmt.Sprintf("called %d", spec), func(u *upgrade) { u.spec = spec }, ""},
			change{fmt.Sprintf("called %d, without descriptions", spec), func(u *upgrade) { u.spec, u.v14 = spec, true }, ""},
			change{fmt.Sprintf("called %d, without neurons", spec), func(u *upgrade) { u.spec = spec; u.lose("NeuronInfoRuntimeApi") }, ""},
		)
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := *base
			u := &upgrade{t: t, md: metadata15(t, dir), spec: 475, block: &b}
			b.keep(storageOf(t, u.md, netuid, answered.Neurons))
			c.do(u)
			if u.v14 {
				u.md.APIs = nil
			}
			b.runs(t, u.md, u.spec, u.v14)
			client, err := subtensor.Dial(t.Context(), subtensor.Network{Name: "parity", Endpoint: serve(t, &b).URL()}, subtensor.Options{})
			if err != nil {
				if c.problem == "" || !strings.Contains(err.Error(), c.problem) {
					t.Error(err)
				}
				return
			}
			defer client.Close()
			for _, full := range []bool{true, false} {
				want := answered
				if !full {
					want.Neurons = nil
				}
				expected, err := metagraph.FromAnswers(want)
				if err != nil {
					t.Fatal(err)
				}
				got, err := metagraph.Sync(t.Context(), client, netuid, metagraph.Options{Full: full})
				switch {
				case c.problem != "":
					if err == nil || !strings.Contains(err.Error(), c.problem) {
						t.Errorf("full %v: %v, %v; want an error that names %s", full, got, err, c.problem)
					}
				case err != nil:
					t.Errorf("full %v: %v", full, err)
				default:
					if diff := cmp.Diff(expected, got); diff != "" {
						t.Errorf("full %v: %s", full, diff)
					}
				}
			}
		})
	}
}

// A runtime that keeps no ranks, trust and pruning scores any more, as from 397
// on, and lists no neurons: they are what the API gives from 397 on.
func TestSyncWithoutRanks(t *testing.T) {
	const dir, netuid = "293-aura", 1
	b := answers(t, dir)
	schema, spec := schemaOf(t, dir)
	want := metagraph.Answers{Netuid: netuid, Network: "parity", Block: b.Block}
	for method, v := range map[string]any{getNeurons: &want.Neurons, getSubnetState: &want.State} {
		if err := schema.Decode(method, b.answer(t, method, netuid), v); err != nil {
			t.Fatal(err)
		}
	}
	u := &upgrade{t: t, md: metadata15(t, dir), block: b}
	b.keep(storageOf(t, u.md, netuid, want.Neurons))
	u.lose("NeuronInfoRuntimeApi")
	u.rename("", "Rank", "Trust", "PruningScores")
	b.runs(t, u.md, spec, false)
	for i := range want.Neurons {
		n := &want.Neurons[i]
		n.Rank, n.Trust, n.PruningScore = 0, 0, 65535
	}
	expected, err := metagraph.FromAnswers(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := metagraph.Sync(t.Context(), dial(t, serve(t, b).URL(), ""), netuid, metagraph.Options{Full: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Error(diff)
	}
}
