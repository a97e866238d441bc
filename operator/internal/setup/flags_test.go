package setup

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func parsed(t *testing.T, args ...string) (*Settings, error) {
	t.Helper()
	var s Settings
	if err := parse(managerFlags(&s), &s, args); err != nil {
		return nil, err
	}
	return &s, s.validate()
}

func TestFlagDefaultsAreValid(t *testing.T) {
	s, err := parsed(t)
	if err != nil {
		t.Fatal(err)
	}
	if s.MetricsAddress != "0" || !s.MetricsSecure || s.LeaderElect || s.Workers != 8 || s.StrayGrace != 2*time.Minute || s.OrphanPolicy != "report" || s.Namespaced() {
		t.Errorf("got %+v", *s)
	}
}

func TestFlagsOfNamespacedMode(t *testing.T) {
	s, err := parsed(t, "--watch-namespaces=shop,market", "--cluster-id=eu-1")
	if err != nil {
		t.Fatal(err)
	}
	if !s.Namespaced() || !slices.Equal(s.WatchNamespaces, []string{"shop", "market"}) || s.ClusterID != "eu-1" {
		t.Errorf("got %+v", *s)
	}
}

func TestWrongFlagsSayWhatToDo(t *testing.T) {
	for args, want := range map[string]string{
		"--no-such-flag":                   "no-such-flag",
		"serve":                            `unknown argument "serve"`,
		"--max-concurrent-reconciles=0":    "from 1 to 100",
		"--max-concurrent-reconciles=many": "max-concurrent-reconciles",
		"--stray-grace=0s":                 "at least 1s",
		"--stray-grace=2":                  "stray-grace",
		"--orphan-policy=delete":           "must be report or revoke",
		"--orphan-policy=revoke --watch-namespaces=shop --cluster-id=x": "needs cluster mode",
		"--watch-namespaces=shop":                     "needs --cluster-id",
		"--watch-namespaces=":                         `"" is no namespace`,
		"--watch-namespaces=shop, --cluster-id=x":     `"" is no namespace`,
		"--watch-namespaces=Shop --cluster-id=x":      `"Shop" is no namespace`,
		"--watch-namespaces=shop,shop --cluster-id=x": "stands there twice",
		"--cluster-id=change-me":                      "a value of your own",
		"--zap-log-level=7":                           "at most 6",
		"--zap-log-level=10":                          "at most 6",
		"--zap-devel --zap-log-level=9":               "at most 6",
		"--zap-log-level=loud":                        "zap-log-level",
	} {
		_, err := parsed(t, strings.Fields(args)...)
		if !errors.Is(err, errUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", args, err, want)
		}
	}
}

// All that is wrong is told at once: whoever edits a manifest waits for a rollout each time.
func TestWrongFlagsAreToldTogether(t *testing.T) {
	_, err := parsed(t, "--max-concurrent-reconciles=0", "--stray-grace=0s", "--orphan-policy=x")
	for _, want := range []string{"--max-concurrent-reconciles", "--stray-grace", "--orphan-policy"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %s", err, want)
		}
	}
}

// The development encoder writes objects whole, and a Secret's data is a plaintext.
func TestDevelopmentLogsShowNoObjects(t *testing.T) {
	s, err := parsed(t, "--zap-devel")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	logSecret(s, &out)
	if strings.Contains(out.String(), "plaintext-canary") || !strings.Contains(out.String(), "reader") {
		t.Errorf("got %s", out.String())
	}
	if strings.HasPrefix(out.String(), "{") {
		t.Errorf("--zap-devel is to log for people, got %s", out.String())
	}
}

func TestExitCodes(t *testing.T) {
	for args, want := range map[string]struct {
		code     int
		out, err string
	}{
		"--help":                  {0, "-watch-namespaces", ""},
		"cleanup --help":          {0, "-force", ""},
		"--version":               {0, "1.2.3", ""},
		"--no-such-flag":          {2, "", "--help lists all flags"},
		"cleanup --stray-grace=1": {2, "", "stray-grace"},
		"cleanup now":             {2, "", `unknown argument "now"`},
		"--kubeconfig=/nonexistent --health-probe-bind-address=0": {1, "", "/nonexistent"},
	} {
		var out, errs bytes.Buffer
		code := Program{Version: "1.2.3", Out: &out, Err: &errs}.Run(t.Context(), strings.Fields(args))
		if code != want.code || !strings.Contains(out.String(), want.out) || !strings.Contains(errs.String(), want.err) {
			t.Errorf("%s: exit %d, want %d\nout: %s\nerr: %s", args, code, want.code, out.String(), errs.String())
		}
	}
}
