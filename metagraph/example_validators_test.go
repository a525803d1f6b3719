package metagraph_test

import (
	"context"
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
