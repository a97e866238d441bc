package setup

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
)

// Exit codes of Run.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// defaultNamespace is where config/ puts the operator.
const defaultNamespace = "betterdata-system"

// Program is the command: it reads the command line and does what that says.
type Program struct {
	Version  string
	Out, Err io.Writer
}

// Run runs the manager until ctx ends, or the subcommand. The result is the exit code.
func (p Program) Run(ctx context.Context, args []string) int {
	var settings Settings
	fs, run := managerFlags(&settings), p.manage
	if len(args) > 0 && args[0] == "cleanup" {
		fs, run, args = cleanupFlags(&settings), p.cleanup, args[1:]
	}
	err := parse(fs, &settings, args)
	if err == nil {
		err = run(ctx, &settings)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		p.usage(fs)
		return exitOK
	}
	tell(p.Err, "betterdata-operator: %v\n", err)
	if errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitError
}

// tell writes to people. If nobody listens there is nobody to tell that.
func tell(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

func (p Program) usage(fs *flag.FlagSet) {
	tell(p.Out, `betterdata-operator [flags]
    keeps Better Data API keys in Kubernetes, until it is stopped
betterdata-operator cleanup [flags]
    removes all finalizers of a stopped operator, so that what it guarded can be deleted; live keys may remain

`)
	tell(p.Out, "Flags of %s:\n", fs.Name())
	fs.SetOutput(p.Out)
	fs.PrintDefaults()
}
