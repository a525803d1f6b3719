package subtensor_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

func Example() {
	node, err := devnet.Start(devnet.Options{}) // a chain of one's own; any other node will do
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	ctx := context.Background()
	c, err := subtensor.Dial(ctx, subtensor.Network{Endpoint: node.URL()}, subtensor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	s, err := c.AtHead(ctx)
	if err != nil {
		log.Fatal(err)
	}
	subnets, err := s.Subnets(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, n := range subnets {
		fmt.Println("netuid", n.Netuid, "neurons", n.SubnetworkN)
	}
	rule, err := s.PowRule()
	fmt.Println(rule.Call, "signed by the", rule.Signer, err)
	// On a subnet whose owner has not enabled it, no work is spent.
	_, err = s.RegistrationTerms(ctx, 2, ss58.AccountID{1}, ss58.AccountID{2})
	fmt.Println(errors.Is(err, subtensor.ErrPowDisabled))
	// Output:
	// netuid 0 neurons 0
	// netuid 1 neurons 16
	// netuid 2 neurons 0
	// pow_register signed by the coldkey <nil>
	// true
}

func ExampleResolveNetwork() {
	finney, err := subtensor.ResolveNetwork("finney")
	fmt.Println(finney.Endpoint, err)
	_, err = subtensor.ResolveNetwork("fineny")
	fmt.Println(err)
	// Output:
	// wss://entrypoint-finney.opentensor.ai:443 <nil>
	// unknown network "fineny": use one of finney, test, archive, local, latent-lite, or a ws:// or wss:// URL
}

// Questions that will be asked anyway are put ahead, so that the block, its
// runtime and their answers take two trips to the node.
func ExampleClient_AtBlock() {
	node, err := devnet.Start(devnet.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	ctx := context.Background()
	c, err := subtensor.Dial(ctx, subtensor.Network{Endpoint: node.URL()}, subtensor.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	s, err := c.AtBlock(ctx, nil, subtensor.AskNeuronsLite(1))
	if err != nil {
		log.Fatal(err)
	}
	neurons, err := s.NeuronsLite(ctx, 1) // the answer is there
	fmt.Println(len(neurons), err)
	// Output: 16 <nil>
}
