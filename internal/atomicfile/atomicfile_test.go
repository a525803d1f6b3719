package atomicfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/bittensor-go/bt/internal/atomicfile"
)

// only fails unless the folder holds exactly one file with the content.
func only(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != content {
		t.Errorf("file holds %q (%v), want %q", data, err, content)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != mode && runtime.GOOS != "windows" {
		t.Errorf("mode %v, want %v", info.Mode().Perm(), mode)
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "file")
	for i, mode := range []fs.FileMode{0o600, 0o644, 0o666} { // 0666: the umask has no say
		content := fmt.Sprint("content ", i)
		if err := atomicfile.Write(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		only(t, path, content, mode)
	}
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := atomicfile.Create(path, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Create(path, []byte("second"), 0o644); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v", err)
	}
	only(t, path, "first", 0o600)
}

// One of those who create a file at once wins, and its content stays.
func TestCreateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	const n = 8
	var (
		wg   sync.WaitGroup
		errs [n]error
	)
	for i := range n {
		wg.Go(func() { errs[i] = atomicfile.Create(path, fmt.Append(nil, i), 0o600) })
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("%d and %d both created the file", winner, i)
		case !errors.Is(err, fs.ErrExist):
			t.Error(err)
		}
	}
	only(t, path, fmt.Sprint(winner), 0o600)
}

// A failure leaves the old file and nothing beside it.
func TestFailureLeavesTheOldFile(t *testing.T) {
	t.Run("target is a folder", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "old")
		if err := os.MkdirAll(filepath.Join(path, "kept"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := atomicfile.Write(path, []byte("new"), 0o600); err == nil {
			t.Fatal("a folder was replaced")
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 || !entries[0].IsDir() {
			t.Errorf("the folder holds %v (%v)", entries, err)
		}
	})
	t.Run("no space", func(t *testing.T) {
		path, restore := fullDisk(t)
		if err := atomicfile.Write(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := func() error {
			defer restore()()
			return atomicfile.Write(path, bytes.Repeat([]byte("new"), 1<<16), 0o600)
		}()
		if err == nil {
			t.Fatal("written past the limit")
		}
		only(t, path, "old", 0o600)
	})
	t.Run("parent is a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := atomicfile.Write(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := atomicfile.Write(filepath.Join(path, "below"), []byte("new"), 0o600); err == nil {
			t.Fatal("written below a file")
		}
		only(t, path, "old", 0o600)
	})
}

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "atomicfile")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "state")
	if err := atomicfile.Write(path, []byte("whole"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	data, err := os.ReadFile(path)
	fmt.Println(string(data), err)
	// Output: whole <nil>
}
