package cli_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/cli"
)

// A search without hope is shown, and ends when the user wants it to.
func TestPowSolveInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out bytes.Buffer
	log := &watcher{word: "H/s, expected in ", call: interrupt}
	code := cli.Main(ctx, []string{
		"pow", "solve", "--rule", "genesis", "--block-hash", "0x" + strings.Repeat("01", 32),
		"--difficulty", "18446744073709551615", "--num-processes", "1",
	}, environment(t, &out, log))
	if code != 130 || out.Len() > 0 {
		t.Errorf("exit code %d, stdout %q", code, &out)
	}
	text := string(log.text)
	if !strings.HasPrefix(text, "solving the puzzle genesis: ") || !strings.Contains(text, "difficulty 18,446,744,073,709,551,615") || !strings.HasSuffix(text, "\ninterrupted\n") {
		t.Errorf("stderr %q", text)
	}
}

func TestPowBenchInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var out, log bytes.Buffer
	code := cli.Main(ctx, []string{"pow", "bench", "--time", "1h", "--engine", "generic"}, environment(t, &out, &log))
	if code != 130 || out.Len() > 0 || log.String() != "interrupted\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, &out, &log)
	}
}
