package registration_test

import (
	"context"
	"fmt"
	"time"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/registration"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/subtensor"
)

// A neuron is registered on a development chain.
func ExampleRegister() {
	ctx := context.Background()
	node, err := devnet.Start(devnet.Options{BlockTime: 200 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer node.Close()
	client, err := subtensor.Dial(ctx, subtensor.Network{Name: "local", Endpoint: node.URL()}, subtensor.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	hotkey, err := keypair.FromURI(keypair.Sr25519, "//miner")
	if err != nil {
		fmt.Println(err)
		return
	}
	coldkey, err := keypair.FromURI(keypair.Sr25519, "//owner")
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := registration.Register(ctx, client, 1, registration.Keys{
		Hotkey:  hotkey.Account(),
		Coldkey: coldkey.Account(),
		Signer: func(s subtensor.Signer) (substrate.Signer, error) {
			if s == subtensor.ColdkeySigns {
				return coldkey, nil
			}
			return hotkey, nil
		},
	}, registration.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("uid", result.UID)
	// Output: uid 16
}
