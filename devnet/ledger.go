package devnet

import (
	"encoding/binary"
	"math/bits"

	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// ledger reads and writes typed values of a state. Writing needs w.
type ledger struct {
	rt *runtime
	r  reader
	w  *overlay
}

func (rt *runtime) read(r reader) ledger      { return ledger{rt: rt, r: r} }
func (rt *runtime) write(o *overlay) ledger   { return ledger{rt: rt, r: o, w: o} }
func (l ledger) over() (ledger, *overlay)     { o := newOverlay(l.r); return l.rt.write(o), o }
func (l ledger) put(key string, value []byte) { l.w.set(key, value) }

// at returns the storage key of one of the chain's own values.
func (l ledger) at(pallet, item string, keys ...[]byte) string {
	key, err := l.rt.key(pallet, item, keys...)
	if err != nil {
		panic(err) // the names are written in this package, next to their table
	}
	return key
}

// sub is a value of SubtensorModule: its default where none is stored, nil where
// there is no default.
func (l ledger) sub(item string, keys ...[]byte) []byte {
	if v := l.r.get(l.at("SubtensorModule", item, keys...)); v != nil {
		return v
	}
	return l.rt.items["SubtensorModule."+item].def
}

func (l ledger) has(item string, keys ...[]byte) bool {
	return l.r.get(l.at("SubtensorModule", item, keys...)) != nil
}

func (l ledger) set(value []byte, item string, keys ...[]byte) {
	l.put(l.at("SubtensorModule", item, keys...), value)
}

func (l ledger) remove(item string, keys ...[]byte) { l.set(nil, item, keys...) }

// uint reads a plain integer of up to 64 bits.
func (l ledger) uint(item string, keys ...[]byte) uint64 {
	var b [8]byte
	copy(b[:], l.sub(item, keys...))
	return binary.LittleEndian.Uint64(b[:])
}

func (l ledger) u16(item string, keys ...[]byte) uint16 { return uint16(l.uint(item, keys...)) }
func (l ledger) bool(item string, keys ...[]byte) bool  { return l.uint(item, keys...) == 1 }

func (l ledger) account(item string, keys ...[]byte) (id ss58.AccountID) {
	copy(id[:], l.sub(item, keys...))
	return id
}

func (l ledger) accounts(item string, keys ...[]byte) []ss58.AccountID {
	r := scale.NewReader(l.sub(item, keys...))
	out := make([]ss58.AccountID, r.Len(32))
	for i := range out {
		copy(out[i][:], r.Bytes(32))
	}
	return out
}

// addAccount appends an account to a list.
func (l ledger) addAccount(id ss58.AccountID, item string, keys ...[]byte) {
	list := append(l.accounts(item, keys...), id)
	b := scale.AppendCompact(nil, uint64(len(list)))
	for _, a := range list {
		b = append(b, a[:]...)
	}
	l.set(b, item, keys...)
}

// list reads a vector of integers that are width bytes wide.
func (l ledger) list(width int, item string, keys ...[]byte) []uint64 {
	r := scale.NewReader(l.sub(item, keys...))
	out := make([]uint64, r.Len(width))
	for i := range out {
		var b [8]byte
		copy(b[:], r.Bytes(width))
		out[i] = binary.LittleEndian.Uint64(b[:])
	}
	return out
}

func (l ledger) setList(values []uint64, width int, item string, keys ...[]byte) {
	b := scale.AppendCompact(nil, uint64(len(values)))
	for _, v := range values {
		var le [8]byte
		binary.LittleEndian.PutUint64(le[:], v)
		b = append(b, le[:width]...)
	}
	l.set(b, item, keys...)
}

// row reads a sparse row of weights or bonds.
func (l ledger) row(item string, keys ...[]byte) [][2]uint16 {
	r := scale.NewReader(l.sub(item, keys...))
	out := make([][2]uint16, r.Len(4))
	for i := range out {
		out[i] = [2]uint16{r.U16(), r.U16()}
	}
	return out
}

func (l ledger) setRow(row [][2]uint16, item string, keys ...[]byte) {
	b := scale.AppendCompact(nil, uint64(len(row)))
	for _, e := range row {
		b = scale.AppendU16(scale.AppendU16(b, e[0]), e[1])
	}
	l.set(b, item, keys...)
}

// plain reads an integer of a pallet that has no keys, or 0.
func (l ledger) plain(pallet, item string) uint64 {
	var b [8]byte
	copy(b[:], l.r.get(l.at(pallet, item)))
	return binary.LittleEndian.Uint64(b[:])
}

// number returns the block that the state is of, or that is being built.
func (l ledger) number() uint32 { return uint32(l.plain("System", "Number")) }

// blockHash returns the hash of a block as the runtime knows it: zero for the
// block being built and for those longer ago than BlockHashCount.
func (l ledger) blockHash(n uint32) (h hash) {
	copy(h[:], l.r.get(l.at("System", "BlockHash", le32(n))))
	return h
}

// subnets returns the netuids of the subnets that exist, in order of their keys.
func (l ledger) subnets() []uint16 {
	prefix := l.at("SubtensorModule", "NetworksAdded")
	var out []uint16
	for _, k := range l.r.keys(prefix) {
		if v := l.r.get(k); len(v) == 1 && v[0] == 1 && len(k) == len(prefix)+2 {
			out = append(out, binary.LittleEndian.Uint16([]byte(k[len(prefix):])))
		}
	}
	return out
}

// accountInfo is System.Account.
type accountInfo struct {
	nonce, consumers, providers, sufficients uint32
	free                                     uint64
}

func (l ledger) info(id ss58.AccountID) accountInfo {
	r := scale.NewReader(l.r.get(l.at("System", "Account", id[:])))
	return accountInfo{r.U32(), r.U32(), r.U32(), r.U32(), r.U64()}
}

func (l ledger) setInfo(id ss58.AccountID, a accountInfo) {
	var b []byte
	for _, v := range []uint32{a.nonce, a.consumers, a.providers, a.sufficients} {
		b = scale.AppendU32(b, v)
	}
	b = scale.AppendU64(scale.AppendU64(scale.AppendU64(b, a.free), 0), 0)
	b = scale.AppendU128(b, scale.U128{Hi: 1 << 63}) // the new logic of reserves
	l.put(l.at("System", "Account", id[:]), b)
}

func le16(v uint16) []byte { return scale.AppendU16(nil, v) }
func le32(v uint32) []byte { return scale.AppendU32(nil, v) }
func le64(v uint64) []byte { return scale.AppendU64(nil, v) }

// mulFixed returns floor(v * f / 2^64) for a fixed point number of 64 fractional
// bits, at most the largest 64-bit integer.
func mulFixed(v uint64, f scale.U128) uint64 {
	hi, _ := bits.Mul64(v, f.Lo)
	over, whole := bits.Mul64(v, f.Hi)
	sum, carry := bits.Add64(whole, hi, 0)
	if over != 0 || carry != 0 {
		return 1<<64 - 1
	}
	return sum
}
