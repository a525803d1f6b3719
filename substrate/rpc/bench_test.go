package rpc_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate/rpc"
)

// BenchmarkDecodeHex decodes a result of 16 MB; bytes are those of the text.
func BenchmarkDecodeHex(b *testing.B) {
	text := json.RawMessage(`"0x` + strings.Repeat("0123456789abcdef", 1<<20) + `"`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rpc.DecodeHex(text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCallHex16MB is DecodeHex with the WebSocket before it.
func BenchmarkCallHex16MB(b *testing.B) {
	const room = `{"id":          `
	answer := []byte(room + `,"result":"0x` + strings.Repeat("0123456789abcdef", 1<<20) + `"}`)
	s := nodetest.NewServer(b, func(c *nodetest.Conn) {
		id := 0
		c.Drain(func([]byte) {
			id++
			copy(answer[len(`{"id":`):len(room)], strconv.Itoa(id))
			c.SendBytes(answer)
		})
	})
	c := dial(b, s, rpc.Options{})
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		if got, err := c.CallHex(b.Context(), "state_call"); err != nil || len(got) != 8<<20 {
			b.Fatal(len(got), err)
		}
	}
}

// BenchmarkCall is a round trip over loopback.
func BenchmarkCall(b *testing.B) {
	s := nodetest.NewServer(b, func(c *nodetest.Conn) {
		id := 0
		c.Drain(func([]byte) {
			id++
			c.Send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":"0x01"}`, id))
		})
	})
	c := dial(b, s, rpc.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.CallHex(b.Context(), "state_call", "Core_version", "0x"); err != nil {
			b.Fatal(err)
		}
	}
}
