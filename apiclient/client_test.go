package apiclient

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestBaseURL(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		address  string
		insecure bool
		want     string // "": refused
	}{
		"vendor":                  {DefaultBaseURL, false, DefaultBaseURL},
		"trailing slash":          {"https://app.betterdata.co/api/", false, DefaultBaseURL},
		"trailing slashes":        {"https://app.betterdata.co/api//", false, DefaultBaseURL},
		"host alone":              {"https://app.betterdata.co", false, "https://app.betterdata.co"},
		"escaped path":            {"https://h/a%2Fb", false, "https://h/a%2Fb"},
		"loopback address":        {"http://127.0.0.1:8080/api", false, "http://127.0.0.1:8080/api"},
		"loopback IPv6":           {"http://[::1]:8080/api", false, "http://[::1]:8080/api"},
		"localhost":               {"http://localhost:8080", false, "http://localhost:8080"},
		"http elsewhere":          {"http://app.betterdata.co/api", false, ""},
		"http elsewhere, allowed": {"http://app.betterdata.co/api", true, "http://app.betterdata.co/api"},
		"looks like loopback":     {"http://127.0.0.1.example.com", false, ""},
		"user information":        {"https://user:hunter2@h/api", false, ""},
		"query":                   {"https://h/api?x=1", false, ""},
		"empty query":             {"https://h/api?", false, ""},
		"fragment":                {"https://h/api#top", false, ""},
		"empty fragment":          {"https://h/api#", false, ""},
		"other scheme":            {"ftp://h/api", false, ""},
		"no scheme":               {"app.betterdata.co/api", false, ""},
		"no host":                 {"https:///api", false, ""},
		"unparsable":              {"https://user:hunter2@h:port", false, ""},
		"empty":                   {"", false, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := []Option{WithBaseURL(test.address), WithTokenSource(StaticToken(NewSecret("t")))}
			if test.insecure {
				opts = append(opts, WithInsecureHTTP())
			}
			client, err := New(opts...)
			if test.want == "" {
				if err == nil {
					t.Fatalf("accepted as %s", client.BaseURL())
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error quotes the password: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := client.BaseURL(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestDefaultBaseURL(t *testing.T) {
	t.Parallel()
	client, err := New(WithTokenSource(StaticToken(NewSecret("t"))))
	if err != nil {
		t.Fatal(err)
	}
	if client.BaseURL() != DefaultBaseURL {
		t.Errorf("got %s", client.BaseURL())
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	token := WithTokenSource(StaticToken(NewSecret("t")))
	for name, opts := range map[string][]Option{
		"no token source":     {},
		"empty static token":  {WithTokenSource(StaticToken(Secret{}))},
		"token with newline":  {WithTokenSource(StaticToken(NewSecret("a\nb")))},
		"nil HTTP client":     {token, WithHTTPClient(nil)},
		"nil clock":           {token, WithClock(nil)},
		"nil logger":          {token, WithLogger(nil)},
		"nil wait function":   {token, WithWaitNotify(nil)},
		"negative quota":      {token, WithQuota(Quota{PerMinute: -1})},
		"no pages":            {token, WithPageCap(0)},
		"no keys on a page":   {token, WithPageSize(0)},
		"waits out of order":  {token, WithRetry(RetryPolicy{MinWait: time.Minute, MaxWait: time.Second})},
		"negative first wait": {token, WithRetry(RetryPolicy{MinWait: -time.Second})},
	} {
		if _, err := New(opts...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOwnsToken(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, "https://h", WithTokenSource(StaticToken(NewSecret("bdk_live_ABC_randomWXYZ"))))
	tests := map[string]struct {
		key  Key
		want bool
	}{
		"own":          {Key{KeyPrefix: "bdk_live_ABC", Last4: "WXYZ"}, true},
		"other prefix": {Key{KeyPrefix: "bdk_live_DEF", Last4: "WXYZ"}, false},
		"other end":    {Key{KeyPrefix: "bdk_live_ABC", Last4: "0000"}, false},
		"no prefix":    {Key{Last4: "WXYZ"}, false},
		"no end":       {Key{KeyPrefix: "bdk_live_ABC"}, false},
		"nothing":      {Key{}, false},
	}
	for name, test := range tests {
		got, err := client.OwnsToken(t.Context(), test.key)
		if err != nil || got != test.want {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	broken := newTestClient(t, "https://h", WithTokenSource(TokenFunc(func(context.Context) (Secret, error) {
		return Secret{}, errors.New("vault is sealed")
	})))
	if _, err := broken.OwnsToken(t.Context(), Key{}); err == nil {
		t.Error("the token source's error is lost")
	}
}

// P5: the caller's client is copied. Its redirect rule and transport stay what they were, and are not used for ours.
func TestHTTPClientIsNotModified(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{}
	hc := &http.Client{Transport: transport}
	var rec recorder
	client := clientOf(t, rec.answering(200, issuedBody), WithHTTPClient(hc))
	if _, err := client.CreateKey(t.Context(), CreateKeyRequest{"n", []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	if hc.Transport != http.RoundTripper(transport) || hc.CheckRedirect != nil || transport.DisableKeepAlives {
		t.Errorf("the caller's client was modified: %+v", hc)
	}
}

func TestIDsAreOnePathElement(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"key_1":      "key_1",
		"a/b":        "a%2Fb",
		"50%":        "50%25",
		"a/../b?c#d": "a%2F..%2Fb%3Fc%23d",
		"ключ":       "%D0%BA%D0%BB%D1%8E%D1%87",
	} {
		var rec recorder
		client := clientOf(t, rec.answering(200, "{}"))
		if err := client.RevokeKey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if got := rec.all()[0].path; got != basePath+"/admin/api-keys/"+want+"/revoke" {
			t.Errorf("id %q: path %s", id, got)
		}
	}
}

// P7: what cannot be right is refused before anything is sent.
func TestBadInputIsNotSent(t *testing.T) {
	t.Parallel()
	var rec recorder
	client := clientOf(t, rec.answering(200, issuedBody))
	ctx := t.Context()
	for _, id := range []string{"", ".", ".."} {
		if err := client.RevokeKey(ctx, id); err == nil {
			t.Errorf("revoke %q: accepted", id)
		}
		if _, err := client.UpdateKey(ctx, id, UpdateKeyRequest{"n", []string{"*"}}); err == nil {
			t.Errorf("update %q: accepted", id)
		}
		_, err := client.RotateKey(ctx, id)
		mustBe(t, err, ErrNotExecuted)
	}
	for _, req := range []CreateKeyRequest{{}, {Name: "n"}, {Name: " ", Scopes: []string{"*"}}} {
		_, err := client.CreateKey(ctx, req)
		mustBe(t, err, ErrNotExecuted)
	}
	for _, req := range []UpdateKeyRequest{{}, {Name: "n"}, {"n", []string{}}, {" ", []string{"*"}}} {
		if _, err := client.UpdateKey(ctx, "key_1", req); err == nil {
			t.Errorf("update to %+v: accepted", req)
		}
	}
	if rec.count() != 0 {
		t.Errorf("sent: %+v", rec.all())
	}
}

func TestServerTime(t *testing.T) {
	t.Parallel()
	date := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	with := true
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		if with {
			w.Header().Set("Date", date.Format(http.TimeFormat))
		}
		_, _ = w.Write([]byte(issuedBody))
	})
	if d := time.Since(client.ServerTime()).Abs(); d > time.Minute {
		t.Errorf("before the first answer: %s off the local clock", d)
	}
	issued, err := client.RotateKey(t.Context(), "key_1")
	if err != nil || !issued.ServerTime.Equal(date) {
		t.Fatalf("got %v, %v", issued, err)
	}
	with = false
	issued, err = client.RotateKey(t.Context(), "key_1")
	if err != nil || time.Since(issued.ServerTime).Abs() > time.Minute {
		t.Errorf("without a Date header: got %v, %v", issued, err)
	}
	if d := client.ServerTime().Sub(date); d < 0 || d > time.Minute {
		t.Errorf("got %s after the Date header", d)
	}
}
