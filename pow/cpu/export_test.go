//go:build amd64 && !purego

package cpu

import "github.com/bittensor-go/bt/pow"

// Pairs are engines of all kernels that this machine runs.
func Pairs() map[string]func() pow.Engine {
	pairs := make(map[string]func() pow.Engine)
	for name, lanes := range vectorsOf() {
		for _, s := range summers(lanes) {
			for _, k := range markers(lanes) {
				pairs[name+"/"+s.name+"/"+k.name] = func() pow.Engine { return newEngine(name, s, k) }
			}
		}
	}
	return pairs
}
