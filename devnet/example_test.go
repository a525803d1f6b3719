package devnet_test

import (
	"fmt"
	"time"

	"github.com/bittensor-go/bt/devnet"
)

// A chain that builds blocks on demand; any client of a Subtensor can connect to
// its URL.
func Example() {
	node, err := devnet.Start(devnet.Options{Difficulty: 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer node.Close()
	fmt.Println(node.URL()[:len("ws://127.0.0.1:")])
	fmt.Println("block", node.Step())
	fmt.Println("block", node.Step())
	// Output:
	// ws://127.0.0.1:
	// block 1
	// block 2
}

// A chain that builds blocks by itself, with a value of its genesis replaced.
func ExampleStart() {
	node, err := devnet.Start(devnet.Options{
		BlockTime: time.Hour,
		Storage: []devnet.Entry{{
			Pallet: "SubtensorModule", Item: "MaxRegistrationsPerBlock",
			Keys: [][]byte{{1, 0}}, Value: []byte{4, 0}, // netuid 1: four
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(node.Close())
	// Output: <nil>
}
