package apiclient

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// evidence is what an answer says about paging; a number is absent where it does not say.
type evidence struct {
	page, total, totalPages, offset int
	more                            bool // there is more behind this page
}

// counts reports whether the answer says how much there is in all.
func (e evidence) counts() bool { return e.total != absent || e.totalPages != absent }

// moreNames are the members by which an answer says that there is more: a flag that is true, or a cursor, a page or an
// address that is not empty. No cursor is followed, because the vendor documents none; but none is overlooked.
var moreNames = []string{
	"hasMore", "has_more", "hasNextPage", "hasNext",
	"nextCursor", "next_cursor", "next", "nextPage", "nextPageToken", "next_page_token",
}

// evidenceIn gathers the paging fields from where they may be, each from the first place that has it.
func evidenceIn(value any) evidence {
	places := pagingPlaces(value)
	pick := func(name string) int {
		for _, place := range places {
			if n := countAt(place, name); n != absent {
				return n
			}
		}
		return absent
	}
	return evidence{
		page: pick("page"), total: pick("total"), totalPages: pick("totalPages"), offset: pick("offset"),
		more: slices.ContainsFunc(places, saysMore),
	}
}

func pagingPlaces(value any) []fields {
	root, _ := value.(fields)
	data, _ := root["data"].(fields)
	meta, _ := root["meta"].(fields)
	var places []fields
	for _, container := range []fields{root, data, meta} {
		pagination, _ := container["pagination"].(fields)
		links, _ := container["links"].(fields)
		places = append(places, pagination, container, links)
	}
	return places
}

func saysMore(place fields) bool {
	return slices.ContainsFunc(moreNames, func(name string) bool {
		switch v := place[name].(type) {
		case bool:
			return v
		case string:
			return v != "" && v != "false"
		case json.Number:
			return v != "0"
		case fields:
			return len(v) > 0
		}
		return false
	})
}

// linksNext reports whether a Link header names a next page (RFC 8288).
func linksNext(header http.Header) bool {
	return slices.ContainsFunc(header.Values("Link"), func(link string) bool {
		link = strings.ReplaceAll(strings.ToLower(link), " ", "")
		return strings.Contains(link, `rel="next"`) || strings.Contains(link, "rel=next")
	})
}
