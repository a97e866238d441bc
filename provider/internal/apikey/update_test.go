package apikey

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
	"github.com/betterdataco/terraform-provider-betterdata/provider/internal/connection"
)

// TestRotateWithCarriedCreatedAt: an API may hand the time of the first issue on to a successor. The interval counts from
// the rotation all the same, or every apply would rotate and leave one more key alive (P4).
func TestRotateWithCarriedCreatedAt(t *testing.T) {
	t.Parallel()
	issued := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	rotated := issued.Add(91 * 24 * time.Hour)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", rotated.Format(http.TimeFormat))
		_, _ = fmt.Fprintf(w, `{"apiKey": {"id": "key_2", "name": "Forecast", "scopes": ["inventory:read"], "status": "ACTIVE", "createdAt": %q}, "plaintextKey": "bdk_live_B_2"}`,
			issued.Format(time.RFC3339))
	}))
	t.Cleanup(server.Close)
	client, err := apiclient.New(apiclient.WithBaseURL(server.URL), apiclient.WithTokenSource(apiclient.StaticToken(apiclient.NewSecret("session"))))
	if err != nil {
		t.Fatal(err)
	}
	prior := newState()
	prior.ID, prior.CreatedAt = types.StringValue("key_1"), timeValue(issued)
	u := update{Resource: &Resource{connection: &connection.Connection{Client: client}}, prior: prior, plan: prior,
		settings: plannedSettings{rotation: noBlock(), priorRotation: noBlock()}, diags: &diag.Diagnostics{}}
	next := prior
	if !u.rotate(t.Context(), &next) {
		t.Fatal(u.diags.Errors())
	}
	if want := timeValue(rotated); !next.CreatedAt.Equal(want) {
		t.Errorf("created_at = %s, want the time of the rotation, %s", next.CreatedAt, want)
	}
}
