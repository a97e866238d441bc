package apiclient

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTokenFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	source := TokenFile(path)
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want string) {
		t.Helper()
		got, err := source.Token(t.Context())
		if err != nil || got.Reveal() != want {
			t.Errorf("got %q, %v; want %q", got.Reveal(), err, want)
		}
	}
	write("first")
	expect("first")
	write("other") // as long, and within the same tick of the file system's clock
	expect("other")
	write("third\n")
	expect("third")
	write(" fourth \r\n")
	expect("fourth")
	replacement := path + ".new"
	if err := os.WriteFile(replacement, []byte("fifth"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(replacement, path); err != nil {
		t.Fatal(err)
	}
	expect("fifth")
}

func TestTokenFileErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"empty":     "",
		"blank":     " \n\t\n",
		"two lines": "radioactive\nradioactive2",
		"inner":     "radio active",
		"control":   "radio\x00active",
		"huge":      strings.Repeat("radioactive", 10000),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := TokenFile(path).Token(t.Context())
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "radio") {
			t.Errorf("%s: got error %v; want one that names the path and not the content", name, err)
		}
	}
	missing := filepath.Join(dir, "missing")
	if _, err := TokenFile(missing).Token(t.Context()); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("missing file: got %v", err)
	}
	if _, err := TokenFile(dir).Token(t.Context()); err == nil {
		t.Error("a directory is accepted")
	}
}

func TestTokenIsAskedForEachAttempt(t *testing.T) {
	t.Parallel()
	var rec recorder
	asked := 0
	client := clientOf(t, rec.answering(500, ""), WithTokenSource(TokenFunc(func(context.Context) (Secret, error) {
		asked++
		return NewSecret(strings.Repeat("x", asked)), nil
	})))
	_ = client.RevokeKey(t.Context(), "key_1")
	for i, req := range rec.all() {
		if want := "Bearer " + strings.Repeat("x", i+1); req.header.Get("Authorization") != want {
			t.Errorf("attempt %d carries %s, want %s", i+1, req.header.Get("Authorization"), want)
		}
	}
	if rec.count() != 1+quick.MaxRetries {
		t.Errorf("%d attempts", rec.count())
	}
}

// A source that fails ends the call at once: nothing is sent, nothing is retried, and the next call is not held up.
func TestTokenErrors(t *testing.T) {
	t.Parallel()
	sealed := errors.New("vault is sealed")
	var asked int
	for name, token := range map[string]TokenSource{
		"error": TokenFunc(func(context.Context) (Secret, error) { asked++; return Secret{}, sealed }),
		"empty": TokenFunc(func(context.Context) (Secret, error) { asked++; return Secret{}, nil }),
		"unfit": TokenFunc(func(context.Context) (Secret, error) { asked++; return NewSecret("a\r\nX: radioactive"), nil }),
	} {
		asked = 0
		var rec recorder
		client := clientOf(t, rec.answering(200, issuedBody), WithTokenSource(token))
		err := client.RevokeKey(t.Context(), "key_1")
		_, errCreate := client.RotateKey(t.Context(), "key_1")
		mustBe(t, errCreate, ErrNotExecuted)
		if name == "error" {
			mustBe(t, err, sealed)
			mustBe(t, errCreate, sealed)
		}
		if err == nil || strings.Contains(err.Error(), "radioactive") || rec.count() != 0 || asked != 2 {
			t.Errorf("%s: got %v after %d requests and %d questions", name, err, rec.count(), asked)
		}
	}
}
