package bench

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate/rpc"
)

// servingHeads makes this test binary a node whose chain hurries.
const servingHeads = "BENCH_SERVE_HEADS"

// head is a header as far as these benchmarks go. A node has no field for the time
// at which it sends, so the state root is made of it.
type head struct {
	Number    string `json:"number"`
	StateRoot string `json:"stateRoot"`
}

// read returns the number and when the node sent it.
func (h head) read() (number uint32, sent time.Time, err error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(h.Number, "0x"), 16, 32)
	if err != nil {
		return 0, time.Time{}, err
	}
	ns, err := strconv.ParseInt(strings.TrimPrefix(h.StateRoot, "0x"), 16, 64)
	return uint32(n), time.Unix(0, ns), err
}

// TestServeHeads is the node: to whoever subscribes it sends a head every 10 to 30
// milliseconds, with the time. It ends with its input.
func TestServeHeads(t *testing.T) {
	if os.Getenv(servingHeads) == "" {
		t.Skip("run by the benchmarks")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
		if err != nil {
			return
		}
		defer ws.CloseNow()
		var request struct {
			ID json.RawMessage `json:"id"`
		}
		_, message, err := ws.Read(r.Context())
		if err != nil || json.Unmarshal(message, &request) != nil {
			return
		}
		ctx := ws.CloseRead(r.Context())
		message = fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":"heads"}`, request.ID)
		for number := 1; ws.Write(ctx, websocket.MessageText, message) == nil; number++ {
			select {
			case <-ctx.Done():
				return
			case <-time.After(10*time.Millisecond + rand.N(20*time.Millisecond)):
			}
			message = fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"chain_newHead","params":{"subscription":"heads","result":{"number":"%#x","parentHash":"0x%064x","stateRoot":"0x%064x","extrinsicsRoot":"0x%064x","digest":{"logs":[]}}}}`,
				number, number-1, time.Now().UnixNano(), 0)
		}
	}))
	defer server.Close()
	if _, err := fmt.Fprintln(os.Stderr, "ws"+strings.TrimPrefix(server.URL, "http")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Fatal(err)
	}
	server.CloseClientConnections()
}

// subscribe starts the node, in a process of its own as nodes are, and subscribes
// to its heads.
func subscribe(t testing.TB) *rpc.Subscription {
	t.Helper()
	conn, err := rpc.Dial(t.Context(), startTest(t, "TestServeHeads", servingHeads+"=1"), rpc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	sub, err := conn.Subscribe(t.Context(), "chain_subscribeNewHeads", "chain_unsubscribeNewHeads")
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// watched notes when its engine is first called with the job of a head.
type watched struct {
	pow.Engine
	newest   atomic.Uint32
	switches []arrival
	started  chan<- struct{} // told of each, where it is not nil
}

type arrival struct {
	number uint32
	at     time.Time
}

// marked tells the jobs of heads from those of an engine's self-test.
const marked = 0x68656164

// workOf is the puzzle of the first chain, whose jobs tell by their words which
// block they are of: the hash is in them as it is.
func workOf(number uint32) pow.Work {
	var hash [32]byte
	binary.BigEndian.PutUint32(hash[:], number)
	binary.BigEndian.PutUint32(hash[4:], marked)
	return pow.Work{Challenge: pow.Genesis(hash), Difficulty: unfindable, Block: uint64(number), BlockHash: hash, Window: 1}
}

func (w *watched) Search(job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
	if number := job.Words[2]; job.Words[3] == marked && number != w.newest.Load() {
		w.newest.Store(number)
		w.switches = append(w.switches, arrival{number, time.Now()})
		if w.started != nil {
			w.started <- struct{}{}
		}
	}
	return w.Engine.Search(job, first, count, hits)
}

// watch wraps the engines of all cores.
func watch(t testing.TB, started chan<- struct{}) (workers []*watched, solver *pow.Solver) {
	var list []pow.Engine
	for _, e := range allEngines(t) {
		w := &watched{Engine: e, started: started, switches: make([]arrival, 0, 1<<14)}
		workers, list = append(workers, w), append(list, w)
	}
	return workers, pow.NewSolver(pow.Options{Engines: list})
}

// switchTimes searches with all cores and follows the heads of a node. It returns
// how long after the node sent a head the client had it, and how long until the
// last worker searched for it, for as many heads as next asks for.
func switchTimes(t testing.TB, next func() bool) (client, switched []time.Duration) {
	t.Helper()
	sub := subscribe(t)
	workers, solver := watch(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	work, done := make(chan pow.Work), make(chan error, 1)
	go func() {
		_, err := solver.Solve(ctx, work)
		done <- err
	}()
	var sent []arrival
	follow := func() {
		raw, err := sub.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var h head
		if err := json.Unmarshal(raw, &h); err != nil {
			t.Fatal(err)
		}
		number, at, err := h.read()
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, arrival{number, at})
		client = append(client, time.Since(at))
		select {
		case work <- workOf(number):
		case err := <-done:
			t.Fatal(err)
		}
	}
	all := func(number uint32) bool {
		return !slices.ContainsFunc(workers, func(w *watched) bool { return w.newest.Load() < number })
	}
	follow()
	for !all(1) { // engines test themselves first
		follow()
	}
	before := len(sent)
	for next() {
		follow()
	}
	after := len(sent)
	for !all(sent[after-1].number) {
		follow()
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	sent, client = sent[before:after], client[before:after]
	for _, head := range sent {
		var last time.Time
		for _, w := range workers {
			// A worker that missed a head was late until it had a later one.
			i := slices.IndexFunc(w.switches, func(a arrival) bool { return a.number >= head.number })
			if at := w.switches[i].at; at.After(last) {
				last = at
			}
		}
		switched = append(switched, last.Sub(head.at))
	}
	return client, switched
}

// BenchmarkPoWHead measures from a head on the socket, from the moment at which
// the node writes it, to the last of all workers on it.
func BenchmarkPoWHead(b *testing.B) {
	client, switched := switchTimes(b, b.Loop)
	report(b, "", "until all workers are on a head", switched)
	report(b, "client-", "until the client has the head", client)
}

// BenchmarkPoWStop measures from a cancel to the end of Solve.
func BenchmarkPoWStop(b *testing.B) {
	started := make(chan struct{}, 64)
	workers, solver := watch(b, started)
	var took []time.Duration
	for number := uint32(1); b.Loop(); number++ {
		ctx, cancel := context.WithCancel(b.Context())
		work, done := make(chan pow.Work, 1), make(chan error, 1)
		work <- workOf(number)
		go func() {
			_, err := solver.Solve(ctx, work)
			done <- err
		}()
		for range workers {
			<-started
		}
		<-time.After(5*time.Millisecond + rand.N(5*time.Millisecond)) // anywhere in a call
		began := time.Now()
		cancel()
		err := <-done
		took = append(took, time.Since(began))
		if !errors.Is(err, context.Canceled) {
			b.Fatal(err)
		}
	}
	report(b, "", "until a search has ended", took)
}

// report reports quantiles and logs a histogram. Benchmarks log ten lines at most,
// so it is one.
func report(b *testing.B, prefix, what string, times []time.Duration) {
	slices.Sort(times)
	for name, q := range map[string]float64{"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1} {
		b.ReportMetric(quantile(times, q).Seconds()*1e3, prefix+name+"-ms")
	}
	b.ReportMetric(float64(len(times)), prefix+"times")
	b.Logf("histogram, %s: %s", what, histogram(times))
}

// quantile returns the least of some sorted values that a share q of them does not
// exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(int(math.Ceil(q*float64(len(sorted)))), 1)-1]
}

// histogram counts sorted values below some limits.
func histogram(sorted []time.Duration) string {
	var b strings.Builder
	from := 0
	for _, limit := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10} {
		to, _ := slices.BinarySearch(sorted, time.Duration(limit*float64(time.Millisecond)))
		fmt.Fprintf(&b, "%d below %v ms, ", to-from, limit)
		from = to
	}
	fmt.Fprintf(&b, "%d above", len(sorted)-from)
	return b.String()
}

// TestPoWHead follows some heads, which is what the benchmark does with more.
func TestPoWHead(t *testing.T) {
	left := 10
	client, switched := switchTimes(t, func() bool { left--; return left >= 0 })
	if len(client) != 10 || len(switched) != 10 {
		t.Fatalf("%d and %d times, want 10", len(client), len(switched))
	}
	for i := range switched {
		if client[i] <= 0 || switched[i] < client[i] {
			t.Errorf("a head took %v to the client and %v to all workers", client[i], switched[i])
		}
	}
}

func TestPoWQuantiles(t *testing.T) {
	times := make([]time.Duration, 200)
	for i := range times {
		times[i] = time.Duration(i+1) * 50 * time.Microsecond
	}
	for q, want := range map[float64]time.Duration{0: 50e3, 0.5: 5e6, 0.99: 9.9e6, 1: 10e6} {
		if got := quantile(times, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	const want = "1 below 0.1 ms, 2 below 0.2 ms, 6 below 0.5 ms, 10 below 1 ms, 20 below 2 ms, 60 below 5 ms, 100 below 10 ms, 1 above"
	if got := histogram(times); got != want {
		t.Errorf("histogram %q, want %q", got, want)
	}
}
