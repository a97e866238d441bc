package cluster

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

func TestOperatorLedgerIsReadBackFromEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, other := w.apiKey("reader", nil), w.apiKey("other", nil)
	written := w.createLedger(r)
	w.createLedger(other)
	want := ledger(r, 1)
	want.Namespace, want.UID = w.namespace, written.UID
	if !same(written, want) {
		t.Errorf("by name: %+v\nwant %+v", written, want)
	}
	for _, read := range []apikey.Read{apikey.Live, apikey.Cached} {
		var found []apikey.LedgerRecord
		w.eventually("its ledger is listed", func() bool {
			found = must(w.Ledgers(t.Context(), r, read))(t)
			return len(found) > 0
		})
		if len(found) != 1 || !same(found[0], want) {
			t.Errorf("live %v: %+v\nwant only %+v", read, found, want)
		}
	}
	s := w.secret(want.Name)
	if !*s.Immutable || string(s.Type) != v1alpha1.SecretTypeLedger || !slices.Contains(s.Finalizers, v1alpha1.FinalizerLedger) || s.Labels[v1alpha1.LabelApiKeyUID] != "" {
		t.Errorf("the ledger's Secret is %+v", s.ObjectMeta)
	}
	if owner, ok := OwnerOf(s); !ok || owner != r.Ref() {
		t.Errorf("its ApiKey is %v", owner)
	}
	known := must(w.Known(t.Context(), want.Connection))(t)
	wantKnown := apikey.Known{ID: "key_1", Namespace: w.namespace, OwnerUID: r.UID, First: true, IssuedAt: now, Credential: "f00d"}
	if !slices.Contains(known, wantKnown) {
		t.Errorf("known: %+v, want %+v", known, wantKnown)
	}
	if !w.HasLedgers(t.Context(), r.UID) || w.HasLedgers(t.Context(), "nobody") {
		t.Error("HasLedgers is wrong")
	}
}

func same(a, b apikey.LedgerRecord) bool {
	equal := a.Plaintext.Equal(b.Plaintext) && a.IssuedAt.Equal(b.IssuedAt)
	a.Plaintext, b.Plaintext, a.IssuedAt = apiclient.Secret{}, apiclient.Secret{}, b.IssuedAt
	return equal && reflect.DeepEqual(a, b)
}

// Only one write of a name can win, and what it wrote cannot be altered.
func TestOperatorLedgerIsWrittenOnceAndForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	l := w.createLedger(r)
	again := ledger(r, 1)
	again.ID = "key_2"
	w.expect(w.CreateLedger(t.Context(), r, again, true), apikey.ErrExists)
	w.expect(w.CreateLedger(t.Context(), r, again, false), apikey.ErrExists)
	s := w.secret(l.Name)
	s.Data[entryKeyID] = []byte("key_3")
	if err := w.people.Update(t.Context(), s); err == nil {
		t.Error("a ledger could be altered")
	}
	if now := must(w.Ledger(t.Context(), r.Ref(), l.Name))(t); !same(now, l) {
		t.Errorf("the ledger is now %+v", now)
	}
}

func TestOperatorLedgerIsRefusedWhereItCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	nowhere := *r
	nowhere.Namespace = "nowhere"
	w.expect(w.CreateLedger(t.Context(), &nowhere, ledger(r, 1), true), apikey.ErrRefused)
	w.expect(w.CreateLedger(t.Context(), &nowhere, ledger(r, 1), false), apikey.ErrRefused)

	w.refuseSecrets("'no Secrets here'")
	w.expect(w.CreateLedger(t.Context(), r, ledger(r, 1), true), apikey.ErrRefused)
	w.expect(w.CreateLedger(t.Context(), r, ledger(r, 1), false), apikey.ErrRefused)
	w.expect(w.ApplyTarget(t.Context(), r, w.write(r, map[string]string{"api-key": plaintext}), false), apikey.ErrRefused)
}

// P1: a write of which no answer came is unclear, whether it was carried out or not; a read settles it.
func TestOperatorUnclearLedgerWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	for sequence, reached := range map[int]bool{1: true, 2: false} {
		l := ledger(r, sequence)
		w.wire.fail(fault{reached: reached})
		err := w.CreateLedger(t.Context(), r, l, false)
		for _, settled := range []error{nil, apikey.ErrRefused, apikey.ErrExists, apikey.ErrConflict, apikey.ErrNotFound} {
			if errors.Is(err, settled) {
				t.Errorf("reached %v: got %v, which is clear", reached, err)
			}
		}
		found, err := w.Ledger(t.Context(), r.Ref(), l.Name)
		if reached && (err != nil || found.ID != l.ID) {
			t.Errorf("a ledger that was written reads as %+v, %v", found, err)
		}
		if !reached {
			w.expect(err, apikey.ErrNotFound)
		}
	}
}

func TestOperatorDeleteLedgerIsBoundToItsUID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	l := w.createLedger(r)
	impostor := l
	impostor.UID = "another"
	w.expect(w.DeleteLedger(t.Context(), impostor), apikey.ErrConflict)
	if s := w.secret(l.Name); s.DeletionTimestamp != nil || len(s.Finalizers) == 0 {
		t.Errorf("the ledger of another uid is touched: %+v", s.ObjectMeta)
	}
	for _, when := range []string{"there", "gone"} {
		if err := w.DeleteLedger(t.Context(), l); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	if !w.secretGone(l.Name) {
		t.Error("the ledger is still there")
	}
}

// A process that ends after the first of the two requests: the ledger still counts, and another process finishes.
func TestOperatorDeleteLedgerInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	l := w.createLedger(r)
	w.wire.fail(fault{reached: true})
	if err := w.DeleteLedger(t.Context(), l); err == nil {
		t.Fatal("no error")
	}
	if found := must(w.Ledgers(t.Context(), r, apikey.Live))(t); len(found) != 1 {
		t.Errorf("half deleted, it no longer counts: %v", found)
	}
	if err := w.DeleteLedger(t.Context(), l); err != nil || !w.secretGone(l.Name) {
		t.Errorf("deleting again: %v", err)
	}
}

// A finalizer of somebody else holds the object, and nothing of ours waits for it.
func TestOperatorDeletedLedgerHeldByOthersIsNoLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	l := w.createLedger(r)
	w.editSecret(l.Name, func(s *corev1.Secret) { s.Finalizers = append(s.Finalizers, "example.com/backup") })
	if err := w.DeleteLedger(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if got := w.secret(l.Name).Finalizers; !slices.Equal(got, []string{"example.com/backup"}) {
		t.Errorf("finalizers are %v", got)
	}
	if found := must(w.Ledgers(t.Context(), r, apikey.Live))(t); len(found) != 0 {
		t.Errorf("it is still listed: %v", found)
	}
}

// P1: whoever deletes a ledger, its ApiKey or the whole namespace, the plaintext stays until the operator lets go.
func TestOperatorLedgerSurvivesGarbageCollection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	l := w.createLedger(r)
	w.apply(r, map[string]string{"api-key": plaintext})
	w.deleteAs(w.secret(l.Name), metav1.DeletePropagationBackground)
	// With the owner gone at once, the garbage collector takes the target, and would take the ledger with it.
	w.deleteAs(&v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Name: r.Name, Namespace: w.namespace}}, metav1.DeletePropagationBackground)
	w.eventually("the target is collected", func() bool { return w.secretGone("reader") })
	w.mustHold(r, l)
}

func TestOperatorLedgerSurvivesForegroundDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	l := w.createLedger(r)
	a := &v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{Name: r.Name, Namespace: w.namespace}}
	w.deleteAs(a, metav1.DeletePropagationForeground)
	w.eventually("the collector has come to the ledger", func() bool { return w.secret(l.Name).DeletionTimestamp != nil })
	w.mustHold(r, l)
	if w.gone(a) {
		t.Error("the ApiKey did not wait for its ledger")
	}
	if err := w.DeleteLedger(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	w.eventually("the ApiKey goes", func() bool { return w.gone(a) })
}

func TestOperatorLedgerSurvivesNamespaceDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	if r.NamespaceTerminating {
		t.Error("the namespace passes for terminating")
	}
	if err := w.AddFinalizer(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	l := w.createLedger(r)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	w.deleteAs(namespace, metav1.DeletePropagationBackground)
	w.eventually("the namespace controller has come to the ledger", func() bool { return w.secret(l.Name).DeletionTimestamp != nil })
	w.mustHold(r, l)
	w.eventually("the ApiKey is being deleted", func() bool {
		r = w.resource(r.Name)
		return !r.DeletedAt.IsZero()
	})
	if !r.NamespaceTerminating {
		t.Errorf("the ending namespace is not told: %+v", r.Object)
	}
	// A ledger that cannot be written is refused, not unclear: the key that was to be in it is taken back at once.
	w.expect(w.CreateLedger(t.Context(), r, ledger(r, 2), true), apikey.ErrRefused)
	w.expect(w.CreateLedger(t.Context(), r, ledger(r, 2), false), apikey.ErrRefused)
	if err := w.DeleteLedger(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if err := w.RemoveFinalizer(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	w.eventually("the namespace ends", func() bool { return w.gone(namespace) })
}

// mustHold checks that the ledger is there with all that it held.
func (w *world) mustHold(r *apikey.Resource, l apikey.LedgerRecord) {
	w.Helper()
	found := must(w.Ledgers(w.Context(), r, apikey.Live))(w.T)
	if len(found) != 1 || !same(found[0], l) {
		w.Errorf("the ledgers are %+v", found)
	}
}

// Labels, annotations and owner references can be edited by anybody; the data cannot.
func TestOperatorLedgerLosesNothingWithItsLabels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	l := w.createLedger(r)
	w.editSecret(l.Name, func(s *corev1.Secret) { s.Labels, s.OwnerReferences = nil, nil })
	w.mustHold(r, l)
	w.eventually("the cache has it too", func() bool {
		found := must(w.Ledgers(t.Context(), r, apikey.Cached))(t)
		return len(found) == 1 && same(found[0], l)
	})
	if owner, ok := OwnerOf(w.secret(l.Name)); !ok || owner != r.Ref() {
		t.Errorf("its ApiKey is %v", owner)
	}
}

// A ledger of this ApiKey that cannot be read stops it; one that names nobody, or another, does not.
func TestOperatorDamagedLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, other := w.apiKey("reader", nil), w.apiKey("other", nil)
	for name, data := range map[string]map[string]string{"nobodys": {"note": "x"}, "wrong-name": {entryApiKeyUID: other.UID, entryPlaintext: plaintext}} {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}, Type: v1alpha1.SecretTypeLedger, StringData: data}
		if err := w.people.Create(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := w.Ledgers(t.Context(), r, apikey.Live); err != nil || len(found) != 0 {
		t.Errorf("ledgers of others: %v, %v", found, err)
	}
	for _, read := range []apikey.Read{apikey.Live, apikey.Cached} {
		var err error
		w.eventually("the damage is seen", func() bool {
			_, err = w.Ledgers(t.Context(), other, read)
			return err != nil
		})
		w.expect(err, apikey.ErrLedgerDamaged)
		var damaged *DamagedLedgerError
		if !errors.As(err, &damaged) || damaged.Name != "wrong-name" || strings.Contains(fmt.Sprintf("%v %+v", err, err), plaintext[:8]) {
			t.Errorf("got %v", err)
		}
	}
	if known, err := w.Known(t.Context(), "Connection/shop/default/1"); err != nil || len(known) != 0 {
		t.Errorf("known: %v, %v", known, err)
	}
	_, err := w.Ledger(t.Context(), r.Ref(), "nobodys")
	w.expect(err, apikey.ErrLedgerDamaged)
	w.foreign("foreign", map[string]string{"x": "y"})
	_, err = w.Ledger(t.Context(), r.Ref(), "foreign")
	w.expect(err, apikey.ErrLedgerDamaged)
	_, err = w.Ledger(t.Context(), r.Ref(), "absent")
	w.expect(err, apikey.ErrNotFound)
}

func TestOperatorLedgerDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.apiKey("reader", nil)
	if err := w.CreateLedger(t.Context(), r, ledger(r, 1), true); err != nil {
		t.Fatal(err)
	}
	if err := w.ApplyTarget(t.Context(), r, w.write(r, map[string]string{"api-key": plaintext}), true); err != nil {
		t.Fatal(err)
	}
	var all corev1.SecretList
	if err := w.people.List(t.Context(), &all, client.InNamespace(w.namespace)); err != nil || len(all.Items) != 0 {
		t.Errorf("Secrets are %v, %v", all.Items, err)
	}
	w.apply(r, map[string]string{"api-key": plaintext})
	before := w.secret("reader").ResourceVersion
	if err := w.ApplyTarget(t.Context(), r, w.write(r, map[string]string{"api-key": "other"}), true); err != nil {
		t.Fatal(err)
	}
	if w.secret("reader").ResourceVersion != before {
		t.Error("a dry run has written")
	}
}
