// Package metagraph holds a subnet as the chain has it at one block: a row for
// each neuron, in columns, with the weights that validators have set and the
// bonds that came of them.
//
// [Sync] reads one from a node; [FromAnswers] makes one of answers that are at
// hand. Columns are the chain's own integers: scores as shares of 65535, stake
// and emission in rao, times in blocks. Weights and bonds are sparse. The views
// with the short names (S, R, I, E, C, T, Tv, D, W, B, and TS and AS) compute the
// float32 numbers that the Python SDK's metagraph shows under the same names;
// [Metagraph.As] gives all arrays as a certain release of it holds them.
//
// A neuron's index in every column and matrix is its uid.
package metagraph
