package metagraph_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// What accounts say comes out as it was encoded by the runtime's own types, of
// neurons or not.
func TestCommitments(t *testing.T) {
	n, client := newNode(t, "475-backport")
	s, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pallet, ok := s.Runtime.Metadata.Pallet("Commitments")
	if !ok {
		t.Fatal("there are no commitments")
	}
	put := func(item string, account ss58.AccountID, v any) {
		t.Helper()
		entry, _ := pallet.Entry(item)
		value, err := s.Runtime.Codec.Append(nil, entry.Value, v)
		if err != nil {
			t.Fatal(err)
		}
		n.stored[text(twox64(mapPrefix("Commitments", item, 1), account[:]))] = text(value)
	}
	commit := func(account ss58.AccountID, block uint64, fields ...any) {
		put("CommitmentOf", account, map[string]any{"deposit": uint64(7), "block": block, "info": map[string]any{"fields": fields}})
	}
	field := func(kind string, v any) any {
		return &codec.Variant{Name: kind, Record: codec.Record{Fields: []codec.NamedValue{{Value: v}}}}
	}
	hash := make([]byte, 32)
	hash[0] = 0xab
	lock := &codec.Variant{Name: "TimelockEncrypted", Record: codec.Record{Fields: []codec.NamedValue{
		{Name: "encrypted", Value: []byte{9, 9}}, {Name: "reveal_round", Value: uint64(1234)},
	}}}
	commit(filled(1), 10, field("Raw3", []byte("hé")), field("Sha256", hash), field("Raw1", []byte("!")))
	commit(filled(2), 11, lock)
	commit(filled(3), 12, field("Raw2", []byte{0xff, 0xfe}))
	commit(filled(4), 13, &codec.Variant{Name: "None"})
	// As the chain leaves them: with the length before the bytes that were locked.
	revealed := func(data []byte, block uint64) any { return []any{data, block} }
	put("RevealedCommitments", filled(2), []any{revealed([]byte("\x08hi"), 9), revealed([]byte("\x04a"), 5)})
	put("RevealedCommitments", filled(5), []any{revealed([]byte("\x04b"), 6), revealed([]byte{0xff, 1}, 8)})

	got, err := s.Commitments(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := map[ss58.AccountID]subtensor.Commitment{
		filled(1): {Block: 10, Deposit: 7, Fields: []subtensor.CommitmentField{
			{Kind: "Raw3", Data: []byte("hé")}, {Kind: "Sha256", Data: hash}, {Kind: "Raw1", Data: []byte("!")},
		}},
		filled(2): {
			Block: 11, Deposit: 7, Fields: []subtensor.CommitmentField{{Kind: "TimelockEncrypted", Data: []byte{9, 9}, RevealRound: 1234}},
			Revealed: []subtensor.RevealedCommitment{{Block: 5, Data: []byte("a")}, {Block: 9, Data: []byte("hi")}},
		},
		filled(3): {Block: 12, Deposit: 7, Fields: []subtensor.CommitmentField{{Kind: "Raw2", Data: []byte{0xff, 0xfe}}}},
		filled(4): {Block: 13, Deposit: 7, Fields: []subtensor.CommitmentField{{Kind: "None"}}},
		filled(5): {Block: 8, Revealed: []subtensor.RevealedCommitment{{Block: 6, Data: []byte("b")}, {Block: 8, Data: []byte{0xff, 1}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	for account, text := range map[ss58.AccountID]string{
		filled(1): "hé!\nsha256:0xab00000000000000000000000000000000000000000000000000000000000000",
		filled(2): "", filled(3): "0xfffe", filled(4): "", filled(5): "",
	} {
		c := got[account]
		if c.Text() != text {
			t.Errorf("%v: %q, want %q", account, c.Text(), text)
		}
		if want := map[ss58.AccountID]uint64{filled(2): 1234}[account]; c.RevealRound() != want {
			t.Errorf("%v: round %d, want %d", account, c.RevealRound(), want)
		}
	}
	if r := got[filled(2)].Revealed[1]; r.Text() != "hi" {
		t.Error(r.Text())
	}

	// Beside the neurons: two of the accounts are none.
	m, err := metagraph.FromAnswers(metagraph.Answers{
		Netuid: 1, Commitments: got, Identities: map[ss58.AccountID]subtensor.ChainIdentity{filled(9): {Name: "nine"}},
		Lite: []subtensor.NeuronInfoLite{
			{Netuid: 1, UID: 0, Hotkey: filled(7), Coldkey: filled(9)},
			{Netuid: 1, UID: 1, Hotkey: filled(3), Coldkey: filled(8)},
			{Netuid: 1, UID: 2, Hotkey: filled(2), Coldkey: filled(9)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	third, second := want[filled(3)], want[filled(2)]
	if diff := cmp.Diff([]*subtensor.Commitment{nil, &third, &second}, m.Commitments); diff != "" {
		t.Error(diff)
	}
	nine := &subtensor.ChainIdentity{Name: "nine"}
	if diff := cmp.Diff([]*subtensor.ChainIdentity{nine, nil, nine}, m.Identities); diff != "" {
		t.Error(diff)
	}

	// What lies there in another form is an error that says where.
	one := filled(1)
	n.stored[text(twox64(mapPrefix("Commitments", "CommitmentOf", 1), one[:]))] = "0x01"
	if _, err := s.Commitments(t.Context(), 1); err == nil || !strings.Contains(err.Error(), one.String()) {
		t.Errorf("a commitment of one byte: %v", err)
	}
	n.stored = map[string]string{text(append(mapPrefix("Commitments", "CommitmentOf", 1), 1, 2, 3)): "0x00"}
	if _, err := s.Commitments(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "names no account") {
		t.Errorf("a key without an account: %v", err)
	}
}

// What accounts say takes one trip more, for all of it at once and together with
// the rows of a mechanism; none where nobody says anything and there is no neuron.
func TestCommitmentsTrips(t *testing.T) {
	b := answers(t, "475-backport")
	gate := nodetest.NewGate(t, serve(t, b).URL())
	client := dial(t, gate.URL(), "")
	sync := func(opts metagraph.Options, trips ...int) (m *metagraph.Metagraph) {
		t.Helper()
		opts.Commitments = true
		var err error
		gate.Trips(func() { m, err = metagraph.Sync(t.Context(), client, 12, opts) }, trips...)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	// The lists of both maps are asked for ahead, beside version, code, neurons and
	// state. None is there, but identities are asked for by coldkey.
	if m := sync(metagraph.Options{}, 1, 4+2, 1); len(m.Commitments) != 256 || m.Commitments[0] != nil {
		t.Errorf("%v", m.Commitments)
	}
	s, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hotkey := sync(metagraph.Options{}, 1, 4+2, 1).Hotkeys[3]
	for _, item := range []string{"CommitmentOf", "RevealedCommitments"} {
		pallet, _ := s.Runtime.Metadata.Pallet("Commitments")
		entry, ok := pallet.Entry(item)
		if !ok {
			t.Fatal(item)
		}
		var v any = map[string]any{"deposit": uint64(7), "block": uint64(5), "info": map[string]any{"fields": []any{}}}
		if item == "RevealedCommitments" {
			v = []any{[]any{[]byte("\x04a"), uint64(6)}}
		}
		value, err := s.Runtime.Codec.Append(nil, entry.Value, v)
		if err != nil {
			t.Fatal(err)
		}
		b.stored[text(twox64(mapPrefix("Commitments", item, 12), hotkey[:]))] = text(value)
	}
	for opts, trips := range map[metagraph.Options][]int{
		{}:                         {1, 4 + 2, 3},
		{Full: true}:               {1, 4 + 2, 3},
		{Block: &b.Block}:          {2, 5 + 2, 3},
		{Mechanism: 1}:             {1, 5 + 2, 3},
		{Mechanism: 1, Full: true}: {1, 5 + 2, 3 + 1},
	} {
		m := sync(opts, trips...)
		if c := m.Commitments[3]; c == nil || c.Deposit != 7 || len(c.Revealed) != 1 {
			t.Errorf("%+v: %v", opts, c)
		}
		if opts.Full && m.Weights.Rows() == 0 {
			t.Errorf("%+v: no weights", opts)
		}
	}
}

// Runtimes that have neither commitments nor identities say so by silence.
func TestCommitmentsEarly(t *testing.T) {
	_, client := newNode(t, "119-mock")
	s, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Commitments(t.Context(), 1)
	if err != nil || len(c) != 0 || c == nil {
		t.Errorf("commitments %v, %v", c, err)
	}
	ids, err := s.Identities(t.Context(), []ss58.AccountID{filled(1)})
	if err != nil || len(ids) != 0 || ids == nil {
		t.Errorf("identities %v, %v", ids, err)
	}
}
