package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// strayGrace stands in for the default of two minutes, so that nobody has to wait for it. Only a demo and tests may set it so
// low: see the flag's help.
const strayGrace = "12s"

func (d *operatorDemo) install(ctx context.Context) (err error) {
	d.step("A cluster", "A real control plane of Kubernetes is started on this machine, and the operator is installed: CRDs, roles, Deployment. The CRDs are there from the start, as its garbage collector would else notice them half a minute later.")
	if d.cluster, err = startCluster(ctx, d.dir, d.programs, d.file("config/crd")); err != nil {
		return err
	}
	return d.shown(ctx, "apply", "-k", d.file("config/default"))
}

func (d *operatorDemo) connect(ctx context.Context) error {
	d.step("A connection", "A team's namespace gets a token that may manage keys, and a Connection that names it. The only change to the example: it leads to the sandbox.")
	if err := d.shown(ctx, "apply", "-f", d.file("examples/operator/namespace.yaml")); err != nil {
		return err
	}
	if err := d.shown(ctx, "create", "secret", "generic", "betterdata-token", "--namespace=shop", "--from-file=token="+d.tokenFile); err != nil {
		return err
	}
	patch := []string{
		"patch", "--local", "-f", d.file("examples/operator/connection.yaml"), "--type=merge",
		"--patch", fmt.Sprintf(`{"spec": {"baseURL": "%s"}}`, d.url), "--output=yaml",
	}
	d.prompt("kubectl " + d.typed(patch) + " | kubectl apply -f -")
	manifest, err := d.run(ctx, "", patch...)
	if err != nil {
		return err
	}
	output, err := d.run(ctx, manifest, "apply", "-f", "-")
	d.printed(output)
	return err
}

func (d *operatorDemo) start(ctx context.Context) error {
	d.step("The operator", "This cluster has no nodes, so the Deployment has no pod. The operator runs beside it, as the ServiceAccount and with the roles that its pod would have.")
	const account = "betterdata-operator"
	create := []string{"create", "token", account, "--namespace=betterdata-system"}
	d.prompt("kubectl " + d.typed(create))
	token, err := d.run(ctx, "", create...)
	if err != nil {
		return err
	}
	if err := d.kubeconfigWithToken(ctx, d.operatorKubeconfig(), token); err != nil {
		return err
	}
	// kubectl auth can-i fails when the answer is no.
	mayGrant, _ := d.run(ctx, "", "auth", "can-i", "create", "clusterroles", "--as=system:serviceaccount:betterdata-system:"+account)
	if err := d.expect("the operator may create ClusterRoles", "no", mayGrant); err != nil {
		return err
	}
	if err := d.launch(ctx); err != nil {
		return err
	}
	return d.waitFor(ctx, "condition=Ready", "connection/default")
}

func (d *operatorDemo) create(ctx context.Context) error {
	d.step("Create", "An ApiKey of examples/operator: the key is created, and its plaintext goes into a Secret. A program begins to use it, ten times a second.")
	if err := d.shown(ctx, "apply", "-f", d.file("examples/operator/apikey.yaml")); err != nil {
		return err
	}
	if err := d.waitFor(ctx, "condition=Ready", "apikey/forecast-reader"); err != nil {
		return err
	}
	if err := d.shown(ctx, "get", "apikeys,secrets", "--namespace=shop"); err != nil {
		return err
	}
	key, err := d.published(ctx)
	if err != nil {
		return err
	}
	if d.consumer, err = startConsumer(ctx, d.cluster, d.tenant, "shop", "forecast-reader"); err != nil {
		return err
	}
	return errors.Join(
		d.expect("live keys at the API", 1, len(d.api.LiveKeys())),
		d.expect("GET inventory with the key in the Secret", "200", d.use(ctx, key, inventory)),
		d.expect("GET reports, a scope that it lacks", "403 INSUFFICIENT_SCOPE", d.use(ctx, key, reports)),
	)
}

func (d *operatorDemo) widen(ctx context.Context) error {
	d.step("Widen the scopes", "As a merge to Git would: the same file with one line more is applied. The key and its plaintext stay.")
	before, err := d.published(ctx)
	if err != nil {
		return err
	}
	manifest, err := os.ReadFile(d.file("examples/operator/apikey.yaml"))
	if err != nil {
		return err
	}
	const last, added = "    - forecast:read\n", "    - reports:read\n"
	changed := filepath.Join(d.dir, "apikey.yaml")
	widened := strings.Replace(string(manifest), last, last+added, 1)
	if err := os.WriteFile(changed, []byte(widened), 0o600); err != nil { //nolint:gosec // a folder of the demo's own
		return err
	}
	d.note("  %s", strings.TrimRight(last, "\n"))
	d.note("+ %s", strings.TrimRight(added, "\n"))
	if err := d.shown(ctx, "apply", "-f", changed); err != nil {
		return err
	}
	d.eventually(ctx, func() bool { return d.use(ctx, before, reports) == "200" })
	after, err := d.published(ctx)
	return errors.Join(err,
		d.expect("GET reports with the key of before", "200", d.use(ctx, before, reports)),
		d.expect("the Secret holds the key of before", true, after == before),
	)
}

func (d *operatorDemo) drift(ctx context.Context) error {
	d.step("Lose the Secret", "Somebody deletes it. It comes back with the same key: drift in Kubernetes never makes a new one.")
	before, err := d.published(ctx)
	if err != nil {
		return err
	}
	if err := d.shown(ctx, "delete", "secret", "forecast-reader", "--namespace=shop"); err != nil {
		return err
	}
	if err := d.waitFor(ctx, "create", "secret/forecast-reader"); err != nil {
		return err
	}
	after, err := d.published(ctx)
	return errors.Join(err,
		d.expect("it holds the key of before", true, after == before),
		d.expect("keys issued so far", 1, len(d.api.Keys())),
	)
}

func (d *operatorDemo) rotate(ctx context.Context) error {
	d.step("Rotate", "Asked for by an annotation. The old key lives on for an overlap, here of fifteen seconds, so that nobody is cut off.")
	first, err := d.published(ctx)
	if err != nil {
		return err
	}
	if err := d.askForRotation(ctx, "betterdata.co/rotate-overlap=15s"); err != nil {
		return err
	}
	old := d.use(ctx, first, inventory) // at once: the overlap runs
	second, err := d.published(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(
		d.expect("the Secret holds a new key", true, second != first),
		d.expect("GET inventory with the new key", "200", d.use(ctx, second, inventory)),
		d.expect("GET inventory with the old key", "200", old),
	)
	if err != nil {
		return err
	}
	d.note("The overlap passes.")
	d.eventually(ctx, func() bool { return d.use(ctx, first, inventory) != "200" })
	return errors.Join(
		d.expect("GET inventory with the old key", "401 REVOKED_API_KEY", d.use(ctx, first, inventory)),
		d.expectServed(ctx, 2),
	)
}

func (d *operatorDemo) crash(ctx context.Context) error {
	d.step("Kill the operator", "With SIGKILL, at the worst moment of a rotation: the API has made the new key, and its answer is not yet there. Nobody knows that key's plaintext.")
	before, err := d.published(ctx)
	if err != nil {
		return err
	}
	lost, err := d.killWhileRotating(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(
		d.expect("live keys: the one in service, and the one that nobody knows", 2, len(d.api.LiveKeys())),
		d.expect("GET inventory with the key in the Secret", "200", d.use(ctx, before, inventory)),
	)
	if err != nil {
		return err
	}
	d.note("It starts again, finds out what happened, and rotates once more. After a grace it revokes the key that nobody knows.")
	if err := d.launch(ctx); err != nil {
		return err
	}
	d.eventually(ctx, func() bool { return d.statusOf(lost) == sandbox.StatusRevoked && len(d.shownKeys(ctx)) == 2 })
	if err := d.shown(ctx, "get", "apikeys", "--namespace=shop"); err != nil {
		return err
	}
	if err := d.shown(ctx, "events", "--namespace=shop", "--for=apikey/forecast-reader"); err != nil {
		return err
	}
	return errors.Join(
		d.expect("the key that nobody knows", sandbox.StatusRevoked, d.statusOf(lost)),
		d.expect("live keys are the new one, and the old one in its overlap of 24h, as the ApiKey's status says", d.shownKeys(ctx), d.liveKeys()),
		d.expectServed(ctx, 3),
	)
}

// killWhileRotating returns the id of the key that was issued to a dead process.
func (d *operatorDemo) killWhileRotating(ctx context.Context) (lost string, err error) {
	struck := d.outage.await(d.operator)
	if err := d.annotate(ctx, time.Now(), "betterdata.co/rotate-overlap-"); err != nil {
		return "", err
	}
	select {
	case lost = <-struck:
		d.note("killed while the API answered")
		return lost, nil
	case <-time.After(d.patience):
		return "", d.expect("a rotation begins", "yes", "no")
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func (d *operatorDemo) remove(ctx context.Context) error {
	d.step("Delete", "The ApiKey is deleted: every key that it ever had is revoked, and its Secrets go.")
	d.consumer.stop()
	if err := d.shown(ctx, "delete", "apikey", "forecast-reader", "--namespace=shop", "--timeout="+d.patience.String()); err != nil {
		return d.expect("the ApiKey is gone", "yes", err.Error())
	}
	d.note("Kubernetes' garbage collector removes the Secret, which had the ApiKey as its owner.")
	var secrets string
	var err error
	d.eventually(ctx, func() bool {
		secrets, err = d.run(ctx, "", "get", "secrets", "--namespace=shop", "--output=name")
		return err != nil || secrets == "secret/betterdata-token"
	})
	for i, key := range d.consumer.keys {
		err = errors.Join(err, d.expect(fmt.Sprintf("GET inventory with key %d that the Secret has held", i+1), "401 REVOKED_API_KEY", d.use(ctx, key, inventory)))
	}
	return errors.Join(err,
		d.expect("Secrets left in the namespace", "secret/betterdata-token", secrets),
		d.expect("live keys at the API", 0, len(d.api.LiveKeys())),
	)
}

// sumUp counts what the whole story cost at the API.
func (d *operatorDemo) sumUp() error {
	d.step("Sum up", "What all this cost at the API.")
	lines, management := d.management()
	for _, line := range lines {
		d.note("%s", line)
	}
	fine, other, _ := d.consumer.seen()
	d.note("%d API requests by the operator in all, in %s; %d by the program that used the key", management,
		time.Since(d.began).Round(100*time.Millisecond), fine)
	return errors.Join(
		d.expect("answers to that program beside 200", "nothing else", other),
		d.expect("keys issued, each of them revoked", 4, len(d.api.Keys())),
	)
}
