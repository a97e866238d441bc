package apiclient

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ScopeInfo describes one scope. Area and Action are its halves around the colon; both are "*" for "*" itself.
type ScopeInfo struct{ Name, Area, Action, Description string }

// allScopes is the scope that grants everything.
const allScopes = "*"

var catalogue = []ScopeInfo{
	{"inventory:read", "inventory", "read", "Read inventory data"},
	{"inventory:write", "inventory", "write", "Create/update inventory"},
	{"forecast:read", "forecast", "read", "Read forecasts"},
	{"forecast:write", "forecast", "write", "Create/update forecasts"},
	{"planning:read", "planning", "read", "Read planning data"},
	{"planning:write", "planning", "write", "Create/update plans"},
	{"procurement:read", "procurement", "read", "Read procurement data"},
	{"procurement:write", "procurement", "write", "Create/update purchase orders"},
	{"shipping:read", "shipping", "read", "Read shipping data"},
	{"shipping:write", "shipping", "write", "Create/update shipments"},
	{"reports:read", "reports", "read", "Read reports"},
	{"admin:read", "admin", "read", "Read admin data"},
	{"admin:write", "admin", "write", "Admin operations (tenant admin only)"},
	{"inventory:*", "inventory", "*", "All inventory operations"},
	{allScopes, "*", "*", "All operations (use with caution)"},
}

// Catalogue returns the scopes of the vendor's page "API keys" with its descriptions, in its order: 13 scopes and
// the two wildcards that it names. It is no closed list: the API may know more (see KnownScope).
func Catalogue() []ScopeInfo { return slices.Clone(catalogue) }

// KnownScope reports whether s is in the catalogue, or "<area>:*" of an area in it. An unknown scope is a reason to
// warn, never to refuse: the vendor's pages name others.
func KnownScope(s string) bool {
	area, action, _ := strings.Cut(s, ":")
	return slices.ContainsFunc(catalogue, func(info ScopeInfo) bool {
		return info.Name == s || info.Area == area && area != "*" && action == "*"
	})
}

// MalformedScope reports whether s cannot be a scope at all, and what is wrong with it. An unknown scope is not
// malformed.
func MalformedScope(s string) (problem string, bad bool) {
	switch {
	case s == "":
		return "is empty", true
	case !utf8.ValidString(s):
		return "is not valid UTF-8", true
	case strings.ContainsFunc(s, unicode.IsControl):
		return "contains a control character", true
	case strings.TrimSpace(s) != s:
		return "begins or ends with white space", true
	case strings.ContainsFunc(s, unicode.IsSpace) || strings.Contains(s, ","):
		return "looks like several scopes in one string: list each on its own", true
	}
	return "", false
}

// Allows reports whether a key with the granted scopes may do what wanted names. "*" grants everything, "<area>:*"
// everything of its area; a wildcard is granted only by itself or a wider one, because it also covers actions that do
// not exist yet. Case matters.
func Allows(granted []string, wanted string) bool {
	for _, scope := range granted {
		if scope == wanted || wanted != "" && covers(scope, wanted) {
			return true
		}
	}
	return false
}

// covers reports whether scope is a wildcard that includes wanted.
func covers(scope, wanted string) bool {
	area, isWildcard := strings.CutSuffix(scope, ":*")
	if !isWildcard {
		return scope == allScopes
	}
	rest, sameArea := strings.CutPrefix(wanted, area)
	return area != "" && sameArea && strings.HasPrefix(rest, ":")
}

// SameCoverage reports whether got grants what wanted grants and no more. It is not symmetric: the server may expand
// a wildcard that was asked for into the catalogue's scopes, but a wildcard where single scopes were asked for is
// wider. The wildcard of an unknown area counts only as itself, because what it expands to is not known.
func SameCoverage(wanted, got []string) bool {
	for _, scope := range got {
		if !Allows(wanted, scope) {
			return false
		}
	}
	for _, scope := range wanted {
		if !Allows(got, scope) && !expandedIn(got, scope) {
			return false
		}
	}
	return true
}

// expandedIn reports whether got holds every catalogue scope that wildcard covers, and there is at least one.
func expandedIn(got []string, wildcard string) bool {
	expanded := false
	for _, info := range catalogue {
		if info.Action == "*" || !covers(wildcard, info.Name) {
			continue
		}
		if !Allows(got, info.Name) {
			return false
		}
		expanded = true
	}
	return expanded
}
