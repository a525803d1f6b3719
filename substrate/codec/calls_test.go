package codec_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// Every recorded extrinsic is read by the types that the metadata names for its
// parts, and its call is built again from the recorded arguments.
func TestExtrinsics(t *testing.T) {
	total, calls := 0, 0
	for _, f := range folders(t) {
		file := filepath.Join(vectors.Dir(t), f.dir, "pow", "register_cases.json")
		if _, err := os.Stat(file); err != nil {
			continue
		}
		var cases struct {
			Results []struct {
				Case, Call, Extrinsic, Signer string
				Args                          map[string]any
			}
		}
		vectors.JSON(t, file, &cases)
		c := codec.New(f.md.Types)
		for _, x := range cases.Results {
			if x.Extrinsic == "" || x.Call == "" {
				continue
			}
			name := f.dir + ": " + x.Case
			total++
			call := unhex(t, strings.TrimPrefix(x.Call, "0x"))
			r := scale.NewReader(unhex(t, strings.TrimPrefix(x.Extrinsic, "0x")))
			body := r.ByteString()
			if err := r.Finish(); err != nil || body[0] != 0x84 {
				t.Fatalf("%s: %v", name, err)
			}

			// Address, signature, extensions, call; each is encoded again.
			r = scale.NewReader(body[1:])
			again := []byte{0x84}
			ids := []metadata.TypeID{f.md.Extrinsic.Address, f.md.Extrinsic.Signature}
			for _, e := range f.md.Extrinsic.Extensions {
				ids = append(ids, e.Extra)
			}
			var parts []any
			for _, id := range append(ids, f.md.CallType) {
				v, err := c.Value(id, r)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if again, err = c.Append(again, id, v); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				parts = append(parts, v)
			}
			if err := r.Finish(); err != nil || !bytes.Equal(again, body) {
				t.Errorf("%s: %x becomes %x, %v", name, body, again, err)
			}
			address := parts[0].(*codec.Variant)
			if address.Name != "Id" || ss58.AccountID(address.Fields[0].Value.([]byte)).String() != x.Signer {
				t.Errorf("%s: address %v, want %s", name, address, x.Signer)
			}

			pallet := parts[len(parts)-1].(*codec.Variant)
			function := pallet.Fields[0].Value.(*codec.Variant)
			_, def, ok := f.md.Call(pallet.Name, function.Name)
			if !ok {
				t.Fatalf("%s: no call %s", name, function.Name)
			}
			args := make(map[string]any)
			for k, v := range x.Args {
				args[k] = argument(t, v)
			}
			if len(args) == 0 || len(args) != len(def.Fields) || args[def.Fields[len(args)-1].Name] == nil {
				continue // some records name arguments of the test instead
			}
			calls++
			built, err := c.AppendFields([]byte{pallet.Index, function.Index}, def.Fields, args)
			if err != nil || !bytes.Equal(built, call) {
				t.Errorf("%s: built %x, %v, want %x", name, built, err, call)
			}
		}
	}
	if total < 100 || calls < 100 {
		t.Errorf("only %d extrinsics, %d calls", total, calls)
	}
}

// argument makes a Go value of a recorded argument.
func argument(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	case string:
		if digits, ok := strings.CutPrefix(v, "0x"); ok {
			return unhex(t, digits)
		}
		if n, ok := new(big.Int).SetString(v, 10); ok {
			return n
		}
		id, err := ss58.Parse(v)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	t.Fatalf("unknown argument %v", v)
	return nil
}
