//go:build linux

package atomicfile_test

import (
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// fullDisk returns a path and how to make the process unable to write files of
// more than 1 KiB: a disk that fills up half way through a write.
func fullDisk(t *testing.T) (path string, limit func() func()) {
	t.Helper()
	return filepath.Join(t.TempDir(), "file"), func() func() {
		var was syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			t.Fatal(err)
		}
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 10, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		return func() {
			signal.Reset(syscall.SIGXFSZ)
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
				t.Fatal(err)
			}
		}
	}
}
