package suite

import (
	"context"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// deploy applies a Deployment with one replica and rolls it out, and every change of it, as the controllers of a whole
// cluster would. The control plane of the tests has none.
func (w *world) deploy(t *testing.T, name string) {
	t.Helper()
	w.apply(t, fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: 1
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec: {containers: [{name: main, image: example.com/main}]}
`, name))
	go func() {
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-t.Context().Done():
				return
			case <-ticker.C:
				w.rollOut(t.Context(), name)
			}
		}
	}()
}

// rollOut makes the Deployment's status what it is when all pods run with its template. A conflict is tried again later.
func (w *world) rollOut(ctx context.Context, name string) {
	deployment := &appsv1.Deployment{}
	if err := w.get(ctx, name, deployment); err != nil || deployment.Status.ObservedGeneration == deployment.Generation {
		return
	}
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
	}
	_ = w.admin.Status().Update(ctx, deployment, client.FieldOwner("deployment-controller"))
}
