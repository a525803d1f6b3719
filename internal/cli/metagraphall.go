package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/subtensor"
)

// metagraphsResult is the document of bt metagraph --all --json.
type metagraphsResult struct {
	Network  string            `json:"network"`
	Endpoint string            `json:"endpoint"`
	Block    uint64            `json:"block"`
	Lite     bool              `json:"lite"`
	Subnets  []metagraphResult `json:"subnets"`
}

// summary is the line of a subnet in the table.
type summary struct {
	netuid uint16
	n      int
	totals totalsResult
}

// runMetagraphs reads all subnets. Of each it keeps no more than is printed.
func (a *app) runMetagraphs(ctx context.Context, opts metagraph.Options, save bool) (err error) {
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
		if at, err = c.AtBlock(ctx, opts.Block); err != nil {
			return err
		}
		netuids, err = at.Netuids(ctx)
		return err
	}); err != nil {
		return err
	}
	opts.Block = &at.Number
	doc := metagraphsResult{
		Network: c.Network.Name, Endpoint: c.Network.Public(), Block: at.Number, Lite: !opts.Full,
		Subnets: []metagraphResult{},
	}
	var (
		lines  []summary
		folder string // of the files of one subnet
		view   = a.view()
	)
	defer view.Clear()
	if len(netuids) > 0 { // else SyncAll would look for them once more
		view.Status(reading(0, len(netuids)))
		for m, err := range metagraph.SyncAll(ctx, c, opts, netuids...) {
			if err != nil {
				return err
			}
			path := ""
			if save {
				if path, err = a.save(m); err != nil {
					return err
				}
				folder = filepath.Dir(path)
			}
			lines = append(lines, summary{m.Netuid, m.N(), totals(m)})
			if a.json {
				r := newMetagraphResult(m, opts.Full)
				r.Saved = path
				doc.Subnets = append(doc.Subnets, r)
			}
			view.Status(reading(len(lines), len(netuids)))
		}
	}
	view.Clear()
	if a.json {
		return a.printJSON(doc)
	}
	if err := a.printSummaries(doc, lines); err != nil {
		return err
	}
	if folder != "" {
		a.message("saved: %d metagraphs below %s", len(lines), filepath.Dir(folder))
	}
	return nil
}

// reading is a bar of how many subnets were read.
func reading(done, all int) string {
	const width = 30
	full := done * width / all
	return fmt.Sprintf("reading %d of %d subnets [%s%s]", done, all, strings.Repeat("#", full), strings.Repeat("-", width-full))
}

func (a *app) printSummaries(doc metagraphsResult, lines []summary) error {
	neurons := 0
	t := a.newTable("netuid", "neurons", "stake", "emission", "active", "validators", "serving")
	for _, l := range lines {
		neurons += l.n
		t.AppendRow([]any{
			l.netuid, l.n, tao(l.totals.StakeRao, 3), tao(l.totals.EmissionRao, 5),
			l.totals.Active, l.totals.Validators, l.totals.Serving,
		})
	}
	header := fmt.Sprintf("%d subnets, %d neurons, block %s, %s", len(lines), neurons, thousands(doc.Block), doc.Network)
	if err := a.print("%s (%s)\n\n", a.out.style(bold, header), doc.Endpoint); err != nil {
		return err
	}
	return a.printTable(t)
}
