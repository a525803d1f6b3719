// Package rpc speaks JSON-RPC 2.0 over one WebSocket connection to a node:
// calls, batches and subscriptions.
//
// Results are never typed here. They come as JSON, or as the bytes that a result
// of the form "0x…" stands for; the latter are taken out of the message in one
// pass, because answers of nodes reach megabytes.
//
// A [Conn] belongs to one node for one connection. When it is lost, every call
// and every subscription ends with an error that wraps [ErrClosed] and says why;
// dialling again is for the caller.
package rpc
