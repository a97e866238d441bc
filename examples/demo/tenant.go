package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// What the stories use keys for, and the scope that each needs.
const (
	inventory = "/inventory/channel-location?locationId=loc_123&page=1&limit=50" // inventory:read
	forecasts = "/forecast/events"                                               // forecast:read
	reports   = "/reports/stock-summary"                                         // reports:read
)

// tenant is an organisation at Better Data, on a sandbox of its own.
type tenant struct {
	api *sandbox.Server
	url string
	// tokenFile holds a session token, which may manage keys.
	tokenFile string
	// consumer stands for whatever uses a key.
	consumer *http.Client
	server   *http.Server
}

// openTenant serves a sandbox on loopback until close.
func openTenant(ctx context.Context, dir, faults string, options ...sandbox.Option) (*tenant, error) {
	rules, err := sandbox.ParseFaults(faults)
	if err != nil {
		return nil, err
	}
	api, err := sandbox.New(append(options, sandbox.WithFaults(rules...))...)
	if err != nil {
		return nil, err
	}
	tokenFile := filepath.Join(dir, "token")
	if err := os.WriteFile(tokenFile, []byte(api.SessionToken()), 0o600); err != nil {
		return nil, err
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &tenant{
		api: api, url: "http://" + listener.Addr().String() + "/api", tokenFile: tokenFile,
		consumer: &http.Client{Timeout: time.Minute},
		server:   &http.Server{Handler: api.API(), ReadHeaderTimeout: time.Minute},
	}
	go func() { _ = t.server.Serve(listener) }()
	return t, nil
}

func (t *tenant) close() {
	_ = t.server.Close()
	_ = t.api.Close()
}

// management counts the requests that managing keys has cost, by operation, in the order of a key's life.
func (t *tenant) management() (lines []string, total int) {
	requests := t.api.Stats().Requests
	for _, op := range []sandbox.Operation{sandbox.OpList, sandbox.OpCreate, sandbox.OpUpdate, sandbox.OpRotate, sandbox.OpRevoke} {
		lines = append(lines, fmt.Sprintf("%-6s %d", op, requests[op]))
		total += requests[op]
	}
	return lines, total
}

// use calls an endpoint with a key and returns the status, with the API's error code if there is one.
func (t *tenant) use(ctx context.Context, plaintext, path string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+path, nil)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+plaintext)
	resp, err := t.consumer.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	return statusOf(resp)
}

// statusOf is "200", or "403 INSUFFICIENT_SCOPE" with the code of the vendor's table.
func statusOf(resp *http.Response) string {
	var body struct{ Code string }
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err.Error()
	}
	if json.Unmarshal(raw, &body) != nil || body.Code == "" {
		return strconv.Itoa(resp.StatusCode)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, body.Code)
}
