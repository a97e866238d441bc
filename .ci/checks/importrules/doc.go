// Package importrules proves the import rules of .golangci.yml: for each folder, its test writes a file with a
// forbidden import and sees the linter refuse it with the rule's own words, and one with an allowed import and sees
// it pass. A rule whose file pattern matches nothing is otherwise silent for ever.
package importrules
