package wallet_test

import (
	"fmt"
	"os"

	"github.com/bittensor-go/bt/wallet"
)

// A wallet is made, found and opened.
func ExampleStore() {
	dir, err := os.MkdirTemp("", "wallets")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store := wallet.Store{Dir: dir}
	cold, hot, err := store.Create("miner", "first", wallet.CreateOptions{NoPassword: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := store.Open("miner", "first")
	if err != nil {
		fmt.Println(err)
		return
	}
	pair, err := w.UnlockHotkey(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pair.Wipe()
	coldkey, err := w.Coldkey()
	fmt.Println(pair.Account() == hot.Account, coldkey == cold.Account, err)
	// Output: true true <nil>
}
