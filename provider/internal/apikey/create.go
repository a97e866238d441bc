package apikey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// Create issues a key under its marked name, puts the plaintext into the state before anything else, and then gives
// the key its exact name.
//
// Once a plaintext is held no error is returned: an error would taint the object, and the next apply would revoke a
// good key. What failed after it is a warning now and drift in the next plan (P1).
func (r *Resource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || !r.connection.RequireReady(&resp.Diagnostics, "creating a key") {
		return
	}
	timeout, d := plan.Timeouts.Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(d...)
	scopes := plan.scopes(ctx, &resp.Diagnostics)
	issuing := newIssuance(&resp.Diagnostics)
	issuing.save(ctx, resp.Private, &resp.Diagnostics)
	seal := plan.sealer(ctx, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx = apiclient.WithTimeBudget(ctx, timeout)

	name, mode := plan.Name.ValueString(), plan.NameMarker.ValueString()
	issued, err := r.connection.Client.CreateKey(ctx, apiclient.CreateKeyRequest{Name: issuing.bornName(name, mode), Scopes: scopes})
	if err == nil {
		err = plan.setIssued(issued, seal)
	}
	if err != nil {
		r.createFailed(ctx, &plan, issuing, err, resp)
		return
	}
	r.findIssuedID(ctx, &plan, issued.Plaintext, issuing, nil, &resp.Diagnostics)
	policy := plan.rotation(ctx, &resp.Diagnostics).policy()
	plan.RotationDue, plan.NextRotationAt = types.BoolValue(false), nextRotation(plan.CreatedAt, policy)
	plan.setPreviousKeys(ctx, nil, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	setIdentity(ctx, resp.Identity, plan.ID, &resp.Diagnostics)

	r.correct(ctx, plan.ID.ValueString(), issued.Key, issuing.finalName(name, mode), scopes, &resp.Diagnostics)
}

// createFailed saves a state without a key when the API may have issued one all the same: Terraform then destroys
// that object before it creates another, and Delete finds the stray by its marker (P2).
func (r *Resource) createFailed(ctx context.Context, plan *model, issuing issuance, err error, resp *resource.CreateResponse) {
	name, mode := plan.Name.ValueString(), plan.NameMarker.ValueString()
	if !errors.Is(err, apiclient.ErrOutcomeUnknown) {
		addAPIError(&resp.Diagnostics, fmt.Sprintf("Cannot create API key %q", name), err, "No key was created.")
		return
	}
	if mode == markerNone {
		addAPIError(&resp.Diagnostics, fmt.Sprintf("Unknown whether API key %q was created", name), err,
			"The API may have created the key, but its answer, and with it the plaintext, was lost. "+r.namesakes(ctx, name))
		return
	}
	plan.setNoKey(ctx, &resp.Diagnostics)
	// The name is what Delete will find the stray by: of a tainted object Terraform hands back the state, but not the
	// private data (docs/decisions/0009).
	plan.Name = types.StringValue(issuing.bornName(name, mode))
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	addAPIError(&resp.Diagnostics, fmt.Sprintf("Unknown whether API key %q was created", name), err, fmt.Sprintf(
		"The API may have created the key, but its answer, and with it the plaintext, was lost. Such a key carries the name %q. "+
			"The next apply revokes it, if it exists, and then creates a new one. Nothing needs to be done by hand.", issuing.bornName(name, mode)))
}

// namesakes tells a user without markers which keys to look at. None is touched: they may be anybody's.
func (r *Resource) namesakes(ctx context.Context, name string) string {
	const remedy = "Revoke the one whose plaintext nobody has, in the console or with POST /admin/api-keys/<id>/revoke. " +
		"With name_marker = \"temporary\" the provider would do so itself."
	directory := r.connection.Client.Directory()
	view, err := directory.View(apiclient.WithPriority(ctx, apiclient.PriorityRecover), apiclient.Freshness{BegunAfter: directory.Now()})
	if err != nil {
		return fmt.Sprintf("Live keys named %q could not be listed (%s). %s", name, err, remedy)
	}
	var candidates []string
	for _, key := range view.Keys() {
		if key.Live() && key.Name == name {
			candidates = append(candidates, describe(key))
		}
	}
	if len(candidates) == 0 {
		return fmt.Sprintf("The API lists no live key named %q, so most likely none was created; look again later to be sure. %s", name, remedy)
	}
	return fmt.Sprintf("Live keys of that name:\n  - %s\n%s", strings.Join(candidates, "\n  - "), remedy)
}

// findIssuedID looks the key up when the answer held a plaintext but no readable id. The ids known before are those of
// the key's predecessors.
func (r *Resource) findIssuedID(ctx context.Context, m *model, plaintext apiclient.Secret, issuing issuance, known []string, diags *diag.Diagnostics) {
	if !m.ID.IsNull() {
		return
	}
	directory := r.connection.Client.Directory()
	view, err := directory.View(apiclient.WithPriority(ctx, apiclient.PriorityRecover), apiclient.Freshness{BegunAfter: directory.Now()})
	if err == nil {
		if born := issuedKey(plaintext, listedAmong(known, view.Get), view.LiveWithMarker(issuing.Marker)); born != nil {
			m.setKey(*born)
			return
		}
		err = errors.New("the listing does not show exactly one new live key with its marker")
	}
	diags.AddWarning("The new key's id is not known yet",
		"The API's answer held the plaintext, which is in the state, but no readable id: "+err.Error()+". The next refresh looks for it by its marker.")
}

// issuedKey finds the key of a plaintext whose id is not known. An API that rotates in place puts the new plaintext
// behind an id known before: its listing shows that by prefix and last characters. Otherwise it is the one key with
// the marker that is not a predecessor, for those carry the marker too.
func issuedKey(plaintext apiclient.Secret, known, marked []apiclient.Key) *apiclient.Key {
	ids := make([]string, 0, len(known))
	for _, key := range known {
		if key.KeyPrefix != "" && key.Last4 != "" && strings.HasPrefix(plaintext.Reveal(), key.KeyPrefix) && strings.HasSuffix(plaintext.Reveal(), key.Last4) {
			return &key
		}
		ids = append(ids, key.ID)
	}
	return onlyUnknown(marked, ids)
}

func listedAmong(ids []string, get func(id string) (apiclient.Key, bool)) []apiclient.Key {
	var keys []apiclient.Key
	for _, id := range ids {
		if key, listed := get(id); listed {
			keys = append(keys, key)
		}
	}
	return keys
}

// onlyUnknown returns the one key whose id is not among known; nil when there is none or a choice.
func onlyUnknown(keys []apiclient.Key, known []string) *apiclient.Key {
	var found *apiclient.Key
	for i := range keys {
		if slices.Contains(known, keys[i].ID) {
			continue
		}
		if found != nil {
			return nil
		}
		found = &keys[i]
	}
	return found
}

// correct gives an issued key the name and scopes that were asked for, where the answer differs.
func (r *Resource) correct(ctx context.Context, id string, got apiclient.Key, name string, scopes []string, diags *diag.Diagnostics) {
	if id == "" || (got.Name == name && apiclient.SameCoverage(scopes, got.Scopes)) {
		return
	}
	_, err := r.connection.Client.UpdateKey(ctx, id, apiclient.UpdateKeyRequest{Name: name, Scopes: scopes})
	if err != nil {
		diags.AddWarning(fmt.Sprintf("%s was issued, but not renamed to %q", id, name),
			"The key works and its plaintext is in the state. Its name or scopes at the API still differ; the next plan shows that and the next apply corrects it.\n\n"+err.Error())
	}
}
