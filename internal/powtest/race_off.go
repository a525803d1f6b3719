//go:build !race

package powtest

const raceEnabled = false
