package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// script is a process that runs a shell script.
func script(t *testing.T, text string) *process {
	t.Helper()
	return &process{path: "/bin/sh", args: []string{"-c", text}, logFile: filepath.Join(t.TempDir(), "log")}
}

func never(context.Context) error { return errors.New("not yet") }

func TestAwaitTellsWhyAProgramEnded(t *testing.T) {
	p := script(t, "echo no such flag >&2; exit 2")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	err := p.await(t.Context(), never)
	if !errors.Is(err, errExited) || !strings.Contains(err.Error(), "no such flag") {
		t.Errorf("%v, want the end of the log", err)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	p := script(t, "exec tail -f /dev/null")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	defer p.kill()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.await(ctx, never); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
}

func TestKillEndsAPausedProgram(t *testing.T) {
	p := script(t, "exec tail -f /dev/null")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	if err := p.signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.kill() // and again: nothing happens
	if err := p.signal(syscall.SIGCONT); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal after the end: %v", err)
	}
}

func TestLostPortIsReplaced(t *testing.T) {
	var ports []int
	err := onFreePort(t.Context(), func(port int) (*process, error) {
		ports = append(ports, port)
		text := "exec tail -f /dev/null"
		if len(ports) < 3 {
			text = "echo listen tcp 127.0.0.1: bind: address already in use; exit 1"
		}
		p := script(t, text)
		t.Cleanup(p.kill)
		if err := p.start(); err != nil {
			return nil, err
		}
		if len(ports) < 3 {
			return p, p.await(t.Context(), never)
		}
		return p, nil
	})
	if err != nil || len(ports) != 3 {
		t.Errorf("%v after %d attempts, want success in the third", err, len(ports))
	}
}

func TestOtherFailuresAreNotTriedAgain(t *testing.T) {
	attempts := 0
	err := onFreePort(t.Context(), func(int) (*process, error) {
		attempts++
		p := script(t, "exit 1")
		if err := p.start(); err != nil {
			return nil, err
		}
		return p, p.await(t.Context(), never)
	})
	if !errors.Is(err, errExited) || attempts != 1 {
		t.Errorf("%v after %d attempts, want the failure of the first", err, attempts)
	}
}

func TestFreePortCanBeListenedOn(t *testing.T) {
	for attempt := 1; ; attempt++ {
		port, err := freePort(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if errors.Is(err, syscall.EADDRINUSE) && attempt < portAttempts {
			continue // somebody else was faster
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		return
	}
}

func TestMissingProgramsTellTheTarget(t *testing.T) {
	t.Setenv(BinariesVariable, t.TempDir())
	if _, err := New(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "make test-operator") {
		t.Errorf("%v, want the make target", err)
	}
}
