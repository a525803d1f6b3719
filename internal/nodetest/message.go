package nodetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// message is any JSON-RPC message.
type message struct {
	ID     json.RawMessage `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  json.RawMessage `json:"error,omitempty"`
}

// notification is the params of a message of a subscription.
type notification struct {
	Subscription json.RawMessage `json:"subscription"`
	Result       json.RawMessage `json:"result,omitempty"`
	Error        json.RawMessage `json:"error,omitempty"`
}

// split returns the messages of a text, which may be a batch.
func split(text []byte) (list []message, batch bool, err error) {
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '[' {
		err = json.Unmarshal(text, &list)
		return list, true, err
	}
	list = make([]message, 1)
	err = json.Unmarshal(text, &list[0])
	return list, false, err
}

// compact returns JSON without spaces; absent params are an empty list.
func compact(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return "[]"
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

func request(id any, method string, params json.RawMessage) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%v,"method":%q,"params":%s}`, id, method, compact(params))
}

// answer writes an answer with the result or error of m.
func answer(id string, m message) string {
	if m.Error != nil {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":%s}`, id, m.Error)
	}
	result := m.Result
	if result == nil {
		result = json.RawMessage("null") // what encoding/json makes of it
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, id, result)
}

// submits reports whether a method hands in an extrinsic.
func submits(method string) bool {
	return method == "author_submitAndWatchExtrinsic" || method == "author_submitExtrinsic"
}

// unsubscribes reports whether a method ends a subscription.
func unsubscribes(method string) bool {
	return strings.Contains(method, "_unsubscribe") || strings.Contains(method, "_unwatch")
}
