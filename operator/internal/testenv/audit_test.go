package testenv

import (
	"strings"
	"testing"
)

func TestParseAudit(t *testing.T) {
	tests := map[string]struct {
		line   string
		counts bool
		write  bool
	}{
		"write": {`{"stage":"ResponseComplete","requestURI":"/api/v1/namespaces/a/secrets","verb":"create",
			"objectRef":{"resource":"secrets"}}`, true, true},
		"dry run": {`{"stage":"ResponseComplete","requestURI":"/api/v1/namespaces/a/secrets?dryRun=All","verb":"create",
			"objectRef":{"resource":"secrets"}}`, true, false},
		"read": {`{"stage":"ResponseComplete","requestURI":"/api/v1/secrets","verb":"list","objectRef":{"resource":"secrets"}}`, true, false},
		"token": {`{"stage":"ResponseComplete","requestURI":"/x","verb":"create",
			"objectRef":{"resource":"serviceaccounts","subresource":"token"}}`, true, false},
		"review": {`{"stage":"ResponseComplete","requestURI":"/x","verb":"create",
			"objectRef":{"resource":"subjectaccessreviews","apiGroup":"authorization.k8s.io"}}`, true, false},
		"watch begins": {`{"stage":"ResponseStarted","requestURI":"/x","verb":"watch","objectRef":{"resource":"secrets"}}`, true, false},
		"watch ends":   {`{"stage":"ResponseComplete","requestURI":"/x","verb":"watch","objectRef":{"resource":"secrets"}}`, false, false},
		"long read":    {`{"stage":"ResponseStarted","requestURI":"/x","verb":"get","objectRef":{"resource":"pods"}}`, false, false},
		"mark":         {`{"stage":"ResponseComplete","requestURI":"/version?mark=A","verb":"get"}`, false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request, counts, err := parseAudit([]byte(test.line))
			if err != nil {
				t.Fatal(err)
			}
			if counts != test.counts || request.Write() != test.write {
				t.Errorf("counts %v, writes %v, want %v, %v", counts, request.Write(), test.counts, test.write)
			}
		})
	}
	if _, _, err := parseAudit([]byte("{")); err == nil {
		t.Error("half a line is no error")
	}
}

func TestParseAuditSelector(t *testing.T) {
	for uri, want := range map[string]string{
		"/api/v1/secrets": "", "/api/v1/secrets?limit=500&resourceVersion=0": "",
		"/api/v1/secrets?labelSelector=team%3Da": "team=a", "/api/v1/secrets?fieldSelector=type%3Dx%2Fy&labelSelector=team": "team type=x/y",
	} {
		request, _, err := parseAudit([]byte(`{"stage":"ResponseComplete","verb":"list","requestURI":"` + uri + `"}`))
		if err != nil || request.Selector != want {
			t.Errorf("%s: selector %q, want %q: %v", uri, request.Selector, want, err)
		}
	}
}

func TestRequestsString(t *testing.T) {
	requests := Requests{{Verb: "get", Resource: "secrets", User: "a"}, {Verb: "get", Resource: "secrets", User: "a"}}
	if got := requests.String(); strings.TrimSpace(got) != "2 get secrets by a" {
		t.Errorf("%q", got)
	}
}
