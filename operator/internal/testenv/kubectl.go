package testenv

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Kubectl runs the real kubectl as administrator, with stdin as its input, and returns what it printed. The error holds
// what it said on standard error. Another user is chosen with --kubeconfig and [Environment.WriteKubeconfig].
func (e *Environment) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	kubeconfig, err := e.AdminKubeconfig()
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, e.KubectlPath(), args...) //nolint:gosec // the pinned kubectl
	command.Env = []string{"HOME=" + e.folder, "KUBECONFIG=" + kubeconfig, "PATH=" + os.Getenv("PATH")}
	command.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// KubectlPath is where kubectl lies.
func (e *Environment) KubectlPath() string {
	return e.binaries.path(kubectlBinary)
}

// AdminKubeconfig is the path of a kubeconfig file for [Environment.Admin].
func (e *Environment) AdminKubeconfig() (string, error) {
	path := e.file("admin.kubeconfig")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, e.WriteKubeconfig(path, e.Admin)
}

// Apply applies manifests with kubectl, as a user would: each path is a file, or a folder, of which all files are
// applied, or a folder with a kustomization.yaml, which is built first. It waits until custom resource definitions among
// them can be used.
func (e *Environment) Apply(ctx context.Context, paths ...string) error {
	for _, path := range paths {
		how := "--filename"
		if _, err := os.Stat(path + "/kustomization.yaml"); err == nil {
			how = "--kustomize"
		}
		if _, err := e.Kubectl(ctx, "", "apply", how, path); err != nil {
			return err
		}
	}
	if len(paths) == 0 {
		return nil
	}
	_, err := e.Kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=3m", "crd", "--all")
	return err
}
