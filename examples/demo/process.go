package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// process is a running operator. Its log goes to a file.
type process struct {
	cmd   *exec.Cmd
	log   string
	ended sync.Once
}

// startProcess starts the program; a log that is there already is continued.
func startProcess(ctx context.Context, log, program string, args ...string) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()                                      // the process has its own
	p := &process{log: log, cmd: exec.CommandContext(ctx, program, args...)} //nolint:gosec // the Makefile names it
	p.cmd.Stdout, p.cmd.Stderr = file, file
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	return p, nil
}

// kill ends it as a power cut would (SIGKILL), and returns when it is gone.
func (p *process) kill() {
	p.ended.Do(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
}

// lastWords is the end of the log.
func (p *process) lastWords() string {
	const worth = 15
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-worth):], "\n")
}
