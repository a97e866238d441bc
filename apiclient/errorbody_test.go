package apiclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestParseErrorBody(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body    string
		code    Code
		message string
		details string
	}{
		"code at the top":          {`{"code":"INVALID_API_KEY","message":"no"}`, CodeInvalidAPIKey, "no", ""},
		"code in error":            {`{"error":{"code":"INVALID_API_KEY","message":"no"}}`, CodeInvalidAPIKey, "no", ""},
		"errorCode":                {`{"errorCode":"INVALID_API_KEY","error":"no"}`, CodeInvalidAPIKey, "no", ""},
		"code in details":          {`{"error":"no","details":{"code":"INVALID_API_KEY"}}`, CodeInvalidAPIKey, "no", `{"code":"INVALID_API_KEY"}`},
		"error is the code":        {`{"error":"INVALID_API_KEY"}`, CodeInvalidAPIKey, "INVALID_API_KEY", ""},
		"error is code, message":   {`{"error":"INVALID_API_KEY","message":"no"}`, CodeInvalidAPIKey, "no", ""},
		"error is a sentence":      {`{"error":"Not found","details":{}}`, "", "Not found", "{}"},
		"other spelling":           {`{"code":"IP_RESTRICTION"}`, CodeIPRestricted, "", ""},
		"lower case, foreign":      {`{"error":{"code":"invalid_request","message":"x","doc_url":"u"}}`, "invalid_request", "x", ""},
		"details in error":         {`{"success":false,"error":{"code":"VALIDATION_ERROR","message":"m","details":{"field":"name"}}}`, "VALIDATION_ERROR", "m", `{"field":"name"}`},
		"details an array":         {`{"error":"no","details":["a","b"]}`, "", "no", `["a","b"]`},
		"details a string":         {`{"error":"no","details":"more"}`, "", "no", `"more"`},
		"details null":             {`{"error":"no","details":null}`, "", "no", "null"},
		"number for a code":        {`{"code":403,"error":{"code":"INSUFFICIENT_SCOPE"}}`, CodeInsufficientScope, "", ""},
		"sentence for a code":      {`{"code":"it went wrong","error":"REVOKED_API_KEY"}`, CodeRevokedAPIKey, "REVOKED_API_KEY", ""},
		"blank message":            {`{"message":"  ","error":"real"}`, "", "real", ""},
		"message of a wrong type":  {`{"message":{"a":1},"error":"real"}`, "", "real", ""},
		"secret for a code":        {`{"code":"bdk_live_ABC123_abc","message":"m"}`, "", "m", ""},
		"secret in message":        {`{"message":"key bdk_live_ABC123_abc is bad"}`, "", "key [REDACTED] is bad", ""},
		"secret in details":        {`{"error":"m","details":{"sent":"Bearer abc"}}`, "", "m", `{"sent":"Bearer [REDACTED]"}`},
		"message over lines":       {`{"message":"a\n\tb\u001b[31m"}`, "", "a b [31m", ""},
		"code first, in order":     {`{"code":"A1","error":{"code":"B1"},"errorCode":"C1","details":{"code":"D1"}}`, "A1", "", `{"code":"D1"}`},
		"error.code second":        {`{"error":{"code":"B1"},"errorCode":"C1","details":{"code":"D1"}}`, "B1", "", `{"code":"D1"}`},
		"errorCode third":          {`{"error":"E1","errorCode":"C1","details":{"code":"D1"}}`, "C1", "E1", `{"code":"D1"}`},
		"details.code fourth":      {`{"error":"E1","details":{"code":"D1"}}`, "D1", "E1", `{"code":"D1"}`},
		"message first":            {`{"message":"a","error":{"message":"b"}}`, "", "a", ""},
		"neither":                  {`{"status":"fail","plaintextKey":"x"}`, "", "the answer is a JSON object with neither code nor message; it has plaintextKey, status", ""},
		"empty object":             {`{}`, "", "the answer is an empty JSON object", ""},
		"empty":                    {"", "", "", ""},
		"white space":              {" \r\n\t", "", "", ""},
		"null":                     {`null`, "", "the answer is JSON, but no object", ""},
		"array":                    {`[{"message":"no"}]`, "", "the answer is JSON, but no object", ""},
		"number":                   {`42`, "", "the answer is JSON, but no object", ""},
		"string":                   {`"not today"`, "", "not today", ""},
		"cut off":                  {`{"apiKey":{"id":"key_1"},"plaintextKey":"abc`, "", "the answer is JSON that is malformed or cut off", ""},
		"two values":               {`{"a":1}{"b":2}`, "", "the answer is JSON that is malformed or cut off", ""},
		"byte order mark":          {"\ufeff" + `{"message":"no"}`, "", "no", ""},
		"plain text":               {"upstream connect error\n", "", "upstream connect error", ""},
		"plain text with a secret": {"denied for Bearer abc", "", "denied for Bearer [REDACTED]", ""},
		"binary":                   {"\x1f\x8b\x08\x00\xff\xfe", "", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, message, details := parseErrorBody([]byte(test.body))
			if code != test.code || message != test.message || string(details) != test.details {
				t.Errorf("got  %q, %q, %s\nwant %q, %q, %s", code, message, details, test.code, test.message, test.details)
			}
		})
	}
}

// Each documented code is found in each place where the vendor's pages could be read to put it.
func TestParseErrorBodyEveryCodeEverywhere(t *testing.T) {
	t.Parallel()
	for _, info := range Codes() {
		for _, shape := range []string{
			`{"code":%q,"message":"m"}`, `{"error":{"code":%q,"message":"m"}}`, `{"errorCode":%q,"message":"m"}`,
			`{"error":"m","details":{"code":%q}}`, `{"error":%q,"message":"m"}`,
		} {
			code, message, _ := parseErrorBody(fmt.Appendf(nil, shape, info.Code))
			if code != info.Code || message != "m" {
				t.Errorf("%s in %s gives %q, %q", info.Code, shape, code, message)
			}
		}
	}
}

func TestSnippetOfWebPages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, want string }{
		"gateway": {
			"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>",
			"502 Bad Gateway 502 Bad Gateway nginx/1.18.0",
		},
		"script and style":  {`<html><style>a{}</style><script>var key="x"</script><p>Hello&nbsp;&amp; good&#32;bye</p>`, "Hello & good bye"},
		"cut in the script": {`<html><p>Hello</p><script>var x = 1 <`, "Hello"},
		"cut in a tag":      {`<html><p>Hello</p><a href="http`, "Hello"},
		"comment":           {`<!-- for 10.0.0.1 --><p>Hello<!-- cut`, "Hello"},
		"secret in it":      {`<p>Header was <b>Bearer abc</b></p>`, "Header was Bearer [REDACTED]"},
		"secret, escaped":   {`<p>key bdk&#95;live_ABC_abc</p>`, "key [REDACTED]"},
		"xml":               {`<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`, "<?xml version=\"1.0\"?> AccessDenied"},
		"nothing visible":   {`<html></html>`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, got, _ := parseErrorBody([]byte(test.body)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestMessagesAreShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("wört ", 1000)
	for _, body := range []string{
		`{"message":"` + long + `"}`, `{"error":"` + long + `"}`, long, "<p>" + long, `"` + long + `"`, `{"` + long + `":1}`,
	} {
		_, message, _ := parseErrorBody([]byte(body))
		if n := utf8.RuneCountInString(message); n > messageLimit || n < messageLimit/2 {
			t.Errorf("%d characters: %q", n, message)
		}
	}
}

// Of a token that lies across the end of what is looked at, no part may be taken for harmless text.
func TestSnippetOfALongBodyCutsNoToken(t *testing.T) {
	t.Parallel()
	filler := strings.Repeat(" ", sourceLimit-10)
	_, message, _ := parseErrorBody([]byte("start" + filler + "9f86d081884c7d659a2feaa0c55ad015"))
	if message != "start" {
		t.Errorf("got %q", message)
	}
	_, message, _ = parseErrorBody(bytes.Repeat([]byte("9f86"), sourceLimit))
	if strings.Contains(message, "9f86") {
		t.Errorf("got %q", message)
	}
}

// Redaction is slow, so what a hostile server makes large is cut or dropped before it.
func TestParseErrorBodyBoundsItsWork(t *testing.T) {
	t.Parallel()
	calls, largest := 0, 0
	counting := func(s string) string {
		calls, largest = calls+1, max(largest, len(s))
		return s
	}
	huge := strings.Repeat("bearer token= ", 100_000)
	for _, body := range []string{
		mustJSON(map[string]any{"message": huge}), mustJSON(map[string]any{"error": map[string]any{"message": huge}}),
		mustJSON(map[string]any{"error": "no", "details": huge}), mustJSON(map[string]any{huge: 1}), mustJSON(huge), huge, "<p>" + huge,
		mustJSON(map[string]any{"code": huge}),
	} {
		_, message, details := parseError([]byte(body), counting)
		if len(details) > sourceLimit || utf8.RuneCountInString(message) > messageLimit {
			t.Errorf("%.30s: message of %d bytes, details of %d", body, len(message), len(details))
		}
	}
	if largest > sourceLimit || calls > 20 {
		t.Errorf("redaction was called %d times with up to %d bytes", calls, largest)
	}
}

func FuzzParseErrorBody(f *testing.F) {
	for _, body := range []string{
		`{"code":"A","message":"m"}`, `{"error":{"code":"A","message":"m","details":[1]}}`, `{"error":"INVALID_API_KEY","details":{"code":1}}`,
		`[]`, `null`, `"x"`, `{`, ``, "<html><title>x</title><script>", "<!-- ", "\ufeff{}", "\xff\xfe", "<p>&#x41;&amp;lt;",
	} {
		f.Add([]byte(body), uint8(0))
	}
	f.Fuzz(func(t *testing.T, body []byte, kind uint8) {
		checkParsed(t, body)
		token, inText := plant(body, kind)
		quoted := strings.ReplaceAll(string(body), `\`, ``)
		for _, with := range []string{
			string(body) + " " + inText, quoted + " " + inText, "<p>" + inText + "</p>" + string(body), inText + " " + string(body),
			mustJSON(map[string]any{"message": inText}), mustJSON(map[string]any{"error": string(body) + " " + inText, "details": inText}),
			mustJSON(map[string]any{"code": inText}), mustJSON(map[string]any{inText: body}),
		} {
			checkParsed(t, []byte(with))
			code, message, details := parseErrorBody([]byte(with))
			if all := fmt.Sprint(string(code), message, string(details)); strings.Contains(all, token) {
				t.Errorf("%q gives %q, which holds %q", with, all, token)
			}
		}
	})
}

func mustJSON(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// checkParsed holds what parseErrorBody returns for any body against its promises.
func checkParsed(t *testing.T, body []byte) {
	t.Helper()
	code, message, details := parseErrorBody(body)
	if code != "" && !codeName.MatchString(string(code)) {
		t.Errorf("%q: code %q", body, code)
	}
	if !utf8.ValidString(message) || utf8.RuneCountInString(message) > messageLimit ||
		strings.ContainsFunc(message, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("%q: message %q", body, message)
	}
	if details != nil && !json.Valid(details) {
		t.Errorf("%q: details %q", body, details)
	}
	for _, status := range []int{200, 302, 401, 500} {
		text := newError(failedAnswer{op: OpList, status: status, body: body}).Error()
		if strings.ContainsAny(text, "\r\n\x00\x1b") || !utf8.ValidString(text) {
			t.Errorf("%q: the error's text is %q", body, text)
		}
	}
}

func BenchmarkParseErrorBody(b *testing.B) {
	body := []byte(`{"error":{"code":"INSUFFICIENT_SCOPE","message":"Key lacks required scope","details":{"need":["admin:write"]}}}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		_, _, _ = parseErrorBody(body)
	}
}

// BenchmarkParseErrorBodyHostile is a large page made of nothing but beginnings of tags.
func BenchmarkParseErrorBodyHostile(b *testing.B) {
	body := []byte(strings.Repeat("<script <!-- ", 100_000))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		_, _, _ = parseErrorBody(body)
	}
}
