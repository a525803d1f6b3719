package substrate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/bittensor-go/bt/substrate/scale"
)

// systemPallet is the pallet that every chain has.
const systemPallet = "System"

// Event is something that a block's execution reported.
type Event struct {
	Pallet, Name string
	// Extrinsic is the position in the block of the extrinsic that reported it, -1
	// for the beginning and the end of the block.
	Extrinsic int
	// Fields are the event's values by name; old runtimes give them no names.
	Fields *codec.Record
}

// Events returns what the block's execution reported, in order.
func (s *State) Events(ctx context.Context) ([]Event, error) {
	events, _, err := s.c.events(ctx, s.Header)
	return events, err
}

// events reads a block's events and returns the runtime that executed it, which
// is that of its parent: an upgrade takes effect in the next block.
func (c *Client) events(ctx context.Context, h Header) ([]Event, *Runtime, error) {
	before := h
	if h.Number > 0 {
		before = Header{Number: h.Number - 1, Hash: h.Parent}
	}
	key := twox(twox(nil, []byte(systemPallet), 2), []byte("Events"), 2)
	rt, more, err := c.runtimeAt(ctx, before.Number, before.Hash, rpc.Request{
		Method: "state_queryStorageAt",
		Params: []any{hexKeys([][]byte{key}), h.Hash},
	})
	if err != nil {
		return nil, nil, err
	}
	if more[0].err != nil {
		return nil, nil, c.blockError(h.Number, "events", more[0].err)
	}
	values, err := parseStorage(more[0].result, h.Hash, [][]byte{key})
	if err != nil {
		return nil, nil, fmt.Errorf("block %d: events: %w", h.Number, err)
	}
	if values[0] == nil {
		return nil, rt, nil
	}
	events, err := rt.DecodeEvents(values[0])
	if err != nil {
		return nil, nil, fmt.Errorf("block %d: events: %w", h.Number, err)
	}
	return events, rt, nil
}

// DecodeEvents decodes the value of System.Events that this runtime wrote.
func (r *Runtime) DecodeEvents(raw []byte) ([]Event, error) {
	_, entry, err := r.entry(systemPallet, "Events")
	if err != nil {
		return nil, err
	}
	list := r.Metadata.Types.Type(r.Metadata.Types.Unwrap(entry.Value))
	if list == nil || list.Kind != metadata.Sequence {
		return nil, fmt.Errorf("%s keeps its events in no list", r)
	}
	in := scale.NewReader(raw)
	n := in.Len(1)
	events := make([]Event, 0, min(n, 4096))
	for i := range n {
		v, err := r.Codec.Value(list.Elem, in)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
		e, err := newEvent(v)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
		events = append(events, e)
	}
	return events, in.Finish()
}

// newEvent takes an EventRecord apart: phase, event (pallet, then its event) and
// topics.
func newEvent(v any) (Event, error) {
	record, ok := v.(*codec.Record)
	if !ok {
		return Event{}, errors.New("no event record")
	}
	e := Event{Extrinsic: -1}
	phase, _ := record.Get("phase")
	if v, ok := phase.(*codec.Variant); !ok {
		return Event{}, errors.New("no phase")
	} else if n, ok := only(v).(uint64); ok && v.Name == "ApplyExtrinsic" {
		e.Extrinsic = int(n)
	}
	outer, _ := record.Get("event")
	pallet, ok := outer.(*codec.Variant)
	if !ok {
		return Event{}, errors.New("no event")
	}
	inner, ok := only(pallet).(*codec.Variant)
	if !ok {
		return Event{}, fmt.Errorf("no event of %s", pallet.Name)
	}
	e.Pallet, e.Name, e.Fields = pallet.Name, inner.Name, &inner.Record
	return e, nil
}

// only returns a variant's value where it has exactly one, else nil.
func only(v *codec.Variant) any {
	if len(v.Fields) == 1 {
		return v.Fields[0].Value
	}
	return nil
}

// outcome returns how the extrinsic at a position ended: nil, a *DispatchError,
// or an error where the events do not tell.
func (r *Runtime) outcome(events []Event, index int) error {
	for _, e := range events {
		if e.Extrinsic != index || e.Pallet != systemPallet {
			continue
		}
		switch e.Name {
		case "ExtrinsicSuccess":
			return nil
		case "ExtrinsicFailed":
			if len(e.Fields.Fields) > 0 {
				if v, ok := e.Fields.Fields[0].Value.(*codec.Variant); ok {
					return r.dispatchError(v)
				}
			}
			return errors.New("the call failed, but its event does not say how")
		}
	}
	return errors.New("the block's events say neither that the call succeeded nor that it failed")
}

// dispatchError reads sp_runtime's DispatchError: Module with the pallet's index
// and its error (one byte in old runtimes, four in later ones, of which the first
// is the number), in a struct of its own or not; else an alternative by name.
func (r *Runtime) dispatchError(v *codec.Variant) *DispatchError {
	e := &DispatchError{Kind: v.Name, Name: v.Name}
	if v.Name != "Module" {
		if inner, ok := only(v).(*codec.Variant); ok {
			e.Name = inner.Name
		}
		return e
	}
	module := &v.Record
	if inner, ok := only(v).(*codec.Record); ok {
		module = inner
	}
	if index, ok := module.Get("index"); ok {
		n, _ := index.(uint64)
		e.Index = uint8(n)
	}
	code, _ := module.Get("error")
	switch code := code.(type) {
	case uint64:
		e.Code = uint8(code)
	case []byte:
		if len(code) > 0 {
			e.Code = code[0]
		}
	}
	e.Pallet, e.Name = fmt.Sprintf("pallet %d", e.Index), fmt.Sprintf("error %d", e.Code)
	p, ok := r.Metadata.PalletByIndex(e.Index)
	if !ok {
		return e
	}
	e.Pallet = p.Name
	if t := r.Metadata.Types.Type(p.Errors); t != nil {
		for _, alternative := range t.Variants {
			if alternative.Index == e.Code {
				e.Name, e.Docs = alternative.Name, oneLine(alternative.Docs.Lines())
			}
		}
	}
	return e
}

// oneLine makes one line of an item's documentation.
func oneLine(docs []string) string {
	return printable(strings.Join(strings.Fields(strings.Join(docs, " ")), " "))
}
