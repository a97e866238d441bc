package simulation

import (
	"sync"
	"time"
)

// clock is the time of the API and of the provider. It stands still, except that whoever waits moves it to the end of
// the wait.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now implements apiclient.Clock.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// NewTimer implements apiclient.Clock.
func (c *clock) NewTimer(d time.Duration) (<-chan time.Time, func() bool) {
	c.advance(max(d, 0))
	fired := make(chan time.Time, 1)
	fired <- c.Now()
	return fired, func() bool { return false }
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
