package main

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// foreignStrings are what this machine would leave behind: the folder that the clone lies in, the home folder, the
// hosts of the module proxy. Whoever clones the project has none of them. The folder for temporary files is everybody's.
func foreignStrings(ctx context.Context, root string) []string {
	var foreign []string
	if abs, err := filepath.Abs(root); err == nil && filepath.Dir(abs) != filepath.Clean(os.TempDir()) {
		foreign = append(foreign, filepath.Dir(abs)+"/")
	}
	if home, err := os.UserHomeDir(); err == nil {
		foreign = append(foreign, home+"/")
	}
	out, err := exec.CommandContext(ctx, "go", "env", "GOPROXY").Output()
	if err != nil {
		return foreign
	}
	for _, proxy := range strings.FieldsFunc(string(out), func(c rune) bool { return strings.ContainsRune(",| \n", c) }) {
		if u, err := url.Parse(proxy); err == nil && u.Host != "" {
			foreign = append(foreign, u.Host)
		}
	}
	return foreign
}

// checkForeign finds such strings in any file.
func checkForeign(r *repo, foreign []string) []finding {
	var found []finding
	for _, file := range r.files {
		text := r.read(file)
		for _, s := range foreign {
			if len(s) < 3 || !strings.Contains(text, s) { // "/": a clone at the root of the file system
				continue
			}
			before, _, _ := strings.Cut(text, s)
			found = append(found, finding{file, strings.Count(before, "\n") + 1, "names this machine or its registry: " + s})
		}
	}
	return found
}

// workplace are words of the people who write, not of the project. The project has session tokens and user agents.
var (
	workplace = regexp.MustCompile(`(?i)\b(?:coding agents?|sub-?agents?|AI assistants?|language models?|` +
		`(?:this|that|our|my|previous|earlier|next|last|another) sessions?(?: (\w+))?)`)
	ofTheProduct = regexp.MustCompile(`^(tokens?|auth|authentication|cookies?|credentials?)$`)
)

// checkWorkplace finds them in documents.
func checkWorkplace(r *repo) []finding {
	var found []finding
	for _, doc := range r.documents() {
		for _, l := range lines(r.read(doc)) {
			for _, m := range workplace.FindAllStringSubmatch(l.text, -1) {
				if !ofTheProduct.MatchString(m[1]) {
					found = append(found, finding{doc, l.number, "speaks of the workplace: " + m[0]})
				}
			}
		}
	}
	return found
}
