// Package subtensor is what Bittensor adds to a Substrate chain: the networks,
// the queries that its runtimes answer, the rules by which a neuron is
// registered with proof of work, and the meaning of its errors.
//
// A [State] answers about one block. Answers are decoded as that block's runtime
// describes them: from its metadata where that gives the type of the answer, and
// from the layout tables of this package for the runtimes that wrapped their
// answers in bytes (specs up to 219) or whose metadata has no runtime APIs. Where
// differing builds have used one spec number the layout that consumes an answer
// exactly is taken; [Schema.Choose] says which that was.
//
// Numbers are the chain's own integers: stake and emission in rao (1e-9 TAO, or
// 1e-9 of the subnet's alpha from spec 233 on), scores as shares of 65535, times
// in blocks.
//
// Registration denies by default: [State.PowRule] knows a rule only for runtimes
// on which a proof of work is known to cost what the user is told. Everywhere
// else it refuses with [ErrUnsafe], because the call that used to take proofs
// now burns TAO.
package subtensor
