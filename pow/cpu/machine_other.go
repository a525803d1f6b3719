//go:build !amd64 || purego

package cpu

// Clock returns how many cycles a second the calling core makes now, 0 where that
// cannot be measured.
func Clock() float64 { return 0 }
