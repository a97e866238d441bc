package apiclient

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ListOptions chooses a page. Page counts from 1; 0 means 1. Limit is the number of keys on a page; 0 means the
// client's page size.
type ListOptions struct{ Page, Limit int }

// KeyPage is one page of the listing.
type KeyPage struct {
	Keys       []Key
	ServerTime time.Time // the answer's Date header, or the local clock

	receivedAt time.Time // by the client's clock
	evidence   evidence
}

// position is where a page begins, in the style the server pages in.
type position struct {
	page   int
	offset int // absent: by page
	limit  int // 0: the client's page size
}

func (p position) query(limit int) url.Values {
	query := url.Values{}
	if p.offset == absent {
		query.Set("page", strconv.Itoa(p.page))
	} else {
		query.Set("offset", strconv.Itoa(p.offset))
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return query
}

// page fetches one page. A server that answers 400 to limit is asked again without, and from then on never with.
func (c *Client) page(ctx context.Context, at position) (*KeyPage, error) {
	if c.limitRefused.Load() {
		return c.fetch(ctx, at.query(0))
	}
	limit := at.limit
	if limit <= 0 {
		limit = c.config.pageSize
	}
	page, err := c.fetch(ctx, at.query(limit))
	if !hasStatus(err, http.StatusBadRequest) {
		return page, err
	}
	page, errWithout := c.fetch(ctx, at.query(0))
	if errWithout != nil {
		return nil, err
	}
	c.limitRefused.Store(true)
	return page, nil
}

func (c *Client) fetch(ctx context.Context, query url.Values) (*KeyPage, error) {
	k := &call{op: OpList, method: http.MethodGet, template: "/admin/api-keys", elements: keysPath, query: query, limit: pageLimit}
	got, err := c.repeat(ctx, k)
	if err != nil {
		return nil, err
	}
	content, err := decodePage(got.body)
	if err != nil {
		return nil, k.notUnderstood(got, err.Error())
	}
	return &KeyPage{Keys: content.keys, ServerTime: got.serverTime, receivedAt: got.receivedAt, evidence: content.evidence}, nil
}

// listing gathers the pages of one complete listing.
type listing struct {
	keys       []Key // each id once
	serverTime time.Time
	receivedAt time.Time

	seen       map[string]bool
	received   int // keys on the pages so far, repeated ones included
	firstTotal int
	lastTotal  int
	flaw       string // why the listing cannot be complete
}

// completeListing fetches all pages, or fails. A listing that contradicts itself, because it changed underneath or
// because a page went wrong, is fetched once more.
func (c *Client) completeListing(ctx context.Context) (*listing, error) {
	for attempt := 1; ; attempt++ {
		l, err := c.listOnce(ctx)
		if err != nil || l.flaw == "" {
			return l, err
		}
		if attempt == 2 {
			return nil, incomplete(l.flaw)
		}
	}
}

func incomplete(why string) *Error {
	return &Error{
		Op: OpList, Status: http.StatusOK,
		Message: "the listing is not complete: " + why,
		Hint:    "nothing was concluded from it: try again, and if it stays so, compare with the keys in the vendor's UI",
	}
}

func (c *Client) listOnce(ctx context.Context) (*listing, error) {
	l := &listing{seen: map[string]bool{}, firstTotal: absent, lastTotal: absent}
	at := position{page: 1, offset: absent}
	for range c.config.pageCap {
		page, err := c.page(ctx, at)
		if err != nil {
			return nil, err
		}
		if !l.take(page, at.page) {
			return l, nil
		}
		at.page++
		if page.evidence.offset != absent && page.evidence.page == absent && page.evidence.totalPages == absent {
			at.offset = l.received
		}
	}
	return nil, incomplete(fmt.Sprintf("it has more than %d pages", c.config.pageCap))
}

// take adds a page and reports whether there may be another. Only evidence ends a listing: the total or the number
// of pages, else a page without a key that is new. A page shorter than the limit ends nothing, because the server
// may cut at a limit of its own.
func (l *listing) take(page *KeyPage, number int) (more bool) {
	added := l.add(page.Keys)
	l.serverTime, l.receivedAt = page.ServerTime, page.receivedAt
	l.received += len(page.Keys)
	said := page.evidence
	if said.total != absent {
		return l.takeTotal(said.total, added)
	}
	if said.totalPages == absent {
		return added > 0
	}
	if number < said.totalPages && added == 0 {
		l.flaw = fmt.Sprintf("page %d of %d brought no new key", number, said.totalPages)
		return false
	}
	return number < said.totalPages
}

// takeTotal compares what is gathered with the total. A total that grows is harmless: keys made meanwhile are not
// owed. One that shrinks is not: what follows a vanished key moves up, possibly to a page already fetched.
func (l *listing) takeTotal(total, added int) (more bool) {
	if l.firstTotal == absent {
		l.firstTotal = total
	}
	if total < l.lastTotal {
		l.flaw = fmt.Sprintf("its total fell from %d to %d between two pages", l.lastTotal, total)
		return false
	}
	l.lastTotal = total
	if added > 0 && len(l.keys) < total {
		return true
	}
	if len(l.keys) < l.firstTotal {
		l.flaw = fmt.Sprintf("it has %d keys, and its total says %d", len(l.keys), l.firstTotal)
	}
	return false
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
