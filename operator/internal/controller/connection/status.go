package connection

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// facts is everything that the status of a connection tells.
type facts struct {
	now        time.Time
	generation int64

	failure        error // why the API cannot be worked with; nil: it can
	asked          bool  // the API was asked, or the token looked for; false: it is too early to tell
	authentication v1alpha1.AuthenticationState
	quota          v1alpha1.QuotaState
	dropsNames     bool
	straysRevoked  int64
	orphansRevoked int64

	listing *listingFacts // nil: there is none to go by; what the status tells of the last one stays

	apiKeys int      // ApiKeys that use the connection
	overdue []string // those of them that wait for their revocation for more than a day
	deleted bool     // the connection is being deleted
	holders []string // what still needs it while it is being deleted

	request  string      // the annotation that accepts a tenant
	accepted *acceptance // a person has just accepted the tenant
}

// listingFacts is what a complete listing showed.
type listingFacts struct {
	live           int
	orphans        []apiclient.Key
	orphansJudged  bool // false in namespaced mode, where not every ApiKey can be seen
	tenantMismatch bool
}

// listedOrphans is the number of orphans that a status names; it is the limit of the schema.
const listedOrphans = 20

// statusOf is the status that follows from the facts and, where they are silent, from the status before.
func statusOf(f facts, before v1alpha1.ConnectionStatus) v1alpha1.ConnectionStatus {
	after := *before.DeepCopy()
	after.ObservedGeneration = f.generation
	after.Conditions = conditionsOf(f, before.Conditions)
	after.Authentication = f.authentication
	after.Quota = f.quota
	after.APIKeys = count(f.apiKeys)
	after.StraysRevoked = max(before.StraysRevoked, f.straysRevoked)
	after.OrphansRevoked = max(before.OrphansRevoked, f.orphansRevoked)
	switch {
	case f.accepted != nil:
		after.LastHandledAcceptTenant, after.AcceptedTenant = f.accepted.request, f.accepted.tenant
	case before.ObservedGeneration == 0:
		after.LastHandledAcceptTenant = f.request
	}
	switch {
	case f.dropsNames:
		after.SuccessorMethod = v1alpha1.SuccessorCreate
	case before.SuccessorMethod == "":
		after.SuccessorMethod = v1alpha1.SuccessorRotate
	}
	if f.listing != nil {
		f.listing.tell(&after)
	}
	return after
}

func (l *listingFacts) tell(status *v1alpha1.ConnectionStatus) {
	status.LiveKeys = count(l.live)
	status.OrphanedKeys, status.Orphans = nil, nil
	if !l.orphansJudged {
		return
	}
	status.OrphanedKeys = count(len(l.orphans))
	for _, orphan := range l.orphans[:min(len(l.orphans), listedOrphans)] {
		status.Orphans = append(status.Orphans, v1alpha1.OrphanedKey{
			ID: cut(orphan.ID, 128), Name: cut(orphan.Name, 256), KeyPrefix: cut(orphan.KeyPrefix, 128), Last4: cut(orphan.Last4, 16),
		})
	}
}

func count(n int) *int32 {
	short := int32(min(n, 1<<31-1)) //nolint:gosec // bounded in the line above
	return &short
}

// cut keeps what the API sends within the schema, whose limits count characters.
func cut(s string, limit int) string {
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit])
	}
	return s
}

// conditionsOf builds the conditions in a fixed order. Those that are there only while they are true leave when they
// end; the time of a condition moves only with its status.
func conditionsOf(f facts, before []metav1.Condition) []metav1.Condition {
	v := judge(f)
	wanted := []metav1.Condition{
		{Type: v1alpha1.ConditionReady, Status: status(v.ready), Reason: v.reason, Message: v.message},
	}
	abnormal := func(kind string, is bool, reason, message string) {
		if is {
			wanted = append(wanted, metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: message})
		}
	}
	abnormal(v1alpha1.ConditionReconciling, v.passes, v.reason, v.message)
	abnormal(v1alpha1.ConditionStalled, v.stalled(), v.reason, v.message)
	wanted = append(wanted, authenticated(f, v))
	abnormal(v1alpha1.ConditionRevocationOverdue, len(f.overdue) > 0, v1alpha1.ReasonKeysUnrevoked,
		"ApiKeys wait for their revocation for more than a day: "+some(f.overdue))
	for i := range wanted {
		settle(&wanted[i], f, before)
	}
	return wanted
}

// authenticated tells what the API last said about the token, which may be longer ago than what Ready tells.
func authenticated(f facts, v verdict) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.ConditionAuthenticated, Status: metav1.ConditionUnknown, Reason: v.reason}
	switch f.authentication {
	case v1alpha1.AuthenticationAccepted:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1alpha1.ReasonConnected, "The API accepts the token."
	case v1alpha1.AuthenticationRejected:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonTokenRejected, "The API answers 401: the token is wrong, revoked or expired."
	case v1alpha1.AuthenticationForbidden:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonTokenForbidden, "The API answers 403: the token may not manage keys, or not from here."
	default:
		c.Message = "The API has not told yet."
	}
	return c
}

// settle completes a condition with what depends on the one before it.
func settle(c *metav1.Condition, f facts, before []metav1.Condition) {
	c.ObservedGeneration = f.generation
	c.LastTransitionTime = metav1.NewTime(f.now).Rfc3339Copy()
	for _, was := range before {
		if was.Type != c.Type {
			continue
		}
		if was.Status == c.Status {
			c.LastTransitionTime = was.LastTransitionTime
		}
		if varies(c.Reason) && was.Reason == c.Reason && saySame(was.Message, c.Message) {
			c.Message = was.Message
		}
	}
}

// varies reports that messages of the reason hold what differs each time and is of no use.
func varies(reason string) bool {
	return reason == v1alpha1.ReasonAPIUnavailable || reason == v1alpha1.ReasonKubernetesUnavailable
}

func status(is bool) metav1.ConditionStatus {
	if is {
		return metav1.ConditionTrue
	}
	return metav1.ConditionFalse
}
