package metadata_test

import (
	"fmt"

	"github.com/bittensor-go/bt/substrate/metadata"
)

// A registry describes types that no runtime describes.
func ExampleRegistry_Define() {
	types := new(metadata.Registry)
	err := types.Define(`
		struct Axon { ip: u128, port: u16 }
		struct Neuron { hotkey: AccountId, uid: Compact<u16>, axon: Axon }
	`)
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := types.Resolve("Vec<Neuron>")
	if err != nil {
		fmt.Println(err)
		return
	}
	neuron := types.Type(types.Type(id).Elem)
	for _, f := range neuron.Fields {
		fmt.Println(f.Name, f.TypeName)
	}
	fmt.Println(types.Define("struct Subnet {\n\tneurons: Vec<Neurone>,\n}"))

	// Output:
	// hotkey AccountId
	// uid Compact<u16>
	// axon Axon
	// type definition, line 2 column 15: Neurone is not known: it is neither built in nor defined
}

// A model that was built is written as a runtime would write it.
func ExampleMetadata_Append() {
	types := new(metadata.Registry)
	err := types.Define(`
		enum toy::Call { /// Moves it.
			go { far: bool } = 6 }
		enum RuntimeCall { Toy(toy::Call) = 3 }
		struct Runtime;
		struct Extrinsic(Vec<u8>);
	`)
	if err != nil {
		fmt.Println(err)
		return
	}
	id := func(expr string) metadata.TypeID {
		id, err := types.Resolve(expr)
		if err != nil {
			fmt.Println(err)
		}
		return id
	}
	m := &metadata.Metadata{
		Types: types,
		Pallets: []metadata.Pallet{
			{Name: "Toy", Index: 3, Calls: id("toy::Call"), Events: metadata.NoType, Errors: metadata.NoType},
		},
		Extrinsic:   metadata.Extrinsic{Versions: []uint8{4}, Type: id("Extrinsic")},
		RuntimeType: id("Runtime"),
	}
	data, err := m.Append(nil, 14)
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := metadata.Parse(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	pallet, call, ok := got.Call("Toy", "go")
	fmt.Println(pallet.Index, call.Index, call.Fields[0].Name, call.Docs, ok)

	_, err = metadata.Parse(data[:len(data)-3])
	fmt.Println(err)

	// Output:
	// 3 6 far [Moves it.] true
	// metadata version 14: extrinsic: version: at byte 162: unexpected end of input: 1 bytes wanted, 0 left
}
