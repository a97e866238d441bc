package simulation

import (
	"fmt"
	"sort"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// members takes an object apart; nil for null and unknown.
func members(v tftypes.Value) map[string]tftypes.Value {
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	var m map[string]tftypes.Value
	if err := v.As(&m); err != nil {
		panic(err) // every caller has an object
	}
	return m
}

// elements takes a list or set apart; nil for null and unknown.
func elements(v tftypes.Value) []tftypes.Value {
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	var e []tftypes.Value
	if err := v.As(&e); err != nil {
		panic(err)
	}
	return e
}

// attribute follows names into nested objects.
func attribute(v tftypes.Value, names ...string) tftypes.Value {
	for _, name := range names {
		v = members(v)[name]
	}
	return v
}

// text is a string attribute; empty for null and unknown.
func text(v tftypes.Value, names ...string) string {
	v = attribute(v, names...)
	if v.IsNull() || !v.IsKnown() {
		return ""
	}
	var s string
	if err := v.As(&s); err != nil {
		panic(err)
	}
	return s
}

func truth(v tftypes.Value, names ...string) bool {
	v = attribute(v, names...)
	if v.IsNull() || !v.IsKnown() {
		return false
	}
	var b bool
	if err := v.As(&b); err != nil {
		panic(err)
	}
	return b
}

// incompatible lists where actual breaks what planned promised: known values stay, unknown ones may become anything.
func incompatible(at string, planned, actual tftypes.Value) []string {
	switch {
	case !planned.IsKnown():
		return nil
	case planned.IsNull() || actual.IsNull():
		if planned.IsNull() != actual.IsNull() {
			return []string{fmt.Sprintf("%s: planned null %t, got null %t", at, planned.IsNull(), actual.IsNull())}
		}
		return nil
	case !planned.Type().Is(tftypes.Object{}):
		if planned.IsFullyKnown() && !planned.Equal(actual) {
			return []string{fmt.Sprintf("%s: planned %s, got %s", at, planned, actual)}
		}
		return nil
	}
	var problems []string
	was, is := members(planned), members(actual)
	if !actual.IsKnown() {
		return []string{at + ": known in the plan, unknown now"}
	}
	for _, name := range sortedNames(was) {
		problems = append(problems, incompatible(at+"."+name, was[name], is[name])...)
	}
	return problems
}

func sortedNames(m map[string]tftypes.Value) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
