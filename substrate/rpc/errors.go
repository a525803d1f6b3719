package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

var (
	// ErrClosed is wrapped by every error of a connection that was closed or
	// lost. The wrapping error says why.
	ErrClosed = errors.New("connection closed")
	// ErrTooLarge is wrapped, beside ErrClosed, where the node sent a message
	// above Options.MaxResponse. The connection cannot be used any further.
	ErrTooLarge = errors.New("the node's message is larger than the limit")
	// ErrTimeout is wrapped where a call had no answer within
	// Options.CallTimeout. The connection stays usable.
	ErrTimeout = errors.New("the node did not answer in time")
	// ErrUnanswered is the error of a call that the node left out of its answer
	// to a batch.
	ErrUnanswered = errors.New("the node left the call out of its answer to the batch")
	// ErrMalformed is wrapped where the node answered a call in a form that the
	// call cannot have, such as a result that is not hexadecimal.
	ErrMalformed = errors.New("malformed answer")
	// ErrSlow is wrapped by Next of a subscription that ended because its
	// notifications were not taken as fast as they came.
	ErrSlow = errors.New("notifications came faster than they were taken, so the subscription was ended")
	// ErrUnsubscribed is wrapped by Next after the subscription's own Close.
	ErrUnsubscribed = errors.New("the subscription was closed")
)

// Error is an error that the node answered with.
type Error struct {
	Code    int             `json:"code"` // JSON-RPC's own are -32768 to -32000
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"` // nil where the node gave none
}

// Error gives message, code and data on one line, long data cut.
func (e *Error) Error() string {
	msg := fmt.Sprintf("the node answered: %s (code %d)", printable(e.Message), e.Code)
	if len(e.Data) == 0 || string(e.Data) == "null" {
		return msg
	}
	data := string(e.Data)
	var text string
	if json.Unmarshal(e.Data, &text) == nil {
		data = text
	}
	return msg + ": " + printable(data)
}

// printable keeps a node's text from taking over a terminal or a log.
func printable(s string) string {
	const most = 400
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

// newError reads the error member of an answer.
func newError(raw []byte) *Error {
	e := new(Error)
	if err := json.Unmarshal(raw, e); err != nil {
		return &Error{Message: "an error of a form that JSON-RPC does not know: " + string(raw[:min(len(raw), 200)])}
	}
	return e
}
