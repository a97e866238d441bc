package apikey

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// Failure is an action that failed, and when to try again.
type Failure struct {
	Until   time.Time
	Count   int
	Reason  Reason
	Message string
	Stalled bool // only a person can change it
	// Circumstance is what the failure is owed to, as Observation.circumstance tells it: once that is another, the action
	// is tried at once. Empty: time alone helps.
	Circumstance string
	// Refused is when the API refused the token, zero if it did not: once a later listing was answered, the token is good
	// again, and the action is tried at once.
	Refused time.Time
}

const (
	firstBackoff = 5 * time.Second
	maxBackoff   = 5 * time.Minute
	// refusedBackoff is the longest pause before the API is asked again for what it has refused: ApiKeys that nobody
	// corrects must not use up the quota of the others.
	refusedBackoff = time.Hour
)

// after is the failure that follows f when the action fails with err.
func (f Failure) after(action Action, err error, circumstance string, now time.Time) Failure {
	next := Failure{Count: f.Count + 1, Reason: reasonOf(action, err), Message: describe(err)}
	wait := min(firstBackoff<<min(next.Count-1, 10), maxBackoff)
	switch notSent := errors.Is(err, apiclient.ErrNotExecuted); {
	case notSent: // it was held back because something else had failed, and passes with that
	case next.Reason == RequestRefused:
		next.Circumstance, wait = circumstance, min(maxBackoff<<min(f.Count, 10), refusedBackoff) // asking again gives the same answer
	case next.Reason == WaitingForConnection:
		next.Circumstance, wait = circumstance, maxBackoff // likewise, and 200 ApiKeys would ask
		if apiclient.IsUnauthorized(err) || apiclient.HasCode(err, apiclient.CodeInactiveOrganization, apiclient.CodeIPRestricted) {
			next.Refused = now // but a token that lacks a right to change keys lists them all the same
		}
	case next.Reason == SecretRefused, next.Reason == SecretConflict, next.Reason == InvalidTemplate, next.Reason == Reverted:
		next.Circumstance = circumstance
	}
	next.Stalled = next.Circumstance != "" && next.Reason != WaitingForConnection
	next.Until = now.Add(wait)
	if quota, ok := errors.AsType[*apiclient.QuotaError](err); ok {
		next.Until = quota.RetryAt
	}
	if early, ok := errors.AsType[*notYetError](err); ok {
		next.Until = early.until
	}
	return next
}

// over reports that the action may be tried again.
func (f Failure) over(o Observation, now time.Time) bool {
	return !now.Before(f.Until) || f.Circumstance != "" && f.Circumstance != o.circumstance() ||
		!f.Refused.IsZero() && o.Listing != nil && o.Listing.BegunAt.After(f.Refused)
}

// note is the failure as a reason why the action is not tried now.
func (f Failure) note(action Action) Rest {
	_, isMint := action.(Mint)
	return Rest{Until: f.Until, Notes: []Note{{Reason: f.Reason, Message: f.Message, Stalled: f.Stalled, Mint: isMint}}}
}

// circumstance is what a person changes to mend what the API or the API server refuses: the spec, or the token.
func (o Observation) circumstance() string {
	return fmt.Sprintf("generation %d, token %s", o.Object.Generation, o.Connection.TokenHeldBy)
}

// reasonOf names what an action failed at.
func reasonOf(action Action, err error) Reason {
	if _, early := errors.AsType[*notYetError](err); early {
		return Verifying
	}
	if errors.Is(err, errReverted) {
		return Reverted
	}
	if _, unreadable := errors.AsType[*templateError](err); unreadable {
		return InvalidTemplate
	}
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrExists) {
		return refusalOf(action, err)
	}
	if reason, upstream := upstreamReason(err); upstream {
		if _, isPublish := action.(Publish); isPublish {
			return Verifying // the one request that a publication makes is with the new key
		}
		if _, isRevoke := action.(Revoke); isRevoke && reason == RequestRefused {
			return APIUnavailable // a revocation asks for nothing that a spec could change
		}
		return reason
	}
	_, exchange := errors.AsType[*exchangeError](err)
	switch action.(type) {
	case Patch, Revoke:
		exchange = true
	}
	if exchange {
		return APIUnavailable
	}
	return KubernetesUnavailable
}

// exchangeError is an error of the request that issues a key: other steps of a Mint are requests to Kubernetes.
type exchangeError struct{ error }

func (e *exchangeError) Unwrap() error { return e.error }

// refusalOf names what the API server will not carry out.
func refusalOf(action Action, err error) Reason {
	switch action.(type) {
	case Mint, Seal, Publish:
		if errors.Is(err, ErrExists) {
			return SecretConflict
		}
		return SecretRefused
	}
	return KubernetesUnavailable
}

// upstreamReason names an error of the Better Data API, and reports whether it is one for certain.
func upstreamReason(err error) (Reason, bool) {
	if errors.Is(err, apiclient.ErrOutcomeUnknown) {
		return OutcomeUnknown, true
	}
	if errors.Is(err, ErrConnectionNotReady) {
		return WaitingForConnection, true
	}
	if apiclient.IsRateLimited(err) {
		return WaitingForQuota, true
	}
	answer, answered := errors.AsType[*apiclient.Error](err)
	switch {
	case !answered:
		return APIUnavailable, errors.Is(err, apiclient.ErrNotExecuted)
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return WaitingForConnection, true
	case answer.Status == http.StatusBadRequest || answer.Status == http.StatusUnprocessableEntity:
		return RequestRefused, true
	}
	return APIUnavailable, true
}

// describe tells an error in words that stay the same as long as the error does: without request ids and local ports,
// and without what a failing server or a proxy wrote instead of an answer. Status is written whenever a message changes.
func describe(err error) string {
	text := err.Error()
	replace := func(unstable, stable string) { text = strings.ReplaceAll(text, unstable, stable) }
	if answer, ok := errors.AsType[*apiclient.Error](err); ok {
		stable := *answer
		stable.RequestID = ""
		if answer.Code == "" && answer.Status != http.StatusBadRequest && answer.Status != http.StatusUnprocessableEntity {
			stable.Message, stable.Details = "", nil
		}
		replace(answer.Error(), stable.Error())
	}
	if quota, ok := errors.AsType[*apiclient.QuotaError](err); ok {
		replace(quota.Error(), quotaUsedUp(quota.RetryAt))
	}
	if broken, ok := errors.AsType[*net.OpError](err); ok && broken.Source != nil {
		stable := *broken
		stable.Source = nil
		replace(broken.Error(), stable.Error())
	}
	return clip(text)
}

func quotaUsedUp(until time.Time) string { return "the request quota is used up until " + stamp(until) }

// stamp writes a time as it stands in messages.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// messageLimit is what an event's note may hold.
const messageLimit = 1000

func clip(text string) string {
	if len(text) <= messageLimit {
		return text
	}
	const more = "..."
	return strings.ToValidUTF8(text[:messageLimit-len(more)], "") + more
}
