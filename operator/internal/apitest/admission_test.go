package apitest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// crdFolder is where make manifests puts the CustomResourceDefinitions.
const crdFolder = "../../../config/crd/bases"

// definition is a CustomResourceDefinition as it is written, and as the API server holds it, defaults filled in.
type definition struct {
	written  *apiextensionsv1.CustomResourceDefinition
	internal *apiextensions.CustomResourceDefinition
}

// admission stands for the API server: it prunes, sets defaults and validates objects of one kind as that does.
type admission struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
}

func mustReadDefinitions(t *testing.T) map[string]definition {
	t.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	files, err := filepath.Glob(filepath.Join(crdFolder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no CustomResourceDefinitions in %s: run make manifests (%v)", crdFolder, err)
	}
	definitions := map[string]definition{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := definition{written: &apiextensionsv1.CustomResourceDefinition{}, internal: &apiextensions.CustomResourceDefinition{}}
		if err := yaml.UnmarshalStrict(text, d.written); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		stored := d.written.DeepCopy()
		scheme.Default(stored)
		stored.Status.StoredVersions = []string{"v1alpha1"}
		if err := scheme.Convert(stored, d.internal, nil); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		definitions[d.written.Spec.Names.Kind] = d
	}
	return definitions
}

func mustAdmission(t *testing.T, d definition) *admission {
	t.Helper()
	validationSchema, err := apiextensions.GetSchemaForVersion(d.internal, "v1alpha1")
	if err != nil {
		t.Fatal(err)
	}
	structural, err := schema.NewStructural(validationSchema.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	validator, _, err := validation.NewSchemaValidator(validationSchema.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	rules := cel.NewValidator(structural, true, celconfig.PerCallLimit)
	return &admission{structural: structural, validator: validator, rules: rules}
}

// complete sets defaults in object, as the API server does before it validates, and returns the fields that it would prune.
func (a *admission) complete(object map[string]any) (pruned []string) {
	pruned = pruning.PruneWithOptions(object, a.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	defaulting.Default(object, a.structural)
	return pruned
}

// admit validates object; before is what it replaces, nil for a new one. Both are completed before.
func (a *admission) admit(t *testing.T, before, object map[string]any) field.ErrorList {
	t.Helper()
	errs := validation.ValidateCustomResource(nil, object, a.validator)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, a.structural, object)...)
	if slices.ContainsFunc(errs, wrongShape) {
		return errs
	}
	var old any
	if before != nil {
		old = before
	}
	ruleErrs, _ := a.rules.Validate(t.Context(), nil, a.structural, object, old, celconfig.RuntimeCELCostBudget)
	return append(errs, ruleErrs...)
}

// wrongShape reports whether the API server does not try rules on an object for this error.
func wrongShape(err *field.Error) bool {
	return slices.Contains([]field.ErrorType{
		field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid,
	}, err.Type)
}

// mustObject is an object of the API group from its kind and the YAML of its spec, where null means that a field is left out.
func mustObject(t *testing.T, kind, name, specYAML string) map[string]any {
	t.Helper()
	spec := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(specYAML), &spec); err != nil {
		t.Fatalf("spec of the test case: %v", err)
	}
	text := fmt.Sprintf("apiVersion: betterdata.co/v1alpha1\nkind: %s\nmetadata: {name: %s}\n", kind, name)
	object := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	for name, value := range spec {
		if value == nil {
			delete(spec, name)
		}
	}
	object["spec"] = spec
	return object
}
