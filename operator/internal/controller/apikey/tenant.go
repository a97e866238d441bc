package apikey

import "time"

// tenancy judges whether a listing is the tenant's in which keys were issued. A token may be replaced by another
// tenant's, whose listing lacks every key and proves nothing by it.
type tenancy struct {
	state   State
	known   []Known // all keys that ledgers record for the Connection
	listed  func(id string) bool
	begunAt time.Time // of the listing
}

// TenantMismatched reports that the listing of a Connection holds none of the keys that ledgers record for it, although
// it should. For one ApiKey more is asked, see observeListing.
func TenantMismatched(state State, view View, known []Known) bool {
	return newTenancy(state, view, known).mismatched(nil)
}

func newTenancy(state State, view View, known []Known) tenancy {
	listed := func(id string) bool { _, ok := view.Get(id); return ok }
	return tenancy{state: state, known: known, listed: listed, begunAt: view.BegunAt()}
}

// mismatched reports that the listing holds none of the known keys, or lacks one of own whose tenant nothing in it
// proves: no key that was issued with the same token.
func (t tenancy) mismatched(own []Known) bool {
	if t.state.TenantAccepted {
		return false
	}
	expected := false
	for _, key := range t.known {
		if t.listed(key.ID) {
			expected = false
			break
		}
		expected = expected || !t.mayLag(key)
	}
	for _, key := range own {
		expected = expected || !t.listed(key.ID) && !t.proven(key.Credential)
	}
	return expected
}

// mayLag reports a young key of the present token, which listings need not show yet.
func (t tenancy) mayLag(key Known) bool {
	return key.IssuedAt.Add(youngAge).After(t.begunAt) && key.Credential == t.state.TokenHeldBy
}

func (t tenancy) proven(credential string) bool {
	if credential == t.state.TokenHeldBy {
		return true
	}
	for _, key := range t.known {
		if key.Credential == credential && t.listed(key.ID) {
			return true
		}
	}
	return false
}
