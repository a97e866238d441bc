package testenv

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// starterVariable turns TestStarter, in a copy of the test program, into a process that starts another one.
const starterVariable = "TESTENV_STARTER"

func TestStarter(t *testing.T) {
	if os.Getenv(starterVariable) == "" {
		return // it is a part of the next test
	}
	p := script(t, "exec tail -f /dev/null")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	fmt.Println("started", p.command.Process.Pid)
	<-p.ended
}

// A test that times out or is killed cannot stop anything any more.
func TestProgramsEndWithTheirStarter(t *testing.T) {
	starter := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStarter$")
	starter.Env = append(os.Environ(), starterVariable+"=1")
	output, err := starter.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := starter.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	for lines := bufio.NewScanner(output); pid == 0 && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "started %d", &pid)
	}
	if !running(pid) {
		t.Fatalf("process %d does not run", pid)
	}
	if err := starter.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = starter.Wait() // killed
	err = wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		return !running(pid), nil
	})
	if err != nil {
		t.Errorf("process %d outlives its starter: %v", pid, err)
	}
}

// running tells whether the process is neither gone nor a zombie, dead and waiting to be collected.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, found := strings.Cut(string(stat), ") ")
	return err == nil && found && !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}
