package substrate_test

import (
	"testing"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/ss58"
)

func BenchmarkStorageKey(b *testing.B) {
	rt := described(b, "293-aura")[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rt.StorageKey("SubtensorModule", "Uids", uint16(1), ss58.AccountID{1}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSigningPayload(b *testing.B) {
	rt := described(b, "293-aura")[0]
	call := make([]byte, 112)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rt.SigningPayload(call, substrate.TxParams{Nonce: 7}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeEvents(b *testing.B) {
	rt := described(b, "293-aura")[0]
	raw := unhex(b, events(failed(7, 25)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rt.DecodeEvents(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// A head with its runtime cached, over a loopback socket: two trips.
func BenchmarkAtHead(b *testing.B) {
	n := newNode(b, fake(b, "293-aura"))
	c := n.dial(substrate.Options{})
	for b.Loop() {
		if _, err := c.AtHead(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
