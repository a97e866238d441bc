package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one endpoint. A segment {id} of the pattern matches any one segment of a path.
type route struct {
	method, pattern string
	op              Operation
	scope           string // an API key needs it; session tokens have every scope
	handle          func(*Server, *call) answer
}

// managementRoutes are the endpoints of the vendor's page on API keys.
var managementRoutes = []route{
	{http.MethodGet, "/api/admin/api-keys", OpList, "admin:read", (*Server).list},
	{http.MethodPost, "/api/admin/api-keys", OpCreate, "admin:write", (*Server).create},
	{http.MethodPatch, "/api/admin/api-keys/{id}", OpUpdate, "admin:write", (*Server).update},
	{http.MethodPost, "/api/admin/api-keys/{id}/revoke", OpRevoke, "admin:write", (*Server).revoke},
	{http.MethodPost, "/api/admin/api-keys/{id}/rotate", OpRotate, "admin:write", (*Server).rotate},
}

// findRoute returns the route of a request and its path parameter, or why there is none.
func (s *Server) findRoute(method string, u *url.URL) (route, string, *problem) {
	failure := errUnknownPath
	for _, r := range s.routes {
		id, ok := matchPath(r.pattern, u.EscapedPath())
		if !ok {
			continue
		}
		if r.method == method {
			return r, id, nil
		}
		failure = errMethodNotAllowed
	}
	return route{op: OpOther}, "", failure
}

// matchPath compares by escaped segments, so that an id may hold an escaped slash.
func matchPath(pattern, path string) (id string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return "", false
	}
	for i, segment := range want {
		if segment != "{id}" {
			if segment != got[i] {
				return "", false
			}
			continue
		}
		var err error
		if id, err = url.PathUnescape(got[i]); err != nil || id == "" {
			return "", false
		}
	}
	return id, true
}

// allowedMethods is the Allow header of a 405.
func (s *Server) allowedMethods(u *url.URL) string {
	var methods []string
	for _, r := range s.routes {
		if _, ok := matchPath(r.pattern, u.EscapedPath()); ok {
			methods = append(methods, r.method)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}
