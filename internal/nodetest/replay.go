package nodetest

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/blake2b"
)

// Replayer answers from a record.
type Replayer struct {
	*Server
	t    testing.TB
	path string

	calls  map[string]*recorded // by method and params
	heads  []recordedNote       // all notifications in their order
	handed []handed             // extrinsics in the order in which they were handed in

	mu        sync.Mutex
	stage     int // how many extrinsics have been submitted
	submitted []string
	swap      *strings.Replacer // recorded extrinsics and their hashes to the submitted ones
	back      *strings.Replacer
	pairs     []string // of swap
	active    []*activeSub
	lastSub   int
	asked     map[string]int
}

// recorded is a call and its answers in order.
type recorded struct {
	answers []message
	subs    []string // by answer: the subscription that it began, "" for none
	next    int
}

// recordedNote is a notification: what it says, whose it is and how many
// extrinsics had been submitted before it came.
type recordedNote struct {
	method, sub string
	note        notification
	stage       int
}

// handed is a call that handed in an extrinsic.
type handed struct {
	method, extrinsic string
	answer            message
	sub               string
}

// activeSub is a subscription of a client.
type activeSub struct {
	c        *Conn
	id, sub  string // its own id as JSON, and the record's
	position int    // notifications before this one are sent
}

// Replay starts a server that answers from the transcript at path, which
// [Record] wrote.
//
// A call is known by its method and params. One that was recorded more than once
// gets the recorded answers in their order, and the last one from then on. A call
// that was never recorded gets an error that names it, and fails the test. Only
// after the last recorded submission it gets no answer at all: what a client asks
// there about the blocks that come in is cut off by the end of its walk, sooner or
// later than in the record.
//
// A call that began a subscription begins one again, under an id of its own: its
// recorded notifications follow the answer at once, up to where the record has
// the client submit an extrinsic (author_submitAndWatchExtrinsic or
// author_submitExtrinsic). What came after that follows when the client submits,
// in the recorded order over all subscriptions. So nothing waits for a clock, and
// a client sees a block that holds its extrinsic only once it has submitted it.
//
// Signatures and proofs of work are random, so a submitted extrinsic is not the
// recorded one: the nth submission gets the nth recorded answer whatever its
// params (the last one from then on), and in all that is said afterwards the
// recorded extrinsic, and its Blake2b-256 hash, are replaced by the client's own.
// The same is undone in the params of calls.
func Replay(t testing.TB, path string) *Replayer {
	t.Helper()
	r := &Replayer{t: t, path: path, calls: make(map[string]*recorded), asked: make(map[string]int)}
	if err := r.load(readTranscript(t, path)); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	r.Server = NewServer(t, r.serve)
	return r
}

// Submitted returns the extrinsics that clients submitted, as they wrote them.
func (r *Replayer) Submitted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.submitted)
}

// Asked returns how often a method was called.
func (r *Replayer) Asked(method string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[method]
}

func key(method string, params string) string { return method + " " + params }

// load reads a record.
func (r *Replayer) load(lines []string) error {
	asked := make(map[string]message) // by id
	stage := 0
	for i, line := range lines {
		arrow, text, _ := strings.Cut(line, " ")
		list, _, err := split([]byte(text))
		if err != nil || arrow != "-->" && arrow != "<--" {
			return fmt.Errorf("line %d is not of a record: %.200s (%w)", i+1, line, err)
		}
		for _, m := range list {
			switch {
			case arrow == "-->":
				asked[string(m.ID)] = m
				if submits(m.Method) {
					stage++
				}
			case m.Method != "":
				n := recordedNote{method: m.Method, stage: stage}
				if err := json.Unmarshal(m.Params, &n.note); err != nil {
					return fmt.Errorf("line %d: %w", i+1, err)
				}
				n.sub = string(n.note.Subscription)
				r.heads = append(r.heads, n)
			default:
				q, ok := asked[string(m.ID)]
				if !ok {
					return fmt.Errorf("line %d answers a request that is not in the record", i+1)
				}
				delete(asked, string(m.ID))
				r.keep(q, m)
			}
		}
	}
	// Only now is it known which answers are ids of subscriptions.
	subs := make(map[string]bool)
	for _, n := range r.heads {
		subs[n.sub] = true
	}
	for _, c := range r.calls {
		for _, a := range c.answers {
			c.subs = append(c.subs, begun(subs, a))
		}
	}
	for i := range r.handed {
		r.handed[i].sub = begun(subs, r.handed[i].answer)
	}
	return nil
}

func begun(subs map[string]bool, a message) string {
	if a.Error == nil && subs[string(a.Result)] {
		return string(a.Result)
	}
	return ""
}

func (r *Replayer) keep(q, a message) {
	if submits(q.Method) {
		h := handed{method: q.Method, answer: a}
		h.extrinsic = firstString(q.Params)
		r.handed = append(r.handed, h)
		return
	}
	k := key(q.Method, compact(q.Params))
	if r.calls[k] == nil {
		r.calls[k] = new(recorded)
	}
	r.calls[k].answers = append(r.calls[k].answers, a)
}

func firstString(params json.RawMessage) string {
	var list []any
	if json.Unmarshal(params, &list) != nil || len(list) == 0 {
		return ""
	}
	s, _ := list[0].(string)
	return s
}

// serve is one connection.
func (r *Replayer) serve(c *Conn) {
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.active = slices.DeleteFunc(r.active, func(s *activeSub) bool { return s.c == c })
	}()
	c.Drain(func(text []byte) {
		list, batch, err := split(text)
		if err != nil {
			r.t.Errorf("%s: the client said what is not JSON-RPC: %.200s", r.path, text)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		out := make([]string, len(list))
		for i, m := range list {
			out[i] = r.reply(c, m)
		}
		switch {
		case slices.Contains(out, ""): // not answered, and the rest of a batch neither
		case batch:
			r.send(c, "["+strings.Join(out, ",")+"]")
		default:
			r.send(c, out[0])
		}
		r.release()
	})
}

func (r *Replayer) send(c *Conn, text string) {
	if r.swap != nil {
		text = r.swap.Replace(text)
	}
	c.Send(text) //nolint:errcheck // the client may have gone: its reads will say so
}

// reply returns the answer to a call, before extrinsics are replaced, and "" for
// one that gets none.
func (r *Replayer) reply(c *Conn, m message) string {
	id := string(m.ID)
	r.asked[m.Method]++
	if unsubscribes(m.Method) {
		var list []json.RawMessage
		json.Unmarshal(m.Params, &list) //nolint:errcheck // what is no list ends nothing
		was := len(r.active)
		r.active = slices.DeleteFunc(r.active, func(s *activeSub) bool {
			return s.c == c && len(list) > 0 && s.id == string(list[0])
		})
		return answer(id, message{Result: fmt.Append(nil, len(r.active) < was)})
	}
	if submits(m.Method) {
		return r.submit(c, m)
	}
	params := compact(m.Params)
	if r.back != nil {
		params = r.back.Replace(params)
	}
	known := r.calls[key(m.Method, params)]
	switch {
	case known != nil:
	case len(r.handed) > 0 && r.stage >= len(r.handed):
		return ""
	default:
		return r.unknown(m)
	}
	i := min(known.next, len(known.answers)-1)
	known.next++
	return r.begin(c, id, known.answers[i], known.subs[i])
}

// begin answers, with a subscription where the recorded answer began one.
func (r *Replayer) begin(c *Conn, id string, a message, sub string) string {
	if sub == "" {
		return answer(id, a)
	}
	r.lastSub++
	s := &activeSub{c: c, id: fmt.Sprintf(`"replayed-%d"`, r.lastSub), sub: sub}
	r.active = append(r.active, s)
	return answer(id, message{Result: json.RawMessage(s.id)})
}

func (r *Replayer) unknown(m message) string {
	what := fmt.Sprintf("%s has no call %s %.2000s", r.path, m.Method, compact(m.Params))
	r.t.Errorf("%s", what)
	text, err := json.Marshal(map[string]any{"code": -32601, "message": what})
	if err != nil {
		r.t.Error(err)
	}
	return answer(string(m.ID), message{Error: text})
}

// submit takes an extrinsic in place of the recorded one.
func (r *Replayer) submit(c *Conn, m message) string {
	if len(r.handed) == 0 {
		return r.unknown(m)
	}
	h := r.handed[min(r.stage, len(r.handed)-1)]
	if h.method != m.Method {
		return r.unknown(m)
	}
	ours := firstString(m.Params)
	r.submitted = append(r.submitted, ours)
	r.stage++
	back := make([]string, 0, len(r.pairs)+4)
	for _, p := range [][2]string{{h.extrinsic, ours}, {hash(h.extrinsic), hash(ours)}} {
		if p[0] != "" && p[1] != "" {
			// The newest first: a Replacer takes the first that fits.
			r.pairs = append([]string{p[0], p[1]}, r.pairs...)
		}
	}
	for i := 0; i < len(r.pairs); i += 2 {
		back = append(back, r.pairs[i+1], r.pairs[i])
	}
	r.swap, r.back = strings.NewReplacer(r.pairs...), strings.NewReplacer(back...)
	return r.begin(c, string(m.ID), h.answer, h.sub)
}

// hash returns the hash by which a node knows an extrinsic, "" where it is not
// hexadecimal.
func hash(extrinsic string) string {
	b, err := hex.DecodeString(strings.TrimPrefix(extrinsic, "0x"))
	if err != nil || len(b) == 0 {
		return ""
	}
	sum := blake2b.Sum256(b)
	return "0x" + hex.EncodeToString(sum[:])
}

// release sends what the stage allows and has not been sent.
func (r *Replayer) release() {
	for i, n := range r.heads {
		if n.stage > r.stage && r.stage < len(r.handed) {
			return
		}
		for _, s := range r.active {
			if s.sub != n.sub || s.position > i {
				continue
			}
			s.position = i + 1
			n.note.Subscription = json.RawMessage(s.id)
			params, err := json.Marshal(n.note)
			if err != nil {
				r.t.Errorf("%s: %v", r.path, err)
				continue
			}
			r.send(s.c, fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"params":%s}`, n.method, params))
		}
	}
}
