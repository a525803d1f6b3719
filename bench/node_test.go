package bench

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"golang.org/x/crypto/blake2b"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/scale"
)

// serving makes this test binary a node: what it takes is not the client's then.
// The value says how many neurons the subnet has.
const serving = "BENCH_SERVE"

// TestServe is the node that startNode runs. It ends with its input.
func TestServe(t *testing.T) {
	if os.Getenv(serving) == "" {
		t.Skip("run by the benchmarks")
	}
	results := recorded(t, os.Getenv(serving))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
		if err != nil {
			return
		}
		defer ws.CloseNow()
		for {
			_, message, err := ws.Read(r.Context())
			if err != nil {
				return
			}
			if ws.Write(r.Context(), websocket.MessageText, replies(message, results)) != nil {
				return
			}
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

// startNode starts a node that answers as a real one did, in a process of its
// own, and returns its address. Its subnet has 256 neurons, or 2,500 with dense
// rows.
func startNode(b testing.TB, neurons int) string {
	b.Helper()
	vectors.Dir(b) // skips where there are none, which the node could not tell
	return startTest(b, "TestServe", serving+"="+strconv.Itoa(neurons))
}

// startTest runs a test of this binary that is a node, in a process of its own until
// the test at hand ends, and returns the address that it prints.
func startTest(b testing.TB, name, env string) string {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^"+name+"$")
	cmd.Env = append(os.Environ(), env)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("the node: %v", err)
		}
	})
	url, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(url)
}

// recorded is what the node answers: JSON by method and, for state_call, by what
// is called and its arguments.
func recorded(t *testing.T, neurons string) map[string]json.RawMessage {
	quote := func(b []byte) json.RawMessage { return json.RawMessage(`"0x` + hex.EncodeToString(b) + `"`) }
	var meta struct {
		Spec json.RawMessage `json:"spec"`
		Head struct {
			Number uint64 `json:"number"`
		} `json:"head"`
	}
	vectors.JSON(t, runtime+"/meta.json", &meta)
	zero := make([]byte, 32)
	header := append(scale.AppendCompact(slices.Clone(zero), meta.Head.Number), slices.Concat(zero, zero, []byte{0})...)
	hash := blake2b.Sum256(header)
	results := map[string]json.RawMessage{
		"chain_getBlockHash": quote(hash[:]),
		"chain_getHeader": json.RawMessage(fmt.Sprintf(`{"number":"%#x","parentHash":%s,"stateRoot":%s,"extrinsicsRoot":%s,"digest":{"logs":[]}}`,
			meta.Head.Number, quote(zero), quote(zero), quote(zero))),
		"state_getRuntimeVersion":                            meta.Spec,
		"state_getStorageHash":                               quote(zero),
		"state_call Metadata_metadata_at_version 0x0f000000": quote(metadataAnswer(t)),
	}
	md := runtimeMetadata(t)
	for api, methods := range map[string][]string{
		"NeuronInfoRuntimeApi": {"get_neurons", "get_neurons_lite"},
		"SubnetInfoRuntimeApi": {"get_subnet_state"},
	} {
		for _, method := range methods {
			data := vectors.Hex(t, fmt.Sprintf("%s/state_call/%s.netuid%d.hex.gz", runtime, method, netuid))
			if neurons == strconv.Itoa(manyUIDs) {
				data = enlarged(t, md, api, method, data, manyUIDs/10)
			}
			results[fmt.Sprintf("state_call %s_%s 0x%02x00", api, method, netuid)] = quote(data)
		}
	}
	return results
}

// replies answers a request or a batch.
func replies(message []byte, results map[string]json.RawMessage) []byte {
	type request struct {
		ID     json.RawMessage   `json:"id"`
		Method string            `json:"method"`
		Params []json.RawMessage `json:"params"`
	}
	batch := make([]request, 1)
	single := message[0] != '['
	var err error
	if single {
		err = json.Unmarshal(message, &batch[0])
	} else {
		err = json.Unmarshal(message, &batch)
	}
	if err != nil {
		return []byte("null")
	}
	list := make([]string, len(batch))
	for i, r := range batch {
		key := r.Method
		if key == "state_call" && len(r.Params) > 1 {
			key += " " + strings.Trim(string(r.Params[0]), `"`) + " " + strings.Trim(string(r.Params[1]), `"`)
		}
		if result, ok := results[key]; ok {
			list[i] = fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, r.ID, result)
		} else {
			list[i] = fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"not recorded: %s"}}`, r.ID, strings.ReplaceAll(key, `"`, ""))
		}
	}
	if single {
		return []byte(list[0])
	}
	return []byte("[" + strings.Join(list, ",") + "]")
}
