package main

import (
	"regexp"
	"strconv"
	"strings"
)

// pin is where the version of something is written down once, for the documents to agree with.
type pin struct {
	name    string         // as documents write it, before the version
	file    string         // holds the pin
	version *regexp.Regexp // finds it there
}

func pinOf(name, file, version string) pin {
	return pin{name, file, regexp.MustCompile(version)}
}

// minimum is the oldest Terraform and OpenTofu that is supported; documents write it with a plus sign.
var minimum = pinOf("Terraform", ".ci/find-cli", `(?m)^minimum=(\S+)`)

func pins() []pin {
	return []pin{
		pinOf("Go", "go.mod", `(?m)^go (\S+)`),
		pinOf("OpenTofu", ".ci/tools/tofu/go.mod", `opentofu/opentofu v(\S+)`),
		pinOf("Kubernetes", "operator/internal/testenv/controlplane/go.mod", `k8s.io/kubernetes v(\S+)`),
		pinOf("etcd", "operator/internal/testenv/controlplane/go.mod", `etcd/server/v3 v(\S+)`),
		pinOf("golangci-lint", ".ci/tools/golangci-lint/go.mod", `golangci/golangci-lint/v2 v(\S+)`),
		pinOf("tfplugindocs", ".ci/tools/tfplugindocs/go.mod", `terraform-plugin-docs v(\S+)`),
		pinOf("terraform-plugin-framework", "go.mod", `terraform-plugin-framework v(\S+)`),
		pinOf("terraform-plugin-testing", "go.mod", `terraform-plugin-testing v(\S+)`),
		pinOf("terraform-plugin-go", "go.mod", `terraform-plugin-go v(\S+)`),
	}
}

// checkVersions finds versions in documents that differ from what is pinned. A document may be less exact than the
// pin ("1.12" for 1.12.6), not different.
func checkVersions(r *repo) []finding {
	var found []finding
	for _, p := range pins() {
		found = append(found, checkPin(r, p)...)
	}
	return append(found, checkMinimum(r)...)
}

func checkPin(r *repo, p pin) []finding {
	m := p.version.FindStringSubmatch(r.read(p.file))
	if m == nil {
		return []finding{{p.file, 0, "holds no version of " + p.name}}
	}
	pinned := m[1]
	mention := regexp.MustCompile(`(?:^|[^\w-])` + regexp.QuoteMeta(p.name) + "`? v?" + `(\d+(?:\.\d+)+)(\+?)`)
	return eachMention(r, mention, func(version, plus string) string {
		if plus != "" && p.name != "Go" || strings.HasPrefix(pinned+".", version+".") {
			return ""
		}
		return p.name + " " + version + ": " + p.file + " has " + pinned
	})
}

var anyMinimum = regexp.MustCompile(`(?:Terraform|OpenTofu)` + "`? " + `(\d+\.\d+)(\+)`)

// checkMinimum finds promises to support something older than what the tests accept. Newer is fine: single features
// ask for newer versions.
func checkMinimum(r *repo) []finding {
	m := minimum.version.FindStringSubmatch(r.read(minimum.file))
	if m == nil {
		return []finding{{minimum.file, 0, "holds no minimum version"}}
	}
	return eachMention(r, anyMinimum, func(version, _ string) string {
		if minor(version) >= minor(m[1]) {
			return ""
		}
		return version + "+ is older than the minimum in " + minimum.file + ", " + m[1]
	})
}

// minor returns the 11 of 1.11; both products have been at major version 1 since 2021.
func minor(version string) int {
	_, after, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(after)
	return n
}

// eachMention calls judge for each match in the documents and keeps what it answers. History is left alone: the
// changelog and dated decisions say what was true then.
func eachMention(r *repo, mention *regexp.Regexp, judge func(version, plus string) string) []finding {
	var found []finding
	for _, doc := range r.documents() {
		if doc == "CHANGELOG.md" || isDecision.MatchString(doc) {
			continue
		}
		for _, l := range lines(r.read(doc)) {
			for _, m := range mention.FindAllStringSubmatch(l.text, -1) {
				if text := judge(m[1], m[2]); text != "" {
					found = append(found, finding{doc, l.number, text})
				}
			}
		}
	}
	return found
}
