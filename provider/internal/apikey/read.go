package apikey

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// Read compares the state with one complete listing that all resources of the run share (P6). An error, whatever its
// kind, leaves the state as it is: only what a complete listing says counts (P3).
func (r *Resource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	issuing := loadIssuance(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	setIdentity(ctx, resp.Identity, state.ID, &resp.Diagnostics)
	if !r.connection.Ready() {
		r.connection.WarnUnknown(&resp.Diagnostics)
		return
	}
	if state.ID.IsNull() && !state.hasSecret() {
		// A create whose outcome is not known. The object is tainted: Delete deals with whatever it left.
		return
	}
	timeout, d := state.Timeouts.Read(ctx, defaultTimeout)
	resp.Diagnostics.Append(d...)
	previous := state.previousKeys(ctx, &resp.Diagnostics)
	seen, err := r.observe(apiclient.WithTimeBudget(ctx, timeout), &state, previous, issuing)
	if err != nil {
		addAPIError(&resp.Diagnostics, fmt.Sprintf("Cannot refresh API key %s", state.ID.ValueString()), err,
			"The state was left as it is; a failed listing never counts as a missing key.")
	}
	if resp.Diagnostics.HasError() {
		return
	}

	next, keys := fold(state, state.rotation(ctx, &resp.Diagnostics), previous, issuing, seen)
	if nothingLives(&next, keys) && next.OnRevoked.ValueString() != onRevokedError {
		resp.State.RemoveResource(ctx)
		return
	}
	warnRotatedElsewhere(&state, &next, &resp.Diagnostics)
	if seen.current == sightingYoung {
		resp.Diagnostics.AddWarning(fmt.Sprintf("%s is not listed, but was issued only now", next.ID.ValueString()),
			fmt.Sprintf("A listing can lag behind, so a key that is less than %s old counts as alive although the API does not list it. "+
				"If it stays missing, a later refresh reports it as %s.", shortDuration(youngAge), statusAbsent))
	}
	recordMarker(ctx, &next, issuing, seen, resp)
	next.setPreviousKeys(ctx, keys, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &next)...)
	setIdentity(ctx, resp.Identity, next.ID, &resp.Diagnostics)
}

// observe asks the directory about every id the state knows. Only a current id that a listing lacks costs a second
// listing, and that one is shared too.
func (r *Resource) observe(ctx context.Context, state *model, previous []previousKey, issuing issuance) (observed, error) {
	view, err := r.connection.Refresh(ctx, viewOfThisRun)
	if err != nil {
		return observed{}, err
	}
	seen := observed{keys: map[string]apiclient.Key{}, now: view.ServerTime()}
	if issuing.Marker != "" {
		seen.marked = view.LiveWithMarker(issuing.Marker)
	}
	for _, predecessor := range previous {
		if key, ok := view.Get(predecessor.ID.ValueString()); ok {
			seen.keys[key.ID] = key
		}
	}
	if state.ID.IsNull() {
		return seen, nil
	}
	if key, ok := view.Get(state.ID.ValueString()); ok {
		seen.keys[key.ID] = key
		return seen, nil
	}
	return seen, r.lookAgain(ctx, state, &seen)
}

// lookAgain decides what it means that the current key is missing from a complete listing.
func (r *Resource) lookAgain(ctx context.Context, state *model, seen *observed) error {
	issued, ok := timeOf(state.CreatedAt)
	if ok && seen.now.Sub(issued) < youngAge { // a time ahead of the clock is no proof of age either
		seen.current = sightingYoung
		return nil
	}
	id := state.ID.ValueString()
	absent, key, err := r.connection.Client.Directory().Absent(ctx, id, viewOfThisRun)
	switch {
	case err != nil:
		return fmt.Errorf("%s is missing from a listing, and a second listing to make sure failed: %w", id, err)
	case absent:
		seen.current = sightingAbsent
	default:
		seen.keys[id] = key
	}
	return nil
}

// warnRotatedElsewhere: the id is the same, but its last characters are not those of the key in the state, so somebody
// has put another key behind it. Every refresh says so until a rotation repairs it: said once, it would be forgotten as
// soon as the refreshed state is saved.
func warnRotatedElsewhere(prior, next *model, diags *diag.Diagnostics) {
	if !prior.ID.Equal(next.ID) || !otherKeyThan(prior, next.Last4) {
		return
	}
	diags.AddWarning(fmt.Sprintf("%s was rotated outside of Terraform", next.ID.ValueString()),
		fmt.Sprintf("The API shows its last four characters as %s, which are not those of the key in the state: that one most likely does not work any more. "+
			"Change rotation.triggers to have the next apply rotate the key.", next.Last4.ValueString()))
}

// otherKeyThan compares the key in the state with last characters. Of an encrypted one the state has nothing but what
// the last refresh recorded, so that only the refresh that sees the change can tell.
func otherKeyThan(prior *model, last4 types.String) bool {
	switch {
	case last4.IsNull():
		return false
	case !prior.PlaintextKey.IsNull():
		return !strings.HasSuffix(prior.PlaintextKey.ValueString(), last4.ValueString())
	}
	return prior.hasSecret() && !prior.Last4.IsNull() && !prior.Last4.Equal(last4)
}

// recordMarker notes when a permanent marker was taken off behind our back: a rotation must put it back first, or a
// lost answer would leave a key that nothing can find.
func recordMarker(ctx context.Context, next *model, issuing issuance, seen observed, resp *resource.ReadResponse) {
	key, listed := seen.keys[next.ID.ValueString()]
	unmarked := next.NameMarker.ValueString() == markerPermanent && listed && !issuing.Marker.In(key.Name)
	if unmarked == issuing.Unmarked {
		return
	}
	issuing.Unmarked = unmarked
	issuing.save(ctx, resp.Private, &resp.Diagnostics)
}
