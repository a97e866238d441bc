// Command terraform-provider-betterdata is the Terraform and OpenTofu provider for Better Data API keys.
package main

import (
	"context"
	"errors"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/provider"
)

// version is set by the release build with -ldflags "-X main.version=...".
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger and print the reattach configuration")
	flag.Parse()

	server, err := provider.Server(version)()
	if err != nil {
		log.Fatal(err)
	}
	provider.StopOnInterrupt(server)
	var options []tf6server.ServeOpt
	if *debug {
		options = append(options, tf6server.WithManagedDebug())
	}
	served := tf6server.Serve("registry.terraform.io/betterdataco/betterdata", func() tfprotov6.ProviderServer { return server }, options...)
	if err := errors.Join(served, provider.Finish(context.Background(), server)); err != nil {
		log.Fatal(err)
	}
}
