package main

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

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
	const most = 12
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
