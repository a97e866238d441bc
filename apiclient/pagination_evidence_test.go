package apiclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// byOffset makes a tenant's listing deaf to page.
func byOffset(api *tenant) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if !query.Has("offset") {
			query.Set("offset", "0")
		}
		r.URL.RawQuery = query.Encode()
		api.list(w, r)
	}
}

// cursors ends each page but the last with what says that there is more.
func cursors(last bool, member string, value any) func([]map[string]any, tenantPage) any {
	return func(page []map[string]any, at tenantPage) any {
		answer := map[string]any{"apiKeys": page}
		if last || at.offset+at.page*at.limit < at.total {
			outer, inner, nested := strings.Cut(member, ".")
			answer[outer] = value
			if nested {
				answer[outer] = map[string]any{inner: value}
			}
		}
		return answer
	}
}

// P3: 150 keys are listed whole, or not at all.
func TestNoListingIsCutShort(t *testing.T) {
	t.Parallel()
	linked := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", `<https://api.example.com/?after=x>; rel="next"`)
			next(w, r)
		}
	}
	pageTotal := func(page []map[string]any, _ tenantPage) any {
		return map[string]any{"apiKeys": page, "total": len(page)}
	}
	pagesAsTotal := func(page []map[string]any, _ tenantPage) any { return map[string]any{"apiKeys": page, "total": 2} }
	tests := map[string]struct {
		shape    func([]map[string]any, tenantPage) any
		handler  func(*tenant) http.HandlerFunc
		size     int
		requests int // 0: no listing
	}{
		"array, by offset":               {bare, byOffset, 0, 4},
		"array, neither page nor offset": {bare, deaf, 0, 0},
		"total of the page":              {pageTotal, whole, 0, 0},
		"total of pages":                 {pagesAsTotal, whole, 0, 0},
		"cursor":                         {cursors(true, "nextCursor", "abc"), deaf, 0, 0},
		"cursor, pages cut at 20":        {cursors(true, "nextCursor", "abc"), deaf, 20, 0},
		"has_more in pagination":         {cursors(true, "pagination.has_more", true), deaf, 20, 0},
		"links.next":                     {cursors(true, "links.next", "/x"), deaf, 20, 0},
		"meta.nextPage":                  {cursors(true, "meta.nextPage", 2), deaf, 20, 0},
		"Link header":                    {bare, func(a *tenant) http.HandlerFunc { return linked(deaf(a)) }, 20, 0},
		"hasMore, pages honoured":        {cursors(false, "hasMore", true), whole, 0, 3},
		"hasMore, by offset, cut at 20":  {cursors(false, "hasMore", true), byOffset, 20, 10},
		"no cursor":                      {cursors(true, "next", ""), whole, 0, 3},
	}
	for name, test := range tests {
		api := (&tenant{shape: test.shape, size: test.size}).fill(150)
		view, err := clientOf(t, test.handler(api)).Directory().View(t.Context(), Freshness{})
		switch {
		case test.requests == 0 && err == nil:
			t.Errorf("%s: %d keys are taken for all", name, len(view.Keys()))
		case test.requests == 0:
			if e := errorWith(t, err, 200); !strings.Contains(e.Message, "not complete") {
				t.Errorf("%s: got %v", name, err)
			}
		case err != nil || len(view.Keys()) != 150 || api.count() != test.requests:
			t.Errorf("%s: got %v after %d requests", name, err, api.count())
		}
	}
}

func whole(api *tenant) http.HandlerFunc { return api.list }

// deaf shows the first page, whatever is asked.
func deaf(api *tenant) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		query.Del("page")
		query.Del("offset")
		r.URL.RawQuery = query.Encode()
		api.list(w, r)
	}
}

func TestSaysMore(t *testing.T) {
	t.Parallel()
	for _, name := range moreNames {
		for value, want := range map[string]bool{
			"true": true, `"x"`: true, "2": true, `{"href":"x"}`: true,
			"false": false, `""`: false, "0": false, "null": false, "{}": false,
		} {
			for _, form := range []string{`{%q:%s}`, `{"pagination":{%q:%s}}`, `{"meta":{%q:%s}}`, `{"data":{%q:%s}}`, `{"links":{%q:%s}}`} {
				body := fmt.Sprintf(form, name, json.RawMessage(value))
				parsed, err := parse([]byte(body))
				if err != nil || evidenceIn(parsed).more != want {
					t.Errorf("%s: got %v, %v", body, !want, err)
				}
			}
		}
	}
}

// A total that knows of more than the pages have shown does not end a listing that says there is more, and a key that
// is made between the server's count and its select costs one more listing.
func TestTotalsThatMislead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []string
		keys    int
	}{
		"total reached, but more": {[]string{`{"keys":[{"id":"1"}],"total":1,"hasMore":true}`, `{"keys":[{"id":"2"}],"total":2}`}, 2},
		"made after the count": {[]string{
			`{"keys":[{"id":"1"},{"id":"2"}],"total":1}`, `{"keys":[{"id":"1"},{"id":"2"}],"total":2}`,
		}, 2},
		"promised, then empty": {[]string{
			`{"keys":[{"id":"1"}],"hasMore":true}`, `{"keys":[]}`, `{"keys":[{"id":"1"}]}`, `{"keys":[]}`,
		}, 1},
	} {
		var rec recorder
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			rec.note(r)
			if n := rec.count(); n <= len(test.answers) {
				_, _ = fmt.Fprint(w, test.answers[n-1])
			}
		})
		view, err := client.Directory().View(t.Context(), Freshness{})
		if err != nil || len(view.Keys()) != test.keys || rec.count() != len(test.answers) {
			t.Errorf("%s: got %v after %d requests", name, err, rec.count())
		}
	}
}

// A hostile server's pages do not fill the memory.
func TestListingTooLarge(t *testing.T) {
	t.Parallel()
	api := (&tenant{}).fill(100)
	client := clientOf(t, api.list, WithPageSize(1), func(cfg *config) error { cfg.listingLimit = 1 << 10; return nil })
	_, err := client.Directory().View(t.Context(), Freshness{})
	if e := errorWith(t, err, 200); !strings.Contains(e.Message, "larger than") || api.count() > 20 {
		t.Errorf("got %v after %d requests", err, api.count())
	}
}
