package cli

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/metagraph"
	"github.com/bittensor-go/bt/subtensor"
)

const metagraphLong = `Show the metagraph of a subnet: its neurons with their stake, scores and axons.

Stake is in TAO (alpha and weighted TAO together on chains with alpha), emission
that of the last epoch, updated the number of blocks since the neuron set
weights. Columns of zeros are left out.

With --json the document holds the chain's own integers beside the numbers that
the Python SDK shows: stake_rao and stake, rank_u16 and rank. With --lite=false
it also holds the rows of weights and bonds, as they are on the chain. The keys
of a document stay and keep their order; a newer bt may add some.

With --all every subnet is read, all of the same block, and the table has a line
for each; --json and --save give all of them in full. The document of --json is
written while they are read:

  {"network": ..., "endpoint": ..., "block": ..., "lite": ..., "subnets": [...],
   "errors": [{"netuid": ..., "error": ...}],
   "error": ..., "try": ..., "exit_code": ...}

A subnet that cannot be read is named on stderr and in "errors", the others are
there all the same, and the exit code is that of the first such error. What
follows "subnets" is only there where something failed.

Incentive, updated, weights and bonds are those of one mechanism of the subnet:
number 0, or --mechid. --commitments adds what hotkeys have committed and what
coldkeys say about themselves: texts of theirs that nobody checked.

A block more than 300 behind the newest is read from the network's archive node,
where one is known; bt says so. A node whose URL is none of a known network is
asked itself, and the archive node of its chain only for what it has not kept.`

// metagraphResult is the document of bt metagraph --json. Its keys stay and keep
// their order, as those of every document: scripts compare texts.
type metagraphResult struct {
	Network  string         `json:"network"`
	Endpoint string         `json:"endpoint,omitempty"`
	Netuid   uint16         `json:"netuid"`
	MechID   uint8          `json:"mechid"`
	N        int            `json:"n"`
	Block    uint64         `json:"block"`
	Lite     bool           `json:"lite"`
	Totals   totalsResult   `json:"totals"`
	Neurons  []neuronResult `json:"neurons"`
	Weights  []rowResult    `json:"weights,omitempty"`
	Bonds    []rowResult    `json:"bonds,omitempty"`
	Saved    string         `json:"saved,omitempty"`
}

// totalsResult sums over the neurons. Sums stop at the largest 64-bit number.
type totalsResult struct {
	StakeRao    uint64 `json:"stake_rao"`
	EmissionRao uint64 `json:"emission_rao"`
	Active      int    `json:"active"`
	Validators  int    `json:"validators"` // with a permit
	Serving     int    `json:"serving"`    // with an axon
}

type neuronResult struct {
	UID             int        `json:"uid"`
	Hotkey          string     `json:"hotkey"`
	Coldkey         string     `json:"coldkey"`
	Active          bool       `json:"active"`
	ValidatorPermit bool       `json:"validator_permit"`
	StakeRao        uint64     `json:"stake_rao"`
	Stake           float32    `json:"stake"`
	AlphaStakeRao   *uint64    `json:"alpha_stake_rao,omitempty"` // spec 233 on
	TaoStakeRao     *uint64    `json:"tao_stake_rao,omitempty"`   // spec 233 on
	EmissionRao     uint64     `json:"emission_rao"`
	Emission        float32    `json:"emission"`
	RankU16         uint16     `json:"rank_u16"`
	Rank            float32    `json:"rank"`
	TrustU16        uint16     `json:"trust_u16"`
	Trust           float32    `json:"trust"`
	ConsensusU16    uint16     `json:"consensus_u16"`
	Consensus       float32    `json:"consensus"`
	IncentiveU16    uint16     `json:"incentive_u16"`
	Incentive       float32    `json:"incentive"`
	DividendsU16    uint16     `json:"dividends_u16"`
	Dividends       float32    `json:"dividends"`
	VTrustU16       uint16     `json:"validator_trust_u16"`
	VTrust          float32    `json:"validator_trust"`
	PruningScore    uint16     `json:"pruning_score"`
	LastUpdate      uint64     `json:"last_update"` // block
	Axon            axonResult `json:"axon"`

	Commitment *commitmentResult `json:"commitment,omitempty"`
	Identity   *identityResult   `json:"identity,omitempty"`
}

// commitmentResult is what a hotkey has committed. Revealed is what it had locked
// for a time.
type commitmentResult struct {
	Block      uint64   `json:"block"`
	DepositRao uint64   `json:"deposit_rao"`
	Text       string   `json:"text"`
	Revealed   []string `json:"revealed,omitempty"`
}

// identityResult is what a coldkey says about itself.
type identityResult struct {
	Name        string `json:"name"`
	URL         string `json:"url"`
	GithubRepo  string `json:"github_repo"`
	Image       string `json:"image"`
	Discord     string `json:"discord"`
	Description string `json:"description"`
	Additional  string `json:"additional"`
}

type axonResult struct {
	Address  string `json:"address"`
	Port     uint16 `json:"port"`
	IPType   uint8  `json:"ip_type"`
	Protocol uint8  `json:"protocol"`
	Version  uint32 `json:"version"`
	Block    uint64 `json:"block"`
}

// rowResult is a neuron's row of weights or bonds; empty rows are left out.
type rowResult struct {
	UID     int           `json:"uid"`
	Entries []entryResult `json:"entries"`
}

type entryResult struct {
	UID   uint16 `json:"uid"` // the netuid in weights of the root subnet
	Value uint16 `json:"value"`
}

func (a *app) metagraph() *cobra.Command {
	var (
		netuid          netuidValue
		block           blockValue
		lite            bool
		all, wide, save bool
		opts            metagraph.Options
	)
	cmd := &cobra.Command{
		Use:   "metagraph [netuid]",
		Short: "Show the metagraph of a subnet, or of all",
		Long:  metagraphLong,
		Example: `  bt metagraph 1
  bt metagraph --netuid 1 --network archive --block 4000000 --lite=false --json
  bt metagraph --all --save`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.Block, opts.Full = block.n, !lite
			if all {
				return a.runMetagraphs(cmd.Context(), opts, save)
			}
			return a.runMetagraph(cmd.Context(), netuid.n, opts, wide, save)
		},
	}
	netuidFlag(cmd, &netuid)
	one := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if !all {
			return one(cmd, args)
		}
		try := cmd.CommandPath() + " --all"
		switch {
		case netuid.set || len(args) > 0:
			return usage(try, "--all reads every subnet: leave the netuid out")
		case opts.Mechanism != 0:
			return usage(try, "--all reads mechanism 0, which every subnet has: leave --mechid out")
		case wide:
			return usage(try, "--all shows a line for each subnet, and --wide the neurons of one")
		}
		return nil
	}
	a.networkFlag(cmd)
	a.homeFlag(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "every subnet, a line for each")
	cmd.Flags().Uint8Var(&opts.Mechanism, "mechid", 0, "number `N` of the mechanism whose incentive, weights and bonds are read")
	cmd.Flags().Var(&block, "block", "the block to read, instead of the newest")
	cmd.Flags().BoolVar(&lite, "lite", true, "without weights and bonds; --lite=false reads them")
	cmd.Flags().BoolVar(&opts.Commitments, "commitments", false, "with what hotkeys have committed and coldkeys say about themselves")
	cmd.Flags().BoolVar(&wide, "wide", false, "addresses in full, with coldkeys")
	cmd.Flags().BoolVar(&save, "save", false, "keep each metagraph in a file below the home folder: metagraphs/network-NAME/netuid-N/blockN.safetensors")
	return cmd
}

func (a *app) runMetagraph(ctx context.Context, netuid uint16, opts metagraph.Options, wide, save bool) (err error) {
	if err := a.canSave(save); err != nil {
		return err
	}
	c, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, c)
	m, err := a.sync(ctx, c, netuid, opts)
	if err != nil {
		return err
	}
	saved := ""
	if save {
		if saved, err = a.save(m); err != nil {
			return err
		}
	}
	if a.json {
		r := newMetagraphResult(m, opts.Full)
		r.Endpoint, r.Saved = c.Network.Public(), saved
		return a.printJSON(r)
	}
	if err := a.printMetagraph(m, c.Network.Public(), wide, nil); err != nil {
		return err
	}
	if save {
		a.message("saved: %s", saved)
	}
	return nil
}

// canSave says before anything is read that there is no place to save it to.
func (a *app) canSave(save bool) error {
	if !save {
		return nil
	}
	_, err := a.homeDir()
	return err
}

// save keeps a metagraph below the home folder and returns the path of its file.
func (a *app) save(m *metagraph.Metagraph) (path string, err error) {
	home, err := a.homeDir()
	if err != nil {
		return "", err
	}
	return m.Save(metagraphsDir(home))
}

// sync reads a metagraph.
func (a *app) sync(ctx context.Context, c *subtensor.Client, netuid uint16, opts metagraph.Options) (*metagraph.Metagraph, error) {
	var m *metagraph.Metagraph
	err := a.slow(fmt.Sprintf("reading netuid %d", netuid), func() (err error) {
		m, err = metagraph.Sync(ctx, c, netuid, opts)
		return err
	})
	return m, err
}

func newMetagraphResult(m *metagraph.Metagraph, full bool) metagraphResult {
	r := metagraphResult{
		Network: m.Network, Netuid: m.Netuid, MechID: m.Mechanism, N: m.N(), Block: m.Block, Lite: !full,
		Totals: totals(m), Neurons: make([]neuronResult, m.N()),
	}
	stake, emission := m.S(), m.E()
	rank, trust, consensus, incentive, dividends, vtrust := m.R(), m.T(), m.C(), m.I(), m.D(), m.Tv()
	for i := range r.Neurons {
		axon := m.Axons[i]
		n := neuronResult{
			UID: i, Hotkey: m.Hotkeys[i].String(), Coldkey: m.Coldkeys[i].String(),
			Active: m.Active[i], ValidatorPermit: m.ValidatorPermit[i],
			StakeRao: m.TotalStake[i], Stake: stake[i], EmissionRao: m.Emission[i], Emission: emission[i],
			RankU16: m.Ranks[i], Rank: rank[i], TrustU16: m.Trust[i], Trust: trust[i],
			ConsensusU16: m.Consensus[i], Consensus: consensus[i], IncentiveU16: m.Incentive[i], Incentive: incentive[i],
			DividendsU16: m.Dividends[i], Dividends: dividends[i], VTrustU16: m.ValidatorTrust[i], VTrust: vtrust[i],
			PruningScore: m.PruningScore[i], LastUpdate: m.LastUpdate[i],
			Axon: axonResult{
				Address: metagraph.AddressOf(axon), Port: axon.Port, IPType: axon.IPType, Protocol: axon.Protocol,
				Version: axon.Version, Block: axon.Block,
			},
		}
		if m.AlphaStake != nil {
			n.AlphaStakeRao = &m.AlphaStake[i]
		}
		if m.TaoStake != nil {
			n.TaoStakeRao = &m.TaoStake[i]
		}
		if m.Commitments != nil {
			n.Commitment = newCommitmentResult(m.Commitments[i])
		}
		if m.Identities != nil && m.Identities[i] != nil {
			id := identityResult(*m.Identities[i])
			n.Identity = &id
		}
		r.Neurons[i] = n
	}
	if full {
		r.Weights, r.Bonds = rows(&m.Weights), rows(&m.Bonds)
	}
	return r
}

func newCommitmentResult(c *subtensor.Commitment) *commitmentResult {
	if c == nil {
		return nil
	}
	r := &commitmentResult{Block: c.Block, DepositRao: c.Deposit, Text: c.Text()}
	for i := range c.Revealed {
		r.Revealed = append(r.Revealed, c.Revealed[i].Text())
	}
	return r
}

func rows(x *metagraph.Matrix) []rowResult {
	var out []rowResult
	for i := range x.Rows() {
		row := x.Row(i)
		if len(row) == 0 {
			continue
		}
		entries := make([]entryResult, len(row))
		for j, e := range row {
			entries[j] = entryResult{e.UID, e.Value}
		}
		out = append(out, rowResult{i, entries})
	}
	return out
}

func totals(m *metagraph.Metagraph) totalsResult {
	var t totalsResult
	for i := range m.N() {
		t.StakeRao = addSaturating(t.StakeRao, m.TotalStake[i])
		t.EmissionRao = addSaturating(t.EmissionRao, m.Emission[i])
		if m.Active[i] {
			t.Active++
		}
		if m.ValidatorPermit[i] {
			t.Validators++
		}
		if m.Axons[i].Port != 0 {
			t.Serving++
		}
	}
	return t
}

func addSaturating(a, b uint64) uint64 {
	if a+b < a {
		return math.MaxUint64
	}
	return a + b
}

// printMetagraph prints a header and a table, with the rows of marked uids
// emphasised.
func (a *app) printMetagraph(m *metagraph.Metagraph, endpoint string, wide bool, marked []int) error {
	t := totals(m)
	netuid := fmt.Sprintf("netuid %d", m.Netuid)
	if m.Mechanism != 0 {
		netuid += fmt.Sprintf(", mechanism %d", m.Mechanism)
	}
	header := fmt.Sprintf("%s, %d neurons, block %s, %s", netuid, m.N(), thousands(m.Block), m.Network)
	if err := a.print("%s (%s)\nstake %s, emission %s, %d active, %d validators, %d serving\n\n",
		a.out.style(bold, header), endpoint, tao(t.StakeRao, 3), tao(t.EmissionRao, 3), t.Active, t.Validators, t.Serving); err != nil {
		return err
	}
	columns := a.metagraphColumns(m, wide)
	if len(marked) > 0 {
		columns = append(columns, column{"<", func(i int) string {
			if slices.Contains(marked, i) {
				return "<- new"
			}
			return ""
		}})
	}
	rendered, dropped := a.fit(m.N(), columns, marked, wide)
	if err := a.printLines(rendered); err != nil {
		return err
	}
	if len(dropped) > 0 {
		a.message("(without %s, to fit the terminal; bt metagraph --wide shows everything)", strings.Join(dropped, ", "))
	}
	return nil
}

// expendable are the columns that a narrow terminal does without, the first ones
// first.
var expendable = []string{"commitment", "identity", "axon", "rank", "trust", "active", "consensus", "vtrust", "permit", "dividends"}

// fit renders the table, on a terminal with as many columns as its width allows.
func (a *app) fit(n int, columns []column, marked []int, wide bool) (rendered string, dropped []string) {
	left := expendable
	for {
		rendered = a.renderNeurons(n, columns, marked)
		line, _, _ := strings.Cut(rendered, "\n")
		if wide || !a.out.is || a.out.width() == 0 || text.StringWidthWithoutEscSequences(line) <= a.out.width() {
			return rendered, dropped
		}
		at := -1
		for at < 0 {
			if len(left) == 0 {
				return rendered, dropped
			}
			at = slices.IndexFunc(columns, func(c column) bool { return strings.TrimPrefix(c.name, "<") == left[0] })
			if at >= 0 {
				dropped = append(dropped, left[0])
			}
			left = left[1:]
		}
		columns = slices.Delete(slices.Clone(columns), at, at+1)
	}
}

func (a *app) renderNeurons(n int, columns []column, marked []int) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	table := a.newTable(names...)
	for i := range n {
		row := make([]any, len(columns))
		for j, c := range columns {
			cell := c.cell(i)
			if slices.Contains(marked, i) {
				cell = a.out.style(green, cell)
			}
			row[j] = cell
		}
		table.AppendRow(row)
	}
	return table.Render()
}

// column is a column of the table of neurons.
type column struct {
	name string // "<" before it: to the left
	cell func(uid int) string
}

func (a *app) metagraphColumns(m *metagraph.Metagraph, wide bool) []column {
	columns := []column{
		{"uid", func(i int) string { return fmt.Sprint(i) }},
		{"stake", func(i int) string { return tao(m.TotalStake[i], 3) }},
	}
	for _, s := range []struct {
		name   string
		values []uint16
	}{
		{"rank", m.Ranks},
		{"trust", m.Trust},
		{"consensus", m.Consensus},
		{"incentive", m.Incentive},
		{"dividends", m.Dividends},
		{"vtrust", m.ValidatorTrust},
	} {
		if slices.ContainsFunc(s.values, func(v uint16) bool { return v != 0 }) {
			columns = append(columns, column{s.name, func(i int) string { return fmt.Sprintf("%.5f", float64(s.values[i])/65535) }})
		}
	}
	mark := func(column []bool) func(int) string {
		return func(i int) string {
			if column[i] {
				return "*"
			}
			return ""
		}
	}
	address := abbreviate
	if wide {
		address = func(s string) string { return s }
	}
	columns = append(columns,
		column{"emission", func(i int) string { return tao(m.Emission[i], 5) }},
		column{"<permit", mark(m.ValidatorPermit)},
		column{"updated", func(i int) string { return blocksAgo(m.Block, m.LastUpdate[i]) }},
		column{"<active", mark(m.Active)},
		column{"<axon", func(i int) string { return axonText(m.Axons[i]) }},
		column{"<hotkey", func(i int) string { return address(m.Hotkeys[i].String()) }},
	)
	if wide {
		columns = append(columns, column{"<coldkey", func(i int) string { return m.Coldkeys[i].String() }})
	}
	if m.Identities != nil {
		columns = append(columns, column{"<identity", func(i int) string {
			if m.Identities[i] == nil {
				return ""
			}
			return short(m.Identities[i].Name, 24)
		}})
	}
	if m.Commitments != nil {
		columns = append(columns, column{"<commitment", func(i int) string {
			if m.Commitments[i] == nil {
				return ""
			}
			return short(m.Commitments[i].Text(), 40)
		}})
	}
	return columns
}

// blocksAgo counts the blocks since one, "-" for none.
func blocksAgo(now, then uint64) string {
	if then == 0 || then > now {
		return "-"
	}
	return fmt.Sprint(now - then)
}

// axonText is host and port of an axon, "-" for none.
func axonText(axon subtensor.AxonInfo) string {
	if axon.Port == 0 {
		return "-"
	}
	return strings.TrimPrefix(metagraph.AddressOf(axon), fmt.Sprintf("/ipv%d/", axon.IPType))
}
