//go:build !linux

package atomicfile_test

import "testing"

func fullDisk(t *testing.T) (string, func() func()) {
	t.Helper()
	t.Skip("a full disk is only played on Linux")
	return "", nil
}
