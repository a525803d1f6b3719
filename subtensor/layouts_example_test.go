package subtensor_test

import (
	"context"
	"fmt"
	"log"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/subtensor"
)

// An answer that has no Go type is decoded by what the runtime says of it.
func ExampleSchema_Value() {
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
	s, err := c.AtHead(ctx)
	if err != nil {
		log.Fatal(err)
	}

	const method = "SubnetInfoRuntimeApi_get_subnet_info"
	raw, err := s.Call(ctx, method, []byte{1, 0}) // netuid 1
	if err != nil {
		log.Fatal(err)
	}
	v, err := s.Schema().Value(method, raw)
	if err != nil {
		log.Fatal(err)
	}
	netuid, _ := v.(*codec.Record).Get("netuid")
	n, _ := v.(*codec.Record).Get("subnetwork_n")
	fmt.Println("netuid", netuid, "neurons", n)
	layout, err := s.Schema().Choose(method, raw)
	fmt.Println("read", layout, err)
	// Output:
	// netuid 1 neurons 16
	// read as the metadata says <nil>
}
