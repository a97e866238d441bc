package apitest

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

const (
	healthChecks = repository + "/config/argocd/health-checks.yaml"
	healthCheck  = "resource.customizations.health.betterdata.co_" // and the kind
)

// mustHealthChecks are the scripts by kind, as Argo CD finds them.
func mustHealthChecks(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(healthChecks)
	if err != nil {
		t.Fatal(err)
	}
	var config corev1.ConfigMap
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		t.Fatal(err)
	}
	scripts := map[string]string{}
	for key, script := range config.Data {
		scripts[strings.TrimPrefix(key, healthCheck)] = script
	}
	return scripts
}

// mustJudge runs a script on an object as Argo CD does: with the same interpreter, and the same few libraries.
func mustJudge(t *testing.T, script, object string) (status, message string) {
	t.Helper()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, open := range []lua.LGFunction{lua.OpenPackage, lua.OpenBase, lua.OpenTable} {
		state.Push(state.NewFunction(open))
		state.Call(0, 0)
	}
	var decoded any
	if err := json.Unmarshal([]byte(object), &decoded); err != nil {
		t.Fatal(err)
	}
	state.SetGlobal("obj", inLua(state, decoded))
	if err := state.DoString(script); err != nil {
		t.Fatal(err)
	}
	health, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("the script returns %s", state.Get(-1).Type())
	}
	return health.RawGetString("status").String(), health.RawGetString("message").String()
}

// inLua is what JSON holds, as Lua holds it.
func inLua(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, entry := range v {
			table.RawSetString(key, inLua(state, entry))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, entry := range v {
			table.Append(inLua(state, entry))
		}
		return table
	case string:
		return lua.LString(v)
	case float64:
		return lua.LNumber(v)
	case bool:
		return lua.LBool(v)
	}
	return lua.LNil
}

// Argo CD has no idea of kstatus, and takes a kind without a check for healthy whatever its conditions say.
func TestHealthChecksForArgoCD(t *testing.T) {
	t.Parallel()
	const (
		ready   = `{"type": "Ready", "status": "True", "message": "in service"}`
		waiting = `{"type": "Ready", "status": "False", "reason": "WaitingForQuota", "message": "used up"}`
		stalled = `{"type": "Stalled", "status": "True", "reason": "SecretConflict", "message": "in the way"}`
		frozen  = `{"type": "Stalled", "status": "True", "reason": "Suspended", "message": "suspended"}`
	)
	status := func(generation, conditions string) string {
		return `"status": {"observedGeneration": ` + generation + `, "conditions": [` + conditions + `]}`
	}
	const metadata, deleted = `"metadata": {"generation": 2}`, `"metadata": {"generation": 2, "deletionTimestamp": "2026-11-23T12:00:00Z"}`
	const spec, suspended = `"spec": {}`, `"spec": {"suspend": true}`
	tests := map[string]struct {
		parts           []string
		health, message string
	}{
		"new":                     {[]string{metadata, spec}, "Progressing", "the operator has not seen it yet"},
		"empty status":            {[]string{metadata, spec, `"status": {}`}, "Progressing", "the operator has not seen it yet"},
		"no generation":           {[]string{metadata, spec, `"status": {"conditions": [` + ready + `]}`}, "Progressing", "in service"},
		"ready":                   {[]string{metadata, spec, status("2", ready)}, "Healthy", "in service"},
		"ready, changed since":    {[]string{metadata, spec, status("1", ready)}, "Progressing", "in service"},
		"not ready yet":           {[]string{metadata, spec, status("2", waiting)}, "Progressing", "used up"},
		"no condition":            {[]string{metadata, spec, status("2", "")}, "Progressing", "the operator has not seen it yet"},
		"stalled":                 {[]string{metadata, spec, status("2", waiting+","+stalled)}, "Degraded", "in the way"},
		"stalled while ready":     {[]string{metadata, spec, status("2", ready+","+stalled)}, "Degraded", "in the way"},
		"stalled, changed since":  {[]string{metadata, spec, status("1", waiting+","+stalled)}, "Progressing", "used up"},
		"being deleted":           {[]string{deleted, spec, status("2", waiting)}, "Progressing", "used up"},
		"stalled, being deleted":  {[]string{deleted, spec, status("2", waiting+","+stalled)}, "Progressing", "used up"},
		"suspended":               {[]string{metadata, suspended, status("2", ready+","+frozen)}, "Suspended", "spec.suspend is set"},
		"suspended, ready":        {[]string{metadata, suspended, status("2", ready)}, "Suspended", "spec.suspend is set"},
		"suspended, and stalled":  {[]string{metadata, suspended, status("2", ready+","+stalled)}, "Degraded", "in the way"},
		"suspended just now":      {[]string{metadata, suspended, status("1", ready)}, "Progressing", "in service"},
		"suspended, not any more": {[]string{metadata, spec, status("1", ready+","+frozen)}, "Progressing", "in service"},
	}
	scripts := mustHealthChecks(t)
	if len(scripts) != len(resources) {
		t.Errorf("%d scripts for %d kinds", len(scripts), len(resources))
	}
	for kind := range resources {
		for title, test := range tests {
			health, message := mustJudge(t, scripts[kind], "{"+strings.Join(test.parts, ", ")+"}")
			if health != test.health || message != test.message {
				t.Errorf("%s, %s: %s (%s), want %s (%s)", kind, title, health, message, test.health, test.message)
			}
		}
	}
}

// The command in docs/operator/gitops.md leaves alone what else is in Argo CD's ConfigMap.
func TestOperatorHealthChecksArePatchedIn(t *testing.T) {
	t.Parallel()
	e := testenv.Shared(t)
	namespace := e.Namespace(t, nil)
	mustKubectl(t, e, "", "create", "configmap", "argocd-cm", "-n", namespace, "--from-literal=url=https://argocd.example.com")
	mustKubectl(t, e, "", "-n", namespace, "patch", "configmap", "argocd-cm", "--patch-file", healthChecks)
	var config corev1.ConfigMap
	if err := json.Unmarshal([]byte(mustKubectl(t, e, "", "get", "configmap", "argocd-cm", "-n", namespace, "-o", "json")), &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Data) != 1+len(resources) || config.Data["url"] != "https://argocd.example.com" {
		t.Errorf("%d entries, %q", len(config.Data), config.Data["url"])
	}
	for kind, script := range mustHealthChecks(t) {
		if config.Data[healthCheck+kind] != script {
			t.Errorf("%s: not the script", kind)
		}
	}
}
