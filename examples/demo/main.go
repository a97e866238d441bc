// Command demo tells the story of one API key on a local sandbox of the Better Data API, with a real Terraform or
// OpenTofu: make demo runs it. It exits 1 at the first step that does not go as the story says.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	faults := flag.String("faults", "", "make the sandbox misbehave, such as revoke:ignore, to see the story fail")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	tools, err := toolsFromEnvironment()
	if err == nil {
		err = run(ctx, os.Stdout, tools, *faults)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nThe demo failed:", err)
		os.Exit(1)
	}
}
