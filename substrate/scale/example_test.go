package scale_test

import (
	"fmt"

	"github.com/bittensor-go/bt/substrate/scale"
)

// A sequence of reads needs one check at its end.
func ExampleReader() {
	data := scale.AppendCompact(nil, 1_000_000)
	data = scale.AppendU16(data, 64)
	data = scale.AppendByteString(data, "apex")

	r := scale.NewReader(data)
	stake, netuid, name := r.Compact(), r.U16(), r.ByteString()
	if err := r.Finish(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x\n%d %d %s\n", data, stake, netuid, name)

	r = scale.NewReader(data[:8])
	r.Skip(6)
	r.ByteString()
	fmt.Println(r.Err())

	// Output:
	// 02093d0040001061706578
	// 1000000 64 apex
	// at byte 7: unexpected end of input: length 4, 1 bytes left
}
