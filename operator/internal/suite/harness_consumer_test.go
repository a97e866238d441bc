package suite

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

func portText(port int) string { return strconv.Itoa(port) }

// consumer uses a key as a pod with a mounted Secret does: it reads the Secret anew for each request. It begins when the
// Secret first holds a key, and from then on must never be turned away.
type consumer struct {
	cancel context.CancelFunc
	ended  chan struct{}

	mu       sync.Mutex
	accepted int
	rejected []string // 401s, each with the id of the key
	inUse    []string // those of them whose key the Secret still held when the answer had come
}

// consume starts a consumer of a Secret.
func (w *world) consume(t *testing.T, secret string) *consumer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &consumer{cancel: cancel, ended: make(chan struct{})}
	api := &http.Client{Timeout: time.Minute, Transport: &http.Transport{}}
	go func() {
		defer close(c.ended)
		defer api.CloseIdleConnections()
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				w.use(ctx, c, api, secret)
			}
		}
	}()
	t.Cleanup(c.stop)
	return c
}

// use makes one request with the key that the Secret holds now. A request that the API did not answer is no matter of keys.
func (w *world) use(ctx context.Context, c *consumer, api *http.Client, secret string) {
	key := w.entry(ctx, secret)
	if key == "" {
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/inventory/channel-location?locationId=loc_123&page=1&limit=50", http.NoBody)
	if err != nil {
		return
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := api.Do(request)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	still := response.StatusCode != http.StatusUnauthorized || w.entry(ctx, secret) == key
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case response.StatusCode == http.StatusOK:
		c.accepted++
	case response.StatusCode == http.StatusUnauthorized:
		c.rejected = append(c.rejected, w.identify(key))
		if still {
			c.inUse = append(c.inUse, w.identify(key))
		}
	}
}

func (c *consumer) stop() {
	c.cancel()
	<-c.ended
}

// mustNeverFail ends the consumer, which must have worked, and must have seen no 401.
func (c *consumer) mustNeverFail(t *testing.T) {
	t.Helper()
	c.stop()
	if c.accepted == 0 || len(c.rejected) > 0 {
		t.Errorf("a consumer was answered 200 %d times, and 401 with the keys %v", c.accepted, c.rejected)
	}
}

// mustNeverFailInUse is mustNeverFail for a rotation without overlap, which by its meaning turns away who has read the
// Secret the moment before: it allows a 401 if the Secret held another key by then.
func (c *consumer) mustNeverFailInUse(t *testing.T) {
	t.Helper()
	c.stop()
	if c.accepted == 0 || len(c.inUse) > 0 {
		t.Errorf("a consumer was answered 200 %d times, and 401 with the keys %v while the Secret held them", c.accepted, c.inUse)
	}
}

// mustWork waits until the consumer's next request is accepted.
func (c *consumer) mustWork(t *testing.T) {
	t.Helper()
	before := c.count()
	eventually(t, func(context.Context) error {
		if c.count() > before {
			return nil
		}
		return fmt.Errorf("the consumer is not answered: %d times 200", before)
	})
}

func (c *consumer) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accepted
}
