package apiclient

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// DefaultBaseURL is the vendor's documented address.
const DefaultBaseURL = "https://app.betterdata.co/api"

// Client calls the API with one credential. It is safe for concurrent use. Make it with New.
type Client struct {
	config       config
	pacer        *pacer
	directory    *Directory
	repeating    *retryablehttp.Client // list, update, revoke
	single       http.RoundTripper     // create, rotate
	limitRefused atomic.Bool           // the API answered 400 to the query parameter limit
	clockAhead   atomic.Int64          // how far the API's clock is ahead of ours, in nanoseconds
}

// New makes a Client. A token source is required; everything else has a default. It sends nothing.
func New(opts ...Option) (*Client, error) {
	cfg := defaults()
	for _, opt := range opts {
		if err := opt(&cfg); err != nil {
			return nil, fmt.Errorf("API client: %w", err)
		}
	}
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("API client: %w", err)
	}
	c := &Client{config: cfg}
	c.pacer = newPacer(cfg.clock, cfg.quota, c.tellWait)
	c.directory = newDirectory(c.completeListing, cfg.clock)
	c.assemble()
	return c, nil
}

// BaseURL returns the address that paths are appended to, without a trailing slash.
func (c *Client) BaseURL() string { return c.config.base.String() }

// Directory returns the client's shared view of the tenant's keys.
func (c *Client) Directory() *Directory { return c.directory }

// ServerTime is the API's idea of now, as far as the Date headers of answers so far have told it; the local clock
// before the first answer, or when answers have no Date.
func (c *Client) ServerTime() time.Time {
	return c.config.clock.Now().Add(time.Duration(c.clockAhead.Load()))
}

// OwnsToken reports whether k is the API key this client authenticates with: the token starts with its prefix and
// ends with its last4, neither of them empty. It errs only where the token source does.
func (c *Client) OwnsToken(ctx context.Context, k Key) (bool, error) {
	token, err := c.token(ctx)
	if err != nil {
		return false, err
	}
	value := token.Reveal()
	return k.KeyPrefix != "" && k.Last4 != "" &&
		strings.HasPrefix(value, k.KeyPrefix) && strings.HasSuffix(value, k.Last4), nil
}

// endpoint returns the URL of a path below the base URL. Each element is escaped by itself, so that an id with a
// slash stays one element.
func (c *Client) endpoint(elements []string, query url.Values) *url.URL {
	u := *c.config.base
	escaped := u.EscapedPath()
	for _, element := range elements {
		u.Path += "/" + element
		escaped += "/" + url.PathEscape(element)
	}
	u.RawPath = escaped
	u.RawQuery = query.Encode()
	return &u
}
