package apikey

import "time"

// mismatched reports that a listing holds none of the keys that ledgers say were issued through its Connection: it is
// another tenant's, or one that has lost everything, and what it lacks proves nothing. Young keys that the present
// token issued are left aside, because listings lag.
func mismatched(known []Known, listed func(id string) bool, s State, begunAt time.Time) bool {
	if s.TenantAccepted {
		return false
	}
	expected := false
	for _, key := range known {
		if listed(key.ID) {
			return false
		}
		young := key.IssuedAt.Add(youngAge).After(begunAt) && key.Credential == s.TokenHeldBy
		expected = expected || !young
	}
	return expected
}
