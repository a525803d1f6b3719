package devnet

import (
	"fmt"
	"math"

	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// priority is that of every transaction: the runtime lets no tip raise it.
const priority = 1

// validity is what the pool is told of a good transaction.
type validity struct {
	requires, provides [][]byte
	longevity          uint64 // blocks
	future             bool   // the account's nonce has not come to it yet
}

// refusal is why a transaction is not valid: an InvalidTransaction or an
// UnknownTransaction by index.
type refusal struct {
	unknown bool
	index   uint8
	custom  uint8
}

// indexCustom is InvalidTransaction::Custom.
const indexCustom = 7

// The reasons. The custom codes are those of SubtensorTransactionExtension.
var (
	refusePayment    = &refusal{index: 1}
	refuseStale      = &refusal{index: 3}
	refuseBadProof   = &refusal{index: 4}
	refuseAncient    = &refusal{index: 5}
	refuseMandatory  = &refusal{index: 9}
	refuseBadSigner  = &refusal{index: 10}
	refuseLookup     = &refusal{unknown: true, index: 0}
	refuseUnsigned   = &refusal{unknown: true, index: 1}
	refuseSubnet     = custom(3)
	refuseOwner      = custom(25)
	refuseAnnounced  = custom(0)
	refuseDisputed   = custom(21)
	refuseBadRequest = custom(255)
)

// The words of a node, by index.
var (
	invalidText = [...]string{
		1:  "Inability to pay some fees (e.g. account balance too low)",
		3:  "Transaction is outdated",
		4:  "Transaction has a bad signature",
		5:  "Transaction has an ancient birth block",
		9:  "Transaction dispatch is mandatory; transactions must not be validated.",
		10: "Invalid signing address",
	}
	unknownText = [...]string{
		"Could not lookup information required to validate the transaction",
		"Could not find an unsigned validator for the unsigned transaction",
	}
)

func custom(code uint8) *refusal { return &refusal{index: indexCustom, custom: code} }

// text is what a node gives as data.
func (r *refusal) text() string {
	switch {
	case r.unknown:
		return unknownText[r.index]
	case r.index == indexCustom:
		return fmt.Sprintf("Custom error: %d", r.custom)
	}
	return invalidText[r.index]
}

// encode is the refusal as TransactionValidityError.
func (r *refusal) encode(dst []byte) []byte {
	dst = append(scale.AppendBool(dst, r.unknown), r.index)
	if !r.unknown && r.index == indexCustom {
		dst = append(dst, r.custom)
	}
	return dst
}

// encode is the validity as ValidTransaction.
func (v *validity) encode(dst []byte) []byte {
	dst = scale.AppendU64(dst, priority)
	for _, tags := range [][][]byte{v.requires, v.provides} {
		dst = scale.AppendCompact(dst, uint64(len(tags)))
		for _, t := range tags {
			dst = scale.AppendByteString(dst, t)
		}
	}
	return append(scale.AppendU64(dst, v.longevity), 1)
}

func nonceTag(who ss58.AccountID, nonce uint32) []byte { return scale.AppendU32(who[:], nonce) }

// validate makes the checks of the signature and of the extensions in the
// runtime's order. The state is that of the block that would execute the
// transaction.
func (l ledger) validate(genesis hash, xt *extrinsic) (validity, *refusal) {
	now := l.number()
	switch {
	case !xt.signed:
		return validity{}, refuseUnsigned
	case xt.address != 0:
		return validity{}, refuseLookup
	case xt.hashMode != 0:
		return validity{}, refuseLookup // the runtime was built without the hash
	}
	birth := genesis
	if xt.era.period > 0 {
		if birth = l.blockHash(uint32(xt.era.birth(uint64(now)))); birth == (hash{}) {
			return validity{}, refuseAncient
		}
	}
	if !xt.verified {
		if !xt.verify(genesis, birth) {
			return validity{}, refuseBadProof
		}
		xt.verified = true
	}
	if xt.signer == (ss58.AccountID{}) {
		return validity{}, refuseBadSigner
	}
	account := l.info(xt.signer)
	if xt.nonce < account.nonce {
		return validity{}, refuseStale
	}
	if xt.call.pallet == 2 {
		return validity{}, refuseMandatory
	}
	charge := feeOf(xt) + xt.tip
	if charge < xt.tip || charge > math.MaxUint64-existentialDeposit || charge > 0 && account.free < charge+existentialDeposit {
		return validity{}, refusePayment
	}
	v := validity{provides: [][]byte{nonceTag(xt.signer, xt.nonce)}}
	if xt.nonce > account.nonce {
		v.future = true
		v.requires = [][]byte{nonceTag(xt.signer, xt.nonce-1)}
	}
	v.longevity = xt.era.death(uint64(now)) - uint64(now)
	switch {
	case l.has("ColdkeySwapDisputes", xt.signer[:]):
		return validity{}, refuseDisputed
	case l.has("ColdkeySwapAnnouncements", xt.signer[:]):
		return validity{}, refuseAnnounced
	case xt.call.isPow():
		c := xt.call.pow
		switch l.checkPow(now, xt.signer, c) {
		case "":
		case "SubnetNotExists":
			return validity{}, refuseSubnet
		case "NonAssociatedColdKey":
			return validity{}, refuseOwner
		default:
			return validity{}, refuseBadRequest
		}
		v.longevity = min(v.longevity, c.block+workWindow+1-uint64(now))
		tag := append([]byte("pow-registration"), c.hotkey[:]...)
		v.provides = append(v.provides, scale.AppendU64(tag, c.block))
	}
	return v, nil
}
