package pow

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
)

// Target is the largest number that a seal may be read as, least significant
// limb first.
type Target [4]uint64

// TargetFor returns floor((2^256-1) / difficulty): a seal meets it exactly where
// seal * difficulty does not overflow 256 bits, which is the chain's test. At
// difficulties 0 and 1 every seal does.
func TargetFor(difficulty uint64) Target {
	difficulty = max(difficulty, 1)
	var t Target
	var rem uint64
	for i := len(t) - 1; i >= 0; i-- {
		t[i], rem = bits.Div64(rem, math.MaxUint64, difficulty)
	}
	return t
}

// Met reports whether a seal, read in the given order, is at most the target.
func (t Target) Met(s Seal, reading Order) bool {
	v := s.limbs(reading)
	for i := len(t) - 1; i > 0; i-- {
		if v[i] != t[i] {
			return v[i] < t[i]
		}
	}
	return v[0] <= t[0]
}

// String returns the target as 64 hexadecimal digits, most significant first.
func (t Target) String() string {
	return fmt.Sprintf("0x%016x%016x%016x%016x", t[3], t[2], t[1], t[0])
}

// Difficulty returns the largest difficulty that the seal meets when read in the
// given order: floor((2^256-1) / seal), or the largest uint64 where that is
// larger. A seal of ones meets 1, as every seal does.
func (s Seal) Difficulty(reading Order) uint64 {
	v := s.limbs(reading)
	if v[3] == 0 { // below 2^192: the quotient exceeds 64 bits
		return math.MaxUint64
	}
	var seal, limit big.Int
	for i := 3; i >= 0; i-- {
		seal.Lsh(&seal, 64).Or(&seal, new(big.Int).SetUint64(v[i]))
	}
	limit.Lsh(big.NewInt(1), 256).Sub(&limit, big.NewInt(1))
	return limit.Quo(&limit, &seal).Uint64()
}
