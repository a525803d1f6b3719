package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/bittensor-go/bt/subtensor"
	"github.com/bittensor-go/bt/wallet"
)

// Errors that a script cannot bring about, and those that it can, wrapped as they
// arrive.
func TestExitCode(t *testing.T) {
	bad := uint8(255)
	for _, c := range []struct {
		err  error
		want int
		try  string // part of the remedy
	}{
		{nil, 0, ""},
		{errors.New("anything"), 1, ""},
		{&substrate.BlockNotFoundError{Number: 9, Head: 8}, 4, "choose a block that exists"},
		{&substrate.UnknownExtensionError{Identifier: "X"}, 1, "newer"},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, 1, "--home"},
		{usage("bt help", "wrong"), 2, "bt help"},
		{fmt.Errorf("reading: %w: the node hung up", rpc.ErrClosed), 3, "--network"},
		{fmt.Errorf("reading: %w", rpc.ErrTimeout), 3, "--network"},
		{context.DeadlineExceeded, 3, "--network"},
		{subtensor.ErrNotSubtensor, 3, "Subtensor node"},
		{fmt.Errorf("the node is of %w", substrate.ErrOtherChain), 3, "started anew"},
		{&subtensor.SubnetNotFoundError{Netuid: 3}, 4, "bt subnets"},
		{subtensor.ErrPowDisabled, 4, "owner"},
		{subtensor.ErrNoRoom, 4, "another subnet"},
		{&subtensor.HotkeyOwnedError{}, 4, "new hotkey"},
		{&substrate.DispatchError{Kind: "Module", Pallet: "SubtensorModule", Name: "InvalidSeal"}, 4, "hotkey, coldkey"},
		{&substrate.PoolError{Code: 1010, Message: "Invalid Transaction", Custom: &bad}, 4, "solve again"},
		{&substrate.StatusError{Status: "dropped"}, 4, ""},
		{registration.ErrAttempts, 4, ""},
		{walletError(wallet.ErrWrongPassword), 5, "type it again"},
		{walletError(wallet.ErrNotFound), 5, "wallet list"},
		{walletError(&fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}), 5, "--wallet-path"},
		{walletError(errors.New("anything")), 5, ""},
		{walletError(context.Canceled), 130, ""},
		{&subtensor.UnsafeError{Spec: 425, Reason: "burns"}, 6, "takes proofs of work"},
		{context.Canceled, 130, ""},
		{errors.Join(context.Canceled, rpc.ErrClosed), 130, ""},
	} {
		err := c.err
		for range 2 {
			if got := exitCode(err); got != c.want {
				t.Errorf("%v: exit code %d, not %d", err, got, c.want)
			}
			if c.want != exitOK && c.want != exitInterrupted {
				if got := remedy(err); !strings.Contains(got, c.try) || c.try == "" && c.want != exitChain && got != "" {
					t.Errorf("%v: remedy %q, not one with %q", err, got, c.try)
				}
			}
			if err == nil {
				break
			}
			err = fmt.Errorf("netuid 1: %w", err)
		}
	}
}

func TestFail(t *testing.T) {
	late := fmt.Errorf("interrupted after a proof was submitted, which may still get into a block: %w", context.Canceled)
	for _, c := range []struct {
		err         error
		json        bool
		out, errOut string
	}{
		{errors.New("a\x1b[31mb\n\u202ec"), false, "", "error: a\ufffd[31mb \ufffdc\n"},
		{usage("this", "bad"), false, "", "error: bad\ntry: this\n"},
		{usage("this", "bad"), true, `{"error":"bad","try":"this","exit_code":2}` + "\n", "error: bad\ntry: this\n"},
		{
			&substrate.DispatchError{Kind: "Module", Pallet: "SubtensorModule", Name: "InvalidSeal"}, true,
			`{"error":"the call failed: SubtensorModule.InvalidSeal","chain_error":"InvalidSeal","meaning":"the seal was made for other data than the call names",` +
				`"try":"check that hotkey, coldkey, netuid and network are those the proof was made for","exit_code":4}` + "\n",
			"error: the call failed: SubtensorModule.InvalidSeal\nmeans: the seal was made for other data than the call names\n" +
				"try: check that hotkey, coldkey, netuid and network are those the proof was made for\n",
		},
		{context.Canceled, true, `{"error":"interrupted","exit_code":130}` + "\n", "interrupted\n"},
		{late, false, "", "interrupted after a proof was submitted, which may still get into a block\n"},
		{fmt.Errorf("read: %w", context.Canceled), false, "", "interrupted\n"},
	} {
		var out, errOut bytes.Buffer
		a := newApp(Env{Getenv: func(string) string { return "" }, Stdout: &out, Stderr: &errOut})
		a.json = c.json
		a.fail(c.err)
		if diff := cmp.Diff([]string{c.out, c.errOut}, []string{out.String(), errOut.String()}); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.err, diff)
		}
	}
}

// The chain's name is said once.
func TestMeans(t *testing.T) {
	for _, c := range []struct {
		r    errorResult
		want string
	}{
		{errorResult{Error: "refused"}, ""},
		{errorResult{Error: "refused (Custom)", Chain: "Custom", Meaning: "no"}, "no"},
		{errorResult{Error: "refused", Chain: "Custom", Meaning: "no"}, "Custom: no"},
		{errorResult{Error: "refused", Chain: "Custom"}, "Custom"},
	} {
		if got := c.r.means(); got != c.want {
			t.Errorf("%+v: %q, not %q", c.r, got, c.want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain τ":                "plain τ",
		"  two \t\n words\u2028": "two words",
		"\x1b]0;title\x07":       "\ufffd]0;title\ufffd",
		"\u202eevil\u2066":       "\ufffdevil\ufffd",
		"zero\u200bwidth\ufeff":  "zero\ufffdwidth\ufffd",
		"\x9b31m":                "\ufffd31m", // no UTF-8
		"\u009b31m":              "\ufffd31m", // C1
		"\xff\xfe":               "\ufffd",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, not %q", in, got, want)
		}
	}
	if got := short("abcdef", 4); got != "abc…" {
		t.Errorf("short: %q", got)
	}
}

// What is escaped stays the same value.
func TestEscapeHidden(t *testing.T) {
	want := "a\x1b\u009b\u202e\u2028\ufeff\U000e0001\U0001f600 τ\n"
	var out bytes.Buffer
	a := newApp(Env{Getenv: func(string) string { return "" }, Stdout: &out, Stderr: &out})
	if err := a.printJSON(map[string]string{"s": want}); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(out.String(), hidden); i >= 0 {
		t.Errorf("a hidden character at %d of %q", i, out.String())
	}
	var got map[string]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got["s"] != want {
		t.Errorf("%q came back as %q: %v", want, got["s"], err)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{tao(0, 3), "0.000"},
		{tao(1_234_567_890, 3), "1.234"},
		{tao(1_999_999_999, 9), "1.999999999"},
		{tao(math.MaxUint64, 5), "18446744073.70955"},
		{thousands(0), "0"},
		{thousands(999), "999"},
		{thousands(1000), "1,000"},
		{thousands(1_234_567), "1,234,567"},
		{large(999_999_999_999), "999,999,999,999"},
		{large(math.MaxUint64), "1.84e+19"},
		{rate(0), "0 H/s"},
		{rate(1_500), "1.50 kH/s"},
		{rate(2.5e6), "2.50 MH/s"},
		{rate(3e9), "3.00 GH/s"},
		{span(1500 * time.Millisecond), "1.5s"},
		{span(90 * time.Second), "1m30s"},
		{span(72 * time.Hour), "3.0 days"},
		{expected(math.MaxInt64), "centuries"},
		{expected(time.Second), "about 1.0s"},
		{abbreviate("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"), "5Grwva…GKutQY"},
		{blocksAgo(10, 4), "6"},
		{blocksAgo(10, 11), "-"},
		{blocksAgo(10, 0), "-"},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
	if got := addSaturating(math.MaxUint64, 1); got != math.MaxUint64 {
		t.Errorf("sum %d", got)
	}
}

// A narrow terminal does without some columns, and --wide keeps them.
func TestFit(t *testing.T) {
	m, err := metagraph.FromAnswers(metagraph.Answers{Netuid: 1, Network: "local", Block: 9, Lite: []subtensor.NeuronInfoLite{
		{Netuid: 1, UID: 0, Active: true, Consensus: 65535, Dividends: 1, Incentive: 1, ValidatorTrust: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		width int
		wide  bool
		want  string // the header's words
	}{
		{0, false, "uid stake consensus incentive dividends vtrust emission permit updated active axon hotkey"},
		{200, false, "uid stake consensus incentive dividends vtrust emission permit updated active axon hotkey"},
		{80, false, "uid stake incentive dividends emission permit updated hotkey"},
		{10, false, "uid stake incentive emission updated hotkey"},
		{10, true, "uid stake consensus incentive dividends vtrust emission permit updated active axon hotkey coldkey"},
	} {
		var out, errOut bytes.Buffer
		a := newApp(Env{Getenv: func(string) string { return "" }, Stdout: &out, Stderr: &errOut})
		a.out.is, a.out.width = true, func() int { return c.width }
		if err := a.printMetagraph(m, "ws://x", c.wide, nil); err != nil {
			t.Fatal(err)
		}
		header := strings.Split(out.String(), "\n")[3]
		if diff := cmp.Diff(c.want, strings.Join(strings.Fields(header), " ")); diff != "" {
			t.Errorf("width %d, wide %t (-want +got):\n%s", c.width, c.wide, diff)
		}
		if told := strings.Contains(errOut.String(), "--wide"); told != (strings.Count(c.want, " ") < 11) {
			t.Errorf("width %d: it was told %t: %s", c.width, told, &errOut)
		}
	}
}

// Whoever has no terminal hears of it after a second and every five that
// something goes on, on stderr.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, said bytes.Buffer
		a := newApp(Env{Getenv: func(string) string { return "" }, Stdout: &out, Stderr: &said})
		for _, c := range []struct {
			quiet bool
			runs  time.Duration
			want  []string // times that are told
		}{
			{false, 999 * time.Millisecond, nil},
			{false, 13 * time.Second, []string{"1s", "6s", "11s"}},
			{true, time.Minute, nil},
		} {
			said.Reset()
			a.quiet = c.quiet
			stop := a.follow(func() string { return reading(1, 3) })
			<-time.After(c.runs)
			stop()
			want := ""
			for _, at := range c.want {
				want += "reading 1 of 3 subnets [##########--------------------], " + at + "\n"
			}
			if d := cmp.Diff(want, said.String()); d != "" || out.Len() > 0 {
				t.Errorf("%v, quiet %t: stdout %q, stderr (-want +got):\n%s", c.runs, c.quiet, &out, d)
			}
		}
	})
}

// What comes bit by bit is the document that would have come at once.
func TestJSONStream(t *testing.T) {
	type head struct {
		A string `json:"a"`
		B []int  `json:"b"`
	}
	type tail struct {
		C []string `json:"c,omitempty"`
		D string   `json:"d,omitempty"`
	}
	type element struct {
		X string `json:"x"`
		Y []int  `json:"y"`
	}
	type whole struct {
		head
		List []element `json:"list"`
		tail
	}
	h := head{"}\n<\u202e", []int{1}}
	for _, c := range []whole{
		{head: h, List: []element{}},
		{head: h, List: []element{{"x\x1b", []int{}}}},
		{head: h, List: []element{{"x", []int{1, 2}}, {"y", nil}}, tail: tail{D: "}"}},
		{head: h, List: []element{}, tail: tail{C: []string{"c"}, D: "d"}},
	} {
		for _, terminal := range []bool{false, true} {
			var got, want bytes.Buffer
			a := newApp(Env{Getenv: func(string) string { return "" }, Stdout: &got, Stderr: io.Discard})
			a.out.is = terminal
			s, err := a.openJSON(c.head, "list")
			if err != nil || !a.documented {
				t.Fatal(err)
			}
			for _, e := range c.List {
				if err := s.add(e); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.end(c.tail); err != nil {
				t.Fatal(err)
			}
			e := json.NewEncoder(&want)
			e.SetEscapeHTML(false)
			if terminal {
				e.SetIndent("", "  ")
			}
			if err := e.Encode(c); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(escapeHidden(want.Bytes())), got.String()); d != "" {
				t.Errorf("terminal %t (-want +got):\n%s", terminal, d)
			}
		}
	}
}
