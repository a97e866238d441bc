package apiclient

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// decodeIssued reads the answer of create or rotate: first the plaintext, wherever it may be, then what can be had of
// the key. The zero Secret means that there is no plaintext.
func decodeIssued(body []byte) (Key, Secret) {
	root, _ := parsePrefix(body).(fields)
	plaintext := plaintextIn(root)
	if plaintext == "" {
		plaintext = plaintextLiteral(body)
	}
	if plaintext == "" {
		return Key{}, Secret{}
	}
	return withoutText(issuedKeyIn(root), plaintext), NewSecret(plaintext)
}

// withoutText empties the key's texts that hold the plaintext: they go where the plaintext must not (P5). Without an id
// the key is found by its marker.
func withoutText(key Key, plaintext string) Key {
	for _, text := range []*string{&key.ID, &key.Name, &key.KeyPrefix, &key.Last4} {
		if strings.Contains(*text, plaintext) {
			*text = ""
		}
	}
	key.Scopes = slices.DeleteFunc(key.Scopes, func(scope string) bool { return strings.Contains(scope, plaintext) })
	return key
}

func issuedKeyIn(root fields) Key {
	for _, m := range keyPlaces(root) {
		if key := keyFrom(m); key.ID != "" {
			return key
		}
	}
	return Key{}
}

// plaintextNames are the members that may hold the plaintext: the documented one, then the guesses.
var plaintextNames = []string{"plaintextKey", "plaintext_key", "plaintext", "secret", "token"}

func plaintextIn(root fields) string {
	places := keyPlaces(root)
	for _, name := range plaintextNames {
		for _, m := range places {
			if s, ok := m[name].(string); ok && s != "" {
				return s
			}
		}
	}
	return ""
}

// literal finds the documented member in text that is no JSON any more before it gets there.
var literal = regexp.MustCompile(`"plaintext_?[kK]ey"\s*:\s*("(?:[^"\\]|\\.)+")`)

func plaintextLiteral(body []byte) string {
	found := literal.FindSubmatch(body)
	if found == nil {
		return ""
	}
	var s string
	if json.Unmarshal(found[1], &s) != nil {
		return ""
	}
	return s
}

// parsePrefix decodes as much of a JSON value as there is: a body cut off or broken after the plaintext still gives
// everything before the break.
func parsePrefix(body []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(trimBody(body)))
	decoder.UseNumber()
	value, _ := prefixValue(decoder, 0)
	return value
}

// deepest bounds the recursion; the deepest answer documented has three levels.
const deepest = 32

// prefixValue returns the next value, and whether it was whole.
func prefixValue(decoder *json.Decoder, depth int) (any, bool) {
	token, err := decoder.Token()
	if err != nil || depth > deepest {
		return nil, false
	}
	switch token {
	case json.Delim('{'):
		return prefixObject(decoder, depth)
	case json.Delim('['):
		return prefixArray(decoder, depth)
	}
	return token, true
}

func prefixObject(decoder *json.Decoder, depth int) (fields, bool) {
	object := fields{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return object, false
		}
		value, whole := prefixValue(decoder, depth+1)
		if value != nil {
			object[name] = value
		}
		if !whole {
			return object, false
		}
	}
	_, err := decoder.Token()
	return object, err == nil
}

func prefixArray(decoder *json.Decoder, depth int) ([]any, bool) {
	array := []any{}
	for decoder.More() {
		value, whole := prefixValue(decoder, depth+1)
		if value != nil {
			array = append(array, value)
		}
		if !whole {
			return array, false
		}
	}
	_, err := decoder.Token()
	return array, err == nil
}
