package substrate

import (
	"encoding/binary"
	"fmt"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/cespare/xxhash/v2"
	"golang.org/x/crypto/blake2b"
)

// StorageKey returns where a value lies in storage. Keys are those of a map, in
// order; fewer than the map has give the prefix of all that begin with them, and
// none that of the whole map.
func (r *Runtime) StorageKey(pallet, item string, keys ...any) ([]byte, error) {
	p, entry, err := r.entry(pallet, item)
	if err != nil {
		return nil, err
	}
	types, err := r.keyTypes(entry)
	if err != nil {
		return nil, fmt.Errorf("storage %s.%s: %w", pallet, item, err)
	}
	if len(keys) > len(types) {
		return nil, fmt.Errorf("storage %s.%s has %d keys, not %d", pallet, item, len(types), len(keys))
	}
	enc := StoragePrefix(p.Prefix, entry.Name)
	for i, key := range keys {
		raw, err := r.Codec.Append(nil, types[i], key)
		if err != nil {
			return nil, fmt.Errorf("storage %s.%s: key %d: %w", pallet, item, i, err)
		}
		if enc, err = appendHashed(enc, entry.Hashers[i], raw); err != nil {
			return nil, fmt.Errorf("storage %s.%s: key %d: %w", pallet, item, i, err)
		}
	}
	return enc, nil
}

// StoragePrefix returns the prefix of all keys of a storage item, which is the
// same under every runtime. The pallet's prefix is mostly its name.
func StoragePrefix(pallet, item string) []byte {
	return twox(twox(make([]byte, 0, 128), []byte(pallet), 2), []byte(item), 2)
}

func (r *Runtime) entry(pallet, item string) (*metadata.Pallet, *metadata.StorageEntry, error) {
	p, ok := r.Metadata.Pallet(pallet)
	if !ok {
		return nil, nil, fmt.Errorf("%s has no pallet %s", r, pallet)
	}
	entry, ok := p.Entry(item)
	if !ok {
		return nil, nil, fmt.Errorf("%s has no storage %s.%s", r, pallet, item)
	}
	return p, entry, nil
}

// keyTypes returns the type of each key of a map.
func (r *Runtime) keyTypes(entry *metadata.StorageEntry) ([]metadata.TypeID, error) {
	switch len(entry.Hashers) {
	case 0:
		return nil, nil
	case 1:
		return []metadata.TypeID{entry.Key}, nil
	}
	t := r.Metadata.Types.Type(entry.Key)
	if t == nil || t.Kind != metadata.Tuple || len(t.Items) != len(entry.Hashers) {
		return nil, fmt.Errorf("the metadata gives %d hashers, but no tuple of as many keys", len(entry.Hashers))
	}
	return t.Items, nil
}

func appendHashed(dst []byte, h metadata.Hasher, raw []byte) ([]byte, error) {
	switch h {
	case metadata.Blake2_128, metadata.Blake2_128Concat:
		sum, err := blake2b.New(16, nil)
		if err != nil {
			return nil, err
		}
		sum.Write(raw)
		dst = sum.Sum(dst)
	case metadata.Blake2_256:
		sum := blake2b.Sum256(raw)
		dst = append(dst, sum[:]...)
	case metadata.Twox128:
		dst = twox(dst, raw, 2)
	case metadata.Twox256:
		dst = twox(dst, raw, 4)
	case metadata.Twox64Concat:
		dst = twox(dst, raw, 1)
	case metadata.Identity:
	default:
		return nil, fmt.Errorf("hasher %d is not known", h)
	}
	switch h {
	case metadata.Blake2_128Concat, metadata.Twox64Concat, metadata.Identity:
		dst = append(dst, raw...)
	}
	return dst, nil
}

// twox appends words 64-bit words of xxHash, each with its position as seed.
func twox(dst, raw []byte, words int) []byte {
	for seed := range words {
		d := xxhash.NewWithSeed(uint64(seed))
		_, _ = d.Write(raw)
		dst = binary.LittleEndian.AppendUint64(dst, d.Sum64())
	}
	return dst
}
