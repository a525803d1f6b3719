package subtensor_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// oldNode is a node that answers what a runtime of the vectors answered.
type oldNode struct {
	*nodetest.Server
	genesis string
	number  uint64
	header  map[string]any
	hash    string
	version json.RawMessage
	code    string
	v14     string
	answers map[string]string // by method and arguments
	storage map[string]string
	keys    []string
	fee     uint64
	perByte bool              // fee is asked on top of a rao for each byte
	old     string            // which older states there are: "" for not even a block, kept, gone
	refuse  map[string]string // errors by JSON-RPC method

	mu    sync.Mutex
	asked []string // extrinsics that a fee was asked of
}

// oldHash is that of every older block.
const oldHash = "0x0101010101010101010101010101010101010101010101010101010101010101"

// recordedMeta is what tells how a runtime of the vectors was asked.
type recordedMeta struct {
	Spec json.RawMessage `json:"spec"`
	Head struct {
		Number  uint64 `json:"number"`
		Genesis string `json:"genesisHash"`
	} `json:"head"`
	Calls []struct{ Method, Args, File string } `json:"calls"`
}

// hexed are recorded answers in hexadecimal, by file.
var hexed sync.Map

// hexFile returns a file of the vectors as a node answers it.
func hexFile(t *testing.T, name string) string {
	t.Helper()
	if text, ok := hexed.Load(name); ok {
		return text.(string)
	}
	text := "0x" + hex.EncodeToString(vectors.Read(t, name))
	hexed.Store(name, text)
	return text
}

// serveVectors starts a node for a runtime of the vectors, with all that was
// recorded of it.
func serveVectors(t *testing.T, dir string) *oldNode {
	t.Helper()
	n, meta := bareNode(t, dir)
	for _, c := range meta.Calls {
		answer := "0x" + hex.EncodeToString(vectors.Hex(t, dir+"/"+c.File))
		n.answers[c.Method+" "+c.Args] = answer
		// Of single neurons others were recorded than the one that is asked for.
		if one := c.Method + " " + c.Args[:min(len(c.Args), 6)] + "0000"; len(c.Args) == 10 {
			n.answers[one] = answer
		}
	}
	files, _ := filepath.Glob(filepath.Join(vectors.Dir(t), dir, "storage", "*"))
	for _, file := range files {
		type row struct{ Key, Value string }
		var rows []row
		if strings.HasPrefix(filepath.Base(file), "vectors.") {
			vectors.JSON(t, file, &rows)
		} else {
			var item struct{ Rows []row }
			vectors.JSON(t, file, &item)
			rows = item.Rows
		}
		for _, r := range rows {
			if r.Value != "" { // null: not stored
				n.storage[r.Key] = r.Value
			}
		}
	}
	n.keys = slices.Sorted(maps.Keys(n.storage))
	return n
}

// bareNode starts a node for a runtime of the vectors, with its metadata and an
// empty storage.
func bareNode(t *testing.T, dir string) (*oldNode, recordedMeta) {
	t.Helper()
	var meta recordedMeta
	vectors.JSON(t, dir+"/meta.json", &meta)
	zeros := "0x" + strings.Repeat("00", 32)
	n := &oldNode{
		genesis: meta.Head.Genesis, number: meta.Head.Number, version: meta.Spec, code: fmt.Sprintf("0x%x", blake2b.Sum256([]byte(dir))),
		header: map[string]any{
			"number": fmt.Sprintf("0x%x", meta.Head.Number), "parentHash": zeros, "stateRoot": zeros, "extrinsicsRoot": zeros,
			"digest": map[string]any{"logs": []string{}},
		},
		v14:     hexFile(t, dir+"/metadata_v14.scale.gz"),
		answers: make(map[string]string), storage: make(map[string]string), refuse: make(map[string]string),
	}
	// The hash of that header: parent, compact number (mode 2), two roots, no logs.
	enc := append(make([]byte, 32), byte(meta.Head.Number<<2|2), byte(meta.Head.Number>>6), byte(meta.Head.Number>>14), byte(meta.Head.Number>>22))
	n.hash = fmt.Sprintf("0x%x", blake2b.Sum256(append(enc, make([]byte, 65)...)))
	for _, version := range []string{"15", "16"} {
		name := dir + "/metadata_at_version_" + version + ".state_call.scale.gz"
		v, _ := strconv.Atoi(version)
		args := fmt.Sprintf("Metadata_metadata_at_version 0x%02x000000", v)
		if _, err := os.Stat(filepath.Join(vectors.Dir(t), name)); err != nil {
			n.answers[args] = "0x00"
			continue
		}
		n.answers[args] = hexFile(t, name)
		n.answers["Metadata_metadata_versions 0x"] = "0x080e0000000f000000"
	}
	n.Server = nodetest.NewServer(t, func(c *nodetest.Conn) {
		c.Drain(func(text []byte) {
			if text[0] != '[' {
				c.Send(n.reply(text))
				return
			}
			var list []json.RawMessage
			json.Unmarshal(text, &list)
			out := make([]string, len(list))
			for i := range list {
				out[i] = n.reply(list[i])
			}
			c.Send("[" + strings.Join(out, ",") + "]")
		})
	})
	return n, meta
}

// reply answers one request.
func (n *oldNode) reply(text []byte) string {
	var m struct {
		ID     json.RawMessage
		Method string
		Params []any
	}
	json.Unmarshal(text, &m)
	result, err := n.answer(m.Method, m.Params)
	if err != nil {
		e, _ := json.Marshal(map[string]any{"code": -32603, "message": err.Error()})
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":%s}`, m.ID, e)
	}
	b, _ := json.Marshal(result)
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, b)
}

func (n *oldNode) answer(method string, params []any) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if why, ok := n.refuse[method]; ok {
		return nil, errors.New(why)
	}
	switch method {
	case "chain_getBlockHash":
		switch fmt.Sprint(append(params, "")[0]) {
		case "0":
			return n.genesis, nil
		case "", fmt.Sprint(float64(n.number)):
			return n.hash, nil
		}
		if n.old != "" {
			return oldHash, nil
		}
		return nil, nil
	case "chain_getHeader":
		return n.header, nil
	case "chain_getFinalizedHead":
		return n.hash, nil
	case "state_getRuntimeVersion":
		if n.old == "gone" && params[0] == oldHash {
			return nil, errors.New("State already discarded for " + oldHash)
		}
		return n.version, nil
	case "state_getStorageHash":
		return n.code, nil
	case "state_getMetadata":
		return n.v14, nil
	case "state_call":
		name, args := params[0].(string), params[1].(string)
		if why, ok := n.refuse[name]; ok {
			return nil, errors.New(why)
		}
		if _, recorded := n.answers[name+" "+args]; name == "TransactionPaymentApi_query_info" && !recorded {
			n.asked = append(n.asked, args)
			// Weight of two compact numbers, class 0, fee.
			fee := n.fee
			if n.perByte {
				fee += uint64(len(args)/2 - 1 - 4)
			}
			return fmt.Sprintf("0x040400%016x", reversed(fee)), nil
		}
		if answer, ok := n.answers[name+" "+args]; ok {
			return answer, nil
		}
		return nil, fmt.Errorf("Execution failed: Exported method %s is not found", name)
	case "state_getStorage":
		if v, ok := n.storage[params[0].(string)]; ok {
			return v, nil
		}
		return nil, nil
	case "state_queryStorageAt":
		var changes [][2]any
		for _, k := range params[0].([]any) {
			change := [2]any{k, nil}
			if v, ok := n.storage[k.(string)]; ok {
				change[1] = v
			}
			changes = append(changes, change)
		}
		return []any{map[string]any{"block": params[1], "changes": changes}}, nil
	case "state_getKeysPaged":
		after, _ := params[2].(string)
		keys := []string{}
		for _, k := range n.keys {
			if strings.HasPrefix(k, params[0].(string)) && k > after && len(keys) < int(params[1].(float64)) {
				keys = append(keys, k)
			}
		}
		return keys, nil
	}
	return nil, errors.New("Method not found")
}

// reversed turns a number's bytes around.
func reversed(v uint64) (r uint64) {
	for range 8 {
		r, v = r<<8|v&0xff, v>>8
	}
	return r
}

// examine examines a node, whatever its runtime is like.
func examine(t *testing.T, n subtensor.Network, opts subtensor.ExamineOptions) (*subtensor.Report, error) {
	t.Helper()
	sc, err := substrate.Dial(t.Context(), n.Endpoint, substrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := subtensor.New(sc, n)
	t.Cleanup(func() { c.Close() })
	return c.Examine(t.Context(), opts)
}

// powRules are the rules of chain-facts 1, for the runtimes of the vectors: call,
// reading, signer, window and whether there is a fee; or a word of the refusal.
var powRules = map[string]string{
	"101-finney":     "refused: RegistrationDisabled",
	"103-testfinney": "refused: RegistrationDisabled",
	"119-mock":       "register big-endian hotkey 2 free",
	"143-finney":     "register big-endian hotkey 2 free",
	"185-local":      "register big-endian hotkey 2 free",
	"200-local":      "register big-endian hotkey 2 free",
	"202-dao":        "register big-endian hotkey 2 free",
	"204-raonet":     "register big-endian hotkey 2 free",
	"218-raonet":     "register big-endian hotkey 2 free",
	"293-aura":       "register little-endian hotkey 2 free",
	"302-main":       "register little-endian hotkey 2 fee",
	"326-main":       "register little-endian hotkey 2 fee",
	"394-main":       "register little-endian hotkey 2 fee",
	"425-main":       "refused: burns TAO",
	"475-backport":   "pow_register little-endian coldkey 5 free",
}

// Every runtime of the vectors: what it is, what decodes, by which rule neurons
// are registered.
func TestExamineRuntimes(t *testing.T) {
	t.Parallel()
	for _, r := range runtimes(t) {
		t.Run(r.dir, func(t *testing.T) {
			t.Parallel()
			node := serveVectors(t, r.dir)
			if strings.HasSuffix(powRules[r.dir], " fee") {
				node.fee = 164_275
			}
			netuid := uint16(1)
			got, err := examine(t, subtensor.Network{Name: "local", Endpoint: node.URL()}, subtensor.ExamineOptions{Netuid: &netuid})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range got.Problems {
				t.Errorf("%s: %s", p.What, p.Error)
			}
			if rt := got.Runtime; rt.SpecVersion != r.spec || rt.SpecName != r.meta.Raw.SpecName || rt.CodeHash.String() != node.code {
				t.Errorf("%+v", rt)
			}
			var meta struct {
				SignedExtensions []string `json:"signedExtensions"`
			}
			vectors.JSON(t, r.dir+"/meta.json", &meta)
			var names []string
			for _, x := range got.Extensions {
				names = append(names, x.Identifier)
			}
			if d := cmp.Diff(meta.SignedExtensions, names); meta.SignedExtensions != nil && d != "" {
				t.Errorf("extensions (-want +got):\n%s", d)
			}
			used := 0
			for _, m := range got.Runtime.Metadata {
				if m.Used {
					used++
				}
				if m.Version == 14 && m.Bytes != len(node.v14)/2-1 || m.Bytes == 0 || m.Error != "" {
					t.Errorf("%+v", m)
				}
			}
			if used != 1 {
				t.Errorf("%+v", got.Runtime.Metadata)
			}
			checkProbes(t, r, got)
			rule := got.Pow.Refusal
			want, refused := strings.CutPrefix(powRules[r.dir], "refused: ")
			if !refused {
				fee := "free"
				if got.Pow.PaysFee {
					fee = "fee"
				}
				rule = fmt.Sprintf("%s %s %s %d %s", got.Pow.Call, got.Pow.Reading, got.Pow.Signer, got.Pow.Window, fee)
				if got.Pow.FeeRao == nil || *got.Pow.FeeRao != node.fee {
					t.Errorf("fee: %+v", got.Pow)
				}
				if len(node.asked) == 0 || slices.ContainsFunc(node.asked, func(xt string) bool { return !strings.Contains(xt, strings.Repeat("00", 64)) }) {
					t.Errorf("a fee was asked of %q, which has a signature", node.asked)
				}
			}
			if want == "" || !strings.Contains(rule, want) || got.Pow.Possible == refused {
				t.Errorf("rule %q, want %q", rule, powRules[r.dir])
			}
			// Whatever is stored: where the runtime takes no proofs, no subnet does.
			for _, s := range got.Subnets {
				if s.PowEnabled && refused {
					t.Errorf("%+v", s)
				}
				if s.BurnRao == nil || *s.BurnRao == 0 {
					t.Errorf("netuid %d: no price", s.Netuid)
				}
			}
			added := 0
			for k := range node.storage {
				if strings.HasPrefix(k, "0x658faa385070e074c85bf6b568cf05550e30450fc4d507a846032a7fa65d9a43") { // NetworksAdded
					added++
				}
			}
			if len(got.Subnets) != added || added == 0 {
				t.Errorf("%d subnets of %d", len(got.Subnets), added)
			}
		})
	}
}

// checkProbes finds every recorded answer decoded, with as many things in it as
// an independent implementation found.
func checkProbes(t *testing.T, r runtime, got *subtensor.Report) {
	t.Helper()
	decoded := 0
	for _, p := range got.APIs {
		var want any
		recorded := false
		for _, c := range r.meta.Calls {
			if c.Method == p.Name && (c.Args == "0x0100" || c.Args == "0x") {
				vectors.JSON(t, r.dir+"/"+c.Expected, &want)
				recorded = true
			}
		}
		if list, ok := want.([]any); recorded && ok && (p.Status != subtensor.ProbeOK || p.Count == nil || *p.Count != len(list)) {
			t.Errorf("%+v, want %d", p, len(list))
		}
		if recorded && (p.Status == subtensor.ProbeAbsent || p.Layout == "" || p.Bytes == 0) {
			t.Errorf("%+v", p)
		}
		if recorded {
			decoded++
		}
		if !recorded && p.Status == subtensor.ProbeError {
			t.Errorf("%+v", p)
		}
	}
	if len(r.meta.Calls) > 0 && decoded < 4 {
		t.Errorf("%d of %d answers were looked at", decoded, len(r.meta.Calls))
	}
	if len(r.meta.Calls) == 0 { // 143 has no such runtime APIs
		if last := got.APIs[len(got.APIs)-1]; last.Name != "neurons" || last.Count == nil || *last.Count != 64 || last.Layout != "storage" {
			t.Errorf("%+v", last)
		}
	}
	for _, name := range []string{"Weights", "Keys", "Uids", "SubnetworkN", "Burn"} {
		i := slices.IndexFunc(got.Storage, func(p subtensor.Probe) bool { return p.Name == "SubtensorModule."+name })
		if i < 0 || got.Storage[i].Status != subtensor.ProbeOK || got.Storage[i].Bytes == 0 {
			t.Errorf("storage %s: %+v", name, got.Storage)
		}
	}
}

func TestExamineDevnet(t *testing.T) {
	node, err := devnet.Start(devnet.Options{Difficulty: 50})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	for range 5 {
		node.Step()
	}
	endpoint := strings.Replace(node.URL(), "ws://", "ws://someone:sesame@", 1) + "/v1/0123456789abcdef?key=fedcba98"
	got, err := examine(t, subtensor.Network{Name: "local", Endpoint: endpoint}, subtensor.ExamineOptions{})
	if err != nil || !got.OK() {
		t.Fatalf("%v, %+v", err, got.Problems)
	}
	if got.Endpoint != node.URL() || got.Netuid == nil || *got.Netuid != 1 || got.Chain.Name != "unknown" || got.Chain.Block != 5 || got.Chain.Finalized == nil {
		t.Errorf("%+v", got)
	}
	if got.Node.Name != "bt devnet" || got.Node.State != subtensor.StateUnknown || got.Node.Peers == nil {
		t.Errorf("%+v", got.Node)
	}
	if got.Chain.Time.IsZero() || got.Chain.BlockSample == 0 {
		t.Errorf("%+v", got.Chain)
	}
	if p := got.Pow; !p.Possible || p.Call != "pow_register" || p.FeeRao == nil || *p.FeeRao != 0 || p.Terms != "ok" {
		t.Errorf("%+v", p)
	}
	enabled := 0
	for _, s := range got.Subnets {
		if s.PowEnabled {
			enabled++
			if s.Netuid != 1 || s.Difficulty != 50 || s.Neurons != 16 {
				t.Errorf("%+v", s)
			}
		}
	}
	if len(got.Subnets) != 3 || enabled != 1 {
		t.Errorf("%+v", got.Subnets)
	}

	// The document has nothing of the endpoint's secrets.
	doc, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"someone", "sesame", "0123456789abcdef", "fedcba98"} {
		if strings.Contains(string(doc), secret) {
			t.Errorf("%s is in the report", secret)
		}
	}

	// On a subnet whose owner has not enabled it that is an answer, no problem.
	closed := uint16(2)
	got, err = examine(t, subtensor.Network{Name: "local", Endpoint: node.URL()}, subtensor.ExamineOptions{Netuid: &closed})
	if err != nil || !got.OK() || !strings.Contains(got.Pow.Terms, "not enabled") {
		t.Errorf("%v, %+v", err, got.Pow)
	}
	absent := uint16(77)
	if _, err := examine(t, subtensor.Network{Endpoint: node.URL()}, subtensor.ExamineOptions{Netuid: &absent}); !errors.Is(err, subtensor.ErrSubnetNotFound) {
		t.Error(err)
	}
	future := uint64(1 << 30)
	var none *substrate.BlockNotFoundError
	if _, err := examine(t, subtensor.Network{Endpoint: node.URL()}, subtensor.ExamineOptions{Block: &future}); !errors.As(err, &none) {
		t.Error(err)
	}
}

// What does not work is named.
func TestExamineProblems(t *testing.T) {
	t.Parallel()
	const dir = "326-main"
	for _, c := range []struct {
		name    string
		network string
		spoil   func(n *oldNode)
		what    string // of the first problem; "" for an error
		word    string
	}{
		{"an answer that does not decode", "local", func(n *oldNode) {
			n.answers["NeuronInfoRuntimeApi_get_neurons 0x0100"] = "0x04ffff"
		}, "NeuronInfoRuntimeApi_get_neurons", "get_neurons"},
		{"an API that fails", "local", func(n *oldNode) {
			n.refuse["SubnetInfoRuntimeApi_get_metagraph"] = "wasm trap: unreachable"
		}, "SubnetInfoRuntimeApi_get_metagraph", "wasm trap"},
		{"a value that does not decode", "local", func(n *oldNode) {
			for key := range n.storage {
				if strings.HasPrefix(key, "0x658faa385070e074c85bf6b568cf0555a1048e9d244171852dfe8db314dc68ca") { // SubnetworkN
					n.storage[key] = "0x01"
				}
			}
		}, "SubtensorModule.SubnetworkN", "end"},
		{"a fee where there should be none", "local", func(n *oldNode) { n.version = respec(n.version, 301); n.fee = 7 }, "fee of a registration", "7 rao"},
		{"another chain than its name says", "finney", func(*oldNode) {}, "network", "another chain"},
		{"metadata that cannot be read", "local", func(n *oldNode) {
			n.v14 = n.v14[:1000]
			for k, v := range n.answers {
				if strings.HasPrefix(k, "Metadata_metadata_at") {
					n.answers[k] = v[:min(len(v), 1000)]
				}
			}
		}, "runtime", "metadata"},
		{"a state that is gone", "local", func(n *oldNode) {
			n.refuse["state_getRuntimeVersion"] = "State already discarded for 0x00"
		}, "", "not kept the state"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			node := serveVectors(t, dir)
			c.spoil(node)
			got, err := examine(t, subtensor.Network{Name: c.network, Endpoint: node.URL()}, subtensor.ExamineOptions{})
			if c.what == "" {
				if err == nil || !strings.Contains(err.Error(), c.word) || got.Node.State == "" {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || len(got.Problems) == 0 || got.OK() {
				t.Fatalf("%v, %+v", err, got)
			}
			if p := got.Problems[0]; p.What != c.what || !strings.Contains(p.Error, c.word) {
				t.Errorf("%+v", got.Problems)
			}
			if got.Runtime.SpecName != "node-subtensor" || got.Runtime.SpecVersion == 0 {
				t.Errorf("%+v", got.Runtime)
			}
		})
	}
}

// Which states a node keeps is told by the oldest.
func TestExamineStates(t *testing.T) {
	t.Parallel()
	for old, want := range map[string]string{"": subtensor.StateUnknown, "kept": subtensor.StateArchive, "gone": subtensor.StatePruned} {
		node := serveVectors(t, "143-finney")
		node.old = old
		got, err := examine(t, subtensor.Network{Name: "local", Endpoint: node.URL()}, subtensor.ExamineOptions{})
		if err != nil || got.Node.State != want || got.Node.Why == "" {
			t.Errorf("older blocks %q: %v, %+v", old, err, got.Node)
		}
	}
}

// respec changes the spec version that a node tells.
func respec(version json.RawMessage, spec int) json.RawMessage {
	var m map[string]any
	json.Unmarshal(version, &m)
	m["specVersion"] = spec
	b, _ := json.Marshal(m)
	return b
}

// A node that goes away ends the examination; what was found stays.
func TestExamineLostNode(t *testing.T) {
	node := nodetest.NewServer(t, func(c *nodetest.Conn) {
		c.Drain(func(text []byte) {
			var m []struct {
				ID     json.RawMessage
				Method string
			}
			if text[0] != '[' {
				text = []byte("[" + string(text) + "]")
			}
			json.Unmarshal(text, &m)
			var out []string
			for _, m := range m {
				switch m.Method {
				case "chain_getBlockHash":
					out = append(out, fmt.Sprintf(`{"id":%s,"result":"0x%s"}`, m.ID, strings.Repeat("11", 32)))
				case "chain_getHeader":
					zero := strings.Repeat("0", 64)
					out = append(out, fmt.Sprintf(`{"id":%s,"result":{"number":"0x7","parentHash":"0x%[2]s","stateRoot":"0x%[2]s","extrinsicsRoot":"0x%[2]s","digest":{"logs":[]}}}`, m.ID, zero))
				case "system_name":
					out = append(out, fmt.Sprintf(`{"id":%s,"result":"gone soon"}`, m.ID))
				default:
					c.Drop()
				}
			}
			c.Send("[" + strings.Join(out, ",") + "]")
		})
	})
	got, err := examine(t, subtensor.Network{Endpoint: node.URL()}, subtensor.ExamineOptions{})
	if !substrate.Unreachable(err) || got == nil || got.Node.Name != "gone soon" {
		t.Errorf("%v, %+v", err, got)
	}
}
