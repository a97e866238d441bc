package sandbox

import (
	"slices"
	"strings"
)

// catalogue is the vendor page's list of scopes, in its order.
var catalogue = []string{
	"inventory:read", "inventory:write",
	"forecast:read", "forecast:write",
	"planning:read", "planning:write",
	"procurement:read", "procurement:write",
	"shipping:read", "shipping:write",
	"reports:read",
	"admin:read", "admin:write",
}

// allows reports that one of the granted scopes is the wanted one, its area's wildcard, or the global wildcard. Write
// does not include read.
func allows(granted []string, wanted string) bool {
	area, _, _ := strings.Cut(wanted, ":")
	return slices.ContainsFunc(granted, func(scope string) bool {
		return scope == wanted || scope == area+":*" || scope == "*"
	})
}

// normalised is what the server makes of the scopes it is given.
func (d Dialect) normalised(scopes []string) []string {
	switch d.Scopes {
	case "expanded":
		return expanded(scopes)
	case "sorted":
		sorted := slices.Clone(scopes)
		slices.Sort(sorted)
		return sorted
	default:
		return slices.Clone(scopes)
	}
}

// expanded replaces wildcards by the scopes of the catalogue that they cover.
func expanded(scopes []string) []string {
	var out []string
	add := func(scope string) {
		if !slices.Contains(out, scope) {
			out = append(out, scope)
		}
	}
	for _, scope := range scopes {
		if !strings.HasSuffix(scope, "*") {
			add(scope)
			continue
		}
		for _, known := range catalogue {
			if allows([]string{scope}, known) {
				add(known)
			}
		}
	}
	return out
}
