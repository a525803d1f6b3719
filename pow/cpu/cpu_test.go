package cpu_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/powtest"
	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/cpu"
)

func TestEngines(t *testing.T) {
	for _, name := range cpu.Names() {
		t.Run(name, func(t *testing.T) {
			powtest.Run(t, func() pow.Engine {
				e, err := cpu.New(name)
				if err != nil {
					t.Fatal(err)
				}
				return e
			})
		})
	}
}

func TestNew(t *testing.T) {
	names := cpu.Names()
	if !slices.Contains(names, "generic") {
		t.Errorf("there is no generic engine among %v", names)
	}
	t.Setenv(cpu.Variable, "")
	if e, err := cpu.New(""); err != nil || e.Name() != names[0] {
		t.Errorf("%v, %v, want %s", e, err, names[0])
	}
	for _, name := range names {
		t.Setenv(cpu.Variable, name)
		if e, err := cpu.New(""); err != nil || e.Name() != name {
			t.Errorf("%s=%s: %v, %v", cpu.Variable, name, e, err)
		}
	}
	if e, err := cpu.New("generic"); err != nil || e.Name() != "generic" {
		t.Errorf("the option does not come before the variable: %v, %v", e, err)
	}
	for _, name := range []string{"mmx", "AVX2 ", "avx512\x00"} {
		if _, err := cpu.New(name); err == nil || !strings.Contains(err.Error(), strings.Join(names, ", ")) {
			t.Errorf("%q: %v", name, err)
		}
	}
	t.Setenv(cpu.Variable, "mmx")
	if e, err := cpu.New(cpu.Auto); err != nil || e.Name() != names[0] {
		t.Errorf("%v, %v, want %s", e, err, names[0])
	}
	if _, err := cpu.New(""); err == nil || !strings.Contains(err.Error(), "BT_CPU=mmx") {
		t.Error(err)
	}
}
