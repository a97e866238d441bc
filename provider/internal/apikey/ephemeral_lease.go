package apikey

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// ephemeralSuffix stands in the name of a key that is to die with the run, before its marker. A key so named that is
// older than any run is a leftover of a run that was killed. A key that is to live on goes without, so that the two
// cannot be mixed up; nor can either be mistaken for a leftover of a managed resource with the same name.
const ephemeralSuffix = " (ephemeral)"

// closingGrace is how long a revocation goes on after Ctrl-C. An ephemeral key that is not revoked now is never revoked;
// half a minute is enough for one answer of a slow API, and short enough to wait for.
const closingGrace = 30 * time.Second

const leaseKey = "lease"

// lease is the private data of an open ephemeral resource: all that Close knows. It holds nothing secret.
type lease struct {
	ID        string           `json:"id,omitempty"` // empty: not known, look for the marker
	Name      string           `json:"name"`         // as the API lists it
	Marker    apiclient.Marker `json:"marker"`
	KeyPrefix string           `json:"key_prefix,omitempty"`
	Last4     string           `json:"last4,omitempty"`
	Revoke    bool             `json:"revoke"`
}

func newLease(data *ephemeralModel, diags *diag.Diagnostics) lease {
	marker, err := apiclient.NewTerraformMarker()
	if err != nil {
		diags.AddError("Cannot draw a random marker", err.Error())
	}
	name := data.Name.ValueString()
	if data.revokes() {
		name += ephemeralSuffix
	}
	return lease{Name: marker.Append(name), Marker: marker, Revoke: data.revokes()}
}

func (l lease) save(ctx context.Context, private privateSetter, diags *diag.Diagnostics) {
	raw, err := json.Marshal(l)
	if err != nil {
		diags.AddError("Cannot record the ephemeral key", err.Error())
		return
	}
	diags.Append(private.SetKey(ctx, leaseKey, raw)...)
}

func loadLease(ctx context.Context, private privateGetter, diags *diag.Diagnostics) lease {
	var l lease
	raw, d := private.GetKey(ctx, leaseKey)
	diags.Append(d...)
	if err := json.Unmarshal(raw, &l); err != nil && !diags.HasError() {
		diags.AddError("Unreadable private data", "The provider's private data of this ephemeral key does not parse: "+err.Error()+". "+stillAlive("The key"))
	}
	return l
}

// revokeLost revokes what a create whose answer was lost has left, and says what became of it.
func (e *Ephemeral) revokeLost(ctx context.Context, lent lease) string {
	ctx, stop := outlive(ctx, closingGrace)
	defer stop()
	ctx = apiclient.WithTimeBudget(ctx, defaultTimeout)
	found, err := liveMarkedSince(ctx, e.connection.Client.Directory(), lent.Marker)
	if err != nil {
		return fmt.Sprintf("Looking for it failed, too (%s). Look for a live key named %q and revoke it.", err, lent.Name)
	}
	if len(found) == 0 {
		return fmt.Sprintf("Two complete listings made since do not show it, so most likely there is none. "+
			"Should a live key named %q turn up later, revoke it.", lent.Name)
	}
	ids := make([]string, 0, len(found))
	for _, key := range found {
		if err := e.connection.Client.RevokeKey(ctx, key.ID); err != nil {
			return fmt.Sprintf("It was created as %s, and revoking it failed (%s). Revoke the live key %s, named %q.", key.ID, err, key.ID, lent.Name)
		}
		ids = append(ids, key.ID)
	}
	return fmt.Sprintf("It was created as %s and has been revoked: nothing needs to be done by hand.", strings.Join(ids, ", "))
}

// liveMarkedSince lists the live keys with the marker, by a listing begun after this call. One listing that shows none
// is no proof: a second, begun after it, has to agree (P3).
func liveMarkedSince(ctx context.Context, directory *apiclient.Directory, marker apiclient.Marker) ([]apiclient.Key, error) {
	ctx = apiclient.WithPriority(ctx, apiclient.PriorityRecover)
	view, err := directory.View(ctx, apiclient.Freshness{BegunAfter: directory.Now()})
	if err != nil {
		return nil, err
	}
	if found := view.LiveWithMarker(marker); len(found) > 0 {
		return found, nil
	}
	again, err := directory.View(ctx, apiclient.Freshness{BegunAfter: view.Completed()})
	if err != nil {
		return nil, err
	}
	return again.LiveWithMarker(marker), nil
}

// outlive returns a context that ends a grace after its parent: Ctrl-C must not leave a key alive that nothing
// remembers.
func outlive(parent context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		patience := time.AfterFunc(grace, cancel)
		context.AfterFunc(ctx, func() { patience.Stop() })
	})
	return ctx, func() { stop(); cancel() }
}
