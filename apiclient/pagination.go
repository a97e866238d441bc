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
	limit      int // asked for; 0: none
	size       int // of the answer, in bytes
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
		return c.fetch(ctx, at, 0)
	}
	limit := at.limit
	if limit <= 0 {
		limit = c.config.pageSize
	}
	page, err := c.fetch(ctx, at, limit)
	if !hasStatus(err, http.StatusBadRequest) {
		return page, err
	}
	page, errWithout := c.fetch(ctx, at, 0)
	if errWithout != nil {
		return nil, err
	}
	c.limitRefused.Store(true)
	return page, nil
}

func (c *Client) fetch(ctx context.Context, at position, limit int) (*KeyPage, error) {
	k := &call{op: OpList, method: http.MethodGet, template: "/admin/api-keys", elements: keysPath, query: at.query(limit), limit: pageLimit}
	got, err := c.repeat(ctx, k)
	if err != nil {
		return nil, err
	}
	content, err := decodePage(got.body)
	if err != nil {
		return nil, k.notUnderstood(got, err.Error())
	}
	for i, key := range content.keys {
		content.keys[i] = key.without(got.token)
	}
	content.evidence.more = content.evidence.more || linksNext(got.header)
	return &KeyPage{
		Keys: content.keys, ServerTime: got.serverTime, receivedAt: got.receivedAt,
		evidence: content.evidence, limit: limit, size: len(got.body),
	}, nil
}

// listingLimit bounds the answers of one complete listing, in bytes. 1000 pages of 100 keys, the most that the caps
// allow, stay below it at 600 bytes a key; decoded, a hostile server's tiny keys take twenty times the memory.
const listingLimit = 64 << 20

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
	l, at := newListing(), position{page: 1, offset: absent}
	for range c.config.pageCap {
		page, err := c.page(ctx, at)
		if err != nil {
			return nil, err
		}
		next, more := l.take(page, at)
		if !more {
			return l, nil
		}
		if l.size > c.config.listingLimit {
			return nil, incomplete(fmt.Sprintf("it is larger than %d MiB", c.config.listingLimit>>20))
		}
		at = next
	}
	return nil, incomplete(fmt.Sprintf("it has more than %d pages", c.config.pageCap))
}
