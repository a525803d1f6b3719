package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittensor-go/bt/internal/atomicfile"
	"github.com/bittensor-go/bt/subtensor"
)

const captureLong = `Write down what a node says, in one file that others can look into and that bt's
own tests can be run against: everything that bt doctor asks, and all that the
chain holds of one subnet.

The file is a gzipped text with a line for each request and answer; look into it
with zcat before you give it away. All of it is public: no key, password or
account of yours is read, and of the endpoint only scheme, host and port are
written. It takes one to ten MB for a subnet of 256 neurons, most of it metadata.

The folder of the file must be there; a file that is there is replaced.`

// captureResult is the document of bt debug capture --json.
type captureResult struct {
	File      string              `json:"file"`
	Bytes     int                 `json:"bytes"`
	Unpacked  int64               `json:"unpacked_bytes"`
	Network   string              `json:"network"`
	Endpoint  string              `json:"endpoint"`
	Spec      uint32              `json:"spec_version"`
	Block     uint64              `json:"block"`
	BlockHash string              `json:"block_hash"`
	Netuid    *uint16             `json:"netuid"`
	Problems  []subtensor.Problem `json:"problems"`
}

func (a *app) debug() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "debug [command]",
		Short: "Write down what a node says, for others to look into",
		RunE:  group,
		Args:  cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.capture())
	return cmd
}

func (a *app) capture() *cobra.Command {
	var (
		netuid netuidValue
		block  blockValue
		output string
	)
	cmd := &cobra.Command{
		Use:     "capture",
		Short:   "Write what a node says to a file",
		Long:    captureLong,
		Example: "  bt debug capture --network finney --netuid 1 -o finney.jsonrpc.gz",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(cmd.CommandPath(), output); err != nil {
				return err
			}
			return a.runCapture(cmd.Context(), examineOptions(netuid, block), output)
		},
	}
	examineFlags(cmd, &netuid, &block)
	cmd.Flags().StringVarP(&output, "output", "o", "", "the `file` to write, such as node.jsonrpc.gz")
	a.networkFlag(cmd)
	a.homeFlag(cmd)
	return cmd
}

// checkOutput says what is wrong with the name of the file before a node is asked
// for what goes there. Folders are not made: a name of one that is not there is
// more often mistyped than meant.
func checkOutput(command, output string) error {
	if output == "" {
		return usage(command+" -o node.jsonrpc.gz", "where to? -o names the file")
	}
	if info, err := os.Stat(output); err == nil && info.IsDir() {
		return usage(command+" -o "+filepath.Join(output, "node.jsonrpc.gz"), "-o %s is a folder: name a file in it", output)
	}
	dir := filepath.Dir(output)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return usage("make it first: mkdir -p "+dir, "-o %s: the folder %s does not exist", output, dir)
	case err != nil:
		return usage(command+" -o node.jsonrpc.gz", "-o %s: %w", output, err)
	case !info.IsDir():
		return usage(command+" -o node.jsonrpc.gz", "-o %s: %s is no folder", output, dir)
	}
	if !strings.HasSuffix(output, ".gz") {
		return usage(command+" -o "+output+".jsonrpc.gz", "-o %s: the file is gzipped, so its name ends in .gz", output)
	}
	return nil
}

// captureMode is for a file that is to be given away.
const captureMode fs.FileMode = 0o644

func (a *app) runCapture(ctx context.Context, opts subtensor.ExamineOptions, output string) (err error) {
	c, err := a.connect(ctx, dialAny)
	if err != nil {
		return err
	}
	defer closing(&err, c)
	var got *subtensor.Capture
	if err := a.slow("asking the node", func() (err error) {
		got, err = c.Capture(ctx, subtensor.CaptureOptions{
			ExamineOptions: opts,
			Comment:        fmt.Sprintf("bt debug capture, bt %s, %s UTC", buildVersion().Version, time.Now().UTC().Format(time.DateTime)),
		})
		return err
	}); err != nil {
		return err
	}
	if err := atomicfile.Write(output, got.File, captureMode); err != nil {
		return &codedError{err: err, code: exitError, try: "another place with -o"}
	}
	path, err := filepath.Abs(output)
	if err != nil {
		path = output
	}
	r := got.Report
	if a.json {
		return a.printJSON(captureResult{
			File: path, Bytes: len(got.File), Unpacked: got.Size, Network: r.Network, Endpoint: r.Endpoint,
			Spec: r.Runtime.SpecVersion, Block: r.Chain.Block, BlockHash: r.Chain.BlockHash.String(), Netuid: r.Netuid, Problems: r.Problems,
		})
	}
	if err := a.print("%s\n", path); err != nil {
		return err
	}
	about := ""
	if r.Netuid != nil {
		about = fmt.Sprintf(", netuid %d", *r.Netuid)
	}
	a.message("%s bytes: spec %d, block %d%s, %s", thousands(uint64(len(got.File))), r.Runtime.SpecVersion, r.Chain.Block, about, plural(len(r.Problems), "problem"))
	a.message("look into it with: zcat %s", output)
	return nil
}
