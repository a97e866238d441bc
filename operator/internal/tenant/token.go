package tenant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/apikey"
)

// token is what a live read of a token Secret found.
type token struct {
	value       apiclient.Secret
	fingerprint string
	source      tokenSource
}

// tokenSource names the entry of a Secret.
type tokenSource struct{ namespace, name, key string }

func sourceOf(obj v1alpha1.ConnectionObject) tokenSource {
	namespace, name, key := obj.TokenSecret()
	return tokenSource{namespace, name, key}
}

func (s tokenSource) String() string {
	return fmt.Sprintf("Secret %s/%s, entry %q", s.namespace, s.name, s.key)
}

// readToken reads the token live: a cache could still hold the one before.
func readToken(ctx context.Context, live client.Reader, from tokenSource) (token, *corev1.Secret, error) {
	var secret corev1.Secret
	err := live.Get(ctx, client.ObjectKey{Namespace: from.namespace, Name: from.name}, &secret)
	if apierrors.IsNotFound(err) {
		return token{}, nil, fmt.Errorf("%w in %s: the Secret does not exist", ErrTokenMissing, from)
	}
	if err != nil {
		return token{}, nil, fmt.Errorf("reading the token from %s: %w", from, err)
	}
	value := strings.TrimSpace(string(secret.Data[from.key]))
	if value == "" {
		return token{}, nil, fmt.Errorf("%w in %s: the entry does not exist or is empty", ErrTokenMissing, from)
	}
	plaintext := apiclient.NewSecret(value)
	return token{value: plaintext, fingerprint: apikey.Fingerprint(plaintext), source: from}, &secret, nil
}

// stampOf stands for the tenant that address and token lead to, without telling anything of the token: it changes with
// each change of the Secret.
func stampOf(secret *corev1.Secret, address string) string {
	sum := sha256.Sum256([]byte(address + "\n" + string(secret.UID) + "\n" + secret.ResourceVersion))
	return hex.EncodeToString(sum[:])[:32]
}
