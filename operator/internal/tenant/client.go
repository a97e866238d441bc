package tenant

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/operator/api/v1alpha1"
)

const (
	// exchangeTimeout bounds what an operation spends in exchanges. With half of the stray grace of two minutes gone, a new
	// key is no longer sealed.
	exchangeTimeout = 20 * time.Second
	connectTimeout  = 10 * time.Second
)

// opVerify is the operation under which the trial of a new key is counted.
const opVerify apiclient.Operation = "verify key"

// configuration is everything of a connection's settings that its client depends on. It is compared with ==.
type configuration struct {
	address  string
	insecure bool
	caBundle string
	quota    apiclient.Quota
}

func configurationOf(settings *v1alpha1.ConnectionSettings) configuration {
	c := configuration{address: settings.Address(), insecure: settings.AllowInsecureHTTP, caBundle: string(settings.CABundle)}
	if q := settings.Quota; q != nil {
		c.quota = apiclient.Quota{PerMinute: int(q.RequestsPerMinute), PerHour: int(q.RequestsPerHour)}
	}
	return c
}

// trust returns the certificates of the bundle; nil, which means the system's, without one.
func (c configuration) trust() (*x509.CertPool, error) {
	if c.caBundle == "" {
		return nil, nil //nolint:nilnil // documented: tls.Config reads nil as the system's
	}
	pool, found := x509.NewCertPool(), false
	for block, rest := pem.Decode([]byte(c.caBundle)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &InvalidSettingsError{Why: "caBundle holds a certificate that cannot be read: " + err.Error()}
		}
		pool.AddCert(certificate)
		found = true
	}
	if !found {
		return nil, &InvalidSettingsError{Why: "caBundle holds no PEM certificate"}
	}
	return pool, nil
}

// transportTo returns a transport of the connection's own: its idle connections end with it.
func transportTo(trust *x509.CertPool) http.RoundTripper {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:   connectTimeout,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trust},
		ResponseHeaderTimeout: exchangeTimeout,
		IdleConnTimeout:       time.Minute,
		MaxIdleConnsPerHost:   2,
		ForceAttemptHTTP2:     true,
	}
}

// clientOptions are those that the client of a session and the one that tries a new key have in common.
func (p *Pool) clientOptions(c configuration, transport http.RoundTripper, bearer apiclient.Secret) []apiclient.Option {
	options := []apiclient.Option{
		apiclient.WithBaseURL(c.address),
		apiclient.WithTokenSource(apiclient.StaticToken(bearer)),
		apiclient.WithHTTPClient(&http.Client{Transport: transport}),
		apiclient.WithExchangeTimeout(exchangeTimeout),
		apiclient.WithNonBlockingQuota(),
		apiclient.WithUserAgent(p.options.UserAgent),
		apiclient.WithClock(clock{p.options.Now}),
	}
	if c.insecure {
		options = append(options, apiclient.WithInsecureHTTP())
	}
	return options
}

// count tells the metrics of one attempt.
func (p *Pool) count(k Key, op apiclient.Operation, status int) {
	code := "error"
	if status > 0 {
		code = strconv.Itoa(status)
	}
	p.options.Metrics.Request(k, op, code)
}

// clock is the operator's clock as the client wants it.
type clock struct{ now func() time.Time }

func (c clock) Now() time.Time { return c.now() }

func (clock) NewTimer(d time.Duration) (<-chan time.Time, func() bool) {
	timer := time.NewTimer(d)
	return timer.C, timer.Stop
}
