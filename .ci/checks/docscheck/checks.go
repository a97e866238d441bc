package main

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// checkAll runs every check in the order in which a reader would want to mend the findings.
func checkAll(r *repo, foreign []string) []finding {
	return slices.Concat(
		checkMust(r), checkPaths(r), checkLinks(r), checkPages(r), checkTargets(r), checkVersions(r),
		checkDecisions(r), checkPromises(r), checkForeign(r, foreign), checkWorkplace(r),
	)
}

// checkMust looks for the few sentences that a newcomer and the tools rely on.
func checkMust(r *repo) []finding {
	var found []finding
	for _, must := range []struct{ file, text string }{
		{"README.md", "make demo"},
		{"README.md", "make test"},
		{"CHANGELOG.md", "## Unreleased"},
		{"LICENSE", "Apache License"},
	} {
		if !strings.Contains(r.read(must.file), must.text) {
			found = append(found, finding{must.file, 0, "does not contain " + must.text})
		}
	}
	return found
}

// goFile is a bare file name; somewhere in the repository there must be one.
var goFile = regexp.MustCompile(`^[\w-]+\.go$`)

// checkPaths finds paths in backticks that do not exist. The changelog is left out: it tells what was.
func checkPaths(r *repo) []finding {
	var found []finding
	for _, doc := range r.documents() {
		if doc == "CHANGELOG.md" {
			continue
		}
		for _, l := range lines(r.read(doc)) {
			if l.fenced {
				continue
			}
			for _, code := range l.code {
				if !r.holds(code) {
					found = append(found, finding{doc, l.number, "no such path: " + code})
				}
			}
		}
	}
	return found
}

// holds reports whether code names something of the repository, or nothing that looks like a path of it.
func (r *repo) holds(code string) bool {
	code = strings.TrimPrefix(code, "./")
	code = strings.TrimSuffix(strings.TrimSuffix(code, "..."), "/")
	if goFile.MatchString(code) {
		return slices.ContainsFunc(r.files, func(file string) bool { return path.Base(file) == code })
	}
	first, _, nested := strings.Cut(code, "/")
	if !nested || strings.ContainsAny(code, " <>$:=(){}\"") || !r.paths[first] {
		return true
	}
	if strings.Contains(code, "*") {
		return slices.ContainsFunc(r.files, func(file string) bool { ok, _ := path.Match(code, file); return ok })
	}
	return r.paths[code]
}

var link = regexp.MustCompile(`\]\(([^)\s#]*)(#[^)\s]*)?\)`)

// checkLinks finds relative links that lead nowhere, and anchors without their heading.
func checkLinks(r *repo) []finding {
	var found []finding
	for _, doc := range r.documents() {
		for _, l := range lines(r.read(doc)) {
			if l.fenced {
				continue
			}
			found = append(found, deadLinks(r, doc, l)...)
		}
	}
	return found
}

func (r *repo) leads(doc, target, anchor string) bool {
	if strings.Contains(target, ":") { // another site, or a mail address
		return true
	}
	to := doc
	if target != "" {
		to = path.Join(path.Dir(doc), target)
	}
	if !r.paths[to] {
		return false
	}
	return anchor == "" || slices.ContainsFunc(lines(r.read(to)), func(l line) bool {
		return !l.fenced && strings.HasPrefix(l.text, "#") && "#"+slug(l.text) == anchor
	})
}

var notInSlug = regexp.MustCompile(`[^a-z0-9 _-]`)

// slug is the anchor that a heading gets where Markdown is shown.
func slug(heading string) string {
	text := strings.ToLower(strings.TrimSpace(strings.TrimLeft(heading, "#")))
	return strings.ReplaceAll(notInSlug.ReplaceAllString(text, ""), " ", "-")
}

var (
	target  = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	runMake = regexp.MustCompile(`^\s*\$?\s*(?:\w+=\S+ )*make((?: [a-z][a-z-]*)+)`)
)

// checkTargets finds make commands whose target the Makefile does not have.
func checkTargets(r *repo) []finding {
	targets := map[string]bool{}
	for _, m := range target.FindAllStringSubmatch(r.read("Makefile"), -1) {
		targets[m[1]] = true
	}
	var found []finding
	for _, doc := range r.documents() {
		for _, l := range lines(r.read(doc)) {
			for _, code := range l.code {
				m := runMake.FindStringSubmatch(code)
				if m == nil {
					continue
				}
				for _, name := range strings.Fields(m[1]) {
					if !targets[name] {
						found = append(found, finding{doc, l.number, "no such make target: " + name})
					}
				}
			}
		}
	}
	return found
}
