package subtensor

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/bittensor-go/bt/substrate"
)

// Network is a chain and the node that serves it.
type Network struct {
	// Name is the name in the table of networks; "local" for a node on this
	// machine and "unknown" for any other, as the Python SDK has it.
	Name string
	// Endpoint is a WebSocket URL.
	Endpoint string
	// Archive is the WebSocket URL of a node of the same chain that keeps the state
	// of all blocks, empty where none is known. It may be Endpoint itself.
	Archive string
}

// Public returns the endpoint to show to people: scheme, host and port, for user
// names, paths and queries hold keys.
func (n Network) Public() string {
	u, err := url.Parse(n.Endpoint)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

// finney is the genesis block of the main network (btcli).
var finney = substrate.Hash{
	0x2f, 0x05, 0x55, 0xcc, 0x76, 0xfc, 0x28, 0x40, 0xa2, 0x5a, 0x6e, 0xa3, 0xb9, 0x63, 0x71, 0x46,
	0x80, 0x6f, 0x1f, 0x44, 0xb0, 0x90, 0xc1, 0x75, 0xff, 0xde, 0x2a, 0x7e, 0x5a, 0xb3, 0x6c, 0x03,
}

// archiveEndpoint keeps all blocks of that chain.
const archiveEndpoint = "wss://archive.chain.opentensor.ai:443"

// networks are the public endpoints and the usual local one (SDK settings).
var networks = [...]Network{
	{"finney", "wss://entrypoint-finney.opentensor.ai:443", archiveEndpoint},
	{"test", "wss://test.finney.opentensor.ai:443", ""},
	{"archive", archiveEndpoint, archiveEndpoint},
	{"local", "ws://127.0.0.1:9944", ""},
	{"latent-lite", "wss://lite.sub.latent.to:443", archiveEndpoint},
}

// NetworkNames returns the names that ResolveNetwork knows.
func NetworkNames() []string {
	names := make([]string, len(networks))
	for i, n := range networks {
		names[i] = n.Name
	}
	return names
}

// ResolveNetwork turns a name (finney, test, archive, local, latent-lite) or a
// ws:// or wss:// URL into a network. A URL is kept as it is. The error for any
// other string lists the names.
func ResolveNetwork(s string) (Network, error) {
	for _, n := range networks {
		if s == n.Name {
			return n, nil
		}
	}
	if !strings.Contains(s, "://") {
		return Network{}, fmt.Errorf("unknown network %q: use one of %s, or a ws:// or wss:// URL", s, strings.Join(NetworkNames(), ", "))
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		var why *url.Error // which quotes the URL, and that may hold a password
		if errors.As(err, &why) {
			err = why.Err
		}
		return Network{}, fmt.Errorf("the endpoint is no URL: %w", err)
	case u.Scheme != "ws" && u.Scheme != "wss":
		return Network{}, fmt.Errorf("endpoint %q has scheme %s: nodes are reached by ws:// or wss://", u.Redacted(), u.Scheme)
	case u.Hostname() == "":
		return Network{}, fmt.Errorf("endpoint %q names no host: write it like ws://127.0.0.1:9944", u.Redacted())
	}
	n := networkOf(u.Hostname())
	if n.Archive != "" && n.keepsAll() {
		n.Archive = s
	}
	n.Endpoint = s
	return n, nil
}

// networkOf returns the network that a host serves.
func networkOf(host string) Network {
	host = strings.ToLower(host)
	switch host {
	case "127.0.0.1", "localhost", "::1":
		return Network{Name: "local"}
	}
	for _, n := range networks {
		if u, err := url.Parse(n.Endpoint); err == nil && u.Hostname() == host {
			return n
		}
	}
	return Network{Name: "unknown"}
}

// keepsAll reports whether the endpoint is known to be an archive node.
func (n Network) keepsAll() bool { return n.Archive == n.Endpoint }
