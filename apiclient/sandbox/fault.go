package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// FaultKind names what goes wrong.
type FaultKind string

// The kinds of faults. The first group happens before the request is looked at, the second while it is carried out,
// the third to its answer; the effect of a write stands in the third, and in FaultUnknownShape and FaultNoPlaintext.
const (
	FaultLatency         FaultKind = "latency"    // waits Fault.Latency, then goes on; other faults may follow
	FaultTooManyRequests FaultKind = "429"        // with Retry-After of Fault.Latency (1 s at least), without X-RateLimit headers
	FaultServerError     FaultKind = "500"        // a JSON error
	FaultBadGateway      FaultKind = "502-html"   // a proxy's page
	FaultCutBefore       FaultKind = "cut-before" // the connection is cut, nothing was done
	FaultRedirect        FaultKind = "redirect"   // Fault.Status to Fault.Location

	FaultIgnore        FaultKind = "ignore"         // writes: answers success and does nothing
	FaultListingLag    FaultKind = "listing-lag"    // list: keys as of Fault.Latency ago
	FaultDuplicatePage FaultKind = "duplicate-page" // list, from page 2 on: the keys of the page before, metadata as asked
	FaultEmptyPage     FaultKind = "empty-page"     // list: no keys, metadata true
	FaultUnknownShape  FaultKind = "unknown-shape"  // a JSON object that is nowhere documented, with status 200
	FaultNoPlaintext   FaultKind = "no-plaintext"   // create and rotate: the plaintext is missing from the answer

	FaultCutAfterCommit FaultKind = "cut-after-commit" // the connection is cut, the effect stands
	FaultTruncatedJSON  FaultKind = "truncated-json"   // half the body, then a cut: fewer bytes than Content-Length says
	FaultBrokenJSON     FaultKind = "broken-json"      // half the body with a Content-Length that agrees: invalid JSON
)

var (
	writeOperations = []Operation{OpCreate, OpUpdate, OpRevoke, OpRotate}
	listOnly        = []Operation{OpList}
	issueOperations = []Operation{OpCreate, OpRotate}

	// faultOperations holds for each kind the operations it can hit; nil means any.
	faultOperations = map[FaultKind][]Operation{
		FaultLatency: nil, FaultTooManyRequests: nil, FaultServerError: nil, FaultBadGateway: nil, FaultCutBefore: nil, FaultRedirect: nil,
		FaultIgnore: writeOperations, FaultListingLag: listOnly, FaultDuplicatePage: listOnly, FaultEmptyPage: listOnly,
		FaultUnknownShape: nil, FaultNoPlaintext: issueOperations,
		FaultCutAfterCommit: nil, FaultTruncatedJSON: nil, FaultBrokenJSON: nil,
	}
)

// FaultKinds returns every kind, sorted.
func FaultKinds() []FaultKind {
	kinds := make([]FaultKind, 0, len(faultOperations))
	for kind := range faultOperations {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// Fault is a rule that makes requests go wrong. Rules are tried in the order in which they were added; latencies add
// up, and the first other kind that hits ends the search, so later rules neither hit nor count that request.
type Fault struct {
	Operation Operation // "" means any that the kind can hit
	Kind      FaultKind
	// Skip lets the first n matching requests pass; then Times of them are hit (0: all).
	Skip, Times int
	// Probability that a request not skipped is hit, above 0 up to 1, drawn from the seeded source; 0 means 1.
	Probability float64
	// Latency is the wait of FaultLatency, the age of FaultListingLag, the Retry-After of FaultTooManyRequests.
	Latency time.Duration
	// Location is where FaultRedirect points; a login page on another host by default.
	Location string
	// Status is the HTTP status of FaultRedirect, 300 to 399; 307 by default, which asks to repeat a POST as it was.
	Status int
}

// Defaults of FaultRedirect.
const (
	defaultRedirectLocation = "https://login.example.com/sign-in"
	defaultRedirectStatus   = 307
)

// Validate tells what is wrong with a rule.
func (rule Fault) Validate() error {
	operations, known := faultOperations[rule.Kind]
	switch {
	case !known:
		return fmt.Errorf("fault kind %q is unknown, want one of %v", rule.Kind, FaultKinds())
	case rule.Operation != "" && !slices.Contains(Operations(), rule.Operation):
		return fmt.Errorf("fault operation %q is unknown, want one of %v", rule.Operation, Operations())
	case rule.Operation != "" && operations != nil && !slices.Contains(operations, rule.Operation):
		return fmt.Errorf("fault %s cannot hit %s, only %v", rule.Kind, rule.Operation, operations)
	case rule.Skip < 0 || rule.Times < 0 || rule.Latency < 0:
		return fmt.Errorf("fault %s: skip, times and latency must not be negative", rule.Kind)
	case !(rule.Probability >= 0 && rule.Probability <= 1): // refuses NaN, too
		return fmt.Errorf("fault %s: probability %v is not between 0 and 1", rule.Kind, rule.Probability)
	case rule.Status != 0 && (rule.Kind != FaultRedirect || rule.Status < 300 || rule.Status > 399):
		return fmt.Errorf("fault %s: status %d is not the status of a redirect", rule.Kind, rule.Status)
	case rule.Latency == 0 && (rule.Kind == FaultLatency || rule.Kind == FaultListingLag):
		return fmt.Errorf("fault %s needs a latency", rule.Kind)
	}
	return nil
}

// ActiveFault is a rule in force, with what it has done so far.
type ActiveFault struct {
	ID    string
	Fault Fault
	Seen  int // matching requests, skipped ones included
	Hits  int
}

// faults are the rules in force. Server.mu guards them.
type faults struct {
	rules  []*ActiveFault
	added  int
	random *rand.Rand
}

func (f *faults) add(rule Fault) string {
	f.added++
	id := "fault_" + strconv.Itoa(f.added)
	f.rules = append(f.rules, &ActiveFault{ID: id, Fault: rule})
	return id
}

// draw returns what hits a request: the sum of latencies, and at most one other fault (its Kind is "" if none).
func (f *faults) draw(op Operation, laterPage bool) (latency time.Duration, hit Fault) {
	for _, rule := range f.rules {
		if !rule.matches(op, laterPage) || !rule.strikes(f.random) {
			continue
		}
		if rule.Fault.Kind != FaultLatency {
			return latency, rule.Fault
		}
		latency += rule.Fault.Latency
	}
	return latency, Fault{}
}

func (a *ActiveFault) matches(op Operation, laterPage bool) bool {
	possible := faultOperations[a.Fault.Kind]
	switch {
	case a.Fault.Operation != "" && a.Fault.Operation != op:
		return false
	case possible != nil && !slices.Contains(possible, op):
		return false
	default:
		return laterPage || a.Fault.Kind != FaultDuplicatePage
	}
}

// strikes counts a matching request and decides.
func (a *ActiveFault) strikes(random *rand.Rand) bool {
	a.Seen++
	if a.Seen <= a.Fault.Skip || a.Fault.Times > 0 && a.Hits >= a.Fault.Times {
		return false
	}
	if p := a.Fault.Probability; p > 0 && random.Float64() >= p {
		return false
	}
	a.Hits++
	return true
}

// AddFault puts a rule into force and returns its id. It panics when [Fault.Validate] refuses the rule: a test with a
// misspelt fault would else pass for the wrong reason.
func (s *Server) AddFault(f Fault) (id string) {
	if err := f.Validate(); err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.add(f)
}

// Faults returns the rules in force, oldest first, used-up ones included.
func (s *Server) Faults() []ActiveFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	active := make([]ActiveFault, 0, len(s.faults.rules))
	for _, rule := range s.faults.rules {
		active = append(active, *rule)
	}
	return active
}

// RemoveFault takes one rule out of force and reports whether it was there.
func (s *Server) RemoveFault(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.faults.rules)
	s.faults.rules = slices.DeleteFunc(s.faults.rules, func(a *ActiveFault) bool { return a.ID == id })
	return len(s.faults.rules) < before
}

// ClearFaults takes every rule out of force.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.rules = nil
}
