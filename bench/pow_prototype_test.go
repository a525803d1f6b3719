//go:build prototype

package bench

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/bench/powpeers"
)

// bound is what the classic puzzle hashes behind the nonce.
func bound() [32]byte {
	return [32]byte(puzzles[0].AppendPreimage(nil, 0)[8:])
}

// prototypes are the kernels that bt's are to be no slower than.
func prototypes() (all []searcher) {
	for _, k := range powpeers.Kernels() {
		first, behind := uint32(0), bound()
		all = append(all, searcher{"prototype:" + dashed(strings.TrimPrefix(k.Name, "prototype ")), func(count uint64) error {
			k.Search(behind, 0, first, int(count), 0)
			first += uint32(count)
			return nil
		}})
	}
	return all
}

// dashed makes a name one word.
func dashed(name string) string {
	return strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(name, "-"), "-")
}

// TestPoWPrototypes holds the prototypes to the seals, as TestPoWLibraries the
// libraries.
func TestPoWPrototypes(t *testing.T) {
	const high, first, count, top = 7, 1 << 12, 1 << 10, math.MaxUint64 / 8
	want := newLibraries(puzzles[0].Challenge, 0).search(high<<32|first, count, top)
	for _, k := range powpeers.Kernels() {
		if got := k.Search(bound(), high, first, count, top); got != want {
			t.Errorf("%s: %d hits, want %d", k.Name, got, want)
		}
	}
}
