package apitest

import (
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
)

// The API server's own check of a CustomResourceDefinition: structural schema, defaults that are valid themselves,
// compilable rules within their cost budget, selectable fields.
func TestDefinitionsAreAcceptedByTheAPIServer(t *testing.T) {
	t.Parallel()
	for kind, d := range mustReadDefinitions(t) {
		for _, err := range validation.ValidateCustomResourceDefinition(t.Context(), d.internal) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestDefinitionsHaveWhatPeopleLookFor(t *testing.T) {
	t.Parallel()
	definitions := mustReadDefinitions(t)
	scopes := map[string]apiextensionsv1.ResourceScope{
		"ApiKey": apiextensionsv1.NamespaceScoped, "Connection": apiextensionsv1.NamespaceScoped, "ClusterConnection": apiextensionsv1.ClusterScoped,
	}
	if len(definitions) != len(scopes) {
		t.Errorf("%d definitions, want %d", len(definitions), len(scopes))
	}
	for kind, scope := range scopes {
		spec, version := definitions[kind].written.Spec, definitions[kind].written.Spec.Versions[0]
		if spec.Scope != scope {
			t.Errorf("%s: scope %s, want %s", kind, spec.Scope, scope)
		}
		if len(spec.Names.ShortNames) == 0 || !slices.Contains(spec.Names.Categories, "betterdata") {
			t.Errorf("%s: short names %v, categories %v: want one, and betterdata", kind, spec.Names.ShortNames, spec.Names.Categories)
		}
		if version.Subresources == nil || version.Subresources.Status == nil {
			t.Errorf("%s: no status subresource", kind)
		}
		if len(version.SelectableFields) == 0 {
			t.Errorf("%s: no selectable fields", kind)
		}
	}
}

func TestColumnsOfApiKey(t *testing.T) {
	t.Parallel()
	var shown []string
	for _, column := range mustReadDefinitions(t)["ApiKey"].written.Spec.Versions[0].AdditionalPrinterColumns {
		if column.Priority == 0 {
			shown = append(shown, column.Name)
		}
		// kubectl prints a date in the future as <invalid>.
		if column.Name == "Next Rotation" && column.Type != "string" {
			t.Errorf("column %s has type %s, want string", column.Name, column.Type)
		}
	}
	if want := []string{"Ready", "Reason", "Stalled", "Prefix", "Last4", "Key Age", "Next Rotation"}; !slices.Equal(shown, want) {
		t.Errorf("columns %q, want %q", shown, want)
	}
}

// kubectl explain is the documentation that is always at hand, so no field may be without a sentence.
func TestEveryFieldIsDescribed(t *testing.T) {
	t.Parallel()
	forEachField(t, func(path string, s *apiextensionsv1.JSONSchemaProps) {
		last := path[strings.LastIndex(path, ".")+1:]
		if strings.HasSuffix(path, "[]") || strings.HasSuffix(path, "{}") {
			return // an item is described by its list
		}
		if s.Description == "" {
			t.Errorf("%s has no description", path)
		} else if !strings.HasPrefix(s.Description, last+" ") && !fromKubernetes(path) {
			t.Errorf("%s: the description begins with %.20q, want the field's name", path, s.Description)
		}
	})
}

// Without a limit the cost of a rule is estimated for the largest object that a request can carry, and one object can
// fill the memory of whoever caches it.
func TestEveryStringListAndMapIsBounded(t *testing.T) {
	t.Parallel()
	forEachField(t, func(path string, s *apiextensionsv1.JSONSchemaProps) {
		switch {
		case s.Type == "string" && s.MaxLength == nil && s.Format != "date-time" && len(s.Enum) == 0 && !fromKubernetes(path):
			t.Errorf("%s: a string without maxLength", path)
		case s.Type == "array" && (s.MaxItems == nil || s.XListType == nil):
			t.Errorf("%s: a list without maxItems or list type", path)
		case s.Type == "object" && s.AdditionalProperties != nil && (s.MaxProperties == nil || s.XMapType == nil):
			t.Errorf("%s: a map without maxProperties or map type", path)
		}
	})
}

// fromKubernetes reports whether a field's description and limits are Kubernetes' own.
func fromKubernetes(path string) bool {
	for _, part := range []string{".apiVersion", ".kind", ".conditions[].status"} {
		if strings.HasSuffix(path, part) && strings.Count(path, ".") <= strings.Count(part, ".")+1 {
			return true
		}
	}
	return false
}

func forEachField(t *testing.T, visit func(path string, s *apiextensionsv1.JSONSchemaProps)) {
	t.Helper()
	for kind, d := range mustReadDefinitions(t) {
		for _, version := range d.written.Spec.Versions {
			for name, property := range version.Schema.OpenAPIV3Schema.Properties {
				if name != "metadata" {
					walk(kind+"."+name, &property, visit)
				}
			}
		}
	}
}

func walk(path string, s *apiextensionsv1.JSONSchemaProps, visit func(string, *apiextensionsv1.JSONSchemaProps)) {
	visit(path, s)
	for name, property := range s.Properties {
		walk(path+"."+name, &property, visit)
	}
	if s.Items != nil {
		walk(path+"[]", s.Items.Schema, visit)
	}
	if s.AdditionalProperties != nil {
		walk(path+"{}", s.AdditionalProperties.Schema, visit)
	}
}
