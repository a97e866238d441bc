package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// errExited is the reason why a program cannot become ready any more.
var errExited = errors.New("program ended")

// pollInterval is how often a starting program is asked whether it is ready.
const pollInterval = 50 * time.Millisecond

// process is one program of the control plane. Its output goes to a log file, appended to by each start.
type process struct {
	path    string
	args    []string
	logFile string

	command *exec.Cmd
	ended   chan struct{} // closed when the program has ended
}

// start starts the program.
func (p *process) start() error {
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p.command = exec.Command(p.path, p.args...) //nolint:gosec,noctx // the path is ours; it ends by stop, not with a context
	p.command.Stdout, p.command.Stderr = log, log
	p.command.Env = []string{"HOME=" + filepath.Dir(p.logFile)} // nothing of the developer's own settings
	p.command.SysProcAttr = processAttributes()
	p.ended = make(chan struct{})

	started := make(chan error)
	go func() {
		// The parent-death signal is sent when the *thread* that started the program ends, so that thread stays with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.ended)
		defer func() { _ = log.Close() }()
		err := p.command.Start()
		started <- err
		if err == nil {
			_ = p.command.Wait() // however it ended, the log says why
		}
	}()
	return <-started
}

// kill ends the program at once and waits until it is gone. Nothing of a test is worth a graceful end.
func (p *process) kill() {
	if p == nil || p.ended == nil {
		return
	}
	_ = p.command.Process.Kill() // fails only if it has ended already
	<-p.ended
}

// signal sends a signal to the running program.
func (p *process) signal(signal os.Signal) error {
	if err := p.command.Process.Signal(signal); err != nil {
		return fmt.Errorf("signal %v to %s: %w", signal, filepath.Base(p.path), err)
	}
	return nil
}

// await asks until ready says nil, the program ends, or the context does.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s: %w before it was ready; its log ends with\n%s", filepath.Base(p.path), errExited, p.logTail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w: %w; its log ends with\n%s", filepath.Base(p.path), ctx.Err(), err, p.logTail())
		case <-ticker.C:
		}
	}
}

// lostPort tells whether the program ended because somebody else took its port first.
func (p *process) lostPort() bool {
	return strings.Contains(p.logTail(), "address already in use")
}

// logTail is the end of the log, for error messages.
func (p *process) logTail() string {
	const lines = 20
	content, err := os.ReadFile(p.logFile)
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}

// forgetLog makes the next start begin with an empty log.
func (p *process) forgetLog() error {
	return os.Remove(p.logFile)
}
