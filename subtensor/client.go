package subtensor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/rpc"
)

// Options configure a connection.
type Options = substrate.Options

// Client is a connection to a Subtensor node. It is safe for concurrent use.
//
// The states of blocks that its node does not keep are read from the network's
// archive node, to which it connects when one is first asked for: blocks more
// than 300 behind the newest one that it saw, the limit of the Python SDK, and
// those whose state the node says it has discarded. Where the archive node is of
// no help the node itself is asked for the old ones too.
type Client struct {
	*substrate.Client
	// Network is what was connected to. Where it came without an archive node, that
	// of its chain is filled in, if one is known; then the node is always asked
	// first, as it may be an archive itself.
	Network Network
	// OnArchive, where it is not nil, is told when the client is about to connect
	// to the archive node, and for which block. It is set before the client is used.
	OnArchive func(block uint64)

	slots chan struct{} // takes a token for each request to storage under way

	mu       sync.Mutex
	newest   uint64                         // the highest block that was seen
	head     *State                         // after that block
	runtimes map[substrate.Hash]*metRuntime // by the hash of the code
	clock    uint64
	askFirst bool // the node may be an archive itself

	dialing chan struct{}     // holds a token while archive is looked at
	archive *substrate.Client // nil until it is needed
}

// Dial connects to a network and reads the runtime of its newest block, so that
// a node of another chain is refused at once: ErrNotSubtensor.
func Dial(ctx context.Context, n Network, opts Options) (*Client, error) {
	sc, err := substrate.Dial(ctx, n.Endpoint, opts)
	if err != nil {
		return nil, err
	}
	c := New(sc, n)
	if _, err := c.state(sc.AtDial(ctx)); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", n.Public(), err), sc.Close())
	}
	return c, nil
}

// New makes a client of a connection that exists, and guards what is submitted by
// it: see Client.Submit. Close closes that connection.
func New(c *substrate.Client, n Network) *Client {
	known := n.Archive != ""
	if !known && c.Genesis() == finney {
		n.Archive = archiveEndpoint
	}
	own := &Client{
		Client: c, Network: n, askFirst: !known,
		slots:    make(chan struct{}, requestsAtOnce),
		runtimes: make(map[substrate.Hash]*metRuntime),
		dialing:  make(chan struct{}, 1),
	}
	c.Guard(own.checkTransaction)
	return own
}

// Close ends the connection, and that to the archive node.
func (c *Client) Close() error {
	c.dialing <- struct{}{}
	defer func() { <-c.dialing }()
	err := c.Client.Close()
	if c.archive != nil {
		err = errors.Join(err, c.archive.Close())
	}
	return err
}

// State is the chain at one block: what substrate offers, and Bittensor's own
// queries.
type State struct {
	*substrate.State
	schema *Schema
	rt     *metRuntime
	c      *Client
}

// AtBlock returns the state after a block, nil for the newest. Questions ahead are
// as for substrate.Client.At.
func (c *Client) AtBlock(ctx context.Context, block *uint64, ahead ...substrate.Question) (*State, error) {
	if block == nil {
		return c.AtHead(ctx, ahead...)
	}
	return c.AtNumber(ctx, *block, ahead...)
}

// At returns the state after the block of a header.
func (c *Client) At(ctx context.Context, h substrate.Header, ahead ...substrate.Question) (*State, error) {
	return c.read(ctx, h.Number, func(node *substrate.Client) (*substrate.State, error) {
		return node.At(ctx, h, ahead...)
	})
}

// AtHead returns the state after the newest block.
func (c *Client) AtHead(ctx context.Context, ahead ...substrate.Question) (*State, error) {
	return c.state(c.Client.AtHead(ctx, ahead...))
}

// AtNumber returns the state after a block. The error wraps
// substrate.ErrStateDiscarded where the node has not kept it, and no archive node
// of the network is known or it is of no help.
func (c *Client) AtNumber(ctx context.Context, n uint64, ahead ...substrate.Question) (*State, error) {
	return c.read(ctx, n, func(node *substrate.Client) (*substrate.State, error) {
		return node.AtNumber(ctx, n, ahead...)
	})
}

// keptBlocks is how many blocks behind the newest one a node that is no archive
// is trusted to have the state (SDK: Metagraph.sync).
const keptBlocks = 300

// old reports whether the node is not expected to have a block's state.
func (c *Client) old(block uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.askFirst && c.newest > keptBlocks && block < c.newest-keptBlocks
}

// keepsOld notes that the node keeps old blocks though it was not expected to.
func (c *Client) keepsOld() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.askFirst = true
}

// read returns the state of a block from the node, or from the archive node.
func (c *Client) read(ctx context.Context, block uint64, at func(*substrate.Client) (*substrate.State, error)) (*State, error) {
	elsewhere := c.Network.Archive != "" && !c.Network.keepsAll()
	if elsewhere && c.old(block) {
		s, err := c.fromArchive(ctx, block, at)
		if err == nil || ctx.Err() != nil {
			return s, err
		}
		s, own := c.state(at(c.Client))
		if own != nil {
			return nil, fmt.Errorf("%w; %w", own, err)
		}
		c.keepsOld()
		return s, nil
	}
	s, err := at(c.Client)
	switch {
	case !errors.Is(err, substrate.ErrStateDiscarded):
		return c.state(s, err)
	case c.Network.Archive == "":
		return nil, fmt.Errorf("%w (no archive node of network %s is known)", err, c.Network.Name)
	case !elsewhere:
		return nil, err
	}
	archived, why := c.fromArchive(ctx, block, at)
	if why != nil {
		return nil, fmt.Errorf("%w; %w", err, why)
	}
	return archived, nil
}

// fromArchive returns the state of a block from the archive node.
func (c *Client) fromArchive(ctx context.Context, block uint64, at func(*substrate.Client) (*substrate.State, error)) (*State, error) {
	node, err := c.dialArchive(ctx, block)
	if err != nil {
		return nil, fmt.Errorf("from the archive node: %w", err)
	}
	s, err := c.state(at(node))
	if err != nil {
		if errors.Is(err, rpc.ErrClosed) {
			c.dropArchive(node)
		}
		return nil, fmt.Errorf("from the archive node %s: %w", node.Endpoint(), err)
	}
	return s, nil
}

// dialArchive returns the connection to the archive node and makes it where there
// is none.
func (c *Client) dialArchive(ctx context.Context, block uint64) (*substrate.Client, error) {
	select {
	case c.dialing <- struct{}{}:
		defer func() { <-c.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c.archive == nil {
		if c.OnArchive != nil {
			c.OnArchive(block)
		}
		node, err := c.DialSibling(ctx, c.Network.Archive)
		if err != nil {
			return nil, err
		}
		c.archive = node
	}
	return c.archive, nil
}

// dropArchive forgets a connection that was lost.
func (c *Client) dropArchive(node *substrate.Client) {
	c.dialing <- struct{}{}
	defer func() { <-c.dialing }()
	if c.archive == node {
		c.archive = nil
		node.Close() //nolint:errcheck // it is closed, and why was said
	}
}

func (c *Client) state(s *substrate.State, err error) (*State, error) {
	if err != nil {
		return nil, err
	}
	rt, err := c.meet(s)
	if err != nil {
		return nil, fmt.Errorf("runtime %s %d: %w", s.Runtime.SpecName, s.Runtime.SpecVersion, err)
	}
	return &State{State: s, schema: rt.schema, rt: rt, c: c}, nil
}

// Network returns the network of the client that made the state.
func (s *State) Network() Network { return s.c.Network }

// Schema returns how the block's runtime encodes its answers.
func (s *State) Schema() *Schema { return s.schema }

// encodeArgs encodes netuids and uids.
func encodeArgs(args ...uint16) []byte {
	var encoded []byte
	for _, a := range args {
		encoded = binary.LittleEndian.AppendUint16(encoded, a)
	}
	return encoded
}

// query asks the runtime and decodes its answer into v. The error is a MethodError
// where the runtime has no such method.
func (s *State) query(ctx context.Context, method string, v any, args ...uint16) error {
	return s.ask(ctx, method, v, encodeArgs(args...))
}

// ask is query with encoded arguments.
func (s *State) ask(ctx context.Context, method string, v any, args []byte) error {
	if !s.schema.Has(method) {
		return s.schema.missing(method)
	}
	err := s.Query(ctx, method, args, func(answer []byte) error {
		if err := s.schema.Decode(method, answer, v); err != nil {
			return fmt.Errorf("block %d: %w", s.Number, err)
		}
		return nil
	})
	if lacksMethod(err) {
		return fmt.Errorf("%w: %w", s.schema.missing(method), err)
	}
	return err
}

// one asks for one thing of a subnet; none means that the subnet does not exist.
func one[T any](ctx context.Context, s *State, method string, netuid uint16) (T, error) {
	var v *T
	if err := s.query(ctx, method, &v, netuid); err != nil {
		return *new(T), err
	}
	if v == nil {
		return *new(T), s.notFound(ctx, netuid)
	}
	return *v, nil
}

// many asks for the neurons of a subnet; only where there are none is it worth
// asking whether the subnet exists.
func many[T any](ctx context.Context, s *State, method string, netuid uint16) ([]T, error) {
	var v []T
	if err := s.query(ctx, method, &v, netuid); err != nil {
		return nil, err
	}
	if len(v) == 0 {
		if ok, err := s.SubnetExists(ctx, netuid); err != nil {
			return nil, err
		} else if !ok {
			return nil, s.notFound(ctx, netuid)
		}
	}
	return v, nil
}

// neuron asks for one neuron.
func neuron[T any](ctx context.Context, s *State, method string, netuid, uid uint16) (T, error) {
	var v *T
	if err := s.query(ctx, method, &v, netuid, uid); err != nil {
		return *new(T), err
	}
	if v != nil {
		return *v, nil
	}
	if ok, err := s.SubnetExists(ctx, netuid); err != nil {
		return *new(T), err
	} else if !ok {
		return *new(T), s.notFound(ctx, netuid)
	}
	return *new(T), s.noNeuron(netuid, uid)
}

func (s *State) noNeuron(netuid, uid uint16) error {
	return fmt.Errorf("uid %d on netuid %d at block %d: %w", uid, netuid, s.Number, ErrNeuronNotFound)
}

// notFound returns the error for a subnet that does not exist, with those that
// do where the node tells them.
func (s *State) notFound(ctx context.Context, netuid uint16) error {
	existing, _ := s.Netuids(ctx) // the list only helps
	return &SubnetNotFoundError{Netuid: netuid, Block: s.Number, Existing: existing}
}

// Neurons returns the neurons of a subnet by uid, with weights and bonds. On a
// subnet of thousands of neurons the answer is large; NeuronsLite leaves the
// rows out. Where the runtime lacks the API, storage is read. The error wraps
// ErrSubnetNotFound where there is no such subnet.
func (s *State) Neurons(ctx context.Context, netuid uint16) ([]NeuronInfo, error) {
	return orStored(s, getNeurons,
		func() ([]NeuronInfo, error) { return many[NeuronInfo](ctx, s, getNeurons, netuid) },
		func() ([]NeuronInfo, error) { return s.StoredNeurons(ctx, netuid) })
}

// NeuronsLite returns the neurons of a subnet by uid, without weights and bonds.
func (s *State) NeuronsLite(ctx context.Context, netuid uint16) ([]NeuronInfoLite, error) {
	return orStored(s, getNeuronsLite,
		func() ([]NeuronInfoLite, error) { return many[NeuronInfoLite](ctx, s, getNeuronsLite, netuid) },
		func() ([]NeuronInfoLite, error) { return s.StoredNeuronsLite(ctx, netuid) })
}

// Neuron returns one neuron. Where the runtime lacks the API, storage is read, in
// two trips to the node, and a third where a stake hangs on other accounts. The
// error wraps ErrNeuronNotFound or ErrSubnetNotFound.
func (s *State) Neuron(ctx context.Context, netuid, uid uint16) (NeuronInfo, error) {
	return orStored(s, getNeuron,
		func() (NeuronInfo, error) { return neuron[NeuronInfo](ctx, s, getNeuron, netuid, uid) },
		func() (NeuronInfo, error) { return s.storedNeuron(ctx, netuid, uid, true) })
}

// NeuronLite returns one neuron without weights and bonds, in the same ways. The
// error wraps ErrNeuronNotFound or ErrSubnetNotFound.
func (s *State) NeuronLite(ctx context.Context, netuid, uid uint16) (NeuronInfoLite, error) {
	return orStored(s, getNeuronLite,
		func() (NeuronInfoLite, error) { return neuron[NeuronInfoLite](ctx, s, getNeuronLite, netuid, uid) },
		func() (NeuronInfoLite, error) {
			full, err := s.storedNeuron(ctx, netuid, uid, false)
			return full.Lite(), err
		})
}

// Subnet returns the summary of a subnet. Where the runtime lacks the API, as 143
// of the main network does, this and the other summaries and parameters of subnets
// are a MethodError: SubnetExists, Netuids and Get read storage.
func (s *State) Subnet(ctx context.Context, netuid uint16) (SubnetInfo, error) {
	return one[SubnetInfo](ctx, s, getSubnet, netuid)
}

// SubnetInfos returns the summaries of all subnets by netuid.
func (s *State) SubnetInfos(ctx context.Context) ([]SubnetInfo, error) {
	var answer []*SubnetInfo
	if err := s.query(ctx, getSubnets, &answer); err != nil {
		return nil, err
	}
	infos := make([]SubnetInfo, 0, len(answer))
	for _, info := range answer {
		if info != nil {
			infos = append(infos, *info)
		}
	}
	slices.SortFunc(infos, func(a, b SubnetInfo) int { return int(a.Netuid) - int(b.Netuid) })
	return infos, nil
}

// Subnets returns all subnets by netuid, with their market where the runtime has
// one.
func (s *State) Subnets(ctx context.Context) ([]Subnet, error) {
	infos, err := s.SubnetInfos(ctx)
	if err != nil {
		return nil, err
	}
	dynamic := make(map[uint16]*DynamicInfo)
	if s.schema.Has(getAllDynamic) {
		var all []*DynamicInfo
		if err := s.query(ctx, getAllDynamic, &all); err != nil {
			return nil, err
		}
		for _, d := range all {
			if d != nil {
				dynamic[d.Netuid] = d
			}
		}
	}
	subnets := make([]Subnet, 0, len(infos))
	for _, info := range infos {
		subnets = append(subnets, Subnet{SubnetInfo: info, Dynamic: dynamic[info.Netuid]})
	}
	return subnets, nil
}

// Hyperparams returns the parameters of a subnet, in the newest form that the
// runtime answers in (specs 133 on).
func (s *State) Hyperparams(ctx context.Context, netuid uint16) (SubnetHyperparams, error) {
	if s.schema.Has(getHyperparamsV2) {
		return one[SubnetHyperparams](ctx, s, getHyperparamsV2, netuid)
	}
	return one[SubnetHyperparams](ctx, s, getHyperparams, netuid)
}

// DynamicInfo returns the market of a subnet (spec 233 on; a MethodError
// before).
func (s *State) DynamicInfo(ctx context.Context, netuid uint16) (DynamicInfo, error) {
	return one[DynamicInfo](ctx, s, getDynamic, netuid)
}

// MetagraphInfo returns a subnet in columns (spec 233 on; a MethodError before).
func (s *State) MetagraphInfo(ctx context.Context, netuid uint16) (MetagraphInfo, error) {
	return one[MetagraphInfo](ctx, s, getMetagraph, netuid)
}

// SubnetState returns the columns of a subnet's neurons with their emission
// history (spec 218 on; a MethodError before).
func (s *State) SubnetState(ctx context.Context, netuid uint16) (SubnetState, error) {
	return one[SubnetState](ctx, s, getSubnetState, netuid)
}

// SubnetExists reports whether a subnet exists at the block.
func (s *State) SubnetExists(ctx context.Context, netuid uint16) (bool, error) {
	var exists bool
	_, err := s.Get(ctx, &exists, palletName, "NetworksAdded", netuid)
	return exists, err
}

// Netuids returns the subnets that exist at the block, ascending.
func (s *State) Netuids(ctx context.Context) ([]uint16, error) {
	prefix, err := s.Runtime.StorageKey(palletName, "NetworksAdded")
	if err != nil {
		return nil, err
	}
	keys, err := s.Keys(ctx, prefix, 1<<16)
	if err != nil {
		return nil, err
	}
	values, err := s.Raw(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var netuids []uint16
	for i, k := range keys {
		// The hasher is Identity: the key ends in the netuid itself.
		if len(k) == len(prefix)+2 && i < len(values) && slices.Equal(values[i], []byte{1}) {
			netuids = append(netuids, binary.LittleEndian.Uint16(k[len(prefix):]))
		}
	}
	slices.Sort(netuids)
	return netuids, nil
}
