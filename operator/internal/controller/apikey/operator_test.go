package apikey_test

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

const account = "system:serviceaccount:betterdata-system:betterdata-operator"

// A first key: status, Secret and API agree, each event is there once, and looking again writes nothing and asks nothing.
func TestOperatorFirstKey(t *testing.T) {
	t.Parallel()
	w := ready(t)
	live := w.api.LiveKeys()
	status := w.lastStatus()
	if len(live) != 1 || status.KeyID != live[0].ID || status.Last4 != live[0].Last4 || status.Sequence != 1 || status.SecretName != keyName {
		t.Errorf("live %+v, status %+v", live, status)
	}
	if f, ok := w.counts.measured(keyName); !ok || !f.Ready || f.KeyID != status.KeyID {
		t.Errorf("measured %+v", f)
	}
	w.eventually("events", func() bool { e := w.events(); return e["KeyIssued"] == 1 && e["KeyPublished"] == 1 })
	before, asked := w.mustJSON(status), w.api.Stats().Total
	mark := must(w.env.AuditMark(t.Context()))(t)
	for range 3 {
		w.again()
	}
	requests := must(w.env.AuditSince(t.Context(), mark))(t)
	writes := requests.By(account).Writes().Where(func(r testenv.Request) bool { return r.Namespace == w.namespace })
	if len(writes) != 0 || w.api.Stats().Total != asked {
		t.Errorf("a steady ApiKey writes:\n%s\nand asks %d times", writes, w.api.Stats().Total-asked)
	}
	if after := w.mustJSON(w.lastStatus()); after != before {
		t.Errorf("status changes:\n%s\n%s", before, after)
	}
	if e := w.events(); e["KeyIssued"] != 1 || e["KeyPublished"] != 1 || len(e) != 2 {
		t.Errorf("events %v", e)
	}
	w.mustHaveMinted(1)
}

func (w *world) mustJSON(v any) string {
	w.Helper()
	return string(must(json.Marshal(v))(w.T))
}

// Whatever is taken away is put back at once, with the same key.
func TestOperatorSources(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		harm   func(w *world)
		mended func(w *world, plaintext, status string) bool
	}{
		"status wiped": {
			func(w *world) { w.patch(&v1alpha1.ApiKey{ObjectMeta: w.object(keyName)}, `{"status":null}`, "status") },
			func(w *world, _, status string) bool { return w.mustJSON(w.untimed()) == status },
		},
		"target deleted": {
			func(w *world) { w.check(w.people.Delete(w.Context(), &corev1.Secret{ObjectMeta: w.object(keyName)})) },
			func(w *world, plaintext, _ string) bool { return w.secret() == plaintext },
		},
		"target tampered with": {
			func(w *world) { w.patch(&corev1.Secret{ObjectMeta: w.object(keyName)}, `{"data":{"api-key":"eA=="}}`) },
			func(w *world, plaintext, _ string) bool { return w.secret() == plaintext },
		},
		"ledger deleted": {
			func(w *world) {
				ledger := w.ledgers()[0]
				w.patch(&ledger, `{"metadata":{"finalizers":null}}`)
				w.check(w.people.Delete(w.Context(), &ledger))
			},
			func(w *world, _, _ string) bool { return w.events()["LedgerRestored"] == 1 && len(w.ledgers()) == 1 },
		},
		"spec edited": {
			func(w *world) {
				w.patch(&v1alpha1.ApiKey{ObjectMeta: w.object(keyName)}, `{"spec":{"scopes":["inventory:read","forecast:read"]}}`)
			},
			func(w *world, _, _ string) bool { return len(w.api.LiveKeys()[0].Scopes) == 2 },
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			w := ready(t)
			plaintext, status := w.secret(), w.mustJSON(w.untimed())
			test.harm(w)
			w.eventually(title, func() bool { return test.mended(w, plaintext, status) })
			w.eventually("ready again", func() bool { return w.reason(v1alpha1.ConditionReady) == v1alpha1.ReasonPublished })
			if w.secret() != plaintext {
				t.Error("the Secret holds another key")
			}
			w.mustHaveMinted(1)
		})
	}
}

// untimed is the status without the times of its conditions' transitions, which begin anew once it was wiped.
func (w *world) untimed() v1alpha1.ApiKeyStatus {
	status := w.lastStatus()
	for i := range status.Conditions {
		status.Conditions[i].LastTransitionTime.Reset()
	}
	return status
}

func (w *world) patch(o client.Object, patch string, subresource ...string) {
	w.Helper()
	merge := client.RawPatch("application/merge-patch+json", []byte(patch))
	if len(subresource) > 0 {
		w.check(w.people.SubResource(subresource[0]).Patch(w.Context(), o, merge))
		return
	}
	w.check(w.people.Patch(w.Context(), o, merge))
}

// An ApiKey that came before its Connection goes on by itself when that is made.
func TestOperatorConnectionEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createKey()
	w.eventually("waiting", func() bool { return w.reason(v1alpha1.ConditionReconciling) == v1alpha1.ReasonWaitingForConnection })
	w.mustHaveMinted(0)
	w.connect()
	w.eventually("ready", func() bool { return w.reason(v1alpha1.ConditionReady) == v1alpha1.ReasonPublished })
	w.mustHaveMinted(1)
}

// Who finds out that a key was revoked upstream pushes its ApiKey into the Inbox.
func TestOperatorInbox(t *testing.T) {
	t.Parallel()
	w := ready(t)
	dead := w.lastStatus().KeyID
	w.check(w.api.EditKey(dead, func(k *sandbox.Key) { k.Status = "REVOKED" }))
	must(w.client.Directory().View(t.Context(), apiclient.Freshness{MaxAge: 1}))(t)
	w.inbox.Push(apikey.Ref{Namespace: w.namespace, Name: keyName}, apikey.Ref{Namespace: w.namespace, Name: "unknown"})
	w.eventually("another key", func() bool { s := w.lastStatus(); return s.KeyID != dead && s.Sequence == 2 })
	w.mustHaveMinted(2)
}

// Deleting revokes, and leaves nothing behind: no Secret, no ledger, no metric.
func TestOperatorDelete(t *testing.T) {
	t.Parallel()
	w := ready(t)
	w.check(w.people.Delete(t.Context(), &v1alpha1.ApiKey{ObjectMeta: w.object(keyName)}))
	w.eventually("gone", func() bool { _, measured := w.counts.measured(keyName); return len(w.ledgers()) == 0 && !measured })
	if live := w.api.LiveKeys(); len(live) != 0 {
		t.Errorf("live %+v", live)
	}
	w.eventually("event", func() bool { return w.events()["KeyRevoked"] == 1 })
}
