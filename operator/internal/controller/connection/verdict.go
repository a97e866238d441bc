package connection

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

// verdict is how a connection is, in one word and one sentence. What is neither ready nor passes by itself waits for a
// person.
type verdict struct {
	ready, passes   bool
	reason, message string
}

func (v verdict) stalled() bool { return !v.ready && !v.passes }

// judge is the one place where facts become a reason. What keeps ApiKeys from working comes before what is only worth
// knowing.
func judge(f facts) verdict {
	switch {
	case f.failure != nil:
		return judgeFailure(f.failure)
	case !f.asked:
		return verdict{passes: true, reason: v1alpha1.ReasonConnecting, message: "The API was not asked yet."}
	case f.listing != nil && f.listing.tenantMismatch:
		return verdict{reason: v1alpha1.ReasonTenantMismatch, message: "The API lists none of the keys that were issued through this connection, " +
			"so that baseURL or token seem to lead to another tenant: nothing is issued, changed or revoked. Correct them; or, if the tenant is meant, set the annotation " +
			v1alpha1.AnnotationAcceptTenant + " to a new value."}
	case f.deleted:
		return verdict{passes: true, reason: v1alpha1.ReasonInUse, message: "Being deleted, but still needed to revoke keys: " + some(f.holders) +
			". Delete those ApiKeys, or set their deletionPolicy to Retain."}
	}
	return verdict{ready: true, reason: v1alpha1.ReasonConnected, message: "The API answers and accepts the token."}
}

// judgeFailure tells errors apart that only a person can end from those that pass.
func judgeFailure(err error) verdict {
	quota, isQuota := errors.AsType[*apiclient.QuotaError](err)
	_, isKubernetes := errors.AsType[*apierrors.StatusError](err)
	invalid, isInvalid := errors.AsType[*tenant.InvalidSettingsError](err)
	switch {
	case errors.Is(err, tenant.ErrTokenMissing):
		return verdict{reason: v1alpha1.ReasonTokenMissing, message: sentence(err)}
	case isInvalid:
		return verdict{reason: v1alpha1.ReasonInvalidSettings, message: sentence(invalid)}
	case isKubernetes:
		return verdict{passes: true, reason: v1alpha1.ReasonKubernetesUnavailable, message: sentence(err)}
	case apiclient.IsUnauthorized(err):
		return verdict{reason: v1alpha1.ReasonTokenRejected, message: sentence(err)}
	case apiclient.IsForbidden(err):
		return verdict{reason: v1alpha1.ReasonTokenForbidden, message: sentence(err)}
	case isQuota:
		return verdict{passes: true, reason: v1alpha1.ReasonWaitingForQuota, message: fmt.Sprintf("The request quota is used up until %s: %s.",
			quota.RetryAt.UTC().Format(time.RFC3339), quota.Reason)}
	case apiclient.IsRateLimited(err):
		return verdict{passes: true, reason: v1alpha1.ReasonWaitingForQuota, message: sentence(err)}
	}
	return verdict{passes: true, reason: v1alpha1.ReasonAPIUnavailable, message: sentence(err)}
}

// maxMessage keeps a message readable in kubectl describe, and far below the schema's limit.
const maxMessage = 1024

// sentence is the text of an error without what differs in each answer: a request's id, and details that may hold one.
func sentence(err error) string {
	text := err.Error()
	if answer, ok := errors.AsType[*apiclient.Error](err); ok {
		steady := *answer
		steady.RequestID, steady.Details, steady.RetryAt = "", nil, nil
		text = steady.Error()
	}
	return cut(text, maxMessage)
}

// passing matches words with four digits or more: ports, times, ids. They differ from one failure to the next; a status
// of three digits stays.
var passing = regexp.MustCompile(`(?:[^\s\d]*\d){4}\S*`)

// saySame reports that two messages tell of the same failure, so that the one that is stored stays: an API that is down
// would else cost a write for each try.
func saySame(a, b string) bool {
	return passing.ReplaceAllString(a, "") == passing.ReplaceAllString(b, "")
}

// some lists the first few of many.
func some(names []string) string {
	const few = 3
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
