package devnet

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// maxExtrinsic is how long an extrinsic may be: what a block admits of normal
// ones.
const maxExtrinsic = 0x780000

// extrinsic is one transaction as it was read.
type extrinsic struct {
	raw      []byte // with its length, as it lies in a block
	hash     hash
	signed   bool
	address  uint8 // the kind of MultiAddress
	signer   ss58.AccountID
	scheme   uint8 // the kind of MultiSignature
	sig      [64]byte
	era      era
	nonce    uint32
	tip      uint64
	hashMode uint8  // of CheckMetadataHash
	extra    []byte // the extensions' bytes
	callData []byte
	call     call
	verified bool
}

// call is what a transaction does.
type call struct {
	pallet, index uint8
	pow           powCall
	burn          burnCall
	faucet        faucetCall
	to            ss58.AccountID
	toKind        uint8
	amount        uint64
	now           uint64
}

// errFormat is input that is no extrinsic at all; other errors of parsing are
// what the runtime would fail to decode.
var errFormat = errors.New("not a length and that many bytes")

// parseExtrinsic reads an extrinsic of version 4, or a bare one of version 5.
func parseExtrinsic(raw []byte) (*extrinsic, error) {
	outer := scale.NewReader(raw)
	body := outer.ByteString()
	if err := outer.Finish(); err != nil {
		return nil, fmt.Errorf("%w: %w", errFormat, err)
	}
	if len(raw) > maxExtrinsic {
		return nil, fmt.Errorf("%w: %d bytes exceed the limit of %d", errFormat, len(raw), maxExtrinsic)
	}
	xt := &extrinsic{raw: raw, hash: blake2b.Sum256(raw)}
	r := scale.NewReader(body)
	switch v := r.U8(); v {
	case 0x04, 0x05:
	case 0x84:
		xt.signed = true
		xt.readSigned(r, body)
	default:
		r.Fail(fmt.Errorf("extrinsic version byte 0x%02x: 0x84 is a signed one", v))
	}
	if r.Err() != nil {
		return nil, r.Err()
	}
	start := r.Offset()
	xt.readCall(r)
	if err := r.Finish(); err != nil {
		return nil, err
	}
	xt.callData = body[start:]
	return xt, nil
}

func (xt *extrinsic) readSigned(r *scale.Reader, body []byte) {
	xt.address, xt.signer = readAddress(r)
	switch xt.scheme = r.U8(); xt.scheme {
	case 0, 1:
		copy(xt.sig[:], r.Bytes(64))
	case 2:
		r.Skip(65)
	default:
		r.Fail(fmt.Errorf("signature kind %d", xt.scheme))
	}
	start := r.Offset()
	xt.era = readEra(r)
	xt.nonce = compact32(r)
	xt.tip = r.Compact()
	if xt.hashMode = r.U8(); xt.hashMode > 1 {
		r.Fail(fmt.Errorf("metadata hash mode %d", xt.hashMode))
	}
	if r.Err() == nil {
		xt.extra = body[start:r.Offset()]
	}
}

// readAddress reads a MultiAddress and its account where it names one.
func readAddress(r *scale.Reader) (kind uint8, id ss58.AccountID) {
	switch kind = r.U8(); kind {
	case 0, 3:
		copy(id[:], r.Bytes(32))
	case 1: // an index of no type takes no bytes
	case 2:
		r.ByteString()
	case 4:
		r.Skip(20)
	default:
		r.Fail(fmt.Errorf("address kind %d", kind))
	}
	return kind, id
}

func compact32(r *scale.Reader) uint32 {
	v := r.Compact()
	if v > math.MaxUint32 {
		r.Fail(errors.New("compact integer exceeds 32 bits"))
	}
	return uint32(v)
}

func (xt *extrinsic) readCall(r *scale.Reader) {
	c := &xt.call
	c.pallet, c.index = r.U8(), r.U8()
	switch [2]uint8{c.pallet, c.index} {
	case [2]uint8{0, 0}: // System.remark
		r.ByteString()
	case [2]uint8{2, 0}: // Timestamp.set
		c.now = r.Compact()
	case [2]uint8{5, 3}: // Balances.transfer_keep_alive
		c.toKind, c.to = readAddress(r)
		c.amount = r.Compact()
	case [2]uint8{palletSubtensor, callPowRegister}:
		c.pow.netuid, c.pow.block, c.pow.nonce = r.U16(), r.U64(), r.U64()
		copy(c.pow.work[:], r.Bytes(32))
		copy(c.pow.hotkey[:], r.Bytes(32))
	case [2]uint8{palletSubtensor, callRegister}:
		c.burn.netuid = r.U16()
		r.Skip(16) // block and nonce
		r.ByteString()
		copy(c.burn.hotkey[:], r.Bytes(32))
		r.Skip(32) // coldkey
	case [2]uint8{palletSubtensor, callBurnedRegister}:
		c.burn.netuid = r.U16()
		copy(c.burn.hotkey[:], r.Bytes(32))
	case [2]uint8{palletSubtensor, callRegisterLimit}:
		c.burn.netuid = r.U16()
		copy(c.burn.hotkey[:], r.Bytes(32))
		c.burn.limit, c.burn.limited = r.U64(), true
	case [2]uint8{palletSubtensor, callFaucet}:
		c.faucet.block, c.faucet.nonce, c.faucet.work = r.U64(), r.U64(), r.ByteString()
	default:
		r.Fail(fmt.Errorf("no call %d of pallet %d", c.index, c.pallet))
	}
}

func (c *call) isPow() bool    { return c.pallet == palletSubtensor && c.index == callPowRegister }
func (c *call) isFaucet() bool { return c.pallet == palletSubtensor && c.index == callFaucet }

// traps reports whether the runtime fails in executing the call, so that no
// block can hold it: it takes a faucet's work for 32 bytes.
func (c *call) traps() bool { return c.isFaucet() && len(c.faucet.work) != 32 }

// payload returns what is signed: the call, the extensions' bytes and what they
// add, hashed where it is long.
func (xt *extrinsic) payload(genesis, birth hash) []byte {
	p := append([]byte(nil), xt.callData...)
	p = append(p, xt.extra...)
	p = scale.AppendU32(p, specVersion)
	p = scale.AppendU32(p, transactionVersion)
	p = append(append(p, genesis[:]...), birth[:]...)
	p = append(p, 0) // no metadata hash
	if len(p) > 256 {
		h := blake2b.Sum256(p)
		return h[:]
	}
	return p
}

func (xt *extrinsic) verify(genesis, birth hash) bool {
	scheme := keypair.Sr25519
	if xt.scheme == 0 {
		scheme = keypair.Ed25519
	}
	return xt.scheme < 2 && keypair.Verify(scheme, xt.signer, xt.payload(genesis, birth), xt.sig)
}

// era is for which blocks a transaction is good; a period of 0 is for ever.
type era struct{ period, phase uint64 }

func readEra(r *scale.Reader) era {
	first := r.U8()
	if first == 0 {
		return era{}
	}
	v := uint64(first) | uint64(r.U8())<<8
	e := era{period: 2 << (v & 15)}
	e.phase = v >> 4 * max(1, e.period>>12)
	if e.period < 4 || e.phase >= e.period {
		r.Fail(fmt.Errorf("era 0x%04x has period %d and phase %d", bits.ReverseBytes16(uint16(v)), e.period, e.phase))
		return era{}
	}
	return e
}

// birth returns the first block at which the transaction is good, seen from a
// block.
func (e era) birth(now uint64) uint64 {
	if e.period == 0 {
		return 0
	}
	return (max(now, e.phase)-e.phase)/e.period*e.period + e.phase
}

// death returns the first block at which it is not good any more.
func (e era) death(now uint64) uint64 {
	if e.period == 0 {
		return math.MaxUint64
	}
	return e.birth(now) + e.period
}

// feeOf returns what an extrinsic costs beside its tip, in rao.
func feeOf(xt *extrinsic) uint64 {
	if xt.call.isPow() || xt.call.isFaucet() {
		return 0
	}
	return 100_000 + 100*uint64(len(xt.raw))
}
