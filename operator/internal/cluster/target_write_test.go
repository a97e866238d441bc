package cluster

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// P1: the first write creates or is refused. It is never merged into what somebody made since the target was looked for.
func TestOperatorFirstWriteRefusesWhatWasMadeInBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, theirs := range map[string]map[string]string{
		"same-entry":      {"api-key": "theirs"},
		"same-value":      {"api-key": plaintext},
		"disjoint-keys":   {"password": "theirs"},
		"without-entries": {},
	} {
		r := w.apiKey(name, nil)
		write := w.write(r, map[string]string{"api-key": plaintext})
		w.foreign(name, theirs)
		before := w.secret(name)
		w.expect(w.ApplyTarget(t.Context(), r, write, true), apikey.ErrConflict)
		w.expect(w.ApplyTarget(t.Context(), r, write, false), apikey.ErrConflict)
		if after := w.secret(name); after.ResourceVersion != before.ResourceVersion {
			t.Errorf("%s: the foreign Secret has changed: %v", name, texts(after.Data))
		}
		if found := w.target(r); found.Controlled {
			t.Errorf("%s: a foreign Secret passes for ours", name)
		}
	}
}

// The same while the request is on its way, which no read of ours can see.
func TestOperatorFirstWriteLosesTheRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	w.wire.fail(fault{before: func() { w.foreign("reader", map[string]string{"password": "theirs"}) }})
	w.expect(w.ApplyTarget(t.Context(), r, w.write(r, map[string]string{"api-key": plaintext}), false), apikey.ErrConflict)
	if got := texts(w.secret("reader").Data); !maps.Equal(got, map[string]string{"password": "theirs"}) {
		t.Errorf("the foreign Secret now holds %v", got)
	}
}

func TestOperatorTargetIsWrittenWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", func(a *v1alpha1.ApiKey) {
		a.Spec.Secret.Type = "example.com/key"
		a.Spec.Secret.Labels = map[string]v1alpha1.LabelValue{"team": "shop"}
		a.Spec.Secret.Annotations = map[string]v1alpha1.AnnotationValue{"reloader.stakater.com/match": "true"}
	})
	write := w.write(r, map[string]string{"api-key": plaintext, ".env": "KEY=" + plaintext})
	write.RestartPending = true
	if err := w.ApplyTarget(t.Context(), r, write, false); err != nil {
		t.Fatal(err)
	}
	s := w.secret("reader")
	if string(s.Type) != "example.com/key" || s.Labels["team"] != "shop" || s.Labels[v1alpha1.LabelApiKeyUID] != r.UID || s.Annotations["reloader.stakater.com/match"] != "true" {
		t.Errorf("the Secret's metadata is %+v", s.ObjectMeta)
	}
	if owner := metav1.GetControllerOf(s); owner == nil || string(owner.UID) != r.UID || !*owner.BlockOwnerDeletion {
		t.Errorf("the owner is %v", owner)
	}
	found := w.target(r)
	if !found.Controlled || found.Immutable || found.Type != "example.com/key" || found.Sequence != 1 || !found.IssuedAt.Equal(now) ||
		!found.PublishedAt.Equal(now) || !found.RestartPending || found.Leftovers || found.UID != string(s.UID) || found.Version != s.ResourceVersion {
		t.Errorf("read back as %+v", found)
	}
	if got := revealed(found.Data); !maps.Equal(got, map[string]string{"api-key": plaintext, ".env": "KEY=" + plaintext}) {
		t.Errorf("read back with %v", got)
	}
	if got := s.Annotations[v1alpha1.AnnotationKeyID]; got != "key_1" {
		t.Errorf("the key's id is %q", got)
	}
	if owner, ok := OwnerOf(s); !ok || owner != r.Ref() {
		t.Errorf("its ApiKey is %v", owner)
	}
}

func TestOperatorLaterWritesAreBoundToUIDAndVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	w.apply(r, map[string]string{"api-key": plaintext})
	stale := w.write(r, map[string]string{"api-key": "stale"})
	w.editSecret("reader", func(s *corev1.Secret) { s.Labels["seen"] = "yes" })
	w.expect(w.ApplyTarget(t.Context(), r, stale, false), apikey.ErrConflict)

	gone := w.write(r, map[string]string{"api-key": "gone"})
	w.deleteAs(w.secret("reader"), metav1.DeletePropagationBackground)
	w.expect(w.ApplyTarget(t.Context(), r, gone, false), apikey.ErrConflict)
	if !w.secretGone("reader") {
		t.Error("a write bound to a Secret that is gone has made another")
	}

	w.foreign("reader", map[string]string{"api-key": "theirs"})
	other := gone
	other.Version = w.secret("reader").ResourceVersion
	w.expect(w.ApplyTarget(t.Context(), r, other, false), apikey.ErrConflict)
	if got := texts(w.secret("reader").Data); !maps.Equal(got, map[string]string{"api-key": "theirs"}) {
		t.Errorf("a Secret with another uid now holds %v", got)
	}
}
