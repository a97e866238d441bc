package suite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

// ledger is what a ledger Secret records, found without knowing how it does: by the plaintext that it holds.
type ledger struct {
	name, owner string // of the Secret and of its ApiKey
	sequence    int
	id          string // of the key; empty for a tombstone
	plaintext   string
}

// ledgers are the ledgers in the world's namespace, oldest first.
func (w *world) ledgers(ctx context.Context) ([]ledger, error) {
	var secrets corev1.SecretList
	if err := w.admin.List(ctx, &secrets, client.InNamespace(w.namespace)); err != nil {
		return nil, err
	}
	var found []ledger
	for _, secret := range secrets.Items {
		if secret.Type != v1alpha1.SecretTypeLedger {
			continue
		}
		l := ledger{name: secret.Name}
		if owner := metav1.GetControllerOf(&secret); owner != nil {
			l.owner = owner.Name
		}
		_, sequence, _ := strings.Cut(secret.Name, "-bdk-")
		var err error
		if l.sequence, err = strconv.Atoi(sequence); err != nil {
			return nil, fmt.Errorf("ledger %s: %w", secret.Name, err)
		}
		for _, value := range secret.Data {
			if id := w.identify(string(value)); id != "" {
				l.id, l.plaintext = id, string(value)
			}
		}
		if l.id != "" && !slices.ContainsFunc(valuesOf(secret.Data), func(value string) bool { return value == l.id }) {
			return nil, fmt.Errorf("ledger %s holds the plaintext of %s and another id", secret.Name, l.id)
		}
		found = append(found, l)
	}
	slices.SortFunc(found, func(a, b ledger) int { return cmp.Compare(a.sequence, b.sequence) })
	return found, nil
}

func valuesOf(data map[string][]byte) []string {
	var values []string
	for _, value := range data {
		values = append(values, string(value))
	}
	return values
}

// settled objects unless each of these ApiKeys has exactly one live key, its newest ledger records that, its Secret
// (called as the ApiKey) holds that, and no other live key and no other ledger is left.
func (w *world) settled(ctx context.Context, names ...string) error {
	ledgers, err := w.ledgers(ctx)
	if err != nil {
		return err
	}
	var recorded []string
	newest := map[string]ledger{}
	for _, l := range ledgers {
		if l.id != "" {
			recorded = append(recorded, l.id)
			newest[l.owner] = l
		}
	}
	slices.Sort(recorded)
	if live := w.liveKeys(); !slices.Equal(live, recorded) || len(live) != len(names) {
		return fmt.Errorf("live keys are %v, ledgers record %v, and there are %d ApiKeys", live, recorded, len(names))
	}
	for _, name := range names {
		if held := w.entry(ctx, name); held == "" || held != newest[name].plaintext {
			return fmt.Errorf("Secret %s holds key %q, the newest is %q", name, w.identify(held), newest[name].id)
		}
	}
	return nil
}

// awaitSettled waits until nothing objects to [world.settled].
func (w *world) awaitSettled(t *testing.T, names ...string) {
	t.Helper()
	eventually(t, func(ctx context.Context) error { return w.settled(ctx, names...) })
}
