package subtensor

import "github.com/bittensor-go/bt/substrate"

// maxKnown bounds how many runtimes a client remembers: one takes some megabytes,
// and a walk through the chain's history meets a hundred.
const maxKnown = 16

// metRuntime is a runtime that a client has met. The client's lock guards all of
// it but schema.
type metRuntime struct {
	schema      *Schema
	noNeurons   bool            // it lacks neuronAPI
	lacks       map[string]bool // methods of neuronAPI that it turned out to lack
	first, last uint64          // the blocks of it that were read
	used        uint64          // on the client's clock
}

// stored reports whether storage is read instead of calling a method of
// neuronAPI.
func (r *metRuntime) stored(method string) bool { return r.noNeurons || r.lacks[method] }

// meet returns the runtime of a state and notes that the block has it.
func (c *Client) meet(s *substrate.State) (*metRuntime, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rt, ok := c.runtimes[s.Runtime.CodeHash]
	if !ok {
		schema, err := newSchema(s.Runtime.Metadata, s.Runtime.SpecVersion, s.Runtime.Codec)
		if err != nil {
			return nil, err
		}
		rt = &metRuntime{
			schema: schema, first: s.Number, last: s.Number,
			noNeurons: s.Runtime.LacksAPI(neuronAPI), lacks: make(map[string]bool),
		}
		if len(c.runtimes) >= maxKnown {
			c.forget()
		}
		c.runtimes[s.Runtime.CodeHash] = rt
	}
	if s.Number >= c.newest {
		c.newest, c.head = s.Number, &State{State: s, schema: rt.schema, rt: rt, c: c}
	}
	c.clock++
	rt.used = c.clock
	rt.first, rt.last = min(rt.first, s.Number), max(rt.last, s.Number)
	return rt, nil
}

// forget drops the runtime that was not met for the longest time.
func (c *Client) forget() {
	var oldest substrate.Hash
	for code, rt := range c.runtimes {
		if o := c.runtimes[oldest]; o == nil || rt.used < o.used {
			oldest = code
		}
	}
	delete(c.runtimes, oldest)
}

// expectStored reports whether a block, nil for the newest, is likely to be of a
// runtime that lacks a method of neuronAPI: whether the nearest block that was
// read is. It is sure of it where the block lies between two of one runtime.
func (c *Client) expectStored(block *uint64, method string) (stored, sure bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.newest
	if block != nil {
		at = *block
	}
	nearest := ^uint64(0)
	for _, rt := range c.runtimes {
		if d := max(rt.first, at) - at + at - min(rt.last, at); d < nearest {
			nearest, stored = d, rt.stored(method)
		}
	}
	return stored, nearest == 0 && block != nil
}

// neuronsStored reports whether the state's runtime is known to lack a method of
// neuronAPI.
func (s *State) neuronsStored(method string) bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.rt.stored(method)
}

// lacksNeurons notes that the state's runtime turned out to lack a method of
// neuronAPI.
func (s *State) lacksNeurons(method string) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.rt.lacks[method] = true
}

// storedUpTo is the first block of the main network from which on runtimes
// certainly have the API that lists neurons. Runtime 143 was without it.
const storedUpTo = 3_000_000

// AskNeurons returns what State.Neurons, or State.NeuronsLite where not full,
// asks first at a block, nil for the newest.
//
// That depends on the runtime, which is not known yet: where the block may be of
// one that has to be read by storage, judging by those that the client has met, the
// questions are those of both ways. A wrong guess costs a trip to the node, or an
// answer that nobody needs.
func (c *Client) AskNeurons(block *uint64, netuid uint16, full bool) []substrate.Question {
	call, method := AskNeuronsLite(netuid), getNeuronsLite
	if full {
		call, method = AskNeurons(netuid), getNeurons
	}
	stored, sure := c.expectStored(block, method)
	switch {
	case sure && stored:
		return AskUids(netuid)
	case stored, !sure && c.Genesis() == finney && block != nil && *block < storedUpTo:
		return append(AskUids(netuid), call)
	}
	return []substrate.Question{call}
}
