package apikey

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// Delete revokes the key, its predecessors, and every live key that carries this resource's marker. With on_destroy
// "retain" the current key is kept, if its plaintext ever reached the state: a key that nobody can use is a stray.
func (r *Resource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	issuing := loadIssuance(ctx, req.Private, &resp.Diagnostics)
	previous := state.previousKeys(ctx, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.connection.RequireReady(&resp.Diagnostics, "destroying a key") {
		return
	}
	timeout, d := state.Timeouts.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(d...)
	ctx = apiclient.WithTimeBudget(ctx, timeout)

	doomed, err := r.doomed(ctx, &state, previous, issuing)
	if err != nil {
		addAPIError(&resp.Diagnostics, "Cannot look for keys to revoke", err,
			"Nothing was revoked, and the object stays in the state: without a complete listing a lost key could be left alive.")
		return
	}
	if slices.ContainsFunc(doomed, func(key apiclient.Key) bool { return r.refuseOwnKey(ctx, key, &resp.Diagnostics) }) {
		return
	}
	var failures []error
	for _, key := range doomed {
		failures = append(failures, r.connection.Client.RevokeKey(ctx, key.ID))
	}
	if err := errors.Join(failures...); err != nil {
		addAPIError(&resp.Diagnostics, "Not every key could be revoked", err,
			"The object stays in the state; the next destroy tries again. Keys that were revoked stay revoked.")
		return
	}
	r.unmarkRetained(ctx, &state, issuing, &resp.Diagnostics)
	warnOfUnfound(&state, issuing, doomed, &resp.Diagnostics)
}

// warnOfUnfound says what a destroy cannot know (P2): an API may commit a create after the listings that were to show it,
// and of an object tainted by hand Terraform does not hand back the marker. A marker in the name alone is no leave to
// revoke: the key may have been renamed to it, or imported with it.
func warnOfUnfound(state *model, issuing issuance, doomed []apiclient.Key, diags *diag.Diagnostics) {
	name := state.Name.ValueString()
	unsettled := state.ID.IsNull() && !state.hasSecret() && len(doomed) == 0
	unrecorded := issuing.Marker == "" && !state.ID.IsNull()
	if len(apiclient.MarkersIn(name)) == 0 || !(unsettled || unrecorded) {
		return
	}
	diags.AddWarning(fmt.Sprintf("A live key named %q may still turn up", name),
		"The answer to an earlier create or rotate was lost, and no key of that name was found and revoked now. If the API lists one later, "+
			"nobody has its plaintext: revoke it in the console. Data source betterdata_api_keys finds it by its name.")
}

// doomed collects what a destroy revokes.
func (r *Resource) doomed(ctx context.Context, state *model, previous []previousKey, issuing issuance) ([]apiclient.Key, error) {
	marked, err := r.liveMarked(ctx, state, issuing)
	if err != nil {
		return nil, err
	}
	candidates := make([]apiclient.Key, 0, 1+len(previous)+len(marked))
	if !state.dead() {
		candidates = append(candidates, apiclient.Key{ID: state.ID.ValueString(), KeyPrefix: state.KeyPrefix.ValueString(), Last4: state.Last4.ValueString()})
	}
	for _, key := range previous {
		candidates = append(candidates, apiclient.Key{ID: key.ID.ValueString(), KeyPrefix: key.KeyPrefix.ValueString(), Last4: key.Last4.ValueString()})
	}
	retained := retainedID(state, previous, marked)
	var keys []apiclient.Key
	for _, key := range append(candidates, marked...) {
		known := slices.ContainsFunc(keys, func(k apiclient.Key) bool { return k.ID == key.ID })
		if key.ID != "" && key.ID != retained && !known {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// retainedID is the id of the key that on_destroy keeps, or empty. A key in use whose id was never learnt is the one
// that carries the marker.
func retainedID(state *model, previous []previousKey, marked []apiclient.Key) string {
	if state.OnDestroy.ValueString() != onDestroyRetain {
		return ""
	}
	if state.ID.IsNull() && state.hasSecret() {
		if key := onlyUnknown(marked, idsOf(previous)); key != nil {
			return key.ID
		}
	}
	return state.ID.ValueString()
}

// liveMarked lists the live keys with this resource's marker. After a create whose outcome is not known, one listing
// that shows nothing is not proof: a second, begun after it, has to agree (P3).
func (r *Resource) liveMarked(ctx context.Context, state *model, issuing issuance) ([]apiclient.Key, error) {
	markers := markersOf(state, issuing)
	if len(markers) == 0 {
		return nil, nil
	}
	ctx = apiclient.WithPriority(ctx, apiclient.PriorityRecover)
	directory := r.connection.Client.Directory()
	view, err := directory.View(ctx, viewOfThisRun)
	if err != nil {
		return nil, err
	}
	found := liveWithAny(view, markers)
	if len(found) > 0 || !state.ID.IsNull() {
		return found, nil
	}
	again, err := directory.View(ctx, apiclient.Freshness{BegunAfter: view.Completed()})
	if err != nil {
		return nil, err
	}
	return liveWithAny(again, markers), nil
}

// markersOf are the markers of keys that this object may have left. A create whose outcome is not known has recorded
// the marked name in the state.
func markersOf(state *model, issuing issuance) []apiclient.Marker {
	var markers []apiclient.Marker
	if issuing.Marker != "" {
		markers = append(markers, issuing.Marker)
	}
	if state.ID.IsNull() && !state.hasSecret() {
		markers = append(markers, apiclient.MarkersIn(state.Name.ValueString())...)
	}
	return markers
}

func liveWithAny(view *apiclient.View, markers []apiclient.Marker) []apiclient.Key {
	var found []apiclient.Key
	for _, marker := range markers {
		found = append(found, view.LiveWithMarker(marker)...)
	}
	return found
}

// unmarkRetained takes the permanent marker off a key that is let go, so that it does not look like a leftover. The
// key is no longer ours: a failure is a warning.
func (r *Resource) unmarkRetained(ctx context.Context, state *model, issuing issuance, diags *diag.Diagnostics) {
	retain := state.OnDestroy.ValueString() == onDestroyRetain && state.NameMarker.ValueString() == markerPermanent
	if !retain || issuing.Unmarked || state.ID.IsNull() || state.dead() {
		return
	}
	scopes := state.scopes(ctx, diags)
	_, err := r.connection.Client.UpdateKey(ctx, state.ID.ValueString(), apiclient.UpdateKeyRequest{Name: state.Name.ValueString(), Scopes: scopes})
	if err != nil {
		diags.AddWarning(fmt.Sprintf("%s keeps its marker", state.ID.ValueString()),
			"The key is retained, but the marker could not be taken off its name.\n\n"+err.Error())
	}
}
