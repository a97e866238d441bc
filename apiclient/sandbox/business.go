package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// collection is a small working business endpoint: GET lists documents, POST adds one. The vendor documents scopes
// for these areas; paths and fields are the sandbox's own.
type collection struct {
	area, path   string
	noun, plural string
	idPrefix     string
	seed         []object
}

// maxDocuments bounds a collection: the oldest documents leave first.
const maxDocuments = 500

var collections = []collection{
	{
		area: "inventory", path: "/api/inventory/adjustments", noun: "adjustment", plural: "adjustments", idPrefix: "adj",
		seed: []object{{"id": "adj_1", "locationId": "loc_123", "sku": "SKU-0001", "quantity": -2, "reason": "DAMAGED"}},
	},
	{
		area: "forecast", path: "/api/forecast/events", noun: "event", plural: "events", idPrefix: "evt",
		seed: []object{{"id": "evt_1", "name": "Spring promotion", "startDate": "2024-03-01", "endDate": "2024-03-14", "uplift": 1.25}},
	},
	{
		area: "planning", path: "/api/planning/scenarios", noun: "scenario", plural: "scenarios", idPrefix: "scn",
		seed: []object{{"id": "scn_1", "name": "Baseline", "horizonWeeks": 26}},
	},
	{
		area: "procurement", path: "/api/procurement/purchase-orders", noun: "purchaseOrder", plural: "purchaseOrders", idPrefix: "po",
		seed: []object{{"id": "po_1", "supplier": "Northwind Supply", "status": "OPEN", "lines": []object{{"sku": "SKU-0001", "quantity": 40}}}},
	},
	{
		area: "shipping", path: "/api/shipping/shipments", noun: "shipment", plural: "shipments", idPrefix: "shp",
		seed: []object{{"id": "shp_1", "carrier": "DHL", "status": "IN_TRANSIT", "purchaseOrderId": "po_1"}},
	},
}

// businessRoutes are the endpoints that a key is used on: at least one for each scope but the admin ones.
func businessRoutes() []route {
	routes := []route{
		{http.MethodGet, "/api/inventory/channel-location", OpUse, "inventory:read", (*Server).channelLocation},
		{http.MethodGet, "/api/reports/stock-summary", OpUse, "reports:read", (*Server).stockSummary},
	}
	for _, col := range collections {
		routes = append(routes,
			route{http.MethodGet, col.path, OpUse, col.area + ":read", col.get},
			route{http.MethodPost, col.path, OpUse, col.area + ":write", col.post})
	}
	return routes
}

func seedCollections() map[string][]object {
	documents := map[string][]object{}
	for _, col := range collections {
		documents[col.path] = slices.Clone(col.seed)
	}
	return documents
}

// businessPaging is the paging of business endpoints in every dialect: dialects are about keys.
var businessPaging = Dialect{Paging: "page"}

func (col collection) get(s *Server, c *call) answer {
	page, p := businessPaging.readPaging(c.query)
	if p != nil {
		return p.answer(s.dialect)
	}
	documents := s.collections[col.path]
	from, to := page.bounds(len(documents))
	body := pagination(page, len(documents))
	body[col.plural] = documents[from:to:to]
	return ok(body)
}

func (col collection) post(s *Server, c *call) answer {
	fields, p := readObject(c.body)
	if p != nil {
		return p.answer(s.dialect)
	}
	document := object{}
	for name, value := range fields {
		document[name] = value
	}
	maps.Copy(document, object{
		"id":        col.idPrefix + "_" + strconv.Itoa(len(s.collections[col.path])+1),
		"createdAt": c.now.UTC().Format(time.RFC3339),
	})
	s.collections[col.path] = keepNewest(append(s.collections[col.path], document))
	return answer{status: http.StatusCreated, body: object{col.noun: document}}
}

func keepNewest(documents []object) []object {
	if len(documents) > maxDocuments {
		return slices.Clone(documents[len(documents)-maxDocuments:])
	}
	return documents
}
