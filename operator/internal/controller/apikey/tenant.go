package apikey

import (
	"slices"
	"time"
)

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
// proves: no key that was issued with the same token, and no successor.
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
		expected = expected || !t.listed(key.ID) && !t.proven(key.Credential) && !t.replaced(key, own)
	}
	return expected
}

// mayLag reports a young key of the present token, which listings need not show yet.
func (t tenancy) mayLag(key Known) bool {
	return key.IssuedAt.Add(youngAge).After(t.begunAt) && key.Credential == t.state.TokenHeldBy
}

// replaced reports that a later key of the same ApiKey, issued with the present token, is listed: it was issued because this
// tenant was known to be the earlier key's. Without that, a listing that leaves dead keys out would hold up the ApiKey for
// ever if a process ended between the revocation of the earlier key and the end of its ledger.
func (t tenancy) replaced(key Known, own []Known) bool {
	return slices.ContainsFunc(own, func(other Known) bool {
		return other.IssuedAt.After(key.IssuedAt) && other.Credential == t.state.TokenHeldBy && t.listed(other.ID)
	})
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
