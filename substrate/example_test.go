package substrate_test

import (
	"context"
	"fmt"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
)

// The balance of an account, from a node's address on.
func Example() {
	ctx := context.Background()
	c, err := substrate.Dial(ctx, "ws://127.0.0.1:9944", substrate.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	state, err := c.AtHead(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	alice, err := keypair.FromURI(keypair.Sr25519, "//Alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	var account struct {
		Nonce uint32
		Data  struct{ Free uint64 }
	}
	_, err = state.Get(ctx, &account, "System", "Account", alice.Account())
	fmt.Println(state.Number, account.Data.Free, err)
}

// A call is built, signed for the newest block, submitted and followed into a
// block.
func ExampleClient_Submit() {
	ctx := context.Background()
	remark := func(c *substrate.Client, signer substrate.Signer) error {
		state, err := c.AtHead(ctx)
		if err != nil {
			return err
		}
		call, err := state.Runtime.EncodeCall("System", "remark", map[string]any{"remark": []byte("hello")})
		if err != nil {
			return err
		}
		xt, err := state.Sign(ctx, signer, call, substrate.SignOptions{Era: 64})
		if err != nil {
			return err
		}
		sub, err := c.Submit(ctx, xt)
		if err != nil {
			return err // *PoolError where the pool refuses it
		}
		defer sub.Close()
		in, err := sub.InBlock(ctx)
		fmt.Println(in.Header.Number, in.Index, in.Events)
		return err // *DispatchError where the call failed
	}
	_ = remark
}

func ExampleParseHash() {
	h, err := substrate.ParseHash("0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03")
	fmt.Println(h, err)
	_, err = substrate.ParseHash("0x2f05")
	fmt.Println(err)
	// Output:
	// 0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03 <nil>
	// "0x2f05" is no hash: 0x and 64 hexadecimal digits are
}

func ExampleNewEra() {
	era := substrate.NewEra(50, 4200002)
	fmt.Println(era.Period, era.Phase, era.Birth(4200010))
	// Output: 64 2 4200002
}
