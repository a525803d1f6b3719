// Package bench measures bt beside other clients of a Subtensor, on the same
// bytes: see README.md.
package bench
