package rpc_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/substrate/rpc"
)

// FuzzReceive gives a connection whatever a node may send. Where encoding/json
// can read a single message, both must see the same result.
func FuzzReceive(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatal("no transcripts", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "<-- "); ok {
				f.Add([]byte(text))
			}
		}
	}
	for _, text := range []string{
		`{"id":1,"result":"\ud800\"x"}`, `{"id":1,"id":2,"result":"0x00","result":"0x01"}`, `{"id":1,"result":{"a":[}]}}`,
		`{"id":5,"result":{}}`, `[{"id":3,"result":1},{"id":3,"result":1},{"id":4,"error":{"code":"x"}}]`, `{"id":1,"result":tru}`,
		`{"method":"n","params":{"subscription":"s","result":1}}`, `{"id":null,"error":{}}`, `{"error":7}`, `[[]]`, `{"a":"\\\""`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := rpc.NewReceiver()
		input := bytes.Clone(text)
		err := r.Receive(input)
		raw, rawErr, have := r.Raw()
		if have && rawErr == nil && !json.Valid(raw) {
			t.Errorf("a result that is not JSON: %q", raw)
		}
		var want struct {
			ID     json.RawMessage `json:"id"`
			Method json.RawMessage `json:"method"`
			Result json.RawMessage `json:"result"`
			Error  json.RawMessage `json:"error"`
		}
		var names map[string]json.RawMessage
		if json.Unmarshal(text, &names) != nil || names == nil {
			return
		}
		// Exact names only: a struct would take "ID" for "id".
		want.ID, want.Method, want.Result, want.Error = names["id"], names["method"], names["result"], names["error"]
		if string(want.ID) != "1" || want.Method != nil || want.Error != nil {
			return
		}
		if err != nil || !have {
			t.Fatalf("the answer was not taken: %v", err)
		}
		if want.Result != nil && (rawErr != nil || !bytes.Equal(raw, want.Result)) {
			t.Errorf("result %q, %v, want %q", raw, rawErr, want.Result)
		}
		// A second message must find the same connection.
		if err := r.Receive(text); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

// FuzzDecodeHex gives the decoder of results what a node may send, and holds it to
// encoding/json and encoding/hex.
func FuzzDecodeHex(f *testing.F) {
	for _, n := range []int{0, 1, 31, 32, 33, 63, 64, 65, 130} {
		digits := strings.Repeat("0123456789abcdefABCDEF", 12)[:2*n]
		f.Add([]byte(`"0x` + digits + `"`))
		f.Add([]byte(`"0x` + digits + `g"`))
		f.Add([]byte(`"0x` + digits + "\xff0" + digits + `"`))
	}
	for _, text := range []string{"null", `""`, `"0x`, `"00"`, `1`, `"\u0030x00"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := rpc.DecodeHex(text)
		var plain string
		want, wantErr := []byte(nil), json.Unmarshal(text, &plain)
		if digits, ok := strings.CutPrefix(plain, "0x"); wantErr == nil && ok {
			want, wantErr = hex.DecodeString(digits)
		} else if string(text) != "null" {
			wantErr = rpc.ErrMalformed
		}
		// What JSON could write otherwise is refused: nodes do not.
		if err != nil && (bytes.ContainsRune(text, '\\') || len(bytes.TrimSpace(text)) < len(text)) {
			return
		}
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%q: %x, %v, want %x, %v", text, got, err, want, wantErr)
		}
	})
}
