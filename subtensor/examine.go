package subtensor

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
)

// Report is what a node is, and what works with it. It marshals to the document
// of "bt doctor --json".
type Report struct {
	Network  string        `json:"network"`
	Endpoint string        `json:"endpoint"` // scheme, host and port alone: nothing of a user's
	Node     NodeReport    `json:"node"`
	Chain    ChainReport   `json:"chain"`
	Runtime  RuntimeReport `json:"runtime"`
	// Netuid is the subnet that the probes asked about, nil where there is none.
	Netuid     *uint16           `json:"netuid"`
	APIs       []Probe           `json:"apis"`    // runtime APIs
	Storage    []Probe           `json:"storage"` // storage items
	Extensions []ExtensionReport `json:"extensions"`
	Pow        PowReport         `json:"pow"`
	Subnets    []SubnetReport    `json:"subnets"`
	// Problems are what this package needs and does not get. A runtime on which
	// registration by proof of work is refused for good reason is none.
	Problems []Problem `json:"problems"`
}

// OK reports that there are no problems.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Problem is something that does not work.
type Problem struct {
	What   string `json:"what"`
	Error  string `json:"error"`
	Remedy string `json:"remedy,omitempty"`
}

// NodeReport is what the node says of itself. What it does not say is empty.
type NodeReport struct {
	Name    string `json:"name,omitempty"`    // of the software
	Version string `json:"version,omitempty"` // of the software
	Chain   string `json:"chain,omitempty"`   // "Bittensor" on all its networks
	Peers   *int   `json:"peers,omitempty"`
	Syncing *bool  `json:"syncing,omitempty"`
	// State says which states the node keeps: archive, pruned or unknown.
	State string `json:"state"`
	// Why says what State was told by.
	Why string `json:"state_why,omitempty"`
}

// The values of NodeReport.State.
const (
	StateArchive = "archive"
	StatePruned  = "pruned"
	StateUnknown = "unknown"
)

// ChainReport is where the chain is.
type ChainReport struct {
	Genesis substrate.Hash `json:"genesis"`
	// Name is the network that the genesis hash tells: finney, test, or unknown.
	Name      string         `json:"name"`
	Block     uint64         `json:"block"` // that everything was read at
	BlockHash substrate.Hash `json:"block_hash"`
	Head      uint64         `json:"head"`
	// Finalized is the newest final block, nil where the node does not say.
	Finalized *uint64 `json:"finalized,omitempty"`
	// Time is the block's own, the zero time where it has none.
	Time time.Time `json:"time,omitzero"`
	// BlockSeconds is the time between blocks over the last BlockSample blocks, 0
	// where it is not known.
	BlockSeconds float64 `json:"block_seconds,omitempty"`
	BlockSample  uint64  `json:"block_sample,omitempty"`
}

// RuntimeReport is which runtime executes the chain.
type RuntimeReport struct {
	SpecName           string           `json:"spec_name"`
	SpecVersion        uint32           `json:"spec_version"`
	TransactionVersion uint32           `json:"transaction_version"`
	CodeHash           substrate.Hash   `json:"code_hash"`
	Metadata           []MetadataReport `json:"metadata"`
	// Described says that the metadata in use gives the types of runtime APIs. Else
	// answers are decoded by the layout tables of this package.
	Described bool `json:"apis_described"`
}

// MetadataReport is one version of the runtime's metadata.
type MetadataReport struct {
	Version uint32 `json:"version"`
	Bytes   int    `json:"bytes"` // 0 where the runtime lists the version and does not give it
	Used    bool   `json:"used"`
	Error   string `json:"error,omitempty"`
}

// Probe is one thing that was asked and decoded.
type Probe struct {
	Name   string `json:"name"`   // NeuronInfoRuntimeApi_get_neurons, SubtensorModule.Burn
	Status string `json:"status"` // one of the constants
	Count  *int   `json:"count,omitempty"`
	Bytes  int    `json:"bytes,omitempty"` // of the encoded answer
	Layout string `json:"layout,omitempty"`
	Error  string `json:"error,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// The values of Probe.Status.
const (
	ProbeOK      = "ok"
	ProbeDefault = "default" // nothing is stored, and the runtime's default stands
	ProbeNone    = "none"    // there is such a thing, and nothing in it
	ProbeAbsent  = "absent"  // the runtime does not have it
	ProbeError   = "error"
)

// ExtensionReport is a transaction extension.
type ExtensionReport struct {
	Identifier string `json:"identifier"`
	Silent     bool   `json:"silent"`   // has nothing to say in a transaction
	Fillable   bool   `json:"fillable"` // what it has to say is known; true for silent ones
}

// PowReport says whether and how the runtime registers neurons by proof of work.
type PowReport struct {
	Possible bool   `json:"possible"`
	Refusal  string `json:"refusal,omitempty"` // why it is not possible
	Remedy   string `json:"remedy,omitempty"`

	// What follows is the rule where it is possible.
	Call     string `json:"call,omitempty"`
	Preimage string `json:"preimage,omitempty"` // what is hashed by SHA-256, then Keccak-256
	Reading  string `json:"reading,omitempty"`  // byte order in which the seal is read
	Window   uint64 `json:"window,omitempty"`   // blocks after the work block
	Signer   string `json:"signer,omitempty"`
	PaysFee  bool   `json:"pays_fee"`
	// FeeRao is what the runtime says that the transaction costs, nil where it does
	// not say.
	FeeRao   *uint64 `json:"fee_rao,omitempty"`
	FeeError string  `json:"fee_error,omitempty"` // why it does not say
	// Terms says what stands in the way of an unknown hotkey on the probed subnet,
	// "ok" for nothing.
	Terms string `json:"terms,omitempty"`
}

// SubnetReport is what a registration takes on one subnet.
type SubnetReport struct {
	Netuid     uint16 `json:"netuid"`
	Neurons    uint64 `json:"neurons"`
	MaxNeurons uint64 `json:"max_neurons"`
	// PowEnabled says that the subnet takes proofs of work. It is false where the
	// runtime takes none, whatever is stored.
	PowEnabled bool `json:"pow_enabled"`
	// Difficulty is what a proof has to meet; as stored where the runtime takes no
	// proofs.
	Difficulty uint64 `json:"difficulty"`
	// BurnRao is the stored price of a registration by burning, nil where the
	// runtime has none.
	BurnRao *uint64 `json:"burn_rao,omitempty"`
}

// ExamineOptions choose what is examined.
type ExamineOptions struct {
	// Netuid is the subnet to probe; nil takes the first that is not root and has
	// neurons.
	Netuid *uint16
	// Block is the block to read, nil for the newest.
	Block *uint64
}

// Examine asks a node everything that this package ever asks, and says what works.
// It reads only and takes some dozens of requests, of which metadata and neurons
// are large.
//
// What does not work is in the report. The error is for what ends an
// examination: the node went away, the block does not exist or its state is gone
// (substrate.ErrStateDiscarded), the chain is none of Bittensor's
// (ErrNotSubtensor), the subnet does not exist (ErrSubnetNotFound).
// The report holds what was found until then.
func (c *Client) Examine(ctx context.Context, opts ExamineOptions) (*Report, error) {
	e := c.examiner()
	return e.r, e.examine(ctx, opts)
}

func (c *Client) examiner() *examiner {
	r := &Report{
		Network: c.Network.Name, Endpoint: c.Network.Public(),
		APIs: []Probe{}, Storage: []Probe{}, Extensions: []ExtensionReport{}, Subnets: []SubnetReport{}, Problems: []Problem{},
	}
	r.Runtime.Metadata = []MetadataReport{}
	return &examiner{c: c, r: r}
}

// examiner is one examination.
type examiner struct {
	c *Client
	r *Report
	s *State // that is read; nil where there is no usable runtime
}

func (e *examiner) examine(ctx context.Context, opts ExamineOptions) error {
	steps := []func(context.Context, ExamineOptions) error{
		e.node, e.chain, e.state, // and with a runtime:
		e.clock, e.keeps, e.metadata, e.subnet, e.apis, e.storage, e.extensions, e.pow, e.subnets,
	}
	for i, step := range steps {
		if i > 2 && e.s == nil {
			return nil // without a runtime there is nothing more to see
		}
		if err := step(ctx, opts); err != nil {
			return err
		}
	}
	return nil
}

// ends reports whether an error ends the examination.
func ends(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || substrate.Unreachable(err))
}

// problem takes something down that does not work.
func (e *examiner) problem(what string, err error) {
	e.r.Problems = append(e.r.Problems, Problem{What: what, Error: err.Error(), Remedy: Explain(err)})
}

// ask asks the node and decodes its answer into v. A node need not know the
// method: then v stays as it is. The error ends the examination.
func (e *examiner) ask(ctx context.Context, v any, method string, params ...any) error {
	raw, err := e.c.Ask(ctx, method, params...)
	if ends(ctx, err) {
		return err
	}
	if err == nil {
		_ = json.Unmarshal(raw, v) // what cannot be read is as not said
	}
	return nil
}

// node asks what the node says of itself.
func (e *examiner) node(ctx context.Context, _ ExamineOptions) error {
	n := &e.r.Node
	var health struct {
		Peers     *int  `json:"peers"`
		IsSyncing *bool `json:"isSyncing"`
	}
	for _, q := range []struct {
		method string
		answer any
	}{{"system_name", &n.Name}, {"system_version", &n.Version}, {"system_chain", &n.Chain}, {"system_health", &health}} {
		if err := e.ask(ctx, q.answer, q.method); err != nil {
			return err
		}
	}
	for _, said := range []*string{&n.Name, &n.Version, &n.Chain} {
		*said = clipText(*said)
	}
	n.Peers, n.Syncing, n.State = health.Peers, health.IsSyncing, StateUnknown
	return nil
}

// clipText bounds what a node says of itself.
func clipText(s string) string {
	const most = 100
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// genesisNames are the public networks by the hash of their first block (btcli).
var genesisNames = map[string]string{
	"0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03": "finney",
	"0x8f9cf856bf558a14440e75569c9e58594757048d7b3a84b5d25f6bd978263105": "test",
}

// chain tells the network by its genesis block.
func (e *examiner) chain(context.Context, ExamineOptions) error {
	c := &e.r.Chain
	c.Genesis, c.Name = e.c.Genesis(), "unknown"
	if name, ok := genesisNames[c.Genesis.String()]; ok {
		c.Name = name
	}
	want := map[string]string{"finney": "finney", "archive": "finney", "latent-lite": "finney", "test": "test"}[e.r.Network]
	if want != "" && want != c.Name {
		e.r.Problems = append(e.r.Problems, Problem{
			What:   "network",
			Error:  fmt.Sprintf("the node calls itself one of %s, and its genesis block is that of another chain: %s", e.r.Network, c.Genesis),
			Remedy: "use another node of that network",
		})
	}
	return nil
}

// state finds the block and its runtime.
func (e *examiner) state(ctx context.Context, opts ExamineOptions) error {
	head, err := e.c.Head(ctx)
	if err != nil {
		return err
	}
	c := &e.r.Chain
	c.Head, c.Block, c.BlockHash = head.Number, head.Number, head.Hash
	// This node is the one in question: no archive node answers in its place.
	if opts.Block == nil {
		e.s, err = e.c.state(e.c.Client.At(ctx, head))
	} else {
		e.s, err = e.c.state(e.c.Client.AtNumber(ctx, *opts.Block))
	}
	var future *substrate.BlockNotFoundError
	if ends(ctx, err) || errors.Is(err, ErrNotSubtensor) || errors.Is(err, substrate.ErrStateDiscarded) || errors.As(err, &future) {
		return err
	}
	if err != nil {
		e.s = nil
		e.problem("runtime", err)
		return e.versionAlone(ctx, head)
	}
	rt := e.s.Runtime
	c.Block, c.BlockHash = e.s.Number, e.s.Hash
	e.r.Runtime = RuntimeReport{
		SpecName: rt.SpecName, SpecVersion: rt.SpecVersion, TransactionVersion: rt.TransactionVersion, CodeHash: rt.CodeHash,
		Described: len(rt.Metadata.APIs) > 0, Metadata: []MetadataReport{},
	}
	var final substrate.Hash
	if err := e.ask(ctx, &final, "chain_getFinalizedHead"); err != nil || final == (substrate.Hash{}) {
		return err
	}
	var header struct {
		Number string `json:"number"`
	}
	if err := e.ask(ctx, &header, "chain_getHeader", final); err != nil {
		return err
	}
	var n uint64
	if _, err := fmt.Sscanf(header.Number, "0x%x", &n); err == nil {
		c.Finalized = &n
	}
	return nil
}

// versionAlone names a runtime whose metadata cannot be used.
func (e *examiner) versionAlone(ctx context.Context, head substrate.Header) error {
	var v struct {
		SpecName           string `json:"specName"`
		SpecVersion        uint32 `json:"specVersion"`
		TransactionVersion uint32 `json:"transactionVersion"`
	}
	err := e.ask(ctx, &v, "state_getRuntimeVersion", head.Hash)
	e.r.Runtime.SpecName, e.r.Runtime.SpecVersion, e.r.Runtime.TransactionVersion = clipText(v.SpecName), v.SpecVersion, v.TransactionVersion
	return err
}

// lastTime is the end of the year 9999 in milliseconds; JSON has no later times.
const lastTime = 253_402_300_799_999

// clock measures the time between blocks by their own timestamps.
func (e *examiner) clock(ctx context.Context, _ ExamineOptions) error {
	key, err := e.s.Runtime.StorageKey("Timestamp", "Now")
	if err != nil {
		e.problem("time of blocks", err)
		return nil
	}
	now, err := e.timestamp(ctx, key, e.s.Hash)
	if err != nil || now == 0 || now > lastTime {
		return err
	}
	e.r.Chain.Time = time.UnixMilli(int64(now)).UTC()
	// A node that has just begun, or forked a chain, has no older blocks.
	for _, back := range []uint64{100, 10, 2, 1} {
		if back >= e.s.Number { // the genesis block has no time
			continue
		}
		h, err := e.c.HeaderAt(ctx, e.s.Number-back)
		if ends(ctx, err) {
			return err
		}
		if err != nil {
			continue
		}
		then, err := e.timestamp(ctx, key, h.Hash)
		if err != nil {
			return err
		}
		if then == 0 || then > now {
			continue
		}
		e.r.Chain.BlockSeconds, e.r.Chain.BlockSample = float64(now-then)/1000/float64(back), back
		return nil
	}
	return nil
}

// timestamp returns a block's time in milliseconds, 0 for none.
func (e *examiner) timestamp(ctx context.Context, key []byte, block substrate.Hash) (uint64, error) {
	var text string
	if err := e.ask(ctx, &text, "state_getStorage", "0x"+hex.EncodeToString(key), block); err != nil {
		return 0, err
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil || len(raw) != 8 {
		return 0, nil //nolint:nilerr // a time that cannot be read is none
	}
	return binary.LittleEndian.Uint64(raw), nil
}

// prunedDepth is how many blocks a node keeps the states of by default.
const prunedDepth = 256

// keeps finds out whether the node has old states: those of block 1, or of a
// block that is older than what nodes keep by default.
func (e *examiner) keeps(ctx context.Context, _ ExamineOptions) error {
	n, head := &e.r.Node, e.r.Chain.Head
	if head < 4*prunedDepth {
		n.Why = fmt.Sprintf("the chain is at block %d: too young to tell", head)
		return nil
	}
	for _, block := range []uint64{1, head - 2*prunedDepth} {
		var hash *substrate.Hash
		if err := e.ask(ctx, &hash, "chain_getBlockHash", block); err != nil {
			return err
		}
		if hash == nil {
			n.Why = fmt.Sprintf("the node has no block %d", block)
			continue
		}
		_, err := e.c.Ask(ctx, "state_getRuntimeVersion", *hash)
		switch {
		case ends(ctx, err):
			return err
		case err == nil && block == 1:
			n.State, n.Why = StateArchive, "it has the state of block 1"
			return nil
		case err != nil:
			n.State, n.Why = StatePruned, fmt.Sprintf("it does not have the state of block %d", block)
		default:
			n.Why = fmt.Sprintf("it has the state of block %d, not that of block 1", block)
		}
	}
	return nil
}

// metadata asks for each version of the metadata, those that nobody lists and
// this package would take included.
func (e *examiner) metadata(ctx context.Context, _ ExamineOptions) error {
	used := uint32(e.s.Runtime.Metadata.Version)
	report := func(version uint32, raw []byte, err error) {
		m := MetadataReport{Version: version, Bytes: len(raw)}
		if err != nil {
			m.Error = err.Error()
		} else if raw != nil {
			m.Used = version == used
		}
		e.r.Runtime.Metadata = append(e.r.Runtime.Metadata, m)
	}
	versions, err := e.versions(ctx)
	if err != nil {
		return err
	}
	var text string
	if err := e.ask(ctx, &text, "state_getMetadata", e.s.Hash); err != nil {
		return err
	}
	if raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x")); err == nil && len(raw) > 0 {
		md, err := metadata.Parse(raw)
		version := uint32(14) // what state_getMetadata always gives
		if err == nil {
			version = uint32(md.Version)
		}
		report(version, raw, err)
	}
	if versions == nil { // the runtime cannot be asked for versions
		return nil
	}
	for _, v := range append([]uint32{15, 16}, versions...) {
		if slices.ContainsFunc(e.r.Runtime.Metadata, func(m MetadataReport) bool { return m.Version == v }) {
			continue
		}
		raw, err := e.s.Call(ctx, "Metadata_metadata_at_version", binary.LittleEndian.AppendUint32(nil, v))
		if ends(ctx, err) {
			return err
		}
		if err == nil {
			_, err = metadata.ParseAnswer(raw)
			switch {
			case !errors.Is(err, metadata.ErrNoVersion):
				in := scale.NewReader(raw)
				in.Skip(1) // the Option
				raw = in.ByteString()
			case !slices.Contains(versions, v):
				continue
			default:
				raw, err = nil, nil
			}
		}
		report(v, raw, err)
	}
	slices.SortFunc(e.r.Runtime.Metadata, func(a, b MetadataReport) int { return int(int64(a.Version) - int64(b.Version)) })
	return nil
}

// versions returns which versions of metadata the runtime lists, nil where it has
// no such list.
func (e *examiner) versions(ctx context.Context) ([]uint32, error) {
	raw, err := e.s.Call(ctx, "Metadata_metadata_versions", nil)
	if ends(ctx, err) {
		return nil, err
	}
	r := scale.NewReader(raw) // nothing, where the runtime does not have the function
	n := r.Compact()
	list := []uint32{}
	for i := uint64(0); i < n && r.Err() == nil && len(list) < 8; i++ {
		list = append(list, r.U32())
	}
	if r.Err() != nil {
		list = nil
	}
	return list, nil
}
