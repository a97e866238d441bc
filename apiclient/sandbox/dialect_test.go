package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// dialectChecks holds, for each value of each axis, what a client sees.
var dialectChecks = map[string]func(t *testing.T, a *api){
	"list=apiKeys":      listShape(func(b map[string]any) any { return b["apiKeys"] }),
	"list=data":         listShape(func(b map[string]any) any { return b["data"] }),
	"list=items":        listShape(func(b map[string]any) any { return b["items"] }),
	"list=keys":         listShape(func(b map[string]any) any { return b["keys"] }),
	"list=data.apiKeys": listShape(func(b map[string]any) any { return b["data"].(map[string]any)["apiKeys"] }), //nolint:forcetypeassert // a panic fails the test
	"list=array": func(t *testing.T, a *api) {
		issue(t, a)
		if list := as[[]any](t, a.mustSend(t, http.MethodGet, keysPath, "").json(t)); len(list) != 1 {
			t.Errorf("%d keys, want 1", len(list))
		}
	},

	"paging=page":          pages(20, 5, 25, map[string]any{"pagination": map[string]any{"page": 1.0, "pageSize": 20.0, "total": 25.0, "totalPages": 2.0}}),
	"paging=limit-refused": limitRefused,
	"paging=none":          pages(20, 5, 25, map[string]any{}),
	"paging=silent-cut":    pages(20, 5, 20, map[string]any{}),
	"paging=ignored":       pages(25, 25, 25, map[string]any{}),
	"paging=offset":        offsetPaging,

	"write=wrapped": writeShape(http.StatusOK, func(b map[string]any) any { return b["apiKey"] }),
	"write=flat":    writeShape(http.StatusOK, func(b map[string]any) any { return b }),
	"write=data":    writeShape(http.StatusOK, func(b map[string]any) any { return b["data"] }),
	"write=empty": func(t *testing.T, a *api) {
		r := patch(t, a)
		expectStatus(t, r, http.StatusNoContent)
		if r.text != "" {
			t.Errorf("body %q", r.text)
		}
	},
	"write=success": func(t *testing.T, a *api) {
		if r := patch(t, a); strings.TrimSpace(r.text) != `{"success":true}` {
			t.Errorf("body %q", r.text)
		}
	},

	"issue=page":   issueShape("apiKey"),
	"issue=newKey": issueShape("newKey"),
	"issue=key":    issueShape("key"),
	"issue=data": func(t *testing.T, a *api) {
		r := issue(t, a)
		expectWorks(t, a, r.textAt(t, "data", "plaintextKey"))
		r.textAt(t, "data", "apiKey", "id")
	},
	"issue=flat": func(t *testing.T, a *api) {
		r := issue(t, a)
		expectWorks(t, a, r.textAt(t, "plaintextKey"))
		r.textAt(t, "id")
	},

	"error-code=code":         codeAt("code"),
	"error-code=errorCode":    codeAt("errorCode"),
	"error-code=details.code": codeAt("details", "code"),
	"error-code=error":        codeAt("error"),
	"error-code=error.code":   codeAt("error", "code"),

	"retry-after=seconds": retryAfter("41"), // 40.5 s are left, rounded up
	"retry-after=date":    retryAfter("Mon, 01 Jan 2024 00:01:00 GMT"),
	"retry-after=none":    retryAfter(""),

	"reset=seconds":      resetHeader("1704067260"),
	"reset=milliseconds": resetHeader("1704067260000"),
	"reset=delta":        resetHeader("60"),
	"reset=none":         resetHeader(""),

	"status=created": func(t *testing.T, a *api) { expectStatus(t, issue(t, a), http.StatusCreated) },
	"status=ok":      func(t *testing.T, a *api) { expectStatus(t, issue(t, a), http.StatusOK) },

	"rotate-name=carried": rotated(func(old, successor sandbox.Key) bool {
		return successor.Name == old.Name && cmp.Equal(successor.Scopes, old.Scopes)
	}),
	"rotate-name=fresh": rotated(func(_, successor sandbox.Key) bool {
		return successor.Name == "Rotated key" && len(successor.Scopes) == 0
	}),
	"rotate-id=new":  rotated(func(old, successor sandbox.Key) bool { return successor.ID != old.ID && successor.Last4 != old.Last4 }),
	"rotate-id=same": rotatedInPlace,

	"dead=listed": deadKeys(2),
	"dead=hidden": deadKeys(0),

	"revoked=ok":  revokedAgain(http.StatusOK),
	"revoked=409": revokedAgain(http.StatusConflict),
	"revoked=404": revokedAgain(http.StatusNotFound),
	"revoked=400": revokedAgain(http.StatusBadRequest),

	"timestamps=rfc3339":  createdAt("2024-01-01T00:00:00Z"),
	"timestamps=fraction": createdAt("2024-01-01T00:00:00.000Z"),
	"timestamps=bad":      createdAt("01.01.2024 00:00"),
	"timestamps=absent":   createdAt(nil),

	"date=present": func(t *testing.T, a *api) {
		a.AdvanceClock(24 * time.Hour)
		if got := a.mustSend(t, http.MethodGet, keysPath, "").header.Get("Date"); got != "Tue, 02 Jan 2024 00:00:00 GMT" {
			t.Errorf("Date %q is not the sandbox's", got)
		}
	},
	"date=absent": func(t *testing.T, a *api) {
		if got, there := a.mustSend(t, http.MethodGet, keysPath, "").header["Date"]; there {
			t.Errorf("Date %q", got)
		}
	},

	"case=upper": statusText("ACTIVE"),
	"case=lower": statusText("active"),

	"scopes=kept":     storedScopes("shipping:read", "inventory:*"),
	"scopes=sorted":   storedScopes("inventory:*", "shipping:read"),
	"scopes=expanded": storedScopes("shipping:read", "inventory:read", "inventory:write"),

	"update=partial": partialUpdate(http.StatusOK),
	"update=full":    partialUpdate(http.StatusBadRequest),
}

func TestDialectValues(t *testing.T) {
	for axis, values := range sandbox.AxisValues() {
		for _, value := range values {
			name := axis + "=" + value
			t.Run(name, func(t *testing.T) {
				check, there := dialectChecks[name]
				if !there {
					t.Fatal("no check for this value")
				}
				d, err := sandbox.ParseDialect(name)
				if err != nil {
					t.Fatal(err)
				}
				check(t, start(t, sandbox.WithDialect(d)))
			})
		}
	}
}

// TestEveryDialectServesALife: a key is created, used, changed, rotated and revoked in each named dialect.
func TestEveryDialectServesALife(t *testing.T) {
	for name, d := range sandbox.Dialects() {
		t.Run(name, func(t *testing.T) {
			var record recorder
			a := start(t, sandbox.WithDialect(d), sandbox.WithIssueHook(record.hook))
			succeed(t, a, http.MethodPost, keysPath, `{"name":"service","scopes":["inventory:read"]}`)
			expectWorks(t, a, record.all()[0])
			path := keysPath + "/" + a.Keys()[0].ID
			succeed(t, a, http.MethodPatch, path, `{"name":"renamed","scopes":["inventory:*"]}`)
			succeed(t, a, http.MethodPost, path+"/rotate", `{"revokeOld":false}`)
			expectWorks(t, a, record.all()[0])
			succeed(t, a, http.MethodPost, path+"/revoke", "")
			if r := a.use(t, record.all()[0]); r.status != http.StatusUnauthorized {
				t.Errorf("the revoked key gets %d", r.status)
			}
			succeed(t, a, http.MethodGet, keysPath, "")
		})
	}
}

func succeed(t *testing.T, a *api, method, path, body string) {
	t.Helper()
	if r := a.mustSend(t, method, path, body); r.status < 200 || r.status > 299 {
		t.Fatalf("%s: %d %s", method, r.status, r.text)
	}
}

func TestParseDialect(t *testing.T) {
	cases := []struct {
		text string
		want sandbox.Dialect
		ok   bool
	}{
		{"", sandbox.Dialect{}, true},
		{"page", sandbox.Dialect{}, true},
		{"list=items, paging=none", sandbox.Dialect{List: "items", Paging: "none"}, true},
		{"rotateName=fresh,rotate-id=same", sandbox.Dialect{RotateName: "fresh", RotateID: "same"}, true},
		{"list-array,write-empty", sandbox.Dialect{List: "array", Write: "empty"}, true},
		{"bare,status=created", sandbox.Dialect{List: "array", Paging: "none", Write: "flat", Issue: "flat", ErrorCode: "errorCode", Status: "created"}, true},
		{"list=unheard", sandbox.Dialect{}, false},
		{"unheard=items", sandbox.Dialect{}, false},
		{"unheard", sandbox.Dialect{}, false},
	}
	for _, c := range cases {
		got, err := sandbox.ParseDialect(c.text)
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("ParseDialect(%q) = %+v, %v", c.text, got, err)
		}
	}
	for name, d := range sandbox.Dialects() {
		if again, err := sandbox.ParseDialect(d.String()); err != nil || again.String() != d.String() {
			t.Errorf("%s: %q reads back as %q, %v", name, d, again, err)
		}
	}
}

func TestUnknownDialectValueIsRefused(t *testing.T) {
	if _, err := sandbox.New(sandbox.WithDialect(sandbox.Dialect{List: "unheard"})); err == nil {
		t.Error("accepted")
	}
}
