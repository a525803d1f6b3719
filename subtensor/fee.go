package subtensor

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// Account is what the chain keeps of an account's own TAO, in rao.
type Account struct {
	Nonce    uint64 // how many transactions it has signed
	Free     uint64
	Reserved uint64
	Frozen   uint64 // of Free and Reserved together: must stay
}

// Spendable returns how much the account can pay without being reaped: what is
// free, less the existential deposit or what is frozen, whichever is more.
func (a Account) Spendable(deposit uint64) uint64 {
	keep := max(deposit, a.Frozen-min(a.Frozen, a.Reserved))
	return a.Free - min(a.Free, keep)
}

// Account returns an account. One that the chain does not know is all zeros.
func (s *State) Account(ctx context.Context, id ss58.AccountID) (Account, error) {
	var info accountInfo
	if _, err := s.Get(ctx, &info, "System", "Account", id); err != nil {
		return Account{}, err
	}
	return info.account(), nil
}

// accountInfo is System.Account. What is frozen is one number since
// polkadot-v0.9.42, two before.
type accountInfo struct {
	Nonce uint64
	Data  struct {
		Free, Reserved uint64
		Frozen         uint64 `scale:"frozen,optional"`
		MiscFrozen     uint64 `scale:"misc_frozen,optional"`
		FeeFrozen      uint64 `scale:"fee_frozen,optional"`
	}
}

func (i *accountInfo) account() Account {
	d := &i.Data
	return Account{Nonce: i.Nonce, Free: d.Free, Reserved: d.Reserved, Frozen: max(d.Frozen, d.MiscFrozen, d.FeeFrozen)}
}

// Deposit returns the existential deposit: what an account must keep, in rao. It
// is 500 on all known runtimes; 0 where the metadata does not say.
func (s *Schema) Deposit() uint64 {
	return s.constant("Balances", "ExistentialDeposit")
}

// constant returns a number that the metadata holds, 0 where it does not.
func (s *Schema) constant(pallet, name string) uint64 {
	p, ok := s.md.Pallet(pallet)
	if !ok {
		return 0
	}
	c, ok := p.Constant(name)
	var n uint64
	if !ok || s.types.Decode(c.Type, c.Value, &n) != nil {
		return 0
	}
	return n
}

// Fee asks the runtime what the signer of a transaction pays for it in rao, on
// top of what its call takes. It is due as well where the call fails.
func (s *State) Fee(ctx context.Context, xt []byte) (uint64, error) {
	raw, err := s.Call(ctx, "TransactionPaymentApi_query_info", binary.LittleEndian.AppendUint32(slices.Clone(xt), uint32(len(xt))))
	if err != nil {
		return 0, err
	}
	var (
		types = s.Runtime.Codec
		id    metadata.TypeID
	)
	if m, ok := s.Runtime.Metadata.Method("TransactionPaymentApi", "query_info"); ok {
		id = m.Output
	} else {
		var reg metadata.Registry
		if err := reg.Define(dispatchInfo); err != nil {
			return 0, err
		}
		if id, err = reg.Resolve("RuntimeDispatchInfo"); err != nil {
			return 0, err
		}
		types = codec.New(&reg)
	}
	var info struct{ PartialFee uint64 }
	if err := types.Decode(id, raw, &info); err != nil {
		return 0, fmt.Errorf("answer of TransactionPaymentApi_query_info: %w", err)
	}
	return info.PartialFee, nil
}

// dispatchInfo is the answer of TransactionPaymentApi_query_info where metadata
// does not describe it; so since the genesis of finney.
const dispatchInfo = `struct Weight { ref_time: Compact<u64>, proof_size: Compact<u64> }
	enum Class { Normal, Operational, Mandatory }
	struct RuntimeDispatchInfo { weight: Weight, class: Class, partial_fee: u64 }`

// callFee asks what an account would pay for a call, by a transaction that is as
// long as the real one and whose signature is zeros, so that nobody can send it.
func (s *State) callFee(ctx context.Context, account ss58.AccountID, nonce uint64, call []byte) (uint64, error) {
	p := substrate.TxParams{Nonce: nonce, Era: substrate.NewEra(4, s.Number)}
	xt, err := s.Runtime.SignCall(unsigned(account), call, p)
	if err != nil {
		return 0, err
	}
	return s.Fee(ctx, xt)
}

// unsigned signs with zeros.
type unsigned ss58.AccountID

func (u unsigned) Account() ss58.AccountID         { return ss58.AccountID(u) }
func (unsigned) Scheme() keypair.Scheme            { return keypair.Sr25519 }
func (unsigned) Sign([]byte) (s [64]byte, _ error) { return s, nil }
