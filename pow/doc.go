// Package pow solves and checks the proof-of-work puzzles by which neurons
// register.
//
// A [Challenge] is a puzzle without its nonce: what is hashed around the nonce,
// how the nonce is written and how the resulting [Seal] is read as a number.
// Every puzzle the chain ever set is keccak256(sha256(prefix + nonce + suffix)),
// accepted where the seal times the difficulty does not overflow 256 bits.
//
// A Challenge compiles to [Job]s, the form that an [Engine] searches: a SHA-256
// state, the 16 words of the one block that varies, and a [Target]. A [Solver]
// runs one goroutine per Engine, switches them to new [Work] as blocks arrive and
// checks each solution again before it hands it out.
//
// The package knows no chain: which puzzle a runtime sets, at which difficulty
// and for how many blocks a solution is good, the caller says.
package pow
