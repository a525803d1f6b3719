package devnet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// What the runtime says of itself.
const (
	specName           = "node-subtensor"
	specVersion        = 475
	transactionVersion = 1
	palletSubtensor    = 7
	callRegister       = 6
	callBurnedRegister = 7
	callFaucet         = 60
	callRegisterLimit  = 134
	callPowRegister    = 152
	existentialDeposit = 500
	blockHashCount     = 2400
	codeKey            = ":code"
)

// runtime is what does not change while the chain runs.
type runtime struct {
	md       *metadata.Metadata
	v14, v15 []byte
	code     []byte // stands for the WebAssembly: its hash changes with the metadata
	version  []byte // the encoded RuntimeVersion
	items    map[string]*storedItem
	errors   map[string]uint8 // of SubtensorModule
}

// storedItem is a storage value with what its keys begin with.
type storedItem struct {
	prefix  string
	hashers []metadata.Hasher
	widths  []int  // of the keys in bytes, -1 where that varies
	def     []byte // nil for an optional value
}

// newRuntime builds the metadata and what follows from it. Blocks on demand say that
// they take as long as mainnet's.
func newRuntime(blockTime time.Duration) (*runtime, error) {
	if blockTime == 0 {
		blockTime = 12 * time.Second
	}
	b := builder{reg: &metadata.Registry{}, period: le64(uint64(blockTime / 2 / time.Millisecond))}
	b.define(types + eraType())
	md := b.metadata()
	if b.err != nil {
		return nil, b.err
	}
	rt := &runtime{md: md, items: map[string]*storedItem{}, errors: map[string]uint8{}}
	var err error
	if rt.v14, err = md.Append(nil, 14); err != nil {
		return nil, fmt.Errorf("version 14: %w", err)
	}
	if rt.v15, err = md.Append(nil, 15); err != nil {
		return nil, fmt.Errorf("version 15: %w", err)
	}
	sum := blake2b.Sum256(append(slices.Clone(rt.v14), rt.v15...))
	rt.code = append([]byte("bt devnet runtime\n"), sum[:]...)
	rt.version = encodeVersion()
	for _, p := range md.Pallets {
		for _, e := range p.Storage {
			it := &storedItem{prefix: string(slices.Concat(twox(p.Prefix, 2), twox(e.Name, 2))), hashers: e.Hashers}
			if !e.Optional {
				it.def = e.Default
			}
			keys := []metadata.TypeID{e.Key}
			if len(e.Hashers) != 1 {
				keys = nil
			}
			if t := md.Types.Type(e.Key); t != nil && len(e.Hashers) > 1 {
				keys = t.Items
			}
			for _, k := range keys {
				it.widths = append(it.widths, width(md.Types, k))
			}
			rt.items[p.Name+"."+e.Name] = it
		}
	}
	p, _ := md.Pallet("SubtensorModule")
	for _, v := range md.Types.Type(p.Errors).Variants {
		rt.errors[v.Name] = v.Index
	}
	return rt, nil
}

// width returns how many bytes a storage key takes, -1 where that varies.
func width(types *metadata.Registry, id metadata.TypeID) int {
	t := types.Type(types.Unwrap(id))
	switch {
	case t.Kind == metadata.Sequence:
		return -1
	case t.Kind == metadata.Array:
		return int(t.Len)
	case t.Primitive == metadata.U16:
		return 2
	case t.Primitive == metadata.U32:
		return 4
	}
	return 8
}

// builder makes metadata out of the tables. The first error sticks.
type builder struct {
	reg    *metadata.Registry
	period []byte // Timestamp.MinimumPeriod, in milliseconds
	err    error
}

func (b *builder) define(src string) {
	if b.err == nil {
		b.err = b.reg.Define(src)
	}
}

func (b *builder) typ(expr string) metadata.TypeID {
	if b.err != nil {
		return metadata.NoType
	}
	id, err := b.reg.Resolve(expr)
	b.err = err
	return id
}

func (b *builder) hex(s string) []byte {
	v, err := hex.DecodeString(s)
	if b.err == nil {
		b.err = err
	}
	return v
}

// params gives a type generic parameters by which clients find its parts.
func (b *builder) params(id metadata.TypeID, pairs ...string) {
	if b.err != nil {
		return
	}
	var params []metadata.TypeParam
	for i := 0; i < len(pairs); i += 2 {
		params = append(params, metadata.TypeParam{Name: pairs[i], Type: b.typ(pairs[i+1])})
	}
	if b.err == nil {
		b.reg.Types[id].Params = params
	}
}

func (b *builder) metadata() *metadata.Metadata {
	md := &metadata.Metadata{Version: 15, Types: b.reg}
	for _, p := range []struct {
		name                  string
		index                 uint8
		calls, events, errors string
	}{
		{"System", 0, "frame_system::pallet::Call", "frame_system::pallet::Event", ""},
		{"Timestamp", 2, "pallet_timestamp::pallet::Call", "", ""},
		{"Balances", 5, "pallet_balances::pallet::Call", "pallet_balances::pallet::Event", ""},
		{"TransactionPayment", 6, "", "pallet_transaction_payment::pallet::Event", ""},
		{"SubtensorModule", palletSubtensor, "pallet_subtensor::pallet::Call", "pallet_subtensor::pallet::Event", "pallet_subtensor::pallet::Error"},
	} {
		pallet := metadata.Pallet{
			Name: p.name, Index: p.index, Prefix: p.name, HasStorage: true,
			Calls: b.optional(p.calls), Events: b.optional(p.events), Errors: b.optional(p.errors),
		}
		for _, it := range storage[p.name] {
			pallet.Storage = append(pallet.Storage, b.entry(it))
		}
		for _, c := range constants[p.name] {
			pallet.Constants = append(pallet.Constants, metadata.Constant{Name: c.name, Type: b.typ(c.typ), Value: b.hex(c.value)})
		}
		if p.name == "Timestamp" { // half of what a block takes, as Aura has it
			pallet.Constants = append(pallet.Constants, metadata.Constant{Name: "MinimumPeriod", Type: b.typ("u64"), Value: b.period})
		}
		if p.name == "System" {
			pallet.Constants = append(pallet.Constants, metadata.Constant{Name: "Version", Type: b.typ("RuntimeVersion"), Value: encodeVersion()})
		}
		md.Pallets = append(md.Pallets, pallet)
	}
	for _, a := range apis {
		out := metadata.API{Name: a.name}
		for _, m := range a.methods {
			out.Methods = append(out.Methods, metadata.Method{Name: m.name, Inputs: b.inputs(m.args), Output: b.typ(m.answer)})
		}
		md.APIs = append(md.APIs, out)
	}
	b.params(b.typ("MultiAddress"), "AccountId", "AccountId", "AccountIndex", "()")
	b.params(b.typ("EventRecord"), "E", "RuntimeEvent", "T", "H256")
	b.params(b.typ("AccountInfo"), "Nonce", "u32", "AccountData", "AccountData")
	var names []string
	for _, e := range extensions {
		names = append(names, e.extra)
		md.Extrinsic.Extensions = append(md.Extrinsic.Extensions, metadata.Extension{
			Identifier: e.name, Extra: b.typ(e.extra), Additional: b.typ(e.additional),
		})
	}
	// The extensions are nested as in mainnet's runtime.
	extra := fmt.Sprintf("((%s), (%s), %s)", strings.Join(names[:7], ", "), strings.Join(names[7:12], ", "), names[12])
	xt := b.typ("UncheckedExtrinsic")
	b.params(xt, "Address", "MultiAddress", "Call", "RuntimeCall", "Signature", "MultiSignature", "Extra", extra)
	x := &md.Extrinsic
	x.Versions, x.Type = []uint8{4}, xt
	x.Address, x.Call, x.Signature, x.Extra = b.typ("MultiAddress"), b.typ("RuntimeCall"), b.typ("MultiSignature"), b.typ(extra)
	md.RuntimeType = b.typ("node_subtensor_runtime::Runtime")
	md.CallType, md.EventType, md.ErrorType = b.typ("RuntimeCall"), b.typ("RuntimeEvent"), b.typ("RuntimeError")
	return md
}

func (b *builder) optional(expr string) metadata.TypeID {
	if expr == "" {
		return metadata.NoType
	}
	return b.typ(expr)
}

func (b *builder) entry(it item) metadata.StorageEntry {
	e := metadata.StorageEntry{Name: it.name, Value: b.typ(it.value), Key: metadata.NoType}
	if it.def == "?" {
		e.Optional, e.Default = true, []byte{0}
	} else {
		e.Default = b.hex(it.def)
	}
	var keys []string
	for _, k := range strings.Split(it.keys, ", ") {
		how, typ, ok := strings.Cut(k, " ")
		if !ok {
			continue
		}
		hasher := map[string]metadata.Hasher{
			"id": metadata.Identity, "blake": metadata.Blake2_128Concat, "twox": metadata.Twox64Concat,
		}[how]
		e.Hashers = append(e.Hashers, hasher)
		keys = append(keys, typ)
	}
	switch len(keys) {
	case 0:
	case 1:
		e.Key = b.typ(keys[0])
	default:
		e.Key = b.typ("(" + strings.Join(keys, ", ") + ")")
	}
	return e
}

func (b *builder) inputs(args string) []metadata.Param {
	var out []metadata.Param
	for _, a := range strings.Split(args, ", ") {
		if name, typ, ok := strings.Cut(a, ": "); ok {
			out = append(out, metadata.Param{Name: name, Type: b.typ(typ)})
		}
	}
	return out
}

// apiID is how a runtime names an API in its version: the first 8 bytes that
// BLAKE2b of that length makes of the name.
func apiID(name string) [8]byte {
	h, err := blake2b.New(8, nil)
	if err != nil {
		panic(err) // 8 is a length that BLAKE2b has
	}
	_, _ = h.Write([]byte(name))
	return [8]byte(h.Sum(nil))
}

func encodeVersion() []byte {
	b := scale.AppendByteString(nil, specName)
	b = scale.AppendByteString(b, specName)
	b = scale.AppendU32(b, 1) // authoring version
	b = scale.AppendU32(b, specVersion)
	b = scale.AppendU32(b, 1) // implementation version
	b = scale.AppendCompact(b, uint64(len(apis)))
	for _, a := range apis {
		id := apiID(a.name)
		b = scale.AppendU32(append(b, id[:]...), a.version)
	}
	b = scale.AppendU32(b, transactionVersion)
	return append(b, 1) // system version
}

var errUnknownItem = errors.New("no such storage value")

// key returns the storage key of a value. Fewer keys than the map has give a
// prefix.
func (rt *runtime) key(pallet, name string, keys ...[]byte) (string, error) {
	it, ok := rt.items[pallet+"."+name]
	if !ok {
		return "", fmt.Errorf("%w: %s.%s", errUnknownItem, pallet, name)
	}
	if len(keys) > len(it.hashers) {
		return "", fmt.Errorf("storage %s.%s has %d keys, not %d", pallet, name, len(it.hashers), len(keys))
	}
	out := []byte(it.prefix)
	for i, k := range keys {
		if it.widths[i] >= 0 && len(k) != it.widths[i] {
			return "", fmt.Errorf("key %d of storage %s.%s takes %d bytes, not %d", i, pallet, name, it.widths[i], len(k))
		}
		switch it.hashers[i] {
		case metadata.Blake2_128Concat:
			out = append(out, blake128(k)...)
		case metadata.Twox64Concat:
			out = append(out, twox(string(k), 1)...)
		}
		out = append(out, k...)
	}
	return string(out), nil
}

// twox is the Twox hash of so many 64-bit words.
func twox(s string, words uint64) []byte {
	var out []byte
	for seed := range words {
		d := xxhash.NewWithSeed(seed)
		_, _ = d.WriteString(s)
		out = scale.AppendU64(out, d.Sum64())
	}
	return out
}

func blake128(b []byte) []byte {
	h, err := blake2b.New(16, nil)
	if err != nil {
		panic(err) // 16 is a length that BLAKE2b has
	}
	_, _ = h.Write(b)
	return h.Sum(nil)
}
