// Package connection holds what a configured provider hands to its resources: the API client, or the reason why
// there is none yet. It owns no configuration parsing (package provider) and no lifecycle (package apikey).
package connection

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// Connection is made once per provider Configure and shared by everything that provider instance serves.
type Connection struct {
	// Client is nil while Unknown is not empty.
	Client *apiclient.Client

	// Unknown lists the provider attributes whose values are known only after apply. Terraform plans with such a
	// configuration when, for example, the token comes from a resource that does not exist yet.
	Unknown path.Paths

	// Duties are shared by all connections of a provider process.
	Duties *Duties

	failure refreshFailure

	// The notes below would otherwise be repeated by every resource of a plan.
	noteUnknown   sync.Once
	noteUnchecked sync.Once
}

// Ready reports whether requests can be sent.
func (c *Connection) Ready() bool { return c != nil && c.Client != nil }

// Refresh returns the listing that all refreshes of this run share. A failure is shared, too: asking again for each
// resource, with all the retries, would keep the user waiting for the same answer.
func (c *Connection) Refresh(ctx context.Context, fresh apiclient.Freshness) (*apiclient.View, error) {
	if err := c.failure.known(); err != nil {
		return nil, err
	}
	view, err := c.Client.Directory().View(ctx, fresh)
	if err != nil && ctx.Err() == nil {
		c.failure.remember(err)
	}
	return view, err
}

// refreshFailure is the first failure of a shared listing.
type refreshFailure struct {
	mu  sync.Mutex
	err error
}

func (f *refreshFailure) known() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *refreshFailure) remember(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// RequireReady reports an error naming the provider attributes that are still unknown.
func (c *Connection) RequireReady(diags *diag.Diagnostics, doing string) bool {
	if c.Ready() {
		return true
	}
	if c == nil || len(c.Unknown) == 0 {
		diags.AddError("Provider not configured",
			"The Better Data provider received no configuration, so "+doing+" is not possible. "+
				"This is a defect of the provider: please report it.")
		return false
	}
	for _, p := range c.Unknown {
		diags.AddAttributeError(p, "Provider configuration is not known yet",
			fmt.Sprintf("%s needs the provider's %s, whose value is known only after apply. "+
				"Apply what it depends on first (terraform apply -target=...), or give the provider a value that is "+
				"known at plan time.", upperFirst(doing), p))
	}
	return false
}

// WarnUnknown says once per provider instance that state is not being refreshed.
func (c *Connection) WarnUnknown(diags *diag.Diagnostics) {
	c.noteUnknown.Do(func() {
		names := make([]string, 0, len(c.Unknown))
		for _, p := range c.Unknown {
			names = append(names, p.String())
		}
		diags.AddWarning("API keys are not refreshed in this plan",
			"The provider's "+strings.Join(names, " and ")+" will be known only after apply, so no request can be sent yet. "+
				"Existing keys are planned from their recorded state; a later plan compares them with the API.")
	})
}

// WarnUnchecked says once per provider instance that the check for leftovers before a create was not possible.
func (c *Connection) WarnUnchecked(diags *diag.Diagnostics, err error) {
	c.noteUnchecked.Do(func() {
		diags.AddWarning("Could not look for leftover keys",
			"Before a key is created the provider looks for live keys of the same name that an interrupted run may have "+
				"left. The listing failed, so this plan cannot name any: "+err.Error())
	})
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
