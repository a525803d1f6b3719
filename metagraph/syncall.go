package metagraph

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/bittensor-go/bt/subtensor"
)

// inFlight is how many metagraphs SyncAll reads and holds at a time. Where runtimes
// answer, each takes up to three requests at once.
const inFlight = 4

// SyncAll reads the metagraphs of subnets, all of one block over one connection:
// those that are named, in that order, or all that exist, by netuid.
//
// They come as they are read. No more than four are under way or wait to be taken,
// so that memory does not grow with the number of subnets, and reading waits for
// the loop where that is the slower one.
//
// An error is the last that comes: where one subnet cannot be read, those after
// it are not. When the loop is left, by its end, an error, a break or because ctx
// ended, nothing runs any more. As for a single one, a subnet or a mechanism that
// does not exist is an error.
func SyncAll(ctx context.Context, c *subtensor.Client, opts Options, netuids ...uint16) iter.Seq2[*Metagraph, error] {
	return func(yield func(*Metagraph, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var readers sync.WaitGroup
		defer readers.Wait()
		defer cancel()

		s, err := c.AtBlock(ctx, opts.Block)
		all := netuids
		if err == nil && len(all) == 0 {
			all, err = s.Netuids(ctx)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		type result struct {
			m   *Metagraph
			err error
		}
		begin := func(netuid uint16) <-chan result {
			done := make(chan result, 1)
			readers.Go(func() {
				m := New(netuid, c.Network.Name)
				done <- result{m, m.read(ctx, s, opts)}
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
			if r.err != nil {
				yield(nil, fmt.Errorf("metagraph of netuid %d: %w", netuid, r.err))
				return
			}
			if !yield(r.m, nil) {
				return
			}
		}
	}
}
