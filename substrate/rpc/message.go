package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// message is a JSON-RPC message taken apart. Its members lie in the text that it
// was read from, as they were written; nil means absent.
type message struct {
	id, method, params, result, fault []byte
}

// scan takes a text apart into its message, or the messages of its batch, and
// hands each over with the index it has. Only as much of JSON is checked as the
// taking apart needs: members are checked by who takes them.
func scan(text []byte, each func(m *message) error) (batch bool, err error) {
	c := cursor{b: text}
	c.space()
	if c.peek() != '[' {
		m, err := c.message()
		if err != nil {
			return false, err
		}
		c.space()
		if c.i != len(text) {
			return false, fmt.Errorf("something follows the message: %s", excerpt(text[c.i:]))
		}
		return false, each(&m)
	}
	c.i++
	for c.space(); ; c.space() {
		m, err := c.message()
		if err != nil {
			return true, err
		}
		if err := each(&m); err != nil {
			return true, err
		}
		c.space()
		switch c.peek() {
		case ',':
			c.i++
		case ']':
			c.i++
			c.space()
			if c.i != len(text) {
				return true, fmt.Errorf("something follows the batch: %s", excerpt(text[c.i:]))
			}
			return true, nil
		default:
			return true, c.fail("a comma or the end of the batch")
		}
	}
}

// cursor walks a JSON text without copying it.
type cursor struct {
	b []byte
	i int
}

func (c *cursor) peek() byte {
	if c.i < len(c.b) {
		return c.b[c.i]
	}
	return 0
}

func (c *cursor) space() {
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case ' ', '\t', '\n', '\r':
			c.i++
		default:
			return
		}
	}
}

func (c *cursor) fail(want string) error {
	if c.i >= len(c.b) {
		return fmt.Errorf("the message ends where %s should be", want)
	}
	return fmt.Errorf("%s where %s should be", excerpt(c.b[c.i:]), want)
}

// message reads an object and keeps the members that JSON-RPC has.
func (c *cursor) message() (m message, err error) {
	err = c.object(func(key, value []byte) {
		switch string(key) {
		case "id":
			m.id = value
		case "method":
			m.method = value
		case "params":
			m.params = value
		case "result":
			m.result = value
		case "error":
			if string(value) != "null" { // as JSON-RPC 1.0 has it beside a result
				m.fault = value
			}
		}
	})
	return m, err
}

// object reads an object and hands over its members. The key is not kept.
func (c *cursor) object(member func(key, value []byte)) error {
	c.space()
	if c.peek() != '{' {
		return c.fail("an object")
	}
	c.i++
	for first := true; ; first = false {
		c.space()
		if first && c.peek() == '}' {
			c.i++
			return nil
		}
		if c.peek() != '"' {
			return c.fail("the name of a member")
		}
		name, err := c.text()
		if err != nil {
			return err
		}
		key := name[1 : len(name)-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			var plain string
			if err := json.Unmarshal(name, &plain); err != nil {
				return fmt.Errorf("the name of a member: %w", err)
			}
			key = []byte(plain)
		}
		c.space()
		if c.peek() != ':' {
			return c.fail("a colon")
		}
		c.i++
		c.space()
		value, err := c.value()
		if err != nil {
			return err
		}
		member(key, value)
		c.space()
		switch c.peek() {
		case ',':
			c.i++
		case '}':
			c.i++
			return nil
		default:
			return c.fail("a comma or the end of the object")
		}
	}
}

// value walks over a value and returns its text.
func (c *cursor) value() ([]byte, error) {
	start := c.i
	switch c.peek() {
	case '"':
		return c.text()
	case '{', '[':
		depth := 0
		for c.i < len(c.b) {
			switch c.b[c.i] {
			case '"':
				if _, err := c.text(); err != nil {
					return nil, err
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					c.i++
					return c.b[start:c.i], nil
				}
			}
			c.i++
		}
		return nil, c.fail("the end of a value")
	}
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case ',', '}', ']', ' ', '\t', '\n', '\r', ':', '"', '{', '[':
			if c.i == start {
				return nil, c.fail("a value")
			}
			return c.b[start:c.i], nil
		}
		c.i++
	}
	return nil, c.fail("the end of a value")
}

// text walks over a string and returns it with its quotes.
func (c *cursor) text() ([]byte, error) {
	start := c.i
	for at := start + 1; ; {
		n := bytes.IndexByte(c.b[at:], '"')
		if n < 0 {
			c.i = len(c.b)
			return nil, c.fail("the end of a string")
		}
		at += n + 1
		slashes := 0
		for c.b[at-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			c.i = at
			return c.b[start:at], nil
		}
	}
}

// number reads the id of an answer to one of our calls.
func (m *message) number() (uint64, bool) {
	n, err := strconv.ParseUint(string(m.id), 10, 64)
	return n, err == nil
}

// raw returns the result of an answer as JSON that is whole.
func (m *message) raw() (json.RawMessage, error) {
	switch {
	case m.fault != nil:
		return nil, newError(m.fault)
	case m.result == nil:
		return nil, fmt.Errorf("%w: neither a result nor an error", ErrMalformed)
	case !json.Valid(m.result):
		return nil, fmt.Errorf("%w: the result is not JSON: %s", ErrMalformed, excerpt(m.result))
	}
	return m.result, nil
}

// hex returns the bytes of a result "0x…", in memory that room gives; the digits are
// looked at once.
func (m *message) hex(room func(n int) []byte) ([]byte, error) {
	switch {
	case m.fault != nil:
		return nil, newError(m.fault)
	case m.result == nil:
		return nil, fmt.Errorf("%w: neither a result nor an error", ErrMalformed)
	}
	return decodeHex(m.result, room)
}

// notification is the params member of a message of a subscription.
type notification struct {
	subscription  string // as the node wrote it
	result, fault []byte
}

func (m *message) notification() (n notification, err error) {
	c := cursor{b: m.params}
	err = c.object(func(key, value []byte) {
		switch string(key) {
		case "subscription":
			n.subscription = string(value[:min(len(value), maxSubscriptionID+1)])
		case "result":
			n.result = value
		case "error":
			n.fault = value
		}
	})
	return n, err
}

// requestSize is about what a request takes.
const requestSize = 192

// appendRequest writes a call.
func appendRequest(dst []byte, id uint64, method string, params []any) ([]byte, error) {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = strconv.AppendUint(dst, id, 10)
	dst = append(dst, `,"method":`...)
	dst, err := appendJSON(dst, method)
	dst = append(dst, `,"params":[`...)
	for i, param := range params {
		if err != nil {
			return nil, err
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst, err = appendJSON(dst, param)
	}
	return append(dst, ']', '}'), err
}

// appendJSON writes a value as encoding/json does, which is not asked about
// strings that stand for themselves: most of what is sent.
func appendJSON(dst []byte, value any) ([]byte, error) {
	if s, ok := value.(string); ok && verbatim(s) {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"'), nil
	}
	text, err := json.Marshal(value)
	return append(dst, text...), err
}

// verbatim reports whether JSON writes a string as it is.
func verbatim(s string) bool {
	for _, c := range []byte(s) {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
