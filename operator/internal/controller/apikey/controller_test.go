package apikey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// stubCluster shows one steady ApiKey without a key, or fails.
type stubCluster struct {
	Cluster
	resource *Resource
	targets  []TargetRecord
	err      error // of any read
	damage   error // of the list of ledgers
	live     int
}

func (c *stubCluster) Resource(_ context.Context, _ Ref, read Read) (*Resource, error) {
	if read == Live {
		c.live++
	}
	return c.resource, c.err
}
func (c *stubCluster) Targets(context.Context, *Resource, Read) ([]TargetRecord, error) {
	return c.targets, c.err
}
func (c *stubCluster) Ledgers(context.Context, *Resource, Read) ([]LedgerRecord, error) {
	return nil, c.damage
}
func (c *stubCluster) Known(context.Context, string) ([]Known, error) { return nil, nil }
func (c *stubCluster) Rollout(context.Context, *Resource, int) (Rollout, error) {
	return Rollout{}, nil
}

// stubConnection lists nothing, or fails.
type stubConnection struct {
	Connection
	state          ConnectionState
	openErr, stErr error
	viewErr        error
}

func (c *stubConnection) Open(context.Context, *Resource) (Connection, error) { return c, c.openErr }
func (c *stubConnection) State(context.Context) (State, error) {
	return State{ConnectionState: c.state, PollInterval: time.Minute}, c.stErr
}
func (c *stubConnection) View(context.Context, apiclient.Freshness) (View, error) {
	return &simView{begunAt: now}, c.viewErr
}

// stage is a Reconciler over one ApiKey, shop/reader, in the fake client.
type stage struct {
	*Reconciler
	cluster *stubCluster
	conn    *stubConnection
	counts  *tally
	log     *logBook
	events  *events.FakeRecorder
	writes  int
	refused error // of writes of the status
}

// logBook keeps what was logged.
type logBook struct{ lines []string }

func (l *logBook) Write(p []byte) (int, error) {
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

var reader = ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "shop", Name: "reader"}}

func newStage(t *testing.T, edits ...func(a *v1alpha1.ApiKey)) *stage {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	a := &v1alpha1.ApiKey{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "reader", UID: "uid", Generation: 1, Finalizers: []string{v1alpha1.FinalizerApiKey},
	}}
	for _, edit := range edits {
		edit(a)
	}
	o := seen(fresh)
	o.Object.Generation = 1
	g := &stage{cluster: &stubCluster{resource: &Resource{Object: o.Object, Settings: o.Settings}}, conn: &stubConnection{}, counts: &tally{}, log: &logBook{}, events: events.NewFakeRecorder(10)}
	clients := fake.NewClientBuilder().WithScheme(scheme).WithObjects(a).WithStatusSubresource(a).WithInterceptorFuncs(interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if g.refused != nil {
				return g.refused
			}
			g.writes++
			return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
		},
	}).Build()
	g.Reconciler = &Reconciler{
		Engine: &Engine{
			Cluster: g.cluster, Connections: g.conn, Now: func() time.Time { return now }, LeaderSince: func() time.Time { return now.Add(-time.Hour) },
			Policy: Policy{StrayGrace: 2 * time.Minute},
		},
		Client: clients, Recorder: g.events, Metrics: g.counts, Now: func() time.Time { return now },
		Log: logr.FromSlogHandler(slog.NewTextHandler(g.log, nil)),
	}
	return g
}

// told returns the kinds and reasons of the events since it was last called.
func (g *stage) told() (told []string) {
	for {
		select {
		case event := <-g.events.Events:
			told = append(told, strings.Join(strings.Fields(event)[:2], " "))
		default:
			return told
		}
	}
}

func (g *stage) status(t *testing.T) v1alpha1.ApiKeyStatus {
	t.Helper()
	var a v1alpha1.ApiKey
	if err := g.Client.Get(t.Context(), reader.NamespacedName, &a); err != nil {
		t.Fatal(err)
	}
	return a.Status
}

// suspend keeps the Engine from acting: the outcome is a Rest.
func (g *stage) suspend() { g.cluster.resource.Settings.Suspend = true }

// occupy puts a Secret that is not the ApiKey's where the target should be.
func (g *stage) occupy() {
	g.cluster.targets = []TargetRecord{{Name: g.cluster.resource.Settings.TargetName}}
}

func TestReconcileEnds(t *testing.T) {
	t.Parallel()
	boom := errors.New("etcd leader changed")
	for title, test := range map[string]struct {
		arrange func(g *stage)
		status  string
		counted string
		fails   bool
		after   time.Duration // at least; 0: not at all
	}{
		"stalled":                {func(g *stage) { g.suspend() }, "Ready=False/Suspended Stalled/Suspended", outcomeStalled, false, 0},
		"Secret in the way":      {func(g *stage) { g.occupy() }, "Ready=False/SecretConflict Stalled/SecretConflict", outcomeStalled, false, time.Minute},
		"quota used up":          {func(g *stage) { g.conn.state.QuotaUntil = now.Add(40 * time.Second) }, "Ready=False/WaitingForQuota Reconciling/WaitingForQuota", outcomeWaiting, false, 40 * time.Second},
		"busy: no status":        {func(g *stage) { g.conn.openErr = &BusyError{now.Add(2 * time.Second)} }, "", outcomeBusy, false, 2 * time.Second},
		"busy listing":           {func(g *stage) { g.conn.viewErr = &BusyError{now.Add(2 * time.Second)} }, "", outcomeBusy, false, 2 * time.Second},
		"conflict: no status":    {func(g *stage) { g.cluster.err = fmt.Errorf("the target: %w", ErrConflict) }, "", outcomeConflict, false, soon},
		"damaged ledger":         {func(g *stage) { g.cluster.damage = fmt.Errorf("Secret x: %w", ErrLedgerDamaged) }, "Ready=Unknown/LedgerDamaged Stalled/LedgerDamaged", outcomeError, true, 0},
		"Kubernetes fails":       {func(g *stage) { g.cluster.err = boom }, "Ready=Unknown/KubernetesUnavailable Reconciling/KubernetesUnavailable", outcomeError, true, 0},
		"connection cannot open": {func(g *stage) { g.conn.openErr = boom }, "Ready=False/WaitingForConnection Reconciling/WaitingForConnection", outcomeWaiting, false, time.Minute},
		"state cannot be read":   {func(g *stage) { g.conn.stErr = boom }, "Ready=False/WaitingForConnection Reconciling/WaitingForConnection", outcomeWaiting, false, time.Minute},
		"no token":               {func(g *stage) { g.conn.viewErr = fmt.Errorf("%w: no token", ErrConnectionNotReady) }, "Ready=False/WaitingForConnection Reconciling/WaitingForConnection", outcomeWaiting, false, time.Minute},
		"API down":               {func(g *stage) { g.conn.viewErr = boom }, "Ready=False/APIUnavailable Reconciling/APIUnavailable", outcomeWaiting, false, time.Minute},
		"token refused":          {func(g *stage) { g.conn.viewErr = answered(401) }, "Ready=False/WaitingForConnection Reconciling/WaitingForConnection", outcomeWaiting, false, time.Minute},
		"listing without quota":  {func(g *stage) { g.conn.viewErr = &apiclient.QuotaError{RetryAt: now.Add(7 * time.Second)} }, "Ready=False/WaitingForQuota Reconciling/WaitingForQuota", outcomeWaiting, false, 7 * time.Second},
		"another ApiKey by now":  {func(g *stage) { g.suspend(); g.cluster.resource.UID = "other" }, "", outcomeStalled, false, 0},
		"gone":                   {func(g *stage) { g.cluster.err = ErrNotFound }, "", outcomeGone, false, 0},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			g := newStage(t)
			test.arrange(g)
			result, err := g.Reconcile(t.Context(), reader)
			if (err != nil) != test.fails {
				t.Errorf("error %v", err)
			}
			if got := line(g.status(t).Conditions); got != test.status {
				t.Errorf("status %q, should be %q", got, test.status)
			}
			if !slices.Equal(g.counts.lines, []string{"reconciled " + test.counted}) {
				t.Errorf("counted %q, should be %s", g.counts.lines, test.counted)
			}
			if result.RequeueAfter < test.after || result.RequeueAfter > test.after+2*soon {
				t.Errorf("comes back after %s, should be %s", result.RequeueAfter, test.after)
			}
		})
	}
}

// What is settled is written once, whatever the outcome.
func TestSecondReconcileWritesNothing(t *testing.T) {
	t.Parallel()
	for title, arrange := range map[string]func(g *stage){
		"stalled": func(g *stage) { g.suspend() }, "API down": func(g *stage) { g.conn.viewErr = answered(503) },
		"damaged":          func(g *stage) { g.cluster.damage = ErrLedgerDamaged },
		"Kubernetes fails": func(g *stage) { g.cluster.err = errors.New("boom") },
	} {
		g := newStage(t)
		arrange(g)
		clock := now
		g.Now = func() time.Time { clock = clock.Add(time.Minute); return clock }
		for range 3 {
			_, _ = g.Reconcile(t.Context(), reader)
		}
		if g.writes != 1 {
			t.Errorf("%s: %d writes", title, g.writes)
		}
	}
}

// A ledger that is damaged under a key in service is told like everything else that waits for a person: by the metrics, and
// once by an event. A Kubernetes API that fails proves nothing about the key, and is told by nobody.
func TestInterruptionsAreMeasuredAndTold(t *testing.T) {
	t.Parallel()
	inService := func(a *v1alpha1.ApiKey) {
		o := seen()
		o.Object.Generation = a.Generation
		a.Status = statusOf(outcomeAt(o, now), now)
	}
	for title, test := range map[string]struct {
		arrange func(g *stage)
		facts   KeyFacts // but for the key's own
		events  []string
	}{
		"damaged ledger": {
			func(g *stage) { g.cluster.damage = fmt.Errorf("Secret x: %w", ErrLedgerDamaged) },
			KeyFacts{Reason: "LedgerDamaged", Stalled: "LedgerDamaged"}, []string{"Warning LedgerDamaged"},
		},
		"Kubernetes fails": {
			func(g *stage) { g.cluster.err = errors.New("etcd leader changed") }, KeyFacts{Ready: true, Reason: "Published"}, nil,
		},
	} {
		g := newStage(t, inService)
		before := g.status(t)
		test.arrange(g)
		for range 3 {
			_, _ = g.Reconcile(t.Context(), reader)
		}
		want := test.facts
		want.KeyID, want.Prefix, want.Last4, want.Sequence = before.KeyID, before.KeyPrefix, before.Last4, int(before.Sequence)
		want.IssuedAt, want.NextRotation = before.IssuedAt.Time, before.NextRotationTime.Time
		if got := g.counts.facts[Ref{"shop", "reader"}]; before.KeyID == "" || got != want {
			t.Errorf("%s: measured %+v, should be %+v", title, got, want)
		}
		if told := g.told(); !slices.Equal(told, test.events) {
			t.Errorf("%s: told %q, should be %q", title, told, test.events)
		}
		if logged := len(g.log.lines); logged != len(test.events) {
			t.Errorf("%s: %d lines of log", title, logged)
		}
	}
}

// A status that cannot be written is tried again, and its event waits for that; the metrics do not.
func TestInterruptionIsToldOnceItIsWritten(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	g.cluster.damage, g.refused = ErrLedgerDamaged, errors.New("no")
	if _, err := g.Reconcile(t.Context(), reader); !errors.Is(err, g.refused) || len(g.told()) != 0 {
		t.Errorf("%v, told too early", err)
	}
	if got := g.counts.facts[Ref{"shop", "reader"}]; got.Stalled != "LedgerDamaged" {
		t.Errorf("measured %+v", got)
	}
	g.refused = nil
	if _, err := g.Reconcile(t.Context(), reader); !errors.Is(err, ErrLedgerDamaged) || !slices.Equal(g.told(), []string{"Warning LedgerDamaged"}) {
		t.Errorf("%v, not told", err)
	}
}

// A new ApiKey has conditions before anybody is asked; a status that was wiped later is not new.
func TestWelcome(t *testing.T) {
	t.Parallel()
	busy := &BusyError{now.Add(time.Second)}
	g := newStage(t, func(a *v1alpha1.ApiKey) { a.Finalizers = nil })
	g.conn.openErr = busy
	if _, err := g.Reconcile(t.Context(), reader); err != nil {
		t.Fatal(err)
	}
	if got := line(g.status(t).Conditions); got != "Ready=Unknown/Minting Reconciling/Minting" {
		t.Error(got)
	}
	known := newStage(t, func(a *v1alpha1.ApiKey) {
		a.Finalizers, a.Status = nil, statusOf(outcomeAt(seen(), now), now) // somebody has taken the finalizer away
	})
	known.conn.openErr = busy
	if _, err := known.Reconcile(t.Context(), reader); err != nil || known.writes != 0 {
		t.Errorf("%v, %d writes", err, known.writes)
	}
	wiped := newStage(t)
	wiped.conn.openErr = busy
	if _, err := wiped.Reconcile(t.Context(), reader); err != nil || wiped.writes != 0 {
		t.Errorf("%v, %d writes", err, wiped.writes)
	}
}

// A key that is wanted while the quota is used up costs no live read and no dry run.
func TestQuotaIsAskedForFirst(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	g.conn.state.QuotaUntil = now.Add(time.Minute)
	if _, err := g.Reconcile(t.Context(), reader); err != nil || g.cluster.live != 0 {
		t.Errorf("%v, %d live reads", err, g.cluster.live)
	}
}

// Memory and metrics of an ApiKey that is gone do not stay.
func TestForgets(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	g.suspend()
	if _, err := g.Reconcile(t.Context(), reader); err != nil || len(g.Engine.memories.byRef) != 1 || len(g.counts.facts) != 1 {
		t.Fatalf("%v, %d remembered, %d measured", err, len(g.Engine.memories.byRef), len(g.counts.facts))
	}
	g.cluster.err = ErrNotFound
	if _, err := g.Reconcile(t.Context(), reader); err != nil || len(g.Engine.memories.byRef) != 0 || len(g.counts.facts) != 0 {
		t.Errorf("%v, %d remembered, %d measured", err, len(g.Engine.memories.byRef), len(g.counts.facts))
	}
}

// What one ApiKey left behind is not taken for that of the next one by its name.
func TestMemoryIsOfOneUID(t *testing.T) {
	t.Parallel()
	var m memories
	m.of(Ref{"shop", "reader"}, "1").knownDead["k1"] = true
	if m.of(Ref{"shop", "reader"}, "2").knownDead["k1"] || len(m.byRef) != 1 {
		t.Error("another ApiKey's memory")
	}
}

// An ApiKey that only finalizers of others hold is none of ours: its last status stays.
func TestReleasedStatusStays(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	g.cluster.resource.Finalizer, g.cluster.resource.DeletedAt = false, now
	if _, err := g.Reconcile(t.Context(), reader); err != nil || g.writes != 0 {
		t.Errorf("%v, %d writes", err, g.writes)
	}
}
