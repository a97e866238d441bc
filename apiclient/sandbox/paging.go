package sandbox

import (
	"net/url"
	"strconv"
)

// The vendor's pages show page and limit in use, neither default nor maximum: these are the sandbox's.
const (
	defaultPageSize = 20
	maxPageSize     = 100 // a larger limit is cut to it, without an error
)

// pageRequest is the part of a listing that a request asks for.
type pageRequest struct {
	page, limit int // page counts from 1
	offset      int
	all         bool // no paging at all
}

// readPaging reads the query of a listing.
func (d Dialect) readPaging(query url.Values) (pageRequest, *problem) {
	if d.Paging == "ignored" {
		return pageRequest{page: 1, all: true}, nil
	}
	if d.Paging == "limit-refused" && query.Has("limit") {
		return pageRequest{}, errValidation("limit", "is not supported")
	}
	var p pageRequest
	var err *problem
	if p.page, err = queryInt(query, "page", 1, 1); err != nil {
		return p, err
	}
	if p.limit, err = queryInt(query, "limit", defaultPageSize, 1); err != nil {
		return p, err
	}
	if d.Paging == "silent-cut" {
		p.limit = defaultPageSize
	}
	p.limit = min(p.limit, maxPageSize)
	if d.Paging == "offset" {
		p.offset, err = queryInt(query, "offset", 0, 0)
		p.page = p.offset/p.limit + 1
		return p, err
	}
	p.offset = (p.page - 1) * p.limit
	return p, nil
}

func queryInt(query url.Values, name string, fallback, least int) (int, *problem) {
	if !query.Has(name) {
		return fallback, nil
	}
	n, err := strconv.Atoi(query.Get(name))
	if err != nil || n < least || n > 1_000_000 {
		return 0, errValidation(name, "must be a whole number of at least "+strconv.Itoa(least))
	}
	return n, nil
}

// bounds is the part [from, to) of a listing of total entries.
func (p pageRequest) bounds(total int) (from, to int) {
	if p.all {
		return 0, total
	}
	return min(p.offset, total), min(p.offset+p.limit, total)
}

// metadata is what the answer says about paging.
func (d Dialect) metadata(p pageRequest, total int) object {
	switch d.Paging {
	case "page", "limit-refused":
		return pagination(p, total)
	case "offset":
		return object{"total": total, "limit": p.limit, "offset": p.offset}
	default:
		return nil
	}
}

func pagination(p pageRequest, total int) object {
	return object{"pagination": object{
		"page": p.page, "pageSize": p.limit, "total": total, "totalPages": (total + p.limit - 1) / p.limit,
	}}
}
