package cli_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/cli"
)

// Proofs that the chain refuses are made again, as often as --max-attempts says.
func TestMaxAttempts(t *testing.T) {
	chain, err := devnet.Start(devnet.Options{BlockTime: 100 * time.Millisecond, Difficulty: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer chain.Close()
	const submit = "author_submitAndWatchExtrinsic"
	endpoint := between(t, chain.URL(), func(q call) string {
		if q.Method == submit {
			return `"error":{"code":1010,"message":"Invalid Transaction","data":"Custom error: 255"}`
		}
		return ""
	}, submit)
	var out, said bytes.Buffer
	env := environment(t, &out, &said)
	if code := cli.Main(t.Context(), []string{"wallet", "new", "--no-password", "--quiet"}, env); code != 0 {
		t.Fatalf("exit code %d: %s", code, &said)
	}
	out.Reset()
	if code := cli.Main(t.Context(), []string{"register", "1", "--network", endpoint, "--max-attempts", "2"}, env); code != 4 || out.Len() > 0 {
		t.Errorf("exit code %d: %s", code, &out)
	}
	for _, want := range []string{"attempt 1 failed: ", "no proof was accepted in 2 attempts: ", "BadRequest", "means: ", "try: solve again"} {
		if n := strings.Count(said.String(), want); n != 1 && want != "BadRequest" || n == 0 {
			t.Errorf("%q was said %d times: %s", want, n, &said)
		}
	}
	said.Reset()
	code := cli.Main(t.Context(), []string{"register", "1", "--network", endpoint, "--max-attempts", "1", "--json"}, env)
	var document struct {
		Chain    string `json:"chain_error"`
		Meaning  string `json:"meaning"`
		Try      string `json:"try"`
		ExitCode int    `json:"exit_code"`
	}
	if err := json.Unmarshal(out.Bytes(), &document); err != nil || code != 4 || document.ExitCode != 4 || document.Chain != "BadRequest" || document.Meaning == "" || document.Try == "" {
		t.Errorf("exit code %d, %v: %s", code, err, &out)
	}
	for line := range strings.Lines(said.String()) {
		var event struct{ Event string }
		if err := json.Unmarshal([]byte(line), &event); err != nil || event.Event == "" {
			t.Errorf("%v: %q is no event", err, line)
		}
	}
}

// The signer of an older chain's register is told that it pays.
func TestFeeIsTold(t *testing.T) {
	old := flavours["classic"]
	if err := old.forge(); err != nil {
		t.Fatal(err)
	}
	runtime := []string{"state_getStorageHash", "state_getRuntimeVersion", "state_getMetadata"}
	for _, c := range []struct {
		name string
		old  bool
		want int // times it is told
	}{{"spec 394", true, 1}, {"today", false, 0}} {
		t.Run(c.name, func(t *testing.T) {
			chain, err := devnet.Start(devnet.Options{Difficulty: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer chain.Close()
			endpoint := between(t, chain.URL(), func(q call) string {
				switch {
				case c.old && q.Method == "state_call" && strings.Contains(string(q.Params[0]), "query_info"):
					return `"result":"0x000000a086010000000000"` // no weight, class normal, a fee of 100,000 rao
				case q.Method == "author_submitAndWatchExtrinsic":
					return `"error":{"code":1010,"message":"Invalid Transaction","data":"enough"}`
				case c.old && q.Method == "state_call" && strings.Contains(string(q.Params[0]), "Metadata_"):
					return `"error":{"code":-32601,"message":"Method not found"}`
				case c.old && slices.Contains(runtime, q.Method):
					return old.says(q)
				}
				return ""
			})
			var out, said bytes.Buffer
			env := environment(t, &out, &said)
			// The hotkey has to have what it pays with.
			for _, args := range [][]string{{"--uri", "//Alice", "--no-password"}, {"--uri", "//Bob", "--use-hotkey"}} {
				if code := cli.Main(t.Context(), append([]string{"wallet", "import", "--quiet"}, args...), env); code != 0 {
					t.Fatalf("exit code %d: %s", code, &said)
				}
			}
			out.Reset()
			code := cli.Main(t.Context(), []string{"register", "1", "--network", endpoint}, env)
			told := strings.Count(said.String(), "the hotkey pays a fee of 0.000100000 TAO for each attempt, also for one that fails\n")
			if code != 4 || out.Len() > 0 || told != c.want || strings.Count(said.String(), "pays") != c.want || !strings.Contains(said.String(), "enough") {
				t.Errorf("exit code %d, told %d times: %s", code, told, &said)
			}
		})
	}
}
