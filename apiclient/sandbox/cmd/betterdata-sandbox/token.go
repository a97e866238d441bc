package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tokenFile is where the session token is found: a file, because a printed token ends up in scrollback and CI logs.
type tokenFile struct {
	path      string
	temporary bool // its folder was made for it, and leaves with the process
}

func openTokenFile(s settings) (tokenFile, error) {
	switch {
	case s.tokenFile != "":
		return tokenFile{path: s.tokenFile}, nil
	case s.store != "":
		return tokenFile{path: s.store + ".session-token"}, nil
	}
	folder, err := os.MkdirTemp("", "betterdata-sandbox-")
	return tokenFile{path: filepath.Join(folder, "session-token"), temporary: true}, err
}

// read returns the token in the file; an empty one when there is none yet.
func (f tokenFile) read() (string, error) {
	content, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("session token file: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

func (f tokenFile) write(token string) error {
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("session token file: %w", err)
	}
	_, err = file.WriteString(token + "\n")
	return errors.Join(file.Chmod(0o600), err, file.Close())
}

func (f tokenFile) remove() error {
	if !f.temporary {
		return nil
	}
	return os.RemoveAll(filepath.Dir(f.path))
}
