package testenv

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

// Request is one request to the API server, as the audit log has it. A watch is recorded when it begins, everything else
// when it is answered.
type Request struct {
	Verb       string // get, list, watch, create, update, patch, delete, deletecollection
	User       string // e.g. system:serviceaccount:shop:default
	UserAgent  string
	Group      string // API group of the resource; empty for the core group
	Resource   string // e.g. secrets, or apikeys/status
	Namespace  string
	Name       string
	Selector   string // label and field selector of a list or watch, as sent; empty without any
	DryRun     bool
	Code       int // HTTP status of the answer
	ReceivedAt time.Time
}

// Write tells whether the request meant to store something, refused or not. Reviews and tokens are answered, not stored.
func (r Request) Write() bool {
	switch {
	case r.DryRun, r.Group == "authentication.k8s.io", r.Group == "authorization.k8s.io", r.Resource == "serviceaccounts/token":
		return false
	default:
		return slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, r.Verb)
	}
}

// Requests are requests in the order in which they were answered.
type Requests []Request

// Where returns the requests that the function wants.
func (r Requests) Where(want func(Request) bool) Requests {
	var found Requests
	for _, request := range r {
		if want(request) {
			found = append(found, request)
		}
	}
	return found
}

// Writes returns the requests that meant to store something.
func (r Requests) Writes() Requests { return r.Where(Request.Write) }

// By returns the requests of one user.
func (r Requests) By(user string) Requests {
	return r.Where(func(request Request) bool { return request.User == user })
}

// Count returns how many requests there are of each kind.
func (r Requests) Count() map[RequestKind]int {
	counts := map[RequestKind]int{}
	for _, request := range r {
		counts[RequestKind{Verb: request.Verb, Resource: request.Resource, User: request.User}]++
	}
	return counts
}

// String lists how many requests there are of each kind, for the message of a failed test.
func (r Requests) String() string {
	var lines []string
	for kind, count := range r.Count() {
		lines = append(lines, fmt.Sprintf("%6d %s %s by %s", count, kind.Verb, kind.Resource, kind.User))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// RequestKind is what requests are counted by.
type RequestKind struct {
	Verb, Resource, User string
}

// AuditMark is a place in the audit log.
type AuditMark int64

// AuditMark returns the place in the audit log behind every request that has been answered.
func (e *Environment) AuditMark(ctx context.Context) (AuditMark, error) {
	// An answer may arrive a moment before its line is written. A request of our own that has got its line comes last.
	client, err := rest.HTTPClientFor(e.Admin)
	if err != nil {
		return 0, err
	}
	defer client.CloseIdleConnections()
	path := "/version?mark=" + url.QueryEscape(rand.Text())
	if err := getOK(ctx, client, e.apiServerURL()+path); err != nil {
		return 0, fmt.Errorf("marking the audit log: %w", err)
	}
	var mark AuditMark
	err = wait.PollUntilContextTimeout(ctx, pollInterval, time.Minute, true, func(context.Context) (bool, error) {
		log, err := os.ReadFile(e.file(auditLogFile))
		at := bytes.Index(log, []byte(path))
		if err != nil || at < 0 {
			return false, err
		}
		end := bytes.IndexByte(log[at:], '\n')
		mark = AuditMark(at + end + 1)
		return end >= 0, nil
	})
	if err != nil {
		return 0, fmt.Errorf("marking the audit log: %w", err)
	}
	return mark, nil
}

// AuditSince returns the requests answered, and watches begun, between the mark and now.
func (e *Environment) AuditSince(ctx context.Context, mark AuditMark) (Requests, error) {
	until, err := e.AuditMark(ctx)
	if err != nil {
		return nil, err
	}
	log, err := os.ReadFile(e.file(auditLogFile))
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	var requests Requests
	for line := range bytes.Lines(log[mark:until]) {
		request, counts, err := parseAudit(line)
		if err != nil {
			return nil, err
		}
		if counts {
			requests = append(requests, request)
		}
	}
	return requests, nil
}

// auditEvent is the part of an audit.k8s.io/v1 Event that is of interest here.
type auditEvent struct {
	Stage                    string
	RequestURI               string
	Verb                     string
	User                     struct{ Username string }
	UserAgent                string
	ObjectRef                struct{ Resource, Namespace, Name, APIGroup, Subresource string }
	ResponseStatus           struct{ Code int }
	RequestReceivedTimestamp time.Time
}

// parseAudit reads one line; counts is false for what is not a request of its own: a mark, or the second line of a watch.
func parseAudit(line []byte) (request Request, counts bool, err error) {
	var event auditEvent
	if err := json.Unmarshal(line, &event); err != nil {
		return Request{}, false, fmt.Errorf("audit log: %w: %s", err, line)
	}
	began := event.Stage == "ResponseStarted"
	if strings.HasPrefix(event.RequestURI, "/version?mark=") || (event.Verb == "watch") != began {
		return Request{}, false, nil
	}
	request = Request{
		Verb: event.Verb, User: event.User.Username, UserAgent: event.UserAgent,
		Group: event.ObjectRef.APIGroup, Resource: event.ObjectRef.Resource,
		Namespace: event.ObjectRef.Namespace, Name: event.ObjectRef.Name,
		Code: event.ResponseStatus.Code, ReceivedAt: event.RequestReceivedTimestamp,
		DryRun:   strings.Contains(event.RequestURI, "dryRun=All"),
		Selector: selector(event.RequestURI),
	}
	if event.ObjectRef.Subresource != "" {
		request.Resource += "/" + event.ObjectRef.Subresource
	}
	return request, true, nil
}

// selector is what a request's address says of labels and fields.
func selector(uri string) string {
	_, query, _ := strings.Cut(uri, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return strings.Trim(values.Get("labelSelector")+" "+values.Get("fieldSelector"), " ")
}
