// Command demo tells the story of an API key twice, each time on a local sandbox of the Better Data API: once managed by a
// real Terraform or OpenTofu, once by the operator on a real Kubernetes control plane. make demo runs both. It exits 1 at the
// first step that does not go as the story says.
//
//	demo [--faults RULES] terraform|operator
//
// Reading order: story.go and tenant.go, which both halves share, then terraform_story.go or operator_story.go, and the
// chapters beside it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	faults := flag.String("faults", "", "make the sandbox misbehave, such as revoke:ignore, to see the story fail")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := tell(ctx, os.Stdout, flag.Args(), *faults)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nThe demo failed:", err)
		os.Exit(1)
	}
}

// tell tells the half with this name.
func tell(ctx context.Context, out io.Writer, names []string, faults string) error {
	switch {
	case slices.Equal(names, []string{"terraform"}):
		tools, err := terraformTools()
		if err != nil {
			return err
		}
		return tellTerraform(ctx, out, tools, faults)
	case slices.Equal(names, []string{"operator"}):
		programs, err := operatorPrograms()
		if err != nil {
			return err
		}
		return tellOperator(ctx, out, programs, faults)
	}
	return errors.New("name the half to tell: terraform or operator")
}

// fromMake returns environment variables that the Makefile sets.
func fromMake(names ...string) ([]string, error) {
	var values []string
	for _, name := range names {
		if os.Getenv(name) == "" {
			return nil, errors.New(name + " is not set: run the demo by make demo")
		}
		values = append(values, os.Getenv(name))
	}
	return values, nil
}
