package cpu

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/bittensor-go/bt/pow"
)

// Variable is the environment variable that names the implementation to use.
const Variable = "BT_CPU"

// Names returns the implementations that run on this machine, the best first:
// "avx512", "avx2", "generic".
func Names() []string {
	return append(simdNames(), generic)
}

const generic = "generic"

// Auto asks New for the first of [Names] that works, whatever BT_CPU says.
const Auto = "auto"

// New returns an engine of an implementation. Where name is empty it is the one
// that the environment variable BT_CPU names, else that of [Auto]. The error says which
// there are.
func New(name string) (pow.Engine, error) {
	asked := "engine " + name
	if name == "" {
		name = os.Getenv(Variable)
		asked = Variable + "=" + name
	}
	names := Names()
	switch {
	case name == "", name == Auto:
		return best(names)
	case !slices.Contains(names, name):
		return nil, fmt.Errorf("%s is not one that this machine runs: it runs %s", asked, strings.Join(names, ", "))
	}
	return newNamed(name)
}

// best returns the first of the engines that works: a machine may say that it has
// instructions which it, or what it runs under, gets wrong.
func best(names []string) (e pow.Engine, err error) {
	for _, name := range names {
		if e, err = newNamed(name); err == nil {
			break
		}
	}
	return e, err
}

func newNamed(name string) (pow.Engine, error) {
	if name == generic {
		return pow.NewGoEngine(), nil
	}
	return newSIMD(name)
}
