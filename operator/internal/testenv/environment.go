package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
)

// startTimeout bounds the start of the whole environment. It takes seconds; a machine that compiles on all cores at the
// same time takes a minute.
const startTimeout = 5 * time.Minute

// Options say what an environment is started with. The zero value is ready to use.
type Options struct {
	// Manifests are files or folders that kubectl applies before the controller manager starts. Custom resource
	// definitions belong here if garbage collection of their objects matters: the collector learns of kinds that are
	// created later only in its next look at what there is, up to 30 seconds later.
	Manifests []string
}

// Environment is a running control plane. Its methods may be used by several goroutines, except those that stop or
// restart programs.
type Environment struct {
	// Admin may do everything (group system:masters), without client-side throttling.
	Admin *rest.Config

	binaries  binaries
	folder    string // holds everything: certificates, data, logs
	authority *authority

	etcd, apiServer, controllerManager *process
	etcdPort, apiServerPort            int
}

// New starts a control plane and waits until it is ready; Stop ends it. In tests, [Start] and [Shared] are at hand.
func New(ctx context.Context, options Options) (_ *Environment, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	programs, err := findBinaries()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "betterdata-control-plane-")
	if err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	e := &Environment{binaries: programs, folder: folder}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Stop())
		}
	}()
	if err := e.writeCertificates(); err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	if err := e.startEtcd(ctx); err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	if err := e.startAPIServer(ctx); err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	if err := e.Apply(ctx, options.Manifests...); err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	if err := e.startControllerManager(ctx); err != nil {
		return nil, fmt.Errorf("control plane: %w", err)
	}
	return e, nil
}

// Stop ends all programs at once and removes their data.
func (e *Environment) Stop() error {
	e.controllerManager.kill()
	e.apiServer.kill()
	e.etcd.kill()
	return os.RemoveAll(e.folder)
}

// Logs returns the end of each program's log, for the message of a failed test.
func (e *Environment) Logs() string {
	var text string
	for _, p := range []*process{e.etcd, e.apiServer, e.controllerManager} {
		if p != nil {
			text += fmt.Sprintf("--- %s\n%s\n", filepath.Base(p.path), p.logTail())
		}
	}
	return text
}

// file is the path of a file in the environment's folder.
func (e *Environment) file(name string) string {
	return filepath.Join(e.folder, name)
}

// program prepares one of the programs with its flags; its log is NAME.log.
func (e *Environment) program(name string, args []string) *process {
	return &process{path: e.binaries.path(name), args: args, logFile: e.file(name + ".log")}
}
