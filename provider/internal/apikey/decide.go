package apikey

import (
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/rotation"
)

// intent is what an update will do, decided from the prior state and the planned settings alone. Terraform plans
// twice, once for the user and once right before it applies, and refuses to go on when the two differ: anything
// that depends on the clock or on the API must have been written into the state by Read before.
type intent struct {
	// issue says whether a new key takes the place of the current one.
	issue issueKind
	// reason tells the user why, as a clause.
	reason string
	// patch says that name, scopes or marker of the current key are to be sent.
	patch bool
	// revoke says that keys of previous_keys are due.
	revoke bool
	// reschedule says that the interval changes, so that rotation_due must be judged anew.
	reschedule bool
}

type issueKind int

const (
	issueNone    issueKind = iota
	issueRotate            // the current key lives: rotate it, keep it for the overlap
	issueReissue           // the current key is dead: create another
	issueMaybe             // a trigger is not known yet
)

// plannedSettings are the parts of a planned model that decide looks at, already taken out of their Terraform types.
type plannedSettings struct {
	rotation      rotationModel
	priorRotation rotationModel
	previous      []previousKey
}

// decide is the one place where it is decided what an update does to keys.
func decide(prior, plan *model, s plannedSettings) intent {
	in := intent{
		patch: !plan.Name.Equal(prior.Name) || !plan.Scopes.Equal(prior.Scopes) || !plan.NameMarker.Equal(prior.NameMarker),
		// An interval that is removed has to be judged anew just as one that is changed.
		reschedule: !s.rotation.Interval.Equal(s.priorRotation.Interval),
	}
	for _, key := range s.previous {
		in.revoke = in.revoke || key.Due.ValueBool()
	}
	in.issue, in.reason = decideIssue(prior, plan, s, in.reschedule)
	return in
}

// decideIssue: a changed interval makes the recorded verdict on the old one void. Update records the change and
// judges anew, so that lengthening an interval never rotates.
func decideIssue(prior, plan *model, s plannedSettings, reschedule bool) (issueKind, string) {
	switch {
	case prior.dead():
		if plan.OnRevoked.ValueString() == onRevokedError {
			return issueNone, ""
		}
		return issueReissue, fmt.Sprintf("it is %s, which happened outside of Terraform", prior.Status.ValueString())
	case prior.RotationDue.ValueBool() && !reschedule:
		return issueRotate, dueReason(prior, s.priorRotation)
	case triggersChanged(s.priorRotation.Triggers, s.rotation.Triggers):
		return issueRotate, "rotation.triggers changed"
	case prior.hasSecret() && !plan.AgeRecipients.IsUnknown() && !hasUnknown(plan.AgeRecipients) && !plan.AgeRecipients.Equal(prior.AgeRecipients):
		return issueRotate, "age_recipients changed"
	case plan.RotateOnImport.ValueBool() && !prior.hasSecret():
		return issueRotate, "its plaintext is not known and rotate_on_import is set"
	case mayIssue(prior, plan, s):
		return issueMaybe, ""
	}
	return issueNone, ""
}

// mayIssue reports that a value which is not known yet decides whether a key is issued.
func mayIssue(prior, plan *model, s plannedSettings) bool {
	return s.rotation.Triggers.IsUnknown() || hasUnknown(s.rotation.Triggers) ||
		plan.AgeRecipients.IsUnknown() || hasUnknown(plan.AgeRecipients) ||
		(plan.RotateOnImport.IsUnknown() && !prior.hasSecret()) ||
		(s.rotation.Interval.IsUnknown() && prior.RotationDue.ValueBool())
}

func dueReason(prior *model, r rotationModel) string {
	return fmt.Sprintf("it is older than rotation.interval (%s): it was issued at %s and due at %s",
		r.Interval.ValueString(), prior.CreatedAt.ValueString(), prior.NextRotationAt.ValueString())
}

// triggersChanged tells a change of a recorded map from its first appearance and its removal, which are
// housekeeping: replacing a key in use for them would surprise (docs/decisions/0006).
func triggersChanged(prior, planned types.Map) bool {
	if prior.IsNull() || planned.IsNull() || planned.IsUnknown() || hasUnknown(planned) {
		return false
	}
	return !prior.Equal(planned)
}

// hasUnknown looks into a map or set whose size is known already.
func hasUnknown(collection attr.Value) bool {
	switch c := collection.(type) {
	case types.Map:
		for _, value := range c.Elements() {
			if value.IsUnknown() {
				return true
			}
		}
	case types.Set:
		return slices.ContainsFunc(c.Elements(), attr.Value.IsUnknown)
	}
	return false
}

// policy is the rotation block as durations. Both were validated; a text that does not parse counts as not set.
func (r rotationModel) policy() rotation.Policy {
	interval, _ := time.ParseDuration(r.Interval.ValueString())
	overlap, err := time.ParseDuration(r.Overlap.ValueString())
	if err != nil {
		overlap = rotation.DefaultOverlap
	}
	return rotation.Policy{Interval: interval, Overlap: overlap}
}

// nextRotation is a function of two recorded facts, so it is known at plan time and the same at every refresh.
func nextRotation(createdAt types.String, policy rotation.Policy) types.String {
	issued, ok := timeOf(createdAt)
	if !ok {
		return types.StringNull()
	}
	at, ever := policy.DueAt(issued)
	if !ever {
		return types.StringNull()
	}
	return timeValue(at)
}

// rotationDue judges at the given time; without an interval or an issue time it is never due.
func rotationDue(createdAt types.String, policy rotation.Policy, now time.Time) types.Bool {
	issued, ok := timeOf(createdAt)
	return types.BoolValue(ok && policy.Due(issued, now))
}
