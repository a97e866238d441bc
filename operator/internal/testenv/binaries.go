package testenv

import (
	"fmt"
	"os"
	"path/filepath"
)

// BinariesVariable names the environment variable with the folder of etcd, kube-apiserver, kube-controller-manager and
// kubectl. Without it, bin/control-plane of the repository around the working directory is used.
const BinariesVariable = "BETTERDATA_CONTROL_PLANE"

const (
	etcdBinary              = "etcd"
	apiServerBinary         = "kube-apiserver"
	controllerManagerBinary = "kube-controller-manager"
	kubectlBinary           = "kubectl"
)

// binaries is the folder that holds the programs.
type binaries string

func (b binaries) path(name string) string {
	return filepath.Join(string(b), name)
}

// findBinaries returns the folder of the programs; the error says how to get them.
func findBinaries() (binaries, error) {
	folder := os.Getenv(BinariesVariable)
	if folder == "" {
		root, err := repositoryRoot()
		if err != nil {
			return "", err
		}
		folder = filepath.Join(root, "bin", "control-plane")
	}
	for _, name := range []string{etcdBinary, apiServerBinary, controllerManagerBinary, kubectlBinary} {
		_, err := os.Stat(filepath.Join(folder, name)) //nolint:gosec // the folder is the developer's own choice
		if err != nil {
			return "", fmt.Errorf("%w; run make test-operator, or make control-plane to build the control plane only", err)
		}
	}
	return binaries(folder), nil
}

// repositoryRoot is the nearest folder with a go.mod, from the working directory upwards.
func repositoryRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the repository: %w", err)
	}
	for ; ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("no go.mod above the working directory; set %s to the folder of the programs", BinariesVariable)
		}
	}
}
