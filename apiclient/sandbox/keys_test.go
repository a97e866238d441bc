package sandbox_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

func (a *api) use(t *testing.T, plaintext string) reply {
	t.Helper()
	return a.mustSendAs(t, plaintext, http.MethodGet, inventoryPath, "")
}

func TestRotateKeepsTheOldKeyUnlessToldOtherwise(t *testing.T) {
	for name, body := range map[string]string{"empty body": "", "empty object": "{}", "false": `{"revokeOld":false}`} {
		t.Run(name, func(t *testing.T) {
			a := start(t)
			id, old := a.mustCreate(t, "service", "inventory:read")
			r := a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/rotate", body)
			expectStatus(t, r, http.StatusCreated)
			expectStatus(t, a.use(t, old), http.StatusOK)
			expectStatus(t, a.use(t, r.textAt(t, "plaintextKey")), http.StatusOK)
			if live := a.LiveKeys(); len(live) != 2 || live[0].Name != live[1].Name || !cmp.Equal(live[0].Scopes, live[1].Scopes) {
				t.Errorf("live keys %+v, want the old one and a successor with its name and scopes", live)
			}
		})
	}
}

// TestSuccessorInherits: addresses bind a successor too; the expiry of the old key does not, or a rotation near its
// end would be worthless.
func TestSuccessorInherits(t *testing.T) {
	a := start(t)
	id, _ := a.mustCreate(t, "service", "inventory:read")
	mustEdit(t, a, id, func(k *sandbox.Key) {
		k.AllowedIPs, k.ExpiresAt = []string{"10.0.0.0/8"}, new(epoch.Add(time.Minute))
	})
	r := a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/rotate", "")
	expectCode(t, a.use(t, r.textAt(t, "plaintextKey")), http.StatusForbidden, "IP_RESTRICTED")
	if successor := a.Keys()[1]; successor.ExpiresAt != nil {
		t.Errorf("successor %+v", successor)
	}
}

func TestDeadKeysCannotBeChanged(t *testing.T) {
	for _, kill := range []struct {
		name string
		edit func(*sandbox.Key)
	}{
		{"revoked", func(k *sandbox.Key) { k.Status = "REVOKED" }},
		{"expired", func(k *sandbox.Key) { k.ExpiresAt = new(epoch) }},
	} {
		t.Run(kill.name, func(t *testing.T) {
			a := start(t)
			id, _ := a.mustCreate(t, "service", "inventory:read")
			mustEdit(t, a, id, kill.edit)
			expectStatus(t, a.mustSend(t, http.MethodPatch, keysPath+"/"+id, `{"name":"x"}`), http.StatusConflict)
			expectStatus(t, a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/rotate", ""), http.StatusConflict)
			expectStatus(t, a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/revoke", ""), http.StatusOK)
			if len(a.LiveKeys()) != 0 {
				t.Error("a key is live")
			}
		})
	}
}

func TestPartialUpdate(t *testing.T) {
	a := start(t)
	id, plaintext := a.mustCreate(t, "before", "inventory:read")
	expectStatus(t, a.mustSend(t, http.MethodPatch, keysPath+"/"+id, `{"name":"after"}`), http.StatusOK)
	expectStatus(t, a.mustSend(t, http.MethodPatch, keysPath+"/"+id, `{"scopes":["inventory:*","forecast:read"]}`), http.StatusOK)
	key := a.Keys()[0]
	if key.Name != "after" || !cmp.Equal(key.Scopes, []string{"inventory:*", "forecast:read"}) {
		t.Errorf("key after two partial updates: %+v", key)
	}
	expectStatus(t, a.use(t, plaintext), http.StatusOK)
}

func TestListingPages(t *testing.T) {
	a := start(t, sandbox.WithRateLimits())
	var ids []string
	for range 45 {
		id, _ := a.mustCreate(t, "one of many", "inventory:read")
		ids = append(ids, id)
	}
	cases := []struct {
		query string
		want  []string
		meta  map[string]any
	}{
		{"", ids[:20], map[string]any{"page": 1.0, "pageSize": 20.0, "total": 45.0, "totalPages": 3.0}},
		{"?page=3", ids[40:], map[string]any{"page": 3.0, "pageSize": 20.0, "total": 45.0, "totalPages": 3.0}},
		{"?page=2&limit=30", ids[30:], map[string]any{"page": 2.0, "pageSize": 30.0, "total": 45.0, "totalPages": 2.0}},
		{"?page=9", nil, map[string]any{"page": 9.0, "pageSize": 20.0, "total": 45.0, "totalPages": 3.0}},
		{"?limit=1000", ids, map[string]any{"page": 1.0, "pageSize": 100.0, "total": 45.0, "totalPages": 1.0}},
	}
	for _, c := range cases {
		t.Run("query "+c.query, func(t *testing.T) {
			r := a.mustSend(t, http.MethodGet, keysPath+c.query, "")
			if diff := cmp.Diff(c.want, idsOf(t, r.keys(t))); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(any(c.meta), r.at(t, "pagination")); diff != "" {
				t.Errorf("pagination (-want +got):\n%s", diff)
			}
		})
	}
}

func idsOf(t *testing.T, keys []map[string]any) []string {
	t.Helper()
	var ids []string
	for _, key := range keys {
		ids = append(ids, as[string](t, key["id"]))
	}
	return ids
}

// TestFieldsBeyondThePage: they appear once they have a value, never before.
func TestFieldsBeyondThePage(t *testing.T) {
	a := start(t)
	id, plaintext := a.mustCreate(t, "service", "inventory:read")
	if key := a.mustSend(t, http.MethodGet, keysPath, "").keys(t)[0]; len(key) != 7 {
		t.Errorf("a fresh key shows %v, want the seven fields of the page", key)
	}
	expectStatus(t, a.use(t, plaintext), http.StatusOK)
	mustEdit(t, a, id, func(k *sandbox.Key) { k.ExpiresAt = new(epoch.Add(time.Hour)) })
	expectStatus(t, a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/revoke", ""), http.StatusOK)
	key := a.mustSend(t, http.MethodGet, keysPath, "").keys(t)[0]
	for field, want := range map[string]string{
		"lastUsedAt": "2024-01-01T00:00:00Z", "revokedAt": "2024-01-01T00:00:00Z", "expiresAt": "2024-01-01T01:00:00Z",
	} {
		if key[field] != want {
			t.Errorf("%s is %v, want %s", field, key[field], want)
		}
	}
}

func TestBehindTheBack(t *testing.T) {
	a := start(t)
	id, plaintext := a.mustCreate(t, "service", "inventory:read")
	mustEdit(t, a, id, func(k *sandbox.Key) { k.ID, k.Status = "another", "SUSPENDED" })
	if key := a.Keys()[0]; key.ID != id || key.Status != "SUSPENDED" {
		t.Errorf("edited key %+v", key)
	}
	expectCode(t, a.use(t, plaintext), http.StatusUnauthorized, "INVALID_API_KEY")
	if err := a.EditKey(id, func(k *sandbox.Key) { k.AllowedIPs = []string{"nowhere"} }); err == nil {
		t.Error("an address that cannot be read was accepted")
	}
	if err := a.DeleteKey(id); err != nil {
		t.Fatal(err)
	}
	expectCode(t, a.use(t, plaintext), http.StatusUnauthorized, "INVALID_API_KEY")
	if len(a.Keys()) != 0 {
		t.Error("the deleted key is listed")
	}
	for name, err := range map[string]error{"delete": a.DeleteKey(id), "edit": a.EditKey(id, func(*sandbox.Key) {})} {
		if !errors.Is(err, sandbox.ErrKeyNotFound) {
			t.Errorf("%s of a key that is gone: %v", name, err)
		}
	}
}

// TestKeysAreCopies: a caller that changes what it was given changes nothing in the sandbox.
func TestKeysAreCopies(t *testing.T) {
	a := start(t)
	a.mustCreate(t, "service", "inventory:read")
	a.Keys()[0].Scopes[0] = "*"
	if got := a.Keys()[0].Scopes[0]; got != "inventory:read" {
		t.Errorf("scope %s", got)
	}
}

func TestIssueHookSeesEachPlaintextOnce(t *testing.T) {
	var record recorder
	a := start(t, sandbox.WithIssueHook(record.hook))
	id, first := a.mustCreate(t, "service", "inventory:read")
	r := a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/rotate", "")
	want := map[string]string{first: id, r.textAt(t, "plaintextKey"): r.textAt(t, "apiKey", "id")}
	if !cmp.Equal(want, record.ids()) || len(record.all()) != 2 {
		t.Error("the hook did not see exactly the plaintexts that were answered")
	}
}

// TestIssueHookSeesWhatFaultsHide: a leak test needs the plaintexts that never reached a client, too.
func TestIssueHookSeesWhatFaultsHide(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{
		sandbox.FaultCutAfterCommit, sandbox.FaultTruncatedJSON, sandbox.FaultNoPlaintext, sandbox.FaultUnknownShape,
	} {
		t.Run(string(kind), func(t *testing.T) {
			var record recorder
			a := start(t, sandbox.WithIssueHook(record.hook), sandbox.WithFaults(sandbox.Fault{Kind: kind, Times: 1}))
			_, _ = a.send(t, http.MethodPost, keysPath, a.SessionToken(), createBody) // some kinds cut the answer
			seen := record.all()
			if len(seen) != 1 {
				t.Fatalf("%d plaintexts seen, want 1", len(seen))
			}
			expectWorks(t, a, seen[0])
		})
	}
}

func TestSeedRepeats(t *testing.T) {
	first, second := start(t), start(t)
	idA, plaintextA := first.mustCreate(t, "service", "inventory:read")
	idB, plaintextB := second.mustCreate(t, "service", "inventory:read")
	if idA != idB || plaintextA != plaintextB || first.SessionToken() != second.SessionToken() {
		t.Error("one seed, two outcomes")
	}
	unseeded := start(t, sandbox.WithSeed(0))
	if id, plaintext := unseeded.mustCreate(t, "service", "inventory:read"); id == idA || strings.EqualFold(plaintext, plaintextA) {
		t.Error("without a seed the ids repeat")
	}
}

func TestStats(t *testing.T) {
	a := start(t)
	id, plaintext := a.mustCreate(t, "service", "inventory:read")
	a.mustSend(t, http.MethodPost, keysPath, `{}`)
	a.mustSend(t, http.MethodPatch, keysPath+"/"+id, `{"name":"x"}`)
	a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/rotate", `{"revokeOld":true}`)
	a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/revoke", "")
	a.use(t, plaintext)
	a.mustSend(t, http.MethodGet, "/elsewhere", "")
	want := sandbox.Stats{
		Requests: map[sandbox.Operation]int{"create": 2, "update": 1, "rotate": 1, "revoke": 1, "use": 1, "other": 1},
		Outcomes: map[sandbox.Operation]map[string]int{
			"create": {"201": 1, "400": 1}, "update": {"200": 1}, "rotate": {"201": 1}, "revoke": {"200": 1},
			"use": {"401 REVOKED_API_KEY": 1}, "other": {"404": 1},
		},
		Created: 1, Rotated: 1, Updated: 1, Revoked: 1, Total: 7,
	}
	if diff := cmp.Diff(want, a.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	a.ResetStats()
	if got := a.Stats(); got.Total != 0 || len(got.Requests) != 0 || got.Created != 0 {
		t.Errorf("stats after a reset: %+v", got)
	}
}
