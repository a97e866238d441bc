package connection

import (
	"context"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

func (r *Reconciler) judgeOrphans(ctx context.Context, s *scene, keys []apiclient.Key) error {
	return nil
}
