package main

import (
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// realPrograms builds the operator and the program that starts a control plane.
func realPrograms(t *testing.T) programs {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "./operator", "./operator/internal/testenv/cmd/control-plane")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the operator: %v\n%s", err, output)
	}
	return programs{controlPlane: filepath.Join(dir, "control-plane"), operator: filepath.Join(dir, "operator"), root: root}
}

// TestOperatorDemo: the story ends well, and shows no secret.
func TestOperatorDemo(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := tellOperator(t.Context(), &out, realPrograms(t), ""); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if strings.Contains(out.String(), "FAIL") || strings.Count(out.String(), "   ok ") < 30 {
		t.Errorf("the story is not whole:\n%s", out.String())
	}
	for what, secret := range map[string]string{"a plaintext": `bdk_live_\w+_`, "a session token": `session_\w{9}`, "a service account's token": `eyJ\w+`} {
		if regexp.MustCompile(secret).MatchString(out.String()) {
			t.Errorf("the story shows %s", what)
		}
	}
}

// TestOperatorDemoFails: whatever the API does not do as it should, the demo notices, in the chapter that is about it.
func TestOperatorDemoFails(t *testing.T) {
	t.Parallel()
	programs := realPrograms(t)
	for faults, chapter := range map[string]string{
		"list:unknown-shape":   "3. The operator",
		"create:ignore":        "4. Create",
		"use:500":              "4. Create",
		"update:ignore":        "5. Widen the scopes",
		"rotate:ignore":        "7. Rotate",
		"revoke:ignore":        "7. Rotate",
		"revoke:ignore:skip=1": "8. Kill the operator",
		"revoke:ignore:skip=2": "9. Delete",
	} {
		t.Run(faults, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			d := &operatorDemo{story: story{out: &out, began: time.Now()}, programs: programs, patience: 45 * time.Second}
			err := d.stage(t.Context(), faults)
			if !errors.Is(err, errUnexpected) || !strings.Contains(out.String(), "FAIL") {
				t.Errorf("the story does not show what failed (%v):\n%s", err, out.String())
			}
			chapters := strings.Split(out.String(), "\n\n")
			if last := chapters[len(chapters)-2]; !strings.HasPrefix(last, chapter+"\n") { // the operator's last words follow
				t.Errorf("failed in another chapter than %q:\n%s", chapter, out.String())
			}
		})
	}
}

func TestDemoNeedsOneHalf(t *testing.T) {
	t.Setenv("DEMO_OPERATOR", "")
	for _, names := range [][]string{nil, {"both"}, {"terraform", "operator"}, {"operator"}} {
		if err := tell(t.Context(), io.Discard, names, ""); err == nil {
			t.Errorf("told the story of %q", names)
		}
	}
}
