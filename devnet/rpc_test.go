package devnet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// What a node answers to messages of every kind.
func TestMessages(t *testing.T) {
	n, err := devnet.Start(devnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for _, tc := range []struct{ in, want string }{
		{`{"jsonrpc":"2.0","id":1,"method":"system_chain","params":[]}`, `{"jsonrpc":"2.0","id":1,"result":"Bittensor"}`},
		{`{"jsonrpc":"2.0","id":"x","method":"system_chain"}`, `{"jsonrpc":"2.0","id":"x","result":"Bittensor"}`},
		{`{"jsonrpc":"2.0","id":1,"method":"system_properties"}`, `{"jsonrpc":"2.0","id":1,"result":{"ss58Format":42,"tokenDecimals":9,"tokenSymbol":"TAO"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"system_health"}`, `{"jsonrpc":"2.0","id":1,"result":{"isSyncing":false,"peers":0,"shouldHavePeers":false}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"nothing_here","params":[]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":["0x1"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1: pairs of hexadecimal digits are expected"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"state_call","params":["Metadata_metadata_at_version","63000000"]}`, `{"jsonrpc":"2.0","id":1,"result":"0x00"}`},
		{`{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":{"key":"0x"}}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameters are a list"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":[]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1: a string is missing"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":["0x00"]}`, `{"jsonrpc":"2.0","id":1,"result":null}`},
		{`{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":[77]}`, `{"jsonrpc":"2.0","id":1,"result":null}`},
		{`{"jsonrpc":"2.0","id":1,"method":"state_getKeysPaged","params":["0x",1001]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":4002,"message":"count exceeds maximum value. value: 1001, max: 1000"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"state_call","params":["Some_thing","0x"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":4003,"message":"Client error: Execution failed: Other: Exported method Some_thing is not found"}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"author_submitExtrinsic","params":["0x0102"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":1001,"message":"Extrinsic has invalid format: not a length and that many bytes: at byte 2: unexpected end of input: length 128, 0 bytes left"}}`},
		{`{"jsonrpc":"2.0","method":"system_chain","params":[]}`, ``},
		{`{"jsonrpc":"1.0","id":1,"method":"system_chain"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}`},
		{`{"jsonrpc":"2.0","id":{},"method":"system_chain"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}`},
		{`{"jsonrpc":`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`},
		{``, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`},
		{`[]`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}`},
		{`[1]`, `[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}]`},
		{
			` [{"jsonrpc":"2.0","id":1,"method":"system_chain"},{"jsonrpc":"2.0","method":"system_chain"},{"jsonrpc":"2.0","id":2,"method":"x"}]`,
			`[{"jsonrpc":"2.0","id":1,"result":"Bittensor"},{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"Method not found"}}]`,
		},
	} {
		if got := string(n.Handle([]byte(tc.in))); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.in, got, tc.want)
		}
	}
	// Every listed method answers something to a call without parameters.
	var list struct{ Result struct{ Methods []string } }
	if err := json.Unmarshal(n.Handle([]byte(`{"jsonrpc":"2.0","id":1,"method":"rpc_methods"}`)), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Result.Methods) < 40 || !slices.IsSorted(list.Result.Methods) {
		t.Errorf("methods %v", list.Result.Methods)
	}
	for _, m := range list.Result.Methods {
		got := n.Handle(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":%q}`, m))
		if !json.Valid(got) || strings.Contains(string(got), "-32601") {
			t.Errorf("%s: %s", m, got)
		}
	}
}

func TestBlocksAndState(t *testing.T) {
	stamp := time.UnixMilli(1_760_000_000_000)
	c := start(t, devnet.Options{Clock: func() time.Time { return stamp }})
	var heads string
	c.call(&heads, "chain_subscribeNewHeads")
	type header struct{ ParentHash, Number, StateRoot, ExtrinsicsRoot string }
	var first header
	if err := json.Unmarshal(c.note(heads), &first); err != nil || first.Number != "0x0" {
		t.Fatalf("first head %+v, %v", first, err)
	}
	for i := uint64(1); i <= 3; i++ {
		if got := c.Step(); got != i {
			t.Fatalf("step built %d, want %d", got, i)
		}
		var h header
		if err := json.Unmarshal(c.note(heads), &h); err != nil {
			t.Fatal(err)
		}
		// The hash is that of the encoded header, as of every Substrate chain.
		parent := c.hash(i - 1)
		enc := slices.Concat(parent[:], scale.AppendCompact(nil, i), unhex(t, h.StateRoot), unhex(t, h.ExtrinsicsRoot), []byte{0})
		if got := c.hash(i); blake2b.Sum256(enc) != got || h.ParentHash != hexOf(parent[:]) {
			t.Errorf("block %d: header %+v does not hash to %x", i, h, got)
		}
		var block struct {
			Block struct {
				Header     header
				Extrinsics []string
			}
		}
		at := c.hash(i)
		c.call(&block, "chain_getBlock", hexOf(at[:]))
		now := uint64(stamp.UnixMilli()) + i - 1
		if want := hexOf(scale.AppendByteString(nil, scale.AppendCompact([]byte{5, 2, 0}, now))); len(block.Block.Extrinsics) != 1 || block.Block.Extrinsics[0] != want {
			t.Errorf("extrinsics %v, want %s", block.Block.Extrinsics, want)
		}
		if got := c.events(); !slices.Equal(got, []string{"System.ExtrinsicSuccess"}) {
			t.Errorf("events %v", got)
		}
	}
	var ok bool
	if c.call(&ok, "chain_unsubscribeNewHeads", heads); !ok {
		t.Error("not unsubscribed")
	}
	if c.call(&ok, "chain_unsubscribeNewHeads", heads); ok {
		t.Error("unsubscribed twice")
	}
	one, three, parent := c.hash(1), c.hash(3), c.hash(2)
	var final string
	if c.call(&final, "chain_getFinalizedHead"); final != hexOf(parent[:]) {
		t.Errorf("final is %s, want block 2", final)
	}
	var list []*string
	if c.call(&list, "chain_getBlockHash", []any{1, "0x3", 9}); *list[0] != hexOf(one[:]) || *list[1] != hexOf(three[:]) || list[2] != nil {
		t.Errorf("hashes %v", list)
	}
	// The state of each block stays readable.
	number := hexOf(c.key("System", "Number"))
	for i := range uint64(4) {
		at := c.hash(i)
		var v string
		if c.call(&v, "state_getStorage", number, hexOf(at[:])); v != hexOf(le32(uint32(i))) {
			t.Errorf("number at %d: %s", i, v)
		}
	}
	var changes []struct {
		Block   string
		Changes [][]*string
	}
	c.call(&changes, "state_queryStorageAt", []string{number, "0xabcd"}, hexOf(one[:]))
	if len(changes) != 1 || changes[0].Block != hexOf(one[:]) || *changes[0].Changes[0][1] != "0x01000000" || changes[0].Changes[1][1] != nil {
		t.Errorf("changes %+v", changes)
	}
	_, e := c.try("state_getStorage", number, "0x"+strings.Repeat("11", 32))
	if e == nil || e.Code != 4003 || !strings.Contains(e.Message, "Header was not found in the database: 0x1111") {
		t.Errorf("unknown block: %v", e)
	}
	// All keys of a map, page by page, are what is stored one by one.
	prefix := hexOf(c.key("SubtensorModule", "Uids", le16(1)))
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		var page []string
		c.call(&page, "state_getKeysPaged", prefix, 5, map[bool]any{true: nil, false: after}[after == ""])
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
	}
	if len(got) != 16 || !slices.IsSorted(got) {
		t.Errorf("%d keys %v", len(got), got)
	}
	var codeHash, code string
	c.call(&codeHash, "state_getStorageHash", hexOf([]byte(":code")))
	c.call(&code, "state_getStorage", hexOf([]byte(":code")))
	var size int
	c.call(&size, "state_getStorageSize", hexOf([]byte(":code")))
	if sum := blake2b.Sum256(unhex(t, code)); codeHash != hexOf(sum[:]) || size != len(unhex(t, code)) {
		t.Errorf("hash of the code is %s, size %d", codeHash, size)
	}
	var other string
	d := start(t, devnet.Options{Difficulty: 77})
	if d.call(&other, "state_getStorageHash", hexOf([]byte(":code"))); other != codeHash {
		t.Error("two chains of one build have different code")
	}
}

func TestStatesAreDiscarded(t *testing.T) {
	c := start(t, devnet.Options{})
	for range 4096 + 256 {
		c.Step()
	}
	old, kept := c.hash(200), c.hash(300)
	number := hexOf(c.key("System", "Number"))
	if _, e := c.try("state_getStorage", number, hexOf(old[:])); e == nil || e.Message != "Client error: UnknownBlock: State already discarded for "+hexOf(old[:]) {
		t.Errorf("old state: %v", e)
	}
	if _, e := c.try("state_call", "Core_version", "0x", hexOf(old[:])); e == nil || e.Message != "Client error: Api called for an unknown Block: State already discarded for "+hexOf(old[:]) {
		t.Errorf("old state: %v", e)
	}
	var v string
	if c.call(&v, "state_getStorage", number, hexOf(kept[:])); v != hexOf(le32(300)) {
		t.Errorf("state of block 300: %s", v)
	}
	var h map[string]any
	if c.call(&h, "chain_getHeader", hexOf(old[:])); h["number"] != "0xc8" {
		t.Errorf("header of block 200: %v", h)
	}
	c.Handle([]byte(`{}`))
	if got := c.stored("Difficulty", le16(1)); len(got) != 8 {
		t.Errorf("a value of the genesis is gone: %x", got)
	}
}

func TestTransfers(t *testing.T) {
	c := start(t, devnet.Options{})
	alice, err := keypair.FromURI(keypair.Sr25519, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	stranger := ss58.AccountID{7}
	const free, tao = 1_000_000_000_000_000, 1_000_000_000
	balance := func(id ss58.AccountID) uint64 {
		var s *string
		if c.call(&s, "state_getStorage", hexOf(c.key("System", "Account", id[:]))); s == nil {
			return 0
		}
		return scale.NewReader(unhex(t, *s)[16:]).U64()
	}
	send := func(call []byte, nonce uint64) []string {
		t.Helper()
		c.call(new(string), "author_submitExtrinsic", hexOf(c.sign(alice, call, signing{nonce: nonce, period: 64})))
		c.Step()
		return c.events()[1:]
	}
	if got := balance(alice.Account()); got != free {
		t.Fatalf("Alice has %d", got)
	}
	want := []string{"Balances.Withdraw", "System.NewAccount", "Balances.Endowed", "Balances.Transfer", "TransactionPayment.TransactionFeePaid", "System.ExtrinsicSuccess"}
	if got := send(transfer(stranger, 5*tao), 0); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	if got := balance(stranger); got != 5*tao {
		t.Errorf("the stranger has %d", got)
	}
	spent := uint64(free - 5*tao)
	if got := balance(alice.Account()); got >= spent || spent-got > 200_000 {
		t.Errorf("Alice has %d", got)
	}
	last := func(events []string) string { return events[len(events)-1] }
	if got := last(send(transfer(stranger, 2*free), 1)); got != "Token.FundsUnavailable" {
		t.Errorf("more than there is: %s", got)
	}
	left := balance(alice.Account())
	fee := 100_000 + 100*uint64(len(c.sign(alice, transfer(stranger, left), signing{nonce: 2, period: 64})))
	if got := last(send(transfer(stranger, left-fee-499), 2)); got != "Token.NotExpendable" {
		t.Errorf("less than the existential deposit would stay: %s", got)
	}
	if got := balance(alice.Account()); got != left-fee {
		t.Errorf("Alice has %d after a failed transfer, want %d", got, left-fee)
	}
	var next uint32
	c.call(&next, "system_accountNextIndex", alice.Account().String())
	if next != 3 {
		t.Errorf("next nonce %d", next)
	}
}

func key(p *keypair.Pair) []byte { id := p.Account(); return id[:] }

// Transactions that the pool refuses, and those that wait for their turn.
func TestPool(t *testing.T) {
	c := start(t, devnet.Options{})
	for range 80 {
		c.Step()
	}
	alice, _ := keypair.FromURI(keypair.Sr25519, "//Alice")
	bob, _ := keypair.FromURI(keypair.Ed25519, "//Bob")
	call := transfer(bob.Account(), 1_000_000)
	good := c.sign(alice, call, signing{})
	spoiled := slices.Clone(good)
	spoiled[50] ^= 1
	old := c.sign(alice, call, signing{period: 8})
	for range 8 {
		c.Step()
	}
	bare := scale.AppendByteString(nil, scale.AppendCompact([]byte{5, 2, 0}, 99))
	stamp := c.sign(alice, scale.AppendCompact([]byte{2, 0}, 99), signing{})
	mode := slices.Clone(good)
	mode[2+1+1+32+1+64+1+1+1] = 1 // CheckMetadataHash enabled
	unknown := c.sign(alice, []byte{7, 99}, signing{})
	poor := c.sign(bob, call, signing{}) // the ed25519 //Bob has nothing
	for _, tc := range []struct {
		name string
		xt   []byte
		code int
		data string
	}{
		{"signature", spoiled, 1010, "Transaction has a bad signature"},
		{"era", old, 1010, "Transaction has a bad signature"}, // its birth block is another one now
		{"funds", poor, 1010, "Inability to pay some fees (e.g. account balance too low)"},
		{"inherent", bare, 1011, "Could not find an unsigned validator for the unsigned transaction"},
		{"mandatory", stamp, 1010, "Transaction dispatch is mandatory; transactions must not be validated."},
		{"metadata hash", mode, 1011, "Could not lookup information required to validate the transaction"},
		{"no such call", unknown, 1002, `RuntimeApi("validate_transaction")`},
	} {
		if _, e := c.try("author_submitExtrinsic", hexOf(tc.xt)); e == nil || e.Code != tc.code || e.Data != tc.data {
			t.Errorf("%s: %v, want %d: %s", tc.name, e, tc.code, tc.data)
		}
	}
	var third, first string
	c.call(&third, "author_submitAndWatchExtrinsic", hexOf(c.sign(alice, call, signing{nonce: 1})))
	if got := c.fate(third); got != "future" {
		t.Errorf("nonce 1 first: %s", got)
	}
	c.call(&first, "author_submitAndWatchExtrinsic", hexOf(good))
	if _, e := c.try("author_submitExtrinsic", hexOf(good)); e == nil || e.Code != 1013 {
		t.Errorf("the same again: %v", e)
	}
	var next int
	if c.call(&next, "system_accountNextIndex", alice.Account().String()); next != 2 {
		t.Errorf("next nonce %d with two in the pool", next)
	}
	var waiting []string
	if c.call(&waiting, "author_pendingExtrinsics"); len(waiting) != 2 {
		t.Errorf("%d wait", len(waiting))
	}
	c.Step()
	if a, b := c.fate(first), c.fate(third); a != "inBlock" || b != "inBlock" {
		t.Errorf("fates %s, %s", a, b)
	}
	if c.call(&waiting, "author_pendingExtrinsics"); len(waiting) != 0 {
		t.Errorf("%d wait after the block", len(waiting))
	}
}

// Storage that a client follows, and the runtime's version.
func TestSubscriptions(t *testing.T) {
	c := start(t, devnet.Options{})
	var id string
	c.call(&id, "state_subscribeStorage", []string{hexOf(c.key("SubtensorModule", "Tempo", le16(1)))})
	if got := string(c.note(id)); !strings.Contains(got, "null") {
		t.Errorf("first change set %s", got)
	}
	c.Step() // changes nothing that is followed
	c.write(entry("Tempo", le16(99), le16(1)))
	at := c.hash(2)
	if got := string(c.note(id)); !strings.Contains(got, `"0x6300"`) || !strings.Contains(got, hexOf(at[:])) {
		t.Errorf("change set %s", got)
	}
	c.call(&id, "state_subscribeRuntimeVersion")
	var v struct {
		SpecName                        string
		SpecVersion, TransactionVersion int
		Apis                            [][2]any
	}
	if err := json.Unmarshal(c.note(id), &v); err != nil || v.SpecName != "node-subtensor" || v.SpecVersion != 475 || v.TransactionVersion != 1 {
		t.Errorf("version %+v, %v", v, err)
	}
	if v.Apis[0][0] != "0xdf6acb689907609b" || v.Apis[1][0] != "0x37e397fc7c91f5e4" { // Core and Metadata of every chain
		t.Errorf("APIs %v", v.Apis)
	}
	if err := c.Set(devnet.Entry{Pallet: "SubtensorModule", Item: "Nothing"}); err == nil {
		t.Error("an unknown value was set")
	}
	if err := c.Set(entry("Tempo", le16(1), []byte{1})); err == nil {
		t.Error("a key of one byte was taken for a netuid")
	}
}

// A client that reads nothing does not hold blocks up and is cut off; nothing is
// left running after Close.
func TestSlowClients(t *testing.T) {
	before := runtime.NumGoroutine()
	n, err := devnet.Start(devnet.Options{BlockTime: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 3 {
		ws, _, err := websocket.Dial(ctx, n.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		for i := range 200 { // many times the same head, never read
			msg := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"chain_subscribeNewHeads"}`, i)
			if err := ws.Write(ctx, websocket.MessageText, []byte(msg)); err != nil {
				break // cut off already
			}
		}
	}
	begin := time.Now()
	for range 500 {
		n.Step()
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("500 blocks took %v", took)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	for runtime.NumGoroutine() > before+3*2 && ctx.Err() == nil { // the clients' own goroutines end by themselves
		runtime.Gosched()
	}
	if ctx.Err() != nil {
		t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
	}
}

func TestOptions(t *testing.T) {
	if _, err := devnet.Start(devnet.Options{BlockTime: -1}); err == nil {
		t.Error("a negative block time was taken")
	}
	if _, err := devnet.Start(devnet.Options{Addr: "256.0.0.1:1"}); err == nil {
		t.Error("a bad address was taken")
	}
	if _, err := devnet.Start(devnet.Options{Storage: []devnet.Entry{{Pallet: "No", Item: "No"}}}); err == nil {
		t.Error("an unknown value was taken into the genesis")
	}
	a := start(t, devnet.Options{})
	if _, err := devnet.Start(devnet.Options{Addr: strings.TrimPrefix(a.URL(), "ws://")}); err == nil || !strings.Contains(err.Error(), "cannot listen") {
		t.Errorf("a port in use: %v", err)
	}
	begin := time.Now()
	start(t, devnet.Options{})
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("start took %v", took)
	}
}

// What one client may ask for has limits.
func TestLimits(t *testing.T) {
	c := start(t, devnet.Options{})
	call := `{"jsonrpc":"2.0","id":1,"method":"system_chain"}`
	if got := string(c.Handle([]byte("[" + strings.Repeat(call+",", 1000) + call + "]"))); !strings.Contains(got, "-32010") {
		t.Errorf("1001 calls in a batch: %.100s", got)
	}
	for range 1024 {
		c.call(new(string), "chain_subscribeAllHeads")
	}
	if _, e := c.try("chain_subscribeAllHeads"); e == nil || e.Code != -32006 {
		t.Errorf("subscription 1025: %v", e)
	}
}

// Two chains begin alike, with the accounts that the package names.
func TestGenesis(t *testing.T) {
	a, b := start(t, devnet.Options{}), start(t, devnet.Options{})
	if a.hash(0) != b.hash(0) {
		t.Error("two geneses differ")
	}
	for uid := range uint16(16) {
		for kind, item := range map[string]string{"hotkey": "Keys", "coldkey": "Owner"} {
			k := phrase(t, keypair.Sr25519, fmt.Sprintf("bt devnet %s %d", kind, uid))
			keys := [][]byte{le16(1), le16(uid)}
			if kind == "coldkey" {
				keys = [][]byte{a.stored("Keys", keys...)}
			}
			if got := a.stored(item, keys...); !slices.Equal(got, key(k)) {
				t.Errorf("%s of uid %d is %x, not %s", kind, uid, got, k)
			}
		}
	}
	for _, name := range []string{"Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"} {
		k, err := keypair.FromURI(keypair.Sr25519, "//"+name)
		if err != nil {
			t.Fatal(err)
		}
		var s *string
		if a.call(&s, "state_getStorage", hexOf(a.key("System", "Account", key(k)))); s == nil || scale.NewReader(unhex(t, *s)[16:]).U64() != 1_000_000_000_000_000 {
			t.Errorf("//%s has %v", name, s)
		}
	}
}
