package devnet_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/coder/websocket"
	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/sha3"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// chain is a node with one client on its socket.
type chain struct {
	*devnet.Node
	t     testing.TB
	ctx   context.Context
	ws    *websocket.Conn
	id    int
	notes map[string][]json.RawMessage
	md    *metadata.Metadata
	types *codec.Codec
}

func start(t testing.TB, opts devnet.Options) *chain {
	t.Helper()
	n, err := devnet.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return dial(t, n)
}

func dial(t testing.TB, n *devnet.Node) *chain {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	ws, _, err := websocket.Dial(ctx, n.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(64 << 20)
	t.Cleanup(func() { _ = ws.CloseNow() })
	c := &chain{Node: n, t: t, ctx: ctx, ws: ws, notes: map[string][]json.RawMessage{}}
	if c.md, err = metadata.ParseAnswer(c.stateCall("Metadata_metadata_at_version", le32(15))); err != nil {
		t.Fatal(err)
	}
	c.types = codec.New(c.md.Types)
	return c
}

// nodeError is an error as the node answered it.
type nodeError struct {
	Code    int
	Message string
	Data    string
}

func (e *nodeError) Error() string { return fmt.Sprintf("%d: %s: %s", e.Code, e.Message, e.Data) }

// read takes one message off the socket: an answer, or a notification to keep.
func (c *chain) read() (id int, result json.RawMessage, e *nodeError) {
	c.t.Helper()
	_, msg, err := c.ws.Read(c.ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	var m struct {
		ID     int
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
			Data    any
		}
		Params struct {
			Subscription string
			Result       json.RawMessage
		}
	}
	if err := json.Unmarshal(msg, &m); err != nil {
		c.t.Fatalf("%s: %v", msg, err)
	}
	if s := m.Params.Subscription; s != "" {
		c.notes[s] = append(c.notes[s], m.Params.Result)
		return 0, nil, nil
	}
	if m.Error != nil {
		e = &nodeError{m.Error.Code, m.Error.Message, ""}
		if m.Error.Data != nil {
			e.Data = fmt.Sprint(m.Error.Data)
		}
	}
	return m.ID, m.Result, e
}

// try calls a method and returns the answer or the node's error.
func (c *chain) try(method string, params ...any) (json.RawMessage, *nodeError) {
	c.t.Helper()
	c.id++
	if params == nil {
		params = []any{}
	}
	msg, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": c.id, "method": method, "params": params})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.ws.Write(c.ctx, websocket.MessageText, msg); err != nil {
		c.t.Fatal(err)
	}
	for {
		if id, result, e := c.read(); id == c.id {
			return result, e
		}
	}
}

func (c *chain) call(out any, method string, params ...any) {
	c.t.Helper()
	result, e := c.try(method, params...)
	if e != nil {
		c.t.Fatalf("%s: %v", method, e)
	}
	if err := json.Unmarshal(result, out); err != nil {
		c.t.Fatalf("%s: %s: %v", method, result, err)
	}
}

// note waits for the next notification of a subscription.
func (c *chain) note(subscription string) json.RawMessage {
	c.t.Helper()
	for len(c.notes[subscription]) == 0 {
		c.read()
	}
	n := c.notes[subscription][0]
	c.notes[subscription] = c.notes[subscription][1:]
	return n
}

func (c *chain) stateCall(method string, args []byte) []byte {
	c.t.Helper()
	var s string
	c.call(&s, "state_call", method, hexOf(args))
	return unhex(c.t, s)
}

// api asks a runtime API and decodes the answer by the chain's own metadata.
func (c *chain) api(out any, api, method string, args []byte) {
	c.t.Helper()
	m, ok := c.md.Method(api, method)
	if !ok {
		c.t.Fatalf("no %s_%s in the metadata", api, method)
	}
	if err := c.types.Decode(m.Output, c.stateCall(api+"_"+method, args), out); err != nil {
		c.t.Fatalf("%s_%s: %v", api, method, err)
	}
}

// head returns the head's number and hash.
func (c *chain) head() (uint64, [32]byte) {
	c.t.Helper()
	var h struct{ Number string }
	c.call(&h, "chain_getHeader")
	n, _ := new(big.Int).SetString(h.Number, 0)
	return n.Uint64(), c.hash(n.Uint64())
}

func (c *chain) hash(number uint64) [32]byte {
	c.t.Helper()
	var s string
	c.call(&s, "chain_getBlockHash", number)
	return [32]byte(unhex(c.t, s))
}

// key makes a storage key as the metadata describes it, by this test's own means.
func (c *chain) key(pallet, item string, keys ...[]byte) []byte {
	c.t.Helper()
	p, _ := c.md.Pallet(pallet)
	e, ok := p.Entry(item)
	if !ok || len(keys) > len(e.Hashers) {
		c.t.Fatalf("no storage %s.%s with %d keys", pallet, item, len(keys))
	}
	out := slices.Concat(twox128(pallet), twox128(item))
	for i, k := range keys {
		switch e.Hashers[i] {
		case metadata.Blake2_128Concat:
			h, _ := blake2b.New(16, nil)
			h.Write(k)
			out = h.Sum(out)
		case metadata.Twox64Concat:
			out = append(out, twox128(string(k))[:8]...)
		}
		out = append(out, k...)
	}
	return out
}

// stored reads a value of SubtensorModule, nil for none.
func (c *chain) stored(item string, keys ...[]byte) []byte {
	c.t.Helper()
	var s *string
	c.call(&s, "state_getStorage", hexOf(c.key("SubtensorModule", item, keys...)))
	if s == nil {
		return nil
	}
	return unhex(c.t, *s)
}

func (c *chain) u64(item string, netuid uint16) uint64 {
	return scale.NewReader(append(c.stored(item, le16(netuid)), make([]byte, 8)...)).U64()
}

// events returns the events of the head as "Pallet.Name", with a module error's
// name in place of ExtrinsicFailed.
func (c *chain) events() []string {
	c.t.Helper()
	var s string
	c.call(&s, "state_getStorage", hexOf(c.key("System", "Events")))
	p, _ := c.md.Pallet("System")
	e, _ := p.Entry("Events")
	list, err := c.types.Value(e.Value, scale.NewReader(unhex(c.t, s)))
	if err != nil {
		c.t.Fatal(err)
	}
	var out []string
	for _, v := range list.([]any) {
		pallet, _ := v.(*codec.Record).Get("event")
		outer := pallet.(*codec.Variant)
		inner := outer.Record.Fields[0].Value.(*codec.Variant)
		name := outer.Name + "." + inner.Name
		if inner.Name == "ExtrinsicFailed" {
			d, _ := inner.Get("dispatch_error")
			if d := d.(*codec.Variant); d.Name == "Module" {
				m := d.Record.Fields[0].Value.(*codec.Record)
				index, _ := m.Get("error")
				name = c.errorName(int(index.([]byte)[0]))
			} else {
				name = fmt.Sprint(d.Name, ".", d.Record.Fields[0].Value.(*codec.Variant).Name)
			}
		}
		out = append(out, name)
	}
	return out
}

// errorName is the name of an error of SubtensorModule.
func (c *chain) errorName(index int) string {
	p, _ := c.md.Pallet("SubtensorModule")
	for _, v := range c.md.Types.Type(p.Errors).Variants {
		if int(v.Index) == index {
			return v.Name
		}
	}
	return ""
}

// proof is a call of pow_register with what it was made of.
type proof struct {
	netuid          uint16
	block           uint64
	blockHash       [32]byte
	nonce           uint64
	work            [32]byte
	hotkey, coldkey ss58.AccountID
}

// seal is the seal by another way than the chain's: big integers and the
// preimage put together byte by byte.
func (p *proof) seal() [32]byte {
	pre := slices.Concat([]byte("subtensor-pow-register-v1"), le16(p.netuid), p.blockHash[:], p.hotkey[:], p.coldkey[:], le64(p.nonce))
	first := sha256.Sum256(pre)
	k := sha3.NewLegacyKeccak256()
	k.Write(first[:])
	return [32]byte(k.Sum(nil))
}

// little and big read a seal as a number.
func big256(seal [32]byte) *big.Int { return new(big.Int).SetBytes(seal[:]) }

func little256(seal [32]byte) *big.Int {
	slices.Reverse(seal[:])
	return big256(seal)
}

func below(v *big.Int, difficulty uint64) bool {
	return new(big.Int).Mul(v, new(big.Int).SetUint64(difficulty)).BitLen() <= 256
}

// solve searches a nonce whose seal is as wanted.
func (p *proof) solve(wanted func(seal [32]byte) bool) {
	for ; ; p.nonce++ {
		if p.work = p.seal(); wanted(p.work) {
			return
		}
	}
}

// meeting wants seals that meet a difficulty. Big numbers are left to the few
// whose highest byte is not too large at a glance.
func meeting(difficulty uint64) func([32]byte) bool {
	return func(s [32]byte) bool {
		return (difficulty < 1<<8 || s[31] == 0) && below(little256(s), max(1, difficulty))
	}
}

// largest is the largest difficulty that a seal meets.
func largest(seal [32]byte) uint64 {
	top := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	return top.Div(top, little256(seal)).Uint64()
}

func (p *proof) call() []byte {
	return slices.Concat([]byte{7, 152}, le16(p.netuid), le64(p.block), le64(p.nonce), p.work[:], p.hotkey[:])
}

// signing is how a transaction is signed; the zero value is an immortal one with
// nonce 0 and no tip.
type signing struct {
	nonce  uint64
	tip    uint64
	period uint64
}

// sign signs a call by rules written down anew here.
func (c *chain) sign(key *keypair.Pair, call []byte, how signing) []byte {
	c.t.Helper()
	genesis := c.hash(0)
	birth := genesis
	era := []byte{0}
	if how.period > 0 {
		var head uint64
		head, birth = c.head()
		exponent := uint64(0)
		for 2<<exponent < how.period {
			exponent++
		}
		era = le16(uint16(exponent | head%how.period<<4))
	}
	extra := append(scale.AppendCompact(scale.AppendCompact(era, how.nonce), how.tip), 0)
	payload := slices.Concat(call, extra, le32(475), le32(1), genesis[:], birth[:], []byte{0})
	if len(payload) > 256 {
		h := blake2b.Sum256(payload)
		payload = h[:]
	}
	sig, err := key.Sign(payload)
	if err != nil {
		c.t.Fatal(err)
	}
	kind := byte(1)
	if key.Scheme() == keypair.Ed25519 {
		kind = 0
	}
	id := key.Account()
	body := slices.Concat([]byte{0x84, 0}, id[:], []byte{kind}, sig[:], extra, call)
	return scale.AppendByteString(nil, body)
}

// transfer is the call Balances.transfer_keep_alive.
func transfer(to ss58.AccountID, amount uint64) []byte {
	return scale.AppendCompact(slices.Concat([]byte{5, 3, 0}, to[:]), amount)
}

// phrase makes a key as the recorded cases do.
func phrase(t testing.TB, scheme keypair.Scheme, words string) *keypair.Pair {
	t.Helper()
	seed := blake2b.Sum256([]byte(words))
	p, err := keypair.FromSeed(scheme, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func entry(item string, value []byte, keys ...[]byte) devnet.Entry {
	return devnet.Entry{Pallet: "SubtensorModule", Item: item, Keys: keys, Value: value}
}

// write changes the state by one block.
func (c *chain) write(entries ...devnet.Entry) {
	c.t.Helper()
	if err := c.Set(entries...); err != nil {
		c.t.Fatal(err)
	}
	c.Step()
}

func le16(v uint16) []byte  { return scale.AppendU16(nil, v) }
func le32(v uint32) []byte  { return scale.AppendU32(nil, v) }
func le64(v uint64) []byte  { return scale.AppendU64(nil, v) }
func hexOf(b []byte) string { return "0x" + hex.EncodeToString(b) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

// twox128 is the hash of the names that storage keys begin with; known prefixes
// hold it in TestStorageKeys.
func twox128(s string) []byte {
	var out []byte
	for seed := range uint64(2) {
		d := xxhash.NewWithSeed(seed)
		_, _ = d.WriteString(s)
		out = scale.AppendU64(out, d.Sum64())
	}
	return out
}
