package substrate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/rpc"
)

func TestRecord(t *testing.T) {
	node, err := devnet.Start(devnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	c, err := substrate.Dial(t.Context(), node.URL(), substrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if name, err := c.Ask(t.Context(), "system_name"); err != nil || string(name) != `"bt devnet"` {
		t.Errorf("%s, %v", name, err)
	}
	var refused *rpc.Error
	if _, err := c.Ask(t.Context(), "no_such"); !errors.As(err, &refused) || refused.Code != -32601 {
		t.Errorf("%v", err)
	}

	var text bytes.Buffer
	stop := c.Record(&text)
	for range 2 { // what is asked again is not written again, though the head moves on
		s, err := c.AtHead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Raw(t.Context(), []byte{1}); err != nil {
			t.Fatal(err)
		}
		c.Ask(t.Context(), "no_such", map[string]int{"a": 1})
		node.Step()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	c.Ask(t.Context(), "system_chain") // not written any more

	asked := make(map[string]int)
	ids := make(map[string]string) // method by id
	answers := make(map[string]string)
	for line := range strings.Lines(text.String()) {
		var m struct {
			ID            json.Number
			Method        string
			Params        json.RawMessage
			Result, Error json.RawMessage
		}
		arrow, doc, _ := strings.Cut(line, " ")
		if err := json.Unmarshal([]byte(doc), &m); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		switch arrow {
		case "-->":
			asked[m.Method]++
			ids[m.ID.String()] = m.Method
		case "<--":
			answers[ids[m.ID.String()]] = string(m.Result) + string(m.Error)
		default:
			t.Errorf("a line begins with %q", arrow)
		}
	}
	// Two blocks were looked at: each has a hash of its own.
	want := map[string]int{"chain_getHeader": 1, "state_getRuntimeVersion": 2, "state_getStorageHash": 2, "state_queryStorageAt": 2, "no_such": 1}
	delete(asked, "state_call") // metadata
	if d := cmp.Diff(want, asked); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	if len(ids) != len(answers)+3 || !strings.Contains(answers["chain_getHeader"], `"number":"0x0"`) || !strings.Contains(answers["no_such"], "-32601") {
		t.Errorf("%v", answers)
	}
}

// failing is a disk that is full.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestRecordFails(t *testing.T) {
	node, err := devnet.Start(devnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	c, err := substrate.Dial(t.Context(), node.URL(), substrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stop := c.Record(failing{})
	if _, err := c.Head(t.Context()); err != nil {
		t.Error(err)
	}
	if err := stop(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// The extensions of every runtime are those that an independent implementation
// saw, and all can be filled.
func TestExtensionList(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(vectors.Dir(t), "*", "meta.json"))
	if err != nil || len(paths) == 0 {
		t.Fatal(err)
	}
	for _, path := range paths {
		dir := filepath.Base(filepath.Dir(path))
		var meta struct {
			SignedExtensions []string `json:"signedExtensions"`
		}
		vectors.JSON(t, path, &meta)
		md, err := metadata.Parse(vectors.Read(t, dir+"/metadata_v14.scale.gz"))
		if err != nil {
			t.Fatal(err)
		}
		rt := substrate.Runtime{Metadata: md, Codec: codec.New(md.Types)}
		list, err := rt.Extensions()
		if err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		var names []string
		for _, x := range list {
			names = append(names, x.Identifier)
			silent := map[string]bool{
				"CheckNonZeroSender": true, "CheckWeight": true, "SubtensorSignedExtension": true, "CommitmentsSignedExtension": true,
				"SubtensorTransactionExtension": true, "DrandPriority": true, "SudoTransactionExtension": true, "CheckShieldedTxValidity": true,
			}[x.Identifier]
			if !x.Fillable || x.Silent != silent {
				t.Errorf("%s: %+v", dir, x)
			}
		}
		if d := cmp.Diff(meta.SignedExtensions, names); len(meta.SignedExtensions) > 0 && d != "" {
			t.Errorf("%s (-want +got):\n%s", dir, d)
		}

		// One that speaks and is not known.
		for i := range md.Extrinsic.Extensions {
			if x := &md.Extrinsic.Extensions[i]; x.Identifier == "CheckNonce" {
				x.Identifier = "CheckNonsense"
			}
		}
		unknown := 0
		list, _ = rt.Extensions()
		for _, x := range list {
			if !x.Fillable {
				unknown++
			}
		}
		if unknown != 1 {
			t.Errorf("%s: %d extensions cannot be filled", dir, unknown)
		}
	}
}
