package substrate

import (
	"context"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"golang.org/x/crypto/blake2b"
)

// extrinsicVersion is the format that is written: 4, signed.
const extrinsicVersion = 4

// Signer signs for an account. A *keypair.Pair is one.
type Signer interface {
	Account() ss58.AccountID
	Scheme() keypair.Scheme
	Sign(msg []byte) ([64]byte, error)
}

// SignOptions say what a transaction carries besides its call. The zero value is
// good for most: the account's next nonce, no tip, valid forever.
type SignOptions struct {
	// Nonce is how many transactions of the account come before; nil asks the node,
	// which counts those that wait in its pool.
	Nonce *uint64
	// Tip is paid to the block's author on top of the fee, in the chain's smallest
	// unit (rao).
	Tip uint64
	// Era is for how many blocks after the state's block the transaction is valid;
	// 0 means forever. It is rounded up to a power of two, 4 to 65536.
	Era uint64
}

// Sign builds a transaction for a call and signs it, to be executed on top of the
// state's block. The error is a *UnknownExtensionError where the runtime asks for
// something in transactions that is not known here.
func (s *State) Sign(ctx context.Context, signer Signer, call []byte, opts SignOptions) ([]byte, error) {
	p := TxParams{Genesis: s.c.genesis, Tip: opts.Tip}
	if opts.Nonce != nil {
		p.Nonce = *opts.Nonce
	} else {
		raw, err := s.c.conn.Call(ctx, "system_accountNextIndex", signer.Account().String())
		if err == nil {
			err = json.Unmarshal(raw, &p.Nonce)
		}
		if err != nil {
			return nil, fmt.Errorf("next nonce of %s: %w", signer.Account(), err)
		}
	}
	if opts.Era > 0 {
		p.Era = NewEra(opts.Era, s.Number)
		p.EraBlock = s.Hash
		if birth := p.Era.Birth(s.Number); birth != s.Number {
			hash, err := s.c.blockHash(ctx, birth)
			if err == nil && hash == nil {
				err = fmt.Errorf("the node does not have block %d", birth)
			}
			if err != nil {
				return nil, fmt.Errorf("first block of the transaction's era: %w", err)
			}
			p.EraBlock = *hash
		}
	}
	return s.Runtime.SignCall(signer, call, p)
}

// TxParams are what the extensions of a transaction are filled with.
type TxParams struct {
	Genesis    Hash
	Nonce, Tip uint64
	Era        Era
	EraBlock   Hash // of Era.Birth; not looked at where Era is immortal
	// MetadataHash is the hash of the metadata that the signer was shown
	// (CheckMetadataHash, RFC-0078): the node refuses the transaction where its own is
	// another. nil, as [State.Sign] has it, checks nothing.
	MetadataHash *Hash
}

// Era is when a transaction is valid: in blocks whose number modulo Period is
// Phase, and the Period-1 blocks after them. The zero Era is immortal.
type Era struct {
	Period uint64 // a power of two, 4 to 65536; 0 for an immortal era
	Phase  uint64
}

// NewEra returns the era that begins at a block (for periods above 4096, up to
// Period/4096-1 blocks before it). The period is rounded up to a power of two
// from 4 to 65536.
func NewEra(period, block uint64) Era {
	period = min(max(period, 4), 1<<16)
	period = 1 << bits.Len64(period-1)
	q := quantum(period)
	return Era{Period: period, Phase: block % period / q * q}
}

// Birth returns the last block up to the given one at which an era began.
func (e Era) Birth(block uint64) uint64 {
	if e.Period == 0 {
		return 0
	}
	return (max(block, e.Phase)-e.Phase)/e.Period*e.Period + e.Phase
}

// quantum is how finely a phase can be told: it has twelve bits.
func quantum(period uint64) uint64 { return max(period>>12, 1) }

// append encodes the era as sp_runtime's generic::Era.
func (e Era) append(dst []byte) []byte {
	if e.Period == 0 {
		return append(dst, 0)
	}
	low := min(max(uint64(bits.TrailingZeros64(e.Period))-1, 1), 15)
	return scale.AppendU16(dst, uint16(low|e.Phase/quantum(e.Period)<<4))
}

// SignCall builds a transaction for a call and has it signed.
func (r *Runtime) SignCall(signer Signer, call []byte, p TxParams) ([]byte, error) {
	if !slices.Contains(r.Metadata.Extrinsic.Versions, extrinsicVersion) {
		return nil, fmt.Errorf("%s takes transactions of format %v, not %d", r, r.Metadata.Extrinsic.Versions, extrinsicVersion)
	}
	if err := r.binds(); err != nil {
		return nil, err
	}
	body, err := r.appendAddress([]byte{signedBits | extrinsicVersion}, signer.Account())
	if err != nil {
		return nil, err
	}
	extra, _, err := r.extensions(p)
	if err != nil {
		return nil, err
	}
	tag, err := r.signatureTag(signer.Scheme())
	if err != nil {
		return nil, err
	}
	payload, err := r.SigningPayload(call, p)
	if err != nil {
		return nil, err
	}
	sig, err := signer.Sign(payload)
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", signer.Account(), err)
	}
	body = append(append(body, tag), sig[:]...)
	body = append(append(body, extra...), call...)
	return scale.AppendByteString(nil, body), nil
}

// The formats of transactions: the upper two bits say who stands behind one, the
// lower six are the version.
const (
	bareBits    = 0x00 // nobody
	generalBits = 0x40 // whom its extensions name; from version 5 on
	signedBits  = 0x80 // an account; up to version 4
)

// CallOf returns the call of a transaction as nodes take it: signed in format 4, bare
// in format 4 or 5, or general in format 5. The error names what cannot be read.
func (r *Runtime) CallOf(xt []byte) ([]byte, error) {
	outer := scale.NewReader(xt)
	in := scale.NewReader(outer.ByteString())
	if err := outer.Finish(); err != nil {
		return nil, fmt.Errorf("length of the transaction: %w", err)
	}
	format := in.U8()
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("format of the transaction: %w", err)
	}
	skip := func(what string, id metadata.TypeID) error {
		if _, err := r.Codec.Value(id, in); err != nil {
			return fmt.Errorf("%s of the transaction: %w", what, err)
		}
		return nil
	}
	switch format {
	case bareBits | 4, bareBits | 5:
		return in.Rest(), nil
	case signedBits | 4:
		if err := skip("signer", r.Metadata.Extrinsic.Address); err != nil {
			return nil, err
		}
		if err := skip("signature", r.Metadata.Extrinsic.Signature); err != nil {
			return nil, err
		}
	case generalBits | 5:
		if version := in.U8(); version != 0 {
			return nil, fmt.Errorf("the transaction's extensions are of version %d, which is not known here", version)
		}
	default:
		return nil, fmt.Errorf("the transaction is of a format that is not known here: %#x", format)
	}
	list, err := r.extensionList()
	if err != nil {
		return nil, err
	}
	for _, ext := range list {
		if err := skip(ext.Identifier, ext.Extra); err != nil {
			return nil, err
		}
	}
	return in.Rest(), nil
}

// binds makes sure that a signature is good for this chain and runtime only: a
// node that leaves the extensions out which see to that would get a transaction
// that may mean something else elsewhere.
func (r *Runtime) binds() error {
	list, err := r.extensionList()
	if err != nil {
		return err
	}
	for _, name := range []string{"CheckGenesis", "CheckSpecVersion"} {
		if !slices.ContainsFunc(list, func(e metadata.Extension) bool { return e.Identifier == name }) {
			return fmt.Errorf("%s has no transaction extension %s, so a signature would not be bound to this chain and runtime: nothing is signed", r, name)
		}
	}
	return nil
}

// SigningPayload returns what is signed for a call: the call, what the extensions
// put into the transaction, and what they only sign. Above 256 bytes it is the
// BLAKE2b-256 hash of that.
func (r *Runtime) SigningPayload(call []byte, p TxParams) ([]byte, error) {
	extra, additional, err := r.extensions(p)
	if err != nil {
		return nil, err
	}
	payload := slices.Concat(call, extra, additional)
	if len(payload) > 256 {
		sum := blake2b.Sum256(payload)
		payload = sum[:]
	}
	return payload, nil
}

// extensions fills the runtime's transaction extensions, in the order that the
// metadata gives them.
func (r *Runtime) extensions(p TxParams) (extra, additional []byte, err error) {
	list, err := r.extensionList()
	if err != nil {
		return nil, nil, err
	}
	for _, ext := range list {
		inside, signed, err := r.extension(ext, p)
		if err != nil {
			return nil, nil, err
		}
		extra, additional = append(extra, inside...), append(additional, signed...)
	}
	return extra, additional, nil
}

// extension fills one transaction extension.
func (r *Runtime) extension(ext metadata.Extension, p TxParams) (inside, signed []byte, err error) {
	if r.silent(ext) {
		return nil, nil, nil
	}
	inside, signed, ok := r.fill(ext.Identifier, p)
	if !ok {
		return nil, nil, &UnknownExtensionError{Identifier: ext.Identifier}
	}
	// An extension may keep its name and change what it says.
	for _, part := range []struct {
		id  metadata.TypeID
		raw []byte
	}{{ext.Extra, inside}, {ext.Additional, signed}} {
		in := scale.NewReader(part.raw)
		if _, err := r.Codec.Value(part.id, in); err != nil || in.Finish() != nil {
			return nil, nil, &UnknownExtensionError{Identifier: ext.Identifier}
		}
	}
	return inside, signed, nil
}

// silent reports whether an extension puts nothing into a transaction and signs
// nothing.
func (r *Runtime) silent(ext metadata.Extension) bool {
	return r.empty(ext.Extra, 0) && r.empty(ext.Additional, 0)
}

// Extension says whether transactions can be signed that hold a transaction
// extension.
type Extension struct {
	Identifier string
	Silent     bool // it has nothing to say in a transaction
	Fillable   bool // what it has to say is known here; true for silent ones
}

// Extensions returns the transaction extensions of signed transactions in the
// runtime's order. [Runtime.SignCall] works where all are fillable.
func (r *Runtime) Extensions() ([]Extension, error) {
	list, err := r.extensionList()
	if err != nil {
		return nil, err
	}
	all := make([]Extension, len(list))
	for i, ext := range list {
		_, _, err := r.extension(ext, TxParams{})
		all[i] = Extension{Identifier: ext.Identifier, Silent: r.silent(ext), Fillable: err == nil}
	}
	return all, nil
}

// extensionList returns the extensions of signed transactions of format 4: those
// of extension version 0 where there are several versions.
func (r *Runtime) extensionList() ([]metadata.Extension, error) {
	all := r.Metadata.Extrinsic.Extensions
	for _, set := range r.Metadata.Extrinsic.ByVersion {
		if set.Version != 0 {
			continue
		}
		list := make([]metadata.Extension, 0, len(set.Indexes))
		for _, i := range set.Indexes {
			if int(i) >= len(all) {
				return nil, fmt.Errorf("%s: its metadata lists transaction extension %d of %d", r, i, len(all))
			}
			list = append(list, all[i])
		}
		return list, nil
	}
	return all, nil
}

// fill returns what an extension says in a transaction and under its signature
// alone.
func (r *Runtime) fill(identifier string, p TxParams) (inside, signed []byte, ok bool) {
	switch identifier {
	case "CheckSpecVersion":
		return nil, scale.AppendU32(nil, r.SpecVersion), true
	case "CheckTxVersion":
		return nil, scale.AppendU32(nil, r.TransactionVersion), true
	case "CheckGenesis":
		return nil, p.Genesis[:], true
	case "CheckMortality", "CheckEra":
		block := p.EraBlock
		if p.Era.Period == 0 {
			block = p.Genesis
		}
		return p.Era.append(nil), block[:], true
	case "CheckNonce":
		return scale.AppendCompact(nil, p.Nonce), nil, true
	case "ChargeTransactionPayment":
		return scale.AppendCompact(nil, p.Tip), nil, true
	case "CheckMetadataHash":
		if p.MetadataHash != nil {
			return []byte{1}, append([]byte{1}, p.MetadataHash[:]...), true
		}
		return []byte{0}, []byte{0}, true // mode Disabled, and no hash
	}
	return nil, nil, false
}

// empty reports whether values of a type take no bytes.
func (r *Runtime) empty(id metadata.TypeID, depth int) bool {
	t := r.Metadata.Types.Type(id)
	if t == nil || depth > 32 {
		return false
	}
	switch t.Kind {
	case metadata.Composite:
		for _, f := range t.Fields {
			if !r.empty(f.Type, depth+1) {
				return false
			}
		}
		return true
	case metadata.Tuple:
		for _, item := range t.Items {
			if !r.empty(item, depth+1) {
				return false
			}
		}
		return true
	case metadata.Array:
		return t.Len == 0 || r.empty(t.Elem, depth+1)
	}
	return false
}

// appendAddress appends an account as the runtime writes addresses: a
// MultiAddress, or the account itself.
func (r *Runtime) appendAddress(dst []byte, account ss58.AccountID) ([]byte, error) {
	types := r.Metadata.Types
	t := types.Type(types.Unwrap(r.Metadata.Extrinsic.Address))
	if t != nil && t.Kind == metadata.Variant {
		for _, v := range t.Variants {
			if v.Name == "Id" && len(v.Fields) == 1 && r.bytes(v.Fields[0].Type, 32) {
				return append(append(dst, v.Index), account[:]...), nil
			}
		}
	}
	if r.bytes(r.Metadata.Extrinsic.Address, 32) {
		return append(dst, account[:]...), nil
	}
	return nil, fmt.Errorf("%s has addresses of a kind that is not known here", r)
}

// signatureTag returns the number of a scheme among the runtime's signatures.
func (r *Runtime) signatureTag(scheme keypair.Scheme) (uint8, error) {
	name := map[keypair.Scheme]string{keypair.Sr25519: "Sr25519", keypair.Ed25519: "Ed25519"}[scheme]
	types := r.Metadata.Types
	if t := types.Type(types.Unwrap(r.Metadata.Extrinsic.Signature)); t != nil {
		for _, v := range t.Variants {
			if name != "" && v.Name == name && len(v.Fields) == 1 && r.bytes(v.Fields[0].Type, 64) {
				return v.Index, nil
			}
		}
	}
	return 0, fmt.Errorf("%s takes no signatures of the scheme %s", r, scheme)
}

// bytes reports whether a type is an array of n bytes, in newtypes or not.
func (r *Runtime) bytes(id metadata.TypeID, n uint32) bool {
	types := r.Metadata.Types
	t := types.Type(types.Unwrap(id))
	if t == nil || t.Kind != metadata.Array || t.Len != n {
		return false
	}
	e := types.Type(types.Unwrap(t.Elem))
	return e != nil && e.Kind == metadata.Primitive && e.Primitive == metadata.U8
}
