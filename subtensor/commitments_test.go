package subtensor_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/subtensor"
)

// What bittensor 11.3.0 makes of the same fields (_decode_fields and
// _timelock_round in its metagraph.py).
func TestCommitmentText(t *testing.T) {
	hash := bytes.Repeat([]byte{0x11}, 32)
	digits := strings.Repeat("11", 32)
	for _, c := range []struct {
		name   string
		fields []subtensor.CommitmentField
		text   string
		round  uint64
	}{
		{"nothing", nil, "", 0},
		{"raw", []subtensor.CommitmentField{{Kind: "Raw3", Data: []byte("abc")}}, "abc", 0},
		{"empty", []subtensor.CommitmentField{{Kind: "Raw0"}}, "", 0},
		{"split", []subtensor.CommitmentField{{Kind: "Raw1", Data: []byte{0xc3}}, {Kind: "Raw1", Data: []byte{0xbc}}}, "ü", 0},
		{"no UTF-8", []subtensor.CommitmentField{{Kind: "Raw2", Data: []byte{0xc3, 0xbc}}, {Kind: "Raw1", Data: []byte{0xff}}}, "0xc3bcff", 0},
		{
			"hashes",
			[]subtensor.CommitmentField{{Kind: "Raw1", Data: []byte("a")}, {Kind: "BlakeTwo256", Data: hash}, {Kind: "Raw1", Data: []byte("b")}, {Kind: "ShaThree256", Data: hash}},
			"ab\nblaketwo256:0x" + digits + "\nshathree256:0x" + digits, 0,
		},
		{"one hash", []subtensor.CommitmentField{{Kind: "Keccak256", Data: hash}}, "keccak256:0x" + digits, 0},
		{"flags", []subtensor.CommitmentField{{Kind: "None"}, {Kind: "ResetBondsFlag"}}, "", 0},
		{"big", []subtensor.CommitmentField{{Kind: "BigRaw", Data: []byte("ab")}}, "bigraw:0x6162", 0},
		{"locked", []subtensor.CommitmentField{{Kind: "TimelockEncrypted", Data: []byte{1}, RevealRound: 5}, {Kind: "TimelockEncrypted", Data: []byte{1}, RevealRound: 3}}, "", 5},
		{"failed", []subtensor.CommitmentField{{Kind: "TimelockRevealFailed", Data: []byte{1}, RevealRound: 5}}, "", 0},
	} {
		got := subtensor.Commitment{Fields: c.fields}
		if got.Text() != c.text || got.RevealRound() != c.round {
			t.Errorf("%s: %q and round %d, want %q and %d", c.name, got.Text(), got.RevealRound(), c.text, c.round)
		}
	}
	for text, data := range map[string]string{"a": "a", "0xff": "\xff", "": ""} {
		r := subtensor.RevealedCommitment{Data: []byte(data)}
		if r.Text() != text {
			t.Errorf("%q: %q, want %q", data, r.Text(), text)
		}
	}
}
