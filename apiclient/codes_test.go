package apiclient

import (
	"strings"
	"testing"
)

// TestCodesAreTheVendors holds the table against the vendor's page.
func TestCodesAreTheVendors(t *testing.T) {
	t.Parallel()
	want := []struct {
		code    Code
		status  int
		meaning string
	}{
		{"MISSING_AUTHORIZATION", 401, "Authorization header missing"},
		{"INVALID_API_KEY", 401, "API key not found or invalid"},
		{"REVOKED_API_KEY", 401, "API key has been revoked"},
		{"EXPIRED_API_KEY", 401, "API key has expired"},
		{"INACTIVE_ORGANIZATION", 403, "Organization is not active"},
		{"IP_RESTRICTED", 403, "API key not authorized for this IP"},
		{"INSUFFICIENT_SCOPE", 403, "Key lacks required scope"},
	}
	got := Codes()
	if len(got) != len(want) {
		t.Fatalf("%d codes, want %d", len(got), len(want))
	}
	for i, info := range got {
		if info.Code != want[i].code || info.Status != want[i].status || info.Meaning != want[i].meaning {
			t.Errorf("got %+v, want %+v", info, want[i])
		}
		if info.Remedy == "" || strings.HasSuffix(info.Remedy, ".") {
			t.Errorf("%s: remedy %q", info.Code, info.Remedy)
		}
		if hint := errorOf(info.Status, `{"code":"`+string(info.Code)+`"}`).Hint; hint != info.Remedy {
			t.Errorf("%s: hint %q", info.Code, hint)
		}
	}
	got[0].Code = "CHANGED"
	if Codes()[0].Code == "CHANGED" {
		t.Error("a caller can change the table")
	}
}

func TestNormalizeCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Code{
		"IP_RESTRICTION":  CodeIPRestricted,
		"ip_restriction":  CodeIPRestricted,
		"IP_RESTRICTED":   CodeIPRestricted,
		"revoked_api_key": CodeRevokedAPIKey,
		"invalid_request": "invalid_request",
		"NOT_FOUND":       "NOT_FOUND",
	} {
		if got := normalizeCode(in); got != want {
			t.Errorf("normalizeCode(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	const page = "<!DOCTYPE html><html></html>"
	tests := map[string]struct {
		status int
		body   string
		want   string
	}{
		"401":                         {401, `{}`, "the management credential was rejected"},
		"401 of an unknown code":      {401, `{"code":"UNAUTHORIZED"}`, "the management credential was rejected"},
		"403":                         {403, `{}`, "admin:write"},
		"404":                         {404, `{}`, "base URL may be wrong"},
		"409":                         {409, `{}`, "conflicts"},
		"429":                         {429, `{}`, "rate limit"},
		"400":                         {400, `{}`, "name and scopes"},
		"422":                         {422, `{}`, "name and scopes"},
		"418":                         {418, `{}`, "418"},
		"500":                         {500, `{}`, "try again later"},
		"501":                         {501, `{}`, "try again later"},
		"599":                         {599, ``, "try again later"},
		"302":                         {302, ``, "redirected"},
		"200":                         {200, `{}`, "not understood"},
		"200 empty":                   {204, ``, "not understood"},
		"200 web page":                {200, page, "web page"},
		"404 web page":                {404, page, "web page"},
		"401 web page":                {401, page, "web page"},
		"403 with BOM":                {403, "\ufeff\n " + page, "web page"},
		"502 web page":                {502, page, "try again later"},
		"429 web page":                {429, page, "rate limit"},
		"documented code, any status": {500, `{"code":"EXPIRED_API_KEY"}`, "expired"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := errorOf(test.status, test.body)
			if !strings.Contains(err.Hint, test.want) {
				t.Errorf("hint %q does not say %q", err.Hint, test.want)
			}
			if !strings.HasSuffix(err.Error(), err.Hint) {
				t.Errorf("the text lacks the hint: %s", err)
			}
		})
	}
}

// Every hint about a 401 or 403 speaks of the caller's credential: none may let a reader believe that the managed
// key is meant.
func TestHintsNameTheCallersCredential(t *testing.T) {
	t.Parallel()
	for _, info := range Codes() {
		if !strings.Contains(info.Remedy, "credential") && !strings.Contains(info.Remedy, "token") {
			t.Errorf("%s: %q", info.Code, info.Remedy)
		}
	}
}
