package rpc

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/coder/websocket"
)

// DialError says why there is no connection and what to do.
type DialError struct {
	Endpoint string // without a password
	Status   int    // the HTTP status that came instead of a WebSocket, 0 where none came
	Remedy   string
	Err      error
}

// Error names endpoint, cause and remedy.
func (e *DialError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("cannot connect to %s: it answered %d %s: %s", e.Endpoint, e.Status, http.StatusText(e.Status), e.Remedy)
	}
	return fmt.Sprintf("cannot connect to %s: %v: %s", e.Endpoint, e.Err, e.Remedy)
}

// Unwrap returns the cause.
func (e *DialError) Unwrap() error { return e.Err }

// Dial connects to a node. The URL begins with ws:// or wss://. The proxy that
// HTTPS_PROXY names for wss, and HTTP_PROXY for ws, is asked for a tunnel, except
// for the hosts of NO_PROXY and this machine itself. ctx and
// Options.HandshakeTimeout bound the dialling, not the connection. Every error is
// a *DialError.
func Dial(ctx context.Context, endpoint string, opts Options) (*Conn, error) {
	opts = opts.withDefaults()
	u, err := url.Parse(endpoint)
	if err != nil {
		// The error of url.Parse would repeat a password.
		return nil, &DialError{Endpoint: "the endpoint", Err: errors.New("not a URL"), Remedy: "give a URL such as ws://127.0.0.1:9944"}
	}
	name := (&url.URL{Scheme: u.Scheme, Host: u.Host}).String() // paths and queries hold keys, too
	if u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
		return nil, &DialError{Endpoint: name, Err: errors.New("not the URL of a WebSocket"), Remedy: "give a URL that begins with ws:// or wss://, such as ws://127.0.0.1:9944"}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, opts.HandshakeTimeout,
		fmt.Errorf("no connection within %v: %w", opts.HandshakeTimeout, context.DeadlineExceeded))
	defer cancel()
	d := &dialer{opts: opts}
	transport := d.transport(u.Scheme == "ws")
	ws, resp, err := websocket.Dial(ctx, endpoint, //nolint:bodyclose // the library closes it, or it is the connection
		&websocket.DialOptions{
			HTTPClient:      &http.Client{Transport: transport},
			CompressionMode: websocket.CompressionDisabled,
		})
	if err != nil {
		d.close()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, explain(name, resp, err)
	}
	ws.SetReadLimit(opts.MaxResponse)
	return newConn(ws, d, name, opts), nil
}

// dialer makes the sockets of one Dial and keeps them at hand: closing them ends
// every read and write at once, which a WebSocket by itself does not offer.
type dialer struct {
	opts     Options
	received atomic.Uint64 // bytes, over all of them
	sent     atomic.Uint64

	mu     sync.Mutex
	closed bool
	socks  []net.Conn
}

// transport returns an HTTP transport for the handshake. Through a proxy a ws
// endpoint is reached by a tunnel, as a wss one is: a proxy that forwards plain
// requests drops the header that asks for a WebSocket.
func (d *dialer) transport(plain bool) *http.Transport {
	t := &http.Transport{
		Proxy:             d.opts.Proxy,
		DialContext:       d.dial,
		TLSClientConfig:   d.opts.TLS,
		DisableKeepAlives: true, // a socket that comes too late is closed, not kept
		Protocols:         new(http.Protocols),
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			return proxyAnswer(resp)
		},
	}
	t.Protocols.SetHTTP1(true)
	if !plain {
		return t
	}
	t.Proxy = func(r *http.Request) (*url.URL, error) {
		proxy, err := d.opts.Proxy(r)
		if err != nil || proxy == nil || proxy.Scheme == "http" || proxy.Scheme == "https" {
			return nil, err
		}
		return proxy, nil // SOCKS makes tunnels anyway
	}
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		proxy, err := d.opts.Proxy(&http.Request{URL: &url.URL{Scheme: "http", Host: addr}})
		if err != nil {
			return nil, err
		}
		if proxy == nil || proxy.Scheme != "http" && proxy.Scheme != "https" {
			return d.dial(ctx, network, addr)
		}
		return d.tunnel(ctx, proxy, addr)
	}
	return t
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	sock, err := d.opts.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	sock = &countingConn{Conn: sock, received: &d.received, sent: &d.sent}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errors.Join(net.ErrClosed, sock.Close())
	}
	d.socks = append(d.socks, sock)
	return sock, nil
}

// close closes all sockets, now and to come.
func (d *dialer) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, sock := range d.socks {
		sock.Close() //nolint:errcheck // it may be closed already
	}
}

// tunnel asks a proxy to connect to addr.
func (d *dialer) tunnel(ctx context.Context, proxy *url.URL, addr string) (_ net.Conn, err error) {
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
	}
	sock, err := d.dial(ctx, "tcp", net.JoinHostPort(proxy.Hostname(), port))
	if err != nil {
		return nil, proxyError(err)
	}
	defer func() {
		if err != nil {
			sock.Close() //nolint:errcheck // the first error counts
		}
	}()
	if proxy.Scheme == "https" {
		cfg := &tls.Config{}
		if d.opts.TLS != nil {
			cfg = d.opts.TLS.Clone()
		}
		cfg.ServerName = proxy.Hostname()
		secure := tls.Client(sock, cfg)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, proxyError(err)
		}
		sock = secure
	}
	// A read knows no context: it ends with the socket.
	stop := context.AfterFunc(ctx, func() { sock.Close() }) //nolint:errcheck // the read's error counts
	defer stop()
	req := (&http.Request{
		Method: http.MethodConnect,
		URL:    &url.URL{Opaque: addr},
		Host:   addr,
		Header: make(http.Header),
	}).WithContext(ctx)
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := req.Write(sock); err != nil {
		return nil, proxyError(err)
	}
	br := bufio.NewReader(sock)
	resp, err := http.ReadResponse(br, req)
	if err != nil {
		return nil, proxyError(err)
	}
	resp.Body.Close() //nolint:errcheck // a tunnel has no body
	if err := proxyAnswer(resp); err != nil {
		return nil, err
	}
	if br.Buffered() > 0 {
		return nil, proxyError(errors.New("the proxy sent something before it was asked"))
	}
	return sock, nil
}

// proxyError marks an error as http.Transport marks those of its own tunnels.
func proxyError(err error) error {
	return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err}
}

func proxyAnswer(resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return proxyError(fmt.Errorf("the proxy answered %s", resp.Status))
	}
	return nil
}

// countingConn counts bytes: while some arrive, the node is there, and while some
// leave, it takes them.
type countingConn struct {
	net.Conn
	received, sent *atomic.Uint64
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.received.Add(uint64(n))
	}
	return n, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if n > 0 {
		c.sent.Add(uint64(n))
	}
	return n, err
}

// explain finds what to do about a failed Dial.
func explain(endpoint string, resp *http.Response, err error) *DialError {
	e := &DialError{Endpoint: endpoint, Err: err}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		e.Err = u.Err // without the words and the URL around it
	}
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		e.Status = resp.StatusCode
		e.Remedy = statusRemedy(resp.StatusCode)
		return e
	}
	var (
		op       *net.OpError
		dns      *net.DNSError
		cert     *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		record   tls.RecordHeaderError
		alert    tls.AlertError
	)
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		e.Remedy = "the caller gave up"
	case errors.As(err, &op) && op.Op == "proxyconnect":
		e.Remedy = "the proxy is the trouble: check HTTPS_PROXY (HTTP_PROXY for ws), or exempt the host in NO_PROXY"
	case errors.As(err, &dns):
		e.Remedy = "the host's name is not known: check its spelling and your DNS"
	case errors.Is(err, syscall.ECONNREFUSED), strings.Contains(text, "refused"):
		e.Remedy = "nothing listens at that port: is the node running? Check host and port"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &op) && op.Timeout():
		e.Remedy = "the endpoint does not answer: check host and port, your network and firewall, or try another endpoint"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), strings.Contains(text, "unreachable"):
		e.Remedy = "there is no way to that host: check your network"
	case errors.As(err, &record), strings.Contains(text, "HTTP response to HTTPS client"):
		e.Remedy = "the port does not speak TLS: try ws:// instead of wss://"
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &alert):
		e.Remedy = "the endpoint's certificate is not trusted: check the host's name, this machine's clock and certificates"
	case resp != nil, strings.Contains(text, "malformed HTTP"), strings.Contains(text, "EOF"), strings.Contains(text, "reset by peer"):
		e.Remedy = "that is not the WebSocket of a node: check host, port and whether it wants wss://"
	default:
		e.Remedy = "check the endpoint and your network"
	}
	return e
}

func statusRemedy(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "the endpoint limits how often you may connect: wait a minute, or use another endpoint"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "the endpoint does not let you in: check the URL and its key, or use another endpoint"
	case status >= 500:
		return "the endpoint is in trouble: try again later, or use another endpoint"
	default:
		return "that is not the WebSocket of a node: check host, port and path"
	}
}
