package connection

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// judgeOrphans finds the orphans of a listing, once for each, and revokes those whose time has come if the policy says so.
// The ApiKeys are read after the listing: one whose key is in it existed before, and is found unless it is gone.
func (r *Reconciler) judgeOrphans(ctx context.Context, s *scene, keys []apiclient.Key) error {
	if !s.listing.orphansJudged {
		return nil
	}
	begunAt := s.report.View.BegunAt()
	if s.memory.orphansAt.Equal(begunAt) {
		s.listing.orphans = s.memory.orphans
		return nil
	}
	orphans, err := r.findOrphans(ctx, keys)
	if err != nil {
		s.listing.orphans = s.memory.orphans
		return err
	}
	due := s.memory.seen.saw(orphans, begunAt, r.Now(), r.Options.StrayGrace)
	if r.Options.OrphanPolicy == OrphansRevoked && !s.listing.tenantMismatch && s.report.Failure == nil {
		orphans = r.revokeOrphans(ctx, s, orphans, due)
	}
	s.memory.orphans, s.memory.orphansAt = orphans, begunAt
	s.listing.orphans = orphans
	return nil
}

// findOrphans asks the cache first: as long as it knows an ApiKey for each key, which is nearly always, that costs nothing.
func (r *Reconciler) findOrphans(ctx context.Context, keys []apiclient.Key) ([]apiclient.Key, error) {
	prefix := clusterPrefix(r.Options.ClusterID)
	var cached v1alpha1.ApiKeyList
	if err := r.Client.List(ctx, &cached, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("ApiKeys: %w", err)
	}
	markers := map[apiclient.Marker]bool{}
	for i := range cached.Items {
		markers[apiclient.KubernetesMarker(r.Options.ClusterID, string(cached.Items[i].UID))] = true
	}
	exists := func(m apiclient.Marker) bool { return markers[m] }
	orphans := orphansAmong(keys, prefix, exists)
	if len(orphans) == 0 {
		return nil, nil
	}
	if err := r.addLive(ctx, markers); err != nil {
		return nil, err
	}
	return orphansAmong(orphans, prefix, exists), nil
}

// addLive adds the markers of all ApiKeys that the API server knows, by their metadata.
func (r *Reconciler) addLive(ctx context.Context, markers map[apiclient.Marker]bool) error {
	for next := ""; ; {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.KindApiKey + "List"))
		if err := r.Live.List(ctx, list, client.Limit(pageSize), client.Continue(next)); err != nil {
			return fmt.Errorf("ApiKeys, live: %w", err)
		}
		for i := range list.Items {
			markers[apiclient.KubernetesMarker(r.Options.ClusterID, string(list.Items[i].UID))] = true
		}
		if next = list.Continue; next == "" {
			return nil
		}
	}
}

// revokeOrphans revokes what is due and returns the orphans that are left. One that fails has its next try after the next
// listing.
func (r *Reconciler) revokeOrphans(ctx context.Context, s *scene, orphans, due []apiclient.Key) []apiclient.Key {
	for _, key := range due {
		if err := r.Pool.RevokeKey(ctx, s.obj, key.ID); err != nil {
			r.Logger.Warn("an orphaned key is not revoked yet", "connection", s.key.String(), "id", key.ID, "error", err)
			continue
		}
		s.memory.orphansRevoked++
		r.Metrics.Revoked(string(apikey.WhyOrphan))
		r.Recorder.Eventf(s.obj, nil, corev1.EventTypeNormal, "OrphanRevoked", "Revoke",
			"Revoked key %s (%s...%s): it carried this cluster's marker, and no ApiKey stands for it.", key.ID, key.KeyPrefix, key.Last4)
		orphans = slices.DeleteFunc(slices.Clone(orphans), func(orphan apiclient.Key) bool { return orphan.ID == key.ID })
	}
	return orphans
}
