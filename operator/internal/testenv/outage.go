package testenv

import (
	"context"
	"fmt"
	"syscall"
)

// PauseAPIServer makes the API server hang: connections stay open, and nothing is answered until ResumeAPIServer.
func (e *Environment) PauseAPIServer() error {
	return e.apiServer.signal(syscall.SIGSTOP)
}

// ResumeAPIServer lets a paused API server go on where it was stopped.
func (e *Environment) ResumeAPIServer() error {
	return e.apiServer.signal(syscall.SIGCONT)
}

// StopAPIServer kills the API server: connections break, new ones are refused.
func (e *Environment) StopAPIServer() {
	e.apiServer.kill()
}

// StartAPIServer starts a stopped API server again, at the same address, with all that was stored.
func (e *Environment) StartAPIServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := e.awaitAPIServer(ctx); err != nil {
		return fmt.Errorf("starting the API server again: %w", err)
	}
	return nil
}

// StopControllerManager kills the controller manager: nothing is garbage collected and no namespace goes away until
// StartControllerManager.
func (e *Environment) StopControllerManager() {
	e.controllerManager.kill()
}

// StartControllerManager starts a stopped controller manager again.
func (e *Environment) StartControllerManager(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := e.awaitControllerManager(ctx); err != nil {
		return fmt.Errorf("starting the controller manager again: %w", err)
	}
	return nil
}
