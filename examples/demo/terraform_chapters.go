package main

import (
	"context"
	"errors"
	"time"
)

// The variables of examples/quickstart as the story goes on.
const (
	widened = `scopes=["inventory:read","forecast:read"]`
	rotated = `release=2`
)

func (d *terraformDemo) create(ctx context.Context) (key, error) {
	d.step("Create", d.tf.name()+" apply creates the key of examples/quickstart; its plaintext goes into the sensitive state.")
	if err := d.show(d.tf.apply(ctx)); err != nil {
		return key{}, err
	}
	first, err := d.tf.key(ctx)
	if err != nil {
		return key{}, err
	}
	err = errors.Join(
		d.expect("live keys at the API", 1, len(d.api.LiveKeys())),
		d.expect("GET inventory with the new key", "200", d.use(ctx, first.plaintext, inventory)),
		d.expect("GET forecasts, a scope that it lacks", "403 INSUFFICIENT_SCOPE", d.use(ctx, first.plaintext, forecasts)),
	)
	return first, err
}

func (d *terraformDemo) widen(ctx context.Context, first key) error {
	d.step("Widen the scopes", "forecast:read is added in place: the key and its plaintext stay.")
	if err := d.show(d.tf.apply(ctx, widened)); err != nil {
		return err
	}
	now, err := d.tf.key(ctx)
	if err != nil {
		return err
	}
	return errors.Join(
		d.expect("id and plaintext unchanged", true, now == first),
		d.expect("GET forecasts", "200", d.use(ctx, first.plaintext, forecasts)),
	)
}

func (d *terraformDemo) rotate(ctx context.Context, first key) (key, error) {
	d.step("Rotate", "A changed trigger issues a successor. The old key lives on for the overlap of 24h, so no consumer is cut off.")
	if err := d.show(d.tf.apply(ctx, widened, rotated)); err != nil {
		return key{}, err
	}
	second, err := d.tf.key(ctx)
	if err != nil {
		return key{}, err
	}
	err = errors.Join(
		d.expect("id and plaintext are new", true, second.id != first.id && second.plaintext != first.plaintext),
		d.expect("GET inventory with the new key", "200", d.use(ctx, second.plaintext, inventory)),
		d.expect("GET inventory with the old key", "200", d.use(ctx, first.plaintext, inventory)),
	)
	return second, err
}

func (d *terraformDemo) retire(ctx context.Context, first, second key) error {
	d.step("End the overlap", "The API's clock moves on by 25 hours; the next apply revokes the old key and touches nothing else.")
	d.api.AdvanceClock(25 * time.Hour)
	if err := d.show(d.tf.apply(ctx, widened, rotated)); err != nil {
		return err
	}
	return errors.Join(
		d.expect("GET inventory with the old key", "401 REVOKED_API_KEY", d.use(ctx, first.plaintext, inventory)),
		d.expect("GET inventory with the new key", "200", d.use(ctx, second.plaintext, inventory)),
	)
}

func (d *terraformDemo) destroy(ctx context.Context, second key) error {
	d.step("Destroy", d.tf.name()+" destroy revokes what is left.")
	if err := d.show(d.tf.destroy(ctx, widened, rotated)); err != nil {
		return err
	}
	return d.expect("GET inventory with the key", "401 REVOKED_API_KEY", d.use(ctx, second.plaintext, inventory))
}

// sumUp counts what the whole story cost at the API: listings are what refreshes cost, however many keys there are.
func (d *terraformDemo) sumUp() error {
	d.step("Sum up", "What all this cost, out of a quota of 100 requests a minute.")
	lines, management := d.management()
	for _, line := range lines {
		d.note("%s", line)
	}
	d.note("%d API requests by %s in all, in %s", management, d.tf.name(), time.Since(d.began).Round(100*time.Millisecond))
	return errors.Join(
		d.expect("live keys left behind", 0, len(d.api.LiveKeys())),
		d.expect("keys issued, each of them revoked", 2, len(d.api.Keys())),
	)
}

// show prints the lines of a Terraform run that are worth reading.
func (d *terraformDemo) show(lines []string, err error) error {
	for _, line := range lines {
		d.note("| %s", line)
	}
	return err
}
