// Package realnode holds the walks of a user against the code of real chains, by
// the binary that a user runs. CONTRIBUTING.md says what they need; they run by
// "make realnode" only.
package realnode
