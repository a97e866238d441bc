package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// realTools finds a CLI and builds the provider.
func realTools(t *testing.T) tools {
	t.Helper()
	found := tools{cli: os.Getenv("TF_ACC_TERRAFORM_PATH"), quickstart: filepath.Join("..", "quickstart")}
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil && found.cli == "" {
			found.cli = path
		}
	}
	found.plugin = filepath.Join(t.TempDir(), "terraform-provider-betterdata")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", found.plugin, "../../provider")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the provider: %v\n%s", err, output)
	}
	return found
}

// TestAccDemo: the story ends well, and shows no secret.
func TestAccDemo(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := tellTerraform(t.Context(), &out, realTools(t), ""); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if strings.Contains(out.String(), "FAIL") || strings.Count(out.String(), "   ok ") < 12 {
		t.Errorf("the story is not whole:\n%s", out.String())
	}
	if plaintext := regexp.MustCompile(`bdk_live_\w+_`); plaintext.MatchString(out.String()) {
		t.Error("the story shows a plaintext")
	}
}

// TestAccDemoFails: whatever the API does not do as it should, the demo notices.
func TestAccDemoFails(t *testing.T) {
	t.Parallel()
	tools := realTools(t)
	for _, faults := range []string{"create:ignore", "update:ignore", "rotate:ignore", "revoke:ignore", "use:500", "list:unknown-shape"} {
		t.Run(faults, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := tellTerraform(t.Context(), &out, tools, faults)
			if err == nil {
				t.Errorf("the demo ended well although %s:\n%s", faults, out.String())
			}
			if errors.Is(err, errUnexpected) != strings.Contains(out.String(), "FAIL") {
				t.Errorf("the story does not show what failed (%v):\n%s", err, out.String())
			}
		})
	}
}
