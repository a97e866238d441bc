package suite

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// The files peer_*_test.go hold one test for each hole that was found in an operator of this kind, and for each thing that
// users of such operators ask for. A test's name tells the operator or the number of the wish; docs/operator/compared.md
// lists them all, and TestComparedNamesEveryTest keeps list and tests together.

// inService brings the ApiKey "reader" into service and returns the operator that did. Lines of settings are YAML for its
// spec; without any its replaced keys do not live long.
func (w *world) inService(t *testing.T, settings ...string) *operator {
	t.Helper()
	if len(settings) == 0 {
		settings = rotating
	}
	w.connect(t)
	o := w.start(t)
	w.newKey(t, "reader", settings...)
	w.awaitReady(t, "reader")
	w.awaitSettled(t, "reader")
	return o
}

// rotate asks for a rotation of "reader" with a token that it has not had, and waits until the Secret holds the new key.
func (w *world) rotate(t *testing.T, token string) {
	t.Helper()
	before := w.entry(t.Context(), "reader")
	w.annotate(t, "reader", v1alpha1.AnnotationRotateRequestedAt, token)
	eventually(t, func(ctx context.Context) error { return rotated(ctx, w, before) })
}

// held is the id of the key that the Secret of "reader" holds.
func (w *world) held(t *testing.T) string {
	t.Helper()
	return w.identify(w.entry(t.Context(), "reader"))
}

// mustHaveIssued fails the test unless the tenant has issued exactly so many keys.
func (n *tenant) mustHaveIssued(t *testing.T, created, rotated int) {
	t.Helper()
	if s := n.Stats(); s.Created != created || s.Rotated != rotated {
		t.Errorf("keys issued: %d by create and %d by rotate, want %d and %d", s.Created, s.Rotated, created, rotated)
	}
}

// alive tells whether the key with the id is neither revoked nor expired.
func (n *tenant) alive(id string) bool {
	for _, key := range n.LiveKeys() {
		if key.ID == id {
			return true
		}
	}
	return false
}

// issue makes a key of exactly this name, as somebody else in the tenant does, and returns its id.
func (n *tenant) issue(t *testing.T, name string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"name": name, "scopes": []string{"inventory:read"}})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.url+"/admin/api-keys", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+n.SessionToken())
	request.Header.Set("Content-Type", "application/json")
	api := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := api.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		APIKey struct{ ID string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.APIKey.ID == "" {
		t.Fatalf("making the key %q: status %d: %v", name, response.StatusCode, err)
	}
	return answer.APIKey.ID
}

// refuseSecret has an admission policy refuse every write of the Secret but dry runs, until the function that it returns
// is called: what a webhook does that fails at the wrong moment.
func (w *world) refuseSecret(t *testing.T, name string) (end func()) {
	t.Helper()
	policy := "refuse-" + w.namespace
	w.apply(t, fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[2]s}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [secrets]}]
  validations:
    - expression: "request.dryRun || !(object.metadata.name in ['%[3]s', 'probe'])"
      message: refused for the test
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s, validationActions: [Deny]}
`, policy, w.namespace, name))
	probe := func(ctx context.Context) error {
		_, err := w.env.Kubectl(ctx, "", "-n", w.namespace, "create", "secret", "generic", "probe")
		return err
	}
	eventually(t, func(ctx context.Context) error {
		if err := probe(ctx); err == nil {
			_, err = w.env.Kubectl(ctx, "", "-n", w.namespace, "delete", "secret", "probe")
			return fmt.Errorf("the policy is not in force: %w", err)
		} else if !strings.Contains(err.Error(), "refused for the test") {
			return err
		}
		return nil
	})
	return func() {
		t.Helper()
		for _, kind := range []string{"validatingadmissionpolicybinding", "validatingadmissionpolicy"} {
			if _, err := w.env.Kubectl(t.Context(), "", "delete", kind, policy); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// audited are the operator's requests to the API server since the mark.
func (w *world) audited(t *testing.T, mark testenv.AuditMark) testenv.Requests {
	t.Helper()
	requests, err := w.env.AuditSince(t.Context(), mark)
	if err != nil {
		t.Fatal(err)
	}
	return requests.By(w.user)
}

// awaitRefusals waits until the operator has tried so often to write the Secret "reader" for good, in vain.
func (w *world) awaitRefusals(t *testing.T, mark testenv.AuditMark, times int) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		requests, err := w.env.AuditSince(ctx, mark)
		if err != nil {
			return err
		}
		refused := requests.By(w.user).Writes().Where(func(r testenv.Request) bool {
			return r.Resource == "secrets" && (r.Name == "reader" || r.Verb == "create") && r.Code >= http.StatusBadRequest
		})
		return unless(len(refused) >= times, "%d refusals of %d", len(refused), times)
	})
}

// auditMark is a place in the audit log.
func (w *world) auditMark(t *testing.T) testenv.AuditMark {
	t.Helper()
	mark, err := w.env.AuditMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return mark
}

// events are the reasons of the events about an ApiKey, oldest first.
func (w *world) events(ctx context.Context, apiKey string) ([]string, error) {
	var list eventsv1.EventList
	if err := w.admin.List(ctx, &list, client.InNamespace(w.namespace)); err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b eventsv1.Event) int { return a.EventTime.Compare(b.EventTime.Time) })
	var reasons []string
	for _, event := range list.Items {
		if event.Regarding.Kind == "ApiKey" && event.Regarding.Name == apiKey {
			reasons = append(reasons, event.Reason)
		}
	}
	return reasons, nil
}

// awaitEvent waits for an event about an ApiKey.
func (w *world) awaitEvent(t *testing.T, apiKey, reason string) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		reasons, err := w.events(ctx, apiKey)
		if err != nil {
			return err
		}
		return unless(slices.Contains(reasons, reason), "events %v, want %s", reasons, reason)
	})
}

// awaitStatus waits until the check has no objection to the status of "reader".
func (w *world) awaitStatus(t *testing.T, check func(s v1alpha1.ApiKeyStatus) error) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		found := &v1alpha1.ApiKey{}
		if err := w.get(ctx, "reader", found); err != nil {
			return err
		}
		return check(found.Status)
	})
}

// status is the ApiKey's status now.
func (w *world) status(t *testing.T, apiKey string) v1alpha1.ApiKeyStatus {
	t.Helper()
	found := &v1alpha1.ApiKey{}
	w.mustGet(t, apiKey, found)
	return found.Status
}
