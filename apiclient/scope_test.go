package apiclient

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestCatalogueIsTheVendors holds the catalogue against the vendor's page, which writes one "scope - description" a
// line.
func TestCatalogueIsTheVendors(t *testing.T) {
	t.Parallel()
	const page = `inventory:read - Read inventory data
inventory:write - Create/update inventory
forecast:read - Read forecasts
forecast:write - Create/update forecasts
planning:read - Read planning data
planning:write - Create/update plans
procurement:read - Read procurement data
procurement:write - Create/update purchase orders
shipping:read - Read shipping data
shipping:write - Create/update shipments
reports:read - Read reports
admin:read - Read admin data
admin:write - Admin operations (tenant admin only)
inventory:* - All inventory operations
* - All operations (use with caution)`
	var lines []string
	for _, info := range Catalogue() {
		lines = append(lines, info.Name+" - "+info.Description)
		if want := info.Area + ":" + info.Action; info.Name != want && info.Name != "*" {
			t.Errorf("%s has area and action %s", info.Name, want)
		}
	}
	if got := strings.Join(lines, "\n"); got != page {
		t.Errorf("got\n%s\nwant\n%s", got, page)
	}
	Catalogue()[0].Name = "changed"
	if Catalogue()[0].Name == "changed" {
		t.Error("a caller can change the catalogue")
	}
}

func TestKnownScope(t *testing.T) {
	t.Parallel()
	for _, info := range Catalogue() {
		if !KnownScope(info.Name) || info.Area != "*" && !KnownScope(info.Area+":*") {
			t.Errorf("%s, or its area's wildcard, is not known", info.Name)
		}
	}
	for _, scope := range []string{"", ":", ":*", "*:*", "*:read", "inventory", "inventory:", "inventory:adjust", "inventory.read",
		"Inventory:read", "reports:write", "products:*", "inventory:read ", "inventory:*:*", "**"} {
		if KnownScope(scope) {
			t.Errorf("%q is known", scope)
		}
	}
}

func TestMalformedScope(t *testing.T) {
	t.Parallel()
	for scope, want := range map[string]string{
		"":                             "empty",
		" ":                            "white space",
		" inventory:read":              "white space",
		"inventory:read\u00a0":         "white space",
		"inventory:read\n":             "control character",
		"inventory:\x00read":           "control character",
		"inventory:\xffread":           "UTF-8",
		"inventory:read forecast:read": "several",
		"inventory:read,forecast:read": "several",
	} {
		if problem, bad := MalformedScope(scope); !bad || !strings.Contains(problem, want) {
			t.Errorf("MalformedScope(%q) = %q, %v", scope, problem, bad)
		}
	}
	for _, scope := range []string{"inventory:read", "*", "a:*", "products.read", "x", "новый:читать", "a:b:c"} {
		if problem, bad := MalformedScope(scope); bad || problem != "" {
			t.Errorf("MalformedScope(%q) = %q, %v", scope, problem, bad)
		}
	}
}

func TestAllows(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		granted []string
		wanted  string
		want    bool
	}{
		"itself":                      {[]string{"a:read"}, "a:read", true},
		"among others":                {[]string{"b:read", "a:read"}, "a:read", true},
		"nothing granted":             {nil, "a:read", false},
		"other action":                {[]string{"a:read"}, "a:write", false},
		"write is not read":           {[]string{"a:write"}, "a:read", false},
		"wildcard of the area":        {[]string{"a:*"}, "a:read", true},
		"wildcard, unknown action":    {[]string{"inventory:*"}, "inventory:adjust", true},
		"wildcard of another area":    {[]string{"b:*"}, "a:read", false},
		"wildcard of a longer area":   {[]string{"ab:*"}, "a:read", false},
		"wildcard of a shorter area":  {[]string{"a:*"}, "ab:read", false},
		"wildcard, area alone":        {[]string{"a:*"}, "a", false},
		"wildcard, deeper":            {[]string{"a:*"}, "a:b:c", true},
		"wildcard wants itself":       {[]string{"a:*"}, "a:*", true},
		"all of an area's scopes":     {[]string{"a:read", "a:write"}, "a:*", false},
		"everything":                  {[]string{"*"}, "a:read", true},
		"everything, an area's":       {[]string{"*"}, "a:*", true},
		"everything wants itself":     {[]string{"*"}, "*", true},
		"an area's is not everything": {[]string{"a:*"}, "*", false},
		"everything, but nothing":     {[]string{"*"}, "", false},
		"case":                        {[]string{"A:*"}, "a:read", false},
		"half a wildcard":             {[]string{"a:re*", "*:read", ":*", "**"}, "a:read", false},
		"no area":                     {[]string{":*"}, ":read", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Allows(test.granted, test.wanted); got != test.want {
				t.Errorf("Allows(%q, %q) = %v", test.granted, test.wanted, got)
			}
		})
	}
}

func TestSameCoverage(t *testing.T) {
	t.Parallel()
	var single []string
	for _, info := range Catalogue() {
		if info.Action != "*" {
			single = append(single, info.Name)
		}
	}
	tests := map[string]struct {
		wanted, got []string
		want        bool
	}{
		"nothing":                        {nil, []string{}, true},
		"order and repetition":           {[]string{"a:read", "b:read"}, []string{"b:read", "a:read", "b:read"}, true},
		"one missing":                    {[]string{"a:read", "b:read"}, []string{"a:read"}, false},
		"one more":                       {[]string{"a:read"}, []string{"a:read", "b:read"}, false},
		"all missing":                    {[]string{"a:read"}, nil, false},
		"wildcard expanded":              {[]string{"inventory:*"}, []string{"inventory:read", "inventory:write"}, true},
		"wildcard expanded, and more":    {[]string{"inventory:*"}, []string{"inventory:read", "inventory:write", "inventory:adjust"}, true},
		"wildcard expanded in part":      {[]string{"inventory:*"}, []string{"inventory:read"}, false},
		"wildcard of one scope expanded": {[]string{"reports:*"}, []string{"reports:read"}, true},
		"wildcard kept":                  {[]string{"inventory:*"}, []string{"inventory:*"}, true},
		"wildcard dropped":               {[]string{"inventory:*"}, nil, false},
		"wildcard beside its scope":      {[]string{"inventory:*", "inventory:read"}, []string{"inventory:*"}, true},
		"scopes beside their wildcard":   {[]string{"inventory:*"}, []string{"inventory:*", "inventory:read"}, true},
		"widened to a wildcard":          {[]string{"inventory:read", "inventory:write"}, []string{"inventory:*"}, false},
		"widened to everything":          {[]string{"inventory:*"}, []string{"*"}, false},
		"everything expanded":            {[]string{"*"}, single, true},
		"everything as wildcards":        {[]string{"*"}, []string{"inventory:*", "forecast:*", "planning:*", "procurement:*", "shipping:*", "reports:*", "admin:*"}, true},
		"everything less one":            {[]string{"*"}, single[1:], false},
		"unknown area's wildcard":        {[]string{"products:*"}, []string{"products:*"}, true},
		"unknown area's expanded":        {[]string{"products:*"}, []string{"products:read"}, false},
		"unknown scopes":                 {[]string{"x.y", "z"}, []string{"z", "x.y"}, true},
		"an empty scope from the server": {[]string{"a:read"}, []string{"a:read", ""}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := SameCoverage(test.wanted, test.got); got != test.want {
				t.Errorf("SameCoverage(%q, %q) = %v", test.wanted, test.got, got)
			}
		})
	}
}

// TestSameCoverageExhaustively compares with a definition by sets over all pairs of subsets of a small universe.
func TestSameCoverageExhaustively(t *testing.T) {
	t.Parallel()
	universe := []string{"inventory:read", "inventory:write", "inventory:*", "reports:read", "reports:*", "*"}
	for i := range 1 << len(universe) {
		wanted := subset(universe, i)
		for j := range 1 << len(universe) {
			got := subset(universe, j)
			want := reflect.DeepEqual(naiveCover(wanted), naiveCover(got))
			for _, scope := range got {
				want = want && (!strings.HasSuffix(scope, "*") || naiveAllows(wanted, scope))
			}
			if SameCoverage(wanted, got) != want {
				t.Errorf("SameCoverage(%q, %q) = %v", wanted, got, !want)
			}
		}
	}
}

func subset(universe []string, bits int) []string {
	var chosen []string
	for i, scope := range universe {
		if bits>>i&1 == 1 {
			chosen = append(chosen, scope)
		}
	}
	return chosen
}

// naiveCover is the set of the catalogue's single scopes that granted allows.
func naiveCover(granted []string) map[string]bool {
	cover := map[string]bool{}
	for _, info := range Catalogue() {
		if info.Action != "*" && naiveAllows(granted, info.Name) {
			cover[info.Name] = true
		}
	}
	return cover
}

// naiveAllows says the rule of the vendor's page in another way: by splitting.
func naiveAllows(granted []string, wanted string) bool {
	if slices.Contains(granted, wanted) {
		return true
	}
	if wanted == "" {
		return false
	}
	if slices.Contains(granted, "*") {
		return true
	}
	parts := strings.Split(wanted, ":")
	for n := 1; n < len(parts); n++ {
		if area := strings.Join(parts[:n], ":"); area != "" && slices.Contains(granted, area+":*") {
			return true
		}
	}
	return false
}

func FuzzAllows(f *testing.F) {
	f.Add("inventory:*,a:read", "inventory:read")
	f.Add("*", "x")
	f.Add("a:b:*,:*", "a:b:c")
	f.Fuzz(func(t *testing.T, list, wanted string) {
		granted := strings.Split(list, ",")
		if got, want := Allows(granted, wanted), naiveAllows(granted, wanted); got != want {
			t.Errorf("Allows(%q, %q) = %v, want %v", granted, wanted, got, want)
		}
		if !SameCoverage(granted, granted) {
			t.Errorf("%q does not cover itself", granted)
		}
		if narrower := SameCoverage([]string{wanted}, granted) && !Allows([]string{wanted}, granted[0]); narrower {
			t.Errorf("%q counts as %q although it grants more", granted, wanted)
		}
	})
}

func BenchmarkAllows(b *testing.B) {
	granted := []string{"forecast:read", "planning:*", "procurement:read", "shipping:read", "inventory:*"}
	for b.Loop() {
		_ = Allows(granted, "inventory:write")
	}
}

func BenchmarkSameCoverage(b *testing.B) {
	wanted := []string{"inventory:*", "forecast:read"}
	got := []string{"inventory:read", "inventory:write", "forecast:read"}
	for b.Loop() {
		_ = SameCoverage(wanted, got)
	}
}
