//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// python returns the folder of programs of a virtual environment that holds what
// the requirements.txt of a folder lists. It is made where there is none of
// these requirements yet, as folder/.venv.
func python(t *testing.T, folder string) string {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(folder, "requirements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	venv, err := filepath.Abs(filepath.Join(folder, ".venv"))
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(venv, "bin")
	if runtime.GOOS == "windows" {
		bin = filepath.Join(venv, "Scripts")
	}
	installed := filepath.Join(venv, "installed.txt")
	if has, err := os.ReadFile(installed); err == nil && bytes.Equal(has, want) {
		return bin
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatalf("python3 (3.10 or newer, with venv) is needed: %v", err)
	}
	command(t, "python3", "-m", "venv", "--clear", venv)
	command(t, filepath.Join(bin, "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--requirement", filepath.Join(folder, "requirements.txt"))
	if err := os.WriteFile(installed, want, 0o644); err != nil {
		t.Fatal(err)
	}
	return bin
}

// command runs a program to its end and returns what it wrote to its output. The
// test fails with what it said where it fails.
func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	return output(t, exec.CommandContext(ctx, name, args...))
}

func output(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, said.Bytes(), out.Bytes())
	}
	return out.Bytes()
}
