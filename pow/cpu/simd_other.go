//go:build !amd64 || purego

package cpu

import (
	"errors"

	"github.com/bittensor-go/bt/pow"
)

func simdNames() []string { return nil }

func newSIMD(name string) (pow.Engine, error) {
	return nil, errors.New("there is no engine " + name + " for this processor")
}
