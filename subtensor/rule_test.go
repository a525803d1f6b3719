package subtensor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// verdict is what a test expects of a runtime: "public", "classic", or "unsafe".
func verdict(t *testing.T, md *metadata.Metadata, spec uint32) (subtensor.Rule, string) {
	t.Helper()
	rule, err := subtensor.NewRule(md, spec)
	switch {
	case err == nil && rule.Call == "pow_register":
		return rule, "public"
	case err == nil && rule.Call == "register":
		return rule, "classic"
	case errors.Is(err, subtensor.ErrUnsafe) && rule == (subtensor.Rule{}):
		return rule, "unsafe"
	}
	t.Errorf("spec %d: rule %+v, error %v", spec, rule, err)
	return rule, "?"
}

// want is the history of the chain, written down without looking at metadata:
// chain-facts 1.3, 1.4 and 1.6.
func wantVerdict(spec int) string {
	switch {
	case spec >= 475:
		return "public"
	case spec >= 111 && spec <= 277, spec >= 283 && spec <= 394:
		return "classic"
	}
	return "unsafe"
}

// Every metadata file of the vectors gets the verdict that history has for it.
func TestRuleOfEveryRuntime(t *testing.T) {
	t.Parallel()
	seen := make(map[string]int)
	for _, r := range runtimes(t) {
		for _, md := range []*metadata.Metadata{r.v14(t), r.newest(t)} {
			rule, got := verdict(t, md, r.spec)
			if want := wantVerdict(int(r.spec)); got != want {
				t.Errorf("%s: %s, want %s", r.dir, got, want)
			}
			if got != "unsafe" && rule.Spec != r.spec {
				t.Errorf("%s: rule of spec %d", r.dir, rule.Spec)
			}
			seen[got]++
		}
	}
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), "metadata-only", "*.scale.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no metadata-only files: %v", err)
	}
	for _, f := range files {
		md, err := metadata.Parse(vectors.Read(t, f))
		if err != nil {
			t.Fatal(err)
		}
		spec, err := strconv.Atoi(regexp.MustCompile(`^\d+`).FindString(filepath.Base(f)))
		if err != nil {
			t.Fatal(err)
		}
		_, got := verdict(t, md, uint32(spec))
		if want := wantVerdict(spec); got != want {
			t.Errorf("%s: %s, want %s", filepath.Base(f), got, want)
		}
		seen[got]++
	}
	for _, v := range []string{"public", "classic", "unsafe"} {
		if seen[v] == 0 {
			t.Errorf("no runtime of the vectors is %s", v)
		}
	}
	t.Log(seen)
}

// Spec numbers that the vectors lack, on metadata that shows nothing wrong, and
// metadata that does, whatever the number.
func TestRuleDeniesByDefault(t *testing.T) {
	t.Parallel()
	classic := find(t, "394-main").v14(t)
	for spec := range uint32(520) {
		_, got := verdict(t, classic, spec)
		want := wantVerdict(int(spec))
		if want == "public" {
			want = "unsafe" // a number alone makes no pow_register
		}
		if got != want {
			t.Errorf("metadata of 394 at spec %d: %s, want %s", spec, got, want)
		}
		if testing.Short() && spec > 160 {
			break
		}
	}
	for _, c := range []struct {
		name, base string
		spec       uint32
		change     func(*metadata.Metadata)
		want       string
		reason     string
	}{
		{"far future without the call", "394-main", 9999, nil, "unsafe", "burns TAO"},
		{"spec 0", "293-aura", 0, nil, "unsafe", "not known"},
		{"register with unknown arguments", "394-main", 394, rename("register", "nonce", "noise"), "unsafe", `"noise"`},
		{"register with another type", "394-main", 394, retype("register", "work", "[u8; 32]"), "unsafe", `"work"`},
		{"register with hotkey and coldkey swapped", "394-main", 394, swap("register", 4, 5), "unsafe", `"coldkey"`},
		{"register with one argument less", "394-main", 394, drop("register"), "unsafe", "5 arguments"},
		{"no register at all", "394-main", 394, call("register", func(v *metadata.VariantDef) { v.Name = "enter" }), "unsafe", "neither"},
		{"BurnHalfLife alone", "394-main", 394, entry("Kappa", "BurnHalfLife"), "unsafe", "burns TAO"},
		{"register_limit alone", "394-main", 394, call("burned_register", func(v *metadata.VariantDef) { v.Name = "register_limit" }), "unsafe", "burns TAO"},
		{"425 with an old number", "425-main", 300, nil, "unsafe", "burns TAO"},
		{"pow_register at an unknown spec", "475-backport", 9999, nil, "public", ""},
		{"pow_register at a small spec", "475-backport", 1, nil, "public", ""},
		{"pow_register moved in the pallet", "475-backport", 475, call("pow_register", func(v *metadata.VariantDef) { v.Index = 77 }), "public", ""},
		{"pow_register with a newtype", "475-backport", 475, func(md *metadata.Metadata) {
			if err := md.Types.Define("struct Fresh(u64)"); err != nil {
				t.Fatal(err)
			}
			retype("pow_register", "nonce", "Fresh")(md)
		}, "public", ""},
		{"pow_register with a wider nonce", "475-backport", 475, retype("pow_register", "nonce", "u128"), "unsafe", `"nonce"`},
		{"pow_register with work in a list", "475-backport", 475, retype("pow_register", "work", "Vec<u8>"), "unsafe", `"work"`},
		{"pow_register with a shorter seal", "475-backport", 475, retype("pow_register", "work", "[u8; 31]"), "unsafe", `"work"`},
		{"pow_register with a hash for a hotkey", "475-backport", 475, retype("pow_register", "hotkey", "[u8; 32]"), "unsafe", `"hotkey"`},
		{"pow_register with a compact netuid", "475-backport", 475, retype("pow_register", "netuid", "Compact<u16>"), "unsafe", `"netuid"`},
		{"pow_register with work_block and nonce swapped", "475-backport", 475, swap("pow_register", 1, 2), "unsafe", `"nonce"`},
		{"pow_register with one argument less", "475-backport", 475, drop("pow_register"), "unsafe", "4 arguments"},
		{"pow_register without its storage", "475-backport", 475, entry("LastPowRegistrationBlock", "Forgotten"), "unsafe", "LastPowRegistrationBlock"},
		{"pow_register broken at a classic spec", "475-backport", 300, retype("pow_register", "nonce", "u128"), "unsafe", `"nonce"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			md := find(t, c.base).v14(t)
			if c.change != nil {
				c.change(md)
			}
			if _, got := verdict(t, md, c.spec); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if _, err := subtensor.NewRule(md, c.spec); c.reason != "" && !strings.Contains(fmt.Sprint(err), c.reason) {
				t.Errorf("error %q does not mention %s", err, c.reason)
			}
			if c.want == "unsafe" {
				// The guard holds where the call is built, too.
				schema, err := subtensor.NewSchema(md, c.spec)
				if err != nil {
					t.Fatal(err)
				}
				good, err := subtensor.NewRule(find(t, c.base).v14(t), find(t, c.base).spec)
				if err == nil {
					_, err = schema.RegisterCall(good, 1, ss58.AccountID{}, ss58.AccountID{}, pow.Solution{})
				}
				if !errors.Is(err, subtensor.ErrUnsafe) {
					t.Errorf("a call was built: %v", err)
				}
			}
		})
	}
	t.Run("another chain", func(t *testing.T) {
		md := find(t, "475-backport").v14(t)
		for i := range md.Pallets {
			if md.Pallets[i].Name == "SubtensorModule" {
				md.Pallets[i].Name = "Timestamps"
			}
		}
		if _, err := subtensor.NewRule(md, 475); !errors.Is(err, subtensor.ErrNotSubtensor) {
			t.Error(err)
		}
		if _, err := subtensor.NewSchema(md, 475); !errors.Is(err, subtensor.ErrNotSubtensor) {
			t.Error(err)
		}
	})
}

// call changes a call of SubtensorModule.
func call(name string, change func(*metadata.VariantDef)) func(*metadata.Metadata) {
	return func(md *metadata.Metadata) {
		p, ok := md.Pallet("SubtensorModule")
		if !ok {
			panic("no pallet")
		}
		calls := md.Types.Types[p.Calls].Variants
		i := slices.IndexFunc(calls, func(v metadata.VariantDef) bool { return v.Name == name })
		change(&calls[i])
	}
}

func rename(name, from, to string) func(*metadata.Metadata) {
	return call(name, func(v *metadata.VariantDef) {
		for i := range v.Fields {
			if v.Fields[i].Name == from {
				v.Fields[i].Name = to
			}
		}
	})
}

func retype(name, field, expr string) func(*metadata.Metadata) {
	return func(md *metadata.Metadata) {
		id, err := md.Types.Resolve(expr)
		if err != nil {
			panic(err)
		}
		call(name, func(v *metadata.VariantDef) {
			for i := range v.Fields {
				if v.Fields[i].Name == field {
					v.Fields[i].Type = id
				}
			}
		})(md)
	}
}

func swap(name string, i, j int) func(*metadata.Metadata) {
	return call(name, func(v *metadata.VariantDef) { v.Fields[i], v.Fields[j] = v.Fields[j], v.Fields[i] })
}

func drop(name string) func(*metadata.Metadata) {
	return call(name, func(v *metadata.VariantDef) { v.Fields = v.Fields[:len(v.Fields)-1] })
}

// entry renames a storage entry.
func entry(from, to string) func(*metadata.Metadata) {
	return func(md *metadata.Metadata) {
		for i := range md.Pallets {
			for j := range md.Pallets[i].Storage {
				if e := &md.Pallets[i].Storage[j]; md.Pallets[i].Name == "SubtensorModule" && e.Name == from {
					e.Name = to
				}
			}
		}
	}
}

// powCase is a registration that was tried on a real runtime.
type powCase struct {
	Case   string      `json:"case"`
	Netuid json.Number `json:"netuid"`
	Call   string      `json:"call"`
	Args   struct {
		Netuid      uint16      `json:"netuid"`
		BlockNumber json.Number `json:"block_number"`
		WorkBlock   json.Number `json:"work_block"`
		Nonce       json.Number `json:"nonce"`
		Work        string      `json:"work"`
		Hotkey      string      `json:"hotkey"`
		Coldkey     string      `json:"coldkey"`
	} `json:"args"`
	Signer     string          `json:"signer"`
	BlockHash  string          `json:"blockHashUsed"`
	Difficulty json.Number     `json:"difficulty"`
	SolvedFor  json.Number     `json:"difficultySolvedFor"`
	Result     string          `json:"-"`
	RawResult  json.RawMessage `json:"result"`
	Solution   *struct {
		Little bool `json:"leValid"`
		Big    bool `json:"beValid"`
	} `json:"solution"`
	Phrases struct {
		SignedBy string `json:"signedBy"`
	} `json:"phrases"`
}

func powCases(t *testing.T, r runtime) []powCase {
	t.Helper()
	path := r.dir + "/pow/register_cases.json"
	if _, err := os.Stat(filepath.Join(vectors.Dir(t), path)); err != nil {
		return nil
	}
	var file struct {
		Results []powCase `json:"results"`
	}
	vectors.JSON(t, path, &file)
	for i := range file.Results {
		c := &file.Results[i]
		if json.Unmarshal(c.RawResult, &c.Result) != nil {
			c.Result = string(c.RawResult)
		}
	}
	return file.Results
}

func number(t *testing.T, n json.Number) uint64 {
	t.Helper()
	v, err := strconv.ParseUint(n.String(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func hash32(t *testing.T, s string) (h [32]byte) {
	t.Helper()
	if copy(h[:], unhex(t, s)) != 32 {
		t.Fatalf("%q is no hash", s)
	}
	return h
}

func account(t *testing.T, s string) ss58.AccountID {
	t.Helper()
	a, err := ss58.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What a real runtime did with a seal is what the rule says of it: its puzzle
// gives the seal that the runtime computed, and its reading decides as the
// runtime did.
func TestRuleAgainstRegistrations(t *testing.T) {
	t.Parallel()
	for _, r := range runtimes(t) {
		cases := powCases(t, r)
		rule, err := subtensor.NewRule(r.newest(t), r.spec)
		if err != nil || len(cases) == 0 {
			continue
		}
		t.Run(r.dir, func(t *testing.T) {
			accepted, refused := 0, 0
			solvedOn := make(map[string]string) // work to the hash it was solved on
			for _, c := range cases {
				if c.Args.Hotkey == "" || c.BlockHash == "" || c.Solution == nil || !strings.HasPrefix(c.Call, "0x") {
					continue
				}
				// The block of a case is the head; work that is handed in again is older.
				if _, again := solvedOn[c.Args.Work]; !again {
					solvedOn[c.Args.Work] = c.BlockHash
				}
				success := c.Result == "Success"
				if !success && !strings.Contains(c.Result, "InvalidDifficulty") {
					continue
				}
				coldkey := account(t, c.Signer)
				if rule.Call == "register" {
					coldkey = account(t, c.Args.Coldkey)
				}
				if (rule.Call == "pow_register") != (c.Args.WorkBlock != "") {
					continue
				}
				ch := rule.Challenge(c.Args.Netuid, hash32(t, solvedOn[c.Args.Work]), account(t, c.Args.Hotkey), coldkey)
				nonce := number(t, c.Args.Nonce)
				seal := ch.Seal(nonce)
				if seal.String() != c.Args.Work {
					t.Errorf("%s: seal %s, want %s", c.Case, seal, c.Args.Work)
					continue
				}
				difficulty := c.Difficulty
				if difficulty == "" {
					difficulty = c.SolvedFor
				}
				if met := ch.Verify(nonce, number(t, difficulty)); met != success {
					t.Errorf("%s: %s, but read %v it meets %s: %v", c.Case, c.Result, rule.Reading(), difficulty, met)
				}
				switch {
				case c.Solution.Big == c.Solution.Little: // says nothing of the byte order
				case success:
					accepted++
				default:
					refused++
				}
			}
			if accepted == 0 {
				t.Error("no case tells the byte order")
			}
			t.Logf("%d accepted, %d refused", accepted, refused)
		})
	}
}

// The calls of all cases are the bytes that an independent implementation made,
// and who signed the successful ones is whom the rule names.
func TestRegisterCall(t *testing.T) {
	t.Parallel()
	total := 0
	for _, r := range runtimes(t) {
		for _, md := range []*metadata.Metadata{r.v14(t), r.newest(t)} {
			rule, err := subtensor.NewRule(md, r.spec)
			if err != nil {
				continue
			}
			schema, err := subtensor.NewSchema(md, r.spec)
			if err != nil {
				t.Fatal(err)
			}
			total += checkCalls(t, r, rule, schema)
		}
	}
	// Today's mainnet takes the same bytes as the runtime of the cases.
	md, err := metadata.Parse(vectors.Read(t, "metadata-only/475-finney.metadata_v14.scale.gz"))
	if err != nil {
		t.Fatal(err)
	}
	rule, err := subtensor.NewRule(md, 475)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := subtensor.NewSchema(md, 475)
	if err != nil {
		t.Fatal(err)
	}
	if n := checkCalls(t, find(t, "475-backport"), rule, schema); n < 50 {
		t.Errorf("475-finney: %d calls", n)
	}
	if total < 300 {
		t.Errorf("%d calls", total)
	}
}

func checkCalls(t *testing.T, r runtime, rule subtensor.Rule, schema *subtensor.Schema) (n int) {
	t.Helper()
	prefix := map[string]string{"register": "06", "pow_register": "98"}[rule.Call]
	for _, c := range powCases(t, r) {
		if len(c.Call) < 6 || c.Call[4:6] != prefix || c.Args.Hotkey == "" || (rule.Call == "pow_register") != (c.Args.WorkBlock != "") {
			continue
		}
		work := unhex(t, c.Args.Work)
		if len(work) != 32 || rule.Call == "pow_register" && c.Call[:4] != "0x07" {
			continue // a seal of another length, or the call inside another one
		}
		s := pow.Solution{Nonce: number(t, c.Args.Nonce), Seal: pow.Seal(work)}
		coldkey := account(t, c.Signer)
		if rule.Call == "register" {
			s.Block, coldkey = number(t, c.Args.BlockNumber), account(t, c.Args.Coldkey)
		} else {
			s.Block = number(t, c.Args.WorkBlock)
		}
		got, err := schema.RegisterCall(rule, c.Args.Netuid, account(t, c.Args.Hotkey), coldkey, s)
		if err != nil {
			t.Errorf("%s: %s: %v", r.dir, c.Case, err)
		} else if want := unhex(t, c.Call); string(got) != string(want) {
			t.Errorf("%s: %s:\n got %x\nwant %x", r.dir, c.Case, got, want)
		}
		if c.Result == "Success" && r.spec >= 120 && c.Phrases.SignedBy != "" && !strings.HasPrefix(c.Phrases.SignedBy, rule.Signer.String()) {
			t.Errorf("%s: %s: succeeded signed by %s, the rule says %v", r.dir, c.Case, c.Phrases.SignedBy, rule.Signer)
		}
		n++
	}
	return n
}

// Where the vectors have no runtime, the rule is held to chain-facts 1.1 to 1.3:
// its table of seals, and the numbers.
func TestRuleByNumber(t *testing.T) {
	t.Parallel()
	var bh, hk [32]byte
	for i := range 32 {
		bh[i], hk[i] = 0x11, 0x22
	}
	const (
		noHotkey = "0xcf3af22f33ff80430302f73632732867a0baf30e9e0f513cd0ee69b9e0f04a92"
		little   = "0x26fca48850780c94aec515f84dbbf97efafc989ad057f5007e389129b622b147"
		big      = "0xa25202e708da67a43db8c944a10dba93972f58b3628333b9cb6452ef8ad585eb"
	)
	md := find(t, "394-main").v14(t)
	for _, c := range []struct {
		spec    uint32
		seal    string
		reading pow.Order
		fee     bool
	}{
		{111, noHotkey, pow.BigEndian, false},
		{117, noHotkey, pow.BigEndian, false},
		{118, little, pow.BigEndian, false},
		{148, little, pow.BigEndian, false},
		{149, big, pow.BigEndian, false},
		{150, big, pow.BigEndian, false},
		{151, little, pow.BigEndian, false},
		{277, little, pow.BigEndian, false},
		{283, little, pow.LittleEndian, false},
		{301, little, pow.LittleEndian, false},
		{302, little, pow.LittleEndian, true},
		{394, little, pow.LittleEndian, true},
	} {
		rule, err := subtensor.NewRule(md, c.spec)
		if err != nil {
			t.Errorf("%d: %v", c.spec, err)
			continue
		}
		ch := rule.Challenge(7, substrate.Hash(bh), ss58.AccountID(hk), ss58.AccountID{3})
		if got := ch.Seal(0x0102030405060708).String(); got != c.seal {
			t.Errorf("%d: seal %s, want %s", c.spec, got, c.seal)
		}
		if rule.Reading() != c.reading || ch.Reading() != c.reading || rule.PaysFee != c.fee || rule.Window != 2 || rule.Signer != subtensor.HotkeySigns {
			t.Errorf("%d: %+v", c.spec, rule)
		}
	}
	today, err := subtensor.NewRule(find(t, "475-backport").v14(t), 475)
	if err != nil || today.Window != 5 || today.PaysFee || today.Signer != subtensor.ColdkeySigns {
		t.Errorf("475: %+v, %v", today, err)
	}
	// A proof of block 100 is accepted in the blocks after it, up to the window:
	// a block whose head is h executes as h+1.
	for head, fresh := range map[uint64]bool{99: false, 100: true, 104: true, 105: false, 1 << 62: false} {
		if today.Fresh(100, head) != fresh {
			t.Errorf("work block 100 at head %d: fresh %v", head, !fresh)
		}
	}
}

// The difficulty that the SDK's own code computes.
func TestEffectiveDifficulty(t *testing.T) {
	var file struct {
		Difficulty []struct {
			Difficulty, Min, Max *string
			Effective            string
		}
	}
	vectors.JSON(t, "common/pow_public_seals.json", &file)
	if len(file.Difficulty) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range file.Difficulty {
		value := func(s *string, none uint64) uint64 {
			if s == nil {
				return none
			}
			return number(t, json.Number(*s))
		}
		got := subtensor.EffectiveDifficulty(value(c.Difficulty, 0), value(c.Min, 0), value(c.Max, ^uint64(0)))
		if strconv.FormatUint(got, 10) != c.Effective {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// Blocks of the main network have always taken 12 seconds (chain-facts 5), those of
// networks that people build for themselves take less.
func TestBlockTime(t *testing.T) {
	main := 0
	for _, r := range runtimes(t) {
		for _, md := range r.versions(t) {
			s, err := subtensor.NewSchema(md, r.spec)
			if err != nil {
				t.Fatal(err)
			}
			got := s.BlockTime()
			if strings.HasSuffix(r.dir, "-finney") || strings.HasSuffix(r.dir, "-main") {
				main++
				if got != 12*time.Second {
					t.Errorf("%s, V%d: a block takes %v", r.dir, md.Version, got)
				}
			}
			if got < 250*time.Millisecond || got > 12*time.Second {
				t.Errorf("%s, V%d: a block takes %v", r.dir, md.Version, got)
			}
		}
	}
	if main == 0 {
		t.Error("no runtime of the main network")
	}
}
