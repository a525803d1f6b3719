package cli

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What bt.yml may say, and what it may not; the names are those of
// "bt help environment".
func TestParseConfig(t *testing.T) {
	const secret = "hunter2"
	for _, c := range []struct {
		name, text string
		want       map[string]string
		lines      []int  // of the settings in the order of their names
		err        string // the whole of it
	}{
		{name: "nothing"},
		{name: "comments", text: "# nothing\n---\n"},
		{name: "names", text: "network: test\nnum-processes: 4 # four\n", want: map[string]string{"network": "test", "num-processes": "4"}, lines: []int{1, 2}},
		{name: "quotes", text: "wallet-name: \"a b\"\nwallet-hotkey: 'it''s'\n", want: map[string]string{"wallet-name": "a b", "wallet-hotkey": "it's"}, lines: []int{2, 1}},
		{name: "mark of the byte order", text: "\ufeffnetwork: test", want: map[string]string{"network": "test"}, lines: []int{1}},
		{name: "nested", text: "wallet: {name: alice}\nsubtensor:\n  register:\n    num_processes: 2\n", want: map[string]string{"wallet-name": "alice", "num-processes": "2"}, lines: []int{4, 1}},
		{name: "spread", text: "wallet.name: alice\nwallet:\n  hotkey: one\n", want: map[string]string{"wallet-name": "alice", "wallet-hotkey": "one"}, lines: []int{3, 1}},
		{name: "not set", text: "network:\nwallet-name: ~\nwallet-hotkey: ''\nnum-processes: null\n"},
		{name: "endpoint first", text: "subtensor:\n  chain_endpoint: ws://a\n  network: test\n", want: map[string]string{"network": "ws://a"}, lines: []int{2}},
		{name: "endpoint last", text: "subtensor:\n  network: test\n  chain_endpoint: ws://a\n", want: map[string]string{"network": "ws://a"}, lines: []int{3}},
		{name: "GPUs", text: "cuda: {use_cuda: false, dev_id: [0, 1], TPB: 256}\nno_output_in_place: true\n", want: map[string]string{"cuda": "false", "no-output-in-place": "true"}, lines: []int{1, 2}},

		{name: "unknown", text: "network: test\nwalet-name: hunter2\n", err: `line 2: "walet-name" is no setting; the nearest is wallet-name`},
		{name: "unknown and nested", text: "wallet:\n  hotkye: hunter2\n", err: `line 2: "wallet.hotkye" is no setting; the nearest is wallet-hotkey`},
		{name: "a letter too few", text: "um-processes: hunter2", err: `line 1: "um-processes" is no setting; the nearest is num-processes`},
		{name: "a letter too many", text: "xquiet: hunter2", err: `line 1: "xquiet" is no setting; the nearest is quiet`},
		{name: "home", text: "home: hunter2", err: `line 1: "home" is no setting; the nearest is cuda`},
		{name: "twice", text: "network: a\nquiet: true\nnetwork: hunter2\n", err: `line 3: "network" is there in line 1 already`},
		{name: "twice, otherwise spelled", text: "wallet-name: a\nwallet:\n  name: hunter2\n", err: `line 3: wallet-name is set in line 1 already`},
		{name: "a map twice", text: "wallet: {name: a}\nwallet: {hotkey: hunter2}\n", err: `line 2: "wallet" is there in line 1 already`},
		{name: "list", text: "network: [hunter2, b]", err: "line 1: network: one value is wanted, not a list"},
		{name: "only a list", text: "- hunter2\n- b", err: "line 1: settings are written as name: value, each on a line of its own"},
		{name: "only a word", text: "hunter2", err: "line 1: settings are written as name: value, each on a line of its own"},
		{name: "no name", text: "? [hunter2]\n: 1", err: "line 1: a name is wanted before the colon"},
		{name: "not the other way round", text: "output_in_place: hunter2", err: `line 1: "output_in_place": true or false is wanted`},
		{name: "two documents", text: "network: a\n---\nnetwork: hunter2\n", err: "line 2: a second document begins; settings are one"},
		{name: "alias", text: "network: &a hunter2\nwallet-name: *a\n", err: `line 2: "wallet-name": an alias stands there: write the value itself`},
		{name: "merge", text: "wallet: &a {name: x}\n<<: *a\n", err: `line 2: "<<": an alias stands there: write the value itself`},
		{name: "an alias in itself", text: "wallet: &a {name: *a}\n", err: `line 1: "wallet.name": an alias stands there: write the value itself`},
		{name: "no such anchor", text: "network: *hunter2\n", err: "this is no YAML"},
		{name: "no YAML", text: "network: test\nwallet-name: [hunter2\n", err: "line 1: this is no YAML: did not find expected ',' or ']'"},
		{name: "a tab", text: "wallet:\n\tname: hunter2\n", err: "line 2: this is no YAML: found character that cannot start any token"},
		{name: "no text", text: "network: hunter2\x00", err: "this is no YAML"},
		{name: "deep", text: strings.Repeat("{wallet: ", 9) + secret + strings.Repeat("}", 9), err: `line 1: "wallet.wallet.wallet.wallet.wallet.wallet.wallet.wallet": more than 8 maps in one another`},
		{name: "deeper", text: strings.Repeat("[", 60000), err: "this is no YAML"},
		{name: "long", text: "network: " + strings.Repeat("x", 65536), err: "more than 65536 bytes"},
		{name: "a bomb", text: bomb(), err: `line 2: "b.x": an alias stands there: write the value itself`},
		{name: "a long name", text: strings.Repeat("x", 1000) + ": 1", err: `line 1: "` + strings.Repeat("x", 59) + `…" is no setting; the nearest is max-attempts`},
	} {
		t.Run(c.name, func(t *testing.T) {
			values, err := parseConfig([]byte(c.text))
			said := ""
			if err != nil {
				said = err.Error()
			}
			if said != c.err {
				t.Errorf("the error is %q, not %q", said, c.err)
			}
			if strings.Contains(said, secret) {
				t.Errorf("a value is quoted: %s", said)
			}
			var (
				got   map[string]string
				lines []int
			)
			for _, name := range slices.Sorted(maps.Keys(values)) {
				if got == nil {
					got = map[string]string{}
				}
				got[name] = values[name].text
				lines = append(lines, values[name].line)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.lines, lines); d != "" {
				t.Error(d)
			}
		})
	}
}

// bomb is a map that would be a million settings.
func bomb() string {
	var b strings.Builder
	b.WriteString("a: &a {}\n")
	for c := 'b'; c < 'h'; c++ {
		before := string(c - 1)
		b.WriteString(string(c) + ": &" + string(c) + " {x: *" + before + ", y: *" + before + "}\n")
	}
	return b.String()
}

// Distances from the literature.
func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"saturday", "sunday", 3}, {"intention", "execution", 5}} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, not %d", c.a, c.b, got, c.want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("network: test\nwallet: {name: alice}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := parseConfig(text)
		if err != nil && values != nil {
			t.Fatal("settings beside an error")
		}
		for name, v := range values {
			if !slices.ContainsFunc(settings, func(s setting) bool { return s.flag == name && !s.noFile }) {
				t.Errorf("%q is no setting", name)
			}
			if v.line < 1 || v.line > 2+bytes.Count(text, []byte("\n"))+bytes.Count(text, []byte("\r")) && !bytes.ContainsAny(text, "\x85\u2028\u2029") {
				t.Errorf("line %d", v.line)
			}
		}
	})
}
