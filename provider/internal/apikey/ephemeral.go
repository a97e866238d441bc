package apikey

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/connection"
)

var (
	_ ephemeral.EphemeralResource              = (*Ephemeral)(nil)
	_ ephemeral.EphemeralResourceWithConfigure = (*Ephemeral)(nil)
	_ ephemeral.EphemeralResourceWithClose     = (*Ephemeral)(nil)
)

// Ephemeral implements ephemeral betterdata_api_key: a key that is issued when Terraform opens it, appears in neither
// state nor plan, and is revoked when Terraform closes it at the end of the walk.
//
// There is no Renew: keys have no end of life that could be put off.
type Ephemeral struct {
	connection *connection.Connection
}

// NewEphemeral returns the ephemeral resource for registration.
func NewEphemeral() ephemeral.EphemeralResource { return &Ephemeral{} }

// Metadata names the ephemeral resource.
func (e *Ephemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_api_key"
}

// Configure takes over the provider's connection.
func (e *Ephemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	e.connection = connection.Of(req.ProviderData, &resp.Diagnostics)
}

// Open issues the key. There is no state that could remember a key whose plaintext was lost, so such a key is revoked
// here and now (P2).
func (e *Ephemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var data ephemeralModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &data)...)
	if resp.Diagnostics.HasError() || !e.connection.RequireReady(&resp.Diagnostics, "opening an ephemeral key") {
		return
	}
	timeout, d := data.Timeouts.Open(ctx, defaultTimeout)
	resp.Diagnostics.Append(d...)
	scopes := data.scopes(ctx, &resp.Diagnostics)
	lent := newLease(&data, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}

	issued, err := e.connection.Client.CreateKey(apiclient.WithTimeBudget(ctx, timeout), apiclient.CreateKeyRequest{Name: lent.Name, Scopes: scopes})
	if err != nil {
		e.openFailed(ctx, lent, err, &resp.Diagnostics)
		return
	}
	if issued.ID == "" {
		e.findID(ctx, lent, issued, &resp.Diagnostics)
	}
	lent.ID, lent.KeyPrefix, lent.Last4 = issued.ID, issued.KeyPrefix, issued.Last4
	lent.save(ctx, resp.Private, &resp.Diagnostics)
	data.setIssued(issued)
	resp.Diagnostics.Append(resp.Result.Set(ctx, &data)...)
	if lent.Revoke {
		e.connection.Duties.Add(lent.Name, func(ctx context.Context) error { return e.closeLate(ctx, lent) })
	}
}

// findID looks a key up whose answer held a plaintext but no readable id.
func (e *Ephemeral) findID(ctx context.Context, lent lease, issued *apiclient.IssuedKey, diags *diag.Diagnostics) {
	found, err := liveMarkedSince(ctx, e.connection.Client.Directory(), lent.Marker)
	if err == nil && len(found) == 1 {
		issued.Key = found[0]
		return
	}
	if err == nil {
		err = fmt.Errorf("the listing shows %d live keys of that name, not one", len(found))
	}
	diags.AddWarning(fmt.Sprintf("The id of %q is not known", lent.Name),
		"The API's answer held the plaintext, but no readable id, so id is null. The key works; closing it looks for it by its name again.\n\n"+err.Error())
}

// openFailed says what became of a key that could not be opened.
func (e *Ephemeral) openFailed(ctx context.Context, lent lease, err error, diags *diag.Diagnostics) {
	if !errors.Is(err, apiclient.ErrOutcomeUnknown) {
		addAPIError(diags, fmt.Sprintf("Cannot open ephemeral API key %q", lent.Name), err, "No key was created.")
		return
	}
	addAPIError(diags, fmt.Sprintf("Unknown whether ephemeral API key %q was created", lent.Name), err,
		"The API may have created the key, but its answer, and with it the plaintext, was lost. "+e.revokeLost(ctx, lent))
}

// Close revokes the key. Terraform calls it at the end of each walk that opened the key, unless the walk has failed.
func (e *Ephemeral) Close(ctx context.Context, req ephemeral.CloseRequest, resp *ephemeral.CloseResponse) {
	lent := loadLease(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !lent.Revoke || !e.connection.RequireReady(&resp.Diagnostics, "closing an ephemeral key") {
		return
	}
	ctx, stop := outlive(ctx, closingGrace)
	defer stop()
	e.revokeLent(apiclient.WithTimeBudget(ctx, defaultTimeout), lent, &resp.Diagnostics)
	if !resp.Diagnostics.HasError() {
		e.connection.Duties.Done(lent.Name)
	}
}

// closeLate closes a key that Terraform did not close before it ended the provider. Nobody reads diagnostics then, only
// the log.
func (e *Ephemeral) closeLate(ctx context.Context, lent lease) error {
	var diags diag.Diagnostics
	e.revokeLent(apiclient.WithTimeBudget(ctx, defaultTimeout), lent, &diags)
	var failures []error
	for _, d := range diags.Errors() {
		failures = append(failures, fmt.Errorf("%s: %s", d.Summary(), d.Detail()))
	}
	return errors.Join(failures...)
}

func (e *Ephemeral) revokeLent(ctx context.Context, lent lease, diags *diag.Diagnostics) {
	doomed := []apiclient.Key{{ID: lent.ID, KeyPrefix: lent.KeyPrefix, Last4: lent.Last4}}
	if lent.ID == "" {
		found, err := liveMarkedSince(ctx, e.connection.Client.Directory(), lent.Marker)
		if err != nil {
			addAPIError(diags, fmt.Sprintf("Cannot look for ephemeral API key %q", lent.Name), err, stillAlive(lent.Name))
			return
		}
		doomed = found
	}
	for _, key := range doomed {
		if refusesOwnKey(ctx, e.connection.Client, key, useAnotherCredential, diags) {
			continue
		}
		if err := e.connection.Client.RevokeKey(ctx, key.ID); err != nil {
			addAPIError(diags, fmt.Sprintf("Cannot revoke ephemeral API key %s %q", key.ID, lent.Name), err, stillAlive(key.ID))
		}
	}
}

// stillAlive tells what to do about a key that nothing will close any more.
func stillAlive(key string) string {
	return fmt.Sprintf("%s may still be alive, and Terraform keeps no record of it. Revoke it in the console or with "+
		"POST /admin/api-keys/<id>/revoke. Data source betterdata_api_keys finds every such key by its name.", key)
}
