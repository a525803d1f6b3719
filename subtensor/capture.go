package subtensor

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// ErrCaptureTooLarge reports a capture that outgrew its limit.
var ErrCaptureTooLarge = errors.New("the capture is larger than its limit")

// defaultCapture bounds a capture: metadata takes 3 MB, and 256 neurons with all
// that is stored of them about as much.
const defaultCapture = 64 << 20

// CaptureOptions choose what is captured.
type CaptureOptions struct {
	ExamineOptions
	// Comment stands at the head of the file, such as who captured when.
	Comment string
	// Limit is the most bytes of the transcript before it is compressed, 0 for 64
	// MiB.
	Limit int64
}

// Capture is what a node said, for others to look into.
type Capture struct {
	Report *Report
	// File is the transcript, gzipped: comments that begin with "//", requests with
	// "-->" and answers with "<--", a line each (see [substrate.Client.Record]). It
	// holds everything that [Client.Examine] and a metagraph of the subnet ask, and
	// the subnet's own storage.
	File []byte
	// Size is that of the transcript before it was compressed.
	Size int64
}

// Capture examines a node and writes down what it is asked and answers, with all
// that its storage holds of one subnet. It reads public state only; no key and no
// account of the user's is in it, and nothing of the endpoint but scheme, host and
// port. The error is Examine's, or ErrCaptureTooLarge.
//
// Nothing else should use the client meanwhile: it would be written down too.
func (c *Client) Capture(ctx context.Context, opts CaptureOptions) (_ *Capture, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	w := &captureWriter{w: z, left: opts.Limit, secrets: secretsOf(c.Network.Endpoint), full: func() { cancel(ErrCaptureTooLarge) }}
	if w.left <= 0 {
		w.left = defaultCapture
	}
	limit := w.left
	stop := c.Record(w)
	r, err := c.walk(ctx, opts.ExamineOptions)
	if e := stop(); e != nil {
		err = e
	}
	if errors.Is(err, context.Canceled) && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	if errors.Is(err, ErrCaptureTooLarge) {
		return nil, fmt.Errorf("%w of %d bytes: choose a subnet with fewer neurons", err, limit)
	}
	if err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	head, err := captureHead(r, opts.Comment)
	if err != nil {
		return nil, err
	}
	// Gzip files one after the other are one.
	return &Capture{Report: r, File: append(head, body.Bytes()...), Size: limit - w.left}, nil
}

// captureHead returns the comments at the head of a capture, gzipped.
func captureHead(r *Report, comment string) ([]byte, error) {
	var text strings.Builder
	for line := range strings.Lines(comment) {
		fmt.Fprintf(&text, "// %s\n", strings.TrimSpace(line))
	}
	fmt.Fprintf(&text, "// network %s, endpoint %s, genesis %s\n", r.Network, r.Endpoint, r.Chain.Genesis)
	fmt.Fprintf(&text, "// runtime %s %d, code %s\n", strings.Join(strings.Fields(r.Runtime.SpecName), " "), r.Runtime.SpecVersion, r.Runtime.CodeHash)
	fmt.Fprintf(&text, "// block %d, %s\n", r.Chain.Block, r.Chain.BlockHash)
	if r.Netuid != nil {
		fmt.Fprintf(&text, "// netuid %d\n", *r.Netuid)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text.String()); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

// captureWriter takes the lines of a transcript.
type captureWriter struct {
	w       io.Writer
	left    int64
	secrets *strings.Replacer
	full    func()
}

// Write takes one line. Where a node complains it may repeat what it was reached
// by: that is taken out of its errors.
func (w *captureWriter) Write(line []byte) (int, error) {
	n := len(line)
	if bytes.HasPrefix(line, []byte("<-- ")) && bytes.Contains(line[:min(n, 200)], []byte(`"error":`)) {
		line = []byte(w.secrets.Replace(string(line)))
	}
	if w.left -= int64(len(line)); w.left < 0 {
		w.full()
		return 0, ErrCaptureTooLarge
	}
	if _, err := w.w.Write(line); err != nil {
		return 0, err
	}
	return n, nil
}

// secretsOf replaces the parts of an endpoint that may be keys: user, password,
// segments of the path, values of the query, the fragment.
func secretsOf(endpoint string) *strings.Replacer {
	u, err := url.Parse(endpoint)
	if err != nil {
		return strings.NewReplacer()
	}
	parts := strings.Split(u.Path, "/")
	if u.User != nil {
		password, _ := u.User.Password()
		parts = append(parts, password, u.User.Username())
	}
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	parts = append(parts, u.Fragment)
	var pairs []string
	for _, p := range parts {
		if len(p) < 4 { // what is that short is a word, and no key
			continue
		}
		pairs = append(pairs, p, "REDACTED")
		if escaped := url.QueryEscape(p); escaped != p {
			pairs = append(pairs, escaped, "REDACTED")
		}
	}
	return strings.NewReplacer(pairs...)
}

// walk asks what a capture holds.
func (c *Client) walk(ctx context.Context, opts ExamineOptions) (*Report, error) {
	// Dial asks this before anything is written down.
	if _, err := c.Ask(ctx, "chain_getBlockHash", 0); err != nil {
		return nil, err
	}
	e := c.examiner()
	if err := e.examine(ctx, opts); err != nil || e.s == nil {
		return e.r, err
	}
	// The block is found by its number, too. What the node refuses is in the capture
	// like everything else.
	_, err := c.HeaderAt(ctx, e.s.Number)
	if !ends(ctx, err) && e.r.Netuid != nil {
		err = e.s.readSubnet(ctx, *e.r.Netuid)
	}
	if ends(ctx, err) {
		return e.r, err
	}
	return e.r, nil
}

// captured are the pallets whose storage is about subnets.
var captured = []string{palletName, "Commitments"}

// maxCapturedKeys bounds the keys of one map; only a node that makes them up has
// so many.
const maxCapturedKeys = 1 << 16

// readSubnet reads all that is stored of a subnet and its neurons: plain values,
// maps by netuid, and maps by account for the neurons' keys.
func (s *State) readSubnet(ctx context.Context, netuid uint16) error {
	// A client may ask before it knows the runtime: that a function is missing is an
	// answer, too.
	for i := range asked {
		if _, err := s.Call(ctx, asked[i].method, asked[i].args(netuid)); ends(ctx, err) {
			return err
		}
	}
	// As metagraphs are read, by runtime API and by storage, with what belongs to
	// them. What a runtime does not have is no matter.
	neurons, err := s.NeuronsLite(ctx, netuid)
	if err == nil {
		_, err = s.StoredNeurons(ctx, netuid)
	}
	if ends(ctx, err) {
		return err
	}
	if err := s.readAttached(ctx, netuid, neurons); ends(ctx, err) {
		return err
	}
	var keys [][]byte
	add := func(pallet string, entry *metadata.StorageEntry, parts ...any) {
		if key, err := s.Runtime.StorageKey(pallet, entry.Name, parts...); err == nil {
			keys = append(keys, key)
		}
	}
	for _, name := range captured {
		pallet, ok := s.Runtime.Metadata.Pallet(name)
		if !ok {
			continue
		}
		for i := range pallet.Storage {
			entry := &pallet.Storage[i]
			switch kinds := s.keyKinds(entry); {
			case len(kinds) == 0:
				add(name, entry)
			case len(kinds) == 1 && kinds[0] == keyNetuid:
				add(name, entry, netuid)
			case kinds[0] == keyNetuid:
				prefix, err := s.Runtime.StorageKey(name, entry.Name, netuid)
				if err != nil {
					continue
				}
				below, err := s.Keys(ctx, prefix, maxCapturedKeys)
				if ends(ctx, err) {
					return err
				}
				keys = append(keys, below...)
			case len(kinds) == 1 && kinds[0] == keyAccount:
				for account := range accountsOf(neurons) {
					add(name, entry, account)
				}
			case len(kinds) == 2 && kinds[0] == keyAccount && kinds[1] == keyNetuid:
				for i := range neurons {
					add(name, entry, neurons[i].Hotkey, netuid)
				}
			}
		}
	}
	_, err = s.Raw(ctx, keys...)
	return err
}

// readAttached reads what metagraphs can hold besides neurons: mechanisms,
// commitments and identities.
func (s *State) readAttached(ctx context.Context, netuid uint16, neurons []NeuronInfoLite) error {
	coldkeys := make([]ss58.AccountID, len(neurons))
	for i := range neurons {
		coldkeys[i] = neurons[i].Coldkey
	}
	_, err := s.Commitments(ctx, netuid)
	if ends(ctx, err) {
		return err
	}
	if _, err = s.Identities(ctx, coldkeys); ends(ctx, err) {
		return err
	}
	count, err := s.MechanismCount(ctx, netuid)
	if err != nil {
		return err
	}
	for m := range count {
		if _, err := s.Mechagraph(ctx, netuid, m); ends(ctx, err) {
			return err
		}
		if _, _, err := s.MechanismRows(ctx, netuid, m, len(neurons)); ends(ctx, err) {
			return err
		}
	}
	return nil
}

func accountsOf(neurons []NeuronInfoLite) map[ss58.AccountID]bool {
	accounts := make(map[ss58.AccountID]bool, 2*len(neurons))
	for i := range neurons {
		accounts[neurons[i].Hotkey], accounts[neurons[i].Coldkey] = true, true
	}
	return accounts
}

// keyKind is what the key of a storage map stands for.
type keyKind uint8

const (
	keyOther keyKind = iota
	keyNetuid
	keyAccount
)

// keyKinds returns what the keys of an item stand for, none for a plain value.
func (s *State) keyKinds(entry *metadata.StorageEntry) []keyKind {
	types := s.Runtime.Metadata.Types
	ids := []metadata.TypeID{entry.Key}
	switch t := types.Type(entry.Key); {
	case len(entry.Hashers) == 0:
		return nil
	case len(entry.Hashers) > 1:
		if t == nil || t.Kind != metadata.Tuple || len(t.Items) != len(entry.Hashers) {
			return []keyKind{keyOther}
		}
		ids = t.Items
	}
	kinds := make([]keyKind, len(ids))
	for i, id := range ids {
		switch {
		case isUint(metadata.U16)(types, id):
			kinds[i] = keyNetuid
		case isAccount(types, id):
			kinds[i] = keyAccount
		}
	}
	return kinds
}
