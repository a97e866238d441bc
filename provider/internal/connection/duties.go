package connection

import (
	"context"
	"errors"
	"sync"
)

// Duties are what a provider process has to do before it ends, unless Terraform asks for it earlier.
//
// Terraform and OpenTofu do not close an ephemeral resource when something that uses it has failed, nor after Ctrl-C:
// they end the provider's process instead. The zero value is ready.
type Duties struct {
	mu   sync.Mutex
	open map[string]func(context.Context) error
}

// Add takes on a duty. The name identifies it.
func (d *Duties) Add(name string, do func(context.Context) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open = map[string]func(context.Context) error{}
	}
	d.open[name] = do
}

// Done strikes a duty off. One that was never taken on is no error.
func (d *Duties) Done(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, name)
}

// Do does whatever is left, all at once because little time is left, and strikes it off. The error joins all failures.
func (d *Duties) Do(ctx context.Context) error {
	d.mu.Lock()
	left := d.open
	d.open = nil
	d.mu.Unlock()

	failures := make(chan error, len(left))
	for _, do := range left {
		go func() { failures <- do(ctx) }()
	}
	var all []error
	for range left {
		all = append(all, <-failures)
	}
	return errors.Join(all...)
}
