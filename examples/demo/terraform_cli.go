package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// tools are what the story is told with: a CLI, the provider binary, and the folder of the configuration.
type tools struct{ cli, plugin, quickstart string }

// terraformTools: DEMO_CLI names the CLI and DEMO_PROVIDER the provider binary.
func terraformTools() (tools, error) {
	values, err := fromMake("DEMO_CLI", "DEMO_PROVIDER")
	if err != nil {
		return tools{}, err
	}
	return tools{cli: values[0], plugin: values[1], quickstart: filepath.Join("examples", "quickstart")}, nil
}

// terraform runs a CLI on a copy of examples/quickstart.
type terraform struct {
	cli string
	dir string
	env []string
}

// newTerraform prepares the folder.
func newTerraform(dir, baseURL, tokenFile string, tools tools) (*terraform, error) {
	config, err := os.ReadFile(filepath.Join(tools.quickstart, "main.tf"))
	if err != nil {
		return nil, fmt.Errorf("reading the quickstart (run the demo from the repository's root): %w", err)
	}
	rc := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"betterdataco/betterdata\" = %q\n  }\n  direct {}\n}\n", filepath.Dir(tools.plugin))
	for name, content := range map[string][]byte{"main.tf": config, "cli.tfrc": []byte(rc)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	env := append(os.Environ(),
		"TF_CLI_CONFIG_FILE="+filepath.Join(dir, "cli.tfrc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_LOG=",
		"BETTERDATA_BASE_URL="+baseURL, "BETTERDATA_TOKEN_FILE="+tokenFile, "BETTERDATA_TOKEN=")
	return &terraform{cli: tools.cli, dir: dir, env: env}, nil
}

// name is what the user calls the CLI.
func (t *terraform) name() string { return filepath.Base(t.cli) }

// apply applies with the given variables and returns the lines worth reading.
func (t *terraform) apply(ctx context.Context, vars ...string) ([]string, error) {
	return t.change(ctx, "apply", vars)
}

// destroy destroys everything.
func (t *terraform) destroy(ctx context.Context, vars ...string) ([]string, error) {
	return t.change(ctx, "destroy", vars)
}

func (t *terraform) change(ctx context.Context, command string, vars []string) ([]string, error) {
	args := []string{command, "-auto-approve", "-no-color"}
	for _, v := range vars {
		args = append(args, "-var", v)
	}
	output, err := t.run(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", t.name(), command, err, output)
	}
	return highlights(output), nil
}

func (t *terraform) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.cli, args...) //nolint:gosec // the CLI that the user has named
	cmd.Dir, cmd.Env = t.dir, t.env
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	return output.String(), err
}

// key is what the state tells of the key.
type key struct{ id, plaintext string }

func (t *terraform) key(ctx context.Context) (key, error) {
	cmd := exec.CommandContext(ctx, t.cli, "output", "-json") //nolint:gosec // the CLI that the user has named
	cmd.Dir, cmd.Env = t.dir, t.env
	raw, err := cmd.Output()
	if err != nil {
		return key{}, fmt.Errorf("%s output: %w", t.name(), err)
	}
	var outputs map[string]struct{ Value string }
	if err := json.Unmarshal(raw, &outputs); err != nil {
		return key{}, fmt.Errorf("%s output: %w", t.name(), err)
	}
	return key{id: outputs["key_id"].Value, plaintext: outputs["api_key"].Value}, nil
}

var worthReading = regexp.MustCompile(`^(Plan:|Apply complete|Destroy complete|No changes|  # betterdata)`)

// highlights picks the summary lines and the provider's own warnings out of a run's output.
func highlights(output string) []string {
	var lines []string
	seen := map[string]bool{}
	add := func(text string) {
		if !seen[text] {
			seen[text] = true
			lines = append(lines, text)
		}
	}
	paragraphs := strings.Split(output, "\n\n")
	for i, paragraph := range paragraphs {
		if title, isWarning := strings.CutPrefix(strings.TrimSpace(paragraph), "Warning: "); isWarning && strings.Contains(title, "will be") {
			add(title + ": " + explanation(paragraphs[i+1:]))
			continue
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			if worthReading.MatchString(line) {
				add(strings.TrimSpace(line))
			}
		}
	}
	return lines
}

// explanation is the first paragraph after a warning's title that does not say where in the configuration it arose.
func explanation(paragraphs []string) string {
	for _, paragraph := range paragraphs {
		if !strings.HasPrefix(paragraph, "  ") {
			return strings.Join(strings.Fields(paragraph), " ")
		}
	}
	return ""
}
