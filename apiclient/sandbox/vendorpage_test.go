package sandbox_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestVendorPage sends each curl command of the vendor's page on API keys, with its headers and its body, and checks
// the answer: literally where the page shows one.
func TestVendorPage(t *testing.T) {
	a := start(t)
	created := a.mustSend(t, http.MethodPost, keysPath, `{
"name": "Production API Key",
"scopes": ["inventory:read", "forecast:read"]
}`)
	plaintext, key := expectPageAnswer(t, created)
	id := as[string](t, key["id"])

	t.Run("use: channel and location ATP matrix", func(t *testing.T) {
		r := a.mustSendAs(t, plaintext, http.MethodGet, inventoryPath, "")
		expectStatus(t, r, http.StatusOK)
		if products := as[[]any](t, r.at(t, "products")); len(products) != 50 {
			t.Errorf("%d products, want the 50 asked for", len(products))
		}
		want := map[string]any{"page": 1.0, "pageSize": 50.0, "total": 120.0, "totalPages": 3.0}
		if diff := cmp.Diff(want, r.at(t, "pagination")); diff != "" {
			t.Errorf("pagination (-want +got):\n%s", diff)
		}
	})
	t.Run("list", func(t *testing.T) {
		r := a.mustSend(t, http.MethodGet, keysPath, "")
		expectStatus(t, r, http.StatusOK)
		if listed := r.keys(t); len(listed) != 1 || listed[0]["id"] != id {
			t.Errorf("listing %s, want the one key %s", r.text, id)
		}
	})
	t.Run("update", func(t *testing.T) {
		r := a.mustSend(t, http.MethodPatch, keysPath+"/"+id, `{
"name": "Updated Name",
"scopes": ["inventory:read", "inventory:write"]
}`)
		expectStatus(t, r, http.StatusOK)
		got := as[map[string]any](t, r.at(t, "apiKey"))
		if got["id"] != id || got["name"] != "Updated Name" || !cmp.Equal(got["scopes"], []any{"inventory:read", "inventory:write"}) {
			t.Errorf("updated key %v", got)
		}
		expectStatus(t, a.mustSendAs(t, plaintext, http.MethodGet, inventoryPath, ""), http.StatusOK)
	})
	var successor, successorID string
	t.Run("rotate and revoke the old key", func(t *testing.T) {
		r := a.mustSend(t, http.MethodPost, keysPath+"/"+id+"/rotate", `{
"revokeOld": true
}`)
		expectStatus(t, r, http.StatusCreated)
		successor, successorID = r.textAt(t, "plaintextKey"), r.textAt(t, "apiKey", "id")
		if successorID == id || r.at(t, "apiKey", "name") != "Updated Name" {
			t.Errorf("successor %s, want a new id and the old name", r.text)
		}
		expectCode(t, a.mustSendAs(t, plaintext, http.MethodGet, inventoryPath, ""), http.StatusUnauthorized, "REVOKED_API_KEY")
		expectStatus(t, a.mustSendAs(t, successor, http.MethodGet, inventoryPath, ""), http.StatusOK)
	})
	t.Run("revoke", func(t *testing.T) {
		r := a.mustSend(t, http.MethodPost, keysPath+"/"+successorID+"/revoke", "")
		expectStatus(t, r, http.StatusOK)
		if r.at(t, "apiKey", "status") != "REVOKED" {
			t.Errorf("revoked key %s", r.text)
		}
		expectCode(t, a.mustSendAs(t, successor, http.MethodGet, inventoryPath, ""), http.StatusUnauthorized, "REVOKED_API_KEY")
	})
}

// expectPageAnswer compares the answer of create with the one on the page, field by field.
func expectPageAnswer(t *testing.T, r reply) (plaintext string, key map[string]any) {
	t.Helper()
	expectStatus(t, r, http.StatusCreated)
	body := as[map[string]any](t, r.json(t))
	key, plaintext = as[map[string]any](t, body["apiKey"]), as[string](t, body["plaintextKey"])
	parts := regexp.MustCompile(`^(bdk_live_[A-Z0-9]{6})_[A-Za-z0-9]{28}([A-Za-z0-9]{4})$`).FindStringSubmatch(plaintext)
	if parts == nil {
		t.Fatal("the plaintext is not of the form bdk_live_ABC123_<random>")
	}
	if !regexp.MustCompile(`^key_[A-Za-z0-9]+$`).MatchString(as[string](t, key["id"])) {
		t.Errorf("id %v is not of the form key_123", key["id"])
	}
	want := map[string]any{
		"apiKey": map[string]any{
			"id":        key["id"],
			"name":      "Production API Key",
			"keyPrefix": parts[1],
			"last4":     parts[2],
			"scopes":    []any{"inventory:read", "forecast:read"},
			"status":    "ACTIVE",
			"createdAt": "2024-01-01T00:00:00Z",
		},
		"plaintextKey": plaintext,
	}
	if diff := cmp.Diff(want, any(body)); diff != "" {
		t.Errorf("answer of create (-want +got):\n%s", diff)
	}
	return plaintext, key
}
