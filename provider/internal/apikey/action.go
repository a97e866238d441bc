package apikey

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/action"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/connection"
)

// The actions revoke and nothing else: an action has no result, so one that issued a key would throw its plaintext
// away (docs/decisions/0010).

// revoker is what the actions have in common.
type revoker struct {
	connection *connection.Connection
}

// Configure takes over the provider's connection.
func (a *revoker) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.connection = connection.Of(req.ProviderData, &resp.Diagnostics)
}

// lookUp finds a key by its id. It is absent only if two complete listings, the second begun after the first ended,
// lack it (P3).
func (a *revoker) lookUp(ctx context.Context, id string) (key apiclient.Key, absent bool, err error) {
	directory := a.connection.Client.Directory()
	view, err := directory.View(ctx, viewOfThisRun)
	if err != nil {
		return apiclient.Key{}, false, err
	}
	if key, ok := view.Get(id); ok {
		return key, false, nil
	}
	absent, key, err = directory.Absent(ctx, id, viewOfThisRun)
	return key, absent, err
}

// revocable finds a key to revoke. ok is false when there is nothing to revoke, and that has been said; missing says it
// of an id that is not there.
func (a *revoker) revocable(ctx context.Context, id string, missing func(summary, detail string), resp *action.InvokeResponse) (key apiclient.Key, ok bool) {
	key, absent, err := a.lookUp(ctx, id)
	switch {
	case err != nil:
		addAPIError(&resp.Diagnostics, "Cannot look up API key "+id, err, "Nothing was revoked.")
		return key, false
	case absent:
		missing("No API key "+id,
			"Two complete listings do not show it, so there was nothing to revoke. Either it was revoked before and the API no longer lists it, "+
				"or the id is wrong, or it belongs to another organisation than the provider's credential.")
		return key, false
	case !key.Live():
		tell(resp, "%s is %s already: nothing to do", describe(key), key.Status)
		return key, false
	}
	return key, !refusesOwnKey(ctx, a.connection.Client, key, useAnotherCredential, &resp.Diagnostics)
}

// tell reports progress to whoever watches the run.
func tell(resp *action.InvokeResponse, format string, args ...any) {
	resp.SendProgress(action.InvokeProgressEvent{Message: fmt.Sprintf(format, args...)})
}
