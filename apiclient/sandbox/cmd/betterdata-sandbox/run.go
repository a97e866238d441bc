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
	return serve(ctx, s, server, logger, func(api, management net.Addr) {
		printGuide(stdout, s, guide{api: address(api), management: address(management), tokenFile: token.path})
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

// serve opens both listeners, calls ready, and ends gracefully with the context.
func serve(ctx context.Context, s settings, server *sandbox.Server, logger *slog.Logger, ready func(api, management net.Addr)) error {
	var config net.ListenConfig
	api, err := config.Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	defer api.Close()
	failed := make(chan error, 2)
	servers := []*http.Server{start(api, server.API(), logger, failed)}
	var managementAddress net.Addr
	if s.management != "" {
		management, err := config.Listen(ctx, "tcp", s.management)
		if err != nil {
			return err
		}
		defer management.Close()
		servers = append(servers, start(management, server.Management(), logger, failed))
		managementAddress = management.Addr()
	}
	ready(api.Addr(), managementAddress)
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	return errors.Join(err, shutDown(ctx, servers))
}

func start(l net.Listener, handler http.Handler, logger *slog.Logger, failed chan<- error) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return server
}

func shutDown(ctx context.Context, servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	var errs []error
	for _, server := range servers {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, err, server.Close())
		}
	}
	return errors.Join(errs...)
}

func address(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}
