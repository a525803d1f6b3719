package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/subtensor"
)

const subnetsLong = `List the subnets of a network: their neurons and how many there may be, the blocks
between epochs, the moving price of their alpha in TAO, the stored difficulty of
registration by proof of work and the price of registration by burning TAO. Which
subnets take proofs of work, bt doctor says.

Names and symbols are the owners' own: characters that a terminal would obey are
replaced in the table and escaped in JSON.`

type subnetsResult struct {
	Network   string         `json:"network"`
	Endpoint  string         `json:"endpoint"`
	Block     uint64         `json:"block"`
	BlockHash substrate.Hash `json:"block_hash"`
	Subnets   []subnetResult `json:"subnets"`
}

// subnetResult holds the chain's own integers; amounts in rao. The fields of the
// market are absent before spec 233.
type subnetResult struct {
	Netuid       uint16 `json:"netuid"`
	Name         string `json:"name"`
	Symbol       string `json:"symbol"`
	N            uint16 `json:"n"`
	MaxN         uint16 `json:"max_n"`
	Tempo        uint16 `json:"tempo"`
	Difficulty   uint64 `json:"difficulty"`
	BurnRao      uint64 `json:"burn_rao"`
	EmissionRao  uint64 `json:"emission_rao"`
	Owner        string `json:"owner"`
	RegisteredAt uint64 `json:"registered_at,omitempty"`

	MovingPrice float64 `json:"moving_price,omitempty"` // TAO for one alpha
	TaoInRao    uint64  `json:"tao_in_rao,omitempty"`
	AlphaInRao  uint64  `json:"alpha_in_rao,omitempty"`
	AlphaOutRao uint64  `json:"alpha_out_rao,omitempty"`
}

func (a *app) subnets() *cobra.Command {
	var block blockValue
	cmd := &cobra.Command{
		Use:     "subnets",
		Aliases: []string{"subnet", "s"}, // btcli's
		Short:   "List the subnets",
		Long:    subnetsLong,
		Example: "  bt subnets --network test",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runSubnets(cmd.Context(), block.n) },
	}
	a.networkFlag(cmd)
	a.homeFlag(cmd)
	cmd.Flags().Var(&block, "block", "the block to read, instead of the newest")
	for _, name := range []string{"register", "pow-register"} { // btcli's
		cmd.AddCommand(inPlaceOf(name, []string{"register"}))
	}
	return cmd
}

func (a *app) runSubnets(ctx context.Context, block *uint64) (err error) {
	c, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, c)
	var (
		at   *subtensor.State
		list []subtensor.Subnet
	)
	if err := a.slow("reading the subnets", func() error {
		if at, err = c.AtBlock(ctx, block); err != nil {
			return err
		}
		list, err = at.Subnets(ctx)
		return err
	}); err != nil {
		return err
	}
	r := subnetsResult{Network: c.Network.Name, Endpoint: c.Network.Public(), Block: at.Number, BlockHash: at.Hash, Subnets: []subnetResult{}}
	for _, s := range list {
		r.Subnets = append(r.Subnets, newSubnetResult(s))
	}
	if a.json {
		return a.printJSON(r)
	}
	return a.printSubnets(r)
}

func newSubnetResult(s subtensor.Subnet) subnetResult {
	r := subnetResult{
		Netuid: s.Netuid, N: s.SubnetworkN, MaxN: s.MaxAllowedUIDs, Tempo: s.Tempo, Difficulty: s.Difficulty,
		BurnRao: s.Burn, EmissionRao: s.EmissionValues, Owner: s.Owner.String(),
	}
	if d := s.Dynamic; d != nil {
		r.Name, r.Symbol, r.RegisteredAt = d.SubnetName, d.TokenSymbol, d.NetworkRegisteredAt
		if d.SubnetIdentity != nil && d.SubnetIdentity.SubnetName != "" {
			r.Name = d.SubnetIdentity.SubnetName
		}
		r.EmissionRao, r.MovingPrice = d.Emission, d.MovingPrice.Float64()
		r.TaoInRao, r.AlphaInRao, r.AlphaOutRao = d.TaoIn, d.AlphaIn, d.AlphaOut
	}
	return r
}

func (a *app) printSubnets(r subnetsResult) error {
	if err := a.print("%d subnets of %s (%s) at block %d\n\n", len(r.Subnets), r.Network, r.Endpoint, r.Block); err != nil {
		return err
	}
	t := a.newTable("netuid", "<name", "<symbol", "neurons", "tempo", "price", "difficulty", "burn", "<owner")
	for _, s := range r.Subnets {
		t.AppendRow([]any{
			s.Netuid, short(s.Name, 24), short(s.Symbol, 8), fmt.Sprintf("%d/%d", s.N, s.MaxN), s.Tempo,
			fmt.Sprintf("%.5f", s.MovingPrice), large(s.Difficulty), tao(s.BurnRao, 5), abbreviate(s.Owner),
		})
	}
	return a.printTable(t)
}

// large writes a number with commas, or its magnitude where it has more than
// twelve digits.
func large(n uint64) string {
	if n >= 1e12 {
		return fmt.Sprintf("%.3g", float64(n))
	}
	return thousands(n)
}

// abbreviate shortens an address to its ends.
func abbreviate(address string) string {
	if len(address) <= 13 {
		return address
	}
	return address[:6] + "…" + address[len(address)-6:]
}
