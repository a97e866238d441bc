package testenv

import (
	"context"
	"fmt"
	"net"
)

// portAttempts is how often a program gets another port after somebody else took the one it was given.
const portAttempts = 5

// freePort asks the system for a port of 127.0.0.1 that nobody listens on. It is free at this moment only.
func freePort(ctx context.Context) (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("looking for a free port: %v has none", listener.Addr())
	}
	return address.Port, nil
}

// onFreePort calls start with a free port, and with another one whenever the program lost the first to somebody faster.
func onFreePort(ctx context.Context, start func(port int) (*process, error)) error {
	for attempt := 1; ; attempt++ {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		p, err := start(port)
		if err == nil {
			return nil
		}
		p.kill()
		if attempt == portAttempts || p == nil || !p.lostPort() {
			return err
		}
		// The next attempt is judged by its own log.
		if err := p.forgetLog(); err != nil {
			return err
		}
	}
}
