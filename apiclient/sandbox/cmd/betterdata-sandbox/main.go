// Command betterdata-sandbox is a local Better Data API for demos, tests and CI. docs/sandbox.md describes it. It is not
// made for production: the data is invented and keys open nothing but the sandbox itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "betterdata-sandbox:", err)
		os.Exit(1)
	}
}
