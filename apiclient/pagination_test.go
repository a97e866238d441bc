package apiclient

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Shapes of a listing beside the documented one.
func offsets(page []map[string]any, at tenantPage) any {
	return map[string]any{"apiKeys": page, "total": at.total, "limit": at.limit, "offset": at.offset}
}

func bare(page []map[string]any, _ tenantPage) any { return page }

func totalOnly(page []map[string]any, at tenantPage) any {
	return map[string]any{"items": page, "total": at.total, "limit": at.limit}
}

func pagesOnly(page []map[string]any, at tenantPage) any {
	return map[string]any{"items": page, "pagination": map[string]any{"totalPages": (at.total + at.limit - 1) / at.limit}}
}

// A complete listing costs ceil(keys/100) requests, one more where there is no paging metadata.
func TestListingCost(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		shape func([]map[string]any, tenantPage) any
		size  int
		cost  map[int]int // requests by number of keys
	}{
		"pages":               {paged, 0, map[int]int{0: 1, 1: 1, 99: 1, 100: 1, 101: 2, 200: 2, 250: 3}},
		"offsets":             {offsets, 0, map[int]int{0: 1, 1: 1, 100: 1, 101: 2, 250: 3}},
		"total only":          {totalOnly, 0, map[int]int{0: 1, 99: 1, 100: 2, 250: 3}}, // at 100 it may be the page's
		"number of pages":     {pagesOnly, 0, map[int]int{1: 1, 100: 1, 250: 3}},
		"nothing said":        {bare, 0, map[int]int{0: 1, 1: 2, 100: 2, 250: 4}},
		"pages, cut at 20":    {paged, 20, map[int]int{0: 1, 20: 1, 21: 2, 100: 5}},
		"offsets, cut at 20":  {offsets, 20, map[int]int{0: 1, 20: 1, 100: 5}},
		"silent, cut at 20":   {bare, 20, map[int]int{0: 1, 5: 2, 20: 2, 100: 6}},
		"all at once, silent": {bare, 1000, map[int]int{0: 1, 250: 2}},
	}
	for name, test := range tests {
		for keys, want := range test.cost {
			api := &tenant{shape: test.shape, size: test.size}
			api.fill(keys)
			client := clientOf(t, api.list)
			view, err := client.Directory().View(t.Context(), Freshness{})
			if err != nil {
				t.Errorf("%s, %d keys: %v", name, keys, err)
				continue
			}
			if len(view.Keys()) != keys || api.count() != want {
				t.Errorf("%s, %d keys: got %d keys in %d requests, want %d", name, keys, len(view.Keys()), api.count(), want)
			}
		}
	}
}

// A server that ignores page and says nothing answers the same again: that ends the listing.
func TestPageIgnored(t *testing.T) {
	t.Parallel()
	var rec recorder
	client := clientOf(t, rec.answering(200, `[{"id":"key_1"},{"id":"key_2"},{"id":"key_1"}]`))
	view, err := client.Directory().View(t.Context(), Freshness{})
	if err != nil || ids(view.Keys()) != "key_1 key_2" || rec.count() != 2 {
		t.Errorf("got %v after %d requests", err, rec.count())
	}
}

func TestLimitRefused(t *testing.T) {
	t.Parallel()
	api := (&tenant{size: 20, shape: bare}).fill(50)
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("limit") {
			api.note(r)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		api.list(w, r)
	})
	for _, want := range []int{1 + 4, 1 + 4 + 4} { // the refusal is remembered
		view, err := client.Directory().View(t.Context(), Freshness{BegunAfter: client.Directory().Now()})
		if err != nil || len(view.Keys()) != 50 || api.count() != want {
			t.Errorf("got %v after %d requests, want %d", err, api.count(), want)
		}
	}
}

// A 400 that has nothing to do with limit is reported as it came, and limit stays in use.
func TestOtherBadRequest(t *testing.T) {
	t.Parallel()
	var rec recorder
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		rec.note(r)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"message":"limit sent: %v"}`, r.URL.Query().Has("limit"))
	})
	_, err := client.ListKeys(t.Context(), ListOptions{})
	if e := errorWith(t, err, 400); e.Message != "limit sent: true" || client.limitRefused.Load() {
		t.Errorf("got %v", err)
	}
}

func TestPageCap(t *testing.T) {
	t.Parallel()
	api := (&tenant{}).fill(30)
	client := clientOf(t, api.list, WithPageSize(10), WithPageCap(2))
	_, err := client.Directory().View(t.Context(), Freshness{})
	if e := errorWith(t, err, 200); !strings.Contains(e.Message, "more than 2 pages") || api.count() != 2 {
		t.Errorf("got %v after %d requests", err, api.count())
	}
	enough := clientOf(t, api.list, WithPageSize(10), WithPageCap(3))
	if _, err := enough.Directory().View(t.Context(), Freshness{}); err != nil {
		t.Error(err)
	}
}

// P3: pages that contradict each other are no listing. It is made once more, and then given up.
func TestListingsThatContradictThemselves(t *testing.T) {
	t.Parallel()
	page := func(total int, from, to int) string {
		var list []string
		for i := from; i <= to; i++ {
			list = append(list, fmt.Sprintf(`{"id":"key_%d"}`, i))
		}
		return fmt.Sprintf(`{"apiKeys":[%s],"pagination":{"total":%d}}`, strings.Join(list, ","), total)
	}
	pageOf := func(pages int, from, to int) string {
		return strings.Replace(page(pages, from, to), "total", "totalPages", 1)
	}
	tests := map[string]struct {
		answers []string
		keys    int // 0: no listing
	}{
		"less than its total":              {[]string{page(5, 1, 3), page(5, 4, 3), page(5, 1, 3), page(5, 4, 3)}, 0},
		"less than its total, once":        {[]string{page(5, 1, 3), page(5, 4, 3), page(5, 1, 3), page(5, 4, 5)}, 5},
		"a page repeated":                  {[]string{page(6, 1, 3), page(6, 1, 3), page(6, 1, 3), page(6, 1, 3)}, 0},
		"a page repeated, once":            {[]string{page(6, 1, 3), page(6, 1, 3), page(6, 1, 3), page(6, 4, 6)}, 6},
		"an empty page among pages":        {[]string{pageOf(3, 1, 3), pageOf(3, 1, 0), pageOf(3, 1, 3), pageOf(3, 1, 0)}, 0},
		"an empty page among pages, once":  {[]string{pageOf(2, 1, 3), pageOf(3, 1, 0), pageOf(2, 1, 3), pageOf(2, 4, 6)}, 6},
		"a key vanishes while paging":      {[]string{page(6, 1, 3), page(5, 5, 6), page(5, 1, 3), page(5, 4, 5)}, 5},
		"keys vanish each time":            {[]string{page(6, 1, 3), page(5, 5, 6), page(5, 1, 3), page(4, 5, 5)}, 0},
		"one appears, another vanishes":    {[]string{page(4, 1, 2), page(6, 3, 4), page(5, 6, 6), page(5, 1, 2), page(5, 3, 4), page(5, 6, 6)}, 5},
		"a key appears at the end":         {[]string{page(6, 1, 3), page(7, 4, 6), page(7, 7, 7)}, 7},
		"a key appears at the start":       {[]string{page(6, 1, 3), page(7, 3, 5), page(7, 6, 6), page(7, 1, 0)}, 6},
		"an empty first page with a total": {[]string{page(3, 1, 0), page(3, 1, 0)}, 0},
	}
	for name, test := range tests {
		var rec recorder
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			rec.note(r)
			if n := rec.count(); n <= len(test.answers) {
				_, _ = w.Write([]byte(test.answers[n-1]))
				return
			}
			t.Errorf("%s: request %d", name, rec.count())
		})
		view, err := client.Directory().View(t.Context(), Freshness{})
		if test.keys == 0 {
			mustBeStatus(t, err, 200)
		} else if err != nil || len(view.Keys()) != test.keys {
			t.Errorf("%s: got %v", name, err)
		}
		if rec.count() != len(test.answers) {
			t.Errorf("%s: %d requests, want %d", name, rec.count(), len(test.answers))
		}
	}
}

// P3: an error on any page is an error of the listing.
func TestErrorOnALaterPage(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"unknown shape": `{}`, "null": `{"apiKeys":null}`, "HTML": `<html></html>`, "truncated": `{"apiKeys":[`,
	} {
		api := (&tenant{}).fill(30)
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("page") == "2" {
				_, _ = w.Write([]byte(body))
				return
			}
			api.list(w, r)
		}, WithPageSize(10))
		_, err := client.Directory().View(t.Context(), Freshness{})
		mustBeStatus(t, err, 200)
		count := 0
		for key, err := range client.AllKeys(t.Context()) {
			count++
			if err == nil {
				t.Errorf("%s: AllKeys yields %s of a listing that is not complete", name, key.ID)
			}
		}
		if count != 1 {
			t.Errorf("%s: AllKeys yields %d times", name, count)
		}
	}
}

func TestAllKeys(t *testing.T) {
	t.Parallel()
	api := (&tenant{}).fill(25)
	client := clientOf(t, api.list, WithPageSize(10))
	var keys []Key
	for key, err := range client.AllKeys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if keys = append(keys, key); len(keys) == 23 {
			break
		}
	}
	if len(keys) != 23 || keys[0].ID != "key_1" || keys[22].ID != "key_23" || api.count() != 3 {
		t.Errorf("got %d keys in %d requests", len(keys), api.count())
	}
}

func TestPageTooLarge(t *testing.T) {
	t.Parallel()
	var rec recorder
	client := clientOf(t, rec.answering(200, `{"apiKeys":[]`+strings.Repeat(" ", pageLimit)+`}`))
	_, err := client.ListKeys(t.Context(), ListOptions{})
	if e := errorWith(t, err, 200); !strings.Contains(e.Message, "larger than 16 MiB") || rec.count() != 1 {
		t.Errorf("got %v after %d requests", err, rec.count())
	}
}

// unsaid is no evidence at all.
var unsaid = evidence{page: absent, total: absent, totalPages: absent, offset: absent}

// FuzzPaging: a server that pages at will, with metadata that may be wrong. The listing ends, within the cap; and a
// listing of a server that tells the truth is whole.
func FuzzPaging(f *testing.F) {
	f.Add(uint8(25), uint8(10), uint8(0), int8(0))
	f.Add(uint8(25), uint8(10), uint8(1), int8(3))
	f.Add(uint8(25), uint8(7), uint8(2), int8(-3))
	f.Add(uint8(0), uint8(1), uint8(3), int8(1))
	f.Fuzz(func(t *testing.T, keys, size, style uint8, lie int8) {
		all := make([]Key, keys)
		for i := range all {
			all[i].ID = fmt.Sprint(i)
		}
		per := max(1, int(size))
		l, at := newListing(), position{page: 1, offset: absent}
		pages := 0
		for more := true; more; pages++ {
			if pages > 2*len(all)+2 {
				t.Fatalf("no end after %d pages", pages)
			}
			from := min(pages*per, len(all))
			page := &KeyPage{Keys: all[from:min(from+per, len(all))], limit: per, evidence: unsaid}
			switch style % 3 {
			case 1:
				page.evidence.total = max(0, len(all)+int(lie))
			case 2:
				page.evidence.totalPages = max(0, (len(all)+per-1)/per+int(lie))
			}
			at, more = l.take(page, at)
		}
		truthful := style%3 == 0 || lie == 0
		if truthful && (l.flaw != "" || len(l.keys) != len(all)) {
			t.Errorf("%d of %d keys, flaw %q", len(l.keys), len(all), l.flaw)
		}
		if lie > 0 && style%3 == 1 && l.flaw == "" {
			t.Errorf("%d keys are taken for a total of %d", len(l.keys), len(all)+int(lie))
		}
	})
}

func TestIncompleteIsTyped(t *testing.T) {
	t.Parallel()
	if e, ok := errors.AsType[*Error](error(incomplete("x"))); !ok || e.Op != OpList || e.Hint == "" {
		t.Errorf("got %+v", e)
	}
}
