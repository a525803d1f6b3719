package subtensor_test

import (
	"strings"
	"testing"

	"github.com/bittensor-go/bt/subtensor"
)

func TestResolveNetwork(t *testing.T) {
	for in, want := range map[string]subtensor.Network{
		"finney":                            {Name: "finney", Endpoint: "wss://entrypoint-finney.opentensor.ai:443", Archive: "wss://archive.chain.opentensor.ai:443"},
		"test":                              {Name: "test", Endpoint: "wss://test.finney.opentensor.ai:443"},
		"archive":                           {Name: "archive", Endpoint: "wss://archive.chain.opentensor.ai:443", Archive: "wss://archive.chain.opentensor.ai:443"},
		"local":                             {Name: "local", Endpoint: "ws://127.0.0.1:9944"},
		"latent-lite":                       {Name: "latent-lite", Endpoint: "wss://lite.sub.latent.to:443", Archive: "wss://archive.chain.opentensor.ai:443"},
		"ws://localhost:1/a?b=c":            {Name: "local", Endpoint: "ws://localhost:1/a?b=c"},
		"ws://[::1]:9944":                   {Name: "local", Endpoint: "ws://[::1]:9944"},
		"wss://node.example":                {Name: "unknown", Endpoint: "wss://node.example"},
		"wss://archive.chain.opentensor.ai": {Name: "archive", Endpoint: "wss://archive.chain.opentensor.ai", Archive: "wss://archive.chain.opentensor.ai"},
		"wss://lite.sub.latent.to/x":        {Name: "latent-lite", Endpoint: "wss://lite.sub.latent.to/x", Archive: "wss://archive.chain.opentensor.ai:443"},
		"ws://finney.evil.example":          {Name: "unknown", Endpoint: "ws://finney.evil.example"},
	} {
		if got, err := subtensor.ResolveNetwork(in); err != nil || got != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	for in, mention := range map[string]string{
		"":                            "latent-lite",
		"fineny":                      "finney, test, archive, local, latent-lite",
		"Finney":                      "finney",
		"127.0.0.1:9944":              "ws://",
		"https://x.example":           "https",
		"ws://":                       "names no host",
		"ws://:9944":                  "names no host",
		"ws://%zz":                    "no URL",
		"http://me:hunter2@x.example": "http",
		"ws://me:hunter2@":            "names no host",
		"ws://me:hunter2@%zz":         "no URL",
	} {
		if got, err := subtensor.ResolveNetwork(in); err == nil || !strings.Contains(err.Error(), mention) {
			t.Errorf("%q: %+v, %v: no mention of %q", in, got, err, mention)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error tells the password: %v", in, err)
		}
	}
}

// What is shown of an endpoint holds no key.
func TestPublic(t *testing.T) {
	n, err := subtensor.ResolveNetwork("wss://me:hunter2@node.example:8443/v1/key?token=abc#x")
	if err != nil || n.Public() != "wss://node.example:8443" {
		t.Errorf("%q, %v", n.Public(), err)
	}
}
