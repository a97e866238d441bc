package roleguard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// errNotAsked says that the API server did not ask for the body in time, so nothing was sent and nothing done.
var errNotAsked = errors.New("the API server did not confirm that the request is authorized (100 Continue)")

// gatedPatch sends PATCH requests with "Expect: 100-continue": the API server answers 100 when it begins to read the body,
// which is after it has authorized the request.
type gatedPatch struct {
	base      *url.URL
	transport http.RoundTripper
}

// newGatedPatch makes a transport of its own: HTTP/1.1, where 100 Continue is certain, and a connection for each request.
// It waits for 100 Continue for as long as askedWithin.
func newGatedPatch(config *rest.Config, askedWithin time.Duration) (*gatedPatch, error) {
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, err
	}
	if tlsConfig != nil {
		tlsConfig = tlsConfig.Clone()
		tlsConfig.NextProtos = []string{"http/1.1"}
	}
	proxy := config.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	transport, err := rest.HTTPWrappersForConfig(config, &http.Transport{
		TLSClientConfig: tlsConfig, Proxy: proxy, DialContext: config.Dial,
		TLSHandshakeTimeout: askedWithin, ExpectContinueTimeout: askedWithin, DisableKeepAlives: true,
	})
	if err != nil {
		return nil, err
	}
	return &gatedPatch{base: base, transport: transport}, nil
}

// do begins a strategic merge patch, calls authorized once the API server has asked for the body, and sends the body
// if that returns no error. Else nothing is sent, and the error is authorized's.
func (p *gatedPatch) do(ctx context.Context, path string, patch []byte, authorized func() error) error {
	gate := &gate{authorized: authorized, body: bytes.NewReader(patch)}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got100Continue: func() { gate.asked.Store(true) }})
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, p.base.JoinPath(path).String(), gate)
	if err != nil {
		return err
	}
	request.ContentLength = int64(len(patch))
	request.Header.Set("Content-Type", string(types.StrategicMergePatchType))
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Expect", "100-continue")
	response, err := p.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK || response.StatusCode == http.StatusNotFound {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	return fmt.Errorf("HTTP %d: %s", response.StatusCode, strings.TrimSpace(string(text)))
}

// gate is a body that opens when it may be sent. The transport reads from it after 100 Continue, or when the wait for that
// is over.
type gate struct {
	asked      atomic.Bool
	authorized func() error
	opened     bool
	body       *bytes.Reader
}

// Read implements io.Reader.
func (g *gate) Read(p []byte) (int, error) {
	if !g.opened {
		if !g.asked.Load() {
			return 0, errNotAsked
		}
		if err := g.authorized(); err != nil {
			return 0, err
		}
		g.opened = true
	}
	return g.body.Read(p)
}

// Close implements io.Closer.
func (g *gate) Close() error { return nil }
