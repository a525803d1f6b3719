package cli

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/devnet"
)

const devnetLong = `Run a development chain in this process, on the loopback interface, until it is
interrupted. It lives in memory: with the process it is gone. Netuid 1 holds
sixteen neurons and takes registrations by proof of work.`

// defaultDifficulty is a second or so of work for one core.
const defaultDifficulty = 1_000_000

func (a *app) devnet() *cobra.Command {
	var (
		port       uint16
		blockTime  time.Duration
		difficulty uint64
	)
	cmd := &cobra.Command{
		Use:   "devnet",
		Short: "Run a development chain",
		Long:  devnetLong,
		Example: `  bt devnet --block-time 1s
  bt metagraph 1 --network local`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case blockTime <= 0:
				return usage(cmd.CommandPath()+" --block-time 12s", "--block-time %s: blocks need time", blockTime)
			case difficulty == 0:
				return usage(cmd.CommandPath(), "--difficulty 0: the least is 1")
			}
			return a.runDevnet(cmd.Context(), devnet.Options{
				Addr:       net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))),
				BlockTime:  blockTime,
				Difficulty: difficulty,
			})
		},
	}
	cmd.Flags().Uint16Var(&port, "port", 9944, "TCP port to listen on; 0 for a free one")
	cmd.Flags().DurationVar(&blockTime, "block-time", 12*time.Second, "time between blocks, such as 12s or 250ms")
	cmd.Flags().Uint64Var(&difficulty, "difficulty", defaultDifficulty, "difficulty of registration on netuid 1")
	return cmd
}

type devnetResult struct {
	Endpoint   string  `json:"endpoint"`
	BlockTime  float64 `json:"block_time_seconds"`
	Difficulty uint64  `json:"difficulty"`
}

func (a *app) runDevnet(ctx context.Context, opts devnet.Options) (err error) {
	n, err := devnet.Start(opts) //nolint:contextcheck // it runs until Close
	if err != nil {
		return &codedError{err: fmt.Errorf("starting the chain: %w", err), code: exitError, try: "another port: " + a.program + " devnet --port 0 takes a free one"}
	}
	defer closing(&err, n)
	if a.json {
		err = a.printJSON(devnetResult{n.URL(), opts.BlockTime.Seconds(), opts.Difficulty})
	} else {
		err = a.print("%s\n", n.URL())
		a.message("a block every %s; read it with: %s metagraph 1 --network %s", opts.BlockTime, a.program, n.URL())
		a.message("stop it with Ctrl-C")
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}
