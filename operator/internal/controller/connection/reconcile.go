package connection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/tenant"
)

// scene is one reconcile's view of a connection.
type scene struct {
	obj    v1alpha1.ConnectionObject // a copy of the cached object
	key    tenant.Key
	memory *memory
	users  []v1alpha1.ApiKey // that name the connection, from the cache: not to be changed
	known  []apikey.Known    // keys that ledgers record for it, from the cache
	roster roster

	holders []string // what still needs the connection
	report  *tenant.Report
	listing *listingFacts
}

// Reconcile polls if the interval is over, judges what is known, and writes the status where that differs. The requests to
// the API are made by the pool, which answers several callers with one.
func (r *Reconciler) Reconcile(ctx context.Context, key tenant.Key) (ctrl.Result, error) {
	s, err := r.look(ctx, key)
	if s == nil {
		return ctrl.Result{}, err
	}
	retry, err := r.reconcile(ctx, s)
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: firstRetry}, nil // the cache was behind
	}
	return ctrl.Result{RequeueAfter: retry}, err
}

// reconcile tells when to look again; zero: when something changes. That the finalizers could not be written does not keep
// the status from being told.
func (r *Reconciler) reconcile(ctx context.Context, s *scene) (time.Duration, error) {
	held, holdErr := r.hold(ctx, s)
	if !held {
		return 0, holdErr
	}
	retry, err := r.poll(ctx, s)
	if s.report == nil {
		return retry, errors.Join(holdErr, err)
	}
	f, err := r.judge(ctx, s)
	return retry, errors.Join(holdErr, err, r.tell(ctx, s, f))
}

// look reads the connection and who uses it. There is no scene if there is no such connection any more.
func (r *Reconciler) look(ctx context.Context, key tenant.Key) (*scene, error) {
	s := &scene{key: key, obj: &v1alpha1.Connection{}}
	if key.Kind == v1alpha1.KindClusterConnection {
		s.obj = &v1alpha1.ClusterConnection{}
	}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: key.Name}, s.obj)
	if apierrors.IsNotFound(err) {
		r.forget(key)
		return nil, nil //nolint:nilnil // documented: there is nothing to reconcile
	}
	if err != nil {
		return nil, err
	}
	var isNew bool
	if s.memory, isNew = r.memories.of(key, s.obj.GetUID()); isNew {
		status := s.obj.ConnectionStatus()
		s.memory.straysBefore, s.memory.orphansBefore = status.StraysRevoked, status.OrphansRevoked
		r.measure(s, *status) // until there is something newer
	}
	r.tokens.use(key, tokenSecret(s.obj)) //nolint:contextcheck // a watch outlives this reconcile

	var users v1alpha1.ApiKeyList
	if err := r.Client.List(ctx, &users, client.MatchingFields{tenant.IndexByConnection: key.String()}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("ApiKeys of the connection: %w", err)
	}
	s.users = users.Items
	if s.known, err = r.Ledgers.Known(ctx, tenant.Identity(s.obj)); err != nil {
		return nil, fmt.Errorf("ledgers of the connection: %w", err)
	}
	s.roster = newRoster(r.Options.ClusterID, s.users, s.known)
	return s, nil
}

// forget drops everything about a connection that is gone.
func (r *Reconciler) forget(key tenant.Key) {
	r.tokens.forget(key)
	r.memories.forget(key)
	r.Pool.Forget(key)
	r.Metrics.ForgetConnection(key.String())
}

// facts are what is known without the API.
func (r *Reconciler) facts(s *scene) facts {
	return facts{
		now: r.Now(), generation: s.obj.GetGeneration(), request: acceptRequest(s.obj),
		authentication: v1alpha1.AuthenticationUnknown, quota: v1alpha1.QuotaUnknown,
		apiKeys: len(s.users), overdue: overdue(s.users, r.Now()),
		deleted: !s.obj.GetDeletionTimestamp().IsZero(), holders: s.holders,
	}
}

// judge adds to the facts what the poll brought, and wakes the ApiKeys that they concern.
func (r *Reconciler) judge(ctx context.Context, s *scene) (facts, error) {
	f := r.facts(s)
	f.failure, f.asked = s.report.Failure, s.report.Failure != nil || s.report.View != nil
	f.authentication, f.quota, f.dropsNames = s.report.Authentication, s.report.Quota, s.report.DropsNames
	err := r.judgeListing(ctx, s, &f)
	f.straysRevoked = s.memory.straysBefore + s.report.StraysRevoked
	f.orphansRevoked = s.memory.orphansBefore + s.memory.orphansRevoked
	return f, err
}

// judgeListing is about everything that takes a complete listing.
func (r *Reconciler) judgeListing(ctx context.Context, s *scene, f *facts) error {
	view := s.report.View
	if view == nil {
		s.memory.failed = true
		return nil
	}
	keys := view.Keys()
	s.listing = &listingFacts{live: live(keys), orphansJudged: r.Options.ClusterConnections}
	f.listing = s.listing
	var err error
	if f.accepted, err = r.accepted(ctx, s); err != nil {
		return err
	}
	s.listing.tenantMismatch = r.mismatched(ctx, s, f.accepted)
	r.wake(s, s.roster.remember(view.BegunAt(), keys))
	return r.judgeOrphans(ctx, s, keys)
}

// wake enqueues the ApiKeys that a listing concerns: what differs in a new one, and all of them when the connection has
// recovered, or when token or tenant are others than before.
func (r *Reconciler) wake(s *scene, after *listing) {
	m, failed := s.memory, s.report.Failure != nil
	all := m.before == nil || m.failed && !failed || m.token != s.report.TokenFingerprint || m.mismatch != s.listing.tenantMismatch
	switch {
	case all:
		r.Enqueue(s.roster.concerned(nil, after)...)
	case !m.before.begunAt.Equal(after.begunAt):
		r.Enqueue(s.roster.concerned(m.before, after)...)
	}
	m.before, m.token, m.mismatch, m.failed = after, s.report.TokenFingerprint, s.listing.tenantMismatch, failed
}

// overdueAfter is how long a revocation may be pending before its connection tells of it.
const overdueAfter = 24 * time.Hour

// overdue lists the ApiKeys that wait for their revocation for too long.
func overdue(users []v1alpha1.ApiKey, now time.Time) []string {
	var names []string
	for i := range users {
		if deleted := users[i].DeletionTimestamp; deleted != nil && deleted.Add(overdueAfter).Before(now) {
			names = append(names, users[i].Namespace+"/"+users[i].Name)
		}
	}
	slices.Sort(names)
	return names
}

func live(keys []apiclient.Key) int {
	n := 0
	for _, key := range keys {
		if key.Live() {
			n++
		}
	}
	return n
}
