package substrate_test

import (
	"testing"

	"github.com/bittensor-go/bt/substrate"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func FuzzHeader(f *testing.F) {
	f.Add([]byte(`{"parentHash":"0x0000000000000000000000000000000000000000000000000000000000000000","number":"0x0","stateRoot":"0x29d0d972cd27cbc511e9589fcb7a4506d5eb6a9e8df205f00472e5ab354a4e17","extrinsicsRoot":"0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314","digest":{"logs":["0x08"]}}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"number":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := substrate.ParseHeader(raw)
		if err != nil && h != (substrate.Header{}) {
			t.Errorf("%+v beside %v", h, err)
		}
		if err == nil && h.Hash == (substrate.Hash{}) {
			t.Error("no hash")
		}
	})
}

func FuzzStorage(f *testing.F) {
	zero := substrate.Hash{}.String()
	f.Add([]byte(`[{"block":"`+zero+`","changes":[["0x01",null],["0x02","0x0304"]]}]`), []byte{1}, []byte{2})
	f.Add([]byte(`[]`), []byte{}, []byte{})
	f.Add([]byte(`[{"block":"`+zero+`","changes":[["0x01"],[null,"0x"],[]]}]`), []byte{1}, []byte{1})
	f.Fuzz(func(t *testing.T, raw, first, second []byte) {
		values, err := substrate.ParseStorage(raw, substrate.Hash{}, [][]byte{first, second})
		if err == nil && len(values) != 2 {
			t.Errorf("%d values of 2", len(values))
		}
		if err == nil && string(first) == string(second) && !cmp.Equal(values[0], values[1]) {
			t.Errorf("one key, two values: %x", values)
		}
	})
}

func FuzzStatus(f *testing.F) {
	for _, s := range []string{`"ready"`, `{"inBlock":"0x12"}`, `{"invalid":{"custom":255}}`, `{}`, `{"a":1,"b":2}`, `"custom error: 9"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(_ *testing.T, raw []byte) { _ = substrate.ParseStatus(raw) })
}

func FuzzEvents(f *testing.F) {
	rt := described(f, "293-aura")[0]
	f.Add(unhex(f, events(success)))
	f.Add(unhex(f, events(failed(7, 25))))
	f.Add([]byte{0xfe, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := rt.DecodeEvents(raw)
		if err == nil && len(list) > len(raw) {
			t.Errorf("%d events of %d bytes", len(list), len(raw))
		}
		for _, e := range list {
			if e.Pallet == "" || e.Name == "" || e.Fields == nil {
				t.Errorf("%+v", e)
			}
		}
	})
}

func TestHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := substrate.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		if got, err := substrate.ParseHash(h.String()); err != nil || got != h {
			t.Fatal(got, err)
		}
		text, err := h.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got substrate.Hash
		if err := got.UnmarshalText(text); err != nil || got != h {
			t.Fatal(got, err)
		}
	})
	good := substrate.Hash{1}.String()
	for _, s := range []string{"", "0x", good[2:], good[:65], good + "00", "0X" + good[2:], good[:65] + "g"} {
		if _, err := substrate.ParseHash(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

// An era's phase is the block's place in it, as finely as twelve bits tell, and
// its birth is at most the block and less than a period before it.
func TestEraProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		period, block := rapid.Uint64().Draw(t, "period"), rapid.Uint64Max(1<<40).Draw(t, "block")
		era := substrate.NewEra(period, block)
		if era.Period < 4 || era.Period > 1<<16 || era.Period&(era.Period-1) != 0 || era.Period < min(period, 1<<16) {
			t.Fatalf("period %d became %d", period, era.Period)
		}
		birth := era.Birth(block)
		if birth > block || block-birth >= max(era.Period>>12, 1) || birth%era.Period != era.Phase {
			t.Fatalf("%+v of block %d is born at %d", era, block, birth)
		}
	})
}
