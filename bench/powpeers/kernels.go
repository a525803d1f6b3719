//go:build prototype

// Package powpeers has the kernels that came before bt's, so that they can be
// measured in the same process. It is theirs: bench/pow.sh adds their files, with
// this package's name, to what the compiler sees.
package powpeers

// Kernel searches the classic puzzle.
type Kernel struct {
	Name string
	// Search tries count nonces, a multiple of 256, and returns how many of their
	// seals have highest eight bytes of at most top, read little-endian.
	Search func(bound [32]byte, high, first uint32, count int, top uint64) int
}

// Kernels returns all of them. They share memory: one goroutine may use them.
func Kernels() (all []Kernel) {
	hits := make([]uint32, 0, 1<<12)
	var prepared struct {
		bound [32]byte
		high  uint32
		top   uint64
	}
	for i := range kerns {
		k := &kerns[i]
		all = append(all, Kernel{k.name, func(bound [32]byte, high, first uint32, count int, top uint64) int {
			now := prepared
			now.bound, now.high, now.top = bound, high, top
			if now != prepared {
				S.init(bound[:], high)
				setTarget(top)
				prepared = now
			}
			hits = k.search(first, count, hits[:0])
			return len(hits)
		}})
	}
	return all
}
