package sandbox

import (
	"fmt"
	"hash/fnv"
)

// productCount makes three pages at the page size of the vendor's example.
const productCount = 120

type channel struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

var channels = []channel{
	{"ch_web", "Web store"}, {"ch_marketplace", "Marketplace"}, {"ch_wholesale", "Wholesale"}, {"ch_retail", "Retail"},
}

// atp is what one channel can promise of one product at one location.
type atp struct {
	ChannelID string `json:"channelId"`
	OnHand    int    `json:"onHand"`
	Reserved  int    `json:"reserved"`
	ATP       int    `json:"atp"` // OnHand less Reserved
}

type product struct {
	ID       string `json:"id"`
	SKU      string `json:"sku"`
	Name     string `json:"name"`
	Channels []atp  `json:"channels"`
}

// channelLocation answers GET /api/inventory/channel-location: the available-to-promise matrix of products and
// channels at a location. Any location exists; its numbers depend on its id alone.
func (s *Server) channelLocation(c *call) answer {
	location := c.query.Get("locationId")
	if location == "" {
		return errValidation("locationId", "is required").answer(s.dialect)
	}
	page, p := businessPaging.readPaging(c.query)
	if p != nil {
		return p.answer(s.dialect)
	}
	from, to := page.bounds(productCount)
	products := make([]product, 0, to-from)
	for n := from; n < to; n++ {
		products = append(products, productAt(location, n+1))
	}
	body := pagination(page, productCount)
	body["location"] = object{"id": location, "name": "Location " + location}
	body["channels"] = channels
	body["products"] = products
	return ok(body)
}

func productAt(location string, n int) product {
	p := product{ID: fmt.Sprintf("prod_%d", n), SKU: fmt.Sprintf("SKU-%04d", n), Name: fmt.Sprintf("Product %d", n)}
	for _, ch := range channels {
		onHand := amount(location, p.SKU, ch.ID, "onHand") % 500
		reserved := amount(location, p.SKU, ch.ID, "reserved") % (onHand + 1)
		p.Channels = append(p.Channels, atp{ChannelID: ch.ID, OnHand: onHand, Reserved: reserved, ATP: onHand - reserved})
	}
	return p
}

// amount is a number that looks random and is always the same for the same words.
func amount(words ...string) int {
	h := fnv.New32a()
	for _, word := range words {
		_, _ = h.Write([]byte(word + "\x00")) // a hash.Hash never fails
	}
	return int(h.Sum32() >> 1)
}

// stockSummary answers GET /api/reports/stock-summary: totals over the products at the example location.
func (s *Server) stockSummary(*call) answer {
	totals := map[string]int{}
	rows := make([]object, len(channels))
	for i, ch := range channels {
		onHand, promise := 0, 0
		for n := range productCount {
			cell := productAt("loc_123", n+1).Channels[i]
			onHand, promise = onHand+cell.OnHand, promise+cell.ATP
		}
		rows[i] = object{"channelId": ch.ID, "onHand": onHand, "atp": promise}
		totals["onHand"] += onHand
		totals["atp"] += promise
	}
	return ok(object{"type": "stock-summary", "count": len(rows), "totals": totals, "data": rows})
}
