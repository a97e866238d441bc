package main

import (
	"path"
	"regexp"
	"strings"
)

var (
	isDecision = regexp.MustCompile(`^docs/decisions/(\d{4})-[a-z0-9-]+\.md$`)
	dated      = regexp.MustCompile(`(?m)^Date: \d{4}-\d{2}-\d{2}$`)
)

// checkDecisions finds decision records that lack a part, share a number, or stand in no list.
func checkDecisions(r *repo) []finding {
	var found []finding
	index := r.read("docs/decisions/README.md")
	numbers := map[string]string{}
	for _, file := range r.files {
		m := isDecision.FindStringSubmatch(file)
		if m == nil {
			continue
		}
		text := r.read(file)
		for _, part := range []string{"## Context", "## Decision", "## Alternatives", "## Consequences"} {
			if !strings.Contains(text, part+"\n") {
				found = append(found, finding{file, 0, "has no " + part})
			}
		}
		if !dated.MatchString(text) {
			found = append(found, finding{file, 0, "has no line Date: YYYY-MM-DD"})
		}
		if !strings.Contains(index, "("+path.Base(file)+")") {
			found = append(found, finding{file, 0, "is not listed in docs/decisions/README.md"})
		}
		if other := numbers[m[1]]; other != "" {
			found = append(found, finding{file, 0, "has the number of " + other})
		}
		numbers[m[1]] = file
	}
	return found
}

const promisesFile = "docs/architecture.md"

var promise = regexp.MustCompile(`^(?:#+|[-*]) +\**(P\d+)\b`)

// checkPromises finds promises that no test names. A promise without a test is a hope.
func checkPromises(r *repo) []finding {
	var tests strings.Builder
	for _, file := range r.files {
		if strings.HasSuffix(file, "_test.go") && !strings.HasPrefix(file, ".ci/") {
			tests.WriteString(r.read(file))
		}
	}
	var found []finding
	listed := 0
	for _, l := range lines(r.read(promisesFile)) {
		m := promise.FindStringSubmatch(l.text)
		if l.fenced || m == nil {
			continue
		}
		listed++
		if !regexp.MustCompile(`(\b|_|[a-z])` + m[1] + `(\b|_|[A-Z])`).MatchString(tests.String()) {
			found = append(found, finding{promisesFile, l.number, "no test names the promise " + m[1]})
		}
	}
	if listed == 0 {
		found = append(found, finding{promisesFile, 0, "lists no promises"})
	}
	return found
}
