package subtensor_test

import (
	"context"
	"fmt"
	"log"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// What a node is and whether it works, whatever its runtime is like: New takes a
// connection that nothing was asked of yet.
func ExampleClient_Examine() {
	node, err := devnet.Start(devnet.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	ctx := context.Background()
	conn, err := substrate.Dial(ctx, node.URL(), substrate.Options{})
	if err != nil {
		log.Fatal(err)
	}
	c := subtensor.New(conn, subtensor.Network{Name: "local", Endpoint: node.URL()})
	defer c.Close()

	r, err := c.Examine(ctx, subtensor.ExamineOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Runtime.SpecName, r.Runtime.SpecVersion, "works:", r.OK())
	fmt.Println("registration by", r.Pow.Call, "signed by the", r.Pow.Signer, "for", *r.Pow.FeeRao, "rao")
	// Output:
	// node-subtensor 475 works: true
	// registration by pow_register signed by the coldkey for 0 rao
}

// What a node says, in one file for others to look into.
func ExampleClient_Capture() {
	node, err := devnet.Start(devnet.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	ctx := context.Background()
	c, err := subtensor.Dial(ctx, subtensor.Network{Name: "local", Endpoint: node.URL()}, subtensor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	got, err := c.Capture(ctx, subtensor.CaptureOptions{Comment: "for issue 123"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(got.File) > 10_000, "netuid", *got.Report.Netuid, len(got.Report.Problems), "problems")
	// Output: true netuid 1 0 problems
}
