// Package nodetest is the other end of the wire for tests of clients: a node
// that says what the test wants, rightly or wrongly.
//
// [NewServer] runs a function for each connection, which may break every rule.
// [Script] plays a transcript line by line and insists on each request.
// [Record] stands between a client and a real node and writes down what they
// say; [Replay] answers from such a record. [Gate] stands between them too and
// tells how many trips a client makes.
//
// # Transcripts
//
// A transcript is a text, gzipped where its name ends in .gz. A line is one
// message, whole, as JSON on one line:
//
//	// a comment; empty lines are skipped too
//	--> {"jsonrpc":"2.0","id":1,"method":"system_chain","params":[]}
//	<-- {"jsonrpc":"2.0","id":1,"result":"Bittensor"}
//
// --> is what the client says, <-- what the node says: answers and, without an
// id, notifications. In a record, ids are unique within the file even where it
// holds several connections.
//
// A script may say things that are no JSON, and has lines for faults:
//
//	!binary TEXT     send TEXT as a binary message
//	!split TEXT      send TEXT in fragments of one byte each
//	!frame HEX       write these bytes to the socket, past the WebSocket protocol
//	!close CODE WHY  say goodbye
//	!drop            cut the socket
//	!silence         read nothing and say nothing until the test ends
package nodetest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// maxMessage is the largest message that a test's client may send.
const maxMessage = 64 << 20

// Server is a WebSocket server that ends with its test.
type Server struct {
	listener net.Listener
	http     *http.Server
	handlers sync.WaitGroup
	ctx      context.Context
	cancel   context.CancelFunc

	mu    sync.Mutex
	socks map[net.Conn]struct{}
	ended bool
}

// Conn is the server's end of one connection.
type Conn struct {
	ctx  context.Context
	ws   *websocket.Conn
	sock net.Conn
}

type sockKey struct{}

// NewServer starts a server on a port of its own. handle runs for every
// connection, in a goroutine that the end of the test waits for; the connection
// ends when it returns. Reads and writes fail when the test ends.
func NewServer(t testing.TB, handle func(c *Conn)) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // listening on loopback does not block
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, l, handle)
}

// NewPipe starts a server without a network, whose connections are made by its
// DialContext: for tests under testing/synctest. Its writes wait for the reader.
func NewPipe(t testing.TB, handle func(c *Conn)) *Server {
	t.Helper()
	return serve(t, &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}, handle)
}

func serve(t testing.TB, l net.Listener, handle func(c *Conn)) *Server {
	s := &Server{listener: l, socks: make(map[net.Conn]struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.accept(w, r, handle) }),
		ConnContext: func(ctx context.Context, sock net.Conn) context.Context {
			return context.WithValue(ctx, sockKey{}, sock)
		},
		ConnState: func(sock net.Conn, state http.ConnState) {
			s.mu.Lock()
			defer s.mu.Unlock()
			switch state {
			case http.StateNew:
				s.socks[sock] = struct{}{}
				if s.ended {
					sock.Close() //nolint:errcheck // nobody wants it any more
				}
			case http.StateClosed:
				delete(s.socks, sock)
			}
		},
	}
	serving := make(chan struct{})
	go func() {
		defer close(serving)
		s.http.Serve(l) //nolint:errcheck // it always ends by Close
	}()
	t.Cleanup(func() {
		s.Close()
		<-serving
	})
	return s
}

func (s *Server) accept(w http.ResponseWriter, r *http.Request, handle func(c *Conn)) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.handlers.Add(1)
	s.mu.Unlock()
	defer s.handlers.Done()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return
	}
	ws.SetReadLimit(maxMessage)
	c := &Conn{ctx: s.ctx, ws: ws, sock: r.Context().Value(sockKey{}).(net.Conn)}
	defer c.Drop()
	defer ws.CloseNow() //nolint:errcheck // the test may have broken it
	handle(c)
}

// URL returns the ws:// URL of the server.
func (s *Server) URL() string { return "ws://" + s.listener.Addr().String() }

// DialContext connects to a server made by NewPipe, whatever the address.
func (s *Server) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	p, ok := s.listener.(*pipes)
	if !ok {
		return nil, errors.New("nodetest: this server has a port: use its URL")
	}
	return p.dial(ctx)
}

// Close ends the server and waits for its handlers. The end of the test calls it
// too.
func (s *Server) Close() {
	s.cancel()
	s.mu.Lock()
	s.ended = true
	for sock := range s.socks {
		sock.Close() //nolint:errcheck // it may be closed already
	}
	s.mu.Unlock()
	s.http.Close() //nolint:errcheck // the listener's error is of no use
	s.handlers.Wait()
}

// Read returns the next message of the client.
func (c *Conn) Read() ([]byte, error) {
	_, text, err := c.ws.Read(c.ctx)
	return text, err
}

// Send sends a text message.
func (c *Conn) Send(text string) error { return c.SendBytes([]byte(text)) }

// SendBytes is Send without a copy.
func (c *Conn) SendBytes(text []byte) error {
	return c.ws.Write(c.ctx, websocket.MessageText, text)
}

// SendBinary sends a binary message.
func (c *Conn) SendBinary(text string) error {
	return c.ws.Write(c.ctx, websocket.MessageBinary, []byte(text))
}

// SendSplit sends a text message in fragments of at most size bytes.
func (c *Conn) SendSplit(text string, size int) error {
	w, err := c.ws.Writer(c.ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for len(text) > 0 {
		n := min(size, len(text))
		if _, err := io.WriteString(w, text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return w.Close()
}

// SendRaw writes bytes to the socket, past the WebSocket protocol.
func (c *Conn) SendRaw(b []byte) error {
	_, err := c.sock.Write(b)
	return err
}

// ReadRaw reads from the socket, past the WebSocket protocol.
func (c *Conn) ReadRaw(p []byte) (int, error) { return c.sock.Read(p) }

// Goodbye closes the connection as the protocol wants it.
func (c *Conn) Goodbye(code int, reason string) error {
	return c.ws.Close(websocket.StatusCode(code), reason)
}

// Drop cuts the socket.
func (c *Conn) Drop() {
	c.sock.Close() //nolint:errcheck // cut is cut
}

// Silence reads nothing and says nothing until the server ends.
func (c *Conn) Silence() { <-c.ctx.Done() }

// Drain reads until the connection ends, answering pings, and hands each message
// to f, if that is not nil.
func (c *Conn) Drain(f func(text []byte)) {
	for {
		text, err := c.Read()
		if err != nil {
			return
		}
		if f != nil {
			f(text)
		}
	}
}

// pipes is a listener whose connections are net.Pipes.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe.invalid" }

// readTranscript returns the lines of a transcript that are not comments.
func readTranscript(t testing.TB, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if data, err = io.ReadAll(z); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	var lines []string
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, len(data)+1)
	for sc.Scan() {
		if line := strings.TrimRight(sc.Text(), "\r"); line != "" && !strings.HasPrefix(line, "//") {
			lines = append(lines, line)
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return lines
}
