// Package vectors gives tests the answers that real runtimes gave, and what the
// Python SDK made of them.
//
// The folders lie beside the repository. BT_VECTORS and BT_PARITY name other
// places; where one of them is set, its folder must be there.
package vectors

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Dir returns the folder of what real runtimes answered. The test is skipped
// where there is none.
func Dir(t testing.TB) string {
	t.Helper()
	return folder(t, "BT_VECTORS", "vectors")
}

// Parity returns the folder of what the Python SDK held. The test is skipped
// where there is none.
func Parity(t testing.TB) string {
	t.Helper()
	return folder(t, "BT_PARITY", "parity")
}

func folder(t testing.TB, variable, name string) string {
	t.Helper()
	dir := os.Getenv(variable)
	if dir == "" {
		dir = filepath.Join(root(t), "..", "shared", name)
		if _, err := os.Stat(dir); err != nil {
			t.Skipf("no folder %s beside the repository: set %s to run this test", name, variable)
		}
		return dir
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return dir
}

// root returns the folder of go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// Read returns the content of a file, given absolutely or below Dir, without its
// compression where the name ends in .gz.
func Read(t testing.TB, name string) []byte {
	t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(Dir(t), name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return data
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return data
}

// JSON decodes a file that Read finds into v. Numbers in interfaces stay exact:
// they are json.Number.
func JSON(t testing.TB, name string, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(Read(t, name)))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Hex returns the bytes that a file of hexadecimal digits stands for, with or
// without 0x before them.
func Hex(t testing.TB, name string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(Read(t, name))), "0x"))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}
