package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"github.com/bittensor-go/bt/devnet"
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
	"unsafe": {spec: 425, edit: func(md *metadata.Metadata) {
		pallet, _ := md.Pallet("SubtensorModule")
		for i, v := range md.Types.Type(pallet.Calls).Variants {
			if v.Name == "pow_register" {
				md.Types.Type(pallet.Calls).Variants[i].Name = "register"
			}
		}
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
	// A node that hangs up after its first answer.
	"hangup": {spec: 475, edit: func(*metadata.Metadata) {}, answers: 1},
	// A gateway that lets nobody in.
	"busy": {status: http.StatusTooManyRequests},
}

// node serves one block of a chain with metadata that was tampered with.
type node struct {
	spec    uint32
	edit    func(*metadata.Metadata)
	cut     int // bytes of metadata that are left out
	answers int // then it hangs up; 0 for never
	status  int // of HTTP, in the place of a WebSocket; 0 for none

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
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
}

// answer answers a call or a batch of them.
func (n *node) answer(message []byte) []byte {
	if !bytes.HasPrefix(bytes.TrimSpace(message), []byte("[")) {
		var c call
		if json.Unmarshal(message, &c) != nil {
			return []byte("null")
		}
		return n.one(c)
	}
	var calls []call
	if json.Unmarshal(message, &calls) != nil {
		return []byte("null")
	}
	all := make([][]byte, len(calls))
	for i, c := range calls {
		all[i] = n.one(c)
	}
	return slices.Concat([]byte("["), bytes.Join(all, []byte(",")), []byte("]"))
}

func (n *node) one(c call) []byte {
	zeros := `"0x` + strings.Repeat("00", 32) + `"`
	var result string
	switch c.Method {
	case "chain_getBlockHash":
		result = zeros
	case "state_getStorageHash": // of the runtime's code, by which metadata is kept
		result = fmt.Sprintf(`"0x%x"`, sha256.Sum256(n.metadata))
	case "chain_getHeader":
		result = fmt.Sprintf(`{"parentHash":%s,"number":"0x7","stateRoot":%s,"extrinsicsRoot":%s,"digest":{"logs":[]}}`, zeros, zeros, zeros)
	case "state_getRuntimeVersion":
		result = fmt.Sprintf(`{"specName":"node","specVersion":%d,"transactionVersion":1,"apis":[]}`, n.spec)
	case "state_getMetadata":
		result = `"0x` + hex.EncodeToString(n.metadata) + `"`
	default:
		return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no %s here"}}`, c.ID, c.Method)
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":%s}`, c.ID, result)
}
