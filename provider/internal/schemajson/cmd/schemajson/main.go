// Command schemajson prints the provider's schema as "terraform providers schema -json" would; "make generate" feeds
// it to tfplugindocs.
package main

import (
	"context"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/provider"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/schemajson"
)

func main() {
	server := providerserver.NewProtocol6(provider.New("docs")())()
	if err := schemajson.Write(context.Background(), os.Stdout, provider.TypeName, server); err != nil {
		log.Fatal(err)
	}
}
