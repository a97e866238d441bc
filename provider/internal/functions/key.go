package functions

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// keyParts is what may be shown of a key: what the API itself shows in listings, and no more.
type keyParts struct {
	prefix      string // "bdk_live_ABC123"
	environment string // "live"; empty where the key names none
	last4       string // empty where the secret part is too short to show a third of it
}

// keyShape is the documented form, keyPrefix + "_" + random, where the prefix is "bdk", an environment and a short
// id. The environment may be missing. The alphabet of the random part is not documented: it may hold underscores.
//
// What stands before the last underscore of the prefix is shown, so each part is held to a length and an alphabet: a
// key of a form unknown today must not pass its secret for an id.
var keyShape = regexp.MustCompile(`^(bdk_(?:([a-z]{1,16})_)?[0-9A-Za-z]{1,12})_(.+)$`)

// minSecret is the number of characters in the secret part from which on its last four are shown: two thirds and more
// stay hidden. The vendor's listings show them always, but what arrives here may be a placeholder or a fragment.
const minSecret = 12

// split takes a plaintext apart. problem says what is wrong with it and what to do, without any of it.
func split(plaintext string) (parts keyParts, problem string) {
	switch {
	case plaintext == "":
		return keyParts{}, "The key is empty"
	case !utf8.ValidString(plaintext) || strings.ContainsFunc(plaintext, unicode.IsControl) || strings.ContainsFunc(plaintext, unicode.IsSpace):
		return keyParts{}, "The key has white space or control characters in it. Remove them, for example with trimspace()"
	}
	found := keyShape.FindStringSubmatch(plaintext)
	if found == nil {
		return keyParts{}, "This is not a Better Data API key: one looks like bdk_live_ABC123_ followed by its secret part"
	}
	parts = keyParts{prefix: found[1], environment: found[2]}
	if secret := []rune(found[3]); len(secret) >= minSecret {
		parts.last4 = string(secret[len(secret)-4:])
	}
	return parts, ""
}

// hidden stands for what is not shown. Its length says nothing of the key's.
const hidden = "..."

// mask shows of a plaintext what tells it from others. What is not recognised as a key is hidden altogether: it may
// be a session token, or a key of a form that is not known today.
func mask(plaintext string) string {
	parts, problem := split(plaintext)
	if problem != "" {
		return hidden
	}
	return parts.prefix + "_" + hidden + parts.last4
}
