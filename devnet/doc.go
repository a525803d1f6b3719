// Package devnet is a Subtensor-compatible development chain in one process: it
// builds blocks, keeps their states, checks what is submitted to it as the real
// chain does, and serves JSON-RPC over a WebSocket.
//
// It is made as a counterpart to test against. It describes itself by metadata
// of its own (spec 475: System, Timestamp, Balances, TransactionPayment and
// SubtensorModule with the indexes of today's mainnet), verifies signatures and
// seals itself, and takes nothing from the packages that a client is made of but
// encodings and keys.
//
// # What is real
//
// Storage lies under its real hashed keys, so what a client reads from storage
// and what the runtime APIs answer come from one state. Transactions pass the
// checks of the real pool in its order and are refused in its words. A
// registration by pow_register is checked as spec 475 does it: in the pool
// against the state after the head block, and again while the block is built.
// Difficulty decays toward its minimum with the half-life BurnHalfLife and is
// multiplied by BurnIncreaseMult at every such registration.
//
// register_limit and burned_register charge the signer Burn[netuid], which decays
// and rises as the difficulty does, between MinBurn and MaxBurn; CollateralLockShare
// of it is not lost but locked as the hotkey's stake (MinerCollateral). register
// does the same and ignores the proof that it carries, as on mainnet: no client
// should send it. The faucet (call 60) mints 1,000 TAO for a classic proof of
// difficulty 1,000,000, as in a runtime that is built with it; mainnet's is not.
//
// # The genesis
//
// //Alice, //Bob, //Charlie, //Dave, //Eve and //Ferdie have a million TAO each.
// There are three subnets: the root (netuid 0) without neurons; netuid 1 with
// sixteen, four of them validators, where registration by proof of work is open;
// netuid 2 without neurons, where it is not. The sr25519 keys of the neurons have
// as seeds the BLAKE2b-256 hashes of "bt devnet hotkey 0" to "bt devnet hotkey 15",
// and coldkeys alike. Everything but the timestamps of blocks is the same on every
// start; Options.Storage replaces any value.
//
// # What is simpler than real
//
// There is one node, no forks, and a block is final once the next one is built.
// No epochs run: scores and emissions stay as they are written. The state root is
// the sum of the BLAKE2b-256 hashes of all keys with their values, the extrinsics
// root such a hash of the list of extrinsics, so there are no storage proofs. The
// fee of a call that costs one is 100,000 rao and 100 rao a byte. A pool swaps at a
// constant product and takes no fee; of locked stake nothing drains. States of the
// last 4,096 blocks are kept.
package devnet
