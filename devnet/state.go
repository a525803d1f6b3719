package devnet

import (
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
	"sort"
	"strings"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/substrate/scale"
)

type hash [32]byte

// keptStates is how many blocks back a state can still be read.
const keptStates = 4096

// store holds every value of the last blocks: for each key the blocks at which
// it changed.
type store struct {
	values map[string][]version
	keys   []string // of values, in order
	head   uint32
	sum    sum256 // the root of the head's state
}

// version is a value from a block on; nil where it was removed.
type version struct {
	block uint32
	value []byte
}

func newStore() *store { return &store{values: map[string][]version{}} }

// oldest returns the first block whose state is kept.
func (s *store) oldest() uint32 {
	if s.head < keptStates {
		return 0
	}
	return s.head - keptStates + 1
}

func (s *store) get(key string, block uint32) []byte {
	vs := s.values[key]
	for i := len(vs) - 1; i >= 0; i-- { // most questions are about the newest states
		if vs[i].block <= block {
			return vs[i].value
		}
	}
	return nil
}

// keysAt returns at most limit keys that begin with prefix and come after the
// key after; a negative limit means all.
func (s *store) keysAt(prefix, after string, block uint32, limit int) []string {
	var out []string
	i := sort.SearchStrings(s.keys, max(prefix, after))
	for ; i < len(s.keys) && limit != 0; i++ {
		k := s.keys[i]
		if !strings.HasPrefix(k, prefix) {
			break
		}
		if k == after || s.get(k, block) == nil {
			continue
		}
		out = append(out, k)
		limit--
	}
	return out
}

// commit makes the writes the state of a block, the next one.
func (s *store) commit(block uint32, writes map[string][]byte) {
	was := s.head
	s.head = block
	for _, k := range slices.Sorted(maps.Keys(writes)) {
		vs, known := s.values[k]
		s.sum.change(pairHash(k, s.get(k, was)), pairHash(k, writes[k]))
		if !known {
			if writes[k] == nil {
				continue
			}
			i := sort.SearchStrings(s.keys, k)
			s.keys = slices.Insert(s.keys, i, k)
		}
		s.values[k] = append(vs, version{block, writes[k]})
	}
	if block%256 == 0 {
		s.forget()
	}
}

// forget drops what no kept state shows.
func (s *store) forget() {
	first := s.oldest()
	s.keys = slices.DeleteFunc(s.keys, func(k string) bool {
		vs := s.values[k]
		i := 0
		for i+1 < len(vs) && vs[i+1].block <= first {
			i++
		}
		if i > 0 {
			vs = slices.Clone(vs[i:])
			s.values[k] = vs
		}
		if len(vs) == 1 && vs[0].value == nil && vs[0].block <= first {
			delete(s.values, k)
			return true
		}
		return false
	})
}

// root returns the root of the head's state with writes over it: the sum, modulo
// 2^256, of the BLAKE2b-256 hashes of all keys with their values, each pair as
// two SCALE byte strings. It changes with what is written alone.
func (s *store) root(writes map[string][]byte) hash {
	sum := s.sum
	for k, v := range writes {
		sum.change(pairHash(k, s.get(k, s.head)), pairHash(k, v))
	}
	return sum.bytes()
}

// sum256 is a 256-bit number in words, the lowest first.
type sum256 [4]uint64

// change takes one number off and adds another.
func (s *sum256) change(off, add sum256) {
	var borrow, carry uint64
	for i := range s {
		s[i], borrow = bits.Sub64(s[i], off[i], borrow)
	}
	for i := range s {
		s[i], carry = bits.Add64(s[i], add[i], carry)
	}
}

func (s *sum256) bytes() (h hash) {
	for i, w := range s {
		binary.LittleEndian.PutUint64(h[8*i:], w)
	}
	return h
}

// pairHash is what a value adds to the root, zero for none.
func pairHash(key string, value []byte) (s sum256) {
	if value == nil {
		return s
	}
	h := blake2b.Sum256(scale.AppendByteString(scale.AppendByteString(nil, key), value))
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(h[8*i:])
	}
	return s
}

// reader is a state that can be read.
type reader interface {
	get(key string) []byte
	keys(prefix string) []string
}

// snapshot is the state after a block.
type snapshot struct {
	s     *store
	block uint32
}

func (s snapshot) get(key string) []byte       { return s.s.get(key, s.block) }
func (s snapshot) keys(prefix string) []string { return s.s.keysAt(prefix, "", s.block, -1) }

// overlay is a state with changes over another.
type overlay struct {
	base   reader
	writes map[string][]byte
}

func newOverlay(base reader) *overlay { return &overlay{base, map[string][]byte{}} }

func (o *overlay) get(key string) []byte {
	if v, ok := o.writes[key]; ok {
		return v
	}
	return o.base.get(key)
}

func (o *overlay) keys(prefix string) []string {
	seen := map[string]bool{}
	for _, k := range o.base.keys(prefix) {
		seen[k] = true
	}
	for k, v := range o.writes {
		if strings.HasPrefix(k, prefix) {
			seen[k] = v != nil
		}
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(seen)) {
		if seen[k] {
			out = append(out, k)
		}
	}
	return out
}

// set writes a value; nil removes it. A value of no bytes is kept apart from
// none.
func (o *overlay) set(key string, value []byte) { o.writes[key] = value }

// merge takes the changes of an overlay over o.
func (o *overlay) merge(over *overlay) { maps.Copy(o.writes, over.writes) }
