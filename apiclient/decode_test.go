package apiclient

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestKeyFieldByField(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	fraction := at.Add(123 * time.Millisecond)
	tests := map[string]struct {
		json string
		want Key
	}{
		"vendor's page": {
			`{"id":"key_123","name":"Production API Key","keyPrefix":"bdk_live_ABC123","last4":"XYZ1","scopes":["inventory:read","forecast:read"],"status":"ACTIVE","createdAt":"2024-01-01T00:00:00Z"}`,
			Key{ID: "key_123", Name: "Production API Key", KeyPrefix: "bdk_live_ABC123", Last4: "XYZ1", Scopes: []string{"inventory:read", "forecast:read"}, Status: StatusActive, CreatedAt: &at},
		},
		"numeric id":           {`{"id":12345678901234567890}`, Key{ID: "12345678901234567890"}},
		"other names":          {`{"key_id":"k","key_prefix":"p","last_4":"l","created_at":"2024-01-01T00:00:00Z"}`, Key{ID: "k", KeyPrefix: "p", Last4: "l", CreatedAt: &at}},
		"bad timestamp":        {`{"id":"k","createdAt":"the first of May","name":"n"}`, Key{ID: "k", Name: "n"}},
		"fraction":             {`{"id":"k","createdAt":"2024-01-01T00:00:00.123Z"}`, Key{ID: "k", CreatedAt: &fraction}},
		"unix seconds":         {`{"id":"k","createdAt":1704067200}`, Key{ID: "k", CreatedAt: &at}},
		"unix milliseconds":    {`{"id":"k","createdAt":1704067200123}`, Key{ID: "k", CreatedAt: &fraction}},
		"null times":           {`{"id":"k","expiresAt":null,"revokedAt":null,"lastUsedAt":""}`, Key{ID: "k"}},
		"expiry, first name":   {`{"id":"k","expiration":"x","expirationDate":"2024-01-01T00:00:00Z"}`, Key{ID: "k", ExpiresAt: &at}},
		"times":                {`{"id":"k","revokedAt":"2024-01-01T00:00:00Z","lastUsedAt":"2024-01-01T01:00:00+01:00"}`, Key{ID: "k", RevokedAt: &at, LastUsedAt: &at}},
		"lower-case status":    {`{"id":"k","status":"revoked"}`, Key{ID: "k", Status: StatusRevoked}},
		"status of a new kind": {`{"id":"k","status":"suspended"}`, Key{ID: "k", Status: "SUSPENDED"}},
		"status is a number":   {`{"id":"k","status":3}`, Key{ID: "k", Status: "3"}},
		"status is an object":  {`{"id":"k","status":{}}`, Key{ID: "k"}},
		"scopes as a string":   {`{"id":"k","scopes":"a:read, b:read"}`, Key{ID: "k", Scopes: []string{"a:read", "b:read"}}},
		"scopes with others":   {`{"id":"k","scopes":["a:read",7,null,{}]}`, Key{ID: "k", Scopes: []string{"a:read"}}},
		"no scopes":            {`{"id":"k","scopes":[]}`, Key{ID: "k", Scopes: []string{}}},
		"null scopes":          {`{"id":"k","scopes":null}`, Key{ID: "k"}},
		"unknown fields":       {`{"id":"k","createdBy":{"id":"u"},"tags":[[[]]]}`, Key{ID: "k"}},
		"everything is wrong":  {`{"id":{},"name":[],"keyPrefix":true,"last4":null,"scopes":1,"status":[],"createdAt":{}}`, Key{}},
	}
	for name, test := range tests {
		value, err := parse([]byte(test.json))
		if err != nil {
			t.Fatal(err)
		}
		m, _ := value.(fields)
		if got := keyFrom(m); !sameKey(got, test.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, test.want)
		}
	}
}

// sameKey compares times as instants and tells nil scopes from empty ones.
func sameKey(a, b Key) bool {
	for _, pair := range [][2]*time.Time{{a.CreatedAt, b.CreatedAt}, {a.ExpiresAt, b.ExpiresAt}, {a.RevokedAt, b.RevokedAt}, {a.LastUsedAt, b.LastUsedAt}} {
		if (pair[0] == nil) != (pair[1] == nil) || pair[0] != nil && !pair[0].Equal(*pair[1]) {
			return false
		}
	}
	a.CreatedAt, a.ExpiresAt, a.RevokedAt, a.LastUsedAt = b.CreatedAt, b.ExpiresAt, b.RevokedAt, b.LastUsedAt
	return reflect.DeepEqual(a, b)
}

// Every plausible shape of the answer to create and rotate gives plaintext and id.
func TestDecodeIssued(t *testing.T) {
	t.Parallel()
	key := `"id":"key_9","name":"n","scopes":["a:read"]`
	tests := map[string]struct{ body, plaintext, id string }{
		"page":                  {`{"apiKey":{` + key + `},"plaintextKey":"p"}`, "p", "key_9"},
		"plaintext first":       {`{"plaintextKey":"p","apiKey":{` + key + `}}`, "p", "key_9"},
		"data":                  {`{"data":{"apiKey":{` + key + `},"plaintextKey":"p"}}`, "p", "key_9"},
		"data, flat":            {`{"data":{` + key + `,"plaintextKey":"p"}}`, "p", "key_9"},
		"newKey":                {`{"newKey":{` + key + `},"plaintextKey":"p"}`, "p", "key_9"},
		"inside newKey":         {`{"newKey":{` + key + `,"plaintextKey":"p"}}`, "p", "key_9"},
		"newKey before the old": {`{"apiKey":{"id":"old"},"newKey":{` + key + `},"plaintextKey":"p"}`, "p", "key_9"},
		"key":                   {`{"key":{` + key + `},"plaintextKey":"p"}`, "p", "key_9"},
		"inside apiKey":         {`{"apiKey":{` + key + `,"plaintextKey":"p"}}`, "p", "key_9"},
		"flat":                  {`{` + key + `,"plaintextKey":"p"}`, "p", "key_9"},
		"snake case":            {`{` + key + `,"plaintext_key":"p"}`, "p", "key_9"},
		"plaintext":             {`{` + key + `,"plaintext":"p"}`, "p", "key_9"},
		"secret":                {`{` + key + `,"secret":"p"}`, "p", "key_9"},
		"token":                 {`{` + key + `,"token":"p"}`, "p", "key_9"},
		"documented name first": {`{"token":"csrf","data":{"secret":"x","plaintextKey":"p"},` + key + `}`, "p", "key_9"},
		"byte order mark":       {"\ufeff" + `{"apiKey":{` + key + `},"plaintextKey":"p"}`, "p", "key_9"},
		"no key":                {`{"plaintextKey":"p"}`, "p", ""},
		"key without id":        {`{"apiKey":{"name":"n"},"plaintextKey":"p"}`, "p", ""},
		"key is a string":       {`{"apiKey":"x","plaintextKey":"p"}`, "p", ""},
		"bad fields":            {`{"apiKey":{"id":7,"createdAt":{},"scopes":"a"},"plaintextKey":"p"}`, "p", "7"},
		"escapes":               {`{"plaintextKey":"p\u0022\/q"}`, `p"/q`, ""},
		"any form of secret":    {`{"plaintextKey":"no prefix at all"}`, "no prefix at all", ""},
		"garbage after":         {`{"apiKey":{` + key + `},"plaintextKey":"p"} <!-- served by x -->`, "p", "key_9"},
		"cut after":             {`{"apiKey":{` + key + `},"plaintextKey":"p"`, "p", "key_9"},
		"cut in the key":        {`{"plaintextKey":"p","apiKey":{"id":"key_9","name":"n`, "p", "key_9"},
		"cut in an array":       {`{"plaintextKey":"p","apiKey":{"id":"key_9","scopes":["a:read","b`, "p", "key_9"},
		"broken before":         {`{"apiKey":{"id":"key_9","createdAt":2024-01-01},"plaintextKey":"p"}`, "p", "key_9"},
		"broken before, escape": {`{"apiKey":{id:1},"plaintextKey" : "p\"q"}`, `p"q`, ""},
		"absurdly deep":         {`{"plaintextKey":"p","x":` + strings.Repeat("[", 10000), "p", ""},
		"none":                  {`{"apiKey":{` + key + `}}`, "", ""},
		"cut in the plaintext":  {`{"apiKey":{` + key + `},"plaintextKey":"bdk_live`, "", ""},
		"empty":                 {`{"plaintextKey":""}`, "", ""},
		"not a string":          {`{"plaintextKey":{"value":"p"}}`, "", ""},
		"too far down":          {`{"audit":{"request":{"token":"t"}}}`, "", ""},
		"nothing":               {``, "", ""},
	}
	for name, test := range tests {
		key, plaintext := decodeIssued([]byte(test.body))
		if plaintext.Reveal() != test.plaintext || key.ID != test.id {
			t.Errorf("%s: got %q, id %q", name, plaintext.Reveal(), key.ID)
		}
	}
}

func TestDecodePageShapes(t *testing.T) {
	t.Parallel()
	list := `[{"id":"key_1"},{"id":"key_2"}]`
	for name, body := range map[string]string{
		"bare array":          list,
		"apiKeys":             `{"apiKeys":` + list + `}`,
		"data":                `{"data":` + list + `}`,
		"items":               `{"items":` + list + `}`,
		"keys":                `{"keys":` + list + `}`,
		"data.apiKeys":        `{"data":{"apiKeys":` + list + `}}`,
		"data.items":          `{"data":{"items":` + list + `}}`,
		"data.keys":           `{"data":{"keys":` + list + `}}`,
		"data.data":           `{"data":{"data":` + list + `}}`,
		"beside other things": `{"success":true,"type":"x","count":2,"totals":{},"data":` + list + `}`,
		"beside null":         `{"apiKeys":null,"data":` + list + `}`,
		"white space and BOM": "\ufeff \n" + list + "\n ",
	} {
		got, err := decodePage([]byte(body))
		if err != nil || ids(got.keys) != "key_1 key_2" {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// P3: what is not understood is an error and never an empty page.
func TestDecodePageRefuses(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing":             ``,
		"null":                `null`,
		"text":                `"[]"`,
		"number":              `7`,
		"empty object":        `{}`,
		"other name":          `{"apiKeyList":[]}`,
		"two levels down":     `{"data":{"result":{"apiKeys":[]}}}`,
		"object for array":    `{"apiKeys":{"key_1":{}}}`,
		"null for array":      `{"apiKeys":null}`,
		"null, some in total": `{"apiKeys":null,"pagination":{"total":3}}`,
		"null data":           `{"data":null,"success":true}`,
		"strings":             `{"apiKeys":["key_1"]}`,
		"null element":        `{"apiKeys":[null]}`,
		"array element":       `{"apiKeys":[[]]}`,
		"no id":               `{"apiKeys":[{"id":"key_1"},{"name":"x"}]}`,
		"empty id":            `{"apiKeys":[{"id":""}]}`,
		"truncated":           `{"apiKeys":[{"id":"key_1"}`,
		"trailing garbage":    `{"apiKeys":[]}{"apiKeys":[]}`,
		"HTML":                `<html></html>`,
	} {
		if got, err := decodePage([]byte(body)); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestDecodePageEmpty(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`[]`, `{"apiKeys":[]}`, `{"data":{"items":[]}}`, `{"apiKeys":null,"pagination":{"total":0}}`, `{"items":null,"total":0}`} {
		if got, err := decodePage([]byte(body)); err != nil || len(got.keys) != 0 {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
	}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	none := evidence{page: absent, total: absent, totalPages: absent, offset: absent}
	for body, want := range map[string]evidence{
		`[]`:             none,
		`{"apiKeys":[]}`: none,
		`{"pagination":{"page":2,"pageSize":100,"total":500,"totalPages":5}}`: {page: 2, total: 500, totalPages: 5, offset: absent},
		`{"total":5,"limit":50,"offset":0}`:                                   {page: absent, total: 5, totalPages: absent, offset: 0},
		`{"data":{"pagination":{"total":7}}}`:                                 {page: absent, total: 7, totalPages: absent, offset: absent},
		`{"data":{"total":7}}`:                                                {page: absent, total: 7, totalPages: absent, offset: absent},
		`{"meta":{"pagination":{"totalPages":7}}}`:                            {page: absent, total: absent, totalPages: 7, offset: absent},
		`{"pagination":{"total":"7"}}`:                                        {page: absent, total: 7, totalPages: absent, offset: absent},
		`{"pagination":{"total":-7,"totalPages":null,"page":1.5}}`:            none,
		`{"pagination":{"total":99999999999999999999}}`:                       none,
		`{"pagination":[]}`:                                                   none,
	} {
		value, err := parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := evidenceIn(value); got != want {
			t.Errorf("%s: got %+v", body, got)
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	at := time.Now()
	key := Key{ID: "k", Scopes: []string{"a"}, CreatedAt: &at, ExpiresAt: &at, RevokedAt: &at, LastUsedAt: &at}
	clone := key.clone()
	if !sameKey(key, clone) {
		t.Fatal("the clone differs")
	}
	clone.Scopes[0] = "b"
	*clone.CreatedAt = at.Add(time.Hour)
	if !slices.Equal(key.Scopes, []string{"a"}) || !key.CreatedAt.Equal(at) {
		t.Error("the clone shares memory")
	}
}

// FuzzDecodeIssued: whatever the body, no panic; and a documented plaintext in valid JSON is always found.
func FuzzDecodeIssued(f *testing.F) {
	f.Add([]byte(issuedBody), "p")
	f.Add([]byte(`{"plaintextKey":"p","apiKey":{"id":"k`), `q"\`)
	f.Add([]byte(`{"data":{"newKey":{"id":1,"plaintextKey":"x"}}}`), "é")
	f.Add([]byte("\ufeff[[[[{\"token\":"), "")
	f.Fuzz(func(t *testing.T, body []byte, plaintext string) {
		key, got := decodeIssued(body)
		if got.IsZero() && !sameKey(key, Key{}) {
			t.Errorf("a key without a plaintext: %+v", key)
		}
		valid, err := json.Marshal(map[string]any{"x": string(body), "plaintextKey": plaintext})
		if err != nil {
			t.Fatal(err)
		}
		var back struct{ PlaintextKey string }
		if err := json.Unmarshal(valid, &back); err != nil {
			t.Fatal(err)
		}
		if _, got := decodeIssued(valid); got.Reveal() != back.PlaintextKey {
			t.Errorf("got %q from %s", got.Reveal(), valid)
		}
	})
}

// FuzzDecodePage: no panic, and never fewer keys than elements.
func FuzzDecodePage(f *testing.F) {
	f.Add([]byte(`{"apiKeys":[{"id":"key_1"}],"pagination":{"page":1,"total":1,"totalPages":1}}`))
	f.Add([]byte(`[{"id":1},{"keyId":"x"}]`))
	f.Add([]byte(`{"data":{"items":[]},"total":0,"limit":50,"offset":0}`))
	f.Add([]byte(`{"apiKeys":null,"total":0}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := decodePage(body)
		if err != nil {
			return
		}
		for _, key := range page.keys {
			if key.ID == "" {
				t.Errorf("a key without id from %s", body)
			}
		}
		if !json.Valid(trimBody(body)) {
			t.Errorf("a page from what is no JSON: %s", body)
		}
	})
}

// A server that repeats the plaintext in the key's other texts must not bring it to where these are shown (P5).
func TestIssuedKeyDoesNotRepeatItsPlaintext(t *testing.T) {
	t.Parallel()
	const plaintext = "bdk_live_0123456789abcdef"
	key, secret := decodeIssued([]byte(`{"key": {"id": "key_1", "name": "reader ` + plaintext + `", "keyPrefix": "` + plaintext + `", "last4": "cdef",
		"scopes": ["inventory:read", "` + plaintext + `"]}, "plaintextKey": "` + plaintext + `"}`))
	if secret.Reveal() != plaintext || key.ID != "key_1" || key.Last4 != "cdef" {
		t.Errorf("decoded %+v", key)
	}
	if shown := fmt.Sprintf("%+v", key); strings.Contains(shown, plaintext) {
		t.Errorf("shows the plaintext: %s", shown)
	}
}
