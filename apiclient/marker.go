package apiclient

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Marker is the tag that tells who made a key. It stands in square brackets after the key's name:
// "Forecast reader [tf:1a2b3c4d]". A key is born with it, so a key whose plaintext was lost can be told, with
// certainty, from somebody else's key of the same name. The zero Marker marks nothing.
type Marker string

// markerShape is a well-formed marker with its brackets, and the one space before it if there is one.
var markerShape = regexp.MustCompile(` ?\[(tf:[0-9a-f]{8}|k8s:[0-9a-f]{8}:[0-9a-f]{12})\]`)

// NewTerraformMarker returns "tf:" and 8 random hex digits. It fails only if the system has no randomness.
func NewTerraformMarker() (Marker, error) {
	var nonce [4]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return "", fmt.Errorf("make a marker: %w", err)
	}
	return Marker("tf:" + hex.EncodeToString(nonce[:])), nil
}

// KubernetesMarker returns "k8s:<cluster8>:<uid12>": the first 8 hex digits of the SHA-256 of clusterUID (the
// kube-system namespace's UID, or a chosen cluster id) and the first 12 hex digits of objectUID. A UID that does not
// begin with 12 hex digits, hyphens aside, is hashed too, so that the marker is always well-formed.
func KubernetesMarker(clusterUID, objectUID string) Marker {
	return Marker("k8s:" + hashHex(clusterUID)[:8] + ":" + uidHex(objectUID)[:12])
}

func uidHex(uid string) string {
	digits := strings.ToLower(strings.ReplaceAll(uid, "-", ""))
	if len(digits) < 12 || strings.Trim(digits[:12], "0123456789abcdef") != "" {
		return hashHex(uid)
	}
	return digits
}

func hashHex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// bracketed is the marker as it stands in a name.
func (m Marker) bracketed() string { return "[" + string(m) + "]" }

// Append returns name followed by a space and the marker in brackets, or name itself if the marker is in it already.
func (m Marker) Append(name string) string {
	if m == "" || m.In(name) {
		return name
	}
	return name + " " + m.bracketed()
}

// AppendWithin is Append for a name of at most limit characters (runes). A name that does not fit is cut and ends in
// a hash of the whole name, "long na-1a2b3c4d [k8s:...]", so that two long names with a common beginning stay
// different. The marker is never cut: where limit leaves no room beside it, the marker alone is returned, even if
// longer than limit.
func (m Marker) AppendWithin(name string, limit int) string {
	if whole := m.Append(name); utf8.RuneCountInString(whole) <= limit && utf8.ValidString(whole) {
		return whole
	}
	if m == "" {
		return shorten(name, limit)
	}
	tail := " " + m.bracketed()
	name = strings.ReplaceAll(name, tail, "")
	room := limit - utf8.RuneCountInString(tail)
	if room <= 0 {
		return m.bracketed()
	}
	return shorten(name, room) + tail
}

// shorten returns name if it fits into limit runes, else its beginning and 8 hex digits of its hash.
func shorten(name string, limit int) string {
	limit = max(limit, 0)
	valid := []rune(strings.ToValidUTF8(name, string(utf8.RuneError)))
	if len(valid) <= limit {
		return string(valid)
	}
	hash := hashHex(name)[:8]
	room := limit - len(hash) - 1
	if room <= 0 {
		return hash[:min(limit, len(hash))]
	}
	return strings.TrimRight(string(valid[:room]), " ") + "-" + hash
}

// In reports whether the marker stands, in its brackets, anywhere in name.
func (m Marker) In(name string) bool { return m != "" && strings.Contains(name, m.bracketed()) }

// StripMarkers removes every well-formed marker, wherever it stands, together with the one space before it. Other
// brackets stay.
func StripMarkers(name string) string {
	for {
		stripped := markerShape.ReplaceAllString(name, "")
		if stripped == name {
			return name
		}
		// Again: taking one out may have joined the halves of another.
		name = stripped
	}
}

// MarkersIn returns the well-formed markers in name in the order in which they stand.
func MarkersIn(name string) []Marker {
	var markers []Marker
	for _, found := range markerShape.FindAllStringSubmatch(name, -1) {
		markers = append(markers, Marker(found[1]))
	}
	return markers
}
