package apiclient

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	terraformMarker  Marker = "tf:1a2b3c4d"
	kubernetesMarker Marker = "k8s:0a1b2c3d:0123456789ab"
)

func TestNewTerraformMarker(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^tf:[0-9a-f]{8}$`)
	seen := map[Marker]bool{}
	for range 1000 {
		m, err := NewTerraformMarker()
		if err != nil {
			t.Fatal(err)
		}
		if !shape.MatchString(string(m)) {
			t.Fatalf("%q is not well-formed", m)
		}
		seen[m] = true
	}
	if len(seen) < 999 { // two equal ones among 1000 happen once in 8,600 runs, three never
		t.Errorf("only %d of 1000 markers differ", len(seen))
	}
}

func TestKubernetesMarker(t *testing.T) {
	t.Parallel()
	const cluster = "5f0c1ae0-90b7-4c5c-8ff3-0b6f1e4a7d11"
	tests := map[string]struct {
		cluster, object string
		want            Marker
	}{
		"uid":            {cluster, "123e4567-e89b-12d3-a456-426614174000", "k8s:13c38d9e:123e4567e89b"},
		"upper case":     {cluster, "123E4567-E89B-12D3-A456-426614174000", "k8s:13c38d9e:123e4567e89b"},
		"no hyphens":     {cluster, "123e4567e89b12d3a456426614174000", "k8s:13c38d9e:123e4567e89b"},
		"other cluster":  {"prod", "123e4567-e89b-12d3-a456-426614174000", "k8s:6754af96:123e4567e89b"},
		"no uid: hashed": {cluster, "not-a-uid-at-all", "k8s:13c38d9e:06f037ab630e"},
		"short: hashed":  {cluster, "123e4567", "k8s:13c38d9e:458d140bd54d"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := KubernetesMarker(test.cluster, test.object)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if name := got.Append("x"); StripMarkers(name) != "x" {
				t.Errorf("not well-formed: %q", got)
			}
		})
	}
}

func TestMarkerAppend(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		marker     Marker
		name, want string
	}{
		"plain":               {terraformMarker, "Production API Key", "Production API Key [tf:1a2b3c4d]"},
		"there at the end":    {terraformMarker, "Key [tf:1a2b3c4d]", "Key [tf:1a2b3c4d]"},
		"there in the middle": {terraformMarker, "Key [tf:1a2b3c4d] copy", "Key [tf:1a2b3c4d] copy"},
		"another one there":   {terraformMarker, "Key [tf:ffffffff]", "Key [tf:ffffffff] [tf:1a2b3c4d]"},
		"empty name":          {terraformMarker, "", " [tf:1a2b3c4d]"},
		"no marker":           {"", "Key", "Key"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.marker.Append(test.name); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestMarkerIn(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Key [tf:1a2b3c4d]":     true,
		"[tf:1a2b3c4d] Key":     true,
		"Ke[tf:1a2b3c4d]y":      true,
		"Key [tf:1a2b3c4d":      false,
		"Key tf:1a2b3c4d":       false,
		"Key [tf:1a2b3c4d5]":    false,
		"Key [TF:1A2B3C4D]":     false,
		"Key [k8s:tf:1a2b3c4d]": false,
		"Key [tf:1a2b3c4e]":     false,
		"":                      false,
	} {
		if got := terraformMarker.In(name); got != want {
			t.Errorf("In(%q) = %v", name, got)
		}
	}
	if Marker("").In("Key []") {
		t.Error("the zero Marker is found")
	}
}

func TestStripMarkers(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Key [tf:1a2b3c4d]":                               "Key",
		"Key [k8s:0a1b2c3d:0123456789ab]":                 "Key",
		"Key [tf:1a2b3c4d] copy":                          "Key copy",
		"[tf:1a2b3c4d] Key":                               " Key",
		"Key  [tf:1a2b3c4d]":                              "Key ",
		"Key[tf:1a2b3c4d]":                                "Key",
		"Key [tf:1a2b3c4d] [tf:00000000]":                 "Key",
		"a [tf:1a2b3c4d] b [k8s:0a1b2c3d:0123456789ab] c": "a b c",
		"[tf:1a2b3c4d]":                                   "",
		"Key [tf:[tf:1a2b3c4d]00000000]":                  "Key",
		"Key [prod]":                                      "Key [prod]",
		"Key [tf:1a2b3c4]":                                "Key [tf:1a2b3c4]",
		"Key [tf:1A2B3C4D]":                               "Key [tf:1A2B3C4D]",
		"Key [tf:1a2b3c4g]":                               "Key [tf:1a2b3c4g]",
		"Key [k8s:0a1b2c3d]":                              "Key [k8s:0a1b2c3d]",
		"Key [k8s:0a1b2c3d:0123456789abc]":                "Key [k8s:0a1b2c3d:0123456789abc]",
		"Key (tf:1a2b3c4d)":                               "Key (tf:1a2b3c4d)",
		"":                                                "",
	} {
		if got := StripMarkers(name); got != want {
			t.Errorf("StripMarkers(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestMarkersIn(t *testing.T) {
	t.Parallel()
	got := MarkersIn("a [k8s:0a1b2c3d:0123456789ab] b[tf:1a2b3c4d] [tf:short] [x]")
	if want := []Marker{kubernetesMarker, terraformMarker}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := MarkersIn("Key [prod]"); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestMarkerAppendWithin(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long name ", 20)
	tests := map[string]struct {
		marker Marker
		name   string
		max    int
		want   string
	}{
		"fits":                {terraformMarker, "Key", 100, "Key [tf:1a2b3c4d]"},
		"fits exactly":        {terraformMarker, "Key", 17, "Key [tf:1a2b3c4d]"},
		"one too long":        {terraformMarker, "Forecast reader", 28, "Forec-b849282e [tf:1a2b3c4d]"},
		"there already":       {terraformMarker, "Key [tf:1a2b3c4d]", 100, "Key [tf:1a2b3c4d]"},
		"there and too long":  {terraformMarker, "Forecast reader [tf:1a2b3c4d]", 28, "Forec-b849282e [tf:1a2b3c4d]"},
		"in the kube form":    {kubernetesMarker, long, 50, "long name lon-c7b54ac3 [k8s:0a1b2c3d:0123456789ab]"},
		"no space before '-'": {terraformMarker, "long name here too", 28, "long-21592846 [tf:1a2b3c4d]"},
		"runes, not bytes":    {terraformMarker, "äöüßéñ", 20, "äöüßéñ [tf:1a2b3c4d]"},
		"room for hash only":  {terraformMarker, long, 22, "c7b54ac3 [tf:1a2b3c4d]"},
		"less than the hash":  {terraformMarker, long, 17, "c7b [tf:1a2b3c4d]"},
		"no room":             {terraformMarker, long, 14, "[tf:1a2b3c4d]"},
		"no room at all":      {terraformMarker, long, 0, "[tf:1a2b3c4d]"},
		"negative":            {terraformMarker, long, -5, "[tf:1a2b3c4d]"},
		"zero marker":         {"", long, 12, "lon-c7b54ac3"},
		"zero marker, no max": {"", long, -1, ""},
		"invalid UTF-8":       {terraformMarker, "a\xffb", 100, "a\ufffdb [tf:1a2b3c4d]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.marker.AppendWithin(test.name, test.max); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Two long names that begin alike must not become one key name: a person could not tell the keys apart.
func TestMarkerAppendWithinKeepsNamesApart(t *testing.T) {
	t.Parallel()
	prefix := strings.Repeat("namespace/", 12)
	seen := map[string]string{}
	for i := range 5000 {
		name := fmt.Sprintf("%s%d", prefix, i)
		got := terraformMarker.AppendWithin(name, 100)
		if other, taken := seen[got]; taken {
			t.Fatalf("%q and %q both become %q", name, other, got)
		}
		seen[got] = name
	}
}

func FuzzMarkerRoundTrip(f *testing.F) {
	for _, name := range []string{
		"", "Key", "Key ", "Key [tf:1a2b3c4d]", "Key [tf:[tf:1a2b3c4d]1a2b3c4d]", "[tf:", "[k8s:0a1b2c3d:", "ä\xff", "[tf:00000000",
	} {
		f.Add(name, 30)
	}
	f.Fuzz(func(t *testing.T, name string, limit int) {
		stripped := StripMarkers(name)
		if again := StripMarkers(stripped); again != stripped || MarkersIn(stripped) != nil {
			t.Errorf("StripMarkers(%q) leaves %q, then %q", name, stripped, again)
		}
		for _, m := range []Marker{terraformMarker, kubernetesMarker} {
			marked := m.Append(name)
			if !m.In(marked) || m.Append(marked) != marked {
				t.Errorf("Append(%q) = %q is not marked, or not idempotent", name, marked)
			}
			if got := StripMarkers(marked); got != stripped {
				t.Errorf("StripMarkers(%q) = %q, want %q", marked, got, stripped)
			}
			checkWithin(t, m, name, limit)
			checkWithin(t, m, name, 100)
		}
	})
}

func checkWithin(t *testing.T, m Marker, name string, limit int) {
	t.Helper()
	got := m.AppendWithin(name, limit)
	most := max(limit, utf8.RuneCountInString(m.bracketed()))
	if !m.In(got) || !utf8.ValidString(got) || utf8.RuneCountInString(got) > most {
		t.Errorf("AppendWithin(%q, %d) = %q", name, limit, got)
	}
	if again := m.AppendWithin(got, limit); again != got {
		t.Errorf("AppendWithin(%q, %d) = %q, again %q", name, limit, got, again)
	}
}
