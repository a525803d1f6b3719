package keypair_test

import (
	"fmt"

	"github.com/bittensor-go/bt/substrate/keypair"
)

// The key of a development account signs a message.
func ExampleFromURI() {
	alice, err := keypair.FromURI(keypair.Sr25519, "//Alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer alice.Wipe()
	message := []byte("hello")
	signature, err := alice.Sign(message)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(alice.Account())
	fmt.Println(keypair.Verify(keypair.Sr25519, alice.Account(), message, signature))
	// Output:
	// 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY
	// true
}

// A seed and a private key make the same pair.
func ExampleFromPrivateKey() {
	pair, err := keypair.FromSeed(keypair.Sr25519, make([]byte, keypair.SeedSize))
	if err != nil {
		fmt.Println(err)
		return
	}
	private, err := pair.PrivateKey()
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := keypair.FromPrivateKey(keypair.Sr25519, private)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.Account() == pair.Account())
	// Output: true
}
