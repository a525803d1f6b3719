package subtensor_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/nodetest"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/subtensor"
)

// capture captures a node that is reached by a URL with secrets in it.
func capture(t *testing.T, url string, opts subtensor.CaptureOptions) (*subtensor.Capture, error) {
	t.Helper()
	endpoint := strings.Replace(url, "ws://", "ws://someone:sesame@", 1) + "/v1/0123456789abcdef?key=fedcba98"
	sc, err := substrate.Dial(t.Context(), endpoint, substrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := subtensor.New(sc, subtensor.Network{Name: "local", Endpoint: endpoint})
	t.Cleanup(func() { c.Close() })
	return c.Capture(t.Context(), opts)
}

func unzip(t *testing.T, file []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A capture of a development chain is enough to decode and to examine it without
// it.
func TestCapture(t *testing.T) {
	t.Parallel()
	node, err := devnet.Start(devnet.Options{Difficulty: 50})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		node.Step()
	}
	got, err := capture(t, node.URL(), subtensor.CaptureOptions{Comment: "by a test\non two lines"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := subtensor.Dial(t.Context(), subtensor.Network{Name: "local", Endpoint: node.URL()}, subtensor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	neurons, err := s.Neurons(t.Context(), 1)
	if err != nil || len(neurons) != 16 {
		t.Fatal(err)
	}
	c.Close()
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}

	text := unzip(t, got.File)
	if !strings.HasPrefix(text, "// by a test\n// on two lines\n// network local, endpoint ws://127.0.0.1:") || got.Size > int64(len(text)) {
		t.Errorf("%.200s", text)
	}
	for _, secret := range []string{"someone", "sesame", "0123456789abcdef", "fedcba98"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the capture", secret)
		}
	}

	path := filepath.Join(t.TempDir(), "devnet.jsonrpc.gz")
	if err := os.WriteFile(path, got.File, 0o600); err != nil {
		t.Fatal(err)
	}
	snapshot := nodetest.NewSnapshot(t, path)

	// By hand: the metadata and the raw answer in the file give the neurons.
	decode := func(raw json.RawMessage) []byte {
		t.Helper()
		var digits string
		if err := json.Unmarshal(raw, &digits); err != nil {
			t.Fatal(err)
		}
		b, err := hex.DecodeString(digits[2:])
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	block := s.Hash.String()
	for _, form := range []struct {
		what  string
		parse func() (*metadata.Metadata, error)
	}{
		{"V14", func() (*metadata.Metadata, error) {
			return metadata.Parse(decode(snapshot.Result("state_getMetadata", block)))
		}},
		{"V15", func() (*metadata.Metadata, error) {
			return metadata.ParseAnswer(decode(snapshot.Result("state_call", "Metadata_metadata_at_version", "0x0f000000", block)))
		}},
	} {
		md, err := form.parse()
		if err != nil {
			t.Fatal(err)
		}
		schema, err := subtensor.NewSchema(md, got.Report.Runtime.SpecVersion)
		if err != nil {
			t.Fatal(err)
		}
		var list []subtensor.NeuronInfo
		if err := schema.Decode("NeuronInfoRuntimeApi_get_neurons", decode(snapshot.Result("state_call", "NeuronInfoRuntimeApi_get_neurons", "0x0100", block)), &list); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(neurons, list); d != "" {
			t.Errorf("by metadata %s (-node +file):\n%s", form.what, d)
		}
	}

	// Through a client: the same report, and the same neurons from storage.
	again, err := examine(t, subtensor.Network{Name: "local", Endpoint: snapshot.URL()}, subtensor.ExamineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again.Endpoint = got.Report.Endpoint
	if d := cmp.Diff(got.Report, again); d != "" {
		t.Errorf("report (-node +file):\n%s", d)
	}
	c, err = subtensor.Dial(t.Context(), subtensor.Network{Name: "local", Endpoint: snapshot.URL()}, subtensor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if s, err = c.AtBlock(t.Context(), &got.Report.Chain.Block); err != nil {
		t.Fatal(err)
	}
	stored, err := s.StoredNeurons(t.Context(), 1)
	if err != nil || len(stored) != len(neurons) {
		t.Fatalf("%d neurons, %v", len(stored), err)
	}
	for i := range stored {
		if stored[i].Hotkey != neurons[i].Hotkey || !cmp.Equal(stored[i].AxonInfo, neurons[i].AxonInfo) || stored[i].Incentive != neurons[i].Incentive {
			t.Errorf("uid %d: %+v, %+v", i, stored[i], neurons[i])
		}
	}
	// What nobody asked for before: other values of the subnet, one by one.
	for _, item := range []string{"ImmunityPeriod", "Kappa", "Rho"} {
		var v uint64
		if _, err := s.Get(t.Context(), &v, "SubtensorModule", item, uint16(1)); err != nil {
			t.Error(err)
		}
	}
}

func TestCaptureTooLarge(t *testing.T) {
	node, err := devnet.Start(devnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	if got, err := capture(t, node.URL(), subtensor.CaptureOptions{Limit: 50_000}); !errors.Is(err, subtensor.ErrCaptureTooLarge) || got != nil || !strings.Contains(fmt.Sprint(err), "50000") {
		t.Errorf("%v", err)
	}
}

// A node that repeats what it was reached by does not get it into the file; one
// whose metadata cannot be read is captured as far as it goes.
func TestCaptureOfBrokenNode(t *testing.T) {
	node := serveVectors(t, "119-mock")
	node.v14 = node.v14[:2000]
	node.refuse["system_name"] = "key fedcba98 of someone is not allowed to"
	got, err := capture(t, node.URL(), subtensor.CaptureOptions{})
	if err != nil || got.Report.OK() || got.Report.Runtime.SpecVersion != 119 {
		t.Fatalf("%v, %+v", err, got)
	}
	text := unzip(t, got.File)
	if !strings.Contains(text, node.v14) || !strings.Contains(text, "key REDACTED of REDACTED is not allowed to") {
		t.Errorf("%.3000s", text)
	}
	if strings.Contains(text, "fedcba98") {
		t.Error("a key is in the capture")
	}
}

// Captures of runtimes of every era are enough for a metagraph's questions, and
// decode to what the runtimes answered.
func TestCaptureRuntimes(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"101-finney", "143-finney", "202-dao", "475-backport"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			node := serveVectors(t, dir)
			netuid := uint16(1)
			got, err := capture(t, node.URL(), subtensor.CaptureOptions{ExamineOptions: subtensor.ExamineOptions{Netuid: &netuid}})
			if err != nil || !got.Report.OK() {
				t.Fatalf("%v, %+v", err, got)
			}
			path := filepath.Join(t.TempDir(), dir+".gz")
			if err := os.WriteFile(path, got.File, 0o600); err != nil {
				t.Fatal(err)
			}
			read := func(endpoint string) []subtensor.NeuronInfo {
				c, err := subtensor.Dial(t.Context(), subtensor.Network{Name: "local", Endpoint: endpoint}, subtensor.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				s, err := c.AtBlock(t.Context(), nil, append(subtensor.AskUids(netuid), subtensor.AskNeurons(netuid), subtensor.AskSubnetState(netuid))...)
				if err != nil {
					t.Fatal(err)
				}
				list, err := s.Neurons(t.Context(), netuid)
				if err != nil || len(list) != 64 {
					t.Fatalf("%d neurons, %v", len(list), err)
				}
				return list
			}
			if d := cmp.Diff(read(node.URL()), read(nodetest.NewSnapshot(t, path).URL())); d != "" {
				t.Errorf("-node +file:\n%s", d)
			}
		})
	}
}
