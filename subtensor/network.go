package subtensor

import (
	"fmt"
	"net/url"
	"strings"
)

// Network is a chain and the node that serves it.
type Network struct {
	// Name is the name in the table of networks; "local" for a node on this
	// machine and "unknown" for any other, as the Python SDK has it.
	Name string
	// Endpoint is a WebSocket URL.
	Endpoint string
}

// networks are the public endpoints and the usual local one (SDK settings).
var networks = [...]Network{
	{"finney", "wss://entrypoint-finney.opentensor.ai:443"},
	{"test", "wss://test.finney.opentensor.ai:443"},
	{"archive", "wss://archive.chain.opentensor.ai:443"},
	{"local", "ws://127.0.0.1:9944"},
	{"latent-lite", "wss://lite.sub.latent.to:443"},
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
		return Network{}, fmt.Errorf("endpoint %q is no URL: %w", s, err)
	case u.Scheme != "ws" && u.Scheme != "wss":
		return Network{}, fmt.Errorf("endpoint %q has scheme %s: nodes are reached by ws:// or wss://", s, u.Scheme)
	case u.Hostname() == "":
		return Network{}, fmt.Errorf("endpoint %q names no host: write it like ws://127.0.0.1:9944", s)
	}
	return Network{Name: nameOf(u.Hostname()), Endpoint: s}, nil
}

// nameOf returns the name of the network that a host serves.
func nameOf(host string) string {
	switch host {
	case "127.0.0.1", "localhost", "::1":
		return "local"
	}
	for _, n := range networks {
		if u, err := url.Parse(n.Endpoint); err == nil && u.Hostname() == host {
			return n.Name
		}
	}
	return "unknown"
}
