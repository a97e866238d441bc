// Command control-plane runs the control plane of package testenv until it is interrupted, for the demo and for trying
// things by hand:
//
//	control-plane --kubeconfig FILE [MANIFEST...]
//
// The manifests are applied first. When everything is ready it writes the kubeconfig of the administrator and one line to
// standard output.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "file to write the administrator's kubeconfig to")
	followStdin := flag.Bool("follow-stdin", false, "end when standard input does: for a program that starts this one and may be killed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *followStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // however it ends, it has ended
			stop()
		}()
	}
	if err := run(ctx, *kubeconfig, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "control-plane:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig string, manifests []string) (err error) {
	if kubeconfig == "" {
		return errors.New("--kubeconfig is needed: the file to write")
	}
	environment, err := testenv.New(ctx, testenv.Options{Manifests: manifests})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, environment.Stop()) }()
	if err := environment.WriteKubeconfig(kubeconfig, environment.Admin); err != nil {
		return err
	}
	fmt.Printf("control plane ready: KUBECONFIG=%s %s\n", kubeconfig, environment.KubectlPath())
	<-ctx.Done()
	return nil
}
