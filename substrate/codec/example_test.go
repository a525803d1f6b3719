package codec_test

import (
	"fmt"

	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// A Go struct is bound by name: the chain's other fields are skipped.
func Example() {
	types := new(metadata.Registry) // a runtime's is in its metadata
	if err := types.Define("struct Axon { block: u64, ip: u128, port: u16, ip_type: u8 }"); err != nil {
		fmt.Println(err)
		return
	}
	id, err := types.Resolve("Vec<Axon>")
	if err != nil {
		fmt.Println(err)
		return
	}
	c := codec.New(types)
	data, err := c.Append(nil, id, []any{
		map[string]any{"block": 4200002, "ip": 0x7f000001, "port": 8091, "ip_type": 4},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	var axons []struct {
		Port  uint16
		Block uint64
	}
	err = c.Decode(id, data, &axons)
	fmt.Println(axons, err)
	err = c.Decode(id, data[:20], &axons)
	fmt.Println(axons, err)
	// Output:
	// [{8091 4200002}] <nil>
	// [] at byte 1: unexpected end of input: length 1, 19 bytes left
}

// Without a Go type a value has a dynamic form.
func ExampleCodec_Value() {
	types := new(metadata.Registry)
	if err := types.Define("enum MultiAddress { Id([u8; 4]), Index(Compact<u32>), Raw(Vec<u8>) }"); err != nil {
		fmt.Println(err)
		return
	}
	id, err := types.Resolve("MultiAddress")
	if err != nil {
		fmt.Println(err)
		return
	}
	c := codec.New(types)
	v, err := c.Value(id, scale.NewReader([]byte{1, 0xa8}))
	if err != nil {
		fmt.Println(err)
		return
	}
	address := v.(*codec.Variant)
	fmt.Println(address.Name, address.Fields[0].Value)

	data, err := c.Append(nil, id, &codec.Variant{
		Name:   "Id",
		Record: codec.Record{Fields: []codec.NamedValue{{Value: [4]byte{1, 2, 3, 4}}}},
	})
	fmt.Printf("%x %v\n", data, err)
	// Output:
	// Index 42
	// 0001020304 <nil>
}
