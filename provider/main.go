// Command terraform-provider-betterdata is the Terraform and OpenTofu provider for Better Data API keys.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/provider"
)

// version is set by the release build with -ldflags "-X main.version=...".
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger and print the reattach configuration")
	flag.Parse()

	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: "registry.terraform.io/betterdataco/betterdata",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
