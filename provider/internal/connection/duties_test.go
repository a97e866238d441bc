package connection_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/connection"
)

// TestDuties: what is left is done once, at the same time, and a failure hides no other.
func TestDuties(t *testing.T) {
	t.Parallel()
	var duties connection.Duties
	if err := duties.Do(t.Context()); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
	var mu sync.Mutex
	var done []string
	var together sync.WaitGroup
	together.Add(3)
	duty := func(name string, err error) func(context.Context) error {
		return func(context.Context) error {
			together.Done()
			together.Wait() // for ever, if one waited for another
			mu.Lock()
			defer mu.Unlock()
			done = append(done, name)
			return err
		}
	}
	first, second := errors.New("first"), errors.New("second")
	duties.Add("a", duty("a", first))
	duties.Add("b", duty("b", nil))
	duties.Add("c", duty("c", second))
	duties.Add("d", duty("d", nil))
	duties.Done("d")
	duties.Done("never taken on")
	err := duties.Do(t.Context())
	if !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("err = %v, want both failures", err)
	}
	slices.Sort(done)
	if !slices.Equal(done, []string{"a", "b", "c"}) {
		t.Errorf("did %v, want a, b and c", done)
	}
	if err := duties.Do(t.Context()); err != nil {
		t.Errorf("a second time: %v", err)
	}
}
