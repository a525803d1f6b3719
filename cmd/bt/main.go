// Command bt is Bittensor on the command line: it reads metagraphs, registers
// neurons by proof of work and runs a development chain. See "bt help".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/bittensor-go/bt/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks, the second one kills
	os.Exit(cli.Main(ctx, os.Args[1:], cli.System()))
}
