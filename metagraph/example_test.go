package metagraph_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/subtensor"
)

// A metagraph of answers that are at hand, saved and loaded.
func ExampleFromAnswers() {
	m, err := metagraph.FromAnswers(metagraph.Answers{
		Netuid: 1, Network: "finney", Block: 4200002,
		Neurons: []subtensor.NeuronInfo{
			{UID: 0, Netuid: 1, Weights: []subtensor.WeightEntry{{UID: 0, Value: 16384}, {UID: 1, Value: 49152}}},
			{UID: 1, Netuid: 1, Incentive: 65535},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m)
	fmt.Println(m.W(), m.I())

	root, err := os.MkdirTemp("", "metagraphs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	path, err := m.Save(root)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(filepath.Base(path))
	again := metagraph.New(1, "finney")
	if err := again.Load(root); err != nil {
		log.Fatal(err)
	}
	fmt.Println(again)
	// Output:
	// metagraph(netuid:1, n:2, block:4200002, network:finney)
	// [[0.25 0.75] [0 0]] [0 1]
	// block4200002.safetensors
	// metagraph(netuid:1, n:2, block:4200002, network:finney)
}

func ExampleAddressOf() {
	fmt.Println(metagraph.AddressOf(subtensor.AxonInfo{IP: scale.U128{Lo: 0x01020304}, IPType: 4, Port: 8091}))
	fmt.Println(metagraph.AddressOf(subtensor.AxonInfo{}))
	// Output:
	// /ipv4/1.2.3.4:8091
	// /ipv0/0.0.0.0:0
}

// The arrays that version 6.9.4 of the Python SDK would hold: the bonds of torch
// are integers where every neuron has some.
func ExampleMetagraph_As() {
	m, err := metagraph.FromAnswers(metagraph.Answers{
		Netuid: 1, Network: "finney", Block: 4200002,
		Neurons: []subtensor.NeuronInfo{
			{UID: 0, Netuid: 1, Active: true, Bonds: []subtensor.WeightEntry{{UID: 1, Value: 65535}}},
			{UID: 1, Netuid: 1, Bonds: []subtensor.WeightEntry{{UID: 1, Value: 7}}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	sdk, err := metagraph.ParseSDK("6.9.4")
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range m.As(sdk) {
		switch a.Name {
		case "block", "active", "bonds":
			fmt.Printf("%s %v %T %v\n", a.Name, a.Shape, a.Data, a.Data)
		}
	}
	// Output:
	// block [] []int64 [4200002]
	// active [2] []int64 [1 0]
	// bonds [2 2] []int64 [0 65535 0 7]
}
