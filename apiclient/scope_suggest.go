package apiclient

import (
	"strings"
	"unicode"
)

const (
	// suggestEdits is how many typing errors a suggestion bridges.
	suggestEdits = 2
	// suggestStem is how many letters one area name must share with another that it begins, as "forecasting" begins
	// with "forecast".
	suggestStem = 4
	// suggestLimit is the longest input that is compared; scopes are far shorter.
	suggestLimit = 64
)

// SuggestScope returns the known scope that s probably means: other separators ("inventory.read"), case, typing
// errors, singular and plural, the words in reverse ("read:inventory"), or an area alone (its read scope). It
// returns false for a known scope and where nothing is near.
func SuggestScope(s string) (string, bool) {
	if KnownScope(s) || len(s) > suggestLimit {
		return "", false
	}
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return r != '*' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	switch len(words) {
	case 1:
		return nearestScope(words[0], "read")
	case 2:
		if scope, ok := nearestScope(words[0], words[1]); ok {
			return scope, true
		}
		return nearestScope(words[1], words[0])
	}
	return "", false
}

// nearestScope returns the scope with the fewest edits to both words together; of equals, the catalogue's first.
func nearestScope(area, action string) (string, bool) {
	best, fewest := "", suggestEdits+1
	for _, info := range catalogue {
		if info.Name == allScopes {
			continue
		}
		name, edits := info.Name, areaEdits(area, info.Area)
		if action == "*" {
			name = info.Area + ":*"
		} else if info.Action == "*" {
			continue
		} else {
			edits += editDistance(action, info.Action)
		}
		if edits < fewest {
			best, fewest = name, edits
		}
	}
	return best, best != ""
}

// areaEdits is the distance of two area names; one that begins the other is as near as can be.
func areaEdits(given, known string) int {
	shorter := min(len(given), len(known))
	if shorter >= suggestStem && given[:shorter] == known[:shorter] {
		return 0
	}
	return editDistance(given, known)
}

// editDistance counts the insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal
// string alignment).
func editDistance(a, b string) int {
	from, to := []rune(a), []rune(b)
	var beforeLast []int
	last := make([]int, len(to)+1)
	for j := range last {
		last[j] = j
	}
	for i := range from {
		row := make([]int, len(to)+1)
		row[0] = i + 1
		for j := range to {
			replace := last[j]
			if from[i] != to[j] {
				replace++
			}
			row[j+1] = min(replace, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], beforeLast[j-1]+1)
			}
		}
		beforeLast, last = last, row
	}
	return last[len(to)]
}
