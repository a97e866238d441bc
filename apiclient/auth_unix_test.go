//go:build unix

package apiclient

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Opening a FIFO waits for a writer, and reading a device may never end: both are refused unopened, and a link to a
// regular file, as Kubernetes mounts them, is followed.
func TestTokenFileIsRegular(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fifo, link, file := filepath.Join(dir, "fifo"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	toFIFO := filepath.Join(dir, "link-to-fifo")
	for _, err := range []error{
		syscall.Mkfifo(fifo, 0o600), os.WriteFile(file, []byte("t"), 0o600), os.Symlink(file, link), os.Symlink(fifo, toFIFO),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{fifo, toFIFO, dir, os.DevNull} {
		_, err := TokenFile(path).Token(t.Context())
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "regular file") {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if got, err := TokenFile(link).Token(t.Context()); err != nil || got.Reveal() != "t" {
		t.Errorf("got %v", err)
	}
}
