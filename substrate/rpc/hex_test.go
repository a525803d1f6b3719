package rpc_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
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
		// One digit that is none, anywhere.
		at := 2 + rapid.IntRange(0, 2*len(b)-1).Draw(t, "at")
		wrong := rapid.Byte().Filter(func(c byte) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) }).Draw(t, "wrong")
		broken := text[:at] + string([]byte{wrong}) + text[at+1:]
		if got, err := rpc.DecodeHex(json.RawMessage(`"` + broken + `"`)); !errors.Is(err, rpc.ErrMalformed) {
			t.Fatalf("DecodeHex(%q): %x, %v", broken, got, err)
		}
	})
}
