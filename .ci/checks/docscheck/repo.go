package main

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// repo is the repository as the checks see it: a list of files, the folders they imply, and their content.
type repo struct {
	fsys  fs.FS
	files []string
	paths map[string]bool // files and folders
}

func newRepo(fsys fs.FS, files []string) *repo {
	r := &repo{fsys: fsys, files: files, paths: map[string]bool{}}
	for _, file := range files {
		for p := file; p != "."; p = path.Dir(p) {
			r.paths[p] = true
		}
	}
	return r
}

// read returns a file's text; a file that cannot be read is empty, and then fails whatever check wanted it.
func (r *repo) read(file string) string {
	content, err := fs.ReadFile(r.fsys, file)
	if err != nil {
		return ""
	}
	return string(content)
}

// generatedPage tells the pages that tfplugindocs renders into docs.
var generatedPage = regexp.MustCompile(
	`^docs/(index\.md|(actions|data-sources|ephemeral-resources|functions|guides|list-resources|resources)/)`)

// documents lists the Markdown that people write.
func (r *repo) documents() []string {
	return slices.DeleteFunc(slices.Clone(r.files), func(file string) bool {
		if generatedPage.MatchString(file) || !strings.HasSuffix(file, ".md") {
			return true
		}
		return strings.Contains(file, "/") && !strings.HasPrefix(file, "docs/")
	})
}

// finding is one thing that is off, at a line of a file.
type finding struct {
	file string
	line int
	text string
}

func (f finding) String() string {
	if f.line == 0 {
		return fmt.Sprintf("%s: %s", f.file, f.text)
	}
	return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.text)
}

// line is one line of a document. Code is what stands in backticks, or the whole line inside a fenced block.
type line struct {
	number int
	text   string
	code   []string
	fenced bool
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

func lines(text string) []line {
	var all []line
	fenced := false
	number := 0
	for raw := range strings.Lines(text) {
		number++
		l := line{number: number, text: strings.TrimRight(raw, "\r\n"), fenced: fenced}
		switch {
		case strings.HasPrefix(strings.TrimSpace(l.text), "```"):
			fenced = !fenced
			continue
		case fenced:
			l.code = []string{l.text}
		default:
			for _, m := range codeSpan.FindAllStringSubmatch(l.text, -1) {
				l.code = append(l.code, m[1])
			}
		}
		all = append(all, l)
	}
	return all
}
