package apiclient

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// P5: one record per attempt, with names and numbers; nothing of a body, a header, a query or an id.
func TestLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
	status := 500
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "req_7")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(issuedBody + r.Header.Get("Authorization")))
		status = 200
	}, WithLogger(logger))
	if _, err := client.UpdateKey(t.Context(), "key_1", UpdateKeyRequest{"radioactive name", []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.RotateKey(t.Context(), "key_1"); err != nil {
		t.Fatal(err)
	}
	_, _ = client.ListKeys(t.Context(), ListOptions{Page: 3})
	for _, secret := range []string{testToken, issuedPlaintext, "radioactive", "page=", "key_1"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log holds %s:\n%s", secret, out.String())
		}
	}
	var records []map[string]any
	for line := range strings.Lines(out.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	if len(records) != 4 {
		t.Fatalf("%d records:\n%s", len(records), out.String())
	}
	first, second, third := records[0], records[1], records[2]
	if first["level"] != "DEBUG" || first["op"] != "update key" || first["method"] != "PATCH" || first["path"] != "/admin/api-keys/{id}" ||
		first["status"] != 500.0 || first["attempt"] != 1.0 || first["request_id"] != "req_7" || first["duration"] == nil {
		t.Errorf("got %v", first)
	}
	if second["status"] != 200.0 || second["attempt"] != 2.0 || third["path"] != "/admin/api-keys/{id}/rotate" || third["attempt"] != 1.0 {
		t.Errorf("got %v, %v", second, third)
	}
}

func TestLogOfFailure(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	client := newTestClient(t, refusing(t), WithRetry(RetryPolicy{MaxRetries: -1}), WithLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	_ = client.RevokeKey(t.Context(), "key_1")
	if got := out.String(); !strings.Contains(got, "connection refused") || strings.Contains(got, "status=") {
		t.Errorf("got %s", got)
	}
}

// A server or proxy that quotes the token, in a body or as a request id, does not get it into an error.
func TestQuotedTokenIsBlanked(t *testing.T) {
	t.Parallel()
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "id-"+testToken)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"message":"unknown token ` + testToken + `","details":{"got":"` + testToken + `"}}`))
	})
	err := client.RevokeKey(t.Context(), "key_1")
	mustBeStatus(t, err, 401)
	if strings.Contains(err.Error(), testToken) {
		t.Errorf("got %v", err)
	}
}
