package sandbox

import "maps"

// Operation names what a request asked for.
type Operation string

// The operations of the API.
const (
	OpList   Operation = "list"   // GET /api/admin/api-keys
	OpCreate Operation = "create" // POST /api/admin/api-keys
	OpUpdate Operation = "update" // PATCH /api/admin/api-keys/{id}
	OpRevoke Operation = "revoke" // POST /api/admin/api-keys/{id}/revoke
	OpRotate Operation = "rotate" // POST /api/admin/api-keys/{id}/rotate
	OpUse    Operation = "use"    // any business endpoint
	OpOther  Operation = "other"  // any unknown path or method
)

// Operations returns every operation.
func Operations() []Operation {
	return []Operation{OpList, OpCreate, OpUpdate, OpRevoke, OpRotate, OpUse, OpOther}
}

// Stats counts what the API did since it started or since the last reset.
type Stats struct {
	// Requests counts arrivals, whatever became of them.
	Requests map[Operation]int `json:"requests"`
	// Outcomes counts by operation what was answered: the HTTP status, followed by the error code where there is one
	// ("200", "429", "401 INVALID_API_KEY"), or the kind of the fault that left no whole answer ("cut-after-commit").
	Outcomes map[Operation]map[string]int `json:"outcomes"`
	// Created, Rotated, Updated and Revoked count committed effects of API requests. Revoked counts keys that went from
	// not revoked to revoked, by revoke or by rotate with revokeOld; repeating a revoke adds nothing.
	Created int `json:"created"`
	Rotated int `json:"rotated"`
	Updated int `json:"updated"`
	Revoked int `json:"revoked"`
	// Total is the sum of Requests.
	Total int `json:"total"`
}

func newStats() Stats {
	return Stats{Requests: map[Operation]int{}, Outcomes: map[Operation]map[string]int{}}
}

func (s *Stats) arrived(op Operation) {
	s.Requests[op]++
	s.Total++
}

func (s *Stats) answered(op Operation, outcome string) {
	if s.Outcomes[op] == nil {
		s.Outcomes[op] = map[string]int{}
	}
	s.Outcomes[op][outcome]++
}

func (s *Stats) clone() Stats {
	c := *s
	c.Requests = maps.Clone(s.Requests)
	c.Outcomes = maps.Clone(s.Outcomes)
	for op, outcomes := range c.Outcomes {
		c.Outcomes[op] = maps.Clone(outcomes)
	}
	return c
}

// Stats returns a copy of the counters. An answer is counted before it is sent.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats.clone()
}

// ResetStats sets every counter to zero.
func (s *Server) ResetStats() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats = newStats()
}
