package apiclient

import (
	"fmt"
	"time"
)

// listing gathers the pages of one complete listing.
type listing struct {
	keys       []Key // each id once
	serverTime time.Time
	receivedAt time.Time

	seen       map[string]bool
	received   int // keys on the pages so far, repeated ones included
	size       int // of the answers so far, in bytes
	firstTotal int
	lastTotal  int
	full       bool   // the first page may have been cut at the limit asked for
	turned     bool   // a later page was new from end to end: the server honours page
	promised   bool   // the last page said that there is more
	flaw       string // why the listing cannot be complete
}

func newListing() *listing {
	return &listing{seen: map[string]bool{}, firstTotal: absent, lastTotal: absent}
}

// take adds a page and returns where the next begins, if there may be one. Only evidence ends a listing: the total or
// the number of pages, else a page without a key that is new. A page shorter than the limit ends nothing, because the
// server may cut at a limit of its own. And nothing ends it while the server says that there is more.
func (l *listing) take(page *KeyPage, at position) (next position, more bool) {
	added := l.add(page.Keys)
	l.serverTime, l.receivedAt = page.ServerTime, page.receivedAt
	l.size += page.size
	said := page.evidence
	promised := said.more || added == 0 && l.promised
	l.promised = promised
	if at.page == 1 {
		l.full = page.limit == 0 || len(page.Keys) == page.limit
	} else if added > 0 && added == len(page.Keys) {
		l.turned = true
	}
	if added == 0 && len(page.Keys) > 0 && !l.turned && (l.full || promised) && at.offset == absent && !said.counts() {
		return position{page: at.page + 1, offset: l.received, limit: at.limit}, true // the server ignores page
	}
	l.received += len(page.Keys)
	more = l.continues(page, at, added)
	if promised && !more && l.flaw == "" {
		more = added > 0
		if !more {
			l.flaw = "the API says that there are more keys, but shows none by page or offset"
		}
	}
	return l.after(at, said), more && l.flaw == ""
}

// after returns where the page after at begins. What was begun by offset goes on by offset.
func (l *listing) after(at position, said evidence) position {
	at.page++
	if at.offset != absent || said.offset != absent && said.page == absent && said.totalPages == absent {
		at.offset = l.received
	}
	return at
}

// continues reports whether there may be another page, as far as counting tells.
func (l *listing) continues(page *KeyPage, at position, added int) bool {
	said := page.evidence
	switch {
	case said.total != absent:
		// A total that is no more than a full first page may be the number of keys on that page.
		unsure := at.page == 1 && said.page == absent && said.offset == absent && said.totalPages == absent &&
			added > 0 && said.total == page.limit
		return l.takeTotal(said.total, added) || unsure
	case said.totalPages != absent:
		if at.page < said.totalPages && added == 0 {
			l.flaw = fmt.Sprintf("page %d of %d brought no new key", at.page, said.totalPages)
		}
		return at.page < said.totalPages
	case added == 0 && len(page.Keys) > 0 && at.offset != absent:
		l.flaw = "the API honours the limit, but no way of paging is known: neither page nor offset brings new keys"
	}
	return added > 0
}

// takeTotal compares what is gathered with the total. A total that grows is harmless: keys made meanwhile are not
// owed. One that shrinks is not: what follows a vanished key moves up, possibly to a page already fetched. One below
// the number of keys at hand counts something else, such as pages or the keys on this page, and so proves nothing.
// A key made between the server's count and its select looks the same for once; the second listing makes up for it.
func (l *listing) takeTotal(total, added int) (more bool) {
	if l.firstTotal == absent {
		l.firstTotal = total
	}
	switch {
	case total < l.lastTotal:
		l.flaw = fmt.Sprintf("its total fell from %d to %d between two pages", l.lastTotal, total)
	case total < len(l.keys):
		l.flaw = fmt.Sprintf("it has %d keys, and its total says %d", len(l.keys), total)
	case added > 0 && len(l.keys) < total:
		more = true
	case len(l.keys) < l.firstTotal:
		l.flaw = fmt.Sprintf("it has %d keys, and its total says %d", len(l.keys), l.firstTotal)
	}
	l.lastTotal = total
	return more
}

func (l *listing) add(keys []Key) (added int) {
	for _, key := range keys {
		if l.seen[key.ID] {
			continue
		}
		l.seen[key.ID] = true
		l.keys = append(l.keys, key)
		added++
	}
	return added
}
