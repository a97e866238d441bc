package connection

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// Of takes the connection out of what the framework hands to a Configure. It returns nil before the provider is
// configured, which Terraform allows while it validates, and with an error when it is something else.
func Of(providerData any, diags *diag.Diagnostics) *Connection {
	if providerData == nil {
		return nil
	}
	conn, ok := providerData.(*Connection)
	if !ok {
		diags.AddError("Unexpected provider data",
			fmt.Sprintf("Expected a connection, got %T. This is a defect of the provider: please report it.", providerData))
	}
	return conn
}
