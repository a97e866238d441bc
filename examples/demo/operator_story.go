package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// How long the story waits for anything to come true.
const patience = 2 * time.Minute

// operatorDemo is the stage of the second half: a tenant, a cluster, the operator, and a program that uses the key.
type operatorDemo struct {
	story
	*tenant
	*cluster
	programs programs
	dir      string
	patience time.Duration

	operator *process
	outage   *outage
	consumer *consumer
}

// tellOperator tells the second half.
func tellOperator(ctx context.Context, out io.Writer, p programs, faults string) error {
	return (&operatorDemo{story: story{out: out, began: time.Now()}, programs: p, patience: patience}).stage(ctx, faults)
}

// stage tells the story between the beginning and the end of everything that it needs.
func (d *operatorDemo) stage(ctx context.Context, faults string) (err error) {
	if d.dir, err = os.MkdirTemp("", "betterdata-demo"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(d.dir) }()
	d.outage = newOutage()
	// The documented quota of each key is 100 requests a minute, which the consumer would use up in ten seconds.
	d.tenant, err = openTenant(ctx, d.dir, faults,
		sandbox.WithRateLimits(sandbox.RateLimit{Requests: 6000, Per: time.Minute}), sandbox.WithIssueHook(d.outage.issued))
	if err != nil {
		return err
	}
	defer d.tenant.close()
	_, _ = fmt.Fprintf(d.out, "The same life in Kubernetes: an ApiKey resource and the operator, on a sandbox of the API at %s\n", d.url)
	defer func() { d.end(err) }()
	return d.tell(ctx)
}

// end stops what was started. After a failure it shows what the operator said last.
func (d *operatorDemo) end(failure error) {
	if d.consumer != nil {
		d.consumer.stop()
	}
	if d.operator != nil {
		d.operator.kill()
		if failure != nil {
			_, _ = fmt.Fprintf(d.out, "\nThe operator's last words:\n%s\n", d.operator.lastWords())
		}
	}
	if d.cluster != nil {
		d.cluster.stop()
	}
}

// tell is the story, chapter by chapter.
func (d *operatorDemo) tell(ctx context.Context) error {
	for _, chapter := range []func(context.Context) error{
		d.install, d.connect, d.start, d.create, d.widen, d.drift, d.rotate, d.crash, d.remove,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return d.sumUp()
}
