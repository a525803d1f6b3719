package metagraph

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bittensor-go/bt/internal/atomicfile"
)

var (
	// ErrNoState reports that nothing was saved for a network and netuid.
	ErrNoState = errors.New("no saved metagraph")
	// ErrBadState reports a file that is damaged or holds no metagraph of bt.
	ErrBadState = errors.New("not a saved metagraph of bt")
)

const (
	stateMode   fs.FileMode = 0o644 // what the chain says is no secret
	statePrefix             = "block"
	stateSuffix             = ".safetensors"
	// maxState limits what LoadFrom takes into memory. A full metagraph of 4096
	// neurons, each with 4096 weights and bonds, has 130 MB.
	maxState = 1 << 30
)

// SaveDir returns the folder for the saved metagraphs of a subnet below root,
// the folder of all metagraphs: network-<network>/netuid-<netuid>.
//
// What is no lower-case letter, digit, hyphen, underscore or dot in the network's
// name is written as % and two hexadecimal digits, so that a URL is one folder on
// every system and no two names share one; a long name is cut and gets its hash.
func SaveDir(root, network string, netuid uint16) string {
	return filepath.Join(root, "network-"+fileName(network), fmt.Sprintf("netuid-%d", netuid))
}

// dir is SaveDir, and below it a folder of its own for each mechanism but 0:
// mechanism<k>. (The Python SDK takes names with a hyphen for its own files.)
func (m *Metagraph) dir(root string) string {
	dir := SaveDir(root, m.Network, m.Netuid)
	if m.Mechanism != 0 {
		dir = filepath.Join(dir, fmt.Sprintf("mechanism%d", m.Mechanism))
	}
	return dir
}

func fileName(s string) string {
	const longest = 120
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.' && i < len(s)-1:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	if b.Len() <= longest {
		return b.String()
	}
	sum := sha256.Sum256([]byte(s))
	return fmt.Sprintf("%s~%x", b.String()[:longest-34], sum[:16])
}

// LatestBlockPath returns the file of the highest block in a folder of saved
// metagraphs. Names that Save does not give are passed over. The error wraps
// ErrNoState where there is none.
func LatestBlockPath(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("saved metagraphs: %w", err)
	}
	var newest string
	var highest uint64
	for _, e := range entries {
		block, ok := blockOf(e.Name())
		if ok && !e.IsDir() && (newest == "" || block > highest) {
			newest, highest = e.Name(), block
		}
	}
	if newest == "" {
		return "", fmt.Errorf("%w in %s: save one first", ErrNoState, dir)
	}
	return filepath.Join(dir, newest), nil
}

// blockOf returns the block that a file's name gives.
func blockOf(name string) (uint64, bool) {
	digits, isOurs := strings.CutPrefix(name, statePrefix)
	digits, isState := strings.CutSuffix(digits, stateSuffix)
	block, err := strconv.ParseUint(digits, 10, 64)
	return block, isOurs && isState && err == nil && digits == strconv.FormatUint(block, 10)
}

// Save writes the metagraph below root, the folder of all metagraphs, and returns
// the path: SaveDir and block<block>.safetensors, for another mechanism than 0
// in the folder mechanism<k> below SaveDir. (The Python SDK's loader reads
// a block from what stands behind a hyphen in any file's name there, and would
// unpickle the file; names without a hyphen it leaves alone.) An older file of
// that block is replaced.
//
// The file is in the safetensors format with the raw columns under the names of
// the SDK's attributes: ranks, trust, consensus, validator_trust, incentive,
// dividends and pruning_score U16 [n], emission, last_update and total_stake U64
// [n], hotkeys and coldkeys U8 [n, 32], weights and bonds in compressed rows
// (weights_starts U32 [n+1], weights_ids and weights_values U16) and so on.
// Identities and commitments, where they were read, are bytes of SCALE
// (identities_starts U32 [n+1], identities_data U8).
// Numbers about the whole are in its metadata.
func (m *Metagraph) Save(root string) (path string, err error) {
	path = filepath.Join(m.dir(root), fmt.Sprintf("%s%d%s", statePrefix, m.Block, stateSuffix))
	data, err := m.encode()
	if err != nil {
		return "", fmt.Errorf("%v cannot be saved: %w", m, err)
	}
	if err := atomicfile.Write(path, data, stateMode); err != nil {
		return "", fmt.Errorf("save %v: %w", m, err)
	}
	return path, nil
}

// Load replaces m by the saved metagraph of its network and netuid with the
// highest block. The error wraps ErrNoState where nothing was saved, and
// ErrBadState where that file cannot be used. Nothing changes where it fails.
func (m *Metagraph) Load(root string) error {
	path, err := LatestBlockPath(m.dir(root))
	if err != nil {
		return err
	}
	saved, err := LoadFrom(path)
	if err != nil {
		return err
	}
	if saved.Network != m.Network || saved.Netuid != m.Netuid || saved.Mechanism != m.Mechanism {
		return fmt.Errorf("%s: %w: it holds netuid %d, mechanism %d of network %q, not %d, %d of %q: was it moved?", path, ErrBadState,
			saved.Netuid, saved.Mechanism, saved.Network, m.Netuid, m.Mechanism, m.Network)
	}
	*m = *saved
	return nil
}

// LoadFrom reads a file that Save wrote. The error wraps ErrBadState where the
// file is damaged or another, fs.ErrNotExist where there is none.
func LoadFrom(path string) (*Metagraph, error) {
	data, err := readState(path)
	if err != nil {
		return nil, fmt.Errorf("load a metagraph: %w", err)
	}
	m, err := decodeState(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrBadState, err)
	}
	return m, nil
}

func readState(path string) (data []byte, err error) {
	// Looked at before it is opened: opening a pipe waits for its other end.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file: %w", path, ErrBadState)
	}
	if info.Size() > maxState {
		return nil, fmt.Errorf("%s has %d bytes, the limit is %d: %w", path, info.Size(), maxState, ErrBadState)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data = make([]byte, info.Size())
	if _, err = io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}
