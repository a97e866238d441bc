// Command docscheck finds what the documentation says and the repository no longer holds: paths, make targets, links,
// versions, promises without a test. It is run by make verify and prints one line per finding.
//
// Of generated provider pages it checks links and descriptions only: make verify compares them with a fresh rendering.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	root := flag.String("root", "../..", "root of the repository")
	flag.Parse()

	ctx := context.Background()
	files, err := listed(ctx, *root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "docscheck:", err)
		os.Exit(2)
	}
	r := newRepo(os.DirFS(*root), files)
	findings := checkAll(r, foreignStrings(ctx, *root))
	for _, f := range findings {
		fmt.Println(f)
	}
	if len(findings) > 0 {
		fmt.Fprintf(os.Stderr, "docscheck: %d findings\n", len(findings))
		os.Exit(1)
	}
	fmt.Printf("docscheck: %d documents agree with the repository\n", len(r.documents()))
}

// listed returns what git tracks, and what it would track: a build artefact does not count as part of the repository.
func listed(ctx context.Context, root string) ([]string, error) {
	//nolint:gosec // root is a flag of this command
	out, err := exec.CommandContext(ctx, "git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var files []string
	for line := range strings.Lines(string(out)) {
		file := strings.TrimSuffix(line, "\n")
		if _, err := os.Stat(root + "/" + file); err == nil { // deleted, not yet committed: gone
			files = append(files, file)
		}
	}
	return files, nil
}
