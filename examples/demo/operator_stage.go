package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"time"
)

// launch starts the operator, once more after it was killed.
func (d *operatorDemo) launch(ctx context.Context) (err error) {
	args := []string{"--kubeconfig", d.operatorKubeconfig(), "--health-probe-bind-address=0", "--stray-grace=" + strayGrace}
	d.prompt("betterdata-operator " + d.typed(args) + " &")
	d.operator, err = startProcess(ctx, filepath.Join(d.dir, "operator.log"), d.programs.operator, args...)
	return err
}

// askForRotation asks for a rotation, with a further annotation, and waits until it is done: acknowledged, which a new key is
// before the Secret holds it, and then published.
func (d *operatorDemo) askForRotation(ctx context.Context, further string) error {
	now := time.Now()
	if err := d.annotate(ctx, now, further); err != nil {
		return err
	}
	if err := d.waitFor(ctx, "jsonpath={.status.lastHandledRotateAt}="+token(now), "apikey/forecast-reader"); err != nil {
		return err
	}
	return d.waitFor(ctx, "condition=Ready", "apikey/forecast-reader")
}

func (d *operatorDemo) annotate(ctx context.Context, now time.Time, further string) error {
	return d.shown(ctx, "annotate", "apikey", "forecast-reader", "--namespace=shop", "--overwrite",
		"betterdata.co/rotate-requested-at="+token(now), further)
}

// token is the value by which a rotation is asked for and acknowledged: a time by habit.
func token(now time.Time) string { return now.UTC().Format("20060102T150405Z") }

// expectServed expects that the program that uses the key has used so many keys, and was never refused.
func (d *operatorDemo) expectServed(ctx context.Context, keys int) error {
	d.eventually(ctx, func() bool { _, _, used := d.consumer.seen(); return used >= keys })
	fine, other, used := d.consumer.seen()
	d.note("%d requests of the program that uses the key were answered with 200", fine)
	return errors.Join(
		d.expect("keys that it used", keys, used),
		d.expect("other answers that it got", "nothing else", other),
	)
}

// published is the plaintext in the Secret. It is not shown.
func (d *operatorDemo) published(ctx context.Context) (string, error) {
	encoded, err := d.run(ctx, "", "get", "secret", "forecast-reader", "--namespace=shop", "--output=jsonpath={.data.api-key}")
	if err != nil {
		return "", err
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	return string(raw), err
}

// shownKeys are the ids that the ApiKey's status tells: the key in service, and those in their overlap.
func (d *operatorDemo) shownKeys(ctx context.Context) []string {
	var apiKey struct {
		Status struct {
			KeyID        string
			PreviousKeys []struct{ ID string }
		}
	}
	raw, err := d.run(ctx, "", "get", "apikey", "forecast-reader", "--namespace=shop", "--output=json")
	if err != nil || json.Unmarshal([]byte(raw), &apiKey) != nil {
		return nil
	}
	ids := []string{apiKey.Status.KeyID}
	for _, previous := range apiKey.Status.PreviousKeys {
		ids = append(ids, previous.ID)
	}
	slices.Sort(ids)
	return ids
}

// liveKeys are the ids of the live keys at the API.
func (d *operatorDemo) liveKeys() []string {
	var ids []string
	for _, key := range d.api.LiveKeys() {
		ids = append(ids, key.ID)
	}
	slices.Sort(ids)
	return ids
}

// statusOf is the status of a key at the API.
func (d *operatorDemo) statusOf(id string) string {
	for _, key := range d.api.Keys() {
		if key.ID == id {
			return key.Status
		}
	}
	return "unknown"
}

// file is a path of the repository.
func (d *operatorDemo) file(path string) string {
	return filepath.Join(d.programs.root, filepath.FromSlash(path))
}

func (d *operatorDemo) operatorKubeconfig() string {
	return filepath.Join(d.dir, "operator.kubeconfig")
}
