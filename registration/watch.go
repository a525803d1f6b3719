package registration

import (
	"context"
	"sync"
	"time"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

// head is a block, or why there are no more.
type head struct {
	substrate.Header
	err error
}

// watch makes f.views follow the chain until f.unwatch, which waits for its
// goroutines. They are two, so that a node that is slow to tell the terms makes
// blocks be skipped and not pile up.
func (f *flow) watch(ctx context.Context) error {
	heads, err := f.c.Heads(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	newest, views, ask := make(chan head, 1), make(chan view, 1), make(chan struct{}, 1)
	f.views, f.ask = views, ask
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			h, err := heads.Next(ctx)
			put(newest, head{h, err})
			if err != nil {
				return
			}
		}
	})
	wg.Go(func() {
		for {
			var h head
			select {
			case <-ctx.Done():
				return
			case <-ask:
				v := f.look(ctx, nil)
				v.asked = true
				put(views, v)
				continue
			case h = <-newest:
			}
			if h.err != nil {
				put(views, view{err: h.err})
				return
			}
			v := f.look(ctx, &h.Header)
			if v.err != nil && !substrate.Unreachable(v.err) {
				// A reorganisation may have taken the block away: the newest one decides.
				v = f.look(ctx, nil)
			}
			put(views, v)
		}
	})
	f.unwatch = func() {
		cancel()
		wg.Wait()
		heads.Close() //nolint:errcheck // it is over; a connection that broke has been reported
		f.unwatch = nil
	}
	return nil
}

// follow is watch, over a new connection where the old one was lost meanwhile: to type
// a password takes its time.
func (f *flow) follow(ctx context.Context) error {
	err := f.watch(ctx)
	if !substrate.Unreachable(err) {
		return err
	}
	v := f.reconnect(ctx, err)
	if v.err == nil {
		f.now(v)
	}
	return v.err
}

// put makes v the content of a channel with room for one, of which the caller is
// the only sender.
func put[T any](ch chan T, v T) {
	select {
	case <-ch:
	default:
	}
	ch <- v
}

// close ends what watch and reconnect began.
func (f *flow) close() {
	if f.unwatch != nil {
		f.unwatch()
	}
	if f.own {
		f.c.Close() //nolint:errcheck // nothing is asked of it any more
	}
}

// The pauses between attempts to connect: none, then twice the last one.
const (
	firstPause = time.Second
	mostPause  = 15 * time.Second
)

// reconnect makes a lost connection anew, as long as ctx lasts, follows the heads
// again and returns the view of the newest. A search goes on meanwhile. The view has an
// error where the node answers and the flow has to end all the same, or where ctx has
// ended; it is never one of a lost connection.
func (f *flow) reconnect(ctx context.Context, cause error) view {
	for pause := time.Duration(0); ; pause = min(max(firstPause, 2*pause), mostPause) {
		var v view
		f.meanwhile(cause, func() {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
				v = f.redial(ctx)
			}
		})
		switch {
		case ctx.Err() != nil:
			return view{err: ctx.Err()}
		case !substrate.Unreachable(v.err):
			return v
		}
		cause = v.err
	}
}

// meanwhile runs a function and tells Progress that there is no connection until
// it returns.
func (f *flow) meanwhile(cause error, run func()) {
	var wg sync.WaitGroup
	defer wg.Wait()
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		run()
	})
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for {
		p := Progress{Phase: Reconnecting, Head: f.newest.state.Header, Terms: f.newest.terms, Attempts: f.attempts, Err: cause}
		if f.solver != nil {
			p.Stats = f.solver.Stats()
		}
		f.opts.Progress(p)
		select {
		case <-done:
			return
		case <-ticker.C:
		}
	}
}

// redial replaces the connection once.
func (f *flow) redial(ctx context.Context) view {
	if f.unwatch != nil {
		f.unwatch()
	}
	endpoint := f.c.Network.Endpoint
	if endpoint == "" {
		endpoint = f.c.Endpoint()
	}
	node, err := f.c.DialSibling(ctx, endpoint)
	if err != nil {
		return view{err: err}
	}
	if f.own {
		f.c.Close() //nolint:errcheck // it is lost, and why was told
	}
	f.c, f.own = subtensor.New(node, f.c.Network), true
	if err := f.watch(ctx); err != nil {
		return view{err: err}
	}
	return f.look(ctx, nil)
}
