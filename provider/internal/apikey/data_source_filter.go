package apikey

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// keyFilter chooses keys. Every criterion that is set must be met; the zero value chooses all.
type keyFilter struct {
	name          *regexp.Regexp // of the name without markers
	status        string         // in any case of letters
	live          *bool
	scope         string // a scope that the key's scopes grant
	wildcard      *bool
	markedBy      string
	createdBefore time.Time
	createdAfter  time.Time
	olderThan     time.Duration
	unusedFor     time.Duration
}

// choice is the outcome of a filter.
type choice struct {
	keys []apiclient.Key
	// ageUnknown and useUnknown are keys that met every other criterion, but whose age or last use the API does not
	// tell. They are not chosen: a missing fact is not a fact, and audits end in revocations.
	ageUnknown, useUnknown []apiclient.Key
}

// choose applies the filter to a complete listing. It is pure; now is the API's clock.
func (f keyFilter) choose(keys []apiclient.Key, now time.Time) choice {
	var chosen choice
	usesAreTold := slices.ContainsFunc(keys, func(k apiclient.Key) bool { return k.LastUsedAt != nil })
	for _, key := range keys {
		if !f.matchesFacts(key) {
			continue
		}
		aged := f.age(key, now)
		unused := f.use(key, usesAreTold, now)
		switch {
		case aged == no || unused == no:
		case aged == unknown:
			chosen.ageUnknown = append(chosen.ageUnknown, key)
		case unused == unknown:
			chosen.useUnknown = append(chosen.useUnknown, key)
		default:
			chosen.keys = append(chosen.keys, key)
		}
	}
	return chosen
}

// matchesFacts looks at everything that does not depend on time.
func (f keyFilter) matchesFacts(key apiclient.Key) bool {
	switch {
	case f.name != nil && !f.name.MatchString(apiclient.StripMarkers(key.Name)),
		f.status != "" && !strings.EqualFold(f.status, string(key.Status)),
		f.live != nil && *f.live != key.Live(),
		f.scope != "" && !apiclient.Allows(key.Scopes, f.scope),
		f.wildcard != nil && *f.wildcard != slices.ContainsFunc(key.Scopes, isWildcard),
		f.markedBy != "" && f.markedBy != markedBy(key):
		return false
	}
	return true
}

func isWildcard(scope string) bool { return scope == "*" || strings.HasSuffix(scope, ":*") }

// verdict is an answer that may have to stay open.
type verdict int

const (
	no verdict = iota
	yes
	unknown
)

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// age judges the criteria about the time of issue.
func (f keyFilter) age(key apiclient.Key, now time.Time) verdict {
	if f.createdBefore.IsZero() && f.createdAfter.IsZero() && f.olderThan == 0 {
		return yes
	}
	if key.CreatedAt == nil {
		return unknown
	}
	return verdictOf((f.createdBefore.IsZero() || key.CreatedAt.Before(f.createdBefore)) &&
		(f.createdAfter.IsZero() || key.CreatedAt.After(f.createdAfter)) &&
		(f.olderThan == 0 || now.Sub(*key.CreatedAt) > f.olderThan))
}

// use judges whether the key went unused for long. A key without a last use was never used if the API tells the last
// use of other keys; then it is as unused as it is old. If it tells none, nothing is known of any.
func (f keyFilter) use(key apiclient.Key, usesAreTold bool, now time.Time) verdict {
	switch {
	case f.unusedFor == 0:
		return yes
	case key.LastUsedAt != nil:
		return verdictOf(now.Sub(*key.LastUsedAt) > f.unusedFor)
	case key.CreatedAt != nil && now.Sub(*key.CreatedAt) <= f.unusedFor:
		return no
	case !usesAreTold || key.CreatedAt == nil:
		return unknown
	default:
		return yes
	}
}
