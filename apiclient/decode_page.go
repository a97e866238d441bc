package apiclient

import (
	"errors"
	"fmt"
)

// listPlaces are the members that may hold the array of keys, at the top or one level down under data.
var listPlaces = []string{"apiKeys", "data", "items", "keys"}

// pageContent is what one answer to the listing holds.
type pageContent struct {
	keys     []Key
	evidence evidence
}

// decodePage reads an answer to the listing. A shape that is not recognised is an error, never an empty page: to the
// callers a key that is not listed is a key that is gone.
func decodePage(body []byte) (pageContent, error) {
	value, err := parse(body)
	if err != nil {
		return pageContent{}, fmt.Errorf("the answer is no JSON: %w", err)
	}
	found := pageContent{evidence: evidenceIn(value)}
	elements, err := listIn(value, found.evidence)
	if err != nil {
		return pageContent{}, err
	}
	found.keys = make([]Key, 0, len(elements))
	for i, element := range elements {
		m, ok := element.(fields)
		if !ok {
			return pageContent{}, fmt.Errorf("element %d of the listing is no object", i+1)
		}
		key := keyFrom(m)
		if key.ID == "" {
			return pageContent{}, fmt.Errorf("element %d of the listing has no id", i+1)
		}
		found.keys = append(found.keys, key)
	}
	return found, nil
}

var errUnknownShape = errors.New("the answer holds no list of keys in any known place")

// listIn finds the array. null in the place of an array is what some servers make of an empty list; it is believed
// only with a total of zero beside it.
func listIn(value any, said evidence) ([]any, error) {
	if list, ok := value.([]any); ok {
		return list, nil
	}
	root, _ := value.(fields)
	data, _ := root["data"].(fields)
	null := false
	for _, container := range []fields{root, data} {
		for _, name := range listPlaces {
			member, there := container[name]
			if list, ok := member.([]any); ok {
				return list, nil
			}
			null = null || there && member == nil
		}
	}
	if null && said.total == 0 {
		return nil, nil
	}
	return nil, errUnknownShape
}
