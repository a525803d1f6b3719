package devnet_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/metadata"
)

// Works of the key "bt devnet faucet" for a block whose hash is zero, found by a
// search in Python. The seals of two meet the faucet's difficulty, one of them
// where it is read big-endian only.
var (
	goodWork = faucetWork{3_883_854, "9aa75e555d57db4cb9b9022b7b2ff2ca67d917065c510ffd53419fd79c0c0000"}
	bigWork  = faucetWork{1_081_962, "000004d7b89f36e0358c8bf92280b6e51cc77d1e946bd800a9cfd7fbb82cd5fd"}
	weakWork = faucetWork{66_974, "6ce180e9a91ee805e778282bf2c248f115d9e18738399105b9d6241e32310000"} // for 125,000
)

type faucetWork struct {
	nonce uint64
	seal  string
}

func (w faucetWork) call(t testing.TB, block uint64) []byte {
	work := unhex(t, w.seal)
	return slices.Concat([]byte{7, 60}, le64(block), le64(w.nonce), []byte{byte(len(work) << 2)}, work)
}

// The faucet pays for work and takes no fee, in the cases that were recorded of
// real runtimes. A block's own hash is zero while it is executed, so work for it
// can be made beforehand.
func TestFaucet(t *testing.T) {
	drawn := []string{"Balances.Deposit", "SubtensorModule.Faucet", "TransactionPayment.TransactionFeePaid", "System.ExtrinsicSuccess"}
	failed := func(name string) []string { return []string{"TransactionPayment.TransactionFeePaid", name} }
	for _, tc := range []struct {
		name   string
		work   faucetWork
		ahead  uint64 // of the head
		age    int    // of the work where its block's hash was zero; 0 for its own block
		funded bool
		want   []string
	}{
		{name: "funded", work: goodWork, ahead: 1, funded: true, want: drawn},
		{name: "unfunded", work: goodWork, ahead: 1, want: append([]string{"System.NewAccount", "Balances.Endowed"}, drawn...)},
		{name: "two blocks old", work: goodWork, age: 2, funded: true, want: drawn},
		{name: "three blocks old", work: goodWork, age: 3, want: failed("InvalidWorkBlock")},
		{name: "future", work: goodWork, ahead: 2, want: failed("InvalidWorkBlock")},
		{name: "valid in the other reading only", work: bigWork, ahead: 1, want: failed("InvalidDifficulty")},
		{name: "for 125000 only", work: weakWork, ahead: 1, want: failed("InvalidDifficulty")},
		{name: "another nonce", work: faucetWork{goodWork.nonce + 1, goodWork.seal}, ahead: 1, want: failed("InvalidSeal")},
		{name: "31 bytes", work: faucetWork{goodWork.nonce, goodWork.seal[:62]}, ahead: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, devnet.Options{})
			key := phrase(t, keypair.Sr25519, "bt devnet faucet")
			c.Step()
			if tc.funded {
				c.write(account(key.Account(), 5_000_000_000))
			}
			block, _ := c.head()
			block += tc.ahead
			if tc.age > 0 {
				for range tc.age - 1 {
					c.write(devnet.Entry{Pallet: "System", Item: "BlockHash", Keys: [][]byte{le32(uint32(block))}, Value: make([]byte, 32)})
				}
			}
			before, issued := c.free(key.Account()), c.plain("TotalIssuance")
			xt := c.sign(key, tc.work.call(t, block), signing{})
			var hash string
			c.call(&hash, "author_submitExtrinsic", hexOf(xt))
			c.Step()
			if got, want := c.events(), append([]string{"System.ExtrinsicSuccess"}, tc.want...); !slices.Equal(got, want) {
				t.Errorf("events %v, want %v", got, want)
			}
			gained := uint64(0)
			if len(tc.want) >= len(drawn) {
				gained = 1_000_000_000_000
			}
			if got := c.free(key.Account()) - before; got != gained {
				t.Errorf("gained %d, want %d", got, gained)
			}
			if got := c.plain("TotalIssuance") - issued; got != gained {
				t.Errorf("%d more were issued", got)
			}
			// The key of a work is the SCALE bytes of its seal as they are.
			used := c.stored("UsedWork", append([]byte{128}, unhex(t, goodWork.seal)...))
			if block, _ := c.head(); gained > 0 && !slices.Equal(used, le64(block)) || gained == 0 && used != nil {
				t.Errorf("the work was used at %x", used)
			}
			var waiting []string
			if c.call(&waiting, "author_pendingExtrinsics"); len(waiting) > 0 {
				t.Errorf("still in the pool: %v", waiting)
			}
		})
	}
}

// The faucet lies where it lay while production runtimes had it.
func TestFaucetCall(t *testing.T) {
	real, err := metadata.Parse(vectors.Read(t, "326-main/metadata_v14.scale.gz"))
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, devnet.Options{})
	describe := func(m *metadata.Metadata) string {
		p, _ := m.Pallet("SubtensorModule")
		for _, v := range m.Types.Type(p.Calls).Variants {
			if v.Name == "faucet" {
				s := fmt.Sprint(p.Index, v.Index)
				for _, f := range v.Fields {
					s += " " + f.Name + ":" + shape(m.Types, f.Type, 9)
				}
				return s
			}
		}
		return ""
	}
	if got, want := describe(c.md), describe(real); got != want || got == "" {
		t.Errorf("faucet %s, want %s", got, want)
	}
}
