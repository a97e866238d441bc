package cluster

import (
	"maps"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// dressed is an ApiKey that says everything about its Secret's look.
func dressed(a *v1alpha1.ApiKey) {
	a.Spec.Secret = v1alpha1.SecretTarget{
		Labels:      map[string]v1alpha1.LabelValue{"team": "shop", "tier": "back"},
		Annotations: map[string]v1alpha1.AnnotationValue{"owner": "ops", "note": "x"},
		Template:    map[string]v1alpha1.TemplateText{".env": "KEY={{ .Key }}", "id": "{{ .KeyID }}"},
	}
}

// P4, and no write loop: what a person removes from the settings leaves the Secret, and nothing else does.
func TestOperatorWhatSettingsDropLeavesTheTarget(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	e.apiKey("reader", dressed)
	e.settle("reader")
	e.addTheirs("reader")
	for what, edit := range map[string]func(*v1alpha1.SecretTarget){
		"a template entry": func(s *v1alpha1.SecretTarget) { delete(s.Template, "id") },
		"a label":          func(s *v1alpha1.SecretTarget) { delete(s.Labels, "tier") },
		"an annotation":    func(s *v1alpha1.SecretTarget) { delete(s.Annotations, "note") },
	} {
		version := e.secret("reader").ResourceVersion
		e.editApiKey("reader", func(a *v1alpha1.ApiKey) { edit(&a.Spec.Secret) })
		e.eventually("the cache shows the edit of "+what, func() bool {
			e.settle("reader")
			return e.secret("reader").ResourceVersion != version
		})
	}
	s := e.secret("reader")
	if got, want := texts(s.Data), map[string]string{"api-key": key(1), ".env": "KEY=" + key(1), "theirs": "entry"}; !maps.Equal(got, want) {
		t.Errorf("entries are %v, want %v", got, want)
	}
	if s.Labels["team"] != "shop" || s.Labels["argocd.argoproj.io/instance"] != "shop" || s.Labels["tier"] != "" {
		t.Errorf("labels are %v", s.Labels)
	}
	if s.Annotations["owner"] != "ops" || s.Annotations["reloader.stakater.com/last-reloaded"] != "now" || s.Annotations["note"] != "" {
		t.Errorf("annotations are %v", s.Annotations)
	}
	e.mustMint(1)
}

// addTheirs is what other tools put on a Secret, each as it does: by update, by merge patch and by server-side apply.
func (e *engine) addTheirs(name string) {
	e.Helper()
	e.editSecret(name, func(s *corev1.Secret) { s.Data["theirs"] = []byte("entry") })
	s := e.secret(name)
	before := s.DeepCopy()
	s.Labels["argocd.argoproj.io/instance"] = "shop"
	if err := e.people.Patch(e.Context(), s, client.MergeFrom(before)); err != nil {
		e.Fatal(err)
	}
	reloader := applycorev1.Secret(name, e.namespace).WithAnnotations(map[string]string{"reloader.stakater.com/last-reloaded": "now"})
	if err := e.people.Apply(e.Context(), reloader, client.FieldOwner("reloader")); err != nil {
		e.Fatal(err)
	}
}

func TestOperatorWhatOthersAddStaysAndIsNotWrittenAgainst(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	e.apiKey("reader", func(a *v1alpha1.ApiKey) { dressed(a); a.Spec.Secret.PublishPrevious = true })
	e.settle("reader")
	e.addTheirs("reader")
	// An entry of the name that we use at times is theirs while we do not.
	e.editSecret("reader", func(s *corev1.Secret) { s.Data["previous-api-key"] = []byte("theirs") })
	e.awaitCached("reader")
	before, writes := e.secret("reader"), e.wire.count()
	for range 3 {
		e.settle("reader")
	}
	if after := e.secret("reader"); after.ResourceVersion != before.ResourceVersion || e.wire.count() != writes {
		t.Errorf("%d writes, from %v to %v", e.wire.count()-writes, before.ObjectMeta, after.ObjectMeta)
	}
	e.mustMint(1)
}

// P4: whatever a person does to the Secret is repaired with the same key.
func TestOperatorEditsOfTheTargetAreRepaired(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	r := e.apiKey("reader", dressed)
	e.settle("reader")
	want := texts(e.secret("reader").Data)
	edits := map[string]func(*corev1.Secret){
		"key edited":         func(s *corev1.Secret) { s.Data["api-key"] = []byte("typo") },
		"key emptied":        func(s *corev1.Secret) { s.Data["api-key"] = nil },
		"key deleted":        func(s *corev1.Secret) { delete(s.Data, "api-key") },
		"template edited":    func(s *corev1.Secret) { s.Data[".env"] = []byte("typo") },
		"all data deleted":   func(s *corev1.Secret) { s.Data = nil },
		"label edited":       func(s *corev1.Secret) { s.Labels["team"] = "other" },
		"labels deleted":     func(s *corev1.Secret) { s.Labels = nil },
		"annotations gone":   func(s *corev1.Secret) { s.Annotations = nil },
		"sequence edited":    func(s *corev1.Secret) { s.Annotations[v1alpha1.AnnotationSequence] = "99" },
		"our label altered":  func(s *corev1.Secret) { s.Labels[v1alpha1.LabelApiKeyUID] = "other" },
		"managed fields cut": func(s *corev1.Secret) { s.ManagedFields = []metav1.ManagedFieldsEntry{{}} },
	}
	for what, edit := range edits {
		e.editSecret("reader", edit)
		e.mustRepair(what, r, want)
	}
	e.kubectl("patch", "secret", "reader", "--type=json", "-p", `[{"op": "remove", "path": "/data/api-key"}]`)
	e.mustRepair("kubectl patch", r, want)
	e.kubectl("delete", "secret", "reader")
	e.mustRepair("kubectl delete", r, want)
	e.mustMint(1)
}

// mustRepair waits for the cache to show what was done, and for the Secret to be as before.
func (e *engine) mustRepair(what string, r *apikey.Resource, want map[string]string) {
	e.Helper()
	e.awaitCached("reader")
	e.eventually(what+" is repaired", func() bool {
		e.settle("reader")
		if e.secretGone("reader") {
			return false
		}
		s := e.secret("reader")
		return maps.Equal(texts(s.Data), want) && s.Labels["team"] == "shop" && s.Labels[v1alpha1.LabelApiKeyUID] == r.UID && s.Annotations["owner"] == "ops" &&
			s.Annotations[v1alpha1.AnnotationSequence] == "1" && s.Annotations[v1alpha1.AnnotationPublishedAt] != ""
	})
	writes := e.wire.count()
	if e.settle("reader"); e.wire.count() != writes {
		e.Errorf("%s: written again: %v", what, e.wire.writes[writes:])
	}
}

func TestOperatorUnusableTargets(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	e.apiKey("frozen", nil)
	e.settle("frozen")
	e.editSecret("frozen", func(s *corev1.Secret) { yes := true; s.Immutable = &yes })
	e.rotate("frozen")
	e.mustStall("frozen", apikey.Unusable)
	e.mustMint(1)
	e.deleteAs(e.secret("frozen"), metav1.DeletePropagationBackground)
	e.eventually("it is made anew", func() bool { e.settle("frozen"); return !e.secretGone("frozen") })

	// A Secret of another type, in our name: the type cannot be corrected in place.
	r := e.apiKey("typed", func(a *v1alpha1.ApiKey) { a.Spec.Secret.Type = "example.com/key" })
	owner := ownerReference(r)
	other := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "typed", Namespace: e.namespace, OwnerReferences: []metav1.OwnerReference{owner}}}
	if err := e.people.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	minted := e.tenant.minted
	e.mustStall("typed", apikey.Unusable)
	e.expect(e.ApplyTarget(t.Context(), r, e.write(r, map[string]string{"api-key": plaintext}), false), apikey.ErrRefused)

	e.foreign("taken", map[string]string{"api-key": "theirs"})
	e.apiKey("taken", nil)
	e.mustStall("taken", apikey.Foreign)
	e.mustMint(minted)
	if got := texts(e.secret("taken").Data); !maps.Equal(got, map[string]string{"api-key": "theirs"}) {
		t.Errorf("the foreign Secret holds %v", got)
	}
}

// rotate asks for a rotation.
func (e *engine) rotate(name string) {
	e.Helper()
	e.editApiKey(name, func(a *v1alpha1.ApiKey) {
		a.Annotations = map[string]string{v1alpha1.AnnotationRotateRequestedAt: e.clock.String()}
	})
}

// mustStall waits for a rest that only a person can end, over a target that is not ours to write.
func (e *engine) mustStall(name string, ownership apikey.Ownership) {
	e.Helper()
	e.eventually(name+" stalls", func() bool {
		outcome := e.settle(name)
		return outcome.Observation.Target.Ownership == ownership && outcome.Rest.Has(apikey.SecretConflict)
	})
}

// The former Secret of a renamed target is kept in step, also when somebody took its label away.
func TestOperatorRenamedTarget(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	e.apiKey("reader", nil)
	e.settle("reader")
	e.editApiKey("reader", func(a *v1alpha1.ApiKey) { a.Spec.Secret.Name = "renamed" })
	e.eventually("the new Secret is there", func() bool { e.settle("reader"); return !e.secretGone("renamed") })
	e.editSecret("reader", func(s *corev1.Secret) { s.Labels = nil })
	e.rotate("reader")
	e.eventually("both hold the new key", func() bool {
		e.settle("reader")
		return string(e.secret("renamed").Data["api-key"]) == key(2) && string(e.secret("reader").Data["api-key"]) == key(2)
	})
	e.clock = e.clock.Add(25 * time.Hour)
	e.eventually("the former one goes", func() bool { e.settle("reader"); return e.secretGone("reader") })
	if got := string(e.secret("renamed").Data["api-key"]); got != key(2) {
		t.Errorf("the target holds %s", got)
	}
	e.mustMint(2)
}

// The previous key is shown for the overlap and taken out before it is revoked.
func TestOperatorPreviousKeyComesAndGoes(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	e.apiKey("reader", func(a *v1alpha1.ApiKey) { a.Spec.Secret.PublishPrevious = true })
	e.settle("reader")
	e.rotate("reader")
	e.eventually("the successor is published", func() bool { e.settle("reader"); return e.tenant.minted == 2 })
	if got, want := texts(e.secret("reader").Data), map[string]string{"api-key": key(2), "previous-api-key": key(1)}; !maps.Equal(got, want) {
		t.Errorf("entries are %v, want %v", got, want)
	}
	e.clock = e.clock.Add(25 * time.Hour)
	e.settle("reader")
	if got, want := texts(e.secret("reader").Data), map[string]string{"api-key": key(2)}; !maps.Equal(got, want) {
		t.Errorf("entries are %v, want %v", got, want)
	}
	if len(e.tenant.revoked) != 1 || e.tenant.revoked[0] != "key_1" {
		t.Errorf("revoked: %v", e.tenant.revoked)
	}
}

// P1: a key in an entry that the settings name is seen, whoever wrote it: it is in service, and so is not revoked.
func TestOperatorTargetShowsWhatOthersWroteOverOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", dressed)
	w.apply(r, map[string]string{"api-key": plaintext, ".env": "a", "id": "b", "dropped": "c"})
	w.editSecret("reader", func(s *corev1.Secret) {
		s.Data["api-key"], s.Data[".env"], s.Data["theirs"] = []byte("restored"), []byte("restored"), []byte("theirs")
	})
	want := map[string]string{"api-key": "restored", ".env": "restored", "id": "b", "dropped": "c"}
	if got := revealed(w.target(r).Data); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// Without managed fields nothing is known to be ours, but for what the settings name.
	w.editSecret("reader", func(s *corev1.Secret) { s.ManagedFields = []metav1.ManagedFieldsEntry{{}} })
	delete(want, "dropped")
	if got := revealed(w.target(r).Data); !maps.Equal(got, want) {
		t.Errorf("without managed fields: got %v, want %v", got, want)
	}
}

// P1: an apply that leaves a field out leaves it to whoever owns it too. What somebody else's apply, edit or restore says
// of the last publication must not pass for that of the next key: its overlap would have ended before it began. And
// workloads must not be restarted for ever for what only he says.
func TestOperatorStateThatOthersOwnToo(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	e.apiKey("reader", nil)
	e.settle("reader")
	restore := func(annotations map[string]string) {
		exported := applycorev1.Secret("reader", e.namespace).WithAnnotations(e.secret("reader").Annotations).WithAnnotations(annotations)
		if err := e.people.Apply(t.Context(), exported, client.FieldOwner("velero"), client.ForceOwnership); err != nil {
			t.Fatal(err)
		}
	}
	restore(map[string]string{v1alpha1.AnnotationRestartPending: "true"})
	e.eventually("nothing is to be restarted", func() bool {
		e.settle("reader")
		return e.secret("reader").Annotations[v1alpha1.AnnotationRestartPending] == ""
	})

	restore(nil)
	e.clock = e.clock.Add(30 * 24 * time.Hour)
	e.rotate("reader")
	e.eventually("the successor is published", func() bool {
		e.settle("reader")
		return string(e.secret("reader").Data["api-key"]) == key(2)
	})
	if got := e.secret("reader").Annotations[v1alpha1.AnnotationPublishedAt]; got != e.clock.Format(time.RFC3339Nano) {
		t.Errorf("published at %s, want %s", got, e.clock.Format(time.RFC3339Nano))
	}
	if len(e.tenant.revoked) != 0 {
		t.Errorf("revoked within the overlap: %v", e.tenant.revoked)
	}
	e.mustMint(2)
}

// A Secret that an earlier version has written, without the annotations that are empty now, is not written for that.
func TestOperatorAbsentStateIsNoReasonToWrite(t *testing.T) {
	t.Parallel()
	e := newWorld(t).engine()
	e.apiKey("reader", nil)
	e.settle("reader")
	e.editSecret("reader", func(s *corev1.Secret) { delete(s.Annotations, v1alpha1.AnnotationRestartPending) })
	writes := e.wire.count()
	for range 3 {
		e.settle("reader")
	}
	if e.wire.count() != writes {
		t.Errorf("written: %v", e.wire.writes[writes:])
	}
}
