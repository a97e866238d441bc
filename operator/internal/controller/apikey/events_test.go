package apikey

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/events"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	held := Target{Name: "reader", Ownership: Ours, Sequence: 2, PublishedAt: now}
	unconfirmed := Target{Name: "reader", Ownership: Ours, Sequence: 2}
	for title, test := range map[string]struct {
		deed Deed
		want string
	}{
		"minted":                {Deed{Action: Mint{Sequence: 2, Cause: CauseScheduled}}, "Normal KeyIssued"},
		"published":             {Deed{Action: Publish{Sequence: 2, Target: held, Fresh: true}}, "Normal KeyPublished"},
		"published again":       {Deed{Action: Publish{Sequence: 2, Target: Target{Name: "reader"}}}, "Normal KeyPublished"},
		"publication confirmed": {Deed{Action: Publish{Sequence: 2, Target: unconfirmed}}, ""},
		"put right":             {Deed{Action: Publish{Sequence: 2, Target: held}}, "Normal SecretUpdated"},
		"revoked":               {Deed{Action: Revoke{ID: "k1", Why: WhyOverlapEnded}}, "Normal KeyRevoked"},
		"stray revoked":         {Deed{Action: Revoke{ID: "k1", Why: WhyStray}}, "Warning StrayRevoked"},
		"stray found":           {Deed{Action: FoundStray{ID: "k1"}}, "Warning StrayFound"},
		"updated":               {Deed{Action: Patch{ID: "k1"}}, "Normal KeyUpdated"},
		"restarted":             {Deed{Action: Restart{Target: held}}, "Normal WorkloadsRestarted"},
		"ledger restored":       {Deed{Action: Seal{ID: "k1", Target: held}}, "Warning LedgerRestored"},
		"former target deleted": {Deed{Action: DeleteTarget{Target: held}}, "Normal SecretDeleted"},
		"finalizer":             {Deed{Action: AddFinalizer{}}, ""},
		"ledger deleted":        {Deed{Action: DeleteLedger{}}, ""},
		"released":              {Deed{Action: Release{}}, ""},
		"retained":              {Deed{Resource: &Resource{}, Action: Release{Retain: true, KeepID: "k1"}}, "Normal KeyRetained"},
		"retained with others":  {Deed{Resource: &Resource{}, Action: Release{Retain: true, KeepID: "k2", Left: []string{"k1"}}}, "Warning KeysLeftAlive"},
		"mint failed":           {Deed{Action: Mint{}, Err: boom}, "Warning IssueFailed"},
		"finalizer failed":      {Deed{Action: AddFinalizer{}, Err: boom}, "Warning IssueFailed"},
		"publication failed":    {Deed{Action: Publish{}, Err: boom}, "Warning PublishFailed"},
		"revocation failed":     {Deed{Action: Revoke{}, Err: boom}, "Warning RevocationFailed"},
		"update failed":         {Deed{Action: Patch{}, Err: boom}, "Warning UpdateFailed"},
		"restart failed":        {Deed{Action: Restart{}, Err: boom}, "Warning RestartFailed"},
		"sealing failed":        {Deed{Action: Seal{}, Err: boom}, "Warning LedgerRestoreFailed"},
		"release failed":        {Deed{Action: Release{}, Err: boom}, "Warning CleanupFailed"},
		"failed as before":      {Deed{Action: Mint{}, Err: boom, Again: true}, ""},
		"waits for quota":       {Deed{Action: Mint{}, Err: &apiclient.QuotaError{RetryAt: now}}, ""},
		"too early":             {Deed{Action: Publish{}, Err: &notYetError{until: now}}, ""},
	} {
		n := eventOf(test.deed)
		if got := strings.TrimSpace(n.kind + " " + n.reason); got != test.want {
			t.Errorf("%s: %q, should be %q", title, got, test.want)
		}
		if n != (notice{}) && (n.note == "" || n.action == "") {
			t.Errorf("%s: incomplete %+v", title, n)
		}
	}
}

// tally is an Observer that writes down what it is told.
type tally struct {
	lines []string
	facts map[Ref]KeyFacts
}

func (y *tally) note(format string, args ...any) {
	y.lines = append(y.lines, fmt.Sprintf(format, args...))
}
func (y *tally) Reconciled(outcome string) { y.note("reconciled %s", outcome) }
func (y *tally) Minted(cause string)       { y.note("minted %s", cause) }
func (y *tally) Revoked(why string)        { y.note("revoked %s", why) }
func (y *tally) StrayFound()               { y.note("stray found") }
func (y *tally) ApiKey(namespace, name string, f KeyFacts) {
	if y.facts == nil {
		y.facts = map[Ref]KeyFacts{}
	}
	y.facts[Ref{namespace, name}] = f
}
func (y *tally) ForgetApiKey(namespace, name string) { delete(y.facts, Ref{namespace, name}) }

func TestDeedsAreCounted(t *testing.T) {
	t.Parallel()
	recorder, counts := events.NewFakeRecorder(10), &tally{}
	var strays []string
	r := &Reconciler{Recorder: recorder, Metrics: counts, StrayRevoked: func(connection string) { strays = append(strays, connection) }}
	resource := &Resource{Object: Object{Namespace: "shop", Name: "reader", UID: "uid"}}
	for _, d := range []Deed{
		{Action: Mint{Cause: CauseFirst}}, {Action: FoundStray{ID: "s"}}, {Action: Revoke{ID: "s", Why: WhyStray}},
		{Action: Revoke{ID: "k", Why: WhyDeleted}}, {Action: Revoke{ID: "k", Why: WhyDeleted}, Err: errors.New("boom")},
	} {
		d.Resource, d.Connection = resource, "Connection/shop/default/1"
		r.did(d)
	}
	if want := []string{"minted First", "stray found", "revoked Stray", "revoked Deleted"}; !slices.Equal(counts.lines, want) {
		t.Errorf("counted %q", counts.lines)
	}
	if !slices.Equal(strays, []string{"Connection/shop/default/1"}) {
		t.Errorf("strays of %q", strays)
	}
	if len(recorder.Events) != 5 {
		t.Errorf("%d events", len(recorder.Events))
	}
}

// An ApiKey that comes to wait for a person says so, once for each reason, and events that differ in their note alone are
// not counted as one.
func TestStalledIsTold(t *testing.T) {
	t.Parallel()
	recorder := events.NewFakeRecorder(10)
	r := &Reconciler{Recorder: recorder, Metrics: &tally{}}
	resource := &Resource{Object: Object{Namespace: "shop", Name: "reader", UID: "uid"}}
	fine := statusOf(outcomeAt(seen(), now), now)
	mismatched := statusOf(outcomeAt(seen(mismatch), now), now)
	frozen := statusOf(outcomeAt(seen(due, suspended), now), now)
	for _, change := range [][2]v1alpha1.ApiKeyStatus{{fine, fine}, {fine, mismatched}, {mismatched, mismatched}, {mismatched, frozen}, {frozen, fine}} {
		r.stalled(resource, change[0], change[1])
	}
	close(recorder.Events)
	var told []string
	for event := range recorder.Events {
		told = append(told, strings.Join(strings.Fields(event)[:2], " "))
	}
	if want := []string{"Warning TenantMismatch", "Normal Suspended"}; !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
}

// A failure is told once for each message, not for each attempt.
func TestFailuresAreToldOnce(t *testing.T) {
	t.Parallel()
	m := &memory{backoff: map[string]Failure{}}
	told := 0
	for i, err := range []error{errors.New("a"), errors.New("a"), errors.New("b"), errors.New("b"), errors.New("a")} {
		if m.failed(Mint{}, err, "", now.Add(time.Duration(i)*time.Minute)) {
			told++
		}
	}
	if told != 3 {
		t.Errorf("told %d times", told)
	}
	m.succeeded(Mint{})
	if !m.failed(Mint{}, errors.New("a"), "", now) {
		t.Error("a failure after a success is news")
	}
}

// Pauses grow on although the action is not wanted for a while, unless it has succeeded.
func TestPausesGrowOn(t *testing.T) {
	t.Parallel()
	m := &memory{backoff: map[string]Failure{}}
	later := now
	for range 3 {
		m.failed(Mint{}, errors.New("a"), "", later)
		later = m.backoff["mint"].Until.Add(time.Minute)
		m.forgetFailures(later)
	}
	if got := m.backoff["mint"].Count; got != 3 {
		t.Errorf("%d failures are remembered", got)
	}
	m.succeeded(Mint{})
	m.forgetFailures(later)
	m.failed(Patch{ID: "k1"}, errors.New("a"), "", later)
	m.forgetFailures(later.Add(2 * refusedBackoff))
	if len(m.backoff) != 0 {
		t.Errorf("%v is remembered", m.backoff)
	}
}
