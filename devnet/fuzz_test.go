package devnet_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/substrate/keypair"
)

// FuzzExtrinsic hands any bytes to the pool: they are refused or taken, and what
// is read as an extrinsic keeps its bytes.
func FuzzExtrinsic(f *testing.F) {
	c := start(f, devnet.Options{})
	key := phrase(f, keypair.Sr25519, "fuzz")
	work := proof{netuid: 1, hotkey: key.Account(), coldkey: key.Account()}
	f.Add(c.sign(key, work.call(), signing{}))
	f.Add(c.sign(key, transfer(key.Account(), 1), signing{period: 64, tip: 1 << 40}))
	f.Add(c.sign(key, registerLimit(1, key.Account(), 1<<40), signing{}))
	f.Add(c.sign(key, goodWork.call(f, 1), signing{}))
	f.Add([]byte{4 << 2, 5, 2, 0, 4})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x84})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if again, err := devnet.ParseExtrinsic(raw); err == nil && !bytes.Equal(again, raw) {
			t.Errorf("%x became %x", raw, again)
		}
		msg := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":"author_submitExtrinsic","params":["%x"]}`, raw)
		if got := c.Handle(bytes.Replace(msg, []byte(`["`), []byte(`["0x`), 1)); !json.Valid(got) {
			t.Errorf("answer %s", got)
		}
		c.Step()
	})
}

// FuzzMessage hands any message to the node: the answer is JSON, or there is none.
func FuzzMessage(f *testing.F) {
	n, err := devnet.Start(devnet.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = n.Close() })
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":["0x26aa"]}`,
		`[{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":[[0,"0x1",null,-1,1e99]]}]`,
		`{"jsonrpc":"2.0","id":null,"method":"state_call","params":["NeuronInfoRuntimeApi_get_neuron","0x01000300"]}`,
		`{"jsonrpc":"2.0","id":"1","method":"state_subscribeStorage","params":[["0x"]]}`,
		`{"jsonrpc":"2.0","id":1,"method":"state_getKeysPaged","params":[null,1000,"0x",null]}`,
		`{"jsonrpc":"2.0","id":1,"method":"system_accountNextIndex","params":["5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"]}`,
		`{"jsonrpc":"2.0","id":[`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		if got := n.Handle(msg); got != nil && !json.Valid(got) {
			t.Errorf("answer to %q: %s", msg, got)
		}
	})
}
