package apiclient

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestRedactBlanks(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, secret string }{
		"live key":             {"key bdk_live_ABC123_x.y-z~9 is bad", "x.y-z~9"},
		"test key":             {"key bdk_test_ABC123_abc is bad", "ABC123_abc"},
		"upper case":           {"BDK_LIVE_ABC123_SECRET", "SECRET"},
		"quoted key":           {`{"key":"bdk_live_ABC123_abc"}`, "ABC123_abc"},
		"other environment":    {"bdk_stage_ABC123_abc", "ABC123_abc"},
		"bearer":               {"Authorization: Bearer st_abc refused", "st_abc"},
		"bearer twice":         {"Authorization: Bearer Bearer st_abc", "st_abc"},
		"bearer lower case":    {"got bearer st_abc", "st_abc"},
		"bearer over lines":    {"Bearer\n\tst_abc", "st_abc"},
		"bearer no-break":      {"Bearer\u00a0st_abc", "st_abc"},
		"short jwt":            {"eyJhbGciOi.eyJzdWI.c2ln", "c2ln"},
		"hex":                  {"saw 9f86d081884c7d659a2feaa0c55ad015 here", "9f86d081884c"},
		"base64 with slash":    {"saw qL8/tB3+xZ0/aaaaQQQ/b1b2Xw== here", "aaaaQQQ"},
		"base64 without digit": {"saw qLhtBcxZaaaaQQQbdbbXwuvKmQprTsZ here", "xZaaaaQQQ"},
		"long letters":         {"saw abcdefghijklmnopqrstuvwxyz", "ghijkl"},
		"query":                {"https://x.example/cb?token=st_abc&page=1", "st_abc"},
		"json member":          {`"plaintextKey": "st_abc"`, "st_abc"},
		"api key header":       {"x-api-key: st_abc", "st_abc"},
		"uuid":                 {"session 123e4567-e89b-12d3-a456-426614174000", "426614174000"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := redact(test.in); strings.Contains(got, test.secret) || !strings.Contains(got, redacted) {
				t.Errorf("redact(%q) = %q", test.in, got)
			}
		})
	}
}

func TestRedactKeeps(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"",
		"API key has been revoked",
		"Authorization header missing",
		"Scope inventory:write is required for PATCH",
		"Cannot POST /api/admin/api-keys/key_123/rotate",
		"INSUFFICIENT_SCOPE_FOR_THIS_OPERATION",
		"502 Bad Gateway nginx/1.18.0 (Ubuntu)",
		"key_123 was created 2024-01-01T00:00:00.000Z",
		"limit must be between 1 and 100, token rejected",
		"Der Schlüssel „Prod“ ist ungültig",
		"https://app.betterdata.co/api/admin/api-keys?page=1&limit=100",
		redacted,
	} {
		if got := redact(text); got != text {
			t.Errorf("redact(%q) = %q", text, got)
		}
	}
}

func TestRedactKeysKeepsIdentifiers(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"key_123", "123e4567-e89b-12d3-a456-426614174000", "clx1abcd0000008l4ab12ef34", "iad1::abcde-1700000000000-0123456789ab"} {
		if got := identifier(id); got != id {
			t.Errorf("identifier(%q) = %q", id, got)
		}
	}
	if got := identifier("a\nb bdk_live_ABC123_abc"); got != "a b "+redacted {
		t.Errorf("identifier lets through %q", got)
	}
}

func TestRedactJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"nothing secret":     {`{"field":"name","max":100,"ok":true,"none":null,"list":["a",1.5]}`, `{"field":"name","list":["a",1.5],"max":100,"none":null,"ok":true}`},
		"string":             {`"bdk_live_A_b"`, `"[REDACTED]"`},
		"nested":             {`{"a":[{"b":"bdk_live_A_b"}]}`, `{"a":[{"b":"[REDACTED]"}]}`},
		"escaped":            {`{"a":"bdk\u005flive_A_b"}`, `{"a":"[REDACTED]"}`},
		"member name":        {`{"bdk_live_A_b":1}`, `{"[REDACTED]":1}`},
		"secret by its name": {`{"token":"abc","plaintextKey":"x y"}`, `{"plaintextKey":"[REDACTED]","token":"[REDACTED]"}`},
		"long number":        {`1234567890123456789012345`, `"[REDACTED]"`},
		"exact number":       {`12345678901234.50`, `12345678901234.50`},
		"invalid":            {`{"a":`, ``},
		"absent":             {``, ``},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(redactJSON(json.RawMessage(test.in), redact)); got != test.want {
				t.Errorf("redactJSON(%s) = %s, want %s", test.in, got, test.want)
			}
		})
	}
}

func TestBlankerFor(t *testing.T) {
	t.Parallel()
	blank := blankerFor(NewSecret(" opaque \n"))
	if got := blank("token 'opaque' is unknown"); got != "token '[REDACTED]' is unknown" {
		t.Errorf("got %q", got)
	}
	if got := blankerFor(Secret{})("as it is"); got != "as it is" {
		t.Errorf("without a token: %q", got)
	}
}

func TestOneLineAndClip(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" a \r\n\t b ":             "a b",
		"\x1b[31mred\x1b[0m":       "[31mred [0m",
		"bdk\u200b_live\u202e_x":   "bdk_live_x",
		"bad \xff\xfe bytes":       "bad bytes",
		"no\u00a0break \u2028 sep": "no break sep",
		"ünï":                      "ünï",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", in, got, want)
		}
	}
	if got := clip("äöüß", 4); got != "äöüß" {
		t.Errorf("clip keeps what fits: %q", got)
	}
	if got := clip("äöüßx", 4); got != "äöü…" {
		t.Errorf("clip cuts runes: %q", got)
	}
}

// plant makes a token of each shape that redact knows from a seed, so that the fuzzer cannot choose one that is a
// word.
func plant(seed []byte, kind uint8) (token, inText string) {
	sum := sha256.Sum256(seed)
	raw := sum[:]
	switch kind % 7 {
	case 0:
		token = "bdk_live_ABC123_" + base64.RawURLEncoding.EncodeToString(raw)
	case 1:
		token = "bdk_test_" + hex.EncodeToString(raw[:2]) + "_" + hex.EncodeToString(raw[2:6])
	case 2:
		token = "st_" + hex.EncodeToString(raw[:4])
		return token, "Bearer " + token
	case 3:
		token = hex.EncodeToString(raw)
	case 4:
		token = base64.StdEncoding.EncodeToString(raw)
	case 5:
		token = base64.RawURLEncoding.EncodeToString(raw)
	case 6:
		token = "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString(raw[:16])
	}
	return token, token
}

func FuzzRedact(f *testing.F) {
	for kind := range uint8(7) {
		f.Add("invalid key ", []byte("seed"), kind, ", try again")
		f.Add(`{"token":"`, []byte{kind}, kind, `"}`)
		f.Add("bearer:xBearer=", []byte("b"), kind, "/")
	}
	f.Fuzz(func(t *testing.T, before string, seed []byte, kind uint8, after string) {
		token, inText := plant(seed, kind)
		text := before + inText + after
		got := redact(text)
		if strings.Contains(got, token) {
			t.Errorf("redact(%q) = %q, which holds %q", text, got, token)
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("redact(%q) = %q is not valid UTF-8", text, got)
		}
	})
}

func FuzzRedactJSON(f *testing.F) {
	f.Add([]byte(`{"a":"b"}`), "x", uint8(0))
	f.Add([]byte(`["b",1e400,{"c":[null]}]`), "token=", uint8(3))
	f.Fuzz(func(t *testing.T, raw []byte, before string, kind uint8) {
		if out := redactJSON(raw, redact); out != nil && !json.Valid(out) {
			t.Errorf("redactJSON(%q) = %q", raw, out)
		}
		token, inText := plant(raw, kind)
		planted, err := json.Marshal(map[string]any{"list": []string{before + inText}, before + inText: 1})
		if err != nil {
			t.Fatal(err)
		}
		if out := redactJSON(planted, redact); out == nil || bytes.Contains(out, []byte(token)) {
			t.Errorf("redactJSON(%q) = %q", planted, out)
		}
	})
}

func FuzzOneLine(f *testing.F) {
	f.Add("a\nb\x00\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := oneLine(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("oneLine(%q) = %q", s, got)
		}
		if again := oneLine(got); again != got {
			t.Errorf("oneLine is not stable: %q, then %q", got, again)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	message := "Key bdk_live_ABC123_0123456789abcdef lacks the scope inventory:write for POST /api/admin/api-keys/key_123/rotate"
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		_ = redact(message)
	}
}

// BenchmarkRedactHostile is text made to be slow: nothing but beginnings of what is looked for.
func BenchmarkRedactHostile(b *testing.B) {
	message := strings.Repeat("bearer token=bdk eyJ ", 800)
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		_ = redact(message)
	}
}
