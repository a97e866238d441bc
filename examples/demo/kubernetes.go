package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// programs are what the operator's story is told with.
type programs struct {
	controlPlane string // operator/internal/testenv/cmd/control-plane
	operator     string
	root         string // of the repository
}

// operatorPrograms: DEMO_CONTROL_PLANE and DEMO_OPERATOR name the binaries.
func operatorPrograms() (programs, error) {
	values, err := fromMake("DEMO_CONTROL_PLANE", "DEMO_OPERATOR")
	if err != nil {
		return programs{}, err
	}
	root, err := os.Getwd()
	return programs{controlPlane: values[0], operator: values[1], root: root}, err
}

// cluster is a Kubernetes control plane: etcd, API server and garbage collector, without nodes. It ends with this
// process, however that ends, because it follows its standard input.
type cluster struct {
	cmd        *exec.Cmd
	stdin      io.Closer
	kubectl    string
	kubeconfig string // the administrator's
	env        []string
}

// startCluster returns when the API server is ready and has the manifests of the folder. What goes wrong is on standard
// error.
func startCluster(ctx context.Context, dir string, p programs, manifests string) (*cluster, error) {
	c := &cluster{kubeconfig: filepath.Join(dir, "kubeconfig")}
	c.cmd = exec.CommandContext(ctx, p.controlPlane, "--follow-stdin", "--kubeconfig", c.kubeconfig, manifests) //nolint:gosec // the Makefile names it
	c.cmd.Cancel = func() error { return c.stdin.Close() }                                                      // not killed: it has children to end
	c.cmd.WaitDelay = 30 * time.Second
	c.cmd.Stderr = os.Stderr
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the control plane: %w", err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	kubectl, ready := strings.CutPrefix(strings.TrimSpace(line), "control plane ready: KUBECONFIG="+c.kubeconfig+" ")
	if err != nil || !ready {
		c.stop()
		return nil, errors.New("the control plane did not start; what it said stands above")
	}
	c.kubectl = kubectl
	c.env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig, "KUBECACHEDIR="+filepath.Join(dir, "cache"))
	return c, nil
}

func (c *cluster) stop() {
	_ = c.stdin.Close()
	_ = c.cmd.Wait()
}

// command is kubectl as the administrator, not yet started.
func (c *cluster) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.kubectl, args...) //nolint:gosec // the kubectl of the control plane
	cmd.Env = c.env
	return cmd
}

// run runs kubectl with stdin as its input and returns what it printed. The error holds what it complained of.
func (c *cluster) run(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := c.command(ctx, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var output, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &complaints
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w: %s", args[0], err, strings.TrimSpace(complaints.String()))
	}
	return strings.TrimSpace(output.String()), err
}

// kubeconfigWithToken writes a kubeconfig that authenticates with the token instead of the administrator's certificate.
func (c *cluster) kubeconfigWithToken(ctx context.Context, file, token string) error {
	raw, err := c.run(ctx, "", "config", "view", "--raw", "--output=json")
	if err != nil {
		return err
	}
	var config map[string]any
	if err := json.Unmarshal([]byte(raw), &config); err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	users, ok := config["users"].([]any)
	if !ok || len(users) != 1 {
		return errors.New("the kubeconfig does not hold one user")
	}
	user, ok := users[0].(map[string]any)
	if !ok {
		return errors.New("the kubeconfig's user cannot be read")
	}
	user["user"] = map[string]any{"token": token}
	if raw, err := json.Marshal(config); err != nil {
		return err
	} else if err := os.WriteFile(file, raw, 0o600); err != nil {
		return err
	}
	return nil
}
