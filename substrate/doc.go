// Package substrate is a Substrate chain at a block: the runtime that executes
// there, its storage and runtime APIs, the heads as they come, and transactions
// that are built, signed, submitted and watched.
//
// It knows no pallet but System, which every chain has. What a value looks like,
// which extensions a transaction carries and what an error means is taken from
// the metadata of the runtime at the block. A runtime is identified by the hash
// of its code: different runtimes may call themselves by one spec version.
package substrate
