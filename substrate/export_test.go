package substrate

import (
	"context"
	"encoding/json"
)

// ParseHeader is parseHeader.
func ParseHeader(raw json.RawMessage) (Header, error) { return parseHeader(raw) }

// ParseStorage is parseStorage.
func ParseStorage(raw json.RawMessage, block Hash, keys [][]byte) ([][]byte, error) {
	return parseStorage(raw, block, keys)
}

// ParseStatus is parseStatus, without what it returns.
func ParseStatus(raw json.RawMessage) error {
	_, err := parseStatus(raw)
	return err
}

// RuntimeCache is runtimeCache in memory alone.
type RuntimeCache struct{ c runtimeCache }

// NewRuntimeCache returns an empty cache.
func NewRuntimeCache() *RuntimeCache {
	return &RuntimeCache{runtimeCache{entries: make(map[Hash]*runtimeEntry)}}
}

// Get is runtimeCache.get.
func (c *RuntimeCache) Get(ctx context.Context, code Hash, load func(context.Context) (*Runtime, error)) (*Runtime, error) {
	return c.c.get(ctx, code, load)
}
