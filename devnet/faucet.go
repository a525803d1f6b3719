package devnet

import (
	"crypto/sha256"

	"golang.org/x/crypto/sha3"

	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

const (
	faucetDifficulty = 1_000_000
	faucetWindow     = 3          // blocks: the work's own and those after it
	faucetAmount     = 1000 * tao // that a draw mints
)

// faucetCall is the call faucet.
type faucetCall struct {
	block, nonce uint64
	work         []byte
}

// classicSeal is the seal of the faucet, and of the registrations of old: the
// nonce before the hash of the block and the account.
func classicSeal(workHash hash, account ss58.AccountID, nonce uint64) [32]byte {
	bound := sha3.NewLegacyKeccak256()
	_, _ = bound.Write(workHash[:])
	_, _ = bound.Write(account[:])
	first := sha256.Sum256(bound.Sum(le64(nonce)))
	h := sha3.NewLegacyKeccak256()
	_, _ = h.Write(first[:])
	return [32]byte(h.Sum(nil))
}

// drawFaucet is the call faucet of a chain that was built with it. The same work
// can be handed in as long as its block is new enough.
func (l ledger) drawFaucet(coldkey ss58.AccountID, c faucetCall, index uint32, events *eventLog) (failed []byte) {
	now := uint64(l.number())
	work := [32]byte(c.work) // traps has seen to the length
	switch {
	case c.block > now || now-c.block >= faucetWindow:
		return l.moduleError("InvalidWorkBlock")
	case !meets(work, faucetDifficulty):
		return l.moduleError("InvalidDifficulty")
	case work != classicSeal(l.blockHash(uint32(c.block)), coldkey, c.nonce):
		return l.moduleError("InvalidSeal")
	}
	if failed := l.credit(coldkey, faucetAmount, index, events); failed != nil {
		return failed
	}
	for _, pallet := range []string{"Balances", "SubtensorModule"} {
		l.put(l.at(pallet, "TotalIssuance"), le64(l.plain(pallet, "TotalIssuance")+faucetAmount))
	}
	l.set(le64(now), "UsedWork", scale.AppendByteString(nil, string(c.work)))
	body := append(coldkey[:], le64(faucetAmount)...)
	events.add(index, body, 5, 7) // Balances.Deposit
	events.add(index, body, palletSubtensor, 57)
	return nil
}
