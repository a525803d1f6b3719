package subtensor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/bittensor-go/bt/substrate"
)

// Options configure a connection.
type Options = substrate.Options

// Client is a connection to a Subtensor node. It is safe for concurrent use.
//
// The states of blocks that its node does not keep are read from the network's
// archive node, to which it connects when one is first asked for: blocks more
// than 300 behind the newest one that it saw, the limit of the Python SDK, and
// those whose state the node says it has discarded.
type Client struct {
	*substrate.Client
	Network Network
	// OnArchive, where it is not nil, is told when the client is about to connect
	// to the archive node, and for which block. It is set before the client is used.
	OnArchive func(block uint64)

	mu      sync.Mutex
	newest  uint64                     // the highest block that was seen
	schemas map[substrate.Hash]*Schema // by the hash of the runtime's code

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
	if _, err := c.AtHead(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", n.Public(), err), sc.Close())
	}
	return c, nil
}

// New makes a client of a connection that exists. Close closes that connection.
func New(c *substrate.Client, n Network) *Client {
	return &Client{Client: c, Network: n, schemas: make(map[substrate.Hash]*Schema), dialing: make(chan struct{}, 1)}
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
// substrate.ErrStateDiscarded where the node has not kept it and no archive node
// of the network is known.
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
	return c.newest > keptBlocks && block < c.newest-keptBlocks
}

// read returns the state of a block from the node, or from the archive node.
func (c *Client) read(ctx context.Context, block uint64, at func(*substrate.Client) (*substrate.State, error)) (*State, error) {
	elsewhere := c.Network.Archive != "" && !c.Network.keepsAll()
	if !elsewhere || !c.old(block) {
		s, err := at(c.Client)
		switch {
		case !errors.Is(err, substrate.ErrStateDiscarded):
			return c.state(s, err)
		case c.Network.Archive == "":
			return nil, fmt.Errorf("%w (no archive node of network %s is known)", err, c.Network.Name)
		case !elsewhere:
			return nil, err
		}
	}
	node, err := c.dialArchive(ctx, block)
	if err != nil {
		return nil, fmt.Errorf("block %d, from the archive node of network %s: %w", block, c.Network.Name, err)
	}
	return c.state(at(node))
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

func (c *Client) state(s *substrate.State, err error) (*State, error) {
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest = max(c.newest, s.Number)
	rt := s.Runtime
	schema, ok := c.schemas[rt.CodeHash]
	if !ok {
		if schema, err = newSchema(rt.Metadata, rt.SpecVersion, rt.Codec); err != nil {
			return nil, fmt.Errorf("runtime %s %d: %w", rt.SpecName, rt.SpecVersion, err)
		}
		c.schemas[rt.CodeHash] = schema
	}
	return &State{State: s, schema: schema}, nil
}

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

// query asks the runtime and decodes its answer into v.
func (s *State) query(ctx context.Context, method string, v any, args ...uint16) error {
	if !s.schema.Has(method) {
		return s.schema.missing(method)
	}
	raw, err := s.Call(ctx, method, encodeArgs(args...))
	if err != nil {
		return err
	}
	if err := s.schema.Decode(method, raw, v); err != nil {
		return fmt.Errorf("block %d: %w", s.Number, err)
	}
	return nil
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
	return *new(T), fmt.Errorf("uid %d on netuid %d at block %d: %w", uid, netuid, s.Number, ErrNeuronNotFound)
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
	return orStored(ctx, s, getNeurons, netuid, s.StoredNeurons)
}

// NeuronsLite returns the neurons of a subnet by uid, without weights and bonds.
func (s *State) NeuronsLite(ctx context.Context, netuid uint16) ([]NeuronInfoLite, error) {
	return orStored(ctx, s, getNeuronsLite, netuid, s.StoredNeuronsLite)
}

// Neuron returns one neuron. The error wraps ErrNeuronNotFound or
// ErrSubnetNotFound.
func (s *State) Neuron(ctx context.Context, netuid, uid uint16) (NeuronInfo, error) {
	return neuron[NeuronInfo](ctx, s, getNeuron, netuid, uid)
}

// NeuronLite returns one neuron without weights and bonds. The error wraps
// ErrNeuronNotFound or ErrSubnetNotFound.
func (s *State) NeuronLite(ctx context.Context, netuid, uid uint16) (NeuronInfoLite, error) {
	return neuron[NeuronInfoLite](ctx, s, getNeuronLite, netuid, uid)
}

// Subnet returns the summary of a subnet.
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
