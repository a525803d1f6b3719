package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
)

// flavours are the nodes that are not what they should be.
var flavours = map[string]node{
	// Another chain: no pallet SubtensorModule.
	"foreign": {spec: 475, edit: func(md *metadata.Metadata) {
		pallet, _ := md.Pallet("SubtensorModule")
		pallet.Name, pallet.Prefix = "Contracts", "Contracts"
	}},
	// A runtime as between specs 397 and 459: there is no pow_register, and register
	// burns.
	"unsafe": {spec: 425, edit: func(md *metadata.Metadata) { renameCalls(md, "pow_register", "something") }},
	// A runtime as those up to spec 394: register takes proofs, and its signer, the
	// hotkey, pays a fee. It has no faucet.
	"classic": {spec: 394, edit: func(md *metadata.Metadata) {
		pallet, call, _ := md.Call("SubtensorModule", "pow_register")
		if later, ok := pallet.Entry("BurnHalfLife"); ok {
			later.Name = "SomethingElse"
		}
		f := slices.Clone(call.Fields) // netuid, work_block, nonce, work, hotkey
		f[1].Name = "block_number"
		f[3].Type, _ = md.Types.Resolve("Vec<u8>")
		f = append(f, f[4])
		f[5].Name = "coldkey"
		call.Fields = f
		renameCalls(md, "register", "something", "register_limit", "something_else", "pow_register", "register", "faucet", "tap")
	}},
	// A runtime whose pow_register takes something else than the one that is known,
	// and which wants something in transactions that is not known.
	"strange": {spec: 500, edit: func(md *metadata.Metadata) {
		_, call, _ := md.Call("SubtensorModule", "pow_register")
		call.Fields[2].Name = "nonces"
		for i, x := range md.Extrinsic.Extensions {
			if x.Identifier == "CheckNonce" {
				md.Extrinsic.Extensions[i].Identifier = "CheckNonsense"
			}
		}
	}},
	// Metadata that ends too early.
	"truncated": {spec: 475, edit: func(*metadata.Metadata) {}, cut: 1000},
	// A node of finney that has kept the state of its head, block 7, alone; and the
	// same of a chain that is not known.
	"pruned":         {spec: 475, edit: func(*metadata.Metadata) {}, genesis: "2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03", pruned: true},
	"pruned-unknown": {spec: 475, edit: func(*metadata.Metadata) {}, pruned: true},
	// A node that hangs up after its first answer.
	"hangup": {spec: 475, edit: func(*metadata.Metadata) {}, answers: 1},
	// A gateway that lets nobody in.
	"busy": {status: http.StatusTooManyRequests},
}

// renameCalls gives calls of SubtensorModule other names: pairs of before and after.
func renameCalls(md *metadata.Metadata, names ...string) {
	pallet, _ := md.Pallet("SubtensorModule")
	for i, v := range md.Types.Type(pallet.Calls).Variants {
		if at := slices.Index(names, v.Name); at >= 0 && at%2 == 0 {
			md.Types.Type(pallet.Calls).Variants[i].Name = names[at+1]
		}
	}
}

// node serves one block of a chain with metadata that was tampered with.
type node struct {
	spec    uint32
	edit    func(*metadata.Metadata)
	cut     int // bytes of metadata that are left out
	answers int // then it hangs up; 0 for never
	status  int // of HTTP, in the place of a WebSocket; 0 for none
	genesis string
	pruned  bool // the states of blocks before the head are gone

	metadata []byte
}

// serve starts a node and returns its URL.
func serve(flavour string) (url string, stop func(), err error) {
	n, ok := flavours[flavour]
	if !ok {
		return "", nil, fmt.Errorf("no flavour %q", flavour)
	}
	if n.status == 0 {
		if err := n.forge(); err != nil {
			return "", nil, err
		}
	}
	url, stop = n.start()
	return url, stop, nil
}

func (n *node) start() (url string, stop func()) {
	s := httptest.NewServer(http.HandlerFunc(n.accept))
	return "ws" + strings.TrimPrefix(s.URL, "http"), s.Close
}

// forge takes the metadata of a development chain and changes it.
func (n *node) forge() error {
	chain, err := devnet.Start(devnet.Options{})
	if err != nil {
		return err
	}
	defer chain.Close()
	c, err := substrate.Dial(context.Background(), chain.URL(), substrate.Options{})
	if err != nil {
		return err
	}
	defer c.Close()
	at, err := c.AtHead(context.Background())
	if err != nil {
		return err
	}
	md := at.Runtime.Metadata
	n.edit(md)
	if n.metadata, err = md.Append(nil, md.Version); err == nil {
		n.metadata = n.metadata[:len(n.metadata)-n.cut]
	}
	return err
}

func (n *node) accept(w http.ResponseWriter, r *http.Request) {
	if n.status != 0 {
		w.WriteHeader(n.status)
		return
	}
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer ws.CloseNow()
	for served := 0; n.answers == 0 || served < n.answers; served++ {
		_, message, err := ws.Read(r.Context())
		if err != nil {
			return
		}
		if err := ws.Write(r.Context(), websocket.MessageText, n.answer(message)); err != nil {
			return
		}
	}
}

type call struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

// calls returns the calls of a message.
func calls(message []byte) []call {
	var many []call
	if json.Unmarshal(message, &many) == nil {
		return many
	}
	var one call
	if json.Unmarshal(message, &one) != nil {
		return nil
	}
	return []call{one}
}

// instead is what stands between bt and a node: it returns what is said in the
// place of the node's answer to a call, such as `"result":1`, or "". It may wait.
type instead func(c call) string

// between starts a node that passes everything on to the one at upstream, but for
// some answers, and returns its URL. Calls of the methods in kept, which come alone,
// do not reach the other node at all.
func between(t *testing.T, upstream string, other instead, kept ...string) (url string) {
	t.Helper()
	return nodetest.NewServer(t, func(c *nodetest.Conn) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		ws, _, err := websocket.Dial(ctx, upstream, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		ws.SetReadLimit(-1)
		var (
			mu    sync.Mutex
			asked = make(map[string]call)
			work  sync.WaitGroup
		)
		// answer sends an answer, or those of a batch, when all have been seen to.
		answer := func(text []byte) {
			var list []map[string]json.RawMessage
			batch := json.Unmarshal(text, &list) == nil
			if !batch {
				list = make([]map[string]json.RawMessage, 1)
				if err := json.Unmarshal(text, &list[0]); err != nil {
					t.Error(err)
				}
			}
			for i, m := range list {
				mu.Lock()
				q, ok := asked[string(m["id"])]
				mu.Unlock()
				if !ok {
					continue
				}
				if said := other(q); said != "" {
					list[i] = nil
					if err := json.Unmarshal([]byte(`{"jsonrpc":"2.0","id":`+string(q.ID)+`,`+said+`}`), &list[i]); err != nil {
						t.Error(err)
					}
				}
			}
			var v any = list
			if !batch {
				v = list[0]
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Error(err)
			}
			c.SendBytes(b)
		}
		work.Go(func() {
			defer c.Drop()
			for {
				_, text, err := ws.Read(ctx)
				if err != nil {
					return
				}
				work.Go(func() { answer(text) })
			}
		})
		c.Drain(func(text []byte) {
			mu.Lock()
			for _, q := range calls(text) {
				asked[string(q.ID)] = q
			}
			mu.Unlock()
			if q := calls(text); len(q) == 1 && slices.Contains(kept, q[0].Method) {
				c.SendBytes(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,%s}`, q[0].ID, other(q[0])))
				return
			}
			if ws.Write(ctx, websocket.MessageText, text) != nil {
				c.Drop()
			}
		})
		ws.CloseNow()
		work.Wait()
	}).URL()
}

// neuronsOf reports whether a call asks for the neurons of a subnet.
func (c call) neuronsOf(netuid uint16) bool {
	return c.Method == "state_call" && len(c.Params) > 1 &&
		strings.Contains(string(c.Params[0]), "get_neurons") &&
		string(c.Params[1]) == fmt.Sprintf(`"0x%x"`, binary.LittleEndian.AppendUint16(nil, netuid))
}

// answer answers a call or a batch of them.
func (n *node) answer(message []byte) []byte {
	asked := calls(message)
	if !bytes.HasPrefix(bytes.TrimSpace(message), []byte("[")) {
		if len(asked) == 0 {
			return []byte("null")
		}
		return n.one(asked[0])
	}
	all := make([][]byte, len(asked))
	for i, c := range asked {
		all[i] = n.one(c)
	}
	return slices.Concat([]byte("["), bytes.Join(all, []byte(",")), []byte("]"))
}

func (n *node) one(c call) []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,%s}`, c.ID, n.says(c))
}

// says is an answer without its id.
func (n *node) says(c call) string {
	zeros := `"0x` + strings.Repeat("00", 32) + `"`
	old := `"0x` + strings.Repeat("05", 32) + `"` // of block 5
	var result string
	if n.pruned && strings.HasPrefix(c.Method, "state_") && string(c.Params[len(c.Params)-1]) == old {
		return `"error":{"code":4003,"message":"Client error: UnknownBlock: State already discarded for ` + strings.Trim(old, `"`) + `"}`
	}
	switch c.Method {
	case "chain_getBlockHash":
		result = zeros
		switch {
		case len(c.Params) == 1 && string(c.Params[0]) == "0" && n.genesis != "":
			result = `"0x` + n.genesis + `"`
		case len(c.Params) == 1 && string(c.Params[0]) == "5":
			result = old
		}
	case "state_getStorageHash": // of the runtime's code, by which metadata is kept
		result = fmt.Sprintf(`"0x%x"`, sha256.Sum256(n.metadata))
	case "chain_getHeader":
		number := 7
		if len(c.Params) == 1 && string(c.Params[0]) == old {
			number = 5
		}
		result = fmt.Sprintf(`{"parentHash":%s,"number":"0x%x","stateRoot":%s,"extrinsicsRoot":%s,"digest":{"logs":[]}}`, zeros, number, zeros, zeros)
	case "state_getRuntimeVersion":
		result = fmt.Sprintf(`{"specName":"node","specVersion":%d,"transactionVersion":1,"apis":[]}`, n.spec)
	case "state_getMetadata":
		result = `"0x` + hex.EncodeToString(n.metadata) + `"`
	default:
		return fmt.Sprintf(`"error":{"code":-32601,"message":"no %s here"}`, c.Method)
	}
	return `"result":` + result
}
