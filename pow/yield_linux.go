package pow

import "syscall"

// yield lets a thread run that waits for this processor: the one that looks at the
// network, which else waits for the end of a time slice, some milliseconds. The call
// is raw because the runtime must not take it for one that blocks.
func yield() {
	syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) //nolint:errcheck // it does not fail
}
