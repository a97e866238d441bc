package apikey

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

func answered(status int) error {
	return &apiclient.Error{Op: apiclient.OpCreate, Status: status, Message: "scope x does not exist", RequestID: "req-1"}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	quota := &apiclient.QuotaError{Op: apiclient.OpCreate, RetryAt: now.Add(40 * time.Second)}
	unclear := errors.New("the API server did not answer")
	for title, test := range map[string]struct {
		action  Action
		err     error
		reason  Reason
		stalled bool
		wait    time.Duration
		mended  bool // by another spec or token
	}{
		"mint, 400":                     {Mint{}, answered(http.StatusBadRequest), RequestRefused, true, maxBackoff, true},
		"mint, 422":                     {Mint{}, answered(http.StatusUnprocessableEntity), RequestRefused, true, maxBackoff, true},
		"patch, 400":                    {Patch{}, answered(http.StatusBadRequest), RequestRefused, true, maxBackoff, true},
		"revoke, 400":                   {Revoke{}, answered(http.StatusBadRequest), APIUnavailable, false, firstBackoff, false},
		"mint, 401":                     {Mint{}, answered(http.StatusUnauthorized), WaitingForConnection, false, maxBackoff, true},
		"mint, 403":                     {Mint{}, answered(http.StatusForbidden), WaitingForConnection, false, maxBackoff, true},
		"mint, 404":                     {Mint{}, answered(http.StatusNotFound), APIUnavailable, false, firstBackoff, false},
		"mint, 500":                     {Mint{}, fmt.Errorf("%w: %w", apiclient.ErrOutcomeUnknown, answered(500)), OutcomeUnknown, false, firstBackoff, false},
		"mint, not executed":            {Mint{}, fmt.Errorf("%w: refused", apiclient.ErrNotExecuted), APIUnavailable, false, firstBackoff, false},
		"mint, connection held back":    {Mint{}, &exchangeError{unclear}, APIUnavailable, false, firstBackoff, false},
		"mint, token gone":              {Mint{}, &exchangeError{ErrConnectionNotReady}, WaitingForConnection, false, maxBackoff, true},
		"mint, Kubernetes silent":       {Mint{}, unclear, KubernetesUnavailable, false, firstBackoff, false},
		"patch, 503":                    {Patch{}, answered(http.StatusServiceUnavailable), APIUnavailable, false, firstBackoff, false},
		"patch, no answer":              {Patch{}, unclear, APIUnavailable, false, firstBackoff, false},
		"quota":                         {Mint{}, quota, WaitingForQuota, false, 40 * time.Second, false},
		"429":                           {Patch{}, answered(http.StatusTooManyRequests), WaitingForQuota, false, firstBackoff, false},
		"mint, Secret refused":          {Mint{}, fmt.Errorf("the ledger: %w", ErrRefused), SecretRefused, true, firstBackoff, true},
		"publish, Secret refused":       {Publish{}, ErrRefused, SecretRefused, true, firstBackoff, true},
		"mint, template":                {Mint{}, fmt.Errorf("Secret: %w", &templateError{".env", "cannot be executed"}), InvalidTemplate, true, firstBackoff, true},
		"restart refused":               {Restart{}, ErrRefused, KubernetesUnavailable, false, firstBackoff, false},
		"mint, ledger exists":           {Mint{}, ErrExists, SecretConflict, true, firstBackoff, true},
		"publish, no answer":            {Publish{}, unclear, KubernetesUnavailable, false, firstBackoff, false},
		"publish, the key is dead":      {Publish{}, answered(http.StatusUnauthorized), Verifying, false, firstBackoff, false},
		"publish, not yet":              {Publish{}, &notYetError{now.Add(9 * time.Second), "later"}, Verifying, false, 9 * time.Second, false},
		"release, API server no answer": {Release{}, unclear, KubernetesUnavailable, false, firstBackoff, false},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			f := Failure{}.after(test.action, test.err, "spec 1", now)
			if f.Reason != test.reason || f.Stalled != test.stalled || f.Until.Sub(now) != test.wait || (f.Circumstance != "") != test.mended {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestBackoffGrowsAndEnds(t *testing.T) {
	t.Parallel()
	f := Failure{}
	for _, seconds := range []float64{5, 10, 20, 40, 80, 160, 300, 300} {
		if f = f.after(Restart{}, errors.New("x"), "", now); f.Until.Sub(now).Seconds() != seconds {
			t.Errorf("attempt %d waits %s", f.Count, f.Until.Sub(now))
		}
	}
}

// What the API has refused is asked again about once an hour.
func TestRefusalsAreRarelyRepeated(t *testing.T) {
	t.Parallel()
	f := Failure{}
	for _, minutes := range []float64{5, 10, 20, 40, 60, 60} {
		if f = f.after(Mint{}, answered(http.StatusBadRequest), "spec 1", now); f.Until.Sub(now).Minutes() != minutes {
			t.Errorf("attempt %d waits %s", f.Count, f.Until.Sub(now))
		}
	}
}

// What the spec or the token is to blame for is tried again at once when they change.
func TestCircumstances(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		err    error
		change func(o *Observation)
		again  bool
	}{
		"refused, nothing new":      {answered(400), nothing, false},
		"refused, spec changed":     {answered(400), func(o *Observation) { o.Object.Generation = 2 }, true},
		"token dead, replaced":      {answered(401), func(o *Observation) { o.Connection.TokenHeldBy = "other" }, true},
		"API down, spec changed":    {answered(503), func(o *Observation) { o.Object.Generation = 2 }, false},
		"Secret refused, new spec":  {ErrRefused, func(o *Observation) { o.Object.Generation = 2 }, true},
		"Secret refused, as before": {ErrRefused, nothing, false},
	} {
		o := seen(asked)
		m := &memory{backoff: map[string]Failure{}}
		m.failed(Mint{}, test.err, o.circumstance(), now)
		o.Backoff = m.backoff
		test.change(&o)
		if _, acts := decide(o, now).(Mint); acts != test.again {
			t.Errorf("%s: tried again: %t", title, acts)
		}
	}
}

// TestDescribe: a failure that goes on has one text, however often it is met.
func TestDescribe(t *testing.T) {
	t.Parallel()
	broken := func(port int) error {
		return fmt.Errorf("list keys: %w", &net.OpError{
			Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: port}, Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 443}, Err: syscall.ECONNRESET,
		})
	}
	refusal := func(request string) error {
		return fmt.Errorf("the key: %w", &apiclient.Error{Op: apiclient.OpCreate, Status: 422, Code: "BAD_SCOPE", Message: "no such scope", RequestID: request})
	}
	page := func(ray string) error {
		return &apiclient.Error{Op: apiclient.OpList, Status: 502, Message: "<html>ray " + ray}
	}
	for title, pair := range map[string][2]error{
		"local port":       {broken(50001), broken(50002)},
		"request id":       {refusal("a"), refusal("b")},
		"page of a proxy":  {page("1"), page("2")},
		"quota, other op":  {&apiclient.QuotaError{Op: apiclient.OpCreate, RetryAt: now}, &apiclient.QuotaError{Op: apiclient.OpList, RetryAt: now, Reason: "x"}},
		"not yet, request": {&notYetError{now, describe(refusal("a"))}, &notYetError{now, describe(refusal("b"))}},
	} {
		if one, other := describe(pair[0]), describe(pair[1]); one != other {
			t.Errorf("%s:\n%s\n%s", title, one, other)
		}
	}
	if text := describe(refusal("a")); !strings.Contains(text, "no such scope") || !strings.HasPrefix(text, "the key: ") {
		t.Errorf("the server's answer is lost: %s", text)
	}
	if text := describe(errors.New(strings.Repeat("é", 2000))); len(text) > messageLimit {
		t.Errorf("%d bytes", len(text))
	}
}

// A token that the API has refused is good again once a listing was answered, unless what it lacks is a scope.
func TestRefusedTokenIsGoodAgain(t *testing.T) {
	t.Parallel()
	forbidden := func(code apiclient.Code) error {
		return &apiclient.Error{Op: apiclient.OpCreate, Status: http.StatusForbidden, Code: code}
	}
	for title, test := range map[string]struct {
		err  error
		want bool
	}{
		"401":                  {answered(http.StatusUnauthorized), true},
		"403, organization":    {forbidden(apiclient.CodeInactiveOrganization), true},
		"403":                  {answered(http.StatusForbidden), false},
		"403, scope":           {forbidden(apiclient.CodeInsufficientScope), false},
		"connection not ready": {ErrConnectionNotReady, false},
	} {
		o := seen()
		failure := Failure{}.after(Mint{}, test.err, o.circumstance(), now)
		later := now.Add(time.Second)
		o.Listing.BegunAt = now.Add(-time.Second)
		if failure.over(o, later) {
			t.Errorf("%s: a listing from before proves something", title)
		}
		o.Listing.BegunAt = later
		if failure.over(o, later) != test.want {
			t.Errorf("%s: tried again at once: %t", title, !test.want)
		}
		offline(&o)
		if failure.over(o, later) {
			t.Errorf("%s: no listing proves something", title)
		}
	}
}
