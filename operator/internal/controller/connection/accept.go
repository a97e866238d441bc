package connection

import (
	"context"
	"fmt"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// acceptance is the value of the annotation that accepts a tenant, and what stands for that tenant.
type acceptance struct{ request, tenant string }

// acceptRequest is the annotation that accepts a tenant, as long as the schema has room for.
func acceptRequest(obj v1alpha1.ConnectionObject) string {
	return cut(obj.GetAnnotations()[v1alpha1.AnnotationAcceptTenant], 256)
}

// accepted is set if a person accepts the tenant, once for each value of the annotation. It counts only while there is a
// listing: whoever accepts a tenant is to have seen that it answers. A value that is there before there is any status
// accepts nothing; it may have been restored from a backup, and the tenant be another one since.
func (r *Reconciler) accepted(ctx context.Context, s *scene) (*acceptance, error) {
	request, status := acceptRequest(s.obj), s.obj.ConnectionStatus()
	if request == "" || request == status.LastHandledAcceptTenant {
		return nil, nil //nolint:nilnil // documented: nobody does
	}
	if done := s.memory.accepted; done != nil && done.request == request {
		return done, nil // the cache has not seen it yet, or the status was wiped
	}
	if status.ObservedGeneration == 0 {
		return nil, nil //nolint:nilnil // documented: nobody does
	}
	stamp, err := r.Pool.TenantStamp(ctx, s.obj)
	if err != nil {
		return nil, fmt.Errorf("what stands for the tenant: %w", err)
	}
	s.memory.accepted = &acceptance{request: request, tenant: stamp}
	return s.memory.accepted, nil
}

// mismatched reports that the listing is another tenant's and that nobody has accepted it. That the token Secret cannot be
// read is no acceptance.
func (r *Reconciler) mismatched(ctx context.Context, s *scene, just *acceptance) bool {
	state := apikey.State{ConnectionState: apikey.ConnectionState{TokenHeldBy: s.report.TokenFingerprint}}
	if !apikey.TenantMismatched(state, s.report.View, s.known) {
		return false
	}
	accepted := s.obj.ConnectionStatus().AcceptedTenant
	if just != nil {
		accepted = just.tenant
	}
	if accepted == "" {
		return true
	}
	now, err := r.Pool.TenantStamp(ctx, s.obj)
	return err != nil || now != accepted
}
