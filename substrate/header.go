package substrate

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/bittensor-go/bt/substrate/scale"
	"golang.org/x/crypto/blake2b"
)

// Header names a block. Hash is that of the encoded header (BLAKE2b-256).
type Header struct {
	Number       uint64
	Hash, Parent Hash
}

// parseHeader reads a header as nodes write it and computes its hash.
func parseHeader(raw json.RawMessage) (Header, error) {
	var h *struct {
		ParentHash     *Hash  `json:"parentHash"`
		Number         string `json:"number"`
		StateRoot      *Hash  `json:"stateRoot"`
		ExtrinsicsRoot *Hash  `json:"extrinsicsRoot"`
		Digest         *struct {
			Logs []string `json:"logs"`
		} `json:"digest"`
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return Header{}, fmt.Errorf("the node's header cannot be read: %w", err)
	}
	if h == nil {
		return Header{}, errors.New("the node gave no header")
	}
	if h.ParentHash == nil || h.StateRoot == nil || h.ExtrinsicsRoot == nil || h.Digest == nil {
		return Header{}, errors.New("the node's header is incomplete")
	}
	digits, ok := strings.CutPrefix(h.Number, "0x")
	number, err := strconv.ParseUint(digits, 16, 64)
	if !ok || err != nil {
		return Header{}, fmt.Errorf("the node's header has no block number: %q", clip(h.Number))
	}
	enc := append([]byte(nil), h.ParentHash[:]...)
	enc = scale.AppendCompact(enc, number)
	enc = append(enc, h.StateRoot[:]...)
	enc = append(enc, h.ExtrinsicsRoot[:]...)
	enc = scale.AppendCompact(enc, uint64(len(h.Digest.Logs)))
	for _, log := range h.Digest.Logs {
		item, err := unhex(log)
		if err != nil {
			return Header{}, fmt.Errorf("the node's header has a bad digest: %w", err)
		}
		enc = append(enc, item...)
	}
	return Header{Number: number, Hash: blake2b.Sum256(enc), Parent: *h.ParentHash}, nil
}

// unhex reads 0x and hexadecimal digits.
func unhex(s string) ([]byte, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return nil, fmt.Errorf("%q is not hexadecimal: 0x is missing", clip(s))
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("%q is not hexadecimal: %w", clip(s), err)
	}
	return b, nil
}

func tohex(b []byte) string { return "0x" + hex.EncodeToString(b) }

// Heads is a subscription to the chain's best blocks. Not every block passes by:
// a node reports the newest, and after a reorganisation numbers may repeat.
type Heads struct {
	sub *rpc.Subscription
}

// Heads subscribes to the chain's best blocks. The first is the newest that
// exists.
func (c *Client) Heads(ctx context.Context) (*Heads, error) {
	sub, err := c.conn.Subscribe(ctx, "chain_subscribeNewHeads", "chain_unsubscribeNewHeads")
	if err != nil {
		return nil, fmt.Errorf("subscribe to new blocks: %w", err)
	}
	return &Heads{sub}, nil
}

// Next waits for the next head.
func (h *Heads) Next(ctx context.Context) (Header, error) {
	raw, err := h.sub.Next(ctx)
	if err != nil {
		return Header{}, fmt.Errorf("wait for a new block: %w", err)
	}
	return parseHeader(raw)
}

// Close ends the subscription.
func (h *Heads) Close() error { return h.sub.Close() }
