package rpc_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/substrate/rpc"
)

// TestHexProperty holds the decoder to encoding/hex, in either case of letters.
func TestHexProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "bytes")
		text := "0x" + hex.EncodeToString(b)
		if got := rpc.EncodeHex(b); got != text {
			t.Fatalf("EncodeHex: %s, want %s", got, text)
		}
		if rapid.Bool().Draw(t, "upper") {
			text = "0x" + strings.ToUpper(text[2:])
		}
		got, err := rpc.DecodeHex(json.RawMessage(`"` + text + `"`))
		if err != nil || !bytes.Equal(got, b) {
			t.Fatalf("DecodeHex(%s): %x, %v", text, got, err)
		}
		if len(b) == 0 {
			return
		}
		// Characters that are no digits, anywhere: the first one is named.
		notHex := rapid.Byte().Filter(func(c byte) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) })
		broken, first := []byte(text[2:]), len(text)
		for range rapid.IntRange(1, 3).Draw(t, "broken") {
			at := rapid.IntRange(0, len(broken)-1).Draw(t, "at")
			broken[at], first = notHex.Draw(t, "wrong"), min(first, at)
		}
		want := fmt.Sprintf("digit %d of %d is %q,", first, len(broken), broken[first])
		got, err = rpc.DecodeHex(json.RawMessage(`"0x` + string(broken) + `"`))
		if got != nil || !errors.Is(err, rpc.ErrMalformed) || !strings.Contains(err.Error(), want) {
			t.Fatalf("DecodeHex(%q): %x, %v, want %s", broken, got, err, want)
		}
	})
}

// TestHexPairs tries every pair of characters, where many or several bytes are
// decoded at once and behind that.
func TestHexPairs(t *testing.T) {
	ten := strings.Repeat("0123456789abcdeffeDCBA", 10)
	for pair := range 1 << 16 {
		two := string([]byte{byte(pair >> 8), byte(pair)})
		at := 2 * (pair * 7 % 32) // in a block of 64
		for _, digits := range []string{"0123" + two + "ab", "01234567" + two, ten[:at] + two + ten[:62-at], ten[:64+at] + two + ten[:70-at]} {
			want, wantErr := hex.DecodeString(digits)
			got, err := rpc.DecodeHex(json.RawMessage(`"0x` + digits + `"`))
			if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
				t.Fatalf("%q: %x, %v, want %x, %v", digits, got, err, want, wantErr)
			}
		}
	}
}
