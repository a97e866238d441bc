package scopes

import (
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient"
)

// TestAll: every scope of the catalogue once, a wildcard for every area, and "*" last.
func TestAll(t *testing.T) {
	t.Parallel()
	scopes := all()
	var names []string
	for _, scope := range scopes {
		names = append(names, scope.Name)
		if scope.Description == "" {
			t.Errorf("%s has no description", scope.Name)
		}
		if !apiclient.KnownScope(scope.Name) {
			t.Errorf("%s is not known to the client", scope.Name)
		}
		if scope.Wildcard != (scope.Action == "*") {
			t.Errorf("%s: wildcard is %v", scope.Name, scope.Wildcard)
		}
	}
	for _, info := range apiclient.Catalogue() {
		if !slices.Contains(names, info.Name) {
			t.Errorf("%s is missing", info.Name)
		}
	}
	if want := len(apiclient.Catalogue()) - 1 + len(areas()); len(names) != want {
		t.Errorf("%d scopes, want %d: %v", len(names), want, names)
	}
	if slices.Sort(names); len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a scope is there twice: %v", names)
	}
	if last := scopes[len(scopes)-1].Name; last != "*" {
		t.Errorf("the last is %s, want *", last)
	}
}

// TestNeedsNoProvider: without Configure the framework never asks for a connection.
func TestNeedsNoProvider(t *testing.T) {
	t.Parallel()
	if _, configured := NewDataSource().(datasource.DataSourceWithConfigure); configured {
		t.Error("the data source asks for a connection")
	}
}
