package apikey

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// outcomeAt is what a reconcile of the observation ends in, if nothing is to be done. Where something is, the reconcile
// is taken to end before it.
func outcomeAt(o Observation, at time.Time) *Outcome {
	rest, _ := decide(o, at).(Rest)
	return &Outcome{Resource: &Resource{Object: o.Object, Settings: o.Settings}, Observation: o, Rest: rest}
}

// line is a line of expected conditions: "Ready=True/Published Stalled/Suspended".
func line(conditions []metav1.Condition) string {
	var words []string
	for _, c := range conditions {
		if c.Type == v1alpha1.ConditionReady {
			words = append(words, fmt.Sprintf("Ready=%s/%s", c.Status, c.Reason))
		} else {
			words = append(words, c.Type+"/"+c.Reason)
		}
	}
	return strings.Join(words, " ")
}

func failing(key string, f Failure) func(o *Observation) {
	return func(o *Observation) {
		f.Until, f.Message = now.Add(time.Minute), "why"
		o.Backoff = map[string]Failure{key: f}
	}
}

func connection(change func(c *ConnectionState)) func(o *Observation) {
	return func(o *Observation) { change(&o.Connection) }
}

func problem(reason Reason) func(o *Observation) {
	return func(o *Observation) { offline(o); o.Connection.ProblemReason = reason }
}

func reject(reason Reason) func(o *Observation) {
	return connection(func(c *ConnectionState) { c.Refused, c.RefusedReason = "no", reason })
}

func rolling(o *Observation)      { o.Workloads.Configured = true }
func hasBadWindow(o *Observation) { o.Settings.Invalid = "no such time zone" }
func hasBadOverlap(o *Observation) {
	o.Object.InvalidOverlap = "not a duration"
}
func capped(c *ConnectionState)    { c.CapUntil = now.Add(time.Hour) }
func exhausted(c *ConnectionState) { c.QuotaUntil = now.Add(time.Minute) }
func paused(c *ConnectionState)    { c.SuspendMinting = true }

var deadKey = listed("k1", apiclient.StatusRevoked)

// statusTable has at least one row for each reason that an ApiKey can show.
var statusTable = map[string]struct {
	edits []func(o *Observation)
	want  string
}{
	"in service":                        {nil, "Ready=True/Published"},
	"overlap":                           {do(rotated(time.Hour)), "Ready=True/Overlap"},
	"overlap over, rolling":             {do(rotated(25*time.Hour), rolling), "Ready=True/AwaitingRollout"},
	"overlap over, successor unlisted":  {do(rotated(25*time.Hour), unlisted("k2")), "Ready=True/Overlap Reconciling/WaitingForListing"},
	"first key being made":              {do(fresh), "Ready=False/Minting Reconciling/Minting"},
	"key dead, being replaced":          {do(deadKey), "Ready=False/Minting Reconciling/Minting"},
	"successor not yet published":       {do(sealedOnly), "Ready=False/Publishing Reconciling/Publishing"},
	"successor being tried":             {do(sealedOnly, failing("publish/reader", Failure{Reason: Verifying})), "Ready=False/Verifying Reconciling/Verifying"},
	"rotation waits for a publication":  {do(sealedOnly, asked, failing("publish/reader", Failure{Reason: KubernetesUnavailable})), "Ready=False/KubernetesUnavailable Reconciling/KubernetesUnavailable"},
	"rotation waits for a template":     {do(sealedOnly, asked, tampered, failing("publish/reader", Failure{Reason: Verifying})), "Ready=False/Verifying Reconciling/Verifying"},
	"API down":                          {do(offline), "Ready=True/Published Reconciling/APIUnavailable"},
	"API down, overlap":                 {do(rotated(time.Hour), offline), "Ready=True/Overlap Reconciling/APIUnavailable"},
	"API down, first key":               {do(fresh, offline), "Ready=False/APIUnavailable Reconciling/APIUnavailable"},
	"API down, rotation due":            {do(due, offline), "Ready=True/Published Reconciling/APIUnavailable MintingBlocked/APIUnavailable"},
	"token refused":                     {do(problem(WaitingForConnection)), "Ready=True/Published Reconciling/WaitingForConnection"},
	"no connection":                     {do(offline, connection(func(c *ConnectionState) { c.Missing = true })), "Ready=True/Published Reconciling/WaitingForConnection"},
	"listing waits for quota":           {do(problem(WaitingForQuota)), "Ready=True/Published Reconciling/WaitingForQuota"},
	"quota used up, steady":             {do(connection(exhausted)), "Ready=True/Published"},
	"quota used up, first key":          {do(fresh, connection(exhausted)), "Ready=False/WaitingForQuota Reconciling/WaitingForQuota"},
	"quota used up, due":                {do(due, connection(exhausted)), "Ready=True/Published Reconciling/WaitingForQuota MintingBlocked/WaitingForQuota"},
	"cap reached, due":                  {do(due, connection(capped)), "Ready=True/Published Reconciling/MintLimitReached MintingBlocked/MintLimitReached"},
	"an answer was lost":                {do(fresh, failing("mint", Failure{Reason: OutcomeUnknown})), "Ready=False/OutcomeUnknown Reconciling/OutcomeUnknown"},
	"answers were lost":                 {do(asked, unknown, unknown), "Ready=True/Published Reconciling/OutcomeUnknown MintingBlocked/OutcomeUnknown"},
	"strays hold up the first key":      {do(fresh, stray("s1", time.Minute), stray("s2", time.Minute)), "Ready=False/StrayPending Reconciling/StrayPending StrayFound/PlaintextLost"},
	"target may hold an unlisted key":   {do(fresh, holdsUnknown(5*time.Minute)), "Ready=False/WaitingForListing Reconciling/WaitingForListing"},
	"stray":                             {do(stray("s1", time.Minute)), "Ready=True/Published StrayFound/PlaintextLost"},
	"stray, API down":                   {do(stray("s1", time.Minute), offline), "Ready=True/Published Reconciling/APIUnavailable StrayFound/PlaintextLost"},
	"stray from before a restore":       {do(stray("s1", time.Minute), restoredStray), "Ready=True/Published StrayFound/RestoreSuspected"},
	"Kubernetes fails":                  {do(gone, failing("publish/reader", Failure{Reason: KubernetesUnavailable})), "Ready=False/KubernetesUnavailable Reconciling/KubernetesUnavailable"},
	"five replaced keys, due":           {do(many, due), "Ready=True/Overlap Reconciling/TooManyPreviousKeys MintingBlocked/TooManyPreviousKeys"},
	"suspended, steady":                 {do(suspended), "Ready=True/Published MintingBlocked/Suspended"},
	"suspended, first key":              {do(fresh, suspended), "Ready=False/Suspended Stalled/Suspended"},
	"suspended, due":                    {do(due, suspended), "Ready=True/Published Stalled/Suspended MintingBlocked/Suspended"},
	"minting suspended, first key":      {do(fresh, connection(paused)), "Ready=False/MintingSuspended Stalled/MintingSuspended"},
	"token missing, first key":          {do(fresh, connection(func(c *ConnectionState) { c.TokenMissing = "no Secret" })), "Ready=False/WaitingForConnection Reconciling/WaitingForConnection"},
	"token missing, due":                {do(due, connection(func(c *ConnectionState) { c.TokenMissing = "no Secret" })), "Ready=True/Published Reconciling/WaitingForConnection MintingBlocked/WaitingForConnection"},
	"token missing, steady":             {do(connection(func(c *ConnectionState) { c.TokenMissing = "no Secret" })), "Ready=True/Published"},
	"minting suspended, steady":         {do(connection(paused)), "Ready=True/Published MintingBlocked/MintingSuspended"},
	"foreign Secret":                    {do(fresh, owned(Foreign)), "Ready=False/SecretConflict Stalled/SecretConflict"},
	"Secret refused":                    {do(fresh, failing("mint", Failure{Reason: SecretRefused, Stalled: true})), "Ready=False/SecretRefused Stalled/SecretRefused"},
	"request refused, first key":        {do(fresh, failing("mint", Failure{Reason: RequestRefused, Stalled: true})), "Ready=False/RequestRefused Stalled/RequestRefused"},
	"request refused, scopes":           {do(drifted, failing("patch/k1", Failure{Reason: RequestRefused, Stalled: true})), "Ready=True/Published Stalled/RequestRefused"},
	"template":                          {do(gone, func(o *Observation) { o.Ledgers[0].RenderFailed = "bad" }), "Ready=False/InvalidTemplate Stalled/InvalidTemplate"},
	"window, not due":                   {do(hasBadWindow), "Ready=True/Published Stalled/InvalidWindow MintingBlocked/InvalidWindow"},
	"window, first key":                 {do(fresh, hasBadWindow), "Ready=False/InvalidWindow Stalled/InvalidWindow"},
	"overlap unreadable":                {do(asked, hasBadOverlap), "Ready=True/Published Stalled/InvalidRotateOverlap MintingBlocked/InvalidRotateOverlap"},
	"overlap unreadable, token handled": {do(hasBadOverlap), "Ready=True/Published"},
	"namespace not allowed":             {do(fresh, reject(NamespaceNotAllowed)), "Ready=False/NamespaceNotAllowed Stalled/NamespaceNotAllowed"},
	"scopes not allowed, in service":    {do(reject(ScopesNotAllowed)), "Ready=True/Published MintingBlocked/ScopesNotAllowed"},
	"max keys":                          {do(fresh, reject(MaxKeysReached)), "Ready=False/MaxKeysReached Stalled/MaxKeysReached"},
	"adoption":                          {do(fresh, adopting, unlisted("a1")), "Ready=False/AdoptionRefused Stalled/AdoptionRefused"},
	"dead and Hold":                     {do(deadKey, hold), "Ready=False/KeyDead Stalled/KeyDead"},
	"another tenant":                    {do(mismatch), "Ready=True/Published Stalled/TenantMismatch"},
	"another tenant, due":               {do(mismatch, due), "Ready=True/Published Stalled/TenantMismatch MintingBlocked/TenantMismatch"},
	"marker gone":                       {do(nameless), "Ready=True/Published Stalled/MarkerMissing"},
	"written in vain":                   {do(tampered, failing("upkeep/reader", Failure{Reason: Reverted, Stalled: true})), "Ready=True/Published Stalled/Reverted"},
	"former Secret in use":              {do(former, formerInUse), "Ready=True/Published Stalled/InUse"},
	"scopes normalized":                 {do(drifted, patched), "Ready=True/Published ScopesDiffer/NormalizedByAPI"},
	"namespace ends, first key":         {do(fresh, terminating), "Ready=False/NamespaceTerminating Reconciling/NamespaceTerminating"},
	"deleted":                           {do(deleted), "Ready=False/Revoking Reconciling/Revoking"},
	"deleted, leadership young":         {do(deleted, deadKey, func(o *Observation) { o.LeaderSince = now.Add(-time.Minute) }), "Ready=False/Revoking Reconciling/Revoking"},
	"deleted, API down":                 {do(deleted, offline), "Ready=False/RevocationPending Reconciling/APIUnavailable"},
	"deleted, revocation fails":         {do(deleted, failing("revoke/k1", Failure{Reason: APIUnavailable})), "Ready=False/RevocationPending Reconciling/APIUnavailable"},
	"deleted, API down for days":        {do(offline, func(o *Observation) { o.Object.DeletedAt = now.Add(-48 * time.Hour) }), "Ready=False/RevocationOverdue Reconciling/APIUnavailable"},
	"deleted, another tenant":           {do(deleted, mismatch), "Ready=False/RevocationPending Stalled/TenantMismatch"},
	"deleted, marker gone":              {do(deleted, nameless), "Ready=False/MarkerMissing Stalled/MarkerMissing"},
	"deleted, Retain":                   {do(deleted, retained), "Ready=False/Retaining Reconciling/Retaining"},
	"deleted, token of others":          {do(deleted, connection(func(c *ConnectionState) { c.OthersDepend = true })), "Ready=False/InUse Reconciling/InUse"},
	"rotation waits, target foreign":    {do(sealedOnly, asked, owned(Foreign)), "Ready=False/SecretConflict Stalled/SecretConflict"},
	"rotation waits, patch failing":     {do(sealedOnly, asked, scoped("k2"), failing("patch/k2", Failure{Reason: APIUnavailable})), "Ready=False/APIUnavailable Reconciling/APIUnavailable"},
	"rotation waits, published unknown": {do(sealedOnly, asked, offline), "Ready=False/Rotating Reconciling/Rotating"},
}

func tampered(o *Observation) { o.Target.MetaInSync = false }

func TestStatusConditions(t *testing.T) {
	t.Parallel()
	for title, test := range statusTable {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			o := seen(test.edits...)
			o.Object.Generation = 7
			status := statusOf(outcomeAt(o, now), now)
			if got := line(status.Conditions); got != test.want {
				t.Errorf("%s, should be %s", got, test.want)
			}
			for _, c := range status.Conditions {
				if c.Message == "" || c.ObservedGeneration != 7 || c.LastTransitionTime.IsZero() {
					t.Errorf("incomplete: %+v", c)
				}
			}
		})
	}
}

// TestEveryReasonIsShown also keeps the table complete.
func TestEveryReasonIsShown(t *testing.T) {
	t.Parallel()
	reasons := map[string]bool{string(LedgerDamaged): true} // an error and no outcome, see TestStatusOfErrors
	for _, test := range statusTable {
		for word := range strings.FieldsSeq(test.want) {
			_, reason, _ := strings.Cut(word, "/")
			reasons[reason] = true
		}
	}
	declared := mustReasons(t, "reason.go")
	listed := mustListed(t, "../../../../docs/operator/conditions.md")
	for reason := range reasons {
		if !declared[reason] || !listed[reason] {
			t.Errorf("%s is shown; declared %t, in the docs %t", reason, declared[reason], listed[reason])
		}
	}
	for reason := range declared {
		if !reasons[reason] {
			t.Errorf("%s is declared and in no row of the table", reason)
		}
	}
	for reason := range listed {
		if !reasons[reason] {
			t.Errorf("docs/operator/conditions.md lists %s, which no ApiKey shows", reason)
		}
	}
}

// TestStatusIsStable: nothing new observed gives the same bytes, a second or an hour later.
func TestStatusIsStable(t *testing.T) {
	t.Parallel()
	for title, test := range statusTable {
		o := seen(test.edits...)
		before := statusOf(outcomeAt(o, now), now)
		for _, later := range []time.Duration{time.Second, 20 * time.Second} {
			after := settled(before, statusOf(outcomeAt(o, now.Add(later)), now.Add(later)))
			if mustJSON(t, before) != mustJSON(t, after) {
				t.Errorf("%s, %s later:\n%s\n%s", title, later, mustJSON(t, before), mustJSON(t, after))
			}
		}
	}
}

// TestStatusAll: whatever is observed gives conditions that kstatus understands and the schema accepts.
func TestStatusAll(t *testing.T) {
	t.Parallel()
	total := 0
	combine(0, nil, func(title []string, edits []func(o *Observation)) {
		for state, first := range keys {
			o := seen(append([]func(o *Observation){first}, edits...)...)
			total++
			status := statusOf(outcomeAt(o, now), now)
			if broken := statusPromise(o, status); broken != "" {
				t.Errorf("%s, %s: %s: %s", state, strings.Join(title, ", "), line(status.Conditions), broken)
			}
		}
	})
	if total < 10_000 {
		t.Errorf("only %d observations", total)
	}
}

func statusPromise(o Observation, status v1alpha1.ApiKeyStatus) string {
	ready := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	stalled := apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionStalled)
	reconciling := apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReconciling)
	kinds := map[string]bool{}
	for _, c := range status.Conditions {
		kinds[c.Type] = true
	}
	serving, published := o.published()
	newest, _ := o.newest()
	good := published && serving.Sequence == newest.Sequence && o.standing(newest) != dead && o.Object.DeletedAt.IsZero()
	return first(map[string]bool{
		"no Ready":                             ready == nil,
		"Ready and the key in service differ":  ready != nil && (ready.Status == metav1.ConditionTrue) != good,
		"both Stalled and Reconciling":         stalled && reconciling,
		"not ready, and nothing says why":      ready != nil && ready.Status != metav1.ConditionTrue && !stalled && !reconciling,
		"a condition twice":                    len(kinds) != len(status.Conditions),
		"minting blocked without a good key":   kinds[v1alpha1.ConditionMintingBlocked] && !good,
		"a key is told of that is not serving": status.KeyID != "" && !published,
	})
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
