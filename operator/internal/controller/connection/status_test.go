package connection

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

// connected are the facts of a connection that works.
func connected(edits ...func(*facts)) facts {
	f := facts{
		now: epoch, generation: 3, asked: true,
		authentication: v1alpha1.AuthenticationAccepted, quota: v1alpha1.QuotaAmple,
		listing: &listingFacts{live: 7, orphansJudged: true}, apiKeys: 2,
	}
	for _, edit := range edits {
		edit(&f)
	}
	return f
}

func failing(err error, authentication v1alpha1.AuthenticationState) func(*facts) {
	return func(f *facts) { f.failure, f.authentication, f.listing = err, authentication, nil }
}

// summary is what a person sees of the conditions: "Ready=False/TokenRejected".
func summary(conditions []metav1.Condition) string {
	var parts []string
	for _, c := range conditions {
		parts = append(parts, fmt.Sprintf("%s=%s/%s", c.Type, c.Status, c.Reason))
	}
	return strings.Join(parts, " ")
}

func TestConditions(t *testing.T) {
	t.Parallel()
	answer := func(status int) error { return &apiclient.Error{Op: apiclient.OpList, Status: status} }
	tests := map[string]struct {
		facts facts
		want  string
	}{
		"connected": {connected(), "Ready=True/Connected Authenticated=True/Connected"},
		"not asked yet": {
			facts{authentication: v1alpha1.AuthenticationUnknown},
			"Ready=False/Connecting Reconciling=True/Connecting Authenticated=Unknown/Connecting",
		},
		"no token": {
			connected(failing(fmt.Errorf("%w: Secret shop/token", tenant.ErrTokenMissing), v1alpha1.AuthenticationUnknown)),
			"Ready=False/TokenMissing Stalled=True/TokenMissing Authenticated=Unknown/TokenMissing",
		},
		"no token, but the last one still works": {
			connected(func(f *facts) { f.failure = tenant.ErrTokenMissing }),
			"Ready=False/TokenMissing Stalled=True/TokenMissing Authenticated=True/Connected",
		},
		"invalid settings": {
			connected(failing(&tenant.InvalidSettingsError{Why: "no certificate in caBundle"}, v1alpha1.AuthenticationUnknown)),
			"Ready=False/InvalidSettings Stalled=True/InvalidSettings Authenticated=Unknown/InvalidSettings",
		},
		"401": {
			connected(failing(answer(401), v1alpha1.AuthenticationRejected)),
			"Ready=False/TokenRejected Stalled=True/TokenRejected Authenticated=False/TokenRejected",
		},
		"403": {
			connected(failing(answer(403), v1alpha1.AuthenticationForbidden)),
			"Ready=False/TokenForbidden Stalled=True/TokenForbidden Authenticated=False/TokenForbidden",
		},
		"quota": {
			connected(failing(&apiclient.QuotaError{RetryAt: epoch}, v1alpha1.AuthenticationAccepted)),
			"Ready=False/WaitingForQuota Reconciling=True/WaitingForQuota Authenticated=True/Connected",
		},
		"429": {
			connected(failing(answer(429), v1alpha1.AuthenticationAccepted)),
			"Ready=False/WaitingForQuota Reconciling=True/WaitingForQuota Authenticated=True/Connected",
		},
		"503": {
			connected(failing(answer(503), v1alpha1.AuthenticationAccepted)),
			"Ready=False/APIUnavailable Reconciling=True/APIUnavailable Authenticated=True/Connected",
		},
		"200 of an unknown shape": {
			connected(failing(answer(200), v1alpha1.AuthenticationUnknown)),
			"Ready=False/APIUnavailable Reconciling=True/APIUnavailable Authenticated=Unknown/APIUnavailable",
		},
		"network": {
			connected(failing(errors.New("connection refused"), v1alpha1.AuthenticationUnknown)),
			"Ready=False/APIUnavailable Reconciling=True/APIUnavailable Authenticated=Unknown/APIUnavailable",
		},
		"another tenant": {
			connected(func(f *facts) { f.listing.tenantMismatch = true }),
			"Ready=False/TenantMismatch Stalled=True/TenantMismatch Authenticated=True/Connected",
		},
		"being deleted, in use": {
			connected(func(f *facts) { f.deleted, f.holders = true, []string{"shop/a"} }),
			"Ready=False/InUse Reconciling=True/InUse Authenticated=True/Connected",
		},
		"being deleted while the API is down": {
			connected(func(f *facts) { f.deleted, f.holders = true, []string{"shop/a"} }, failing(answer(503), v1alpha1.AuthenticationUnknown)),
			"Ready=False/APIUnavailable Reconciling=True/APIUnavailable Authenticated=Unknown/APIUnavailable",
		},
		"overdue": {
			connected(func(f *facts) { f.overdue = []string{"shop/a"} }),
			"Ready=True/Connected Authenticated=True/Connected RevocationOverdue=True/KeysUnrevoked",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := statusOf(test.facts, v1alpha1.ConnectionStatus{})
			if diff := cmp.Diff(test.want, summary(got.Conditions)); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			for _, c := range got.Conditions {
				if c.Message == "" || c.ObservedGeneration != test.facts.generation {
					t.Errorf("%s: message %q, generation %d", c.Type, c.Message, c.ObservedGeneration)
				}
			}
		})
	}
}

// The same facts later give the same status: nothing is written.
func TestSteadyStatus(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*facts){
		"connected": func(*facts) {},
		"orphans":   func(f *facts) { f.listing.orphans = []apiclient.Key{marked("o1", uidGone)} },
		"down":      failing(errors.New("read tcp 127.0.0.1:40001->127.0.0.1:443: connection reset by peer"), v1alpha1.AuthenticationUnknown),
		"in use":    func(f *facts) { f.deleted, f.holders = true, []string{"shop/a", "shop/b", "shop/c", "shop/d"} },
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := statusOf(connected(edit), v1alpha1.ConnectionStatus{})
			later := func(f *facts) { f.now = epoch.Add(time.Hour) }
			if diff := cmp.Diff(first, statusOf(connected(edit, later), first)); diff != "" {
				t.Errorf("differs (-first +later):\n%s", diff)
			}
		})
	}
}

// An API that is down says so in other words each time; the status keeps the first ones until the failure is another.
func TestFailureKeepsItsFirstWords(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		first, second string
		same          bool
	}{
		"ports":    {"read tcp 127.0.0.1:40001->10.0.0.7:443: reset", "read tcp 127.0.0.1:51987->10.0.0.7:443: reset", true},
		"ids":      {"bad gateway (ray 8f31c9d2a7)", "bad gateway (ray 91b77e1203)", true},
		"times":    {"no answer at 2026-01-01T00:00:00Z", "no answer at 2026-01-01T00:05:00Z", true},
		"statuses": {"HTTP 502", "HTTP 503", false},
		"causes":   {"connection refused", "no such host", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message := func(before v1alpha1.ConnectionStatus, text string) (v1alpha1.ConnectionStatus, string) {
				after := statusOf(connected(failing(errors.New(text), v1alpha1.AuthenticationUnknown)), before)
				return after, meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady).Message
			}
			status, first := message(v1alpha1.ConnectionStatus{}, test.first)
			if _, second := message(status, test.second); (first == second) != test.same {
				t.Errorf("first %q, then %q", first, second)
			}
		})
	}
}

// The request id is another one for each answer, and the message would be written each time.
func TestMessageLeavesOutTheRequestID(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("list: %w", &apiclient.Error{Op: apiclient.OpList, Status: 401, RequestID: "req-abc", Details: []byte(`{"trace":"xyz"}`)})
	v := judge(connected(failing(err, v1alpha1.AuthenticationRejected)))
	if strings.Contains(v.message, "req-abc") || strings.Contains(v.message, "xyz") || !strings.Contains(v.message, "401") {
		t.Errorf("message %q", v.message)
	}
}

func TestTransitionTimes(t *testing.T) {
	t.Parallel()
	later := func(f *facts) { f.now, f.generation = epoch.Add(time.Hour), 4 }
	ready := func(s v1alpha1.ConnectionStatus) *metav1.Condition {
		return meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady)
	}
	first := statusOf(connected(), v1alpha1.ConnectionStatus{})
	same := statusOf(connected(later), first)
	if !ready(same).LastTransitionTime.Equal(&ready(first).LastTransitionTime) || ready(same).ObservedGeneration != 4 {
		t.Errorf("same status: %+v", ready(same))
	}
	down := statusOf(connected(later, failing(errors.New("down"), v1alpha1.AuthenticationUnknown)), same)
	if !ready(down).LastTransitionTime.Time.Equal(epoch.Add(time.Hour)) {
		t.Errorf("other status: %+v", ready(down))
	}
	up := statusOf(connected(), down)
	if meta.FindStatusCondition(up.Conditions, v1alpha1.ConditionReconciling) != nil {
		t.Errorf("Reconciling stays: %s", summary(up.Conditions))
	}
}

func TestStatusFields(t *testing.T) {
	t.Parallel()
	many := make([]apiclient.Key, 30)
	for i := range many {
		many[i] = marked(fmt.Sprintf("o%02d", i), uidGone, func(k *apiclient.Key) { k.Name = strings.Repeat("ä", 300) + k.Name })
	}
	before := statusOf(connected(func(f *facts) {
		f.listing.orphans, f.straysRevoked, f.orphansRevoked, f.dropsNames = many, 4, 5, true
		f.accepted = &acceptance{request: "yes", tenant: "stamp"}
	}), v1alpha1.ConnectionStatus{})
	if *before.OrphanedKeys != 30 || len(before.Orphans) != listedOrphans || len([]rune(before.Orphans[0].Name)) != 256 {
		t.Errorf("orphans: %d, %d of them listed", *before.OrphanedKeys, len(before.Orphans))
	}
	if before.LastHandledAcceptTenant != "yes" || before.AcceptedTenant != "stamp" {
		t.Errorf("acceptance: %q, %q", before.LastHandledAcceptTenant, before.AcceptedTenant)
	}

	// An annotation that is there before any status is acknowledged and accepts nothing; later it is obeyed, or waits.
	present := func(f *facts) { f.request = "early" }
	early := statusOf(connected(present), v1alpha1.ConnectionStatus{})
	if early.LastHandledAcceptTenant != "early" || early.AcceptedTenant != "" {
		t.Errorf("early acceptance: %q, %q", early.LastHandledAcceptTenant, early.AcceptedTenant)
	}
	if later := statusOf(connected(present), before); later.LastHandledAcceptTenant != "yes" {
		t.Errorf("acknowledged without having been obeyed: %q", later.LastHandledAcceptTenant)
	}

	// While the API is down, what the last listing told stays; only the number of ApiKeys is Kubernetes' own.
	down := statusOf(connected(failing(errors.New("down"), v1alpha1.AuthenticationUnknown), func(f *facts) { f.apiKeys = 9 }), before)
	if *down.LiveKeys != 7 || *down.OrphanedKeys != 30 || *down.APIKeys != 9 {
		t.Errorf("down: live %d, orphans %d, ApiKeys %d", *down.LiveKeys, *down.OrphanedKeys, *down.APIKeys)
	}
	if down.StraysRevoked != 4 || down.OrphansRevoked != 5 || down.SuccessorMethod != v1alpha1.SuccessorCreate || down.AcceptedTenant != "stamp" {
		t.Errorf("down: %+v", down)
	}

	// Where not every ApiKey can be seen, nothing is said of orphans.
	namespaced := statusOf(connected(func(f *facts) { f.listing.orphansJudged = false }), before)
	if namespaced.OrphanedKeys != nil || namespaced.Orphans != nil {
		t.Errorf("namespaced: %v", namespaced.Orphans)
	}
	if fresh := statusOf(connected(), v1alpha1.ConnectionStatus{}); fresh.SuccessorMethod != v1alpha1.SuccessorRotate {
		t.Errorf("successor method %q", fresh.SuccessorMethod)
	}
}
