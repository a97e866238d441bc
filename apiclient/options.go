package apiclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// exchangeTimeout bounds one HTTP exchange, body included. An answer that takes longer does not come any more.
const exchangeTimeout = 60 * time.Second

// Option configures a Client; see the With functions.
type Option func(*config) error

type config struct {
	base            *url.URL
	insecure        bool
	tokens          TokenSource
	http            http.Client // a copy of the caller's
	userAgent       string
	retry           RetryPolicy
	quota           Quota
	nonBlocking     bool
	clock           Clock
	log             *slog.Logger
	pageCap         int
	pageSize        int
	listingLimit    int // bytes
	notify          func(ctx context.Context, w Wait)
	requestNotify   func(info RequestInfo)
	exchangeTimeout time.Duration // create and rotate; the others use the HTTP client's if there is one
}

func defaults() config {
	return config{
		userAgent:       "betterdata-apiclient (+https://github.com/betterdataco/terraform-provider-betterdata)",
		clock:           systemClock{},
		log:             slog.New(slog.DiscardHandler),
		pageCap:         1000,
		pageSize:        100,
		listingLimit:    listingLimit,
		notify:          func(context.Context, Wait) {},
		requestNotify:   func(RequestInfo) {},
		exchangeTimeout: exchangeTimeout,
	}
}

// complete fills in what depends on several options, and checks what only the whole can tell.
func (cfg *config) complete() error {
	if cfg.base == nil {
		if err := WithBaseURL(DefaultBaseURL)(cfg); err != nil {
			return err
		}
	}
	if cfg.base.Scheme == "http" && !cfg.insecure && !loopback(cfg.base.Hostname()) {
		return fmt.Errorf("base URL %s would send the token unencrypted: use https:// (plain http:// is for loopback addresses)", cfg.base)
	}
	if cfg.tokens == nil {
		return errors.New("no token source: use WithTokenSource")
	}
	if static, ok := cfg.tokens.(staticToken); ok {
		if err := checkToken(static.token.Reveal()); err != nil {
			return err
		}
	}
	var err error
	cfg.retry, err = cfg.retry.withDefaults()
	return err
}

// WithBaseURL sets the address of the API; the default is DefaultBaseURL. A trailing slash is tolerated. User
// information, a query and a fragment are refused: none of them belongs to an address that paths are appended to.
func WithBaseURL(address string) Option {
	return func(cfg *config) error {
		u, err := url.Parse(address)
		if err != nil {
			// The parser's error quotes the address, which may hold a password.
			return errors.New("base URL cannot be parsed: it must look like " + DefaultBaseURL)
		}
		switch {
		case u.User != nil:
			return errors.New("base URL must not hold user information: give the token through the token source")
		case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
			return fmt.Errorf("base URL %q must be an absolute https:// address such as %s", address, DefaultBaseURL)
		case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(address, "#"):
			return errors.New("base URL must not have a query or a fragment")
		}
		base := &url.URL{Scheme: u.Scheme, Host: u.Host}
		cfg.base = base.JoinPath(strings.TrimRight(u.EscapedPath(), "/"))
		cfg.base.Path, cfg.base.RawPath = strings.TrimRight(cfg.base.Path, "/"), strings.TrimRight(cfg.base.RawPath, "/")
		return nil
	}
}

// loopback reports whether a host cannot leave this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// WithInsecureHTTP allows an http:// base URL whose host is not a loopback address: the token travels unencrypted.
func WithInsecureHTTP() Option {
	return func(cfg *config) error { cfg.insecure = true; return nil }
}

// WithTokenSource sets where the bearer token comes from. It is required.
func WithTokenSource(ts TokenSource) Option {
	return func(cfg *config) error { cfg.tokens = ts; return nil }
}

// WithHTTPClient sets the HTTP client whose transport is used, and for list, update and revoke its cookie jar and its
// timeout, which bounds each exchange by itself. It is copied, never modified; redirects follow this package's rule.
// An *http.Transport is cloned without keep-alives for create and rotate; any other transport is used as it is.
func WithHTTPClient(hc *http.Client) Option {
	return func(cfg *config) error {
		if hc == nil {
			return errors.New("HTTP client is nil")
		}
		cfg.http = *hc
		return nil
	}
}

// WithUserAgent sets the User-Agent header.
func WithUserAgent(ua string) Option {
	return func(cfg *config) error { cfg.userAgent = ua; return nil }
}

// WithRetry sets the retry policy.
func WithRetry(p RetryPolicy) Option {
	return func(cfg *config) error { cfg.retry = p; return nil }
}

// WithQuota makes the client keep a quota of its own, beside what the API's headers say.
func WithQuota(q Quota) Option {
	return func(cfg *config) error {
		if q.PerMinute < 0 || q.PerHour < 0 {
			return errors.New("quota must not be negative")
		}
		cfg.quota = q
		return nil
	}
}

// WithNonBlockingQuota makes every wait for quota a *QuotaError that says when to come back: a second later while
// another request is out to learn the limit. A listing whose pages outlast the quota fails as a whole, except under
// WithQuotaWait.
func WithNonBlockingQuota() Option {
	return func(cfg *config) error { cfg.nonBlocking = true; return nil }
}

// WithClock sets the clock of pacing and Directory; the default is the system's.
func WithClock(c Clock) Option {
	return func(cfg *config) error {
		if c == nil {
			return errors.New("clock is nil")
		}
		cfg.clock = c
		return nil
	}
}

// WithLogger sets where attempts (Debug) and waits (Info) are recorded; the default is nowhere. Records never hold
// bodies, headers or query values.
func WithLogger(l *slog.Logger) Option {
	return func(cfg *config) error {
		if l == nil {
			return errors.New("logger is nil")
		}
		cfg.log = l
		return nil
	}
}

// WithPageCap sets after how many pages a listing is given up with an error; the default is 1000.
func WithPageCap(pages int) Option {
	return func(cfg *config) error {
		if pages < 1 {
			return errors.New("page cap must be at least 1")
		}
		cfg.pageCap = pages
		return nil
	}
}

// WithPageSize sets how many keys are asked for at once; the default is 100, the largest the vendor's pages show.
func WithPageSize(keys int) Option {
	return func(cfg *config) error {
		if keys < 1 {
			return errors.New("page size must be at least 1")
		}
		cfg.pageSize = keys
		return nil
	}
}

// WithWaitNotify sets a function that is called, from the waiting goroutine, when a request begins to wait for
// quota and again when the end of the wait moves.
func WithWaitNotify(f func(ctx context.Context, w Wait)) Option {
	return func(cfg *config) error {
		if f == nil {
			return errors.New("wait function is nil")
		}
		cfg.notify = f
		return nil
	}
}

// WithRequestNotify sets a function that is told of each attempt on the wire, retries and redirects included, once its
// answer is read or has failed. It is called from the goroutine that made the attempt, so it must be quick.
func WithRequestNotify(f func(info RequestInfo)) Option {
	return func(cfg *config) error {
		if f == nil {
			return errors.New("request function is nil")
		}
		cfg.requestNotify = f
		return nil
	}
}

// WithExchangeTimeout bounds one HTTP exchange, body included; the default is 60 s. A create or rotate that is cut off
// is one of unknown outcome. For list, update and revoke the HTTP client's own timeout wins where it has one.
func WithExchangeTimeout(d time.Duration) Option {
	return func(cfg *config) error {
		if d <= 0 {
			return errors.New("exchange timeout must be above zero")
		}
		cfg.exchangeTimeout = d
		return nil
	}
}
