package apikey

import (
	"errors"
	"fmt"
)

// errReverted says that an action was carried out, and is wanted again all the same.
var errReverted = errors.New("what the operator does has no lasting effect: look for a webhook, a policy, another controller or a finalizer that stands against it")

// efforts counts what was carried out in one reconcile. Whoever changes back whatever is written would otherwise keep
// the reconcile busy for ever, with the action that is in vain, and nothing behind it would have its turn.
type efforts map[string]int

// maxEfforts is how often anything is done in one reconcile: once, and once more where somebody was faster. A publication
// takes two writes by itself.
const maxEfforts = 2

// effortOf names what an action is to achieve.
func effortOf(a Action) string {
	switch a := a.(type) {
	case Mint:
		return fmt.Sprintf("%s/%d", a.key(), a.Sequence)
	case Publish:
		return fmt.Sprintf("%s/%d", a.key(), a.Sequence)
	case Restart: // each Secret that remembers one
		return a.key() + "/" + a.Target.Name
	}
	return a.key()
}

// spent returns an error if the action was carried out often enough.
func (e efforts) spent(a Action) error {
	limit := maxEfforts
	if _, isPublish := a.(Publish); isPublish {
		limit++
	}
	if e[effortOf(a)] < limit {
		return nil
	}
	return fmt.Errorf("%s: %w", effortOf(a), errReverted)
}
