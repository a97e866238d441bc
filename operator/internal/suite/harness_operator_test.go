package suite

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Environment variables by which a binary under test is told where to end, and what tells it that it has done so once.
const (
	faultVariable     = "BETTERDATA_FAULT"
	faultOnceVariable = "BETTERDATA_FAULT_ONCE_FILE"
)

// operator is one process of the operator.
type operator struct {
	command *exec.Cmd
	output  *log
	ended   chan struct{} // closed when it has ended
	stopped sync.Once     // by the test, or as the test wants it to end
	wanted  chan struct{} // closed when its end is no surprise any more
	fault   string
	once    string // the file that exists once the fault has struck
}

// start starts the operator with the flags of the manifests and, as later flags win, these.
func (w *world) start(t *testing.T, flags ...string) *operator {
	t.Helper()
	return w.startWithFault(t, "", "", flags...)
}

// startToDie starts the operator that kills itself, by SIGKILL, at a point such as "before:CreateLedger", or at its
// second time: "before:CreateLedger#2".
func (w *world) startToDie(t *testing.T, point string) *operator {
	t.Helper()
	return w.startWithFault(t, point, filepath.Join(t.TempDir(), "struck"))
}

func (w *world) startWithFault(t *testing.T, fault, once string, flags ...string) *operator {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args := slices.Concat([]string{"--kubeconfig=" + w.kubeconfig}, w.flags, flags)
	o := &operator{
		command: exec.Command(path, args...), //nolint:noctx // built above; kill ends it, and so does the end of the test
		output:  &log{}, ended: make(chan struct{}), wanted: make(chan struct{}), fault: fault, once: once,
	}
	// Nothing of the developer's own settings. A data race or a fatal error is to be seen in full.
	o.command.Env = []string{"HOME=" + t.TempDir(), "GOTRACEBACK=all"}
	if fault != "" {
		o.command.Env = append(o.command.Env, faultVariable+"="+fault, faultOnceVariable+"="+once)
	}
	o.command.Stdout, o.command.Stderr = o.output, o.output
	if err := o.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(o.ended)
		_ = o.command.Wait() // however it ended, ProcessState tells
	}()
	w.mu.Lock()
	w.operators = append(w.operators, o)
	w.mu.Unlock()
	t.Cleanup(func() { o.finish(t) })
	return o
}

// finish ends the process with its test, and fails the test if it had ended by itself.
func (o *operator) finish(t *testing.T) {
	t.Helper()
	select {
	case <-o.ended:
		select {
		case <-o.wanted:
		default:
			t.Errorf("the operator ended by itself: %v", o.command.ProcessState)
		}
	default:
	}
	o.kill()
	if strings.Contains(o.output.String(), "WARNING: DATA RACE") {
		t.Error("the race detector found something")
	}
	if t.Failed() {
		t.Logf("the operator's output ends with\n%s", o.output.tail())
	}
}

// kill ends the process as a failing node would, and waits until it is gone.
func (o *operator) kill() {
	o.stopped.Do(func() { close(o.wanted) })
	_ = o.command.Process.Kill() // fails only if it has ended already
	<-o.ended
}

// stop ends the process as the kubelet would, and returns its exit code.
func (o *operator) stop(t *testing.T) int {
	t.Helper()
	o.stopped.Do(func() { close(o.wanted) })
	if err := o.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	o.awaitEnd(t)
	return o.command.ProcessState.ExitCode()
}

// awaitDeath waits until the process has killed itself at the point that it was started with.
func (o *operator) awaitDeath(t *testing.T) {
	t.Helper()
	o.stopped.Do(func() { close(o.wanted) })
	o.awaitEnd(t)
	status, _ := o.command.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("ended with %v, not by SIGKILL at %s", o.command.ProcessState, o.fault)
	}
	if _, err := os.Stat(o.once); err != nil {
		t.Fatalf("killed, but not at %s: %v", o.fault, err)
	}
	if point, _, _ := strings.Cut(o.fault, "#"); !strings.Contains(o.output.String(), point) {
		t.Fatalf("killed without having said that it was at %s", o.fault)
	}
}

func (o *operator) awaitEnd(t *testing.T) {
	t.Helper()
	select {
	case <-o.ended:
	case <-time.After(patience):
		t.Fatalf("still running after %v (fault %q)", patience, o.fault)
	}
}

// log holds what a process has written so far.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tail is the end of the log, for the message of a failed test.
func (l *log) tail() string {
	const lines = 60
	all := strings.Split(strings.TrimSpace(l.String()), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
