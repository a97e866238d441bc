package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// How long the story waits for anything to come true.
const patience = time.Minute

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
	defer func() { err = errors.Join(err, d.end(err)) }()
	return d.tell(ctx)
}

// end stops what was started. After a failure it shows what the operator said last.
func (d *operatorDemo) end(failure error) error {
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
	return nil
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

// shown runs kubectl so that the reader sees the command and what it printed.
func (d *operatorDemo) shown(ctx context.Context, args ...string) error {
	d.prompt("kubectl " + d.typed(args))
	output, err := d.run(ctx, "", args...)
	d.printed(output)
	return err
}

// waitFor waits as a user would, with kubectl wait.
func (d *operatorDemo) waitFor(ctx context.Context, condition, object string) error {
	args := []string{"wait", "--namespace=shop", "--for=" + condition, object, "--timeout=" + d.patience.String()}
	d.prompt("kubectl " + d.typed(args))
	output, err := d.run(ctx, "", args...)
	_, outcome, _ := strings.Cut(output, " ") // after the object's name
	if err != nil {
		outcome = err.Error()
	}
	return d.expect(object, "condition met", outcome)
}

// prompt shows a command line.
func (d *operatorDemo) prompt(command string) { d.note("$ %s", command) }

// printed shows the output of a command, unless that is long.
func (d *operatorDemo) printed(output string) {
	const most = 6
	lines := strings.Split(output, "\n")
	for i, line := range lines {
		if i == most && len(lines) > most+1 {
			d.note("| and %d more", len(lines)-most)
			return
		}
		if line != "" {
			d.note("| %s", line)
		}
	}
}

var plainWord = regexp.MustCompile(`^[\w./:=@,+-]+$`)

// typed is arguments as one would type them in the repository, with quotes where a shell needs them.
func (d *operatorDemo) typed(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		arg = strings.ReplaceAll(arg, d.programs.root+string(filepath.Separator), "")
		arg = strings.ReplaceAll(arg, d.dir+string(filepath.Separator), "")
		if !plainWord.MatchString(arg) {
			arg = "'" + arg + "'"
		}
		words[i] = arg
	}
	return strings.Join(words, " ")
}

// eventually waits until the condition holds, and tells whether it came to.
func (d *operatorDemo) eventually(ctx context.Context, condition func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
	return true
}
