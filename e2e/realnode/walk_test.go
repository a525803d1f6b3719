package realnode

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/sha3"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// walked is a runtime that walks are made on.
type walked struct {
	name   string
	little bool   // how seals are read
	head   uint64 // when it is served without a clock
}

// runtimes are those of the walks: answers typed and seals read little-endian on
// one, answers wrapped in bytes and seals read big-endian on the other.
var runtimes = []walked{
	{"293-aura", true, 4_200_005},
	{"218-raonet", false, 4_200_005},
}

// registrable are those on which a hotkey is registered: beside the walks' runtimes
// 119, whose pallet lay elsewhere and which lets anyone sign.
var registrable = append(slices.Clone(runtimes), walked{name: "119-mock"})

// neuron is a neuron as bt prints it, by the names of the chain.
type neuron struct {
	UID            uint16 `json:"uid"`
	Hotkey         string `json:"hotkey"`
	Coldkey        string `json:"coldkey"`
	Active         bool   `json:"active"`
	Permit         bool   `json:"validator_permit"`
	Stake          uint64 `json:"stake_rao"`
	Emission       uint64 `json:"emission_rao"`
	Rank           uint16 `json:"rank_u16"`
	Trust          uint16 `json:"trust_u16"`
	Consensus      uint16 `json:"consensus_u16"`
	Incentive      uint16 `json:"incentive_u16"`
	Dividends      uint16 `json:"dividends_u16"`
	ValidatorTrust uint16 `json:"validator_trust_u16"`
	PruningScore   uint16 `json:"pruning_score"`
	LastUpdate     uint64 `json:"last_update"`
	Axon           axon   `json:"axon"`
}

type axon struct {
	Port     uint16 `json:"port"`
	IPType   uint8  `json:"ip_type"`
	Protocol uint8  `json:"protocol"`
	Version  uint32 `json:"version"`
	Block    uint64 `json:"block"`
}

type row struct {
	UID     uint16  `json:"uid"`
	Entries []entry `json:"entries"`
}

type entry struct {
	UID   uint16 `json:"uid"`
	Value uint16 `json:"value"`
}

type printed struct {
	N       int      `json:"n"`
	Block   uint64   `json:"block"`
	Lite    bool     `json:"lite"`
	Neurons []neuron `json:"neurons"`
	Weights []row    `json:"weights"`
	Bonds   []row    `json:"bonds"`
}

// want reads the neurons that an independent implementation decoded. The lite
// answer is one of its own: on 218 its stake is another than the full one's.
func want(t *testing.T, runtime string, full bool) (neurons []neuron, weights, bonds []row) {
	t.Helper()
	var decoded []struct {
		Hotkey, Coldkey string
		UID             uint16
		Active          bool
		Axon            struct {
			Block    json.Number
			Version  uint32
			Port     uint16
			IPType   uint8 `json:"ip_type"`
			Protocol uint8
		} `json:"axon_info"`
		Stake          [][2]json.RawMessage
		Rank           uint16
		Emission       json.Number
		Incentive      uint16
		Consensus      uint16
		Trust          uint16
		ValidatorTrust uint16 `json:"validator_trust"`
		Dividends      uint16
		LastUpdate     json.Number `json:"last_update"`
		Permit         bool        `json:"validator_permit"`
		PruningScore   uint16      `json:"pruning_score"`
		Weights, Bonds [][2]uint16
	}
	file := "get_neurons_lite"
	if full {
		file = "get_neurons"
	}
	vectors.JSON(t, runtime+"/state_call/"+file+".netuid1.expected.json.gz", &decoded)
	for _, d := range decoded {
		n := neuron{
			UID: d.UID, Hotkey: d.Hotkey, Coldkey: d.Coldkey, Active: d.Active, Permit: d.Permit, Emission: number(t, d.Emission),
			Rank: d.Rank, Trust: d.Trust, Consensus: d.Consensus, Incentive: d.Incentive, Dividends: d.Dividends,
			ValidatorTrust: d.ValidatorTrust, PruningScore: d.PruningScore, LastUpdate: number(t, d.LastUpdate),
			Axon: axon{d.Axon.Port, d.Axon.IPType, d.Axon.Protocol, d.Axon.Version, number(t, d.Axon.Block)},
		}
		for _, s := range d.Stake {
			n.Stake += number(t, json.Number(strings.Trim(string(s[1]), `"`)))
		}
		neurons = append(neurons, n)
		weights = appendRow(weights, d.UID, d.Weights)
		bonds = appendRow(bonds, d.UID, d.Bonds)
	}
	// Where subnets have alpha of their own, the stake that counts is a column of the
	// subnet's state.
	var state struct {
		TotalStake []json.Number `json:"total_stake"`
	}
	file = filepath.Join(vectors.Dir(t), runtime, "state_call", "get_subnet_state.netuid1.expected.json.gz")
	if _, err := os.Stat(file); err == nil {
		vectors.JSON(t, file, &state)
		for i := range neurons {
			neurons[i].Stake = number(t, state.TotalStake[i])
		}
	}
	if len(neurons) != 64 || (len(weights) == 0 || len(bonds) == 0) == full {
		t.Fatalf("%s: %d neurons, %d rows of weights, %d of bonds in the vectors", runtime, len(neurons), len(weights), len(bonds))
	}
	return neurons, weights, bonds
}

func appendRow(rows []row, uid uint16, pairs [][2]uint16) []row {
	if len(pairs) == 0 {
		return rows
	}
	r := row{UID: uid}
	for _, p := range pairs {
		r.Entries = append(r.Entries, entry{p[0], p[1]})
	}
	return append(rows, r)
}

func number(t *testing.T, n json.Number) uint64 {
	t.Helper()
	v, ok := new(big.Int).SetString(n.String(), 10)
	if !ok || !v.IsUint64() {
		t.Fatalf("%q is no number", n)
	}
	return v.Uint64()
}

// run runs bt with a home and returns what it printed.
type run func(t *testing.T, home string, args ...string) []byte

// checkMetagraph reads the subnet of 64 neurons at a block, lite and full, and
// finds the values that an independent implementation found.
func checkMetagraph(t *testing.T, bt run, runtime, url string, block uint64, home string) {
	t.Helper()
	for _, full := range []bool{false, true} {
		neurons, weights, bonds := want(t, runtime, full)
		var got printed
		unmarshal(t, bt(t, home, "metagraph", "--netuid", "1", "--network", url, fmt.Sprintf("--lite=%v", !full), "--json"), &got)
		if got.N != 64 || got.Block != block || got.Lite == full {
			t.Errorf("n %d at block %d, lite %v", got.N, got.Block, got.Lite)
		}
		if d := cmp.Diff(neurons, got.Neurons); d != "" {
			t.Errorf("neurons (-want +got):\n%s", d)
		}
		if !full {
			continue
		}
		if d := cmp.Diff(weights, got.Weights); d != "" {
			t.Errorf("weights (-want +got):\n%s", d)
		}
		if d := cmp.Diff(bonds, got.Bonds); d != "" {
			t.Errorf("bonds (-want +got):\n%s", d)
		}
		t.Logf("%s, block %d: lite and full, 64 neurons, %d rows of weights and %d of bonds as in the vectors", runtime, got.Block, len(weights), len(bonds))
	}
}

// checkRegister registers the hotkey of the wallet "e2e" by real work and computes
// its seal anew: it meets the difficulty in the byte order of that runtime. It
// returns the uid.
func checkRegister(t *testing.T, bt run, runtime string, little bool, url, home string) uint16 {
	t.Helper()
	var done struct {
		UID           uint16 `json:"uid"`
		Hotkey        string `json:"hotkey"`
		Block         uint64 `json:"block"`
		WorkBlock     uint64 `json:"work_block"`
		WorkBlockHash string `json:"work_block_hash"`
		Difficulty    uint64 `json:"difficulty"`
		Nonce         uint64 `json:"nonce"`
		Seal          string `json:"seal"`
		Call          string `json:"call"`
	}
	unmarshal(t, bt(t, home, "register", "--netuid", "1", "--wallet-name", "e2e", "--wallet-hotkey", "miner", "--network", url, "--json"), &done)
	if done.Call != "register" || done.Difficulty != 10000 || done.Block <= done.WorkBlock {
		t.Errorf("%+v", done)
	}
	if done.Hotkey != hotkey {
		t.Errorf("hotkey %s, want %s", done.Hotkey, hotkey)
	}
	account, err := ss58.Parse(hotkey)
	if err != nil {
		t.Fatal(err)
	}
	seal := classicSeal(t, done.WorkBlockHash, account, done.Nonce)
	if got := "0x" + hex.EncodeToString(seal); got != done.Seal {
		t.Errorf("seal %s, computed %s", done.Seal, got)
	}
	reading := "big-endian"
	if little {
		reading = "little-endian"
		slices.Reverse(seal)
	}
	product := new(big.Int).Mul(new(big.Int).SetBytes(seal), new(big.Int).SetUint64(done.Difficulty))
	if product.BitLen() > 256 {
		t.Errorf("the seal %s, read %s, does not meet difficulty %d", done.Seal, reading, done.Difficulty)
	}
	t.Logf("%s: registered as uid %d in block %d, work of block %d, nonce %d, seal %s read %s",
		runtime, done.UID, done.Block, done.WorkBlock, done.Nonce, done.Seal, reading)
	return done.UID
}

// classicSeal is keccak256(sha256(nonce little-endian + keccak256(block + hotkey))).
func classicSeal(t *testing.T, block string, hotkey ss58.AccountID, nonce uint64) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(block, "0x"))
	if err != nil || len(b) != 32 {
		t.Fatalf("%q is no hash: %v", block, err)
	}
	inner := sha3.NewLegacyKeccak256()
	inner.Write(b)
	inner.Write(hotkey[:])
	sum := sha256.Sum256(inner.Sum(binary.LittleEndian.AppendUint64(nil, nonce)))
	outer := sha3.NewLegacyKeccak256()
	outer.Write(sum[:])
	return outer.Sum(nil)
}

func unmarshal(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
}
