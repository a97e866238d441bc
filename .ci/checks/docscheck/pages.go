package main

import (
	"regexp"
	"slices"
	"strings"
)

// pages lists the provider's pages, which are rendered from schema, templates and examples. That they are what these
// render is compared elsewhere; here it is looked at what a reader would miss.
func (r *repo) pages() []string {
	return slices.DeleteFunc(slices.Clone(r.files), func(file string) bool { return !generatedPage.MatchString(file) })
}

// undescribed is an attribute or argument with a type and nothing after it but a link to nested ones.
var undescribed = regexp.MustCompile("^(?:- |\\d+\\. )`([^`]+)` \\([^)]*\\)\\s*(?:\\(see \\[below|$)")

// described is a page's own description, in its front matter.
var described = regexp.MustCompile(`(?m)^description: \|-\n +\S`)

// checkPages finds attributes without a description, links that lead nowhere, and pages without a description of their
// own, which registries show in search results.
func checkPages(r *repo) []finding {
	var found []finding
	for _, page := range r.pages() {
		text := r.read(page)
		if !described.MatchString(text) {
			found = append(found, finding{page, 0, "has no description"})
		}
		for _, l := range lines(text) {
			if l.fenced {
				continue
			}
			if m := undescribed.FindStringSubmatch(l.text); m != nil {
				found = append(found, finding{page, l.number, "no description of " + m[1]})
			}
			found = append(found, deadLinks(r, page, l)...)
		}
	}
	return found
}

// deadLinks finds relative links of a line that lead nowhere, and anchors that are not there.
func deadLinks(r *repo, doc string, l line) []finding {
	var found []finding
	for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(l.text, ""), -1) {
		target, anchor := m[1], m[2]
		if strings.ContainsAny(target, "[]*") {
			continue // a regular expression in a rendered rule, which only looks like a link
		}
		// The rendered schema has anchors of its own, which are no headings.
		inPage := target == "" && strings.Contains(r.read(doc), `<a id="`+strings.TrimPrefix(anchor, "#")+`"></a>`)
		if !inPage && !r.leads(doc, target, anchor) {
			found = append(found, finding{doc, l.number, "link leads nowhere: " + target + anchor})
		}
	}
	return found
}
