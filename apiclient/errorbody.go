package apiclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const (
	// messageLimit is the number of characters of a server's message that are kept.
	messageLimit = 200
	// sourceLimit is how much of a text is looked at for a message, and how large details may be, in bytes. Redaction
	// is slow (4 MB/s), and a hostile answer can be as large as the client reads.
	sourceLimit = 16 << 10
)

// failedAnswer is what newError needs to know of an HTTP exchange.
type failedAnswer struct {
	op     Operation
	keyID  string // empty for list and create
	status int
	header http.Header
	body   []byte // as far as it was read
	token  Secret // the credential that the request carried, to blank it wherever the answer quotes it
}

// newError makes the *Error of an answer. RetryAt is left to the caller.
func newError(a failedAnswer) *Error {
	blank := blankerFor(a.token)
	clean := func(s string) string { return redact(blank(s)) }
	code, message, details := parseError(a.body, clean)
	webPage := isWebPage(a.body)
	if a.status >= 200 && a.status < 300 {
		// A success that is not understood may hold a new key's plaintext in a place and form nobody expects.
		details = nil
		if !webPage && object(trimBody(a.body)) == nil {
			message = fmt.Sprintf("the answer is no JSON object (%d bytes)", len(a.body))
		}
	}
	return &Error{
		Op:        a.op,
		KeyID:     a.keyID,
		Status:    a.status,
		Code:      code,
		Message:   message,
		Details:   details,
		RequestID: identifier(blank(requestID(a.header))),
		Hint:      hintFor(code, a.status, webPage),
	}
}

// requestIDHeaders are the names under which an API, or a gateway before it, gives a request's id. The vendor
// documents none.
var requestIDHeaders = []string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Trace-Id", "X-Vercel-Id", "Cf-Ray"}

// requestID returns the first id that is there, as the server sent it.
func requestID(header http.Header) string {
	for _, name := range requestIDHeaders {
		if value := header.Get(name); value != "" {
			return value
		}
	}
	return ""
}

// parseErrorBody finds code, message and details in the body of an error answer. The vendor documents two shapes
// that contradict each other, so every plausible place is looked at. What it returns is redacted: message is one
// line of at most 200 characters, details is valid JSON or nil.
func parseErrorBody(body []byte) (code Code, message string, details json.RawMessage) {
	return parseError(body, redact)
}

func parseError(body []byte, clean func(string) string) (code Code, message string, details json.RawMessage) {
	body = trimBody(body)
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return "", describeBody(body, clean), nil
	}
	inner := object(fields["error"])
	details = fields["details"]
	if details == nil {
		details = inner["details"]
	}
	code = firstCode(clean, fields["code"], inner["code"], fields["errorCode"], object(details)["code"])
	errorText := text(fields["error"])
	if code == "" && constantName.MatchString(errorText) {
		code = firstCode(clean, fields["error"])
	}
	message = firstMessage(clean, text(fields["message"]), text(inner["message"]), errorText)
	if message == "" && code == "" {
		message = describeObject(fields, clean)
	}
	if len(details) > sourceLimit {
		details = nil
	}
	return code, message, redactJSON(details, clean)
}

var (
	// constantName is how a code in the place of a message looks.
	constantName = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)
	// codeName is what is believed to be a code at all.
	codeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)
)

// firstCode returns the first value that is a string and looks like a code. One that looks like a secret does not.
func firstCode(clean func(string) string, places ...json.RawMessage) Code {
	for _, place := range places {
		s := strings.TrimSpace(text(place))
		if codeName.MatchString(s) && clean(s) == s {
			return normalizeCode(s)
		}
	}
	return ""
}

func firstMessage(clean func(string) string, candidates ...string) string {
	for _, candidate := range candidates {
		if line := oneLine(head(candidate)); line != "" {
			return clip(clean(line), messageLimit)
		}
	}
	return ""
}

// text decodes a JSON string; anything else, absence included, gives "".
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// object decodes a JSON object; anything else, absence included, gives nil.
func object(raw json.RawMessage) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	return fields
}

// describeBody tells what a body that is no JSON object holds: nothing, other JSON, or text, of which it gives a
// snippet.
func describeBody(body []byte, clean func(string) string) string {
	switch {
	case len(body) == 0:
		return ""
	case text(body) != "":
		return firstMessage(clean, text(body))
	case json.Valid(body):
		return "the answer is JSON, but no object"
	case body[0] == '{' || body[0] == '[':
		return "the answer is JSON that is malformed or cut off"
	}
	return snippet(body, clean)
}

// describeObject names the members of an object that has neither code nor message. Their values stay out: in a
// success that is not understood one of them may be a new key's plaintext.
func describeObject(fields map[string]json.RawMessage, clean func(string) string) string {
	if len(fields) == 0 {
		return "the answer is an empty JSON object"
	}
	names := strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
	return firstMessage(clean, "the answer is a JSON object with neither code nor message; it has "+names)
}

var (
	invisibleElements = regexp.MustCompile(`(?is)<!--.*?(?:-->|\z)|<(?:script|style|head|title)\b.*?(?:</(?:script|style|head|title)\s*>|\z)`)
	titleElement      = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)
	tags              = regexp.MustCompile(`(?s)</?[A-Za-z!][^>]*>?`)
)

// snippet gives the beginning of a body that is not JSON as one line of text.
func snippet(body []byte, clean func(string) string) string {
	source := head(string(body))
	if isWebPage(body) {
		title := ""
		if found := titleElement.FindStringSubmatch(source); found != nil {
			title = found[1] + " "
		}
		source = html.UnescapeString(tags.ReplaceAllString(title+invisibleElements.ReplaceAllString(source, " "), " "))
	}
	return clip(clean(oneLine(source)), messageLimit)
}

// head returns the beginning of s up to sourceLimit, less a last word that may have been cut in two: half a token
// would not be recognised as one.
func head(s string) string {
	if len(s) <= sourceLimit {
		return s
	}
	s = s[:sourceLimit]
	return s[:strings.LastIndexAny(s, " \t\r\n>")+1]
}

func trimBody(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
}

// isWebPage reports whether the body is HTML (or XML, which a gateway may send), judged by how it begins.
func isWebPage(body []byte) bool { return bytes.HasPrefix(trimBody(body), []byte("<")) }
