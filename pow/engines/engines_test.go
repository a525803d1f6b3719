package engines_test

import (
	"strings"
	"testing"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/cpu"
	"github.com/bittensor-go/bt/pow/engines"
)

func TestNew(t *testing.T) {
	t.Setenv(cpu.Variable, "")
	best := cpu.Names()[0]
	for _, tt := range []struct {
		options engines.Options
		n       int
		name    string
		err     string
	}{
		{engines.Options{}, pow.CPUs(), best, ""},
		{engines.Options{NumProcesses: 3}, 3, best, ""},
		{engines.Options{NumProcesses: 1, CPU: "generic"}, 1, "generic", ""},
		{engines.Options{NumProcesses: -1}, 0, "", "-1 processes"},
		{engines.Options{CPU: "abacus"}, 0, "", "abacus"},
	} {
		all, err := engines.New(tt.options)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%+v: %v, want %q", tt.options, err, tt.err)
			}
			continue
		}
		if err != nil || len(all) != tt.n {
			t.Errorf("%+v: %d engines, %v, want %d", tt.options, len(all), err, tt.n)
			continue
		}
		for i, e := range all {
			if e.Name() != tt.name || i > 0 && e == all[0] {
				t.Errorf("%+v: engine %d is %s", tt.options, i, e.Name())
			}
		}
	}
}
