// Package engines makes the engines that options ask for. It is the only room that
// knows all kinds of them.
package engines

import (
	"fmt"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/cpu"
)

// Options say which engines are wanted. The zero value is the best that the machine
// has, as many as it has processors for this process.
type Options struct {
	NumProcesses int    // engines, one a processor; 0 for all
	CPU          string // an implementation of package cpu, or cpu.Auto; "" for BT_CPU, else the best
}

// New returns the engines. The error says what is wrong with the options, or which
// implementations there are.
func New(o Options) ([]pow.Engine, error) {
	n := o.NumProcesses
	if n < 0 {
		return nil, fmt.Errorf("%d processes cannot be", n)
	}
	if n == 0 {
		n = pow.CPUs()
	}
	all := make([]pow.Engine, n)
	for i := range all {
		var err error
		if all[i], err = cpu.New(o.CPU); err != nil {
			return nil, err
		}
	}
	return all, nil
}
