package subtensor_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/subtensor"
)

// answering starts a node whose only block has the runtime of a folder, some of
// its storage and its recorded answers, and returns the state of that block. What
// was not recorded is answered with an error that says so.
func answering(t *testing.T, dir string) *subtensor.State {
	t.Helper()
	r := find(t, dir)
	return answeringAs(t, r, r.spec, vectors.Read(t, dir+"/metadata_at_version_15.state_call.scale.gz"))
}

// answeringAs is answering with a runtime that goes by another spec number, and
// other metadata.
func answeringAs(t *testing.T, r runtime, spec uint32, v15 []byte) *subtensor.State {
	t.Helper()
	dir := r.dir
	answers := make(map[string]string)
	for _, c := range r.meta.Calls {
		answers[c.Method+c.Args] = "0x" + hex.EncodeToString(vectors.Hex(t, dir+"/state_call/"+filepath.Base(c.File)))
	}
	const at15 = "Metadata_metadata_at_version0x0f000000"
	answers[at15] = "0x" + hex.EncodeToString(v15)
	stored := make(map[string]string)
	for _, item := range []string{"NetworksAdded", "MechanismCountCurrent"} {
		name := dir + "/storage/" + item + ".all.json.gz"
		if _, err := os.Stat(filepath.Join(vectors.Dir(t), name)); err != nil {
			continue
		}
		var table struct{ Rows []struct{ Key, Value string } }
		vectors.JSON(t, name, &table)
		for _, row := range table.Rows {
			stored[row.Key] = row.Value
		}
	}
	hash := "0x" + strings.Repeat("ab", 32)
	reply := func(method string, params []json.RawMessage) (any, error) {
		text := func(i int) (s string) {
			if i < len(params) {
				_ = json.Unmarshal(params[i], &s) // "" where it is no string
			}
			return s
		}
		switch method {
		case "chain_getBlockHash", "state_getStorageHash":
			return hash, nil
		case "chain_getHeader":
			return map[string]any{"number": "0x7", "parentHash": hash, "stateRoot": hash, "extrinsicsRoot": hash, "digest": map[string]any{"logs": []string{}}}, nil
		case "state_getRuntimeVersion":
			return map[string]any{"specName": "node-subtensor", "specVersion": spec, "transactionVersion": 1, "apis": []any{[]any{"0x37e397fc7c91f5e4", 2}}}, nil
		case "state_call":
			if a, ok := answers[text(0)+text(1)]; ok {
				return a, nil
			}
			return nil, fmt.Errorf("not recorded: %s(%s)", text(0), text(1))
		case "state_queryStorageAt":
			var keys []string
			if err := json.Unmarshal(params[0], &keys); err != nil {
				return nil, err
			}
			var changes [][2]any
			for _, k := range keys {
				change := [2]any{k, nil}
				if v, ok := stored[k]; ok {
					change[1] = v
				}
				changes = append(changes, change)
			}
			return []any{map[string]any{"block": params[1], "changes": changes}}, nil
		case "state_getKeysPaged":
			keys := []string{}
			for k := range stored {
				if strings.HasPrefix(k, text(0)) && k > text(2) {
					keys = append(keys, k)
				}
			}
			slices.Sort(keys)
			return keys, nil
		}
		return nil, fmt.Errorf("no method %s", method)
	}
	node := nodetest.NewServer(t, func(c *nodetest.Conn) {
		c.Drain(func(message []byte) {
			type request struct {
				ID     json.RawMessage   `json:"id"`
				Method string            `json:"method"`
				Params []json.RawMessage `json:"params"`
			}
			var batch []request
			single := message[0] != '['
			if single {
				batch = make([]request, 1)
				_ = json.Unmarshal(message, &batch[0]) // what a client sends is JSON
			} else {
				_ = json.Unmarshal(message, &batch)
			}
			var replies []any
			for _, q := range batch {
				a := map[string]any{"jsonrpc": "2.0", "id": q.ID}
				if result, err := reply(q.Method, q.Params); err != nil {
					a["error"] = map[string]any{"code": -32000, "message": err.Error()}
				} else {
					a["result"] = result
				}
				replies = append(replies, a)
			}
			var out []byte
			if single {
				out, _ = json.Marshal(replies[0])
			} else {
				out, _ = json.Marshal(replies)
			}
			_ = c.SendBytes(out) // a client that has gone asks nothing more
		})
	})
	c, err := subtensor.Dial(t.Context(), subtensor.Network{Name: "local", Endpoint: node.URL()}, substrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := c.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A metagraph asked for in parts is the whole one, for all that was asked.
func TestSelectiveMetagraph(t *testing.T) {
	t.Parallel()
	s := answering(t, "425-main")
	whole, err := s.MetagraphInfo(t.Context(), 12)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.SelectiveMetagraph(t.Context(), 12)
	if err != nil {
		t.Fatal(err)
	}
	if all.Validators == nil || all.Commitments == nil || len(*all.Commitments) == 0 {
		t.Errorf("validators %v, commitments %v", all.Validators, all.Commitments)
	}
	if got := all.Info(); !reflect.DeepEqual(got, whole) {
		t.Errorf("asked for everything:\n got %+v\nwant %+v", got, whole)
	}
	some, err := s.SelectiveMetagraph(t.Context(), 12, "netuid", "hotkeys", "coldkeys")
	if err != nil {
		t.Fatal(err)
	}
	want := subtensor.SelectiveMetagraph{Netuid: 12, Hotkeys: &whole.Hotkeys, Coldkeys: &whole.Coldkeys}
	if !reflect.DeepEqual(some, want) {
		t.Errorf("asked for two columns:\n got %+v\nwant %+v", some, want)
	}
	if some, err = s.SelectiveMetagraph(t.Context(), 12, "commitments"); err != nil || some.Netuid != 12 || some.Commitments == nil || some.Hotkeys != nil {
		t.Errorf("%+v, %v", some, err)
	}
	if _, err := s.SelectiveMetagraph(t.Context(), 999, "netuid", "hotkeys"); !errors.Is(err, subtensor.ErrSubnetNotFound) {
		t.Error(err)
	}
	if _, err := s.SelectiveMetagraph(t.Context(), 12, "hotkey"); err == nil || !strings.Contains(err.Error(), `"hotkey"`) || !strings.Contains(err.Error(), "hotkeys") {
		t.Error(err)
	}
}

func TestSelectiveMechagraph(t *testing.T) {
	t.Parallel()
	s := answering(t, "425-main")
	whole, err := s.Mechagraph(t.Context(), 12, 1)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.SelectiveMechagraph(t.Context(), 12, 1)
	if err != nil {
		t.Fatal(err)
	}
	whole.Netuid = 12 // the chain's storage index there
	if got := all.Info(); !reflect.DeepEqual(got, whole) {
		t.Errorf("asked for everything:\n got %+v\nwant %+v", got, whole)
	}
	var none *subtensor.MechanismNotFoundError
	if _, err := s.SelectiveMechagraph(t.Context(), 12, 2, "netuid", "hotkeys"); !errors.As(err, &none) || none.Count != 2 {
		t.Error(err)
	}
	early := answering(t, "302-main")
	var missing *subtensor.MethodError
	if _, err := early.SelectiveMechagraph(t.Context(), 12, 0, "hotkeys"); !errors.As(err, &missing) {
		t.Error(err)
	}
}

func TestSubnetV2AndHyperparamsV3(t *testing.T) {
	t.Parallel()
	s := answering(t, "425-main")
	subnet, err := s.SubnetV2(t.Context(), 12)
	if err != nil || subnet.Netuid != 12 || subnet.Identity == nil || subnet.Identity.SubnetName != "subnet-12" {
		t.Errorf("%+v, %v", subnet, err)
	}
	byName, err := s.HyperparamsV3(t.Context(), 12)
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := s.Hyperparams(t.Context(), 12)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(byName, func(h subtensor.Hyperparam) bool { return h.Name == "tempo" })
	if i < 0 || byName[i].Value.U16 == nil || *byName[i].Value.U16 != fixed.Tempo {
		t.Errorf("tempo %+v, want %d", byName, fixed.Tempo)
	}
	var missing *subtensor.MethodError
	if _, err := answering(t, "293-aura").HyperparamsV3(t.Context(), 12); !errors.As(err, &missing) {
		t.Error(err)
	}
}

// The numbers that ask for a field are those of the runtime. A recorded list says
// what each asks for at 425; what an answer holds says it of the others.
func TestSelectiveIndexes(t *testing.T) {
	t.Parallel()
	var numbers map[string]string
	vectors.JSON(t, "425-main/selective_index_map.json", &numbers)
	for _, r := range runtimes(t) {
		schema, err := subtensor.NewSchema(r.newest(t), r.spec)
		if err != nil {
			t.Fatal(err)
		}
		const method = "SubnetInfoRuntimeApi_get_selective_metagraph"
		fields := schema.SelectiveFields()
		if has := schema.Has(method); has != (len(fields) > 0) {
			t.Errorf("%s: has it: %v, fields %v", r.dir, has, fields)
		}
		for i, name := range fields {
			if numbers[fmt.Sprint(i)] != name {
				t.Errorf("%s: number %d asks for %s, want %s", r.dir, i, name, numbers[fmt.Sprint(i)])
			}
		}
		for _, c := range r.meta.Calls {
			if c.Method != method || len(fields) == 0 {
				continue
			}
			data, want := r.answer(t, c.File, c.Expected)
			answer, ok := want.(map[string]any)
			if !ok || len(data) < 3 {
				continue
			}
			asked := unhex(t, c.Args)[3:] // the netuid and the length of a short list
			if len(asked) > 2*63 {
				asked = asked[1:] // a long one
			}
			names := []string{"netuid"}
			for ; len(asked) >= 2; asked = asked[2:] {
				if n := int(binary.LittleEndian.Uint16(asked)); n < len(fields) {
					names = append(names, fields[n])
				}
			}
			for name, v := range answer {
				if v != nil && !slices.Contains(names, name) && name != "identity" {
					t.Errorf("%s: %s was answered, asked were %v", c.File, name, names)
				}
			}
		}
	}
}

// A runtime that counts the fields in another way is found out: what it answers
// is not what was asked for. Here 425 is asked as 265 would be.
func TestSelectiveOtherNumbers(t *testing.T) {
	t.Parallel()
	r := find(t, "425-main")
	md := parse(t, r.dir+"/metadata_at_version_15.state_call.scale.gz")
	p, ok := md.Pallet("SubtensorModule")
	if !ok {
		t.Fatal("no SubtensorModule")
	}
	p.Storage = slices.DeleteFunc(p.Storage, func(e metadata.StorageEntry) bool {
		return slices.Contains([]string{"SubnetIdentitiesV3", "MechanismCountCurrent", "BurnHalfLife"}, e.Name)
	})
	older, err := md.Append(nil, 15)
	if err != nil {
		t.Fatal(err)
	}
	s := answeringAs(t, r, 265, scale.AppendByteString([]byte{1}, older))
	// 0, 52 and 53, which are netuid, hotkeys and coldkeys at 425.
	if _, err := s.SelectiveMetagraph(t.Context(), 12, "name", "coldkeys", "identities"); err == nil || !strings.Contains(err.Error(), `for "name"`) {
		t.Error(err)
	}
}

// Netuid became index 0 at spec 273, and all others one more. The node's refusal
// shows what it was asked.
func TestSelectiveShift(t *testing.T) {
	t.Parallel()
	r := find(t, "293-aura")
	md := parse(t, r.dir+"/metadata_at_version_15.state_call.scale.gz")
	p, ok := md.Pallet("SubtensorModule")
	if !ok {
		t.Fatal("no SubtensorModule")
	}
	// With this item no runtime is older than 278.
	p.Storage = slices.DeleteFunc(p.Storage, func(e metadata.StorageEntry) bool { return e.Name == "SubnetIdentitiesV3" })
	older, err := md.Append(nil, 15)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spec uint32
		args string // netuid 7; hotkeys, alpha_stake
	}{
		{261, "0x07000833004200"},
		{272, "0x07000833004200"},
		{273, "0x07000834004300"},
	} {
		s := answeringAs(t, r, c.spec, scale.AppendByteString([]byte{1}, older))
		_, err := s.SelectiveMetagraph(t.Context(), 7, "hotkeys", "alpha_stake")
		if err == nil || !strings.Contains(err.Error(), "("+c.args+")") {
			t.Errorf("spec %d: %v", c.spec, err)
		}
		fields := s.Schema().SelectiveFields()
		if _, err := s.SelectiveMetagraph(t.Context(), 7, "netuid"); (fields[0] == "netuid") != (c.spec >= 273) || err == nil || strings.Contains(err.Error(), "cannot be asked") != (c.spec < 273) {
			t.Errorf("spec %d: fields %v, %v", c.spec, fields, err)
		}
	}
}
