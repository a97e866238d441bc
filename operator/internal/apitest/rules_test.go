package apitest

import (
	"fmt"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestRulesInProcess(t *testing.T) {
	t.Parallel()
	definitions := mustReadDefinitions(t)
	for _, c := range allCases() {
		t.Run(c.kind+"/"+c.field+"/"+shortened(c.message), func(t *testing.T) {
			t.Parallel()
			server := mustAdmission(t, definitions[c.kind])
			for _, addition := range c.accept {
				if errs := server.try(t, c, addition); len(errs) != 0 {
					t.Errorf("%q is refused: %v", addition, errs.ToAggregate())
				}
			}
			for _, addition := range c.refuse {
				if errs := server.try(t, c, addition); !tells(errs, c) {
					t.Errorf("%q: got %v, want %q at %s", addition, errs.ToAggregate(), c.message, c.field)
				}
			}
		})
	}
}

// try is what the API server says to the creation of a case's spec, or to the change from its spec of before.
func (a *admission) try(t *testing.T, c ruleCase, addition string) field.ErrorList {
	t.Helper()
	var before map[string]any
	if c.before != "" {
		before = mustObject(t, c.kind, "object", specOf(c.kind, c.before))
		a.complete(before)
	}
	object := mustObject(t, c.kind, "object", specOf(c.kind, addition))
	if pruned := a.complete(object); len(pruned) != 0 {
		t.Errorf("%q has unknown fields %q", addition, pruned)
	}
	return a.admit(t, before, object)
}

func tells(errs field.ErrorList, c ruleCase) bool {
	for _, err := range errs {
		if err.Field == c.field && strings.Contains(err.Error(), c.message) {
			return true
		}
	}
	return false
}

func TestApiKeyNamesOfLedgersAreRefused(t *testing.T) {
	t.Parallel()
	server := mustAdmission(t, mustReadDefinitions(t)["ApiKey"])
	for name, refused := range map[string]bool{
		"forecast": false, "forecast-bdk": false, "forecast-bdk-x": false, "bdk-1": false,
		"forecast-1a2b3c4d-bdk-1": true, "x-bdk-007": true,
	} {
		object := mustObject(t, "ApiKey", name, minimal["ApiKey"])
		server.complete(object)
		errs := server.admit(t, nil, object)
		if got := strings.Contains(fmt.Sprint(errs.ToAggregate()), ledgerNameMessage); got != refused {
			t.Errorf("%s: refused %v, want %v (%v)", name, got, refused, errs.ToAggregate())
		}
	}
}

// A rule that no case fails could be missing, or could say something else, without anybody noticing.
func TestEveryRuleHasCases(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{"ApiKey: " + ledgerNameMessage: true} // also the rule on the name itself, tested above
	for _, c := range allCases() {
		if len(c.accept) == 0 || len(c.refuse) == 0 {
			t.Errorf("%s %s: a case accepts and refuses something", c.kind, c.message)
		}
		tested[c.kind+": "+c.message] = true
	}
	count := 0
	for kind, d := range mustReadDefinitions(t) {
		walk(kind, d.written.Spec.Versions[0].Schema.OpenAPIV3Schema, func(path string, s *apiextensionsv1.JSONSchemaProps) {
			for _, rule := range s.XValidations {
				count++
				if rule.Message == "" {
					t.Errorf("%s: the rule %s has no message", path, rule.Rule)
				}
				if !tested[kind+": "+rule.Message] {
					t.Errorf("%s: no case for %q", path, rule.Message)
				}
			}
		})
	}
	t.Logf("%d rules", count)
}

func shortened(message string) string { return message[:min(40, len(message))] }
