package rpc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate/rpc"
)

// echo answers every call with its first param, and subscriptions with one
// notification before the answer.
func echo(c *nodetest.Conn) {
	c.Drain(func(text []byte) {
		var m struct {
			ID     uint64
			Method string
			Params []json.RawMessage
		}
		if json.Unmarshal(text, &m) != nil {
			return
		}
		result := fmt.Sprint(m.ID)
		if len(m.Params) > 0 {
			result = string(m.Params[0])
		}
		if m.Method == "sub" {
			c.Send(fmt.Sprintf(`{"method":"n","params":{"subscription":%s,"result":1}}`, result))
		}
		c.Send(fmt.Sprintf(`{"id":%d,"result":%s}`, m.ID, result))
	})
}

func TestDialErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	web := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		return "ws" + strings.TrimPrefix(s.URL, "http")
	}
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	hangUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(hangUp.Close)
	lookup := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "no.invalid", IsNotFound: true}}
	}
	for name, tt := range map[string]struct {
		url    string
		opts   rpc.Options
		status int
		text   []string
	}{
		"closed port":   {url: "ws://" + closed, text: []string{closed, "is the node running?"}},
		"unknown host":  {url: "ws://no.invalid:9944", opts: rpc.Options{DialContext: lookup}, text: []string{"no.invalid", "DNS"}},
		"rate limit":    {url: web(429), status: 429, text: []string{"429 Too Many Requests", "another endpoint"}},
		"forbidden":     {url: web(403), status: 403, text: []string{"does not let you in"}},
		"not found":     {url: web(404), status: 404, text: []string{"not the WebSocket of a node"}},
		"a web page":    {url: web(200), status: 200, text: []string{"not the WebSocket of a node"}},
		"in trouble":    {url: web(503), status: 503, text: []string{"later"}},
		"no TLS there":  {url: "wss" + strings.TrimPrefix(web(404), "ws"), text: []string{"try ws://"}},
		"TLS there":     {url: "ws" + strings.TrimPrefix(secure.URL, "https"), status: 400, text: []string{"400"}},
		"not trusted":   {url: "wss" + strings.TrimPrefix(secure.URL, "https"), text: []string{"certificate is not trusted"}},
		"hangs up":      {url: "ws" + strings.TrimPrefix(hangUp.URL, "http"), text: []string{"not the WebSocket of a node"}},
		"http URL":      {url: "http://127.0.0.1:9944", text: []string{"http://127.0.0.1:9944", "begins with ws://"}},
		"no URL":        {url: "127.0.0.1:9944", text: []string{"ws://127.0.0.1:9944"}},
		"a bad URL":     {url: "ws://user:secret@[::1", text: []string{"not a URL"}},
		"with password": {url: "ws://user:secret@" + closed + "/secretkey?token=secret", text: []string{"ws://" + closed}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.opts.Proxy = noProxy
			_, err := rpc.Dial(t.Context(), tt.url, tt.opts)
			var dial *rpc.DialError
			if !errors.As(err, &dial) {
				t.Fatalf("not a DialError: %v", err)
			}
			if dial.Status != tt.status {
				t.Errorf("status %d, want %d", dial.Status, tt.status)
			}
			for _, text := range tt.text {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q is not in: %v", text, err)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the password is in: %v", err)
			}
		})
	}
}

// TestDialSilent checks that a node that takes the socket and says nothing does
// not hold a caller, and that nothing is left of the attempt.
func TestDialSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := rpc.Options{Proxy: noProxy, HandshakeTimeout: 5 * time.Second, DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go io.Copy(io.Discard, theirs)
			return ours, nil
		}}
		start := time.Now()
		_, err := rpc.Dial(t.Context(), "ws://silent.invalid", opts)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "within 5s") || time.Since(start) != opts.HandshakeTimeout {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := rpc.Dial(ctx, "ws://silent.invalid", opts); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller's time: %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err := rpc.Dial(ctx, "ws://silent.invalid", opts); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller's will: %v", err)
		}
	})
}

// proxy makes tunnels for those who know the password.
func proxy(t *testing.T, tunnels *atomic.Int32) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			t.Errorf("the proxy was asked to %s %s", r.Method, r.URL)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpwYXNz" { // user:pass
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		out, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer out.Close()
		in, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer in.Close()
		tunnels.Add(1)
		io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer out.Close()
			io.Copy(out, in)
		}()
		io.Copy(in, out)
		in.Close()
		<-done
	}))
	t.Cleanup(s.Close)
	return s
}

func TestProxy(t *testing.T) {
	plain := nodetest.NewServer(t, echo)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		for {
			if _, _, err := ws.Read(r.Context()); err != nil {
				return
			}
			ws.Write(r.Context(), websocket.MessageText, []byte(`{"id":1,"result":"0x07"}`))
		}
	}))
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())

	var tunnels atomic.Int32
	p := proxy(t, &tunnels)
	through := func(user *url.Userinfo, scheme string) func(*http.Request) (*url.URL, error) {
		return func(r *http.Request) (*url.URL, error) {
			if r.URL.Scheme != scheme {
				t.Errorf("asked for a proxy for %s", r.URL)
			}
			return &url.URL{Scheme: "http", Host: strings.TrimPrefix(p.URL, "http://"), User: user}, nil
		}
	}
	for name, tt := range map[string]struct{ url, scheme string }{
		"ws":  {plain.URL(), "http"},
		"wss": {"wss" + strings.TrimPrefix(secure.URL, "https"), "https"},
	} {
		t.Run(name, func(t *testing.T) {
			before := tunnels.Load()
			opts := rpc.Options{Proxy: through(url.UserPassword("user", "pass"), tt.scheme), TLS: &tls.Config{RootCAs: roots}}
			c, err := rpc.Dial(t.Context(), tt.url, opts)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if got, err := c.CallHex(t.Context(), "x", "0x07"); err != nil || string(got) != "\x07" {
				t.Errorf("%x, %v", got, err)
			}
			if n := tunnels.Load() - before; n != 1 {
				t.Errorf("%d tunnels", n)
			}
			opts.Proxy = through(nil, tt.scheme)
			_, err = rpc.Dial(t.Context(), tt.url, opts)
			if err == nil || !strings.Contains(err.Error(), "407") || !strings.Contains(err.Error(), "HTTPS_PROXY") {
				t.Errorf("a proxy that refuses: %v", err)
			}
			opts.Proxy = func(*http.Request) (*url.URL, error) { return &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, nil }
			_, err = rpc.Dial(t.Context(), tt.url, opts)
			if err == nil || !strings.Contains(err.Error(), "HTTPS_PROXY") {
				t.Errorf("a proxy that is not there: %v", err)
			}
		})
	}
}

// TestProxyEnvironment dials in a process of its own, because the environment is
// read once a process. Hosts of this machine are never proxied, so the node has
// a name that only a proxy could know.
func TestProxyEnvironment(t *testing.T) {
	const variable = "RPC_TEST_DIAL"
	if endpoint := os.Getenv(variable); endpoint != "" {
		c, err := rpc.Dial(t.Context(), endpoint, rpc.Options{})
		if err == nil {
			c.Close()
		}
		t.Skip(err)
	}
	hosts := make(chan string, 10)
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.Method + " " + r.Host
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(p.Close)
	for variableOf, tt := range map[string][2]string{
		"HTTPS_PROXY": {"wss://node.invalid", "CONNECT node.invalid:443"},
		"HTTP_PROXY":  {"ws://node.invalid:9944", "CONNECT node.invalid:9944"},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxyEnvironment$", "-test.v")
		cmd.Env = []string{variable + "=" + tt[0], variableOf + "=" + p.URL}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "403 Forbidden") {
			t.Errorf("%s: %v\n%s", variableOf, err, out)
		}
		select {
		case host := <-hosts:
			if host != tt[1] {
				t.Errorf("the proxy was asked to %s, want %s", host, tt[1])
			}
		default:
			t.Errorf("%s: the proxy was not asked", variableOf)
		}
	}
}
