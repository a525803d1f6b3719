package nodetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Snapshot answers from what a transcript says of a chain's state.
type Snapshot struct {
	*Server
	t    testing.TB
	path string

	answers map[string]message          // the first of each call, by method and params
	values  map[string]*json.RawMessage // by block and key; the value null where nothing is stored
	lists   []keyList
	head    string // the newest block's hash as JSON, "" where it is not said
}

// keyList is a complete list of the keys below a prefix, or its beginning.
type keyList struct {
	block, prefix, after string
	keys                 []string
	whole                bool
}

// NewSnapshot starts a server that answers from the transcript at path, which
// "bt debug capture" wrote, or [Record].
//
// [Replay] repeats a walk. A snapshot answers any walk over the same facts: a call
// that was recorded gets its first answer, whatever the order, values of storage
// are given in other groups than they were asked in, and lists of keys by the
// prefixes that were listed. What the transcript does not know gets an error that
// names it, and fails the test.
func NewSnapshot(t testing.TB, path string) *Snapshot {
	t.Helper()
	s := &Snapshot{t: t, path: path, answers: make(map[string]message), values: make(map[string]*json.RawMessage)}
	if err := s.load(readTranscript(t, path)); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	s.Server = NewServer(t, func(c *Conn) {
		c.Drain(func(text []byte) {
			list, batch, err := split(text)
			if err != nil {
				t.Errorf("%s: the client said what is not JSON-RPC: %.200s", path, text)
				return
			}
			out := make([]string, len(list))
			for i, m := range list {
				out[i] = answer(string(m.ID), s.reply(m))
			}
			reply := strings.Join(out, ",")
			if batch {
				reply = "[" + reply + "]"
			}
			c.Send(reply) //nolint:errcheck // the client may have gone
		})
	})
	return s
}

// Result returns what a call was answered, without a connection. It fails the
// test where the transcript has no such call or an error for it.
func (s *Snapshot) Result(method string, params ...any) json.RawMessage {
	s.t.Helper()
	if params == nil {
		params = []any{}
	}
	text, err := json.Marshal(params)
	if err != nil {
		s.t.Fatal(err)
	}
	m := s.reply(message{Method: method, Params: text})
	if m.Error != nil {
		s.t.Fatalf("%s: %s %s: %s", s.path, method, text, m.Error)
	}
	return m.Result
}

// Calls returns the params of each recorded call of a method, sorted.
func (s *Snapshot) Calls(method string) []json.RawMessage {
	var all []string
	for k := range s.answers {
		if name, params, _ := strings.Cut(k, " "); name == method {
			all = append(all, params)
		}
	}
	slices.Sort(all)
	out := make([]json.RawMessage, len(all))
	for i, p := range all {
		out[i] = json.RawMessage(p)
	}
	return out
}

func (s *Snapshot) load(lines []string) error {
	asked := make(map[string]message) // by id
	for i, line := range lines {
		arrow, text, _ := strings.Cut(line, " ")
		list, _, err := split([]byte(text))
		if err != nil || arrow != "-->" && arrow != "<--" {
			return fmt.Errorf("line %d is not of a record: %.200s (%w)", i+1, line, err)
		}
		for _, m := range list {
			if arrow == "-->" {
				asked[string(m.ID)] = m
				continue
			}
			q, ok := asked[string(m.ID)]
			if !ok {
				continue // a notification
			}
			delete(asked, string(m.ID))
			k := key(q.Method, compact(q.Params))
			if _, ok := s.answers[k]; ok {
				continue
			}
			s.answers[k] = m
			if m.Error == nil {
				s.learn(q, m.Result)
			}
		}
	}
	s.head = s.headHash()
	return nil
}

// learn takes the facts out of an answer. What has another form is not known.
func (s *Snapshot) learn(q message, result json.RawMessage) {
	var params []json.RawMessage
	if json.Unmarshal(q.Params, &params) != nil || len(params) < 2 {
		return
	}
	switch q.Method {
	case "state_queryStorageAt":
		var sets []struct{ Changes [][2]json.RawMessage }
		if json.Unmarshal(result, &sets) != nil {
			return
		}
		for _, set := range sets {
			for _, c := range set.Changes {
				s.values[string(params[1])+string(c[0])] = &c[1]
			}
		}
	case "state_getStorage":
		s.values[string(params[1])+string(params[0])] = &result
	case "state_getKeysPaged":
		if len(params) < 4 {
			return
		}
		l := keyList{block: string(params[3]), prefix: text(params[0]), after: text(params[2])}
		count, err := strconv.Atoi(string(params[1]))
		if err != nil || json.Unmarshal(result, &l.keys) != nil {
			return
		}
		l.whole = len(l.keys) < count
		s.lists = append(s.lists, l)
	}
}

func text(raw json.RawMessage) string {
	var t string
	json.Unmarshal(raw, &t) //nolint:errcheck // null is no text
	return t
}

// headHash returns the hash of the newest header.
func (s *Snapshot) headHash() string {
	var h struct{ Number string }
	if json.Unmarshal(s.answers[key("chain_getHeader", "[]")].Result, &h) != nil {
		return ""
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(h.Number, "0x"), 16, 64)
	if err != nil {
		return ""
	}
	return string(s.answers[key("chain_getBlockHash", fmt.Sprintf("[%d]", n))].Result)
}

// reply answers a call.
func (s *Snapshot) reply(m message) message {
	if a, ok := s.answers[key(m.Method, compact(m.Params))]; ok {
		return a
	}
	var params []json.RawMessage
	if json.Unmarshal([]byte(compact(m.Params)), &params) == nil {
		var result string
		switch {
		case m.Method == "chain_getBlockHash" && len(params) == 0:
			result = s.head
		case m.Method == "state_queryStorageAt" && len(params) == 2:
			result = s.storage(params[0], params[1])
		case m.Method == "state_getKeysPaged" && len(params) == 4:
			result = s.keys(params)
		}
		if result != "" {
			return message{Result: json.RawMessage(result)}
		}
	}
	what := fmt.Sprintf("%s does not know %s %.2000s", s.path, m.Method, compact(m.Params))
	s.t.Errorf("%s", what)
	e, err := json.Marshal(map[string]any{"code": -32601, "message": what})
	if err != nil {
		s.t.Error(err)
	}
	return message{Error: e}
}

// storage answers state_queryStorageAt, "" where a key is not known.
func (s *Snapshot) storage(keys, block json.RawMessage) string {
	var list []json.RawMessage
	if json.Unmarshal(keys, &list) != nil {
		return ""
	}
	var b bytes.Buffer
	for i, k := range list {
		value := s.values[string(block)+string(k)]
		if value == nil && s.unstored(block, text(k)) {
			value = new(json.RawMessage("null"))
		}
		if value == nil {
			return ""
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "[%s,%s]", k, orNull(*value))
	}
	return fmt.Sprintf(`[{"block":%s,"changes":[%s]}]`, block, &b)
}

// unstored reports whether a complete list of keys should name a key and does not.
func (s *Snapshot) unstored(block json.RawMessage, key string) bool {
	list, ok := s.listed(string(block), key)
	return ok && !slices.Contains(list, key)
}

// listed returns the keys below a prefix, where they were listed completely.
func (s *Snapshot) listed(block, prefix string) (keys []string, ok bool) {
	for _, l := range s.lists {
		if l.block != block || !strings.HasPrefix(prefix, l.prefix) || l.after != "" {
			continue
		}
		keys = slices.Clone(l.keys)
		for !l.whole { // the page that follows
			next := slices.IndexFunc(s.lists, func(n keyList) bool {
				return n.block == block && n.prefix == l.prefix && len(keys) > 0 && n.after == keys[len(keys)-1]
			})
			if next < 0 {
				break
			}
			l = s.lists[next]
			keys = append(keys, l.keys...)
		}
		if !l.whole {
			continue
		}
		slices.Sort(keys)
		return slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, prefix) }), true
	}
	return nil, false
}

// keys answers state_getKeysPaged, "" where the prefix was not listed.
func (s *Snapshot) keys(params []json.RawMessage) string {
	count, err := strconv.Atoi(string(params[1]))
	keys, ok := s.listed(string(params[3]), text(params[0]))
	if err != nil || !ok {
		return ""
	}
	after := text(params[2])
	keys = slices.DeleteFunc(keys, func(k string) bool { return k <= after })
	out, err := json.Marshal(append([]string{}, keys[:min(count, len(keys))]...))
	if err != nil {
		return ""
	}
	return string(out)
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}
