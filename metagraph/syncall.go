package metagraph

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/rpc"
	"github.com/bittensor-go/bt/subtensor"
)

// inFlight is how many metagraphs SyncAll reads and holds at a time.
const inFlight = 4

// SubnetError says which of many subnets could not be read.
type SubnetError struct {
	Netuid uint16
	Err    error
}

// Error names the subnet and says what went wrong.
func (e *SubnetError) Error() string {
	return fmt.Sprintf("metagraph of netuid %d: %v", e.Netuid, e.Err)
}

// Unwrap returns what went wrong.
func (e *SubnetError) Unwrap() error { return e.Err }

// SyncAll reads the metagraphs of subnets, all of the block of opts over one
// connection. See SyncAllAt, to which it differs in that the block is not known
// before the first of them comes.
func SyncAll(ctx context.Context, c *subtensor.Client, opts Options, netuids ...uint16) iter.Seq2[*Metagraph, error] {
	return func(yield func(*Metagraph, error) bool) {
		var ahead []substrate.Question
		if len(netuids) == 0 {
			ahead = append(ahead, subtensor.AskNetuids())
		}
		s, err := c.AtBlock(ctx, opts.Block, ahead...)
		if err != nil {
			yield(nil, err)
			return
		}
		SyncAllAt(ctx, s, opts, netuids...)(yield)
	}
}

// SyncAllAt reads the metagraphs of subnets from one state, whatever opts.Block
// is: those that are named, in that order, or all that exist, by netuid.
//
// They come as they are read. No more than four are under way or wait to be taken,
// so that memory does not grow with the number of subnets, and reading waits for
// the loop where that is the slower one. Where the runtime answers, a subnet takes
// one trip to the node, and two with Options.Commitments; by storage it takes
// three, and the client's bound on requests may make them more.
//
// A subnet that cannot be read gives a *SubnetError in its place, and those after
// it are read all the same. Any other error is the last that comes: the list of
// subnets cannot be read, the node has discarded the state, the connection is
// lost, or ctx has ended. When the loop is left, nothing runs any more. As for a
// single one, a subnet or a mechanism that does not exist is an error.
func SyncAllAt(ctx context.Context, s *subtensor.State, opts Options, netuids ...uint16) iter.Seq2[*Metagraph, error] {
	return func(yield func(*Metagraph, error) bool) {
		inner, cancel := context.WithCancel(ctx)
		var readers sync.WaitGroup
		defer readers.Wait()
		defer cancel()

		all := netuids
		if len(all) == 0 {
			var err error
			if all, err = s.Netuids(ctx); err != nil {
				yield(nil, err)
				return
			}
		}
		type result struct {
			m   *Metagraph
			err error
		}
		begin := func(netuid uint16) <-chan result {
			done := make(chan result, 1)
			readers.Go(func() {
				m := New(netuid, s.Network().Name)
				done <- result{m, m.read(inner, s, opts)}
			})
			return done
		}
		var window []<-chan result // of the next subnets, in order
		begun := 0
		for i, netuid := range all {
			for ; begun < min(i+inFlight, len(all)); begun++ {
				window = append(window, begin(all[begun]))
			}
			r := <-window[0]
			window = window[1:]
			switch {
			case r.err == nil:
				if !yield(r.m, nil) {
					return
				}
			case ctx.Err() != nil || errors.Is(r.err, rpc.ErrClosed) || errors.Is(r.err, substrate.ErrStateDiscarded):
				yield(nil, fmt.Errorf("metagraph of netuid %d: %w", netuid, r.err))
				return
			default:
				if !yield(nil, &SubnetError{Netuid: netuid, Err: r.err}) {
					return
				}
			}
		}
	}
}
