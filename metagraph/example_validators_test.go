package metagraph_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/subtensor"
)

// topValidators goes from an endpoint to a subnet's top validators.
func topValidators(ctx context.Context, endpoint string) ([]uint16, error) {
	c, err := subtensor.Dial(ctx, subtensor.Network{Endpoint: endpoint}, subtensor.Options{})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	m, err := metagraph.Sync(ctx, c, 1, metagraph.Options{})
	if err != nil {
		return nil, err
	}
	return m.Validators()[:3], nil
}

func Example() {
	node, err := devnet.Start(devnet.Options{}) // a chain of one's own; any other node will do
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	fmt.Println(topValidators(context.Background(), node.URL()))
	// Output: [0 1 2] <nil>
}

// All subnets of one block, as they come.
func ExampleSyncAll() {
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
	for m, err := range metagraph.SyncAll(ctx, c, metagraph.Options{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m)
	}
	// Output:
	// metagraph(netuid:0, n:0, block:0, network:local)
	// metagraph(netuid:1, n:16, block:0, network:local)
	// metagraph(netuid:2, n:0, block:0, network:local)
}

// The block is fixed and the subnets are counted before they are read, as a
// progress bar needs it. One that cannot be read does not end the loop.
func ExampleSyncAllAt() {
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
	s, err := c.AtHead(ctx, subtensor.AskNetuids())
	if err != nil {
		log.Fatal(err)
	}
	netuids, err := s.Netuids(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("block", s.Number, "has", len(netuids), "subnets")
	for m, err := range metagraph.SyncAllAt(ctx, s, metagraph.Options{}, append(netuids, 77)...) {
		var failed *metagraph.SubnetError
		switch {
		case errors.As(err, &failed):
			fmt.Println("not read:", failed.Netuid)
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println(m)
		}
	}
	// Output:
	// block 0 has 3 subnets
	// metagraph(netuid:0, n:0, block:0, network:local)
	// metagraph(netuid:1, n:16, block:0, network:local)
	// metagraph(netuid:2, n:0, block:0, network:local)
	// not read: 77
}

// Without a client, one is made for the metagraph's network and closed: a name
// such as finney, or a URL.
func ExampleMetagraph_Sync() {
	node, err := devnet.Start(devnet.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	m := metagraph.New(1, node.URL())
	if err := m.Sync(context.Background(), nil, metagraph.Options{Full: true}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.N(), "neurons at block", m.Block)
	// Output: 16 neurons at block 0
}
