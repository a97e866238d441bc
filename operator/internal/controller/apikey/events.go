package apikey

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// notice is one line of kubectl get events. The zero value is none.
type notice struct{ kind, reason, action, note string }

// eventOf tells people of a deed: of what was done that others can see, and of what failed in a new way.
func eventOf(d Deed) notice {
	if d.Err != nil {
		return failureEvent(d)
	}
	switch a := d.Action.(type) {
	case Mint:
		return normal("KeyIssued", "Issue", "key number %d was issued and stored (%s)", a.Sequence, a.Cause)
	case Seal:
		return warning("LedgerRestored", "Restore", "the ledger of key %s was lost and is written again from Secret %s", a.ID, a.Target.Name)
	case Patch:
		return normal("KeyUpdated", "Update", "name and scopes of key %s were changed", a.ID)
	case Publish:
		return publication(a)
	case Revoke:
		if a.Why == WhyStray {
			return warning("StrayRevoked", "Revoke", "key %s, whose plaintext was lost, was revoked", a.ID)
		}
		return normal("KeyRevoked", "Revoke", "key %s was revoked (%s)", a.ID, a.Why)
	case DeleteTarget:
		return normal("SecretDeleted", "Publish", "Secret %s, which secret.name no longer names, was deleted", a.Target.Name)
	case Restart:
		return normal("WorkloadsRestarted", "Restart", "the workloads of spec.restart are rolled for key number %d", a.Target.Sequence)
	case Release:
		return retention(d.Resource, a)
	case FoundStray:
		return warning("StrayFound", "Observe", "key %s carries this ApiKey's marker, and no ledger records it", a.ID)
	}
	return notice{}
}

// publication tells the first write of a key from that which only confirms it, and from those that put right what others
// changed.
func publication(a Publish) notice {
	switch {
	case a.Fresh || a.Target.Ownership == Absent:
		return normal("KeyPublished", "Publish", "Secret %s holds key number %d", a.Target.Name, a.Sequence)
	case a.Target.PublishedAt.IsZero():
		return notice{}
	}
	return normal("SecretUpdated", "Publish", "Secret %s was brought in line with the spec; it holds key number %d", a.Target.Name, a.Sequence)
}

// retention tells of what lives on after an ApiKey that is let go: nobody else will.
func retention(r *Resource, a Release) notice {
	switch {
	case len(a.Left) > 0:
		return warning("KeysLeftAlive", "Release", "deletionPolicy is Retain: beside what Secret %s holds, these replaced or lost keys live on, revoke them by hand when nothing uses them: %s",
			r.Settings.TargetName, strings.Join(a.Left, ", "))
	case a.Retain && a.KeepID != "":
		return normal("KeyRetained", "Release", "key %s stays in service in Secret %s, and is not managed any more", a.KeepID, r.Settings.TargetName)
	}
	return notice{}
}

// failureEvent is said once for each message, not for each attempt. Waiting is no failure.
func failureEvent(d Deed) notice {
	_, early := errors.AsType[*notYetError](d.Err)
	if d.Again || early || apiclient.IsRateLimited(d.Err) {
		return notice{}
	}
	var reason, action string
	switch d.Action.(type) {
	case AddFinalizer, Mint:
		reason, action = "IssueFailed", "Issue"
	case Seal:
		reason, action = "LedgerRestoreFailed", "Restore"
	case Patch:
		reason, action = "UpdateFailed", "Update"
	case Publish:
		reason, action = "PublishFailed", "Publish"
	case Revoke:
		reason, action = "RevocationFailed", "Revoke"
	case Restart:
		reason, action = "RestartFailed", "Restart"
	default:
		reason, action = "CleanupFailed", "CleanUp"
	}
	return warning(reason, action, "%s", describe(d.Err))
}

func normal(reason, action, format string, args ...any) notice {
	return notice{corev1.EventTypeNormal, reason, action, fmt.Sprintf(format, args...)}
}

func warning(reason, action, format string, args ...any) notice {
	return notice{corev1.EventTypeWarning, reason, action, fmt.Sprintf(format, args...)}
}

// did passes on what the Engine did: to people as events, to metrics, and to the Connection's count of strays.
func (r *Reconciler) did(d Deed) {
	if e := eventOf(d); e != (notice{}) {
		r.tell(d.Resource, e)
	}
	if d.Err != nil {
		return
	}
	switch a := d.Action.(type) {
	case Mint:
		r.Metrics.Minted(string(a.Cause))
	case FoundStray:
		r.Metrics.StrayFound()
	case Revoke:
		r.Metrics.Revoked(string(a.Why))
		if a.Why == WhyStray && r.StrayRevoked != nil {
			r.StrayRevoked(d.Connection)
		}
	}
}

// tell writes a notice into the log and as an event. Events that differ in their note alone would be counted as one, and the
// later notes be lost: what they are related to keeps them apart.
func (r *Reconciler) tell(about *Resource, n notice) {
	n.note = clip(n.note)
	regarding := reference(about)
	related := &corev1.ObjectReference{
		APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.KindApiKey, Namespace: regarding.Namespace, Name: regarding.Name,
		UID: regarding.UID, FieldPath: "note-" + hash(n.note)[:8],
	}
	r.Recorder.Eventf(regarding, related, n.kind, n.reason, n.action, "%s", n.note)
	r.Log.Info(n.reason, "namespace", about.Namespace, "name", about.Name, "type", n.kind, "note", n.note)
}

// stalled tells that an ApiKey has come to wait for a person, once for each reason.
func (r *Reconciler) stalled(about *Resource, before, now v1alpha1.ApiKeyStatus) {
	was := apimeta.FindStatusCondition(before.Conditions, v1alpha1.ConditionStalled)
	is := apimeta.FindStatusCondition(now.Conditions, v1alpha1.ConditionStalled)
	if is == nil || was != nil && was.Reason == is.Reason {
		return
	}
	kind := corev1.EventTypeWarning
	if is.Reason == string(Suspended) || is.Reason == string(MintingSuspended) {
		kind = corev1.EventTypeNormal // somebody has asked for it
	}
	r.tell(about, notice{kind, is.Reason, "Wait", is.Message})
}

// reference is as much of the ApiKey as an event needs.
func reference(r *Resource) *v1alpha1.ApiKey {
	return &v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace, Name: r.Name, UID: types.UID(r.UID), ResourceVersion: r.Version}}
}
