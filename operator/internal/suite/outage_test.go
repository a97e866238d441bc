package suite

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// outage is a way in which the API is of no use.
type outage struct {
	begin  func(t *testing.T, w *world) (end func())
	reason string // of the Connection's Ready
	waits  string // of a new ApiKey's, if that is another
	// requests is how many may be made of the API in observed, however many ApiKeys there are.
	requests int64
}

// observed is how long an outage is watched for a storm of requests.
const observed = 20 * time.Second

// answering is an outage in which the API, or what stands before it, gives one and the same answer.
func answering(status int, header http.Header, body string) func(*testing.T, *world) func() {
	return func(_ *testing.T, w *world) func() {
		return w.instead(func(rw http.ResponseWriter, _ *http.Request) {
			for name, values := range header {
				rw.Header()[name] = values
			}
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, body)
		})
	}
}

var (
	isJSON = http.Header{"Content-Type": {"application/json"}}
	isHTML = http.Header{"Content-Type": {"text/html"}}
)

// The first retry after a failure comes after 5 s, then 10 s, and each may be repeated once.
var outages = map[string]outage{
	"connection refused": {reason: v1alpha1.ReasonAPIUnavailable, requests: 8, begin: func(t *testing.T, w *world) func() { t.Helper(); return w.refuse(t) }},
	"hanging":            {reason: v1alpha1.ReasonAPIUnavailable, requests: 4, begin: func(_ *testing.T, w *world) func() { return w.hang() }},
	"401": {reason: v1alpha1.ReasonTokenRejected, waits: v1alpha1.ReasonWaitingForConnection, requests: 1,
		begin: answering(http.StatusUnauthorized, isJSON, `{"error":"Invalid API key","code":"INVALID_API_KEY"}`)},
	"403": {reason: v1alpha1.ReasonTokenForbidden, waits: v1alpha1.ReasonWaitingForConnection, requests: 1,
		begin: answering(http.StatusForbidden, isJSON, `{"error":"Inactive organization","code":"INACTIVE_ORGANIZATION"}`)},
	"429": {reason: v1alpha1.ReasonWaitingForQuota, requests: 6,
		begin: answering(http.StatusTooManyRequests, http.Header{"Retry-After": {"5"}}, `{"error":"Too many requests"}`)},
	"HTML from a proxy": {reason: v1alpha1.ReasonAPIUnavailable, requests: 8, begin: answering(http.StatusBadGateway, isHTML, "<html>Bad Gateway</html>")},
	"a login page":      {reason: v1alpha1.ReasonAPIUnavailable, requests: 8, begin: answering(http.StatusOK, isHTML, "<html>Sign in</html>")},
	"unknown shape":     {reason: v1alpha1.ReasonAPIUnavailable, requests: 8, begin: answering(http.StatusOK, isJSON, `{"result":{"rows":[]}}`)},
	"truncated": {reason: v1alpha1.ReasonAPIUnavailable, requests: 8,
		begin: answering(http.StatusOK, http.Header{"Content-Type": {"application/json"}, "Content-Length": {"1000"}}, `{"apiKeys":[{"id":"key_1","na`)},
}

// While the API is of no use nothing is minted, revoked or deleted, and the conditions say why. However many ApiKeys there
// are, it is asked once in a while. When it is back, everything goes on by itself.
func TestOperatorAPIUnavailable(t *testing.T) {
	t.Parallel()
	for name, o := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.connect(t)
			o.run(t, w, w.start(t, logsRequests))
		})
	}
}

// logsRequests has the operator log each request to the API.
const logsRequests = "--zap-log-level=4"

func (o outage) run(t *testing.T, w *world, process *operator) {
	t.Helper()
	var steady []string
	for i := range 10 {
		steady = append(steady, fmt.Sprintf("steady-%d", i))
		w.newKey(t, steady[i], rotating...)
	}
	all := append([]string{"rotated", "doomed"}, steady...)
	w.newKey(t, "rotated", rotating...)
	w.newKey(t, "doomed", rotating...)
	w.awaitReady(t, all...)
	w.awaitSettled(t, all...)
	held := w.entry(t.Context(), "rotated")
	before, live := changes(w.Stats()), w.liveKeys()
	recorded, err := w.ledgers(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	end := o.begin(t, w)
	w.annotate(t, "rotated", v1alpha1.AnnotationRotateRequestedAt, "now")
	w.newKey(t, "late", rotating...)
	w.remove(t, &v1alpha1.ApiKey{}, "doomed")
	w.awaitCondition(t, &v1alpha1.Connection{}, "default", v1alpha1.ConditionReady, "False", o.reason)
	w.awaitUnready(t, "late", cmp.Or(o.waits, o.reason))
	w.awaitUnready(t, "doomed", v1alpha1.ReasonRevocationPending)
	requests := w.requestsWithin(t, process, observed)
	t.Logf("%d requests in %v", requests, observed)
	if requests > o.requests {
		t.Errorf("%d requests in %v, want at most %d", requests, observed, o.requests)
	}
	if now := changes(w.Stats()); now != before || !slices.Equal(w.liveKeys(), live) {
		t.Errorf("%d changes during the outage; live were %v, now %v", now-before, live, w.liveKeys())
	}
	if ledgers, err := w.ledgers(t.Context()); err != nil || !slices.Equal(ledgers, recorded) {
		t.Errorf("%d ledgers before the outage, now others, %d: %v", len(recorded), len(ledgers), err)
	}
	for _, name := range all {
		if w.entry(t.Context(), name) == "" {
			t.Errorf("Secret %s is gone", name)
		}
	}

	end()
	w.awaitGone(t, &v1alpha1.ApiKey{}, "doomed")
	eventually(t, func(ctx context.Context) error { return w.replaced(ctx, "rotated", held) })
	all = append(steady, "rotated", "late")
	w.awaitReady(t, all...)
	w.awaitSettled(t, all...)
	w.awaitCondition(t, &v1alpha1.Connection{}, "default", v1alpha1.ConditionReady, "True", v1alpha1.ReasonConnected)
}

// awaitUnready waits until the ApiKey says that it is not ready, and names the reason, be it the connection's.
func (w *world) awaitUnready(t *testing.T, name, reason string) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		apiKey := &v1alpha1.ApiKey{}
		if err := w.get(ctx, name, apiKey); err != nil {
			return err
		}
		for _, condition := range apiKey.Status.Conditions {
			if condition.Type == v1alpha1.ConditionReady && condition.Status == "False" && strings.Contains(condition.Reason, reason) {
				return nil
			}
		}
		return fmt.Errorf("%s: want Ready=False because of %s, got %+v", name, reason, apiKey.Status.Conditions)
	})
}

// requestsWithin counts the requests that manage keys within a time: those that arrive, or those that the operator says it
// has made, if they are more. One that is refused a connection arrives nowhere.
func (w *world) requestsWithin(t *testing.T, o *operator, duration time.Duration) int64 {
	t.Helper()
	arrived, made := w.arrived.Load(), o.requests()
	if made == 0 {
		t.Fatal("the operator has logged no request, so it cannot be asked for their number")
	}
	over := time.NewTimer(duration)
	defer over.Stop()
	select {
	case <-over.C:
	case <-t.Context().Done():
	}
	return max(w.arrived.Load()-arrived, o.requests()-made)
}

// requests is how many requests to the API the operator has logged, which it does with [logsRequests].
func (o *operator) requests() int64 {
	return int64(strings.Count(o.output.String(), "API request"))
}
