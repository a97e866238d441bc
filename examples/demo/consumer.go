package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// pollInterval is how often the consumer uses its key.
const pollInterval = 100 * time.Millisecond

// consumer is a program that uses the key of a Secret as a pod would that mounts it: it follows the Secret, and calls the
// API again and again with what it holds.
type consumer struct {
	stop func()

	mu      sync.Mutex
	key     string
	keys    []string // every key that the Secret has held, oldest first
	answers map[string]int
}

// startConsumer follows the Secret's entry api-key until stop.
func startConsumer(ctx context.Context, c *cluster, t *tenant, namespace, secret string) (*consumer, error) {
	ctx, cancel := context.WithCancel(ctx)
	consumer := &consumer{answers: map[string]int{}}
	watch := c.command(ctx, "--namespace", namespace, "get", "secret", secret, "--watch", "--output", `jsonpath={.data.api-key}{"\n"}`)
	versions, err := watch.StdoutPipe()
	if err == nil {
		err = watch.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watching the Secret: %w", err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for lines := bufio.NewScanner(versions); lines.Scan(); {
			consumer.reload(lines.Text())
		}
		_ = watch.Wait()
	})
	running.Go(func() { consumer.poll(ctx, t) })
	consumer.stop = func() { cancel(); running.Wait() }
	return consumer, nil
}

// reload takes a new version of the Secret, as base64.
func (c *consumer) reload(encoded string) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(raw) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key = string(raw)
	if !slices.Contains(c.keys, c.key) {
		c.keys = append(c.keys, c.key)
	}
}

func (c *consumer) poll(ctx context.Context, t *tenant) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		c.mu.Lock()
		key := c.key
		c.mu.Unlock()
		if key == "" {
			continue // as a pod that is not started before its Secret is there
		}
		answer := t.use(ctx, key, inventory)
		if ctx.Err() != nil {
			return // stopped while it was asking
		}
		c.mu.Lock()
		c.answers[answer]++
		c.mu.Unlock()
	}
}

// seen tells how many requests were answered with 200, what else there was ("nothing else" if all is well), and how many
// keys were used.
func (c *consumer) seen() (fine int, other string, keys int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var others []string
	for answer, n := range c.answers {
		if answer != "200" {
			others = append(others, fmt.Sprintf("%d times %s", n, answer))
		}
	}
	if len(others) == 0 {
		others = []string{"nothing else"}
	}
	slices.Sort(others)
	return c.answers["200"], strings.Join(others, ", "), len(c.keys)
}
