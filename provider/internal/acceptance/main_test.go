package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestMain records every log at TRACE and searches all of it, after the suite, for every plaintext and token that
// the suite has ever seen (P5).
func TestMain(m *testing.M) {
	os.Exit(runAndSearch(m))
}

func runAndSearch(m *testing.M) int {
	dir, err := os.MkdirTemp("", "betterdata-acceptance")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	secrets.dir = dir
	for name, value := range map[string]string{
		"TF_LOG": "TRACE", "TF_ACC_LOG": "TRACE", "TF_LOG_PATH_MASK": filepath.Join(dir, "%s.log"),
		"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.DevNull,
	} {
		_ = os.Setenv(name, value)
	}
	code := m.Run()
	if err := secrets.search(); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL:", err)
		return 1
	}
	return code
}

// canary knows every secret of the suite and everything that was printed.
type canary struct {
	dir string

	mu      sync.Mutex
	secrets map[string]string // value -> what it is
	outputs map[string][]byte // where -> what was printed
}

//nolint:gochecknoglobals // one per test process, like the process's output
var secrets = &canary{secrets: map[string]string{}, outputs: map[string][]byte{}}

func (c *canary) add(what, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets[value] = what
}

func (c *canary) record(where string, output []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outputs[where] = append(c.outputs[where], output...)
}

// search reports where a secret was found, by its name and never by its value.
func (c *canary) search() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	files, err := filepath.Glob(filepath.Join(c.dir, "*.log"))
	if err != nil {
		return err
	}
	searched := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		c.outputs[file] = content
	}
	wanted := newNeedles(c.secrets)
	for where, output := range c.outputs {
		searched += len(output)
		if at, what, found := wanted.find(output); found {
			return fmt.Errorf("%s was printed in %s, after %q", what, where, before(output, at))
		}
	}
	if len(c.secrets) > 0 && searched == 0 {
		return fmt.Errorf("%d secrets were issued, but no output at all was recorded to search", len(c.secrets))
	}
	fmt.Printf("searched %d bytes of output in %d places for %d secrets: none found\n", searched, len(c.outputs), len(c.secrets))
	return nil
}

// before shows what led up to a leak, without the leak.
func before(output []byte, at int) string {
	from := max(0, at-120)
	return string(output[from:at])
}
