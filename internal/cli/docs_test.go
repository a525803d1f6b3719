package cli_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/internal/cli"
)

// TestDocumentedCommands holds every command that a document shows to the program:
// it and its flags exist. What they do, the scripts show.
func TestDocumentedCommands(t *testing.T) {
	shown := 0
	for _, path := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", filepath.Join("docs", "benchmarks.md")} {
		text, err := os.ReadFile(filepath.Join("..", "..", path))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), "#")
			args, ok := strings.CutPrefix(command, "bt ")
			if !ok || !strings.HasPrefix(line, "    ") {
				continue
			}
			shown++
			var stderr bytes.Buffer
			if code := cli.Main(t.Context(), append(strings.Fields(args), "--help"), environment(t, io.Discard, &stderr)); code != 0 {
				t.Errorf("%s: bt %s: exit code %d\n%s", path, args, code, stderr.String())
			}
		}
	}
	if shown < 10 {
		t.Errorf("only %d commands were found", shown)
	}
}
