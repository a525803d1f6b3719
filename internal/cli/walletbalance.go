package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
	"github.com/bittensor-go/bt/wallet"
)

const walletBalanceLong = `Show the TAO of accounts: of the coldkey of a wallet, of every wallet (--all), or of
addresses, which may also be given as arguments, as may names of wallets.

Free is what the account holds, spendable what of it can be paid while the account
lives, reserved what is put aside beside it. Stake is not among it: bt metagraph
shows that of neurons.`

// balanceOptions say whose balance is shown.
type balanceOptions struct {
	walletFlags
	all       bool
	addresses []string // and names of wallets
	block     *uint64
	sort      string
}

func (a *app) walletBalance() *cobra.Command {
	var (
		o     balanceOptions
		block blockValue
		ss58s []string
	)
	cmd := &cobra.Command{
		Use:   "balance [address or wallet...]",
		Short: "Show the TAO of accounts",
		Long:  walletBalanceLong,
		Example: `  bt wallet balance --wallet-name alice --network test
  bt wallet balance --all
  bt wallet balance 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --block 4000000 --network archive`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.addresses, o.block = append(args, ss58s...), block.n
			if o.all && len(o.addresses) > 0 {
				return usage(cmd.CommandPath()+" --all", "--all shows every wallet: leave the addresses out")
			}
			if o.sort != sortName && o.sort != sortFree {
				return usage(cmd.CommandPath()+" --all --sort free", "--sort %q: only name or free; stake is not among what is shown", o.sort)
			}
			return a.runWalletBalance(cmd.Context(), o)
		},
	}
	a.walletFlags(cmd, &o.walletFlags)
	a.networkFlag(cmd)
	a.homeFlag(cmd)
	cmd.Flags().BoolVarP(&o.all, "all", "a", false, "show every wallet")
	cmd.Flags().StringSliceVar(&ss58s, "ss58", nil, "`address` to show")
	also(cmd, "ss58", "ss58-address")
	cmd.Flags().Var(&block, "block", "the block to read, instead of the newest")
	cmd.Flags().StringVar(&o.sort, "sort", sortName, "with --all, what to sort by: `name` or free")
	complete(cmd, "sort", func() []string { return []string{sortName, sortFree} })
	cmd.Flags().Bool("empty", true, "") // btcli leaves wallets without TAO out, bt does not
	_ = cmd.Flags().MarkHidden("empty") // it fails where there is no such flag
	ignored(cmd)
	return cmd
}

// What balances can be sorted by.
const (
	sortName = "name"
	sortFree = "free"
)

// balancesResult is the document of bt wallet balance --json. Amounts are in rao.
type balancesResult struct {
	Network   string          `json:"network"`
	Endpoint  string          `json:"endpoint"`
	Block     uint64          `json:"block"`
	BlockHash substrate.Hash  `json:"block_hash"`
	Accounts  []balanceResult `json:"accounts"`
}

type balanceResult struct {
	Wallet       string `json:"wallet,omitempty"` // whose coldkey it is, where that is known
	Address      string `json:"address,omitempty"`
	FreeRao      uint64 `json:"free_rao"`
	SpendableRao uint64 `json:"spendable_rao"`
	ReservedRao  uint64 `json:"reserved_rao"`
	FrozenRao    uint64 `json:"frozen_rao"`
	Error        string `json:"error,omitempty"` // why the address is not known

	id *ss58.AccountID
}

func (a *app) runWalletBalance(ctx context.Context, o balanceOptions) (err error) {
	accounts, err := a.accounts(o)
	if err != nil {
		return walletError(err)
	}
	if len(accounts) == 0 {
		return &codedError{err: errors.New("there are no wallets"), code: exitWallet, try: "make one with: bt wallet new"}
	}
	c, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, c)
	r := balancesResult{Network: c.Network.Name, Endpoint: c.Network.Public(), Accounts: accounts}
	if err := a.slow("reading balances", func() error { return r.read(ctx, c, o.block) }); err != nil {
		return err
	}
	if o.all && o.sort == sortFree {
		slices.SortStableFunc(r.Accounts, func(x, y balanceResult) int { return cmp.Compare(y.FreeRao, x.FreeRao) })
	}
	if a.json {
		return a.printJSON(r)
	}
	return a.printBalances(r)
}

// accounts returns whose balance is shown, without the balances.
func (a *app) accounts(o balanceOptions) ([]balanceResult, error) {
	if o.all {
		s, err := a.store()
		if err != nil {
			return nil, err
		}
		entries, err := s.List()
		accounts := make([]balanceResult, len(entries))
		for i, e := range entries {
			accounts[i] = balanceResult{Wallet: e.Name, Address: address(e.Coldkey.Account), id: e.Coldkey.Account}
			if e.Coldkey.Account == nil {
				accounts[i].Error = errorText(errors.Join(e.Coldkey.Err, e.Err))
			}
			if e.Coldkey.Account == nil && accounts[i].Error == "" {
				accounts[i].Error = wallet.ErrLocked.Error()
			}
		}
		return accounts, err
	}
	if len(o.addresses) == 0 {
		o.addresses = []string{o.name}
		if o.name == "" {
			o.addresses[0] = wallet.DefaultName
		}
		account, err := a.coldkeyOf(o.addresses[0])
		return []balanceResult{account}, err
	}
	var accounts []balanceResult
	for _, text := range o.addresses {
		if id, err := parseAccount(text); err == nil {
			accounts = append(accounts, balanceResult{Address: id.String(), id: &id})
			continue
		} else if len(strings.Fields(text)) > 2 { // it may be a secret
			return nil, usage("an address that begins with 5, or a wallet's name", "this is no address and no wallet's name")
		} else if len(text) > 40 { // an address that is none says more than "no such wallet"
			return nil, usage("an address that begins with 5, or a wallet's name", "%q: %w", text, err)
		}
		account, err := a.coldkeyOf(text)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, account)
	}
	return accounts, nil
}

func (a *app) coldkeyOf(name string) (balanceResult, error) {
	s, err := a.store()
	if err != nil {
		return balanceResult{}, err
	}
	w, err := s.Open(name, "")
	if err != nil {
		return balanceResult{}, err
	}
	id, err := w.Coldkey()
	return balanceResult{Wallet: w.Name, Address: id.String(), id: &id}, err
}

// read fills the balances in, all of one block.
func (r *balancesResult) read(ctx context.Context, c *subtensor.Client, block *uint64) error {
	at, err := c.AtBlock(ctx, block)
	if err != nil {
		return err
	}
	r.Block, r.BlockHash = at.Number, at.Hash
	var (
		reads sync.WaitGroup
		slots = make(chan struct{}, 16) // as many at a time
		errs  = make([]error, len(r.Accounts))
	)
	for i := range r.Accounts {
		slots <- struct{}{}
		reads.Go(func() {
			errs[i] = r.Accounts[i].read(ctx, at)
			<-slots
		})
	}
	reads.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}

func (b *balanceResult) read(ctx context.Context, at *subtensor.State) error {
	if b.id == nil {
		return nil
	}
	account, err := at.Account(ctx, *b.id)
	if err != nil {
		return fmt.Errorf("the balance of %s: %w", b.Address, err)
	}
	b.FreeRao, b.ReservedRao, b.FrozenRao = account.Free, account.Reserved, account.Frozen
	b.SpendableRao = account.Spendable(at.Schema().Deposit())
	return nil
}

func (a *app) printBalances(r balancesResult) error {
	if err := a.print("balances on %s (%s) at block %d, in TAO\n\n", r.Network, r.Endpoint, r.Block); err != nil {
		return err
	}
	t := a.newTable("<wallet", "<address", "free", "spendable", "reserved")
	var sum balanceResult
	for _, b := range r.Accounts {
		name := clean(b.Wallet)
		if name == "" {
			name = "-"
		}
		if b.Error != "" {
			t.AppendRow([]any{name, clean(b.Error), "-", "-", "-"})
			continue
		}
		t.AppendRow([]any{name, b.Address, tao(b.FreeRao, 9), tao(b.SpendableRao, 9), tao(b.ReservedRao, 9)})
		sum.FreeRao, sum.SpendableRao = addSaturating(sum.FreeRao, b.FreeRao), addSaturating(sum.SpendableRao, b.SpendableRao)
		sum.ReservedRao = addSaturating(sum.ReservedRao, b.ReservedRao)
	}
	if len(r.Accounts) > 1 {
		t.AppendRow([]any{"total", "", tao(sum.FreeRao, 9), tao(sum.SpendableRao, 9), tao(sum.ReservedRao, 9)})
	}
	return a.printTable(t)
}
