package subtensor_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// trial is a transaction that was tried on a real runtime, and what became of it.
type trial struct {
	Case string
	Args struct {
		Netuid      uint16
		BlockNumber json.Number `json:"block_number"`
		WorkBlock   json.Number `json:"work_block"`
		Nonce       json.Number
		Work        string
		Hotkey      string
		Coldkey     string
	}
	CallName    string
	Head        uint64
	BlockHash   string `json:"blockHashUsed"`
	Difficulty  json.Number
	Nonce       uint64
	Tip         uint64
	Era         string
	EraHash     string `json:"eraBlockHash"`
	Call        string
	Payload     string `json:"signingPayload"`
	Extrinsic   string
	Signer      string
	KeyType     string
	RawValidity json.RawMessage `json:"validity"`
	RawResult   json.RawMessage `json:"result"`
	SubmitError string
	Dispatch    struct{ Result string }
	First       json.RawMessage
	SignerFree  []string
	SignerNonce []uint64
	Balance     []string
	Fee         json.Number
	Delta       struct{ Signer string }
	Phrases     struct{ SignedBy string }
	Before      struct {
		HotkeyFree, ColdkeyFree                  string
		ColdkeyNonce                             uint64
		Burn                                     json.Number
		Difficulty, MinDifficulty, MaxDifficulty json.Number
		LastPow                                  *uint64 `json:"lastPowRegistrationBlock"`
		ThisBlock                                any     `json:"registrationsThisBlock"`
		UID                                      *uint16
		Owner                                    string
		SubnetworkN                              uint16
	}

	After     struct{ HotkeyFree, ColdkeyFree string }
	QueryInfo string `json:"query_info"` // the node's answer to what Extrinsic costs

	file *trialFile
}

type trialFile struct {
	Spec    uint32 `json:"specVersion"`
	Genesis string `json:"genesisHash"`
	MinBurn json.Number
	MaxBurn json.Number
	Results []trial

	hashes map[uint64]substrate.Hash // of the blocks on which cases were tried
}

// trials returns the cases of a runtime, by file.
func trials(t *testing.T, r runtime) []*trialFile {
	t.Helper()
	var all []*trialFile
	paths, err := filepath.Glob(filepath.Join(vectors.Dir(t), r.dir, "pow", "*_cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		f := &trialFile{hashes: make(map[uint64]substrate.Hash)}
		vectors.JSON(t, path, f)
		for i := range f.Results {
			c := &f.Results[i]
			c.file = f
			if _, known := f.hashes[c.Head]; !known && c.ofHead(t) {
				f.hashes[c.Head] = hash32(t, c.BlockHash)
			}
		}
		// Of heads on whose parents a case worked, those parents.
		for i := range f.Results {
			c := &f.Results[i]
			if c.BlockHash == "" || c.otherBlock() {
				continue
			}
			if block := c.workBlock(t); block < c.Head && c.Args.WorkBlock != "" && f.hashes[block] == (substrate.Hash{}) {
				f.hashes[block] = hash32(t, c.BlockHash)
			}
		}
		all = append(all, f)
	}
	return all
}

func (c *trial) workBlock(t *testing.T) uint64 {
	switch {
	case c.Args.WorkBlock != "":
		return number(t, c.Args.WorkBlock)
	case c.Args.BlockNumber != "":
		return number(t, c.Args.BlockNumber)
	}
	return 0
}

// otherBlock says that the seal of a case binds another block than the call names.
func (c *trial) otherBlock() bool {
	return strings.Contains(c.Case, "hash of head") || strings.Contains(c.Case, "of the parent")
}

// ofHead says that the seal of a case binds the head.
func (c *trial) ofHead(t *testing.T) bool {
	return c.BlockHash != "" && c.workBlock(t) == c.Head && !c.otherBlock()
}

// result is what came out: "Success", the name of an error, "Payment", "Stale" and
// so on for the pool's, "custom N", "not included"; "" where nothing was tried.
func (c *trial) result() string {
	var text string
	if json.Unmarshal(c.RawResult, &text) != nil {
		text = string(c.RawResult)
	}
	if i := strings.Index(c.SubmitError, "{"); i >= 0 {
		text = c.SubmitError[i:]
	}
	if m := regexp.MustCompile(`"custom":\s*(\d+)`).FindStringSubmatch(text); m != nil {
		return "custom " + m[1]
	}
	if m := regexp.MustCompile(`"(?:invalid|unknown)":\s*\{\s*"(\w)(\w+)"`).FindStringSubmatch(text); m != nil {
		return strings.ToUpper(m[1]) + m[2]
	}
	return text[strings.LastIndex(text, ".")+1:]
}

// params is what the transaction carries beside its call.
func (c *trial) params(t *testing.T) substrate.TxParams {
	t.Helper()
	p := substrate.TxParams{Genesis: hash32(t, c.file.Genesis), Nonce: c.Nonce, Tip: c.Tip, EraBlock: hash32(t, c.EraHash)}
	if raw := unhex(t, c.Era); len(raw) == 2 { // sp_runtime's generic::Era
		n := uint64(binary.LittleEndian.Uint16(raw))
		p.Era.Period = 2 << (n % 16)
		p.Era.Phase = n >> 4 * max(p.Era.Period>>12, 1)
	}
	if c.otherHash() { // which one, only the payload's end says
		payload := unhex(t, c.Payload)
		p.MetadataHash = (*substrate.Hash)(payload[len(payload)-32:])
	}
	return p
}

// solution is the proof that the case hands in; ok is false where no seal is so
// long.
func (c *trial) solution(t *testing.T) (s pow.Solution, ok bool) {
	t.Helper()
	work := unhex(t, c.Args.Work)
	if len(work) != 32 {
		return s, false
	}
	return pow.Solution{Work: pow.Work{Block: c.workBlock(t)}, Nonce: number(t, c.Args.Nonce), Seal: pow.Seal(work)}, true
}

// otherHash says that a case signs for a metadata hash that is not the runtime's.
func (c *trial) otherHash() bool { return strings.Contains(c.Case, "CheckMetadataHash mode 1") }

// checkBytes makes what is signed for the call of a case: the bytes that an
// independent implementation made. (Package substrate's tests build the whole
// transactions.)
func checkBytes(t *testing.T, rt *substrate.Runtime, c *trial) {
	t.Helper()
	call, p := unhex(t, c.Call), c.params(t)
	want := unhex(t, c.Payload)
	got, err := rt.SigningPayload(call, p)
	if len(want) > 256 {
		sum := blake2b.Sum256(want)
		want = sum[:]
	}
	if err != nil || string(got) != string(want) {
		t.Errorf("%s: payload %x, want %x, %v", c.Case, got, want, err)
	}
}

// nobodySigns is a key that must not sign.
type nobodySigns struct{ t *testing.T }

func (nobodySigns) Account() ss58.AccountID { return ss58.AccountID{} }
func (nobodySigns) Scheme() keypair.Scheme  { return keypair.Sr25519 }
func (s nobodySigns) Sign([]byte) (sig [64]byte, _ error) {
	s.t.Error("signed")
	return sig, nil
}

// ground is a chain on which the cases of a runtime are tried again, with the
// state that they were tried on.
type ground struct {
	*oldNode
	client *subtensor.Client
	md     *metadata.Metadata
	codec  *codec.Codec
	rt     *substrate.Runtime
}

func newGround(t *testing.T, r runtime) *ground {
	t.Helper()
	n, _ := bareNode(t, r.dir)
	g := &ground{oldNode: n}
	g.meet(t)
	return g
}

// meet connects to the node anew and learns its runtime.
func (g *ground) meet(t *testing.T) {
	t.Helper()
	g.client = dialNode(t, g.oldNode)
	s, err := g.client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g.rt, g.md, g.codec = s.Runtime, s.Runtime.Metadata, s.Runtime.Codec
}

func dialNode(t *testing.T, n *oldNode) *subtensor.Client {
	t.Helper()
	c, err := subtensor.Dial(t.Context(), subtensor.Network{Name: "local", Endpoint: n.URL()}, subtensor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// at makes a block the head, with nothing stored but what set adds.
func (g *ground) at(number uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.storage, g.number = make(map[string]string), number
	g.header["number"] = fmt.Sprintf("0x%x", number)
	enc := append(make([]byte, 32), byte(number<<2|2), byte(number>>6), byte(number>>14), byte(number>>22))
	g.hash = fmt.Sprintf("0x%x", blake2b.Sum256(append(enc, make([]byte, 65)...)))
}

// set stores a value, if the runtime has such an item.
func (g *ground) set(t *testing.T, item string, value any, keys ...any) {
	t.Helper()
	g.setOf(t, "SubtensorModule", item, value, keys...)
}

func (g *ground) setOf(t *testing.T, palletName, item string, value any, keys ...any) {
	t.Helper()
	pallet, _ := g.md.Pallet(palletName)
	entry, ok := pallet.Entry(item)
	if !ok {
		return
	}
	key, err := g.rt.StorageKey(palletName, item, keys...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := g.codec.Append(nil, entry.Value, value)
	if err != nil {
		t.Fatalf("%s.%s: %v", palletName, item, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.storage["0x"+hex.EncodeToString(key)] = "0x" + hex.EncodeToString(raw)
}

// fund gives an account TAO and a number of transactions.
func (g *ground) fund(t *testing.T, who ss58.AccountID, free, nonce uint64) {
	t.Helper()
	pallet, _ := g.md.Pallet("System")
	entry, _ := pallet.Entry("Account")
	key, err := g.rt.StorageKey("System", "Account", who)
	if err != nil {
		t.Fatal(err)
	}
	raw := slices.Clone(entry.Default)
	binary.LittleEndian.PutUint32(raw, uint32(nonce))
	binary.LittleEndian.PutUint64(raw[16:], free)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.storage["0x"+hex.EncodeToString(key)] = "0x" + hex.EncodeToString(raw)
}

// history is what earlier cases have left behind on a chain.
type history struct {
	uids   map[string]bool   // by netuid and hotkey
	owners map[string]string // coldkey by hotkey
}

func newHistory() history {
	return history{make(map[string]bool), make(map[string]string)}
}

func place(netuid uint16, hotkey string) string { return strconv.Itoa(int(netuid)) + " " + hotkey }

// after notes what a case did.
func (h history) after(c *trial, coldkey string) {
	if c.result() == "Success" {
		h.uids[place(c.Args.Netuid, c.Args.Hotkey)] = true
		if h.owners[c.Args.Hotkey] == "" {
			h.owners[c.Args.Hotkey] = coldkey
		}
	}
}

// prepare puts the chain into the state that a case was tried on: what its name
// says, what was noted with it, and what earlier cases have left.
func (g *ground) prepare(t *testing.T, c *trial, h history) {
	t.Helper()
	g.at(c.Head)
	for _, netuid := range []uint16{1, 12} {
		g.set(t, "NetworksAdded", true, netuid)
		g.set(t, "MaxAllowedUids", 256, netuid)
		g.set(t, "MaxRegistrationsPerBlock", 16, netuid)
		g.set(t, "TargetRegistrationsPerInterval", 2, netuid)
		g.set(t, "NetworkRegistrationAllowed", true, netuid)
		g.set(t, "NetworkPowRegistrationAllowed", true, netuid)
		g.set(t, "RegistrationsThisInterval", 0, netuid)
		g.set(t, "RegistrationsThisBlock", 0, netuid)
	}
	if c.Args.Netuid == 0 && c.file.Spec >= 133 {
		g.set(t, "NetworksAdded", true, uint16(0))
	}
	netuid := c.Args.Netuid
	if c.Args.Hotkey != "" {
		hotkey := account(t, c.Args.Hotkey)
		if h.uids[place(netuid, c.Args.Hotkey)] {
			g.set(t, "Uids", 7, netuid, hotkey)
		}
		if owner := h.owners[c.Args.Hotkey]; owner != "" {
			g.set(t, "Owner", account(t, owner), hotkey)
		}
		if strings.Contains(c.Case, "owned by") && !strings.Contains(c.Case, "same coldkey") {
			g.set(t, "Owner", ss58.AccountID{1, 2, 3}, hotkey)
		}
	}
	if c.Difficulty != "" {
		g.set(t, "Difficulty", number(t, c.Difficulty), netuid)
	}
	for _, special := range []struct {
		words, item string
		value       any
	}{
		{"PoW registration off", "NetworkPowRegistrationAllowed", false},
		{"NetworkPowRegistrationAllowed false", "NetworkPowRegistrationAllowed", false},
		{"PoW disabled", "NetworkPowRegistrationAllowed", false},
		{"plain registration off", "NetworkRegistrationAllowed", false},
		{"NetworkRegistrationAllowed false", "NetworkRegistrationAllowed", false},
		{"(max=0)", "MaxRegistrationsPerBlock", 0},
		{"MaxRegistrationsPerBlock 0", "MaxRegistrationsPerBlock", 0},
		{"3 x target", "RegistrationsThisInterval", 6},
		{"MaxAllowedUids 0", "MaxAllowedUids", 0},
		{"single uid", "MaxAllowedUids", 1},
		{"single uid", "SubnetworkN", 1},
		{"single uid", "SubnetOwnerHotkey", ss58.AccountID{9}},
		{"E1 MaxRegistrationsPerBlock 1", "MaxRegistrationsPerBlock", 1},
		{"E2 ", "MaxRegistrationsPerBlock", 1},
		{"E3 ", "MaxRegistrationsPerBlock", 1},
		{"E4 ", "MaxRegistrationsPerBlock", 1},
	} {
		if strings.Contains(c.Case, special.words) {
			g.set(t, special.item, special.value, netuid)
		}
	}
	if strings.Contains(c.Case, "single uid") {
		g.set(t, "Keys", ss58.AccountID{9}, netuid, uint16(0))
	}
	if strings.Contains(c.Case, "announced coldkey swap") {
		g.announce(t, account(t, c.Signer))
	}
	if len(c.SignerFree) == 2 {
		g.fund(t, account(t, c.Signer), number(t, json.Number(c.SignerFree[0])), c.SignerNonce[0])
	}
}

// announce stores that a coldkey is to be swapped: the block, or a pair of block
// and hash.
func (g *ground) announce(t *testing.T, coldkey ss58.AccountID) {
	t.Helper()
	pallet, _ := g.md.Pallet("SubtensorModule")
	if _, ok := pallet.Entry("ColdkeySwapAnnouncements"); !ok {
		t.Fatal("no announcements")
	}
	key, err := g.rt.StorageKey("SubtensorModule", "ColdkeySwapAnnouncements", coldkey)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.storage["0x"+hex.EncodeToString(key)] = "0x" + strings.Repeat("01", 36)
}

// hashAt is the hash that a block has on the chain, as far as it is known; an
// unknown one is another than any that was used. Blocks to come have none.
func (c *trial) hashAt(t *testing.T, block uint64) substrate.Hash {
	if block == c.Head && c.ofHead(t) {
		return hash32(t, c.BlockHash) // some cases were tried on a chain of their own
	}
	if h, ok := c.file.hashes[block]; ok || block > c.Head {
		return h
	}
	return substrate.Hash{0xff}
}

// validity predicts what the pool makes of what surrounds the call, "" for nothing.
func (c *trial) validity(t *testing.T, signerNonce uint64) string {
	t.Helper()
	p := c.params(t)
	switch {
	case c.otherHash():
		return "CannotLookup"
	case p.Era.Period > 0 && p.Era.Birth(c.Head) == c.Head && p.EraBlock != c.hashAt(t, c.Head):
		return "BadProof"
	case p.Nonce < signerNonce:
		return "Stale"
	case p.Nonce > signerNonce:
		return "not included"
	}
	return ""
}

// poolNames are what the pool's own codes stand for where it judges registrations by
// today's call (chain-facts 1.6); all else is 255.
var poolNames = map[string]string{
	"custom 0":  "ColdkeySwapAnnounced",
	"custom 3":  "SubnetNotExists",
	"custom 25": "NonAssociatedColdKey",
}

// want is the chain's name for the result of a classic case: pools say it in words of
// their own where the interval has had its registrations (chain-facts 1.3).
func (c *trial) want() string {
	switch got := c.result(); got {
	case "ExhaustsResources", "custom 5", "custom 6":
		return "TooManyRegistrationsThisInterval"
	default:
		return got
	}
}

// nameOf is the chain's name for an error that the library found before anything
// was sent.
func nameOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "Success"
	}
	d := subtensor.Describe(err)
	if d.Name == "" || d.Meaning == "" || d.Remedy == "" || !strings.Contains(err.Error(), d.Name) {
		t.Errorf("%v: %+v", err, d)
	}
	return d.Name
}

// Every registration by the classic call that was tried on a real runtime: the
// library builds the same bytes, and says beforehand what came of it, by the
// chain's own name, and what it cost.
func TestClassicCases(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, r := range runtimes(t) {
		files := trials(t, r)
		if len(files) == 0 || r.spec > 394 {
			continue
		}
		for _, f := range files {
			tried += len(f.Results)
		}
		t.Run(r.dir, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, r)
			for _, f := range files {
				h := newHistory()
				for i := range f.Results {
					c := &f.Results[i]
					checkBytes(t, g.rt, c)
					if c.Args.Hotkey == "" {
						g.faucetCase(t, c)
						continue
					}
					got, want := g.classicCase(t, c, h), c.want()
					if got != want {
						t.Errorf("%s: predicted %q, it was %q", c.Case, got, want)
					}
					h.after(c, c.Args.Coldkey)
				}
			}
		})
	}
	if tried < 500 {
		t.Errorf("%d cases", tried)
	}
}

// classicCase predicts what comes of a case.
func (g *ground) classicCase(t *testing.T, c *trial, h history) string {
	t.Helper()
	g.prepare(t, c, h)
	if why := c.validity(t, c.SignerNonce[0]); why != "" {
		return why
	}
	g.learnFee(t, c)
	s, err := g.client.AtHead(t.Context())
	if err != nil || s.Number != c.Head {
		t.Fatalf("%v, %v", s, err)
	}
	rule, err := s.PowRule()
	if err != nil {
		return nameOf(t, err)
	}
	hotkey, coldkey, signer := account(t, c.Args.Hotkey), account(t, c.Args.Coldkey), account(t, c.Signer)
	solution, ok := c.solution(t)
	if !ok {
		return "not included" // no solution has such a seal
	}
	call, err := s.RegisterCall(rule, c.Args.Netuid, hotkey, coldkey, solution)
	if err != nil || string(call) != string(unhex(t, c.Call)) {
		t.Errorf("%s: call %x, %v", c.Case, call, err)
	}
	// Who cannot pay is refused by the pool, whatever the call says.
	payer, err := s.Account(t.Context(), signer)
	if err != nil {
		t.Fatal(err)
	}
	fee, err := s.Fee(t.Context(), unhex(t, c.Extrinsic))
	if err != nil {
		t.Fatal(err)
	}
	deposit := s.Schema().Deposit()
	if rule.PaysFee && payer.Spendable(deposit) < fee {
		if signer == hotkey {
			if _, err := s.RegistrationTerms(t.Context(), c.Args.Netuid, hotkey, coldkey); !errors.Is(err, subtensor.ErrFunds) {
				t.Errorf("%s: %v", c.Case, err)
			}
		}
		return "Payment"
	}
	terms, err := s.RegistrationTerms(t.Context(), c.Args.Netuid, hotkey, coldkey)
	if signer == hotkey && rule.PaysFee && !errors.Is(err, subtensor.ErrSubnetNotFound) {
		// The library's own transactions are mortal, which takes a byte more.
		want := fee
		if len(unhex(t, c.Era)) == 1 {
			want++
		}
		if c.KeyType == "ecdsa" {
			want--
		}
		if terms.Fee != want || terms.Deposit != 500 || terms.Balance != payer.Free-500 {
			t.Errorf("%s: fee %d, want %d; %+v", c.Case, terms.Fee, want, terms)
		}
	}
	if errors.Is(err, subtensor.ErrFunds) && signer != hotkey || err != nil && payer.Spendable(deposit) == fee && errors.Is(err, subtensor.ErrFunds) {
		err = nil // of the hotkey, which does not pay here; or for want of that byte
	}
	if rule.PaysFee && c.SignerFree[1] != c.SignerFree[0] {
		if paid := number(t, json.Number(c.SignerFree[0])) - number(t, json.Number(c.SignerFree[1])); paid != fee {
			t.Errorf("%s: it cost %d rao, predicted %d", c.Case, paid, fee)
		}
	}
	if signed := s.Schema().CheckProof(terms, signer, c.hashAt(t, solution.Block), solution); errors.Is(signed, subtensor.ErrWrongSigner) || err == nil {
		err = signed // who signs is what the chain looks at first
	}
	return nameOf(t, err)
}

// learnFee sets what the node asks for a transaction: a rao for each byte beside
// what was measured once.
func (g *ground) learnFee(t *testing.T, c *trial) {
	t.Helper()
	if g.rt.SpecVersion < 302 || g.perByte || len(c.SignerFree) != 2 {
		return
	}
	for i := range c.file.Results {
		o := &c.file.Results[i]
		paid := number(t, json.Number(o.SignerFree[0])) - number(t, json.Number(o.SignerFree[1]))
		if o.Era == "0x00" && o.KeyType == "" && paid > 0 {
			g.perByte, g.fee = true, paid-uint64(len(unhex(t, o.Extrinsic)))
			return
		}
	}
	t.Fatalf("%s: no case says what a registration costs", c.Case)
}

// faucetCase tries a draw from a faucet again.
func (g *ground) faucetCase(t *testing.T, c *trial) {
	t.Helper()
	g.prepare(t, c, newHistory())
	s, err := g.client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	coldkey := account(t, c.Signer)
	g.fund(t, coldkey, number(t, json.Number(c.Balance[0])), 0)
	terms, err := s.FaucetTerms(t.Context(), coldkey)
	if err != nil || terms.Difficulty != 1_000_000 || terms.Balance != number(t, json.Number(c.Balance[0])) || terms.Rule.Signer != subtensor.ColdkeySigns {
		t.Errorf("%s: %+v, %v", c.Case, terms, err)
		return
	}
	solution, _ := c.solution(t)
	call, err := s.FaucetCall(terms.Rule, solution)
	if err != nil || string(call) != string(unhex(t, c.Call)) {
		t.Errorf("%s: call %x, %v", c.Case, call, err)
	}
	want := c.result()
	if want == "FaucetDisabled" {
		// Nothing shows that beforehand. The name of the case says what the seal is.
		want = "Success"
		if strings.Contains(c.Case, "other reading") || strings.Contains(c.Case, "125000") {
			want = "InvalidDifficulty"
		}
	}
	work, ok := c.file.hashes[solution.Block]
	if !ok {
		work = hash32(t, c.BlockHash)
	}
	if got := nameOf(t, s.Schema().CheckProof(terms, coldkey, work, solution)); got != want {
		t.Errorf("%s: predicted %q, it was %q", c.Case, got, want)
	}
}

// Every registration by today's call that was tried: the pool's verdict at the
// head, the error that the call itself gives, the bytes and the cost, predicted from
// the state before. Once with the metadata of the runtime that they were tried on,
// once with that of the main network.
func TestPublicCases(t *testing.T) {
	t.Parallel()
	finney, err := metadata.Parse(vectors.Read(t, "metadata-only/475-finney.metadata_v14.scale.gz"))
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, r := range runtimes(t) {
		files := trials(t, r)
		if len(files) == 0 || r.spec < 475 {
			continue
		}
		for _, c := range []struct {
			name string
			md   *metadata.Metadata
		}{{r.dir, r.newest(t)}, {"475-finney", finney}} {
			rt := &substrate.Runtime{SpecName: "node-subtensor", SpecVersion: r.spec, TransactionVersion: 1, Metadata: c.md, Codec: codec.New(c.md.Types)}
			schema, err := subtensor.NewSchema(c.md, r.spec)
			if err != nil {
				t.Fatal(err)
			}
			for i := range files[0].Results {
				publicBytes(t, rt, schema, &files[0].Results[i])
			}
		}
		g := newGround(t, r)
		for i := range files[0].Results {
			if c := &files[0].Results[i]; c.Args.WorkBlock != "" {
				tried++
				g.publicCase(t, c)
			} else if c.Call != "" {
				tried++
				g.otherCase(t, c)
			} else if c.QueryInfo != "" {
				tried++
				g.queryCase(t, c)
			}
		}
		// Four of the 103 are what a number did over some blocks.
		if tried != len(files[0].Results)-4 {
			t.Errorf("%s: %d cases of %d", r.dir, tried, len(files[0].Results))
		}
	}
	if tried < 99 {
		t.Errorf("%d cases", tried)
	}
}

// publicBytes builds the transaction of a case, and its call where the library has
// one for it.
func publicBytes(t *testing.T, rt *substrate.Runtime, schema *subtensor.Schema, c *trial) {
	t.Helper()
	if c.Extrinsic == "" {
		return // a series of blocks
	}
	recorded, err := rt.CallOf(unhex(t, c.Extrinsic))
	if err != nil || c.Call != "" && string(recorded) != string(unhex(t, c.Call)) {
		t.Errorf("%s: the transaction's call %x, %v", c.Case, recorded, err)
	}
	if c.Call != "" {
		checkBytes(t, rt, c)
	}
	// Whatever the call is, its value is written as it was read.
	id := rt.Metadata.Extrinsic.Call
	v, err := rt.Codec.Value(id, scale.NewReader(recorded))
	if err != nil {
		t.Fatalf("%s: %v", c.Case, err)
	}
	if again, err := rt.Codec.Append(nil, id, v); err != nil || string(again) != string(recorded) {
		t.Errorf("%s: %x, %v, want %x", c.Case, again, err, recorded)
	}
	var (
		netuid   = c.Args.Netuid
		hotkey   ss58.AccountID
		solution pow.Solution
	)
	switch {
	case c.Args.WorkBlock != "":
		hotkey = account(t, c.Args.Hotkey)
		solution, _ = c.solution(t)
	case c.QueryInfo != "": // chain-facts 1.6: netuid u16, work_block u64, nonce u64, work [u8; 32], hotkey
		in := scale.NewReader(recorded[2:])
		netuid = in.U16()
		solution.Block, solution.Nonce = in.U64(), in.U64()
		solution.Seal, hotkey = pow.Seal(in.Bytes(32)), ss58.AccountID(in.Bytes(32))
	default:
		return
	}
	rule, err := schema.PowRule()
	if err != nil {
		t.Fatal(err)
	}
	var coldkey ss58.AccountID
	if c.Signer != "" {
		coldkey = account(t, c.Signer)
	}
	if call, err := schema.RegisterCall(rule, netuid, hotkey, coldkey, solution); err != nil || string(call) != string(recorded) {
		t.Errorf("%s: call %x, %v", c.Case, call, err)
	}
}

// queryCase asks what a transaction costs, as it was asked of the runtime.
func (g *ground) queryCase(t *testing.T, c *trial) {
	t.Helper()
	xt := unhex(t, c.Extrinsic)
	args := hex.EncodeToString(binary.LittleEndian.AppendUint32(slices.Clone(xt), uint32(len(xt))))
	g.answers["TransactionPaymentApi_query_info 0x"+args] = c.QueryInfo
	s, err := g.client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if fee, err := s.Fee(t.Context(), xt); err != nil || fee != 0 {
		t.Errorf("%s: %d, %v", c.Case, fee, err)
	}
}

// publicCase predicts what the pool says and what the call gives, and compares.
func (g *ground) publicCase(t *testing.T, c *trial) {
	t.Helper()
	g.preparePublic(t, c)
	var validity struct {
		OK  json.RawMessage
		Err json.RawMessage
	}
	if err := json.Unmarshal(c.RawValidity, &validity); err != nil {
		t.Fatal(err)
	}
	nonce := c.Before.ColdkeyNonce
	if strings.Contains(c.Case, "the identical extrinsic again") {
		nonce++ // it was noted before the first one
	}
	pool := c.validity(t, nonce)
	if pool == "not included" {
		pool = "" // the pool takes what is to come
	}
	s, err := g.client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signer, hotkey := account(t, c.Signer), account(t, c.Args.Hotkey)
	solution, _ := c.solution(t)
	payer, err := s.Account(t.Context(), signer)
	if err != nil {
		t.Fatal(err)
	}
	terms, err := s.RegistrationTerms(t.Context(), c.Args.Netuid, hotkey, signer)
	if err == nil || errors.Is(err, subtensor.ErrReplay) {
		err = s.Schema().CheckProof(terms, signer, c.hashAt(t, solution.Block), solution)
	}
	if terms.Fee != 0 || terms.Rule.PaysFee {
		t.Errorf("%s: fee %+v", c.Case, terms)
	}
	call := nameOf(t, err)
	switch {
	case pool != "":
	case c.Tip > 0 && payer.Spendable(s.Schema().Deposit()) < c.Tip:
		pool = "Payment"
	case call == "Success", strings.Contains(c.Case, "single uid"): // that is looked at in a block only
	default:
		pool = "custom 255"
		for code, name := range poolNames {
			if name == call {
				pool = code
			}
		}
	}
	said := ""
	if validity.OK == nil {
		said = (&trial{RawResult: validity.Err}).result()
	}
	if pool != said {
		t.Errorf("%s: the pool was predicted to say %q, it said %q", c.Case, pool, said)
	}
	// What the call gives: tried in a block of its own where the pool refused it.
	want := c.result()
	if c.Dispatch.Result != "" {
		want = c.Dispatch.Result[strings.LastIndex(c.Dispatch.Result, ".")+1:]
	}
	if name, ok := poolNames[want]; ok {
		want = name
	}
	switch {
	case strings.Contains(c.Case, "built one block later"):
		terms.Block++
		want = "InvalidWorkBlock"
		call = nameOf(t, s.Schema().CheckProof(terms, signer, c.hashAt(t, solution.Block), solution))
	case strings.HasPrefix(c.Case, "E2 "), strings.HasPrefix(c.Case, "E3 "), strings.HasPrefix(c.Case, "G3 "):
		return // refused by the pool for what the next block would have lifted
	case want == "not included", strings.HasPrefix(want, "refused by the pool"), strings.Contains(want, "1010"), pool == "Payment", pool == "Stale", strings.HasPrefix(c.Case, "A13"):
		return // another transaction came first in the block, or none was tried
	}
	if call != want {
		t.Errorf("%s: predicted %q, it was %q", c.Case, call, want)
	}
	if c.Fee != "" && number(t, c.Fee) != terms.Fee+c.Tip {
		t.Errorf("%s: it cost %s rao, predicted %d", c.Case, c.Fee, terms.Fee+c.Tip)
	}
}

// preparePublic puts the chain into the state that was noted before a case.
func (g *ground) preparePublic(t *testing.T, c *trial) {
	t.Helper()
	g.prepare(t, c, newHistory())
	netuid, hotkey, b := c.Args.Netuid, account(t, c.Args.Hotkey), &c.Before
	g.set(t, "Difficulty", number(t, b.Difficulty), netuid)
	g.set(t, "MinDifficulty", number(t, b.MinDifficulty), netuid)
	g.set(t, "MaxDifficulty", number(t, b.MaxDifficulty), netuid)
	g.set(t, "RegistrationsThisBlock", uint16(number(t, json.Number(fmt.Sprint(b.ThisBlock)))), netuid)
	if b.LastPow != nil {
		g.set(t, "LastPowRegistrationBlock", *b.LastPow, hotkey)
	}
	if b.UID != nil {
		g.set(t, "Uids", *b.UID, netuid, hotkey)
	}
	if owner := account(t, b.Owner); owner != (ss58.AccountID{}) {
		g.set(t, "Owner", owner, hotkey)
	}
	g.fund(t, account(t, c.Signer), number(t, json.Number(b.ColdkeyFree)), b.ColdkeyNonce)
}

// otherCase is what else was sent at 475: calls that burn, and calls of others
// within which a proof lies or which the library does not make.
func (g *ground) otherCase(t *testing.T, c *trial) {
	t.Helper()
	c.Head = 4_200_100
	g.prepare(t, c, newHistory())
	s, err := g.client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	call, nonce := unhex(t, c.Call), uint64(0)
	pair, err := keypair.FromURI(keypair.Ed25519, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	var signer substrate.Signer = pair
	burns := call[0] == 7 && call[1] == 6
	if burns {
		signer = nobodySigns{t}
	}
	if _, err := s.Sign(t.Context(), signer, call, substrate.SignOptions{Nonce: &nonce}); errors.Is(err, subtensor.ErrUnsafe) != burns || err != nil && !burns {
		t.Errorf("%s: signed: %v", c.Case, err)
	}
	if call[0] != 7 {
		return
	}
	hotkey := ss58.AccountID(call[4:36])
	if call[1] == 6 {
		hotkey = ss58.AccountID(call[len(call)-64 : len(call)-32])
	}
	c.Args.Netuid, c.Args.Hotkey = 1, hotkey.String()
	c.CallName = map[byte]string{6: "register", 7: "burned_register", 134: "register_limit"}[call[1]]
	g.burnCase(t, c, newHistory())
}

// Every registration that was tried where the call burns: the proof is not even
// built, and what the burn costs is what the terms said.
func TestBurnCases(t *testing.T) {
	t.Parallel()
	for _, r := range runtimes(t) {
		files := trials(t, r)
		if len(files) == 0 || r.spec < 395 || r.spec >= 475 {
			continue
		}
		t.Run(r.dir, func(t *testing.T) {
			g, h := newGround(t, r), newHistory()
			s, err := g.client.AtHead(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.PowRule(); !errors.Is(err, subtensor.ErrUnsafe) {
				t.Error(err)
			}
			for i := range files[0].Results {
				c := &files[0].Results[i]
				checkBytes(t, g.rt, c)
				if c.CallName == "register" {
					nonce := c.Nonce
					if _, err := s.Sign(t.Context(), nobodySigns{t}, unhex(t, c.Call), substrate.SignOptions{Nonce: &nonce}); !errors.Is(err, subtensor.ErrUnsafe) {
						t.Errorf("%s: signed: %v", c.Case, err)
					}
				}
				g.burnCase(t, c, h)
				h.after(c, c.Signer)
			}
		})
	}
}

// burnCase predicts what comes of a registration for TAO, and what it costs.
func (g *ground) burnCase(t *testing.T, c *trial, h history) {
	t.Helper()
	g.prepare(t, c, h)
	signer, netuid := account(t, c.Signer), c.Args.Netuid
	free, nonce := c.Before.ColdkeyFree, c.Before.ColdkeyNonce
	if c.Phrases.SignedBy == "hotkey" {
		free = c.Before.HotkeyFree
	}
	if len(c.SignerNonce) > 0 {
		nonce = c.SignerNonce[0]
	}
	g.fund(t, signer, number(t, json.Number(free)), nonce)
	g.set(t, "Burn", number(t, c.Before.Burn), netuid)
	if c.file.MinBurn != "" {
		g.set(t, "MinBurn", number(t, c.file.MinBurn), netuid)
		g.set(t, "MaxBurn", number(t, c.file.MaxBurn), netuid)
	}
	if c.Fee != "" {
		g.fee = number(t, c.Fee)
	}
	want := c.result()
	if want == "refused by the pool" {
		want = "Payment"
	}
	s, err := g.client.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	terms, err := s.BurnTerms(t.Context(), netuid, account(t, c.Args.Hotkey), signer)
	if terms.Call != "register_limit" || !terms.Limited {
		t.Errorf("%s: %+v", c.Case, terms)
	}
	got := c.validity(t, nonce)
	limit, recorded := ^uint64(0), unhex(t, c.Call)
	if c.CallName == "register_limit" {
		limit = binary.LittleEndian.Uint64(recorded[len(recorded)-8:])
	}
	if got == "" && err == nil {
		var call []byte
		if call, err = s.BurnCall(terms, limit); err == nil && c.CallName == "register_limit" && string(call) != string(recorded) {
			t.Errorf("%s: call %x", c.Case, call)
		}
	}
	if got == "" {
		got = nameOf(t, err)
	}
	if got != want {
		t.Errorf("%s: predicted %q, it was %q (%v)", c.Case, got, want, err)
	}
	paid := c.paid(t)
	if want == "Success" && !strings.Contains(c.Case, "two in the same block") && paid != terms.Cost() {
		t.Errorf("%s: it cost %d rao, predicted %d", c.Case, paid, terms.Cost())
	}
	if want != "Success" && c.Fee != "" && paid != terms.Fee && terms.Fee != 0 {
		t.Errorf("%s: the failure cost %d rao, predicted %d", c.Case, paid, terms.Fee)
	}
}

// paid is what a case took from the signer.
func (c *trial) paid(t *testing.T) uint64 {
	t.Helper()
	if c.Delta.Signer != "" {
		return number(t, json.Number(strings.TrimPrefix(c.Delta.Signer, "-")))
	}
	before, after := c.Before.ColdkeyFree, c.After.ColdkeyFree
	if c.Phrases.SignedBy == "hotkey" {
		before, after = c.Before.HotkeyFree, c.After.HotkeyFree
	}
	return number(t, json.Number(before)) - number(t, json.Number(after))
}
