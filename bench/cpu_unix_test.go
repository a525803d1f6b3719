//go:build unix

package bench

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime returns the processor time that this process has taken, user and
// system.
func cpuTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
