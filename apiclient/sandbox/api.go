package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// maxBody is the largest request body in bytes; a longer one is a 413.
const maxBody = 1 << 20

// call is one request on its way through the API.
type call struct {
	route         route
	id            string // path parameter
	query         url.Values
	body          []byte
	authorization string
	remoteAddr    string
	refusal       *problem // found before anybody was authenticated
	allow         string   // Allow header of a 405

	fault  Fault
	now    time.Time // when it is carried out
	caller credential
}

// answer is a whole response, kept back until the faults had their say.
type answer struct {
	status int
	code   string // of an error, for the statistics
	body   any    // sent as JSON; nil: no body
	html   string // sent instead of body
	header http.Header
	issued *issuedKey
}

type issuedKey struct{ id, plaintext string }

// serveAPI is the way of one request: read it, draw its fault, carry it out under the lock, count it, send the answer.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	c := s.read(w, r)
	latency := s.arrive(c)
	if !pause(r.Context(), latency) {
		s.count(c, "canceled")
		panic(http.ErrAbortHandler)
	}
	a := s.carryOut(c)
	if a.issued != nil && s.issueHook != nil {
		s.issueHook(a.issued.id, a.issued.plaintext)
	}
	s.logger.Info("request", "operation", c.route.op, "endpoint", c.route.pattern, "caller", c.caller.name,
		"outcome", outcome(c, a), "fault", string(c.fault.Kind))
	s.send(w, c, a)
}

func (s *Server) read(w http.ResponseWriter, r *http.Request) *call {
	c := &call{query: r.URL.Query(), authorization: r.Header.Get("Authorization"), remoteAddr: r.RemoteAddr}
	c.route, c.id, c.refusal = s.findRoute(r.Method, r.URL)
	if c.refusal == errMethodNotAllowed {
		c.allow = s.allowedMethods(r.URL)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		c.refusal = errBodyTooLarge
	} else if err != nil {
		c.refusal = errValidation("body", "could not be read")
	}
	c.body = body
	return c
}

// arrive counts the request and draws its fault.
func (s *Server) arrive(c *call) (latency time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.arrived(c.route.op)
	c.now = s.now()
	latency, c.fault = s.faults.draw(c.route.op, asksLaterPage(c.query))
	return latency
}

func asksLaterPage(query url.Values) bool {
	page, _ := strconv.Atoi(query.Get("page"))
	offset, _ := strconv.Atoi(query.Get("offset"))
	return page > 1 || offset > 0
}

// pause waits in real time, whatever the sandbox's clock says, and reports whether the caller is still there.
func pause(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// carryOut holds the lock from authentication to effect and counter: every answer is that of one moment.
func (s *Server) carryOut(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.now()
	a := s.decide(c)
	if a.status < 300 && c.fault.Kind == FaultUnknownShape {
		a.status, a.body = http.StatusOK, object{"result": object{"kind": "collection", "entries": object{"ref": "r-1"}}}
	}
	s.stats.answered(c.route.op, outcome(c, a))
	return a
}

func (s *Server) decide(c *call) answer {
	if a, hit := s.frontFault(c); hit {
		return a
	}
	if c.refusal != nil {
		return s.refuse(c)
	}
	if p := s.authenticate(c); p != nil {
		return p.answer(s.dialect)
	}
	q := s.limiter.take(c.caller.name, c.now)
	a := s.admit(c, q)
	if a.header == nil {
		a.header = http.Header{}
	}
	s.dialect.quotaHeaders(a.header, q, c.now)
	return a
}

func (s *Server) refuse(c *call) answer {
	a := c.refusal.answer(s.dialect)
	if c.allow != "" {
		a.header = http.Header{"Allow": {c.allow}}
	}
	return a
}

// admit checks quota and scope of an authenticated call.
func (s *Server) admit(c *call, q quota) answer {
	if q.rejected {
		a := errRateLimited.answer(s.dialect)
		a.header = s.dialect.retryAfter(q.reset.Sub(c.now), c.now)
		return a
	}
	if !c.caller.session && !allows(c.caller.scopes, c.route.scope) {
		return errInsufficientScope(c.route.scope).answer(s.dialect)
	}
	return c.route.handle(s, c)
}

func (s *Server) count(c *call, outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.answered(c.route.op, outcome)
}

// outcome names an answer for the statistics.
func outcome(c *call, a answer) string {
	switch kind := c.fault.Kind; {
	case kind == FaultCutBefore, kind == FaultCutAfterCommit, kind == FaultTruncatedJSON, kind == FaultBrokenJSON:
		return string(kind)
	case a.code != "":
		return strconv.Itoa(a.status) + " " + a.code
	default:
		return strconv.Itoa(a.status)
	}
}

// send writes the answer, or as much of it as the fault leaves.
func (s *Server) send(w http.ResponseWriter, c *call, a answer) {
	if c.fault.Kind == FaultCutBefore || c.fault.Kind == FaultCutAfterCommit {
		panic(http.ErrAbortHandler) // HTTP/1: closes the connection; HTTP/2: RST_STREAM
	}
	body, contentType := a.encode()
	s.setHeaders(w.Header(), c, a)
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	sent, cut := body, false
	switch c.fault.Kind {
	case FaultTruncatedJSON:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		sent, cut = body[:len(body)/2], true
	case FaultBrokenJSON:
		sent = body[:len(body)/2]
	default: // the other kinds had their effect before
	}
	write(w, a.status, sent)
	if cut {
		_ = http.NewResponseController(w).Flush() // a writer that cannot flush sends nothing, which is a cut as well
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) setHeaders(header http.Header, c *call, a answer) {
	maps.Copy(header, a.header)
	header.Set("Server", "betterdata-sandbox") // nobody shall take it for the real one
	header["Date"] = nil                       // else net/http fills in the machine's clock
	if s.dialect.Date == "present" {
		header.Set("Date", c.now.UTC().Format(http.TimeFormat))
	}
}

// write sends status and body, with the Content-Length of the body unless there is one already.
func write(w http.ResponseWriter, status int, body []byte) {
	if status != http.StatusNoContent && w.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON or a fixed page; a caller that has gone needs no answer
}

func (a answer) encode() (body []byte, contentType string) {
	if a.html != "" {
		return []byte(a.html), "text/html"
	}
	if a.body == nil {
		return nil, ""
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(a.body); err != nil {
		panic(err) // every body is made here, of types that encode
	}
	return buffer.Bytes(), "application/json; charset=utf-8"
}
