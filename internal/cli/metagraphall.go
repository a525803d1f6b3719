package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/subtensor"
)

// metagraphsHead is how the document of bt metagraph --all --json begins. The list
// "subnets" of metagraphResult follows, and then metagraphsTail.
type metagraphsHead struct {
	Network  string `json:"network"`
	Endpoint string `json:"endpoint"`
	Block    uint64 `json:"block"`
	Lite     bool   `json:"lite"`
}

// metagraphsTail is how it ends: with nothing where all went well.
type metagraphsTail struct {
	Errors []subnetError `json:"errors,omitempty"`
	*errorResult
}

// subnetError is a subnet that could not be read.
type subnetError struct {
	Netuid uint16 `json:"netuid"`
	Error  string `json:"error"`
}

// partialError says that some subnets could not be read. The first one decides
// what it exits with, and what to do.
type partialError struct {
	failed []*metagraph.SubnetError
	all    int
}

func (e *partialError) Error() string {
	return fmt.Sprintf("%d of %s could not be read", len(e.failed), plural(e.all, "subnet"))
}

func (e *partialError) Unwrap() error { return e.failed[0].Err }

// summary is the line of a subnet in the table.
type summary struct {
	netuid uint16
	n      int
	totals totalsResult
}

// overview shows metagraphs one after the other. Of each it keeps no more than a
// line.
type overview struct {
	a       *app
	head    metagraphsHead
	all     int         // subnets there are
	full    bool        // with weights and bonds
	stream  *jsonStream // nil for the table
	lines   []summary
	network string // the folder of the network's files, where they are saved
}

// runMetagraphs reads all subnets. One that cannot be read leaves the others
// alone.
func (a *app) runMetagraphs(ctx context.Context, opts metagraph.Options, save bool) (err error) {
	if err := a.canSave(save); err != nil {
		return err
	}
	c, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, c)
	var (
		at      *subtensor.State
		netuids []uint16
	)
	if err := a.slow("reading the list of subnets", func() (err error) {
		if at, err = c.AtBlock(ctx, opts.Block, subtensor.AskNetuids()); err != nil {
			return err
		}
		netuids, err = at.Netuids(ctx)
		return err
	}); err != nil {
		return err
	}
	o := overview{
		a:    a,
		head: metagraphsHead{Network: c.Network.Name, Endpoint: c.Network.Public(), Block: at.Number, Lite: !opts.Full},
		all:  len(netuids), full: opts.Full,
	}
	if a.json {
		if o.stream, err = a.openJSON(o.head, "subnets"); err != nil {
			return err
		}
	}
	failed, err := a.eachMetagraph(ctx, at, opts, netuids, func(m *metagraph.Metagraph) error { return o.add(m, save) })
	switch {
	case err != nil && ctx.Err() != nil:
		err = ctx.Err() // whatever it broke
	case err == nil && len(failed) > 0:
		err = &partialError{failed, len(netuids)}
	}
	return o.end(failed, err)
}

// eachMetagraph reads subnets and does something with each that can be read. The
// error is what ended it early.
func (a *app) eachMetagraph(ctx context.Context, at *subtensor.State, opts metagraph.Options, netuids []uint16, do func(*metagraph.Metagraph) error) (failed []*metagraph.SubnetError, err error) {
	if len(netuids) == 0 {
		return nil, nil
	}
	var done atomic.Int64
	if !a.json || !a.out.is { // else it would be drawn into the document
		defer a.follow(func() string { return reading(int(done.Load()), len(netuids)) })()
	}
	for m, err := range metagraph.SyncAllAt(ctx, at, opts, netuids...) {
		var subnet *metagraph.SubnetError
		switch {
		case errors.As(err, &subnet):
			failed = append(failed, subnet)
		case err != nil:
			return failed, err
		default:
			if err := do(m); err != nil {
				return failed, err
			}
		}
		done.Add(1)
	}
	return failed, nil
}

// reading is a bar of how many subnets were read.
func reading(done, all int) string {
	const width = 30
	full := done * width / all
	return fmt.Sprintf("reading %d of %d subnets [%s%s]", done, all, strings.Repeat("#", full), strings.Repeat("-", width-full))
}

// add saves and shows a metagraph.
func (o *overview) add(m *metagraph.Metagraph, save bool) error {
	path := ""
	if save {
		var err error
		if path, err = o.a.save(m); err != nil {
			return err
		}
		o.network = filepath.Dir(filepath.Dir(path))
	}
	if o.stream != nil {
		r := newMetagraphResult(m, o.full)
		r.Saved = path
		if err := o.stream.add(r); err != nil {
			return err
		}
	}
	o.lines = append(o.lines, summary{m.Netuid, m.N(), totals(m)})
	return nil
}

// end shows what is left to show, with the subnets that failed and err, which is
// what the command ends with.
func (o *overview) end(failed []*metagraph.SubnetError, err error) error {
	if errors.Is(err, errReaderGone) {
		return err
	}
	if o.stream != nil {
		var tail metagraphsTail
		for _, f := range failed {
			tail.Errors = append(tail.Errors, subnetError{f.Netuid, clean(f.Err.Error())})
		}
		if err != nil {
			r := newErrorResult(err)
			tail.errorResult = &r
		}
		if err := o.stream.end(tail); err != nil {
			return err
		}
	} else if err == nil || len(o.lines) > 0 {
		if err := o.print(); err != nil {
			return err
		}
		if o.network != "" {
			o.a.message("saved: %s below %s", plural(len(o.lines), "metagraph"), o.network)
		}
	}
	for _, f := range failed {
		netuid := fmt.Sprintf("netuid %d: ", f.Netuid)
		o.a.complain(netuid + strings.TrimPrefix(f.Err.Error(), netuid))
	}
	return err
}

// print writes the table.
func (o *overview) print() error {
	neurons := 0
	t := o.a.newTable("netuid", "neurons", "stake", "emission", "active", "validators", "serving")
	for _, l := range o.lines {
		neurons += l.n
		t.AppendRow([]any{
			l.netuid, l.n, tao(l.totals.StakeRao, 3), tao(l.totals.EmissionRao, 5),
			l.totals.Active, l.totals.Validators, l.totals.Serving,
		})
	}
	subnets := plural(o.all, "subnet")
	if len(o.lines) < o.all {
		subnets = fmt.Sprintf("%d of %s", len(o.lines), subnets)
	}
	header := fmt.Sprintf("%s, %s, block %s, %s", subnets, plural(neurons, "neuron"), thousands(o.head.Block), o.head.Network)
	if err := o.a.print("%s (%s)\n\n", o.a.out.style(bold, header), o.head.Endpoint); err != nil {
		return err
	}
	return o.a.printTable(t)
}
