//go:build race

package powtest

// raceEnabled says that the race detector is in: it makes the standard library
// allocate where it otherwise does not.
const raceEnabled = true
