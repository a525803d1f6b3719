package registration_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/pow/cpu"
	"github.com/bittensor-go/bt/registration"
)

// The options of create_pow: how many engines of which kind search, and what a
// round is.
func TestSearchOptions(t *testing.T) {
	t.Setenv(cpu.Variable, "")
	c := start(t, devnet.Options{Difficulty: difficulty})
	client, who := c.dial(t), newRegistrant(t)
	best := cpu.Names()[0]
	for _, test := range []struct {
		opts registration.Options
		n    int
		name string
	}{
		{registration.Options{}, pow.CPUs(), best}, // num_processes=None
		{registration.Options{NumProcesses: 1, Backend: "auto"}, 1, best},
		{registration.Options{NumProcesses: 3, Backend: "cpu"}, 3, best},
		{registration.Options{NumProcesses: 2, Backend: "generic"}, 2, "generic"},
	} {
		var last registration.Progress
		test.opts.Progress = func(p registration.Progress) { last = p }
		s, err := registration.CreatePOW(soon(t), client, netuid, who.hot.Account(), who.cold.Account(), test.opts)
		if err != nil || s.Block != 2 {
			t.Errorf("%+v: %v, block %d", test.opts, err, s.Block)
			continue
		}
		if len(last.Stats.Engines) != test.n || last.Stats.Engines[0].Name != test.name {
			t.Errorf("%+v: %d engines, %+v", test.opts, len(last.Stats.Engines), last.Stats.Engines)
		}
	}

	for _, test := range []struct {
		opts registration.Options
		is   error
		says string
	}{
		{registration.Options{Backend: "gpu"}, registration.ErrBackend, "gpu"},
		{registration.Options{Backend: "CUDA"}, registration.ErrBackend, "CUDA"},
		{registration.Options{Backend: "opencl"}, registration.ErrBackend, "opencl"},
		{registration.Options{Backend: "abacus"}, nil, "abacus"},
		{registration.Options{NumProcesses: -1}, nil, "-1"},
	} {
		_, err := registration.CreatePOW(soon(t), client, netuid, who.hot.Account(), who.cold.Account(), test.opts)
		if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v", test.opts, err)
		}
	}
}

// A round of the statistics is as many seals as UpdateInterval says, 50,000 where
// it does not.
func TestUpdateInterval(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: hopeless})
	client, who := c.dial(t), newRegistrant(t)
	for _, interval := range []uint64{0, 1000} {
		ctx, cancel := context.WithCancel(soon(t))
		var last registration.Progress
		opts := registration.Options{NumProcesses: 1, Backend: "generic", UpdateInterval: interval, Progress: func(p registration.Progress) {
			if last = p; p.Stats.Hashes > 100_000 {
				cancel()
			}
		}}
		if _, err := registration.CreatePOW(ctx, client, netuid, who.hot.Account(), who.cold.Account(), opts); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if interval == 0 {
			interval = 50_000
		}
		if want := last.Stats.Hashes / interval; last.Stats.Rounds != want {
			t.Errorf("%d rounds of %d in %d seals, want %d", last.Stats.Rounds, interval, last.Stats.Hashes, want)
		}
	}
}

// The names of the issue and of package subtensor are one error each.
func TestErrorNames(t *testing.T) {
	c := start(t, devnet.Options{Difficulty: difficulty})
	client, who := c.dial(t), newRegistrant(t)
	_, err := registration.CreatePOW(soon(t), client, 999, who.hot.Account(), who.cold.Account(), registration.Options{})
	if !errors.Is(err, registration.ErrSubnetNotExist) {
		t.Errorf("netuid 999: %v", err)
	}
	hot := who.hot.Account()
	c.set(t, "Uids", u16(5), u16(netuid), hot[:])
	c.node.Step()
	_, err = registration.CreatePOW(soon(t), client, netuid, who.hot.Account(), who.cold.Account(), registration.Options{})
	if !errors.Is(err, registration.ErrAlreadyRegistered) {
		t.Errorf("registered already: %v", err)
	}
}
