package pow_test

import (
	"context"
	"fmt"

	"github.com/bittensor-go/bt/pow"
)

// Solve today's registration puzzle without a chain: the hash of the work block
// and the keys are given.
func Example() {
	var block, hotkey, coldkey [32]byte
	work := make(chan pow.Work, 1)
	work <- pow.Work{
		Challenge:  pow.Public(1, block, hotkey, coldkey),
		Difficulty: 50_000,
		Block:      9_233_782,
		Window:     5,
	}
	solver := pow.NewSolver(pow.Options{})
	s, err := solver.Solve(context.Background(), work)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("solved:", s.Challenge.Verify(s.Nonce, s.Difficulty))
	fmt.Println("good at head 9233786:", !s.Expired(9_233_786))
	fmt.Println("good at head 9233787:", !s.Expired(9_233_787))
	// Output:
	// solved: true
	// good at head 9233786: true
	// good at head 9233787: false
}

// One job searched by hand, in order of the nonces.
func ExampleEngine() {
	var block, hotkey [32]byte
	challenge := pow.Classic(block, hotkey, pow.LittleEndian, pow.BigEndian)
	job := challenge.Job(0, pow.TargetFor(1000))
	hits := make([]uint32, 1)
	_, found, err := pow.NewGoEngine().Search(&job, 0, 100_000, hits)
	if err != nil || found == 0 {
		fmt.Println("nothing found", err)
		return
	}
	seal := challenge.Seal(job.Nonce(hits[0]))
	fmt.Println("first nonce:", job.Nonce(hits[0]))
	fmt.Println("meets 1000:", seal.Difficulty(pow.BigEndian) >= 1000)
	// Output:
	// first nonce: 668
	// meets 1000: true
}
