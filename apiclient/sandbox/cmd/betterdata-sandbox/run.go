package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// shutdownGrace is how long requests in flight may take once the process is told to end.
const shutdownGrace = 5 * time.Second

// run serves until the context ends. Requests are logged on stderr, instructions printed on stdout.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parseSettings(args, stderr)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	server, token, err := open(s, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close(), token.remove()) }()
	return serve(ctx, s, server, logger, func(api, management string) {
		printGuide(stdout, s, guide{api: api, management: management, tokenFile: token.path})
	})
}

// open starts the sandbox with the token of the token file, which is written if it holds none.
func open(s settings, logger *slog.Logger) (*sandbox.Server, tokenFile, error) {
	file, err := openTokenFile(s)
	if err != nil {
		return nil, file, err
	}
	token, err := file.read()
	if err != nil {
		return nil, file, err
	}
	server, err := sandbox.New(
		sandbox.WithStore(s.store), sandbox.WithDialect(s.dialect), sandbox.WithFaults(s.faults...),
		sandbox.WithRateLimits(s.limits...), sandbox.WithSeed(s.seed), sandbox.WithSessionToken(token), sandbox.WithLogger(logger),
	)
	if err != nil {
		return nil, file, errors.Join(err, file.remove())
	}
	if token == "" {
		if err := file.write(server.SessionToken()); err != nil {
			return nil, file, errors.Join(err, server.Close(), file.remove())
		}
	}
	return server, file, nil
}

// serve opens the listeners, calls ready with their addresses, and ends gracefully with the context.
func serve(ctx context.Context, s settings, server *sandbox.Server, logger *slog.Logger, ready func(api, management string)) error {
	failed := make(chan error, 2)
	api, err := listen(ctx, s.listen, server.API(), logger, failed)
	if err != nil {
		return err
	}
	management, err := listen(ctx, s.management, server.Management(), logger, failed)
	if err != nil {
		return errors.Join(err, api.shutDown(ctx))
	}
	ready(api.address, management.address)
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	return errors.Join(err, api.shutDown(ctx), management.shutDown(ctx))
}

// listener is an open one, or none: then its address is empty.
type listener struct {
	address string // with the port that was picked for port 0
	server  *http.Server
}

// listen serves on an address until shutDown; on none if the address is empty.
func listen(ctx context.Context, address string, handler http.Handler, logger *slog.Logger, failed chan<- error) (listener, error) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	if address == "" {
		return listener{server: server}, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return listener{}, err
	}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return listener{address: l.Addr().String(), server: server}, nil
}

func (l listener) shutDown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := l.server.Shutdown(ctx); err != nil {
		return errors.Join(err, l.server.Close())
	}
	return nil
}
