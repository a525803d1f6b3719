package wallet

import (
	"bytes"
	"sync"
)

// KeepKeys lets the key of a password be derived once: it takes seconds.
func KeepKeys() { boxKey, tokenKey = keep(boxKey), keep(tokenKey) }

func keep(derive func(string) ([]byte, error)) func(string) ([]byte, error) {
	var mu sync.Mutex
	keys := make(map[string][]byte)
	return func(password string) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		key, ok := keys[password]
		if !ok {
			var err error
			if key, err = derive(password); err != nil {
				return nil, err
			}
			keys[password] = key
		}
		return bytes.Clone(key), nil // who opens a file wipes it
	}
}
