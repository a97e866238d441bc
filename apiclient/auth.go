package apiclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// TokenSource supplies the bearer token: a session token, or an API key with admin scopes. It is asked again for
// each request, so that a replaced token is used at once. It must be safe for concurrent use.
type TokenSource interface {
	Token(ctx context.Context) (Secret, error)
}

// StaticToken always supplies s.
func StaticToken(s Secret) TokenSource { return staticToken{s} }

type staticToken struct{ token Secret }

func (t staticToken) Token(context.Context) (Secret, error) { return t.token, nil }

// TokenFunc makes a TokenSource of a function. Its errors end the request before anything is sent.
func TokenFunc(f func(ctx context.Context) (Secret, error)) TokenSource { return tokenFunc(f) }

type tokenFunc func(ctx context.Context) (Secret, error)

func (f tokenFunc) Token(ctx context.Context) (Secret, error) { return f(ctx) }

// tokenFileLimit is far above any token, and keeps a wrong path (a log, a device) out of memory.
const tokenFileLimit = 64 << 10

// TokenFile supplies the content of the file at path, without white space around it. The file is read for each
// request: it is small, and comparing time stamps misses a replacement within the file system's clock tick.
// Errors name the path and what to do, never the content.
func TokenFile(path string) TokenSource { return tokenFile(path) }

type tokenFile string

func (path tokenFile) Token(context.Context) (Secret, error) {
	info, err := os.Stat(string(path))
	if err == nil && !info.Mode().IsRegular() {
		return Secret{}, fmt.Errorf("token file %s: not a regular file, and reading another kind may never end; write the token into a file", path)
	}
	var content []byte
	if err == nil {
		content, err = path.read()
	}
	switch {
	case err != nil:
		return Secret{}, fmt.Errorf("token file: %w; check the path and that this process may read it", err)
	case len(content) > tokenFileLimit:
		return Secret{}, fmt.Errorf("token file %s: larger than %d bytes; it must hold the token alone", path, tokenFileLimit)
	}
	token := strings.TrimSpace(string(content))
	if err := checkToken(token); err != nil {
		return Secret{}, fmt.Errorf("token file %s: %w; it must hold the token alone, on one line", path, err)
	}
	return NewSecret(token), nil
}

// read returns the content, cut one byte above the limit.
func (path tokenFile) read() ([]byte, error) {
	f, err := os.Open(string(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, tokenFileLimit+1))
}

// checkToken refuses what net/http would refuse too, but with an error that quotes nothing.
func checkToken(token string) error {
	if token == "" {
		return errors.New("the token is empty")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the token has white space or other characters that a header cannot carry")
	}
	return nil
}

// token asks the source, and checks what it gives.
func (c *Client) token(ctx context.Context) (Secret, error) {
	token, err := c.config.tokens.Token(ctx)
	if err != nil {
		return Secret{}, fmt.Errorf("obtaining the token: %w", err)
	}
	if err := checkToken(token.Reveal()); err != nil {
		return Secret{}, fmt.Errorf("obtaining the token: %w", err)
	}
	return token, nil
}
