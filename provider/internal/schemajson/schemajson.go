// Package schemajson writes a provider's schema in the JSON format of "terraform providers schema -json", from which
// the documentation pages are generated.
//
// It asks the provider in process, so that generating needs no Terraform, and so that the pages of what an older
// Terraform does not print yet (list resources, actions, identities) are generated on every machine alike. It owns the
// translation only; what the fields mean is the business of the provider's own schemas.
package schemajson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// formatVersion is the version of the JSON format that is written, as Terraform 1.x prints it.
const formatVersion = "1.0"

// Write asks the server for all its schemas and writes them as JSON under the provider's short name, such as
// "betterdata". It fails when the provider answers with an error diagnostic: half a schema would document half a
// provider.
func Write(ctx context.Context, w io.Writer, name string, server tfprotov6.ProviderServer) error {
	schemas, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return fmt.Errorf("get provider schema: %w", err)
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return fmt.Errorf("get resource identity schemas: %w", err)
	}
	if err := errors.Join(asErrors(schemas.Diagnostics)...); err != nil {
		return fmt.Errorf("get provider schema: %w", err)
	}
	if err := errors.Join(asErrors(identities.Diagnostics)...); err != nil {
		return fmt.Errorf("get resource identity schemas: %w", err)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(document{
		FormatVersion: formatVersion,
		Schemas:       map[string]providerSchema{name: newProviderSchema(schemas, identities.IdentitySchemas)},
	})
}

// asErrors keeps the diagnostics that are errors.
func asErrors(diagnostics []*tfprotov6.Diagnostic) []error {
	var errs []error
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			errs = append(errs, fmt.Errorf("%s: %s", d.Summary, d.Detail))
		}
	}
	return errs
}
