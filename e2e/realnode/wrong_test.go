//go:build realnode

package realnode

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// wrong is a client whose node is about to be asked for what it would refuse.
type wrong struct {
	t               *testing.T
	client          *subtensor.Client
	node            *rpc.Conn // the node itself, whose storage can be written
	little          bool
	hotkey, coldkey ss58.AccountID
}

func wrongKey(t *testing.T, name string) ss58.AccountID {
	t.Helper()
	return wrongPair(t, name).Account()
}

func wrongPair(t *testing.T, name string) *keypair.Pair {
	t.Helper()
	seed := blake2b.Sum256([]byte("bt e2e wrong " + name))
	pair, err := keypair.FromSeed(keypair.Sr25519, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func (w *wrong) head() *subtensor.State {
	w.t.Helper()
	s, err := w.client.AtHead(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// set writes a value of SubtensorModule for as long as the case lasts.
func (w *wrong) set(value []byte, item string, keys ...any) {
	w.t.Helper()
	key, err := w.head().Runtime.StorageKey("SubtensorModule", item, keys...)
	if err != nil {
		w.t.Fatal(err)
	}
	k := "0x" + hex.EncodeToString(key)
	var was *string
	w.call(&was, "state_getStorage", k)
	is := "0x" + hex.EncodeToString(value)
	var at string
	w.call(&at, "dev_setStorage", [][2]*string{{&k, &is}})
	w.t.Cleanup(func() {
		if _, err := w.node.Call(context.WithoutCancel(w.t.Context()), "dev_setStorage", [][2]*string{{&k, was}}); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *wrong) call(v any, method string, params ...any) {
	w.t.Helper()
	raw, err := w.node.Call(w.t.Context(), method, params...)
	if err != nil {
		w.t.Fatal(err)
	}
	unmarshal(w.t, raw, v)
}

// register runs a registration as bt register does and returns why it ends before
// a key is asked for, or why it waits with the key in hand.
func (w *wrong) register(netuid uint16) error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	var waits error
	asked := false
	_, err := registration.Register(ctx, w.client, netuid, registration.Keys{
		Hotkey: w.hotkey, Coldkey: w.coldkey,
		Signer: func(subtensor.Signer) (substrate.Signer, error) {
			asked = true
			return wrongPair(w.t, "hotkey"), nil
		},
	}, registration.Options{Progress: func(p registration.Progress) {
		if p.Phase != registration.Waiting {
			w.t.Errorf("it is %v", p.Phase)
		}
		if p.Err != nil {
			waits = p.Err
			cancel()
		}
	}})
	switch {
	case waits != nil:
		return waits
	case asked:
		w.t.Error("a key was asked for")
	}
	return err
}

// proof is what a proof is made of; a case changes it.
type proof struct {
	hotkey, signer ss58.AccountID
	block          uint64 // that the call names
	hash           [32]byte
	seal           func(nonce uint64) []byte
	wanted         func(seal []byte) bool
	shift          uint64 // added to the nonce afterwards
	boundary       bool   // the subnet asks for the least difficulty that the seal does not meet
}

// meets reports whether a seal, read in a byte order, meets a difficulty.
func meets(seal []byte, little bool, difficulty uint64) bool {
	v := slices.Clone(seal)
	if little {
		slices.Reverse(v)
	}
	return new(big.Int).Mul(new(big.Int).SetBytes(v), new(big.Int).SetUint64(difficulty)).BitLen() <= 256
}

// check makes a proof for netuid 1 on top of the head, as a change wants it, and
// returns what the client says of it.
func (w *wrong) check(change func(p *proof, head *subtensor.State, difficulty uint64)) error {
	w.t.Helper()
	s := w.head()
	terms, err := s.RegistrationTerms(w.t.Context(), 1, w.hotkey, w.coldkey)
	if err != nil {
		w.t.Fatal(err)
	}
	p := proof{hotkey: w.hotkey, signer: w.hotkey, block: s.Number, hash: s.Hash}
	p.wanted = func(seal []byte) bool { return meets(seal, w.little, terms.Difficulty) }
	change(&p, s, terms.Difficulty)
	if p.seal == nil {
		p.seal = func(nonce uint64) []byte { return classicSeal(w.t, hex.EncodeToString(p.hash[:]), p.hotkey, nonce) }
	}
	nonce := uint64(0)
	seal := p.seal(nonce)
	for ; !p.wanted(seal); seal = p.seal(nonce) {
		nonce++
	}
	if p.boundary {
		v := slices.Clone(seal)
		if w.little {
			slices.Reverse(v)
		}
		top := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
		most := top.Div(top, new(big.Int).SetBytes(v)).Uint64()
		w.set(binary.LittleEndian.AppendUint64(nil, most), "Difficulty", uint16(1))
		if err := w.verdict(p, pow.Solution{Work: pow.Work{Block: p.block}, Nonce: nonce, Seal: pow.Seal(seal)}); err != nil {
			w.t.Errorf("at difficulty %d, which the seal meets: %v", most, err)
		}
		w.set(binary.LittleEndian.AppendUint64(nil, most+1), "Difficulty", uint16(1))
	}
	return w.verdict(p, pow.Solution{Work: pow.Work{Block: p.block}, Nonce: nonce + p.shift, Seal: pow.Seal(seal)})
}

// verdict is what the client says of a proof, by the terms at the head and the
// chain's hash of the block that it names.
func (w *wrong) verdict(p proof, solution pow.Solution) error {
	w.t.Helper()
	s := w.head()
	terms, err := s.RegistrationTerms(w.t.Context(), 1, w.hotkey, w.coldkey)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Schema().CheckProof(terms, p.signer, w.hash(p.block), solution)
}

// hash is the chain's hash of a block, zeros for one that is yet to come.
func (w *wrong) hash(block uint64) (h substrate.Hash) {
	w.t.Helper()
	var text *string
	if w.call(&text, "chain_getBlockHash", block); text == nil {
		return h
	}
	b, err := hex.DecodeString(strings.TrimPrefix(*text, "0x"))
	if err != nil || len(b) != len(h) {
		w.t.Fatalf("hash %q of block %d: %v", *text, block, err)
	}
	return substrate.Hash(b)
}

// uid1 is a uid.
var uid1 = []byte{1, 0}

// wrongCases are the cases of POW_RESULTS.md that one of the runtimes refuses, by
// the name they have there: what the client says to them.
var wrongCases = map[string]func(w *wrong) error{
	"netuid 999 (absent)":           func(w *wrong) error { return w.register(999) },
	"netuid 0":                      func(w *wrong) error { return w.register(0) },
	"registered hotkey, fresh work": func(w *wrong) error { w.set(uid1, "Uids", uint16(1), w.hotkey); return w.register(1) },
	"same hotkey again, same work":  func(w *wrong) error { w.set(uid1, "Uids", uint16(1), w.hotkey); return w.register(1) },
	"hotkey owned by other coldkey": func(w *wrong) error {
		other := wrongKey(w.t, "other")
		w.set(other[:], "Owner", w.hotkey)
		return w.register(1)
	},
	"PoW registration off, plain registration on": func(w *wrong) error {
		w.set([]byte{0}, "NetworkPowRegistrationAllowed", uint16(1))
		return w.register(1)
	},
	"registrations this block at max (max=0)": func(w *wrong) error {
		w.set([]byte{0, 0}, "MaxRegistrationsPerBlock", uint16(1))
		return w.register(1)
	},
	"registrations this interval = 3 x target": func(w *wrong) error {
		w.set([]byte{2, 0}, "TargetRegistrationsPerInterval", uint16(1))
		w.set([]byte{6, 0}, "RegistrationsThisInterval", uint16(1))
		return w.register(1)
	},

	"seal valid little-endian only, hotkey signs": func(w *wrong) error { return w.onlyRead(true) },
	"seal valid big-endian only, hotkey signs":    func(w *wrong) error { return w.onlyRead(false) },
	"insufficient difficulty (ok at D/8)": func(w *wrong) error {
		return w.check(func(p *proof, _ *subtensor.State, d uint64) {
			p.wanted = func(seal []byte) bool { return meets(seal, w.little, d/8) && !meets(seal, w.little, d) }
		})
	},
	"boundary: D = floor((2^256-1)/seal)+1 fails": func(w *wrong) error {
		return w.check(func(p *proof, _ *subtensor.State, _ uint64) { p.boundary = true })
	},
	"coldkey signs":              func(w *wrong) error { return w.signedBy("coldkey") },
	"third party signs":          func(w *wrong) error { return w.signedBy("stranger") },
	"third party signs (funded)": func(w *wrong) error { return w.signedBy("stranger") },
	"work solved for another hotkey": func(w *wrong) error {
		return w.check(func(p *proof, _ *subtensor.State, _ uint64) { p.hotkey = wrongKey(w.t, "other") })
	},
	"right seal, nonce+1 in the call": func(w *wrong) error {
		return w.check(func(p *proof, _ *subtensor.State, _ uint64) { p.shift = 1 })
	},
	"seal nonce big-endian u64 (client bug check)": func(w *wrong) error {
		return w.check(func(p *proof, _ *subtensor.State, _ uint64) {
			p.seal = func(nonce uint64) []byte {
				swapped := binary.LittleEndian.Uint64(binary.BigEndian.AppendUint64(nil, nonce))
				return classicSeal(w.t, hex.EncodeToString(p.hash[:]), p.hotkey, swapped)
			}
		})
	},
	"block_number = head-2 (age at inclusion 3)": func(w *wrong) error { return w.aged(-2) },
	"block_number = head-3 (age at inclusion 4)": func(w *wrong) error { return w.aged(-3) },
	"block_number = head+2, zero hash":           func(w *wrong) error { return w.aged(2) },
	"block_number = head-1 but hash of head": func(w *wrong) error {
		return w.check(func(p *proof, _ *subtensor.State, _ uint64) { p.block-- })
	},
}

func (w *wrong) onlyRead(little bool) error {
	return w.check(func(p *proof, _ *subtensor.State, d uint64) {
		p.wanted = func(seal []byte) bool { return meets(seal, little, d) && !meets(seal, !little, d) }
	})
}

// signedBy has a key sign that is not the hotkey, a proof and a whole registration.
func (w *wrong) signedBy(name string) error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	key := wrongPair(w.t, name)
	_, err := registration.Register(ctx, w.client, 1, registration.Keys{
		Hotkey: w.hotkey, Coldkey: w.coldkey,
		Signer: func(subtensor.Signer) (substrate.Signer, error) { return key, nil },
	}, registration.Options{})
	if !errors.Is(err, subtensor.ErrWrongSigner) {
		w.t.Errorf("a registration: %v", err)
	}
	return w.check(func(p *proof, _ *subtensor.State, _ uint64) { p.signer = key.Account() })
}

// aged is a good proof for a block so far from the head.
func (w *wrong) aged(distance int) error {
	return w.check(func(p *proof, head *subtensor.State, _ uint64) {
		p.block = uint64(int(head.Number) + distance)
		p.hash = w.hash(p.block)
	})
}

// neverMade are refused cases that the client cannot make, and why.
var neverMade = map[string]string{
	"work 31 bytes": "a seal has 32 bytes",
	"work 33 bytes": "a seal has 32 bytes",
	"era hash wrong (era of birth block, genesis hash signed)": "the era's block and hash are read together",
	"account nonce too low (stale)":                            "the nonce is the node's own next one",
	"account nonce too high (future)":                          "the nonce is the node's own next one",
	"CheckMetadataHash mode 1 with some hash":                  "the mode is always 0",
	"faucet ok, difficulty 1000000, coldkey signs":             "whether a faucet is switched on cannot be read",
	"faucet, seal valid in the other reading only":             "whether a faucet is switched on cannot be read",
	"faucet seal for 125000 only":                              "whether a faucet is switched on cannot be read",
	"faucet unfunded account":                                  "whether a faucet is switched on cannot be read",
}

// TestWrongCases asks real runtimes for what they were recorded to refuse: the
// client finds it out by itself, under the chain's own name for it, before a key
// is asked for and before anything is submitted.
func TestWrongCases(t *testing.T) {
	for _, r := range []struct {
		name   string
		little bool
	}{{"119-mock", false}, {"218-raonet", false}, {"293-aura", true}} {
		t.Run(r.name, func(t *testing.T) {
			n := serve(t, r.name, 0)
			transcript := filepath.Join(t.TempDir(), "transcript")
			t.Run("cases", func(t *testing.T) { refuse(t, r.name, r.little, n, nodetest.Record(t, n.URL, transcript).URL()) })
			said, err := os.ReadFile(transcript)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(said), `"author_`) || !strings.Contains(string(said), "state_queryStorageAt") {
				t.Error("something was submitted, or nothing was read")
			}
		})
	}
}

func refuse(t *testing.T, runtime string, little bool, n node, url string) {
	var file struct {
		Results []struct{ Case, Result, Validity, SubmitError string }
	}
	vectors.JSON(t, runtime+"/pow/register_cases.json", &file)
	client, err := subtensor.Dial(t.Context(), subtensor.Network{Name: runtime, Endpoint: url}, subtensor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	raw, err := rpc.Dial(t.Context(), n.URL, rpc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	w := wrong{client: client, node: raw, little: little, hotkey: wrongKey(t, "hotkey"), coldkey: wrongKey(t, "coldkey")}
	refused := 0
	for _, c := range file.Results {
		if c.Result == "Success" || neverMade[c.Case] != "" {
			continue
		}
		refused++
		ask, ok := wrongCases[c.Case]
		if !ok {
			t.Errorf("%s: no such case here", c.Case)
			continue
		}
		t.Run(c.Case, func(t *testing.T) {
			w := w
			w.t = t
			err := ask(&w)
			name, ok := strings.CutPrefix(c.Result, "subtensorModule.")
			if !ok {
				name = "TooManyRegistrationsThisInterval" // the pool has a code for it, no name
			}
			if got := subtensor.Describe(err).Name; err == nil || got != name {
				t.Errorf("the client says %v, by name %q; the chain %s %s", err, got, c.Result, c.SubmitError)
			}
		})
	}
	if refused < 15 {
		t.Errorf("%d refused cases", refused)
	}
	if s := w.at(t); runtime == "119-mock" {
		if _, err := s.FaucetRule(); !errors.Is(err, subtensor.ErrNoFaucet) {
			t.Errorf("faucet: %v", err)
		}
	}
}

func (w wrong) at(t *testing.T) *subtensor.State {
	w.t = t
	return w.head()
}
