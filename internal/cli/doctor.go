package cli

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

const doctorLong = `Say of a node what it is and what works with it: its runtime and metadata, which
runtime APIs and storage decode, whether neurons can be registered by proof of
work, by which rule and for what fee, on which subnets, and what registering by
burning TAO costs.

It reads only: nothing is signed with a key of yours, and nothing is sent to the
chain. With --json the document holds everything, as it was found.

The exit code is 0 where everything that bt needs works, 1 where something does
not, 3 where the node cannot be reached or is of another chain, and 4 where there
is no such subnet or block. A runtime that takes no proofs of work at all is no
failure: that is said, with the reason.`

// doctorResult is the document of bt doctor --json.
type doctorResult struct {
	*subtensor.Report
	OK bool `json:"ok"`
	// Error is why the report is not complete.
	Error string `json:"error,omitempty"`
}

func (a *app) doctor() *cobra.Command {
	var (
		netuid netuidValue
		block  blockValue
	)
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what a node is and what works with it",
		Long:  doctorLong,
		Example: `  bt doctor --network finney
  bt doctor --network ws://127.0.0.1:9944 --netuid 1 --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runDoctor(cmd.Context(), examineOptions(netuid, block))
		},
	}
	examineFlags(cmd, &netuid, &block)
	a.networkFlag(cmd)
	a.homeFlag(cmd)
	return cmd
}

// examineFlags adds the flags that choose what is examined.
func examineFlags(cmd *cobra.Command, netuid *netuidValue, block *blockValue) {
	cmd.Flags().Var(netuid, "netuid", "the subnet to ask about, instead of the first with neurons")
	cmd.Flags().Var(block, "block", "the block to read, instead of the newest")
}

func examineOptions(netuid netuidValue, block blockValue) subtensor.ExamineOptions {
	opts := subtensor.ExamineOptions{Block: block.n}
	if netuid.set {
		opts.Netuid = &netuid.n
	}
	return opts
}

// dialAny connects to a node whatever its runtime is like.
func dialAny(ctx context.Context, n subtensor.Network, opts subtensor.Options) (*subtensor.Client, error) {
	c, err := substrate.Dial(ctx, n.Endpoint, opts)
	if err != nil {
		return nil, err
	}
	return subtensor.New(c, n), nil
}

func (a *app) runDoctor(ctx context.Context, opts subtensor.ExamineOptions) (err error) {
	c, err := a.connect(ctx, dialAny)
	if err != nil {
		return err
	}
	defer closing(&err, c)
	var r *subtensor.Report
	found := a.slow("examining the node", func() (err error) {
		r, err = c.Examine(ctx, opts)
		return err
	})
	if a.json {
		doc := doctorResult{Report: r, OK: found == nil && r.OK()}
		if found != nil {
			doc.Error = found.Error()
		}
		err = a.printJSON(doc)
	} else {
		err = a.printReport(r)
	}
	switch {
	case err != nil:
		return err
	case found != nil:
		return found
	case r.OK():
		return nil
	}
	return &codedError{
		err: fmt.Errorf("%s with this node", plural(len(r.Problems), "problem")), code: exitError,
		try: "a newer bt; else write down what the node says, for others to look into: " + a.program + " debug capture -o node.jsonrpc.gz",
	}
}

// plural writes a number and what there is of it.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// printReport writes what is known of a node; of a report that is not complete
// the parts that are.
func (a *app) printReport(r *subtensor.Report) error {
	lines := a.nodeLines(r)
	if r.Runtime.SpecName != "" {
		lines = append(lines, runtimeLines(r)...)
	}
	if err := a.printPairs(lines); err != nil {
		return err
	}
	if len(r.APIs) > 0 {
		if err := a.printAPIs(r); err != nil {
			return err
		}
	}
	if lines := registrationLines(r); len(lines) > 0 {
		if err := a.print("\n"); err != nil {
			return err
		}
		if err := a.printPairs(lines); err != nil {
			return err
		}
	}
	if err := a.printCosts(r); err != nil {
		return err
	}
	for i, p := range r.Problems {
		if i == 0 {
			if err := a.print("\n"); err != nil {
				return err
			}
		}
		if err := a.print("%s %s: %s\n", a.out.style(red, "problem:"), clean(p.What), clean(p.Error)); err != nil {
			return err
		}
		if p.Remedy != "" {
			if err := a.print("  try: %s\n", clean(p.Remedy)); err != nil {
				return err
			}
		}
	}
	if r.OK() && len(r.Extensions) > 0 {
		return a.print("\n%s\n", a.out.style(green, "everything that bt needs works"))
	}
	return nil
}

// printPairs writes names and what there is to say about them; a line without a
// name goes on with the one before.
func (a *app) printPairs(lines [][2]string) error {
	for _, l := range lines {
		if err := a.print("%s\n", strings.TrimRight(a.out.style(bold, fmt.Sprintf("%-14s", l[0]))+clean(l[1]), " ")); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) nodeLines(r *subtensor.Report) [][2]string {
	node := strings.TrimSpace(r.Node.Name + " " + r.Node.Version)
	if node == "" {
		node = "does not say what it is"
	}
	if r.Node.Peers != nil {
		node += ", " + plural(*r.Node.Peers, "peer")
	}
	if r.Node.Syncing != nil && *r.Node.Syncing {
		node += ", still syncing"
	}
	name := r.Chain.Name
	if name == "unknown" {
		name = "a network that bt does not know"
	}
	lines := [][2]string{
		{"node", node},
		{"endpoint", fmt.Sprintf("%s (%s)", r.Endpoint, r.Network)},
		{"chain", fmt.Sprintf("%s, genesis %s", name, r.Chain.Genesis)},
	}
	if r.Runtime.SpecName == "" {
		return lines
	}
	block := fmt.Sprintf("%d, %s", r.Chain.Block, r.Chain.BlockHash)
	if r.Chain.Block != r.Chain.Head {
		block += fmt.Sprintf(", head %d", r.Chain.Head)
	}
	clock := ""
	if f := r.Chain.Finalized; f != nil {
		clock = fmt.Sprintf("final up to %s behind the head, ", plural(int(r.Chain.Head-min(*f, r.Chain.Head)), "block"))
	}
	if s := r.Chain.BlockSeconds; s > 0 {
		clock += fmt.Sprintf("a block every %.2fs (over %d), ", s, r.Chain.BlockSample)
	}
	if t := r.Chain.Time; !t.IsZero() {
		clock += "made " + t.Format(time.DateTime) + " UTC, "
	}
	lines = append(lines, [2]string{"block", block})
	if clock != "" {
		lines = append(lines, [2]string{"", strings.TrimSuffix(clock, ", ")})
	}
	return append(lines, [2]string{"states", fmt.Sprintf("%s: %s", r.Node.State, r.Node.Why)})
}

func runtimeLines(r *subtensor.Report) [][2]string {
	var versions []string
	for _, m := range r.Runtime.Metadata {
		name := fmt.Sprintf("V%d", m.Version)
		if m.Version == math.MaxUint32 {
			name = "unstable"
		}
		v := fmt.Sprintf("%s %s bytes", name, thousands(uint64(m.Bytes)))
		switch {
		case m.Error != "":
			v += " (cannot be read)"
		case m.Bytes == 0:
			v = name + " listed, not given"
		case m.Used:
			v += " (used)"
		}
		versions = append(versions, v)
	}
	lines := [][2]string{{"runtime", fmt.Sprintf("%s %d, transactions %d, code %s", r.Runtime.SpecName, r.Runtime.SpecVersion, r.Runtime.TransactionVersion, r.Runtime.CodeHash)}}
	if len(versions) > 0 {
		lines = append(lines, [2]string{"metadata", strings.Join(versions, ", ")})
	}
	return lines
}

func (a *app) printAPIs(r *subtensor.Report) error {
	if err := a.print("\n"); err != nil {
		return err
	}
	t := a.newTable("<runtime API", "<", "found", "bytes", "<decoded by")
	for _, p := range r.APIs {
		found, size := "", ""
		if p.Count != nil {
			found = fmt.Sprint(*p.Count)
		}
		if p.Bytes > 0 {
			size = thousands(uint64(p.Bytes))
		}
		status := p.Status
		if status == subtensor.ProbeError {
			status = a.out.style(red, status)
		}
		t.AppendRow([]any{clean(strings.Replace(p.Name, "RuntimeApi_", ".", 1)), status, found, size, short(withoutSource(p.Layout), 70)})
	}
	if err := a.printTable(t); err != nil {
		return err
	}
	counts := make(map[string][]string)
	for _, p := range r.Storage {
		counts[p.Status] = append(counts[p.Status], p.Name[strings.LastIndex(p.Name, ".")+1:])
	}
	lines := [][2]string{{"storage", fmt.Sprintf("%s of netuid %d decode", plural(len(counts[subtensor.ProbeOK]), "item"), *r.Netuid)}}
	for _, k := range [][2]string{
		{subtensor.ProbeDefault, "not stored, so the default stands"}, {subtensor.ProbeNone, "empty"}, {subtensor.ProbeAbsent, "not in this runtime"}, {subtensor.ProbeError, "cannot be read"},
	} {
		if names := counts[k[0]]; len(names) > 0 {
			lines = append(lines, [2]string{"", k[1] + ": " + strings.Join(names, ", ")})
		}
	}
	if err := a.print("\n"); err != nil {
		return err
	}
	return a.printPairs(lines)
}

// withoutSource leaves out where a layout is known from, which stands in brackets.
func withoutSource(layout string) string {
	from, to := strings.Index(layout, " ("), strings.LastIndex(layout, ")")
	if from < 0 || to < from {
		return layout
	}
	return layout[:from] + layout[to+1:]
}

// registrationLines say what a transaction holds, and whether proof of work is
// possible.
func registrationLines(r *subtensor.Report) [][2]string {
	var names, unknown []string
	for _, x := range r.Extensions {
		names = append(names, x.Identifier)
		if !x.Fillable {
			unknown = append(unknown, x.Identifier)
		}
	}
	var lines [][2]string
	if len(names) > 0 {
		can := "all can be filled"
		if len(unknown) > 0 {
			can = "cannot be filled: " + strings.Join(unknown, ", ")
		}
		lines = append(lines, [2]string{"transactions", fmt.Sprintf("%s, %s", plural(len(names), "extension"), can)}, [2]string{"", strings.Join(names, ", ")})
	}
	p := r.Pow
	switch {
	case p.Refusal != "":
		return append(lines, [2]string{"proof of work", p.Refusal})
	case !p.Possible:
		return lines
	}
	window := fmt.Sprintf("work block at most %s old", plural(int(p.Window), "block"))
	lines = append(lines,
		[2]string{"proof of work", fmt.Sprintf("possible by %s, signed by the %s, %s", p.Call, p.Signer, window)},
		[2]string{"", fmt.Sprintf("seal = keccak256(sha256(%s)), read %s", p.Preimage, p.Reading)},
		[2]string{"", feeLine(p)})
	if p.Terms != "" && r.Netuid != nil {
		terms := strings.TrimPrefix(p.Terms, fmt.Sprintf("netuid %d: ", *r.Netuid))
		if terms == "ok" {
			terms = "open to a new hotkey"
		}
		lines = append(lines, [2]string{"", fmt.Sprintf("on netuid %d: %s", *r.Netuid, terms)})
	}
	return lines
}

func feeLine(p subtensor.PowReport) string {
	rule := "free"
	if p.PaysFee {
		rule = "the signer pays a fee, also where it fails"
	}
	switch {
	case p.FeeRao == nil && p.FeeError != "":
		return fmt.Sprintf("%s by the rule; the runtime does not say: %s", rule, p.FeeError)
	case p.FeeRao == nil:
		return rule + " by the rule"
	case *p.FeeRao == 0:
		return "free: the runtime asks no fee"
	}
	return fmt.Sprintf("%s: %s rao (TAO %s)", rule, thousands(*p.FeeRao), tao(*p.FeeRao, 9))
}

// printCosts lists what a registration takes on the subnets that admit proofs of
// work, and on the probed one.
func (a *app) printCosts(r *subtensor.Report) error {
	if len(r.Subnets) == 0 {
		return nil
	}
	enabled := 0
	t := a.newTable("netuid", "neurons", "<proof of work", "difficulty", "burn (TAO)")
	for _, s := range r.Subnets {
		if s.PowEnabled {
			enabled++
		}
		if !s.PowEnabled && (r.Netuid == nil || s.Netuid != *r.Netuid) {
			continue
		}
		pow, burn := "no", ""
		if s.PowEnabled {
			pow = "enabled"
		}
		if s.BurnRao != nil {
			burn = tao(*s.BurnRao, 9)
		}
		t.AppendRow([]any{s.Netuid, fmt.Sprintf("%d/%d", s.Neurons, s.MaxNeurons), pow, large(s.Difficulty), burn})
	}
	if err := a.print("\n%s, proof of work enabled on %d\n", plural(len(r.Subnets), "subnet"), enabled); err != nil {
		return err
	}
	return a.printTable(t)
}
