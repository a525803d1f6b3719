//go:build !linux

package pow

// yield does nothing where threads that wake up come before those that compute.
func yield() {}
