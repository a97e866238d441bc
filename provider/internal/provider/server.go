package provider

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/connection"
)

// everything is what the framework's server serves. The protocol library looks for the parts beyond ProviderServer by
// type assertion, so a wrapper must have them too.
type everything interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
}

// stoppable makes Stop final. The framework ends the calls that are under way when Terraform asks to stop, but not one
// that Terraform had decided on and sends a moment later: with the quota used up, that one would wait for an hour
// after Ctrl-C (P6).
type stoppable struct {
	everything
	stopped context.Context //nolint:containedctx // the life of the server, not of a call
	stop    context.CancelFunc
	duties  *connection.Duties
}

// Server returns a factory for the protocol server of the provider, for main and for tests.
func Server(version string, options ...apiclient.Option) func() (tfprotov6.ProviderServer, error) {
	return func() (tfprotov6.ProviderServer, error) {
		p := &betterdata{version: version, options: options}
		served := providerserver.NewProtocol6(p)()
		all, ok := served.(everything)
		if !ok {
			return nil, fmt.Errorf("the framework's server %T lacks a part of protocol 6", served)
		}
		s := newStoppable(all)
		s.duties = &p.duties
		return s, nil
	}
}

func newStoppable(served everything) *stoppable {
	s := &stoppable{everything: served}
	s.stopped, s.stop = context.WithCancel(context.Background())
	return s
}

// Finish does what Terraform has left undone: it closes the ephemeral keys that are still open. To be called once the
// server has stopped serving; Terraform then gives the process two seconds before it kills it.
func Finish(ctx context.Context, server tfprotov6.ProviderServer) error {
	s, ok := server.(*stoppable)
	if !ok {
		return nil
	}
	return s.duties.Do(ctx)
}

// StopOnInterrupt stops a server of Server on Ctrl-C, which a terminal sends to the whole process group. Terraform asks
// to stop only while it applies; a refresh before it that waits for the quota would otherwise go on to its end.
func StopOnInterrupt(server tfprotov6.ProviderServer) {
	s, ok := server.(*stoppable)
	if !ok {
		return
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	go func() {
		<-interrupts
		s.stop()
	}()
}

// StopProvider implements tfprotov6.ProviderServer.
func (s *stoppable) StopProvider(ctx context.Context, req *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	s.stop()
	return s.everything.StopProvider(ctx, req)
}

// untilStopped ends ctx when the server is stopped, also when that was before the call. Closing an ephemeral resource
// is not among its callers: that has to happen after a stop, too.
func (s *stoppable) untilStopped(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(s.stopped, cancel)
	return ctx, func() {
		unhook()
		cancel()
	}
}

// ReadResource implements tfprotov6.ResourceServer.
func (s *stoppable) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	ctx, done := s.untilStopped(ctx)
	defer done()
	return s.everything.ReadResource(ctx, req)
}

// PlanResourceChange implements tfprotov6.ResourceServer.
func (s *stoppable) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	ctx, done := s.untilStopped(ctx)
	defer done()
	return s.everything.PlanResourceChange(ctx, req)
}

// ApplyResourceChange implements tfprotov6.ResourceServer.
func (s *stoppable) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	ctx, done := s.untilStopped(ctx)
	defer done()
	return s.everything.ApplyResourceChange(ctx, req)
}

// ReadDataSource implements tfprotov6.DataSourceServer.
func (s *stoppable) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	ctx, done := s.untilStopped(ctx)
	defer done()
	return s.everything.ReadDataSource(ctx, req)
}

// OpenEphemeralResource implements tfprotov6.EphemeralResourceServer.
func (s *stoppable) OpenEphemeralResource(ctx context.Context, req *tfprotov6.OpenEphemeralResourceRequest) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	ctx, done := s.untilStopped(ctx)
	defer done()
	return s.everything.OpenEphemeralResource(ctx, req)
}
