package provider

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// waiting serves calls that last until their context ends.
type waiting struct {
	everything
	began chan struct{}
}

func (w waiting) ApplyResourceChange(ctx context.Context, _ *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	w.began <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (w waiting) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}

// TestStopIsFinal: a stop ends the calls that are under way and those that begin after it (P6).
func TestStopIsFinal(t *testing.T) {
	t.Parallel()
	inner := waiting{began: make(chan struct{}, 2)}
	server := newStoppable(inner)
	ended := make(chan error)
	apply := func() {
		_, err := server.ApplyResourceChange(t.Context(), nil)
		ended <- err
	}
	go apply()
	<-inner.began
	if _, err := server.StopProvider(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("a call under way was not ended")
	}
	go apply()
	if err := <-ended; err == nil {
		t.Error("a call after the stop was not ended")
	}
}

// TestServerServesEverything: the wrapper hides nothing of what the framework serves.
func TestServerServesEverything(t *testing.T) {
	t.Parallel()
	server, err := Server("test")()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := server.(tfprotov6.ListResourceServer); !ok {
		t.Error("list resources are not served")
	}
	if _, ok := server.(tfprotov6.ActionServer); !ok {
		t.Error("actions are not served")
	}
}
