package tenant

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/cluster"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// ReserveMint implements apikey.Connection. It is the last word before a POST that issues a key, so everything that
// speaks against one is read live. What differs from what was decided on is an ErrConflict: look again. What is
// being deleted is an ErrConnectionNotReady. Before it returns, what the key's revocation needs cannot be deleted any more.
func (c *connection) ReserveMint(ctx context.Context, uid string, first bool) error {
	if err := c.seedMints(ctx); err != nil {
		return err
	}
	obj, err := c.unchanged(ctx)
	if err != nil {
		return err
	}
	if first && !obj.GetDeletionTimestamp().IsZero() {
		return fmt.Errorf("%w: %s is being deleted, and issues no first keys", apikey.ErrConnectionNotReady, c.entry.key)
	}
	secret, err := c.sameToken(ctx, obj)
	if err != nil {
		return err
	}
	if err := c.protect(ctx, obj, secret); err != nil {
		return err
	}
	c.entry.admission.Lock() // from judging to reserving, or two could take the last place
	defer c.entry.admission.Unlock()
	if refused, err := c.refusal(ctx, obj); err != nil || refused.message != "" {
		return orConflict(err, "%s", refused.message)
	}
	now := c.pool.options.Now()
	if until, ok := c.entry.mints.reserve(now, uid, first, obj.Settings().MintCap()); !ok {
		return orConflict(nil, "mints are capped until %s", until.UTC().Format(time.RFC3339))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reserved = &reservation{at: now, uid: uid}
	return nil
}

// reservation is one mint taken from the log.
type reservation struct {
	at  time.Time
	uid string
}

func (c *connection) takeReservation() *reservation {
	c.mu.Lock()
	defer c.mu.Unlock()
	reserved := c.reserved
	c.reserved = nil
	return reserved
}

func orConflict(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), apikey.ErrConflict)
}

// leaving is about an object in deletion that somebody else's finalizer holds. It can take none of ours any more, so looking
// again at once is of no use.
func leaving(what string) error {
	return fmt.Errorf("%w: %s is being deleted, and could not be kept until a key is revoked: let it go and make it again", apikey.ErrConnectionNotReady, what)
}

// unchanged reads the object live, and compares it with the one that was decided on.
func (c *connection) unchanged(ctx context.Context) (v1alpha1.ConnectionObject, error) {
	obj, err := c.pool.object(ctx, c.pool.options.Live, c.entry.key)
	if err != nil {
		return nil, err
	}
	switch {
	case Identity(obj) != c.entry.identity:
		return nil, orConflict(nil, "%s was made anew", c.entry.key)
	case c.session == nil, c.session.configuration != configurationOf(obj.Settings()):
		return nil, orConflict(nil, "the settings of %s", c.entry.key)
	case obj.Settings().SuspendMinting:
		return nil, orConflict(nil, "minting through %s is suspended", c.entry.key)
	case !obj.GetDeletionTimestamp().IsZero() && !controllerutil.ContainsFinalizer(obj, v1alpha1.FinalizerInUse):
		return nil, leaving(c.entry.key.String())
	}
	return obj, nil
}

// sameToken reads the token live, and compares it with the session's.
func (c *connection) sameToken(ctx context.Context, obj v1alpha1.ConnectionObject) (*corev1.Secret, error) {
	found, secret, err := readToken(ctx, c.pool.options.Live, sourceOf(obj))
	if err != nil || found.fingerprint != c.session.token.fingerprint {
		c.entry.markStale()
		return nil, orConflict(err, "the token of %s", c.entry.key)
	}
	return secret, nil
}

// protect puts the in-use finalizer on the object, and on its token Secret where that lives in the ApiKey's namespace, so
// that the end of the namespace ends neither before the key is revoked.
func (c *connection) protect(ctx context.Context, obj v1alpha1.ConnectionObject, secret *corev1.Secret) error {
	if err := c.hold(ctx, obj); err != nil {
		return err
	}
	if secret.Namespace != c.resource.Namespace || controllerutil.ContainsFinalizer(secret, v1alpha1.FinalizerInUse) {
		return nil
	}
	address := obj.Settings().Address()
	accepted := obj.ConnectionStatus().AcceptedTenant
	carry := accepted != "" && accepted == stampOf(secret, address)
	if err := c.hold(ctx, secret); err != nil {
		return err
	}
	c.entry.setStamp(stampOf(secret, address))
	if !carry {
		return nil
	}
	// The finalizer is a change of the Secret, but none of the tenant that was accepted.
	base, _ := obj.DeepCopyObject().(client.Object)
	obj.ConnectionStatus().AcceptedTenant = stampOf(secret, address)
	if err := c.pool.options.Client.Status().Patch(ctx, obj, client.MergeFrom(base)); err != nil {
		return fmt.Errorf("status of %s: %w", c.entry.key, err)
	}
	return nil
}

// hold puts the in-use finalizer on obj, which was read live.
func (c *connection) hold(ctx context.Context, obj client.Object) error {
	base, _ := obj.DeepCopyObject().(client.Object)
	if !controllerutil.AddFinalizer(obj, v1alpha1.FinalizerInUse) {
		return nil
	}
	what := fmt.Sprintf("in-use finalizer on %T %s", obj, client.ObjectKeyFromObject(obj))
	if !obj.GetDeletionTimestamp().IsZero() {
		return leaving(fmt.Sprintf("%s %s", kindOf(obj), client.ObjectKeyFromObject(obj)))
	}
	err := c.pool.options.Client.Patch(ctx, obj, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return orConflict(nil, "%s", what)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, cluster.OfSecret(err))
	}
	return nil
}

func kindOf(obj client.Object) string {
	if _, is := obj.(*corev1.Secret); is {
		return "the token Secret"
	}
	return "the connection"
}
