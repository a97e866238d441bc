package apiclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The vendor documents one answer of five, and its examples contradict its conventions. So answers are decoded into
// generic values, and each field is looked for by name. A field that is missing or unreadable is empty; it never
// makes the rest unreadable.

// fields is a decoded JSON object.
type fields = map[string]any

// parse decodes one JSON value and refuses anything after it.
func parse(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(trimBody(body)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the JSON value")
	}
	return value, nil
}

// deniesSuccess recognises {"success": false}, which some APIs send with a 2xx.
func deniesSuccess(body []byte) bool {
	value, err := parse(body)
	if err != nil {
		return false
	}
	root, _ := value.(fields)
	success, said := root["success"].(bool)
	return said && !success
}

// keyFrom reads a key field by field.
func keyFrom(m fields) Key {
	return Key{
		ID:         stringAt(m, "id", "keyId", "key_id"),
		Name:       stringAt(m, "name"),
		KeyPrefix:  stringAt(m, "keyPrefix", "key_prefix"),
		Last4:      stringAt(m, "last4", "last_4"),
		Scopes:     stringsAt(m, "scopes"),
		Status:     Status(strings.ToUpper(stringAt(m, "status"))),
		CreatedAt:  timeAt(m, "createdAt", "created_at"),
		ExpiresAt:  timeAt(m, "expiresAt", "expires_at", "expiration", "expirationDate"),
		RevokedAt:  timeAt(m, "revokedAt", "revoked_at"),
		LastUsedAt: timeAt(m, "lastUsedAt", "last_used_at"),
	}
}

// stringAt returns the first name that holds a string or a number.
func stringAt(m fields, names ...string) string {
	for _, name := range names {
		switch v := m[name].(type) {
		case string:
			if v != "" {
				return v
			}
		case json.Number:
			return v.String()
		}
	}
	return ""
}

// stringsAt reads an array of strings, or one string with commas or spaces between. nil means neither was there.
func stringsAt(m fields, name string) []string {
	switch v := m[name].(type) {
	case string:
		return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
	case []any:
		list := make([]string, 0, len(v))
		for _, element := range v {
			if s, ok := element.(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

// timeAt reads RFC 3339, or Unix seconds or milliseconds. What cannot be read is nil, like null.
func timeAt(m fields, names ...string) *time.Time {
	for _, name := range names {
		switch v := m[name].(type) {
		case string:
			if t, err := time.Parse(time.RFC3339, v); err == nil {
				return &t
			}
		case json.Number:
			if n, err := v.Int64(); err == nil && n > 0 {
				return unixTime(n)
			}
		}
	}
	return nil
}

func unixTime(n int64) *time.Time {
	t := time.Unix(n, 0).UTC()
	if float64(n) >= smallestMillis {
		t = time.UnixMilli(n).UTC()
	}
	return &t
}

// countAt reads a whole number, zero or more, also one sent as a string.
func countAt(m fields, name string) int {
	n, err := strconv.ParseInt(stringAt(m, name), 10, 32)
	if err != nil || n < 0 {
		return absent
	}
	return int(n)
}

// absent is a count that the answer did not give.
const absent = -1

// echoedKey finds the key in the answer of an update, if the answer holds it whole enough to believe: with its own
// id, its name and its scopes.
func echoedKey(body []byte, id string) (Key, bool) {
	value, err := parse(body)
	if err != nil {
		return Key{}, false
	}
	root, _ := value.(fields)
	for _, m := range keyPlaces(root) {
		key := keyFrom(m)
		if key.ID == id && key.Name != "" && key.Scopes != nil {
			return key, true
		}
	}
	return Key{}, false
}

// tellsSuccess reports whether the body of a 2xx about a key fits an answer of the API: it is empty, if only as JSON, names
// the key, or says success.
func tellsSuccess(body []byte, id string) bool {
	if len(bytes.TrimSpace(body)) == 0 {
		return true
	}
	value, err := parse(body)
	root, ok := value.(fields)
	if err != nil || !ok {
		return false
	}
	if success, ok := root["success"].(bool); ok || len(root) == 0 {
		return success || !ok
	}
	return slices.ContainsFunc(keyPlaces(root), func(m fields) bool { return keyFrom(m).ID == id })
}

// keyPlaces lists the objects of an answer that may be the key, the most likely first. newKey comes before the
// others because an answer that has it may name the old key too.
func keyPlaces(root fields) []fields {
	var places []fields
	data, _ := root["data"].(fields)
	for _, container := range []fields{root, data} {
		for _, name := range []string{"newKey", "apiKey", "key"} {
			if m, ok := container[name].(fields); ok {
				places = append(places, m)
			}
		}
	}
	if data != nil {
		places = append(places, data)
	}
	if root != nil {
		places = append(places, root)
	}
	return places
}
