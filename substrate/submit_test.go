package substrate_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/google/go-cmp/cmp"
)

// eventsKey is where every chain keeps its events (polkadot.js: system.events).
const eventsKey = "0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7"

// Events as a chain writes them: of no extrinsic, of the first and of the second.
// System is pallet 0 everywhere; its events 0 and 1 are success and failure.
func events(outcome string) string {
	const info = "04080000" // weight 1 and 2, class Normal, pays
	return "0x0c" +
		"0000000000" + "0000" + info + "00" + // extrinsic 0: success
		"0001000000" + outcome + info + "00" + // extrinsic 1
		"01" + "0000" + info + "00" // at the end of the block
}

const success = "0000"

// failed is the event of a failure: Module (3), pallet, error in four bytes.
func failed(pallet, code uint8) string { return fmt.Sprintf("000103%02x%02x000000", pallet, code) }

// watched is a node whose pool takes one transaction, and what submitted it.
type watched struct {
	*node
	xt  []byte
	sub *substrate.Submission
}

func submit(t *testing.T, rt *fakeRuntime) *watched {
	t.Helper()
	n := newNode(t, rt)
	n.add(rt)
	c := n.dial(substrate.Options{})
	w := &watched{node: n, xt: []byte{12, 0x84, 1, 2}}
	n.on("author_submitAndWatchExtrinsic", func(params []json.RawMessage) (any, error) {
		if word(params[0]) != "0x0c840102" {
			return nil, fmt.Errorf("%s", params[0])
		}
		return "watch", nil
	})
	var err error
	if w.sub, err = c.Submit(t.Context(), w.xt); err != nil {
		t.Fatal(err)
	}
	return w
}

// include builds a block with the transaction.
func (w *watched) include(rt *fakeRuntime, outcome string) *block {
	b := w.add(rt)
	b.extrinsics = []string{"0x280403000b", "0x" + hex.EncodeToString(w.xt)}
	b.storage[eventsKey] = events(outcome)
	return b
}

func (w *watched) status(statuses ...any) {
	for _, s := range statuses {
		w.notify("author_extrinsicUpdate", "watch", s)
	}
}

type object = map[string]any

func TestInBlock(t *testing.T) {
	rt := fake(t, "293-aura")
	w := submit(t, rt)
	b := w.include(rt, success)
	w.status("future", "ready", object{"broadcast": []string{"12D3KooW"}}, object{"somethingNew": 7}, object{"inBlock": b.hash})
	before := w.trips()
	in, err := w.sub.InBlock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if in.Header.Hash.String() != b.hash || in.Header.Number != 2 || in.Index != 1 || in.Final {
		t.Errorf("%+v", in)
	}
	if len(in.Events) != 1 || in.Events[0].Pallet != "System" || in.Events[0].Name != "ExtrinsicSuccess" || in.Events[0].Extrinsic != 1 {
		t.Errorf("%+v", in.Events)
	}
	// Block, runtime and events, metadata once.
	if got := w.trips() - before; got > 3 {
		t.Errorf("%d trips", got)
	}
	w.status(object{"finalized": b.hash})
	if in, err = w.sub.InBlock(t.Context()); err != nil || !in.Final || in.Index != 1 {
		t.Errorf("%+v, %v", in, err)
	}
	if err := w.sub.Close(); err != nil {
		t.Error(err)
	}
	if _, err := w.sub.InBlock(t.Context()); !errors.Is(err, rpc.ErrUnsubscribed) {
		t.Error(err)
	}
}

// The names that polkadot.js finds for the numbers (findMetaError). The pallet is
// 8 before spec 122, then 7; InvalidDifficulty moved.
func TestDispatchErrors(t *testing.T) {
	for _, tt := range []struct {
		dir, outcome string
		want         substrate.DispatchError
	}{
		{"119-mock", failed(8, 2), substrate.DispatchError{Kind: "Module", Pallet: "SubtensorModule", Name: "NetworkExist", Index: 8, Code: 2}},
		{"293-aura", failed(7, 25), substrate.DispatchError{Kind: "Module", Pallet: "SubtensorModule", Name: "InvalidDifficulty", Index: 7, Code: 25}},
		{"394-main", failed(7, 24), substrate.DispatchError{Kind: "Module", Pallet: "SubtensorModule", Name: "InvalidDifficulty", Index: 7, Code: 24}},
		{"425-main", failed(7, 25), substrate.DispatchError{Kind: "Module", Pallet: "SubtensorModule", Name: "InvalidDifficulty", Index: 7, Code: 25}},
		{"293-aura", failed(7, 251), substrate.DispatchError{Kind: "Module", Pallet: "SubtensorModule", Name: "error 251", Index: 7, Code: 251}},
		{"293-aura", failed(250, 1), substrate.DispatchError{Kind: "Module", Pallet: "pallet 250", Name: "error 1", Index: 250, Code: 1}},
		{"293-aura", "000102", substrate.DispatchError{Kind: "BadOrigin", Name: "BadOrigin"}},
		{"293-aura", "00010700", substrate.DispatchError{Kind: "Token", Name: "FundsUnavailable"}},
		{"293-aura", "00010801", substrate.DispatchError{Kind: "Arithmetic", Name: "Overflow"}},
	} {
		t.Run(tt.dir+" "+tt.want.Name, func(t *testing.T) {
			rt := fake(t, tt.dir)
			w := submit(t, rt)
			b := w.include(rt, tt.outcome)
			w.status(object{"inBlock": b.hash})
			in, err := w.sub.InBlock(t.Context())
			var got *substrate.DispatchError
			if !errors.As(err, &got) {
				t.Fatalf("%+v, %v", in, err)
			}
			if tt.want.Kind == "Module" && tt.want.Code < 250 && tt.want.Index < 250 {
				if got.Docs == "" && tt.dir != "119-mock" || strings.Contains(got.Docs, "\n") || !strings.Contains(err.Error(), got.Docs) {
					t.Errorf("docs %q", got.Docs)
				}
				got.Docs = ""
			}
			if d := cmp.Diff(tt.want, *got); d != "" {
				t.Error(d)
			}
			if !strings.Contains(err.Error(), tt.want.Name) || in.Index != 1 || len(in.Events) != 1 || in.Events[0].Name != "ExtrinsicFailed" {
				t.Errorf("%v, %+v", err, in)
			}
		})
	}
}

// Runtimes of 2022 gave a pallet's error in one byte, and before that without a
// struct of its own.
func TestOldModuleErrors(t *testing.T) {
	for name, define := range map[string]string{
		"struct": "struct Mod { index: u8, error: u8 } enum Old { Other, Cannot, Bad, Module(Mod) }",
		"inline": "enum Old { Other, Cannot, Bad, Module { index: u8, error: u8 } }",
	} {
		t.Run(name, func(t *testing.T) {
			fakeRT := fake(t, "119-mock")
			md, err := metadata.Parse(fakeRT.v14)
			if err != nil {
				t.Fatal(err)
			}
			rt := newRuntime(md, 119)
			if err := md.Types.Define(define); err != nil {
				t.Fatal(err)
			}
			old := resolve(t, rt, "Old")
			system, _ := md.Pallet("System")
			changed := false
			for i, v := range md.Types.Types[system.Events].Variants {
				if v.Name == "ExtrinsicFailed" {
					md.Types.Types[system.Events].Variants[i].Fields[0].Type, changed = old, true
				}
			}
			if !changed {
				t.Fatal("no ExtrinsicFailed")
			}
			if fakeRT.v14, err = md.Append(nil, 14); err != nil {
				t.Fatal(err)
			}
			w := submit(t, fakeRT)
			b := w.include(fakeRT, "0001030802")
			w.status(object{"inBlock": b.hash})
			_, err = w.sub.InBlock(t.Context())
			var got *substrate.DispatchError
			if !errors.As(err, &got) || got.Pallet != "SubtensorModule" || got.Index != 8 || got.Code != 2 {
				t.Errorf("%v: %+v", err, got)
			}
		})
	}
}

// A block that upgrades the runtime still wrote its events by the old one.
func TestEventsOfUpgrade(t *testing.T) {
	before, after := fake(t, "119-mock"), fake(t, "293-aura")
	w := submit(t, before)
	b := w.include(after, failed(8, 2))
	w.status(object{"inBlock": b.hash})
	_, err := w.sub.InBlock(t.Context())
	var got *substrate.DispatchError
	if !errors.As(err, &got) || got.Pallet != "SubtensorModule" {
		t.Error(err)
	}
	s, err := w.dial(substrate.Options{}).AtHead(t.Context())
	if err != nil || s.Runtime.SpecVersion != 293 {
		t.Fatal(err)
	}
	all, err := s.Events(t.Context())
	if err != nil || len(all) != 3 || all[0].Extrinsic != 0 || all[1].Name != "ExtrinsicFailed" || all[2].Extrinsic != -1 {
		t.Errorf("%+v, %v", all, err)
	}
	if v, ok := all[0].Fields.Get("dispatch_info"); !ok || v == nil {
		t.Errorf("%+v", all[0].Fields)
	}
}

// A block may be reorganised away: before it is read, or after.
func TestRetracted(t *testing.T) {
	rt := fake(t, "293-aura")
	w := submit(t, rt)
	gone := "0x" + strings.Repeat("99", 32)
	first := w.include(rt, success)
	w.status("ready", object{"inBlock": gone}, object{"retracted": gone}, object{"inBlock": first.hash})
	in, err := w.sub.InBlock(t.Context())
	if err != nil || in.Header.Hash.String() != first.hash {
		t.Fatalf("%+v, %v", in, err)
	}
	w.mu.Lock()
	second := w.build(rt, 2, "0x0661757261200123456789abcdef")
	second.extrinsics, second.storage = first.extrinsics, map[string]string{eventsKey: events(failed(7, 24))}
	w.mu.Unlock()
	w.status(object{"retracted": first.hash}, object{"inBlock": second.hash})
	in, err = w.sub.InBlock(t.Context())
	var dispatch *substrate.DispatchError
	if in.Header.Hash.String() != second.hash || !errors.As(err, &dispatch) {
		t.Errorf("%+v, %v", in, err)
	}
}

func TestGivenUp(t *testing.T) {
	rt := fake(t, "293-aura")
	for _, tt := range []struct {
		status any
		want   string
	}{
		{object{"usurped": "0x" + strings.Repeat("01", 32)}, "usurped"},
		{"dropped", "dropped"},
		{"invalid", "invalid"},
		{object{"finalityTimeout": "0x" + strings.Repeat("01", 32)}, "finalityTimeout"},
	} {
		w := submit(t, rt)
		w.status("ready", tt.status)
		_, err := w.sub.InBlock(t.Context())
		var got *substrate.StatusError
		if !errors.As(err, &got) || got.Status != tt.want || !strings.Contains(err.Error(), tt.want+"):") {
			t.Errorf("%v: %v", tt.status, err)
		}
	}
	t.Run("invalid with a reason", func(t *testing.T) { // as Chopsticks reports it
		w := submit(t, rt)
		w.status(object{"invalid": object{"custom": 255}})
		_, err := w.sub.InBlock(t.Context())
		var got *substrate.PoolError
		if !errors.As(err, &got) || got.Custom == nil || *got.Custom != 255 {
			t.Error(err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		w := submit(t, rt)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.sub.InBlock(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may still") {
			t.Error(err)
		}
		// The wait can be taken up again.
		b := w.include(rt, success)
		w.status(object{"inBlock": b.hash})
		if _, err := w.sub.InBlock(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for name, tt := range map[string]struct {
		status any
		spoil  func(w *watched, b *block)
	}{
		"cannot be read":                  {status: 7},
		"names no block":                  {status: object{"inBlock": "0x12"}},
		"does not hold it":                {spoil: func(_ *watched, b *block) { b.extrinsics = b.extrinsics[:1] }},
		"instead":                         {spoil: func(w *watched, b *block) { b.header["stateRoot"] = b.hash }},
		"events: event 2":                 {spoil: func(_ *watched, b *block) { b.storage[eventsKey] = strings.TrimSuffix(events(success), "00") }},
		"trailing":                        {spoil: func(_ *watched, b *block) { b.storage[eventsKey] += "00" }},
		"neither that the call succeeded": {spoil: func(_ *watched, b *block) { delete(b.storage, eventsKey) }},
		"length 63":                       {spoil: func(_ *watched, b *block) { b.storage[eventsKey] = "0xfc00" }},
		"no runtime code": {spoil: func(w *watched, _ *block) {
			w.on("state_getStorageHash", func([]json.RawMessage) (any, error) { return nil, nil })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := submit(t, rt)
			b := w.include(rt, success)
			status := tt.status
			if tt.spoil != nil {
				status = object{"inBlock": b.hash}
				tt.spoil(w, b)
			}
			w.status(status)
			if _, err := w.sub.InBlock(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v, want something about %q", err, name)
			}
		})
	}
}

// Refusals as sc_rpc_api writes them, and as Chopsticks does.
func TestPoolErrors(t *testing.T) {
	code := func(n uint8) *uint8 { return &n }
	for _, tt := range []struct {
		answer refusal
		custom *uint8
		pool   bool
	}{
		{refusal{1010, "Invalid Transaction", "Custom error: 255"}, code(255), true},
		{refusal{1010, "Invalid Transaction", "Custom error: 6"}, code(6), true},
		{refusal{1010, `{"invalid":{"custom":255}}`, nil}, code(255), true},
		{refusal{1010, "Invalid Transaction", "Custom error: 256"}, nil, true},
		{refusal{1010, "Invalid Transaction", "Transaction has a bad signature"}, nil, true},
		{refusal{1010, "Invalid Transaction", "Inability to pay some fees (e.g. account balance too low)"}, nil, true},
		{refusal{1012, "Transaction is temporarily banned", nil}, nil, true},
		{refusal{1014, "Priority is too low: (1 vs 1)", "The transaction has too low priority to replace another transaction already in the pool."}, nil, true},
		{refusal{-32602, "Invalid params", nil}, nil, false},
	} {
		n := newNode(t, fake(t, "119-mock"))
		n.on("author_submitAndWatchExtrinsic", func([]json.RawMessage) (any, error) { return nil, &tt.answer })
		_, err := n.dial(substrate.Options{}).Submit(t.Context(), []byte{1})
		var got *substrate.PoolError
		if errors.As(err, &got) != tt.pool {
			t.Errorf("%+v: %v", tt.answer, err)
			continue
		}
		if !tt.pool {
			var node *rpc.Error
			if !errors.As(err, &node) || node.Code != tt.answer.Code {
				t.Error(err)
			}
			continue
		}
		if got.Code != tt.answer.Code || got.Message != tt.answer.Message || !cmp.Equal(got.Custom, tt.custom) {
			t.Errorf("%+v: %+v", tt.answer, got)
		}
		if data, ok := tt.answer.Data.(string); ok && !strings.Contains(err.Error(), data) {
			t.Errorf("%v does not say %q", err, data)
		}
	}
}

// What the guard refuses the node never sees, by whichever method.
func TestGuard(t *testing.T) {
	n := newNode(t, fake(t, "119-mock"))
	var handed atomic.Int32
	n.on("author_submitAndWatchExtrinsic", func([]json.RawMessage) (any, error) {
		handed.Add(1)
		return nil, &refusal{1012, "Transaction is temporarily banned", nil}
	})
	c := n.dial(substrate.Options{})
	no := errors.New("not this one")
	c.Guard(func(_ context.Context, xt []byte) error {
		if xt[0] == 1 {
			return no
		}
		return nil
	})
	if sub, err := c.Submit(t.Context(), []byte{1}); sub != nil || !errors.Is(err, no) || handed.Load() != 0 {
		t.Errorf("%v, %v, handed in %d times", sub, err, handed.Load())
	}
	var pool *substrate.PoolError
	if _, err := c.Submit(t.Context(), []byte{2}); !errors.As(err, &pool) || handed.Load() != 1 {
		t.Errorf("%v, handed in %d times", err, handed.Load())
	}
	// It cannot be taken away, and siblings have it until they get their own.
	c.Guard(nil)
	c.Guard(func(context.Context, []byte) error { return nil })
	sibling, err := c.DialSibling(t.Context(), n.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sibling.Close() })
	for _, one := range []*substrate.Client{c, sibling} {
		if sub, err := one.Submit(t.Context(), []byte{1}); sub != nil || !errors.Is(err, no) || handed.Load() != 1 {
			t.Errorf("%v, %v, handed in %d times", sub, err, handed.Load())
		}
	}
	sibling.Guard(func(context.Context, []byte) error { return nil })
	if _, err := sibling.Submit(t.Context(), []byte{1}); !errors.As(err, &pool) || handed.Load() != 2 {
		t.Errorf("%v, handed in %d times", err, handed.Load())
	}
	for _, method := range []string{"author_submitAndWatchExtrinsic", "author_submitExtrinsic", "transaction_v1_broadcast", "transactionWatch_v1_submitAndWatch"} {
		if answer, err := c.Ask(t.Context(), method, "0x02"); answer != nil || err == nil || !strings.Contains(err.Error(), "use Submit") || handed.Load() != 2 {
			t.Errorf("%s: %s, %v", method, answer, err)
		}
	}
}

// Sign asks the node for the nonce, and for the era's first block where that is
// not the state's own.
func TestSign(t *testing.T) {
	rt := fake(t, "293-aura")
	n := newNode(t, rt)
	for range 20 {
		n.add(rt)
	}
	pair, err := keypair.FromURI(keypair.Ed25519, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	n.on("system_accountNextIndex", func(params []json.RawMessage) (any, error) {
		if word(params[0]) != pair.Account().String() {
			return nil, fmt.Errorf("nonce of %s", params[0])
		}
		return 70, nil
	})
	c := n.dial(substrate.Options{})
	s, err := c.AtNumber(t.Context(), 17)
	if err != nil {
		t.Fatal(err)
	}
	hash := func(i int) substrate.Hash {
		h, err := substrate.ParseHash(n.blocks[i].hash)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	three := uint64(3)
	for name, tt := range map[string]struct {
		opts substrate.SignOptions
		want substrate.TxParams
	}{
		"nothing set": {substrate.SignOptions{}, substrate.TxParams{Nonce: 70}},
		"nonce":       {substrate.SignOptions{Nonce: &three, Tip: 9}, substrate.TxParams{Nonce: 3, Tip: 9}},
		"era":         {substrate.SignOptions{Nonce: &three, Era: 8}, substrate.TxParams{Nonce: 3, Era: substrate.Era{Period: 8, Phase: 1}, EraBlock: hash(17)}},
		"long era":    {substrate.SignOptions{Nonce: &three, Era: 65536}, substrate.TxParams{Nonce: 3, Era: substrate.Era{Period: 65536, Phase: 16}, EraBlock: hash(16)}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.want.Genesis = c.Genesis()
			want, err := s.Runtime.SignCall(pair, []byte{1, 2, 3}, tt.want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Sign(t.Context(), pair, []byte{1, 2, 3}, tt.opts)
			if err != nil || string(got) != string(want) {
				t.Errorf("%x, %v, want %x", got, err, want)
			}
		})
	}
	n.on("system_accountNextIndex", func([]json.RawMessage) (any, error) { return "many", nil })
	if _, err := s.Sign(t.Context(), pair, []byte{1}, substrate.SignOptions{}); err == nil || !strings.Contains(err.Error(), "nonce") {
		t.Error(err)
	}
}
