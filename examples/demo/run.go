package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// demo is the stage: a tenant of the API, and a Terraform that manages a key in it.
type demo struct {
	story
	api *sandbox.Server
	url string
	// consumer stands for whatever uses the key.
	consumer *http.Client
	tf       *terraform
}

func run(ctx context.Context, out io.Writer, tools tools, faults string) error {
	dir, err := os.MkdirTemp("", "betterdata-demo")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	d := &demo{story: story{out: out, began: time.Now()}, consumer: &http.Client{Timeout: time.Minute}}
	stop, err := d.open(ctx, dir, tools, faults)
	if err != nil {
		return err
	}
	defer stop()
	return d.tell(ctx)
}

// open starts the sandbox on loopback and prepares Terraform.
func (d *demo) open(ctx context.Context, dir string, tools tools, faults string) (stop func(), err error) {
	rules, err := sandbox.ParseFaults(faults)
	if err != nil {
		return nil, err
	}
	if d.api, err = sandbox.New(sandbox.WithFaults(rules...)); err != nil {
		return nil, err
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: d.api.API(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	d.url = "http://" + listener.Addr().String() + "/api"
	tokenFile := filepath.Join(dir, "token")
	if err := os.WriteFile(tokenFile, []byte(d.api.SessionToken()), 0o600); err != nil {
		return nil, err
	}
	d.tf, err = newTerraform(dir, d.url, tokenFile, tools)
	return func() { _ = server.Close(); _ = d.api.Close() }, err
}

// tell is the story, chapter by chapter.
func (d *demo) tell(ctx context.Context) error {
	_, _ = fmt.Fprintf(d.out, "One API key from birth to death: %s with the Better Data provider, on a sandbox of the API at %s\n", d.tf.name(), d.url)
	first, err := d.create(ctx)
	if err != nil {
		return err
	}
	if err := d.widen(ctx, first); err != nil {
		return err
	}
	second, err := d.rotate(ctx, first)
	if err != nil {
		return err
	}
	if err := d.retire(ctx, first, second); err != nil {
		return err
	}
	if err := d.destroy(ctx, second); err != nil {
		return err
	}
	return d.sumUp()
}

// use calls an endpoint with a key and returns the status, with the API's error code if there is one.
func (d *demo) use(ctx context.Context, plaintext, path string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+path, nil)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+plaintext)
	resp, err := d.consumer.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	return statusOf(resp)
}
