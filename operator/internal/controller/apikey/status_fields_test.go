package apikey

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

func fieldsOf(o Observation) v1alpha1.ApiKeyStatus {
	status := statusOf(outcomeAt(o, now), now)
	status.Conditions = nil
	return status
}

func when(t time.Time) *metav1.Time { return &metav1.Time{Time: t} }

func TestStatusOfARotatedKey(t *testing.T) {
	t.Parallel()
	o := seen(rotated(time.Hour))
	o.Object.Generation = 3
	o.Ledgers[0].Prefix, o.Ledgers[0].Last4 = "bdk_one", "1111"
	o.Ledgers[1].Prefix, o.Ledgers[1].Last4, o.Ledgers[1].Cause, o.Ledgers[1].Token = "bdk_two", "2222", CauseForced, "monday"
	issued := now.Add(-time.Hour - time.Minute)
	early, _ := o.Settings.Rotation.DueAt(issued)
	want := v1alpha1.ApiKeyStatus{
		ObservedGeneration: 3, KeyID: "k2", KeyPrefix: "bdk_two", Last4: "2222", KeyName: name, Sequence: 2, IssuedAt: when(issued),
		NextRotationTime: when(early.Add(-o.Settings.Rotation.jitter("uid")).Truncate(time.Second)), LastRotationTime: when(issued),
		PreviousKeys:        []v1alpha1.PreviousKey{{ID: "k1", KeyPrefix: "bdk_one", Last4: "1111", RevokeAt: when(now.Add(23 * time.Hour))}},
		LastHandledRotateAt: "monday", SecretName: "reader",
	}
	if diff := cmp.Diff(want, fieldsOf(o)); diff != "" {
		t.Error(diff)
	}
}

func TestStatusFields(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		edits []func(o *Observation)
		holds func(s v1alpha1.ApiKeyStatus) bool
	}{
		"no key yet": {do(fresh), func(s v1alpha1.ApiKeyStatus) bool {
			return s.KeyID == "" && s.IssuedAt == nil && s.NextRotationTime == nil
		}},
		"first key has rotated nothing":   {do(caused(CauseFirst)), func(s v1alpha1.ApiKeyStatus) bool { return s.LastRotationTime == nil && s.IssuedAt != nil }},
		"recovered key: not known":        {do(caused(CauseRecovered)), func(s v1alpha1.ApiKeyStatus) bool { return s.LastRotationTime == nil }},
		"reissued key":                    {do(caused(CauseReissue)), func(s v1alpha1.ApiKeyStatus) bool { return s.LastRotationTime != nil }},
		"rotation never":                  {do(func(o *Observation) { o.Settings.Rotation.Interval = 0 }), func(s v1alpha1.ApiKeyStatus) bool { return s.NextRotationTime == nil }},
		"window that cannot be read":      {do(hasBadWindow), func(s v1alpha1.ApiKeyStatus) bool { return s.NextRotationTime == nil }},
		"deleted":                         {do(deleted), func(s v1alpha1.ApiKeyStatus) bool { return s.NextRotationTime == nil && s.KeyID == "k1" }},
		"successor sealed, not published": {do(sealedOnly), func(s v1alpha1.ApiKeyStatus) bool { return s.KeyID == "k1" && s.Sequence == 1 && s.PreviousKeys == nil }},
		"publication not confirmed": {do(rotated(time.Hour), unconfirmed), func(s v1alpha1.ApiKeyStatus) bool {
			return len(s.PreviousKeys) == 1 && s.PreviousKeys[0].RevokeAt == nil
		}},
		"API down, overlap":       {do(rotated(time.Hour), offline), func(s v1alpha1.ApiKeyStatus) bool { return len(s.PreviousKeys) == 1 && s.PreviousKeys[0].ID == "k1" }},
		"Secret of somebody else": {do(owned(Foreign)), func(s v1alpha1.ApiKeyStatus) bool { return s.KeyID == "" && s.SecretName == "reader" }},
		"adopted key lives on":    {do(adopted), func(s v1alpha1.ApiKeyStatus) bool { return len(s.PreviousKeys) == 1 && s.PreviousKeys[0].ID == "a1" }},
		"more replaced keys than fit": {do(crowded), func(s v1alpha1.ApiKeyStatus) bool {
			return len(s.PreviousKeys) == previousLimit && s.PreviousKeys[0].ID == "k1"
		}},
		"texts longer than the schema has": {do(verbose), func(s v1alpha1.ApiKeyStatus) bool { return s.KeyPrefix == "" && s.Last4 == "" && s.KeyName == "" }},
		"a token longer than it has": {do(verbose), func(s v1alpha1.ApiKeyStatus) bool {
			return s.LastHandledRotateAt != "" && len(s.LastHandledRotateAt) <= tokenLimit
		}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if status := fieldsOf(seen(test.edits...)); !test.holds(status) {
				t.Errorf("%+v", status)
			}
		})
	}
}

func caused(cause Cause) func(o *Observation) {
	return func(o *Observation) { o.Ledgers[0].Cause = cause }
}

func unconfirmed(o *Observation) { o.Target.PublishedAt = time.Time{} }

// crowded is twenty keys, the last of which is published.
func crowded(o *Observation) {
	for i := 2; i <= 20; i++ {
		id := "k" + strings.Repeat("i", i)
		sealed(i, id, time.Hour)(o)
	}
	published(20, time.Minute)(o)
}

func verbose(o *Observation) {
	o.Ledgers[0].Prefix, o.Ledgers[0].Last4, o.Ledgers[0].Token = strings.Repeat("p", 200), strings.Repeat("4", 17), strings.Repeat("é", 200)
	o.Settings.KeyName = strings.Repeat("n", 300)
}

func TestLongTokensStayApart(t *testing.T) {
	t.Parallel()
	one, other := strings.Repeat("x", 300)+"1", strings.Repeat("x", 300)+"2"
	if handledToken(one) == handledToken(other) {
		t.Error("two tokens have one acknowledgement")
	}
	if handledToken("short") != "short" {
		t.Error("a short token is changed")
	}
}

// A condition keeps the time of its transition, and loses it when its status changes.
func TestSettled(t *testing.T) {
	t.Parallel()
	before := statusOf(outcomeAt(seen(), now), now)
	hourLater := now.Add(time.Hour)
	same := settled(before, statusOf(outcomeAt(seen(offline), hourLater), hourLater))
	if got := apimeta.FindStatusCondition(same.Conditions, v1alpha1.ConditionReady).LastTransitionTime; !got.Time.Equal(now) {
		t.Errorf("Ready became true at %s, says %s", now, got)
	}
	if got := apimeta.FindStatusCondition(same.Conditions, v1alpha1.ConditionReconciling).LastTransitionTime; !got.Time.Equal(hourLater) {
		t.Errorf("Reconciling became true at %s, says %s", hourLater, got)
	}
	gone := settled(before, statusOf(outcomeAt(seen(gone), hourLater), hourLater))
	if got := apimeta.FindStatusCondition(gone.Conditions, v1alpha1.ConditionReady).LastTransitionTime; !got.Time.Equal(hourLater) {
		t.Errorf("Ready became false at %s, says %s", hourLater, got)
	}
}

func TestStatusOfErrors(t *testing.T) {
	t.Parallel()
	before := statusOf(outcomeAt(seen(deadKey, hold), now), now)
	before.ObservedGeneration = 4
	for title, test := range map[string]struct {
		status     v1alpha1.ApiKeyStatus
		want       string
		generation int64
	}{
		"new":                     {firstStatus(5, now), "Ready=Unknown/Minting Reconciling/Minting", 5},
		"damaged":                 {damagedStatus(before, 5, "Secret x", now), "Ready=Unknown/LedgerDamaged Stalled/LedgerDamaged", 5},
		"interrupted":             {interruptedStatus(before, 5, "timeout", now), "Ready=False/KeyDead Stalled/KeyDead Reconciling/KubernetesUnavailable", 4},
		"interrupted once more":   {interruptedStatus(interruptedStatus(before, 5, "x", now), 5, "timeout", now), "Ready=False/KeyDead Stalled/KeyDead Reconciling/KubernetesUnavailable", 4},
		"interrupted, never seen": {interruptedStatus(v1alpha1.ApiKeyStatus{}, 5, "timeout", now), "Ready=Unknown/KubernetesUnavailable Reconciling/KubernetesUnavailable", 0},
	} {
		if got := line(test.status.Conditions); got != test.want || test.status.ObservedGeneration != test.generation {
			t.Errorf("%s: %s, generation %d; should be %s, %d", title, got, test.status.ObservedGeneration, test.want, test.generation)
		}
	}
	if kept := damagedStatus(before, 5, "x", now); kept.KeyID != before.KeyID || kept.SecretName != before.SecretName {
		t.Errorf("what was known is lost: %+v", kept)
	}
}
