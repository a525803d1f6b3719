package substrate

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/bittensor-go/bt/internal/atomicfile"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"golang.org/x/crypto/blake2b"
)

// Runtime is one runtime of a chain, shared by the states of all its blocks. It
// is safe for concurrent use and must not be changed.
type Runtime struct {
	CodeHash           Hash // BLAKE2b-256 of its code, which identifies it
	SpecName           string
	SpecVersion        uint32
	TransactionVersion uint32
	Metadata           *metadata.Metadata
	Codec              *codec.Codec // of Metadata.Types

	apis []string // identifiers as the node lists them, nil where it lists none
}

// EncodeCall returns an encoded call: the pallet's index, the call's index, and
// the arguments by the names that the metadata gives them.
func (r *Runtime) EncodeCall(pallet, call string, args map[string]any) ([]byte, error) {
	p, def, ok := r.Metadata.Call(pallet, call)
	if !ok {
		return nil, fmt.Errorf("%s has no call %s.%s", r, pallet, call)
	}
	enc, err := r.Codec.AppendFields([]byte{p.Index, def.Index}, def.Fields, args)
	if err != nil {
		return nil, fmt.Errorf("call %s.%s: %w", pallet, call, err)
	}
	return enc, nil
}

// LacksAPI reports whether the node lists the runtime's APIs and a name such as
// "NeuronInfoRuntimeApi" is not among them: then calls of its methods fail. Unlike
// metadata before version 15, the list is there for every runtime.
func (r *Runtime) LacksAPI(name string) bool {
	return r.apis != nil && !slices.Contains(r.apis, apiID(name))
}

// apiID is how a runtime API is listed: by the BLAKE2b hash of its name, of eight
// bytes.
func apiID(name string) string {
	sum, err := blake2b.New(8, nil)
	if err != nil {
		return "" // not for eight bytes without a key
	}
	sum.Write([]byte(name))
	return tohex(sum.Sum(nil))
}

// String names the runtime as people do.
func (r *Runtime) String() string { return fmt.Sprintf("runtime %s %d", r.SpecName, r.SpecVersion) }

// runtimeVersion is what state_getRuntimeVersion answers.
type runtimeVersion struct {
	SpecName           string               `json:"specName"`
	SpecVersion        uint32               `json:"specVersion"`
	TransactionVersion uint32               `json:"transactionVersion"`
	APIs               [][2]json.RawMessage `json:"apis"`
}

// identifiers returns the identifiers of the runtime's APIs.
func (v *runtimeVersion) identifiers() []string {
	var ids []string
	for _, api := range v.APIs {
		var id string
		if json.Unmarshal(api[0], &id) == nil {
			ids = append(ids, strings.ToLower(id))
		}
	}
	return ids
}

// metadataAPI identifies the runtime API Metadata: the first eight bytes of the
// name's BLAKE2b hash.
const metadataAPI = `"0x37e397fc7c91f5e4"`

// choosesMetadata reports whether the runtime can be asked for versions of its
// metadata (version 2 of the API).
func (v *runtimeVersion) choosesMetadata() bool {
	for _, api := range v.APIs {
		var version uint32
		if string(api[0]) == metadataAPI && json.Unmarshal(api[1], &version) == nil && version >= 2 {
			return true
		}
	}
	return false
}

// loadRuntime makes the runtime in the state of a block: its metadata from the
// cache folder, else from the node.
func (c *Client) loadRuntime(ctx context.Context, n uint64, block, code Hash, v *runtimeVersion) (*Runtime, error) {
	md := c.runtimes.read(code)
	if md == nil {
		raw, parsed, err := c.fetchMetadata(ctx, n, block, v)
		if err != nil {
			return nil, fmt.Errorf("runtime %s %d: %w", clip(v.SpecName), v.SpecVersion, err)
		}
		c.runtimes.write(code, raw)
		md = parsed
	}
	return &Runtime{
		CodeHash:           code,
		SpecName:           clip(v.SpecName),
		SpecVersion:        v.SpecVersion,
		TransactionVersion: v.TransactionVersion,
		Metadata:           md,
		Codec:              codec.New(md.Types),
		apis:               v.identifiers(),
	}, nil
}

// fetchMetadata returns the best metadata that a runtime gives: version 15, which
// names the types of runtime APIs, else 16, else 14.
func (c *Client) fetchMetadata(ctx context.Context, n uint64, block Hash, v *runtimeVersion) ([]byte, *metadata.Metadata, error) {
	if v.choosesMetadata() {
		for _, version := range []uint32{15, 16} {
			answer, err := c.conn.CallHex(ctx, "state_call", "Metadata_metadata_at_version", tohex(binary.LittleEndian.AppendUint32(nil, version)), block)
			if err != nil {
				return nil, nil, c.blockError(n, fmt.Sprintf("metadata version %d", version), err)
			}
			md, err := metadata.ParseAnswer(answer)
			switch {
			case err == nil:
				return answer, md, nil
			case !errors.Is(err, metadata.ErrNoVersion):
				return nil, nil, fmt.Errorf("block %d: metadata version %d: %w", n, version, err)
			}
		}
	}
	raw, err := c.conn.CallHex(ctx, "state_getMetadata", block)
	if err != nil {
		return nil, nil, c.blockError(n, "metadata", err)
	}
	md, err := metadata.Parse(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("block %d: metadata: %w", n, err)
	}
	return raw, md, nil
}

// maxRuntimes bounds how many runtimes are held in memory: one of Bittensor's
// takes some megabytes, and a walk through its history meets a hundred.
const maxRuntimes = 16

// runtimeCache holds runtimes by the hash of their code, in memory and, as
// metadata, in a folder.
type runtimeCache struct {
	dir string

	mu      sync.Mutex
	entries map[Hash]*runtimeEntry
	clock   uint64
}

// runtimeEntry is a runtime that is there or being loaded. What follows done is
// written before it is closed.
type runtimeEntry struct {
	used   uint64
	done   chan struct{}
	rt     *Runtime
	err    error
	gaveUp bool // err is because the loading caller's context ended
}

// get returns the runtime of a code hash and calls load where there is none. One
// caller loads, the others wait for it; where it fails only because it was
// cancelled, the next one loads.
func (c *runtimeCache) get(ctx context.Context, code Hash, load func(context.Context) (*Runtime, error)) (*Runtime, error) {
	for {
		c.mu.Lock()
		e, ok := c.entries[code]
		if !ok {
			e = &runtimeEntry{done: make(chan struct{})}
			c.evict()
			c.entries[code] = e
		}
		c.clock++
		e.used = c.clock
		c.mu.Unlock()
		if !ok {
			return c.load(ctx, code, e, load)
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !e.gaveUp {
			return e.rt, e.err
		}
	}
}

func (c *runtimeCache) load(ctx context.Context, code Hash, e *runtimeEntry, load func(context.Context) (*Runtime, error)) (*Runtime, error) {
	e.rt, e.err = load(ctx)
	if e.err != nil {
		e.gaveUp = ctx.Err() != nil
		c.mu.Lock()
		delete(c.entries, code)
		c.mu.Unlock()
	}
	close(e.done)
	return e.rt, e.err
}

// evict drops the runtime that was not used for the longest time where there are
// many. Those that are being loaded stay.
func (c *runtimeCache) evict() {
	for len(c.entries) >= maxRuntimes {
		var oldest *Hash
		for code, e := range c.entries {
			select {
			case <-e.done:
				if oldest == nil || e.used < c.entries[*oldest].used {
					oldest = &code
				}
			default:
			}
		}
		if oldest == nil {
			return
		}
		delete(c.entries, *oldest)
	}
}

// cacheFolder returns the folder of an endpoint's files below a cache folder, ""
// for none. That metadata belongs to the code whose hash it is filed under, the
// node alone says.
func cacheFolder(dir, endpoint string) string {
	if dir == "" {
		return ""
	}
	sum := blake2b.Sum256([]byte(endpoint))
	return filepath.Join(dir, hex.EncodeToString(sum[:8]))
}

// A file of the cache folder is the BLAKE2b-256 of what follows, and the metadata
// as the node gave it.

func (c *runtimeCache) path(code Hash) string {
	return filepath.Join(c.dir, hex.EncodeToString(code[:])+".metadata")
}

// maxCacheFile bounds a file that is read: metadata has the same limit.
const maxCacheFile = 64<<20 + 64

// read returns the metadata of a code hash, nil where the folder has no good file
// of it.
func (c *runtimeCache) read(code Hash) *metadata.Metadata {
	if c.dir == "" {
		return nil
	}
	info, err := os.Stat(c.path(code))
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxCacheFile {
		return nil
	}
	data, err := os.ReadFile(c.path(code))
	if err != nil || len(data) < blake2b.Size256 {
		return nil
	}
	if Hash(blake2b.Sum256(data[blake2b.Size256:])) != Hash(data) {
		return nil
	}
	md, err := parseAny(data[blake2b.Size256:])
	if err != nil {
		return nil
	}
	return md
}

// write keeps metadata in the folder. A cache that cannot be written is none: the
// next run asks the node again.
func (c *runtimeCache) write(code Hash, raw []byte) {
	if c.dir == "" {
		return
	}
	sum := blake2b.Sum256(raw)
	_ = atomicfile.Write(c.path(code), append(sum[:], raw...), 0o644)
}

// parseAny parses metadata as either kind of answer.
func parseAny(raw []byte) (*metadata.Metadata, error) {
	if len(raw) >= 4 && string(raw[:4]) == "meta" {
		return metadata.Parse(raw)
	}
	return metadata.ParseAnswer(raw)
}
