package ss58_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/ss58"
	"pgregory.net/rapid"
)

func Example() {
	alice, err := ss58.Parse("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x...\n", alice[:4])
	fmt.Println(ss58.Encode(alice, 0)) // as Polkadot writes it
	_, err = ss58.Parse("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQX")
	fmt.Println(err)
	// Output:
	// d43593c7...
	// 15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5
	// no SS58 address: the checksum of "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQX" is wrong: it holds a typing error
}

// The keys of an independent implementation, by hexadecimal and by address.
func TestAgainstKeyring(t *testing.T) {
	dir := vectors.Parity(t)
	var file any
	vectors.JSON(t, dir+"/wallets/keys.json.gz", &file)
	n := 0
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			pub, _ := v["public"].(string)
			addr, _ := v["ss58"].(string)
			if pub != "" && addr != "" {
				n++
				id, err := ss58.Parse(addr)
				if err != nil || hex.EncodeToString(id[:]) != pub {
					t.Errorf("%s: %x, %v, want %s", addr, id, err, pub)
				}
				if id.String() != addr {
					t.Errorf("%s became %s", addr, id)
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(file)
	if n < 5 {
		t.Errorf("%d keys", n)
	}
}

func TestParseRefuses(t *testing.T) {
	for in, mention := range map[string]string{
		"":    "base 58",
		"5Gr": "complete",
		"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKut0Y": "base 58", // 0 is no digit
		"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKuQtY": "typing error",
		"15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5": "prefix 0",
		"0x1234":                       "64 hexadecimal digits",
		"0x" + strings.Repeat("g", 64): "64 hexadecimal digits",
		strings.Repeat("5", 1<<20):     "base 58",
	} {
		if id, err := ss58.Parse(in); !errors.Is(err, ss58.ErrAddress) || !strings.Contains(err.Error(), mention) || id != (ss58.AccountID{}) || len(err.Error()) > 300 {
			t.Errorf("%.60q: %v, no mention of %q", in, err, mention)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var id ss58.AccountID
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "id"))
		prefix := rapid.Uint16Range(0, 1<<14-1).Draw(t, "prefix")
		s := ss58.Encode(id, prefix)
		got, p, err := ss58.Decode(s)
		if err != nil || got != id || p != prefix {
			t.Fatalf("%x under %d became %q, and that %x under %d: %v", id, prefix, s, got, p, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")
	f.Add("1111111111111111111111111111111111111111111111111")
	f.Add("15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5")
	f.Fuzz(func(t *testing.T, s string) {
		if id, prefix, err := ss58.Decode(s); err == nil && ss58.Encode(id, prefix) != s {
			t.Errorf("%q is another way to write %q", s, ss58.Encode(id, prefix))
		}
	})
}
