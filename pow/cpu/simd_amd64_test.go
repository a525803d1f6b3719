//go:build !purego

package cpu_test

import (
	"testing"

	"github.com/bittensor-go/bt/internal/powtest"
	"github.com/bittensor-go/bt/pow/cpu"
)

// Whichever kernels are chosen, all are right.
func TestPairs(t *testing.T) {
	for name, engine := range cpu.Pairs() {
		t.Run(name, func(t *testing.T) { powtest.Run(t, engine) })
	}
}

func TestClock(t *testing.T) {
	if hz := cpu.Clock(); hz < 100e6 || hz > 20e9 {
		t.Errorf("the clock runs at %g Hz", hz)
	}
}
