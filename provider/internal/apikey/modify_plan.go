package apikey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// ModifyPlan says what will be done and why, and marks exactly those attributes as unknown that it will change.
// Its result depends on prior state and configuration only; the API is asked for warnings, never for values.
func (r *Resource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var prior, plan model
	creating, destroying := req.State.Raw.IsNull(), req.Plan.Raw.IsNull()
	if !creating {
		resp.Diagnostics.Append(req.State.Get(ctx, &prior)...)
	}
	if !destroying {
		resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	switch {
	case creating && destroying:
	case creating:
		r.planCreate(ctx, &plan, &resp.Diagnostics)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	case destroying:
		r.planDestroy(ctx, &prior, &resp.Diagnostics)
	default:
		if planUpdate(ctx, &prior, &plan, &resp.Diagnostics) == issueReissue && !plan.Name.IsUnknown() && r.connection.Ready() {
			// A reissue that was killed has left its key under the name that this one is to have.
			known := append(idsOf(prior.previousKeys(ctx, &resp.Diagnostics)), prior.ID.ValueString())
			r.warnOfNamesakes(ctx, plan.Name.ValueString(), known, &resp.Diagnostics)
		}
		r.warnOfInterruptedRotation(ctx, &prior, &plan, &resp.Diagnostics)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	}
}

func (r *Resource) planCreate(ctx context.Context, plan *model, diags *diag.Diagnostics) {
	plan.RotationDue = types.BoolValue(false)
	plan.setPreviousKeys(ctx, nil, diags)
	planSecret(plan)
	if !plan.Rotation.IsUnknown() && plan.rotation(ctx, diags).Interval.IsNull() {
		plan.NextRotationAt = types.StringNull()
	}
	if plan.Name.IsUnknown() || !r.connection.Ready() {
		return
	}
	r.warnOfNamesakes(ctx, plan.Name.ValueString(), nil, diags)
}

// warnOfNamesakes names live keys that a run which was killed before it could write any state may have left. It
// cannot know: another workspace may have made them, so it touches none (P2). Keys that this object knows are left out.
func (r *Resource) warnOfNamesakes(ctx context.Context, name string, known []string, diags *diag.Diagnostics) {
	view, err := r.connection.Refresh(apiclient.WithTimeBudget(ctx, defaultTimeout), viewOfThisRun)
	if err != nil {
		if misconfigured(err) {
			addAPIError(diags, "Cannot list API keys", err,
				"Nothing was changed. The provider talks to "+r.connection.Client.BaseURL()+", and a create would fail in the same way.")
			return
		}
		r.connection.WarnUnchecked(diags, err)
		return
	}
	var found []string
	for _, key := range view.Keys() {
		if key.Live() && apiclient.StripMarkers(key.Name) == name && !slices.Contains(known, key.ID) {
			found = append(found, describe(key))
		}
	}
	if len(found) == 0 {
		return
	}
	diags.AddAttributeWarning(path.Root("name"), fmt.Sprintf("A live key named %q exists already", name),
		fmt.Sprintf("This apply creates another one. The API has already:\n  - %s\n\n"+
			"A name that ends in [tf:...] was left by a run that did not finish, or is a predecessor in its overlap that another state manages. "+
			"If the object in this state is tainted, this apply revokes what its create has left. Revoke a key only if you know that nothing uses it; "+
			"if one should be managed here, import it by its id instead.",
			strings.Join(found, "\n  - ")))
}

// warnOfInterruptedRotation: a temporary marker that is still in the name of the current key tells that a rotation began
// and was not recorded. A run killed between the successor's rename and the writing of the state leaves a successor
// under the exact name, which nothing tells from a namesake: it is named and not touched (P2).
func (r *Resource) warnOfInterruptedRotation(ctx context.Context, prior, plan *model, diags *diag.Diagnostics) {
	interrupted := len(apiclient.MarkersIn(prior.Name.ValueString())) > 0 && prior.NameMarker.ValueString() != markerPermanent
	if !interrupted || plan.Name.IsUnknown() || !r.connection.Ready() {
		return
	}
	view, err := r.connection.Refresh(apiclient.WithTimeBudget(ctx, defaultTimeout), viewOfThisRun)
	if err != nil {
		r.connection.WarnUnchecked(diags, err)
		return
	}
	known := append(idsOf(prior.previousKeys(ctx, diags)), prior.ID.ValueString())
	names := []string{plan.Name.ValueString(), apiclient.StripMarkers(prior.Name.ValueString())}
	var found []string
	for _, key := range view.Keys() {
		if key.Live() && slices.Contains(names, key.Name) && !slices.Contains(known, key.ID) {
			found = append(found, describe(key))
		}
	}
	if len(found) == 0 {
		return
	}
	diags.AddAttributeWarning(path.Root("name"), fmt.Sprintf("A rotation of %s was interrupted", prior.ID.ValueString()),
		fmt.Sprintf("%s still carries the marker of a rotation that was begun. If that run was killed before it could write its state, one of these live keys "+
			"is the successor whose plaintext is lost:\n  - %s\n\nIf nothing uses such a key, revoke it. %s is in use and stays.",
			prior.ID.ValueString(), strings.Join(found, "\n  - "), prior.ID.ValueString()))
}

// misconfigured tells an answer that the configuration explains, such as a rejected credential or an address that is not
// the API's, from trouble that may have passed by the time of the apply.
func misconfigured(err error) bool {
	answer, ok := errors.AsType[*apiclient.Error](err)
	return ok && answer.Status < http.StatusInternalServerError && !apiclient.IsRateLimited(err)
}

func (r *Resource) planDestroy(ctx context.Context, prior *model, diags *diag.Diagnostics) {
	id := prior.ID.ValueString()
	if id == "" || prior.dead() {
		return
	}
	if prior.OnDestroy.ValueString() == onDestroyRetain {
		diags.AddWarning(fmt.Sprintf("%s stays alive after it is destroyed", id),
			fmt.Sprintf("on_destroy is %q: Terraform forgets %s but does not revoke it, and nothing will rotate it any more.", onDestroyRetain, id))
		return
	}
	if r.connection.Ready() {
		r.refuseOwnKey(ctx, apiclient.Key{ID: id, KeyPrefix: prior.KeyPrefix.ValueString(), Last4: prior.Last4.ValueString()}, diags)
	}
}

func planUpdate(ctx context.Context, prior, plan *model, diags *diag.Diagnostics) issueKind {
	if prior.ID.IsNull() && !prior.hasSecret() {
		diags.AddError("This object has no key",
			"The answer to its create was lost, and it is no longer marked as tainted. Mark it again, with terraform taint or -replace: "+
				"the next apply then revokes what the create may have left, and creates a new key.")
	}
	s := plannedSettings{
		rotation:      plan.rotation(ctx, diags),
		priorRotation: prior.rotation(ctx, diags),
		previous:      prior.previousKeys(ctx, diags),
	}
	in := decide(prior, plan, s)
	plan.takeResults(prior)

	if prior.dead() && plan.OnRevoked.ValueString() == onRevokedError {
		refuseDead(prior, diags)
	}
	if in.reschedule {
		planReschedule(plan, s)
	}
	if in.issue != issueNone {
		planIssue(plan, s, in)
	}
	if in.revoke {
		plan.PreviousKeys = types.ListUnknown(previousKeyType())
	}
	explain(prior, s, in, diags)
	return in.issue
}

func planReschedule(plan *model, s plannedSettings) {
	plan.RotationDue = types.BoolUnknown()
	plan.NextRotationAt = types.StringUnknown()
	if s.rotation.Interval.IsUnknown() {
		return
	}
	plan.NextRotationAt = nextRotation(plan.CreatedAt, s.rotation.policy())
	if s.rotation.Interval.IsNull() {
		plan.RotationDue = types.BoolValue(false)
	}
}

func planIssue(plan *model, s plannedSettings, in intent) {
	plan.ID = types.StringUnknown()
	planSecret(plan)
	plan.KeyPrefix, plan.Last4 = types.StringUnknown(), types.StringUnknown()
	plan.Status, plan.CreatedAt = types.StringUnknown(), types.StringUnknown()
	plan.PreviousKeys = types.ListUnknown(previousKeyType())
	plan.NextRotationAt = types.StringUnknown()
	if s.rotation.Interval.IsNull() {
		plan.NextRotationAt = types.StringNull()
	}
	if in.issue == issueMaybe {
		// A key that turns out to stay is known in the form it has, which may not be the one that the recipients ask for.
		plan.PlaintextKey, plan.EncryptedKey = types.StringUnknown(), types.StringUnknown()
		plan.RotationDue = types.BoolUnknown()
		return
	}
	plan.RotationDue = types.BoolValue(false)
}

// planSecret says in which of the two forms the key will be known.
func planSecret(plan *model) {
	plan.PlaintextKey, plan.EncryptedKey = types.StringUnknown(), types.StringUnknown()
	switch {
	case plan.AgeRecipients.IsUnknown():
	case plan.AgeRecipients.IsNull():
		plan.EncryptedKey = types.StringNull()
	default:
		plan.PlaintextKey = types.StringNull()
	}
}

func refuseDead(prior *model, diags *diag.Diagnostics) {
	diags.AddAttributeError(path.Root("on_revoked"), fmt.Sprintf("%s is %s", prior.ID.ValueString(), prior.Status.ValueString()),
		fmt.Sprintf("The key was revoked, expired or deleted outside of Terraform, and on_revoked is %q. "+
			"Set on_revoked = %q to have the next apply issue a new key in its place, or remove the resource.", onRevokedError, onRevokedRecreate))
}

// explain says in one warning per rotation and one per revocation what the plan's unknown values mean.
func explain(prior *model, s plannedSettings, in intent, diags *diag.Diagnostics) {
	id := prior.ID.ValueString()
	switch in.issue {
	case issueRotate:
		diags.AddWarning(fmt.Sprintf("%s will be rotated", id), fmt.Sprintf("Reason: %s. %s", in.reason, overlapText(id, s)))
	case issueReissue:
		diags.AddWarning(fmt.Sprintf("A new key will be issued in place of %s", id),
			fmt.Sprintf("Reason: %s. The new key has another plaintext; whatever uses the old one is cut off already.", in.reason))
	case issueNone, issueMaybe:
	}
	for _, key := range s.previous {
		if key.Due.ValueBool() {
			diags.AddWarning(fmt.Sprintf("%s will be revoked", key.ID.ValueString()),
				fmt.Sprintf("%s (%s...%s) is a predecessor of %s, or a key whose plaintext was lost; it was to live until %s.",
					key.ID.ValueString(), key.KeyPrefix.ValueString(), key.Last4.ValueString(), id, key.RevokeAfter.ValueString()))
		}
	}
}

func overlapText(id string, s plannedSettings) string {
	if s.rotation.Overlap.IsUnknown() {
		return "How long the old key keeps working is known after apply."
	}
	overlap := s.rotation.policy().Overlap
	if overlap == 0 {
		return fmt.Sprintf("The overlap is 0s: %s is revoked in the same apply, and whatever still uses it is cut off at once.", id)
	}
	return fmt.Sprintf("%s keeps working for %s after this apply, unless the resource is replaced or destroyed; the first apply after that revokes it.", id, shortDuration(overlap))
}

// shortDuration prints 24h as "24h", where time.Duration would print "24h0m0s".
func shortDuration(d time.Duration) string {
	text := d.String()
	if d == 0 {
		return text
	}
	if d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
