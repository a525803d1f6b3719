package substrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/bittensor-go/bt/substrate/rpc"
)

// Unreachable reports whether an error is one of the connection itself: the node
// could not be reached, went away, or did not answer in time.
func Unreachable(err error) bool {
	var dial *rpc.DialError
	return errors.As(err, &dial) || errors.Is(err, rpc.ErrClosed) || errors.Is(err, rpc.ErrTimeout)
}

// ErrStateDiscarded reports a block whose state the node has not kept, or that it
// does not have though its chain is longer.
var ErrStateDiscarded = errors.New("the node has not kept the state of that block, an archive node has")

// BlockNotFoundError reports a block that the chain does not have yet.
type BlockNotFoundError struct {
	Number uint64
	Head   uint64 // the newest block when it was asked for
}

// Error names the block and the head.
func (e *BlockNotFoundError) Error() string {
	return fmt.Sprintf("block %d does not exist: the newest is %d", e.Number, e.Head)
}

// UnknownExtensionError reports a transaction extension that has something to
// say in a transaction which this package does not know.
type UnknownExtensionError struct {
	Identifier string
}

// Error names the extension.
func (e *UnknownExtensionError) Error() string {
	return fmt.Sprintf("the runtime's transaction extension %s cannot be filled in: nothing was signed", e.Identifier)
}

// DispatchError is how a call failed that was in a block.
type DispatchError struct {
	// Kind is the alternative of the runtime's DispatchError: Module where a
	// pallet's own error says why, else Token, BadOrigin and so on.
	Kind string
	// Pallet is the pallet whose error it is, empty but for Module.
	Pallet string
	// Name is the error's name: the pallet's, or that of the alternative within
	// Kind (FundsUnavailable of Token), or Kind itself.
	Name string
	// Docs is what the metadata says about it, in one line; may be empty.
	Docs string
	// Index and Code are the numbers behind Pallet and Name of Module.
	Index, Code uint8
}

// Error names the error and what the runtime's metadata says about it.
func (e *DispatchError) Error() string {
	name := e.Name
	switch {
	case e.Pallet != "":
		name = e.Pallet + "." + name
	case e.Kind != e.Name:
		name = e.Kind + "." + name
	}
	if e.Docs != "" {
		name += ": " + e.Docs
	}
	return "the call failed: " + name
}

// PoolError is how the node's transaction pool refused a transaction.
type PoolError struct {
	Code    int             // of JSON-RPC: 1010 for an invalid transaction, 1012 for a banned one ...
	Message string          // of the node
	Data    json.RawMessage // of the node; may be nil
	Custom  *uint8          // the code of the chain's own check, where it was one
}

// Error says what the node said.
func (e *PoolError) Error() string {
	msg := "the node refused the transaction: " + clip(e.Message)
	if data := strings.Trim(string(e.Data), `"`); data != "" && data != "null" {
		msg += ": " + clip(data)
	}
	return fmt.Sprintf("%s (%d)", msg, e.Code)
}

// StatusError is how the pool gave up a transaction that it had taken.
type StatusError struct {
	// Status is the pool's word: usurped, dropped, invalid or finalityTimeout.
	Status string
}

// Error says what the word means.
func (e *StatusError) Error() string {
	why := map[string]string{
		"usurped":         "another transaction with the same account and nonce took its place",
		"dropped":         "the node's pool was full: try again later, or another node",
		"invalid":         "it is not valid any more: sign it again on the newest block",
		"finalityTimeout": "its block did not become final in time: look for it in the chain before sending it again",
	}[e.Status]
	if why == "" {
		return "the node gave the transaction up: " + clip(e.Status)
	}
	return fmt.Sprintf("the node gave the transaction up (%s): %s", e.Status, why)
}
