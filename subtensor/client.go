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
type Client struct {
	*substrate.Client
	Network Network

	mu      sync.Mutex
	schemas map[substrate.Hash]*Schema // by the hash of the runtime's code
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
		return nil, errors.Join(fmt.Errorf("%s: %w", n.Endpoint, err), sc.Close())
	}
	return c, nil
}

// New makes a client of a connection that exists. Close closes that connection.
func New(c *substrate.Client, n Network) *Client {
	return &Client{Client: c, Network: n, schemas: make(map[substrate.Hash]*Schema)}
}

// State is the chain at one block: what substrate offers, and Bittensor's own
// queries.
type State struct {
	*substrate.State
	schema *Schema
}

// AtBlock returns the state after a block, nil for the newest.
func (c *Client) AtBlock(ctx context.Context, block *uint64) (*State, error) {
	if block == nil {
		return c.AtHead(ctx)
	}
	return c.AtNumber(ctx, *block)
}

// At returns the state after the block of a header.
func (c *Client) At(ctx context.Context, h substrate.Header) (*State, error) {
	return c.state(c.Client.At(ctx, h))
}

// AtHead returns the state after the newest block.
func (c *Client) AtHead(ctx context.Context) (*State, error) { return c.state(c.Client.AtHead(ctx)) }

// AtNumber returns the state after a block.
func (c *Client) AtNumber(ctx context.Context, n uint64) (*State, error) {
	return c.state(c.Client.AtNumber(ctx, n))
}

func (c *Client) state(s *substrate.State, err error) (*State, error) {
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
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

// query asks the runtime and decodes its answer into v.
func (s *State) query(ctx context.Context, method string, v any, args ...uint16) error {
	if !s.schema.Has(method) {
		return s.schema.missing(method)
	}
	var encoded []byte
	for _, a := range args {
		encoded = binary.LittleEndian.AppendUint16(encoded, a)
	}
	raw, err := s.Call(ctx, method, encoded)
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
// rows out. The error wraps ErrSubnetNotFound where there is no such subnet.
func (s *State) Neurons(ctx context.Context, netuid uint16) ([]NeuronInfo, error) {
	return many[NeuronInfo](ctx, s, getNeurons, netuid)
}

// NeuronsLite returns the neurons of a subnet by uid, without weights and bonds.
func (s *State) NeuronsLite(ctx context.Context, netuid uint16) ([]NeuronInfoLite, error) {
	return many[NeuronInfoLite](ctx, s, getNeuronsLite, netuid)
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

// Subnets returns all subnets by netuid, with their market where the runtime has
// one.
func (s *State) Subnets(ctx context.Context) ([]Subnet, error) {
	var infos []*SubnetInfo
	if err := s.query(ctx, getSubnets, &infos); err != nil {
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
		if info != nil {
			subnets = append(subnets, Subnet{SubnetInfo: *info, Dynamic: dynamic[info.Netuid]})
		}
	}
	slices.SortFunc(subnets, func(a, b Subnet) int { return int(a.Netuid) - int(b.Netuid) })
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
