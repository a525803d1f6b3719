package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/coder/websocket"

	"github.com/bittensor-go/bt/substrate/rpc"
)

// node answers what the examples ask.
func node() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer ws.CloseNow()
		for {
			_, text, err := ws.Read(r.Context())
			if err != nil {
				return
			}
			for method, answers := range map[string][]string{
				"chain_getBlockHash": {`{"id":1,"result":"0x2f0555cc"}`},
				"no_such_method":     {`{"id":2,"error":{"code":-32601,"message":"Method not found"}}`},
				"chain_subscribe": {
					`{"id":3,"result":"k1"}`,
					`{"method":"chain_newHead","params":{"subscription":"k1","result":{"number":"0x10"}}}`,
					`{"method":"chain_newHead","params":{"subscription":"k1","result":{"number":"0x11"}}}`,
				},
			} {
				if !strings.Contains(string(text), method) {
					continue
				}
				for _, a := range answers {
					ws.Write(r.Context(), websocket.MessageText, []byte(a))
				}
			}
		}
	}))
}

func ExampleDial() {
	server := node()
	defer server.Close()
	ctx := context.Background()

	c, err := rpc.Dial(ctx, "ws://"+server.Listener.Addr().String(), rpc.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	hash, err := c.CallHex(ctx, "chain_getBlockHash", 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", hash)

	_, err = c.Call(ctx, "no_such_method")
	var refused *rpc.Error
	fmt.Println(errors.As(err, &refused), err)

	heads, err := c.Subscribe(ctx, "chain_subscribeNewHeads", "chain_unsubscribeNewHeads")
	if err != nil {
		log.Fatal(err)
	}
	defer heads.Close()
	for range 2 {
		head, err := heads.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(head))
	}
	// Output:
	// 2f0555cc
	// true no_such_method: the node answered: Method not found (code -32601)
	// {"number":"0x10"}
	// {"number":"0x11"}
}
