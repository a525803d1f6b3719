package metagraph_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/metagraph"
)

const finneyGenesis = "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03"

// withoutAPI is a block of runtime 143, which has no API that lists neurons. It has
// subnets of 64 and 256 neurons; each hotkey has so many nominators.
func withoutAPI(t *testing.T, number uint64, nominators byte) *block {
	t.Helper()
	const dir = "143-finney"
	b := &block{t: t, methods: map[string]bool{}, more: map[string]string{}, stored: map[string]string{}}
	var meta struct {
		Spec json.RawMessage `json:"spec"`
	}
	vectors.JSON(t, dir+"/meta.json", &meta)
	b.version, b.v14 = meta.Spec, text(vectors.Read(t, dir+"/metadata_v14.scale.gz"))
	sum := blake2b.Sum256([]byte(dir))
	b.code = text(sum[:])
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), dir, "storage", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var hotkeys []string
	for _, file := range files {
		var table struct{ Rows []stored }
		if name := filepath.Base(file); strings.HasPrefix(name, "vectors.") {
			vectors.JSON(t, file, &table.Rows)
		} else if vectors.JSON(t, file, &table); strings.HasPrefix(name, "Keys.") {
			for _, row := range table.Rows {
				hotkeys = append(hotkeys, strings.TrimPrefix(row.Value, "0x"))
			}
		}
		for _, row := range table.Rows {
			b.stored[row.Key] = row.Value
		}
	}
	// Stake: Blake2_128Concat of the hotkey, Identity of the coldkey.
	stake := append(twox128("SubtensorModule"), twox128("Stake")...)
	for _, hotkey := range hotkeys {
		account, errHex := hex.DecodeString(hotkey)
		h, errHash := blake2b.New(16, nil)
		if err := errors.Join(errHex, errHash); err != nil {
			t.Fatal(err)
		}
		h.Write(account)
		for i := range nominators {
			coldkey := filled(i)
			b.stored[text(stake)+fmt.Sprintf("%x%x%x", h.Sum(nil), account, coldkey[:])] = text(binary.LittleEndian.AppendUint64(nil, 1000+uint64(i)))
		}
	}
	b.number(number)
	return b
}

// chain starts a node with the genesis block of a chain.
func chain(t *testing.T, genesis string, blocks ...*block) *node {
	t.Helper()
	n := serve(t, blocks...)
	n.override = func(r request) (any, *fault) {
		if r.Method == "chain_getBlockHash" && string(r.Params[0]) == "0" {
			return genesis, nil
		}
		return nil, nil
	}
	return n
}

// By storage it takes four trips, once a block of the runtime was read: the block;
// its runtime and the hotkeys; the columns, what is kept for each neuron, and the
// lists of nominators; their stakes.
func TestSyncStoredTrips(t *testing.T) {
	const first, head = 4_200_000, 4_200_500
	between := uint64(4_200_100)
	// Beyond the runtime, the call is tried where it is not sure that it is not there.
	const atHead, byNumber, sure = 2 + 4, 3 + 4, 3 + 3
	// Values of 256 neurons, without and with rows, take two requests.
	const values, lists = 2, 256
	for _, c := range []struct {
		name       string
		opts       metagraph.Options
		met        []uint64 // what was read before
		nominators byte
		trips      []int
	}{
		{"head", metagraph.Options{}, nil, 2, []int{1, atHead, values + lists, 1}},
		{"head, full", metagraph.Options{Full: true}, nil, 2, []int{1, atHead, values + lists, 1}},
		{"by number", metagraph.Options{Block: &between}, nil, 2, []int{2, byNumber, values + lists, 1}},
		{"by number, full", metagraph.Options{Block: &between, Full: true}, nil, 2, []int{2, byNumber, values + lists, 1}},
		{"between", metagraph.Options{Block: &between}, []uint64{first}, 2, []int{2, sure, values + lists, 1}},
		{"commitments", metagraph.Options{Commitments: true}, nil, 2, []int{1, atHead + 2, values + lists, 1}},
		{"no nominators", metagraph.Options{}, nil, 0, []int{1, atHead, values + lists}},
	} {
		t.Run(c.name, func(t *testing.T) {
			blocks := []*block{withoutAPI(t, first, c.nominators), withoutAPI(t, between, c.nominators), withoutAPI(t, head, c.nominators)}
			gate := nodetest.NewGate(t, serve(t, blocks...).URL())
			client := dial(t, gate.URL(), "")
			client.OnArchive = func(uint64) { t.Error("an archive node is asked") }
			for _, n := range c.met {
				if _, err := client.AtNumber(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
			var m *metagraph.Metagraph
			var err error
			gate.Trips(func() { m, err = metagraph.Sync(t.Context(), client, 12, c.opts) }, c.trips...)
			if err != nil || m.N() != 256 {
				t.Fatalf("%v, %v", m, err)
			}
			want := uint64(c.nominators) * 1000
			if c.nominators == 2 {
				want++ // the second has a rao more
			}
			if got := m.TotalStake[255]; got != want {
				t.Errorf("stake %v, want %v", got, want)
			}
			if rows := m.Weights.Rows() > 0; rows != c.opts.Full {
				t.Errorf("weights: %v", rows)
			}
		})
	}
}

// The same from an archive node: it knows what the client knows.
func TestSyncStoredArchive(t *testing.T) {
	old, older := withoutAPI(t, 2_700_000, 1), withoutAPI(t, 2_600_000, 1)
	newest := answers(t, "475-backport")
	newest.number(9_300_000)
	gate := nodetest.NewGate(t, serve(t, older, old, newest).URL())
	client := dial(t, serve(t, newest).URL(), gate.URL())
	if _, err := client.AtNumber(t.Context(), older.Block); err != nil {
		t.Fatal(err)
	}
	var m *metagraph.Metagraph
	var err error
	// 2,700,000 is nearer to 2,600,000 than to the head.
	gate.Trips(func() {
		m, err = metagraph.Sync(t.Context(), client, 12, metagraph.Options{Block: &old.Block, Full: true})
	}, 2, 3+4, 2+256, 1)
	if err != nil || m.N() != 256 || m.Block != old.Block {
		t.Fatalf("%v, %v", m, err)
	}
}

// Where nothing near is known, the main network's blocks of that time are asked
// both ways: then the metadata is all that is more. A guess that is wrong costs a
// trip or an answer, never more.
func TestSyncGuess(t *testing.T) {
	for _, c := range []struct {
		name    string
		genesis string
		met     *block // besides the head
		read    *block
		trips   []int
	}{
		{"main network", finneyGenesis, nil, withoutAPI(t, 2_700_000, 1), []int{2, 3 + 4, 1, 2 + 256, 1}},
		{"other network", text(make([]byte, 32)), nil, withoutAPI(t, 2_700_000, 1), []int{2, 3 + 2, 1, 1 + 1, 2 + 256, 1}},
		{"API near, storage met", finneyGenesis, numbered(t, "119-mock", 3_700_000), withoutAPI(t, 3_600_000, 1), []int{2, 3 + 2, 1, 1 + 1, 2 + 256, 1}},
		{"storage near, API met", finneyGenesis, withoutAPI(t, 3_700_000, 1), numbered(t, "119-mock", 3_600_000), []int{2, 3 + 4, 1}},
		{"API of that time", finneyGenesis, nil, numbered(t, "119-mock", 2_700_000), []int{2, 3 + 4, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			blocks := []*block{c.read, numbered(t, "475-backport", 9_300_000)}
			if c.met != nil {
				blocks = append([]*block{c.met}, blocks...)
			}
			gate := nodetest.NewGate(t, chain(t, c.genesis, blocks...).URL())
			client := dial(t, gate.URL(), gate.URL())
			if c.met != nil {
				if _, err := client.AtNumber(t.Context(), c.met.Block); err != nil {
					t.Fatal(err)
				}
			}
			var m *metagraph.Metagraph
			var err error
			gate.Trips(func() {
				m, err = metagraph.Sync(t.Context(), client, 12, metagraph.Options{Block: &c.read.Block})
			}, c.trips...)
			if err != nil || m.N() != 256 {
				t.Fatalf("%v, %v", m, err)
			}
		})
	}
}

// numbered is a block of a runtime that has the API.
func numbered(t *testing.T, dir string, number uint64) *block {
	t.Helper()
	b := answers(t, dir)
	b.number(number)
	return b
}

// However many subnets are read by storage at a time, the client as a whole has
// no more than 320 requests under way.
func TestRequestsUnderWay(t *testing.T) {
	const most = 320
	b := withoutAPI(t, 4_200_000, 1)
	n := serve(t, b)
	client := dial(t, n.URL(), "")
	s, err := client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var now, peak atomic.Int32
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	n.override = func(r request) (any, *fault) {
		if r.Method != "state_queryStorageAt" && r.Method != "state_getKeysPaged" {
			return nil, nil
		}
		under := now.Add(1)
		defer now.Add(-1)
		for {
			if p := peak.Load(); under <= p || peak.CompareAndSwap(p, under) {
				break
			}
		}
		if under >= most {
			once.Do(func() { close(reached) })
		}
		// The first requests of each subnet are few.
		if strings.HasPrefix(r.word(0), text(append(twox128("SubtensorModule"), twox128("Stake")...))) {
			<-release
		}
		return nil, nil
	}
	go func() {
		select {
		case <-reached:
		case <-t.Context().Done():
		}
		// What would be sent beyond is sent before these trips are over.
		for range 3 {
			if _, err := client.Head(t.Context()); err != nil {
				t.Error(err)
			}
		}
		close(release)
	}()
	read := 0
	for m, err := range metagraph.SyncAllAt(t.Context(), s, metagraph.Options{}, 12, 12, 12, 12) {
		if err != nil || m.N() != 256 {
			t.Fatalf("%v, %v", m, err)
		}
		read++
	}
	if p := peak.Load(); p != most || read != 4 {
		t.Errorf("%d requests at a time, %d subnets", p, read)
	}
}
