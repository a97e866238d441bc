package apikey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// update is one run of Update: the facts it has produced so far, and what it still needs.
type update struct {
	*Resource
	prior, plan model
	settings    plannedSettings
	issuing     issuance
	seal        sealer
	scopes      []string
	previous    []previousKey
	diags       *diag.Diagnostics
}

// Update patches, issues a successor, records it, corrects its name, and revokes what is due, in this order: at each
// point where it may end, the key in use lives and what happened is in the state (P1).
func (r *Resource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	u := update{Resource: r, diags: &resp.Diagnostics}
	resp.Diagnostics.Append(req.State.Get(ctx, &u.prior)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &u.plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	u.load(ctx, req)
	timeout, d := u.plan.Timeouts.Update(ctx, defaultTimeout)
	resp.Diagnostics.Append(d...)
	if resp.Diagnostics.HasError() {
		return
	}
	in := decide(&u.prior, &u.plan, u.settings)
	next := u.plan
	next.takeResults(&u.prior)

	done := u.run(apiclient.WithTimeBudget(ctx, timeout), in, &next)
	if !done {
		// What did not happen must stay as it was, so that the next plan asks for it again.
		next.Rotation, next.AgeRecipients = u.prior.Rotation, u.prior.AgeRecipients
	}
	u.judge(ctx, in.reschedule && done, &next)
	next.setPreviousKeys(ctx, u.previous, u.diags)
	resp.Diagnostics.Append(resp.State.Set(ctx, &next)...)
	setIdentity(ctx, resp.Identity, next.ID, u.diags)
	u.issuing.save(ctx, resp.Private, u.diags)
}

func (u *update) load(ctx context.Context, req resource.UpdateRequest) {
	u.issuing = loadIssuance(ctx, req.Private, u.diags)
	if u.issuing.Marker == "" {
		u.issuing = newIssuance(u.diags)
	}
	u.scopes = u.plan.scopes(ctx, u.diags)
	u.seal = u.plan.sealer(ctx, u.diags)
	u.previous = u.prior.previousKeys(ctx, u.diags)
	u.settings = plannedSettings{
		rotation:      u.plan.rotation(ctx, u.diags),
		priorRotation: u.prior.rotation(ctx, u.diags),
		previous:      u.previous,
	}
}

// run reports whether everything that Terraform must see as done was done. A change of settings alone sends no
// request, and so needs no connection.
func (u *update) run(ctx context.Context, in intent, next *model) bool {
	if !in.patch && in.issue == issueNone && !in.revoke {
		return true
	}
	if !u.connection.RequireReady(u.diags, "updating a key") {
		next.Name, next.Scopes, next.NameMarker = u.prior.Name, u.prior.Scopes, u.prior.NameMarker
		return false
	}
	done := true
	switch {
	case in.issue == issueRotate:
		done = u.prepareRotation(ctx, next) && u.rotate(ctx, next)
	case in.issue == issueReissue:
		done = u.reissue(ctx, next)
	case in.patch:
		done = u.patch(ctx, next, u.issuing.finalName(u.plan.Name.ValueString(), u.plan.NameMarker.ValueString()))
	}
	// While no successor of a dead key is in place, a predecessor may be all that consumers have left.
	if done || in.issue != issueReissue {
		u.revokeDue(ctx)
	}
	return done
}

// patch sends name and scopes of the current key and records what came of it.
func (u *update) patch(ctx context.Context, next *model, name string) bool {
	id := u.prior.ID.ValueString()
	_, err := u.connection.Client.UpdateKey(ctx, id, apiclient.UpdateKeyRequest{Name: name, Scopes: u.scopes})
	if err != nil {
		next.Name, next.Scopes, next.NameMarker = u.prior.Name, u.prior.Scopes, u.prior.NameMarker
		addAPIError(u.diags, fmt.Sprintf("Cannot update API key %s", id), err,
			"Name and scopes are recorded as they were. The key and its plaintext are untouched. The next apply tries again.")
		return false
	}
	if name == u.issuing.finalName(u.plan.Name.ValueString(), u.plan.NameMarker.ValueString()) {
		u.issuing.Unmarked = false
	}
	return true
}

// prepareRotation puts the marker into the name of the key about to be rotated, because its successor is born with
// that name: a successor whose plaintext is lost must be recognisable. The old key keeps the marked name until it is
// revoked. A permanent marker is there already, unless somebody took it off.
func (u *update) prepareRotation(ctx context.Context, next *model) bool {
	mode := u.plan.NameMarker.ValueString()
	name := u.issuing.bornName(u.plan.Name.ValueString(), mode)
	changed := !u.plan.Name.Equal(u.prior.Name) || !u.plan.Scopes.Equal(u.prior.Scopes) || !u.plan.NameMarker.Equal(u.prior.NameMarker)
	if !changed && (mode == markerNone || (mode == markerPermanent && !u.issuing.Unmarked)) {
		return true
	}
	return u.patch(ctx, next, name)
}

// rotate issues the successor of a living key and puts the old one among the previous keys.
func (u *update) rotate(ctx context.Context, next *model) bool {
	id := u.prior.ID.ValueString()
	issued, err := u.connection.Client.RotateKey(ctx, id)
	if err == nil {
		err = u.accept(ctx, next, issued)
	}
	if err != nil {
		u.rotateFailed(id, err)
		next.Name = types.StringValue(u.issuing.shownName(u.bornName(), u.plan.NameMarker.ValueString()))
		return false
	}
	if issued.CreatedAt != nil && !olderThan(u.prior.CreatedAt, *issued.CreatedAt) {
		// The time of the first issue, by which the new plaintext would be due at once, for ever.
		next.CreatedAt = timeValue(issued.ServerTime)
	}
	if next.ID.Equal(u.prior.ID) {
		// The API kept the id: there is no predecessor to revoke, and revoking this id would kill the new key.
		next.CreatedAt = timeValue(issued.ServerTime)
		return true
	}
	u.retire(next.ID, issued.ServerTime)
	return true
}

// olderThan reports whether a recorded time lies before another. One that is not recorded does.
func olderThan(recorded types.String, other time.Time) bool {
	at, ok := timeOf(recorded)
	return !ok || at.Before(other)
}

func (u *update) bornName() string {
	return u.issuing.bornName(u.plan.Name.ValueString(), u.plan.NameMarker.ValueString())
}

func (u *update) rotateFailed(id string, err error) {
	if !errors.Is(err, apiclient.ErrOutcomeUnknown) {
		addAPIError(u.diags, fmt.Sprintf("Cannot rotate API key %s", id), err,
			fmt.Sprintf("No new key was issued; %s stays in use. The next apply tries again.", id))
		return
	}
	remedy := fmt.Sprintf("Such a key carries the name %q; the next apply revokes it, if it exists, and rotates again.", u.bornName())
	if u.plan.NameMarker.ValueString() == markerNone {
		remedy = fmt.Sprintf("With name_marker = %q it cannot be told from other keys: look for a live key named %q that nobody has the plaintext of, and revoke it.",
			markerNone, u.plan.Name.ValueString())
	}
	addAPIError(u.diags, fmt.Sprintf("Unknown whether API key %s was rotated", id), err,
		fmt.Sprintf("The API may have issued a successor, but its answer, and with it the plaintext, was lost. %s stays in use and in the state. %s", id, remedy))
}

// reissue creates a key in place of a dead one. Predecessors of the dead key that still live stay as they are.
func (u *update) reissue(ctx context.Context, next *model) bool {
	name, mode := u.plan.Name.ValueString(), u.plan.NameMarker.ValueString()
	issued, err := u.connection.Client.CreateKey(ctx, apiclient.CreateKeyRequest{Name: u.bornName(), Scopes: u.scopes})
	if err == nil {
		err = u.accept(ctx, next, issued)
	}
	if err == nil {
		return true
	}
	next.Name, next.Scopes, next.NameMarker = u.prior.Name, u.prior.Scopes, u.prior.NameMarker
	summary := fmt.Sprintf("Cannot issue a key in place of %s", u.prior.ID.ValueString())
	switch {
	case !errors.Is(err, apiclient.ErrOutcomeUnknown):
		addAPIError(u.diags, summary, err, "No key was created. The next apply tries again.")
	case mode == markerNone:
		addAPIError(u.diags, summary, err, "The API may have created one, but its answer was lost. "+u.namesakes(ctx, name))
	default:
		addAPIError(u.diags, summary, err, fmt.Sprintf("The API may have created one, but its answer, and with it the plaintext, was lost. "+
			"Such a key carries the name %q; the next apply revokes it, if it exists, and tries again.", u.bornName()))
	}
	return false
}

// accept records an issued key and then gives it its exact name. Once it is recorded nothing is an error any more.
func (u *update) accept(ctx context.Context, next *model, issued *apiclient.IssuedKey) error {
	if err := next.setIssued(issued, u.seal); err != nil {
		return err
	}
	u.findIssuedID(ctx, next, issued.Plaintext, u.issuing, append(idsOf(u.previous), u.prior.ID.ValueString()), u.diags)
	u.issuing.Unmarked = false
	final := u.issuing.finalName(u.plan.Name.ValueString(), u.plan.NameMarker.ValueString())
	u.correct(ctx, next.ID.ValueString(), issued.Key, final, u.scopes, u.diags)
	return nil
}

// retire puts the rotated key among the previous ones. With no overlap it is due at once: the user asked for that.
// While the successor's id is not known it is not, because the API may have kept the id (P1).
func (u *update) retire(successor types.String, now time.Time) {
	policy := u.settings.rotation.policy()
	u.previous = append(u.previous, previousKey{
		ID: u.prior.ID, KeyPrefix: u.prior.KeyPrefix, Last4: u.prior.Last4,
		RevokeAfter: timeValue(policy.RevokeAfter(now)), Due: types.BoolValue(policy.Overlap == 0 && !successor.IsNull()),
	})
}

// revokeDue revokes what is due and keeps what could not be revoked, for the next apply.
func (u *update) revokeDue(ctx context.Context) {
	var left []previousKey
	for _, key := range u.previous {
		if !key.Due.ValueBool() || !u.revokePrevious(ctx, key) {
			left = append(left, key)
		}
	}
	u.previous = left
}

func (u *update) revokePrevious(ctx context.Context, key previousKey) bool {
	id := key.ID.ValueString()
	own, err := u.connection.Client.OwnsToken(ctx, apiclient.Key{ID: id, KeyPrefix: key.KeyPrefix.ValueString(), Last4: key.Last4.ValueString()})
	if err == nil && own {
		u.diags.AddWarning(fmt.Sprintf("%s was not revoked: the provider authenticates with it", id),
			"Give the provider the successor, or another credential; the next apply then revokes it.")
		return false
	}
	if err := u.connection.Client.RevokeKey(ctx, id); err != nil {
		u.diags.AddWarning(fmt.Sprintf("%s could not be revoked", id), "It stays in previous_keys, and the next apply tries again.\n\n"+err.Error())
		return false
	}
	return true
}

// judge recomputes what depends on the issue time and the interval. A changed interval may make the key due at once:
// the plan could not know that, so it is said here.
func (u *update) judge(ctx context.Context, reschedule bool, next *model) {
	policy := next.rotation(ctx, u.diags).policy()
	next.NextRotationAt = nextRotation(next.CreatedAt, policy)
	switch {
	case !next.PlaintextKey.Equal(u.prior.PlaintextKey) || !next.EncryptedKey.Equal(u.prior.EncryptedKey):
		next.RotationDue = types.BoolValue(false)
	case reschedule:
		next.RotationDue = rotationDue(next.CreatedAt, policy, u.now(ctx))
		u.announceRotation(next)
	}
}

func (u *update) announceRotation(next *model) {
	if !next.RotationDue.ValueBool() {
		return
	}
	u.diags.AddWarning(fmt.Sprintf("%s is due for rotation", next.ID.ValueString()),
		fmt.Sprintf("With rotation.interval = %q it was due at %s. The next apply rotates it.",
			u.settings.rotation.Interval.ValueString(), next.NextRotationAt.ValueString()))
}

// now is the API's clock, from the listing that this run shares. Without one the local clock has to do: the next
// refresh judges again.
func (u *update) now(ctx context.Context) time.Time {
	if !u.connection.Ready() {
		return time.Now()
	}
	view, err := u.connection.Client.Directory().View(ctx, viewOfThisRun)
	if err != nil {
		return u.connection.Client.ServerTime()
	}
	return view.ServerTime()
}
