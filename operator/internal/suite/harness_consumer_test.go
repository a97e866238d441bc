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

const (
	// mountLag is how long after it read the Secret a consumer uses what it read, as a pod does whose mounted Secret the
	// kubelet has yet to bring up to date.
	mountLag = time.Second
	// shortestOverlap of the tests, but for overlaps of none. Whoever has read a key lately must be served for so long.
	shortestOverlap = 2 * time.Second
)

// consumer uses a key as a pod with a mounted Secret does: it reads the Secret anew for each request, and lags a little
// behind it. It begins when the Secret first holds a key, and from then on must never be turned away.
type consumer struct {
	cancel context.CancelFunc
	ended  chan struct{}

	mu       sync.Mutex
	accepted int
	rejected []string // 401s within the overlap, each with the id of the key
	inUse    []string // 401s with a key that the Secret still held when the answer had come
}

// sighting is a key that the Secret held, and when it was looked for.
type sighting struct {
	key string
	at  time.Time
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
		var mounted []sighting
		for {
			select {
			case <-ctx.Done():
				return
			case at := <-ticker.C:
				mounted = append(mounted, sighting{w.entry(ctx, secret), at})
				if time.Since(mounted[0].at) >= mountLag {
					w.use(ctx, c, api, secret, mounted[0])
					mounted = mounted[1:]
				}
			}
		}
	}()
	t.Cleanup(c.stop)
	return c
}

// use makes one request. One that the API did not answer is no matter of keys.
func (w *world) use(ctx context.Context, c *consumer, api *http.Client, secret string, seen sighting) {
	if seen.key == "" {
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/inventory/channel-location?locationId=loc_123&page=1&limit=50", http.NoBody)
	if err != nil {
		return
	}
	request.Header.Set("Authorization", "Bearer "+seen.key)
	response, err := api.Do(request)
	if err != nil {
		return
	}
	took := time.Since(seen.at)
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	unauthorized := response.StatusCode == http.StatusUnauthorized
	still := unauthorized && w.entry(ctx, secret) == seen.key
	c.mu.Lock()
	defer c.mu.Unlock()
	if response.StatusCode == http.StatusOK {
		c.accepted++
	}
	if unauthorized && took < shortestOverlap { // later, on a machine that stands still, it proves nothing
		c.rejected = append(c.rejected, w.identify(seen.key))
	}
	if still {
		c.inUse = append(c.inUse, w.identify(seen.key))
	}
}

func (c *consumer) stop() {
	c.cancel()
	<-c.ended
}

// mustNeverFail ends the consumer, which must have worked, and must have seen no 401 with a key that it had read less than
// the shortest overlap before.
func (c *consumer) mustNeverFail(t *testing.T) {
	t.Helper()
	c.stop()
	if c.accepted == 0 || len(c.rejected)+len(c.inUse) > 0 {
		t.Errorf("a consumer was answered 200 %d times, and 401 with the keys %v, %v of them still in the Secret", c.accepted, c.rejected, c.inUse)
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
