package subtensor

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/bittensor-go/bt/substrate/metadata"
)

const (
	// keysPerList is how many keys a node lists at once.
	keysPerList = 1000
	// maxNominators bounds the list of one hotkey's nominators.
	maxNominators = 1 << 20

	// A request names at most keysPerRequest keys, whose values take about
	// bytesPerRequest: nodes give 15 MiB of hexadecimal at once.
	keysPerRequest  = 1000
	bytesPerRequest = 2 << 20

	// requestsAtOnce bounds how many messages of a client's trips are under way,
	// whatever runs side by side. The lists of one trip, which are at most
	// listsAtOnce messages, and the values beside them still go at once. Nodes read
	// on while some of a connection's requests wait for their turn, so that more
	// would gain little.
	requestsAtOnce = 320
	listsAtOnce    = 256

	plainSize = 64 // bytes of a value that is no row
)

// trip is what is read from storage at the same time, in as many requests side by
// side as it takes. Where run gives no error, all that was put on it is there.
type trip struct {
	s      *State
	pallet *metadata.Pallet
	values []wantedValue
	lists  []wantedList
	err    error // of what was put on it
}

// wantedValue is a value to be read, its default where it is not stored.
type wantedValue struct {
	key   []byte
	entry *metadata.StorageEntry
	into  any
	found *bool // nil where it does not matter
	size  int   // bytes, about
}

// wantedList is a list of the keys below a prefix.
type wantedList struct {
	prefix []byte
	limit  int
	into   *[][]byte
}

// put puts a value on the trip.
func (t *trip) put(v wantedValue, item string, keys ...any) {
	entry, ok := t.pallet.Entry(item)
	if ok && v.key == nil {
		var err error
		if v.key, err = t.s.Runtime.StorageKey(palletName, item, keys...); err != nil {
			t.fail(err)
			return
		}
	}
	if !ok {
		t.fail(fmt.Errorf("%s has no storage %s.%s", t.s.Runtime, palletName, item))
		return
	}
	v.entry = entry
	t.values = append(t.values, v)
}

func (t *trip) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *trip) value(into any, item string, keys ...any) {
	t.put(wantedValue{into: into, size: plainSize}, item, keys...)
}

// maybe leaves into as it is where the runtime has no such item.
func (t *trip) maybe(into any, item string, keys ...any) {
	if hasEntries(t.pallet, item) {
		t.value(into, item, keys...)
	}
}

// list reads the keys of a map that begin with some keys, ascending.
func (t *trip) list(into *[][]byte, limit int, item string, keys ...any) {
	prefix, err := t.s.Runtime.StorageKey(palletName, item, keys...)
	if err != nil {
		t.fail(err)
		return
	}
	t.lists = append(t.lists, wantedList{prefix, limit, into})
}

// run reads all that is on the trip.
func (t *trip) run(ctx context.Context) error {
	if t.err != nil {
		return fmt.Errorf("block %d: %w", t.s.Number, t.err)
	}
	var jobs []func(context.Context) error
	for rest := t.values; len(rest) > 0; {
		n, bytes := 0, 0
		for n < len(rest) && n < keysPerRequest && (n == 0 || bytes+rest[n].size <= bytesPerRequest) {
			bytes += rest[n].size
			n++
		}
		part := rest[:n]
		rest = rest[n:]
		jobs = append(jobs, func(ctx context.Context) error { return t.read(ctx, part) })
	}
	return t.s.c.together(ctx, append(jobs, t.listing()...))
}

// runLists reads the lists that are on the trip, and takes them off.
func (t *trip) runLists(ctx context.Context) error {
	if t.err != nil {
		return fmt.Errorf("block %d: %w", t.s.Number, t.err)
	}
	jobs := t.listing()
	t.lists = nil
	return t.s.c.together(ctx, jobs)
}

// listing returns the jobs of the lists: one a list where they are few, as nodes work
// on messages side by side, else some in one message, so that all go at once.
func (t *trip) listing() []func(context.Context) error {
	var jobs []func(context.Context) error
	each := (len(t.lists) + listsAtOnce - 1) / listsAtOnce
	if each <= 1 {
		for _, l := range t.lists {
			jobs = append(jobs, func(ctx context.Context) (err error) {
				*l.into, err = t.s.Keys(ctx, l.prefix, l.limit)
				return err
			})
		}
		return jobs
	}
	for part := range slices.Chunk(t.lists, each) {
		jobs = append(jobs, func(ctx context.Context) error {
			prefixes := make([][]byte, len(part))
			for i, l := range part {
				prefixes[i] = l.prefix
			}
			keys, err := t.s.KeysBelow(ctx, prefixes, part[0].limit) // that of all: they are nominators'
			for i := range keys {
				*part[i].into = keys[i]
			}
			return err
		})
	}
	return jobs
}

// read reads values in one request and decodes them.
func (t *trip) read(ctx context.Context, part []wantedValue) error {
	keys := make([][]byte, len(part))
	for i := range part {
		keys[i] = part[i].key
	}
	raw, err := t.s.Raw(ctx, keys...)
	if err != nil {
		return err
	}
	for i, v := range part {
		stored := raw[i]
		if v.found != nil {
			*v.found = stored != nil
		}
		if stored == nil {
			if v.entry.Optional {
				continue
			}
			stored = v.entry.Default
		}
		if err := t.s.Runtime.Codec.Decode(v.entry.Value, stored, v.into); err != nil {
			return fmt.Errorf("block %d: storage %s.%s: %w", t.s.Number, palletName, v.entry.Name, err)
		}
	}
	return nil
}

// together runs jobs side by side, each of which is a request to storage. The
// first error ends the others.
func (c *Client) together(ctx context.Context, jobs []func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, job := range jobs {
		select {
		case c.slots <- struct{}{}:
			wg.Go(func() {
				defer func() { <-c.slots }()
				if ctx.Err() != nil {
					return
				}
				if err := job(ctx); err != nil {
					cancel(err)
				}
			})
		case <-ctx.Done():
		}
	}
	wg.Wait()
	return context.Cause(ctx)
}
