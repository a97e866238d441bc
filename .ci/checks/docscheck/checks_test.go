package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// page is a rendered one. It may name a path that is none of ours.
const page = "---\ndescription: |-\n  A key.\n---\n\n- `name` (String) As in `apiclient/nothing`.\n" +
	"- `rotation` (Attributes) When. (see [below](#nestedatt--rotation))\n\n<a id=\"nestedatt--rotation\"></a>\n"

// sound is a small repository in which every check is content.
func sound() map[string]string {
	return map[string]string{
		"LICENSE":                        "Apache License",
		"README.md":                      "# Toy\n\n`make demo` and `make test`, with Go 1.26+ and OpenTofu 1.11+. See [why](docs/architecture.md#the-why).\n",
		"CHANGELOG.md":                   "## Unreleased\n\nNo more `apiclient/gone.go`.\n",
		"Makefile":                       "demo: build\ntest: ## all\nverify-docs:\n",
		"go.mod":                         "module toy\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/hashicorp/terraform-plugin-framework v1.19.0\n\tgithub.com/hashicorp/terraform-plugin-testing v1.16.0\n\tgithub.com/hashicorp/terraform-plugin-go v0.31.0\n)\n",
		".ci/find-cli":                   "minimum=1.11 # both\n",
		".ci/tools/tofu/go.mod":          "require github.com/opentofu/opentofu v1.12.6\n",
		".ci/tools/golangci-lint/go.mod": "require github.com/golangci/golangci-lint/v2 v2.15.0\n",
		".ci/tools/tfplugindocs/go.mod":  "require github.com/hashicorp/terraform-plugin-docs v0.25.0\n",
		"operator/internal/testenv/controlplane/go.mod": "require (\n\tgo.etcd.io/etcd/server/v3 v3.7.3 // indirect\n\tk8s.io/kubernetes v1.37.2 // indirect\n)\n",
		"apiclient/keys.go":                             "package apiclient\n",
		"apiclient/keys_test.go":                        "// P1: nothing is lost.\nfunc TestP2NoStray() {}\n",
		"docs/architecture.md":                          "## The why\n\n- **P1 Nothing is lost.**\n- **P2 No stray.**\n\nRead `apiclient/keys.go`, `keys.go`, `apiclient/...`.\n",
		"docs/resources/api_key.md":                     page,
		"docs/decisions/README.md":                      "[1](0001-first.md)\n",
		"docs/decisions/0001-first.md":                  "# 0001 First\n\nDate: 2026-11-23\n\n## Context\n\n## Decision\n\n## Alternatives\n\n## Consequences\n",
		"examples/resources/toy/resource.tf":            "\n",
		"apiclient/sandbox/testdata/README.md":          "`apiclient/nothing` is not a document of ours\n",
	}
}

// check runs every check on the repository with one file changed or, with an empty text, removed.
func check(file, text string) []string {
	files := sound()
	files[file] = text
	if text == "" {
		delete(files, file)
	}
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	var found []string
	for _, f := range checkAll(newRepo(fsys, slices.Sorted(maps.Keys(files))), []string{"/home/toy/", "proxy.example"}) {
		found = append(found, f.String())
	}
	return found
}

func TestSoundRepositoryHasNoFindings(t *testing.T) {
	t.Parallel()
	if found := check("docs/more.md", "Nothing wrong.\n"); len(found) > 0 {
		t.Errorf("findings: %q", found)
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"a less exact version":           "OpenTofu 1.12 and golangci-lint 2.15",
		"an exact version":               "OpenTofu 1.12.6 and `tfplugindocs` v0.25.0",
		"a newer minimum of a feature":   "Terraform 1.14+ lists",
		"a pattern that matches":         "`examples/resources/*/resource.tf`",
		"a placeholder":                  "`apiclient/<name>.go`",
		"a path of somewhere else":       "`usr/lib/x.so`",
		"several targets":                "`make demo test`",
		"a variable before make":         "`FUZZTIME=1s make test`",
		"the verb":                       "These make sure of it.",
		"a command in a block":           "```sh\nmake test # all\n```",
		"a path in a block":              "```\napiclient/planned.go\n```",
		"a link to a site":               "[x](https://example.com/y)",
		"a link within the page":         "# A `B` c!\n\n[x](#a-b-c)",
		"a session token":                "With this session token, or that session cookie, as user agent.",
		"a link that is written as code": "`[x](y.md)`",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if found := check("docs/more.md", text+"\n"); len(found) > 0 {
				t.Errorf("findings: %q", found)
			}
		})
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	decision := sound()["docs/decisions/0001-first.md"]
	cases := map[string]struct{ file, text, want string }{
		"no demo":                     {"README.md", "`make test`", "README.md: does not contain make demo"},
		"no unreleased heading":       {"CHANGELOG.md", "## 1.0.0", "does not contain ## Unreleased"},
		"a path":                      {"docs/more.md", "\n`apiclient/gone.go`", "docs/more.md:2: no such path: apiclient/gone.go"},
		"a folder":                    {"docs/more.md", "`apiclient/gone/`", "no such path: apiclient/gone"},
		"a go pattern":                {"docs/more.md", "`./apiclient/gone/...`", "no such path: ./apiclient/gone/..."},
		"a bare file":                 {"docs/more.md", "`gone.go`", "no such path: gone.go"},
		"a pattern":                   {"docs/more.md", "`apiclient/*.md`", "no such path"},
		"a link":                      {"docs/more.md", "[x](gone.md)", "link leads nowhere: gone.md"},
		"an anchor":                   {"docs/more.md", "[x](architecture.md#gone)", "link leads nowhere: architecture.md#gone"},
		"a target":                    {"docs/more.md", "`make chaos`", "no such make target: chaos"},
		"a target in a block":         {"docs/more.md", "```\n$ make test chaos\n```", "no such make target: chaos"},
		"a Go version":                {"docs/more.md", "Go 1.25+", "Go 1.25: go.mod has 1.26.0"},
		"a tool's version":            {"docs/more.md", "OpenTofu 1.11.2", "OpenTofu 1.11.2: .ci/tools/tofu/go.mod has 1.12.6"},
		"a version that begins alike": {"docs/more.md", "golangci-lint 2.1", "golangci-lint 2.1: "},
		"a missing pin":               {".ci/tools/tofu/go.mod", "module x", "holds no version of OpenTofu"},
		"too old a minimum":           {"docs/more.md", "Terraform 1.9+", "1.9+ is older than the minimum"},
		"a decision's part":           {"docs/decisions/0001-first.md", strings.Replace(decision, "## Alternatives", "## Others", 1), "has no ## Alternatives"},
		"a decision's date":           {"docs/decisions/0001-first.md", strings.Replace(decision, "2026-11-23", "soon", 1), "has no line Date"},
		"an unlisted decision":        {"docs/decisions/0002-second.md", decision, "is not listed"},
		"a decision's number":         {"docs/decisions/0001-second.md", decision, "has the number of docs/decisions/0001-first.md"},
		"an untested promise":         {"apiclient/keys_test.go", "// P1, P20", "no test names the promise P2"},
		"no promises":                 {"docs/architecture.md", "## The why\n", "lists no promises"},
		"a home folder":               {"apiclient/keys.go", "package apiclient\n\n// see /home/toy/x\n", "apiclient/keys.go:3: names this machine"},
		"a registry":                  {"Makefile", "demo:\ntest:\n\tGOPROXY=proxy.example\n", "Makefile:3: names this machine"},
		"an attribute of a page":      {"docs/resources/api_key.md", page + "- `scopes` (Set of String)\n", "docs/resources/api_key.md:10: no description of scopes"},
		"a nested attribute":          {"docs/resources/api_key.md", page + "- `timeouts` (Attributes) (see [below](#nestedatt--rotation))\n", "no description of timeouts"},
		"an argument of a function":   {"docs/functions/f.md", page + "1. `scope` (String)\n", "no description of scope"},
		"a page":                      {"docs/guides/g.md", strings.Replace(page, "  A key.", "", 1), "docs/guides/g.md: has no description"},
		"a link of a page":            {"docs/guides/g.md", page + "[x](../resources/gone.md)\n", "link leads nowhere: ../resources/gone.md"},
		"an anchor of a page":         {"docs/guides/g.md", page + "[x](#nestedatt--gone)\n", "link leads nowhere: #nestedatt--gone"},
		"the workplace":               {"docs/more.md", "Done in the previous session.", "speaks of the workplace: previous session"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := check(tc.file, tc.text)
			if !strings.Contains(strings.Join(found, "\n"), tc.want) {
				t.Errorf("findings %q, want one with %q", found, tc.want)
			}
		})
	}
}
