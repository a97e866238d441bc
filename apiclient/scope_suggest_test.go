package apiclient

import (
	"strings"
	"testing"
)

func TestSuggestScope(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"inventory.read":    "inventory:read",
		"inventory/read":    "inventory:read",
		"inventory_read":    "inventory:read",
		"inventory-read":    "inventory:read",
		"inventory read":    "inventory:read",
		"inventory::read":   "inventory:read",
		" inventory:read ":  "inventory:read",
		"Inventory:Read":    "inventory:read",
		"INVENTORY.WRITE":   "inventory:write",
		"inventroy:read":    "inventory:read",
		"inventory:raed":    "inventory:read",
		"inventroy:raed":    "inventory:read",
		"invntory:wrte":     "inventory:write",
		"forecasts:read":    "forecast:read",
		"forecasting:write": "forecast:write",
		"report:read":       "reports:read",
		"plan:read":         "planning:read",
		"inventory:reads":   "inventory:read",
		"inventory":         "inventory:read",
		"Forecasting":       "forecast:read",
		"admin":             "admin:read",
		"admin:":            "admin:read",
		"read:inventory":    "inventory:read",
		"inventory.*":       "inventory:*",
		"planing:*":         "planning:*",
		"inventory:**":      "",
		"reports:write":     "",
		"inventory:adjust":  "",
		"inventory:delete":  "",
		"transfers:read":    "",
		"products.read":     "",
		"customers":         "",
		"a":                 "",
		"":                  "",
		":":                 "",
		"**":                "",
		"a:b:c":             "",
		"inventory:read":    "",
		"planning:*":        "",
		"*":                 "",
	} {
		got, ok := SuggestScope(in)
		if got != want || ok != (want != "") {
			t.Errorf("SuggestScope(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
}

// Every slip of one letter in a catalogue scope leads back to it.
func TestSuggestScopeEverySlip(t *testing.T) {
	t.Parallel()
	for _, info := range Catalogue() {
		if info.Action == "*" {
			continue
		}
		scope := info.Name
		slips := []string{strings.ToUpper(scope), strings.Replace(scope, ":", ".", 1)}
		for i := range len(scope) {
			if scope[i] == ':' {
				continue
			}
			slips = append(slips, scope[:i]+scope[i+1:], scope[:i]+"q"+scope[i:], scope[:i]+"q"+scope[i+1:])
			if i > 0 && scope[i-1] != ':' && scope[i-1] != scope[i] {
				slips = append(slips, scope[:i-1]+scope[i:i+1]+scope[i-1:i]+scope[i+1:])
			}
		}
		for _, slip := range slips {
			if got, _ := SuggestScope(slip); got != scope {
				t.Errorf("SuggestScope(%q) = %q, want %q", slip, got, scope)
			}
		}
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]int{
		{"", ""}:                   0,
		{"", "abc"}:                3,
		{"abc", "abc"}:             0,
		{"abc", "acb"}:             1,
		{"kitten", "sitting"}:      3,
		{"ca", "abc"}:              3,
		{"ä", "a"}:                 1,
		{"wirte", "write"}:         1,
		{"inventroy", "inventory"}: 1,
	} {
		if got := editDistance(pair[0], pair[1]); got != want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", pair[0], pair[1], got, want)
		}
		if got := editDistance(pair[1], pair[0]); got != want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", pair[1], pair[0], got, want)
		}
	}
}

func FuzzSuggestScope(f *testing.F) {
	f.Add("inventory.read")
	f.Add("ß:*")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := SuggestScope(s)
		if ok != (got != "") || ok && (!KnownScope(got) || got == s) {
			t.Errorf("SuggestScope(%q) = %q, %v", s, got, ok)
		}
		if again, more := SuggestScope(got); more {
			t.Errorf("SuggestScope(%q) = %q, whose suggestion is %q", s, got, again)
		}
	})
}

func BenchmarkSuggestScope(b *testing.B) {
	for b.Loop() {
		_, _ = SuggestScope("inventroy.raed")
	}
}
