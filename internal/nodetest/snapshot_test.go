package nodetest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/nodetest"
)

const facts = `// a capture
--> {"jsonrpc":"2.0","id":1,"method":"chain_getHeader","params":[]}
<-- {"jsonrpc":"2.0","id":1,"result":{"number":"0x10"}}
--> {"jsonrpc":"2.0","id":2,"method":"chain_getBlockHash","params":[16]}
<-- {"jsonrpc":"2.0","id":2,"result":"0xb1"}
--> {"jsonrpc":"2.0","id":3,"method":"chain_getHeader","params":[]}
<-- {"jsonrpc":"2.0","id":3,"result":{"number":"0x11"}}
--> {"jsonrpc":"2.0","id":4,"method":"state_queryStorageAt","params":[["0xaa01","0xaa02"],"0xb1"]}
<-- {"jsonrpc":"2.0","id":4,"result":[{"block":"0xb1","changes":[["0xaa01","0x07"],["0xaa02",null]]}]}
--> {"jsonrpc":"2.0","id":5,"method":"state_getStorage","params":["0xcc","0xb1"]}
<-- {"jsonrpc":"2.0","id":5,"result":"0x08"}
--> {"jsonrpc":"2.0","id":6,"method":"state_getKeysPaged","params":["0xaa",2,null,"0xb1"]}
<-- {"jsonrpc":"2.0","id":6,"result":["0xaa01","0xaa05"]}
--> {"jsonrpc":"2.0","id":7,"method":"state_getKeysPaged","params":["0xaa",2,"0xaa05","0xb1"]}
<-- {"jsonrpc":"2.0","id":7,"result":["0xaa77"]}
--> {"jsonrpc":"2.0","id":8,"method":"state_getKeysPaged","params":["0xdd",2,null,"0xb1"]}
<-- {"jsonrpc":"2.0","id":8,"result":["0xdd01","0xdd02"]}
--> {"jsonrpc":"2.0","id":9,"method":"refused","params":[]}
<-- {"jsonrpc":"2.0","id":9,"error":{"code":-1,"message":"no"}}
`

func TestSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "facts.txt")
	if err := os.WriteFile(path, []byte(facts), 0o600); err != nil {
		t.Fatal(err)
	}
	f := failures{t, make(chan string, 10)}
	s := nodetest.NewSnapshot(f, path)
	c := dial(t, s.URL())
	for _, q := range []struct {
		method string
		params []any
		want   string // "" where it is not known
	}{
		{"chain_getHeader", nil, `{"number":"0x10"}`}, // the first answer stays
		{"chain_getHeader", nil, `{"number":"0x10"}`},
		{"chain_getBlockHash", nil, `"0xb1"`},
		{"chain_getBlockHash", []any{16}, `"0xb1"`},
		{"chain_getBlockHash", []any{17}, ""},
		{"state_queryStorageAt", []any{[]string{"0xcc", "0xaa02", "0xaa01"}, "0xb1"}, `[{"block":"0xb1","changes":[["0xcc","0x08"],["0xaa02",null],["0xaa01","0x07"]]}]`},
		{"state_queryStorageAt", []any{[]string{"0xaa03"}, "0xb1"}, `[{"block":"0xb1","changes":[["0xaa03",null]]}]`}, // the list does not name it
		{"state_queryStorageAt", []any{[]string{"0xaa05"}, "0xb1"}, ""},                                               // the list does
		{"state_queryStorageAt", []any{[]string{"0xaa01"}, "0xb2"}, ""},
		{"state_queryStorageAt", []any{[]string{"0xdd03"}, "0xb1"}, ""},                        // that list may go on
		{"state_getKeysPaged", []any{"0xaa", 10, nil, "0xb1"}, `["0xaa01","0xaa05","0xaa77"]`}, // in one page
		{"state_getKeysPaged", []any{"0xaa0", 10, nil, "0xb1"}, `["0xaa01","0xaa05"]`},         // below
		{"state_getKeysPaged", []any{"0xaa", 1, "0xaa01", "0xb1"}, `["0xaa05"]`},
		{"state_getKeysPaged", []any{"0xdd", 10, nil, "0xb1"}, ""},
		{"state_getKeysPaged", []any{"0xee", 10, nil, "0xb1"}, ""},
	} {
		got, err := c.Call(soon(t), q.method, q.params...)
		if q.want == "" {
			if err == nil {
				t.Errorf("%s %v: %s", q.method, q.params, got)
				continue
			}
			if said := <-f.said; !strings.Contains(said, "does not know "+q.method) {
				t.Errorf("the test failed with %q", said)
			}
			continue
		}
		if err != nil || string(got) != q.want {
			t.Errorf("%s %v: %s, %v", q.method, q.params, got, err)
		}
	}
	if _, err := c.Call(soon(t), "refused"); err == nil || !strings.Contains(err.Error(), "no (code -1)") {
		t.Error(err)
	}
	if got := s.Result("chain_getBlockHash", 16); string(got) != `"0xb1"` {
		t.Errorf("%s", got)
	}
	if d := cmp.Diff([]json.RawMessage{json.RawMessage(`["0xcc","0xb1"]`)}, s.Calls("state_getStorage")); d != "" {
		t.Error(d)
	}
}
