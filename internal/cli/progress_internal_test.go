package cli

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// A registration that waits for its interval, searches, loses a race, loses its
// connection and goes on; told in lines, in lines of JSON, and not at all.
func TestReporter(t *testing.T) {
	at := func(n uint64) substrate.Header { return substrate.Header{Number: n} }
	work := func(n uint64) pow.Stats {
		return pow.Stats{Works: 1, Block: n, Difficulty: 5000, Chance: -1}
	}
	full := errors.New("too many registrations in this interval")
	steps := []registration.Progress{
		{Phase: registration.Waiting, Head: at(0), WaitBlocks: 300, WaitTime: time.Hour, Err: full},
		{Phase: registration.Waiting, Head: at(1), WaitBlocks: 299, WaitTime: 59*time.Minute + 48*time.Second, Err: full},
		{Phase: registration.Waiting, Head: at(299), WaitBlocks: 1, WaitTime: 12 * time.Second, Err: full},
		{Phase: registration.Solving, Head: at(300), Stats: work(300)},
		{Phase: registration.Submitting, Head: at(301), Attempts: 1},
		{Phase: registration.Submitted, Head: at(301), Attempts: 1},
		{Phase: registration.Solving, Head: at(302), Stats: work(302), Attempts: 1, Err: errors.New("somebody\x1b was faster")},
		{Phase: registration.Reconnecting, Head: at(302), Stats: work(302), Attempts: 1, Err: errors.New("the node hung up")},
	}
	for _, c := range []struct {
		name        string
		json, quiet bool
		want        string
	}{
		{name: "lines", want: `waiting for 300 blocks after 0, about 1h0m0s: too many registrations in this interval
waiting for 299 blocks after 1, about 59m48s: too many registrations in this interval
waiting for the next block after 299, about 12.0s: too many registrations in this interval
solving for netuid 1, block 300, difficulty 5,000, attempt 1
proof found at block 301, handing it in
waiting for a block to take it, 301 is the newest
attempt 1 failed: somebody� was faster
solving for netuid 1, block 302, difficulty 5,000, attempt 2
connecting again: the node hung up
`},
		{name: "JSON", json: true, want: `{"event":"waiting","netuid":1,"head_block":0,"wait_blocks":300,"wait_seconds":3600,"error":"too many registrations in this interval"}
{"event":"waiting","netuid":1,"head_block":1,"wait_blocks":299,"wait_seconds":3588,"error":"too many registrations in this interval"}
{"event":"waiting","netuid":1,"head_block":299,"wait_blocks":1,"wait_seconds":12,"error":"too many registrations in this interval"}
{"event":"solving","netuid":1,"head_block":300,"work_block":300,"difficulty":5000,"attempt":1,"hashes":0,"seconds":0,"rate":0}
{"event":"message","message":"proof found at block 301, handing it in"}
{"event":"submitting","netuid":1,"head_block":301}
{"event":"submitted","netuid":1,"head_block":301}
{"event":"message","message":"attempt 1 failed: somebody� was faster"}
{"event":"solving","netuid":1,"head_block":302,"work_block":302,"difficulty":5000,"attempt":2,"hashes":0,"seconds":0,"rate":0,"error":"somebody� was faster"}
{"event":"reconnecting","netuid":1,"head_block":302,"error":"the node hung up"}
`},
		{name: "quiet", quiet: true},
		{name: "quiet JSON", quiet: true, json: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out, said bytes.Buffer
				a := newApp(Env{Getenv: func(string) string { return "" }, Stdout: &out, Stderr: &said})
				a.jsonLines, a.quiet = c.json, c.quiet
				netuid := uint16(1)
				r := a.reporter("netuid 1", &netuid, false)
				for _, p := range steps {
					r.progress(p)
					<-time.After(6 * time.Second)
				}
				if d := cmp.Diff(c.want, said.String()); d != "" || out.Len() > 0 {
					t.Errorf("stdout %q, stderr (-want +got):\n%s", &out, d)
				}
			})
		})
	}
}

// With --log-verbose and --json a line has what the block on the terminal has.
func TestVerboseLine(t *testing.T) {
	var said bytes.Buffer
	a := newApp(Env{Getenv: func(string) string { return "" }, Stdout: &said, Stderr: &said})
	a.jsonLines = true
	a.reporter("the faucet", nil, true).progress(registration.Progress{
		Phase: registration.Solving, Head: substrate.Header{Number: 7}, Terms: subtensor.Terms{Rule: subtensor.Rule{Signer: subtensor.HotkeySigns, PaysFee: true}, Fee: 123_456},
		Stats: pow.Stats{
			Works: 1, Block: 7, BlockHash: [32]byte{0xab}, Difficulty: 9, Hashes: 30, Elapsed: 2 * time.Second, Rate: 20, MeanRate: 15, Rounds: 3, RoundMean: 500 * time.Millisecond,
			Best: 8, Expected: 450 * time.Millisecond, Chance: 0.5, Engines: []pow.EngineStats{{Name: "go", Hashes: 30, MeanRate: 15}},
		},
	})
	want := `{"event":"message","message":"the hotkey pays a fee of 0.000123456 TAO for each attempt, also for one that fails"}
{"event":"solving","head_block":7,"work_block":7,"difficulty":9,"attempt":1,"hashes":30,"seconds":2,"rate":20,"expected_seconds":0.45,"chance":0.5,"best_share":8,` +
		`"work_block_hash":"0xab00000000000000000000000000000000000000000000000000000000000000","mean_rate":15,"rounds":3,"round_seconds":0.5,"engines":[{"name":"go","hashes":30,"rate":15}]}
`
	if d := cmp.Diff(want, said.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Draws that were made are told, also where an error came after them.
func TestDrawsBeforeAnError(t *testing.T) {
	result := registration.FaucetResult{Before: 5, Attempts: 4, Draws: []registration.Draw{{
		Block: substrate.Header{Number: 9}, Balance: 1_000_000_000_005, Solution: pow.Solution{Nonce: 3, Seal: pow.Seal{31: 1}}, Stats: pow.Stats{Hashes: 4, Elapsed: 2 * time.Second},
	}}}
	c := &subtensor.Client{Network: subtensor.Network{Name: "local", Endpoint: "ws://127.0.0.1:9944/secret"}}
	account := "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM" // 32 zeros
	for _, v := range []struct {
		json bool
		want string
	}{
		{false, "drawn       1 time\nbalance     1000.000000005 TAO, before 0.000000005\ncoldkey     " + account + "\nerror: no proof was accepted\n"},
		{true, `{"network":"local","endpoint":"ws://127.0.0.1:9944","coldkey":"` + account + `","before_rao":5,"after_rao":1000000000005,"attempts":4,` +
			`"draws":[{"block":9,"balance_rao":1000000000005,"nonce":3,"seal":"0x0000000000000000000000000000000000000000000000000000000000000001","hashes":4,"seconds":2}],` +
			`"error":"no proof was accepted","exit_code":4}` + "\nerror: no proof was accepted\n"},
	} {
		var said bytes.Buffer
		a := newApp(Env{Getenv: func(string) string { return "" }, Stdout: &said, Stderr: &said})
		a.json = v.json
		if code := a.fail(a.printDraws(c, registration.Keys{}, result, registration.ErrAttempts)); code != exitChain {
			t.Errorf("exit code %d", code)
		}
		if d := cmp.Diff(v.want, said.String()); d != "" {
			t.Errorf("json %t (-want +got):\n%s", v.json, d)
		}
	}
}
