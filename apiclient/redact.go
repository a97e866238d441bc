package apiclient

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The shapes that redact blanks, in the order in which they are applied. A key's random part has no documented
// alphabet, so everything up to white space or a delimiter goes with its prefix.
var (
	keyShape    = regexp.MustCompile("(?i)bdk_[^\\s\"'`<>(){}\\[\\],;]*")
	bearerShape = regexp.MustCompile(`(?i)bearer[\s\pZ:=]+(?:\S*bearer[\s\pZ:=]+)*\S+`) // "Bearer Bearer <token>" is a common slip
	jwtShape    = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{4,}[A-Za-z0-9_.-]*`)
	runShape    = regexp.MustCompile(`[A-Za-z0-9+/_=-]{16,}`)
	namedShape  = regexp.MustCompile(`(?i)((?:authorization|api-?_?key|plaintext_?key|token|secret|password)["']?\s*[:=]\s*["']?)([^\s"'&,}]+)`)
)

// redact blanks whatever resembles a key or a token in text that a server sent. It would rather blank a harmless
// identifier than let a secret through: the text is for people, and nothing is decided by it.
func redact(s string) string {
	s = redactKeys(s)
	s = jwtShape.ReplaceAllString(s, redacted)
	s = runShape.ReplaceAllStringFunc(s, func(run string) string {
		if randomLooking(run) {
			return redacted
		}
		return run
	})
	return namedShape.ReplaceAllString(s, "${1}"+redacted)
}

// redactKeys blanks only what certainly is a key or a bearer token. It is for identifiers, such as a key's id or a
// request's, which may look random and must stay readable.
func redactKeys(s string) string {
	s = keyShape.ReplaceAllString(s, redacted)
	return bearerShape.ReplaceAllString(s, "Bearer "+redacted)
}

// blankerFor returns a function that blanks the very token that a request carried, whatever it looks like: servers
// and proxies quote it in their error messages.
func blankerFor(token Secret) func(string) string {
	value := strings.TrimSpace(token.Reveal())
	if value == "" {
		return func(s string) string { return s }
	}
	return func(s string) string { return strings.ReplaceAll(s, value, redacted) }
}

// shortestToken is the length, in bytes, from which a token is looked for in keys: a shorter one keeps no secret, and
// may be a word that stands in names.
const shortestToken = 16

// without returns the key with the token that its request carried blanked: a server may echo it in any text, and a
// key's texts go into state, status and logs.
func (k Key) without(token Secret) Key {
	if len(token.Reveal()) < shortestToken {
		return k
	}
	blank := blankerFor(token)
	for _, text := range []*string{&k.ID, &k.Name, &k.KeyPrefix, &k.Last4} {
		*text = blank(*text)
	}
	k.Status = Status(blankerFor(NewSecret(strings.ToUpper(token.Reveal())))(string(k.Status))) // it is in upper case
	for i := range k.Scopes {
		k.Scopes[i] = blank(k.Scopes[i])
	}
	return k
}

// randomLooking tells a run of base64, base62 or hex from words, constants and paths such as
// "/api/admin/api-keys/key_123/rotate".
func randomLooking(run string) bool {
	upper := strings.ContainsFunc(run, unicode.IsUpper)
	lower := strings.ContainsFunc(run, unicode.IsLower)
	digit := strings.ContainsFunc(run, unicode.IsDigit)
	if upper && lower && (digit && len(run) >= 20 || len(run) >= 32) {
		return true
	}
	for segment := range strings.SplitSeq(run, "/") {
		if len(segment) >= 16 && strings.ContainsFunc(segment, unicode.IsDigit) {
			return true
		}
		for word := range strings.FieldsFuncSeq(segment, func(r rune) bool { return strings.ContainsRune("_-+=", r) }) {
			if len(word) >= 24 {
				return true
			}
		}
	}
	return false
}

// redactJSON returns the JSON value raw with every string and member name in it passed through clean, or nil if raw
// holds no valid JSON. It works on decoded strings: an escape such as \u005f must not hide a key.
func redactJSON(raw json.RawMessage, clean func(string) string) json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil
	}
	out, err := json.Marshal(redactValue(value, clean))
	if err != nil {
		return nil
	}
	return out
}

func redactValue(value any, clean func(string) string) any {
	switch v := value.(type) {
	case string:
		return clean(v)
	case json.Number:
		if cleaned := clean(v.String()); cleaned != v.String() {
			return cleaned
		}
	case []any:
		for i := range v {
			v[i] = redactValue(v[i], clean)
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[clean(name)] = redactMember(name, member, clean)
		}
		return out
	}
	return value
}

// redactMember blanks the strings of members whose very name says that they are secret.
func redactMember(name string, member any, clean func(string) string) any {
	if text, ok := member.(string); ok && namedShape.MatchString(name+"="+text) {
		return redacted
	}
	return redactValue(member, clean)
}

// oneLine makes text fit for one line of a log or a terminal: white space collapses, what does not print (escape
// sequences, invalid UTF-8) becomes a space, and invisible characters (zero-width, bidirectional) go, so that none
// splits a token in two.
func oneLine(s string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(printable), " ")
}

// clip cuts s to at most limit runes. It comes after redaction: a token cut first would no longer be recognised.
func clip(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return string(runes[:limit-1]) + "…"
}
