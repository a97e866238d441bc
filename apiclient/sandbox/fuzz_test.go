package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// FuzzAPI: whatever is sent, the API neither panics nor answers 5xx, and errors are JSON.
func FuzzAPI(f *testing.F) {
	f.Add(http.MethodPost, keysPath, createBody)
	f.Add(http.MethodPatch, keysPath+"/key_1", `{"name":null,"scopes":[1]}`)
	f.Add(http.MethodGet, keysPath+"?page=-1&limit=99999999999999999999&offset=x", "")
	f.Add(http.MethodPost, "/api/forecast/events?page=1000000&limit=1000000", `{"id":{}}`)
	f.Add(http.MethodGet, "/api/inventory/channel-location?locationId=%00&page=3", "[]")
	s, err := sandbox.New(sandbox.WithRateLimits(), sandbox.WithSeed(testSeed))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1/"+strings.TrimPrefix(path, "/"), strings.NewReader(body))
		if err != nil {
			return // no HTTP client would send it
		}
		req.Header.Set("Authorization", "Bearer "+s.SessionToken())
		req.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		s.API().ServeHTTP(w, req)
		if w.Code >= 500 || w.Code >= 400 && !strings.HasPrefix(w.Body.String(), `{`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// FuzzParseFaults: a rule that is read is valid.
func FuzzParseFaults(f *testing.F) {
	f.Add("create:cut-after-commit:times=1,list:502-html:p=0.1")
	f.Add("any:redirect:status=302:location=http://x")
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := sandbox.ParseFaults(text)
		if err != nil {
			return
		}
		for _, rule := range rules {
			if err := rule.Validate(); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

// FuzzParseDialect: a dialect that is read can be written and read again.
func FuzzParseDialect(f *testing.F) {
	f.Add("list=items,paging=none")
	f.Add("awkward,case=upper")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := sandbox.ParseDialect(text)
		if err != nil {
			return
		}
		if again, err := sandbox.ParseDialect(d.String()); err != nil || again.String() != d.String() {
			t.Errorf("%q: %q reads back as %q, %v", text, d, again, err)
		}
	})
}
